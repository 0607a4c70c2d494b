//! What OpenFGA may answer.
//!
//! Its resolver draws a strategy for each subproblem (at random, weighted by
//! how long each took before), and lets branches race. Where no cycle, no
//! failing condition and no great depth is met, all of them agree. Where one
//! is, the same request may be answered in more than one way, and this module
//! says in which: [`Outcomes::of_check`] gives a *set* of truths. The rules,
//! each with its reason, are the fields of [`Leeway`] and the four `// Race:`
//! and `// Strategy:` comments below; nothing else is excused.

use crate::naive::{Naive, admits, reachable, relation_of};
use crate::store::{split_userset, type_of};
use deputize::model::{Assignable, AssignableKind, Model, RelationDef, Rewrite};
use std::collections::BTreeSet;

/// A set of truths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Set(u8);

impl Set {
    /// In.
    pub const YES: Set = Set(1);
    /// Not in.
    pub const NO: Set = Set(2);
    /// Not in, because of a cycle.
    pub const TAINTED: Set = Set(4);
    /// An error.
    pub const FAILED: Set = Set(8);

    /// Whether one of `other` is possible.
    pub fn may(self, other: Set) -> bool {
        self.0 & other.0 != 0
    }

    fn or(self, other: Set) -> Set {
        Set(self.0 | other.0)
    }

    fn each(self) -> impl Iterator<Item = Set> {
        (0..4)
            .map(|bit| Set(1 << bit))
            .filter(move |one| self.may(*one))
    }

    fn pairs(self, other: Set, op: impl Fn(Set, Set) -> Set) -> Set {
        let mut out = Set(0);
        for a in self.each() {
            for b in other.each() {
                out = out.or(op(a, b));
            }
        }
        out
    }
}

/// What lies anywhere below a question, whatever came of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Below {
    /// A cycle.
    pub cycle: bool,
    /// More hops than OpenFGA may take. A list fails where any of them do.
    pub deep: bool,
}

impl Below {
    fn add(&mut self, other: Below) {
        self.cycle |= other.cycle;
        self.deep |= other.deep;
    }
}

/// Which leeway a request has.
#[derive(Debug, Clone, Copy)]
pub struct Leeway {
    /// A condition of some tuple of the store fails in this request's context.
    /// Strategy: `weight2` and `recursive` also read the user's tuples of other
    /// objects, so a failure may come from there; and they may forget one.
    pub failing: bool,
    /// The request is list-users, which walks from the object without a user:
    /// it meets cycles that a check would not, and empties an exclusion whose
    /// subtracted side holds one.
    pub listing_users: bool,
}

/// From this many hops on OpenFGA may give up: its strategies count the hops
/// differently, and list-users counts computed relations too.
const DEEP: usize = 23;

/// The set evaluator over a naive evaluator's store.
pub struct Outcomes<'a> {
    /// The store.
    pub store: &'a Naive<'a>,
    /// The leeway.
    pub leeway: Leeway,
}

