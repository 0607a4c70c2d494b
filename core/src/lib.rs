//! May this agent do this, and on whose behalf?

#![forbid(unsafe_code)]

#[cfg(feature = "conditions")]
pub mod cel;
#[cfg(feature = "conditions")]
pub mod condition;
pub mod model;
