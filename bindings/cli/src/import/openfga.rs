//! OpenFGA's store files, models and tuple exports.

use std::path::{Path, PathBuf};

use clap::Args;
use deputize::import::openfga;
use serde_json::json;

use crate::answer::Answer;
use crate::fault::{Failure, Fault};
use crate::model_file::ModelText;
use crate::store::Store;
use crate::{input, tuples};

use super::{OutputArgs, Sources};

/// OpenFGA: store files, models and tuple exports
///
/// Exactly one of the files brings the model: a store file (.fga.yaml), DSL
/// text (.fga), modules (fga.mod) or a model in JSON. Tuples are those of the
/// store file and of every export: JSON, JSON lines, YAML or CSV, as
/// `fga tuple read` and `fga tuple write` have them.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  deputize import openfga store.fga.yaml -o policy.json
  deputize import openfga model.fga tuples.csv more.yaml -o policy.json
  fga tuple read --max-pages 0 > tuples.json && deputize import openfga model.fga tuples.json")]
pub(crate) struct OpenfgaArgs {
    /// The files.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    output: OutputArgs,
}

/// What a file brings.
enum Brings {
    Store,
    Model,
    Tuples,
}

/// Answers `import openfga`.
pub(super) fn import(args: &OpenfgaArgs) -> Result<Answer, Failure> {
    let mut names = Vec::new();
    let mut documents = Vec::new();
    let mut model: Option<ModelText> = None;
    for path in &args.files {
        let name = input::spell(path);
        let text = input::read_text(path)?;
        let brought = match brings(path, &text) {
            Brings::Tuples => {
                names.push(name);
                documents.push(tuples::document(path)?);
                continue;
            }
            Brings::Model => ModelText::read(path)?,
            Brings::Store => {
                let (model, tuples) = Store::parse(&text, &name, path.parent())?.into_parts();
                names.push(name);
                documents.push(serde_json::to_value(tuples).map_err(internal)?);
                model
            }
        };
        if let Some(before) = &model {
            let said = format!(
                "the model comes from `{}`, and again from `{}`",
                before.name(),
                brought.name()
            );
            return Err(Fault::new("import.models", said).into());
        }
        model = Some(brought);
    }
    let Some(model) = model else {
        let said = "none of the files brings a model";
        return Err(Fault::new("import.models", said)
            .hint("add its .fga, fga.mod or .json file, or a store file (.fga.yaml)")
            .into());
    };
    model.check()?;
    names.push(model.name().to_owned());
    documents.push(json!({ "model": model.member()? }));
    let sources = Sources::many(names);
    let imported = openfga(&documents).map_err(|error| sources.fault(&error))?;
    super::finish(imported, &sources, &args.output)
}

fn internal(error: serde_json::Error) -> Fault {
    Fault::new("internal", error.to_string())
}

/// Told by the file's name, and for YAML and JSON by what stands in it.
fn brings(path: &Path, text: &str) -> Brings {
    let named = |name: &str| path.file_name().is_some_and(|n| n == name);
    let ending = path.extension().and_then(|e| e.to_str());
    match ending.map(str::to_ascii_lowercase).as_deref() {
        _ if named("fga.mod") => Brings::Model,
        Some("fga" | "mod") => Brings::Model,
        Some("csv" | "jsonl") => Brings::Tuples,
        Some("yaml" | "yml") => {
            let is_store = text.lines().any(|line| {
                let key = line.split_once(':').map(|(key, _)| key.trim_end());
                matches!(key, Some("model" | "model_file"))
            });
            if is_store {
                Brings::Store
            } else {
                Brings::Tuples
            }
        }
        _ if text.contains("\"type_definitions\"") || text.contains("\"schema_version\"") => {
            Brings::Model
        }
        _ => Brings::Tuples,
    }
}
