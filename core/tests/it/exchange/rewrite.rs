//! How the next token is written, and that the policy reads it back.

use deputize::Request;
use deputize::exchange::{Acting, Binding, Wanted};
use deputize::request::Setting;
use deputize::time::UnixSeconds;
use deputize::token::{ClientCertificate, VerifyOptions};
use serde_json::{Value, json};

use super::{of, principals, proved, verified};
use crate::forge::{AUDIENCE, ISSUER, NOW, b64, ed, entry};
use crate::world::{World, answer, claims, scoped, tuple};

#[test]
fn a_chain_grows_by_a_token_a_hop() {
    let world = World::new();
    let first = scoped("anne", &[], "document:read can_adjust");
    let second = of(&world, first.clone())
        .by(claims("coordinator", &[]))
        .scope("document:read")
        .claims();
    assert_eq!(
        second,
        json!({
            "iss": ISSUER, "sub": "anne", "act": {"sub": "coordinator"}, "aud": AUDIENCE,
            "scope": "document:read", "iat": NOW, "nbf": NOW, "exp": NOW + 290,
        })
    );
    let caller = verified(&world, &second);
    assert_eq!(answer(&caller, "can_read", "document:1"), "allowed");
    let third = of(&world, second.clone())
        .by(claims("document", &[]))
        .claims();
    assert_eq!(
        third["act"],
        json!({"sub": "document", "act": {"sub": "coordinator"}})
    );
    let caller = verified(&world, &third);
    let chain = ["user:anne", "agent:coordinator", "agent:document"];
    assert_eq!(principals(&caller), chain);
    assert_eq!(answer(&caller, "can_read", "document:1"), "allowed");
    // The three tokens prove it together.
    let caller = proved(&world, &[first, second, third]).unwrap();
    assert_eq!(principals(&caller), chain);
    assert_eq!(answer(&caller, "can_read", "document:1"), "allowed");
}

#[cfg(feature = "sign")]
#[test]
fn claims_that_are_signed_here_verify() {
    use deputize::token::SigningKey;

    let mut jwk = json!({
        "kty": "OKP", "crv": "Ed25519", "kid": "k1", "alg": "EdDSA",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    });
    let world = World::new().issuer("keys", json!({"keys": [jwk.clone()]}));
    jwk["d"] = json!("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A");
    let key = SigningKey::from_jwk(&jwk, None, None).unwrap();
    let (policy, now) = (world.policy(), UnixSeconds(NOW));
    let options = VerifyOptions::default();
    let sign = |claims: &Value| key.sign(claims, "at+jwt").unwrap();
    let mut tokens = vec![sign(&scoped("anne", &[], "document:read"))];
    for agent in ["agent:coordinator", "agent:document"] {
        let last = tokens.last().unwrap();
        let caller = policy
            .admit(&Request::at(now).token(last.as_bytes()).presented(options))
            .unwrap();
        let next = caller
            .at(UnixSeconds(NOW))
            .delegate(&Wanted {
                actor: Some(Acting::Principal(agent)),
                ..Wanted::default()
            })
            .unwrap();
        assert_eq!(next.scope.as_deref(), Some("document:read"));
        tokens.push(sign(&Value::Object(next.claims)));
    }
    let tokens: Vec<&[u8]> = tokens.iter().map(String::as_bytes).collect();
    let caller = policy
        .admit(&Request::at(now).tokens(&tokens).presented(options))
        .unwrap();
    assert_eq!(caller.actor(), "agent:document");
    assert!(caller.at(UnixSeconds(NOW)).can("can_read", "document:1"));
}

