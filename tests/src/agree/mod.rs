//! Every way to ask must tell the same: the answers that the rule gives
//! ([`crate::naive`]) held against each of the engine's ways, for every relation
//! of every object of a store.

mod caller;
mod explain;
mod variants;

use crate::dice::Dice;
use crate::differential::{matches, naive, naive_answer};
use crate::engine;
use crate::generate::Case;
use crate::naive::{Truth, Truths, relation_of};
use crate::store::{Answer, Ask, Round, Store, type_of};
use deputize::{CheckItem, Expansion, Limits, Policy, QueryError, View};
use std::collections::BTreeSet;

/// An answer that is not the rule's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The way to ask.
    pub way: &'static str,
    /// The question, or the part of a larger one.
    pub ask: Ask,
    /// By the rule.
    pub expected: String,
    /// The engine's answer.
    pub got: String,
}

/// What a run came to.
#[derive(Debug, Default)]
pub struct Findings {
    /// How many answers were compared.
    pub asked: u64,
    /// How many of them the rule allows.
    pub allowed: u64,
    /// How many of them cannot be told.
    pub failed: u64,
    /// Those that differ.
    pub different: Vec<Difference>,
}

impl Findings {
    fn compare(&mut self, way: &'static str, ask: impl FnOnce() -> Ask, expected: &str, got: &str) {
        self.asked += 1;
        if expected != got {
            self.different.push(Difference {
                way,
                ask: ask(),
                expected: expected.into(),
                got: got.into(),
            });
        }
    }

    /// Takes in another run.
    pub fn add(&mut self, other: Findings) {
        self.asked += other.asked;
        self.allowed += other.allowed;
        self.failed += other.failed;
        self.different.extend(other.different);
    }
}

/// Asks all of a case.
pub fn case(case: &Case) -> Findings {
    let mut findings = Findings::default();
    for round in &case.rounds {
        findings.add(self::round(&case.store, round, case.seed));
    }
    findings
}

/// Asks all of a store in a round, for the users of the round's questions.
pub fn round(store: &Store, round: &Round, seed: u64) -> Findings {
    let mut first = true;
    of_each(store, round, seed, |of, policy, view, dice, findings| {
        of.batch(view, findings);
        of.filters(view, dice, findings);
        of.terms(view, findings);
        explain::explanations(of, view, findings);
        caller::ways(of, policy, findings);
        if std::mem::take(&mut first) {
            variants::ask(of, seed, dice, findings);
        }
    })
}

/// As [`round`], in the ways that a small store cannot do without: checks, a
/// filter, lists and explanations.
pub fn briefly(store: &Store, round: &Round, seed: u64) -> Findings {
    of_each(store, round, seed, |of, _, view, dice, findings| {
        of.filter_all(view, dice, findings);
        explain::explanations(of, view, findings);
    })
}

/// The round's own questions, and for each of its users the checks and `more`.
fn of_each(
    store: &Store,
    round: &Round,
    seed: u64,
    mut more: impl FnMut(&Asking<'_>, &Policy, &View<'_>, &mut Dice, &mut Findings),
) -> Findings {
    let mut findings = Findings::default();
    let policy = engine::compile(store).unwrap_or_else(|error| panic!("refused: {error}"));
    let view = engine::view(&policy, round, Limits::default())
        .unwrap_or_else(|error| panic!("store {seed}: {error}"));
    as_asked(store, round, &view, &mut findings);
    let mut dice = Dice::new(seed);
    let users: BTreeSet<&str> = round.asks.iter().filter_map(Ask::user).collect();
    for user in users {
        let truths = truths(store, round, user);
        let of = Asking {
            store,
            round,
            user,
            truths: &truths,
        };
        of.count(&mut findings);
        of.checks(&view, "check", &mut findings);
        more(&of, &policy, &view, &mut dice, &mut findings);
    }
    findings
}

