//! Why a snapshot is refused.

use std::fmt;

use crate::action::ActionError;
use crate::entity::EntityFault;
use crate::json;
use crate::model::ModelError;
use crate::model::identifier::IdentifierError;
use crate::path::PathError;

/// A place in a text: both count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The line.
    pub line: u32,
    /// The column, in characters.
    pub column: u32,
}

/// Why a snapshot is refused, and where.
#[derive(Debug, Clone, PartialEq)]
pub struct SnapshotError {
    /// What is wrong.
    pub kind: SnapshotErrorKind,
    /// The JSON pointer (RFC 6901) of the value that is wrong.
    pub pointer: String,
    /// The place in the document (for JSON that does not parse) or in the
    /// model's DSL text.
    pub position: Option<Position>,
}

/// What is wrong with a snapshot.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum SnapshotErrorKind {
    /// The document is larger than allowed.
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// A section has more entries than allowed.
    TooMany {
        /// Of what.
        what: &'static str,
        /// The most there may be.
        limit: usize,
    },
    /// The document is not UTF-8.
    Utf8 {
        /// The first byte that is wrong.
        offset: usize,
        /// It is UTF-16, as Windows PowerShell's `>` writes it.
        utf16: bool,
    },
    /// The document is not JSON.
    Json {
        /// What the parser says.
        detail: String,
    },
    /// A member is missing, unknown or of a wrong type.
    Shape {
        /// What the parser says.
        detail: String,
    },
    /// Another format's number.
    Format {
        /// The number found.
        found: u32,
    },
    /// The model does not hold; the first of its errors stands here.
    Model(Box<ModelError>),
    /// A condition of the model does not compile.
    #[cfg(feature = "conditions")]
    Condition(Box<crate::condition::ConditionError>),
    /// This build has no conditions, and the model defines one.
    ConditionsUnsupported,
    /// A user, relation or object is not well-formed.
    Identifier {
        /// The text found.
        found: String,
        /// What is wrong with it.
        reason: IdentifierError,
    },
    /// Two tuples agree in user, relation, object and tenant, but not in their
    /// condition.
    ConflictingTuple {
        /// The tuple, as `user relation object`.
        tuple: String,
    },
    /// A text is not what must stand there.
    Value {
        /// The text found.
        found: String,
        /// What must stand there.
        expected: &'static str,
    },
    /// Something is given twice that may be given once.
    Duplicate {
        /// Its name.
        name: String,
    },
    /// An access rule's action.
    Action(ActionError),
    /// An access rule's path.
    Path(PathError),
    /// The sections about entities do not hold.
    Entity(EntityFault),
    /// An issuer is refused.
    #[cfg(feature = "tokens")]
    Issuer(Box<crate::token::IssuerFault>),
    /// The sections about scopes do not hold.
    #[cfg(feature = "tokens")]
    Scopes(Box<crate::scope::SectionFault>),
    /// A principal's scopes are malformed.
    #[cfg(feature = "tokens")]
    Scope(crate::scope::ScopeError),
    /// A hop that is enough by itself would be impersonation.
    #[cfg(feature = "tokens")]
    Delegated {
        /// What it needs.
        needed: &'static str,
    },
    /// A limit is out of its range.
    Limit {
        /// Which one.
        name: &'static str,
    },
    /// Our own fault; please report it.
    Internal,
}

impl SnapshotErrorKind {
    /// The error with this kind at a JSON pointer.
    pub fn at(self, pointer: impl Into<String>) -> SnapshotError {
        SnapshotError {
            kind: self,
            pointer: pointer.into(),
            position: None,
        }
    }
}

impl SnapshotError {
    /// What a reader of `text` says is wrong with it, and where.
    pub(crate) fn from_serde(text: &str, error: &serde_json::Error) -> Self {
        let mut pointer = crate::pointer::of_error(text, error);
        let detail = json::said(error);
        let kind = match error.classify() {
            // Whoever reads it, a member that stands twice is one kind of error.
            serde_json::error::Category::Data => match json::named_twice(&detail) {
                Some(name) => {
                    let name = name.to_owned();
                    if detail.starts_with("duplicate field") {
                        pointer = format!("{pointer}/{name}");
                    }
                    SnapshotErrorKind::Duplicate { name }
                }
                None => SnapshotErrorKind::Shape { detail },
            },
            _ => SnapshotErrorKind::Json { detail },
        };
        let position = Some(Position {
            line: error.line() as u32,
            column: error.column() as u32,
        });
        Self {
            kind,
            pointer,
            position,
        }
    }

