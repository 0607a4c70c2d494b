//! `keys`, `token`, `exchange` and `grant`: what is given, and what is refused.

use serde_json::{Value, json};

use crate::world::{AUDIENCE, ISSUER, NOW, world};
use crate::{Folder, Ran};

#[test]
fn keys_of_each_kind_sign_what_their_jwks_verifies() {
    for (alg, format) in [
        ("EdDSA", "jwk"),
        ("EdDSA", "pem"),
        ("ES256", "jwk"),
        ("ES256", "pem"),
        ("RS256", "jwk"),
        ("RS256", "pem"),
    ] {
        let folder = Folder::new();
        let keys = folder.run(&format!(
            "keys -o key --alg {alg} --format {format} --kid k"
        ));
        assert_eq!(keys.status, 0, "{}", keys.err);
        let jwks = keys.json();
        assert_eq!(jwks["keys"][0]["alg"], alg);
        for private in ["d", "p", "q", "dp", "dq", "qi"] {
            assert!(jwks["keys"][0].get(private).is_none(), "{private}");
        }
        let snapshot = json!({"deputize": 1, "issuers": [{
            "issuer": ISSUER, "audiences": [AUDIENCE], "algorithms": [alg], "keys": jwks,
            "subject": "user:{sub}", "scopes": "ignore"}]});
        folder.add("policy.json", snapshot.to_string());
        let flags = [
            "--key", "key", "--kid", "k", "--sub", "anne", "-a", AUDIENCE,
        ];
        let now = NOW.to_string();
        let mut args = vec!["token", "--issuer", ISSUER, "--now", &now];
        args.extend(flags);
        let token = folder.run_args(&args);
        assert_eq!(token.status, 0, "{alg} {format}: {}", token.err);
        let ran = folder.run_with(&format!("verify -s policy.json --now {NOW}"), &token.out);
        assert_eq!(ran.status, 0, "{alg} {format}: {}", ran.out);
    }
}

