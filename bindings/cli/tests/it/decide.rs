//! `decide` and `replay`: an answer, its tree, its record, and the record again.

use serde_json::{Value, json};

use crate::world::{AUDIENCE, NOW, world};

#[test]
fn a_decision_shows_the_token_the_hops_the_scopes_and_the_grants() {
    let folder = world();
    folder.delegated("t.jwt");
    let allow = folder.at_now("decide viewer document:1 --token t.jwt -s policy.json");
    assert_eq!((allow.status, allow.err.as_str()), (0, ""), "{}", allow.out);
    let lines: Vec<&str> = allow.out.lines().collect();
    assert_eq!(
        lines,
        [
            "allow: agent:triage for user:anne may viewer on document:1 [allowed]",
            "✓ token of https://id.example, key k1, until 2025-11-21 11:45:00 UTC (in 5 min)",
            "✓ chain user:anne → agent:triage",
            "└─ ✓ user:anne hands on to agent:triage",
            "   └─ ✓ agent:triage delegate user:anne",
            "✓ scopes cover it: document:read",
            "✓ user:anne itself, as the subject",
            "└─ ✓ user:anne viewer document:1",
            "✓ agent:triage itself, as the actor",
            "└─ ✓ agent:triage viewer document:1",
        ]
    );
    for (object, reason) in [
        ("document:2", "actor.no_grant"),
        ("document:3", "subject.no_grant"),
        ("document:", "resource.malformed"),
    ] {
        let line = format!("decide viewer {object} --token t.jwt -s policy.json");
        let deny = folder.at_now(&line);
        assert_eq!(deny.status, 1);
        assert!(deny.out.contains(&format!("[{reason}]")), "{}", deny.out);
        let document = folder.at_now(&format!("{line} --json")).json();
        assert_eq!(document["reason"], reason);
        assert_eq!(document["record"]["actingOnBehalfOf"], "user:anne");
        assert_eq!(document["hops"][0]["allowed"], true);
    }
}

