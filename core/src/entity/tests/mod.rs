use serde_json::{Value, json};

use super::*;
use crate::numbers::Numbers;

#[cfg(feature = "tokens")]
mod credentials;

fn resolve(snapshot: &Value) -> Result<Entities, EntityError> {
    fn section<T: Record>(snapshot: &Value) -> Result<Section<T>, EntityError> {
        snapshot
            .get(T::SECTION)
            .map_or_else(|| Ok(Section::default()), Section::read)
    }
    Entities::resolve(
        &section(snapshot)?,
        &section(snapshot)?,
        &section(snapshot)?,
    )
}

/// A customer may send mail; agents call each other in a line.
fn mail() -> Value {
    let agent = |id: &str| json!({"id": id, "tenantId": "acme", "type": {"id": "agent"}});
    let grant = |from: &str, to: &str, names: &[&str]| json!({"recipientEntityId": from, "entity": {"id": to}, "permissions": names});
    json!({
        "entity_types": {"entityTypes": [
            {"entityType": {"id": "mail", "name": "EmailService", "permissions": [
                {"name": "SendEmail"}, {"name": "scim:user:read"}, {"name": "List", "isDefault": true},
                {"name": "Count", "isDefault": true}]}},
            {"id": "agent", "permissions": [{"name": "invoke"}],
             "jwtConfiguration": {"enabled": true, "timeToLiveInSeconds": 300, "accessTokenKeyId": "k1"}},
            {"id": "bare", "jwtConfiguration": {"enabled": false, "timeToLiveInSeconds": 60}},
        ], "total": 3},
        "entities": {"entities": [
            {"id": "email", "name": "Email", "tenantId": "acme", "type": {"id": "mail"}},
            {"id": "email-2", "tenantId": "acme", "type": {"id": "mail"}},
            {"id": "post", "tenantId": "globex", "type": {"id": "mail"}},
            {"id": "customer-1", "tenantId": "acme", "clientId": "c1", "clientSecret": "s3cret-value",
             "type": {"id": "bare"}, "data": {"creator": "Ada", "prompt": "be kind"}},
            {"id": "customer-2", "tenantId": "acme", "type": {"id": "bare"}},
            agent("a"), agent("b"), agent("c"),
        ]},
        "entity_grants": {"grants": [
            grant("customer-1", "email", &["SendEmail"]),
            grant("a", "b", &["invoke"]),
            grant("b", "c", &["invoke"]),
            {"userId": "ines", "entity": {"id": "a"}, "permissions": ["invoke"]},
        ]},
    })
}

fn permissions(entities: &Entities, recipient: &str, entity: &str) -> Option<Vec<String>> {
    Some(entities.grant(recipient, entity)?.permissions.clone())
}

#[test]
fn the_shapes_of_fusionauth_samples() {
    let folder = std::env::var_os("DEPUTIZE_CONFORMANCE").map_or_else(
        || std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/conformance"),
        std::path::PathBuf::from,
    );
    let Ok(text) = std::fs::read_to_string(folder.join("fusionauth/samples.json")) else {
        println!(
            "skipped: the_shapes_of_fusionauth_samples (no {})",
            folder.display()
        );
        return;
    };
    let samples: Value = serde_json::from_str(&text).unwrap();
    let types: Section<EntityType> = Section::read(&samples["entityType_listing"]).unwrap();
    let customer = &types.records[0];
    assert_eq!(customer.pointer, "/entity_types/entityTypes/0/entityType");
    assert_eq!(customer.record.name, "Customer");
    assert_eq!(customer.record.jwt.lifetime, Some(3600));
    let defaults: Vec<bool> = customer
        .record
        .permissions
        .iter()
        .map(|p| p.is_default)
        .collect();
    assert_eq!(defaults, [false, true]);
    let entities: Section<Entity> = Section::read(&samples["entity_search"]).unwrap();
    assert_eq!(entities.records[0].record.name, "Raviga");
    assert!(!format!("{entities:?}").contains("REDACT"));
    let grants: Section<EntityGrant> = Section::read(&samples["grant_search"]).unwrap();
    let grant = &grants.records[0].record;
    assert_eq!(
        grant.recipient.principal(),
        "user:7174f72f-5ecd-4eae-8de8-7fef597b3473"
    );
    assert_eq!(
        grant.permissions.as_deref(),
        Some(["read", "write", "sue"].map(String::from).as_slice())
    );
    // The samples are of three pages that do not belong together.
    let error = Entities::resolve(&types, &entities, &grants).unwrap_err();
    assert_eq!(error.code(), "entity.unknown_permission");
    assert_eq!(error.pointer, "/entity_grants/grants/0/permissions/0");
}

