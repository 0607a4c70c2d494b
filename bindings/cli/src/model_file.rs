//! Models in files: DSL text, OpenFGA's JSON, or modules under an `fga.mod`.

use std::path::{Path, PathBuf};

use deputize::model::manifest::{Manifest, ManifestError};
use deputize::model::{self, Model, ModelError};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::fault::{Failure, Fault, Place, Severity};
use crate::reach::{Reach, RootArgs};
use crate::{input, snapshot_fault};

/// A model as its author wrote it.
#[derive(Debug)]
pub(crate) struct ModelText {
    name: String,
    source: Source,
}

#[derive(Debug)]
enum Source {
    /// DSL text.
    Dsl(String),
    /// OpenFGA's JSON, as text, so that the order of its parts is kept.
    Json(String),
    /// Modules, by the names that `fga.mod` gives them.
    Modules {
        schema: String,
        folder: PathBuf,
        files: Vec<(String, String)>,
    },
}

impl ModelText {
    /// DSL text that stands inside another file.
    pub(crate) fn embedded(dsl: String, file: &str) -> Self {
        Self {
            name: file.to_owned(),
            source: Source::Dsl(dsl),
        }
    }

    /// Reads a model's file.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        Self::of(path, input::read_text(path)?)
    }

    /// The model of a file's text.
    pub(crate) fn of(path: &Path, text: String) -> Result<Self, Failure> {
        Self::within(path, text, || Reach::of(path, &RootArgs::default()))
    }

    /// The model of a file that a document names.
    pub(crate) fn named(name: &str, reach: &Reach) -> Result<Self, Failure> {
        let (path, text) = reach.read_text(name)?;
        Self::within(&path, text, || Ok(reach.below(&path)))
    }

    /// Modules where it is an `fga.mod`, JSON where it begins with `{`, else
    /// DSL.
    fn within(
        path: &Path,
        text: String,
        reach: impl FnOnce() -> Result<Reach, Failure>,
    ) -> Result<Self, Failure> {
        let name = input::spell(path);
        let source = if path.extension().is_some_and(|e| e == "mod") {
            let folder = path.parent().unwrap_or(Path::new(""));
            modules(&text, &name, folder, &reach()?)?
        } else if text.trim_start().starts_with('{') {
            Source::Json(answered(text, &name)?)
        } else {
            Source::Dsl(text)
        };
        Ok(Self { name, source })
    }

    /// What its file is called.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Its text, where it is one of DSL.
    pub(crate) fn dsl(&self) -> Option<&str> {
        match &self.source {
            Source::Dsl(text) => Some(text),
            Source::Json(_) | Source::Modules { .. } => None,
        }
    }

    /// The model, parsed and checked; with what OpenFGA's tools would say of
    /// it, and its server would not mind.
    pub(crate) fn admit(&self) -> Result<(Model, Vec<Fault>), Failure> {
        let read = match &self.source {
            Source::Dsl(text) => model::admit(text),
            Source::Json(text) => model::from_json(text).and_then(|model| {
                let found = model::validate(&model).err().unwrap_or_default();
                if found.iter().all(ModelError::is_advice) {
                    Ok((model, found))
                } else {
                    Err(found)
                }
            }),
            Source::Modules { schema, files, .. } => {
                let files: Vec<(&str, &str)> = files
                    .iter()
                    .map(|(name, text)| (name.as_str(), text.as_str()))
                    .collect();
                model::admit_files(&files, schema)
            }
        };
        let (model, advice) = read.map_err(|errors| self.failure(&errors))?;
        let advice = advice.iter().map(|error| Fault {
            severity: Severity::Warning,
            ..self.fault(error)
        });
        Ok((model, advice.collect()))
    }

    /// The model, parsed and checked.
    pub(crate) fn model(&self) -> Result<Model, Failure> {
        self.admit().map(|(model, _)| model)
    }

    /// Refuses a model that does not hold, with all that is wrong.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        self.admit().map(|_| ())
    }

    /// The model as a snapshot's member.
    pub(crate) fn member(&self) -> Result<Value, Failure> {
        Ok(match &self.source {
            Source::Dsl(text) => Value::String(text.clone()),
            Source::Json(_) | Source::Modules { .. } => model::to_json(&self.model()?),
        })
    }

    /// The fault that an error of this model is.
    pub(crate) fn fault(&self, error: &ModelError) -> Fault {
        match &self.source {
            Source::Dsl(text) | Source::Json(text) => {
                snapshot_fault::of_model(error, Some(text)).in_file(&self.name)
            }
            Source::Modules { folder, files, .. } => {
                let file = error.part.file.as_deref();
                let found = files.iter().find(|(name, _)| Some(name.as_str()) == file);
                let text = found.map(|(_, text)| text.as_str());
                let file = file.map_or(self.name.clone(), |f| folder.join(f).display().to_string());
                snapshot_fault::of_model(error, text).in_file(file)
            }
        }
    }

    fn failure(&self, errors: &[ModelError]) -> Failure {
        let faults = errors.iter().map(|error| self.fault(error)).collect();
        Failure::of(faults).unwrap_or_else(|| {
            Fault::new("internal", "a model was refused without a reason").into()
        })
    }
}

