//! What each fuzz target does with one input. The fuzzer calls it with whatever it
//! thinks of, the workspace's tests with the seeds and small changes of them.

pub mod cel;
pub mod chains;
pub mod claims;
pub mod compiled;
pub mod dsl;
pub mod jwks;
pub mod request;
pub mod scopes;
pub mod snapshot;
pub mod token;

/// What a target does with one input.
pub type Body = fn(&[u8]);

/// Every target by its name, which is also that of its folder of seeds.
pub const TARGETS: &[(&str, Body)] = &[
    ("cel", cel::run),
    ("chains", chains::run),
    ("claims", claims::run),
    ("compiled", compiled::run),
    ("dsl", dsl::run),
    ("jwks", jwks::run),
    ("request", request::run),
    ("scopes", scopes::run),
    ("snapshot", snapshot::run),
    ("token", token::run),
];
