//! Attacks on times: too late, too early, too long, not a time at all.

use crate::forge::*;
use serde_json::{Value, json};

#[test]
fn expiry_is_exclusive() {
    let key = ed();
    let issuers = issuers(&[entry(&key)]);
    let token = key.token(&claims());
    let at = |now| code_of(verify_at(&issuers, &token, now));
    assert_eq!(at(NOW + 289), "accepted");
    assert_eq!(at(NOW + 290), "token.expired");
    assert_eq!(at(u64::MAX), "token.expired");
}

/// AR13: a lifetime of 300 seconds.
#[test]
fn ar13_ttl_of_300_seconds() {
    let key = ed();
    let issuers = issuers(&[entry_with(&key, "max_lifetime", json!(300))]);
    let mut claims = claims();
    for (claim, time) in [("iat", NOW), ("nbf", NOW), ("exp", NOW + 300)] {
        claims[claim] = json!(time);
    }
    let token = key.token(&claims);
    assert_eq!(code_of(verify_at(&issuers, &token, NOW + 299)), "accepted");
    assert_eq!(
        code_of(verify_at(&issuers, &token, NOW + 301)),
        "token.expired"
    );
}

#[test]
fn leeway_moves_each_bound_and_has_a_limit() {
    let key = ed();
    let issuers = issuers(&[entry_with(&key, "leeway", json!(30))]);
    let token = key.token(&claims());
    let at = |now| code_of(verify_at(&issuers, &token, now));
    assert_eq!(at(NOW + 290 + 29), "accepted");
    assert_eq!(at(NOW + 290 + 30), "token.expired");
    assert_eq!(at(NOW - 10 - 30), "accepted");
    assert_eq!(at(NOW - 10 - 31), "token.not_yet_valid");
    assert_eq!(
        refusal(entry_with(&key, "leeway", json!(301))).0,
        "issuer.leeway"
    );
}

#[test]
fn nbf_and_iat_in_the_future() {
    let key = ed();
    let issuers = issuers(&[entry(&key)]);
    for claim in ["nbf", "iat"] {
        let token = key.token(&with(claim, json!(NOW + 1)));
        assert_eq!(code(&issuers, &token), "token.not_yet_valid", "{claim}");
        let token = key.token(&with(claim, json!(NOW)));
        assert_eq!(code(&issuers, &token), "accepted");
    }
    assert_eq!(
        code_of(verify_at(&issuers, &key.token(&claims()), 0)),
        "token.not_yet_valid"
    );
}

#[test]
fn a_far_future_exp() {
    let key = ed();
    let issuers = issuers(&[entry(&key)]);
    // Where nothing is said, a day is the limit.
    assert_eq!(
        code(&issuers, &key.token(&with("exp", json!(NOW - 10 + 86_400)))),
        "accepted"
    );
    assert_eq!(
        code(&issuers, &key.token(&with("exp", json!(NOW - 10 + 86_401)))),
        "token.lifetime"
    );
    assert_eq!(
        code(
            &issuers,
            &key.token(&with("exp", json!(253_402_300_799_u64)))
        ),
        "token.lifetime"
    );
}

#[test]
fn a_lifetime_cannot_be_hidden_by_leaving_out_iat() {
    let key = ed();
    let issuers = issuers(&[entry_with(&key, "max_lifetime", json!(300))]);
    let mut claims = with("iat", Value::Null);
    claims["exp"] = json!(NOW + 300);
    assert_eq!(code(&issuers, &key.token(&claims)), "accepted");
    claims["exp"] = json!(NOW + 301);
    assert_eq!(code(&issuers, &key.token(&claims)), "token.lifetime");
}

#[test]
fn a_missing_exp() {
    let key = ed();
    let issuers = issuers(&[entry(&key)]);
    assert_eq!(
        code(&issuers, &key.token(&with("exp", Value::Null))),
        "token.claim_missing"
    );
}

#[test]
fn times_that_are_no_times() {
    let key = ed();
    let issuers = issuers(&[entry(&key)]);
    let odd = [
        "-1",
        "-0.5",
        "\"1763725500\"",
        "true",
        "[1763725500]",
        "{}",
        "null",
        "1e300",
        "253402300800",
        "1763725500000",
        "18446744073709551615",
        "18446744073709551616",
        "-9223372036854775808",
    ];
    for claim in ["exp", "nbf", "iat"] {
        for text in odd {
            let mut claims = claims();
            claims.as_object_mut().unwrap().remove(claim);
            let open = claims.to_string();
            let open = open.trim_end_matches('}');
            let token = key.token_of(
                &header("EdDSA", "k1"),
                &format!("{open},\"{claim}\":{text}}}"),
            );
            assert_eq!(code(&issuers, &token), "token.claim", "{claim} {text}");
        }
    }
}

#[test]
fn fractions_shorten_a_tokens_life() {
    let key = ed();
    let issuers = issuers(&[entry(&key)]);
    let token = key.token(&with("exp", json!(NOW as f64 + 0.9)));
    assert_eq!(code(&issuers, &token), "token.expired");
    let token = key.token(&with("exp", json!(NOW as f64 + 1.1)));
    assert_eq!(
        verify(&issuers, &token).unwrap().claims.expires_at.0,
        NOW + 1
    );
    let token = key.token(&with("nbf", json!(NOW as f64 - 0.5)));
    assert_eq!(
        verify(&issuers, &token)
            .unwrap()
            .claims
            .not_before
            .unwrap()
            .0,
        NOW
    );
    let token = key.token(&with("nbf", json!(NOW as f64 + 0.1)));
    assert_eq!(code(&issuers, &token), "token.not_yet_valid");
}
