//! What a host itself says about a request.

use serde_json::{Map, Value};

use crate::query::Tuple;
use crate::scope::ScopeSet;

/// What a host says about a request. None of it may come from whoever sent the
/// request: tuples, and a tenant, give rights.
#[derive(Debug, Clone, Copy, Default)]
pub struct Setting<'a> {
    /// The tenant. Where the token names one, it must be the same.
    pub tenant: Option<&'a str>,
    /// The task, `type:id`: what it holds is intersected too.
    pub task: Option<&'a str>,
    /// Contextual tuples.
    pub tuples: &'a [Tuple],
    /// Values for conditions, in every question; a question's own go over them.
    pub context: Option<&'a Map<String, Value>>,
    /// Values for conditions that no question's own go over.
    pub fixed_context: Option<&'a Map<String, Value>>,
    /// Scopes that narrow next to the token's.
    pub scopes: Option<&'a ScopeSet>,
}
