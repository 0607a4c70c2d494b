//! `keys`: a key pair for development.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::json;

use crate::answer::Answer;
use crate::fault::{Failure, Fault};
use crate::input;
use crate::key_pair::{KeyKind, KeyPair};

/// Make a development key pair: the private key in a file, the public one printed
///
/// What is printed is a JWKS, ready to stand as `keys` in a snapshot's
/// `issuers`. The private key goes to a new file that only its owner may read.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  deputize keys -o key.json > jwks.json
  deputize keys -o key.pem --format pem --alg RS256 --kid dev-1 > jwks.json")]
pub(crate) struct KeysArgs {
    /// The new file for the private key.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// What the key signs with.
    #[arg(long, value_name = "ALG", default_value = "EdDSA", ignore_case = true)]
    alg: KeyKind,
    /// The key's id [default: its RFC 7638 thumbprint].
    #[arg(long, value_name = "ID")]
    kid: Option<String>,
    /// How the private key is written.
    #[arg(long, default_value = "jwk")]
    format: Format,
}

/// How a private key is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A JWK, with its id and algorithm.
    Jwk,
    /// PKCS#8 in PEM, which has no place for an id.
    Pem,
}

/// Answers `keys`.
pub(crate) fn keys(args: &KeysArgs) -> Result<Answer, Failure> {
    let pair = KeyPair::generate(args.alg, args.kid.as_deref())?;
    let text = match args.format {
        Format::Jwk => format!("{:#}\n", pair.jwk()),
        Format::Pem => pair
            .pem()
            .ok_or_else(|| Fault::new("internal", "the key cannot be written as PEM"))?,
    };
    input::write_secret(&args.output, text.as_bytes())?;
    let (jwks, kid) = (pair.jwks(), pair.kid());
    let output = args.output.display().to_string();
    Ok(Answer {
        text: format!("{jwks:#}\n"),
        document: json!({ "jwks": jwks, "kid": kid, "private_key": output }),
        notes: vec![format!("the private key {kid} is in {output}")],
        ..Answer::default()
    })
}
