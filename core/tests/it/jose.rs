//! JOSE vectors that others wrote, through our own verifier: Wycheproof's JWS
//! and JWK cases, and the signatures of RFC 7520, RFC 8037 and RFC 7797.
//!
//! The payloads are no claims, so the layer below them is asked: a token is
//! taken apart, a key selected from a set, its signature checked.

use std::path::PathBuf;

use deputize::token::jws::Jws;
use deputize::token::key::{KeyFault, KeySet};
use deputize::token::{Algorithm, TokenError};
use serde_json::{Value, json};

/// Cases whose expected result is not ours, each with the reason. One that
/// comes to agree fails the test, so that this list stays true.
const EXCEPTIONS: [(&str, u64, &str); 8] = [
    (
        "json_web_signature_test",
        346,
        "labels a PS384 signature's key as PS256; a key has one algorithm",
    ),
    (
        "json_web_signature_test",
        347,
        "labels its key `ES521`, which is no algorithm; P-521 is not supported",
    ),
    (
        "json_web_signature_test",
        350,
        "labels a PS384 signature's key as PS256; a key has one algorithm",
    ),
    (
        "json_web_signature_test",
        351,
        "labels its key `ES521`, which is no algorithm; P-521 is not supported",
    ),
    (
        "json_web_signature_test",
        367,
        "is called invalid, and is byte for byte the valid case 357",
    ),
    (
        "json_web_signature_test",
        370,
        "is called invalid, and is byte for byte the valid case 357",
    ),
    (
        "json_web_signature_test",
        372,
        "is called valid, and holds a `?`",
    ),
    (
        "json_web_signature_test",
        373,
        "is called valid, and holds a `?`",
    ),
];

fn read(file: &str) -> Option<Value> {
    let folder = std::env::var_os("DEPUTIZE_CONFORMANCE").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/conformance"),
        PathBuf::from,
    );
    let Ok(text) = std::fs::read(folder.join("jose").join(file)) else {
        println!("skipped: jose/{file} is not in the conformance folder");
        return None;
    };
    Some(serde_json::from_slice(&text).unwrap())
}

/// The public part of a JWK, whatever it holds.
fn public(jwk: &Value) -> Value {
    let mut jwk = jwk.clone();
    if jwk["kty"] != "oct" {
        let members = jwk.as_object_mut().unwrap();
        for private in ["d", "p", "q", "dp", "dq", "qi"] {
            members.remove(private);
        }
    }
    jwk
}

/// The algorithms of an issuer that trusts these keys: those the keys name, or
/// the one that the token claims, which is what an attacker would wish for.
fn algorithms(keys: &[Value], token: &str) -> Vec<Algorithm> {
    let named: Vec<_> = keys
        .iter()
        .filter_map(|key| key["alg"].as_str())
        .filter_map(Algorithm::from_name)
        .collect();
    if !named.is_empty() {
        return named;
    }
    Jws::parse(token.as_bytes())
        .ok()
        .and_then(|jws| jws.header.algorithm().ok())
        .into_iter()
        .collect()
}

/// The code of the refusal, if it is one.
fn verify(keys: &[Value], token: &str) -> Result<(), &'static str> {
    let algorithms = algorithms(keys, token);
    let set = KeySet::compile(&json!({ "keys": keys }), &algorithms)
        .map_err(|(_, fault)| fault.code())?;
    let verified = Jws::parse(token.as_bytes())
        .and_then(|jws| set.select(&jws.header, &algorithms)?.verify(&jws));
    verified.map_err(|error| error.code())
}

