use super::*;

fn import(documents: &[Value]) -> Result<Imported, Refused> {
    super::super::openfga(documents)
}

#[test]
fn each_export_gives_the_same_tuples() {
    let expected = json!([
        {"user": "user:noor", "relation": "viewer", "object": "document:1"},
        {"user": "group:eng#member", "relation": "editor", "object": "document:1",
         "condition": {"name": "office_hours", "context": {"from": 9}}},
    ]);
    let simple = expected.clone();
    let read = json!({"tuples": [
        {"key": {"user": "user:noor", "relation": "viewer", "object": "document:1"}, "timestamp": "2025-01-01T00:00:00Z"},
        {"key": {"user": "group:eng#member", "relation": "editor", "object": "document:1",
                 "condition": {"name": "office_hours", "context": {"from": 9}}}, "timestamp": "x"},
    ], "continuation_token": ""});
    let write = json!({"writes": {"tuple_keys": expected}, "authorization_model_id": "01"});
    let rows = json!([
        {"user_type": "user", "user_id": "noor", "user_relation": "", "relation": "viewer",
         "object_type": "document", "object_id": "1", "condition_name": "", "condition_context": ""},
        {"user_type": "group", "user_id": "eng", "user_relation": "member", "relation": "editor",
         "object_type": "document", "object_id": "1", "condition_name": "office_hours",
         "condition_context": "{\"from\": 9}"},
    ]);
    let keys = json!({"tuple_keys": [
        {"user": "user:noor", "relation": "viewer", "object": "document:1", "condition": {"name": "", "context": {}}},
        expected[1]]});
    for document in [simple.clone(), read, write, rows, keys] {
        let imported = import(std::slice::from_ref(&document)).unwrap();
        assert_eq!(snapshot(&imported)["tuples"], expected, "{document}");
    }
    // Given twice, it is there once.
    assert_eq!(
        snapshot(&import(&[simple.clone(), simple]).unwrap())["tuples"],
        expected
    );
}

#[test]
fn a_store_file_gives_its_model() {
    let store = json!({
        "name": "docs", "model": "model\n  schema 1.1\ntype user\ntype document\n  relations\n    define viewer: [user]\n",
        "tuples": [{"user": "user:noor", "relation": "viewer", "object": "document:1"}],
        "tests": [{"name": "t", "check": []}],
    });
    let imported = import(&[store]).unwrap();
    let bytes = imported.to_json("1");
    let policy = crate::Policy::from_json(&bytes).unwrap();
    assert_eq!(policy.check("user:noor", "viewer", "document:1"), Ok(true));
    assert_eq!(policy.check("user:omar", "viewer", "document:1"), Ok(false));
    let model = json!({"schema_version": "1.1", "type_definitions": [{"type": "user"}]});
    let imported = import(&[json!({"authorization_model": model})]).unwrap();
    assert_eq!(snapshot(&imported)["model"], model);
    assert_eq!(
        snapshot(&import(std::slice::from_ref(&model)).unwrap())["model"],
        model
    );
}

