//! Records: a decision written down so that it can be looked at again.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::canonical;
use crate::policy::{Policy, entity_id};
use crate::query::Tuple;
use crate::scope::ScopeSet;
use crate::time::UnixSeconds;
use crate::token::{Verified, VerifyOptions};

use super::chain::{Party, type_of};
use super::decide::{Decision, Question};
use super::reason::Reason;
use super::{Refused, Setting};

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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Map<String, Value>>,
    /// Whether a token without scopes covers nothing.
    #[serde(default)]
    pub scopes_required: bool,
    /// The host's scopes, in the same form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_scopes: Option<Map<String, Value>>,
    /// Contextual tuples, of the token's claims and of the host.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tuples: Vec<Tuple>,
    /// Values for conditions.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub context: Map<String, Value>,
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
    pub(super) fn of_host(
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
    /// `iat`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued_at: Option<UnixSeconds>,
}

impl TokenFacts {
    pub(super) fn of(verified: &Verified) -> Self {
        Self {
            issuer: verified.claims.issuer.clone(),
            kid: verified.kid.clone(),
            id: verified.claims.id.clone(),
            audience: verified.claims.audience.clone(),
            issued_at: verified.claims.issued_at,
        }
    }
}

/// An audit record: FusionAuth's fields, and what it takes to decide again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "AuditRecord"))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Record {
    /// SHA-256 over everything else in the record, in hexadecimal.
    pub id: String,
    /// Whether it was allowed.
    pub allowed: bool,
    /// Why.
    pub reason: Reason,
    /// What kind of agent acted: the principal's attribute `agentType`, or the
    /// entity's in its `data`, else the type in its name.
    pub agent_type: String,
    /// The action asked for.
    pub action: String,
    /// Who acted.
    pub actor: String,
    /// The party before the actor, where there is one.
    pub delegated_by: Option<String>,
    /// The subject, where another acted for it.
    pub acting_on_behalf_of: Option<String>,
    /// The token's `roles`.
    pub roles: Vec<String>,
    /// The token's scopes as one text.
    pub scope: String,
    /// The resource asked about.
    pub resource: String,
    /// The principals, subject first, current actor last.
    pub chain: Vec<String>,
    /// The tenant that the request was taken to be of.
    pub tenant: Option<String>,
    /// The snapshot's revision.
    pub revision: String,
    /// SHA-256 of the compiled policy, in hexadecimal.
    pub digest: String,
    /// The question's own values for conditions.
    pub context: Map<String, Value>,
    /// What the caller was made from.
    pub inputs: Inputs,
}

impl Record {
    /// The record's fields as a sorted JSON text without spaces: equal for
    /// equal records on every platform.
    #[must_use]
    pub fn to_canonical(&self) -> String {
        canonical::to_text(self)
    }

    /// Fills in what follows from the rest.
    pub(super) fn finish(mut self, policy: &Policy) -> Self {
        let principals = self.inputs.chain.iter().map(|p| p.principal.clone());
        self.chain = principals.collect();
        self.actor = self.chain.last().cloned().unwrap_or_default();
        if let [subject, .., _] = self.chain.as_slice() {
            self.acting_on_behalf_of = Some(subject.clone());
            self.delegated_by = self.chain.iter().rev().nth(1).cloned();
        }
        let directory = &policy.inner.directory;
        let known = directory.principal(&self.actor).map(|p| &p.attributes);
        let entity = entity_id(&self.actor).and_then(|id| directory.entities().entity(id));
        let noted = [known, entity.map(|e| &e.data)]
            .into_iter()
            .flatten()
            .find_map(|noted| noted.get("agentType")?.as_str());
        self.agent_type = noted.unwrap_or_else(|| type_of(&self.actor)).to_owned();
        self.roles.clone_from(&self.inputs.roles);
        let set = self.inputs.scopes.as_ref();
        let set = set.and_then(|claims| crate::scope::ScopeSet::from_claims(claims).ok()?);
        self.scope = set.map_or_else(String::new, |set| set.to_string());
        policy.revision().clone_into(&mut self.revision);
        self.digest = hex(&policy.digest());
        self.id = String::new();
        self.id = hex(&Sha256::digest(self.to_canonical().as_bytes()));
        self
    }

    pub(super) fn empty(inputs: Inputs, action: &str, resource: &str) -> Self {
        Self {
            id: String::new(),
            allowed: false,
            reason: Reason::Internal,
            agent_type: String::new(),
            action: action.to_owned(),
            actor: String::new(),
            delegated_by: None,
            acting_on_behalf_of: None,
            roles: Vec::new(),
            scope: String::new(),
            resource: resource.to_owned(),
            chain: Vec::new(),
            tenant: None,
            revision: String::new(),
            digest: String::new(),
            context: Map::new(),
            inputs,
        }
    }
}

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

impl Record {
    fn question(&self) -> Question<'_> {
        Question {
            action: &self.action,
            resource: &self.resource,
            context: Some(&self.context),
        }
    }
}

impl Policy {
    /// Decides again what a record says was decided, from what the record says
    /// of its caller. Equal records have equal ids; where the policy is another
    /// one, its digest differs.
    ///
    /// # Errors
    /// [`ReplayError::TokenNeeded`] where the token was refused before there
    /// was anything to say of its caller; see [`Policy::replay_with`].
    pub fn replay(&self, record: &Record) -> Result<Decision, ReplayError> {
        let inputs = record.inputs.clone();
        if inputs.chain.is_empty() && inputs.presented.is_some() {
            // Staleness is looked at before the token.
            let denial = match self.check_fresh(inputs.time) {
                Err(denial) => denial,
                Ok(()) => return Err(ReplayError::TokenNeeded),
            };
            return Ok(self.refuse(Refused { denial, inputs }, &record.question()));
        }
        Ok(match self.stand(inputs, None, None) {
            Ok(caller) => caller.decide(&record.action, &record.resource, Some(&record.context)),
            Err(refused) => self.refuse(*refused, &record.question()),
        })
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
        let scopes = match &inputs.host_scopes {
            None => None,
            Some(claims) => ScopeSet::from_claims(claims).map_err(|_| ReplayError::Scopes)?,
        };
        // What the token says itself may be said again: it changes nothing.
        let setting = Setting {
            tenant: inputs.tenant.as_deref(),
            task: inputs.tasks.last().map(String::as_str),
            tuples: &inputs.tuples,
            context: Some(&inputs.context),
            scopes: scopes.as_ref(),
        };
        Ok(self.decide(token, inputs.time, &options, &setting, &record.question()))
    }

    pub(super) fn refuse(&self, refused: Refused, question: &Question<'_>) -> Decision {
        let Refused { denial, inputs } = refused;
        let mut record = Record::empty(inputs, question.action, question.resource);
        record.reason = denial.reason;
        record.context = question.context.cloned().unwrap_or_default();
        Decision {
            allowed: false,
            reason: denial.reason,
            message: denial.message,
            branches: Vec::new(),
            record: record.finish(self),
        }
    }
}

/// SHA-256 in hexadecimal.
pub(super) fn digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for half in bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]) {
        let letter = if half < 10 {
            b'0' + half
        } else {
            b'a' + half - 10
        };
        text.push(char::from(letter));
    }
    text
}
