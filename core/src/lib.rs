//! May this agent do this, and on whose behalf?

#![forbid(unsafe_code)]

#[cfg(feature = "conditions")]
pub mod cel;
#[cfg(feature = "conditions")]
pub mod condition;
pub mod model;
mod policy;
mod query;
pub mod snapshot;

pub use policy::{CompiledError, Limits, Policy, Warning};
pub use query::{
    CheckItem, DropReason, Expansion, Explanation, Filtered, QueryError, Step, StepRule, Tuple,
    TupleCondition, TupleFault, View,
};
pub use snapshot::{Snapshot, SnapshotError};
