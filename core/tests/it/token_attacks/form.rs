//! Attacks on a token's form: its segments, its header, its JSON.

use crate::forge::*;
use serde_json::json;

#[test]
fn a_good_token_of_every_algorithm_is_accepted() {
    for algorithm in [
        "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA", "HS256",
        "HS384", "HS512",
    ] {
        let key = key_for(algorithm);
        let issuers = issuers(&[entry(&key)]);
        let verified = verify(&issuers, &key.token(&claims())).unwrap();
        assert_eq!(verified.algorithm.name(), algorithm);
        assert_eq!((verified.issuer, verified.kid.as_str()), (0, "k1"));
        assert_eq!(verified.claims.subject.as_deref(), Some("u-1"));
        assert_eq!(verified.claims.expires_at.0, NOW + 290);
    }
}

#[test]
fn ed25519_under_its_newer_name() {
    let key = ed();
    let listed = entry_with(&key, "algorithms", json!(["Ed25519"]));
    for issuers in [issuers(&[listed]), issuers(&[entry(&key)])] {
        for name in ["EdDSA", "Ed25519"] {
            let token = key.token_of(&header(name, "k1"), &claims().to_string());
            assert_eq!(code(&issuers, &token), "accepted");
        }
    }
}

#[test]
fn none_in_every_spelling() {
    let key = ed();
    let issuers = issuers(&[entry(&key)]);
    for name in ["none", "None", "NONE", "nOnE", "none ", "", "null"] {
        let input = format!("{}.{}", b64(header(name, "k1")), b64(claims().to_string()));
        assert_eq!(
            code(&issuers, &format!("{input}.")),
            "token.algorithm",
            "{name}"
        );
        let signed = format!("{input}.{}", b64(key.sign(input.as_bytes())));
        assert_eq!(code(&issuers, &signed), "token.algorithm", "{name}");
    }
    assert_eq!(
        refusal(entry_with(&key, "algorithms", json!(["none"]))).0,
        "issuer.algorithm_unsupported"
    );
}

#[test]
fn an_empty_signature() {
    for algorithm in ["EdDSA", "ES256", "RS256", "HS256"] {
        let key = key_for(algorithm);
        let token = key.token(&claims());
        let stripped = &token[..=token.rfind('.').unwrap()];
        assert_eq!(code(&issuers(&[entry(&key)]), stripped), "token.signature");
    }
}

#[test]
fn algorithm_names_are_case_sensitive() {
    let key = ed();
    let issuers = issuers(&[entry(&key)]);
    for name in ["eddsa", "EDDSA", "ed25519", "EdDSA "] {
        let token = key.token_of(&header(name, "k1"), &claims().to_string());
        assert_eq!(code(&issuers, &token), "token.algorithm");
    }
}

#[test]
fn unknown_crit() {
    let key = ed();
    let issuers = issuers(&[entry(&key)]);
    for crit in [
        json!(["exp"]),
        json!(["x"]),
        json!([]),
        json!("x"),
        json!(null),
    ] {
        let header = json!({"alg": "EdDSA", "kid": "k1", "typ": "JWT", "crit": crit, "x": 1});
        let token = key.token_of(&header.to_string(), &claims().to_string());
        assert_eq!(code(&issuers, &token), "token.critical");
    }
}

#[test]
fn b64_false() {
    let key = ed();
    let issuers = issuers(&[entry(&key)]);
    for header in [
        json!({"alg": "EdDSA", "kid": "k1", "b64": false}),
        json!({"alg": "EdDSA", "kid": "k1", "b64": true}),
        json!({"alg": "EdDSA", "kid": "k1", "b64": false, "crit": ["b64"]}),
    ] {
        let token = key.token_of(&header.to_string(), &claims().to_string());
        assert_eq!(code(&issuers, &token), "token.critical");
    }
}

