//! `lint`: every finding, and none where there is nothing to find.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};

use crate::{Folder, run_in};

const MODEL: &str = "\
model
  schema 1.1
type user
type agent
type spare
type group
  relations
    define member: [user]
type folder
  relations
    define viewer: [user, group#member]
type document
  relations
    define parent: [folder]
    define author: [user]
    define approver: [user with in_hours]
    define caller: [agent, agent:*]
    define viewer: [user, user:*, group#member] or viewer from parent
    define both: author and caller
condition unasked(hour: int) {
  hour > 9
}
condition in_hours(hour: int) {
  hour > 8
}
";

fn lint(tuples: Value, more: &str) -> (i32, Value) {
    let folder = Folder::new();
    let snapshot = json!({"deputize": 1, "model": MODEL, "tuples": tuples});
    folder.add("p.json", snapshot.to_string());
    let ran = folder.run(&format!("lint -s p.json --json {more}"));
    (ran.status, ran.json())
}

fn finding<'d>(document: &'d Value, code: &str) -> &'d Value {
    let findings = document["findings"].as_array().unwrap();
    let found = findings.iter().find(|f| f["code"] == code);
    found.unwrap_or_else(|| panic!("no {code} in {document:#}"))
}

fn t(user: &str, relation: &str, object: &str) -> Value {
    json!({"user": user, "relation": relation, "object": object})
}