#[test]
fn sections_are_read_in_each_form() {
    let bare = json!({"id": "e", "type": {"id": "t"}});
    for (value, pointer) in [
        (json!([bare]), "/entities/0"),
        (json!([{"entity": bare}]), "/entities/0/entity"),
        (
            json!({"entities": [bare], "total": 1}),
            "/entities/entities/0",
        ),
        (
            json!([{"total": 0}, {"entities": [{"entity": bare}]}]),
            "/entities/1/entities/0/entity",
        ),
        (json!({"entity": bare}), "/entities/entity"),
        (bare.clone(), "/entities"),
    ] {
        let section: Section<Entity> = Section::read(&value).unwrap();
        assert_eq!(section.records.len(), 1);
        assert_eq!(section.records[0].pointer, pointer);
        assert_eq!(section.records[0].record.id, "e");
        // Through serde, and written again, it is the same.
        let again: Section<Entity> = serde_json::from_value(value).unwrap();
        let written = serde_json::to_value(&again).unwrap();
        assert_eq!(
            written,
            json!([{"id": "e", "name": "e", "type": {"id": "t"}}])
        );
    }
    let none: Section<Entity> = Section::read(&json!({"total": 0})).unwrap();
    assert!(none.records.is_empty());
    let grant = json!({"grant": {"userId": "u", "entity": {"id": "e"}}});
    let grants: Section<EntityGrant> = Section::read(&grant).unwrap();
    assert_eq!(grants.records[0].pointer, "/entity_grants/grant");
}

#[test]
fn what_is_written_is_what_was_read() {
    let snapshot = mail();
    fn again<T: Record + PartialEq + std::fmt::Debug>(snapshot: &Value) {
        let section: Section<T> = Section::read(&snapshot[T::SECTION]).unwrap();
        let text = serde_json::to_string(&section).unwrap();
        assert!(!text.contains("s3cret-value"), "{text}");
        let read: Section<T> = serde_json::from_str(&text).unwrap();
        assert!(!read.records.is_empty());
        let records = |section: &Section<T>| -> Vec<Value> {
            section
                .records
                .iter()
                .map(|placed| placed.record.to_json())
                .collect()
        };
        assert_eq!(records(&read), records(&section));
        for (a, b) in read.records.iter().zip(&section.records) {
            assert_eq!(a.record, b.record);
        }
    }
    again::<EntityType>(&snapshot);
    again::<Entity>(&snapshot);
    again::<EntityGrant>(&snapshot);
}

#[test]
fn faults_name_their_place() {
    let cases = [
        (
            "/entities/0/id",
            json!({"entities": [{"type": {"id": "t"}}]}),
            "entity.shape",
        ),
        (
            "/entities/0/type",
            json!({"entities": [{"id": "a"}]}),
            "entity.shape",
        ),
        (
            "/entities/0/type/id",
            json!({"entities": [{"id": "a", "type": {}}]}),
            "entity.shape",
        ),
        (
            "/entities/entities",
            json!({"entities": {"entities": 1}}),
            "entity.shape",
        ),
        ("/entities/0", json!({"entities": [1]}), "entity.shape"),
        ("/entities", json!({"entities": 1}), "entity.shape"),
        (
            "/entities/0/id",
            json!({"entities": [{"id": "a:b", "type": {"id": "t"}}]}),
            "entity.id",
        ),
        (
            "/entities/0/id",
            json!({"entities": [{"id": "*", "type": {"id": "t"}}]}),
            "entity.id",
        ),
        (
            "/entities/0/id",
            json!({"entities": [{"id": "a b", "type": {"id": "t"}}]}),
            "entity.id",
        ),
        (
            "/entities/0/data",
            json!({"entities": [{"id": "a", "type": {"id": "t"}, "data": 1}]}),
            "entity.shape",
        ),
        (
            "/entities/1/id",
            json!({"entities": [{"id": "a", "type": {"id": "t"}}, {"id": "a", "type": {"id": "t"}}]}),
            "entity.duplicate",
        ),
        (
            "/entity_types/1/id",
            json!({"entity_types": [{"id": "t"}, {"id": "t"}]}),
            "entity.duplicate",
        ),
        (
            "/entity_types/0/permissions/1/name",
            json!({"entity_types": [{"id": "t", "permissions": [{"name": "a"}, {"name": "a"}]}]}),
            "entity.duplicate",
        ),
        (
            "/entity_types/0/permissions/0/name",
            json!({"entity_types": [{"id": "t", "permissions": [{"name": "a\n"}]}]}),
            "entity.permission_name",
        ),
        (
            "/entity_types/0/permissions/0/isDefault",
            json!({"entity_types": [{"id": "t", "permissions": [{"name": "a", "isDefault": "yes"}]}]}),
            "entity.shape",
        ),
        (
            "/entity_grants/0/entity",
            json!({"entity_grants": [{"userId": "u"}]}),
            "entity.shape",
        ),
        (
            "/entity_grants/0",
            json!({"entity_grants": [{"entity": {"id": "e"}}]}),
            "entity.recipient",
        ),
        (
            "/entity_grants/0",
            json!({"entity_grants": [{"entity": {"id": "e"}, "userId": "u", "recipientEntityId": "f"}]}),
            "entity.recipient",
        ),
        (
            "/entity_grants/0/permissions",
            json!({"entity_grants": [{"entity": {"id": "e"}, "userId": "u", "permissions": "a"}]}),
            "entity.shape",
        ),
    ];
    for (pointer, snapshot, code) in cases {
        let error = resolve(&snapshot).unwrap_err();
        assert_eq!(
            (error.pointer.as_str(), error.code()),
            (pointer, code),
            "{snapshot}"
        );
        assert!(error.to_string().starts_with(pointer));
    }
}

