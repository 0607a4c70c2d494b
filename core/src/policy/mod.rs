//! The policy: a compiled snapshot, immutable and indexed.

mod analyse;
mod build;
#[cfg(feature = "tokens")]
mod delegated;
mod directory;
mod gate;
mod graph;
mod guard;
mod holders;
mod image;
mod names;
mod plan;
mod reference;
mod template;
#[cfg(feature = "tokens")]
mod trust;
mod warning;

pub use image::CompiledError;
pub use warning::Warning;

pub(crate) use build::read_model;
#[cfg(feature = "tokens")]
pub(crate) use directory::InForce;
pub(crate) use directory::{AccessRule, Directory, entity_id, is_path};
pub(crate) use gate::{Gate, Last};
pub(crate) use graph::{Graph, Node, RelationId, Row, Subject, holds};
pub(crate) use guard::{Guard, GuardCondition, GuardTable, Verdict};
pub(crate) use names::{NONE, NameId, Names};
pub(crate) use plan::{AllowedKind, Leaf, Op, OpId, Parents, Plan, TypeId};
pub(crate) use reference::{Admission, Reference, admit};
#[cfg(feature = "tokens")]
pub(crate) use template::fill;
#[cfg(feature = "tokens")]
pub(crate) use trust::Trust;

use std::fmt;
use std::sync::{Arc, OnceLock};

use crate::model::Model;
use crate::order;
use crate::query::{QueryError, View};
use crate::snapshot::{Snapshot, SnapshotError};

/// A compiled snapshot: immutable, indexed, `Send + Sync`, cheap to clone.
///
/// ```
/// let policy = deputize::Policy::from_json(br#"{
///   "deputize": 1,
///   "model": "model\n  schema 1.1\ntype user\ntype document\n  relations\n    define viewer: [user]",
///   "tuples": [{"user": "user:anne", "relation": "viewer", "object": "document:1"}]
/// }"#)?;
/// assert!(policy.check("user:anne", "viewer", "document:1")?);
/// assert!(!policy.check("user:bob", "viewer", "document:1")?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Policy {
    pub(crate) inner: Arc<Inner>,
}

/// What a policy holds.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) revision: String,
    pub(crate) issued_at: Option<u64>,
    pub(crate) not_after: Option<u64>,
    pub(crate) model: Model,
    pub(crate) plan: Plan,
    pub(crate) names: Names,
    pub(crate) types: TypeRanges,
    pub(crate) graph: Graph,
    pub(crate) guards: GuardTable,
    pub(crate) limits: Limits,
    pub(crate) warnings: Vec<Warning>,
    pub(crate) directory: Directory,
    #[cfg(feature = "tokens")]
    pub(crate) trust: Trust,
    /// The document without its model and tuples, for the compiled form.
    pub(crate) sections: Snapshot<'static>,
    /// SHA-256 of the compiled form, once somebody asked for it.
    pub(crate) digest: OnceLock<[u8; 32]>,
}

/// Bounds on the work that one question, and one call, may cost. Work is counted, never
/// timed, so that the same question gets the same answer on every machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Evaluation steps of one question: relations visited, tuples walked, and
    /// the steps of conditions.
    pub steps: u64,
    /// Evaluation steps of a call with many questions (a batch, a filter, a
    /// list), beyond the first 100 of each: ten whole questions' worth, which
    /// take under a second.
    pub call_steps: u64,
    /// Hops through usersets and parents; `None` leaves it to the steps.
    pub depth: Option<u32>,
    /// The cost of evaluating one condition, as CEL counts it.
    pub condition_cost: Option<u64>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            steps: 1_000_000,
            call_steps: 10_000_000,
            depth: None,
            condition_cost: None,
        }
    }
}

impl Limits {
    /// The limits that OpenFGA has: depth 25, condition cost 100.
    pub fn openfga() -> Self {
        Self {
            depth: Some(25),
            condition_cost: Some(100),
            ..Self::default()
        }
    }

    /// The steps of a call: never fewer than those of one question.
    pub(crate) fn of_call(&self) -> u64 {
        self.call_steps.max(self.steps)
    }
}

impl Policy {
    /// Reads and compiles a snapshot document.
    ///
    /// # Errors
    /// See [`SnapshotError`]; each names the JSON pointer of what is wrong.
    pub fn from_json(bytes: &[u8]) -> Result<Self, SnapshotError> {
        Self::from_snapshot(&Snapshot::from_json(bytes)?)
    }

    /// Compiles a snapshot.
    ///
    /// # Errors
    /// See [`SnapshotError`].
    pub fn from_snapshot(snapshot: &Snapshot<'_>) -> Result<Self, SnapshotError> {
        build::build(snapshot).map(|inner| Self {
            inner: Arc::new(inner),
        })
    }

