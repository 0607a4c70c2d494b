//! May this agent do this, and on whose behalf? Answered locally, from a JSON
//! snapshot of policy data.
//!
//! This crate does no input or output: it reads no clock, file, socket,
//! environment or randomness, starts no thread and keeps no global. Time is an
//! argument, work is counted and not timed, and the same question to the same
//! snapshot has the same answer on every machine.
//!
//! An agent reads a document for a person. It may where both may, the person by
//! being the document's owner and the agent by its own grant, and where the
//! person made the agent a delegate:
//!
//! ```
//! use deputize::{Policy, Reason, Request, UnixSeconds};
//!
//! // 1. A policy: a snapshot of policy data, read strictly and compiled.
//! let policy = Policy::from_json(br#"{
//!   "deputize": 1,
//!   "revision": "42",
//!   "model": "model\n  schema 1.1\ntype user\n  relations\n    define delegate: [agent]\ntype agent\ntype document\n  relations\n    define owner: [user]\n    define can_read: [agent] or owner",
//!   "tuples": [
//!     {"user": "user:anne", "relation": "owner", "object": "document:1"},
//!     {"user": "user:anne", "relation": "owner", "object": "document:2"},
//!     {"user": "agent:triage", "relation": "delegate", "object": "user:anne"},
//!     {"user": "agent:triage", "relation": "can_read", "object": "document:1"}
//!   ],
//!   "delegation": {"hops": [{"from": "user", "to": "agent",
//!     "any_of": [{"user": "{to}", "relation": "delegate", "object": "{from}"}]}]}
//! }"#)?;
//!
//! // 2. A request: the time, and who asks. A token's bytes, usually, with
//! //    `.token(…)`; here the host vouches for the agent and its person.
//! let now = UnixSeconds(1_763_719_200);
//! let request = Request::at(now).on_behalf_of(&["user:anne", "agent:triage"]);
//!
//! // 3. A caller: the request, admitted. Ask it many questions, each at a time.
//! let caller = policy.admit(&request)?;
//! assert!(caller.at(now).can("can_read", "document:1"));
//!
//! // 4. A decision: the answer, why, and an audit record to decide it again.
//! let decision = policy.decide(&request, "can_read", "document:2");
//! assert_eq!(decision.reason, Reason::ActorNoGrant);
//! assert_eq!(policy.replay(&decision.record)?, decision);
//!
//! // Whom the person gave nothing may do nothing for her.
//! let stranger = Request::at(now).on_behalf_of(&["user:anne", "agent:other"]);
//! assert_eq!(policy.admit(&stranger).unwrap_err().reason, Reason::ChainHopNotPermitted);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! To follow a question through the code, read `request/mod.rs` (what a host
//! hands in), `caller/mod.rs` (the order in which it is admitted),
//! `authority/mod.rs` (what a caller may do) and `decision/mod.rs` (what is
//! answered). Below them, `snapshot/mod.rs` says what policy data may say,
//! `policy/build.rs` how it is compiled, and `query/reach.rs` and
//! `query/resolve.rs` how relationships are decided. A policy can be asked about
//! relationships alone, too: see [`View`].

#![forbid(unsafe_code)]

pub mod action;
#[cfg(feature = "tokens")]
pub mod authority;
#[cfg(feature = "tokens")]
pub mod authzen;
#[cfg(feature = "tokens")]
pub mod caller;
pub mod canonical;
#[cfg(feature = "conditions")]
pub mod cel;
#[cfg(feature = "conditions")]
pub mod condition;
#[cfg(feature = "tokens")]
pub mod decision;
pub mod entity;
#[cfg(feature = "tokens")]
pub mod exchange;
pub mod import;
pub mod json;
pub mod model;
#[cfg(test)]
mod numbers;
mod order;
pub mod path;
pub mod pointer;
mod policy;
mod query;
#[cfg(feature = "tokens")]
pub mod reading;
#[cfg(feature = "tokens")]
pub mod request;
#[cfg(feature = "tokens")]
pub mod scope;
pub mod snapshot;
pub mod time;
#[cfg(feature = "tokens")]
pub mod token;

#[cfg(feature = "tokens")]
pub use caller::Caller;
#[cfg(feature = "tokens")]
pub use decision::{Decision, Denial, Reason};
pub use policy::{CompiledError, Limits, Policy, Warning};
pub use query::{
    CheckItem, DropReason, Expansion, Explanation, Filtered, Grounds, QueryError, Step, StepRule,
    Tuple, TupleCondition, TupleFault, View,
};
#[cfg(feature = "tokens")]
pub use request::Request;
pub use snapshot::{Snapshot, SnapshotError};
pub use time::UnixSeconds;

/// The examples of the project's front page are tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct ReadMe;
