//! Signing: for development tokens, and for hosts that issue the claims that an
//! exchange gives them.
//!
//! This is the only part of the crate that lets randomness be drawn: ECDSA and
//! RSA-PSS signatures need it, and AWS-LC takes it from the operating system.
//! No decision depends on it.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use der::asn1::ObjectIdentifier;
use der::{Decode, Encode};
use jsonwebtoken::EncodingKey;
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::algorithm::{Algorithm, Family};
use super::json::shorten;
use super::jws;
use super::signature;

/// A private key (or a shared secret), bound to one algorithm and one id.
///
/// Its `Debug` form shows these two and no more.
#[derive(Clone)]
pub struct SigningKey {
    kid: String,
    algorithm: Algorithm,
    encoding: EncodingKey,
}

/// Why a key cannot sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignError {
    /// `sign.key`: the text is not a private key of a supported kind.
    Key {
        /// What is wrong with it; never a part of it.
        reason: &'static str,
    },
    /// `sign.algorithm`: the algorithm is not for this kind of key, or the key
    /// does not say one and several would do.
    Algorithm {
        /// What would have been right.
        expected: String,
    },
    /// `sign.claims`: the claims are not a JSON object.
    Claims,
    /// `sign.failed`: the cryptography refused.
    Failed,
}

impl SignError {
    /// The stable code of this fault.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Key { .. } => "sign.key",
            Self::Algorithm { .. } => "sign.algorithm",
            Self::Claims => "sign.claims",
            Self::Failed => "sign.failed",
        }
    }
}

impl fmt::Display for SignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key { reason } => write!(f, "not a private key that can sign: {reason}"),
            Self::Algorithm { expected } => write!(f, "the algorithm must be {expected}"),
            Self::Claims => f.write_str("the claims must be a JSON object"),
            Self::Failed => f.write_str("the key does not sign; it may be damaged"),
        }
    }
}

impl std::error::Error for SignError {}

impl SigningKey {
    /// Reads a private key in PEM (PKCS#8 `PRIVATE KEY`, or PKCS#1
    /// `RSA PRIVATE KEY`). Without `algorithm`, EC and Ed25519 keys have their
    /// only one, and RSA keys RS256.
    ///
    /// # Errors
    ///
    /// [`SignError::Key`] and [`SignError::Algorithm`].
    pub fn from_pem(
        text: &str,
        kid: &str,
        algorithm: Option<Algorithm>,
    ) -> Result<Self, SignError> {
        let reason = "the text is not one PEM block";
        let (label, der) =
            der::pem::decode_vec(text.trim().as_bytes()).map_err(|_| SignError::Key { reason })?;
        let der = Zeroizing::new(der);
        let (family, encoding) = match label {
            "PRIVATE KEY" => from_pkcs8(&der)?,
            "RSA PRIVATE KEY" => (Family::Rsa, EncodingKey::from_rsa_der(&der)),
            _ => {
                let reason = "the label must be `PRIVATE KEY` or `RSA PRIVATE KEY`";
                return Err(SignError::Key { reason });
            }
        };
        Self::bind(kid, family, algorithm, encoding)
    }

