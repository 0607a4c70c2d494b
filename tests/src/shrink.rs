//! Makes a disagreement small: takes away tuples, questions, context, relations
//! and branches for as long as the disagreement stays.

use crate::generate::is_sound;
use crate::naive::{admits, relation_of};
use crate::store::{Ask, Round, Store, Tuple, split_userset, type_of};
use deputize::model::{Model, Rewrite};

/// A store and one question to it.
#[derive(Debug, Clone)]
pub struct Small {
    /// The store.
    pub store: Store,
    /// The round, with one question.
    pub round: Round,
}

impl Small {
    /// The question.
    pub fn ask(&self) -> &Ask {
        &self.round.asks[0]
    }
}

/// Shrinks while `differs` holds, asking it at most `patience` times.
pub fn shrink(mut small: Small, patience: usize, differs: impl Fn(&Small) -> bool) -> Small {
    let mut left = patience;
    loop {
        let mut changed = false;
        for smaller in Smaller::of(&small) {
            if left == 0 {
                return small;
            }
            if !is_sound(&smaller.store.model) {
                continue;
            }
            left -= 1;
            if differs(&smaller) {
                small = smaller;
                changed = true;
                break;
            }
        }
        if !changed {
            return small;
        }
    }
}

/// Every way to make it smaller by one step, the big steps first.
struct Smaller {
    from: Small,
    found: Vec<Small>,
}

impl Smaller {
    fn of(from: &Small) -> Vec<Small> {
        let mut smaller = Smaller {
            from: from.clone(),
            found: Vec::new(),
        };
        smaller.tuples();
        smaller.relations();
        smaller.rewrites();
        smaller.assignables();
        smaller.context();
        smaller.found
    }

    /// Halves, quarters and single tuples less.
    fn tuples(&mut self) {
        let (stored, contextual) = (
            self.from.store.tuples.len(),
            self.from.round.contextual.len(),
        );
        let mut size = stored.div_ceil(2);
        while size > 0 {
            for start in (0..stored).step_by(size) {
                let mut small = self.from.clone();
                small.store.tuples.drain(start..(start + size).min(stored));
                self.found.push(small);
            }
            size /= 2;
        }
        for index in 0..contextual {
            let mut small = self.from.clone();
            let tuple = small.round.contextual.remove(index);
            self.found.push(small.clone());
            // Perhaps it need not be contextual.
            small.store.tuples.push(tuple);
            self.found.push(small);
        }
    }

    /// A whole relation or type less, with what speaks of it.
    fn relations(&mut self) {
        let model = &self.from.store.model;
        let mut models = Vec::new();
        for (index, def) in model.types.iter().enumerate() {
            let mut fewer = model.clone();
            fewer.types.remove(index);
            models.push(fewer);
            for relation in 0..def.relations.len() {
                let mut fewer = model.clone();
                fewer.types[index].relations.remove(relation);
                models.push(fewer);
            }
        }
        for fewer in models {
            self.with_model(tidy(fewer));
        }
    }

    /// A rewrite replaced by one of its parts.
    fn rewrites(&mut self) {
        let model = self.from.store.model.clone();
        for (type_index, def) in model.types.iter().enumerate() {
            for (relation_index, relation) in def.relations.iter().enumerate() {
                for simpler in simpler(&relation.rewrite) {
                    let mut fewer = model.clone();
                    let relation = &mut fewer.types[type_index].relations[relation_index];
                    if !has_this(&simpler) {
                        relation.assignable.clear();
                    }
                    relation.rewrite = simpler;
                    self.with_model(tidy(fewer));
                }
            }
        }
    }

    fn assignables(&mut self) {
        let model = self.from.store.model.clone();
        for (type_index, def) in model.types.iter().enumerate() {
            for (relation_index, relation) in def.relations.iter().enumerate() {
                for entry in 0..relation.assignable.len() {
                    let list = |model: &mut Model| {
                        std::mem::take(
                            &mut model.types[type_index].relations[relation_index].assignable,
                        )
                    };
                    let mut fewer = model.clone();
                    let mut shorter = list(&mut fewer);
                    shorter.remove(entry);
                    fewer.types[type_index].relations[relation_index].assignable = shorter;
                    self.with_model(tidy(fewer));
                }
            }
        }
    }

