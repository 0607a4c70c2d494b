//! The contract's cases speak of codes that exist, and each code has a case.

use std::collections::BTreeSet;
use std::path::Path;

use deputize::decision::Reason;
use deputize_wire::codes::{GUARD_CODES, RETRIEVAL_CODES, SOURCE_CODES};
use serde_json::Value;

const FILES: &[&str] = &["guards", "retrieval", "sources"];

/// Codes without a case that both languages run, each with why.
const WITHOUT: &[(&str, &str)] = &[
    (
        "guard.ambiguous",
        "LangChain of Python alone has two places for a caller",
    ),
    (
        "guard.malformed",
        "a header or message that only some transports let through",
    ),
    ("guard.proof_used", "routes of Node alone take proofs"),
    (
        "retrieval.nothing_allowed",
        "Python's alone make a store's filters by themselves",
    ),
    ("retrieval.prefilter", "Python's alone know stores by name"),
    ("retrieval.types", "Python's alone know stores by name"),
    (
        "source.signature",
        "Node's alone has checks of its own making",
    ),
    (
        "source.listener",
        "it changes nothing, and Python's is only logged",
    ),
];

fn cases(file: &str) -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors");
    let text = std::fs::read(folder.join(format!("{file}.json"))).unwrap();
    let read: Value = serde_json::from_slice(&text).unwrap();
    assert_eq!(read["format"], 1, "{file}");
    read["cases"].as_array().unwrap().clone()
}

/// The codes that a case's members expect: those of its steps, and its own.
fn codes(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match (name.as_str(), member) {
                    ("code" | "refused", Value::String(code)) => drop(found.insert(code.clone())),
                    ("code" | "seen", Value::Array(several)) => {
                        found.extend(several.iter().filter_map(Value::as_str).map(str::to_owned));
                    }
                    // A source has a policy, or a code.
                    ("open" | "refresh" | "revision", Value::String(code))
                        if code.contains('.') =>
                    {
                        found.insert(code.clone());
                    }
                    ("dropped", Value::Object(counts)) => found.extend(counts.keys().cloned()),
                    _ => codes(member, found),
                }
            }
        }
        Value::Array(several) => several.iter().for_each(|one| codes(one, found)),
        _ => {}
    }
}

#[test]
fn every_code_of_the_contract_is_one_and_has_a_case() {
    let mut found = BTreeSet::new();
    for case in FILES.iter().flat_map(|file| cases(file)) {
        codes(&case, &mut found);
    }
    let tables = [GUARD_CODES, RETRIEVAL_CODES, SOURCE_CODES];
    let own: BTreeSet<&str> = tables.into_iter().flatten().map(|one| one.code).collect();
    for code in &found {
        let document = code.starts_with("snapshot.") || code.starts_with("compiled.");
        let known = own.contains(code.as_str()) || Reason::from_code(code).is_some() || document;
        assert!(known, "`{code}` is in no table");
    }
    let excused: BTreeSet<&str> = WITHOUT.iter().map(|(code, _)| *code).collect();
    let missing: Vec<_> = own.iter().filter(|code| !found.contains(**code)).collect();
    let unexcused: Vec<_> = missing
        .iter()
        .filter(|code| !excused.contains(**code))
        .collect();
    assert!(unexcused.is_empty(), "no case has {unexcused:?}");
    let needless: Vec<_> = excused
        .iter()
        .filter(|code| found.contains(**code))
        .collect();
    assert!(needless.is_empty(), "{needless:?} have a case after all");
    assert!(excused.is_subset(&own), "{excused:?}");
}
