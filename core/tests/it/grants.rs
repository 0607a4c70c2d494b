//! The sections of a snapshot beside its tuples, and the three kinds of grant.

use deputize::Policy;
use serde_json::{Value, json};

fn policy(snapshot: &Value) -> Policy {
    let policy =
        Policy::from_json(snapshot.to_string().as_bytes()).unwrap_or_else(|e| panic!("{e}"));
    let compiled = policy.to_compiled();
    let again = Policy::from_compiled(&compiled).unwrap();
    assert_eq!(again.to_compiled(), compiled);
    assert_eq!(again.digest(), policy.digest());
    again
}

fn refusal(section: &str, value: Value) -> (String, String) {
    let mut snapshot = base();
    snapshot[section] = value;
    let error = Policy::from_json(snapshot.to_string().as_bytes()).unwrap_err();
    (error.code().to_owned(), error.pointer)
}

fn base() -> Value {
    json!({
        "deputize": 1, "revision": "7",
        "model": "model\n  schema 1.1\ntype user\ntype document\n  relations\n    define reader: [user]",
        "tuples": [{"user": "user:anne", "relation": "reader", "object": "document:1"}],
        "entity_types": [{"id": "t", "name": "Email", "permissions": [
            {"name": "SendEmail", "isDefault": false}, {"name": "read", "isDefault": true}]}],
        "entities": {"entities": [
            {"id": "email", "name": "Email", "type": {"id": "t"}},
            {"id": "c1", "name": "Customer 1", "type": {"id": "t"}},
            {"id": "c2", "name": "Customer 2", "type": {"id": "t"}}], "total": 3},
        "entity_grants": [
            {"entity": {"id": "email"}, "recipientEntityId": "c1", "permissions": ["SendEmail"]},
            {"entity": {"id": "email"}, "userId": "anne"},
            {"entity": {"id": "gone"}, "userId": "anne"}],
        "access": [
            {"principal": "user:anne", "action": "integration:*", "resource": "/account/acc-1"},
            {"principal": "service:clt-1", "action": "integration:get", "resource": "/account/acc-2/"}],
        "principals": [{"id": "user:anne", "tenants": ["b", "a"], "identities": [
            {"issuer": "https://id.example", "subject": "1"}], "scopes": ["document:read"]}],
        "resources": [{"id": "document:1", "attributes": {"kind": "memo"}}],
        "scopes": {"document:read": [{"action": "reader", "resource": "document:*"}]},
        "delegation": {"hops": [{"from": "user", "to": "agent", "any_of": [
            {"user": "{to}", "relation": "delegate_of", "object": "{from}"}]}]},
        "revoked": {"tokens": ["t-1"], "principals": {"agent:x": 1}},
    })
}

#[test]
fn three_kinds_of_grant_are_one_authority() {
    let policy = policy(&base());
    let may = |who: &str, what: &str, on: &str| policy.view().may(who, what, on);
    assert_eq!(may("user:anne", "reader", "document:1"), Ok(true));
    assert_eq!(may("user:bob", "reader", "document:1"), Ok(false));
    assert_eq!(may("entity:c1", "SendEmail", "entity:email"), Ok(true));
    assert_eq!(may("entity:c1", "read", "entity:email"), Ok(false));
    assert_eq!(may("entity:c2", "SendEmail", "entity:email"), Ok(false));
    assert_eq!(may("user:anne", "read", "entity:email"), Ok(true));
    assert_eq!(may("user:anne", "SendEmail", "entity:email"), Ok(false));
    assert_eq!(may("user:anne", "read", "entity:gone"), Ok(false));
    assert_eq!(
        may(
            "user:anne",
            "integration:deploy",
            "/account/acc-1/subscription/s/"
        ),
        Ok(true)
    );
    assert_eq!(
        may("user:anne", "integration:deploy", "/account/acc-10"),
        Ok(false)
    );
    assert_eq!(may("user:anne", "integration", "/account/acc-1"), Ok(false));
    assert_eq!(
        may("service:clt-1", "integration:get", "/account/acc-2/x"),
        Ok(true)
    );
    assert_eq!(
        may("service:clt-1", "integration:get", "/account/acc-1"),
        Ok(false)
    );
    let malformed = may("user:anne", "integration:get", "/account/acc-1/../acc-2");
    assert_eq!(malformed.unwrap_err().code(), "path.dot_segment");
    // A type or a relation that nobody defines stays an error, which denies.
    let unknown = may("user:anne", "writer", "document:1").unwrap_err();
    assert_eq!(unknown.code(), "request.unknown_relation");
}

