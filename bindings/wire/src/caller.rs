//! Callers: tokens verified, principals vouched for, and their questions.

use deputize::caller::Party;
use deputize::decision::{Question, Reason, Record};
use deputize::time::UnixSeconds;
use deputize::token::DpopUse;
use deputize::{Policy, Request, Tuple};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::Error;
use crate::filtered::{Filtered, Ids};
use crate::kept::{Caller, MAX_AGE, Time};
use crate::options::{read, read_as, write};
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
    /// Values for conditions; they go over the caller's own, but not over those
    /// that are fixed.
    #[serde(default, deserialize_with = "deputize::json::optional_object")]
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
    /// The first second at which the caller no longer counts: its token, the
    /// snapshot or one of its parties has come to its end, or it was kept for
    /// as long as one without a token may be.
    fresh_until: Option<UnixSeconds>,
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

/// What a token is read with by a policy.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct PolicyInspectOptions {
    /// The time at which it is looked at, in seconds since the Unix epoch.
    now: UnixSeconds,
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

/// Verifies a token. `request` is a [`VerifyRequest`], whose time the program
/// gave or not.
///
/// # Errors
/// `call.options`, and every reason of a denial that comes before a question.
pub fn verify(policy: &Policy, token: &str, request: &str, given: bool) -> Result<Caller, Error> {
    let request: VerifyRequest = read(request)?;
    let (time, token) = (request.time(given), token.to_owned());
    Caller::made(policy, time, move |policy| {
        let scopes = request.scope_set()?;
        Ok(policy.admit(&request.core(scopes.as_ref())?.token(&token))?)
    })
}

/// The signature that something faster may check before [`verify_signed`]: RSA
/// and ECDSA. `None` where [`verify`] is to be called. The answer is a
/// [`SignatureToCheck`].
///
/// # Errors
/// As [`verify`], for what comes before the signature.
pub fn signature_of(policy: &Policy, token: &str, request: &str) -> Result<Option<String>, Error> {
    let request: VerifyRequest = read(request)?;
    let request = request.core(None)?.token(token);
    let prepared = policy.signature_of(&request)?;
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
    given: bool,
) -> Result<Caller, Error> {
    let request: VerifyRequest = read(request)?;
    let scopes = request.scope_set()?;
    let asking = request.core(scopes.as_ref())?.token(token);
    let core = policy.admit(&asking.signature_checked(signature_fits))?;
    let (time, token) = (request.time(given), token.to_owned());
    // Another policy may have another key of that name: it is asked itself.
    Ok(Caller::admitted(core, time, move |policy| {
        let scopes = request.scope_set()?;
        Ok(policy.admit(&request.core(scopes.as_ref())?.token(&token))?)
    }))
}

/// A caller that the host vouches for. `chain` is an array of principals,
/// subject first; `options` are [`CallerOptions`], whose time the program gave
/// or not. It may be kept for [`MAX_AGE`].
///
/// # Errors
/// `call.options`, `call.chain`, and the reasons of a denial.
pub fn caller(policy: &Policy, chain: &str, options: &str, given: bool) -> Result<Caller, Error> {
    let options: CallerOptions = read(options)?;
    let chain: Vec<String> = read_as("call.chain", chain)?;
    Caller::made(policy, options.time(given), move |policy| {
        let chain: Vec<&str> = chain.iter().map(String::as_str).collect();
        let scopes = options.scope_set()?;
        let request = Request::at(options.now)
            .on_behalf_of(&chain)
            .setting(options.setting(scopes.as_ref()))
            .max_age(MAX_AGE);
        Ok(policy.admit(&request)?)
    })
}

