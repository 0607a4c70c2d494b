//! Mappings: each value of a claim becomes a contextual tuple.

use std::collections::BTreeMap;

use serde_json::Value;

use super::claim::ClaimPath;
use super::config::{Absent, ClaimMapping, Take, UnfitValue};
use super::fault::ReadingFault;
use super::template::{Encoding, Piece, Problem, checked, split};
use crate::model::identifier;
use crate::token::{Claims, TokenError, shorten};

/// The most values that are read of a claim.
///
/// Identity providers leave groups out of a token beyond 200 or so.
const MAX_VALUES: usize = 1_000;

/// A mapping, read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Mapping {
    pub(crate) claim: ClaimPath,
    pub(crate) user: Side,
    pub(crate) relation: String,
    pub(crate) object: Side,
    /// Whether the model may take away by what it gives: then a token without
    /// the claim would say less than it should. Until a policy has looked, it
    /// may.
    pub(crate) takes_away: bool,
    take: Take,
    absent: Option<Absent>,
    encode: Option<Encoding>,
    values: BTreeMap<String, String>,
    unfit: Option<UnfitValue>,
}

/// One side of a mapping's tuple.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Side {
    written: Box<str>,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(Box<str>),
    Subject,
    Actor,
    Value,
}

/// What a mapping's names stand for.
#[derive(Clone, Copy)]
pub(crate) struct Said<'a> {
    pub(crate) subject: &'a str,
    pub(crate) actor: Option<&'a str>,
}

impl Mapping {
    /// Reads a mapping; of what is wrong, also the member that it is about.
    pub(crate) fn compile(config: &ClaimMapping) -> Result<Self, (&'static str, ReadingFault)> {
        let claim = ClaimPath::parse(&config.claim).map_err(|fault| ("/claim", fault))?;
        let tuple = &config.tuple;
        let user = Side::compile(&tuple.user).map_err(|fault| ("/tuple/user", fault))?;
        let object = Side::compile(&tuple.object).map_err(|fault| ("/tuple/object", fault))?;
        let sample = "a:x";
        let whole = |side: &Side| side.fill(sample, Some(sample), "x").unwrap_or_default();
        if identifier::user(&whole(&user)).is_err() {
            return Err(("/tuple/user", user.fault()));
        }
        if identifier::object(&whole(&object)).is_err() {
            return Err(("/tuple/object", object.fault()));
        }
        if config.encode.is_some() && !config.values.is_empty() {
            return Err(("/encode", ReadingFault::TwoWays));
        }
        let has_value = |side: &Side| side.parts.contains(&Part::Value);
        if !has_value(&user) && !has_value(&object) {
            // Whatever the values are, the tuple is the same.
            if config.encode.is_some() {
                return Err(("/encode", ReadingFault::NoValue));
            }
            if !config.values.is_empty() {
                return Err(("/values", ReadingFault::NoValue));
            }
        }
        for (value, id) in &config.values {
            if checked(id, None).is_err() || id == "*" || value.is_empty() {
                let fault = ReadingFault::TableId { id: id.clone() };
                return Err(("/values", fault));
            }
        }
        Ok(Self {
            claim,
            user,
            relation: tuple.relation.clone(),
            object,
            takes_away: true,
            take: config.take,
            absent: config.absent,
            encode: config.encode,
            values: config.values.clone(),
            unfit: config.unfit,
        })
    }

    /// Whether it says something of the current actor.
    pub(crate) fn about_actor(&self) -> bool {
        [&self.user, &self.object]
            .iter()
            .any(|side| side.parts.contains(&Part::Actor))
    }

    pub(crate) fn passes_over(&self) -> bool {
        self.unfit == Some(UnfitValue::PassOver)
    }

