//! The way from a request to a caller, or to all that is known of why not.

use std::sync::Arc;

use crate::decision::{Denial, Reason};
use crate::model::identifier;
use crate::policy::{Inner, Policy};
use crate::query::{Surroundings, View};
use crate::request::{Credential, Request, Setting, Signature, over};
use crate::scope::{Reach, ScopeContext, ScopeSet};
use crate::time::UnixSeconds;
use crate::token::{Claims, Issuer, Prepared, ScopeUse, TokenCache, TokenError, Verified};

use super::chain::{self, Hops};
use super::claims::{claim_tuples, roles, task_id};
use super::inputs::{Inputs, Presented, TokenFacts};
use super::parties::{self, quoted};
use super::tenant::tenant;
use super::{Caller, check_principal};

/// A caller that was refused, with what was known by then.
pub(crate) struct Refused {
    pub(crate) denial: Denial,
    pub(crate) inputs: Inputs,
}

impl Policy {
    /// Says who asks, as of the request's time.
    ///
    /// # Errors
    /// A [`Denial`] with the reason of the first check that fails: staleness
    /// of the snapshot, the token's own checks in their order, then identity,
    /// chain, tenant and hops; for several tokens also
    /// [`Reason::ChainTokenMismatch`] and [`Reason::ChainTokenWidens`], for one
    /// that does not follow from the one before it.
    pub fn admit(&self, request: &Request<'_>) -> Result<Caller, Denial> {
        self.attempt(request, None)
            .map_err(|refused| refused.denial)
    }

    /// [`Policy::admit`] for a token that may have been seen before: its
    /// signature and claims are not looked at again while `cache` knows it.
    /// Staleness, revocation, principals, chain, tenant and hops are looked at
    /// every time, and a token bound to its holder is never kept.
    ///
    /// # Errors
    /// As [`Policy::admit`].
    pub fn admit_with_cache(
        &self,
        request: &Request<'_>,
        cache: &mut TokenCache,
    ) -> Result<Caller, Denial> {
        self.attempt(request, Some(cache))
            .map_err(|refused| refused.denial)
    }

    /// What something else, like WebCrypto, is to check of a request with one
    /// token, before the request is admitted with its answer
    /// ([`Request::signature_checked`]).
    ///
    /// # Errors
    /// Those of [`Policy::admit`] that come before the signature's.
    pub fn signature_of<'a>(&'a self, request: &Request<'a>) -> Result<Prepared<'a>, Denial> {
        self.check_fresh(request.now)?;
        let Credential::Token(token) = request.credential else {
            let message = "the request has no token, or several";
            return Err(Denial::new(Reason::ExchangeNoToken, message));
        };
        let issuers = &self.inner.trust.issuers;
        Ok(issuers.prepare(token, request.now, &request.presented)?)
    }

    pub(crate) fn attempt(
        &self,
        request: &Request<'_>,
        cache: Option<&mut TokenCache>,
    ) -> Result<Caller, Box<Refused>> {
        let (now, setting) = (request.now, &request.setting);
        let admitted = match &request.credential {
            Credential::Nobody => self.stand(Inputs::of_host(None, now, setting), None, None),
            Credential::Token(token) => {
                let verified = self.verified(token, request, cache);
                self.arrive(verified, token, request)
            }
            Credential::Tokens(tokens) => self.admit_chain(tokens, request),
            Credential::OnBehalfOf(chain) => {
                self.stand(Inputs::vouched(chain, now, setting), None, None)
            }
            Credential::Recorded(inputs) => {
                let trusted = self.check_fresh(now);
                let inputs = Inputs::clone(inputs);
                match trusted.and_then(|()| self.check_trusted(&inputs)) {
                    Ok(()) => self.stand(inputs, None, None),
                    Err(denial) => Err(Box::new(Refused { denial, inputs })),
                }
            }
        };
        Ok(admitted?.kept(request.max_age.map(|age| now.plus(age))))
    }

    /// The token by itself, before anybody asks who its parties are.
    pub(crate) fn verified(
        &self,
        token: &[u8],
        request: &Request<'_>,
        cache: Option<&mut TokenCache>,
    ) -> Result<Arc<Verified>, Denial> {
        let (now, options) = (request.now, &request.presented);
        self.check_fresh(now)?;
        let issuers = &self.inner.trust.issuers;
        if let Signature::Elsewhere { fits } = request.signature {
            let prepared = issuers.prepare(token, now, options)?;
            return Ok(Arc::new(prepared.finish(fits)?));
        }
        let Some(cache) = cache else {
            return Ok(Arc::new(issuers.verify(token, now, options)?));
        };
        let verified = cache.verify(issuers, &self.digest(), token, now, options)?;
        let claims = &verified.claims;
        issuers.revoked().check_key(&claims.issuer, &verified.kid)?;
        issuers.revoked().check_token(claims.id.as_deref())?;
        Ok(verified)
    }