/// The caller of the last of several tokens, which prove a chain, oldest first.
/// `tokens` is an array of them.
///
/// # Errors
/// As [`verify`], and `call.tokens`.
pub fn verify_chain(
    policy: &Policy,
    tokens: &str,
    request: &str,
    given: bool,
) -> Result<Caller, Error> {
    let request: VerifyRequest = read(request)?;
    let tokens: Vec<String> = read_as("call.tokens", tokens)?;
    Caller::made(policy, request.time(given), move |policy| {
        let tokens: Vec<&String> = tokens.iter().collect();
        let scopes = request.scope_set()?;
        Ok(policy.admit(&request.core(scopes.as_ref())?.tokens(&tokens))?)
    })
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
    let scopes = request.scope_set()?;
    let question = Question {
        action: &asked.action,
        resource: &asked.resource,
        context: asked.context.as_ref(),
    };
    let core = request.core(scopes.as_ref())?;
    let core = match &asking {
        Asking::Token(token) => core.token(token),
        Asking::Tokens(tokens) => core.tokens(&tokens.iter().collect::<Vec<_>>()),
        Asking::Chain(chain) => {
            if request.is_presented() {
                let said = "an audience and proofs belong to a token; there is none";
                return Err(Error::misuse("call.options", said));
            }
            core.on_behalf_of(&chain.iter().map(String::as_str).collect::<Vec<_>>())
        }
    };
    Ok(write(&policy.decide_question(&core, &question)))
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

/// Reads a token as a policy would, believing nothing of it: a
/// `PolicyInspection`. `options` is `{now}`.
///
/// # Errors
/// `call.options`.
pub fn policy_inspect(policy: &Policy, token: &str, options: &str) -> Result<String, Error> {
    let options: PolicyInspectOptions = read(options)?;
    Ok(write(&policy.inspect(token, options.now)))
}

/// Who a caller is: a [`CallerDescription`].
#[must_use]
pub fn describe(caller: &Caller) -> String {
    let core = caller.core();
    write(&CallerDescription {
        subject: core.subject(),
        actor: core.actor(),
        chain: core.chain(),
        tenant: core.tenant(),
        scopes: core.scopes(),
        time: caller.time(),
        until: core.inputs().until,
        fresh_until: core.fresh_until(),
        dpop: core.dpop(),
    })
}

/// The same caller with contextual tuples, a JSON array, beside those it has.
///
/// # Errors
/// `call.contextual_tuples`, or the reason of a denial: a tuple that cannot
/// stand.
pub fn with_tuples(caller: &Caller, contextual_tuples: &str) -> Result<Caller, Error> {
    let tuples: Vec<Tuple> = read_as("call.contextual_tuples", contextual_tuples)?;
    caller.with_tuples(tuples)
}

/// Whether the caller may do `action` on `resource`. `context` is a JSON
/// object, or empty.
///
/// # Errors
/// `call.context`, `call.now`; everything else is `false`.
pub fn caller_can(
    caller: &Caller,
    time: Time,
    action: &str,
    resource: &str,
    context: &str,
) -> Result<bool, Error> {
    let asked = caller.moment(time)?;
    Ok(match read_context(context)? {
        None => asked.can(action, resource),
        Some(context) => asked.with_context(&context).can(action, resource),
    })
}

/// As [`caller_can`], with the reason: `{allowed, reason, message}`.
///
/// # Errors
/// `call.context`, `call.now`.
pub fn caller_check(
    caller: &Caller,
    time: Time,
    action: &str,
    resource: &str,
    context: &str,
) -> Result<String, Error> {
    let context = read_context(context)?.unwrap_or_default();
    let asked = caller.moment(time)?.with_context(&context);
    let (reason, message) = match asked.check(action, resource) {
        Ok(()) => (Reason::Allowed, Reason::Allowed.meaning().to_owned()),
        Err(denial) => (denial.reason, denial.message),
    };
    Ok(write(&Checked {
        allowed: reason == Reason::Allowed,
        reason,
        message,
    }))
}

/// As [`caller_can`], with what decided and an audit record: a `Decision`.
///
/// # Errors
/// `call.context`, `call.now`.
pub fn caller_decide(
    caller: &Caller,
    time: Time,
    action: &str,
    resource: &str,
    context: &str,
) -> Result<String, Error> {
    let context = read_context(context)?.unwrap_or_default();
    let asked = caller.moment(time)?.with_context(&context);
    Ok(write(&asked.decide(action, resource)))
}

/// Which of these resources the caller may do `action` on.
///
/// # Errors
/// `call.now`, and the reason of a denial, for what is wrong with the call as a
/// whole: then nothing is allowed.
pub fn caller_filter<'a>(
    caller: &Caller,
    time: Time,
    action: &str,
    resources: impl Into<Ids<'a>>,
) -> Result<Filtered, Error> {
    let asked = caller.moment(time)?;
    resources.into().decided(|resources| {
        let found = asked.filter_each(action, resources)?;
        let codes = found.into_iter().map(|reason| Some(reason?.code()));
        Ok(codes.collect())
    })
}

/// The objects of a type that the caller may do `action` on: a sorted array,
/// complete.
///
/// # Errors
/// As [`caller_filter`]; a list that may lack something is none.
pub fn caller_list(
    caller: &Caller,
    time: Time,
    action: &str,
    object_type: &str,
) -> Result<String, Error> {
    Ok(write(&caller.moment(time)?.list(action, object_type)?))
}

/// Names under which the subject may stand in an access list stored with a
/// chunk: to search with before filtering.
///
/// # Errors
/// As [`caller_filter`].
pub fn caller_terms(
    caller: &Caller,
    time: Time,
    action: &str,
    object_type: &str,
) -> Result<String, Error> {
    Ok(write(&caller.moment(time)?.terms(action, object_type)?))
}

fn read_context(text: &str) -> Result<Option<Map<String, Value>>, Error> {
    match text {
        "" => Ok(None),
        text => read_as("call.context", text).map(Some),
    }
}
