//! Exchange (RFC 8693): what the next token of a chain may claim, or why there
//! is none. Signing it is the host's.
//!
//! The next token is one of the subject token's issuer, written the way that
//! issuer writes chains. It gives nothing that the subject token did not give:
//! its scopes and audiences are within the subject token's, it ends no later
//! than any token that led to it, and whatever constrained goes on doing so.
//! Before its claims come out, they are read back as if somebody had presented
//! them, and everything that a policy asks of a caller is asked of that one.

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::policy::{Policy, template_names, unfill};
use crate::scope::{Reach, ScopeContext, ScopeError, ScopeSet};
use crate::time::UnixSeconds;
use crate::token::{
    ChainConvention, ClaimMapping, Claims, Confirmation, DpopUse, Issuer, ScopeUse, Verified,
    VerifyOptions,
};

use super::chain::{self, Named, Party, quoted};
use super::reason::{Denial, Reason};
use super::record::{Inputs, TokenFacts};
use super::{Caller, Setting, claim_tuples, task_id};

/// A request for the next token of a chain.
#[derive(Clone, Copy)]
pub struct ExchangeRequest<'a> {
    /// The `subject_token`: on whose behalf, and what may be handed on.
    pub subject_token: &'a [u8],
    /// For whom it is verified, and the proofs that came with it.
    pub subject_options: VerifyOptions<'a>,
    /// Who is to act. Without, the token is only narrowed, and stays bound to
    /// whom it is bound.
    pub actor: Option<Acting<'a>>,
    /// What is asked for.
    pub wanted: Wanted<'a>,
    /// What the host says about the request.
    pub setting: Setting<'a>,
}

/// Who is to act.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum Acting<'a> {
    /// Whoever holds this `actor_token`, which must be its own.
    Token {
        /// The token.
        token: &'a [u8],
        /// For whom it is verified, and the proofs that came with it.
        options: VerifyOptions<'a>,
    },
    /// A principal, `type:id`, whom the host has authenticated.
    Principal {
        /// The principal.
        principal: &'a str,
        /// The `cnf` that the next token is to have (RFC 7800).
        confirmation: Option<&'a Map<String, Value>>,
    },
}

/// What is asked of the next token.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted<'a> {
    /// `scope`; without, all that may be handed on.
    pub scope: Option<&'a str>,
    /// `resource`, each an absolute URI without a fragment (RFC 8707 §2).
    pub resources: &'a [&'a str],
    /// `audience`. With neither, the subject token's audiences.
    pub audiences: &'a [&'a str],
    /// How long it is to live, in seconds; at most what is left of the tokens
    /// that led to it, and what the issuer's may live.
    pub lifetime: Option<u64>,
}

/// The claims of the next token, and what a token response says of it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ExchangeClaims {
    /// The claims. A `jti`, and a `client_id` where RFC 9068 is followed, are
    /// whoever signs it's to add.
    pub claims: Map<String, Value>,
    /// Its parties, subject first, current actor last.
    pub chain: Vec<Party>,
    /// Its audiences.
    pub audience: Vec<String>,
    /// Its scope tokens as one text, where it has any claim of scopes.
    pub scope: Option<String>,
    /// `iat`.
    pub issued_at: UnixSeconds,
    /// `exp`.
    pub expires_at: UnixSeconds,
    /// The DPoP proofs that came with the tokens, each to be accepted once.
    pub dpop: Vec<DpopUse>,
}

impl ExchangeClaims {
    /// `expires_in` of the token response (RFC 8693 §2.2.1), in seconds.
    #[must_use]
    pub fn expires_in(&self) -> u64 {
        self.expires_at.since(self.issued_at)
    }
}

/// Why there is no next token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExchangeRefusal {
    /// The reason.
    pub reason: Reason,
    /// The reason in words, with what it is about.
    pub message: String,
    error: &'static str,
}

