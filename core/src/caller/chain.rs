//! Chains: whether the policy admits the parties and each hop between them.

use serde::Serialize;

use crate::decision::{Denial, Reason};
use crate::model::identifier;
use crate::policy::{Inner, entity_id, fill};
use crate::query::{Grounds, View};
use crate::snapshot::{CheckHops, DelegationRecord, HopAuthority, HopRecord, HopTuple};
use crate::time::UnixSeconds;

use super::parties::{Party, quoted, type_of};

pub(super) fn delegation(policy: &Inner) -> Result<&DelegationRecord, Denial> {
    policy.trust.delegation.as_ref().ok_or_else(|| {
        Denial::new(
            Reason::ChainNoDelegation,
            "the snapshot has no `delegation` section, so nobody acts for another",
        )
    })
}

pub(super) fn check_depth(delegation: &DelegationRecord, actors: usize) -> Result<(), Denial> {
    if actors <= delegation.max_depth as usize {
        return Ok(());
    }
    let limit = delegation.max_depth;
    Err(Denial::new(
        Reason::ChainDepth,
        format!("the chain has {actors} actors; `max_depth` is {limit}"),
    ))
}

/// What must be true of a chain whatever is asked: its form, and its parties.
pub(super) fn check(
    policy: &Inner,
    chain: &[Party],
    now: UnixSeconds,
    issued_at: Option<UnixSeconds>,
) -> Result<(), Denial> {
    let Some(root) = chain.first() else {
        return Err(Denial::new(Reason::ChainEmpty, "the chain names nobody"));
    };
    if chain.len() > 1 {
        check_depth(delegation(policy)?, chain.len() - 1)?;
    }
    for (i, party) in chain.iter().enumerate() {
        let principal = &party.principal;
        // One identity stays one, whatever principals its places make of it.
        let same = |p: &Party| {
            p.principal == *principal
                || (p.subject.is_some()
                    && (&p.issuer, &p.subject) == (&party.issuer, &party.subject))
        };
        if chain.iter().take(i).any(same) {
            let who = quoted(principal);
            return Err(Denial::new(
                Reason::ChainCycle,
                format!("{who} occurs twice in the chain"),
            ));
        }
        check_principal(policy, principal, now)?;
        policy
            .trust
            .issuers
            .revoked()
            .check_principal(principal, issued_at)?;
    }
    if let Some(delegation) = &policy.trust.delegation {
        let kind = type_of(&root.principal);
        if !delegation.roots.iter().any(|root| root == kind) {
            let who = quoted(&root.principal);
            let wanted = delegation.roots.join("`, `");
            return Err(Denial::new(
                Reason::ChainRootType,
                format!("the chain starts at {who}; it must start at a `{wanted}`"),
            ));
        }
    }
    Ok(())
}

/// Whether a principal is one at all, and in force.
pub(crate) fn check_principal(
    policy: &Inner,
    principal: &str,
    now: UnixSeconds,
) -> Result<(), Denial> {
    let who = || quoted(principal);
    if let Err(reason) = identifier::object(principal) {
        let message = format!("{}: {reason}", who());
        return Err(Denial::new(Reason::PrincipalMalformed, message));
    }
    let entities = policy.directory.entities();
    if let Some(id) = entity_id(principal)
        && entities.entity(id).is_none()
        && (entities.entities().len() > 0
            || policy.plan.type_id(crate::entity::ENTITY_TYPE).is_none())
    {
        let message = format!("the entity {} is not in the snapshot", who());
        return Err(Denial::new(Reason::PrincipalUnknown, message));
    }
    let Some(record) = policy.directory.principal(principal) else {
        return Ok(());
    };
    if record.disabled {
        let message = format!("{} is disabled", who());
        return Err(Denial::new(Reason::PrincipalDisabled, message));
    }
    if let Some(last) = record.not_after
        && now > UnixSeconds(last)
    {
        let message = format!("{} counted until {last}; it is {now}", who());
        let until = UnixSeconds(last).plus(1);
        return Err(Denial::ended(Reason::PrincipalExpired, message, until, now));
    }
    Ok(())
}

/// How a caller's hops stand.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hops {
    /// A condition waits for what a question's context says.
    waits: bool,
    /// Of each hop: whether it is enough for whoever acts. Nothing where no
    /// hop is.
    delegated: Vec<bool>,
}

impl Hops {
    /// None can be settled yet.
    pub(super) fn waiting() -> Self {
        Self {
            waits: true,
            delegated: Vec::new(),
        }
    }

    /// Whether each question must ask again, with its own context.
    pub(crate) fn wait(&self) -> bool {
        self.waits
    }

    /// Whether the hop that leads to the party at this place of the chain is
    /// enough for it.
    pub(crate) fn delegated(&self, place: usize) -> bool {
        let hop = place.checked_sub(1);
        hop.is_some_and(|hop| self.delegated.get(hop) == Some(&true))
    }
}

/// Whether every hop that is looked at is admitted, and how.
pub(crate) fn check_hops(policy: &Inner, view: &View<'_>, chain: &[Party]) -> Result<Hops, Denial> {
    let (Some(first), Some(last), true) = (chain.first(), chain.last(), chain.len() > 1) else {
        return Ok(Hops::default());
    };
    let delegation = delegation(policy)?;
    let mut hops = Hops::default();
    if delegation.check_hops == CheckHops::Last {
        check_hop(delegation, view, &first.principal, &last.principal)?;
        return Ok(hops);
    }
    let mut some = false;
    for pair in chain.windows(2) {
        if let [from, to] = pair {
            let admitted = check_hop(delegation, view, &from.principal, &to.principal)?;
            some |= admitted == Admitted::Delegated;
            hops.waits |= admitted == Admitted::Waiting;
            hops.delegated.push(admitted == Admitted::Delegated);
        }
    }
    if !some {
        hops.delegated = Vec::new();
    }
    Ok(hops)
}