    /// Reads a private JWK, with its own `kid` and `alg` where it has them. A
    /// shared secret needs one of the two algorithms given.
    ///
    /// # Errors
    ///
    /// [`SignError::Key`] and [`SignError::Algorithm`].
    pub fn from_jwk(
        jwk: &Value,
        kid: Option<&str>,
        algorithm: Option<Algorithm>,
    ) -> Result<Self, SignError> {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        let number = |name: &str| {
            let reason = "a member of the JWK is missing or not base64url";
            text(name)
                .and_then(|text| jws::decode(text.as_bytes(), 0).ok())
                .map(Zeroizing::new)
                .ok_or(SignError::Key { reason })
        };
        let (family, encoding) = match (text("kty"), text("crv")) {
            (Some("RSA"), _) => {
                let numbers = ["n", "e", "d", "p", "q", "dp", "dq", "qi"].map(number);
                (Family::Rsa, EncodingKey::from_rsa_der(&rsa_der(numbers)?))
            }
            (Some("EC"), Some("P-256")) => {
                let der = ec_der(&P256_PARTS, 32, &number("d")?, &number("x")?, &number("y")?)?;
                (Family::P256, EncodingKey::from_ec_der(&der))
            }
            (Some("EC"), Some("P-384")) => {
                let der = ec_der(&P384_PARTS, 48, &number("d")?, &number("x")?, &number("y")?)?;
                (Family::P384, EncodingKey::from_ec_der(&der))
            }
            (Some("OKP"), Some("Ed25519")) => {
                let d = number("d")?;
                if d.len() != 32 {
                    return Err(SignError::Key {
                        reason: "an Ed25519 key has 32 bytes",
                    });
                }
                let der = Zeroizing::new([ED25519_PREFIX, &d].concat());
                (Family::Ed25519, EncodingKey::from_ed_der(&der))
            }
            (Some("oct"), _) => (Family::Secret, EncodingKey::from_secret(&number("k")?)),
            _ => {
                let reason = "its `kty` and `crv` must be RSA, EC with P-256 or P-384, OKP with Ed25519, or oct";
                return Err(SignError::Key { reason });
            }
        };
        let named = match text("alg") {
            None => None,
            Some(name) => Some(Algorithm::from_name(name).ok_or(SignError::Algorithm {
                expected: "one that is supported".to_owned(),
            })?),
        };
        let kid = kid.or(text("kid")).ok_or(SignError::Key {
            reason: "it has no `kid`, and none was given",
        })?;
        Self::bind(kid, family, algorithm.or(named), encoding)
    }

    /// The id that its tokens carry.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The algorithm that it signs with.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Signs claims as a JWT in compact form, with the header
    /// `{"alg","kid","typ"}`.
    ///
    /// The claims are written with their members in the order of the map; they
    /// are not checked.
    ///
    /// # Errors
    ///
    /// [`SignError::Claims`] where they are not an object, and
    /// [`SignError::Failed`] where the key does not sign.
    pub fn sign(&self, claims: &Value, typ: &str) -> Result<String, SignError> {
        let header = json!({ "alg": self.algorithm.name(), "kid": self.kid, "typ": typ });
        match (claims, header) {
            (Value::Object(claims), Value::Object(header)) => self.sign_with(&header, claims),
            _ => Err(SignError::Claims),
        }
    }

    /// Signs claims under a header of the caller's own making.
    ///
    /// # Errors
    ///
    /// [`SignError::Failed`] where the key does not sign.
    pub fn sign_with(
        &self,
        header: &Map<String, Value>,
        claims: &Map<String, Value>,
    ) -> Result<String, SignError> {
        let encode = |members: &Map<String, Value>| {
            serde_json::to_vec(members)
                .map(|text| URL_SAFE_NO_PAD.encode(text))
                .map_err(|_| SignError::Failed)
        };
        let mut token = format!("{}.{}", encode(header)?, encode(claims)?);
        let signature = signature::sign(self.algorithm, &self.encoding, token.as_bytes())
            .ok_or(SignError::Failed)?;
        token.push('.');
        token.push_str(&URL_SAFE_NO_PAD.encode(signature));
        Ok(token)
    }

