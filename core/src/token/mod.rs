//! Tokens.

pub mod json;
pub mod jws;
pub mod key;

mod algorithm;
mod error;
mod signature;

pub use self::algorithm::{Algorithm, Family};
pub use self::error::{Malformed, Part, ProofFault, ProofKind, TokenError};
