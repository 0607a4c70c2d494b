//! The issuers that a snapshot trusts, and how the tokens of each are read.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::algorithm::Algorithm;
use super::error::TokenError;
use super::json::shorten;
use super::key::{KeyFault, KeySet};
use super::revocation::{Revocations, RevokedConfig};
use crate::reading::{
    AudienceBy, ClaimMapping, ClaimPath, ClaimTest, Encoding, Mapping, ReadingConfig, ReadingFault,
    Readings,
};

/// The greatest difference of clocks that an issuer may be granted, in seconds.
///
/// RFC 7519 §4.1.4 speaks of "no more than a few minutes".
pub const MAX_LEEWAY: u64 = 300;

/// How long a token may live where its issuer's entry does not say, in seconds:
/// one day. A token without an end in sight cannot be taken back.
pub const DEFAULT_MAX_LIFETIME: u64 = 86_400;

/// One entry of the snapshot's `issuers`, as written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct IssuerConfig {
    /// The exact `iss` of its tokens, compared byte by byte.
    pub issuer: String,
    /// The audiences of which a token must name one.
    #[serde(default)]
    pub audiences: Vec<String>,
    /// Whether a token must have an `aud` at all; true unless said otherwise.
    /// A request that names its own audience needs one in any case.
    #[serde(default = "required")]
    pub audience_required: bool,
    /// The algorithms it signs with, e.g. `["RS256"]`.
    pub algorithms: Vec<String>,
    /// Its keys: a JWKS, a map from key id to key, or a list of PEM texts with
    /// their ids.
    pub keys: KeySource,
    /// The `typ` headers of its tokens, without `application/`, in any case.
    /// `["at+jwt", "JWT"]` where not said. A token without `typ` is a `JWT`.
    #[serde(default = "default_types")]
    pub typ: Vec<String>,
    /// How far its clock may differ, in seconds, at most [`MAX_LEEWAY`].
    #[serde(default)]
    pub leeway: u64,
    /// The longest that a token may live, in seconds;
    /// [`DEFAULT_MAX_LIFETIME`] where not said.
    #[serde(default = "default_lifetime")]
    pub max_lifetime: u64,
    /// The principal that a token's subject is, e.g. `user:{sub}`. In the braces
    /// stands a claim's name or a JSON Pointer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The principal that a token's actor is, e.g. `agent:{sub}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// How `sub` and `act` are to be read.
    #[serde(default)]
    pub chain: ChainConvention,
    /// What a token's scopes mean.
    #[serde(default)]
    pub scopes: ScopeUse,
    /// The claim that names the tenant, e.g. `tid`, or as a JSON Pointer
    /// `/ext/org`. A token without it is denied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_claim: Option<String>,
    /// The claim that names the task, e.g. `task`; a name or a JSON Pointer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_claim: Option<String>,
    /// Claims that become contextual tuples.
    #[serde(default)]
    pub claims: Vec<ClaimMapping>,
    /// How claims that are no ids become part of `subject` and `actor`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encode: Option<Encoding>,
    /// The claim that names the client, e.g. `azp`: the actor where `chain` is
    /// `client`; where it is `rfc8693`, what must agree with the current actor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_claim: Option<String>,
    /// The claims that carry scopes: the first that is there counts. All that
    /// are known where not said, each narrowing by itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scope_claims: Vec<String>,
    /// Whether the scopes of all `scope_claims` count together.
    #[serde(default, skip_serializing_if = "is_false")]
    pub scopes_joined: bool,
    /// What every token must say, or be denied.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub require: Vec<ClaimTest>,
    /// A claim that stands for an audience where a token names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience_by: Option<AudienceBy>,
    /// How its tokens are understood, where they are not all understood alike.
    /// Then `subject` and whatever else says so stands in each of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub readings: Vec<ReadingConfig>,
}

/// An issuer's keys as written. Its `Debug` form does not show them, since they
/// may be shared secrets.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct KeySource(#[serde(deserialize_with = "crate::json::value")] pub Value);

impl fmt::Debug for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeySource(not shown)")
    }
}

/// How an issuer writes down who acts for whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ChainConvention {
    /// RFC 8693 §4.1: `sub` is the subject, `act` the current actor, nested
    /// `act` the earlier ones.
    Rfc8693,
    /// `sub` is the current actor, the innermost `act` is the subject.
    SubjectIsActor,
    /// The client that the token was issued to acts, for the subject. A token
    /// with `act`, or without the client, is refused.
    Client,
    /// Its tokens have no `act`; one that has is refused.
    #[default]
    None,
}