    /// The policy in its compiled form: opened again by
    /// [`Policy::from_compiled`] without parsing. The same policy data gives
    /// the same bytes, in whatever order its snapshot listed them; only the
    /// [warnings](Policy::warnings) are those of the snapshot as it was written.
    pub fn to_compiled(&self) -> Vec<u8> {
        image::write(&self.inner)
    }

    /// Opens the compiled form.
    ///
    /// # Errors
    /// A file that is foreign, of another version, truncated or damaged is
    /// refused; see [`CompiledError`].
    pub fn from_compiled(bytes: &[u8]) -> Result<Self, CompiledError> {
        image::read(bytes).map(|inner| Self {
            inner: Arc::new(inner),
        })
    }

    /// Whether this is the very same policy, and not another with the same data.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }

    /// SHA-256 of the compiled form without its warnings: equal for equal
    /// policy data. It is worked out when first asked for.
    pub fn digest(&self) -> [u8; 32] {
        *self.inner.digest.get_or_init(|| image::digest(&self.inner))
    }

    /// The snapshot's revision, as it stood there.
    pub fn revision(&self) -> &str {
        &self.inner.revision
    }

    /// When the snapshot was made, in seconds since the Unix epoch.
    pub fn issued_at(&self) -> Option<u64> {
        self.inner.issued_at
    }

    /// The last second at which the policy holds.
    pub fn not_after(&self) -> Option<u64> {
        self.inner.not_after
    }

    /// What the snapshot holds that can have no effect.
    pub fn warnings(&self) -> &[Warning] {
        &self.inner.warnings
    }

    /// The authorization model.
    pub fn model(&self) -> &Model {
        &self.inner.model
    }

    /// The limits that the snapshot sets.
    pub fn limits(&self) -> Limits {
        self.inner.limits
    }

    /// How many relationships are in effect.
    pub fn tuple_count(&self) -> usize {
        self.inner.graph.tuple_count()
    }

    /// Bytes of memory that the tables take, the names' own text not counted.
    pub fn table_bytes(&self) -> usize {
        self.inner.graph.table_bytes() + self.inner.names.table_bytes()
    }

    /// The policy as one request sees it: add contextual tuples, condition
    /// context, a tenant or limits, then ask.
    pub fn view(&self) -> View<'_> {
        View::new(&self.inner)
    }

    /// Whether `user` has `relation` on `object`, by the policy alone.
    ///
    /// # Errors
    /// See [`QueryError`]. An error is a denial with a reason.
    pub fn check(&self, user: &str, relation: &str, object: &str) -> Result<bool, QueryError> {
        self.view().check(user, relation, object)
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy")
            .field("revision", &self.inner.revision)
            .field("types", &self.inner.plan.types.len())
            .field("names", &self.inner.names.len())
            .field("tuples", &self.inner.graph.tuple_count())
            .finish_non_exhaustive()
    }
}

/// A part of a compiled policy that does not hold together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Corrupt(pub(crate) &'static str);

/// Which names are of which type: the names of a type are consecutive.
#[derive(Debug, Clone, Default)]
pub(crate) struct TypeRanges {
    /// `(first, one past the last, type)`, by first.
    ranges: Vec<(NameId, NameId, TypeId)>,
    /// By type: the number of `type:*`.
    wildcards: Vec<NameId>,
}

impl TypeRanges {
    pub(crate) fn of(plan: &Plan, names: &Names) -> Self {
        let mut ranges: Vec<_> = (0u32..)
            .zip(&plan.types)
            .map(|(id, t)| {
                let range = names.with_prefix(&format!("{}:", t.name));
                (range.start, range.end, id)
            })
            .filter(|(start, end, _)| start < end)
            .collect();
        order::sort(&mut ranges);
        let wildcard = |t: &plan::TypePlan| names.find(&format!("{}:*", t.name)).unwrap_or(NONE);
        Self {
            ranges,
            wildcards: plan.types.iter().map(wildcard).collect(),
        }
    }

    /// The type of a name.
    #[inline]
    pub(crate) fn type_of(&self, name: NameId) -> Option<TypeId> {
        let after = self.ranges.partition_point(|(start, ..)| *start <= name);
        let (_, end, id) = self.ranges.get(after.checked_sub(1)?)?;
        (name < *end).then_some(*id)
    }

    /// The number of `type:*`, or `NONE`.
    #[inline]
    pub(crate) fn wildcard(&self, type_id: TypeId) -> NameId {
        self.wildcards
            .get(type_id as usize)
            .copied()
            .unwrap_or(NONE)
    }
}
