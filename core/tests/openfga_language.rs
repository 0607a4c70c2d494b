//! OpenFGA's own language suites: DSL and JSON pairs, syntax and semantic
//! errors with their positions, modules, `fga.mod`, identifiers.

use std::fs;
use std::path::{Path, PathBuf};

use deputize::model;

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
