//! Four agents and their tokens: who starts whom, for whom, and what for.

use deputize::decision::{Decision, Question};
use deputize::token::VerifyOptions;
use deputize::{Policy, Request};
use serde_json::{Map, Value, json};

use crate::fault::{Failure, Fault};
use crate::paint::{BAD, FAINT, GOOD, paint};
use crate::ruling;

use super::bank::{Bank, Handed};
use super::heading;

const COORDINATOR: &str = "agent:coordinator";
const DOCUMENTS: &str = "agent:documents";
const BUSINESS: &str = "agent:business";
const CALENDAR: &str = "agent:calendar";

const DOCUMENT_SERVICE: &str = "https://documents.bank.example";
const ACCOUNT_SERVICE: &str = "https://accounts.bank.example";
const CALENDAR_SERVICE: &str = "https://calendars.bank.example";

/// What people's logins are good for.
const SCOPES: &str = "documents:read accounts:phone accounts:limit calendars:read";

/// The sections of one PDF, and their titles.
const SECTIONS: [(&str, &str); 3] = [
    ("section:dispute-policy-1", "§1 How to dispute"),
    ("section:dispute-policy-2", "§2 Our limits"),
    ("section:dispute-policy-3", "§3 Legal position"),
];

const SENTENCE_WIDTH: usize = 66;

/// The story, for people and as data.
pub(super) struct Story<'b> {
    bank: &'b Bank,
    pub(super) text: String,
    /// Each sentence, with what it came to.
    pub(super) rows: Vec<Value>,
    /// The audit record that is shown.
    pub(super) audit: Value,
    /// Tokens to try, by name.
    pub(super) tokens: Vec<(&'static str, String)>,
}

impl<'b> Story<'b> {
    pub(super) fn tell(bank: &'b Bank) -> Result<Self, Failure> {
        let mut story = Self {
            bank,
            text: String::new(),
            rows: Vec::new(),
            audit: Value::Null,
            tokens: Vec::new(),
        };
        story.calls()?;
        story.sections()?;
        story.stolen()?;
        let run = story.limits()?;
        story.scheduled()?;
        story.trail(&run);
        Ok(story)
    }

    /// Who starts the coordinator, and whom it alone calls.
    fn calls(&mut self) -> Result<(), Failure> {
        self.head("Four agents, each with a token of its chain: who starts and who calls");
        let bank = self.bank;
        let sara = bank.login("sara", SCOPES)?;
        let tom = bank.login("tom", SCOPES)?;
        let started = bank.hand_on(&sara, COORDINATOR, None, None)?;
        self.handed("Sara of support starts the coordinator", &started);
        let refused = bank.hand_on(&tom, COORDINATOR, None, None)?;
        self.handed("Tom, a teller, starts the coordinator", &refused);
        let refused = bank.hand_on(&sara, DOCUMENTS, Some(DOCUMENT_SERVICE), None)?;
        self.handed("Sara calls the document agent herself", &refused);
        let started = given(started)?;
        let scope = Some("documents:read");
        let called = bank.hand_on(&started, DOCUMENTS, Some(DOCUMENT_SERVICE), scope)?;
        self.handed("the coordinator calls the document agent for Sara", &called);
        let called = given(called)?;
        let refused = bank.hand_on(&called, CALENDAR, None, None)?;
        self.handed(
            "the document agent calls the calendar agent for Sara",
            &refused,
        );
        self.tokens.push(("sara", sara));
        self.tokens.push(("documents", called));
        Ok(())
    }

    /// One PDF, by the document agent for an employee and for legal.
    fn sections(&mut self) -> Result<(), Failure> {
        self.head("One PDF, read by the document agent: for whom decides what the model sees");
        let mut masks = Vec::new();
        for person in ["sara", "nora"] {
            let scope = Some("documents:read");
            let token = self.run(person, DOCUMENTS, DOCUMENT_SERVICE, scope)?;
            let options = audience(Some(DOCUMENT_SERVICE));
            let names = SECTIONS.map(|(section, _)| section);
            let sifted = self
                .bank
                .policy
                .admit(
                    &Request::at(self.bank.now)
                        .token(token.as_bytes())
                        .presented(options),
                )
                .and_then(|caller| caller.at(self.bank.now).filter("can_read", &names))
                .map_err(|denial| Failure::from(Fault::new(denial.code(), denial.message)))?;
            for (name, allowed) in names.iter().zip(&sifted.mask) {
                self.note(&format!("{name} for {person}"), *allowed, "");
            }
            masks.push(sifted.mask);
        }
        let faint = paint(FAINT, "for Sara of support   for Nora of legal");
        self.text.push_str(&format!("  {:24}{faint}\n", ""));
        for (place, (_, title)) in SECTIONS.iter().enumerate() {
            let cell = |mask: &Vec<bool>| match mask.get(place) {
                Some(true) => paint(GOOD, "✓"),
                _ => paint(FAINT, "·"),
            };
            let cells: Vec<String> = masks.iter().map(cell).collect();
            // What is padded stands outside the escapes.
            let cells = cells.join(&" ".repeat(21));
            self.text.push_str(&format!("  {title:24}{cells}\n"));
        }
        Ok(())
    }

