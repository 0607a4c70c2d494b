//! The engine from outside. One program for all, so that core is linked once.

#![cfg(test)]
#![allow(
    clippy::string_slice,
    clippy::unreachable,
    reason = "a test fails by panicking"
)]

#[cfg(feature = "tokens")]
mod acceptance;
mod allocations;
#[cfg(feature = "tokens")]
mod authzen;
mod budgets;
#[cfg(feature = "tokens")]
mod call_graph;
#[cfg(feature = "tokens")]
mod callers;
#[cfg(feature = "regex")]
mod cel_conformance;
#[cfg(all(feature = "conditions", feature = "tokens"))]
mod context_values;
mod counting;
#[cfg(feature = "conditions")]
mod cves;
#[cfg(all(feature = "conditions", feature = "tokens"))]
mod duplicates;
#[cfg(feature = "tokens")]
mod exchange;
mod exclusions;
#[cfg(feature = "tokens")]
mod forge;
#[cfg(feature = "conditions")]
mod fuzzed;
#[cfg(feature = "tokens")]
mod grants;
#[cfg(feature = "tokens")]
mod issuers;
#[cfg(feature = "tokens")]
mod jose;
mod openfga_language;
mod purity;
#[cfg(feature = "tokens")]
mod scope_allocations;
#[cfg(all(feature = "conditions", feature = "tokens"))]
mod slips;
mod smoke;
#[cfg(feature = "tokens")]
mod token_attacks;
#[cfg(feature = "tokens")]
mod world;
