//! Chains: who acts for whom, by one token, by several, and by a host's word.

use serde_json::{Value, json};

use super::keys::token;
use super::tokens::{reads, with};
use super::{Case, NOW, case};

/// Claims of `sub`, through these actors, oldest first.
pub(super) fn through(sub: &str, actors: &[&str]) -> Value {
    let mut act = Value::Null;
    for actor in actors {
        act = match act {
            Value::Null => json!({"sub": actor}),
            inner => json!({"sub": actor, "act": inner}),
        };
    }
    with(json!({"sub": sub, "act": act}))
}

fn member(mut claims: Value, name: &str, value: Value) -> Value {
    claims[name] = value;
    claims
}

fn vend(sub: &str, actors: &[&str]) -> Value {
    member(through(sub, actors), "iss", json!("https://vend.example"))
}

pub(super) fn cases() -> Vec<Case> {
    let asked = |snapshot: &'static str, code: &'static str, name: &'static str, claims: Value| {
        case(
            "decide",
            snapshot,
            code,
            name,
            reads(&token("test-ed", &claims)),
        )
    };
    let vouched =
        |snapshot: &'static str, code: &'static str, name: &'static str, chain: &[&str]| {
            let request = json!({"chain": chain, "action": "can_read", "resource": "document:1"});
            case("decide", snapshot, code, name, request)
        };
    let one = through("anne", &["coordinator"]);
    let two = through("anne", &["coordinator", "document"]);
    let mut cases = vec![
        asked("bank", "allowed", "an agent acts for a user", one.clone()),
        asked(
            "bank",
            "allowed",
            "an agent that an agent called",
            two.clone(),
        ),
        asked(
            "bank",
            "actor.no_grant",
            "a stolen calendar token",
            through("anne", &["coordinator", "calendar"]),
        ),
        asked(
            "bank",
            "chain.hop_not_permitted",
            "a forged delegate",
            through("bob", &["coordinator"]),
        ),
        asked(
            "bank",
            "chain.hop_not_permitted",
            "an agent that only the coordinator may call",
            through("anne", &["document"]),
        ),
        asked(
            "bank",
            "chain.cycle",
            "an agent twice",
            through("anne", &["coordinator", "calendar", "coordinator"]),
        ),
        asked(
            "bank",
            "chain.depth",
            "deeper than `max_depth`",
            through("anne", &["a", "b", "c", "d", "e"]),
        ),
        asked(
            "bank_shallow",
            "chain.depth",
            "deeper than a smaller `max_depth`",
            two.clone(),
        ),
        asked(
            "bank_deep",
            "chain.hop_not_permitted",
            "deep, and nobody admitted it",
            through("anne", &["a", "b", "c", "d", "e"]),
        ),
        asked(
            "bank_without_delegation",
            "chain.no_delegation",
            "nobody says that anybody acts for another",
            one.clone(),
        ),
        asked(
            "bank_without_delegation",
            "allowed",
            "anne herself needs no delegation",
            with(json!({})),
        ),
        asked(
            "bank",
            "chain.may_act",
            "`may_act` names another",
            member(one.clone(), "may_act", json!({"sub": "calendar"})),
        ),
        asked(
            "bank",
            "allowed",
            "`may_act` names the actor",
            member(one.clone(), "may_act", json!({"sub": "coordinator"})),
        ),
        asked(
            "bank",
            "principal.disabled",
            "a disabled actor",
            through("anne", &["gone"]),
        ),
        asked(
            "bank",
            "principal.expired",
            "an expired actor",
            through("anne", &["past"]),
        ),
        asked(
            "bank",
            "identity.unknown",
            "an actor of an issuer that nobody trusts",
            member(
                one.clone(),
                "act",
                json!({"sub": "coordinator", "iss": "https://nobody.example"}),
            ),
        ),
        asked(
            "bank",
            "allowed",
            "an actor of another trusted issuer",
            member(
                one.clone(),
                "act",
                json!({"sub": "coordinator", "iss": "https://rsa.example"}),
            ),
        ),
        asked(
            "bank",
            "chain.cycle",
            "two names of one principal",
            through("c-1", &["coordinator", "coordinator"]),
        ),
        asked(
            "bank_last_hop",
            "chain.hop_not_permitted",
            "only the last hop is looked at, and nobody admits it",
            two.clone(),
        ),
        asked(
            "bank_actor_scopes",
            "allowed",
            "an actor that may use a scope",
            one.clone(),
        ),
        asked(
            "bank_services",
            "allowed",
            "a scheduled run starts at a service",
            through("cron", &["scheduler"]),
        ),
        asked(
            "bank",
            "chain.hop_not_permitted",
            "a scheduled run where no service may be the root",
            through("cron", &["scheduler"]),
        ),
        case(
            "decide",
            "bank",
            "chain.not_expected",
            "`act` where the issuer has none",
            reads(&token(
                "test-secret",
                &member(one.clone(), "iss", json!("https://secret.example")),
            )),
        ),
        case(
            "decide",
            "bank",
            "allowed",
            "`sub` acts, and the innermost `act` is the subject",
            reads(&token("test-ed-2", &vend("coordinator", &["anne"]))),
        ),
        case(
            "decide",
            "bank",
            "chain.root_type",
            "the same without its human",
            reads(&token("test-ed-2", &vend("coordinator", &[]))),
        ),
        case(
            "decide",
            "bank",
            "identity.foreign",
            "a subject of another issuer",
            reads(&token(
                "test-ed-2",
                &member(
                    vend("coordinator", &["anne"]),
                    "act",
                    json!({"sub": "anne", "iss": super::snapshots::ISSUER}),
                ),
            )),
        ),
        asked(
            "bank",
            "chain.incomplete",
            "a chain that is said to be cut short",
            member(one.clone(), "chain_complete", json!(false)),
        ),
        vouched(
            "bank",
            "allowed",
            "a host vouches for a chain",
            &["user:anne", "agent:coordinator"],
        ),
        vouched("bank", "chain.empty", "nobody", &[]),
        vouched(
            "bank",
            "chain.root_type",
            "an agent alone",
            &["agent:coordinator"],
        ),
        vouched(
            "bank_services",
            "allowed",
            "a service alone",
            &["service:cron"],
        ),
        vouched(
            "bank",
            "chain.root_type",
            "a service alone, where it may not be the root",
            &["service:cron"],
        ),
        vouched(
            "bank",
            "chain.cycle",
            "a user twice",
            &["user:anne", "agent:coordinator", "user:anne"],
        ),
        vouched("bank", "principal.malformed", "no type", &["anne"]),
        vouched("bank", "principal.malformed", "everybody", &["user:*"]),
        vouched(
            "entities",
            "principal.unknown",
            "an entity that was destroyed",
            &["entity:destroyed"],
        ),
        vouched(
            "bank_stale",
            "snapshot.stale",
            "a host's word for a snapshot that is over",
            &["user:anne"],
        ),
    ];
    // The one before the current actor may not read it.
    let mut every = reads(&token(
        "test-ed",
        &through("anne", &["coordinator", "document"]),
    ));
    every["resource"] = json!("document:4");
    cases.push(case(
        "decide",
        "bank_every_actor",
        "actor.no_grant",
        "every actor must hold it",
        every,
    ));
    // A hop under a condition waits for its context.
    let guest = token("test-ed", &through("anne", &["guest"]));
    for (code, name, context) in [
        (
            "condition.missing_context",
            "a hop waits for its context",
            json!({}),
        ),
        (
            "chain.hop_not_permitted",
            "a hop whose condition is not met",
            json!({"ticket": "T-2"}),
        ),
        (
            "allowed",
            "a hop whose condition is met",
            json!({"ticket": "T-1"}),
        ),
    ] {
        let mut request = reads(&guest);
        request["context"] = context;
        cases.push(case("decide", "bank", code, name, request));
    }
    cases.extend(proved());
    cases
}