impl ExchangeRefusal {
    /// The stable code of the reason.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.reason.code()
    }

    /// The `error` of an OAuth error response: `invalid_scope`,
    /// `invalid_target`, `unauthorized_client` where the policy does not let an
    /// authenticated principal act, and else `invalid_request`, which RFC 8693
    /// §2.2.2 asks for whenever a token is invalid or unacceptable. A stale
    /// snapshot is `temporarily_unavailable`, an error of our own
    /// `server_error`.
    #[must_use]
    pub fn oauth_error(&self) -> &'static str {
        self.error
    }

    fn new(error: &'static str, denial: Denial) -> Self {
        let error = match denial.reason {
            Reason::SnapshotStale => "temporarily_unavailable",
            Reason::Internal => "server_error",
            _ => error,
        };
        Self {
            reason: denial.reason,
            message: denial.message,
            error,
        }
    }

    /// RFC 8693 §2.2.2: "either the subject_token or actor_token are invalid
    /// for any reason, or are unacceptable based on policy".
    fn request(denial: impl Into<Denial>) -> Self {
        Self::new("invalid_request", denial.into())
    }

    /// RFC 8693 §2.2.2 and RFC 8707 §2.
    fn target(message: String) -> Self {
        Self::new(
            "invalid_target",
            Denial::new(Reason::ExchangeTarget, message),
        )
    }

    fn scope(denial: impl Into<Denial>) -> Self {
        Self::new("invalid_scope", denial.into())
    }

    fn claim(message: String) -> Self {
        Self::request(Denial::new(Reason::ExchangeClaim, message))
    }
}

impl fmt::Display for ExchangeRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ExchangeRefusal {}

/// Who becomes the current actor.
struct Next {
    issuer: String,
    subject: String,
    /// Claims about it, for templates and `may_act`.
    claims: Map<String, Value>,
    confirmation: Option<Value>,
    /// Its own token.
    token: Option<Arc<Verified>>,
    /// The principal that it must turn out to be.
    principal: Option<String>,
}

/// Scopes that the next token's must be within.
struct Bound {
    reach: Reach,
    whose: &'static str,
}

impl Policy {
    /// The claims of the next token: the subject token's, narrowed, handed on
    /// to who is to act.
    ///
    /// # Errors
    /// An [`ExchangeRefusal`] with the reason of the first check that fails:
    /// the subject token and the actor token as [`Policy::verify_in`] has it,
    /// `may_act`, the targets, the lifetime, the scopes, and then all that is
    /// asked of the next chain.
    pub fn exchange(
        &self,
        request: &ExchangeRequest<'_>,
        now: UnixSeconds,
    ) -> Result<ExchangeClaims, ExchangeRefusal> {
        let subject = self
            .verified(request.subject_token, now, &request.subject_options)
            .map_err(ExchangeRefusal::request)?;
        let next = match &request.actor {
            None => None,
            Some(acting) => Some(self.next_actor(&subject, acting, now)?),
        };
        self.next_claims(
            &subject,
            next.as_ref(),
            &request.wanted,
            &request.setting,
            now,
        )
    }

    fn next_actor(
        &self,
        subject: &Verified,
        acting: &Acting<'_>,
        now: UnixSeconds,
    ) -> Result<Next, ExchangeRefusal> {
        match acting {
            Acting::Token { token, options } => {
                let verified = self
                    .verified(token, now, options)
                    .map_err(ExchangeRefusal::request)?;
                let claims = &verified.claims;
                if !claims.actors.is_empty() {
                    let message = "the actor token is of one who acts for another; an actor shows a token of its own";
                    let denial = Denial::new(Reason::ExchangeActor, message);
                    return Err(ExchangeRefusal::request(denial));
                }
                let name = claims.subject.clone().ok_or_else(|| {
                    let message = "the actor token has no `sub`, so it speaks of nobody";
                    ExchangeRefusal::request(Denial::new(Reason::IdentityMissing, message))
                })?;
                Ok(Next {
                    issuer: claims.issuer.clone(),
                    subject: name,
                    claims: claims.all.clone(),
                    confirmation: claims.all.get("cnf").cloned(),
                    principal: None,
                    token: Some(verified),
                })
            }
            Acting::Principal {
                principal,
                confirmation,
            } => {
                let issuer = self.issuer_of(subject).map_err(ExchangeRefusal::request)?;
                let (name, sub) = self.identity_at(issuer, principal).ok_or_else(|| {
                    let (who, issuer) = (quoted(principal), quoted(&issuer.name));
                    let message =
                        format!("there is no name for {who} in a token of the issuer {issuer}");
                    let denial = Denial::new(Reason::IdentityUnknown, message);
                    ExchangeRefusal::new("unauthorized_client", denial)
                })?;
                Ok(Next {
                    issuer: name,
                    subject: sub,
                    claims: Map::new(),
                    confirmation: confirmation.map(|cnf| Value::Object(cnf.clone())),
                    token: None,
                    principal: Some((*principal).to_owned()),
                })
            }
        }
    }

