//! Writing: the next token's claims, the way its issuer writes them.

use serde_json::{Map, Value, json};

use crate::caller::{Named, quoted};
use crate::decision::{Denial, Reason};
use crate::reading::{Mapping, Reading, Template};
use crate::scope::ScopeSet;
use crate::time::UnixSeconds;
use crate::token::{ChainConvention, Claims, Issuer};

use super::Next;
use super::refusal::ExchangeRefusal;

/// The next token's claims in the making.
pub(super) struct NextToken<'a> {
    issuer: &'a Issuer,
    claims: &'a Claims,
    next: Option<&'a Next>,
    out: Map<String, Value>,
}

impl<'a> NextToken<'a> {
    /// Begins with what goes on of the subject token.
    pub(super) fn new(
        issuer: &'a Issuer,
        claims: &'a Claims,
        next: Option<&'a Next>,
    ) -> Result<Self, ExchangeRefusal> {
        let mut token = Self {
            issuer,
            claims,
            next,
            out: carried(issuer, claims, next)?,
        };
        token.set("iss", json!(issuer.name));
        Ok(token)
    }

    pub(super) fn scopes(&mut self, scopes: Option<&ScopeSet>) {
        if let Some(set) = scopes {
            self.claims
                .reading
                .put_scopes(set, &self.claims.all, &mut self.out);
        }
    }

    pub(super) fn constraints(&mut self, tenant: Option<&str>, task: Option<&str>) {
        let reading = &self.claims.reading;
        for (claim, value) in [(&reading.tenant, tenant), (&reading.task, task)] {
            if let (Some(claim), Some(value)) = (claim, value) {
                claim.put(json!(value), &self.claims.all, &mut self.out);
            }
        }
    }

