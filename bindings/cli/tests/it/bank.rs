//! The bank of `examples/bank`, sentence by sentence: each with tokens that
//! are signed here, by a key that is made here.

use aws_lc_rs::signature::Ed25519KeyPair;
use deputize::Policy;
use deputize::Request;
use deputize::caller::Caller;
use deputize::decision::{Decision, Question, Record};
use deputize::exchange::{Acting, ExchangeRefusal, Wanted};
use deputize::time::UnixSeconds;
use deputize::token::{SigningKey, VerifyOptions};
use serde_json::{Value, json};

/// 2025-11-21T11:40:00Z.
const NOW: UnixSeconds = UnixSeconds(1_763_725_200);
const ISSUER: &str = "https://id.bank.example";
const COORDINATORS: &str = "https://coordinator.bank.example";
const DOCUMENTS: &str = "https://documents.bank.example";
const ACCOUNTS: &str = "https://accounts.bank.example";
const CALENDARS: &str = "https://calendars.bank.example";

const SECTIONS: [&str; 3] = [
    "section:dispute-policy-1",
    "section:dispute-policy-2",
    "section:dispute-policy-3",
];

struct Bank {
    policy: Policy,
    key: SigningKey,
}

/// The example's own files, with the public half of a new key.
fn bank() -> Bank {
    let pair = Ed25519KeyPair::generate().unwrap();
    let seed: aws_lc_rs::encoding::Curve25519SeedBin<'_> =
        aws_lc_rs::encoding::AsBigEndian::as_be_bytes(&pair.seed().unwrap()).unwrap();
    let public = aws_lc_rs::signature::KeyPair::public_key(&pair);
    let mut jwk = json!({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "kid": "k",
        "x": base64url(public.as_ref())});
    let file = |name: &str| {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/bank");
        std::fs::read_to_string(format!("{folder}/{name}")).unwrap()
    };
    let mut snapshot: Value = serde_json::from_str(&file("trust.json")).unwrap();
    let tuples: Value = serde_saphyr::from_str(&file("tuples.yaml")).unwrap();
    snapshot["deputize"] = json!(1);
    snapshot["model"] = json!(file("model.fga"));
    snapshot["tuples"] = tuples;
    snapshot["issuers"][0]["keys"] = json!({ "keys": [jwk] });
    let policy = Policy::from_json(snapshot.to_string().as_bytes()).unwrap();
    assert!(policy.warnings().is_empty(), "{:?}", policy.warnings());
    jwk["d"] = json!(base64url(seed.as_ref()));
    let key = SigningKey::from_jwk(&jwk, None, None).unwrap();
    Bank { policy, key }
}

fn base64url(bytes: &[u8]) -> String {
    base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, bytes)
}

fn at(audience: &str) -> VerifyOptions<'_> {
    VerifyOptions {
        audience: Some(audience),
        ..VerifyOptions::default()
    }
}

impl Bank {
    fn sign(&self, claims: Value) -> String {
        self.key.sign(&claims, "at+jwt").unwrap()
    }

    fn login(&self, sub: &str) -> String {
        self.sign(json!({
            "iss": ISSUER, "sub": sub, "iat": NOW, "exp": NOW.plus(3_600),
            "aud": [COORDINATORS, DOCUMENTS, ACCOUNTS, CALENDARS],
            "scope": "documents:read accounts:phone accounts:limit calendars:read",
        }))
    }

    /// The token with which an agent goes on.
    fn hand_on(
        &self,
        token: &str,
        agent: &str,
        audience: Option<&str>,
    ) -> Result<String, ExchangeRefusal> {
        let request = Request::at(NOW).token(token);
        let wanted = Wanted {
            actor: Some(Acting::Principal(agent)),
            audiences: audience.as_slice(),
            lifetime: Some(300),
            ..Wanted::default()
        };
        let next = self.policy.exchange(&request, &wanted)?;
        Ok(self.sign(Value::Object(next.claims)))
    }

    /// The token of an agent that the coordinator calls for somebody.
    fn run(&self, who: &str, agent: &str, service: &str) -> String {
        let login = self.login(who);
        let started = self.hand_on(&login, "agent:coordinator", None).unwrap();
        self.hand_on(&started, agent, Some(service)).unwrap()
    }

    fn caller(&self, token: &str, service: &str) -> Caller {
        let verified = self.policy.admit(
            &Request::at(NOW)
                .token(token.as_bytes())
                .presented(at(service)),
        );
        verified.unwrap()
    }

    fn decide(
        &self,
        token: &str,
        options: &VerifyOptions<'_>,
        action: &str,
        resource: &str,
        context: &Value,
    ) -> Decision {
        let question = Question {
            action,
            resource,
            context: context.as_object(),
        };
        self.policy.decide_question(
            &Request::at(NOW).token(token.as_bytes()).presented(*options),
            &question,
        )
    }

