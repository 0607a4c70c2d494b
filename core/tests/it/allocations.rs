//! A usual check allocates nothing: allowed or denied, direct or through
//! folders, teams, wildcards and unions. What still allocates is listed, with
//! how often. And a policy takes at most 60 bytes a tuple beyond its names.

use std::collections::BTreeSet;

use deputize::Policy;
use serde_json::json;

use crate::counting::{allocated, held};

const MODEL: &str = "model
  schema 1.1
type user
type team
  relations
    define member: [user, team#member]
type folder
  relations
    define parent: [folder]
    define viewer: [user, team#member] or viewer from parent
type document
  relations
    define parent: [folder]
    define owner: [user]
    define public: [user:*]
    define blocked: [user]
    define cleared: [user]
    define shared: [user, user:*, team#member]
    define inherited: viewer from parent
    define viewer: [user] or owner or public or viewer from parent
    define can_view: viewer but not blocked
    define can_sign: viewer and cleared
    define owner_unblocked: owner but not blocked
    define owner_cleared: owner and cleared
    define can_share: (viewer but not blocked) and cleared
";

/// `(what shape it is, user, relation, object, the answer)`.
const CHECKS: &[(&str, &str, &str, &str, bool)] = &[
    ("direct", "user:anne", "owner", "document:1", true),
    ("direct, denied", "user:bob", "owner", "document:1", false),
    ("no such user", "user:nobody", "owner", "document:1", false),
    (
        "no such object",
        "user:anne",
        "owner",
        "document:none",
        false,
    ),
    (
        "folder then team",
        "user:mia",
        "inherited",
        "document:1",
        true,
    ),
    (
        "folder then team, denied",
        "user:bob",
        "inherited",
        "document:1",
        false,
    ),
    (
        "folder then nested team",
        "user:noa",
        "inherited",
        "document:1",
        true,
    ),
    (
        "two folders then team",
        "user:mia",
        "inherited",
        "document:2",
        true,
    ),
    (
        "two folders, denied",
        "user:bob",
        "inherited",
        "document:2",
        false,
    ),
    ("wildcard", "user:bob", "public", "document:3", true),
    (
        "wildcard, denied",
        "user:bob",
        "public",
        "document:1",
        false,
    ),
    (
        "wildcard beside a team",
        "user:nobody",
        "shared",
        "document:3",
        true,
    ),
    ("team, denied", "user:bob", "shared", "document:4", false),
    ("team", "user:mia", "shared", "document:4", true),
    ("union, first", "user:carl", "viewer", "document:1", true),
    ("union, computed", "user:anne", "viewer", "document:1", true),
    (
        "union, from a parent",
        "user:mia",
        "viewer",
        "document:1",
        true,
    ),
    ("union, denied", "user:bob", "viewer", "document:1", false),
    ("exclusion", "user:mia", "can_view", "document:1", true),
    (
        "exclusion, denied by it",
        "user:carl",
        "can_view",
        "document:1",
        false,
    ),
    (
        "exclusion, no base",
        "user:bob",
        "can_view",
        "document:1",
        false,
    ),
    ("intersection", "user:mia", "can_sign", "document:1", true),
    (
        "intersection, one side",
        "user:anne",
        "can_sign",
        "document:1",
        false,
    ),
    (
        "intersection, other side",
        "user:bob",
        "can_sign",
        "document:1",
        false,
    ),
    ("both", "user:mia", "can_share", "document:1", true),
    (
        "both, denied",
        "user:carl",
        "can_share",
        "document:1",
        false,
    ),
    (
        "a userset as user",
        "team:a#member",
        "inherited",
        "document:1",
        true,
    ),
    (
        "the wildcard as user",
        "user:*",
        "public",
        "document:3",
        true,
    ),
    ("500 teams", "user:mia", "shared", "document:1", true),
    (
        "500 teams, denied",
        "user:bob",
        "shared",
        "document:1",
        false,
    ),
    (
        "direct exclusion",
        "user:anne",
        "owner_unblocked",
        "document:1",
        true,
    ),
    (
        "direct exclusion, denied",
        "user:eve",
        "owner_unblocked",
        "document:1",
        false,
    ),
    (
        "direct intersection",
        "user:dan",
        "owner_cleared",
        "document:1",
        true,
    ),
    (
        "direct intersection, denied",
        "user:anne",
        "owner_cleared",
        "document:1",
        false,
    ),
];

const LISTS: &str = "the lists of a walk from the user's side";

/// `(shape, the most allocations, why)`: a row of hundreds of usersets is walked
/// from the user's side with lists of its own. A shape that stops allocating
/// fails the test: take it out here.
const EXCEPTIONS: &[(&str, usize, &str)] =
    &[("500 teams", 5, LISTS), ("500 teams, denied", 5, LISTS)];

#[test]
fn a_usual_check_allocates_nothing() {
    let made = policy();
    let opened = Policy::from_compiled(&made.to_compiled()).unwrap();
    let mut faults = Vec::new();
    for (origin, policy) in [("made", &made), ("opened", &opened)] {
        let view = policy.view();
        for (shape, user, relation, object, expected) in CHECKS {
            let warm = policy.check(user, relation, object);
            assert_eq!(warm, Ok(*expected), "{shape}");
            let before = allocated();
            let by_policy = policy.check(user, relation, object);
            let between = allocated();
            let by_view = view.check(user, relation, object);
            let after = allocated();
            assert_eq!((&by_policy, &by_view), (&warm, &warm), "{shape}");
            let counted = (between - before, after - between);
            let excepted = EXCEPTIONS.iter().find(|(name, ..)| name == shape);
            let (least, most) = excepted.map_or((0, 0), |(_, most, _)| (1, *most));
            let wrong = |count: usize| !(least..=most).contains(&count);
            if wrong(counted.0) || wrong(counted.1) {
                faults.push(format!(
                    "{origin}, {shape}: {counted:?} allocations, not {least} to {most}"
                ));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    // The counter counts.
    let before = allocated();
    drop(std::hint::black_box(vec![before]));
    assert!(allocated() > before);
}

fn policy() -> Policy {
    let mut tuples = Vec::new();
    let mut add = |user: &str, relation: &str, object: &str| {
        tuples.push(json!({"user": user, "relation": relation, "object": object}));
    };
    add("user:anne", "owner", "document:1");
    add("user:carl", "viewer", "document:1");
    add("user:carl", "blocked", "document:1");
    add("user:carl", "cleared", "document:1");
    add("user:mia", "cleared", "document:1");
    add("user:bob", "cleared", "document:1");
    add("folder:f", "parent", "document:1");
    add("folder:g", "parent", "document:2");
    add("folder:f", "parent", "folder:g");
    add("team:a#member", "viewer", "folder:f");
    add("team:b#member", "member", "team:a");
    add("user:mia", "member", "team:a");
    add("user:noa", "member", "team:b");
    add("user:bob", "member", "team:other");
    add("team:a#member", "shared", "document:4");
    add("user:eve", "owner", "document:1");
    add("user:eve", "blocked", "document:1");
    add("user:dan", "owner", "document:1");
    add("user:dan", "cleared", "document:1");
    add("user:*", "public", "document:3");
    add("user:*", "shared", "document:3");
    add("team:a#member", "shared", "document:3");
    add("team:a#member", "shared", "document:1");
    // Enough beside them that rows are searched and not only scanned.
    for n in 0..500 {
        let (user, document) = (format!("user:u{n}"), format!("document:d{n}"));
        add(&user, "member", "team:a");
        add(&user, "owner", &document);
        add("folder:f", "parent", &document);
        add(&format!("team:t{n}#member"), "shared", "document:1");
        add(&user, "member", &format!("team:t{n}"));
    }
    let snapshot = json!({"deputize": 1, "model": MODEL, "tuples": tuples});
    Policy::from_json(snapshot.to_string().as_bytes()).unwrap()
}

#[test]
fn a_tuple_takes_at_most_60_bytes_beyond_the_names() {
    let (folders, documents, users) = (5_000, 50_000, 10_000);
    let mut tuples = Vec::new();
    let mut names = BTreeSet::new();
    let mut tuple = |user: String, relation: &str, object: String| {
        tuples.push(json!({"user": user, "relation": relation, "object": object}));
        names.extend([user, object]);
    };
    for folder in 0..folders {
        for user in 0..8 {
            let user = (folder * 7 + user * 13) % users;
            tuple(
                format!("user:u{user}"),
                "viewer",
                format!("folder:f{folder}"),
            );
        }
    }
    for document in 0..documents {
        let folder = document * 31 % folders;
        tuple(
            format!("folder:f{folder}"),
            "parent",
            format!("document:d{document}"),
        );
    }
    let text: usize = names.iter().map(String::len).sum();
    let snapshot = json!({"deputize": 1, "model": MODEL, "tuples": tuples}).to_string();
    let before = held();
    let policy = Policy::from_json(snapshot.as_bytes()).unwrap();
    let taken = (held() - before) as usize;
    let tuple = (taken - text) / policy.tuple_count();
    assert!(tuple <= 60, "{tuple} bytes a tuple");
    let before = held();
    let compiled = policy.to_compiled();
    let opened = Policy::from_compiled(&compiled).unwrap();
    let taken = (held() - before) as usize - compiled.capacity();
    let tuple = (taken - text) / opened.tuple_count();
    assert!(tuple <= 60, "{tuple} bytes a tuple when opened");
}
