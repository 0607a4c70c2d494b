//! A token as a policy would read it: everything that there is to say, and no
//! word of it believed.

use deputize::Request;
use deputize::caller::PolicyInspection;
use deputize::time::UnixSeconds;
use serde_json::{Value, json};

use crate::forge::{NOW, b64, ed};
use crate::world::{World, claims, scoped};

fn inspect(world: &World, token: &str) -> PolicyInspection {
    world.policy().inspect(token, UnixSeconds(NOW))
}

fn parties(seen: &PolicyInspection) -> Vec<&str> {
    seen.chain.iter().map(|p| p.principal.as_str()).collect()
}

/// The reason that the parties are refused for, and of each hop whether it is
/// admitted.
fn verdict(seen: &PolicyInspection) -> (Option<&'static str>, Vec<bool>) {
    let reason = seen.refusal.as_ref().map(|refusal| refusal.reason.code());
    (reason, seen.hops.iter().map(|hop| hop.allowed).collect())
}

#[test]
fn each_hop_names_the_rule_that_admits_it() {
    let world = World::new();
    let token = world.token(&scoped(
        "anne",
        &["coordinator", "calendar"],
        "document:read x",
    ));
    let seen = inspect(&world, &format!(" Bearer {token}\n"));
    assert!(seen.signature.fits);
    assert_eq!(verdict(&seen), (None, vec![true, true]));
    assert_eq!(
        parties(&seen),
        ["user:anne", "agent:coordinator", "agent:calendar"]
    );
    let said = serde_json::to_value(&seen.hops).unwrap();
    assert_eq!(
        said[0]["grounds"][0]["rule"],
        json!({"user": "{to}", "relation": "delegate_of", "object": "{from}"})
    );
    assert_eq!(said[1]["grounds"][0]["rule"]["relation"], "invoke");
    assert_eq!(said[1]["grounds"][0]["kind"], "relationships");
    assert_eq!(
        serde_json::to_value(&seen.scopes).unwrap(),
        json!([[
            {"scope": "document:read", "covers": ["`can_read` on every `document`"]},
            {"scope": "x", "covers": ["`x` on everything"]},
        ]])
    );
}

#[test]
fn a_hop_that_is_not_admitted_is_shown_with_what_was_lacking() {
    let world = World::new();
    let seen = inspect(
        &world,
        &world.token(&claims("anne", &["calendar", "document"])),
    );
    assert_eq!(verdict(&seen), (None, vec![false, false]));
    let said = serde_json::to_value(&seen.hops).unwrap();
    assert_eq!(said[0]["grounds"][0]["rule"]["relation"], "delegate_of");
    assert_eq!(said[0]["grounds"][0]["explanation"]["allowed"], false);
    // No rule is about such two at all.
    let other = World::new().delegation("hops", json!([]));
    let seen = inspect(&other, &other.token(&claims("anne", &["calendar"])));
    assert_eq!(verdict(&seen), (None, vec![false]));
    assert!(seen.hops[0].grounds.is_empty());
}

/// What cannot be believed can still be read; only `verify` decides.
#[test]
fn a_token_that_is_refused_is_read_to_the_end() {
    let world = World::new();
    let mut old = claims("anne", &["coordinator"]);
    old["exp"] = json!(NOW);
    old["aud"] = json!("https://other.example");
    let seen = inspect(&world, &world.token(&old));
    assert!(seen.signature.fits);
    assert_eq!(verdict(&seen), (None, vec![true]));
    let forged = inspect(&world, &ed().token(&claims("anne", &["coordinator"])));
    assert_eq!(forged.signature.code, "token.signature");
    assert_eq!(verdict(&forged), (None, vec![true]));
    let none = format!(
        "{}.{}.",
        b64(r#"{"alg":"none"}"#),
        b64(claims("anne", &["coordinator"]).to_string())
    );
    let seen = inspect(&world, &none);
    assert_eq!(seen.signature.code, "token.algorithm");
    assert_eq!(verdict(&seen), (None, vec![true]));
    for token in [&none, &world.token(&old)] {
        let policy = world.policy();
        let options = deputize::token::VerifyOptions::default();
        let verified = policy.admit(
            &Request::at(UnixSeconds(NOW))
                .token(token.as_bytes())
                .presented(options),
        );
        assert!(verified.is_err());
    }
}

#[test]
fn parties_that_are_refused_are_refused_here_too() {
    let world = World::new();
    let refused = |world: &World, claims: &Value| {
        let seen = inspect(world, &world.token(claims));
        let expected = world.verify(claims).unwrap_err();
        let refusal = seen.refusal.clone().unwrap();
        assert_eq!(
            (refusal.reason, &refusal.message),
            (expected.reason, &expected.message)
        );
        (refusal.reason.code(), seen.chain.len())
    };
    let cycle = claims("anne", &["coordinator", "calendar", "coordinator"]);
    assert_eq!(refused(&world, &cycle), ("chain.cycle", 4));
    let deep = claims("anne", &["a", "b", "c", "d", "e"]);
    assert_eq!(refused(&world, &deep), ("chain.depth", 0));
    let roots = World::new().delegation("roots", json!(["service"]));
    let chain = claims("anne", &["coordinator"]);
    assert_eq!(refused(&roots, &chain), ("chain.root_type", 2));
    let none = World::new().issuer("chain", json!("none"));
    assert_eq!(refused(&none, &chain), ("chain.not_expected", 0));
    let nobody = World::new().with("delegation", Value::Null).snapshot;
    let mut without = nobody;
    without.as_object_mut().unwrap().remove("delegation");
    let without = World {
        snapshot: without,
        ..World::new()
    };
    assert_eq!(
        inspect(&without, &without.token(&chain))
            .refusal
            .unwrap()
            .reason
            .code(),
        "chain.no_delegation"
    );
    let mut stranger = chain.clone();
    stranger["iss"] = json!("https://nobody.example");
    assert_eq!(refused(&world, &stranger), ("issuer.unknown", 0));
    for token in ["", "a.b.c", "{}", "e30.e30.e30"] {
        let seen = inspect(&world, token);
        assert!(seen.refusal.is_some() && seen.hops.is_empty() && !seen.signature.fits);
    }
}

#[test]
fn the_other_convention_is_read_from_the_other_end() {
    let world = World::new().issuer("chain", json!("subject_is_actor"));
    let mut vended = claims("coordinator", &[]);
    vended["act"] = json!({"sub": "anne"});
    let seen = inspect(&world, &world.token(&vended));
    assert_eq!(parties(&seen), ["user:anne", "agent:coordinator"]);
    assert_eq!(verdict(&seen), (None, vec![true]));
}
