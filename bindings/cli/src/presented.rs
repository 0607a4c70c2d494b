//! Tokens as they are presented: where their text comes from, and the proofs
//! that come with them. No message repeats any of it.

use std::path::{Path, PathBuf};

use clap::Args;
use deputize::token::{ClientCertificate, DpopRequest, VerifyOptions};

use crate::fault::{Failure, Fault};
use crate::input;

/// Proofs that whoever sent a token holds what it is bound to.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Proof of possession")]
pub(crate) struct ProofArgs {
    /// The DPoP proof that came with the token: a file, or `-`.
    #[arg(long, value_name = "FILE", requires_all = ["dpop_method", "dpop_uri"])]
    dpop: Option<String>,
    /// The method of the request that the proof was made for, e.g. `POST`.
    #[arg(long, value_name = "METHOD", requires = "dpop")]
    dpop_method: Option<String>,
    /// The URI of that request.
    #[arg(long, value_name = "URI", requires = "dpop")]
    dpop_uri: Option<String>,
    /// The nonce that the proof must repeat.
    #[arg(long, value_name = "NONCE", requires = "dpop")]
    dpop_nonce: Option<String>,
    /// How old the proof may be, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, requires = "dpop")]
    dpop_max_age: u64,
    /// The client's certificate of the TLS connection: PEM or DER.
    #[arg(long, value_name = "FILE")]
    client_certificate: Option<PathBuf>,
}

/// How far ahead the clock of whoever made a proof may be, in seconds.
const DPOP_MAX_AHEAD: u64 = 5;

/// The proofs, read.
pub(crate) struct Proofs<'a> {
    args: &'a ProofArgs,
    dpop: Option<String>,
    certificate: Option<ClientCertificate>,
}

impl ProofArgs {
    /// Whether standard input is taken by a proof.
    pub(crate) fn is_stdin(&self) -> bool {
        self.dpop.as_deref() == Some("-")
            || self
                .client_certificate
                .as_deref()
                .is_some_and(input::is_stdin)
    }

    /// Reads the proofs.
    pub(crate) fn read(&self) -> Result<Proofs<'_>, Failure> {
        let dpop = match &self.dpop {
            None => None,
            Some(argument) => Some(read_text(argument, "the DPoP proof")?),
        };
        let certificate = match &self.client_certificate {
            None => None,
            Some(path) => Some(read_certificate(path)?),
        };
        Ok(Proofs {
            args: self,
            dpop,
            certificate,
        })
    }
}

impl Proofs<'_> {
    /// What a token is verified with.
    pub(crate) fn options<'a>(&'a self, audience: Option<&'a str>) -> VerifyOptions<'a> {
        let dpop = self.dpop.as_deref().map(|proof| DpopRequest {
            proof,
            method: self.args.dpop_method.as_deref().unwrap_or_default(),
            uri: self.args.dpop_uri.as_deref().unwrap_or_default(),
            nonce: self.args.dpop_nonce.as_deref(),
            max_age: self.args.dpop_max_age,
            max_ahead: DPOP_MAX_AHEAD,
        });
        VerifyOptions {
            audience,
            dpop,
            certificate: self.certificate,
        }
    }
}

/// Reads a token from standard input (`-`), from a file, or from the argument
/// itself. `what` is what messages call it.
pub(crate) fn read(argument: &str, what: &str) -> Result<Vec<u8>, Failure> {
    let path = Path::new(argument);
    let bytes = if input::is_stdin(path) || path.is_file() {
        input::read_text(path)?.into_bytes()
    } else if is_token(argument) {
        argument.as_bytes().to_vec()
    } else {
        // It may be a token of another kind, so it is not repeated.
        let said = format!("{what} is neither a file that can be read nor a token");
        return Err(Fault::new("token.source", said)
            .hint("name a file that holds the token, or `-` for standard input")
            .into());
    };
    Ok(bytes.trim_ascii().to_vec())
}

/// Reads a token as a text.
pub(crate) fn read_text(argument: &str, what: &str) -> Result<String, Failure> {
    String::from_utf8(read(argument, what)?)
        .map_err(|_| Fault::new("file.utf8", format!("{what} is not UTF-8")).into())
}

/// Whether a text looks like a JWT in compact form: its header is an object,
/// which in base64url begins with one of these.
pub(crate) fn is_token(text: &str) -> bool {
    let bare = text.strip_prefix("Bearer ").unwrap_or(text);
    (bare.starts_with("ey") || bare.starts_with("ew")) && bare.contains('.') && !bare.contains('/')
}

fn read_certificate(path: &Path) -> Result<ClientCertificate, Failure> {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    const END: &str = "-----END CERTIFICATE-----";
    let bytes = input::read(path)?;
    let text = String::from_utf8_lossy(&bytes);
    let Some((_, rest)) = text.split_once(BEGIN) else {
        return Ok(ClientCertificate::from_der(&bytes));
    };
    // The first is the client's own; those after it are its issuers'.
    let body = rest.split_once(END).map_or(rest, |(body, _)| body);
    let block = format!("{BEGIN}{body}{END}\n");
    match pkcs8::der::pem::decode_vec(block.as_bytes()) {
        Ok((_, der)) => Ok(ClientCertificate::from_der(&der)),
        Err(_) => Err(
            Fault::new("proof.certificate", "the certificate is not sound PEM")
                .in_file(input::spell(path))
                .into(),
        ),
    }
}