    /// By which issuer and subject a principal is known in an issuer's tokens.
    fn identity_at(&self, issuer: &Issuer, principal: &str) -> Option<(String, String)> {
        let record = self.inner.directory.principal(principal);
        let listed = record.map_or(&[][..], |record| &record.identities);
        let own = listed
            .iter()
            .find(|identity| identity.issuer == issuer.name);
        if let Some(identity) = own.or(listed.first()) {
            return Some((identity.issuer.clone(), identity.subject.clone()));
        }
        let sub = unfill(issuer.actor.as_deref()?, "sub", principal)?;
        Some((issuer.name.clone(), sub.to_owned()))
    }

    fn next_claims(
        &self,
        subject: &Arc<Verified>,
        next: Option<&Next>,
        wanted: &Wanted<'_>,
        setting: &Setting<'_>,
        now: UnixSeconds,
    ) -> Result<ExchangeClaims, ExchangeRefusal> {
        let request = ExchangeRefusal::request;
        let issuer = self.issuer_of(subject).map_err(request)?;
        let claims = &subject.claims;
        // Where a host vouched for who is to act, it is that client that the
        // policy does not let.
        let policy_says = |denial| match next.is_some_and(|next| next.token.is_none()) {
            true => ExchangeRefusal::new("unauthorized_client", denial),
            false => request(denial),
        };
        // A chain that is not admitted is not handed on. One party alone is
        // looked at below, in the place that it has in the next chain.
        let before = match claims.actors.is_empty() {
            true => None,
            false => Some(self.accept(subject, setting, now).map_err(request)?),
        };
        let named = chain::named(&self.inner, issuer, claims).map_err(request)?;
        if let Some(next) = next {
            if issuer.chain == ChainConvention::None {
                let message = "the issuer's `chain` is `none`: its tokens cannot say who acts";
                return Err(request(Denial::new(Reason::ChainNotExpected, message)));
            }
            chain::check_may_act(issuer, claims, &next.named()).map_err(policy_says)?;
        }
        let audience = audience(issuer, claims, wanted)?;
        let expires_at = expires_at(issuer, claims, next, wanted, now)?;
        let (tenant, task) = constraints(issuer, claims, next, setting)?;
        let scopes = self.next_scopes(issuer, claims, next, setting, &audience, wanted.scope)?;

        let mut out = carried(issuer, claims, next.is_some())?;
        out.extend(scopes.iter().flat_map(ScopeSet::to_claims));
        let place =
            |out: &mut Map<String, Value>, name: &Option<String>, value: &Option<String>| {
                if let (Some(name), Some(value)) = (name, value) {
                    out.insert(name.clone(), json!(value));
                }
            };
        place(&mut out, &issuer.tenant_claim, &tenant);
        place(&mut out, &issuer.task_claim, &task);
        let mut parties = named;
        parties.extend(next.map(Next::named));
        write_parties(issuer, &parties, &mut out)?;
        let mut set = |name: &str, value: Value| out.insert(name.to_owned(), value);
        set("iss", json!(issuer.name));
        match audience.as_slice() {
            [] => {}
            [only] => drop(set("aud", json!(only))),
            several => drop(set("aud", json!(several))),
        }
        // What does not count yet does not count sooner by being handed on.
        let actor = next.and_then(|next| next.token.as_ref());
        let starts = [claims.not_before, actor.and_then(|t| t.claims.not_before)];
        let not_before = starts.into_iter().flatten().fold(now, UnixSeconds::max);
        for (name, time) in [("exp", expires_at), ("iat", now), ("nbf", not_before)] {
            set(name, json!(time));
        }
        let bound_to = match next {
            Some(next) => next.confirmation.as_ref(),
            None => claims.all.get("cnf"),
        };
        if let Some(confirmation) = bound_to {
            set("cnf", confirmation.clone());
        }
        // It names who may take over from this token's holder, and is spent
        // once somebody has.
        if let (None, Some(may_act)) = (next, &claims.may_act) {
            set("may_act", Value::Object(may_act.all.clone()));
        }
        let others = |m: &&ClaimMapping| about_actor(m) && out.contains_key(&m.claim);
        if next.is_some()
            && let Some(mapping) = issuer.claims.iter().find(others)
        {
            let claim = quoted(&mapping.claim);
            return Err(ExchangeRefusal::claim(format!(
                "the claim {claim} would give the next actor what it says of the one before"
            )));
        }

        // From here on it is a token like any other.
        let mut read = Claims::read(out.clone(), issuer).map_err(|e| request(e.into()))?;
        read.confirmation = Confirmation::read(&out).map_err(|e| request(e.into()))?;
        let after = Arc::new(Verified {
            issuer: subject.issuer,
            kid: subject.kid.clone(),
            algorithm: subject.algorithm,
            claims: read,
            dpop: None,
        });
        let host = Setting {
            tenant: tenant.as_deref().or(setting.tenant),
            ..*setting
        };
        let after = self.accept(&after, &host, now).map_err(policy_says)?;
        check_same(&parties, next, before.as_ref(), &after)?;
        self.check_unrevoked(claims, next, &after)
            .map_err(policy_says)?;
        if let (Some(name), Some(tenant)) = (&issuer.tenant_claim, after.tenant()) {
            out.insert(name.clone(), json!(tenant));
        }
        Ok(ExchangeClaims {
            claims: out,
            chain: after.inputs.chain,
            audience,
            scope: scopes.as_ref().map(ToString::to_string),
            issued_at: now,
            expires_at,
            dpop: [Some(subject), next.and_then(|next| next.token.as_ref())]
                .into_iter()
                .filter_map(|token| token?.dpop.clone())
                .collect(),
        })
    }

