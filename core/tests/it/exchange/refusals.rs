//! Every way to be refused, with its reason and its OAuth error.

use deputize::Request;
use deputize::exchange::Wanted;
use deputize::time::UnixSeconds;
use serde_json::{Value, json};

use super::of;
use crate::forge::{AUDIENCE, NOW};
use crate::world::{World, claims, scoped, tuple};

fn with(mut claims: Value, member: &str, value: Value) -> Value {
    claims[member] = value;
    claims
}

#[test]
fn a_token_that_does_not_stand_up_gives_nothing() {
    let world = World::new();
    let anne = || claims("anne", &[]);
    let coordinator = || claims("coordinator", &[]);
    for (member, value, code) in [
        ("aud", json!("https://other.example"), "audience.mismatch"),
        ("exp", json!(NOW), "token.expired"),
        ("nbf", json!(NOW + 1), "token.not_yet_valid"),
        ("exp", json!(NOW + 100_000), "token.lifetime"),
        ("iss", json!("https://other.example"), "issuer.unknown"),
        ("sub", json!(7), "token.claim"),
        ("act", json!("coordinator"), "token.claim"),
        ("cnf", json!({"jkt": "x"}), "token.claim"),
    ] {
        let subject = with(anne(), member, value.clone());
        let refused = of(&world, subject).by(coordinator()).refused();
        assert_eq!(refused, (code, "invalid_request"), "subject: {member}");
        let actor = with(coordinator(), member, value);
        let refused = of(&world, anne()).by(actor).refused();
        assert_eq!(refused, (code, "invalid_request"), "actor: {member}");
    }
    let nobody = |sub: &str| {
        let mut own = claims(sub, &[]);
        own.as_object_mut().unwrap().remove("sub");
        own
    };
    let missing = ("identity.missing", "invalid_request");
    assert_eq!(
        of(&world, nobody("anne")).by(coordinator()).refused(),
        missing
    );
    assert_eq!(of(&world, anne()).by(nobody("x")).refused(), missing);
    // A token for another service is not exchanged by this one.
    let mut exchange = of(&world, anne()).by(coordinator());
    exchange.options.audience = Some("https://sts.example");
    assert_eq!(exchange.refused().0, "audience.mismatch");
    // A forged one is none at all.
    let forged = crate::forge::ed().token(&anne());
    let request = Request::at(UnixSeconds(NOW)).token(&forged);
    let refused = world.policy().exchange(&request, &Wanted::default());
    assert_eq!(refused.unwrap_err().code(), "token.signature");
}

#[test]
fn an_actor_shows_a_token_of_its_own() {
    let world = World::new();
    let lent = of(&world, claims("anne", &[])).by(claims("bob", &["coordinator"]));
    assert_eq!(lent.refused(), ("exchange.actor", "invalid_request"));
}

#[test]
fn a_stale_snapshot_gives_nothing() {
    let world = World::new().with("not_after", json!(NOW - 1));
    let stale = of(&world, claims("anne", &[])).by(claims("coordinator", &[]));
    assert_eq!(
        stale.refused(),
        ("snapshot.stale", "temporarily_unavailable")
    );
}

#[test]
fn may_act_says_who_may_take_over() {
    let world = World::new();
    let named = |may_act: Value| with(claims("anne", &[]), "may_act", may_act);
    let next = of(&world, named(json!({"sub": "coordinator"})))
        .by(claims("coordinator", &[]))
        .claims();
    // It is spent.
    assert!(next.get("may_act").is_none());
    for other in [
        json!({"sub": "calendar"}),
        json!({}),
        json!({"sub": "coordinator", "iss": "https://other.example"}),
        json!({"sub": "coordinator", "client_id": "c-1"}),
    ] {
        let exchange = of(&world, named(other.clone())).by(claims("coordinator", &[]));
        let refused = exchange.refused();
        assert_eq!(refused, ("chain.may_act", "invalid_request"), "{other}");
        let exchange = of(&world, named(other)).by_principal("agent:coordinator");
        assert_eq!(exchange.refused(), ("chain.may_act", "unauthorized_client"));
    }
    // Every claim of it must be the actor's.
    let mut actor = claims("coordinator", &[]);
    actor["client_id"] = json!("c-1");
    let may_act = json!({"sub": "coordinator", "client_id": "c-1"});
    assert!(of(&world, named(may_act)).by(actor).run().is_ok());
    // Whoever only narrows does not lift it.
    let may_act = json!({"sub": "calendar"});
    let narrowed = of(&world, named(may_act.clone())).claims();
    assert_eq!(narrowed["may_act"], may_act);
}

