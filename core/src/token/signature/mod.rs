//! The signature itself: the one place that calls the cryptography.
//!
//! `jsonwebtoken` is asked for a verifier of one algorithm and one key, and for
//! nothing else; its own header, claims and time checks are not used. The
//! provider is named here by target and handed over directly, so that neither
//! the process-wide default nor another crate's choice of features matters.

#[cfg(any(test, target_arch = "wasm32"))]
mod portable;

use jsonwebtoken::DecodingKey;
use jsonwebtoken::crypto::CryptoProvider;

use super::algorithm::{Algorithm, Family};

/// Whether signatures of keys of this kind can be checked at all.
pub(crate) const fn is_supported(family: Family) -> bool {
    match family {
        Family::Rsa => cfg!(any(feature = "rsa", not(target_arch = "wasm32"))),
        Family::P256 | Family::P384 | Family::Ed25519 | Family::Secret => true,
    }
}

/// Whether `signature` is one of `message` under `key`.
///
/// `key` must have been made for the algorithm's family; every failure, a wrong
/// key included, is `false`.
pub(crate) fn verify(
    algorithm: Algorithm,
    key: &DecodingKey,
    message: &[u8],
    signature: &Vec<u8>,
) -> bool {
    verify_with(provider(), algorithm, key, message, signature)
}

/// The signature of `message`, or `None` where the key does not sign.
#[cfg(all(feature = "sign", not(target_arch = "wasm32")))]
pub(crate) fn sign(
    algorithm: Algorithm,
    key: &jsonwebtoken::EncodingKey,
    message: &[u8],
) -> Option<Vec<u8>> {
    (provider().signer_factory)(&named(algorithm), key)
        .ok()?
        .try_sign(message)
        .ok()
}

/// Whether `point` (uncompressed, `04 ‖ x ‖ y`) lies on the curve of `family`.
pub(crate) fn is_on_curve(family: Family, point: &[u8]) -> bool {
    #[cfg(target_arch = "wasm32")]
    return portable::is_on_curve(family, point);
    #[cfg(not(target_arch = "wasm32"))]
    {
        use aws_lc_rs::signature::{
            ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ParsedPublicKey,
        };
        match family {
            Family::P256 => ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).is_ok(),
            Family::P384 => ParsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, point).is_ok(),
            Family::Rsa | Family::Ed25519 | Family::Secret => false,
        }
    }
}

fn verify_with(
    provider: &CryptoProvider,
    algorithm: Algorithm,
    key: &DecodingKey,
    message: &[u8],
    signature: &Vec<u8>,
) -> bool {
    (provider.verifier_factory)(&named(algorithm), key)
        .is_ok_and(|verifier| verifier.verify(message, signature).is_ok())
}

fn provider() -> &'static CryptoProvider {
    #[cfg(target_arch = "wasm32")]
    return &portable::PROVIDER;
    #[cfg(not(target_arch = "wasm32"))]
    return &jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER;
}

/// The name that `jsonwebtoken` has for an algorithm.
const fn named(algorithm: Algorithm) -> jsonwebtoken::Algorithm {
    match algorithm {
        Algorithm::Rs256 => jsonwebtoken::Algorithm::RS256,
        Algorithm::Rs384 => jsonwebtoken::Algorithm::RS384,
        Algorithm::Rs512 => jsonwebtoken::Algorithm::RS512,
        Algorithm::Ps256 => jsonwebtoken::Algorithm::PS256,
        Algorithm::Ps384 => jsonwebtoken::Algorithm::PS384,
        Algorithm::Ps512 => jsonwebtoken::Algorithm::PS512,
        Algorithm::Es256 => jsonwebtoken::Algorithm::ES256,
        Algorithm::Es384 => jsonwebtoken::Algorithm::ES384,
        Algorithm::EdDsa => jsonwebtoken::Algorithm::EdDSA,
        Algorithm::Hs256 => jsonwebtoken::Algorithm::HS256,
        Algorithm::Hs384 => jsonwebtoken::Algorithm::HS384,
        Algorithm::Hs512 => jsonwebtoken::Algorithm::HS512,
    }
}

#[cfg(test)]
mod tests;
