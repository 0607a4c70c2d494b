//! What can be wrong with a key.

use std::fmt;

use super::super::json::shorten;
use super::{MAX_RSA_BITS, MIN_RSA_BITS};

/// Why an issuer's keys are refused. No variant holds key material.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyFault {
    /// `key.shape`: neither a JWKS, nor a map from key id to key, nor a list of
    /// PEM texts with their ids; or an entry of one of these is of another kind.
    Shape {
        /// What it must be.
        expected: &'static str,
    },
    /// `key.member`: a member of a key is missing or not what it must be.
    Member {
        /// Its name.
        member: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// `key.private`: the key holds its private part.
    Private,
    /// `key.pem`: the text is not a PEM public key or certificate.
    Pem {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// `key.duplicate`: two keys have one id.
    DuplicateKid {
        /// The id.
        kid: String,
    },
    /// `key.mixed`: shared secrets and public keys in one set.
    Mixed,
    /// `key.ambiguous`: the key does not say its algorithm, and the issuer uses
    /// several that it could be for.
    Ambiguous {
        /// Their names.
        candidates: Vec<&'static str>,
    },
    /// `key.contradiction`: its `alg` is not one for its kind of key.
    Contradiction {
        /// Its `alg`.
        algorithm: &'static str,
    },
    /// `key.weak`: an RSA modulus of a size that is not accepted.
    Size {
        /// Its size in bits.
        bits: usize,
    },
    /// `key.weak`: a shared secret that is shorter than its hash.
    ShortSecret {
        /// Its size in bytes.
        bytes: usize,
        /// The least it must have.
        least: usize,
    },
    /// `key.odd`: numbers that no honest key has.
    Odd {
        /// What is odd about them.
        reason: &'static str,
    },
}

impl KeyFault {
    /// The stable code of this fault.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Shape { .. } => "key.shape",
            Self::Member { .. } => "key.member",
            Self::Private => "key.private",
            Self::Pem { .. } => "key.pem",
            Self::DuplicateKid { .. } => "key.duplicate",
            Self::Mixed => "key.mixed",
            Self::Ambiguous { .. } => "key.ambiguous",
            Self::Contradiction { .. } => "key.contradiction",
            Self::Size { .. } | Self::ShortSecret { .. } => "key.weak",
            Self::Odd { .. } => "key.odd",
        }
    }
}

impl fmt::Display for KeyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shape { expected } => write!(f, "must be {expected}"),
            Self::Member { member, expected } => {
                write!(f, "the key's `{member}` must be {expected}")
            }
            Self::Private => {
                f.write_str("the key holds its private part; a snapshot needs only the public one")
            }
            Self::Pem { reason } => write!(f, "not a PEM public key or certificate: {reason}"),
            Self::DuplicateKid { kid } => {
                write!(
                    f,
                    "two keys have the id `{}`; each needs its own",
                    shorten(kid, 100)
                )
            }
            Self::Mixed => f.write_str(
                "shared secrets (`oct`) and public keys in one set; an issuer has one or the other",
            ),
            Self::Ambiguous { candidates } => write!(
                f,
                "the key has no `alg`, and the issuer lists {}; name one of them in the key",
                candidates.join(", ")
            ),
            Self::Contradiction { algorithm } => {
                write!(
                    f,
                    "the key's `alg` is `{algorithm}`, which is not for its kind of key"
                )
            }
            Self::Size { bits } => write!(
                f,
                "an RSA modulus of {bits} bits; from {MIN_RSA_BITS} to {MAX_RSA_BITS} are accepted"
            ),
            Self::ShortSecret { bytes, least } => {
                write!(
                    f,
                    "a secret of {bytes} bytes; its algorithm needs at least {least}"
                )
            }
            Self::Odd { reason } => write!(f, "not a sound key: {reason}"),
        }
    }
}

impl std::error::Error for KeyFault {}
