//! What a token's scopes leave of an authority.
//!
//! A [`ScopeSet`] is what a token claims, checked for its grammar. The
//! snapshot's [`ScopePolicy`] says what each scope means, and gives the set's
//! [`Reach`], which answers two questions: does it cover this action on this
//! resource, and is it within another reach.
//!
//! Scopes only narrow. Where a token carries several claims (`scope` beside
//! `permissions`, say), every one of them must cover a request; only
//! `authorization_details` stand beside `scope` as a second way to cover it,
//! because RFC 9396 §3 gives them together. A scope that nobody has given a
//! meaning covers nothing; it is kept, because the next service may know it.
//!
//! What a scope means is decided in this order, and the first that applies is
//! all that applies:
//!
//! 1. an alias stands for exactly what its target covers;
//! 2. the table (`scopes` in the snapshot) says which actions on which resources;
//! 3. `target-entity:<id>[:<permission>,…]` covers permissions on one entity;
//! 4. `patient/Observation.rs` is SMART on FHIR, where that dialect is declared;
//! 5. anything that is an action pattern covers these actions on all resources.

mod claims;
mod error;
mod meaning;
mod policy;
mod reach;
mod section;
mod smart;
mod target_entity;
mod words;

pub use claims::{MAX_SCOPE_BYTES, MAX_SCOPES, ScopeClaim, ScopeSet};
pub use error::{ScopeError, SectionError, SectionFault};
pub use policy::{ScopeContext, ScopePolicy};
pub use reach::{Asking, Reach, ResourceFacts, Widening};
pub use section::{DetailType, Dialect, ScopeRule, ScopeSections};
pub use target_entity::TargetEntity;
pub use words::ScopeInWords;

#[cfg(test)]
mod tests;
