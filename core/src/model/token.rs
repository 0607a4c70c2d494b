//! DSL text into tokens, as OpenFGA's lexer divides it: the longest match
//! wins, and keywords win over names of the same length.

use super::error::{ErrorKind, ModelError, Span, SyntaxError};
use super::kind::Kind;

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
    /// Comments of CEL: the index of the token that follows, start and end.
    hidden: Vec<(usize, usize, usize)>,
    /// Characters that start no token, each with the index of the token that
    /// follows them.
    pub(super) errors: Vec<(usize, ModelError)>,
}

impl Tokens {
    pub(super) fn of(dsl: &str) -> Self {
        let text = without_comments(dsl);
        let mut lexer = Lexer::new(&text);
        lexer.run();
        let Lexer {
            tokens,
            hidden,
            errors,
            ..
        } = lexer;
        Self {
            text,
            tokens,
            hidden,
            errors,
        }
    }

    /// The text of the tokens from `first` to `last`, with the comments of CEL
    /// between them.
    pub(super) fn text_between(&self, first: usize, last: usize) -> String {
        let mut text = String::new();
        let mut hidden = self
            .hidden
            .iter()
            .filter(|(at, _, _)| *at > first)
            .peekable();
        let tokens = self.tokens.iter().enumerate();
        for (nth, token) in tokens.take(last.saturating_add(1)).skip(first) {
            while let Some((_, start, end)) = hidden.next_if(|(at, _, _)| *at <= nth) {
                text.push_str(self.text.get(*start..*end).unwrap_or_default());
            }
            if token.kind != Kind::Eof {
                text.push_str(self.text_of(*token));
            }
        }
        text
    }

    pub(super) fn text_of(&self, token: Token) -> &str {
        match token.kind {
            Kind::Eof => "<EOF>",
            _ => self.text.get(token.start..token.end).unwrap_or_default(),
        }
    }
}

/// The kind of token that `text` is as a whole, if it is one; among a
/// condition's parameters, or elsewhere.
pub(super) fn whole(text: &str, in_parameters: bool) -> Option<Kind> {
    let mut lexer = Lexer::new(text);
    lexer.in_parameters = in_parameters;
    lexer.run();
    match lexer.tokens.as_slice() {
        [token, _end] if lexer.errors.is_empty() && token.end == text.len() => Some(token.kind),
        _ => None,
    }
}

/// The kinds of the tokens of `text`, if it is made of tokens alone.
pub(super) fn kinds(text: &str) -> Option<Vec<Kind>> {
    let mut lexer = Lexer::new(text);
    lexer.run();
    let kinds = lexer.tokens.iter().map(|token| token.kind).collect();
    lexer.errors.is_empty().then_some(kinds)
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
    hidden: Vec<(usize, usize, usize)>,
    errors: Vec<(usize, ModelError)>,
}

impl<'a> Lexer<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            line: 0,
            column: 0,
            in_parameters: false,
            tokens: Vec::new(),
            hidden: Vec::new(),
            errors: Vec::new(),
        }
    }

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
                        Kind::Condition => self.in_parameters = true,
                        Kind::RightParen => self.in_parameters = false,
                        _ => {}
                    }
                    if kind == Kind::CelComment {
                        self.hidden.push((self.tokens.len(), self.at, end));
                    } else {
                        self.push(kind, end);
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
        self.push(Kind::Eof, self.at);
    }

    fn push(&mut self, kind: Kind, end: usize) {
        self.tokens.push(Token {
            kind,
            start: self.at,
            end,
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
    fn token(&self, first: u8) -> Result<(Kind, usize), usize> {
        let start = self.at;
        let one = |kind| Ok((kind, start + 1));
        let two = |kind| Ok((kind, start + 2));
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
                Ok((kind, end))
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
            b'<' => two(Kind::LessEquals),
            b'>' => two(Kind::GreaterEquals),
            b'!' if follows(b'=') => two(Kind::NotEquals),
            b'/' if follows(b'/') => {
                let end = self.run_of(start, |b| b != b'\n');
                Ok((Kind::CelComment, end))
            }
            b'-' => one(Kind::Minus),
            b'!' => one(Kind::Exclamation),
            b'?' => one(Kind::Question),
            b'+' => one(Kind::Plus),
            b'/' => one(Kind::Slash),
            b'%' => one(Kind::Percent),
            b'=' if follows(b'=') => two(Kind::Equals),
            b'&' if follows(b'&') => two(Kind::LogicalAnd),
            b'|' if follows(b'|') => two(Kind::LogicalOr),
            b'=' | b'&' | b'|' => Err(start + 1),
            b'"' | b'\'' => self.string(start).map(|end| (Kind::String, end)),
            b'.' | b'0'..=b'9' => Ok(self.number(start)),
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => Ok(self.word(start)),
            _ => Err(start),
        }
    }

    /// The token at the current place, among a condition's parameters.
    fn parameter_token(&self, first: u8) -> Result<(Kind, usize), usize> {
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
                return Ok((Kind::Whitespace, self.run_of(start, blank)));
            }
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => {
                let end = self.run_of(start, is_name);
                let kind = match self.text.get(start..end).unwrap_or_default() {
                    "map" | "list" => Kind::ParamContainer,
                    "bool" | "string" | "int" | "uint" | "double" | "duration" | "timestamp"
                    | "ipaddress" => Kind::ParamType,
                    _ => Kind::Identifier,
                };
                return Ok((kind, end));
            }
            _ => return Err(start),
        };
        Ok((kind, start + 1))
    }

    /// A name or keyword, or a string with a prefix such as `r"…"`.
    fn word(&self, start: usize) -> (Kind, usize) {
        let rest = self.text.get(start..).unwrap_or_default();
        if rest.starts_with("but not") {
            return (Kind::ButNot, start + "but not".len());
        }
        if let Some(found) = self.prefixed_string(start) {
            return found;
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
            return (Kind::ExtendedIdentifier, extended);
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
            "in" => Kind::In,
            "true" => Kind::True,
            "false" => Kind::False,
            "null" => Kind::Null,
            _ => Kind::Identifier,
        };
        (kind, plain)
    }

    /// `r"…"`, `b"…"`, `br"…"`, in either case, if it is one.
    fn prefixed_string(&self, start: usize) -> Option<(Kind, usize)> {
        let (kind, at) = match self.byte(start) {
            Some(b'b' | b'B') => (Kind::Bytes, start + 1),
            _ => (Kind::String, start),
        };
        let end = match self.byte(at)? {
            b'r' | b'R' => self.raw_string(at + 1)?,
            b'"' | b'\'' => self.string(at).ok()?,
            _ => return None,
        };
        Some((kind, end))
    }

    fn number(&self, start: usize) -> (Kind, usize) {
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
            return (Kind::Dot, start + 1);
        }
        if exponent > fraction {
            return (Kind::Float, exponent);
        }
        if fraction > whole {
            let kind = if whole > start {
                Kind::SchemaVersion
            } else {
                Kind::Float
            };
            return (kind, fraction);
        }
        let mut end = whole;
        if self.byte(start) == Some(b'0') && self.byte(start + 1) == Some(b'x') {
            let hex = self.run_of(start + 2, |b| b.is_ascii_hexdigit());
            if hex > start + 2 {
                end = hex;
            }
        }
        match self.byte(end) {
            Some(b'u' | b'U') => (Kind::Uint, end + 1),
            _ => (Kind::Int, end),
        }
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
