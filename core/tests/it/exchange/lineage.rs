//! A chain proved by its tokens, one a hop.

use deputize::Request;
use deputize::time::UnixSeconds;
use deputize::token::{ClientCertificate, VerifyOptions};
use serde_json::{Value, json};

use super::proved;
use crate::forge::{AUDIENCE, NOW, b64};
use crate::world::{World, claims, scoped, tuple};

fn with(mut claims: Value, member: &str, value: Value) -> Value {
    claims[member] = value;
    claims.as_object_mut().unwrap().retain(|_, v| !v.is_null());
    claims
}

fn code(world: &World, tokens: &[Value]) -> &'static str {
    match proved(world, tokens) {
        Ok(_) => "proved",
        Err(denial) => {
            assert!(!denial.to_string().is_empty());
            denial.code()
        }
    }
}

/// Two tokens of which the second differs in one claim.
fn followed(world: &World, member: &str, before: Value, after: Value) -> &'static str {
    let first = with(
        scoped("anne", &[], "document:read can_adjust"),
        member,
        before,
    );
    let second = with(
        scoped("anne", &["coordinator"], "document:read"),
        member,
        after,
    );
    code(world, &[first, second])
}

#[test]
fn a_token_hands_on_one_hop() {
    let world = World::new();
    let chains: [&[&str]; 4] = [
        &[],
        &["coordinator"],
        &["coordinator", "document"],
        &["coordinator", "calendar"],
    ];
    let token = |place: usize| claims("anne", chains[place]);
    let proofs = |places: &[usize]| {
        let tokens: Vec<Value> = places.iter().map(|place| token(*place)).collect();
        code(&world, &tokens)
    };
    assert_eq!(proofs(&[0]), "proved");
    assert_eq!(proofs(&[0, 1]), "proved");
    assert_eq!(proofs(&[0, 1, 2]), "proved");
    let mismatch = "chain.token_mismatch";
    for wrong in [
        // It begins with one who acts already.
        &[1][..],
        &[1, 2],
        // A hop is left out, made twice, or undone.
        &[0, 2],
        &[0, 1, 1],
        &[0, 0],
        &[0, 1, 0],
        &[0, 1, 2, 3],
    ] {
        assert_eq!(proofs(wrong), mismatch, "{wrong:?}");
    }
    assert_eq!(proofs(&[]), "chain.empty");
    // More tokens than a chain may have hops, before any is looked at.
    assert_eq!(proofs(&[0; 6]), "chain.depth");
    // Another subject, though each token is good.
    let world = World::new().tuple(tuple("agent:coordinator", "delegate_of", "user:bob"));
    let tokens = [claims("bob", &[]), claims("anne", &["coordinator"])];
    assert_eq!(code(&world, &tokens), mismatch);
    // The same name by other claims is another principal.
    let world = World::new().issuer("subject", json!("user:{login}"));
    let named = |actors: &[&str], login: &str| with(claims("u", actors), "login", json!(login));
    let tokens = |login| [named(&[], login), named(&["coordinator"], "anne")];
    assert_eq!(code(&world, &tokens("anne")), "proved");
    assert_eq!(code(&world, &tokens("bob")), mismatch);
}

#[test]
fn a_token_gives_no_more_than_the_one_before_it() {
    let new = || {
        World::new()
            .issuer("task_claim", json!("task"))
            .issuer("audiences", json!([AUDIENCE, "https://b.example"]))
            .issuer("audience_required", json!(false))
    };
    let (world, tenants) = (new(), new().issuer("tenant_claim", json!("tid")));
    let both = || json!([AUDIENCE, "https://b.example"]);
    let none = || Value::Null;
    for (member, before, after, expected) in [
        ("exp", json!(NOW + 50), json!(NOW + 50), "proved"),
        ("exp", json!(NOW + 50), json!(NOW + 49), "proved"),
        (
            "exp",
            json!(NOW + 50),
            json!(NOW + 51),
            "chain.token_widens",
        ),
        ("aud", both(), json!(AUDIENCE), "proved"),
        ("aud", json!(AUDIENCE), both(), "chain.token_widens"),
        ("aud", json!(AUDIENCE), none(), "chain.token_widens"),
        ("aud", none(), json!(AUDIENCE), "proved"),
        (
            "scope",
            json!("document:read"),
            json!("document:read"),
            "proved",
        ),
        (
            "scope",
            json!("can_adjust"),
            json!("document:read"),
            "chain.token_widens",
        ),
        (
            "scope",
            json!(""),
            json!("document:read"),
            "chain.token_widens",
        ),
        (
            "scope",
            json!("document:read"),
            json!("opaque"),
            "chain.token_widens",
        ),
        (
            "scope",
            json!("document:read"),
            none(),
            "chain.token_widens",
        ),
        ("scope", none(), json!("document:read"), "proved"),
        ("scope", none(), none(), "proved"),
        ("tid", json!("a"), json!("a"), "proved"),
        ("tid", json!("a"), json!("b"), "chain.token_widens"),
        ("tid", json!("a"), none(), "token.claim_absent"),
        ("tid", none(), json!("a"), "token.claim_absent"),
        ("task", json!("17"), json!("task:17"), "proved"),
        ("task", json!("17"), none(), "chain.token_widens"),
        ("task", json!("17"), json!("18"), "chain.token_widens"),
        ("may_act", json!({"sub": "coordinator"}), none(), "proved"),
        (
            "may_act",
            json!({"sub": "document"}),
            none(),
            "chain.may_act",
        ),
    ] {
        let world = if member == "tid" { &tenants } else { &world };
        let found = followed(world, member, before.clone(), after.clone());
        assert_eq!(found, expected, "{member}: {before} then {after}");
    }
    let ignored = World::new().issuer("scopes", json!("ignore"));
    let found = followed(&ignored, "scope", json!("a"), json!("b"));
    assert_eq!(found, "proved");
    // Where scopes are required, a token without any holds nothing.
    let required = World::new().issuer("scopes", json!("required"));
    let scope = |before, after| followed(&required, "scope", before, after);
    assert_eq!(scope(json!("x"), none()), "proved");
    assert_eq!(scope(none(), json!("document:read")), "chain.token_widens");
}

