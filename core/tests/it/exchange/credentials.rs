//! Client credentials out of a policy.

use deputize::Policy;
use deputize::entity::{CredentialsRequest, Refusal};
use deputize::time::UnixSeconds;
use serde_json::{Value, json};

use crate::forge::NOW;

fn snapshot() -> Value {
    let entity =
        |id: &str, tenant: &str| json!({"id": id, "type": {"id": "t"}, "tenantId": tenant});
    json!({
        "deputize": 1,
        "entity_types": [{"id": "t", "permissions": [{"name": "execute"}, {"name": "read"}],
            "jwtConfiguration": {"enabled": true, "timeToLiveInSeconds": 120}}],
        "entities": [entity("a", "acme"), entity("b", "acme"), entity("other", "umbrella")],
        "entity_grants": [
            {"entity": {"id": "b"}, "recipientEntityId": "a", "permissions": ["execute"]},
            {"entity": {"id": "b"}, "userId": "anne", "permissions": ["read"]},
            {"entity": {"id": "other"}, "userId": "anne", "permissions": ["read"]},
            // Dangling: to one and on one who are not there.
            {"entity": {"id": "b"}, "recipientEntityId": "gone", "permissions": ["read"]},
            {"entity": {"id": "gone"}, "recipientEntityId": "a", "permissions": ["read"]},
        ],
        "principals": [{"id": "user:anne", "tenants": ["acme"]}, {"id": "user:bob"}],
    })
}

fn ask(snapshot: &Value, principal: &str, scope: &str) -> Result<Value, Refusal> {
    let policy = Policy::from_json(snapshot.to_string().as_bytes()).unwrap();
    let request = CredentialsRequest {
        principal,
        scope: Some(scope),
        ..CredentialsRequest::default()
    };
    let given = policy.client_credentials(&request, UnixSeconds(NOW))?;
    assert_eq!(given.lifetime.is_some(), principal.starts_with("entity:"));
    // The compiled form answers the same.
    let opened = Policy::from_compiled(&policy.to_compiled()).unwrap();
    let again = opened.client_credentials(&request, UnixSeconds(NOW));
    assert_eq!(again.as_ref(), Ok(&given));
    Ok(Value::Object(given.to_claims()))
}

fn refused(snapshot: &Value, principal: &str, scope: &str) -> (&'static str, &'static str) {
    let refusal = ask(snapshot, principal, scope).unwrap_err();
    assert!(!refusal.to_string().is_empty());
    (refusal.code(), refusal.oauth_error())
}

#[test]
fn a_grant_becomes_claims() {
    let snapshot = snapshot();
    assert_eq!(
        ask(&snapshot, "entity:a", "target-entity:b:execute").unwrap(),
        json!({"sub": "a", "tid": "acme", "aud": "b", "scope": "target-entity:b:execute",
            "permissions": {"b": ["execute"]}})
    );
    // A user's tenant is the snapshot's, and what lies in another is not there.
    let claims = ask(&snapshot, "user:anne", "target-entity:b").unwrap();
    assert_eq!(
        (&claims["tid"], &claims["sub"]),
        (&json!("acme"), &json!("anne"))
    );
    let elsewhere = refused(&snapshot, "user:anne", "target-entity:other");
    assert_eq!(elsewhere, ("credentials.unknown_target", "invalid_target"));
    let other = CredentialsRequest {
        principal: "user:anne",
        tenant: Some("umbrella"),
        ..CredentialsRequest::default()
    };
    let policy = Policy::from_json(snapshot.to_string().as_bytes()).unwrap();
    let refusal = policy
        .client_credentials(&other, UnixSeconds(NOW))
        .unwrap_err();
    assert_eq!(refusal.oauth_error(), "unauthorized_client");
}

#[test]
fn what_is_not_granted_is_refused() {
    let snapshot = snapshot();
    for (principal, scope, expected) in [
        (
            "entity:a",
            "target-entity:b:read",
            ("credentials.not_granted", "invalid_scope"),
        ),
        (
            "entity:b",
            "target-entity:a",
            ("credentials.no_grant", "invalid_scope"),
        ),
        (
            "entity:a",
            "openid",
            ("credentials.unknown_scope", "invalid_scope"),
        ),
        ("entity:a", "a  b", ("scope.grammar", "invalid_scope")),
        // Dangling grants give nothing to anybody.
        (
            "entity:gone",
            "target-entity:b",
            ("credentials.unknown_client", "invalid_client"),
        ),
        (
            "entity:a",
            "target-entity:gone",
            ("credentials.unknown_target", "invalid_target"),
        ),
        (
            "user:nobody",
            "target-entity:b",
            ("credentials.unknown_client", "invalid_client"),
        ),
        // A user that is listed and has no grant.
        (
            "user:bob",
            "target-entity:b",
            ("credentials.no_grant", "invalid_scope"),
        ),
        (
            "agent:x",
            "target-entity:b",
            ("credentials.unknown_client", "invalid_client"),
        ),
        ("b", "", ("credentials.unknown_client", "invalid_client")),
    ] {
        assert_eq!(
            refused(&snapshot, principal, scope),
            expected,
            "{principal} {scope}"
        );
    }
}

#[test]
fn whoever_is_not_in_force_gets_no_token() {
    let scope = "target-entity:b:execute";
    let record = |member: &str, value: Value| {
        let mut snapshot = snapshot();
        snapshot["principals"] = json!([{"id": "entity:a", member: value}]);
        snapshot
    };
    let disabled = record("disabled", json!(true));
    let expected = ("principal.disabled", "invalid_client");
    assert_eq!(refused(&disabled, "entity:a", scope), expected);
    let expired = record("not_after", json!(NOW - 1));
    let expected = ("principal.expired", "invalid_client");
    assert_eq!(refused(&expired, "entity:a", scope), expected);
    assert!(ask(&record("not_after", json!(NOW)), "entity:a", scope).is_ok());
    let mut revoked = snapshot();
    revoked["revoked"] = json!({"principals": {"entity:a": NOW + 1}});
    let expected = ("revoked.principal", "invalid_client");
    assert_eq!(refused(&revoked, "entity:a", scope), expected);
    revoked["revoked"] = json!({"principals": {"entity:a": NOW}});
    assert!(ask(&revoked, "entity:a", scope).is_ok());
    let mut stale = snapshot();
    stale["not_after"] = json!(NOW - 1);
    let expected = ("snapshot.stale", "temporarily_unavailable");
    assert_eq!(refused(&stale, "entity:a", scope), expected);
}
