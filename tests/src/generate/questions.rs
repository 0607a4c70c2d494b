//! Random questions for a store.

use super::Shape;
use super::tuples::{TENANTS, USERS, object, one_of_few};
use crate::conditions;
use crate::dice::Dice;
use crate::naive::{admits, relation_of};
use crate::store::{Ask, Round, Store, Tuple, key, type_of};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Two or three rounds: all context, some of it, and some of it wrong.
pub(super) fn rounds(dice: &mut Dice, store: &Store, shape: Shape) -> Vec<Round> {
    let conditional = !store.model.conditions.is_empty();
    let rounds = if conditional { 3 } else { 1 };
    (0..rounds)
        .map(|round| self::round(dice, store, shape, round))
        .collect()
}

fn round(dice: &mut Dice, store: &Store, shape: Shape, round: usize) -> Round {
    let contextual = if dice.chance(if shape.below && shape.strays { 50 } else { 30 }) {
        contextual(dice, store, shape)
    } else {
        Vec::new()
    };
    let mut asks = BTreeSet::new();
    for _ in 0..shape.checks {
        let mut user = user(dice, store);
        if shape.below {
            user = one_of_few(user);
        }
        if let Some((relation, object)) = target(dice, store) {
            asks.insert(Ask::Check {
                user,
                relation,
                object,
            });
        }
    }
    for _ in 0..shape.lists {
        let user = user(dice, store);
        if let Some((relation, object)) = target(dice, store) {
            asks.insert(Ask::ListObjects {
                user,
                relation,
                object_type: type_of(&object).into(),
            });
        }
        if let Some((relation, object)) = target(dice, store) {
            asks.insert(Ask::ListUsers {
                object,
                relation,
                filter: filter(dice, store),
            });
        }
    }
    let tenanted = store.tuples.iter().any(|tuple| tuple.tenant.is_some());
    let tenant = (tenanted && dice.chance(75)).then(|| (*dice.pick(&TENANTS)).to_owned());
    Round {
        tenant,
        context: context(dice, store, round),
        contextual,
        asks: asks.into_iter().collect(),
    }
}

/// Round 0 has every parameter, round 1 some, round 2 some of them wrong.
fn context(dice: &mut Dice, store: &Store, round: usize) -> Map<String, Value> {
    let mut context = Map::new();
    for definition in &store.model.conditions {
        let entry =
            conditions::find(&definition.name).expect("a generated model uses the catalogue");
        for (param, _, good, bad) in &entry.params {
            let value = match round {
                1 if dice.chance(50) => continue,
                2 if dice.chance(30) => dice.pick(bad),
                _ => dice.pick(good),
            };
            context.insert((*param).into(), value.clone());
        }
    }
    if dice.chance(10) {
        context.insert("unheard_of".into(), Value::Bool(true));
    }
    context
}

fn user(dice: &mut Dice, store: &Store) -> String {
    match dice.below(20) {
        0..10 => format!("user:{}", dice.pick(&USERS)),
        10 => "user:unknown".into(),
        11 => "user:*".into(),
        12 => format!("bot:{}", dice.between(1, 2)),
        13..17 if !store.tuples.is_empty() => dice.pick(&store.tuples).user.clone(),
        17 if !store.tuples.is_empty() => dice.pick(&store.tuples).object.clone(),
        _ => match target(dice, store) {
            Some((relation, object)) => format!("{object}#{relation}"),
            None => "bot:*".into(),
        },
    }
}

/// A relation, and an object of its type that the store mostly knows.
fn target(dice: &mut Dice, store: &Store) -> Option<(String, String)> {
    let types: Vec<_> = store
        .model
        .types
        .iter()
        .filter(|def| !def.relations.is_empty())
        .collect();
    if types.is_empty() {
        return None;
    }
    let def = *dice.pick(&types);
    let relation = dice.pick(&def.relations).name.clone();
    let known: Vec<&String> = store
        .tuples
        .iter()
        .map(|tuple| &tuple.object)
        .filter(|name| type_of(name) == def.name)
        .collect();
    let object = match known.is_empty() || dice.chance(5) {
        true => format!("{}:unknown", def.name),
        false => (*dice.pick(&known)).clone(),
    };
    Some((relation, object))
}

fn filter(dice: &mut Dice, store: &Store) -> String {
    match dice.below(10) {
        0..6 => "user".into(),
        6 => "bot".into(),
        7 => dice.pick(&store.model.types).name.clone(),
        _ => match target(dice, store) {
            Some((relation, object)) => format!("{}#{relation}", type_of(&object)),
            None => "user".into(),
        },
    }
}

/// A few more tuples, like the stored ones with one end changed.
fn contextual(dice: &mut Dice, store: &Store, shape: Shape) -> Vec<Tuple> {
    let mut tuples: Vec<Tuple> = Vec::new();
    for _ in 0..dice.between(1, 4) {
        let Some(mut tuple) = (!store.tuples.is_empty()).then(|| dice.pick(&store.tuples).clone())
        else {
            break;
        };
        match dice.below(3) {
            0 => tuple.object = object(dice, type_of(&tuple.object.clone()), shape.objects),
            1 => tuple.user = user(dice, store),
            _ if shape.strays => {
                // The same key with another condition context: it shadows.
                if let Some(condition) = &mut tuple.condition {
                    condition.context.clear();
                }
            }
            _ => tuple.object = object(dice, type_of(&tuple.object.clone()), shape.objects),
        }
        let same = |other: &Tuple| key(other) == key(&tuple);
        let shadows = store.tuples.iter().any(same);
        let own = tuple.user == format!("{}#{}", tuple.object, tuple.relation);
        let fits = admits(&store.model, &tuple)
            && relation_of(&store.model, type_of(&tuple.object), &tuple.relation).is_some();
        if fits && !own && (shape.strays || !shadows) && !tuples.iter().any(same) {
            tuples.push(tuple);
        }
    }
    tuples
}
