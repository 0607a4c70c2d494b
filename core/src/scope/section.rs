//! The snapshot's sections about scopes, as they are written.

use std::collections::BTreeMap;

use serde::de::Deserializer;
use serde::{Deserialize, Serialize};

use crate::json;

/// The snapshot's sections about scopes. A snapshot holds them as four members
/// of its own (`#[serde(flatten)]` would not refuse unknown ones).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScopeSections {
    /// `scopes`: what each scope of the table covers.
    pub scopes: BTreeMap<String, Vec<ScopeRule>>,
    /// `scope_aliases`: the scope that each alias stands for. The target may be
    /// `target-entity:<id>:…` with a literal `<id>`, which is then each entity
    /// among the token's audiences.
    pub aliases: BTreeMap<String, String>,
    /// `scope_dialects`: how scopes outside the table are read. `None` is
    /// [`Dialect::TargetEntity`] and [`Dialect::ActionPattern`]; a list is
    /// exactly these.
    pub dialects: Option<Vec<Dialect>>,
    /// `authorization_details`: the types of RFC 9396 that are understood.
    pub details: BTreeMap<String, DetailType>,
}

/// One entry of the table: an action pattern on a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ScopeRule {
    /// An action pattern, e.g. `can_read` or `integration:*`.
    pub action: String,
    /// `type:*`, `type:id`, or a path.
    pub resource: String,
}

/// A way to read scopes that are neither in the table nor an alias.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Dialect {
    /// `target-entity:<id>[:<permission>,…]`, as FusionAuth writes them.
    #[serde(rename = "target-entity")]
    TargetEntity,
    /// Any action pattern, on every resource.
    #[serde(rename = "action-pattern")]
    ActionPattern,
    /// SMART on FHIR, version 2: `patient/Observation.rs?category=laboratory`.
    #[serde(rename = "smart-v2")]
    SmartV2,
}

/// How authorization details of one type are read (RFC 9396 §2.2). A detail
/// names its object by `identifier`, or means every object of the type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DetailType {
    /// The type of the objects, e.g. `document`.
    pub resource_type: String,
    /// The actions that each name in the detail's `actions` stands for. Where
    /// this is absent, the names are the actions; where it is given, a name
    /// outside it stands for nothing.
    #[serde(
        default,
        deserialize_with = "some_distinct",
        skip_serializing_if = "Option::is_none"
    )]
    pub actions: Option<BTreeMap<String, Vec<String>>>,
    /// The detail's `locations` that mean this service. A detail that names
    /// only others covers nothing here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub locations: Vec<String>,
}

fn some_distinct<'de, D, T>(deserializer: D) -> Result<Option<BTreeMap<String, T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    json::members(deserializer).map(Some)
}
