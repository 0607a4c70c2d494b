//! A store as equations, one for each `object#relation` and each operation of
//! its rewrite, for one user; and their solution.
//!
//! The tables alone do not say what a cycle comes to: `false and cycle` is false
//! and stays an error when the cycle turns out to be one. So what is true or
//! false is decided step by step, from below, and an error is only forgotten
//! because of a truth that does not itself rest on forgetting it:
//!
//! 1. With what is decided held fast, all else begins as a cycle and is raised
//!    by the tables to "passed over" and "failed" for as long as it changes.
//! 2. Where the tables then say true or false, that is decided: 1 again.
//! 3. Where nothing was: the unions that rest on one another and on nothing else
//!    are false, 1 again. What is left is the answer.

use super::model::{admits, reachable, relation_of};
use super::truth::{Truth, exclusion, intersection, union};
use super::{Naive, Reading, Truths};
use crate::store::{Tuple, key, split_userset, type_of};
use deputize::model::Rewrite;
use std::collections::{BTreeMap, BTreeSet};

/// What an equation says. Numbers are other equations.
#[derive(Debug)]
enum Says {
    Known(Truth),
    Union(Vec<usize>),
    Intersection(Vec<usize>),
    Exclusion(usize, usize),
    /// A node: its rewrite.
    Node(usize),
    /// The same as that node.
    Computed(usize),
    /// The same as that node, which a tuple leads to.
    Hop(usize),
}

/// All equations of a store.
pub(super) struct Equations<'a> {
    store: &'a Naive<'a>,
    user: &'a str,
    says: Vec<Says>,
    nodes: BTreeMap<(String, String), usize>,
}

impl<'a> Equations<'a> {
    /// Of every relation of every object that the store knows, and of these.
    pub(super) fn of(store: &'a Naive<'a>, user: &'a str, also: &[(&str, &str)]) -> Equations<'a> {
        let mut equations = Equations {
            store,
            user,
            says: Vec::new(),
            nodes: BTreeMap::new(),
        };
        for def in &store.model.types {
            for object in store.objects(&def.name) {
                for relation in &def.relations {
                    equations.node(&object, &relation.name);
                }
            }
        }
        for (object, relation) in also {
            equations.node(object, relation);
        }
        equations
    }

    /// The number of a node, whose equation is written when it is first met.
    fn node(&mut self, object: &str, relation: &str) -> usize {
        let name = (object.to_owned(), relation.to_owned());
        if let Some(number) = self.nodes.get(&name) {
            return *number;
        }
        let number = self.add(Says::Known(Truth::No));
        self.nodes.insert(name, number);
        let model = self.store.model;
        if self.user == format!("{object}#{relation}") {
            self.says[number] = Says::Known(Truth::Yes);
        } else if let Some(def) = relation_of(model, type_of(object), relation)
            // What no subject of the user's kind can ever have is not looked
            // into: what fails or cycles in there does not matter.
            && reachable(model, self.user, type_of(object), relation)
        {
            let root = self.rewrite(&def.rewrite, object, relation);
            self.says[number] = Says::Node(root);
        }
        number
    }

    fn add(&mut self, says: Says) -> usize {
        self.says.push(says);
        self.says.len() - 1
    }

    fn rewrite(&mut self, rewrite: &Rewrite, object: &str, relation: &str) -> usize {
        let says = match rewrite {
            Rewrite::This => Says::Union(self.direct(object, relation)),
            Rewrite::Computed(other) => Says::Computed(self.node(object, other)),
            Rewrite::TupleToUserset { tupleset, computed } => {
                let mut parts = Vec::new();
                let set = self.read(object, tupleset, |name| !name.contains('#'));
                for parent in set.users {
                    if relation_of(self.store.model, type_of(parent), computed).is_some() {
                        let to = self.node(parent, computed);
                        parts.push(self.add(Says::Hop(to)));
                    }
                }
                parts.push(self.add(Says::Known(set.besides)));
                Says::Union(parts)
            }
            Rewrite::Union(parts) => Says::Union(self.rewrites(parts, object, relation)),
            Rewrite::Intersection(parts) => {
                Says::Intersection(self.rewrites(parts, object, relation))
            }
            Rewrite::Exclusion { base, subtract } => {
                let base = self.rewrite(base, object, relation);
                let subtract = self.rewrite(subtract, object, relation);
                Says::Exclusion(base, subtract)
            }
        };
        self.add(says)
    }

    fn rewrites(&mut self, parts: &[Rewrite], object: &str, relation: &str) -> Vec<usize> {
        let each = parts.iter();
        each.map(|part| self.rewrite(part, object, relation))
            .collect()
    }

    /// The tuples themselves: the user's own, the wildcard's, and the usersets'.
    fn direct(&mut self, object: &str, relation: &str) -> Vec<usize> {
        let (store, user) = (self.store, self.user);
        let mut known = Vec::new();
        // A contextual tuple shadows the stored one here, and only here.
        let own = |tuple: &&Tuple| key(tuple) == (object, relation, user);
        let found = store.contextual.iter().find(own);
        if let Some(tuple) = found.or_else(|| store.stored.iter().find(own))
            && admits(store.model, tuple)
        {
            known.push(match (store.condition)(tuple) {
                Ok(true) => Truth::Yes,
                Ok(false) => Truth::No,
                Err(_) => Truth::Failed,
            });
        }
        if split_userset(user).is_none() {
            let wildcard = format!("{}:*", type_of(user));
            let set = self.read(object, relation, |name| name == wildcard);
            known.push(match set.users.is_empty() {
                true => set.besides,
                false => Truth::Yes,
            });
        }
        let usersets = self.read(object, relation, |name| name.contains('#'));
        known.push(usersets.besides);
        let mut parts: Vec<usize> = Vec::new();
        for truth in known {
            parts.push(self.add(Says::Known(truth)));
        }
        for (group, member) in usersets.users.into_iter().filter_map(split_userset) {
            let to = self.node(group, member);
            parts.push(self.add(Says::Hop(to)));
        }
        parts
    }

    /// A tuple set.
    fn read(&self, object: &str, relation: &str, keep: impl Fn(&str) -> bool) -> TupleSet<'a> {
        let (mut users, mut failed) = (Vec::new(), false);
        for tuple in self.store.contextual.iter().chain(self.store.stored) {
            if tuple.object == object
                && tuple.relation == relation
                && keep(&tuple.user)
                && admits(self.store.model, tuple)
            {
                match (self.store.condition)(tuple) {
                    Ok(true) => users.push(tuple.user.as_str()),
                    Ok(false) => {}
                    Err(_) => failed = true,
                }
            }
        }
        let besides = match (failed, users.is_empty()) {
            (false, _) => Truth::No,
            (true, true) => Truth::Failed,
            (true, false) => Truth::Passed,
        };
        TupleSet { users, besides }
    }

