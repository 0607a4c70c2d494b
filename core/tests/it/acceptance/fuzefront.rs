//! FuzeFront's agents: principals of their own that are delegates of users.

use deputize::Policy;
use deputize::Request;
use deputize::time::UnixSeconds;
use deputize::token::VerifyOptions;
use serde_json::{Value, json};

use crate::forge::{AUDIENCE, ISSUER, NOW, ed, entry, rsa};
use crate::world::{World, answer, claims, tuple};

#[test]
fn fz1_a_service_accounts_token_is_verified_offline() {
    let key = rsa("RS256");
    let mut issuer = entry(&key);
    issuer["issuer"] = json!("https://auth.example/application/o/app/");
    issuer["audiences"] = json!(["client-7"]);
    issuer["subject"] = json!("service:{azp}");
    issuer["scopes"] = json!("ignore");
    let snapshot = json!({
        "deputize": 1,
        "model": "model\n  schema 1.1\ntype service\ntype secret\n  relations\n    define can_read: [service]",
        "tuples": [tuple("service:client-7", "can_read", "secret:1")],
        "issuers": [issuer],
    });
    let policy = Policy::from_json(snapshot.to_string().as_bytes()).unwrap();
    let shaped = json!({
        "iss": "https://auth.example/application/o/app/", "sub": "ak-client-7-client_credentials",
        "aud": "client-7", "azp": "client-7", "uid": "x9", "iat": NOW, "exp": NOW + 300,
    });
    let header = json!({"alg": "RS256", "kid": "k1", "typ": "JWT"}).to_string();
    let token = key.token_of(&header, &shaped.to_string());
    let caller = policy.admit(&Request::at(UnixSeconds(NOW)).token(token.as_bytes()));
    let caller = caller.unwrap();
    assert_eq!(caller.subject(), "service:client-7");
    assert_eq!(answer(&caller, "can_read", "secret:1"), "allowed");
}

#[test]
fn fz2_an_agent_is_never_a_user() {
    // Of one issuer, one `sub`: the type is the snapshot's word, not the token's.
    let world = World::new()
        .with(
            "principals",
            json!([{"id": "agent:anne", "identities": [{"issuer": ISSUER, "subject": "svc-anne"}]}]),
        )
        .delegation("roots", json!(["user", "agent"]));
    for (sub, principal) in [("anne", "user:anne"), ("svc-anne", "agent:anne")] {
        let caller = world.verify(&claims(sub, &[])).unwrap();
        assert_eq!(caller.subject(), principal);
    }
    // What anne may read, an agent of that name may not.
    assert_eq!(
        world.ask(&claims("svc-anne", &[]), "can_read", "document:1"),
        "subject.no_grant"
    );
    for sub in ["agent:anne", "user:anne"] {
        assert_eq!(
            world.ask(&claims(sub, &[]), "can_read", "document:1"),
            "identity.unknown"
        );
    }
}

#[test]
fn fz3_a_delegate_reaches_what_its_user_and_its_scopes_allow() {
    let world = |scopes: Value| {
        World::new()
            .delegation("actor_authority", json!("scopes"))
            .with(
                "principals",
                json!([{"id": "agent:coordinator", "scopes": scopes}]),
            )
    };
    let delegated = claims("anne", &["coordinator"]);
    let reads = world(json!(["document:read"]));
    assert_eq!(reads.ask(&delegated, "can_read", "document:1"), "allowed");
    assert_eq!(reads.ask(&delegated, "can_read", "document:2"), "allowed");
    assert_eq!(
        reads.ask(&delegated, "can_read", "document:3"),
        "subject.no_grant"
    );
    assert_eq!(
        reads.ask(&delegated, "can_adjust", "credit:7"),
        "actor.no_grant"
    );
    let nothing = world(json!([]));
    assert_eq!(
        nothing.ask(&delegated, "can_read", "document:1"),
        "actor.no_grant"
    );
    let either = world(json!([])).delegation("actor_authority", json!("grants_or_scopes"));
    assert_eq!(either.ask(&delegated, "can_read", "document:1"), "allowed");
    assert_eq!(
        either.ask(&delegated, "can_read", "document:2"),
        "actor.no_grant"
    );
    let undone = reads.without(&tuple("agent:coordinator", "delegate_of", "user:anne"));
    assert_eq!(
        undone.ask(&delegated, "can_read", "document:1"),
        "chain.hop_not_permitted"
    );
}

