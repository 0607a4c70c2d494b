//! Authority: relationships, entity grants, tenants, tasks, conditions, limits,
//! and questions that are none.

use serde_json::{Value, json};

use super::chains::through;
use super::keys::token;
use super::tokens::with;
use super::{Case, case};

pub(super) fn cases() -> Vec<Case> {
    let asks = |claims: Value, action: &str, resource: &str| json!({"token": token("test-ed", &with(claims)), "action": action, "resource": resource});
    let anne = |code: &'static str, name: &'static str, action: &str, resource: &str| {
        case(
            "decide",
            "bank",
            code,
            name,
            asks(json!({}), action, resource),
        )
    };
    let agent = |code: &'static str, name: &'static str, action: &str, resource: &str| {
        let token = token("test-ed", &through("anne", &["coordinator"]));
        let request = json!({"token": token, "action": action, "resource": resource});
        case("decide", "bank", code, name, request)
    };
    let under = |snapshot: &'static str,
                 code: &'static str,
                 name: &'static str,
                 context: Value,
                 request: Value| {
        let mut request = request;
        request["context"] = context;
        case("decide", snapshot, code, name, request)
    };
    let credit = || {
        let token = token("test-ed", &through("anne", &["coordinator"]));
        json!({"token": token, "action": "can_adjust", "resource": "credit:7"})
    };
    let hour = || asks(json!({"sub": "erin"}), "can_read", "document:5");
    let set = |mut request: Value, setting: Value| {
        request["setting"] = setting;
        request
    };
    let tenant = |code: &'static str, name: &'static str, sub: &str, tid: Value, resource: &str| {
        let snapshot = match tid {
            Value::Null => "tenants",
            _ => "tenants_named",
        };
        let request = asks(json!({"sub": sub, "tid": tid}), "can_read", resource);
        case("decide", snapshot, code, name, request)
    };
    let entity =
        |code: &'static str, name: &'static str, sub: &str, aud: &str, action: &str, on: &str| {
            let claims = with(json!({"sub": sub, "aud": aud, "tid": "acme"}));
            let request = json!({"token": token("test-ed", &claims), "audience": aud,
            "action": action, "resource": on});
            case("decide", "entities", code, name, request)
        };
    vec![
        anne(
            "allowed",
            "a relationship of her own",
            "can_read",
            "document:1",
        ),
        anne(
            "allowed",
            "through groups and a folder",
            "can_read",
            "document:4",
        ),
        anne(
            "subject.no_grant",
            "another's document",
            "can_read",
            "document:3",
        ),
        anne(
            "subject.no_grant",
            "a document that nobody has heard of",
            "can_read",
            "document:99",
        ),
        agent(
            "actor.no_grant",
            "what she may and the agent may not",
            "can_read",
            "document:2",
        ),
        agent(
            "subject.no_grant",
            "what the agent may and she may not",
            "can_read",
            "document:3",
        ),
        case(
            "decide",
            "bank",
            "subject.no_grant",
            "a claim that takes away",
            asks(json!({"groups": ["blocked"]}), "can_read", "document:2"),
        ),
        anne(
            "resource.malformed",
            "every document at once",
            "can_read",
            "document:*",
        ),
        anne(
            "resource.malformed",
            "a userset as a resource",
            "can_read",
            "document:1#reader",
        ),
        anne(
            "request.unknown_type",
            "a type that the model has not",
            "can_read",
            "nothing:1",
        ),
        anne(
            "request.unknown_relation",
            "an action that the model has not",
            "can_fly",
            "document:1",
        ),
        anne("action.empty", "no action", "", "document:1"),
        under(
            "bank",
            "allowed",
            "within both limits",
            json!({"amount": 100}),
            credit(),
        ),
        under(
            "bank",
            "actor.no_grant",
            "beyond the agent's limit",
            json!({"amount": 101}),
            credit(),
        ),
        under(
            "bank",
            "subject.no_grant",
            "beyond both limits",
            json!({"amount": 501}),
            credit(),
        ),
        under(
            "bank",
            "condition.missing_context",
            "no amount",
            json!({}),
            credit(),
        ),
        under(
            "bank",
            "condition.ill_typed",
            "an amount that is a text",
            json!({"amount": "much"}),
            credit(),
        ),
        under(
            "bank",
            "condition.evaluation",
            "a division by zero",
            json!({"hour": 0}),
            hour(),
        ),
        under("bank", "allowed", "in hours", json!({"hour": 9}), hour()),
        under(
            "bank_cheap_conditions",
            "condition.cost_exceeded",
            "a condition dearer than allowed",
            json!({"hour": 9}),
            hour(),
        ),
        case(
            "decide",
            "bank_few_steps",
            "budget.exhausted",
            "more steps than allowed",
            asks(json!({}), "can_read", "document:4"),
        ),
        case(
            "decide",
            "bank_few_hops",
            "budget.depth",
            "more hops than allowed",
            asks(json!({}), "can_read", "document:4"),
        ),
        case(
            "decide",
            "bank",
            "allowed",
            "a task that holds it",
            asks(json!({"task": "17"}), "can_read", "document:1"),
        ),
        case(
            "decide",
            "bank",
            "task.no_grant",
            "a task that does not",
            asks(json!({"task": "17"}), "can_read", "document:2"),
        ),
        case(
            "decide",
            "bank",
            "task.no_grant",
            "the host's task too",
            set(
                asks(json!({"task": "17"}), "can_read", "document:1"),
                json!({"task": "task:18"}),
            ),
        ),
        case(
            "decide",
            "bank",
            "token.claim",
            "a task that is none",
            asks(json!({"task": "*"}), "can_read", "document:1"),
        ),
        case(
            "decide",
            "bank",
            "allowed",
            "a contextual tuple of the host",
            set(
                asks(json!({}), "can_read", "document:8"),
                json!({"tuples": [
                {"user": "user:anne", "relation": "reader", "object": "document:8"}]}),
            ),
        ),
        case(
            "decide",
            "bank",
            "request.contextual_tuple",
            "a contextual tuple that cannot stand",
            set(
                asks(json!({}), "can_read", "document:8"),
                json!({"tuples": [
                {"user": "folder:shared", "relation": "reader", "object": "document:8"}]}),
            ),
        ),
        case(
            "decide",
            "bank",
            "condition.missing_context",
            "the host's own context is another",
            set(credit(), json!({"context": {"hour": 9}})),
        ),
        case(
            "decide",
            "bank",
            "allowed",
            "the host's own context",
            set(credit(), json!({"context": {"amount": 1}})),
        ),
        tenant(
            "allowed",
            "within the token's tenant",
            "anne",
            json!("acme"),
            "document:1",
        ),
        tenant(
            "tenant.mismatch",
            "a resource of another tenant",
            "anne",
            json!("umbrella"),
            "document:1",
        ),
        tenant(
            "tenant.mismatch",
            "a party of another tenant",
            "dora",
            json!("acme"),
            "document:1",
        ),
        tenant(
            "subject.no_grant",
            "a tuple of another tenant",
            "anne",
            json!("umbrella"),
            "document:9",
        ),
        tenant(
            "tenant.needed",
            "several tenants, and none named",
            "anne",
            Value::Null,
            "document:1",
        ),
        case(
            "decide",
            "tenants_named",
            "token.claim_absent",
            "no tenant, where its issuer declares one",
            asks(json!({"sub": "bob"}), "can_read", "document:3"),
        ),
        tenant(
            "allowed",
            "the only tenant of all parties",
            "bob",
            Value::Null,
            "document:3",
        ),
        tenant(
            "tenant.mismatch",
            "a resource of no tenant, where others have one",
            "bob",
            Value::Null,
            "document:4",
        ),
        case(
            "decide",
            "tenants_named",
            "tenant.mismatch",
            "the token's tenant and the host's differ",
            set(
                asks(json!({"tid": "acme"}), "can_read", "document:1"),
                json!({"tenant": "umbrella"}),
            ),
        ),
        entity(
            "allowed",
            "a granted permission",
            "coordinator",
            "email",
            "SendEmail",
            "entity:email",
        ),
        entity(
            "allowed",
            "a default permission",
            "coordinator",
            "calendar",
            "execute",
            "entity:calendar",
        ),
        entity(
            "subject.no_grant",
            "a permission that was not granted",
            "coordinator",
            "calendar",
            "SendEmail",
            "entity:calendar",
        ),
        entity(
            "subject.no_grant",
            "the other way about",
            "email",
            "coordinator",
            "execute",
            "entity:coordinator",
        ),
        entity(
            "principal.unknown",
            "a destroyed entity, whose grant is still there",
            "destroyed",
            "email",
            "SendEmail",
            "entity:email",
        ),
    ]
}
