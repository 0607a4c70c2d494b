//! Any text as the claims of a token whose signature is taken for good: what
//! stands behind the signature refuses or reads it.

use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use deputize::scope::ScopeSet;
use deputize::time::UnixSeconds;
use deputize::token::{IssuerConfig, Issuers, RevokedConfig, VerifyOptions};

static ISSUERS: OnceLock<Issuers> = OnceLock::new();

const HEADER: &str = r#"{"alg":"ES256","kid":"k","typ":"at+jwt"}"#;
const NOW: u64 = 1_763_719_200;

/// Takes one input.
pub fn run(bytes: &[u8]) {
    let issuers = ISSUERS.get_or_init(trusted);
    let [header, claims, signature] =
        [HEADER.as_bytes(), bytes, &[0; 64]].map(|part| URL_SAFE_NO_PAD.encode(part));
    let token = format!("{header}.{claims}.{signature}");
    let options = VerifyOptions::default();
    let Ok(prepared) = issuers.prepare(token.as_bytes(), UnixSeconds(NOW), &options) else {
        return;
    };
    match prepared.finish(true) {
        Ok(verified) => {
            let claims = &verified.claims;
            assert!(claims.expires_at > UnixSeconds(NOW));
            assert!(claims.audience.iter().any(|a| a == "https://api.example"));
            assert_eq!(claims.issuer, "https://issuer.example");
            if let Ok(Some(scopes)) = ScopeSet::from_claims(&claims.all) {
                let again = ScopeSet::from_claims(&scopes.to_claims());
                assert!(again.is_ok());
            }
        }
        Err(error) => assert!(!error.code().is_empty()),
    }
}

fn trusted() -> Issuers {
    let config: IssuerConfig = serde_json::from_str(include_str!("../../policies/issuer.json"))
        .expect("the issuer is right");
    Issuers::compile(&[config], &RevokedConfig::default()).expect("the issuer compiles")
}