    fn reason(&self, token: &str, service: &str, action: &str, resource: &str) -> &'static str {
        let decision = self.decide(token, &at(service), action, resource, &json!({}));
        decision.reason.code()
    }

    /// Whether somebody may set a credit limit, through the business agent.
    fn limit(&self, who: &str, account: &str, context: &Value) -> &'static str {
        let token = self.run(who, "agent:business", ACCOUNTS);
        let options = at(ACCOUNTS);
        self.decide(&token, &options, "can_change_limit", account, context)
            .reason
            .code()
    }
}

fn refused(handed: Result<String, ExchangeRefusal>) -> &'static str {
    handed.unwrap_err().code()
}

#[test]
fn only_permitted_humans_start_the_coordinator() {
    let bank = bank();
    for who in ["sara", "leo", "lena", "nora"] {
        let token = bank
            .hand_on(&bank.login(who), "agent:coordinator", None)
            .unwrap();
        let caller = bank.caller(&token, COORDINATORS);
        assert_eq!(caller.subject(), format!("user:{who}"));
        assert_eq!(caller.actor(), "agent:coordinator");
    }
    // A customer, a teller, those who may read results, and nobody known.
    for who in ["carla", "tom", "dina", "stranger"] {
        let handed = bank.hand_on(&bank.login(who), "agent:coordinator", None);
        assert_eq!(refused(handed), "chain.hop_not_permitted", "{who}");
    }
    let view = bank.policy.view();
    let results = |who| view.check(who, "can_read_results", "agent:coordinator");
    assert_eq!(
        (results("user:dina"), results("user:tom")),
        (Ok(true), Ok(false))
    );
}

#[test]
fn only_the_coordinator_calls_the_other_agents() {
    let bank = bank();
    let agents = [
        ("agent:documents", DOCUMENTS),
        ("agent:business", ACCOUNTS),
        ("agent:calendar", CALENDARS),
    ];
    for (agent, service) in agents {
        let token = bank.run("nora", agent, service);
        let caller = bank.caller(&token, service);
        let chain: Vec<&str> = caller.chain().iter().map(|p| &*p.principal).collect();
        assert_eq!(chain, ["user:nora", "agent:coordinator", agent]);
        let direct = bank.hand_on(&bank.login("nora"), agent, None);
        assert_eq!(refused(direct), "chain.hop_not_permitted", "{agent}");
        for (other, _) in agents.into_iter().filter(|(other, _)| *other != agent) {
            let handed = bank.hand_on(&token, other, None);
            assert_eq!(
                refused(handed),
                "chain.hop_not_permitted",
                "{agent} {other}"
            );
        }
        // Nor does a token say so without an exchange.
        let forged = bank.sign(json!({
            "iss": ISSUER, "sub": "nora", "aud": service, "scope": "documents:read",
            "iat": NOW, "exp": NOW.plus(300), "act": {"sub": agent.trim_start_matches("agent:")},
        }));
        let denial = bank.policy.admit(
            &Request::at(NOW)
                .token(forged.as_bytes())
                .presented(at(service)),
        );
        assert_eq!(denial.unwrap_err().code(), "chain.hop_not_permitted");
    }
}

#[test]
fn a_stolen_calendar_token_reads_nothing_but_the_calendar() {
    let bank = bank();
    // Given everything that Nora's login has, narrowed by its audience alone.
    let login = bank.login("nora");
    let started = bank.hand_on(&login, "agent:coordinator", None).unwrap();
    let stolen = bank
        .hand_on(&started, "agent:calendar", Some(CALENDARS))
        .unwrap();
    assert_eq!(
        bank.reason(&stolen, CALENDARS, "can_read", "calendar:nora"),
        "allowed"
    );
    let others = "calendar:sara";
    assert_eq!(
        bank.reason(&stolen, CALENDARS, "can_read", others),
        "subject.no_grant"
    );
    let wide = bank.hand_on(&started, "agent:calendar", None).unwrap();
    for (action, resource, service) in [
        ("can_read", SECTIONS[2], DOCUMENTS),
        ("can_read", "document:fees", DOCUMENTS),
        ("can_read", "document:case-118", DOCUMENTS),
        ("can_change_phone", "account:carla", ACCOUNTS),
    ] {
        assert_eq!(
            bank.reason(&stolen, service, action, resource),
            "audience.mismatch"
        );
        let unasked = VerifyOptions::default();
        for token in [&stolen, &wide] {
            let decision = bank.decide(token, &unasked, action, resource, &json!({}));
            assert!(!decision.allowed, "{resource}");
        }
    }
    let caller = bank.caller(&wide, DOCUMENTS);
    assert_eq!(
        caller
            .at(NOW)
            .filter("can_read", &SECTIONS)
            .unwrap()
            .allowed(),
        0
    );
    assert_eq!(
        caller
            .at(NOW)
            .check("can_read", SECTIONS[2])
            .unwrap_err()
            .code(),
        "actor.no_grant"
    );
    let later = UnixSeconds(NOW.0 + 300);
    let denial = bank.policy.admit(
        &Request::at(later)
            .token(stolen.as_bytes())
            .presented(at(CALENDARS)),
    );
    assert_eq!(denial.unwrap_err().code(), "token.expired");
}

