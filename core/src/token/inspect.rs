//! A look into a token without a policy: decoded and linted, never verified.

use serde::Serialize;
use serde_json::{Map, Value};

use super::algorithm::Algorithm;
use super::claims::{Round, seconds};
use super::error::{Malformed, Part, TokenError};
use super::json;
use super::jws::{self, Jws, MAX_BYTES};
use super::key::{KeyFault, KeySet};
use crate::time::UnixSeconds;

/// A lifetime that deserves a word, in seconds: access tokens of agents are
/// commonly valid for minutes.
const LONG_LIFETIME: u64 = 86_400;

/// A token taken apart. Nothing in here may be relied upon.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Inspection {
    /// Always `false`: no signature was checked.
    pub verified: bool,
    /// The header, where it could be read.
    pub header: Option<Value>,
    /// The claims, where they could be read.
    pub claims: Option<Value>,
    /// What is wrong or worth a second look, in the order of a token's parts.
    pub findings: Vec<Finding>,
}

/// Something wrong or worth a second look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// The stable code: a [`TokenError`]'s own, or one that begins with `lint.`.
    pub code: &'static str,
    /// What it is, for a person.
    pub message: String,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// A careful verifier may refuse it, or a careless one may be fooled.
    Warning,
    /// No policy of ours accepts it.
    Error,
}

/// Decodes a token and says what is odd about it. With `now`, also whether its
/// times hold then.
///
/// Reads as much as it can: a token that [`Issuers::verify`] refuses for its
/// form is still shown where its parts can be decoded.
///
/// [`Issuers::verify`]: super::Issuers::verify
#[must_use]
pub fn inspect(token: &str, now: Option<UnixSeconds>) -> Inspection {
    let mut lint = Lint {
        findings: Vec::new(),
    };
    let (mut header, mut claims) = (None, None);
    if let Some(segments) = lint.form(bare(token)) {
        header = lint.part(Part::Header, segments.0);
        claims = lint.part(Part::Claims, segments.1);
        if let Some(header) = &header {
            lint.header(header);
        }
        if let Some(claims) = &claims {
            lint.claims(claims, now);
        }
        if segments.2.is_empty() {
            lint.error("token.signature", "it has no signature".to_owned());
        }
    }
    Inspection {
        verified: false,
        header: header.map(Value::Object),
        claims: claims.map(Value::Object),
        findings: lint.findings,
    }
}

/// A token without what is often copied along with it.
pub(crate) fn bare(token: &str) -> &str {
    let trimmed = token.trim();
    trimmed.strip_prefix("Bearer ").unwrap_or(trimmed).trim()
}

/// Whether a token's signature fits the key that it names, and nothing else:
/// who issued it, for whom and until when was not looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SignatureFinding {
    /// Whether it fits.
    pub fits: bool,
    /// The stable code: `allowed`, or a [`TokenError`]'s.
    pub code: &'static str,
    /// What it is, for a person.
    pub message: String,
    /// The `kid` of the key that was tried.
    pub kid: Option<String>,
    /// The algorithm that the key is for, e.g. `RS256`.
    pub algorithm: Option<&'static str>,
}

impl SignatureFinding {
    /// What trying a key came to.
    pub(crate) fn of(tried: Result<(&str, Algorithm), TokenError>) -> Self {
        match tried {
            Ok((kid, algorithm)) => Self {
                fits: true,
                code: "allowed",
                message: format!(
                    "the signature fits the {algorithm} key `{}`",
                    json::shorten(kid, 100).escape_debug()
                ),
                kid: Some(kid.to_owned()),
                algorithm: Some(algorithm.name()),
            },
            Err(error) => Self {
                fits: false,
                code: error.code(),
                message: error.to_string(),
                kid: None,
                algorithm: None,
            },
        }
    }

    /// Tries a token's signature against keys that somebody has at hand, in any
    /// of the forms of [`KeySet::compile`]. The algorithm is the token's own
    /// word: an issuer's list of algorithms is what a policy has, and keys alone
    /// have not.
    ///
    /// # Errors
    ///
    /// The keys cannot be read: the JSON pointer below them, and the fault.
    pub fn by_keys(token: &str, keys: &Value) -> Result<Self, (String, KeyFault)> {
        let jws = Jws::parse(bare(token).as_bytes());
        let named = jws.as_ref().map_err(Clone::clone).and_then(|jws| {
            let algorithm = jws.header.algorithm()?;
            Ok((jws, algorithm))
        });
        let algorithms = match &named {
            Ok((_, algorithm)) => vec![*algorithm],
            Err(_) => Algorithm::ALL.to_vec(),
        };
        let keys = KeySet::compile(keys, &algorithms)?;
        Ok(Self::of(named.and_then(|(jws, algorithm)| {
            let key = keys.select(&jws.header, &algorithms)?;
            key.verify(jws)?;
            // `select` has seen to it that the two are the same.
            let kid = jws.header.kid.as_deref().unwrap_or_default();
            Ok((kid, algorithm))
        })))
    }
}

