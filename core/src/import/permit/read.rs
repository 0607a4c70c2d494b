use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::TENANT;
use crate::import::Imported;
use crate::import::error::{ImportError, ImportFault};
use crate::import::place::Place;

/// Permit's document, each part of it sorted.
#[derive(Debug, Default)]
pub(super) struct Document {
    pub(super) users: BTreeMap<String, User>,
    pub(super) types: BTreeMap<String, ResourceType>,
    pub(super) instances: BTreeMap<Instance, About>,
    pub(super) tenants: BTreeSet<String>,
    /// User, role and instance; tenants are instances too.
    pub(super) assignments: BTreeSet<(String, String, Instance)>,
    /// Subject, relation and object.
    pub(super) relationships: BTreeSet<(Instance, String, Instance)>,
}

#[derive(Debug, Default)]
pub(super) struct User {
    pub(super) tenants: BTreeSet<String>,
    pub(super) attributes: Map<String, Value>,
}

/// A resource type; tenants are one too, whose roles reach into the others.
#[derive(Debug, Default)]
pub(super) struct ResourceType {
    pub(super) actions: BTreeSet<String>,
    pub(super) roles: BTreeMap<String, Role>,
    /// Relations, and the types that they lead to.
    pub(super) relations: BTreeMap<String, BTreeSet<String>>,
}

#[derive(Debug, Default)]
pub(super) struct Role {
    /// Actions by resource type.
    pub(super) grants: BTreeMap<String, BTreeSet<String>>,
    /// Held by whoever holds a role on a related instance.
    pub(super) derived: BTreeSet<Derivation>,
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
    pub(super) tenant: Option<String>,
    pub(super) attributes: Map<String, Value>,
}

/// The members that are carried over.
const KNOWN: [&str; 8] = [
    "users",
    "roles",
    "role_permissions",
    "role_assignments",
    "relationships",
    "resource_types",
    "resource_instances",
    "tenants",
];

pub(super) fn read(root: &Place<'_>, imported: &mut Imported) -> Result<Document, ImportError> {
    let mut document = Document::default();
    for (name, place) in root.members()? {
        if !KNOWN.contains(&name) {
            imported.warn(place.pointer, "this part is not carried over");
        }
    }
    let each = |name: &str| -> Result<Vec<(&str, Place<'_>)>, ImportError> {
        root.member(name)?
            .map_or(Ok(Vec::new()), |part| part.members())
    };
    if let Some(tenants) = root.member("tenants")? {
        document.tenants = keys(&tenants)?;
    }
    for (name, place) in each("resource_types")? {
        document.resource_type(name, &place, imported)?;
    }
    for (name, place) in each("roles")? {
        document.role(TENANT, name, &place)?;
    }
    for (type_name, roles) in each("role_permissions")? {
        for (name, place) in roles.members()? {
            document.role(type_name, name, &place)?;
        }
    }
    for (key, place) in each("users")? {
        document.user(key, &place)?;
    }
    for (subject, place) in each("role_assignments")? {
        document.role_assignments(subject, &place, imported)?;
    }
    for (object, place) in each("relationships")? {
        document.relations_of(object, &place)?;
    }
    for (name, place) in each("resource_instances")? {
        document.about(name, &place)?;
    }
    Ok(document)
}

