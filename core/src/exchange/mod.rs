//! Exchange (RFC 8693): what the next token of a chain may claim, or why there
//! is none. Signing it is the host's.
//!
//! The next token is one of the subject token's issuer, written the way that
//! issuer writes chains. It gives nothing that the subject token did not give:
//! its scopes and audiences are within the subject token's, it ends no later
//! than any token that led to it, and whatever constrained goes on doing so.
//! In this order:
//!
//! 1. both tokens stand up to their own checks, and the chain so far is
//!    admitted;
//! 2. what is asked for is narrowed (`narrow.rs`);
//! 3. the claims are written (`write.rs`);
//! 4. before they come out, they are read back as if somebody had presented
//!    them, and everything that a policy asks of a caller is asked of that one
//!    (`read_back.rs`).
//!
//! `credentials.rs` answers requests for a chain's first token.

mod credentials;
mod narrow;
mod read_back;
mod refusal;
mod request;
mod write;

pub use self::refusal::ExchangeRefusal;
pub use self::request::{Acting, Binding, ExchangeClaims, Wanted};

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::authority::Moment;
use crate::caller::{Caller, Named, check_may_act, claim_tuples, named, quoted};
use crate::decision::{Denial, Reason};
use crate::policy::Policy;
use crate::reading::Reading;
use crate::request::{Credential, Request, Setting};
use crate::time::UnixSeconds;
use crate::token::{
    ChainConvention, Claims, Confirmation, Issuer, TokenError, Verified, check_actors,
};

use self::narrow::{audience, constraints, expires_at};
use self::read_back::check_same;
use self::write::NextToken;

/// Who becomes the current actor.
struct Next {
    issuer: String,
    subject: String,
    /// Claims about it, for templates and `may_act`.
    claims: Map<String, Value>,
    /// What its own token is bound to.
    confirmation: Option<Value>,
    /// Its own token.
    token: Option<Arc<Verified>>,
    /// The principal that it must turn out to be.
    principal: Option<String>,
}

impl Policy {
    /// The claims of the next token: the token of the request, narrowed, handed
    /// on to who is to act.
    ///
    /// # Errors
    /// An [`ExchangeRefusal`] with the reason of the first check that fails:
    /// the request's token and the actor token as [`Policy::admit`] has it,
    /// `may_act`, the targets, the lifetime, the scopes, and then all that is
    /// asked of the next chain.
    pub fn exchange(
        &self,
        request: &Request<'_>,
        wanted: &Wanted<'_>,
    ) -> Result<ExchangeClaims, ExchangeRefusal> {
        let Credential::Token(token) = request.credential else {
            let message = "there is no token to hand on, or there are several";
            let denial = Denial::new(Reason::ExchangeNoToken, message);
            return Err(ExchangeRefusal::request(denial));
        };
        let subject = self
            .verified(token, request, None)
            .map_err(ExchangeRefusal::request)?;
        self.handed_on(&subject, wanted, &request.setting, request.now)
    }

    fn handed_on(
        &self,
        subject: &Arc<Verified>,
        wanted: &Wanted<'_>,
        setting: &Setting<'_>,
        now: UnixSeconds,
    ) -> Result<ExchangeClaims, ExchangeRefusal> {
        let next = match &wanted.actor {
            None => None,
            Some(acting) => Some(self.next_actor(subject, acting, now)?),
        };
        self.next_claims(subject, next.as_ref(), wanted, setting, now)
    }

