//! Keys and tokens to attack with, made without our own signing code.

use std::sync::OnceLock;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384,
    RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512, RsaKeyPair,
    RsaPublicKeyComponents,
};
use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use deputize::time::UnixSeconds;
use deputize::token::{IssuerConfig, Issuers, RevokedConfig, TokenError, Verified, VerifyOptions};
use serde_json::{Value, json};

/// The time at which everything happens: 2025-11-21T11:40:00Z.
pub(crate) const NOW: u64 = 1_763_725_200;
pub(crate) const ISSUER: &str = "https://id.example";
pub(crate) const AUDIENCE: &str = "https://api.example";
pub(crate) const SECRET: &[u8] =
    b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_";

/// A private key of any kind.
pub(crate) enum Key {
    Ed(Ed25519KeyPair),
    Ec(EcdsaKeyPair, &'static str),
    Rsa(RsaKeyPair, &'static str),
    Secret(Vec<u8>, &'static str),
}

pub(crate) fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(crate) fn sha256(bytes: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA256, bytes).as_ref().to_vec()
}

/// A fresh Ed25519 key.
pub(crate) fn ed() -> Key {
    Key::Ed(Ed25519KeyPair::generate().unwrap())
}

/// A fresh P-256 or P-384 key.
pub(crate) fn ec(algorithm: &'static str) -> Key {
    let curve: &'static EcdsaSigningAlgorithm = match algorithm {
        "ES256" => &ECDSA_P256_SHA256_FIXED_SIGNING,
        _ => &ECDSA_P384_SHA384_FIXED_SIGNING,
    };
    Key::Ec(EcdsaKeyPair::generate(curve).unwrap(), algorithm)
}

/// An RSA key, the same one for the whole run: making one takes a while.
pub(crate) fn rsa(algorithm: &'static str) -> Key {
    static DER: OnceLock<Vec<u8>> = OnceLock::new();
    let der = DER.get_or_init(|| {
        use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
        der.as_ref().to_vec()
    });
    Key::Rsa(RsaKeyPair::from_pkcs8(der).unwrap(), algorithm)
}

pub(crate) fn secret(algorithm: &'static str) -> Key {
    Key::Secret(SECRET.to_vec(), algorithm)
}

/// A key for any supported algorithm.
pub(crate) fn key_for(algorithm: &'static str) -> Key {
    match algorithm {
        "EdDSA" => ed(),
        "ES256" | "ES384" => ec(algorithm),
        "HS256" | "HS384" | "HS512" => secret(algorithm),
        _ => rsa(algorithm),
    }
}

impl Key {
    pub(crate) fn algorithm(&self) -> &'static str {
        match self {
            Self::Ed(_) => "EdDSA",
            Self::Ec(_, name) | Self::Rsa(_, name) | Self::Secret(_, name) => name,
        }
    }

    /// The public JWK, with its algorithm; a secret as it is.
    pub(crate) fn jwk(&self, kid: &str) -> Value {
        let mut jwk = match self {
            Self::Ed(pair) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": b64(pair.public_key())})
            }
            Self::Ec(pair, name) => {
                let point = &pair.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                let curve = if *name == "ES256" { "P-256" } else { "P-384" };
                json!({"kty": "EC", "crv": curve, "x": b64(x), "y": b64(y)})
            }
            Self::Rsa(pair, _) => {
                let numbers = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
                json!({"kty": "RSA", "n": b64(numbers.n), "e": b64(numbers.e)})
            }
            Self::Secret(bytes, _) => json!({"kty": "oct", "k": b64(bytes)}),
        };
        jwk["kid"] = json!(kid);
        jwk["alg"] = json!(self.algorithm());
        jwk
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Ed(pair) => pair.sign(message).as_ref().to_vec(),
            Self::Ec(pair, _) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
            Self::Rsa(pair, name) => {
                let padding: &'static dyn aws_lc_rs::signature::RsaEncoding = match *name {
                    "RS256" => &RSA_PKCS1_SHA256,
                    "RS384" => &RSA_PKCS1_SHA384,
                    "RS512" => &RSA_PKCS1_SHA512,
                    "PS256" => &RSA_PSS_SHA256,
                    "PS384" => &RSA_PSS_SHA384,
                    _ => &RSA_PSS_SHA512,
                };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(padding, &random, message, &mut signature)
                    .unwrap();
                signature
            }
            Self::Secret(bytes, name) => {
                let algorithm = match *name {
                    "HS256" => hmac::HMAC_SHA256,
                    "HS384" => hmac::HMAC_SHA384,
                    _ => hmac::HMAC_SHA512,
                };
                hmac::sign(&hmac::Key::new(algorithm, bytes), message)
                    .as_ref()
                    .to_vec()
            }
        }
    }

    /// A token from any two texts, however wrong they are.
    pub(crate) fn token_of(&self, header: &str, claims: &str) -> String {
        let input = format!("{}.{}", b64(header), b64(claims));
        let signature = b64(self.sign(input.as_bytes()));
        format!("{input}.{signature}")
    }

    /// A token with the usual header for the key `k1`.
    pub(crate) fn token(&self, claims: &Value) -> String {
        self.token_of(&header(self.algorithm(), "k1"), &claims.to_string())
    }
}

