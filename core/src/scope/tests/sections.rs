use super::*;

fn fault(value: Value) -> SectionError {
    ScopePolicy::compile(&sections(value)).unwrap_err()
}

#[test]
fn faults_name_their_place() {
    let rule = |action: &str, resource: &str| json!([{"action": action, "resource": resource}]);
    let cases = [
        (json!({"scopes": {"a b": []}}), "/scopes/a b", "scope.name"),
        (json!({"scopes": {"": []}}), "/scopes/", "scope.name"),
        (
            json!({"scopes": {"a/b~": rule("", "d:*")}}),
            "/scopes/a~1b~0/0/action",
            "action.empty",
        ),
        (
            json!({"scopes": {"a": rule("x*", "d:*")}}),
            "/scopes/a/0/action",
            "action.partial_wildcard",
        ),
        (
            json!({"scopes": {"a": rule("x", "")}}),
            "/scopes/a/0/resource",
            "path.empty",
        ),
        (
            json!({"scopes": {"a": rule("x", "/..")}}),
            "/scopes/a/0/resource",
            "path.dot_segment",
        ),
        (
            json!({"scopes": {"a": rule("x", "d:")}}),
            "/scopes/a/0/resource",
            "scope.resource",
        ),
        (
            json!({"scopes": {"a": rule("x", "*:1")}}),
            "/scopes/a/0/resource",
            "scope.resource",
        ),
        (
            json!({"scopes": {"a": rule("x", "a/d:1")}}),
            "/scopes/a/0/resource",
            "scope.resource",
        ),
        (
            json!({"scopes": {"target-entity:x": []}}),
            "/scopes/target-entity:x",
            "scope.reserved",
        ),
        (
            json!({"scopes": {"user/A.r": []}, "scope_dialects": ["smart-v2"]}),
            "/scopes/user~1A.r",
            "scope.reserved",
        ),
        (
            json!({"scope_dialects": ["smart-v2", "smart-v2"]}),
            "/scope_dialects/1",
            "scope.repeated_dialect",
        ),
        (
            json!({"authorization_details": {"t": {"resource_type": "a:b"}}}),
            "/authorization_details/t/resource_type",
            "scope.type_name",
        ),
        (
            json!({"scope_aliases": {"a b": "x"}}),
            "/scope_aliases/a b",
            "scope.name",
        ),
        (
            json!({"scope_aliases": {"a": "x y"}}),
            "/scope_aliases/a",
            "scope.name",
        ),
        (
            json!({"scope_aliases": {"a": "a"}}),
            "/scope_aliases/a",
            "scope.alias_of_alias",
        ),
        (
            json!({"scope_aliases": {"a": "b", "b": "a"}}),
            "/scope_aliases/a",
            "scope.alias_of_alias",
        ),
        (
            json!({"scope_aliases": {"a:*": "b"}}),
            "/scope_aliases/a:*",
            "scope.reserved",
        ),
        (
            json!({"scope_aliases": {"target-entity:a": "b"}}),
            "/scope_aliases/target-entity:a",
            "scope.reserved",
        ),
        (
            json!({"scopes": {"a": []}, "scope_aliases": {"a": "b"}}),
            "/scope_aliases/a",
            "scope.reserved",
        ),
        (
            json!({"scope_aliases": {"a": "<id>:b"}}),
            "/scope_aliases/a",
            "scope.placeholder",
        ),
        (
            json!({"scope_aliases": {"a": "target-entity:<id>:<id>"}}),
            "/scope_aliases/a",
            "scope.placeholder",
        ),
        (
            json!({"scope_aliases": {"a": "target-entity:e:<id>"}}),
            "/scope_aliases/a",
            "scope.placeholder",
        ),
        (
            json!({"scope_aliases": {"a": "x/y*"}}),
            "/scope_aliases/a",
            "scope.alias_of_nothing",
        ),
        (
            json!({"scope_aliases": {"integration:deploy": "integration:*"}}),
            "/scope_aliases/integration:deploy",
            "scope.alias_widens",
        ),
        (
            json!({"scope_aliases": {"a": "*"}}),
            "/scope_aliases/a",
            "scope.alias_widens",
        ),
    ];
    for (value, pointer, code) in cases {
        let error = fault(value.clone());
        assert_eq!(
            (error.pointer.as_str(), error.code()),
            (pointer, code),
            "{value}"
        );
        assert!(error.to_string().starts_with(pointer));
    }
}

#[test]
fn unknown_and_repeated_members_are_refused() {
    for text in [
        r#"{"action":"a","resource":"d:*","effect":"deny"}"#,
        r#"{"action":"a"}"#,
        r#"{"action":"a","action":"b","resource":"d:*"}"#,
    ] {
        assert!(serde_json::from_str::<ScopeRule>(text).is_err(), "{text}");
    }
    assert!(serde_json::from_str::<Dialect>(r#""smart-v1""#).is_err());
    for text in [
        r#"{"resource_type":"a","unknown":1}"#,
        r#"{"resource_type":"a","actions":{"x":[],"x":["y"]}}"#,
        r#"{}"#,
    ] {
        assert!(serde_json::from_str::<DetailType>(text).is_err(), "{text}");
    }
    let mut twice = serde_json::Deserializer::from_str(r#"{"a":1,"a":2}"#);
    let error = crate::json::members::<_, u32>(&mut twice).unwrap_err();
    assert!(error.to_string().contains("`a` occurs twice"));
    let mut once = serde_json::Deserializer::from_str(r#"{"a":1,"b":2}"#);
    assert_eq!(crate::json::members::<_, u32>(&mut once).unwrap().len(), 2);
}

#[test]
fn sections_are_written_as_they_were_read() {
    let text = r#"{"resource_type":"document","actions":{"read":["can_read"]},"locations":["x"]}"#;
    let detail: DetailType = serde_json::from_str(text).unwrap();
    assert_eq!(serde_json::to_string(&detail).unwrap(), text);
    assert_eq!(
        serde_json::to_string(&Dialect::SmartV2).unwrap(),
        r#""smart-v2""#
    );
}