#[test]
fn header_members_of_a_wrong_kind() {
    let key = ed();
    let issuers = issuers(&[entry(&key)]);
    for header in [
        json!({"kid": "k1"}),
        json!({"alg": 1, "kid": "k1"}),
        json!({"alg": ["EdDSA"], "kid": "k1"}),
        json!({"alg": "EdDSA", "kid": 1}),
        json!({"alg": "EdDSA", "kid": "k1", "typ": ["JWT"]}),
        json!({"alg": "EdDSA", "kid": "k1", "zip": "DEF"}),
    ] {
        let token = key.token_of(&header.to_string(), &claims().to_string());
        assert_eq!(code(&issuers, &token), "token.header", "{header}");
    }
    let token = key.token_of("[]", &claims().to_string());
    assert_eq!(code(&issuers, &token), "token.malformed");
}

#[test]
fn duplicate_members_at_any_depth() {
    let key = ed();
    let issuers = issuers(&[entry(&key)]);
    let good = claims().to_string();
    let open = good.trim_end_matches('}');
    for header in [
        r#"{"alg":"none","alg":"EdDSA","kid":"k1","typ":"JWT"}"#,
        r#"{"alg":"EdDSA","kid":"k1","kid":"k1","typ":"JWT"}"#,
        r#"{"alg":"EdDSA","kid":"k1","x":{"y":[{"z":1,"z":1}]}}"#,
        r#"{"alg":"EdDSA","\u0061lg":"none","kid":"k1"}"#,
    ] {
        assert_eq!(
            code(&issuers, &key.token_of(header, &good)),
            "token.duplicate_member"
        );
    }
    for more in [
        r#","sub":"admin"}"#,
        r#","s\u0075b":"admin"}"#,
        r#","act":{"sub":"a","sub":"b"}}"#,
        r#","act":{"sub":"a","act":{"sub":"b","act":{"sub":"c","sub":"d"}}}}"#,
        r#","x":[[[{"y":1,"y":2}]]]}"#,
    ] {
        let token = key.token_of(&header("EdDSA", "k1"), &format!("{open}{more}"));
        assert_eq!(code(&issuers, &token), "token.duplicate_member", "{more}");
    }
}

#[test]
fn json_serialised_jws() {
    let key = ed();
    let issuers = issuers(&[entry(&key)]);
    let token = key.token(&claims());
    let parts: Vec<_> = token.split('.').collect();
    let flat = json!({"protected": parts[0], "payload": parts[1], "signature": parts[2]});
    let general = json!({
        "payload": parts[1],
        "signatures": [{"protected": parts[0], "signature": parts[2]}],
    });
    for text in [flat.to_string(), general.to_string()] {
        assert_eq!(code(&issuers, &text), "token.malformed");
    }
}

#[test]
fn a_token_of_twenty_megabytes() {
    let key = ed();
    let issuers = issuers(&[entry(&key)]);
    let token = key.token(&with("x", json!("y".repeat(15_000_000))));
    assert!(token.len() > 20_000_000);
    assert_eq!(code(&issuers, &token), "token.too_large");
    // The limit itself, from both sides.
    let padded = |size: usize| {
        let mut size_of_claim = size;
        loop {
            let token = key.token(&with("x", json!("y".repeat(size_of_claim))));
            if token.len() <= size {
                return token;
            }
            size_of_claim -= 1 + (token.len() - size) / 2;
        }
    };
    let largest = padded(64 * 1024);
    assert!(largest.len() > 64 * 1024 - 4);
    assert_eq!(code(&issuers, &largest), "accepted");
    assert_eq!(
        code(&issuers, &format!("{largest}AAAAA")),
        "token.too_large"
    );
}

#[test]
fn characters_outside_base64url() {
    let key = ed();
    let issuers = issuers(&[entry(&key)]);
    let token = key.token(&claims());
    for stray in [
        "=", "+", "/", " ", "\n", "\r\n", "\t", "\0", "é", "%2e", "\"", "?",
    ] {
        for place in [0, 5, token.find('.').unwrap(), token.len()] {
            let mut changed = token.clone();
            changed.insert_str(place, stray);
            assert_eq!(
                code(&issuers, &changed),
                "token.malformed",
                "{stray:?} at {place}"
            );
        }
    }
    assert_eq!(
        code(&issuers, &format!("Bearer {token}")),
        "token.malformed"
    );
}

