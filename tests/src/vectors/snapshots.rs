//! The snapshots that the cases name: one small bank, and variations of it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::NOW;
use super::keys::{private, public};
use super::readings;

/// The issuer of most tokens: EdDSA, RFC 8693 chains.
pub const ISSUER: &str = "https://id.example";
/// Whom its tokens are for.
pub const AUDIENCE: &str = "https://api.example";

const MODEL: &str = "model
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
    define member: [user, agent, group#member]
type task
type folder
  relations
    define viewer: [user, agent, group#member]
type document
  relations
    define parent: [folder]
    define blocked: [group#member]
    define reader: [user, user:*, agent, service, group#member, task, user with in_hours]
    define can_read: (reader or viewer from parent) but not blocked
type credit
  relations
    define can_adjust: [user, agent, user with below_limit, agent with below_limit]
condition approved(ticket: string) {
  ticket == 'T-1'
}
condition in_hours(hour: int) {
  24 / hour < 4
}
condition below_limit(amount: int, limit: int) {
  amount <= limit
}";

fn tuple(user: &str, relation: &str, object: &str) -> Value {
    json!({"user": user, "relation": relation, "object": object})
}

fn tuple_if(user: &str, relation: &str, object: &str, name: &str, context: Value) -> Value {
    let mut tuple = tuple(user, relation, object);
    tuple["condition"] = json!({"name": name, "context": context});
    tuple
}

/// An issuer whose tokens one key signs.
fn issuer(name: &str, kid: &str, members: Value) -> Value {
    let key = public(kid);
    let mut entry = json!({
        "issuer": name, "audiences": [AUDIENCE], "algorithms": [key["alg"]],
        "keys": {"keys": [key]}, "max_lifetime": 3600,
        "subject": "user:{sub}", "actor": "agent:{sub}", "scopes": "narrow",
    });
    for (member, value) in members.as_object().unwrap() {
        entry[member] = value.clone();
    }
    entry
}

/// A coordinator that people start, agents that only it calls, and everything
/// that a snapshot can say of them.
fn bank() -> Value {
    let mut odd = public("test-ed-2");
    odd["use"] = json!("enc");
    odd["kid"] = json!("for-encryption");
    json!({
        "deputize": 1, "revision": "42", "issued_at": NOW - 600, "model": MODEL,
        "tuples": [
            tuple("agent:coordinator", "delegate_of", "user:anne"),
            tuple("agent:scheduler", "delegate_of", "service:cron"),
            tuple("agent:coordinator", "invoke", "agent:calendar"),
            tuple("agent:coordinator", "invoke", "agent:document"),
            tuple("agent:calendar", "invoke", "agent:coordinator"),
            tuple_if("agent:guest", "delegate_of", "user:anne", "approved", json!({})),
            tuple("user:anne", "member", "group:staff"),
            tuple("group:staff#member", "member", "group:everybody"),
            tuple("group:everybody#member", "viewer", "folder:shared"),
            tuple("folder:shared", "parent", "document:4"),
            tuple("group:blocked#member", "blocked", "document:2"),
            tuple("user:anne", "reader", "document:1"),
            tuple("user:anne", "reader", "document:2"),
            tuple("user:bob", "reader", "document:3"),
            tuple_if("user:erin", "reader", "document:5", "in_hours", json!({})),
            tuple("agent:coordinator", "reader", "document:1"),
            tuple("agent:coordinator", "reader", "document:3"),
            tuple("agent:coordinator", "viewer", "folder:shared"),
            tuple("agent:document", "reader", "document:1"),
            tuple("agent:guest", "reader", "document:1"),
            tuple("task:17", "reader", "document:1"),
            tuple_if("user:anne", "can_adjust", "credit:7", "below_limit", json!({"limit": 500})),
            tuple_if("agent:coordinator", "can_adjust", "credit:7", "below_limit", json!({"limit": 100})),
        ],
        "principals": [
            {"id": "agent:gone", "disabled": true},
            {"id": "agent:past", "not_after": NOW - 1},
            {"id": "agent:coordinator", "attributes": {"agentType": "COORDINATOR"}},
            {"id": "user:carl", "identities": [{"issuer": ISSUER, "subject": "c-1"},
                {"issuer": ISSUER, "subject": "c-2"}]},
        ],
        "issuers": [
            issuer(ISSUER, "test-ed", json!({
                "chain": "rfc8693", "task_claim": "task",
                "claims": [{"claim": "groups", "absent": "empty", "tuple":
                    {"user": "{subject}", "relation": "member", "object": "group:{value}"}}]})),
            issuer("https://rsa.example", "test-rsa", json!({"scopes": "required"})),
            issuer("https://ec.example", "test-ec", json!({"scopes": "ignore"})),
            issuer("https://secret.example", "test-secret", json!({"chain": "none"})),
            issuer("https://vend.example", "test-ed-2", json!({"chain": "subject_is_actor"})),
            issuer("https://odd.example", "test-ed-2", json!({
                "keys": {"keys": [odd, public("test-ed-2")]}})),
        ],
        "scopes": {"document:read": [{"action": "can_read", "resource": "document:*"}]},
        "scope_aliases": {"urn:bank:read": "can_read"},
        "authorization_details": {"credit": {"resource_type": "credit"}},
        "delegation": {"hops": [
            {"from": "user", "to": "agent", "any_of": [tuple("{to}", "delegate_of", "{from}")]},
            {"from": "service", "to": "agent", "any_of": [tuple("{to}", "delegate_of", "{from}")]},
            {"from": "agent", "to": "agent", "any_of": [tuple("{from}", "invoke", "{to}")]},
        ]},
        "revoked": {"tokens": ["revoked"], "keys": [{"issuer": "https://odd.example", "kid": "test-ed-2"}],
            "principals": {"agent:revoked": NOW}},
    })
}

/// Two tenants, and people in either, in both and in none.
fn tenants(bank: &Value) -> Value {
    let mut snapshot = bank.clone();
    snapshot["principals"] = json!([
        {"id": "user:anne", "tenants": ["acme", "umbrella"]},
        {"id": "agent:coordinator", "tenants": ["acme", "umbrella"]},
        {"id": "user:bob", "tenants": ["acme"]},
        {"id": "user:dora", "tenants": ["umbrella"]},
    ]);
    snapshot["resources"] = json!([
        {"id": "document:1", "tenant": "acme"}, {"id": "document:3", "tenant": "acme"},
        {"id": "document:9", "tenant": "umbrella"},
    ]);
    let mut tagged = tuple("user:anne", "reader", "document:9");
    tagged["tenant"] = json!("acme");
    snapshot["tuples"].as_array_mut().unwrap().push(tagged);
    snapshot
}

/// The same, where each token says which.
fn tenants_named(bank: &Value) -> Value {
    let mut snapshot = tenants(bank);
    snapshot["issuers"][0]["tenant_claim"] = json!("tid");
    snapshot
}

/// An issuer whose tokens are not all understood alike, and one whose client must
/// be the current actor.
fn readings(bank: &Value) -> Value {
    let mut snapshot = bank.clone();
    snapshot["issuers"] = json!([
        readings::issuer(bank["issuers"][0].clone()),
        issuer(
            "https://act.example",
            "test-ed",
            json!({
            "chain": "rfc8693", "client_claim": "client_id", "audience_required": false})
        ),
    ]);
    snapshot["principals"] = json!([]);
    snapshot
}

/// FusionAuth's entities: a coordinator, an e-mail service and a calendar.
fn entities() -> Value {
    let entity = |id: &str| {
        json!({"id": id, "type": {"id": "agent"}, "tenantId": "acme",
            "data": {"agentType": "SUB_AGENT", "createdBy": "anne"}, "clientId": format!("client-{id}"), "clientSecret": "TEST-SECRET-of-an-entity"})
    };
    json!({
        "deputize": 1, "revision": "e-1",
        "entity_types": [
            {"id": "agent", "name": "Agent", "permissions": [
                {"name": "SendEmail"}, {"name": "execute", "isDefault": true},
                {"name": "urn:hero:schools:read"}],
             "jwtConfiguration": {"enabled": true, "timeToLiveInSeconds": 300}}],
        "entities": [entity("coordinator"), entity("email"), entity("calendar")],
        "entity_grants": [
            {"entity": {"id": "email"}, "recipientEntityId": "coordinator", "permissions": ["SendEmail"]},
            {"entity": {"id": "calendar"}, "recipientEntityId": "coordinator"},
            {"entity": {"id": "coordinator"}, "userId": "anne", "permissions": ["execute"]},
            {"entity": {"id": "email"}, "userId": "anne", "permissions": ["urn:hero:schools:read"]},
            {"entity": {"id": "email"}, "recipientEntityId": "destroyed", "permissions": ["SendEmail"]},
        ],
        "scope_aliases": {"urn:hero:schools:read": "target-entity:<id>:urn:hero:schools:read"},
        "principals": [{"id": "user:anne", "tenants": ["acme"]}, {"id": "user:bob"},
            {"id": "entity:calendar", "not_after": NOW}],
        "issuers": [issuer(ISSUER, "test-ed", json!({
            "audiences": ["coordinator", "email", "calendar"], "chain": "rfc8693",
            "subject": "entity:{sub}", "actor": "entity:{sub}", "tenant_claim": "tid"}))],
    })
}

/// Fusebit's access rules.
fn access() -> Value {
    let rule = |principal: &str, action: &str, resource: &str| json!({"principal": principal, "action": action, "resource": resource});
    json!({
        "deputize": 1, "revision": "a-1",
        "principals": [{"id": "user:usr-1", "identities": [{"issuer": ISSUER, "subject": "u-1"}]},
            {"id": "client:clt-1", "identities": [{"issuer": ISSUER, "subject": "c-1"}]}],
        "access": [
            rule("user:usr-1", "integration:*", "/account/acc-1/"),
            rule("client:clt-1", "function:get", "/account/acc-1/subscription/sub-1/"),
        ],
        "issuers": [issuer(ISSUER, "test-ed", json!({}))],
    })
}

/// Documents under a condition that takes long, and a call that may not.
fn listed() -> Value {
    let document = |id: &str| {
        let mut own = tuple("user:anne", "can_read", &format!("document:{id}"));
        own["condition"] = json!({"name": "listed", "context": {"name": id}});
        own
    };
    let model = "model
  schema 1.1
type user
type document
  relations
    define can_read: [user with listed]
condition listed(name: string, names: list<string>) {
  name in names
}";
    json!({
        "deputize": 1, "revision": "l-1", "model": model,
        "tuples": [document("1"), document("2"), document("3")],
        "limits": {"steps": 400, "call_steps": 400},
        "issuers": [issuer(ISSUER, "test-ed", json!({"scopes": "ignore"}))],
    })
}

/// Every snapshot by its name.
pub fn all() -> BTreeMap<&'static str, Value> {
    let bank = bank();
    let with = |section: &str, value: Value| {
        let mut snapshot = bank.clone();
        snapshot[section] = value;
        snapshot
    };
    let delegation = |member: &str, value: Value| {
        let mut snapshot = bank.clone();
        snapshot["delegation"][member] = value;
        snapshot
    };
    let mut alone = bank.clone();
    alone.as_object_mut().unwrap().remove("delegation");
    let mut scoped = delegation("actor_authority", json!("scopes"));
    scoped["principals"] = json!([{"id": "agent:coordinator", "scopes": ["document:read"]}]);
    let mut services = delegation("roots", json!(["user", "service"]));
    services["principals"] =
        json!([{"id": "service:cron", "identities": [{"issuer": ISSUER, "subject": "cron"}]}]);
    services["tuples"].as_array_mut().unwrap().extend([
        tuple("service:cron", "reader", "document:1"),
        tuple("agent:scheduler", "reader", "document:1"),
    ]);
    BTreeMap::from([
        (
            "bank_actions",
            with(
                "actions",
                json!([{"type": "document", "relations": ["can_*"]}]),
            ),
        ),
        ("bank_stale", with("not_after", json!(NOW - 1))),
        ("bank_until_now", with("not_after", json!(NOW))),
        ("bank_without_delegation", alone),
        ("bank_shallow", delegation("max_depth", json!(1))),
        ("bank_deep", delegation("max_depth", json!(9))),
        ("bank_every_actor", delegation("actors", json!("every"))),
        ("bank_last_hop", delegation("check_hops", json!("last"))),
        ("bank_actor_scopes", scoped),
        ("bank_services", services),
        ("bank_few_steps", with("limits", json!({"steps": 3}))),
        ("bank_few_hops", with("limits", json!({"depth": 1}))),
        (
            "bank_cheap_conditions",
            with("limits", json!({"condition_cost": 1})),
        ),
        ("tenants", tenants(&bank)),
        ("tenants_named", tenants_named(&bank)),
        ("readings", readings(&bank)),
        ("entities", entities()),
        ("access", access()),
        ("listed", listed()),
        ("bank", bank),
    ])
}

/// What must never be shown of the keys and snapshots: private parts of keys,
/// shared secrets, secrets of entities.
pub fn secrets() -> Vec<String> {
    let mut secrets = vec!["TEST-SECRET-of-an-entity".to_owned()];
    for kid in [
        "test-ed",
        "test-ed-2",
        "test-holder",
        "test-rsa",
        "test-ec",
        "test-secret",
    ] {
        let key = private(kid);
        let parts = ["d", "p", "q", "dp", "dq", "qi", "k"];
        let texts = parts.iter().filter_map(|part| key[*part].as_str());
        secrets.extend(texts.map(str::to_owned));
    }
    secrets
}
