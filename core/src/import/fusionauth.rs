use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::Imported;
use super::error::{ImportError, ImportFault, Refused};
use super::ledger::Ledger;
use super::place::Place;
use crate::entity::{
    Entities, Entity, EntityFault, EntityGrant, EntityType, Placed, Recipient, Record, Section,
    USER_TYPE,
};
use crate::model::identifier;

/// When something was written: on every record.
const TIMES: [&str; 2] = ["insertInstant", "lastUpdateInstant"];

const TYPE: [&str; 5] = ["id", "name", "data", "jwtConfiguration", "permissions"];

const PERMISSION: [&str; 5] = ["id", "name", "description", "isDefault", "data"];

/// How tokens for a type's entities are made; what of it decides is carried
/// over, the rest is for who makes them.
const JWT: [&str; 12] = [
    "enabled",
    "timeToLiveInSeconds",
    "accessTokenKeyId",
    "accessTokenVerificationKeyIds",
    "idTokenKeyId",
    "idTokenVerificationKeyIds",
    "refreshTokenExpirationPolicy",
    "refreshTokenOneTimeUseConfiguration",
    "refreshTokenRevocationPolicy",
    "refreshTokenSlidingWindowConfiguration",
    "refreshTokenTimeToLiveInMinutes",
    "refreshTokenUsagePolicy",
];

const ENTITY: [&str; 8] = [
    "id",
    "name",
    "clientId",
    "clientSecret",
    "data",
    "parentId",
    "tenantId",
    "type",
];

const GRANT: [&str; 6] = [
    "id",
    "entity",
    "recipientEntityId",
    "userId",
    "permissions",
    "data",
];

/// What is carried over of a user.
const USER: [&str; 4] = ["id", "tenantId", "active", "expiry"];

/// What says who a user is and how it logs in, and nothing of what it may do
/// with entities.
const PERSONAL: [&str; 38] = [
    "birthDate",
    "breachedPasswordLastCheckedInstant",
    "breachedPasswordStatus",
    "cleanSpeakId",
    "connectorId",
    "data",
    "email",
    "encryptionScheme",
    "factor",
    "firstName",
    "fullName",
    "identities",
    "imageUrl",
    "lastLoginInstant",
    "lastName",
    "lastRegistrationInstant",
    "memberships",
    "middleName",
    "mobilePhone",
    "parentEmail",
    "password",
    "passwordChangeReason",
    "passwordChangeRequired",
    "passwordLastUpdateInstant",
    "phoneNumber",
    "preferredLanguages",
    "registrations",
    "salt",
    "timezone",
    "twoFactor",
    "twoFactorDelivery",
    "twoFactorEnabled",
    "twoFactorSecret",
    "uniqueUsername",
    "username",
    "usernameStatus",
    "verified",
    "verifiedInstant",
];

/// What a page of search results may hold beside its records.
const PAGE: [&str; 4] = ["total", "nextResults", "expandable", "expanded"];

/// The most results that a search counts where it is not asked for more.
const MAX_COUNTED: u64 = 10_000;

/// Turns what FusionAuth's search APIs return into a snapshot: entity types,
/// entities, grants and users, one page or many, in any order.
///
/// Client secrets and what else is not needed is left behind. A user becomes a
/// principal with its tenant, disabled where FusionAuth says that it is not
/// active, and until it expires. Where users are given, a grant of one who is
/// not among them is left out.
///
/// # Errors
///
/// A document of none of these kinds, a record with a member that is not known
/// or not of its shape, a grant that does not fit its type, and pages that are
/// not all there.
pub fn fusionauth(documents: &[Value]) -> Result<Imported, Refused> {
    let mut pages = Pages::default();
    for document in Place::documents(documents) {
        let each = match document.value {
            Value::Array(_) => document.items().unwrap_or_default(),
            _ => vec![document],
        };
        for page in each {
            if let Err(error) = pages.page(&page) {
                pages.ledger.refuse(error);
            }
        }
    }
    pages.finish()
}

