//! What calls may cost: conditions count, a guard is evaluated once, an
//! explanation has one budget, and so has a call of many questions.

use std::fmt::Write as _;

use deputize::{CheckItem, DropReason, Limits, Policy, QueryError, Step, StepRule};
use serde_json::{Value, json};

fn tuple(user: &str, relation: &str, object: &str) -> Value {
    json!({"user": user, "relation": relation, "object": object})
}

#[cfg(feature = "conditions")]
fn policy(model: &str, tuples: &[Value]) -> Policy {
    let snapshot = json!({"deputize": 1, "model": model, "tuples": tuples});
    Policy::from_json(snapshot.to_string().as_bytes()).unwrap()
}

fn limits(steps: u64, call_steps: u64) -> Limits {
    Limits {
        steps,
        call_steps,
        ..Limits::default()
    }
}

/// Documents that cost what they have groups: each lies below groups of its
/// own, none of which has the user, under a rewrite that no climb answers.
const COSTLY: &str = "model
  schema 1.1
type user
type group
  relations
    define banned: [user]
    define member: [user, group#member] but not banned
type document
  relations
    define viewer: [user, group#member]
";

fn costly(documents: usize, groups: usize) -> Policy {
    Policy::from_json(snapshot_of(documents, groups).to_string().as_bytes()).unwrap()
}

fn snapshot_of(documents: usize, groups: usize) -> Value {
    let mut tuples = Vec::new();
    for document in 0..documents {
        for group in 0..groups {
            let name = format!("group:{document}-{group}");
            let above = match group {
                0 => tuple(
                    &format!("{name}#member"),
                    "viewer",
                    &format!("document:{document}"),
                ),
                _ => tuple(
                    &format!("{name}#member"),
                    "member",
                    &format!("group:{document}-{}", group - 1),
                ),
            };
            tuples.push(above);
        }
        // Everybody is somewhere near the bottom, and banned there.
        let last = format!("group:{document}-{}", groups - 1);
        tuples.push(tuple("user:anne", "member", &last));
        tuples.push(tuple("user:anne", "banned", &last));
    }
    tuples.push(tuple("user:anne", "viewer", "document:own"));
    json!({"deputize": 1, "model": COSTLY, "tuples": tuples})
}

fn documents(count: usize) -> Vec<String> {
    let mut ids: Vec<String> = (0..count).map(|n| format!("document:{n}")).collect();
    ids.push("document:own".into());
    ids
}

#[test]
fn a_filter_of_costly_objects_ends_within_the_calls_budget() {
    let policy = costly(200, 120);
    let ids = documents(200);
    let whole = policy.view().filter("user:anne", "viewer", &ids).unwrap();
    assert_eq!(whole.dropped.get(&DropReason::NotAllowed), Some(&200));
    // Each takes over 300 steps, of which the call is charged 200 and more.
    let view = policy.view().with_limits(limits(2_000, 10_000));
    let cut = view.filter("user:anne", "viewer", &ids).unwrap();
    let dropped = cut.dropped.get(&DropReason::CallBudget).copied();
    assert!(dropped.is_some_and(|n| n > 100), "{:?}", cut.dropped);
    assert_eq!(cut.mask.iter().filter(|allowed| **allowed).count(), 1);
    // What is quickly told is told still.
    assert_eq!(cut.mask.last(), Some(&true));
    // The budget is the call's, not the view's: the next one has it again.
    assert_eq!(view.filter("user:anne", "viewer", &ids).unwrap(), cut);
    assert_eq!(view.check("user:anne", "viewer", "document:7"), Ok(false));
}

#[test]
fn batches_and_lists_have_one_budget_too() {
    let policy = costly(200, 120);
    let view = policy.view().with_limits(limits(2_000, 10_000));
    let items: Vec<CheckItem> = documents(200)
        .into_iter()
        .map(|object| CheckItem {
            user: "user:anne".into(),
            relation: "viewer".into(),
            object,
        })
        .collect();
    let answers = view.batch_check(&items);
    let refused = Err(QueryError::CallBudget { steps: 10_000 });
    assert!(answers.iter().filter(|answer| **answer == refused).count() > 100);
    assert_eq!(answers.last(), Some(&Ok(true)));

    // A list that may lack something is none.
    let view = policy.view().with_limits(limits(30_000, 40_000));
    let list = view.list_objects("user:anne", "viewer", "document");
    assert_eq!(list.unwrap_err().code(), "budget.call");
    assert_eq!(
        policy
            .view()
            .list_objects("user:anne", "viewer", "document"),
        Ok(vec!["document:own".to_owned()])
    );
}

#[test]
fn one_question_may_take_what_it_is_allowed_whatever_the_calls() {
    let policy = costly(1, 300);
    let view = policy.view().with_limits(limits(1_000_000, 1));
    assert_eq!(view.check("user:anne", "viewer", "document:0"), Ok(false));
    let view = policy.view().with_limits(limits(50, 1_000_000));
    let check = view.check("user:anne", "viewer", "document:0");
    assert_eq!(check, Err(QueryError::Budget { steps: 50 }));
}

fn omitted(step: &Step) -> usize {
    let own = usize::from(matches!(step.rule, StepRule::Omitted { .. }));
    own + step.parts.iter().map(omitted).sum::<usize>()
}

#[test]
fn an_explanation_has_one_budget_and_then_says_omitted() {
    let policy = costly(1, 30);
    let explain = |steps| {
        let view = policy.view().with_limits(limits(steps, 1));
        view.explain("user:anne", "viewer", "document:0").unwrap()
    };
    // Enough for the answer, not for every part of the tree.
    let told = |steps: &u64| {
        let short = explain(*steps);
        short.error.is_none() && omitted(&short.because) > 0
    };
    assert!((1..1_000).any(|steps| told(&steps)));
    // Not even for the answer.
    let none = explain(20);
    assert_eq!(none.error.as_deref(), Some("budget.exhausted"));
    assert_eq!(omitted(&none.because), 1);
    assert_eq!(omitted(&explain(100_000).because), 0);
}

#[test]
fn an_explanation_that_allows_says_so_however_little_of_it_is_told() {
    let policy = costly(1, 30);
    for steps in 1..200 {
        let view = policy.view().with_limits(limits(steps, 1));
        let told = view.explain("user:anne", "viewer", "document:own").unwrap();
        let check = view.check("user:anne", "viewer", "document:own");
        assert_eq!(told.allowed, check == Ok(true));
        let tells = told.because.allowed || omitted(&told.because) > 0;
        assert!(!told.allowed || tells, "{told:?}");
    }
}

#[test]
fn limits_of_a_call_are_read_kept_and_never_none() {
    let snapshot = |limits: Value| {
        let model = COSTLY;
        let text = json!({"deputize": 1, "model": model, "limits": limits}).to_string();
        Policy::from_json(text.as_bytes())
    };
    assert_eq!(snapshot(json!({})).unwrap().limits().call_steps, 10_000_000);
    let own = snapshot(json!({"call_steps": 77})).unwrap();
    assert_eq!(own.limits().call_steps, 77);
    let compiled = Policy::from_compiled(&own.to_compiled()).unwrap();
    assert_eq!(compiled.limits(), own.limits());
    let error = snapshot(json!({"call_steps": 0})).unwrap_err();
    assert_eq!(
        (error.code(), error.pointer.as_str()),
        ("snapshot.limit", "/limits/call_steps")
    );
}

#[cfg(feature = "conditions")]
mod conditions {
    use super::*;

    const LISTED: &str = "model
  schema 1.1
type user
type group
  relations
    define member: [user]
type document
  relations
    define viewer: [group#member with listed]
condition listed(name: string, names: list<string>) {
  name in names
}
";

    /// Four hundred tuples under a condition that takes long to be evaluated.
    fn world(name: impl Fn(usize) -> String) -> Policy {
        let tuples: Vec<Value> = (0..400)
            .map(|n| {
                let mut own = tuple(&format!("group:{n}#member"), "viewer", "document:1");
                own["condition"] = json!({"name": "listed", "context": {"name": name(n)}});
                own
            })
            .collect();
        policy(LISTED, &tuples)
    }

    /// A context of 225 KB.
    fn context() -> serde_json::Map<String, Value> {
        let mut names = String::from("[");
        for n in 0..20_000 {
            write!(names, "\"n-{n:05}\",").unwrap();
        }
        names.pop();
        names.push(']');
        let names: Value = serde_json::from_str(&names).unwrap();
        [("names".to_owned(), names)].into_iter().collect()
    }

    #[test]
    fn a_guard_is_evaluated_once_for_a_request() {
        let policy = world(|_| "nobody".into());
        let view = policy.view().with_context(&context());
        // One evaluation takes over 20,000 steps; four hundred took 8,000,000.
        let view = view.with_limits(limits(60_000, 60_000));
        assert_eq!(view.check("user:anne", "viewer", "document:1"), Ok(false));
        let explained = view.explain("user:anne", "viewer", "document:1").unwrap();
        assert_eq!(explained.error, None);
        // What was found for another context or another tenant is not taken over.
        let mut other = context();
        other["names"] = json!(["nobody"]);
        let before = view.check("group:3#member", "viewer", "document:1");
        let view = view.with_context(&other);
        let after = view.check("group:3#member", "viewer", "document:1");
        assert_eq!((before, after), (Ok(false), Ok(true)));
    }

    #[test]
    fn steps_of_conditions_are_steps_of_the_question() {
        let policy = world(|n| format!("nobody-{n}"));
        let view = policy.view().with_context(&context());
        let check = view.check("user:anne", "viewer", "document:1");
        assert_eq!(check, Err(QueryError::Budget { steps: 1_000_000 }));
        let explained = view.explain("user:anne", "viewer", "document:1").unwrap();
        assert_eq!(explained.error.as_deref(), Some("budget.exhausted"));
    }

    #[test]
    fn an_error_is_remembered_as_one() {
        let model = LISTED.replace("name in names", "names.all(n, int(n) > 0)");
        let tuples: Vec<Value> = (0..3)
            .map(|n| {
                let mut own = tuple(&format!("group:{n}#member"), "viewer", "document:1");
                own["condition"] = json!({"name": "listed", "context": {"name": "x"}});
                own
            })
            .collect();
        let policy = policy(&model, &tuples);
        let mut own = context();
        own["names"] = json!(vec!["1"; 100].into_iter().chain(["x"]).collect::<Vec<_>>());
        let view = policy.view().with_context(&own);
        for _ in 0..3 {
            let check = view.check("group:1#member", "viewer", "document:1");
            assert_eq!(check.unwrap_err().code(), "condition.evaluation");
        }
    }
}

#[cfg(feature = "tokens")]
mod authzen {
    use deputize::request::Setting;
    use deputize::{Policy, UnixSeconds};
    use serde_json::{Value, json};

    const NOW: UnixSeconds = UnixSeconds(1_763_719_200);

    /// The same policy with a call's budget of its own.
    fn limited() -> Policy {
        let mut snapshot = super::snapshot_of(200, 120);
        snapshot["limits"] = json!({"steps": 2_000, "call_steps": 10_000});
        Policy::from_json(snapshot.to_string().as_bytes()).unwrap()
    }

    fn asks(document: usize) -> Value {
        json!({
            "subject": {"type": "user", "id": "anne"},
            "action": {"name": "viewer"},
            "resource": {"type": "document", "id": document.to_string()},
        })
    }

    #[test]
    fn a_batch_is_one_call_whoever_it_asks_of() {
        let policy = limited();
        let items: Vec<Value> = (0..200).map(asks).collect();
        let request = json!({"evaluations": items}).to_string();
        let answer = policy
            .evaluations(request.as_bytes(), NOW, &Setting::default())
            .unwrap();
        let answer = serde_json::to_value(answer).unwrap();
        let of = |code: &str| {
            let all = answer["evaluations"].as_array().unwrap().iter();
            all.filter(|one| one["context"]["reason"] == code).count()
        };
        assert!(of("budget.call") > 100, "{answer}");
        assert_eq!(of("budget.call") + of("subject.no_grant"), 200);
    }

    #[test]
    fn a_search_is_one_call_and_lacks_nothing_unsaid() {
        let policy = limited();
        let mut request = asks(0);
        request["subject"].as_object_mut().unwrap().remove("id");
        let request = request.to_string();
        let found = policy
            .search_subjects(request.as_bytes(), NOW, &Setting::default())
            .unwrap();
        let found = serde_json::to_value(found).unwrap();
        assert_eq!(found["results"], json!([]), "{found}");
        assert_eq!(found.get("context"), None, "{found}");
    }
}