    fn next_actor(
        &self,
        subject: &Verified,
        acting: &Acting<'_>,
        now: UnixSeconds,
    ) -> Result<Next, ExchangeRefusal> {
        match acting {
            Acting::Token { token, options } => {
                let request = Request::at(now).token(*token).presented(*options);
                let verified = self
                    .verified(token, &request, None)
                    .map_err(ExchangeRefusal::request)?;
                let claims = &verified.claims;
                if claims.names_actor() {
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
            Acting::Principal(principal) => {
                let issuer = self.issuer_of(subject).map_err(ExchangeRefusal::request)?;
                let (name, sub) = self
                    .identity_at(issuer, &subject.claims.reading, principal)
                    .ok_or_else(|| {
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
                    confirmation: None,
                    token: None,
                    principal: Some((*principal).to_owned()),
                })
            }
        }
    }

    /// By which issuer and subject a principal is known in an issuer's tokens.
    fn identity_at(
        &self,
        issuer: &Issuer,
        reading: &Reading,
        principal: &str,
    ) -> Option<(String, String)> {
        let record = self.inner.directory.principal(principal);
        let listed = record.map_or(&[][..], |record| &record.identities);
        let own = listed
            .iter()
            .find(|identity| identity.issuer == issuer.name);
        if let Some(identity) = own.or(listed.first()) {
            return Some((identity.issuer.clone(), identity.subject.clone()));
        }
        let sub = reading.actor.as_ref()?.subject_of(principal)?;
        Some((issuer.name.clone(), sub))
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
        let before = match claims.names_actor() {
            false => None,
            true => Some(self.accept(subject, setting, now).map_err(request)?),
        };
        let mut parties = named(&self.inner, claims).map_err(request)?;
        if let Some(next) = next {
            let chain = claims.reading.chain;
            if matches!(chain, ChainConvention::None | ChainConvention::Client) {
                let message = "the issuer's `chain` is `none` or `client`: its tokens cannot say who acts next";
                return Err(request(Denial::new(Reason::ChainNotExpected, message)));
            }
            check_may_act(issuer, claims, &next.named()).map_err(policy_says)?;
        }
        let audience = audience(issuer, claims, wanted)?;
        let expires_at = expires_at(issuer, claims, next, wanted, now)?;
        let (tenant, task) = constraints(claims, next, setting)?;
        let scopes = self.next_scopes(claims, next, setting, &audience, wanted.scope)?;
        let bound_to = bound_to(claims, next, wanted)?;

        parties.extend(next.map(Next::named));
        let mut token = NextToken::new(issuer, claims, next)?;
        token.scopes(scopes.as_ref());
        token.constraints(tenant.as_deref(), task.as_deref());
        token.parties(&parties)?;
        token.audience(&audience);
        token.times(now, expires_at);
        token.binding(bound_to.as_ref());
        let out = token.finish()?;

        // From here on it is a token like any other.
        let after = read_again(subject, issuer, &out).map_err(|e| request(e.into()))?;
        if after.claims.reading != claims.reading {
            let message = "the next token would be read in another way";
            return Err(ExchangeRefusal::claim(message.to_owned()));
        }
        let host = Setting {
            tenant: tenant.as_deref().or(setting.tenant),
            ..*setting
        };
        let after = self.accept(&after, &host, now).map_err(policy_says)?;
        check_same(&parties, next, before.as_ref(), &after)?;
        self.check_unrevoked(claims, next, &after)
            .map_err(policy_says)?;
        let actor = next.and_then(|next| next.token.as_ref());
        let led = [Some(subject), actor].into_iter().flatten();
        Ok(ExchangeClaims {
            claims: out,
            chain: after.chain().to_vec(),
            audience,
            scope: scopes.as_ref().map(ToString::to_string),
            issued_at: now,
            expires_at,
            parents: led.clone().filter_map(|t| t.claims.id.clone()).collect(),
            dpop: led.filter_map(|t| t.dpop.clone()).collect(),
        })
    }
}

impl Moment<'_> {
    /// The claims of the next token, for this caller: [`Policy::exchange`] from
    /// a caller that is admitted already, at this time. An actor is one that
    /// the host has authenticated.
    ///
    /// # Errors
    /// As [`Policy::exchange`]; a caller that was not made from a token has
    /// nothing to hand on.
    pub fn delegate(&self, wanted: &Wanted<'_>) -> Result<ExchangeClaims, ExchangeRefusal> {
        let request = ExchangeRefusal::request;
        let caller: &Caller = self.caller;
        self.check_fresh().map_err(request)?;
        let Some(verified) = &caller.verified else {
            let message = "the caller was not made from a token, so there is none to hand on";
            return Err(request(Denial::new(Reason::ExchangeNoToken, message)));
        };
        let (policy, inputs) = (&caller.policy, &caller.inputs);
        // What the token's claims say of its parties goes on with the token.
        let claimed = claim_tuples(&verified.claims.reading, &verified.claims, &inputs.chain)
            .map_err(|error| request(error.into()))?;
        let mut tuples = inputs.tuples.clone();
        tuples.retain(|tuple| !claimed.contains(tuple));
        let scopes = inputs.host_scope_set().map_err(|e| request(e.into()))?;
        let setting = Setting {
            tuples: &tuples,
            ..inputs.setting(scopes.as_ref())
        };
        policy.handed_on(verified, wanted, &setting, self.now)
    }
}

impl Next {
    fn named(&self) -> Named<'_> {
        Named::actor(&self.issuer, &self.subject, &self.claims)
    }
}

/// The claims that were written, as if they had been verified.
fn read_again(
    subject: &Verified,
    issuer: &Issuer,
    written: &Map<String, Value>,
) -> Result<Arc<Verified>, TokenError> {
    let mut claims = Claims::read(written.clone(), issuer)?;
    check_actors(&claims)?;
    claims.reading.check_whole(&claims)?;
    claims.confirmation = Confirmation::read(written)?;
    Ok(Arc::new(Verified {
        issuer: subject.issuer,
        kid: subject.kid.clone(),
        algorithm: subject.algorithm,
        claims,
        dpop: None,
    }))
}

/// What the next token is bound to. One that is bound is never handed on as one
/// that anybody may use without a word of the host's.
fn bound_to(
    claims: &Claims,
    next: Option<&Next>,
    wanted: &Wanted<'_>,
) -> Result<Option<Value>, ExchangeRefusal> {
    let own = claims.all.get("cnf");
    let actors = next.and_then(|next| next.confirmation.as_ref());
    match (wanted.binding, next) {
        (Some(Binding::Drop), _) => Ok(None),
        (Some(Binding::To(key)), _) => Ok(Some(Value::Object(key.clone()))),
        (Some(Binding::Keep), _) | (None, None) => Ok(own.cloned()),
        (None, Some(_)) if actors.is_some() || own.is_none() => Ok(actors.cloned()),
        (None, Some(_)) => {
            let message = "the token is bound to its holder: say what the next one is bound to";
            let denial = Denial::new(Reason::ExchangeConfirmation, message);
            Err(ExchangeRefusal::request(denial))
        }
    }
}
