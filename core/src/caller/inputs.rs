//! What a caller was made from: the part of a request that may be written down.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::decision::digest;
use crate::json;
use crate::query::Tuple;
use crate::request::Setting;
use crate::scope::{ScopeError, ScopeSet};
use crate::time::UnixSeconds;
use crate::token::{Verified, VerifyOptions};

use super::parties::Party;

/// All that a caller was made from, its policy aside.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Inputs {
    /// The time of the request.
    pub time: UnixSeconds,
    /// The first second at which the token no longer counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<UnixSeconds>,
    /// The parties, subject first, current actor last.
    pub chain: Vec<Party>,
    /// The tenant that the token or the host named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// The tasks that constrain.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tasks: Vec<String>,
    /// The token's scopes, as the claims that carried them.
    #[serde(
        default,
        deserialize_with = "json::optional_object",
        skip_serializing_if = "Option::is_none"
    )]
    pub scopes: Option<Map<String, Value>>,
    /// Whether a token without scopes covers nothing.
    #[serde(default)]
    pub scopes_required: bool,
    /// The host's scopes, in the same form.
    #[serde(
        default,
        deserialize_with = "json::optional_object",
        skip_serializing_if = "Option::is_none"
    )]
    pub host_scopes: Option<Map<String, Value>>,
    /// Contextual tuples, of the token's claims and of the host.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tuples: Vec<Tuple>,
    /// Values for conditions; a question's own go over them.
    #[serde(
        default,
        deserialize_with = "json::object",
        skip_serializing_if = "Map::is_empty"
    )]
    pub context: Map<String, Value>,
    /// Values for conditions that no question's own go over.
    #[serde(
        default,
        deserialize_with = "json::object",
        skip_serializing_if = "Map::is_empty"
    )]
    pub fixed_context: Map<String, Value>,
    /// The token's `roles`, which give nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// What is known of the token, once it was verified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<TokenFacts>,
    /// The token as it was presented, verified or not; none where a host
    /// vouched for the chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub presented: Option<Presented>,
    /// The tokens before it that proved its chain, oldest first: the SHA-256 of
    /// each, in hexadecimal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<String>,
    /// What is known of each of these, once it was verified.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier_tokens: Vec<TokenFacts>,
}

/// A token as it was presented: enough to know it again.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Presented {
    /// SHA-256 of the whole token, in hexadecimal.
    pub digest: String,
    /// The audience that the host asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
    /// Whether a DPoP proof came with it.
    #[serde(default)]
    pub dpop: bool,
    /// Whether a client certificate came with it.
    #[serde(default)]
    pub certificate: bool,
}

impl Presented {
    pub(super) fn of(token: &[u8], options: &VerifyOptions<'_>) -> Self {
        Self {
            digest: digest(token),
            audience: options.audience.map(str::to_owned),
            dpop: options.dpop.is_some(),
            certificate: options.certificate.is_some(),
        }
    }
}

impl Inputs {
    /// What is known before a token has been looked at.
    pub(crate) fn of_host(
        presented: Option<Presented>,
        now: UnixSeconds,
        setting: &Setting<'_>,
    ) -> Self {
        Self {
            time: now,
            tenant: setting.tenant.map(str::to_owned),
            tasks: setting.task.iter().map(|t| (*t).to_owned()).collect(),
            host_scopes: setting.scopes.map(ScopeSet::to_claims),
            tuples: setting.tuples.to_vec(),
            context: setting.context.cloned().unwrap_or_default(),
            fixed_context: setting.fixed_context.cloned().unwrap_or_default(),
            presented,
            ..Self::default()
        }
    }

    /// Of a chain that the host vouches for.
    pub(super) fn vouched(chain: &[&str], now: UnixSeconds, setting: &Setting<'_>) -> Self {
        Self {
            chain: chain.iter().map(|who| Party::vouched(who)).collect(),
            ..Self::of_host(None, now, setting)
        }
    }

    /// The host's scopes, read.
    pub(crate) fn host_scope_set(&self) -> Result<Option<ScopeSet>, ScopeError> {
        match &self.host_scopes {
            None => Ok(None),
            Some(claims) => ScopeSet::from_claims(claims),
        }
    }

    /// What the host said, and what the token added to it; with the scopes of
    /// [`Self::host_scope_set`].
    pub(crate) fn setting<'a>(&'a self, scopes: Option<&'a ScopeSet>) -> Setting<'a> {
        Setting {
            tenant: self.tenant.as_deref(),
            task: self.tasks.last().map(String::as_str),
            tuples: &self.tuples,
            context: Some(&self.context),
            fixed_context: Some(&self.fixed_context),
            scopes,
        }
    }
}

/// What is written down of a token: nothing that could stand in for it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct TokenFacts {
    /// `iss`.
    pub issuer: String,
    /// The `kid` of the key that signed it.
    pub kid: String,
    /// `jti`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// `aud`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub audience: Vec<String>,
    /// What stood for an audience that it does not name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience_by: Option<String>,
    /// `iat`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued_at: Option<UnixSeconds>,
}

impl TokenFacts {
    pub(crate) fn of(verified: &Verified) -> Self {
        Self {
            issuer: verified.claims.issuer.clone(),
            kid: verified.kid.clone(),
            id: verified.claims.id.clone(),
            audience: verified.claims.audience.clone(),
            audience_by: verified.claims.audience_by.clone(),
            issued_at: verified.claims.issued_at,
        }
    }
}