#[test]
fn the_next_chain_must_be_admitted() {
    let world = World::new();
    let anne = || claims("anne", &[]);
    // Nobody made the calendar agent anne's delegate, nor it the document's.
    let hop = ("chain.hop_not_permitted", "invalid_request");
    assert_eq!(
        of(&world, anne()).by(claims("calendar", &[])).refused(),
        hop
    );
    let second = claims("anne", &["coordinator", "calendar"]);
    assert_eq!(
        of(&world, second).by(claims("document", &[])).refused(),
        hop
    );
    // A chain that is not admitted is not handed on either.
    let last = World::new()
        .delegation("check_hops", json!("last"))
        .tuple(tuple("agent:coordinator", "invoke", "agent:coordinator"));
    let smuggled = claims("anne", &["calendar"]);
    assert_eq!(last.verify(&smuggled).unwrap_err().code(), hop.0);
    assert_eq!(
        of(&last, smuggled).by(claims("coordinator", &[])).refused(),
        hop
    );
    let shallow = World::new().delegation("max_depth", json!(1));
    let deep = of(&shallow, claims("anne", &["coordinator"])).by(claims("document", &[]));
    assert_eq!(deep.refused(), ("chain.depth", "invalid_request"));
    // The same agent again, and the subject under an actor's name.
    let cycle = ("chain.cycle", "invalid_request");
    let again = of(&world, claims("anne", &["coordinator"])).by(claims("coordinator", &[]));
    assert_eq!(again.refused(), cycle);
    let admitted = World::new().tuple(tuple("agent:anne", "delegate_of", "user:anne"));
    assert_eq!(of(&admitted, anne()).by(anne()).refused(), cycle);
    let rootless = World::new().delegation("roots", json!(["service"]));
    let refused = of(&rootless, anne())
        .by(claims("coordinator", &[]))
        .refused();
    assert_eq!(refused, ("chain.root_type", "invalid_request"));
    // No delegation, and no way to write one down.
    let mut world = World::new();
    world.snapshot.as_object_mut().unwrap().remove("delegation");
    let refused = of(&world, anne()).by(claims("coordinator", &[])).refused();
    assert_eq!(refused, ("chain.no_delegation", "invalid_request"));
    let world = World::new().issuer("chain", json!("none"));
    let refused = of(&world, anne()).by(claims("coordinator", &[])).refused();
    assert_eq!(refused, ("chain.not_expected", "invalid_request"));
    assert!(of(&world, anne()).scope("document:read").run().is_ok());
}

#[test]
fn a_hop_under_a_condition_is_settled_now() {
    let plain = tuple("agent:coordinator", "delegate_of", "user:anne");
    let mut conditional = plain.clone();
    conditional["condition"] = json!({"name": "approved"});
    let world = World::new().without(&plain).tuple(conditional);
    let mut exchange = of(&world, claims("anne", &[])).by(claims("coordinator", &[]));
    let refused = ("condition.missing_context", "invalid_request");
    assert_eq!(exchange.refused(), refused);
    let (other, right) = (json!({"ticket": "T-2"}), json!({"ticket": "T-1"}));
    exchange.setting.context = other.as_object();
    assert_eq!(exchange.refused().0, "chain.hop_not_permitted");
    exchange.setting.context = right.as_object();
    assert!(exchange.run().is_ok());
}

#[test]
fn parties_that_are_not_in_force_get_nothing() {
    for (principal, code) in [
        (
            json!({"id": "agent:coordinator", "disabled": true}),
            "principal.disabled",
        ),
        (
            json!({"id": "user:anne", "disabled": true}),
            "principal.disabled",
        ),
        (
            json!({"id": "agent:coordinator", "not_after": NOW - 1}),
            "principal.expired",
        ),
    ] {
        let world = World::new().with("principals", json!([principal]));
        let exchange = of(&world, claims("anne", &[])).by(claims("coordinator", &[]));
        assert_eq!(exchange.refused(), (code, "invalid_request"));
    }
    // A revocation of what was issued before it is not escaped by a younger token.
    for principal in ["user:anne", "agent:coordinator"] {
        let world = World::new().with("revoked", json!({"principals": {principal: NOW - 5}}));
        let exchange = of(&world, claims("anne", &[])).by(claims("coordinator", &[]));
        assert_eq!(exchange.refused(), ("revoked.principal", "invalid_request"));
    }
    let world = World::new().with("revoked", json!({"tokens": ["t-1"]}));
    let exchange = of(&world, claims("anne", &[]));
    assert_eq!(exchange.refused(), ("revoked.token", "invalid_request"));
    let tenants = json!([{"id": "user:anne", "tenants": ["a"]},
        {"id": "agent:coordinator", "tenants": ["b"]}]);
    let world = World::new().with("principals", tenants);
    let exchange = of(&world, claims("anne", &[])).by(claims("coordinator", &[]));
    assert_eq!(exchange.refused(), ("tenant.mismatch", "invalid_request"));
}

