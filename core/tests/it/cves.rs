//! The wrong answers that OpenFGA had to publish, as questions to this engine:
//! one test for each advisory. Most came from a cache whose key was not the
//! whole question, so most tests ask several questions of one policy, in
//! several orders.

use deputize::{CheckItem, Policy, QueryError, Tuple, TupleCondition, TupleFault};
use serde_json::{Map, Value, json};

/// CVE-2025-64751 (GHSA-2c64-vmv2-hgfc, 1.4.0 to 1.11.0): a relation admitted
/// `user:*` under a condition only, and a `user:*` tuple that carried none, such
/// as one left from an older model, was counted all the same: everybody was
/// allowed, whatever the condition said.
///
/// The excerpts of the advisory that we found name the first two conditions and
/// break off; the tuple without a condition is our reading of the rest.
#[test]
fn cve_2025_64751_public_access_without_its_condition_gives_nothing() {
    let model = "model
  schema 1.1
type user
type document
  relations
    define viewer: [user:* with in_hours]
    define open: [user:*]
    define either: [user:*, user:* with in_hours]
condition in_hours(hour: int) {
  hour >= 9 && hour < 18
}
";
    let conditional = json!({"name": "in_hours"});
    let tuples = json!([
        {"user": "user:*", "relation": "viewer", "object": "document:stale"},
        {"user": "user:*", "relation": "viewer", "object": "document:timed",
            "condition": conditional},
        {"user": "user:*", "relation": "open", "object": "document:stale",
            "condition": conditional},
        {"user": "user:*", "relation": "either", "object": "document:stale"},
    ]);
    for policy in policies(model, &tuples) {
        for hour in [10, 20] {
            let view = policy.view().with_context(&object(json!({"hour": hour})));
            let check = |relation, object| view.check("user:anne", relation, object);
            assert_eq!(check("viewer", "document:stale"), Ok(false));
            assert_eq!(check("open", "document:stale"), Ok(false));
            assert_eq!(check("either", "document:stale"), Ok(true));
            assert_eq!(check("viewer", "document:timed"), Ok(hour == 10));
            let listed = view.list_objects("user:anne", "viewer", "document");
            let expected: &[&str] = if hour == 10 { &["document:timed"] } else { &[] };
            assert_eq!(listed.unwrap(), expected);
            let users = view.list_users("document:stale", "viewer", "user");
            assert_eq!(users.unwrap(), [""; 0]);
        }
        // They are left out aloud.
        let ignored = policy.warnings().iter();
        let pointers: Vec<_> = ignored
            .filter(|w| w.code == "tuple.not_assignable")
            .map(|w| w.pointer.as_str())
            .collect();
        assert_eq!(pointers, ["/tuples/0", "/tuples/2"]);
        // Contextual ones are refused.
        let stale = Tuple::new("user:*", "viewer", "document:1");
        assert_eq!(
            policy.view().with_tuples(&[stale]).unwrap_err(),
            not_assignable(0)
        );
    }
}

