//! FusionAuth's entities and Fusebit's access rules, asked through tokens.

use deputize::Policy;
use deputize::caller::Setting;
use deputize::import::{FusebitOptions, fusebit, fusionauth};
use deputize::time::UnixSeconds;
use deputize::token::VerifyOptions;
use serde_json::{Value, json};

use crate::forge::{Key, NOW, claims, ed, entry};
use crate::world::answer;

/// Agents A, B and C in one tenant: A may execute B, and B may execute C.
fn call_graph(key: &Key) -> Value {
    let entity = |id: &str| json!({"id": id, "type": {"id": "t"}, "tenantId": "acme"});
    let grant = |from: &str, to: &str| json!({"entity": {"id": to}, "recipientEntityId": from, "permissions": ["execute"]});
    let mut issuer = entry(key);
    issuer["audiences"] = json!(["A", "B", "C"]);
    issuer["subject"] = json!("entity:{sub}");
    issuer["actor"] = json!("entity:{sub}");
    issuer["chain"] = json!("rfc8693");
    issuer["tenant_claim"] = json!("tid");
    json!({
        "deputize": 1,
        "entity_types": [{"id": "t", "permissions": [{"name": "execute"}, {"name": "read"}]}],
        "entities": [entity("A"), entity("B"), entity("C")],
        "entity_grants": [grant("A", "B"), grant("B", "C")],
        "issuers": [issuer],
    })
}

fn code(snapshot: &Value, token: &str, audience: &str, action: &str, on: &str) -> &'static str {
    let policy = Policy::from_json(snapshot.to_string().as_bytes()).unwrap();
    let options = VerifyOptions {
        audience: Some(audience),
        ..VerifyOptions::default()
    };
    match policy.verify(token.as_bytes(), UnixSeconds(NOW), &options) {
        Ok(caller) => answer(&caller, action, on),
        Err(denial) => denial.code(),
    }
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
}

#[test]
fn an_entity_grant_admits_a_hop() {
    let key = ed();
    let mut snapshot = call_graph(&key);
    let invoked = json!({"user": "{from}", "relation": "execute", "object": "{to}"});
    snapshot["delegation"] = json!({
        "roots": ["entity"],
        "hops": [{"from": "entity", "to": "entity", "any_of": [invoked]}],
    });
    let policy = Policy::from_json(snapshot.to_string().as_bytes()).unwrap();
    let setting = Setting {
        tenant: Some("acme"),
        ..Setting::default()
    };
    let chain = |chain: &[&str]| match policy.caller(chain, UnixSeconds(NOW), &setting) {
        Ok(caller) => answer(&caller, "execute", "entity:C"),
        Err(denial) => denial.code(),
    };
    assert_eq!(chain(&["entity:B"]), "allowed");
    assert_eq!(chain(&["entity:A", "entity:B"]), "subject.no_grant");
    assert_eq!(chain(&["entity:B", "entity:A"]), "chain.hop_not_permitted");
    assert_eq!(chain(&["entity:B", "entity:C"]), "actor.no_grant");
}

#[test]
fn fb1_to_fb3_access_rules_cover_actions_and_paths_below() {
    let key = ed();
    let mut snapshot = json!({
        "deputize": 1,
        "principals": [{"id": "user:usr-1", "identities": [
            {"issuer": "https://id.example", "subject": "u-1"}]}],
        "access": [
            {"principal": "user:usr-1", "action": "integration:*", "resource": "/account/acc-1/"}],
        "issuers": [entry(&key)],
    });
    snapshot["issuers"][0]["scopes"] = json!("narrow");
    let mut own = claims();
    let mut asked = |inline: Value, action: &str, path: &str| {
        own["https://fusebit.io/permissions"] = inline;
        code(
            &snapshot,
            &key.token(&own),
            crate::forge::AUDIENCE,
            action,
            path,
        )
    };
    let all = json!({"allow": [{"action": "*", "resource": "/"}]});
    let below = "/account/acc-1/subscription/sub-1/integration/chat-bot";
    assert_eq!(asked(all.clone(), "integration:deploy", below), "allowed");
    assert_eq!(
        asked(all.clone(), "function:get", below),
        "subject.no_grant"
    );
    assert_eq!(
        asked(all.clone(), "integration:get", "/account/acc-10/"),
        "subject.no_grant"
    );
    assert_eq!(
        asked(all, "integration:get", "/account/acc-1/../acc-2"),
        "path.dot_segment"
    );
    let narrow = json!({"allow": [{"action": "integration:get", "resource": "/account/"}]});
    assert_eq!(asked(narrow.clone(), "integration:get", below), "allowed");
    assert_eq!(
        asked(narrow, "integration:deploy", below),
        "scope.insufficient"
    );
    let denying = json!({"allow": [], "deny": []});
    assert_eq!(
        asked(denying, "integration:get", below),
        "scope.unknown_member"
    );
}

#[test]
fn what_is_imported_compiles() {
    let agent = json!({
        "id": "usr-1", "identities": [{"issuerId": "https://id.example", "subject": "u-1"}],
        "access": {"allow": [{"action": "integration:*", "resource": "/account/acc-1"}]},
    });
    let imported = fusebit(&[json!({"users": [agent]})], &FusebitOptions::default()).unwrap();
    let policy = Policy::from_json(json!(imported.snapshot).to_string().as_bytes()).unwrap();
    let may = policy
        .view()
        .may("user:usr-1", "integration:get", "/account/acc-1/x");
    assert_eq!(may, Ok(true));

    let entities = json!({"entities": [
        {"id": "e", "type": {"id": "t"}, "tenantId": "acme", "clientSecret": "hush"}], "total": 1});
    let types =
        json!({"entityTypes": [{"id": "t", "permissions": [{"name": "run", "isDefault": true}]}]});
    let grants = json!({"grants": [{"entity": {"id": "e"}, "userId": "u"}], "total": 1});
    let imported = fusionauth(&[types, entities, grants]).unwrap();
    let policy = Policy::from_json(json!(imported.snapshot).to_string().as_bytes()).unwrap();
    let view = policy.view().with_tenant("acme");
    assert_eq!(view.may("user:u", "run", "entity:e"), Ok(true));
    let compiled = policy.to_compiled();
    assert!(!compiled.windows(4).any(|bytes| bytes == b"hush"));
}
