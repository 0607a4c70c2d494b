//! Models, the compiled form, completions, help and the demo.

use serde_json::json;

use crate::Folder;

const MODEL: &str = "model\n  schema 1.1\n\ntype user\n\ntype doc\n  relations\n    define editor: [user]\n    define viewer: [user, user:*] or editor\n";

#[test]
fn a_model_goes_to_json_and_back() {
    let folder = Folder::new();
    folder.add("m.fga", MODEL);
    let json = folder.run("model to-json m.fga");
    assert_eq!(json.status, 0, "{}", json.err);
    assert_eq!(json.json()["schema_version"], "1.1");
    let dsl = folder.run_with("model to-dsl", &json.out);
    assert_eq!((dsl.status, dsl.out.as_str()), (0, MODEL), "{}", dsl.err);
    assert_eq!(folder.run("model to-dsl m.fga --json").json()["dsl"], MODEL);
}

#[test]
fn a_model_is_validated_with_all_its_errors() {
    let folder = Folder::new();
    folder.add("m.fga", MODEL);
    let valid = folder.run("model validate m.fga");
    assert_eq!(
        (valid.status, valid.out.as_str()),
        (0, "valid: 2 types, 2 relations, 0 conditions\n")
    );
    folder.add(
        "bad.fga",
        MODEL
            .replace("or editor", "or editr")
            .replace("[user, user:*]", "[usr]"),
    );
    let ran = folder.run("model validate bad.fga");
    assert_eq!((ran.status, ran.out.as_str()), (2, ""));
    assert!(ran.err.contains("did you mean `editor`?"), "{}", ran.err);
    assert!(ran.err.contains("did you mean `user`?"), "{}", ran.err);
    assert!(
        ran.err.contains("9 |     define viewer: [usr] or editr"),
        "{}",
        ran.err
    );
    let json = folder.run("model validate bad.fga --json").json();
    assert_eq!(json["errors"].as_array().unwrap().len(), 2);
    assert_eq!(json["errors"][0]["line"], 9);
    folder.add("odd.fga", MODEL.replace("[user, user:*]", "[user, user]"));
    let odd = folder.run("model validate odd.fga");
    assert_eq!(odd.status, 0);
    assert!(
        odd.err
            .contains("warning: the type restriction `user` is a duplicate"),
        "{}",
        odd.err
    );
    folder.add("fga.mod", "schema: 1.2\ncontents:\n  - ../m.fga\n");
    let ran = folder.run("model validate fga.mod --json");
    assert_eq!(ran.status, 2);
    assert!(ran.code().starts_with("manifest."), "{}", ran.out);
}

#[test]
fn modules_are_admitted_as_one_file_is() {
    let folder = Folder::new();
    folder.add(
        "fga.mod",
        "schema: '1.2'\ncontents:\n  - people.fga\n  - docs.fga\n",
    );
    folder.add("people.fga", "module people\ntype user\n");
    folder.add(
        "docs.fga",
        "module docs\ntype doc\n  relations\n    define viewer: [user, user]\n",
    );
    let ran = folder.run("model validate fga.mod");
    assert_eq!(ran.status, 0, "{}", ran.err);
    assert!(ran.out.starts_with("valid: 2 types"), "{}", ran.out);
    let said = "warning: the type restriction `user` is a duplicate";
    assert!(ran.err.contains(said), "{}", ran.err);
    assert!(ran.err.contains("--> docs.fga:4:"), "{}", ran.err);
    let document = folder.run("model validate fga.mod --json").json();
    assert_eq!(document["warnings"].as_array().unwrap().len(), 1);
    folder.add(
        "t.yaml",
        "- {user: user:a, relation: viewer, object: doc:1}\n",
    );
    let ran = folder.run("import openfga fga.mod t.yaml -o p.json");
    assert_eq!(ran.status, 0, "{}", ran.err);
    folder.add("s.fga.yaml", "model_file: fga.mod\ntuple_file: t.yaml\n");
    for snapshot in ["p.json", "s.fga.yaml"] {
        let ran = folder.run(&format!("check user:a viewer doc:1 -s {snapshot}"));
        assert_eq!(ran.status, 0, "{}", ran.err);
    }
    folder.add(
        "docs.fga",
        "module docs\ntype doc\n  relations\n    define viewer: [user, user, usr]\n",
    );
    let ran = folder.run("model validate fga.mod --json");
    assert_eq!((ran.status, ran.code().as_str()), (2, "invalid-type"));
}

#[test]
fn the_compiled_form_does_not_depend_on_the_order() {
    let folder = Folder::with_policy();
    let mut snapshot: serde_json::Value = serde_json::from_str(crate::POLICY).unwrap();
    snapshot["tuples"].as_array_mut().unwrap().reverse();
    folder.add("reversed.json", snapshot.to_string());
    let ran = folder.run("compile -s policy.json -o a.bin --json");
    assert_eq!(ran.status, 0);
    assert_eq!(folder.run("compile -s reversed.json -o b.bin").status, 0);
    let bytes = folder.read("a.bin");
    assert_eq!(
        ran.json(),
        json!({"output": "a.bin", "bytes": bytes.len(), "tuples": 9, "revision": "7", "warnings": []})
    );
    assert!(bytes == folder.read("b.bin"));
    let nowhere = folder.run("compile -s policy.json -o absent/a.bin --json");
    assert_eq!(
        (nowhere.status, nowhere.code()),
        (2, "file.unwritable".to_owned())
    );
}

