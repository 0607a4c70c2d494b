//! Development key pairs. Only here, and for the `jti` of a token that is
//! signed, does the program draw randomness of its own.

use aws_lc_rs::digest;
use aws_lc_rs::encoding::{AsBigEndian as _, AsDer as _, Curve25519SeedBin, Pkcs8V1Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::ValueEnum;
use deputize::token::{SignError, SigningKey};
use pkcs8::LineEnding;
use serde_json::{Map, Value, json};

use crate::fault::{Failure, Fault};

/// What a development key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum KeyKind {
    /// Ed25519: small and fast.
    #[value(name = "EdDSA")]
    EdDsa,
    /// ECDSA over P-256.
    #[value(name = "ES256")]
    Es256,
    /// RSA of 2048 bits, the most widely understood.
    #[value(name = "RS256")]
    Rs256,
}

/// A private key with its public half.
pub(crate) struct KeyPair {
    public: Map<String, Value>,
    /// The private members beside the public ones.
    private: Map<String, Value>,
    pkcs8: Vec<u8>,
}

impl KeyPair {
    /// Draws a key. Without an id, its RFC 7638 thumbprint is one.
    pub(crate) fn generate(kind: KeyKind, kid: Option<&str>) -> Result<Self, Failure> {
        let drawn = match kind {
            KeyKind::EdDsa => ed25519(),
            KeyKind::Es256 => p256(),
            KeyKind::Rs256 => rsa(),
        };
        let mut pair = drawn
            .ok_or_else(|| Failure::from(Fault::new("internal", "the system gave no new key")))?;
        let kid = kid.map_or_else(|| thumbprint(&pair.public), str::to_owned);
        let name = match kind {
            KeyKind::EdDsa => "EdDSA",
            KeyKind::Es256 => "ES256",
            KeyKind::Rs256 => "RS256",
        };
        for (member, value) in [("kid", kid.as_str()), ("alg", name), ("use", "sig")] {
            pair.public.insert(member.to_owned(), value.into());
        }
        Ok(pair)
    }

    /// The id that its tokens carry.
    pub(crate) fn kid(&self) -> &str {
        let kid = self.public.get("kid").and_then(Value::as_str);
        kid.unwrap_or_default()
    }

    /// The public half as a JWKS, ready for a snapshot's `issuers`.
    pub(crate) fn jwks(&self) -> Value {
        json!({ "keys": [self.public] })
    }

    /// The private half as a JWK, with its id and algorithm.
    pub(crate) fn jwk(&self) -> Value {
        let mut all = self.public.clone();
        all.extend(self.private.clone());
        Value::Object(all)
    }

    /// The private half as PKCS#8 in PEM.
    pub(crate) fn pem(&self) -> Option<String> {
        let document = pkcs8::SecretDocument::try_from(self.pkcs8.as_slice()).ok()?;
        let text = document.to_pem("PRIVATE KEY", LineEnding::LF).ok()?;
        Some(text.to_string())
    }

    /// The key that signs.
    pub(crate) fn signing_key(&self) -> Result<SigningKey, SignError> {
        SigningKey::from_jwk(&self.jwk(), None, None)
    }
}

/// 128 random bits, as the `jti` of a token.
pub(crate) fn random_id() -> Result<String, Failure> {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes)
        .map_err(|_| Fault::new("internal", "the system gave no randomness"))?;
    Ok(base64url(&bytes))
}

fn ed25519() -> Option<KeyPair> {
    let pair = Ed25519KeyPair::generate().ok()?;
    let seed: Curve25519SeedBin<'_> = pair.seed().ok()?.as_be_bytes().ok()?;
    Some(KeyPair {
        public: members(&[
            ("kty", "OKP".into()),
            ("crv", "Ed25519".into()),
            ("x", base64url(pair.public_key().as_ref())),
        ]),
        private: members(&[("d", base64url(seed.as_ref()))]),
        pkcs8: pair.to_pkcs8v1().ok()?.as_ref().to_vec(),
    })
}

fn p256() -> Option<KeyPair> {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).ok()?;
    // SEC 1 §2.3.3: an uncompressed point is `04`, x, y.
    let (x, y) = pair.public_key().as_ref().get(1..)?.split_at_checked(32)?;
    let number: aws_lc_rs::encoding::EcPrivateKeyBin<'_> = pair.private_key().as_be_bytes().ok()?;
    Some(KeyPair {
        public: members(&[
            ("kty", "EC".into()),
            ("crv", "P-256".into()),
            ("x", base64url(x)),
            ("y", base64url(y)),
        ]),
        private: members(&[("d", base64url(number.as_ref()))]),
        pkcs8: pair.to_pkcs8v1().ok()?.as_ref().to_vec(),
    })
}

fn rsa() -> Option<KeyPair> {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).ok()?;
    let der: Pkcs8V1Der<'_> = pair.as_der().ok()?;
    let info = pkcs8::PrivateKeyInfo::try_from(der.as_ref()).ok()?;
    let key = pkcs1::RsaPrivateKey::try_from(info.private_key).ok()?;
    let number = |number: pkcs1::UintRef<'_>| base64url(number.as_bytes());
    Some(KeyPair {
        public: members(&[
            ("kty", "RSA".into()),
            ("n", number(key.modulus)),
            ("e", number(key.public_exponent)),
        ]),
        private: members(&[
            ("d", number(key.private_exponent)),
            ("p", number(key.prime1)),
            ("q", number(key.prime2)),
            ("dp", number(key.exponent1)),
            ("dq", number(key.exponent2)),
            ("qi", number(key.coefficient)),
        ]),
        pkcs8: der.as_ref().to_vec(),
    })
}

/// RFC 7638 §3: SHA-256 over the required members in lexical order, which are
/// all that a public key has here.
fn thumbprint(public: &Map<String, Value>) -> String {
    let mut sorted: Vec<_> = public.iter().collect();
    sorted.sort_by_key(|(name, _)| *name);
    let text: Vec<String> = sorted
        .into_iter()
        .map(|(name, value)| format!("\"{name}\":{value}"))
        .collect();
    let text = format!("{{{}}}", text.join(","));
    base64url(digest::digest(&digest::SHA256, text.as_bytes()).as_ref())
}

fn members(pairs: &[(&str, String)]) -> Map<String, Value> {
    let pairs = pairs.iter();
    pairs
        .map(|(name, value)| ((*name).to_owned(), value.as_str().into()))
        .collect()
}

fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_thumbprint_of_rfc_8037_appendix_a_3() {
        let key = members(&[
            ("kty", "OKP".into()),
            ("crv", "Ed25519".into()),
            ("x", "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo".into()),
        ]);
        let expected = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";
        assert_eq!(thumbprint(&key), expected);
    }

    #[test]
    fn the_debug_form_of_a_signing_key_shows_no_secret() {
        let pair = KeyPair::generate(KeyKind::EdDsa, Some("k")).unwrap();
        let shown = format!("{:?}", pair.signing_key().unwrap());
        assert!(
            !shown.contains(pair.private["d"].as_str().unwrap()),
            "{shown}"
        );
    }
}
