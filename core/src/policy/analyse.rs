//! What evaluation wants to know of each relation beforehand, found in time
//! that grows with the model alone: each question is asked of the whole graph
//! of relations at once, never of one relation after the other.

use std::collections::BTreeSet;

use super::graph::RelationId;
use super::holders::{Edges, Holders, Relations};
use super::plan::{AllowedKind, Leaf, Op, OpId, Plan};
use crate::order;

/// How many operations of other relations are unfolded into one relation's
/// leaves. Permissions of models in use have some ten; without a bound, `n`
/// relations that each include the one before have `n * n / 2` leaves.
const UNFOLDED: usize = 64;

impl Plan {
    /// Fills what evaluation wants to know of each relation beforehand.
    pub(super) fn analyse(&mut self) {
        let count = self.relations.len();
        let mut depends: Vec<Vec<RelationId>> = Vec::with_capacity(count);
        let mut included: Vec<Vec<RelationId>> = Vec::with_capacity(count);
        let (mut boolean, mut conditional) = (Vec::new(), Vec::new());
        let mut sizes = Vec::with_capacity(count);
        for id in 0..count as u32 {
            let mut walk = Walk::default();
            self.walk(self.root(id), true, &mut walk);
            if walk.boolean {
                boolean.push(id);
            }
            if self.meets_condition(id, self.root(id)) {
                conditional.push(id);
            }
            sizes.push(walk.ops);
            self.note_ups(id, &mut walk);
            if let Some(relation) = self.relations.get_mut(id as usize) {
                relation.assigned = walk.direct;
            }
            included.push(walk.union_computed);
            depends.push(walk.all);
        }
        for relation in &mut self.relations {
            order::sort(&mut relation.up_computed);
            relation.up_computed.dedup();
            order::sort(&mut relation.up_parents);
            relation.up_parents.dedup();
        }
        self.excludes = self.ops.iter().any(|op| matches!(op, Op::Exclusion { .. }));
        self.blocking = self.find_blocking();
        let dependents = Edges::reversed(&depends);
        let boolean = dependents.above(boolean);
        let conditional = dependents.above(conditional);
        for id in 0..count as u32 {
            let monotone = !boolean.has(id);
            let leaves = match monotone {
                true => self.leaves(id, &sizes),
                false => Vec::new(),
            };
            if let Some(relation) = self.relations.get_mut(id as usize) {
                relation.monotone = monotone;
                relation.conditional = conditional.has(id);
                relation.leaves = leaves;
            }
        }
        self.holders = Holders::new(self.types.len(), dependents, Edges::reversed(&included));
    }

    /// The relations of which a tuple may take something away: those that stand
    /// below some exclusion, however deep.
    fn find_blocking(&self) -> Relations {
        let mut pending = Vec::new();
        for op in &self.ops {
            if let Op::Exclusion { subtract, .. } = op {
                self.mentions(*subtract, &mut pending);
            }
        }
        self.rests_on(pending)
    }

    /// These relations, and those that they rest on, however deep: a tuple of
    /// any other changes nothing about them.
    pub(super) fn rests_on(&self, mut pending: Vec<RelationId>) -> Relations {
        let mut found = Relations::of(self.relations.len());
        while let Some(id) = pending.pop() {
            if found.insert(id) {
                self.mentions(self.root(id), &mut pending);
                pending.extend(self.assigned_usersets(id));
            }
        }
        found
    }

    /// The relations whose tuples an operation looks at, or that it asks.
    fn mentions(&self, op: OpId, into: &mut Vec<RelationId>) {
        match self.op(op) {
            Op::Never => {}
            Op::Direct(id) | Op::Computed(id) => into.push(*id),
            Op::Parents(parents) => {
                into.push(parents.tupleset);
                into.extend(parents.targets.iter().map(|(_, target)| *target));
            }
            Op::Union(parts) | Op::Intersection(parts) => {
                parts.iter().for_each(|part| self.mentions(*part, into));
            }
            Op::Exclusion { base, subtract } => {
                self.mentions(*base, into);
                self.mentions(*subtract, into);
            }
        }
    }

    /// The usersets that a relation's brackets list.
    fn assigned_usersets(&self, id: RelationId) -> impl Iterator<Item = RelationId> {
        let listed = self.relation_plan(id).map_or(&[][..], |r| &r.assignable);
        listed.iter().filter_map(|a| match a.kind {
            AllowedKind::Userset(relation) => Some(relation),
            _ => None,
        })
    }

    /// Tells the relations that one mentions, and completes what it depends on.
    fn note_ups(&mut self, id: RelationId, walk: &mut Walk) {
        for below in &walk.computed {
            if let Some(relation) = self.relations.get_mut(*below as usize) {
                relation.up_computed.push(id);
            }
        }
        for (tupleset, target) in &walk.parents {
            if let Some(relation) = self.relations.get_mut(*target as usize) {
                relation.up_parents.push((*tupleset, id));
            }
        }
        walk.all.extend(self.assigned_usersets(id));
        order::sort(&mut walk.all);
        walk.all.dedup();
    }

