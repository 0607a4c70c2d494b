//! May this agent do this, and on whose behalf?

#![forbid(unsafe_code)]

pub mod model;
mod policy;
mod query;
pub mod snapshot;

pub use policy::{CompiledError, Limits, Policy, Warning};
pub use query::{
    CheckItem, DropReason, Expansion, Filtered, QueryError, Tuple, TupleCondition, TupleFault, View,
};
pub use snapshot::{Snapshot, SnapshotError};