/// The round's own questions, lists among them.
fn as_asked(store: &Store, round: &Round, view: &View<'_>, findings: &mut Findings) {
    for ask in &round.asks {
        let expected = naive_answer(store, round, ask, None).expect("hops are not counted");
        let got = engine::answer(view, ask);
        let same = matches(store, round, ask, &expected, &got) == Some(true);
        let expected = expected.to_string();
        let got = if same {
            expected.clone()
        } else {
            got.to_string()
        };
        findings.compare("as asked", || ask.clone(), &expected, &got);
    }
}

/// What the rule says of one user: of what the model knows.
fn truths(store: &Store, round: &Round, user: &str) -> Truths {
    let condition = |tuple: &crate::store::Tuple| crate::differential::counts(tuple, round);
    let naive = naive(store, round, &condition, None, 0);
    let mut truths = naive.all(user, &[]);
    truths.retain(|(object, relation), _| {
        relation_of(&store.model, type_of(object), relation).is_some()
    });
    truths
}

/// One user's questions, and the rule's answers.
struct Asking<'a> {
    store: &'a Store,
    round: &'a Round,
    user: &'a str,
    truths: &'a Truths,
}

/// How an answer is written in a comparison.
fn told(truth: Truth) -> &'static str {
    match truth {
        Truth::Yes => "true",
        Truth::No | Truth::Cycle | Truth::Passed => "false",
        Truth::Failed => "condition",
    }
}

/// As [`told`]; no other error may come up than a condition's.
fn answered(answer: &Result<bool, QueryError>) -> &str {
    match answer {
        Ok(true) => "true",
        Ok(false) => "false",
        Err(QueryError::Condition(_)) => "condition",
        Err(error) => error.code(),
    }
}

impl Asking<'_> {
    fn ask(&self, relation: &str, object: &str) -> Ask {
        Ask::Check {
            user: self.user.into(),
            relation: relation.into(),
            object: object.into(),
        }
    }

    fn truth(&self, relation: &str, object: &str) -> Option<Truth> {
        self.truths.get(&(object.into(), relation.into())).copied()
    }

    fn count(&self, findings: &mut Findings) {
        for truth in self.truths.values() {
            findings.allowed += u64::from(*truth == Truth::Yes);
            findings.failed += u64::from(*truth == Truth::Failed);
        }
    }

    fn checks(&self, view: &View<'_>, way: &'static str, findings: &mut Findings) {
        for ((object, relation), truth) in self.truths {
            let got = view.check(self.user, relation, object);
            findings.compare(
                way,
                || self.ask(relation, object),
                told(*truth),
                answered(&got),
            );
        }
    }

    fn batch(&self, view: &View<'_>, findings: &mut Findings) {
        let items = self.truths.keys().map(|(object, relation)| CheckItem {
            user: self.user.into(),
            relation: relation.clone(),
            object: object.clone(),
        });
        let items: Vec<CheckItem> = items.collect();
        for (((object, relation), truth), got) in self.truths.iter().zip(view.batch_check(&items)) {
            findings.compare(
                "batch",
                || self.ask(relation, object),
                told(*truth),
                answered(&got),
            );
        }
    }

    /// The objects of all types, in a random order and some of them twice, for
    /// each relation.
    fn filter_all(&self, view: &View<'_>, dice: &mut Dice, findings: &mut Findings) {
        for (relation, ids) in self.filterings(dice) {
            self.filter(view, "filter", relation, &ids, findings);
        }
    }

    fn filterings(&self, dice: &mut Dice) -> Vec<(&String, Vec<&String>)> {
        let objects: BTreeSet<&String> = self.truths.keys().map(|(object, _)| object).collect();
        let relations: BTreeSet<&String> =
            self.truths.keys().map(|(_, relation)| relation).collect();
        let each = relations.into_iter().map(|relation| {
            let mut ids: Vec<&String> = objects.iter().copied().collect();
            ids.extend(objects.iter().copied().filter(|_| dice.chance(30)));
            dice.shuffle(&mut ids);
            (relation, ids)
        });
        each.collect()
    }

    /// The same also one by one, and so many that one climb from the user is
    /// cheaper.
    fn filters(&self, view: &View<'_>, dice: &mut Dice, findings: &mut Findings) {
        for (relation, ids) in self.filterings(dice) {
            let many: Vec<&String> = ids.iter().copied().cycle().take(ids.len() * 9).collect();
            self.filter(view, "filter", relation, &ids, findings);
            self.filter(view, "filter of many", relation, &many, findings);
            for id in &ids {
                self.filter(view, "filter of one", relation, &[*id], findings);
            }
        }
    }

    fn filter(
        &self,
        view: &View<'_>,
        way: &'static str,
        relation: &str,
        ids: &[&String],
        findings: &mut Findings,
    ) {
        let filtered = view
            .filter(self.user, relation, ids)
            .expect("the user is well-formed");
        for (id, allowed) in ids.iter().zip(&filtered.mask) {
            let right = self.truth(relation, id) == Some(Truth::Yes);
            let (right, got) = (right.to_string(), allowed.to_string());
            findings.compare(way, || self.ask(relation, id), &right, &got);
        }
        let failed = ids
            .iter()
            .filter(|id| self.truth(relation, id) == Some(Truth::Failed));
        let dropped = filtered.dropped.iter();
        let dropped = dropped.filter(|(reason, _)| reason.code() == "condition.failed");
        let (right, got) = (
            failed.count(),
            dropped.map(|(_, count)| count).sum::<usize>(),
        );
        let last = ids.last().map_or("", |id| id.as_str());
        let (right, got) = (format!("{right} dropped"), format!("{got} dropped"));
        findings.compare(way, || self.ask(relation, last), &right, &got);
    }

    /// An allowed object is found by its access list: the names that its own
    /// tuples give, and its parents' usersets.
    fn terms(&self, view: &View<'_>, findings: &mut Findings) {
        for def in &self.store.model.types {
            for relation in def.relations.iter().map(|def| &def.name) {
                // A list that may lack something is none.
                let Ok(terms) = view.terms(self.user, relation, &def.name) else {
                    continue;
                };
                for ((object, of), truth) in self.truths {
                    let itself = self.user == format!("{object}#{of}");
                    if type_of(object) != def.name || of != relation || *truth != Truth::Yes {
                        continue;
                    }
                    let found = itself || {
                        let mut names = BTreeSet::new();
                        access_list(view, object, relation, &mut BTreeSet::new(), &mut names);
                        terms.iter().any(|term| names.contains(term))
                    };
                    let got = if found { "found" } else { "not found" };
                    findings.compare("terms", || self.ask(relation, object), "found", got);
                }
            }
        }
    }
}