#[test]
fn a_private_key_is_its_owners_and_is_never_overwritten() {
    let folder = world();
    let before = folder.read("key.json");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(folder.0.join("key.json"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let again = folder.run("keys -o key.json --json");
    assert_eq!((again.status, again.code().as_str()), (2, "file.exists"));
    assert!(before == folder.read("key.json"));
    let private: Value = serde_json::from_slice(&before).unwrap();
    let other = folder.run("keys -o other.json");
    let said = other.out + &other.err;
    let own: Value = serde_json::from_slice(&folder.read("other.json")).unwrap();
    assert!(!said.contains(own["d"].as_str().unwrap()));
    assert_ne!(own["d"], private["d"]);
}

#[test]
fn a_token_is_made_of_flags_over_a_file_of_claims() {
    let folder = world();
    folder.add(
        "claims.json",
        r#"{"iss": "a", "sub": "b", "exp": 5, "may_act": {"sub": "x"}}"#,
    );
    let ran = folder.at_now(
        "token --key key.json --claims claims.json --sub c --act d --act e --scope s -a x -a y --claim tid=acme --claim n=[1] --json",
    );
    assert_eq!(ran.status, 0, "{}", ran.out);
    let mut claims = ran.json()["claims"].clone();
    let id = claims.as_object_mut().unwrap().remove("jti").unwrap();
    assert_eq!(id.as_str().unwrap().len(), 22);
    assert_eq!(
        claims,
        json!({"iss": "a", "sub": "c", "exp": 5, "iat": NOW, "may_act": {"sub": "x"}, "scope": "s",
               "act": {"sub": "e", "act": {"sub": "d"}}, "aud": ["x", "y"], "tid": "acme", "n": [1]})
    );
    let key = folder.read("key.json");
    let piped = folder.run_with("token --key - --sub c", key);
    assert_eq!(piped.status, 0, "{}", piped.err);
    for (line, code) in [
        ("token --key policy.json", "sign.key"),
        ("token --key key.json --alg RS256", "sign.algorithm"),
        ("token --key key.json --alg none", "sign.algorithm"),
        ("token --key key.json --claim tid", "token.claim"),
        ("token --key - --claims -", "request.stdin"),
        ("token --key absent.json", "file.unreadable"),
    ] {
        let ran = folder.run(&format!("{line} --json"));
        assert_eq!((ran.status, ran.code().as_str()), (2, code), "{line}");
    }
}

#[test]
fn an_exchange_gives_claims_or_a_signed_token() {
    let folder = world();
    folder.login("login.jwt");
    let line = "exchange --subject-token login.jwt --actor agent:triage --scope document:one --expires-in 60 -s policy.json";
    let plain = folder.at_now(line);
    assert_eq!((plain.status, plain.err.as_str()), (0, ""), "{}", plain.out);
    let claims = plain.json();
    assert_eq!(claims["act"], json!({"sub": "triage"}));
    assert_eq!(claims["scope"], "document:one");
    assert_eq!(claims["exp"], NOW + 60);
    let signed = folder
        .at_now(&format!("{line} --key key.json --json"))
        .json();
    assert_eq!(signed["token_type"], "Bearer");
    assert_eq!(signed["expires_in"], 60);
    assert_eq!(signed["scope"], "document:one");
    folder.add(
        "next.jwt",
        folder.at_now(&format!("{line} --key key.json")).out,
    );
    let decided = folder.at_now("decide viewer document:1 --token next.jwt -s policy.json");
    assert_eq!(decided.status, 0, "{}", decided.out);
    let chain = folder.at_now("verify login.jwt next.jwt -s policy.json");
    assert_eq!(chain.status, 0, "{}", chain.out);

    folder.token(
        "triage.jwt",
        &[
            "--sub",
            "triage",
            "-a",
            AUDIENCE,
            "--scope",
            "document:read",
        ],
    );
    let by_token =
        folder.at_now("exchange --subject-token login.jwt --actor-token triage.jwt -s policy.json");
    assert_eq!(by_token.status, 0, "{}", by_token.err);
    assert_eq!(by_token.json()["act"], json!({"sub": "triage"}));
}

#[test]
fn a_refused_exchange_has_its_oauth_error_and_our_reason() {
    let folder = world();
    folder.login("login.jwt");
    let ask = |more: &str| -> Ran {
        folder.at_now(&format!(
            "exchange --subject-token login.jwt {more} -s policy.json --key key.json"
        ))
    };
    for (more, error, reason) in [
        (
            "--actor agent:search",
            "unauthorized_client",
            "chain.hop_not_permitted",
        ),
        (
            "--actor agent:triage --scope document:write",
            "invalid_scope",
            "exchange.scope",
        ),
        (
            "--actor agent:triage --audience https://x.example",
            "invalid_target",
            "exchange.target",
        ),
        (
            "--actor agent:triage --expires-in 0",
            "invalid_request",
            "exchange.lifetime",
        ),
        (
            "--actor agent:triage --token-audience x",
            "invalid_request",
            "audience.mismatch",
        ),
    ] {
        let ran = ask(more);
        assert_eq!((ran.status, ran.out.as_str()), (1, ""), "{more}");
        assert!(
            ran.err.starts_with(&format!("refused: {error}: ")),
            "{}",
            ran.err
        );
        let document = ask(&format!("{more} --json")).json();
        assert_eq!(document["error"], error, "{more}");
        assert_eq!(document["reason"], reason, "{more}");
        assert!(document["error_description"].is_string());
    }
}

#[test]
fn client_credentials_are_granted_or_refused() {
    let folder = world();
    let plain = folder.at_now("grant entity:robot --scope target-entity:docs:read -s policy.json");
    assert_eq!((plain.status, plain.err.as_str()), (0, ""), "{}", plain.out);
    assert_eq!(
        plain.json(),
        json!({"sub": "robot", "tid": "acme", "aud": "docs", "permissions": {"docs": ["read"]},
               "scope": "target-entity:docs:read"})
    );
    let line = format!(
        "grant entity:robot --scope target-entity:docs:read -s policy.json --key key.json --issuer {ISSUER}"
    );
    let signed = folder
        .at_now(&format!("{line} --expires-in 600 --json"))
        .json();
    assert_eq!(signed["expires_in"], 120, "no longer than its type allows");
    assert_eq!(signed["claims"]["exp"], NOW + 120);
    assert_eq!(signed["claims"]["iss"], ISSUER);
    let shown = folder.run_with(
        &format!("inspect --json --now {NOW}"),
        folder.at_now(&line).out,
    );
    assert_eq!(shown.status, 0, "{}", shown.out);
    for (line, error) in [
        (
            "entity:robot --scope target-entity:docs:write",
            "invalid_scope",
        ),
        (
            "entity:robot --scope target-entity:absent",
            "invalid_target",
        ),
        ("entity:stranger", "invalid_client"),
        ("entity:robot --tenant other", "unauthorized_client"),
    ] {
        let ran = folder.at_now(&format!("grant {line} -s policy.json --json"));
        assert_eq!(ran.status, 1, "{line}: {}", ran.out);
        assert_eq!(ran.json()["error"], error, "{line}");
    }
    let unsigned = folder.run("grant entity:robot -s policy.json --key key.json");
    assert_eq!(unsigned.status, 2, "a signed token needs an issuer");
}
