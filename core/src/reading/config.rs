//! The shapes in which a snapshot says how tokens are read.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::template::Encoding;
use super::when::ClaimTest;
use crate::token::{ChainConvention, IssuerConfig, ScopeUse};

/// One way in which an issuer's tokens are understood: of people, of machines,
/// of agents. A token fits exactly one reading, or is denied.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ReadingConfig {
    /// What it is called in messages, e.g. `people`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// What a token must pass for this to be its reading, all of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub when: Vec<ClaimTest>,
    /// Whether it is the reading of the tokens that no other fits.
    #[serde(default, rename = "else", skip_serializing_if = "is_false")]
    pub otherwise: bool,
    /// What its tokens must say besides, or be denied.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub require: Vec<ClaimTest>,
    /// The principal that a token's subject is, e.g. `user:{sub}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The principal that a token's actor is, e.g. `agent:{sub}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// How claims that are no ids become part of `subject` and `actor`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encode: Option<Encoding>,
    /// How `sub`, `act` and the client are to be read.
    #[serde(default)]
    pub chain: ChainConvention,
    /// The claim that names the client: the actor where `chain` is `client`;
    /// where it is `rfc8693`, what must agree with the current actor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_claim: Option<String>,
    /// What a token's scopes mean.
    #[serde(default)]
    pub scopes: ScopeUse,
    /// The claims that carry scopes: the first that is there counts. All that
    /// are known where not said, each narrowing by itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scope_claims: Vec<String>,
    /// Whether the scopes of all `scope_claims` count together.
    #[serde(default, skip_serializing_if = "is_false")]
    pub scopes_joined: bool,
    /// The claim that names the tenant. A token without it is denied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_claim: Option<String>,
    /// The claim that names the task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_claim: Option<String>,
    /// Claims that become contextual tuples.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub claims: Vec<ClaimMapping>,
}

impl ReadingConfig {
    /// What an entry says at its own top.
    pub(super) fn of(config: &IssuerConfig) -> Self {
        Self {
            name: String::new(),
            when: Vec::new(),
            otherwise: false,
            require: Vec::new(),
            subject: config.subject.clone(),
            actor: config.actor.clone(),
            encode: config.encode,
            chain: config.chain,
            client_claim: config.client_claim.clone(),
            scopes: config.scopes,
            scope_claims: config.scope_claims.clone(),
            scopes_joined: config.scopes_joined,
            tenant_claim: config.tenant_claim.clone(),
            task_claim: config.task_claim.clone(),
            claims: config.claims.clone(),
        }
    }

    /// The first of what it says at all, for an entry that may say nothing.
    pub(super) fn first_said(&self) -> Option<&'static str> {
        let said = [
            ("subject", self.subject.is_some()),
            ("actor", self.actor.is_some()),
            ("encode", self.encode.is_some()),
            ("chain", self.chain != ChainConvention::default()),
            ("client_claim", self.client_claim.is_some()),
            ("scopes", self.scopes != ScopeUse::default()),
            ("scope_claims", !self.scope_claims.is_empty()),
            ("scopes_joined", self.scopes_joined),
            ("tenant_claim", self.tenant_claim.is_some()),
            ("task_claim", self.task_claim.is_some()),
            ("claims", !self.claims.is_empty()),
        ];
        said.into_iter()
            .find(|(_, said)| *said)
            .map(|(name, _)| name)
    }
}

/// A claim that stands for an audience that a token does not name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct AudienceBy {
    /// The claim, e.g. `client_id`.
    pub claim: String,
    /// The values of which it must have one. Services that share one are not
    /// told apart.
    pub one_of: Vec<String>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_false(value: &bool) -> bool {
    !value
}

/// A claim of which each value becomes a contextual tuple.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ClaimMapping {
    /// The claim: its name, e.g. `groups`, or a JSON Pointer, e.g.
    /// `/realm_access/roles`.
    pub claim: String,
    /// The tuple that each of its values becomes.
    pub tuple: TupleTemplate,
    /// What its values are; a text or a list of texts where not said.
    #[serde(default, skip_serializing_if = "Take::is_values")]
    pub take: Take,
    /// What a token without it means. Where not said, it means that it has no
    /// values if all that the tuples can do is give, and is denied otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub absent: Option<Absent>,
    /// How a value that is no id becomes one. All that is made into objects of
    /// one type is written alike.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encode: Option<Encoding>,
    /// The ids that values stand for; a value that is not among them fits none.
    #[serde(
        default,
        deserialize_with = "crate::json::members",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub values: BTreeMap<String, String>,
    /// What a value that fits no id means; where not said, the token is denied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unfit: Option<UnfitValue>,
}

/// A tuple in which `{subject}`, `{actor}` and `{value}` stand for what the
/// token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct TupleTemplate {
    /// E.g. `{subject}`.
    pub user: String,
    /// E.g. `member`.
    pub relation: String,
    /// E.g. `group:{value}`.
    pub object: String,
}

/// What a claim's values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Take {
    /// The claim is a text, or a list of texts.
    #[default]
    Values,
    /// The claim is an object, and its members' names are the values.
    Keys,
}

impl Take {
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
    fn is_values(&self) -> bool {
        *self == Self::Values
    }
}

/// What a token without a claim means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Absent {
    /// That it has no values, whatever the model takes away by them.
    Empty,
}

/// What a value that fits no id means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum UnfitValue {
    /// It is passed over. Only where all that the tuples can do is give.
    PassOver,
}
