//! Callers: tokens verified, principals vouched for, and their questions.

use deputize::caller::{Caller, Decision, Denial, Party, Question, Reason, Record};
use deputize::time::UnixSeconds;
use deputize::token::DpopUse;
use deputize::{Policy, Tuple};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::Error;
use crate::options::{read, read_as, write};
use crate::question::Filtered;
use crate::setting::{CallerOptions, Presentation, VerifyRequest};
use crate::signature::SignatureToCheck;

/// A question to a caller.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Question"))]
#[serde(deny_unknown_fields)]
pub(crate) struct QuestionRecord {
    /// The action: a relation, a permission, or a colon action.
    action: String,
    /// The resource: `type:id` or a path.
    resource: String,
    /// Values for conditions; they go over the caller's own.
    #[serde(default)]
    context: Option<Map<String, Value>>,
}

/// A caller's answer without a record.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct Checked {
    /// Whether it is allowed.
    allowed: bool,
    /// The reason.
    reason: Reason,
    /// The reason in words.
    message: String,
}

/// Who a caller is.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct CallerDescription<'c> {
    /// On whose behalf the caller acts.
    subject: &'c str,
    /// Who acts: the subject itself, where nobody acts for it.
    actor: &'c str,
    /// The parties, subject first, current actor last.
    chain: &'c [Party],
    /// The request's tenant.
    tenant: Option<&'c str>,
    /// The token's scopes, as the claims that carried them; `null` where there
    /// are none or where they are not looked at.
    scopes: Option<&'c Map<String, Value>>,
    /// The time of the request, in seconds since the Unix epoch.
    time: UnixSeconds,
    /// The first second at which the token no longer counts.
    until: Option<UnixSeconds>,
    /// The DPoP proof that came with the token, which the host should accept
    /// only once.
    dpop: Option<&'c DpopUse>,
}

/// What a token is looked at with.
#[derive(Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct InspectOptions {
    /// The time at which its times are looked at, in seconds since the Unix
    /// epoch; without, they are not.
    #[serde(default)]
    now: Option<UnixSeconds>,
}

/// What a record is replayed with.
#[derive(Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct ReplayOptions {
    /// The token, to verify it again.
    #[serde(default)]
    token: Option<String>,
    /// The proofs that came with it.
    #[serde(default)]
    presented: Presentation,
}

/// Verifies a token. `request` is a [`VerifyRequest`].
///
/// # Errors
/// `call.options`, and every reason of a denial that comes before a question.
pub fn verify(policy: &Policy, token: &str, request: &str) -> Result<Caller, Error> {
    let request: VerifyRequest = read(request)?;
    let (scopes, presented) = (request.scope_set()?, request.presented()?);
    let setting = request.setting(scopes.as_ref());
    Ok(policy.verify_in(token.as_bytes(), request.now, &presented, &setting)?)
}

/// The signature that something faster may check before [`verify_signed`]: RSA
/// and ECDSA. `None` where [`verify`] is to be called. The answer is a
/// [`SignatureToCheck`].
///
/// # Errors
/// As [`verify`], for what comes before the signature.
pub fn signature_of(policy: &Policy, token: &str, request: &str) -> Result<Option<String>, Error> {
    let request: VerifyRequest = read(request)?;
    let presented = request.presented()?;
    let prepared = policy.signature_of(token.as_bytes(), request.now, &presented)?;
    let asked = SignatureToCheck::new(
        prepared.algorithm(),
        prepared.public_jwk(),
        prepared.signing_input(),
        prepared.signature(),
    );
    Ok(asked.map(|asked| write(&asked)))
}

/// [`verify`], taking another's word for the signature that [`signature_of`]
/// named for the same token, request and policy.
///
/// # Errors
/// As [`verify`].
pub fn verify_signed(
    policy: &Policy,
    token: &str,
    request: &str,
    signature_fits: bool,
) -> Result<Caller, Error> {
    let request: VerifyRequest = read(request)?;
    let (scopes, presented) = (request.scope_set()?, request.presented()?);
    let setting = request.setting(scopes.as_ref());
    let token = token.as_bytes();
    Ok(policy.verify_signed(token, request.now, &presented, &setting, signature_fits)?)
}