#[test]
fn grants_on_or_to_absent_entities_are_warnings() {
    let codes: Vec<_> = policy(&base()).warnings().iter().map(|w| w.code).collect();
    // The agent that is revoked stands nowhere else.
    assert_eq!(codes, ["entity.absent_target", "revoked.principal"]);
}

#[test]
fn a_destroyed_entity_takes_its_grants_with_it() {
    let mut snapshot = base();
    snapshot["entities"]["entities"]
        .as_array_mut()
        .unwrap()
        .remove(1);
    let policy = policy(&snapshot);
    assert_eq!(
        policy.view().may("entity:c1", "SendEmail", "entity:email"),
        Ok(false)
    );
}

#[test]
fn an_entity_of_a_tenant_is_visible_to_its_tenant() {
    let mut snapshot = base();
    for i in 0..3 {
        snapshot["entities"]["entities"][i]["tenantId"] = json!("acme");
    }
    let policy = policy(&snapshot);
    let may = |view: deputize::View<'_>| view.may("entity:c1", "SendEmail", "entity:email");
    assert_eq!(may(policy.view()), Ok(false));
    assert_eq!(may(policy.view().with_tenant("other")), Ok(false));
    assert_eq!(may(policy.view().with_tenant("acme")), Ok(true));
}

#[test]
fn sections_in_another_order_compile_to_the_same_bytes() {
    let mut shuffled = base();
    for section in ["entity_grants", "access", "tuples"] {
        shuffled[section].as_array_mut().unwrap().reverse();
    }
    // Warnings point into the document as it was written.
    shuffled["entity_grants"].as_array_mut().unwrap().remove(0);
    let mut ordered = base();
    ordered["entity_grants"].as_array_mut().unwrap().pop();
    shuffled["entities"]["entities"]
        .as_array_mut()
        .unwrap()
        .reverse();
    shuffled["principals"][0]["tenants"] = json!(["a", "b"]);
    assert_eq!(
        policy(&ordered).to_compiled(),
        policy(&shuffled).to_compiled()
    );
    assert_eq!(policy(&ordered).digest(), policy(&shuffled).digest());
    shuffled["revision"] = json!("8");
    assert_ne!(policy(&ordered).digest(), policy(&shuffled).digest());
}

