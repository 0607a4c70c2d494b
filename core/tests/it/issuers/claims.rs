//! Claims that lie deep, are left out, lie elsewhere, or hold what is no id.

use serde_json::{Value, json};

use super::refusal;
use crate::world::{World, scoped, tuple};

/// A mapping of a claim to `group:{value}`, in which `document:2` is barred.
fn groups(claim: &str) -> Value {
    json!({"claim": claim, "tuple": tuple("{subject}", "member", "group:{value}")})
}

/// Anne may read `document:2` unless one of her groups is `blocked`.
fn world(mapping: Value) -> World {
    World::new().issuer("claims", json!([mapping]))
}

fn anne(claims: Value) -> Value {
    let mut token = scoped("anne", &[], "document:read");
    let members = token.as_object_mut().unwrap();
    members.extend(claims.as_object().unwrap().clone());
    token
}

fn asked(world: &World, claims: Value) -> &'static str {
    world.ask(&anne(claims), "can_read", "document:2")
}

fn with(mut mapping: Value, member: &str, value: Value) -> Value {
    mapping[member] = value;
    mapping
}

#[test]
fn a_pointer_reaches_what_a_provider_nests() {
    for (claim, blocked, other) in [
        (
            "groups",
            json!({"groups": ["blocked"]}),
            json!({"groups": ["staff"]}),
        ),
        (
            "/realm_access/roles",
            json!({"realm_access": {"roles": ["staff", "blocked"]}}),
            json!({"realm_access": {"roles": ["staff"]}}),
        ),
        (
            "/resource_access/docs-api/roles",
            json!({"resource_access": {"docs-api": {"roles": ["blocked"]}}}),
            json!({"resource_access": {"docs-api": {"roles": []}}}),
        ),
        (
            "https://id.example/roles",
            json!({"https://id.example/roles": "blocked"}),
            json!({"https://id.example/roles": "staff"}),
        ),
    ] {
        let world = world(groups(claim));
        assert_eq!(asked(&world, blocked), "subject.no_grant", "{claim}");
        assert_eq!(asked(&world, other), "allowed", "{claim}");
    }
}

#[test]
fn a_path_that_no_token_has_is_refused_with_what_would_be_right() {
    let dotted = "realm_access.roles";
    let (code, pointer, said) = refusal("claims", json!([groups(dotted)]));
    assert_eq!(
        (code.as_str(), pointer.as_str()),
        ("claim.path", "/issuers/0/claims/0/claim")
    );
    assert!(said.contains("`/realm_access/roles`"), "{said}");
    for (member, value, code) in [
        ("tenant_claim", json!("ext.org"), "claim.path"),
        ("task_claim", json!("/ext/~org"), "claim.pointer"),
        ("subject", json!("user:{ext.id}"), "claim.path"),
        ("actor", json!("agent:{/ext/~2}"), "claim.pointer"),
        ("tenant_claim", json!(""), "claim.empty"),
        ("tenant_claim", json!("/act/sub"), "claim.reserved"),
        ("subject", json!("user:{iss}/{sub}"), "template.unencoded"),
        ("subject", json!("user:{tid}{sub}"), "template.adjacent"),
    ] {
        let (found, pointer, _) = refusal(member, value);
        assert_eq!(
            (found.as_str(), pointer),
            (code, format!("/issuers/0/{member}"))
        );
    }
}

/// Entra, for whoever is in more groups than a token holds.
#[test]
fn groups_that_are_elsewhere_are_not_none() {
    let world = world(groups("groups"));
    let sources = json!({"src1": {"endpoint": "https://graph.example/users/anne"}});
    for claims in [
        json!({"_claim_names": {"groups": "src1"}, "_claim_sources": sources}),
        json!({"_claim_names": {"groups": "src1"}, "groups": ["staff"]}),
        json!({"groups": "src1", "_claim_sources": sources}),
        json!({"hasgroups": true}),
        json!({"hasgroups": "true", "groups": ["staff"]}),
    ] {
        assert_eq!(
            asked(&world, claims.clone()),
            "token.claim_elsewhere",
            "{claims}"
        );
    }
    assert_eq!(
        asked(&world, json!({"_claim_names": ["groups"]})),
        "token.claim"
    );
    let other = json!({"_claim_names": {"photo": "src1"}, "hasgroups": false, "groups": ["staff"]});
    assert_eq!(asked(&world, other), "allowed");
    // The owner's word that they may be missing is about nothing that is
    // somewhere else.
    let lenient = World::new().issuer(
        "claims",
        json!([with(groups("groups"), "absent", json!("empty"))]),
    );
    assert_eq!(
        asked(&lenient, json!({"hasgroups": true})),
        "token.claim_elsewhere"
    );
    // Scopes, tenants and whom it speaks of may be elsewhere as well.
    let scopes = json!({"_claim_names": {"scope": "src1"}});
    assert_eq!(asked(&World::new(), scopes), "token.claim_elsewhere");
    let nested = World::new().issuer("claims", json!([groups("/realm_access/roles")]));
    let away = json!({"_claim_names": {"realm_access": "src1"}});
    assert_eq!(asked(&nested, away), "token.claim_elsewhere");
}

