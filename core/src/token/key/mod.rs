//! An issuer's keys: what they are, what they are fit for, and which are
//! refused.
//!
//! A key is bound to exactly one algorithm when it is read (RFC 8725 §3.1,
//! RFC 7517 §4.4), so nothing that a token says can make an RSA key check an
//! HMAC. Keys that are weak, malformed or private are errors; keys that are
//! sound but meant for something else (encryption, a curve that is not
//! supported) are kept as *unfit*, because a provider publishes them beside the
//! others and a token that names one deserves to be told so.

mod fault;
mod jwk;
mod modulus;
mod pem;
mod source;

use std::fmt;

use jsonwebtoken::DecodingKey;
use serde_json::{Map, Value};

pub use self::fault::KeyFault;
pub(crate) use self::jwk::{Jwk, thumbprint};
use super::algorithm::{Algorithm, Family};
use super::error::TokenError;
use super::json;
use super::jws::{self, Jws};
use super::signature;

/// The shortest RSA modulus that is accepted, in bits (RFC 7518 §3.3).
pub const MIN_RSA_BITS: usize = 2048;

/// The longest RSA modulus that is accepted, in bits: AWS-LC's own limit.
pub const MAX_RSA_BITS: usize = 8192;

/// The keys of one issuer, found by their exact `kid`.
#[derive(Debug, Clone, Default)]
pub struct KeySet {
    /// Sorted by `kid`, each of which occurs once.
    entries: Vec<Entry>,
}

/// One key, bound to one algorithm.
///
/// Its `Debug` form shows its id and its algorithm, never its material.
#[derive(Clone)]
pub struct Key {
    kid: String,
    algorithm: Algorithm,
    material: Material,
    decoding: DecodingKey,
}

/// The numbers that a key is made of, checked.
#[derive(Clone)]
pub(crate) enum Material {
    /// Modulus and exponent, big-endian, without leading zeros.
    Rsa { n: Vec<u8>, e: Vec<u8> },
    /// `04 ‖ x ‖ y`, on the curve.
    Ec { family: Family, point: Vec<u8> },
    /// The encoded point: canonical and not of small order.
    Ed25519 { x: [u8; 32] },
    /// A shared secret.
    Secret { bytes: Vec<u8> },
}

#[derive(Debug, Clone)]
enum Entry {
    Fit(Key),
    Unfit { kid: String, reason: String },
}

impl KeySet {
    /// Reads keys in any of the forms a snapshot may hold: a JWKS
    /// `{"keys":[…]}`, a map `{"<kid>": <PEM text or JWK>}`, or a list
    /// `[{"kid":"…","pem":"…"}]` (also `keyId` and `publicKey`, as Fusebit
    /// writes them).
    ///
    /// `algorithms` is the issuer's own list; a key without `alg` is bound to
    /// the only one of them that fits its kind.
    ///
    /// # Errors
    ///
    /// The JSON pointer below `keys` and the [`KeyFault`] there.
    pub fn compile(keys: &Value, algorithms: &[Algorithm]) -> Result<Self, (String, KeyFault)> {
        let mut entries = source::read(keys, algorithms)?;
        entries.sort_by(|(_, a), (_, b)| a.kid().cmp(b.kid()));
        for pair in entries.windows(2) {
            if let [(_, first), (pointer, second)] = pair
                && first.kid() == second.kid()
            {
                let kid = json::shorten(second.kid(), 100);
                return Err((pointer.clone(), KeyFault::DuplicateKid { kid }));
            }
        }
        Ok(Self {
            entries: entries.into_iter().map(|(_, entry)| entry).collect(),
        })
    }

    /// The key with exactly that id.
    ///
    /// # Errors
    ///
    /// [`TokenError::KeyUnknown`] where there is none or no id is given,
    /// [`TokenError::KeyUnfit`] for a key that is not for signatures.
    pub fn find(&self, kid: Option<&str>) -> Result<&Key, TokenError> {
        let unknown = || TokenError::KeyUnknown {
            kid: kid.map(|kid| json::shorten(kid, 100)),
        };
        let wanted = kid.ok_or_else(unknown)?;
        let index = self
            .entries
            .binary_search_by(|entry| entry.kid().cmp(wanted))
            .map_err(|_| unknown())?;
        match self.entries.get(index) {
            Some(Entry::Fit(key)) => Ok(key),
            Some(Entry::Unfit { kid, reason }) => Err(TokenError::KeyUnfit {
                kid: json::shorten(kid, 100),
                reason: reason.clone(),
            }),
            None => Err(unknown()),
        }
    }

    /// The key that a token's header names, fit for the header's algorithm.
    ///
    /// # Errors
    ///
    /// [`TokenError::Algorithm`] where the header's is not in `algorithms`, and
    /// those of [`KeySet::find`] and [`Key::fits`].
    pub fn select(
        &self,
        header: &jws::Header,
        algorithms: &[Algorithm],
    ) -> Result<&Key, TokenError> {
        let algorithm = header.algorithm()?;
        if !algorithms.contains(&algorithm) {
            return Err(TokenError::Algorithm {
                algorithm: algorithm.name().to_owned(),
            });
        }
        let key = self.find(header.kid.as_deref())?;
        key.fits(algorithm)?;
        Ok(key)
    }

