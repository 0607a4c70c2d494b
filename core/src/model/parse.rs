//! DSL text into a model: the parser of valid text.
//!
//! It reads each token once and decides on the next one or two, so its time
//! grows with the text alone. What it refuses is looked at again by `explain`,
//! which only finds words for the refusal: nothing it does can turn a refusal
//! into a model.

use std::collections::BTreeSet;

use super::error::{ErrorKind, ModelError, Span};
use super::explain;
use super::kind::Kind;
use super::limits::ModelLimits;
use super::position::{ConditionAt, LeafAt, Positions, RelationAt, RestrictionAt, TypeAt};
use super::token::{Token, Tokens};
use super::{
    Assignable, AssignableKind, ConditionDef, Model, ParamDef, ParamType, RelationDef, Rewrite,
    TypeDef,
};

/// How deep parentheses in a relation, and usersets in its JSON form, may
/// nest. Models in use stay below five; the limit keeps every walk over a
/// rewrite within a small stack.
pub const MAX_REWRITE_DEPTH: usize = 64;

/// A parsed text: the model, and where its parts stand.
#[derive(Debug, Default)]
pub(super) struct Parsed {
    pub(super) model: Model,
    pub(super) positions: Positions,
    /// Which types are written `extend type`, by index.
    pub(super) extensions: Vec<bool>,
    /// The name in the `module` header, where there is one.
    pub(super) module: Option<String>,
}

/// Parses `dsl`.
///
/// # Errors
/// A text that is too large; every departure from the grammar, and every definition that repeats
/// another.
pub(super) fn parse(dsl: &str, limits: &ModelLimits) -> Result<Parsed, Vec<ModelError>> {
    limits.check_text(dsl).map_err(|error| vec![error])?;
    let source = Tokens::of(dsl);
    let mut parser = Parser {
        source: &source,
        at: 0,
        out: Parsed::default(),
        errors: Vec::new(),
        relation: RelationParts::default(),
        extended: BTreeSet::new(),
        conditions: BTreeSet::new(),
    };
    match parser.main() {
        Ok(()) if source.errors.is_empty() && parser.errors.is_empty() => Ok(parser.out),
        Ok(()) if source.errors.is_empty() => Err(parser.errors),
        Ok(()) | Err(Refusal::Syntax) => Err(explain::explain(&source, parser.at)),
        Err(Refusal::TooDeep(error)) => Err(vec![error]),
    }
}

/// Why parsing stopped.
enum Refusal {
    /// The text departs from the grammar.
    Syntax,
    /// A limit was met.
    TooDeep(ModelError),
}

type Step<T> = Result<T, Refusal>;

struct Parser<'a> {
    source: &'a Tokens,
    at: usize,
    out: Parsed,
    errors: Vec<ModelError>,
    relation: RelationParts,
    /// The types extended so far.
    extended: BTreeSet<String>,
    /// The conditions defined so far.
    conditions: BTreeSet<String>,
}

/// What is gathered while one relation is read.
#[derive(Default)]
struct RelationParts {
    assignable: Vec<Assignable>,
    restrictions: Vec<RestrictionAt>,
    leaves: Vec<LeafAt>,
}

