//! The vectors of `tests/vectors/`, run natively from the files, as every other
//! language runs them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use deputize::Policy;
use deputize::canonical::to_text;
use deputize::decision::{Reason, Record};
use deputize::reading::{decode_id, encode_id};
use deputize_tests::dice::Dice;
use deputize_tests::vectors::run::{Request, codes, run};
use deputize_tests::vectors::{UNREACHABLE, files, rooms};
use serde_json::Value;

fn read(name: &str) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors");
    let text = std::fs::read(folder.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
    let file: Value = serde_json::from_slice(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
    assert_eq!(file["format"], 1, "{name}");
    file
}

fn snapshots() -> BTreeMap<String, Value> {
    let file = read("snapshots.json");
    let members = file["snapshots"].as_object().unwrap();
    members.clone().into_iter().collect()
}

fn compile(snapshot: &Value) -> Policy {
    Policy::from_json(snapshot.to_string().as_bytes()).unwrap_or_else(|e| panic!("{e}"))
}

/// Every case of every file, with its room's name.
fn cases() -> Vec<(String, Value)> {
    let mut all = Vec::new();
    for (room, _) in rooms() {
        let file = read(&format!("{room}.json"));
        let cases = file["cases"].as_array().unwrap().iter();
        all.extend(cases.map(|case| (format!("{room}: {}", case["name"]), case.clone())));
    }
    all
}

/// Runs a case from the file's own text.
fn answer(policies: &BTreeMap<String, Policy>, case: &Value) -> Value {
    // What needs no snapshot names none.
    let snapshot = match case["snapshot"].as_str().unwrap() {
        "" => "bank",
        name => name,
    };
    let request: Request = serde_json::from_value(case["request"].clone()).unwrap();
    run(
        &policies[snapshot],
        case["operation"].as_str().unwrap(),
        &request,
    )
}

fn check_all(policies: &BTreeMap<String, Policy>) {
    for (name, case) in cases() {
        let found = to_text(&answer(policies, &case));
        assert_eq!(found, case["answer"].as_str().unwrap(), "{name}");
    }
}

fn policies() -> BTreeMap<String, Policy> {
    let compiled = |(name, snapshot): (String, Value)| (name, compile(&snapshot));
    snapshots().into_iter().map(compiled).collect()
}

#[test]
fn every_case_comes_to_its_bytes() {
    let policies = policies();
    check_all(&policies);
    let names: Vec<String> = cases().into_iter().map(|(name, _)| name).collect();
    let distinct: BTreeSet<&String> = names.iter().collect();
    assert_eq!(distinct.len(), names.len(), "two cases of one name");
}

#[test]
fn texts_become_the_same_ids_in_every_language() {
    let file = read("ids.json");
    for pair in file["ids"].as_array().unwrap() {
        let (text, id) = (pair[0].as_str().unwrap(), pair[1].as_str().unwrap());
        assert_eq!(encode_id(text), id, "{text:?}");
        assert_eq!(decode_id(id).as_deref(), Some(text), "{id:?}");
    }
    for wrong in file["not_encoded"].as_array().unwrap() {
        assert_eq!(decode_id(wrong.as_str().unwrap()), None, "{wrong}");
    }
}

#[test]
fn every_reason_has_a_case() {
    let mut covered = BTreeSet::new();
    for (name, case) in cases() {
        let answer: Value = serde_json::from_str(case["answer"].as_str().unwrap()).unwrap();
        let found = codes(&answer);
        let code = case["code"].as_str().unwrap();
        assert!(
            code.is_empty() || found.iter().any(|own| own == code),
            "{name}"
        );
        covered.extend(found);
    }
    let excused: BTreeSet<&str> = UNREACHABLE.iter().map(|(code, _)| *code).collect();
    let mut missing = Vec::new();
    for reason in Reason::ALL.iter().map(|reason| reason.code()) {
        let has = covered.contains(reason);
        assert!(
            !(has && excused.contains(reason)),
            "`{reason}` has a case after all"
        );
        if !has && !excused.contains(reason) {
            missing.push(reason);
        }
    }
    assert!(missing.is_empty(), "no vector has {}", missing.join(", "));
    for code in excused {
        assert!(Reason::from_code(code).is_some(), "`{code}` is no reason");
    }
}

#[test]
fn the_files_are_what_their_sources_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors");
    for (name, text) in files() {
        let committed = std::fs::read_to_string(folder.join(&name)).unwrap();
        let committed: Vec<&str> = committed.lines().collect();
        assert!(
            committed.iter().eq(text.lines().collect::<Vec<_>>().iter()),
            "`tests/vectors/{name}` has drifted: run `cargo xtask generate`"
        );
    }
}

/// A decision is decided again from its record alone, and comes to the same.
#[test]
fn every_decision_replays() {
    let policies = policies();
    let mut replayed = 0;
    for (name, case) in cases() {
        if case["operation"] != "decide" {
            continue;
        }
        let text = case["answer"].as_str().unwrap();
        let decision: Value = serde_json::from_str(text).unwrap();
        let record: Record = serde_json::from_value(decision["record"].clone()).unwrap();
        let policy = &policies[case["snapshot"].as_str().unwrap()];
        match policy.replay(&record) {
            Ok(again) => {
                assert_eq!(again.to_canonical(), text, "{name}");
                replayed += 1;
            }
            // A token that was refused before its caller was known.
            Err(_) => assert_eq!(decision["allowed"], false, "{name}"),
        }
    }
    assert!(replayed > 80, "{replayed}");
}

/// Sections whose order says nothing.
const UNORDERED: [&str; 8] = [
    "/tuples",
    "/principals",
    "/resources",
    "/access",
    "/entities",
    "/entity_grants",
    "/issuers",
    "/delegation/hops",
];

#[test]
fn a_shuffled_snapshot_and_the_compiled_form_answer_alike() {
    let mut dice = Dice::new(3);
    for round in 0..5 {
        let policies = snapshots().into_iter().map(|(name, mut snapshot)| {
            for section in UNORDERED {
                if let Some(Value::Array(list)) = snapshot.pointer_mut(section) {
                    dice.shuffle(list);
                }
            }
            let policy = compile(&snapshot);
            let bytes = policy.to_compiled();
            let opened = Policy::from_compiled(&bytes).unwrap();
            assert!(opened.to_compiled() == bytes, "{name}, round {round}");
            (name, if round % 2 == 0 { policy } else { opened })
        });
        check_all(&policies.collect());
    }
}

/// The same decisions ten thousand times.
#[test]
fn ten_thousand_repeats_come_to_the_same_bytes() {
    let policies = policies();
    let cases: Vec<_> = cases()
        .into_iter()
        .filter(|(name, case)| {
            // A signature of RSA apart: it is the slowest part by far.
            case["operation"] == "decide" && name.starts_with("authority")
        })
        .collect();
    for round in 0..10_000 / cases.len() + 1 {
        for (name, case) in &cases {
            let found = to_text(&answer(&policies, case));
            assert_eq!(
                found,
                case["answer"].as_str().unwrap(),
                "{name}, round {round}"
            );
        }
    }
}