#[test]
fn fz4_a_delegate_of_one_user_has_nothing_of_another() {
    let world = World::new();
    let own = claims("anne", &["coordinator"]);
    assert_eq!(
        world.ask(&own, "can_read", "document:3"),
        "subject.no_grant"
    );
    let forged = claims("bob", &["coordinator"]);
    assert_eq!(
        world.ask(&forged, "can_read", "document:3"),
        "chain.hop_not_permitted"
    );
}

#[test]
fn fz5_a_tuple_of_one_tenant_gives_nothing_in_another() {
    let delegate = tuple("agent:coordinator", "delegate_of", "user:anne");
    let mut tagged = delegate.clone();
    tagged["tenant"] = json!("t1");
    let world = World::new()
        .without(&delegate)
        .tuple(tagged)
        .issuer("tenant_claim", json!("tid"))
        .with(
            "principals",
            json!([
            {"id": "user:anne", "tenants": ["t1", "t2"]},
            {"id": "agent:coordinator", "tenants": ["t1", "t2"]}]),
        )
        .with("resources", json!([{"id": "document:1", "tenant": "t2"}]));
    let asked = |tenant: Option<&str>| {
        let mut own = claims("anne", &["coordinator"]);
        if let Some(tenant) = tenant {
            own["tid"] = json!(tenant);
        }
        world.ask(&own, "can_read", "document:1")
    };
    assert_eq!(asked(Some("t1")), "tenant.mismatch");
    assert_eq!(asked(Some("t2")), "chain.hop_not_permitted");
    assert_eq!(asked(Some("t3")), "tenant.mismatch");
    assert_eq!(asked(None), "token.claim_absent");
    // Where no claim is declared, the parties' tenants are all that is known.
    let mut undeclared = world.snapshot.clone();
    let issuer = undeclared["issuers"][0].as_object_mut().unwrap();
    issuer.remove("tenant_claim");
    let undeclared = World {
        snapshot: undeclared,
        ..world
    };
    let own = claims("anne", &["coordinator"]);
    assert_eq!(
        undeclared.ask(&own, "can_read", "document:1"),
        "tenant.needed"
    );
}

#[test]
fn fz6_no_bearer_token_of_its_own_kind() {
    let policy = World::new().policy();
    let options = VerifyOptions::default();
    for token in [
        "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8",
        "ffk_9pQ2x7LmN0",
        "sha256:5e88.4898.da28",
    ] {
        let refused = policy.admit(
            &Request::at(UnixSeconds(NOW))
                .token(token.as_bytes())
                .presented(options),
        );
        assert_eq!(refused.unwrap_err().code(), "token.malformed", "{token}");
    }
}

#[test]
fn fz7_keys_rotate_and_a_removed_tuple_denies() {
    let (old, new) = (ed(), ed());
    let world = World::new();
    let mut snapshot = world.snapshot.clone();
    snapshot["issuers"] = json!([entry(&old)]);
    for (member, value) in [
        ("subject", json!("user:{sub}")),
        ("actor", json!("agent:{sub}")),
        ("chain", json!("rfc8693")),
        ("scopes", json!("narrow")),
    ] {
        snapshot["issuers"][0][member] = value;
    }
    let mut ask = |keys: Value, tuples: Option<Value>| {
        snapshot["issuers"][0]["keys"] = json!({ "keys": keys });
        if let Some(tuples) = tuples {
            snapshot["tuples"] = tuples;
        }
        let policy = Policy::from_json(snapshot.to_string().as_bytes()).unwrap();
        let own = claims("anne", &["coordinator"]).to_string();
        [(&old, "k1"), (&new, "k2")].map(|(key, kid)| {
            let header = crate::forge::header("EdDSA", kid);
            let token = key.token_of(&header, &own);
            let options = VerifyOptions {
                audience: Some(AUDIENCE),
                ..VerifyOptions::default()
            };
            match policy.admit(
                &Request::at(UnixSeconds(NOW))
                    .token(token.as_bytes())
                    .presented(options),
            ) {
                Ok(caller) => answer(&caller, "can_read", "document:1"),
                Err(denial) => denial.code(),
            }
        })
    };
    let (one, two) = (old.jwk("k1"), new.jwk("k2"));
    assert_eq!(ask(json!([one]), None), ["allowed", "key.unknown"]);
    assert_eq!(ask(json!([one, two]), None), ["allowed", "allowed"]);
    assert_eq!(ask(json!([two]), None), ["key.unknown", "allowed"]);
    let without = world.without(&tuple("agent:coordinator", "delegate_of", "user:anne"));
    let revoked = ask(json!([two]), Some(without.snapshot["tuples"].clone()));
    assert_eq!(revoked, ["key.unknown", "chain.hop_not_permitted"]);
}
