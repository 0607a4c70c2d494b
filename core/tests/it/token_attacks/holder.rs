//! Tokens bound to their holder: DPoP and mutual TLS. And the cache, which must
//! not let a bound or expired token through.

use crate::forge::*;
use deputize::time::UnixSeconds;
use deputize::token::{
    ClientCertificate, DpopRequest, Issuers, TokenCache, Verified, VerifyOptions,
};
use serde_json::{Value, json};

const URI: &str = "https://api.example/things?page=2";

/// RFC 7638 §3.
fn thumbprint(jwk: &Value) -> String {
    let members = match jwk["kty"].as_str().unwrap() {
        "EC" => &["crv", "kty", "x", "y"][..],
        "OKP" => &["crv", "kty", "x"],
        _ => &["e", "kty", "n"],
    };
    let pairs: Vec<_> = members
        .iter()
        .map(|name| format!("\"{name}\":{}", jwk[*name]))
        .collect();
    b64(sha256(format!("{{{}}}", pairs.join(",")).as_bytes()))
}

/// The public key as a proof's header holds it.
fn bare(key: &Key) -> Value {
    let mut jwk = key.jwk("");
    let members = jwk.as_object_mut().unwrap();
    members.remove("kid");
    members.remove("alg");
    jwk
}

struct Holder {
    issuer: Key,
    holder: Key,
}

impl Holder {
    fn new(algorithm: &'static str) -> Self {
        Self {
            issuer: ed(),
            holder: key_for(algorithm),
        }
    }

    fn issuers(&self) -> Issuers {
        issuers(&[entry(&self.issuer)])
    }

    fn token(&self) -> String {
        let jkt = thumbprint(&self.holder.jwk(""));
        self.issuer.token(&with("cnf", json!({ "jkt": jkt })))
    }

    fn header(&self) -> Value {
        json!({"typ": "dpop+jwt", "alg": self.holder.algorithm(), "jwk": bare(&self.holder)})
    }

    fn claims(token: &str) -> Value {
        json!({
            "jti": "p-1", "htm": "GET", "htu": "https://api.example/things", "iat": NOW,
            "ath": b64(sha256(token.as_bytes())),
        })
    }

    fn proof(&self, token: &str) -> String {
        self.holder
            .token_of(&self.header().to_string(), &Self::claims(token).to_string())
    }
}

fn request(proof: &str) -> DpopRequest<'_> {
    DpopRequest {
        proof,
        method: "GET",
        uri: URI,
        nonce: None,
        max_age: 60,
        max_ahead: 5,
    }
}

