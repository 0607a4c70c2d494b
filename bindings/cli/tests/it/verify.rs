//! `verify`: who calls, or why nobody does.

use serde_json::{Value, json};

use crate::world::{AUDIENCE, NOW, world};

#[test]
fn a_caller_is_named_with_its_chain() {
    let folder = world();
    folder.delegated("t.jwt");
    let ran = folder.at_now(&format!("verify t.jwt -s policy.json -a {AUDIENCE}"));
    assert_eq!((ran.status, ran.err.as_str()), (0, ""), "{}", ran.out);
    for said in [
        "verified: agent:triage for user:anne",
        "subject   user:anne (anne of https://id.example)",
        "actor     agent:triage",
        "chain     user:anne → agent:triage",
        "scopes    document:read",
        "tenant    none",
        "until     2025-11-21 11:45:00 UTC (in 5 min)",
    ] {
        assert!(ran.out.contains(said), "{said}: {}", ran.out);
    }
    let document = folder.at_now("verify t.jwt -s policy.json --json").json();
    assert_eq!(document["verified"], true);
    assert_eq!(document["actor"], "agent:triage");
    assert_eq!(document["token"]["kid"], "k1");
    assert_eq!(document["until"], NOW + 300);
}

#[test]
fn a_refusal_has_its_code_and_its_status() {
    let folder = world();
    let good = folder.delegated("t.jwt");
    folder.token(
        "stranger.jwt",
        &["--sub", "anne", "--act", "stranger", "-a", AUDIENCE],
    );
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let swapped: String = signature.chars().rev().collect();
    folder.add("forged.jwt", format!("{signed}.{swapped}"));
    folder.add("garbage.jwt", "no token");
    for (line, code) in [
        ("verify t.jwt -a https://other.example", "audience.mismatch"),
        ("verify stranger.jwt", "chain.hop_not_permitted"),
        ("verify garbage.jwt", "token.malformed"),
        ("verify t.jwt --tenant acme --task nonsense", "token.claim"),
        ("verify t.jwt --tuple user:anne", "request.tuple"),
    ] {
        let ran = folder.at_now(&format!("{line} -s policy.json --json"));
        if code.starts_with("request.") {
            assert_eq!((ran.status, ran.code().as_str()), (2, code));
            continue;
        }
        assert_eq!(ran.status, 1, "{line}: {}", ran.out);
        assert_eq!(ran.json()["reason"], code, "{line}");
        assert_eq!(ran.json()["verified"], false);
        let text = folder.at_now(&format!("{line} -s policy.json"));
        assert!(text.out.starts_with("deny: "), "{}", text.out);
        assert!(text.out.ends_with(&format!("[{code}]\n")), "{}", text.out);
    }
    let forged = folder
        .at_now("verify forged.jwt -s policy.json --json")
        .json();
    let reason = forged["reason"].as_str().unwrap();
    assert!(
        ["token.signature", "token.malformed"].contains(&reason),
        "{reason}"
    );
    for (later, status) in [(299, 0), (300, 1)] {
        let now = NOW + later;
        let ran = folder.run(&format!("verify t.jwt -s policy.json --now {now}"));
        assert_eq!(ran.status, status);
    }
}

#[test]
fn several_tokens_prove_a_chain_one_a_hop() {
    let folder = world();
    folder.login("1.jwt");
    folder.delegated("2.jwt");
    folder.token(
        "3.jwt",
        &[
            "--sub",
            "anne",
            "--act",
            "triage",
            "--act",
            "search",
            "-a",
            AUDIENCE,
            "--scope",
            "document:read",
        ],
    );
    let ran = folder.at_now("verify 1.jwt 2.jwt 3.jwt -s policy.json --json");
    assert_eq!(ran.status, 0, "{}", ran.out);
    assert_eq!(ran.json()["actor"], "agent:search");
    let skipped = folder.at_now("verify 1.jwt 3.jwt -s policy.json --json");
    assert_eq!(skipped.status, 1);
    assert_eq!(skipped.json()["reason"], "chain.token_mismatch");
}

#[test]
fn standard_input_is_read_by_one_taker() {
    let folder = world();
    let token = folder.login("t.jwt");
    let ran = folder.run_with(&format!("verify -s policy.json --now {NOW}"), token);
    assert_eq!(ran.status, 0, "{}", ran.out);
    let twice = folder.run("verify -s - --json");
    assert_eq!((twice.status, twice.code().as_str()), (2, "request.stdin"));
}

