//! Tokens into a syntax tree, with the standard macros expanded.
//!
//! The grammar is <https://github.com/google/cel-spec/blob/master/doc/langdef.md#syntax>.
//! Recursion is counted, and so is the depth of the tree, since whoever walks
//! the tree later recurses that deep.

use std::sync::Arc;

use super::error::{SyntaxError, SyntaxKind};
use super::lexer::{Token, TokenKind, parse_unsigned, tokenize};
use super::syntax::{Ast, Expr, ExprId, ExprKind, Fold, FoldKind, Literal};

/// How long an expression may be, in bytes.
pub const MAX_SOURCE: usize = 64 * 1024;

/// How deep the syntax tree may be. CEL asks for at least 32 levels of each
/// construct; the whole walk of 200 levels needs well under wasm's 1 MB stack.
pub const MAX_DEPTH: u32 = 200;

/// How deep brackets may nest: each level costs the parser five frames.
const MAX_NESTING: u32 = 100;

/// Words that the grammar keeps for itself. They are still field names.
const RESERVED: [&str; 18] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "in",
    "let",
    "loop",
    "namespace",
    "package",
    "return",
    "var",
    "void",
    "while",
];

/// Binary operators from the loosest to the tightest level.
const LEVELS: [&[&str]; 3] = [
    &["==", "!=", "<", "<=", ">", ">=", "in"],
    &["+", "-"],
    &["*", "/", "%"],
];

/// Parses a whole expression.
pub(super) fn parse(source: &str) -> Result<Ast, SyntaxError> {
    if source.len() > MAX_SOURCE {
        let kind = SyntaxKind::TooLong { limit: MAX_SOURCE };
        return Err(SyntaxError::new(source, 0, kind));
    }
    let mut parser = Parser {
        source,
        tokens: tokenize(source)?,
        next: 0,
        nesting: 0,
        nodes: Vec::new(),
    };
    let root = parser.expression()?;
    if *parser.peek() != TokenKind::End {
        return parser.expected("an operator or the end");
    }
    Ok(Ast {
        nodes: parser.nodes,
        root,
    })
}

struct Parser<'a> {
    source: &'a str,
    tokens: Vec<Token>,
    next: usize,
    nesting: u32,
    nodes: Vec<Expr>,
}

