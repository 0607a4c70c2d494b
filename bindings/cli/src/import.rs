//! `import`: other systems' data as a snapshot. One room a system, which reads
//! its files; what they mean is the core's to say.

mod openfga;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use deputize::Policy;
use deputize::import::Imported;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::fault::{Failure, Fault};
use crate::paint::{WARN, paint};
use crate::{input, snapshot_fault};

/// Make a snapshot of other systems' data
#[derive(Debug, Subcommand)]
pub(crate) enum ImportCommand {
    Openfga(openfga::OpenfgaArgs),
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
    }
}

/// Checks what was imported, and writes it.
fn finish(imported: Imported, args: &OutputArgs) -> Result<Answer, Failure> {
    let mut snapshot = imported.snapshot;
    snapshot.insert("revision".to_owned(), args.revision.clone().into());
    let snapshot = Value::Object(snapshot);
    let mut bytes =
        serde_json::to_vec(&snapshot).map_err(|e| Fault::new("internal", e.to_string()))?;
    // What cannot be read back is not written.
    let policy = Policy::from_json(&bytes)
        .map_err(|error| snapshot_fault::of_document(&error, &bytes, "the snapshot"))?;
    let left_out = imported.warnings.iter().map(ToString::to_string);
    let idle = policy.warnings().iter().map(ToString::to_string);
    let warnings: Vec<String> = left_out.chain(idle).collect();
    let label = paint(WARN, "warning");
    let mut notes: Vec<String> = warnings.iter().map(|w| format!("{label}: {w}")).collect();
    bytes.push(b'\n');
    let Some(output) = &args.output else {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        return Ok(Answer {
            text,
            document: snapshot,
            notes,
            ..Answer::default()
        });
    };
    input::write(output, &bytes)?;
    let output = output.display().to_string();
    notes.push(format!("{output}: {} tuples", policy.tuple_count()));
    Ok(Answer {
        document: json!({
            "output": output,
            "tuples": policy.tuple_count(),
            "warnings": warnings,
        }),
        notes,
        ..Answer::default()
    })
}
