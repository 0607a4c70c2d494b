//! A token's claims, typed.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::confirmation::Confirmation;
use super::error::TokenError;
use super::issuer::{ChainConvention, Issuer};
use super::json::shorten;
use crate::reading::{ClaimPath, Reading};
use crate::time::UnixSeconds;

/// 9999-12-31T23:59:59Z: a later date is a mistake (milliseconds for seconds)
/// or an attack on arithmetic.
const LAST_SECOND: u64 = 253_402_300_799;

/// The claims of a verified token.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Claims {
    /// `iss`.
    pub issuer: String,
    /// `sub`.
    pub subject: Option<String>,
    /// `aud`, a single one as a list of one.
    pub audience: Vec<String>,
    /// What stood for an audience, where the token names none.
    pub audience_by: Option<String>,
    /// `exp`, a fraction of a second cut off.
    pub expires_at: UnixSeconds,
    /// `nbf`, a fraction rounded up.
    pub not_before: Option<UnixSeconds>,
    /// `iat`, a fraction cut off.
    pub issued_at: Option<UnixSeconds>,
    /// `jti`.
    pub id: Option<String>,
    /// `act` and what is nested in it, outermost first, never shortened.
    pub actors: Vec<Actor>,
    /// `may_act`.
    pub may_act: Option<MayAct>,
    /// `cnf`: how the token is bound to its holder. The proof was checked.
    pub confirmation: Option<Confirmation>,
    /// The claim that the issuer's `tenant_claim` names; never empty.
    pub tenant: Option<String>,
    /// The claim that the issuer's `task_claim` names.
    pub task: Option<String>,
    /// The client that the token was issued to, where its reading looks at it.
    pub client: Option<String>,
    /// Every claim but `act` and `may_act`, as it was written.
    pub all: Map<String, Value>,
    /// How the token is understood.
    pub(crate) reading: Arc<Reading>,
}

/// One `act` (RFC 8693 §4.1).
#[derive(Debug, Clone, PartialEq)]
pub struct Actor {
    /// Its `sub`.
    pub subject: String,
    /// Its `iss`; where it has none, the token's issuer vouches for it.
    pub issuer: Option<String>,
    /// Everything in it but the `act` nested in it. Times and audiences in
    /// here mean nothing (RFC 8693 §4.1).
    pub all: Map<String, Value>,
}

/// Who may become the actor (RFC 8693 §4.4).
#[derive(Debug, Clone, PartialEq)]
pub struct MayAct {
    /// Its `sub`.
    pub subject: Option<String>,
    /// Its `iss`.
    pub issuer: Option<String>,
    /// Everything in it.
    pub all: Map<String, Value>,
}

impl Claims {
    /// The value of any claim but `act` and `may_act`.
    #[must_use]
    pub fn get(&self, claim: &str) -> Option<&Value> {
        self.all.get(claim)
    }

    /// Whether somebody acts for the subject.
    pub(crate) fn names_actor(&self) -> bool {
        let client_acts = self.reading.chain == ChainConvention::Client;
        !self.actors.is_empty() || client_acts
    }

    /// Reads the claims of an issuer's token. Times are read, not judged; `cnf`
    /// is left to the check of its proof.
    pub(crate) fn read(
        mut members: Map<String, Value>,
        issuer: &Issuer,
    ) -> Result<Self, TokenError> {
        let actors = read_actors(members.remove("act"))?;
        let may_act = match members.remove("may_act") {
            None => None,
            Some(Value::Object(all)) => Some(MayAct {
                subject: text(&all, "sub", "may_act.sub")?,
                issuer: text(&all, "iss", "may_act.iss")?,
                all,
            }),
            Some(_) => return Err(wrong("may_act", "an object")),
        };
        let expires_at = seconds(&members, "exp", Round::Down)?
            .ok_or(TokenError::ClaimMissing { claim: "exp" })?;
        let reading = Arc::clone(issuer.readings.of(&members)?);
        let text_of = |claim: &Option<ClaimPath>| match claim {
            None => Ok(None),
            Some(claim) => named(&members, claim),
        };
        let (tenant, task) = (text_of(&reading.tenant)?, text_of(&reading.task)?);
        let client = text_of(&reading.client)?;
        Ok(Self {
            issuer: issuer.name.clone(),
            subject: text(&members, "sub", "sub")?,
            audience: audience(&members)?,
            audience_by: None,
            expires_at,
            not_before: seconds(&members, "nbf", Round::Up)?,
            issued_at: seconds(&members, "iat", Round::Down)?,
            id: text(&members, "jti", "jti")?,
            actors,
            may_act,
            confirmation: None,
            tenant,
            task,
            client,
            reading,
            all: members,
        })
    }
}

