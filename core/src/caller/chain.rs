//! Chains: who is at which place of a token, and whether the policy admits it.

use serde::{Deserialize, Serialize};

use crate::model::identifier;
use crate::policy::{Inner, entity_id, fill};
use crate::query::{Grounds, View};
use crate::snapshot::{CheckHops, DelegationRecord, HopTuple};
use crate::time::UnixSeconds;
use crate::token::{ChainConvention, Claims, Issuer, MayAct};

use super::reason::{Denial, Reason};

/// One party of a chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Party {
    /// The principal, `type:id`.
    pub principal: String,
    /// The issuer that knows it, where it comes from a token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// Its `sub` there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
}

impl Party {
    /// A party that a host vouches for.
    pub(super) fn vouched(principal: &str) -> Self {
        Self {
            principal: principal.to_owned(),
            issuer: None,
            subject: None,
        }
    }
}

/// A party as a token names it.
#[derive(Clone, Copy)]
pub(super) struct Named<'c> {
    pub(super) issuer: &'c str,
    pub(super) subject: &'c str,
    /// Claims about it, for templates.
    pub(super) claims: &'c serde_json::Map<String, serde_json::Value>,
    /// It is an actor, not the subject.
    acts: bool,
}

/// The parties of a verified token, subject first, current actor last.
pub(super) fn read(policy: &Inner, issuer: &Issuer, claims: &Claims) -> Result<Vec<Party>, Denial> {
    let named = named(policy, issuer, claims)?;
    if let (Some(actor), true) = (named.last(), named.len() > 1) {
        check_may_act(issuer, claims, actor)?;
    }
    named
        .iter()
        .map(|party| identify(policy, issuer, party))
        .collect()
}

/// The parties as the token names them, before anybody is looked up.
pub(super) fn named<'c>(
    policy: &Inner,
    issuer: &Issuer,
    claims: &'c Claims,
) -> Result<Vec<Named<'c>>, Denial> {
    let Some(sub) = &claims.subject else {
        return Err(Denial::new(
            Reason::IdentityMissing,
            "the token has no `sub`, so it speaks of nobody",
        ));
    };
    // Before anything is looked up: a long chain costs no more than its text.
    if !claims.actors.is_empty() {
        check_depth(delegation(policy)?, claims.actors.len())?;
    }
    check_complete(&claims.all)?;
    for actor in &claims.actors {
        check_complete(&actor.all)?;
    }
    let own = |acts| Named {
        issuer: &claims.issuer,
        subject: sub,
        claims: &claims.all,
        acts,
    };
    // `act` is read from the innermost, which is the oldest, outwards.
    let inwards = claims.actors.iter().rev();
    let mut named: Vec<Named<'_>> = inwards
        .map(|actor| Named {
            issuer: actor.issuer.as_ref().unwrap_or(&claims.issuer),
            subject: &actor.subject,
            claims: &actor.all,
            acts: true,
        })
        .collect();
    match issuer.chain {
        // RFC 8693 §4.1: `sub` is the subject, the outermost `act` acts.
        ChainConvention::Rfc8693 | ChainConvention::None => named.insert(0, own(false)),
        // The other way about: `sub` acts, for the innermost `act`.
        ChainConvention::SubjectIsActor => {
            if let Some(subject) = named.first_mut() {
                subject.acts = false;
            }
            named.push(own(true));
        }
    }
    Ok(named)
}

/// A chain that its own token calls cut short hides hops from every rule.
fn check_complete(claims: &serde_json::Map<String, serde_json::Value>) -> Result<(), Denial> {
    match claims.get("chain_complete") {
        None | Some(serde_json::Value::Bool(true)) => Ok(()),
        Some(serde_json::Value::Bool(false)) => Err(Denial::new(
            Reason::ChainIncomplete,
            "the token says by `chain_complete` that its chain is cut short",
        )),
        Some(_) => Err(Denial::new(
            Reason::TokenClaim,
            "the claim `chain_complete` must be `true` or `false`",
        )),
    }
}

