//! From syntax to a program: names resolved, types checked, constants folded.

mod calls;
mod folds;

use std::sync::Arc;

use super::error::{CompileError, Position, TypeError, TypeErrorKind};
use super::functions::INDEX;
use super::parser;
use super::program::{Node, NodeId, Program};
use super::syntax::{Ast, Expr, ExprId, ExprKind, Literal};
use super::types::{Type, Unifier};
use super::value::Value;

/// What an expression is compiled against.
#[derive(Debug, Clone, Copy)]
pub struct Environment<'a> {
    /// The variables; an evaluation gives their values by place.
    pub variables: &'a [(&'a str, Type)],
    /// Whether types are checked. An unchecked expression meets its type
    /// errors, unknown names and unknown functions when it is evaluated.
    pub checked: bool,
    /// Whether constants are computed once, as cel-go does when it optimises;
    /// they then cost nothing, and one that always fails is a compile error.
    pub fold: bool,
}

/// Compiles an expression; returns its type too.
///
/// # Errors
/// [`CompileError::Syntax`] for text that is no expression,
/// [`CompileError::Type`] for names and types that do not fit.
pub fn compile(
    source: &str,
    environment: &Environment<'_>,
) -> Result<(Program, Type), CompileError> {
    let ast = parser::parse(source)?;
    let mut checker = Checker {
        source,
        ast: &ast,
        environment,
        unifier: Unifier::default(),
        locals: Vec::new(),
        nodes: Vec::new(),
    };
    let root = checker.expr(ast.root)?;
    let ty = checker.unifier.resolve(&root.ty);
    let names = environment.variables.iter();
    let program = Program {
        nodes: checker.nodes,
        root: root.node,
        variables: names.map(|(name, _)| (*name).into()).collect(),
    };
    Ok((program, ty))
}

struct Checker<'a> {
    source: &'a str,
    ast: &'a Ast,
    environment: &'a Environment<'a>,
    unifier: Unifier,
    /// The macros' variables, the innermost last.
    locals: Vec<(&'a str, Type)>,
    nodes: Vec<Node>,
}

/// A node and its type.
struct Typed {
    node: NodeId,
    ty: Type,
}

/// How cel-go would plan a node, which decides what it costs.
#[derive(PartialEq, Eq)]
enum Plan {
    /// A variable with its fields and indexes.
    Attribute,
    /// A ternary: an attribute too, without a price of its own.
    Choice,
    Constant,
    Computed,
}

type Checked = Result<Typed, CompileError>;

impl<'a> Checker<'a> {
    fn fail<T>(&self, at: u32, kind: TypeErrorKind) -> Result<T, CompileError> {
        Err(CompileError::Type(TypeError {
            position: Position::locate(self.source, at as usize),
            kind,
        }))
    }

    fn push(&mut self, node: Node, ty: Type) -> Typed {
        let id = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        self.nodes.push(node);
        Typed { node: id, ty }
    }

    fn constant(&self, id: NodeId) -> Option<&Value> {
        match self.nodes.get(id as usize) {
            Some(Node::Constant(value)) => Some(value),
            _ => None,
        }
    }

    fn plan(&self, id: NodeId) -> Plan {
        match self.nodes.get(id as usize) {
            Some(
                Node::Variable { .. }
                | Node::Local { .. }
                | Node::Select { .. }
                | Node::Index { .. }
                | Node::Has { .. },
            ) => Plan::Attribute,
            Some(Node::Ternary { .. }) => Plan::Choice,
            Some(Node::Constant(_)) => Plan::Constant,
            _ => Plan::Computed,
        }
    }

    fn is_computed(&self, id: NodeId) -> bool {
        matches!(self.plan(id), Plan::Constant | Plan::Computed)
    }

