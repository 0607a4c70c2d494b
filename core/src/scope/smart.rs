//! SMART on FHIR, version 2: `patient/Observation.rs?category=laboratory`.
//!
//! The letters after the dot are FHIR's interactions, in the order `cruds`.
//! Version 1's `.read`, `.write` and `.*` are not read: they are names that
//! version 2 does not define, and so cover nothing.

use super::meaning::{ActionReach, Atom, Condition, ResourceReach};

/// Whose data a SMART scope is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SmartLevel {
    /// One patient's compartment.
    Patient,
    /// What the user may see.
    User,
    /// What the client may see by itself.
    System,
}

/// The letters and the actions they stand for.
const INTERACTIONS: [(char, &str); 5] = [
    ('c', "create"),
    ('r', "read"),
    ('u', "update"),
    ('d', "delete"),
    ('s', "search"),
];

/// Whether a text is of this dialect, whatever it may cover.
pub(crate) fn is_smart(scope: &str) -> bool {
    read(scope).is_some()
}

/// What a scope covers; empty where it is of another form, or where it is
/// about one patient and the token does not say which.
pub(crate) fn meaning(scope: &str, patient: Option<&str>) -> Vec<Atom> {
    let Some(parts) = read(scope) else {
        return Vec::new();
    };
    let mut conditions = parts.conditions;
    if parts.level == SmartLevel::Patient {
        let Some(patient) = patient else {
            return Vec::new();
        };
        conditions.push(Condition::new("patient", [patient]));
    }
    let resource = match parts.resource_type {
        "*" => ResourceReach::EveryObject,
        name => ResourceReach::Type(name.into()),
    };
    parts
        .actions
        .iter()
        .map(|action| Atom {
            action: ActionReach::Named((*action).into()),
            resource: resource.clone(),
            level: Some(parts.level),
            conditions: conditions.clone(),
        })
        .collect()
}

struct Parts<'a> {
    level: SmartLevel,
    resource_type: &'a str,
    actions: Vec<&'static str>,
    conditions: Vec<Condition>,
}

fn read(scope: &str) -> Option<Parts<'_>> {
    let (level, rest) = scope.split_once('/')?;
    let level = match level {
        "patient" => SmartLevel::Patient,
        "user" => SmartLevel::User,
        "system" => SmartLevel::System,
        _ => return None,
    };
    let (head, query) = match rest.split_once('?') {
        Some((head, query)) => (head, Some(query)),
        None => (rest, None),
    };
    let (resource_type, letters) = head.split_once('.')?;
    let is_name = |c: char| c.is_ascii_alphanumeric();
    if resource_type != "*" && (resource_type.is_empty() || !resource_type.chars().all(is_name)) {
        return None;
    }
    let actions = interactions(letters)?;
    let conditions = match query {
        Some(query) => query
            .split('&')
            .map(condition)
            .collect::<Option<Vec<_>>>()?,
        None => Vec::new(),
    };
    Some(Parts {
        level,
        resource_type,
        actions,
        conditions,
    })
}

/// The letters must come in FHIR's order, each at most once.
fn interactions(letters: &str) -> Option<Vec<&'static str>> {
    let mut known = INTERACTIONS.iter();
    let mut actions = Vec::new();
    for letter in letters.chars() {
        let (_, action) = known.find(|(own, _)| *own == letter)?;
        actions.push(*action);
    }
    (!actions.is_empty()).then_some(actions)
}

/// `category=a,b`. Modifiers (`code:in`), chains (`subject.name`) and
/// percent-encodings are not understood, and so make a scope cover nothing.
fn condition(pair: &str) -> Option<Condition> {
    let (name, values) = pair.split_once('=')?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() || !name.chars().all(is_name) || values.contains('%') {
        return None;
    }
    if values.split(',').any(str::is_empty) {
        return None;
    }
    Some(Condition::new(name, values.split(',')))
}
