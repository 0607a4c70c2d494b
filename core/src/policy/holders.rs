//! Who may have which relation, whatever the tuples say. A table of all types
//! and all relations would grow with the square of the model: a column of it is
//! made when it is first asked for, and kept.

use std::sync::OnceLock;

use super::graph::RelationId;
use super::plan::{AllowedKind, Plan, TypeId};

/// The columns, and the graph that they are made from.
#[derive(Debug, Clone, Default)]
pub(super) struct Holders {
    /// By relation: those that depend on it.
    dependents: Edges,
    /// By relation: those of the same type that include it through unions.
    including: Edges,
    /// By type: the relations that an object of it may have.
    of_type: Vec<OnceLock<Relations>>,
    /// By relation: the relations that its usersets may have.
    of_userset: Vec<OnceLock<Relations>>,
    /// By relation: the relations that it gives, itself included.
    given: Vec<OnceLock<Relations>>,
}

impl Holders {
    pub(super) fn new(types: usize, dependents: Edges, including: Edges) -> Self {
        let columns = |count| (0..count).map(|_| OnceLock::new()).collect();
        let count = dependents.len();
        Self {
            dependents,
            including,
            of_type: columns(types),
            of_userset: columns(count),
            given: columns(count),
        }
    }
}

impl Plan {
    /// Whether an object of a type, or all of them, may have a relation.
    #[inline]
    pub(crate) fn may_hold(&self, relation: RelationId, type_id: TypeId) -> bool {
        let Some(column) = self.holders.of_type.get(type_id as usize) else {
            return false;
        };
        let column = column.get_or_init(|| {
            let admits = |id: &u32| {
                self.relation_plan(*id).is_some_and(|r| {
                    r.assignable
                        .iter()
                        .any(|a| a.type_id == type_id && !matches!(a.kind, AllowedKind::Userset(_)))
                })
            };
            let admitting = (0..self.relations.len() as u32).filter(admits).collect();
            self.holders.dependents.above(admitting)
        });
        column.has(relation)
    }

    /// Whether those who have `userset` on some object may, as such, have a
    /// relation.
    #[inline]
    pub(crate) fn may_hold_userset(&self, relation: RelationId, userset: RelationId) -> bool {
        let Some(column) = self.holders.of_userset.get(userset as usize) else {
            return false;
        };
        let column = column.get_or_init(|| self.holders.dependents.above(vec![userset]));
        column.has(relation)
    }

    /// Whether whoever has `given` has a relation of the same object, through
    /// unions of computed relations alone.
    #[inline]
    pub(crate) fn includes(&self, relation: RelationId, given: RelationId) -> bool {
        let Some(column) = self.holders.given.get(given as usize) else {
            return false;
        };
        let column = column.get_or_init(|| self.holders.including.above(vec![given]));
        column.has(relation)
    }
}

/// A graph of relations, in two arrays.
#[derive(Debug, Clone, Default)]
pub(super) struct Edges {
    /// By relation: where its edges begin; the last entry is where all end.
    starts: Vec<u32>,
    to: Vec<RelationId>,
}

impl Edges {
    /// The edges of `forward`, each turned round.
    pub(super) fn reversed(forward: &[Vec<RelationId>]) -> Self {
        let mut starts = vec![0u32; forward.len() + 1];
        for below in forward.iter().flatten() {
            if let Some(start) = starts.get_mut(*below as usize + 1) {
                *start += 1;
            }
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        let mut next = starts.clone();
        let mut to = vec![0; sum as usize];
        for (above, edges) in (0..).zip(forward) {
            for below in edges {
                if let Some(place) = next.get_mut(*below as usize) {
                    if let Some(slot) = to.get_mut(*place as usize) {
                        *slot = above;
                    }
                    *place += 1;
                }
            }
        }
        Self { starts, to }
    }

    fn len(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    fn of(&self, id: RelationId) -> &[RelationId] {
        let start = self.starts.get(id as usize).copied().unwrap_or(0);
        let end = self.starts.get(id as usize + 1).copied().unwrap_or(start);
        self.to
            .get(start as usize..end as usize)
            .unwrap_or_default()
    }

    /// These relations, and all that is reached from them.
    pub(super) fn above(&self, mut pending: Vec<RelationId>) -> Relations {
        let mut reached = Relations::of(self.len());
        while let Some(id) = pending.pop() {
            if reached.insert(id) {
                pending.extend_from_slice(self.of(id));
            }
        }
        reached
    }
}

/// A set of relations, a bit each.
#[derive(Debug, Clone, Default)]
pub(super) struct Relations(Box<[u64]>);

impl Relations {
    pub(super) fn of(count: usize) -> Self {
        Self(vec![0; count.div_ceil(64)].into())
    }

    #[inline]
    pub(super) fn has(&self, id: RelationId) -> bool {
        self.0
            .get(id as usize / 64)
            .is_some_and(|word| word >> (id % 64) & 1 == 1)
    }

    pub(super) fn insert(&mut self, id: RelationId) -> bool {
        match self.0.get_mut(id as usize / 64) {
            Some(word) => {
                let before = *word;
                *word |= 1 << (id % 64);
                *word != before
            }
            None => false,
        }
    }
}
