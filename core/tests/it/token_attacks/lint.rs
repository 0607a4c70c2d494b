//! What `inspect` says of a token that it does not verify.

use crate::forge::*;
use deputize::time::UnixSeconds;
use deputize::token::{Severity, inspect};
use serde_json::{Value, json};

fn codes(token: &str) -> Vec<&'static str> {
    let inspection = inspect(token, Some(UnixSeconds(NOW)));
    assert!(!inspection.verified);
    inspection
        .findings
        .iter()
        .map(|finding| finding.code)
        .collect()
}

#[test]
fn a_good_token_has_no_findings_and_is_still_not_verified() {
    let token = ed().token(&claims());
    assert_eq!(codes(&token), [""; 0]);
    assert_eq!(codes(&format!("Bearer {token}\n")), [""; 0]);
    let shown = serde_json::to_value(inspect(&token, None)).unwrap();
    assert_eq!(shown["verified"], false);
    assert_eq!(shown["claims"]["sub"], "u-1");
    assert_eq!(shown["header"]["kid"], "k1");
}

#[test]
fn each_fault_has_its_finding() {
    let key = ed();
    let good = claims().to_string();
    let headed = |header: Value| key.token_of(&header.to_string(), &good);
    let cases = [
        (
            headed(json!({"alg": "nOnE", "kid": "k1", "typ": "JWT"})),
            "token.algorithm",
        ),
        (
            headed(json!({"alg": "ES512", "kid": "k1", "typ": "JWT"})),
            "token.algorithm",
        ),
        (headed(json!({"kid": "k1", "typ": "JWT"})), "token.header"),
        (
            headed(json!({"alg": "HS256", "kid": "k1", "typ": "JWT"})),
            "lint.shared_secret",
        ),
        (headed(json!({"alg": "EdDSA", "typ": "JWT"})), "key.unknown"),
        (
            headed(json!({"alg": "EdDSA", "kid": 1, "typ": "JWT"})),
            "token.header",
        ),
        (headed(json!({"alg": "EdDSA", "kid": "k1"})), "lint.untyped"),
        (
            headed(json!({"alg": "EdDSA", "kid": "k1", "typ": "JWT", "jku": "x"})),
            "lint.embedded_key",
        ),
        (
            headed(json!({"alg": "EdDSA", "kid": "k1", "typ": "JWT", "jwk": {}})),
            "lint.embedded_key",
        ),
        (
            headed(json!({"alg": "EdDSA", "kid": "k1", "typ": "JWT", "crit": []})),
            "token.critical",
        ),
        (key.token(&with("iss", Value::Null)), "issuer.missing"),
        (key.token(&with("iss", json!([1]))), "token.claim"),
        (key.token(&with("aud", Value::Null)), "audience.missing"),
        (
            key.token(&with("aud", json!(["a", "b"]))),
            "lint.many_audiences",
        ),
        (key.token(&with("exp", Value::Null)), "token.claim_missing"),
        (key.token(&with("exp", json!("x"))), "token.claim"),
        (key.token(&with("exp", json!(NOW))), "token.expired"),
        (
            key.token(&with("exp", json!(NOW + 90_000))),
            "lint.long_lifetime",
        ),
        (
            key.token(&with("nbf", json!(NOW + 9))),
            "token.not_yet_valid",
        ),
        (key.token(&with("act", json!("x"))), "token.claim"),
        ("opaque-token".to_owned(), "token.malformed"),
        ("a.b.c.d.e".to_owned(), "token.malformed"),
        ("{\"payload\":\"\"}".to_owned(), "token.malformed"),
        (
            format!("{}.{}.", b64(header("EdDSA", "k1")), b64(&good)),
            "token.signature",
        ),
        ("x".repeat(70_000), "token.too_large"),
    ];
    for (token, expected) in cases {
        let found = codes(&token);
        assert!(
            found.contains(&expected),
            "{expected} is not among {found:?}"
        );
    }
}

/// AR12: the article's token, agent in `sub` and human in `act`.
#[test]
fn ar12_the_inverse_convention_is_pointed_out() {
    let key = ed();
    let inverse = |sub: &str, act: &str| {
        let mut claims = with("sub", json!(sub));
        claims["act"] = json!({ "sub": act });
        codes(&key.token(&claims))
    };
    assert_eq!(
        inverse("document-agent", "jane@bank.example"),
        ["lint.inverse_act"]
    );
    assert_eq!(inverse("jane@bank.example", "document-agent"), [""; 0]);
    assert_eq!(inverse("calendar-agent", "document-agent"), [""; 0]);
}

#[test]
fn a_scope_for_every_action_is_pointed_out() {
    let key = ed();
    let found = |name: &str, value: serde_json::Value| codes(&key.token(&with(name, value)));
    for wide in [json!("*"), json!("document:read *"), json!("*:*")] {
        assert_eq!(found("scope", wide), ["lint.wide_scope"]);
    }
    assert_eq!(found("scp", json!(["a", "*"])), ["lint.wide_scope"]);
    for narrow in [json!("document:*"), json!(""), json!(7)] {
        assert_eq!(found("scope", narrow), [""; 0]);
    }
}

#[test]
fn parts_are_shown_even_where_they_are_refused() {
    let key = ed();
    let token = key.token_of(&header("EdDSA", "k1"), r#"{"sub":"a","sub":"b"}"#);
    let inspection = inspect(&token, None);
    assert_eq!(inspection.findings[0].code, "token.duplicate_member");
    assert_eq!(inspection.findings[0].severity, Severity::Error);
    assert_eq!(inspection.claims.unwrap()["sub"], "b");
}
