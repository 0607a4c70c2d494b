use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::document::{Derivation, Document, Instance, ResourceType};
use super::{PermitOptions, TENANT};
use crate::import::Imported;
use crate::import::error::{ImportError, ImportFault, Refused};
use crate::import::ledger::Ledger;
use crate::import::tuples::{NewTuple, Tuples};

/// OpenFGA's own limit, in bytes.
const MAX_RELATION: usize = 50;

pub(super) fn write(
    mut document: Document,
    options: &PermitOptions,
    mut ledger: Ledger,
) -> Result<Imported, Refused> {
    place_instances(&mut document, options, &mut ledger);
    if !document.tenants.is_empty() {
        document.types.entry(TENANT.to_owned()).or_default();
    }
    complete_roles(&mut document);
    let names = Names::choose(&document, &mut ledger);
    let mut types = vec![json!({"type": "user", "relations": {}})];
    for (name, own) in &document.types {
        types.push(type_json(name, own, &document, &names));
    }
    let model = json!({"schema_version": "1.1", "type_definitions": types});
    let tuples = tuples(&document, &names, &mut ledger);
    let mut imported = Imported::new(ledger);
    imported.set_model(model, String::new());
    imported.tuples = tuples;
    imported.section("principals", principals(&document));
    imported.section("resources", resources(&document));
    imported.unless_refused()
}

/// An instance is in the tenant that the document says, or else in the one
/// that the options say, or else in none.
fn place_instances(document: &mut Document, options: &PermitOptions, ledger: &mut Ledger) {
    document.tenants.extend(options.tenant.clone());
    for (instance, about) in &mut document.instances {
        if about.tenant.is_none() {
            about.tenant.clone_from(&options.tenant);
        }
        if about.tenant.is_none() && !document.tenants.is_empty() {
            let message =
                format!("the tenant of `{instance}` is not said: tenants' roles do not reach it");
            ledger.warn(about.origin.clone(), message);
        }
    }
}

/// Defines each role that is assigned, or derived from.
fn complete_roles(document: &mut Document) {
    let mut needed: BTreeSet<(String, String)> = BTreeSet::new();
    for (_, role, object) in document.assignments.keys() {
        needed.insert((object.type_name.clone(), role.clone()));
    }
    for own in document.types.values() {
        let derived = own.roles.values().flat_map(|role| &role.derived);
        needed.extend(derived.map(|d| (d.related_type.clone(), d.related_role.clone())));
    }
    for (type_name, role) in needed {
        let own = document.types.entry(type_name).or_default();
        own.roles.entry(role).or_default();
    }
    let related: BTreeSet<String> = document
        .types
        .values()
        .flat_map(|own| own.relations.values().flatten())
        .filter(|name| *name != "user")
        .cloned()
        .collect();
    for name in related {
        document.types.entry(name).or_default();
    }
    // A type has every action that some role is given on it.
    let given: Vec<(String, BTreeSet<String>)> = document
        .types
        .iter()
        .flat_map(|(name, own)| own.roles.values().map(move |role| (name, role)))
        .flat_map(|(name, role)| {
            let reaches = move |on: &str| on == name || name == TENANT;
            role.grants.iter().filter(move |(on, _)| reaches(on))
        })
        .map(|(on, actions)| (on.clone(), actions.clone()))
        .collect();
    for (on, actions) in given {
        document
            .types
            .entry(on)
            .or_default()
            .actions
            .extend(actions);
    }
}

/// The relations that roles, relations and actions become. All of a type share
/// one set of names in a model; in Permit they do not.
struct Names {
    roles: BTreeMap<(String, String), String>,
    relations: BTreeMap<(String, String), String>,
    /// The relation that leads to one type only, by type, relation and that type.
    split: BTreeMap<(String, String, String), String>,
}

impl Names {
    fn choose(document: &Document, ledger: &mut Ledger) -> Names {
        let mut names = Names {
            roles: BTreeMap::new(),
            relations: BTreeMap::new(),
            split: BTreeMap::new(),
        };
        for (type_name, own) in &document.types {
            if type_name == "user" {
                let name = type_name.clone();
                ledger.refuse(ImportError::new(&own.origin, ImportFault::Clash { name }));
            } else if let Err(error) = names.choose_for(type_name, own, ledger) {
                ledger.refuse(error);
            }
        }
        names
    }

