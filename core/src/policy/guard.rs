//! Guards: what must hold, beyond its being there, for a tuple to count.

use std::collections::BTreeMap;

#[cfg(feature = "conditions")]
use crate::condition::{BoundContext, Condition};
use crate::query::QueryError;

/// What must hold for a tuple to count.
#[derive(Debug, Clone)]
pub(crate) struct Guard {
    /// Only requests of this tenant see the tuple.
    pub(crate) tenant: Option<String>,
    /// This condition must be met.
    pub(crate) condition: Option<GuardCondition>,
}

/// A condition with the context that its tuple fixes.
#[derive(Debug, Clone)]
pub(crate) struct GuardCondition {
    /// The condition's number in the model.
    pub(crate) index: u32,
    /// The context as JSON text; empty where there is none.
    pub(crate) source: String,
    #[cfg(feature = "conditions")]
    pub(crate) bound: BoundContext,
}

/// What a guard says of its tuple.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Verdict {
    /// The tuple counts.
    Pass,
    /// It does not.
    Fail,
    /// It cannot be told, which denies unless another tuple allows.
    Error(QueryError),
}

/// The guards of a policy, and the conditions that they name. Guard 0 is none:
/// the first one here is number 1.
#[derive(Debug, Default)]
pub(crate) struct GuardTable {
    pub(crate) guards: Vec<Guard>,
    #[cfg(feature = "conditions")]
    pub(crate) conditions: Vec<Condition>,
}

impl GuardTable {
    /// The guard with this number.
    pub(crate) fn get(&self, number: u32) -> Option<&Guard> {
        self.guards.get((number as usize).checked_sub(1)?)
    }
}

/// What tells two guards apart: tenant, condition, context text.
pub(crate) type GuardKey = (Option<String>, Option<u32>, String);

/// Numbers guards while a snapshot is read.
#[derive(Default)]
pub(crate) struct GuardCollector {
    seen: BTreeMap<GuardKey, u32>,
}

impl GuardCollector {
    /// A provisional number, from 1 on, and whether it is new.
    pub(crate) fn add(&mut self, key: GuardKey) -> (u32, bool) {
        let next = self.seen.len() as u32 + 1;
        let number = *self.seen.entry(key).or_insert(next);
        (number, number == next)
    }

    /// The keys in their order, and the final number of each provisional one.
    pub(crate) fn finish(self) -> (Vec<GuardKey>, Vec<u32>) {
        let mut renumber = vec![0; self.seen.len() + 1];
        let mut keys = Vec::with_capacity(self.seen.len());
        for (i, (key, provisional)) in self.seen.into_iter().enumerate() {
            if let Some(slot) = renumber.get_mut(provisional as usize) {
                *slot = i as u32 + 1;
            }
            keys.push(key);
        }
        (keys, renumber)
    }
}