#[derive(Default)]
struct Pages {
    ledger: Ledger,
    types: Kind<EntityType>,
    entities: Kind<Entity>,
    grants: Kind<EntityGrant>,
    users: BTreeMap<String, (Value, String)>,
    user_pages: Count,
    /// Whether there is a document of users at all.
    knows_users: bool,
}

/// The records of one kind.
struct Kind<T> {
    records: Vec<Placed<T>>,
    /// Where the record of a key is in the list.
    known: BTreeMap<String, usize>,
    pages: Count,
}

impl<T> Default for Kind<T> {
    fn default() -> Kind<T> {
        Kind {
            records: Vec::new(),
            known: BTreeMap::new(),
            pages: Count::default(),
        }
    }
}

/// What pages say of how many records there are.
#[derive(Default)]
struct Count {
    total: Option<u64>,
    /// A page that says that it is not the last, where none says that it is.
    open: Option<String>,
    closed: bool,
    last: String,
}

impl Count {
    fn add(&mut self, page: &Place<'_>) {
        let total = page.value.get("total").and_then(Value::as_u64);
        self.total = self.total.max(total);
        match page.last_page() {
            Ok(()) => self.closed = true,
            Err(_) => self.open = Some(page.pointer.clone()),
        }
        self.last.clone_from(&page.pointer);
    }

    /// Refuses pages that are not all there, of which `given` records are.
    fn check(&self, kind: &str, given: usize) -> Option<ImportError> {
        let given = given as u64;
        let what = match self.total {
            Some(total) if given < total => {
                format!("{given} of {total} `{kind}` were given")
            }
            // A page names the next one even where that is empty; the count
            // tells, unless it stopped counting.
            Some(total) if total != MAX_COUNTED => return None,
            _ => {
                self.open.as_ref().filter(|_| !self.closed)?;
                format!("each page of `{kind}` says that there is another")
            }
        };
        let fault = ImportFault::Incomplete { what };
        Some(ImportError::new(self.last.clone(), fault))
    }
}

impl Pages {
    fn page(&mut self, page: &Place<'_>) -> Result<(), ImportError> {
        let members = page.object()?;
        if members.contains_key("userId") || members.contains_key("recipientEntityId") {
            add(&mut self.grants, &mut self.ledger, page);
            return Ok(());
        }
        let mut found = false;
        for (name, place) in page.members()? {
            match name {
                _ if PAGE.contains(&name) => continue,
                _ if place.value.is_null() => continue,
                "entityTypes" => list(&mut self.types, &mut self.ledger, &place, page)?,
                "entityType" => add(&mut self.types, &mut self.ledger, &place),
                "entities" => list(&mut self.entities, &mut self.ledger, &place, page)?,
                "entity" => add(&mut self.entities, &mut self.ledger, &place),
                "grants" => list(&mut self.grants, &mut self.ledger, &place, page)?,
                "grant" => add(&mut self.grants, &mut self.ledger, &place),
                "users" => {
                    self.user_pages.add(page);
                    for user in place.items()? {
                        self.user(&user);
                    }
                }
                "user" => self.user(&place),
                _ => {
                    let member = name.to_owned();
                    return Err(place.fault(ImportFault::UnknownMember { member }));
                }
            }
            self.knows_users |= ["users", "user"].contains(&name);
            found = true;
        }
        // FusionAuth leaves the list out where nothing was found.
        if found || page.value.get("total") == Some(&json!(0)) {
            return Ok(());
        }
        let expected = "search results with `entityTypes`, `entities`, `grants` or `users`, or one such record";
        Err(page.shape(expected))
    }

    fn user(&mut self, user: &Place<'_>) {
        let read = self.ledger.record(&user.pointer, |_| principal(user));
        let Some((id, principal)) = read else {
            return;
        };
        match self.users.get(&id) {
            Some((own, _)) if *own == principal => {}
            Some(_) => {
                let fault = ImportFault::Clash { name: id };
                self.ledger.refuse(user.fault(fault));
            }
            None => {
                self.users.insert(id, (principal, user.pointer.clone()));
            }
        }
    }