/// The model in an answer of OpenFGA's API, where the text is one: everything
/// else as blanks, so that lines and columns stay what they are.
fn answered(text: String, name: &str) -> Result<String, Failure> {
    #[derive(Deserialize)]
    struct Answer<'t> {
        #[serde(borrow, alias = "authorizationModel")]
        authorization_model: Option<&'t RawValue>,
        #[serde(borrow, alias = "authorizationModels")]
        authorization_models: Option<Vec<&'t RawValue>>,
        #[serde(alias = "continuationToken")]
        continuation_token: Option<Value>,
    }
    // What is no JSON is told of where the model is read.
    let Ok(answer) = serde_json::from_str::<Answer<'_>>(&text) else {
        return Ok(text);
    };
    let next = answer.continuation_token.as_ref();
    let whole = next.is_none_or(|token| token.is_null() || token == "");
    let model = match (
        answer.authorization_model,
        answer.authorization_models.as_deref(),
    ) {
        (Some(model), None) => model.get(),
        (None, Some([model])) if whole => model.get(),
        (None, None) => return Ok(text),
        _ => {
            let said = "it should hold exactly one model";
            let fault = Fault::new("file.models", said).in_file(name);
            return Err(fault
                .hint("of several, export the one that is meant: `fga model get`")
                .into());
        }
    };
    let start = model.as_ptr() as usize - text.as_ptr() as usize;
    let before = text.get(..start).unwrap_or_default();
    let blank = before.chars().map(|c| if c == '\n' { c } else { ' ' });
    Ok(blank.chain(model.chars()).collect())
}

/// Reads the files that an `fga.mod` names, which never lie above it.
fn modules(text: &str, name: &str, folder: &Path, reach: &Reach) -> Result<Source, Failure> {
    let manifest = Manifest::parse(text).map_err(|errors| {
        let faults = errors.iter().map(|e| of_manifest(e, text).in_file(name));
        Failure::of(faults.collect()).unwrap_or_else(|| {
            Fault::new("internal", "fga.mod was refused without a reason").into()
        })
    })?;
    let mut files = Vec::new();
    for file in manifest.contents.value {
        let (_, text) = reach.read_text(&file.value).map_err(|f| f.in_file(name))?;
        files.push((file.value, text));
    }
    Ok(Source::Modules {
        schema: manifest.schema.value,
        folder: folder.to_owned(),
        files,
    })
}

fn of_manifest(error: &ManifestError, text: &str) -> Fault {
    let (line, column) = error.place.start;
    let width = match error.place.end {
        (end, last) if end == line => last.saturating_sub(column),
        _ => 1,
    };
    let place = Place::of(text, line + 1, column + 1, width);
    Fault::new(error.code(), error.message()).at(place)
}
