//! What judges the engine from outside.
//!
//! * [`naive`]: the semantics once more, as equations and their fixpoint.
//! * [`generate`]: random models, tuples and requests from a seed.
//! * [`agree`]: every way to ask held against it, on random stores, and
//!   [`exhaustive`]: on all stores of a small scope.
//! * [`fga`]: OpenFGA's own program, run offline, its answers read back.
//! * [`outcomes`]: what OpenFGA may answer where its own answer depends on a
//!   race or on the strategy its planner draws.
//! * [`differential`]: all of them asked the same questions, and [`shrink`] to
//!   make a disagreement small.
//!
//! Nothing here is shipped; everything may panic, which is how a test fails.

pub mod agree;
pub mod cases;
pub mod conditions;
pub mod conformance;
pub mod dice;
pub mod differential;
pub mod dsl;
pub mod engine;
pub mod exhaustive;
pub mod fga;
pub mod generate;
pub mod naive;
pub mod outcomes;
pub mod shrink;
pub mod store;
pub mod storefile;
pub mod suites;
pub mod tally;
pub mod vectors;
