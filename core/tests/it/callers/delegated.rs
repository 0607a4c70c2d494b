//! Hops that are enough by themselves (`actor_authority` of a hop rule):
//! ACCEPTANCE FZ3, and who could use them to get in.

use deputize::decision::Role;
use deputize::scope::ScopeSet;
use deputize::time::UnixSeconds;
use deputize::{Policy, Request};
use serde_json::{Value, json};

use crate::forge::NOW;
use crate::world::{World, answer, claims, scoped, tuple};

/// From a person to an agent the hop is enough; from agent to agent it is not.
fn world() -> World {
    let mut world = World::new().issuer("scopes", json!("required"));
    world.snapshot["delegation"]["hops"][0]["actor_authority"] = json!("delegated");
    world
}

fn refused(world: &World) -> (&'static str, String) {
    let error = Policy::from_json(world.snapshot.to_string().as_bytes()).unwrap_err();
    (error.code(), error.pointer)
}

#[test]
fn fz3_an_agent_reaches_what_its_person_and_its_scopes_allow() {
    let world = world();
    let reads = |actor: &str, scope: &str, on: &str| {
        world.ask(&scoped("anne", &[actor], scope), "can_read", on)
    };
    // No grant of its own on document:2 is lifted from `blocked`: anne's reach.
    let world_of = |grants: &[&str]| {
        let mut world = self::world();
        for document in grants {
            world = world.tuple(tuple("user:anne", "reader", document));
        }
        world
    };
    assert_eq!(
        reads("coordinator", "document:read", "document:1"),
        "allowed"
    );
    assert_eq!(
        reads("coordinator", "document:read", "document:2"),
        "allowed"
    );
    // Its own grants add nothing, and its scopes narrow.
    let own = reads("coordinator", "document:read", "document:3");
    assert_eq!(own, "subject.no_grant");
    let beyond = reads("coordinator", "other:scope", "document:1");
    assert_eq!(beyond, "scope.insufficient");
    // Without the tuple there is no hop.
    let nobody = reads("calendar", "document:read", "document:1");
    assert_eq!(nobody, "chain.hop_not_permitted");
    // Every way to ask: `answer` compares them; so do lists.
    let more = world_of(&["document:8"]);
    let caller = more
        .verify(&scoped("anne", &["coordinator"], "document:read"))
        .unwrap();
    assert_eq!(answer(&caller, "can_read", "document:8"), "allowed");
    let asked = caller.at(UnixSeconds(NOW));
    let listed = asked.list("can_read", "document").unwrap();
    assert_eq!(listed, ["document:1", "document:2", "document:8"]);
    let terms = asked.terms("can_read", "document").unwrap();
    assert!(terms.contains(&"user:anne".to_owned()));
    // The explanation says by what the agent is let through.
    let decision = asked.decide("can_read", "document:8");
    let roles: Vec<_> = decision.branches.iter().map(|b| b.role).collect();
    assert_eq!(roles, [Role::Scopes, Role::Delegated, Role::Subject]);
    assert_eq!(decision.branches[1].principal, "agent:coordinator");
}

#[test]
fn a_hop_without_anything_that_narrows_needs_the_actors_own_authority() {
    let policy = world().policy();
    let chain = ["user:anne", "agent:coordinator"];
    let vouched = Request::at(UnixSeconds(NOW)).on_behalf_of(&chain);
    let ask =
        |request: &Request<'_>, on: &str| answer(&policy.admit(request).unwrap(), "can_read", on);
    assert_eq!(ask(&vouched, "document:1"), "allowed");
    assert_eq!(ask(&vouched, "document:2"), "actor.no_grant");
    let scopes = ScopeSet::parse("document:read").unwrap();
    assert_eq!(
        ask(&vouched.clone().scopes(&scopes), "document:2"),
        "allowed"
    );
    let nothing = ScopeSet::parse("").unwrap();
    let none = ask(&vouched.clone().scopes(&nothing), "document:2");
    assert_eq!(none, "scope.insufficient");
    let policy = world()
        .tuple(tuple("task:17", "reader", "document:2"))
        .policy();
    let of_task = |task| {
        let request = vouched.clone().task(task);
        let admitted = policy.admit(&request);
        admitted.map(|caller| answer(&caller, "can_read", "document:2"))
    };
    assert_eq!(of_task("task:17"), Ok("allowed"));
    assert_eq!(of_task("task:18"), Ok("task.no_grant"));
    // A task that is a party of the chain narrows nothing.
    for party in chain {
        assert_eq!(of_task(party).unwrap_err().code(), "token.claim");
    }
}

