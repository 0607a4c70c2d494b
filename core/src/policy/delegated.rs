//! Hops that are enough by themselves: refused where they would let an agent be
//! its person.

use crate::snapshot::{
    CheckHops, DelegationRecord, HopAuthority, HopRecord, HopTuple, Snapshot, SnapshotError,
    SnapshotErrorKind,
};
use crate::token::{ChainConvention, IssuerConfig, ScopeUse};

use super::holders::Relations;
use super::plan::{AllowedKind, Plan};

/// Checks each hop whose `actor_authority` is `delegated`.
pub(super) fn check(snapshot: &Snapshot<'_>, plan: &Plan) -> Result<(), SnapshotError> {
    let Some(delegation) = &snapshot.delegation else {
        return Ok(());
    };
    for (place, hop) in delegation.hops.iter().enumerate() {
        if hop.actor_authority == Some(HopAuthority::Delegated) {
            check_hop(delegation, hop, place, plan)?;
            check_issuers(&snapshot.issuers)?;
        }
    }
    Ok(())
}

/// The relations that such a hop rests on. One more tuple may let everybody
/// through, and a hop that everybody may make is enough for nobody.
pub(super) fn rests_on(snapshot: &Snapshot<'_>, plan: &Plan) -> Relations {
    let hops = snapshot.delegation.iter().flat_map(|d| &d.hops);
    let hops = hops.filter(|hop| hop.actor_authority == Some(HopAuthority::Delegated));
    let asked = hops.flat_map(|hop| {
        hop.any_of.iter().filter_map(|tuple| {
            let object = match tuple.object.as_str() {
                "{from}" => &hop.from,
                _ => &hop.to,
            };
            plan.relation(plan.type_id(object)?, &tuple.relation)
        })
    });
    plan.rests_on(asked.collect())
}

fn check_hop(
    delegation: &DelegationRecord,
    hop: &HopRecord,
    place: usize,
    plan: &Plan,
) -> Result<(), SnapshotError> {
    let pointer = format!("/delegation/hops/{place}");
    let refused = |needed, at: String| Err(SnapshotErrorKind::Delegated { needed }.at(at));
    // A hop that nobody looks at admits nobody.
    if delegation.check_hops == CheckHops::Last {
        let needed = "`check_hops` of `every`";
        return refused(needed, format!("{pointer}/actor_authority"));
    }
    for (number, tuple) in hop.any_of.iter().enumerate() {
        let pointer = format!("{pointer}/any_of/{number}");
        let parties = (tuple.user.as_str(), tuple.object.as_str());
        if !matches!(parties, ("{from}", "{to}") | ("{to}", "{from}")) {
            let needed = "a tuple of `{from}` and `{to}` themselves, which names both";
            return refused(needed, pointer);
        }
        if admits_everybody(hop, tuple, plan) {
            let needed = "a relation that cannot be given to everybody of a type";
            return refused(needed, format!("{pointer}/relation"));
        }
    }
    Ok(())
}

/// Whether the model lets the rule's own tuple be a wildcard. (One that lies
/// deeper is looked for when a hop is admitted.)
fn admits_everybody(hop: &HopRecord, tuple: &HopTuple, plan: &Plan) -> bool {
    let (user, object) = match tuple.user.as_str() {
        "{from}" => (&hop.from, &hop.to),
        _ => (&hop.to, &hop.from),
    };
    let user = plan.type_id(user);
    let relation = plan
        .type_id(object)
        .and_then(|object| plan.relation(object, &tuple.relation))
        .and_then(|relation| plan.relation_plan(relation));
    relation.is_some_and(|relation| {
        let mut listed = relation.assignable.iter();
        listed.any(|a| Some(a.type_id) == user && a.kind == AllowedKind::Wildcard)
    })
}

/// Whoever may say who acts must say, too, what for: by scopes that every token
/// must have, or by a task.
fn check_issuers(issuers: &[IssuerConfig]) -> Result<(), SnapshotError> {
    let refused = |pointer: String| {
        let needed = "issuers whose scopes are `required`, or that name a task";
        Err(SnapshotErrorKind::Delegated { needed }.at(format!("{pointer}/scopes")))
    };
    let narrows = |scopes, task: &Option<String>| scopes == ScopeUse::Required || task.is_some();
    for (place, issuer) in issuers.iter().enumerate() {
        let pointer = format!("/issuers/{place}");
        if issuer.chain != ChainConvention::None && !narrows(issuer.scopes, &issuer.task_claim) {
            return refused(pointer);
        }
        for (number, reading) in issuer.readings.iter().enumerate() {
            let narrows = narrows(reading.scopes, &reading.task_claim);
            if reading.chain != ChainConvention::None && !narrows {
                return refused(format!("{pointer}/readings/{number}"));
            }
        }
    }
    Ok(())
}
