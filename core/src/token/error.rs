//! Why a token is refused: one enum, each variant with its stable code.

use std::fmt;

use super::json::{JsonError, MAX_DEPTH, shorten};
use crate::time::UnixSeconds;

/// How much of a token's own text a message repeats, in characters.
const QUOTED: usize = 100;

/// Which of a token's JSON texts is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The first segment: the JOSE header.
    Header,
    /// The second segment: the claims.
    Claims,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Header => "header",
            Self::Claims => "claims",
        })
    }
}

/// How a text fails to be a JWS in compact form (RFC 7515 §7.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Malformed {
    /// It has not three segments separated by `.`.
    Segments {
        /// How many it has.
        found: usize,
    },
    /// It holds a byte outside the base64url alphabet and `.`: `=`, white
    /// space, quotes.
    Character {
        /// The first such byte's offset, from 0.
        offset: usize,
    },
    /// A segment is not canonical base64url: an impossible length, or bits set
    /// that encode nothing.
    Base64 {
        /// Which segment, from 1.
        segment: u8,
    },
    /// The header or the claims are not a JSON object.
    Json {
        /// Which of the two.
        part: Part,
        /// What is wrong with it.
        error: JsonError,
    },
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Segments { found: 5 } => {
                f.write_str("five segments: an encrypted token (JWE), where a signed one is needed")
            }
            Self::Segments { found } => write!(
                f,
                "{found} segment{}, where a signed token has three separated by `.`",
                if *found == 1 { "" } else { "s" }
            ),
            Self::Character { offset } => write!(
                f,
                "byte {offset} is neither base64url (A-Z a-z 0-9 - _, without padding) nor `.`"
            ),
            Self::Base64 { segment } => write!(f, "segment {segment} is not canonical base64url"),
            Self::Json { part, error } => write!(f, "the {part} are refused: {error}"),
        }
    }
}

/// What is wrong with a proof of possession.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProofFault {
    /// The DPoP proof fails as a signed token: its form or its signature.
    Token(Box<TokenError>),
    /// A header member is missing or not what it must be.
    Header {
        /// Its name.
        member: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// A claim is missing or not what it must be.
    Claim {
        /// Its name.
        claim: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// The key in the proof's header cannot be used.
    Key,
    /// The proof was made for another request, token or nonce.
    Mismatch {
        /// The claim that differs: `htm`, `htu`, `ath` or `nonce`.
        claim: &'static str,
    },
    /// The proof was made too long ago, or later than now.
    Time {
        /// When it says it was made.
        issued_at: UnixSeconds,
        /// The time it was checked at.
        now: UnixSeconds,
    },
    /// A DPoP proof came with a token that is not bound to any key
    /// (RFC 9449 §7.1).
    Unbound,
}

impl fmt::Display for ProofFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Token(error) => write!(f, "as a token itself, {error}"),
            Self::Header { member, expected } => {
                write!(f, "its header member `{member}` must be {expected}")
            }
            Self::Claim { claim, expected } => write!(f, "its claim `{claim}` must be {expected}"),
            Self::Key => f.write_str("the key in its header is weak, private or malformed"),
            Self::Mismatch { claim } => {
                write!(f, "its `{claim}` is not that of this request")
            }
            Self::Time { issued_at, now } => {
                write!(
                    f,
                    "made at {issued_at}, which is outside the window around {now}"
                )
            }
            Self::Unbound => f.write_str("the token is not bound to a key, so it proves nothing"),
        }
    }
}

/// The way a token is bound to its holder (RFC 7800).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProofKind {
    /// `cnf.jkt`: a DPoP proof (RFC 9449).
    Dpop,
    /// `cnf.x5t#S256`: the client's TLS certificate (RFC 8705).
    Mtls,
}

impl fmt::Display for ProofKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dpop => "a DPoP proof",
            Self::Mtls => "the client's TLS certificate",
        })
    }
}