    fn choose_for(
        &mut self,
        type_name: &str,
        own: &ResourceType,
        ledger: &mut Ledger,
    ) -> Result<(), ImportError> {
        let pointer = &own.origin;
        let mut taken = BTreeSet::from([TENANT.to_owned()]);
        let mut take = |name: &str, suffix: &str, kind| -> Result<String, ImportError> {
            let mut chosen = name.to_owned();
            if taken.contains(&chosen) {
                chosen = format!("{name}_{suffix}");
                let message = format!("the {kind} `{name}` becomes `{chosen}`: the name is taken");
                ledger.warn(pointer.clone(), message);
            }
            if chosen.len() > MAX_RELATION {
                let fault = ImportFault::Name { name: chosen, kind };
                return Err(ImportError::new(pointer, fault));
            }
            if !taken.insert(chosen.clone()) {
                let fault = ImportFault::Clash { name: chosen };
                return Err(ImportError::new(pointer, fault));
            }
            Ok(chosen)
        };
        // Actions are what is asked for, so they keep their names.
        for action in &own.actions {
            if take(action, "action", "action")? != *action {
                let name = action.clone();
                return Err(ImportError::new(pointer, ImportFault::Clash { name }));
            }
        }
        for role in own.roles.keys() {
            let chosen = take(role, "role", "role")?;
            self.roles
                .insert((type_name.to_owned(), role.clone()), chosen);
        }
        for (relation, types) in &own.relations {
            let chosen = take(relation, "relation", "relation")?;
            self.relations
                .insert((type_name.to_owned(), relation.clone()), chosen);
            if types.len() < 2 {
                continue;
            }
            for to in types.iter().filter(|to| own.derives_from(relation, to)) {
                let chosen = take(&format!("{relation}_{to}"), "relation", "relation")?;
                let key = (type_name.to_owned(), relation.clone(), to.clone());
                self.split.insert(key, chosen);
            }
        }
        Ok(())
    }

    fn role(&self, type_name: &str, role: &str) -> &str {
        let key = (type_name.to_owned(), role.to_owned());
        self.roles.get(&key).map_or("", String::as_str)
    }

    fn relation(&self, type_name: &str, relation: &str) -> &str {
        let key = (type_name.to_owned(), relation.to_owned());
        self.relations.get(&key).map_or("", String::as_str)
    }

    /// The relation that a derivation follows: of several types that it may
    /// lead to, only the one that the rule is about.
    fn followed(&self, type_name: &str, derivation: &Derivation) -> &str {
        let Derivation {
            relation,
            related_type,
            ..
        } = derivation;
        let key = (type_name.to_owned(), relation.clone(), related_type.clone());
        let split = self.split.get(&key).map(String::as_str);
        split.unwrap_or_else(|| self.relation(type_name, relation))
    }
}

impl ResourceType {
    fn derives_from(&self, relation: &str, related_type: &str) -> bool {
        let mut derived = self.roles.values().flat_map(|role| &role.derived);
        derived.any(|d| d.relation == relation && d.related_type == related_type)
    }
}

fn type_json(name: &str, own: &ResourceType, document: &Document, names: &Names) -> Value {
    let mut relations = Map::new();
    let mut metadata = Map::new();
    let mut direct = |relation: &str, types: &[&str]| {
        let types: Vec<Value> = types.iter().map(|t| json!({"type": t})).collect();
        let about = json!({"directly_related_user_types": types});
        metadata.insert(relation.to_owned(), about);
    };
    if name != TENANT && document.types.contains_key(TENANT) {
        relations.insert(TENANT.to_owned(), this());
        direct(TENANT, &[TENANT]);
    }
    for (relation, types) in &own.relations {
        let chosen = names.relation(name, relation);
        relations.insert(chosen.to_owned(), this());
        let all: Vec<&str> = types.iter().map(String::as_str).collect();
        direct(chosen, &all);
        for to in types {
            let key = (name.to_owned(), relation.clone(), to.clone());
            if let Some(chosen) = names.split.get(&key) {
                relations.insert(chosen.clone(), this());
                direct(chosen, &[to]);
            }
        }
    }
    for (role_name, role) in &own.roles {
        let chosen = names.role(name, role_name);
        let derived = role.derived.iter().map(|derivation| {
            let related = names.role(&derivation.related_type, &derivation.related_role);
            from(related, names.followed(name, derivation))
        });
        let rewrite = union(std::iter::once(this()).chain(derived).collect());
        relations.insert(chosen.to_owned(), rewrite);
        direct(chosen, &["user"]);
    }
    for action in &own.actions {
        let gives = |role: &super::document::Role| {
            let actions = role.grants.get(name);
            actions.is_some_and(|actions| actions.contains(action))
        };
        let own_roles = own.roles.iter().filter(|(_, role)| gives(role));
        let mut ways: Vec<Value> = own_roles
            .map(|(role, _)| json!({"computedUserset": {"relation": names.role(name, role)}}))
            .collect();
        if let (Some(tenant), true) = (document.types.get(TENANT), name != TENANT) {
            let reaching = tenant.roles.iter().filter(|(_, role)| gives(role));
            ways.extend(reaching.map(|(role, _)| from(names.role(TENANT, role), TENANT)));
        }
        if ways.is_empty() {
            // Nobody is given it: asking for it is no mistake, and is denied.
            direct(action, &["user"]);
            ways.push(this());
        }
        relations.insert(action.clone(), union(ways));
    }
    json!({"type": name, "relations": relations, "metadata": {"relations": metadata}})
}