    /// A stable name for the kind of error.
    pub fn code(&self) -> &'static str {
        match &self.kind {
            SnapshotErrorKind::TooLarge { .. } => "snapshot.too_large",
            SnapshotErrorKind::TooMany { .. } => "snapshot.too_many",
            SnapshotErrorKind::Utf8 { .. } => "snapshot.utf8",
            SnapshotErrorKind::Json { .. } => "snapshot.json",
            SnapshotErrorKind::Shape { .. } => "snapshot.shape",
            SnapshotErrorKind::Format { .. } => "snapshot.format",
            SnapshotErrorKind::Model(_) => "snapshot.model",
            #[cfg(feature = "conditions")]
            SnapshotErrorKind::Condition(_) => "snapshot.condition",
            SnapshotErrorKind::ConditionsUnsupported => "snapshot.conditions_unsupported",
            SnapshotErrorKind::Identifier { .. } => "snapshot.identifier",
            SnapshotErrorKind::ConflictingTuple { .. } => "snapshot.conflicting_tuple",
            SnapshotErrorKind::Value { .. } => "snapshot.value",
            SnapshotErrorKind::Duplicate { .. } => "snapshot.duplicate",
            SnapshotErrorKind::Action(error) => error.code(),
            SnapshotErrorKind::Path(error) => error.code(),
            SnapshotErrorKind::Entity(fault) => fault.code(),
            #[cfg(feature = "tokens")]
            SnapshotErrorKind::Issuer(fault) => fault.code(),
            #[cfg(feature = "tokens")]
            SnapshotErrorKind::Scopes(fault) => fault.code(),
            #[cfg(feature = "tokens")]
            SnapshotErrorKind::Scope(error) => error.code(),
            #[cfg(feature = "tokens")]
            SnapshotErrorKind::Delegated { .. } => "delegation.delegated",
            SnapshotErrorKind::Limit { .. } => "snapshot.limit",
            SnapshotErrorKind::Internal => "internal",
        }
    }
}

impl fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            SnapshotErrorKind::TooLarge { bytes } => {
                write!(
                    f,
                    "the snapshot has {bytes} bytes; at most {} are read",
                    super::MAX_SNAPSHOT_BYTES
                )?;
            }
            SnapshotErrorKind::TooMany { what, limit } => {
                write!(f, "there are more {what} than the {limit} allowed")?;
            }
            SnapshotErrorKind::Utf8 { utf16: true, .. } => {
                f.write_str("the snapshot is UTF-16; save it as UTF-8")?;
            }
            SnapshotErrorKind::Utf8 { offset, .. } => {
                write!(f, "the snapshot is not UTF-8 from byte {offset} on")?;
            }
            SnapshotErrorKind::Json { detail } => write!(f, "the snapshot is not JSON: {detail}")?,
            SnapshotErrorKind::Shape { detail } => f.write_str(detail)?,
            SnapshotErrorKind::Format { found } => {
                write!(f, "`{found}` is not a format known here; `1` is")?;
            }
            SnapshotErrorKind::Model(error) => write!(f, "{error}")?,
            #[cfg(feature = "conditions")]
            SnapshotErrorKind::Condition(error) => write!(f, "{error}")?,
            SnapshotErrorKind::ConditionsUnsupported => {
                f.write_str("the model defines conditions, which this build leaves out")?;
            }
            SnapshotErrorKind::Identifier { found, reason } => write!(f, "`{found}`: {reason}")?,
            SnapshotErrorKind::ConflictingTuple { tuple } => {
                write!(
                    f,
                    "the tuple `{tuple}` is given twice, under different conditions"
                )?;
            }
            SnapshotErrorKind::Value { found, expected } => {
                write!(
                    f,
                    "`{}` stands where {expected} must stand",
                    found.escape_debug()
                )?;
            }
            SnapshotErrorKind::Duplicate { name } => {
                write!(f, "`{}` is given twice; keep one", name.escape_debug())?;
            }
            SnapshotErrorKind::Action(error) => write!(f, "{error}")?,
            SnapshotErrorKind::Path(error) => write!(f, "{error}")?,
            SnapshotErrorKind::Entity(fault) => write!(f, "{fault}")?,
            #[cfg(feature = "tokens")]
            SnapshotErrorKind::Issuer(fault) => write!(f, "{fault}")?,
            #[cfg(feature = "tokens")]
            SnapshotErrorKind::Scopes(fault) => write!(f, "{fault}")?,
            #[cfg(feature = "tokens")]
            SnapshotErrorKind::Scope(error) => write!(f, "{error}")?,
            #[cfg(feature = "tokens")]
            SnapshotErrorKind::Delegated { needed } => {
                write!(f, "an admitted hop is enough only with {needed}")?;
            }
            SnapshotErrorKind::Limit { name } => {
                write!(f, "the limit `{name}` must be at least 1")?
            }
            SnapshotErrorKind::Internal => f.write_str("an error of our own: please report it")?,
        }
        if !self.pointer.is_empty() {
            write!(f, " (at `{}`", self.pointer)?;
            if let Some(p) = self.position {
                write!(f, ", line {}, column {}", p.line, p.column)?;
            }
            f.write_str(")")?;
        } else if let Some(p) = self.position {
            write!(f, " (line {}, column {})", p.line, p.column)?;
        }
        Ok(())
    }
}

impl std::error::Error for SnapshotError {}
