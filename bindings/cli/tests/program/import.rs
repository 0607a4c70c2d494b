//! `import openfga`: stores, models and exports become one snapshot.

use serde_json::json;

use crate::Folder;

const MODEL: &str = "model\n  schema 1.1\ntype user\ntype team\n  relations\n    define member: [user]\ntype doc\n  relations\n    define viewer: [user, team#member]\n";

const YAML: &str = "- user: user:anne\n  relation: member\n  object: team:core\n";
const CSV: &str = "user_type,user_id,user_relation,relation,object_type,object_id\nteam,core,member,viewer,doc,1\n";
const READ: &str = r#"{"tuples":[{"key":{"user":"user:bob","relation":"viewer","object":"doc:2","condition":null},"timestamp":"2025-01-01T00:00:00Z"}],"continuation_token":""}"#;

fn folder() -> Folder {
    let folder = Folder::new();
    folder.add("model.fga", MODEL);
    folder.add("more.yaml", YAML);
    folder.add("more.csv", CSV);
    folder.add("more.json", READ);
    folder
}

#[test]
fn exports_of_each_kind_come_together() {
    let folder = folder();
    let ran =
        folder.run("import openfga model.fga more.yaml more.csv more.json -o p.json --revision r9");
    assert_eq!((ran.status, ran.out.as_str()), (0, ""), "{}", ran.err);
    assert!(ran.err.contains("p.json: 3 tuples"), "{}", ran.err);
    for (status, question) in [
        (0, "user:anne viewer doc:1"),
        (0, "user:bob viewer doc:2"),
        (1, "user:bob viewer doc:1"),
    ] {
        let ran = folder.run(&format!("check {question} -s p.json --json"));
        assert_eq!(
            (ran.status, ran.json()["revision"].as_str()),
            (status, Some("r9"))
        );
    }
    let lines = r#"{"user":"user:eve","relation":"viewer","object":"doc:3"}"#;
    folder.add("more.jsonl", lines);
    let ran = folder.run("import openfga model.fga more.jsonl");
    assert_eq!(
        ran.json()["tuples"],
        json!([{"user": "user:eve", "relation": "viewer", "object": "doc:3"}])
    );
}

#[test]
fn a_store_file_brings_the_files_that_it_names() {
    let folder = folder();
    folder.add(
        "fga.mod",
        "schema: '1.2'\ncontents:\n  - people.fga\n  - docs.fga\n",
    );
    folder.add(
        "people.fga",
        "module people\ntype user\ntype team\n  relations\n    define member: [user]\n",
    );
    folder.add(
        "docs.fga",
        "module docs\ntype doc\n  relations\n    define viewer: [user, team#member]\n",
    );
    folder.add(
        "s.fga.yaml",
        "name: x\nmodel_file: fga.mod\ntuple_file: more.yaml\ntuple_files: [more.csv]\ntests: []\n",
    );
    let ran = folder.run("import openfga s.fga.yaml more.json -o p.json");
    assert_eq!(ran.status, 0, "{}", ran.err);
    assert_eq!(
        folder.run("check user:anne viewer doc:1 -s p.json").status,
        0
    );
    assert_eq!(
        folder.run("check user:bob viewer doc:2 -s p.json").status,
        0
    );
    folder.add(
        "docs.fga",
        "module docs\ntype doc\n  relations\n    define viewer: [user, taem#member]\n",
    );
    let ran = folder.run("import openfga s.fga.yaml");
    assert_eq!(ran.status, 2);
    assert!(ran.err.contains("--> docs.fga:4:"), "{}", ran.err);
}

#[test]
fn a_tuple_that_the_model_does_not_admit_is_a_warning() {
    let folder = folder();
    folder.add(
        "odd.yaml",
        "- {user: user:a, relation: owner, object: doc:1}\n",
    );
    let ran = folder.run("import openfga model.fga odd.yaml -o p.json");
    assert_eq!(ran.status, 0);
    assert!(
        ran.err
            .contains("warning: `user:a owner doc:1` names a relation"),
        "{}",
        ran.err
    );
}

#[test]
fn what_cannot_be_one_snapshot_is_refused() {
    let folder = folder();
    folder.add("two.fga", MODEL);
    folder.add("page.json", r#"{"tuples":[],"continuation_token":"abc"}"#);
    folder.add("shape.yaml", "- {user: user:a, relation: viewer}\n");
    folder.add(
        "extra.yaml",
        "- {user: user:a, relation: viewer, object: doc:1, until: 5}\n",
    );
    folder.add(
        "rows.csv",
        "user_type,user_id,relation,object_type,object_id\nuser,,viewer,doc,1\n",
    );
    folder.add("broken.json", "[{]");
    folder.add("broken.fga", "model\n  schema 9.9\n");
    for (files, code, place) in [
        ("more.yaml", "import.models", None),
        ("model.fga two.fga", "import.models", None),
        ("model.fga page.json", "file.tuples", Some("page.json")),
        ("model.fga shape.yaml", "import.shape", Some("shape.yaml")),
        (
            "model.fga extra.yaml",
            "import.unknown-member",
            Some("extra.yaml"),
        ),
        ("model.fga rows.csv", "import.shape", Some("rows.csv")),
        ("model.fga broken.json", "file.json", Some("broken.json")),
        ("broken.fga", "invalid-schema", Some("broken.fga")),
        (
            "model.fga absent.csv",
            "file.unreadable",
            Some("absent.csv"),
        ),
    ] {
        let ran = folder.run(&format!("import openfga {files} --json"));
        assert_eq!((ran.status, ran.code().as_str()), (2, code), "{files}");
        assert_eq!(ran.json()["errors"][0]["file"].as_str(), place, "{files}");
    }
}
