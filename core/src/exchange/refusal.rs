//! Refusals of an exchange, and what an OAuth response says of them.

use std::fmt;

use crate::decision::{Denial, Reason};

/// Why there is no next token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExchangeRefusal {
    /// The reason.
    pub reason: Reason,
    /// The reason in words, with what it is about.
    pub message: String,
    error: &'static str,
}

impl ExchangeRefusal {
    /// The stable code of the reason.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.reason.code()
    }

    /// The `error` of an OAuth error response: `invalid_scope`,
    /// `invalid_target`, `unauthorized_client` where the policy does not let an
    /// authenticated principal act, and else `invalid_request`, which RFC 8693
    /// §2.2.2 asks for whenever a token is invalid or unacceptable. A stale
    /// snapshot is `temporarily_unavailable`, an error of our own
    /// `server_error`.
    #[must_use]
    pub fn oauth_error(&self) -> &'static str {
        self.error
    }

    pub(super) fn new(error: &'static str, denial: Denial) -> Self {
        let error = match denial.reason {
            Reason::SnapshotStale => "temporarily_unavailable",
            Reason::Internal => "server_error",
            _ => error,
        };
        Self {
            reason: denial.reason,
            message: denial.message,
            error,
        }
    }

    /// RFC 8693 §2.2.2: "either the subject_token or actor_token are invalid
    /// for any reason, or are unacceptable based on policy".
    pub(super) fn request(denial: impl Into<Denial>) -> Self {
        Self::new("invalid_request", denial.into())
    }

    /// RFC 8693 §2.2.2 and RFC 8707 §2.
    pub(super) fn target(message: String) -> Self {
        Self::new(
            "invalid_target",
            Denial::new(Reason::ExchangeTarget, message),
        )
    }

    pub(super) fn scope(denial: impl Into<Denial>) -> Self {
        Self::new("invalid_scope", denial.into())
    }

    pub(super) fn claim(message: String) -> Self {
        Self::request(Denial::new(Reason::ExchangeClaim, message))
    }
}

impl fmt::Display for ExchangeRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ExchangeRefusal {}