    /// Takes back the price of an attribute's first read: cel-go resolves the
    /// branches of a ternary, and an attribute as an index, without it.
    fn uncharge(&mut self, mut id: NodeId) {
        loop {
            match self.nodes.get_mut(id as usize) {
                Some(Node::Variable { charge, .. } | Node::Local { charge, .. }) => {
                    *charge = false;
                    return;
                }
                Some(
                    Node::Select {
                        operand, computed, ..
                    }
                    | Node::Has {
                        operand, computed, ..
                    }
                    | Node::Index {
                        operand, computed, ..
                    },
                ) => {
                    if *computed {
                        *computed = false;
                        return;
                    }
                    id = *operand;
                }
                _ => return,
            }
        }
    }

    fn expr(&mut self, id: ExprId) -> Checked {
        let ast = self.ast;
        let Some(Expr { kind, at, .. }) = ast.get(id) else {
            return Ok(self.push(Node::Constant(Value::Null), Type::Null));
        };
        let at = *at;
        match kind {
            ExprKind::Literal(literal) => Ok(self.literal(literal)),
            ExprKind::Ident { name, rooted } => self.ident(at, name, *rooted),
            ExprKind::Select {
                operand,
                field,
                test,
            } => self.select(at, id, *operand, field, *test),
            ExprKind::Index(operand, index) => self.index(at, *operand, *index),
            ExprKind::Unary("-", operand) => self.call(at, "-_", None, &[*operand]),
            ExprKind::Unary(name, operand) => self.call(at, name, None, &[*operand]),
            ExprKind::Binary(name, left, right) => self.call(at, name, None, &[*left, *right]),
            ExprKind::Call { name, target, args } => self.call(at, name, *target, args),
            ExprKind::And(terms) => {
                let terms = self.bools(terms)?;
                Ok(self.push(Node::And(terms), Type::Bool))
            }
            ExprKind::Or(terms) => {
                let terms = self.bools(terms)?;
                Ok(self.push(Node::Or(terms), Type::Bool))
            }
            ExprKind::Ternary(condition, then, otherwise) => {
                self.ternary(at, *condition, *then, *otherwise)
            }
            ExprKind::List(items) => self.list(items),
            ExprKind::Map(entries) => self.map(at, entries),
            ExprKind::Fold(fold) => self.fold(at, fold),
        }
    }

    fn literal(&mut self, literal: &Literal) -> Typed {
        let (value, ty) = match literal {
            Literal::Null => (Value::Null, Type::Null),
            Literal::Bool(b) => (Value::Bool(*b), Type::Bool),
            Literal::Int(i) => (Value::Int(*i), Type::Int),
            Literal::Uint(u) => (Value::Uint(*u), Type::Uint),
            Literal::Double(d) => (Value::Double(*d), Type::Double),
            Literal::Str(s) => (Value::String(Arc::clone(s)), Type::String),
            Literal::Bytes(b) => (Value::Bytes(Arc::clone(b)), Type::Bytes),
        };
        self.push(Node::Constant(value), ty)
    }

    /// A variable or a type, by its whole dotted name.
    fn named(&mut self, name: &str) -> Option<Typed> {
        let variables = self.environment.variables;
        if let Some(slot) = variables.iter().position(|(n, _)| *n == name) {
            let ty = variables.get(slot).map_or(Type::Dyn, |(_, ty)| ty.clone());
            let slot = u32::try_from(slot).unwrap_or(u32::MAX);
            return Some(self.push(Node::Variable { slot, charge: true }, ty));
        }
        let name = type_name(name)?;
        Some(self.push(Node::Constant(Value::Type(name)), Type::Type))
    }

    fn ident(&mut self, at: u32, name: &str, rooted: bool) -> Checked {
        if !rooted && let Some(up) = self.locals.iter().rev().position(|(n, _)| *n == name) {
            let ty = self.locals.iter().rev().nth(up);
            let ty = ty.map_or(Type::Dyn, |(_, ty)| ty.clone());
            let up = u32::try_from(up).unwrap_or(u32::MAX);
            return Ok(self.push(Node::Local { up, charge: true }, ty));
        }
        if let Some(found) = self.named(name) {
            return Ok(found);
        }
        if self.environment.checked {
            let name = name.to_owned();
            return self.fail(at, TypeErrorKind::Undeclared { name });
        }
        Ok(self.push(Node::Undeclared(name.into()), Type::Dyn))
    }

