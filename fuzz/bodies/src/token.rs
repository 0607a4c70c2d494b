//! Any bytes as a token: never a panic, and never verified, since no fuzzer
//! knows the key.

use std::sync::OnceLock;

use deputize::time::UnixSeconds;
use deputize::token::{IssuerConfig, Issuers, RevokedConfig, VerifyOptions, inspect};

static ISSUERS: OnceLock<Issuers> = OnceLock::new();

/// Takes one input.
pub fn run(bytes: &[u8]) {
    let issuers = ISSUERS.get_or_init(trusted);
    let now = UnixSeconds(1_763_719_200);
    let verified = issuers.verify(bytes, now, &VerifyOptions::default());
    let error = verified.expect_err("a token without the key is not verified");
    assert!(!error.code().is_empty());
    let _ = error.to_string();
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = inspect(text, Some(now));
        let _ = inspect(text, None);
    }
}

fn trusted() -> Issuers {
    let config: IssuerConfig = serde_json::from_str(include_str!("../../policies/issuer.json"))
        .expect("the issuer is right");
    Issuers::compile(&[config], &RevokedConfig::default()).expect("the issuer compiles")
}