    /// A token of the calendar agent, in the wrong hands.
    fn stolen(&mut self) -> Result<(), Failure> {
        self.head(
            "The calendar agent's token for Nora is stolen: it reads her calendar, and no more",
        );
        let bank = self.bank;
        let secret = SECTIONS[2].0;
        let scope = Some("calendars:read");
        let stolen = self.run("nora", CALENDAR, CALENDAR_SERVICE, scope)?;
        let at = |service| audience(Some(service));
        let mut ask = |sentence: &str, token: &str, options, resource: &str| {
            let decision = decide(bank, token, options, "can_read", resource, json!({}));
            self.decided(sentence, &decision);
        };
        let calendar = "calendar:nora";
        ask(
            "read her calendar, as it is meant to",
            &stolen,
            at(CALENDAR_SERVICE),
            calendar,
        );
        ask(
            "read §3, at the document service",
            &stolen,
            at(DOCUMENT_SERVICE),
            secret,
        );
        ask(
            "read §3, where nobody asks for whom the token is",
            &stolen,
            audience(None),
            secret,
        );
        let coordinator =
            given(bank.hand_on(&bank.login("nora", SCOPES)?, COORDINATOR, None, None)?)?;
        let careless = given(bank.hand_on(&coordinator, CALENDAR, None, None)?)?;
        ask(
            "read §3, had it been given all that Nora's login has",
            &careless,
            audience(None),
            secret,
        );
        let refused = bank.hand_on(&stolen, DOCUMENTS, None, None)?;
        self.handed("be exchanged for a token of the document agent", &refused);
        self.tokens.push(("calendar", stolen));
        Ok(())
    }

    /// What a person may change, through the same agent.
    fn limits(&mut self) -> Result<Decision, Failure> {
        self.head("The business agent changes what the person may: by kind of customer and amount");
        let bank = self.bank;
        let token = |person| {
            self.run(
                person,
                BUSINESS,
                ACCOUNT_SERVICE,
                Some("accounts:phone accounts:limit"),
            )
        };
        let (sara, lena, leo) = (token("sara")?, token("lena")?, token("leo")?);
        let at = || audience(Some(ACCOUNT_SERVICE));
        let phone = decide(
            bank,
            &sara,
            at(),
            "can_change_phone",
            "account:carla",
            json!({}),
        );
        self.decided("Sara, support tier one: Carla's phone number", &phone);
        let limit = |token: &str, account: &str, context| {
            decide(bank, token, at(), "can_change_limit", account, context)
        };
        let private = |amount: u32| json!({"amount": amount, "segment": "private"});
        let business = |amount: u32| json!({"amount": amount, "segment": "business"});
        let (carla, bakery) = ("account:carla", "account:bakery");
        self.decided(
            "Sara: Carla's credit limit, to 500",
            &limit(&sara, carla, private(500)),
        );
        self.decided(
            "Lena of loans: Carla's limit, to 8,000",
            &limit(&lena, carla, private(8_000)),
        );
        let over = limit(&lena, carla, private(12_000));
        self.decided("Lena: Carla's limit, to 12,000", &over);
        let run = limit(&leo, carla, private(12_000));
        self.decided("Leo, who may go further: Carla's limit, to 12,000", &run);
        self.decided(
            "Lena: the bakery's limit, to 8,000",
            &limit(&lena, bakery, business(8_000)),
        );
        self.decided(
            "Leo: the bakery's limit, to 40,000",
            &limit(&leo, bakery, business(40_000)),
        );
        self.decided(
            "Leo: the bakery's limit, to nobody knows what",
            &limit(&leo, bakery, json!({})),
        );
        self.head("Why may Lena not set it to 12,000?");
        self.indent(&(ruling::verdict(&over) + &ruling::draw(&bank.policy, &over)));
        self.tokens.push(("business", lena));
        Ok(run)
    }

