use std::collections::BTreeMap;

use super::claims::{Detail, Permissions, ScopeSet, is_token, pointer_token};
use super::error::{ScopeError, SectionError, SectionFault};
use super::meaning::{ActionReach, Asked, Atom, ResourceReach, is_type_name};
use super::reach::{Layer, Meaning, Reach};
use super::section::{DetailType, Dialect, ScopeRule, ScopeSections};
use super::smart;
use super::target_entity::TargetEntity;
use crate::action::Pattern;
use crate::entity::ENTITY_TYPE;

/// What scopes mean: the snapshot's sections about them, checked.
#[derive(Debug, Clone)]
pub struct ScopePolicy {
    table: BTreeMap<Box<str>, Vec<Atom>>,
    aliases: BTreeMap<Box<str>, Box<str>>,
    dialects: Vec<Dialect>,
    details: BTreeMap<Box<str>, DetailType>,
}

/// What is known of the token beside its scopes.
#[derive(Debug, Clone, Copy, Default)]
pub struct ScopeContext<'a> {
    /// The token's audiences. An alias of `target-entity:<id>:…` means the
    /// entities among them.
    pub audiences: &'a [&'a str],
}

/// No table, no alias, the default dialects.
impl Default for ScopePolicy {
    fn default() -> ScopePolicy {
        ScopePolicy {
            table: BTreeMap::new(),
            aliases: BTreeMap::new(),
            dialects: vec![Dialect::TargetEntity, Dialect::ActionPattern],
            details: BTreeMap::new(),
        }
    }
}

impl ScopePolicy {
    /// Checks the sections of a snapshot.
    ///
    /// # Errors
    ///
    /// The first fault, with its JSON pointer: a name that no token could
    /// carry, a malformed rule, a table entry or an alias that redefines a
    /// name of a dialect, and an alias that widens, is circular, or stands for
    /// nothing.
    pub fn compile(sections: &ScopeSections) -> Result<ScopePolicy, SectionError> {
        let mut policy = ScopePolicy::default();
        if let Some(dialects) = &sections.dialects {
            for (index, dialect) in dialects.iter().enumerate() {
                if dialects.iter().take(index).any(|d| d == dialect) {
                    let pointer = format!("/scope_dialects/{index}");
                    return Err(fault(pointer, SectionFault::RepeatedDialect));
                }
            }
            policy.dialects.clone_from(dialects);
        }
        for (name, rules) in &sections.scopes {
            let pointer = format!("/scopes/{}", pointer_token(name));
            policy.check_name(name, &pointer)?;
            policy
                .table
                .insert(name.as_str().into(), atoms(rules, &pointer)?);
        }
        for (name, detail) in &sections.details {
            let pointer = format!("/authorization_details/{}", pointer_token(name));
            if !is_type_name(&detail.resource_type) {
                let name = detail.resource_type.clone();
                let pointer = format!("{pointer}/resource_type");
                return Err(fault(pointer, SectionFault::TypeName { name }));
            }
            policy.details.insert(name.as_str().into(), detail.clone());
        }
        for (name, target) in &sections.aliases {
            let pointer = format!("/scope_aliases/{}", pointer_token(name));
            policy.check_name(name, &pointer)?;
            policy
                .check_alias(name, target, &sections.aliases)
                .map_err(|found| fault(pointer, found))?;
            policy
                .aliases
                .insert(name.as_str().into(), target.as_str().into());
        }
        Ok(policy)
    }

    /// What a set of scopes covers.
    ///
    /// # Errors
    ///
    /// [`ScopeError::UnknownDetailType`]: an authorization detail whose type
    /// the snapshot does not declare refuses the token (RFC 9396 §5).
    pub fn reach(&self, set: &ScopeSet, context: ScopeContext<'_>) -> Result<Reach, ScopeError> {
        let patient = set.patient.as_deref();
        let details = match &set.details {
            Some(details) => Some(self.detail_meanings(details)?),
            None => None,
        };
        let mut layers = Vec::new();
        for tokens in [&set.scope, &set.scp].into_iter().flatten() {
            let meaning = |scope: &str| Meaning {
                scope: scope.into(),
                atoms: self.meaning(scope, patient, context),
            };
            let mut scopes: Vec<Meaning> = tokens.iter().map(|scope| meaning(scope)).collect();
            // RFC 9396 §3: details and scopes are granted together.
            scopes.extend(details.iter().flatten().cloned());
            layers.push(Layer { scopes });
        }
        if let (true, Some(scopes)) = (layers.is_empty(), details) {
            layers.push(Layer { scopes });
        }
        if let Some(permissions) = &set.permissions {
            let scopes = self.permission_meanings(permissions, patient, context);
            layers.push(Layer { scopes });
        }
        if let Some(rules) = &set.rules {
            let meaning = |rule: &super::claims::Rule| Meaning {
                scope: format!("{} {}", rule.action, rule.written).into(),
                atoms: vec![Atom::new(
                    ActionReach::Pattern(rule.action.clone()),
                    rule.resource.clone(),
                )],
            };
            let scopes = rules.iter().map(meaning).collect();
            layers.push(Layer { scopes });
        }
        Ok(Reach { layers })
    }

