//! A small bank: a coordinator that people start, agents that only it calls.

use deputize::Policy;
use deputize::Request;
use deputize::caller::Caller;
use deputize::decision::Denial;
use deputize::request::Setting;
use deputize::time::UnixSeconds;
use deputize::token::VerifyOptions;
use serde_json::{Value, json};

use crate::forge::{ISSUER, Key, NOW, ed, entry};

pub(crate) const MODEL: &str = "model
  schema 1.1
type user
  relations
    define delegate_of: [agent, agent with approved]
type service
  relations
    define delegate_of: [agent]
type agent
  relations
    define invoke: [agent]
type group
  relations
    define member: [user, agent]
type task
type document
  relations
    define blocked: [group#member]
    define reader: [user, user:*, agent, service, group#member, task]
    define can_read: reader but not blocked
type credit
  relations
    define can_adjust: [user, agent]
condition approved(ticket: string) {
  ticket == 'T-1'
}";

pub(crate) fn tuple(user: &str, relation: &str, object: &str) -> Value {
    json!({"user": user, "relation": relation, "object": object})
}

/// A policy, the key of its issuer, and what they were made from.
pub(crate) struct World {
    pub(crate) key: Key,
    pub(crate) snapshot: Value,
}

impl World {
    pub(crate) fn new() -> Self {
        let key = ed();
        let mut issuer = entry(&key);
        issuer["subject"] = json!("user:{sub}");
        issuer["actor"] = json!("agent:{sub}");
        issuer["chain"] = json!("rfc8693");
        issuer["scopes"] = json!("narrow");
        let snapshot = json!({
            "deputize": 1, "revision": "42", "model": MODEL,
            "tuples": [
                tuple("agent:coordinator", "delegate_of", "user:anne"),
                tuple("agent:coordinator", "invoke", "agent:calendar"),
                tuple("agent:coordinator", "invoke", "agent:document"),
                tuple("user:anne", "reader", "document:1"),
                tuple("user:anne", "reader", "document:2"),
                tuple("user:bob", "reader", "document:3"),
                tuple("agent:coordinator", "reader", "document:1"),
                tuple("agent:coordinator", "reader", "document:3"),
                tuple("agent:document", "reader", "document:1"),
                tuple("group:blocked#member", "blocked", "document:2"),
                tuple("user:anne", "can_adjust", "credit:7"),
            ],
            "issuers": [issuer],
            "scopes": {"document:read": [{"action": "can_read", "resource": "document:*"}]},
            "delegation": {"hops": [
                {"from": "user", "to": "agent", "any_of": [tuple("{to}", "delegate_of", "{from}")]},
                {"from": "service", "to": "agent", "any_of": [tuple("{to}", "delegate_of", "{from}")]},
                {"from": "agent", "to": "agent", "any_of": [tuple("{from}", "invoke", "{to}")]},
            ]},
        });
        Self { key, snapshot }
    }

    pub(crate) fn with(mut self, section: &str, value: Value) -> Self {
        self.snapshot[section] = value;
        self
    }

    pub(crate) fn delegation(mut self, member: &str, value: Value) -> Self {
        self.snapshot["delegation"][member] = value;
        self
    }

    pub(crate) fn issuer(mut self, member: &str, value: Value) -> Self {
        self.snapshot["issuers"][0][member] = value;
        self
    }

    pub(crate) fn tuple(mut self, tuple: Value) -> Self {
        self.snapshot["tuples"].as_array_mut().unwrap().push(tuple);
        self
    }

    pub(crate) fn without(mut self, tuple: &Value) -> Self {
        let tuples = self.snapshot["tuples"].as_array_mut().unwrap();
        let before = tuples.len();
        tuples.retain(|own| own != tuple);
        assert_eq!(tuples.len(), before - 1);
        self
    }

    pub(crate) fn policy(&self) -> Policy {
        Policy::from_json(self.snapshot.to_string().as_bytes()).unwrap_or_else(|e| panic!("{e}"))
    }

    pub(crate) fn token(&self, claims: &Value) -> String {
        self.key.token(claims)
    }

    pub(crate) fn verify(&self, claims: &Value) -> Result<Caller, Denial> {
        self.verify_in(claims, &Setting::default())
    }

    pub(crate) fn verify_in(&self, claims: &Value, s: &Setting<'_>) -> Result<Caller, Denial> {
        let token = self.token(claims);
        let options = VerifyOptions::default();
        self.policy().admit(
            &Request::at(UnixSeconds(NOW))
                .token(token.as_bytes())
                .presented(options)
                .setting(*s),
        )
    }

    /// The code that a token's caller is refused with, or that its question is
    /// answered with. Every way to ask must agree.
    pub(crate) fn ask(&self, claims: &Value, action: &str, resource: &str) -> &'static str {
        match self.verify(claims) {
            Err(denial) => denial.code(),
            Ok(caller) => answer(&caller, action, resource),
        }
    }
}

/// The code that a question is answered with; every way to ask must agree.
pub(crate) fn answer(caller: &Caller, action: &str, resource: &str) -> &'static str {
    let decision = caller.at(UnixSeconds(NOW)).decide(action, resource);
    let checked = caller.at(UnixSeconds(NOW)).check(action, resource);
    assert_eq!(
        decision.allowed,
        caller.at(UnixSeconds(NOW)).can(action, resource)
    );
    assert_eq!(decision.allowed, checked.is_ok());
    if let Err(denial) = checked {
        assert_eq!(denial.reason, decision.reason);
    }
    match caller.at(UnixSeconds(NOW)).filter(action, &[resource]) {
        Ok(sifted) => {
            assert_eq!(sifted.mask, [decision.allowed]);
            assert_eq!(sifted.allowed() + sifted.dropped.values().sum::<usize>(), 1);
        }
        Err(_) => assert!(!decision.allowed),
    }
    assert_eq!(
        decision.allowed,
        decision.reason == deputize::decision::Reason::Allowed
    );
    // A second look at the record comes to the same bytes.
    let again = caller.policy().replay(&decision.record);
    assert_eq!(again.as_ref(), Ok(&decision));
    decision.reason.code()
}

/// Claims of `sub`, through these actors, oldest first.
pub(crate) fn claims(sub: &str, actors: &[&str]) -> Value {
    let mut claims = crate::forge::with("sub", json!(sub));
    let mut act = Value::Null;
    for actor in actors {
        act = match act {
            Value::Null => json!({"sub": actor}),
            inner => json!({"sub": actor, "act": inner}),
        };
    }
    if !act.is_null() {
        claims["act"] = act;
    }
    assert_eq!(claims["iss"], ISSUER);
    claims
}

/// Those claims with a scope.
pub(crate) fn scoped(sub: &str, actors: &[&str], scope: &str) -> Value {
    let mut claims = claims(sub, actors);
    claims["scope"] = json!(scope);
    claims
}