    /// Gives each tuple, as user and object, that a token's claim becomes.
    ///
    /// # Errors
    /// A claim that is absent where that may take away, is not of its shape, or
    /// holds what fits no id. The message says where, and not what.
    pub(crate) fn each(
        &self,
        claims: &Claims,
        said: Said<'_>,
        mut give: impl FnMut(String, String),
    ) -> Result<(), TokenError> {
        if self.about_actor() && said.actor.is_none() {
            return Ok(());
        }
        let claim = || shorten(self.claim.as_str(), 100);
        let shape = |expected| TokenError::Claim {
            claim: claim(),
            expected,
        };
        let Some(value) = self.claim.find(&claims.all) else {
            return match self.takes_away && self.absent.is_none() {
                true => Err(TokenError::ClaimAbsent { claim: claim() }),
                false => Ok(()),
            };
        };
        let texts: Vec<&str> = match (self.take, value) {
            (Take::Values, Value::String(one)) => vec![one],
            (Take::Values, Value::Array(list)) => list
                .iter()
                .map(|item| {
                    item.as_str()
                        .ok_or_else(|| shape("a text or a list of texts"))
                })
                .collect::<Result<_, _>>()?,
            (Take::Values, _) => return Err(shape("a text or a list of texts")),
            (Take::Keys, Value::Object(members)) => members.keys().map(String::as_str).collect(),
            (Take::Keys, _) => return Err(shape("an object")),
        };
        if texts.len() > MAX_VALUES {
            return Err(shape("a list of at most 1000 values"));
        }
        for (place, text) in texts.into_iter().enumerate() {
            match self.tuple(text, said) {
                Ok((user, object)) => give(user, object),
                Err(_) if self.passes_over() && !self.takes_away => {}
                Err(problem) => {
                    return Err(TokenError::ClaimValue {
                        claim: claim(),
                        place,
                        problem: problem.to_string(),
                    });
                }
            }
        }
        Ok(())
    }

    fn tuple(&self, text: &str, said: Said<'_>) -> Result<(String, String), Refusal> {
        let id = match self.values.is_empty() {
            false => self.values.get(text).ok_or(Refusal::NotListed)?.clone(),
            true => checked(text, self.encode).map_err(Refusal::Unfit)?,
        };
        if id == "*" {
            return Err(Refusal::Unfit(Problem::Character('*', 0)));
        }
        let filled = |side: &Side| side.fill(said.subject, said.actor, &id);
        let (user, object) = filled(&self.user)
            .zip(filled(&self.object))
            .ok_or(Refusal::Unfit(Problem::NoText))?;
        if identifier::user(&user).is_err() || identifier::object(&object).is_err() {
            return Err(Refusal::Unfit(Problem::TooLong));
        }
        Ok((user, object))
    }
}

/// Why a value becomes no tuple.
enum Refusal {
    NotListed,
    Unfit(Problem),
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotListed => f.write_str("is not among the mapping's `values`"),
            Self::Unfit(problem) => problem.fmt(f),
        }
    }
}

impl Side {
    fn compile(text: &str) -> Result<Self, ReadingFault> {
        let form = || ReadingFault::Tuple {
            text: text.to_owned(),
        };
        let mut parts = Vec::new();
        for piece in split(text).ok_or_else(form)? {
            parts.push(match piece {
                Piece::Literal(text) => Part::Literal(text.into()),
                Piece::Name("subject") => Part::Subject,
                Piece::Name("actor") => Part::Actor,
                Piece::Name("value") => Part::Value,
                Piece::Name(_) => return Err(form()),
            });
        }
        let side = Self {
            written: text.into(),
            parts,
        };
        // A value must never choose whether it is a user or a group.
        let typed = match side.parts.first() {
            Some(Part::Subject | Part::Actor) => true,
            Some(Part::Literal(text)) => text
                .split_once(':')
                .is_some_and(|(kind, _)| identifier::type_name(kind).is_ok()),
            _ => false,
        };
        if typed { Ok(side) } else { Err(form()) }
    }

    /// The type that it spells out; none where it is a party's.
    pub(crate) fn type_name(&self) -> Option<&str> {
        self.literal_start()
            .map(|text| text.split_once(':').map_or("", |(t, _)| t))
    }

    /// What all that it makes begins with; none where it is a party.
    pub(crate) fn literal_start(&self) -> Option<&str> {
        match self.parts.first() {
            Some(Part::Literal(text)) => Some(text),
            _ => None,
        }
    }

    fn fault(&self) -> ReadingFault {
        ReadingFault::Tuple {
            text: self.written.to_string(),
        }
    }

    fn fill(&self, subject: &str, actor: Option<&str>, value: &str) -> Option<String> {
        let mut filled = String::with_capacity(self.written.len() + 32);
        for part in &self.parts {
            filled.push_str(match part {
                Part::Literal(text) => text,
                Part::Subject => subject,
                Part::Actor => actor?,
                Part::Value => value,
            });
        }
        Some(filled)
    }
}