#[test]
fn a_verified_caller_delegates_as_an_exchange_does() {
    let world = World::new();
    let own = scoped("anne", &["coordinator"], "document:read");
    let caller = verified(&world, &own);
    let wanted = Wanted {
        lifetime: Some(60),
        ..Wanted::default()
    };
    let delegated = caller
        .at(UnixSeconds(NOW))
        .delegate(&Wanted {
            actor: Some(Acting::Principal("agent:document")),
            ..wanted
        })
        .unwrap();
    let mut same = of(&world, own).by_principal("agent:document");
    same.wanted = wanted;
    assert_eq!(delegated, same.run().unwrap());
    assert_eq!(delegated.expires_in(), 60);
    assert_eq!(delegated.chain.len(), 3);
    let refused = caller
        .at(UnixSeconds(NOW))
        .delegate(&Wanted {
            actor: Some(Acting::Principal("agent:unknown")),
            ..wanted
        })
        .unwrap_err();
    assert_eq!(
        (refused.code(), refused.oauth_error()),
        ("chain.hop_not_permitted", "unauthorized_client")
    );
    // Nothing was proved of a caller that the host vouches for.
    let setting = Setting::default();
    let vouched = world
        .policy()
        .admit(
            &Request::at(UnixSeconds(NOW))
                .on_behalf_of(&["user:anne"])
                .setting(setting),
        )
        .unwrap();
    let refused = vouched
        .at(UnixSeconds(NOW))
        .delegate(&Wanted {
            actor: Some(Acting::Principal("agent:coordinator")),
            ..wanted
        })
        .unwrap_err();
    assert_eq!(refused.code(), "exchange.no_token");
    // Nor of one that was made from a record.
    let record = caller
        .at(UnixSeconds(NOW))
        .decide("can_read", "document:1")
        .record;
    let resumed = world.policy().admit(&record.request()).unwrap();
    let refused = resumed
        .at(UnixSeconds(NOW))
        .delegate(&Wanted {
            actor: Some(Acting::Principal("agent:document")),
            ..wanted
        })
        .unwrap_err();
    assert_eq!(refused.code(), "exchange.no_token");
}

#[test]
fn what_the_host_says_goes_on_with_a_delegation() {
    let world = World::new()
        .issuer("tenant_claim", json!("tid"))
        .issuer("task_claim", json!("task"))
        .tuple(tuple("task:17", "reader", "document:1"))
        .without(&tuple("agent:coordinator", "delegate_of", "user:anne"));
    let tuples = [deputize::Tuple::new(
        "agent:coordinator",
        "delegate_of",
        "user:anne",
    )];
    let scopes = deputize::scope::ScopeSet::parse("document:read").unwrap();
    let setting = Setting {
        tenant: Some("a"),
        task: Some("task:17"),
        tuples: &tuples,
        scopes: Some(&scopes),
        ..Setting::default()
    };
    let mut own = scoped("anne", &[], "document:read can_adjust");
    own["tid"] = json!("a");
    let caller = world.verify_in(&own, &setting).unwrap();
    let next = caller
        .at(UnixSeconds(NOW))
        .delegate(&Wanted {
            actor: Some(Acting::Principal("agent:coordinator")),
            ..Wanted::default()
        })
        .unwrap()
        .claims;
    assert_eq!(next["scope"], "document:read");
    assert_eq!(
        (&next["tid"], &next["task"]),
        (&json!("a"), &json!("task:17"))
    );
    // The host's tuple does not: the next host says its own.
    let next = Value::Object(next);
    let refused = world.verify(&next).unwrap_err();
    assert_eq!(refused.code(), "chain.hop_not_permitted");
    assert!(world.verify_in(&next, &setting).is_ok());
}

#[test]
fn the_other_convention_is_written_the_other_way_about() {
    let world = World::new().issuer("chain", json!("subject_is_actor"));
    let second = of(&world, claims("anne", &[]))
        .by(claims("coordinator", &[]))
        .claims();
    assert_eq!(second["sub"], "coordinator");
    assert_eq!(second["act"], json!({"sub": "anne"}));
    let third = of(&world, second.clone())
        .by_principal("agent:document")
        .claims();
    assert_eq!(third["sub"], "document");
    assert_eq!(
        third["act"],
        json!({"sub": "coordinator", "act": {"sub": "anne"}})
    );
    let chain = ["user:anne", "agent:coordinator", "agent:document"];
    assert_eq!(principals(&verified(&world, &third)), chain);
    let caller = proved(&world, &[claims("anne", &[]), second, third]).unwrap();
    assert_eq!(principals(&caller), chain);
}

