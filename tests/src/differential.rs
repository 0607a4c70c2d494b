//! The same questions to two evaluators, and what may differ.

use crate::conditions;
use crate::engine;
use crate::fga::Fga;
use crate::naive::{CannotSay, Naive, Reading, Truth};
use crate::outcomes::{Below, Leeway, Outcomes, Set, holdable};
use crate::store::{Answer, Ask, Round, Store, Tuple, split_userset, type_of};
use deputize::Limits;
use serde_json::{Map, Value};
use std::cell::Cell;
use std::collections::BTreeSet;

/// How many sub-questions one question may take in the naive evaluator, and how
/// many where two engines disagree already.
const PATIENCE: u64 = 20_000;
const MORE_PATIENCE: u64 = 400_000;

/// Whether a tuple counts in a round: it is of the round's tenant or of none,
/// and its condition holds.
pub fn counts(tuple: &Tuple, round: &Round) -> Result<bool, String> {
    match tuple.tenant.is_some() && tuple.tenant != round.tenant {
        true => Ok(false),
        false => holds(tuple, &round.context),
    }
}

/// The condition of a tuple in a context, by the catalogue. The tuple's own
/// values override the request's.
fn holds(tuple: &Tuple, context: &Map<String, Value>) -> Result<bool, String> {
    let Some(condition) = &tuple.condition else {
        return Ok(true);
    };
    let mut merged = context.clone();
    merged.extend(condition.context.clone());
    conditions::find(&condition.name)
        .ok_or("an unknown condition")?
        .evaluate(&merged)
}

/// Asks the naive evaluator. `None` where it lost patience.
pub fn naive_answer(
    store: &Store,
    round: &Round,
    ask: &Ask,
    depth: Option<usize>,
) -> Option<Answer> {
    ask_naive(store, round, ask, depth, PATIENCE)
}

/// What the rules say, for a judge who takes the time.
fn rules(store: &Store, round: &Round, ask: &Ask) -> Option<Answer> {
    ask_naive(store, round, ask, None, MORE_PATIENCE)
}

fn ask_naive(
    store: &Store,
    round: &Round,
    ask: &Ask,
    depth: Option<usize>,
    steps: u64,
) -> Option<Answer> {
    let condition = |tuple: &Tuple| counts(tuple, round);
    let naive = naive(store, round, &condition, depth, steps);
    let failed = || Answer::Failed(2000, "it cannot be said".into());
    let listed = |list: Result<BTreeSet<String>, CannotSay>| match list {
        Ok(names) => Answer::Listed(names),
        Err(CannotSay) => failed(),
    };
    Some(match ask {
        Ask::Check {
            user,
            relation,
            object,
        } => match naive.check(user, relation, object)? {
            Truth::Yes => Answer::Allowed(true),
            Truth::No | Truth::Cycle | Truth::Passed => Answer::Allowed(false),
            Truth::Failed => failed(),
        },
        Ask::ListObjects {
            user,
            relation,
            object_type,
        } => listed(naive.list_objects(user, relation, object_type)?),
        Ask::ListUsers {
            object,
            relation,
            filter,
        } => listed(naive.list_users(object, relation, filter)?),
    })
}

/// Asks the engine, with its own limits.
pub fn engine_answer(store: &Store, round: &Round, ask: &Ask) -> Option<Answer> {
    let answer = engine::compile(store).and_then(|policy| {
        let view = engine::view(&policy, round, Limits::default());
        view.map(|view| engine::answer(&view, ask))
            .map_err(|error| error.to_string())
    });
    Some(answer.unwrap_or_else(|error| Answer::Failed(0, error)))
}

/// A store as a round sees it.
pub fn naive<'a>(
    store: &'a Store,
    round: &'a Round,
    condition: &'a dyn Fn(&Tuple) -> Result<bool, String>,
    depth: Option<usize>,
    steps: u64,
) -> Naive<'a> {
    Naive {
        model: &store.model,
        stored: &store.tuples,
        contextual: &round.contextual,
        condition,
        depth,
        steps: Cell::new(steps),
    }
}

/// The hops after which OpenFGA gives up.
const OPENFGA_DEPTH: usize = 25;

/// What a comparison came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The same answer.
    Same,
    /// Another answer, for a reason that is known.
    Explained(&'static str),
    /// An evaluator without memo lost patience.
    Skipped,
    /// Another answer.
    Different,
}

