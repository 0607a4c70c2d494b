//! Check, explain, filter, the lists and expand.

use serde_json::json;

use crate::Folder;

#[test]
fn check_answers_by_its_exit_status() {
    let folder = Folder::with_policy();
    let allow = folder.run("check user:anne can_view document:1 -s policy.json");
    assert_eq!((allow.status, allow.err.as_str()), (0, ""));
    assert_eq!(allow.out, "allow: user:anne has can_view on document:1\n");
    let deny = folder.run("check user:bob can_view document:1 -s policy.json");
    assert_eq!(deny.status, 1);
    assert_eq!(
        deny.out,
        "deny: user:bob does not have can_view on document:1\n"
    );
    let error = folder.run("check user:bob can_veiw document:1 -s policy.json");
    assert_eq!((error.status, error.out.as_str()), (2, ""));
    assert!(
        error
            .err
            .contains("the type `document` has no relation `can_veiw`")
    );
    assert!(
        error.err.contains("did you mean `can_view`?"),
        "{}",
        error.err
    );
    let quiet = folder.run("check user:bob can_view document:1 -s policy.json --quiet");
    assert_eq!((quiet.status, quiet.out.as_str()), (1, ""));
}

#[test]
fn check_as_json() {
    let folder = Folder::with_policy();
    let allow = folder.run("check user:anne can_view document:1 -s policy.json --json");
    assert_eq!(allow.status, 0);
    assert_eq!(
        allow.json(),
        json!({"allowed": true, "user": "user:anne", "relation": "can_view",
               "object": "document:1", "revision": "7"})
    );
    let error = folder.run("check user:anne can_view documnt:1 -s policy.json --json");
    assert_eq!((error.status, error.err.as_str()), (2, ""));
    assert_eq!(
        error.json(),
        json!({"errors": [{"code": "request.unknown_type",
               "message": "the model defines no type `documnt`",
               "hints": ["did you mean `document`?"]}]})
    );
}

#[test]
fn a_user_without_a_type_is_told_how_to_write_one() {
    let folder = Folder::with_policy();
    let error = folder.run("check anne can_view document:1 -s policy.json");
    assert_eq!(error.status, 2);
    assert!(
        error.err.contains("did you mean `user:anne`?"),
        "{}",
        error.err
    );
}

#[test]
fn a_snapshot_comes_from_anywhere_and_says_the_same() {
    let folder = Folder::with_policy();
    let compiled = folder.run("compile -s policy.json -o policy.bin");
    assert_eq!(compiled.status, 0, "{}", compiled.err);
    let json = folder.read("policy.json");
    for (allowed, user) in [(0, "user:anne"), (1, "user:bob")] {
        let line = format!("check {user} can_view document:1");
        assert_eq!(folder.run(&format!("{line} -s policy.bin")).status, allowed);
        assert_eq!(
            folder.run_with(&format!("{line} -s -"), &json).status,
            allowed
        );
        let status = std::process::Command::new(env!("CARGO_BIN_EXE_deputize"))
            .args(line.split(' '))
            .env("DEPUTIZE_SNAPSHOT", folder.0.join("policy.json"))
            .output()
            .unwrap()
            .status;
        assert_eq!(status.code(), Some(allowed));
    }
    let none = folder.run("check user:anne can_view document:1");
    assert_eq!(none.status, 2);
    assert!(none.err.contains("--snapshot"), "{}", none.err);
}

