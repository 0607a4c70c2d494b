//! Random tuples for a model: sparse, often cyclic, sometimes a long chain.

use super::Shape;
use crate::conditions;
use crate::dice::Dice;
use crate::naive::admits;
use crate::store::{Tuple, TupleCondition, key};
use deputize::model::{Assignable, AssignableKind, Model, Rewrite};
use serde_json::{Map, Value};

/// The people.
pub(super) const USERS: [&str; 4] = ["anne", "beth", "carl", "dora"];

/// The tenants.
pub(super) const TENANTS: [&str; 2] = ["acme", "globex"];
/// More than the engine looks at one by one.
pub const WIDE: usize = 36;

/// Tuples that the model admits, and strays where the shape says so.
pub(super) fn tuples(dice: &mut Dice, model: &Model, shape: Shape) -> Vec<Tuple> {
    let slots = slots(model);
    let mut tuples: Vec<Tuple> = Vec::new();
    if slots.is_empty() {
        return tuples;
    }
    let objects = dice.between(1, shape.objects);
    let fewest = if shape.below { shape.tuples / 3 } else { 1 };
    for _ in 0..dice.between(fewest, shape.tuples) {
        let (type_name, relation, entry) = *dice.pick(&slots);
        let object = object(dice, type_name, objects);
        let user = subject(dice, entry, objects);
        let tuple = Tuple {
            user: if shape.below { one_of_few(user) } else { user },
            relation: relation.into(),
            object,
            condition: entry.condition.as_deref().map(|name| condition(dice, name)),
            tenant: None,
        };
        add(&mut tuples, tuple);
    }
    if dice.chance(10) {
        chain(dice, &slots, &mut tuples);
    }
    if shape.below {
        bases(dice, model, objects, &mut tuples);
    }
    if shape.below && dice.chance(15) {
        wide(dice, &slots, &mut tuples);
    }
    if shape.strays {
        for _ in 0..dice.below(4) {
            if let Some(tuple) = stray(dice, model, &tuples) {
                add(&mut tuples, tuple);
            }
        }
    }
    if shape.below && shape.strays && dice.chance(30) {
        for tuple in &mut tuples {
            if dice.chance(25) {
                tuple.tenant = Some((*dice.pick(&TENANTS)).to_owned());
            }
        }
    }
    dice.shuffle(&mut tuples);
    tuples
}

/// Two people and one bot: what is asked of one is mostly about it.
pub(super) fn one_of_few(user: String) -> String {
    match user.as_str() {
        "user:carl" => "user:anne".into(),
        "user:dora" => "user:beth".into(),
        "bot:2" => "bot:1".into(),
        _ => user,
    }
}

/// Somebody from whom something may be taken, wherever something is.
fn bases(dice: &mut Dice, model: &Model, objects: usize, tuples: &mut Vec<Tuple>) {
    let person = |entry: &Assignable| {
        entry.type_name == "user"
            && entry.kind == AssignableKind::Object
            && entry.condition.is_none()
    };
    for def in &model.types {
        for relation in &def.relations {
            let takes = matches!(relation.rewrite, Rewrite::Exclusion { .. });
            if !takes || !relation.assignable.iter().any(person) {
                continue;
            }
            for _ in 0..objects {
                let object = object(dice, &def.name, objects);
                let user = format!("user:{}", dice.pick(&USERS[..2]));
                add(tuples, Tuple::new(&user, &relation.name, &object));
            }
        }
    }
}

/// More usersets on one object than are looked at one by one.
fn wide(dice: &mut Dice, slots: &[(&str, &str, &Assignable)], tuples: &mut Vec<Tuple>) {
    let many = |(_, _, entry): &&(&str, &str, &Assignable)| {
        matches!(entry.kind, AssignableKind::Userset(_)) && entry.type_name != "user"
    };
    let found: Vec<_> = slots.iter().filter(many).collect();
    if found.is_empty() {
        return;
    }
    let (type_name, relation, entry) = **dice.pick(&found);
    let AssignableKind::Userset(member) = &entry.kind else {
        return;
    };
    for number in 0..WIDE {
        let condition = entry.condition.as_deref().map(|name| condition(dice, name));
        let user = format!("{}:w{number}#{member}", entry.type_name);
        add(
            tuples,
            Tuple {
                user,
                relation: relation.into(),
                object: format!("{type_name}:1"),
                condition,
                tenant: None,
            },
        );
    }
}