/// Compares an answer of OpenFGA's with ours.
pub fn judge(store: &Store, round: &Round, ask: &Ask, theirs: &Answer, ours: &Answer) -> Verdict {
    if matches(store, round, ask, theirs, ours) == Some(true) {
        return Verdict::Same;
    }
    // What is excused is what OpenFGA may do beside the rules, never what the
    // engine does: that must follow the rules as the naive evaluator does.
    match rules(store, round, ask) {
        None => return Verdict::Skipped,
        Some(right) if matches(store, round, ask, &right, ours) != Some(true) => {
            return Verdict::Different;
        }
        Some(_) => {}
    }
    let condition = |tuple: &Tuple| counts(tuple, round);
    let naive = naive(store, round, &condition, None, MORE_PATIENCE);
    if let Some(reason) = meant(&naive, ask, theirs) {
        return Verdict::Explained(reason);
    }
    let leeway = Leeway {
        failing: failing_near(store, round, ask, &condition),
        listing_users: matches!(ask, Ask::ListUsers { .. }),
    };
    let outcomes = Outcomes {
        store: &naive,
        leeway,
    };
    if let Some(verdict) = walks_otherwise(&outcomes, ask, theirs, ours) {
        return verdict;
    }
    if let (Ask::ListObjects { user, .. }, Answer::Failed(2002, _)) = (ask, theirs)
        && 2 * climb(store, round, user) > OPENFGA_DEPTH
    {
        return Verdict::Explained("OpenFGA's list of objects climbs too far, wherever it leads");
    }
    match possible(&outcomes, ask, theirs) {
        None => Verdict::Skipped,
        Some(true) => Verdict::Explained(reason(ask, theirs, ours)),
        Some(false) => Verdict::Different,
    }
}

/// Where OpenFGA reads the rule otherwise and we do not on purpose: its answer is
/// exactly what that reading gives, and ours (which was held against the rule
/// before) another.
fn meant(naive: &Naive<'_>, ask: &Ask, theirs: &Answer) -> Option<&'static str> {
    let Ask::Check {
        user,
        relation,
        object,
    } = ask
    else {
        return None;
    };
    let reads = |reading: Reading| match naive.check_as(reading, user, relation, object) {
        Truth::Failed => matches!(theirs, Answer::Failed(2000, _)),
        truth => *theirs == Answer::Allowed(truth == Truth::Yes),
    };
    if reads(Reading::Forgetting) {
        return Some("an error below an exclusion is kept, which OpenFGA forgets");
    }
    reads(Reading::Tainting)
        .then_some("a cycle of unions alone below an exclusion is decided, and denies in OpenFGA")
}

/// Where OpenFGA's walk for a list of users meets more or fewer failing
/// conditions than ours.
fn walks_otherwise(
    outcomes: &Outcomes<'_>,
    ask: &Ask,
    theirs: &Answer,
    ours: &Answer,
) -> Option<Verdict> {
    let Ask::ListUsers {
        object,
        relation,
        filter,
    } = ask
    else {
        return None;
    };
    let naive = outcomes.store;
    let sample = match split_userset(filter) {
        Some((type_name, member)) => format!("{type_name}:?#{member}"),
        None => format!("{filter}:?"),
    };
    match (theirs, ours) {
        (Answer::Failed(2002, _), _) | (_, Answer::Failed(2002, _)) => None,
        (Answer::Failed(..), Answer::Listed(_)) if naive.walk(object, relation).is_err() => Some(
            Verdict::Explained("OpenFGA's list of users walks where no such user can be"),
        ),
        (Answer::Listed(names), Answer::Failed(..)) => {
            let target = (type_of(object).to_owned(), relation.clone());
            if names.is_empty() && !holdable(naive.model, &sample).contains(&target) {
                return Some(Verdict::Explained(
                    "OpenFGA sees at once that no such user can be",
                ));
            }
            Some(match outcomes.of_check(&sample, relation, object) {
                None => Verdict::Skipped,
                Some((_, below)) if below.cycle => Verdict::Explained(
                    "OpenFGA's list of users empties an exclusion over a cycle, errors and all",
                ),
                Some(_) => Verdict::Different,
            })
        }
        _ => None,
    }
}

/// Whether a tuple whose condition fails lies where OpenFGA's strategies read
/// more than the question's own way: the user's tuples of any object; for a list
/// of objects also those that lead on from there. A list of users is walked in
/// one way only.
fn failing_near(
    store: &Store,
    round: &Round,
    ask: &Ask,
    condition: &dyn Fn(&Tuple) -> Result<bool, String>,
) -> bool {
    let (user, onward) = match ask {
        Ask::Check { user, .. } => (user, false),
        Ask::ListObjects { user, .. } => (user, true),
        Ask::ListUsers { .. } => return false,
    };
    let object_of = |name: &str| name.split('#').next().unwrap_or_default().to_owned();
    let wildcard = format!("{}:*", type_of(user));
    let mut names = BTreeSet::from([object_of(user), wildcard]);
    let tuples: Vec<&Tuple> = round.contextual.iter().chain(&store.tuples).collect();
    let mut before = 0;
    while onward && names.len() > before {
        before = names.len();
        for tuple in &tuples {
            if names.contains(&object_of(&tuple.user)) {
                names.insert(tuple.object.clone());
            }
        }
    }
    let near = |tuple: &&&Tuple| names.contains(&object_of(&tuple.user));
    tuples
        .iter()
        .filter(near)
        .any(|tuple| condition(tuple).is_err())
}

/// How many tuples stand above one another over a user, whatever they give.
/// One tuple is two hops where its userset is computed from another.
fn climb(store: &Store, round: &Round, user: &str) -> usize {
    let object_of = |name: &str| name.split('#').next().unwrap_or_default().to_owned();
    let tuples: Vec<&Tuple> = round.contextual.iter().chain(&store.tuples).collect();
    let mut seen = BTreeSet::from([object_of(user)]);
    let mut level = seen.clone();
    let mut height = 0;
    loop {
        let above = tuples
            .iter()
            .filter(|t| level.contains(&object_of(&t.user)));
        let above: BTreeSet<String> = above.map(|t| t.object.clone()).collect();
        level = above.difference(&seen).cloned().collect();
        if level.is_empty() {
            return height;
        }
        seen.extend(level.iter().cloned());
        height += 1;
    }
}

fn reason(ask: &Ask, theirs: &Answer, ours: &Answer) -> &'static str {
    match (ask, theirs, ours) {
        (_, Answer::Failed(2002, _), _) => "OpenFGA's strategies count hops differently",
        (_, Answer::Failed(..), _) => "OpenFGA reports a failing condition of another tuple",
        (_, _, Answer::Failed(..)) => "OpenFGA forgets a failing condition",
        (Ask::Check { .. }, ..) => "OpenFGA's strategy decides whether a cycle taints",
        (Ask::ListObjects { .. }, ..) => {
            "OpenFGA's strategy decides whether a cycle taints, in a list of objects"
        }
        (Ask::ListUsers { .. }, ..) => "OpenFGA's list of users sees cycles that a check does not",
    }
}