    /// The scope that an alias stands for, its `<id>` filled with `audience`;
    /// `None` for a scope that is no alias, and for one that lacks its audience.
    #[must_use]
    pub fn alias_target(&self, scope: &str, audience: Option<&str>) -> Option<String> {
        let target = self.aliases.get(scope)?;
        if !target.contains(TargetEntity::PLACEHOLDER) {
            return Some(target.to_string());
        }
        let audience = audience.filter(|id| entity(id).is_some())?;
        Some(target.replacen(TargetEntity::PLACEHOLDER, audience, 1))
    }

    /// Whether a scope is an alias.
    #[must_use]
    pub fn is_alias(&self, scope: &str) -> bool {
        self.aliases.contains_key(scope)
    }

    fn meaning(&self, scope: &str, patient: Option<&str>, context: ScopeContext<'_>) -> Vec<Atom> {
        let Some(target) = self.aliases.get(scope) else {
            return self.own_meaning(scope, patient);
        };
        if !target.contains(TargetEntity::PLACEHOLDER) {
            return self.own_meaning(target, patient);
        }
        let each = context.audiences.iter();
        each.filter_map(|audience| self.alias_target(scope, Some(audience)))
            .flat_map(|target| self.own_meaning(&target, patient))
            .collect()
    }

    /// What a scope means that is no alias. The table comes first: what it
    /// says of a scope is all that the scope means.
    fn own_meaning(&self, scope: &str, patient: Option<&str>) -> Vec<Atom> {
        if let Some(atoms) = self.table.get(scope) {
            return atoms.clone();
        }
        if scope.starts_with(TargetEntity::PREFIX) {
            let target = TargetEntity::parse(scope).filter(|_| self.has(Dialect::TargetEntity));
            return target.map_or_else(Vec::new, |target| target_entity(&target));
        }
        if self.has(Dialect::SmartV2) && smart::is_smart(scope) {
            return smart::meaning(scope, patient);
        }
        if self.has(Dialect::ActionPattern)
            && let Ok(pattern) = Pattern::parse(scope)
        {
            let action = ActionReach::Pattern(pattern);
            return vec![Atom::new(action, ResourceReach::Everything)];
        }
        Vec::new()
    }

    fn detail_meanings(&self, details: &[Detail]) -> Result<Vec<Meaning>, ScopeError> {
        details
            .iter()
            .map(|detail| {
                let Some(declared) = self.details.get(&detail.detail_type) else {
                    return Err(ScopeError::UnknownDetailType {
                        detail_type: detail.detail_type.to_string(),
                    });
                };
                // The whole detail names it: two of one type may differ in all else.
                Ok(Meaning {
                    scope: detail.to_json().to_string().into(),
                    atoms: detail_atoms(detail, declared),
                })
            })
            .collect()
    }

    /// A flat permission is a name: the table and the aliases may know it, and
    /// otherwise it is compared as it is.
    fn permission_meanings(
        &self,
        permissions: &Permissions,
        patient: Option<&str>,
        context: ScopeContext<'_>,
    ) -> Vec<Meaning> {
        match permissions {
            Permissions::Names(names) => names
                .iter()
                .map(|name| {
                    let known = self.table.contains_key(name) || self.aliases.contains_key(name);
                    let atoms = if known {
                        self.meaning(name, patient, context)
                    } else {
                        let action = ActionReach::Named(name.clone());
                        vec![Atom::new(action, ResourceReach::Everything)]
                    };
                    Meaning {
                        scope: name.clone(),
                        atoms,
                    }
                })
                .collect(),
            Permissions::ByEntity(entities) => entities
                .iter()
                .filter_map(|(id, names)| Some((id, names, entity(id)?)))
                .flat_map(|(id, names, resource)| {
                    names.iter().map(move |name| Meaning {
                        scope: format!("{}{id}:{name}", TargetEntity::PREFIX).into(),
                        atoms: vec![Atom::new(
                            ActionReach::Named(name.clone()),
                            resource.clone(),
                        )],
                    })
                })
                .collect(),
        }
    }

    fn has(&self, dialect: Dialect) -> bool {
        self.dialects.contains(&dialect)
    }

    fn check_name(&self, name: &str, pointer: &str) -> Result<(), SectionError> {
        let reserved = |by| SectionFault::Reserved {
            name: name.to_owned(),
            by,
        };
        let found = if !is_token(name) {
            SectionFault::Name {
                name: name.to_owned(),
            }
        } else if name.starts_with(TargetEntity::PREFIX) {
            reserved("the dialect `target-entity`")
        } else if self.has(Dialect::SmartV2) && smart::is_smart(name) {
            reserved("the dialect `smart-v2`")
        } else {
            return Ok(());
        };
        Err(fault(pointer.to_owned(), found))
    }

