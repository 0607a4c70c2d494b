//! What an issuer's readings may not say, since it would have no effect.

use serde_json::{Value, json};

use super::readings::entra;
use super::refusal;
use crate::world::World;

#[test]
fn what_a_reading_says_without_effect_is_refused() {
    let test = |claim: &str, is: Value| {
        let mut test = is;
        test["claim"] = json!(claim);
        test
    };
    for (member, value, code, below) in [
        (
            "require",
            json!([test("a", json!({"present": false}))]),
            "require.absent",
            "require/0",
        ),
        (
            "require",
            json!([test("a", json!({}))]),
            "when.test",
            "require/0",
        ),
        (
            "require",
            json!([test("a", json!({"equals": null}))]),
            "when.test",
            "require/0",
        ),
        (
            "require",
            json!([test("a.b", json!({"present": true}))]),
            "claim.path",
            "require/0",
        ),
        (
            "require",
            json!([
                test("a", json!({"equals": "x"})),
                test("a", json!({"prefix": "y"}))
            ]),
            "when.nothing",
            "require",
        ),
        ("chain", json!("client"), "chain.client_claim", "chain"),
        (
            "scopes_joined",
            json!(true),
            "scopes.claims",
            "scopes_joined",
        ),
        (
            "scope_claims",
            json!(["a.b"]),
            "claim.path",
            "scope_claims/0",
        ),
        (
            "scope_claims",
            json!(["a", "/a"]),
            "scopes.claims",
            "scope_claims/1",
        ),
        (
            "audience_by",
            json!({"claim": "client_id", "one_of": []}),
            "audience.by",
            "audience_by",
        ),
        (
            "audience_by",
            json!({"claim": "a.b", "one_of": ["x"]}),
            "claim.path",
            "audience_by",
        ),
        (
            "readings",
            json!([{"else": true}]),
            "reading.outside",
            "subject",
        ),
    ] {
        let (found, pointer, _) = refusal(member, value);
        assert_eq!(
            (found.as_str(), pointer),
            (code, format!("/issuers/0/{below}"))
        );
    }
    let mut idle = World::new().issuer("client_claim", json!("azp"));
    idle.snapshot["issuers"][0]["chain"] = json!("none");
    let error = deputize::Policy::from_json(idle.snapshot.to_string().as_bytes()).unwrap_err();
    assert_eq!(error.code(), "chain.client_idle");
    for (readings, code, below) in [
        (json!([{"subject": "user:{sub}"}]), "reading.when", "0/when"),
        (
            json!([{"else": true, "when": [test("a", json!({"present": true}))]}]),
            "reading.when",
            "0/when",
        ),
        (
            json!([{"else": true}, {"else": true}]),
            "reading.else",
            "1/when",
        ),
        (
            json!([{"when": [test("a", json!({"equals": "x"}))]}, {"when": [test("/a", json!({"one_of": ["x"]}))]}]),
            "reading.same",
            "1/when",
        ),
        (
            json!([{"when": [test("a", json!({"present": true})), test("a", json!({"present": false}))]}]),
            "when.nothing",
            "0/when",
        ),
    ] {
        let mut world = entra();
        world.snapshot["issuers"][0]["readings"] = readings.clone();
        let error = deputize::Policy::from_json(world.snapshot.to_string().as_bytes()).unwrap_err();
        let found = (error.code(), error.pointer.clone());
        assert_eq!(
            found,
            (code, format!("/issuers/0/readings/{below}")),
            "{readings}"
        );
    }
}

#[test]
fn an_actor_that_nothing_names_is_warned_of() {
    let warned = |world: &World| {
        let policy = world.policy();
        let found = policy.warnings().iter().find(|w| w.code == "issuer.actor");
        found.map(|w| (w.pointer.clone(), w.subject.clone()))
    };
    assert_eq!(warned(&World::new()), None);
    let (pointer, said) = warned(&World::new().issuer("chain", json!("none"))).unwrap();
    assert_eq!(pointer, "/issuers/0/actor");
    assert!(said.contains("leave it out"), "{said}");
    let (_, said) = warned(&World::new().issuer("actor", json!("agent:{azp}"))).unwrap();
    assert!(said.contains("\"client_claim\": \"azp\""), "{said}");
}
