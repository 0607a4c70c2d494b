//! Verification over the RustCrypto crates: what wasm32 uses.
//!
//! It can only verify, and holds only what our algorithms need, because in wasm
//! each curve and each signer is paid for in bytes. Natively it is compiled for
//! tests alone, which hold it against AWS-LC.

use hmac::{Hmac, Mac};
use jsonwebtoken::crypto::{CryptoProvider, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{ErrorKind, Result, new_error};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind};
use rsa::{BigUint, Pkcs1v15Sign, Pss, RsaPublicKey};
use sha2::{Digest, Sha256, Sha384, Sha512};
use signature::{Error, Verifier};

use super::super::key::MAX_RSA_BITS;
use super::Family;

/// Verifies; signing with it is an error.
pub(super) static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: |_, _| Err(new_error(ErrorKind::UnsupportedAlgorithm)),
    verifier_factory: |algorithm, key| {
        let verifier = Portable {
            algorithm: *algorithm,
            key: key.clone(),
        };
        Ok(Box::new(verifier) as Box<dyn JwtVerifier>) as Result<_>
    },
    key_utils: KeyUtils::new_unimplemented(),
};

pub(super) fn is_on_curve(family: Family, point: &[u8]) -> bool {
    match family {
        Family::P256 => p256::ecdsa::VerifyingKey::from_sec1_bytes(point).is_ok(),
        Family::P384 => p384::ecdsa::VerifyingKey::from_sec1_bytes(point).is_ok(),
        Family::Rsa | Family::Ed25519 | Family::Secret => false,
    }
}

struct Portable {
    algorithm: Algorithm,
    key: DecodingKey,
}

impl JwtVerifier for Portable {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

impl Verifier<Vec<u8>> for Portable {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> std::result::Result<(), Error> {
        match self.algorithm {
            Algorithm::RS256 => self.rsa(
                Pkcs1v15Sign::new::<Sha256>(),
                &Sha256::digest(message),
                signature,
            ),
            Algorithm::RS384 => self.rsa(
                Pkcs1v15Sign::new::<Sha384>(),
                &Sha384::digest(message),
                signature,
            ),
            Algorithm::RS512 => self.rsa(
                Pkcs1v15Sign::new::<Sha512>(),
                &Sha512::digest(message),
                signature,
            ),
            Algorithm::PS256 => self.rsa(Pss::new::<Sha256>(), &Sha256::digest(message), signature),
            Algorithm::PS384 => self.rsa(Pss::new::<Sha384>(), &Sha384::digest(message), signature),
            Algorithm::PS512 => self.rsa(Pss::new::<Sha512>(), &Sha512::digest(message), signature),
            Algorithm::ES256 => {
                let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(self.bytes()?)?;
                key.verify(message, &p256::ecdsa::Signature::from_slice(signature)?)
            }
            Algorithm::ES384 => {
                let key = p384::ecdsa::VerifyingKey::from_sec1_bytes(self.bytes()?)?;
                key.verify(message, &p384::ecdsa::Signature::from_slice(signature)?)
            }
            Algorithm::EdDSA => {
                let bytes = <&[u8; 32]>::try_from(self.bytes()?).map_err(|_| Error::new())?;
                let key = ed25519_dalek::VerifyingKey::from_bytes(bytes)?;
                key.verify(message, &ed25519_dalek::Signature::from_slice(signature)?)
            }
            Algorithm::HS256 => self.mac::<Hmac<Sha256>>(message, signature),
            Algorithm::HS384 => self.mac::<Hmac<Sha384>>(message, signature),
            Algorithm::HS512 => self.mac::<Hmac<Sha512>>(message, signature),
            _ => Err(Error::new()),
        }
    }
}

impl Portable {
    fn bytes(&self) -> std::result::Result<&[u8], Error> {
        self.key.try_get_as_bytes().map_err(|_| Error::new())
    }

    fn rsa(
        &self,
        scheme: impl rsa::traits::SignatureScheme,
        digest: &[u8],
        signature: &[u8],
    ) -> std::result::Result<(), Error> {
        let DecodingKeyKind::RsaModulusExponent { n, e } = self.key.kind() else {
            return Err(Error::new());
        };
        // RFC 8017 §8.1.2 and §8.2.2, step 1.
        if signature.len() != n.len() {
            return Err(Error::new());
        }
        let (n, e) = (BigUint::from_bytes_be(n), BigUint::from_bytes_be(e));
        RsaPublicKey::new_with_max_size(n, e, MAX_RSA_BITS)
            .and_then(|key| key.verify(scheme, digest, signature))
            .map_err(|_| Error::new())
    }

    fn mac<M: Mac + hmac::digest::KeyInit>(
        &self,
        message: &[u8],
        signature: &[u8],
    ) -> std::result::Result<(), Error> {
        let mut mac = <M as Mac>::new_from_slice(self.bytes()?).map_err(|_| Error::new())?;
        mac.update(message);
        // Compares in constant time, and refuses a truncated tag.
        mac.verify_slice(signature).map_err(|_| Error::new())
    }
}
