use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::TENANT;
use super::document::{Derivation, Document, Instance, ResourceType, Role, User};
use crate::import::error::{ImportError, ImportFault};
use crate::import::ledger::Ledger;
use crate::import::place::Place;
use crate::model::identifier;

/// The parts that only give, and are not carried over.
const LEFT_OUT: [&str; 4] = [
    "condition_sets",
    "condition_set_rules",
    "user_sets",
    "resource_sets",
];

/// What is said of anything for people and programs to find it.
const DISPLAY: [&str; 6] = ["id", "key", "name", "description", "urn", "attributes"];

pub(super) fn read(root: &Place<'_>, ledger: &mut Ledger) -> Document {
    let mut document = Document::default();
    let parts = match root.members() {
        Ok(parts) => parts,
        Err(error) => {
            ledger.refuse(error);
            return document;
        }
    };
    // A type is known before its roles are, and roles before who has them.
    let order = [
        "tenants",
        "resource_types",
        "roles",
        "role_permissions",
        "users",
        "role_assignments",
        "relationships",
        "resource_instances",
    ];
    for (name, place) in &parts {
        if LEFT_OUT.contains(name) {
            ledger.open(&place.pointer);
            ledger.warn(place.pointer.clone(), "this part is not carried over");
        } else if !order.contains(name) {
            let member = (*name).to_owned();
            ledger.refuse(place.fault(ImportFault::UnknownMember { member }));
        }
    }
    for name in order {
        let part = parts.iter().find(|(part, _)| *part == name);
        let part = part.filter(|(_, place)| !place.value.is_null());
        if let Some((_, place)) = part
            && let Err(error) = document.part(name, place, ledger)
        {
            ledger.refuse(error);
        }
    }
    document.extend(ledger);
    document
}

impl Document {
    fn part(
        &mut self,
        name: &str,
        part: &Place<'_>,
        ledger: &mut Ledger,
    ) -> Result<(), ImportError> {
        if name == "tenants" && part.value.is_array() {
            for item in part.items()? {
                ledger.record(&item.pointer, |_| {
                    let tenant = key(&item)?;
                    self.instance(&format!("{TENANT}:{tenant}"), &item)
                });
            }
            return Ok(());
        }
        for (key, place) in part.members()? {
            if ["role_permissions", "role_assignments"].contains(&name) {
                // Records of records: a type's roles, a subject's instances.
                let Some(below) = ledger.read(|_| place.members()) else {
                    continue;
                };
                for (below, place) in below {
                    ledger.open(&place.pointer);
                    let read = match name {
                        "role_permissions" => self.role(key, below, &place),
                        _ => self.role_assignment(key, below, &place, ledger),
                    };
                    ledger.read(|_| read);
                }
                continue;
            }
            ledger.open(&place.pointer);
            let read = match name {
                "tenants" => self.tenant(key, &place),
                "resource_types" => self.resource_type(key, &place, ledger),
                "roles" => self.role(TENANT, key, &place),
                "users" => self.user(key, &place),
                "relationships" => self.relations_of(key, &place),
                _ => self.about(key, &place),
            };
            ledger.read(|_| read);
        }
        Ok(())
    }

    fn tenant(&mut self, key: &str, place: &Place<'_>) -> Result<(), ImportError> {
        described(place, &[])?;
        self.instance(&format!("{TENANT}:{key}"), place)?;
        Ok(())
    }

    fn type_of(&mut self, name: &str, place: &Place<'_>) -> Result<&mut ResourceType, ImportError> {
        check(name, "type", identifier::type_name, place)?;
        let own = self.types.entry(name.to_owned()).or_default();
        if own.origin.is_empty() {
            own.origin.clone_from(&place.pointer);
        }
        Ok(own)
    }

    fn role_of(
        &mut self,
        type_name: &str,
        name: &str,
        place: &Place<'_>,
    ) -> Result<&mut Role, ImportError> {
        check(name, "role", identifier::relation_name, place)?;
        let own = self.type_of(type_name, place)?;
        let role = own.roles.entry(name.to_owned()).or_default();
        if role.origin.is_empty() {
            role.origin.clone_from(&place.pointer);
        }
        Ok(role)
    }

