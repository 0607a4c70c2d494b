//! Decisions: what is answered and written down. An answer, its reason, what it
//! rests on, and a record from which it can be decided again.

mod denial;
mod reason;
mod record;
mod replay;

pub use self::denial::{Cause, Denial};
pub use self::reason::Reason;
pub use self::record::Record;
pub(crate) use self::record::digest;
pub use self::replay::ReplayError;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::caller::Refused;
use crate::canonical;
use crate::policy::Policy;
use crate::query::Grounds;
use crate::request::Request;

/// An answer, with what it rests on.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Decision {
    /// Whether it is allowed.
    pub allowed: bool,
    /// The reason.
    pub reason: Reason,
    /// The reason in words.
    pub message: String,
    /// Each part of the effective authority and what decided it; none where
    /// there was no caller.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub branches: Vec<Branch>,
    /// The audit record.
    pub record: Record,
}

/// One part of the effective authority.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Branch {
    /// Which part.
    pub role: Role,
    /// Whose it is; empty for scopes.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub principal: String,
    /// Whether it allows.
    pub allowed: bool,
    /// What decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grounds: Option<Grounds>,
}

/// What a part of the effective authority is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// What the scopes cover.
    Scopes,
    /// The subject's own authority.
    Subject,
    /// An actor's own authority.
    Actor,
    /// What the scopes of an actor's entry in the snapshot cover.
    ActorScopes,
    /// An actor whose admitted hop is enough: its reach is that of the party
    /// before it.
    Delegated,
    /// What a task holds.
    Task,
}

/// A question to a caller.
#[derive(Debug, Clone, Copy, Default)]
pub struct Question<'a> {
    /// The action: a relation, a permission, or a colon action.
    pub action: &'a str,
    /// The resource: `type:id` or a path.
    pub resource: &'a str,
    /// Values for conditions; they go over the caller's own, but not over what
    /// the host fixed.
    pub context: Option<&'a Map<String, Value>>,
}

impl Policy {
    /// Admits a request and decides one question: the same as [`Policy::admit`]
    /// and [`Moment::decide`](crate::authority::Moment::decide), and never an
    /// error.
    #[must_use]
    pub fn decide(&self, request: &Request<'_>, action: &str, resource: &str) -> Decision {
        let question = Question {
            action,
            resource,
            context: None,
        };
        self.decide_question(request, &question)
    }

    /// [`Policy::decide`] for a question with values of its own for conditions.
    #[must_use]
    pub fn decide_question(&self, request: &Request<'_>, question: &Question<'_>) -> Decision {
        match self.attempt(request, None) {
            Ok(caller) => caller.at(request.now).decide_question(question),
            Err(refused) => self.refuse(*refused, question),
        }
    }

    fn refuse(&self, refused: Refused, question: &Question<'_>) -> Decision {
        let Refused { denial, inputs } = refused;
        let mut record = Record::empty(inputs, question.action, question.resource);
        record.reason = denial.reason;
        record.context = question.context.cloned().unwrap_or_default();
        Decision {
            allowed: false,
            reason: denial.reason,
            message: denial.message,
            branches: Vec::new(),
            record: record.finish(self),
        }
    }
}

impl Decision {
    /// The decision as a sorted JSON text without spaces: equal for equal
    /// decisions on every platform and in every language.
    #[must_use]
    pub fn to_canonical(&self) -> String {
        canonical::to_text(self)
    }
}
