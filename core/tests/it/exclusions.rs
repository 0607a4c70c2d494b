//! Below an exclusion nothing is dropped, and the answer does not depend on the
//! way to it: errors, the order of ids, the width of a row, cycles.

use std::fmt::Write as _;

use deputize::{Limits, Policy, QueryError};
use serde_json::{Value, json};

fn tuple(user: &str, relation: &str, object: &str) -> Value {
    json!({"user": user, "relation": relation, "object": object})
}

fn policy(model: &str, tuples: Vec<Value>) -> Policy {
    let snapshot = json!({"deputize": 1, "model": model, "tuples": tuples});
    Policy::from_json(snapshot.to_string().as_bytes()).unwrap()
}

const CIRCLE: &str = "model
  schema 1.1
type user
type group
  relations
    define member: [user, group#member]
    define can_view: member
type document
  relations
    define blocked: [group#member]
    define editor: [user]
    define can_view: editor but not blocked
";

#[cfg(feature = "conditions")]
#[test]
fn context_that_is_missing_or_ill_typed_lifts_no_block() {
    let model = "model
  schema 1.1
type user
type group
  relations
    define member: [user]
type document
  relations
    define blocked: [group#member, group#member with on_net]
    define editor: [user]
    define viewer: editor but not blocked
condition on_net(net: string) {
  net == \"corp\"
}
";
    let mut guarded = tuple("group:b#member", "blocked", "document:1");
    guarded["condition"] = json!({"name": "on_net"});
    // That others are blocked too must not matter.
    for others in [
        vec![],
        vec![tuple("group:a#member", "blocked", "document:1")],
    ] {
        let mut tuples = others;
        tuples.extend([
            tuple("user:anne", "editor", "document:1"),
            tuple("user:anne", "member", "group:b"),
            guarded.clone(),
        ]);
        let policy = policy(model, tuples);
        for context in [json!({}), json!({"net": 5})] {
            let view = policy.view().with_context(context.as_object().unwrap());
            let checked = view.check("user:anne", "viewer", "document:1");
            assert!(
                matches!(checked, Err(QueryError::Condition(_))),
                "{context}: {checked:?}"
            );
            let listed = view.list_objects("user:anne", "viewer", "document");
            assert!(listed.is_err(), "{context}: {listed:?}");
            let told = view.explain("user:anne", "viewer", "document:1").unwrap();
            assert!(!told.allowed && told.error.is_some(), "{context}: {told:?}");
        }
    }
}

/// With a limit of depth each way is asked to its end and cut where it meets
/// itself. What is behind the cut may be an error: `limits` say how much is
/// asked, never what is passed over.
#[cfg(feature = "conditions")]
#[test]
fn a_limit_of_depth_passes_over_no_error_behind_a_cycle() {
    let model = "model
  schema 1.1
type user
type document
  relations
    define again: [document#m]
    define a: [user]
    define b: [user]
    define f: [user]
    define err: [user with on_net]
    define n: b and again
    define m: (a but not n) or err
    define k: f but not again
    define l: (a but not k) or err
condition on_net(net: string) {
  net == \"corp\"
}
";
    let mut failing = tuple("user:anne", "err", "document:1");
    failing["condition"] = json!({"name": "on_net"});
    let tuples = vec![
        tuple("user:anne", "a", "document:1"),
        tuple("document:1#m", "again", "document:1"),
        failing,
    ];
    let policy = policy(model, tuples);
    let limits = policy.limits();
    for relation in ["m", "l"] {
        for depth in [None, Some(2), Some(25)] {
            let view = policy.view().with_limits(Limits { depth, ..limits });
            let checked = view.check("user:anne", relation, "document:1");
            assert!(
                matches!(checked, Err(QueryError::Condition(_))),
                "{relation} {depth:?}: {checked:?}"
            );
            let told = view.explain("user:anne", relation, "document:1").unwrap();
            assert!(
                !told.allowed && told.error.is_some(),
                "{relation} {depth:?}: {told:?}"
            );
        }
        // With what it lacks, it is told, on every way.
        for (net, allowed) in [("corp", true), ("home", true)] {
            let context = json!({ "net": net });
            for depth in [None, Some(25)] {
                let view = policy.view().with_limits(Limits { depth, ..limits });
                let view = view.with_context(context.as_object().unwrap());
                let checked = view.check("user:anne", relation, "document:1");
                assert_eq!(checked, Ok(allowed), "{relation} {net} {depth:?}");
            }
        }
    }
}

#[test]
fn a_filter_answers_as_a_check_whatever_is_asked_before() {
    let mut of_a_tenant = tuple("user:anne", "member", "group:x");
    of_a_tenant["tenant"] = json!("t");
    let policy = policy(
        CIRCLE,
        vec![
            tuple("user:anne", "editor", "document:1"),
            of_a_tenant,
            tuple("group:g1#member", "blocked", "document:1"),
            tuple("group:g2#member", "member", "group:g1"),
            tuple("group:g1#member", "member", "group:g2"),
            tuple("user:zed", "member", "group:g2"),
        ],
    );
    let view = policy.view();
    let alone = view.check("user:anne", "can_view", "document:1").unwrap();
    let ids = ["document:1", "group:g1", "document:1"];
    let found = view.filter("user:anne", "can_view", ids).unwrap();
    assert_eq!(found.mask, [alone, false, alone]);
}

#[test]
fn the_width_of_a_row_and_a_tuple_of_another_object_change_nothing() {
    for width in [2, 31, 32, 33, 34, 60] {
        let mut tuples = vec![
            tuple("user:anne", "editor", "document:1"),
            tuple("user:zed", "editor", "document:1"),
            tuple("user:zed", "member", "group:g2"),
            tuple("group:g2#member", "member", "group:g1"),
            tuple("group:g1#member", "member", "group:g2"),
        ];
        tuples.extend(
            (1..=width).map(|n| tuple(&format!("group:g{n}#member"), "blocked", "document:1")),
        );
        let policy = policy(CIRCLE, tuples);
        let other: deputize::Tuple =
            serde_json::from_value(tuple("user:q", "editor", "document:7")).unwrap();
        for view in [policy.view(), policy.view().with_tuples(&[other]).unwrap()] {
            // A circle of unions alone: nothing in it blocks her.
            let anne = view.check("user:anne", "can_view", "document:1");
            assert_eq!(anne, Ok(true), "{width}");
            let zed = view.check("user:zed", "can_view", "document:1");
            assert_eq!(zed, Ok(false), "{width}");
        }
    }
}

#[test]
fn groups_within_each_other_cost_what_they_are_and_not_every_way_through_them() {
    let model = "model
  schema 1.1
type user
type document
  relations
    define viewer: [group#member]
    define others: [user:*] but not viewer
type group
  relations
    define banned: [user]
    define member: [user, group#member] but not banned
";
    for count in [2, 8, 12, 40] {
        let groups = 0..count;
        let mut tuples = vec![
            tuple("user:zoe", "member", "group:0"),
            tuple("user:*", "others", "document:1"),
        ];
        for group in groups {
            let mut name = String::new();
            write!(name, "group:{group}").unwrap();
            tuples.push(tuple(&format!("{name}#member"), "viewer", "document:1"));
            let others = (0..count).filter(|other| *other != group);
            tuples.extend(
                others.map(|other| tuple(&format!("group:{other}#member"), "member", &name)),
            );
        }
        let policy = policy(model, tuples);
        let limits = deputize::Limits {
            steps: 20_000,
            ..policy.limits()
        };
        let view = policy.view().with_limits(limits);
        let check = |user| view.check(user, "viewer", "document:1");
        assert_eq!(
            (check("user:zoe"), check("user:bob")),
            (Ok(true), Ok(false))
        );
        // A cycle that leads through an exclusion denies where it is subtracted.
        let others = view.check("user:bob", "others", "document:1");
        assert_eq!(others, Ok(false));
        let told = view.explain("user:bob", "viewer", "document:1").unwrap();
        assert!(!told.allowed && told.error.is_none());
    }
}

#[test]
fn an_explanation_shows_no_passing_branch_under_a_denial() {
    let model = CIRCLE.replace(
        "define can_view: editor but not blocked",
        "define reader: [user]\n    define can_view: (reader but not blocked) or (editor but not blocked)",
    );
    let policy = policy(
        &model,
        vec![
            tuple("user:anne", "editor", "document:1"),
            tuple("user:anne", "reader", "document:1"),
            tuple("user:anne", "member", "group:g1"),
            tuple("group:g1#member", "blocked", "document:1"),
            tuple("group:g2#member", "member", "group:g1"),
            tuple("group:g1#member", "member", "group:g2"),
        ],
    );
    let told = policy
        .view()
        .explain("user:anne", "can_view", "document:1")
        .unwrap();
    let any = told.because.parts.first().unwrap();
    assert!(!told.allowed && any.parts.len() == 2);
    assert!(any.parts.iter().all(|part| !part.allowed), "{told:?}");
}