    /// What one equation says of the others' values.
    fn value(&self, number: usize, of: &dyn Fn(usize) -> Truth) -> Truth {
        let all = |parts: &[usize]| parts.iter().map(|part| of(*part)).collect::<Vec<_>>();
        match &self.says[number] {
            Says::Known(truth) => *truth,
            Says::Union(parts) => union(&all(parts)),
            Says::Intersection(parts) => intersection(&all(parts)),
            Says::Exclusion(base, subtract) => exclusion(of(*base), of(*subtract)),
            Says::Node(other) | Says::Computed(other) | Says::Hop(other) => of(*other),
        }
    }

    /// The value of each node.
    pub(super) fn solve(&self, reading: Reading) -> Truths {
        let mut decided: Vec<Option<Truth>> = self.says.iter().map(|_| None).collect();
        loop {
            // What an error may still reach, from what is decided so far.
            let mut values: Vec<Truth> = decided
                .iter()
                .map(|truth| truth.unwrap_or(Truth::Cycle))
                .collect();
            let mut news;
            loop {
                let mut changed = false;
                news = Vec::new();
                for number in 0..values.len() {
                    if decided[number].is_some() {
                        continue;
                    }
                    let value = match self.value(number, &|other| values[other]) {
                        Truth::Passed if reading != Reading::Rule => Truth::No,
                        value => value,
                    };
                    if matches!(value, Truth::Yes | Truth::No) {
                        news.push((number, value));
                    } else if value != values[number] {
                        values[number] = value;
                        changed = true;
                    }
                }
                if !changed {
                    break;
                }
            }
            // Then what follows from that.
            if news.is_empty() && reading != Reading::Tainting {
                let unfounded = self.unfounded(&values);
                news.extend(unfounded.into_iter().map(|number| (number, Truth::No)));
            }
            if news.is_empty() {
                let nodes = self.nodes.iter();
                return nodes
                    .map(|(name, number)| (name.clone(), values[*number]))
                    .collect();
            }
            for (number, value) in news {
                decided[number] = Some(value);
            }
        }
    }

