//! Readings: people, machines and agents of one issuer, told apart by what
//! their tokens say; and what a token must say to count.

use deputize::UnixSeconds;
use serde_json::{Value, json};

use super::code_of;
use crate::forge::{AUDIENCE, ISSUER, NOW};
use crate::world::{World, claims, tuple};

/// Entra: people have `scp`, applications `idtyp`, and agents that act for a
/// person `xms_act_fct`.
pub(super) fn entra() -> World {
    let readings = json!([
        {"name": "people", "when": [{"claim": "idtyp", "equals": "user"}, {"claim": "xms_act_fct", "present": false}],
         "subject": "user:{oid}", "scope_claims": ["scp"]},
        {"name": "applications", "when": [{"claim": "idtyp", "equals": "app"}],
         "subject": "service:{oid}", "scope_claims": ["roles"]},
        {"name": "agents", "when": [{"claim": "idtyp", "equals": "user"}, {"claim": "xms_act_fct", "present": true}],
         "require": [{"claim": "azpacr", "one_of": ["1", "2"]}],
         "subject": "user:{oid}", "chain": "client", "client_claim": "azp", "actor": "agent:{azp}",
         "scope_claims": ["scp"]},
    ]);
    let mut world = World::new()
        .with(
            "scopes",
            json!({
                "docs:read": [{"action": "can_read", "resource": "document:*"}],
                "Docs.Read.All": [{"action": "can_read", "resource": "document:*"}],
            }),
        )
        .delegation("roots", json!(["user", "service"]))
        .tuple(tuple("user:*", "reader", "document:3"))
        .tuple(tuple("service:daemon", "reader", "document:1"))
        .with(
            "principals",
            json!([{"id": "agent:calendar", "disabled": true}]),
        )
        .tuple(tuple("agent:calendar", "delegate_of", "user:anne"));
    let issuer = world.snapshot["issuers"][0].as_object_mut().unwrap();
    for member in ["subject", "actor", "chain", "scopes"] {
        issuer.remove(member);
    }
    issuer.insert("readings".to_owned(), readings);
    world
}

/// Claims of a pairwise `sub` and these.
fn token(members: Value) -> Value {
    let mut own = claims("pairwise", &[]);
    own.as_object_mut()
        .unwrap()
        .extend(members.as_object().unwrap().clone());
    own
}

fn person() -> Value {
    token(json!({"idtyp": "user", "oid": "anne", "azp": "web", "azpacr": "0", "scp": "docs:read"}))
}

fn through(agent: &str) -> Value {
    token(
        json!({"idtyp": "user", "oid": "anne", "azp": agent, "azpacr": "2", "scp": "docs:read", "xms_act_fct": "11"}),
    )
}

fn daemon(oid: &str) -> Value {
    token(json!({"idtyp": "app", "oid": oid, "azp": oid, "roles": ["Docs.Read.All"]}))
}

fn without(mut claims: Value, member: &str) -> Value {
    claims.as_object_mut().unwrap().remove(member).unwrap();
    claims
}

fn with(mut claims: Value, member: &str, value: Value) -> Value {
    claims[member] = value;
    claims
}

#[test]
fn people_machines_and_agents_of_one_issuer_are_different_principals() {
    let world = entra();
    let chain = |claims: &Value| {
        let caller = world.verify(claims).unwrap();
        let chain = caller.chain().iter().map(|party| party.principal.clone());
        chain.collect::<Vec<_>>()
    };
    assert_eq!(chain(&person()), ["user:anne"]);
    assert_eq!(chain(&daemon("daemon")), ["service:daemon"]);
    assert_eq!(
        chain(&through("coordinator")),
        ["user:anne", "agent:coordinator"]
    );
    let ask = |claims: Value, resource: &str| world.ask(&claims, "can_read", resource);
    assert_eq!(ask(person(), "document:1"), "allowed");
    assert_eq!(ask(daemon("daemon"), "document:1"), "allowed");
    // An application is nobody among the people, and its scopes are its roles.
    assert_eq!(ask(person(), "document:3"), "allowed");
    assert_eq!(ask(daemon("daemon"), "document:3"), "subject.no_grant");
    let no_roles = without(daemon("daemon"), "roles");
    assert_eq!(ask(no_roles.clone(), "document:1"), "scope.insufficient");
    let scp = with(no_roles, "scp", json!("docs:read"));
    assert_eq!(ask(scp, "document:1"), "scope.insufficient");
}