impl Parser<'_> {
    fn peek(&self, ahead: usize) -> Kind {
        self.source
            .tokens
            .get(self.at + ahead)
            .map_or(Kind::Eof, |token| token.kind)
    }

    fn eat(&mut self, kind: Kind) -> Step<Token> {
        match self.source.tokens.get(self.at) {
            Some(token) if token.kind == kind => {
                // The end is never passed.
                if kind != Kind::Eof {
                    self.at += 1;
                }
                Ok(*token)
            }
            _ => Err(Refusal::Syntax),
        }
    }

    fn skip(&mut self, kind: Kind) -> bool {
        self.eat(kind).is_ok()
    }

    fn text(&self, token: Token) -> String {
        self.source.text_of(token).to_owned()
    }

    fn span(&self, token: Token) -> Span {
        let width = self.source.text_of(token).chars().count();
        Span {
            line: token.line,
            start: token.column,
            end: token.column + u32::try_from(width).unwrap_or(u32::MAX),
        }
    }

    fn main(&mut self) -> Step<()> {
        self.skip(Kind::Whitespace);
        self.skip(Kind::Newline);
        match self.peek(0) {
            Kind::Model => self.model_header()?,
            _ => self.module_header()?,
        }
        self.skip_extra_newline();
        while self.peek(0) == Kind::Newline && matches!(self.peek(1), Kind::Type | Kind::Extend) {
            self.type_def()?;
        }
        self.skip_extra_newline();
        while self.peek(0) == Kind::Newline && self.peek(1) == Kind::Condition {
            self.condition()?;
        }
        self.skip(Kind::Newline);
        self.eat(Kind::Eof)?;
        Ok(())
    }

    /// Where a `//` comment stood on a line of its own, two line ends follow
    /// each other; the grammar has room for one more between its sections.
    fn skip_extra_newline(&mut self) {
        if self.peek(1) == Kind::Newline {
            self.skip(Kind::Newline);
        }
    }

    fn model_header(&mut self) -> Step<()> {
        self.eat(Kind::Model)?;
        self.eat(Kind::Newline)?;
        self.eat(Kind::Schema)?;
        self.eat(Kind::Whitespace)?;
        let version = self.eat(Kind::SchemaVersion)?;
        self.skip(Kind::Whitespace);
        self.out.model.schema = self.text(version);
        self.out.positions.schema = self.span(version);
        Ok(())
    }

    fn module_header(&mut self) -> Step<()> {
        self.eat(Kind::Module)?;
        self.eat(Kind::Whitespace)?;
        let name = self.name(is_identifier)?;
        self.skip(Kind::Whitespace);
        self.out.module = Some(self.text(name));
        Ok(())
    }

    fn name(&mut self, fits: fn(Kind) -> bool) -> Step<Token> {
        let kind = self.peek(0);
        if fits(kind) {
            self.eat(kind)
        } else {
            Err(Refusal::Syntax)
        }
    }

    fn type_def(&mut self) -> Step<()> {
        self.eat(Kind::Newline)?;
        let extends = self.skip(Kind::Extend);
        if extends {
            self.eat(Kind::Whitespace)?;
        }
        self.eat(Kind::Type)?;
        self.eat(Kind::Whitespace)?;
        let name_token = self.name(is_extended)?;
        let name = self.text(name_token);
        let span = self.span(name_token);
        if extends {
            self.check_extension(&name, span);
        }
        let mut def = TypeDef {
            name,
            relations: Vec::new(),
            module: self.out.module.clone(),
            file: None,
        };
        let mut at = TypeAt {
            name: span,
            relations: Vec::new(),
        };
        let mut names = BTreeSet::new();
        if self.peek(0) == Kind::Newline && self.peek(1) == Kind::Relations {
            self.eat(Kind::Newline)?;
            self.eat(Kind::Relations)?;
            loop {
                let (relation, relation_at) = self.relation(extends)?;
                if !names.insert(relation.name.clone()) {
                    let error =
                        ModelError::new(ErrorKind::RelationRedefined, relation.name.clone());
                    self.errors
                        .push(error.at(Some(relation_at.name)).in_type(&def.name));
                } else {
                    def.relations.push(relation);
                    at.relations.push(relation_at);
                }
                if self.peek(0) != Kind::Newline || self.peek(1) != Kind::Define {
                    break;
                }
            }
        }
        self.out.model.types.push(def);
        self.out.positions.types.push(at);
        self.out.extensions.push(extends);
        Ok(())
    }

    fn check_extension(&mut self, name: &str, span: Span) {
        let kind = if self.out.module.is_none() {
            ErrorKind::ExtendOutsideModule
        } else if !self.extended.insert(name.to_owned()) {
            ErrorKind::ExtendedTwice
        } else {
            return;
        };
        self.errors
            .push(ModelError::new(kind, name).at(Some(span)).in_type(name));
    }

    fn relation(&mut self, extends: bool) -> Step<(RelationDef, RelationAt)> {
        self.eat(Kind::Newline)?;
        self.eat(Kind::Define)?;
        self.eat(Kind::Whitespace)?;
        let name = self.name(is_extended)?;
        self.skip(Kind::Whitespace);
        self.eat(Kind::Colon)?;
        self.skip(Kind::Whitespace);
        self.relation = RelationParts::default();
        let rewrite = self.expression(true, 0)?;
        let parts = std::mem::take(&mut self.relation);
        let def = RelationDef {
            name: self.text(name),
            rewrite,
            assignable: parts.assignable,
            module: self.out.module.clone().filter(|_| extends),
            file: None,
        };
        let at = RelationAt {
            name: self.span(name),
            restrictions: parts.restrictions,
            leaves: parts.leaves,
        };
        Ok((def, at))
    }

    /// `a`, `a or b or c`, `a and b`, `a but not b`. A bracketed list may only
    /// stand first, perhaps inside parentheses.
    fn expression(&mut self, brackets: bool, depth: usize) -> Step<Rewrite> {
        let first = if brackets && self.peek(0) == Kind::LeftBracket {
            self.direct()?
        } else {
            self.operand(brackets, depth)?
        };
        let operator = match (self.peek(0), self.peek(1)) {
            (Kind::Whitespace, operator @ (Kind::Or | Kind::And | Kind::ButNot)) => operator,
            _ => return Ok(first),
        };
        let mut operands = vec![first];
        while self.peek(0) == Kind::Whitespace && self.peek(1) == operator {
            self.eat(Kind::Whitespace)?;
            self.eat(operator)?;
            self.eat(Kind::Whitespace)?;
            let operand = self.operand(false, depth)?;
            if operator == Kind::ButNot {
                let base = operands.swap_remove(0);
                return Ok(Rewrite::Exclusion {
                    base: Box::new(base),
                    subtract: Box::new(operand),
                });
            }
            operands.push(operand);
        }
        Ok(match operator {
            Kind::Or => Rewrite::Union(operands),
            _ => Rewrite::Intersection(operands),
        })
    }

    /// `viewer`, `viewer from parent`, or an expression in parentheses.
    fn operand(&mut self, brackets: bool, depth: usize) -> Step<Rewrite> {
        if self.peek(0) != Kind::LeftParen {
            return self.reference();
        }
        if depth >= MAX_REWRITE_DEPTH {
            let limit = MAX_REWRITE_DEPTH;
            let span = self.source.tokens.get(self.at).map(|t| self.span(*t));
            let error = ModelError::new(ErrorKind::TooDeep { limit }, "(");
            return Err(Refusal::TooDeep(error.at(span)));
        }
        self.eat(Kind::LeftParen)?;
        self.skip(Kind::Whitespace);
        let inner = self.expression(brackets, depth + 1)?;
        self.skip(Kind::Whitespace);
        self.eat(Kind::RightParen)?;
        Ok(inner)
    }

    fn reference(&mut self) -> Step<Rewrite> {
        let computed = self.name(is_extended)?;
        let mut span = self.span(computed);
        if self.peek(0) != Kind::Whitespace || self.peek(1) != Kind::From {
            self.relation.leaves.push(LeafAt {
                whole: span,
                tupleset: span,
            });
            return Ok(Rewrite::Computed(self.text(computed)));
        }
        self.eat(Kind::Whitespace)?;
        self.eat(Kind::From)?;
        self.eat(Kind::Whitespace)?;
        let tupleset = self.name(is_extended)?;
        let tupleset_span = self.span(tupleset);
        // The phrase is measured with single spaces, as it is spelled in
        // messages.
        let tail = " from ".len() as u32 + (tupleset_span.end - tupleset_span.start);
        span.end += tail;
        self.relation.leaves.push(LeafAt {
            whole: span,
            tupleset: tupleset_span,
        });
        Ok(Rewrite::TupleToUserset {
            tupleset: self.text(tupleset),
            computed: self.text(computed),
        })
    }

    fn direct(&mut self) -> Step<Rewrite> {
        let open = self.eat(Kind::LeftBracket)?;
        loop {
            self.skip(Kind::Whitespace);
            self.restriction()?;
            self.skip(Kind::Whitespace);
            if !self.skip(Kind::Comma) {
                break;
            }
        }
        self.eat(Kind::RightBracket)?;
        let span = self.span(open);
        self.relation.leaves.push(LeafAt {
            whole: span,
            tupleset: span,
        });
        Ok(Rewrite::This)
    }

    fn restriction(&mut self) -> Step<()> {
        self.skip(Kind::Newline);
        let type_token = self.name(is_extended)?;
        let mut whole = self.span(type_token);
        let kind = match self.peek(0) {
            Kind::Colon => {
                self.eat(Kind::Colon)?;
                whole.end = self.span_end(Kind::Star)?;
                AssignableKind::Wildcard
            }
            Kind::Hash => {
                self.eat(Kind::Hash)?;
                let relation = self.name(is_extended)?;
                whole.end = self.span(relation).end;
                AssignableKind::Userset(self.text(relation))
            }
            _ => AssignableKind::Object,
        };
        let mut condition = None;
        if self.peek(0) == Kind::Whitespace && self.peek(1) == Kind::With {
            self.eat(Kind::Whitespace)?;
            self.eat(Kind::With)?;
            self.eat(Kind::Whitespace)?;
            condition = Some(self.eat(Kind::Identifier)?);
        }
        self.skip(Kind::Newline);
        self.relation.assignable.push(Assignable {
            type_name: self.text(type_token),
            kind,
            condition: condition.map(|token| self.text(token)),
        });
        self.relation.restrictions.push(RestrictionAt {
            whole,
            type_name: self.span(type_token),
            condition: condition.map(|token| self.span(token)),
        });
        Ok(())
    }

    fn span_end(&mut self, kind: Kind) -> Step<u32> {
        let token = self.eat(kind)?;
        Ok(self.span(token).end)
    }

    fn condition(&mut self) -> Step<()> {
        self.eat(Kind::Newline)?;
        self.eat(Kind::Condition)?;
        self.eat(Kind::Whitespace)?;
        let name_token = self.eat(Kind::Identifier)?;
        let name = self.text(name_token);
        let span = self.span(name_token);
        self.skip(Kind::Whitespace);
        self.eat(Kind::LeftParen)?;
        if !self.conditions.insert(name.clone()) {
            let error = ModelError::new(ErrorKind::ConditionRedefined, name.clone());
            self.errors.push(error.at(Some(span)).in_condition(&name));
        }
        let mut params: Vec<ParamDef> = Vec::new();
        let mut names = BTreeSet::new();
        loop {
            self.skip(Kind::Whitespace);
            let (param, at) = self.param()?;
            if names.insert(param.name.clone()) {
                params.push(param);
            } else {
                let error = ModelError::new(ErrorKind::ParameterRedefined, param.name);
                self.errors.push(error.at(Some(at)).in_condition(&name));
            }
            self.skip(Kind::Whitespace);
            if !self.skip(Kind::Comma) {
                break;
            }
        }
        self.skip(Kind::Newline);
        self.eat(Kind::RightParen)?;
        self.skip(Kind::Whitespace);
        self.eat(Kind::LeftBrace)?;
        let mut expression = String::new();
        while !matches!(self.peek(0), Kind::RightBrace | Kind::Eof) {
            let token = self.eat(self.peek(0))?;
            expression.push_str(self.source.text_of(token));
        }
        self.eat(Kind::RightBrace)?;
        self.out.model.conditions.push(ConditionDef {
            name,
            params,
            expression: expression.trim().to_owned(),
            module: self.out.module.clone(),
            file: None,
        });
        self.out
            .positions
            .conditions
            .push(ConditionAt { name: span });
        Ok(())
    }

    fn param(&mut self) -> Step<(ParamDef, Span)> {
        self.skip(Kind::Newline);
        let name_token = self.eat(Kind::Identifier)?;
        self.skip(Kind::Whitespace);
        self.eat(Kind::Colon)?;
        self.skip(Kind::Whitespace);
        let ty = if self.peek(0) == Kind::ParamContainer {
            let container = self.eat(Kind::ParamContainer)?;
            self.eat(Kind::Less)?;
            let inner = Box::new(self.param_type()?);
            self.eat(Kind::Greater)?;
            match self.source.text_of(container) {
                "map" => ParamType::Map(inner),
                _ => ParamType::List(inner),
            }
        } else {
            self.param_type()?
        };
        let name = self.text(name_token);
        Ok((ParamDef { name, ty }, self.span(name_token)))
    }

    fn param_type(&mut self) -> Step<ParamType> {
        let token = self.eat(Kind::ParamType)?;
        Ok(match self.source.text_of(token) {
            "bool" => ParamType::Bool,
            "string" => ParamType::String,
            "int" => ParamType::Int,
            "uint" => ParamType::Uint,
            "double" => ParamType::Double,
            "duration" => ParamType::Duration,
            "timestamp" => ParamType::Timestamp,
            "ipaddress" => ParamType::IpAddress,
            _ => return Err(Refusal::Syntax),
        })
    }
}

/// The words that may name a module: plain names, and keywords that are not
/// operators.
pub(super) fn is_identifier(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Identifier
            | Kind::Module
            | Kind::Model
            | Kind::Schema
            | Kind::Extend
            | Kind::Type
            | Kind::Relation
    )
}

/// The words that may name a type or relation.
pub(super) fn is_extended(kind: Kind) -> bool {
    is_identifier(kind) || kind == Kind::ExtendedIdentifier
}
