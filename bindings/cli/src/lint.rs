//! `lint`: what in a snapshot has no effect, or more than was meant.

mod delegation;
mod grants;
mod holders;
mod inhabited;
mod model;
mod orphans;
mod slips;

use std::collections::BTreeSet;

use clap::Args;
use deputize::Snapshot;
use deputize::time::UnixSeconds;
use serde_json::{Value, json};

use crate::answer::{Answer, Status};
use crate::clock::ClockArgs;
use crate::fault::{Failure, Fault, Severity};
use crate::input::{Form, Loaded, SnapshotArgs};
use crate::paint::{BAD, FAINT, GOOD, WARN, paint};
use crate::progress::Spinner;
use crate::{question, snapshot_fault};

/// Find what in a snapshot has no effect, or more than was meant
///
/// Errors: tuples that would exclude somebody, but that the model does not
/// admit. Warnings: dead relations, unused types, wildcard agents, tuples that the
/// model does not admit, grants that reach nobody, parents that pass nothing
/// on, grants to or on entities that are not there, expired principals,
/// disabled ones that still hold grants, revocations that revoke nothing. Notes:
/// what actors must hold, public grants, relations that
/// nobody has, conditions that no tuple uses, names that look like a slip,
/// principals and entities without any grant. Exit status: 0 neither errors nor
/// warnings, 1 some, 2 the snapshot cannot be read.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  deputize lint -s policy.json
  deputize lint -s store.fga.yaml --allow grant.unreachable
  deputize lint -s policy.json --now 1767225600 --json   # what will have expired by then")]
pub(crate) struct LintArgs {
    #[command(flatten)]
    snapshot: SnapshotArgs,
    #[command(flatten)]
    clock: ClockArgs,
    /// Leave out findings of this code. May be given again.
    #[arg(long, value_name = "CODE")]
    allow: Vec<String>,
    /// Leave out notes.
    #[arg(short, long)]
    quiet: bool,
}

/// The most findings of one code that are shown in words.
const MAX_SHOWN: usize = 20;

/// What should have been excluded is not: this is an error.
const BLOCKS_NOBODY: &str = "tuple.blocks_nobody";

/// Every code, in the order in which findings are shown.
const CODES: [&str; 33] = [
    BLOCKS_NOBODY,
    "model.advice",
    model::DEAD_RELATION,
    model::UNUSED_TYPE,
    model::WILDCARD_AGENT,
    "tuple.unknown_type",
    "tuple.unknown_relation",
    "tuple.not_assignable",
    "tuple.unknown_condition",
    "tuple.duplicate",
    "more",
    "issuer.key",
    "revoked.token",
    "revoked.key",
    "revoked.principal",
    "entity.absent_recipient",
    "entity.absent_target",
    "entity.absent_type",
    "entity.cross_tenant",
    "entity.no_permissions",
    "orphan.expired",
    "orphan.disabled",
    "orphan.absent",
    "orphan.principal",
    "orphan.entity",
    grants::WILDCARD_AGENT,
    delegation::CHOSEN,
    grants::UNREACHABLE,
    grants::DANGLING,
    grants::PUBLIC,
    grants::NOBODY,
    grants::UNUSED_CONDITION,
    slips::SLIP,
];

/// Answers `lint`.
pub(crate) fn lint(args: &LintArgs) -> Result<Answer, Failure> {
    for code in &args.allow {
        if !CODES.contains(&code.as_str()) {
            let fault = Fault::new("request.lint", format!("`{code}` is no finding's code"));
            let hint = crate::suggest::nearest(code, CODES);
            return Err(fault
                .maybe_hint(hint.map(|near| format!("did you mean `{near}`?")))
                .into());
        }
    }
    let loaded = args.snapshot.load()?;
    let spinner = Spinner::new("linting");
    let mut findings = find(&loaded, args.clock.now())?;
    drop(spinner);
    findings.retain(|finding| {
        let muted = args.quiet && finding.severity == Severity::Note;
        !muted && !args.allow.iter().any(|code| code == finding.code)
    });
    findings.sort_by_key(|f| (f.severity, CODES.iter().position(|code| *code == f.code)));

    let count = |severity| findings.iter().filter(|f| f.severity == severity).count();
    let errors = count(Severity::Error);
    let (warnings, notes) = (count(Severity::Warning), count(Severity::Note));
    let mut text = String::new();
    let mut shown = ("", 0);
    for finding in &findings {
        if shown.0 != finding.code {
            shown = (finding.code, 0);
        }
        shown.1 += 1;
        if shown.1 <= MAX_SHOWN {
            text.push_str(&finding.text());
        } else if shown.1 == MAX_SHOWN + 1 {
            let all = findings.iter().filter(|f| f.code == finding.code).count();
            let said = format!("and {} more of {}", all - MAX_SHOWN, finding.code);
            text.push_str(&format!("{}\n", paint(FAINT, said)));
        }
    }
    text.push_str(&summary(errors, warnings, notes));
    let mut notes_out = Vec::new();
    if matches!(loaded.form, Form::Compiled) {
        notes_out.push(
            "note: a compiled snapshot does not list its tuples; only its model was linted"
                .to_owned(),
        );
    }
    let listed: Vec<Value> = findings.iter().map(Fault::document).collect();
    Ok(Answer {
        text,
        document: json!({ "errors": errors, "warnings": warnings, "notes": notes, "findings": listed }),
        notes: notes_out,
        status: Status::of(errors + warnings == 0),
        ..Answer::default()
    })
}

fn find(loaded: &Loaded, now: UnixSeconds) -> Result<Vec<Fault>, Failure> {
    let policy = &loaded.policy;
    let mut findings = model::find(policy.model());
    for warning in policy.warnings() {
        let mut fault = question::of_warning(warning, policy.model());
        if warning.code != BLOCKS_NOBODY {
            fault.severity = Severity::Warning;
        }
        findings.push(fault);
    }
    let document = match &loaded.form {
        Form::Compiled => None,
        Form::Snapshot(bytes) | Form::Store(_, bytes) => Some(bytes),
    };
    if let Some(bytes) = document {
        let snapshot = Snapshot::from_json(bytes)
            .map_err(|error| snapshot_fault::of_document(&error, bytes, &loaded.name))?;
        findings.extend(grants::find(policy, &snapshot));
        findings.extend(delegation::find(&snapshot));
        findings.extend(orphans::find(&snapshot, now));
        // A slip that made a warning has been told.
        let told: BTreeSet<_> = findings.iter().map(|f| f.pointer.clone()).collect();
        let slips = slips::find(&snapshot).into_iter();
        findings.extend(slips.filter(|slip| !told.contains(&slip.pointer)));
    }
    for finding in &mut findings {
        let pointer = finding.pointer.clone().unwrap_or_default();
        let placed = match &loaded.form {
            Form::Store(store, _) => store.placed(&pointer, finding.clone()),
            Form::Snapshot(_) | Form::Compiled => None,
        };
        match placed {
            Some(placed) => *finding = placed,
            None => finding.file = Some(loaded.name.clone()),
        }
    }
    Ok(findings)
}

fn summary(errors: usize, warnings: usize, notes: usize) -> String {
    let plural = |count: usize, what: &str| match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    };
    let errors = match errors {
        0 => String::new(),
        _ => format!("{}, ", paint(BAD, plural(errors, "error"))),
    };
    let style = if warnings == 0 { GOOD } else { WARN };
    let warnings = paint(style, plural(warnings, "warning"));
    format!("{errors}{warnings}, {}\n", plural(notes, "note"))
}