#[test]
fn what_is_not_understood_is_refused() {
    let tuple = |tuple: Value| json!({ "tuples": [tuple] });
    let cases = [
        (json!({}), "/0", "import.shape"),
        (json!(7), "/0", "import.shape"),
        (json!({"model_file": "a.fga"}), "/0", "import.reference"),
        (
            json!({"model": "x", "tuple_file": "a.csv"}),
            "/0",
            "import.reference",
        ),
        (json!({"model": 7}), "/0/model", "import.shape"),
        (
            json!({"tuples": [], "deletes": {"tuple_keys": []}}),
            "/0/deletes",
            "import.unknown_member",
        ),
        (
            tuple(json!({"user": "a:b", "relation": "c"})),
            "/0/tuples/0/object",
            "import.shape",
        ),
        (
            tuple(json!({"user": "a:b", "relation": "c", "object": "d:e", "expires": 1})),
            "/0/tuples/0",
            "import.unknown_member",
        ),
        (
            tuple(
                json!({"user": "a:b", "relation": "c", "object": "d:e", "condition": {"context": {"x": 1}}}),
            ),
            "/0/tuples/0/condition",
            "import.shape",
        ),
        (
            tuple(
                json!({"object_type": "d", "object_id": "e", "relation": "c", "user_type": "a",
                         "user_id": "b", "condition_context": "{}"}),
            ),
            "/0/tuples/0",
            "import.shape",
        ),
        (
            tuple(
                json!({"object_type": "d", "object_id": "e", "relation": "c", "user_type": "a",
                         "user_id": "b", "condition_name": "n", "condition_context": "[]"}),
            ),
            "/0/tuples/0/condition_context",
            "import.shape",
        ),
        (
            json!([{"user": "a:b", "relation": "c", "object": "d:e"},
                   {"user": "a:b", "relation": "c", "object": "d:e", "condition": {"name": "x"}}]),
            "/0/1",
            "import.clash",
        ),
    ];
    for (document, pointer, code) in cases {
        let error = refusal(import(std::slice::from_ref(&document)));
        assert_eq!(
            (error.pointer.as_str(), error.code()),
            (pointer, code),
            "{document}"
        );
    }
    let error = refusal(import(&[json!({"model": "a"}), json!({"model": "b"})]));
    assert_eq!(error.code(), "import.clash");
}

const MODEL: &str = "model\n  schema 1.1\ntype user\ntype channel\n  relations\n    define reader: [user, user:*, user with until] but not blocked\n    define blocked: [user]\ncondition until(now: timestamp, end: timestamp) {\n  now < end\n}\n";

#[test]
fn answers_of_the_api_are_read_in_both_spellings() {
    let model = json!({"schema_version": "1.1", "type_definitions": [{"type": "user"}]});
    let camel = json!({"schemaVersion": "1.1", "typeDefinitions": [{"type": "user"}]});
    for document in [
        model.clone(),
        camel.clone(),
        json!({ "authorization_model": model }),
        json!({ "authorizationModel": camel }),
        json!({ "authorization_models": [model], "continuation_token": "" }),
        json!({ "authorizationModels": [camel], "continuationToken": null }),
        json!({"model": "model\n  schema 1.1\ntype user\n"}),
    ] {
        let mut imported = import(std::slice::from_ref(&document)).unwrap();
        assert!(imported.has_model());
        assert!(imported.compile("1").is_ok(), "{document}");
    }
    let two = json!({ "authorization_models": [model, camel] });
    assert_eq!(refusal(import(&[two])).code(), "import.shape");
    let tuple = json!({"user": "user:noor", "relation": "reader", "object": "channel:1"});
    for document in [
        json!({ "tuple_keys": [tuple] }),
        json!({ "tupleKeys": [tuple] }),
        json!({"writes": {"tupleKeys": [tuple]}, "authorizationModelId": "x"}),
        json!({"tuples": [{"key": tuple, "timestamp": "t"}], "continuationToken": ""}),
    ] {
        let imported = import(std::slice::from_ref(&document)).unwrap();
        assert_eq!(snapshot(&imported)["tuples"], json!([tuple]), "{document}");
    }
}

#[test]
fn a_page_of_several_is_refused_however_it_says_so() {
    for name in [
        "continuation_token",
        "continuationToken",
        "Continuation-Token",
        "ContinuationToken",
        "next_page_token",
        "nextPageToken",
    ] {
        for (token, complete) in [
            (json!("x"), false),
            (json!(1), false),
            (json!({}), false),
            (json!([]), false),
            (json!(true), false),
            (json!(""), true),
            (Value::Null, true),
        ] {
            let read = import(&[json!({"tuples": [], name: token})]);
            assert_eq!(read.is_ok(), complete, "{name} {token}");
            if let Err(refused) = read {
                assert_eq!(refused.errors[0].code(), "import.incomplete");
            }
        }
    }
}

