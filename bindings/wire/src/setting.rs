//! What a host says about a request with a token, or on behalf of principals
//! that it vouches for.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use deputize::Request;
use deputize::Tuple;
use deputize::exchange::Binding;
use deputize::json;
use deputize::request::Setting;
use deputize::scope::ScopeSet;
use deputize::time::UnixSeconds;
use deputize::token::{ClientCertificate, DpopRequest, VerifyOptions};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::error::Error;
use crate::kept::Time;

/// How old a DPoP proof may be, in seconds, unless the host says otherwise.
/// RFC 9449 §11.1 wants it to be short.
const DPOP_MAX_AGE: u64 = 60;

/// How far ahead of the host's clock a DPoP proof may be, in seconds.
const DPOP_MAX_AHEAD: u64 = 5;

/// A struct with its own members, and those that say what the host says.
/// (`flatten` would let unknown members pass.)
macro_rules! with_setting {
    ($(#[$meta:meta])* $name:ident { $($own:tt)* }) => {
        $(#[$meta])*
        #[derive(Clone, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(deny_unknown_fields)]
        pub(crate) struct $name {
            $($own)*
            /// The time of the request, in seconds since the Unix epoch.
            pub(crate) now: UnixSeconds,
            /// The tenant. Where the token names one, it must be the same.
            #[serde(default)]
            tenant: Option<String>,
            /// The task, `type:id`: what it holds is intersected too.
            #[serde(default)]
            task: Option<String>,
            /// Relationships that hold for this request alone.
            #[serde(default)]
            contextual_tuples: Vec<Tuple>,
            /// Values for conditions, in every question; a question's own go
            /// over them.
            #[serde(default, deserialize_with = "json::optional_object")]
            context: Option<Map<String, Value>>,
            /// Values for conditions that no question's own go over.
            #[serde(default, deserialize_with = "json::optional_object")]
            fixed_context: Option<Map<String, Value>>,
            /// Scopes that narrow beside the token's: one text, or a list.
            #[serde(default)]
            scopes: Option<Scopes>,
        }

        impl $name {
            /// The time of the request, which the program gave or not.
            #[allow(dead_code, reason = "an exchange keeps no caller")]
            pub(crate) fn time(&self, given: bool) -> Time {
                let now = self.now.0;
                Time { now, given }
            }

            /// The scopes that the host narrows to.
            pub(crate) fn scope_set(&self) -> Result<Option<ScopeSet>, Error> {
                self.scopes.as_ref().map(Scopes::set).transpose()
            }

            /// What the host says, with the scopes of [`Self::scope_set`].
            pub(crate) fn setting<'a>(&'a self, scopes: Option<&'a ScopeSet>) -> Setting<'a> {
                Setting {
                    tenant: self.tenant.as_deref(),
                    task: self.task.as_deref(),
                    tuples: &self.contextual_tuples,
                    context: self.context.as_ref(),
                    fixed_context: self.fixed_context.as_ref(),
                    scopes,
                }
            }
        }
    };
}

with_setting! {
    /// What goes with a caller that the host vouches for, and with AuthZEN's
    /// requests.
    CallerOptions {}
}

with_setting! {
    /// What goes with a token.
    VerifyRequest {
        /// Who is asked: the token must name this audience, and the issuer must
        /// be trusted for it. Without it, the token must name one of the
        /// issuer's `audiences`.
        #[serde(default)]
        audience: Option<String>,
        /// The DPoP proof that came with the request.
        #[serde(default)]
        dpop: Option<Dpop>,
        /// The certificate that the client showed in the TLS handshake.
        #[serde(default)]
        certificate: Option<Certificate>,
    }
}

with_setting! {
    /// A request for the next token of a chain (RFC 8693 §2.1).
    ExchangeRequest {
        /// On whose behalf, and what may be handed on.
        pub(crate) subject_token: String,
        /// For whom the subject token is verified, and the proofs that came
        /// with it.
        #[serde(default)]
        pub(crate) subject: Presentation,
        /// The token of whoever is to act, which must be its own.
        #[serde(default)]
        pub(crate) actor_token: Option<String>,
        /// For whom the actor token is verified, and the proofs that came with
        /// it; or, without an actor token, whom the host has authenticated.
        #[serde(default)]
        pub(crate) actor: Option<Actor>,
        /// What is asked of the next token.
        #[serde(default)]
        pub(crate) wanted: WantedToken,
    }
}

/// Scope tokens.
#[derive(Clone, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub(crate) enum Scopes {
    /// As in a `scope` claim, with a space between two.
    Text(String),
    /// One each.
    List(Vec<String>),
}

impl Scopes {
    fn set(&self) -> Result<ScopeSet, Error> {
        let set = match self {
            Self::Text(text) => ScopeSet::parse(text),
            Self::List(list) => ScopeSet::from_tokens(list.iter().map(String::as_str)),
        };
        set.map_err(|error| Error::from(error).at("/scopes"))
    }
}

/// How a token was presented.
#[derive(Clone, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Presentation {
    /// The audience that the token must name.
    #[serde(default)]
    audience: Option<String>,
    /// The DPoP proof that came with it.
    #[serde(default)]
    dpop: Option<Dpop>,
    /// The certificate that the client showed in the TLS handshake.
    #[serde(default)]
    certificate: Option<Certificate>,
}