    /// The caller of a token whose own checks are done, all its hops settled:
    /// there is no later question that could bring more context.
    fn accept(
        &self,
        verified: &Arc<Verified>,
        setting: &Setting<'_>,
        now: UnixSeconds,
    ) -> Result<Caller, Denial> {
        let mut inputs = Inputs::of_host(None, now, setting);
        inputs.token = Some(TokenFacts::of(verified));
        let scopes = self.read(
            self.issuer_of(verified)?,
            &verified.claims,
            setting,
            &mut inputs,
        )?;
        let caller = self
            .stand(inputs, scopes.as_ref(), Some(Arc::clone(verified)))
            .map_err(|refused| refused.denial)?;
        caller.check_standing(&caller.view(None))?;
        Ok(caller)
    }

    /// The scopes of the next token; `None` where the subject token has none
    /// and its issuer does not ask for any.
    fn next_scopes(
        &self,
        issuer: &Issuer,
        claims: &Claims,
        next: Option<&Next>,
        setting: &Setting<'_>,
        audience: &[String],
        wanted: Option<&str>,
    ) -> Result<Option<ScopeSet>, ExchangeRefusal> {
        let unreadable = |error: ScopeError| ExchangeRefusal::request(error);
        let held = ScopeSet::from_claims(&claims.all).map_err(unreadable)?;
        // An issuer whose scopes are not looked at here may be another
        // service's, which does: they are narrowed all the same.
        let use_of_held = match issuer.scopes {
            ScopeUse::Required => ScopeUse::Required,
            ScopeUse::Narrow | ScopeUse::Ignore => ScopeUse::Narrow,
        };
        let own = self.bound(
            "the subject token",
            held.as_ref(),
            use_of_held,
            &claims.audience,
        );
        let own = own.map_err(unreadable)?;
        let mut others = Vec::new();
        if let Some(token) = next.and_then(|next| next.token.as_deref()) {
            let its = self.issuer_of(token).map_err(ExchangeRefusal::request)?;
            if its.scopes != ScopeUse::Ignore {
                let set = ScopeSet::from_claims(&token.claims.all).map_err(unreadable)?;
                let audience = &token.claims.audience;
                let bound = self.bound("the actor token", set.as_ref(), its.scopes, audience);
                others.extend(bound.map_err(unreadable)?);
            }
        }
        let host = self.bound("the host", setting.scopes, ScopeUse::Narrow, audience);
        others.extend(host.map_err(unreadable)?);

        if let Some(text) = wanted {
            let mut asked = ScopeSet::parse(text).map_err(ExchangeRefusal::scope)?;
            if let Some(held) = &held {
                asked = asked.asked_by_holder_of(held);
            }
            let reach = self.reach_of(&asked, audience).map_err(unreadable)?;
            for bound in own.iter().chain(&others) {
                bound.holds(&reach)?;
            }
            return Ok(Some(held.unwrap_or_default().with_tokens_of(asked)));
        }
        let Some(mut held) = held else {
            return match own.iter().chain(&others).next() {
                None => Ok(None),
                Some(bound) => {
                    let whose = bound.whose;
                    let message = format!(
                        "{whose} narrows what the subject token leaves open: name the scope that is wanted"
                    );
                    Err(ExchangeRefusal::scope(Denial::new(
                        Reason::ExchangeScope,
                        message,
                    )))
                }
            };
        };
        let mut kept = Vec::new();
        let tokens: Vec<String> = held.tokens().map(str::to_owned).collect();
        for token in &tokens {
            let one = ScopeSet::from_tokens([token.as_str()])
                .map_err(unreadable)?
                .asked_by_holder_of(&held);
            let reach = self.reach_of(&one, audience).map_err(unreadable)?;
            if others.iter().all(|bound| bound.holds(&reach).is_ok()) {
                kept.push(token.as_str());
            }
        }
        if kept.is_empty() && !tokens.is_empty() {
            let message = "no scope of the subject token is left by who is to act";
            return Err(ExchangeRefusal::scope(Denial::new(
                Reason::ExchangeScope,
                message,
            )));
        }
        held.retain_tokens(|token| kept.contains(&token));
        let reach = self.reach_of(&held, audience).map_err(unreadable)?;
        for bound in own.iter().chain(&others) {
            bound.holds(&reach)?;
        }
        Ok(Some(held))
    }

