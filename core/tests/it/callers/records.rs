//! Records of refusals, replayed; tokens that were seen before; resources
//! without a tenant.

use deputize::Request;
use deputize::decision::{Question, Record, ReplayError};
use deputize::request::Setting;
use deputize::time::UnixSeconds;
use deputize::token::{ClientCertificate, TokenCache, VerifyOptions};
use deputize::{Policy, Tuple};
use serde_json::{Value, json};

use crate::forge::{AUDIENCE, NOW, b64, ed};
use crate::world::{World, answer, claims, scoped, tuple};

const QUESTION: Question<'static> = Question {
    action: "can_read",
    resource: "document:1",
    context: None,
};

fn decide(
    policy: &Policy,
    token: &str,
    options: &VerifyOptions<'_>,
    setting: &Setting<'_>,
) -> deputize::decision::Decision {
    policy.decide_question(
        &Request::at(UnixSeconds(NOW))
            .token(token.as_bytes())
            .presented(*options)
            .setting(*setting),
        &QUESTION,
    )
}

/// Found by reading: such a record was replayed as a chain that names nobody.
#[test]
fn a_refused_token_is_needed_again() {
    let world = World::new().issuer("tenant_claim", json!("tid"));
    let policy = world.policy();
    let tuples = [Tuple::new("user:anne", "reader", "document:9")];
    let setting = Setting {
        tenant: Some("a"),
        task: Some("task:17"),
        tuples: &tuples,
        ..Setting::default()
    };
    let of_tenant = |mut claims: Value, tenant: &str| {
        claims["tid"] = json!(tenant);
        claims
    };
    let claims = |sub: &str, actors: &[&str]| of_tenant(claims(sub, actors), "a");
    let scoped = |sub: &str, scope: &str| of_tenant(scoped(sub, &[], scope), "a");
    let other_tenant = of_tenant(claims("anne", &[]), "b");
    let mut expired = claims("anne", &[]);
    expired["exp"] = json!(NOW);
    for (token, code) in [
        ("a.b.c".to_owned(), "token.malformed"),
        (String::new(), "token.malformed"),
        (world.token(&expired), "token.expired"),
        (ed().token(&claims("anne", &[])), "token.signature"),
        (world.token(&claims("*", &[])), "identity.unknown"),
        (world.token(&other_tenant), "tenant.mismatch"),
        (world.token(&scoped("anne", "a  b")), "scope.grammar"),
    ] {
        let options = VerifyOptions::default();
        let decision = decide(&policy, &token, &options, &setting);
        assert_eq!(decision.reason.code(), code);
        let record = &decision.record;
        let error = policy.replay(record).unwrap_err();
        assert_eq!(error, ReplayError::TokenNeeded, "{code}");
        assert!(error.to_string().contains("nothing was compared"));
        let again = policy.replay_with(record, token.as_bytes(), &options);
        assert_eq!(again, Ok(decision.clone()), "{code}");
        let other = policy.replay_with(record, b"a.b.d", &options);
        assert_eq!(other, Err(ReplayError::OtherToken), "{code}");
        let text = serde_json::to_string(record).unwrap();
        let read: Record = serde_json::from_str(&text).unwrap();
        assert_eq!(&read, record);
    }
}

#[test]
fn a_refusal_after_the_token_says_who_it_was() {
    let world = World::new();
    let (policy, token) = (
        world.policy(),
        world.token(&claims("bob", &["coordinator"])),
    );
    let options = VerifyOptions::default();
    let decision = decide(&policy, &token, &options, &Setting::default());
    assert_eq!(decision.reason.code(), "chain.hop_not_permitted");
    assert_eq!(decision.record.chain, ["user:bob", "agent:coordinator"]);
    assert_eq!(policy.replay(&decision.record), Ok(decision.clone()));
    let again = policy.replay_with(&decision.record, token.as_bytes(), &options);
    assert_eq!(again, Ok(decision));
}

