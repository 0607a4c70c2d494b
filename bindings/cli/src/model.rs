//! `model`: authorization models, validated and converted.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use deputize::model;
use serde_json::json;

use crate::answer::Answer;
use crate::fault::{Failure, Fault};
use crate::model_file::ModelText;
use crate::paint::{GOOD, paint};

/// Validate an authorization model, or convert it
#[derive(Debug, Subcommand)]
pub(crate) enum ModelCommand {
    /// Say whether a model holds, and everything that is wrong with it
    #[command(after_help = "\
Examples:
  deputize model validate model.fga
  deputize model validate fga.mod")]
    Validate(ModelArgs),
    /// Print a model in OpenFGA's JSON form
    #[command(after_help = "\
Example:
  deputize model to-json model.fga > model.json")]
    ToJson(ModelArgs),
    /// Print a model in OpenFGA's DSL
    #[command(after_help = "\
Examples:
  deputize model to-dsl model.json > model.fga
  deputize model to-dsl fga.mod")]
    ToDsl(ModelArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ModelArgs {
    /// The model: DSL text, JSON, or an `fga.mod`; `-` is standard input.
    #[arg(value_name = "FILE", default_value = "-")]
    file: PathBuf,
}

/// Answers `model`.
pub(crate) fn run(command: &ModelCommand) -> Result<Answer, Failure> {
    match command {
        ModelCommand::Validate(args) => validate(args),
        ModelCommand::ToJson(args) => to_json(args),
        ModelCommand::ToDsl(args) => to_dsl(args),
    }
}

fn validate(args: &ModelArgs) -> Result<Answer, Failure> {
    let text = ModelText::read(&args.file)?;
    let (model, advice) = text.admit()?;
    let relations: usize = model.types.iter().map(|t| t.relations.len()).sum();
    Ok(Answer {
        text: format!(
            "{}: {} types, {relations} relations, {} conditions\n",
            paint(GOOD, "valid"),
            model.types.len(),
            model.conditions.len()
        ),
        document: json!({
            "valid": true,
            "schema": model.schema,
            "types": model.types.len(),
            "relations": relations,
            "conditions": model.conditions.len(),
            "warnings": advice.iter().map(Fault::document).collect::<Vec<_>>(),
        }),
        notes: advice
            .iter()
            .map(|f| f.text().trim_end().to_owned())
            .collect(),
        ..Answer::default()
    })
}

fn to_json(args: &ModelArgs) -> Result<Answer, Failure> {
    let document = model::to_json(&ModelText::read(&args.file)?.model()?);
    let mut text = serde_json::to_string_pretty(&document)
        .map_err(|error| Fault::new("internal", error.to_string()))?;
    text.push('\n');
    Ok(Answer {
        text,
        document,
        ..Answer::default()
    })
}

fn to_dsl(args: &ModelArgs) -> Result<Answer, Failure> {
    let source = ModelText::read(&args.file)?;
    let text = model::to_dsl(&source.model()?).map_err(|error| source.fault(&error))?;
    Ok(Answer {
        document: json!({ "dsl": text }),
        text,
        ..Answer::default()
    })
}
