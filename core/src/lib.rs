//! May this agent do this, and on whose behalf? Answered locally, from a JSON
//! snapshot of policy data.
//!
//! This crate does no input or output: it reads no clock, file, socket,
//! environment or randomness, starts no thread and keeps no global. Time is an
//! argument, work is counted and not timed, and the same question to the same
//! snapshot has the same answer on every machine.
//!
//! There are four steps:
//!
//! ```
//! use deputize::{Policy, Snapshot};
//!
//! // 1. A snapshot: shapes, read strictly. A typo is an error with a pointer.
//! let document = br#"{
//!   "deputize": 1,
//!   "revision": "42",
//!   "model": "model\n  schema 1.1\ntype user\ntype agent\n  relations\n    define delegate_of: [user]\ntype document\n  relations\n    define owner: [user]\n    define can_read: [agent] or owner",
//!   "tuples": [
//!     {"user": "user:anne", "relation": "owner", "object": "document:1"},
//!     {"user": "agent:triage", "relation": "can_read", "object": "document:1"}
//!   ]
//! }"#;
//! let snapshot = Snapshot::from_json(document)?;
//!
//! // 2. A policy: compiled, immutable, cheap to clone and to share.
//! let policy = Policy::from_snapshot(&snapshot)?;
//!
//! // 3. A request: the policy as one request sees it.
//! let view = policy.view();
//!
//! // 4. A decision, and why.
//! assert!(view.check("agent:triage", "can_read", "document:1")?);
//! assert!(!view.check("agent:triage", "can_read", "document:2")?);
//! assert_eq!(view.list_objects("user:anne", "can_read", "document")?, ["document:1"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! To follow a question through the code, read `snapshot/mod.rs` (what may be
//! said), `policy/build.rs` (how it is compiled), `query/reach.rs` (how unions
//! are decided) and `query/resolve.rs` (how intersections and exclusions are).

#![forbid(unsafe_code)]

pub mod action;
#[cfg(feature = "tokens")]
pub mod authzen;
#[cfg(feature = "tokens")]
pub mod caller;
pub mod canonical;
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
pub mod pointer;
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

/// The examples of the project's front page are tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct ReadMe;
