//! What whoever acts for another must hold itself: said, because much hangs on
//! it and nobody sees it in a decision that allows.

use deputize::Snapshot;
use deputize::snapshot::{ActorAuthority, HopAuthority};

use crate::fault::{Fault, Severity};

pub(super) const CHOSEN: &str = "delegation.authority";

/// A note of what was chosen, for all hops and for each that differs.
pub(super) fn find(snapshot: &Snapshot<'_>) -> Vec<Fault> {
    let Some(delegation) = &snapshot.delegation else {
        return Vec::new();
    };
    let note = |pointer: String, said: String| {
        let mut fault = Fault::new(CHOSEN, said).pointing(pointer);
        fault.severity = Severity::Note;
        fault
    };
    let held = match delegation.actor_authority {
        ActorAuthority::Grants => "grants of its own",
        ActorAuthority::Scopes => "scopes of its own entry in `principals`",
        ActorAuthority::GrantsOrScopes => "grants of its own, or scopes of its own entry",
    };
    let mut findings = vec![note(
        "/delegation".to_owned(),
        format!("whoever acts for another needs {held} for what is asked"),
    )];
    for (place, hop) in delegation.hops.iter().enumerate() {
        if hop.actor_authority == Some(HopAuthority::Delegated) {
            let (from, to) = (&hop.from, &hop.to);
            let said = format!(
                "a `{to}` that a `{from}` handed on to needs nothing of its own: it may what that `{from}` may, within scopes or a task"
            );
            let pointer = format!("/delegation/hops/{place}/actor_authority");
            findings.push(note(pointer, said));
        }
    }
    findings
}
