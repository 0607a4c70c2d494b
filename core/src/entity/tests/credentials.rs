use super::*;
use crate::scope::{ScopeContext, ScopePolicy, ScopeSections, ScopeSet};

fn issue(snapshot: &Value, principal: &str, scope: &str) -> Result<Value, Refusal> {
    let request = CredentialsRequest {
        principal,
        scope: Some(scope),
        ..CredentialsRequest::default()
    };
    ask(snapshot, &ScopePolicy::default(), request)
}

fn ask(
    snapshot: &Value,
    policy: &ScopePolicy,
    request: CredentialsRequest<'_>,
) -> Result<Value, Refusal> {
    let entities = resolve(snapshot).unwrap();
    let credentials = client_credentials(&entities, policy, request)?;
    Ok(Value::Object(credentials.to_claims()))
}

/// FA1: the grant becomes a token.
#[test]
fn fa1_a_granted_permission() {
    let claims = issue(
        &mail(),
        "entity:customer-1",
        "target-entity:email:SendEmail",
    );
    let expected = json!({
        "sub": "customer-1", "tid": "acme", "aud": "email",
        "scope": "target-entity:email:SendEmail", "permissions": {"email": ["SendEmail"]},
    });
    assert_eq!(claims, Ok(expected));
}

/// FA2: without a grant there is none.
#[test]
fn fa2_nothing_granted() {
    for scope in ["target-entity:email:SendEmail", "target-entity:email"] {
        let refusal = issue(&mail(), "entity:customer-2", scope).unwrap_err();
        assert_eq!(refusal, Refusal::NoGrant { id: "email".into() });
        assert_eq!(refusal.oauth_error(), "invalid_scope");
    }
}

/// A permission that was not granted stood in the signed `scope`, where the
/// entity was asked for without names besides.
#[test]
fn every_named_permission_must_be_granted_whatever_else_is_asked() {
    for scope in [
        "target-entity:email target-entity:email:Admin",
        "target-entity:email:Admin target-entity:email",
        "target-entity:email:SendEmail,Admin target-entity:email",
    ] {
        let refusal = issue(&mail(), "entity:customer-1", scope).unwrap_err();
        assert!(matches!(refusal, Refusal::NotGranted { .. }), "{scope}");
    }
    let both = "target-entity:email target-entity:email:SendEmail";
    let claims = issue(&mail(), "entity:customer-1", both).unwrap();
    assert_eq!(claims["scope"], both);
    assert_eq!(claims["permissions"], json!({"email": ["SendEmail"]}));
}

/// FA5: a destroyed entity gets no token and is no target.
#[test]
fn fa5_a_destroyed_entity() {
    let mut snapshot = mail();
    let entities = snapshot["entities"]["entities"].as_array_mut().unwrap();
    entities.retain(|entity| entity["id"] != "b");
    let refusal = issue(&snapshot, "entity:b", "target-entity:c:invoke").unwrap_err();
    assert_eq!(refusal.oauth_error(), "invalid_client");
    let refusal = issue(&snapshot, "entity:a", "target-entity:b:invoke").unwrap_err();
    assert_eq!(refusal, Refusal::UnknownTarget { id: "b".into() });
    assert_eq!(refusal.oauth_error(), "invalid_target");
}

#[test]
fn none_named_is_all_granted_and_one_missing_is_a_refusal() {
    let mut snapshot = mail();
    snapshot["entity_grants"]["grants"][0]["permissions"] = json!(["SendEmail", "List"]);
    let claims = issue(&snapshot, "entity:customer-1", "target-entity:email").unwrap();
    assert_eq!(
        claims["permissions"],
        json!({"email": ["List", "SendEmail"]})
    );
    let claims = issue(
        &snapshot,
        "entity:customer-1",
        "target-entity:email:List target-entity:email:SendEmail",
    );
    assert_eq!(
        claims.unwrap()["permissions"],
        json!({"email": ["List", "SendEmail"]})
    );
    let claims = issue(
        &snapshot,
        "entity:customer-1",
        "target-entity:email target-entity:email:SendEmail",
    );
    assert_eq!(
        claims.unwrap()["permissions"],
        json!({"email": ["List", "SendEmail"]})
    );
    for scope in [
        "target-entity:email:SendEmail,Count",
        "target-entity:email:sendemail",
    ] {
        let refusal = issue(&snapshot, "entity:customer-1", scope).unwrap_err();
        assert_eq!(refusal.code(), "credentials.not_granted", "{scope}");
        assert_eq!(refusal.oauth_error(), "invalid_scope");
    }
}

#[test]
fn several_targets_are_several_audiences() {
    let mut snapshot = mail();
    let grants = snapshot["entity_grants"]["grants"].as_array_mut().unwrap();
    grants.push(json!({"recipientEntityId": "customer-1", "entity": {"id": "email-2"}}));
    let scope = "target-entity:email-2 target-entity:email:SendEmail";
    let claims = issue(&snapshot, "entity:customer-1", scope).unwrap();
    assert_eq!(claims["aud"], json!(["email", "email-2"]));
    let permissions = json!({"email": ["SendEmail"], "email-2": ["Count", "List"]});
    assert_eq!(claims["permissions"], permissions);
    // One refused is all refused.
    let scope = "target-entity:email target-entity:a";
    assert!(issue(&snapshot, "entity:customer-1", scope).is_err());
}

#[test]
fn no_scope_is_a_token_without_audience() {
    let request = CredentialsRequest {
        principal: "entity:customer-2",
        ..CredentialsRequest::default()
    };
    let claims = ask(&mail(), &ScopePolicy::default(), request);
    assert_eq!(claims, Ok(json!({"sub": "customer-2", "tid": "acme"})));
}