#[test]
fn each_tuple_is_accounted_for() {
    let tuples = json!([
        {"user": "user:*", "relation": "reader", "object": "channel:general"},
        {"user": "user:#mallory", "relation": "blocked", "object": "channel:general"},
        {"user": "user:ann lee", "relation": "blocked", "object": "channel:general"},
        {"user": "user:eve", "relation": "banned", "object": "channel:general"},
        {"user": "user:ann", "relation": "reader", "object": "channel:1",
         "condition": {"name": "until", "context": {"end": "soon"}}},
        {"user": "user:bob", "relation": "reader", "object": "channel:1",
         "condition": {"name": "until", "context": {"end": "2030-01-01T00:00:00Z"}}},
        {"user": "user:*", "relation": "reader", "object": "channel:general"},
        {"user": "user:bob", "relation": "blocked", "object": "channel:1",
         "condition": {"name": "until"}},
        {"user": "user:carl", "relation": "reader", "object": "channel:1",
         "condition": {"name": "until\nuser:dora", "context": {}}},
        "user:x reader channel:1",
    ]);
    let refused = import(&[tuples.clone(), json!({ "model": MODEL })]).unwrap_err();
    let places: Vec<(&str, &str)> = refused
        .errors
        .iter()
        .map(|error| (error.pointer.as_str(), error.code()))
        .collect();
    assert_eq!(
        places,
        [
            ("/0/1/user", "import.identifier"),
            ("/0/2/user", "import.identifier"),
            ("/0/8/condition", "import.identifier"),
            ("/0/9", "import.shape"),
            ("/0/4/condition/context", "snapshot.condition"),
        ]
    );
    // The model, two that are one, and one more; and what would have blocked.
    let records = Records {
        taken: 4,
        warned: 2,
        refused: 5,
    };
    assert_eq!(refused.records, records);
    let kept = [0, 3, 5, 7].map(|index| tuples[index].clone());
    let mut imported = import(&[json!(kept), json!({ "model": MODEL })]).unwrap();
    let said: Vec<String> = imported
        .warnings()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].starts_with("/0/1: `user:eve banned channel:general` names a relation"));
    assert!(said[0].contains("nobody is excluded"), "{said:?}");
    assert!(
        said[1].contains("`user:bob blocked channel:1 with until`"),
        "{said:?}"
    );
    assert!(imported.compile("1").is_ok());
    assert_eq!(
        imported.records(),
        Records {
            taken: 3,
            warned: 2,
            refused: 0
        }
    );
}

#[test]
fn a_list_is_read_from_text_and_not_kept() {
    let mut import = Openfga::default();
    import.begin();
    let text = r#"{"tuples":[{"user":"user:a","relation":"reader","object":"channel:1"},
        {"user":"user:a","user":"user:b","relation":"reader","object":"channel:1"}]}"#;
    let mut reader = serde_json::Deserializer::from_str(text);
    let error = import.read(&mut reader).unwrap_err();
    assert!(
        error.to_string().contains("`user` is there twice"),
        "{error}"
    );
    import.begin();
    for text in [r#"{"tuples":[],"tuples":[]}"#, r#"{"name":"x","name":"y"}"#] {
        let mut reader = serde_json::Deserializer::from_str(text);
        assert!(import.read(&mut reader).is_err(), "{text}");
    }
    import.begin();
    import.item(&json!({"user_type": "user", "user_id": "a", "relation": "r", "object_type": "t", "object_id": "1"}));
    import.refuse_item("the row has 3 fields".to_owned());
    let refused = import.finish().unwrap_err();
    assert_eq!(refused.errors[0].pointer, "/2/1");
    assert_eq!(
        refused.records,
        Records {
            taken: 2,
            warned: 0,
            refused: 1
        }
    );
}
