//! Asking what a token's scopes cover allocates nothing.

use deputize::scope::{ScopeContext, ScopePolicy, ScopeRule, ScopeSections, ScopeSet};
use serde_json::json;

use crate::counting::allocated;

#[test]
fn covering_allocates_nothing() {
    let rule = |action: &str, resource: &str| ScopeRule {
        action: action.to_owned(),
        resource: resource.to_owned(),
    };
    let sections = ScopeSections {
        scopes: [(
            "docs".to_owned(),
            vec![
                rule("can_read", "document:*"),
                rule("integration:*", "/account/acc-1"),
            ],
        )]
        .into(),
        ..ScopeSections::default()
    };
    let policy = ScopePolicy::compile(&sections).unwrap();
    let claims = json!({
        "scope": "docs target-entity:mail:SendEmail a:*:c",
        "https://fusebit.io/permissions": {"allow": [{"action": "*", "resource": "/"},
            {"action": "can_read", "resource": "document:*"}]},
    });
    let set = ScopeSet::from_claims(claims.as_object().unwrap());
    let set = set.unwrap().unwrap();
    let reach = policy.reach(&set, ScopeContext::default()).unwrap();
    let asking = reach.asking("can_read");
    let before = allocated();
    let covered = [
        reach.covers("can_read", "document:42"),
        reach.covers("can_write", "document:42"),
        reach.covers("integration:deploy", "/account/acc-1/integration/chat-bot"),
        reach.covers("integration:deploy", "account/acc-10"),
        asking.covers("document:42"),
        asking.covers_type("folder"),
    ];
    let after = allocated();
    assert_eq!(covered, [true, false, true, false, true, false]);
    assert_eq!(after - before, 0);
    // The counter counts.
    drop(vec![before]);
    assert!(allocated() > after);
}