    fn bound(
        &self,
        whose: &'static str,
        set: Option<&ScopeSet>,
        use_of: ScopeUse,
        audience: &[String],
    ) -> Result<Option<Bound>, ScopeError> {
        let nothing = ScopeSet::default();
        let set = match (set, use_of) {
            (_, ScopeUse::Ignore) | (None, ScopeUse::Narrow) => return Ok(None),
            (set, _) => set.unwrap_or(&nothing),
        };
        let reach = self.reach_of(set, audience)?;
        Ok(Some(Bound { reach, whose }))
    }

    pub(super) fn reach_of(
        &self,
        set: &ScopeSet,
        audience: &[String],
    ) -> Result<Reach, ScopeError> {
        let audiences: Vec<&str> = audience.iter().map(String::as_str).collect();
        let context = ScopeContext {
            audiences: &audiences,
        };
        self.inner.trust.scopes.reach(set, context)
    }

    /// The next token is younger than a revocation that its makers fall under.
    fn check_unrevoked(
        &self,
        claims: &Claims,
        next: Option<&Next>,
        after: &Caller,
    ) -> Result<(), Denial> {
        let revoked = self.inner.trust.issuers.revoked();
        let chain = after.chain();
        let before = chain.len() - usize::from(next.is_some()).min(chain.len());
        for party in chain.iter().take(before) {
            revoked.check_principal(&party.principal, claims.issued_at)?;
        }
        if let Some(token) = next.and_then(|next| next.token.as_ref()) {
            revoked.check_principal(after.actor(), token.claims.issued_at)?;
        }
        Ok(())
    }
}

