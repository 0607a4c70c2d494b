//! Files as they come: from spreadsheets and shells, in pages, with one record
//! that is wrong, and with names that lead elsewhere. Each record is taken,
//! warned of or refused, with its place; and a file is read the same way
//! wherever it is given.

use serde_json::{Value, json};

use crate::{Folder, Ran};

const MODEL: &str = "model\n  schema 1.1\ntype user\ntype room\n  relations\n    define guest: [user, user:*] but not barred\n    define barred: [user]\n    define late: [user with until]\ncondition until(now: timestamp, end: timestamp, note: string) {\n  now < end && note != \"\"\n}\n";

const HEADER: &str = "user_type,user_id,relation,object_type,object_id\n";

fn folder() -> Folder {
    let folder = Folder::new();
    folder.add("model.fga", MODEL);
    folder
}

/// The three counts of an import, by its last line.
fn counts(ran: &Ran) -> (usize, usize, usize) {
    let line = ran.err.lines().find(|line| line.contains(" refused"));
    let line = line.unwrap_or_else(|| panic!("{}", ran.err));
    let numbers: Vec<usize> = line
        .split(|c: char| !c.is_ascii_digit())
        .filter_map(|n| n.parse().ok())
        .collect();
    let [total, taken, warned, refused] = numbers[..] else {
        panic!("{line}");
    };
    assert_eq!(total, taken + warned + refused, "{line}");
    (taken, warned, refused)
}

fn utf16(text: &str) -> Vec<u8> {
    let units = std::iter::once(0xfeff).chain(text.encode_utf16());
    units.flat_map(u16::to_le_bytes).collect()
}

#[test]
fn a_row_that_begins_with_a_hash_is_a_row() {
    let folder = folder();
    folder.add("open.csv", format!("{HEADER}user,*,guest,room,main\n"));
    folder.add(
        "barred.csv",
        "user_id,user_type,relation,object_type,object_id\nzoe,user,barred,room,main\n#mo,user,barred,room,main\n",
    );
    let ran = folder.run("import openfga model.fga open.csv barred.csv -o p.json");
    assert_eq!(ran.status, 2);
    assert!(ran.err.contains("--> barred.csv:3:1 at /1"), "{}", ran.err);
    assert!(ran.err.contains("nothing was written"), "{}", ran.err);
    assert_eq!(counts(&ran), (3, 0, 1));
    assert!(!folder.0.join("p.json").exists());
    // In the short header such a row is one too, and at every other door.
    folder.add(
        "short.csv",
        "user,relation,object\n#user:mo,barred,room:main\n",
    );
    folder.add(
        "s.fga.yaml",
        "model_file: model.fga\ntuple_file: short.csv\ntests: []\n",
    );
    folder.add("p.json", json!({"deputize": 1, "model": MODEL}).to_string());
    for line in [
        "import openfga model.fga short.csv --json",
        "test s.fga.yaml --json",
        "check user:mo guest room:main -s s.fga.yaml --json",
        "check user:mo guest room:main -s p.json --tuple @short.csv --json",
    ] {
        let ran = folder.run(line);
        assert_eq!(ran.status, 2, "{line}");
        assert!(ran.out.contains("import.identifier"), "{line}: {}", ran.out);
        assert!(ran.out.contains("short.csv"), "{line}: {}", ran.out);
    }
}

