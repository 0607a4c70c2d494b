//! What scopes cover, in words for people.

use serde::Serialize;

use super::meaning::{ActionReach, Atom, Condition, ResourceReach};
use super::reach::Reach;

/// A scope, and what it covers in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ScopeInWords {
    /// The scope as it was claimed.
    pub scope: String,
    /// What it covers, one sentence each, e.g. ``can_read` on every `document``;
    /// empty where nobody gave it a meaning, so that it covers nothing.
    pub covers: Vec<String>,
}

impl Reach {
    /// Every scope in words. There is a list for each claim that narrows, and
    /// something is covered only where each list has a scope that covers it.
    #[must_use]
    pub fn in_words(&self) -> Vec<Vec<ScopeInWords>> {
        let layers = self.layers.iter().map(|layer| {
            let scopes = layer.scopes.iter().map(|meaning| ScopeInWords {
                scope: meaning.scope.to_string(),
                covers: meaning.atoms.iter().map(spell).collect(),
            });
            scopes.collect()
        });
        layers.collect()
    }
}

fn spell(atom: &Atom) -> String {
    let action = match &atom.action {
        ActionReach::Every => "every action".to_owned(),
        ActionReach::Pattern(pattern) if pattern.as_str() == "*" => "every action".to_owned(),
        ActionReach::Named(name) => quoted(name),
        ActionReach::Pattern(pattern) if pattern.is_exact() => quoted(pattern.as_str()),
        ActionReach::Pattern(pattern) => format!("actions like {}", quoted(pattern.as_str())),
    };
    let resource = match &atom.resource {
        ResourceReach::Everything => "everything".to_owned(),
        ResourceReach::EveryObject => "every object".to_owned(),
        ResourceReach::Type(name) => format!("every {}", quoted(name)),
        ResourceReach::Object { type_name, id } => quoted(&format!("{type_name}:{id}")),
        ResourceReach::Below(path) => format!("{} and all below it", quoted(path.as_str())),
    };
    let conditions = atom.conditions.iter().map(Condition::in_words);
    let conditions: Vec<String> = conditions.collect();
    match conditions.is_empty() {
        true => format!("{action} on {resource}"),
        false => format!("{action} on {resource} {}", conditions.join(" and ")),
    }
}

pub(super) fn quoted(text: &str) -> String {
    format!("`{}`", text.escape_debug())
}
