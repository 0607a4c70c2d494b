//! Attacks on chains, identities, scopes and tenants, one test each.

use deputize::Request;
use deputize::caller::Caller;
use deputize::exchange::Wanted;
use deputize::request::Setting;
use deputize::time::UnixSeconds;
use serde_json::{Map, Value, json};

use crate::forge::{NOW, ed, entry};
use crate::world::{World, answer, claims, scoped, tuple};

#[test]
fn a_forged_delegate_is_refused() {
    let world = World::new();
    // The coordinator is anne's delegate; nobody made it bob's.
    let forged = claims("bob", &["coordinator"]);
    assert_eq!(
        world.ask(&forged, "can_read", "document:3"),
        "chain.hop_not_permitted"
    );
}

#[test]
fn an_actor_that_may_act_does_not_name_is_refused() {
    let world = World::new();
    let mut named = claims("anne", &["coordinator"]);
    named["may_act"] = json!({"sub": "coordinator"});
    assert_eq!(world.ask(&named, "can_read", "document:1"), "allowed");
    for may_act in [
        json!({"sub": "calendar"}),
        json!({}),
        json!({"iss": "https://id.example"}),
        json!({"sub": "coordinator", "iss": "https://other.example"}),
        json!({"sub": "coordinator", "client_id": "c-1"}),
    ] {
        named["may_act"] = may_act.clone();
        let code = world.ask(&named, "can_read", "document:1");
        assert_eq!(code, "chain.may_act", "{may_act}");
    }
}

#[test]
fn scopes_never_widen() {
    let world = World::new();
    let all = scoped("anne", &["coordinator"], "document:read can_adjust *");
    // Anne may and the coordinator may not; bob's document neither gives.
    assert_eq!(world.ask(&all, "can_read", "document:2"), "actor.no_grant");
    assert_eq!(
        world.ask(&all, "can_read", "document:3"),
        "subject.no_grant"
    );
    assert_eq!(world.ask(&all, "can_adjust", "credit:7"), "actor.no_grant");
    let narrow = scoped("anne", &[], "document:read");
    assert_eq!(world.ask(&narrow, "can_read", "document:1"), "allowed");
    assert_eq!(
        world.ask(&narrow, "can_adjust", "credit:7"),
        "scope.insufficient"
    );
    for scope in ["", "document:write", "unknown", "DOCUMENT:READ"] {
        let code = world.ask(&scoped("anne", &[], scope), "can_read", "document:1");
        assert_eq!(code, "scope.insufficient", "{scope}");
    }
    let malformed = scoped("anne", &[], "document:read  x");
    assert_eq!(
        world.ask(&malformed, "can_read", "document:1"),
        "scope.grammar"
    );
}

#[test]
fn a_token_without_scopes_covers_nothing_where_they_are_required() {
    let world = World::new().issuer("scopes", json!("required"));
    assert_eq!(
        world.ask(&claims("anne", &[]), "can_read", "document:1"),
        "scope.insufficient"
    );
    let covered = scoped("anne", &[], "document:read");
    assert_eq!(world.ask(&covered, "can_read", "document:1"), "allowed");
    let ignored = World::new().issuer("scopes", json!("ignore"));
    assert_eq!(
        ignored.ask(&scoped("anne", &[], "x"), "can_read", "document:1"),
        "allowed"
    );
}

#[test]
fn a_cyclic_chain_is_refused() {
    let world = World::new()
        .tuple(tuple("agent:calendar", "invoke", "agent:coordinator"))
        .delegation("max_depth", json!(9));
    let cycle = claims("anne", &["coordinator", "calendar", "coordinator"]);
    assert_eq!(world.ask(&cycle, "can_read", "document:1"), "chain.cycle");
    // Two names of one principal are one principal.
    let world = World::new().with(
        "principals",
        json!([{"id": "agent:coordinator", "identities": [
            {"issuer": "https://id.example", "subject": "a"},
            {"issuer": "https://id.example", "subject": "b"}]}]),
    );
    assert_eq!(
        world.ask(&claims("anne", &["a", "b"]), "can_read", "document:1"),
        "chain.cycle"
    );
}

