//! Issuers as real providers are: where their claims lie, what they leave out,
//! whom their tokens speak of.

mod claims;
