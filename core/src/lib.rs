//! May this agent do this, and on whose behalf?

#![forbid(unsafe_code)]

pub mod action;
#[cfg(feature = "tokens")]
pub mod caller;
#[cfg(feature = "conditions")]
pub mod cel;
#[cfg(feature = "conditions")]
pub mod condition;
pub mod entity;
pub mod import;
pub mod model;
#[cfg(test)]
mod numbers;
pub mod path;
mod policy;
mod query;
#[cfg(feature = "tokens")]
pub mod scope;
pub mod snapshot;
pub mod time;
#[cfg(feature = "tokens")]
pub mod token;

pub use policy::{CompiledError, Limits, Policy, Warning};
pub use query::{
    CheckItem, DropReason, Expansion, Explanation, Filtered, Grounds, QueryError, Step, StepRule,
    Tuple, TupleCondition, TupleFault, View,
};
pub use snapshot::{Snapshot, SnapshotError};