/// CVE-2025-48371 (GHSA-c72g-53hw-82q7, 1.8.0 to 1.8.12): where a relation
/// admitted both `user:*` and a userset, contextual tuples with a userset were
/// not filtered by the kinds of user that were being looked for, so a userset
/// could stand in for the public access that nobody had given.
#[test]
fn cve_2025_48371_a_contextual_userset_is_not_public_access() {
    let model = "model
  schema 1.1
type user
type group
  relations
    define member: [user]
    define guest: [user]
type document
  relations
    define viewer: [user:*, group#member]
    define editor: [user:*, group#member]
    define public: [user:*]
";
    let tuples = json!([{"user": "user:anne", "relation": "member", "object": "group:eng"},
        {"user": "user:gus", "relation": "guest", "object": "group:eng"}]);
    for policy in policies(model, &tuples) {
        let contextual = [
            Tuple::new("group:eng#member", "viewer", "document:1"),
            Tuple::new("group:eng#member", "editor", "document:2"),
            Tuple::new("group:none#member", "viewer", "document:3"),
        ];
        let view = policy.view().with_tuples(&contextual).unwrap();
        for (user, relation, object, expected) in [
            ("user:anne", "viewer", "document:1", true),
            // Not a member, or a guest only.
            ("user:bob", "viewer", "document:1", false),
            ("user:gus", "viewer", "document:1", false),
            ("user:*", "viewer", "document:1", false),
            // Another object, another relation, another group.
            ("user:anne", "viewer", "document:2", false),
            ("user:anne", "editor", "document:1", false),
            ("user:anne", "viewer", "document:3", false),
            ("user:anne", "public", "document:1", false),
            ("group:eng#member", "viewer", "document:1", true),
            ("group:eng#guest", "viewer", "document:1", false),
            ("group:none#member", "viewer", "document:1", false),
        ] {
            let answer = view.check(user, relation, object);
            assert_eq!(answer, Ok(expected), "{user} {relation} {object}");
        }
        let list = |user| view.list_objects(user, "viewer", "document").unwrap();
        assert_eq!(list("user:anne"), ["document:1"]);
        assert_eq!(list("user:bob"), [""; 0]);
        // Contextual tuples are held to the model's brackets too.
        for user in ["group:eng#guest", "user:bob", "group:eng"] {
            let foreign = [Tuple::new(user, "viewer", "document:1")];
            let refused = policy.view().with_tuples(&foreign).unwrap_err();
            assert_eq!(refused, not_assignable(0), "{user}");
        }
    }
}

/// CVE-2024-56323 (GHSA-32q6-rr98-cjqv, 1.3.8 to 1.8.2): with the cache of
/// checks on, the key of a request left out the conditions of its contextual
/// tuples, so a request was answered with the result of an earlier one whose
/// contextual tuple had another condition.
#[test]
fn cve_2024_56323_conditions_of_contextual_tuples_are_part_of_the_question() {
    let model = "model
  schema 1.1
type user
type document
  relations
    define viewer: [user, user with from_hour, user with never]
condition from_hour(hour: int, from: int) {
  hour >= from
}
condition never(hour: int) {
  hour < 0
}
";
    let with = |condition: Option<(&str, Value)>| Tuple {
        condition: condition.map(|(name, context)| TupleCondition {
            name: name.to_owned(),
            context: object(context),
        }),
        ..Tuple::new("user:anne", "viewer", "document:1")
    };
    let requests = [
        (with(Some(("from_hour", json!({"from": 9})))), true),
        (with(Some(("from_hour", json!({"from": 11})))), false),
        (with(Some(("never", json!({})))), false),
        (with(None), true),
    ];
    for policy in policies(model, &json!([])) {
        let context = object(json!({"hour": 10}));
        for first in &requests {
            for second in &requests {
                for (tuple, expected) in [first, second, first] {
                    let tuples = std::slice::from_ref(tuple);
                    let view = policy.view().with_tuples(tuples).unwrap();
                    let view = view.with_context(&context);
                    let answer = view.check("user:anne", "viewer", "document:1");
                    assert_eq!(answer, Ok(*expected), "{tuple:?}");
                    let listed = view.list_objects("user:anne", "viewer", "document");
                    assert_eq!(listed.unwrap().len(), usize::from(*expected), "{tuple:?}");
                }
            }
        }
        // And nothing of them stays behind.
        assert_eq!(policy.check("user:anne", "viewer", "document:1"), Ok(false));
    }
}

/// CVE-2026-33729 (GHSA-h6c8-cww8-35hf, before 1.13.1): two requests whose
/// contexts differ could be written to one and the same cache key, and the
/// second got the answer of the first. The advisory does not say which contexts
/// collided; here stand values that are alike once they are text: strings that
/// hold what separates members, and numbers, lists and nulls beside strings that
/// spell them.
#[test]
fn cve_2026_33729_contexts_that_look_alike_are_not_alike() {
    let model = "model
  schema 1.1
type user
type document
  relations
    define viewer: [user with fits]
condition fits(a: string, b: string, c: map<string>) {
  a == \"1\" && b == \"2\" && c.size() == 1 && c[\"d\"] == \"3\"
}
";
    let tuples = json!([{"user": "user:anne", "relation": "viewer", "object": "document:1",
        "condition": {"name": "fits"}}]);
    let contexts = [
        (json!({"a": "1", "b": "2", "c": {"d": "3"}}), true),
        (json!({"c": {"d": "3"}, "b": "2", "a": "1"}), true),
        (json!({"a": "1,b:2", "b": "", "c": {"d": "3"}}), false),
        (json!({"a": "1", "b": "2,c:3", "c": {"d": ""}}), false),
        (json!({"a": "1'b:'2", "b": "2", "c": {"d": "3"}}), false),
        (json!({"a": "1\u{0}", "b": "2", "c": {"d": "3"}}), false),
        (json!({"a": "12", "b": "", "c": {"d": "3"}}), false),
        (json!({"a": "", "b": "12", "c": {"d": "3"}}), false),
        (json!({"a": "2", "b": "1", "c": {"d": "3"}}), false),
        (json!({"a": "1", "b": "2", "c": {"d": 3}}), false),
        (json!({"a": "1", "b": "2", "c": {"d": ["3"]}}), false),
        (json!({"a": "1", "b": "2", "c": {"d": null}}), false),
        (json!({"a": "1", "b": "2", "c": {"d": "null"}}), false),
        (json!({"a": "1", "b": "2", "c": {}}), false),
        (json!({"a": "1", "b": "2", "c": {"d": "3", "": ""}}), false),
        (json!({"a": "1", "b": "2", "c": {"d:3": ""}}), false),
    ];
    each_after_each(model, &tuples, &contexts, "user:anne");
}

/// CVE-2025-46331 (GHSA-w222-m46c-mgh6, 1.3.6 to 1.8.10): where tuples form a
/// cycle, a check that had run into the cycle, and was false for that reason
/// only, was kept in the cache of checks and given to later requests that met
/// the same node by another way.
#[test]
fn cve_2025_46331_an_answer_cut_short_by_a_cycle_is_not_kept() {
    let model = "model
  schema 1.1
type user
type group
  relations
    define member: [user, group#member]
    define blocked: [user, group#blocked]
    define active: member but not blocked
    define both: member and active
";
    let add = |user: &str, relation: &str, object: &str| json!({"user": user, "relation": relation, "object": object});
    let tuples = json!([
        add("group:b#member", "member", "group:a"),
        add("group:c#member", "member", "group:b"),
        add("group:a#member", "member", "group:c"),
        add("group:d#member", "member", "group:c"),
        add("user:anne", "member", "group:d"),
        add("user:carl", "member", "group:a"),
        add("group:b#blocked", "blocked", "group:a"),
        add("group:a#blocked", "blocked", "group:b"),
        add("user:carl", "blocked", "group:b"),
    ]);
    let ask = ["group:a", "group:b", "group:c", "group:d"];
    let orders = permutations(&ask);
    let expected = |user: &str, relation: &str, group: &str| match (user, relation) {
        ("user:anne", "member") => true,
        ("user:anne", "blocked") => false,
        // Whether she is blocked on `a` and `b` is asked in a circle of unions
        // alone: nothing in it blocks her, so she is not.
        ("user:anne", _) => true,
        ("user:carl", "member") => group != "group:d",
        ("user:carl", "blocked") => matches!(group, "group:a" | "group:b"),
        ("user:carl", _) => group == "group:c",
        _ => false,
    };
    for policy in policies(model, &tuples) {
        let view = policy.view();
        for user in ["user:anne", "user:bob", "user:carl"] {
            for relation in ["member", "blocked", "active", "both"] {
                for order in &orders {
                    let items: Vec<_> = order.iter().map(|o| item(user, relation, o)).collect();
                    let right: Vec<_> = order.iter().map(|o| expected(user, relation, o)).collect();
                    let batch: Result<Vec<bool>, _> =
                        view.batch_check(&items).into_iter().collect();
                    assert_eq!(batch.as_ref(), Ok(&right), "{user} {relation} {order:?}");
                    // Filtering keeps what one item proved for the next.
                    let mask = view.filter(user, relation, order).unwrap().mask;
                    assert_eq!(mask, right, "{user} {relation} {order:?}");
                }
                let listed = view.list_objects(user, relation, "group").unwrap();
                let right = ask.iter().filter(|o| expected(user, relation, o));
                assert!(listed.iter().eq(right), "{user} {relation}: {listed:?}");
            }
        }
    }
}

/// CVE-2026-34972 (GHSA-jwvj-g8pc-cx45, 1.8.0 to 1.13.1): a batch answered
/// equal items once, and told them apart by a key in which lists of different
/// values came out as the same text; an item could so get the answer of
/// another. Our items share one context, so the lists stand in the requests and
/// in contextual tuples, and equal items in each batch.
#[test]
fn cve_2026_34972_lists_that_join_to_one_text_are_not_equal() {
    let model = "model
  schema 1.1
type user
type document
  relations
    define viewer: [user with tagged]
condition tagged(tags: list<string>) {
  \"b\" in tags && tags.size() == 2
}
";
    let tuples = json!([{"user": "user:anne", "relation": "viewer", "object": "document:1",
        "condition": {"name": "tagged"}}]);
    let lists = [
        (json!(["a", "b"]), true),
        (json!(["a,b"]), false),
        (json!(["a b"]), false),
        (json!(["ab"]), false),
        (json!(["a", "", "b"]), false),
        (json!(["a\",\"b"]), false),
        (json!(["", "a,b"]), false),
        (json!(["b", "a"]), true),
    ];
    let contexts: Vec<_> = lists
        .iter()
        .map(|(list, expected)| (json!({"tags": list}), *expected))
        .collect();
    each_after_each(model, &tuples, &contexts, "user:anne");
    for policy in policies(model, &tuples) {
        // Many at once: each document has its own list.
        let tuple = |(nth, (list, _)): (usize, &(Value, bool))| Tuple {
            condition: Some(TupleCondition {
                name: "tagged".to_owned(),
                context: object(json!({"tags": list})),
            }),
            ..Tuple::new("user:carl", "viewer", &format!("document:{nth}"))
        };
        let contextual: Vec<_> = lists.iter().enumerate().map(tuple).collect();
        let view = policy.view().with_tuples(&contextual).unwrap();
        let items: Vec<_> = contextual
            .iter()
            .chain(contextual.iter().rev())
            .map(|t| item("user:carl", "viewer", &t.object))
            .collect();
        let right = lists.iter().chain(lists.iter().rev());
        let right: Vec<_> = right.map(|(_, expected)| Ok(*expected)).collect();
        assert_eq!(view.batch_check(&items), right);
    }
}

/// CVE-2026-61709 (GHSA-g3pg-frfm-pr2m, 1.5.4 to 1.18.0): listing the users of
/// an intersection, one side of which was a public relation with an exclusion,
/// counted a user who stood on the other side by name without looking at who
/// had been excluded, and so named the very user that was shut out.
#[test]
fn cve_2026_61709_list_users_leaves_out_who_is_excluded_inside_an_intersection() {
    let model = "model
  schema 1.1
type user
type document
  relations
    define public: [user, user:*]
    define blocked: [user, user:*]
    define member: [user, user:*]
    define open: public but not blocked
    define can_read: (public but not blocked) and member
    define by_name: open and member
    define turned: member and (public but not blocked)
    define inside: open and (member but not blocked)
";
    let add = |user: &str, relation: &str, object: &str| json!({"user": user, "relation": relation, "object": object});
    let tuples = json!([
        add("user:*", "public", "document:1"),
        add("user:mallory", "blocked", "document:1"),
        add("user:mallory", "member", "document:1"),
        add("user:anne", "member", "document:1"),
        // Everybody on both sides, one shut out.
        add("user:*", "public", "document:2"),
        add("user:*", "member", "document:2"),
        add("user:mallory", "member", "document:2"),
        add("user:mallory", "blocked", "document:2"),
        // Everybody shut out.
        add("user:*", "public", "document:3"),
        add("user:*", "blocked", "document:3"),
        add("user:anne", "member", "document:3"),
    ]);
    for policy in policies(model, &tuples) {
        let view = policy.view();
        for relation in ["can_read", "by_name", "turned", "inside"] {
            let list = |object| view.list_users(object, relation, "user").unwrap();
            assert_eq!(list("document:1"), ["user:anne"], "{relation}");
            assert_eq!(list("document:3"), [""; 0], "{relation}");
            for document in ["document:1", "document:2", "document:3"] {
                let users = list(document);
                assert!(
                    !users.iter().any(|u| u == "user:mallory"),
                    "{relation} {document}: {users:?}"
                );
                for user in users {
                    let answer = view.check(&user, relation, document);
                    assert_eq!(answer, Ok(true), "{user} {relation} {document}");
                }
                let mallory = view.check("user:mallory", relation, document);
                assert_eq!(mallory, Ok(false), "{relation} {document}");
            }
            assert_eq!(view.check("user:someone", relation, "document:2"), Ok(true));
        }
    }
}

/// CVE-2026-55170 (GHSA-cf98-j28v-49v6, before 1.18.0): on MySQL, users were
/// compared by a collation that takes letters of either case for the same, so
/// `user:Anne` was answered as `user:anne`. Names are bytes here, in every
/// table and in the compiled form; the same goes for accents and for letters
/// that only look alike.
#[test]
fn cve_2026_55170_names_are_compared_byte_by_byte() {
    let model = "model
  schema 1.1
type user
type group
  relations
    define member: [user]
type document
  relations
    define viewer: [user, group#member]
";
    let add = |user: &str, relation: &str, object: &str| json!({"user": user, "relation": relation, "object": object});
    let tuples = json!([
        add("user:anne", "viewer", "document:a"),
        add("user:BOB", "viewer", "document:a"),
        add("user:caf\u{e9}", "viewer", "document:a"),
        add("user:Carl", "member", "group:Eng"),
        add("group:Eng#member", "viewer", "document:a"),
        add("user:Anne", "viewer", "document:A"),
    ]);
    for policy in policies(model, &tuples) {
        for (user, object, expected) in [
            ("user:anne", "document:a", true),
            ("user:Anne", "document:a", false),
            ("user:ANNE", "document:a", false),
            ("user:Anne", "document:A", true),
            ("user:anne", "document:A", false),
            ("user:BOB", "document:a", true),
            ("user:bob", "document:a", false),
            ("user:caf\u{e9}", "document:a", true),
            ("user:cafe", "document:a", false),
            ("user:cafe\u{301}", "document:a", false),
            ("user:CAF\u{c9}", "document:a", false),
            ("user:\u{430}nne", "document:a", false),
            ("user:Carl", "document:a", true),
            ("user:carl", "document:a", false),
            ("group:Eng#member", "document:a", true),
            ("group:eng#member", "document:a", false),
        ] {
            let answer = policy.check(user, "viewer", object);
            assert_eq!(answer, Ok(expected), "{user} {object}");
        }
        let view = policy.view();
        let list = |user| view.list_objects(user, "viewer", "document").unwrap();
        assert_eq!(list("user:anne"), ["document:a"]);
        assert_eq!(list("user:Anne"), ["document:A"]);
        // Types and relations too: another case is another, unknown name.
        assert!(policy.check("User:anne", "viewer", "document:a") != Ok(true));
        assert!(policy.check("user:anne", "Viewer", "document:a").is_err());
        assert!(policy.check("user:anne", "viewer", "Document:a").is_err());
    }
}

/// Asks one question under each context after each other one, of one policy.
fn each_after_each(model: &str, tuples: &Value, contexts: &[(Value, bool)], user: &str) {
    for policy in policies(model, tuples) {
        for first in contexts {
            for second in contexts {
                for (context, expected) in [first, second, first] {
                    let view = policy.view().with_context(&object(context.clone()));
                    let users = [user, user, "user:nobody"];
                    let items = users.map(|user| item(user, "viewer", "document:1"));
                    let answers = view.batch_check(&items);
                    // A value of the wrong type is an error, which denies too.
                    let allowed: Vec<_> = answers.iter().map(|a| *a == Ok(true)).collect();
                    assert_eq!(allowed, [*expected, *expected, false], "{context}");
                    let listed = view.list_objects(user, "viewer", "document");
                    let listed = listed.unwrap_or_default();
                    assert_eq!(listed.len(), usize::from(*expected), "{context}");
                }
            }
        }
    }
}

/// The policy, and the same opened from its compiled form.
fn policies(model: &str, tuples: &Value) -> [Policy; 2] {
    let snapshot = json!({"deputize": 1, "model": model, "tuples": tuples});
    let made = Policy::from_json(snapshot.to_string().as_bytes()).unwrap();
    let opened = Policy::from_compiled(&made.to_compiled()).unwrap();
    [made, opened]
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        other => panic!("not an object: {other}"),
    }
}

fn item(user: &str, relation: &str, object: &str) -> CheckItem {
    CheckItem {
        user: user.to_owned(),
        relation: relation.to_owned(),
        object: object.to_owned(),
    }
}

fn not_assignable(index: usize) -> QueryError {
    QueryError::ContextualTuple {
        index,
        reason: TupleFault::NotAssignable,
    }
}

fn permutations<'a>(items: &[&'a str]) -> Vec<Vec<&'a str>> {
    let Some((last, rest)) = items.split_last() else {
        return vec![Vec::new()];
    };
    let shorter = permutations(rest);
    let places = 0..items.len();
    places
        .flat_map(|place| {
            shorter.iter().map(move |order| {
                let mut order = order.clone();
                order.insert(place, *last);
                order
            })
        })
        .collect()
}