/// FA11: enabled settings need a lifetime; others are the tenant's.
#[test]
fn fa11_token_settings_of_a_type() {
    let settings =
        |jwt: Value| resolve(&json!({"entity_types": [{"id": "t", "jwtConfiguration": jwt}]}));
    for jwt in [
        json!({"enabled": true}),
        json!({"enabled": true, "timeToLiveInSeconds": 0}),
        json!({"enabled": true, "timeToLiveInSeconds": -1}),
        json!({"enabled": true, "timeToLiveInSeconds": "60"}),
    ] {
        let error = settings(jwt).unwrap_err();
        assert_eq!(error.code(), "entity.lifetime");
    }
    assert!(settings(json!({"enabled": false, "timeToLiveInSeconds": 0})).is_ok());
    let entities = resolve(&mail()).unwrap();
    assert_eq!(entities.entity("a").unwrap().lifetime, Some(300));
    assert_eq!(entities.entity("customer-1").unwrap().lifetime, None);
}

/// FA3: a line of agents, and nothing else between them.
#[test]
fn fa3_call_graph() {
    let entities = resolve(&mail()).unwrap();
    for from in ["a", "b", "c"] {
        for to in ["a", "b", "c"] {
            let granted = permissions(&entities, &format!("entity:{from}"), to);
            let expected = matches!((from, to), ("a", "b") | ("b", "c"));
            assert_eq!(
                granted.is_some_and(|names| names == ["invoke"]),
                expected,
                "{from} {to}"
            );
        }
    }
}

/// FA6: a grant without permissions gives the default ones, not all.
#[test]
fn fa6_default_permissions() {
    let mut snapshot = mail();
    snapshot["entity_grants"] = json!([
        {"userId": "ada", "entity": {"id": "email"}},
        {"userId": "bob", "entity": {"id": "email"}, "permissions": null},
        {"userId": "cem", "entity": {"id": "email"}, "permissions": []},
        {"userId": "dan", "entity": {"id": "a"}},
    ]);
    let entities = resolve(&snapshot).unwrap();
    for user in ["user:ada", "user:bob"] {
        assert_eq!(
            permissions(&entities, user, "email").unwrap(),
            ["Count", "List"]
        );
    }
    assert!(
        permissions(&entities, "user:cem", "email")
            .unwrap()
            .is_empty()
    );
    assert!(permissions(&entities, "user:dan", "a").unwrap().is_empty());
    let codes: Vec<&str> = entities
        .warnings()
        .iter()
        .map(EntityWarning::code)
        .collect();
    assert_eq!(codes, ["entity.no_permissions", "entity.no_permissions"]);
}

/// FA7: users have permissions on entities.
#[test]
fn fa7_users_have_grants() {
    let entities = resolve(&mail()).unwrap();
    let grant = entities.grant("user:ines", "a").unwrap();
    assert_eq!(grant.permissions, ["invoke"]);
    assert_eq!(
        (grant.resource(), grant.tenant.as_deref()),
        ("entity:a".into(), Some("acme"))
    );
    assert!(entities.grant("entity:ines", "a").is_none());
}

