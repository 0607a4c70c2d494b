//! What every binding shares: the shapes of requests and answers, their
//! defaults, and the errors. A binding converts its language's values to these
//! texts, calls, and maps what comes back; it has no logic and no default of
//! its own, so the answers are the same bytes in every language.
//!
//! Each question is a function of this crate. Names and ids come as texts,
//! everything else as one JSON text of options, of which `""` and `{}` are the
//! defaults; an answer that is more than yes or no is a JSON text.
//!
//! ```
//! use deputize::Policy;
//!
//! let policy = Policy::from_json(br#"{"deputize": 1,
//!   "model": "model\n  schema 1.1\ntype user\ntype document\n  relations\n    define viewer: [user]"}"#)?;
//! let options = r#"{"contextual_tuples": [{"user": "user:anne", "relation": "viewer", "object": "document:1"}]}"#;
//! assert!(deputize_wire::check(&policy, "user:anne", "viewer", "document:1", options)?);
//! let error = deputize_wire::check(&policy, "user:anne", "viewer", "document:1", r#"{"tenat": "acme"}"#);
//! assert_eq!(error.unwrap_err().code, "call.options");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

mod ask;
#[cfg(feature = "tokens")]
mod authzen;
#[cfg(feature = "tokens")]
mod caller;
pub mod codes;
#[cfg(feature = "tokens")]
mod credentials;
mod error;
mod filtered;
#[cfg(feature = "tokens")]
mod kept;
mod options;
mod policy;
#[cfg(feature = "schema")]
pub mod python;
mod question;
#[cfg(feature = "tokens")]
mod setting;
#[cfg(feature = "schema")]
mod shapes;
#[cfg(feature = "tokens")]
mod signature;
#[cfg(feature = "schema")]
pub mod typescript;

pub use self::ask::{ask, unpacked};
#[cfg(feature = "tokens")]
pub use self::ask::{ask_alone, ask_caller, make_caller};
#[cfg(feature = "tokens")]
pub use self::authzen::{evaluate, evaluations, search_actions, search_resources, search_subjects};
#[cfg(feature = "tokens")]
pub use self::caller::{
    caller, caller_can, caller_check, caller_decide, caller_filter, caller_list, caller_terms,
    decide, describe, inspect, policy_inspect, replay, signature_of, verify, verify_chain,
    verify_signed, with_tuples,
};
#[cfg(feature = "tokens")]
pub use self::credentials::{client_credentials, delegate, exchange};
pub use self::error::{Error, Kind};
pub use self::filtered::{Filtered, Ids};
#[cfg(feature = "tokens")]
pub use self::kept::{Caller, MAX_AGE, Time};
pub use self::policy::{describe_policy, digest, from_compiled, from_json, warnings};
pub use self::question::{batch_check, check, expand, explain, filter, list_objects, list_users};
#[cfg(feature = "schema")]
pub use self::shapes::NotUnderstood;
#[cfg(feature = "tokens")]
pub use self::signature::{signature_checked, signature_to_check, verify_signature};
