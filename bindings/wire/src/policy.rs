//! Loading a policy, and what it says of itself.

use std::fmt::Write as _;

use deputize::Policy;
use serde::Serialize;

use crate::error::Error;
use crate::options::write;

/// Something in a snapshot that can have no effect.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Warning"))]
pub(crate) struct WarningRecord<'w> {
    /// A stable name for the kind of warning.
    code: &'static str,
    /// The warning in words.
    message: String,
    /// The JSON pointer of what it is about.
    pointer: &'w str,
}

/// What a policy says of itself.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct PolicyDescription<'p> {
    /// The snapshot's revision.
    revision: &'p str,
    /// When the snapshot was made, in seconds since the Unix epoch.
    issued_at: Option<u64>,
    /// The last second at which the policy holds, since the Unix epoch.
    not_after: Option<u64>,
    /// How many relationships are in effect.
    tuples: usize,
}

/// What a policy says of itself: a `PolicyDescription`.
#[must_use]
pub fn describe_policy(policy: &Policy) -> String {
    write(&PolicyDescription {
        revision: policy.revision(),
        issued_at: policy.issued_at(),
        not_after: policy.not_after(),
        tuples: policy.tuple_count(),
    })
}

/// Reads and compiles a snapshot document, JSON in UTF-8.
///
/// # Errors
/// `snapshot.*` and the codes of the rooms that its sections belong to, each
/// with its pointer.
pub fn from_json(document: &[u8]) -> Result<Policy, Error> {
    Ok(Policy::from_json(document)?)
}

/// Opens a compiled policy.
///
/// # Errors
/// `compiled.*`.
pub fn from_compiled(image: &[u8]) -> Result<Policy, Error> {
    Ok(Policy::from_compiled(image)?)
}

/// SHA-256 of the compiled form, in lower-case hexadecimal: equal for equal
/// policy data.
#[must_use]
pub fn digest(policy: &Policy) -> String {
    policy
        .digest()
        .iter()
        .fold(String::new(), |mut text, byte| {
            // Writing to a text cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// What the snapshot holds that can have no effect: an array of
/// `{code, message, pointer}`.
#[must_use]
pub fn warnings(policy: &Policy) -> String {
    let warnings = policy.warnings().iter();
    let records = warnings.map(|warning| WarningRecord {
        code: warning.code,
        message: warning.to_string(),
        pointer: &warning.pointer,
    });
    write(&records.collect::<Vec<_>>())
}
