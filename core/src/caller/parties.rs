//! Parties: issuer and subject, as a token names them, become principals.

use serde::{Deserialize, Serialize};

use crate::decision::{Denial, Reason};
use crate::policy::Inner;
use crate::reading::{Reading, Source, Template, Unfit};
use crate::token::{ChainConvention, Claims, Issuer, MayAct, TokenError};

use super::chain::{check_depth, delegation};

/// One party of a chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Party {
    /// The principal, `type:id`.
    pub principal: String,
    /// The issuer that knows it, where it comes from a token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// Its `sub` there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
}

impl Party {
    /// A party that a host vouches for.
    pub(super) fn vouched(principal: &str) -> Self {
        Self {
            principal: principal.to_owned(),
            issuer: None,
            subject: None,
        }
    }
}

/// A party as a token names it.
#[derive(Clone, Copy)]
pub(crate) struct Named<'c> {
    pub(crate) issuer: &'c str,
    pub(crate) subject: &'c str,
    /// Claims about it, for templates.
    pub(crate) claims: &'c serde_json::Map<String, serde_json::Value>,
    /// It is an actor, not the subject.
    acts: bool,
}

/// The parties of a verified token, subject first, current actor last.
pub(super) fn read(policy: &Inner, issuer: &Issuer, claims: &Claims) -> Result<Vec<Party>, Denial> {
    let named = named(policy, claims)?;
    if let (Some(actor), true) = (named.last(), named.len() > 1) {
        check_may_act(issuer, claims, actor)?;
    }
    named
        .iter()
        .map(|party| identify(policy, issuer, &claims.reading, party))
        .collect()
}

/// The parties as the token names them, before anybody is looked up.
pub(crate) fn named<'c>(policy: &Inner, claims: &'c Claims) -> Result<Vec<Named<'c>>, Denial> {
    let Some(sub) = &claims.subject else {
        return Err(Denial::new(
            Reason::IdentityMissing,
            "the token has no `sub`, so it speaks of nobody",
        ));
    };
    // Before anything is looked up: a long chain costs no more than its text.
    if claims.names_actor() {
        check_depth(delegation(policy)?, claims.actors.len().max(1))?;
    }
    check_complete(&claims.all)?;
    for actor in &claims.actors {
        check_complete(&actor.all)?;
    }
    let own = |acts| Named {
        issuer: &claims.issuer,
        subject: sub,
        claims: &claims.all,
        acts,
    };
    // `act` is read from the innermost, which is the oldest, outwards.
    let inwards = claims.actors.iter().rev();
    let mut named: Vec<Named<'_>> = inwards
        .map(|actor| Named {
            issuer: actor.issuer.as_ref().unwrap_or(&claims.issuer),
            subject: &actor.subject,
            claims: &actor.all,
            acts: true,
        })
        .collect();
    match claims.reading.chain {
        // RFC 8693 §4.1: `sub` is the subject, the outermost `act` acts.
        ChainConvention::Rfc8693 | ChainConvention::None => named.insert(0, own(false)),
        // Whoever asked for the token acts, for whom it speaks of.
        ChainConvention::Client => {
            let client = claims.client.as_deref();
            named.push(own(false));
            named.push(Named {
                subject: client.ok_or(TokenError::ChainClientMissing)?,
                ..own(true)
            });
        }
        // The other way about: `sub` acts, for the innermost `act`.
        ChainConvention::SubjectIsActor => {
            if let Some(subject) = named.first_mut() {
                subject.acts = false;
            }
            named.push(own(true));
        }
    }
    Ok(named)
}

/// A chain that its own token calls cut short hides hops from every rule.
fn check_complete(claims: &serde_json::Map<String, serde_json::Value>) -> Result<(), Denial> {
    match claims.get("chain_complete") {
        None | Some(serde_json::Value::Bool(true)) => Ok(()),
        Some(serde_json::Value::Bool(false)) => Err(Denial::new(
            Reason::ChainIncomplete,
            "the token says by `chain_complete` that its chain is cut short",
        )),
        Some(_) => Err(Denial::new(
            Reason::TokenClaim,
            "the claim `chain_complete` must be `true` or `false`",
        )),
    }
}

