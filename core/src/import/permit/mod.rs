//! Permit's data as OPAL carries it to a policy engine: users with roles in
//! tenants, roles with actions on types, roles on single instances, relations
//! between instances, and roles that follow from them.
//!
//! It becomes an OpenFGA model and tuples:
//!
//! - each resource type is a type, and its roles, relations and actions are
//!   relations of it; tenants are objects of the type `__tenant`, which is also
//!   the relation from an instance to its tenant;
//! - an action is the union of the roles that are given it: the type's own, and
//!   the tenant's roles `from __tenant`;
//! - a derived role is `role from relation`, for one type of related instance;
//! - every tuple is tagged with the tenant of its instance.

mod document;
mod read;
mod write;

use serde_json::Value;

use super::Imported;
use super::error::Refused;
use super::ledger::Ledger;
use super::place::Place;

/// The type of tenants, and the relation from an instance to its own.
const TENANT: &str = "__tenant";

/// What Permit's document may leave unsaid.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PermitOptions {
    /// The tenant of the instances whose own the document does not say. Without
    /// it they are in none, and no tenant's roles reach them.
    pub tenant: Option<String>,
}

/// Turns Permit's document into a snapshot: model, tuples, principals and
/// resources.
///
/// What could only give is left out with a warning: condition sets, roles for
/// anything but users, and derivations that only count where there is no direct
/// role.
///
/// # Errors
///
/// A part of another shape than Permit's, a member that is not known at any
/// depth, and a name that the model cannot have or that would mean two things.
pub fn permit(document: &Value, options: &PermitOptions) -> Result<Imported, Refused> {
    let mut ledger = Ledger::default();
    let document = read::read(&Place::new(document, ""), &mut ledger);
    write::write(document, options, ledger)
}