#[test]
fn context_tuples_scopes_and_tasks_come_from_the_host() {
    let folder = world();
    folder.delegated("t.jwt");
    let ask = |object: &str, more: &[&str]| {
        let now = NOW.to_string();
        let mut args = vec![
            "decide",
            "viewer",
            object,
            "--token",
            "t.jwt",
            "-s",
            "policy.json",
            "--json",
            "--now",
            &now,
        ];
        args.extend(more);
        let ran = folder.run_args(&args);
        ran.json()["reason"].as_str().unwrap_or(&ran.out).to_owned()
    };
    assert_eq!(ask("document:5", &[]), "condition.missing_context");
    assert_eq!(
        ask("document:5", &["--context", r#"{"size": 10}"#]),
        "allowed"
    );
    assert_eq!(
        ask("document:5", &["--context", r#"{"size": 11}"#]),
        "subject.no_grant"
    );
    let tuple = ["--tuple", "agent:triage viewer document:2"];
    assert_eq!(ask("document:2", &tuple), "allowed");
    folder.add(
        "more.yaml",
        "- {user: agent:triage, relation: viewer, object: document:2}\n",
    );
    assert_eq!(ask("document:2", &["--tuple", "@more.yaml"]), "allowed");
    assert_eq!(ask("document:1", &["--narrow", "document:one"]), "allowed");
    assert_eq!(
        ask("document:1", &["--narrow", "other"]),
        "scope.insufficient"
    );
    assert_eq!(ask("document:1", &["--task", "task:9"]), "task.no_grant");
    assert_eq!(ask("document:1", &["--audience", AUDIENCE]), "allowed");
    assert_eq!(ask("document:1", &["--audience", "x"]), "audience.mismatch");
}

#[test]
fn a_host_may_vouch_for_a_chain() {
    let folder = world();
    let ask = |who: &str| folder.at_now(&format!("decide viewer document:1 {who} -s policy.json"));
    assert_eq!(ask("--as user:anne").status, 0);
    assert_eq!(
        ask("--as user:anne --actor agent:triage --actor agent:search").status,
        0
    );
    let refused = ask("--as user:anne --actor agent:search");
    assert_eq!(refused.status, 1);
    assert!(
        refused
            .out
            .contains("✗ user:anne may not hand on to agent:search"),
        "{}",
        refused.out
    );
    assert!(
        refused.out.contains("[chain.hop_not_permitted]"),
        "{}",
        refused.out
    );
    for wrong in [
        "",
        "--actor agent:triage",
        "--as user:anne --token t.jwt",
        "--as user:anne --audience x",
    ] {
        assert_eq!(ask(wrong).status, 2, "{wrong}");
    }
}

#[test]
fn records_are_lines_that_replay_to_the_same_bytes() {
    let folder = world();
    folder.login("1.jwt");
    folder.delegated("2.jwt");
    for who in [
        "--token 2.jwt",
        "--token 1.jwt --token 2.jwt",
        "--as user:anne --actor agent:triage",
        "--as user:anne --actor agent:search",
        "--token 2.jwt --audience https://other.example",
    ] {
        folder.at_now(&format!(
            "decide viewer document:2 {who} -s policy.json --record r.jsonl"
        ));
    }
    let text = String::from_utf8(folder.read("r.jsonl")).unwrap();
    assert_eq!(text.lines().count(), 5);
    let replayed = folder.run("replay r.jsonl -s policy.json --json");
    assert_eq!(replayed.status, 2, "{}", replayed.out);
    let document = replayed.json();
    assert_eq!(
        (&document["same"], &document["failed"]),
        (&json!(4), &json!(1))
    );
    assert_eq!(
        document["records"][4]["error"]["code"],
        "replay.token_needed"
    );
    let all = folder.run("replay r.jsonl -s policy.json --token 1.jwt --token 2.jwt");
    assert_eq!(all.status, 0, "{}", all.out);
    assert!(
        all.out
            .ends_with("5 the same, 0 different, 0 not decided again\n"),
        "{}",
        all.out
    );
    let token = String::from_utf8(folder.read("2.jwt")).unwrap();
    let signature = token.trim().rsplit('.').next().unwrap();
    assert!(!text.contains(signature), "a record holds no token");
}

#[test]
fn a_refused_chain_of_tokens_is_on_record_too() {
    let folder = world();
    folder.login("1.jwt");
    let line =
        "decide viewer document:1 --token 1.jwt --token 1.jwt -s policy.json --record r.jsonl";
    let ran = folder.at_now(&format!("{line} --json"));
    assert_eq!(ran.status, 1, "{}", ran.out);
    assert_eq!(ran.json()["reason"], "chain.token_mismatch");
    let record: Value = serde_json::from_slice(&folder.read("r.jsonl")).unwrap();
    assert_eq!(record["inputs"]["earlier"].as_array().unwrap().len(), 1);
    assert_eq!(
        record["inputs"]["earlier"][0],
        record["inputs"]["presented"]["digest"]
    );
    let replayed = folder.run("replay r.jsonl -s policy.json --token 1.jwt");
    assert_eq!(replayed.status, 2);
    assert!(
        replayed.out.contains("several tokens were refused"),
        "{}",
        replayed.out
    );
}

#[test]
fn replay_says_what_differs() {
    let folder = world();
    folder.delegated("t.jwt");
    folder.at_now("decide viewer document:1 --token t.jwt -s policy.json --record r.jsonl");
    let record: Value = serde_json::from_slice(&folder.read("r.jsonl")).unwrap();
    // Another policy.
    let mut snapshot: Value = serde_json::from_slice(&folder.read("policy.json")).unwrap();
    snapshot["tuples"]
        .as_array_mut()
        .unwrap()
        .retain(|tuple| tuple["user"] != "agent:triage" || tuple["relation"] != "viewer");
    folder.add("later.json", snapshot.to_string());
    let later = folder.run("replay r.jsonl -s later.json --json");
    assert_eq!(later.status, 1, "{}", later.out);
    let differs = &later.json()["records"][0]["differs"];
    assert_eq!(
        differs["reason"],
        json!({"was": "allowed", "is": "actor.no_grant"})
    );
    assert_eq!(differs["allowed"], json!({"was": true, "is": false}));
    assert!(differs.get("digest").is_some());
    let text = folder.run("replay r.jsonl -s later.json");
    assert!(
        text.out
            .contains("reason: was \"allowed\", is \"actor.no_grant\""),
        "{}",
        text.out
    );
    // Another hand in the record.
    for (name, value, seen) in [
        ("allowed", json!(false), "allowed"),
        ("resource", json!("document:2"), "reason"),
        ("id", json!("00"), "id"),
    ] {
        let mut touched = record.clone();
        touched[name] = value;
        let ran = folder.run_with("replay - -s policy.json --json", touched.to_string());
        assert_eq!(ran.status, 1, "{name}: {}", ran.out);
        assert!(
            ran.json()["records"][0]["differs"].get(seen).is_some(),
            "{name}: {}",
            ran.out
        );
    }
    let broken = folder.run_with("replay - -s policy.json --json", "{}\n");
    assert_eq!(broken.status, 2);
    assert_eq!(
        broken.json()["records"][0]["error"]["code"],
        "replay.record"
    );
}

#[test]
fn an_answer_that_cannot_be_recorded_is_none() {
    let folder = world();
    folder.delegated("t.jwt");
    let ran = folder.at_now(
        "decide viewer document:1 --token t.jwt -s policy.json --record absent/r.jsonl --json",
    );
    assert_eq!((ran.status, ran.code().as_str()), (2, "file.unwritable"));
}
