//! Other systems' documents, turned into snapshots.
//!
//! Each function takes documents as JSON values and returns a snapshot as a
//! JSON value: reading files, YAML and CSV is the caller's. Nothing is
//! resolved over a network and nothing is guessed: what cannot be carried over
//! without widening is left out with a [`ImportWarning`], and what cannot be
//! understood is an [`ImportError`] with its place.

mod error;
mod fusebit;
mod fusionauth;
mod openfga;
mod permit;
mod place;

use serde_json::{Map, Value, json};

pub use error::{ImportError, ImportFault, ImportWarning};
pub use fusebit::{FusebitOptions, fusebit};
pub use fusionauth::fusionauth;
pub use openfga::openfga;
pub use permit::permit;

#[cfg(test)]
mod tests;

/// A snapshot made from other documents.
#[derive(Debug, Clone, PartialEq)]
pub struct Imported {
    /// The snapshot: `deputize` and the sections that the documents filled.
    pub snapshot: Map<String, Value>,
    /// What was left out of it, in the order met.
    pub warnings: Vec<ImportWarning>,
}

impl Imported {
    fn new() -> Imported {
        let mut snapshot = Map::new();
        snapshot.insert("deputize".to_owned(), json!(1));
        Imported {
            snapshot,
            warnings: Vec::new(),
        }
    }

    /// Adds a section, unless it would be empty.
    fn section(&mut self, name: &str, entries: Vec<Value>) {
        if !entries.is_empty() {
            self.snapshot.insert(name.to_owned(), Value::Array(entries));
        }
    }

    fn warn(&mut self, pointer: impl Into<String>, message: impl Into<String>) {
        self.warnings.push(ImportWarning {
            pointer: pointer.into(),
            message: message.into(),
        });
    }
}
