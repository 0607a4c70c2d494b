//! The kinds of tokens that the DSL is made of.

/// A kind of token. The order is the order in which expectations are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(super) enum Kind {
    Eof,
    Colon,
    Comma,
    Less,
    Greater,
    LeftBracket,
    #[allow(dead_code, reason = "it only has a place in the order")]
    /// Declared by the grammar, and started by no character.
    Unused,
    LeftParen,
    RightParen,
    Whitespace,
    Identifier,
    Hash,
    And,
    Or,
    ButNot,
    From,
    Module,
    Model,
    Schema,
    SchemaVersion,
    Extend,
    Type,
    Condition,
    Relations,
    Relation,
    Define,
    With,
    // Up to `Bytes`, most only occur within a condition's expression.
    Equals,
    NotEquals,
    In,
    LessEquals,
    GreaterEquals,
    LogicalAnd,
    LogicalOr,
    RightBracket,
    LeftBrace,
    RightBrace,
    Dot,
    Minus,
    Exclamation,
    Question,
    Plus,
    Star,
    Slash,
    Percent,
    True,
    False,
    Null,
    /// `// …`, which no other rule sees.
    CelComment,
    Float,
    Int,
    Uint,
    String,
    Bytes,
    ExtendedIdentifier,
    Newline,
    ParamContainer,
    ParamType,
}

/// How each kind is shown in a list of what was expected.
const SHOWN: [&str; 58] = [
    "<EOF>",
    "':'",
    "','",
    "'<'",
    "'>'",
    "'['",
    "RBRACKET",
    "'('",
    "')'",
    "WHITESPACE",
    "IDENTIFIER",
    "'#'",
    "'and'",
    "'or'",
    "'but not'",
    "'from'",
    "'module'",
    "'model'",
    "'schema'",
    "SCHEMA_VERSION",
    "'extend'",
    "'type'",
    "'condition'",
    "'relations'",
    "'relation'",
    "'define'",
    "'with'",
    "'=='",
    "'!='",
    "'in'",
    "'<='",
    "'>='",
    "'&&'",
    "'||'",
    "']'",
    "'{'",
    "'}'",
    "'.'",
    "'-'",
    "'!'",
    "'?'",
    "'+'",
    "'*'",
    "'/'",
    "'%'",
    "'true'",
    "'false'",
    "'null'",
    "CEL_COMMENT",
    "NUM_FLOAT",
    "NUM_INT",
    "NUM_UINT",
    "STRING",
    "BYTES",
    "EXTENDED_IDENTIFIER",
    "NEWLINE",
    "CONDITION_PARAM_CONTAINER",
    "CONDITION_PARAM_TYPE",
];

/// A set of kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Kinds(u64);

impl Kinds {
    pub(super) const NONE: Self = Self(0);
    /// All that a text can be made of; not its end.
    pub(super) const ALL: Self = Self(((1 << SHOWN.len()) - 1) & !1);

    pub(super) const fn of(kinds: &[Kind]) -> Self {
        let mut rest = kinds;
        let mut bits = 0;
        while let [first, others @ ..] = rest {
            bits |= 1 << (*first as u8);
            rest = others;
        }
        Self(bits)
    }

    pub(super) const fn without(self, kind: Kind) -> Self {
        Self(self.0 & !(1 << (kind as u8)))
    }

    pub(super) fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) fn has(self, kind: Kind) -> bool {
        self.0 & (1 << (kind as u8)) != 0
    }

    pub(super) fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// The kinds in order, as they are shown.
    pub(super) fn shown(self) -> Vec<&'static str> {
        let kinds = SHOWN.iter().enumerate();
        kinds
            .filter(|(nth, _)| self.0 & (1 << nth) != 0)
            .map(|(_, shown)| *shown)
            .collect()
    }
}
