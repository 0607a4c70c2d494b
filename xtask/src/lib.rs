//! What the project's own commands are made of: running programs, and saying
//! why one failed.

#![forbid(unsafe_code)]

pub mod failure;
pub mod program;
