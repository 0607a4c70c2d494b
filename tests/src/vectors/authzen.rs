//! The OpenID Authorization API: evaluations and searches.

use serde_json::{Value, json};

use super::{Case, case};

pub(super) fn cases() -> Vec<Case> {
    let request = |body: Value| json!({ "request": body });
    let entity = |name: &str| {
        let (kind, id) = name.split_once(':').unwrap();
        json!({"type": kind, "id": id})
    };
    let asks = |subject: &str, action: &str, resource: &str| json!({"subject": entity(subject), "action": {"name": action}, "resource": entity(resource)});
    let many = |semantic: &str| {
        json!({"subject": entity("user:anne"), "action": {"name": "can_read"},
            "options": {"evaluations_semantic": semantic},
            "evaluations": [
                {"resource": entity("document:1")}, {"resource": entity("document:3")},
                {"resource": entity("document:4")}]})
    };
    let context = |mut body: Value, context: Value| {
        body["context"] = context;
        body
    };
    let search = |subject: Value, action: Option<&str>, resource: Value| {
        let mut body = json!({"subject": subject, "resource": resource});
        if let Some(action) = action {
            body["action"] = json!({"name": action});
        }
        request(body)
    };
    vec![
        case(
            "evaluate",
            "bank",
            "",
            "allowed",
            request(asks("user:anne", "can_read", "document:1")),
        ),
        case(
            "evaluate",
            "bank",
            "subject.no_grant",
            "denied",
            request(asks("user:anne", "can_read", "document:3")),
        ),
        case(
            "evaluate",
            "bank",
            "",
            "with values",
            request(context(
                asks("user:anne", "can_adjust", "credit:7"),
                json!({"amount": 500}),
            )),
        ),
        case(
            "evaluate",
            "bank",
            "condition.missing_context",
            "without values",
            request(asks("user:anne", "can_adjust", "credit:7")),
        ),
        case(
            "evaluate",
            "bank",
            "chain.root_type",
            "an agent by itself",
            request(asks("agent:coordinator", "can_read", "document:1")),
        ),
        case(
            "evaluate",
            "bank",
            "",
            "no subject",
            request(json!({"action": {"name": "can_read"}, "resource": entity("document:1")})),
        ),
        case(
            "evaluations",
            "bank",
            "subject.no_grant",
            "all of them",
            request(many("execute_all")),
        ),
        case(
            "evaluations",
            "bank",
            "subject.no_grant",
            "until one is denied",
            request(many("deny_on_first_deny")),
        ),
        case(
            "evaluations",
            "bank",
            "",
            "until one is permitted",
            request(many("permit_on_first_permit")),
        ),
        case(
            "evaluations",
            "bank",
            "",
            "a semantic that nobody knows",
            request(many("guess")),
        ),
        case(
            "evaluations",
            "bank",
            "subject.no_grant",
            "items that are no evaluation",
            request(
                json!({"subject": entity("user:anne"), "action": {"name": "can_read"},
                "resource": entity("document:1"),
                "evaluations": [{}, {"resource": {"type": "document"}}, 1, {"resource": {"id": "3"}}]}),
            ),
        ),
        case(
            "search_subjects",
            "bank",
            "",
            "who may read a document",
            search(
                json!({"type": "user"}),
                Some("can_read"),
                entity("document:1"),
            ),
        ),
        case(
            "search_resources",
            "bank",
            "",
            "what a user may read",
            search(
                entity("user:bob"),
                Some("can_read"),
                json!({"type": "document"}),
            ),
        ),
        case(
            "search_actions",
            "bank",
            "",
            "what a user may do with a document",
            search(entity("user:anne"), None, entity("document:1")),
        ),
        case(
            "search_actions",
            "bank",
            "condition.missing_context",
            "an action that could not be told",
            search(entity("user:anne"), None, entity("credit:7")),
        ),
        case(
            "search_actions",
            "bank_actions",
            "",
            "the relations that are actions",
            search(entity("user:anne"), None, entity("document:1")),
        ),
        case(
            "search_resources",
            "bank_stale",
            "snapshot.stale",
            "what a snapshot said that is over",
            search(
                entity("user:bob"),
                Some("can_read"),
                json!({"type": "document"}),
            ),
        ),
    ]
}
