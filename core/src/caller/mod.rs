//! Callers: a verified token, or principals that a host vouches for, bound to
//! a policy. Ask one many questions.
//!
//! What a caller may do is never more than each of these allows:
//!
//! 1. the subject's own authority;
//! 2. the current actor's (every actor's, where the snapshot says so);
//! 3. the token's scopes;
//! 4. what the task holds, where there is one.
//!
//! `chain.rs` reads who is who, `decide.rs` holds all that can change an
//! answer, `filter.rs` asks it of many resources, `record.rs` writes it down.
//! `exchange.rs` says what the next token of a chain may claim, `lineage.rs`
//! takes a chain that is proved by its tokens, one a hop, and `credentials.rs`
//! answers requests for a first token. `inspect.rs` reads a token as the policy
//! would, for people to look at, and believes nothing.

mod chain;
mod credentials;
mod decide;
mod exchange;
mod filter;
mod inspect;
mod lineage;
mod reason;
mod record;

pub use self::chain::{Hop, HopGrounds, Party};
pub use self::decide::{Branch, Decision, Question, Role};
pub use self::exchange::{Acting, ExchangeClaims, ExchangeRefusal, ExchangeRequest, Wanted};
pub use self::filter::Sifted;
pub use self::inspect::{ChainRefusal, PolicyInspection};
pub use self::reason::{Denial, Reason};
pub use self::record::{Inputs, Presented, Record, ReplayError, TokenFacts};

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::model::identifier;
use crate::policy::{Policy, fill};
use crate::query::{Surroundings, Tuple, View};
use crate::scope::{Reach, ScopeContext, ScopeSet};
use crate::time::UnixSeconds;
use crate::token::{
    Claims, DpopUse, Issuer, Prepared, ScopeUse, TokenCache, Verified, VerifyOptions,
};

use self::chain::quoted;

/// The most contextual tuples that a token's claims may become.
///
/// Identity providers leave groups out of a token beyond 200 or so.
const MAX_CLAIM_TUPLES: usize = 1_000;

/// What a host says about a request. None of it may come from whoever sent the
/// request: tuples, and a tenant, give rights.
#[derive(Debug, Clone, Copy, Default)]
pub struct Setting<'a> {
    /// The tenant. Where the token names one, it must be the same.
    pub tenant: Option<&'a str>,
    /// The task, `type:id`: what it holds is intersected too.
    pub task: Option<&'a str>,
    /// Contextual tuples.
    pub tuples: &'a [Tuple],
    /// Values for conditions, in every question.
    pub context: Option<&'a Map<String, Value>>,
    /// Scopes that narrow beside the token's.
    pub scopes: Option<&'a ScopeSet>,
}

/// A verified token, or principals that a host vouches for, bound to a policy.
#[derive(Debug, Clone)]
pub struct Caller {
    policy: Policy,
    inputs: Inputs,
    /// Each must cover what is asked.
    reaches: Vec<Reach>,
    surroundings: Surroundings,
    /// Every hop is admitted whatever the context; otherwise each question
    /// asks again with its own.
    hops_settled: bool,
    /// The token, where the caller was made from one.
    verified: Option<Arc<Verified>>,
}

/// A caller that was refused, with what was known by then.
struct Refused {
    denial: Denial,
    inputs: Inputs,
}

impl Policy {
    /// Verifies a token at a time and says who calls.
    ///
    /// # Errors
    /// A [`Denial`] with the reason of the first check that fails: staleness
    /// of the snapshot, the token's own checks in their order, then identity,
    /// chain, tenant and hops.
    pub fn verify(
        &self,
        token: &[u8],
        now: UnixSeconds,
        options: &VerifyOptions<'_>,
    ) -> Result<Caller, Denial> {
        self.verify_in(token, now, options, &Setting::default())
    }

    /// [`Policy::verify`], with what the host says about the request.
    ///
    /// # Errors
    /// As [`Policy::verify`].
    pub fn verify_in(
        &self,
        token: &[u8],
        now: UnixSeconds,
        options: &VerifyOptions<'_>,
        setting: &Setting<'_>,
    ) -> Result<Caller, Denial> {
        self.attempt(token, now, options, setting)
            .map_err(|refused| refused.denial)
    }

