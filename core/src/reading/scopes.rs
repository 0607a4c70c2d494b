//! Which claims carry scopes, where an issuer's entry says so.

use serde_json::{Map, Value};

use super::claim::ClaimPath;
use super::config::ReadingConfig;
use super::fault::ReadingFault;
use super::{Fault, Reading};
use crate::scope::{ScopeClaim, ScopeError, ScopeSet};
use crate::token::ScopeUse;

/// Reads an entry's `scope_claims`.
pub(super) fn claims(config: &ReadingConfig) -> Result<Vec<ClaimPath>, Fault> {
    let at = |member: &str, fault| (format!("/{member}"), fault);
    let mut claims: Vec<ClaimPath> = Vec::with_capacity(config.scope_claims.len());
    for (place, text) in config.scope_claims.iter().enumerate() {
        let member = format!("scope_claims/{place}");
        let claim = ClaimPath::parse(text).map_err(|fault| at(&member, fault))?;
        if claims.iter().any(|other| other.is_same(&claim)) {
            return Err(at(&member, ReadingFault::IdleScopes));
        }
        let shaped = [ScopeClaim::AuthorizationDetails, ScopeClaim::Fusebit];
        if config.scopes_joined && shaped.iter().any(|known| claim.is_top(known.name())) {
            let claim = text.clone();
            return Err(at(&member, ReadingFault::Joined { claim }));
        }
        claims.push(claim);
    }
    if config.scopes == ScopeUse::Ignore && !claims.is_empty() {
        return Err(at("scope_claims", ReadingFault::IdleScopes));
    }
    if config.scopes_joined && claims.len() < 2 {
        return Err(at("scopes_joined", ReadingFault::IdleScopes));
    }
    Ok(claims)
}

/// A claim whose shape is its own.
fn known(claim: &ClaimPath) -> Option<ScopeClaim> {
    let mut all = ScopeClaim::ALL.iter();
    all.find(|known| claim.is_top(known.name())).copied()
}

impl Reading {
    /// The scopes that a token claims; `None` where it claims none.
    ///
    /// # Errors
    /// A claim that carries them and is not of its shape.
    pub(crate) fn scope_set(
        &self,
        claims: &Map<String, Value>,
    ) -> Result<Option<ScopeSet>, ScopeError> {
        if self.scope_claims.is_empty() {
            return ScopeSet::from_claims(claims);
        }
        let there = self
            .scope_claims
            .iter()
            .filter_map(|claim| Some((claim, claim.find(claims)?)));
        if self.scopes_joined {
            let values: Vec<&Value> = there.map(|(_, value)| value).collect();
            return match values.is_empty() {
                true => Ok(None),
                false => ScopeSet::from_values(&values, claims).map(Some),
            };
        }
        let Some((claim, value)) = there.into_iter().next() else {
            return Ok(None);
        };
        match known(claim) {
            Some(known) => ScopeSet::from_selected(claims, &[known]),
            None => ScopeSet::from_values(&[value], claims).map(Some),
        }
    }

    /// The claim that decides about a token's scopes, where the entry says which
    /// do.
    pub(crate) fn deciding_claim(&self, claims: &Map<String, Value>) -> Option<&ClaimPath> {
        let there = |claim: &&ClaimPath| claim.find(claims).is_some();
        self.scope_claims.iter().find(there)
    }

    /// Whether a claim is among those that the entry names for scopes.
    pub(crate) fn is_scope_claim(&self, claim: &ClaimPath) -> bool {
        self.scope_claims.iter().any(|own| own.is_same(claim))
    }

    /// Writes scopes where they are read, in the form that they were in.
    pub(crate) fn put_scopes(
        &self,
        set: &ScopeSet,
        like: &Map<String, Value>,
        into: &mut Map<String, Value>,
    ) {
        let written = set.to_claims();
        let claim = self.deciding_claim(like).or(self.scope_claims.first());
        let Some(claim) = claim else {
            into.extend(written);
            return;
        };
        for (name, value) in written {
            // Tokens of any other claim are read as a `scope`.
            if name != ScopeClaim::Scope.name() {
                into.insert(name, value);
                continue;
            }
            let list = match claim.find(like) {
                Some(before) => before.is_array(),
                None => !claim.is_top(ScopeClaim::Scope.name()),
            };
            let value = match list {
                true => set.tokens().map(Value::from).collect(),
                false => value,
            };
            claim.put(value, like, into);
        }
    }
}
