//! The files that records were read from, by the numbers that the core gives
//! them, and where in them something stands.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use deputize::import::{Document, ImportError, ImportFault, ImportWarning, Refused};
use serde_json::Value;

use crate::fault::{Failure, Fault, Place, Severity};
use crate::{input, locate, snapshot_fault};

/// Files, in the order read. A pointer of an import's begins with the number of
/// its file, where there may be several.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    files: Vec<Source>,
    only: bool,
}

#[derive(Debug)]
struct Source {
    name: String,
    text: String,
    form: Form,
}

/// How a text is laid out.
#[derive(Debug)]
pub(crate) enum Form {
    /// JSON.
    Json,
    /// YAML.
    Yaml,
    /// A record a line: of each the line that it begins in.
    Lines(Vec<u32>),
    /// A model, in DSL where there is a text.
    Model,
}

impl Sources {
    /// One file of JSON where there can be no other: its pointers have no
    /// number.
    pub(crate) fn only(name: String, text: String) -> Self {
        let mut sources = Self {
            only: true,
            ..Self::default()
        };
        sources.add(name, text, Form::Json);
        sources
    }

    /// Adds the file that is read next.
    pub(crate) fn add(&mut self, name: String, text: String, form: Form) {
        self.files.push(Source { name, text, form });
    }

    /// Reads files of JSON.
    pub(crate) fn read<'p>(
        paths: impl IntoIterator<Item = &'p Path>,
    ) -> Result<(Self, Vec<Value>), Failure> {
        let mut sources = Self::default();
        let mut documents = Vec::new();
        for path in paths {
            let name = input::spell(path);
            if input::is_stdin(path) && sources.files.iter().any(|file| file.name == name) {
                let said = "standard input is named twice, and can be read once";
                return Err(Fault::new("request.stdin", said).into());
            }
            let text = input::read_text(path)?;
            documents.push(document(&text, &name)?);
            sources.add(name, text, Form::Json);
        }
        Ok((sources, documents))
    }

    /// A file's name, by its number.
    pub(crate) fn name(&self, number: usize) -> &str {
        self.files.get(number).map_or("", |file| &file.name)
    }

    /// What is wrong with the records of an import, and what became of all.
    pub(crate) fn refused(&self, refused: &Refused) -> Failure {
        let each = refused.errors.iter();
        let faults = each.map(|error| (self.fault(error), error.pointer.as_str()));
        let faults = self.placed(faults.collect());
        let failure = Failure::of(faults).unwrap_or_else(|| {
            Fault::new("internal", "an import was refused without a reason").into()
        });
        failure.with_records(refused.records)
    }

    fn fault(&self, error: &ImportError) -> Fault {
        let ImportFault::Snapshot(kind) = &error.fault else {
            return Fault::new(error.code(), error.fault.to_string());
        };
        let file = self
            .split(&error.pointer)
            .and_then(|(n, _)| self.files.get(n));
        let model = file.filter(|file| matches!(file.form, Form::Model) && !file.text.is_empty());
        let dsl = model.map(|file| file.text.as_str());
        snapshot_fault::plain(&kind.as_ref().clone().at(""), dsl)
    }

    /// What was left out or is odd, and where it stands.
    pub(crate) fn warnings(&self, warnings: &[ImportWarning]) -> Vec<Fault> {
        let each = warnings.iter().map(|warning| {
            let fault = Fault {
                severity: Severity::Warning,
                ..Fault::new("import.warning", &warning.message)
            };
            (fault, warning.pointer.as_str())
        });
        self.placed(each.collect())
    }

    /// The fault at an import's pointer, in its file and with its line.
    pub(crate) fn place(&self, fault: Fault, pointer: &str) -> Fault {
        let mut placed = self.placed(vec![(fault, pointer)]);
        placed.pop().unwrap_or_default()
    }

    /// Faults in their files; each text is gone through once.
    fn placed(&self, faults: Vec<(Fault, &str)>) -> Vec<Fault> {
        let mut wanted: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
        for (_, pointer) in &faults {
            if let Some((file, below)) = self.split(pointer) {
                let wanted = wanted.entry(file).or_default();
                // What is not there stands where it ought to.
                let ends = below.match_indices('/').map(|(at, _)| at);
                for end in ends.chain([below.len()]) {
                    wanted.insert(below.get(..end).unwrap_or_default().to_owned());
                }
            }
        }
        let found: BTreeMap<usize, Found> = wanted
            .iter()
            .filter_map(|(file, wanted)| Some((*file, self.files.get(*file)?.find(wanted))))
            .collect();
        let place = |(fault, pointer): (Fault, &str)| {
            let Some((number, below)) = self.split(pointer) else {
                return fault;
            };
            let place = found.get(&number).and_then(|found| found.place(below));
            let place = place.or_else(|| fault.place.clone());
            fault.in_file(self.name(number)).at(place).pointing(below)
        };
        faults.into_iter().map(place).collect()
    }

    /// The file that a pointer leads into, and the pointer there.
    fn split<'p>(&self, pointer: &'p str) -> Option<(usize, &'p str)> {
        if self.only {
            return Some((0, pointer));
        }
        let rest = pointer.strip_prefix('/')?;
        let (number, below) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let number = number.parse().ok();
        number.filter(|n| *n < self.files.len()).map(|n| (n, below))
    }
}

