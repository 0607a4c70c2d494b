//! Readings: how an issuer's tokens are understood. Which principal a token
//! speaks of, which tenant and task it is of, which tuples its claims become.
//!
//! An issuer's entry is compiled once (`claim.rs`: where a claim is,
//! `template.rs`: principals, `mapping.rs`: tuples), and what in it could fit
//! nothing or have no effect is refused there, with what would be right
//! (`fault.rs`). Where tokens are not all understood alike, `when.rs` tells them
//! apart, and `readings.rs` picks the one reading that a token fits. A token is then read without looking at the entry again.

mod claim;
mod config;
mod encode;
mod fault;
mod mapping;
mod readings;
mod scopes;
mod template;
mod when;

pub use self::claim::ClaimPath;
pub use self::config::{
    Absent, AudienceBy, ClaimMapping, ReadingConfig, Take, TupleTemplate, UnfitValue,
};
pub use self::encode::{decode_id, encode_id};
pub use self::fault::ReadingFault;
pub(crate) use self::mapping::{Mapping, Said};
pub(crate) use self::readings::Readings;
pub use self::template::Encoding;
pub(crate) use self::template::{Source, Template, Unfit};
pub use self::when::ClaimTest;
pub(crate) use self::when::Test;
use self::when::{contradiction, tests};

use serde_json::{Map, Value};

use crate::token::{ChainConvention, Claims, ScopeUse, TokenError, shorten};

/// One way in which an issuer's tokens are understood, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// What it is called.
    pub(crate) name: String,
    /// What a token must pass for this to be its reading.
    pub(crate) when: Vec<Test>,
    /// Whether it is the reading of the tokens that no other fits.
    pub(crate) otherwise: bool,
    /// What its tokens must say besides.
    pub(crate) require: Vec<Test>,
    /// The principal that a token's subject is.
    pub(crate) subject: Option<Template>,
    /// The principal that a token's actor is.
    pub(crate) actor: Option<Template>,
    /// How `sub`, `act` and the client are to be read.
    pub(crate) chain: ChainConvention,
    /// The claim that names the client.
    pub(crate) client: Option<ClaimPath>,
    /// What a token's scopes mean.
    pub(crate) scopes: ScopeUse,
    /// The claims that carry them, where the entry says so.
    scope_claims: Vec<ClaimPath>,
    /// Whether those count together.
    scopes_joined: bool,
    /// The claim that names the tenant, which every token must have.
    pub(crate) tenant: Option<ClaimPath>,
    /// The claim that names the task.
    pub(crate) task: Option<ClaimPath>,
    /// Claims that become contextual tuples.
    pub(crate) mappings: Vec<Mapping>,
    /// The claims at the top that it looks at.
    looks_at: Vec<Box<str>>,
}

/// What is wrong, and the member that it is about.
pub(crate) type Fault = (String, ReadingFault);

impl Reading {
    /// Reads one reading of an issuer's entry.
    fn compile(
        config: &ReadingConfig,
        issuer: Option<&str>,
        required: &[Test],
    ) -> Result<Self, Fault> {
        let template = |member: &str, text: &Option<String>| -> Result<_, Fault> {
            let compile = |text: &String| Template::compile(text, issuer, config.encode);
            let read = text.as_ref().map(compile).transpose();
            read.map_err(|fault| (format!("/{member}"), fault))
        };
        let claim = |member: &str, text: &Option<String>| -> Result<_, Fault> {
            let read = text.as_ref().map(|text| ClaimPath::parse(text)).transpose();
            read.map_err(|fault| (format!("/{member}"), fault))
        };
        let mut require = tests("require", &config.require)?;
        require.extend(required.iter().cloned());
        let mut reading = Self {
            name: config.name.clone(),
            when: tests("when", &config.when)?,
            otherwise: config.otherwise,
            require,
            subject: template("subject", &config.subject)?,
            actor: template("actor", &config.actor)?,
            chain: config.chain,
            client: claim("client_claim", &config.client_claim)?,
            scopes: config.scopes,
            scope_claims: scopes::claims(config)?,
            scopes_joined: config.scopes_joined,
            tenant: claim("tenant_claim", &config.tenant_claim)?,
            task: claim("task_claim", &config.task_claim)?,
            mappings: Vec::with_capacity(config.claims.len()),
            looks_at: Vec::new(),
        };
        for (place, mapping) in config.claims.iter().enumerate() {
            let read = Mapping::compile(mapping);
            let read = read.map_err(|(member, fault)| (format!("/claims/{place}{member}"), fault));
            reading.mappings.push(read?);
        }
        if config.encode.is_some() && reading.subject.is_none() && reading.actor.is_none() {
            return Err(("/encode".to_owned(), ReadingFault::NoTemplate));
        }
        reading.check()?;
        let mut looks_at: Vec<Box<str>> = reading.paths().map(|path| path.top().into()).collect();
        if reading.scopes != ScopeUse::Ignore && reading.scope_claims.is_empty() {
            let carriers = crate::scope::ScopeClaim::ALL.iter();
            looks_at.extend(carriers.map(|claim| claim.name().into()));
        }
        reading.looks_at = looks_at;
        Ok(reading)
    }