    pub(super) fn parties(&mut self, parties: &[Named<'_>]) -> Result<(), ExchangeRefusal> {
        write_parties(self.issuer, &self.claims.reading, parties, &mut self.out)
    }

    pub(super) fn audience(&mut self, audience: &[String]) {
        match audience {
            [] => {}
            [only] => self.set("aud", json!(only)),
            several => self.set("aud", json!(several)),
        }
    }

    pub(super) fn times(&mut self, now: UnixSeconds, expires_at: UnixSeconds) {
        // What does not count yet does not count sooner by being handed on.
        let actor = self.next.and_then(|next| next.token.as_ref());
        let starts = [
            self.claims.not_before,
            actor.and_then(|t| t.claims.not_before),
        ];
        let not_before = starts.into_iter().flatten().fold(now, UnixSeconds::max);
        for (name, time) in [("exp", expires_at), ("iat", now), ("nbf", not_before)] {
            self.set(name, json!(time));
        }
    }

    pub(super) fn binding(&mut self, bound_to: Option<&Value>) {
        if let Some(confirmation) = bound_to {
            self.set("cnf", confirmation.clone());
        }
    }

    /// All of it, where nothing of it would say of the next actor what was said
    /// of the one before.
    pub(super) fn finish(mut self) -> Result<Map<String, Value>, ExchangeRefusal> {
        // It names who may take over from this token's holder, and is spent
        // once somebody has.
        if let (None, Some(may_act)) = (self.next, &self.claims.may_act) {
            self.set("may_act", Value::Object(may_act.all.clone()));
        }
        let out = self.out;
        let others = |m: &&Mapping| m.about_actor() && m.claim.find(&out).is_some();
        if self.next.is_some()
            && let Some(mapping) = self.claims.reading.mappings.iter().find(others)
        {
            let claim = quoted(mapping.claim.as_str());
            return Err(ExchangeRefusal::claim(format!(
                "the claim {claim} would give the next actor what it says of the one before"
            )));
        }
        Ok(out)
    }

    fn set(&mut self, name: &str, value: Value) {
        self.out.insert(name.to_owned(), value);
    }
}

/// The claims that go on besides the scopes: those that become tuples, and
/// `roles`, which whoever `sub` names has. What is said of the current actor
/// ends with it.
fn carried(
    issuer: &Issuer,
    claims: &Claims,
    next: Option<&Next>,
) -> Result<Map<String, Value>, ExchangeRefusal> {
    let mut out = Map::new();
    let reading = &claims.reading;
    let handed_on = next.is_some();
    // By these it is told how it is to be read, and whether it counts at all.
    let by = issuer.audience_by.iter().map(|(claim, _)| claim);
    for claim in reading.tested().chain(by) {
        claim.copy(&claims.all, &mut out);
    }
    if let (Some(claim), Some(client)) = (&reading.client, &claims.client) {
        // Whoever it is handed on to is the client of the next one.
        let client = next.map_or(client.as_str(), |next| &next.subject);
        claim.put(json!(client), &claims.all, &mut out);
    }
    if handed_on
        && reading
            .mappings
            .iter()
            .any(|m| reading.is_scope_claim(&m.claim))
    {
        return Err(ExchangeRefusal::claim(
            "a claim that carries scopes becomes tuples, too, and cannot be narrowed".to_owned(),
        ));
    }
    let of_actor = |top: &str| {
        let mut own = reading.mappings.iter().filter(|m| m.claim.top() == top);
        own.any(Mapping::about_actor)
    };
    for mapping in &reading.mappings {
        let claim = &mapping.claim;
        if claim.find(&claims.all).is_none() {
            continue;
        }
        if handed_on && of_actor(claim.top()) {
            let mut own = reading
                .mappings
                .iter()
                .filter(|m| m.claim.top() == claim.top());
            if own.all(Mapping::about_actor) {
                continue;
            }
            let name = quoted(claim.as_str());
            return Err(ExchangeRefusal::claim(format!(
                "the claim {name} says something of the actor and of others, and cannot go on in part"
            )));
        }
        claim.copy(&claims.all, &mut out);
    }
    let sub_stays = !handed_on || reading.chain != ChainConvention::SubjectIsActor;
    if let (true, Some(roles)) = (
        sub_stays && !(handed_on && of_actor("roles")),
        claims.get("roles"),
    ) {
        out.insert("roles".to_owned(), roles.clone());
    }
    Ok(out)
}

/// Writes who acts for whom, the way the issuer does.
fn write_parties(
    issuer: &Issuer,
    reading: &Reading,
    parties: &[Named<'_>],
    out: &mut Map<String, Value>,
) -> Result<(), ExchangeRefusal> {
    let (top, actors): (_, Vec<&Named<'_>>) = match (reading.chain, parties) {
        // The outermost `act` is the current actor, and `sub` the subject.
        (ChainConvention::Rfc8693 | ChainConvention::None, [subject, actors @ ..]) => {
            (subject, actors.iter().collect())
        }
        // The client has a claim of its own, which goes on.
        (ChainConvention::Client, [subject, ..]) => (subject, Vec::new()),
        // `sub` is the current actor, and the innermost `act` the subject.
        (ChainConvention::SubjectIsActor, [others @ .., actor]) => (actor, others.iter().collect()),
        (_, []) => {
            let denial = Denial::new(Reason::ChainEmpty, "the chain names nobody");
            return Err(ExchangeRefusal::request(denial));
        }
    };
    if top.issuer != issuer.name {
        let (sub, other) = (quoted(top.subject), quoted(top.issuer));
        return Err(ExchangeRefusal::claim(format!(
            "`sub` cannot name {sub} of the issuer {other}"
        )));
    }
    write_party(issuer, reading, top, parties, out)?;
    let mut act: Option<Value> = None;
    for party in actors {
        let mut members = Map::new();
        write_party(issuer, reading, party, parties, &mut members)?;
        if party.issuer != issuer.name {
            members.insert("iss".to_owned(), json!(party.issuer));
        }
        if let Some(inner) = act.take() {
            members.insert("act".to_owned(), inner);
        }
        act = Some(Value::Object(members));
    }
    if let Some(act) = act {
        out.insert("act".to_owned(), act);
    }
    Ok(())
}

/// A party's `sub`, and the claims by which the issuer's templates know it.
fn write_party(
    issuer: &Issuer,
    reading: &Reading,
    party: &Named<'_>,
    parties: &[Named<'_>],
    out: &mut Map<String, Value>,
) -> Result<(), ExchangeRefusal> {
    let is_subject = parties
        .first()
        .is_some_and(|first| (first.issuer, first.subject) == (party.issuer, party.subject));
    let template = match is_subject {
        true => &reading.subject,
        false => &reading.actor,
    };
    for claim in template.iter().flat_map(Template::claims) {
        // Of another issuer's party no more is known than its name.
        let own = claim.find(party.claims);
        let Some(value) = own.filter(|_| party.issuer == issuer.name) else {
            continue;
        };
        if claim.find(out).is_some_and(|own| own != value) {
            let name = quoted(claim.as_str());
            return Err(ExchangeRefusal::claim(format!(
                "the claim {name} would have to say two things at once"
            )));
        }
        claim.copy(party.claims, out);
    }
    out.insert("sub".to_owned(), json!(party.subject));
    Ok(())
}
