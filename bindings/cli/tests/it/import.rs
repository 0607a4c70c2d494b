//! `import`: other systems' files become one snapshot, which is asked.

use deputize::Policy;
use deputize::Request;
use deputize::request::Setting;
use deputize::time::UnixSeconds;
use serde_json::{Value, json};

use crate::Folder;

const MODEL: &str = "model\n  schema 1.1\ntype user\ntype team\n  relations\n    define member: [user]\ntype doc\n  relations\n    define viewer: [user, team#member]\n";

const YAML: &str = "- user: user:anne\n  relation: member\n  object: team:core\n";
const CSV: &str = "user_type,user_id,user_relation,relation,object_type,object_id\nteam,core,member,viewer,doc,1\n";
const READ: &str = r#"{"tuples":[{"key":{"user":"user:bob","relation":"viewer","object":"doc:2","condition":null},"timestamp":"2025-01-01T00:00:00Z"}],"continuation_token":""}"#;

fn folder() -> Folder {
    let folder = Folder::new();
    folder.add("model.fga", MODEL);
    folder.add("more.yaml", YAML);
    folder.add("more.csv", CSV);
    folder.add("more.json", READ);
    folder
}

#[test]
fn exports_of_each_kind_come_together() {
    let folder = folder();
    let ran =
        folder.run("import openfga model.fga more.yaml more.csv more.json -o p.json --revision r9");
    assert_eq!((ran.status, ran.out.as_str()), (0, ""), "{}", ran.err);
    assert!(ran.err.contains("p.json: 3 tuples"), "{}", ran.err);
    for (status, question) in [
        (0, "user:anne viewer doc:1"),
        (0, "user:bob viewer doc:2"),
        (1, "user:bob viewer doc:1"),
    ] {
        let ran = folder.run(&format!("check {question} -s p.json --json"));
        assert_eq!(
            (ran.status, ran.json()["revision"].as_str()),
            (status, Some("r9"))
        );
    }
    let lines = r#"{"user":"user:eve","relation":"viewer","object":"doc:3"}"#;
    folder.add("more.jsonl", lines);
    let ran = folder.run("import openfga model.fga more.jsonl");
    assert_eq!(
        ran.json()["tuples"],
        json!([{"user": "user:eve", "relation": "viewer", "object": "doc:3"}])
    );
}

#[test]
fn a_store_file_brings_the_files_that_it_names() {
    let folder = folder();
    folder.add(
        "fga.mod",
        "schema: '1.2'\ncontents:\n  - people.fga\n  - docs.fga\n",
    );
    folder.add(
        "people.fga",
        "module people\ntype user\ntype team\n  relations\n    define member: [user]\n",
    );
    folder.add(
        "docs.fga",
        "module docs\ntype doc\n  relations\n    define viewer: [user, team#member]\n",
    );
    folder.add(
        "s.fga.yaml",
        "name: x\nmodel_file: fga.mod\ntuple_file: more.yaml\ntuple_files: [more.csv]\ntests: []\n",
    );
    let ran = folder.run("import openfga s.fga.yaml more.json -o p.json");
    assert_eq!(ran.status, 0, "{}", ran.err);
    assert_eq!(
        folder.run("check user:anne viewer doc:1 -s p.json").status,
        0
    );
    assert_eq!(
        folder.run("check user:bob viewer doc:2 -s p.json").status,
        0
    );
    folder.add(
        "docs.fga",
        "module docs\ntype doc\n  relations\n    define viewer: [user, taem#member]\n",
    );
    let ran = folder.run("import openfga s.fga.yaml");
    assert_eq!(ran.status, 2);
    assert!(ran.err.contains("--> docs.fga:4:"), "{}", ran.err);
}

#[test]
fn a_tuple_that_the_model_does_not_admit_is_a_warning() {
    let folder = folder();
    folder.add(
        "odd.yaml",
        "- {user: user:a, relation: owner, object: doc:1}\n",
    );
    let ran = folder.run("import openfga model.fga odd.yaml -o p.json");
    assert_eq!(ran.status, 0);
    assert!(
        ran.err
            .contains("warning: odd.yaml:1 at /0: `user:a owner doc:1` names a relation"),
        "{}",
        ran.err
    );
}