impl Document {
    fn resource_type(
        &mut self,
        name: &str,
        place: &Place<'_>,
        imported: &mut Imported,
    ) -> Result<(), ImportError> {
        let actions = place.member("actions")?;
        let actions = actions.map_or(Ok(BTreeSet::new()), |list| keys(&list))?;
        let own = self.types.entry(name.to_owned()).or_default();
        own.actions.extend(actions);
        if let Some(relations) = place.member("relations")? {
            for (relation, to) in relations.members()? {
                let types = match to.value {
                    Value::String(_) => BTreeSet::from([to.text()?.to_owned()]),
                    _ => keys(&to)?,
                };
                own.relations
                    .entry(relation.to_owned())
                    .or_default()
                    .extend(types);
            }
        }
        if let Some(roles) = place.member("roles")? {
            for role in keys(&roles)? {
                own.roles.entry(role).or_default();
            }
        }
        let Some(derived) = place.member("derived_roles")? else {
            return Ok(());
        };
        for (role, place) in derived.members()? {
            let rules = match place.value {
                Value::Array(_) => place.clone(),
                _ => place.required("rules")?,
            };
            own.roles.entry(role.to_owned()).or_default();
            if is_conditional(&place)? {
                imported.warn(place.pointer, CONDITIONAL);
                continue;
            }
            for rule in rules.items()? {
                if is_conditional(&rule)? {
                    imported.warn(rule.pointer, CONDITIONAL);
                    continue;
                }
                let derivation = derivation(&rule)?;
                let types = own
                    .relations
                    .entry(derivation.relation.clone())
                    .or_default();
                types.insert(derivation.related_type.clone());
                let own_role = own.roles.entry(role.to_owned()).or_default();
                own_role.derived.insert(derivation);
            }
        }
        Ok(())
    }

    fn role(&mut self, type_name: &str, name: &str, place: &Place<'_>) -> Result<(), ImportError> {
        let own = self.types.entry(type_name.to_owned()).or_default();
        let role = own.roles.entry(name.to_owned()).or_default();
        let Some(grants) = place.member("grants")? else {
            return Ok(());
        };
        for (on, actions) in grants.members()? {
            let actions = keys(&actions)?;
            role.grants
                .entry(on.to_owned())
                .or_default()
                .extend(actions);
        }
        Ok(())
    }

    fn user(&mut self, key: &str, place: &Place<'_>) -> Result<(), ImportError> {
        let mut user = User::default();
        if let Some(attributes) = place.member("attributes")? {
            user.attributes = attributes.object()?.clone();
        }
        if let Some(assignments) = place.member("roleAssignments")? {
            for (tenant, roles) in assignments.members()? {
                user.tenants.insert(tenant.to_owned());
                self.tenants.insert(tenant.to_owned());
                for role in keys(&roles)? {
                    self.assignments
                        .insert((key.to_owned(), role, Instance::tenant(tenant)));
                }
            }
        }
        self.users.insert(key.to_owned(), user);
        Ok(())
    }

    fn role_assignments(
        &mut self,
        subject: &str,
        place: &Place<'_>,
        imported: &mut Imported,
    ) -> Result<(), ImportError> {
        let user = match subject.split_once(':') {
            Some(("user", key)) => key,
            None => subject,
            Some(_) => {
                let message = "roles of other subjects than users are not carried over";
                imported.warn(place.pointer.clone(), message);
                return Ok(());
            }
        };
        self.users.entry(user.to_owned()).or_default();
        for (object, roles) in place.members()? {
            let object = self.instance(object, &roles)?;
            if object.type_name == TENANT {
                let own = self.users.entry(user.to_owned()).or_default();
                own.tenants.insert(object.key.clone());
            }
            for role in keys(&roles)? {
                self.assignments
                    .insert((user.to_owned(), role, object.clone()));
            }
        }
        Ok(())
    }

    fn relations_of(&mut self, object: &str, place: &Place<'_>) -> Result<(), ImportError> {
        let object = self.instance(object, place)?;
        for (relation, by_type) in place.members()? {
            for (type_name, list) in by_type.members()? {
                for key in keys(&list)? {
                    let subject = self.instance(&format!("{type_name}:{key}"), &list)?;
                    if relation == TENANT && subject.type_name == TENANT {
                        self.set_tenant(&object, &subject.key, &list)?;
                        continue;
                    }
                    let own = self.types.entry(object.type_name.clone()).or_default();
                    let types = own.relations.entry(relation.to_owned()).or_default();
                    types.insert(subject.type_name.clone());
                    let entry = (subject, relation.to_owned(), object.clone());
                    self.relationships.insert(entry);
                }
            }
        }
        Ok(())
    }

