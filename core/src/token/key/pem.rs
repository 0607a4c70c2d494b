//! PEM texts: a public key (RFC 5280 §4.1, RFC 8017 A.1.1) or the certificate
//! that holds one.
//!
//! A certificate is used as a container only: its chain, names and dates are not
//! looked at, because the snapshot vouches for the key.

use der::asn1::{AnyRef, ObjectIdentifier};
use der::{Decode, Reader, SliceReader, Tag, Tagged};
use spki::SubjectPublicKeyInfoRef;

use super::super::algorithm::Family;
use super::jwk;
use super::{KeyFault, Material};

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// What a PEM text holds.
pub(super) enum Pem {
    Sound(Material),
    Unfit(&'static str),
}

/// Reads one PEM text.
pub(super) fn read(text: &str) -> Result<Pem, KeyFault> {
    let (label, der) = der::pem::decode_vec(text.trim().as_bytes()).map_err(|_| KeyFault::Pem {
        reason: "the text is not one PEM block",
    })?;
    match label {
        "PUBLIC KEY" => SubjectPublicKeyInfoRef::from_der(&der)
            .map_err(|_| malformed())
            .and_then(|info| public_key(&info)),
        "RSA PUBLIC KEY" => rsa(&der),
        "CERTIFICATE" => certificate(&der)
            .map_err(|_| malformed())
            .and_then(|info| public_key(&info)),
        label if label.ends_with("PRIVATE KEY") => Err(KeyFault::Private),
        _ => Err(KeyFault::Pem {
            reason: "the label must be `PUBLIC KEY`, `RSA PUBLIC KEY` or `CERTIFICATE`",
        }),
    }
}

fn malformed() -> KeyFault {
    KeyFault::Pem {
        reason: "its content is malformed",
    }
}

fn public_key(info: &SubjectPublicKeyInfoRef<'_>) -> Result<Pem, KeyFault> {
    let bits = info.subject_public_key.as_bytes().ok_or_else(malformed)?;
    match info.algorithm.oid {
        RSA => rsa(bits),
        EC => {
            let curve = info.algorithm.parameters_oid().map_err(|_| malformed())?;
            let family = match curve {
                P256 => Family::P256,
                P384 => Family::P384,
                _ => return Ok(Pem::Unfit("its curve is neither P-256 nor P-384")),
            };
            let size = if family == Family::P256 { 65 } else { 97 };
            if bits.len() != size {
                return Err(KeyFault::Pem {
                    reason: "its point must be uncompressed",
                });
            }
            jwk::check_point(family, bits.to_vec()).map(Pem::Sound)
        }
        ED25519 => jwk::ed25519(bits).map(Pem::Sound),
        _ => Ok(Pem::Unfit("its kind is none of RSA, P-256, P-384, Ed25519")),
    }
}

fn rsa(der: &[u8]) -> Result<Pem, KeyFault> {
    let key = pkcs1::RsaPublicKey::from_der(der).map_err(|_| malformed())?;
    jwk::rsa_numbers(key.modulus.as_bytes(), key.public_exponent.as_bytes()).map(Pem::Sound)
}

/// Walks `Certificate → tbsCertificate` to the public key: an optional version,
/// then serial number, signature algorithm, issuer, validity and subject.
fn certificate(der: &[u8]) -> der::Result<SubjectPublicKeyInfoRef<'_>> {
    let certificate = AnyRef::from_der(der)?;
    certificate.tag().assert_eq(Tag::Sequence)?;
    let tbs = AnyRef::decode(&mut SliceReader::new(certificate.value())?)?;
    tbs.tag().assert_eq(Tag::Sequence)?;
    let mut fields = SliceReader::new(tbs.value())?;
    let mut before = 5;
    if fields.peek_tag()?.is_context_specific() {
        before += 1;
    }
    for _ in 0..before {
        AnyRef::decode(&mut fields)?;
    }
    SubjectPublicKeyInfoRef::decode(&mut fields)
}
