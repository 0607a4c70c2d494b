//! FusionAuth's entity types, entities, grants and users.

use std::path::{Path, PathBuf};

use clap::Args;
use deputize::entity::EntityFault;
use deputize::import::{ImportFault, fusionauth};
use serde_json::Value;

use crate::answer::Answer;
use crate::fault::{Failure, Fault};
use crate::sources::Sources;

use super::OutputArgs;

/// FusionAuth: entity types, entities, grants and users
///
/// Files are what the search APIs return, in JSON: one page or many, in any
/// order. Those given without a flag may hold any of the four; without any
/// file, standard input is read. Client secrets and personal data are left
/// behind. Give the users too: they say who is not active, until when one
/// counts and in which tenant; all pages must be there.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  deputize import fusionauth types.json entities.json grants.json users.json -o policy.json
  deputize import fusionauth --types types.json --entities page1.json --entities page2.json \\
    --grants grants.json --users users.json -o policy.json
  curl -H \"Authorization: $KEY\" \"$FUSIONAUTH/api/entity/grant/search?entityId=$ID\" \\
    | deputize import fusionauth --types types.json --entities entities.json --grants - > policy.json")]
pub(crate) struct FusionauthArgs {
    /// Search results of any kind; `-` is standard input.
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Entity types: /api/entity/type/search. May be given again.
    #[arg(long, value_name = "FILE")]
    types: Vec<PathBuf>,
    /// Entities: /api/entity/search. May be given again.
    #[arg(long, value_name = "FILE")]
    entities: Vec<PathBuf>,
    /// Grants: /api/entity/grant/search. May be given again.
    #[arg(long, value_name = "FILE")]
    grants: Vec<PathBuf>,
    /// Users: /api/user/search. May be given again.
    #[arg(long, value_name = "FILE")]
    users: Vec<PathBuf>,
    #[command(flatten)]
    output: OutputArgs,
}

/// Answers `import fusionauth`.
pub(super) fn import(args: &FusionauthArgs) -> Result<Answer, Failure> {
    let told = [
        (&args.types, Some(("entityTypes", "entityType"))),
        (&args.entities, Some(("entities", "entity"))),
        (&args.grants, Some(("grants", "grant"))),
        (&args.users, Some(("users", "user"))),
        (&args.files, None),
    ];
    let files: Vec<_> = told
        .iter()
        .flat_map(|(paths, members)| paths.iter().map(|path| (path.as_path(), *members)))
        .collect();
    let stdin = [(Path::new("-"), None)];
    let files = if files.is_empty() { &stdin[..] } else { &files };
    let (sources, documents) = Sources::read(files.iter().map(|(path, _)| *path))?;
    for (number, (document, (_, members))) in documents.iter().zip(files).enumerate() {
        if let Some((list, single)) = members
            && !holds(document, list, single)
        {
            let said = format!("expected search results with `{list}`, or one `{single}`");
            let fault = Fault::new("import.shape", said).in_file(sources.name(number));
            let found = document.as_object().map(|members| {
                let names: Vec<String> = members.keys().take(5).map(|n| format!("`{n}`")).collect();
                format!("it holds {}", names.join(", "))
            });
            return Err(fault.maybe_hint(found).into());
        }
    }
    let imported = fusionauth(&documents);
    let unknown = imported.as_ref().is_err_and(|refused| {
        refused.errors.iter().any(|error| {
            let fault = &error.fault;
            matches!(
                fault,
                ImportFault::Entity(EntityFault::UnknownPermission { .. })
            )
        })
    });
    let hint = "is the entity's type among those given, with all its permissions?";
    let answer = super::finish(imported, &sources, &args.output);
    answer.map_err(|failure| match unknown {
        true => failure.hint(hint),
        false => failure,
    })
}

/// Whether a document brings what its flag says: search results, or pages of
/// them.
fn holds(document: &Value, list: &str, single: &str) -> bool {
    match document {
        Value::Array(pages) => pages.iter().all(|page| {
            let bare = page.get("userId").or(page.get("recipientEntityId"));
            let bare = single == "grant" && bare.is_some();
            bare || (page.is_object() && holds(page, list, single))
        }),
        page => {
            let empty = page.get("total").and_then(Value::as_u64) == Some(0);
            empty || page.get(list).is_some() || page.get(single).is_some()
        }
    }
}