    /// `a.b.c` as a name, unless a macro's variable hides its first part.
    fn dotted(&self, id: ExprId) -> Option<String> {
        let mut parts = Vec::new();
        let mut id = id;
        loop {
            match &self.ast.get(id)?.kind {
                ExprKind::Select {
                    operand,
                    field,
                    test: false,
                } => {
                    parts.push(field.as_str());
                    id = *operand;
                }
                ExprKind::Ident { name, rooted } => {
                    if !rooted && self.locals.iter().any(|(n, _)| n == name) {
                        return None;
                    }
                    parts.push(name);
                    parts.reverse();
                    return Some(parts.join("."));
                }
                _ => return None,
            }
        }
    }

    fn select(&mut self, at: u32, id: ExprId, operand: ExprId, field: &str, test: bool) -> Checked {
        // The longest name wins: `a.b` before the field `b` of `a`.
        if !test
            && let Some(name) = self.dotted(id)
            && let Some(found) = self.named(&name)
        {
            return Ok(found);
        }
        let operand = self.expr(operand)?;
        let ty = match self.unifier.resolve(&operand.ty) {
            Type::Map(_, value) => *value,
            Type::Dyn => Type::Dyn,
            Type::Unknown(open) => {
                self.unifier.bind(open, Type::Dyn);
                Type::Dyn
            }
            _ if !self.environment.checked => Type::Dyn,
            found => {
                let found = found.to_string();
                return self.fail(at, TypeErrorKind::NoFields { found });
            }
        };
        let computed = self.is_computed(operand.node);
        let (operand, field) = (operand.node, field.into());
        Ok(if test {
            let node = Node::Has {
                operand,
                field,
                computed,
            };
            self.push(node, Type::Bool)
        } else {
            let node = Node::Select {
                operand,
                field,
                computed,
            };
            self.push(node, ty)
        })
    }

    fn index(&mut self, at: u32, operand: ExprId, index: ExprId) -> Checked {
        let operand = self.expr(operand)?;
        let index = self.expr(index)?;
        let types = [operand.ty, index.ty];
        let (ty, _) = self.resolve_overload(at, "[]", INDEX, false, &types)?;
        let computed = self.is_computed(operand.node);
        if self.plan(index.node) == Plan::Attribute {
            self.uncharge(index.node);
        }
        let node = Node::Index {
            operand: operand.node,
            index: index.node,
            computed,
        };
        Ok(self.push(node, ty))
    }

    fn require(&mut self, id: ExprId, found: &Type, wanted: &Type) -> Result<(), CompileError> {
        if !self.environment.checked || self.unifier.assignable(found, wanted) {
            return Ok(());
        }
        let at = self.ast.get(id).map_or(0, |e| e.at);
        let kind = TypeErrorKind::Mismatch {
            expected: wanted.to_string(),
            found: self.unifier.resolve(found).to_string(),
        };
        self.fail(at, kind)
    }

    fn bools(&mut self, terms: &[ExprId]) -> Result<Box<[NodeId]>, CompileError> {
        let mut nodes = Vec::with_capacity(terms.len());
        for id in terms {
            let term = self.expr(*id)?;
            self.require(*id, &term.ty, &Type::Bool)?;
            nodes.push(term.node);
        }
        Ok(nodes.into())
    }

