//! What a caller can be asked, and what is written down of it.

use deputize::Request;
use deputize::caller::Caller;
use deputize::decision::{Question, Reason};
use deputize::request::Setting;
use deputize::scope::ScopeSet;
use deputize::time::UnixSeconds;
use deputize::{Policy, Tuple};
use serde_json::{Map, Value, json};

use crate::forge::NOW;
use crate::world::{World, answer, claims, scoped, tuple};

fn question(context: Option<&Map<String, Value>>) -> Question<'_> {
    Question {
        action: "can_read",
        resource: "document:1",
        context,
    }
}

#[test]
fn filter_list_and_terms_agree_with_single_questions() {
    let world = World::new()
        .tuple(tuple("user:anne", "member", "group:staff"))
        .tuple(tuple("group:staff#member", "reader", "document:4"))
        .tuple(tuple("agent:coordinator", "reader", "document:4"))
        .with("resources", json!([{"id": "credit:5", "tenant": "other"}]))
        .tuple(tuple("user:anne", "can_adjust", "credit:5"));
    let caller = world
        .verify(&scoped("anne", &["coordinator"], "document:read"))
        .unwrap();
    let asked = [
        "document:1",
        "document:2",
        "document:3",
        "document:4",
        "credit:5",
        "x",
        "document:9",
        "credit:7",
    ];
    let sifted = caller
        .at(UnixSeconds(NOW))
        .filter("can_read", &asked)
        .unwrap();
    for (resource, allowed) in asked.iter().zip(&sifted.mask) {
        assert_eq!(
            caller.at(UnixSeconds(NOW)).can("can_read", resource),
            *allowed,
            "{resource}"
        );
    }
    assert_eq!(sifted.allowed(), 2);
    let dropped: Vec<_> = sifted.dropped.iter().map(|(r, n)| (r.code(), *n)).collect();
    assert_eq!(
        dropped,
        [
            ("tenant.mismatch", 2),
            ("scope.insufficient", 1),
            ("subject.no_grant", 2),
            ("actor.no_grant", 1),
        ]
    );
    assert_eq!(
        caller
            .at(UnixSeconds(NOW))
            .list("can_read", "document")
            .unwrap(),
        ["document:1", "document:4"]
    );
    let terms = caller
        .at(UnixSeconds(NOW))
        .terms("can_read", "document")
        .unwrap();
    assert_eq!(terms, ["group:staff#member", "user:*", "user:anne"]);
}

#[test]
fn few_steps_say_what_all_of_them_would_or_nothing() {
    let caller = World::new()
        .tuple(tuple("user:anne", "member", "group:staff"))
        .tuple(tuple("group:staff#member", "reader", "document:4"))
        .tuple(tuple("agent:coordinator", "reader", "document:4"))
        .verify(&scoped("anne", &["coordinator"], "document:read"))
        .unwrap();
    for resource in ["document:1", "document:2", "document:4", "credit:7", "x"] {
        let whole = caller.at(UnixSeconds(NOW)).can("can_read", resource);
        let of = |steps| {
            caller
                .at(UnixSeconds(NOW))
                .can_within(steps, "can_read", resource)
        };
        let answers: Vec<_> = (0..200).map(of).collect();
        let enough = answers.iter().position(Option::is_some).unwrap();
        assert!(
            answers[enough..].iter().all(|a| *a == Some(whole)),
            "{resource}"
        );
        assert!(
            !resource.starts_with("document") || enough > 0,
            "{resource}"
        );
    }
    // Where the policy itself allows no more, there is nothing to wait for.
    let caller = World::new()
        .with("limits", json!({"steps": 1}))
        .verify(&scoped("anne", &["coordinator"], "document:read"))
        .unwrap();
    assert_eq!(
        caller
            .at(UnixSeconds(NOW))
            .can_within(1, "can_read", "document:1"),
        Some(false)
    );
}