fn answer(issuers: &Issuers, token: &str, dpop: DpopRequest<'_>) -> Result<Verified, &'static str> {
    let options = VerifyOptions {
        dpop: Some(dpop),
        ..VerifyOptions::default()
    };
    issuers
        .verify(token.as_bytes(), UnixSeconds(NOW), &options)
        .map_err(|error| error.code())
}

#[test]
fn dpop_with_each_kind_of_key() {
    for algorithm in ["ES256", "ES384", "EdDSA", "RS256", "PS256"] {
        let holder = Holder::new(algorithm);
        let token = holder.token();
        let verified = answer(&holder.issuers(), &token, request(&holder.proof(&token))).unwrap();
        let used = verified.dpop.unwrap();
        assert_eq!((used.id.as_str(), used.issued_at.0), ("p-1", NOW));
        assert_eq!(used.thumbprint, thumbprint(&holder.holder.jwk("")));
    }
}

#[test]
fn the_thumbprint_of_rfc_7638() {
    let jwk = json!({"kty": "RSA", "e": "AQAB", "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"});
    assert_eq!(
        thumbprint(&jwk),
        "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    );
}

#[test]
fn a_bound_token_without_a_proof() {
    let holder = Holder::new("ES256");
    assert_eq!(code(&holder.issuers(), &holder.token()), "proof.missing");
    let error = verify(&holder.issuers(), &holder.token()).unwrap_err();
    assert!(error.to_string().contains("DPoP"));
}

#[test]
fn a_proof_for_a_token_that_is_not_bound() {
    let holder = Holder::new("ES256");
    let token = holder.issuer.token(&claims());
    let refused = answer(&holder.issuers(), &token, request(&holder.proof(&token)));
    assert_eq!(refused, Err("proof.invalid"));
}

#[test]
fn a_stolen_token_with_the_thiefs_own_proof() {
    let holder = Holder::new("ES256");
    let token = holder.token();
    let thief = Holder {
        issuer: ed(),
        holder: ec("ES256"),
    };
    let refused = answer(&holder.issuers(), &token, request(&thief.proof(&token)));
    assert_eq!(refused, Err("proof.mismatch"));
    // The victim's public key in the header, the thief's signature.
    let forged = thief.holder.token_of(
        &holder.header().to_string(),
        &Holder::claims(&token).to_string(),
    );
    assert_eq!(
        answer(&holder.issuers(), &token, request(&forged)),
        Err("proof.invalid")
    );
}

#[test]
fn a_proof_of_another_request() {
    let holder = Holder::new("EdDSA");
    let issuers = holder.issuers();
    let token = holder.token();
    let proof = holder.proof(&token);
    for (method, uri, expected) in [
        ("GET", "https://API.example:443/things#x", Ok(())),
        ("POST", URI, Err("proof.invalid")),
        ("get", URI, Err("proof.invalid")),
        ("GET", "https://api.example/other", Err("proof.invalid")),
        ("GET", "http://api.example/things", Err("proof.invalid")),
        ("GET", "https://evil.example/things", Err("proof.invalid")),
        ("GET", "", Err("proof.invalid")),
    ] {
        let request = DpopRequest {
            method,
            uri,
            ..request(&proof)
        };
        assert_eq!(
            answer(&issuers, &token, request).map(drop),
            expected,
            "{method} {uri}"
        );
    }
    // A proof made for another token.
    let other = holder.proof(&holder.issuer.token(&claims()));
    assert_eq!(
        answer(&issuers, &token, request(&other)),
        Err("proof.invalid")
    );
}

#[test]
fn proofs_too_old_or_too_new() {
    let holder = Holder::new("EdDSA");
    let token = holder.token();
    for (iat, fits) in [
        (json!(NOW - 60), true),
        (json!(NOW - 61), false),
        (json!(NOW + 5), true),
        (json!(NOW + 6), false),
        (json!("x"), false),
        (json!(-1), false),
        (json!(null), false),
    ] {
        let mut claims = Holder::claims(&token);
        claims["iat"] = iat.clone();
        let proof = holder
            .holder
            .token_of(&holder.header().to_string(), &claims.to_string());
        let answer = answer(&holder.issuers(), &token, request(&proof));
        assert_eq!(answer.is_ok(), fits, "{iat} {answer:?}");
    }
}

#[test]
fn the_servers_nonce_must_be_in_the_proof() {
    let holder = Holder::new("EdDSA");
    let token = holder.token();
    let plain = holder.proof(&token);
    let mut claims = Holder::claims(&token);
    claims["nonce"] = json!("n-1");
    let with_nonce = holder
        .holder
        .token_of(&holder.header().to_string(), &claims.to_string());
    let ask = |proof, nonce| {
        let request = DpopRequest {
            nonce: Some(nonce),
            ..request(proof)
        };
        answer(&holder.issuers(), &token, request).map(drop)
    };
    assert_eq!(ask(&with_nonce, "n-1"), Ok(()));
    assert_eq!(ask(&with_nonce, "n-2"), Err("proof.invalid"));
    assert_eq!(ask(&plain, "n-1"), Err("proof.invalid"));
}

#[test]
fn malformed_proofs() {
    let holder = Holder::new("EdDSA");
    let token = holder.token();
    let good = Holder::claims(&token);
    let sign = |header: &Value, claims: &Value| {
        holder
            .holder
            .token_of(&header.to_string(), &claims.to_string())
    };
    let mut proofs = vec![
        "".to_owned(),
        "x".to_owned(),
        token.clone(),
        "a.b.c.d.e".to_owned(),
    ];
    for (member, value) in [
        ("typ", json!("JWT")),
        ("typ", json!(null)),
        ("alg", json!("none")),
        ("alg", json!("HS256")),
        ("alg", json!("ES256")),
        ("jwk", json!(null)),
        ("jwk", json!({})),
        ("jwk", json!({"kty": "oct", "k": "AAAA"})),
        ("jwk", bare(&ec("ES256"))),
        ("crit", json!(["x"])),
    ] {
        let mut header = holder.header();
        header[member] = value;
        proofs.push(sign(&header, &good));
    }
    // A private key in the header (RFC 9449 §4.3, check 7).
    let mut header = holder.header();
    header["jwk"]["d"] = json!(b64([1; 32]));
    proofs.push(sign(&header, &good));
    for claim in ["jti", "htm", "htu", "iat", "ath"] {
        for value in [None, Some(json!(null)), Some(json!("")), Some(json!([1]))] {
            let mut claims = good.clone();
            match value {
                None => drop(claims.as_object_mut().unwrap().remove(claim)),
                Some(value) => claims[claim] = value,
            }
            proofs.push(sign(&holder.header(), &claims));
        }
    }
    for proof in proofs {
        let refused = answer(&holder.issuers(), &token, request(&proof));
        assert_eq!(refused, Err("proof.invalid"), "{proof}");
    }
}

#[test]
fn mutual_tls() {
    let key = ed();
    let issuers = issuers(&[entry(&key)]);
    let certificate = b"any bytes will do for a certificate";
    let token = key.token(&with("cnf", json!({"x5t#S256": b64(sha256(certificate))})));
    let shown = |certificate: Option<ClientCertificate>| {
        let options = VerifyOptions {
            certificate,
            ..VerifyOptions::default()
        };
        code_of(issuers.verify(token.as_bytes(), UnixSeconds(NOW), &options))
    };
    assert_eq!(shown(None), "proof.missing");
    assert_eq!(
        shown(Some(ClientCertificate::from_der(certificate))),
        "accepted"
    );
    assert_eq!(
        shown(Some(ClientCertificate::from_der(b"another"))),
        "proof.mismatch"
    );
    let digest: [u8; 32] = sha256(certificate).try_into().unwrap();
    assert_eq!(
        shown(Some(ClientCertificate::from_sha256(digest))),
        "accepted"
    );
}

#[test]
fn a_token_bound_twice_needs_both_proofs() {
    let holder = Holder::new("EdDSA");
    let cnf = json!({"jkt": thumbprint(&holder.holder.jwk("")), "x5t#S256": b64(sha256(b"c"))});
    let token = holder.issuer.token(&with("cnf", cnf));
    let proof = holder.proof(&token);
    let certificate = Some(ClientCertificate::from_der(b"c"));
    for (dpop, certificate, expected) in [
        (Some(request(&proof)), certificate, "accepted"),
        (None, certificate, "proof.missing"),
        (Some(request(&proof)), None, "proof.missing"),
    ] {
        let options = VerifyOptions {
            dpop,
            certificate,
            audience: None,
        };
        let answer = holder
            .issuers()
            .verify(token.as_bytes(), UnixSeconds(NOW), &options);
        assert_eq!(code_of(answer), expected);
    }
}

#[test]
fn confirmations_that_cannot_be_checked() {
    let key = ed();
    let issuers = issuers(&[entry(&key)]);
    for (cnf, expected) in [
        (json!({"jwk": key.jwk("x")}), "proof.unsupported"),
        (json!({"kid": "x"}), "proof.unsupported"),
        (json!({"jku": "https://x"}), "proof.unsupported"),
        (json!({"x5t": "AAAA"}), "proof.unsupported"),
        (json!({}), "token.claim"),
        (json!("x"), "token.claim"),
        (json!({"jkt": "short"}), "token.claim"),
        (json!({"jkt": 1}), "token.claim"),
        (
            json!({"x5t#S256": format!("{}=", b64([1; 32]))}),
            "token.claim",
        ),
    ] {
        assert_eq!(
            code(&issuers, &key.token(&with("cnf", cnf.clone()))),
            expected,
            "{cnf}"
        );
    }
}

#[test]
fn the_cache_never_outlives_a_token() {
    let key = ed();
    let issuers = issuers(&[entry_with(&key, "leeway", json!(60))]);
    let token = key.token(&claims());
    let mut cache = TokenCache::new(8);
    let options = VerifyOptions::default();
    let at = UnixSeconds;
    assert!(
        cache
            .get(b"p", token.as_bytes(), &options, at(NOW))
            .is_none()
    );
    let first = cache
        .verify(&issuers, b"p", token.as_bytes(), at(NOW), &options)
        .unwrap();
    let again = cache
        .get(b"p", token.as_bytes(), &options, at(NOW + 289))
        .unwrap();
    assert_eq!(first, again);
    // Not before it is valid, nor under another policy, audience or token.
    assert!(
        cache
            .get(b"p", token.as_bytes(), &options, at(NOW - 11))
            .is_none()
    );
    assert!(
        cache
            .get(b"q", token.as_bytes(), &options, at(NOW))
            .is_none()
    );
    let other = VerifyOptions {
        audience: Some(AUDIENCE),
        ..options
    };
    assert!(cache.get(b"p", token.as_bytes(), &other, at(NOW)).is_none());
    assert!(
        cache
            .get(b"p", &token.as_bytes()[1..], &options, at(NOW))
            .is_none()
    );
    assert!(
        cache
            .get(b"p", token.as_bytes(), &options, at(NOW))
            .is_some()
    );
    // At `exp` it is gone, whatever leeway the issuer has.
    assert!(
        cache
            .get(b"p", token.as_bytes(), &options, at(NOW + 290))
            .is_none()
    );
    assert!(cache.is_empty());
}

#[test]
fn the_cache_is_bounded_and_drops_what_expires_first() {
    let key = ed();
    let issuers = issuers(&[entry(&key)]);
    let mut cache = TokenCache::new(2);
    let options = VerifyOptions::default();
    let tokens: Vec<_> = [30, 10, 20]
        .iter()
        .map(|s| key.token(&with("exp", json!(NOW + s))))
        .collect();
    for token in &tokens {
        cache
            .verify(&issuers, b"p", token.as_bytes(), UnixSeconds(NOW), &options)
            .unwrap();
        cache
            .verify(&issuers, b"p", token.as_bytes(), UnixSeconds(NOW), &options)
            .unwrap();
    }
    assert_eq!(cache.len(), 2);
    let held: Vec<_> = tokens
        .iter()
        .map(|token| {
            cache
                .get(b"p", token.as_bytes(), &options, UnixSeconds(NOW))
                .is_some()
        })
        .collect();
    assert_eq!(held, [true, false, true]);
    let mut none = TokenCache::new(0);
    none.verify(
        &issuers,
        b"p",
        tokens[0].as_bytes(),
        UnixSeconds(NOW),
        &options,
    )
    .unwrap();
    assert!(none.is_empty());
}

#[test]
fn the_cache_keeps_neither_bound_tokens_nor_refusals() {
    let holder = Holder::new("EdDSA");
    let issuers = holder.issuers();
    let token = holder.token();
    let proof = holder.proof(&token);
    let mut cache = TokenCache::new(8);
    let proven = VerifyOptions {
        dpop: Some(request(&proof)),
        ..VerifyOptions::default()
    };
    cache
        .verify(&issuers, b"p", token.as_bytes(), UnixSeconds(NOW), &proven)
        .unwrap();
    assert!(cache.is_empty());
    let options = VerifyOptions::default();
    let refused = cache.verify(&issuers, b"p", token.as_bytes(), UnixSeconds(NOW), &options);
    assert_eq!(code_of(refused), "proof.missing");
    assert!(cache.is_empty());
}
