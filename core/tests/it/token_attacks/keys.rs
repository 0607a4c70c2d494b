//! Attacks by way of keys: the wrong one, a weak one, one that the token brings.

use crate::forge::*;
use serde_json::{Value, json};

#[test]
fn rs256_to_hs256_confusion() {
    let key = rsa("RS256");
    let jwk = key.jwk("k1");
    let issuers = issuers(&[entry(&key)]);
    let modulus = jwk["n"].as_str().unwrap();
    // The forger takes any form of the public key for the secret.
    let guesses = [
        modulus.as_bytes().to_vec(),
        jwk.to_string().into_bytes(),
        vec![0; 32],
        vec![],
    ];
    for guess in guesses {
        let forger = Key::Secret(guess, "HS256");
        let token = forger.token_of(&header("HS256", "k1"), &claims().to_string());
        assert_eq!(code(&issuers, &token), "token.algorithm");
    }
    // Not even a misconfigured issuer can be had: the two kinds do not mix.
    let both = entry_with(&key, "algorithms", json!(["RS256", "HS256"]));
    assert_eq!(
        refusal(both),
        (
            "issuer.algorithms_mixed".into(),
            "/issuers/0/algorithms".into()
        )
    );
}

#[test]
fn a_public_key_under_an_issuer_of_secrets() {
    let key = rsa("RS256");
    let confused = entry_with(&key, "algorithms", json!(["HS256"]));
    let issuers = issuers(&[confused]);
    assert_eq!(issuers.warnings().len(), 2, "{:?}", issuers.warnings());
    let modulus = key.jwk("k1")["n"].as_str().unwrap().as_bytes().to_vec();
    let forger = Key::Secret(modulus, "HS256");
    let token = forger.token_of(&header("HS256", "k1"), &claims().to_string());
    assert_eq!(code(&issuers, &token), "key.unfit");
}

#[test]
fn another_algorithm_of_the_same_key() {
    let key = rsa("RS256");
    let listed = entry_with(&key, "algorithms", json!(["RS256", "PS256", "RS512"]));
    let issuers = issuers(&[listed]);
    assert_eq!(code(&issuers, &key.token(&claims())), "accepted");
    for other in ["PS256", "RS512"] {
        assert_eq!(code(&issuers, &rsa(other).token(&claims())), "key.unfit");
    }
    assert_eq!(
        code(&issuers, &rsa("RS384").token(&claims())),
        "token.algorithm"
    );
}

#[test]
fn a_key_embedded_in_the_header() {
    let (key, forger) = (ed(), ed());
    let issuers = issuers(&[entry(&key)]);
    for kid in ["k1", "k2"] {
        let header = json!({"alg": "EdDSA", "kid": kid, "typ": "JWT", "jwk": forger.jwk(kid)});
        let token = forger.token_of(&header.to_string(), &claims().to_string());
        let expected = if kid == "k1" {
            "token.signature"
        } else {
            "key.unknown"
        };
        assert_eq!(code(&issuers, &token), expected);
    }
}

#[test]
fn keys_by_address_or_certificate_in_the_header() {
    let (key, forger) = (ed(), ed());
    let issuers = issuers(&[entry(&key)]);
    for (member, value) in [
        ("jku", json!("https://evil.example/jwks.json")),
        ("x5u", json!("https://evil.example/cert.pem")),
        ("x5c", json!(["MIIB"])),
        ("x5t#S256", json!("AAAA")),
    ] {
        let mut header = json!({"alg": "EdDSA", "kid": "k1", "typ": "JWT"});
        header[member] = value;
        let text = header.to_string();
        assert_eq!(
            code(&issuers, &forger.token_of(&text, &claims().to_string())),
            "token.signature"
        );
        // The issuer's own token may carry them: they are simply not used.
        assert_eq!(
            code(&issuers, &key.token_of(&text, &claims().to_string())),
            "accepted"
        );
    }
}