impl Outcomes<'_> {
    /// What a check may come to; `None` when out of steps.
    pub fn of_check(&self, user: &str, relation: &str, object: &str) -> Option<(Set, Below)> {
        self.ask(user, relation, object, &mut Vec::new())
    }

    fn ask(
        &self,
        user: &str,
        relation: &str,
        object: &str,
        path: &mut Vec<String>,
    ) -> Option<(Set, Below)> {
        let steps = &self.store.steps;
        steps.set(steps.get().checked_sub(1)?);
        let here = format!("{object}#{relation}");
        if path.contains(&here) {
            // Strategy: `recursive` and `weight2` do not notice a cycle.
            return Some((
                Set::TAINTED.or(Set::NO),
                Below {
                    cycle: true,
                    deep: false,
                },
            ));
        }
        if user == here {
            return Some((Set::YES, Below::default()));
        }
        let Some(def) = relation_of(self.store.model, type_of(object), relation) else {
            return Some((Set::NO, Below::default()));
        };
        if !self.leeway.listing_users
            && !reachable(self.store.model, user, type_of(object), relation)
        {
            return Some((Set::NO, Below::default()));
        }
        path.push(here);
        let found = self.rewrite(&def.rewrite, user, relation, object, path);
        let deep = path.len() >= DEEP;
        path.pop();
        let (set, mut below) = found?;
        below.deep |= deep;
        Some((if deep { set.or(Set::FAILED) } else { set }, below))
    }

    fn rewrite(
        &self,
        node: &Rewrite,
        user: &str,
        relation: &str,
        object: &str,
        path: &mut Vec<String>,
    ) -> Option<(Set, Below)> {
        let mut below = Below::default();
        let set = match node {
            Rewrite::This => {
                let own = self.read(object, relation, |name| name == user);
                let wildcard = format!("{}:*", type_of(user));
                let mut public = Reading::default();
                if split_userset(user).is_none() {
                    public = self.read(object, relation, |name| name == wildcard);
                }
                let mut set = union(own.set, public.set);
                // Strategy: reading the objects of a user, `weight2` sees only one
                // of two tuples `user:x` and `user:*` on one object, whether or
                // not its condition holds: a wrong denial of OpenFGA 1.22.0.
                if path.len() > 1 && own.any && public.any {
                    set = set.or(own.set).or(public.set);
                }
                let usersets = self.read(object, relation, |name| name.contains('#'));
                set = union(set, failures_of(usersets.set));
                let own = |entry: &Assignable| {
                    entry.type_name == type_of(object)
                        && matches!(&entry.kind, AssignableKind::Userset(member) if member == relation)
                };
                let recursive = relation_of(self.store.model, type_of(object), relation)
                    .is_some_and(|def| def.assignable.iter().any(own));
                for (group, member) in usersets.users.iter().filter_map(|name| split_userset(name))
                {
                    let (next, under) = self.ask(user, member, group, path)?;
                    below.add(under);
                    // Strategy: where `team#viewer` takes `team#viewer`, `recursive`
                    // also takes `team:1#blocked` for it: a wrong allow of
                    // OpenFGA 1.22.0.
                    let mut next = next;
                    if recursive && type_of(group) == type_of(object) && member != relation {
                        let (mistaken, under) = self.ask(user, relation, group, path)?;
                        below.add(under);
                        next = next.or(mistaken);
                    }
                    set = union(set, self.elsewhere(next));
                }
                set
            }
            Rewrite::Computed(other) => return self.ask(user, other, object, path),
            Rewrite::TupleToUserset { tupleset, computed } => {
                let parents = self.read(object, tupleset, |name| !name.contains('#'));
                let mut set = failures_of(parents.set);
                for parent in parents.users {
                    if relation_of(self.store.model, type_of(&parent), computed).is_some() {
                        let (next, under) = self.ask(user, computed, &parent, path)?;
                        below.add(under);
                        set = union(set, self.elsewhere(next));
                    }
                }
                set
            }
            Rewrite::Union(parts) => {
                let mut set = Set::NO;
                for part in parts {
                    let (next, under) = self.rewrite(part, user, relation, object, path)?;
                    below.add(under);
                    set = union(set, next);
                }
                set
            }
            Rewrite::Intersection(parts) => {
                let mut set = Set::YES;
                for part in parts {
                    let (next, under) = self.rewrite(part, user, relation, object, path)?;
                    below.add(under);
                    set = intersection(set, next);
                }
                set
            }
            Rewrite::Exclusion { base, subtract } => {
                let (base, under_base) = self.rewrite(base, user, relation, object, path)?;
                let (subtract, under) = self.rewrite(subtract, user, relation, object, path)?;
                below.add(under_base);
                below.add(under);
                let set = exclusion(base, subtract);
                if under.cycle && self.leeway.listing_users {
                    set.or(Set::NO)
                } else {
                    set
                }
            }
        };
        Some((set, below))
    }

    /// A step to other objects may bring a failure that is not theirs.
    fn elsewhere(&self, set: Set) -> Set {
        match self.leeway.failing {
            true if set.may(Set::FAILED) => set.or(Set::NO),
            true => set.or(Set::FAILED),
            false => set,
        }
    }

    /// The users of the tuples that may count, and what a lone lookup of them
    /// comes to.
    fn read(&self, object: &str, relation: &str, keep: impl Fn(&str) -> bool) -> Reading {
        let (mut reading, mut failed) = (Reading::default(), false);
        for tuple in self.store.contextual.iter().chain(self.store.stored) {
            let here = tuple.object == object && tuple.relation == relation && keep(&tuple.user);
            if here && admits(self.store.model, tuple) {
                reading.any = true;
                match (self.store.condition)(tuple) {
                    Ok(true) => reading.users.push(tuple.user.clone()),
                    Ok(false) => {}
                    Err(_) => failed = true,
                }
            }
        }
        if !reading.users.is_empty() {
            reading.set = Set::YES;
        }
        if failed {
            // Strategy: a failure may be forgotten because of a tuple elsewhere.
            reading.set = reading.set.or(Set::FAILED).or(Set::NO);
        }
        reading
    }
}

