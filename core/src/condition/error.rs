//! Why a condition could not be compiled, bound or evaluated.

use std::fmt;

use crate::cel::{CompileError, EvalError};

/// An error, and the condition it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConditionError {
    /// The condition's name.
    pub condition: String,
    /// What went wrong.
    pub kind: ConditionErrorKind,
}

/// What went wrong with a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConditionErrorKind {
    /// The expression does not parse or check.
    Compile {
        /// What and where.
        error: CompileError,
    },
    /// The expression yields something else than a bool.
    NotBool {
        /// The type it yields.
        found: String,
    },
    /// A parameter declared twice, or with a type that nests too deeply.
    Parameter {
        /// Its name.
        name: String,
        /// Whether it stands twice.
        twice: bool,
    },
    /// A tuple's context names a parameter that is not declared.
    UnknownParameter {
        /// The key.
        name: String,
    },
    /// A context's value is not of the declared type.
    IllTyped {
        /// The parameter.
        parameter: String,
        /// What is due there.
        expected: &'static str,
        /// The kind of value that stands there. The value itself is nowhere
        /// in an error: it is the request's or the tuple's own.
        found: &'static str,
    },
    /// Parameters without a value.
    MissingContext {
        /// Their names, in the order declared.
        names: Vec<String>,
    },
    /// The expression failed, e.g. divided by zero.
    Evaluation {
        /// How.
        error: EvalError,
    },
    /// The evaluation took more than it may.
    CostExceeded {
        /// Which limit, and how high it is.
        error: EvalError,
    },
}

impl ConditionError {
    pub(super) fn new(condition: &str, kind: ConditionErrorKind) -> Self {
        Self {
            condition: condition.to_owned(),
            kind,
        }
    }

    /// A stable code, `condition.` and a word.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self.kind {
            ConditionErrorKind::Compile { .. } => "condition.compile",
            ConditionErrorKind::NotBool { .. } => "condition.not_bool",
            ConditionErrorKind::Parameter { .. } => "condition.parameter",
            ConditionErrorKind::UnknownParameter { .. } => "condition.unknown_parameter",
            ConditionErrorKind::IllTyped { .. } => "condition.ill_typed",
            ConditionErrorKind::MissingContext { .. } => "condition.missing_context",
            ConditionErrorKind::Evaluation { .. } => "condition.evaluation",
            ConditionErrorKind::CostExceeded { .. } => "condition.cost_exceeded",
        }
    }
}

impl fmt::Display for ConditionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "condition `{}`: ", self.condition)?;
        match &self.kind {
            ConditionErrorKind::Compile { error } => error.fmt(f),
            ConditionErrorKind::NotBool { found } => {
                write!(f, "the expression must yield bool, not {found}")
            }
            ConditionErrorKind::Parameter { name, twice: true } => {
                write!(f, "the parameter `{name}` is declared twice")
            }
            ConditionErrorKind::Parameter { name, twice: false } => {
                write!(f, "the type of parameter `{name}` nests too deeply")
            }
            ConditionErrorKind::UnknownParameter { name } => {
                write!(f, "the context holds `{name}`, which is not declared")
            }
            ConditionErrorKind::IllTyped {
                parameter,
                expected,
                found,
            } => write!(
                f,
                "the parameter `{parameter}` must be {expected}, and this is {found}"
            ),
            ConditionErrorKind::MissingContext { names } => {
                write!(f, "the context lacks `{}`", names.join("`, `"))
            }
            ConditionErrorKind::Evaluation { error }
            | ConditionErrorKind::CostExceeded { error } => error.fmt(f),
        }
    }
}

impl std::error::Error for ConditionError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            ConditionErrorKind::Compile { error } => Some(error),
            ConditionErrorKind::Evaluation { error }
            | ConditionErrorKind::CostExceeded { error } => Some(error),
            _ => None,
        }
    }
}
