//! Tokens by themselves: form, issuer, key, signature, claims, proof,
//! revocation; and the stale snapshot, which is looked at before any of them.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::keys::{encode, header, public, token, token_with, unsigned};
use super::readings;
use super::snapshots::{AUDIENCE, ISSUER};
use super::{Case, NOW, case};

/// Signed once, since each signing of ES256 comes out otherwise.
const ES256: &str = "eyJhbGciOiJFUzI1NiIsImtpZCI6InRlc3QtZWMiLCJ0eXAiOiJhdCtqd3QifQ.eyJhdWQiOiJodHRwczovL2FwaS5leGFtcGxlIiwiZXhwIjoxNzYzNzI1NDkwLCJpYXQiOjE3NjM3MjUxOTAsImlzcyI6Imh0dHBzOi8vZWMuZXhhbXBsZSIsImp0aSI6InQtZWMiLCJzY29wZSI6InVua25vd24iLCJzdWIiOiJhbm5lIn0.eIiJeJeNGsZaGuYL5bMNlbg_dL3P885VgN2CiY5wgHiUU0BiDwzTOI0vcRfm9Yf_QEA3wl6MoNcMhk1Jckm-3w";

/// Claims of anne that nothing is wrong with.
pub(super) fn claims() -> Value {
    json!({
        "iss": ISSUER, "sub": "anne", "aud": AUDIENCE, "jti": "t-1",
        "iat": NOW - 10, "nbf": NOW - 10, "exp": NOW + 290,
    })
}

/// Those claims with some members replaced, or removed where they are null.
pub(super) fn with(members: Value) -> Value {
    let mut claims = claims();
    for (name, value) in members.as_object().unwrap() {
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value.clone();
        }
    }
    claims
}

/// Whether `token` may read document 1.
pub(super) fn reads(token: &str) -> Value {
    json!({"token": token, "action": "can_read", "resource": "document:1"})
}

fn good() -> String {
    token("test-ed", &claims())
}

/// The usual token with some claims replaced.
fn signed(members: Value) -> String {
    token("test-ed", &with(members))
}

/// The usual claims under another header.
fn headed(members: Value) -> String {
    let mut own = header("test-ed");
    for (name, value) in members.as_object().unwrap() {
        if value.is_null() {
            own.as_object_mut().unwrap().remove(name);
        } else {
            own[name] = value.clone();
        }
    }
    token_with("test-ed", &own, &claims())
}

