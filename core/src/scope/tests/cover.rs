use super::*;

#[test]
fn the_table_says_what_its_scopes_mean() {
    let policy = policy(json!({"scopes": {
        "document:read": [{"action": "can_read", "resource": "document:*"}],
        "bot": [{"action": "integration:*", "resource": "/account/acc-1"},
                {"action": "can_read", "resource": "document:7"}],
    }}));
    let read = reach(&policy, "openid document:read");
    assert!(read.covers("can_read", "document:1"));
    assert!(!read.covers("can_write", "document:1"));
    assert!(!read.covers("can_read", "folder:1"));
    assert!(!read.covers("can_read", "/document/1/"));
    // The table is all that a scope in it means: it is no action pattern too.
    assert!(!read.covers("document:read", "document:1"));
    let bot = reach(&policy, "bot");
    assert!(bot.covers("integration:deploy", "/account/acc-1/integration/chat-bot"));
    assert!(bot.covers("integration:deploy", "account/acc-1"));
    assert!(!bot.covers("integration:deploy", "/account/acc-10/"));
    assert!(!bot.covers("integration:deploy", "/account/acc-1/../acc-2/"));
    assert!(bot.covers("can_read", "document:7"));
    assert!(!bot.covers("can_read", "document:70"));
}

#[test]
fn target_entity_is_split_on_two_colons() {
    let policy = ScopePolicy::default();
    let all = reach(&policy, "target-entity:mail");
    assert!(all.covers("SendEmail", "entity:mail"));
    assert!(!all.covers("SendEmail", "entity:mail2"));
    assert!(!all.covers("SendEmail", "mail:mail"));
    let some = reach(&policy, "target-entity:mail:SendEmail,scim:user:read");
    assert!(some.covers("SendEmail", "entity:mail"));
    assert!(some.covers("scim:user:read", "entity:mail"));
    assert!(!some.covers("scim:user:write", "entity:mail"));
    assert!(!some.covers("SCIM:user:read", "entity:mail"));
    // A permission is a name, never a pattern.
    let star = reach(&policy, "target-entity:mail:*,scim:*");
    assert!(!star.covers("SendEmail", "entity:mail"));
    assert!(!star.covers("scim:read", "entity:mail"));
    for malformed in [
        "target-entity:",
        "target-entity:mail:",
        "target-entity:mail:a,,b",
        "target-entity:mail:a,",
        "target-entity:*",
        "target-entity:*:SendEmail",
        "target-entity::SendEmail",
    ] {
        let reach = reach(&policy, malformed);
        for resource in ["entity:mail", "entity:*", "entity:"] {
            assert!(!reach.covers("SendEmail", resource), "{malformed}");
            assert!(!reach.covers(malformed, resource), "{malformed}");
        }
    }
}

#[test]
fn action_patterns_cover_all_resources() {
    let policy = ScopePolicy::default();
    let some = reach(&policy, "integration:* can_read");
    assert!(some.covers("integration:deploy", "/account/a/"));
    assert!(some.covers("can_read", "document:1"));
    assert!(!some.covers("integration", "/account/a/"));
    assert!(!some.covers("can_write", "document:1"));
    // Without a colon it is a path, which a pattern covers as well.
    assert!(some.covers("can_read", "document"));
}

#[test]
fn unknown_scopes_cover_nothing() {
    let policy = policy(json!({"scope_dialects": []}));
    let reach = reach(
        &policy,
        "openid integration:deploy target-entity:e * patient/Observation.r",
    );
    for action in ["openid", "integration:deploy", "read", "*", ""] {
        for resource in ["document:1", "entity:e", "/", "Observation:1"] {
            assert!(!reach.covers(action, resource), "{action} {resource}");
        }
    }
    assert!(reach.asking("read").is_nothing());
}

#[test]
fn malformed_resources_are_never_covered() {
    let all = reach(&ScopePolicy::default(), "*");
    assert!(all.covers("read", "document:1") && all.covers("read", "/a/"));
    for resource in [
        "",
        ":",
        ":1",
        "document:",
        "document:1:2",
        "document:1#viewer",
        "doc ument:1",
        "document:1\n",
        "a/b:c",
        "/a/..",
        "//",
        "/a%2fb",
        "a@b:c",
    ] {
        assert!(!all.covers("read", resource), "{resource:?}");
        assert!(!all.asking("read").covers(resource), "{resource:?}");
    }
}