impl Parser<'_> {
    fn peek_at(&self, ahead: usize) -> &TokenKind {
        self.tokens
            .get(self.next + ahead)
            .map_or(&TokenKind::End, |t| &t.kind)
    }

    fn peek(&self) -> &TokenKind {
        self.peek_at(0)
    }

    fn at(&self) -> u32 {
        let last = self.tokens.last();
        self.tokens.get(self.next).or(last).map_or(0, |t| t.at)
    }

    /// The next token, and past it.
    fn take(&mut self) -> TokenKind {
        let kind = match self.tokens.get_mut(self.next) {
            Some(token) => std::mem::replace(&mut token.kind, TokenKind::End),
            None => TokenKind::End,
        };
        self.next += 1;
        kind
    }

    fn is(&self, punct: &str) -> bool {
        matches!(self.peek(), TokenKind::Punct(p) if *p == punct)
    }

    fn eat(&mut self, punct: &str) -> bool {
        let found = self.is(punct);
        if found {
            self.next += 1;
        }
        found
    }

    fn require(&mut self, punct: &'static str) -> Result<(), SyntaxError> {
        if self.eat(punct) {
            Ok(())
        } else {
            self.expected(punct)
        }
    }

    fn fail<T>(&self, at: u32, kind: SyntaxKind) -> Result<T, SyntaxError> {
        Err(SyntaxError::new(self.source, at as usize, kind))
    }

    fn expected<T>(&self, expected: &'static str) -> Result<T, SyntaxError> {
        let at = self.at();
        let found = self.word(at);
        self.fail(at, SyntaxKind::Expected { expected, found })
    }

    fn push(
        &mut self,
        at: u32,
        kind: ExprKind,
        children: impl IntoIterator<Item = ExprId>,
    ) -> Result<ExprId, SyntaxError> {
        let below = children
            .into_iter()
            .filter_map(|id| self.nodes.get(id as usize))
            .map(|node| node.depth)
            .max();
        let depth = below.map_or(1, |d| d + 1);
        if depth > MAX_DEPTH {
            return self.fail(at, SyntaxKind::TooDeep { limit: MAX_DEPTH });
        }
        let id = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        self.nodes.push(Expr { kind, at, depth });
        Ok(id)
    }

    /// `or ? or : expression`, the loosest level.
    fn expression(&mut self) -> Result<ExprId, SyntaxError> {
        self.nesting += 1;
        if self.nesting > MAX_NESTING {
            return self.fail(self.at(), SyntaxKind::TooDeep { limit: MAX_NESTING });
        }
        let condition = self.or()?;
        let at = self.at();
        let result = if self.eat("?") {
            let then = self.or()?;
            self.require(":")?;
            let otherwise = self.expression()?;
            let kind = ExprKind::Ternary(condition, then, otherwise);
            self.push(at, kind, [condition, then, otherwise])?
        } else {
            condition
        };
        self.nesting -= 1;
        Ok(result)
    }

    fn or(&mut self) -> Result<ExprId, SyntaxError> {
        let first = self.and()?;
        let at = self.at();
        if !self.is("||") {
            return Ok(first);
        }
        let mut terms = vec![first];
        while self.eat("||") {
            terms.push(self.and()?);
        }
        self.push(at, ExprKind::Or(terms.clone()), terms)
    }

    fn and(&mut self) -> Result<ExprId, SyntaxError> {
        let first = self.binary(0)?;
        let at = self.at();
        if !self.is("&&") {
            return Ok(first);
        }
        let mut terms = vec![first];
        while self.eat("&&") {
            terms.push(self.binary(0)?);
        }
        self.push(at, ExprKind::And(terms.clone()), terms)
    }

    fn binary(&mut self, level: usize) -> Result<ExprId, SyntaxError> {
        let Some(operators) = LEVELS.get(level) else {
            return self.unary();
        };
        let mut left = self.binary(level + 1)?;
        loop {
            let found = match self.peek() {
                TokenKind::Punct(p) => Some(*p),
                TokenKind::Ident(word) => Some(word.as_str()),
                _ => None,
            };
            let found = found.and_then(|p| operators.iter().find(|o| **o == p));
            let Some(operator) = found else {
                return Ok(left);
            };
            let at = self.at();
            self.next += 1;
            let right = self.binary(level + 1)?;
            left = self.push(at, ExprKind::Binary(operator, left, right), [left, right])?;
        }
    }

    fn unary(&mut self) -> Result<ExprId, SyntaxError> {
        let at = self.at();
        if self.is("!") {
            let odd = self.count("!");
            let operand = self.member()?;
            // As in cel-go, a pair of signs is no operator at all.
            return if odd {
                self.push(at, ExprKind::Unary("!", operand), [operand])
            } else {
                Ok(operand)
            };
        }
        if self.is("-") {
            let mut odd = self.count("-");
            if odd && matches!(self.peek(), TokenKind::Int(_) | TokenKind::Double(_)) {
                // The sign belongs to the literal: -9223372036854775808.
                self.next -= 1;
                odd = false;
            }
            let operand = self.member()?;
            return if odd {
                self.push(at, ExprKind::Unary("-", operand), [operand])
            } else {
                Ok(operand)
            };
        }
        self.member()
    }

    /// Skips a run of one sign; true when it was odd.
    fn count(&mut self, sign: &str) -> bool {
        let mut odd = false;
        while self.eat(sign) {
            odd = !odd;
        }
        odd
    }

    /// A primary with its `.field`, `.call()` and `[index]` suffixes.
    fn member(&mut self) -> Result<ExprId, SyntaxError> {
        let mut operand = self.primary()?;
        loop {
            let at = self.at();
            if self.eat(".") {
                let name_at = self.at();
                let (field, quoted) = match self.take() {
                    TokenKind::Ident(name) => (name, false),
                    TokenKind::Quoted(name) => (name, true),
                    _ => {
                        self.next -= 1;
                        return self.fail(
                            name_at,
                            SyntaxKind::Expected {
                                expected: "a field name",
                                found: self.word(name_at),
                            },
                        );
                    }
                };
                operand = if !quoted && self.eat("(") {
                    let args = self.list(")")?;
                    self.call(name_at, field, Some(operand), args)?
                } else {
                    let kind = ExprKind::Select {
                        operand,
                        field,
                        test: false,
                    };
                    self.push(at, kind, [operand])?
                };
            } else if self.eat("[") {
                let index = self.expression()?;
                self.require("]")?;
                operand = self.push(at, ExprKind::Index(operand, index), [operand, index])?;
            } else if self.is("{") {
                return self.fail(at, SyntaxKind::Message);
            } else {
                return Ok(operand);
            }
        }
    }

    fn word(&self, at: u32) -> String {
        let rest = self.source.get(at as usize..).unwrap_or("");
        let word: String = rest
            .chars()
            .take_while(|c| !c.is_whitespace())
            .take(20)
            .collect();
        if word.is_empty() {
            "the end".to_owned()
        } else {
            word
        }
    }

    fn primary(&mut self) -> Result<ExprId, SyntaxError> {
        let at = self.at();
        let literal = match self.peek() {
            TokenKind::Punct("(") => {
                self.next += 1;
                let inner = self.expression()?;
                self.require(")")?;
                return Ok(inner);
            }
            TokenKind::Punct("[") => {
                self.next += 1;
                let items = self.list("]")?;
                return self.push(at, ExprKind::List(items.clone()), items);
            }
            TokenKind::Punct("{") => {
                self.next += 1;
                return self.map(at);
            }
            TokenKind::Punct(".") => {
                self.next += 1;
                return self.name(true);
            }
            TokenKind::Punct("-") => {
                self.next += 1;
                self.number(at, true)?
            }
            TokenKind::Int(_) | TokenKind::Double(_) => self.number(at, false)?,
            TokenKind::Uint(value) => {
                let value = *value;
                self.next += 1;
                Literal::Uint(value)
            }
            TokenKind::Str(_) | TokenKind::Bytes(_) => match self.take() {
                TokenKind::Str(text) => Literal::Str(Arc::from(text)),
                TokenKind::Bytes(bytes) => Literal::Bytes(Arc::from(bytes)),
                _ => Literal::Null,
            },
            TokenKind::Ident(word) => match word.as_str() {
                "true" | "false" => {
                    let value = word == "true";
                    self.next += 1;
                    Literal::Bool(value)
                }
                "null" => {
                    self.next += 1;
                    Literal::Null
                }
                _ => return self.name(false),
            },
            _ => return self.expected("an expression"),
        };
        self.push(at, ExprKind::Literal(literal), [])
    }

    fn number(&mut self, at: u32, negative: bool) -> Result<Literal, SyntaxError> {
        match self.take() {
            TokenKind::Double(value) => Ok(Literal::Double(if negative { -value } else { value })),
            TokenKind::Int(text) => {
                let magnitude = parse_unsigned(&text);
                let value = if negative {
                    magnitude.and_then(|m| 0_i64.checked_sub_unsigned(m))
                } else {
                    magnitude.and_then(|m| i64::try_from(m).ok())
                };
                match value {
                    Some(value) => Ok(Literal::Int(value)),
                    None => self.fail(at, SyntaxKind::NumberRange),
                }
            }
            _ => self.fail(at, SyntaxKind::Number),
        }
    }

    fn name(&mut self, rooted: bool) -> Result<ExprId, SyntaxError> {
        let at = self.at();
        let TokenKind::Ident(name) = self.peek().clone() else {
            return self.expected("a name");
        };
        if RESERVED.contains(&name.as_str()) {
            return self.fail(at, SyntaxKind::Reserved { word: name });
        }
        self.next += 1;
        if self.eat("(") {
            let args = self.list(")")?;
            return self.call(at, name, None, args);
        }
        self.push(at, ExprKind::Ident { name, rooted }, [])
    }

    /// Expressions up to `close`; a trailing comma is allowed in a list only.
    fn list(&mut self, close: &'static str) -> Result<Vec<ExprId>, SyntaxError> {
        let mut items = Vec::new();
        while !self.eat(close) {
            items.push(self.expression()?);
            if !self.eat(",") {
                self.require(close)?;
                break;
            }
            if close == ")" && self.is(close) {
                return self.expected("an argument");
            }
        }
        Ok(items)
    }

    fn map(&mut self, at: u32) -> Result<ExprId, SyntaxError> {
        let mut entries = Vec::new();
        while !self.eat("}") {
            let key = self.expression()?;
            self.require(":")?;
            let value = self.expression()?;
            entries.push((key, value));
            if !self.eat(",") {
                self.require("}")?;
                break;
            }
        }
        let children: Vec<ExprId> = entries.iter().flat_map(|(k, v)| [*k, *v]).collect();
        self.push(at, ExprKind::Map(entries), children)
    }

    /// A call, or the macro it stands for.
    fn call(
        &mut self,
        at: u32,
        name: String,
        target: Option<ExprId>,
        args: Vec<ExprId>,
    ) -> Result<ExprId, SyntaxError> {
        if let (None, "has", &[operand]) = (target, name.as_str(), args.as_slice()) {
            return match self.nodes.get_mut(operand as usize).map(|n| &mut n.kind) {
                Some(ExprKind::Select { test, .. }) if !*test => {
                    *test = true;
                    Ok(operand)
                }
                _ => {
                    let expected = "a field: `has(value.field)`";
                    self.fail(at, SyntaxKind::MacroArgument { name, expected })
                }
            };
        }
        if let Some(range) = target
            && let Some((kind, shape)) = fold_shape(&name, args.len())
        {
            return self.fold(at, name, kind, shape, range, &args);
        }
        let children: Vec<ExprId> = target.into_iter().chain(args.iter().copied()).collect();
        self.push(at, ExprKind::Call { name, target, args }, children)
    }

    fn fold(
        &mut self,
        at: u32,
        name: String,
        kind: FoldKind,
        shape: Shape,
        range: ExprId,
        args: &[ExprId],
    ) -> Result<ExprId, SyntaxError> {
        let variable = |index: usize| {
            let id = *args.get(index)?;
            match self.nodes.get(id as usize).map(|n| &n.kind) {
                Some(ExprKind::Ident {
                    name,
                    rooted: false,
                }) => Some(name.clone()),
                _ => None,
            }
        };
        let first = variable(0);
        let second = if shape.two { variable(1) } else { None };
        let distinct = !shape.two || (second.is_some() && first != second);
        let (Some(first), true) = (first, distinct) else {
            let expected = if shape.two {
                "two different variables first: `list.all(i, v, …)`"
            } else {
                "a variable first: `list.all(x, …)`"
            };
            return self.fail(at, SyntaxKind::MacroArgument { name, expected });
        };
        let bodies = args.get(1 + usize::from(shape.two)..).unwrap_or(&[]);
        let (filter, transform) = match (shape.filter, shape.transform, bodies) {
            (true, true, &[filter, transform]) => (Some(filter), Some(transform)),
            (true, false, &[filter]) => (Some(filter), None),
            (_, _, &[transform]) => (None, Some(transform)),
            _ => return self.expected("a macro"),
        };
        let children = [Some(range), filter, transform];
        let fold = Fold {
            kind,
            range,
            first,
            second,
            filter,
            transform,
        };
        let kind = ExprKind::Fold(Box::new(fold));
        self.push(at, kind, children.into_iter().flatten())
    }
}

