//! Callers: chains, scopes, tenants and decisions.
#![cfg(feature = "tokens")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails by panicking"
)]

mod attacks;
mod entities;
#[path = "../token_attacks/forge.rs"]
#[allow(dead_code, reason = "made for another suite; used here in part")]
mod forge;
mod inspections;
mod questions;
mod records;
mod world;
