//! Callers: chains, scopes, tenants and decisions.

mod attacks;
mod entities;
mod inspections;
mod questions;
mod records;
