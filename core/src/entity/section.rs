//! FusionAuth's shapes, as its search APIs return them. Members that are not
//! named here are passed over: these are another system's documents, which
//! gain members with its versions.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::error::{EntityError, EntityFault};

/// The longest id or permission name, in bytes: what OpenFGA takes for an
/// object.
const MAX_NAME_BYTES: usize = 256;

/// A kind of entity and the permissions that can be had on such entities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntityType {
    /// Its id.
    pub id: String,
    /// Its name, for people.
    pub name: String,
    /// The permissions it defines.
    pub permissions: Vec<Permission>,
    /// How tokens for such entities are made, where that is not its tenant's way.
    pub jwt: JwtSettings,
}

/// A permission that a type defines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permission {
    /// Its name, compared exactly.
    pub name: String,
    /// Whether a grant that names no permissions gives it.
    pub is_default: bool,
}

/// A type's `jwtConfiguration`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JwtSettings {
    /// Whether these settings are used, and not the tenant's.
    pub enabled: bool,
    /// The lifetime of a token in seconds; above zero where `enabled`.
    pub lifetime: Option<u64>,
    /// The id of the key that signs access tokens.
    pub key: Option<String>,
}

/// Something that is of a type and can hold permissions and be their target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entity {
    /// Its id.
    pub id: String,
    /// Its name, for people.
    pub name: String,
    /// The name it authenticates with, where that is not its id.
    pub client_id: Option<String>,
    /// Its tenant's id.
    pub tenant: Option<String>,
    /// Its type's id.
    pub type_id: String,
    /// What its owner noted down about it. It never becomes part of a token.
    pub data: Map<String, Value>,
}

/// Permissions on one entity for one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntityGrant {
    /// Who has them.
    pub recipient: Recipient,
    /// The id of the entity they are on.
    pub entity: String,
    /// Their names; `None` where the grant names none, which gives the default
    /// ones. An empty list gives nothing.
    pub permissions: Option<Vec<String>>,
}

/// Who has a grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recipient {
    /// An entity, by its id.
    Entity(String),
    /// A user, by its id.
    User(String),
}

/// Records of one kind, in the order they were written.
///
/// It is read from an array of records, of records in their wrapper
/// (`{"entityType":{…}}`) or of search results, and from one of these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section<T> {
    /// The records and their places.
    pub records: Vec<Placed<T>>,
}

/// A record, and where it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed<T> {
    /// A JSON pointer into the snapshot.
    pub pointer: String,
    /// The record.
    pub record: T,
}

/// A kind of record that a [`Section`] holds.
pub trait Record: Sized {
    /// The snapshot's member for such records.
    const SECTION: &'static str;
    /// The member of a search result that lists them.
    const LIST: &'static str;
    /// The member that wraps a single one.
    const WRAPPER: &'static str;

    /// Reads one record.
    ///
    /// # Errors
    ///
    /// What is wrong with it, with the pointer it was given, continued.
    fn read(members: &Map<String, Value>, pointer: &str) -> Result<Self, EntityError>;

    /// The record in FusionAuth's shape, without what was not kept of it.
    fn to_json(&self) -> Value;
}

impl<T> Default for Section<T> {
    fn default() -> Section<T> {
        Section {
            records: Vec::new(),
        }
    }
}

impl<T: Record> Section<T> {
    /// Reads a section.
    ///
    /// # Errors
    ///
    /// The first record that is not of its shape, by its pointer.
    pub fn read(value: &Value) -> Result<Section<T>, EntityError> {
        let pointer = format!("/{}", T::SECTION);
        let mut section = Section::default();
        match value {
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    section.read_item(item, format!("{pointer}/{index}"))?;
                }
            }
            item => section.read_item(item, pointer)?,
        }
        Ok(section)
    }

    /// A search result, a wrapped record, or a record.
    fn read_item(&mut self, item: &Value, pointer: String) -> Result<(), EntityError> {
        let members = object(item, &pointer)?;
        match members.get(T::LIST) {
            Some(Value::Array(records)) => {
                for (index, record) in records.iter().enumerate() {
                    self.read_record(record, format!("{pointer}/{}/{index}", T::LIST))?;
                }
                Ok(())
            }
            Some(_) => Err(shape(format!("{pointer}/{}", T::LIST), "an array")),
            // FusionAuth leaves the list out where nothing was found.
            None if members.get("total") == Some(&Value::from(0)) => Ok(()),
            None => self.read_record(item, pointer),
        }
    }

    fn read_record(&mut self, item: &Value, pointer: String) -> Result<(), EntityError> {
        let members = object(item, &pointer)?;
        let (record, pointer) = match members.get(T::WRAPPER) {
            // A grant has a member `entity` too, but its own wrapper is `grant`.
            Some(wrapped) => {
                let pointer = format!("{pointer}/{}", T::WRAPPER);
                (T::read(object(wrapped, &pointer)?, &pointer)?, pointer)
            }
            None => (T::read(members, &pointer)?, pointer),
        };
        self.records.push(Placed { pointer, record });
        Ok(())
    }
}