#[test]
fn spreadsheets_are_read_right_or_refused_with_the_line() {
    let folder = folder();
    folder.add(
        "good.csv",
        "\u{feff}user_type,user_id,user_relation,relation,object_type,object_id,condition_name,condition_context\r\n\
         user,ann,,guest,room,1,,\r\n\r\n\
         user,bob,,late,room,1,until,\"{\"\"end\"\":\"\"2030-01-01T00:00:00Z\"\",\r\n \"\"note\"\":\"\"a, b\"\"}\"\r\n",
    );
    let ran = folder.run("import openfga model.fga good.csv -o p.json");
    assert_eq!(ran.status, 0, "{}", ran.err);
    assert_eq!(counts(&ran), (3, 0, 0));
    let ask = "check user:bob late room:1 -s p.json --context {\"now\":\"2029-01-01T00:00:00Z\"}";
    assert_eq!(folder.run(ask).status, 0);
    for (text, line) in [
        ("User,Relation,Object\nuser:ann,guest,room:1\n".to_owned(), 1),
        (HEADER.replace(',', ";"), 1),
        ("user,relation,object,object\nuser:ann,guest,room:1,room:2\n".to_owned(), 1),
        (format!("{HEADER}user,ann,guest,room\n"), 2),
        (format!("{HEADER}user,ann,guest,room,1\n,,,,\n"), 3),
        (format!("{HEADER}user,ok,guest,room,1\nuser,urn:x:7,guest,room,1\n"), 3),
        (format!("{HEADER}user,ann ,guest,room,1\n"), 2),
        (format!("{HEADER}user,\"ann\"x,guest,room,1\nuser,bob,guest,room,1\n"), 2),
        (format!("{HEADER}user,\"ann,guest,room,1\nuser,bob,barred,room,1\n"), 2),
        (
            "user,relation,object,condition_name,condition_context\nuser:a,late,room:1,until,{'end':'x'}\n"
                .to_owned(),
            2,
        ),
    ] {
        folder.add("bad.csv", &text);
        let ran = folder.run("import openfga model.fga bad.csv --json");
        assert_eq!(ran.status, 2, "{text}");
        let error = &ran.json()["errors"][0];
        assert_eq!((&error["file"], &error["line"]), (&json!("bad.csv"), &json!(line)), "{text}");
    }
    folder.add(
        "bad.csv",
        b"user,relation,object\nuser:ann,guest,room:1\nuser:j\xfcrgen,guest,room:1\n",
    );
    let ran = folder.run("import openfga model.fga bad.csv");
    assert!(
        ran.err.contains("not UTF-8 from byte 49 on, in line 3"),
        "{}",
        ran.err
    );
}

#[test]
fn a_file_is_read_the_same_way_at_every_door() {
    let folder = folder();
    let snapshot = json!({"deputize": 1, "model": MODEL, "tuples": [
        {"user": "user:ann", "relation": "guest", "object": "room:1"}]});
    let tuples = json!({"continuation_token": "", "tuples": [
        {"key": {"user": "user:ann", "relation": "guest", "object": "room:1"}, "timestamp": "2025-01-01T00:00:00Z"}]});
    let token = "eyJhbGciOiJub25lIn0.e30.";
    let files = [
        ("p.json", snapshot.to_string()),
        ("m.fga", MODEL.replace('\n', "\r\n")),
        ("t.json", tuples.to_string()),
        ("t.jsonl", tuples["tuples"][0]["key"].to_string()),
        ("t.yaml", format!("[{}]", tuples["tuples"][0]["key"])),
        ("t.csv", format!("{HEADER}user,ann,guest,room,1\n")),
        (
            "s.fga.yaml",
            "model_file: m.fga\ntuple_files: [t.json, t.jsonl, t.yaml, t.csv]\ntests: []\n"
                .to_owned(),
        ),
        (
            "data.json",
            json!({"tenants": {}, "users": {"ann": {}}}).to_string(),
        ),
        (
            "users.json",
            json!({"users": [{"id": "ann"}], "total": 1}).to_string(),
        ),
        ("agent.json", json!({"id": "usr-ann"}).to_string()),
        ("token.jwt", token.to_owned()),
    ];
    let doors = [
        "check user:ann guest room:1 -s p.json",
        "check user:ann guest room:1 -s s.fga.yaml",
        "check user:ann guest room:1 -s p.json --tuple @t.jsonl",
        "lint -s p.json",
        "compile -s p.json -o p.bin",
        "test s.fga.yaml",
        "model validate m.fga",
        "import openfga m.fga t.json t.jsonl t.yaml t.csv -o q.json",
        "import openfga s.fga.yaml -o q.json",
        "import permit data.json -o q.json",
        "import fusionauth users.json -o q.json",
        "import fusebit agent.json -o q.json",
        "inspect token.jwt",
    ];
    for (name, text) in &files {
        folder.add(name, text);
    }
    let plain: Vec<i32> = doors.iter().map(|door| folder.run(door).status).collect();
    assert!(plain.iter().all(|status| *status < 2), "{plain:?}");
    for (name, text) in &files {
        folder.add(name, format!("\u{feff}{text}"));
    }
    for (door, status) in doors.iter().zip(&plain) {
        let ran = folder.run(door);
        assert_eq!(ran.status, *status, "{door}: {}{}", ran.out, ran.err);
    }
    for (name, text) in &files {
        folder.add(name, utf16(text));
    }
    for door in doors {
        let ran = folder.run(door);
        let said = ran.out + &ran.err;
        assert_eq!(ran.status, 2, "{door}: {said}");
        assert!(
            said.contains("it is UTF-16; it must be UTF-8"),
            "{door}: {said}"
        );
        assert!(said.contains("Out-File -Encoding utf8"), "{door}: {said}");
    }
}