/// Whether OpenFGA may have answered so.
fn possible(outcomes: &Outcomes<'_>, ask: &Ask, theirs: &Answer) -> Option<bool> {
    let of = |user: &str, relation: &str, object: &str| {
        outcomes.store.steps.set(MORE_PATIENCE);
        outcomes.of_check(user, relation, object)
    };
    match (ask, theirs) {
        (
            Ask::Check {
                user,
                relation,
                object,
            },
            Answer::Allowed(allowed),
        ) => {
            let (set, _) = of(user, relation, object)?;
            Some(if *allowed {
                set.may(Set::YES)
            } else {
                set.may(Set::NO) || set.may(Set::TAINTED)
            })
        }
        (
            Ask::Check {
                user,
                relation,
                object,
            },
            Answer::Failed(..),
        ) => Some(of(user, relation, object)?.0.may(Set::FAILED)),
        (Ask::ListObjects { .. }, Answer::Failed(..)) if outcomes.leeway.failing => Some(true),
        (
            Ask::ListObjects {
                user,
                relation,
                object_type,
            },
            theirs,
        ) => {
            let candidates = outcomes.store.objects(object_type);
            all(candidates, theirs, |object| of(user, relation, object))
        }
        (
            Ask::ListUsers {
                object,
                relation,
                filter,
            },
            theirs,
        ) => {
            let mut candidates = BTreeSet::new();
            if split_userset(filter).is_none() {
                candidates = outcomes.store.objects(filter);
                candidates.insert(format!("{filter}:*"));
            } else if let (Answer::Failed(..), Some((type_name, member))) =
                (theirs, split_userset(filter))
            {
                candidates.insert(format!("{type_name}:nobody#{member}"));
            }
            all(candidates, theirs, |user| of(user, relation, object))
        }
        _ => Some(false),
    }
}

fn all(
    mut candidates: BTreeSet<String>,
    theirs: &Answer,
    of: impl Fn(&str) -> Option<(Set, Below)>,
) -> Option<bool> {
    let Answer::Listed(names) = theirs else {
        for name in candidates {
            let (set, below) = of(&name)?;
            if set.may(Set::FAILED) || below.deep {
                return Some(true);
            }
        }
        return Some(false);
    };
    candidates.extend(names.iter().cloned());
    for name in candidates {
        let (set, _) = of(&name)?;
        let fits = match names.contains(&name) {
            true => set.may(Set::YES),
            false => set.may(Set::NO) || set.may(Set::TAINTED),
        };
        if !fits {
            return Some(false);
        }
    }
    Some(true)
}

