use aws_lc_rs::encoding::{AsBigEndian, AsDer, EcPrivateKeyBin, Pkcs8V1Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair, RsaKeyPair, RsaPublicKeyComponents,
};
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::*;
use crate::time::UnixSeconds;
use crate::token::{IssuerConfig, Issuers, RevokedConfig, VerifyOptions};

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<_> = text
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        lines.join("\n")
    )
}

/// Signs with a key and verifies with its public half.
fn round_trip(key: &SigningKey, public: &Value) {
    let mut public = public.clone();
    public["kid"] = json!(key.kid());
    let entry: IssuerConfig = serde_json::from_value(json!({
        "issuer": "https://id.example", "audiences": ["a"], "keys": {"keys": [public]},
        "algorithms": [key.algorithm().name()],
    }))
    .unwrap();
    let issuers = Issuers::compile(&[entry], &RevokedConfig::default()).unwrap();
    let claims = json!({"iss": "https://id.example", "aud": "a", "exp": 200, "sub": "s"});
    let token = key.sign(&claims, "at+jwt").unwrap();
    let verified = issuers
        .verify(
            token.as_bytes(),
            UnixSeconds(100),
            &VerifyOptions::default(),
        )
        .unwrap();
    assert_eq!(verified.algorithm, key.algorithm());
    assert_eq!(Value::Object(verified.claims.all), claims);
}

fn jwk_of_ec(pair: &EcdsaKeyPair, curve: &str) -> Value {
    let point = &pair.public_key().as_ref()[1..];
    let (x, y) = point.split_at(point.len() / 2);
    json!({"kty": "EC", "crv": curve, "x": jws::encode(x), "y": jws::encode(y)})
}

#[test]
fn ec_keys_sign_from_pem_and_from_jwk() {
    for (curve, signing, algorithm) in [
        ("P-256", &ECDSA_P256_SHA256_FIXED_SIGNING, Algorithm::Es256),
        ("P-384", &ECDSA_P384_SHA384_FIXED_SIGNING, Algorithm::Es384),
    ] {
        let pair = EcdsaKeyPair::generate(signing).unwrap();
        let der = pair.to_pkcs8v1().unwrap();
        let public = jwk_of_ec(&pair, curve);
        let key = SigningKey::from_pem(&pem("PRIVATE KEY", der.as_ref()), "k", None).unwrap();
        assert_eq!(key.algorithm(), algorithm);
        round_trip(&key, &public);
        let mut private = public.clone();
        private["d"] = json!(jws::encode(
            AsBigEndian::<EcPrivateKeyBin<'_>>::as_be_bytes(&pair.private_key())
                .unwrap()
                .as_ref()
        ));
        private["kid"] = json!("own");
        let key = SigningKey::from_jwk(&private, None, None).unwrap();
        assert_eq!(key.kid(), "own");
        round_trip(&key, &public);
    }
}

#[test]
fn ed25519_keys_sign_from_pem_and_from_jwk() {
    let seed = [5; 32];
    let pair = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
    let public =
        json!({"kty": "OKP", "crv": "Ed25519", "x": jws::encode(pair.public_key().as_ref())});
    let der = [ED25519_PREFIX, &seed].concat();
    round_trip(
        &SigningKey::from_pem(&pem("PRIVATE KEY", &der), "k", None).unwrap(),
        &public,
    );
    let mut private = public.clone();
    private["d"] = json!(jws::encode(&seed));
    round_trip(
        &SigningKey::from_jwk(&private, Some("k"), None).unwrap(),
        &public,
    );
    private["d"] = json!(jws::encode(&seed[1..]));
    let error = SigningKey::from_jwk(&private, Some("k"), None).unwrap_err();
    assert_eq!(error.code(), "sign.key");
}

