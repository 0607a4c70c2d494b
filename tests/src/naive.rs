//! The semantics once more: recursive, without memo, index or cleverness, so
//! that each rule stands in one readable place.

use crate::store::{Tuple, key, split_userset, type_of};
use deputize::model::{Assignable, AssignableKind, Model, RelationDef, Rewrite};
use std::cell::Cell;
use std::collections::BTreeSet;

/// What a sub-question comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Truth {
    /// The user is in.
    Yes,
    /// The user is not in.
    No,
    /// Not in, but only because a cycle was cut: `x but not <this>` is not in
    /// either.
    Tainted,
    /// It cannot be said.
    Failed(String),
}

/// A store as one request sees it.
pub struct Naive<'a> {
    /// The model.
    pub model: &'a Model,
    /// The stored tuples.
    pub stored: &'a [Tuple],
    /// The request's own tuples.
    pub contextual: &'a [Tuple],
    /// Whether a tuple's condition holds; true for a tuple without one.
    pub condition: &'a dyn Fn(&Tuple) -> Result<bool, String>,
    /// How many userset and parent hops are one too many; OpenFGA's is 25.
    pub depth: Option<usize>,
    /// How many sub-questions may still be asked. Without a memo dense cycles
    /// take for ever; a question that runs out is left out of a comparison.
    pub steps: Cell<u64>,
}

/// The text of a [`Truth::Failed`] that is about the limit of depth.
pub const TOO_DEEP: &str = "too deep";
/// The text of a [`Truth::Failed`] that is about this evaluator's own patience.
pub const TOO_MANY_STEPS: &str = "too many steps";

