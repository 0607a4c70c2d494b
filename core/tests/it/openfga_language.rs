//! OpenFGA's own language suites: DSL and JSON pairs, syntax and semantic
//! errors with their positions, modules, `fga.mod`, identifiers.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use deputize::model::manifest::{Manifest, Place};
use deputize::model::{self, Model, ModelError};
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
        let printed = model::to_dsl(&from_json).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(printed, dsl, "{name}: JSON to DSL");
        let printed = model::to_dsl(&from_dsl).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(printed, dsl, "{name}: DSL to DSL");
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
    /// OpenFGA's own tools do not run the case.
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
    let mut exact = 0;
    for case in &cases {
        let expected = case.expected_errors.as_deref().unwrap_or_default();
        let found = run(case).err().unwrap_or_default();
        let differences = differences(&found, expected);
        let excepted = exceptions.iter().find(|(name, _)| *name == case.name);
        if let Some((name, reason)) = excepted {
            used.insert(*name);
            assert!(
                found.is_empty() == expected.is_empty() || case.skip,
                "{name}: refused or not is an exception only where the suite skips the case"
            );
            if differences.is_empty() {
                problems.push(format!("{name}: passes, so `{reason}` no longer holds"));
            }
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
        "{file}: {} cases, {exact} exact, {} exceptions",
        cases.len(),
        used.len()
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
fn module_cases() {
    let Some(suites) = suites("module_cases") else {
        return;
    };
    let cases = folders(&suites.join("transformer-module"));
    assert!(cases.len() >= 7, "{} module cases", cases.len());
    let mut refused = 0;
    for case in &cases {
        let name = case.display();
        let mut files: Vec<(String, String)> = Vec::new();
        if case.join("module").is_dir() {
            for entry in fs::read_dir(case.join("module")).unwrap() {
                let path = entry.unwrap().path();
                let file = path.file_name().unwrap().to_str().unwrap().to_owned();
                files.push((file, read(&path)));
            }
            files.sort();
        }
        let files: Vec<(&str, &str)> = files.iter().map(|(n, c)| (&**n, &**c)).collect();
        let combined = (!files.is_empty()).then(|| model::combine(&files, "1.2"));
        if case.join("expected_errors.json").is_file() {
            let text = read(&case.join("expected_errors.json"));
            let expected: Vec<Expected> = serde_json::from_str(&text).unwrap();
            let found = combined.unwrap().unwrap_err();
            let differences = differences(&found, &expected);
            assert!(
                differences.is_empty(),
                "{name}:\n{}",
                differences.join("\n")
            );
            refused += 1;
            continue;
        }
        let text = read(&case.join("authorization-model.json"));
        let mut json: serde_json::Value = serde_json::from_str(&text).unwrap();
        let from_json = model::from_json(&text).unwrap_or_else(|e| panic!("{name}: {e:?}"));
        if json["conditions"].as_object().is_some_and(|c| c.is_empty()) {
            json.as_object_mut().unwrap().remove("conditions");
        }
        let mut models = vec![from_json];
        if let Some(combined) = combined {
            models.push(combined.unwrap_or_else(|e| panic!("{name}: {e:?}")));
        }
        for model in models {
            assert_eq!(model::to_json(&model), json, "{name}: to JSON");
            let modules: Vec<String> =
                serde_json::from_str(&read(&case.join("expected_modules.json"))).unwrap();
            assert_eq!(
                model.modules().into_iter().collect::<Vec<_>>(),
                modules,
                "{name}"
            );
            if case.join("combined.fga").is_file() {
                let plain = model::to_dsl(&model).unwrap();
                assert_eq!(plain, read(&case.join("combined.fga")), "{name}");
                let sources = model::to_dsl_with_sources(&model).unwrap();
                let expected = read(&case.join("combined-sourceinfo.fga"));
                assert_eq!(sources, expected, "{name}");
            }
        }
    }
    println!(
        "transformer-module: {} cases, {refused} refused",
        cases.len()
    );
}

/// A case of the `fga.mod` suite.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ManifestCase {
    name: String,
    mod_file: String,
    json: Option<String>,
    #[serde(default, rename = "expected_errors")]
    expected_errors: Vec<Expected>,
}

#[test]
fn manifest_cases() {
    let Some(suites) = suites("manifest_cases") else {
        return;
    };
    let range = |start, end| serde_json::json!({ "start": start, "end": end });
    let lines = |place: Place| range(place.start.0, place.end.0);
    let columns = |place: Place| range(place.start.1, place.end.1);
    let text = read(&suites.join("fga-mod-transformer-cases.yaml"));
    let cases: Vec<ManifestCase> = serde_saphyr::from_str(&text).unwrap();
    for case in &cases {
        let name = &case.name;
        match Manifest::parse(&case.mod_file) {
            Ok(manifest) => {
                let files = manifest.contents.value.iter().map(|file| {
                    serde_json::json!({
                        "value": file.value,
                        "line": lines(file.place),
                        "column": columns(file.place),
                    })
                });
                let found = serde_json::json!({
                    "schema": {
                        "value": manifest.schema.value,
                        "line": lines(manifest.schema.place),
                        "column": columns(manifest.schema.place),
                    },
                    "contents": {
                        "value": files.collect::<Vec<_>>(),
                        "line": lines(manifest.contents.place),
                        "column": columns(manifest.contents.place),
                    },
                });
                let expected = case
                    .json
                    .as_deref()
                    .unwrap_or_else(|| panic!("{name}: refused"));
                let expected: serde_json::Value = serde_json::from_str(expected).unwrap();
                assert_eq!(found, expected, "{name}");
            }
            Err(found) => {
                assert_eq!(found.len(), case.expected_errors.len(), "{name}: {found:?}");
                for (found, expected) in found.iter().zip(&case.expected_errors) {
                    assert_eq!(found.message(), expected.msg, "{name}");
                    let (line, column) = (expected.line.unwrap(), expected.column.unwrap());
                    assert_eq!(found.place.start, (line.start, column.start), "{name}");
                    assert_eq!(found.place.end, (line.end, column.end), "{name}");
                }
            }
        }
    }
    println!("fga-mod-transformer-cases.yaml: {} cases", cases.len());
}

/// A case of the identifier suite.
#[derive(Deserialize)]
struct IdentifierCase {
    name: String,
    object_id: String,
    valid: bool,
}

#[test]
fn identifier_cases() {
    let Some(suites) = suites("identifier_cases") else {
        return;
    };
    let text = read(&suites.join("object-id-validation-cases.yaml"));
    let cases: Vec<IdentifierCase> = serde_saphyr::from_str(&text).unwrap();
    for case in &cases {
        let found = model::identifier::object_id(&case.object_id);
        assert_eq!(found.is_ok(), case.valid, "{}: {found:?}", case.name);
    }
    println!("object-id-validation-cases.yaml: {} cases", cases.len());
}

/// A case of the suite about JSON that the DSL may have no way to write.
#[derive(Deserialize)]
struct PrintCase {
    name: String,
    json: String,
    #[serde(default = "yes")]
    valid: bool,
    error_message: Option<String>,
}

fn yes() -> bool {
    true
}

#[test]
fn print_cases() {
    let Some(suites) = suites("print_cases") else {
        return;
    };
    let text = read(&suites.join("json-syntax-transformer-validation-cases.yaml"));
    let cases: Vec<PrintCase> = serde_saphyr::from_str(&text).unwrap();
    for case in &cases {
        let name = &case.name;
        let parsed = model::from_json(&case.json).unwrap_or_else(|e| panic!("{name}: {e:?}"));
        match model::to_dsl(&parsed) {
            Ok(dsl) => {
                assert!(case.valid, "{name}: {dsl}");
                model::parse(&dsl).unwrap_or_else(|e| panic!("{name}: {e:?}"));
            }
            Err(error) => {
                assert!(!case.valid, "{name}: {error}");
                assert_eq!(Some(error.message()), case.error_message, "{name}");
            }
        }
    }
    println!(
        "json-syntax-transformer-validation-cases.yaml: {} cases",
        cases.len()
    );
}

/// The suite skips these, and OpenFGA's server refuses them.
const CIRCLE: &str =
    "relations computed from each other are a circle, which OpenFGA's server refuses";

#[test]
fn semantic_cases() {
    let exceptions = [
        ("union does not require all child to have entry", CIRCLE),
        (
            "union does not require all child to have entry even for intersection child",
            CIRCLE,
        ),
        (
            "union does not require all child to have entry even for exclusion child",
            CIRCLE,
        ),
    ];
    judge("dsl-semantic-validation-cases.yaml", &exceptions, |case| {
        model::load(&case.dsl).map(drop)
    });
}

#[test]
fn syntax_cases() {
    judge("dsl-syntax-validation-cases.yaml", &[], |case| {
        model::parse(&case.dsl).map(drop)
    });
}

#[test]
fn json_cases() {
    judge("json-validation-cases.yaml", &[], |case| {
        model::validate(&model::from_json(&case.json)?)
    });
}

/// With the parts in the order of their names, as JSON objects and printed
/// conditions have them.
fn sorted(mut model: Model) -> Model {
    for def in &mut model.types {
        def.relations.sort_by(|a, b| a.name.cmp(&b.name));
    }
    for condition in &mut model.conditions {
        condition.params.sort_by(|a, b| a.name.cmp(&b.name));
    }
    model.conditions.sort_by(|a, b| a.name.cmp(&b.name));
    model
}

#[test]
fn suite_models_are_the_same_through_dsl_and_json() {
    let Some(suites) = suites("suite_models_are_the_same_through_dsl_and_json") else {
        return;
    };
    let mut texts: Vec<String> = folders(&suites.join("transformer"))
        .iter()
        .map(|case| read(&case.join("authorization-model.fga")))
        .collect();
    for file in [
        "dsl-syntax-validation-cases.yaml",
        "dsl-semantic-validation-cases.yaml",
    ] {
        texts.extend(cases(&suites.join(file)).into_iter().map(|case| case.dsl));
    }
    let mut count = 0;
    for text in texts {
        let Ok(model) = model::parse(&text) else {
            continue;
        };
        let back = model::from_json_value(&model::to_json(&model)).unwrap();
        assert_eq!(sorted(back), sorted(model.clone()), "{text}");
        // A module alone prints as a model.
        if model.modules().is_empty() {
            let printed = model::to_dsl(&model).unwrap();
            let back = model::parse(&printed).unwrap_or_else(|e| panic!("{e:?}\n{printed}"));
            assert_eq!(sorted(back), sorted(model), "{text}");
        }
        count += 1;
    }
    assert!(count > 100, "{count}");
    println!("models through DSL and JSON: {count}");
}