    /// The first half of [`Policy::verify_in`] where something else, like
    /// WebCrypto, is to check the signature: what it is to check. The second is
    /// [`Policy::verify_signed`].
    ///
    /// # Errors
    /// Those of [`Policy::verify`] that come before the signature's.
    pub fn signature_of<'a>(
        &'a self,
        token: &'a [u8],
        now: UnixSeconds,
        options: &VerifyOptions<'a>,
    ) -> Result<Prepared<'a>, Denial> {
        self.check_fresh(now)?;
        Ok(self.inner.trust.issuers.prepare(token, now, options)?)
    }

    /// [`Policy::verify_in`], taking another's word for the signature.
    /// `signature_fits` must be the answer to what [`Policy::signature_of`] said
    /// of exactly this token under this very policy.
    ///
    /// # Errors
    /// As [`Policy::verify`]; a shared secret's signature is checked here alone,
    /// and never fits.
    pub fn verify_signed(
        &self,
        token: &[u8],
        now: UnixSeconds,
        options: &VerifyOptions<'_>,
        setting: &Setting<'_>,
        signature_fits: bool,
    ) -> Result<Caller, Denial> {
        let prepared = self.signature_of(token, now, options);
        let verified = prepared.and_then(|prepared| Ok(prepared.finish(signature_fits)?));
        self.arrive(verified.map(Arc::new), token, now, options, setting)
            .map_err(|refused| refused.denial)
    }

    /// [`Policy::verify_in`] for a token that may have been seen before: its
    /// signature and claims are not looked at again while `cache` knows it.
    /// Staleness, revocation, principals, chain, tenant and hops are looked at
    /// every time, and a token bound to its holder is never kept.
    ///
    /// # Errors
    /// As [`Policy::verify`].
    pub fn verify_with_cache(
        &self,
        cache: &mut TokenCache,
        token: &[u8],
        now: UnixSeconds,
        options: &VerifyOptions<'_>,
        setting: &Setting<'_>,
    ) -> Result<Caller, Denial> {
        let verified = self.remembered(cache, token, now, options);
        self.arrive(verified, token, now, options, setting)
            .map_err(|refused| refused.denial)
    }

    /// The way from a token to a caller, or to all that is known of why not.
    fn attempt(
        &self,
        token: &[u8],
        now: UnixSeconds,
        options: &VerifyOptions<'_>,
        setting: &Setting<'_>,
    ) -> Result<Caller, Box<Refused>> {
        let verified = self.verified(token, now, options);
        self.arrive(verified, token, now, options, setting)
    }

    /// The rest of the way, once the token was looked at by itself.
    fn arrive(
        &self,
        verified: Result<Arc<Verified>, Denial>,
        token: &[u8],
        now: UnixSeconds,
        options: &VerifyOptions<'_>,
        setting: &Setting<'_>,
    ) -> Result<Caller, Box<Refused>> {
        let presented = Presented::of(token, options);
        let mut inputs = Inputs::of_host(Some(presented), now, setting);
        let verified = match verified {
            Ok(verified) => verified,
            Err(denial) => return Err(Box::new(Refused { denial, inputs })),
        };
        inputs.token = Some(TokenFacts::of(&verified));
        let read = self
            .issuer_of(&verified)
            .and_then(|issuer| self.read(issuer, &verified.claims, setting, &mut inputs));
        match read {
            Ok(scopes) => self.stand(inputs, scopes.as_ref(), Some(verified)),
            Err(denial) => Err(Box::new(Refused { denial, inputs })),
        }
    }

    /// The token by itself: before anybody asks who its parties are.
    fn verified(
        &self,
        token: &[u8],
        now: UnixSeconds,
        options: &VerifyOptions<'_>,
    ) -> Result<Arc<Verified>, Denial> {
        self.check_fresh(now)?;
        let issuers = &self.inner.trust.issuers;
        Ok(Arc::new(issuers.verify(token, now, options)?))
    }

    /// As [`Self::verified`], unless it was seen before.
    fn remembered(
        &self,
        cache: &mut TokenCache,
        token: &[u8],
        now: UnixSeconds,
        options: &VerifyOptions<'_>,
    ) -> Result<Arc<Verified>, Denial> {
        self.check_fresh(now)?;
        let issuers = &self.inner.trust.issuers;
        let verified = cache.verify(issuers, &self.digest(), token, now, options)?;
        let claims = &verified.claims;
        issuers.revoked().check_key(&claims.issuer, &verified.kid)?;
        issuers.revoked().check_token(claims.id.as_deref())?;
        Ok(verified)
    }

    fn issuer_of(&self, verified: &Verified) -> Result<&Issuer, Denial> {
        let issuer = self.inner.trust.issuers.get(verified.issuer);
        issuer.ok_or_else(|| Denial::new(Reason::Internal, "the issuer is not there"))
    }

    /// What an issuer's token says of its caller, put beside what the host says:
    /// all of it, or where it is refused nothing.
    fn read(
        &self,
        issuer: &Issuer,
        claims: &Claims,
        setting: &Setting<'_>,
        inputs: &mut Inputs,
    ) -> Result<Option<ScopeSet>, Denial> {
        let chain = chain::read(&self.inner, issuer, claims)?;
        let scopes = match issuer.scopes {
            ScopeUse::Ignore => None,
            ScopeUse::Narrow | ScopeUse::Required => ScopeSet::from_claims(&claims.all)?,
        };
        let mut tuples = claim_tuples(issuer, claims, &chain)?;
        for tuple in setting.tuples {
            // The host may say again what a claim said.
            if !tuples.contains(tuple) {
                tuples.push(tuple.clone());
            }
        }
        let mut tasks: Vec<String> = claims.task.iter().map(|task| task_id(task)).collect();
        if let Some(task) = setting.task
            && !tasks.iter().any(|own| own == task)
        {
            tasks.push(task.to_owned());
        }
        if let (Some(own), Some(host)) = (&claims.tenant, setting.tenant)
            && own != host
        {
            let message = format!(
                "the token is of the tenant {}, the request of {}",
                quoted(own),
                quoted(host)
            );
            return Err(Denial::new(Reason::TenantMismatch, message));
        }
        inputs.until = Some(claims.expires_at.plus(issuer.leeway));
        inputs.chain = chain;
        if let Some(tenant) = &claims.tenant {
            inputs.tenant = Some(tenant.clone());
        }
        inputs.tasks = tasks;
        inputs.scopes = scopes.as_ref().map(ScopeSet::to_claims);
        inputs.scopes_required = issuer.scopes == ScopeUse::Required;
        inputs.tuples = tuples;
        inputs.roles = roles(claims);
        Ok(scopes)
    }

    /// A caller that the host vouches for: the subject first, then each that
    /// acts for the one before it; one principal alone acts for itself.
    ///
    /// # Errors
    /// As [`Policy::verify`], from identity on.
    pub fn caller(
        &self,
        chain: &[&str],
        now: UnixSeconds,
        setting: &Setting<'_>,
    ) -> Result<Caller, Denial> {
        self.resume(Inputs::vouched(chain, now, setting))
    }

    /// The caller of what an earlier one wrote down, without its token: to
    /// look again at a decision. Its word is taken for all that the token
    /// proved, so it must come from where the host keeps its records.
    ///
    /// # Errors
    /// As [`Policy::verify`], from identity on.
    pub fn resume(&self, inputs: Inputs) -> Result<Caller, Denial> {
        self.stand(inputs, None, None)
            .map_err(|refused| refused.denial)
    }

    /// `scopes` are those of `inputs`, where they have been read already.
    fn stand(
        &self,
        inputs: Inputs,
        scopes: Option<&ScopeSet>,
        verified: Option<Arc<Verified>>,
    ) -> Result<Caller, Box<Refused>> {
        match self.standing(&inputs, scopes) {
            Ok((reaches, surroundings, hops_settled)) => Ok(Caller {
                policy: self.clone(),
                inputs,
                reaches,
                surroundings,
                hops_settled,
                verified,
            }),
            Err(denial) => Err(Box::new(Refused { denial, inputs })),
        }
    }

    /// What a caller of these inputs asks with, and whether its hops are
    /// settled.
    fn standing(
        &self,
        inputs: &Inputs,
        scopes: Option<&ScopeSet>,
    ) -> Result<(Vec<Reach>, Surroundings, bool), Denial> {
        let now = inputs.time;
        self.check_fresh(now)?;
        let policy = &*self.inner;
        check_until(inputs, now)?;
        let issued_at = match &inputs.token {
            Some(token) => token.issued_at,
            None => Some(now),
        };
        chain::check(policy, &inputs.chain, now, issued_at)?;
        for task in &inputs.tasks {
            identifier::object(task).map_err(|reason| {
                Denial::new(
                    Reason::TokenClaim,
                    format!("the task {}: {reason}", quoted(task)),
                )
            })?;
        }
        let reaches = reaches(policy, inputs, scopes)?;
        let tenant = tenant(policy, inputs)?;
        let mut view = View::new(policy).with_tuples(&inputs.tuples)?;
        if let Some(tenant) = tenant {
            view = view.with_tenant(&tenant);
        }
        #[cfg(feature = "conditions")]
        if !inputs.context.is_empty() {
            view = view.with_context(&inputs.context);
        }
        let hops_settled = match chain::check_hops(policy, &view, &inputs.chain) {
            Ok(()) => true,
            // A condition may be waiting for a question's context.
            Err(denial) if denial.code().starts_with("condition.") => false,
            Err(denial) => return Err(denial),
        };
        Ok((reaches, view.into_surroundings(), hops_settled))
    }

    pub(crate) fn check_fresh(&self, now: UnixSeconds) -> Result<(), Denial> {
        match self.not_after() {
            Some(last) if now > UnixSeconds(last) => Err(Denial::new(
                Reason::SnapshotStale,
                format!("the snapshot held until {last}; it is {now}"),
            )),
            _ => Ok(()),
        }
    }
}

