//! The same store, told otherwise: what does not matter must not matter.

use super::{Asking, Findings, truths};
use crate::dice::Dice;
use crate::engine;
use crate::generate::WIDE;
use crate::naive::{admits, relation_of};
use crate::store::{Round, Store, Tuple, type_of};
use deputize::Limits;
use deputize::model::AssignableKind;

pub(super) fn ask(of: &Asking<'_>, seed: u64, dice: &mut Dice, findings: &mut Findings) {
    let mut shuffled = of.store.clone();
    dice.shuffle(&mut shuffled.tuples);
    same(of, "shuffled", &shuffled, of.round, findings);
    if let Some(tuple) = unrelated(of.store, dice) {
        let mut round = of.round.clone();
        round.contextual.push(tuple);
        same(
            of,
            "an unrelated contextual tuple",
            of.store,
            &round,
            findings,
        );
    }
    if let Some(padded) = padded(of.store, dice) {
        // What was no error may be passed over now: the rule is asked anew.
        let truths = truths(&padded, of.round, of.user);
        let store = &padded;
        let of = Asking {
            store,
            truths: &truths,
            ..*of
        };
        same(&of, "a padded row", &padded, of.round, findings);
    }
    renamed(of, seed, findings);
}

fn same(of: &Asking<'_>, way: &'static str, store: &Store, round: &Round, findings: &mut Findings) {
    let policy = engine::compile(store).expect("it is as sound as the first");
    let view = engine::view(&policy, round, Limits::default()).expect("so is the round");
    of.checks(&view, way, findings);
}

/// A tuple about an object that nothing else speaks of.
fn unrelated(store: &Store, dice: &mut Dice) -> Option<Tuple> {
    let tuples: Vec<&Tuple> = store
        .tuples
        .iter()
        .filter(|t| admits(&store.model, t))
        .collect();
    let mut tuple = (*tuples.get(dice.below(tuples.len()))?).clone();
    tuple.object = format!("{}:elsewhere", type_of(&tuple.object));
    Some(tuple)
}

/// More usersets, of groups that are empty, in one of the rows.
fn padded(store: &Store, dice: &mut Dice) -> Option<Store> {
    let mut rows = Vec::new();
    for tuple in &store.tuples {
        let def = relation_of(&store.model, type_of(&tuple.object), &tuple.relation);
        for entry in def.into_iter().flat_map(|def| &def.assignable) {
            if let (AssignableKind::Userset(member), None) = (&entry.kind, &entry.condition) {
                rows.push((tuple, &entry.type_name, member));
            }
        }
    }
    let (tuple, type_name, member) = *rows.get(dice.below(rows.len()))?;
    let mut padded = store.clone();
    padded.tuples.extend((0..WIDE).map(|number| {
        let user = format!("{type_name}:pad{number}#{member}");
        Tuple::new(&user, &tuple.relation, &tuple.object)
    }));
    Some(padded)
}

/// Other ids, in another order: questions and answers follow.
fn renamed(of: &Asking<'_>, seed: u64, findings: &mut Findings) {
    let name = |name: &str| -> String {
        let (object, relation) = name
            .split_once('#')
            .map_or((name, None), |(o, r)| (o, Some(r)));
        let (type_name, id) = object.split_once(':').expect("it has a type");
        let sum = id.bytes().fold(seed, |sum, byte| {
            sum.wrapping_mul(31).wrapping_add(byte.into())
        });
        let letter = char::from(b'a' + (sum % 26) as u8);
        let id = if id == "*" {
            "*".into()
        } else {
            format!("{letter}{id}")
        };
        match relation {
            Some(relation) => format!("{type_name}:{id}#{relation}"),
            None => format!("{type_name}:{id}"),
        }
    };
    let each = |tuple: &Tuple| Tuple {
        user: name(&tuple.user),
        object: name(&tuple.object),
        ..tuple.clone()
    };
    let store = Store {
        model: of.store.model.clone(),
        tuples: of.store.tuples.iter().map(each).collect(),
    };
    let round = Round {
        contextual: of.round.contextual.iter().map(each).collect(),
        ..of.round.clone()
    };
    let truths = of.truths.iter();
    let truths =
        truths.map(|((object, relation), truth)| ((name(object), relation.clone()), *truth));
    let truths = truths.collect();
    let user = name(of.user);
    let (store, round) = (&store, &round);
    let of = Asking {
        store,
        round,
        user: &user,
        truths: &truths,
    };
    same(&of, "renamed", store, round, findings);
}