#[test]
fn an_allowed_record_comes_out_the_same_both_ways() {
    let world = World::new()
        .issuer("task_claim", json!("task"))
        .tuple(tuple("task:17", "reader", "document:1"))
        .tuple(tuple("task:18", "reader", "document:1"))
        .issuer(
            "claims",
            json!([{"claim": "groups", "tuple":
                {"user": "{subject}", "relation": "member", "object": "group:{value}"}}]),
        );
    let policy = world.policy();
    let mut own = scoped("anne", &["coordinator"], "document:read");
    own["task"] = json!("17");
    own["groups"] = json!(["x"]);
    let token = world.token(&own);
    let scopes = deputize::scope::ScopeSet::parse("document:read").unwrap();
    let tuples = [Tuple::new("user:anne", "member", "group:x")];
    for task in [None, Some("task:17"), Some("task:18")] {
        let setting = Setting {
            task,
            tuples: &tuples,
            scopes: Some(&scopes),
            ..Setting::default()
        };
        let options = VerifyOptions {
            audience: Some(AUDIENCE),
            ..VerifyOptions::default()
        };
        let decision = decide(&policy, &token, &options, &setting);
        assert!(decision.allowed, "{}", decision.message);
        assert_eq!(policy.replay(&decision.record), Ok(decision.clone()));
        // The record's audience is asked for, whatever is said now.
        let none = VerifyOptions::default();
        let again = policy.replay_with(&decision.record, token.as_bytes(), &none);
        assert_eq!(again, Ok(decision));
    }
    // There is no token to look at again.
    let vouched = policy.admit(&Request::at(UnixSeconds(NOW)).on_behalf_of(&["user:anne"]));
    let record = vouched
        .unwrap()
        .at(UnixSeconds(NOW))
        .decide("can_read", "document:1")
        .record;
    let options = VerifyOptions::default();
    let again = policy.replay_with(&record, token.as_bytes(), &options);
    assert_eq!(again, Err(ReplayError::NoToken));
}

#[test]
fn staleness_needs_no_token() {
    let world = World::new().with("not_after", json!(NOW - 1));
    let (policy, token) = (world.policy(), world.token(&claims("anne", &[])));
    let decision = decide(
        &policy,
        &token,
        &VerifyOptions::default(),
        &Setting::default(),
    );
    assert_eq!(decision.reason.code(), "snapshot.stale");
    assert_eq!(policy.replay(&decision.record), Ok(decision));
}

#[test]
fn a_proof_is_an_input_too() {
    let world = World::new();
    let policy = world.policy();
    let mut own = claims("anne", &[]);
    own["cnf"] = json!({"x5t#S256": b64([7; 32])});
    let token = world.token(&own);
    let with = |certificate: Option<[u8; 32]>| VerifyOptions {
        certificate: certificate.map(ClientCertificate::from_sha256),
        ..VerifyOptions::default()
    };
    let setting = Setting::default();
    let without = decide(&policy, &token, &with(None), &setting);
    assert_eq!(without.reason.code(), "proof.missing");
    let wrong = decide(&policy, &token, &with(Some([8; 32])), &setting);
    assert_eq!(wrong.reason.code(), "proof.mismatch");
    assert_ne!(without.record.id, wrong.record.id);
    let replay = |record: &Record, options| {
        let again = policy.replay_with(record, token.as_bytes(), &options);
        again.map(|decision| decision.reason.code())
    };
    assert_eq!(
        replay(&wrong.record, with(None)),
        Err(ReplayError::ProofNeeded)
    );
    assert_eq!(
        replay(&wrong.record, with(Some([8; 32]))),
        Ok("proof.mismatch")
    );
    // A proof that did not come then is not taken now.
    assert_eq!(
        replay(&without.record, with(Some([7; 32]))),
        Ok("proof.missing")
    );
    // Another audience is another request.
    let asked = |audience| {
        let options = VerifyOptions {
            audience,
            ..with(Some([7; 32]))
        };
        decide(&policy, &token, &options, &setting).record.id
    };
    assert_ne!(asked(None), asked(Some(AUDIENCE)));
}