#[test]
fn a_claim_that_is_absent_takes_away_what_it_might() {
    assert_eq!(
        asked(&world(groups("groups")), json!({})),
        "token.claim_absent"
    );
    assert_eq!(
        asked(&world(groups("groups")), json!({"groups": []})),
        "allowed"
    );
    assert_eq!(
        asked(&world(groups("groups")), json!({"groups": null})),
        "token.claim"
    );
    let lenient = world(with(groups("groups"), "absent", json!("empty")));
    assert_eq!(asked(&lenient, json!({})), "allowed");
    // `reader` only gives, and so does what leads to nothing but readers.
    let reader =
        json!({"claim": "docs", "tuple": tuple("{subject}", "reader", "document:{value}")});
    assert_eq!(asked(&world(reader), json!({})), "allowed");
    // Who is barred hangs on the groups of an actor just as much.
    let actors = json!({"claim": "teams", "tuple": tuple("{actor}", "member", "group:{value}")});
    let world = World::new().issuer("claims", json!([actors]));
    assert_eq!(
        world.ask(
            &scoped("anne", &[], "document:read"),
            "can_read",
            "document:1"
        ),
        "allowed"
    );
    let through = scoped("anne", &["coordinator"], "document:read");
    assert_eq!(
        world.ask(&through, "can_read", "document:1"),
        "token.claim_absent"
    );
}

/// Whether a relation can take away is a matter of every way that leads below
/// an exclusion.
#[test]
fn what_can_take_away_is_found_however_deep_it_lies() {
    let model = |define: &str| {
        format!(
            "model\n  schema 1.1\ntype user\ntype org\n  relations\n    define member: [user]\ntype group\n  relations\n    define org: [org]\n    define direct: [user]\n    define member: direct or member from org\ntype document\n  relations\n    define reader: [user, group#member]\n    define barred: [group#member]\n    define can_read: {define}\n"
        )
    };
    let world = |define: &str, relation: &str, object: &str| {
        let mapping = json!({"claim": "orgs", "tuple": tuple("{subject}", relation, object)});
        World::new()
            .with("model", json!(model(define)))
            .with(
                "tuples",
                json!([tuple("user:anne", "reader", "document:2")]),
            )
            .with("delegation", json!(null))
            .issuer("claims", json!([mapping]))
    };
    for (define, relation, object, code) in [
        ("reader", "member", "org:{value}", "allowed"),
        (
            "reader but not barred",
            "member",
            "org:{value}",
            "token.claim_absent",
        ),
        (
            "reader but not barred",
            "direct",
            "group:{value}",
            "token.claim_absent",
        ),
        (
            "reader but not barred",
            "reader",
            "document:{value}",
            "allowed",
        ),
        (
            "reader and barred",
            "member",
            "org:{value}",
            "subject.no_grant",
        ),
        (
            "reader but not (reader but not barred)",
            "direct",
            "group:{value}",
            "token.claim_absent",
        ),
    ] {
        let mut world = world(define, relation, object);
        world.snapshot.as_object_mut().unwrap().remove("delegation");
        assert_eq!(
            asked(&world, json!({})),
            code,
            "{define}: {relation} {object}"
        );
    }
}

#[test]
fn a_declared_tenant_is_in_every_token() {
    let world = World::new().issuer("tenant_claim", json!("/ext/org"));
    assert_eq!(asked(&world, json!({"ext": {"org": "acme"}})), "allowed");
    for ext in [
        json!({}),
        json!({"org": ""}),
        json!({"org": null}),
        json!({"org": ["acme"]}),
    ] {
        let code = asked(&world, json!({"ext": ext}));
        assert!(
            ["token.claim_absent", "token.claim"].contains(&code),
            "{code}"
        );
    }
    assert_eq!(asked(&world, json!({})), "token.claim_absent");
}

/// Zitadel: the roles are the names of an object's members.
#[test]
fn the_names_of_members_are_values_where_the_entry_says_so() {
    let claim = "urn:zitadel:iam:org:project:roles";
    let roles = |roles: Value| json!({claim: roles});
    let keys = world(with(groups(claim), "take", json!("keys")));
    assert_eq!(
        asked(&keys, roles(json!({"blocked": {"1": "acme"}}))),
        "subject.no_grant"
    );
    assert_eq!(
        asked(&keys, roles(json!({"reader": {"1": "acme"}}))),
        "allowed"
    );
    assert_eq!(asked(&keys, roles(json!({}))), "allowed");
    assert_eq!(asked(&keys, roles(json!(["reader"]))), "token.claim");
    assert_eq!(
        asked(&world(groups(claim)), roles(json!({"reader": {}}))),
        "token.claim"
    );
}

