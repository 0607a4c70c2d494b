use super::*;
use crate::Policy;

fn import(document: &Value) -> Result<Imported, Refused> {
    super::super::permit(document, &PermitOptions::default())
}

fn policy(document: &Value) -> (Policy, Imported) {
    let imported = import(document).unwrap();
    // What relations alone decide.
    let mut snapshot = snapshot(&imported);
    snapshot
        .as_object_mut()
        .unwrap()
        .retain(|name, _| ["deputize", "model", "tuples"].contains(&name.as_str()));
    let bytes = serde_json::to_vec(&snapshot).unwrap();
    let policy = Policy::from_json(&bytes);
    let policy = policy.unwrap_or_else(|error| panic!("{error:?}\n{snapshot:#?}"));
    assert!(policy.warnings().is_empty(), "{:?}", policy.warnings());
    (policy, imported)
}

fn may(policy: &Policy, tenant: &str, user: &str, action: &str, object: &str) -> bool {
    let view = policy.view().with_tenant(tenant);
    view.check(user, action, object).unwrap()
}

/// Two tenants; folders with documents; a bot that acts for somebody.
fn document() -> Value {
    json!({
        "users": {
            "ada": {"roleAssignments": {"acme": ["admin"]}, "attributes": {"team": "ops"}},
            "bea": {"roleAssignments": {"acme": ["viewer"], "globex": ["viewer"]}},
            "cyd": {"roleAssignments": {}},
        },
        "role_permissions": {
            "__tenant": {
                "admin": {"grants": {"document": ["read", "delete"], "folder": ["read"]}},
                "viewer": {"grants": {"document": ["read"]}},
            },
            "document": {
                "editor": {"grants": {"document": ["read", "write"]}},
                "reader": {"grants": {"document": ["read"], "folder": ["read"]}},
            },
            "folder": {"owner": {"grants": {"folder": ["read"]}}},
            "workspace": {"owner": {"grants": {}}},
        },
        "role_assignments": {
            "user:cyd": {"folder:f1": ["owner"], "document:d3": ["reader"]},
            "user:dov": {"workspace:w1": ["owner"]},
            "user:bea": {"__tenant:acme": ["viewer"]},
        },
        "relationships": {
            "document:d1": {"parent": {"folder": ["f1"]}},
            "document:d2": {"parent": {"folder": ["f1"], "workspace": ["w1"]}},
            "agent:bot": {"delegate_of": {"user": ["cyd"]}},
        },
        "resource_types": {
            "document": {
                "actions": ["read", "write", "delete", "share"],
                "derived_roles": {"editor": {"rules": [
                    {"relation": "parent", "related_resource": "folder", "related_role": "owner"}],
                    "settings": {"no_direct_roles_on_object": false}}},
            },
            "folder": {"actions": {"read": {}}},
        },
        "resource_instances": {
            "document:d1": {"tenant": "acme", "attributes": {"level": 2}},
            "document:d2": {"tenant": "acme"},
            "document:d3": {"tenant": "globex"},
            "folder:f1": {"tenant": "acme"},
            "workspace:w1": {"tenant": "acme"},
            "agent:bot": {"tenant": "acme"},
        },
        "tenants": {"acme": {}, "globex": {}},
    })
}

#[test]
fn roles_of_tenants_reach_their_own_instances() {
    let (policy, _) = policy(&document());
    assert!(may(&policy, "acme", "user:ada", "delete", "document:d1"));
    assert!(may(&policy, "acme", "user:ada", "read", "folder:f1"));
    assert!(!may(&policy, "acme", "user:ada", "write", "document:d1"));
    assert!(
        !may(&policy, "acme", "user:ada", "share", "document:d1"),
        "nobody may"
    );
    assert!(!may(&policy, "globex", "user:ada", "read", "document:d3"));
    assert!(may(&policy, "globex", "user:bea", "read", "document:d3"));
    // FZ5: a tuple of one tenant says nothing in another.
    assert!(!may(&policy, "globex", "user:bea", "read", "document:d1"));
    assert!(!may(&policy, "acme", "user:bea", "read", "document:d3"));
    assert!(!may(&policy, "acme", "user:nobody", "read", "document:d1"));
}