    fn finish(mut self) -> Result<Imported, Refused> {
        let counts = [
            self.types
                .pages
                .check("entityTypes", self.types.records.len()),
            self.entities
                .pages
                .check("entities", self.entities.records.len()),
            self.grants.pages.check("grants", self.grants.records.len()),
            self.user_pages.check("users", self.users.len()),
        ];
        self.check_grants();
        // A record that is refused is missing in its page's count too.
        if self.ledger.errors.is_empty() {
            for error in counts.into_iter().flatten() {
                self.ledger.refuse(error);
            }
        }
        let (types, entities, grants) = (
            self.types.sorted(|own| own.id.clone()),
            self.entities.sorted(|own| own.id.clone()),
            self.grants
                .sorted(|own| format!("{} {}", own.recipient, own.entity)),
        );
        match Entities::resolve(&types, &entities, &grants) {
            Ok(resolved) => {
                for warning in resolved.warnings() {
                    self.ledger
                        .warn(warning.pointer.clone(), warning.kind.to_string());
                }
            }
            Err(error) => self.ledger.refuse(error.into()),
        }
        let mut imported = Imported::new(self.ledger);
        imported.section(EntityType::SECTION, entries(&types));
        imported.section(Entity::SECTION, entries(&entities));
        imported.section(EntityGrant::SECTION, entries(&grants));
        imported.section("principals", self.users.into_values());
        imported.unless_refused()
    }

    /// A grant's permissions are its type's, and its user is there.
    fn check_grants(&mut self) {
        let types: BTreeMap<&str, &EntityType> = self.types.by_id(|own| &own.id);
        let entities: BTreeMap<&str, &Entity> = self.entities.by_id(|own| &own.id);
        let (ledger, users, knows_users) = (&mut self.ledger, &self.users, self.knows_users);
        self.grants.records.retain(|Placed { pointer, record }| {
            let Some(target) = entities.get(record.entity.as_str()) else {
                return true;
            };
            let own_type = types.get(target.type_id.as_str());
            let defined = own_type
                .map(|own| own.permissions.as_slice())
                .unwrap_or_default();
            let names = record.permissions.iter().flatten().enumerate();
            for (index, name) in names {
                if !defined.iter().any(|permission| permission.name == *name) {
                    let fault = EntityFault::UnknownPermission {
                        permission: name.clone(),
                        entity_type: own_type.map_or(&target.type_id, |own| &own.name).clone(),
                    };
                    let pointer = format!("{pointer}/permissions/{index}");
                    ledger.refuse(ImportError::new(pointer, ImportFault::Entity(fault)));
                    return false;
                }
            }
            let Recipient::User(user) = &record.recipient else {
                return true;
            };
            if users.contains_key(user) {
                return true;
            }
            if !knows_users {
                let message = format!(
                    "no users were given: whether `{user}` is active, until when and in which tenant is not known"
                );
                ledger.warn(pointer.clone(), message);
                return true;
            }
            let message = format!("the user `{user}` is not among those given; the grant is left out");
            ledger.warn(pointer.clone(), message);
            false
        });
    }
}

impl<T: Record> Kind<T> {
    fn by_id<'k>(&'k self, id: impl Fn(&'k T) -> &'k str) -> BTreeMap<&'k str, &'k T> {
        let each = self.records.iter();
        each.map(|placed| (id(&placed.record), &placed.record))
            .collect()
    }

    fn sorted(self, key: impl Fn(&T) -> String) -> Section<T> {
        let mut records = self.records;
        records.sort_by_cached_key(|placed| key(&placed.record));
        Section { records }
    }
}

/// The records as a snapshot's section, each with where it comes from.
fn entries<T: Record>(section: &Section<T>) -> impl Iterator<Item = (Value, String)> {
    let each = section.records.iter();
    each.map(|placed| (placed.record.to_json(), placed.pointer.clone()))
}

fn list<T: Checked>(
    kind: &mut Kind<T>,
    ledger: &mut Ledger,
    list: &Place<'_>,
    page: &Place<'_>,
) -> Result<(), ImportError> {
    kind.pages.add(page);
    for item in list.items()? {
        let wrapped = match item.value.as_object() {
            Some(members) if members.len() == 1 => item.member(T::WRAPPER)?,
            _ => None,
        };
        add(kind, ledger, &wrapped.unwrap_or(item));
    }
    Ok(())
}