/// The principal that a party is: always by issuer and subject together.
fn identify(
    policy: &Inner,
    issuer: &Issuer,
    reading: &Reading,
    party: &Named<'_>,
) -> Result<Party, Denial> {
    let found = |principal: String| Party {
        principal,
        issuer: Some(party.issuer.to_owned()),
        subject: Some(party.subject.to_owned()),
    };
    let unknown = || unknown(party.issuer, party.subject);
    let foreign = party.issuer != issuer.name;
    // An issuer speaks for its own subjects alone. An actor may be another's
    // (RFC 8693 §4.1), since what it is can only take away.
    if foreign && !party.acts {
        let (own, other) = (quoted(&issuer.name), quoted(party.issuer));
        return Err(Denial::new(
            Reason::IdentityForeign,
            format!("a token of {own} cannot speak for a subject of {other}"),
        ));
    }
    // An empty name is nobody's, whoever lists it.
    if !party.subject.is_empty()
        && let Some(principal) = policy.directory.identity(party.issuer, party.subject)
    {
        return Ok(found(principal.to_owned()));
    }
    let template = match (foreign, party.acts) {
        (false, true) => reading.actor.as_ref(),
        (false, false) => reading.subject.as_ref(),
        (true, _) => {
            let issuers = &policy.trust.issuers;
            let (_, vouching) = issuers.find(party.issuer).map_err(|_| unknown())?;
            vouching.readings.actor()
        }
    };
    let value = |source: &Source| match source {
        Source::Subject => Some(party.subject),
        Source::Issuer => Some(party.issuer),
        // What one issuer says of another's actor beyond its name is hearsay.
        Source::Claim(_) if foreign => None,
        Source::Claim(path) => path.find(party.claims).and_then(serde_json::Value::as_str),
    };
    let template = template.ok_or_else(unknown)?;
    let principal = template
        .fill(value)
        .map_err(|unfit| unfitting(party, template, &unfit))?;
    // A principal that lists who it is to whom is known by these alone.
    let listed = policy.directory.principal(&principal);
    if listed.is_some_and(|record| !record.identities.is_empty()) {
        return Err(unknown());
    }
    Ok(found(principal))
}

/// Whether a party on record is still who its issuer and subject make of it,
/// as far as that can be told without the token's claims.
pub(super) fn check_known(policy: &Inner, party: &Party) -> Result<(), Denial> {
    let (Some(issuer), Some(subject)) = (&party.issuer, &party.subject) else {
        return Ok(());
    };
    let listed = policy.directory.identity(issuer, subject);
    let record = policy.directory.principal(&party.principal);
    // A principal that lists who it is to whom is known by these alone.
    let by_template = record.is_none_or(|record| record.identities.is_empty());
    match listed {
        Some(principal) if *principal == *party.principal => Ok(()),
        None if by_template => Ok(()),
        _ => Err(unknown(issuer, subject)),
    }
}

/// Whoever is not listed must fit the template, and does not.
fn unfitting(party: &Named<'_>, template: &Template, unfit: &Unfit) -> Denial {
    let unknown = unknown(party.issuer, party.subject).message;
    let template = quoted(template.as_str());
    let message = format!("{unknown}, and {template} does not fit it: {unfit}");
    Denial::new(Reason::IdentityUnknown, message)
}

fn unknown(issuer: &str, subject: &str) -> Denial {
    let (subject, issuer) = (quoted(subject), quoted(issuer));
    Denial::new(
        Reason::IdentityUnknown,
        format!("no principal is known as {subject} to the issuer {issuer}"),
    )
}

impl<'c> Named<'c> {
    /// An actor that no token names yet.
    pub(crate) fn actor(
        issuer: &'c str,
        subject: &'c str,
        claims: &'c serde_json::Map<String, serde_json::Value>,
    ) -> Self {
        Self {
            issuer,
            subject,
            claims,
            acts: true,
        }
    }
}

/// RFC 8693 §4.4: every claim of `may_act` identifies the actor, so each must
/// be the same of the one that acts.
pub(crate) fn check_may_act(
    issuer: &Issuer,
    claims: &Claims,
    actor: &Named<'_>,
) -> Result<(), Denial> {
    let Some(MayAct { all, .. }) = &claims.may_act else {
        return Ok(());
    };
    let same = !all.is_empty()
        && all.iter().all(|(name, wanted)| match name.as_str() {
            "sub" => wanted.as_str() == Some(actor.subject),
            "iss" => wanted.as_str() == Some(actor.issuer),
            name => actor.claims.get(name) == Some(wanted),
        })
        // Without an issuer, `may_act` names an actor of the token's own.
        && (all.contains_key("iss") || actor.issuer == issuer.name)
        && all.contains_key("sub");
    if same {
        return Ok(());
    }
    Err(Denial::new(
        Reason::ChainMayAct,
        "the token's `may_act` names another actor than the one that acts",
    ))
}

/// `type` of `type:id`.
pub(crate) fn type_of(principal: &str) -> &str {
    principal.split_once(':').map_or("", |(kind, _)| kind)
}

/// A text of a token or a request as a message shows it.
pub(crate) fn quoted(text: &str) -> String {
    let short = crate::token::shorten(text, 100);
    format!("`{}`", short.escape_debug())
}
