//! A compiled expression: what the checker writes and the evaluator reads.

use super::functions::{Function, Price};
use super::pattern::Pattern;
use super::value::Value;

/// An index into [`Program::nodes`].
pub(super) type NodeId = u32;

/// A compiled expression: one flat arena of nodes, immutable.
#[derive(Debug)]
pub struct Program {
    pub(super) nodes: Vec<Node>,
    pub(super) root: NodeId,
    /// The variables' names, for messages.
    pub(super) variables: Box<[Box<str>]>,
}

/// One step of an evaluation. `charge` says whether cel-go's cost tracker
/// counts the read; it does not where a ternary picks between two attributes.
#[derive(Debug)]
pub(super) enum Node {
    Constant(Value),
    /// A declared variable, by its place in the declarations.
    Variable {
        slot: u32,
        charge: bool,
    },
    /// A macro's variable; 0 is the innermost.
    Local {
        up: u32,
        charge: bool,
    },
    /// A name without a declaration, in an unchecked expression.
    Undeclared(Box<str>),
    /// A function that does not exist, in an unchecked expression.
    UnknownFunction(Box<str>),
    Select {
        operand: NodeId,
        field: Box<str>,
        /// Of a computed value cel-go counts the read once more.
        computed: bool,
    },
    Has {
        operand: NodeId,
        field: Box<str>,
        computed: bool,
    },
    Index {
        operand: NodeId,
        index: NodeId,
        computed: bool,
    },
    Unary {
        function: Function,
        price: Price,
        operand: NodeId,
    },
    Binary {
        function: Function,
        price: Price,
        left: NodeId,
        right: NodeId,
    },
    /// `text.matches("constant")`.
    Matches {
        text: NodeId,
        pattern: Box<Pattern>,
        price: Price,
    },
    And(Box<[NodeId]>),
    Or(Box<[NodeId]>),
    Ternary {
        condition: NodeId,
        then: NodeId,
        otherwise: NodeId,
    },
    List(Box<[NodeId]>),
    Map(Box<[(NodeId, NodeId)]>),
    Quantifier {
        quantifier: Quantifier,
        range: NodeId,
        two: bool,
        predicate: NodeId,
    },
    /// `map`, `filter`, `transformList`.
    Collect {
        range: NodeId,
        two: bool,
        filter: Option<NodeId>,
        /// None collects the elements themselves.
        transform: Option<NodeId>,
        /// What the cost tracker counts for one element kept.
        element: u64,
        /// What it counts for the list to begin with.
        start: u64,
    },
    /// `transformMap`.
    CollectMap {
        range: NodeId,
        filter: Option<NodeId>,
        transform: NodeId,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quantifier {
    All,
    Exists,
    ExistsOne,
}

impl Program {
    pub(super) fn get(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(id as usize)
    }

    pub(super) fn name(&self, slot: u32) -> Box<str> {
        self.variables
            .get(slot as usize)
            .cloned()
            .unwrap_or_default()
    }
}

/// Where an evaluation finds its variables.
pub trait Variables {
    /// The value of the declaration at this place, if it has one.
    fn get(&self, slot: usize) -> Option<&Value>;
}

impl Variables for [Option<Value>] {
    fn get(&self, slot: usize) -> Option<&Value> {
        <[_]>::get(self, slot)?.as_ref()
    }
}

/// No variables at all.
impl Variables for () {
    fn get(&self, _: usize) -> Option<&Value> {
        None
    }
}