#[test]
fn kid_from_another_issuer() {
    let (ours, theirs) = (ed(), ed());
    let mut other = entry(&theirs);
    other["issuer"] = json!("https://other.example");
    other["keys"] = json!({"keys": [theirs.jwk("k2")]});
    let issuers = issuers(&[entry(&ours), other]);
    // Signed by the other issuer's key, claiming to be from ours.
    let token = theirs.token_of(&header("EdDSA", "k2"), &claims().to_string());
    assert_eq!(code(&issuers, &token), "key.unknown");
    let token = theirs.token_of(&header("EdDSA", "k1"), &claims().to_string());
    assert_eq!(code(&issuers, &token), "token.signature");
    let own = with("iss", json!("https://other.example"));
    let token = theirs.token_of(&header("EdDSA", "k2"), &own.to_string());
    assert_eq!(verify(&issuers, &token).unwrap().issuer, 1);
}

#[test]
fn no_kid_or_an_unknown_one() {
    let key = ed();
    let issuers = issuers(&[entry(&key)]);
    for header in [
        json!({"alg": "EdDSA", "typ": "JWT"}),
        json!({"alg": "EdDSA", "typ": "JWT", "kid": ""}),
        json!({"alg": "EdDSA", "typ": "JWT", "kid": "K1"}),
        json!({"alg": "EdDSA", "typ": "JWT", "kid": "k1 "}),
        json!({"alg": "EdDSA", "typ": "JWT", "kid": "../../dev/null"}),
        json!({"alg": "EdDSA", "typ": "JWT", "kid": "k".repeat(30_000)}),
    ] {
        let token = key.token_of(&header.to_string(), &claims().to_string());
        assert_eq!(code(&issuers, &token), "key.unknown");
    }
}

#[test]
fn duplicate_kid() {
    let (a, b) = (ed(), ec("ES256"));
    let two = json!({"keys": [a.jwk("k1"), b.jwk("k2"), b.jwk("k1")]});
    let mut entry = entry_with(&a, "keys", two);
    entry["algorithms"] = json!(["EdDSA", "ES256"]);
    assert_eq!(
        refusal(entry),
        ("key.duplicate".into(), "/issuers/0/keys/keys/2".into())
    );
}

#[test]
fn two_issuers_of_one_name() {
    let key = ed();
    let error = compile(&[entry(&key), entry(&key)], json!({})).unwrap_err();
    assert_eq!(
        (error.code(), error.pointer.as_str()),
        ("issuer.duplicate", "/issuers/1/issuer")
    );
}

#[test]
fn secrets_and_public_keys_in_one_set() {
    let key = ed();
    let mixed = json!({"keys": [key.jwk("k1"), secret("HS256").jwk("k2")]});
    let (code, pointer) = refusal(entry_with(&key, "keys", mixed));
    assert_eq!(
        (code.as_str(), pointer.as_str()),
        ("key.mixed", "/issuers/0/keys")
    );
}

#[test]
fn weak_and_odd_rsa_keys() {
    let key = rsa("RS256");
    let good = key.jwk("k1");
    let decode = |text: &Value| {
        use base64::Engine as _;
        base64::engine::general_purpose::URL_SAFE_NO_PAD
            .decode(text.as_str().unwrap())
            .unwrap()
    };
    let n = decode(&good["n"]);
    let mut even = n.clone();
    even[255] &= 0xfe;
    let mut cases = vec![
        ("n", b64(&n[..128]), "key.weak"),
        ("n", b64(&n[..255]), "key.weak"),
        ("n", b64([0; 256]), "key.weak"),
        ("n", b64([0xff; 1025]), "key.weak"),
        ("n", b64(&even), "key.odd"),
        ("n", "!".to_owned(), "key.member"),
        ("n", String::new(), "key.weak"),
    ];
    for e in [&[0][..], &[1], &[2], &[1, 0, 0], &[1, 0, 0, 0, 1], &[]] {
        cases.push(("e", b64(e), "key.odd"));
    }
    for (member, text, expected) in cases {
        let mut jwk = good.clone();
        jwk[member] = json!(text);
        assert_eq!(
            refusal(entry_with(&key, "keys", json!({"keys": [jwk]}))).0,
            expected,
            "{member} {text}"
        );
    }
    // A leading zero, as some libraries write it, is the same key.
    let mut jwk = good;
    jwk["n"] = json!(b64([&[0][..], &n].concat()));
    let issuers = issuers(&[entry_with(&key, "keys", json!({"keys": [jwk]}))]);
    assert_eq!(code(&issuers, &key.token(&claims())), "accepted");
}