    /// The rest of the way, once the token was looked at by itself.
    pub(super) fn arrive(
        &self,
        verified: Result<Arc<Verified>, Denial>,
        token: &[u8],
        request: &Request<'_>,
    ) -> Result<Caller, Box<Refused>> {
        let presented = Presented::of(token, &request.presented);
        let mut inputs = Inputs::of_host(Some(presented), request.now, &request.setting);
        let verified = match verified {
            Ok(verified) => verified,
            Err(denial) => return Err(Box::new(Refused { denial, inputs })),
        };
        inputs.token = Some(TokenFacts::of(&verified));
        let read = self
            .issuer_of(&verified)
            .and_then(|issuer| self.read(issuer, &verified.claims, &request.setting, &mut inputs));
        match read {
            Ok(scopes) => self.stand(inputs, scopes.as_ref(), Some(verified)),
            Err(denial) => Err(Box::new(Refused { denial, inputs })),
        }
    }

    pub(crate) fn issuer_of(&self, verified: &Verified) -> Result<&Issuer, Denial> {
        let issuer = self.inner.trust.issuers.get(verified.issuer);
        issuer.ok_or_else(|| Denial::new(Reason::Internal, "the issuer is not there"))
    }

    /// What an issuer's token says of its caller, put beside what the host says:
    /// all of it, or where it is refused nothing.
    pub(crate) fn read(
        &self,
        issuer: &Issuer,
        claims: &Claims,
        setting: &Setting<'_>,
        inputs: &mut Inputs,
    ) -> Result<Option<ScopeSet>, Denial> {
        let chain = parties::read(&self.inner, issuer, claims)?;
        let reading = &claims.reading;
        let scopes = match reading.scopes {
            ScopeUse::Ignore => None,
            ScopeUse::Narrow | ScopeUse::Required => reading.scope_set(&claims.all)?,
        };
        let mut tuples = claim_tuples(reading, claims, &chain)?;
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
        inputs.scopes_required = reading.scopes == ScopeUse::Required;
        inputs.tuples = tuples;
        inputs.roles = roles(claims);
        Ok(scopes)
    }

    /// What holds of a token whatever it says, looked at again for one that is
    /// on record: its issuer, its key, the token itself, and who its parties are
    /// to their issuers.
    fn check_trusted(&self, inputs: &Inputs) -> Result<(), Denial> {
        let issuers = &self.inner.trust.issuers;
        for (place, facts) in inputs
            .earlier_tokens
            .iter()
            .chain(&inputs.token)
            .enumerate()
        {
            let (_, issuer) = issuers.find(&facts.issuer)?;
            issuer.keys.find(Some(&facts.kid))?;
            issuers.revoked().check_key(&facts.issuer, &facts.kid)?;
            issuers.revoked().check_token(facts.id.as_deref())?;
            // A revocation counts for the token that made somebody a party.
            let last = place == inputs.earlier_tokens.len();
            let known = if last { inputs.chain.len() } else { place + 1 };
            for party in inputs.chain.iter().take(known) {
                let revoked = issuers.revoked();
                revoked.check_principal(&party.principal, facts.issued_at)?;
            }
        }
        let mut parties = inputs.chain.iter();
        parties.try_for_each(|party| parties::check_known(&self.inner, party))
    }

    /// `scopes` are those of `inputs`, where they have been read already.
    pub(crate) fn stand(
        &self,
        inputs: Inputs,
        scopes: Option<&ScopeSet>,
        verified: Option<Arc<Verified>>,
    ) -> Result<Caller, Box<Refused>> {
        match self.standing(&inputs, scopes) {
            Ok((reaches, surroundings, hops)) => Ok(Caller {
                fresh_until: fresh_until(&self.inner, &inputs),
                kept_until: None,
                policy: self.clone(),
                inputs,
                reaches,
                surroundings,
                hops,
                verified,
            }),
            Err(denial) => Err(Box::new(Refused { denial, inputs })),
        }
    }

