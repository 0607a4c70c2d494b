use super::*;

fn import(documents: &[Value]) -> Result<Imported, Refused> {
    let options = FusebitOptions {
        audiences: vec!["https://api.example".to_owned()],
        ..FusebitOptions::default()
    };
    super::super::fusebit(documents, &options)
}

/// FB6, FB8: keys in each form; users and clients alike.
#[test]
fn agents_and_issuers_become_sections() {
    let imported = import(&[
        json!({"items": [
            {"id": "usr-341", "firstName": "Maya", "primaryEmail": "maya@example.com",
             "identities": [{"issuerId": "https://idp.example", "subject": "maya"}],
             "access": {"allow": [
                {"action": "integration:*", "resource": "/account/acc-1/subscription/sub-1"},
                {"action": "integration:deploy", "resource": "account/acc-1/"}]}},
            {"id": "clt-7", "displayName": "CI", "identities": [], "access": {"allow": [
                {"action": "*", "resource": "/"}]}},
            // FB9: a new user has nothing.
            {"id": "usr-9"},
        ]}),
        json!({"issuers": [
            {"id": "https://idp.example", "displayName": "x", "publicKeys": [
                {"keyId": "k1", "publicKey": "-----BEGIN PUBLIC KEY-----\nAA\n-----END PUBLIC KEY-----\n"}]},
            {"id": "https://jwks.example", "jwks": {"keys": [{"kty": "RSA", "kid": "a", "n": "AQ", "e": "AQAB"}]}},
            {"id": "https://map.example", "keys": {"b": "-----BEGIN PUBLIC KEY-----"}},
            {"id": "https://far.example", "jsonKeyUri": "https://far.example/jwks"},
        ]}),
    ])
    .unwrap();
    assert_eq!(
        snapshot(&imported)["principals"],
        json!([
            {"id": "service:clt-7", "identities": []},
            {"id": "user:usr-341", "identities": [{"issuer": "https://idp.example", "subject": "maya"}]},
            {"id": "user:usr-9", "identities": []},
        ])
    );
    assert_eq!(
        snapshot(&imported)["access"],
        json!([
            {"principal": "user:usr-341", "action": "integration:*",
             "resource": "/account/acc-1/subscription/sub-1/"},
            {"principal": "user:usr-341", "action": "integration:deploy", "resource": "/account/acc-1/"},
            {"principal": "service:clt-7", "action": "*", "resource": "/"},
        ])
    );
    let snapshot = snapshot(&imported);
    let issuers = snapshot["issuers"].as_array().unwrap();
    let names: Vec<&str> = issuers
        .iter()
        .map(|issuer| issuer["issuer"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "https://idp.example",
            "https://jwks.example",
            "https://map.example"
        ]
    );
    assert_eq!(issuers[0]["keys"][0]["kid"], "k1");
    assert_eq!(issuers[0]["algorithms"], json!(["RS256"]));
    assert_eq!(issuers[0]["audiences"], json!(["https://api.example"]));
    // FB7: a subject is somebody only as one of the identities.
    assert!(issuers.iter().all(|issuer| issuer.get("subject").is_none()));
    assert_eq!(imported.warnings().len(), 1);
    assert!(
        imported.warnings()[0]
            .message
            .contains("https://far.example")
    );
}

#[test]
fn a_single_record_is_a_document() {
    let imported = import(&[json!({"id": "bot-1", "access": {"allow": []}})]).unwrap();
    assert_eq!(snapshot(&imported)["principals"][0]["id"], "agent:bot-1");
    let imported = import(&[json!({"clients": [{"id": "x"}], "users": [{"id": "y"}]})]).unwrap();
    assert_eq!(snapshot(&imported)["principals"][0]["id"], "service:x");
    assert_eq!(snapshot(&imported)["principals"][1]["id"], "user:y");
}