    /// A chain that starts at a service.
    fn scheduled(&mut self) -> Result<(), Failure> {
        self.head("A run that nobody starts by hand begins at a service");
        let bank = self.bank;
        let token = self.run(
            "nightly",
            DOCUMENTS,
            DOCUMENT_SERVICE,
            Some("documents:read"),
        )?;
        let at = || audience(Some(DOCUMENT_SERVICE));
        let read = |token: &str, resource: &str| {
            decide(bank, token, at(), "can_read", resource, json!({}))
        };
        self.decided(
            "the nightly run reads the counter guide",
            &read(&token, "document:counter-guide"),
        );
        self.decided(
            "the nightly run reads the loan rules",
            &read(&token, "document:loan-rules"),
        );
        let own = bank.login("documents", "documents:read")?;
        self.decided(
            "the document agent starts by itself",
            &read(&own, "document:counter-guide"),
        );
        Ok(())
    }

    /// The record of one decision, decided again.
    fn trail(&mut self, decision: &Decision) {
        self.head("The audit trail leads to the human: Leo's limit of 12,000, as recorded");
        let record = &decision.record;
        let fields = serde_json::to_value(record).unwrap_or_default();
        let names = [
            "actor",
            "agentType",
            "delegatedBy",
            "actingOnBehalfOf",
            "chain",
            "action",
            "resource",
            "context",
            "scope",
            "reason",
            "id",
        ];
        let mut audit = Map::new();
        for name in names {
            let value = fields.get(name).cloned().unwrap_or_default();
            let said = match &value {
                Value::String(text) => text.clone(),
                Value::Array(list) => list
                    .iter()
                    .filter_map(Value::as_str)
                    .collect::<Vec<_>>()
                    .join(" → "),
                other => other.to_string(),
            };
            self.text.push_str(&format!(
                "  {} {said}\n",
                paint(FAINT, format!("{name:17}"))
            ));
            audit.insert(name.to_owned(), value);
        }
        let same = self
            .bank
            .policy
            .replay(record)
            .is_ok_and(|again| again.record == *record);
        let (mark, said) = match same {
            true => (
                paint(GOOD, "✓"),
                "decided again from its record alone: the same bytes",
            ),
            false => (paint(BAD, "✗"), "decided again from its record: it differs"),
        };
        self.text.push_str(&format!("  {mark} {said}\n"));
        audit.insert("replayed".to_owned(), json!(same));
        self.audit = Value::Object(audit);
    }

    /// The token of an agent that the coordinator calls for somebody.
    fn run(
        &self,
        who: &str,
        agent: &str,
        service: &str,
        scope: Option<&str>,
    ) -> Result<String, Failure> {
        let login = self.bank.login(who, SCOPES)?;
        let started = given(self.bank.hand_on(&login, COORDINATOR, None, None)?)?;
        given(self.bank.hand_on(&started, agent, Some(service), scope)?)
    }

    fn head(&mut self, text: &str) {
        self.text.push_str(&heading(text));
    }

    fn indent(&mut self, text: &str) {
        for line in text.lines() {
            self.text.push_str(&format!("  {line}\n"));
        }
    }

    fn handed(&mut self, sentence: &str, handed: &Handed) {
        match handed {
            Ok(_) => self.line(sentence, true, "a token is given"),
            Err(refusal) => self.line(sentence, false, refusal.code()),
        }
    }

    fn decided(&mut self, sentence: &str, decision: &Decision) {
        self.line(sentence, decision.allowed, decision.reason.code());
    }

    fn line(&mut self, sentence: &str, allowed: bool, outcome: &str) {
        let mark = if allowed {
            paint(GOOD, "✓")
        } else {
            paint(BAD, "✗")
        };
        let said = paint(FAINT, outcome);
        self.text
            .push_str(&format!("  {mark} {sentence:SENTENCE_WIDTH$}{said}\n"));
        self.note(sentence, allowed, outcome);
    }

    fn note(&mut self, sentence: &str, allowed: bool, outcome: &str) {
        let mut row = json!({ "sentence": sentence, "allowed": allowed });
        if let (false, Some(members)) = (outcome.is_empty(), row.as_object_mut()) {
            members.insert("outcome".to_owned(), outcome.into());
        }
        self.rows.push(row);
    }
}

fn audience(name: Option<&str>) -> VerifyOptions<'_> {
    VerifyOptions {
        audience: name,
        ..VerifyOptions::default()
    }
}

fn decide(
    bank: &Bank,
    token: &str,
    options: VerifyOptions<'_>,
    action: &str,
    resource: &str,
    context: Value,
) -> Decision {
    let question = Question {
        action,
        resource,
        context: context.as_object(),
    };
    let policy: &Policy = &bank.policy;
    policy.decide_question(
        &Request::at(bank.now)
            .token(token.as_bytes())
            .presented(options),
        &question,
    )
}

/// A token that the story needs to go on.
fn given(handed: Handed) -> Result<String, Failure> {
    handed.map_err(|refusal| Fault::new(refusal.code(), refusal.message).into())
}
