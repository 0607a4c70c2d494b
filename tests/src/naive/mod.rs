//! The semantics once more, without memo, index or cleverness, so that each
//! rule stands in one readable place: [`truth`] has the values and the tables,
//! `equations` what a store says of one user and how it is solved.

mod equations;
mod model;
pub mod truth;

pub use model::{admits, reachable, relation_of};
pub use truth::Truth;

use crate::store::{Tuple, split_userset, type_of};
use deputize::model::{Model, Rewrite};
use equations::Equations;
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

/// A store as one request sees it.
pub struct Naive<'a> {
    /// The model.
    pub model: &'a Model,
    /// The stored tuples.
    pub stored: &'a [Tuple],
    /// The request's own tuples.
    pub contextual: &'a [Tuple],
    /// Whether a tuple counts: its condition holds, and its tenant is the
    /// request's.
    pub condition: &'a dyn Fn(&Tuple) -> Result<bool, String>,
    /// How many userset and parent hops are one too many; OpenFGA's is 25.
    pub depth: Option<usize>,
    /// How many sub-questions may still be asked where hops are counted: then
    /// nothing can be kept, and dense cycles take for ever.
    pub steps: Cell<u64>,
}

/// A list that may lack something is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CannotSay;

/// How the rule is read: as it is, or as OpenFGA has it, so that what differs on
/// purpose can be told from what differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// As it is.
    Rule,
    /// What is passed over is forgotten, also where it is subtracted.
    Forgetting,
    /// So too; and every cycle denies, also one of unions alone.
    Tainting,
}

/// By object and relation.
pub type Truths = BTreeMap<(String, String), Truth>;

impl Naive<'_> {
    /// Does `user` have `relation` on `object`? `None` when out of steps.
    pub fn check(&self, user: &str, relation: &str, object: &str) -> Option<Truth> {
        let equations = Equations::of(self, user, &[(object, relation)]);
        match self.depth {
            Some(depth) => equations.within(depth, object, relation),
            None => {
                let name = (object.to_owned(), relation.to_owned());
                equations.solve(Reading::Rule).get(&name).copied()
            }
        }
    }

    /// As [`Naive::check`], in another reading of the rule, without limit.
    pub fn check_as(&self, reading: Reading, user: &str, relation: &str, object: &str) -> Truth {
        let solved = Equations::of(self, user, &[(object, relation)]).solve(reading);
        solved[&(object.to_owned(), relation.to_owned())]
    }

    /// Every relation of `user` on every object that the store knows, and on
    /// these.
    pub fn all(&self, user: &str, also: &[(&str, &str)]) -> Truths {
        Equations::of(self, user, also).solve(Reading::Rule)
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
    ) -> Option<Result<BTreeSet<String>, CannotSay>> {
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
        if self.depth.is_none() {
            let also: Vec<_> = candidates.iter().map(|o| (o.as_str(), relation)).collect();
            let all = self.all(user, &also);
            let of = |object: &str| all.get(&(object.into(), relation.into())).copied();
            return that(&candidates, of);
        }
        that(&candidates, |object| self.check(user, relation, object))
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
    ) -> Option<Result<BTreeSet<String>, CannotSay>> {
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
            return Some(Ok(BTreeSet::new()));
        }
        if self.walk(object, relation).is_err() {
            return Some(Err(CannotSay));
        }
        if sample.ends_with(":*") {
            candidates.insert(sample);
        }
        that(&candidates, |user| self.check(user, relation, object))
    }

    /// Goes down from the object, as far as tuples hold.
    ///
    /// # Errors
    /// The condition of a tuple met there fails.
    pub fn walk(&self, object: &str, relation: &str) -> Result<(), CannotSay> {
        let holds = |tuple: &Tuple| (self.condition)(tuple) == Ok(true);
        let (_, tuples) = self.below(object, relation, true, &holds);
        match tuples.into_iter().all(|t| (self.condition)(t).is_ok()) {
            true => Ok(()),
            false => Err(CannotSay),
        }
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

/// Those that are in.
fn that(
    candidates: &BTreeSet<String>,
    check: impl Fn(&str) -> Option<Truth>,
) -> Option<Result<BTreeSet<String>, CannotSay>> {
    let mut found = BTreeSet::new();
    for name in candidates {
        match check(name)? {
            Truth::Yes => drop(found.insert(name.clone())),
            Truth::No | Truth::Cycle | Truth::Passed => {}
            Truth::Failed => return Some(Err(CannotSay)),
        }
    }
    Some(Ok(found))
}