/// The names that stand on an object, as a host would store them with a chunk.
fn access_list(
    view: &View<'_>,
    object: &str,
    relation: &str,
    seen: &mut BTreeSet<String>,
    names: &mut BTreeSet<String>,
) {
    if !seen.insert(relation.to_owned()) {
        return;
    }
    // The object's own userset may be the one that asks.
    names.insert(format!("{object}#{relation}"));
    let mut parts = vec![view.expand(relation, object).expect("it is known")];
    while let Some(part) = parts.pop() {
        match part {
            Expansion::Users(users) => names.extend(users),
            Expansion::Computed(node) => {
                let (_, other) = node.split_once('#').expect("it is a userset");
                access_list(view, object, other, seen, names);
            }
            Expansion::Parents { computed, .. } => names.extend(computed),
            Expansion::Union(inner) | Expansion::Intersection(inner) => parts.extend(inner),
            Expansion::Exclusion { base, .. } => parts.push(*base),
        }
    }
}

impl Ask {
    fn user(&self) -> Option<&str> {
        match self {
            Ask::Check { user, .. } => Some(user),
            Ask::ListObjects { .. } | Ask::ListUsers { .. } => None,
        }
    }
}

/// Whether an answer is a denial or an error where the other is not: the worse
/// kind of difference.
pub fn allows_wrongly(difference: &Difference) -> bool {
    difference.got == "true" || difference.got == Answer::Allowed(true).to_string()
}

/// Whether a policy compiles; a shrunk one may not.
pub fn compiles(store: &Store, round: &Round) -> bool {
    let policy: Result<Policy, _> = engine::compile(store);
    policy.is_ok_and(|policy| engine::view(&policy, round, Limits::default()).is_ok())
}
