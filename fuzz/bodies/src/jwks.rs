//! Any JSON as an issuer's keys: compiled or refused, and what compiled can
//! verify a token without a panic.

use deputize::time::UnixSeconds;
use deputize::token::{Issuers, RevokedConfig, VerifyOptions};
use serde_json::{Value, json};

/// `{"alg":"…","kid":"k"}`, an issuer's claims, and 64 bytes of nothing.
const TAIL: &str = "eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIn0.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Takes one input.
pub fn run(bytes: &[u8]) {
    let Ok(keys) = serde_json::from_slice::<Value>(bytes) else {
        return;
    };
    let algorithms = ["RS256", "PS256", "ES256", "ES384", "EdDSA", "HS256"];
    for algorithm in algorithms {
        let config = json!({"issuer": "https://issuer.example", "algorithms": [algorithm],
            "audiences": ["https://api.example"], "keys": keys});
        let Ok(config) = serde_json::from_value(config) else {
            continue;
        };
        match Issuers::compile(&[config], &RevokedConfig::default()) {
            Ok(issuers) => {
                let _ = issuers.warnings();
                let token = format!("{}.{TAIL}", header(algorithm));
                let options = VerifyOptions::default();
                let verified =
                    issuers.verify(token.as_bytes(), UnixSeconds(1_763_719_200), &options);
                assert!(verified.is_err());
            }
            Err(error) => {
                assert!(error.pointer.starts_with('/'));
                let _ = error.to_string();
            }
        }
    }
}

fn header(algorithm: &str) -> String {
    use base64::Engine as _;
    let header = json!({"alg": algorithm, "kid": "k", "typ": "JWT"}).to_string();
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(header)
}
