//! What has expired, is disabled, or has nothing left that gives it anything.

use deputize::Snapshot;
use deputize::snapshot::OrphanKind;
use deputize::time::UnixSeconds;

use crate::fault::{Fault, Severity};

/// The findings of a snapshot's principals, entities and grants at a time.
pub(super) fn find(snapshot: &Snapshot<'_>, now: UnixSeconds) -> Vec<Fault> {
    let orphans = snapshot.orphans(now).into_iter();
    orphans
        .map(|orphan| {
            let (severity, hint) = match orphan.kind {
                OrphanKind::Expired { .. } => {
                    (Severity::Warning, "take it out, with what it was granted")
                }
                OrphanKind::Disabled { .. } => (
                    Severity::Warning,
                    "take its grants out: they count again when it is enabled",
                ),
                OrphanKind::Absent => (Severity::Warning, "add the entity, or take the grant out"),
                _ => (Severity::Note, "grant it something, or take it out"),
            };
            let mut fault = Fault::new(orphan.code(), orphan.to_string())
                .pointing(orphan.pointer)
                .hint(hint);
            fault.severity = severity;
            fault
        })
        .collect()
}