/// A DPoP proof by a key of its own, and the thumbprint of that key.
fn proof(folder: &crate::Folder, token: &str) -> String {
    use deputize::token::SigningKey;
    let jwk: Value = serde_json::from_slice(&folder.read("dpop.json")).unwrap();
    let key = SigningKey::from_jwk(&jwk, None, None).unwrap();
    let mut public = jwk.as_object().unwrap().clone();
    public.remove("d");
    let header = json!({"typ": "dpop+jwt", "alg": "EdDSA", "jwk": public});
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, token.as_bytes());
    let ath = base64::Engine::encode(
        &base64::engine::general_purpose::URL_SAFE_NO_PAD,
        hash.as_ref(),
    );
    let claims =
        json!({"jti": "p1", "htm": "GET", "htu": "https://api.example/1", "iat": NOW, "ath": ath});
    key.sign_with(header.as_object().unwrap(), claims.as_object().unwrap())
        .unwrap()
}

#[test]
fn a_bound_token_needs_its_proof() {
    let folder = world();
    // The id that `keys` gives by itself is the thumbprint that `cnf` asks for.
    let keys = folder.run("keys -o dpop.json --json").json();
    let jkt = keys["kid"].as_str().unwrap().to_owned();
    let cnf = format!("cnf={}", json!({ "jkt": jkt }));
    let token = folder.token(
        "t.jwt",
        &[
            "--sub",
            "anne",
            "-a",
            AUDIENCE,
            "--scope",
            "document:read",
            "--claim",
            &cnf,
        ],
    );
    folder.add("proof.jwt", proof(&folder, &token));
    let bare = folder.at_now("verify t.jwt -s policy.json --json");
    assert_eq!(bare.json()["reason"], "proof.missing", "{}", bare.out);
    let flags = "--dpop proof.jwt --dpop-method GET --dpop-uri https://api.example/1";
    let shown = folder.at_now(&format!("verify t.jwt -s policy.json {flags}"));
    assert_eq!(shown.status, 0, "{}", shown.out);
    assert!(
        shown.out.contains("DPoP p1: accept it once"),
        "{}",
        shown.out
    );
    let post = flags.replace("GET", "POST");
    let other = folder.at_now(&format!("verify t.jwt -s policy.json {post} --json"));
    assert_eq!(other.json()["reason"], "proof.invalid", "{}", other.out);

    let line =
        format!("decide viewer document:1 --token t.jwt -s policy.json {flags} --record r.jsonl");
    assert_eq!(folder.at_now(&line).status, 0);
    assert_eq!(folder.run("replay r.jsonl -s policy.json").status, 0);
    let without = folder.run("replay r.jsonl -s policy.json --token t.jwt --json");
    assert_eq!(without.status, 2);
    let failed = &without.json()["records"][0]["error"]["code"];
    assert_eq!(failed, "replay.proof_needed");
    let with = folder.run(&format!(
        "replay r.jsonl -s policy.json --token t.jwt {flags}"
    ));
    assert_eq!(with.status, 0, "{}", with.out);
}

#[test]
fn a_client_certificate_is_read_in_der_and_in_pem() {
    let folder = world();
    // Its SHA-256 is all that counts, so any bytes will do.
    let der = b"a certificate, for all that anybody looks at";
    folder.add("client.der", der);
    let encode =
        |bytes: &[u8]| base64::Engine::encode(&base64::engine::general_purpose::STANDARD, bytes);
    let pem = format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        encode(der)
    );
    folder.add(
        "client.pem",
        format!("{pem}{}", pem.replace("YSBj", "YSBk")),
    );
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, der);
    let x5t = base64::Engine::encode(
        &base64::engine::general_purpose::URL_SAFE_NO_PAD,
        hash.as_ref(),
    );
    let cnf = format!("cnf={}", json!({ "x5t#S256": x5t }));
    folder.token("t.jwt", &["--sub", "anne", "-a", AUDIENCE, "--claim", &cnf]);
    for (file, status) in [("client.der", 0), ("client.pem", 0), ("key.json", 1)] {
        let ran = folder.at_now(&format!(
            "verify t.jwt -s policy.json --client-certificate {file}"
        ));
        assert_eq!(ran.status, status, "{file}: {}", ran.out);
    }
}