    fn context(&mut self) {
        for key in self.from.round.context.keys().cloned().collect::<Vec<_>>() {
            let mut small = self.from.clone();
            small.round.context.remove(&key);
            self.found.push(small);
        }
        for index in 0..self.from.store.tuples.len() {
            let Some(condition) = &self.from.store.tuples[index].condition else {
                continue;
            };
            if !condition.context.is_empty() {
                let mut small = self.from.clone();
                small.store.tuples[index]
                    .condition
                    .iter_mut()
                    .for_each(|condition| condition.context.clear());
                self.found.push(small);
            }
        }
    }

    fn with_model(&mut self, model: Model) {
        let mut small = self.from.clone();
        let before = &self.from.store.model;
        // Strays stay strays; what was admitted must stay so.
        let keep = |tuple: &Tuple| {
            admits(&model, tuple) || (!admits(before, tuple) && known(&model, tuple))
        };
        small.store.tuples.retain(keep);
        small.round.contextual.retain(|tuple| admits(&model, tuple));
        if small.ask().is_about(&model) {
            small.store.model = model;
            self.found.push(small);
        }
    }
}

impl Ask {
    /// Whether the model knows every name in the question.
    fn is_about(&self, model: &Model) -> bool {
        let known = |type_name: &str| model.types.iter().any(|def| def.name == type_name);
        let related =
            |type_name: &str, relation: &str| relation_of(model, type_name, relation).is_some();
        let subject = |user: &str| {
            let relation = split_userset(user).map(|(_, member)| member);
            known(type_of(user)) && relation.is_none_or(|member| related(type_of(user), member))
        };
        match self {
            Ask::Check {
                user,
                relation,
                object,
            } => subject(user) && related(type_of(object), relation),
            Ask::ListObjects {
                user,
                relation,
                object_type,
            } => subject(user) && related(object_type, relation),
            Ask::ListUsers {
                object,
                relation,
                filter,
            } => {
                related(type_of(object), relation)
                    && match split_userset(filter) {
                        Some((type_name, member)) => related(type_name, member),
                        None => known(filter),
                    }
            }
        }
    }
}

fn known(model: &Model, tuple: &Tuple) -> bool {
    relation_of(model, type_of(&tuple.object), &tuple.relation).is_some()
}

/// Takes out what points nowhere after something was removed.
fn tidy(mut model: Model) -> Model {
    let before = model.clone();
    for def in &mut model.types {
        for relation in &mut def.relations {
            relation.assignable.retain(|entry| match &entry.kind {
                deputize::model::AssignableKind::Userset(member) => {
                    relation_of(&before, &entry.type_name, member).is_some()
                }
                _ => before.types.iter().any(|def| def.name == entry.type_name),
            });
        }
    }
    let used = |name: &String| {
        let relations = model.types.iter().flat_map(|def| &def.relations);
        relations
            .flat_map(|relation| &relation.assignable)
            .any(|entry| entry.condition.as_ref() == Some(name))
    };
    model.conditions = before
        .conditions
        .iter()
        .filter(|condition| used(&condition.name))
        .cloned()
        .collect();
    model
}

fn has_this(node: &Rewrite) -> bool {
    match node {
        Rewrite::This => true,
        Rewrite::Computed(_) | Rewrite::TupleToUserset { .. } => false,
        Rewrite::Union(parts) | Rewrite::Intersection(parts) => parts.iter().any(has_this),
        Rewrite::Exclusion { base, subtract } => has_this(base) || has_this(subtract),
    }
}

/// The node's parts in its place, fewer parts, or one part made simpler.
fn simpler(node: &Rewrite) -> Vec<Rewrite> {
    let mut found = Vec::new();
    match node {
        Rewrite::Union(parts) | Rewrite::Intersection(parts) => {
            let again = |parts: Vec<Rewrite>| match node {
                Rewrite::Union(_) => Rewrite::Union(parts),
                _ => Rewrite::Intersection(parts),
            };
            found.extend(parts.iter().cloned());
            for index in 0..parts.len() {
                if parts.len() > 2 {
                    let mut fewer = parts.clone();
                    fewer.remove(index);
                    found.push(again(fewer));
                }
                for part in simpler(&parts[index]) {
                    let mut other = parts.clone();
                    other[index] = part;
                    found.push(again(other));
                }
            }
        }
        Rewrite::Exclusion { base, subtract } => {
            found.extend([(**base).clone(), (**subtract).clone()]);
            for part in simpler(base) {
                found.push(Rewrite::Exclusion {
                    base: Box::new(part),
                    subtract: subtract.clone(),
                });
            }
            for part in simpler(subtract) {
                found.push(Rewrite::Exclusion {
                    base: base.clone(),
                    subtract: Box::new(part),
                });
            }
        }
        _ => {}
    }
    found
}
