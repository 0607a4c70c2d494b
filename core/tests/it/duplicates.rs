//! A member that stands twice in one object is an error, wherever it stands:
//! readers differ in which of the two they keep.

use deputize::decision::Record;
use deputize::{Policy, Request, Snapshot, Tuple, UnixSeconds, json};
use serde_json::{Value, json};

/// Each text in which one member of `value` stands twice, with its pointer.
fn doubled(value: &Value) -> Vec<(String, String)> {
    let mut texts = Vec::new();
    loop {
        let mut writer = Writer {
            wanted: texts.len(),
            met: 0,
            pointer: None,
            out: String::new(),
        };
        writer.write(value, "");
        let Some(pointer) = writer.pointer else {
            return texts;
        };
        texts.push((writer.out, pointer));
    }
}

/// Writes a value, one member of it twice.
struct Writer {
    wanted: usize,
    met: usize,
    pointer: Option<String>,
    out: String,
}

impl Writer {
    fn write(&mut self, value: &Value, at: &str) {
        match value {
            Value::Object(members) => {
                self.out.push('{');
                for (i, (name, value)) in members.iter().enumerate() {
                    let below = format!("{at}/{name}");
                    self.out.push_str(if i == 0 { "" } else { "," });
                    self.out.push_str(&json!(name).to_string());
                    self.out.push(':');
                    self.met += 1;
                    let twice = self.met == self.wanted + 1;
                    self.write(value, &below);
                    if twice {
                        self.out.push_str(&format!(",{}:{value}", json!(name)));
                        self.pointer = Some(below);
                    }
                }
                self.out.push('}');
            }
            Value::Array(items) => {
                self.out.push('[');
                for (i, item) in items.iter().enumerate() {
                    self.out.push_str(if i == 0 { "" } else { "," });
                    self.write(item, &format!("{at}/{i}"));
                }
                self.out.push(']');
            }
            plain => self.out.push_str(&plain.to_string()),
        }
    }
}

/// Every section, and in each every member that may hold anything.
fn snapshot() -> Value {
    let this =
        json!({"union": {"child": [{"this": {}}, {"computedUserset": {"relation": "owner"}}]}});
    let users = json!({"directly_related_user_types": [{"type": "user"}, {"type": "user", "condition": "small"}]});
    json!({
        "deputize": 1, "revision": "7", "issued_at": 5, "not_after": 50,
        "model": {
            "schema_version": "1.1",
            "type_definitions": [
                {"type": "user"}, {"type": "agent"},
                {"type": "document",
                 "relations": {"owner": {"this": {}}, "viewer": this},
                 "metadata": {"relations": {"owner": users, "viewer": users}}}],
            "conditions": {"small": {"name": "small", "expression": "size(tags) < limit",
                "parameters": {"tags": {"type_name": "TYPE_NAME_MAP", "generic_types": [{"type_name": "TYPE_NAME_STRING"}]},
                               "limit": {"type_name": "TYPE_NAME_INT"}}}},
        },
        "tuples": [
            {"user": "user:anne", "relation": "owner", "object": "document:1", "tenant": "acme"},
            {"user": "user:bob", "relation": "viewer", "object": "document:1",
             "condition": {"name": "small", "context": {"limit": 3, "tags": {"a": "b"}}}}],
        "entity_types": [{"id": "t", "name": "Mail", "permissions": [{"name": "send", "isDefault": true}],
            "jwtConfiguration": {"enabled": true, "timeToLiveInSeconds": 60, "accessTokenKeyId": "k"}}],
        "entities": [{"id": "mail", "name": "Mail", "type": {"id": "t"}, "tenantId": "acme", "clientId": "m", "data": {"a": {"b": 1}}}],
        "entity_grants": [{"entity": {"id": "mail"}, "userId": "anne", "permissions": ["send"]}],
        "access": [{"principal": "user:anne", "action": "a:*", "resource": "/x/"}],
        "principals": [{"id": "user:anne", "tenants": ["acme"], "identities": [{"issuer": "https://id.example", "subject": "s"}],
            "scopes": [], "disabled": false, "not_after": 50, "attributes": {"a": [{"b": 1}]}}],
        "resources": [{"id": "document:1", "tenant": "acme", "attributes": {"a": {"b": 1}}}],
        "issuers": [{"issuer": "https://id.example", "audiences": ["a"], "audience_required": true, "algorithms": ["HS256"],
            "keys": {"k": {"kty": "oct", "alg": "HS256", "k": "c2l4dGVlbmJ5dGVzb2ZhYXNpeHRlZW5ieXRlc29mYWE"}},
            "typ": ["JWT"], "leeway": 1, "max_lifetime": 60, "subject": "user:{sub}", "actor": "agent:{sub}", "chain": "rfc8693",
            "scopes": "narrow", "tenant_claim": "tid", "task_claim": "task",
            "claims": [{"claim": "roles", "tuple": {"user": "{subject}", "relation": "owner", "object": "document:{value}"},
                "take": "values", "absent": "empty", "values": {"one": "1", "two": "2"}, "unfit": "pass_over"}]}],
        "scopes": {"docs": [{"action": "viewer", "resource": "document:*"}]},
        "scope_aliases": {"documents": "docs"},
        "scope_dialects": [],
        "authorization_details": {"doc": {"resource_type": "document", "actions": {"read": ["viewer"]}, "locations": ["here"]}},
        "revoked": {"tokens": ["x"], "keys": [{"issuer": "https://id.example", "kid": "k"}], "principals": {"user:anne": 1}},
        "delegation": {"hops": [{"from": "user", "to": "agent",
                "any_of": [{"user": "{to}", "relation": "owner", "object": "{from}"}]}],
            "max_depth": 2, "roots": ["user"], "check_hops": "every", "actors": "every", "actor_authority": "grants"},
        "actions": [{"type": "document", "relations": ["viewer"]}],
        "limits": {"steps": 10, "depth": 5, "condition_cost": 50},
    })
}