#[test]
fn a_party_keeps_the_claims_it_is_known_by() {
    for convention in ["rfc8693", "subject_is_actor"] {
        let world = World::new()
            .issuer("chain", json!(convention))
            .issuer("subject", json!("user:{login}"))
            .issuer("actor", json!("agent:{client_id}"));
        let mut anne = claims("u-1", &[]);
        anne["login"] = json!("anne");
        // Whoever stands alone at the top is also read as an actor there.
        anne["email"] = json!("anne@bank.example");
        let mut coordinator = claims("c-1", &[]);
        coordinator["client_id"] = json!("coordinator");
        let second = of(&world, anne).by(coordinator).claims();
        assert!(second.get("email").is_none());
        let mut document = claims("c-2", &[]);
        document["client_id"] = json!("document");
        let third = of(&world, second).by(document).claims();
        let chain = ["user:anne", "agent:coordinator", "agent:document"];
        assert_eq!(principals(&verified(&world, &third)), chain, "{convention}");
        // A principal has no such claim to be written down by.
        let (code, _) = of(&world, third).by_principal("agent:calendar").refused();
        assert_eq!(code, "identity.unknown");
    }
}

#[test]
fn an_actor_of_another_issuer_is_named_with_it() {
    let other = ed();
    let mut second = entry(&other);
    second["issuer"] = json!("https://agents.example");
    second["actor"] = json!("agent:{sub}");
    let mut world = World::new();
    let issuers = world.snapshot["issuers"].as_array_mut().unwrap();
    issuers.push(second);
    let policy = world.policy();
    let subject = world.token(&claims("anne", &[]));
    let mut own = scoped("coordinator", &[], "*");
    own["iss"] = json!("https://agents.example");
    let actor = other.token(&own);
    let request = Request::at(UnixSeconds(NOW)).token(&subject);
    let wanted = Wanted {
        actor: Some(Acting::Token {
            token: actor.as_bytes(),
            options: VerifyOptions::default(),
        }),
        scope: Some("document:read"),
        ..Wanted::default()
    };
    let debugged = format!("{request:?} {wanted:?}");
    assert!(!debugged.contains(&actor) && !debugged.contains(&subject));
    let next = policy.exchange(&request, &wanted).unwrap();
    let act = json!({"sub": "coordinator", "iss": "https://agents.example"});
    assert_eq!(next.claims["act"], act);
    let caller = verified(&world, &Value::Object(next.claims));
    assert_eq!(principals(&caller), ["user:anne", "agent:coordinator"]);
    // As `sub`, it would be one of this issuer's own.
    let world = world.issuer("chain", json!("subject_is_actor"));
    let refused = world.policy().exchange(&request, &wanted);
    assert_eq!(refused.unwrap_err().code(), "exchange.claim");
}

#[test]
fn a_principal_is_named_as_the_snapshot_lists_it() {
    let principals = json!([{"id": "agent:coordinator", "identities": [
        {"issuer": "https://agents.example", "subject": "x"},
        {"issuer": ISSUER, "subject": "c-1"}]}]);
    let world = World::new().with("principals", principals);
    let next = of(&world, claims("anne", &[]))
        .by_principal("agent:coordinator")
        .claims();
    assert_eq!(next["act"], json!({"sub": "c-1"}));
    assert_eq!(verified(&world, &next).actor(), "agent:coordinator");
    // The name that the template would make of another is this one's.
    let listed = json!([{"id": "agent:calendar", "identities": [
        {"issuer": ISSUER, "subject": "coordinator"}]}]);
    let other = World::new().with("principals", listed).tuple(tuple(
        "agent:calendar",
        "delegate_of",
        "user:anne",
    ));
    let exchange = of(&other, claims("anne", &[])).by_principal("agent:coordinator");
    assert_eq!(exchange.refused().0, "exchange.claim");
    // The name that the template would make of it is nobody's.
    let (code, _) = of(&world, claims("anne", &[]))
        .by(claims("coordinator", &[]))
        .refused();
    assert_eq!(code, "identity.unknown");
    for nobody in ["agent:", "user:coordinator", "", "agent:*", "coordinator"] {
        let refused = of(&world, claims("anne", &[]))
            .by_principal(nobody)
            .refused();
        let (code, error) = refused;
        assert_eq!(code, "identity.unknown", "{nobody}");
        assert_eq!(error, "unauthorized_client");
    }
}