/// FA10, FA12: names match exactly, and only what the type defines is granted.
#[test]
fn fa10_fa12_undefined_permissions() {
    for name in [
        "SCIM:user:read",
        "scim:user:read ",
        " SendEmail",
        "sendemail",
        "invoke",
    ] {
        let mut snapshot = mail();
        snapshot["entity_grants"]["grants"][0]["permissions"] = json!(["SendEmail", name]);
        let error = resolve(&snapshot).unwrap_err();
        assert_eq!(error.code(), "entity.unknown_permission", "{name}");
        assert_eq!(error.pointer, "/entity_grants/grants/0/permissions/1");
    }
    let mut snapshot = mail();
    snapshot["entity_grants"]["grants"][0]["permissions"] = json!(["scim:user:read"]);
    assert!(resolve(&snapshot).is_ok());
}

/// FA5: without the entity its grants give nothing, in either direction.
#[test]
fn fa5_dangling_grants() {
    let mut snapshot = mail();
    let entities = snapshot["entities"]["entities"].as_array_mut().unwrap();
    entities.retain(|entity| entity["id"] != "b");
    let entities = resolve(&snapshot).unwrap();
    assert!(entities.grant("entity:a", "b").is_none());
    assert!(entities.grant("entity:b", "c").is_none());
    let warnings: Vec<String> = entities
        .warnings()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(warnings.len(), 2);
    assert!(warnings[0].starts_with("/entity_grants/grants/1/entity/id: the entity `b`"));
    assert!(warnings[1].starts_with("/entity_grants/grants/2: the recipient `b`"));
}

#[test]
fn a_grant_between_tenants_gives_nothing() {
    let mut snapshot = mail();
    snapshot["entity_grants"] = json!([
        {"recipientEntityId": "customer-1", "entity": {"id": "post"}, "permissions": ["SendEmail"]}
    ]);
    let entities = resolve(&snapshot).unwrap();
    assert_eq!(entities.grants().len(), 0);
    assert_eq!(entities.warnings()[0].code(), "entity.cross_tenant");
}

#[test]
fn an_entity_without_its_type_has_no_permissions() {
    let mut snapshot = mail();
    snapshot["entities"] = json!([{"id": "x", "type": {"id": "gone"}}]);
    snapshot["entity_grants"] = json!([{"userId": "u", "entity": {"id": "x"}}]);
    let entities = resolve(&snapshot).unwrap();
    assert!(permissions(&entities, "user:u", "x").unwrap().is_empty());
    assert_eq!(entities.warnings()[0].code(), "entity.absent_type");
    snapshot["entity_grants"][0]["permissions"] = json!(["read"]);
    assert_eq!(
        resolve(&snapshot).unwrap_err().code(),
        "entity.unknown_permission"
    );
}

#[test]
fn the_order_written_does_not_matter() {
    let snapshot = mail();
    let mut shuffled = snapshot.clone();
    for (section, list) in [
        ("entity_types", "entityTypes"),
        ("entities", "entities"),
        ("entity_grants", "grants"),
    ] {
        shuffled[section][list].as_array_mut().unwrap().reverse();
    }
    let (a, b) = (resolve(&snapshot).unwrap(), resolve(&shuffled).unwrap());
    assert!(a.entities().eq(b.entities()));
    let facts = |e: &Entities| -> Vec<_> {
        e.grants()
            .map(|g| (g.recipient.clone(), g.entity.clone(), g.permissions.clone()))
            .collect()
    };
    assert_eq!(facts(&a), facts(&b));
}

#[test]
fn any_sections_resolve_or_err() {
    let words = [
        "id",
        "type",
        "t",
        "a",
        "b",
        "entities",
        "entity",
        "permissions",
        "name",
        "userId",
        "recipientEntityId",
        "data",
        "grants",
        "entityTypes",
        "isDefault",
        "total",
        "a:b",
        "jwtConfiguration",
        "enabled",
        "timeToLiveInSeconds",
        "clientSecret",
    ];
    let mut numbers = Numbers(29);
    for _ in 0..20_000 {
        let snapshot = json!({
            "entity_types": numbers.json(&words, 4),
            "entities": numbers.json(&words, 4),
            "entity_grants": numbers.json(&words, 4),
        });
        if let Err(error) = resolve(&snapshot) {
            assert!(error.pointer.starts_with("/entit"), "{error}");
        }
    }
}
