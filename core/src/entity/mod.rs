//! FusionAuth's entities: types that define permissions, entities of a type
//! and a tenant, and grants of permissions on one entity to another or to a
//! user.
//!
//! [`Section`]s read what its search APIs return, as it is returned.
//! [`Entities::resolve`] joins the three into grants that stand by themselves.
//! [`client_credentials`] answers what FusionAuth's token endpoint would.
//!
//! Secrets are dropped when they are read: nothing here holds one.

#[cfg(feature = "tokens")]
mod credentials;
mod error;
mod resolve;
mod section;

#[cfg(feature = "tokens")]
pub use credentials::{
    Credentials, CredentialsRequest, Directory, Party, Refusal, Target, client_credentials,
};
pub use error::{EntityError, EntityFault, EntityWarning, EntityWarningKind};
pub use resolve::{Entities, ResolvedEntity, ResolvedGrant};
pub use section::{
    Entity, EntityGrant, EntityType, JwtSettings, Permission, Placed, Recipient, Record, Section,
};

#[cfg(test)]
mod tests;

/// The type of the objects and principals that entities are: `entity:<id>`.
pub const ENTITY_TYPE: &str = "entity";

/// The type of the principals that users are: `user:<id>`.
pub const USER_TYPE: &str = "user";
