//! What in a model has no effect, or more than was meant.

use std::collections::BTreeSet;

use deputize::model::{AssignableKind, Model};

use crate::fault::{Fault, Severity};

use super::holders::Holders;

pub(super) const DEAD_RELATION: &str = "model.dead_relation";
pub(super) const UNUSED_TYPE: &str = "model.unused_type";
pub(super) const WILDCARD_AGENT: &str = "model.wildcard_agent";

/// The findings of a model.
pub(super) fn find(model: &Model) -> Vec<Fault> {
    let holders = Holders::of(model);
    let mut findings = Vec::new();
    let mut warn = |code, message: String, hint: &str| {
        let mut fault = Fault::new(code, message).pointing("/model").hint(hint);
        fault.severity = Severity::Warning;
        findings.push(fault);
    };
    let mut named: BTreeSet<&str> = BTreeSet::new();
    for def in &model.types {
        for relation in &def.relations {
            let node = format!("{}#{}", def.name, relation.name);
            if !holders.any(&def.name, &relation.name) {
                warn(
                    DEAD_RELATION,
                    format!("no user can ever have `{node}`"),
                    "each way to it asks for users that another part of it excludes",
                );
            }
            for entry in &relation.assignable {
                named.insert(&entry.type_name);
                if entry.kind == AssignableKind::Wildcard && is_agent(&entry.type_name) {
                    let type_name = &entry.type_name;
                    warn(
                        WILDCARD_AGENT,
                        format!("`{node}` may be given to every agent at once: `{type_name}:*`"),
                        "whoever may name an agent then has it; list the agents, or a group",
                    );
                }
            }
        }
    }
    for def in &model.types {
        if def.relations.is_empty() && !named.contains(def.name.as_str()) {
            warn(
                UNUSED_TYPE,
                format!("the type `{}` has no relations and is in none", def.name),
                "take it out, or add it to the brackets where it belongs",
            );
        }
    }
    findings
}

/// Whether a type's name says that it acts by itself: `agent`, `ai-agent`,
/// `support_bot`.
pub(super) fn is_agent(type_name: &str) -> bool {
    let mut words = type_name.split(['_', '-', '/', '.']);
    words.any(|word| {
        let word = word.to_ascii_lowercase();
        matches!(word.as_str(), "agent" | "agents" | "bot" | "assistant")
    })
}
