//! Permit's data, as OPAL carries it.

use std::path::PathBuf;

use clap::Args;
use deputize::import::{PermitOptions, permit};

use crate::answer::Answer;
use crate::fault::Failure;
use crate::input;
use crate::sources::{self, Sources};

use super::OutputArgs;

/// Permit: users, roles, role derivations, relationships and tenants
///
/// The file is the data document that OPAL hands to a policy engine, in JSON.
/// It becomes a model, tuples, principals and resources.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  deputize import permit data.json -o policy.json
  deputize import permit data.json --tenant default -o policy.json
  deputize import permit < data.json > policy.json")]
pub(crate) struct PermitArgs {
    /// The document; `-` is standard input.
    #[arg(value_name = "FILE", default_value = "-")]
    file: PathBuf,
    /// The tenant of the instances whose own the document does not say. Without
    /// it they are in none.
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,
    #[command(flatten)]
    output: OutputArgs,
}

/// Answers `import permit`.
pub(super) fn import(args: &PermitArgs) -> Result<Answer, Failure> {
    let (name, text) = (input::spell(&args.file), input::read_text(&args.file)?);
    let document = sources::document(&text, &name)?;
    let options = PermitOptions {
        tenant: args.tenant.clone(),
    };
    let imported = permit(&document, &options);
    super::finish(imported, &Sources::only(name, text), &args.output)
}