#[test]
fn models_of_the_api_are_models_at_every_door() {
    let folder = Folder::new();
    let snake = json!({"id": "01", "schema_version": "1.1", "type_definitions": [
        {"type": "user"},
        {"type": "room", "relations": {"guest": {"this": {}}},
         "metadata": {"relations": {"guest": {"directly_related_user_types": [{"type": "user"}]}}}}]});
    let camel: Value = serde_json::from_str(
        &snake
            .to_string()
            .replace("schema_version", "schemaVersion")
            .replace("type_definitions", "typeDefinitions")
            .replace("directly_related_user_types", "directlyRelatedUserTypes"),
    )
    .unwrap();
    folder.add("t.csv", format!("{HEADER}user,ann,guest,room,1\n"));
    folder.add(
        "s.fga.yaml",
        "model_file: m.json\ntuple_file: t.csv\ntests: []\n",
    );
    for document in [
        snake.clone(),
        camel.clone(),
        json!({ "authorization_model": snake }),
        json!({ "authorizationModel": camel }),
        json!({ "authorization_models": [snake], "continuation_token": "" }),
        json!({ "authorizationModels": [camel], "continuationToken": "" }),
    ] {
        folder.add("m.json", serde_json::to_string_pretty(&document).unwrap());
        for line in [
            "model validate m.json",
            "check user:ann guest room:1 -s s.fga.yaml",
            "test s.fga.yaml",
            "import openfga m.json t.csv -o p.json",
        ] {
            let ran = folder.run(line);
            assert_eq!(ran.status, 0, "{line} {document}: {}{}", ran.out, ran.err);
        }
    }
    for document in [
        json!({ "authorization_models": [snake, camel] }),
        json!({ "authorization_models": [] }),
        json!({ "authorizationModels": [snake], "continuationToken": "x" }),
        json!({ "authorization_model": snake, "authorization_models": [camel] }),
    ] {
        folder.add("m.json", document.to_string());
        for line in [
            "model validate m.json --json",
            "import openfga m.json t.csv --json",
        ] {
            let ran = folder.run(line);
            assert_eq!(
                (ran.status, ran.code().as_str()),
                (2, "file.models"),
                "{document}"
            );
        }
    }
    // Where it is wrong, the line is the file's.
    let text = serde_json::to_string_pretty(&json!({ "authorization_model": snake })).unwrap();
    folder.add("m.json", text.replace("\"this\"", "\"self\""));
    let line = 1 + text.lines().position(|l| l.contains("\"this\"")).unwrap();
    let ran = folder.run("model validate m.json --json");
    assert_eq!(ran.json()["errors"][0]["line"], line, "{}", ran.out);
}

