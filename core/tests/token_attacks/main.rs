//! Attacks on tokens, one test each, and the rows of the acceptance table that
//! a token alone can answer.
#![cfg(feature = "tokens")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::unreachable,
    clippy::print_stdout,
    reason = "a test fails by panicking"
)]

mod forge;
mod form;
mod holder;
mod keys;
mod lint;
mod secrecy;
mod times;
mod trust;