/// An agent's own grants, the hop, and what is known of it count.
#[test]
fn the_client_acts_where_the_entry_says_so() {
    let world = entra();
    let ask = |claims: Value, resource: &str| world.ask(&claims, "can_read", resource);
    assert_eq!(ask(through("coordinator"), "document:1"), "allowed");
    assert_eq!(ask(through("coordinator"), "document:2"), "actor.no_grant");
    assert_eq!(
        ask(through("document"), "document:1"),
        "chain.hop_not_permitted"
    );
    assert_eq!(ask(through("calendar"), "document:1"), "principal.disabled");
    assert_eq!(
        ask(without(through("coordinator"), "azp"), "document:1"),
        "chain.client_missing"
    );
    let acted = with(through("coordinator"), "act", json!({"sub": "coordinator"}));
    assert_eq!(ask(acted, "document:1"), "chain.not_expected");
    // The client is not known to have shown a credential.
    let public = with(through("coordinator"), "azpacr", json!("0"));
    assert_eq!(ask(public, "document:1"), "token.requirement");
    // A client is an actor as `act` is.
    let mut alone = entra();
    alone.snapshot.as_object_mut().unwrap().remove("delegation");
    assert_eq!(
        alone.ask(&through("coordinator"), "can_read", "document:1"),
        "chain.no_delegation"
    );
    let owned = with(through("coordinator"), "may_act", json!({"sub": "other"}));
    assert_eq!(ask(owned, "document:1"), "chain.may_act");
}

#[test]
fn a_token_fits_one_reading_or_is_denied() {
    let world = entra();
    let ask = |claims: Value| world.ask(&claims, "can_read", "document:1");
    assert_eq!(ask(without(person(), "idtyp")), "token.reading");
    assert_eq!(
        ask(with(person(), "idtyp", json!("device"))),
        "token.reading"
    );
    for value in [
        json!(null),
        json!(1),
        json!(["user"]),
        json!({}),
        json!(true),
    ] {
        assert_eq!(ask(with(person(), "idtyp", value)), "token.claim");
    }
    assert_eq!(
        ask(with(person(), "xms_act_fct", json!(null))),
        "token.claim"
    );
    // Two that are not apart: neither counts.
    let mut both = entra();
    both.snapshot["issuers"][0]["readings"] = json!([
        {"name": "web", "when": [{"claim": "azp", "equals": "web"}], "subject": "user:{oid}"},
        {"name": "scoped", "when": [{"claim": "scp", "present": true}], "subject": "user:{oid}"},
    ]);
    assert_eq!(
        both.ask(&person(), "can_read", "document:1"),
        "token.reading_ambiguous"
    );
    let policy = both.policy();
    let warning = policy
        .warnings()
        .iter()
        .find(|w| w.code == "issuer.readings")
        .unwrap();
    assert_eq!(warning.pointer, "/issuers/0/readings/1/when");
    assert_eq!(
        both.ask(
            &with(person(), "azp", json!("cli")),
            "can_read",
            "document:1"
        ),
        "allowed"
    );
    // `else` is for what no other fits, and for nothing that one cannot tell.
    let mut otherwise = entra();
    otherwise.snapshot["issuers"][0]["readings"][0] =
        json!({"name": "people", "else": true, "subject": "user:{oid}"});
    assert_eq!(
        otherwise.ask(&person(), "can_read", "document:1"),
        "allowed"
    );
    assert_eq!(
        otherwise.ask(&without(person(), "idtyp"), "can_read", "document:1"),
        "allowed"
    );
    let odd = with(person(), "idtyp", json!(["app"]));
    assert_eq!(otherwise.ask(&odd, "can_read", "document:1"), "token.claim");
}

/// What becomes of a token from which one claim is taken.
#[test]
fn what_removing_a_claim_does() {
    let world = entra();
    let ask = |claims: Value| world.ask(&claims, "can_read", "document:1");
    for (claims, member, code) in [
        (person(), "idtyp", "token.reading"),
        (person(), "oid", "identity.unknown"),
        (person(), "scp", "scope.insufficient"),
        (person(), "sub", "identity.missing"),
        (daemon("daemon"), "idtyp", "token.reading"),
        (daemon("daemon"), "roles", "scope.insufficient"),
        (through("coordinator"), "azp", "chain.client_missing"),
        (through("coordinator"), "azpacr", "token.requirement"),
        (through("coordinator"), "scp", "scope.insufficient"),
    ] {
        assert_eq!(ask(claims.clone()), "allowed", "{claims}");
        assert_eq!(ask(without(claims, member)), code, "{member}");
    }
    // What tells a token with an agent from one without can be left out by
    // whoever signs, and by nobody else: the owner must not hang it on what
    // is not always there.
    let bare = without(through("coordinator"), "xms_act_fct");
    assert_eq!(world.verify(&bare).unwrap().chain().len(), 1);
}

