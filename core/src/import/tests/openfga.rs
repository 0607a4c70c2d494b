use super::*;

fn import(documents: &[Value]) -> Result<Imported, ImportError> {
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
        assert_eq!(imported.snapshot["tuples"], expected, "{document}");
    }
    // Given twice, it is there once.
    assert_eq!(
        import(&[simple.clone(), simple]).unwrap().snapshot["tuples"],
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
    let bytes = serde_json::to_vec(&imported.snapshot).unwrap();
    let policy = crate::Policy::from_json(&bytes).unwrap();
    assert_eq!(policy.check("user:noor", "viewer", "document:1"), Ok(true));
    assert_eq!(policy.check("user:omar", "viewer", "document:1"), Ok(false));
    let model = json!({"schema_version": "1.1", "type_definitions": [{"type": "user"}]});
    let imported = import(&[json!({"authorization_model": model})]).unwrap();
    assert_eq!(imported.snapshot["model"], model);
    assert_eq!(
        import(std::slice::from_ref(&model)).unwrap().snapshot["model"],
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
            "/0",
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
        let error = import(std::slice::from_ref(&document)).unwrap_err();
        assert_eq!(
            (error.pointer.as_str(), error.code()),
            (pointer, code),
            "{document}"
        );
    }
    let error = import(&[json!({"model": "a"}), json!({"model": "b"})]).unwrap_err();
    assert_eq!(error.code(), "import.clash");
}
