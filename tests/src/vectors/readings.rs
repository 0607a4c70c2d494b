//! Readings: claims by pointer, people and agents of one issuer, what a token
//! must say.

use serde_json::{Value, json};

use super::keys::token;
use super::snapshots::ISSUER;
use super::tokens::{reads, with};
use super::{Case, case};

/// How the tokens of one issuer are understood, in the bank's snapshot.
pub(super) fn issuer(mut entry: Value) -> Value {
    let members = entry.as_object_mut().unwrap();
    for member in [
        "subject",
        "actor",
        "chain",
        "scopes",
        "task_claim",
        "claims",
    ] {
        members.remove(member);
    }
    assert_eq!(members["issuer"], ISSUER);
    members.insert("audiences".to_owned(), json!([]));
    members.insert(
        "audience_by".to_owned(),
        json!({"claim": "client_id", "one_of": ["web", "coordinator", "scheduler"]}),
    );
    members.insert(
        "require".to_owned(),
        json!([{"claim": "token_use", "equals": "access"}]),
    );
    let groups = json!([{"claim": "/realm/groups", "encode": "percent", "absent": "empty",
        "tuple": {"user": "{subject}", "relation": "member", "object": "group:{value}"}}]);
    members.insert(
        "readings".to_owned(),
        json!([
            {"name": "people", "when": [{"claim": "kind", "equals": "person"}],
             "subject": "user:{/id/login}", "encode": "percent", "scope_claims": ["/id/rights", "scope"],
             "claims": groups},
            {"name": "agents", "when": [{"claim": "kind", "equals": "agent"}],
             "subject": "user:{/id/login}", "actor": "agent:{sub}", "encode": "percent",
             "chain": "client", "client_claim": "client_id", "scopes": "ignore"},
            {"name": "guests", "when": [{"claim": "guest", "equals": true}],
             "subject": "user:{sub}", "encode": "percent", "scopes": "ignore"},
        ]),
    );
    entry
}

pub(super) fn cases() -> Vec<Case> {
    let own = |members: Value| {
        let mut claims = with(json!({
            "aud": null, "sub": "pairwise", "kind": "person", "client_id": "web", "token_use": "access",
            "id": {"login": "anne", "rights": ["document:read"]},
        }));
        for (name, value) in members.as_object().unwrap() {
            if value.is_null() {
                claims.as_object_mut().unwrap().remove(name);
            } else {
                claims[name] = value.clone();
            }
        }
        reads(&token("test-ed", &claims))
    };
    let asked = |code: &'static str, name: &'static str, members: Value| {
        case("decide", "readings", code, name, own(members))
    };
    let mut through = own(json!({"kind": "agent", "client_id": "coordinator"}));
    through["resource"] = json!("document:2");
    vec![
        asked("allowed", "a person, by a pointer", json!({})),
        asked(
            "allowed",
            "a client that acts",
            json!({"kind": "agent", "client_id": "coordinator"}),
        ),
        case(
            "decide",
            "readings",
            "actor.no_grant",
            "what the client itself may not",
            through,
        ),
        asked(
            "chain.hop_not_permitted",
            "a client that nobody started",
            json!({"kind": "agent", "client_id": "scheduler"}),
        ),
        asked(
            "chain.client_missing",
            "no client, where it acts",
            json!({"kind": "agent", "client_id": null, "aud": []}),
        ),
        asked(
            "scope.insufficient",
            "the first claim of scopes decides",
            json!({"id": {"login": "anne", "rights": []}, "scope": "document:read"}),
        ),
        asked("token.reading", "no reading fits", json!({"kind": "robot"})),
        asked(
            "token.reading_ambiguous",
            "two readings fit",
            json!({"guest": true}),
        ),
        asked(
            "token.claim",
            "a null where readings are told apart",
            json!({"kind": ["person"]}),
        ),
        asked(
            "token.requirement",
            "a token of another use",
            json!({"token_use": "id"}),
        ),
        asked(
            "audience.mismatch",
            "another client, where it stands for the audience",
            json!({"client_id": "games"}),
        ),
        asked(
            "chain.client_mismatch",
            "a client that is not the current actor",
            json!({"iss": "https://act.example", "act": {"sub": "coordinator"}}),
        ),
        asked(
            "identity.unknown",
            "an empty name",
            json!({"id": {"login": "", "rights": ["document:read"]}}),
        ),
    ]
}