/// Chains that are proved by their tokens, one a hop.
fn proved() -> Vec<Case> {
    let proved = |code: &'static str, name: &'static str, tokens: Vec<Value>| {
        let tokens: Vec<String> = tokens
            .iter()
            .map(|claims| token("test-ed", claims))
            .collect();
        let request = json!({"tokens": tokens, "action": "can_read", "resource": "document:1"});
        case("decide", "bank", code, name, request)
    };
    let own = member(with(json!({})), "scope", json!("document:read can_adjust"));
    let next = member(
        through("anne", &["coordinator"]),
        "scope",
        json!("document:read"),
    );
    let last = member(
        through("anne", &["coordinator", "document"]),
        "scope",
        json!("document:read"),
    );
    vec![
        proved(
            "allowed",
            "each token hands on one hop",
            vec![own.clone(), next.clone(), last.clone()],
        ),
        proved("chain.empty", "no token", vec![]),
        proved(
            "chain.token_mismatch",
            "a hop is left out",
            vec![own.clone(), last],
        ),
        proved(
            "chain.token_mismatch",
            "of another subject",
            vec![member(own.clone(), "sub", json!("bob")), next.clone()],
        ),
        proved(
            "chain.token_mismatch",
            "the first is not the subject's own",
            vec![next.clone(), next.clone()],
        ),
        proved(
            "chain.token_widens",
            "a scope more",
            vec![
                own.clone(),
                member(next.clone(), "scope", json!("document:read delete")),
            ],
        ),
        proved(
            "chain.token_widens",
            "a second longer",
            vec![own.clone(), member(next.clone(), "exp", json!(NOW + 291))],
        ),
        proved(
            "token.expired",
            "the first is over",
            vec![member(own, "exp", json!(NOW)), next],
        ),
    ]
}