#[test]
fn a_tuple_that_is_refused_or_warned_of_has_its_place() {
    let folder = folder();
    folder.add(
        "good.csv",
        format!("{HEADER}user,a,guest,room,1\nuser,b,guest,room,2\n"),
    );
    let good = json!({"user": "user:c", "relation": "guest", "object": "room:3"});
    for (name, text, line, pointer) in [
        (
            "x.csv",
            format!("{HEADER}user,c,guest,room,3\nuser,ann lee,guest,room,3\n"),
            3,
            "/1",
        ),
        (
            "x.json",
            format!(
                "[{good},\n{}]",
                json!({"user": "user:u:e", "relation": "guest", "object": "room:3"})
            ),
            2,
            "/1/user",
        ),
        (
            "x.jsonl",
            format!(
                "{good}\n{}\n",
                json!({"user": "user:c", "relation": "a b", "object": "room:3"})
            ),
            2,
            "/1/relation",
        ),
        (
            "x.yaml",
            format!("- {good}\n- user: user:z\n  relation: guest\n  object: room\n"),
            4,
            "/1/object",
        ),
    ] {
        folder.add(name, text);
        folder.add(
            "s.fga.yaml",
            format!("model_file: model.fga\ntuple_files: [good.csv, {name}]\ntests: []\n"),
        );
        let ran = folder.run(&format!("import openfga model.fga good.csv {name} --json"));
        assert_eq!(
            (ran.status, ran.code().as_str()),
            (2, "import.identifier"),
            "{name}"
        );
        let error = &ran.json()["errors"][0];
        assert_eq!(
            (&error["file"], &error["line"], &error["pointer"]),
            (&json!(name), &json!(line), &json!(pointer)),
            "{error}"
        );
        assert_eq!(
            ran.json()["records"],
            json!({"taken": 4, "warned": 0, "refused": 1})
        );
        for line in ["test s.fga.yaml", "check user:a guest room:1 -s s.fga.yaml"] {
            let ran = folder.run(line);
            let said = ran.out + &ran.err;
            assert!(
                said.contains(&format!("{name}:")) && said.contains(pointer),
                "{said}"
            );
        }
    }
    folder.add(
        "w.csv",
        "user,relation,object\nuser:a,guest,room:1\nuser:a,gest,room:1\n",
    );
    let ran = folder.run("import openfga model.fga w.csv -o p.json");
    assert_eq!(ran.status, 0);
    let said = "warning: w.csv:3 at /1: `user:a gest room:1` names a relation";
    assert!(ran.err.contains(said), "{}", ran.err);
    assert_eq!(counts(&ran), (2, 1, 0));
    // Each of many has its place.
    let many: String = (0..3_000)
        .map(|n| format!("user:{n},gest,room:1\n"))
        .collect();
    folder.add("w.csv", format!("user,relation,object\n{many}"));
    let ran = folder.run("import openfga model.fga w.csv -o p.json");
    assert_eq!(counts(&ran), (1, 3_000, 0));
    assert!(
        ran.err
            .contains("w.csv:3001 at /2999: `user:2999 gest room:1`")
    );
}

#[test]
fn a_page_of_several_is_refused_at_every_door() {
    let folder = folder();
    let tuple = json!({"user": "user:ann", "relation": "guest", "object": "room:1"});
    for (name, token) in [
        ("continuation_token", json!("abc")),
        ("continuationToken", json!("abc")),
        ("continuationToken", json!({"x": 1})),
        ("ContinuationToken", json!(5)),
    ] {
        folder.add(
            "t.json",
            json!({"tuples": [{"key": tuple}], name: token}).to_string(),
        );
        folder.add("s.fga.yaml", "model_file: model.fga\ntuple_file: t.json\n");
        for line in [
            "import openfga model.fga t.json --json",
            "check user:ann guest room:1 -s s.fga.yaml --json",
            "test s.fga.yaml --json",
        ] {
            let ran = folder.run(line);
            assert_eq!(ran.status, 2, "{line}");
            assert!(ran.out.contains("import.incomplete"), "{line}: {}", ran.out);
        }
    }
}

#[test]
fn a_member_that_is_there_twice_is_refused() {
    let folder = folder();
    for (line, name, text) in [
        (
            "openfga model.fga",
            "t.json",
            r#"{"tuples":[],"tuples":[{"user":"user:a","relation":"barred","object":"room:1"}]}"#,
        ),
        (
            "openfga model.fga",
            "t.json",
            r#"[{"user":"user:a","user":"user:b","relation":"barred","object":"room:1"}]"#,
        ),
        (
            "openfga model.fga",
            "t.jsonl",
            r#"{"user":"user:a","user":"user:b","relation":"barred","object":"room:1"}"#,
        ),
        (
            "fusionauth",
            "u.json",
            r#"{"users":[{"id":"u","active":false,"active":true}]}"#,
        ),
        (
            "fusebit",
            "u.json",
            r#"{"users":[],"users":[{"id":"usr-1"}]}"#,
        ),
        (
            "permit",
            "u.json",
            r#"{"users":{"ann":{"roleAssignments":{}},"ann":{}}}"#,
        ),
    ] {
        folder.add(name, text);
        let ran = folder.run(&format!("import {line} {name} --json"));
        assert_eq!(ran.status, 2, "{text}");
        assert!(ran.out.contains("is there twice"), "{text}: {}", ran.out);
        assert_eq!(ran.json()["errors"][0]["line"], 1, "{text}");
    }
}

