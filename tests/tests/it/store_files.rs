//! Store files that people outside this project wrote: every assertion.

use deputize::Policy;
use deputize::model;
use deputize::model::manifest::Manifest;
use deputize_tests::storefile::{StoreFile, beside};
use deputize_tests::{conformance, engine};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

#[test]
fn openfga_sample_stores() {
    run("openfga-sample-stores", 101);
}

/// OF1 to OF9 of the acceptance table.
#[test]
fn of1_to_of9_openfga_agents() {
    run("openfga-agents", 59);
}

/// Runs every store file under a folder, which holds so many assertions.
fn run(name: &str, count: usize) {
    let Some(folder) = conformance::folder(name) else {
        return;
    };
    let mut files = Vec::new();
    find(&folder, &mut files);
    let (mut asserted, mut wrong) = (0, Vec::new());
    for path in files {
        let file = StoreFile::read(&path);
        let model = model(&path, &file);
        for test in &file.tests {
            let tuples: Vec<_> = file.tuples.iter().chain(&test.tuples).collect();
            let snapshot = json!({ "deputize": 1, "model": model, "tuples": tuples }).to_string();
            let policy = Policy::from_json(snapshot.as_bytes());
            for assertion in test.assertions() {
                asserted += 1;
                let got = match &policy {
                    Ok(policy) => engine::answer(
                        &policy.view().with_context(&assertion.context),
                        &assertion.ask,
                    )
                    .to_string(),
                    Err(error) => error.to_string(),
                };
                if got != assertion.expected.to_string() {
                    wrong.push(format!(
                        "{}, {}, {:?}: should be {}, is {got}",
                        path.display(),
                        test.name,
                        assertion.ask,
                        assertion.expected
                    ));
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {asserted} are wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert_eq!(asserted, count);
}

fn find(folder: &Path, files: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    for entry in entries {
        if entry.is_dir() {
            find(&entry, files);
        } else if entry.to_string_lossy().ends_with(".fga.yaml") {
            files.push(entry);
        }
    }
}

/// The model as a snapshot holds it.
fn model(path: &Path, file: &StoreFile) -> Value {
    match (&file.model, &file.model_file) {
        (Some(text), None) => text.as_str().into(),
        (None, Some(other)) if other.ends_with("fga.mod") => modules(&beside(path, other)),
        (None, Some(other)) => conformance::read(&beside(path, other)).into(),
        _ => panic!(
            "{}: one of `model` and `model_file` is wanted",
            path.display()
        ),
    }
}

/// A model made of modules, in its JSON form.
fn modules(path: &Path) -> Value {
    let manifest =
        Manifest::parse(&conformance::read(path)).expect("the sample's `fga.mod` is sound");
    let names: Vec<String> = manifest
        .contents
        .value
        .into_iter()
        .map(|file| file.value)
        .collect();
    let texts: Vec<String> = names
        .iter()
        .map(|name| conformance::read(&beside(path, Path::new(name))))
        .collect();
    let files: Vec<(&str, &str)> = names
        .iter()
        .map(String::as_str)
        .zip(texts.iter().map(String::as_str))
        .collect();
    let model =
        model::combine(&files, &manifest.schema.value).expect("the sample's modules fit together");
    model::to_json(&model)
}
