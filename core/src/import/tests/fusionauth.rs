use super::*;
use crate::entity::{Entities, Record, Section};

fn pages() -> Vec<Value> {
    vec![
        json!({"entityTypes": [{"entityType": {"id": "t-api", "name": "API", "permissions": [
            {"id": "p1", "name": "read", "isDefault": true}, {"id": "p2", "name": "write"}]}}], "total": 1}),
        json!({"entities": [
            {"id": "e-mail", "name": "Mail", "clientId": "c-1", "clientSecret": "hush-hush",
             "tenantId": "acme", "type": {"id": "t-api", "name": "API"}, "data": {"owner": "Grace"}},
        ], "total": 2, "nextResults": "x"}),
        json!({"entities": [
            {"id": "e-mail", "name": "Mail", "clientId": "c-1", "clientSecret": "hush-hush",
             "tenantId": "acme", "type": {"id": "t-api", "name": "API"}, "data": {"owner": "Grace"}},
            {"id": "e-agent", "tenantId": "acme", "type": {"id": "t-api"}},
        ], "total": 2}),
        json!({"grants": [
            {"id": "g1", "recipientEntityId": "e-agent", "entity": {"id": "e-mail"}, "permissions": ["write"]},
            {"id": "g2", "userId": "u-linus", "entity": {"id": "e-mail"}},
            {"id": "g3", "recipientEntityId": "e-gone", "entity": {"id": "e-mail"}},
        ], "total": 3}),
        json!({"users": [
            {"id": "u-linus", "tenantId": "acme", "active": true, "email": "linus@example.com", "password": "hush-hush"},
            {"id": "u-zoe", "tenantId": "acme", "active": false},
        ], "total": 2}),
    ]
}

#[test]
fn search_results_become_sections() {
    let imported = super::super::fusionauth(&pages()).unwrap();
    let text = Value::Object(imported.snapshot.clone()).to_string();
    for secret in ["hush-hush", "clientSecret", "linus@example.com"] {
        assert!(!text.contains(secret), "{secret}");
    }
    let warnings: Vec<String> = imported.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(
        warnings[0].starts_with("/3/grants/2: the recipient `e-gone`"),
        "{warnings:?}"
    );
    assert_eq!(
        imported.snapshot["principals"],
        json!([
            {"id": "user:u-linus", "tenants": ["acme"]},
            {"id": "user:u-zoe", "tenants": ["acme"], "disabled": true},
        ])
    );
    // The sections are read by what reads FusionAuth's own.
    fn section<T: Record>(imported: &Imported) -> Section<T> {
        Section::read(&imported.snapshot[T::SECTION]).unwrap()
    }
    let entities = Entities::resolve(
        &section(&imported),
        &section(&imported),
        &section(&imported),
    );
    let entities = entities.unwrap();
    assert_eq!(entities.entities().len(), 2);
    assert_eq!(
        entities
            .grant("entity:e-agent", "e-mail")
            .unwrap()
            .permissions,
        ["write"]
    );
    assert_eq!(
        entities
            .grant("user:u-linus", "e-mail")
            .unwrap()
            .permissions,
        ["read"]
    );
    assert_eq!(entities.entity("e-mail").unwrap().data["owner"], "Grace");
}

#[test]
fn the_order_of_pages_does_not_matter() {
    let mut reversed = pages();
    reversed.reverse();
    let all = vec![Value::Array(pages())];
    let expected = super::super::fusionauth(&pages()).unwrap().snapshot;
    assert_eq!(
        super::super::fusionauth(&reversed).unwrap().snapshot,
        expected
    );
    assert_eq!(super::super::fusionauth(&all).unwrap().snapshot, expected);
}

#[test]
fn a_missing_page_is_noticed() {
    let mut some = pages();
    some.remove(2);
    some.retain(|page| page.get("grants").is_none());
    let imported = super::super::fusionauth(&some).unwrap();
    let warnings: Vec<String> = imported.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        ["entities: 1 of 2 were given; the others are missing"]
    );
}

#[test]
fn faults_name_the_document() {
    let bad = |page: Value, pointer: &str, code: &str| {
        let mut all = pages();
        all.push(page);
        let error = super::super::fusionauth(&all).unwrap_err();
        assert_eq!((error.pointer.as_str(), error.code()), (pointer, code));
        assert!(error.to_string().starts_with(pointer), "{error}");
    };
    bad(json!({"themes": []}), "/5", "import.shape");
    bad(json!("text"), "/5", "import.shape");
    bad(
        json!({"grants": [{"userId": "u", "entity": {"id": "e-mail"}, "permissions": ["fly"]}]}),
        "/5/grants/0/permissions/0",
        "import.entity",
    );
    bad(
        json!([{"entity": {"id": "x"}}]),
        "/5/0/entity/type",
        "import.entity",
    );
    bad(
        json!({"users": [{"id": "u-zoe", "tenantId": "globex"}]}),
        "/5/users/0",
        "import.clash",
    );
    bad(
        json!({"entity": {"id": "e-mail", "type": {"id": "t-api"}}}),
        "/5/entity/id",
        "import.entity",
    );
}
