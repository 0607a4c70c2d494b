//! The next token of a chain, and its first one.

use serde_json::{Value, json};

use super::chains::through;
use super::keys::token;
use super::snapshots::AUDIENCE;
use super::tokens::with;
use super::{Case, NOW, case};

fn exchange(subject: Value, actor: Value, wanted: Value) -> Value {
    let mut request = json!({"subject_token": token("test-ed", &subject)});
    if !actor.is_null() {
        request["actor"] = actor;
    }
    if !wanted.is_null() {
        request["wanted"] = wanted;
    }
    request
}

pub(super) fn cases() -> Vec<Case> {
    let anne = || with(json!({"scope": "document:read can_adjust"}));
    let coordinator = || json!({"principal": "agent:coordinator"});
    let by_token = |claims: Value| json!({"token": token("test-ed", &claims)});
    let read = || json!({"scope": "document:read"});
    let given = |code: &'static str, name: &'static str, request: Value| {
        case("exchange", "bank", code, name, request)
    };
    let bound = |wanted: Value| {
        let mut claims = anne();
        claims["cnf"] = json!({"x5t#S256": "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc"});
        let mut request = exchange(claims, coordinator(), wanted);
        request["proof"] = json!({"certificate_sha256": "07".repeat(32)});
        request
    };
    let mut cases = vec![
        given(
            "",
            "handed on to an agent, narrowed",
            exchange(anne(), coordinator(), read()),
        ),
        given(
            "",
            "handed on with all its scopes",
            exchange(anne(), coordinator(), Value::Null),
        ),
        given(
            "",
            "only narrowed",
            exchange(
                anne(),
                Value::Null,
                json!({"scope": "document:read", "lifetime": 60}),
            ),
        ),
        given(
            "",
            "handed on once more",
            exchange(
                {
                    let mut claims = through("anne", &["coordinator"]);
                    claims["scope"] = json!("document:read");
                    claims
                },
                json!({"principal": "agent:document"}),
                Value::Null,
            ),
        ),
        given(
            "",
            "bound to whoever acts",
            exchange(
                anne(),
                coordinator(),
                json!({"scope": "document:read",
                    "confirmation": {"jkt": "bU5NbUL7k5TT5Iktm6rga9PInfxjmId9Ys6BFXqdRY4"}}),
            ),
        ),
        given(
            "exchange.confirmation",
            "a bound token is not handed on as one that anybody may use",
            bound(read()),
        ),
        given(
            "",
            "a bound token stays bound where the host says so",
            bound(json!({"scope": "document:read", "confirmation": "keep"})),
        ),
        given(
            "",
            "a bound token is let go where the host says so",
            bound(json!({"scope": "document:read", "confirmation": "drop"})),
        ),
        given(
            "identity.unknown",
            "a principal that no token of the issuer can name",
            exchange(anne(), json!({"principal": "service:cron"}), read()),
        ),
        given(
            "chain.hop_not_permitted",
            "to an agent that may not act for her",
            exchange(anne(), json!({"principal": "agent:calendar"}), read()),
        ),
        given(
            "chain.cycle",
            "in a circle",
            exchange(
                through("anne", &["coordinator", "calendar"]),
                coordinator(),
                Value::Null,
            ),
        ),
        given(
            "chain.may_act",
            "`may_act` names another",
            exchange(
                with(json!({"may_act": {"sub": "calendar"}})),
                coordinator(),
                Value::Null,
            ),
        ),
        given(
            "exchange.actor",
            "an actor token of one who acts for another",
            exchange(anne(), by_token(through("bob", &["coordinator"])), read()),
        ),
        given(
            "exchange.scope",
            "a scope beyond what is held",
            exchange(
                anne(),
                coordinator(),
                json!({"scope": "document:read delete"}),
            ),
        ),
        given(
            "scope.grammar",
            "a scope that is none",
            exchange(anne(), coordinator(), json!({"scope": "a  b"})),
        ),
        given(
            "exchange.target",
            "an audience beyond what is held",
            exchange(
                anne(),
                coordinator(),
                json!({"audiences": ["https://other.example"]}),
            ),
        ),
        given(
            "exchange.target",
            "a resource that is no absolute URI",
            exchange(anne(), coordinator(), json!({"resources": ["/things"]})),
        ),
        given(
            "",
            "for the audience that is held",
            exchange(anne(), coordinator(), json!({"audiences": [AUDIENCE]})),
        ),
        given(
            "exchange.lifetime",
            "for no time",
            exchange(anne(), coordinator(), json!({"lifetime": 0})),
        ),
        given(
            "token.expired",
            "of a token that is over",
            exchange(with(json!({"exp": NOW})), coordinator(), Value::Null),
        ),
        given(
            "principal.disabled",
            "to a disabled agent",
            exchange(anne(), json!({"principal": "agent:gone"}), read()),
        ),
        given(
            "exchange.claim",
            "a task where the actor's token names another",
            exchange(
                with(json!({"task": "17"})),
                by_token(with(json!({"sub": "coordinator", "task": "18"}))),
                Value::Null,
            ),
        ),
        case(
            "exchange",
            "bank_stale",
            "snapshot.stale",
            "of a snapshot that is over",
            exchange(anne(), coordinator(), read()),
        ),
        case(
            "delegate",
            "bank",
            "",
            "a verified caller hands on",
            json!({
            "token": token("test-ed", &anne()), "actor": coordinator(), "wanted": read()}),
        ),
        case(
            "delegate",
            "bank",
            "exchange.no_token",
            "a caller without a token has nothing to hand on",
            json!({
            "chain": ["user:anne"], "actor": coordinator(), "wanted": read()}),
        ),
    ];
    cases.extend(credentials());
    cases
}

/// FusionAuth's client credentials.
fn credentials() -> Vec<Case> {
    let asks = |code: &'static str, name: &'static str, principal: &str, scope: Value| {
        let request = json!({"principal": principal, "scope": scope});
        case("client_credentials", "entities", code, name, request)
    };
    let mut aliased = asks(
        "",
        "an alias of a permission",
        "user:anne",
        json!("urn:hero:schools:read"),
    );
    aliased.request["audience"] = json!("email");
    vec![
        asks(
            "",
            "a granted permission becomes claims",
            "entity:coordinator",
            json!("target-entity:email:SendEmail"),
        ),
        asks(
            "",
            "all that is granted",
            "entity:coordinator",
            json!("target-entity:email target-entity:calendar"),
        ),
        asks(
            "",
            "a user's own grant",
            "user:anne",
            json!("target-entity:coordinator:execute"),
        ),
        asks("", "no scope at all", "entity:coordinator", Value::Null),
        asks(
            "",
            "a permission with colons",
            "user:anne",
            json!("target-entity:email:urn:hero:schools:read"),
        ),
        aliased,
        asks(
            "credentials.no_grant",
            "a permission that was not granted",
            "entity:email",
            json!("target-entity:coordinator:execute"),
        ),
        asks(
            "credentials.unknown_client",
            "a destroyed entity",
            "entity:destroyed",
            json!("target-entity:email:SendEmail"),
        ),
        asks(
            "credentials.unknown_scope",
            "a scope that nobody knows",
            "entity:coordinator",
            json!("email"),
        ),
        asks(
            "scope.grammar",
            "a scope parameter that is none",
            "entity:coordinator",
            json!("a  b"),
        ),
    ]
}