    fn resource_type(
        &mut self,
        name: &str,
        place: &Place<'_>,
        ledger: &mut Ledger,
    ) -> Result<(), ImportError> {
        let parts = [
            "actions",
            "relations",
            "roles",
            "derived_roles",
            "type_attributes",
        ];
        place.only_of(&[&DISPLAY, &parts])?;
        self.type_of(name, place)?;
        if let Some(actions) = place.member("actions")? {
            let actions = keys(&actions)?;
            for action in &actions {
                check(action, "action", identifier::relation_name, place)?;
            }
            self.type_of(name, place)?.actions.extend(actions);
        }
        if let Some(relations) = place.member("relations")? {
            for (relation, to) in relations.members()? {
                check(relation, "relation", identifier::relation_name, &to)?;
                let types = match to.value {
                    Value::String(_) => BTreeSet::from([to.text()?.to_owned()]),
                    _ => keys(&to)?,
                };
                for to_type in &types {
                    check(to_type, "type", identifier::type_name, &to)?;
                }
                let own = self.type_of(name, place)?;
                let known = own.relations.entry(relation.to_owned()).or_default();
                known.extend(types);
            }
        }
        if let Some(roles) = place.member("roles")? {
            if roles.value.is_object() {
                for (role, place) in roles.members()? {
                    self.role(name, role, &place)?;
                }
            } else {
                for role in roles.items()? {
                    self.role_of(name, &key(&role)?, &role)?;
                }
            }
        }
        if let Some(derived) = place.member("derived_roles")? {
            for (role, place) in derived.members()? {
                self.derived_role(name, role, &place, ledger)?;
            }
        }
        Ok(())
    }

    fn derived_role(
        &mut self,
        type_name: &str,
        role: &str,
        place: &Place<'_>,
        ledger: &mut Ledger,
    ) -> Result<(), ImportError> {
        let rules = match place.value {
            Value::Array(_) => place.clone(),
            _ => {
                place.only_of(&[&DISPLAY, &["rules", "settings", "when"]])?;
                place.required("rules")?
            }
        };
        self.role_of(type_name, role, place)?;
        if is_conditional(place)? {
            ledger.warn(place.pointer.clone(), CONDITIONAL);
            return Ok(());
        }
        for rule in rules.items()? {
            if is_conditional(&rule)? {
                ledger.warn(rule.pointer, CONDITIONAL);
            } else {
                self.derive(type_name, role, &rule)?;
            }
        }
        Ok(())
    }

    fn derive(&mut self, type_name: &str, role: &str, rule: &Place<'_>) -> Result<(), ImportError> {
        let derivation = derivation(rule)?;
        check(
            &derivation.relation,
            "relation",
            identifier::relation_name,
            rule,
        )?;
        self.role_of(&derivation.related_type, &derivation.related_role, rule)?;
        let own = self.type_of(type_name, rule)?;
        let relation = own
            .relations
            .entry(derivation.relation.clone())
            .or_default();
        relation.insert(derivation.related_type.clone());
        let own_role = own.roles.entry(role.to_owned()).or_default();
        own_role.derived.insert(derivation);
        Ok(())
    }

