//! What people met in the field, told by the documents that they had: one room
//! a case, each with the answer that is right.

use serde_json::json;

use crate::Folder;

/// A store file whose tests all pass.
fn passes(store: &str, passed: usize) -> Folder {
    let folder = Folder::new();
    folder.add("s.fga.yaml", store);
    let ran = folder.run("test s.fga.yaml");
    assert_eq!(ran.status, 0, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains(&format!("{passed} passed")), "{}", ran.out);
    folder
}

#[test]
fn one_relation_comes_by_two_parents_that_lead_in_a_circle() {
    passes(
        "model: |
  model
    schema 1.1
  type user
  type unit
    relations
      define over: [unit]
      define next: [unit]
      define crew: [user] or crew from over or crew from next
tuples:
  - {user: user:ida, relation: crew, object: unit:1}
  - {user: unit:1, relation: over, object: unit:2}
  - {user: unit:1, relation: next, object: unit:3}
  - {user: unit:3, relation: over, object: unit:4}
  - {user: unit:4, relation: next, object: unit:3}
tests:
  - check: [{user: user:ida, objects: [unit:1, unit:2, unit:3, unit:4], assertions: {crew: true}}]
    list_objects: [{user: user:ida, type: unit, assertions: {crew: [unit:1, unit:2, unit:3, unit:4]}}]
    list_users: [{object: unit:4, user_filter: [{type: user}], assertions: {crew: {users: [user:ida]}}}]
",
        6,
    );
}

#[test]
fn everybody_but_the_barred_and_only_the_invited() {
    let folder = passes(
        "model: |
  model
    schema 1.1
  type user
  type page
    relations
      define anyone: [user:*]
      define barred: [user]
      define invited: [user]
      define open: anyone but not barred
      define shown: open and invited
      define odd: invited but not anyone
tuples:
  - {user: 'user:*', relation: anyone, object: page:1}
  - {user: user:ben, relation: barred, object: page:1}
  - {user: user:ida, relation: invited, object: page:1}
  - {user: user:ben, relation: invited, object: page:1}
tests:
  - check:
      - {user: user:ida, object: page:1, assertions: {shown: true, open: true, odd: false}}
      - {user: user:ben, object: page:1, assertions: {shown: false, open: false, odd: false}}
      - {user: user:new, object: page:1, assertions: {shown: false, open: true}}
    list_users:
      - {object: page:1, user_filter: [{type: user}], assertions: {shown: {users: [user:ida]}, odd: {users: []}}}
    list_objects:
      - {user: user:ben, type: page, assertions: {shown: [], open: []}}
",
        12,
    );
    let listed = folder.run("list-users page:1 open user -s s.fga.yaml").out;
    assert!(
        listed.contains("user:*") && !listed.contains("user:ben"),
        "{listed}"
    );
}

#[test]
fn each_tuple_is_met_by_its_own_condition() {
    passes(
        "model: |
  model
    schema 1.1
  type user
  type page
    relations
      define viewer: [user with count, user with word]
  condition count(x: int) {
    x > 10
  }
  condition word(x: string) {
    x == \"ten\"
  }
tuples:
  - {user: user:ida, relation: viewer, object: page:1, condition: {name: count}}
  - {user: user:ben, relation: viewer, object: page:1, condition: {name: word}}
  - {user: user:ben, relation: viewer, object: page:2, condition: {name: count, context: {x: 11}}}
tests:
  - check:
      - {user: user:ida, object: page:1, context: {x: 11}, assertions: {viewer: true}}
      - {user: user:ben, object: page:1, context: {x: ten}, assertions: {viewer: true}}
      - {user: user:ben, object: page:2, context: {x: ten}, assertions: {viewer: true}}
",
        3,
    );
}

#[test]
fn a_parent_under_a_condition_is_asked() {
    let folder = passes(
        "model: |
  model
    schema 1.1
  type user
  type folder
    relations
      define viewer: [user]
  type page
    relations
      define parent: [folder, folder with open]
      define viewer: viewer from parent
  condition open(x: int) {
    x > 0
  }
tuples:
  - {user: user:ida, relation: viewer, object: folder:1}
  - {user: folder:1, relation: parent, object: page:1, condition: {name: open}}
tests:
  - check:
      - {user: user:ida, object: page:1, context: {x: 1}, assertions: {viewer: true}}
      - {user: user:ida, object: page:1, context: {x: 0}, assertions: {viewer: false}}
    list_objects: [{user: user:ida, type: page, context: {x: 0}, assertions: {viewer: []}}]
",
        3,
    );
    let ran = folder.run("check user:ida viewer page:1 -s s.fga.yaml --json");
    assert_eq!(
        (ran.status, ran.code().as_str()),
        (2, "condition.missing_context")
    );
}

