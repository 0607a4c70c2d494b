//! What in a snapshot can have no effect.

use std::fmt;

use serde::Serialize;

use super::gate::Ignored;
use crate::model::ModelError;
use crate::snapshot::TupleRecord;

/// The most warnings that are kept; the number of all is in the last one.
const MAX_WARNINGS: usize = 1_000;

/// Something in a snapshot that can have no effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Warning {
    /// A stable name for the kind of warning.
    pub code: &'static str,
    /// The JSON pointer of what it is about.
    pub pointer: String,
    /// What it is about, in the snapshot's own words.
    pub subject: String,
}

impl Warning {
    /// The code as this build spells it.
    pub(super) fn known(code: &str) -> &'static str {
        [
            UNKNOWN_TYPE,
            UNKNOWN_CONDITION,
            UNKNOWN_RELATION,
            NOT_ASSIGNABLE,
            BLOCKS_NOBODY,
            DUPLICATE,
            MODEL,
            "issuer.key",
            "issuer.readings",
            "issuer.actor",
            REVOKED_TOKEN,
            REVOKED_KEY,
            REVOKED_PRINCIPAL,
            "entity.absent_recipient",
            "entity.absent_target",
            "entity.absent_type",
            "entity.cross_tenant",
            "entity.no_permissions",
        ]
        .into_iter()
        .find(|known| *known == code)
        .unwrap_or(MORE)
    }
}

pub(super) const UNKNOWN_TYPE: &str = "tuple.unknown_type";
pub(super) const UNKNOWN_RELATION: &str = "tuple.unknown_relation";
pub(super) const NOT_ASSIGNABLE: &str = "tuple.not_assignable";
pub(super) const UNKNOWN_CONDITION: &str = "tuple.unknown_condition";
const BLOCKS_NOBODY: &str = "tuple.blocks_nobody";
pub(super) const DUPLICATE: &str = "tuple.duplicate";
const MODEL: &str = "model.advice";
pub(super) const REVOKED_TOKEN: &str = "revoked.token";
pub(super) const REVOKED_KEY: &str = "revoked.key";
pub(super) const REVOKED_PRINCIPAL: &str = "revoked.principal";
const MORE: &str = "more";

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match said(self.code) {
            Some(said) => write!(f, "`{}` {said} (at `{}`)", self.subject, self.pointer),
            None => write!(f, "{} (at `{}`)", self.subject, self.pointer),
        }
    }
}

/// What a code says of its tuple.
fn said(code: &str) -> Option<&'static str> {
    Some(match code {
        UNKNOWN_TYPE => "names an object of a type that the model does not define",
        UNKNOWN_RELATION => "names a relation that the object's type does not define",
        NOT_ASSIGNABLE => "gives a user that the relation's brackets do not list",
        UNKNOWN_CONDITION => "names a condition that the model does not define",
        BLOCKS_NOBODY => "would exclude somebody, but is not admitted: nobody is excluded",
        DUPLICATE => "is given more than once",
        MORE => "and more of the kind",
        _ => return None,
    })
}

impl Ignored {
    /// What is said of such a tuple.
    pub(crate) fn message(self, tuple: &str) -> String {
        let why = said(self.code).unwrap_or_default();
        match said(BLOCKS_NOBODY).filter(|_| self.blocks) {
            Some(blocks) => format!("`{tuple}` {why}, and {blocks}"),
            None => format!("`{tuple}` {why}"),
        }
    }
}

/// Collects warnings, up to a number.
#[derive(Default)]
pub(super) struct Warnings {
    kept: Vec<Warning>,
    /// Of exclusions: others do not crowd them out.
    blocking: Vec<Warning>,
    more: usize,
}

impl Warnings {
    pub(super) fn add(&mut self, code: &'static str, i: usize, tuple: &TupleRecord<'_>) {
        if self.kept.len() < MAX_WARNINGS {
            let pointer = format!("/tuples/{i}");
            self.kept.push(Warning {
                code,
                pointer,
                subject: spell(tuple),
            });
        } else {
            self.more += 1;
        }
    }

    /// Of a tuple that is not admitted: beside why, that it would have
    /// excluded somebody.
    pub(super) fn refused(
        &mut self,
        code: &'static str,
        i: usize,
        tuple: &TupleRecord<'_>,
        would_block: bool,
    ) {
        self.add(code, i, tuple);
        if !would_block {
            return;
        }
        if self.blocking.len() < MAX_WARNINGS {
            self.blocking.push(Warning {
                code: BLOCKS_NOBODY,
                pointer: format!("/tuples/{i}"),
                subject: spell(tuple),
            });
        } else {
            self.more += 1;
        }
    }

    pub(super) fn note(&mut self, code: &'static str, pointer: &str, subject: String) {
        if self.kept.len() < MAX_WARNINGS {
            let pointer = pointer.to_owned();
            self.kept.push(Warning {
                code,
                pointer,
                subject,
            });
        } else {
            self.more += 1;
        }
    }

    pub(super) fn advice(&mut self, advice: &[ModelError]) {
        for error in advice.iter().take(MAX_WARNINGS) {
            let pointer = "/model".to_owned();
            self.kept.push(Warning {
                code: MODEL,
                pointer,
                subject: error.message(),
            });
        }
    }

    pub(super) fn finish(mut self) -> Vec<Warning> {
        self.kept.append(&mut self.blocking);
        if self.more > 0 {
            self.kept.push(Warning {
                code: MORE,
                pointer: "/tuples".to_owned(),
                subject: format!("{} tuples", self.more),
            });
        }
        self.kept
    }
}

pub(super) fn spell(tuple: &TupleRecord<'_>) -> String {
    format!("{} {} {}", tuple.user, tuple.relation, tuple.object)
}