/// Adds a record; pages overlap where records were added between two searches,
/// so the second of two equal ones is the first.
fn add<T: Checked>(kind: &mut Kind<T>, ledger: &mut Ledger, place: &Place<'_>) {
    let record = ledger.record(&place.pointer, |_| {
        T::check(place)?;
        Ok(T::read(place.object()?, &place.pointer)?)
    });
    let Some(record) = record else { return };
    match kind
        .known
        .get(&record.key())
        .and_then(|at| kind.records.get(*at))
    {
        Some(own) if own.record == record => {}
        Some(_) => {
            let name = record.key();
            let fault = ImportFault::Entity(EntityFault::Duplicate { name });
            ledger.refuse(place.fault(fault));
        }
        None => {
            kind.known.insert(record.key(), kind.records.len());
            kind.records.push(Placed {
                pointer: place.pointer.clone(),
                record,
            });
        }
    }
}

/// A record whose members are all known.
trait Checked: Record + PartialEq {
    /// Refuses members that might end or narrow what the record gives.
    fn check(place: &Place<'_>) -> Result<(), ImportError>;

    /// What two of them do not have in common.
    fn key(&self) -> String;
}

impl Checked for EntityType {
    fn check(place: &Place<'_>) -> Result<(), ImportError> {
        place.only_of(&[&TYPE, &TIMES])?;
        if let Some(jwt) = place.member("jwtConfiguration")? {
            jwt.only(&JWT)?;
        }
        if let Some(permissions) = place.member("permissions")? {
            for permission in permissions.items()? {
                permission.only_of(&[&PERMISSION, &TIMES])?;
            }
        }
        Ok(())
    }

    fn key(&self) -> String {
        self.id.clone()
    }
}

impl Checked for Entity {
    fn check(place: &Place<'_>) -> Result<(), ImportError> {
        place.only_of(&[&ENTITY, &TIMES])?;
        match place.member("type")? {
            Some(own_type) => EntityType::check(&own_type),
            None => Ok(()),
        }
    }

    fn key(&self) -> String {
        self.id.clone()
    }
}

impl Checked for EntityGrant {
    fn check(place: &Place<'_>) -> Result<(), ImportError> {
        place.only_of(&[&GRANT, &TIMES])?;
        match place.member("entity")? {
            Some(entity) => Entity::check(&entity),
            None => Ok(()),
        }
    }

    fn key(&self) -> String {
        self.to_json().to_string()
    }
}

/// Only what decides is taken of a user: the rest is personal.
fn principal(user: &Place<'_>) -> Result<(String, Value), ImportError> {
    user.only_of(&[&USER, &PERSONAL, &TIMES])?;
    let id = user.text_of("id")?;
    let mut principal = Map::new();
    principal.insert("id".to_owned(), json!(format!("{USER_TYPE}:{id}")));
    identifier::object(&format!("{USER_TYPE}:{id}")).map_err(|reason| {
        let found = id.to_owned();
        let pointer = format!("{}/id", user.pointer);
        ImportError::new(pointer, ImportFault::Identifier { found, reason })
    })?;
    if let Some(tenant) = user.member("tenantId")? {
        principal.insert("tenants".to_owned(), json!([tenant.text()?]));
    }
    let active = user.member("active")?.map(|active| {
        let flag = active.value.as_bool();
        flag.ok_or_else(|| active.shape("true or false"))
    });
    if active.transpose()? == Some(false) {
        principal.insert("disabled".to_owned(), json!(true));
    }
    if let Some(expiry) = user.member("expiry")? {
        let millis = expiry.value.as_i64();
        let millis = millis.ok_or_else(|| expiry.shape("milliseconds since the Unix epoch"))?;
        // FusionAuth lets nobody in from then on; `not_after` is the last
        // second that counts as a whole.
        match u64::try_from(millis / 1_000 - 1) {
            Ok(last) => principal.insert("not_after".to_owned(), json!(last)),
            Err(_) => principal.insert("disabled".to_owned(), json!(true)),
        };
    }
    Ok((id.to_owned(), Value::Object(principal)))
}
