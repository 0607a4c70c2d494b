//! Requests: all that a host hands in when somebody asks. The time, who asks
//! and how that is proved, and what the host itself says.

mod context;
mod credential;
mod setting;

pub(crate) use self::context::over;
pub(crate) use self::credential::{Credential, Signature};
pub use self::setting::Setting;

use std::fmt;

use serde_json::{Map, Value};

use crate::caller::Inputs;
use crate::query::Tuple;
use crate::scope::ScopeSet;
use crate::time::UnixSeconds;
use crate::token::{ClientCertificate, DpopRequest, VerifyOptions};

/// All that a host hands in of one request.
///
/// ```
/// use deputize::{Request, UnixSeconds};
///
/// let now = UnixSeconds(1_763_719_200);
/// let by_token = Request::at(now).token("ey…").audience("https://api.example");
/// let vouched = Request::at(now).on_behalf_of(&["user:anne", "agent:triage"]).tenant("acme");
/// # let _ = (by_token, vouched);
/// ```
#[derive(Clone)]
#[must_use = "a request is nothing until a policy is asked"]
pub struct Request<'a> {
    pub(crate) now: UnixSeconds,
    pub(crate) credential: Credential<'a>,
    pub(crate) presented: VerifyOptions<'a>,
    pub(crate) signature: Signature,
    pub(crate) setting: Setting<'a>,
    pub(crate) max_age: Option<u64>,
}

impl<'a> Request<'a> {
    /// A request at a time, of nobody yet.
    pub fn at(now: UnixSeconds) -> Self {
        Self {
            now,
            credential: Credential::Nobody,
            presented: VerifyOptions::default(),
            signature: Signature::Here,
            setting: Setting::default(),
            max_age: None,
        }
    }

    /// What an earlier caller wrote down, in place of its token: its word is
    /// taken for all that the token proved, so it must come from where the host
    /// keeps its records. Whatever was revoked or removed since is looked at.
    /// What else is said of such a request is not: the record has it all.
    pub(crate) fn recorded(inputs: &'a Inputs) -> Self {
        Self {
            credential: Credential::Recorded(inputs),
            ..Self::at(inputs.time)
        }
    }

    /// Whoever holds this token asks.
    pub fn token(mut self, token: &'a (impl AsRef<[u8]> + ?Sized)) -> Self {
        self.credential = Credential::Token(token.as_ref());
        self
    }

    /// Whoever holds the last of these tokens asks; they prove a chain, one a
    /// hop: the subject's own first, then one for each that was handed on to.
    /// The proofs are the last token's; the others must do without one, since
    /// only their holders could give it.
    pub fn tokens<T: AsRef<[u8]> + ?Sized>(mut self, tokens: &[&'a T]) -> Self {
        let tokens = tokens.iter().map(|token| (*token).as_ref()).collect();
        self.credential = Credential::Tokens(tokens);
        self
    }

    /// The host vouches for who asks: the subject first, then each that acts
    /// for the one before it. One principal alone acts for itself.
    pub fn on_behalf_of(mut self, chain: &[&'a str]) -> Self {
        self.credential = Credential::OnBehalfOf(chain.to_vec());
        self
    }

    /// Who is asked: the token must name this audience, and its issuer must be
    /// trusted for it. Without, it must name one of the issuer's `audiences`.
    pub fn audience(mut self, audience: &'a str) -> Self {
        self.presented.audience = Some(audience);
        self
    }

    /// The DPoP proof that came with the token.
    pub fn dpop(mut self, proof: DpopRequest<'a>) -> Self {
        self.presented.dpop = Some(proof);
        self
    }

    /// The certificate that the client showed in the TLS handshake.
    pub fn certificate(mut self, certificate: ClientCertificate) -> Self {
        self.presented.certificate = Some(certificate);
        self
    }

    /// The audience and the proofs at once, in place of any given before.
    pub fn presented(mut self, options: VerifyOptions<'a>) -> Self {
        self.presented = options;
        self
    }

    /// Something else, like WebCrypto, has checked the signature of the one
    /// token: `fits` must be the answer to what [`Policy::signature_of`] said
    /// of exactly this request under this very policy. A shared secret's
    /// signature is checked here alone, and never fits.
    ///
    /// [`Policy::signature_of`]: crate::Policy::signature_of
    pub fn signature_checked(mut self, fits: bool) -> Self {
        self.signature = Signature::Elsewhere { fits };
        self
    }

    /// The tenant. Where the token names one, it must be the same.
    pub fn tenant(mut self, tenant: &'a str) -> Self {
        self.setting.tenant = Some(tenant);
        self
    }

    /// The task, `type:id`: what it holds is intersected too.
    pub fn task(mut self, task: &'a str) -> Self {
        self.setting.task = Some(task);
        self
    }

    /// Contextual tuples. They come from the host: a caller that could choose
    /// them would choose its own rights.
    pub fn tuples(mut self, tuples: &'a [Tuple]) -> Self {
        self.setting.tuples = tuples;
        self
    }

    /// Values for conditions, in every question; a question's own go over them.
    pub fn context(mut self, context: &'a Map<String, Value>) -> Self {
        self.setting.context = Some(context);
        self
    }

    /// Values for conditions that no question's own go over.
    pub fn fixed_context(mut self, context: &'a Map<String, Value>) -> Self {
        self.setting.fixed_context = Some(context);
        self
    }

    /// Scopes that narrow next to the token's.
    pub fn scopes(mut self, scopes: &'a ScopeSet) -> Self {
        self.setting.scopes = Some(scopes);
        self
    }

    /// All that the host says at once, in place of any of it given before.
    pub fn setting(mut self, setting: Setting<'a>) -> Self {
        self.setting = setting;
        self
    }

    /// How long the caller may be kept, in seconds from the request's time; for
    /// a caller without a token, which has no end of its own.
    pub fn max_age(mut self, seconds: u64) -> Self {
        self.max_age = Some(seconds);
        self
    }
}

impl fmt::Debug for Request<'_> {
    /// No token is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("now", &self.now)
            .field("credential", &self.credential)
            .field("audience", &self.presented.audience)
            .field("setting", &self.setting)
            .finish_non_exhaustive()
    }
}
