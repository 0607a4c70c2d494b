//! What may go wrong: in the text, in the types, in an evaluation.

use std::fmt;

/// A place in an expression's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Byte offset from the start of the expression.
    pub offset: usize,
    /// Line, counted from 1.
    pub line: u32,
    /// Column in characters, counted from 1.
    pub column: u32,
}

impl Position {
    pub(super) fn locate(source: &str, offset: usize) -> Self {
        let (mut line, mut column) = (1, 1);
        for (at, c) in source.char_indices() {
            if at >= offset {
                break;
            }
            if c == '\n' {
                line += 1;
                column = 1;
            } else {
                column += 1;
            }
        }
        Self {
            offset,
            line,
            column,
        }
    }
}

/// The text is not an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    /// Where.
    pub position: Position,
    /// What is wrong there.
    pub kind: SyntaxKind,
}

impl SyntaxError {
    pub(super) fn new(source: &str, at: usize, kind: SyntaxKind) -> Self {
        Self {
            position: Position::locate(source, at),
            kind,
        }
    }
}

/// What is wrong with the text.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SyntaxKind {
    /// A character that starts no token.
    UnknownCharacter {
        /// The character.
        found: char,
    },
    /// A number that is not written right.
    Number,
    /// An integer that does not fit 64 bits.
    NumberRange,
    /// A string without its closing quote.
    UnterminatedString,
    /// An escape sequence that CEL does not know, or that names no character.
    Escape,
    /// A backquoted name that is empty, unclosed or holds other characters.
    QuotedName,
    /// Something else was due here.
    Expected {
        /// What was due.
        expected: &'static str,
        /// What stands there.
        found: String,
    },
    /// A reserved word used as an identifier.
    Reserved {
        /// The word.
        word: String,
    },
    /// A macro whose argument is not of the form it needs.
    MacroArgument {
        /// The macro.
        name: String,
        /// What it needs.
        expected: &'static str,
    },
    /// A message literal `Name{…}`: there are no message types here.
    Message,
    /// Nested deeper than the limit.
    TooDeep {
        /// The limit.
        limit: u32,
    },
    /// Longer than the limit.
    TooLong {
        /// The limit, in bytes.
        limit: usize,
    },
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.position.line, self.position.column)?;
        match &self.kind {
            SyntaxKind::UnknownCharacter { found } => write!(f, "`{found}` starts no token"),
            SyntaxKind::Number => f.write_str("not a number: write `1`, `1u`, `0x1F` or `1.5e3`"),
            SyntaxKind::NumberRange => f.write_str("the integer does not fit 64 bits"),
            SyntaxKind::UnterminatedString => f.write_str("the string has no closing quote"),
            SyntaxKind::Escape => f.write_str("unknown escape sequence in a string"),
            SyntaxKind::QuotedName => f.write_str(
                "a quoted name holds letters, digits, `_`, `.`, `-`, `/` or spaces, and ends with a backquote",
            ),
            SyntaxKind::Expected { expected, found } => {
                write!(f, "expected {expected}, found `{found}`")
            }
            SyntaxKind::Reserved { word } => write!(f, "`{word}` is a reserved word"),
            SyntaxKind::MacroArgument { name, expected } => {
                write!(f, "`{name}` needs {expected}")
            }
            SyntaxKind::Message => f.write_str("message literals are not supported"),
            SyntaxKind::TooDeep { limit } => write!(f, "nested deeper than {limit} levels"),
            SyntaxKind::TooLong { limit } => write!(f, "longer than {limit} bytes"),
        }
    }
}

impl std::error::Error for SyntaxError {}

/// The expression cannot be compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CompileError {
    /// It is not an expression.
    Syntax(SyntaxError),
    /// It is one, but its types do not fit.
    Type(TypeError),
}

impl CompileError {
    /// A stable code: `cel.syntax` or `cel.type`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Syntax(_) => "cel.syntax",
            Self::Type(_) => "cel.type",
        }
    }

    /// Where it is.
    #[must_use]
    pub fn position(&self) -> Position {
        match self {
            Self::Syntax(error) => error.position,
            Self::Type(error) => error.position,
        }
    }
}

impl fmt::Display for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(error) => error.fmt(f),
            Self::Type(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for CompileError {}

impl From<SyntaxError> for CompileError {
    fn from(error: SyntaxError) -> Self {
        Self::Syntax(error)
    }
}

/// The types of an expression do not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeError {
    /// Where.
    pub position: Position,
    /// What is wrong there.
    pub kind: TypeErrorKind,
}

/// What is wrong with the types.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TypeErrorKind {
    /// A name that is neither a variable nor a type.
    Undeclared {
        /// The name.
        name: String,
    },
    /// A function that does not exist.
    UnknownFunction {
        /// Its name.
        name: String,
    },
    /// A function or operator that takes no such arguments.
    NoOverload {
        /// The function or operator.
        name: String,
        /// The types it was given, e.g. `(int, string)`.
        arguments: String,
    },
    /// `.field` of something without fields.
    NoFields {
        /// The type of what stands before the dot.
        found: String,
    },
    /// Another type was due.
    Mismatch {
        /// The type due.
        expected: String,
        /// The type found.
        found: String,
    },
    /// A type that cannot be a map's key.
    MapKey {
        /// The type.
        found: String,
    },
    /// A range that cannot be iterated.
    Range {
        /// The type.
        found: String,
    },
    /// A constant that does not convert, e.g. `timestamp("yesterday")`.
    Constant {
        /// The error that every evaluation would meet.
        error: EvalError,
    },
}

