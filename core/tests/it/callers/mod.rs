//! Callers: chains, scopes, tenants and decisions.

mod attacks;
mod delegated;
mod entities;
mod inspections;
mod questions;
mod records;