impl Caller {
    /// The policy that the caller is bound to.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The parties, subject first, current actor last.
    #[must_use]
    pub fn chain(&self) -> &[Party] {
        &self.inputs.chain
    }

    /// On whose behalf the caller acts.
    #[must_use]
    pub fn subject(&self) -> &str {
        self.inputs.chain.first().map_or("", |p| &p.principal)
    }

    /// Who acts: the subject itself, where nobody acts for it.
    #[must_use]
    pub fn actor(&self) -> &str {
        self.inputs.chain.last().map_or("", |p| &p.principal)
    }

    /// The token's scopes, as the claims that carried them; `None` where there
    /// are none or where they are not looked at.
    #[must_use]
    pub fn scopes(&self) -> Option<&Map<String, Value>> {
        self.inputs.scopes.as_ref()
    }

    /// The DPoP proof that came with the token, which the host should accept
    /// only once.
    #[must_use]
    pub fn dpop(&self) -> Option<&DpopUse> {
        self.verified.as_ref()?.dpop.as_ref()
    }

    /// The request's tenant.
    #[must_use]
    pub fn tenant(&self) -> Option<&str> {
        self.surroundings.tenant()
    }

    /// All that the caller was made from.
    #[must_use]
    pub fn inputs(&self) -> &Inputs {
        &self.inputs
    }

