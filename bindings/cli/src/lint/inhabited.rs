//! Which relations of which objects anyone has at all, as far as tuples say.
//!
//! Too much rather than too little: conditions are taken to hold, exclusions
//! to exclude nobody. So what is not inhabited here has nobody for sure,
//! unless requests bring tuples of their own.

use std::collections::{BTreeMap, BTreeSet};

use deputize::model::{Model, RelationDef, Rewrite, TypeDef};

/// An admitted tuple, taken apart.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grant<'s> {
    /// Its place in the snapshot.
    pub(super) index: usize,
    /// The user's object, or `type:*`.
    pub(super) user: &'s str,
    /// The relation of a userset.
    pub(super) user_relation: Option<&'s str>,
    /// The relation.
    pub(super) relation: &'s str,
    /// The object.
    pub(super) object: &'s str,
}

/// Which relations of which objects anyone has.
pub(super) struct Inhabited<'m, 's> {
    types: BTreeMap<&'m str, &'m TypeDef>,
    by_object: BTreeMap<&'s str, Vec<Grant<'s>>>,
    held: BTreeMap<&'s str, BTreeSet<&'m str>>,
}

impl<'m, 's> Inhabited<'m, 's> {
    /// Solves the equations of all objects' relations.
    pub(super) fn of(model: &'m Model, grants: &[Grant<'s>]) -> Self {
        let mut solution = Self {
            types: model.types.iter().map(|t| (t.name.as_str(), t)).collect(),
            by_object: BTreeMap::new(),
            held: BTreeMap::new(),
        };
        let mut mentions: BTreeMap<&'s str, BTreeSet<&'s str>> = BTreeMap::new();
        for grant in grants {
            solution
                .by_object
                .entry(grant.object)
                .or_default()
                .push(*grant);
            mentions.entry(grant.user).or_default().insert(grant.object);
        }
        // An object is looked at again when one that it mentions has gained a
        // relation; each can gain no more than its type has.
        let mut left: BTreeSet<&'s str> = solution.by_object.keys().copied().collect();
        while let Some(object) = left.pop_first() {
            if solution.grow(object) {
                left.extend(mentions.get(object).into_iter().flatten());
            }
        }
        solution
    }

    /// Whether anyone has the relation.
    pub(super) fn has(&self, object: &str, relation: &str) -> bool {
        let held = self.held.get(object);
        held.is_some_and(|relations| relations.contains(relation))
    }

    /// The objects that tuples say something of, of a type.
    pub(super) fn objects_of(&self, type_name: &str) -> impl Iterator<Item = &'s str> + Clone {
        let from = self.by_object.keys().copied();
        let found: Vec<&'s str> = from
            .filter(|object| object.split_once(':').is_some_and(|(t, _)| t == type_name))
            .collect();
        found.into_iter()
    }

    /// A relation of an object's type.
    pub(super) fn relation(&self, object: &str, relation: &str) -> Option<&'m RelationDef> {
        let def = self.type_of(object)?;
        def.relations.iter().find(|r| r.name == relation)
    }

    /// The type of an object.
    pub(super) fn type_of(&self, object: &str) -> Option<&'m TypeDef> {
        let (type_name, _) = object.split_once(':')?;
        self.types.get(type_name).copied()
    }

    /// Adds to an object what its grants and relations now give; says whether
    /// that was anything.
    fn grow(&mut self, object: &'s str) -> bool {
        let Some(def) = self.type_of(object) else {
            return false;
        };
        let mut grew = false;
        // One relation may rest on another of the same object.
        loop {
            let gained: Vec<&'m str> = def
                .relations
                .iter()
                .filter(|r| !self.has(object, &r.name) && self.holds(object, r, &r.rewrite))
                .map(|r| r.name.as_str())
                .collect();
            if gained.is_empty() {
                return grew;
            }
            grew = true;
            self.held.entry(object).or_default().extend(gained);
        }
    }

    /// Whether a rewrite holds anyone; its depth is bounded by the model's
    /// parser.
    fn holds(&self, object: &str, relation: &RelationDef, rewrite: &Rewrite) -> bool {
        let part = |rewrite| self.holds(object, relation, rewrite);
        match rewrite {
            Rewrite::This => self.grants(object, &relation.name).any(|grant| {
                let below = grant.user_relation;
                below.is_none_or(|below| self.has(grant.user, below))
            }),
            Rewrite::Computed(below) => self.has(object, below),
            Rewrite::TupleToUserset { tupleset, computed } => self
                .grants(object, tupleset)
                .any(|grant| self.has(grant.user, computed)),
            Rewrite::Union(parts) => parts.iter().any(part),
            Rewrite::Intersection(parts) => parts.iter().all(part),
            Rewrite::Exclusion { base, .. } => part(base),
        }
    }

    fn grants<'a>(
        &'a self,
        object: &str,
        relation: &'a str,
    ) -> impl Iterator<Item = &'a Grant<'s>> {
        let grants = self.by_object.get(object).into_iter().flatten();
        grants.filter(move |grant| grant.relation == relation)
    }
}
