use std::fmt;

use crate::action::ActionError;
use crate::path::PathError;

/// Why a token's scope claims cannot be used. A token that carries such a
/// claim is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScopeError {
    /// Not RFC 6749's list of scope tokens.
    Grammar {
        /// The byte at which it went wrong, from 0.
        position: usize,
        /// What stands there; nothing at the end of the text.
        found: Option<char>,
    },
    /// A claim has another JSON shape than it must.
    Shape {
        /// The claim, with a JSON pointer into it.
        claim: String,
        /// What was expected there.
        expected: &'static str,
    },
    /// A claim holds a member that nobody here understands, and which might
    /// be a restriction.
    UnknownMember {
        /// The claim, with a JSON pointer into it.
        claim: String,
        /// The member's name.
        member: String,
    },
    /// An authorization detail whose type the snapshot does not declare
    /// (RFC 9396 §5).
    UnknownDetailType {
        /// The `type` that was claimed.
        detail_type: String,
    },
    /// A claim is longer, or has more entries, than is read.
    TooLong {
        /// The claim.
        claim: &'static str,
        /// The most that is read.
        limit: usize,
    },
    /// A rule in the token names a malformed action.
    Action(ActionError),
    /// A rule in the token names a malformed path.
    Path(PathError),
    /// A rule in the token names something that is neither a path nor an object.
    Resource {
        /// The resource as written.
        resource: String,
    },
}

impl ScopeError {
    /// A stable name for the kind of error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            ScopeError::Grammar { .. } => "scope.grammar",
            ScopeError::Shape { .. } => "scope.shape",
            ScopeError::UnknownMember { .. } => "scope.unknown_member",
            ScopeError::UnknownDetailType { .. } => "scope.unknown_detail_type",
            ScopeError::TooLong { .. } => "scope.too_long",
            ScopeError::Action(error) => error.code(),
            ScopeError::Path(error) => error.code(),
            ScopeError::Resource { .. } => "scope.resource",
        }
    }
}

impl fmt::Display for ScopeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ScopeError::Grammar { position, found } => {
                match found {
                    Some(found) => write!(f, "the scopes hold {found:?} at byte {position}")?,
                    None => write!(f, "the scopes end with a space at byte {position}")?,
                }
                f.write_str(
                    "; write printable ASCII names without `\"` and `\\`, with one space between them",
                )
            }
            ScopeError::Shape { claim, expected } => {
                write!(f, "the claim `{claim}` must be {expected}")
            }
            ScopeError::UnknownMember { claim, member } => write!(
                f,
                "the claim `{claim}` has the member `{}`, which may restrict what it gives and is not understood",
                member.escape_debug()
            ),
            ScopeError::UnknownDetailType { detail_type } => write!(
                f,
                "authorization details of type `{}` are not declared; declare the type under `authorization_details` in the snapshot",
                detail_type.escape_debug()
            ),
            ScopeError::TooLong { claim, limit } => {
                write!(
                    f,
                    "the claim `{claim}` is too long; at most {limit} are read"
                )
            }
            ScopeError::Action(error) => error.fmt(f),
            ScopeError::Path(error) => error.fmt(f),
            ScopeError::Resource { resource } => write!(
                f,
                "resource `{}` is neither `type:id`, `type:*` nor a path that starts with `/`",
                resource.escape_debug()
            ),
        }
    }
}

impl std::error::Error for ScopeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            ScopeError::Action(error) => Some(error),
            ScopeError::Path(error) => Some(error),
            _ => None,
        }
    }
}

/// What is wrong with the snapshot's sections about scopes, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SectionError {
    /// A JSON pointer into the snapshot, e.g. `/scopes/document:read/0/action`.
    pub pointer: String,
    /// What is wrong there.
    pub fault: SectionFault,
}

/// What is wrong with the snapshot's sections about scopes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SectionFault {
    /// A name that could not stand in a token's `scope`.
    Name {
        /// The name as written.
        name: String,
    },
    /// The table or an alias redefines a name that has a meaning already.
    Reserved {
        /// The name as written.
        name: String,
        /// What has given it a meaning.
        by: &'static str,
    },
    /// An alias stands for another alias.
    AliasOfAlias {
        /// The scope it stands for.
        target: String,
    },
    /// An alias stands for a pattern that covers more than the name itself.
    AliasWidens {
        /// The alias.
        alias: String,
        /// The scope it stands for.
        target: String,
    },
    /// `<id>` stands elsewhere than as the id of a `target-entity`.
    Placeholder {
        /// The scope it stands in.
        target: String,
    },
    /// An alias stands for a scope without any meaning.
    AliasOfNothing {
        /// The scope it stands for.
        target: String,
    },
    /// A dialect is declared twice.
    RepeatedDialect,
    /// A type name that no object could have.
    TypeName {
        /// The name as written.
        name: String,
    },
    /// A rule's action or resource.
    Rule(ScopeError),
}

impl SectionError {
    /// A stable name for the kind of error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.fault.code()
    }
}

impl SectionFault {
    /// A stable name for the kind of error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            SectionFault::Name { .. } => "scope.name",
            SectionFault::Reserved { .. } => "scope.reserved",
            SectionFault::AliasOfAlias { .. } => "scope.alias_of_alias",
            SectionFault::AliasWidens { .. } => "scope.alias_widens",
            SectionFault::Placeholder { .. } => "scope.placeholder",
            SectionFault::AliasOfNothing { .. } => "scope.alias_of_nothing",
            SectionFault::RepeatedDialect => "scope.repeated_dialect",
            SectionFault::TypeName { .. } => "scope.type_name",
            SectionFault::Rule(error) => error.code(),
        }
    }
}

impl fmt::Display for SectionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.pointer, self.fault)
    }
}

impl fmt::Display for SectionFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SectionFault::Name { name } => write!(
                f,
                "`{}` cannot stand in a token's `scope`; use printable ASCII without spaces, `\"` and `\\`",
                name.escape_debug()
            ),
            SectionFault::Reserved { name, by } => {
                write!(f, "`{name}` has its meaning from {by}; choose another name")
            }
            SectionFault::AliasOfAlias { target } => {
                write!(
                    f,
                    "`{target}` is an alias itself; name the scope it stands for"
                )
            }
            SectionFault::AliasWidens { alias, target } => write!(
                f,
                "`{target}` covers more than `{alias}`, and an alias never widens; choose a name that is no action within it"
            ),
            SectionFault::Placeholder { target } => write!(
                f,
                "`<id>` in `{target}` has no meaning there; write `target-entity:<id>:<permission>`"
            ),
            SectionFault::AliasOfNothing { target } => {
                write!(f, "`{target}` covers nothing; name a scope with a meaning")
            }
            SectionFault::RepeatedDialect => f.write_str("this dialect is declared already"),
            SectionFault::TypeName { name } => write!(
                f,
                "`{}` is no type name; use one without `:`, `#`, `@`, `*`, `/` and white space",
                name.escape_debug()
            ),
            SectionFault::Rule(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for SectionError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.fault {
            SectionFault::Rule(error) => Some(error),
            _ => None,
        }
    }
}
