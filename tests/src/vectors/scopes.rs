//! Scopes: what they cover, and what no scope claim may be.

use serde_json::{Value, json};

use super::keys::token;
use super::tokens::with;
use super::{Case, case};

fn asks(claims: Value, action: &str, resource: &str) -> Value {
    json!({"token": token("test-ed", &with(claims)), "action": action, "resource": resource})
}

pub(super) fn cases() -> Vec<Case> {
    let decide = |code: &'static str, name: &'static str, claims: Value| {
        case(
            "decide",
            "bank",
            code,
            name,
            asks(claims, "can_read", "document:1"),
        )
    };
    let inline = |allow: Value| json!({"https://fusebit.io/permissions": {"allow": [allow]}});
    let rule =
        |action: &str, resource: &str| inline(json!({"action": action, "resource": resource}));
    let path = |code: &'static str, name: &'static str, resource: &str| {
        let request = asks(json!({"sub": "u-1"}), "integration:get", resource);
        case("decide", "access", code, name, request)
    };
    vec![
        decide(
            "allowed",
            "a scope of the table",
            json!({"scope": "document:read"}),
        ),
        decide(
            "allowed",
            "an action pattern",
            json!({"scope": "other can_read"}),
        ),
        decide("allowed", "an alias", json!({"scope": "urn:bank:read"})),
        decide("allowed", "`scp` as a list", json!({"scp": ["can_read"]})),
        decide(
            "allowed",
            "`permissions` as a list",
            json!({"permissions": ["can_read"]}),
        ),
        decide("scope.insufficient", "an empty scope", json!({"scope": ""})),
        decide(
            "scope.insufficient",
            "an unknown scope",
            json!({"scope": "DOCUMENT:READ"}),
        ),
        decide(
            "scope.insufficient",
            "each claim of scopes narrows",
            json!({"scope": "document:read", "scp": ["can_adjust"]}),
        ),
        decide(
            "scope.grammar",
            "two spaces",
            json!({"scope": "document:read  x"}),
        ),
        decide(
            "scope.shape",
            "a scope that is a number",
            json!({"scope": 1}),
        ),
        decide(
            "scope.shape",
            "permissions that are a number",
            json!({"permissions": 1}),
        ),
        decide(
            "scope.too_long",
            "a scope beyond what is read",
            json!({"scope": "a".repeat(16_385)}),
        ),
        decide(
            "scope.unknown_detail_type",
            "an authorization detail that nobody declared",
            json!({"authorization_details": [{"type": "payment", "actions": ["can_read"]}]}),
        ),
        decide(
            "scope.insufficient",
            "an authorization detail of something else",
            json!({"authorization_details": [{"type": "credit", "actions": ["can_adjust"], "identifier": "7"}]}),
        ),
        decide(
            "scope.unknown_member",
            "a member that might restrict",
            json!({"https://fusebit.io/permissions": {"allow": [], "deny": []}}),
        ),
        decide(
            "scope.resource",
            "a rule on neither a path nor an object",
            rule("can_read", "a:"),
        ),
        decide("action.empty", "a rule of no action", rule("", "/")),
        decide(
            "action.empty_segment",
            "a rule with an empty segment",
            rule("a::b", "/"),
        ),
        decide(
            "action.partial_wildcard",
            "a rule with half a wildcard",
            rule("integration:get*", "/"),
        ),
        decide("action.character", "a rule with a space", rule("a b", "/")),
        decide(
            "action.too_long",
            "a rule beyond what is read",
            rule(&"a".repeat(513), "/"),
        ),
        decide(
            "path.encoding",
            "a rule that hides a separator",
            rule("a", "/x%2Fy"),
        ),
        case(
            "decide",
            "bank",
            "scope.insufficient",
            "a scope that is required and not there",
            {
                let mut claims = with(json!({"iss": "https://rsa.example"}));
                claims["jti"] = json!("t-2");
                json!({"token": token("test-rsa", &claims), "action": "can_read", "resource": "document:1"})
            },
        ),
        case(
            "decide",
            "bank",
            "scope.insufficient",
            "the host narrows too",
            {
                let mut request = asks(json!({"scope": "document:read"}), "can_read", "document:1");
                request["setting"] = json!({"scope": "can_adjust"});
                request
            },
        ),
        path(
            "allowed",
            "a path below a rule's",
            "/account/acc-1/subscription/sub-1/",
        ),
        path(
            "subject.no_grant",
            "a path that only begins alike",
            "/account/acc-10/",
        ),
        path("path.empty_segment", "an empty segment", "/account//acc-1"),
        path("path.dot_segment", "two dots", "/account/acc-1/../acc-2"),
        path("path.character", "a question mark", "/account/acc-1?x"),
        path(
            "path.encoding",
            "a separator hidden",
            "/account/acc-1%2F..%2Facc-2",
        ),
        path(
            "path.too_long",
            "a path beyond what is read",
            &format!("/{}", "a".repeat(2_048)),
        ),
        path("path.empty", "nothing", ""),
        case(
            "decide",
            "access",
            "allowed",
            "an action pattern covers what is below it",
            asks(
                json!({"sub": "u-1"}),
                "integration:deploy",
                "/account/acc-1/",
            ),
        ),
        case(
            "decide",
            "access",
            "subject.no_grant",
            "a client has its own rules",
            asks(
                json!({"sub": "c-1"}),
                "integration:deploy",
                "/account/acc-1/",
            ),
        ),
        case(
            "decide",
            "access",
            "scope.insufficient",
            "inline permissions only narrow",
            asks(
                {
                    let mut claims = rule("integration:get", "/");
                    claims["sub"] = json!("u-1");
                    claims
                },
                "integration:deploy",
                "/account/acc-1/",
            ),
        ),
    ]
}