impl fmt::Display for TypeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.position.line, self.position.column)?;
        match &self.kind {
            TypeErrorKind::Undeclared { name } => write!(f, "`{name}` is not declared"),
            TypeErrorKind::UnknownFunction { name } => write!(f, "there is no function `{name}`"),
            TypeErrorKind::NoOverload { name, arguments } => {
                write!(f, "`{name}` does not apply to `{arguments}`")
            }
            TypeErrorKind::NoFields { found } => write!(f, "`{found}` has no fields"),
            TypeErrorKind::Mismatch { expected, found } => {
                write!(f, "expected `{expected}`, found `{found}`")
            }
            TypeErrorKind::MapKey { found } => write!(
                f,
                "`{found}` cannot be a map key: use bool, int, uint or string"
            ),
            TypeErrorKind::Range { found } => {
                write!(f, "`{found}` cannot be iterated: use a list or a map")
            }
            TypeErrorKind::Constant { error } => write!(f, "this always fails: {error}"),
        }
    }
}

impl std::error::Error for TypeError {}

/// An evaluation failed. `&&`, `||` and the `all` and `exists` macros take it
/// back where the other side decides alone; [`EvalError::is_fatal`] tells the
/// two that nothing takes back.
///
/// It holds no value: values come from contexts, and errors go to logs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum EvalError {
    /// `x / 0` or `x % 0` over integers.
    DivideByZero,
    /// The result does not fit its type.
    Overflow,
    /// A function or operator met values that it does not take.
    NoOverload {
        /// The function or operator.
        name: &'static str,
    },
    /// No such function (unchecked expressions only).
    UnknownFunction {
        /// Its name.
        name: Box<str>,
    },
    /// No value is bound to this name.
    UnknownVariable {
        /// The name.
        name: Box<str>,
    },
    /// The map holds no such key.
    NoSuchKey {
        /// The key, where the expression itself names it: `map.key`.
        key: Option<Box<str>>,
    },
    /// The list has no such index.
    Index,
    /// The value has no fields.
    NoFields,
    /// A key that is no bool, int, uint or string.
    MapKey,
    /// The same key twice in a map literal.
    RepeatedKey,
    /// A value that does not convert.
    Conversion {
        /// Its type.
        from: &'static str,
        /// The type asked for.
        to: &'static str,
    },
    /// A regular expression that is malformed, too large or not supported.
    Pattern,
    /// A time zone that is neither UTC nor a fixed offset such as `+02:00`.
    TimeZone,
    /// A network that is not written as `10.0.0.0/8`.
    Cidr,
    /// The evaluation cost more than the caller allowed.
    CostExceeded {
        /// The limit.
        limit: u64,
    },
    /// The evaluation took more steps than are ever allowed.
    StepsExceeded {
        /// The limit.
        limit: u64,
    },
}

impl EvalError {
    /// A stable code, `cel.` and a word.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::DivideByZero => "cel.divide-by-zero",
            Self::Overflow => "cel.overflow",
            Self::NoOverload { .. } => "cel.no-overload",
            Self::UnknownFunction { .. } => "cel.unknown-function",
            Self::UnknownVariable { .. } => "cel.unknown-variable",
            Self::NoSuchKey { .. } => "cel.no-such-key",
            Self::Index => "cel.index",
            Self::NoFields => "cel.no-fields",
            Self::MapKey => "cel.map-key",
            Self::RepeatedKey => "cel.repeated-key",
            Self::Conversion { .. } => "cel.conversion",
            Self::Pattern => "cel.pattern",
            Self::TimeZone => "cel.time-zone",
            Self::Cidr => "cel.cidr",
            Self::CostExceeded { .. } => "cel.cost-exceeded",
            Self::StepsExceeded { .. } => "cel.steps-exceeded",
        }
    }

    /// True of the limits: no operator takes them back.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        matches!(self, Self::CostExceeded { .. } | Self::StepsExceeded { .. })
    }
}

impl fmt::Display for EvalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DivideByZero => f.write_str("division by zero"),
            Self::Overflow => f.write_str("the result does not fit its type"),
            Self::NoOverload { name } => write!(f, "`{name}` does not apply to these values"),
            Self::UnknownFunction { name } => write!(f, "there is no function `{name}`"),
            Self::UnknownVariable { name } => write!(f, "`{name}` has no value"),
            Self::NoSuchKey { key: Some(key) } => write!(f, "the map has no key `{key}`"),
            Self::NoSuchKey { key: None } => f.write_str("the map has no such key"),
            Self::Index => f.write_str("the list has no such index"),
            Self::NoFields => f.write_str("the value has no fields"),
            Self::MapKey => f.write_str("a map key must be a bool, int, uint or string"),
            Self::RepeatedKey => f.write_str("a key stands twice in a map"),
            Self::Conversion { from, to } => write!(f, "this {from} does not convert to {to}"),
            Self::Pattern => f.write_str("this is not a supported regular expression"),
            Self::TimeZone => f.write_str(
                "this is not a supported time zone: use `UTC` or an offset such as `+02:00`",
            ),
            Self::Cidr => f.write_str("this is not a network: write it as `10.0.0.0/8`"),
            Self::CostExceeded { limit } => write!(f, "the evaluation costs more than {limit}"),
            Self::StepsExceeded { limit } => {
                write!(f, "the evaluation takes more than {limit} steps")
            }
        }
    }
}

impl std::error::Error for EvalError {}
