//! Tuples as a snapshot's text: a million of them take a tenth of what they
//! would take as values.

use serde::Serialize;
use serde_json::{Map, Value};

use super::ledger::RecordId;
use crate::snapshot::TupleRecord;

/// A tuple before it is written.
#[derive(Debug, Clone, Serialize)]
pub(super) struct NewTuple<'t> {
    pub(super) user: &'t str,
    pub(super) relation: &'t str,
    pub(super) object: &'t str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) condition: Option<NewCondition<'t>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tenant: Option<&'t str>,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct NewCondition<'t> {
    pub(super) name: &'t str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) context: Option<&'t Map<String, Value>>,
}

/// Tuples in the order given, each as JSON.
#[derive(Debug, Clone, Default)]
pub(super) struct Tuples {
    text: Vec<u8>,
    /// Where each begins in the text, and the record that it comes from.
    entries: Vec<(u32, RecordId)>,
}

/// The most bytes of tuples: a snapshot with more is not read either.
const MAX_BYTES: usize = crate::snapshot::MAX_SNAPSHOT_BYTES;

impl Tuples {
    /// Adds a tuple; false where there is no more room.
    pub(super) fn push(&mut self, tuple: &NewTuple<'_>, record: RecordId) -> bool {
        let Ok(start) = u32::try_from(self.text.len()) else {
            return false;
        };
        if self.text.len() > MAX_BYTES || serde_json::to_writer(&mut self.text, tuple).is_err() {
            self.text.truncate(start as usize);
            return false;
        }
        self.entries.push((start, record));
        true
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The record that a tuple comes from.
    pub(super) fn record(&self, index: usize) -> Option<RecordId> {
        self.entries.get(index).map(|(_, record)| *record)
    }

    fn text(&self, index: usize) -> &[u8] {
        let start = self.entries.get(index).map_or(0, |(start, _)| *start);
        let end = self
            .entries
            .get(index + 1)
            .map(|(start, _)| *start as usize);
        let end = end.unwrap_or(self.text.len());
        self.text.get(start as usize..end).unwrap_or_default()
    }

    /// A tuple as a snapshot's reader has it.
    pub(super) fn get(&self, index: usize) -> Option<TupleRecord<'_>> {
        serde_json::from_slice(self.text(index)).ok()
    }

    /// The tuples that are there twice: of each pair the later one, and whether
    /// it differs from the earlier in its condition.
    pub(super) fn repeated(&self) -> Vec<(usize, bool)> {
        let key = |index: u32| {
            let text = self.text(index as usize);
            // Where the object's text ends: what follows is no part of it.
            let end = text
                .windows(13)
                .position(|part| part == br#","condition":"#);
            (
                text.get(..end.unwrap_or(text.len().saturating_sub(1))),
                index,
            )
        };
        let mut order: Vec<u32> = (0..self.len() as u32).collect();
        order.sort_unstable_by(|a, b| key(*a).cmp(&key(*b)));
        let mut first: Option<u32> = None;
        let mut repeated = Vec::new();
        for index in order {
            match first {
                Some(first) if key(first).0 == key(index).0 => {
                    let differs = self.text(first as usize) != self.text(index as usize);
                    repeated.push((index as usize, differs));
                }
                _ => first = Some(index),
            }
        }
        repeated.sort_unstable();
        repeated
    }

    /// Leaves out some tuples, by their indices in order.
    pub(super) fn leave_out(&mut self, indices: &[usize]) {
        if indices.is_empty() {
            return;
        }
        let mut kept = Tuples::default();
        for index in 0..self.len() {
            if indices.binary_search(&index).is_err()
                && let Some(record) = self.record(index)
            {
                kept.entries.push((kept.text.len() as u32, record));
                kept.text.extend_from_slice(self.text(index));
            }
        }
        *self = kept;
    }

    /// Writes them as a JSON array.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.push(b'[');
        for index in 0..self.len() {
            if index > 0 {
                out.push(b',');
            }
            out.extend_from_slice(self.text(index));
        }
        out.push(b']');
    }
}
