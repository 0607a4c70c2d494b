//! May this agent do this, and on whose behalf?

#![forbid(unsafe_code)]

pub mod action;
pub mod entity;
pub mod model;
#[cfg(test)]
mod numbers;
pub mod path;
#[cfg(feature = "tokens")]
pub mod scope;