pub(super) fn cases() -> Vec<Case> {
    let refused = |code: &'static str, name: &'static str, token: String| {
        case("decide", "bank", code, name, reads(&token))
    };
    let other = |kid: &str, iss: &str, members: Value| {
        let mut claims = with(members);
        claims["iss"] = json!(iss);
        token(kid, &claims)
    };
    let usual = header("test-ed").to_string();
    let text = claims().to_string();
    let good = good();
    let (input, signature) = good.rsplit_once('.').unwrap();
    let flipped = match signature.strip_prefix('A') {
        Some(rest) => format!("B{rest}"),
        None => format!("A{}", &signature[1..]),
    };
    let mut unfit = header("test-ed-2");
    unfit["kid"] = json!("for-encryption");
    let mut odd = claims();
    odd["iss"] = json!("https://odd.example");
    let mut cases = vec![
        case("decide", "bank", "allowed", "EdDSA", reads(&good)),
        case("decide", "bank", "allowed", "ES256", reads(ES256)),
        case(
            "decide",
            "bank",
            "allowed",
            "RS256",
            reads(&other(
                "test-rsa",
                "https://rsa.example",
                json!({"scope": "document:read"}),
            )),
        ),
        case(
            "decide",
            "bank",
            "allowed",
            "HS256, where the issuer's own list says so",
            reads(&other("test-secret", "https://secret.example", json!({}))),
        ),
        case(
            "decide",
            "bank_until_now",
            "allowed",
            "the last second of a snapshot",
            reads(&good),
        ),
        case(
            "decide",
            "bank_stale",
            "snapshot.stale",
            "a snapshot that is over",
            reads(&good),
        ),
        refused(
            "token.too_large",
            "longer than any that is read",
            "A".repeat(65_537),
        ),
        refused("token.malformed", "no token at all", String::new()),
        refused(
            "token.malformed",
            "an opaque token",
            "9f86d081884c7d65".to_owned(),
        ),
        refused("token.malformed", "padding", format!("{good}=")),
        refused(
            "token.malformed",
            "a JWS in its JSON form",
            json!({"payload": encode(&text),
            "protected": encode(&usual), "signature": signature})
            .to_string(),
        ),
        refused(
            "token.malformed",
            "an encrypted token",
            "e30.e30.e30.e30.e30".to_owned(),
        ),
        refused(
            "token.duplicate_member",
            "a claim twice, deep inside",
            unsigned(
                &usual,
                &text.replace("{\"aud\"", "{\"x\":[{\"a\":1,\"a\":2}],\"aud\""),
            ),
        ),
        refused(
            "token.duplicate_member",
            "`alg` twice",
            unsigned(
                &usual.replace("{\"alg\"", "{\"alg\":\"none\",\"alg\""),
                &text,
            ),
        ),
        refused(
            "token.too_deep",
            "an `act` ten thousand deep",
            unsigned(
                &usual,
                &format!(
                    "{{\"act\":{}1{}}}",
                    "{\"act\":".repeat(9_999),
                    "}".repeat(9_999)
                )
                .chars()
                .take(40_000)
                .collect::<String>(),
            ),
        ),
        refused(
            "token.header",
            "without `alg`",
            headed(json!({"alg": null})),
        ),
        refused(
            "token.header",
            "`kid` is a number",
            headed(json!({"kid": 1})),
        ),
        refused("token.header", "compressed", headed(json!({"zip": "DEF"}))),
        refused(
            "token.critical",
            "`crit`",
            headed(json!({"crit": ["exp"], "exp": NOW + 9})),
        ),
        refused(
            "token.critical",
            "`b64` is false",
            headed(json!({"b64": false})),
        ),
        refused(
            "token.algorithm",
            "`none`",
            format!(
                "{}.{}.",
                encode(json!({"alg": "none"}).to_string()),
                encode(&text)
            ),
        ),
        refused("token.algorithm", "`NoNe`", headed(json!({"alg": "NoNe"}))),
        refused(
            "token.algorithm",
            "HS256 with the public key as its secret",
            headed(json!({"alg": "HS256"})),
        ),
        refused(
            "issuer.missing",
            "without `iss`",
            signed(json!({"iss": null})),
        ),
        refused(
            "issuer.unknown",
            "an issuer that nobody trusts",
            signed(json!({"iss": "https://evil.example"})),
        ),
        refused(
            "issuer.unknown",
            "an issuer's name with a slash behind it",
            signed(json!({"iss": format!("{ISSUER}/")})),
        ),
        refused(
            "token.claim",
            "`iss` is a list",
            signed(json!({"iss": [ISSUER]})),
        ),
        refused(
            "token.type",
            "a DPoP proof in place of a token",
            headed(json!({"typ": "dpop+jwt"})),
        ),
        refused(
            "token.type",
            "an ID token",
            headed(json!({"typ": "id+jwt"})),
        ),
        refused(
            "key.unknown",
            "a `kid` that the issuer has not",
            headed(json!({"kid": "other"})),
        ),
        refused(
            "key.unknown",
            "the `kid` of another issuer",
            headed(json!({"kid": "test-ed-2"})),
        ),
        refused("key.unknown", "no `kid`", headed(json!({"kid": null}))),
        refused(
            "key.unknown",
            "a key in the header",
            headed(json!({"kid": null, "jwk": public("test-ed-2")})),
        ),
        refused(
            "key.unfit",
            "a key for encryption",
            token_with("test-ed-2", &unfit, &odd),
        ),
        refused("token.signature", "another key", {
            let mut own = header("test-ed-2");
            own["kid"] = json!("test-ed");
            token_with("test-ed-2", &own, &claims())
        }),
        refused(
            "token.signature",
            "one letter changed",
            format!("{input}.{flipped}"),
        ),
        refused("token.signature", "no signature", format!("{input}.")),
        refused(
            "token.claim",
            "`sub` is a number",
            signed(json!({"sub": 7})),
        ),
        refused(
            "token.claim",
            "`exp` in milliseconds",
            signed(json!({"exp": (NOW + 290) * 1000})),
        ),
        refused(
            "token.claim",
            "groups that name a type",
            signed(json!({"groups": ["a:b"]})),
        ),
        refused(
            "token.claim_missing",
            "without `exp`",
            signed(json!({"exp": null})),
        ),
        refused(
            "token.claim_elsewhere",
            "groups that are elsewhere",
            signed(json!({"_claim_names": {"groups": "src1"}})),
        ),
        refused("token.expired", "`exp` is now", signed(json!({"exp": NOW}))),
        refused(
            "token.not_yet_valid",
            "`nbf` is ahead",
            signed(json!({"nbf": NOW + 1})),
        ),
        refused(
            "token.not_yet_valid",
            "`iat` is ahead",
            signed(json!({"iat": NOW + 1})),
        ),
        refused(
            "token.lifetime",
            "`exp` ten years ahead",
            signed(json!({"exp": NOW + 315_360_000})),
        ),
        refused(
            "audience.missing",
            "without `aud`",
            signed(json!({"aud": null})),
        ),
        refused(
            "audience.mismatch",
            "for somebody else",
            signed(json!({"aud": "https://other.example"})),
        ),
        refused(
            "revoked.token",
            "its `jti` is revoked",
            signed(json!({"jti": "revoked"})),
        ),
        refused(
            "revoked.key",
            "its key is revoked",
            token("test-ed-2", &odd),
        ),
        refused(
            "revoked.principal",
            "its actor was revoked since",
            signed(json!({"act": {"sub": "revoked"}})),
        ),
        refused(
            "identity.missing",
            "without `sub`",
            signed(json!({"sub": null})),
        ),
        refused(
            "identity.unknown",
            "a `sub` that is no id",
            signed(json!({"sub": "group#member"})),
        ),
        refused(
            "identity.unknown",
            "a `sub` that another principal lists as its own",
            signed(json!({"sub": "carl"})),
        ),
    ];
    let mut asked = reads(&good);
    asked["audience"] = json!("https://other.example");
    cases.push(case(
        "decide",
        "bank",
        "audience.mismatch",
        "the host asks for another audience",
        asked,
    ));
    let mut asked = reads(&good);
    asked["now"] = json!(NOW + 289);
    cases.push(case(
        "decide",
        "bank",
        "allowed",
        "its last second",
        asked.clone(),
    ));
    asked["now"] = json!(NOW + 290);
    cases.push(case(
        "decide",
        "bank",
        "token.expired",
        "one second later",
        asked,
    ));
    cases.extend(bound());
    cases.extend(readings::cases());
    cases
}