/// What a macro's arguments are.
#[derive(Clone, Copy)]
struct Shape {
    two: bool,
    filter: bool,
    transform: bool,
}

fn fold_shape(name: &str, args: usize) -> Option<(FoldKind, Shape)> {
    let shape = |two, filter, transform| Shape {
        two,
        filter,
        transform,
    };
    Some(match (name, args) {
        ("all", 2) => (FoldKind::All, shape(false, true, false)),
        ("all", 3) => (FoldKind::All, shape(true, true, false)),
        ("exists", 2) => (FoldKind::Exists, shape(false, true, false)),
        ("exists", 3) => (FoldKind::Exists, shape(true, true, false)),
        ("exists_one" | "existsOne", 2) => (FoldKind::ExistsOne, shape(false, true, false)),
        ("exists_one" | "existsOne", 3) => (FoldKind::ExistsOne, shape(true, true, false)),
        ("filter", 2) => (FoldKind::List, shape(false, true, false)),
        ("map", 2) => (FoldKind::List, shape(false, false, true)),
        ("map", 3) => (FoldKind::List, shape(false, true, true)),
        ("transformList", 3) => (FoldKind::List, shape(true, false, true)),
        ("transformList", 4) => (FoldKind::List, shape(true, true, true)),
        ("transformMap", 3) => (FoldKind::Map, shape(true, false, true)),
        ("transformMap", 4) => (FoldKind::Map, shape(true, true, true)),
        _ => return None,
    })
}