/// Cognito: no `aud`, and the client stands for it.
#[test]
fn a_client_stands_for_an_audience_where_the_entry_says_so() {
    let world = World::new()
        .issuer("audiences", json!([]))
        .issuer(
            "audience_by",
            json!({"claim": "client_id", "one_of": ["docs", "web"]}),
        )
        .issuer(
            "require",
            json!([{"claim": "token_use", "equals": "access"}]),
        );
    let cognito = |client: &str| {
        let own = without(claims("anne", &[]), "aud");
        with(
            with(own, "token_use", json!("access")),
            "client_id",
            json!(client),
        )
    };
    let ask = |claims: Value| world.ask(&claims, "can_read", "document:1");
    assert_eq!(ask(cognito("docs")), "allowed");
    assert_eq!(ask(cognito("games")), "audience.mismatch");
    assert_eq!(
        ask(without(cognito("docs"), "client_id")),
        "audience.missing"
    );
    assert_eq!(
        ask(with(cognito("docs"), "token_use", json!("id"))),
        "token.requirement"
    );
    assert_eq!(
        ask(without(cognito("docs"), "token_use")),
        "token.requirement"
    );
    // An `aud` that is there must fit, and an empty one is none.
    assert_eq!(
        ask(with(cognito("docs"), "aud", json!("docs"))),
        "audience.mismatch"
    );
    assert_eq!(ask(with(cognito("docs"), "aud", json!([]))), "allowed");
    let record = {
        let caller = world.verify(&cognito("docs")).unwrap();
        caller
            .at(UnixSeconds(NOW))
            .decide("can_read", "document:1")
            .record
    };
    assert_eq!(
        record.inputs.token.unwrap().audience_by.as_deref(),
        Some("docs")
    );
    // A host that says who it is hears its own name.
    let asked = |audience: &str| {
        let token = world.token(&cognito("docs"));
        let options = deputize::token::VerifyOptions {
            audience: Some(audience),
            ..Default::default()
        };
        let request = deputize::Request::at(UnixSeconds(NOW))
            .token(token.as_bytes())
            .presented(options);
        code_of(world.policy().admit(&request))
    };
    assert_eq!(asked("docs"), "accepted");
    assert_eq!(asked("web"), "audience.mismatch");
    assert_eq!(asked(AUDIENCE), "audience.mismatch");
}

/// Keycloak: the payload says which kind of token it is.
#[test]
fn a_token_of_another_kind_is_refused_by_what_it_must_say() {
    let world = World::new().issuer(
        "require",
        json!([
            {"claim": "typ", "equals": "Bearer"}, {"claim": "amr", "has": "pwd"},
        ]),
    );
    let own = with(
        with(claims("anne", &[]), "typ", json!("Bearer")),
        "amr",
        json!(["pwd", "otp"]),
    );
    let ask = |claims: Value| world.ask(&claims, "can_read", "document:1");
    assert_eq!(ask(own.clone()), "allowed");
    assert_eq!(
        ask(with(own.clone(), "typ", json!("ID"))),
        "token.requirement"
    );
    assert_eq!(
        ask(with(own.clone(), "amr", json!(["otp"]))),
        "token.requirement"
    );
    assert_eq!(ask(with(own.clone(), "amr", json!("pwd"))), "token.claim");
    assert_eq!(ask(without(own, "amr")), "token.requirement");
}

/// Auth0: `permissions` decide, whatever was asked for.
#[test]
fn the_claims_that_carry_scopes_are_the_entrys_to_say() {
    let scopes = json!({"read:docs": [{"action": "can_read", "resource": "document:*"}]});
    let world = |claims: Value| {
        World::new()
            .with("scopes", scopes.clone())
            .issuer("scopes", json!("required"))
            .issuer("scope_claims", claims)
    };
    let auth0 = |scope: Value, permissions: Value| {
        let own = with(claims("anne", &[]), "scope", scope);
        with(own, "permissions", permissions)
    };
    let first = world(json!(["permissions", "scope"]));
    let ask = |world: &World, claims: Value| world.ask(&claims, "can_read", "document:1");
    assert_eq!(
        ask(&first, auth0(json!("openid"), json!(["read:docs"]))),
        "allowed"
    );
    assert_eq!(
        ask(&first, auth0(json!("read:docs"), json!([]))),
        "scope.insufficient"
    );
    assert_eq!(
        ask(
            &first,
            with(claims("anne", &[]), "scope", json!("read:docs"))
        ),
        "allowed"
    );
    assert_eq!(ask(&first, claims("anne", &[])), "scope.insufficient");
    let mut joined = world(json!(["scope", "/ext/roles"]));
    joined.snapshot["issuers"][0]["scopes_joined"] = json!(true);
    let both = with(
        with(claims("anne", &[]), "scope", json!("openid")),
        "ext",
        json!({"roles": ["read:docs"]}),
    );
    assert_eq!(ask(&joined, both.clone()), "allowed");
    assert_eq!(
        ask(&joined, with(both, "ext", json!({"roles": 1}))),
        "scope.shape"
    );
    // Duende writes `scope` as a list.
    let listed = with(claims("anne", &[]), "scope", json!(["openid", "read:docs"]));
    assert_eq!(ask(&World::new().with("scopes", scopes), listed), "allowed");
}

