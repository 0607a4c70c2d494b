//! Every store of a small scope: two people, two groups, two documents, each
//! set of a few tuples of a menu, under each model of a menu that has one more
//! operator below `but not`.
//!
//! Of stores that are the same but for who is called what, one is asked.

use crate::agree::{self, Findings};
use crate::store::{Ask, Round, Store, Tuple, TupleCondition};
use deputize::model::Model;
use serde_json::Map;
use std::collections::BTreeSet;

/// What `blocked` and `member` are in each model: what may be assigned, and the
/// rewrite.
const MODELS: [(&str, &str); 10] = [
    // Unions alone, cycles among them.
    (
        "member: [user, group#member]",
        "blocked: [group#member, group#member with on]",
    ),
    // Through the base side of an exclusion, and through the subtracted one.
    (
        "member: [user, group#member] but not banned",
        "blocked: [group#member, group#member with on]",
    ),
    (
        "member: [user, user with on] but not trial",
        "blocked: [group#member, group#member with on]",
    ),
    // Through an intersection.
    (
        "member: [user, group#member] and listed",
        "blocked: [group#member, group#member with on]",
    ),
    // An exclusion, an intersection, a union, a parent below the exclusion.
    (
        "member: [user, group#member]",
        "blocked: [group#member, group#member with on] but not pardoned",
    ),
    (
        "member: [user, group#member]",
        "blocked: [group#member, group#member with on] and pardoned",
    ),
    (
        "member: [user, group#member]",
        "blocked: [group#member, group#member with on] or pardoned",
    ),
    (
        "member: [user, group#member]",
        "blocked: [group#member, group#member with on] or member from owner",
    ),
    // The people themselves: exact, wildcard, with and without a condition.
    (
        "member: [user, group#member]",
        "blocked: [user:*, user:* with on, user, user with on, group#member]",
    ),
    // A document's own readers below: a cycle through the exclusion asked about.
    (
        "member: [user, group#member]",
        "blocked: [group#member, document#reader, group#member with on]",
    ),
];

/// The tuples of the menu, and whether each has a condition.
const MENU: [(&str, &str, &str, bool); 14] = [
    ("user:anne", "editor", "document:1", false),
    ("user:anne", "member", "group:1", false),
    ("group:1#member", "member", "group:2", false),
    ("group:2#member", "member", "group:1", false),
    ("group:1#member", "blocked", "document:1", false),
    ("group:2#member", "blocked", "document:1", true),
    ("document:1#reader", "blocked", "document:1", false),
    ("user:anne", "pardoned", "document:1", false),
    ("user:anne", "pardoned", "document:1", true),
    ("group:2#member", "trial", "group:1", true),
    ("group:1#member", "trial", "group:2", false),
    ("group:1", "owner", "document:1", true),
    ("group:2", "owner", "document:1", false),
    ("user:*", "blocked", "document:1", true),
];

/// More of the menu, for the long run.
const MORE: [(&str, &str, &str, bool); 8] = [
    ("user:beth", "editor", "document:1", false),
    ("user:anne", "editor", "document:2", false),
    ("user:beth", "member", "group:2", false),
    ("group:2#member", "blocked", "document:2", false),
    ("document:2#reader", "blocked", "document:1", false),
    ("user:anne", "listed", "group:1", false),
    ("user:anne", "listed", "group:2", true),
    ("user:anne", "banned", "group:1", true),
];

/// What a run came to.
#[derive(Debug, Default)]
pub struct Scope {
    /// How many stores.
    pub stores: u64,
    /// What they came to.
    pub findings: Findings,
}

/// How many tuples a store of the test run has at most.
pub const MOST: usize = 6;

