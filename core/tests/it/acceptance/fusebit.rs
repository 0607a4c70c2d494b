//! Fusebit's access rules.

use deputize::Policy;
use deputize::Request;
use deputize::time::UnixSeconds;
use deputize::token::VerifyOptions;
use serde_json::{Value, json};

use crate::forge::{AUDIENCE, Key, NOW, claims as plain, ed, entry, rsa};
use crate::world::{World, answer, claims};

fn code(snapshot: &Value, token: &str, action: &str, on: &str) -> &'static str {
    let policy = Policy::from_json(snapshot.to_string().as_bytes()).unwrap();
    let options = VerifyOptions {
        audience: Some(AUDIENCE),
        ..VerifyOptions::default()
    };
    match policy.admit(
        &Request::at(UnixSeconds(NOW))
            .token(token.as_bytes())
            .presented(options),
    ) {
        Ok(caller) => answer(&caller, action, on),
        Err(denial) => denial.code(),
    }
}

/// A user and a client, and what each may do.
fn account(key: &Key) -> Value {
    let mut issuer = entry(key);
    issuer["scopes"] = json!("narrow");
    json!({
        "deputize": 1,
        "principals": [
            {"id": "user:usr-1", "identities": [{"issuer": "https://id.example", "subject": "u-1"}]},
            {"id": "client:clt-1", "identities": [{"issuer": "https://id.example", "subject": "c-1"}]},
            {"id": "user:new", "identities": [{"issuer": "https://id.example", "subject": "n-1"}]}],
        "access": [
            {"principal": "user:usr-1", "action": "integration:*", "resource": "/account/acc-1/"},
            {"principal": "client:clt-1", "action": "integration:*", "resource": "/account/acc-1/"}],
        "issuers": [issuer],
    })
}

fn of(key: &Key, sub: &str) -> String {
    let mut own = plain();
    own["sub"] = json!(sub);
    key.token(&own)
}

#[test]
fn fb1_a_deployment_of_one_integration() {
    let key = ed();
    let mut snapshot = account(&key);
    let bot = "/account/acc-1/subscription/sub-1/integration/chat-bot";
    snapshot["access"] =
        json!([{"principal": "user:usr-1", "action": "integration:deploy", "resource": bot}]);
    let token = of(&key, "u-1");
    assert_eq!(
        code(&snapshot, &token, "integration:deploy", bot),
        "allowed"
    );
    for (action, on) in [
        ("integration:get", bot),
        (
            "integration:deploy",
            "/account/acc-1/subscription/sub-1/integration/other",
        ),
        ("integration:deploy", "/account/acc-1/subscription/sub-1/"),
    ] {
        assert_eq!(code(&snapshot, &token, action, on), "subject.no_grant");
    }
}

#[test]
fn fb2_a_star_is_every_action_below_it() {
    let key = ed();
    let (snapshot, token) = (account(&key), of(&key, "u-1"));
    for (action, expected) in [
        ("integration:get", "allowed"),
        ("integration:deploy:now", "allowed"),
        ("integration", "subject.no_grant"),
        ("function:get", "subject.no_grant"),
    ] {
        let found = code(&snapshot, &token, action, "/account/acc-1/");
        assert_eq!(found, expected, "{action}");
    }
}

#[test]
fn fb3_a_path_covers_all_below_it_and_nothing_that_only_begins_alike() {
    let key = ed();
    let (snapshot, token) = (account(&key), of(&key, "u-1"));
    for (on, expected) in [
        ("/account/acc-1", "allowed"),
        ("/account/acc-1/subscription/sub-1/x", "allowed"),
        ("/account/acc-10/", "subject.no_grant"),
        ("/account/", "subject.no_grant"),
        ("/account/acc-1/../acc-2", "path.dot_segment"),
    ] {
        assert_eq!(
            code(&snapshot, &token, "integration:get", on),
            expected,
            "{on}"
        );
    }
}

