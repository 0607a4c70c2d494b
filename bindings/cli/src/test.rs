//! `test`: runs store files, as `fga model test` does.

mod report;
mod run;

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::answer::{Answer, Status};
use crate::fault::Failure;
use crate::progress::Progress;
use crate::reach::RootArgs;

use report::FileReport;

/// Run the tests of OpenFGA store files (.fga.yaml)
///
/// Exit status: 0 all passed, 1 something failed, 2 a file could not be run.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  deputize test store.fga.yaml
  deputize test stores/*.fga.yaml --verbose
  deputize test store.fga.yaml --explain
  deputize test stores/*.fga.yaml --root .")]
pub(crate) struct TestArgs {
    /// The store files.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Run only tests whose name contains this.
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// Show every assertion, not only those that fail.
    #[arg(short, long)]
    verbose: bool,
    /// Say why each check that fails came out as it did.
    #[arg(short, long)]
    explain: bool,
    /// OpenFGA's own limits: depth 25, condition cost 100.
    #[arg(long)]
    openfga_limits: bool,
    #[command(flatten)]
    root: RootArgs,
}

/// Answers `test`.
pub(crate) fn test(args: &TestArgs) -> Result<Answer, Failure> {
    let mut progress = Progress::new("testing", args.files.len());
    let mut reports = Vec::new();
    for path in &args.files {
        reports.push(run::run(path, args));
        progress.step();
    }
    progress.end();

    let mut text = String::new();
    for report in &reports {
        text.push_str(&report.text(args.verbose));
    }
    let sum = |count: fn(&FileReport) -> usize| reports.iter().map(count).sum::<usize>();
    let (passed, failed) = (sum(FileReport::passed), sum(FileReport::failed));
    let tests = sum(FileReport::tests);
    let broken = reports.iter().filter(|r| r.is_broken()).count();
    text.push_str(&report::summary(
        reports.len(),
        tests,
        passed,
        failed,
        broken,
    ));
    let files: Vec<_> = reports.iter().map(FileReport::document).collect();
    Ok(Answer {
        text,
        document: json!({
            "passed": passed,
            "failed": failed,
            "unreadable": broken,
            "files": files,
        }),
        status: match (broken, failed) {
            (0, 0) => Status::Allow,
            (0, _) => Status::Deny,
            _ => Status::Error,
        },
        ..Answer::default()
    })
}
