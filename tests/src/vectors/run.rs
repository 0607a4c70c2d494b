//! Runs one case by what its request says, as a program in any language would.
//!
//! `tests/vectors/README.md` describes the shapes.

use deputize::caller::Caller;
use deputize::decision::{Denial, Question};
use deputize::entity::CredentialsRequest;
use deputize::exchange::{Acting, Binding, ExchangeClaims, ExchangeRefusal, Wanted};
use deputize::request::Setting;
use deputize::scope::ScopeSet;
use deputize::time::UnixSeconds;
use deputize::token::{ClientCertificate, DpopRequest, VerifyOptions, inspect};
use deputize::{Policy, Tuple};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// Who calls, what the host says, and what is asked. Each operation reads its
/// own part of it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Request {
    /// The time, in seconds since the Unix epoch.
    pub now: u64,
    token: Option<String>,
    tokens: Option<Vec<String>>,
    chain: Option<Vec<String>>,
    audience: Option<String>,
    proof: Option<Proof>,
    setting: Option<Host>,
    action: String,
    resource: String,
    resources: Vec<String>,
    r#type: String,
    context: Option<Map<String, Value>>,
    subject_token: Option<String>,
    actor: Option<Actor>,
    wanted: Option<Asked>,
    principal: String,
    scope: Option<String>,
    tenant: Option<String>,
    request: Value,
}

/// A proof of possession.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Proof {
    dpop: Option<Dpop>,
    /// SHA-256 of the client's certificate, in hexadecimal.
    certificate_sha256: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Dpop {
    proof: String,
    method: String,
    uri: String,
    nonce: Option<String>,
    max_age: u64,
    max_ahead: u64,
}

/// What the host says.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Host {
    tenant: Option<String>,
    task: Option<String>,
    tuples: Vec<Tuple>,
    context: Option<Map<String, Value>>,
    fixed_context: Option<Map<String, Value>>,
    /// As a token's `scope` claim.
    scope: Option<String>,
}

/// Who is to act.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Actor {
    token: Option<String>,
    audience: Option<String>,
    proof: Option<Proof>,
    principal: Option<String>,
}

/// What is asked of the next token.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Asked {
    scope: Option<String>,
    resources: Vec<String>,
    audiences: Vec<String>,
    lifetime: Option<u64>,
    /// A `cnf`, `"keep"` or `"drop"`.
    confirmation: Value,
}

impl Host {
    fn scopes(&self) -> Option<ScopeSet> {
        let text = self.scope.as_deref()?;
        Some(ScopeSet::parse(text).unwrap_or_else(|e| panic!("a setting's scope: {e}")))
    }

    fn setting<'a>(&'a self, scopes: Option<&'a ScopeSet>) -> Setting<'a> {
        Setting {
            tenant: self.tenant.as_deref(),
            task: self.task.as_deref(),
            tuples: &self.tuples,
            context: self.context.as_ref(),
            fixed_context: self.fixed_context.as_ref(),
            scopes,
        }
    }
}

fn options<'a>(audience: &'a Option<String>, proof: &'a Option<Proof>) -> VerifyOptions<'a> {
    let dpop = proof.as_ref().and_then(|proof| proof.dpop.as_ref());
    let certificate = proof.as_ref().and_then(|p| p.certificate_sha256.as_ref());
    VerifyOptions {
        audience: audience.as_deref(),
        dpop: dpop.map(|dpop| DpopRequest {
            proof: &dpop.proof,
            method: &dpop.method,
            uri: &dpop.uri,
            nonce: dpop.nonce.as_deref(),
            max_age: dpop.max_age,
            max_ahead: dpop.max_ahead,
        }),
        certificate: certificate.map(|hex| ClientCertificate::from_sha256(unhex(hex))),
    }
}

fn unhex(text: &str) -> [u8; 32] {
    let digits: Vec<u8> = (0..text.len() / 2)
        .map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap())
        .collect();
    digits.try_into().unwrap()
}