    /// The leaves below a monotone relation. Computed relations are unfolded
    /// as long as all that was unfolded is small; `sizes` are the numbers of
    /// operations of each relation.
    fn leaves(&self, id: RelationId, sizes: &[usize]) -> Vec<Leaf> {
        let mut leaves: Vec<Leaf> = Vec::new();
        let mut met = BTreeSet::from([(id, None)]);
        let mut left = UNFOLDED;
        let mut pending = vec![(id, self.root(id))];
        while let Some((of, op)) = pending.pop() {
            match self.op(op) {
                Op::Union(parts) => pending.extend(parts.iter().rev().map(|part| (of, *part))),
                Op::Computed(below) if met.insert((*below, None)) => {
                    let size = sizes.get(*below as usize).copied().unwrap_or(usize::MAX);
                    match left.checked_sub(size) {
                        Some(fewer) => {
                            left = fewer;
                            pending.push((*below, self.root(*below)));
                        }
                        None => leaves.push(Leaf::Computed(*below)),
                    }
                }
                Op::Direct(relation) if met.insert((*relation, Some((*relation, None)))) => {
                    let allowed = self.relation_plan(*relation).map(|r| &r.assignable);
                    let any = |f: fn(&AllowedKind) -> bool| {
                        allowed.is_some_and(|allowed| allowed.iter().any(|a| f(&a.kind)))
                    };
                    leaves.push(Leaf::Direct {
                        relation: *relation,
                        usersets: any(|k| matches!(k, AllowedKind::Userset(_))),
                        wildcards: any(|k| matches!(k, AllowedKind::Wildcard)),
                    });
                }
                // The targets of one tupleset all have one name: the first
                // stands for all. Without targets it leads nowhere.
                Op::Parents(parents)
                    if !parents.targets.is_empty()
                        && met.insert((
                            of,
                            Some((parents.tupleset, parents.targets.first().copied())),
                        )) =>
                {
                    leaves.push(Leaf::Parents(of, parents.clone()));
                }
                _ => {}
            }
        }
        leaves
    }

    /// Whether an operation of a relation's rewrite reads tuples of its own
    /// object that may have a condition.
    fn meets_condition(&self, id: RelationId, op: OpId) -> bool {
        let conditional = |id| {
            self.relation_plan(id)
                .is_some_and(|r| r.assignable.iter().any(|a| a.condition.is_some()))
        };
        match self.op(op) {
            Op::Never | Op::Computed(_) => false,
            Op::Direct(_) => conditional(id),
            Op::Parents(parents) => conditional(parents.tupleset),
            Op::Union(parts) | Op::Intersection(parts) => {
                parts.iter().any(|part| self.meets_condition(id, *part))
            }
            Op::Exclusion { base, subtract } => {
                self.meets_condition(id, *base) || self.meets_condition(id, *subtract)
            }
        }
    }

    fn walk(&self, op: OpId, given: bool, into: &mut Walk) {
        into.ops += 1;
        match self.op(op) {
            Op::Never => {}
            Op::Direct(_) => into.direct |= given,
            Op::Computed(below) => {
                into.all.push(*below);
                if given {
                    into.computed.push(*below);
                }
                if !into.below_boolean {
                    into.union_computed.push(*below);
                }
            }
            Op::Parents(parents) => {
                for (_, target) in &parents.targets {
                    into.all.push(*target);
                    if given {
                        into.parents.push((parents.tupleset, *target));
                    }
                }
            }
            Op::Union(parts) => parts.iter().for_each(|p| self.walk(*p, given, into)),
            Op::Intersection(parts) => {
                into.boolean = true;
                let outer = std::mem::replace(&mut into.below_boolean, true);
                parts.iter().for_each(|p| self.walk(*p, given, into));
                into.below_boolean = outer;
            }
            Op::Exclusion { base, subtract } => {
                into.boolean = true;
                let outer = std::mem::replace(&mut into.below_boolean, true);
                self.walk(*base, given, into);
                self.walk(*subtract, false, into);
                into.below_boolean = outer;
            }
        }
    }

    /// For each relation, whether holding it may lead to holding `target`
    /// (or a relation that `target` is computed from, however far).
    pub(crate) fn leads_to(&self, target: RelationId) -> Vec<bool> {
        let mut leads = vec![false; self.relations.len()];
        let mut pending = vec![target];
        while let Some(id) = pending.pop() {
            match leads.get_mut(id as usize) {
                Some(seen) if !*seen => *seen = true,
                _ => continue,
            }
            let mut walk = Walk::default();
            self.walk(self.root(id), true, &mut walk);
            pending.extend(walk.computed);
            pending.extend(walk.parents.iter().map(|(_, target)| *target));
            if walk.direct {
                pending.extend(self.assigned_usersets(id));
            }
        }
        leads
    }
}

/// What one rewrite mentions.
#[derive(Default)]
struct Walk {
    /// Its operations.
    ops: usize,
    /// It holds `This` where it gives.
    direct: bool,
    /// It holds an intersection or an exclusion.
    boolean: bool,
    below_boolean: bool,
    /// Computed relations where they give.
    computed: Vec<RelationId>,
    /// Computed relations below unions only.
    union_computed: Vec<RelationId>,
    /// `(tupleset, target)` where they give.
    parents: Vec<(RelationId, RelationId)>,
    /// Every relation mentioned, subtracted ones included.
    all: Vec<RelationId>,
}

#[cfg(test)]
mod tests;
