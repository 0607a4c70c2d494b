//! `token`: a token for development, signed with a key of one's own.

use std::path::{Path, PathBuf};

use clap::Args;
use deputize::time::UnixSeconds;
use serde_json::{Map, Value, json};

use crate::answer::Answer;
use crate::clock::ClockArgs;
use crate::fault::{Failure, Fault};
use crate::input;
use crate::signing::SigningArgs;

/// Sign a development token, from flags or from a file of claims
///
/// `iat`, `exp` and `jti` are added where they are not given. Nothing is
/// checked: a token that no policy accepts can be signed too.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  deputize token --key key.json --issuer https://id.example --sub anne --audience https://api.example --scope document:read > token.jwt
  deputize token --key key.json --claims claims.json --act coordinator --act calendar --expires-in 60")]
pub(crate) struct TokenArgs {
    /// The development key: a private JWK or PEM, or `-`.
    #[arg(short, long, value_name = "FILE")]
    key: PathBuf,
    /// A JSON object of claims to begin with; `-` reads it from standard input.
    #[arg(long, value_name = "FILE", help_heading = "Claims")]
    claims: Option<PathBuf>,
    /// `iss`.
    #[arg(long, value_name = "ISSUER", help_heading = "Claims")]
    issuer: Option<String>,
    /// `sub`.
    #[arg(long, value_name = "SUBJECT", help_heading = "Claims")]
    sub: Option<String>,
    /// An actor's `sub`. Given again, each acts for the one before it: the
    /// last is the outermost `act` (RFC 8693 §4.1).
    #[arg(long, value_name = "SUBJECT", help_heading = "Claims")]
    act: Vec<String>,
    /// `aud`. May be given again.
    #[arg(short, long, value_name = "AUDIENCE", help_heading = "Claims")]
    audience: Vec<String>,
    /// `scope`.
    #[arg(long, help_heading = "Claims")]
    scope: Option<String>,
    /// How long it is to live, in seconds.
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 300,
        help_heading = "Claims"
    )]
    expires_in: u64,
    /// Any claim, `name=value`: JSON, or else a text. May be given again.
    #[arg(long = "claim", value_name = "NAME=VALUE", help_heading = "Claims")]
    others: Vec<String>,
    #[command(flatten)]
    clock: ClockArgs,
    #[command(flatten)]
    signing: SigningArgs,
}

/// Answers `token`.
pub(crate) fn token(args: &TokenArgs) -> Result<Answer, Failure> {
    input::share_stdin(&[
        ("the key", input::is_stdin(&args.key)),
        (
            "the claims",
            args.claims.as_deref().is_some_and(input::is_stdin),
        ),
    ])?;
    let claims = args.claims(args.clock.now())?;
    let signed = args.signing.sign(&args.key, claims)?;
    Ok(Answer {
        text: format!("{}\n", signed.token),
        document: json!({ "token": signed.token, "claims": signed.claims }),
        ..Answer::default()
    })
}

impl TokenArgs {
    fn claims(&self, now: UnixSeconds) -> Result<Map<String, Value>, Failure> {
        let mut claims = match &self.claims {
            None => Map::new(),
            Some(path) => read_object(path)?,
        };
        let mut set = |name: &str, value: Value| claims.insert(name.to_owned(), value);
        if let Some(issuer) = &self.issuer {
            set("iss", json!(issuer));
        }
        if let Some(sub) = &self.sub {
            set("sub", json!(sub));
        }
        let actor = self.act.iter().fold(None, |inner: Option<Value>, sub| {
            Some(match inner {
                None => json!({ "sub": sub }),
                Some(act) => json!({ "sub": sub, "act": act }),
            })
        });
        if let Some(act) = actor {
            set("act", act);
        }
        match self.audience.as_slice() {
            [] => {}
            [only] => drop(set("aud", json!(only))),
            several => drop(set("aud", json!(several))),
        }
        if let Some(scope) = &self.scope {
            set("scope", json!(scope));
        }
        for text in &self.others {
            let (name, value) = text.split_once('=').ok_or_else(|| {
                Fault::new(
                    "token.claim",
                    format!("`{text}` should be a name and a value"),
                )
                .hint("write it in one argument: --claim tid=acme")
            })?;
            let value = serde_json::from_str(value).unwrap_or_else(|_| json!(value));
            set(name, value);
        }
        for (name, value) in [("iat", now), ("exp", now.plus(self.expires_in))] {
            claims.entry(name).or_insert(json!(value));
        }
        Ok(claims)
    }
}

fn read_object(path: &Path) -> Result<Map<String, Value>, Failure> {
    match input::read_json(path)? {
        Value::Object(members) => Ok(members),
        _ => Err(
            Fault::new("token.claims", "the claims should be a JSON object")
                .in_file(input::spell(path))
                .into(),
        ),
    }
}