#[test]
fn roles_are_derived_along_one_type_of_relation() {
    let (policy, imported) = policy(&document());
    for object in ["document:d1", "document:d2"] {
        assert!(may(&policy, "acme", "user:cyd", "write", object));
    }
    assert!(may(&policy, "acme", "user:cyd", "read", "folder:f1"));
    // A workspace's owner has the same role name, but the rule is of folders.
    assert!(!may(&policy, "acme", "user:dov", "write", "document:d2"));
    assert!(!may(&policy, "acme", "user:dov", "read", "document:d2"));
    // A role's grants on other types than its own are not Permit's to give.
    assert!(may(&policy, "globex", "user:cyd", "read", "document:d3"));
    assert!(!may(&policy, "globex", "user:cyd", "write", "document:d3"));
    let snapshot = snapshot(&imported);
    let tuples = snapshot["tuples"].as_array().unwrap();
    let delegate = json!({"user": "user:cyd", "relation": "delegate_of", "object": "agent:bot", "tenant": "acme"});
    assert!(tuples.contains(&delegate));
}

#[test]
fn users_and_instances_are_listed() {
    let (_, imported) = policy(&document());
    assert_eq!(
        snapshot(&imported)["principals"],
        json!([
            {"id": "user:ada", "tenants": ["acme"], "attributes": {"team": "ops"}},
            {"id": "user:bea", "tenants": ["acme", "globex"]},
            {"id": "user:cyd"},
            {"id": "user:dov"},
        ])
    );
    let snapshot = snapshot(&imported);
    let resources = snapshot["resources"].as_array().unwrap();
    assert_eq!(resources.len(), 6);
    assert!(
        resources
            .contains(&json!({"id": "document:d1", "tenant": "acme", "attributes": {"level": 2}}))
    );
    assert!(imported.warnings().is_empty(), "{:?}", imported.warnings());
}

#[test]
fn the_words_of_the_api_mean_the_same() {
    let mut other = document();
    other["resource_types"]["document"]["derived_roles"] = json!({"editor": [
        {"linked_by_relation": "parent", "on_resource": "folder", "role": "owner",
         "when": {"no_direct_roles_on_object": false}}]});
    let expected = import(&document()).unwrap();
    assert_eq!(snapshot(&import(&other).unwrap()), snapshot(&expected));
}

#[test]
fn what_cannot_be_said_is_left_out() {
    let mut strict = document();
    strict["resource_types"]["document"]["derived_roles"]["editor"]["settings"] =
        json!({"no_direct_roles_on_object": true});
    strict["condition_sets"] = json!({"x": 1});
    strict["role_assignments"]["group:eng"] = json!({"folder:f1": ["owner"]});
    let (policy, imported) = policy(&strict);
    assert!(!may(&policy, "acme", "user:cyd", "write", "document:d1"));
    let places: Vec<&str> = imported
        .warnings()
        .iter()
        .map(|w| w.pointer.as_str())
        .collect();
    assert_eq!(
        places,
        [
            "/condition_sets",
            "/resource_types/document/derived_roles/editor",
            "/role_assignments/group:eng/folder:f1",
        ]
    );
}

#[test]
fn an_instance_is_in_the_tenant_that_is_said() {
    let document = json!({
        "users": {"ada": {"roleAssignments": {"default": ["admin"]}}},
        "roles": {"admin": {"grants": {"task": ["run"]}}},
        "role_assignments": {"bea": {"task:1": ["runner"]}},
        "role_permissions": {"task": {"runner": {"grants": {"task": ["run"]}}}},
    });
    // One tenant is known, and still the task may be another's.
    let (only, imported) = policy(&document);
    assert!(!may(&only, "default", "user:ada", "run", "task:1"));
    assert!(may(&only, "default", "user:bea", "run", "task:1"));
    assert_eq!(
        imported.warnings()[0].pointer,
        "/role_assignments/bea/task:1"
    );
    assert_eq!(
        imported.records(),
        Records {
            taken: 3,
            warned: 1,
            refused: 0
        }
    );
    let options = PermitOptions {
        tenant: Some("default".to_owned()),
    };
    let mut imported = super::super::permit(&document, &options).unwrap();
    let (policy, _) = imported.compile("1").unwrap();
    for user in ["user:ada", "user:bea"] {
        assert!(may(&policy, "default", user, "run", "task:1"), "{user}");
    }
    assert!(!may(&policy, "other", "user:ada", "run", "task:1"));
    assert_eq!(
        snapshot(&imported)["resources"],
        json!([{"id": "task:1", "tenant": "default"}])
    );
}

