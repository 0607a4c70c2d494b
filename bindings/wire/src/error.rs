//! The one shape of errors.

use std::fmt;

use deputize::{CompiledError, QueryError, SnapshotError};
use serde::Serialize;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "ErrorBody"))]
pub struct Error {
    /// Whose it is to mend.
    pub kind: Kind,
    /// A stable dotted name, the same in every language.
    pub code: &'static str,
    /// The error in words.
    pub message: String,
    /// The JSON pointer of what is wrong, in the document that was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// The line of what is wrong, from 1, where the document or its model is a
    /// text with lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The column, from 1, in characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// For a refused exchange or client: the `error` of an OAuth response.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oauth_error: Option<&'static str>,
}

/// Whose an error is to mend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "ErrorKind"))]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The program that called: an argument is not what it must be.
    Misuse,
    /// Whoever wrote the snapshot or asked the question.
    Input,
    /// Nobody: a token, a chain or a request is refused, for the reason that
    /// the code names.
    Denied,
    /// Ours: please report it.
    Internal,
}

impl Error {
    pub(crate) fn new(kind: Kind, code: &'static str, message: impl Into<String>) -> Self {
        let kind = match code {
            "internal" => Kind::Internal,
            _ => kind,
        };
        Self {
            kind,
            code,
            message: message.into(),
            pointer: None,
            line: None,
            column: None,
            oauth_error: None,
        }
    }

    /// An argument that is not what it must be.
    pub fn misuse(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Kind::Misuse, code, message)
    }

    /// A fault of our own.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(Kind::Internal, "internal", message)
    }

    pub(crate) fn at(mut self, pointer: impl Into<String>) -> Self {
        self.pointer = Some(pointer.into()).filter(|pointer| !pointer.is_empty());
        self
    }

    /// The error as JSON, the way every binding gets it.
    #[must_use]
    pub fn to_json(&self) -> String {
        crate::options::write(self)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl From<SnapshotError> for Error {
    fn from(error: SnapshotError) -> Self {
        let said = Self::new(Kind::Input, error.code(), error.to_string());
        Self {
            line: error.position.map(|place| place.line),
            column: error.position.map(|place| place.column),
            ..said.at(error.pointer)
        }
    }
}

impl From<CompiledError> for Error {
    fn from(error: CompiledError) -> Self {
        match error {
            CompiledError::Snapshot(error) => (*error).into(),
            error => Self::new(Kind::Input, error.code(), error.to_string()),
        }
    }
}

impl From<QueryError> for Error {
    fn from(error: QueryError) -> Self {
        let said = Self::new(Kind::Input, error.code(), error.to_string());
        match error {
            QueryError::ContextualTuple { index, .. } => {
                said.at(format!("/contextual_tuples/{index}"))
            }
            _ => said,
        }
    }
}

#[cfg(feature = "tokens")]
mod of_tokens {
    use deputize::authzen::RequestError;
    use deputize::decision::{Denial, ReplayError};
    use deputize::entity::Refusal;
    use deputize::exchange::ExchangeRefusal;
    use deputize::scope::ScopeError;

    use super::{Error, Kind};

    impl From<Denial> for Error {
        fn from(denial: Denial) -> Self {
            Self::new(Kind::Denied, denial.code(), denial.message)
        }
    }

    impl From<ExchangeRefusal> for Error {
        fn from(refusal: ExchangeRefusal) -> Self {
            let oauth_error = Some(refusal.oauth_error());
            Self {
                oauth_error,
                ..Self::new(Kind::Denied, refusal.code(), refusal.message)
            }
        }
    }

    impl From<Refusal> for Error {
        fn from(refusal: Refusal) -> Self {
            let oauth_error = Some(refusal.oauth_error());
            Self {
                oauth_error,
                ..Self::new(Kind::Denied, refusal.code(), refusal.to_string())
            }
        }
    }

    impl From<RequestError> for Error {
        fn from(error: RequestError) -> Self {
            Self::new(Kind::Input, error.code(), error.to_string()).at(error.pointer)
        }
    }

    impl From<ReplayError> for Error {
        fn from(error: ReplayError) -> Self {
            Self::new(Kind::Input, error.code(), error.to_string())
        }
    }

    impl From<ScopeError> for Error {
        fn from(error: ScopeError) -> Self {
            Self::new(Kind::Input, error.code(), error.to_string())
        }
    }
}
