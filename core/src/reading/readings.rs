//! The readings of one issuer: a token fits exactly one, or none counts.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::config::ReadingConfig;
use super::fault::ReadingFault;
use super::mapping::Mapping;
use super::template::Template;
use super::when::{Test, disjoint, tests};
use super::{Fault, Reading};
use crate::token::{ChainConvention, IssuerConfig, TokenError, shorten};

/// An issuer's readings, checked. There is always one.
#[derive(Debug, Clone)]
pub(crate) struct Readings {
    first: Arc<Reading>,
    others: Vec<Arc<Reading>>,
}

/// How a reading stands to a token.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Fit {
    /// Every test of its `when` is passed.
    Fits,
    /// One is not, in words.
    Misses(String),
    /// One cannot be told, so that no reading counts.
    Unclear(TokenError),
}

impl Readings {
    /// Reads an issuer's entry.
    pub(crate) fn compile(config: &IssuerConfig) -> Result<Self, Fault> {
        let issuer = Some(config.issuer.as_str());
        let own = ReadingConfig::of(config);
        let required = tests("require", &config.require)?;
        if config.readings.is_empty() {
            return Ok(Self {
                first: Arc::new(Reading::compile(&own, issuer, &required)?),
                others: Vec::new(),
            });
        }
        if let Some(member) = own.first_said() {
            return Err((format!("/{member}"), ReadingFault::Outside));
        }
        let mut readings: Vec<Arc<Reading>> = Vec::with_capacity(config.readings.len());
        for (place, config) in config.readings.iter().enumerate() {
            let at = |(below, fault)| (format!("/readings/{place}{below}"), fault);
            let mut reading = Reading::compile(config, issuer, &required).map_err(at)?;
            if reading.when.is_empty() != reading.otherwise {
                return Err(at(("/when".to_owned(), ReadingFault::When)));
            }
            if let Some(other) = readings
                .iter()
                .position(|other| other.is_for_same(&reading))
            {
                let fault = match reading.otherwise {
                    true => ReadingFault::TwoElse,
                    false => ReadingFault::Same { other },
                };
                return Err(at(("/when".to_owned(), fault)));
            }
            if reading.name.is_empty() {
                reading.name = format!("reading {}", place + 1);
            }
            readings.push(Arc::new(reading));
        }
        let mut readings = readings.into_iter();
        match readings.next() {
            Some(first) => Ok(Self {
                first,
                others: readings.collect(),
            }),
            None => Err(("/readings".to_owned(), ReadingFault::When)),
        }
    }