#[test]
fn the_words_of_the_api_are_carried_over() {
    let document = |roles: Value| {
        json!({
            "tenants": {"acme": {}},
            "resource_types": {"file": {"actions": {"read": {}, "write": {"description": "x"}},
                "relations": {"parent": "folder"}, "roles": roles},
                "folder": {"actions": {"list": {}}}},
            "roles": {"lead": {"permissions": ["file:read"], "extends": []}},
            "users": {"ann.lee@mail.example": {"roleAssignments": {"acme": ["lead"]}}, "bob": {}},
            "role_assignments": {"user:bob": {"folder:top": ["owner"], "file:g": ["editor"]}},
            "relationships": {"file:f": {"parent": {"folder": ["top"]}}},
            "resource_instances": {"file:f": {"tenant": "acme"}, "folder:top": {"tenant": "acme"},
                "file:g": {"tenant": "acme"}},
        })
    };
    let editor = |more: Value| {
        let mut editor = json!({"name": "Editor", "permissions": ["write"], "extends": ["viewer"]});
        for (name, value) in more.as_object().unwrap() {
            editor[name] = value.clone();
        }
        json!({"editor": editor, "viewer": {"permissions": ["read"], "extends": ["editor"]}})
    };
    let granted = json!({"granted_to": {"users_with_role": [
        {"role": "owner", "on_resource": "folder", "linked_by_relation": "parent"}]}});
    let (policy, imported) = policy(&document(editor(granted.clone())));
    assert!(imported.warnings().is_empty());
    for (user, action, object, expected) in [
        ("user:ann.lee@mail.example", "read", "file:f", true),
        ("user:ann.lee@mail.example", "write", "file:f", false),
        ("user:bob", "write", "file:f", true),
        ("user:bob", "read", "file:f", true),
        ("user:bob", "read", "file:g", true),
        ("user:bob", "write", "file:g", true),
    ] {
        assert_eq!(
            may(&policy, "acme", user, action, object),
            expected,
            "{user} {action} {object}"
        );
    }
    let pointer = "/resource_types/file/roles/editor/granted_to";
    for (more, place) in [
        (
            json!({"granted_to": {"users_with_role": [], "conditions": {}}}),
            pointer.to_owned(),
        ),
        (
            json!({"granted_to": {"users_with_role": [{"role": "owner", "on_resource": "folder",
                "linked_by_relation": "parent", "when": {"no_direct_roles_on_object": true}}]}}),
            format!("{pointer}/users_with_role/0"),
        ),
        (
            json!({"extends": ["nobody"]}),
            "/resource_types/file/roles/editor/extends".to_owned(),
        ),
        (
            json!({"until": 5}),
            "/resource_types/file/roles/editor".to_owned(),
        ),
    ] {
        let error = refusal(import(&document(editor(more))));
        assert_eq!(error.pointer, place, "{error}");
    }
}

#[test]
fn a_member_that_is_not_known_stops_the_import_anywhere() {
    for place in [
        "",
        "/users/ada",
        "/role_permissions/__tenant/admin",
        "/role_permissions/document/editor",
        "/resource_types/document",
        "/resource_types/document/derived_roles/editor",
        "/resource_types/document/derived_roles/editor/rules/0",
        "/resource_types/folder/actions/read",
        "/resource_instances/document:d1",
        "/tenants/acme",
    ] {
        for member in ["conditions", "is_active", "expires_at"] {
            let mut changed = document();
            changed.pointer_mut(place).unwrap()[member] = json!(false);
            let error = refusal(import(&changed));
            assert_eq!(error.code(), "import.unknown_member", "{place}");
            let expected = match place {
                "" => format!("/{member}"),
                place => place.to_owned(),
            };
            assert_eq!(error.pointer, expected);
        }
    }
    // Beside a name in a list of who has what nothing may stand.
    for (place, narrowed) in [
        (
            "/users/ada/roleAssignments/acme",
            json!([{"key": "admin", "until": 5}]),
        ),
        (
            "/users/ada/roleAssignments/acme",
            json!({"admin": {"until": 5}}),
        ),
        (
            "/role_assignments/user:cyd/folder:f1",
            json!({"owner": false}),
        ),
        (
            "/relationships/document:d1/parent/folder",
            json!([{"key": "f1"}]),
        ),
        ("/resource_types/folder/actions", json!({"read": false})),
    ] {
        let mut changed = document();
        *changed.pointer_mut(place).unwrap() = narrowed;
        let error = refusal(import(&changed));
        assert!(error.pointer.starts_with(place), "{error}");
    }
}

