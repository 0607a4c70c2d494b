//! Narrowing: audiences, an end, scopes, a tenant and a task, each within what
//! the tokens that led to it had.

use crate::caller::{quoted, task_id};
use crate::decision::{Denial, Reason};
use crate::policy::Policy;
use crate::request::Setting;
use crate::scope::{Reach, ScopeContext, ScopeError, ScopeSet};
use crate::time::UnixSeconds;
use crate::token::{Claims, Issuer, ScopeUse};

use super::Next;
use super::refusal::ExchangeRefusal;
use super::request::Wanted;

/// Scopes that the next token's must be within.
struct Bound {
    reach: Reach,
    whose: &'static str,
}

impl Policy {
    /// The scopes of the next token; `None` where the subject token has none
    /// and its issuer does not ask for any.
    pub(super) fn next_scopes(
        &self,
        claims: &Claims,
        next: Option<&Next>,
        setting: &Setting<'_>,
        audience: &[String],
        wanted: Option<&str>,
    ) -> Result<Option<ScopeSet>, ExchangeRefusal> {
        let unreadable = |error: ScopeError| ExchangeRefusal::request(error);
        let held = claims.reading.scope_set(&claims.all).map_err(unreadable)?;
        // An issuer whose scopes are not looked at here may be another
        // service's, which does: they are narrowed all the same.
        let use_of_held = match claims.reading.scopes {
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
            let its = &token.claims.reading;
            if its.scopes != ScopeUse::Ignore {
                let set = its.scope_set(&token.claims.all).map_err(unreadable)?;
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
        let Some(held) = held else {
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
        let held = self.left_of(held, &others, audience)?;
        let reach = self.reach_of(&held, audience).map_err(unreadable)?;
        for bound in own.iter().chain(&others) {
            bound.holds(&reach)?;
        }
        Ok(Some(held))
    }

    /// Those of the scopes that are held which nothing else narrows away.
    fn left_of(
        &self,
        mut held: ScopeSet,
        others: &[Bound],
        audience: &[String],
    ) -> Result<ScopeSet, ExchangeRefusal> {
        let unreadable = |error: ScopeError| ExchangeRefusal::request(error);
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
        Ok(held)
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

    pub(crate) fn reach_of(
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
pub(super) fn audience(
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
    if !targets.is_empty() {
        return Ok(targets);
    }
    // Those of others are not the issuer's to hand on.
    let known = |own: &&String| issuer.audiences.is_empty() || issuer.audiences.contains(own);
    let handed_on: Vec<String> = claims.audience.iter().filter(known).cloned().collect();
    if handed_on.is_empty() && !claims.audience.is_empty() {
        let message = "the subject token is for nobody that the issuer is trusted for";
        return Err(ExchangeRefusal::target(message.to_owned()));
    }
    Ok(handed_on)
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
pub(super) fn expires_at(
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
pub(super) fn constraints(
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
    if let (Some(task), None) = (&task, &claims.reading.task) {
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
