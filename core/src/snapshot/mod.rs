//! The snapshot: the JSON document of policy data at one revision.
//!
//! These are its shapes, format 1. A document that parses here has the right
//! members and types; what they mean is checked when `policy` compiles it.
//! An unknown member is an error, because a typo must not silently drop policy.

mod error;
mod orphans;
mod sections;

pub use error::{Position, SnapshotError, SnapshotErrorKind};
pub use orphans::{Orphan, OrphanKind};
pub use sections::{
    AccessRecord, ActionsRecord, ActorAuthority, Actors, CheckHops, DelegationRecord, HopAuthority,
    HopRecord, HopTuple, IdentityRecord, PrincipalRecord, ResourceRecord,
};

use std::borrow::Cow;
#[cfg(feature = "tokens")]
use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error as _, MapAccess, SeqAccess, Unexpected, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::entity::{Entity, EntityGrant, EntityType, Section};
use crate::json;
#[cfg(feature = "tokens")]
use crate::scope::{DetailType, Dialect, ScopeRule};
#[cfg(feature = "tokens")]
use crate::token::{IssuerConfig, RevokedConfig};

/// The largest document accepted, in bytes. A million tuples take about 100 MB;
/// 1 GiB keeps every offset of the compiled form below 2³².
pub const MAX_SNAPSHOT_BYTES: usize = 1 << 30;

/// The most tuples accepted: subjects are numbered with 31 bits, and each tuple
/// may bring three new names.
pub const MAX_TUPLES: usize = 50_000_000;

/// A snapshot, borrowed from its text where that needs no unescaping.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Snapshot<'a> {
    /// The format's number: 1.
    #[serde(rename = "deputize")]
    pub format: u32,
    /// Opaque; echoed in every decision.
    #[serde(borrow, default)]
    pub revision: Cow<'a, str>,
    /// When the snapshot was made, in seconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued_at: Option<u64>,
    /// After this second everything is denied as stale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_after: Option<u64>,
    /// The authorization model: OpenFGA DSL text, or its JSON form.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelSource<'a>>,
    /// The relationships.
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    pub tuples: Vec<TupleRecord<'a>>,
    /// Kinds of entities and their permissions, in FusionAuth's shapes.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub entity_types: Section<EntityType>,
    /// Entities, in FusionAuth's shapes.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub entities: Section<Entity>,
    /// Permissions on entities, in FusionAuth's shapes.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub entity_grants: Section<EntityGrant>,
    /// Access rules: action patterns on paths.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub access: Vec<AccessRecord>,
    /// What is known of principals beside their grants.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub principals: Vec<PrincipalRecord>,
    /// What is known of resources beside the grants on them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<ResourceRecord>,
    /// The issuers whose tokens are trusted.
    #[cfg(feature = "tokens")]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub issuers: Vec<IssuerConfig>,
    /// What each scope of the table covers.
    #[cfg(feature = "tokens")]
    #[serde(
        default,
        deserialize_with = "json::members",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub scopes: BTreeMap<String, Vec<ScopeRule>>,
    /// Other names of scopes.
    #[cfg(feature = "tokens")]
    #[serde(
        default,
        deserialize_with = "json::members",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub scope_aliases: BTreeMap<String, String>,
    /// How scopes outside the table are read.
    #[cfg(feature = "tokens")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope_dialects: Option<Vec<Dialect>>,
    /// The types of authorization details that are understood.
    #[cfg(feature = "tokens")]
    #[serde(
        default,
        deserialize_with = "json::members",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub authorization_details: BTreeMap<String, DetailType>,
    /// What was taken back before it expired.
    #[cfg(feature = "tokens")]
    #[serde(default, skip_serializing_if = "is_default")]
    pub revoked: RevokedConfig,
    /// The issuers: kept as written, since this build verifies no tokens.
    #[cfg(not(feature = "tokens"))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuers: Option<serde_json::Value>,
    /// The table of scopes, kept as written.
    #[cfg(not(feature = "tokens"))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<serde_json::Value>,
    /// Other names of scopes, kept as written.
    #[cfg(not(feature = "tokens"))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope_aliases: Option<serde_json::Value>,
    /// How scopes are read, kept as written.
    #[cfg(not(feature = "tokens"))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope_dialects: Option<serde_json::Value>,
    /// Types of authorization details, kept as written.
    #[cfg(not(feature = "tokens"))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_details: Option<serde_json::Value>,
    /// What was taken back, kept as written.
    #[cfg(not(feature = "tokens"))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<serde_json::Value>,
    /// Who may act for whom. Without it no token with `act` is accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delegation: Option<DelegationRecord>,
    /// Which relations a search for actions names: of a type that is not
    /// listed here, all. It says nothing of what is allowed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<ActionsRecord>,
    /// Bounds on the work that one question, and one call, may cost.
    #[serde(default, skip_serializing_if = "LimitsRecord::is_empty")]
    pub limits: LimitsRecord,
}

fn is_empty<T>(section: &Section<T>) -> bool {
    section.records.is_empty()
}