/// What reading some tuples of an object gives.
struct Reading {
    /// The users of those that hold.
    users: Vec<String>,
    /// What a lone lookup of them comes to.
    set: Set,
    /// Whether there are any, holding or not.
    any: bool,
}

impl Default for Reading {
    fn default() -> Reading {
        Reading {
            users: Vec::new(),
            set: Set::NO,
            any: false,
        }
    }
}

/// Reading usersets or parents grants nothing by itself, but may fail.
fn failures_of(reading: Set) -> Set {
    if reading.may(Set::FAILED) {
        Set::NO.or(Set::FAILED)
    } else {
        Set::NO
    }
}

fn union(a: Set, b: Set) -> Set {
    a.pairs(b, |a, b| match (a, b) {
        (Set::YES, _) | (_, Set::YES) => Set::YES,
        (Set::FAILED, _) | (_, Set::FAILED) => Set::FAILED,
        (Set::TAINTED, _) | (_, Set::TAINTED) => Set::TAINTED,
        _ => Set::NO,
    })
}

fn intersection(a: Set, b: Set) -> Set {
    a.pairs(b, |a, b| match (a, b) {
        (Set::YES, other) | (other, Set::YES) => other,
        (Set::FAILED, other) | (other, Set::FAILED) => other,
        // Race: the first false that arrives is the answer.
        (a, b) => a.or(b),
    })
}

fn exclusion(base: Set, subtract: Set) -> Set {
    base.pairs(subtract, |base, subtract| {
        let mut set = Set(0);
        if base == Set::NO || subtract == Set::YES {
            set = set.or(Set::NO);
        }
        // Race: the same.
        if base == Set::TAINTED || subtract == Set::TAINTED {
            set = set.or(Set::TAINTED);
        }
        match (set, base, subtract) {
            (Set(0), Set::FAILED, _) | (Set(0), _, Set::FAILED) => Set::FAILED,
            (Set(0), _, _) => Set::YES,
            _ => set,
        }
    })
}

/// The relations that a user of the kind can have at all, with every operator
/// taken at its word: all operands of an intersection, and not what an exclusion
/// subtracts.
pub fn holdable(model: &Model, user: &str) -> BTreeSet<(String, String)> {
    let mut held = BTreeSet::new();
    let member = split_userset(user).map(|(_, member)| member);
    held.extend(member.map(|member| (type_of(user).to_owned(), member.to_owned())));
    loop {
        let before = held.len();
        for def in &model.types {
            for relation in &def.relations {
                if holds(model, user, &held, &def.name, relation, &relation.rewrite) {
                    held.insert((def.name.clone(), relation.name.clone()));
                }
            }
        }
        if held.len() == before {
            return held;
        }
    }
}

fn holds(
    model: &Model,
    user: &str,
    held: &BTreeSet<(String, String)>,
    type_name: &str,
    def: &RelationDef,
    node: &Rewrite,
) -> bool {
    let has = |type_name: &str, relation: &str| {
        held.contains(&(type_name.to_owned(), relation.to_owned()))
    };
    let of = |part: &Rewrite| holds(model, user, held, type_name, def, part);
    match node {
        Rewrite::This => def.assignable.iter().any(|entry| match &entry.kind {
            AssignableKind::Userset(member) => has(&entry.type_name, member),
            _ => split_userset(user).is_none() && entry.type_name == type_of(user),
        }),
        Rewrite::Computed(other) => has(type_name, other),
        Rewrite::TupleToUserset { tupleset, computed } => relation_of(model, type_name, tupleset)
            .is_some_and(|parents| {
                parents
                    .assignable
                    .iter()
                    .any(|entry| has(&entry.type_name, computed))
            }),
        Rewrite::Union(parts) => parts.iter().any(of),
        Rewrite::Intersection(parts) => parts.iter().all(of),
        Rewrite::Exclusion { base, .. } => of(base),
    }
}