#[test]
fn a_token_is_bound_to_whoever_acts() {
    let world = World::new();
    let certificate = ClientCertificate::from_sha256([7; 32]);
    let cnf = json!({"x5t#S256": b64([7; 32])});
    let mut bound = claims("anne", &[]);
    bound["cnf"] = cnf.clone();
    // Without its proof, nothing comes of a bound token.
    let mut exchange = of(&world, bound.clone()).by(claims("coordinator", &[]));
    assert_eq!(exchange.refused(), ("proof.missing", "invalid_request"));
    exchange.options.certificate = Some(ClientCertificate::from_sha256([8; 32]));
    assert_eq!(exchange.refused(), ("proof.mismatch", "invalid_request"));
    exchange.options.certificate = Some(certificate);
    // It does not become one that anybody may use unless the host says so.
    let unsaid = ("exchange.confirmation", "invalid_request");
    assert_eq!(exchange.refused(), unsaid);
    let caller = Request::at(UnixSeconds(NOW));
    let token = world.token(&bound);
    let caller = caller.token(&token).certificate(certificate);
    let caller = world.policy().admit(&caller).unwrap();
    let wanted = Wanted {
        actor: Some(Acting::Principal("agent:coordinator")),
        ..Wanted::default()
    };
    let refused = caller.at(UnixSeconds(NOW)).delegate(&wanted).unwrap_err();
    assert_eq!((refused.code(), refused.oauth_error()), unsaid);
    exchange.wanted.binding = Some(Binding::Drop);
    assert!(exchange.claims().get("cnf").is_none());
    exchange.wanted.binding = Some(Binding::Keep);
    assert_eq!(exchange.claims()["cnf"], cnf);
    let other = json!({"x5t#S256": b64([9; 32])});
    exchange.wanted.binding = other.as_object().map(Binding::To);
    assert_eq!(exchange.claims()["cnf"], other);
    exchange.wanted.binding = None;
    // Only narrowed, it stays bound.
    exchange.actor = None;
    assert_eq!(exchange.claims()["cnf"], cnf);
    // The actor's token is bound too, and needs its own proof.
    let mut actor = claims("coordinator", &[]);
    actor["cnf"] = cnf.clone();
    let exchange = of(&world, claims("anne", &[])).by(actor.clone());
    assert_eq!(exchange.refused(), ("proof.missing", "invalid_request"));
    let (subject, actor) = (world.token(&claims("anne", &[])), world.token(&actor));
    let request = Request::at(UnixSeconds(NOW)).token(&subject);
    let wanted = Wanted {
        actor: Some(Acting::Token {
            token: actor.as_bytes(),
            options: VerifyOptions {
                certificate: Some(certificate),
                ..VerifyOptions::default()
            },
        }),
        ..Wanted::default()
    };
    let next = world.policy().exchange(&request, &wanted).unwrap();
    assert_eq!(next.claims["cnf"], cnf);
    // A host may bind the next token itself, to what can be checked.
    for (bound, fits) in [(cnf, true), (json!({"jwk": {}}), false), (json!({}), false)] {
        let wanted = Wanted {
            actor: Some(Acting::Principal("agent:coordinator")),
            binding: bound.as_object().map(Binding::To),
            ..wanted
        };
        let given = world.policy().exchange(&request, &wanted);
        match given {
            Ok(next) => assert_eq!(next.claims["cnf"], bound),
            Err(refusal) => assert_eq!(refusal.oauth_error(), "invalid_request"),
        }
        let given = world.policy().exchange(&request, &wanted);
        assert_eq!(given.is_ok(), fits, "{bound}");
    }
}