    fn check_alias(
        &self,
        name: &str,
        target: &str,
        aliases: &BTreeMap<String, String>,
    ) -> Result<(), SectionFault> {
        let reserved = |by| SectionFault::Reserved {
            name: name.to_owned(),
            by,
        };
        let target_of = |build: fn(String) -> SectionFault| build(target.to_owned());
        if self.table.contains_key(name) {
            return Err(reserved("`scopes`"));
        }
        let own = Pattern::parse(name).ok();
        if own.as_ref().is_some_and(|own| !own.is_exact()) {
            return Err(reserved("the action patterns"));
        }
        if !is_token(target) {
            return Err(target_of(|name| SectionFault::Name { name }));
        }
        if aliases.contains_key(target) {
            return Err(target_of(|target| SectionFault::AliasOfAlias { target }));
        }
        let placeholders = target.matches(TargetEntity::PLACEHOLDER).count();
        let is_id = TargetEntity::parse(target).is_some_and(|t| t.id == TargetEntity::PLACEHOLDER);
        if placeholders > usize::from(is_id) {
            return Err(target_of(|target| SectionFault::Placeholder { target }));
        }
        let filled = target.replacen(TargetEntity::PLACEHOLDER, "x", 1);
        let atoms = self.own_meaning(&filled, Some("x"));
        if atoms.is_empty() {
            return Err(target_of(|target| SectionFault::AliasOfNothing { target }));
        }
        // The name is an action by itself. A pattern around it would give a
        // token more than the name said when the token was made.
        let widens =
            |atom: &Atom| atom.resource == ResourceReach::Everything && atom.action.covers(name);
        if own.is_some() && self.has(Dialect::ActionPattern) && atoms.iter().any(widens) {
            return Err(SectionFault::AliasWidens {
                alias: name.to_owned(),
                target: target.to_owned(),
            });
        }
        Ok(())
    }
}

fn fault(pointer: String, fault: SectionFault) -> SectionError {
    SectionError { pointer, fault }
}

fn atoms(rules: &[ScopeRule], pointer: &str) -> Result<Vec<Atom>, SectionError> {
    let read = |(index, rule): (usize, &ScopeRule)| {
        let at = |member: &str, error: ScopeError| {
            fault(
                format!("{pointer}/{index}/{member}"),
                SectionFault::Rule(error),
            )
        };
        let action = Pattern::parse(&rule.action)
            .map_err(|error| at("action", ScopeError::Action(error)))?;
        let resource =
            ResourceReach::parse(&rule.resource).map_err(|error| at("resource", error))?;
        Ok(Atom::new(ActionReach::Pattern(action), resource))
    };
    rules.iter().enumerate().map(read).collect()
}

/// An entity as a resource; nothing where its id is no object's.
fn entity(id: &str) -> Option<ResourceReach> {
    let name = format!("{ENTITY_TYPE}:{id}");
    match Asked::parse(&name)? {
        // `*` would be asked for as all entities at once.
        Asked::Object { id, .. } if id != "*" => Some(ResourceReach::Object {
            type_name: ENTITY_TYPE.into(),
            id: id.into(),
        }),
        _ => None,
    }
}

fn target_entity(target: &TargetEntity<'_>) -> Vec<Atom> {
    let Some(resource) = entity(target.id) else {
        return Vec::new();
    };
    if target.permissions.is_empty() {
        return vec![Atom::new(ActionReach::Every, resource)];
    }
    let named = |name: &&str| Atom::new(ActionReach::Named((*name).into()), resource.clone());
    target.permissions.iter().map(named).collect()
}

fn detail_atoms(detail: &Detail, declared: &DetailType) -> Vec<Atom> {
    if let Some(locations) = &detail.locations {
        let here = |own: &String| locations.iter().any(|location| **location == **own);
        if !declared.locations.iter().any(here) {
            return Vec::new();
        }
    }
    let resource = match &detail.identifier {
        None => ResourceReach::Type(declared.resource_type.as_str().into()),
        Some(identifier) => {
            let name = format!("{}:{identifier}", declared.resource_type);
            match Asked::parse(&name) {
                Some(Asked::Object { type_name, id }) if id != "*" => ResourceReach::Object {
                    type_name: type_name.into(),
                    id: id.into(),
                },
                _ => return Vec::new(),
            }
        }
    };
    let mut atoms = Vec::new();
    for name in &detail.actions {
        match &declared.actions {
            None => atoms.push(Atom::new(
                ActionReach::Named(name.clone()),
                resource.clone(),
            )),
            Some(known) => {
                let actions = known.get(&**name).into_iter().flatten();
                atoms.extend(actions.map(|action| {
                    Atom::new(ActionReach::Named(action.as_str().into()), resource.clone())
                }));
            }
        }
    }
    atoms
}
