//! Actions and the patterns that cover them: `integration:deploy`,
//! `integration:*`, `*`.
//!
//! An action is one or more segments joined by `:`. In a pattern a segment may
//! be `*`:
//!
//! - as the last segment it covers one or more segments, whatever they are:
//!   `integration:*` covers `integration:get` and `integration:log:tail`, but
//!   not `integration`;
//! - alone it therefore covers every action;
//! - anywhere else it covers exactly one segment.
//!
//! A pattern without a last `*` covers only actions of its own length. What is
//! asked may be a pattern as well (`function:*` asks for all of them at once),
//! and then it is covered only when every action it stands for is.

use std::fmt;

#[cfg(test)]
mod tests;

/// The longest pattern that is read, in bytes. Fusebit's longest action is 40;
/// a scope token of that length would not fit a usual HTTP header twice.
pub const MAX_PATTERN_BYTES: usize = 512;

/// A checked action pattern. Two patterns are equal exactly when they cover
/// the same actions.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pattern {
    text: Box<str>,
}

impl Pattern {
    /// Reads a pattern as written, e.g. `integration:*`.
    ///
    /// # Errors
    ///
    /// - [`ActionError::Empty`] for an empty text;
    /// - [`ActionError::EmptySegment`] for `a::b`, `:a` and `a:`;
    /// - [`ActionError::PartialWildcard`] for a `*` that is not a whole segment;
    /// - [`ActionError::Character`] for white space and control characters;
    /// - [`ActionError::TooLong`] beyond [`MAX_PATTERN_BYTES`].
    pub fn parse(text: &str) -> Result<Pattern, ActionError> {
        if text.is_empty() {
            return Err(ActionError::Empty);
        }
        if text.len() > MAX_PATTERN_BYTES {
            return Err(ActionError::TooLong {
                bytes: text.len(),
                limit: MAX_PATTERN_BYTES,
            });
        }
        for segment in text.split(':') {
            if segment.is_empty() {
                return Err(ActionError::EmptySegment {
                    action: text.to_owned(),
                });
            }
            if let Some(found) = segment.chars().find(|c| is_refused(*c)) {
                return Err(ActionError::Character {
                    action: text.to_owned(),
                    found,
                });
            }
            if !is_segment(segment) {
                return Err(ActionError::PartialWildcard {
                    action: text.to_owned(),
                });
            }
        }
        Ok(Pattern { text: text.into() })
    }

    /// The pattern as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the pattern has no `*`, and so covers one action: itself.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        !self.text.contains('*')
    }

    /// Whether every action that `action` stands for is covered. A text that
    /// is no action (an empty segment, a `*` within a word) is never covered.
    #[must_use]
    pub fn covers(&self, action: &str) -> bool {
        let mut pattern = self.text.split(':').peekable();
        let mut asked = action.split(':');
        loop {
            match (pattern.next(), asked.next()) {
                (None, None) => return true,
                (None, Some(_)) | (Some(_), None) => return false,
                (Some("*"), Some(segment)) => {
                    if !is_segment(segment) {
                        return false;
                    }
                    if pattern.peek().is_none() {
                        return asked.all(is_segment);
                    }
                }
                // A last `*` in what is asked stands for any number of
                // segments, so a word in the pattern must not meet it: the
                // texts differ, and it is refused here.
                (Some(word), Some(segment)) => {
                    if word != segment {
                        return false;
                    }
                }
            }
        }
    }

    /// Whether every action that this pattern covers is covered by `other`.
    #[must_use]
    pub fn is_within(&self, other: &Pattern) -> bool {
        // Words are unbounded in number, so inclusion is decided segment by
        // segment, which is what asking for a pattern already means.
        other.covers(&self.text)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Why a text is not an action pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ActionError {
    /// Nothing was written.
    Empty,
    /// Two colons in a row, or one at an end.
    EmptySegment {
        /// The pattern as written.
        action: String,
    },
    /// A `*` beside other characters.
    PartialWildcard {
        /// The pattern as written.
        action: String,
    },
    /// White space or a control character.
    Character {
        /// The pattern as written.
        action: String,
        /// The character that may not occur.
        found: char,
    },
    /// Longer than [`MAX_PATTERN_BYTES`].
    TooLong {
        /// Its length in bytes.
        bytes: usize,
        /// The longest that is read.
        limit: usize,
    },
}

impl ActionError {
    /// A stable name for the kind of error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            ActionError::Empty => "action.empty",
            ActionError::EmptySegment { .. } => "action.empty_segment",
            ActionError::PartialWildcard { .. } => "action.partial_wildcard",
            ActionError::Character { .. } => "action.character",
            ActionError::TooLong { .. } => "action.too_long",
        }
    }
}

impl fmt::Display for ActionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ActionError::Empty => {
                f.write_str("an action is empty; write a name such as `integration:deploy`")
            }
            ActionError::EmptySegment { action } => write!(
                f,
                "action `{action}` has an empty segment; put a name or `*` between the colons"
            ),
            ActionError::PartialWildcard { action } => write!(
                f,
                "action `{action}` has a `*` inside a word; `*` stands for a whole segment"
            ),
            ActionError::Character { action, found } => write!(
                f,
                "action `{}` holds {found:?}; white space and control characters are not allowed",
                action.escape_debug()
            ),
            ActionError::TooLong { bytes, limit } => {
                write!(
                    f,
                    "an action is {bytes} bytes long; at most {limit} are read"
                )
            }
        }
    }
}

impl std::error::Error for ActionError {}

fn is_segment(segment: &str) -> bool {
    segment == "*" || (!segment.is_empty() && !segment.chars().any(|c| c == '*' || is_refused(c)))
}

fn is_refused(c: char) -> bool {
    c.is_whitespace() || c.is_control()
}
