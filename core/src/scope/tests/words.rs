use super::*;

fn words(policy: &ScopePolicy, claims: Value) -> Value {
    serde_json::to_value(claimed(policy, claims).in_words()).unwrap()
}

#[test]
fn each_scope_is_said_in_words() {
    let policy = policy(json!({
        "scopes": {
            "documents": [{"action": "can_read", "resource": "document:*"},
                          {"action": "edit:*", "resource": "document:7"}],
            "bot": [{"action": "integration:*", "resource": "/account/acc-1"}],
        },
        "scope_dialects": ["target-entity"],
    }));
    assert_eq!(
        words(
            &policy,
            json!({"scope": "documents bot target-entity:mail:Send openid"})
        ),
        json!([[
            {"scope": "documents", "covers": ["`can_read` on every `document`", "actions like `edit:*` on `document:7`"]},
            {"scope": "bot", "covers": ["actions like `integration:*` on `/account/acc-1/` and all below it"]},
            {"scope": "target-entity:mail:Send", "covers": ["`Send` on `entity:mail`"]},
            {"scope": "openid", "covers": []},
        ]])
    );
}

#[test]
fn every_claim_that_narrows_is_a_list_of_its_own() {
    let policy = ScopePolicy::default();
    let said = words(&policy, json!({"scope": "*", "permissions": ["Send"]}));
    assert_eq!(
        said[0][0],
        json!({"scope": "*", "covers": ["every action on everything"]})
    );
    assert_eq!(said[1][0]["scope"], "Send");
    assert_eq!(said.as_array().unwrap().len(), 2);
}