/// Who is to act.
#[derive(Clone, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Actor {
    /// Without an actor token: the principal, `type:id`, whom the host has
    /// authenticated.
    #[serde(default)]
    pub(crate) principal: Option<String>,
    /// The audience that the actor token must name.
    #[serde(default)]
    audience: Option<String>,
    /// The DPoP proof that came with it.
    #[serde(default)]
    dpop: Option<Dpop>,
    /// The certificate that the actor showed in the TLS handshake.
    #[serde(default)]
    certificate: Option<Certificate>,
}

/// What is asked of the next token.
#[derive(Clone, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct WantedToken {
    /// `scope`; without, all that may be handed on.
    #[serde(default)]
    pub(crate) scope: Option<String>,
    /// `resource`, each an absolute URI without a fragment (RFC 8707 §2).
    #[serde(default)]
    pub(crate) resources: Vec<String>,
    /// `audience`. With neither, the subject token's audiences.
    #[serde(default)]
    pub(crate) audiences: Vec<String>,
    /// How long it is to live, in seconds; at most what is left of the tokens
    /// that led to it, and what the issuer's may live.
    #[serde(default)]
    pub(crate) lifetime: Option<u64>,
    /// Whom it is bound to: the `cnf` that it is to have (RFC 7800), `"keep"`
    /// for the subject token's, or `"drop"` for nobody's. Where this is not
    /// said, a token that is only narrowed stays bound as it is, and one that
    /// is handed on is bound as the actor token is. A bound token is never
    /// handed on as one that anybody may use unless `"drop"` says so.
    #[serde(default)]
    pub(crate) confirmation: Option<Confirmation>,
}

/// Whom the next token is bound to.
#[derive(Clone, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub(crate) enum Confirmation {
    /// As the subject token is, or to nobody.
    Named(NamedBinding),
    /// To this key.
    Key(#[serde(deserialize_with = "json::object")] Map<String, Value>),
}

/// Whom the next token is bound to, by name.
#[derive(Clone, Copy, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum NamedBinding {
    /// Whom the subject token is bound to.
    Keep,
    /// Nobody: whoever has the token may use it.
    Drop,
}

impl Confirmation {
    pub(crate) fn binding(&self) -> Binding<'_> {
        match self {
            Self::Named(NamedBinding::Keep) => Binding::Keep,
            Self::Named(NamedBinding::Drop) => Binding::Drop,
            Self::Key(key) => Binding::To(key),
        }
    }
}