pub(crate) fn header(algorithm: &str, kid: &str) -> String {
    json!({"alg": algorithm, "kid": kid, "typ": "at+jwt"}).to_string()
}

/// Claims that nothing is wrong with.
pub(crate) fn claims() -> Value {
    json!({
        "iss": ISSUER, "sub": "u-1", "aud": AUDIENCE, "jti": "t-1",
        "iat": NOW - 10, "nbf": NOW - 10, "exp": NOW + 290,
    })
}

/// Those claims with one member replaced, or removed where it is null.
pub(crate) fn with(member: &str, value: Value) -> Value {
    let mut claims = claims();
    if value.is_null() {
        claims.as_object_mut().unwrap().remove(member);
    } else {
        claims[member] = value;
    }
    claims
}

/// The entry of an issuer that uses one algorithm and one key, `k1`.
pub(crate) fn entry(key: &Key) -> Value {
    json!({
        "issuer": ISSUER, "audiences": [AUDIENCE], "algorithms": [key.algorithm()],
        "keys": {"keys": [key.jwk("k1")]},
    })
}

/// That entry with one member replaced.
pub(crate) fn entry_with(key: &Key, member: &str, value: Value) -> Value {
    let mut entry = entry(key);
    entry[member] = value;
    entry
}

pub(crate) fn compile(
    entries: &[Value],
    revoked: Value,
) -> Result<Issuers, deputize::token::IssuerError> {
    let configs: Vec<IssuerConfig> = entries
        .iter()
        .map(|entry| serde_json::from_value(entry.clone()).unwrap())
        .collect();
    let revoked: RevokedConfig = serde_json::from_value(revoked).unwrap();
    Issuers::compile(&configs, &revoked)
}

pub(crate) fn issuers(entries: &[Value]) -> Issuers {
    compile(entries, json!({})).unwrap()
}

/// Verifies at [`NOW`].
pub(crate) fn verify(issuers: &Issuers, token: &str) -> Result<Verified, TokenError> {
    verify_at(issuers, token, NOW)
}

pub(crate) fn verify_at(issuers: &Issuers, token: &str, now: u64) -> Result<Verified, TokenError> {
    issuers.verify(
        token.as_bytes(),
        UnixSeconds(now),
        &VerifyOptions::default(),
    )
}

/// The code that a token is refused with at [`NOW`], or `accepted`.
pub(crate) fn code(issuers: &Issuers, token: &str) -> &'static str {
    code_of(verify(issuers, token))
}

pub(crate) fn code_of<T>(answer: Result<T, TokenError>) -> &'static str {
    match answer {
        Ok(_) => "accepted",
        Err(error) => {
            // Whatever it is, it can be shown without repeating much.
            assert!(error.to_string().len() < 900, "{error}");
            error.code()
        }
    }
}

/// The code that an issuer's entry is refused with, and where.
pub(crate) fn refusal(entry: Value) -> (String, String) {
    match compile(&[entry], json!({})) {
        Ok(_) => panic!("the entry was accepted"),
        Err(error) => {
            assert!(error.to_string().starts_with(&error.pointer));
            (error.code().to_owned(), error.pointer)
        }
    }
}