#[test]
fn base64url_that_is_not_canonical() {
    let key = ed();
    let issuers = issuers(&[entry(&key)]);
    let token = key.token(&claims());
    // 64 bytes leave four unused bits in the last character.
    let last = token.chars().last().unwrap();
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let index = alphabet.find(last).unwrap();
    assert_eq!(index % 16, 0);
    for other in index + 1..index + 16 {
        let mut changed = token[..token.len() - 1].to_owned();
        changed.push_str(&alphabet[other..=other]);
        assert_eq!(code(&issuers, &changed), "token.malformed");
    }
    // A length that no number of bytes has.
    assert_eq!(code(&issuers, &format!("{token}AAA")), "token.malformed");
    assert_eq!(code(&issuers, &format!("{token}A")), "token.signature");
}

#[test]
fn too_few_and_too_many_segments() {
    let key = ed();
    let issuers = issuers(&[entry(&key)]);
    let token = key.token(&claims());
    let (input, _) = token.rsplit_once('.').unwrap();
    for text in [
        "",
        ".",
        "..",
        "...",
        input,
        &format!("{token}."),
        &format!("{token}.{token}"),
    ] {
        assert_eq!(code(&issuers, text), "token.malformed", "{text}");
    }
    let encrypted = verify(&issuers, "a.b.c.d.e").unwrap_err();
    assert!(encrypted.to_string().contains("JWE"), "{encrypted}");
}

#[test]
fn claims_that_are_not_one_json_object() {
    let key = ed();
    let issuers = issuers(&[entry(&key)]);
    let good = claims().to_string();
    for text in [
        "",
        "[]",
        "1",
        "null",
        "\"x\"",
        "{",
        &format!("{good}{good}"),
        &format!("{good}x"),
    ] {
        let token = key.token_of(&header("EdDSA", "k1"), text);
        assert_eq!(code(&issuers, &token), "token.malformed", "{text}");
    }
}

#[test]
fn an_act_ten_thousand_deep() {
    let key = ed();
    let issuers = issuers(&[entry_with(&key, "chain", json!("rfc8693"))]);
    let nested = |depth: usize, end: &str| {
        let good = claims().to_string();
        let open = good.trim_end_matches('}');
        let acts = r#","act":{"sub":"a""#.repeat(depth);
        key.token_of(
            &header("EdDSA", "k1"),
            &format!("{open}{acts}{}{end}", "}".repeat(depth)),
        )
    };
    // As a token it is too large; with the shortest members it is too deep.
    assert_eq!(code(&issuers, &nested(10_000, "}")), "token.too_large");
    let short = format!("{{\"a\":{}", "{\"a\":".repeat(9_000));
    let token = key.token_of(&header("EdDSA", "k1"), &short);
    assert!(token.len() < 64 * 1024);
    assert_eq!(code(&issuers, &token), "token.too_deep");
    assert_eq!(code(&issuers, &nested(100, "}")), "token.too_deep");
    // What is read is read whole.
    let verified = verify(&issuers, &nested(60, "}")).unwrap();
    assert_eq!(verified.claims.actors.len(), 60);
    assert!(
        verified
            .claims
            .actors
            .iter()
            .all(|actor| actor.subject == "a")
    );
}

#[test]
fn actors_are_read_outermost_first() {
    let key = ed();
    let issuers = issuers(&[entry_with(&key, "chain", json!("rfc8693"))]);
    let token = key.token(&with(
        "act",
        json!({"sub": "now", "iss": "https://a", "x": 1, "act": {"sub": "before", "act": {"sub": "first"}}}),
    ));
    let claims = verify(&issuers, &token).unwrap().claims;
    let subjects: Vec<_> = claims
        .actors
        .iter()
        .map(|actor| actor.subject.as_str())
        .collect();
    assert_eq!(subjects, ["now", "before", "first"]);
    assert_eq!(claims.actors[0].issuer.as_deref(), Some("https://a"));
    assert_eq!(claims.actors[0].all["x"], 1);
    assert_eq!(claims.actors[1].issuer, None);
}