    /// What would have no effect, or fit nothing.
    fn check(&self) -> Result<(), Fault> {
        let at = |member: &str, fault| Err((format!("/{member}"), fault));
        match (self.chain, &self.client) {
            (ChainConvention::Client, None) => return at("chain", ReadingFault::NoClient),
            (ChainConvention::None | ChainConvention::SubjectIsActor, Some(_)) => {
                return at("client_claim", ReadingFault::IdleClient);
            }
            _ => {}
        }
        if let Some(place) = self.require.iter().position(Test::is_of_absence) {
            return at(&format!("require/{place}"), ReadingFault::RequiredAbsence);
        }
        let tests: Vec<&Test> = self.when.iter().chain(&self.require).collect();
        if let Some((first, second)) = contradiction(&tests) {
            let tests = format!("{first}, and {second},");
            let member = if self.when.is_empty() {
                "require"
            } else {
                "when"
            };
            return at(member, ReadingFault::Nothing { tests });
        }
        Ok(())
    }

    /// Every claim that the entry names.
    fn paths(&self) -> impl Iterator<Item = &ClaimPath> {
        let templates = [&self.subject, &self.actor].into_iter().flatten();
        let named = templates.flat_map(Template::claims);
        let mapped = self.mappings.iter().map(|mapping| &mapping.claim);
        let single = [&self.tenant, &self.task, &self.client];
        named
            .chain(mapped)
            .chain(single.into_iter().flatten())
            .chain(self.tested())
            .chain(&self.scope_claims)
    }

    /// The claims by which tokens are told apart, and that they must have.
    pub(crate) fn tested(&self) -> impl Iterator<Item = &ClaimPath> {
        self.when
            .iter()
            .chain(&self.require)
            .map(|test| &test.claim)
    }

    /// Whether a token says all that the entry needs of it.
    pub(crate) fn check_whole(&self, claims: &Claims) -> Result<(), TokenError> {
        self.check_here(&claims.all)?;
        for test in &self.require {
            if !test.holds(&claims.all)? {
                let test = test.to_string();
                return Err(TokenError::Requirement { test });
            }
        }
        match (&self.tenant, &claims.tenant) {
            (Some(claim), None) => Err(TokenError::ClaimAbsent {
                claim: shorten(claim.as_str(), 100),
            }),
            _ => Ok(()),
        }
    }

    /// Whether what the entry looks at is all in the token. A provider that has
    /// more to say than fits says where the rest is: what came is not all.
    fn check_here(&self, claims: &Map<String, Value>) -> Result<(), TokenError> {
        let elsewhere = |claim: &str| TokenError::ClaimElsewhere {
            claim: shorten(claim, 100),
        };
        // OpenID Connect Core §5.6.2.
        if let Some(names) = claims.get("_claim_names") {
            let Value::Object(names) = names else {
                return Err(TokenError::Claim {
                    claim: "_claim_names".to_owned(),
                    expected: "an object",
                });
            };
            if let Some(claim) = self
                .looks_at
                .iter()
                .find(|claim| names.contains_key(&***claim))
            {
                return Err(elsewhere(claim));
            }
        }
        // Entra writes the source's name in the claim's own place.
        if let Some(Value::Object(sources)) = claims.get("_claim_sources") {
            let is_away = |claim: &str| {
                let source = claims.get(claim).and_then(Value::as_str);
                source.is_some_and(|source| sources.contains_key(source))
            };
            if let Some(claim) = self.looks_at.iter().find(|claim| is_away(claim)) {
                return Err(elsewhere(claim));
            }
        }
        // Entra, where there is no room to say where.
        if !matches!(claims.get("hasgroups"), None | Some(Value::Bool(false)))
            && self.looks_at.iter().any(|claim| &**claim == "groups")
        {
            return Err(elsewhere("groups"));
        }
        Ok(())
    }
}