impl ChainConvention {
    /// Whether a token has actors of its own, perhaps another issuer's.
    pub(crate) fn has_actors(self) -> bool {
        matches!(self, Self::Rfc8693 | Self::SubjectIsActor)
    }
}

/// What a token's scopes mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ScopeUse {
    /// They must cover what is asked; a token without any covers nothing.
    #[default]
    Required,
    /// They narrow where present.
    Narrow,
    /// They are not looked at.
    Ignore,
}

/// One trusted issuer, checked. Made by [`Issuers::compile`] only.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Issuer {
    /// Its exact name.
    pub name: String,
    /// The audiences of which a token must name one.
    pub audiences: Vec<String>,
    /// Whether a token must have an `aud` at all.
    pub audience_required: bool,
    /// The algorithms it signs with: all symmetric or none.
    pub algorithms: Vec<Algorithm>,
    /// Its keys.
    pub keys: KeySet,
    /// The `typ` headers of its tokens, in lower case.
    pub types: Vec<String>,
    /// How far its clock may differ, in seconds.
    pub leeway: u64,
    /// The longest that a token may live, in seconds.
    pub max_lifetime: u64,
    /// How its tokens are understood.
    pub(crate) readings: Readings,
    /// The claim that stands for an audience, and its values.
    pub(crate) audience_by: Option<(ClaimPath, Vec<String>)>,
}

/// All trusted issuers and what was revoked: what a token is verified against.
#[derive(Debug, Clone, Default)]
pub struct Issuers {
    /// In the order of the snapshot.
    list: Vec<Issuer>,
    /// Indices into `list`, sorted by name.
    by_name: Vec<usize>,
    /// What was revoked.
    revoked: Revocations,
}

/// Why an entry of `issuers` is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuerError {
    /// Where, as a JSON pointer into the snapshot, e.g.
    /// `/issuers/0/keys/keys/1/n`.
    pub pointer: String,
    /// What is wrong there.
    pub fault: IssuerFault,
}

/// What can be wrong with an issuer's entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IssuerFault {
    /// `issuer.empty`: a name, audience, type or claim is an empty text.
    Empty,
    /// `issuer.duplicate`: two entries have one name.
    Duplicate {
        /// The name.
        issuer: String,
    },
    /// `issuer.algorithms`: the list is empty.
    NoAlgorithms,
    /// `issuer.algorithm_unsupported`: not an algorithm that can be used.
    UnsupportedAlgorithm {
        /// Its name.
        name: String,
    },
    /// `issuer.algorithms_mixed`: HMAC beside public-key algorithms.
    MixedAlgorithms,
    /// `issuer.leeway`: more than [`MAX_LEEWAY`].
    Leeway {
        /// What was given, in seconds.
        seconds: u64,
    },
    /// One of its keys is refused; the code is the key's.
    Key(KeyFault),
    /// How its tokens are to be read is refused; the code is the reading's.
    Reading(ReadingFault),
}

impl IssuerError {
    /// The stable code of this fault.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.fault.code()
    }
}

impl IssuerFault {
    /// The stable code of this fault.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            IssuerFault::Empty => "issuer.empty",
            IssuerFault::Duplicate { .. } => "issuer.duplicate",
            IssuerFault::NoAlgorithms => "issuer.algorithms",
            IssuerFault::UnsupportedAlgorithm { .. } => "issuer.algorithm_unsupported",
            IssuerFault::MixedAlgorithms => "issuer.algorithms_mixed",
            IssuerFault::Leeway { .. } => "issuer.leeway",
            IssuerFault::Key(fault) => fault.code(),
            IssuerFault::Reading(fault) => fault.code(),
        }
    }
}

impl fmt::Display for IssuerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.pointer, self.fault)
    }
}

