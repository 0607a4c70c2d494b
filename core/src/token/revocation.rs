//! What was taken back before it expired.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::error::TokenError;
use super::json::shorten;
use crate::order;
use crate::time::UnixSeconds;

/// The snapshot's `revoked`, as written.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RevokedConfig {
    /// Tokens, by their `jti`, whoever issued them.
    #[serde(default)]
    pub tokens: Vec<String>,
    /// Keys, by issuer and `kid`.
    #[serde(default)]
    pub keys: Vec<RevokedKey>,
    /// Principals, e.g. `agent:x`, with the time before which no token of
    /// theirs counts, in seconds since the Unix epoch. A principal may occur
    /// once: a second time would take the first one back.
    #[serde(default, deserialize_with = "crate::json::members")]
    pub principals: BTreeMap<String, UnixSeconds>,
}

/// A revoked key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RevokedKey {
    /// The issuer it belonged to.
    pub issuer: String,
    /// Its id there.
    pub kid: String,
}

/// What was revoked, indexed.
#[derive(Debug, Clone, Default)]
pub struct Revocations {
    tokens: BTreeSet<String>,
    keys: BTreeSet<(String, String)>,
    principals: BTreeMap<String, UnixSeconds>,
}

impl Revocations {
    /// Indexes the snapshot's `revoked`.
    #[must_use]
    pub fn new(config: &RevokedConfig) -> Self {
        let pair = |key: &RevokedKey| (key.issuer.clone(), key.kid.clone());
        Self {
            tokens: order::set(config.tokens.iter().cloned()),
            keys: order::set(config.keys.iter().map(pair)),
            principals: config.principals.clone(),
        }
    }

    /// Whether a key of an issuer still counts.
    ///
    /// # Errors
    ///
    /// [`TokenError::RevokedKey`] where it was revoked.
    pub fn check_key(&self, issuer: &str, kid: &str) -> Result<(), TokenError> {
        // Almost always empty: then nothing is copied.
        if !self.keys.is_empty() && self.keys.contains(&(issuer.to_owned(), kid.to_owned())) {
            return Err(TokenError::RevokedKey {
                kid: shorten(kid, 100),
            });
        }
        Ok(())
    }

    /// Whether a token still counts. A token without `jti` cannot be revoked by
    /// itself, only with its key or its principal.
    ///
    /// # Errors
    ///
    /// [`TokenError::RevokedToken`] where it was revoked.
    pub fn check_token(&self, id: Option<&str>) -> Result<(), TokenError> {
        match id {
            Some(id) if self.tokens.contains(id) => Err(TokenError::RevokedToken {
                id: shorten(id, 100),
            }),
            _ => Ok(()),
        }
    }

    /// Whether a principal's token, issued at that time, still counts.
    ///
    /// [`Issuers::verify`](super::Issuers::verify) cannot ask this: which
    /// principals a token speaks of is known once its chain has been read.
    ///
    /// # Errors
    ///
    /// [`TokenError::RevokedPrincipal`] where it was issued before the time of
    /// the principal's revocation, or does not say when.
    pub fn check_principal(
        &self,
        principal: &str,
        issued_at: Option<UnixSeconds>,
    ) -> Result<(), TokenError> {
        match self.principals.get(principal) {
            Some(before) if issued_at.is_none_or(|issued_at| issued_at < *before) => {
                Err(TokenError::RevokedPrincipal {
                    principal: shorten(principal, 100),
                    before: *before,
                })
            }
            _ => Ok(()),
        }
    }
}
