//! Any claims as those of a subject token and of who is to act, signed as they
//! are. The text is lines: the subject token's claims as JSON; the actor
//! token's, or a principal; the scope, audience, resource and lifetime that are
//! asked for; and how many `act` more to nest into the first.
//!
//! A chain that is read is as long as the token's, and no principal occurs
//! twice. An exchange gives no more than its subject token, and what it gives
//! is read back as it was meant.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use deputize::Policy;
use deputize::Request;
use deputize::caller::Caller;
use deputize::exchange::{Acting, Wanted};
use deputize::time::UnixSeconds;
use deputize::token::VerifyOptions;
use hmac::{Hmac, Mac as _};
use serde_json::{Map, Value};
use sha2::Sha256;

static WORLD: OnceLock<(Policy, Vec<u8>)> = OnceLock::new();

const NOW: UnixSeconds = UnixSeconds(1_763_719_200);
const MAX_DEPTH: usize = 3;
const ASKED: [(&str, &str); 4] = [
    ("reader", "document:1"),
    ("reader", "document:2"),
    ("send", "entity:e"),
    ("x:y", "/a/b"),
];

/// Takes one input.
pub fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let (policy, key) = WORLD.get_or_init(world);
    let mut lines = text.lines();
    let subject = lines.next().unwrap_or_default();
    let actor = lines.next().unwrap_or_default();
    let mut some = || lines.next().filter(|text| !text.is_empty());
    let (scope, audience, resource) = (some(), some(), some());
    let (lifetime, more) = (some().and_then(number), some().and_then(number));
    let subject = nested(subject, more.unwrap_or_default());

    let token = sign(key, &subject);
    let options = VerifyOptions::default();
    let before = policy.admit(&Request::at(NOW).token(token.as_bytes()).presented(options));
    if let Ok(caller) = &before {
        check_chain(caller, &claims(&subject));
    }
    let actor_token = actor.starts_with('{').then(|| sign(key, actor));
    let acting = match &actor_token {
        Some(token) => Some(Acting::Token {
            token: token.as_bytes(),
            options,
        }),
        None if actor.is_empty() => None,
        None => Some(Acting::Principal(actor)),
    };
    let audiences = audience.map(|audience| [audience]);
    let resources = resource.map(|resource| [resource]);
    let request = Request::at(NOW).token(&token);
    let wanted = Wanted {
        actor: acting,
        scope,
        audiences: audiences.as_ref().map_or(&[], |one| one),
        resources: resources.as_ref().map_or(&[], |one| one),
        lifetime,
        ..Wanted::default()
    };
    let next = match policy.exchange(&request, &wanted) {
        Ok(next) => next,
        Err(refusal) => {
            assert!(!refusal.code().is_empty() && !refusal.oauth_error().is_empty());
            return;
        }
    };
    let subject = claims(&subject);
    let held: Vec<&str> = match subject.get("aud") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    assert!(held.is_empty() || next.audience.iter().all(|own| held.contains(&&**own)));
    let ends = |claims: &Map<String, Value>| claims["exp"].as_f64();
    assert!(ends(&next.claims) <= ends(&subject));
    assert!(next.expires_at > NOW);

    let signed = sign(key, &Value::Object(next.claims.clone()).to_string());
    let after = match policy.admit(&Request::at(NOW).token(signed.as_bytes()).presented(options)) {
        Ok(after) => after,
        // Bound to a key that this request did not prove, or not yet valid.
        Err(denial) => {
            let code = denial.code();
            assert!(
                ["proof.missing", "token.not_yet_valid", "audience.mismatch"].contains(&code),
                "{code}"
            );
            return;
        }
    };
    assert_eq!(after.chain(), next.chain);
    check_chain(&after, &next.claims);
    if let Ok(before) = &before {
        for (action, resource) in ASKED {
            assert!(!covered(&after, action, resource) || covered(before, action, resource));
        }
        if before.chain().len() == 1 && wanted.actor.is_some() {
            let tokens = [token.as_bytes(), signed.as_bytes()];
            let proved = policy.admit(&Request::at(NOW).tokens(&tokens).presented(options));
            assert!(proved.is_ok(), "{:?}", proved.err());
        }
    }
}

/// Claims that were verified, so they are an object.
fn claims(text: &str) -> Map<String, Value> {
    serde_json::from_str(text).expect("verified claims are an object")
}

fn number(text: &str) -> Option<u64> {
    text.parse().ok()
}

/// The text of an object, with so many nested `act` more.
fn nested(text: &str, more: u64) -> String {
    let more = usize::try_from(more.min(10_000)).unwrap_or_default();
    match text.strip_suffix('}') {
        Some(open) if more > 0 => {
            let act = "{\"sub\":\"a\",\"act\":".repeat(more - 1);
            let end = "}".repeat(more);
            format!("{open},\"act\":{act}{{\"sub\":\"b\"{end}}}")
        }
        _ => text.to_owned(),
    }
}

/// Any text as the claims of a token that is signed as it must be.
fn sign(key: &[u8], claims: &str) -> String {
    let header = r#"{"alg":"HS256","kid":"k","typ":"at+jwt"}"#;
    let [header, claims] = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part));
    let input = format!("{header}.{claims}");
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any key will do");
    mac.update(input.as_bytes());
    let signature = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
    format!("{input}.{signature}")
}

/// As many parties as the token names, none of them twice.
fn check_chain(caller: &Caller, claims: &Map<String, Value>) {
    let mut actors = 0;
    let mut act = claims.get("act");
    while let Some(Value::Object(members)) = act {
        actors += 1;
        act = members.get("act");
    }
    let chain = caller.chain();
    assert_eq!(chain.len(), actors + 1);
    assert!(actors <= MAX_DEPTH);
    let principals: BTreeSet<&str> = chain.iter().map(|party| &*party.principal).collect();
    assert_eq!(principals.len(), chain.len());
}

fn covered(caller: &Caller, action: &str, resource: &str) -> bool {
    let checked = caller.at(NOW).check(action, resource);
    checked
        .err()
        .is_none_or(|denial| denial.code() != "scope.insufficient")
}

fn world() -> (Policy, Vec<u8>) {
    let text = include_str!("../../policies/chains.json");
    let policy = Policy::from_json(text.as_bytes()).expect("the policy compiles");
    let snapshot: Value = serde_json::from_str(text).expect("the policy is JSON");
    let key = snapshot["issuers"][0]["keys"]["keys"][0]["k"].as_str();
    let key = URL_SAFE_NO_PAD.decode(key.expect("the key is a secret"));
    (policy, key.expect("the secret is base64url"))
}