impl fmt::Display for IssuerFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("must not be empty"),
            Self::Duplicate { issuer } => {
                write!(
                    f,
                    "the issuer `{}` has an entry already",
                    shorten(issuer, 100)
                )
            }
            Self::NoAlgorithms => f.write_str("must name at least one algorithm"),
            Self::UnsupportedAlgorithm { name } => {
                let known: Vec<_> = Algorithm::ALL.iter().map(|known| known.name()).collect();
                write!(f, "`{}` is none of {}", shorten(name, 40), known.join(", "))
            }
            Self::MixedAlgorithms => {
                f.write_str("HMAC beside public-key algorithms; an issuer uses one or the other")
            }
            Self::Leeway { seconds } => {
                write!(
                    f,
                    "a leeway of {seconds} seconds; at most {MAX_LEEWAY} are granted"
                )
            }
            Self::Key(fault) => fault.fmt(f),
            Self::Reading(fault) => fault.fmt(f),
        }
    }
}

impl std::error::Error for IssuerError {}

impl Issuers {
    /// Checks the snapshot's `issuers` and `revoked`.
    ///
    /// # Errors
    ///
    /// The first [`IssuerError`], in the order of the snapshot.
    pub fn compile(configs: &[IssuerConfig], revoked: &RevokedConfig) -> Result<Self, IssuerError> {
        let mut list = Vec::with_capacity(configs.len());
        let mut by_name: Vec<usize> = Vec::with_capacity(configs.len());
        for (index, config) in configs.iter().enumerate() {
            let issuer = Issuer::compile(config).map_err(|(below, fault)| IssuerError {
                pointer: format!("/issuers/{index}{below}"),
                fault,
            })?;
            let name_of =
                |index: &usize| list.get(*index).map(|other: &Issuer| other.name.as_str());
            match by_name.binary_search_by(|other| name_of(other).cmp(&Some(issuer.name.as_str())))
            {
                Ok(_) => {
                    let pointer = format!("/issuers/{index}/issuer");
                    let fault = IssuerFault::Duplicate {
                        issuer: issuer.name,
                    };
                    return Err(IssuerError { pointer, fault });
                }
                Err(place) => by_name.insert(place, index),
            }
            list.push(issuer);
        }
        Ok(Self {
            list,
            by_name,
            revoked: Revocations::new(revoked),
        })
    }

    /// The issuer of exactly that name, with its index in the snapshot.
    ///
    /// # Errors
    ///
    /// [`TokenError::IssuerUnknown`] where there is none.
    pub fn find(&self, name: &str) -> Result<(usize, &Issuer), TokenError> {
        self.by_name
            .binary_search_by(|index| {
                self.get(*index)
                    .map(|issuer| issuer.name.as_str())
                    .cmp(&Some(name))
            })
            .ok()
            .and_then(|place| self.by_name.get(place))
            .and_then(|index| self.get(*index).map(|issuer| (*index, issuer)))
            .ok_or_else(|| TokenError::IssuerUnknown {
                issuer: shorten(name, 100),
            })
    }

    /// The issuer at an index of the snapshot's `issuers`.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&Issuer> {
        self.list.get(index)
    }

    /// The issuers, in the order of the snapshot.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Issuer> {
        self.list.iter()
    }

    /// Lets a policy say of each mapping whether its model may take away by it.
    pub(crate) fn judge_mappings(&mut self, takes_away: impl Fn(&Mapping) -> bool) {
        for issuer in &mut self.list {
            issuer.readings.judge_mappings(&takes_away);
        }
    }

    /// What was revoked.
    #[must_use]
    pub fn revoked(&self) -> &Revocations {
        &self.revoked
    }

    /// Keys that no token can be verified with, issuers without any usable key,
    /// and what of their readings may do nothing: each with a code, its JSON
    /// pointer and the reason.
    #[must_use]
    pub fn warnings(&self) -> Vec<(&'static str, String, String)> {
        let key = |(pointer, text)| ("issuer.key", pointer, text);
        let mut warnings: Vec<_> = self.key_warnings().into_iter().map(key).collect();
        let chains = |issuer: &Issuer| issuer.readings.iter().any(|r| r.chain.has_actors());
        for (index, issuer) in self.list.iter().enumerate() {
            let pointer = format!("/issuers/{index}");
            let mut others = self.list.iter().enumerate();
            let named = others.any(|(other, issuer)| other != index && chains(issuer));
            warnings.extend(issuer.readings.warnings(&pointer, named));
        }
        warnings
    }

    fn key_warnings(&self) -> Vec<(String, String)> {
        let mut warnings = Vec::new();
        for (index, issuer) in self.list.iter().enumerate() {
            let pointer = format!("/issuers/{index}/keys");
            for (kid, reason) in issuer.keys.unfit() {
                let kid = shorten(kid, 100);
                warnings.push((
                    pointer.clone(),
                    format!("the key `{kid}` is not used: {reason}"),
                ));
            }
            if issuer.keys.is_empty() {
                let text =
                    "no key is fit for this issuer's algorithms, so none of its tokens is accepted";
                warnings.push((pointer, text.to_owned()));
            }
        }
        warnings
    }
}

