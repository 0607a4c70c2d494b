//! Looks into tokens that verify nothing.

use serde_json::{Value, json};

use super::chains::through;
use super::keys::{encode, token, unsigned};
use super::tokens::with;
use super::{Case, NOW, case};

pub(super) fn cases() -> Vec<Case> {
    let look = |name: &'static str, token: String| {
        case("inspect", "", "", name, json!({ "token": token }))
    };
    let signed = |claims: Value| token("test-ed", &claims);
    vec![
        look(
            "a good token",
            signed(with(json!({"scope": "document:read"}))),
        ),
        look(
            "a chain",
            signed(through("anne", &["coordinator", "document"])),
        ),
        look(
            "the inverse convention",
            signed({
                let mut claims = through("coordinator", &["anne"]);
                claims["permissions"] = json!(["can_read"]);
                claims
            }),
        ),
        look("expired", signed(with(json!({"exp": NOW - 1})))),
        look("long-lived", signed(with(json!({"exp": NOW + 31_536_000})))),
        look(
            "without `exp` and `aud`",
            signed(with(json!({"exp": null, "aud": null}))),
        ),
        look(
            "`none`",
            format!(
                "{}.{}.",
                encode(json!({"alg": "none"}).to_string()),
                encode(with(json!({})).to_string())
            ),
        ),
        look(
            "a claim twice",
            unsigned("{\"alg\":\"EdDSA\"}", "{\"sub\":\"a\",\"sub\":\"b\"}"),
        ),
        look("opaque", "9f86d081884c7d65".to_owned()),
        look(
            "with its scheme",
            format!("Bearer {}", signed(with(json!({})))),
        ),
    ]
}
