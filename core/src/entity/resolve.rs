use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::ENTITY_TYPE;
use super::error::{EntityError, EntityFault, EntityWarning, EntityWarningKind};
use super::section::{Entity, EntityGrant, EntityType, Placed, Recipient, Section};
use crate::order;

/// The entities of a snapshot, and the grants that count. Both are in an order
/// that does not depend on how the snapshot was written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Entities {
    entities: BTreeMap<String, ResolvedEntity>,
    grants: BTreeMap<(String, String), ResolvedGrant>,
    warnings: Vec<EntityWarning>,
}

/// An entity, joined with its type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedEntity {
    /// Its id.
    pub id: String,
    /// Its name, for people.
    pub name: String,
    /// Its tenant's id.
    pub tenant: Option<String>,
    /// Its type's id.
    pub type_id: String,
    /// Its type's name; the id where the type is not in the snapshot.
    pub type_name: String,
    /// The lifetime of its tokens in seconds, where its type says so; else the
    /// tenant's is used.
    pub lifetime: Option<u64>,
    /// What its owner noted down: for conditions and audit records.
    pub data: Map<String, Value>,
}

/// What one recipient may do with one entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedGrant {
    /// `entity:<id>` or `user:<id>`.
    pub recipient: String,
    /// The id of the entity.
    pub entity: String,
    /// The permissions, sorted, each once. It may be empty: such a grant is
    /// there, and gives nothing.
    pub permissions: Vec<String>,
    /// The entity's tenant.
    pub tenant: Option<String>,
    /// Where the grant stands in the snapshot; the first place, where several
    /// grants were one.
    pub pointer: String,
}

impl ResolvedEntity {
    /// The entity as a principal and as a resource: `entity:<id>`.
    #[must_use]
    pub fn principal(&self) -> String {
        format!("{ENTITY_TYPE}:{}", self.id)
    }
}

impl ResolvedGrant {
    /// The entity as a resource: `entity:<id>`.
    #[must_use]
    pub fn resource(&self) -> String {
        format!("{ENTITY_TYPE}:{}", self.entity)
    }
}

impl Entities {
    /// Joins types, entities and grants.
    ///
    /// A grant without permissions gives the default ones of the entity's
    /// type. A grant to or on an entity that is not there gives nothing, and
    /// is a warning, as is one between two tenants.
    ///
    /// # Errors
    ///
    /// Two types or two entities of one id, and a permission that the type of
    /// the entity does not define.
    pub fn resolve(
        types: &Section<EntityType>,
        entities: &Section<Entity>,
        grants: &Section<EntityGrant>,
    ) -> Result<Entities, EntityError> {
        let mut known: BTreeMap<&str, &EntityType> = BTreeMap::new();
        for Placed { pointer, record } in &types.records {
            if known.insert(&record.id, record).is_some() {
                return Err(duplicate(pointer, &record.id));
            }
        }
        let mut resolved = Entities::default();
        for Placed { pointer, record } in &entities.records {
            let own_type = known.get(record.type_id.as_str());
            if own_type.is_none() {
                resolved.warn(
                    format!("{pointer}/type/id"),
                    EntityWarningKind::AbsentType {
                        id: record.type_id.clone(),
                    },
                );
            }
            let entity = ResolvedEntity {
                id: record.id.clone(),
                name: record.name.clone(),
                tenant: record.tenant.clone(),
                type_id: record.type_id.clone(),
                type_name: own_type.map_or(&record.type_id, |t| &t.name).clone(),
                lifetime: own_type
                    .filter(|t| t.jwt.enabled)
                    .and_then(|t| t.jwt.lifetime),
                data: record.data.clone(),
            };
            if resolved
                .entities
                .insert(record.id.clone(), entity)
                .is_some()
            {
                return Err(duplicate(pointer, &record.id));
            }
        }
        for placed in &grants.records {
            resolved.add_grant(placed, &known)?;
        }
        Ok(resolved)
    }

    /// The entities, by id.
    pub fn entities(&self) -> impl ExactSizeIterator<Item = &ResolvedEntity> {
        self.entities.values()
    }

