//! No secret in anything that is shown: every vector is run, and every text
//! that comes of it searched for keys, shared secrets, secrets of entities,
//! tokens and proofs.
//!
//! The compiled form alone must hold the shared secret of an issuer of HS256,
//! as its snapshot does: it could not verify otherwise.

use deputize::Policy;
use deputize::Request;
use deputize::time::UnixSeconds;
use deputize::token::{SigningKey, VerifyOptions};
use deputize_tests::vectors::keys::{KEYS, private};
use deputize_tests::vectors::{answer, policies, rooms, snapshots};
use serde_json::Value;

/// Forms in which bytes that base64url spells may be shown.
fn forms(secret: &str) -> Vec<String> {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    let mut forms = vec![secret.to_owned()];
    if let Ok(bytes) = URL_SAFE_NO_PAD.decode(secret) {
        let first: Vec<String> = bytes.iter().take(12).map(u8::to_string).collect();
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        forms.extend([first.join(", "), STANDARD.encode(&bytes), hex]);
        forms.extend(String::from_utf8(bytes));
    }
    forms
}

fn all_forms() -> Vec<String> {
    let secrets = snapshots::secrets();
    assert!(secrets.len() > 10);
    secrets.iter().flat_map(|secret| forms(secret)).collect()
}

fn clean(what: &str, shown: &str, secrets: &[String]) {
    for secret in secrets {
        assert!(
            !shown.contains(secret.as_str()),
            "{what} shows `{secret}`:\n{shown}"
        );
    }
}

/// Every text in a request that is a token or a proof, wherever it stands.
fn credentials(request: &Value, found: &mut Vec<String>) {
    match request {
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::String(text) if name.contains("token") || name == "proof" => {
                        found.push(text.clone());
                    }
                    Value::Array(list) if name == "tokens" => {
                        found.extend(list.iter().filter_map(Value::as_str).map(str::to_owned));
                    }
                    other => credentials(other, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| credentials(item, found)),
        _ => {}
    }
}

#[test]
fn no_answer_shows_a_secret_or_a_credential() {
    let (policies, secrets) = (policies(), all_forms());
    let mut segments = 0;
    for (room, cases) in rooms() {
        for case in cases {
            let shown = answer(&policies, &case);
            clean(case.name, &shown, &secrets);
            let mut tokens = Vec::new();
            credentials(&case.request, &mut tokens);
            for token in tokens {
                // A short one is no secret, and its letters stand everywhere.
                for segment in token.split('.').filter(|segment| segment.len() > 40) {
                    assert!(!shown.contains(segment), "{room}: {}: {shown}", case.name);
                    segments += 1;
                }
            }
        }
    }
    assert!(segments > 300, "{segments}");
}

/// Every caller and every refusal, as a log would show it.
#[test]
fn no_debug_form_shows_a_secret_or_a_credential() {
    let (policies, secrets) = (policies(), all_forms());
    let (mut callers, mut refused) = (0, 0);
    for (name, policy) in &policies {
        clean(name, &format!("{policy:?} {policy:#?}"), &secrets);
        for (_, cases) in rooms() {
            for case in cases {
                let Some(token) = case.request["token"].as_str() else {
                    continue;
                };
                let options = VerifyOptions::default();
                let now = UnixSeconds(case.request["now"].as_u64().unwrap());
                let shown = match policy
                    .admit(&Request::at(now).token(token.as_bytes()).presented(options))
                {
                    Ok(caller) => {
                        callers += 1;
                        format!("{caller:?} {caller:#?}")
                    }
                    Err(denial) => {
                        refused += 1;
                        format!("{denial} {denial:?}")
                    }
                };
                clean(case.name, &shown, &secrets);
                for segment in token.split('.').filter(|segment| segment.len() > 40) {
                    assert!(!shown.contains(segment), "{}: {shown}", case.name);
                }
            }
        }
    }
    assert!(callers > 100 && refused > 100, "{callers} {refused}");
}

#[test]
fn the_compiled_form_keeps_no_secret_but_what_it_verifies_with() {
    let shared = private("test-secret")["k"].as_str().unwrap().to_owned();
    let secrets: Vec<String> = snapshots::secrets()
        .into_iter()
        .filter(|secret| *secret != shared)
        .flat_map(|secret| forms(&secret))
        .collect();
    for (name, policy) in policies() {
        let bytes = policy.to_compiled();
        let text = String::from_utf8_lossy(&bytes);
        clean(name, &text, &secrets);
        // Opened again, it shows no more.
        let opened = Policy::from_compiled(&bytes).unwrap();
        clean(name, &format!("{opened:?}"), &all_forms());
    }
}

/// What is wrong with a key or a snapshot is said without the key.
#[test]
fn no_error_about_a_key_shows_it() {
    let secrets = all_forms();
    let file: Value = serde_json::from_str(KEYS).unwrap();
    let mut refused = 0;
    for key in file["keys"].as_array().unwrap() {
        // A private key in a snapshot, and keys with a part left out or damaged.
        let mut wrong = vec![key.clone()];
        for part in ["d", "k", "n", "x", "kty", "alg", "kid"] {
            if key.get(part).is_some() {
                let mut damaged = key.clone();
                damaged[part] = Value::from("!");
                wrong.push(damaged.clone());
                damaged.as_object_mut().unwrap().remove(part);
                wrong.push(damaged);
            }
        }
        for jwk in wrong {
            let snapshot = serde_json::json!({"deputize": 1, "issuers": [{
                "issuer": "https://id.example", "audiences": ["a"],
                "algorithms": [key["alg"]], "keys": {"keys": [jwk]}}]});
            if let Err(error) = Policy::from_json(snapshot.to_string().as_bytes()) {
                clean(
                    "a snapshot's error",
                    &format!("{error} {error:?}"),
                    &secrets,
                );
                refused += 1;
            }
            match SigningKey::from_jwk(&jwk, None, None) {
                Ok(key) => clean("a signing key", &format!("{key:?} {key:#?}"), &secrets),
                Err(error) => clean("its error", &format!("{error} {error:?}"), &secrets),
            }
        }
    }
    assert!(refused > 20, "{refused}");
}