    /// A role, in the words of OPAL's document or in those of Permit's API.
    fn role(&mut self, type_name: &str, name: &str, place: &Place<'_>) -> Result<(), ImportError> {
        let parts = ["grants", "permissions", "extends", "granted_to"];
        described(place, &parts)?;
        self.role_of(type_name, name, place)?;
        if place.value.is_null() {
            return Ok(());
        }
        let mut given: Vec<(String, BTreeSet<String>)> = Vec::new();
        if let Some(grants) = place.member("grants")? {
            for (on, actions) in grants.members()? {
                given.push((on.to_owned(), keys(&actions)?));
            }
        }
        if let Some(permissions) = place.member("permissions")? {
            for item in permissions.items()? {
                // Of a tenant's role with its type, of a type's without.
                let (on, action) = match item.text()?.split_once(':') {
                    Some(both) => both,
                    None if type_name != TENANT => (type_name, item.text()?),
                    None => return Err(item.shape("`type:action`")),
                };
                given.push((on.to_owned(), BTreeSet::from([action.to_owned()])));
            }
        }
        for (on, actions) in given {
            self.type_of(&on, place)?;
            for action in &actions {
                check(action, "action", identifier::relation_name, place)?;
            }
            let role = self.role_of(type_name, name, place)?;
            role.grants.entry(on).or_default().extend(actions);
        }
        if let Some(extends) = place.member("extends")? {
            let extends = keys(&extends)?;
            self.role_of(type_name, name, place)?
                .extends
                .extend(extends);
        }
        if let Some(granted) = place.member("granted_to")? {
            granted.only(&["users_with_role"])?;
            if let Some(rules) = granted.member("users_with_role")? {
                for rule in rules.items()? {
                    if is_conditional(&rule)? {
                        return Err(rule.shape("a derivation without conditions"));
                    }
                    self.derive(type_name, name, &rule)?;
                }
            }
        }
        Ok(())
    }

    /// Gives each role the grants of those that it extends.
    fn extend(&mut self, ledger: &mut Ledger) {
        for own in self.types.values_mut() {
            let mut added = Vec::new();
            for (name, role) in &own.roles {
                let (mut reached, mut next) = (BTreeSet::from([name.as_str()]), Vec::new());
                next.extend(&role.extends);
                while let Some(extended) = next.pop() {
                    if !reached.insert(extended) {
                        continue;
                    }
                    let Some(extended) = own.roles.get(extended) else {
                        let expected = "roles of the same type that are there";
                        let pointer = format!("{}/extends", role.origin);
                        ledger.refuse(ImportError::shape(pointer, expected));
                        continue;
                    };
                    added.push((name.clone(), extended.grants.clone()));
                    next.extend(&extended.extends);
                }
            }
            for (name, grants) in added {
                let role = own.roles.entry(name).or_default();
                for (on, actions) in grants {
                    role.grants.entry(on).or_default().extend(actions);
                }
            }
        }
    }

    fn user_of(&mut self, key: &str, place: &Place<'_>) -> Result<&mut User, ImportError> {
        check(&format!("user:{key}"), "principal", object, place)?;
        let user = self.users.entry(key.to_owned()).or_default();
        if user.origin.is_empty() {
            user.origin.clone_from(&place.pointer);
        }
        Ok(user)
    }

    fn user(&mut self, key: &str, place: &Place<'_>) -> Result<(), ImportError> {
        let known = ["roleAssignments", "email", "first_name", "last_name"];
        place.only_of(&[&DISPLAY, &known])?;
        let attributes = place.member("attributes")?;
        let attributes = attributes.map_or(Ok(Map::new()), |own| own.object().cloned())?;
        self.user_of(key, place)?.attributes = attributes;
        if let Some(assignments) = place.member("roleAssignments")? {
            for (tenant, roles) in assignments.members()? {
                let instance = self.instance(&format!("{TENANT}:{tenant}"), &roles)?;
                self.user_of(key, place)?.tenants.insert(tenant.to_owned());
                self.assign(key, &instance, &roles)?;
            }
        }
        Ok(())
    }

    fn assign(
        &mut self,
        user: &str,
        object: &Instance,
        roles: &Place<'_>,
    ) -> Result<(), ImportError> {
        for role in names(roles)? {
            self.role_of(&object.type_name, &role, roles)?;
            self.assignments.insert(
                (user.to_owned(), role, object.clone()),
                roles.pointer.clone(),
            );
        }
        Ok(())
    }

