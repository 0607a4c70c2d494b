//! Claims for the next token: exchanges, delegation, client credentials.

use deputize::caller::Party;
use deputize::entity;
use deputize::exchange::{self, Acting, Wanted};
use deputize::time::UnixSeconds;
use deputize::token::{DpopUse, VerifyOptions};
use deputize::{Policy, Request};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

use crate::error::Error;
use crate::kept::{Caller, Time};
use crate::options::{read, read_as, write};
use crate::setting::{Actor, Confirmation, ExchangeRequest, WantedToken};

/// The claims of the next token, and what a token response says of it.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct ExchangeClaims<'c> {
    /// The claims. Whoever signs them adds a `jti`, and a `client_id` where
    /// RFC 9068 is followed.
    claims: &'c Map<String, Value>,
    /// Its parties, subject first, current actor last.
    chain: &'c [Party],
    /// Its audiences.
    audience: &'c [String],
    /// Its scope tokens as one text; `null` where it has no claim of scopes.
    scope: Option<&'c str>,
    /// `iat`, in seconds since the Unix epoch.
    issued_at: UnixSeconds,
    /// `exp`, in seconds since the Unix epoch.
    expires_at: UnixSeconds,
    /// `expires_in` of the token response, in seconds.
    expires_in: u64,
    /// The `jti` of each token that led to it. A revocation of one of these
    /// does not reach the next token by itself: revoke that one too.
    parents: &'c [String],
    /// The DPoP proofs that came with the tokens, each to be accepted once.
    dpop: &'c [DpopUse],
}

/// A request for a token of the client credentials grant (RFC 6749 §4.4), from
/// a principal that has been authenticated.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct ClientCredentialsRequest {
    /// Who asks: `entity:<id>` or `user:<id>`.
    principal: String,
    /// The `scope` parameter.
    #[serde(default)]
    scope: Option<String>,
    /// The id of the entity that an alias with `<id>` means.
    #[serde(default)]
    audience: Option<String>,
    /// The tenant; needed where the principal is of several.
    #[serde(default)]
    tenant: Option<String>,
    /// The time of the request, in seconds since the Unix epoch.
    now: UnixSeconds,
}

/// The claims of a token as FusionAuth would issue it.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct ClientCredentials<'c> {
    /// The claims. Whoever signs them adds `iss`, `iat`, `exp` and `jti`.
    claims: Map<String, Value>,
    /// `sub`: the id of the entity or user.
    subject: &'c str,
    /// `tid`: the tenant's id.
    tenant: Option<&'c str>,
    /// `scope`, as it was asked for.
    scope: Option<&'c str>,
    /// The entities, and what may be done with each.
    permissions: &'c BTreeMap<String, Vec<String>>,
    /// How long the token may live, in seconds, where the type says so.
    lifetime: Option<u64>,
}

impl WantedToken {
    fn lists(&self) -> (Vec<&str>, Vec<&str>) {
        (
            self.resources.iter().map(String::as_str).collect(),
            self.audiences.iter().map(String::as_str).collect(),
        )
    }

    fn wanted<'a>(
        &'a self,
        (resources, audiences): &'a (Vec<&'a str>, Vec<&'a str>),
    ) -> Wanted<'a> {
        Wanted {
            actor: None,
            binding: self.confirmation.as_ref().map(Confirmation::binding),
            scope: self.scope.as_deref(),
            resources,
            audiences,
            lifetime: self.lifetime,
        }
    }
}

/// The claims of the next token (RFC 8693). `request` is an
/// [`ExchangeRequest`].
///
/// # Errors
/// `call.*`, and a refusal with its OAuth `error`.
pub fn exchange(policy: &Policy, request: &str) -> Result<String, Error> {
    let request: ExchangeRequest = read_as("call.options", request)?;
    let (scopes, lists) = (request.scope_set()?, request.wanted.lists());
    let none = Actor::default();
    let actor = request.actor.as_ref();
    let acting = match (&request.actor_token, actor) {
        (Some(_), Some(actor)) if actor.principal.is_some() => {
            let said = "an actor is named by its token or by its principal, not by both";
            return Err(Error::misuse("call.options", said).at("/actor"));
        }
        (Some(token), actor) => Some(Acting::Token {
            token: token.as_bytes(),
            options: actor.unwrap_or(&none).presented()?,
        }),
        (None, Some(actor)) => {
            let Some(principal) = actor.principal.as_deref() else {
                let said = "an actor without a token needs a `principal`";
                return Err(Error::misuse("call.options", said).at("/actor"));
            };
            let VerifyOptions {
                audience,
                dpop,
                certificate,
            } = actor.presented()?;
            if audience.is_some() || dpop.is_some() || certificate.is_some() {
                let said = "an audience and proofs belong to an actor token; there is none";
                return Err(Error::misuse("call.options", said).at("/actor"));
            }
            Some(Acting::Principal(principal))
        }
        (None, None) => None,
    };
    let core = Request::at(request.now)
        .token(&request.subject_token)
        .presented(request.subject.presented()?)
        .setting(request.setting(scopes.as_ref()));
    let wanted = Wanted {
        actor: acting,
        ..request.wanted.wanted(&lists)
    };
    Ok(answer(&policy.exchange(&core, &wanted)?))
}

/// The claims of the next token, for `actor` (`type:id`), whom the host has
/// authenticated, to act for this caller. `wanted` is a [`WantedToken`].
///
/// # Errors
/// `call.options`, `call.now`, and a refusal with its OAuth `error`.
pub fn delegate(caller: &Caller, time: Time, actor: &str, wanted: &str) -> Result<String, Error> {
    let wanted: WantedToken = read(wanted)?;
    let lists = wanted.lists();
    let wanted = Wanted {
        actor: Some(Acting::Principal(actor)),
        ..wanted.wanted(&lists)
    };
    Ok(answer(&caller.moment(time)?.delegate(&wanted)?))
}

fn answer(next: &exchange::ExchangeClaims) -> String {
    write(&ExchangeClaims {
        claims: &next.claims,
        chain: &next.chain,
        audience: &next.audience,
        scope: next.scope.as_deref(),
        issued_at: next.issued_at,
        expires_at: next.expires_at,
        expires_in: next.expires_in(),
        parents: &next.parents,
        dpop: &next.dpop,
    })
}

/// The claims that FusionAuth would issue to an entity or a user that has been
/// authenticated. `request` is a [`ClientCredentialsRequest`].
///
/// # Errors
/// `call.options`, and a refusal with its OAuth `error`.
pub fn client_credentials(policy: &Policy, request: &str) -> Result<String, Error> {
    let request: ClientCredentialsRequest = read_as("call.options", request)?;
    let asked = entity::CredentialsRequest {
        principal: &request.principal,
        scope: request.scope.as_deref(),
        audience: request.audience.as_deref(),
        tenant: request.tenant.as_deref(),
    };
    let given = policy.client_credentials(&asked, request.now)?;
    Ok(write(&ClientCredentials {
        claims: given.to_claims(),
        subject: &given.subject,
        tenant: given.tenant.as_deref(),
        scope: given.scope.as_deref(),
        permissions: &given.permissions,
        lifetime: given.lifetime,
    }))
}
