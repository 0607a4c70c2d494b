//! A small world with an issuer: its key is made by the program itself.

use serde_json::{Value, json};

use crate::{Folder, Ran};

/// The time at which everything happens: 2025-11-21T11:40:00Z.
pub(crate) const NOW: u64 = 1_763_725_200;
pub(crate) const ISSUER: &str = "https://id.example";
pub(crate) const AUDIENCE: &str = "https://api.example";

const MODEL: &str = "model
  schema 1.1
type user
  relations
    define delegate: [agent]
type agent
  relations
    define can_invoke: [agent]
type task
type document
  relations
    define viewer: [user, agent, task, user with small]
condition small(size: int, most: int) {
  size <= most
}
";

/// A folder with `key.json` and `policy.json`.
pub(crate) fn world() -> Folder {
    let folder = Folder::new();
    let keys = folder.run("keys -o key.json --kid k1 --json");
    assert_eq!(keys.status, 0, "{}", keys.out);
    let tuple = |text: &str| {
        let words: Vec<&str> = text.split(' ').collect();
        json!({"user": words[0], "relation": words[1], "object": words[2]})
    };
    let mut tuples: Vec<Value> = [
        "agent:triage delegate user:anne",
        "agent:triage can_invoke agent:search",
        "user:anne viewer document:1",
        "agent:triage viewer document:1",
        "agent:search viewer document:1",
        "user:anne viewer document:2",
        "agent:triage viewer document:3",
    ]
    .map(tuple)
    .into();
    tuples.push(
        json!({"user": "user:anne", "relation": "viewer", "object": "document:5",
        "condition": {"name": "small", "context": {"most": 10}}}),
    );
    tuples.push(tuple("agent:triage viewer document:5"));
    let grant =
        json!({"entity": {"id": "docs"}, "recipientEntityId": "robot", "permissions": ["read"]});
    let snapshot = json!({
        "deputize": 1, "revision": "7", "model": MODEL, "tuples": tuples,
        "issuers": [{
            "issuer": ISSUER, "audiences": [AUDIENCE], "algorithms": ["EdDSA"],
            "keys": keys.json()["jwks"], "chain": "rfc8693", "scopes": "required",
            "subject": "user:{sub}", "actor": "agent:{sub}",
            "task_claim": "task",
        }],
        "scopes": {
            "document:read": [{"action": "viewer", "resource": "document:*"}],
            "document:one": [{"action": "viewer", "resource": "document:1"}],
        },
        "delegation": {"hops": [
            {"from": "user", "to": "agent",
             "any_of": [{"user": "{to}", "relation": "delegate", "object": "{from}"}]},
            {"from": "agent", "to": "agent",
             "any_of": [{"user": "{from}", "relation": "can_invoke", "object": "{to}"}]},
        ]},
        "entity_types": [{"id": "api", "name": "api", "permissions": [{"name": "read"}, {"name": "write"}],
            "jwtConfiguration": {"enabled": true, "timeToLiveInSeconds": 120}}],
        "entities": [
            {"id": "docs", "name": "docs", "type": {"id": "api"}, "tenantId": "acme"},
            {"id": "robot", "name": "robot", "type": {"id": "api"}, "tenantId": "acme"},
        ],
        "entity_grants": [grant],
    });
    folder.add("policy.json", snapshot.to_string());
    folder
}

impl Folder {
    /// Runs the program at the world's time.
    pub(crate) fn at_now(&self, line: &str) -> Ran {
        self.run(&format!("{line} --now {NOW}"))
    }

    /// Signs a token into a file.
    pub(crate) fn token(&self, name: &str, flags: &[&str]) -> String {
        let now = NOW.to_string();
        let mut args = vec![
            "token", "--key", "key.json", "--issuer", ISSUER, "--now", &now,
        ];
        args.extend(flags);
        let ran = self.run_args(&args);
        assert_eq!((ran.status, ran.err.as_str()), (0, ""));
        self.add(name, &ran.out);
        ran.out.trim().to_owned()
    }

    /// Anne's own token.
    pub(crate) fn login(&self, name: &str) -> String {
        let flags = [
            "--sub",
            "anne",
            "-a",
            AUDIENCE,
            "--scope",
            "document:read document:one",
        ];
        self.token(name, &flags)
    }

    /// A token of the triage agent, for Anne.
    pub(crate) fn delegated(&self, name: &str) -> String {
        let flags = [
            "--sub",
            "anne",
            "--act",
            "triage",
            "-a",
            AUDIENCE,
            "--scope",
            "document:read",
        ];
        self.token(name, &flags)
    }
}
