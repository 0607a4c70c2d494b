//! OpenFGA's own language suites: DSL and JSON pairs, syntax and semantic
//! errors with their positions, modules, `fga.mod`, identifiers.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test may fail by panicking, and says what it counted"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use deputize::model::{self, ModelError};
use serde::Deserialize;

/// The folder with the suites; `None`, said by name, where it is missing.
fn suites(test: &str) -> Option<PathBuf> {
    let root = std::env::var_os("DEPUTIZE_CONFORMANCE").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/conformance"),
        PathBuf::from,
    );
    let folder = root.join("openfga-language");
    if folder.is_dir() {
        Some(folder)
    } else {
        println!("skipped: {test} (no conformance data)");
        None
    }
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The folders in `folder`, sorted by name.
fn folders(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    found.sort();
    found
}

#[test]
fn transformer_pairs() {
    let Some(suites) = suites("transformer_pairs") else {
        return;
    };
    let cases = folders(&suites.join("transformer"));
    assert!(cases.len() >= 27, "{} pairs", cases.len());
    for case in &cases {
        let name = case.display();
        let dsl = read(&case.join("authorization-model.fga"));
        let text = read(&case.join("authorization-model.json"));
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        let from_dsl = model::parse(&dsl).unwrap_or_else(|e| panic!("{name}: {e:?}"));
        assert_eq!(model::to_json(&from_dsl), json, "{name}: DSL to JSON");
        let from_json = model::from_json(&text).unwrap_or_else(|e| panic!("{name}: {e:?}"));
        assert_eq!(model::to_json(&from_json), json, "{name}: JSON to JSON");
    }
    println!("transformer: {} pairs", cases.len());
}

/// A case of the validation suites.
#[derive(Debug, Deserialize)]
struct Case {
    name: String,
    #[serde(default)]
    dsl: String,
    #[serde(default)]
    json: String,
    /// Cases that OpenFGA's own tools do not pass yet.
    #[serde(default)]
    skip: bool,
    expected_errors: Option<Vec<Expected>>,
}

/// An error that a case expects.
#[derive(Debug, Deserialize)]
struct Expected {
    msg: String,
    line: Option<Range>,
    column: Option<Range>,
    #[serde(default)]
    metadata: Metadata,
    file: Option<String>,
}

#[derive(Debug, Deserialize, PartialEq, Eq, Clone, Copy)]
struct Range {
    start: u32,
    end: u32,
}

#[derive(Debug, Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    symbol: Option<String>,
    error_type: Option<String>,
}

fn cases(path: &Path) -> Vec<Case> {
    serde_saphyr::from_str(&read(path)).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// What differs between the errors found and the errors expected; empty where
/// nothing does.
fn differences(found: &[ModelError], expected: &[Expected]) -> Vec<String> {
    let mut out = Vec::new();
    if found.len() != expected.len() {
        out.push(format!("{} errors, not {}", found.len(), expected.len()));
    }
    for (nth, (found, expected)) in found.iter().zip(expected).enumerate() {
        let mut differ = |what: &str, found: String, expected: String| {
            if found != expected {
                out.push(format!("error {nth}, {what}: {found}, not {expected}"));
            }
        };
        // The suites write line ends in messages in two ways.
        let message = expected.msg.replace('\n', "\\n");
        differ("message", found.message(), message);
        if let Some(line) = expected.line {
            let at = found.span.map(|span| Range {
                start: span.line,
                end: span.line,
            });
            differ("line", format!("{at:?}"), format!("{:?}", Some(line)));
        }
        if let Some(column) = expected.column {
            let at = found.span.map(|span| Range {
                start: span.start,
                end: span.end,
            });
            differ("column", format!("{at:?}"), format!("{:?}", Some(column)));
        }
        if let Some(symbol) = &expected.metadata.symbol {
            differ("symbol", found.symbol.clone(), symbol.clone());
        }
        if let Some(code) = &expected.metadata.error_type {
            differ("kind", found.code().to_owned(), code.clone());
        }
        if let Some(file) = &expected.file {
            differ(
                "file",
                format!("{:?}", found.part.file),
                format!("{:?}", Some(file)),
            );
        }
    }
    out
}

/// Runs the cases of one file. Those named in `exceptions` must differ, each
/// for the reason given there; all others must not.
fn judge(
    file: &str,
    exceptions: &[(&str, &str)],
    mut run: impl FnMut(&Case) -> Result<(), Vec<ModelError>>,
) {
    let Some(suites) = suites(file) else {
        return;
    };
    let cases = cases(&suites.join(file));
    let mut problems = Vec::new();
    let mut used = BTreeSet::new();
    let mut skipped = 0;
    let mut exact = 0;
    for case in &cases {
        let expected = case.expected_errors.as_deref().unwrap_or_default();
        let found = run(case).err().unwrap_or_default();
        let differences = differences(&found, expected);
        let excepted = exceptions.iter().find(|(name, _)| *name == case.name);
        if let Some((name, reason)) = excepted {
            used.insert(*name);
            assert!(
                found.is_empty() == expected.is_empty(),
                "{name}: refused or not is never an exception"
            );
            if differences.is_empty() {
                problems.push(format!("{name}: passes, so `{reason}` no longer holds"));
            }
        } else if case.skip && !differences.is_empty() {
            skipped += 1;
        } else if differences.is_empty() {
            exact += 1;
        } else {
            problems.push(format!(
                "{}:\n    {}",
                case.name,
                differences.join("\n    ")
            ));
        }
    }
    for (name, _) in exceptions {
        if !used.contains(name) {
            problems.push(format!("{name}: is an exception and no case"));
        }
    }
    println!(
        "{file}: {} cases, {exact} exact, {skipped} skipped by the suite itself, {} exceptions",
        cases.len(),
        exceptions.len()
    );
    assert!(
        problems.is_empty(),
        "{}: {}\n{}",
        file,
        problems.len(),
        problems.join("\n")
    );
}

#[test]
fn semantic_cases() {
    judge("dsl-semantic-validation-cases.yaml", &[], |case| {
        model::load(&case.dsl).map(drop)
    });
}

#[test]
fn json_cases() {
    judge("json-validation-cases.yaml", &[], |case| {
        model::validate(&model::from_json(&case.json)?)
    });
}
