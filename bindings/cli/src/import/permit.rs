//! Permit's data, as OPAL carries it.

use std::path::PathBuf;

use clap::Args;
use deputize::import::permit;

use crate::answer::Answer;
use crate::fault::Failure;
use crate::input;

use super::{OutputArgs, Sources};

/// Permit: users, roles, role derivations, relationships and tenants
///
/// The file is the data document that OPAL hands to a policy engine, in JSON.
/// It becomes a model, tuples, principals and resources.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  deputize import permit data.json -o policy.json
  deputize import permit < data.json > policy.json")]
pub(crate) struct PermitArgs {
    /// The document; `-` is standard input.
    #[arg(value_name = "FILE", default_value = "-")]
    file: PathBuf,
    #[command(flatten)]
    output: OutputArgs,
}

/// Answers `import permit`.
pub(super) fn import(args: &PermitArgs) -> Result<Answer, Failure> {
    let document = input::read_json(&args.file)?;
    let sources = Sources::only(input::spell(&args.file));
    let imported = permit(&document).map_err(|error| sources.fault(&error))?;
    super::finish(imported, &sources, &args.output)
}
