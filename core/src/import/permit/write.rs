use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::TENANT;
use super::read::{Derivation, Document, Instance, ResourceType};
use crate::import::Imported;
use crate::import::error::{ImportError, ImportFault};

/// OpenFGA's own limits, in bytes.
const MAX_TYPE: usize = 254;
const MAX_RELATION: usize = 50;

pub(super) fn write(mut document: Document, imported: &mut Imported) -> Result<(), ImportError> {
    place_instances(&mut document, imported);
    if !document.tenants.is_empty() {
        document.types.entry(TENANT.to_owned()).or_default();
    }
    complete_roles(&mut document);
    let names = Names::choose(&document, imported)?;
    let mut types = vec![json!({"type": "user", "relations": {}})];
    for (name, own) in &document.types {
        types.push(type_json(name, own, &document, &names));
    }
    let model = json!({"schema_version": "1.1", "type_definitions": types});
    imported.snapshot.insert("model".to_owned(), model);
    imported.section("tuples", tuples(&document, &names)?);
    imported.section("principals", principals(&document)?);
    imported.section("resources", resources(&document)?);
    Ok(())
}

/// Where there is one tenant, everything is in it. Otherwise an instance is
/// where the document says, and nowhere where it does not.
fn place_instances(document: &mut Document, imported: &mut Imported) {
    let mut all = document.tenants.iter();
    let only = match (all.next(), all.next()) {
        (Some(only), None) => Some(only.clone()),
        _ => None,
    };
    let several = document.tenants.len() > 1;
    for (instance, about) in &mut document.instances {
        if about.tenant.is_none() {
            about.tenant.clone_from(&only);
        }
        if about.tenant.is_none() && several {
            let message =
                format!("the tenant of `{instance}` is not said: tenants' roles do not reach it");
            imported.warn("/resource_instances", message);
        }
    }
}