#[test]
fn a_scope_beyond_what_is_held_is_refused() {
    let world = World::new();
    let wider = ("exchange.scope", "invalid_scope");
    let held = || scoped("anne", &[], "document:read");
    for scope in ["can_adjust", "document:read can_adjust", "*", "unknown"] {
        let exchange = of(&world, held())
            .by(claims("coordinator", &[]))
            .scope(scope);
        assert_eq!(exchange.refused(), wider, "{scope}");
    }
    let malformed = of(&world, held()).scope("a  b");
    assert_eq!(malformed.refused(), ("scope.grammar", "invalid_scope"));
    assert_eq!(of(&world, held()).scope("").claims()["scope"], "");
    // What the actor token may not be used for, the next may not either.
    let actor = scoped("coordinator", &[], "can_adjust");
    let beyond = of(&world, held()).by(actor.clone()).scope("document:read");
    assert_eq!(beyond.refused(), wider);
    assert_eq!(of(&world, held()).by(actor.clone()).refused(), wider);
    let both = scoped("anne", &[], "document:read can_adjust");
    assert_eq!(of(&world, both).by(actor).claims()["scope"], "can_adjust");
    // Without scopes, a token holds nothing where they are required.
    let required = World::new().issuer("scopes", json!("required"));
    let nothing = of(&required, claims("anne", &[]));
    assert_eq!(nothing.refused(), wider);
    assert_eq!(
        of(&required, claims("anne", &[])).scope("x").refused(),
        wider
    );
    let no_scope = of(&required, held()).by(claims("coordinator", &[]));
    assert_eq!(no_scope.refused(), wider);
    let fits = of(&required, held()).by(scoped("coordinator", &[], "*"));
    assert_eq!(fits.claims()["scope"], "document:read");
    // Where they narrow, it leaves all open, but not to whoever is narrowed.
    let open = of(&world, claims("anne", &[])).by(scoped("coordinator", &[], "can_adjust"));
    assert_eq!(open.refused(), wider);
    let named = open.scope("can_adjust");
    assert_eq!(named.claims()["scope"], "can_adjust");
    // Where they are not looked at, they are not widened either.
    let ignored = World::new().issuer("scopes", json!("ignore"));
    let exchange = of(&ignored, held()).by(scoped("coordinator", &[], "x"));
    assert_eq!(exchange.claims()["scope"], "document:read");
    assert_eq!(of(&ignored, held()).scope("*").refused(), wider);
}

#[test]
fn other_claims_of_scopes_go_on_narrowing() {
    let world = World::new();
    let mut own = scoped("anne", &[], "document:read can_adjust");
    own["permissions"] = json!(["can_read"]);
    let next = of(&world, own.clone()).scope("document:read").claims();
    assert_eq!(next["permissions"], own["permissions"]);
    let beyond = of(&world, own.clone()).scope("can_adjust");
    assert_eq!(beyond.refused(), ("exchange.scope", "invalid_scope"));
    assert_eq!(of(&world, own.clone()).claims()["scope"], own["scope"]);
    // `scp` becomes `scope` once one is asked for.
    let mut own = claims("anne", &[]);
    own["scp"] = json!(["document:read", "can_adjust"]);
    assert_eq!(of(&world, own.clone()).claims()["scp"], own["scp"]);
    let next = of(&world, own).scope("can_adjust").claims();
    assert_eq!(next["scope"], "can_adjust");
    assert!(next.get("scp").is_none());
}

#[test]
fn an_alias_means_no_other_entity_in_the_next_token() {
    let aliases = json!({"mail": "target-entity:<id>:send"});
    let world = World::new()
        .with("scope_aliases", aliases)
        .issuer("audiences", json!([AUDIENCE, "e-1", "e-2"]));
    let mut own = scoped("anne", &[], "mail");
    own["aud"] = json!([AUDIENCE, "e-1"]);
    let narrowed = |audiences: &'static [&'static str]| {
        let mut exchange = of(&world, own.clone());
        exchange.wanted.audiences = audiences;
        exchange.run()
    };
    assert!(narrowed(&["e-1"]).is_ok());
    assert_eq!(
        narrowed(&["e-2"]).unwrap_err().oauth_error(),
        "invalid_target"
    );
    // For nobody that it means, it would mean something else elsewhere.
    assert_eq!(narrowed(&[AUDIENCE]).unwrap_err().code(), "exchange.scope");
}

