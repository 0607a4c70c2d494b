//! OpenFGA's advice on agents.

use deputize::{CheckItem, Policy};
use serde_json::json;

use crate::world::{World, claims, tuple};

#[test]
fn of10_a_type_that_lists_no_wildcard_takes_none() {
    let snapshot = |brackets: &str| {
        let model = format!(
            "model\n  schema 1.1\ntype agent\ntype document\n  relations\n    define reader: [{brackets}]"
        );
        let tuples = [tuple("agent:*", "reader", "document:1")];
        let snapshot = json!({"deputize": 1, "model": model, "tuples": tuples});
        Policy::from_json(snapshot.to_string().as_bytes()).unwrap()
    };
    let strict = snapshot("agent");
    assert_eq!(strict.check("agent:x", "reader", "document:1"), Ok(false));
    assert_eq!(strict.warnings().len(), 1);
    // Where the model lists it, it counts; `deputize lint` warns of it.
    let lenient = snapshot("agent, agent:*");
    assert_eq!(lenient.check("agent:x", "reader", "document:1"), Ok(true));
}

#[test]
fn of11_a_task_further_constrains_its_agent() {
    let world = World::new()
        .issuer("task_claim", json!("task"))
        .tuple(tuple("task:17", "reader", "document:1"))
        .tuple(tuple("task:17", "reader", "document:3"));
    let asked = |task: Option<&str>, document: &str| {
        let mut own = claims("anne", &["coordinator"]);
        if let Some(task) = task {
            own["task"] = json!(task);
        }
        world.ask(&own, "can_read", document)
    };
    // Both must hold it: the task adds nothing to the agent, nor it to the task.
    assert_eq!(asked(None, "document:1"), "allowed");
    assert_eq!(asked(Some("17"), "document:1"), "allowed");
    assert_eq!(asked(Some("18"), "document:1"), "task.no_grant");
    assert_eq!(asked(Some("17"), "document:3"), "subject.no_grant");
}

#[test]
fn of12_user_and_agent_are_asked_about_in_one_batch() {
    let policy = World::new().policy();
    let item = |user: &str| CheckItem {
        user: user.to_owned(),
        relation: "can_read".to_owned(),
        object: "document:2".to_owned(),
    };
    // Each answer stands in its question's place.
    let answers = policy
        .view()
        .batch_check(&[item("user:anne"), item("agent:coordinator")]);
    assert_eq!(answers, [Ok(true), Ok(false)]);
}