#[test]
fn a_delegate_of_an_agent_has_no_more_than_that_agent() {
    let mut world = world();
    // From agent to agent too.
    world.snapshot["delegation"]["hops"][2]["actor_authority"] = json!("delegated");
    let chain = scoped("anne", &["coordinator", "document"], "document:read");
    // Both hops are enough, so anne is asked alone.
    assert_eq!(world.ask(&chain, "can_read", "document:2"), "allowed");
    // Only the second is: the coordinator is asked in its place.
    world.snapshot["delegation"]["hops"][0]
        .as_object_mut()
        .unwrap()
        .remove("actor_authority");
    assert_eq!(world.ask(&chain, "can_read", "document:1"), "allowed");
    assert_eq!(
        world.ask(&chain, "can_read", "document:2"),
        "actor.no_grant"
    );
    let fewer = world.without(&tuple("agent:document", "reader", "document:1"));
    assert_eq!(fewer.ask(&chain, "can_read", "document:1"), "allowed");
    let fewer = fewer.without(&tuple("agent:coordinator", "reader", "document:1"));
    assert_eq!(
        fewer.ask(&chain, "can_read", "document:1"),
        "actor.no_grant"
    );
    // Only the first is: the document agent is asked itself.
    let first = self::world().without(&tuple("agent:document", "reader", "document:1"));
    assert_eq!(
        first.ask(&chain, "can_read", "document:1"),
        "actor.no_grant"
    );
    let every = self::world().delegation("actors", json!("every"));
    assert_eq!(every.ask(&chain, "can_read", "document:1"), "allowed");
}

#[test]
fn a_hop_that_everybody_is_admitted_to_is_not_enough() {
    // By a wildcard that lies a relation deeper than the rule's own.
    let model = crate::world::MODEL.replace(
        "    define delegate_of: [agent, agent with approved]",
        "    define everybody: [agent:*]\n    define delegate_of: [agent, agent with approved] or everybody",
    );
    let world =
        world()
            .with("model", json!(model))
            .tuple(tuple("agent:*", "everybody", "user:anne"));
    let of = |actor| scoped("anne", &[actor], "document:read");
    assert_eq!(
        world.ask(&of("calendar"), "can_read", "document:1"),
        "actor.no_grant"
    );
    assert_eq!(
        world.ask(&of("coordinator"), "can_read", "document:2"),
        "actor.no_grant"
    );
}

#[test]
fn a_hop_under_a_condition_is_enough_where_it_is_met() {
    let plain = tuple("agent:coordinator", "delegate_of", "user:anne");
    let mut conditional = plain.clone();
    conditional["condition"] = json!({"name": "approved"});
    let world = world().without(&plain).tuple(conditional);
    let caller = world
        .verify(&scoped("anne", &["coordinator"], "document:read"))
        .unwrap();
    let asked = |context: Value| {
        let moment = caller.at(UnixSeconds(NOW));
        let moment = moment.with_context(context.as_object().unwrap());
        let decision = moment.decide("can_read", "document:2");
        assert_eq!(moment.can("can_read", "document:2"), decision.allowed);
        let again = caller.policy().replay(&decision.record);
        assert_eq!(again.as_ref(), Ok(&decision));
        decision.reason.code()
    };
    assert_eq!(asked(json!({})), "condition.missing_context");
    assert_eq!(asked(json!({"ticket": "T-2"})), "chain.hop_not_permitted");
    assert_eq!(asked(json!({"ticket": "T-1"})), "allowed");
}

#[test]
fn a_snapshot_in_which_a_hop_would_be_impersonation_is_refused() {
    let code = "delegation.delegated";
    let last = world().delegation("check_hops", json!("last"));
    let at = "/delegation/hops/0/actor_authority".to_owned();
    assert_eq!(refused(&last), (code, at));
    for (user, object) in [
        ("agent:coordinator", "{from}"),
        ("{to}", "user:anne"),
        ("{to}", "{to}"),
        ("{to}#invoke", "{from}"),
        ("agent:*", "{from}"),
    ] {
        let mut world = world();
        let tuples = json!([tuple(user, "delegate_of", object)]);
        world.snapshot["delegation"]["hops"][0]["any_of"] = tuples;
        let at = "/delegation/hops/0/any_of/0".to_owned();
        assert_eq!(refused(&world), (code, at), "{user} {object}");
    }
    let model =
        crate::world::MODEL.replace("delegate_of: [agent,", "delegate_of: [agent:*, agent,");
    let world_of_all = world().with("model", json!(model));
    let at = "/delegation/hops/0/any_of/0/relation".to_owned();
    assert_eq!(refused(&world_of_all), (code, at));
    for scopes in ["narrow", "ignore"] {
        let unscoped = world().issuer("scopes", json!(scopes));
        let at = "/issuers/0/scopes".to_owned();
        assert_eq!(refused(&unscoped), (code, at));
        // A task narrows as well; a token without one needs the actor's own.
        let of_task = unscoped.issuer("task_claim", json!("task")).tuple(tuple(
            "task:17",
            "reader",
            "document:2",
        ));
        let mut own = claims("anne", &["coordinator"]);
        assert_eq!(
            of_task.ask(&own, "can_read", "document:2"),
            "actor.no_grant"
        );
        own["task"] = json!("17");
        assert_eq!(of_task.ask(&own, "can_read", "document:2"), "allowed");
        own["task"] = json!("user:anne");
        assert_eq!(of_task.ask(&own, "can_read", "document:2"), "token.claim");
    }
    // One that cannot say who acts need not narrow.
    let silent = world()
        .issuer("chain", json!("none"))
        .issuer("scopes", json!("ignore"));
    assert!(Policy::from_json(silent.snapshot.to_string().as_bytes()).is_ok());
    let mut unknown = world();
    unknown.snapshot["delegation"]["hops"][0]["actor_authority"] = json!("grants");
    assert_eq!(refused(&unknown).0, "snapshot.shape");
}
