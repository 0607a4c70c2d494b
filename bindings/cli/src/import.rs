//! `import`: other systems' data as a snapshot. One room a system, which reads
//! its files; what they mean is the core's to say.

mod fusebit;
mod fusionauth;
mod openfga;
mod permit;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use deputize::import::{Imported, Refused};
use serde_json::{Map, Value, json};

use crate::answer::Answer;
use crate::fault::{self, Failure, Fault, spell_records};
use crate::input;
use crate::paint::{WARN, paint};
use crate::progress::Spinner;
use crate::sources::Sources;

/// Make a snapshot of other systems' data
///
/// Each record is taken, warned of or refused, with its file and line, and the
/// three counts add up to what was given. One refused record refuses the
/// import: it could be the one that takes a right away.
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
fn finish(
    imported: Result<Imported, Refused>,
    sources: &Sources,
    args: &OutputArgs,
) -> Result<Answer, Failure> {
    let mut imported = imported.map_err(|refused| sources.refused(&refused))?;
    // What cannot be read back is not written.
    let spinner = Spinner::new("checking");
    let (policy, mut bytes) = imported
        .compile(&args.revision)
        .map_err(|refused| sources.refused(&refused))?;
    drop(spinner);
    let counts = counts(&imported);
    let records = imported.records();
    let label = paint(WARN, "warning");
    let warnings: Vec<String> = sources
        .warnings(imported.warnings())
        .iter()
        .map(Fault::line)
        .collect();
    let mut notes: Vec<String> = warnings.iter().map(|w| format!("{label}: {w}")).collect();
    bytes.push(b'\n');
    let output = args.output.as_ref().map(|path| path.display().to_string());
    notes.push(summary(output.as_deref(), &counts));
    notes.push(spell_records(records));
    let Some(output) = output else {
        let text = String::from_utf8(bytes);
        return Ok(Answer {
            text: text.map_err(|error| Fault::new("internal", error.to_string()))?,
            verbatim: true,
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
            "records": fault::records(records),
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
fn counts(imported: &Imported) -> Vec<(&'static str, &'static str, usize)> {
    let of = |(section, word)| {
        let mut all = imported.counts();
        let (_, count) = all.find(|(name, _)| *name == section)?;
        Some((section, word, count))
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
