//! Why a body is no request.

use std::fmt;

use crate::json::JsonError;

/// Why a body is no request, and where. Over HTTP the answer is 400.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestError {
    /// The JSON pointer of what is wrong; empty for the whole.
    pub pointer: String,
    /// What is wrong there.
    pub fault: RequestFault,
}

/// What is wrong with a body.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestFault {
    /// It is larger than [`MAX_REQUEST_BYTES`](super::MAX_REQUEST_BYTES).
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// It is not JSON, or names a member twice.
    Json(JsonError),
    /// A member that must be there is not.
    Missing {
        /// Its name.
        member: &'static str,
    },
    /// A value is of another type.
    Shape {
        /// What was expected.
        expected: &'static str,
    },
    /// `evaluations_semantic` is none of the three.
    Semantic,
    /// There are more evaluations than
    /// [`MAX_EVALUATIONS`](super::MAX_EVALUATIONS).
    TooMany {
        /// How many there are.
        found: usize,
    },
    /// The page token is not one of ours, or belongs to another request.
    PageToken,
}

impl RequestError {
    pub(super) fn new(pointer: impl Into<String>, fault: RequestFault) -> Self {
        Self {
            pointer: pointer.into(),
            fault,
        }
    }

    /// A stable name for the kind of error, e.g. `authzen.missing`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match &self.fault {
            RequestFault::TooLarge { .. } => "authzen.too_large",
            RequestFault::Json(_) => "authzen.json",
            RequestFault::Missing { .. } => "authzen.missing",
            RequestFault::Shape { .. } => "authzen.shape",
            RequestFault::Semantic => "authzen.semantic",
            RequestFault::TooMany { .. } => "authzen.too_many",
            RequestFault::PageToken => "authzen.page_token",
        }
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = match &*self.pointer {
            "" => "the request",
            pointer => pointer,
        };
        write!(f, "{place}: ")?;
        match &self.fault {
            RequestFault::TooLarge { bytes } => {
                let limit = super::MAX_REQUEST_BYTES;
                write!(f, "{bytes} bytes; {limit} at most are read")
            }
            RequestFault::Json(error) => error.fmt(f),
            RequestFault::Missing { member } => write!(f, "`{member}` is missing"),
            RequestFault::Shape { expected } => write!(f, "expected {expected}"),
            RequestFault::Semantic => f.write_str(
                "expected `execute_all`, `deny_on_first_deny` or `permit_on_first_permit`",
            ),
            RequestFault::TooMany { found } => {
                let limit = super::MAX_EVALUATIONS;
                write!(f, "{found} evaluations; {limit} at most are answered")
            }
            RequestFault::PageToken => f.write_str(
                "expected the `next_token` of an answer to this very request; begin again without one",
            ),
        }
    }
}

impl std::error::Error for RequestError {}
