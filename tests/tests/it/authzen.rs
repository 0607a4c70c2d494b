//! AuthZEN's interoperability scenarios: the todo application and the API
//! gateway in front of it. The requests and decisions are the working group's;
//! the model and the tuples say here what its prose says of roles and users.

use deputize::Policy;
use deputize::authzen::Evaluations;
use deputize::request::Setting;
use deputize::time::UnixSeconds;
use deputize_tests::conformance;
use serde_json::{Value, json};

const NOW: UnixSeconds = UnixSeconds(1_763_719_200);

/// Each user: the id of its subject, its e-mail address and its roles.
const USERS: [(&str, &str, &[&str]); 5] = [
    (
        "CiRmZDA2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs",
        "rick@the-citadel.com",
        &["admin", "evil_genius"],
    ),
    (
        "CiRmZDE2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs",
        "morty@the-citadel.com",
        &["editor"],
    ),
    (
        "CiRmZDI2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs",
        "summer@the-smiths.com",
        &["editor"],
    ),
    (
        "CiRmZDM2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs",
        "beth@the-smiths.com",
        &["viewer"],
    ),
    (
        "CiRmZDQ2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs",
        "jerry@the-smiths.com",
        &["viewer"],
    ),
];

/// Who may do what by role. Everyone is the author of what bears its own
/// address; only an editor's authorship counts.
const TODO: &str = "\
model
  schema 1.1
type user
  relations
    define can_read_user: [user:*]
type app
  relations
    define admin: [user]
    define evil_genius: [user]
    define editor: [user] or admin or evil_genius
    define viewer: [user] or editor
    define author: [user with owns]
    define editing_author: author and editor
type todo
  relations
    define app: [app]
    define can_read_todos: viewer from app
    define can_create_todo: editor from app
    define can_update_todo: evil_genius from app or editing_author from app
    define can_delete_todo: admin from app or editing_author from app
condition owns(resource_ownerID: string, email: string) {
  resource_ownerID == email
}
";

const GATEWAY: &str = "\
model
  schema 1.1
type identity
type app
  relations
    define editor: [identity]
    define viewer: [identity] or editor
type route
  relations
    define app: [app]
    define GET: viewer from app
    define POST: editor from app
    define PUT: editor from app
    define DELETE: editor from app
";

fn tuple(user: &str, relation: &str, object: &str) -> Value {
    json!({"user": user, "relation": relation, "object": object})
}

fn policy(model: &str, tuples: &[Value]) -> Policy {
    let snapshot = json!({"deputize": 1, "model": model, "tuples": tuples});
    let policy = Policy::from_json(snapshot.to_string().as_bytes()).unwrap();
    assert!(policy.warnings().is_empty(), "{:?}", policy.warnings());
    policy
}

fn todo() -> Policy {
    let mut tuples = Vec::new();
    for (id, email, roles) in USERS {
        let user = format!("user:{id}");
        tuples.extend(roles.iter().map(|role| tuple(&user, role, "app:todo")));
        tuples.push(
            json!({"user": user, "relation": "author", "object": "app:todo",
            "condition": {"name": "owns", "context": {"email": email}}}),
        );
        tuples.push(tuple("user:*", "can_read_user", &format!("user:{email}")));
    }
    let todos = (1..=5).map(|n| format!("7240d0db-8ff0-41ec-98b2-34a096273b9{n}"));
    for id in todos.chain(["todo-1".to_owned()]) {
        tuples.push(tuple("app:todo", "app", &format!("todo:{id}")));
    }
    policy(TODO, &tuples)
}

fn gateway() -> Policy {
    let mut tuples = Vec::new();
    for (id, _, roles) in USERS {
        let role = match roles {
            ["viewer"] => "viewer",
            _ => "editor",
        };
        tuples.push(tuple(&format!("identity:{id}"), role, "app:todo"));
    }
    for route in ["/users/{userId}", "/todos", "/todos/{todoId}"] {
        tuples.push(tuple("app:todo", "app", &format!("route:{route}")));
    }
    policy(GATEWAY, &tuples)
}

/// Runs a file's single evaluations, each also as evaluations without a list.
fn singles(policy: &Policy, cases: &Value) -> usize {
    let cases = cases["evaluation"].as_array().unwrap();
    for case in cases {
        let request = case["request"].to_string();
        let answer = policy.evaluate(request.as_bytes(), NOW, &Setting::default());
        let answer = answer.unwrap_or_else(|e| panic!("{e}: {request}"));
        assert_eq!(json!(answer.decision), case["expected"], "{case:#}");
        // A denial is one of the policy, not a question that went wrong.
        let reason = answer.context.as_ref().map(|why| why.reason);
        assert!(
            matches!(reason, None | Some("subject.no_grant")),
            "{case:#}"
        );
        let again = policy.evaluations(request.as_bytes(), NOW, &Setting::default());
        assert_eq!(again, Ok(Evaluations::One(answer)));
    }
    cases.len()
}