/// A caller that the host vouches for. `chain` is an array of principals,
/// subject first; `options` are [`CallerOptions`].
///
/// # Errors
/// `call.options`, `call.chain`, and the reasons of a denial.
pub fn caller(policy: &Policy, chain: &str, options: &str) -> Result<Caller, Error> {
    let options: CallerOptions = read(options)?;
    let chain: Vec<String> = read_as("call.chain", chain)?;
    let chain: Vec<&str> = chain.iter().map(String::as_str).collect();
    let scopes = options.scope_set()?;
    Ok(policy.caller(&chain, options.now, &options.setting(scopes.as_ref()))?)
}

/// The caller of the last of several tokens, which prove a chain, oldest first.
/// `tokens` is an array of them.
///
/// # Errors
/// As [`verify`], and `call.tokens`.
pub fn verify_chain(policy: &Policy, tokens: &str, request: &str) -> Result<Caller, Error> {
    let request: VerifyRequest = read(request)?;
    let tokens: Vec<String> = read_as("call.tokens", tokens)?;
    let tokens: Vec<&[u8]> = tokens.iter().map(String::as_bytes).collect();
    let (scopes, presented) = (request.scope_set()?, request.presented()?);
    let setting = request.setting(scopes.as_ref());
    Ok(policy.verify_chain(&tokens, request.now, &presented, &setting)?)
}

/// Who asks, in one question.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Asking {
    /// Whoever holds this token.
    Token(String),
    /// Whoever holds the last of these, which prove a chain, oldest first.
    Tokens(Vec<String>),
    /// Principals that the host vouches for, subject first.
    Chain(Vec<String>),
}

/// Decides one question; `asking` is one of `{token}`, `{tokens}` and
/// `{chain}`, `question` is `{action, resource, context?}`, the answer a
/// `Decision`. A refused token is a decision too.
///
/// # Errors
/// `call.*` alone.
pub fn decide(
    policy: &Policy,
    asking: &str,
    question: &str,
    request: &str,
) -> Result<String, Error> {
    let request: VerifyRequest = read(request)?;
    let asking: Asking = read_as("call.asking", asking)?;
    let asked: QuestionRecord = read_as("call.question", question)?;
    let (scopes, presented) = (request.scope_set()?, request.presented()?);
    let question = Question {
        action: &asked.action,
        resource: &asked.resource,
        context: asked.context.as_ref(),
    };
    let (now, setting) = (request.now, request.setting(scopes.as_ref()));
    let decision = match &asking {
        Asking::Token(token) => {
            policy.decide(token.as_bytes(), now, &presented, &setting, &question)
        }
        Asking::Tokens(tokens) => {
            let tokens: Vec<&[u8]> = tokens.iter().map(String::as_bytes).collect();
            policy.decide_chain(&tokens, now, &presented, &setting, &question)
        }
        Asking::Chain(chain) => {
            if presented.audience.is_some()
                || presented.dpop.is_some()
                || presented.certificate.is_some()
            {
                let said = "an audience and proofs belong to a token; there is none";
                return Err(Error::misuse("call.options", said));
            }
            let chain: Vec<&str> = chain.iter().map(String::as_str).collect();
            policy.decide_as(&chain, now, &setting, &question)
        }
    };
    Ok(write(&decision))
}

/// Decides again what a record says was decided; the answer is a `Decision`,
/// whose record has the same id where nothing differs.
///
/// # Errors
/// `call.*`, `replay.*`.
pub fn replay(policy: &Policy, record: &str, options: &str) -> Result<String, Error> {
    let options: ReplayOptions = read(options)?;
    let record: Record = read_as("call.record", record)?;
    let decision = match &options.token {
        None => policy.replay(&record)?,
        Some(token) => {
            let presented = options.presented.presented()?;
            policy.replay_with(&record, token.as_bytes(), &presented)?
        }
    };
    Ok(write(&decision))
}

/// Decodes a token and says what is odd about it, without any policy: an
/// `Inspection`, never verified.
///
/// # Errors
/// `call.options`.
pub fn inspect(token: &str, options: &str) -> Result<String, Error> {
    let options: InspectOptions = read(options)?;
    Ok(write(&deputize::token::inspect(token, options.now)))
}