    /// All of them, in the order of the entry.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Reading> {
        [&self.first]
            .into_iter()
            .chain(&self.others)
            .map(|reading| &**reading)
    }

    /// Whether the entry names its readings.
    pub(crate) fn are_listed(&self) -> bool {
        !self.first.when.is_empty() || self.first.otherwise
    }

    /// The one reading that a token's claims fit.
    pub(crate) fn of(&self, claims: &Map<String, Value>) -> Result<&Arc<Reading>, TokenError> {
        if self.first.when.is_empty() && self.others.is_empty() {
            return Ok(&self.first);
        }
        let mut found: Option<&Arc<Reading>> = None;
        let mut otherwise = None;
        for reading in [&self.first].into_iter().chain(&self.others) {
            if reading.otherwise {
                otherwise = Some(reading);
                continue;
            }
            match (reading.fit(claims), found) {
                (Fit::Unclear(error), _) => return Err(error),
                (Fit::Misses(_), _) => {}
                (Fit::Fits, None) => found = Some(reading),
                (Fit::Fits, Some(other)) => {
                    let readings = [other.name.clone(), reading.name.clone()];
                    return Err(TokenError::ReadingAmbiguous { readings });
                }
            }
        }
        found.or(otherwise).ok_or(TokenError::Reading)
    }

    /// Whom another issuer's tokens mean by an actor of this one, of whom they
    /// say no more than the name: what all readings agree upon.
    pub(crate) fn actor(&self) -> Option<&Template> {
        let actor = self.first.actor.as_ref()?;
        let same = |other: &Arc<Reading>| other.actor.as_ref() == Some(actor);
        self.others.iter().all(same).then_some(actor)
    }

    /// What may do nothing, or not what was meant: code, pointer and words.
    /// `named` says whether another issuer's tokens may name actors of this one.
    pub(crate) fn warnings(
        &self,
        pointer: &str,
        named: bool,
    ) -> Vec<(&'static str, String, String)> {
        let mut warnings = Vec::new();
        let all: Vec<&Reading> = self.iter().collect();
        for (place, other) in self.overlaps() {
            let name = |place: usize| all.get(place).map_or("", |reading| &reading.name);
            let text = format!(
                "a token may fit `{}` and `{}`, and is then denied: let their `when` ask one claim for values of which it has only one",
                shorten(name(place), 100),
                shorten(name(other), 100)
            );
            warnings.push((
                "issuer.readings",
                format!("{pointer}/readings/{other}/when"),
                text,
            ));
        }
        for (place, reading) in all.iter().enumerate() {
            let Some(actor) = &reading.actor else {
                continue;
            };
            let pointer = match self.are_listed() {
                true => format!("{pointer}/readings/{place}/actor"),
                false => format!("{pointer}/actor"),
            };
            let template = shorten(actor.as_str(), 100);
            if reading.chain == ChainConvention::None && !named {
                let text = format!(
                    "`{template}` names nobody, since `chain` is `none`: say which chain its tokens have, or leave it out"
                );
                warnings.push(("issuer.actor", pointer, text));
                continue;
            }
            let mut clients = actor
                .claims()
                .filter(|c| ["azp", "appid", "cid"].contains(&c.top()));
            if let (true, Some(client)) = (reading.chain.has_actors(), clients.next()) {
                let text = format!(
                    "`{template}` is filled from the `act` of a token, not from its `{0}`: where the client is who acts, say `\"chain\": \"client\", \"client_claim\": \"{0}\"`",
                    client.as_str()
                );
                warnings.push(("issuer.actor", pointer, text));
            }
        }
        warnings
    }

    /// Pairs of readings of which a token may fit both, by their places.
    fn overlaps(&self) -> Vec<(usize, usize)> {
        let all: Vec<&Reading> = self.iter().collect();
        let mut overlaps = Vec::new();
        for (place, own) in all.iter().enumerate() {
            for (other_place, other) in all.iter().enumerate().skip(place + 1) {
                let apart = own.otherwise || other.otherwise || disjoint(&own.when, &other.when);
                if !apart {
                    overlaps.push((place, other_place));
                }
            }
        }
        overlaps
    }

    /// Lets a policy say of each mapping whether its model may take away by it.
    pub(crate) fn judge_mappings(&mut self, takes_away: impl Fn(&Mapping) -> bool) {
        for reading in [&mut self.first].into_iter().chain(&mut self.others) {
            for mapping in &mut Arc::make_mut(reading).mappings {
                mapping.takes_away = takes_away(mapping);
            }
        }
    }
}

impl Reading {
    /// How its `when` stands to a token's claims.
    pub(crate) fn fit(&self, claims: &Map<String, Value>) -> Fit {
        for test in &self.when {
            match test.holds(claims) {
                Ok(true) => {}
                Ok(false) => return Fit::Misses(test.to_string()),
                Err(error) => return Fit::Unclear(error),
            }
        }
        Fit::Fits
    }

    /// Whether both are for the same tokens, word for word.
    fn is_for_same(&self, other: &Self) -> bool {
        let has = |of: &Self, test: &Test| of.when.iter().any(|own| own.is_same(test));
        let within = |own: &Self, other: &Self| own.when.iter().all(|test| has(other, test));
        self.otherwise == other.otherwise && within(self, other) && within(other, self)
    }
}