/// Why a token is refused. Every variant denies.
///
/// The variants stand in the order in which the checks are made. What a message
/// repeats of the token is cut to 100 characters, and never is it the
/// signature or the token as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenError {
    /// `token.too_large`: it is longer than any token that is read.
    TooLarge {
        /// Its length in bytes.
        size: usize,
        /// The longest that is read.
        limit: usize,
    },
    /// `token.malformed`: it is not a signed JWT in compact form.
    Malformed(Malformed),
    /// `token.duplicate_member`: an object in it has two members of one name.
    DuplicateMember {
        /// Where.
        part: Part,
        /// The name.
        name: String,
    },
    /// `token.too_deep`: its JSON nests too deeply, e.g. a very long `act`.
    TooDeep {
        /// Where.
        part: Part,
    },
    /// `token.header`: a header member is not what it must be.
    Header {
        /// Its name.
        member: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// `token.critical`: the header has `crit` or `b64`, which change what the
    /// token means; no such extension is supported.
    Critical {
        /// Which of the two.
        member: &'static str,
    },
    /// `token.algorithm`: the algorithm is not one that the issuer uses.
    Algorithm {
        /// The header's `alg`.
        algorithm: String,
    },
    /// `issuer.missing`: there is no `iss` claim.
    IssuerMissing,
    /// `issuer.unknown`: no issuer of that exact name is trusted.
    IssuerUnknown {
        /// The `iss` claim.
        issuer: String,
    },
    /// `token.type`: the header's `typ` is not one that the issuer uses.
    Type {
        /// The header's `typ`.
        typ: Option<String>,
        /// The types that the issuer uses.
        expected: Vec<String>,
    },
    /// `key.unknown`: the issuer has no key of that `kid`, or the header has no
    /// `kid`.
    KeyUnknown {
        /// The header's `kid`.
        kid: Option<String>,
    },
    /// `key.unfit`: the key is not for this algorithm, or not for signatures.
    KeyUnfit {
        /// The key's `kid`.
        kid: String,
        /// What speaks against it.
        reason: String,
    },
    /// `token.signature`: the signature does not fit the key.
    Signature,
    /// `token.claim`: a claim is not what it must be.
    Claim {
        /// Its name, e.g. `exp` or `act.sub`.
        claim: String,
        /// What it must be.
        expected: &'static str,
    },
    /// `token.claim_missing`: a claim that every token must have is missing.
    ClaimMissing {
        /// Its name.
        claim: &'static str,
    },
    /// `token.claim_absent`: a claim is missing without which it would say less
    /// than it should.
    ClaimAbsent {
        /// The claim, as the issuer's entry names it.
        claim: String,
    },
    /// `token.claim_elsewhere`: the token says that a claim's value is to be
    /// had elsewhere.
    ClaimElsewhere {
        /// Its name.
        claim: String,
    },
    /// `token.claim`: one of a claim's values fits no id.
    ClaimValue {
        /// The claim, as the issuer's entry names it.
        claim: String,
        /// Which of its values, from 0.
        place: usize,
        /// What is wrong with it. The value itself is not repeated.
        problem: String,
    },
    /// `token.reading`: it fits none of its issuer's readings.
    Reading,
    /// `token.reading_ambiguous`: it fits two of its issuer's readings.
    ReadingAmbiguous {
        /// What the two are called.
        readings: [String; 2],
    },
    /// `token.requirement`: it does not say what its issuer's tokens must say.
    Requirement {
        /// What it does not pass, in words.
        test: String,
    },
    /// `chain.client_missing`: no claim names the client, which acts.
    ChainClientMissing,
    /// `chain.client_mismatch`: the client is not the current actor.
    ChainClientMismatch,
    /// `chain.not_expected`: it has `act`, and the issuer's `chain` is `none`.
    ChainNotExpected,
    /// `token.expired`: `exp` has been reached.
    Expired {
        /// The `exp` claim.
        expires_at: UnixSeconds,
        /// The time it was checked at.
        now: UnixSeconds,
    },
    /// `token.not_yet_valid`: `nbf` or `iat` lies in the future.
    NotYetValid {
        /// `nbf` or `iat`.
        claim: &'static str,
        /// What it says.
        at: UnixSeconds,
        /// The time it was checked at.
        now: UnixSeconds,
    },
    /// `token.lifetime`: it lives longer than the issuer's tokens may.
    Lifetime {
        /// From its issue (or from now, without `iat`) to its expiry, seconds.
        lifetime: u64,
        /// The longest that the issuer's tokens may live, seconds.
        limit: u64,
    },
    /// `audience.missing`: there is no `aud` claim, or an empty one.
    AudienceMissing,
    /// `audience.mismatch`: it is meant for someone else.
    AudienceMismatch {
        /// What would have been right; empty where nothing is configured.
        expected: Vec<String>,
    },
    /// `proof.unsupported`: it is bound in a way that cannot be checked.
    ProofUnsupported {
        /// The member of `cnf`.
        member: String,
    },
    /// `proof.missing`: it is bound to its holder, and no proof was given.
    ProofMissing {
        /// What is needed.
        needed: ProofKind,
    },
    /// `proof.invalid`: the proof itself does not hold.
    ProofInvalid(ProofFault),
    /// `proof.mismatch`: the proof holds, but for another key than the one that
    /// the token is bound to.
    ProofMismatch {
        /// The kind of proof.
        kind: ProofKind,
    },
    /// `revoked.key`: the key that signed it was revoked.
    RevokedKey {
        /// The key's `kid`.
        kid: String,
    },
    /// `revoked.token`: it was revoked itself.
    RevokedToken {
        /// Its `jti`.
        id: String,
    },
    /// `revoked.principal`: it was issued before its principal's tokens were
    /// revoked, or does not say when it was issued.
    RevokedPrincipal {
        /// The principal.
        principal: String,
        /// Tokens issued before this time are revoked.
        before: UnixSeconds,
    },
}

