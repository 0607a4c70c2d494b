//! FusionAuth's entities and Fusebit's access rules, asked through tokens.

use deputize::Policy;
use deputize::Request;
use deputize::import::{FusebitOptions, fusebit, fusionauth};
use deputize::request::Setting;
use deputize::time::UnixSeconds;
use serde_json::{Value, json};

use crate::call_graph::{call_graph, code};
use crate::forge::{NOW, claims, ed, entry};
use crate::world::answer;

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
    let chain = |chain: &[&str]| match policy.admit(
        &Request::at(UnixSeconds(NOW))
            .on_behalf_of(chain)
            .setting(setting),
    ) {
        Ok(caller) => answer(&caller, "execute", "entity:C"),
        Err(denial) => denial.code(),
    };
    assert_eq!(chain(&["entity:B"]), "allowed");
    assert_eq!(chain(&["entity:A", "entity:B"]), "subject.no_grant");
    assert_eq!(chain(&["entity:B", "entity:A"]), "chain.hop_not_permitted");
    assert_eq!(chain(&["entity:B", "entity:C"]), "actor.no_grant");
}

#[test]
fn inline_permissions_narrow_access_rules() {
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
    let policy = Policy::from_json(&imported.to_json("1")).unwrap();
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
    let policy = Policy::from_json(&imported.to_json("1")).unwrap();
    let view = policy.view().with_tenant("acme");
    assert_eq!(view.may("user:u", "run", "entity:e"), Ok(true));
    let compiled = policy.to_compiled();
    assert!(!compiled.windows(4).any(|bytes| bytes == b"hush"));
}