    /// What a caller of these inputs asks with, and how its hops stand.
    fn standing(
        &self,
        inputs: &Inputs,
        scopes: Option<&ScopeSet>,
    ) -> Result<(Vec<Reach>, Surroundings, Hops), Denial> {
        let now = inputs.time;
        self.check_fresh(now)?;
        let policy = &*self.inner;
        check_until(inputs, now)?;
        let issued_at = match &inputs.token {
            Some(token) => token.issued_at,
            None => Some(now),
        };
        chain::check(policy, &inputs.chain, now, issued_at)?;
        check_tasks(policy, inputs)?;
        let reaches = reaches(policy, inputs, scopes)?;
        let tenant = tenant(policy, inputs)?;
        let mut view = View::new(policy).with_tuples(&inputs.tuples)?;
        if let Some(tenant) = tenant {
            view = view.with_tenant(&tenant);
        }
        #[cfg(feature = "conditions")]
        if !inputs.context.is_empty() || !inputs.fixed_context.is_empty() {
            view = view.with_context(&over(&inputs.context, None, &inputs.fixed_context));
        }
        let hops = match chain::check_hops(policy, &view, &inputs.chain) {
            Ok(hops) => hops,
            // A condition may be waiting for a question's context.
            Err(denial) if denial.code().starts_with("condition.") => Hops::waiting(),
            Err(denial) => return Err(denial),
        };
        Ok((reaches, view.into_surroundings(), hops))
    }

    pub(crate) fn check_fresh(&self, now: UnixSeconds) -> Result<(), Denial> {
        match self.not_after() {
            Some(last) if now > UnixSeconds(last) => Err(Denial::ended(
                Reason::SnapshotStale,
                format!("the snapshot held until {last}; it is {now}"),
                UnixSeconds(last).plus(1),
                now,
            )),
            _ => Ok(()),
        }
    }
}

impl Caller {
    /// The same caller, that its host keeps no longer than that.
    pub(super) fn kept(mut self, until: Option<UnixSeconds>) -> Self {
        self.kept_until = until;
        let fresh = fresh_until(&self.policy.inner, &self.inputs);
        self.fresh_until = [fresh, until].into_iter().flatten().min();
        self
    }

    /// Whether it still counts, and why not.
    pub(crate) fn check_fresh(&self, now: UnixSeconds) -> Result<(), Denial> {
        if self.fresh_until.is_none_or(|until| now < until) {
            return Ok(());
        }
        self.policy.check_fresh(now)?;
        check_until(&self.inputs, now)?;
        let policy = &self.policy.inner;
        let parties = self.inputs.chain.iter().map(|party| &party.principal);
        for principal in parties.chain(&self.inputs.tasks) {
            check_principal(policy, principal, now)?;
        }
        let until = self.fresh_until.unwrap_or_default();
        let message = format!("the caller was to be kept until {until}; it is {now}");
        Err(Denial::ended(Reason::CallerExpired, message, until, now))
    }
}

/// The first second at which something that a caller rests on has ended.
fn fresh_until(policy: &Inner, inputs: &Inputs) -> Option<UnixSeconds> {
    let parties = inputs.chain.iter().map(|party| &party.principal);
    let records = parties
        .chain(&inputs.tasks)
        .filter_map(|principal| policy.directory.principal(principal)?.not_after);
    let last_seconds = records.chain(policy.not_after);
    let ends = last_seconds.map(|last| UnixSeconds(last).plus(1));
    ends.chain(inputs.until).min()
}

fn check_until(inputs: &Inputs, now: UnixSeconds) -> Result<(), Denial> {
    match inputs.until {
        // RFC 7519 §4.1.4: "on or after which the JWT MUST NOT be accepted".
        Some(until) if now >= until => Err(TokenError::Expired {
            expires_at: until,
            now,
        }
        .into()),
        _ => Ok(()),
    }
}

/// A task must be one, in force, and nobody of the chain: a task that is the
/// subject itself would constrain nothing.
fn check_tasks(policy: &Inner, inputs: &Inputs) -> Result<(), Denial> {
    for task in &inputs.tasks {
        let refused = |said: &str| {
            let message = format!("the task {}: {said}", quoted(task));
            Denial::new(Reason::TokenClaim, message)
        };
        identifier::object(task).map_err(|reason| refused(&reason.to_string()))?;
        if inputs.chain.iter().any(|party| party.principal == *task) {
            return Err(refused(
                "it is a party of the chain, so it would constrain nothing",
            ));
        }
        check_principal(policy, task, inputs.time)?;
    }
    Ok(())
}

/// What must cover each question.
pub(super) fn reaches(
    policy: &Inner,
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
