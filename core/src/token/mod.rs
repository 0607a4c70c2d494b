//! Tokens: local verification of JWTs against the issuers of a snapshot.
//!
//! The cryptography is `jsonwebtoken`'s; everything around it is ours, because
//! that is where tokens are attacked: which bytes are a token at all, which
//! header members count, which key may check which algorithm, what the claims
//! must hold. [`Issuers::verify`] is the way in, and `verify.rs` lists the
//! checks in their order. Nothing here fetches a key or reads a clock.

pub mod jws;
pub mod key;

mod algorithm;
mod cache;
mod claims;
mod confirmation;
mod error;
mod inspect;
mod issuer;
mod revocation;
#[cfg(all(feature = "sign", not(target_arch = "wasm32")))]
mod sign;
mod signature;
mod verify;

pub(crate) use self::inspect::bare;
pub(crate) use crate::json::{self, shorten};

pub use self::algorithm::{Algorithm, Family};
pub use self::cache::TokenCache;
pub use self::claims::{Actor, Claims, MayAct};
pub use self::confirmation::{ClientCertificate, Confirmation, DpopRequest, DpopUse};
pub use self::error::{Malformed, Part, ProofFault, ProofKind, TokenError};
pub use self::inspect::{Finding, Inspection, Severity, SignatureFinding, inspect};
pub use self::issuer::{
    ChainConvention, DEFAULT_MAX_LIFETIME, Issuer, IssuerConfig, IssuerError, IssuerFault, Issuers,
    KeySource, MAX_LEEWAY, ScopeUse,
};
pub use self::revocation::{Revocations, RevokedConfig, RevokedKey};
#[cfg(all(feature = "sign", not(target_arch = "wasm32")))]
pub use self::sign::{SignError, SigningKey};
pub(crate) use self::verify::check_actors;
pub use self::verify::{Prepared, Verified, VerifyOptions};