impl<'de, T: Record> Deserialize<'de> for Section<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Section<T>, D::Error> {
        let value = crate::json::value(deserializer)?;
        Section::read(&value).map_err(D::Error::custom)
    }
}

impl<T: Record> Serialize for Section<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.records.iter().map(|placed| placed.record.to_json()))
    }
}

impl Record for EntityType {
    const SECTION: &'static str = "entity_types";
    const LIST: &'static str = "entityTypes";
    const WRAPPER: &'static str = "entityType";

    fn read(members: &Map<String, Value>, pointer: &str) -> Result<EntityType, EntityError> {
        let id = id(members, "id", pointer)?;
        let mut permissions: Vec<Permission> = Vec::new();
        for (index, item) in list(members, "permissions", pointer)?.iter().enumerate() {
            let pointer = format!("{pointer}/permissions/{index}");
            let permission = object(item, &pointer)?;
            let name = text(permission, "name", &pointer)?;
            let name = name.ok_or_else(|| shape(&pointer, "an object with a `name`"))?;
            check_permission(&name, &format!("{pointer}/name"))?;
            if permissions.iter().any(|own| own.name == name) {
                let fault = EntityFault::Duplicate { name };
                return Err(EntityError::new(format!("{pointer}/name"), fault));
            }
            permissions.push(Permission {
                name,
                is_default: flag(permission, "isDefault", &pointer)?,
            });
        }
        Ok(EntityType {
            name: text(members, "name", pointer)?.unwrap_or_else(|| id.clone()),
            id,
            permissions,
            jwt: jwt_settings(members, pointer)?,
        })
    }

    fn to_json(&self) -> Value {
        let permission = |p: &Permission| json!({"name": p.name, "isDefault": p.is_default});
        let permissions: Vec<Value> = self.permissions.iter().map(permission).collect();
        let mut jwt = Map::new();
        jwt.insert("enabled".to_owned(), json!(self.jwt.enabled));
        insert(&mut jwt, "timeToLiveInSeconds", self.jwt.lifetime);
        insert(&mut jwt, "accessTokenKeyId", self.jwt.key.as_deref());
        json!({
            "id": self.id, "name": self.name, "permissions": permissions, "jwtConfiguration": jwt,
        })
    }
}

impl Record for Entity {
    const SECTION: &'static str = "entities";
    const LIST: &'static str = "entities";
    const WRAPPER: &'static str = "entity";

    fn read(members: &Map<String, Value>, pointer: &str) -> Result<Entity, EntityError> {
        let id_text = id(members, "id", pointer)?;
        let kind = members.get("type").and_then(Value::as_object);
        let kind =
            kind.ok_or_else(|| shape(format!("{pointer}/type"), "an object with an `id`"))?;
        let data = match members.get("data") {
            Some(Value::Object(data)) => data.clone(),
            None | Some(Value::Null) => Map::new(),
            Some(_) => return Err(shape(format!("{pointer}/data"), "an object")),
        };
        Ok(Entity {
            name: text(members, "name", pointer)?.unwrap_or_else(|| id_text.clone()),
            client_id: text(members, "clientId", pointer)?,
            tenant: text(members, "tenantId", pointer)?,
            type_id: id(kind, "id", &format!("{pointer}/type"))?,
            id: id_text,
            data,
        })
    }

    fn to_json(&self) -> Value {
        let mut entity = Map::new();
        entity.insert("id".to_owned(), json!(self.id));
        entity.insert("name".to_owned(), json!(self.name));
        insert(&mut entity, "clientId", self.client_id.as_deref());
        insert(&mut entity, "tenantId", self.tenant.as_deref());
        entity.insert("type".to_owned(), json!({"id": self.type_id}));
        if !self.data.is_empty() {
            entity.insert("data".to_owned(), Value::Object(self.data.clone()));
        }
        Value::Object(entity)
    }
}

impl Record for EntityGrant {
    const SECTION: &'static str = "entity_grants";
    const LIST: &'static str = "grants";
    const WRAPPER: &'static str = "grant";

    fn read(members: &Map<String, Value>, pointer: &str) -> Result<EntityGrant, EntityError> {
        let entity = members.get("entity").and_then(Value::as_object);
        let expected = "an object with the `id` of the target";
        let entity = entity.ok_or_else(|| shape(format!("{pointer}/entity"), expected))?;
        let recipient = match (
            optional_id(members, "recipientEntityId", pointer)?,
            optional_id(members, "userId", pointer)?,
        ) {
            (Some(entity), None) => Recipient::Entity(entity),
            (None, Some(user)) => Recipient::User(user),
            _ => return Err(EntityError::new(pointer, EntityFault::Recipient)),
        };
        let named = !matches!(members.get("permissions"), None | Some(Value::Null));
        let mut permissions = Vec::new();
        for (index, item) in list(members, "permissions", pointer)?.iter().enumerate() {
            let pointer = format!("{pointer}/permissions/{index}");
            let name = item.as_str().ok_or_else(|| shape(&pointer, "a string"))?;
            check_permission(name, &pointer)?;
            permissions.push(name.to_owned());
        }
        Ok(EntityGrant {
            recipient,
            entity: id(entity, "id", &format!("{pointer}/entity"))?,
            permissions: named.then_some(permissions),
        })
    }

