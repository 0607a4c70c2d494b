//! The engine without conditions and tokens, asked from outside through one
//! exported function. It stands for what an edge worker would load.

#![allow(
    unsafe_code,
    reason = "a module's export needs a fixed symbol; no memory is touched"
)]

use std::hint::black_box;

use deputize::{CheckItem, Policy, Tuple};

const SNAPSHOT: &str = r#"{
  "deputize": 1,
  "revision": "probe",
  "model": "model\n  schema 1.1\ntype user\ntype group\n  relations\n    define member: [user, user:*, group#member]\ntype folder\n  relations\n    define parent: [folder]\n    define barred: [user]\n    define viewer: [user, group#member] or viewer from parent\n    define can_read: viewer but not barred\ntype document\n  relations\n    define parent: [folder]\n    define signed: [user]\n    define can_read: can_read from parent\n    define can_send: can_read and signed\n",
  "tuples": [
    {"user":"user:ann","relation":"member","object":"group:staff"},
    {"user":"user:bob","relation":"member","object":"group:staff"},
    {"user":"group:staff#member","relation":"viewer","object":"folder:top"},
    {"user":"folder:top","relation":"parent","object":"folder:sub"},
    {"user":"user:bob","relation":"barred","object":"folder:sub"},
    {"user":"folder:sub","relation":"parent","object":"document:1"},
    {"user":"folder:top","relation":"parent","object":"document:2"},
    {"user":"user:ann","relation":"signed","object":"document:2"}
  ]
}"#;

/// Asks every kind of question once. Each right answer sets its bit, lowest
/// first: check, a denial, contextual tuples, batch check, list objects, list
/// users, expand, explain, filter, the compiled form, refusal of a damaged
/// one.
#[unsafe(no_mangle)]
pub extern "C" fn probe() -> u32 {
    let Ok(policy) = Policy::from_json(black_box(SNAPSHOT).as_bytes()) else {
        return 0;
    };
    let compiled = policy.to_compiled();
    let mut damaged = compiled.clone();
    if let Some(byte) = damaged.last_mut() {
        *byte ^= 1;
    }
    let reopened = Policy::from_compiled(&compiled);
    let view = || policy.view();
    let may = |user, relation, object| policy.check(user, relation, object).ok();
    let signs = Tuple {
        user: "user:ann".to_owned(),
        relation: "signed".to_owned(),
        object: "document:1".to_owned(),
        condition: None,
        tenant: None,
    };
    let item = |object: &str| CheckItem {
        user: "user:bob".to_owned(),
        relation: "can_read".to_owned(),
        object: object.to_owned(),
    };
    let answers = [
        may("user:ann", "can_send", "document:2") == Some(true),
        may("user:bob", "can_read", "document:1") == Some(false),
        view()
            .with_tuples(&[signs])
            .and_then(|view| view.check("user:ann", "can_send", "document:1"))
            .is_ok_and(|allowed| allowed),
        view()
            .batch_check(&[item("document:1"), item("document:2")])
            .into_iter()
            .map(Result::ok)
            .eq([Some(false), Some(true)]),
        view()
            .list_objects("user:bob", "can_read", "document")
            .is_ok_and(|objects| objects == ["document:2"]),
        view()
            .list_users("document:1", "can_read", "user")
            .is_ok_and(|users| users == ["user:ann"]),
        view().expand("can_read", "document:1").is_ok(),
        view()
            .explain("user:bob", "can_read", "document:1")
            .is_ok_and(|explanation| !explanation.allowed),
        view()
            .filter("user:bob", "can_read", ["document:2", "document:1", "?"])
            .is_ok_and(|filtered| filtered.mask == [true, false, false]),
        reopened.is_ok_and(|policy| policy.check("user:ann", "can_read", "document:1") == Ok(true)),
        Policy::from_compiled(&damaged).is_err(),
    ];
    answers
        .into_iter()
        .rev()
        .fold(0, |bits, right| bits << 1 | u32::from(right))
}
