use std::fmt;

use super::ledger::Records;
use crate::action::ActionError;
use crate::entity::{EntityError, EntityFault};
use crate::model::identifier::IdentifierError;
use crate::path::PathError;
use crate::snapshot::SnapshotErrorKind;

/// An import that has no snapshot: some of its records are refused, and to
/// leave them out could be to leave out what takes away.
#[derive(Debug, Clone, PartialEq)]
pub struct Refused {
    /// Why, in the order met; never empty.
    pub errors: Vec<ImportError>,
    /// What became of all records.
    pub records: Records,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Records { refused, .. } = self.records;
        write!(f, "{refused} of {} records refused", self.records.total())?;
        match self.errors.first() {
            Some(first) => write!(f, "; {first}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Refused {}

/// Why a document cannot be turned into a snapshot, and where.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportError {
    /// A JSON pointer into the document; its first step is the document's
    /// number, from 0, where several were given.
    pub pointer: String,
    /// What is wrong there.
    pub fault: ImportFault,
}

/// What is wrong with a document. Values are named only where they cannot be
/// secrets.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ImportFault {
    /// Another JSON shape.
    Shape {
        /// What was expected there.
        expected: &'static str,
    },
    /// A member that might restrict what the rest gives.
    UnknownMember {
        /// The member's name.
        member: String,
    },
    /// A name that no type, relation or object of a model can have.
    Name {
        /// The name as written.
        name: String,
        /// What it would have named.
        kind: &'static str,
    },
    /// A user, relation, object or condition that nothing can be called.
    Identifier {
        /// The text found.
        found: String,
        /// What is wrong with it.
        reason: IdentifierError,
    },
    /// A line that its reader could not make a record of.
    Line {
        /// What the reader says.
        problem: String,
    },
    /// One page of several: what the others say is not known.
    Incomplete {
        /// Of what, and how that shows.
        what: String,
    },
    /// A member that is there twice.
    Twice {
        /// The member's name.
        member: String,
    },
    /// A name with two meanings.
    Clash {
        /// The name.
        name: String,
    },
    /// A document that refers to another file.
    Reference {
        /// The file's name.
        file: String,
    },
    /// A private key among public ones.
    PrivateKey,
    /// An action pattern.
    Action(ActionError),
    /// A resource path.
    Path(PathError),
    /// A record of FusionAuth's.
    Entity(EntityFault),
    /// What no snapshot may hold.
    Snapshot(Box<SnapshotErrorKind>),
}

impl ImportError {
    pub(super) fn new(pointer: impl Into<String>, fault: ImportFault) -> ImportError {
        ImportError {
            pointer: pointer.into(),
            fault,
        }
    }

    pub(super) fn shape(pointer: impl Into<String>, expected: &'static str) -> ImportError {
        ImportError::new(pointer, ImportFault::Shape { expected })
    }

    /// A stable name for the kind of error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match &self.fault {
            ImportFault::Shape { .. } => "import.shape",
            ImportFault::UnknownMember { .. } => "import.unknown_member",
            ImportFault::Name { .. } => "import.name",
            ImportFault::Identifier { .. } => "import.identifier",
            ImportFault::Line { .. } => "import.line",
            ImportFault::Incomplete { .. } => "import.incomplete",
            ImportFault::Twice { .. } => "import.twice",
            ImportFault::Clash { .. } => "import.clash",
            ImportFault::Reference { .. } => "import.reference",
            ImportFault::PrivateKey => "import.private_key",
            ImportFault::Action(error) => error.code(),
            ImportFault::Path(error) => error.code(),
            ImportFault::Entity(_) => "import.entity",
            ImportFault::Snapshot(kind) => kind.clone().at("").code(),
        }
    }
}

impl From<EntityError> for ImportError {
    fn from(error: EntityError) -> ImportError {
        ImportError::new(error.pointer, ImportFault::Entity(error.fault))
    }
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.pointer.is_empty() {
            "the document"
        } else {
            &self.pointer
        };
        write!(f, "{place}: {}", self.fault)
    }
}

impl fmt::Display for ImportFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ImportFault::Shape { expected } => write!(f, "expected {expected}"),
            ImportFault::UnknownMember { member } => write!(
                f,
                "the member `{}` is not understood, and might restrict what the rest gives",
                member.escape_debug()
            ),
            ImportFault::Name { name, kind } => {
                let barred = match *kind {
                    "type" | "relation" | "role" | "action" => "`:`, `#`, `@`, `*`",
                    _ => "`:`, `#`, `*` alone",
                };
                write!(
                    f,
                    "`{}` cannot name a {kind}; use no {barred}, white space or control characters, and not too many bytes",
                    name.escape_debug()
                )
            }
            ImportFault::Identifier { found, reason } => {
                write!(f, "`{}`: {reason}", found.escape_debug())
            }
            ImportFault::Line { problem } => f.write_str(problem),
            ImportFault::Incomplete { what } => write!(
                f,
                "{what}: what is missing may be what takes a right away; export all of it"
            ),
            ImportFault::Twice { member } => write!(
                f,
                "the member `{}` is there twice; keep one",
                member.escape_debug()
            ),
            ImportFault::Clash { name } => {
                write!(f, "`{}` has two meanings; rename one", name.escape_debug())
            }
            ImportFault::Reference { file } => write!(
                f,
                "the file `{}` is named, not given; put its content in its place",
                file.escape_debug()
            ),
            ImportFault::PrivateKey => {
                f.write_str("a private key stands among the public ones; take it out")
            }
            ImportFault::Action(error) => error.fmt(f),
            ImportFault::Path(error) => error.fmt(f),
            ImportFault::Entity(fault) => fault.fmt(f),
            ImportFault::Snapshot(kind) => kind.clone().at("").fmt(f),
        }
    }
}

impl std::error::Error for ImportError {}

/// Something that was left out of the snapshot. It gives nothing there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportWarning {
    /// A JSON pointer, as in [`ImportError`].
    pub pointer: String,
    /// What was left out, and why.
    pub message: String,
}

impl fmt::Display for ImportWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.pointer, self.message)
    }
}