#[test]
fn fb4_a_valid_token_alone_grants_nothing() {
    let known = json!([{"id": "user:new", "identities": [
        {"issuer": "https://id.example", "subject": "usr-1"}]}]);
    let world = World::new().with("principals", known).with(
        "access",
        json!([{"principal": "user:old", "action": "*", "resource": "/"}]),
    );
    let own = claims("usr-1", &[]);
    let caller = world.verify(&own).unwrap();
    assert_eq!(caller.subject(), "user:new");
    assert_eq!(
        answer(&caller, "integration:get", "/account/acc-1/"),
        "subject.no_grant"
    );
    assert_eq!(
        answer(&caller, "can_read", "document:1"),
        "subject.no_grant"
    );
}

#[test]
fn fb5_a_token_of_an_unknown_issuer_is_refused() {
    let (key, other) = (ed(), ed());
    let mut own = plain();
    own["iss"] = json!("https://other.example");
    own["sub"] = json!("u-1");
    let found = code(
        &account(&key),
        &other.token(&own),
        "integration:get",
        "/account/acc-1/",
    );
    assert_eq!(found, "issuer.unknown");
}

#[test]
fn fb6_a_key_set_a_key_by_its_id_and_a_pem_are_one_key() {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    let key = rsa("RS256");
    let Key::Rsa(pair, _) = &key else {
        panic!("not an RSA key")
    };
    let der = {
        use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
        use aws_lc_rs::signature::KeyPair;
        let der: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
        STANDARD.encode(der.as_ref())
    };
    let lines: Vec<_> = der
        .as_bytes()
        .chunks(64)
        .map(String::from_utf8_lossy)
        .collect();
    let pem = format!(
        "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
        lines.join("\n")
    );
    let token = of(&key, "u-1");
    for keys in [
        json!({"keys": [key.jwk("k1")]}),
        json!({"k1": key.jwk("k1")}),
        json!({"k1": pem}),
    ] {
        let mut snapshot = account(&key);
        snapshot["issuers"][0]["keys"] = keys;
        let found = code(&snapshot, &token, "integration:get", "/account/acc-1/");
        assert_eq!(found, "allowed");
        let mut own = plain();
        own["sub"] = json!("u-1");
        let nameless = key.token_of(r#"{"alg":"RS256","typ":"at+jwt"}"#, &own.to_string());
        let found = code(&snapshot, &nameless, "integration:get", "/account/acc-1/");
        assert_eq!(found, "key.unknown");
    }
}

#[test]
fn fb7_a_subject_of_another_issuer_is_another() {
    let other = ed();
    let mut second = entry(&other);
    second["issuer"] = json!("https://other.example");
    second["subject"] = json!("user:{sub}");
    let mut world = World::new().with(
        "principals",
        json!([{"id": "user:anne", "identities": [
        {"issuer": "https://id.example", "subject": "anne"}]}]),
    );
    world.snapshot["issuers"]
        .as_array_mut()
        .unwrap()
        .push(second);
    assert_eq!(
        world.ask(&claims("anne", &[]), "can_read", "document:1"),
        "allowed"
    );
    let mut same = claims("anne", &[]);
    same["iss"] = json!("https://other.example");
    let refused = world
        .policy()
        .admit(&Request::at(UnixSeconds(NOW)).token(other.token(&same).as_bytes()));
    assert_eq!(refused.unwrap_err().code(), "identity.unknown");
}
#[test]
fn fb8_users_and_clients_have_the_same_rules() {
    let key = ed();
    let snapshot = account(&key);
    for sub in ["u-1", "c-1"] {
        let token = of(&key, sub);
        for (action, expected) in [
            ("integration:get", "allowed"),
            ("function:get", "subject.no_grant"),
        ] {
            let found = code(&snapshot, &token, action, "/account/acc-1/");
            assert_eq!(found, expected, "{sub} {action}");
        }
    }
}

#[test]
fn fb9_a_new_user_has_no_access() {
    let key = ed();
    let (snapshot, token) = (account(&key), of(&key, "n-1"));
    for action in ["integration:get", "function:get", "*"] {
        for on in ["/", "/account/acc-1/"] {
            let found = code(&snapshot, &token, action, on);
            assert_eq!(found, "subject.no_grant", "{action} {on}");
        }
    }
}