/// A folder `inside` with a store's model, beside files that are not the
/// store's.
fn reach() -> Folder {
    let folder = Folder::new();
    std::fs::create_dir_all(folder.0.join("inside/deeper")).unwrap();
    folder.add("inside/model.fga", MODEL);
    folder.add(
        "inside/deeper/t.yaml",
        "- {user: user:ann, relation: guest, object: room:1}\n",
    );
    folder.add("secret.yaml", "api_key: not-for-you\n");
    folder.add(
        "outside.yaml",
        "- {user: user:eve, relation: guest, object: room:1}\n",
    );
    folder.add("outside.fga", MODEL);
    folder
}

fn store(model: &str, tuples: &str) -> String {
    format!(
        "model_file: {model}\ntuple_file: {tuples}\ntests: [{{name: t, tuple_file: {tuples}, check: [{{user: user:ann, object: room:1, assertions: {{guest: true}}}}]}}]\n"
    )
}

#[test]
fn names_in_a_store_file_stay_in_its_folder() {
    let folder = reach();
    let absolute = folder.0.join("secret.yaml").display().to_string();
    let doors = [
        "test inside/s.fga.yaml --json",
        "check user:eve guest room:1 -s inside/s.fga.yaml --json",
        "lint -s inside/s.fga.yaml --json",
        "import openfga inside/s.fga.yaml --json",
    ];
    for (model, tuples) in [
        ("../outside.fga", "deeper/t.yaml"),
        ("../secret.yaml", "deeper/t.yaml"),
        ("../absent.fga", "deeper/t.yaml"),
        ("model.fga", "../outside.yaml"),
        ("model.fga", "deeper/../../secret.yaml"),
        ("model.fga", "../inside2/../secret.yaml"),
        ("model.fga", absolute.as_str()),
        ("model.fga", "/dev/zero"),
        ("model.fga", "/etc/hostname"),
        ("model.fga", "/proc/self/environ"),
    ] {
        folder.add("inside/s.fga.yaml", store(model, tuples));
        for line in doors {
            let ran = folder.run(line);
            assert_eq!(ran.status, 2, "{line} {model} {tuples}");
            assert!(ran.out.contains("file.outside"), "{line}: {}", ran.out);
            assert!(ran.out.contains("--root"), "{line}: {}", ran.out);
            let said = ran.out + &ran.err;
            assert!(
                !said.contains("api_key") && !said.contains("not-for-you"),
                "{said}"
            );
        }
    }
    folder.add(
        "inside/s.fga.yaml",
        store("model.fga", "./deeper/../deeper/t.yaml"),
    );
    for line in &doors {
        assert!(folder.run(line).status < 2, "{line}");
    }
    let own = folder.0.join("inside/deeper/t.yaml").display().to_string();
    folder.add("inside/s.fga.yaml", store("model.fga", &own));
    let ran = folder.run(&format!("test {}/inside/s.fga.yaml", folder.0.display()));
    assert_eq!(ran.status, 0, "{}", ran.out);
    // Where the user says so, they lead further, and no further than that.
    folder.add(
        "inside/s.fga.yaml",
        store("../outside.fga", "../outside.yaml"),
    );
    assert_eq!(folder.run("test inside/s.fga.yaml --root .").status, 1);
    let ran = folder.run("check user:eve guest room:1 -s inside/s.fga.yaml --root .");
    assert_eq!(ran.status, 0, "{}", ran.err);
    let ran = folder.run("import openfga inside/s.fga.yaml --root . -o p.json");
    assert_eq!(ran.status, 0, "{}", ran.err);
    let ran = folder.run("test inside/s.fga.yaml --root inside/deeper --json");
    assert!(ran.out.contains("file.outside"), "{}", ran.out);
    let ran = folder.run("test inside/s.fga.yaml --root absent --json");
    assert!(ran.out.contains("file.unreadable"), "{}", ran.out);
    // A file that the user names is the user's own business.
    let ran = folder.run("import openfga outside.fga outside.yaml -o p.json");
    assert_eq!(ran.status, 0, "{}", ran.err);
}