    fn about(&mut self, name: &str, place: &Place<'_>) -> Result<(), ImportError> {
        let instance = self.instance(name, place)?;
        if let Some(tenant) = place.member("tenant")? {
            self.set_tenant(&instance, tenant.text()?, &tenant)?;
        }
        if let Some(attributes) = place.member("attributes")? {
            let own = self.instances.entry(instance).or_default();
            own.attributes = attributes.object()?.clone();
        }
        Ok(())
    }

    fn set_tenant(
        &mut self,
        instance: &Instance,
        tenant: &str,
        place: &Place<'_>,
    ) -> Result<(), ImportError> {
        self.tenants.insert(tenant.to_owned());
        let own = self.instances.entry(instance.clone()).or_default();
        match &own.tenant {
            Some(known) if known != tenant => Err(place.fault(ImportFault::Clash {
                name: instance.to_string(),
            })),
            _ => {
                own.tenant = Some(tenant.to_owned());
                Ok(())
            }
        }
    }

    /// An instance that the document names; it is noted down.
    fn instance(&mut self, name: &str, place: &Place<'_>) -> Result<Instance, ImportError> {
        let (type_name, key) = name
            .split_once(':')
            .ok_or_else(|| place.shape("an instance `type:key`"))?;
        let instance = Instance {
            type_name: type_name.to_owned(),
            key: key.to_owned(),
        };
        if type_name == TENANT {
            self.tenants.insert(key.to_owned());
        } else if type_name != "user" {
            self.types.entry(type_name.to_owned()).or_default();
            self.instances.entry(instance.clone()).or_default();
        }
        Ok(instance)
    }
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

const CONDITIONAL: &str = "a derivation that counts only without a direct role is not carried over";

/// Whether `settings` or `when` hold the one restriction that Permit has. Any
/// other could take away as well, and is an error.
fn is_conditional(place: &Place<'_>) -> Result<bool, ImportError> {
    if !place.value.is_object() {
        return Ok(false);
    }
    for name in ["settings", "when"] {
        if let Some(settings) = place.member(name)? {
            settings.only(&["no_direct_roles_on_object"])?;
            let flag = settings.member("no_direct_roles_on_object")?;
            match flag.map(|flag| flag.value.as_bool()) {
                None | Some(Some(false)) => {}
                Some(Some(true)) => return Ok(true),
                Some(None) => return Err(settings.shape("a flag")),
            }
        }
    }
    Ok(false)
}

/// A rule in the words of OPAL's document, or in those of Permit's API.
fn derivation(rule: &Place<'_>) -> Result<Derivation, ImportError> {
    let either = |data: &'static str, api: &'static str| -> Result<String, ImportError> {
        let member = rule.member(data)?.or(rule.member(api)?);
        let member = member.ok_or_else(|| rule.shape("a relation, a related type and its role"))?;
        Ok(member.text()?.to_owned())
    };
    let known = [
        "relation",
        "related_resource",
        "related_role",
        "linked_by_relation",
        "on_resource",
        "role",
        "when",
        "settings",
        "id",
        "role_id",
        "resource_id",
        "relation_id",
    ];
    rule.only(&known)?;
    Ok(Derivation {
        relation: either("relation", "linked_by_relation")?,
        related_type: either("related_resource", "on_resource")?,
        related_role: either("related_role", "role")?,
    })
}

/// A list of keys: an array of texts, or of objects with a `key`, or an object
/// by key.
fn keys(place: &Place<'_>) -> Result<BTreeSet<String>, ImportError> {
    if place.value.is_object() {
        let members = place.members()?;
        return Ok(members.into_iter().map(|(key, _)| key.to_owned()).collect());
    }
    let key = |item: Place<'_>| match item.value {
        Value::Object(_) => item.text_of("key").map(str::to_owned),
        _ => item.text().map(str::to_owned),
    };
    place.items()?.into_iter().map(key).collect()
}
