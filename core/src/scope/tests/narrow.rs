use super::*;

fn within(policy: &ScopePolicy, asked: &str, held: &str) -> bool {
    reach(policy, asked).is_within(&reach(policy, held)).is_ok()
}

#[test]
fn a_set_is_within_another() {
    let policy = policy(json!({
        "scopes": {
            "docs": [{"action": "can_read", "resource": "document:*"}],
            "doc-1": [{"action": "can_read", "resource": "document:1"}],
            "edit": [{"action": "can_read", "resource": "document:*"},
                     {"action": "can_write", "resource": "document:*"}],
            "below": [{"action": "f:*", "resource": "/a/b"}],
            "above": [{"action": "f:*", "resource": "/a"}],
        },
        "scope_aliases": {"mail": "target-entity:e:SendEmail"},
        "scope_dialects": ["target-entity", "action-pattern", "smart-v2"],
    }));
    let cases = [
        ("docs", "edit", true),
        ("doc-1", "docs", true),
        ("docs", "doc-1", false),
        ("edit", "docs", false),
        ("docs doc-1", "docs", true),
        ("below", "above", true),
        ("above", "below", false),
        ("integration:deploy", "integration:*", true),
        ("integration:*", "integration:deploy", false),
        ("integration", "integration:*", false),
        ("docs", "can_read", true),
        ("can_read", "docs", false),
        ("target-entity:e:a", "target-entity:e", true),
        ("target-entity:e:a", "target-entity:e:a,b", true),
        ("target-entity:e:b,a", "target-entity:e:a,b", true),
        ("target-entity:e", "target-entity:e:a,b", false),
        ("target-entity:e:c", "target-entity:e:a,b", false),
        ("target-entity:f:a", "target-entity:e", false),
        ("target-entity:e:a", "a", true),
        ("target-entity:e", "*", false),
        ("a", "target-entity:e:a", false),
        ("mail", "target-entity:e", true),
        ("mail", "target-entity:e:SendEmail", true),
        ("target-entity:e:SendEmail", "mail", true),
        ("target-entity:e", "mail", false),
        ("", "docs", true),
        ("", "", true),
        ("docs", "", false),
        // Scopes without a meaning are within themselves only.
        ("x*y", "x*y", true),
        ("x*y", "*", false),
        ("target-entity:", "*", false),
        ("user/Observation.r", "user/Observation.rs", true),
        ("user/Observation.rs", "user/Observation.r", false),
        ("user/Observation.r", "user/*.cruds", true),
        ("user/*.r", "user/Observation.r", false),
        ("user/Observation.r?a=x", "user/Observation.r", true),
        ("user/Observation.r?a=x", "user/Observation.r?a=x,y", true),
        (
            "user/Observation.r?a=x,z",
            "user/Observation.r?a=x,y",
            false,
        ),
        ("user/Observation.r?a=x&b=y", "user/Observation.r?a=x", true),
        ("user/Observation.r", "user/Observation.r?a=x", false),
        ("system/Observation.r", "user/Observation.r", false),
        ("read", "user/*.r", false),
    ];
    for (asked, held, expected) in cases {
        assert_eq!(
            within(&policy, asked, held),
            expected,
            "`{asked}` within `{held}`"
        );
    }
}

/// No claim at all covers nothing, and nothing but that is within it.
#[test]
fn no_claim_is_within_every_other() {
    let policy = ScopePolicy::default();
    let none = policy
        .reach(&ScopeSet::default(), ScopeContext::default())
        .unwrap();
    assert!(none.is_within(&none).is_ok());
    assert!(none.is_within(&reach(&policy, "a")).is_ok());
    assert!(none.is_within(&reach(&policy, "")).is_ok());
    assert!(reach(&policy, "").is_within(&none).is_ok());
    for wider in ["a", "*", "target-entity:"] {
        let error = reach(&policy, wider).is_within(&none).unwrap_err();
        assert_eq!(error.scope, wider);
    }
}

#[test]
fn a_widening_is_named() {
    let policy = ScopePolicy::default();
    let error = reach(&policy, "a c")
        .is_within(&reach(&policy, "a b"))
        .unwrap_err();
    assert_eq!(error.scope, "c");
    assert!(error.to_string().contains("`c`"));
}

#[test]
fn every_claim_that_narrows_is_kept() {
    let policy = ScopePolicy::default();
    let held = claimed(
        &policy,
        json!({
            "scope": "target-entity:e target-entity:f", "permissions": {"e": ["read", "write"]}
        }),
    );
    assert!(
        reach(&policy, "target-entity:e:read")
            .is_within(&held)
            .is_ok()
    );
    assert!(reach(&policy, "target-entity:e").is_within(&held).is_err());
    assert!(
        reach(&policy, "target-entity:f:read")
            .is_within(&held)
            .is_err()
    );
    assert!(
        held.is_within(&reach(&policy, "target-entity:e target-entity:f"))
            .is_ok()
    );
    assert!(
        held.is_within(&reach(&policy, "target-entity:e:read,write"))
            .is_ok()
    );
    assert!(
        held.is_within(&reach(&policy, "target-entity:e:read"))
            .is_err()
    );
}

#[test]
fn details_that_differ_are_not_each_other() {
    let policy = policy(json!({"authorization_details": {"t": {"resource_type": "d"}}}));
    let detail = |value: Value| claimed(&policy, json!({"authorization_details": [value]}));
    let one = detail(json!({"type": "t", "actions": ["a"], "identifier": "1"}));
    let all = detail(json!({"type": "t", "actions": ["a", "b"]}));
    assert!(one.is_within(&all).is_ok());
    assert!(all.is_within(&one).is_err());
    // For another service: opaque here, and only within itself.
    let there = |actions: Value| {
        detail(json!({"type": "t", "actions": actions, "locations": ["https://x"]}))
    };
    assert!(there(json!(["a"])).is_within(&there(json!(["a"]))).is_ok());
    assert!(
        there(json!(["a", "b"]))
            .is_within(&there(json!(["a"])))
            .is_err()
    );
}

#[test]
fn a_request_is_about_the_holders_patient() {
    let policy = policy(json!({"scope_dialects": ["smart-v2"]}));
    let claims = json!({"scope": "patient/*.rs", "patient": "p-1"});
    let held_set = ScopeSet::from_claims(claims.as_object().unwrap())
        .unwrap()
        .unwrap();
    let held = policy.reach(&held_set, ScopeContext::default()).unwrap();
    let asked = ScopeSet::parse("patient/Observation.r").unwrap();
    let alone = policy.reach(&asked, ScopeContext::default()).unwrap();
    assert!(alone.is_within(&held).is_err());
    let asked = asked.asked_by_holder_of(&held_set);
    let asked = policy.reach(&asked, ScopeContext::default()).unwrap();
    assert!(asked.is_within(&held).is_ok());
    let other = claimed(&policy, json!({"scope": "patient/*.rs", "patient": "p-2"}));
    assert!(asked.is_within(&other).is_err());
}