    fn role_assignment(
        &mut self,
        subject: &str,
        object: &str,
        roles: &Place<'_>,
        ledger: &mut Ledger,
    ) -> Result<(), ImportError> {
        let user = match subject.split_once(':') {
            Some(("user", key)) => key,
            None => subject,
            Some(_) => {
                let message = "roles of other subjects than users are not carried over";
                ledger.warn(roles.pointer.clone(), message);
                return Ok(());
            }
        };
        self.user_of(user, roles)?;
        let object = self.instance(object, roles)?;
        if object.type_name == TENANT {
            let own = self.user_of(user, roles)?;
            own.tenants.insert(object.key.clone());
        }
        self.assign(user, &object, roles)
    }

    fn relations_of(&mut self, object: &str, place: &Place<'_>) -> Result<(), ImportError> {
        let object = self.instance(object, place)?;
        for (relation, by_type) in place.members()? {
            for (type_name, list) in by_type.members()? {
                for key in names(&list)? {
                    let subject = self.instance(&format!("{type_name}:{key}"), &list)?;
                    if relation == TENANT && subject.type_name == TENANT {
                        self.set_tenant(&object, &subject.key, &list)?;
                        continue;
                    }
                    check(relation, "relation", identifier::relation_name, &list)?;
                    let own = self.type_of(&object.type_name, &list)?;
                    let types = own.relations.entry(relation.to_owned()).or_default();
                    types.insert(subject.type_name.clone());
                    let entry = (subject, relation.to_owned(), object.clone());
                    self.relationships.insert(entry, list.pointer.clone());
                }
            }
        }
        Ok(())
    }

    fn about(&mut self, name: &str, place: &Place<'_>) -> Result<(), ImportError> {
        place.only_of(&[&DISPLAY, &["tenant", "resource"]])?;
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
        self.instance(&format!("{TENANT}:{tenant}"), place)?;
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
        check(name, "principal or resource", object, place)?;
        let instance = Instance {
            type_name: type_name.to_owned(),
            key: key.to_owned(),
        };
        if type_name == TENANT {
            self.tenants.insert(key.to_owned());
        } else if type_name != "user" {
            self.type_of(type_name, place)?;
            let about = self.instances.entry(instance.clone()).or_default();
            if about.origin.is_empty() {
                about.origin.clone_from(&place.pointer);
            }
        }
        Ok(instance)
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

/// Refuses members beyond those that describe, and these; nothing may be null.
fn described(place: &Place<'_>, known: &[&str]) -> Result<(), ImportError> {
    match place.value {
        Value::Null => Ok(()),
        _ => place.only_of(&[&DISPLAY, known]),
    }
}

/// A key: a text, or an object that describes it.
fn key(item: &Place<'_>) -> Result<String, ImportError> {
    match item.value {
        Value::Object(_) => {
            item.only(&DISPLAY)?;
            item.text_of("key").map(str::to_owned)
        }
        _ => item.text().map(str::to_owned),
    }
}

/// A list of keys: an array of texts, or of objects with a `key`, or an object
/// by key.
fn keys(place: &Place<'_>) -> Result<BTreeSet<String>, ImportError> {
    if !place.value.is_object() {
        return place.items()?.iter().map(key).collect();
    }
    let each = place.members()?.into_iter().map(|(key, about)| {
        described(&about, &[])?;
        Ok(key.to_owned())
    });
    each.collect()
}

/// Names of who has something: nothing beside them, which could narrow it.
fn names(place: &Place<'_>) -> Result<BTreeSet<String>, ImportError> {
    let each = place.items()?;
    each.iter()
        .map(|item| Ok(item.text()?.to_owned()))
        .collect()
}

fn object(name: &str) -> Result<(), identifier::IdentifierError> {
    identifier::object(name).map(|_| ())
}

/// Refuses what the model could not call so.
fn check(
    name: &str,
    kind: &'static str,
    fits: impl Fn(&str) -> Result<(), identifier::IdentifierError>,
    place: &Place<'_>,
) -> Result<(), ImportError> {
    fits(name).map_err(|_| {
        let name = name.to_owned();
        place.fault(ImportFault::Name { name, kind })
    })
}