#[test]
fn short_and_odd_ed25519_keys() {
    let key = ed();
    let small_order = |first: u8| {
        let mut point = [0; 32];
        point[0] = first;
        point.to_vec()
    };
    let mut not_canonical = [0xff; 32];
    not_canonical[0] = 0xee;
    not_canonical[31] = 0x7f;
    let points = [
        vec![],
        vec![1; 31],
        vec![1; 33],
        small_order(0),
        small_order(1),
        not_canonical.to_vec(),
    ];
    for point in points {
        let mut jwk = key.jwk("k1");
        jwk["x"] = json!(b64(&point));
        let (code, pointer) = refusal(entry_with(&key, "keys", json!({"keys": [jwk]})));
        assert_eq!(
            (code.as_str(), pointer.as_str()),
            ("key.odd", "/issuers/0/keys/keys/0/x")
        );
    }
}

#[test]
fn points_off_their_curve() {
    for (algorithm, size) in [("ES256", 32), ("ES384", 48)] {
        let key = ec(algorithm);
        for (x, y, expected) in [
            (vec![1; size], vec![1; size], "key.odd"),
            (vec![0; size], vec![0; size], "key.odd"),
            (vec![0xff; size], vec![0xff; size], "key.odd"),
            (vec![1; size - 1], vec![1; size], "key.member"),
            (vec![1; size], vec![1; size + 1], "key.member"),
        ] {
            let mut jwk = key.jwk("k1");
            jwk["x"] = json!(b64(&x));
            jwk["y"] = json!(b64(&y));
            assert_eq!(
                refusal(entry_with(&key, "keys", json!({"keys": [jwk]}))).0,
                expected
            );
        }
    }
}

#[test]
fn short_secrets() {
    for (algorithm, least) in [("HS256", 32), ("HS384", 48), ("HS512", 64)] {
        for (size, fits) in [(0, false), (least - 1, false), (least, true)] {
            let key = Key::Secret(vec![7; size], algorithm);
            match compile(&[entry(&key)], json!({})) {
                Ok(_) => assert!(fits),
                Err(error) => assert!(!fits && error.code() == "key.weak", "{error}"),
            }
        }
    }
}

#[test]
fn private_keys_in_a_snapshot() {
    let key = ed();
    let mut jwk = key.jwk("k1");
    jwk["d"] = json!(b64([9; 32]));
    let error = compile(
        &[entry_with(&key, "keys", json!({"keys": [jwk]}))],
        json!({}),
    )
    .unwrap_err();
    assert_eq!(
        (error.code(), error.pointer.as_str()),
        ("key.private", "/issuers/0/keys/keys/0")
    );
    let pem = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n-----END PRIVATE KEY-----\n";
    assert_eq!(
        refusal(entry_with(&key, "keys", json!({"k1": pem}))).0,
        "key.private"
    );
}

#[test]
fn keys_for_something_else_are_not_used() {
    let key = rsa("RS256");
    for (member, value) in [
        ("use", json!("enc")),
        ("key_ops", json!(["encrypt"])),
        ("key_ops", json!(["sign"])),
        ("alg", json!("RSA-OAEP")),
        ("alg", json!("RS512")),
        ("kty", json!("XYZ")),
    ] {
        let mut jwk = key.jwk("k1");
        jwk[member] = value;
        let issuers = issuers(&[entry_with(
            &key,
            "keys",
            json!({"keys": [jwk, key.jwk("k2")]}),
        )]);
        assert_eq!(issuers.warnings().len(), 1);
        assert_eq!(code(&issuers, &key.token(&claims())), "key.unfit");
        let token = key.token_of(&header("RS256", "k2"), &claims().to_string());
        assert_eq!(code(&issuers, &token), "accepted");
    }
}