#[test]
fn what_is_wrong_is_named_by_its_pointer() {
    let id = |id: &str| json!([{ "id": id }]);
    let rule = |action: &str, resource: &str| json!([{"principal": "user:a", "action": action, "resource": resource}]);
    let hop = |user: &str, object: &str| {
        let tuple = json!({"user": user, "relation": "r", "object": object});
        json!({"hops": [{"from": "user", "to": "agent", "any_of": [tuple]}]})
    };
    let twin = json!({"issuer": "i", "subject": "s"});
    let cases = [
        (
            "principals",
            id("anne"),
            "snapshot.identifier",
            "/principals/0/id",
        ),
        (
            "principals",
            json!([{"id": "user:a"}, {"id": "user:a"}]),
            "snapshot.duplicate",
            "/principals/1/id",
        ),
        (
            "principals",
            json!([{"id": "user:a", "identities": [twin]}, {"id": "user:b", "identities": [twin]}]),
            "snapshot.duplicate",
            "/principals/1/identities/0",
        ),
        (
            "principals",
            json!([{"id": "user:a", "scopes": ["a b"]}]),
            "scope.grammar",
            "/principals/0/scopes",
        ),
        (
            "principals",
            json!([{"id": "user:a", "nope": 1}]),
            "snapshot.shape",
            "/principals/0/nope",
        ),
        (
            "resources",
            id("document:*"),
            "snapshot.identifier",
            "/resources/0/id",
        ),
        (
            "access",
            rule("a::b", "/x"),
            "action.empty_segment",
            "/access/0/action",
        ),
        (
            "access",
            rule("a:b", "/x/../y"),
            "path.dot_segment",
            "/access/0/resource",
        ),
        (
            "access",
            rule("a:b", "document:1"),
            "snapshot.value",
            "/access/0/resource",
        ),
        (
            "entity_grants",
            json!([{"entity": {"id": "email"}, "userId": "a", "permissions": ["nope"]}]),
            "entity.unknown_permission",
            "/entity_grants/0/permissions/0",
        ),
        (
            "entities",
            json!([{"id": "x"}]),
            "snapshot.shape",
            "/entities/0/type",
        ),
        (
            "delegation",
            json!({"max_depth": 0}),
            "snapshot.limit",
            "/delegation/max_depth",
        ),
        (
            "delegation",
            json!({"roots": ["us er"]}),
            "snapshot.identifier",
            "/delegation/roots/0",
        ),
        (
            "delegation",
            hop("{form}", "{to}"),
            "snapshot.value",
            "/delegation/hops/0/any_of/0/user",
        ),
        (
            "delegation",
            hop("{from}", "{to}#x"),
            "snapshot.value",
            "/delegation/hops/0/any_of/0/object",
        ),
        ("scopes", json!({"a b": []}), "scope.name", "/scopes/a b"),
        (
            "scope_aliases",
            json!({"x": "x y"}),
            "scope.name",
            "/scope_aliases/x",
        ),
        ("tenants", json!([]), "snapshot.shape", "/tenants"),
        (
            "revoked",
            json!({"tokens": [], "keyz": []}),
            "snapshot.shape",
            "/revoked/keyz",
        ),
    ];
    for (section, value, code, pointer) in cases {
        let found = refusal(section, value.clone());
        assert_eq!(
            found,
            (code.to_owned(), pointer.to_owned()),
            "{section}: {value}"
        );
    }
}

#[test]
fn templates_of_issuers_spell_out_their_types() {
    let issuer = |member: &str, value: Value| {
        let mut issuer = json!({
            "issuer": "https://id.example", "algorithms": ["EdDSA"], "audiences": ["a"],
            "keys": {"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "k1",
                "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]},
        });
        issuer[member] = value;
        json!([issuer])
    };
    let claims = |user: &str, object: &str| json!([{"claim": "groups", "tuple": {"user": user, "relation": "reader", "object": object}}]);
    let cases = [
        ("subject", json!("{sub}"), "template.form", "subject"),
        ("subject", json!("{kind}:{sub}"), "template.form", "subject"),
        ("actor", json!("agent"), "template.form", "actor"),
        (
            "claims",
            claims("{value}", "document:1"),
            "template.tuple",
            "claims/0/tuple/user",
        ),
        (
            "claims",
            claims("{subject}", "{value}"),
            "template.tuple",
            "claims/0/tuple/object",
        ),
        (
            "claims",
            claims("{subject}", "nope:{value}"),
            "snapshot.value",
            "claims/0/tuple/relation",
        ),
    ];
    for (member, value, code, below) in cases {
        let found = refusal("issuers", issuer(member, value));
        assert_eq!(found, (code.to_owned(), format!("/issuers/0/{below}")));
    }
    let mut snapshot = base();
    snapshot["issuers"] = issuer("claims", claims("{subject}", "document:{value}"));
    policy(&snapshot);
    let none = refusal(
        "issuers",
        json!([{"issuer": "", "algorithms": [], "keys": {}}]),
    );
    assert_eq!(none.1, "/issuers/0/issuer");
}
