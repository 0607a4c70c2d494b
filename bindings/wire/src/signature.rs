//! Signatures alone: whether one of some keys has signed a token, whatever it
//! says. For a look at a token before there is a policy; never a decision.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use deputize::token::jws::Jws;
use deputize::token::key::{Key, KeySet};
use deputize::token::{Algorithm, Family, KeySource, TokenError};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{Error, Kind};
use crate::options::{read, read_as, write};

/// How a signature is looked at.
#[derive(Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct SignatureOptions {
    /// The names of the algorithms that may be used, e.g. `ES256`. Without,
    /// those that the keys themselves name.
    #[serde(default)]
    algorithms: Vec<String>,
    /// The id of the key to take for a token that names none.
    #[serde(default)]
    kid: Option<String>,
}

/// Which key signed a token.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct SignedBy<'k> {
    /// The key's id.
    kid: &'k str,
    /// The algorithm's name, e.g. `ES256`.
    algorithm: &'static str,
}

/// A signature that something else is to check.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct SignatureToCheck<'s> {
    /// The algorithm's name, e.g. `RS256`.
    algorithm: &'static str,
    /// The public key.
    jwk: Value,
    /// What was signed, in ASCII.
    input: &'s str,
    /// The signature as base64url; for ECDSA `r ‖ s`.
    signature: String,
}

impl<'s> SignatureToCheck<'s> {
    /// `None` for what is as well checked here.
    pub(crate) fn new(
        algorithm: Algorithm,
        jwk: Option<Value>,
        input: &'s [u8],
        signature: &[u8],
    ) -> Option<Self> {
        match algorithm.family() {
            Family::Rsa | Family::P256 | Family::P384 => Some(Self {
                algorithm: algorithm.name(),
                jwk: jwk?,
                input: std::str::from_utf8(input).ok()?,
                signature: URL_SAFE_NO_PAD.encode(signature),
            }),
            Family::Ed25519 | Family::Secret => None,
        }
    }
}

/// Which of `keys` (a JWK set, or any other form that a snapshot's issuer may
/// have them in) signed this token: a `SignedBy`. It says nothing of the claims:
/// neither whether the token has expired, nor for whom it is.
///
/// # Errors
/// `call.options`, `call.keys` and `key.*` for the keys; the codes of a token
/// that is refused up to its signature: `token.malformed`, `token.algorithm`,
/// `key.unknown`, `key.unfit`, `token.signature`, …
pub fn verify_signature(token: &str, keys: &str, options: &str) -> Result<String, Error> {
    with_key(token, keys, options, |key, jws| {
        key.verify(jws)?;
        Ok(signed_by(key))
    })
}

/// [`verify_signature`], taking another's word for the signature that
/// [`signature_to_check`] named for the same arguments.
///
/// # Errors
/// As [`verify_signature`].
pub fn signature_checked(
    token: &str,
    keys: &str,
    options: &str,
    signature_fits: bool,
) -> Result<String, Error> {
    with_key(token, keys, options, |key, _| {
        // A secret is checked by nothing else.
        match signature_fits && !key.algorithm().is_symmetric() {
            true => Ok(signed_by(key)),
            false => Err(TokenError::Signature),
        }
    })
}

/// The signature that something faster may check before [`signature_checked`]
/// is called: a `SignatureToCheck`. `None` where [`verify_signature`] is to be
/// called.
///
/// # Errors
/// As [`verify_signature`], but for `token.signature`.
pub fn signature_to_check(token: &str, keys: &str, options: &str) -> Result<Option<String>, Error> {
    with_key(token, keys, options, |key, jws| {
        let (input, signature) = (jws.signing_input, &jws.signature);
        let asked = SignatureToCheck::new(key.algorithm(), key.to_public_jwk(), input, signature);
        Ok(asked.map(|asked| write(&asked)))
    })
}

fn signed_by(key: &Key) -> String {
    write(&SignedBy {
        kid: key.kid(),
        algorithm: key.algorithm().name(),
    })
}

fn with_key<T>(
    token: &str,
    keys: &str,
    options: &str,
    run: impl FnOnce(&Key, &Jws<'_>) -> Result<T, TokenError>,
) -> Result<T, Error> {
    let options: SignatureOptions = read(options)?;
    let KeySource(keys) = read_as("call.keys", keys)?;
    let algorithms = options.algorithms(&keys)?;
    let set = KeySet::compile(&keys, &algorithms).map_err(|(pointer, fault)| {
        Error::new(Kind::Input, fault.code(), fault.to_string()).at(pointer)
    })?;
    let answer = Jws::parse(token.as_bytes()).and_then(|jws| {
        let algorithm = jws.header.algorithm()?;
        if !algorithms.contains(&algorithm) {
            let algorithm = algorithm.name().to_owned();
            return Err(TokenError::Algorithm { algorithm });
        }
        let kid = jws.header.kid.as_deref().or(options.kid.as_deref());
        let key = set.find(kid)?;
        key.fits(algorithm)?;
        run(key, &jws)
    });
    answer.map_err(|error| Error::new(Kind::Denied, error.code(), error.to_string()))
}

impl SignatureOptions {
    /// Those that are listed; else those that the keys name.
    fn algorithms(&self, keys: &Value) -> Result<Vec<Algorithm>, Error> {
        if self.algorithms.is_empty() {
            let named = keys
                .get("keys")
                .and_then(Value::as_array)
                .into_iter()
                .flatten();
            let named = named.filter_map(|key| key.get("alg")?.as_str());
            let mut algorithms: Vec<_> = named.filter_map(Algorithm::from_name).collect();
            algorithms.sort_unstable();
            algorithms.dedup();
            return Ok(algorithms);
        }
        let known = |(place, name): (usize, &String)| {
            let said = || Error::misuse("call.options", format!("`{name}` is no algorithm"));
            Algorithm::from_name(name).ok_or_else(|| said().at(format!("/algorithms/{place}")))
        };
        self.algorithms.iter().enumerate().map(known).collect()
    }
}