#[test]
fn keys_that_contradict_themselves() {
    let key = ec("ES256");
    for (member, value, expected) in [
        ("alg", json!("ES384"), "key.contradiction"),
        ("alg", json!("HS256"), "key.contradiction"),
        ("alg", json!(256), "key.member"),
        ("use", json!(["sig"]), "key.member"),
        ("key_ops", json!("verify"), "key.member"),
        ("key_ops", json!(["verify", 1]), "key.member"),
        ("kty", json!(null), "key.member"),
        ("crv", json!(1), "key.member"),
        ("x", json!("A"), "key.member"),
    ] {
        let mut jwk = key.jwk("k1");
        jwk[member] = value;
        assert_eq!(
            refusal(entry_with(&key, "keys", json!({"keys": [jwk]}))).0,
            expected,
            "{member}"
        );
    }
}

#[test]
fn a_key_without_alg_is_for_one_algorithm() {
    let key = rsa("PS256");
    let mut jwk = key.jwk("k1");
    jwk.as_object_mut().unwrap().remove("alg");
    let keys = json!({"keys": [jwk]});
    let one = issuers(&[entry_with(&key, "keys", keys.clone())]);
    assert_eq!(code(&one, &key.token(&claims())), "accepted");
    assert_eq!(
        code(&one, &rsa("RS256").token(&claims())),
        "token.algorithm"
    );
    let mut several = entry_with(&key, "keys", keys);
    several["algorithms"] = json!(["RS256", "PS256"]);
    assert_eq!(refusal(several).0, "key.ambiguous");
}

#[test]
fn a_numeric_kid_is_named_by_its_pointer() {
    let key = ed();
    let mut jwk = key.jwk("k2");
    jwk["kid"] = json!(7);
    let (code, pointer) = refusal(entry_with(
        &key,
        "keys",
        json!({"keys": [key.jwk("k1"), jwk]}),
    ));
    assert_eq!(
        (code.as_str(), pointer.as_str()),
        ("key.member", "/issuers/0/keys/keys/1/kid")
    );
    let mut jwk = key.jwk("k1");
    jwk.as_object_mut().unwrap().remove("kid");
    assert_eq!(
        refusal(entry_with(&key, "keys", json!({"keys": [jwk]}))).0,
        "key.member"
    );
}

#[test]
fn keys_of_no_known_shape() {
    let key = ed();
    for keys in [
        json!(null),
        json!("x"),
        json!(1),
        json!({"keys": [1]}),
        json!({"k1": 1}),
        json!(["x"]),
        json!([{"kid": "k1"}]),
        json!([{"kid": "k1", "pem": "x", "extra": 1}]),
        json!([{"kid": "k1", "keyId": "k2", "pem": "x"}]),
    ] {
        assert_eq!(
            refusal(entry_with(&key, "keys", keys.clone())).0,
            "key.shape",
            "{keys}"
        );
    }
    for pem in [
        "",
        "x",
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
        "-----BEGIN CERTIFICATE-----\nMAMCAQA=\n-----END CERTIFICATE-----\n",
        "-----BEGIN X-----\nAAAA\n-----END X-----\n",
    ] {
        assert_eq!(
            refusal(entry_with(&key, "keys", json!({"k1": pem}))).0,
            "key.pem",
            "{pem}"
        );
    }
}