#[test]
fn malformed_and_unknown_scopes_are_refused() {
    for scope in [
        "target-entity:",
        "target-entity:email:",
        "target-entity:email:a,,b",
        "openid",
        "*",
        "Target-Entity:email",
        "email",
        " target-entity:email",
        "target-entity:email\n",
    ] {
        let refusal = issue(&mail(), "entity:customer-1", scope).unwrap_err();
        assert_eq!(refusal.oauth_error(), "invalid_scope", "{scope:?}");
    }
    for principal in [
        "customer-1",
        "agent:customer-1",
        "entity:",
        "user:nobody",
        "",
        ":",
    ] {
        let refusal = issue(&mail(), principal, "target-entity:email").unwrap_err();
        assert_eq!(refusal.oauth_error(), "invalid_client", "{principal:?}");
    }
}

#[test]
fn a_grant_without_permissions_gives_no_token() {
    let mut snapshot = mail();
    snapshot["entity_grants"]["grants"][0]["permissions"] = json!([]);
    let refusal = issue(&snapshot, "entity:customer-1", "target-entity:email").unwrap_err();
    assert_eq!(refusal.code(), "credentials.no_grant");
}

/// FA8: the same for users.
#[test]
fn fa8_users_get_the_same_claims() {
    let claims = issue(&mail(), "user:ines", "target-entity:a:invoke");
    let expected = json!({
        "sub": "ines", "tid": "acme", "aud": "a", "scope": "target-entity:a:invoke",
        "permissions": {"a": ["invoke"]},
    });
    assert_eq!(claims, Ok(expected));
    assert!(issue(&mail(), "user:ines", "target-entity:b:invoke").is_err());
    // The entity of that name is somebody else.
    assert!(issue(&mail(), "entity:ines", "target-entity:a:invoke").is_err());
}

/// FA9: scopes under another name.
#[test]
fn fa9_renamed_scopes() {
    let sections = ScopeSections {
        aliases: [
            (
                "urn:hero:mail:send".to_owned(),
                "target-entity:<id>:SendEmail".to_owned(),
            ),
            ("mail-all".to_owned(), "target-entity:email".to_owned()),
            ("table".to_owned(), "SendEmail".to_owned()),
        ]
        .into(),
        ..ScopeSections::default()
    };
    let policy = ScopePolicy::compile(&sections).unwrap();
    let request = |scope, audience| CredentialsRequest {
        principal: "entity:customer-1",
        scope: Some(scope),
        audience,
        tenant: None,
    };
    let claims = ask(
        &mail(),
        &policy,
        request("urn:hero:mail:send", Some("email")),
    )
    .unwrap();
    assert_eq!(claims["scope"], "urn:hero:mail:send");
    assert_eq!(claims["permissions"], json!({"email": ["SendEmail"]}));
    // Such a token covers what the scope behind the alias covers.
    let set = ScopeSet::from_claims(claims.as_object().unwrap())
        .unwrap()
        .unwrap();
    let reach = policy
        .reach(
            &set,
            ScopeContext {
                audiences: &["email"],
            },
        )
        .unwrap();
    assert!(reach.covers("SendEmail", "entity:email"));
    assert!(!reach.covers("SendEmail", "entity:email-2"));
    assert!(ask(&mail(), &policy, request("mail-all", None)).is_ok());
    for (scope, audience, error) in [
        ("urn:hero:mail:send", None, "invalid_target"),
        ("urn:hero:mail:send", Some("email:x"), "invalid_target"),
        ("urn:hero:mail:send", Some("email-2"), "invalid_scope"),
        ("urn:hero:mail:other", Some("email"), "invalid_scope"),
        ("table", Some("email"), "invalid_scope"),
    ] {
        let refusal = ask(&mail(), &policy, request(scope, audience)).unwrap_err();
        assert_eq!(refusal.oauth_error(), error, "{scope} {audience:?}");
    }
}

/// FA13: what is noted down about an entity stays out of tokens.
#[test]
fn fa13_data_is_kept_and_never_claimed() {
    let entities = resolve(&mail()).unwrap();
    assert_eq!(
        entities.entity("customer-1").unwrap().data["creator"],
        "Ada"
    );
    let claims = issue(&mail(), "entity:customer-1", "target-entity:email").unwrap();
    assert!(!claims.to_string().contains("Ada"));
    assert!(!claims.to_string().contains("s3cret-value"));
}

#[test]
fn tenants_are_kept_apart() {
    let mut snapshot = mail();
    let grants = snapshot["entity_grants"]["grants"].as_array_mut().unwrap();
    for id in ["email", "post"] {
        grants.push(json!({"userId": "max", "entity": {"id": id}}));
    }
    let request = |scope, tenant| CredentialsRequest {
        principal: "user:max",
        scope: Some(scope),
        audience: None,
        tenant,
    };
    let ask = |request| ask(&snapshot, &ScopePolicy::default(), request);
    let claims = ask(request("target-entity:post", None)).unwrap();
    assert_eq!(claims["tid"], "globex");
    assert!(ask(request("target-entity:post", Some("acme"))).is_err());
    assert!(ask(request("target-entity:post target-entity:email", None)).is_err());
    assert!(ask(request("target-entity:email", Some("acme"))).is_ok());
    let refusal = ask(request("", Some("acme"))).unwrap_err();
    assert_eq!(refusal.oauth_error(), "unauthorized_client");
    let of_agent = CredentialsRequest {
        principal: "entity:customer-1",
        scope: None,
        audience: None,
        tenant: Some("globex"),
    };
    assert_eq!(
        ask(of_agent).unwrap_err().code(),
        "credentials.other_tenant"
    );
}