impl Caller {
    /// The claims of the next token, for `actor` (`type:id`), whom the host has
    /// authenticated, to act for this caller: [`Policy::exchange`] from a
    /// caller that is verified already, at the caller's time.
    ///
    /// # Errors
    /// As [`Policy::exchange`]; a caller that was not made from a token has
    /// nothing to hand on.
    pub fn delegate(
        &self,
        actor: &str,
        wanted: &Wanted<'_>,
    ) -> Result<ExchangeClaims, ExchangeRefusal> {
        let request = ExchangeRefusal::request;
        let Some(verified) = &self.verified else {
            let message = "the caller was not made from a token, so there is none to hand on";
            return Err(request(Denial::new(Reason::ExchangeNoToken, message)));
        };
        let (policy, inputs) = (&self.policy, &self.inputs);
        let issuer = policy.issuer_of(verified).map_err(request)?;
        // What the token's claims say of its parties goes on with the token.
        let claimed = claim_tuples(issuer, &verified.claims, &inputs.chain).map_err(request)?;
        let mut tuples = inputs.tuples.clone();
        tuples.retain(|tuple| !claimed.contains(tuple));
        let scopes = match &inputs.host_scopes {
            None => None,
            Some(claims) => ScopeSet::from_claims(claims).map_err(|e| request(e.into()))?,
        };
        let setting = Setting {
            tenant: inputs.tenant.as_deref(),
            task: inputs.tasks.last().map(String::as_str),
            tuples: &tuples,
            context: Some(&inputs.context),
            scopes: scopes.as_ref(),
        };
        let acting = Acting::Principal {
            principal: actor,
            confirmation: None,
        };
        let next = policy.next_actor(verified, &acting, inputs.time)?;
        policy.next_claims(verified, Some(&next), wanted, &setting, inputs.time)
    }
}

impl Next {
    fn named(&self) -> Named<'_> {
        Named::actor(&self.issuer, &self.subject, &self.claims)
    }
}

impl Bound {
    fn holds(&self, reach: &Reach) -> Result<(), ExchangeRefusal> {
        reach.is_within(&self.reach).map_err(|widening| {
            let (scope, whose) = (quoted(&widening.scope), self.whose);
            let message = format!("{whose} does not hold the scope {scope}; ask for less");
            ExchangeRefusal::scope(Denial::new(Reason::ExchangeScope, message))
        })
    }
}

/// Whom the next token is for: what is asked for, within what the subject token
/// is for and what the issuer's may be for.
fn audience(
    issuer: &Issuer,
    claims: &Claims,
    wanted: &Wanted<'_>,
) -> Result<Vec<String>, ExchangeRefusal> {
    let mut targets: Vec<String> = Vec::new();
    for resource in wanted.resources {
        if !is_absolute(resource) {
            let message = format!(
                "the resource {} is no absolute URI without a fragment",
                quoted(resource)
            );
            return Err(ExchangeRefusal::target(message));
        }
    }
    for target in wanted.audiences.iter().chain(wanted.resources) {
        let among = |list: &[String]| list.is_empty() || list.iter().any(|own| own == target);
        if !among(&claims.audience) || !among(&issuer.audiences) {
            let message = format!("the subject token is not for {}", quoted(target));
            return Err(ExchangeRefusal::target(message));
        }
        if !targets.iter().any(|own| own == target) {
            targets.push((*target).to_owned());
        }
    }
    match targets.is_empty() {
        true => Ok(claims.audience.clone()),
        false => Ok(targets),
    }
}

/// RFC 3986 §4.3: a scheme, and no fragment.
fn is_absolute(uri: &str) -> bool {
    let Some((scheme, rest)) = uri.split_once(':') else {
        return false;
    };
    let mut letters = scheme.chars();
    letters.next().is_some_and(|c| c.is_ascii_alphabetic())
        && letters.all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
        && !rest.is_empty()
        && uri.chars().all(|c| c.is_ascii_graphic() && c != '#')
}