#[test]
fn every_asks_all_actors_and_last_looks_at_one_hop() {
    let chain = claims("anne", &["coordinator", "document"]);
    let narrowed = World::new().without(&tuple("agent:coordinator", "reader", "document:1"));
    assert_eq!(narrowed.ask(&chain, "can_read", "document:1"), "allowed");
    let every = narrowed.delegation("actors", json!("every"));
    assert_eq!(
        every.ask(&chain, "can_read", "document:1"),
        "actor.no_grant"
    );
    let last = World::new().delegation("check_hops", json!("last"));
    assert_eq!(
        last.ask(&chain, "can_read", "document:1"),
        "chain.hop_not_permitted"
    );
    let last = last
        .tuple(tuple("agent:document", "delegate_of", "user:anne"))
        .without(&tuple("agent:coordinator", "invoke", "agent:document"));
    assert_eq!(last.ask(&chain, "can_read", "document:1"), "allowed");
}

#[test]
fn a_task_constrains_and_never_adds() {
    let world = World::new()
        .issuer("task_claim", json!("task"))
        .tuple(tuple("task:17", "reader", "document:1"))
        .tuple(tuple("task:17", "reader", "document:3"))
        .tuple(tuple("task:18", "reader", "document:2"));
    let asked = |task: Value, host: Option<&str>, document: &str| {
        let mut own = claims("anne", &[]);
        own["task"] = task;
        let setting = Setting {
            task: host,
            ..Setting::default()
        };
        match world.verify_in(&own, &setting) {
            Ok(caller) => answer(&caller, "can_read", document),
            Err(denial) => denial.code(),
        }
    };
    assert_eq!(asked(json!("17"), None, "document:1"), "allowed");
    assert_eq!(asked(json!("task:17"), None, "document:1"), "allowed");
    assert_eq!(asked(json!("17"), None, "document:2"), "task.no_grant");
    assert_eq!(asked(json!("17"), None, "document:3"), "subject.no_grant");
    assert_eq!(
        asked(json!("17"), Some("task:18"), "document:1"),
        "task.no_grant"
    );
    assert_eq!(asked(json!("*"), None, "document:1"), "token.claim");
}

#[test]
fn a_hop_under_a_condition_waits_for_its_context() {
    let plain = tuple("agent:coordinator", "delegate_of", "user:anne");
    let mut conditional = plain.clone();
    conditional["condition"] = json!({"name": "approved"});
    let world = World::new().without(&plain).tuple(conditional);
    let caller = world.verify(&claims("anne", &["coordinator"])).unwrap();
    let asked = |context: Value| {
        let decision = caller
            .at(UnixSeconds(NOW))
            .with_context(context.as_object().unwrap())
            .decide("can_read", "document:1");
        let allowed = caller
            .at(UnixSeconds(NOW))
            .with_context(context.as_object().unwrap())
            .can("can_read", "document:1");
        assert_eq!(decision.allowed, allowed);
        assert_eq!(
            caller.policy().replay(&decision.record),
            Ok(decision.clone())
        );
        decision.reason.code()
    };
    assert_eq!(asked(json!({})), "condition.missing_context");
    assert_eq!(asked(json!({"ticket": "T-2"})), "chain.hop_not_permitted");
    assert_eq!(asked(json!({"ticket": "T-1"})), "allowed");
    assert!(
        caller
            .at(UnixSeconds(NOW))
            .filter("can_read", &["document:1"])
            .is_err()
    );
    assert!(
        caller
            .at(UnixSeconds(NOW))
            .list("can_read", "document")
            .is_err()
    );
}

#[test]
fn a_host_narrows_and_vouches() {
    let policy = World::new().policy();
    let scopes = ScopeSet::parse("document:read").unwrap();
    let setting = Setting {
        scopes: Some(&scopes),
        ..Setting::default()
    };
    let caller = policy
        .admit(
            &Request::at(UnixSeconds(NOW))
                .on_behalf_of(&["user:anne"])
                .setting(setting),
        )
        .unwrap();
    assert_eq!(answer(&caller, "can_read", "document:1"), "allowed");
    assert_eq!(
        answer(&caller, "can_adjust", "credit:7"),
        "scope.insufficient"
    );
    let tuples = [deputize::Tuple::new("user:anne", "reader", "document:9")];
    let setting = Setting {
        tuples: &tuples,
        ..Setting::default()
    };
    let caller = policy
        .admit(
            &Request::at(UnixSeconds(NOW))
                .on_behalf_of(&["user:anne"])
                .setting(setting),
        )
        .unwrap();
    assert_eq!(answer(&caller, "can_read", "document:9"), "allowed");
    let none = policy.admit(&Request::at(UnixSeconds(NOW)).on_behalf_of(&[]));
    assert_eq!(none.unwrap_err().code(), "chain.empty");
    for wrong in ["anne", "user:*", "group:a#member", "user:"] {
        let refused = policy.admit(&Request::at(UnixSeconds(NOW)).on_behalf_of(&[wrong]));
        assert_eq!(
            refused.unwrap_err().code(),
            "principal.malformed",
            "{wrong}"
        );
    }
}

