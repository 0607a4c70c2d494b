//! What a context holds stands in no message, no explanation and no form of an
//! error: it may be a secret, and messages go to logs and to other people.

use deputize::request::Setting;
use deputize::{Policy, QueryError, Request, Tuple, TupleCondition, UnixSeconds};
use serde_json::{Map, Value, json};

const NOW: UnixSeconds = UnixSeconds(1_000);

/// What no text may hold. The number stands for itself in any notation.
const MARKS: [&str; 4] = ["s3cr3t", "98765432", "9.8765432", "9876543"];

/// A parameter's type, and a value that is not of it.
fn ill_typed() -> Vec<(&'static str, Value)> {
    let text = json!("s3cr3t");
    let mut cases: Vec<(&str, Value)> = [
        "bool",
        "int",
        "uint",
        "double",
        "duration",
        "timestamp",
        "ipaddress",
        "list<int>",
        "map<int>",
    ]
    .map(|ty| (ty, text.clone()))
    .into();
    cases.extend([
        ("string", json!(98_765_432)),
        ("string", json!(["s3cr3t"])),
        ("string", json!({"s3cr3t": "s3cr3t"})),
        ("bool", json!(98_765_432)),
        ("int", json!(98_765_432.5)),
        ("int", json!("98765432.5")),
        ("uint", json!(-98_765_432)),
        ("double", json!("98765432.1")),
        ("timestamp", json!("2025-13-31T12:00:00Z s3cr3t")),
        ("list<int>", json!(["s3cr3t"])),
        ("map<int>", json!({"s3cr3t": "s3cr3t"})),
        ("map<timestamp>", json!({"s3cr3t": "s3cr3t"})),
    ]);
    cases
}

/// Parameters, an expression that fails, and the values that it fails for.
fn failing() -> Vec<(&'static str, &'static str, Value)> {
    let text = |expression: &'static str| ("x: string", expression, json!({"x": "s3cr3t"}));
    vec![
        text("int(x) == 1"),
        text("uint(x) == 1u"),
        text("double(x) == 1.0"),
        text("bool(x)"),
        text("duration(x) == duration('1h')"),
        text("timestamp(x) == timestamp('2025-01-31T12:00:00Z')"),
        text("ipaddress(x) == ipaddress('192.0.2.1')"),
        text("ipaddress('192.0.2.1').in_cidr(x)"),
        text("timestamp('2025-01-31T12:00:00Z').getHours(x) == 1"),
        text("'a'.matches('(' + x)"),
        (
            "x: string, m: map<int>",
            "m[x] == 1",
            json!({"x": "s3cr3t", "m": {"s3cr3t ": 1}}),
        ),
        ("x: int", "[1][x] == 1", json!({"x": 98_765_432})),
        ("x: double", "int(x * 1e30) == 1", json!({"x": 9.876_543_2})),
        ("x: int", "uint(x) == 1u", json!({"x": -98_765_432})),
        ("x: int", "x * 1000000000000 == 1", json!({"x": 98_765_432})),
        (
            "x: map<string>",
            "x.field == 'a'",
            json!({"x": {"s3cr3t": "s3cr3t"}}),
        ),
    ]
}

fn snapshot(parameters: &str, expression: &str, stored: &Value) -> Vec<u8> {
    let model = format!(
        "model\n  schema 1.1\ntype user\ntype document\n  relations\n    define viewer: [user with c]\n    \
         define blocked: [user with c]\n    define reader: [user] but not blocked\n\
         condition c({parameters}) {{\n  {expression}\n}}\n"
    );
    let guarded = |relation: &str| {
        json!({"user": "user:anne", "relation": relation, "object": "document:1",
        "condition": {"name": "c", "context": stored}})
    };
    json!({"deputize": 1, "model": model, "tuples": [guarded("viewer"), guarded("blocked"),
        {"user": "user:anne", "relation": "reader", "object": "document:1"}]})
    .to_string()
    .into_bytes()
}

#[track_caller]
fn clean(what: &str, shown: &str) {
    for mark in MARKS {
        assert!(!shown.contains(mark), "{what} shows `{mark}`: {shown}");
    }
}

#[track_caller]
fn clean_error(what: &str, error: &QueryError) {
    clean(what, &format!("{error} {error:?} {error:#?}"));
}

