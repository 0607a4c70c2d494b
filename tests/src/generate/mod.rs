//! Random stores and questions from a seed.

mod model;
mod questions;
mod tuples;

pub use model::{is_sound, model};
pub use tuples::WIDE;

use crate::dice::Dice;
use crate::store::{Round, Store};

/// A store with its questions.
#[derive(Debug, Clone)]
pub struct Case {
    /// What it was drawn from.
    pub seed: u64,
    /// The store.
    pub store: Store,
    /// The questions.
    pub rounds: Vec<Round>,
}

/// What a generated store may hold.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// At most so many types with relations.
    pub types: usize,
    /// At most so many relations a type.
    pub relations: usize,
    /// How deep rewrites nest.
    pub nesting: usize,
    /// At most so many objects a type.
    pub objects: usize,
    /// At most so many tuples.
    pub tuples: usize,
    /// Checks in each round.
    pub checks: usize,
    /// Lists of each kind in each round.
    pub lists: usize,
    /// Tuples that the model does not admit, and contextual ones that shadow a
    /// stored one. OpenFGA's program cannot be given either.
    pub strays: bool,
    /// Few relations that rest on one another, most of them exclusions, with
    /// what a shortcut is tempted to pass over likely below: cycles, tuple sets
    /// with and without conditions, wide rows, tenants, contextual tuples.
    pub below: bool,
}

impl Shape {
    /// For the comparison with OpenFGA.
    pub const ORACLE: Shape = Shape {
        types: 4,
        relations: 6,
        nesting: 3,
        objects: 4,
        tuples: 40,
        checks: 40,
        lists: 8,
        strays: false,
        below: false,
    };
    /// For the comparison with the naive evaluator.
    pub const NAIVE: Shape = Shape {
        types: 4,
        relations: 6,
        nesting: 3,
        objects: 4,
        tuples: 40,
        checks: 20,
        lists: 4,
        strays: true,
        below: false,
    };
    /// For what lies below exclusions, asked in every way.
    pub const BELOW: Shape = Shape {
        types: 2,
        relations: 3,
        nesting: 2,
        objects: 3,
        tuples: 24,
        checks: 5,
        lists: 2,
        strays: true,
        below: true,
    };
    /// The same, as far as OpenFGA's program can be given it.
    pub const BELOW_ORACLE: Shape = Shape {
        checks: 40,
        lists: 4,
        strays: false,
        ..Shape::BELOW
    };
}

/// The case of a seed.
pub fn case(seed: u64, shape: Shape) -> Case {
    let mut dice = Dice::new(seed);
    let model = model::model(&mut dice, shape);
    let tuples = tuples::tuples(&mut dice, &model, shape);
    let store = Store { model, tuples };
    let rounds = questions::rounds(&mut dice, &store, shape);
    Case {
        seed,
        store,
        rounds,
    }
}