#[test]
fn a_token_seen_before_is_asked_everything_that_may_change() {
    let world = World::new();
    let policy = world.policy();
    let token = world.token(&claims("anne", &["coordinator"]));
    let mut cache = TokenCache::new(4);
    let ask = |cache: &mut TokenCache, policy: &Policy, token: &str, now: u64| {
        let (options, setting) = (VerifyOptions::default(), Setting::default());
        let (token, now) = (token.as_bytes(), UnixSeconds(now));
        let cached = policy.admit_with_cache(
            &Request::at(now)
                .token(token)
                .presented(options)
                .setting(setting),
            cache,
        );
        let plain = policy.admit(
            &Request::at(now)
                .token(token)
                .presented(options)
                .setting(setting),
        );
        match (cached, plain) {
            (Ok(cached), Ok(plain)) => {
                let [a, b] = [cached, plain]
                    .map(|c| c.at(UnixSeconds(NOW)).decide("can_read", "document:1"));
                assert_eq!(a, b);
                a.reason.code()
            }
            (Err(cached), Err(plain)) => {
                assert_eq!(cached, plain);
                cached.code()
            }
            _ => panic!("the cache changed the answer"),
        }
    };
    for _ in 0..3 {
        assert_eq!(ask(&mut cache, &policy, &token, NOW), "allowed");
        assert_eq!(cache.len(), 1);
    }
    assert_eq!(ask(&mut cache, &policy, &token, NOW + 290), "token.expired");
    assert!(cache.is_empty());
    assert_eq!(ask(&mut cache, &policy, &token, NOW), "allowed");
    // Principals, revocation and staleness belong to another policy, and to
    // the time of each request.
    for (section, value, now, code) in [
        (
            "principals",
            json!([{"id": "user:anne", "disabled": true}]),
            NOW,
            "principal.disabled",
        ),
        (
            "principals",
            json!([{"id": "user:anne", "not_after": NOW + 1}]),
            NOW + 2,
            "principal.expired",
        ),
        ("not_after", json!(NOW + 1), NOW + 2, "snapshot.stale"),
        ("revoked", json!({"tokens": ["t-1"]}), NOW, "revoked.token"),
        (
            "revoked",
            json!({"principals": {"agent:coordinator": NOW}}),
            NOW,
            "revoked.principal",
        ),
        (
            "revoked",
            json!({"keys": [{"issuer": "https://id.example", "kid": "k1"}]}),
            NOW,
            "revoked.key",
        ),
    ] {
        let mut snapshot = world.snapshot.clone();
        snapshot[section] = value;
        let other = Policy::from_json(snapshot.to_string().as_bytes()).unwrap();
        if now > NOW {
            assert_eq!(ask(&mut cache, &other, &token, NOW), "allowed");
        }
        assert_eq!(ask(&mut cache, &other, &token, now), code);
    }
    // It stays as small as it was made, and never keeps what needs a proof.
    for i in 0..10 {
        let mut own = claims("anne", &["coordinator"]);
        own["jti"] = json!(format!("t-{i}"));
        ask(&mut cache, &policy, &world.token(&own), NOW);
        assert!(cache.len() <= 4);
    }
    cache.clear();
    let mut bound = claims("anne", &["coordinator"]);
    bound["cnf"] = json!({"x5t#S256": b64([7; 32])});
    let bound = world.token(&bound);
    let options = VerifyOptions {
        certificate: Some(ClientCertificate::from_sha256([7; 32])),
        ..VerifyOptions::default()
    };
    let (now, setting) = (UnixSeconds(NOW), Setting::default());
    let caller = policy.admit_with_cache(
        &Request::at(now)
            .token(bound.as_bytes())
            .presented(options)
            .setting(setting),
        &mut cache,
    );
    assert!(caller.is_ok() && cache.is_empty());
    assert_eq!(ask(&mut cache, &policy, &bound, NOW), "proof.missing");
}

#[test]
fn a_resource_without_a_tenant_is_nobodys_where_its_type_has_tenants() {
    let world = World::new()
        .with(
            "resources",
            json!([{"id": "document:1", "tenant": "acme"},
                {"id": "document:2", "attributes": {"a": "b"}},
                {"id": "document:4", "tenant": "umbrella"},
                {"id": "credit:7", "attributes": {"a": "b"}}]),
        )
        .tuple(tuple("user:anne", "reader", "document:4"))
        .tuple(tuple("user:anne", "reader", "document:5"));
    let of_tenant = |tenant: Option<&str>| {
        let setting = Setting {
            tenant,
            ..Setting::default()
        };
        world.verify_in(&claims("anne", &[]), &setting).unwrap()
    };
    let asked = [
        "document:1",
        "document:2",
        "document:4",
        // Nobody listed it at all.
        "document:5",
    ];
    for (tenant, allowed) in [(Some("acme"), Some("document:1")), (None, None)] {
        let caller = of_tenant(tenant);
        for resource in asked {
            let expected = match Some(resource) == allowed {
                true => "allowed",
                false => "tenant.mismatch",
            };
            let found = answer(&caller, "can_read", resource);
            assert_eq!(found, expected, "{tenant:?} {resource}");
        }
        let listed = caller
            .at(UnixSeconds(NOW))
            .list("can_read", "document")
            .unwrap();
        assert_eq!(listed, allowed.into_iter().collect::<Vec<_>>());
        let sifted = caller
            .at(UnixSeconds(NOW))
            .filter("can_read", &asked)
            .unwrap();
        assert_eq!(sifted.allowed(), listed.len());
        // A type of which none has a tenant is shared.
        assert_eq!(answer(&caller, "can_adjust", "credit:7"), "allowed");
        assert_eq!(
            caller
                .at(UnixSeconds(NOW))
                .list("can_adjust", "credit")
                .unwrap(),
            ["credit:7"]
        );
        // Names to search with are checked afterwards: they may let through.
        let terms = caller
            .at(UnixSeconds(NOW))
            .terms("can_read", "document")
            .unwrap();
        assert!(terms.contains(&"user:anne".to_owned()));
    }
}