#[test]
fn each_token_stands_up_by_itself() {
    let world = World::new();
    for (member, value, expected) in [
        ("aud", json!("https://other.example"), "audience.mismatch"),
        ("iss", json!("https://other.example"), "issuer.unknown"),
        ("nbf", json!(NOW + 1), "token.not_yet_valid"),
        // Only its holder could show the proof.
        ("cnf", json!({"x5t#S256": b64([7; 32])}), "proof.missing"),
    ] {
        let first = with(claims("anne", &[]), member, value);
        let found = code(&world, &[first, claims("anne", &["coordinator"])]);
        assert_eq!(found, expected, "{member}");
    }
    // A hop that was not admitted when its token was used.
    let last = World::new()
        .delegation("check_hops", json!("last"))
        .tuple(tuple("agent:document", "delegate_of", "user:anne"))
        .without(&tuple("agent:coordinator", "delegate_of", "user:anne"));
    let tokens = [&[][..], &["coordinator"], &["coordinator", "document"]];
    let tokens = tokens.map(|actors| claims("anne", actors));
    assert!(last.verify(&tokens[2]).is_ok());
    assert_eq!(code(&last, &tokens), "chain.hop_not_permitted");
    // Revoked after the first was issued, before the second was.
    let world = World::new().with("revoked", json!({"principals": {"user:anne": NOW - 5}}));
    let second = with(claims("anne", &["coordinator"]), "iat", json!(NOW - 1));
    assert!(world.verify(&second).is_ok());
    let tokens = [claims("anne", &[]), second];
    assert_eq!(code(&world, &tokens), "revoked.principal");
    let world = World::new().with("not_after", json!(NOW - 1));
    assert_eq!(code(&world, &[claims("anne", &[])]), "snapshot.stale");
}

#[test]
fn the_proof_is_the_last_tokens() {
    let world = World::new();
    let bound = with(
        claims("anne", &["coordinator"]),
        "cnf",
        json!({"x5t#S256": b64([7; 32])}),
    );
    let tokens = [claims("anne", &[]), bound].map(|claims| world.token(&claims));
    let tokens = [tokens[0].as_bytes(), tokens[1].as_bytes()];
    let ask = |certificate| {
        let options = VerifyOptions {
            certificate,
            audience: Some(AUDIENCE),
            ..VerifyOptions::default()
        };
        let policy = world.policy();
        policy.admit(
            &Request::at(UnixSeconds(NOW))
                .tokens(&tokens)
                .presented(options),
        )
    };
    assert_eq!(ask(None).unwrap_err().code(), "proof.missing");
    let certificate = ClientCertificate::from_sha256([7; 32]);
    let caller = ask(Some(certificate)).unwrap();
    assert_eq!(caller.actor(), "agent:coordinator");
    // The record knows every token, and is decided again without them.
    let decision = caller.at(UnixSeconds(NOW)).decide("can_read", "document:1");
    assert_eq!(decision.record.inputs.earlier.len(), 1);
    assert_eq!(
        world.policy().replay(&decision.record),
        Ok(decision.clone())
    );
    let again = world
        .policy()
        .replay_with(&decision.record, tokens[1], &VerifyOptions::default());
    assert_eq!(again.unwrap_err().code(), "replay.several_tokens");
    let alone = World::verify(&world, &claims("anne", &["coordinator"])).unwrap();
    let alone = alone.at(UnixSeconds(NOW)).decide("can_read", "document:1");
    assert_ne!(alone.record.id, decision.record.id);
}

/// The tokens that proved a chain can be revoked too, after it was written down.
#[test]
fn a_record_of_a_proved_chain_knows_the_tokens_before_the_last() {
    let world = World::new();
    let mut first = claims("anne", &[]);
    first["jti"] = json!("first");
    let mut second = claims("anne", &["coordinator"]);
    second["jti"] = json!("second");
    let caller = proved(&world, &[first, second]).unwrap();
    let record = caller
        .at(UnixSeconds(NOW))
        .decide("can_read", "document:1")
        .record;
    assert!(record.allowed);
    for id in ["first", "second"] {
        let snapshot = World {
            key: crate::forge::ed(),
            snapshot: world.snapshot.clone(),
        };
        let revoked = snapshot.with("revoked", json!({"tokens": [id]})).policy();
        let again = revoked.replay(&record).unwrap();
        assert_eq!(again.reason.code(), "revoked.token", "{id}");
    }
    assert_eq!(world.policy().replay(&record).unwrap().record, record);
}
