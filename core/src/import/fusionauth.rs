use std::collections::{BTreeMap, BTreeSet, btree_map};

use serde_json::{Value, json};

use super::Imported;
use super::error::ImportError;
use super::place::Place;
use crate::entity::{
    Entities, Entity, EntityGrant, EntityType, Placed, Record, Section, USER_TYPE,
};

/// Turns what FusionAuth's search APIs return into a snapshot: entity types,
/// entities, grants and users, one page or many, in any order.
///
/// Client secrets and what else is not needed is left behind. A user becomes a
/// principal with its tenant, disabled where FusionAuth says it is not active.
///
/// # Errors
///
/// A document of none of these kinds, a record that is not of its shape, and
/// grants that do not fit the types (see [`Entities::resolve`]).
pub fn fusionauth(documents: &[Value]) -> Result<Imported, ImportError> {
    let mut pages = Pages::default();
    for document in Place::documents(documents) {
        match document.value {
            Value::Array(_) => {
                for item in document.items()? {
                    pages.read(&item)?;
                }
            }
            _ => pages.read(&document)?,
        }
    }
    pages.finish()
}

#[derive(Default)]
struct Pages {
    types: Section<EntityType>,
    entities: Section<Entity>,
    grants: Section<EntityGrant>,
    users: BTreeMap<String, Value>,
    /// Each record as text, to pass over the second of two equal ones.
    seen: BTreeSet<String>,
    /// How many there are by the search's own count, and how many were given.
    totals: BTreeMap<&'static str, (u64, u64)>,
}

impl Pages {
    fn read(&mut self, page: &Place<'_>) -> Result<(), ImportError> {
        let has = |name: &str| page.value.get(name).is_some();
        let is_grant = has("userId") || has("recipientEntityId");
        let mut known = false;
        if has("entityTypes") || has("entityType") {
            known = true;
            let total = add(&mut self.types, &mut self.seen, page)?;
            self.count("entityTypes", page, total);
        }
        if has("grants") || has("grant") || is_grant {
            known = true;
            let total = add(&mut self.grants, &mut self.seen, page)?;
            self.count("grants", page, total);
        } else if has("entities") || has("entity") {
            known = true;
            let total = add(&mut self.entities, &mut self.seen, page)?;
            self.count("entities", page, total);
        }
        if has("grants") && has("entities") {
            add(&mut self.entities, &mut self.seen, page)?;
        }
        if let Some(users) = page.member("users")? {
            known = true;
            let users = users.items()?;
            let total = users.len() as u64;
            for user in users {
                self.user(&user)?;
            }
            self.count("users", page, total);
        } else if let Some(user) = page.member("user")? {
            known = true;
            self.user(&user)?;
        }
        if !known && page.value.get("total") != Some(&json!(0)) {
            let expected = "search results with `entityTypes`, `entities`, `grants` or `users`, or one such record";
            return Err(page.shape(expected));
        }
        Ok(())
    }

    /// Only what decides is taken of a user: the rest is personal.
    fn user(&mut self, user: &Place<'_>) -> Result<(), ImportError> {
        let id = user.text_of("id")?;
        let mut principal = json!({ "id": format!("{USER_TYPE}:{id}") });
        if let Some(tenant) = user.member("tenantId")? {
            set(&mut principal, "tenants", json!([tenant.text()?]));
        }
        if let Some(active) = user.member("active")? {
            let active = active.value.as_bool();
            let active = active.ok_or_else(|| user.shape("a user with `active` true or false"))?;
            if !active {
                set(&mut principal, "disabled", json!(true));
            }
        }
        match self.users.entry(id.to_owned()) {
            btree_map::Entry::Vacant(place) => {
                place.insert(principal);
            }
            btree_map::Entry::Occupied(own) if *own.get() == principal => {}
            btree_map::Entry::Occupied(_) => {
                return Err(user.fault(super::ImportFault::Clash {
                    name: id.to_owned(),
                }));
            }
        }
        Ok(())
    }

    fn count(&mut self, kind: &'static str, page: &Place<'_>, given: u64) {
        let total = page.value.get("total").and_then(Value::as_u64).unwrap_or(0);
        let (known, sum) = self.totals.entry(kind).or_default();
        *known = total.max(*known);
        *sum += given;
    }

    fn finish(mut self) -> Result<Imported, ImportError> {
        let resolved = Entities::resolve(&self.types, &self.entities, &self.grants)?;
        let mut imported = Imported::new();
        for (kind, (total, given)) in self.totals {
            if given < total {
                let message = format!("{given} of {total} were given; the others are missing");
                imported.warn(kind, message);
            }
        }
        for warning in resolved.warnings() {
            let text = warning.to_string();
            let message = text.strip_prefix(&format!("{}: ", warning.pointer));
            let message = message.unwrap_or(&text).to_owned();
            imported.warn(warning.pointer.clone(), message);
        }
        let by_id = |a: &str, b: &str| a.cmp(b);
        self.types
            .records
            .sort_by(|a, b| by_id(&a.record.id, &b.record.id));
        self.entities
            .records
            .sort_by(|a, b| by_id(&a.record.id, &b.record.id));
        self.grants.records.sort_by_cached_key(|grant| {
            (
                grant.record.recipient.principal(),
                grant.record.entity.clone(),
            )
        });
        imported.section(EntityType::SECTION, records(&self.types));
        imported.section(Entity::SECTION, records(&self.entities));
        imported.section(EntityGrant::SECTION, records(&self.grants));
        imported.section("principals", self.users.into_values().collect());
        Ok(imported)
    }
}

/// Adds the records of a page; pages overlap where records were added between
/// two searches, so a record that is there already is passed over.
fn add<T: Record>(
    section: &mut Section<T>,
    seen: &mut BTreeSet<String>,
    page: &Place<'_>,
) -> Result<u64, ImportError> {
    let prefix = format!("/{}", T::SECTION);
    let place = |pointer: &str| {
        let below = pointer.strip_prefix(&prefix).unwrap_or(pointer);
        format!("{}{below}", page.pointer)
    };
    let read = Section::<T>::read(page.value).map_err(|mut error| {
        error.pointer = place(&error.pointer);
        error
    })?;
    let count = read.records.len() as u64;
    for Placed { pointer, record } in read.records {
        if seen.insert(format!("{} {}", T::SECTION, record.to_json())) {
            let pointer = place(&pointer);
            section.records.push(Placed { pointer, record });
        }
    }
    Ok(count)
}

fn records<T: Record>(section: &Section<T>) -> Vec<Value> {
    let each = section.records.iter();
    each.map(|placed| placed.record.to_json()).collect()
}

fn set(object: &mut Value, name: &str, value: Value) {
    if let Value::Object(members) = object {
        members.insert(name.to_owned(), value);
    }
}