/// Every set of at most `most` tuples of the menu, or of the longer one.
pub fn run(most: usize, long: bool, mut after: impl FnMut(&Store, &Round, &Scope)) -> Scope {
    let menu: Vec<_> = match long {
        true => MENU.iter().chain(&MORE).collect(),
        false => MENU.iter().collect(),
    };
    let mut scope = Scope::default();
    for (member, blocked) in MODELS {
        let model = model(member, blocked);
        let menu: Vec<Tuple> = menu.iter().map(|line| tuple(line)).collect();
        let fits = |tuple: &&Tuple| crate::naive::admits(&model, tuple);
        let menu: Vec<&Tuple> = menu.iter().filter(fits).collect();
        let mut seen = BTreeSet::new();
        sets(&menu, most, &mut Vec::new(), &mut |tuples| {
            if !seen.insert(canonical(tuples)) || distinct(tuples) < tuples.len() {
                return;
            }
            let store = Store {
                model: model.clone(),
                tuples: tuples.iter().map(|tuple| (*tuple).clone()).collect(),
            };
            // A condition without its context, and one that is met.
            for on in [None, Some(true)] {
                let conditional = tuples.iter().any(|tuple| tuple.condition.is_some());
                if on.is_some() && !conditional {
                    continue;
                }
                let round = round(on);
                scope
                    .findings
                    .add(agree::briefly(&store, &round, scope.stores));
                after(&store, &round, &scope);
            }
            scope.stores += 1;
        });
    }
    scope
}

fn model(member: &str, blocked: &str) -> Model {
    let text = format!(
        "model\n  schema 1.1\ntype user\ntype group\n  relations\n    define banned: [user, user with on]\n    define listed: [user, user with on]\n    define trial: [user, group#member, group#member with on]\n    define {member}\ntype document\n  relations\n    define owner: [group, group with on]\n    define editor: [user]\n    define pardoned: [user, user with on]\n    define {blocked}\n    define reader: editor but not blocked\ncondition on(b: bool) {{\n  b\n}}\n"
    );
    // The catalogue's name for it, so that its truth is known.
    let text = text
        .replace("with on", "with flag")
        .replace("condition on", "condition flag");
    deputize::model::load(&text).unwrap_or_else(|errors| panic!("{errors:?}\n{text}"))
}

fn tuple((user, relation, object, conditional): &(&str, &str, &str, bool)) -> Tuple {
    let condition = conditional.then(|| TupleCondition {
        name: "flag".into(),
        context: Map::new(),
    });
    Tuple {
        condition,
        ..Tuple::new(user, relation, object)
    }
}

fn round(on: Option<bool>) -> Round {
    let people = ["user:anne", "user:beth"];
    let asks = people.map(|user| Ask::Check {
        user: user.into(),
        relation: "reader".into(),
        object: "document:1".into(),
    });
    let lists = ["document:1", "document:2"].map(|object| Ask::ListUsers {
        object: object.into(),
        relation: "reader".into(),
        filter: "user".into(),
    });
    let list = people.map(|user| Ask::ListObjects {
        user: user.into(),
        relation: "reader".into(),
        object_type: "document".into(),
    });
    Round {
        context: on
            .map(|on| ("b".to_owned(), on.into()))
            .into_iter()
            .collect(),
        asks: asks.into_iter().chain(lists).chain(list).collect(),
        ..Round::default()
    }
}

/// Each set of at most `most`, the empty one too.
fn sets<'t>(
    menu: &[&'t Tuple],
    most: usize,
    chosen: &mut Vec<&'t Tuple>,
    each: &mut dyn FnMut(&[&'t Tuple]),
) {
    each(chosen);
    if chosen.len() == most {
        return;
    }
    for (index, tuple) in menu.iter().enumerate() {
        chosen.push(tuple);
        sets(&menu[index + 1..], most, chosen, each);
        chosen.pop();
    }
}

/// A store holds one tuple of a key.
fn distinct(tuples: &[&Tuple]) -> usize {
    tuples
        .iter()
        .map(|tuple| crate::store::key(tuple))
        .collect::<BTreeSet<_>>()
        .len()
}

/// The least spelling of a set among those with names swapped.
fn canonical(tuples: &[&Tuple]) -> Vec<String> {
    let swaps = [
        ("user:anne", "user:beth"),
        ("group:1", "group:2"),
        ("document:1", "document:2"),
    ];
    let spelled = |mask: usize| {
        let mut lines: Vec<String> = tuples
            .iter()
            .map(|tuple| {
                let guard = if tuple.condition.is_some() { "if" } else { "" };
                let mut line =
                    format!("{} {} {} {guard}", tuple.user, tuple.relation, tuple.object);
                for (bit, (one, other)) in swaps.iter().enumerate() {
                    if mask >> bit & 1 == 1 {
                        line = line
                            .replace(one, "\0")
                            .replace(other, one)
                            .replace('\0', other);
                    }
                }
                line
            })
            .collect();
        lines.sort();
        lines
    };
    (0..8).map(spelled).min().unwrap_or_default()
}
