//! Where the parts of a model stand in its text. Parallel to the model: the
//! same indexes lead to the same parts.

use super::error::Span;

/// The positions of a whole model.
#[derive(Debug, Clone, Default)]
pub(super) struct Positions {
    /// The schema version.
    pub(super) schema: Span,
    pub(super) types: Vec<TypeAt>,
    pub(super) conditions: Vec<ConditionAt>,
}

/// The positions of a type.
#[derive(Debug, Clone)]
pub(super) struct TypeAt {
    pub(super) name: Span,
    pub(super) relations: Vec<RelationAt>,
}

/// The positions of a relation.
#[derive(Debug, Clone)]
pub(super) struct RelationAt {
    pub(super) name: Span,
    pub(super) restrictions: Vec<RestrictionAt>,
    /// The leaves of the rewrite, from left to right.
    pub(super) leaves: Vec<LeafAt>,
}

/// The positions of a restriction, `group#member with condition`.
#[derive(Debug, Clone)]
pub(super) struct RestrictionAt {
    /// Without the condition.
    pub(super) whole: Span,
    pub(super) type_name: Span,
    pub(super) condition: Option<Span>,
}

/// The positions of a leaf of a rewrite.
#[derive(Debug, Clone)]
pub(super) struct LeafAt {
    /// `viewer from parent`.
    pub(super) whole: Span,
    /// `parent`; for other leaves the same as `whole`.
    pub(super) tupleset: Span,
}

/// The position of a condition.
#[derive(Debug, Clone)]
pub(super) struct ConditionAt {
    pub(super) name: Span,
}