#[test]
fn an_audience_beyond_what_is_held_is_refused() {
    let world = World::new().issuer("audiences", json!([AUDIENCE, "https://b.example/x"]));
    let mut own = claims("anne", &[]);
    own["aud"] = json!([AUDIENCE, "https://b.example/x", "https://c.example"]);
    let asked = |audiences: &[&str], resources: &[&str]| {
        let mut exchange = of(&world, own.clone());
        exchange.wanted.audiences = audiences;
        exchange.wanted.resources = resources;
        exchange.run().map(|given| given.claims["aud"].clone())
    };
    // Naming none hands on those that the issuer is trusted for.
    let known = json!([AUDIENCE, "https://b.example/x"]);
    assert_eq!(asked(&[], &[]).unwrap(), known);
    assert_eq!(asked(&[AUDIENCE], &[]).unwrap(), AUDIENCE);
    assert_eq!(
        asked(&[AUDIENCE, AUDIENCE], &["https://b.example/x"]).unwrap(),
        json!([AUDIENCE, "https://b.example/x"])
    );
    for (audiences, resources) in [
        (&["https://d.example"][..], &[][..]),
        (&[AUDIENCE, "https://d.example"], &[]),
        (&[""], &[]),
        (&[], &["https://d.example"]),
        // The issuer's tokens are for these alone.
        (&["https://c.example"], &[]),
        // RFC 8707 §2.
        (&[], &["https://b.example/x#part"]),
        (&[], &["/x"]),
        (&[], &["x"]),
        (&[], &["https:"]),
        (&[], &["https://b.example/a b"]),
    ] {
        let refused = asked(audiences, resources).unwrap_err();
        let found = (refused.code(), refused.oauth_error());
        assert_eq!(
            found,
            ("exchange.target", "invalid_target"),
            "{audiences:?} {resources:?}"
        );
    }
    // Without `aud`, a token is for everybody its issuer's may be for.
    let world = world.issuer("audience_required", json!(false));
    let mut open = claims("anne", &[]);
    open.as_object_mut().unwrap().remove("aud");
    let mut exchange = of(&world, open);
    assert!(exchange.claims().get("aud").is_none());
    exchange.wanted.audiences = &[AUDIENCE];
    assert_eq!(exchange.claims()["aud"], AUDIENCE);
    exchange.wanted.audiences = &["https://d.example"];
    assert_eq!(exchange.refused().1, "invalid_target");
}

#[test]
fn the_next_token_ends_with_the_first_that_ends() {
    let world = World::new().issuer("max_lifetime", json!(300));
    let ends = |subject: u64, actor: u64, lifetime: Option<u64>| {
        let own = with(claims("anne", &[]), "exp", json!(NOW + subject));
        let actor = with(claims("coordinator", &[]), "exp", json!(NOW + actor));
        let mut exchange = of(&world, own).by(actor);
        exchange.wanted.lifetime = lifetime;
        exchange.run().unwrap().expires_in()
    };
    assert_eq!(ends(290, 290, None), 290);
    assert_eq!(ends(200, 100, None), 100);
    assert_eq!(ends(100, 200, None), 100);
    assert_eq!(ends(200, 200, Some(50)), 50);
    assert_eq!(ends(200, 200, Some(u64::MAX)), 200);
    // Issued later, it would otherwise live longer than its issuer's may.
    let world = World::new().issuer("leeway", json!(60));
    let mut capped = World::new().issuer("leeway", json!(60));
    capped = capped.issuer("max_lifetime", json!(300));
    let next = of(&capped, with(claims("anne", &[]), "iat", json!(NOW + 50)));
    let next = of(&capped, with(next.subject, "exp", json!(NOW + 350)));
    assert_eq!(next.run().unwrap().expires_in(), 300);
    // Leeway is for clocks, and gives no more life.
    let exchange = of(&world, with(claims("anne", &[]), "exp", json!(NOW)));
    assert!(world.verify(&exchange.subject).is_ok());
    assert_eq!(exchange.refused(), ("token.expired", "invalid_request"));
    let exchange = of(&world, with(claims("anne", &[]), "nbf", json!(NOW + 30)));
    assert_eq!(exchange.claims()["nbf"], NOW + 30);
    let mut exchange = of(&world, claims("anne", &[]));
    exchange.wanted.lifetime = Some(0);
    assert_eq!(exchange.refused(), ("exchange.lifetime", "invalid_request"));
}
