//! Tokens that are bound to their holder: DPoP (RFC 9449) and mutual TLS
//! (RFC 8705). The host hands the proof in, the core checks it.

use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::claims::{Round, seconds};
use super::error::{ProofFault, ProofKind, TokenError};
use super::issuer::media_type;
use super::json::shorten;
use super::jws::{self, Jws};
use super::key::{Jwk, Key, thumbprint};
use crate::time::UnixSeconds;

/// A token's `cnf` claim (RFC 7800): the thumbprints it is bound to. At least
/// one is there.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Confirmation {
    /// `jkt`: the RFC 7638 thumbprint of the DPoP key.
    pub jkt: Option<[u8; 32]>,
    /// `x5t#S256`: the SHA-256 of the client's certificate in DER.
    pub x5t_s256: Option<[u8; 32]>,
}

/// A DPoP proof and the request that it came with.
///
/// Its `Debug` form shows the request, neither the proof nor the nonce.
#[derive(Clone, Copy)]
pub struct DpopRequest<'a> {
    /// The `DPoP` header's value.
    pub proof: &'a str,
    /// The request's method, e.g. `POST`, compared exactly.
    pub method: &'a str,
    /// The request's URI; its query and fragment are not looked at.
    pub uri: &'a str,
    /// The nonce that the host gave the client, where it did.
    pub nonce: Option<&'a str>,
    /// How old the proof may be, in seconds. RFC 9449 §11.1 wants this to be
    /// short; 60 is usual.
    pub max_age: u64,
    /// How far in the future its `iat` may lie, in seconds: the client's clock
    /// is not the server's. 5 is usual.
    pub max_ahead: u64,
}

/// What the host must remember of a DPoP proof so that it is used only once
/// (RFC 9449 §11.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct DpopUse {
    /// Its `jti`.
    pub id: String,
    /// Its `iat`.
    pub issued_at: UnixSeconds,
    /// The thumbprint of its key, base64url.
    pub thumbprint: String,
}

/// The certificate that the client showed in the TLS handshake, as its SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientCertificate([u8; 32]);

impl fmt::Debug for DpopRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DpopRequest")
            .field("method", &self.method)
            .field("uri", &self.uri)
            .finish_non_exhaustive()
    }
}

impl ClientCertificate {
    /// From the certificate in DER.
    #[must_use]
    pub fn from_der(certificate: &[u8]) -> Self {
        Self(Sha256::digest(certificate).into())
    }

    /// From the SHA-256 of the certificate in DER, as a TLS terminator may hand
    /// it on.
    #[must_use]
    pub const fn from_sha256(digest: [u8; 32]) -> Self {
        Self(digest)
    }
}

impl Confirmation {
    /// Reads `cnf`. Every member must be one that can be checked: RFC 7800 §3.1
    /// allows others, but a binding that is not checked is none.
    pub(crate) fn read(claims: &Map<String, Value>) -> Result<Option<Self>, TokenError> {
        let Some(cnf) = claims.get("cnf") else {
            return Ok(None);
        };
        let wrong = |claim: &str, expected| TokenError::Claim {
            claim: claim.to_owned(),
            expected,
        };
        let members = match cnf {
            Value::Object(members) if !members.is_empty() => members,
            _ => return Err(wrong("cnf", "an object with at least one member")),
        };
        let mut found = Self {
            jkt: None,
            x5t_s256: None,
        };
        for (member, value) in members {
            let place = match member.as_str() {
                "jkt" => &mut found.jkt,
                "x5t#S256" => &mut found.x5t_s256,
                other => {
                    return Err(TokenError::ProofUnsupported {
                        member: shorten(other, 100),
                    });
                }
            };
            let digest = value
                .as_str()
                .and_then(|text| jws::decode(text.as_bytes(), 0).ok())
                .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok())
                .ok_or_else(|| wrong(&format!("cnf.{member}"), "a SHA-256 in base64url"))?;
            *place = Some(digest);
        }
        Ok(Some(found))
    }
}

/// Checks that whoever sent the token holds what it is bound to.
pub(super) fn check(
    confirmation: Option<&Confirmation>,
    dpop: Option<&DpopRequest<'_>>,
    certificate: Option<ClientCertificate>,
    token: &[u8],
    now: UnixSeconds,
) -> Result<Option<DpopUse>, TokenError> {
    if let Some(wanted) = confirmation.and_then(|confirmation| confirmation.x5t_s256) {
        let ClientCertificate(shown) = certificate.ok_or(TokenError::ProofMissing {
            needed: ProofKind::Mtls,
        })?;
        if !equal(&wanted, &shown) {
            return Err(TokenError::ProofMismatch {
                kind: ProofKind::Mtls,
            });
        }
    }
    match (confirmation.and_then(|confirmation| confirmation.jkt), dpop) {
        (None, None) => Ok(None),
        (Some(_), None) => Err(TokenError::ProofMissing {
            needed: ProofKind::Dpop,
        }),
        (None, Some(_)) => Err(TokenError::ProofInvalid(ProofFault::Unbound)),
        (Some(jkt), Some(request)) => {
            let (used, key) = check_dpop(request, token, now).map_err(TokenError::ProofInvalid)?;
            if !equal(&jkt, &key) {
                return Err(TokenError::ProofMismatch {
                    kind: ProofKind::Dpop,
                });
            }
            Ok(Some(used))
        }
    }
}

