//! What became of each record: nothing that was given is passed over.

use std::collections::BTreeMap;

use super::error::{ImportError, ImportFault, ImportWarning};

/// What became of the records that were given; the three add up to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Records {
    /// They stand in the snapshot.
    pub taken: usize,
    /// A warning says what of them does not, or what is odd about them.
    pub warned: usize,
    /// An error says why they cannot.
    pub refused: usize,
}

impl Records {
    /// How many records were given.
    #[must_use]
    pub fn total(&self) -> usize {
        self.taken + self.warned + self.refused
    }
}

/// How a record stands; the worse is the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Taken,
    Warned,
    Refused,
}

/// A record's number, in the order in which they were met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RecordId(u32);

/// The records that were met, where they stand, and what became of them.
#[derive(Debug, Clone, Default)]
pub(super) struct Ledger {
    outcomes: Vec<Outcome>,
    /// Records by their own pointers.
    singles: BTreeMap<String, RecordId>,
    /// Lists of records: of each its pointer, its first record and how many.
    lists: BTreeMap<String, (RecordId, u32)>,
    pub(super) warnings: Vec<ImportWarning>,
    pub(super) errors: Vec<ImportError>,
}

impl Ledger {
    /// A record that stands alone. One that is there already is not two.
    pub(super) fn open(&mut self, pointer: &str) -> RecordId {
        if let Some(known) = self.at(pointer) {
            return known;
        }
        let id = self.next();
        self.singles.insert(pointer.to_owned(), id);
        id
    }

    /// The next item of a list of records. The items of a list are opened one
    /// after the other, with no other record in between.
    pub(super) fn open_item(&mut self, list: &str) -> (RecordId, u32) {
        let id = self.next();
        let index = match self.lists.get_mut(list) {
            Some((_, count)) => {
                *count += 1;
                *count - 1
            }
            None => {
                self.lists.insert(list.to_owned(), (id, 1));
                0
            }
        };
        (id, index)
    }

    fn next(&mut self) -> RecordId {
        let id = RecordId(u32::try_from(self.outcomes.len()).unwrap_or(u32::MAX));
        self.outcomes.push(Outcome::Taken);
        id
    }

    /// Says something of the record that a pointer leads into, or of none.
    pub(super) fn warn(&mut self, pointer: impl Into<String>, message: impl Into<String>) {
        let pointer = pointer.into();
        self.mark(&pointer, Outcome::Warned);
        self.warnings.push(ImportWarning {
            pointer,
            message: message.into(),
        });
    }

    /// Refuses the record that the error's pointer leads into. What stands in
    /// no record is one by itself; but not a page that is missing.
    pub(super) fn refuse(&mut self, error: ImportError) {
        let missing = matches!(error.fault, ImportFault::Incomplete { .. });
        if !missing && self.find(&error.pointer).is_none() {
            self.open(&error.pointer);
        }
        self.mark(&error.pointer, Outcome::Refused);
        self.errors.push(error);
    }

    /// Reads one record: it is refused where that fails.
    pub(super) fn record<T>(
        &mut self,
        pointer: &str,
        read: impl FnOnce(&mut Ledger) -> Result<T, ImportError>,
    ) -> Option<T> {
        self.open(pointer);
        self.read(read)
    }

    /// Does what may fail: then the record that the error is of is refused.
    pub(super) fn read<T>(
        &mut self,
        read: impl FnOnce(&mut Ledger) -> Result<T, ImportError>,
    ) -> Option<T> {
        match read(self) {
            Ok(read) => Some(read),
            Err(error) => {
                self.refuse(error);
                None
            }
        }
    }

    fn mark(&mut self, pointer: &str, outcome: Outcome) {
        if let Some(RecordId(id)) = self.find(pointer)
            && let Some(own) = self.outcomes.get_mut(id as usize)
        {
            *own = outcome.max(*own);
        }
    }

    /// The record that a pointer leads to, or into.
    pub(super) fn find(&self, pointer: &str) -> Option<RecordId> {
        let mut pointer = pointer;
        loop {
            if let Some(id) = self.at(pointer) {
                return Some(id);
            }
            pointer = pointer.rsplit_once('/')?.0;
        }
    }

    fn at(&self, pointer: &str) -> Option<RecordId> {
        if let Some(id) = self.singles.get(pointer) {
            return Some(*id);
        }
        let (list, item) = pointer.rsplit_once('/')?;
        let (RecordId(first), count) = self.lists.get(list)?;
        let item: u32 = item.parse().ok()?;
        (item < *count).then_some(RecordId(first + item))
    }

    /// Where a record stands.
    pub(super) fn pointer(&self, id: RecordId) -> Option<String> {
        let item = |(first, count): &(RecordId, u32)| {
            let item = id.0.checked_sub(first.0)?;
            (item < *count).then_some(item)
        };
        for (list, own) in &self.lists {
            if let Some(item) = item(own) {
                return Some(format!("{list}/{item}"));
            }
        }
        let single = self.singles.iter().find(|(_, own)| **own == id);
        single.map(|(pointer, _)| pointer.clone())
    }

    pub(super) fn records(&self) -> Records {
        let mut records = Records::default();
        for outcome in &self.outcomes {
            match outcome {
                Outcome::Taken => records.taken += 1,
                Outcome::Warned => records.warned += 1,
                Outcome::Refused => records.refused += 1,
            }
        }
        records
    }
}