/// The next token is written where its reading looks.
#[test]
fn an_exchange_writes_what_its_reading_reads() {
    use deputize::exchange::{Acting, Wanted};
    let world = World::new()
        .with(
            "scopes",
            json!({"a": [{"action": "can_read", "resource": "document:*"}], "b": []}),
        )
        .issuer("scopes", json!("required"))
        .issuer("scope_claims", json!(["/ext/scopes"]))
        .issuer("client_claim", json!("client_id"))
        .issuer(
            "require",
            json!([{"claim": "token_use", "equals": "access"}]),
        );
    let mut own = claims("anne", &[]);
    own["ext"] = json!({"scopes": ["a", "b"], "other": 1});
    own["client_id"] = json!("portal");
    own["token_use"] = json!("access");
    let caller = world.verify(&own).unwrap();
    let next = |wanted: Wanted<'_>| {
        caller
            .at(UnixSeconds(NOW))
            .delegate(&wanted)
            .unwrap()
            .claims
    };
    let narrowed = next(Wanted {
        scope: Some("a"),
        ..Wanted::default()
    });
    assert_eq!(narrowed["ext"], json!({"scopes": ["a"]}));
    assert_eq!(narrowed["client_id"], "portal");
    let handed_on = next(Wanted {
        scope: Some("a"),
        actor: Some(Acting::Principal("agent:coordinator")),
        ..Wanted::default()
    });
    assert_eq!(handed_on["client_id"], "coordinator");
    let handed_on = Value::Object(handed_on);
    assert_eq!(world.ask(&handed_on, "can_read", "document:1"), "allowed");
    // The client that came last is the one that acts.
    let other = with(handed_on.clone(), "client_id", json!("portal"));
    assert_eq!(
        world.ask(&other, "can_read", "document:1"),
        "chain.client_mismatch"
    );
    assert_eq!(
        world.ask(&without(handed_on, "client_id"), "can_read", "document:1"),
        "chain.client_missing"
    );
    // A token whose client acts cannot say who acts next.
    let agents = entra();
    let caller = agents.verify(&through("coordinator")).unwrap();
    let kept = caller
        .at(UnixSeconds(NOW))
        .delegate(&Wanted::default())
        .unwrap()
        .claims;
    assert_eq!(
        agents.ask(&Value::Object(kept), "can_read", "document:1"),
        "allowed"
    );
    let actor = agents.token(&daemon("daemon"));
    let wanted = Wanted {
        actor: Some(Acting::Token {
            token: actor.as_bytes(),
            options: deputize::token::VerifyOptions::default(),
        }),
        ..Wanted::default()
    };
    let refused = caller.at(UnixSeconds(NOW)).delegate(&wanted).unwrap_err();
    assert_eq!(refused.code(), "chain.not_expected");
}

/// Cloudflare Access: a service token has an empty `sub`.
#[test]
fn an_empty_sub_is_nobody_and_another_claim_may_name_who_it_is() {
    let mut world = World::new()
        .delegation("roots", json!(["user", "service"]))
        .tuple(tuple("service:robot.access", "reader", "document:1"));
    let issuer = world.snapshot["issuers"][0].as_object_mut().unwrap();
    for member in ["subject", "actor", "chain", "scopes"] {
        issuer.remove(member);
    }
    issuer.insert("readings".to_owned(), json!([
        {"name": "people", "when": [{"claim": "common_name", "present": false}], "subject": "user:{sub}", "scopes": "ignore"},
        {"name": "services", "when": [{"claim": "common_name", "present": true}], "subject": "service:{common_name}", "scopes": "ignore"},
    ]));
    let service = |name: &str| with(claims("", &[]), "common_name", json!(name));
    let ask = |claims: Value| world.ask(&claims, "can_read", "document:1");
    assert_eq!(ask(claims("anne", &[])), "allowed");
    assert_eq!(ask(service("robot.access")), "allowed");
    assert_eq!(ask(service("other.access")), "subject.no_grant");
    assert_eq!(ask(claims("", &[])), "identity.unknown");
    let listed = World::new().with(
        "principals",
        json!([{"id": "service:robot", "identities": [{"issuer": ISSUER, "subject": ""}]}]),
    );
    let error = deputize::Policy::from_json(listed.snapshot.to_string().as_bytes()).unwrap_err();
    assert_eq!(error.pointer, "/principals/0/identities/0/subject");
}
