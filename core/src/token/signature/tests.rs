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
    (0..text.len() / 2)
        .map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap())
        .collect()
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
