//! What the naive evaluator asks of a model.

use crate::store::{Tuple, split_userset, type_of};
use deputize::model::{Assignable, AssignableKind, Model, RelationDef, Rewrite};
use std::collections::BTreeSet;

/// The relation of a type.
pub fn relation_of<'m>(
    model: &'m Model,
    type_name: &str,
    relation: &str,
) -> Option<&'m RelationDef> {
    let def = model.types.iter().find(|def| def.name == type_name)?;
    def.relations.iter().find(|def| def.name == relation)
}

/// Whether the model lets such a tuple be written.
pub fn admits(model: &Model, tuple: &Tuple) -> bool {
    let condition = tuple
        .condition
        .as_ref()
        .map(|condition| condition.name.as_str());
    let kind = match split_userset(&tuple.user) {
        Some((_, member)) => AssignableKind::Userset(member.into()),
        None if tuple.user.ends_with(":*") => AssignableKind::Wildcard,
        None => AssignableKind::Object,
    };
    let fits = |entry: &Assignable| {
        entry.type_name == type_of(&tuple.user)
            && entry.kind == kind
            && entry.condition.as_deref() == condition
    };
    relation_of(model, type_of(&tuple.object), &tuple.relation)
        .is_some_and(|def| def.assignable.iter().any(fits))
}

/// Whether the model has any way at all from the user's kind to the relation.
pub fn reachable(model: &Model, user: &str, type_name: &str, relation: &str) -> bool {
    let member = split_userset(user).map(|(_, member)| member);
    let (mut seen, mut open) = (
        BTreeSet::new(),
        vec![(type_name.to_owned(), relation.to_owned())],
    );
    while let Some((type_name, relation)) = open.pop() {
        if !seen.insert((type_name.clone(), relation.clone())) {
            continue;
        }
        if member == Some(relation.as_str()) && type_name == type_of(user) {
            return true;
        }
        let Some(def) = relation_of(model, &type_name, &relation) else {
            continue;
        };
        let mut parts = vec![&def.rewrite];
        while let Some(part) = parts.pop() {
            match part {
                Rewrite::This => {
                    for entry in &def.assignable {
                        match &entry.kind {
                            AssignableKind::Userset(other) => {
                                open.push((entry.type_name.clone(), other.clone()))
                            }
                            _ if member.is_none() && entry.type_name == type_of(user) => {
                                return true;
                            }
                            _ => {}
                        }
                    }
                }
                Rewrite::Computed(other) => open.push((type_name.clone(), other.clone())),
                Rewrite::TupleToUserset { tupleset, computed } => {
                    let parents = relation_of(model, &type_name, tupleset);
                    open.extend(
                        parents
                            .iter()
                            .flat_map(|def| &def.assignable)
                            .map(|entry| (entry.type_name.clone(), computed.clone())),
                    );
                }
                Rewrite::Union(inner) | Rewrite::Intersection(inner) => parts.extend(inner),
                Rewrite::Exclusion { base, subtract } => parts.extend([&**base, &**subtract]),
            }
        }
    }
    false
}
