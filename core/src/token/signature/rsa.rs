//! RSA signatures, PKCS #1 v1.5 and PSS, over the `rsa` crate.

use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind};
use rsa::{BigUint, Pkcs1v15Sign, Pss, RsaPublicKey};
use sha2::{Digest, Sha256, Sha384, Sha512};
use signature::Error;

use crate::token::key::MAX_RSA_BITS;

pub(super) fn verify(
    algorithm: Algorithm,
    key: &DecodingKey,
    message: &[u8],
    signature: &[u8],
) -> Result<(), Error> {
    let DecodingKeyKind::RsaModulusExponent { n, e } = key.kind() else {
        return Err(Error::new());
    };
    // RFC 8017 §8.1.2 and §8.2.2, step 1.
    if signature.len() != n.len() {
        return Err(Error::new());
    }
    let (n, e) = (BigUint::from_bytes_be(n), BigUint::from_bytes_be(e));
    let key = RsaPublicKey::new_with_max_size(n, e, MAX_RSA_BITS).map_err(|_| Error::new())?;
    let (sha256, sha384, sha512) = (
        || Sha256::digest(message),
        || Sha384::digest(message),
        || Sha512::digest(message),
    );
    match algorithm {
        Algorithm::RS256 => key.verify(Pkcs1v15Sign::new::<Sha256>(), &sha256(), signature),
        Algorithm::RS384 => key.verify(Pkcs1v15Sign::new::<Sha384>(), &sha384(), signature),
        Algorithm::RS512 => key.verify(Pkcs1v15Sign::new::<Sha512>(), &sha512(), signature),
        Algorithm::PS256 => key.verify(Pss::new::<Sha256>(), &sha256(), signature),
        Algorithm::PS384 => key.verify(Pss::new::<Sha384>(), &sha384(), signature),
        Algorithm::PS512 => key.verify(Pss::new::<Sha512>(), &sha512(), signature),
        _ => return Err(Error::new()),
    }
    .map_err(|_| Error::new())
}
