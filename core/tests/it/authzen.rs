//! The OpenID Authorization API 1.0: shapes, semantics, searches and pages.

use std::collections::BTreeSet;

use deputize::Request;
use deputize::authzen::{Evaluations, Lacking, MAX_EVALUATIONS, MAX_REQUEST_BYTES, RequestError};
use deputize::request::Setting;
use deputize::scope::ScopeSet;
use deputize::time::UnixSeconds;
use deputize::{Policy, Tuple};
use serde_json::{Map, Value, json};

const NOW: UnixSeconds = UnixSeconds(1_000);

const MODEL: &str = "\
model
  schema 1.1
type user
type agent
type group
  relations
    define member: [user, group#member]
type folder
  relations
    define reader: [user, group#member]
type document
  relations
    define parent: [folder]
    define blocked: [user]
    define owner: [user]
    define public: [user:*]
    define mine: [user with owned]
    define can_read: ([user, agent, user:*] or owner or reader from parent) but not blocked
    define can_share: owner and can_read
condition owned(resource_owner: string, subject_name: string) {
  resource_owner == subject_name
}
";

fn t(user: &str, relation: &str, object: &str) -> Value {
    json!({"user": user, "relation": relation, "object": object})
}

fn snapshot() -> Value {
    let mut acme = t("user:dora", "can_read", "document:1");
    acme["tenant"] = json!("acme");
    let mut mine = t("user:anne", "mine", "document:1");
    mine["condition"] = json!({"name": "owned"});
    json!({
        "deputize": 1, "model": MODEL, "not_after": 2_000,
        "tuples": [
            t("user:anne", "owner", "document:1"),
            t("user:bob", "member", "group:eng"),
            t("user:carl", "member", "group:eng"),
            t("group:eng#member", "reader", "folder:plans"),
            t("folder:plans", "parent", "document:1"),
            t("folder:plans", "parent", "document:2"),
            t("user:carl", "blocked", "document:1"),
            t("user:*", "public", "document:3"),
            t("user:*", "can_read", "document:3"),
            t("user:bob", "blocked", "document:3"),
            t("user:off", "can_read", "document:1"),
            t("user:late", "can_read", "document:1"),
            t("agent:bot", "can_read", "document:1"),
            acme, mine,
        ],
        "principals": [
            {"id": "user:dora", "tenants": ["acme"]},
            {"id": "user:erin"},
            {"id": "user:off", "disabled": true},
            {"id": "user:late", "not_after": 999},
        ],
        "resources": [{"id": "document:1"}],
        "entity_types": [{"id": "t", "name": "Mail", "permissions": [
            {"name": "send", "isDefault": false}, {"name": "read", "isDefault": true}]}],
        "entities": [{"id": "mail", "name": "Mail", "type": {"id": "t"}, "tenantId": "acme"},
                     {"id": "robot", "name": "Robot", "type": {"id": "t"}, "tenantId": "acme"},
                     {"id": "acme-mail", "name": "Mail", "type": {"id": "t"}, "tenantId": "acme"}],
        "entity_grants": [
            {"entity": {"id": "mail"}, "userId": "dora", "permissions": ["send"]},
            {"entity": {"id": "acme-mail"}, "recipientEntityId": "robot"}],
        "access": [{"principal": "user:anne", "action": "*", "resource": "/account/"}],
        "scopes": {"docs": [{"action": "can_read", "resource": "document:*"}]},
    })
}

fn policy() -> Policy {
    let policy = Policy::from_json(snapshot().to_string().as_bytes()).unwrap();
    assert!(policy.warnings().is_empty(), "{:?}", policy.warnings());
    policy
}

fn ask(subject: &str, action: &str, resource: &str) -> Value {
    let part = |text: &str| {
        let (kind, id) = text.split_once(':').unwrap();
        json!({"type": kind, "id": id})
    };
    json!({"subject": part(subject), "action": {"name": action}, "resource": part(resource)})
}

fn text(request: &Value) -> Vec<u8> {
    request.to_string().into_bytes()
}

/// `allowed`, or the reason.
fn decide(policy: &Policy, request: &Value, setting: &Setting<'_>) -> String {
    let answer = policy.evaluate(&text(request), NOW, setting).unwrap();
    let value = serde_json::to_value(&answer).unwrap();
    if answer.decision {
        assert_eq!(value, json!({"decision": true}));
        return "allowed".to_owned();
    }
    assert_eq!(value["decision"], json!(false));
    assert!(!value["context"]["message"].as_str().unwrap().is_empty());
    value["context"]["reason"].as_str().unwrap().to_owned()
}

fn asked(subject: &str, action: &str, resource: &str) -> String {
    decide(
        &policy(),
        &ask(subject, action, resource),
        &Setting::default(),
    )
}

#[test]
fn an_evaluation_is_a_decision_of_a_party_vouched_for() {
    for (subject, action, resource, reason) in [
        ("user:anne", "can_read", "document:1", "allowed"),
        ("user:bob", "can_read", "document:1", "allowed"),
        ("user:carl", "can_read", "document:1", "subject.no_grant"),
        ("user:nobody", "can_read", "document:1", "subject.no_grant"),
        ("user:nobody", "can_read", "document:3", "allowed"),
        ("user:dora", "send", "entity:mail", "allowed"),
        ("user:dora", "read", "entity:mail", "subject.no_grant"),
        ("entity:robot", "read", "entity:acme-mail", "allowed"),
        ("user:anne", "read", "entity:acme-mail", "tenant.mismatch"),
        ("user:dora", "can_read", "document:1", "allowed"),
        ("user:off", "can_read", "document:1", "principal.disabled"),
        ("user:late", "can_read", "document:1", "principal.expired"),
        ("entity:gone", "read", "entity:mail", "principal.unknown"),
        ("user:*", "can_read", "document:3", "principal.malformed"),
        ("user:a#b", "can_read", "document:3", "principal.malformed"),
        ("user:a:b", "can_read", "document:3", "principal.malformed"),
        ("user:anne", "can_read", "document:*", "resource.malformed"),
        (
            "user:anne",
            "can_read",
            "document:a b",
            "resource.malformed",
        ),
        ("user:anne", "", "document:1", "action.empty"),
        (
            "user:anne",
            "can_fly",
            "document:1",
            "request.unknown_relation",
        ),
        ("user:anne", "can_read", "planet:1", "request.unknown_type"),
        (
            "user:anne",
            "mine",
            "document:1",
            "condition.missing_context",
        ),
    ] {
        let found = asked(subject, action, resource);
        assert_eq!(found, reason, "{subject} {action} {resource}");
    }
    let stale = policy().evaluate(
        &text(&ask("user:anne", "can_read", "document:1")),
        UnixSeconds(2_001),
        &Setting::default(),
    );
    assert_eq!(stale.unwrap().context.unwrap().reason, "snapshot.stale");
}

/// No type and id come together as a path, or as another type and id.
#[test]
fn a_type_cannot_reach_into_the_id_nor_into_paths() {
    let policy = policy();
    let caller = policy
        .admit(&Request::at(NOW).on_behalf_of(&["user:anne"]))
        .unwrap();
    assert!(caller.at(NOW).can("get", "/account/:1"));
    for (kind, id) in [
        ("/account/", "1"),
        ("/account", "1"),
        ("", "/account/"),
        ("a", "/account/"),
    ] {
        let mut request = ask("user:anne", "get", "document:1");
        request["resource"] = json!({"type": kind, "id": id});
        let reason = decide(&policy, &request, &Setting::default());
        let refused = ["resource.malformed", "request.unknown_type"];
        assert!(refused.contains(&&*reason), "{kind} {id}: {reason}");
    }
    for (kind, id) in [
        ("user:anne", ""),
        ("", "user:anne"),
        ("use", "r:anne"),
        ("user:", "anne"),
    ] {
        let mut request = ask("user:anne", "can_read", "document:1");
        request["subject"] = json!({"type": kind, "id": id});
        let reason = decide(&policy, &request, &Setting::default());
        assert_eq!(reason, "principal.malformed", "{kind} {id}");
    }
}

#[test]
fn properties_and_context_are_values_for_conditions() {
    let policy = policy();
    let mut request = ask("user:anne", "mine", "document:1");
    request["subject"]["properties"] = json!({"name": "anne"});
    let none = Setting::default();
    assert_eq!(
        decide(&policy, &request, &none),
        "condition.missing_context"
    );
    request["context"] = json!({"resource_owner": "anne", "more": 1});
    assert_eq!(decide(&policy, &request, &none), "allowed");
    // The request's context goes over its properties, both over the host's
    // values, and what the host fixed over all.
    request["resource"]["properties"] = json!({"owner": "bob"});
    assert_eq!(decide(&policy, &request, &none), "allowed");
    request["context"] = json!({});
    assert_eq!(decide(&policy, &request, &none), "subject.no_grant");
    let mut host = Map::new();
    host.insert("resource_owner".to_owned(), json!("anne"));
    let setting = Setting {
        context: Some(&host),
        ..Setting::default()
    };
    assert_eq!(decide(&policy, &request, &setting), "subject.no_grant");
    let setting = Setting {
        fixed_context: Some(&host),
        ..Setting::default()
    };
    assert_eq!(decide(&policy, &request, &setting), "allowed");
    request["subject"]["properties"]["name"] = json!(["anne"]);
    assert_eq!(decide(&policy, &request, &setting), "condition.ill_typed");
}

#[test]
fn nothing_in_a_request_gives_rights() {
    let policy = policy();
    let tuple = t("user:mallory", "owner", "document:1");
    let mut request = ask("user:mallory", "can_read", "document:1");
    for place in [
        "",
        "/context",
        "/subject/properties",
        "/resource/properties",
        "/action/properties",
    ] {
        for name in [
            "tuples",
            "contextual_tuples",
            "tenant",
            "scopes",
            "owner",
            "roles",
            "actor",
        ] {
            let mut parts = json!({});
            parts[name] = json!([tuple]);
            let (parent, own) = place.rsplit_once('/').unwrap_or(("", ""));
            let target = request.pointer_mut(parent).unwrap();
            match own {
                "" => target[name] = json!([tuple]),
                _ => target[own] = parts,
            }
            let reason = decide(&policy, &request, &Setting::default());
            assert_eq!(reason, "subject.no_grant", "{place} {name}");
        }
    }
    // A tenant is the host's to name.
    let mut request = ask("user:nobody", "can_read", "document:1");
    request["context"] = json!({"tenant": "acme"});
    assert_eq!(
        decide(&policy, &request, &Setting::default()),
        "subject.no_grant"
    );
}

#[test]
fn a_setting_is_the_hosts() {
    let policy = policy();
    let tuples = [Tuple::new("user:nobody", "owner", "document:1")];
    let given = Setting {
        tuples: &tuples,
        ..Setting::default()
    };
    let request = ask("user:nobody", "can_read", "document:1");
    assert_eq!(decide(&policy, &request, &given), "allowed");
    let claims = json!({"scope": "docs"});
    let scopes = ScopeSet::from_claims(claims.as_object().unwrap())
        .unwrap()
        .unwrap();
    let narrowed = Setting {
        scopes: Some(&scopes),
        ..Setting::default()
    };
    assert_eq!(
        decide(
            &policy,
            &ask("user:anne", "can_read", "document:1"),
            &narrowed
        ),
        "allowed"
    );
    assert_eq!(
        decide(&policy, &ask("user:anne", "owner", "document:1"), &narrowed),
        "scope.insufficient"
    );
    let elsewhere = Setting {
        tenant: Some("globex"),
        ..Setting::default()
    };
    assert_eq!(
        decide(
            &policy,
            &ask("user:dora", "can_read", "document:1"),
            &elsewhere
        ),
        "tenant.mismatch"
    );
}

fn many(request: &Value) -> Result<Vec<String>, RequestError> {
    let policy = policy();
    Ok(
        match policy.evaluations(&text(request), NOW, &Setting::default())? {
            Evaluations::One(one) => vec![format!("one {}", one.decision)],
            Evaluations::Many { evaluations } => evaluations
                .iter()
                .map(|e| {
                    e.context
                        .as_ref()
                        .map_or("allowed".to_owned(), |why| why.reason.to_owned())
                })
                .collect(),
        },
    )
}

#[test]
fn each_semantic_stops_where_it_says() {
    let document = |id: &str| json!({"resource": {"type": "document", "id": id}});
    let mut request = ask("user:carl", "can_read", "document:9");
    request["evaluations"] = json!([document("2"), document("1"), document("3"), document("1")]);
    let all = ["allowed", "subject.no_grant", "allowed", "subject.no_grant"];
    assert_eq!(many(&request).unwrap(), all);
    for (semantic, first, count) in [
        ("execute_all", 0, 4),
        ("deny_on_first_deny", 0, 2),
        ("permit_on_first_permit", 0, 1),
        ("deny_on_first_deny", 1, 1),
        ("permit_on_first_permit", 1, 2),
    ] {
        let mut request = request.clone();
        let items = request["evaluations"].as_array_mut().unwrap();
        items.drain(..first);
        request["options"] = json!({"evaluations_semantic": semantic, "another": [1]});
        let expected = all.iter().skip(first).take(count.min(4 - first));
        assert_eq!(
            many(&request).unwrap(),
            expected.copied().collect::<Vec<_>>(),
            "{semantic}"
        );
    }
    // None that stops: all are answered.
    request["evaluations"] = json!([document("2"), document("3")]);
    request["options"] = json!({"evaluations_semantic": "deny_on_first_deny"});
    assert_eq!(many(&request).unwrap(), ["allowed", "allowed"]);
}

/// An item that is no evaluation is a denial of its own, and stops a list like
/// any other.
#[test]
fn an_item_that_is_no_evaluation_is_denied_and_the_others_are_answered() {
    let good = json!({"resource": {"type": "document", "id": "2"}});
    let broken = [
        (json!({}), "authzen.missing", "/evaluations/1"),
        (json!(1), "authzen.shape", "/evaluations/1"),
        (json!(null), "authzen.shape", "/evaluations/1"),
        (json!([]), "authzen.shape", "/evaluations/1"),
        (
            json!({"resource": {"type": "document"}}),
            "authzen.missing",
            "/evaluations/1/resource",
        ),
        (
            json!({"resource": {"id": "2"}}),
            "authzen.missing",
            "/evaluations/1/resource",
        ),
        (
            json!({"resource": null}),
            "authzen.shape",
            "/evaluations/1/resource",
        ),
        (
            json!({"resource": {"type": null, "id": "2"}}),
            "authzen.shape",
            "/evaluations/1/resource/type",
        ),
        (
            json!({"resource": good["resource"], "action": {}}),
            "authzen.missing",
            "/evaluations/1/action",
        ),
        (
            json!({"resource": good["resource"], "subject": "user:carl"}),
            "authzen.shape",
            "/evaluations/1/subject",
        ),
        (
            json!({"resource": good["resource"], "context": 1}),
            "authzen.shape",
            "/evaluations/1/context",
        ),
    ];
    for (item, code, pointer) in broken {
        let mut request = ask("user:carl", "can_read", "-:-");
        request.as_object_mut().unwrap().remove("resource");
        request["evaluations"] = json!([good, item, good]);
        assert_eq!(many(&request).unwrap(), ["allowed", code, "allowed"]);
        let answer = policy().evaluations(&text(&request), NOW, &Setting::default());
        let Evaluations::Many { evaluations } = answer.unwrap() else {
            panic!("a list was asked");
        };
        assert!(!evaluations[1].decision);
        let why = evaluations[1].context.as_ref().unwrap();
        assert!(why.message.starts_with(&format!("{pointer}: ")), "{why:?}");
        for (semantic, expected) in [
            ("deny_on_first_deny", vec!["allowed", code]),
            ("permit_on_first_permit", vec!["allowed"]),
        ] {
            request["options"] = json!({"evaluations_semantic": semantic});
            assert_eq!(many(&request).unwrap(), expected, "{semantic}");
        }
        request["evaluations"] = json!([item, good, item]);
        assert_eq!(many(&request).unwrap(), [code, "allowed"]);
    }
    // A default that is none is an error of each that would take it.
    let mut request = ask("user:carl", "can_read", "document:2");
    request["subject"] = json!("user:carl");
    request["evaluations"] = json!([{}, {"subject": {"type": "user", "id": "carl"}}]);
    let answers = many(&request).unwrap();
    assert_eq!(answers, ["authzen.shape", "allowed"]);
}

/// The certification scenario completes a type by the default's. An id is
/// never completed: what lost its own must not be answered for another.
#[test]
fn a_type_is_completed_by_the_default_and_an_id_is_not() {
    let mut request = ask("user:carl", "can_read", "document:2");
    request["evaluations"] = json!([
        {"resource": {"id": "2"}},
        {"resource": {"id": "1"}},
        {"resource": {"type": "document"}},
        {"subject": {"id": "carl"}},
        {"subject": {"type": "user"}},
    ]);
    let missing = "authzen.missing";
    let expected = ["allowed", "subject.no_grant", missing, "allowed", missing];
    assert_eq!(many(&request).unwrap(), expected);
    // The type alone is a default too.
    request["resource"] = json!({"type": "document"});
    request["evaluations"] = json!([{"resource": {"id": "2"}}, {}]);
    assert_eq!(many(&request).unwrap(), ["allowed", missing]);
}

#[test]
fn answers_have_the_apis_shapes() {
    let policy = policy();
    let none = Setting::default();
    let mut request = ask("user:anne", "owner", "document:1");
    request["evaluations"] = json!([{}, {"resource": {"type": "document", "id": "2"}}]);
    let many = policy.evaluations(&text(&request), NOW, &none).unwrap();
    assert_eq!(
        serde_json::to_string(&many).unwrap(),
        r#"{"evaluations":[{"decision":true},{"decision":false,"context":{"reason":"subject.no_grant","message":"`user:anne` itself may not do `owner` on `document:2`"}}]}"#
    );
    request["evaluations"] = json!([]);
    let one = policy.evaluations(&text(&request), NOW, &none).unwrap();
    assert_eq!(serde_json::to_string(&one).unwrap(), r#"{"decision":true}"#);
    request["subject"] = json!({"type": "user"});
    let found = policy.search_subjects(&text(&request), NOW, &none).unwrap();
    assert_eq!(
        serde_json::to_string(&found).unwrap(),
        r#"{"page":{"next_token":"","count":1,"total":1},"results":[{"type":"user","id":"anne"}]}"#
    );
    request["subject"]["id"] = json!("anne");
    request["context"] = json!({"resource_owner": "", "subject_name": ""});
    let found = policy.search_actions(&text(&request), NOW, &none).unwrap();
    assert_eq!(
        serde_json::to_string(&found.results).unwrap(),
        r#"[{"name":"can_read"},{"name":"can_share"},{"name":"mine"},{"name":"owner"}]"#
    );
}

#[test]
fn defaults_are_taken_whole_where_an_item_says_nothing() {
    let mut request = ask("user:anne", "mine", "document:1");
    request["context"] = json!({"resource_owner": "anne", "subject_name": "anne"});
    request["subject"]["properties"] = json!({"name": "anne"});
    request["evaluations"] = json!([
        {},
        {"subject": {"type": "user", "id": "anne"}},
        {"context": {"resource_owner": "anne"}},
        {"subject": {"type": "user", "id": "anne"}, "context": {"resource_owner": "anne"}},
        {"context": {}},
        {"action": {"name": "can_read"}, "resource": {"type": "document", "id": "2"}},
        {"subject": {"type": "user", "id": "bob"}, "action": {"name": "can_read"}},
    ]);
    assert_eq!(
        many(&request).unwrap(),
        [
            "allowed",
            "allowed",
            "allowed",
            "condition.missing_context",
            "condition.missing_context",
            "subject.no_grant",
            "allowed"
        ]
    );
    // No list, or an empty one: a single request.
    request["evaluations"] = json!([]);
    assert_eq!(many(&request).unwrap(), ["one true"]);
    request.as_object_mut().unwrap().remove("evaluations");
    assert_eq!(many(&request).unwrap(), ["one true"]);
    request.as_object_mut().unwrap().remove("action");
    assert_eq!(many(&request).unwrap_err().code(), "authzen.missing");
}

type Asking = fn(&Policy, &[u8]) -> Option<RequestError>;

const WAYS: [(&str, Asking); 5] = [
    ("evaluation", |p, r| {
        p.evaluate(r, NOW, &Setting::default()).err()
    }),
    ("evaluations", |p, r| {
        p.evaluations(r, NOW, &Setting::default()).err()
    }),
    ("subject", |p, r| {
        p.search_subjects(r, NOW, &Setting::default()).err()
    }),
    ("resource", |p, r| {
        p.search_resources(r, NOW, &Setting::default()).err()
    }),
    ("action", |p, r| {
        p.search_actions(r, NOW, &Setting::default()).err()
    }),
];

#[test]
fn a_body_that_is_no_request_is_an_error_everywhere() {
    let policy = policy();
    let good = ask("user:anne", "can_read", "document:1");
    for (_, way) in WAYS {
        assert_eq!(way(&policy, &text(&good)), None);
        for body in [
            "",
            "[]",
            "null",
            "{",
            "{} {}",
            r#"{"subject":{},"subject":{}}"#,
            "\"x\"",
        ] {
            assert_eq!(
                way(&policy, body.as_bytes()).unwrap().code(),
                "authzen.json",
                "{body}"
            );
        }
        let deep = format!(
            "{{\"context\":{}{}}}",
            "[".repeat(100_000),
            "]".repeat(100_000)
        );
        assert_eq!(
            way(&policy, deep.as_bytes()).unwrap().code(),
            "authzen.json"
        );
        let large = vec![b' '; MAX_REQUEST_BYTES + 1];
        assert_eq!(way(&policy, &large).unwrap().code(), "authzen.too_large");
    }
    for (pointer, value, at, code, spared) in [
        ("/subject", None, "", "authzen.missing", ""),
        ("/resource", None, "", "authzen.missing", ""),
        ("/action", None, "", "authzen.missing", "action"),
        (
            "/subject",
            Some(json!("user:anne")),
            "/subject",
            "authzen.shape",
            "",
        ),
        (
            "/subject",
            Some(json!(null)),
            "/subject",
            "authzen.shape",
            "",
        ),
        ("/subject/type", None, "/subject", "authzen.missing", ""),
        (
            "/subject/id",
            None,
            "/subject",
            "authzen.missing",
            "subject",
        ),
        (
            "/subject/id",
            Some(json!(7)),
            "/subject/id",
            "authzen.shape",
            "subject",
        ),
        (
            "/resource/type",
            Some(json!([])),
            "/resource/type",
            "authzen.shape",
            "",
        ),
        (
            "/resource/id",
            None,
            "/resource",
            "authzen.missing",
            "resource",
        ),
        ("/action/name", None, "/action", "authzen.missing", "action"),
        (
            "/action/name",
            Some(json!(true)),
            "/action/name",
            "authzen.shape",
            "action",
        ),
        (
            "/action/properties",
            Some(json!([])),
            "/action/properties",
            "authzen.shape",
            "action",
        ),
        (
            "/subject/properties",
            Some(json!(1)),
            "/subject/properties",
            "authzen.shape",
            "",
        ),
        ("/context", Some(json!([])), "/context", "authzen.shape", ""),
        (
            "/context",
            Some(json!(null)),
            "/context",
            "authzen.shape",
            "",
        ),
    ] {
        let mut request = good.clone();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        let parent = request
            .pointer_mut(parent)
            .unwrap()
            .as_object_mut()
            .unwrap();
        match value {
            Some(value) => parent.insert(name.to_owned(), value),
            None => parent.remove(name),
        };
        for (way, asking) in WAYS {
            let error = asking(&policy, &text(&request));
            if way == spared {
                assert_eq!(error, None, "{way} {pointer}");
                continue;
            }
            let error = error.unwrap_or_else(|| panic!("{way} {pointer}"));
            assert_eq!(
                (error.code(), &*error.pointer),
                (code, at),
                "{way} {pointer}"
            );
            assert!(!error.to_string().is_empty());
        }
    }
    for (member, value, at, code) in [
        ("evaluations", json!({}), "/evaluations", "authzen.shape"),
        ("evaluations", json!(null), "/evaluations", "authzen.shape"),
        (
            "evaluations",
            json!(vec![json!({}); MAX_EVALUATIONS + 1]),
            "/evaluations",
            "authzen.too_many",
        ),
        ("options", json!([]), "/options", "authzen.shape"),
        (
            "options",
            json!({"evaluations_semantic": 1}),
            "/options/evaluations_semantic",
            "authzen.shape",
        ),
        (
            "options",
            json!({"evaluations_semantic": "all"}),
            "/options/evaluations_semantic",
            "authzen.semantic",
        ),
    ] {
        let mut request = good.clone();
        request[member] = value;
        let error = many(&request).unwrap_err();
        assert_eq!((error.code(), &*error.pointer), (code, at));
    }
    let mut request = json!({"evaluations": [ask("user:anne", "can_read", "document:1"), {}]});
    assert_eq!(many(&request).unwrap(), ["allowed", "authzen.missing"]);
    request["evaluations"].as_array_mut().unwrap().pop();
    assert_eq!(many(&request).unwrap(), ["allowed"]);
}

/// Every search as `(results, reason)`.
fn search(
    policy: &Policy,
    what: &str,
    request: &Value,
    setting: &Setting<'_>,
) -> (Vec<String>, Value) {
    let request = text(request);
    let found = match what {
        "subject" => serde_json::to_value(policy.search_subjects(&request, NOW, setting).unwrap()),
        "resource" => {
            serde_json::to_value(policy.search_resources(&request, NOW, setting).unwrap())
        }
        _ => serde_json::to_value(policy.search_actions(&request, NOW, setting).unwrap()),
    };
    let found = found.unwrap();
    let results: Vec<String> = found["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(
            |result| match (&result["type"], &result["id"], &result["name"]) {
                (Value::String(kind), Value::String(id), Value::Null) => format!("{kind}:{id}"),
                (Value::Null, Value::Null, Value::String(name)) => name.clone(),
                _ => panic!("{result}"),
            },
        )
        .collect();
    assert_eq!(
        found["page"],
        json!({"next_token": "", "count": results.len(), "total": results.len()})
    );
    (results, found["context"]["reason"].clone())
}

fn found(what: &str, subject: &str, action: &str, resource: &str) -> Vec<String> {
    let request = ask(subject, action, resource);
    let (results, reason) = search(&policy(), what, &request, &Setting::default());
    assert_eq!(reason, Value::Null);
    results
}

#[test]
fn searches_find_what_evaluations_allow() {
    assert_eq!(
        found("subject", "user:-", "can_read", "document:1"),
        ["user:anne", "user:bob", "user:dora"]
    );
    assert_eq!(
        found("subject", "agent:-", "can_read", "document:1"),
        ["agent:bot"]
    );
    // Everybody who has a name here, but for those who may not.
    assert_eq!(
        found("subject", "user:-", "can_read", "document:3"),
        ["user:anne", "user:carl", "user:dora", "user:erin"]
    );
    assert_eq!(
        found("subject", "user:-", "send", "entity:mail"),
        ["user:dora"]
    );
    assert_eq!(
        found("subject", "entity:-", "read", "entity:acme-mail"),
        ["entity:robot"]
    );
    assert_eq!(
        found("resource", "user:carl", "can_read", "document:-"),
        ["document:2", "document:3"]
    );
    assert_eq!(
        found("resource", "user:dora", "can_read", "document:-"),
        ["document:1", "document:3"]
    );
    assert_eq!(
        found("resource", "user:dora", "send", "entity:-"),
        ["entity:mail"]
    );
    assert_eq!(found("action", "user:bob", "-", "document:1"), ["can_read"]);
    assert_eq!(found("action", "user:dora", "-", "entity:mail"), ["send"]);
    assert_eq!(
        found("action", "entity:robot", "-", "entity:acme-mail"),
        ["read"]
    );
}

/// Against asking one by one, about every name that there is.
#[test]
fn searches_agree_with_evaluations() {
    let policy = policy();
    let setting = Setting::default();
    let users =
        ["anne", "bob", "carl", "dora", "erin", "off", "late"].map(|id| format!("user:{id}"));
    let documents = ["document:1", "document:2", "document:3", "document:none"];
    let actions = [
        "blocked",
        "can_read",
        "can_share",
        "mine",
        "owner",
        "parent",
        "public",
    ];
    let context = json!({"resource_owner": "x", "subject_name": "x"});
    let with = |mut request: Value| {
        request["context"] = context.clone();
        request
    };
    let may = |user: &str, action: &str, document: &str| {
        decide(&policy, &with(ask(user, action, document)), &setting) == "allowed"
    };
    let mut found = 0;
    for document in documents {
        for action in actions {
            let request = with(ask("user:-", action, document));
            let (results, _) = search(&policy, "subject", &request, &setting);
            let expected: Vec<&String> =
                users.iter().filter(|u| may(u, action, document)).collect();
            assert_eq!(
                results.iter().collect::<Vec<_>>(),
                expected,
                "{action} {document}"
            );
            found += results.len();
        }
        for user in &users {
            let (results, _) = search(&policy, "action", &with(ask(user, "-", document)), &setting);
            let expected: Vec<&str> = actions
                .into_iter()
                .filter(|a| may(user, a, document))
                .collect();
            assert_eq!(results, expected, "{user} {document}");
        }
    }
    for user in &users {
        for action in actions {
            let (results, _) = search(
                &policy,
                "resource",
                &with(ask(user, action, "document:-")),
                &setting,
            );
            let expected: Vec<&str> = documents
                .into_iter()
                .filter(|d| may(user, action, d))
                .collect();
            assert_eq!(results, expected, "{user} {action}");
        }
    }
    assert!(found > 10, "{found}");
}

/// An action whose condition could not be told is left out; the answer says so,
/// on every page.
#[test]
fn a_search_for_actions_leaves_out_what_could_not_be_told() {
    let policy = policy();
    let none = Setting::default();
    let found = |request: &Value| {
        let found = policy.search_actions(&text(request), NOW, &none).unwrap();
        let found = serde_json::to_value(&found).unwrap();
        let names = found["results"].as_array().unwrap().iter();
        let names: Vec<String> = names
            .map(|r| r["name"].as_str().unwrap().to_owned())
            .collect();
        (names, found["context"].clone(), found["page"].clone())
    };
    let untold = |reason: &str, message: &str| json!({"untold": [{"name": "mine", "reason": reason, "message": message}]});
    let mut request = ask("user:anne", "-", "document:1");
    let lacks = untold(
        "condition.missing_context",
        "condition `owned`: the context lacks `resource_owner`, `subject_name`",
    );
    let (names, context, _) = found(&request);
    assert_eq!(names, ["can_read", "can_share", "owner"]);
    assert_eq!(context, lacks);
    request["page"] = json!({"limit": 2});
    let (names, context, page) = found(&request);
    assert_eq!(names, ["can_read", "can_share"]);
    assert_eq!(context, lacks);
    request["page"] = json!({"token": page["next_token"]});
    let (names, context, _) = found(&request);
    assert_eq!(names, ["owner"]);
    assert_eq!(context, lacks);
    request.as_object_mut().unwrap().remove("page");
    request["context"] = json!({"resource_owner": 1, "subject_name": []});
    let (names, context, _) = found(&request);
    assert_eq!(names, ["can_read", "can_share", "owner"]);
    assert_eq!(context["untold"][0]["reason"], "condition.ill_typed");
    request["context"] = json!({"resource_owner": "anne", "subject_name": "anne"});
    let (names, context, _) = found(&request);
    assert_eq!(names, ["can_read", "can_share", "mine", "owner"]);
    assert_eq!(context, Value::Null);
    // Who holds nothing there is told no more than that.
    let (names, context, _) = found(&ask("user:erin", "-", "document:1"));
    assert!(names.is_empty());
    assert_eq!(context, Value::Null);
}

fn with_actions(actions: Value) -> Result<Policy, deputize::SnapshotError> {
    let mut snapshot = snapshot();
    snapshot["actions"] = actions;
    Policy::from_json(&text(&snapshot))
}

/// A snapshot says which relations are actions; evaluations do not ask it.
#[test]
fn a_search_for_actions_names_the_snapshots_actions() {
    let mut request = ask("user:anne", "-", "document:1");
    request["context"] = json!({"resource_owner": "anne", "subject_name": "anne"});
    let none = Setting::default();
    for (relations, expected) in [
        (json!(["can_*"]), vec!["can_read", "can_share"]),
        (json!(["can_read"]), vec!["can_read"]),
        (json!(["owner", "can_s*"]), vec!["can_share", "owner"]),
        (json!(["*"]), vec!["can_read", "can_share", "mine", "owner"]),
        (json!([]), vec![]),
        (json!(["blocked"]), vec![]),
    ] {
        let policy = with_actions(json!([{"type": "document", "relations": relations}])).unwrap();
        let compiled = Policy::from_compiled(&policy.to_compiled()).unwrap();
        for policy in [&policy, &compiled] {
            let (results, reason) = search(policy, "action", &request, &none);
            assert_eq!(
                (results, reason),
                (
                    expected.iter().map(ToString::to_string).collect(),
                    Value::Null
                )
            );
        }
        let owner = ask("user:anne", "owner", "document:1");
        assert!(policy.evaluate(&text(&owner), NOW, &none).unwrap().decision);
    }
    // What is not an action is not asked, so that nothing is left untold of it.
    let policy = with_actions(json!([{"type": "document", "relations": ["can_read"]}])).unwrap();
    request["context"] = json!({});
    let (results, reason) = search(&policy, "action", &request, &none);
    assert_eq!(
        (results, reason),
        (vec!["can_read".to_owned()], Value::Null)
    );
    // Of a type that is not listed, all relations are.
    let policy = with_actions(json!([{"type": "folder", "relations": []}])).unwrap();
    let (results, _) = search(&policy, "action", &request, &none);
    assert_eq!(results, ["can_read", "can_share", "owner"]);
    for (actions, pointer) in [
        (
            json!([{"type": "planet", "relations": []}]),
            "/actions/0/type",
        ),
        (
            json!([{"type": "document", "relations": ["can_raed"]}]),
            "/actions/0/relations/0",
        ),
        (
            json!([{"type": "document", "relations": ["owner", "do_*"]}]),
            "/actions/0/relations/1",
        ),
        (
            json!([{"type": "document", "relations": [""]}]),
            "/actions/0/relations/0",
        ),
        (
            json!([{"type": "document", "relations": ["can_*d"]}]),
            "/actions/0/relations/0",
        ),
        (
            json!([{"type": "folder", "relations": []}, {"type": "folder", "relations": []}]),
            "/actions/1/type",
        ),
        (json!([{"type": "folder", "names": []}]), "/actions/0/names"),
    ] {
        let error = with_actions(actions.clone()).unwrap_err();
        assert_eq!(error.pointer, pointer, "{actions}");
    }
}

#[test]
fn a_search_that_cannot_be_complete_finds_nothing_and_says_why() {
    let policy = policy();
    let none = Setting::default();
    for (what, subject, action, resource, reason) in [
        (
            "subject",
            "user:-",
            "mine",
            "document:1",
            "condition.missing_context",
        ),
        (
            "resource",
            "user:anne",
            "mine",
            "document:-",
            "condition.missing_context",
        ),
        (
            "resource",
            "user:off",
            "can_read",
            "document:-",
            "principal.disabled",
        ),
        (
            "action",
            "user:off",
            "-",
            "document:1",
            "principal.disabled",
        ),
        (
            "subject",
            "user:-",
            "can_fly",
            "document:1",
            "request.unknown_relation",
        ),
        (
            "subject",
            "planet:-",
            "can_read",
            "document:1",
            "request.unknown_type",
        ),
        (
            "subject",
            "user:-",
            "can_read",
            "document:*",
            "resource.malformed",
        ),
        (
            "resource",
            "user:anne",
            "can_read",
            "planet:-",
            "request.unknown_type",
        ),
        (
            "resource",
            "user:anne",
            "get",
            "/account/:-",
            "resource.malformed",
        ),
        (
            "action",
            "user:anne",
            "-",
            "planet:1",
            "request.unknown_type",
        ),
        (
            "action",
            "user:anne",
            "-",
            "document:#",
            "resource.malformed",
        ),
    ] {
        let (results, found) = search(&policy, what, &ask(subject, action, resource), &none);
        assert!(results.is_empty());
        assert_eq!(found, reason, "{what} {subject} {action} {resource}");
    }
    let request = text(&ask("user:-", "can_read", "document:9"));
    let stale = policy
        .search_subjects(&request, UnixSeconds(2_001), &none)
        .unwrap();
    let Some(Lacking::All(why)) = stale.context else {
        panic!("{stale:?}");
    };
    assert_eq!(why.reason, "snapshot.stale");
}

#[test]
fn a_search_is_within_the_setting() {
    let policy = policy();
    let tuples = [
        Tuple::new("user:zoe", "can_read", "document:1"),
        Tuple::new("user:yuri", "owner", "document:9"),
    ];
    let request = ask("user:-", "can_read", "document:1");
    let given = Setting {
        tuples: &tuples,
        ..Setting::default()
    };
    let (results, _) = search(&policy, "subject", &request, &given);
    assert_eq!(results, ["user:anne", "user:bob", "user:dora", "user:zoe"]);
    let (results, _) = search(
        &policy,
        "subject",
        &ask("user:-", "can_read", "document:3"),
        &given,
    );
    assert_eq!(
        results,
        [
            "user:anne",
            "user:carl",
            "user:dora",
            "user:erin",
            "user:yuri",
            "user:zoe"
        ]
    );
    let acme = Setting {
        tenant: Some("acme"),
        ..Setting::default()
    };
    let (results, _) = search(&policy, "subject", &request, &acme);
    assert_eq!(results, ["user:anne", "user:bob", "user:dora"]);
    let globex = Setting {
        tenant: Some("globex"),
        ..Setting::default()
    };
    let (results, _) = search(&policy, "subject", &request, &globex);
    assert_eq!(results, ["user:anne", "user:bob"]);
    let claims = json!({"scope": "nothing"});
    let scopes = ScopeSet::from_claims(claims.as_object().unwrap())
        .unwrap()
        .unwrap();
    let narrowed = Setting {
        scopes: Some(&scopes),
        ..Setting::default()
    };
    for what in ["subject", "resource"] {
        let (results, reason) = search(
            &policy,
            what,
            &ask("user:anne", "can_read", "document:1"),
            &narrowed,
        );
        assert_eq!((results, reason), (Vec::new(), Value::Null));
    }
}

fn page(request: &Value) -> Result<Value, RequestError> {
    let found = policy().search_subjects(&text(request), NOW, &Setting::default());
    found.map(|found| serde_json::to_value(found).unwrap())
}

#[test]
fn pages_are_the_whole_list_cut_up() {
    let mut request = ask("user:-", "can_read", "document:3");
    let all = page(&request).unwrap()["results"]
        .as_array()
        .unwrap()
        .clone();
    assert_eq!(all.len(), 4);
    for limit in 1..=5 {
        let mut seen = Vec::new();
        request["page"] = json!({"limit": limit});
        loop {
            let answer = page(&request).unwrap();
            let results = answer["results"].as_array().unwrap();
            assert_eq!(answer["page"]["total"], 4);
            assert_eq!(answer["page"]["count"], results.len());
            assert!(results.len() <= limit);
            seen.extend(results.clone());
            let token = answer["page"]["next_token"].as_str().unwrap();
            if token.is_empty() {
                break;
            }
            // The limit may be said again, and need not be.
            request["page"] = match seen.len() % 2 {
                0 => json!({"token": token}),
                _ => json!({"token": token, "limit": limit}),
            };
        }
        assert_eq!(seen, all, "{limit}");
    }
    request["page"] = json!({"limit": 0});
    let answer = page(&request).unwrap();
    assert_eq!(answer["results"], json!([]));
    assert_ne!(answer["page"]["next_token"], "");
    // The order of members does not make another request.
    request["page"] = json!({"limit": 1});
    let token = page(&request).unwrap()["page"]["next_token"].clone();
    let body = format!(
        r#"{{"page":{{"token":{token}}},"resource":{{"id":"3","type":"document"}},"action":{{"name":"can_read"}},"subject":{{"id":"-","type":"user"}}}}"#
    );
    let found = policy()
        .search_subjects(body.as_bytes(), NOW, &Setting::default())
        .unwrap();
    assert_eq!(found.results.len(), 1);
    assert_eq!(found.results[0].id, "carl");
}

#[test]
fn a_token_belongs_to_one_request() {
    let mut request = ask("user:-", "can_read", "document:3");
    request["page"] = json!({"limit": 2});
    let token = page(&request).unwrap()["page"]["next_token"].clone();
    request["page"] = json!({"token": token});
    let answer = page(&request).unwrap();
    assert_eq!(answer["page"]["count"], 2);
    let mut codes = BTreeSet::new();
    for (pointer, value) in [
        ("/page/limit", json!(3)),
        ("/page/token", json!("x")),
        ("/page/token", json!("e30")),
        (
            "/page/token",
            json!(format!("{}A", token.as_str().unwrap())),
        ),
        ("/resource/id", json!("1")),
        ("/action/name", json!("public")),
        ("/subject/type", json!("agent")),
        ("/context", json!({"hour": 3})),
        ("/subject/properties", json!({"a": 1})),
    ] {
        let mut request = request.clone();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        request.pointer_mut(parent).unwrap()[name] = value;
        let error = page(&request).unwrap_err();
        assert_eq!(error.pointer, "/page/token", "{pointer}");
        codes.insert(error.code());
    }
    assert_eq!(codes, BTreeSet::from(["authzen.page_token"]));
    // Nor to another search.
    let other = policy().search_resources(&text(&request), NOW, &Setting::default());
    assert_eq!(other.unwrap_err().code(), "authzen.page_token");
    for (name, value) in [
        ("limit", json!(-1)),
        ("limit", json!(1.5)),
        ("limit", json!("2")),
        ("token", json!(1)),
        ("properties", json!([])),
    ] {
        let mut request = ask("user:-", "can_read", "document:3");
        request["page"] = json!({name: value});
        assert_eq!(page(&request).unwrap_err().code(), "authzen.shape");
    }
    request["page"] = json!([]);
    assert_eq!(page(&request).unwrap_err().code(), "authzen.shape");
}

/// No body makes anything but an error, a decision or a list.
#[test]
fn odd_bodies_have_an_answer() {
    let policy = policy();
    let whole = ask("user:anne", "can_read", "document:1").to_string();
    for end in 0..whole.len() {
        for (_, way) in WAYS {
            assert!(way(&policy, whole.get(..end).unwrap().as_bytes()).is_some());
        }
    }
    for odd in [
        "\u{0}",
        "é",
        "😀",
        " ",
        "a\nb",
        &"x".repeat(300),
        "#",
        "@",
        "*",
    ] {
        for pointer in [
            "/subject/type",
            "/subject/id",
            "/action/name",
            "/resource/type",
            "/resource/id",
        ] {
            let mut request = ask("user:anne", "can_read", "document:1");
            *request.pointer_mut(pointer).unwrap() = json!(odd);
            let answer = policy
                .evaluate(&text(&request), NOW, &Setting::default())
                .unwrap();
            assert!(!answer.decision, "{pointer} {odd:?}");
            for (_, way) in WAYS {
                assert_eq!(way(&policy, &text(&request)), None);
            }
        }
    }
}