/// Whether two answers mean the same. Errors are alike whatever their text.
pub fn matches(
    store: &Store,
    round: &Round,
    ask: &Ask,
    theirs: &Answer,
    ours: &Answer,
) -> Option<bool> {
    Some(match (ask, theirs, ours) {
        (_, Answer::Failed(..), Answer::Failed(..)) => true,
        (
            Ask::ListUsers {
                object,
                relation,
                filter,
            },
            Answer::Listed(theirs),
            Answer::Listed(ours),
        ) => {
            match split_userset(filter) {
                // OpenFGA compares only the type with the filter, and so lists
                // `group:1` and `group:*` for `group#member`.
                Some(_) => usersets(theirs) == usersets(ours),
                None => {
                    let wildcard = format!("{filter}:*");
                    theirs == ours
                        || (theirs.contains(&wildcard)
                            && ours.contains(&wildcard)
                            && covered(
                                store,
                                round,
                                object,
                                relation,
                                theirs.symmetric_difference(ours),
                            )?)
                }
            }
        }
        _ => theirs == ours,
    })
}

fn usersets(names: &BTreeSet<String>) -> BTreeSet<&String> {
    names.iter().filter(|name| name.contains('#')).collect()
}

/// Whether each of the users is in: a list that has the wildcard may name such
/// a user or leave it out.
fn covered<'n>(
    store: &Store,
    round: &Round,
    object: &str,
    relation: &str,
    mut users: impl Iterator<Item = &'n String>,
) -> Option<bool> {
    users.try_fold(true, |so_far, user| {
        let ask = Ask::Check {
            user: user.into(),
            relation: relation.into(),
            object: object.into(),
        };
        Some(so_far && naive_answer(store, round, &ask, None)? == Answer::Allowed(true))
    })
}

/// As [`judge`]; a list that differs is also held against OpenFGA's own checks
/// of the names that only one side lists.
pub fn judge_with(
    fga: &Fga,
    store: &Store,
    round: &Round,
    ask: &Ask,
    theirs: &Answer,
    ours: &Answer,
) -> Verdict {
    let verdict = judge(store, round, ask, theirs, ours);
    let (Verdict::Different, Answer::Listed(theirs), Answer::Listed(ours)) =
        (&verdict, theirs, ours)
    else {
        return verdict;
    };
    // For a filter of usersets OpenFGA also lists what is none; see `matches`.
    let wants_usersets = matches!(ask, Ask::ListUsers { filter, .. } if filter.contains('#'));
    let wanted = |name: &&String| !wants_usersets || name.contains('#');
    let names: Vec<&String> = theirs.symmetric_difference(ours).filter(wanted).collect();
    // Ours must be right all the same: `judge` may have stopped before that.
    let right = Answer::Listed(ours.clone());
    let ruled = rules(store, round, ask);
    if ruled.and_then(|ruled| matches(store, round, ask, &ruled, &right)) != Some(true) {
        return verdict;
    }
    let asks: Vec<Ask> = names.iter().map(|name| ask.about(name)).collect();
    let checks = Round {
        asks: asks.clone(),
        ..round.clone()
    };
    let Ok(answers) = fga.answer(store, &[checks]) else {
        return verdict;
    };
    let sided = asks
        .iter()
        .zip(&names)
        .zip(answers.into_iter().flatten())
        .all(|((ask, name), check)| {
            let (listed, right) = (
                Answer::Allowed(theirs.contains(*name)),
                Answer::Allowed(ours.contains(*name)),
            );
            // Their check sides with ours, or may come out either way.
            check == right
                || matches!(
                    judge(store, round, ask, &listed, &right),
                    Verdict::Explained(_)
                )
        });
    match sided {
        true => Verdict::Explained("OpenFGA's list contradicts its own check"),
        false => verdict,
    }
}

impl Ask {
    /// The check of one name of a list.
    pub fn about(&self, name: &str) -> Ask {
        let (user, relation, object) = match self {
            Ask::Check {
                user,
                relation,
                object,
            } => (user.as_str(), relation, object.as_str()),
            Ask::ListObjects { user, relation, .. } => (user.as_str(), relation, name),
            Ask::ListUsers {
                object, relation, ..
            } => (name, relation, object.as_str()),
        };
        Ask::Check {
            user: user.into(),
            relation: relation.clone(),
            object: object.into(),
        }
    }
}
