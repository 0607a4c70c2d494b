//! Attacks on trust: whose token it is, for whom, of which kind, and whether it
//! was taken back.

use crate::forge::*;
use deputize::time::UnixSeconds;
use deputize::token::{IssuerConfig, Issuers, VerifyOptions};
use serde_json::{Value, json};

fn for_audience(issuers: &Issuers, token: &str, audience: &str) -> &'static str {
    let options = VerifyOptions {
        audience: Some(audience),
        ..VerifyOptions::default()
    };
    code_of(issuers.verify(token.as_bytes(), UnixSeconds(NOW), &options))
}

/// FB5: a token of an issuer that the snapshot does not name.
#[test]
fn fb5_unknown_issuer() {
    let key = ed();
    let issuers = issuers(&[entry(&key)]);
    for name in [
        "https://evil.example",
        "https://id.example/",
        "https://ID.example",
        "http://id.example",
        "https://id.example ",
        "",
    ] {
        assert_eq!(
            code(&issuers, &key.token(&with("iss", json!(name)))),
            "issuer.unknown",
            "{name}"
        );
    }
    assert_eq!(
        code(&Issuers::default(), &key.token(&claims())),
        "issuer.unknown"
    );
}

/// FB7: the same subject of another issuer is someone else.
#[test]
fn fb7_identity_is_issuer_and_subject() {
    let (ours, theirs) = (ed(), ed());
    let mut other = entry(&theirs);
    other["issuer"] = json!("https://other.example");
    let issuers = issuers(&[entry(&ours), other]);
    let a = verify(&issuers, &ours.token(&claims())).unwrap();
    let b = verify(
        &issuers,
        &theirs.token(&with("iss", json!("https://other.example"))),
    )
    .unwrap();
    assert_eq!(a.claims.subject, b.claims.subject);
    assert_ne!(a.claims.issuer, b.claims.issuer);
    assert_eq!((a.issuer, b.issuer), (0, 1));
    // And neither key speaks for the other's issuer.
    assert_eq!(code(&issuers, &theirs.token(&claims())), "token.signature");
}

#[test]
fn an_array_or_no_iss() {
    let key = ed();
    let issuers = issuers(&[entry(&key)]);
    for name in [
        json!([ISSUER]),
        json!([ISSUER, "x"]),
        json!({"a": 1}),
        json!(1),
        json!(true),
    ] {
        assert_eq!(
            code(&issuers, &key.token(&with("iss", name))),
            "token.claim"
        );
    }
    assert_eq!(
        code(&issuers, &key.token(&with("iss", Value::Null))),
        "issuer.missing"
    );
}

#[test]
fn claims_of_a_wrong_kind() {
    let key = ed();
    let mut entry = entry(&key);
    entry["tenant_claim"] = json!("tid");
    entry["task_claim"] = json!("task");
    let issuers = issuers(&[entry]);
    for claim in ["sub", "jti", "tid", "task"] {
        for value in [json!(1), json!(["x"]), json!({"x": 1}), json!(true)] {
            assert_eq!(
                code(&issuers, &key.token(&with(claim, value))),
                "token.claim",
                "{claim}"
            );
        }
    }
    let mut good = with("tid", json!("acme"));
    good["task"] = json!("task:17");
    good["groups"] = json!(["a"]);
    let claims = verify(&issuers, &key.token(&good)).unwrap().claims;
    assert_eq!(
        (claims.tenant.as_deref(), claims.task.as_deref()),
        (Some("acme"), Some("task:17"))
    );
    assert_eq!(claims.get("groups"), Some(&json!(["a"])));
}