struct Lint {
    findings: Vec<Finding>,
}

impl Lint {
    fn add(&mut self, severity: Severity, code: &'static str, message: String) {
        self.findings.push(Finding {
            severity,
            code,
            message,
        });
    }

    fn error(&mut self, code: &'static str, message: String) {
        self.add(Severity::Error, code, message);
    }

    fn refuse(&mut self, error: &TokenError) {
        self.error(error.code(), error.to_string());
    }

    fn form<'t>(&mut self, token: &'t str) -> Option<(&'t str, &'t str, &'t str)> {
        if token.len() > MAX_BYTES {
            self.refuse(&TokenError::TooLarge {
                size: token.len(),
                limit: MAX_BYTES,
            });
            return None;
        }
        if token.starts_with('{') {
            let message = "JSON, where a token in compact form is needed";
            self.error("token.malformed", message.to_owned());
            return None;
        }
        let mut segments = token.split('.');
        match (
            segments.next(),
            segments.next(),
            segments.next(),
            segments.next(),
        ) {
            (Some(header), Some(claims), Some(signature), None) => {
                Some((header, claims, signature))
            }
            (_, None, _, _) => {
                let message =
                    "an opaque token: it can only be looked up at its issuer, not verified here";
                self.error("token.malformed", message.to_owned());
                None
            }
            _ => {
                let found = token.split('.').count();
                self.refuse(&TokenError::Malformed(Malformed::Segments { found }));
                None
            }
        }
    }

    fn part(&mut self, part: Part, segment: &str) -> Option<Map<String, Value>> {
        let number = if part == Part::Header { 1 } else { 2 };
        let bytes = match jws::decode(segment.as_bytes(), number) {
            Ok(bytes) => bytes,
            Err(error) => {
                self.refuse(&error);
                return None;
            }
        };
        match json::parse_object(&bytes) {
            Ok(members) => Some(members),
            Err(error) => {
                self.refuse(&TokenError::from_json(part, error));
                // Shown as most parsers would read it, so that the difference
                // can be seen.
                serde_json::from_slice(&bytes).ok()
            }
        }
    }

    fn header(&mut self, header: &Map<String, Value>) {
        match header.get("alg") {
            Some(Value::String(name)) if name.eq_ignore_ascii_case("none") => {
                let message = "`alg` is `none`: anyone could have written it".to_owned();
                self.error("token.algorithm", message);
            }
            Some(Value::String(name)) => match Algorithm::from_name(name) {
                None => {
                    let name = json::shorten(name, 40);
                    self.error(
                        "token.algorithm",
                        format!("`alg` is `{name}`, which is not supported"),
                    );
                }
                Some(algorithm) if algorithm.is_symmetric() => self.add(
                    Severity::Warning,
                    "lint.shared_secret",
                    format!("{algorithm}: whoever can verify it can also forge it"),
                ),
                Some(_) => {}
            },
            _ => self.refuse(&TokenError::Header {
                member: "alg",
                expected: "a string",
            }),
        }
        match header.get("kid") {
            Some(Value::String(_)) => {}
            Some(_) => self.refuse(&TokenError::Header {
                member: "kid",
                expected: "a string",
            }),
            None => self.refuse(&TokenError::KeyUnknown { kid: None }),
        }
        for member in ["jwk", "jku", "x5u", "x5c"] {
            if header.contains_key(member) {
                self.add(
                    Severity::Warning,
                    "lint.embedded_key",
                    format!("`{member}` in the header: a key that the token brings along proves nothing, and is not used"),
                );
            }
        }
        for member in ["crit", "b64"] {
            if header.contains_key(member) {
                self.refuse(&TokenError::Critical { member });
            }
        }
        if header.contains_key("zip") {
            self.refuse(&TokenError::Header {
                member: "zip",
                expected: "absent",
            });
        }
        if !header.contains_key("typ") {
            let message =
                "no `typ`: nothing tells it from another kind of token of the same issuer";
            self.add(Severity::Note, "lint.untyped", message.to_owned());
        }
    }

    fn claims(&mut self, claims: &Map<String, Value>, now: Option<UnixSeconds>) {
        match claims.get("iss") {
            Some(Value::String(_)) => {}
            Some(_) => self.wrong("iss", "a string"),
            None => self.refuse(&TokenError::IssuerMissing),
        }
        match claims.get("aud") {
            None => self.refuse(&TokenError::AudienceMissing),
            Some(Value::String(_)) => {}
            Some(Value::Array(list)) if list.iter().all(Value::is_string) => {
                if list.is_empty() {
                    self.refuse(&TokenError::AudienceMissing);
                } else if list.len() > 1 {
                    let message = "several audiences: each of them could use it at the others";
                    self.add(Severity::Note, "lint.many_audiences", message.to_owned());
                }
            }
            Some(_) => self.wrong("aud", "a string or a list of strings"),
        }
        self.times(claims, now);
        self.actors(claims);
        self.scopes(claims);
    }

    fn times(&mut self, claims: &Map<String, Value>, now: Option<UnixSeconds>) {
        let mut read = |claim, round| match seconds(claims, claim, round) {
            Ok(time) => time,
            Err(error) => {
                self.refuse(&error);
                None
            }
        };
        let expires_at = read("exp", Round::Down);
        let not_before = read("nbf", Round::Up);
        let issued_at = read("iat", Round::Down);
        if !claims.contains_key("exp") {
            self.refuse(&TokenError::ClaimMissing { claim: "exp" });
        }
        if let (Some(expires_at), Some(from)) = (expires_at, issued_at.or(now)) {
            let lifetime = expires_at.since(from);
            if lifetime > LONG_LIFETIME {
                self.add(
                    Severity::Warning,
                    "lint.long_lifetime",
                    format!(
                        "valid for {lifetime} seconds, more than a day: a stolen one stays useful"
                    ),
                );
            }
        }
        let Some(now) = now else { return };
        if let Some(expires_at) = expires_at
            && now >= expires_at
        {
            self.refuse(&TokenError::Expired { expires_at, now });
        }
        for (claim, time) in [("nbf", not_before), ("iat", issued_at)] {
            if let Some(at) = time
                && at > now
            {
                self.refuse(&TokenError::NotYetValid { claim, at, now });
            }
        }
    }

    /// Looks at who acts for whom. The shape alone cannot tell the conventions
    /// apart, so all that is said is what each would make of it.
    fn actors(&mut self, claims: &Map<String, Value>) {
        let text = |members: &Map<String, Value>, name: &str| {
            members
                .get(name)
                .and_then(Value::as_str)
                .map(|text| json::shorten(text, 60))
        };
        let mut next = claims.get("act");
        let mut innermost = None;
        let mut hops = 0_usize;
        while let Some(act) = next {
            let Some(members) = act.as_object() else {
                return self.wrong("act", "an object");
            };
            match text(members, "sub") {
                Some(subject) => innermost = Some(subject),
                None => return self.wrong("act.sub", "a string that names the actor"),
            }
            hops += 1;
            next = members.get("act");
        }
        let (Some(subject), Some(actor)) = (text(claims, "sub"), innermost) else {
            return;
        };
        if hops > 4 {
            let message = format!("{hops} actors; many verifiers stop at four");
            self.add(Severity::Note, "lint.long_chain", message);
        }
        if looks_like_agent(&subject) && !looks_like_agent(&actor) {
            self.add(
                Severity::Warning,
                "lint.inverse_act",
                format!(
                    "`sub` is `{subject}` and `act.sub` is `{actor}`: by RFC 8693 the second acts for the first; if it is the other way round, the issuer's convention is `subject_is_actor`"
                ),
            );
        }
    }

    /// A pattern that covers every action, where the issuer's scopes are read as
    /// patterns.
    fn scopes(&mut self, claims: &Map<String, Value>) {
        let every = |text: &str| text.split(' ').any(|scope| matches!(scope, "*" | "*:*"));
        let wide = ["scope", "scp"].into_iter().find(|name| {
            claims.get(*name).is_some_and(|value| match value {
                Value::String(text) => every(text),
                Value::Array(list) => list.iter().filter_map(Value::as_str).any(every),
                _ => false,
            })
        });
        if let Some(name) = wide {
            self.add(
                Severity::Warning,
                "lint.wide_scope",
                format!("`{name}` asks for every action: it narrows nothing, so a stolen token may do all that its parties may"),
            );
        }
    }

    fn wrong(&mut self, claim: &str, expected: &'static str) {
        self.refuse(&TokenError::Claim {
            claim: claim.to_owned(),
            expected,
        });
    }
}

/// A guess from the name, good enough for a hint.
fn looks_like_agent(subject: &str) -> bool {
    let lower = subject.to_ascii_lowercase();
    ["agent", "bot", "service", "svc", "client"]
        .iter()
        .any(|word| lower.contains(word))
}