/// Tokens that are bound to their holder.
fn bound() -> Vec<Case> {
    let bare = |kid: &str| {
        let mut key = public(kid);
        key.as_object_mut()
            .unwrap()
            .retain(|name, _| ["kty", "crv", "x"].contains(&name.as_str()));
        key
    };
    let jkt = {
        let key = bare("test-holder");
        encode(Sha256::digest(format!(
            "{{\"crv\":{},\"kty\":{},\"x\":{}}}",
            key["crv"], key["kty"], key["x"]
        )))
    };
    let bound = signed(json!({"cnf": {"jkt": jkt}}));
    let proof = |kid: &str, method: &str| {
        let header = json!({"alg": "EdDSA", "typ": "dpop+jwt", "jwk": bare(kid)});
        let claims = json!({"jti": "p-1", "htm": method, "htu": "https://api.example/things",
            "iat": NOW, "ath": encode(Sha256::digest(bound.as_bytes()))});
        token_with(kid, &header, &claims)
    };
    let with_proof = |proof: String| {
        let mut request = reads(&bound);
        request["proof"] = json!({"dpop": {"proof": proof, "method": "GET",
            "uri": "https://api.example/things?x=1", "max_age": 60, "max_ahead": 5}});
        request
    };
    let digest = [7u8; 32];
    let certified = signed(json!({"cnf": {"x5t#S256": encode(digest)}}));
    let with_certificate = |byte: &str| {
        let mut request = reads(&certified);
        request["proof"] = json!({"certificate_sha256": byte.repeat(32)});
        request
    };
    vec![
        case(
            "decide",
            "bank",
            "allowed",
            "a DPoP proof",
            with_proof(proof("test-holder", "GET")),
        ),
        case(
            "decide",
            "bank",
            "proof.missing",
            "bound to a key, and no proof",
            reads(&bound),
        ),
        case(
            "decide",
            "bank",
            "proof.invalid",
            "a proof of another request",
            with_proof(proof("test-holder", "POST")),
        ),
        case(
            "decide",
            "bank",
            "proof.invalid",
            "a proof that is none",
            with_proof("a.b.c".to_owned()),
        ),
        case(
            "decide",
            "bank",
            "proof.mismatch",
            "the thief's own proof",
            with_proof(proof("test-ed-2", "GET")),
        ),
        case(
            "decide",
            "bank",
            "allowed",
            "a client certificate",
            with_certificate("07"),
        ),
        case(
            "decide",
            "bank",
            "proof.mismatch",
            "another client certificate",
            with_certificate("08"),
        ),
        case(
            "decide",
            "bank",
            "proof.missing",
            "bound to a certificate, and none shown",
            reads(&certified),
        ),
        case(
            "decide",
            "bank",
            "proof.unsupported",
            "bound in a way nobody knows",
            reads(&signed(json!({"cnf": {"kid": "x"}}))),
        ),
    ]
}
