//! The keys of the vectors' tokens, and the tokens.
//!
//! EdDSA, RS256 and HS256 sign the same bytes the same way each time, so their
//! tokens are made anew whenever the files are. ES256 does not: its token
//! stands here as it was made once.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use deputize::token::SigningKey;
use serde_json::{Map, Value, json};

/// The file of the keys: private ones, for these tokens alone.
pub const KEYS: &str = include_str!("../../vectors/test_keys.json");

/// A private key by its `kid`.
pub fn private(kid: &str) -> Value {
    let file: Value = serde_json::from_str(KEYS).unwrap();
    let keys = file["keys"].as_array().unwrap();
    let found = keys.iter().find(|key| key["kid"] == kid);
    found.unwrap_or_else(|| panic!("no key `{kid}`")).clone()
}

/// Its public part; a secret as it is.
pub fn public(kid: &str) -> Value {
    let mut key = private(kid);
    let members = key.as_object_mut().unwrap();
    for part in ["d", "p", "q", "dp", "dq", "qi"] {
        members.remove(part);
    }
    key
}

fn signing(kid: &str) -> SigningKey {
    SigningKey::from_jwk(&private(kid), None, None).unwrap_or_else(|e| panic!("{kid}: {e}"))
}

/// A token with the usual header.
pub fn token(kid: &str, claims: &Value) -> String {
    signing(kid).sign(claims, "at+jwt").unwrap()
}

/// A token with a header of its own.
pub fn token_with(kid: &str, header: &Value, claims: &Value) -> String {
    let map = |value: &Value| -> Map<String, Value> { value.as_object().unwrap().clone() };
    signing(kid).sign_with(&map(header), &map(claims)).unwrap()
}

/// The usual header of a key.
pub fn header(kid: &str) -> Value {
    let algorithm = signing(kid).algorithm().name();
    json!({"alg": algorithm, "kid": kid, "typ": "at+jwt"})
}

/// Any two texts as a token, with a signature that fits nothing: for what is
/// refused before the signature is looked at.
pub fn unsigned(header: &str, claims: &str) -> String {
    format!("{}.{}.AAAA", encode(header), encode(claims))
}

/// Base64url.
pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
