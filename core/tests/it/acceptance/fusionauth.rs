//! FusionAuth's entities: types, grants, and the tokens they are given.

use deputize::Policy;
use deputize::Request;
use deputize::entity::{CredentialsRequest, Refusal};
use deputize::request::Setting;
use deputize::time::UnixSeconds;
use serde_json::{Value, json};

use crate::call_graph::{call_graph, code};
use crate::forge::{Key, NOW, claims, ed};

/// FusionAuth's SCIM endpoints take exactly these.
const SCIM: [&str; 15] = [
    "scim:enterprise:user:create",
    "scim:enterprise:user:delete",
    "scim:enterprise:user:read",
    "scim:enterprise:user:update",
    "scim:group:create",
    "scim:group:delete",
    "scim:group:read",
    "scim:group:update",
    "scim:resource-types:read",
    "scim:schemas:read",
    "scim:service-provider-config:read",
    "scim:user:create",
    "scim:user:delete",
    "scim:user:read",
    "scim:user:update",
];

/// Two customers of an e-mail service, and a coordinator that anne starts.
fn services() -> Value {
    let entity = |id: &str| {
        json!({"id": id, "type": {"id": "service"}, "tenantId": "acme", "clientSecret": "hush",
            "data": {"createdBy": "anne", "agentType": "COORDINATOR", "systemPrompt": "be kind"}})
    };
    json!({
        "deputize": 1,
        "entity_types": [{"id": "service", "permissions": [
            {"name": "SendEmail"}, {"name": "invoke"}, {"name": "List", "isDefault": true},
            {"name": "Read", "isDefault": true}, {"name": "urn:hero:schools:read"}]},
            {"id": "bare", "permissions": [{"name": "run"}]}],
        "entities": [entity("email"), entity("customer1"), entity("customer2"), entity("coordinator"),
            {"id": "bare", "type": {"id": "bare"}, "tenantId": "acme"}],
        "entity_grants": [
            {"entity": {"id": "email"}, "recipientEntityId": "customer1", "permissions": ["SendEmail"]},
            {"entity": {"id": "coordinator"}, "userId": "anne", "permissions": ["invoke"]},
            {"entity": {"id": "email"}, "userId": "anne", "permissions": ["urn:hero:schools:read"]},
            {"entity": {"id": "email"}, "userId": "bob"},
            {"entity": {"id": "bare"}, "userId": "bob"},
        ],
        "principals": [{"id": "user:anne", "tenants": ["acme"]}, {"id": "user:bob", "tenants": ["acme"]}],
        "scope_aliases": {"urn:hero:schools:read": "target-entity:<id>:urn:hero:schools:read"},
    })
}

fn policy(snapshot: &Value) -> Policy {
    Policy::from_json(snapshot.to_string().as_bytes()).unwrap_or_else(|e| panic!("{e}"))
}

/// The claims of a token of the client credentials grant.
fn issue(snapshot: &Value, request: CredentialsRequest<'_>) -> Result<Value, Refusal> {
    let given = policy(snapshot).client_credentials(&request, UnixSeconds(NOW))?;
    Ok(Value::Object(given.to_claims()))
}

fn asks<'a>(principal: &'a str, scope: &'a str) -> CredentialsRequest<'a> {
    CredentialsRequest {
        principal,
        scope: Some(scope),
        ..CredentialsRequest::default()
    }
}

fn may(snapshot: &Value, who: &str, action: &str, on: &str) -> bool {
    let policy = policy(snapshot);
    policy.view().with_tenant("acme").may(who, action, on) == Ok(true)
}

fn entity_token(key: &Key, from: &str, to: &str, tenant: &str) -> String {
    let mut own = claims();
    own["sub"] = json!(from);
    own["aud"] = json!(to);
    own["tid"] = json!(tenant);
    own["permissions"] = json!({to: ["execute"]});
    key.token(&own)
}

#[test]
fn fa1_customer_one_gets_send_email() {
    let claims = issue(
        &services(),
        asks("entity:customer1", "target-entity:email:SendEmail"),
    );
    let claims = claims.unwrap();
    assert_eq!(claims["permissions"], json!({"email": ["SendEmail"]}));
    assert_eq!(claims["aud"], "email");
    assert_eq!(claims["sub"], "customer1");
}

#[test]
fn fa2_customer_two_gets_an_error_and_no_claims() {
    let refused = issue(
        &services(),
        asks("entity:customer2", "target-entity:email:SendEmail"),
    );
    assert_eq!(refused.unwrap_err().oauth_error(), "invalid_scope");
}