#[test]
fn a_question_brings_tuples_context_and_tenant() {
    let folder = Folder::with_policy();
    let ask = |user: &str, object: &str, more: &[&str]| {
        let mut args = vec!["check", user, "can_view", object, "-s", "policy.json"];
        args.extend(more);
        folder.run_args(&args).status
    };
    let eve = |more: &[&str]| ask("user:eve", "document:1", more);
    assert_eq!(eve(&[]), 1);
    assert_eq!(eve(&["--tuple", "user:eve member group:eng"]), 0);
    let object = r#"{"user":"user:eve","relation":"member","object":"group:eng"}"#;
    assert_eq!(eve(&["--tuple", object]), 0);
    folder.add(
        "more.csv",
        "user,relation,object\nuser:eve,member,group:eng\n",
    );
    assert_eq!(eve(&["--tuple", "@more.csv"]), 0);
    assert_eq!(eve(&["--tuple", "user:eve member"]), 2);
    assert_eq!(eve(&["--tuple", "user:eve viewer group:eng"]), 2);

    let carl = |more: &[&str]| ask("user:carl", "document:3", more);
    assert_eq!(carl(&[]), 2, "a missing value is an error, which denies");
    assert_eq!(carl(&["--context", r#"{"size": 9}"#]), 1);
    assert_eq!(carl(&["--context", r#"{"size": 10}"#]), 0);
    folder.add("context.json", r#"{"size": 11}"#);
    assert_eq!(carl(&["--context", "@context.json"]), 0);
    assert_eq!(carl(&["--context", "[]"]), 2);

    let dora = |more: &[&str]| ask("user:dora", "document:4", more);
    assert_eq!(dora(&[]), 1);
    assert_eq!(dora(&["--tenant", "acme"]), 0);
    assert_eq!(dora(&["--tenant", "other"]), 1);
}

#[test]
fn limits_are_the_questions_own() {
    let folder = Folder::new();
    let tuple = |i: usize| {
        json!({"user": format!("group:{i}#member"), "relation": "member",
               "object": format!("group:{}", i + 1)})
    };
    let mut tuples: Vec<_> = (0..40).map(tuple).collect();
    tuples.push(json!({"user": "user:anne", "relation": "member", "object": "group:0"}));
    let model = "model\n  schema 1.1\ntype user\ntype group\n  relations\n    define member: [user, group#member]\n";
    let snapshot = json!({"deputize": 1, "model": model, "tuples": tuples});
    folder.add("deep.json", snapshot.to_string());
    let ask = |more: &str| {
        folder.run(&format!(
            "check user:anne member group:40 -s deep.json --json {more}"
        ))
    };
    assert_eq!(ask("").status, 0);
    let limited = ask("--openfga-limits");
    assert_eq!(
        (limited.status, limited.code()),
        (2, "budget.depth".to_owned())
    );
    assert_eq!(ask("--openfga-limits --max-depth 50").status, 0);
    assert_eq!(ask("--max-depth 10").code(), "budget.depth");
    assert_eq!(ask("--max-steps 5").code(), "budget.exhausted");
    assert_eq!(ask("--max-steps 0").status, 2);
}

#[test]
fn an_allow_is_explained_by_its_tuples() {
    let folder = Folder::with_policy();
    let ran = folder.run("explain user:anne can_view document:1 -s policy.json");
    assert_eq!(ran.status, 0);
    let expected = "\
allow: user:anne has can_view on document:1
✓ document:1#can_view all of
├─ ✓ folder:plans parent document:1
│  └─ ✓ group:all#member viewer folder:plans
│     └─ ✓ group:eng#member member group:all
│        └─ ✓ user:anne member group:eng
└─ ✓ not document:1#blocked
";
    assert_eq!(ran.out, expected);
}

#[test]
fn a_deny_is_explained_by_what_failed_and_what_would_do() {
    let folder = Folder::with_policy();
    let ran = folder.run("explain user:eve can_view document:1 -s policy.json");
    assert_eq!(ran.status, 1);
    let expected = "\
deny: user:eve does not have can_view on document:1
✗ document:1#can_view
└─ ✗ document:1#viewer any of
   ├─ ✗ document:1#viewer needs user:eve or user:*
   └─ ✗ folder:plans parent document:1
      └─ ✗ folder:plans#viewer needs user:eve or group:…#member
         └─ ✗ group:all#member viewer folder:plans
            └─ ✗ group:all#member needs user:eve or group:…#member
               └─ ✗ group:eng#member member group:all
                  └─ ✗ group:eng#member needs user:eve or group:…#member
";
    assert_eq!(ran.out, expected);
    let blocked = folder.run("explain user:bob can_view document:1 -s policy.json");
    assert_eq!(blocked.status, 1);
    assert!(
        blocked.out.contains("✗ not document:1#blocked"),
        "{}",
        blocked.out
    );
    assert!(
        blocked.out.contains("✓ user:bob blocked document:1"),
        "{}",
        blocked.out
    );
}

#[test]
fn an_explanation_as_json_is_the_engines() {
    let folder = Folder::with_policy();
    let ran = folder.run("explain user:bob can_view document:1 -s policy.json --json");
    assert_eq!(ran.status, 1);
    let document = ran.json();
    assert_eq!(document["allowed"], false);
    assert_eq!(document["because"]["node"], "document:1#can_view");
}

#[test]
fn a_condition_without_an_answer_is_explained() {
    let folder = Folder::with_policy();
    let ran = folder.run("explain user:carl can_view document:3 -s policy.json");
    assert_eq!(ran.status, 1);
    assert!(
        ran.out.contains("condition big_enough has no answer"),
        "{}",
        ran.out
    );
    assert!(ran.out.contains("no answer: "), "{}", ran.out);
}

#[test]
fn filter_keeps_the_order_and_counts_what_it_drops() {
    let folder = Folder::with_policy();
    let ids = [
        "document:2",
        "document:1",
        "nonsense",
        "document:9",
        "document:2",
        "group:eng",
    ];
    let lines = ids.join("\n");
    folder.add("ids.txt", &lines);
    let kept = "document:2\ndocument:1\ndocument:2\n";
    let line = "filter user:anne can_view -s policy.json";
    let by_stdin = folder.run_with(line, &lines);
    assert_eq!((by_stdin.status, by_stdin.out.as_str()), (0, kept));
    let summary =
        "3 of 6 allowed, 1 not_allowed, 1 resource.malformed, 1 request.unknown_relation\n";
    assert_eq!(by_stdin.err, summary);
    assert_eq!(folder.run(&format!("{line} --file ids.txt")).out, kept);
    assert_eq!(
        folder.run(&format!("{line} --file ids.txt --quiet")).err,
        ""
    );
    assert_eq!(folder.run(&format!("{line} {}", ids.join(" "))).out, kept);
    let mask = folder.run(&format!("{line} --mask --file ids.txt"));
    assert_eq!(mask.out, "1\n1\n0\n0\n1\n0\n");
    let json = folder.run(&format!("{line} --json --mask --file ids.txt"));
    assert_eq!(
        json.json(),
        json!({"allowed": ["document:2", "document:1", "document:2"], "asked": 6,
               "dropped": {"not_allowed": 1, "request.unknown_relation": 1, "resource.malformed": 1},
               "mask": [true, true, false, false, true, false], "revision": "7"})
    );
    let none = folder.run("filter user:eve can_view document:1 -s policy.json");
    assert_eq!((none.status, none.out.as_str()), (0, ""));
}

#[test]
fn filter_does_not_read_two_things_from_one_input() {
    let folder = Folder::with_policy();
    let ran = folder.run("filter user:anne can_view -s - --json");
    assert_eq!((ran.status, ran.code()), (2, "request.stdin".to_owned()));
    let json = folder.read("policy.json");
    let ran = folder.run_with("filter user:anne can_view document:1 -s -", &json);
    assert_eq!((ran.status, ran.out.as_str()), (0, "document:1\n"));
}

#[test]
fn a_user_that_cannot_be_is_an_error_of_the_whole_filter() {
    let folder = Folder::with_policy();
    let ran = folder.run("filter anne can_view document:2 -s policy.json --json");
    assert_eq!(
        (ran.status, ran.code()),
        (2, "request.invalid_user".to_owned())
    );
}

#[test]
fn lists_are_complete_and_sorted() {
    let folder = Folder::with_policy();
    let objects = folder.run("list-objects user:anne can_view document -s policy.json");
    assert_eq!(
        (objects.status, objects.out.as_str()),
        (0, "document:1\ndocument:2\n")
    );
    let json = folder.run("list-objects user:anne can_view document -s policy.json --json");
    assert_eq!(
        json.json(),
        json!({"objects": ["document:1", "document:2"], "revision": "7"})
    );
    let users = folder.run("list-users document:1 viewer user -s policy.json");
    assert_eq!(
        (users.status, users.out.as_str()),
        (0, "user:anne\nuser:bob\n")
    );
    let usersets = folder.run("list-users document:1 viewer group#member -s policy.json --json");
    assert_eq!(
        usersets.json()["users"],
        json!(["group:all#member", "group:eng#member"])
    );
    let wrong = folder.run("list-objects user:anne can_view docment -s policy.json");
    assert_eq!(wrong.status, 2);
    assert!(wrong.err.contains("did you mean `document`?"));
}

#[test]
fn expand_names_what_leads_further() {
    let folder = Folder::with_policy();
    let ran = folder.run("expand can_view document:1 -s policy.json");
    let expected =
        "document:1#can_view\n└─ except\n   ├─ document:1#viewer\n   └─ not document:1#blocked\n";
    assert_eq!((ran.status, ran.out.as_str()), (0, expected));
    let json = folder
        .run("expand viewer document:1 -s policy.json --json")
        .json();
    assert_eq!(json["union"][0]["users"], json!(["user:bob"]));
}

#[test]
fn a_stale_snapshot_answers_no_question() {
    let folder = Folder::new();
    let snapshot = json!({
        "deputize": 1,
        "not_after": 1_000,
        "model": "model\n  schema 1.1\ntype user\ntype document\n  relations\n    define viewer: [user]",
        "tuples": [{"user": "user:anne", "relation": "viewer", "object": "document:1"}],
    });
    folder.add("old.json", snapshot.to_string());
    for line in [
        "check user:anne viewer document:1",
        "explain user:anne viewer document:1",
        "filter user:anne viewer document:1",
        "list-objects user:anne viewer document",
        "list-users document:1 viewer user",
        "expand viewer document:1",
    ] {
        for fresh in ["--now 1000", "--ignore-staleness"] {
            let ran = folder.run(&format!("{line} -s old.json {fresh}"));
            assert_eq!(ran.status, 0, "{line} {fresh}: {}", ran.err);
        }
        for stale in ["", "--now 1001"] {
            let ran = folder.run(&format!("{line} -s old.json {stale}"));
            assert_eq!((ran.status, ran.out.as_str()), (2, ""), "{line} {stale}");
            assert!(ran.err.contains("snapshot.stale"), "{}", ran.err);
            assert!(ran.err.contains("--ignore-staleness"), "{}", ran.err);
        }
    }
}
