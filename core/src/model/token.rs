//! DSL text into tokens, as OpenFGA's lexer divides it: the longest match
//! wins, and keywords win over names of the same length.

use super::error::{ErrorKind, ModelError, Span, SyntaxError};

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
    RightBracket,
    LeftBrace,
    RightBrace,
    Star,
    /// A token that only means something inside a condition's expression.
    Cel,
    ExtendedIdentifier,
    Newline,
    ParamContainer,
    ParamType,
}

impl Kind {
    #[allow(dead_code, reason = "explaining a refusal needs it, which comes next")]
    /// How the kind is shown in the list of what was expected.
    pub(super) fn shown(self) -> &'static str {
        match self {
            Self::Eof => "<EOF>",
            Self::Colon => "':'",
            Self::Comma => "','",
            Self::Less => "'<'",
            Self::Greater => "'>'",
            Self::LeftBracket => "'['",
            Self::LeftParen => "'('",
            Self::RightParen => "')'",
            Self::Whitespace => "WHITESPACE",
            Self::Identifier => "IDENTIFIER",
            Self::Hash => "'#'",
            Self::And => "'and'",
            Self::Or => "'or'",
            Self::ButNot => "'but not'",
            Self::From => "'from'",
            Self::Module => "'module'",
            Self::Model => "'model'",
            Self::Schema => "'schema'",
            Self::SchemaVersion => "SCHEMA_VERSION",
            Self::Extend => "'extend'",
            Self::Type => "'type'",
            Self::Condition => "'condition'",
            Self::Relations => "'relations'",
            Self::Relation => "'relation'",
            Self::Define => "'define'",
            Self::With => "'with'",
            Self::RightBracket => "']'",
            Self::LeftBrace => "'{'",
            Self::RightBrace => "'}'",
            Self::Star => "'*'",
            Self::Cel => "CEL",
            Self::ExtendedIdentifier => "EXTENDED_IDENTIFIER",
            Self::Newline => "NEWLINE",
            Self::ParamContainer => "CONDITION_PARAM_CONTAINER",
            Self::ParamType => "CONDITION_PARAM_TYPE",
        }
    }
}

/// One token: where it lies in the text, and on which line and column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) line: u32,
    pub(super) column: u32,
}

/// The tokens of a text, and the characters that belong to none.
#[derive(Debug)]
pub(super) struct Tokens {
    /// The text without its comments; offsets are into it.
    pub(super) text: String,
    /// All tokens; the last one is [`Kind::Eof`].
    pub(super) tokens: Vec<Token>,
    /// Characters that start no token, each with the index of the token that
    /// follows them.
    pub(super) errors: Vec<(usize, ModelError)>,
}

impl Tokens {
    pub(super) fn of(dsl: &str) -> Self {
        let text = without_comments(dsl);
        let mut lexer = Lexer {
            text: &text,
            at: 0,
            line: 0,
            column: 0,
            in_parameters: false,
            tokens: Vec::new(),
            errors: Vec::new(),
        };
        lexer.run();
        let Lexer { tokens, errors, .. } = lexer;
        Self {
            text,
            tokens,
            errors,
        }
    }

    pub(super) fn text_of(&self, token: Token) -> &str {
        match token.kind {
            Kind::Eof => "<EOF>",
            _ => self.text.get(token.start..token.end).unwrap_or_default(),
        }
    }
}

/// Blanks lines that begin with `#`, and cuts lines at ` #`. Columns and lines
/// of what is left do not move.
fn without_comments(dsl: &str) -> String {
    let mut text = String::with_capacity(dsl.len());
    for (index, line) in dsl.split('\n').enumerate() {
        if index > 0 {
            text.push('\n');
        }
        if line.trim_start().starts_with('#') {
            continue;
        }
        let code = line.split_once(" #").map_or(line, |(code, _)| code);
        text.push_str(code.trim_end());
    }
    text
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    line: u32,
    column: u32,
    /// Between `condition` and the next `)`, where other rules hold.
    in_parameters: bool,
    tokens: Vec<Token>,
    errors: Vec<(usize, ModelError)>,
}