#[test]
fn completions_are_for_every_shell() {
    let folder = Folder::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let ran = folder.run(&format!("completions {shell}"));
        assert_eq!(ran.status, 0, "{}", ran.err);
        for word in ["deputize", "list-objects", "openfga-limits", "fusionauth"] {
            assert!(ran.out.contains(word), "{shell} lacks {word}");
        }
    }
}

#[test]
fn help_has_an_example_for_each_command() {
    let folder = Folder::new();
    let help = folder.run("--help");
    assert_eq!(help.status, 0);
    for command in [
        "check",
        "explain",
        "filter",
        "list-objects",
        "list-users",
        "expand",
        "inspect",
        "verify",
        "decide",
        "replay",
        "exchange",
        "grant",
        "token",
        "keys",
        "test",
        "lint",
        "compile",
        "model to-json",
        "model to-dsl",
        "model validate",
        "import openfga",
        "import fusionauth",
        "import fusebit",
        "import permit",
        "completions",
    ] {
        let first = command.split(' ').next().unwrap();
        assert!(help.out.contains(&format!("  {first}")), "{command}");
        let ran = folder.run(&format!("{command} --help"));
        assert_eq!(ran.status, 0, "{command}");
        assert!(
            ran.out.contains(&format!("  deputize {command}")),
            "{command}: {}",
            ran.out
        );
    }
}

#[test]
fn the_demo_fits_a_terminal_and_tells_who_sees_what() {
    let folder = Folder::new();
    let ran = folder.run("demo");
    assert_eq!((ran.status, ran.err.as_str()), (0, ""));
    for line in ran.out.lines() {
        assert!(line.chars().count() <= 100, "{line}");
    }
    assert!(!ran.out.contains('\u{1b}'), "colours are for terminals");
    assert!(folder.run("demo --color always").out.contains('\u{1b}'));
    for word in [
        "carla",
        "§3 Legal position",
        "allow: user:dina",
        "deny: user:tom",
        "3 of 7 kept",
        "user:leo → agent:coordinator → agent:business",
        "✓ decided again from its record alone",
    ] {
        assert!(ran.out.contains(word), "{word}");
    }
    let document = folder.run("demo --json").json();
    assert_eq!(
        document["can_read"]["user:carla"],
        json!(["document:fees", "document:loan-letter-carla"])
    );
    assert_eq!(
        document["filter"]["mask"],
        json!([false, false, true, false, true, false, true])
    );
    let outcomes: Vec<(bool, &str)> = document["agents"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|row| Some((row["allowed"].as_bool()?, row["outcome"].as_str()?)))
        .collect();
    assert_eq!(
        outcomes,
        [
            (true, "a token is given"),
            (false, "chain.hop_not_permitted"),
            (false, "chain.hop_not_permitted"),
            (true, "a token is given"),
            (false, "chain.hop_not_permitted"),
            (true, "allowed"),
            (false, "audience.mismatch"),
            (false, "scope.insufficient"),
            (false, "actor.no_grant"),
            (false, "chain.hop_not_permitted"),
            (true, "allowed"),
            (false, "subject.no_grant"),
            (true, "allowed"),
            (false, "subject.no_grant"),
            (true, "allowed"),
            (false, "subject.no_grant"),
            (true, "allowed"),
            (false, "condition.missing_context"),
            (true, "allowed"),
            (false, "subject.no_grant"),
            (false, "chain.root_type"),
        ]
    );
    assert_eq!(document["audit"]["actingOnBehalfOf"], "user:leo");
    assert_eq!(document["audit"]["replayed"], true);
}

#[test]
fn the_demo_writes_what_can_be_asked_again() {
    let folder = Folder::new();
    let now = "--now 1763725200";
    let ran = folder.run(&format!("demo --write bank {now}"));
    assert_eq!((ran.status, ran.err.as_str()), (0, ""));
    // What it says to try, works.
    let (_, tries) = ran.out.split_once("Ask it yourself").unwrap();
    let tries: Vec<&str> = tries
        .lines()
        .filter_map(|l| l.trim().strip_prefix("deputize "))
        .collect();
    let statuses: Vec<i32> = tries
        .iter()
        .map(|line| folder.run(&format!("{line} {now}")).status)
        .collect();
    assert_eq!(statuses, [0, 0, 1, 1], "{tries:?}");
    let again = folder.run("demo --write bank --json");
    assert_eq!(
        (again.status, again.code().as_str()),
        (2, "file.unwritable")
    );
}