/// The earliest end of everything that led here, without anybody's leeway.
fn expires_at(
    issuer: &Issuer,
    claims: &Claims,
    next: Option<&Next>,
    wanted: &Wanted<'_>,
    now: UnixSeconds,
) -> Result<UnixSeconds, ExchangeRefusal> {
    let token = next.and_then(|next| next.token.as_ref());
    let ends = [Some(claims), token.map(|token| &token.claims)];
    let tokens_end = ends.into_iter().flatten().map(|c| c.expires_at).min();
    let tokens_end = tokens_end.unwrap_or(claims.expires_at);
    if tokens_end <= now {
        let message = format!("a token that led here expired at {tokens_end}; it is {now}");
        let denial = Denial::new(Reason::TokenExpired, message);
        return Err(ExchangeRefusal::request(denial));
    }
    let lifetime = wanted.lifetime.unwrap_or(u64::MAX).min(issuer.max_lifetime);
    if lifetime == 0 {
        let message = "a token that lives for no time is asked for";
        let denial = Denial::new(Reason::ExchangeLifetime, message);
        return Err(ExchangeRefusal::request(denial));
    }
    Ok(tokens_end.min(now.plus(lifetime)))
}

/// The one tenant and the one task that the next token is of.
fn constraints(
    issuer: &Issuer,
    claims: &Claims,
    next: Option<&Next>,
    setting: &Setting<'_>,
) -> Result<(Option<String>, Option<String>), ExchangeRefusal> {
    let actor = next.and_then(|next| next.token.as_ref()).map(|t| &t.claims);
    let tenants = [
        claims.tenant.clone(),
        actor.and_then(|actor| actor.tenant.clone()),
        setting.tenant.map(str::to_owned),
    ];
    let tenant = only(tenants).map_err(|(own, other)| {
        let (own, other) = (quoted(&own), quoted(&other));
        let message = format!("one token or the host is of the tenant {own}, another of {other}");
        ExchangeRefusal::request(Denial::new(Reason::TenantMismatch, message))
    })?;
    let tasks = [
        claims.task.as_deref().map(task_id),
        actor.and_then(|actor| actor.task.as_deref().map(task_id)),
        setting.task.map(str::to_owned),
    ];
    let task = only(tasks).map_err(|(own, other)| {
        let (own, other) = (quoted(&own), quoted(&other));
        ExchangeRefusal::claim(format!(
            "a token cannot be for the two tasks {own} and {other}"
        ))
    })?;
    if let (Some(task), None) = (&task, &issuer.task_claim) {
        let task = quoted(task);
        return Err(ExchangeRefusal::claim(format!(
            "the issuer has no `task_claim` to hold {task} with"
        )));
    }
    Ok((tenant, task))
}

/// The value that all agree on, or two that differ.
fn only(values: [Option<String>; 3]) -> Result<Option<String>, (String, String)> {
    let mut found: Option<String> = None;
    for value in values.into_iter().flatten() {
        match &found {
            Some(own) if *own != value => return Err((own.clone(), value)),
            _ => found = Some(value),
        }
    }
    Ok(found)
}

/// Whether a mapping says something of the current actor.
fn about_actor(mapping: &ClaimMapping) -> bool {
    let template = &mapping.tuple;
    template.user.contains("{actor}") || template.object.contains("{actor}")
}

/// The claims that go on beside the scopes: those that become tuples, and
/// `roles`, which whoever `sub` names has. What is said of the current actor
/// ends with it.
fn carried(
    issuer: &Issuer,
    claims: &Claims,
    handed_on: bool,
) -> Result<Map<String, Value>, ExchangeRefusal> {
    let mut out = Map::new();
    let mapped = issuer.claims.iter().map(|mapping| mapping.claim.as_str());
    let sub_stays = !handed_on || issuer.chain != ChainConvention::SubjectIsActor;
    for name in mapped.chain(sub_stays.then_some("roles")) {
        let Some(value) = claims.get(name) else {
            continue;
        };
        let own = || issuer.claims.iter().filter(|m| m.claim == name);
        if handed_on && own().any(about_actor) {
            if own().all(about_actor) {
                continue;
            }
            let name = quoted(name);
            return Err(ExchangeRefusal::claim(format!(
                "the claim {name} says something of the actor and of others, and cannot go on in part"
            )));
        }
        out.insert(name.to_owned(), value.clone());
    }
    Ok(out)
}

