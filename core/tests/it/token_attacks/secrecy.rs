//! Secrets and tokens never appear in what is shown.

use crate::forge::*;
use deputize::time::UnixSeconds;
use deputize::token::{DpopRequest, IssuerConfig, TokenCache, VerifyOptions};
use serde_json::json;

/// Fails where `shown` holds a secret in any of its forms.
fn clean(what: &str, shown: &str, secrets: &[&[u8]]) {
    for secret in secrets {
        let numbers: Vec<_> = secret.iter().take(8).map(u8::to_string).collect();
        let forms = [
            String::from_utf8_lossy(secret).into_owned(),
            b64(secret),
            numbers.join(", "),
        ];
        for form in forms {
            assert!(!shown.contains(&form), "{what} shows {form}: {shown}");
        }
    }
}

#[test]
fn shared_secrets_are_not_shown() {
    let key = secret("HS256");
    let config: IssuerConfig = serde_json::from_value(entry(&key)).unwrap();
    clean("the entry", &format!("{config:?} {config:#?}"), &[SECRET]);
    let issuers = issuers(&[entry(&key)]);
    clean(
        "the issuers",
        &format!("{issuers:?} {issuers:#?}"),
        &[SECRET],
    );
    let forged = Key::Secret(vec![1; 32], "HS256").token(&claims());
    let error = verify(&issuers, &forged).unwrap_err();
    clean("a refusal", &format!("{error} {error:?}"), &[SECRET]);
    // Nor by a key that is refused for being weak, private or malformed.
    let short = Key::Secret(b"abcdefghijkl".to_vec(), "HS256");
    let error = compile(&[entry(&short)], json!({})).unwrap_err();
    clean(
        "a weak key",
        &format!("{error} {error:?}"),
        &[b"abcdefghijkl"],
    );
    let mut jwk = ed().jwk("k1");
    jwk["d"] = json!(b64(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef"));
    let error = compile(
        &[entry_with(&ed(), "keys", json!({"keys": [jwk]}))],
        json!({}),
    )
    .unwrap_err();
    clean(
        "a private key",
        &format!("{error} {error:?}"),
        &[b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef"],
    );
}

#[test]
fn tokens_are_not_shown() {
    let key = ed();
    let issuers = issuers(&[entry(&key)]);
    let token = key.token(&claims());
    let now = UnixSeconds(NOW);
    let segments: Vec<&[u8]> = token.split('.').skip(1).map(str::as_bytes).collect();
    let check = |what: &str, shown: String| {
        for segment in &segments {
            assert!(
                !shown.contains(std::str::from_utf8(segment).unwrap()),
                "{what}: {shown}"
            );
        }
        let numbers: Vec<_> = segments[1].iter().take(8).map(u8::to_string).collect();
        assert!(!shown.contains(&numbers.join(", ")), "{what}: {shown}");
    };
    let options = VerifyOptions::default();
    let prepared = issuers.prepare(token.as_bytes(), now, &options).unwrap();
    check("prepared", format!("{prepared:?}"));
    let parsed = deputize::token::jws::Jws::parse(token.as_bytes()).unwrap();
    check("taken apart", format!("{parsed:?}"));
    let mut cache = TokenCache::new(4);
    cache
        .verify(&issuers, b"p", token.as_bytes(), now, &options)
        .unwrap();
    check("the cache", format!("{cache:?}"));
    let proof = DpopRequest {
        proof: &token,
        method: "GET",
        uri: "https://x",
        nonce: Some("n-secret"),
        max_age: 1,
        max_ahead: 1,
    };
    check("a proof", format!("{proof:?}"));
    assert!(!format!("{proof:?}").contains("n-secret"));
    // And by no refusal, wherever in the token the fault lies.
    let mut refused = vec![
        token.replacen('.', "..", 1),
        format!("{token}="),
        format!(" {token}"),
        format!("{token}.x"),
        token[1..].to_owned(),
    ];
    refused.push(key.token(&with("exp", json!(NOW))));
    refused.push(key.token(&with("aud", json!("x"))));
    refused.push(ed().token(&claims()));
    for text in refused {
        let error = verify(&issuers, &text).unwrap_err();
        check("a refusal", format!("{error} {error:?}"));
        let longest = text.split('.').max_by_key(|segment| segment.len()).unwrap();
        assert!(!format!("{error} {error:?}").contains(longest));
    }
}
