//! Models in files: DSL text, OpenFGA's JSON, or modules under an `fga.mod`.

use std::path::{Path, PathBuf};

use deputize::model::manifest::{Manifest, ManifestError};
use deputize::model::{self, Model, ModelError};
use serde_json::Value;

use crate::fault::{Failure, Fault, Place, Severity};
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

    /// Reads a model's file: modules where it is an `fga.mod`, JSON where it
    /// begins with `{`, else DSL.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let name = input::spell(path);
        let text = input::read_text(path)?;
        let source = if path.extension().is_some_and(|e| e == "mod") {
            modules(&text, &name, path.parent().unwrap_or(Path::new("")))?
        } else if text.trim_start().starts_with('{') {
            Source::Json(text)
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

/// Reads the files that an `fga.mod` names, which never lie above it.
fn modules(text: &str, name: &str, folder: &Path) -> Result<Source, Failure> {
    let manifest = Manifest::parse(text).map_err(|errors| {
        let faults = errors.iter().map(|e| of_manifest(e, text).in_file(name));
        Failure::of(faults.collect()).unwrap_or_else(|| {
            Fault::new("internal", "fga.mod was refused without a reason").into()
        })
    })?;
    let mut files = Vec::new();
    for file in manifest.contents.value {
        let text = input::read_text(&folder.join(&file.value))?;
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
