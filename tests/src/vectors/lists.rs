//! Many resources at once: filter, list, terms.

use serde_json::{Value, json};

use super::chains::through;
use super::keys::token;
use super::{Case, case};

pub(super) fn cases() -> Vec<Case> {
    let caller_of = |sub: &str, actors: &[&str], scope: Option<&str>| {
        let mut claims = through(sub, actors);
        if let Some(scope) = scope {
            claims["scope"] = json!(scope);
        }
        json!({"token": token("test-ed", &claims)})
    };
    let caller = |actors: &[&str], scope| caller_of("anne", actors, scope);
    let filter = |mut request: Value, resources: &[&str]| {
        request["action"] = json!("can_read");
        request["resources"] = json!(resources);
        request
    };
    let of_type = |mut request: Value, action: &str, kind: &str| {
        request["action"] = json!(action);
        request["type"] = json!(kind);
        request
    };
    let documents = ["document:1", "document:2", "document:3", "document:4"];
    vec![
        case(
            "filter",
            "bank",
            "subject.no_grant",
            "a user's chunks",
            filter(caller(&[], None), &documents),
        ),
        case(
            "filter",
            "bank",
            "actor.no_grant",
            "an agent's chunks",
            filter(caller(&["coordinator"], None), &documents),
        ),
        case(
            "filter",
            "bank",
            "actor.no_grant",
            "a stolen calendar token's chunks",
            filter(caller(&["coordinator", "calendar"], None), &documents),
        ),
        case(
            "filter",
            "bank",
            "condition.failed",
            "chunks that are malformed, unknown or not to be told",
            filter(
                caller_of("erin", &[], Some("document:read credit")),
                &[
                    "document:1",
                    "",
                    "document:*",
                    "chunk without a resource",
                    "credit:7",
                    "nothing:1",
                    "document:5",
                    "document:1",
                ],
            ),
        ),
        case(
            "filter",
            "listed",
            "budget.call",
            "more steps than allowed in one call",
            filter(
                {
                    let mut asks = caller(&[], None);
                    asks["setting"] = json!({"context": {"names": vec!["9"; 300]}});
                    asks
                },
                &["document:1", "document:2", "document:3"],
            ),
        ),
        case(
            "filter",
            "bank_stale",
            "snapshot.stale",
            "nothing of a snapshot that is over",
            filter(caller(&[], None), &documents),
        ),
        case(
            "filter",
            "bank",
            "condition.missing_context",
            "a hop that waits for a context",
            filter(caller(&["guest"], None), &documents),
        ),
        case(
            "filter",
            "tenants_named",
            "tenant.mismatch",
            "chunks of two tenants",
            {
                let mut claims = through("anne", &["coordinator"]);
                claims["tid"] = json!("acme");
                filter(
                    json!({"token": token("test-ed", &claims)}),
                    &["document:1", "document:3", "document:9", "document:4"],
                )
            },
        ),
        case(
            "list",
            "bank",
            "",
            "what an agent may read for a user",
            of_type(caller(&["coordinator"], None), "can_read", "document"),
        ),
        case(
            "list",
            "bank",
            "",
            "what a calendar agent may read for a user",
            of_type(
                caller(&["coordinator", "calendar"], None),
                "can_read",
                "document",
            ),
        ),
        case(
            "list",
            "bank",
            "condition.missing_context",
            "a list that cannot be complete",
            of_type(caller(&[], None), "can_adjust", "credit"),
        ),
        case(
            "list",
            "bank",
            "request.unknown_relation",
            "a list of what the model has not",
            of_type(caller(&[], None), "can_fly", "document"),
        ),
        case(
            "list",
            "entities",
            "",
            "entities that a user may use",
            of_type(json!({"chain": ["user:anne"]}), "execute", "entity"),
        ),
        case(
            "terms",
            "bank",
            "",
            "what a user's access lists may hold",
            of_type(caller(&[], None), "can_read", "document"),
        ),
        case(
            "terms",
            "bank",
            "request.unknown_type",
            "terms of what the model has not",
            of_type(caller(&[], None), "can_read", "nothing"),
        ),
        case(
            "verify",
            "bank",
            "",
            "who calls",
            caller(&["coordinator", "document"], Some("document:read")),
        ),
        case(
            "verify",
            "bank",
            "chain.hop_not_permitted",
            "who may not call",
            caller(&["document"], None),
        ),
    ]
}