#[cfg(unix)]
#[test]
fn links_and_devices_do_not_lead_out() {
    use std::os::unix::fs::symlink;
    let folder = reach();
    let inside = folder.0.join("inside");
    symlink("../secret.yaml", inside.join("link.yaml")).unwrap();
    symlink("..", inside.join("up")).unwrap();
    symlink("/dev/zero", inside.join("zero.yaml")).unwrap();
    symlink("deeper/t.yaml", inside.join("own.yaml")).unwrap();
    let made = std::process::Command::new("mkfifo")
        .arg(inside.join("pipe.yaml"))
        .status();
    for (tuples, code) in [
        ("link.yaml", "file.outside"),
        ("up/secret.yaml", "file.outside"),
        ("up/absent.yaml", "file.outside"),
        ("up/inside/up/outside.yaml", "file.outside"),
        ("zero.yaml", "file.outside"),
        ("deeper", "file.irregular"),
        ("absent.yaml", "file.unreadable"),
        (
            "pipe.yaml",
            if made.is_ok_and(|m| m.success()) {
                "file.irregular"
            } else {
                "file.unreadable"
            },
        ),
    ] {
        folder.add("inside/s.fga.yaml", store("model.fga", tuples));
        let ran = folder.run("test inside/s.fga.yaml --json");
        assert!(ran.out.contains(code), "{tuples}: {}", ran.out);
        assert!(!ran.out.contains("api_key"), "{}", ran.out);
    }
    folder.add("inside/s.fga.yaml", store("model.fga", "own.yaml"));
    assert_eq!(folder.run("test inside/s.fga.yaml").status, 0);
    // Modules are held to the same.
    symlink("../outside.fga", inside.join("part.fga")).unwrap();
    folder.add("inside/fga.mod", "schema: '1.2'\ncontents:\n  - part.fga\n");
    folder.add("inside/s.fga.yaml", store("fga.mod", "own.yaml"));
    for line in [
        "test inside/s.fga.yaml --json",
        "model validate inside/fga.mod --json",
    ] {
        let ran = folder.run(line);
        assert!(ran.out.contains("file.outside"), "{line}: {}", ran.out);
    }
}

#[test]
fn a_user_who_expired_has_nothing() {
    let folder = Folder::new();
    let end = 1_571_786_483_322_i64;
    for (name, document) in [
        (
            "t.json",
            json!({"entityTypes": [{"id": "t", "name": "Firm", "permissions": [
            {"id": "p", "name": "sell"}, {"id": "q", "name": "look", "isDefault": true}]}]}),
        ),
        (
            "e.json",
            json!({"entities": [{"id": "e", "name": "Acme", "tenantId": "x", "type": {"id": "t"}}]}),
        ),
        (
            "g.json",
            json!({"grants": (1..=4).map(|n| json!({"id": format!("g{n}"), "entity": {"id": "e", "type": {"id": "t"}},
            "permissions": ["sell"], "userId": format!("u{n}")})).collect::<Vec<_>>(), "total": 4}),
        ),
        (
            "u.json",
            json!({"users": [
            {"id": "u1", "active": true, "tenantId": "x", "expiry": end},
            {"id": "u2", "active": true, "tenantId": "x", "verified": true},
            {"id": "u3", "active": false, "tenantId": "x"}], "total": 3}),
        ),
    ] {
        folder.add(name, document.to_string());
    }
    let ran = folder.run("import fusionauth t.json e.json g.json u.json -o p.json");
    assert_eq!(ran.status, 0, "{}", ran.err);
    // The grant of a user whom FusionAuth no longer has is left out.
    assert!(
        ran.err
            .contains("g.json:1 at /grants/3: the user `u4` is not among those given"),
        "{}",
        ran.err
    );
    assert_eq!(counts(&ran), (8, 1, 0));
    let last = end / 1_000 - 1;
    for (user, now, allowed) in [
        ("u1", last, true),
        ("u1", last + 1, false),
        ("u1", 1_763_719_200, false),
        ("u2", 1_763_719_200, true),
        ("u3", 1_763_719_200, false),
        ("u4", 1_763_719_200, false),
    ] {
        let ask = format!("decide sell entity:e --as user:{user} -s p.json --now {now}");
        assert_eq!(folder.run(&ask).status == 0, allowed, "{user} {now}");
        let grant = format!("grant user:{user} --scope target-entity:e -s p.json --now {now}");
        assert_eq!(folder.run(&grant).status == 0, allowed, "{user} {now}");
    }
}

