//! `grant`: a chain's first token, from entity grants (RFC 6749 §4.4).

use std::path::PathBuf;

use clap::Args;
use deputize::entity::{Credentials, CredentialsRequest};
use deputize::time::UnixSeconds;
use serde_json::{Map, Value, json};

use crate::answer::Answer;
use crate::clock::ClockArgs;
use crate::exchange::spell;
use crate::fault::Failure;
use crate::input::{self, SnapshotArgs};
use crate::refused;
use crate::signing::SigningArgs;

/// Grant an entity or a user a token, from its entity grants (client credentials)
///
/// The principal counts as authenticated. Prints the claims that FusionAuth
/// would issue; with --key they are completed with `iss`, `iat`, `exp` and
/// `jti`, signed, and the token is printed. Exit status: 0 done, 1 refused, 2
/// no answer (which refuses).
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  deputize grant entity:coordinator --scope target-entity:documents:read -s policy.json
  deputize grant entity:coordinator --scope target-entity:documents -s policy.json --key key.json --issuer https://id.example > token.jwt")]
pub(crate) struct GrantArgs {
    /// Who asks: `entity:<id>` or `user:<id>`.
    principal: String,
    /// The scope, e.g. `target-entity:<id>:<permission>,…`.
    #[arg(long)]
    scope: Option<String>,
    /// The id of the entity that an alias with `<id>` means.
    #[arg(long, value_name = "ID")]
    audience: Option<String>,
    /// The tenant, where the principal is of several.
    #[arg(long)]
    tenant: Option<String>,
    #[command(flatten)]
    snapshot: SnapshotArgs,
    #[command(flatten)]
    clock: ClockArgs,
    /// Sign with this development key: a private JWK or PEM, or `-`.
    #[arg(
        short,
        long,
        value_name = "FILE",
        requires = "issuer",
        help_heading = "Signing"
    )]
    key: Option<PathBuf>,
    /// The token's `iss`.
    #[arg(
        long,
        value_name = "ISSUER",
        requires = "key",
        help_heading = "Signing"
    )]
    issuer: Option<String>,
    /// How long the token is to live, in seconds; at most what its type allows
    /// [default: what its type says, or 300].
    #[arg(
        long,
        value_name = "SECONDS",
        requires = "key",
        help_heading = "Signing"
    )]
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    expires_in: Option<u64>,
    #[command(flatten)]
    signing: SigningArgs,
}

/// How long a token lives where nobody says, in seconds.
const LIFETIME: u64 = 300;

/// Answers `grant`.
pub(crate) fn grant(args: &GrantArgs) -> Result<Answer, Failure> {
    input::share_stdin(&[
        ("the snapshot", args.snapshot.is_stdin()),
        ("the key", args.key.as_deref().is_some_and(input::is_stdin)),
    ])?;
    let loaded = args.snapshot.load()?;
    let now = args.clock.now();
    let request = CredentialsRequest {
        principal: &args.principal,
        scope: args.scope.as_deref(),
        audience: args.audience.as_deref(),
        tenant: args.tenant.as_deref(),
    };
    match loaded.policy.client_credentials(&request, now) {
        Ok(credentials) => args.give(&credentials, now),
        Err(refusal) => {
            let message = refusal.to_string();
            Ok(refused::answer(
                refusal.oauth_error(),
                refusal.code(),
                &message,
            ))
        }
    }
}

impl GrantArgs {
    fn give(&self, credentials: &Credentials, now: UnixSeconds) -> Result<Answer, Failure> {
        let mut claims = credentials.to_claims();
        let mut document = json!({ "lifetime": credentials.lifetime });
        let mut add = |name: &str, value: Value| {
            document
                .as_object_mut()
                .map(|members| members.insert(name.to_owned(), value))
        };
        let signed = match &self.key {
            None => None,
            Some(key) => {
                let lifetime = self.lifetime(credentials);
                claims.extend(self.completion(now, lifetime));
                let signed = self.signing.sign(key, claims)?;
                claims = signed.claims.clone();
                add("access_token", json!(signed.token));
                add("token_type", json!("Bearer"));
                add("expires_in", json!(lifetime));
                Some(signed)
            }
        };
        add("claims", json!(claims));
        Ok(Answer {
            text: spell(signed.as_ref(), &Value::Object(claims)),
            document,
            ..Answer::default()
        })
    }

    fn lifetime(&self, credentials: &Credentials) -> u64 {
        match (self.expires_in, credentials.lifetime) {
            (Some(wanted), Some(allowed)) => wanted.min(allowed),
            (wanted, allowed) => wanted.or(allowed).unwrap_or(LIFETIME),
        }
    }

    /// What is whoever signs it's to add.
    fn completion(&self, now: UnixSeconds, lifetime: u64) -> Map<String, Value> {
        let claims = [
            ("iss", json!(self.issuer)),
            ("iat", json!(now)),
            ("exp", json!(now.plus(lifetime))),
        ];
        claims
            .map(|(name, value)| (name.to_owned(), value))
            .into_iter()
            .collect()
    }
}
