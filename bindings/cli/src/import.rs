//! `import`: other systems' data as a snapshot. One room a system, which reads
//! its files; what they mean is the core's to say.

mod fusebit;
mod fusionauth;
mod openfga;
mod permit;
mod sources;

pub(crate) use sources::Sources;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use deputize::Policy;
use deputize::import::Imported;
use serde_json::{Map, Value, json};

use crate::answer::Answer;
use crate::fault::{Failure, Fault};
use crate::paint::{WARN, paint};
use crate::progress::Spinner;
use crate::{input, snapshot_fault};

/// Make a snapshot of other systems' data
#[derive(Debug, Subcommand)]
pub(crate) enum ImportCommand {
    Openfga(openfga::OpenfgaArgs),
    Fusionauth(fusionauth::FusionauthArgs),
    Fusebit(fusebit::FusebitArgs),
    Permit(permit::PermitArgs),
}

/// Where a snapshot goes.
#[derive(Debug, Args)]
pub(crate) struct OutputArgs {
    /// The file to write the snapshot to, instead of standard output.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The snapshot's revision.
    #[arg(long, default_value = "1")]
    revision: String,
}

/// Answers `import`.
pub(crate) fn run(command: &ImportCommand) -> Result<Answer, Failure> {
    match command {
        ImportCommand::Openfga(args) => openfga::import(args),
        ImportCommand::Fusionauth(args) => fusionauth::import(args),
        ImportCommand::Fusebit(args) => fusebit::import(args),
        ImportCommand::Permit(args) => permit::import(args),
    }
}

/// Checks what was imported, writes it, and says how much it is.
fn finish(imported: Imported, sources: &Sources, args: &OutputArgs) -> Result<Answer, Failure> {
    let mut snapshot = imported.snapshot;
    snapshot.insert("revision".to_owned(), args.revision.clone().into());
    let counts = counts(&snapshot);
    let snapshot = Value::Object(snapshot);
    let mut bytes =
        serde_json::to_vec(&snapshot).map_err(|e| Fault::new("internal", e.to_string()))?;
    // What cannot be read back is not written.
    let spinner = Spinner::new("checking");
    let policy = Policy::from_json(&bytes)
        .map_err(|error| snapshot_fault::of_document(&error, &bytes, "the snapshot"))?;
    drop(spinner);
    let left_out = imported.warnings.iter().map(|w| sources.warning(w));
    // What is odd about entities has been told, with the place in its file.
    let idle = policy.warnings().iter();
    let idle = idle.filter(|warning| !warning.code.starts_with("entity."));
    let warnings: Vec<String> = left_out.chain(idle.map(ToString::to_string)).collect();
    let label = paint(WARN, "warning");
    let mut notes: Vec<String> = warnings.iter().map(|w| format!("{label}: {w}")).collect();
    bytes.push(b'\n');
    let output = args.output.as_ref().map(|path| path.display().to_string());
    notes.push(summary(output.as_deref(), &counts));
    let Some(output) = output else {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        return Ok(Answer {
            text,
            document: snapshot,
            notes,
            ..Answer::default()
        });
    };
    input::write(output.as_ref(), &bytes)?;
    let counts: Map<String, Value> = counts
        .into_iter()
        .map(|(section, _, count)| (section.to_owned(), count.into()))
        .collect();
    Ok(Answer {
        document: json!({
            "output": output,
            "tuples": policy.tuple_count(),
            "imported": counts,
            "warnings": warnings,
        }),
        notes,
        ..Answer::default()
    })
}

/// The sections that imports fill, and what one record of each is called.
const SECTIONS: [(&str, &str); 8] = [
    ("tuples", "tuple"),
    ("entity_types", "entity type"),
    ("entities", "entity"),
    ("entity_grants", "entity grant"),
    ("access", "access rule"),
    ("principals", "principal"),
    ("resources", "resource"),
    ("issuers", "issuer"),
];

/// How many records there are of each section that has any.
fn counts(snapshot: &Map<String, Value>) -> Vec<(&'static str, &'static str, usize)> {
    let of = |(section, word)| {
        let records = snapshot.get(section)?.as_array()?;
        Some((section, word, records.len()))
    };
    SECTIONS.into_iter().filter_map(of).collect()
}

fn summary(output: Option<&str>, counts: &[(&str, &str, usize)]) -> String {
    let parts: Vec<String> = counts
        .iter()
        .map(|(_, word, count)| match (count, word.strip_suffix('y')) {
            (1, _) => format!("1 {word}"),
            (_, Some(stem)) => format!("{count} {stem}ies"),
            (_, None) => format!("{count} {word}s"),
        })
        .collect();
    let said = match parts.is_empty() {
        true => "nothing".to_owned(),
        false => parts.join(", "),
    };
    format!("{}: {said}", output.unwrap_or("imported"))
}