/// Which way a fraction of a second goes: always so that the token is valid for
/// less time.
#[derive(Clone, Copy)]
pub(super) enum Round {
    Up,
    Down,
}

/// A NumericDate (RFC 7519 §2): a JSON number of seconds, perhaps with a
/// fraction.
pub(super) fn seconds(
    members: &Map<String, Value>,
    claim: &'static str,
    round: Round,
) -> Result<Option<UnixSeconds>, TokenError> {
    let expected = "a number of seconds since 1970, before the year 10000";
    let Some(value) = members.get(claim) else {
        return Ok(None);
    };
    if let Some(whole) = value.as_u64() {
        return if whole <= LAST_SECOND {
            Ok(Some(UnixSeconds(whole)))
        } else {
            Err(wrong(claim, expected))
        };
    }
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the limit is exact in f64, and the value lies between 0 and it"
    )]
    match value.as_f64() {
        Some(number) if (0.0..=LAST_SECOND as f64).contains(&number) => {
            let rounded = match round {
                Round::Up => number.ceil(),
                Round::Down => number.floor(),
            };
            Ok(Some(UnixSeconds(rounded as u64)))
        }
        _ => Err(wrong(claim, expected)),
    }
}

/// A claim that must be a string where it is present.
pub(super) fn text(
    members: &Map<String, Value>,
    name: &str,
    path: &str,
) -> Result<Option<String>, TokenError> {
    match members.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(wrong(path, "a string")),
    }
}

/// The text that a claim is, where it is there. An empty one would name nothing.
fn named(members: &Map<String, Value>, claim: &ClaimPath) -> Result<Option<String>, TokenError> {
    match claim.find(members) {
        None => Ok(None),
        Some(Value::String(text)) if !text.is_empty() => Ok(Some(text.clone())),
        Some(_) => Err(wrong(claim.as_str(), "a text, not empty")),
    }
}

fn wrong(claim: &str, expected: &'static str) -> TokenError {
    TokenError::Claim {
        claim: shorten(claim, 100),
        expected,
    }
}

/// Walks `act` inwards without recursion. How many there may be is the policy's
/// to say; more than fit the JSON's depth never get here.
fn read_actors(outermost: Option<Value>) -> Result<Vec<Actor>, TokenError> {
    let mut actors = Vec::new();
    let mut next = outermost;
    while let Some(act) = next {
        let Value::Object(mut all) = act else {
            return Err(wrong("act", "an object"));
        };
        next = all.remove("act");
        let subject = text(&all, "sub", "act.sub")?
            .ok_or_else(|| wrong("act.sub", "present: it names the actor"))?;
        let issuer = text(&all, "iss", "act.iss")?;
        actors.push(Actor {
            subject,
            issuer,
            all,
        });
    }
    Ok(actors)
}

/// RFC 7519 §4.1.3: one string or a list of them.
fn audience(members: &Map<String, Value>) -> Result<Vec<String>, TokenError> {
    let fault = || wrong("aud", "a string or a list of strings");
    match members.get("aud") {
        None => Ok(Vec::new()),
        Some(Value::String(one)) => Ok(vec![one.clone()]),
        Some(Value::Array(list)) => list
            .iter()
            .map(|item| item.as_str().map(str::to_owned).ok_or_else(fault))
            .collect(),
        Some(_) => Err(fault()),
    }
}
