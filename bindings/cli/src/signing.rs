//! Signing claims with a development key.

use std::path::Path;

use clap::Args;
use deputize::json;
use deputize::token::{Algorithm, SignError, SigningKey};
use serde_json::{Map, Value};

use crate::fault::{Failure, Fault};
use crate::{input, key_pair};

/// How a token is signed, beside its key.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Signing")]
pub(crate) struct SigningArgs {
    /// The key's id; a JWK may name its own.
    #[arg(long, value_name = "ID")]
    kid: Option<String>,
    /// The algorithm; a JWK may name its own, and most keys have only one.
    #[arg(long, value_name = "ALG")]
    alg: Option<String>,
    /// The token's `typ`.
    #[arg(long, default_value = "at+jwt")]
    typ: String,
}

/// A token, with the claims that it carries.
pub(crate) struct Signed {
    /// The token in compact form.
    pub(crate) token: String,
    /// Its claims.
    pub(crate) claims: Map<String, Value>,
}

impl SigningArgs {
    /// Signs claims with the private JWK or PEM in a file. A `jti` is drawn
    /// where they have none, so that one token may be revoked.
    pub(crate) fn sign(&self, key: &Path, claims: Map<String, Value>) -> Result<Signed, Failure> {
        let key = self.read(key)?;
        sign(&key, claims, &self.typ)
    }

    /// No message repeats a part of the key, nor the line that it stands in.
    fn read(&self, path: &Path) -> Result<SigningKey, Failure> {
        let text = input::read_text(path)?;
        let name = input::spell(path);
        let algorithm = match &self.alg {
            None => None,
            Some(name) => Some(Algorithm::from_name(name).ok_or_else(|| {
                let known: Vec<&str> = Algorithm::ALL.iter().map(|a| a.name()).collect();
                Fault::new("sign.algorithm", format!("`{name}` is no algorithm"))
                    .hint(format!("the algorithms are {}", known.join(", ")))
            })?),
        };
        let kid = self.kid.as_deref();
        let key = if text.trim_start().starts_with('{') {
            let jwk: Value = json::from_text(&text).map_err(|error| {
                let (line, column) = (error.line(), error.column());
                let said = format!("the key is not JSON: see line {line}, column {column}");
                Fault::new("sign.key", said).in_file(&name)
            })?;
            SigningKey::from_jwk(&jwk, kid, algorithm)
        } else {
            if !text.trim_start().starts_with("-----BEGIN ") {
                let said = "the key is neither a private JWK nor PEM";
                return Err(Fault::new("sign.key", said)
                    .in_file(&name)
                    .hint("make one with `deputize keys`")
                    .into());
            }
            let kid = kid.ok_or_else(|| {
                Fault::new("sign.kid", "a key in PEM has no id of its own")
                    .in_file(&name)
                    .hint("name it with --kid, as the snapshot does")
            })?;
            SigningKey::from_pem(&text, kid, algorithm)
        };
        key.map_err(|error| fault(&error).in_file(name).into())
    }
}

/// Signs claims. A `jti` is drawn where they have none.
pub(crate) fn sign(
    key: &SigningKey,
    mut claims: Map<String, Value>,
    typ: &str,
) -> Result<Signed, Failure> {
    if !claims.contains_key("jti") {
        claims.insert("jti".to_owned(), key_pair::random_id()?.into());
    }
    let token = key
        .sign(&Value::Object(claims.clone()), typ)
        .map_err(|error| fault(&error))?;
    Ok(Signed { token, claims })
}

/// The fault that a key which does not sign is.
pub(crate) fn fault(error: &SignError) -> Fault {
    Fault::new(error.code(), error.to_string())
}