fn batches(policy: &Policy, cases: &Value) -> usize {
    let cases = cases["evaluations"].as_array().unwrap();
    for case in cases {
        let request = case["request"].to_string();
        let answer = policy.evaluations(request.as_bytes(), NOW, &Setting::default());
        let Ok(Evaluations::Many { evaluations }) = answer else {
            panic!("{answer:?}: {request}");
        };
        let decisions = evaluations.iter().map(|e| json!({"decision": e.decision}));
        assert_eq!(
            Value::Array(decisions.collect()),
            case["expected"],
            "{case:#}"
        );
    }
    cases.len()
}

fn cases(folder: &str, file: &str) -> Option<Value> {
    let path = conformance::folder(&format!("authzen/{folder}"))?.join(file);
    Some(serde_json::from_str(&conformance::read(&path)).unwrap())
}

#[test]
fn the_todo_scenario() {
    let Some(cases) = cases("todo", "decisions-authorization-api-1_0-02.json") else {
        return;
    };
    let policy = todo();
    assert_eq!(singles(&policy, &cases), 40);
    assert_eq!(batches(&policy, &cases), 3);
}

#[test]
fn the_gateway_scenario() {
    let Some(cases) = cases("api-gateway", "decisions.json") else {
        return;
    };
    assert_eq!(singles(&gateway(), &cases), 25);
}

/// What the certification scenario asks of a policy. A role and a status are
/// the request's to say, or stored with a tuple.
const RECORDS: &str = "\
model
  schema 1.1
type user
type record
  relations
    define read: [user]
    define write: [user, user with open, user with archivist]
    define delete: [user with soft]
condition open(resource_status: string) {
  resource_status != \"archived\"
}
condition archivist(resource_status: string, subject_role: string) {
  resource_status == \"archived\" && subject_role == \"admin\"
}
condition soft(action_soft: bool) {
  action_soft
}
";

fn records() -> Policy {
    let given = |user: &str, relation: &str, object: &str, name: &str, context: Value| {
        let mut tuple = tuple(user, relation, object);
        tuple["condition"] = json!({"name": name, "context": context});
        tuple
    };
    let (alice, bob) = ("user:alice", "user:bob");
    let (first, second) = ("record:record-1", "record:record-2");
    policy(
        RECORDS,
        &[
            tuple(alice, "read", first),
            tuple(bob, "read", first),
            tuple(alice, "write", first),
            given(alice, "write", second, "open", json!({})),
            given(
                bob,
                "write",
                second,
                "archivist",
                json!({"resource_status": "archived", "subject_role": "admin"}),
            ),
            given(alice, "delete", first, "soft", json!({})),
        ],
    )
}

/// Every decision of the scenario, singly, in one batch, and with a batch's
/// items that are none between them; every search.
#[test]
fn the_certification_scenario_holds_at_every_level() {
    let Some(scenario) = cases("", "certification.json") else {
        return;
    };
    let (policy, none) = (records(), Setting::default());
    let decisions = scenario["decisions"].as_array().unwrap();
    assert_eq!(decisions.len(), 8);
    let mut items = Vec::new();
    for case in decisions {
        // Members that nobody knows (`rule`, `level`) are passed over.
        let answer = policy.evaluate(case.to_string().as_bytes(), NOW, &none);
        assert_eq!(json!(answer.unwrap().decision), case["decision"], "{case}");
        items.extend([case.clone(), json!({})]);
    }
    let batch = json!({"evaluations": items}).to_string();
    let Ok(Evaluations::Many { evaluations }) = policy.evaluations(batch.as_bytes(), NOW, &none)
    else {
        panic!("the others are answered");
    };
    let answers = evaluations.chunks_exact(2).map(|two| {
        assert!(!two[1].decision);
        json!(two[0].decision)
    });
    let expected = decisions.iter().map(|case| case["decision"].clone());
    assert!(answers.eq(expected), "{evaluations:?}");

    let searches = scenario["searches"].as_array().unwrap();
    assert_eq!(searches.len(), 6);
    for case in searches {
        let (request, none) = (case.to_string().into_bytes(), Setting::default());
        let found = match case["kind"].as_str().unwrap() {
            "subject" => json!(policy.search_subjects(&request, NOW, &none).unwrap()),
            "resource" => json!(policy.search_resources(&request, NOW, &none).unwrap()),
            _ => json!(policy.search_actions(&request, NOW, &none).unwrap()),
        };
        let results = found["results"].as_array().unwrap();
        for wanted in case["includes"].as_array().unwrap() {
            let named = |r: &Value| r["id"] == *wanted || r["name"] == *wanted;
            assert!(results.iter().any(named), "{case}: {found}");
        }
    }
}