/// RFC 9449 §4.3, checks 2 to 12; check 1 (one header field) is the host's.
fn check_dpop(
    request: &DpopRequest<'_>,
    token: &[u8],
    now: UnixSeconds,
) -> Result<(DpopUse, [u8; 32]), ProofFault> {
    let of_token = |error| ProofFault::Token(Box::new(error));
    let (jws, header) = Jws::parse_with_header(request.proof.as_bytes()).map_err(of_token)?;
    if jws.header.typ.as_deref().map(media_type).as_deref() != Some("dpop+jwt") {
        return Err(ProofFault::Header {
            member: "typ",
            expected: "`dpop+jwt`",
        });
    }
    let algorithm = jws.header.algorithm().map_err(of_token)?;
    if algorithm.is_symmetric() {
        return Err(ProofFault::Header {
            member: "alg",
            expected: "a public-key algorithm",
        });
    }
    let Some(Value::Object(jwk)) = header.get("jwk") else {
        return Err(ProofFault::Header {
            member: "jwk",
            expected: "the public key",
        });
    };
    let material = match Jwk::read(jwk).map_err(|_| ProofFault::Key)? {
        Jwk::Sound {
            material,
            algorithm: named,
        } if named.is_none_or(|named| named == algorithm)
            && material.family() == algorithm.family() =>
        {
            material
        }
        _ => return Err(ProofFault::Key),
    };
    let thumbprint = thumbprint(&material).ok_or(ProofFault::Key)?;
    Key::new(String::new(), algorithm, material)
        .verify(&jws)
        .map_err(of_token)?;

    let claims = jws.claims().map_err(of_token)?;
    let text = |claim: &'static str| {
        claims
            .get(claim)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
            .ok_or(ProofFault::Claim {
                claim,
                expected: "a text that is not empty",
            })
    };
    let id = text("jti")?;
    if text("htm")? != request.method {
        return Err(ProofFault::Mismatch { claim: "htm" });
    }
    let uri = target(text("htu")?).ok_or(ProofFault::Claim {
        claim: "htu",
        expected: "an http or https URI",
    })?;
    if Some(uri) != target(request.uri) {
        return Err(ProofFault::Mismatch { claim: "htu" });
    }
    let expected = "a number of seconds since 1970";
    let issued_at =
        seconds(&claims, "iat", Round::Down)
            .ok()
            .flatten()
            .ok_or(ProofFault::Claim {
                claim: "iat",
                expected,
            })?;
    if issued_at > now.plus(request.max_ahead) || now.since(issued_at) > request.max_age {
        return Err(ProofFault::Time { issued_at, now });
    }
    if let Some(nonce) = request.nonce
        && !bool::from(text("nonce")?.as_bytes().ct_eq(nonce.as_bytes()))
    {
        return Err(ProofFault::Mismatch { claim: "nonce" });
    }
    let digest = jws::encode(&Sha256::digest(token));
    if !bool::from(text("ath")?.as_bytes().ct_eq(digest.as_bytes())) {
        return Err(ProofFault::Mismatch { claim: "ath" });
    }
    let used = DpopUse {
        id: id.to_owned(),
        issued_at,
        thumbprint: jws::encode(&thumbprint),
    };
    Ok((used, thumbprint))
}

fn equal(a: &[u8; 32], b: &[u8; 32]) -> bool {
    a.ct_eq(b).into()
}

/// A URI as RFC 9449 §4.3 compares it: without query and fragment, its scheme
/// and host in lower case, a default port left out, an empty path as `/`
/// (RFC 3986 §6.2.2 and §6.2.3). `None` for anything but http and https.
fn target(uri: &str) -> Option<String> {
    let without = uri.split(['?', '#']).next()?;
    let (scheme, rest) = without.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    let default_port = match scheme.as_str() {
        "https" => ":443",
        "http" => ":80",
        _ => return None,
    };
    let (host, path) = match rest.split_once('/') {
        Some((host, path)) => (host, path),
        None => (rest, ""),
    };
    let host = host.to_ascii_lowercase();
    let host = host.strip_suffix(default_port).unwrap_or(&host);
    let stray = |c: char| c.is_ascii_control() || c == ' ' || c == '\\';
    if host.is_empty() || host.contains('@') || without.contains(stray) {
        return None;
    }
    Some(format!("{scheme}://{host}/{path}"))
}

#[cfg(test)]
mod tests {
    use super::target;

    #[test]
    fn uris_are_compared_as_rfc_9449_says() {
        let same = [
            ("https://api.example/a", "HTTPS://API.example:443/a?x=1#y"),
            ("http://api.example", "http://api.example:80/"),
            ("https://api.example/A/b?", "https://api.example/A/b"),
        ];
        for (a, b) in same {
            assert_eq!(target(a), target(b), "{a} {b}");
            assert!(target(a).is_some());
        }
        let different = [
            ("https://api.example/a", "https://api.example/A"),
            ("https://api.example/a", "http://api.example/a"),
            ("https://api.example/a", "https://api.example:8443/a"),
            ("https://api.example/a", "https://api.example/a/"),
            ("https://api.example", "https://api.example.evil"),
        ];
        for (a, b) in different {
            assert_ne!(target(a), target(b), "{a} {b}");
        }
        for none in [
            "",
            "/a",
            "https://",
            "ftp://x/a",
            "https://u@x/a",
            "https://x/a b",
            "x",
        ] {
            assert_eq!(target(none), None, "{none}");
        }
    }
}