    /// The greatest set of unions that rest on one another and on nothing else:
    /// nothing makes any of them true.
    fn unfounded(&self, values: &[Truth]) -> Vec<usize> {
        let open = |number: &usize| values[*number] == Truth::Cycle;
        let mut set: Vec<usize> = (0..values.len()).filter(open).collect();
        loop {
            let within = |number: &usize| {
                let founded = |part: &usize| values[*part] == Truth::No || set.contains(part);
                match &self.says[*number] {
                    Says::Union(parts) => parts.iter().all(founded),
                    Says::Node(other) | Says::Computed(other) | Says::Hop(other) => founded(other),
                    _ => false,
                }
            };
            let kept: Vec<usize> = set.iter().copied().filter(within).collect();
            if kept.len() == set.len() {
                return kept;
            }
            set = kept;
        }
    }

    /// One node's value where hops are counted: then the way to a node matters,
    /// and each is asked anew. Each is cut where it meets itself, so an error that
    /// the equations keep is kept. `None` when out of steps.
    pub(super) fn within(&self, depth: usize, object: &str, relation: &str) -> Option<Truth> {
        let name = (object.to_owned(), relation.to_owned());
        let (walked, _) = self.walk(*self.nodes.get(&name)?, &mut Vec::new(), depth)?;
        let solved = *self.solve(Reading::Rule).get(&name)?;
        Some(match (walked, solved) {
            (Truth::Failed, _) => walked,
            (Truth::Yes | Truth::Cycle, _) | (_, Truth::Failed) => solved,
            _ => walked,
        })
    }

    /// A value and, where it is a cycle through unions alone, the nodes above
    /// that it leads back to.
    fn walk(
        &self,
        number: usize,
        path: &mut Vec<usize>,
        hops: usize,
    ) -> Option<(Truth, Option<BTreeSet<usize>>)> {
        let parts = match &self.says[number] {
            Says::Known(truth) => return Some((*truth, None)),
            Says::Computed(node) => return self.walk(*node, path, hops),
            Says::Hop(_) if hops == 1 => return Some((Truth::Failed, None)),
            Says::Hop(node) => return self.walk(*node, path, hops - 1),
            Says::Node(_) if path.contains(&number) => {
                return Some((Truth::Cycle, Some(BTreeSet::from([number]))));
            }
            Says::Node(root) => {
                let steps = &self.store.steps;
                steps.set(steps.get().checked_sub(1)?);
                path.push(number);
                let found = self.walk(*root, path, hops);
                path.pop();
                let (truth, mut back) = found?;
                if let Some(nodes) = &mut back {
                    nodes.remove(&number);
                }
                return Some(match back {
                    // Back to here and nowhere else, through unions: nothing
                    // makes it true.
                    Some(nodes) if nodes.is_empty() => (Truth::No, None),
                    back => (truth, back),
                });
            }
            Says::Union(parts) | Says::Intersection(parts) => parts.clone(),
            Says::Exclusion(base, subtract) => vec![*base, *subtract],
        };
        let (mut truths, mut back) = (Vec::new(), Some(BTreeSet::new()));
        for part in parts {
            let (truth, nodes) = self.walk(part, path, hops)?;
            truths.push(truth);
            if truth == Truth::Cycle {
                back = back.zip(nodes).map(|(a, b)| a.union(&b).copied().collect());
            }
        }
        Some(match &self.says[number] {
            Says::Intersection(_) => (intersection(&truths), None),
            Says::Exclusion(..) => (exclusion(truths[0], truths[1]), None),
            _ => match union(&truths) {
                Truth::Cycle => (Truth::Cycle, back),
                truth => (truth, None),
            },
        })
    }
}

/// The tuples of an object and a relation that hold.
struct TupleSet<'a> {
    /// Their users.
    users: Vec<&'a str>,
    /// What the errors of the others add to what these lead to: one that holds
    /// makes them be passed over.
    besides: Truth,
}
