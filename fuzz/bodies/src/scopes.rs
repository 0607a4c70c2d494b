//! Any text as a scope string, or as claims: what is read narrows itself, is
//! written and read again as the same, and covers nothing that was not asked.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use deputize::scope::{ScopeContext, ScopePolicy, ScopeRule, ScopeSections, ScopeSet};
use serde_json::Value;

static POLICY: OnceLock<ScopePolicy> = OnceLock::new();

/// Takes one input.
pub fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let mut lines = text.splitn(3, '\n');
    let first = lines.next().unwrap_or_default();
    let action = lines.next().unwrap_or("can_read");
    let resource = lines.next().unwrap_or("document:1");
    let mut sets = Vec::new();
    if let Ok(set) = ScopeSet::parse(first) {
        sets.push(set);
    }
    if let Ok(Value::Object(claims)) = serde_json::from_str::<Value>(text)
        && let Ok(Some(set)) = ScopeSet::from_claims(&claims)
    {
        sets.push(set);
    }
    let policy = POLICY.get_or_init(rules);
    for set in sets {
        let context = ScopeContext {
            audiences: &["mail"],
        };
        let Ok(reach) = policy.reach(&set, context) else {
            continue;
        };
        assert!(reach.is_within(&reach).is_ok(), "a set is within itself");
        let covered = reach.covers(action, resource);
        let asking = reach.asking(action);
        assert_eq!(asking.covers(resource), covered);
        if covered {
            assert!(!asking.is_nothing());
        }
        let written = set.to_claims();
        let read = ScopeSet::from_claims(&written).expect("what was written is read");
        let read = read.unwrap_or_else(|| ScopeSet::parse("").expect("an empty scope"));
        let again = policy.reach(&read, context).expect("and reaches");
        assert_eq!(again.covers(action, resource), covered);
    }
}

fn rules() -> ScopePolicy {
    let rule = |action: &str, resource: &str| ScopeRule {
        action: action.to_owned(),
        resource: resource.to_owned(),
    };
    let sections = ScopeSections {
        scopes: BTreeMap::from([(
            "docs".to_owned(),
            vec![
                rule("can_read", "document:*"),
                rule("integration:*", "/account/acc-1"),
            ],
        )]),
        aliases: BTreeMap::from([(
            "urn:mail:send".to_owned(),
            "target-entity:<id>:SendEmail".to_owned(),
        )]),
        ..ScopeSections::default()
    };
    ScopePolicy::compile(&sections).expect("the rules are right")
}
