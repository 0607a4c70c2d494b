use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::TENANT;

/// Permit's document, each part of it sorted.
#[derive(Debug, Default)]
pub(super) struct Document {
    pub(super) users: BTreeMap<String, User>,
    pub(super) types: BTreeMap<String, ResourceType>,
    pub(super) instances: BTreeMap<Instance, About>,
    pub(super) tenants: BTreeSet<String>,
    /// User, role and instance; tenants are instances too. Each with the
    /// pointer of where it stands.
    pub(super) assignments: BTreeMap<(String, String, Instance), String>,
    /// Subject, relation and object.
    pub(super) relationships: BTreeMap<(Instance, String, Instance), String>,
}

#[derive(Debug, Default)]
pub(super) struct User {
    pub(super) origin: String,
    pub(super) tenants: BTreeSet<String>,
    pub(super) attributes: Map<String, Value>,
}

/// A resource type; tenants are one too, whose roles reach into the others.
#[derive(Debug, Default)]
pub(super) struct ResourceType {
    pub(super) origin: String,
    pub(super) actions: BTreeSet<String>,
    pub(super) roles: BTreeMap<String, Role>,
    /// Relations, and the types that they lead to.
    pub(super) relations: BTreeMap<String, BTreeSet<String>>,
}

#[derive(Debug, Default)]
pub(super) struct Role {
    pub(super) origin: String,
    /// Actions by resource type.
    pub(super) grants: BTreeMap<String, BTreeSet<String>>,
    /// Held by whoever holds a role on a related instance.
    pub(super) derived: BTreeSet<Derivation>,
    /// The roles of the same type whose grants it has too.
    pub(super) extends: BTreeSet<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Derivation {
    pub(super) relation: String,
    pub(super) related_type: String,
    pub(super) related_role: String,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Instance {
    pub(super) type_name: String,
    pub(super) key: String,
}

#[derive(Debug, Default)]
pub(super) struct About {
    pub(super) origin: String,
    pub(super) tenant: Option<String>,
    pub(super) attributes: Map<String, Value>,
}

impl Instance {
    pub(super) fn tenant(key: &str) -> Instance {
        Instance {
            type_name: TENANT.to_owned(),
            key: key.to_owned(),
        }
    }
}

impl std::fmt::Display for Instance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.type_name, self.key)
    }
}