    /// The same caller at a later time.
    ///
    /// # Errors
    /// The token has expired since, the snapshot is stale, or a party has
    /// expired.
    pub fn at(&self, now: UnixSeconds) -> Result<Caller, Denial> {
        self.policy.check_fresh(now)?;
        check_until(&self.inputs, now)?;
        let issued_at = match &self.inputs.token {
            Some(token) => token.issued_at,
            None => Some(now),
        };
        chain::check(&self.policy.inner, &self.inputs.chain, now, issued_at)?;
        let mut later = self.clone();
        later.inputs.time = now;
        Ok(later)
    }

    /// The same caller with contextual tuples beside those that it has: what
    /// chunks say of their own readers, say. They come from the host: a caller
    /// that could choose them would choose its own rights.
    ///
    /// # Errors
    /// A tuple that cannot stand, and whatever refuses the caller beside them.
    pub fn with_tuples(&self, tuples: &[Tuple]) -> Result<Caller, Denial> {
        let mut inputs = self.inputs.clone();
        let new = tuples.iter().filter(|t| !self.inputs.tuples.contains(t));
        inputs.tuples.extend(new.cloned());
        self.policy
            .stand(inputs, None, self.verified.clone())
            .map_err(|refused| refused.denial)
    }
}

fn check_until(inputs: &Inputs, now: UnixSeconds) -> Result<(), Denial> {
    match inputs.until {
        // RFC 7519 §4.1.4: "on or after which the JWT MUST NOT be accepted".
        Some(until) if now >= until => Err(Denial::new(
            Reason::TokenExpired,
            format!("the token expired at {until}; it is {now}"),
        )),
        _ => Ok(()),
    }
}

/// What must cover each question.
fn reaches(
    policy: &crate::policy::Inner,
    inputs: &Inputs,
    scopes: Option<&ScopeSet>,
) -> Result<Vec<Reach>, Denial> {
    let audiences: Vec<&str> = inputs
        .token
        .iter()
        .flat_map(|token| token.audience.iter().map(String::as_str))
        .collect();
    let context = ScopeContext {
        audiences: &audiences,
    };
    let mut reaches = Vec::new();
    let mut add = |set: &ScopeSet| -> Result<(), Denial> {
        reaches.push(policy.trust.scopes.reach(set, context)?);
        Ok(())
    };
    for (claims, known) in [(&inputs.scopes, scopes), (&inputs.host_scopes, None)] {
        match (claims, known) {
            (None, _) => {}
            (Some(_), Some(set)) => add(set)?,
            (Some(claims), None) => add(&ScopeSet::from_claims(claims)?.unwrap_or_default())?,
        }
    }
    if inputs.scopes.is_none() && inputs.scopes_required {
        // No scope at all covers nothing.
        add(&ScopeSet::default())?;
    }
    Ok(reaches)
}

