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
    let text = snapshot(&imported).to_string();
    for secret in ["hush-hush", "clientSecret", "linus@example.com"] {
        assert!(!text.contains(secret), "{secret}");
    }
    let warnings: Vec<String> = imported
        .warnings()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(
        warnings[0].starts_with("/3/grants/2: the recipient `e-gone`"),
        "{warnings:?}"
    );
    assert_eq!(
        snapshot(&imported)["principals"],
        json!([
            {"id": "user:u-linus", "tenants": ["acme"]},
            {"id": "user:u-zoe", "tenants": ["acme"], "disabled": true},
        ])
    );
    // The sections are read by what reads FusionAuth's own.
    fn section<T: Record>(imported: &Imported) -> Section<T> {
        Section::read(&snapshot(imported)[T::SECTION]).unwrap()
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
    let expected = snapshot(&super::super::fusionauth(&pages()).unwrap());
    assert_eq!(
        snapshot(&super::super::fusionauth(&reversed).unwrap()),
        expected
    );
    assert_eq!(snapshot(&super::super::fusionauth(&all).unwrap()), expected);
}

#[test]
fn pages_that_are_not_all_there_are_refused() {
    let refused = |pages: &[Value]| {
        let refused = super::super::fusionauth(pages).unwrap_err();
        let error = &refused.errors[0];
        assert_eq!(error.code(), "import.incomplete", "{error}");
        error.to_string()
    };
    let mut some = pages();
    some.remove(2);
    some.retain(|page| page.get("grants").is_none());
    let said = refused(&some);
    assert!(said.contains("1 of 2 `entities` were given"), "{said}");
    // A count that stopped counting, or none, and only pages that go on.
    let user = json!({"id": "u-linus", "active": true});
    for total in [json!(10_000), Value::Null] {
        let mut page = json!({"users": [user], "nextResults": "x", "total": total});
        if page["total"] == 10_000 {
            let each = (0..10_000).map(|n| json!({"id": format!("u-{n}")}));
            page["users"] = each.collect();
        }
        let said = refused(std::slice::from_ref(&page));
        assert!(said.contains("`users`"), "{said}");
        let last = json!({"users": [user]});
        assert!(super::super::fusionauth(&[page, last]).is_ok());
    }
    // FusionAuth names a next page even where that is empty.
    let page = json!({"users": [user], "nextResults": "x", "total": 1});
    assert!(super::super::fusionauth(&[page]).is_ok());
}

/// The principal that a user becomes.
fn principal(user: &Value) -> Value {
    let page = json!({ "users": [user] });
    let imported = super::super::fusionauth(&[page]).unwrap();
    assert_eq!(imported.records().taken, 1);
    snapshot(&imported)["principals"][0].clone()
}

#[test]
fn a_users_end_is_carried_over() {
    for (expiry, last) in [
        (1_571_786_483_322_i64, 1_571_786_482),
        (1_571_786_483_000, 1_571_786_482),
        (1_571_786_484_999, 1_571_786_483),
        (1_000, 0),
    ] {
        let own = principal(&json!({"id": "u", "active": true, "expiry": expiry}));
        assert_eq!(own, json!({"id": "user:u", "not_after": last}), "{expiry}");
        // At that second as a whole, and not a moment longer.
        assert!((last + 1) * 1_000 <= expiry && (last + 2) * 1_000 > expiry);
    }
    for expiry in [0, -1, 999] {
        let own = principal(&json!({"id": "u", "expiry": expiry}));
        assert_eq!(own, json!({"id": "user:u", "disabled": true}), "{expiry}");
    }
    let own = principal(&json!({"id": "u", "active": false, "tenantId": "t"}));
    assert_eq!(
        own,
        json!({"id": "user:u", "tenants": ["t"], "disabled": true})
    );
    let own = principal(&json!({"id": "u", "active": null, "expiry": null}));
    assert_eq!(own, json!({"id": "user:u"}));
    for (user, pointer) in [
        (json!({"id": "u", "expiry": "2019"}), "/0/users/0/expiry"),
        (json!({"id": "u", "expiry": 1.5}), "/0/users/0/expiry"),
        (json!({"id": "u", "active": "no"}), "/0/users/0/active"),
        (json!({"id": "u", "tenantId": ""}), "/0/users/0/tenantId"),
        (json!({"id": "u:1"}), "/0/users/0/id"),
        (json!({"id": "u", "locked": true}), "/0/users/0"),
        (json!({"id": "u", "expires": 1}), "/0/users/0"),
        (json!("u"), "/0/users/0"),
    ] {
        let page = json!({ "users": [user] });
        let error = refusal(super::super::fusionauth(&[page]));
        assert_eq!(error.pointer, pointer);
    }
}

#[test]
fn a_grant_of_a_user_who_is_gone_gives_nothing() {
    let mut all = pages();
    all[4]["users"].as_array_mut().unwrap().remove(0);
    all[4]["total"] = json!(1);
    let imported = super::super::fusionauth(&all).unwrap();
    let grants = snapshot(&imported)["entity_grants"].clone();
    assert_eq!(grants.as_array().unwrap().len(), 2, "{grants}");
    assert!(
        grants
            .as_array()
            .unwrap()
            .iter()
            .all(|grant| grant.get("userId").is_none())
    );
    let said = &imported.warnings()[0];
    assert_eq!(said.pointer, "/3/grants/1");
    assert!(said.message.contains("`u-linus` is not among those given"));
    assert_eq!(
        imported.records(),
        Records {
            taken: 6,
            warned: 2,
            refused: 0
        }
    );
    // Without any users nothing of them is known, and that is said.
    all.remove(4);
    let imported = super::super::fusionauth(&all).unwrap();
    assert_eq!(
        snapshot(&imported)["entity_grants"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
    let said = &imported.warnings()[0];
    assert!(said.message.contains("no users were given"), "{said}");
}

#[test]
fn a_member_that_is_not_known_stops_the_import_anywhere() {
    for place in [
        "/0/entityTypes/0/entityType",
        "/0/entityTypes/0/entityType/permissions/1",
        "/1/entities/0",
        "/1/entities/0/type",
        "/3/grants/0",
        "/3/grants/0/entity",
        "/4/users/1",
    ] {
        for member in ["suspended", "expires", "condition"] {
            let mut all = Value::Array(pages());
            all.pointer_mut(place).unwrap()[member] = json!(true);
            let error = refusal(super::super::fusionauth(all.as_array().unwrap()));
            assert_eq!(
                (error.pointer.as_str(), error.code()),
                (place, "import.unknown_member")
            );
        }
    }
}

#[test]
fn faults_name_the_document() {
    let bad = |page: Value, pointer: &str, code: &str| {
        let mut all = pages();
        all.push(page);
        let error = refusal(super::super::fusionauth(&all));
        assert_eq!((error.pointer.as_str(), error.code()), (pointer, code));
        assert!(error.to_string().starts_with(pointer), "{error}");
    };
    bad(json!({"themes": []}), "/5/themes", "import.unknown_member");
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
        "/5/entity",
        "import.entity",
    );
}