/// Where a tuple may be put: type, relation, and one entry of its list.
fn slots(model: &Model) -> Vec<(&str, &str, &Assignable)> {
    let mut slots = Vec::new();
    for def in &model.types {
        for relation in &def.relations {
            for entry in &relation.assignable {
                slots.push((def.name.as_str(), relation.name.as_str(), entry));
            }
        }
    }
    slots
}

fn add(tuples: &mut Vec<Tuple>, tuple: Tuple) {
    let own = tuple.user == format!("{}#{}", tuple.object, tuple.relation);
    if !own && tuples.iter().all(|other| key(other) != key(&tuple)) {
        tuples.push(tuple);
    }
}

/// One more hop after another along a relation that leads to its own type.
fn chain(dice: &mut Dice, slots: &[(&str, &str, &Assignable)], tuples: &mut Vec<Tuple>) {
    let own: Vec<_> = slots
        .iter()
        .filter(|(type_name, _, entry)| {
            entry.type_name == *type_name && entry.kind != AssignableKind::Wildcard
        })
        .collect();
    if own.is_empty() {
        return;
    }
    let (type_name, relation, entry) = *dice.pick(&own);
    for hop in 1..dice.between(3, 30) {
        let mut user = format!("{}:{}", entry.type_name, hop + 1);
        if let AssignableKind::Userset(member) = &entry.kind {
            user = format!("{user}#{member}");
        }
        let condition = entry.condition.as_deref().map(|name| condition(dice, name));
        add(
            tuples,
            Tuple {
                user,
                relation: (*relation).into(),
                object: format!("{type_name}:{hop}"),
                condition,
                tenant: None,
            },
        );
    }
}

/// A tuple that an earlier model may have admitted and this one does not.
fn stray(dice: &mut Dice, model: &Model, tuples: &[Tuple]) -> Option<Tuple> {
    let mut tuple = dice
        .pick(tuples.get(..).filter(|tuples| !tuples.is_empty())?)
        .clone();
    match dice.below(4) {
        0 => tuple.condition = None,
        1 => tuple.user = "user:*".into(),
        2 => tuple.user = format!("user:{}", dice.pick(&USERS)),
        _ => {
            let types: Vec<_> = model
                .types
                .iter()
                .filter(|def| !def.relations.is_empty())
                .collect();
            let def = *dice.pick(&types);
            tuple.user = format!("{}:1#{}", def.name, dice.pick(&def.relations).name);
        }
    }
    (!admits(model, &tuple)).then_some(tuple)
}

pub(super) fn object(dice: &mut Dice, type_name: &str, objects: usize) -> String {
    match type_name {
        "user" => format!("user:{}", dice.pick(&USERS)),
        "bot" => format!("bot:{}", dice.between(1, 2)),
        _ => format!("{type_name}:{}", dice.between(1, objects)),
    }
}

fn subject(dice: &mut Dice, entry: &Assignable, objects: usize) -> String {
    match &entry.kind {
        AssignableKind::Wildcard => format!("{}:*", entry.type_name),
        AssignableKind::Object => object(dice, &entry.type_name, objects),
        AssignableKind::Userset(member) => {
            format!("{}#{member}", object(dice, &entry.type_name, objects))
        }
    }
}

/// A condition with some of its values stored beside it.
fn condition(dice: &mut Dice, name: &str) -> TupleCondition {
    let entry = conditions::find(name).expect("a generated model uses the catalogue");
    let mut context: Map<String, Value> = Map::new();
    let stored = dice.below(3);
    for (param, _, good, _) in &entry.params {
        if stored == 2 || (stored == 1 && dice.chance(50)) {
            context.insert((*param).into(), dice.pick(good).clone());
        }
    }
    TupleCondition {
        name: name.into(),
        context,
    }
}
