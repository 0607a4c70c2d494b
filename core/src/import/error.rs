use std::fmt;

use crate::action::ActionError;
use crate::entity::{EntityError, EntityFault};
use crate::path::PathError;

/// Why a document cannot be turned into a snapshot, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportError {
    /// A JSON pointer into the document; its first step is the document's
    /// number, from 0, where several were given.
    pub pointer: String,
    /// What is wrong there.
    pub fault: ImportFault,
}

/// What is wrong with a document. Values are named only where they cannot be
/// secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
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
            ImportFault::Clash { .. } => "import.clash",
            ImportFault::Reference { .. } => "import.reference",
            ImportFault::PrivateKey => "import.private_key",
            ImportFault::Action(error) => error.code(),
            ImportFault::Path(error) => error.code(),
            ImportFault::Entity(_) => "import.entity",
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
        if let ImportFault::Entity(fault) = &self.fault {
            let fault = fault.clone();
            return EntityError::new(place, fault).fmt(f);
        }
        write!(f, "{place}: ")?;
        match &self.fault {
            ImportFault::Shape { expected } => write!(f, "expected {expected}"),
            ImportFault::UnknownMember { member } => write!(
                f,
                "the member `{}` is not understood, and might restrict what the rest gives",
                member.escape_debug()
            ),
            ImportFault::Name { name, kind } => write!(
                f,
                "`{}` cannot name a {kind}; rename it without `:`, `#`, `@`, `*` and white space, and shorter",
                name.escape_debug()
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
            ImportFault::Entity(_) => Ok(()),
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