#[test]
fn an_instance_of_no_known_tenant_is_not_reached() {
    let mut some = document();
    some["resource_instances"] = json!({"document:d3": {"tenant": "globex"}});
    let (policy, imported) = policy(&some);
    assert!(!may(&policy, "acme", "user:ada", "read", "document:d1"));
    assert!(
        imported
            .warnings()
            .iter()
            .any(|w| w.message.contains("`document:d1`"))
    );
}

#[test]
fn names_that_clash_are_told_apart() {
    let (policy, imported) = policy(&json!({
        "role_permissions": {"doc": {"share": {"grants": {"doc": ["read"]}}}},
        "resource_types": {"doc": {"actions": ["read", "share", "parent"], "relations": {"parent": "doc"}}},
        "role_assignments": {"user:ada": {"doc:1": ["share"]}},
    }));
    // Holding the role `share` is not being allowed the action `share`.
    assert_eq!(policy.check("user:ada", "read", "doc:1"), Ok(true));
    assert_eq!(policy.check("user:ada", "share", "doc:1"), Ok(false));
    let messages: Vec<&str> = imported
        .warnings()
        .iter()
        .map(|w| w.message.as_str())
        .collect();
    assert_eq!(
        messages,
        [
            "the role `share` becomes `share_role`: the name is taken",
            "the relation `parent` becomes `parent_relation`: the name is taken",
        ]
    );
}

#[test]
fn what_is_not_understood_is_refused() {
    let cases = [
        (json!([]), "", "import.shape"),
        (json!({"users": []}), "/users", "import.shape"),
        (
            json!({"users": {"a": {"roleAssignments": {"t": "admin"}}}}),
            "/users/a/roleAssignments/t",
            "import.shape",
        ),
        (json!({"users": {"a b": {}}}), "/users/a b", "import.name"),
        (json!({"users": {"*": {}}}), "/users/*", "import.name"),
        (
            json!({"role_assignments": {"user:a": {"doc": ["r"]}}}),
            "/role_assignments/user:a/doc",
            "import.shape",
        ),
        (
            json!({"role_assignments": {"user:a": {"doc:*": ["r"]}}}),
            "/role_assignments/user:a/doc:*",
            "import.name",
        ),
        (
            json!({"resource_types": {"a b": {}}}),
            "/resource_types/a b",
            "import.name",
        ),
        (
            json!({"resource_types": {"user": {"actions": ["x"]}}}),
            "/resource_types/user",
            "import.clash",
        ),
        (
            json!({"resource_types": {"d": {"actions": ["__tenant"]}}}),
            "/resource_types/d",
            "import.clash",
        ),
        (
            json!({"resource_types": {"d": {"actions": ["a:b"]}}}),
            "/resource_types/d",
            "import.name",
        ),
        (
            json!({"resource_types": {"d": {"actions": ["x", "x_role"], "roles": ["x"]}}}),
            "/resource_types/d",
            "import.clash",
        ),
        (
            json!({"resource_types": {"d": {"derived_roles": {"r": {"rules": [{"relation": "p"}]}}}}}),
            "/resource_types/d/derived_roles/r/rules/0",
            "import.shape",
        ),
        (
            json!({"resource_types": {"d": {"derived_roles": {"r": {"rules": [], "settings": {"only_if": 1}}}}}}),
            "/resource_types/d/derived_roles/r/settings",
            "import.unknown_member",
        ),
        (
            json!({"resource_instances": {"d:1": {"tenant": "a"}},
                   "relationships": {"d:1": {"__tenant": {"__tenant": ["b"]}}}}),
            "/resource_instances/d:1/tenant",
            "import.clash",
        ),
    ];
    for (document, pointer, code) in cases {
        let error = refusal(import(&document));
        assert_eq!(
            (error.pointer.as_str(), error.code()),
            (pointer, code),
            "{document}"
        );
    }
}