#[test]
fn tier_one_support_changes_a_phone_number_and_no_credit_limit() {
    let bank = bank();
    let token = bank.run("sara", "agent:business", ACCOUNTS);
    assert_eq!(
        bank.reason(&token, ACCOUNTS, "can_change_phone", "account:carla"),
        "allowed"
    );
    for amount in [0, 1, 10_000] {
        let context = json!({"amount": amount, "segment": "private"});
        assert_eq!(
            bank.limit("sara", "account:carla", &context),
            "subject.no_grant"
        );
    }
    let lena = bank.run("lena", "agent:business", ACCOUNTS);
    assert_eq!(
        bank.reason(&lena, ACCOUNTS, "can_change_phone", "account:carla"),
        "subject.no_grant"
    );
}

#[test]
fn a_credit_limit_depends_on_person_amount_and_customer() {
    let bank = bank();
    for (who, account, amount, segment, expected) in [
        ("lena", "account:carla", 10_000, "private", "allowed"),
        (
            "lena",
            "account:carla",
            10_001,
            "private",
            "subject.no_grant",
        ),
        ("lena", "account:bakery", 1, "business", "subject.no_grant"),
        ("leo", "account:carla", 10_001, "private", "allowed"),
        ("leo", "account:bakery", 50_000, "business", "allowed"),
        (
            "leo",
            "account:bakery",
            50_001,
            "business",
            "subject.no_grant",
        ),
        ("leo", "account:bakery", 1, "charity", "subject.no_grant"),
    ] {
        let context = json!({"amount": amount, "segment": segment});
        assert_eq!(
            bank.limit(who, account, &context),
            expected,
            "{who} {account} {amount}"
        );
    }
    for context in [
        json!({}),
        json!({"amount": 1}),
        json!({"segment": "private"}),
    ] {
        let reason = bank.limit("leo", "account:carla", &context);
        assert_eq!(reason, "condition.missing_context", "{context}");
    }
    let text = json!({"amount": "a lot", "segment": "private"});
    assert_eq!(
        bank.limit("leo", "account:carla", &text),
        "condition.ill_typed"
    );
}

#[test]
fn sections_of_one_pdf_differ_between_employees_and_legal() {
    let bank = bank();
    for (who, mask) in [
        ("sara", [true, false, false]),
        ("leo", [true, false, false]),
        ("nora", [true, true, true]),
    ] {
        let token = bank.run(who, "agent:documents", DOCUMENTS);
        let caller = bank.caller(&token, DOCUMENTS);
        let sifted = caller.at(NOW).filter("can_read", &SECTIONS).unwrap();
        assert_eq!(sifted.mask, mask, "{who}");
        let listed = caller.at(NOW).list("can_read", "section").unwrap();
        assert_eq!(listed.len(), sifted.allowed());
    }
}

#[test]
fn the_audit_trail_leads_to_the_human() {
    let bank = bank();
    let token = bank.run("leo", "agent:business", ACCOUNTS);
    let context = json!({"amount": 12_000, "segment": "private"});
    let options = at(ACCOUNTS);
    let decision = bank.decide(
        &token,
        &options,
        "can_change_limit",
        "account:carla",
        &context,
    );
    let record = &decision.record;
    assert!(decision.allowed);
    assert_eq!(record.acting_on_behalf_of.as_deref(), Some("user:leo"));
    assert_eq!(record.delegated_by.as_deref(), Some("agent:coordinator"));
    assert_eq!(record.actor, "agent:business");
    assert_eq!(record.agent_type, "sub-agent");
    assert_eq!(
        record.chain,
        ["user:leo", "agent:coordinator", "agent:business"]
    );
    let hops = bank.policy.hops(record);
    assert_eq!(hops.len(), 2);
    assert!(hops.iter().all(|hop| hop.allowed && hop.grounds.len() == 1));
    // From the line that was written down, without the token.
    let written: Record = serde_json::from_str(&record.to_canonical()).unwrap();
    let again = bank.policy.replay(&written).unwrap();
    assert_eq!(again.record.to_canonical(), record.to_canonical());
    let signature = token.rsplit('.').next().unwrap();
    assert!(!record.to_canonical().contains(signature));
}

#[test]
fn a_scheduled_run_starts_at_a_service() {
    let bank = bank();
    let token = bank.run("nightly", "agent:documents", DOCUMENTS);
    let guide = bank.decide(
        &token,
        &at(DOCUMENTS),
        "can_read",
        "document:counter-guide",
        &json!({}),
    );
    assert!(guide.allowed);
    assert_eq!(
        guide.record.acting_on_behalf_of.as_deref(),
        Some("service:nightly")
    );
    let read = |token: &str, what| bank.reason(token, DOCUMENTS, "can_read", what);
    assert_eq!(read(&token, "document:loan-rules"), "subject.no_grant");
    // An agent is no service: nothing starts at one.
    for agent in ["coordinator", "documents", "business", "calendar"] {
        let own = bank.login(agent);
        assert_eq!(
            read(&own, "document:counter-guide"),
            "chain.root_type",
            "{agent}"
        );
    }
}