impl Issuer {
    fn compile(config: &IssuerConfig) -> Result<Self, (String, IssuerFault)> {
        let at = |below: &str, fault| (below.to_owned(), fault);
        if config.issuer.is_empty() {
            return Err(at("/issuer", IssuerFault::Empty));
        }
        for (name, texts) in [("audiences", &config.audiences), ("typ", &config.typ)] {
            if let Some(index) = texts.iter().position(String::is_empty) {
                return Err((format!("/{name}/{index}"), IssuerFault::Empty));
            }
        }
        if config.typ.is_empty() {
            return Err(at("/typ", IssuerFault::Empty));
        }
        if config.leeway > MAX_LEEWAY {
            return Err(at(
                "/leeway",
                IssuerFault::Leeway {
                    seconds: config.leeway,
                },
            ));
        }
        let algorithms = algorithms(&config.algorithms)?;
        let keys = KeySet::compile(&config.keys.0, &algorithms)
            .map_err(|(below, fault)| (format!("/keys{below}"), IssuerFault::Key(fault)))?;
        Ok(Self {
            name: config.issuer.clone(),
            audiences: config.audiences.clone(),
            audience_required: config.audience_required,
            algorithms,
            keys,
            types: config.typ.iter().map(|typ| media_type(typ)).collect(),
            leeway: config.leeway,
            max_lifetime: config.max_lifetime,
            readings: Readings::compile(config)
                .map_err(|(below, fault)| (below, IssuerFault::Reading(fault)))?,
            audience_by: audience_by(config)
                .map_err(|fault| ("/audience_by".to_owned(), IssuerFault::Reading(fault)))?,
        })
    }
}

/// A `typ` in the form in which two are compared: RFC 7515 §4.1.9 lets
/// `application/` be left out, and media types ignore case.
pub(crate) fn media_type(typ: &str) -> String {
    let lower = typ.to_ascii_lowercase();
    match lower.strip_prefix("application/") {
        Some(rest) => rest.to_owned(),
        None => lower,
    }
}

fn algorithms(names: &[String]) -> Result<Vec<Algorithm>, (String, IssuerFault)> {
    if names.is_empty() {
        return Err(("/algorithms".to_owned(), IssuerFault::NoAlgorithms));
    }
    let mut algorithms = Vec::with_capacity(names.len());
    for (index, name) in names.iter().enumerate() {
        let algorithm = Algorithm::from_name(name).ok_or_else(|| {
            let name = shorten(name, 100);
            (
                format!("/algorithms/{index}"),
                IssuerFault::UnsupportedAlgorithm { name },
            )
        })?;
        if !algorithms.contains(&algorithm) {
            algorithms.push(algorithm);
        }
    }
    let symmetric = algorithms
        .iter()
        .filter(|algorithm| algorithm.is_symmetric())
        .count();
    if symmetric != 0 && symmetric != algorithms.len() {
        return Err(("/algorithms".to_owned(), IssuerFault::MixedAlgorithms));
    }
    Ok(algorithms)
}

/// The claim that stands for an audience, and its values.
fn audience_by(config: &IssuerConfig) -> Result<Option<(ClaimPath, Vec<String>)>, ReadingFault> {
    let Some(by) = &config.audience_by else {
        return Ok(None);
    };
    if by.one_of.is_empty() || by.one_of.iter().any(String::is_empty) || !config.audience_required {
        return Err(ReadingFault::AudienceBy);
    }
    Ok(Some((ClaimPath::parse(&by.claim)?, by.one_of.clone())))
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_false(value: &bool) -> bool {
    !value
}

fn required() -> bool {
    true
}

fn default_types() -> Vec<String> {
    vec!["at+jwt".to_owned(), "JWT".to_owned()]
}

fn default_lifetime() -> u64 {
    DEFAULT_MAX_LIFETIME
}
