//! The compact form of a signed token, taken apart: RFC 7515 §5.2, and nothing
//! that it leaves open.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::algorithm::Algorithm;
use super::error::{Malformed, Part, TokenError};
use super::json;

/// The longest token that is read, in bytes.
///
/// HTTP servers commonly refuse headers above 8 to 64 KiB, so no token that
/// arrives as a bearer credential is longer; without a limit a hostile one is
/// decoded and parsed before its signature is looked at.
pub const MAX_BYTES: usize = 64 * 1024;

/// A signed token taken apart. Nothing in it has been verified.
///
/// Its `Debug` form shows the header alone: the rest is a credential.
pub struct Jws<'t> {
    /// Its protected header.
    pub header: Header,
    /// The payload's bytes.
    pub payload: Vec<u8>,
    /// What is signed: the first two segments and the `.` between them.
    pub signing_input: &'t [u8],
    /// The signature's bytes.
    pub signature: Vec<u8>,
}

/// The members of a header that are looked at.
///
/// `jwk`, `jku`, `x5u`, `x5c` are not among them: a key comes from the issuer's
/// own entry in the snapshot or from nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// `alg`, as written.
    pub algorithm: String,
    /// `kid`.
    pub kid: Option<String>,
    /// `typ`.
    pub typ: Option<String>,
}

impl<'t> Jws<'t> {
    /// Takes a token apart.
    ///
    /// # Errors
    ///
    /// [`TokenError::TooLarge`] beyond [`MAX_BYTES`]; [`TokenError::Malformed`]
    /// for anything but three segments of canonical base64url, or a header that
    /// is not a JSON object; [`TokenError::DuplicateMember`] and
    /// [`TokenError::TooDeep`] for its header; [`TokenError::Header`] for
    /// members of a wrong kind; [`TokenError::Critical`] for `crit` and `b64`.
    pub fn parse(token: &'t [u8]) -> Result<Self, TokenError> {
        Ok(Self::parse_with_header(token)?.0)
    }

    /// Takes a token apart, and returns its header's members as well.
    pub(crate) fn parse_with_header(
        token: &'t [u8],
    ) -> Result<(Self, Map<String, Value>), TokenError> {
        let segments = Segments::split(token)?;
        let members = json::parse_object(&decode(segments.header, 1)?)
            .map_err(|error| TokenError::from_json(Part::Header, error))?;
        let header = Header::read(&members)?;
        let jws = Self {
            header,
            payload: decode(segments.payload, 2)?,
            signing_input: segments.signing_input,
            signature: decode(segments.signature, 3)?,
        };
        Ok((jws, members))
    }

    /// The payload as claims.
    ///
    /// # Errors
    ///
    /// [`TokenError::Malformed`] where it is not a JSON object,
    /// [`TokenError::DuplicateMember`] and [`TokenError::TooDeep`].
    pub fn claims(&self) -> Result<Map<String, Value>, TokenError> {
        json::parse_object(&self.payload)
            .map_err(|error| TokenError::from_json(Part::Claims, error))
    }
}

impl fmt::Debug for Jws<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jws")
            .field("header", &self.header)
            .finish_non_exhaustive()
    }
}

impl Header {
    /// The algorithm, where it is one that is supported at all.
    ///
    /// # Errors
    ///
    /// [`TokenError::Algorithm`]: `none` in any spelling and everything else.
    pub fn algorithm(&self) -> Result<Algorithm, TokenError> {
        Algorithm::from_name(&self.algorithm).ok_or_else(|| TokenError::Algorithm {
            algorithm: json::shorten(&self.algorithm, 100),
        })
    }

    fn read(members: &Map<String, Value>) -> Result<Self, TokenError> {
        // RFC 7515 §4.1.11: a recipient that does not understand a critical
        // extension must reject. We understand none. RFC 7797 §6 lets `b64`
        // appear without `crit` in no token that other libraries would read
        // the same way.
        for member in ["crit", "b64"] {
            if members.contains_key(member) {
                return Err(TokenError::Critical { member });
            }
        }
        if members.contains_key("zip") {
            return Err(TokenError::Header {
                member: "zip",
                expected: "absent",
            });
        }
        let text = |member: &'static str| match members.get(member) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(TokenError::Header {
                member,
                expected: "a string",
            }),
        };
        Ok(Self {
            algorithm: text("alg")?.ok_or(TokenError::Header {
                member: "alg",
                expected: "present",
            })?,
            kid: text("kid")?,
            typ: text("typ")?,
        })
    }
}

/// Base64url without padding, refusing bits that encode nothing.
pub(crate) fn decode(segment: &[u8], number: u8) -> Result<Vec<u8>, TokenError> {
    URL_SAFE_NO_PAD
        .decode(segment)
        .map_err(|_| TokenError::Malformed(Malformed::Base64 { segment: number }))
}

/// Base64url without padding.
pub(crate) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The three segments, still encoded.
struct Segments<'t> {
    header: &'t [u8],
    payload: &'t [u8],
    signature: &'t [u8],
    signing_input: &'t [u8],
}

impl<'t> Segments<'t> {
    fn split(token: &'t [u8]) -> Result<Self, TokenError> {
        if token.len() > MAX_BYTES {
            return Err(TokenError::TooLarge {
                size: token.len(),
                limit: MAX_BYTES,
            });
        }
        // RFC 8725bis: nothing but base64url and `.` may occur, so that every
        // reader takes the token apart in the same way.
        let stray =
            |byte: &u8| !(byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
        if let Some(offset) = token.iter().position(stray) {
            return Err(TokenError::Malformed(Malformed::Character { offset }));
        }
        let mut segments = token.split(|byte| *byte == b'.');
        let (Some(header), Some(payload), Some(signature), None) = (
            segments.next(),
            segments.next(),
            segments.next(),
            segments.next(),
        ) else {
            let found = token.split(|byte| *byte == b'.').count();
            return Err(TokenError::Malformed(Malformed::Segments { found }));
        };
        let signing_input = token
            .get(..header.len() + 1 + payload.len())
            .unwrap_or_default();
        Ok(Self {
            header,
            payload,
            signature,
            signing_input,
        })
    }
}
