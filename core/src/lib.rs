//! May this agent do this, and on whose behalf?

#![forbid(unsafe_code)]

pub mod action;
pub mod model;
pub mod path;