/// Defines each role that is assigned, or derived from.
fn complete_roles(document: &mut Document) {
    let mut needed: BTreeSet<(String, String)> = BTreeSet::new();
    for (_, role, object) in &document.assignments {
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
    fn choose(document: &Document, imported: &mut Imported) -> Result<Names, ImportError> {
        let mut names = Names {
            roles: BTreeMap::new(),
            relations: BTreeMap::new(),
            split: BTreeMap::new(),
        };
        for (type_name, own) in &document.types {
            let pointer = format!("/resource_types/{type_name}");
            if type_name == "user" {
                let name = type_name.clone();
                return Err(ImportError::new(pointer, ImportFault::Clash { name }));
            }
            check_name(type_name, "type", MAX_TYPE, &pointer)?;
            let mut taken = BTreeSet::from([TENANT.to_owned()]);
            let mut take = |name: &str, suffix: &str, kind| -> Result<String, ImportError> {
                let mut chosen = name.to_owned();
                if taken.contains(&chosen) {
                    chosen = format!("{name}_{suffix}");
                    let message =
                        format!("the {kind} `{name}` becomes `{chosen}`: the name is taken");
                    imported.warn(pointer.clone(), message);
                }
                check_name(&chosen, kind, MAX_RELATION, &pointer)?;
                if !taken.insert(chosen.clone()) {
                    let fault = ImportFault::Clash { name: chosen };
                    return Err(ImportError::new(pointer.clone(), fault));
                }
                Ok(chosen)
            };
            // Actions are what is asked for, so they keep their names.
            for action in &own.actions {
                if take(action, "action", "action")? != *action {
                    let name = action.clone();
                    return Err(ImportError::new(
                        pointer.clone(),
                        ImportFault::Clash { name },
                    ));
                }
            }
            for role in own.roles.keys() {
                let chosen = take(role, "role", "role")?;
                names
                    .roles
                    .insert((type_name.clone(), role.clone()), chosen);
            }
            for (relation, types) in &own.relations {
                let chosen = take(relation, "relation", "relation")?;
                names
                    .relations
                    .insert((type_name.clone(), relation.clone()), chosen);
                if types.len() < 2 {
                    continue;
                }
                for to in types.iter().filter(|to| own.derives_from(relation, to)) {
                    let chosen = take(&format!("{relation}_{to}"), "relation", "relation")?;
                    let key = (type_name.clone(), relation.clone(), to.clone());
                    names.split.insert(key, chosen);
                }
            }
        }
        Ok(names)
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
        let gives = |role: &super::read::Role| {
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

fn tuples(document: &Document, names: &Names) -> Result<Vec<Value>, ImportError> {
    let mut all = Vec::new();
    let mut add = |user: String, relation: &str, object: &Instance| -> Result<(), ImportError> {
        check_object(&user)?;
        check_object(&object.to_string())?;
        let mut tuple = json!({"user": user, "relation": relation, "object": object.to_string()});
        let tenant = if object.type_name == TENANT {
            Some(object.key.as_str())
        } else {
            let about = document.instances.get(object);
            about.and_then(|about| about.tenant.as_deref())
        };
        if let (Value::Object(members), Some(tenant)) = (&mut tuple, tenant) {
            members.insert("tenant".to_owned(), json!(tenant));
        }
        all.push(tuple);
        Ok(())
    };
    for (instance, about) in &document.instances {
        if let Some(tenant) = &about.tenant {
            add(Instance::tenant(tenant).to_string(), TENANT, instance)?;
        }
    }
    for (user, role, object) in &document.assignments {
        let relation = names.role(&object.type_name, role);
        add(format!("user:{user}"), relation, object)?;
    }
    for (subject, relation, object) in &document.relationships {
        let chosen = names.relation(&object.type_name, relation);
        add(subject.to_string(), chosen, object)?;
        let key = (
            object.type_name.clone(),
            relation.clone(),
            subject.type_name.clone(),
        );
        if let Some(split) = names.split.get(&key) {
            add(subject.to_string(), split, object)?;
        }
    }
    Ok(all)
}

fn principals(document: &Document) -> Result<Vec<Value>, ImportError> {
    let principal = |(key, user): (&String, &super::read::User)| {
        let id = format!("user:{key}");
        check_object(&id)?;
        let mut principal = json!({"id": id});
        if let Value::Object(members) = &mut principal {
            if !user.tenants.is_empty() {
                members.insert("tenants".to_owned(), json!(user.tenants));
            }
            if !user.attributes.is_empty() {
                members.insert("attributes".to_owned(), json!(user.attributes));
            }
        }
        Ok(principal)
    };
    document.users.iter().map(principal).collect()
}

fn resources(document: &Document) -> Result<Vec<Value>, ImportError> {
    let mut all = Vec::new();
    for (instance, about) in &document.instances {
        let id = instance.to_string();
        check_object(&id)?;
        let mut resource = Map::new();
        resource.insert("id".to_owned(), json!(id));
        if let Some(tenant) = &about.tenant {
            resource.insert("tenant".to_owned(), json!(tenant));
        }
        if !about.attributes.is_empty() {
            resource.insert("attributes".to_owned(), json!(about.attributes));
        }
        // Only what says something about it.
        if resource.len() > 1 {
            all.push(Value::Object(resource));
        }
    }
    Ok(all)
}

fn check_name(
    name: &str,
    kind: &'static str,
    longest: usize,
    pointer: &str,
) -> Result<(), ImportError> {
    let refused =
        |c: char| matches!(c, ':' | '#' | '@' | '*') || c.is_whitespace() || c.is_control();
    if name.is_empty() || name.len() > longest || name.contains(refused) {
        let name = name.to_owned();
        return Err(ImportError::new(pointer, ImportFault::Name { name, kind }));
    }
    Ok(())
}

/// `type:key`, with one colon; a key `*` would be everybody.
fn check_object(object: &str) -> Result<(), ImportError> {
    let (_, key) = object.split_once(':').unwrap_or_default();
    let refused = |c: char| matches!(c, ':' | '#') || c.is_whitespace() || c.is_control();
    if key.is_empty() || key == "*" || object.len() > 256 || key.contains(refused) {
        let name = object.to_owned();
        let kind = "principal or resource";
        return Err(ImportError::new("", ImportFault::Name { name, kind }));
    }
    Ok(())
}