#[test]
fn several_claims_must_all_cover() {
    let policy = ScopePolicy::default();
    let both = claimed(
        &policy,
        json!({
            "scope": "target-entity:e", "permissions": {"e": ["read"], "f": ["read"]}
        }),
    );
    assert!(both.covers("read", "entity:e"));
    assert!(!both.covers("write", "entity:e"));
    assert!(!both.covers("read", "entity:f"));
    let flat = claimed(
        &policy,
        json!({"scope": "target-entity:e", "permissions": ["read"]}),
    );
    assert!(flat.covers("read", "entity:e"));
    assert!(!flat.covers("read", "entity:f"));
    let two = claimed(&policy, json!({"scope": "a b", "scp": ["b", "c"]}));
    assert!(two.covers("b", "document:1"));
    assert!(!two.covers("a", "document:1") && !two.covers("c", "document:1"));
}

#[test]
fn permissions_are_names_in_both_shapes() {
    let policy = policy(json!({"scopes": {
        "docs": [{"action": "can_read", "resource": "document:*"}]
    }}));
    let flat = claimed(
        &policy,
        json!({"permissions": ["Send Email", "docs", "a:*"]}),
    );
    assert!(flat.covers("Send Email", "entity:x"));
    assert!(flat.covers("can_read", "document:1"));
    assert!(!flat.covers("docs", "document:1"));
    assert!(!flat.covers("a:b", "document:1"));
    let map = claimed(
        &policy,
        json!({"permissions": {"e": ["docs", "a:*"], "*": ["x"], "a b": ["x"]}}),
    );
    assert!(map.covers("docs", "entity:e"));
    assert!(!map.covers("can_read", "document:1"));
    assert!(!map.covers("a:b", "entity:e"));
    assert!(!map.covers("x", "entity:*"));
}

#[test]
fn fusebit_inline_permissions() {
    let reach = claimed(
        &ScopePolicy::default(),
        json!({
            "https://fusebit.io/permissions": {"allow": [
                {"action": "function:*", "resource": "/account/acc-1/subscription/sub-1"}]}
        }),
    );
    assert!(reach.covers(
        "function:get",
        "/account/acc-1/subscription/sub-1/function/f"
    ));
    assert!(!reach.covers("function:get", "/account/acc-1/subscription/sub-10"));
    assert!(!reach.covers("integration:get", "/account/acc-1/subscription/sub-1"));
}

#[test]
fn authorization_details_of_declared_types() {
    let policy = policy(json!({"authorization_details": {
        "document_access": {"resource_type": "document", "actions": {"read": ["can_read"]},
                            "locations": ["https://docs.example"]},
        "plain": {"resource_type": "account"},
    }}));
    let one = |detail: Value| claimed(&policy, json!({"authorization_details": [detail]}));
    let reach =
        one(json!({"type": "document_access", "actions": ["read", "x"], "identifier": "42"}));
    assert!(reach.covers("can_read", "document:42"));
    assert!(!reach.covers("can_read", "document:43"));
    assert!(!reach.covers("read", "document:42") && !reach.covers("x", "document:42"));
    let reach = one(json!({"type": "plain", "actions": ["a:*"]}));
    assert!(reach.covers("a:*", "account:1") && !reach.covers("a:b", "account:1"));
    assert!(!one(json!({"type": "plain"})).covers("a", "account:1"));
    assert!(
        !one(json!({"type": "plain", "actions": ["a"], "identifier": "*"}))
            .covers("a", "account:*")
    );
    let here = json!({"type": "document_access", "actions": ["read"], "locations": ["https://x", "https://docs.example"]});
    assert!(one(here).covers("can_read", "document:1"));
    let there = json!({"type": "document_access", "actions": ["read"], "locations": ["https://x"]});
    assert!(!one(there).covers("can_read", "document:1"));
    // RFC 9396 §3: beside `scope`, not within it.
    let both = claimed(
        &policy,
        json!({
            "scope": "can_list", "authorization_details": [{"type": "plain", "actions": ["pay"]}]
        }),
    );
    assert!(both.covers("can_list", "document:1") && both.covers("pay", "account:1"));
    assert!(!both.covers("pay", "document:1"));
    // An undeclared type refuses the token.
    let claims = json!({"scope": "*", "authorization_details": [{"type": "payment"}]});
    let set = ScopeSet::from_claims(claims.as_object().unwrap())
        .unwrap()
        .unwrap();
    let error = policy.reach(&set, ScopeContext::default()).unwrap_err();
    assert_eq!(error.code(), "scope.unknown_detail_type");
}