#[test]
fn rsa_keys_sign_with_each_algorithm() {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
    let numbers = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
    let public = json!({"kty": "RSA", "n": jws::encode(&numbers.n), "e": jws::encode(&numbers.e)});
    let text = pem("PRIVATE KEY", der.as_ref());
    for algorithm in Algorithm::ALL
        .into_iter()
        .filter(|known| known.family() == Family::Rsa)
    {
        let key = SigningKey::from_pem(&text, "k", Some(algorithm)).unwrap();
        round_trip(&key, &public);
    }
    assert_eq!(
        SigningKey::from_pem(&text, "k", None).unwrap().algorithm(),
        Algorithm::Rs256
    );
    // The same key as PKCS#1 and as a JWK.
    let info = pkcs8::PrivateKeyInfo::from_der(der.as_ref()).unwrap();
    let pkcs1 = pem("RSA PRIVATE KEY", info.private_key);
    round_trip(&SigningKey::from_pem(&pkcs1, "k", None).unwrap(), &public);
    let inner = pkcs1::RsaPrivateKey::from_der(info.private_key).unwrap();
    let mut private = public.clone();
    for (name, number) in [
        ("d", inner.private_exponent),
        ("p", inner.prime1),
        ("q", inner.prime2),
        ("dp", inner.exponent1),
        ("dq", inner.exponent2),
        ("qi", inner.coefficient),
    ] {
        private[name] = json!(jws::encode(number.as_bytes()));
    }
    let key = SigningKey::from_jwk(&private, Some("k"), Some(Algorithm::Ps384)).unwrap();
    round_trip(&key, &public);
}

#[test]
fn secrets_sign() {
    let jwk = json!({"kty": "oct", "k": jws::encode(&[9; 64]), "kid": "k"});
    let key = SigningKey::from_jwk(&jwk, None, Some(Algorithm::Hs384)).unwrap();
    round_trip(&key, &jwk);
    let error = SigningKey::from_jwk(&jwk, None, None).unwrap_err();
    assert_eq!(error.code(), "sign.algorithm");
}

#[test]
fn keys_that_cannot_sign_are_refused() {
    let cases = [
        json!({}),
        json!({"kty": "EC", "crv": "P-521", "kid": "k"}),
        json!({"kty": "EC", "crv": "P-256", "kid": "k", "d": "AA", "x": "AA", "y": "AA"}),
        json!({"kty": "OKP", "crv": "Ed25519", "x": "AA", "kid": "k"}),
        json!({"kty": "RSA", "n": "AA", "e": "AQAB", "kid": "k"}),
        json!({"kty": "RSA", "n": "", "e": "", "d": "", "p": "", "q": "", "dp": "", "dq": "", "qi": ""}),
        json!({"kty": "oct", "k": "AAAA"}),
    ];
    for jwk in cases {
        let error = SigningKey::from_jwk(&jwk, None, None).unwrap_err();
        assert_eq!(error.code(), "sign.key", "{jwk}");
    }
    for text in ["", "x", &pem("PUBLIC KEY", b"x"), &pem("PRIVATE KEY", b"x")] {
        let error = SigningKey::from_pem(text, "k", None).unwrap_err();
        assert_eq!(error.code(), "sign.key");
    }
    let wrong = json!({"kty": "oct", "k": jws::encode(&[9; 64]), "kid": "k", "alg": "RS256"});
    assert_eq!(
        SigningKey::from_jwk(&wrong, None, None).unwrap_err().code(),
        "sign.algorithm"
    );
    let damaged = pem("RSA PRIVATE KEY", b"x");
    let key = SigningKey::from_pem(&damaged, "k", None).unwrap();
    assert_eq!(key.sign(&json!({}), "JWT").unwrap_err(), SignError::Failed);
    assert_eq!(key.sign(&json!([]), "JWT").unwrap_err(), SignError::Claims);
}

#[test]
fn private_keys_are_not_shown() {
    let jwk =
        json!({"kty": "oct", "k": jws::encode(b"0123456789abcdef0123456789abcdef"), "kid": "k"});
    let key = SigningKey::from_jwk(&jwk, None, Some(Algorithm::Hs256)).unwrap();
    let shown = format!("{key:?} {key:#?}");
    for form in [
        "0123456789abcdef",
        &jws::encode(b"0123456789"),
        "48, 49, 50",
    ] {
        assert!(!shown.contains(form), "{shown}");
    }
    assert!(shown.contains("Hs256"));
}