#[test]
fn fa3_the_call_graph_has_exactly_its_edges() {
    let key = ed();
    let snapshot = call_graph(&key);
    let mut allowed = Vec::new();
    for from in ["A", "B", "C"] {
        for to in ["A", "B", "C"].into_iter().filter(|to| *to != from) {
            let token = entity_token(&key, from, to, "acme");
            let on = format!("entity:{to}");
            match code(&snapshot, &token, to, "execute", &on) {
                "allowed" => allowed.push((from, to)),
                other => assert_eq!(other, "subject.no_grant"),
            }
        }
    }
    assert_eq!(allowed, [("A", "B"), ("B", "C")]);
}

#[test]
fn fa4_the_callee_looks_at_audience_permission_and_tenant() {
    let key = ed();
    let snapshot = call_graph(&key);
    let token = entity_token(&key, "A", "B", "acme");
    assert_eq!(
        code(&snapshot, &token, "B", "execute", "entity:B"),
        "allowed"
    );
    assert_eq!(
        code(&snapshot, &token, "C", "execute", "entity:B"),
        "audience.mismatch"
    );
    assert_eq!(
        code(&snapshot, &token, "B", "read", "entity:B"),
        "scope.insufficient"
    );
    let other = entity_token(&key, "A", "B", "other");
    assert_eq!(
        code(&snapshot, &other, "B", "execute", "entity:B"),
        "tenant.mismatch"
    );
    let mut expired = claims();
    expired["exp"] = json!(NOW);
    assert_eq!(
        code(&snapshot, &key.token(&expired), "B", "execute", "entity:B"),
        "token.expired"
    );
}

#[test]
fn fa5_a_destroyed_agents_token_counts_no_longer() {
    let key = ed();
    let mut snapshot = call_graph(&key);
    snapshot["entities"].as_array_mut().unwrap().remove(0);
    let token = entity_token(&key, "A", "B", "acme");
    assert_eq!(
        code(&snapshot, &token, "B", "execute", "entity:B"),
        "principal.unknown"
    );
    // Its grant is still there, and gives it nothing; nor does its secret.
    assert_eq!(snapshot["entity_grants"][0]["recipientEntityId"], "A");
    assert!(!may(&snapshot, "entity:A", "execute", "entity:B"));
    let refused = issue(&snapshot, asks("entity:A", "target-entity:B:execute"));
    assert_eq!(refused.unwrap_err().oauth_error(), "invalid_client");
}

#[test]
fn fa6_a_grant_without_permissions_gives_exactly_the_defaults() {
    let snapshot = services();
    for (permission, given) in [
        ("List", true),
        ("Read", true),
        ("SendEmail", false),
        ("invoke", false),
    ] {
        assert_eq!(
            may(&snapshot, "user:bob", permission, "entity:email"),
            given,
            "{permission}"
        );
    }
    // No defaults are none, and not all.
    assert!(!may(&snapshot, "user:bob", "run", "entity:bare"));
}

#[test]
fn fa7_a_user_has_permissions_on_an_entity() {
    let snapshot = services();
    assert!(may(&snapshot, "user:anne", "invoke", "entity:coordinator"));
    assert!(!may(&snapshot, "user:bob", "invoke", "entity:coordinator"));
}

#[test]
fn fa8_a_user_gets_a_token_of_the_same_layout() {
    let snapshot = services();
    let user = issue(
        &snapshot,
        asks("user:anne", "target-entity:coordinator:invoke"),
    );
    let user = user.unwrap();
    let entity = issue(
        &snapshot,
        asks("entity:customer1", "target-entity:email:SendEmail"),
    );
    let names =
        |claims: &Value| -> Vec<String> { claims.as_object().unwrap().keys().cloned().collect() };
    assert_eq!(names(&user), names(&entity.unwrap()));
    assert_eq!(user["sub"], "anne");
    assert_eq!(user["permissions"], json!({"coordinator": ["invoke"]}));
}