#[test]
fn what_is_not_understood_is_refused() {
    let rule = |rule: Value| json!({"id": "usr-1", "access": {"allow": [rule]}});
    let cases = [
        (json!({}), "/0/id", "import.shape"),
        (json!({"id": "a:b"}), "/0", "import.name"),
        (
            json!({"id": "usr-1", "access": {"deny": []}}),
            "/0/access",
            "import.unknown_member",
        ),
        (
            rule(json!({"action": "a", "resource": "/", "effect": "deny"})),
            "/0/access/allow/0",
            "import.unknown_member",
        ),
        (
            rule(json!({"action": "a"})),
            "/0/access/allow/0/resource",
            "import.shape",
        ),
        (
            rule(json!({"action": "a", "resource": ""})),
            "/0/access/allow/0",
            "path.empty",
        ),
        (
            rule(json!({"action": "a", "resource": "/a/../b"})),
            "/0/access/allow/0",
            "path.dot_segment",
        ),
        (
            rule(json!({"action": "a:", "resource": "/"})),
            "/0/access/allow/0",
            "action.empty_segment",
        ),
        (
            json!([{"id": "usr-1", "identities": [{"issuerId": "i", "subject": "s"}]},
                   {"id": "usr-2", "identities": [{"issuerId": "i", "subject": "s"}]}]),
            "/0/1/identities/0",
            "import.clash",
        ),
        (
            json!([{"id": "usr-1"}, {"id": "usr-1"}]),
            "/0/1",
            "import.clash",
        ),
        (
            json!({"id": "i", "jwks": {"keys": [{"kty": "RSA", "kid": "a", "d": "AQ"}]}}),
            "/0/jwks/keys/0",
            "import.private_key",
        ),
        (
            json!({"id": "i", "keys": {"a": {"kty": "oct", "k": "AQ"}}}),
            "/0/keys/a",
            "import.private_key",
        ),
        (
            json!({"id": "i", "publicKeys": [{"keyId": "a", "publicKey": "-----BEGIN RSA PRIVATE KEY-----"}]}),
            "/0/publicKeys/0",
            "import.private_key",
        ),
        (
            json!({"id": "i", "keys": {"a": 1}}),
            "/0/keys/a",
            "import.shape",
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
}

#[test]
fn a_member_that_is_not_known_stops_the_import_anywhere() {
    let document = json!({
        "users": [{"id": "usr-1", "firstName": "Maya", "identities": [{"issuerId": "i", "subject": "s"}],
            "access": {"allow": [{"action": "a", "resource": "/"}]}}, {"id": "usr-2"}],
        "clients": [{"id": "clt-1", "displayName": "CI"}],
        "issuers": [{"id": "i", "displayName": "x", "publicKeys": [
            {"keyId": "k", "publicKey": "-----BEGIN PUBLIC KEY-----"}]}],
        "next": "",
    });
    let imported = import(std::slice::from_ref(&document)).unwrap();
    assert_eq!(
        imported.records(),
        Records {
            taken: 4,
            warned: 0,
            refused: 0
        }
    );
    for place in [
        "",
        "/users/0",
        "/users/0/identities/0",
        "/users/0/access",
        "/users/0/access/allow/0",
        "/clients/0",
        "/issuers/0",
        "/issuers/0/publicKeys/0",
    ] {
        for member in ["archived", "disabled", "expires"] {
            let mut changed = document.clone();
            changed.pointer_mut(place).unwrap()[member] = json!(false);
            let refused = import(&[changed]).unwrap_err();
            assert_eq!(refused.errors[0].code(), "import.unknown_member", "{place}");
            let more = usize::from(place.is_empty());
            let records = Records {
                taken: 3 + more,
                warned: 0,
                refused: 1,
            };
            assert_eq!(refused.records, records, "{place}");
        }
    }
    for (next, complete) in [(json!("x"), false), (Value::Null, true), (json!(7), false)] {
        let mut page = document.clone();
        page["next"] = next;
        let read = import(&[page]);
        assert_eq!(read.is_ok(), complete);
        if let Err(refused) = read {
            assert_eq!(refused.errors[0].code(), "import.incomplete");
        }
    }
}