    fn ternary(&mut self, at: u32, condition: ExprId, then: ExprId, otherwise: ExprId) -> Checked {
        let test = self.expr(condition)?;
        self.require(condition, &test.ty, &Type::Bool)?;
        let then = self.expr(then)?;
        let otherwise = self.expr(otherwise)?;
        let mut ty = self.unifier.fresh();
        let both = [then.ty, otherwise.ty];
        if !self
            .unifier
            .all_assignable(&both, &[ty.clone(), ty.clone()])
        {
            if self.environment.checked {
                return self.no_overload(at, "?:", &both);
            }
            ty = Type::Dyn;
        }
        let ty = self.unifier.resolve(&ty);
        for branch in [then.node, otherwise.node] {
            if self.plan(branch) == Plan::Attribute {
                self.uncharge(branch);
            }
        }
        let node = Node::Ternary {
            condition: test.node,
            then: then.node,
            otherwise: otherwise.node,
        };
        Ok(self.push(node, ty))
    }

    fn list(&mut self, items: &[ExprId]) -> Checked {
        let mut nodes = Vec::with_capacity(items.len());
        let mut of: Option<Type> = None;
        for id in items {
            let item = self.expr(*id)?;
            of = Some(match of {
                Some(of) => self.unifier.join(&of, &item.ty),
                None => item.ty,
            });
            nodes.push(item.node);
        }
        let of = of.unwrap_or_else(|| self.unifier.fresh());
        let constants: Option<Vec<Value>> =
            nodes.iter().map(|id| self.constant(*id).cloned()).collect();
        let node = match constants {
            Some(values) if self.environment.fold => Node::Constant(Value::list(values)),
            _ => Node::List(nodes.into()),
        };
        Ok(self.push(node, Type::list(of)))
    }

    fn map(&mut self, at: u32, entries: &[(ExprId, ExprId)]) -> Checked {
        let mut nodes = Vec::with_capacity(entries.len());
        let mut types: Option<(Type, Type)> = None;
        for (key, value) in entries {
            let key_id = *key;
            let key = self.expr(key_id)?;
            let key_ty = self.map_key(key_id, &key.ty)?;
            let value = self.expr(*value)?;
            types = Some(match types {
                Some((k, v)) => (
                    self.unifier.join(&k, &key_ty),
                    self.unifier.join(&v, &value.ty),
                ),
                None => (key_ty, value.ty),
            });
            nodes.push((key.node, value.node));
        }
        let (key, value) = match types {
            Some(types) => types,
            None => (self.unifier.fresh(), self.unifier.fresh()),
        };
        let ty = Type::Map(Box::new(key), Box::new(value));
        if self.environment.fold {
            let constants: Option<Vec<(Value, Value)>> = nodes
                .iter()
                .map(|(k, v)| Some((self.constant(*k)?.clone(), self.constant(*v)?.clone())))
                .collect();
            if let Some(entries) = constants {
                return match super::value::Map::new(entries) {
                    Ok(map) => Ok(self.push(Node::Constant(Value::Map(Arc::new(map))), ty)),
                    Err(error) => self.fail(at, TypeErrorKind::Constant { error }),
                };
            }
        }
        Ok(self.push(Node::Map(nodes.into()), ty))
    }

    /// Keys are scalars; one whose type is open counts as dyn, which also
    /// keeps types from growing with every level of nesting.
    fn map_key(&mut self, id: ExprId, ty: &Type) -> Result<Type, CompileError> {
        match self.unifier.resolve(ty) {
            ty @ (Type::Dyn | Type::Bool | Type::Int | Type::Uint | Type::String) => Ok(ty),
            Type::Unknown(open) => {
                self.unifier.bind(open, Type::Dyn);
                Ok(Type::Dyn)
            }
            _ if !self.environment.checked => Ok(Type::Dyn),
            found => {
                let at = self.ast.get(id).map_or(0, |e| e.at);
                let found = found.to_string();
                self.fail(at, TypeErrorKind::MapKey { found })
            }
        }
    }
}

/// The types that have a name in expressions.
fn type_name(name: &str) -> Option<&'static str> {
    const NAMES: [&str; 12] = [
        "bool",
        "bytes",
        "double",
        "google.protobuf.Duration",
        "google.protobuf.Timestamp",
        "int",
        "list",
        "map",
        "null_type",
        "string",
        "type",
        "uint",
    ];
    NAMES.into_iter().find(|n| *n == name)
}
