//! Denials: why there is no caller, or why one may not do what was asked.

use std::fmt;

use crate::query::QueryError;
use crate::scope::ScopeError;
use crate::time::UnixSeconds;
use crate::token::TokenError;

use super::reason::Reason;

/// Why there is no caller, or why one may not do what was asked.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Denial {
    /// The reason.
    pub reason: Reason,
    /// The reason in words, with what it is about.
    pub message: String,
    /// The error that led to it, with its data, where one did.
    pub cause: Option<Box<Cause>>,
}

/// An error that denies.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Cause {
    /// Of a token.
    Token(TokenError),
    /// Of the scopes of a token or of a host.
    Scope(ScopeError),
    /// Of a question.
    Query(QueryError),
    /// Something has come to its end.
    Ended {
        /// The first second at which it no longer counts.
        until: UnixSeconds,
        /// The time that it was asked at.
        now: UnixSeconds,
    },
}

impl Denial {
    pub(crate) fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
            cause: None,
        }
    }

    /// Something ended before it was asked.
    pub(crate) fn ended(
        reason: Reason,
        message: String,
        until: UnixSeconds,
        now: UnixSeconds,
    ) -> Self {
        Self {
            cause: Some(Box::new(Cause::Ended { until, now })),
            ..Self::new(reason, message)
        }
    }

    /// The stable code of the reason.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.reason.code()
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Denial {}

macro_rules! causes {
    ($($error:ident $cause:ident)*) => {
        $(impl From<$error> for Denial {
            fn from(error: $error) -> Self {
                Self {
                    reason: Reason::from(&error),
                    message: error.to_string(),
                    cause: Some(Box::new(Cause::$cause(error))),
                }
            }
        })*
    };
}

causes! {
    TokenError Token
    ScopeError Scope
    QueryError Query
}
