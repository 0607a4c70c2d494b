//! Reading back: the next token's claims are taken as if somebody had presented
//! them, and all that a policy asks of a caller is asked of that one.

use std::sync::Arc;

use crate::caller::{Caller, Inputs, Named, Party, TokenFacts};
use crate::decision::Denial;
use crate::policy::Policy;
use crate::request::Setting;
use crate::time::UnixSeconds;
use crate::token::{Claims, Verified};

use super::Next;
use super::refusal::ExchangeRefusal;

impl Policy {
    /// The caller of a token whose own checks are done, all its hops settled:
    /// there is no later question that could bring more context.
    pub(super) fn accept(
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
        caller.at(now).check_standing()?;
        Ok(caller)
    }

    /// The next token is younger than a revocation that its makers fall under.
    pub(super) fn check_unrevoked(
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

/// What was written is read back as the same parties.
pub(super) fn check_same(
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
