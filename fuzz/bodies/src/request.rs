//! Any request to a fixed policy. The text is lines: the user, the relation and
//! the object, each after a tab; the context as JSON; then a contextual tuple a
//! line, its parts after tabs, with a condition and its context where it has
//! them.
//!
//! All verbs must agree with check, and the opened compiled form with the
//! policy it was written from.

use std::sync::OnceLock;

use deputize::{Policy, QueryError, Tuple, TupleCondition, View};
use serde_json::{Map, Value};

static POLICIES: OnceLock<[Policy; 2]> = OnceLock::new();

const TYPES: [&str; 4] = ["user", "group", "folder", "document"];
const OBJECTS: [&str; 8] = [
    "group:eng",
    "group:all",
    "folder:f",
    "document:1",
    "document:2",
    "document:3",
    "document:4",
    "document:unknown",
];

/// Takes one input.
pub fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let [policy, opened] = POLICIES.get_or_init(policies);
    let mut lines = text.lines();
    let asked: Vec<&str> = lines.next().unwrap_or_default().split('\t').collect();
    let [user, relation, object] = asked[..] else {
        return;
    };
    let context = serde_json::from_str(lines.next().unwrap_or_default()).unwrap_or_default();
    let tuples: Vec<Tuple> = lines.filter_map(tuple).collect();
    let view = prepared(policy, &context, &tuples);
    let same = prepared(opened, &context, &tuples);
    let (view, same) = match (view, same) {
        (Ok(view), Ok(same)) => (view, same),
        (view, same) => {
            assert_eq!(view.map(|_| ()), same.map(|_| ()));
            return;
        }
    };
    let answer = view.check(user, relation, object);
    assert_eq!(answer, same.check(user, relation, object));
    let explained = view.explain(user, relation, object);
    match (&answer, &explained) {
        (Ok(allowed), Ok(explanation)) => assert_eq!(*allowed, explanation.allowed),
        (Ok(_), Err(error)) => assert!(is_budget(error), "{error}"),
        // An explanation may name the fault of a branch, and never allows.
        (Err(_), Ok(explanation)) => assert!(!explanation.allowed),
        (Err(_), Err(_)) => {}
    }
    assert_eq!(
        view.expand(relation, object).is_ok(),
        same.expand(relation, object).is_ok()
    );
    let filtered = view.filter(user, relation, OBJECTS);
    for (at, object) in OBJECTS.iter().enumerate() {
        let answer = view.check(user, relation, object);
        if let Ok(filtered) = &filtered {
            assert_eq!(
                filtered.mask[at],
                answer == Ok(true),
                "{object}: {answer:?}"
            );
        }
    }
    for type_name in TYPES {
        let listed = view.list_objects(user, relation, type_name);
        let opened = same.list_objects(user, relation, type_name);
        assert_eq!(listed, opened);
        if let Ok(listed) = listed {
            for object in &listed {
                assert_eq!(view.check(user, relation, object), Ok(true), "{object}");
            }
            for object in OBJECTS.iter().filter(|o| o.starts_with(type_name)) {
                if view.check(user, relation, object) == Ok(true) {
                    assert!(listed.iter().any(|l| l == object), "{object} is missing");
                }
            }
        }
        let users = view.list_users(object, relation, type_name);
        let opened = same.list_users(object, relation, type_name);
        assert_eq!(users, opened);
        for user in users.unwrap_or_default() {
            assert_eq!(view.check(&user, relation, object), Ok(true), "{user}");
        }
    }
}

fn prepared<'p>(
    policy: &'p Policy,
    context: &Map<String, Value>,
    tuples: &[Tuple],
) -> Result<View<'p>, QueryError> {
    Ok(policy.view().with_tuples(tuples)?.with_context(context))
}

fn is_budget(error: &QueryError) -> bool {
    error.code().starts_with("budget.")
}

fn tuple(line: &str) -> Option<Tuple> {
    let parts: Vec<&str> = line.split('\t').collect();
    let [user, relation, object, ref rest @ ..] = parts[..] else {
        return None;
    };
    let mut tuple = Tuple::new(user, relation, object);
    if let Some(name) = rest.first() {
        let context = rest.get(1).and_then(|c| serde_json::from_str(c).ok());
        tuple.condition = Some(TupleCondition {
            name: (*name).to_owned(),
            context: context.unwrap_or_default(),
        });
    }
    Some(tuple)
}

fn policies() -> [Policy; 2] {
    let policy = Policy::from_json(include_bytes!("../../policies/request.json"))
        .expect("the policy is right");
    let opened = Policy::from_compiled(&policy.to_compiled()).expect("the compiled form opens");
    [policy, opened]
}