/// The request's tenant: the one that the token or the host names, else the
/// only one that all parties with tenants share.
fn tenant(policy: &crate::policy::Inner, inputs: &Inputs) -> Result<Option<String>, Denial> {
    let parties: Vec<(&str, Vec<&str>)> = inputs
        .chain
        .iter()
        .map(|p| (&*p.principal, policy.directory.tenants_of(&p.principal)))
        .collect();
    let outside = |who: &str, tenant: &str| {
        let message = format!("{} is not of the tenant {}", quoted(who), quoted(tenant));
        Denial::new(Reason::TenantMismatch, message)
    };
    if let Some(named) = &inputs.tenant {
        // Whoever named the tenant speaks for parties that the snapshot knows
        // no tenant of; what the snapshot says goes before.
        for (who, tenants) in &parties {
            if !tenants.is_empty() && !tenants.contains(&named.as_str()) {
                return Err(outside(who, named));
            }
        }
        return Ok(Some(named.clone()));
    }
    let mut listed = parties.iter().filter(|(_, tenants)| !tenants.is_empty());
    let Some((first, tenants)) = listed.next() else {
        return Ok(None);
    };
    let mut shared = tenants.clone();
    for (_, others) in listed {
        shared.retain(|tenant| others.contains(tenant));
    }
    match *shared {
        [] => {
            let message = format!("{} shares no tenant with the other parties", quoted(first));
            Err(Denial::new(Reason::TenantMismatch, message))
        }
        [only] => match parties.iter().find(|(_, tenants)| tenants.is_empty()) {
            Some((who, _)) => Err(outside(who, only)),
            None => Ok(Some(only.to_owned())),
        },
        _ => Err(Denial::new(
            Reason::TenantNeeded,
            format!(
                "the parties share several tenants ({}); the request must name one",
                shared
                    .iter()
                    .map(|t| quoted(t))
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
        )),
    }
}

/// The contextual tuples that an issuer's `claims` make of a token. A claim
/// that cannot be read denies: what is left out may be what takes away.
fn claim_tuples(issuer: &Issuer, claims: &Claims, chain: &[Party]) -> Result<Vec<Tuple>, Denial> {
    let subject = chain.first().map(|p| p.principal.as_str());
    let actor = chain.get(1..).and_then(<[_]>::last);
    let actor = actor.map(|p| p.principal.as_str());
    let mut tuples: Vec<Tuple> = Vec::new();
    for mapping in &issuer.claims {
        let refused = || {
            let claim = quoted(&mapping.claim);
            Denial::new(
                Reason::TokenClaim,
                format!(
                    "the claim {claim} must be a name or a list of at most {MAX_CLAIM_TUPLES} names without `:`, `#` and white space"
                ),
            )
        };
        let values: Vec<&str> = match claims.get(&mapping.claim) {
            None => continue,
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(list)) => list
                .iter()
                .map(Value::as_str)
                .collect::<Option<_>>()
                .ok_or_else(refused)?,
            Some(_) => return Err(refused()),
        };
        let template = &mapping.tuple;
        let about_actor = template.user.contains("{actor}") || template.object.contains("{actor}");
        if about_actor && actor.is_none() {
            continue;
        }
        if values.len() + tuples.len() > MAX_CLAIM_TUPLES {
            return Err(refused());
        }
        for text in values {
            if text == "*" || text.contains(['#', ':']) {
                return Err(refused());
            }
            let value = |name: &str| match name {
                "subject" => subject,
                "actor" => actor,
                "value" => Some(text),
                _ => None,
            };
            let (Some(user), Some(object)) =
                (fill(&template.user, value), fill(&template.object, value))
            else {
                return Err(refused());
            };
            if identifier::user(&user).is_err() || identifier::object(&object).is_err() {
                return Err(refused());
            }
            let tuple = Tuple::new(&user, &template.relation, &object);
            if !tuples.contains(&tuple) {
                tuples.push(tuple);
            }
        }
    }
    Ok(tuples)
}

/// A claim names a task by its id, or as `type:id`.
fn task_id(claim: &str) -> String {
    if claim.contains(':') {
        claim.to_owned()
    } else {
        format!("task:{claim}")
    }
}

/// The token's `roles`, for records only: they give nothing.
fn roles(claims: &Claims) -> Vec<String> {
    match claims.get("roles") {
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(list)) => {
            let names = list.iter().filter_map(Value::as_str);
            names.map(str::to_owned).collect()
        }
        _ => Vec::new(),
    }
}