/// FA9: FusionAuth's scopes under another name.
#[test]
fn aliases_stand_for_their_target() {
    let policy = policy(json!({"scope_aliases": {
        "urn:hero:schools:read": "target-entity:<id>:urn:hero:schools:read",
        "mail": "target-entity:e-mail",
    }}));
    let set = ScopeSet::parse("urn:hero:schools:read").unwrap();
    let audiences = ["school-1", "https://not.an.entity", "*", ""];
    let context = ScopeContext {
        audiences: &audiences,
    };
    let reach = policy.reach(&set, context).unwrap();
    assert!(reach.covers("urn:hero:schools:read", "entity:school-1"));
    for (action, resource) in [
        ("urn:hero:schools:read", "entity:school-2"),
        ("urn:hero:schools:read", "document:1"),
        ("urn:hero:schools:read", "entity:*"),
        ("urn:hero:schools:write", "entity:school-1"),
    ] {
        assert!(!reach.covers(action, resource), "{action} {resource}");
    }
    // Without an audience nobody knows which entity is meant.
    let nowhere = policy.reach(&set, ScopeContext::default()).unwrap();
    assert!(nowhere.asking("urn:hero:schools:read").is_nothing());
    assert!(super::reach(&policy, "mail").covers("SendEmail", "entity:e-mail"));
    assert!(!super::reach(&policy, "mail").covers("mail", "document:1"));
    assert!(!super::reach(&policy, "urn:hero:schools:other").covers("read", "entity:school-1"));
}

struct Facts(&'static [(&'static str, &'static str)]);

impl ResourceFacts for Facts {
    fn has(&self, attribute: &str, value: &str) -> bool {
        self.0.contains(&(attribute, value))
    }
}

#[test]
fn smart_on_fhir_must_be_declared_and_is_conditional() {
    let scope =
        "patient/Observation.rs?category=laboratory,vital-signs user/Encounter.cud system/*.s";
    let claims = json!({"scope": scope, "patient": "p-1"});
    let off = claimed(&ScopePolicy::default(), claims.clone());
    assert!(off.asking("read").is_nothing());
    let policy = policy(json!({"scope_dialects": ["smart-v2"]}));
    let reach = claimed(&policy, claims);
    let facts = Facts(&[("patient", "p-1"), ("category", "laboratory")]);
    assert!(reach.covers_where("read", "Observation:9", &facts));
    assert!(
        !reach.covers("read", "Observation:9"),
        "nothing is known of it"
    );
    assert!(!reach.covers_where("update", "Observation:9", &facts));
    assert!(!reach.covers_where("read", "observation:9", &facts));
    let other = Facts(&[("patient", "p-2"), ("category", "laboratory")]);
    assert!(!reach.covers_where("read", "Observation:9", &other));
    assert!(!reach.covers_where("read", "Observation:9", &Facts(&[("patient", "p-1")])));
    assert!(reach.covers("create", "Encounter:1") && reach.covers("delete", "Encounter:1"));
    assert!(!reach.covers("read", "Encounter:1"));
    assert!(reach.covers("search", "Anything:1") && !reach.covers("search", "/anything/1/"));
    // A launch context is needed to say whose data `patient/` is about.
    let nobody = super::reach(&policy, "patient/Observation.r");
    assert!(!nobody.covers_where("read", "Observation:9", &facts));
    for unknown in [
        "patient/Observation.read",
        "patient/Observation.sr",
        "patient/Observation.rr",
        "patient/Observation.",
        "patient/Observation",
        "patient/.r",
        "group/Observation.r",
        "user/Observation.r?",
        "user/Observation.r?code:in=x",
        "user/Observation.r?a.b=x",
        "user/Observation.r?a=x%20y",
        "user/Observation.r?a=",
        "user/Observation.r?a=x,",
        "user/Obs*.r",
        "user/Observation.rx",
    ] {
        let reach = super::reach(&policy, unknown);
        assert!(
            !reach.covers_where("read", "Observation:9", &facts),
            "{unknown}"
        );
    }
}

#[test]
fn asking_once_is_asking_each_time() {
    let policy = policy(json!({"scopes": {
        "a": [{"action": "read", "resource": "document:*"}, {"action": "read", "resource": "/x"}],
    }}));
    let reach = claimed(&policy, json!({"scope": "a", "permissions": ["read"]}));
    let asking = reach.asking("read");
    for resource in ["document:1", "/x/y", "folder:1", "/y"] {
        assert_eq!(
            asking.covers(resource),
            reach.covers("read", resource),
            "{resource}"
        );
    }
    assert!(asking.covers_type("document"));
    assert!(!asking.covers_type("folder"));
    assert!(!reach.asking("write").covers_type("document"));
    let smart = super::policy(json!({"scope_dialects": ["smart-v2"]}));
    let reach = claimed(&smart, json!({"scope": "user/Observation.r?status=final"}));
    assert!(!reach.asking("read").covers_type("Observation"));
}
