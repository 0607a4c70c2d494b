//! Other systems' documents, turned into snapshots.
//!
//! Each function takes documents as JSON values and returns an [`Imported`]
//! snapshot, or is [`Refused`]: reading files, YAML and CSV is the caller's.
//! Nothing is resolved over a network and nothing is guessed.
//!
//! Each record is *taken*, *warned of* where something of it is left out that
//! could only give, or *refused*; the three [`Records`] add up to what was
//! given. Whatever ends or narrows a right in the other system is carried over
//! or refused, as is a member that is not known at any depth. One refused
//! record refuses the import: the record might be the one that takes away.

mod document;
mod error;
mod fusebit;
mod fusionauth;
mod ledger;
mod openfga;
mod permit;
mod place;
mod tuples;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::Policy;
use crate::snapshot::SnapshotErrorKind;

pub use document::Document;
pub use error::{ImportError, ImportFault, ImportWarning, Refused};
pub use fusebit::{FusebitOptions, fusebit};
pub use fusionauth::fusionauth;
pub use ledger::Records;
pub use openfga::{Openfga, openfga};
pub use permit::{PermitOptions, permit};

use ledger::Ledger;
use tuples::Tuples;

#[cfg(test)]
mod tests;

/// A snapshot made from other documents.
#[derive(Debug, Clone)]
pub struct Imported {
    sections: Map<String, Value>,
    /// Where in the documents the entries of each section come from.
    origins: BTreeMap<&'static str, Vec<String>>,
    tuples: Tuples,
    ledger: Ledger,
}

impl Imported {
    fn new(ledger: Ledger) -> Imported {
        Imported {
            sections: Map::new(),
            origins: BTreeMap::new(),
            tuples: Tuples::default(),
            ledger,
        }
    }

    /// Adds a section, unless it would be empty; each entry with the pointer
    /// of where it comes from.
    fn section(&mut self, name: &'static str, entries: impl IntoIterator<Item = (Value, String)>) {
        let (entries, origins): (Vec<_>, Vec<_>) = entries.into_iter().unzip();
        if !entries.is_empty() {
            self.sections.insert(name.to_owned(), Value::Array(entries));
            self.origins.insert(name, origins);
        }
    }

    fn set_model(&mut self, model: Value, origin: String) {
        self.sections.insert("model".to_owned(), model);
        self.origins.insert("model", vec![origin]);
    }

    /// The import, unless a record is refused.
    fn unless_refused(self) -> Result<Imported, Refused> {
        match self.ledger.errors.is_empty() {
            true => Ok(self),
            false => Err(self.refused()),
        }
    }

    fn refused(self) -> Refused {
        Refused {
            records: self.ledger.records(),
            errors: self.ledger.errors,
        }
    }

    /// What became of the records.
    #[must_use]
    pub fn records(&self) -> Records {
        self.ledger.records()
    }

    /// What was left out, or is odd, in the order met.
    #[must_use]
    pub fn warnings(&self) -> &[ImportWarning] {
        &self.ledger.warnings
    }

    /// How many entries each section has, of those that have any.
    pub fn counts(&self) -> impl Iterator<Item = (&str, usize)> {
        let tuples = Some(("tuples", self.tuples.len())).filter(|(_, count)| *count > 0);
        let sections = self.sections.iter();
        let lists =
            sections.filter_map(|(name, list)| Some((name.as_str(), list.as_array()?.len())));
        tuples.into_iter().chain(lists)
    }

    /// The snapshot, as JSON.
    #[must_use]
    pub fn to_json(&self, revision: &str) -> Vec<u8> {
        let mut out = format!("{{\"deputize\":1,\"revision\":{}", json!(revision)).into_bytes();
        for (name, value) in &self.sections {
            out.extend_from_slice(format!(",\"{name}\":{value}").as_bytes());
        }
        if self.tuples.len() > 0 {
            out.extend_from_slice(b",\"tuples\":");
            self.tuples.write(&mut out);
        }
        out.push(b'}');
        out
    }

    /// The tuples alone, as a JSON array.
    #[must_use]
    pub fn tuples_json(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.tuples.write(&mut out);
        out
    }

    /// Whether one of the documents brought a model.
    #[must_use]
    pub fn has_model(&self) -> bool {
        self.sections.contains_key("model")
    }

    /// Where in the documents that comes from which stands at a pointer of the
    /// snapshot.
    #[must_use]
    pub fn origin(&self, pointer: &str) -> Option<String> {
        let mut parts = pointer.splitn(4, '/').skip(1);
        let (section, index, below) = (parts.next()?, parts.next(), parts.next());
        let number = |index: Option<&str>| index?.parse::<usize>().ok();
        let origin = match section {
            "tuples" => self.ledger.pointer(self.tuples.record(number(index)?)?)?,
            "model" => self.origins.get("model")?.first()?.clone(),
            section => self.origins.get(section)?.get(number(index)?)?.clone(),
        };
        match below {
            Some(below) if section != "model" => Some(format!("{origin}/{below}")),
            _ => Some(origin),
        }
    }

    /// The snapshot with a revision, read back as the policy that it is: what
    /// cannot be is refused, and what the policy warns of is warned of.
    ///
    /// # Errors
    ///
    /// What [`Policy::from_json`] refuses, at the record that it comes from.
    pub fn compile(&mut self, revision: &str) -> Result<(Policy, Vec<u8>), Refused> {
        let bytes = self.to_json(revision);
        let policy = match Policy::from_json(&bytes) {
            Ok(policy) => policy,
            Err(error) => {
                let pointer = self.origin(&error.pointer);
                // What stands in no document is about all of them.
                let pointer = pointer.unwrap_or(error.pointer);
                let fault = ImportFault::Snapshot(Box::new(error.kind));
                self.ledger.refuse(ImportError::new(pointer, fault));
                return Err(Refused {
                    records: self.ledger.records(),
                    errors: std::mem::take(&mut self.ledger.errors),
                });
            }
        };
        for warning in policy.warnings() {
            // Tuples and entities were told of when they were read.
            if !["tuple.", "entity.", "more"]
                .iter()
                .any(|told| warning.code.starts_with(told))
            {
                let pointer = self.origin(&warning.pointer);
                let pointer = pointer.unwrap_or_else(|| warning.pointer.clone());
                self.ledger.warn(pointer, warning.subject.clone());
            }
        }
        Ok((policy, bytes))
    }
}

/// The kind of a snapshot's error, as a fault of an import's.
fn of_snapshot(kind: SnapshotErrorKind) -> ImportFault {
    match kind {
        SnapshotErrorKind::Identifier { found, reason } => {
            ImportFault::Identifier { found, reason }
        }
        kind => ImportFault::Snapshot(Box::new(kind)),
    }
}
