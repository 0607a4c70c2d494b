//! The acceptance table: what each system that this one learns from says of
//! itself, one named test a row. FA is FusionAuth's entities, FB Fusebit's access
//! rules, AR the article's bank, FZ FuzeFront's delegates, OF OpenFGA's agents.
//!
//! OF1 to OF9 are OpenFGA's own store files, and stand with the others of their
//! kind in `tests/tests/store_files.rs`.
#![cfg(feature = "tokens")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod article;
#[path = "../token_attacks/forge.rs"]
#[allow(dead_code, reason = "made for another suite; used here in part")]
mod forge;
mod fusebit;
mod fusionauth;
mod fuzefront;
mod openfga;
#[path = "../callers/world.rs"]
#[allow(dead_code, reason = "made for another suite; used here in part")]
mod world;