#[test]
fn a_snapshot_is_refused_wherever_a_member_stands_twice() {
    let whole = snapshot();
    let text = whole.to_string();
    Policy::from_json(text.as_bytes()).unwrap();
    // Nothing is left out: a section that comes new has to come in here too.
    let members = whole.as_object().unwrap().len();
    let written = serde_json::to_value(Snapshot::from_json(text.as_bytes()).unwrap()).unwrap();
    assert!(
        written.as_object().unwrap().len() >= members - 1,
        "{written}"
    );
    let texts = doubled(&whole);
    for (text, pointer) in &texts {
        let error = Policy::from_json(text.as_bytes()).unwrap_err();
        assert_eq!(
            (error.code(), &*error.pointer),
            ("snapshot.duplicate", &**pointer),
            "{error}"
        );
    }
    assert!(texts.len() > 130, "{}", texts.len());
}

/// Records are decided again by what they say, tuples decide at once.
#[test]
fn a_record_and_a_tuple_are_refused_wherever_a_member_stands_twice() {
    let policy = Policy::from_json(snapshot().to_string().as_bytes()).unwrap();
    let tuple = json!({"user": "user:bob", "relation": "viewer", "object": "document:1", "tenant": "acme",
        "condition": {"name": "small", "context": {"limit": 3, "tags": {"a": "b"}}}});
    let tuples: Vec<Tuple> = serde_json::from_value(json!([tuple])).unwrap();
    for (text, _) in doubled(&tuple) {
        assert!(serde_json::from_str::<Tuple>(&text).is_err(), "{text}");
    }
    let values = json!({"limit": 3, "tags": {"a": "b"}});
    let values = values.as_object().unwrap();
    let chain = ["user:anne"];
    let request = Request::at(UnixSeconds(10)).on_behalf_of(&chain);
    let request = request.tuples(&tuples).context(values);
    let request = request.fixed_context(values).tenant("acme");
    let decision = policy.decide(&request, "viewer", "document:1");
    let mut record = serde_json::to_value(&decision.record).unwrap();
    record["context"] = json!({"a": {"b": 1}});
    record["inputs"]["scopes"] = json!({"scope": "docs", "x": {"y": 1}});
    record["inputs"]["host_scopes"] = json!({"scope": "docs", "x": {"y": 1}});
    assert!(serde_json::from_value::<Record>(record.clone()).is_ok());
    let texts = doubled(&record);
    for (text, pointer) in &texts {
        assert!(serde_json::from_str::<Record>(text).is_err(), "{pointer}");
    }
    assert!(texts.len() > 40, "{}", texts.len());
}

#[test]
fn plain_values_are_refused_wherever_a_member_stands_twice() {
    let whole = json!({"a": {"b": [1, {"c": {"d": null}}]}, "e": [[{"f": "g"}]]});
    assert_eq!(json::from_text(&whole.to_string()).unwrap(), whole);
    assert_eq!(json::parse(whole.to_string().as_bytes()).unwrap(), whole);
    let texts = doubled(&whole);
    assert_eq!(texts.len(), 6);
    for (text, _) in texts {
        let error = json::from_text(&text).unwrap_err();
        assert!(error.to_string().contains("occurs twice"), "{error}");
        assert!(json::parse(text.as_bytes()).is_err());
        assert!(json::object_from_text(&text).is_err());
    }
    assert!(json::object_from_text("[]").is_err());
    assert!(json::object_from_text("{} {}").is_err());
}