impl Naive<'_> {
    /// Does `user` have `relation` on `object`?
    pub fn check(&self, user: &str, relation: &str, object: &str) -> Truth {
        self.ask(user, relation, object, &mut Vec::new(), 0)
    }

    fn ask(
        &self,
        user: &str,
        relation: &str,
        object: &str,
        path: &mut Vec<String>,
        depth: usize,
    ) -> Truth {
        if self.steps.get() == 0 {
            return Truth::Failed(TOO_MANY_STEPS.into());
        }
        self.steps.set(self.steps.get() - 1);
        if self.depth == Some(depth) {
            return Truth::Failed(TOO_DEEP.into());
        }
        let here = format!("{object}#{relation}");
        if path.contains(&here) {
            return Truth::Tainted;
        }
        if user == here {
            return Truth::Yes;
        }
        let Some(def) = relation_of(self.model, type_of(object), relation) else {
            return Truth::No;
        };
        // A relation that no subject of the user's kind can ever have is not
        // looked into: what fails or cycles in there does not matter.
        if !reachable(self.model, user, type_of(object), relation) {
            return Truth::No;
        }
        path.push(here);
        let truth = self.rewrite(&def.rewrite, user, relation, object, path, depth);
        path.pop();
        truth
    }

    fn rewrite(
        &self,
        node: &Rewrite,
        user: &str,
        relation: &str,
        object: &str,
        path: &mut Vec<String>,
        depth: usize,
    ) -> Truth {
        match node {
            Rewrite::This => self.direct(user, relation, object, path, depth),
            Rewrite::Computed(other) => self.ask(user, other, object, path, depth),
            Rewrite::TupleToUserset { tupleset, computed } => {
                let parents = match self.read(object, tupleset, |name| !name.contains('#')) {
                    Ok(parents) => parents,
                    Err(error) => return Truth::Failed(error),
                };
                union(
                    parents
                        .into_iter()
                        .filter(|parent| {
                            relation_of(self.model, type_of(parent), computed).is_some()
                        })
                        .map(|parent| self.ask(user, computed, parent, path, depth + 1)),
                )
            }
            Rewrite::Union(parts) => union(
                parts
                    .iter()
                    .map(|part| self.rewrite(part, user, relation, object, path, depth)),
            ),
            Rewrite::Intersection(parts) => intersection(
                parts
                    .iter()
                    .map(|part| self.rewrite(part, user, relation, object, path, depth))
                    .collect(),
            ),
            Rewrite::Exclusion { base, subtract } => exclusion(
                self.rewrite(base, user, relation, object, path, depth),
                self.rewrite(subtract, user, relation, object, path, depth),
            ),
        }
    }

    /// The tuples themselves: the user's own, the wildcard's, and the usersets'.
    fn direct(
        &self,
        user: &str,
        relation: &str,
        object: &str,
        path: &mut Vec<String>,
        depth: usize,
    ) -> Truth {
        let mut truths = Vec::new();
        // A contextual tuple shadows the stored one here, and only here.
        let own = |tuple: &&Tuple| key(tuple) == (object, relation, user);
        if let Some(tuple) = self
            .contextual
            .iter()
            .find(own)
            .or_else(|| self.stored.iter().find(own))
            && admits(self.model, tuple)
        {
            truths.push(match (self.condition)(tuple) {
                Ok(true) => Truth::Yes,
                Ok(false) => Truth::No,
                Err(error) => Truth::Failed(error),
            });
        }
        if split_userset(user).is_none() {
            let wildcard = format!("{}:*", type_of(user));
            truths.push(match self.read(object, relation, |name| name == wildcard) {
                Ok(found) if found.is_empty() => Truth::No,
                Ok(_) => Truth::Yes,
                Err(error) => Truth::Failed(error),
            });
        }
        match self.read(object, relation, |name| name.contains('#')) {
            Ok(usersets) => truths.extend(
                usersets
                    .into_iter()
                    .filter_map(split_userset)
                    .map(|(group, member)| self.ask(user, member, group, path, depth + 1)),
            ),
            Err(error) => truths.push(Truth::Failed(error)),
        }
        union(truths.into_iter())
    }

    /// The users of the tuples that hold. One that holds makes the others'
    /// errors be forgotten.
    fn read(
        &self,
        object: &str,
        relation: &str,
        keep: impl Fn(&str) -> bool,
    ) -> Result<Vec<&str>, String> {
        let (mut users, mut failure) = (Vec::new(), None);
        for tuple in self.contextual.iter().chain(self.stored) {
            if tuple.object == object
                && tuple.relation == relation
                && keep(&tuple.user)
                && admits(self.model, tuple)
            {
                match (self.condition)(tuple) {
                    Ok(true) => users.push(tuple.user.as_str()),
                    Ok(false) => {}
                    Err(error) => failure = Some(error),
                }
            }
        }
        match failure {
            Some(error) if users.is_empty() => Err(error),
            _ => Ok(users),
        }
    }

    /// The objects of a type on which `user` has `relation`, each by a check.
    ///
    /// # Errors
    /// The check failed of an object that some tuples do lead to, whatever
    /// their conditions say.
    pub fn list_objects(
        &self,
        user: &str,
        relation: &str,
        object_type: &str,
    ) -> Result<BTreeSet<String>, String> {
        let mut candidates = self.objects(object_type);
        // `o#r` has `r` on `o` even where no tuple speaks of `o`.
        let own = split_userset(user).map(|(object, _)| object.to_owned());
        candidates.extend(own.filter(|object| type_of(object) == object_type));
        let wildcard = format!("{}:*", type_of(user));
        candidates.retain(|object| {
            let (nodes, tuples) = self.below(object, relation, false, &|_| true);
            let named = |name: &str| name == user || (!user.contains('#') && name == wildcard);
            nodes.contains(user) || tuples.iter().any(|tuple| named(&tuple.user))
        });
        self.that(candidates, |object| self.check(user, relation, object))
    }

    /// The users of a kind (`user`, with `user:*` among them, or
    /// `group#member`) that have `relation` on `object`, each by a check.
    ///
    /// # Errors
    /// A condition failed anywhere on the way down from the object: the list is
    /// not asked on behalf of one user whose own way might not have met it.
    pub fn list_users(
        &self,
        object: &str,
        relation: &str,
        filter: &str,
    ) -> Result<BTreeSet<String>, String> {
        let (sample, mut candidates) = match split_userset(filter) {
            None => (format!("{filter}:*"), self.objects(filter)),
            Some((group, member)) => {
                let mut groups = self.objects(group);
                groups.extend((type_of(object) == group).then(|| object.to_owned()));
                let usersets = groups.into_iter().map(|name| format!("{name}#{member}"));
                (format!("{group}:?#{member}"), usersets.collect())
            }
        };
        if !reachable(self.model, &sample, type_of(object), relation) {
            return Ok(BTreeSet::new());
        }
        self.walk(object, relation)?;
        if sample.ends_with(":*") {
            candidates.insert(sample);
        }
        self.that(candidates, |user| self.check(user, relation, object))
    }

    /// Goes down from the object, as far as tuples hold.
    ///
    /// # Errors
    /// The condition of a tuple met there fails.
    pub fn walk(&self, object: &str, relation: &str) -> Result<(), String> {
        let holds = |tuple: &Tuple| (self.condition)(tuple) == Ok(true);
        let (_, tuples) = self.below(object, relation, true, &holds);
        tuples
            .into_iter()
            .try_for_each(|tuple| (self.condition)(tuple).map(drop))
    }

    /// Everything that a relation is made of, or only what may add to it: the
    /// `object#relation`s, and the tuples.
    fn below(
        &self,
        object: &str,
        relation: &str,
        subtracted: bool,
        follow: &dyn Fn(&Tuple) -> bool,
    ) -> (BTreeSet<String>, Vec<&Tuple>) {
        let (mut nodes, mut tuples) = (BTreeSet::new(), Vec::new());
        let mut open = vec![(object, relation)];
        while let Some((object, relation)) = open.pop() {
            let Some(def) = relation_of(self.model, type_of(object), relation) else {
                continue;
            };
            if !nodes.insert(format!("{object}#{relation}")) {
                continue;
            }
            let here = |relation: &str| {
                let all = self.contextual.iter().chain(self.stored);
                all.filter(|t| t.object == object && t.relation == relation)
                    .filter(|t| admits(self.model, t))
                    .collect::<Vec<_>>()
            };
            let mut parts = vec![&def.rewrite];
            while let Some(part) = parts.pop() {
                match part {
                    Rewrite::This => {
                        let found = here(relation);
                        let led = found.iter().filter(|t| follow(t));
                        open.extend(led.filter_map(|t| split_userset(&t.user)));
                        tuples.extend(found);
                    }
                    Rewrite::Computed(other) => open.push((object, other)),
                    Rewrite::TupleToUserset { tupleset, computed } => {
                        let found = here(tupleset);
                        let led = found.iter().filter(|t| follow(t));
                        open.extend(led.map(|t| (t.user.as_str(), computed.as_str())));
                        // They lead on; a parent is not itself in.
                        if subtracted {
                            tuples.extend(found);
                        }
                    }
                    Rewrite::Union(inner) | Rewrite::Intersection(inner) => parts.extend(inner),
                    Rewrite::Exclusion { base, subtract } => {
                        parts.push(base);
                        parts.extend(subtracted.then_some(&**subtract));
                    }
                }
            }
        }
        (nodes, tuples)
    }

    fn that(
        &self,
        candidates: BTreeSet<String>,
        check: impl Fn(&str) -> Truth,
    ) -> Result<BTreeSet<String>, String> {
        let mut found = BTreeSet::new();
        for name in candidates {
            match check(&name) {
                Truth::Yes => drop(found.insert(name)),
                Truth::No | Truth::Tainted => {}
                Truth::Failed(error) => return Err(error),
            }
        }
        Ok(found)
    }

    /// Every object of a type that any tuple speaks of.
    pub fn objects(&self, object_type: &str) -> BTreeSet<String> {
        let tuples = self.contextual.iter().chain(self.stored);
        let names = tuples.flat_map(|tuple| {
            [
                tuple.object.as_str(),
                tuple.user.split('#').next().unwrap_or_default(),
            ]
        });
        names
            .filter(|name| type_of(name) == object_type && !name.ends_with(":*"))
            .map(str::to_owned)
            .collect()
    }
}

