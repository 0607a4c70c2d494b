use super::super::key::KeySet;
use super::*;
use serde_json::{Value, json};
use std::path::PathBuf;

fn wycheproof(file: &str) -> Option<Value> {
    let folder = std::env::var_os("DEPUTIZE_CONFORMANCE").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/conformance"),
        PathBuf::from,
    );
    let path = folder.join("jose/wycheproof").join(file);
    let Ok(text) = std::fs::read(&path) else {
        println!("skipped: {file} is not in the conformance folder");
        return None;
    };
    Some(serde_json::from_slice(&text).unwrap())
}

fn hex(text: &str) -> Vec<u8> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).unwrap();
    let byte = |pair: &[u8]| u8::try_from(digit(&pair[0]) << 4 | digit(&pair[1])).unwrap();
    text.as_bytes().chunks(2).map(byte).collect()
}

/// Runs one file of raw signatures with both providers; they and the vectors
/// must agree. Returns how many cases ran.
fn agree(file: &str, algorithm: Algorithm) -> usize {
    let Some(vectors) = wycheproof(file) else {
        return 0;
    };
    let mut ran = 0;
    for group in vectors["testGroups"].as_array().unwrap() {
        // Every group has its key as a PEM text, most have it as a JWK too.
        let pem = json!([{ "kid": "it", "pem": group["publicKeyPem"] }]);
        let mut set = KeySet::compile(&pem, &[algorithm]);
        let jwk = ["publicKeyJwk", "keyJwk"]
            .iter()
            .find_map(|name| group.get(*name));
        if let Some(mut jwk) = jwk.cloned() {
            jwk["kid"] = json!("it");
            let from_pem = set.map(|set| set.find(Some("it")).unwrap().to_public_jwk());
            set = KeySet::compile(&json!({ "keys": [jwk] }), &[algorithm]);
            let from_jwk = set
                .clone()
                .map(|set| set.find(Some("it")).unwrap().to_public_jwk());
            assert_eq!(from_pem.is_ok(), from_jwk.is_ok());
            if from_pem.is_ok() {
                assert_eq!(from_pem, from_jwk, "{file}: one key, two forms");
            }
        }
        for case in group["tests"].as_array().unwrap() {
            let expected = case["result"] == "valid";
            let id = &case["tcId"];
            ran += 1;
            let Ok(set) = &set else {
                assert!(
                    !expected,
                    "{file} {id}: the key was refused, the case is valid"
                );
                continue;
            };
            let key = set.find(Some("it")).unwrap().decoding();
            let message = hex(case["msg"].as_str().unwrap());
            let signature = hex(case["sig"].as_str().unwrap());
            assert_eq!(
                verify(algorithm, key, &message, &signature),
                expected,
                "{file} {id}"
            );
            let portable = verify_with(&portable::PROVIDER, algorithm, key, &message, &signature);
            assert_eq!(portable, expected, "{file} {id}, portable");
        }
    }
    ran
}

fn expect(ran: usize, cases: usize) {
    assert!(
        ran == 0 || ran == cases,
        "{ran} cases ran, {cases} are known"
    );
}

#[test]
fn both_providers_agree_with_wycheproof_on_p256() {
    expect(
        agree("ecdsa_secp256r1_sha256_p1363_test.json", Algorithm::Es256),
        262,
    );
}

#[test]
fn both_providers_agree_with_wycheproof_on_p384() {
    agree("ecdsa_secp384r1_sha384_p1363_test.json", Algorithm::Es384);
}

#[test]
fn both_providers_agree_with_wycheproof_on_ed25519() {
    expect(agree("ed25519_test.json", Algorithm::EdDsa), 151);
}

#[test]
fn both_providers_agree_with_wycheproof_on_rsa_pss() {
    expect(
        agree("rsa_pss_2048_sha256_mgf1_32_test.json", Algorithm::Ps256),
        108,
    );
}

#[test]
fn both_providers_agree_with_wycheproof_on_rsa_pkcs1() {
    expect(
        agree("rsa_signature_2048_sha256_test.json", Algorithm::Rs256),
        259,
    );
}