impl Lexer<'_> {
    fn run(&mut self) {
        while let Some(first) = self.byte(self.at) {
            let found = if self.in_parameters {
                self.parameter_token(first)
            } else {
                self.token(first)
            };
            match found {
                Ok((kind, end)) => {
                    match kind {
                        Some(Kind::Condition) => self.in_parameters = true,
                        Some(Kind::RightParen) => self.in_parameters = false,
                        _ => {}
                    }
                    if let Some(kind) = kind {
                        self.tokens.push(Token {
                            kind,
                            start: self.at,
                            end,
                            line: self.line,
                            column: self.column,
                        });
                    }
                    self.advance(end);
                }
                // The characters up to and including the one that fits no
                // token are skipped together.
                Err(failed_at) => {
                    let end = self.next_char(failed_at);
                    let text = self.text.get(self.at..end).unwrap_or_default().to_owned();
                    let span = Span {
                        line: self.line,
                        start: self.column,
                        end: self.column,
                    };
                    let error = ModelError::new(
                        ErrorKind::Syntax(SyntaxError::Token { text }),
                        String::new(),
                    );
                    self.errors.push((self.tokens.len(), error.at(Some(span))));
                    self.advance(end);
                }
            }
        }
        self.tokens.push(Token {
            kind: Kind::Eof,
            start: self.at,
            end: self.at,
            line: self.line,
            column: self.column,
        });
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    /// The offset after the character at `at`; at the end, the end.
    fn next_char(&self, at: usize) -> usize {
        let rest = self.text.get(at..).unwrap_or_default();
        at + rest.chars().next().map_or(0, char::len_utf8)
    }

    /// Moves to `end`, counting lines and columns.
    fn advance(&mut self, end: usize) {
        for c in self.text.get(self.at..end).unwrap_or_default().chars() {
            if c == '\n' {
                self.line += 1;
                self.column = 0;
            } else {
                self.column += 1;
            }
        }
        self.at = end;
    }

    fn run_of(&self, from: usize, fits: impl Fn(u8) -> bool) -> usize {
        let mut at = from;
        while self.byte(at).is_some_and(&fits) {
            at += 1;
        }
        at
    }

    /// The token at the current place: its kind (none for a hidden one) and
    /// its end; or the offset of the character at which no token fits.
    fn token(&self, first: u8) -> Result<(Option<Kind>, usize), usize> {
        let start = self.at;
        let one = |kind| Ok((Some(kind), start + 1));
        let follows = |byte: u8| self.byte(start + 1) == Some(byte);
        match first {
            b' ' | b'\t' | 0x0c | b'\r' | b'\n' => {
                let end = self.run_of(start, is_blank);
                let lines = self.text.as_bytes().get(start..end).unwrap_or_default();
                let broken = lines.iter().any(|b| matches!(b, b'\n' | b'\r'));
                let kind = if broken {
                    Kind::Newline
                } else {
                    Kind::Whitespace
                };
                Ok((Some(kind), end))
            }
            b'#' => one(Kind::Hash),
            b':' => one(Kind::Colon),
            b',' => one(Kind::Comma),
            b'[' => one(Kind::LeftBracket),
            b']' => one(Kind::RightBracket),
            b'{' => one(Kind::LeftBrace),
            b'}' => one(Kind::RightBrace),
            b'(' => one(Kind::LeftParen),
            b')' => one(Kind::RightParen),
            b'*' => one(Kind::Star),
            b'<' if !follows(b'=') => one(Kind::Less),
            b'>' if !follows(b'=') => one(Kind::Greater),
            b'<' | b'>' => Ok((Some(Kind::Cel), start + 2)),
            b'!' if follows(b'=') => Ok((Some(Kind::Cel), start + 2)),
            b'/' if follows(b'/') => Ok((None, self.run_of(start, |b| b != b'\n'))),
            b'-' | b'!' | b'?' | b'+' | b'/' | b'%' => one(Kind::Cel),
            b'=' | b'&' | b'|' if follows(first) => Ok((Some(Kind::Cel), start + 2)),
            b'=' | b'&' | b'|' => Err(start + 1),
            b'"' | b'\'' => self.string(start).map(|end| (Some(Kind::Cel), end)),
            b'.' | b'0'..=b'9' => Ok(self.number(start)),
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => Ok(self.word(start)),
            _ => Err(start),
        }
    }

    /// The token at the current place, among a condition's parameters.
    fn parameter_token(&self, first: u8) -> Result<(Option<Kind>, usize), usize> {
        let start = self.at;
        let kind = match first {
            b'(' => Kind::LeftParen,
            b')' => Kind::RightParen,
            b'<' => Kind::Less,
            b'>' => Kind::Greater,
            b':' => Kind::Colon,
            b',' => Kind::Comma,
            b' ' | b'\t' | 0x0c => {
                let blank = |b: u8| matches!(b, b' ' | b'\t' | 0x0c);
                return Ok((Some(Kind::Whitespace), self.run_of(start, blank)));
            }
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => {
                let end = self.run_of(start, is_name);
                let kind = match self.text.get(start..end).unwrap_or_default() {
                    "map" | "list" => Kind::ParamContainer,
                    "bool" | "string" | "int" | "uint" | "double" | "duration" | "timestamp"
                    | "ipaddress" => Kind::ParamType,
                    _ => Kind::Identifier,
                };
                return Ok((Some(kind), end));
            }
            _ => return Err(start),
        };
        Ok((Some(kind), start + 1))
    }

    /// A name or keyword, or a string with a prefix such as `r"…"`.
    fn word(&self, start: usize) -> (Option<Kind>, usize) {
        let rest = self.text.get(start..).unwrap_or_default();
        if rest.starts_with("but not") {
            return (Some(Kind::ButNot), start + "but not".len());
        }
        if let Some(end) = self.prefixed_string(start) {
            return (Some(Kind::Cel), end);
        }
        let plain = self.run_of(start, is_name);
        // `a/b`, `a.b`: one separator at a time, and never at the end.
        let part = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        let mut extended = self.run_of(start, part);
        while self
            .byte(extended)
            .is_some_and(|b| matches!(b, b'/' | b'.' | b'-'))
            && self.byte(extended + 1).is_some_and(part)
        {
            extended = self.run_of(extended + 1, part);
        }
        if extended > plain {
            return (Some(Kind::ExtendedIdentifier), extended);
        }
        let kind = match self.text.get(start..plain).unwrap_or_default() {
            "and" => Kind::And,
            "or" => Kind::Or,
            "from" => Kind::From,
            "module" => Kind::Module,
            "model" => Kind::Model,
            "schema" => Kind::Schema,
            "extend" => Kind::Extend,
            "type" => Kind::Type,
            "condition" => Kind::Condition,
            "relations" => Kind::Relations,
            "relation" => Kind::Relation,
            "define" => Kind::Define,
            "with" => Kind::With,
            "in" | "true" | "false" | "null" => Kind::Cel,
            _ => Kind::Identifier,
        };
        (Some(kind), plain)
    }

    /// `r"…"`, `b"…"`, `br"…"`, in either case: the end, if it is one.
    fn prefixed_string(&self, start: usize) -> Option<usize> {
        let mut at = start;
        if matches!(self.byte(at), Some(b'b' | b'B')) {
            at += 1;
        }
        if matches!(self.byte(at), Some(b'r' | b'R')) {
            return self.raw_string(at + 1);
        }
        match self.byte(at) {
            Some(b'"' | b'\'') => self.string(at).ok(),
            _ => None,
        }
    }

    fn number(&self, start: usize) -> (Option<Kind>, usize) {
        let digit = |b: u8| b.is_ascii_digit();
        let whole = self.run_of(start, digit);
        // `.` needs a digit after it to be part of a number.
        let fraction = match self.byte(whole) {
            Some(b'.') if self.byte(whole + 1).is_some_and(digit) => self.run_of(whole + 1, digit),
            _ => whole,
        };
        let exponent = match self.byte(fraction) {
            Some(b'e' | b'E') if fraction > start => {
                let sign = usize::from(matches!(self.byte(fraction + 1), Some(b'+' | b'-')));
                match self.run_of(fraction + 1 + sign, digit) {
                    end if end > fraction + 1 + sign => end,
                    _ => fraction,
                }
            }
            _ => fraction,
        };
        if exponent == start {
            return (Some(Kind::Cel), start + 1);
        }
        if exponent > fraction {
            return (Some(Kind::Cel), exponent);
        }
        if fraction > whole {
            let kind = if whole > start {
                Kind::SchemaVersion
            } else {
                Kind::Cel
            };
            return (Some(kind), fraction);
        }
        let mut end = whole;
        if self.byte(start) == Some(b'0') && self.byte(start + 1) == Some(b'x') {
            let hex = self.run_of(start + 2, |b| b.is_ascii_hexdigit());
            if hex > start + 2 {
                end = hex;
            }
        }
        if matches!(self.byte(end), Some(b'u' | b'U')) {
            end += 1;
        }
        (Some(Kind::Cel), end)
    }

    /// The end of the quoted string at `start`; or the offset at which it
    /// cannot go on.
    fn string(&self, start: usize) -> Result<usize, usize> {
        let Some(quote) = self.byte(start) else {
            return Err(start);
        };
        if self.byte(start + 1) == Some(quote) {
            // `""`, unless a third quote opens a long string that is closed.
            return Ok(self.long_string(start, quote).unwrap_or(start + 2));
        }
        let mut at = start + 1;
        loop {
            match self.byte(at) {
                Some(b) if b == quote => return Ok(at + 1),
                Some(b'\\') => at = self.escape(at)?,
                None | Some(b'\n' | b'\r') => return Err(at),
                Some(_) => at += 1,
            }
        }
    }

    fn long_string(&self, start: usize, quote: u8) -> Option<usize> {
        if self.byte(start + 2) != Some(quote) {
            return None;
        }
        let mut at = start + 3;
        loop {
            match self.byte(at)? {
                b if b == quote && self.closes_long(at, quote) => return Some(at + 3),
                b'\\' => at = self.escape(at).ok()?,
                _ => at += 1,
            }
        }
    }

    fn closes_long(&self, at: usize, quote: u8) -> bool {
        self.byte(at + 1) == Some(quote) && self.byte(at + 2) == Some(quote)
    }

    /// `"…"` at `start` without escapes: the end, if it is closed.
    fn raw_string(&self, start: usize) -> Option<usize> {
        let quote = self.byte(start).filter(|b| matches!(b, b'"' | b'\''))?;
        if self.closes_long(start, quote) {
            let mut at = start + 3;
            while let Some(b) = self.byte(at) {
                if b == quote && self.closes_long(at, quote) {
                    return Some(at + 3);
                }
                at += 1;
            }
            return Some(start + 2);
        }
        let end = self.run_of(start + 1, |b| b != quote && b != b'\n' && b != b'\r');
        (self.byte(end) == Some(quote)).then_some(end + 1)
    }

    /// The end of the escape sequence at `start`; or the offset at which it
    /// cannot go on.
    fn escape(&self, start: usize) -> Result<usize, usize> {
        let (digits, fits): (usize, fn(u8) -> bool) = match self.byte(start + 1) {
            Some(
                b'a' | b'b' | b'f' | b'n' | b'r' | b't' | b'v' | b'"' | b'\'' | b'\\' | b'?' | b'`',
            ) => return Ok(start + 2),
            Some(b'0'..=b'3') => (2, |b| matches!(b, b'0'..=b'7')),
            Some(b'x' | b'X') => (2, |b| b.is_ascii_hexdigit()),
            Some(b'u') => (4, |b| b.is_ascii_hexdigit()),
            Some(b'U') => (8, |b| b.is_ascii_hexdigit()),
            _ => return Err(start + 1),
        };
        for at in start + 2..start + 2 + digits {
            if !self.byte(at).is_some_and(fits) {
                return Err(at);
            }
        }
        Ok(start + 2 + digits)
    }
}

fn is_blank(b: u8) -> bool {
    matches!(b, b' ' | b'\t' | 0x0c | b'\r' | b'\n')
}

fn is_name(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')
}
