//! Source text into tokens.
//!
//! Strings are unescaped here, so that the parser only ever sees values.

use super::error::{SyntaxError, SyntaxKind};

/// A token and the byte offset it starts at.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) at: u32,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum TokenKind {
    /// A bare identifier, reserved words included.
    Ident(String),
    /// `` `content-type` ``: only valid after a dot.
    Quoted(String),
    /// The digits as written, with `0x` where it stood; the value may only
    /// fit once a minus sign is read with it.
    Int(String),
    Uint(u64),
    Double(f64),
    Str(String),
    Bytes(Vec<u8>),
    /// An operator or a bracket, as written.
    Punct(&'static str),
    End,
}

/// Longer operators stand before their prefixes.
const PUNCTUATION: [&str; 25] = [
    "&&", "||", "==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "/", "%", "!", "?", ":", ".", ",",
    "(", ")", "[", "]", "{", "}", ";",
];

/// Splits `source` into tokens; the last one is always [`TokenKind::End`].
pub(super) fn tokenize(source: &str) -> Result<Vec<Token>, SyntaxError> {
    let mut lexer = Lexer { source, at: 0 };
    let mut tokens = Vec::new();
    loop {
        lexer.skip_blank();
        let at = lexer.at;
        let kind = lexer.token()?;
        let end = kind == TokenKind::End;
        tokens.push(Token {
            kind,
            at: u32::try_from(at).unwrap_or(u32::MAX),
        });
        if end {
            return Ok(tokens);
        }
    }
}