#[test]
fn a_chain_is_counted_and_never_cut() {
    let world = World::new().delegation("max_depth", json!(1));
    let one = claims("anne", &["coordinator"]);
    assert_eq!(world.ask(&one, "can_read", "document:1"), "allowed");
    let two = claims("anne", &["coordinator", "document"]);
    assert_eq!(world.ask(&two, "can_read", "document:1"), "chain.depth");
    let policy = world.policy();
    let host = policy.admit(&Request::at(UnixSeconds(NOW)).on_behalf_of(&[
        "user:anne",
        "agent:coordinator",
        "agent:document",
    ]));
    assert_eq!(host.unwrap_err().code(), "chain.depth");
}

#[test]
fn a_chain_of_ten_thousand_is_refused() {
    let world = World::new();
    let act = "{\"sub\":\"a\",\"act\":".repeat(10_000) + "{\"sub\":\"b\"}" + &"}".repeat(10_000);
    let mut text = claims("anne", &[]).to_string();
    text.truncate(text.len() - 1);
    let token = world.key.token_of(
        &crate::forge::header("EdDSA", "k1"),
        &format!("{text},\"act\":{act}}}"),
    );
    let refused = world
        .policy()
        .admit(&Request::at(UnixSeconds(NOW)).token(token.as_bytes()));
    let code = refused.unwrap_err().code();
    assert!(
        ["token.too_large", "token.too_deep"].contains(&code),
        "{code}"
    );
}

#[test]
fn a_chain_that_is_said_to_be_cut_short_is_refused() {
    let world = World::new();
    let delegated = claims("anne", &["coordinator"]);
    for (value, code) in [
        (json!(true), "allowed"),
        (json!(false), "chain.incomplete"),
        (json!("false"), "token.claim"),
        (json!(null), "token.claim"),
        (json!(0), "token.claim"),
    ] {
        // Whoever says it: the token, or the actor in it.
        let mut own = delegated.clone();
        own["chain_complete"] = value.clone();
        assert_eq!(world.ask(&own, "can_read", "document:1"), code, "{value}");
        let mut own = delegated.clone();
        own["act"]["chain_complete"] = value.clone();
        assert_eq!(world.ask(&own, "can_read", "document:1"), code, "{value}");
        // A chain that begins in the dark has no subject of its own either.
        let mut own = claims("anne", &[]);
        own["chain_complete"] = value.clone();
        assert_eq!(world.ask(&own, "can_read", "document:1"), code, "{value}");
    }
}

#[test]
fn a_tuple_of_another_tenant_is_not_seen() {
    let delegate = tuple("agent:coordinator", "delegate_of", "user:anne");
    let mut foreign = delegate.clone();
    foreign["tenant"] = json!("other");
    let mut reader = tuple("user:anne", "reader", "document:3");
    reader["tenant"] = json!("other");
    let world = World::new()
        .issuer("tenant_claim", json!("tid"))
        .tuple(reader);
    let mut own = claims("anne", &["coordinator"]);
    own["tid"] = json!("acme");
    assert_eq!(world.ask(&own, "can_read", "document:1"), "allowed");
    // A grant, and a hop.
    assert_eq!(
        world.ask(&own, "can_read", "document:3"),
        "subject.no_grant"
    );
    let world = world.without(&delegate).tuple(foreign);
    assert_eq!(
        world.ask(&own, "can_read", "document:1"),
        "chain.hop_not_permitted"
    );
}

#[test]
fn a_token_for_another_audience_is_refused() {
    let world = World::new();
    let mut other = claims("anne", &["coordinator"]);
    other["aud"] = json!("https://other.example");
    assert_eq!(
        world.ask(&other, "can_read", "document:1"),
        "audience.mismatch"
    );
    other["aud"] = Value::Null;
    other.as_object_mut().unwrap().remove("aud");
    assert_eq!(
        world.ask(&other, "can_read", "document:1"),
        "audience.missing"
    );
}

#[test]
fn act_is_refused_where_nothing_says_how_to_read_it() {
    let mut world = World::new();
    let delegated = claims("anne", &["coordinator"]);
    world.snapshot.as_object_mut().unwrap().remove("delegation");
    assert_eq!(
        world.ask(&delegated, "can_read", "document:1"),
        "chain.no_delegation"
    );
    assert_eq!(
        world.ask(&claims("anne", &[]), "can_read", "document:1"),
        "allowed"
    );
    let host = world
        .policy()
        .admit(&Request::at(UnixSeconds(NOW)).on_behalf_of(&["user:anne", "agent:coordinator"]));
    assert_eq!(host.unwrap_err().code(), "chain.no_delegation");
    let world = World::new().issuer("chain", json!("none"));
    assert_eq!(
        world.ask(&delegated, "can_read", "document:1"),
        "chain.not_expected"
    );
}