fn union(truths: impl Iterator<Item = Truth>) -> Truth {
    truths.fold(Truth::No, |so_far, next| match (so_far, next) {
        (Truth::Yes, _) | (_, Truth::Yes) => Truth::Yes,
        (Truth::Failed(error), _) | (_, Truth::Failed(error)) => Truth::Failed(error),
        (Truth::Tainted, _) | (_, Truth::Tainted) => Truth::Tainted,
        (Truth::No, Truth::No) => Truth::No,
    })
}

fn intersection(truths: Vec<Truth>) -> Truth {
    let lowest = |truth: &Truth| match truth {
        Truth::No => 0,
        Truth::Tainted => 1,
        Truth::Failed(_) => 2,
        Truth::Yes => 3,
    };
    truths.into_iter().min_by_key(lowest).unwrap_or(Truth::No)
}

fn exclusion(base: Truth, subtract: Truth) -> Truth {
    match (base, subtract) {
        (Truth::No, _) | (_, Truth::Yes) => Truth::No,
        (Truth::Tainted, _) | (_, Truth::Tainted) => Truth::Tainted,
        (Truth::Failed(error), _) | (_, Truth::Failed(error)) => Truth::Failed(error),
        (Truth::Yes, Truth::No) => Truth::Yes,
    }
}