#[test]
fn an_act_where_the_issuer_has_none() {
    let key = ed();
    let token = key.token(&with("act", json!({"sub": "agent"})));
    assert_eq!(code(&issuers(&[entry(&key)]), &token), "chain.not_expected");
    for convention in ["rfc8693", "subject_is_actor"] {
        let issuers = issuers(&[entry_with(&key, "chain", json!(convention))]);
        assert_eq!(code(&issuers, &token), "accepted");
    }
}

#[test]
fn an_act_or_may_act_that_names_nobody() {
    let key = ed();
    let issuers = issuers(&[entry(&key)]);
    for act in [
        json!("agent"),
        json!([]),
        json!({}),
        json!({"sub": 1}),
        json!({"sub": "a", "iss": 1}),
        json!({"sub": "a", "act": "b"}),
        json!({"sub": "a", "act": {"client_id": "b"}}),
    ] {
        assert_eq!(code(&issuers, &key.token(&with("act", act))), "token.claim");
    }
    for may_act in [json!("a"), json!({"sub": 1}), json!({"iss": []})] {
        assert_eq!(
            code(&issuers, &key.token(&with("may_act", may_act))),
            "token.claim"
        );
    }
    let token = key.token(&with("may_act", json!({"sub": "a", "client_id": "c"})));
    let may_act = verify(&issuers, &token).unwrap().claims.may_act.unwrap();
    assert_eq!(may_act.subject.as_deref(), Some("a"));
    assert_eq!(may_act.all["client_id"], "c");
}

#[test]
fn changed_tokens_never_verify() {
    for (algorithm, rounds) in [
        ("EdDSA", 600),
        ("ES256", 300),
        ("RS256", 300),
        ("HS256", 2_000),
    ] {
        let key = key_for(algorithm);
        let issuers = issuers(&[entry(&key)]);
        let token = key.token(&claims());
        assert_eq!(code(&issuers, &token), "accepted");
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        for _ in 0..rounds {
            let mut changed = token.clone().into_bytes();
            for _ in 0..1 + random.below(3) {
                let place = random.below(changed.len());
                match random.below(4) {
                    0 => changed[place] = b"ABCXYZabcxyz0189-_."[random.below(19)],
                    1 => changed[place] = random.below(256) as u8,
                    2 => drop(changed.remove(place)),
                    _ => changed.insert(place, b"Az0-_."[random.below(6)]),
                }
            }
            if changed != token.as_bytes() {
                let answer = issuers.verify(
                    &changed,
                    deputize::time::UnixSeconds(NOW),
                    &deputize::token::VerifyOptions::default(),
                );
                assert_ne!(
                    code_of(answer),
                    "accepted",
                    "{}",
                    String::from_utf8_lossy(&changed)
                );
            }
        }
    }
}

#[test]
fn random_bytes_never_verify() {
    let key = ed();
    let issuers = issuers(&[entry(&key)]);
    let mut random = Random(42);
    let alphabets: [&[u8]; 3] = [b"eyJhbGciOiJub25lIn0.", b"{}[]\":,01eE-.\\unalgtypkid", &[]];
    for round in 0..6_000 {
        let alphabet = alphabets[round % 3];
        let length = random.below(200);
        let bytes: Vec<u8> = (0..length)
            .map(|_| match alphabet {
                [] => random.below(256) as u8,
                some => some[random.below(some.len())],
            })
            .collect();
        let options = deputize::token::VerifyOptions::default();
        let now = deputize::time::UnixSeconds(NOW);
        assert!(issuers.verify(&bytes, now, &options).is_err());
        // The same bytes as a header and as claims, properly encoded.
        let text = String::from_utf8_lossy(&bytes).into_owned();
        assert_ne!(
            code(&issuers, &key.token_of(&text, &claims().to_string())),
            "accepted"
        );
        assert_ne!(
            code(&issuers, &key.token_of(&header("EdDSA", "k1"), &text)),
            "accepted"
        );
        let _ = deputize::token::inspect(&text, Some(now));
    }
}

/// A small generator (xorshift), so that a failure can be repeated.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}
