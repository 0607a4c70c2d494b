//! `test`: store files, ours and others'.

use std::path::{Path, PathBuf};

use crate::{Folder, run_in};

const STORE: &str = "\
name: Plans
model: |
  model
    schema 1.1
  type user
  type document
    relations
      define viewer: [user]
tuples:
  - {user: user:anne, relation: viewer, object: document:1}
  - {user: user:anne, relation: viewer, object: document:2}
tests:
  - name: first
    check:
      - {user: user:anne, object: document:1, assertions: {viewer: true}}
    list_objects:
      - {user: user:anne, type: document, assertions: {viewer: [document:1, document:2]}}
  - name: second
    tuples:
      - {user: user:bob, relation: viewer, object: document:1}
    check:
      - {users: [user:anne, user:bob], objects: [document:1], assertions: {viewer: true}}
    list_users:
      - object: document:1
        user_filter: [{type: user}]
        assertions: {viewer: {users: [user:anne, user:bob]}}
";

#[test]
fn what_passes_is_said_in_a_line() {
    let folder = Folder::new();
    folder.add("s.fga.yaml", STORE);
    let ran = folder.run("test s.fga.yaml");
    assert_eq!(ran.status, 0, "{}{}", ran.out, ran.err);
    assert_eq!(
        ran.out,
        "✓ s.fga.yaml Plans 5/5\n1 file, 2 tests, 5 assertions: 5 passed\n"
    );
    let verbose = folder.run("test s.fga.yaml --verbose").out;
    assert!(
        verbose.contains("    ✓ check user:bob viewer document:1\n"),
        "{verbose}"
    );
    let only = folder.run("test s.fga.yaml --only first").out;
    assert!(only.contains("1 file, 1 test, 2 assertions"), "{only}");
}

#[test]
fn what_fails_is_shown_as_a_difference() {
    let folder = Folder::new();
    let text = STORE
        .replace(
            "assertions: {viewer: true}}\n    list_o",
            "assertions: {viewer: false}}\n    list_o",
        )
        .replace("[document:1, document:2]", "[document:2, document:3]");
    folder.add("s.fga.yaml", text);
    let ran = folder.run("test s.fga.yaml");
    assert_eq!(ran.status, 1);
    let expected = "\
✗ s.fga.yaml Plans 3/5
  ✗ first
    ✗ check user:anne viewer document:1: expected deny, got allow
    ✗ list-objects user:anne viewer document:
          document:2
        - document:3 expected, not found
        + document:1 found, not expected
1 file, 2 tests, 5 assertions: 3 passed, 2 failed
";
    assert_eq!(ran.out, expected);
    let explained = folder.run("test s.fga.yaml --explain").out;
    assert!(
        explained.contains("        ✓ user:anne viewer document:1\n"),
        "{explained}"
    );
    let json = folder.run("test s.fga.yaml --json");
    assert_eq!(json.status, 1);
    let document = json.json();
    assert_eq!(
        (document["passed"].as_u64(), document["failed"].as_u64()),
        (Some(3), Some(2))
    );
    let assertion = &document["files"][0]["tests"][0]["assertions"][1];
    assert_eq!(assertion["missing"][0], "document:3");
    assert_eq!(assertion["unexpected"][0], "document:1");
}

#[test]
fn a_file_that_cannot_be_run_does_not_stop_the_others() {
    let folder = Folder::new();
    folder.add("good.fga.yaml", STORE);
    folder.add("bad.fga.yaml", "model: nonsense\n");
    let ran = folder.run("test bad.fga.yaml good.fga.yaml absent.fga.yaml");
    assert_eq!(ran.status, 2);
    assert!(ran.out.contains("✓ good.fga.yaml"), "{}", ran.out);
    assert!(ran.out.contains("2 files could not be run"), "{}", ran.out);
}

#[test]
fn a_tuple_that_the_model_refuses_fails_the_file() {
    let folder = Folder::new();
    folder.add(
        "s.fga.yaml",
        STORE.replacen("relation: viewer", "relation: veiwer", 1),
    );
    let ran = folder.run("test s.fga.yaml");
    assert_eq!(ran.status, 2);
    assert!(ran.out.contains("did you mean `viewer`?"), "{}", ran.out);
    assert!(ran.out.contains("at /tuples/0"), "{}", ran.out);
    // In a test of its own it fails that test.
    let text = STORE.replace("user:bob, relation: viewer", "user:bob, relation: veiwer");
    folder.add("s.fga.yaml", text);
    let ran = folder.run("test s.fga.yaml");
    assert_eq!(ran.status, 1, "{}", ran.out);
    assert!(ran.out.contains("✗ second"), "{}", ran.out);
}

#[test]
fn an_error_is_no_deny() {
    let folder = Folder::new();
    let text = STORE.replace(
        "assertions: {viewer: true}}\n    list_o",
        "assertions: {nothing: false}}\n    list_o",
    );
    folder.add("s.fga.yaml", text);
    let ran = folder.run("test s.fga.yaml");
    assert_eq!(ran.status, 1);
    assert!(ran.out.contains("no answer"), "{}", ran.out);
}

#[test]
fn the_banks_own_tests_pass() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let ran = run_in(&root, &["test", "examples/bank/store.fga.yaml"], b"");
    assert_eq!(ran.status, 0, "{}", ran.out);
    assert!(ran.out.contains("51 passed"), "{}", ran.out);
}

#[test]
fn every_store_of_others_passes() {
    for (folder, files, assertions) in [
        ("openfga-agents", 9, 59),
        ("openfga-sample-stores", 13, 101),
    ] {
        let Some(root) = conformance(folder) else {
            println!("skipped: every_store_of_others_passes: no `{folder}`");
            continue;
        };
        let mut stores = Vec::new();
        find(&root, &mut stores);
        stores.sort();
        assert_eq!(stores.len(), files, "{stores:?}");
        for limits in [&[][..], &["--openfga-limits"]] {
            let mut args = vec!["test", "--json"];
            args.extend(limits);
            args.extend(stores.iter().map(|path| path.to_str().unwrap()));
            let ran = run_in(&root, &args, b"");
            let document = ran.json();
            assert_eq!(ran.status, 0, "{document:#}");
            assert_eq!(document["passed"].as_u64(), Some(assertions));
        }
    }
}

fn conformance(folder: &str) -> Option<PathBuf> {
    let root = std::env::var_os("DEPUTIZE_CONFORMANCE").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance"),
        PathBuf::from,
    );
    Some(root.join(folder)).filter(|path| path.is_dir())
}

fn find(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            find(&path, into);
        } else if path
            .to_str()
            .is_some_and(|name| name.ends_with(".fga.yaml"))
        {
            into.push(path);
        }
    }
}
