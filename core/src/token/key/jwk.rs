//! One JSON Web Key (RFC 7517) and what its members say it is for.

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::super::algorithm::{Algorithm, Family};
use super::super::json::shorten;
use super::super::{jws, signature};
use super::{Key, KeyFault, Material, modulus};
use crate::order;

/// Where a fault lies, as a member of the key, and the fault.
type Fault = (&'static str, KeyFault);

/// What one JWK turned out to be.
pub(crate) enum Jwk {
    /// Sound material, and the algorithm that it names, if any.
    Sound {
        material: Material,
        algorithm: Option<Algorithm>,
    },
    /// A key for something else than the signatures we verify.
    Unfit { reason: String, is_secret: bool },
}

impl Jwk {
    /// Reads a key that must be public (or a shared secret).
    pub(crate) fn read(members: &Map<String, Value>) -> Result<Self, Fault> {
        let kty = text(members, "kty", "`RSA`, `EC`, `OKP` or `oct`")?;
        let is_secret = kty == "oct";
        // RFC 7518 §6.2.2 and §6.3.2: what only the signer may know. For `oct`,
        // the secret is the key itself.
        let private = ["d", "p", "q", "dp", "dq", "qi", "oth"];
        if !is_secret && private.iter().any(|member| members.contains_key(*member)) {
            return Err(("", KeyFault::Private));
        }
        let unfit = |reason: String| Ok(Self::Unfit { reason, is_secret });
        if let Some(reason) = unfit_purpose(members)? {
            return unfit(reason);
        }
        let algorithm = match members.get("alg") {
            None => None,
            Some(Value::String(name)) => match Algorithm::from_name(name) {
                Some(algorithm) => Some(algorithm),
                None => return unfit(format!("its `alg` is `{}`", shorten(name, 40))),
            },
            Some(_) => return Err(member("alg", "a string")),
        };
        let material = match kty {
            "RSA" => rsa(members)?,
            "EC" => match text(members, "crv", "`P-256` or `P-384`")? {
                "P-256" => point(members, Family::P256, 32)?,
                "P-384" => point(members, Family::P384, 48)?,
                other => return unfit(format!("its `crv` is `{}`", shorten(other, 40))),
            },
            "OKP" => match text(members, "crv", "`Ed25519`")? {
                "Ed25519" => ed25519(&number(members, "x")?).map_err(|fault| ("x", fault))?,
                other => return unfit(format!("its `crv` is `{}`", shorten(other, 40))),
            },
            "oct" => Material::Secret {
                bytes: number(members, "k")?,
            },
            other => return unfit(format!("its `kty` is `{}`", shorten(other, 40))),
        };
        if let Some(algorithm) = algorithm
            && algorithm.family() != material.family()
        {
            let algorithm = algorithm.name();
            return Err(("alg", KeyFault::Contradiction { algorithm }));
        }
        Ok(Self::Sound {
            material,
            algorithm,
        })
    }
}

/// The RFC 7638 thumbprint of a public key: SHA-256 over its required members
/// in lexical order. `None` for a secret.
pub(crate) fn thumbprint(material: &Material) -> Option<[u8; 32]> {
    let members = material.public_members()?;
    let mut pairs: Vec<_> = members.iter().collect();
    order::sort_by(&mut pairs, |(a, _), (b, _)| a.cmp(b));
    // The names and values are our own and hold nothing that JSON escapes.
    let text: Vec<String> = pairs
        .into_iter()
        .map(|(name, value)| format!("\"{name}\":{value}"))
        .collect();
    Some(Sha256::digest(format!("{{{}}}", text.join(","))).into())
}

/// Checks an uncompressed point `04 ‖ x ‖ y`.
pub(super) fn check_point(family: Family, point: Vec<u8>) -> Result<Material, KeyFault> {
    if signature::is_on_curve(family, &point) {
        Ok(Material::Ec { family, point })
    } else {
        Err(KeyFault::Odd {
            reason: "the point is not on its curve",
        })
    }
}

/// Checks the encoding of an Ed25519 key: 32 bytes, canonical, and not one of
/// the points of small order, under which anyone can sign.
pub(super) fn ed25519(bytes: &[u8]) -> Result<Material, KeyFault> {
    let x = <[u8; 32]>::try_from(bytes).map_err(|_| KeyFault::Odd {
        reason: "an Ed25519 key has exactly 32 bytes",
    })?;
    let mut y = x;
    if let Some(last) = y.last_mut() {
        *last &= 0x7f;
    }
    // The field's prime is 2^255 - 19: only 19 encodings are not canonical.
    let [first, middle @ .., last] = &y;
    if *first >= 0xed && middle.iter().all(|byte| *byte == 0xff) && *last == 0x7f {
        return Err(KeyFault::Odd {
            reason: "the Ed25519 point is not encoded canonically",
        });
    }
    if SMALL_ORDER.contains(&y) {
        return Err(KeyFault::Odd {
            reason: "the Ed25519 point is of small order",
        });
    }
    Ok(Material::Ed25519 { x })
}

/// Strips leading zeros, which some libraries write (RFC 7518 §6.3.1.1), and
/// checks.
pub(super) fn rsa_numbers(n: &[u8], e: &[u8]) -> Result<Material, KeyFault> {
    let strip = |bytes: &[u8]| {
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        bytes.get(zeros..).unwrap_or_default().to_vec()
    };
    let (n, e) = (strip(n), strip(e));
    modulus::check(&n, &e)?;
    Ok(Material::Rsa { n, e })
}

/// Binds material to the algorithm it names, or to the only one that the issuer
/// uses for its kind.
pub(super) fn bind(
    kid: String,
    material: Material,
    named: Option<Algorithm>,
    algorithms: &[Algorithm],
) -> Result<Result<Key, (String, String)>, KeyFault> {
    let algorithm = match named {
        Some(algorithm) if algorithms.contains(&algorithm) => algorithm,
        Some(algorithm) => {
            let reason =
                format!("it is for {algorithm}, which is not in the issuer's `algorithms`");
            return Ok(Err((kid, reason)));
        }
        None => {
            let fitting: Vec<Algorithm> = algorithms
                .iter()
                .copied()
                .filter(|algorithm| algorithm.family() == material.family())
                .collect();
            match fitting.as_slice() {
                [] => {
                    let reason = "none of the issuer's `algorithms` is for its kind of key";
                    return Ok(Err((kid, reason.to_owned())));
                }
                [only] => *only,
                several => {
                    let candidates = several.iter().map(|algorithm| algorithm.name()).collect();
                    return Err(KeyFault::Ambiguous { candidates });
                }
            }
        }
    };
    if let Material::Secret { bytes } = &material {
        let least = algorithm.min_secret_bytes();
        if bytes.len() < least {
            return Err(KeyFault::ShortSecret {
                bytes: bytes.len(),
                least,
            });
        }
    }
    Ok(Ok(Key::new(kid, algorithm, material)))
}

/// `y` of the points whose order divides 8, little-endian, without the sign bit.
const SMALL_ORDER: [[u8; 32]; 5] = {
    let zero = [0; 32];
    let mut one = [0; 32];
    one[0] = 1;
    let mut minus_one = [0xff; 32];
    minus_one[0] = 0xec;
    minus_one[31] = 0x7f;
    [
        zero,
        one,
        minus_one,
        [
            0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10,
            0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77,
            0x92, 0xac, 0x03, 0x7a,
        ],
        [
            0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef,
            0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88,
            0x6d, 0x53, 0xfc, 0x05,
        ],
    ]
};

/// RFC 7517 §4.2 and §4.3: `use` and `key_ops`, where present, must admit
/// verification.
fn unfit_purpose(members: &Map<String, Value>) -> Result<Option<String>, Fault> {
    match members.get("use") {
        None => {}
        Some(Value::String(purpose)) if purpose == "sig" => {}
        Some(Value::String(purpose)) => {
            return Ok(Some(format!(
                "its `use` is `{}`, not `sig`",
                shorten(purpose, 40)
            )));
        }
        Some(_) => return Err(member("use", "a string")),
    }
    let Some(operations) = members.get("key_ops") else {
        return Ok(None);
    };
    let operations = operations
        .as_array()
        .ok_or_else(|| member("key_ops", "a list of strings"))?;
    if !operations.iter().all(Value::is_string) {
        return Err(member("key_ops", "a list of strings"));
    }
    if operations.iter().any(|operation| operation == "verify") {
        return Ok(None);
    }
    Ok(Some("its `key_ops` do not include `verify`".to_owned()))
}

fn rsa(members: &Map<String, Value>) -> Result<Material, Fault> {
    rsa_numbers(&number(members, "n")?, &number(members, "e")?).map_err(|fault| ("", fault))
}

fn point(members: &Map<String, Value>, family: Family, size: usize) -> Result<Material, Fault> {
    let mut point = vec![4];
    for coordinate in ["x", "y"] {
        let bytes = number(members, coordinate)?;
        // RFC 7518 §6.2.1.2: the full size of a coordinate, leading zeros
        // included.
        if bytes.len() != size {
            return Err(member(coordinate, "as long as the curve's coordinates"));
        }
        point.extend(bytes);
    }
    check_point(family, point).map_err(|fault| ("", fault))
}

fn text<'v>(
    members: &'v Map<String, Value>,
    name: &'static str,
    expected: &'static str,
) -> Result<&'v str, Fault> {
    members
        .get(name)
        .and_then(Value::as_str)
        .ok_or_else(|| member(name, expected))
}

fn number(members: &Map<String, Value>, name: &'static str) -> Result<Vec<u8>, Fault> {
    let expected = "base64url without padding";
    let encoded = text(members, name, expected)?;
    jws::decode(encoded.as_bytes(), 0).map_err(|_| member(name, expected))
}

fn member(name: &'static str, expected: &'static str) -> Fault {
    let at = match name {
        "kty" => "",
        other => other,
    };
    (
        at,
        KeyFault::Member {
            member: name,
            expected,
        },
    )
}
