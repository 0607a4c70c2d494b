//! Replays: what was decided, decided again.

use std::fmt;

use crate::policy::Policy;
use crate::request::Request;
use crate::token::VerifyOptions;

use super::record::digest;
use super::{Decision, Record};

/// Why a record was not decided again. Nothing was compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReplayError {
    /// `replay.token_needed`: the token was refused before its caller was
    /// known, so only the token can say whether it would be again.
    TokenNeeded,
    /// `replay.no_token`: a host vouched for the chain; there was no token.
    NoToken,
    /// `replay.other_token`: the token is not the one of the record.
    OtherToken,
    /// `replay.proof_needed`: a proof of possession came with the token, and
    /// its answer hangs on it.
    ProofNeeded,
    /// `replay.several_tokens`: several tokens proved the chain; the record is
    /// decided again without them.
    SeveralTokens,
    /// `replay.scopes`: the record's scopes cannot be read.
    Scopes,
}

impl ReplayError {
    /// The stable code of this error.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::TokenNeeded => "replay.token_needed",
            Self::NoToken => "replay.no_token",
            Self::OtherToken => "replay.other_token",
            Self::ProofNeeded => "replay.proof_needed",
            Self::SeveralTokens => "replay.several_tokens",
            Self::Scopes => "replay.scopes",
        }
    }
}

impl fmt::Display for ReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TokenNeeded => {
                "the token was refused before its caller was known: give the token too; nothing was compared"
            }
            Self::NoToken => "the record is of a caller without a token; nothing was compared",
            Self::OtherToken => {
                "this is not the token of the record: their SHA-256 differ; nothing was compared"
            }
            Self::ProofNeeded => {
                "a proof of possession came with the token: give it too; nothing was compared"
            }
            Self::SeveralTokens => {
                "several tokens proved the chain: replay the record without them; nothing was compared"
            }
            Self::Scopes => "the record's scopes cannot be read; nothing was compared",
        })
    }
}

impl std::error::Error for ReplayError {}

impl Policy {
    /// Decides again what a record says was decided, from what the record says
    /// of its caller. Equal records have equal ids; where the policy is another
    /// one, its digest differs.
    ///
    /// # Errors
    /// [`ReplayError::TokenNeeded`] where the token was refused before there
    /// was anything to say of its caller; see [`Policy::replay_with`].
    pub fn replay(&self, record: &Record) -> Result<Decision, ReplayError> {
        let inputs = &record.inputs;
        // Staleness is looked at before the token, so it needs none.
        let unknown = inputs.chain.is_empty() && inputs.presented.is_some();
        if unknown && self.check_fresh(inputs.time).is_ok() {
            return Err(ReplayError::TokenNeeded);
        }
        Ok(self.decide_question(&record.request(), &record.question()))
    }

    /// [`Policy::replay`] from the token itself, which is verified again at the
    /// record's time and for the record's audience. Of `options` only the
    /// proofs are taken.
    ///
    /// # Errors
    /// Every [`ReplayError`] but [`ReplayError::TokenNeeded`].
    pub fn replay_with(
        &self,
        record: &Record,
        token: &[u8],
        options: &VerifyOptions<'_>,
    ) -> Result<Decision, ReplayError> {
        let inputs = &record.inputs;
        let presented = inputs.presented.as_ref().ok_or(ReplayError::NoToken)?;
        if !inputs.earlier.is_empty() {
            return Err(ReplayError::SeveralTokens);
        }
        if presented.digest != digest(token) {
            return Err(ReplayError::OtherToken);
        }
        let options = VerifyOptions {
            audience: presented.audience.as_deref(),
            dpop: options.dpop.filter(|_| presented.dpop),
            certificate: options.certificate.filter(|_| presented.certificate),
        };
        if (presented.dpop, presented.certificate)
            != (options.dpop.is_some(), options.certificate.is_some())
        {
            return Err(ReplayError::ProofNeeded);
        }
        let scopes = inputs.host_scope_set().map_err(|_| ReplayError::Scopes)?;
        // What the token says itself may be said again: it changes nothing.
        let request = Request::at(inputs.time)
            .token(token)
            .presented(options)
            .setting(inputs.setting(scopes.as_ref()));
        Ok(self.decide_question(&request, &record.question()))
    }
}
