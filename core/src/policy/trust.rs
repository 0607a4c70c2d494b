//! Trust: whose tokens count, what scopes mean, and who may act for whom.

use std::collections::{BTreeMap, BTreeSet};

use crate::json::shorten;
use crate::reading::{Mapping, ReadingFault, Template};
use crate::scope::{Reach, ScopeContext, ScopePolicy, ScopeSections, ScopeSet};
use crate::snapshot::{DelegationRecord, Snapshot, SnapshotError, SnapshotErrorKind};
use crate::token::{IssuerFault, Issuers, TokenError};

use super::delegated;
use super::directory;
use super::holders::Relations;
use super::plan::Plan;
use super::warning::{REVOKED_KEY, REVOKED_PRINCIPAL, REVOKED_TOKEN};

/// The sections about tokens, checked.
#[derive(Debug, Default)]
pub(crate) struct Trust {
    /// The issuers, in the order of their names.
    pub(crate) issuers: Issuers,
    /// What scopes mean.
    pub(crate) scopes: ScopePolicy,
    /// Who may act for whom.
    pub(crate) delegation: Option<DelegationRecord>,
    /// What principals may use as actors.
    pub(crate) actor_scopes: BTreeMap<String, Reach>,
}

impl Trust {
    /// Checks the sections.
    pub(super) fn compile(snapshot: &Snapshot<'_>, plan: &Plan) -> Result<Self, SnapshotError> {
        let mut issuers = Issuers::compile(&snapshot.issuers, &snapshot.revoked)
            .map_err(|e| SnapshotErrorKind::Issuer(Box::new(e.fault)).at(e.pointer))?;
        delegated::check(snapshot, plan)?;
        let delegated = delegated::rests_on(snapshot, plan);
        issuers.judge_mappings(|mapping| takes_away(plan, &delegated, mapping));
        // A slip here would revoke nobody, without a word.
        for principal in snapshot.revoked.principals.keys() {
            let member = principal.replace('~', "~0").replace('/', "~1");
            directory::object(principal, || format!("/revoked/principals/{member}"))?;
        }
        for (i, issuer) in issuers.iter().enumerate() {
            for (j, reading) in issuer.readings.iter().enumerate() {
                let pointer = match issuer.readings.are_listed() {
                    true => format!("/issuers/{i}/readings/{j}"),
                    false => format!("/issuers/{i}"),
                };
                for (k, mapping) in reading.mappings.iter().enumerate() {
                    check_mapping(mapping, plan, &format!("{pointer}/claims/{k}"))?;
                }
            }
        }
        let scopes = ScopePolicy::compile(&ScopeSections {
            scopes: snapshot.scopes.clone(),
            aliases: snapshot.scope_aliases.clone(),
            dialects: snapshot.scope_dialects.clone(),
            details: snapshot.authorization_details.clone(),
        })
        .map_err(|e| SnapshotErrorKind::Scopes(Box::new(e.fault)).at(e.pointer))?;
        let mut actor_scopes = BTreeMap::new();
        for (i, principal) in snapshot.principals.iter().enumerate() {
            let refused = |e| SnapshotErrorKind::Scope(e).at(format!("/principals/{i}/scopes"));
            let each = principal.scopes.iter().map(String::as_str);
            let set = ScopeSet::from_tokens(each).map_err(refused)?;
            let reach = scopes
                .reach(&set, ScopeContext::default())
                .map_err(refused)?;
            actor_scopes.insert(principal.id.clone(), reach);
        }
        Ok(Self {
            issuers,
            scopes,
            delegation: snapshot.delegation.clone(),
            actor_scopes,
        })
    }

    /// What in `revoked` takes nothing back, with code, pointer and words.
    /// `known` says whether a section names a principal.
    pub(super) fn idle_revocations(
        &self,
        snapshot: &Snapshot<'_>,
        known: impl Fn(&str) -> bool,
    ) -> Vec<(&'static str, String, String)> {
        let mut idle = Vec::new();
        let revoked = &snapshot.revoked;
        for (i, _) in (0..).zip(&revoked.tokens).filter(|(_, id)| id.is_empty()) {
            let text = "a token's id is empty: it revokes no token";
            idle.push((
                REVOKED_TOKEN,
                format!("/revoked/tokens/{i}"),
                text.to_owned(),
            ));
        }
        for (i, key) in (0..).zip(&revoked.keys) {
            let text = match self.issuers.find(&key.issuer) {
                Err(_) => format!("no issuer is named `{}`", shorten(&key.issuer, 100)),
                Ok((_, issuer)) => match issuer.keys.find(Some(&key.kid)) {
                    Err(TokenError::KeyUnknown { .. }) => format!(
                        "`{}` has no key `{}`",
                        shorten(&key.issuer, 100),
                        shorten(&key.kid, 100)
                    ),
                    _ => continue,
                },
            };
            idle.push((REVOKED_KEY, format!("/revoked/keys/{i}"), text));
        }
        let readings = self
            .issuers
            .iter()
            .flat_map(|issuer| issuer.readings.iter());
        let templates = readings.flat_map(|reading| [&reading.subject, &reading.actor]);
        let types: BTreeSet<&str> = templates.flatten().map(Template::type_name).collect();
        for principal in revoked.principals.keys() {
            let type_name = principal.split_once(':').map_or("", |(t, _)| t);
            if types.contains(type_name) || known(principal) {
                continue;
            }
            let member = principal.replace('~', "~0").replace('/', "~1");
            idle.push((
                REVOKED_PRINCIPAL,
                format!("/revoked/principals/{member}"),
                format!("nothing names `{}`", shorten(principal, 100)),
            ));
        }
        idle
    }
}

/// Whether the model may take something away by what a mapping gives. What
/// cannot be told, may.
fn takes_away(plan: &Plan, delegated: &Relations, mapping: &Mapping) -> bool {
    let on = |type_id| {
        let relation = plan.relation(type_id, &mapping.relation);
        relation.is_some_and(|id| plan.blocks(id) || delegated.has(id))
    };
    match mapping.object.type_name() {
        Some(name) => plan.type_id(name).is_none_or(on),
        // A party may be of any type: principals are listed.
        None => (0..).zip(&plan.types).any(|(type_id, _)| on(type_id)),
    }
}

/// What a mapping says must be something that the model can take in.
fn check_mapping(mapping: &Mapping, plan: &Plan, pointer: &str) -> Result<(), SnapshotError> {
    // A mapping that could never give a tuple would deny every token.
    if let Some(type_name) = mapping.object.type_name() {
        let known = plan
            .type_id(type_name)
            .and_then(|t| plan.relation(t, &mapping.relation));
        if known.is_none() {
            let kind = SnapshotErrorKind::Value {
                found: format!("{type_name}#{}", mapping.relation),
                expected: "a relation that the model defines",
            };
            return Err(kind.at(format!("{pointer}/tuple/relation")));
        }
    }
    if mapping.takes_away && mapping.passes_over() {
        let fault = Box::new(IssuerFault::Reading(ReadingFault::PassOver));
        return Err(SnapshotErrorKind::Issuer(fault).at(format!("{pointer}/unfit")));
    }
    Ok(())
}