#[test]
fn an_entity_without_a_tenant_is_nobodys_where_others_have_one() {
    let entity =
        |id: &str, tenant: Value| json!({"id": id, "type": {"id": "t"}, "tenantId": tenant});
    let grant = |to: &str| json!({"entity": {"id": to}, "userId": "anne", "permissions": ["run"]});
    let snapshot = |tenant: Value| {
        json!({
            "deputize": 1,
            "entity_types": [{"id": "t", "permissions": [{"name": "run"}]}],
            "entities": [entity("a", tenant), entity("b", Value::Null)],
            "entity_grants": [grant("a"), grant("b")],
        })
    };
    let asked = |tenant: Value, own: Option<&str>| {
        let snapshot = snapshot(tenant).to_string();
        let policy = Policy::from_json(snapshot.as_bytes()).unwrap();
        let setting = Setting {
            tenant: own,
            ..Setting::default()
        };
        let caller = policy
            .admit(
                &Request::at(UnixSeconds(NOW))
                    .on_behalf_of(&["user:anne"])
                    .setting(setting),
            )
            .unwrap();
        ["entity:a", "entity:b"].map(|on| answer(&caller, "run", on))
    };
    assert_eq!(asked(Value::Null, None), ["allowed", "allowed"]);
    assert_eq!(
        asked(json!("acme"), Some("acme")),
        ["allowed", "tenant.mismatch"]
    );
    assert_eq!(
        asked(json!("acme"), None),
        ["tenant.mismatch", "tenant.mismatch"]
    );
}

/// What was revoked or removed after a record was written denies when it is
/// decided again, and when its caller is made again.
#[test]
fn a_record_is_decided_by_what_was_revoked_or_removed_since() {
    let world = World::new();
    let token = world.token(&claims("anne", &["coordinator"]));
    let policy = world.policy();
    let (options, setting) = (VerifyOptions::default(), Setting::default());
    let decision = decide(&policy, &token, &options, &setting);
    assert!(decision.allowed);
    let since = |section: &str, value: Value| {
        let later = World {
            key: ed(),
            snapshot: world.snapshot.clone(),
        };
        let later = later.with(section, value).policy();
        let refused = later.admit(&decision.record.request()).unwrap_err();
        let again = later.replay(&decision.record).unwrap();
        assert!(!again.allowed);
        assert_eq!(again.reason, refused.reason);
        again.reason.code()
    };
    let revoked = |what: Value| since("revoked", what);
    assert_eq!(revoked(json!({"tokens": ["t-1"]})), "revoked.token");
    let key = json!({"issuer": "https://id.example", "kid": "k1"});
    assert_eq!(revoked(json!({ "keys": [key] })), "revoked.key");
    let principals = json!({"principals": {"agent:coordinator": NOW}});
    assert_eq!(revoked(principals), "revoked.principal");
    assert_eq!(since("issuers", json!([])), "issuer.unknown");
    let mut issuers = world.snapshot["issuers"].clone();
    issuers[0]["keys"] = json!({"keys": [ed().jwk("k2")]});
    assert_eq!(since("issuers", issuers), "key.unknown");
    let disabled = json!([{"id": "user:anne", "disabled": true}]);
    assert_eq!(since("principals", disabled), "principal.disabled");
    // Its issuer's subject is another principal now, or it is another's.
    let identity = json!([{"issuer": "https://id.example", "subject": "coordinator"}]);
    let other = json!([{"id": "agent:other", "identities": identity}]);
    assert_eq!(since("principals", other), "identity.unknown");
    let identity = json!([{"issuer": "https://id.example", "subject": "x"}]);
    let own = json!([{"id": "agent:coordinator", "identities": identity}]);
    assert_eq!(since("principals", own), "identity.unknown");
}
