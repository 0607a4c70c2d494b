//! Which kinds of users a relation can hold, whatever the tuples say.

use std::collections::{BTreeMap, BTreeSet};

use deputize::model::{AssignableKind, Model, Rewrite};

/// By type and relation: the types whose objects can have it.
pub(super) struct Holders<'m> {
    by_relation: BTreeMap<(&'m str, &'m str), BTreeSet<&'m str>>,
}

impl<'m> Holders<'m> {
    /// The least solution of the model's equations, which only grow.
    pub(super) fn of(model: &'m Model) -> Self {
        let mut holders = Self {
            by_relation: BTreeMap::new(),
        };
        let relations = || {
            let types = model.types.iter();
            types.flat_map(|t| t.relations.iter().map(move |r| (t, r)))
        };
        // Each round adds at least one type to one relation, or is the last.
        loop {
            let mut grew = false;
            for (def, relation) in relations() {
                let kinds = holders.kinds(model, &def.name, &relation.name, &relation.rewrite);
                let known = holders
                    .by_relation
                    .entry((&def.name, &relation.name))
                    .or_default();
                grew |= kinds.len() > known.len();
                known.extend(kinds);
            }
            if !grew {
                return holders;
            }
        }
    }

    /// Whether anyone can have it.
    pub(super) fn any(&self, type_name: &str, relation: &str) -> bool {
        self.by_relation
            .get(&(type_name, relation))
            .is_some_and(|kinds| !kinds.is_empty())
    }

    fn known(&self, type_name: &'m str, relation: &'m str) -> BTreeSet<&'m str> {
        let known = self.by_relation.get(&(type_name, relation));
        known.cloned().unwrap_or_default()
    }

    /// What a rewrite can hold; its depth is bounded by the model's parser.
    fn kinds(
        &self,
        model: &'m Model,
        type_name: &'m str,
        relation: &'m str,
        rewrite: &'m Rewrite,
    ) -> BTreeSet<&'m str> {
        let part = |rewrite| self.kinds(model, type_name, relation, rewrite);
        match rewrite {
            Rewrite::This => {
                let mut kinds = BTreeSet::new();
                for entry in assignable(model, type_name, relation) {
                    match &entry.kind {
                        AssignableKind::Object | AssignableKind::Wildcard => {
                            kinds.insert(entry.type_name.as_str());
                        }
                        AssignableKind::Userset(below) => {
                            kinds.extend(self.known(&entry.type_name, below));
                        }
                    }
                }
                kinds
            }
            Rewrite::Computed(below) => self.known(type_name, below),
            Rewrite::TupleToUserset { tupleset, computed } => {
                let mut kinds = BTreeSet::new();
                for entry in assignable(model, type_name, tupleset) {
                    kinds.extend(self.known(&entry.type_name, computed));
                }
                kinds
            }
            Rewrite::Union(parts) => parts.iter().flat_map(part).collect(),
            Rewrite::Intersection(parts) => {
                let mut kinds = parts.iter().map(part);
                let first = kinds.next().unwrap_or_default();
                kinds.fold(first, |all, more| {
                    all.intersection(&more).copied().collect()
                })
            }
            Rewrite::Exclusion { base, .. } => part(base),
        }
    }
}

/// A relation's brackets.
pub(super) fn assignable<'m>(
    model: &'m Model,
    type_name: &str,
    relation: &str,
) -> impl Iterator<Item = &'m deputize::model::Assignable> {
    let def = model.types.iter().find(|t| t.name == type_name);
    let relation = def.and_then(|t| t.relations.iter().find(|r| r.name == relation));
    relation.into_iter().flat_map(|r| &r.assignable)
}
