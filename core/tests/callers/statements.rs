//! Rows of the acceptance table, by their ids.

use deputize::caller::Setting;
use deputize::time::UnixSeconds;
use serde_json::{Value, json};

use crate::forge::{NOW, ed, entry};
use crate::world::{World, answer, claims, tuple};

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
    assert_eq!(asked(None), "tenant.needed");
}

#[test]
fn ar7_only_the_coordinator_calls_the_other_agents() {
    let world = World::new();
    let through = claims("anne", &["coordinator", "document"]);
    assert_eq!(world.ask(&through, "can_read", "document:1"), "allowed");
    for actors in [
        &["document"][..],
        &["coordinator", "document", "calendar"],
        &["calendar", "document"],
    ] {
        let code = world.ask(&claims("anne", actors), "can_read", "document:1");
        assert_eq!(code, "chain.hop_not_permitted", "{actors:?}");
    }
}

#[test]
fn ar8_only_some_people_start_the_coordinator() {
    let world = World::new().tuple(tuple("user:carl", "reader", "document:1"));
    assert_eq!(
        world.ask(&claims("carl", &["coordinator"]), "can_read", "document:1"),
        "chain.hop_not_permitted"
    );
    assert_eq!(
        world.ask(&claims("carl", &[]), "can_read", "document:1"),
        "allowed"
    );
}

#[test]
fn ar9_a_stolen_calendar_token_reads_nothing() {
    let world = World::new();
    let stolen = claims("anne", &["coordinator", "calendar"]);
    for document in ["document:1", "document:2", "document:3"] {
        assert!(
            world
                .ask(&stolen, "can_read", document)
                .ends_with(".no_grant")
        );
    }
    assert_eq!(
        world.ask(&stolen, "can_adjust", "credit:7"),
        "actor.no_grant"
    );
    // A prior actor's grants are no help, whichever way chains are read.
    let every = World::new().delegation("actors", json!("every"));
    assert_eq!(
        every.ask(&stolen, "can_read", "document:1"),
        "actor.no_grant"
    );
}

#[test]
fn ar10_the_chain_leads_back_to_the_human() {
    let world = World::new();
    let caller = world
        .verify(&claims("anne", &["coordinator", "document"]))
        .unwrap();
    let chain: Vec<&str> = caller.chain().iter().map(|p| &*p.principal).collect();
    assert_eq!(chain, ["user:anne", "agent:coordinator", "agent:document"]);
    assert_eq!(
        (caller.subject(), caller.actor()),
        ("user:anne", "agent:document")
    );
    let record = caller.decide("can_read", "document:1", None).record;
    assert_eq!(record.chain, chain);
    assert_eq!(record.actor, "agent:document");
    assert_eq!(record.delegated_by.as_deref(), Some("agent:coordinator"));
    assert_eq!(record.acting_on_behalf_of.as_deref(), Some("user:anne"));
    // Without its human, the chain starts at an agent.
    let headless = world.policy().caller(
        &["agent:coordinator", "agent:document"],
        UnixSeconds(NOW),
        &Setting::default(),
    );
    assert_eq!(headless.unwrap_err().code(), "chain.root_type");
}

#[test]
fn ar11_a_scheduled_run_starts_at_a_service_only_where_the_policy_says_so() {
    let scheduled = |roots: Value| {
        let world = World::new()
            .delegation("roots", roots)
            .tuple(tuple("agent:coordinator", "delegate_of", "service:cron"))
            .tuple(tuple("service:cron", "reader", "document:1"))
            .with(
                "principals",
                json!([{"id": "service:cron", "identities": [
                {"issuer": "https://id.example", "subject": "cron"}]}]),
            );
        world.ask(&claims("cron", &["coordinator"]), "can_read", "document:1")
    };
    assert_eq!(scheduled(json!(["user", "service"])), "allowed");
    assert_eq!(scheduled(json!(["user"])), "chain.root_type");
}

#[test]
fn ar12_the_articles_token_is_read_by_its_own_convention_alone() {
    // `sub` is the agent, `act.sub` the human, permissions are a flat list.
    let mut article = claims("coordinator", &["anne"]);
    article["permissions"] = json!(["can_read"]);
    let own = World::new().issuer("chain", json!("subject_is_actor"));
    assert_eq!(own.ask(&article, "can_read", "document:1"), "allowed");
    assert_eq!(
        own.ask(&article, "can_adjust", "credit:7"),
        "scope.insufficient"
    );
    let caller = own.verify(&article).unwrap();
    assert_eq!(
        (caller.subject(), caller.actor()),
        ("user:anne", "agent:coordinator")
    );
    // Read the RFC's way round, the human would act for the agent.
    let rfc = World::new();
    assert_eq!(
        rfc.ask(&article, "can_read", "document:1"),
        "chain.hop_not_permitted"
    );
    // Longer: the innermost is the human, the outermost called the agent.
    let longer = claims("document", &["anne", "coordinator"]);
    let caller = own.verify(&longer).unwrap();
    let chain: Vec<&str> = caller.chain().iter().map(|p| &*p.principal).collect();
    assert_eq!(chain, ["user:anne", "agent:coordinator", "agent:document"]);
    // Without `act` there is no human, and the root is an agent.
    assert_eq!(
        own.ask(&claims("coordinator", &[]), "can_read", "document:1"),
        "chain.root_type"
    );
}

#[test]
fn fb4_a_valid_token_alone_grants_nothing() {
    let known = json!([{"id": "user:new", "identities": [
        {"issuer": "https://id.example", "subject": "usr-1"}]}]);
    let world = World::new().with("principals", known).with(
        "access",
        json!([{"principal": "user:old", "action": "*", "resource": "/"}]),
    );
    let own = claims("usr-1", &[]);
    let caller = world.verify(&own).unwrap();
    assert_eq!(caller.subject(), "user:new");
    assert_eq!(
        answer(&caller, "integration:get", "/account/acc-1/"),
        "subject.no_grant"
    );
    assert_eq!(
        answer(&caller, "can_read", "document:1"),
        "subject.no_grant"
    );
}

#[test]
fn fb7_a_subject_of_another_issuer_is_another() {
    let other = ed();
    let mut second = entry(&other);
    second["issuer"] = json!("https://other.example");
    second["subject"] = json!("user:{sub}");
    let mut world = World::new().with(
        "principals",
        json!([{"id": "user:anne", "identities": [
        {"issuer": "https://id.example", "subject": "anne"}]}]),
    );
    world.snapshot["issuers"]
        .as_array_mut()
        .unwrap()
        .push(second);
    assert_eq!(
        world.ask(&claims("anne", &[]), "can_read", "document:1"),
        "allowed"
    );
    let mut same = claims("anne", &[]);
    same["iss"] = json!("https://other.example");
    let refused = world.policy().verify(
        other.token(&same).as_bytes(),
        UnixSeconds(NOW),
        &deputize::token::VerifyOptions::default(),
    );
    assert_eq!(refused.unwrap_err().code(), "identity.unknown");
}