/// Runs a Wycheproof file and returns how many cases were held against it.
fn wycheproof(name: &str) -> usize {
    let Some(vectors) = read(&format!("wycheproof/{name}.json")) else {
        return 0;
    };
    let (mut ran, mut wrong) = (0, Vec::new());
    for group in vectors["testGroups"].as_array().unwrap() {
        let keys = group
            .get("public")
            .or_else(|| group.get("private"))
            .unwrap();
        let keys: Vec<Value> = match keys["keys"].as_array() {
            Some(list) => list.iter().map(public).collect(),
            None => vec![public(keys)],
        };
        for case in group["tests"].as_array().unwrap() {
            // Encrypted tokens are not ours to read.
            let Some(token) = case.get("jws") else {
                continue;
            };
            let token = token
                .as_str()
                .map_or_else(|| token.to_string(), str::to_owned);
            let id = case["tcId"].as_u64().unwrap();
            let expected = case["result"] == "valid";
            let answer = verify(&keys, &token);
            ran += 1;
            let excepted = EXCEPTIONS
                .iter()
                .any(|(file, number, _)| *file == name && *number == id);
            if (answer.is_ok() == expected) == excepted {
                wrong.push(format!(
                    "{id} {}: expected {expected}, {answer:?}, excepted {excepted}",
                    case["comment"]
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{name}:\n{}", wrong.join("\n"));
    ran
}

#[test]
fn every_wycheproof_jws_case() {
    let ran = wycheproof("json_web_signature_test");
    assert!(ran == 0 || ran == 401, "{ran} cases ran, 401 are known");
}

#[test]
fn every_wycheproof_jwk_case() {
    let ran = wycheproof("json_web_key_test");
    assert!(ran == 0 || ran == 26, "{ran} cases ran, 26 are known");
}

#[test]
fn every_signed_case_of_wycheproofs_combined_file() {
    let ran = wycheproof("json_web_crypto_test");
    assert!(ran == 0 || ran >= 45, "only {ran} cases ran");
}

/// One signature of the cookbook: its signing input and signature joined, under
/// its key.
fn cookbook(key: &Value, signing: &Value) -> Result<(), TokenError> {
    let algorithm = |signing: &Value| {
        ["protected", "unprotected"]
            .iter()
            .find_map(|part| signing[*part]["alg"].as_str().map(str::to_owned))
            .unwrap()
    };
    let mut key = public(key);
    key["kid"] = json!("it");
    let listed: Vec<_> = Algorithm::from_name(&algorithm(signing))
        .into_iter()
        .collect();
    let set = KeySet::compile(&json!({ "keys": [key] }), &listed).unwrap();
    let input = signing["sig-input"].as_str().unwrap();
    let token = format!("{input}.{}", signing["sig"].as_str().unwrap());
    let jws = Jws::parse(token.as_bytes())?;
    let algorithm = jws.header.algorithm()?;
    let key = set.find(Some("it"))?;
    key.fits(algorithm)?;
    key.verify(&jws)?;
    // The same with one bit of the signature changed.
    let mut forged = token.into_bytes();
    let place = input.len() + 10;
    forged[place] = if forged[place] == b'A' { b'B' } else { b'A' };
    let forged = Jws::parse(&forged).unwrap();
    assert_eq!(key.verify(&forged), Err(TokenError::Signature));
    Ok(())
}

#[test]
fn the_signatures_of_rfc_7520() {
    let valid = [
        "4_1.rsa_v15_signature",
        "4_2.rsa-pss_signature",
        "4_4.hmac-sha2_integrity_protection",
        "4_5.signature_with_detached_content",
        "4_6.protecting_specific_header_fields",
    ];
    for name in valid {
        let Some(example) = read(&format!("jose-cookbook/jws/{name}.json")) else {
            return;
        };
        assert_eq!(
            cookbook(&example["input"]["key"], &example["signing"]),
            Ok(()),
            "{name}"
        );
    }
    // P-521 is not supported.
    let example = read("jose-cookbook/jws/4_3.ecdsa_signature.json").unwrap();
    let refused = cookbook(&example["input"]["key"], &example["signing"]);
    assert_eq!(refused.unwrap_err().code(), "token.algorithm");
    // A token whose header is not protected is no token in compact form.
    let example = read("jose-cookbook/jws/4_7.protecting_content_only.json").unwrap();
    let refused = cookbook(&example["input"]["key"], &example["signing"]);
    assert_eq!(refused.unwrap_err().code(), "token.malformed");
}

#[test]
fn each_of_several_signatures_of_rfc_7520() {
    let Some(example) = read("jose-cookbook/jws/4_8.multiple_signatures.json") else {
        return;
    };
    let keys = example["input"]["key"].as_array().unwrap();
    let codes: Vec<_> = keys
        .iter()
        .zip(example["signing"].as_array().unwrap())
        .map(|(key, signing)| cookbook(key, signing).map_err(|error| error.code()))
        .collect();
    assert_eq!(codes, [Ok(()), Err("token.malformed"), Ok(())]);
}

#[test]
fn the_inner_signature_of_rfc_7520_section_6() {
    let file = "jose-cookbook/6.nesting_signatures_and_encryption.json";
    let Some(example) = read(file) else { return };
    let signed = &example["sign"];
    assert_eq!(
        cookbook(&signed["input"]["key"], &signed["signing"]),
        Ok(())
    );
}

#[test]
fn the_ed25519_signature_of_rfc_8037() {
    let Some(example) = read("jose-cookbook/curve25519/jws.json") else {
        return;
    };
    assert_eq!(
        cookbook(&example["input"]["key"], &example["signing"]),
        Ok(())
    );
}

#[test]
fn unencoded_payloads_of_rfc_7797_are_refused() {
    let Some(example) = read("jose-cookbook/rfc7797/hmac-sha2_b64_false.json") else {
        return;
    };
    let compact = example["output"]["compact"].as_str().unwrap();
    assert_eq!(
        Jws::parse(compact.as_bytes()).unwrap_err().code(),
        "token.malformed"
    );
    let encoded = compact.replace("This is the payload string!", "eHh4");
    assert_eq!(
        Jws::parse(encoded.as_bytes()).unwrap_err().code(),
        "token.critical"
    );
}

#[test]
fn the_public_keys_of_rfc_7520() {
    for (file, algorithm) in [
        ("3_3.rsa_public_key", Algorithm::Rs256),
        ("3_4.rsa_private_key", Algorithm::Rs256),
    ] {
        let Some(mut key) = read(&format!("jose-cookbook/jwk/{file}.json")) else {
            return;
        };
        if let Some(members) = key.as_object_mut() {
            members.remove("alg");
        }
        let set = KeySet::compile(&json!({ "keys": [key] }), &[algorithm]);
        if file.contains("private") {
            assert_eq!(set.unwrap_err().1, KeyFault::Private);
        } else {
            assert_eq!(set.unwrap().len(), 1);
        }
    }
}