/// The answer of an operation, as a JSON value.
pub fn run(policy: &Policy, operation: &str, request: &Request) -> Value {
    let host = request.setting.clone().unwrap_or_default();
    let scopes = host.scopes();
    let setting = host.setting(scopes.as_ref());
    let now = UnixSeconds(request.now);
    match operation {
        "decide" => decide(policy, request, now, &setting),
        "verify" => match caller(policy, request, now, &setting) {
            Ok(caller) => json!({
                "chain": caller.chain(),
                "subject": caller.subject(),
                "actor": caller.actor(),
                "tenant": caller.tenant(),
                "scopes": caller.scopes(),
            }),
            Err(denial) => denied(&denial),
        },
        "filter" => asked(policy, request, now, &setting, |caller| {
            let sifted = caller.at(now).filter(&request.action, &request.resources)?;
            Ok(json!({"mask": sifted.mask, "dropped": sifted.dropped}))
        }),
        "list" => asked(policy, request, now, &setting, |caller| {
            let resources = caller.at(now).list(&request.action, &request.r#type)?;
            Ok(json!({ "resources": resources }))
        }),
        "terms" => asked(policy, request, now, &setting, |caller| {
            let terms = caller.at(now).terms(&request.action, &request.r#type)?;
            Ok(json!({ "terms": terms }))
        }),
        "exchange" => exchange(policy, request, now, setting),
        "delegate" => delegate(policy, request, now, &setting),
        "client_credentials" => credentials(policy, request, now),
        "inspect" => {
            let token = request.token.as_deref().unwrap();
            json!(inspect(token, Some(now)))
        }
        _ => authzen(policy, operation, request, now, &setting),
    }
}

fn denied(denial: &Denial) -> Value {
    json!({"denied": {"reason": denial.code(), "message": denial.message}})
}

fn names(chain: &[String]) -> Vec<&str> {
    chain.iter().map(String::as_str).collect()
}

fn decide(policy: &Policy, request: &Request, now: UnixSeconds, setting: &Setting<'_>) -> Value {
    let question = Question {
        action: &request.action,
        resource: &request.resource,
        context: request.context.as_ref(),
    };
    let options = options(&request.audience, &request.proof);
    let decision = match (&request.token, &request.tokens, &request.chain) {
        (Some(token), None, None) => policy.decide_question(
            &deputize::Request::at(now)
                .token(token.as_bytes())
                .presented(options)
                .setting(*setting),
            &question,
        ),
        (None, Some(tokens), None) => {
            let tokens: Vec<&[u8]> = tokens.iter().map(String::as_bytes).collect();
            policy.decide_question(
                &deputize::Request::at(now)
                    .tokens(&tokens)
                    .presented(options)
                    .setting(*setting),
                &question,
            )
        }
        (None, None, Some(chain)) => policy.decide_question(
            &deputize::Request::at(now)
                .on_behalf_of(&names(chain))
                .setting(*setting),
            &question,
        ),
        _ => panic!("a decision is about one token, several tokens or a chain"),
    };
    // The text that the core itself writes is the canonical one.
    let value = json!(decision);
    assert_eq!(
        decision.to_canonical(),
        deputize::canonical::to_text(&value)
    );
    value
}

fn caller(
    policy: &Policy,
    request: &Request,
    now: UnixSeconds,
    setting: &Setting<'_>,
) -> Result<Caller, Denial> {
    let options = options(&request.audience, &request.proof);
    match (&request.token, &request.tokens, &request.chain) {
        (Some(token), None, None) => policy.admit(
            &deputize::Request::at(now)
                .token(token.as_bytes())
                .presented(options)
                .setting(*setting),
        ),
        (None, Some(tokens), None) => {
            let tokens: Vec<&[u8]> = tokens.iter().map(String::as_bytes).collect();
            policy.admit(
                &deputize::Request::at(now)
                    .tokens(&tokens)
                    .presented(options)
                    .setting(*setting),
            )
        }
        (None, None, Some(chain)) => policy.admit(
            &deputize::Request::at(now)
                .on_behalf_of(&names(chain))
                .setting(*setting),
        ),
        _ => panic!("a caller is one token, several tokens or a chain"),
    }
}

fn asked(
    policy: &Policy,
    request: &Request,
    now: UnixSeconds,
    setting: &Setting<'_>,
    ask: impl Fn(&Caller) -> Result<Value, Denial>,
) -> Value {
    let answer = caller(policy, request, now, setting).and_then(|caller| ask(&caller));
    answer.unwrap_or_else(|denial| denied(&denial))
}

fn texts(list: &[String]) -> Vec<&str> {
    list.iter().map(String::as_str).collect()
}

fn exchange(policy: &Policy, request: &Request, now: UnixSeconds, setting: Setting<'_>) -> Value {
    let asked = request.wanted.clone().unwrap_or_default();
    let (resources, audiences) = (texts(&asked.resources), texts(&asked.audiences));
    let actor = request.actor.as_ref();
    let actor = actor.map(|actor| match (&actor.token, &actor.principal) {
        (Some(token), None) => Acting::Token {
            token: token.as_bytes(),
            options: options(&actor.audience, &actor.proof),
        },
        (None, Some(principal)) => Acting::Principal(principal),
        _ => panic!("an actor is a token or a principal"),
    });
    let asking = deputize::Request::at(now)
        .token(request.subject_token.as_deref().unwrap())
        .presented(options(&request.audience, &request.proof))
        .setting(setting);
    let wanted = Wanted {
        actor,
        ..wanted(&asked, &resources, &audiences)
    };
    exchanged(policy.exchange(&asking, &wanted))
}

fn binding(asked: &Asked) -> Option<Binding<'_>> {
    match &asked.confirmation {
        Value::Null => None,
        Value::Object(key) => Some(Binding::To(key)),
        Value::String(name) if name == "keep" => Some(Binding::Keep),
        Value::String(name) if name == "drop" => Some(Binding::Drop),
        other => panic!("a token cannot be bound to {other}"),
    }
}

fn wanted<'a>(asked: &'a Asked, resources: &'a [&'a str], audiences: &'a [&'a str]) -> Wanted<'a> {
    Wanted {
        binding: binding(asked),
        scope: asked.scope.as_deref(),
        resources,
        audiences,
        lifetime: asked.lifetime,
        ..Wanted::default()
    }
}