/// FB6: an uploaded key, a JWKS and a `{kid: key}` map verify the same token.
#[test]
fn fb6_three_forms_of_one_key() {
    for algorithm in ["RS256", "ES256", "ES384", "EdDSA"] {
        let key = key_for(algorithm);
        let jwk = key.jwk("k1");
        let pem = pem(&key);
        let forms = [
            json!({"keys": [jwk]}),
            json!({"k1": pem}),
            json!({"k1": jwk}),
            json!([{"kid": "k1", "pem": pem}]),
            json!([{"keyId": "k1", "publicKey": pem}]),
            json!([{"kid": "k1", "pem": pem, "alg": algorithm}]),
        ];
        for keys in forms {
            let issuers = issuers(&[entry_with(&key, "keys", keys)]);
            assert_eq!(code(&issuers, &key.token(&claims())), "accepted");
            let missing = json!({"alg": algorithm, "typ": "JWT"}).to_string();
            let token = key.token_of(&missing, &claims().to_string());
            assert_eq!(code(&issuers, &token), "key.unknown");
        }
    }
}

/// A certificate is a container for its key, as Google's and Firebase's
/// `{kid: certificate}` maps use it.
#[test]
fn a_certificate_holds_the_same_key_as_its_public_key() {
    let certificate = "-----BEGIN CERTIFICATE-----\nMIIBdDCCARugAwIBAgIUcBYOu3oi7cTLM9iT2bE2Keoj1vIwCgYIKoZIzj0EAwIw\nDzENMAsGA1UEAwwEdGVzdDAgFw0yNjExMjIwMTQ1MDFaGA8yMTI2MTAyOTAxNDUw\nMVowDzENMAsGA1UEAwwEdGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABMmQ\n9jBE07An7kbBziZpREPqkpCYj1efialHJ9bm77R3VrwGZq4TTxJn9fNet7i7lwj/\nQ/er1f7b4fAJYChdxmyjUzBRMB0GA1UdDgQWBBQI9uhstbtc9gqpV2UfwbOiyr39\nhTAfBgNVHSMEGDAWgBQI9uhstbtc9gqpV2UfwbOiyr39hTAPBgNVHRMBAf8EBTAD\nAQH/MAoGCCqGSM49BAMCA0cAMEQCIHJTh7Jsxh/KSg6s6C9wo9q/J0pK8DG78kXv\nErCMAcQEAiAH1gS+OqUKRI0HZj1LAluJX/WibNxevT8yIkgI7O9gjg==\n-----END CERTIFICATE-----\n";
    let public = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEyZD2METTsCfuRsHOJmlEQ+qSkJiP\nV5+JqUcn1ubvtHdWvAZmrhNPEmf18163uLuXCP9D96vV/tvh8AlgKF3GbA==\n-----END PUBLIC KEY-----\n";
    let algorithms = [deputize::token::Algorithm::Es256];
    let [a, b] = [certificate, public].map(|text| {
        let set = deputize::token::key::KeySet::compile(&json!({"k1": text}), &algorithms).unwrap();
        set.find(Some("k1")).unwrap().to_public_jwk().unwrap()
    });
    assert_eq!(a, b);
    assert_eq!(a["crv"], "P-256");
    // Any byte of it changed gives another key, or none; never a panic.
    for place in 0..certificate.len() {
        let mut changed = certificate.as_bytes().to_vec();
        changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
        let text = String::from_utf8(changed).unwrap();
        let _ = deputize::token::key::KeySet::compile(&json!({"k1": text}), &algorithms);
    }
}

/// FZ7: while keys rotate, both are valid; afterwards only the new one is.
#[test]
fn fz7_two_kids_during_rotation() {
    let (old, new) = (ed(), ed());
    let tokens = [
        old.token_of(&header("EdDSA", "old"), &claims().to_string()),
        new.token_of(&header("EdDSA", "new"), &claims().to_string()),
    ];
    let during = json!({"keys": [old.jwk("old"), new.jwk("new")]});
    let both = issuers(&[entry_with(&old, "keys", during)]);
    assert_eq!(
        tokens.each_ref().map(|token| code(&both, token)),
        ["accepted", "accepted"]
    );
    let after = issuers(&[entry_with(&old, "keys", json!({"keys": [new.jwk("new")]}))]);
    assert_eq!(
        tokens.each_ref().map(|token| code(&after, token)),
        ["key.unknown", "accepted"]
    );
}