/// Asks in every way, with the values given by the request, and then by a
/// contextual tuple. Gives the reason's code.
#[track_caller]
fn asked(policy: &Policy, values: &Map<String, Value>) -> &'static str {
    let mut codes = Vec::new();
    for relation in ["viewer", "reader"] {
        let view = policy.view().with_context(values);
        let error = view.check("user:anne", relation, "document:1").unwrap_err();
        clean_error("a check", &error);
        codes.push(error.code());
        let explanation = view.explain("user:anne", relation, "document:1").unwrap();
        clean(
            "an explanation",
            &format!("{explanation:?} {}", json!(explanation)),
        );
        clean_error(
            "a list",
            &view
                .list_objects("user:anne", relation, "document")
                .unwrap_err(),
        );
        clean_error(
            "a list",
            &view.list_users("document:1", relation, "user").unwrap_err(),
        );
        let filtered = view.filter("user:anne", relation, ["document:1"]);
        clean("a filter", &format!("{filtered:?}"));

        let chain = ["user:anne"];
        let request = Request::at(NOW).on_behalf_of(&chain).context(values);
        let decision = policy.decide(&request, relation, "document:1");
        assert!(!decision.allowed);
        codes.push(decision.reason.code());
        clean(
            "a decision",
            &format!("{} {}", decision.message, json!(decision.branches)),
        );
        let caller = policy.admit(&request).unwrap();
        let denial = caller.at(NOW).check(relation, "document:1").unwrap_err();
        clean("a denial", &format!("{denial} {denial:?}"));
        let listed = caller.at(NOW).list(relation, "document").unwrap_err();
        clean("a denial", &format!("{listed} {listed:?}"));

        let body = json!({"subject": {"type": "user", "id": "anne"}, "action": {"name": relation},
            "resource": {"type": "document", "id": "1"}, "context": values})
        .to_string();
        let setting = Setting::default();
        let one = policy.evaluate(body.as_bytes(), NOW, &setting).unwrap();
        clean("an evaluation", &json!(one).to_string());
        let body = body.as_bytes();
        for found in [
            json!(policy.search_subjects(body, NOW, &setting).unwrap()),
            json!(policy.search_resources(body, NOW, &setting).unwrap()),
            json!(policy.search_actions(body, NOW, &setting).unwrap()),
        ] {
            clean("a search", &found.to_string());
        }
    }
    codes.dedup();
    assert_eq!(codes.len(), 1, "{codes:?}");
    codes[0]
}

fn contextual(values: &Map<String, Value>) -> Tuple {
    Tuple {
        condition: Some(TupleCondition {
            name: "c".to_owned(),
            context: values.clone(),
        }),
        ..Tuple::new("user:anne", "viewer", "document:2")
    }
}

#[test]
fn values_of_another_type_are_not_shown() {
    for (ty, value) in ill_typed() {
        let parameters = format!("x: {ty}");
        let values = json!({ "x": value });
        let given = values.as_object().unwrap();
        let policy = Policy::from_json(&snapshot(&parameters, "x == x", &json!({}))).unwrap();
        assert_eq!(asked(&policy, given), "condition.ill_typed", "{ty} {value}");
        // By a contextual tuple, and stored.
        let error = policy.view().with_tuples(&[contextual(given)]).unwrap_err();
        clean_error("a contextual tuple", &error);
        let error = Policy::from_json(&snapshot(&parameters, "x == x", &values)).unwrap_err();
        clean("a snapshot's error", &format!("{error} {error:?}"));
        // It says which parameter must be what.
        let said = error.to_string();
        assert!(said.contains("`x` must be "), "{said}");
    }
}

#[test]
fn values_for_which_an_expression_fails_are_not_shown() {
    for (parameters, expression, values) in failing() {
        let given = values.as_object().unwrap();
        let policy = Policy::from_json(&snapshot(parameters, expression, &json!({}))).unwrap();
        let code = asked(&policy, given);
        assert!(
            code == "condition.evaluation" || code == "condition.not_bool",
            "{expression}: {code}"
        );
        // Stored: the same, with nothing from the request.
        let policy = Policy::from_json(&snapshot(parameters, expression, &values)).unwrap();
        assert_eq!(asked(&policy, &Map::new()), code, "{expression}");
        // By a contextual tuple.
        let tuples = [contextual(given)];
        let view = policy.view().with_tuples(&tuples).unwrap();
        let error = view.check("user:anne", "viewer", "document:2").unwrap_err();
        clean_error("a check", &error);
    }
}

/// A context that is none, and names that a context brings.
#[test]
fn misplaced_values_are_not_shown() {
    for context in [
        json!("s3cr3t"),
        json!(98_765_432),
        json!(["s3cr3t"]),
        json!(true),
    ] {
        let error = Policy::from_json(&snapshot("x: int", "x == 1", &context)).unwrap_err();
        assert_eq!(error.pointer, "/tuples/0/condition/context");
        clean("a snapshot's error", &format!("{error} {error:?}"));
        let tuple = json!({"user": "user:anne", "relation": "viewer", "object": "document:1",
            "condition": {"name": "c", "context": context}})
        .to_string();
        let error = serde_json::from_str::<Tuple>(&tuple).unwrap_err();
        clean("a tuple's error", &error.to_string());
        let tuple =
            json!({"user": context, "relation": "viewer", "object": "document:1"}).to_string();
        if let Err(error) = serde_json::from_str::<Tuple>(&tuple) {
            clean("what is said of it", &deputize::json::said(&error));
        }
        let text = json!({"deputize": 1, "issued_at": context}).to_string();
        if let Err(error) = Policy::from_json(text.as_bytes()) {
            clean("a snapshot's error", &format!("{error} {error:?}"));
        }
    }
}
