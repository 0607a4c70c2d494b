//! The shapes in which a snapshot says how tokens are read.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::template::Encoding;

/// A claim of which each value becomes a contextual tuple.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ClaimMapping {
    /// The claim: its name, e.g. `groups`, or a JSON Pointer, e.g.
    /// `/realm_access/roles`.
    pub claim: String,
    /// The tuple that each of its values becomes.
    pub tuple: TupleTemplate,
    /// What its values are; a text or a list of texts where not said.
    #[serde(default, skip_serializing_if = "Take::is_values")]
    pub take: Take,
    /// What a token without it means. Where not said, it means that it has no
    /// values if all that the tuples can do is give, and is denied otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub absent: Option<Absent>,
    /// How a value that is no id becomes one. All that is made into objects of
    /// one type is written alike.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encode: Option<Encoding>,
    /// The ids that values stand for; a value that is not among them fits none.
    #[serde(
        default,
        deserialize_with = "crate::json::members",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub values: BTreeMap<String, String>,
    /// What a value that fits no id means; where not said, the token is denied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unfit: Option<UnfitValue>,
}

/// A tuple in which `{subject}`, `{actor}` and `{value}` stand for what the
/// token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct TupleTemplate {
    /// E.g. `{subject}`.
    pub user: String,
    /// E.g. `member`.
    pub relation: String,
    /// E.g. `group:{value}`.
    pub object: String,
}

/// What a claim's values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Take {
    /// The claim is a text, or a list of texts.
    #[default]
    Values,
    /// The claim is an object, and its members' names are the values.
    Keys,
}

impl Take {
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
    fn is_values(&self) -> bool {
        *self == Self::Values
    }
}

/// What a token without a claim means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Absent {
    /// That it has no values, whatever the model takes away by them.
    Empty,
}

/// What a value that fits no id means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum UnfitValue {
    /// It is passed over. Only where all that the tuples can do is give.
    PassOver,
}
