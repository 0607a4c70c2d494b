//! Verification over the RustCrypto crates: what wasm32 uses.
//!
//! It can only verify, and holds only what our algorithms need, because in wasm
//! each curve and each signer is paid for in bytes. Natively it is compiled for
//! tests alone, which hold it against AWS-LC.

use hmac::{Hmac, Mac};
use jsonwebtoken::crypto::{CryptoProvider, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{ErrorKind, Result, new_error};
use jsonwebtoken::{Algorithm, DecodingKey};
use sha2::{Sha256, Sha384, Sha512};
use signature::{Error, Verifier};

#[cfg(any(test, feature = "rsa"))]
#[path = "rsa.rs"]
mod rsa;

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
            #[cfg(any(test, feature = "rsa"))]
            Algorithm::RS256
            | Algorithm::RS384
            | Algorithm::RS512
            | Algorithm::PS256
            | Algorithm::PS384
            | Algorithm::PS512 => rsa::verify(self.algorithm, &self.key, message, signature),
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