#[test]
fn fa9_an_alias_renames_a_scope_and_never_widens() {
    let snapshot = services();
    let email = |scope| CredentialsRequest {
        audience: Some("email"),
        ..asks("user:anne", scope)
    };
    let given = issue(&snapshot, email("urn:hero:schools:read")).unwrap();
    assert_eq!(
        given["permissions"],
        json!({"email": ["urn:hero:schools:read"]})
    );
    let unknown = issue(&snapshot, email("urn:hero:schools:write"));
    assert_eq!(unknown.unwrap_err().code(), "credentials.unknown_scope");
    // What the alias stands for must have been granted like anything else.
    let other = CredentialsRequest {
        audience: Some("email"),
        ..asks("entity:customer1", "urn:hero:schools:read")
    };
    assert!(issue(&snapshot, other).is_err());
    let mut widening = snapshot;
    widening["scope_aliases"] = json!({"integration:get": "integration:*"});
    let error = Policy::from_json(widening.to_string().as_bytes()).unwrap_err();
    assert_eq!(error.pointer, "/scope_aliases/integration:get");
}

#[test]
fn fa10_names_of_permissions_match_exactly() {
    let names = SCIM.map(|name| json!({"name": name}));
    let mut snapshot = services();
    snapshot["entity_types"][0]["permissions"] = json!(names);
    snapshot["entity_grants"] = json!([
        {"entity": {"id": "email"}, "recipientEntityId": "customer1", "permissions": SCIM}]);
    snapshot["scope_aliases"] = json!({});
    for name in SCIM {
        assert!(may(&snapshot, "entity:customer1", name, "entity:email"));
        // Only the first two colons of the scope separate.
        let scope = format!("target-entity:email:{name}");
        let given = issue(&snapshot, asks("entity:customer1", &scope)).unwrap();
        assert_eq!(given["permissions"], json!({"email": [name]}));
    }
    for wrong in ["SCIM:user:read", "scim:user:read ", "scim:user", "scim:*"] {
        assert!(!may(&snapshot, "entity:customer1", wrong, "entity:email"));
        let scope = format!("target-entity:email:{wrong}");
        assert!(issue(&snapshot, asks("entity:customer1", &scope)).is_err());
        let mut granted = snapshot.clone();
        granted["entity_grants"][0]["permissions"] = json!([wrong]);
        assert!(Policy::from_json(granted.to_string().as_bytes()).is_err());
    }
}

#[test]
fn fa11_a_types_lifetime_counts_only_where_it_is_enabled() {
    let lifetime = |settings: Value| {
        let mut snapshot = services();
        snapshot["entity_types"][0]["jwtConfiguration"] = settings;
        let policy = Policy::from_json(snapshot.to_string().as_bytes()).map_err(|e| e.pointer)?;
        let request = asks("entity:customer1", "target-entity:email:SendEmail");
        let given = policy.client_credentials(&request, UnixSeconds(NOW));
        Ok(given.unwrap().lifetime)
    };
    let enabled = json!({"enabled": true, "timeToLiveInSeconds": 300});
    assert_eq!(lifetime(enabled), Ok(Some(300)));
    let disabled = json!({"enabled": false, "timeToLiveInSeconds": 300});
    assert_eq!(lifetime(disabled), Ok(None));
    for wrong in [
        json!({"enabled": true, "timeToLiveInSeconds": 0}),
        json!({"enabled": true}),
    ] {
        let pointer: String = lifetime(wrong).unwrap_err();
        assert!(
            pointer.starts_with("/entity_types/0/jwtConfiguration"),
            "{pointer}"
        );
    }
}

#[test]
fn fa12_a_permission_outside_its_type_is_an_error() {
    let mut snapshot = services();
    snapshot["entity_grants"][0]["permissions"] = json!(["run"]);
    let error = Policy::from_json(snapshot.to_string().as_bytes()).unwrap_err();
    assert!(error.pointer.starts_with("/entity_grants/0/permissions"));
}

#[test]
fn fa13_what_is_noted_of_an_entity_is_in_the_record_and_never_in_claims() {
    let snapshot = services();
    let policy = policy(&snapshot);
    let setting = Setting {
        tenant: Some("acme"),
        ..Setting::default()
    };
    let caller = policy.admit(
        &Request::at(UnixSeconds(NOW))
            .on_behalf_of(&["entity:customer1"])
            .setting(setting),
    );
    let decision = caller
        .unwrap()
        .at(UnixSeconds(NOW))
        .decide("SendEmail", "entity:email");
    assert!(decision.allowed);
    assert_eq!(decision.record.agent_type, "COORDINATOR");
    let claims = issue(
        &snapshot,
        asks("entity:customer1", "target-entity:email:SendEmail"),
    );
    let claims = claims.unwrap().to_string();
    for noted in ["COORDINATOR", "be kind", "createdBy", "hush"] {
        assert!(!claims.contains(noted), "{claims}");
    }
}