/// Who a caller is: a [`CallerDescription`].
#[must_use]
pub fn describe(caller: &Caller) -> String {
    write(&CallerDescription {
        subject: caller.subject(),
        actor: caller.actor(),
        chain: caller.chain(),
        tenant: caller.tenant(),
        scopes: caller.scopes(),
        time: caller.inputs().time,
        until: caller.inputs().until,
        dpop: caller.dpop(),
    })
}

/// The same caller at a later time, in seconds since the Unix epoch.
///
/// # Errors
/// The reason of a denial: the token has expired, the snapshot is stale, or a
/// party has expired.
pub fn at(caller: &Caller, now: u64) -> Result<Caller, Error> {
    Ok(caller.at(UnixSeconds(now))?)
}

/// The same caller with contextual tuples, a JSON array, beside those it has.
///
/// # Errors
/// `call.contextual_tuples`, or the reason of a denial: a tuple that cannot
/// stand.
pub fn with_tuples(caller: &Caller, contextual_tuples: &str) -> Result<Caller, Error> {
    let tuples: Vec<Tuple> = read_as("call.contextual_tuples", contextual_tuples)?;
    Ok(caller.with_tuples(&tuples)?)
}

/// Whether the caller may do `action` on `resource`. `context` is a JSON
/// object, or empty.
///
/// # Errors
/// `call.context` alone; everything else is `false`.
pub fn caller_can(
    caller: &Caller,
    action: &str,
    resource: &str,
    context: &str,
) -> Result<bool, Error> {
    Ok(caller.can(action, resource, read_context(context)?.as_ref()))
}

/// As [`caller_can`], with the reason: `{allowed, reason, message}`.
///
/// # Errors
/// `call.context` alone.
pub fn caller_check(
    caller: &Caller,
    action: &str,
    resource: &str,
    context: &str,
) -> Result<String, Error> {
    let checked = caller.check(action, resource, read_context(context)?.as_ref());
    let allowed = checked.is_ok();
    let Denial { reason, message } = checked.err().unwrap_or_else(|| Denial {
        reason: Reason::Allowed,
        message: Reason::Allowed.meaning().to_owned(),
    });
    Ok(write(&Checked {
        allowed,
        reason,
        message,
    }))
}

/// As [`caller_can`], with what decided and an audit record: a `Decision`.
///
/// # Errors
/// `call.context` alone.
pub fn caller_decide(
    caller: &Caller,
    action: &str,
    resource: &str,
    context: &str,
) -> Result<String, Error> {
    let context = read_context(context)?;
    let decision: Decision = caller.decide(action, resource, context.as_ref());
    Ok(write(&decision))
}

/// Which of these resources the caller may do `action` on.
///
/// # Errors
/// The reason of a denial, for what is wrong with the call as a whole: then
/// nothing is allowed.
pub fn caller_filter(caller: &Caller, action: &str, resources: &[&str]) -> Result<Filtered, Error> {
    let sifted = caller.filter(action, resources)?;
    let dropped = sifted.dropped.iter();
    let dropped = dropped.map(|(reason, count)| (reason.code(), *count));
    Ok(Filtered::of(&sifted.mask, dropped.collect()))
}

/// The objects of a type that the caller may do `action` on: a sorted array,
/// complete.
///
/// # Errors
/// As [`caller_filter`]; a list that may lack something is none.
pub fn caller_list(caller: &Caller, action: &str, object_type: &str) -> Result<String, Error> {
    Ok(write(&caller.list(action, object_type)?))
}

/// Names under which the subject may stand in an access list stored with a
/// chunk: to search with before filtering.
///
/// # Errors
/// As [`caller_filter`].
pub fn caller_terms(caller: &Caller, action: &str, object_type: &str) -> Result<String, Error> {
    Ok(write(&caller.terms(action, object_type)?))
}

fn read_context(text: &str) -> Result<Option<Map<String, Value>>, Error> {
    match text {
        "" => Ok(None),
        text => read_as("call.context", text).map(Some),
    }
}