/// Okta: groups are called what people call them.
#[test]
fn a_value_that_is_no_id_is_written_as_one_or_named_by_its_place() {
    let blocked = json!({"groups": ["staff", "West Coast: blocked"]});
    let plain = world(groups("groups"));
    let denial = plain.verify(&anne(blocked.clone())).unwrap_err();
    assert_eq!(denial.code(), "token.claim");
    assert!(
        denial.message.contains("value 2 of the claim `groups`"),
        "{}",
        denial.message
    );
    assert!(
        denial.message.contains("holds ` ` at byte 4"),
        "{}",
        denial.message
    );
    assert!(!denial.message.contains("West"), "{}", denial.message);

    let barred = tuple(
        "group:West%20Coast%3A%20blocked#member",
        "blocked",
        "document:2",
    );
    let encoded = world(with(groups("groups"), "encode", json!("percent"))).tuple(barred);
    assert_eq!(asked(&encoded, blocked.clone()), "subject.no_grant");
    assert_eq!(
        asked(&encoded, json!({"groups": ["West Coast"]})),
        "allowed"
    );
    assert_eq!(asked(&encoded, json!({"groups": [""]})), "token.claim");

    let table = json!({"West Coast: blocked": "blocked", "staff": "staff"});
    let listed = world(with(groups("groups"), "values", table));
    assert_eq!(asked(&listed, blocked), "subject.no_grant");
    assert_eq!(asked(&listed, json!({"groups": ["staff"]})), "allowed");
    assert_eq!(asked(&listed, json!({"groups": ["other"]})), "token.claim");
    for text in ["*", "a#b", "a:b", "a\tb", ""] {
        assert_eq!(
            asked(&plain, json!({"groups": [text]})),
            "token.claim",
            "{text}"
        );
    }
    assert_eq!(
        asked(&plain, json!({"groups": vec!["g"; 1001]})),
        "token.claim"
    );
}

#[test]
fn values_are_passed_over_where_all_they_do_is_give() {
    let pass_over = json!("pass_over");
    let reader =
        json!({"claim": "docs", "tuple": tuple("{subject}", "reader", "document:{value}")});
    let lenient = world(with(reader, "unfit", pass_over.clone()));
    assert_eq!(
        asked(&lenient, json!({"docs": ["West Coast", "2"]})),
        "allowed"
    );
    assert_eq!(asked(&lenient, json!({"docs": [1, "2"]})), "token.claim");
    let (code, pointer, _) = refusal(
        "claims",
        json!([with(groups("groups"), "unfit", pass_over)]),
    );
    assert_eq!(
        (code.as_str(), pointer.as_str()),
        ("mapping.pass_over", "/issuers/0/claims/0/unfit")
    );
}

#[test]
fn what_a_mapping_says_without_effect_is_refused() {
    let constant = json!({"claim": "vip", "tuple": tuple("{subject}", "member", "group:vip")});
    for (mapping, code) in [
        (
            with(constant.clone(), "encode", json!("percent")),
            "mapping.no_value",
        ),
        (
            with(constant, "values", json!({"a": "b"})),
            "mapping.no_value",
        ),
        (
            with(
                with(groups("groups"), "encode", json!("percent")),
                "values",
                json!({"a": "b"}),
            ),
            "mapping.two_ways",
        ),
        (
            with(groups("groups"), "values", json!({"a": "b c"})),
            "mapping.table_id",
        ),
        (
            with(groups("groups"), "values", json!({"a": "*"})),
            "mapping.table_id",
        ),
    ] {
        assert_eq!(refusal("claims", json!([mapping])).0, code);
    }
}

/// GitHub, Google IAP, SPIFFE: names with a `:`.
#[test]
fn a_name_that_is_no_id_is_encoded_or_said_to_fit_none() {
    let name = "repo:octo/docs:environment:prod";
    let token = scoped(name, &[], "document:read");
    let denial = World::new().verify(&token).unwrap_err();
    assert_eq!(denial.code(), "identity.unknown");
    assert!(
        denial.message.contains("its `sub` holds `:` at byte 4"),
        "{}",
        denial.message
    );
    let encoded = World::new().issuer("encode", json!("percent")).tuple(tuple(
        "user:repo%3Aocto/docs%3Aenvironment%3Aprod",
        "reader",
        "document:2",
    ));
    assert_eq!(encoded.ask(&token, "can_read", "document:2"), "allowed");
    // An empty name is nobody's.
    assert_eq!(
        encoded.ask(&scoped("", &[], "document:read"), "can_read", "document:2"),
        "identity.unknown"
    );
}

/// An exchange keeps what a claim said at its own place, and no more.
#[test]
fn the_next_token_has_its_claims_where_the_first_one_had_them() {
    use deputize::UnixSeconds;
    use deputize::exchange::Wanted;
    let mapping = groups("/realm_access/roles");
    let world = world(mapping).issuer("tenant_claim", json!("/ext/org"));
    let claims = anne(json!({
        "realm_access": {"roles": ["staff"], "other": 1}, "ext": {"org": "acme", "plan": "free"},
    }));
    let caller = world.verify(&claims).unwrap();
    let next = caller
        .at(UnixSeconds(crate::forge::NOW))
        .delegate(&Wanted::default())
        .unwrap();
    assert_eq!(next.claims["realm_access"], json!({"roles": ["staff"]}));
    assert_eq!(next.claims["ext"], json!({"org": "acme"}));
}