#[test]
fn each_finding_is_found() {
    let tuples = json!([
        t("user:anne", "member", "group:engineering"),
        t("group:engineering#member", "viewer", "folder:plans"),
        t("folder:plans", "parent", "document:roadmap"),
        t("group:enginering#member", "viewer", "document:roadmap"),
        t("folder:plnas", "parent", "document:budget"),
        t("user:*", "viewer", "document:roadmap"),
        t("agent:*", "caller", "document:roadmap"),
        t("user:anne", "veiwer", "document:roadmap"),
        t("user:anne", "viewer", "docment:roadmap"),
        t("agent:bot", "viewer", "document:roadmap"),
        t("user:anne", "member", "group:engineering"),
        t("user:anen", "viewer", "document:roadmap"),
        json!({"user": "user:anne", "relation": "approver", "object": "document:roadmap",
               "condition": {"name": "in_huors"}}),
    ]);
    let (status, document) = lint(tuples, "");
    assert_eq!(status, 1);
    for (code, severity, pointer, message, hint) in [
        (
            "model.dead_relation",
            "warning",
            "/model",
            "document#both",
            "each way",
        ),
        (
            "model.unused_type",
            "warning",
            "/model",
            "`spare`",
            "take it out",
        ),
        (
            "model.wildcard_agent",
            "warning",
            "/model",
            "agent:*",
            "list the agents",
        ),
        (
            "tuple.unknown_type",
            "warning",
            "/tuples/8",
            "docment",
            "did you mean `document`?",
        ),
        (
            "tuple.unknown_relation",
            "warning",
            "/tuples/7",
            "veiwer",
            "did you mean `viewer`?",
        ),
        (
            "tuple.not_assignable",
            "warning",
            "/tuples/9",
            "agent:bot",
            "admits [user, user:*, group#member]",
        ),
        ("model.advice", "warning", "/model", "unasked", ""),
        (
            "tuple.unknown_condition",
            "warning",
            "/tuples/12",
            "user:anne approver",
            "the conditions are `unasked`, `in_hours`",
        ),
        (
            "tuple.duplicate",
            "warning",
            "/tuples/10",
            "user:anne member",
            "",
        ),
        (
            "grant.wildcard_agent",
            "warning",
            "/tuples/6",
            "agent:*",
            "name the agents",
        ),
        (
            "grant.unreachable",
            "warning",
            "/tuples/3",
            "group:enginering#member",
            "did you mean `group:engineering#member`?",
        ),
        (
            "grant.dangling",
            "warning",
            "/tuples/4",
            "folder:plnas",
            "did you mean `folder:plans`?",
        ),
        ("grant.public", "note", "/tuples/5", "`user:*`", ""),
        ("relation.nobody", "note", "/model", "document#author", ""),
        ("condition.unused", "note", "/model", "in_hours", ""),
        (
            "name.slip",
            "note",
            "/tuples/11",
            "user:anen",
            "did you mean `user:anne`?",
        ),
    ] {
        let finding = finding(&document, code);
        assert_eq!(finding["severity"], severity, "{code}");
        assert_eq!(finding["pointer"], pointer, "{finding}");
        assert!(
            finding["message"].as_str().unwrap().contains(message),
            "{finding}"
        );
        let hints = finding["hints"].to_string();
        assert!(hints.contains(hint), "{code}: {hints}");
    }
    let codes: BTreeSet<&str> = document["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| f["code"].as_str().unwrap())
        .collect();
    assert_eq!(codes.len(), 16, "a code without its case here: {codes:?}");
}

#[test]
fn what_is_reached_in_roundabout_ways_is_reached() {
    // Two groups that are members of each other, and one who is in.
    let model = "model\n  schema 1.1\ntype user\ntype group\n  relations\n    define member: [user, group#member]\n";
    let folder = Folder::new();
    let mut tuples = vec![
        t("group:a#member", "member", "group:b"),
        t("group:b#member", "member", "group:a"),
    ];
    let ask = |tuples: &[Value]| {
        let snapshot = json!({"deputize": 1, "model": model, "tuples": tuples});
        folder.add("p.json", snapshot.to_string());
        folder.run("lint -s p.json --json")
    };
    let empty = ask(&tuples);
    assert_eq!(
        (empty.status, empty.json()["warnings"].as_u64()),
        (1, Some(2))
    );
    tuples.push(t("user:anne", "member", "group:a"));
    assert_eq!(ask(&tuples).status, 0);
}

#[test]
fn findings_can_be_allowed() {
    let tuples = json!([t("agent:*", "caller", "document:1")]);
    let all = "--allow model.advice --allow model.dead_relation --allow model.unused_type --allow model.wildcard_agent";
    assert_eq!(lint(tuples.clone(), all).0, 1);
    let (status, document) = lint(
        tuples.clone(),
        &format!("{all} --allow grant.wildcard_agent"),
    );
    assert_eq!((status, document["warnings"].as_u64()), (0, Some(0)));
    assert!(document["notes"].as_u64().unwrap() > 0);
    let (_, quiet) = lint(tuples.clone(), "--quiet");
    assert_eq!(quiet["notes"], 0);
    let (status, document) = lint(tuples, "--allow grant.wildcard_agnet");
    assert_eq!(status, 2);
    let hint = &document["errors"][0]["hints"][0];
    assert_eq!(hint, "did you mean `grant.wildcard_agent`?");
}

/// AR16: agents that should go are listed, with what they leave behind.
#[test]
fn orphans_and_the_expired_are_listed() {
    let folder = Folder::new();
    let person =
        |id: &str| json!({"id": id, "name": id, "type": {"id": "t"}, "clientSecret": "hush"});
    let snapshot = json!({
        "deputize": 1,
        "model": "model\n  schema 1.1\ntype agent\n  relations\n    define owner: [user]\ntype user\ntype entity\ntype document\n  relations\n    define reader: [user, user:*, agent, entity]\n    define viewer: [agent#owner]\n",
        "tuples": [
            t("agent:old", "reader", "document:1"),
            t("agent:off", "reader", "document:1"),
            t("user:*", "reader", "document:1"),
            t("user:anne", "owner", "agent:owned"),
            t("entity:known", "reader", "document:1"),
            t("entity:gone", "reader", "document:2"),
            t("agent:shared#owner", "viewer", "document:1"),
        ],
        "principals": [
            {"id": "agent:old", "not_after": 1_000},
            {"id": "agent:done", "not_after": 1_000},
            {"id": "agent:later", "not_after": 5_000},
            {"id": "agent:off", "disabled": true},
            {"id": "agent:quiet", "disabled": true},
            {"id": "agent:owned"},
            {"id": "agent:shared"},
            {"id": "agent:ruled"},
            {"id": "agent:idle", "scopes": ["document:read"]},
            {"id": "user:zoe"},
            {"id": "user:bob"},
        ],
        "entity_types": [{"id": "t", "name": "T", "permissions": [{"name": "read", "isDefault": true}]}],
        "entities": {"entities": [person("known"), person("target"), person("giver"), person("lost")], "total": 4},
        "entity_grants": [
            {"entity": {"id": "target"}, "recipientEntityId": "giver"},
            {"entity": {"id": "target"}, "userId": "bob"},
            {"entity": {"id": "target"}, "recipientEntityId": "nobody"},
        ],
        "access": [
            {"principal": "agent:ruled", "action": "*", "resource": "/a/"},
            {"principal": "entity:vanished", "action": "*", "resource": "/a/"},
        ],
    });
    folder.add("p.json", snapshot.to_string());
    let listed = |more: &str| {
        let ran = folder.run(&format!("lint -s p.json --json {more}"));
        assert!(!ran.out.contains("hush"));
        let document = ran.json();
        let findings = document["findings"].as_array().unwrap().clone();
        let of = |f: &Value| {
            let text = |name: &str| f[name].as_str().unwrap().to_owned();
            (
                text("code"),
                text("severity"),
                text("pointer"),
                text("message"),
            )
        };
        let listed: Vec<_> = findings.iter().map(of).collect();
        let kept = listed
            .into_iter()
            .filter(|(code, ..)| code.starts_with("orphan.") || code.starts_with("entity."));
        (ran.status, kept.collect::<Vec<_>>())
    };
    let expect = |rows: &[(&str, &str, &str, &str)]| -> Vec<_> {
        let own = |text: &&str| (*text).to_owned();
        rows.iter()
            .map(|(a, b, c, d)| (own(a), own(b), own(c), own(d)))
            .collect()
    };
    let (status, found) = listed("--now 1001");
    assert_eq!(status, 1);
    let none = "has no grant, and none is on it";
    let gone = "is not among the entities; the grant gives nothing";
    let mut expected = expect(&[
        (
            "entity.absent_recipient",
            "warning",
            "/entity_grants/2",
            found[0].3.as_str(),
        ),
        (
            "orphan.expired",
            "warning",
            "/principals/0",
            "`agent:old` expired at 1000, and still holds 1 grant",
        ),
        (
            "orphan.expired",
            "warning",
            "/principals/1",
            "`agent:done` expired at 1000",
        ),
        (
            "orphan.disabled",
            "warning",
            "/principals/3",
            "`agent:off` is disabled, and still holds 1 grant",
        ),
        (
            "orphan.absent",
            "warning",
            "/tuples/5",
            &format!("`entity:gone` {gone}"),
        ),
        (
            "orphan.absent",
            "warning",
            "/access/1",
            &format!("`entity:vanished` {gone}"),
        ),
        (
            "orphan.principal",
            "note",
            "/principals/2",
            &format!("`agent:later` {none}"),
        ),
        (
            "orphan.principal",
            "note",
            "/principals/4",
            &format!("`agent:quiet` {none}"),
        ),
        (
            "orphan.principal",
            "note",
            "/principals/8",
            &format!("`agent:idle` {none}"),
        ),
        (
            "orphan.principal",
            "note",
            "/principals/9",
            &format!("`user:zoe` {none}"),
        ),
        (
            "orphan.entity",
            "note",
            "/entities/entities/3",
            &format!("`entity:lost` {none}"),
        ),
    ]);
    assert_eq!(found, expected);
    // At the last second it still counts; by the clock all have expired.
    let (_, found) = listed("--now 1000 --allow entity.absent_recipient");
    expected.remove(0);
    assert!(found.iter().all(|(code, ..)| code != "orphan.expired"));
    let (_, found) = listed("");
    let expired = found.iter().filter(|(code, ..)| code == "orphan.expired");
    assert_eq!(expired.count(), 3);
    let ran = folder.run("lint -s p.json --now 1001");
    assert!(
        ran.out
            .contains("help: take it out, with what it was granted"),
        "{}",
        ran.out
    );
    assert!(
        ran.out.contains("--> p.json at /principals/0"),
        "{}",
        ran.out
    );
    // Where scopes are an actor's authority, to have some is to have a grant.
    let mut snapshot = snapshot;
    snapshot["delegation"] = json!({"actor_authority": "scopes"});
    folder.add("p.json", snapshot.to_string());
    let (_, found) = listed("--now 1001");
    assert!(
        !found
            .iter()
            .any(|(.., message)| message.contains("agent:idle"))
    );
}

#[test]
fn a_compiled_snapshot_has_a_model_to_lint() {
    let folder = Folder::new();
    let snapshot = json!({"deputize": 1, "model": MODEL, "tuples": []});
    folder.add("p.json", snapshot.to_string());
    assert_eq!(folder.run("compile -s p.json -o p.bin").status, 0);
    let ran = folder.run("lint -s p.bin");
    assert_eq!(ran.status, 1);
    assert!(ran.out.contains("model.dead_relation"), "{}", ran.out);
    assert!(ran.err.contains("only its model was linted"), "{}", ran.err);
}

#[test]
fn the_bank_is_clean() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let ran = run_in(&root, &["lint", "-s", "examples/bank/store.fga.yaml"], b"");
    assert_eq!(ran.status, 0, "{}", ran.out);
    assert!(
        ran.out.contains("examples/bank/tuples.yaml:22:3 at /14"),
        "{}",
        ran.out
    );
}

#[test]
fn a_block_that_is_not_admitted_is_an_error() {
    let folder = Folder::new();
    let model = "model\n  schema 1.1\ntype user\ntype document\n  relations\n    define blocked: [user]\n    define editor: [user]\n    define viewer: editor but not blocked";
    let tuples = json!([
        t("user:anne", "editor", "document:1"),
        t("user:anne", "bloked", "document:1")
    ]);
    folder.add(
        "p.json",
        json!({"deputize": 1, "model": model, "tuples": tuples}).to_string(),
    );
    let ran = folder.run("lint -s p.json");
    assert_eq!(ran.status, 1);
    assert!(ran.out.starts_with("error: "), "{}", ran.out);
    assert!(ran.out.contains("tuple.blocks_nobody"), "{}", ran.out);
    assert!(ran.out.contains("1 error, 1 warning"), "{}", ran.out);
    let ran = folder.run("lint -s p.json --json");
    assert_eq!(ran.json()["errors"], 1);
}