fn delegate(policy: &Policy, request: &Request, now: UnixSeconds, setting: &Setting<'_>) -> Value {
    let caller = match caller(policy, request, now, setting) {
        Ok(caller) => caller,
        Err(denial) => return denied(&denial),
    };
    let asked = request.wanted.clone().unwrap_or_default();
    let (resources, audiences) = (texts(&asked.resources), texts(&asked.audiences));
    let actor = request.actor.as_ref().and_then(|a| a.principal.as_deref());
    exchanged(caller.at(now).delegate(&Wanted {
        actor: Some(Acting::Principal(actor.unwrap())),
        ..wanted(&asked, &resources, &audiences)
    }))
}

fn exchanged(answer: Result<ExchangeClaims, ExchangeRefusal>) -> Value {
    match answer {
        Ok(given) => json!({
            "claims": given.claims,
            "chain": given.chain,
            "audience": given.audience,
            "scope": given.scope,
            "issued_at": given.issued_at,
            "expires_at": given.expires_at,
            "expires_in": given.expires_in(),
        }),
        Err(refusal) => refused(refusal.oauth_error(), refusal.code(), &refusal.to_string()),
    }
}

fn refused(error: &str, reason: &str, message: &str) -> Value {
    json!({"refused": {"error": error, "reason": reason, "message": message}})
}

fn credentials(policy: &Policy, request: &Request, now: UnixSeconds) -> Value {
    let asked = CredentialsRequest {
        principal: &request.principal,
        scope: request.scope.as_deref(),
        audience: request.audience.as_deref(),
        tenant: request.tenant.as_deref(),
    };
    match policy.client_credentials(&asked, now) {
        Ok(given) => json!({"claims": given.to_claims(), "lifetime": given.lifetime}),
        Err(refusal) => refused(refusal.oauth_error(), refusal.code(), &refusal.to_string()),
    }
}

fn authzen(
    policy: &Policy,
    operation: &str,
    request: &Request,
    now: UnixSeconds,
    setting: &Setting<'_>,
) -> Value {
    let body = request.request.to_string();
    let body = body.as_bytes();
    let answer = match operation {
        "evaluate" => policy.evaluate(body, now, setting).map(|a| json!(a)),
        "evaluations" => policy.evaluations(body, now, setting).map(|a| json!(a)),
        "search_subjects" => policy.search_subjects(body, now, setting).map(|a| json!(a)),
        "search_resources" => policy
            .search_resources(body, now, setting)
            .map(|a| json!(a)),
        "search_actions" => policy.search_actions(body, now, setting).map(|a| json!(a)),
        other => panic!("there is no operation `{other}`"),
    };
    answer.unwrap_or_else(|error| {
        json!({"invalid": {"code": error.code(), "pointer": error.pointer, "message": error.to_string()}})
    })
}

/// Every reason's code in an answer: of the whole, of each evaluation, and of
/// what was dropped.
pub fn codes(answer: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    found.extend(text(&answer["reason"]));
    found.extend(text(&answer["denied"]["reason"]));
    found.extend(text(&answer["refused"]["reason"]));
    found.extend(text(&answer["context"]["reason"]));
    let untold = answer["context"]["untold"].as_array().into_iter().flatten();
    found.extend(untold.filter_map(|one| text(&one["reason"])));
    let each = answer["evaluations"].as_array().into_iter().flatten();
    found.extend(each.filter_map(|one| text(&one["context"]["reason"])));
    let dropped = answer["dropped"].as_object().into_iter().flatten();
    found.extend(dropped.map(|(code, _)| code.clone()));
    found
}
