//! Bad input of each kind: an error with a place, exit status 2, no crash.

use crate::{Folder, POLICY};

const ASK: &str = "check user:anne can_view document:1 --json -s";

fn code(folder: &Folder, file: &str) -> String {
    let ran = folder.run(&format!("{ASK} {file}"));
    assert_eq!(ran.status, 2, "{file}: {}", ran.out);
    ran.code()
}

#[test]
fn every_kind_of_bad_snapshot_has_its_code() {
    let folder = Folder::new();
    let with = |from: &str, to: &str| POLICY.replacen(from, to, 1);
    let cases: [(&str, String, &str); 8] = [
        ("empty.json", String::new(), "snapshot.json"),
        (
            "cut.json",
            POLICY.chars().take(400).collect(),
            "snapshot.json",
        ),
        (
            "format.json",
            with("\"deputize\": 1", "\"deputize\": 2"),
            "snapshot.format",
        ),
        (
            "member.json",
            with("\"tuples\"", "\"tuplse\""),
            "snapshot.shape",
        ),
        (
            "user.json",
            with("user:anne", "anne"),
            "snapshot.identifier",
        ),
        (
            "model.json",
            with("define blocked: [user]", "define blocked [user]"),
            "snapshot.model",
        ),
        (
            "type.json",
            with("define parent: [folder]", "define parent: [foldr]"),
            "snapshot.model",
        ),
        (
            "context.json",
            with("\"least\": 10", "\"least\": \"ten\""),
            "snapshot.condition",
        ),
    ];
    for (file, text, expected) in cases {
        folder.add(file, text);
        assert_eq!(code(&folder, file), expected, "{file}");
    }
    folder.add("bytes.json", [b'{', 0xff, b'}']);
    assert_eq!(code(&folder, "bytes.json"), "file.utf8");
    assert_eq!(code(&folder, "absent.json"), "file.unreadable");
    assert_eq!(code(&folder, "."), "file.unreadable");
}

#[test]
fn a_misspelled_member_is_named() {
    let folder = Folder::new();
    folder.add("p.json", POLICY.replacen("\"relation\"", "\"relaton\"", 1));
    let ran = folder.run("check user:anne can_view document:1 -s p.json");
    assert!(ran.err.contains("--> p.json:6:"), "{}", ran.err);
    assert!(ran.err.contains("at /tuples/0"), "{}", ran.err);
    assert!(ran.err.contains("did you mean `relation`?"), "{}", ran.err);
}

#[test]
fn a_models_error_shows_its_line() {
    let folder = Folder::new();
    folder.add(
        "p.json",
        POLICY.replacen("define parent: [folder]", "define parent: [foldr]", 1),
    );
    let ran = folder.run("check user:anne can_view document:1 -s p.json");
    assert_eq!(ran.status, 2);
    assert!(
        ran.err.contains("--> p.json:12:21 at /model"),
        "{}",
        ran.err
    );
    assert!(
        ran.err.contains("12 |     define parent: [foldr]"),
        "{}",
        ran.err
    );
    assert!(
        ran.err.contains("   |                     ^^^^^"),
        "{}",
        ran.err
    );
    assert!(ran.err.contains("did you mean `folder`?"), "{}", ran.err);
}

#[test]
fn a_long_line_is_shown_in_part() {
    let folder = Folder::new();
    let tuple = r#"{"user":"user:a","relation":"viewer","object":"document:1"},"#;
    let text = format!(
        r#"{{"deputize":1,"tuples":[{}{{"usr":1}}]}}"#,
        tuple.repeat(2_000)
    );
    folder.add("p.json", text);
    let ran = folder.run("check user:anne can_view document:1 -s p.json");
    assert_eq!(ran.status, 2);
    assert!(ran.err.contains("at /tuples/2000"), "{}", ran.err);
    assert!(
        ran.err.lines().all(|line| line.chars().count() < 120),
        "{}",
        ran.err
    );
}

