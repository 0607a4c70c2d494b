//! The vectors: cases that every language runs to the same bytes.
//!
//! They are written here as short sources and generated into `tests/vectors/`,
//! whose README describes the files. A case says which reason it is about; what
//! the whole answer is, the generator writes down.

mod authority;
mod authzen;
mod chains;
mod exchanges;
mod inspections;
mod lists;
mod scopes;
mod tokens;

pub mod keys;
mod readings;
pub mod run;
pub mod snapshots;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use deputize::Policy;
use serde_json::{Value, json};

use self::run::{Request, codes, run};

/// The time at which everything happens: 2025-11-21T11:40:00Z.
pub const NOW: u64 = 1_763_725_200;

/// Reasons that no vector can have, each with why not.
pub const UNREACHABLE: [(&str, &str); 8] = [
    ("internal", "an error of our own"),
    (
        "caller.expired",
        "a case asks at the time of its request, and no caller is kept between cases",
    ),
    (
        "condition.compile",
        "such a model is refused when its snapshot is compiled",
    ),
    (
        "condition.not_bool",
        "such a model is refused when its snapshot is compiled",
    ),
    (
        "condition.parameter",
        "such a model is refused when its snapshot is compiled",
    ),
    (
        "condition.unknown_parameter",
        "a tuple's context is checked when it is read; of a request's, what no condition knows is passed over",
    ),
    (
        "request.invalid_user",
        "a party is looked at before, and is then `principal.malformed`",
    ),
    (
        "request.invalid_object",
        "the resource is looked at before, and is then `resource.malformed`",
    ),
];

/// One case.
#[derive(Debug, Clone)]
pub struct Case {
    /// What it is about, in words.
    pub name: &'static str,
    /// The snapshot's name; empty where none is needed.
    pub snapshot: &'static str,
    /// What is called.
    pub operation: &'static str,
    /// The reason that the answer must have; empty where it refuses nothing.
    pub code: &'static str,
    /// What it is called with.
    pub request: Value,
}

/// A case; the request is at [`NOW`] where it names no other time.
fn case(
    operation: &'static str,
    snapshot: &'static str,
    code: &'static str,
    name: &'static str,
    mut request: Value,
) -> Case {
    if request.get("now").is_none() {
        request["now"] = json!(NOW);
    }
    Case {
        name,
        snapshot,
        operation,
        code,
        request,
    }
}

/// Every room of cases, by the name of its file.
pub fn rooms() -> Vec<(&'static str, Vec<Case>)> {
    vec![
        ("tokens", tokens::cases()),
        ("chains", chains::cases()),
        ("scopes", scopes::cases()),
        ("authority", authority::cases()),
        ("lists", lists::cases()),
        ("exchanges", exchanges::cases()),
        ("authzen", authzen::cases()),
        ("inspections", inspections::cases()),
    ]
}

/// Every snapshot, compiled.
pub fn policies() -> BTreeMap<&'static str, Policy> {
    let compile = |(name, snapshot): (_, Value)| {
        let policy = Policy::from_json(snapshot.to_string().as_bytes());
        (name, policy.unwrap_or_else(|e| panic!("{name}: {e}")))
    };
    snapshots::all().into_iter().map(compile).collect()
}

/// Any policy, for what needs none.
fn policy<'p>(policies: &'p BTreeMap<&'static str, Policy>, name: &str) -> &'p Policy {
    let name = if name.is_empty() { "bank" } else { name };
    policies
        .get(name)
        .unwrap_or_else(|| panic!("no snapshot `{name}`"))
}

/// A case's answer as canonical JSON.
pub fn answer(policies: &BTreeMap<&'static str, Policy>, case: &Case) -> String {
    let request: Request = serde_json::from_value(case.request.clone())
        .unwrap_or_else(|e| panic!("{}: {e}", case.name));
    let answer = run(policy(policies, case.snapshot), case.operation, &request);
    let codes = codes(&answer);
    let fits = match case.code {
        "" => codes.is_empty() || codes == ["allowed"],
        code => codes.iter().any(|own| own == code),
    };
    let text = deputize::canonical::to_text(&answer);
    assert!(
        fits,
        "{}: expected `{}`, came to {text}",
        case.name, case.code
    );
    text
}

/// The files of the vectors, by name, as they are committed.
pub fn files() -> Vec<(String, String)> {
    let policies = policies();
    let mut files = vec![(
        "snapshots.json".to_owned(),
        one_a_line("snapshots", snapshots::all()),
    )];
    for (room, cases) in rooms() {
        let mut text = String::from("{\n\"format\": 1,\n\"cases\": [\n");
        let count = cases.len();
        for (i, case) in cases.iter().enumerate() {
            let answer = answer(&policies, case);
            let comma = if i + 1 < count { "," } else { "" };
            let member = |value: Value| deputize::canonical::to_text(&value);
            let _ = writeln!(
                text,
                "{{\"name\": {},\n \"snapshot\": {}, \"operation\": {}, \"code\": {},\n \"request\": {},\n \"answer\": {}}}{comma}",
                member(json!(case.name)),
                member(json!(case.snapshot)),
                member(json!(case.operation)),
                member(json!(case.code)),
                member(case.request.clone()),
                member(json!(answer)),
            );
        }
        text.push_str("]\n}\n");
        files.push((format!("{room}.json"), text));
    }
    files
}

fn one_a_line(name: &str, values: BTreeMap<&str, Value>) -> String {
    let lines: Vec<String> = values
        .iter()
        .map(|(name, value)| format!("{}: {}", json!(name), deputize::canonical::to_text(value)))
        .collect();
    format!(
        "{{\n\"format\": 1,\n\"{name}\": {{\n{}\n}}\n}}\n",
        lines.join(",\n")
    )
}