#[test]
fn claims_that_become_tuples_go_on_and_the_actors_end_with_it() {
    let about = |party: &str, claim: &str| {
        json!({"claim": claim, "absent": "empty", "tuple":
            {"user": party, "relation": "member", "object": "group:{value}"}})
    };
    let world = World::new()
        .issuer(
            "claims",
            json!([
                about("{subject}", "groups"),
                about("{actor}", "actor_groups")
            ]),
        )
        .tuple(tuple("agent:coordinator", "reader", "document:2"));
    let mut own = claims("anne", &[]);
    own["groups"] = json!(["blocked"]);
    own["actor_groups"] = json!(["readers"]);
    own["roles"] = json!(["teller"]);
    own["email"] = json!("anne@bank.example");
    let next = of(&world, own.clone())
        .by(claims("coordinator", &[]))
        .claims();
    assert_eq!(next["groups"], own["groups"]);
    assert_eq!(next["roles"], own["roles"]);
    for gone in ["actor_groups", "email", "jti"] {
        assert!(next.get(gone).is_none(), "{gone}");
    }
    // What took away goes on taking away.
    let caller = verified(&world, &next);
    assert_eq!(
        answer(&caller, "can_read", "document:2"),
        "subject.no_grant"
    );
    // Whoever only narrows is the same party.
    let narrowed = of(&world, own.clone()).scope("document:read").claims();
    assert_eq!(narrowed["actor_groups"], own["actor_groups"]);
    // One claim about both parties can go on neither whole nor in part.
    let world = World::new().issuer(
        "claims",
        json!([about("{subject}", "groups"), about("{actor}", "groups")]),
    );
    let both = of(&world, own.clone()).by(claims("coordinator", &[]));
    assert_eq!(both.refused(), ("exchange.claim", "invalid_request"));
    // Nor one about the actor that must go on for another reason.
    let world = World::new().issuer("claims", json!([about("{actor}", "scope")]));
    let both = of(&world, scoped("anne", &[], "x")).by(claims("coordinator", &[]));
    assert_eq!(both.refused(), ("exchange.claim", "invalid_request"));
}

#[test]
fn tenant_and_task_go_on() {
    let world = World::new()
        .issuer("tenant_claim", json!("tid"))
        .issuer("task_claim", json!("task"));
    let of_tenant = |sub: &str, tenant: Value, task: Value| {
        let mut own = claims(sub, &[]);
        own["tid"] = tenant;
        own["task"] = task;
        let members = own.as_object_mut().unwrap();
        members.retain(|_, value| !value.is_null());
        own
    };
    let exchange = |subject: Value, actor: Value| of(&world, subject).by(actor).run();
    let (none, acme, umbrella) = (Value::Null, json!("acme"), json!("umbrella"));
    let next = exchange(
        of_tenant("anne", acme.clone(), json!("17")),
        of_tenant("coordinator", acme.clone(), none.clone()),
    );
    let next = next.unwrap().claims;
    assert_eq!((&next["tid"], &next["task"]), (&acme, &json!("task:17")));
    for (own, actors) in [(&acme, &none), (&none, &acme)] {
        let refused = exchange(
            of_tenant("anne", own.clone(), none.clone()),
            of_tenant("coordinator", actors.clone(), none.clone()),
        );
        assert_eq!(refused.unwrap_err().code(), "token.claim_absent");
    }
    let refused = exchange(
        of_tenant("anne", acme.clone(), none.clone()),
        of_tenant("coordinator", umbrella, none.clone()),
    );
    assert_eq!(refused.unwrap_err().code(), "tenant.mismatch");
    let refused = exchange(
        of_tenant("anne", acme.clone(), json!("17")),
        of_tenant("coordinator", acme, json!("18")),
    );
    assert_eq!(refused.unwrap_err().code(), "exchange.claim");
    // A task that no claim can hold is not dropped.
    let world = World::new();
    let mut exchange = of(&world, claims("anne", &[])).by(claims("coordinator", &[]));
    exchange.setting.task = Some("task:17");
    assert_eq!(exchange.refused().0, "exchange.claim");
}