#[test]
fn what_is_below_a_known_part_is_known_or_refused() {
    let folder = Folder::new();
    let document = |editor: Value, derived: Value| {
        json!({
            "tenants": {"default": {}},
            "users": {"ann.lee@mail.example": {"roleAssignments": {}}},
            "role_permissions": {"folder": {"owner": {"grants": {"folder": ["list"]}}}, "file": {
                "editor": editor, "viewer": {"grants": {"file": ["read"]}}}},
            "resource_types": {"file": {"actions": {"read": {}, "write": {}}, "relations": {"parent": "folder"},
                "derived_roles": {"editor": derived}}},
            "role_assignments": {"user:ann.lee@mail.example": {"folder:top": ["owner"]}},
            "relationships": {"file:f/1": {"parent": {"folder": ["top"]}}},
        })
    };
    let grants = json!({"grants": {"file": ["write"]}});
    let rules = json!({"rules": [{"relation": "parent", "related_resource": "folder", "related_role": "owner"}]});
    let allowed = |action: &str| {
        let ask = format!("check user:ann.lee@mail.example {action} file:f/1 -s p.json");
        folder.run(&ask).status == 0
    };
    folder.add(
        "d.json",
        document(grants.clone(), rules.clone()).to_string(),
    );
    assert_eq!(folder.run("import permit d.json -o p.json").status, 0);
    assert!(allowed("write") && !allowed("read"));
    let mut extends = grants.clone();
    extends["extends"] = json!(["viewer"]);
    folder.add("d.json", document(extends, rules.clone()).to_string());
    assert_eq!(folder.run("import permit d.json -o p.json").status, 0);
    assert!(allowed("write") && allowed("read"));
    let mut conditional = rules.clone();
    conditional["conditions"] = json!({"no_direct_roles_on_object": true});
    let mut narrowed = grants.clone();
    narrowed["condition"] = json!("office_hours");
    for (editor, derived, pointer) in [
        (
            grants.clone(),
            conditional,
            "/resource_types/file/derived_roles/editor",
        ),
        (narrowed, rules.clone(), "/role_permissions/file/editor"),
    ] {
        folder.add(
            "d.json",
            serde_json::to_string_pretty(&document(editor, derived)).unwrap(),
        );
        let ran = folder.run("import permit d.json --json");
        assert_eq!(
            (ran.status, ran.code().as_str()),
            (2, "import.unknown_member")
        );
        let error = &ran.json()["errors"][0];
        assert_eq!(error["pointer"], pointer);
        assert!(
            error["line"].as_u64().is_some_and(|line| line > 1),
            "{error}"
        );
        assert_eq!(ran.json()["records"]["refused"], 1);
    }
    // An instance is in no tenant by a guess.
    folder.add("d.json", document(grants, rules).to_string());
    let ran = folder.run("import permit d.json");
    assert!(
        ran.err.contains("the tenant of `file:f/1` is not said"),
        "{}",
        ran.err
    );
    assert!(ran.json().get("resources").is_none());
    let ran = folder.run("import permit d.json --tenant default");
    assert_eq!(ran.json()["resources"][0]["tenant"], "default");
    assert!(!ran.err.contains("warning"), "{}", ran.err);
}

#[test]
fn each_line_of_the_tables_has_its_test() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = std::fs::read_to_string(root.join("docs/imports.md")).unwrap();
    let mut sources = String::new();
    for folder in ["core/src/import/tests", "bindings/cli/tests/it"] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            sources += &std::fs::read_to_string(entry.unwrap().path()).unwrap();
        }
    }
    let (mut systems, mut lines) = (0, 0);
    for line in page.lines() {
        systems += usize::from(line.starts_with("### "));
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, what, _, test, _] = cells[..] else {
            continue;
        };
        if what == "what" || what.starts_with("---") {
            continue;
        }
        let name = test.trim_matches('`');
        assert!(sources.contains(&format!("#[test]\nfn {name}()")), "{line}");
        lines += 1;
    }
    assert_eq!((systems, lines > 25), (4, true), "{lines}");
}
