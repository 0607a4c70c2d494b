//! `compile`: a snapshot as a file that opens without parsing.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::answer::Answer;
use crate::fault::Failure;
use crate::input::{self, SnapshotArgs};
use crate::paint::{WARN, paint};
use crate::progress::Spinner;

/// Compile a snapshot to a file that opens without parsing
///
/// The same policy data gives the same bytes, in whatever order the snapshot
/// lists them. Every command reads the compiled form as it reads the snapshot.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  deputize compile -s policy.json -o policy.deputize")]
pub(crate) struct CompileArgs {
    /// The file to write.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    snapshot: SnapshotArgs,
}

/// Answers `compile`.
pub(crate) fn compile(args: &CompileArgs) -> Result<Answer, Failure> {
    let loaded = args.snapshot.load()?;
    let policy = &loaded.policy;
    let spinner = Spinner::new("compiling");
    let bytes = policy.to_compiled();
    input::write(&args.output, &bytes)?;
    drop(spinner);
    let output = args.output.display().to_string();
    let warnings: Vec<String> = policy.warnings().iter().map(ToString::to_string).collect();
    let label = paint(WARN, "warning");
    Ok(Answer {
        text: format!(
            "{output}: {} tuples, {} bytes\n",
            policy.tuple_count(),
            bytes.len()
        ),
        document: json!({
            "output": output,
            "bytes": bytes.len(),
            "tuples": policy.tuple_count(),
            "revision": policy.revision(),
            "warnings": warnings,
        }),
        notes: warnings.iter().map(|w| format!("{label}: {w}")).collect(),
        ..Answer::default()
    })
}