fn this() -> Value {
    json!({"this": {}})
}

fn from(computed: &str, tupleset: &str) -> Value {
    json!({"tupleToUserset": {
        "tupleset": {"relation": tupleset}, "computedUserset": {"relation": computed},
    }})
}

fn union(mut ways: Vec<Value>) -> Value {
    match (ways.len(), ways.pop()) {
        (1, Some(only)) => only,
        (_, last) => {
            ways.extend(last);
            json!({"union": {"child": ways}})
        }
    }
}

fn tuples(document: &Document, names: &Names, ledger: &mut Ledger) -> Tuples {
    let mut all = Tuples::default();
    let mut add = |user: &str, relation: &str, object: &Instance, origin: &str| {
        let tenant = if object.type_name == TENANT {
            Some(object.key.as_str())
        } else {
            let about = document.instances.get(object);
            about.and_then(|about| about.tenant.as_deref())
        };
        let tuple = NewTuple {
            user,
            relation,
            object: &object.to_string(),
            condition: None,
            tenant,
        };
        let record = ledger.find(origin);
        let record = record.unwrap_or_else(|| ledger.open(origin));
        if !all.push(&tuple, record) {
            let expected = "fewer tuples: a snapshot has no room for more";
            ledger.refuse(ImportError::shape(origin, expected));
        }
    };
    for (instance, about) in &document.instances {
        if let Some(tenant) = &about.tenant {
            let tenant = Instance::tenant(tenant).to_string();
            add(&tenant, TENANT, instance, &about.origin);
        }
    }
    for ((user, role, object), origin) in &document.assignments {
        let relation = names.role(&object.type_name, role);
        add(&format!("user:{user}"), relation, object, origin);
    }
    for ((subject, relation, object), origin) in &document.relationships {
        let chosen = names.relation(&object.type_name, relation);
        let subject_text = subject.to_string();
        add(&subject_text, chosen, object, origin);
        let key = (
            object.type_name.clone(),
            relation.clone(),
            subject.type_name.clone(),
        );
        if let Some(split) = names.split.get(&key) {
            add(&subject_text, split, object, origin);
        }
    }
    all
}

fn principals(document: &Document) -> impl Iterator<Item = (Value, String)> {
    document.users.iter().map(|(key, user)| {
        let mut principal = Map::new();
        principal.insert("id".to_owned(), json!(format!("user:{key}")));
        if !user.tenants.is_empty() {
            principal.insert("tenants".to_owned(), json!(user.tenants));
        }
        if !user.attributes.is_empty() {
            principal.insert("attributes".to_owned(), json!(user.attributes));
        }
        (Value::Object(principal), user.origin.clone())
    })
}

fn resources(document: &Document) -> impl Iterator<Item = (Value, String)> {
    document.instances.iter().filter_map(|(instance, about)| {
        let mut resource = Map::new();
        resource.insert("id".to_owned(), json!(instance.to_string()));
        if let Some(tenant) = &about.tenant {
            resource.insert("tenant".to_owned(), json!(tenant));
        }
        if !about.attributes.is_empty() {
            resource.insert("attributes".to_owned(), json!(about.attributes));
        }
        // Only what says something about it.
        (resource.len() > 1).then(|| (Value::Object(resource), about.origin.clone()))
    })
}