/// The grants of which any would admit a hop.
fn admitting<'a>(
    delegation: &'a DelegationRecord,
    from: &'a str,
    to: &'a str,
) -> impl Iterator<Item = (&'a HopRecord, &'a HopTuple, String, String)> {
    let rules = delegation
        .hops
        .iter()
        .filter(move |rule| rule.from == type_of(from) && rule.to == type_of(to));
    let tuples = rules.flat_map(|rule| rule.any_of.iter().map(move |tuple| (rule, tuple)));
    tuples.filter_map(move |(rule, tuple)| {
        let party = |name: &str| match name {
            "from" => Some(from),
            "to" => Some(to),
            _ => None,
        };
        let (user, object) = (fill(&tuple.user, party)?, fill(&tuple.object, party)?);
        Some((rule, tuple, user, object))
    })
}

/// One hop of a chain, and what it rests on.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Hop {
    /// The principal that hands on.
    pub from: String,
    /// The principal that acts.
    pub to: String,
    /// Whether it is admitted.
    pub allowed: bool,
    /// What admits it; of a hop that is not admitted, each grant that would
    /// have.
    pub grounds: Vec<HopGrounds>,
}

/// A rule about a hop, and what it came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HopGrounds {
    /// The rule, as the snapshot's `delegation` has it.
    pub rule: HopTuple,
    /// What the rule asks for, of these two.
    #[serde(flatten)]
    pub grounds: Grounds,
}

/// Every hop that is looked at. It asks what [`check_hops`] asked, and decides
/// nothing.
pub(crate) fn hops(delegation: &DelegationRecord, view: &View<'_>, chain: &[Party]) -> Vec<Hop> {
    let pairs: Vec<(&str, &str)> = match (delegation.check_hops, chain) {
        (CheckHops::Last, [first, .., last]) => vec![(&first.principal, &last.principal)],
        _ => chain
            .windows(2)
            .filter_map(|hop| match hop {
                [from, to] => Some((from.principal.as_str(), to.principal.as_str())),
                _ => None,
            })
            .collect(),
    };
    let one = |(from, to): (&str, &str)| {
        let mut hop = Hop {
            from: from.to_owned(),
            to: to.to_owned(),
            allowed: false,
            grounds: Vec::new(),
        };
        for (_, rule, user, object) in admitting(delegation, from, to) {
            let relation = &rule.relation;
            let grounds = HopGrounds {
                rule: rule.clone(),
                grounds: view.grounds(&user, relation, &object),
            };
            if view.may(&user, relation, &object) == Ok(true) {
                hop.allowed = true;
                hop.grounds = vec![grounds];
                break;
            }
            hop.grounds.push(grounds);
        }
        hop
    };
    pairs.into_iter().map(one).collect()
}

/// How a hop is admitted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Admitted {
    /// Whoever acts needs an authority of its own.
    Plainly,
    /// The same, unless a condition says otherwise that a question's context
    /// may settle.
    Waiting,
    /// By a rule of which the hop is enough.
    Delegated,
}

fn check_hop(
    delegation: &DelegationRecord,
    view: &View<'_>,
    from: &str,
    to: &str,
) -> Result<Admitted, Denial> {
    let mut wanted = Vec::new();
    let mut failed = None;
    let mut admitted = None;
    let mut waits = false;
    for (rule, tuple, user, object) in admitting(delegation, from, to) {
        let relation = &tuple.relation;
        let delegates = rule.actor_authority == Some(HopAuthority::Delegated);
        if admitted.is_some() && !delegates {
            continue;
        }
        match view.may(&user, relation, &object) {
            Ok(true) if delegates && names_both(view, &user, relation, &object) => {
                return Ok(Admitted::Delegated);
            }
            Ok(true) => admitted = Some(Admitted::Plainly),
            Ok(false) => {}
            Err(error) => {
                waits |= delegates && error.code().starts_with("condition.");
                failed = failed.or(Some(error));
            }
        }
        wanted.push(format!("`{user} {relation} {object}`"));
    }
    if let Some(admitted) = admitted {
        return Ok(if waits { Admitted::Waiting } else { admitted });
    }
    // An unknown type or relation means that the model admits no such hop. All
    // other errors say why it could not be told.
    if let Some(error) = failed
        && !error.code().starts_with("request.")
    {
        return Err(error.into());
    }
    let (from, to) = (quoted(from), quoted(to));
    let message = match wanted.is_empty() {
        true => format!("no rule in `hops` is about {from} handing on to {to}"),
        false => format!(
            "{from} may not hand on to {to}; any of these would admit it: {}",
            wanted.join(", ")
        ),
    };
    Err(Denial::new(Reason::ChainHopNotPermitted, message))
}

/// A hop that everybody of a type is admitted to names nobody, so it is not
/// enough for anybody. What cannot be told is not enough either.
fn names_both(view: &View<'_>, user: &str, relation: &str, object: &str) -> bool {
    let everybody = format!("{}:*", type_of(user));
    view.may(&everybody, relation, object) == Ok(false)
}