/// Writes who acts for whom, the way the issuer does.
fn write_parties(
    issuer: &Issuer,
    parties: &[Named<'_>],
    out: &mut Map<String, Value>,
) -> Result<(), ExchangeRefusal> {
    let (top, actors): (_, Vec<&Named<'_>>) = match (issuer.chain, parties) {
        // The outermost `act` is the current actor, and `sub` the subject.
        (ChainConvention::Rfc8693 | ChainConvention::None, [subject, actors @ ..]) => {
            (subject, actors.iter().collect())
        }
        // `sub` is the current actor, and the innermost `act` the subject.
        (ChainConvention::SubjectIsActor, [others @ .., actor]) => (actor, others.iter().collect()),
        (_, []) => {
            let denial = Denial::new(Reason::ChainEmpty, "the chain names nobody");
            return Err(ExchangeRefusal::request(denial));
        }
    };
    if top.issuer != issuer.name {
        let (sub, other) = (quoted(top.subject), quoted(top.issuer));
        return Err(ExchangeRefusal::claim(format!(
            "`sub` cannot name {sub} of the issuer {other}"
        )));
    }
    write_party(issuer, top, parties, out)?;
    let mut act: Option<Value> = None;
    for party in actors {
        let mut members = Map::new();
        write_party(issuer, party, parties, &mut members)?;
        if party.issuer != issuer.name {
            members.insert("iss".to_owned(), json!(party.issuer));
        }
        if let Some(inner) = act.take() {
            members.insert("act".to_owned(), inner);
        }
        act = Some(Value::Object(members));
    }
    if let Some(act) = act {
        out.insert("act".to_owned(), act);
    }
    Ok(())
}

/// A party's `sub`, and the claims by which the issuer's templates know it.
fn write_party(
    issuer: &Issuer,
    party: &Named<'_>,
    parties: &[Named<'_>],
    out: &mut Map<String, Value>,
) -> Result<(), ExchangeRefusal> {
    let is_subject = parties
        .first()
        .is_some_and(|first| (first.issuer, first.subject) == (party.issuer, party.subject));
    let template = match is_subject {
        true => issuer.subject.as_deref(),
        false => issuer.actor.as_deref(),
    };
    let names = template.into_iter().flat_map(template_names);
    for name in names.filter(|name| !["sub", "iss"].contains(name)) {
        // Of another issuer's party no more is known than its name.
        let Some(value) = party
            .claims
            .get(name)
            .filter(|_| party.issuer == issuer.name)
        else {
            continue;
        };
        if out.get(name).is_some_and(|own| own != value) {
            let name = quoted(name);
            return Err(ExchangeRefusal::claim(format!(
                "the claim {name} would have to say two things at once"
            )));
        }
        out.insert(name.to_owned(), value.clone());
    }
    out.insert("sub".to_owned(), json!(party.subject));
    Ok(())
}

/// What was written is read back as the same parties.
fn check_same(
    parties: &[Named<'_>],
    next: Option<&Next>,
    before: Option<&Caller>,
    after: &Caller,
) -> Result<(), ExchangeRefusal> {
    let chain = after.chain();
    let pair = |party: &Party| (party.issuer.clone(), party.subject.clone());
    let named = |party: &Named<'_>| {
        (
            Some(party.issuer.to_owned()),
            Some(party.subject.to_owned()),
        )
    };
    let same = chain.iter().map(pair).eq(parties.iter().map(named))
        && before.is_none_or(|before| chain.starts_with(before.chain()))
        && next
            .and_then(|next| next.principal.as_deref())
            .is_none_or(|wanted| wanted == after.actor());
    if same {
        return Ok(());
    }
    Err(ExchangeRefusal::claim(
        "the next token's claims would name other parties".to_owned(),
    ))
}

impl fmt::Debug for ExchangeRequest<'_> {
    /// Neither token is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExchangeRequest")
            .field("actor", &self.actor)
            .field("wanted", &self.wanted)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Acting<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Acting::Token { .. } => f.write_str("Token(not shown)"),
            Acting::Principal { principal, .. } => {
                f.debug_tuple("Principal").field(principal).finish()
            }
        }
    }
}
