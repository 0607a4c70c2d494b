//! A chain proved by its tokens, one a hop: each verified, each giving no more
//! than the one before it.

use std::sync::Arc;

use crate::decision::{Denial, Reason, digest};
use crate::policy::Policy;
use crate::request::{Request, Signature};
use crate::token::{ChainConvention, Issuer, ScopeUse, Verified};

use super::Caller;
use super::admit::Refused;
use super::chain::{check_depth, delegation};
use super::claims::task_id;
use super::inputs::{Inputs, Presented, TokenFacts};
use super::parties::{self, Named, check_may_act, named, quoted};

impl Policy {
    /// The caller of the last of several tokens, oldest first: the subject's
    /// own, then one for each that was handed on to. Each must be verified, hand
    /// on the chain of the one before it by exactly one hop, and give no more:
    /// not in scopes, not in audiences, not in time, and in the same tenant and
    /// task. The record of a chain that is refused names its tokens and no
    /// parties.
    pub(super) fn admit_chain(
        &self,
        tokens: &[&[u8]],
        request: &Request<'_>,
    ) -> Result<Caller, Box<Refused>> {
        let earlier = tokens.split_last().map_or(&[][..], |(_, earlier)| earlier);
        let earlier: Vec<String> = earlier.iter().map(|token| digest(token)).collect();
        let admitted = self.chain_proved_by(tokens, request);
        match admitted {
            Ok(mut caller) => {
                caller.inputs.earlier = earlier;
                Ok(caller)
            }
            Err(denial) => {
                let presented = tokens
                    .last()
                    .map(|last| Presented::of(last, &request.presented));
                let mut inputs = Inputs::of_host(presented, request.now, &request.setting);
                inputs.earlier = earlier;
                Err(Box::new(Refused { denial, inputs }))
            }
        }
    }

    fn chain_proved_by(&self, tokens: &[&[u8]], request: &Request<'_>) -> Result<Caller, Denial> {
        self.check_fresh(request.now)?;
        let Some((last, earlier)) = tokens.split_last() else {
            return Err(Denial::new(Reason::ChainEmpty, "the chain names nobody"));
        };
        // Before any signature is checked.
        if !earlier.is_empty() {
            check_depth(delegation(&self.inner)?, earlier.len())?;
        }
        // Each signature is checked here, and the proofs are the last token's.
        let mut of_earlier = Request::at(request.now);
        of_earlier.presented.audience = request.presented.audience;
        let mut verified: Vec<Arc<Verified>> = Vec::with_capacity(tokens.len());
        for token in earlier {
            verified.push(self.verified(token, &of_earlier, None)?);
        }
        let mut of_last = request.clone();
        of_last.signature = Signature::Here;
        let mut caller = self
            .arrive(self.verified(last, &of_last, None), last, &of_last)
            .map_err(|refused| refused.denial)?;
        verified.extend(caller.verified.clone());

        if let Some(first) = verified.first()
            && first.claims.names_actor()
        {
            let message = "the first token is not the subject's own: it names an actor";
            return Err(Denial::new(Reason::ChainTokenMismatch, message));
        }
        for (place, pair) in verified.windows(2).enumerate() {
            if let [before, after] = pair {
                self.check_follows(before, after).map_err(|mut denial| {
                    denial.message = format!("token {}: {}", place + 2, denial.message);
                    denial
                })?;
            }
        }
        // Each hop must have been admitted when its own token was used. The last
        // was looked at above, and the first has none.
        for token in verified.iter().take(earlier.len()).skip(1) {
            let setting = &request.setting;
            let mut inputs = Inputs::of_host(None, request.now, setting);
            inputs.token = Some(TokenFacts::of(token));
            let scopes = self.read(self.issuer_of(token)?, &token.claims, setting, &mut inputs)?;
            self.stand(inputs, scopes.as_ref(), None)
                .map_err(|refused| refused.denial)?;
        }
        self.check_revoked_since(&verified, &caller)?;
        let earlier = verified.iter().take(earlier.len());
        caller.inputs.earlier_tokens = earlier.map(|token| TokenFacts::of(token)).collect();
        Ok(caller)
    }

    /// A principal's revocation counts for the token that made it a party, not
    /// only for the last.
    fn check_revoked_since(
        &self,
        verified: &[Arc<Verified>],
        caller: &Caller,
    ) -> Result<(), Denial> {
        let revoked = self.inner.trust.issuers.revoked();
        for (place, token) in verified.iter().enumerate() {
            for party in caller.chain().iter().take(place + 1) {
                revoked.check_principal(&party.principal, token.claims.issued_at)?;
            }
        }
        Ok(())
    }