#[test]
fn an_issuer_speaks_for_its_own_subjects_alone() {
    let other = ed();
    let mut second = entry(&other);
    second["issuer"] = json!("https://other.example");
    second["subject"] = json!("user:{sub}");
    second["actor"] = json!("agent:{sub}");
    let mut world = World::new().issuer("chain", json!("subject_is_actor"));
    world.snapshot["issuers"]
        .as_array_mut()
        .unwrap()
        .push(second);
    let mut vend = claims("coordinator", &["anne"]);
    assert_eq!(world.ask(&vend, "can_read", "document:1"), "allowed");
    vend["act"]["iss"] = json!("https://other.example");
    assert_eq!(
        world.ask(&vend, "can_read", "document:1"),
        "identity.foreign"
    );
    // An actor of another issuer is known by its pair, or not at all.
    world = world.issuer("chain", json!("rfc8693"));
    let mut acted = claims("anne", &["coordinator"]);
    acted["act"]["iss"] = json!("https://nobody.example");
    assert_eq!(
        world.ask(&acted, "can_read", "document:1"),
        "identity.unknown"
    );
    acted["act"]["iss"] = json!("https://other.example");
    assert_eq!(world.ask(&acted, "can_read", "document:1"), "allowed");
}

#[test]
fn a_subject_cannot_choose_its_type_or_a_wildcard() {
    let world = World::new();
    for sub in ["*", "a:b", "group#member", "anne document:1", ""] {
        let code = world.ask(&claims(sub, &[]), "can_read", "document:1");
        assert_eq!(code, "identity.unknown", "{sub}");
    }
    let nobody = crate::forge::with("sub", Value::Null);
    assert_eq!(
        world.ask(&nobody, "can_read", "document:1"),
        "identity.missing"
    );
}

#[test]
fn disabled_expired_and_revoked_parties_are_refused() {
    for (principals, code) in [
        (
            json!([{"id": "agent:coordinator", "disabled": true}]),
            "principal.disabled",
        ),
        (
            json!([{"id": "user:anne", "disabled": true}]),
            "principal.disabled",
        ),
        (
            json!([{"id": "agent:coordinator", "not_after": NOW - 1}]),
            "principal.expired",
        ),
        (
            json!([{"id": "agent:coordinator", "not_after": NOW}]),
            "allowed",
        ),
    ] {
        let world = World::new().with("principals", principals);
        let asked = world.ask(&claims("anne", &["coordinator"]), "can_read", "document:1");
        assert_eq!(asked, code);
    }
    let revoked = |principal: &str, before: u64| {
        let world = World::new().with("revoked", json!({"principals": {principal: before}}));
        world.ask(&claims("anne", &["coordinator"]), "can_read", "document:1")
    };
    assert_eq!(revoked("agent:coordinator", NOW), "revoked.principal");
    assert_eq!(revoked("user:anne", NOW), "revoked.principal");
    assert_eq!(revoked("user:anne", NOW - 10), "allowed");
    let world = World::new().with("revoked", json!({"tokens": ["t-1"]}));
    assert_eq!(
        world.ask(&claims("anne", &[]), "can_read", "document:1"),
        "revoked.token"
    );
}

#[test]
fn an_inferred_tenant_binds_every_party() {
    let tenants = |anne: Value, coordinator: Value| {
        World::new()
            .with(
                "principals",
                json!([{"id": "user:anne", "tenants": anne},
                    {"id": "agent:coordinator", "tenants": coordinator}]),
            )
            .ask(&claims("anne", &["coordinator"]), "can_read", "document:1")
    };
    assert_eq!(tenants(json!(["a"]), json!(["a"])), "allowed");
    assert_eq!(tenants(json!(["a", "b"]), json!(["b", "c"])), "allowed");
    assert_eq!(tenants(json!(["a"]), json!(["b"])), "tenant.mismatch");
    assert_eq!(tenants(json!(["a"]), json!([])), "tenant.mismatch");
    assert_eq!(
        tenants(json!(["a", "b"]), json!(["a", "b"])),
        "tenant.needed"
    );
}