#[test]
fn a_damaged_compiled_file_is_refused() {
    let folder = Folder::with_policy();
    assert_eq!(folder.run("compile -s policy.json -o p.bin").status, 0);
    let whole = folder.read("p.bin");
    folder.add("cut.bin", &whole[..whole.len() / 2]);
    assert_eq!(code(&folder, "cut.bin"), "compiled.checksum");
    folder.add("stub.bin", &whole[..12]);
    assert_eq!(code(&folder, "stub.bin"), "compiled.truncated");
    let mut flipped = whole.clone();
    let last = flipped.len() - 9;
    flipped[last] ^= 1;
    folder.add("flipped.bin", &flipped);
    assert_eq!(code(&folder, "flipped.bin"), "compiled.checksum");
    let mut foreign = whole;
    foreign[0] = b'X';
    folder.add("foreign.bin", &foreign);
    let ran = folder.run(&format!("{ASK} foreign.bin"));
    assert_eq!(ran.status, 2);
}

#[test]
fn a_store_file_is_strict() {
    let folder = Folder::new();
    let model = "model: |\n  model\n    schema 1.1\n  type user\n  type document\n    relations\n      define viewer: [user]\n      define can_view: viewer\n";
    folder.add("none.fga.yaml", "tuples: []\n");
    assert_eq!(code(&folder, "none.fga.yaml"), "store.model");
    folder.add("unknown.fga.yaml", format!("{model}tupels: []\n"));
    let ran = folder.run("check user:a can_view document:1 -s unknown.fga.yaml");
    assert_eq!(ran.status, 2);
    assert!(ran.err.contains("--> unknown.fga.yaml:9:1"), "{}", ran.err);
    assert!(ran.err.contains("did you mean `tuples`?"), "{}", ran.err);
    folder.add("bad.fga.yaml", "model: [\n");
    assert_eq!(code(&folder, "bad.fga.yaml"), "file.yaml");
    folder.add("away.fga.yaml", "model_file: nowhere.fga\n");
    assert_eq!(code(&folder, "away.fga.yaml"), "file.unreadable");
    folder.add("twice.fga.yaml", format!("{model}model: again\n"));
    assert_eq!(code(&folder, "twice.fga.yaml"), "file.yaml");
    folder.add(
        "good.fga.yaml",
        format!("{model}tuples:\n- user: user:anne\n  relation: viewer\n  object: document:1\n"),
    );
    assert_eq!(
        folder
            .run("check user:anne can_view document:1 -s good.fga.yaml")
            .status,
        0
    );
    folder.add(
        "ids.fga.yaml",
        format!("{model}tuples:\n- user: anne\n  relation: viewer\n  object: document:1\n"),
    );
    let ran = folder.run("check user:anne can_view document:1 -s ids.fga.yaml");
    assert!(
        ran.err.contains("--> ids.fga.yaml:10:9 at /tuples/0/user"),
        "{}",
        ran.err
    );
}

#[test]
fn escapes_in_foreign_text_do_not_reach_the_terminal() {
    let folder = Folder::new();
    folder.add(
        "p.json",
        POLICY.replacen("user:anne", "user:\\u001b[31manne", 1),
    );
    let ran = folder.run("check user:anne can_view document:1 -s p.json --color always");
    assert_eq!(ran.status, 2);
    assert!(!ran.err.contains("\u{1b}[31manne"), "{:?}", ran.err);
    assert!(ran.err.contains("\\u{1b}[31manne"), "{:?}", ran.err);
}

#[test]
fn misuse_is_an_error_too() {
    let folder = Folder::with_policy();
    for line in [
        "",
        "chek",
        "check user:anne",
        "completions tcsh",
        "test",
        "filter",
    ] {
        assert_eq!(folder.run(line).status, 2, "{line}");
    }
}

#[test]
fn a_conditions_error_shows_its_line() {
    let folder = Folder::new();
    folder.add(
        "p.json",
        POLICY.replacen("size >= least", "size >= lest", 1),
    );
    let ran = folder.run("check user:anne can_view document:1 -s p.json");
    assert_eq!(ran.status, 2);
    assert!(
        ran.err
            .contains("condition `big_enough`: `lest` is not declared"),
        "{}",
        ran.err
    );
    assert!(
        ran.err.contains("--> p.json:17:11 at /model"),
        "{}",
        ran.err
    );
    assert!(ran.err.contains("17 |   size >= lest"), "{}", ran.err);
    assert!(ran.err.contains("   |           ^^^^"), "{}", ran.err);
    assert!(ran.err.contains("did you mean `least`?"), "{}", ran.err);
}