#[cfg(feature = "tokens")]
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// A model as DSL text or as OpenFGA's JSON.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum ModelSource<'a> {
    /// DSL text.
    Dsl(Cow<'a, str>),
    /// OpenFGA's JSON form.
    Json(serde_json::Value),
}

impl<'de: 'a, 'a> Deserialize<'de> for ModelSource<'a> {
    /// By hand: an untagged enum would forget what is wrong, and where.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Source;

        impl<'de> Visitor<'de> for Source {
            type Value = ModelSource<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a model: OpenFGA's DSL as a string, or its JSON form")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(ModelSource::Dsl(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(ModelSource::Dsl(Cow::Owned(text.to_owned())))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Self::Value, A::Error> {
                json::pass_over(items)?;
                Err(A::Error::invalid_type(Unexpected::Seq, &self))
            }

            fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Self::Value, A::Error> {
                json::value(MapAccessDeserializer::new(members)).map(ModelSource::Json)
            }
        }

        deserializer.deserialize_any(Source)
    }
}

/// One relationship: `user` has `relation` on `object`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct TupleRecord<'a> {
    /// `type:id`, `type:*` or `type:id#relation`.
    #[serde(borrow)]
    pub user: Cow<'a, str>,
    /// The relation's name.
    #[serde(borrow)]
    pub relation: Cow<'a, str>,
    /// `type:id`.
    #[serde(borrow)]
    pub object: Cow<'a, str>,
    /// The condition under which it holds.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<ConditionRecord<'a>>,
    /// The tenant that alone sees it.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<Cow<'a, str>>,
}

/// A tuple's condition, with the part of its context that the tuple fixes.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ConditionRecord<'a> {
    /// The condition's name in the model.
    #[serde(borrow)]
    pub name: Cow<'a, str>,
    /// Values of its parameters; what is missing comes with the request.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "schema",
        schemars(with = "Option<serde_json::Map<String, serde_json::Value>>")
    )]
    pub context: Option<&'a RawValue>,
}

/// Bounds on the work that one question, and one call, may cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct LimitsRecord {
    /// Evaluation steps of a question; 1,000,000 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<u64>,
    /// Evaluation steps of all questions of a call (a batch, a filter, a list)
    /// together, beyond the first 100 of each; 10,000,000 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_steps: Option<u64>,
    /// Hops through usersets and parents; unbounded by default, 25 in OpenFGA.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub depth: Option<u32>,
    /// The cost of one condition; unbounded by default, 100 in OpenFGA.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition_cost: Option<u64>,
}

impl LimitsRecord {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl<'a> Snapshot<'a> {
    /// Reads the shapes of a snapshot document.
    ///
    /// # Errors
    /// `snapshot.too_large`, `snapshot.json` (no JSON), `snapshot.shape` (a
    /// wrong type, a missing or an unknown member; the pointer says where),
    /// `snapshot.format` (another format's number).
    pub fn from_json(bytes: &'a [u8]) -> Result<Self, SnapshotError> {
        if bytes.len() > MAX_SNAPSHOT_BYTES {
            return Err(SnapshotErrorKind::TooLarge { bytes: bytes.len() }.at(""));
        }
        // Editors and shells of Windows begin a file with a byte order mark.
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let utf16 = is_utf16(bytes);
        let text = std::str::from_utf8(bytes).map_err(|e| {
            let offset = e.valid_up_to();
            SnapshotErrorKind::Utf8 { offset, utf16 }.at("")
        })?;
        if utf16 {
            return Err(SnapshotErrorKind::Utf8 { offset: 0, utf16 }.at(""));
        }
        let snapshot: Self = serde_json::from_str(text).map_err(|error| locate(text, &error))?;
        if snapshot.format != 1 {
            return Err(SnapshotErrorKind::Format {
                found: snapshot.format,
            }
            .at("/deputize"));
        }
        if snapshot.tuples.len() > MAX_TUPLES {
            return Err(SnapshotErrorKind::TooMany {
                what: "tuples",
                limit: MAX_TUPLES,
            }
            .at("/tuples"));
        }
        Ok(snapshot)
    }
}

/// Whether bytes are a text in UTF-16, with a byte order mark or by the zeros
/// between its first letters.
#[must_use]
pub fn is_utf16(bytes: &[u8]) -> bool {
    match bytes {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => true,
        [a, 0, b, 0, ..] | [0, a, 0, b, ..] => *a != 0 && *b != 0,
        _ => false,
    }
}

/// Says where a document is wrong.
fn locate(text: &str, error: &serde_json::Error) -> SnapshotError {
    let mut error = SnapshotError::from_serde(text, error);
    // FusionAuth's shapes are read as values, and say themselves where within
    // their section something is wrong.
    if let SnapshotErrorKind::Shape { detail } = &mut error.kind
        && !error.pointer.is_empty()
        && detail.starts_with(&error.pointer)
        && let Some((place, said)) = detail.split_once(": ")
    {
        error.pointer = place.to_owned();
        *detail = said.to_owned();
    }
    error
}