#[test]
fn a_token_and_its_host_name_one_tenant() {
    let world = World::new().issuer("tenant_claim", json!("tid"));
    let mut own = claims("anne", &["coordinator"]);
    own["tid"] = json!("a");
    let setting = |tenant| Setting {
        tenant: Some(tenant),
        ..Setting::default()
    };
    let same = world.verify_in(&own, &setting("a")).unwrap();
    assert_eq!(answer(&same, "can_read", "document:1"), "allowed");
    let other = world.verify_in(&own, &setting("b")).unwrap_err();
    assert_eq!(other.code(), "tenant.mismatch");
}

#[test]
fn claims_that_inject_are_refused() {
    let world = World::new().issuer(
        "claims",
        json!([{"claim": "groups", "tuple":
            {"user": "{subject}", "relation": "member", "object": "group:{value}"}}]),
    );
    let groups = |value: Value| {
        let mut own = claims("anne", &[]);
        own["groups"] = value;
        world.ask(&own, "can_read", "document:2")
    };
    assert_eq!(groups(json!([])), "allowed");
    assert_eq!(groups(json!(["x", "x"])), "allowed");
    // What a claim gives may also take away.
    assert_eq!(groups(json!(["x", "blocked"])), "subject.no_grant");
    assert_eq!(groups(json!("blocked")), "subject.no_grant");
    let many: Vec<String> = (0..1_001).map(|i| format!("g{i}")).collect();
    for value in [
        json!(["*"]),
        json!(["a#member"]),
        json!(["a:b"]),
        json!(["a b"]),
        json!([""]),
        json!([1]),
        json!({"a": 1}),
        json!(null),
        json!(true),
        json!(many),
    ] {
        assert_eq!(groups(value.clone()), "token.claim", "{value}");
    }
}

#[test]
fn a_stale_snapshot_denies_everything() {
    let world = World::new().with("not_after", json!(NOW - 1));
    assert_eq!(
        world.ask(&claims("anne", &[]), "can_read", "document:1"),
        "snapshot.stale"
    );
    let world = World::new().with("not_after", json!(NOW));
    let caller = world.verify(&claims("anne", &[])).unwrap();
    assert_eq!(answer(&caller, "can_read", "document:1"), "allowed");
    assert_eq!(caller.fresh_until(), Some(UnixSeconds(NOW + 1)));
    ages(&caller, NOW, NOW + 1, "snapshot.stale");
}

#[test]
fn a_caller_does_not_outlive_its_token() {
    let caller = World::new().verify(&claims("anne", &[])).unwrap();
    assert_eq!(caller.fresh_until(), Some(UnixSeconds(NOW + 290)));
    ages(&caller, NOW + 289, NOW + 290, "token.expired");
}

#[test]
fn a_caller_does_not_outlive_its_parties() {
    let world = World::new().with(
        "principals",
        json!([{"id": "agent:coordinator", "not_after": NOW + 5}]),
    );
    let caller = world.verify(&claims("anne", &["coordinator"])).unwrap();
    assert_eq!(caller.fresh_until(), Some(UnixSeconds(NOW + 6)));
    ages(&caller, NOW + 5, NOW + 6, "principal.expired");
    // With other tuples it grows old all the same.
    let again = caller.with_tuples(&[]).unwrap();
    ages(&again, NOW + 5, NOW + 6, "principal.expired");
}

#[test]
fn a_caller_without_a_token_is_kept_as_long_as_its_host_says() {
    let policy = World::new().policy();
    let vouched = Request::at(UnixSeconds(NOW)).on_behalf_of(&["user:anne"]);
    let forever = policy.admit(&vouched).unwrap();
    assert_eq!(forever.fresh_until(), None);
    let caller = policy.admit(&vouched.max_age(60)).unwrap();
    ages(&caller, NOW + 59, NOW + 60, "caller.expired");
    let again = caller.with_tuples(&[]).unwrap();
    ages(&again, NOW + 59, NOW + 60, "caller.expired");
}