#[test]
fn a_wrong_typ() {
    let key = ed();
    let good = claims().to_string();
    let token = |typ: &str| {
        key.token_of(
            &json!({"alg": "EdDSA", "kid": "k1", "typ": typ}).to_string(),
            &good,
        )
    };
    let untyped = key.token_of(r#"{"alg":"EdDSA","kid":"k1"}"#, &good);
    let usual = issuers(&[entry(&key)]);
    for typ in [
        "dpop+jwt",
        "logout+jwt",
        "secevent+jwt",
        "id_token",
        "",
        "JWT2",
        "at+jwt ",
    ] {
        assert_eq!(code(&usual, &token(typ)), "token.type", "{typ}");
    }
    for typ in [
        "JWT",
        "jwt",
        "at+jwt",
        "AT+JWT",
        "application/at+jwt",
        "Application/JWT",
    ] {
        assert_eq!(code(&usual, &token(typ)), "accepted", "{typ}");
    }
    assert_eq!(code(&usual, &untyped), "accepted");
    // An issuer that types its tokens leaves no room for untyped ones.
    let strict = issuers(&[entry_with(&key, "typ", json!(["at+jwt"]))]);
    assert_eq!(code(&strict, &token("JWT")), "token.type");
    assert_eq!(code(&strict, &untyped), "token.type");
    assert_eq!(code(&strict, &token("at+jwt")), "accepted");
}

#[test]
fn a_missing_aud() {
    let key = ed();
    let issuers = issuers(&[entry(&key)]);
    assert_eq!(
        code(&issuers, &key.token(&with("aud", Value::Null))),
        "audience.missing"
    );
    assert_eq!(
        code(&issuers, &key.token(&with("aud", json!([])))),
        "audience.missing"
    );
    for aud in [
        json!(1),
        json!({"a": 1}),
        json!([1]),
        json!([AUDIENCE, null]),
    ] {
        assert_eq!(code(&issuers, &key.token(&with("aud", aud))), "token.claim");
    }
}

#[test]
fn aud_left_out_where_the_issuer_says_so() {
    let key = ed();
    let issuers = issuers(&[entry_with(&key, "audience_required", json!(false))]);
    let token = key.token(&with("aud", Value::Null));
    assert_eq!(code(&issuers, &token), "accepted");
    // Where there is one, it counts; and a host that names itself needs one.
    assert_eq!(
        code(&issuers, &key.token(&with("aud", json!("x")))),
        "audience.mismatch"
    );
    assert_eq!(for_audience(&issuers, &token, AUDIENCE), "audience.missing");
}

#[test]
fn a_token_for_another_audience() {
    let key = ed();
    let one = issuers(&[entry(&key)]);
    for aud in [
        "https://other.example",
        "https://api.example/",
        "https://API.example",
        "",
    ] {
        assert_eq!(
            code(&one, &key.token(&with("aud", json!(aud)))),
            "audience.mismatch",
            "{aud}"
        );
    }
    let token = key.token(&with("aud", json!(["https://b.example", AUDIENCE])));
    assert_eq!(code(&one, &token), "accepted");
    assert_eq!(for_audience(&one, &token, AUDIENCE), "accepted");
    // The host is one of the token's audiences, but the issuer is not trusted
    // for it.
    assert_eq!(
        for_audience(&one, &token, "https://b.example"),
        "audience.mismatch"
    );
    let both = json!([AUDIENCE, "https://b.example"]);
    let two = issuers(&[entry_with(&key, "audiences", both)]);
    let token = key.token(&claims());
    assert_eq!(for_audience(&two, &token, AUDIENCE), "accepted");
    assert_eq!(
        for_audience(&two, &token, "https://b.example"),
        "audience.mismatch"
    );
}

#[test]
fn an_issuer_without_audiences_accepts_nothing_unasked() {
    let key = ed();
    let issuers = issuers(&[entry_with(&key, "audiences", json!([]))]);
    let token = key.token(&claims());
    assert_eq!(code(&issuers, &token), "audience.mismatch");
    assert_eq!(for_audience(&issuers, &token, AUDIENCE), "accepted");
}

/// FZ1: what authentik's client-credentials grant returns.
#[test]
fn fz1_authentik_shaped_token() {
    let key = rsa("RS256");
    let mut entry = entry(&key);
    entry["issuer"] = json!("https://auth.example/application/o/fuzefront/");
    entry["audiences"] = json!(["client-7"]);
    let issuers = issuers(&[entry]);
    let shaped = json!({
        "iss": "https://auth.example/application/o/fuzefront/", "sub": "ak-client-7-client_credentials",
        "aud": "client-7", "exp": NOW + 300, "iat": NOW, "auth_time": NOW,
        "acr": "goauthentik.io/providers/oauth2/default", "azp": "client-7", "uid": "x9",
        "groups": ["agents"],
    });
    let header = json!({"alg": "RS256", "kid": "k1", "typ": "JWT"}).to_string();
    let claims = verify(&issuers, &key.token_of(&header, &shaped.to_string()))
        .unwrap()
        .claims;
    assert_eq!(claims.get("azp"), Some(&json!("client-7")));
    assert!(claims.actors.is_empty(), "`azp` alone is no delegation");
    assert_eq!((claims.get("scope"), claims.id.as_ref()), (None, None));
}

/// FZ6: only standard tokens are verified.
#[test]
fn fz6_opaque_hashed_tokens_are_refused() {
    let key = ed();
    let issuers = issuers(&[entry(&key)]);
    for token in [
        "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8",
        "ffk_9pQ2x7LmN0",
        "$2b$12$KIXQ0yV0p8mJq8y",
        "sha256:5e88.4898.da28",
    ] {
        assert_eq!(code(&issuers, token), "token.malformed", "{token}");
    }
}

#[test]
fn a_revoked_token() {
    let key = ed();
    let revoked = compile(&[entry(&key)], json!({"tokens": ["t-1"]})).unwrap();
    assert_eq!(code(&revoked, &key.token(&claims())), "revoked.token");
    assert_eq!(
        code(&revoked, &key.token(&with("jti", json!("t-2")))),
        "accepted"
    );
    assert_eq!(
        code(&revoked, &key.token(&with("jti", Value::Null))),
        "accepted"
    );
}

#[test]
fn a_revoked_key() {
    let key = ed();
    let keys = json!({"keys": [{"issuer": ISSUER, "kid": "k1"}]});
    let revoked = compile(&[entry(&key)], keys).unwrap();
    assert_eq!(code(&revoked, &key.token(&claims())), "revoked.key");
    for other in [
        json!({"keys": [{"issuer": ISSUER, "kid": "k2"}]}),
        json!({"keys": [{"issuer": "https://other.example", "kid": "k1"}]}),
    ] {
        assert_eq!(
            code(
                &compile(&[entry(&key)], other).unwrap(),
                &key.token(&claims())
            ),
            "accepted"
        );
    }
}

#[test]
fn a_revoked_principal() {
    let key = ed();
    let issuers = compile(&[entry(&key)], json!({"principals": {"agent:x": NOW - 10}})).unwrap();
    let revoked = issuers.revoked();
    let check = |principal: &str, issued_at: Option<u64>| {
        code_of(revoked.check_principal(principal, issued_at.map(UnixSeconds)))
    };
    assert_eq!(check("agent:x", Some(NOW - 11)), "revoked.principal");
    assert_eq!(check("agent:x", Some(NOW - 10)), "accepted");
    assert_eq!(check("agent:x", None), "revoked.principal");
    assert_eq!(check("agent:y", None), "accepted");
    let issued_at = verify(&issuers, &key.token(&claims()))
        .unwrap()
        .claims
        .issued_at;
    assert_eq!(issued_at, Some(UnixSeconds(NOW - 10)));
}

#[test]
fn a_misspelt_member_of_an_entry_is_an_error() {
    let key = ed();
    for member in ["audience", "Issuer", "max_life_time", "crit"] {
        let entry = entry_with(&key, member, json!(1));
        assert!(
            serde_json::from_value::<IssuerConfig>(entry).is_err(),
            "{member}"
        );
    }
    for (member, value) in [
        ("issuer", json!("")),
        ("typ", json!([])),
        ("typ", json!([""])),
        ("audiences", json!([""])),
    ] {
        assert_eq!(refusal(entry_with(&key, member, value)).0, "issuer.empty");
    }
    assert_eq!(
        refusal(entry_with(&key, "algorithms", json!([]))).0,
        "issuer.algorithms"
    );
}

#[test]
fn the_entry_of_the_design_is_read() {
    let key = rsa("RS256");
    let mut entry = json!({
        "issuer": "https://id.example", "audiences": ["https://api.example"], "algorithms": ["RS256"],
        "keys": {"keys": []},
        "typ": ["at+jwt", "JWT"], "leeway": 0, "max_lifetime": 3600,
        "subject": "user:{sub}", "actor": "agent:{sub}",
        "chain": "rfc8693", "scopes": "required",
        "tenant_claim": "tid", "task_claim": "task",
        "claims": [{"claim": "groups", "tuple": {"user": "{subject}", "relation": "member", "object": "group:{value}"}}],
    });
    entry["keys"]["keys"] = json!([key.jwk("k1")]);
    let issuers = issuers(&[entry]);
    let token = |claims: &Value| code(&issuers, &key.token(claims));
    assert_eq!(token(&with("tid", json!("acme"))), "accepted");
    // A tenant that is declared is one that every token has.
    assert_eq!(token(&claims()), "token.claim_absent");
    assert_eq!(token(&with("tid", json!(""))), "token.claim");
}