    /// Keys that no token can be verified with, each with the reason.
    pub fn unfit(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries.iter().filter_map(|entry| match entry {
            Entry::Unfit { kid, reason } => Some((kid.as_str(), reason.as_str())),
            Entry::Fit(_) => None,
        })
    }

    /// How many keys a token can be verified with.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries
            .iter()
            .filter(|entry| matches!(entry, Entry::Fit(_)))
            .count()
    }

    /// Whether no token can be verified with any of these keys.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Key {
    /// Binds checked material to one algorithm of its kind.
    pub(crate) fn new(kid: String, algorithm: Algorithm, material: Material) -> Self {
        let decoding = match &material {
            Material::Rsa { n, e } => DecodingKey::from_rsa_raw_components(n, e),
            Material::Ec { point, .. } => DecodingKey::from_ec_der(point),
            Material::Ed25519 { x } => DecodingKey::from_ed_der(x),
            Material::Secret { bytes } => DecodingKey::from_secret(bytes),
        };
        Self {
            kid,
            algorithm,
            material,
            decoding,
        }
    }

    /// Its id.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The only algorithm it is used with.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Whether it is the key for this algorithm.
    ///
    /// # Errors
    ///
    /// [`TokenError::KeyUnfit`] where it is for another.
    pub fn fits(&self, algorithm: Algorithm) -> Result<(), TokenError> {
        if algorithm == self.algorithm {
            return Ok(());
        }
        Err(TokenError::KeyUnfit {
            kid: json::shorten(&self.kid, 100),
            reason: format!(
                "it is for {}, and the token says {algorithm}",
                self.algorithm
            ),
        })
    }

    /// Checks the signature of a token that names this key.
    ///
    /// # Errors
    ///
    /// [`TokenError::Signature`] where it does not fit, and
    /// [`TokenError::KeyUnfit`] where this build cannot tell.
    pub fn verify(&self, jws: &Jws<'_>) -> Result<(), TokenError> {
        if !signature::is_supported(self.algorithm.family()) {
            return Err(TokenError::KeyUnfit {
                kid: json::shorten(&self.kid, 100),
                reason: format!("this build does not check {}", self.algorithm),
            });
        }
        if signature::verify(
            self.algorithm,
            &self.decoding,
            jws.signing_input,
            &jws.signature,
        ) {
            Ok(())
        } else {
            Err(TokenError::Signature)
        }
    }

    #[cfg(test)]
    pub(crate) fn decoding(&self) -> &DecodingKey {
        &self.decoding
    }

    /// Its public part as a JWK with `kty`, `alg` and what its kind needs;
    /// `None` for a shared secret, which never leaves.
    #[must_use]
    pub fn to_public_jwk(&self) -> Option<Value> {
        let mut members = self.material.public_members()?;
        members.insert("alg".to_owned(), Value::from(self.algorithm.name()));
        members.insert("kid".to_owned(), Value::from(self.kid.as_str()));
        Some(Value::Object(members))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("kid", &self.kid)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

impl Material {
    /// The kind of algorithm it can be used with.
    pub(crate) fn family(&self) -> Family {
        match self {
            Self::Rsa { .. } => Family::Rsa,
            Self::Ec { family, .. } => *family,
            Self::Ed25519 { .. } => Family::Ed25519,
            Self::Secret { .. } => Family::Secret,
        }
    }

    /// The members of a JWK that hold it (RFC 7518 §6, RFC 8037 §2): those that
    /// a thumbprint covers. `None` for a secret.
    pub(crate) fn public_members(&self) -> Option<Map<String, Value>> {
        let pairs: Vec<(&str, String)> = match self {
            Self::Rsa { n, e } => {
                vec![
                    ("kty", "RSA".to_owned()),
                    ("n", jws::encode(n)),
                    ("e", jws::encode(e)),
                ]
            }
            Self::Ec { family, point } => {
                let size = point.len().saturating_sub(1) / 2;
                let (x, y) = point.get(1..)?.split_at_checked(size)?;
                let curve = if *family == Family::P256 {
                    "P-256"
                } else {
                    "P-384"
                };
                vec![
                    ("kty", "EC".to_owned()),
                    ("crv", curve.to_owned()),
                    ("x", jws::encode(x)),
                    ("y", jws::encode(y)),
                ]
            }
            Self::Ed25519 { x } => vec![
                ("kty", "OKP".to_owned()),
                ("crv", "Ed25519".to_owned()),
                ("x", jws::encode(x)),
            ],
            Self::Secret { .. } => return None,
        };
        Some(
            pairs
                .into_iter()
                .map(|(name, text)| (name.to_owned(), Value::from(text)))
                .collect(),
        )
    }
}

impl Entry {
    fn kid(&self) -> &str {
        match self {
            Self::Fit(key) => &key.kid,
            Self::Unfit { kid, .. } => kid,
        }
    }
}
