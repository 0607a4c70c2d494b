use serde_json::{Value, json};

use super::*;

mod cover;
mod grammar;
mod narrow;
mod order;
mod sections;
mod words;

/// The sections as a snapshot would write them.
fn sections(value: Value) -> ScopeSections {
    fn take<T: serde::de::DeserializeOwned>(value: &Value, name: &str) -> Option<T> {
        let section = value.get(name)?;
        Some(serde_json::from_value(section.clone()).unwrap())
    }
    ScopeSections {
        scopes: take(&value, "scopes").unwrap_or_default(),
        aliases: take(&value, "scope_aliases").unwrap_or_default(),
        dialects: take(&value, "scope_dialects"),
        details: take(&value, "authorization_details").unwrap_or_default(),
    }
}

fn policy(value: Value) -> ScopePolicy {
    ScopePolicy::compile(&sections(value)).unwrap()
}

fn reach(policy: &ScopePolicy, scope: &str) -> Reach {
    let set = ScopeSet::parse(scope).unwrap();
    policy.reach(&set, ScopeContext::default()).unwrap()
}

fn claimed(policy: &ScopePolicy, claims: Value) -> Reach {
    let set = ScopeSet::from_claims(claims.as_object().unwrap());
    let set = set.unwrap().unwrap();
    policy.reach(&set, ScopeContext::default()).unwrap()
}