    /// One entity.
    #[must_use]
    pub fn entity(&self, id: &str) -> Option<&ResolvedEntity> {
        self.entities.get(id)
    }

    /// The grants, by recipient and entity.
    pub fn grants(&self) -> impl ExactSizeIterator<Item = &ResolvedGrant> {
        self.grants.values()
    }

    /// The grant of one recipient (`entity:<id>` or `user:<id>`) on one entity.
    #[must_use]
    pub fn grant(&self, recipient: &str, entity: &str) -> Option<&ResolvedGrant> {
        let key = (recipient.to_owned(), entity.to_owned());
        self.grants.get(&key)
    }

    /// What gives nothing though it looks as if it would, in the order written.
    #[must_use]
    pub fn warnings(&self) -> &[EntityWarning] {
        &self.warnings
    }

    /// Whether a user has any grant; users themselves are not listed here.
    #[cfg(feature = "tokens")]
    pub(super) fn has_grants(&self, user: &str) -> bool {
        self.grants.values().any(|grant| grant.recipient == user)
    }

    fn add_grant(
        &mut self,
        placed: &Placed<EntityGrant>,
        types: &BTreeMap<&str, &EntityType>,
    ) -> Result<(), EntityError> {
        let Placed { pointer, record } = placed;
        let Some(target) = self.entities.get(&record.entity) else {
            let id = record.entity.clone();
            self.warn(
                format!("{pointer}/entity/id"),
                EntityWarningKind::AbsentTarget { id },
            );
            return Ok(());
        };
        let tenant = target.tenant.clone();
        // Names are checked before the recipient is looked for: a permission
        // that no type defines is an error in any snapshot.
        let permissions = permissions(placed, target, types.get(target.type_id.as_str()))?;
        if let Recipient::Entity(id) = &record.recipient {
            let absent = match self.entities.get(id) {
                None => Some(EntityWarningKind::AbsentRecipient { id: id.clone() }),
                Some(own) if own.tenant != tenant => Some(EntityWarningKind::CrossTenant),
                Some(_) => None,
            };
            if let Some(kind) = absent {
                self.warn(pointer.clone(), kind);
                return Ok(());
            }
        }
        if permissions.is_empty() {
            self.warn(pointer.clone(), EntityWarningKind::NoPermissions);
        }
        let recipient = record.recipient.principal();
        let key = (recipient.clone(), record.entity.clone());
        let grant = self.grants.entry(key).or_insert_with(|| ResolvedGrant {
            recipient,
            entity: record.entity.clone(),
            permissions: Vec::new(),
            tenant,
            pointer: pointer.clone(),
        });
        let all = order::set(grant.permissions.drain(..).chain(permissions));
        grant.permissions = all.into_iter().collect();
        Ok(())
    }

    fn warn(&mut self, pointer: String, kind: EntityWarningKind) {
        self.warnings.push(EntityWarning { pointer, kind });
    }
}

fn permissions(
    placed: &Placed<EntityGrant>,
    target: &ResolvedEntity,
    own_type: Option<&&EntityType>,
) -> Result<Vec<String>, EntityError> {
    let defined = own_type
        .map(|t| t.permissions.as_slice())
        .unwrap_or_default();
    let Some(names) = &placed.record.permissions else {
        let defaults = defined.iter().filter(|permission| permission.is_default);
        return Ok(defaults.map(|permission| permission.name.clone()).collect());
    };
    for (index, name) in names.iter().enumerate() {
        if !defined.iter().any(|permission| permission.name == *name) {
            return Err(EntityError::new(
                format!("{}/permissions/{index}", placed.pointer),
                EntityFault::UnknownPermission {
                    permission: name.clone(),
                    entity_type: target.type_name.clone(),
                },
            ));
        }
    }
    Ok(names.clone())
}

fn duplicate(pointer: &str, id: &str) -> EntityError {
    let fault = EntityFault::Duplicate {
        name: id.to_owned(),
    };
    EntityError::new(format!("{pointer}/id"), fault)
}
