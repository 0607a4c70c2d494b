//! Why a question has no answer. Each of these denies.

use std::fmt;

use crate::model::identifier::IdentifierError;
use crate::path::PathError;

/// Why a question has no answer.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum QueryError {
    /// The user is not well-formed.
    InvalidUser {
        /// What was asked for.
        found: String,
        /// What is wrong with it.
        reason: IdentifierError,
    },
    /// The object is not well-formed.
    InvalidObject {
        /// What was asked for.
        found: String,
        /// What is wrong with it.
        reason: IdentifierError,
    },
    /// A resource that is meant as a path is not one.
    Path(PathError),
    /// The model does not define the type.
    UnknownType {
        /// The type asked for.
        name: String,
    },
    /// The type has no such relation.
    UnknownRelation {
        /// The type.
        type_name: String,
        /// The relation asked for.
        name: String,
    },
    /// A contextual tuple cannot stand.
    ContextualTuple {
        /// Its place among those given, from 0.
        index: usize,
        /// Why not.
        reason: TupleFault,
    },
    /// A condition has no answer.
    #[cfg(feature = "conditions")]
    Condition(crate::condition::ConditionError),
    /// The question took more steps than allowed.
    Budget {
        /// The steps allowed.
        steps: u64,
    },
    /// The call that the question is one of took more steps than allowed.
    CallBudget {
        /// The steps allowed.
        steps: u64,
    },
    /// The question went through more hops than allowed.
    Depth {
        /// The hops allowed.
        depth: u32,
    },
    /// Our own fault; please report it.
    Internal,
}

/// Why a contextual tuple cannot stand.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum TupleFault {
    /// The user is not well-formed.
    InvalidUser(IdentifierError),
    /// The object is not well-formed.
    InvalidObject(IdentifierError),
    /// The model does not define the object's type.
    UnknownType,
    /// The object's type has no such relation.
    UnknownRelation,
    /// The relation's brackets do not list such a user.
    NotAssignable,
    /// The model does not define the condition.
    UnknownCondition,
    /// The same tuple is given twice, under different conditions.
    Duplicate,
    /// It says that a userset contains itself.
    SelfReference,
    /// The condition's context does not fit its parameters.
    #[cfg(feature = "conditions")]
    Context(crate::condition::ConditionError),
    /// This build leaves conditions out.
    ConditionsUnsupported,
}

impl QueryError {
    /// Whether the steps that were allowed were not enough.
    pub(super) fn is_budget(&self) -> bool {
        matches!(self, Self::Budget { .. } | Self::CallBudget { .. })
    }

    /// A stable name for the kind of error, e.g. `request.unknown_type`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::InvalidUser { .. } => "request.invalid_user",
            Self::InvalidObject { .. } => "request.invalid_object",
            Self::Path(error) => error.code(),
            Self::UnknownType { .. } => "request.unknown_type",
            Self::UnknownRelation { .. } => "request.unknown_relation",
            Self::ContextualTuple { .. } => "request.contextual_tuple",
            #[cfg(feature = "conditions")]
            Self::Condition(error) => error.code(),
            Self::Budget { .. } => "budget.exhausted",
            Self::CallBudget { .. } => "budget.call",
            Self::Depth { .. } => "budget.depth",
            Self::Internal => "internal",
        }
    }
}

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidUser { found, reason } | Self::InvalidObject { found, reason } => {
                write!(f, "`{found}`: {reason}")
            }
            Self::Path(error) => write!(f, "{error}"),
            Self::UnknownType { name } => write!(f, "the model defines no type `{name}`"),
            Self::UnknownRelation { type_name, name } => {
                write!(f, "the type `{type_name}` has no relation `{name}`")
            }
            Self::ContextualTuple { index, reason } => {
                write!(f, "contextual tuple {index}: {reason}")
            }
            #[cfg(feature = "conditions")]
            Self::Condition(error) => write!(f, "{error}"),
            Self::Budget { steps } => {
                write!(f, "the question took more than the {steps} steps allowed")
            }
            Self::CallBudget { steps } => {
                write!(
                    f,
                    "the call's questions took more than the {steps} steps allowed together"
                )
            }
            Self::Depth { depth } => {
                write!(
                    f,
                    "the question went through more than the {depth} hops allowed"
                )
            }
            Self::Internal => f.write_str("an error of our own: please report it"),
        }
    }
}

impl fmt::Display for TupleFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidUser(reason) | Self::InvalidObject(reason) => write!(f, "{reason}"),
            Self::UnknownType => f.write_str("the model does not define the object's type"),
            Self::UnknownRelation => f.write_str("the object's type has no such relation"),
            Self::NotAssignable => {
                f.write_str("the relation's brackets do not list such a user and condition")
            }
            Self::UnknownCondition => f.write_str("the model does not define the condition"),
            Self::Duplicate => {
                f.write_str("the same tuple is given twice, under different conditions")
            }
            Self::SelfReference => f.write_str("a userset cannot contain itself"),
            #[cfg(feature = "conditions")]
            Self::Context(error) => write!(f, "{error}"),
            Self::ConditionsUnsupported => f.write_str("this build leaves conditions out"),
        }
    }
}

impl std::error::Error for QueryError {}