/// The principal that a party is: always by issuer and subject together.
fn identify(policy: &Inner, issuer: &Issuer, party: &Named<'_>) -> Result<Party, Denial> {
    let found = |principal: String| Party {
        principal,
        issuer: Some(party.issuer.to_owned()),
        subject: Some(party.subject.to_owned()),
    };
    let unknown = || {
        let (subject, issuer) = (quoted(party.subject), quoted(party.issuer));
        Denial::new(
            Reason::IdentityUnknown,
            format!("no principal is known as {subject} to the issuer {issuer}"),
        )
    };
    let foreign = party.issuer != issuer.name;
    // An issuer speaks for its own subjects alone. An actor may be another's
    // (RFC 8693 §4.1), since what it is can only take away.
    if foreign && !party.acts {
        let (own, other) = (quoted(&issuer.name), quoted(party.issuer));
        return Err(Denial::new(
            Reason::IdentityForeign,
            format!("a token of {own} cannot speak for a subject of {other}"),
        ));
    }
    if let Some(principal) = policy.directory.identity(party.issuer, party.subject) {
        return Ok(found(principal.to_owned()));
    }
    let vouching = match foreign {
        false => issuer,
        true => {
            policy
                .trust
                .issuers
                .find(party.issuer)
                .map_err(|_| unknown())?
                .1
        }
    };
    let template = match party.acts {
        true => vouching.actor.as_deref(),
        false => vouching.subject.as_deref(),
    };
    let value = |name: &str| match name {
        "sub" => Some(party.subject),
        "iss" => Some(party.issuer),
        // What one issuer says of another's actor beyond its name is hearsay.
        _ if foreign => None,
        _ => party.claims.get(name).and_then(serde_json::Value::as_str),
    };
    let principal = template
        .and_then(|template| fill(template, value))
        .filter(|principal| identifier::object(principal).is_ok())
        .ok_or_else(unknown)?;
    // A principal that lists who it is to whom is known by these alone.
    let listed = policy.directory.principal(&principal);
    if listed.is_some_and(|record| !record.identities.is_empty()) {
        return Err(unknown());
    }
    Ok(found(principal))
}

impl<'c> Named<'c> {
    /// An actor that no token names yet.
    pub(super) fn actor(
        issuer: &'c str,
        subject: &'c str,
        claims: &'c serde_json::Map<String, serde_json::Value>,
    ) -> Self {
        Self {
            issuer,
            subject,
            claims,
            acts: true,
        }
    }
}

/// RFC 8693 §4.4: every claim of `may_act` identifies the actor, so each must
/// be the same of the one that acts.
pub(super) fn check_may_act(
    issuer: &Issuer,
    claims: &Claims,
    actor: &Named<'_>,
) -> Result<(), Denial> {
    let Some(MayAct { all, .. }) = &claims.may_act else {
        return Ok(());
    };
    let same = !all.is_empty()
        && all.iter().all(|(name, wanted)| match name.as_str() {
            "sub" => wanted.as_str() == Some(actor.subject),
            "iss" => wanted.as_str() == Some(actor.issuer),
            name => actor.claims.get(name) == Some(wanted),
        })
        // Without an issuer, `may_act` names an actor of the token's own.
        && (all.contains_key("iss") || actor.issuer == issuer.name)
        && all.contains_key("sub");
    if same {
        return Ok(());
    }
    Err(Denial::new(
        Reason::ChainMayAct,
        "the token's `may_act` names another actor than the one that acts",
    ))
}

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
pub(super) fn check_principal(
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
        return Err(Denial::new(Reason::PrincipalExpired, message));
    }
    Ok(())
}

/// Whether every hop that is looked at is admitted.
pub(super) fn check_hops(policy: &Inner, view: &View<'_>, chain: &[Party]) -> Result<(), Denial> {
    let (Some(first), Some(last), true) = (chain.first(), chain.last(), chain.len() > 1) else {
        return Ok(());
    };
    let delegation = delegation(policy)?;
    match delegation.check_hops {
        CheckHops::Last => check_hop(delegation, view, &first.principal, &last.principal),
        CheckHops::Every => chain.windows(2).try_for_each(|hop| match hop {
            [from, to] => check_hop(delegation, view, &from.principal, &to.principal),
            _ => Ok(()),
        }),
    }
}

/// The grants of which any would admit a hop.
fn admitting<'a>(
    delegation: &'a DelegationRecord,
    from: &'a str,
    to: &'a str,
) -> impl Iterator<Item = (&'a HopTuple, String, String)> {
    let rules = delegation
        .hops
        .iter()
        .filter(move |rule| rule.from == type_of(from) && rule.to == type_of(to));
    let tuples = rules.flat_map(|rule| &rule.any_of);
    tuples.filter_map(move |tuple| {
        let party = |name: &str| match name {
            "from" => Some(from),
            "to" => Some(to),
            _ => None,
        };
        let (user, object) = (fill(&tuple.user, party)?, fill(&tuple.object, party)?);
        Some((tuple, user, object))
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
pub(super) fn hops(delegation: &DelegationRecord, view: &View<'_>, chain: &[Party]) -> Vec<Hop> {
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
        for (rule, user, object) in admitting(delegation, from, to) {
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

fn check_hop(
    delegation: &DelegationRecord,
    view: &View<'_>,
    from: &str,
    to: &str,
) -> Result<(), Denial> {
    let mut wanted = Vec::new();
    let mut failed = None;
    for (rule, user, object) in admitting(delegation, from, to) {
        let relation = &rule.relation;
        match view.may(&user, relation, &object) {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            Err(error) => failed = failed.or(Some(error)),
        }
        wanted.push(format!("`{user} {relation} {object}`"));
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

/// `type` of `type:id`.
pub(super) fn type_of(principal: &str) -> &str {
    principal.split_once(':').map_or("", |(kind, _)| kind)
}

/// A text of a token or a request as a message shows it.
pub(super) fn quoted(text: &str) -> String {
    let short = crate::token::shorten(text, 100);
    format!("`{}`", short.escape_debug())
}