/// A kept caller answers until then, and afterwards to nobody in no way.
fn ages(caller: &Caller, last: u64, after: u64, code: &str) {
    let asked = caller.at(UnixSeconds(last));
    assert!(asked.can("can_read", "document:1"));
    assert_eq!(
        asked.filter("can_read", &["document:1"]).unwrap().allowed(),
        1
    );
    let asked = caller.at(UnixSeconds(after));
    assert!(!asked.can("can_read", "document:1"));
    assert_eq!(
        asked.can_within(1_000, "can_read", "document:1"),
        Some(false)
    );
    let none = Map::new();
    assert!(!asked.with_context(&none).can("can_read", "document:1"));
    let refused = [
        asked.check("can_read", "document:1").unwrap_err(),
        asked.filter("can_read", &["document:1"]).unwrap_err(),
        asked.list("can_read", "document").unwrap_err(),
        asked.terms("can_read", "document").unwrap_err(),
        asked.check_fresh().unwrap_err(),
    ];
    for denial in refused {
        assert_eq!(denial.code(), code);
        assert!(denial.cause.is_some());
    }
    let decision = asked.decide("can_read", "document:1");
    assert_eq!((decision.allowed, decision.reason.code()), (false, code));
    assert!(asked.delegate(&Wanted::default()).is_err());
    // A clock that was set back does not make it younger than its request.
    assert!(caller.at(UnixSeconds(0)).can("can_read", "document:1"));
}

#[test]
fn hostile_questions_are_denied() {
    let caller = World::new().verify(&claims("anne", &[])).unwrap();
    for (action, resource, code) in [
        ("", "document:1", "action.empty"),
        ("can_read", "", "path.empty"),
        ("can_read", "document:*", "resource.malformed"),
        ("can_read", "document:1#reader", "resource.malformed"),
        ("can_read", "/a/../b", "path.dot_segment"),
        ("can_read", "nothing:1", "request.unknown_type"),
        ("can_fly", "document:1", "request.unknown_relation"),
        ("*", "document:1", "request.unknown_relation"),
        ("can_read", "/document/1", "subject.no_grant"),
    ] {
        let decision = caller.at(UnixSeconds(NOW)).decide(action, resource);
        assert!(!decision.allowed);
        assert_eq!(decision.reason.code(), code, "{action} {resource}");
        assert!(!caller.at(UnixSeconds(NOW)).can(action, resource));
        assert!(
            caller
                .at(UnixSeconds(NOW))
                .filter(action, &[resource])
                .is_ok_and(|s| s.mask == [false])
        );
    }
}

#[test]
fn a_signature_checked_elsewhere_changes_nothing_else() {
    let world = World::new();
    let (policy, now) = (&world.policy(), UnixSeconds(NOW));
    let token = world.token(&claims("anne", &["coordinator"]));
    let (before, signature) = token.rsplit_once('.').unwrap();
    let forged = format!(
        "{before}.{}A",
        signature.get(..signature.len() - 1).unwrap()
    );
    for token in [&token, &forged] {
        let request = Request::at(now).token(token);
        let prepared = policy.signature_of(&request).unwrap();
        assert_eq!(prepared.signing_input(), before.as_bytes());
        assert!(prepared.public_jwk().is_some());
    }
    let here = policy.admit(&Request::at(now).token(&token)).unwrap();
    let signed = |token: &str, now, fits| {
        policy.admit(&Request::at(now).token(token).signature_checked(fits))
    };
    let there = signed(&token, now, true).unwrap();
    assert_eq!(
        here.at(UnixSeconds(NOW)).decide("can_read", "document:1"),
        there.at(UnixSeconds(NOW)).decide("can_read", "document:1")
    );
    // The word is taken for the signature, and for nothing else.
    assert_eq!(
        signed(&token, now, false).unwrap_err().code(),
        "token.signature"
    );
    let late = UnixSeconds(NOW + 100_000);
    assert_eq!(
        signed(&token, late, true).unwrap_err().code(),
        "token.expired"
    );
    let unfit = world.token(&claims("anne", &["stranger"]));
    assert_eq!(
        signed(&unfit, now, true).unwrap_err().code(),
        policy
            .admit(&Request::at(now).token(&unfit))
            .unwrap_err()
            .code()
    );
}
