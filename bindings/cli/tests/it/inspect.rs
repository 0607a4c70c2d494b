//! `inspect`: shown, linted, and never believed.

use serde_json::json;

use crate::Folder;
use crate::world::{AUDIENCE, ISSUER, NOW, world};

#[test]
fn a_token_is_taken_apart_and_marked_unverified() {
    let folder = world();
    folder.delegated("t.jwt");
    let ran = folder.at_now("inspect t.jwt");
    assert_eq!((ran.status, ran.err.as_str()), (0, ""), "{}", ran.out);
    for said in [
        "UNVERIFIED: no signature was checked",
        "alg  EdDSA",
        "1763725500  2025-11-21 11:45:00 UTC (in 5 min)",
        "2025-11-21 11:40:00 UTC (now)",
        "anne subject",
        "└─ triage current actor",
        "subject_is_actor",
        "nothing odd was found",
    ] {
        assert!(ran.out.contains(said), "{said}: {}", ran.out);
    }
    let document = folder.at_now("inspect t.jwt --json").json();
    assert_eq!(document["verified"], false);
    assert_eq!(document["claims"]["aud"], AUDIENCE);
    assert_eq!(document["chain"], json!(["anne", "triage"]));
    assert_eq!(
        document["times"]["exp"],
        json!({"date": "2025-11-21 11:45:00 UTC", "distance": "in 5 min"})
    );
}

#[test]
fn faults_are_named_and_end_with_one() {
    let folder = world();
    folder.delegated("t.jwt");
    let later = folder.run(&format!("inspect t.jwt --now {}", NOW + 300));
    assert_eq!(later.status, 1);
    assert!(later.out.contains("[token.expired]"), "{}", later.out);
    assert!(later.out.contains("(5 min ago)"), "{}", later.out);
    // {"alg":"none","kid":"k"} and {"iss":"x"}
    let none = "eyJhbGciOiJub25lIiwia2lkIjoiayJ9.eyJpc3MiOiJ4In0.";
    let ran = folder.run_with("inspect", none);
    assert_eq!(ran.status, 1);
    assert!(ran.out.contains("`alg` is `none`"), "{}", ran.out);
    let opaque = folder.run_with("inspect - --json", "0a1b2c3d");
    assert_eq!(opaque.status, 1);
    assert_eq!(opaque.json()["findings"][0]["code"], "token.malformed");
}

#[test]
fn nothing_in_a_token_moves_the_cursor() {
    let folder = world();
    folder.token("t.jwt", &["--sub", "a\u{1b}[2Jb", "--act", "x\u{7}"]);
    let ran = folder.at_now("inspect t.jwt");
    assert!(!ran.out.contains(['\u{1b}', '\u{7}']), "{}", ran.out);
    assert!(ran.out.contains("a\\u{1b}[2Jb"), "{}", ran.out);
}

#[test]
fn a_token_comes_from_a_file_standard_input_or_the_argument() {
    let folder = world();
    let token = folder.login("t.jwt");
    for ran in [
        folder.at_now("inspect t.jwt --json"),
        folder.run_with(&format!("inspect --now {NOW} --json"), format!("{token}\n")),
        folder.at_now(&format!("inspect {token} --json")),
    ] {
        assert_eq!(ran.status, 0);
        assert_eq!(ran.json()["claims"]["iss"], ISSUER);
    }
    let nowhere = folder.run("inspect absent.jwt --json");
    assert_eq!(
        (nowhere.status, nowhere.code()),
        (2, "token.source".to_owned())
    );
}

#[test]
fn a_token_in_the_wrong_place_is_not_repeated() {
    let folder = world();
    let token = folder.login("t.jwt");
    let secret = "0a1b2c3d-an-opaque-secret";
    for line in [
        format!("inspect {token} {token}"),
        format!("verify {token} --scop={token} -s policy.json"),
        format!("verify --{token} -s policy.json"),
        format!("decide viewer document:1 {token} -s policy.json"),
        format!("decide viewer document:1 --token {secret} -s policy.json"),
        format!("verify {secret} -s policy.json"),
        format!("exchange --subject-token {secret} -s policy.json"),
        "token --key t.jwt".to_owned(),
        "token --key t.jwt --kid k --alg EdDSA".to_owned(),
    ] {
        let ran = folder.run(&line);
        assert_eq!(ran.status, 2, "{line}: {}", ran.out);
        let said = ran.out + &ran.err;
        let signature = token.rsplit('.').next().unwrap();
        assert!(!said.contains(signature), "{line}: {said}");
        assert!(!said.contains(secret), "{line}: {said}");
    }
    folder.add("broken.json", "{\"kty\": \"OKP\", \"d\": \"c2VjcmV0\" x}");
    let ran = Folder::run(&folder, "token --key broken.json");
    assert_eq!(ran.status, 2);
    assert!(!ran.err.contains("c2VjcmV0"), "{}", ran.err);
}