    fn to_json(&self) -> Value {
        let mut grant = Map::new();
        grant.insert("entity".to_owned(), json!({"id": self.entity}));
        match &self.recipient {
            Recipient::Entity(id) => insert(&mut grant, "recipientEntityId", Some(id.as_str())),
            Recipient::User(id) => insert(&mut grant, "userId", Some(id.as_str())),
        }
        insert(&mut grant, "permissions", self.permissions.clone());
        Value::Object(grant)
    }
}

impl Recipient {
    /// The principal: `entity:<id>` or `user:<id>`.
    #[must_use]
    pub fn principal(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Recipient::Entity(id) => write!(f, "{}:{id}", super::ENTITY_TYPE),
            Recipient::User(id) => write!(f, "{}:{id}", super::USER_TYPE),
        }
    }
}

fn jwt_settings(members: &Map<String, Value>, pointer: &str) -> Result<JwtSettings, EntityError> {
    let pointer = format!("{pointer}/jwtConfiguration");
    let jwt = match members.get("jwtConfiguration") {
        None | Some(Value::Null) => return Ok(JwtSettings::default()),
        Some(value) => object(value, &pointer)?,
    };
    let enabled = flag(jwt, "enabled", &pointer)?;
    let lifetime = match jwt.get("timeToLiveInSeconds") {
        None | Some(Value::Null) => None,
        Some(value) => Some(value.as_u64().ok_or_else(|| {
            let pointer = format!("{pointer}/timeToLiveInSeconds");
            EntityError::new(pointer, EntityFault::Lifetime)
        })?),
    };
    if enabled && lifetime.unwrap_or(0) == 0 {
        return Err(EntityError::new(pointer, EntityFault::Lifetime));
    }
    Ok(JwtSettings {
        enabled,
        lifetime,
        key: text(jwt, "accessTokenKeyId", &pointer)?,
    })
}

fn shape(pointer: impl Into<String>, expected: &'static str) -> EntityError {
    EntityError::new(pointer, EntityFault::Shape { expected })
}

fn object<'v>(value: &'v Value, pointer: &str) -> Result<&'v Map<String, Value>, EntityError> {
    value.as_object().ok_or_else(|| shape(pointer, "an object"))
}

fn text(
    members: &Map<String, Value>,
    name: &str,
    pointer: &str,
) -> Result<Option<String>, EntityError> {
    match members.get(name) {
        Some(Value::String(text)) if !text.is_empty() => Ok(Some(text.clone())),
        None | Some(Value::Null) => Ok(None),
        Some(_) => Err(shape(format!("{pointer}/{name}"), "a string, not empty")),
    }
}

fn flag(members: &Map<String, Value>, name: &str, pointer: &str) -> Result<bool, EntityError> {
    match members.get(name) {
        Some(Value::Bool(flag)) => Ok(*flag),
        None | Some(Value::Null) => Ok(false),
        Some(_) => Err(shape(format!("{pointer}/{name}"), "true or false")),
    }
}

fn list<'v>(
    members: &'v Map<String, Value>,
    name: &str,
    pointer: &str,
) -> Result<&'v [Value], EntityError> {
    match members.get(name) {
        Some(Value::Array(items)) => Ok(items),
        None | Some(Value::Null) => Ok(&[]),
        Some(_) => Err(shape(format!("{pointer}/{name}"), "an array")),
    }
}

fn id(members: &Map<String, Value>, name: &str, pointer: &str) -> Result<String, EntityError> {
    let id = optional_id(members, name, pointer)?;
    id.ok_or_else(|| shape(format!("{pointer}/{name}"), "a string"))
}

fn optional_id(
    members: &Map<String, Value>,
    name: &str,
    pointer: &str,
) -> Result<Option<String>, EntityError> {
    let Some(id) = text(members, name, pointer)? else {
        return Ok(None);
    };
    let refused = |c: char| matches!(c, ':' | '#') || c.is_whitespace() || c.is_control();
    if id.len() > MAX_NAME_BYTES || id == "*" || id.contains(refused) {
        let fault = EntityFault::Id { id };
        return Err(EntityError::new(format!("{pointer}/{name}"), fault));
    }
    Ok(Some(id))
}

fn check_permission(name: &str, pointer: &str) -> Result<(), EntityError> {
    if name.is_empty() || name.len() > MAX_NAME_BYTES || name.contains(char::is_control) {
        let fault = EntityFault::PermissionName {
            name: name.to_owned(),
        };
        return Err(EntityError::new(pointer, fault));
    }
    Ok(())
}

fn insert(members: &mut Map<String, Value>, name: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        members.insert(name.to_owned(), value.into());
    }
}

/// A section is a list of records, bare or wrapped, or a search result as it
/// came. The records are another system's and are not described here.
#[cfg(feature = "schema")]
impl<T: Record> schemars::JsonSchema for Section<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        T::SECTION.into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "anyOf": [
                { "type": "array", "items": { "type": "object" } },
                { "type": "object", "required": [T::LIST] }
            ]
        })
    }
}
