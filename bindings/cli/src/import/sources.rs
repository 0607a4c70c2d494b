//! The files that an import reads, by the numbers that the core gives them.

use std::path::Path;

use deputize::import::{ImportError, ImportWarning};
use serde_json::Value;

use crate::fault::{Failure, Fault};
use crate::input;

/// The documents' names. A pointer of an import's begins with the number of
/// its document, where there may be several.
pub(crate) struct Sources {
    names: Vec<String>,
    numbered: bool,
}

impl Sources {
    /// Several documents, in their order.
    pub(crate) fn many(names: Vec<String>) -> Self {
        Self {
            names,
            numbered: true,
        }
    }

    /// One document of a list.
    pub(crate) fn one(name: &str) -> Self {
        Self::many(vec![name.to_owned()])
    }

    /// One document where there can be no other: its pointers have no number.
    pub(super) fn only(name: String) -> Self {
        Self {
            names: vec![name],
            numbered: false,
        }
    }

    /// Reads files of JSON.
    pub(super) fn read<'p>(
        paths: impl IntoIterator<Item = &'p Path>,
    ) -> Result<(Self, Vec<Value>), Failure> {
        let mut names = Vec::new();
        let mut documents = Vec::new();
        for path in paths {
            let name = input::spell(path);
            if input::is_stdin(path) && names.contains(&name) {
                let said = "standard input is named twice, and can be read once";
                return Err(Fault::new("request.stdin", said).into());
            }
            names.push(name);
            documents.push(input::read_json(path)?);
        }
        Ok((Self::many(names), documents))
    }

    /// A document's name, by its number.
    pub(super) fn name(&self, number: usize) -> &str {
        self.names.get(number).map_or("", String::as_str)
    }

    /// The fault that an error is, in its file.
    pub(crate) fn fault(&self, error: &ImportError) -> Fault {
        let (name, pointer) = self.place(&error.pointer);
        let bare = ImportError {
            pointer: String::new(),
            fault: error.fault.clone(),
        };
        let message = bare.to_string();
        let message = message.strip_prefix("the document: ").unwrap_or(&message);
        Fault::new(error.code(), message)
            .in_file(name)
            .pointing(pointer)
    }

    /// What was left out, and where it stood.
    pub(super) fn warning(&self, warning: &ImportWarning) -> String {
        if !warning.pointer.starts_with('/') {
            // About all of them.
            return match &*warning.pointer {
                "" => warning.message.clone(),
                what => format!("{what}: {}", warning.message),
            };
        }
        let (name, pointer) = self.place(&warning.pointer);
        let space = if pointer.is_empty() { "" } else { " at " };
        format!("{name}{space}{pointer}: {}", warning.message)
    }

    /// The file that a pointer leads into, and the pointer there.
    fn place<'p>(&self, pointer: &'p str) -> (&str, &'p str) {
        if !self.numbered {
            return (self.name(0), pointer);
        }
        let rest = pointer.strip_prefix('/').unwrap_or("0");
        let split = rest.find('/').unwrap_or(rest.len());
        let (number, below) = rest.split_at(split);
        (self.name(number.parse().unwrap_or(0)), below)
    }
}
