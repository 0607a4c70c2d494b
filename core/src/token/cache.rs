//! A bounded store of verified tokens, for hosts that see the same token many
//! times. Nothing uses it unless the host makes one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::issuer::Issuers;
use super::verify::{Verified, VerifyOptions};
use crate::time::UnixSeconds;

/// Verified tokens by their digest.
///
/// An entry is found only with the same token, the same policy and the same
/// audience it was verified for, and only at times at which it would be verified
/// again: not before `nbf` and `iat`, not at or after `exp` (leeway is not
/// granted here). Tokens bound to their holder are never kept, since each
/// request needs a proof of its own.
///
/// The tokens themselves are not kept, only their SHA-256.
#[derive(Debug)]
pub struct TokenCache {
    capacity: usize,
    entries: BTreeMap<[u8; 32], Entry>,
    /// The same entries, the next to expire first.
    by_expiry: BTreeSet<(UnixSeconds, [u8; 32])>,
}

#[derive(Debug)]
struct Entry {
    valid_from: UnixSeconds,
    expires_at: UnixSeconds,
    verified: Arc<Verified>,
}

impl TokenCache {
    /// An empty cache for at most `capacity` tokens. With 0 it keeps nothing.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self {
            capacity,
            entries: BTreeMap::new(),
            by_expiry: BTreeSet::new(),
        }
    }

    /// What was verified for this token under this policy, if it is still so.
    ///
    /// `policy` is whatever tells one policy from another: the snapshot's
    /// digest, not merely its revision, which may be used twice.
    pub fn get(
        &mut self,
        policy: &[u8],
        token: &[u8],
        options: &VerifyOptions<'_>,
        now: UnixSeconds,
    ) -> Option<Arc<Verified>> {
        if options.dpop.is_some() {
            return None;
        }
        let digest = digest(policy, token, options.audience);
        let entry = self.entries.get(&digest)?;
        if now >= entry.expires_at {
            let expires_at = entry.expires_at;
            self.entries.remove(&digest);
            self.by_expiry.remove(&(expires_at, digest));
            return None;
        }
        (now >= entry.valid_from).then(|| Arc::clone(&entry.verified))
    }

    /// Keeps what was verified; where the cache is full, the entry that expires
    /// first makes room.
    pub fn insert(
        &mut self,
        policy: &[u8],
        token: &[u8],
        options: &VerifyOptions<'_>,
        verified: Arc<Verified>,
    ) {
        let claims = &verified.claims;
        if self.capacity == 0 || claims.confirmation.is_some() || options.dpop.is_some() {
            return;
        }
        let expires_at = claims.expires_at;
        let valid_from = claims.not_before.max(claims.issued_at).unwrap_or_default();
        let digest = digest(policy, token, options.audience);
        if let Some(old) = self.entries.remove(&digest) {
            self.by_expiry.remove(&(old.expires_at, digest));
        }
        while self.entries.len() >= self.capacity {
            let Some((_, soonest)) = self.by_expiry.pop_first() else {
                break;
            };
            self.entries.remove(&soonest);
        }
        self.by_expiry.insert((expires_at, digest));
        self.entries.insert(
            digest,
            Entry {
                valid_from,
                expires_at,
                verified,
            },
        );
    }

    /// [`Issuers::verify`], remembered.
    ///
    /// # Errors
    ///
    /// Those of [`Issuers::verify`]; refusals are not kept.
    pub fn verify(
        &mut self,
        issuers: &Issuers,
        policy: &[u8],
        token: &[u8],
        now: UnixSeconds,
        options: &VerifyOptions<'_>,
    ) -> Result<Arc<Verified>, super::TokenError> {
        if let Some(verified) = self.get(policy, token, options, now) {
            return Ok(verified);
        }
        let verified = Arc::new(issuers.verify(token, now, options)?);
        self.insert(policy, token, options, Arc::clone(&verified));
        Ok(verified)
    }

    /// How many tokens it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.entries.clear();
        self.by_expiry.clear();
    }
}

/// SHA-256 over the three parts, each with its length, so that no two triples
/// give the same bytes.
fn digest(policy: &[u8], token: &[u8], audience: Option<&str>) -> [u8; 32] {
    let mut hash = Sha256::new();
    let mut part = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    };
    part(policy);
    part(token);
    match audience {
        None => part(b"any"),
        Some(audience) => {
            part(b"one");
            part(audience.as_bytes());
        }
    }
    hash.finalize().into()
}
