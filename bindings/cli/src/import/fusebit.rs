//! Fusebit's users, clients and issuers.

use std::path::PathBuf;

use clap::Args;
use deputize::import::{FusebitOptions, fusebit};

use crate::answer::Answer;
use crate::fault::Failure;
use crate::sources::Sources;

use super::OutputArgs;

/// Fusebit: users, clients and issuers with their access rules
///
/// Files are what the account's APIs list, in JSON: users, clients and issuers
/// together or apart, in any order.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  deputize import fusebit users.json clients.json issuers.json \\
    --audience https://api.example.com -o policy.json
  deputize import fusebit < account.json > policy.json")]
pub(crate) struct FusebitArgs {
    /// The files; `-` is standard input.
    #[arg(value_name = "FILE", default_value = "-")]
    files: Vec<PathBuf>,
    /// An audience that tokens may name. May be given again.
    #[arg(long, value_name = "AUDIENCE")]
    audience: Vec<String>,
    /// An algorithm that tokens may be signed with. May be given again.
    #[arg(long, value_name = "ALG", default_value = "RS256")]
    algorithm: Vec<String>,
    #[command(flatten)]
    output: OutputArgs,
}

/// Answers `import fusebit`.
pub(super) fn import(args: &FusebitArgs) -> Result<Answer, Failure> {
    let (sources, documents) = Sources::read(args.files.iter().map(PathBuf::as_path))?;
    let options = FusebitOptions {
        audiences: args.audience.clone(),
        algorithms: args.algorithm.clone(),
    };
    super::finish(fusebit(&documents, &options), &sources, &args.output)
}
