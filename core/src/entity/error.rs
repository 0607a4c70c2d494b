use std::fmt;

/// What is wrong with the snapshot's sections about entities, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntityError {
    /// A JSON pointer into the snapshot, e.g. `/entity_grants/grants/3/permissions/0`.
    pub pointer: String,
    /// What is wrong there.
    pub fault: EntityFault,
}

/// What is wrong with a section about entities. No value of a member that
/// could hold a secret is repeated here.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum EntityFault {
    /// Another JSON shape than FusionAuth's.
    Shape {
        /// What was expected there.
        expected: &'static str,
    },
    /// An id that could not be part of `entity:<id>` or of a scope.
    Id {
        /// The id as written.
        id: String,
    },
    /// A permission's name that nothing could ask for.
    PermissionName {
        /// The name as written.
        name: String,
    },
    /// Two types, two entities, or two permissions of a type have one name.
    Duplicate {
        /// The id or the name that occurs twice.
        name: String,
    },
    /// A grant names a permission that the type of its entity does not define.
    UnknownPermission {
        /// The permission.
        permission: String,
        /// The type's name, or its id where the type is not in the snapshot.
        entity_type: String,
    },
    /// A type with its own token settings, but without a lifetime above zero.
    Lifetime,
    /// A grant with two recipients, or with none.
    Recipient,
}

impl EntityError {
    pub(crate) fn new(pointer: impl Into<String>, fault: EntityFault) -> EntityError {
        EntityError {
            pointer: pointer.into(),
            fault,
        }
    }

    /// A stable name for the kind of error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.fault.code()
    }
}

impl EntityFault {
    /// A stable name for the kind of error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            EntityFault::Shape { .. } => "entity.shape",
            EntityFault::Id { .. } => "entity.id",
            EntityFault::PermissionName { .. } => "entity.permission_name",
            EntityFault::Duplicate { .. } => "entity.duplicate",
            EntityFault::UnknownPermission { .. } => "entity.unknown_permission",
            EntityFault::Lifetime => "entity.lifetime",
            EntityFault::Recipient => "entity.recipient",
        }
    }
}

impl fmt::Display for EntityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.pointer, self.fault)
    }
}

impl fmt::Display for EntityFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EntityFault::Shape { expected } => write!(f, "expected {expected}"),
            EntityFault::Id { id } => write!(
                f,
                "`{}` cannot be an id; use up to 256 bytes without `:`, `#`, `*` alone, white space and control characters",
                id.escape_debug()
            ),
            EntityFault::PermissionName { name } => write!(
                f,
                "`{}` cannot be a permission; use up to 256 bytes without control characters",
                name.escape_debug()
            ),
            EntityFault::Duplicate { name } => {
                write!(f, "`{}` occurs twice; keep one", name.escape_debug())
            }
            EntityFault::UnknownPermission {
                permission,
                entity_type,
            } => write!(
                f,
                "the entity type `{}` defines no permission `{}`; names must match exactly",
                entity_type.escape_debug(),
                permission.escape_debug()
            ),
            EntityFault::Lifetime => f.write_str(
                "an enabled `jwtConfiguration` needs a `timeToLiveInSeconds` greater than zero",
            ),
            EntityFault::Recipient => {
                f.write_str("a grant needs either a `recipientEntityId` or a `userId`")
            }
        }
    }
}

impl std::error::Error for EntityError {}

/// Something in the sections that gives nothing, though it looks as if it would.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntityWarning {
    /// A JSON pointer into the snapshot.
    pub pointer: String,
    /// What is missing.
    pub kind: EntityWarningKind,
}

/// Why a part of the sections gives nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum EntityWarningKind {
    /// A grant to an entity that is not in the snapshot.
    AbsentRecipient {
        /// The entity's id.
        id: String,
    },
    /// A grant on an entity that is not in the snapshot.
    AbsentTarget {
        /// The entity's id.
        id: String,
    },
    /// An entity whose type is not in the snapshot.
    AbsentType {
        /// The type's id.
        id: String,
    },
    /// A grant between entities of two tenants.
    CrossTenant,
    /// A grant without permissions on an entity whose type has no default ones,
    /// or with an empty list of them.
    NoPermissions,
}

impl EntityWarning {
    /// A stable name for the kind of warning.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self.kind {
            EntityWarningKind::AbsentRecipient { .. } => "entity.absent_recipient",
            EntityWarningKind::AbsentTarget { .. } => "entity.absent_target",
            EntityWarningKind::AbsentType { .. } => "entity.absent_type",
            EntityWarningKind::CrossTenant => "entity.cross_tenant",
            EntityWarningKind::NoPermissions => "entity.no_permissions",
        }
    }
}

impl fmt::Display for EntityWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.pointer, self.kind)
    }
}

impl fmt::Display for EntityWarningKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EntityWarningKind::AbsentRecipient { id } => {
                write!(
                    f,
                    "the recipient `{id}` is not among the entities; the grant gives nothing"
                )
            }
            EntityWarningKind::AbsentTarget { id } => {
                write!(
                    f,
                    "the entity `{id}` is not in the snapshot; the grant gives nothing"
                )
            }
            EntityWarningKind::AbsentType { id } => {
                write!(
                    f,
                    "the type `{id}` is not in the snapshot; the entity has no permissions"
                )
            }
            EntityWarningKind::CrossTenant => {
                f.write_str("recipient and entity are of two tenants; the grant gives nothing")
            }
            EntityWarningKind::NoPermissions => f.write_str(
                "the grant names no permissions and its type has no default ones; it gives nothing",
            ),
        }
    }
}
