//! May this agent do this, and on whose behalf?

#![forbid(unsafe_code)]

pub mod model;
pub mod time;
#[cfg(feature = "tokens")]
pub mod token;