struct Lexer<'a> {
    source: &'a str,
    at: usize,
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        self.source.get(self.at..).unwrap_or("")
    }

    fn byte(&self, ahead: usize) -> Option<u8> {
        self.source.as_bytes().get(self.at + ahead).copied()
    }

    fn fail<T>(&self, at: usize, kind: SyntaxKind) -> Result<T, SyntaxError> {
        Err(SyntaxError::new(self.source, at, kind))
    }

    fn skip_blank(&mut self) {
        loop {
            match self.byte(0) {
                Some(b' ' | b'\t' | b'\r' | b'\n' | 0x0C) => self.at += 1,
                Some(b'/') if self.byte(1) == Some(b'/') => {
                    let line = self.rest().find('\n');
                    self.at = line.map_or(self.source.len(), |n| self.at + n);
                }
                _ => return,
            }
        }
    }

    fn token(&mut self) -> Result<TokenKind, SyntaxError> {
        let Some(first) = self.byte(0) else {
            return Ok(TokenKind::End);
        };
        if let Some((prefix, quote)) = self.string_start() {
            return self.string(prefix, quote);
        }
        if first.is_ascii_digit()
            || (first == b'.' && self.byte(1).is_some_and(|b| b.is_ascii_digit()))
        {
            return self.number();
        }
        if first == b'_' || first.is_ascii_alphabetic() {
            let name = self.take_while(|b| b == b'_' || b.is_ascii_alphanumeric());
            return Ok(TokenKind::Ident(name));
        }
        if first == b'`' {
            return self.quoted();
        }
        for punct in PUNCTUATION {
            if self.rest().starts_with(punct) {
                self.at += punct.len();
                return Ok(TokenKind::Punct(punct));
            }
        }
        let found = self.rest().chars().next().unwrap_or('\u{FFFD}');
        self.fail(self.at, SyntaxKind::UnknownCharacter { found })
    }

    fn take_while(&mut self, keep: impl Fn(u8) -> bool) -> String {
        let start = self.at;
        while self.byte(0).is_some_and(&keep) {
            self.at += 1;
        }
        self.source.get(start..self.at).unwrap_or("").to_owned()
    }

    /// A quoted field name: letters, digits and `_.-/ `.
    fn quoted(&mut self) -> Result<TokenKind, SyntaxError> {
        let start = self.at;
        self.at += 1;
        let name = self.take_while(|b| {
            b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-' | b'/' | b' ')
        });
        if name.is_empty() || self.byte(0) != Some(b'`') {
            return self.fail(start, SyntaxKind::QuotedName);
        }
        self.at += 1;
        Ok(TokenKind::Quoted(name))
    }

    fn number(&mut self) -> Result<TokenKind, SyntaxError> {
        let start = self.at;
        let hex = self.byte(0) == Some(b'0') && matches!(self.byte(1), Some(b'x' | b'X'));
        let mut double = false;
        if hex {
            self.at += 2;
            if self.take_while(|b| b.is_ascii_hexdigit()).is_empty() {
                return self.fail(start, SyntaxKind::Number);
            }
        } else {
            self.take_while(|b| b.is_ascii_digit());
            if self.byte(0) == Some(b'.') && self.byte(1).is_some_and(|b| b.is_ascii_digit()) {
                double = true;
                self.at += 1;
                self.take_while(|b| b.is_ascii_digit());
            }
            if matches!(self.byte(0), Some(b'e' | b'E')) {
                let sign = usize::from(matches!(self.byte(1), Some(b'+' | b'-')));
                if self.byte(1 + sign).is_some_and(|b| b.is_ascii_digit()) {
                    double = true;
                    self.at += 1 + sign;
                    self.take_while(|b| b.is_ascii_digit());
                }
            }
        }
        let text = self.source.get(start..self.at).unwrap_or("").to_owned();
        let unsigned = !double && matches!(self.byte(0), Some(b'u' | b'U'));
        if unsigned {
            self.at += 1;
        }
        // `1foo` is a slip of the pen, not two tokens.
        if self
            .byte(0)
            .is_some_and(|b| b == b'_' || b.is_ascii_alphanumeric())
        {
            return self.fail(start, SyntaxKind::Number);
        }
        if double {
            return match text.parse::<f64>() {
                Ok(value) if value.is_finite() => Ok(TokenKind::Double(value)),
                _ => self.fail(start, SyntaxKind::Number),
            };
        }
        if unsigned {
            return match parse_unsigned(&text) {
                Some(value) => Ok(TokenKind::Uint(value)),
                None => self.fail(start, SyntaxKind::NumberRange),
            };
        }
        Ok(TokenKind::Int(text))
    }

    /// The prefix letters and the quote, where a string starts here.
    fn string_start(&self) -> Option<(usize, u8)> {
        (0..=2).find_map(|prefix| {
            let letters =
                (0..prefix).all(|n| matches!(self.byte(n), Some(b'r' | b'R' | b'b' | b'B')));
            // One letter of each sort: `rr''` and `bb''` are identifiers.
            let distinct = prefix < 2
                || self.byte(0).map(|b| b.to_ascii_lowercase())
                    != self.byte(1).map(|b| b.to_ascii_lowercase());
            match self.byte(prefix) {
                Some(quote @ (b'"' | b'\'')) if letters && distinct => Some((prefix, quote)),
                _ => None,
            }
        })
    }

    fn string(&mut self, prefix: usize, quote: u8) -> Result<TokenKind, SyntaxError> {
        let start = self.at;
        let has = |letter: u8| {
            (0..prefix).any(|n| {
                self.byte(n)
                    .is_some_and(|b| b.eq_ignore_ascii_case(&letter))
            })
        };
        let (raw, bytes) = (has(b'r'), has(b'b'));
        self.at += prefix + 1;
        let triple = self.byte(0) == Some(quote) && self.byte(1) == Some(quote);
        if triple {
            self.at += 2;
        }
        let mut out = Vec::new();
        loop {
            let Some(byte) = self.byte(0) else {
                return self.fail(start, SyntaxKind::UnterminatedString);
            };
            let closes = byte == quote
                && (!triple || (self.byte(1) == Some(quote) && self.byte(2) == Some(quote)));
            if closes {
                self.at += if triple { 3 } else { 1 };
                break;
            }
            match byte {
                b'\n' | b'\r' if !triple => {
                    return self.fail(start, SyntaxKind::UnterminatedString);
                }
                b'\\' if !raw => self.escape(bytes, &mut out)?,
                _ => {
                    out.push(byte);
                    self.at += 1;
                }
            }
        }
        if bytes {
            return Ok(TokenKind::Bytes(out));
        }
        match String::from_utf8(out) {
            Ok(text) => Ok(TokenKind::Str(text)),
            Err(_) => self.fail(start, SyntaxKind::Escape),
        }
    }

    /// One escape sequence, from its backslash on.
    fn escape(&mut self, bytes: bool, out: &mut Vec<u8>) -> Result<(), SyntaxError> {
        let start = self.at;
        let letter = self.byte(1);
        self.at += 2;
        let simple = match letter {
            Some(b'a') => 0x07,
            Some(b'b') => 0x08,
            Some(b'f') => 0x0C,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'v') => 0x0B,
            Some(b @ (b'\\' | b'?' | b'"' | b'\'' | b'`')) => b,
            Some(b'x' | b'X') => return self.code(start, 2, 16, bytes, out),
            Some(b'u') if !bytes => return self.code(start, 4, 16, bytes, out),
            Some(b'U') if !bytes => return self.code(start, 8, 16, bytes, out),
            Some(b'0'..=b'3') => {
                self.at = start + 1;
                return self.code(start, 3, 8, bytes, out);
            }
            _ => return self.fail(start, SyntaxKind::Escape),
        };
        out.push(simple);
        Ok(())
    }

    /// A numeric escape: a byte in a bytes literal, a code point in a string.
    fn code(
        &mut self,
        start: usize,
        digits: usize,
        radix: u32,
        bytes: bool,
        out: &mut Vec<u8>,
    ) -> Result<(), SyntaxError> {
        let mut value = 0_u32;
        for _ in 0..digits {
            let digit = self.byte(0).and_then(|b| char::from(b).to_digit(radix));
            let Some(digit) = digit else {
                return self.fail(start, SyntaxKind::Escape);
            };
            // Eight hexadecimal digits fill a u32 exactly.
            value = value.wrapping_mul(radix).wrapping_add(digit);
            self.at += 1;
        }
        if bytes {
            match u8::try_from(value) {
                Ok(byte) => out.push(byte),
                Err(_) => return self.fail(start, SyntaxKind::Escape),
            }
            return Ok(());
        }
        match char::from_u32(value) {
            Some(c) => {
                let mut buffer = [0; 4];
                out.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes());
                Ok(())
            }
            None => self.fail(start, SyntaxKind::Escape),
        }
    }
}

/// Decimal or `0x` hexadecimal digits, no sign.
pub(super) fn parse_unsigned(text: &str) -> Option<u64> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}