impl TokenError {
    /// The stable code of this reason, the same in every language.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "token.too_large",
            Self::Malformed(_) => "token.malformed",
            Self::DuplicateMember { .. } => "token.duplicate_member",
            Self::TooDeep { .. } => "token.too_deep",
            Self::Header { .. } => "token.header",
            Self::Critical { .. } => "token.critical",
            Self::Algorithm { .. } => "token.algorithm",
            Self::IssuerMissing => "issuer.missing",
            Self::IssuerUnknown { .. } => "issuer.unknown",
            Self::Type { .. } => "token.type",
            Self::KeyUnknown { .. } => "key.unknown",
            Self::KeyUnfit { .. } => "key.unfit",
            Self::Signature => "token.signature",
            Self::Claim { .. } => "token.claim",
            Self::ClaimMissing { .. } => "token.claim_missing",
            Self::ClaimAbsent { .. } => "token.claim_absent",
            Self::ClaimElsewhere { .. } => "token.claim_elsewhere",
            Self::ClaimValue { .. } => "token.claim",
            Self::Reading => "token.reading",
            Self::ReadingAmbiguous { .. } => "token.reading_ambiguous",
            Self::Requirement { .. } => "token.requirement",
            Self::ChainClientMissing => "chain.client_missing",
            Self::ChainClientMismatch => "chain.client_mismatch",
            Self::ChainNotExpected => "chain.not_expected",
            Self::Expired { .. } => "token.expired",
            Self::NotYetValid { .. } => "token.not_yet_valid",
            Self::Lifetime { .. } => "token.lifetime",
            Self::AudienceMissing => "audience.missing",
            Self::AudienceMismatch { .. } => "audience.mismatch",
            Self::ProofUnsupported { .. } => "proof.unsupported",
            Self::ProofMissing { .. } => "proof.missing",
            Self::ProofInvalid(_) => "proof.invalid",
            Self::ProofMismatch { .. } => "proof.mismatch",
            Self::RevokedKey { .. } => "revoked.key",
            Self::RevokedToken { .. } => "revoked.token",
            Self::RevokedPrincipal { .. } => "revoked.principal",
        }
    }

    /// What a JSON fault in one of the token's texts is called.
    pub(crate) fn from_json(part: Part, error: JsonError) -> Self {
        match error {
            JsonError::DuplicateMember { name } => Self::DuplicateMember { part, name },
            JsonError::TooDeep => Self::TooDeep { part },
            error @ (JsonError::Syntax { .. } | JsonError::NotAnObject) => {
                Self::Malformed(Malformed::Json { part, error })
            }
        }
    }
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quote = |text: &str| format!("`{}`", shorten(text, QUOTED));
        let list = |texts: &[String]| {
            texts
                .iter()
                .map(|text| quote(text))
                .collect::<Vec<_>>()
                .join(", ")
        };
        match self {
            Self::TooLarge { size, limit } => {
                write!(f, "the token has {size} bytes; at most {limit} are read")
            }
            Self::Malformed(malformed) => write!(f, "the token is not a signed JWT: {malformed}"),
            Self::DuplicateMember { part, name } => {
                write!(
                    f,
                    "the token's {part}: {} occurs twice in one object",
                    quote(name)
                )
            }
            Self::TooDeep { part } => {
                write!(f, "the token's {part} nest deeper than {MAX_DEPTH} levels")
            }
            Self::Header { member, expected } => {
                write!(f, "the token's header member `{member}` must be {expected}")
            }
            Self::Critical { member } => write!(
                f,
                "the token's header has `{member}`; no extension that must be understood is supported"
            ),
            Self::Algorithm { algorithm } => write!(
                f,
                "the algorithm {} is not in the issuer's `algorithms`",
                quote(algorithm)
            ),
            Self::IssuerMissing => f.write_str("the token has no `iss` claim"),
            Self::IssuerUnknown { issuer } => {
                write!(f, "no trusted issuer is named exactly {}", quote(issuer))
            }
            Self::Type { typ, expected } => match typ {
                Some(typ) => write!(
                    f,
                    "the token's type {} is none of {}",
                    quote(typ),
                    list(expected)
                ),
                None => write!(
                    f,
                    "the token has no type, where one of {} is needed",
                    list(expected)
                ),
            },
            Self::KeyUnknown { kid: Some(kid) } => {
                write!(f, "the issuer has no key with the id {}", quote(kid))
            }
            Self::KeyUnknown { kid: None } => f.write_str(
                "the token's header has no `kid`, so it names none of the issuer's keys",
            ),
            Self::KeyUnfit { kid, reason } => {
                write!(f, "the key {} does not fit: {reason}", quote(kid))
            }
            Self::Signature => f.write_str("the token's signature does not fit the issuer's key"),
            Self::Claim { claim, expected } => {
                write!(f, "the token's claim {} must be {expected}", quote(claim))
            }
            Self::ClaimMissing { claim } => write!(f, "the token has no `{claim}` claim"),
            Self::ClaimAbsent { claim } => write!(
                f,
                "the token has no {}, and what is left out may be what takes away",
                quote(claim)
            ),
            Self::ClaimElsewhere { claim } => write!(
                f,
                "the token says that its {} is to be had elsewhere, so not all of it is here",
                quote(claim)
            ),
            Self::ClaimValue {
                claim,
                place,
                problem,
            } => write!(
                f,
                "value {} of the claim {} {problem}: it fits no id. The issuer's entry may `encode` it, or give `values`",
                place + 1,
                quote(claim)
            ),
            Self::Reading => f.write_str("the token fits none of its issuer's readings"),
            Self::ReadingAmbiguous {
                readings: [first, second],
            } => write!(
                f,
                "the token fits two of its issuer's readings, {} and {}",
                quote(first),
                quote(second)
            ),
            Self::Requirement { test } => write!(
                f,
                "the token does not say what its issuer's must say: {test}"
            ),
            Self::ChainClientMissing => f.write_str(
                "the token does not name the client that it was issued to, which is who acts",
            ),
            Self::ChainClientMismatch => f.write_str(
                "the client that the token was issued to is not the current actor, the outermost `act`",
            ),
            Self::ChainNotExpected => f.write_str(
                "the token has `act`, and its issuer's `chain` does not say how it is to be read",
            ),
            Self::Expired { expires_at, now } => {
                write!(f, "the token expired at {expires_at}; it is {now}")
            }
            Self::NotYetValid { claim, at, now } => {
                write!(
                    f,
                    "the token's `{claim}` is {at}, in the future; it is {now}"
                )
            }
            Self::Lifetime { lifetime, limit } => write!(
                f,
                "the token lives {lifetime} seconds; the issuer's tokens may live {limit}"
            ),
            Self::AudienceMissing => f.write_str("the token names no audience"),
            Self::AudienceMismatch { expected } if expected.is_empty() => f.write_str(
                "the issuer has no `audiences`, and the caller named none, so no token fits",
            ),
            Self::AudienceMismatch { expected } => {
                write!(
                    f,
                    "the token is meant for another audience than {}",
                    list(expected)
                )
            }
            Self::ProofUnsupported { member } => write!(
                f,
                "the token is bound by `cnf` member {}; only `jkt` and `x5t#S256` can be checked",
                quote(member)
            ),
            Self::ProofMissing { needed } => {
                write!(f, "the token is bound to its holder: {needed} is needed")
            }
            Self::ProofInvalid(fault) => write!(f, "the DPoP proof is refused: {fault}"),
            Self::ProofMismatch { kind } => {
                write!(f, "{kind} is not of the key that the token is bound to")
            }
            Self::RevokedKey { kid } => write!(f, "the key {} was revoked", quote(kid)),
            Self::RevokedToken { id } => write!(f, "the token {} was revoked", quote(id)),
            Self::RevokedPrincipal { principal, before } => write!(
                f,
                "tokens of {} issued before {before} were revoked",
                quote(principal)
            ),
        }
    }
}

impl std::error::Error for TokenError {}