/// The relation of a type.
pub fn relation_of<'m>(
    model: &'m Model,
    type_name: &str,
    relation: &str,
) -> Option<&'m RelationDef> {
    let def = model.types.iter().find(|def| def.name == type_name)?;
    def.relations.iter().find(|def| def.name == relation)
}

/// Whether the model lets such a tuple be written.
pub fn admits(model: &Model, tuple: &Tuple) -> bool {
    let condition = tuple
        .condition
        .as_ref()
        .map(|condition| condition.name.as_str());
    let kind = match split_userset(&tuple.user) {
        Some((_, member)) => AssignableKind::Userset(member.into()),
        None if tuple.user.ends_with(":*") => AssignableKind::Wildcard,
        None => AssignableKind::Object,
    };
    let fits = |entry: &Assignable| {
        entry.type_name == type_of(&tuple.user)
            && entry.kind == kind
            && entry.condition.as_deref() == condition
    };
    relation_of(model, type_of(&tuple.object), &tuple.relation)
        .is_some_and(|def| def.assignable.iter().any(fits))
}

/// Whether the model has any way at all from the user's kind to the relation.
pub fn reachable(model: &Model, user: &str, type_name: &str, relation: &str) -> bool {
    let member = split_userset(user).map(|(_, member)| member);
    let (mut seen, mut open) = (
        BTreeSet::new(),
        vec![(type_name.to_owned(), relation.to_owned())],
    );
    while let Some((type_name, relation)) = open.pop() {
        if !seen.insert((type_name.clone(), relation.clone())) {
            continue;
        }
        if member == Some(relation.as_str()) && type_name == type_of(user) {
            return true;
        }
        let Some(def) = relation_of(model, &type_name, &relation) else {
            continue;
        };
        let mut parts = vec![&def.rewrite];
        while let Some(part) = parts.pop() {
            match part {
                Rewrite::This => {
                    for entry in &def.assignable {
                        match &entry.kind {
                            AssignableKind::Userset(other) => {
                                open.push((entry.type_name.clone(), other.clone()))
                            }
                            _ if member.is_none() && entry.type_name == type_of(user) => {
                                return true;
                            }
                            _ => {}
                        }
                    }
                }
                Rewrite::Computed(other) => open.push((type_name.clone(), other.clone())),
                Rewrite::TupleToUserset { tupleset, computed } => {
                    let parents = relation_of(model, &type_name, tupleset);
                    open.extend(
                        parents
                            .iter()
                            .flat_map(|def| &def.assignable)
                            .map(|entry| (entry.type_name.clone(), computed.clone())),
                    );
                }
                Rewrite::Union(inner) | Rewrite::Intersection(inner) => parts.extend(inner),
                Rewrite::Exclusion { base, subtract } => parts.extend([&**base, &**subtract]),
            }
        }
    }
    false
}
