//! Regular expressions in linear time.
//!
//! CEL asks for RE2's syntax. The `regex-lite` crate takes most of it, runs in
//! time linear in the text, and adds 22 KB to a gzipped wasm file; what it
//! lacks (`\pN`, `\Q…\E`, case folding outside ASCII) is an error here and
//! never another answer. `\d`, `\s`, `\w` and `\b` are ASCII in both.
//! Without the `regex` feature every pattern is refused.

use super::error::EvalError;

/// A compiled regular expression.
#[derive(Debug)]
pub(super) struct Pattern {
    regex: Regex,
    /// Its length in characters, for the price.
    pub(super) size: u64,
    /// How many steps one byte of text takes at most, in rough terms.
    weight: u64,
}

#[cfg(feature = "regex")]
type Regex = regex_lite::Regex;

/// No pattern compiles, so there is no value of this type.
#[cfg(not(feature = "regex"))]
type Regex = std::convert::Infallible;

#[cfg(feature = "regex")]
fn build(pattern: &str) -> Option<Regex> {
    /// How large a compiled pattern may be, in bytes.
    const SIZE_LIMIT: usize = 64 * 1024;
    regex_lite::RegexBuilder::new(pattern)
        .size_limit(SIZE_LIMIT)
        .nest_limit(32)
        .build()
        .ok()
}

#[cfg(not(feature = "regex"))]
fn build(_: &str) -> Option<Regex> {
    None
}

impl Pattern {
    pub(super) fn new(pattern: &str) -> Result<Self, EvalError> {
        let regex = if folds_beyond_ascii(pattern) {
            None
        } else {
            build(pattern)
        };
        match regex {
            Some(regex) => Ok(Self {
                regex,
                size: pattern.chars().count() as u64,
                weight: weigh(pattern),
            }),
            None => Err(EvalError::Pattern),
        }
    }

    /// Whether the pattern occurs in the text.
    #[cfg(feature = "regex")]
    pub(super) fn matches(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    /// Whether the pattern occurs in the text.
    #[cfg(not(feature = "regex"))]
    pub(super) fn matches(&self, _: &str) -> bool {
        match self.regex {}
    }

    /// The steps that matching a text takes from an evaluation's budget.
    pub(super) fn steps(&self, text: &str) -> u64 {
        (text.len() as u64 + 1).saturating_mul(self.weight) / 16
    }
}

/// `(?i)` with letters outside ASCII, which `regex-lite` would not fold.
fn folds_beyond_ascii(pattern: &str) -> bool {
    !pattern.is_ascii()
        && pattern.split("(?").skip(1).any(|flags| {
            flags
                .chars()
                .take_while(|c| c.is_ascii_alphabetic())
                .any(|c| c == 'i')
        })
}

/// An upper estimate of the states that a pattern has: its length times its
/// counted repetitions, and never more than fit the size limit.
fn weigh(pattern: &str) -> u64 {
    let mut weight = pattern.len() as u64 + 1;
    for counted in pattern.split('{').skip(1) {
        let count = counted.split('}').next().unwrap_or("");
        let count = count.split(',').filter_map(|n| n.parse::<u64>().ok()).max();
        weight = weight.saturating_mul(count.unwrap_or(1).max(1));
    }
    weight.min(4096)
}