#[test]
fn a_decision_names_what_decided() {
    let caller = World::new()
        .verify(&claims("anne", &["coordinator"]))
        .unwrap();
    let decision = caller.at(UnixSeconds(NOW)).decide("can_read", "document:1");
    let text = serde_json::to_string(&decision).unwrap();
    for tuple in [
        "user:anne reader document:1",
        "agent:coordinator reader document:1",
    ] {
        assert!(text.contains(tuple), "{text}");
    }
    let decision = caller.at(UnixSeconds(NOW)).decide("can_read", "document:2");
    assert_eq!(decision.reason, Reason::ActorNoGrant);
    let text = serde_json::to_string(&decision).unwrap();
    assert!(
        text.contains("agent:coordinator reader document:2"),
        "{text}"
    );
}

/// What chunks say of their own readers comes after the caller.
#[test]
fn tuples_beside_those_a_caller_has() {
    let host = [tuple("user:anne", "reader", "document:7")];
    let host: Vec<Tuple> = serde_json::from_value(json!(host)).unwrap();
    let setting = Setting {
        tuples: &host,
        ..Setting::default()
    };
    let world = World::new();
    let caller = world
        .verify_in(&scoped("anne", &["coordinator"], "document:read"), &setting)
        .unwrap();
    let with = |tuples: &[Value]| {
        let tuples: Vec<Tuple> = serde_json::from_value(json!(tuples)).unwrap();
        caller.with_tuples(&tuples)
    };
    let reads = |who: &str, what: &str| tuple(who, "reader", what);
    let both = with(&[
        reads("user:anne", "document:8"),
        reads("agent:coordinator", "document:8"),
        reads("agent:coordinator", "document:7"),
        reads("user:anne", "document:9"),
        tuple("user:anne", "can_adjust", "credit:8"),
        tuple("agent:coordinator", "can_adjust", "credit:8"),
        // Again what it had.
        reads("user:anne", "document:7"),
    ])
    .unwrap();
    // Both parties, and the scopes, as ever; `answer` replays the record too.
    assert_eq!(answer(&both, "can_read", "document:8"), "allowed");
    assert_eq!(answer(&both, "can_read", "document:7"), "allowed");
    assert_eq!(answer(&both, "can_read", "document:9"), "actor.no_grant");
    assert_eq!(
        answer(&both, "can_adjust", "credit:8"),
        "scope.insufficient"
    );
    assert_eq!(
        answer(&caller, "can_read", "document:8"),
        "subject.no_grant"
    );
    assert_eq!(
        answer(&with(&[]).unwrap(), "can_read", "document:1"),
        "allowed"
    );
    for bad in [
        reads("user:anne", "document:a b"),
        reads("credit:7", "document:8"),
        reads("user:anne", "nothing:8"),
    ] {
        let refused = with(&[reads("user:anne", "document:8"), bad]).unwrap_err();
        assert_eq!(refused.reason, Reason::RequestContextualTuple);
    }
    assert!(both.at(UnixSeconds(NOW + 1)).can("can_read", "document:8"));
}

