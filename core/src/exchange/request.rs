//! What is asked of the next token, and what it is to claim.

use std::fmt;

use serde_json::{Map, Value};

use crate::caller::Party;
use crate::time::UnixSeconds;
use crate::token::{DpopUse, VerifyOptions};

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
    Principal(&'a str),
}

/// Whom the next token is bound to (its `cnf`, RFC 7800).
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Binding<'a> {
    /// Whom the subject token is bound to.
    Keep,
    /// This key.
    To(&'a Map<String, Value>),
    /// Nobody: whoever has the token may use it.
    Drop,
}

/// What is asked of the next token.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted<'a> {
    /// Who is to act. Without, the token is only narrowed.
    pub actor: Option<Acting<'a>>,
    /// Whom the next token is bound to. Where this is not said, a token that is
    /// only narrowed stays bound as it is, and one that is handed on is bound
    /// as the actor token is. A bound token is never handed on as one that
    /// anybody may use unless [`Binding::Drop`] says so.
    pub binding: Option<Binding<'a>>,
    /// `scope`; without, all that may be handed on.
    pub scope: Option<&'a str>,
    /// `resource`, each an absolute URI without a fragment (RFC 8707 §2).
    pub resources: &'a [&'a str],
    /// `audience`. With neither, those of the subject token's audiences that
    /// the issuer is trusted for.
    pub audiences: &'a [&'a str],
    /// How long it is to live, in seconds; at most what is left of the tokens
    /// that led to it, and what the issuer's may live.
    pub lifetime: Option<u64>,
}

/// The claims of the next token, and what a token response says of it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ExchangeClaims {
    /// The claims. Whoever signs them adds a `jti`, and a `client_id` where
    /// RFC 9068 is followed.
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
    /// The `jti` of each token that led to it. A revocation of one of these
    /// does not reach the next token by itself: revoke that one too.
    pub parents: Vec<String>,
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

impl fmt::Debug for Acting<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Acting::Token { .. } => f.write_str("Token(not shown)"),
            Acting::Principal(principal) => f.debug_tuple("Principal").field(principal).finish(),
        }
    }
}
