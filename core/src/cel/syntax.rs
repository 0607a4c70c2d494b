//! The syntax tree: one arena, so that dropping it never recurses.

use std::sync::Arc;

/// An index into [`Ast::nodes`].
pub(super) type ExprId = u32;

/// A parsed expression, macros expanded.
#[derive(Debug)]
pub(super) struct Ast {
    pub(super) nodes: Vec<Expr>,
    pub(super) root: ExprId,
}

impl Ast {
    pub(super) fn get(&self, id: ExprId) -> Option<&Expr> {
        self.nodes.get(id as usize)
    }
}

/// One node: what it is, where it stands, and how deep the tree is below it.
#[derive(Debug)]
pub(super) struct Expr {
    pub(super) kind: ExprKind,
    pub(super) at: u32,
    pub(super) depth: u32,
}

#[derive(Debug)]
pub(super) enum ExprKind {
    Literal(Literal),
    /// `name`, or `.name` from the root scope.
    Ident {
        name: String,
        rooted: bool,
    },
    /// `operand.field`, or `has(operand.field)`.
    Select {
        operand: ExprId,
        field: String,
        test: bool,
    },
    Unary(&'static str, ExprId),
    Binary(&'static str, ExprId, ExprId),
    Index(ExprId, ExprId),
    /// A chain of `&&`, flat however long it is.
    And(Vec<ExprId>),
    /// A chain of `||`.
    Or(Vec<ExprId>),
    Ternary(ExprId, ExprId, ExprId),
    /// `name(…)` or `target.name(…)`.
    Call {
        name: String,
        target: Option<ExprId>,
        args: Vec<ExprId>,
    },
    List(Vec<ExprId>),
    Map(Vec<(ExprId, ExprId)>),
    Fold(Box<Fold>),
}

#[derive(Debug, Clone)]
pub(super) enum Literal {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    Str(Arc<str>),
    Bytes(Arc<[u8]>),
}

/// A macro that walks a range.
#[derive(Debug)]
pub(super) struct Fold {
    pub(super) kind: FoldKind,
    pub(super) range: ExprId,
    /// One variable, or two (index or key, then value).
    pub(super) first: String,
    pub(super) second: Option<String>,
    /// The predicate; of `map` and `transform*` the optional filter.
    pub(super) filter: Option<ExprId>,
    /// What `map` and `transform*` compute for each element.
    pub(super) transform: Option<ExprId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FoldKind {
    All,
    Exists,
    ExistsOne,
    /// `map`, `filter`, `transformList`.
    List,
    /// `transformMap`.
    Map,
}