#[test]
fn the_split_verification_gives_the_same_answers() {
    use deputize::time::UnixSeconds;
    use deputize::token::VerifyOptions;
    for algorithm in ["RS256", "PS384", "ES256", "ES384", "EdDSA"] {
        let key = key_for(algorithm);
        let issuers = issuers(&[entry(&key)]);
        let token = key.token(&claims());
        let options = VerifyOptions::default();
        let prepare = || {
            issuers
                .prepare(token.as_bytes(), UnixSeconds(NOW), &options)
                .unwrap()
        };
        let prepared = prepare();
        assert_eq!(prepared.algorithm().name(), algorithm);
        let jwk = prepared.public_jwk().unwrap();
        assert_eq!(jwk, key.jwk("k1"), "what WebCrypto would import");
        let input = token.rsplit_once('.').unwrap().0;
        assert_eq!(prepared.signing_input(), input.as_bytes());
        assert_eq!(format!("{input}.{}", b64(prepared.signature())), token);
        assert_eq!(prepared.finish(true), verify(&issuers, &token));
        assert_eq!(code_of(prepare().finish(false)), "token.signature");
        // The checks after the signature are made either way.
        let expired = key.token(&with("exp", json!(NOW)));
        let prepared = issuers
            .prepare(expired.as_bytes(), UnixSeconds(NOW), &options)
            .unwrap();
        assert_eq!(code_of(prepared.finish(true)), "token.expired");
    }
    // A shared secret is never handed out, and nobody's word is taken for it.
    let key = secret("HS256");
    let issuers = issuers(&[entry(&key)]);
    let token = key.token(&claims());
    let options = VerifyOptions::default();
    let prepared = issuers
        .prepare(token.as_bytes(), UnixSeconds(NOW), &options)
        .unwrap();
    assert_eq!(prepared.public_jwk(), None);
    assert_eq!(code_of(prepared.finish(true)), "token.signature");
}

/// The SubjectPublicKeyInfo of a public key in PEM, put together by hand.
fn pem(key: &Key) -> String {
    use base64::Engine as _;
    let standard = base64::engine::general_purpose::STANDARD;
    let url = base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let jwk = key.jwk("k1");
    let number = |name: &str| url.decode(jwk[name].as_str().unwrap()).unwrap();
    let der = match key {
        Key::Ed(_) => [
            &[0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0][..],
            &number("x"),
        ]
        .concat(),
        Key::Ec(_, "ES256") => {
            let head: &[u8] = &[
                0x30, 0x59, 0x30, 0x13, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8, 0x2a, 0x86,
                0x48, 0xce, 0x3d, 3, 1, 7, 3, 0x42, 0, 4,
            ];
            [head, &number("x"), &number("y")].concat()
        }
        Key::Ec(..) => {
            let head: &[u8] = &[
                0x30, 0x76, 0x30, 0x10, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 5, 0x2b, 0x81,
                4, 0, 0x22, 3, 0x62, 0, 4,
            ];
            [head, &number("x"), &number("y")].concat()
        }
        Key::Rsa(..) => {
            let head: &[u8] = &[
                0x30, 0x82, 1, 0x22, 0x30, 0x0d, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1,
                5, 0, 3, 0x82, 1, 0x0f, 0, 0x30, 0x82, 1, 0x0a, 2, 0x82, 1, 1, 0,
            ];
            [head, &number("n"), &[2, 3, 1, 0, 1]].concat()
        }
        Key::Secret(..) => unreachable!("secrets have no public key"),
    };
    let text = standard.encode(der);
    let lines: Vec<_> = text
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    format!(
        "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
        lines.join("\n")
    )
}