#[test]
fn half_a_context_is_an_error_and_hides_no_other_way() {
    let folder = Folder::new();
    folder.add(
        "s.fga.yaml",
        "model: |
  model
    schema 1.1
  type user
  type team
    relations
      define sure: [user]
      define maybe: [user with either]
      define any: sure or maybe
  type page
    relations
      define viewer: [user with either, team#any]
  condition either(x: bool, y: bool) {
    x || y
  }
tuples:
  - {user: user:ida, relation: viewer, object: page:1, condition: {name: either}}
  - {user: user:ben, relation: viewer, object: page:1, condition: {name: either}}
  - {user: team:1#any, relation: viewer, object: page:1}
  - {user: user:ben, relation: sure, object: team:1}
",
    );
    for ask in [
        "check user:ida viewer page:1",
        "list-objects user:ida viewer page",
    ] {
        let ran = folder.run(&format!(
            "{ask} -s s.fga.yaml --context {{\"x\":true}} --json"
        ));
        assert_eq!(
            (ran.status, ran.code().as_str()),
            (2, "condition.missing_context"),
            "{ask}"
        );
    }
    let ran = folder.run("check user:ben viewer page:1 -s s.fga.yaml --context {\"x\":true}");
    assert_eq!(ran.status, 0, "{}", ran.err);
}

#[test]
fn both_sides_hold_by_the_tuples_of_this_question() {
    let folder = Folder::new();
    folder.add(
        "s.fga.yaml",
        "model: |
  model
    schema 1.1
  type user
  type group
    relations
      define member: [user]
  type area
    relations
      define member: [group#member]
  type duty
    relations
      define holder: [group#member]
  type system
    relations
      define area: [area]
      define duty: [duty]
      define enter: holder from duty and member from area
tuples:
  - {user: area:eu, relation: area, object: system:1}
  - {user: area:us, relation: area, object: system:2}
  - {user: duty:ops, relation: duty, object: system:1}
  - {user: duty:ops, relation: duty, object: system:2}
  - {user: group:eu#member, relation: member, object: area:eu}
  - {user: group:us#member, relation: member, object: area:us}
  - {user: group:ops#member, relation: holder, object: duty:ops}
",
    );
    let ask = |object: &str, groups: &[&str]| {
        let mut args = vec!["check", "user:ida", "enter", object, "-s", "s.fga.yaml"];
        let tuples: Vec<String> = groups
            .iter()
            .map(|g| format!("user:ida member group:{g}"))
            .collect();
        for tuple in &tuples {
            args.extend(["--tuple", tuple]);
        }
        folder.run_args(&args).status
    };
    assert_eq!(ask("system:1", &["eu", "ops"]), 0);
    assert_eq!(ask("system:2", &["eu", "ops"]), 1);
    for groups in [&["eu"][..], &["ops"], &["us"], &[]] {
        assert_eq!(ask("system:1", groups), 1, "{groups:?}");
    }
    let args = [
        "check",
        "user:ida",
        "enter",
        "system:1",
        "-s",
        "s.fga.yaml",
        "--tuple",
        "user:ida member area:eu",
    ];
    assert_eq!(
        folder.run_args(&args).status,
        2,
        "the model does not admit it"
    );
}

#[test]
fn a_condition_that_came_later_leaves_old_tuples_out() {
    let folder = Folder::new();
    folder.add(
        "s.fga.yaml",
        "model: |
  model
    schema 1.1
  type user
  type plan
    relations
      define trial: [user with running]
      define paid: [user]
      define use: trial or paid
  condition running(now: timestamp, end: timestamp) {
    now < end
  }
tuples:
  - {user: user:old, relation: trial, object: plan:1}
  - {user: user:new, relation: trial, object: plan:1, condition: {name: running, context: {end: '2026-01-01T00:00:00Z'}}}
  - {user: user:payer, relation: paid, object: plan:1}
  - {user: user:odd, relation: paid, object: plan:1, condition: {name: running, context: {end: '2026-01-01T00:00:00Z'}}}
",
    );
    for (user, status) in [("old", 1), ("new", 0), ("payer", 0), ("odd", 1)] {
        let ask = format!(
            "check user:{user} use plan:1 -s s.fga.yaml --context {{\"now\":\"2025-06-01T00:00:00Z\"}}"
        );
        assert_eq!(folder.run(&ask).status, status, "{user}");
    }
    let ran = folder.run("import openfga s.fga.yaml -o p.json");
    assert_eq!(ran.status, 0);
    for said in [
        "/tuples/0: `user:old trial plan:1`",
        "/tuples/3: `user:odd paid plan:1 with running`",
    ] {
        assert!(ran.err.contains(said), "{}", ran.err);
    }
    assert!(
        ran.err
            .contains("5 records: 3 taken, 2 warned of, 0 refused"),
        "{}",
        ran.err
    );
    let lint = folder.run("lint -s s.fga.yaml").out;
    assert!(
        lint.contains("user:old") && lint.contains("user:odd"),
        "{lint}"
    );
}

#[test]
fn ids_are_compared_byte_by_byte() {
    let folder = Folder::new();
    folder.add(
        "m.fga",
        "model\n  schema 1.1\ntype user\ntype table\n  relations\n    define reader: [user]\n",
    );
    let ids = [
        "idp~ida.lund@mail.example",
        "idp~ida.lund%40mail.example",
        "auth0|5f7c",
        "j\u{fc}rgen",
        "ju\u{308}rgen",
        "a+b=c,d;e'f\"g\\h",
        "\u{65e5}\u{1f600}",
    ];
    let each = ids.iter().enumerate();
    let tuples: Vec<_> = each
        .map(|(n, id)| json!({"user": format!("user:{id}"), "relation": "reader", "object": format!("table:lake/{n}")}))
        .collect();
    folder.add("t.json", json!(tuples).to_string());
    let ran = folder.run("import openfga m.fga t.json -o p.json");
    assert_eq!(ran.status, 0, "{}", ran.err);
    assert_eq!(folder.run("compile -s p.json -o p.bin").status, 0);
    for snapshot in ["p.json", "p.bin"] {
        for (n, id) in ids.iter().enumerate() {
            for (m, _) in ids.iter().enumerate() {
                let args = [
                    "check",
                    &format!("user:{id}"),
                    "reader",
                    &format!("table:lake/{m}"),
                    "-s",
                    snapshot,
                ];
                assert_eq!(folder.run_args(&args).status, i32::from(n != m), "{id} {m}");
            }
        }
    }
    for id in ["a:b", "a b", "a\tb", "", "a#", &"x".repeat(600)] {
        folder.add(
            "t.json",
            json!([{"user": format!("user:{id}"), "relation": "reader", "object": "table:1"}])
                .to_string(),
        );
        let ran = folder.run("import openfga m.fga t.json --json");
        assert_eq!(
            (ran.status, ran.code().as_str()),
            (2, "import.identifier"),
            "{id}"
        );
    }
}

#[test]
fn a_userset_is_in_itself_and_an_alias_leads_down() {
    passes(
        "model: |
  model
    schema 1.1
  type user
  type team
    relations
      define member: [user, team#member]
      define person: member
      define barred: [user]
      define good: [user, user:*, team#member] but not barred
  type page
    relations
      define viewer: [team#member]
      define reader: [team#person]
tuples:
  - {user: team:a#member, relation: viewer, object: page:1}
  - {user: team:a#person, relation: reader, object: page:1}
  - {user: team:b#member, relation: member, object: team:a}
  - {user: 'user:*', relation: good, object: team:c}
  - {user: user:joe, relation: barred, object: team:c}
tests:
  - check:
      - {user: 'team:a#member', object: team:a, assertions: {member: true, person: true}}
      - {user: 'team:a#member', object: page:1, assertions: {viewer: true, reader: true}}
      - {user: 'team:b#member', object: page:1, assertions: {viewer: true, reader: true}}
      - {user: 'team:a#person', object: page:1, assertions: {viewer: false, reader: true}}
      - {user: 'user:*', object: team:c, assertions: {good: true}}
      - {user: user:joe, object: team:c, assertions: {good: false}}
",
        10,
    );
}

#[test]
fn usersets_ask_in_stores_as_users_do() {
    passes(
        "model: |
  model
    schema 1.2
  type user
    relations
      define realm: [realm]
      define read: owner from realm
  type group
    relations
      define member: [user, group#member]
  type realm
    relations
      define owner: [group#member]
tuples:
  - {user: group:devs#member, relation: member, object: group:board}
  - {user: group:board#member, relation: owner, object: realm:1}
  - {user: realm:1, relation: realm, object: user:kim}
tests:
  - check: [{users: ['group:devs#member', 'group:board#member'], object: user:kim, assertions: {read: true}}]
    list_objects: [{user: 'group:devs#member', type: group, assertions: {member: [group:board, group:devs]}}]
    list_users:
      - object: realm:1
        user_filter: [{type: group, relation: member}]
        assertions: {owner: {users: ['group:board#member', 'group:devs#member']}}
",
        4,
    );
}

#[test]
fn a_store_file_says_nothing_that_is_passed_over() {
    const BASE: &str = "model: |
  model
    schema 1.1
  # it's a comment, isn't it
  type user
  type page
    relations
      # who's in?
      define viewer: [user, user:*] but not barred # \"so\"
      define barred: [user]
tuples:
  - {user: 'user:*', relation: viewer, object: page:1}
  - {user: user:jon, relation: barred, object: page:1}
tests:
";
    for (tests, passed) in [
        (
            "  - name: anchors
    check: &all
      - &one {user: user:ida, object: page:1, assertions: {viewer: true}}
      - <<: *one
        user: user:ben
  - check: *all
",
            4,
        ),
        (
            "  - tuples:
    check:
    list_objects: [{user: user:jon, type: page, assertions: {viewer: null, barred: [page:1]}}]
",
            2,
        ),
        (
            "  - tuples: [{user: 'user:*', relation: viewer, object: page:1}]
    check:
      - {user: user:ida, object: page:1, assertions: {viewer: yes}}
      - {user: user:jon, object: page:1, assertions: {viewer: no}}
",
            2,
        ),
    ] {
        passes(&format!("{BASE}{tests}"), passed);
    }
    let folder = Folder::new();
    for (test, status, said) in [
        (
            "check: [{user: user:ida, object: page:2, contextual_tuples: [], assertions: {viewer: true}}]",
            2,
            "contextual_tuples",
        ),
        (
            "list_users: [{object: page:1, user_filter: [{type: user}], assertions: {viewer: {users: [], excluded_users: [user:jon]}}}]",
            2,
            "excluded_users",
        ),
        (
            "check: [{user: user:ida, users: [user:jon], object: page:1, assertions: {viewer: true}}]",
            2,
            "keep one of the two",
        ),
        (
            "check: [{user: user:ida, object: page:1, assertions: {vewer: false}}]",
            1,
            "did you mean `viewer`?",
        ),
        (
            "list_objects: [{user: user:jon, type: pge, assertions: {viewer: []}}]",
            1,
            "did you mean `page`?",
        ),
        (
            "tuples: [{user: user:ida, relation: viewer, object: page:2, until: 5}]",
            2,
            "`until` is not understood",
        ),
        (
            "tuples: [{user: user:ida, relation: viewer, object: page:2, condition: {name: '', context: {x: 1}}}]",
            2,
            "a condition's name",
        ),
    ] {
        folder.add("s.fga.yaml", format!("{BASE}  - {test}\n"));
        let ran = folder.run("test s.fga.yaml");
        assert_eq!(ran.status, status, "{test}: {}", ran.out);
        assert!(ran.out.contains(said), "{test}: {}", ran.out);
    }
}

#[test]
fn modules_go_to_json_and_back_to_dsl() {
    let folder = Folder::new();
    std::fs::create_dir_all(folder.0.join("parts")).unwrap();
    folder.add(
        "fga.mod",
        "schema: '1.2'\ncontents:\n    - people.fga\n    - parts/pages.fga\n",
    );
    folder.add(
        "people.fga",
        "module people # the base\n\ntype user\ntype group\n  relations\n    define member: [user, user:*, group#member with open]\n\ncondition open(now: timestamp, hours: map<string>) {\n  now > timestamp(\"2024-01-01T00:00:00Z\") # after \"that\"\n  && \"a\" in hours\n}\n",
    );
    folder.add(
        "parts/pages.fga",
        "module pages\n# it's extended here\nextend type group\n  relations\n    define viewer: [user] or member\n\ntype page\n  relations\n    define parent: [group]\n    define see: viewer from parent but not barred\n    define barred: [user]\n",
    );
    let json = folder.run("model to-json fga.mod");
    assert_eq!(json.status, 0, "{}", json.err);
    folder.add("m.json", &json.out);
    let dsl = folder.run("model to-dsl m.json");
    assert_eq!(dsl.status, 0, "{}", dsl.err);
    folder.add("m.fga", &dsl.out);
    assert_eq!(folder.run("model validate m.fga").status, 0);
    assert_eq!(folder.run("model to-dsl m.fga").out, dsl.out);
    folder.add(
        "fga.mod",
        "schema: '1.2'\ncontents:\n  - people.fga\n  - parts\\pages.fga\n",
    );
    assert!(folder.run("model validate fga.mod").status <= 2);
}

#[test]
fn what_follows_from_must_be_direct() {
    let folder = Folder::new();
    for parent in [
        "define parent: [folder#viewer]",
        "define parent: [folder:*]",
        "define own: [folder]\n    define parent: own",
    ] {
        folder.add("m.fga", format!("model\n  schema 1.1\ntype user\ntype folder\n  relations\n    {parent}\n    define viewer: [user] or viewer from parent\n"));
        let ran = folder.run("model validate m.fga");
        assert_eq!(ran.status, 2, "{parent}");
        assert!(
            ran.err.contains("tupleuserset-not-direct"),
            "{parent}: {}",
            ran.err
        );
        assert!(ran.err.contains('^'), "{}", ran.err);
    }
}

#[test]
fn a_list_under_one_parent_is_whole_or_an_error() {
    let folder = Folder::new();
    folder.add("m.fga", "model\n  schema 1.1\ntype user\ntype org\n  relations\n    define run: [user]\ntype job\n  relations\n    define parent: [org]\n    define run: [user] or run from parent\n");
    let rows: String = (0..5_000)
        .map(|n| format!("org:1,parent,job:{n}\n"))
        .collect();
    folder.add(
        "t.csv",
        format!("user,relation,object\nuser:ida,run,org:1\n{rows}"),
    );
    assert_eq!(folder.run("import openfga m.fga t.csv -o p.json").status, 0);
    let ran = folder.run("list-objects user:ida run job -s p.json");
    assert_eq!(
        ran.out.lines().filter(|line| line.contains("job:")).count(),
        5_000
    );
    let ran = folder.run("list-objects user:ida run job -s p.json --max-steps 100 --json");
    assert_eq!((ran.status, ran.code().as_str()), (2, "budget.exhausted"));
}

#[test]
fn a_chain_beyond_the_depth_is_an_error_and_no_deny() {
    let folder = Folder::new();
    folder.add("m.fga", "model\n  schema 1.1\ntype user\ntype role\n  relations\n    define has: [user, role#has]\n");
    let rows: String = (0..200)
        .map(|n| format!("role:{}#has,has,role:{n}\n", n + 1))
        .collect();
    folder.add(
        "t.csv",
        format!("user,relation,object\n{rows}user:ida,has,role:200\n"),
    );
    assert_eq!(folder.run("import openfga m.fga t.csv -o p.json").status, 0);
    assert_eq!(folder.run("check user:ida has role:0 -s p.json").status, 0);
    for ask in ["check user:ida has role:0", "list-users role:0 has user"] {
        let ran = folder.run(&format!("{ask} -s p.json --openfga-limits --json"));
        assert_eq!(
            (ran.status, ran.code().as_str()),
            (2, "budget.depth"),
            "{ask}"
        );
    }
}

#[test]
fn names_are_as_the_grammar_has_them() {
    let folder = Folder::new();
    let head = "model\n  schema 1.1\ntype user\ntype folder\n  relations\n";
    for (text, status) in [
        ("model\n  schema 1.1\ntype user\ntype model\n  relations\n    define model: [user]\n    define schema: [user]\n    define type: [user]\n    define relation: [user] or model or schema\n".to_owned(), 0),
        ("model\n  schema 1.1\ntype iam/person\n  relations\n    define role.chief: [iam/person]\n    define may.sign: role.chief\n    define x-y_z: [iam/person#role.chief, iam/person:*]\n".to_owned(), 0),
        (format!("{head}    define a: [\n      user,\n      # anyone\n      user:*\n    ]\n    define b: [user] but not a\n"), 0),
        (format!("{head}    define a: [user]\n    define b: [user]\n    define c: ((a) and (b)) but not (a or (b and a))\n"), 0),
        ("model\n schema 1.1\ntype user\ntype folder\n relations\n  define a:[user,user:*]\n  define   b  :  a\n".to_owned(), 0),
        (format!("{head}    define a: [user]   # it's\n\n    # more\n    define b:a\n").replace('\n', "\r\n"), 0),
        (format!("{head}    define a: [user]\n    define b: [user]\n    define c: [user]\n    define d: a or b and c\n"), 2),
    ] {
        folder.add("m.fga", &text);
        let ran = folder.run("model validate m.fga");
        assert_eq!(ran.status, status, "{text}: {}{}", ran.out, ran.err);
    }
    // JSON may hold names that the DSL cannot spell; they are not printed.
    let direct = json!({"directly_related_user_types": [{"type": "user"}]});
    for name in ["may view", "condition"] {
        let model = json!({"schema_version": "1.1", "type_definitions": [{"type": "user"},
            {"type": "page", "relations": {name: {"this": {}}}, "metadata": {"relations": {name: direct}}}]});
        folder.add("m.json", model.to_string());
        assert_eq!(folder.run("model to-dsl m.json").status, 2, "{name}");
    }
}

#[test]
fn a_mask_counts_and_a_mapped_address_is_what_it_maps() {
    passes(
        "model: |
  model
    schema 1.1
  type user
  type office
    relations
      define viewer: [user with within]
  condition within(ip: ipaddress, range: string) {
    ip.in_cidr(range)
  }
tuples:
  - {user: user:ida, relation: viewer, object: office:4, condition: {name: within, context: {range: 10.20.30.0/8}}}
  - {user: user:ida, relation: viewer, object: office:6, condition: {name: within, context: {range: '2001:db8::/32'}}}
  - {user: user:ida, relation: viewer, object: office:0, condition: {name: within, context: {range: 0.0.0.0/0}}}
tests:
  - check:
      - {user: user:ida, object: office:4, context: {ip: 10.9.8.7}, assertions: {viewer: true}}
      - {user: user:ida, object: office:4, context: {ip: 11.20.30.1}, assertions: {viewer: false}}
      - {user: user:ida, object: office:6, context: {ip: '2001:DB8:0::1'}, assertions: {viewer: true}}
      - {user: user:ida, object: office:4, context: {ip: '::ffff:10.9.8.7'}, assertions: {viewer: true}}
      - {user: user:ida, object: office:0, context: {ip: '::1'}, assertions: {viewer: false}}
",
        5,
    );
}

#[test]
fn a_fusionauth_scope_is_split_at_its_first_colons() {
    let folder = Folder::new();
    for (name, document) in [
        (
            "t.json",
            json!({"entityTypes": [{"id": "t", "name": "API", "permissions": [
            {"id": "1", "name": "urn:lab:notes"}, {"id": "2", "name": "urn:lab:notes:drop"}, {"id": "3", "name": "read all"}]}]}),
        ),
        (
            "e.json",
            json!({"entities": [{"id": "api", "name": "Notes", "tenantId": "x", "type": {"id": "t"}},
            {"id": "job", "name": "Job", "clientId": "job", "tenantId": "x", "type": {"id": "t"}}]}),
        ),
        (
            "g.json",
            json!({"grants": [{"id": "g", "entity": {"id": "api"}, "recipientEntityId": "job",
            "permissions": ["urn:lab:notes", "read all"]}]}),
        ),
    ] {
        folder.add(name, document.to_string());
    }
    assert_eq!(
        folder
            .run("import fusionauth t.json e.json g.json -o p.json")
            .status,
        0
    );
    for (scope, allowed) in [
        ("target-entity:api", true),
        ("target-entity:api:urn:lab:notes", true),
        ("target-entity:api:urn:lab:notes:drop", false),
        ("target-entity:api:urn:lab", false),
        ("target-entity:api:urn:lab:notes,urn:lab:notes:drop", false),
        ("target-entity:other", false),
    ] {
        let args = [
            "grant",
            "entity:job",
            "--scope",
            scope,
            "-s",
            "p.json",
            "--now",
            "1763719200",
        ];
        assert_eq!(folder.run_args(&args).status == 0, allowed, "{scope}");
    }
}