#[test]
fn what_cannot_be_one_snapshot_is_refused() {
    let folder = folder();
    folder.add("two.fga", MODEL);
    folder.add("page.json", r#"{"tuples":[],"continuation_token":"abc"}"#);
    folder.add("shape.yaml", "- {user: user:a, relation: viewer}\n");
    folder.add(
        "extra.yaml",
        "- {user: user:a, relation: viewer, object: doc:1, until: 5}\n",
    );
    folder.add(
        "rows.csv",
        "user_type,user_id,relation,object_type,object_id\nuser,,viewer,doc,1\n",
    );
    folder.add("broken.json", "[{]");
    folder.add("broken.fga", "model\n  schema 9.9\n");
    for (files, code, place) in [
        ("more.yaml", "import.models", None),
        ("model.fga two.fga", "import.models", None),
        (
            "model.fga page.json",
            "import.incomplete",
            Some("page.json"),
        ),
        ("model.fga shape.yaml", "import.shape", Some("shape.yaml")),
        (
            "model.fga extra.yaml",
            "import.unknown_member",
            Some("extra.yaml"),
        ),
        ("model.fga rows.csv", "import.shape", Some("rows.csv")),
        ("model.fga broken.json", "file.json", Some("broken.json")),
        ("broken.fga", "invalid-schema", Some("broken.fga")),
        (
            "model.fga absent.csv",
            "file.unreadable",
            Some("absent.csv"),
        ),
    ] {
        let ran = folder.run(&format!("import openfga {files} --json"));
        assert_eq!((ran.status, ran.code().as_str()), (2, code), "{files}");
        assert_eq!(ran.json()["errors"][0]["file"].as_str(), place, "{files}");
    }
}

/// What a principal may do by what was imported, in a tenant.
fn may(folder: &Folder, file: &str, who: &str, tenant: &str, action: &str, resource: &str) -> bool {
    let policy = Policy::from_json(&folder.read(file)).unwrap();
    let setting = Setting {
        tenant: Some(tenant).filter(|t| !t.is_empty()),
        ..Setting::default()
    };
    let caller = policy.admit(
        &Request::at(UnixSeconds(1_763_719_200))
            .on_behalf_of(&[who])
            .setting(setting),
    );
    caller.is_ok_and(|caller| caller.at(UnixSeconds(1_763_719_200)).can(action, resource))
}

fn fusionauth() -> Folder {
    let folder = Folder::new();
    let files = [
        (
            "types.json",
            json!({"entityTypes": [{"entityType": {"id": "t-mail", "name": "Mail", "permissions": [
                {"id": "p1", "name": "read", "isDefault": true}, {"id": "p2", "name": "SendEmail"}]}}], "total": 1}),
        ),
        (
            "page1.json",
            json!({"entities": [{"id": "mail", "name": "Mail", "clientId": "c", "clientSecret": "hush-hush",
                "tenantId": "acme", "type": {"id": "t-mail"}}], "total": 2}),
        ),
        (
            "page2.json",
            json!({"entities": [{"id": "robot", "name": "Robot", "clientSecret": "hush-hush",
                "tenantId": "acme", "type": {"id": "t-mail"}}], "total": 2}),
        ),
        (
            "grants.json",
            json!({"grants": [
                {"id": "g1", "entity": {"id": "mail"}, "recipientEntityId": "robot", "permissions": ["SendEmail"]},
                {"id": "g2", "entity": {"id": "mail"}, "userId": "anne"},
                {"id": "g3", "entity": {"id": "mail"}, "recipientEntityId": "gone"}], "total": 3}),
        ),
        (
            "users.json",
            json!({"users": [
                {"id": "anne", "tenantId": "acme", "active": true, "email": "anne@example.com"},
                {"id": "off", "tenantId": "acme", "active": false}], "total": 2}),
        ),
    ];
    for (name, document) in files {
        folder.add(name, document.to_string());
    }
    folder
}

#[test]
fn fusionauths_searches_come_together() {
    let folder = fusionauth();
    let flags = "--types types.json --entities page1.json --entities page2.json --grants grants.json --users users.json";
    let ran = folder.run(&format!(
        "import fusionauth {flags} -o p.json --revision r3"
    ));
    assert_eq!((ran.status, ran.out.as_str()), (0, ""), "{}", ran.err);
    let counted = "p.json: 1 entity type, 2 entities, 3 entity grants, 2 principals";
    assert!(ran.err.contains(counted), "{}", ran.err);
    let dangling = "warning: grants.json:1 at /grants/2: the recipient `gone`";
    assert_eq!(ran.err.matches("warning").count(), 1, "{}", ran.err);
    assert!(ran.err.contains(dangling), "{}", ran.err);
    let written = String::from_utf8(folder.read("p.json")).unwrap();
    for secret in ["hush-hush", "anne@example.com"] {
        assert!(!written.contains(secret));
    }
    for (who, action, allowed) in [
        ("entity:robot", "SendEmail", true),
        ("entity:robot", "read", false),
        ("user:anne", "read", true),
        ("user:anne", "SendEmail", false),
        ("user:off", "read", false),
        ("entity:gone", "read", false),
    ] {
        let found = may(&folder, "p.json", who, "", action, "entity:mail");
        assert_eq!(found, allowed, "{who} {action}");
    }
    // In any order without flags, and one of them from standard input.
    let grants = folder.read("grants.json");
    let ran = folder.run_with(
        "import fusionauth - users.json page2.json types.json page1.json --revision r3",
        grants,
    );
    assert_eq!(
        (ran.status, ran.out.as_str()),
        (0, written.as_str()),
        "{}",
        ran.err
    );
    assert!(ran.err.contains("imported: 1 entity type"), "{}", ran.err);
    let ran = folder.run(&format!("import fusionauth {flags} -o q.json --json"));
    let document = ran.json();
    let counts = json!({"entity_types": 1, "entities": 2, "entity_grants": 3, "principals": 2});
    assert_eq!(
        (&document["imported"], &document["output"]),
        (&counts, &json!("q.json"))
    );
    assert_eq!(document["warnings"].as_array().unwrap().len(), 1);
    assert_eq!(
        document["records"],
        json!({"taken": 7, "warned": 1, "refused": 0})
    );
    // What is missing of a search is noticed.
    let ran = folder.run("import fusionauth --types types.json --entities page1.json --json");
    assert_eq!((ran.status, ran.code().as_str()), (2, "import.incomplete"));
    assert!(
        ran.out.contains("1 of 2 `entities` were given"),
        "{}",
        ran.out
    );
    assert_eq!(folder.run("compile -s p.json -o p.bin").status, 0);
}

#[test]
fn fusionauths_faults_name_the_file() {
    let folder = fusionauth();
    folder.add(
        "typo.json",
        r#"{"grants":[{"entity":{"id":"mail"},"userId":"anne","permissions":["raed"]}]}"#,
    );
    folder.add("odd.json", r#"{"things":[]}"#);
    folder.add("broken.json", "{\n  \"grants\": [}\n");
    let all = "types.json page1.json page2.json";
    for (line, code, file, pointer) in [
        (
            format!("{all} typo.json"),
            "import.entity",
            "typo.json",
            Some("/grants/0/permissions/0"),
        ),
        (
            format!("{all} odd.json"),
            "import.unknown_member",
            "odd.json",
            Some("/things"),
        ),
        (
            "--types grants.json".to_owned(),
            "import.shape",
            "grants.json",
            None,
        ),
        (
            "--grants users.json".to_owned(),
            "import.shape",
            "users.json",
            None,
        ),
        (
            "--users page1.json".to_owned(),
            "import.shape",
            "page1.json",
            None,
        ),
        ("broken.json".to_owned(), "file.json", "broken.json", None),
        (
            "absent.json".to_owned(),
            "file.unreadable",
            "absent.json",
            None,
        ),
        (String::new(), "file.json", "standard input", None),
    ] {
        let ran = folder.run(&format!("import fusionauth {line} --json"));
        assert_eq!((ran.status, ran.code().as_str()), (2, code), "{line}");
        let error = &ran.json()["errors"][0];
        assert_eq!(error["file"].as_str(), Some(file), "{line}");
        assert_eq!(error["pointer"].as_str(), pointer, "{line}");
    }
    let ran = folder.run(&format!("import fusionauth {all} typo.json"));
    assert!(
        ran.err
            .contains("help: is the entity's type among those given"),
        "{}",
        ran.err
    );
    let ran = folder.run("import fusionauth broken.json");
    assert!(ran.err.contains("--> broken.json:2:14"), "{}", ran.err);
    let grants = folder.read("grants.json");
    let ran = folder.run_with("import fusionauth - --grants - --json", grants);
    assert_eq!(ran.code(), "request.stdin");
}

fn fusebit(access: &Value) -> Value {
    json!({"items": [
        {"id": "usr-1", "identities": [{"issuerId": "https://idp.example", "subject": "maya"}], "access": access},
        {"id": "clt-2", "access": {"allow": [{"action": "*", "resource": "/account/acc-2"}]}},
    ]})
}

#[test]
fn fusebits_agents_and_issuers_come_together() {
    let folder = Folder::new();
    let access = json!({"allow": [{"action": "integration:*", "resource": "/account/acc-1/"}]});
    folder.add("agents.json", fusebit(&access).to_string());
    folder.add(
        "issuers.json",
        r#"{"issuers":[{"id":"https://far.example","jsonKeyUri":"https://far.example/keys"}]}"#,
    );
    let ran = folder
        .run("import fusebit agents.json issuers.json --audience https://api.example -o p.json");
    assert_eq!((ran.status, ran.out.as_str()), (0, ""), "{}", ran.err);
    assert!(
        ran.err.contains("p.json: 2 access rules, 2 principals"),
        "{}",
        ran.err
    );
    let far = "warning: issuers.json:1 at /issuers/0: the keys of `https://far.example` are at an address";
    assert!(ran.err.contains(far), "{}", ran.err);
    for (who, action, path, allowed) in [
        (
            "user:usr-1",
            "integration:get",
            "/account/acc-1/subscription/s",
            true,
        ),
        ("user:usr-1", "function:get", "/account/acc-1/", false),
        ("user:usr-1", "integration:get", "/account/acc-10/", false),
        ("service:clt-2", "function:get", "/account/acc-2/", true),
        ("service:clt-2", "function:get", "/account/acc-1/", false),
    ] {
        assert_eq!(
            may(&folder, "p.json", who, "", action, path),
            allowed,
            "{who} {action} {path}"
        );
    }
    let ran = folder.run_with("import fusebit", folder.read("agents.json"));
    assert_eq!(ran.status, 0, "{}", ran.err);
    assert_eq!(ran.json()["access"].as_array().unwrap().len(), 2);
}

#[test]
fn fusebits_keys_are_taken_over_and_must_do() {
    let folder = Folder::new();
    // RFC 7515 appendix A.2's public key.
    let n = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
    let mut issuer = json!({"id": "https://idp.example", "jwks": {"keys": [
        {"kty": "RSA", "kid": "a", "alg": "RS256", "n": n, "e": "AQAB"}]}});
    folder.add("i.json", json!({"issuers": [issuer]}).to_string());
    let ran = folder.run(
        "import fusebit i.json --audience https://api.example --algorithm RS256 --algorithm PS256",
    );
    assert_eq!(ran.status, 0, "{}", ran.err);
    let own = &ran.json()["issuers"][0];
    assert_eq!(own["audiences"], json!(["https://api.example"]));
    assert_eq!(own["algorithms"], json!(["RS256", "PS256"]));
    let ran = folder.run("import fusebit i.json");
    assert!(
        ran.err.contains("warning: no audience is given"),
        "{}",
        ran.err
    );
    issuer["jwks"]["keys"][0]["d"] = json!("AQAB");
    folder.add("i.json", json!({"issuers": [issuer]}).to_string());
    let ran = folder.run("import fusebit i.json --json");
    assert_eq!((ran.status, ran.code().as_str()), (2, "import.private_key"));
    for (access, code, pointer) in [
        (
            json!({"allow": [], "deny": []}),
            "import.unknown_member",
            "/items/0/access",
        ),
        (
            json!({"allow": [{"action": "a:*b", "resource": "/"}]}),
            "action.partial_wildcard",
            "/items/0/access/allow/0",
        ),
        (
            json!({"allow": [{"action": "a", "resource": "/a/../b"}]}),
            "path.dot_segment",
            "/items/0/access/allow/0",
        ),
    ] {
        folder.add("bad.json", fusebit(&access).to_string());
        let ran = folder.run("import fusebit bad.json --json");
        assert_eq!((ran.status, ran.code().as_str()), (2, code));
        assert_eq!(ran.json()["errors"][0]["pointer"], pointer);
        assert_eq!(ran.json()["errors"][0]["file"], "bad.json");
    }
}

fn permit() -> Value {
    json!({
        "users": {
            "ada": {"roleAssignments": {"acme": ["admin"]}},
            "bea": {"roleAssignments": {"globex": ["admin"]}},
            "cyd": {"roleAssignments": {}},
        },
        "role_permissions": {
            "__tenant": {"admin": {"grants": {"document": ["read", "delete"]}}},
            "document": {"editor": {"grants": {"document": ["read"]}}},
            "folder": {"owner": {"grants": {}}},
        },
        "role_assignments": {"user:cyd": {"folder:f1": ["owner"]}},
        "relationships": {"document:d1": {"parent": {"folder": ["f1"]}}},
        "resource_types": {"document": {
            "actions": ["read", "delete"],
            "derived_roles": {"editor": {"rules": [
                {"relation": "parent", "related_resource": "folder", "related_role": "owner"}],
                "settings": {"no_direct_roles_on_object": false}}},
        }},
        "resource_instances": {"document:d1": {"tenant": "acme"}, "folder:f1": {"tenant": "acme"}},
        "tenants": {"acme": {}, "globex": {}},
    })
}

#[test]
fn permits_document_becomes_a_model_and_tuples() {
    let folder = Folder::new();
    folder.add("data.json", permit().to_string());
    let ran = folder.run("import permit data.json -o p.json");
    assert_eq!((ran.status, ran.out.as_str()), (0, ""), "{}", ran.err);
    assert!(ran.err.contains("p.json: "), "{}", ran.err);
    assert!(
        ran.err.contains(" tuples, 3 principals, 2 resources"),
        "{}",
        ran.err
    );
    for (who, tenant, action, allowed) in [
        ("user:ada", "acme", "delete", true),
        ("user:bea", "globex", "delete", false),
        ("user:bea", "acme", "delete", false),
        ("user:cyd", "acme", "read", true),
        ("user:cyd", "acme", "delete", false),
    ] {
        let found = may(&folder, "p.json", who, tenant, action, "document:d1");
        assert_eq!(found, allowed, "{who} {tenant} {action}");
    }
    let mut more = permit();
    more["condition_sets"] = json!({"x": {}});
    let ran = folder.run_with("import permit --revision 9", more.to_string());
    assert_eq!(ran.status, 0, "{}", ran.err);
    assert_eq!(ran.json()["revision"], "9");
    assert!(
        ran.err
            .contains("warning: standard input:1 at /condition_sets: "),
        "{}",
        ran.err
    );
    more["users"]["ada"] = json!([]);
    let ran = folder.run_with("import permit --json", more.to_string());
    assert_eq!((ran.status, ran.code().as_str()), (2, "import.shape"));
    assert_eq!(ran.json()["errors"][0]["pointer"], "/users/ada");
}