    fn bind(
        kid: &str,
        family: Family,
        algorithm: Option<Algorithm>,
        encoding: EncodingKey,
    ) -> Result<Self, SignError> {
        let fitting: Vec<Algorithm> = Algorithm::ALL
            .into_iter()
            .filter(|known| known.family() == family)
            .collect();
        let algorithm = match (algorithm, fitting.as_slice()) {
            (Some(algorithm), fitting) if fitting.contains(&algorithm) => algorithm,
            (None, [only]) => *only,
            (None, [first, ..]) if family == Family::Rsa => *first,
            _ => {
                let names: Vec<_> = fitting.iter().map(|known| known.name()).collect();
                return Err(SignError::Algorithm {
                    expected: format!("one of {}", names.join(", ")),
                });
            }
        };
        Ok(Self {
            kid: kid.to_owned(),
            algorithm,
            encoding,
        })
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("kid", &shorten(&self.kid, 100))
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

/// The PKCS#8 form of an Ed25519 seed (RFC 8410 §7), up to the seed itself.
const ED25519_PREFIX: &[u8] = &[
    0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20,
];

/// The PKCS#8 form of an EC key (RFC 5915 §3): what stands before the private
/// number and what stands between it and the point.
struct EcParts {
    before: &'static [u8],
    between: &'static [u8],
}

const P256_PARTS: EcParts = EcParts {
    before: &[
        0x30, 0x81, 0x87, 2, 1, 0, 0x30, 0x13, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8,
        0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7, 4, 0x6d, 0x30, 0x6b, 2, 1, 1, 4, 0x20,
    ],
    between: &[0xa1, 0x44, 3, 0x42, 0, 4],
};

const P384_PARTS: EcParts = EcParts {
    before: &[
        0x30, 0x81, 0xb6, 2, 1, 0, 0x30, 0x10, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 5,
        0x2b, 0x81, 4, 0, 0x22, 4, 0x81, 0x9e, 0x30, 0x81, 0x9b, 2, 1, 1, 4, 0x30,
    ],
    between: &[0xa1, 0x64, 3, 0x62, 0, 4],
};

fn ec_der(
    parts: &EcParts,
    size: usize,
    d: &[u8],
    x: &[u8],
    y: &[u8],
) -> Result<Zeroizing<Vec<u8>>, SignError> {
    if [d, x, y].iter().any(|number| number.len() != size) {
        return Err(SignError::Key {
            reason: "its numbers are not as long as the curve's",
        });
    }
    Ok(Zeroizing::new(
        [parts.before, d, parts.between, x, y].concat(),
    ))
}

fn rsa_der(
    numbers: [Result<Zeroizing<Vec<u8>>, SignError>; 8],
) -> Result<Zeroizing<Vec<u8>>, SignError> {
    let [n, e, d, p, q, dp, dq, qi] = numbers;
    let (n, e, d, p, q, dp, dq, qi) = (n?, e?, d?, p?, q?, dp?, dq?, qi?);
    let number = |bytes: &'_ Zeroizing<Vec<u8>>| -> Result<(), SignError> {
        if bytes.is_empty() {
            return Err(SignError::Key {
                reason: "a number of the RSA key is empty",
            });
        }
        Ok(())
    };
    for bytes in [&n, &e, &d, &p, &q, &dp, &dq, &qi] {
        number(bytes)?;
    }
    let malformed = |_| SignError::Key {
        reason: "a number of the RSA key is too large",
    };
    let key = pkcs1::RsaPrivateKey {
        modulus: pkcs1::UintRef::new(&n).map_err(malformed)?,
        public_exponent: pkcs1::UintRef::new(&e).map_err(malformed)?,
        private_exponent: pkcs1::UintRef::new(&d).map_err(malformed)?,
        prime1: pkcs1::UintRef::new(&p).map_err(malformed)?,
        prime2: pkcs1::UintRef::new(&q).map_err(malformed)?,
        exponent1: pkcs1::UintRef::new(&dp).map_err(malformed)?,
        exponent2: pkcs1::UintRef::new(&dq).map_err(malformed)?,
        coefficient: pkcs1::UintRef::new(&qi).map_err(malformed)?,
        other_prime_infos: None,
    };
    key.to_der().map(Zeroizing::new).map_err(malformed)
}

fn from_pkcs8(der: &[u8]) -> Result<(Family, EncodingKey), SignError> {
    const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
    const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
    const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
    const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
    const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
    let info = pkcs8::PrivateKeyInfo::from_der(der).map_err(|_| SignError::Key {
        reason: "its content is malformed",
    })?;
    match info.algorithm.oid {
        RSA => Ok((Family::Rsa, EncodingKey::from_rsa_der(info.private_key))),
        ED25519 => Ok((Family::Ed25519, EncodingKey::from_ed_der(der))),
        EC => match info.algorithm.parameters_oid() {
            Ok(P256) => Ok((Family::P256, EncodingKey::from_ec_der(der))),
            Ok(P384) => Ok((Family::P384, EncodingKey::from_ec_der(der))),
            _ => Err(SignError::Key {
                reason: "its curve is neither P-256 nor P-384",
            }),
        },
        _ => Err(SignError::Key {
            reason: "its kind is none of RSA, P-256, P-384, Ed25519",
        }),
    }
}

#[cfg(test)]
mod tests;