/// Every signed token of Wycheproof whose form is accepted: RS and PS with each
/// hash, ES256 and HS256. What the answers must be, `tests/it/jose.rs` asks.
#[test]
fn both_providers_agree_on_every_wycheproof_jws() {
    let Some(vectors) = wycheproof("json_web_signature_test.json") else {
        return;
    };
    let mut compared = [0, 0];
    for group in vectors["testGroups"].as_array().unwrap() {
        let key = group
            .get("public")
            .or_else(|| group.get("private"))
            .unwrap();
        let Some(algorithm) = key["alg"].as_str().and_then(Algorithm::from_name) else {
            continue;
        };
        let set = KeySet::compile(&json!({ "keys": [key] }), &[algorithm]).unwrap();
        for case in group["tests"].as_array().unwrap() {
            let Some(token) = case["jws"].as_str() else {
                continue;
            };
            let Ok(jws) = super::super::jws::Jws::parse(token.as_bytes()) else {
                continue;
            };
            let key = set.find(key["kid"].as_str()).unwrap().decoding();
            let answers = [provider(), &portable::PROVIDER].map(|provider| {
                verify_with(provider, algorithm, key, jws.signing_input, &jws.signature)
            });
            assert_eq!(answers[0], answers[1], "{}", case["tcId"]);
            compared[usize::from(answers[0])] += 1;
        }
    }
    assert!(compared[0] > 250 && compared[1] > 30, "{compared:?}");
}

#[test]
fn both_providers_agree_on_points() {
    let generator = hex(
        "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5",
    );
    let mut off = generator.clone();
    off[64] ^= 1;
    let p384_sized = [&[4][..], &[1; 96]].concat();
    let cases = [
        (generator.clone(), true),
        (off, false),
        (generator[..64].to_vec(), false),
        (vec![], false),
        (vec![0], false),
        (p384_sized, false),
    ];
    for (point, expected) in cases {
        assert_eq!(is_on_curve(Family::P256, &point), expected);
        assert_eq!(portable::is_on_curve(Family::P256, &point), expected);
        assert!(!is_on_curve(Family::P384, &point));
        assert!(!portable::is_on_curve(Family::P384, &point));
        assert!(!is_on_curve(Family::Ed25519, &point));
    }
}

#[test]
fn both_providers_agree_on_secrets() {
    let key = DecodingKey::from_secret(&[7; 64]);
    for algorithm in [Algorithm::Hs256, Algorithm::Hs384, Algorithm::Hs512] {
        let signing = jsonwebtoken::EncodingKey::from_secret(&[7; 64]);
        let signer = (provider().signer_factory)(&named(algorithm), &signing).unwrap();
        let tag = signer.sign(b"message");
        for provider in [provider(), &portable::PROVIDER] {
            let check = |message: &[u8], tag: &[u8]| {
                verify_with(provider, algorithm, &key, message, &tag.to_vec())
            };
            assert!(check(b"message", &tag));
            assert!(!check(b"massage", &tag));
            assert!(!check(b"message", &tag[..tag.len() - 1]), "a truncated tag");
            assert!(!check(b"message", &[]));
        }
    }
}

#[test]
fn a_key_of_another_kind_verifies_nothing() {
    let keys = [
        DecodingKey::from_secret(&[1; 64]),
        DecodingKey::from_ed_der(&[1; 31]),
        DecodingKey::from_ed_der(&[]),
        DecodingKey::from_ec_der(&[4; 65]),
        DecodingKey::from_rsa_raw_components(&[], &[]),
        DecodingKey::from_rsa_raw_components(&[1; 256], &[1]),
        DecodingKey::from_rsa_der(b"x"),
    ];
    for key in &keys {
        for algorithm in Algorithm::ALL {
            for size in [0, 1, 31, 32, 64, 96, 256] {
                for provider in [provider(), &portable::PROVIDER] {
                    assert!(!verify_with(provider, algorithm, key, b"m", &vec![1; size]));
                }
            }
        }
    }
}