impl VerifyRequest {
    /// The request as the core takes it, of nobody yet; with the scopes of
    /// [`Self::scope_set`].
    pub(crate) fn core<'a>(&'a self, scopes: Option<&'a ScopeSet>) -> Result<Request<'a>, Error> {
        let request = Request::at(self.now).presented(self.presented()?);
        Ok(request.setting(self.setting(scopes)))
    }

    /// Whether anything is said that belongs to a token.
    pub(crate) fn is_presented(&self) -> bool {
        self.audience.is_some() || self.dpop.is_some() || self.certificate.is_some()
    }
}

/// A DPoP proof and the request that it came with (RFC 9449).
#[derive(Clone, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Dpop {
    /// The `DPoP` header's value.
    proof: String,
    /// The request's method, e.g. `POST`.
    method: String,
    /// The request's URI; its query and fragment are not looked at.
    uri: String,
    /// The nonce that the host gave the client, where it did.
    #[serde(default)]
    nonce: Option<String>,
    /// How old the proof may be, in seconds; 60 by default.
    #[serde(default = "dpop_max_age")]
    max_age: u64,
    /// How far in the future it may have been made, in seconds; 5 by default.
    #[serde(default = "dpop_max_ahead")]
    max_ahead: u64,
}

fn dpop_max_age() -> u64 {
    DPOP_MAX_AGE
}

fn dpop_max_ahead() -> u64 {
    DPOP_MAX_AHEAD
}

/// A client's certificate (RFC 8705), by one of the two.
#[derive(Clone, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Certificate {
    /// The certificate in DER, as base64.
    Der(String),
    /// The SHA-256 of the certificate in DER: as hexadecimal, with or without
    /// colons, or as base64url.
    Sha256(String),
}

impl Certificate {
    fn read(&self) -> Result<ClientCertificate, Error> {
        let wrong = |what| Error::misuse("call.options", what).at("/certificate");
        match self {
            Self::Der(text) => match STANDARD.decode(text) {
                Ok(der) => Ok(ClientCertificate::from_der(&der)),
                Err(_) => Err(wrong("`der` must be base64")),
            },
            Self::Sha256(text) => digest(text)
                .map(ClientCertificate::from_sha256)
                .ok_or_else(|| wrong("`sha256` must be 32 bytes in hexadecimal or base64url")),
        }
    }
}

fn digest(text: &str) -> Option<[u8; 32]> {
    let bytes = URL_SAFE_NO_PAD.decode(text).unwrap_or_default();
    if let Ok(digest) = bytes.try_into() {
        return Some(digest);
    }
    let digits: Option<Vec<u8>> = text
        .chars()
        .filter(|c| *c != ':')
        .map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok()))
        .collect();
    let digits = digits?;
    let bytes: Vec<u8> = digits
        .as_chunks::<2>()
        .0
        .iter()
        .map(|[high, low]| high << 4 | low)
        .collect();
    match digits.len() {
        64 => bytes.try_into().ok(),
        _ => None,
    }
}

impl Dpop {
    fn request(&self) -> DpopRequest<'_> {
        DpopRequest {
            proof: &self.proof,
            method: &self.method,
            uri: &self.uri,
            nonce: self.nonce.as_deref(),
            max_age: self.max_age,
            max_ahead: self.max_ahead,
        }
    }
}

fn options<'a>(
    audience: Option<&'a str>,
    dpop: Option<&'a Dpop>,
    certificate: Option<&Certificate>,
) -> Result<VerifyOptions<'a>, Error> {
    Ok(VerifyOptions {
        audience,
        dpop: dpop.map(Dpop::request),
        certificate: certificate.map(Certificate::read).transpose()?,
    })
}

macro_rules! presented {
    ($($name:ident)*) => {
        $(impl $name {
            /// How the token was presented.
            pub(crate) fn presented(&self) -> Result<VerifyOptions<'_>, Error> {
                options(
                    self.audience.as_deref(),
                    self.dpop.as_ref(),
                    self.certificate.as_ref(),
                )
            }
        })*
    };
}

presented! { VerifyRequest Presentation Actor }