/// Reads a document of JSON, each of whose members is there once.
pub(crate) fn document(text: &str, name: &str) -> Result<Value, Failure> {
    let read = serde_json::from_str::<Document>(text);
    let Document(value) = read.map_err(|error| input::json_fault(&error, text, name))?;
    Ok(value)
}

/// Where what was looked for stands in one text.
struct Found<'s> {
    /// Where each line begins.
    lines: Vec<&'s str>,
    at: BTreeMap<String, (u32, u32)>,
}

impl Source {
    fn find(&self, wanted: &BTreeSet<String>) -> Found<'_> {
        let lines: Vec<&str> = self.text.lines().collect();
        let at = match &self.form {
            Form::Json => self.lines_of(locate::json(&self.text, wanted)),
            Form::Yaml => locate::yaml(&self.text, wanted),
            Form::Lines(lines) => {
                let line = |pointer: &String| {
                    let index: usize = pointer.strip_prefix('/')?.parse().ok()?;
                    Some((pointer.clone(), (*lines.get(index)?, 1)))
                };
                wanted.iter().filter_map(line).collect()
            }
            Form::Model => BTreeMap::new(),
        };
        Found { lines, at }
    }

    /// Offsets as lines and columns.
    fn lines_of(&self, offsets: BTreeMap<String, usize>) -> BTreeMap<String, (u32, u32)> {
        let ends: Vec<usize> = self.text.match_indices('\n').map(|(at, _)| at).collect();
        let place = |offset: usize| {
            let line = ends.partition_point(|end| *end < offset);
            let start = line
                .checked_sub(1)
                .and_then(|l| ends.get(l))
                .map_or(0, |end| end + 1);
            let before = self.text.get(start..offset).unwrap_or_default();
            (line as u32 + 1, before.chars().count() as u32 + 1)
        };
        let each = offsets.into_iter();
        each.map(|(pointer, offset)| (pointer, place(offset)))
            .collect()
    }
}

impl Found<'_> {
    /// The place that a pointer leads to, or the nearest that is there.
    fn place(&self, pointer: &str) -> Option<Place> {
        let mut pointer = pointer;
        let (line, column) = loop {
            match self.at.get(pointer) {
                Some(at) => break *at,
                None => pointer = pointer.rsplit_once('/')?.0,
            }
        };
        let text = self.lines.get(line.checked_sub(1)? as usize)?;
        Some(Place {
            line,
            column,
            width: 1,
            text: (*text).to_owned(),
        })
    }
}
