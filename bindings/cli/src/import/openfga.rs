//! OpenFGA's store files, models and tuple exports.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::de::IgnoredAny;

use crate::answer::Answer;
use crate::fault::{Failure, Fault};
use crate::model_file::ModelText;
use crate::reach::{Reach, RootArgs};
use crate::sources::Form;
use crate::tuples::Reading;
use crate::{input, store};

use super::OutputArgs;

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
    root: RootArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Answers `import openfga`.
pub(super) fn import(args: &OpenfgaArgs) -> Result<Answer, Failure> {
    let mut reading = Reading::default();
    let mut models: Vec<ModelText> = Vec::new();
    for path in &args.files {
        let name = input::spell(path);
        let text = input::read_text(path)?;
        match brings(path, &text) {
            Brings::Records => reading.file(path, name, text)?,
            Brings::Model => models.push(ModelText::of(path, text)?),
            Brings::Store => {
                let reach = Reach::of(path, &args.root)?;
                let store = store::open(text, &name, &reach, &mut reading)?;
                models.push(store.model);
            }
        }
    }
    if let [first, second, ..] = models.as_slice() {
        let said = format!(
            "the model comes from `{}`, and again from `{}`",
            first.name(),
            second.name()
        );
        return Err(Fault::new("import.models", said).into());
    }
    for model in models {
        model.check()?;
        reading.import.begin();
        reading.import.set_model(model.member()?);
        let dsl = model.dsl().unwrap_or_default().to_owned();
        reading
            .sources
            .add(model.name().to_owned(), dsl, Form::Model);
    }
    let imported = reading.import.finish();
    if imported
        .as_ref()
        .is_ok_and(|imported| !imported.has_model())
    {
        let said = "none of the files brings a model";
        return Err(Fault::new("import.models", said)
            .hint("add its .fga, fga.mod or .json file, or a store file (.fga.yaml)")
            .into());
    }
    super::finish(imported, &reading.sources, &args.output)
}

/// What a file brings.
enum Brings {
    Store,
    Model,
    /// Tuples, or a document that says itself what it is.
    Records,
}

/// Told by the file's name, and for YAML and JSON by what stands in it.
fn brings(path: &Path, text: &str) -> Brings {
    let named = |name: &str| path.file_name().is_some_and(|n| n == name);
    let ending = path.extension().and_then(|e| e.to_str());
    match ending.map(str::to_ascii_lowercase).as_deref() {
        _ if named("fga.mod") => Brings::Model,
        Some("fga" | "mod") => Brings::Model,
        Some("csv" | "jsonl") => Brings::Records,
        Some("yaml" | "yml") => {
            let is_store = text.lines().any(|line| {
                let key = line.split_once(':').map(|(key, _)| key.trim_end());
                matches!(key, Some("model" | "model_file"))
            });
            if is_store {
                Brings::Store
            } else {
                Brings::Records
            }
        }
        _ if is_model(text) => Brings::Model,
        _ => Brings::Records,
    }
}

/// Whether a text of JSON is a model, or an answer of the API's that holds one.
fn is_model(text: &str) -> bool {
    const MEMBERS: [&str; 8] = [
        "schema_version",
        "schemaVersion",
        "type_definitions",
        "typeDefinitions",
        "authorization_model",
        "authorizationModel",
        "authorization_models",
        "authorizationModels",
    ];
    let members = serde_json::from_str::<BTreeMap<String, IgnoredAny>>(text);
    members.is_ok_and(|own| own.keys().any(|name| MEMBERS.contains(&name.as_str())))
}
