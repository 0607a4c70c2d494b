//! The article's bank: people, a coordinator, and agents that only it calls.

use deputize::Request;
use deputize::caller::Caller;
use deputize::decision::{Question, Record};
use deputize::request::Setting;
use deputize::snapshot::{OrphanKind, Snapshot};
use deputize::time::UnixSeconds;
use deputize::token::VerifyOptions;
use deputize::{Policy, Tuple};
use serde_json::{Value, json};

use crate::forge::NOW;
use crate::world::{World, answer, claims, scoped, tuple};

/// Documents of four desks and of everybody, one of them in sections.
fn desks() -> Policy {
    let model = "model
  schema 1.1
type user
type desk
  relations
    define member: [user]
type document
  relations
    define parent: [document]
    define reader: [user, user:*, desk#member]
    define can_read: reader or can_read from parent
type tool
  relations
    define can_use: [user, desk#member]
";
    let mut tuples = vec![
        tuple("user:*", "reader", "document:rates"),
        tuple("desk:legal#member", "reader", "document:handbook"),
        tuple("desk:support#member", "can_use", "tool:update_phone"),
        tuple("user:vera", "can_use", "tool:adjust_credit_limit"),
    ];
    for (person, desk) in [
        ("sam", "support"),
        ("fay", "fraud"),
        ("dan", "disputes"),
        ("lou", "loans"),
        ("lea", "legal"),
    ] {
        tuples.push(tuple(
            &format!("user:{person}"),
            "member",
            &format!("desk:{desk}"),
        ));
    }
    for desk in ["support", "fraud", "disputes", "loans"] {
        let document = format!("document:{desk}");
        tuples.push(tuple(&format!("desk:{desk}#member"), "reader", &document));
    }
    for section in 1..=5 {
        let name = format!("document:handbook-{section}");
        tuples.push(tuple("document:handbook", "parent", &name));
        if section <= 3 {
            for desk in ["support", "fraud", "disputes", "loans"] {
                tuples.push(tuple(&format!("desk:{desk}#member"), "reader", &name));
            }
        }
    }
    let snapshot = json!({"deputize": 1, "model": model, "tuples": tuples});
    Policy::from_json(snapshot.to_string().as_bytes()).unwrap()
}

fn person(policy: &Policy, name: &str) -> Caller {
    let name = format!("user:{name}");
    let setting = Setting::default();
    policy
        .admit(
            &Request::at(UnixSeconds(NOW))
                .on_behalf_of(&[&name])
                .setting(setting),
        )
        .unwrap()
}

fn reads(caller: &Caller, documents: &[&str]) -> Vec<bool> {
    caller
        .at(UnixSeconds(NOW))
        .filter("can_read", documents)
        .unwrap()
        .mask
}

#[test]
fn ar1_a_chunk_that_may_not_be_seen_is_dropped_and_counted() {
    let policy = desks();
    let chunks = ["document:support", "document:fraud", "document:rates", "?"];
    let sifted = person(&policy, "sam")
        .at(UnixSeconds(NOW))
        .filter("can_read", &chunks)
        .unwrap();
    assert_eq!(sifted.mask, [true, false, true, false]);
    assert_eq!(sifted.dropped.values().sum::<usize>(), 2);
}

#[test]
fn ar2_teller_vice_president_and_customer_get_different_documents() {
    let policy = desks();
    let corpus = ["document:rates", "document:support", "document:handbook-5"];
    for (who, expected) in [
        ("sam", [true, true, false]),
        ("lea", [true, false, true]),
        ("customer", [true, false, false]),
    ] {
        assert_eq!(reads(&person(&policy, who), &corpus), expected, "{who}");
    }
}

#[test]
fn ar3_each_desk_reads_its_own() {
    let policy = desks();
    let desks = ["support", "fraud", "disputes", "loans", "rates"];
    let documents = desks.map(|desk| format!("document:{desk}"));
    for (who, own) in [
        ("sam", Some(0)),
        ("fay", Some(1)),
        ("dan", Some(2)),
        ("lou", Some(3)),
        ("customer", None),
    ] {
        let expected: Vec<bool> = (0..5).map(|i| Some(i) == own || i == 4).collect();
        let found = person(&policy, who)
            .at(UnixSeconds(NOW))
            .filter("can_read", &documents)
            .unwrap();
        assert_eq!(found.mask, expected, "{who}");
    }
}

#[test]
fn ar4_sections_of_one_document_differ() {
    let policy = desks();
    let sections: Vec<String> = (1..=5).map(|i| format!("document:handbook-{i}")).collect();
    let seen = |who: &str| {
        let caller = person(&policy, who);
        caller
            .at(UnixSeconds(NOW))
            .filter("can_read", &sections)
            .unwrap()
            .allowed()
    };
    assert_eq!((seen("sam"), seen("lea"), seen("customer")), (3, 5, 0));
}

#[test]
fn ar5_a_chunk_that_lost_its_metadata_is_denied() {
    let policy = desks();
    // Also for one who may read everything of that document.
    let sifted = person(&policy, "lea")
        .at(UnixSeconds(NOW))
        .filter("can_read", &["", "document:handbook-9", "chunk"])
        .unwrap();
    assert_eq!(sifted.allowed(), 0);
}

#[test]
fn ar6_tier_one_changes_a_phone_number_and_no_credit_limit() {
    let policy = desks();
    let sam = person(&policy, "sam");
    assert_eq!(answer(&sam, "can_use", "tool:update_phone"), "allowed");
    assert_eq!(
        answer(&sam, "can_use", "tool:adjust_credit_limit"),
        "subject.no_grant"
    );
    // A limit of one's own: by an attribute of the grant, and the amount asked.
    let model = "model
  schema 1.1
type user
type credit
  relations
    define can_adjust: [user with limited]
condition limited(amount: int, limit: int) {
  amount <= limit
}";
    let limits = [("sam", 100), ("vera", 10_000)].map(|(who, limit)| {
        let mut own = tuple(&format!("user:{who}"), "can_adjust", "credit:7");
        own["condition"] = json!({"name": "limited", "context": {"limit": limit}});
        own
    });
    let limited = json!({"deputize": 1, "model": model, "tuples": limits});
    let policy = Policy::from_json(limited.to_string().as_bytes()).unwrap();
    for (who, amount, allowed) in [
        ("sam", 100, true),
        ("sam", 101, false),
        ("vera", 10_000, true),
        ("vera", 10_001, false),
        ("customer", 1, false),
    ] {
        let context = json!({ "amount": amount });
        let caller = person(&policy, who);
        let found = caller
            .at(UnixSeconds(NOW))
            .with_context(context.as_object().unwrap())
            .can("can_adjust", "credit:7");
        assert_eq!(found, allowed, "{who} {amount}");
    }
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
    let record = caller
        .at(UnixSeconds(NOW))
        .decide("can_read", "document:1")
        .record;
    assert_eq!(record.chain, chain);
    assert_eq!(record.actor, "agent:document");
    assert_eq!(record.delegated_by.as_deref(), Some("agent:coordinator"));
    assert_eq!(record.acting_on_behalf_of.as_deref(), Some("user:anne"));
    // Without its human, the chain starts at an agent.
    let headless = world.policy().admit(
        &Request::at(UnixSeconds(NOW)).on_behalf_of(&["agent:coordinator", "agent:document"]),
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
fn ar13_a_token_of_five_minutes_ends_after_five_minutes() {
    let world = World::new();
    let policy = world.policy();
    let mut own = claims("anne", &["coordinator"]);
    (own["iat"], own["nbf"]) = (json!(NOW), json!(NOW));
    own["exp"] = json!(NOW + 300);
    let token = world.token(&own);
    let at = |now: u64| {
        let options = VerifyOptions::default();
        match policy.admit(
            &Request::at(UnixSeconds(now))
                .token(token.as_bytes())
                .presented(options),
        ) {
            Ok(caller) => answer(&caller, "can_read", "document:1"),
            Err(denial) => denial.code(),
        }
    };
    assert_eq!(at(NOW + 299), "allowed");
    assert_eq!(at(NOW + 300), "token.expired");
    assert_eq!(at(NOW + 301), "token.expired");
}

#[test]
fn ar14_the_same_question_has_the_same_bytes() {
    let world = World::new();
    let mut shuffled = world.snapshot.clone();
    shuffled["tuples"].as_array_mut().unwrap().reverse();
    shuffled["delegation"]["hops"]
        .as_array_mut()
        .unwrap()
        .reverse();
    let shuffled = Policy::from_json(shuffled.to_string().as_bytes()).unwrap();
    let compiled = Policy::from_compiled(&shuffled.to_compiled()).unwrap();
    let token = world.token(&claims("anne", &["coordinator"]));
    let bytes = |policy: &Policy| {
        let decision = policy.decide_question(
            &Request::at(UnixSeconds(NOW)).token(token.as_bytes()),
            &QUESTION,
        );
        assert!(decision.allowed);
        serde_json::to_string(&decision).unwrap()
    };
    let first = bytes(&world.policy());
    assert_eq!(bytes(&shuffled), first);
    assert_eq!(bytes(&compiled), first);
    for _ in 0..10_000 {
        assert_eq!(bytes(&compiled), first);
    }
}

#[test]
fn ar15_a_record_has_the_fields_of_the_audit_log() {
    let mut own = scoped("anne", &["coordinator"], "document:read");
    own["roles"] = json!(["teller"]);
    let caller = World::new().verify(&own).unwrap();
    let record = caller
        .at(UnixSeconds(NOW))
        .decide("can_read", "document:1")
        .record;
    let json = serde_json::to_value(&record).unwrap();
    assert_eq!(json["agentType"], "agent");
    assert_eq!(json["action"], "can_read");
    assert_eq!(json["actor"], "agent:coordinator");
    assert_eq!(json["delegatedBy"], "user:anne");
    assert_eq!(json["actingOnBehalfOf"], "user:anne");
    assert_eq!(json["roles"], json!(["teller"]));
    assert_eq!(json["scope"], "document:read");
    assert_eq!(json["revision"], "42");
    assert_eq!(json["id"].as_str().unwrap().len(), 64);
    let read: Record = serde_json::from_value(json).unwrap();
    assert_eq!(read, record);
    assert_eq!(read.to_canonical(), record.to_canonical());
}

#[test]
fn ar16_expired_agents_are_found_and_their_tokens_denied() {
    let world = World::new().with(
        "principals",
        json!([{"id": "agent:coordinator", "not_after": NOW - 1}]),
    );
    let text = world.snapshot.to_string();
    let snapshot = Snapshot::from_json(text.as_bytes()).unwrap();
    let orphans = snapshot.orphans(UnixSeconds(NOW));
    assert!(
        orphans
            .iter()
            .any(|o| matches!(o.kind, OrphanKind::Expired { .. }) && o.name == "agent:coordinator"),
        "{orphans:?}"
    );
    assert_eq!(
        world.ask(&claims("anne", &["coordinator"]), "can_read", "document:1"),
        "principal.expired"
    );
}

#[test]
fn ar17_one_snapshot_is_one_answer_wherever_it_is_asked() {
    // What a framework's wrapper asks, and what an agent asks about its tools.
    let world = World::new();
    let first = world.policy();
    let second = Policy::from_compiled(&first.to_compiled()).unwrap();
    assert_eq!(first.digest(), second.digest());
    let token = world.token(&claims("anne", &["coordinator"]));
    let documents = ["document:1", "document:2", "document:3"];
    let caller = |policy: &Policy| {
        let options = VerifyOptions::default();
        let caller = policy.admit(
            &Request::at(UnixSeconds(NOW))
                .token(token.as_bytes())
                .presented(options),
        );
        caller.unwrap()
    };
    let sifted = caller(&first)
        .at(UnixSeconds(NOW))
        .filter("can_read", &documents)
        .unwrap();
    let each = documents.map(|document| {
        caller(&second)
            .at(UnixSeconds(NOW))
            .can("can_read", document)
    });
    assert_eq!(sifted.mask, each);
    // A chunk's own access list is the host's to say, to both alike.
    let tuples = [Tuple::new("user:anne", "reader", "document:9")];
    let setting = Setting {
        tuples: &tuples,
        ..Setting::default()
    };
    for policy in [&first, &second] {
        let caller = policy.admit(
            &Request::at(UnixSeconds(NOW))
                .on_behalf_of(&["user:anne"])
                .setting(setting),
        );
        assert_eq!(
            answer(&caller.unwrap(), "can_read", "document:9"),
            "allowed"
        );
    }
}

const QUESTION: Question<'static> = Question {
    action: "can_read",
    resource: "document:1",
    context: None,
};