#[test]
fn every_input_changes_the_id_of_a_decision() {
    let world = World::new();
    let policy = world.policy();
    let caller = world.verify(&claims("anne", &[])).unwrap();
    let id_at = |caller: &Caller, now, action: &str, on: &str, context: Value| {
        let asked = caller.at(UnixSeconds(now));
        let context = context.as_object().unwrap();
        asked.with_context(context).decide(action, on).record.id
    };
    let id =
        |caller: &Caller, action: &str, on: &str, context| id_at(caller, NOW, action, on, context);
    let other = World::new().with("revision", json!("43")).policy();
    let extra = tuple("user:anne", "reader", "document:9");
    let host = |policy: &Policy, now| {
        policy
            .admit(&Request::at(UnixSeconds(now)).on_behalf_of(&["user:anne"]))
            .unwrap()
    };
    let ids = [
        id(&caller, "can_read", "document:1", json!({})),
        id(&caller, "reader", "document:1", json!({})),
        id(&caller, "can_read", "document:2", json!({})),
        id(&caller, "can_read", "document:1", json!({"a": 1})),
        id_at(&caller, NOW + 1, "can_read", "document:1", json!({})),
        id(
            &caller
                .with_tuples(&serde_json::from_value::<Vec<Tuple>>(json!([extra])).unwrap())
                .unwrap(),
            "can_read",
            "document:1",
            json!({}),
        ),
        id(&host(&policy, NOW), "can_read", "document:1", json!({})),
        id(&host(&policy, NOW + 1), "can_read", "document:1", json!({})),
        id(&host(&other, NOW), "can_read", "document:1", json!({})),
    ];
    for (i, one) in ids.iter().enumerate() {
        assert!(!ids[..i].contains(one), "{i}");
    }
}

#[test]
fn decide_is_total_and_keeps_no_secret() {
    let world = World::new();
    let policy = world.policy();
    let token = world.token(&claims("bob", &["coordinator"]));
    for text in [token.as_str(), "", "a.b.c", &token[..token.len() - 4]] {
        let decision = policy.decide_question(
            &Request::at(UnixSeconds(NOW)).token(text.as_bytes()),
            &question(Some(&Map::new())),
        );
        assert!(!decision.allowed);
        assert_ne!(decision.reason, Reason::Allowed);
        let written = serde_json::to_string(&decision).unwrap();
        for part in token.split('.') {
            assert!(!written.contains(part));
        }
    }
    let caller = world.verify(&claims("anne", &["coordinator"])).unwrap();
    let written =
        serde_json::to_string(&caller.at(UnixSeconds(NOW)).decide("can_read", "document:1"))
            .unwrap();
    let token = world.token(&claims("anne", &["coordinator"]));
    for part in token.split('.') {
        assert!(!written.contains(part));
    }
}

/// One rule: what the host fixed goes over the question's own values, and these
/// over what else the host said.
#[test]
fn a_host_fixes_values_that_no_question_overrides() {
    let plain = tuple("agent:coordinator", "delegate_of", "user:anne");
    let mut conditional = plain.clone();
    conditional["condition"] = json!({"name": "approved"});
    let world = World::new().without(&plain).tuple(conditional);
    let (good, bad) = (json!({"ticket": "T-1"}), json!({"ticket": "T-2"}));
    let asked = |host: Option<&Value>, fixed: Option<&Value>, own: Option<&Value>| {
        let setting = Setting {
            context: host.and_then(Value::as_object),
            fixed_context: fixed.and_then(Value::as_object),
            ..Setting::default()
        };
        let admitted = world.verify_in(&claims("anne", &["coordinator"]), &setting);
        let caller = match admitted {
            Ok(caller) => caller,
            Err(denial) => return denial.code(),
        };
        let none = Map::new();
        let own = own.map_or(&none, |own| own.as_object().unwrap());
        let asked = caller.at(UnixSeconds(NOW)).with_context(own);
        let decision = asked.decide("can_read", "document:1");
        assert_eq!(decision.allowed, asked.can("can_read", "document:1"));
        let again = caller.policy().replay(&decision.record);
        assert_eq!(again.as_ref(), Ok(&decision));
        decision.reason.code()
    };
    let (good, bad) = (Some(&good), Some(&bad));
    assert_eq!(asked(None, None, good), "allowed");
    assert_eq!(asked(None, good, None), "allowed");
    assert_eq!(asked(bad, good, bad), "allowed");
    assert_eq!(asked(good, bad, good), "chain.hop_not_permitted");
    // An admitted hop is settled for the caller by what the host said.
    assert_eq!(asked(good, None, None), "allowed");
}
