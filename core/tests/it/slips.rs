//! Slips in what takes something away: they must not pass without a word.

use deputize::Policy;
use serde_json::{Value, json};

const MODEL: &str = "model
  schema 1.1
type user
type group
  relations
    define member: [user]
type document
  relations
    define blocked: [user, group#member with live]
    define editor: [user]
    define viewer: editor but not blocked
condition live(on: bool) {
  on
}
";

fn load(members: &Value) -> Result<Policy, deputize::SnapshotError> {
    let mut document = json!({"deputize": 1, "model": MODEL});
    for (name, value) in members.as_object().unwrap() {
        document[name] = value.clone();
    }
    Policy::from_json(document.to_string().as_bytes())
}

fn warnings(members: &Value) -> Vec<(String, String)> {
    let policy = load(members).unwrap();
    let warnings = policy.warnings().iter();
    warnings
        .map(|w| (w.code.to_owned(), w.pointer.clone()))
        .collect()
}

#[test]
fn a_revoked_principal_that_is_none_is_an_error() {
    for (principal, pointer) in [
        ("anne", "/revoked/principals/anne"),
        ("user:an/ne: x", "/revoked/principals/user:an~1ne: x"),
        ("user:*", "/revoked/principals/user:*"),
        ("", "/revoked/principals/"),
    ] {
        let error = load(&json!({"revoked": {"principals": {principal: 2_000_000}}})).unwrap_err();
        assert_eq!(error.code(), "snapshot.identifier", "{principal}");
        assert_eq!(error.pointer, pointer);
    }
}

#[test]
fn a_revocation_of_nothing_is_a_warning() {
    let key = json!({"kty": "OKP", "crv": "Ed25519", "kid": "a", "alg": "EdDSA",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
    let issuer = json!({"issuer": "https://id.example", "audiences": ["api"],
        "algorithms": ["EdDSA"], "keys": {"keys": [key]}, "subject": "user:{sub}"});
    let found = warnings(&json!({
        "issuers": [issuer],
        "principals": [{"id": "group:staff"}],
        "revoked": {
            "tokens": ["jti-1", ""],
            "keys": [{"issuer": "https://id.example", "kid": "a"},
                     {"issuer": "https://id.example", "kid": "b"},
                     {"issuer": "https://typo.example", "kid": "a"}],
            "principals": {"user:anne": 1, "group:staff": 1, "usr:anne": 1},
        },
    }));
    let expected = [
        ("revoked.token", "/revoked/tokens/1"),
        ("revoked.key", "/revoked/keys/1"),
        ("revoked.key", "/revoked/keys/2"),
        ("revoked.principal", "/revoked/principals/usr:anne"),
    ];
    assert_eq!(found, expected.map(|(c, p)| (c.to_owned(), p.to_owned())));
}

#[test]
fn a_tuple_that_would_block_but_is_not_admitted_is_a_warning_of_its_own() {
    let tuple = |user: &str, relation: &str, condition: Option<&str>| {
        let mut tuple = json!({"user": user, "relation": relation, "object": "document:1"});
        if let Some(name) = condition {
            tuple["condition"] = json!({"name": name});
        }
        tuple
    };
    for (tuple, code) in [
        (tuple("user:anne", "bloked", None), "tuple.unknown_relation"),
        (tuple("group:x", "blocked", None), "tuple.not_assignable"),
        (
            tuple("group:x#member", "blocked", None),
            "tuple.not_assignable",
        ),
        (
            tuple("group:x#member", "blocked", Some("alive")),
            "tuple.unknown_condition",
        ),
    ] {
        let found = warnings(&json!({"tuples": [tuple]}));
        let expected = [(code, "/tuples/0"), ("tuple.blocks_nobody", "/tuples/0")];
        assert_eq!(
            found,
            expected.map(|(c, p)| (c.to_owned(), p.to_owned())),
            "{tuple}"
        );
    }
    // What takes nothing away is a warning as it was.
    let found = warnings(&json!({"tuples": [tuple("group:x", "editor", None)]}));
    assert_eq!(found.len(), 1);
    // However many other warnings there are.
    let mut tuples = vec![tuple("group:x", "editor", None); 1_500];
    tuples.push(tuple("group:x", "blocked", None));
    let found = warnings(&json!({"tuples": tuples}));
    assert!(found.contains(&("tuple.blocks_nobody".to_owned(), "/tuples/1500".to_owned())));
}