    /// Whether one token follows from the one before it.
    fn check_follows(&self, before: &Verified, after: &Verified) -> Result<(), Denial> {
        let issuer = self.issuer_of(after)?;
        let (was, is) = (&before.claims, &after.claims);
        self.check_handed_on(before, after, issuer)?;
        if is.expires_at > was.expires_at {
            return Err(widens(format!(
                "it ends at {}, the one before it at {}",
                is.expires_at, was.expires_at
            )));
        }
        // Without `aud`, a token is for everybody.
        let wider = is.audience.iter().find(|own| !was.audience.contains(own));
        if !was.audience.is_empty() {
            if let Some(audience) = wider {
                let audience = quoted(audience);
                return Err(widens(format!(
                    "it is for {audience}, which the one before it is not for"
                )));
            }
            if is.audience.is_empty() {
                let message = "it is for everybody, which the one before it is not";
                return Err(widens(message.to_owned()));
            }
        }
        if let Some(tenant) = &was.tenant
            && is.tenant.as_ref() != Some(tenant)
        {
            let tenant = quoted(tenant);
            return Err(widens(format!(
                "it is not of the tenant {tenant}, which the one before it is of"
            )));
        }
        if let Some(task) = &was.task
            && is.task.as_deref().map(task_id) != Some(task_id(task))
        {
            let task = quoted(task);
            return Err(widens(format!(
                "it is not for the task {task}, which the one before it is for"
            )));
        }
        self.check_scopes(before, after)
    }

    /// The subject stays, the actors stay, and one more follows.
    fn check_handed_on(
        &self,
        before: &Verified,
        after: &Verified,
        issuer: &Issuer,
    ) -> Result<(), Denial> {
        let mismatch = |message: &str| Denial::new(Reason::ChainTokenMismatch, message);
        let other = self.issuer_of(before)?;
        if other.name != issuer.name {
            return Err(mismatch("it is of another issuer than the one before it"));
        }
        if before.claims.reading != after.claims.reading {
            return Err(mismatch("it is read in another way than the one before it"));
        }
        let was = named(&self.inner, &before.claims)?;
        let is = named(&self.inner, &after.claims)?;
        if is.len() != was.len() + 1 {
            return Err(mismatch(
                "its chain is not one hop longer than that of the one before it",
            ));
        }
        let pair = |party: &Named<'_>| (party.issuer.to_owned(), party.subject.to_owned());
        if !is.iter().map(pair).take(was.len()).eq(was.iter().map(pair)) {
            return Err(mismatch(
                "its chain does not begin with that of the one before it",
            ));
        }
        // The same names may be other principals, by other claims. Under
        // `subject_is_actor` whoever was alone was not yet the subject.
        let alone =
            was.len() == 1 && before.claims.reading.chain == ChainConvention::SubjectIsActor;
        if !alone {
            let was = parties::read(&self.inner, issuer, &before.claims)?;
            let is = parties::read(&self.inner, issuer, &after.claims)?;
            if !is.starts_with(&was) {
                return Err(mismatch("its parties are other principals than before"));
            }
        }
        match is.last() {
            Some(actor) => check_may_act(issuer, &before.claims, actor),
            None => Ok(()),
        }
    }

    fn check_scopes(&self, before: &Verified, after: &Verified) -> Result<(), Denial> {
        let reading = &after.claims.reading;
        if reading.scopes == ScopeUse::Ignore {
            return Ok(());
        }
        let (was, is) = (&before.claims, &after.claims);
        let (held, own) = (reading.scope_set(&was.all)?, reading.scope_set(&is.all)?);
        if held.is_none() && reading.scopes == ScopeUse::Narrow {
            return Ok(());
        }
        if own.is_none() && reading.scopes == ScopeUse::Narrow {
            let message = "it has no scopes that narrow, and the one before it has";
            return Err(widens(message.to_owned()));
        }
        let held = self.reach_of(&held.unwrap_or_default(), &was.audience)?;
        let own = self.reach_of(&own.unwrap_or_default(), &is.audience)?;
        own.is_within(&held).map_err(|widening| {
            let scope = quoted(&widening.scope);
            widens(format!("the one before it does not hold its scope {scope}"))
        })
    }
}

fn widens(message: String) -> Denial {
    Denial::new(Reason::ChainTokenWidens, message)
}
