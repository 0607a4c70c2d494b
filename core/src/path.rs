//! Resource paths: `/account/acc-1/subscription/sub-1/`.
//!
//! A path has one normal form, with a leading and a trailing `/`, so that a
//! rule for `/account/acc-1/` covers all below it by prefix and never
//! `/account/acc-10/`. Spellings that another program might read as another
//! path are errors, not guesses: `.` and `..`, empty segments, backslashes,
//! control characters, and percent-encodings of any of them.

use std::borrow::Cow;
use std::fmt;

#[cfg(test)]
mod tests;

/// The longest path that is read, in bytes: what servers commonly take in a
/// request line.
pub const MAX_PATH_BYTES: usize = 2048;

/// A checked path in its normal form. It borrows the text it was read from
/// when that was normal already.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path<'a> {
    text: Cow<'a, str>,
}

impl<'a> Path<'a> {
    /// Reads a path; a missing leading or trailing `/` is added.
    ///
    /// # Errors
    ///
    /// - [`PathError::Empty`] for an empty text;
    /// - [`PathError::EmptySegment`] for `//`;
    /// - [`PathError::DotSegment`] for `.` and `..`, also before a `;`;
    /// - [`PathError::Character`] for a backslash, a control character, `?` or `#`;
    /// - [`PathError::Encoding`] for a percent-encoded separator, dot, percent
    ///   sign, control character or ill-formed UTF-8, and for a `%` without
    ///   two hexadecimal digits;
    /// - [`PathError::TooLong`] beyond [`MAX_PATH_BYTES`].
    pub fn parse(text: &'a str) -> Result<Path<'a>, PathError> {
        let inner = segments(text)?;
        let normal = text.starts_with('/') && text.ends_with('/');
        let text = if normal {
            Cow::Borrowed(text)
        } else if inner.is_empty() {
            Cow::Borrowed("/")
        } else {
            Cow::Owned(format!("/{inner}/"))
        };
        Ok(Path { text })
    }

    /// The normal form, with a leading and a trailing `/`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The same path, independent of the text it was read from.
    #[must_use]
    pub fn into_owned(self) -> Path<'static> {
        Path {
            text: Cow::Owned(self.text.into_owned()),
        }
    }

    /// Whether `other` is this path or lies below it.
    #[must_use]
    pub fn covers(&self, other: &Path<'_>) -> bool {
        // Both end in `/`, so a prefix of the text is a prefix of segments.
        other.text.starts_with(self.as_str())
    }

    /// [`covers`](Path::covers) for a path as somebody wrote it, without
    /// building its normal form. A malformed path is not covered.
    #[must_use]
    pub fn covers_text(&self, asked: &str) -> bool {
        segments(asked).is_ok_and(|asked| self.covers_segments(asked))
    }

    /// The path and each path above it, from the longest to `/`.
    #[must_use]
    pub fn prefixes(&self) -> Prefixes<'_> {
        Prefixes {
            next: Some(self.as_str()),
        }
    }

    /// [`covers`](Path::covers) for what [`segments`] returned.
    pub(crate) fn covers_segments(&self, asked: &str) -> bool {
        let own = self.text.trim_matches('/');
        own.is_empty()
            || asked
                .strip_prefix(own)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The paths that [`Path::prefixes`] gives, each in its normal form.
#[derive(Debug, Clone)]
pub struct Prefixes<'p> {
    next: Option<&'p str>,
}

impl<'p> Iterator for Prefixes<'p> {
    type Item = &'p str;

    fn next(&mut self) -> Option<&'p str> {
        let current = self.next?;
        self.next = current
            .strip_suffix('/')
            .and_then(|shorter| shorter.rfind('/'))
            .and_then(|end| current.get(..=end));
        Some(current)
    }
}

/// Checks a path and returns its segments joined by `/`, without the outer
/// slashes; nothing is allocated unless it holds a percent sign. The root is
/// the empty text.
pub(crate) fn segments(text: &str) -> Result<&str, PathError> {
    if text.is_empty() {
        return Err(PathError::Empty);
    }
    if text.len() > MAX_PATH_BYTES {
        return Err(PathError::TooLong {
            bytes: text.len(),
            limit: MAX_PATH_BYTES,
        });
    }
    if text == "/" {
        return Ok("");
    }
    let inner = text.strip_prefix('/').unwrap_or(text);
    let inner = inner.strip_suffix('/').unwrap_or(inner);
    for segment in inner.split('/') {
        check_segment(segment).map_err(|fault| fault.of(text))?;
    }
    Ok(inner)
}

/// Why a text is not a resource path.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PathError {
    /// Nothing was written.
    Empty,
    /// Two slashes in a row.
    EmptySegment {
        /// The path as written.
        path: String,
    },
    /// `.` or `..`, which another program would resolve.
    DotSegment {
        /// The path as written.
        path: String,
    },
    /// A backslash, a control character, `?` or `#`.
    Character {
        /// The path as written.
        path: String,
        /// The character that may not occur.
        found: char,
    },
    /// A percent-encoding that hides a separator, or is none.
    Encoding {
        /// The path as written.
        path: String,
    },
    /// Longer than [`MAX_PATH_BYTES`].
    TooLong {
        /// Its length in bytes.
        bytes: usize,
        /// The longest that is read.
        limit: usize,
    },
}

impl PathError {
    /// A stable name for the kind of error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            PathError::Empty => "path.empty",
            PathError::EmptySegment { .. } => "path.empty_segment",
            PathError::DotSegment { .. } => "path.dot_segment",
            PathError::Character { .. } => "path.character",
            PathError::Encoding { .. } => "path.encoding",
            PathError::TooLong { .. } => "path.too_long",
        }
    }
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PathError::Empty => f.write_str("a path is empty; write `/` for the root"),
            PathError::EmptySegment { path } => write!(
                f,
                "path `{}` has an empty segment; write one `/` between names",
                path.escape_debug()
            ),
            PathError::DotSegment { path } => write!(
                f,
                "path `{}` has a `.` or `..` segment; write the path it leads to",
                path.escape_debug()
            ),
            PathError::Character { path, found } => write!(
                f,
                "path `{}` holds {found:?}; backslashes, control characters, `?` and `#` are not allowed",
                path.escape_debug()
            ),
            PathError::Encoding { path } => write!(
                f,
                "path `{}` has a percent-encoding that is ill-formed or hides a separator; write the characters themselves",
                path.escape_debug()
            ),
            PathError::TooLong { bytes, limit } => {
                write!(f, "a path is {bytes} bytes long; at most {limit} are read")
            }
        }
    }
}

impl std::error::Error for PathError {}

/// A fault of one segment, before it is known which path to blame.
enum Fault {
    Empty,
    Dot,
    Character(char),
    Encoding,
}

impl Fault {
    fn of(self, path: &str) -> PathError {
        let path = path.to_owned();
        match self {
            Fault::Empty => PathError::EmptySegment { path },
            Fault::Dot => PathError::DotSegment { path },
            Fault::Character(found) => PathError::Character { path, found },
            Fault::Encoding => PathError::Encoding { path },
        }
    }
}

fn check_segment(segment: &str) -> Result<(), Fault> {
    if segment.is_empty() {
        return Err(Fault::Empty);
    }
    // Some servers drop `;parameters` before they resolve dots.
    let name = segment.split(';').next().unwrap_or(segment);
    if name == "." || name == ".." {
        return Err(Fault::Dot);
    }
    let refused = |c: char| c.is_control() || matches!(c, '\\' | '?' | '#');
    if let Some(found) = segment.chars().find(|c| refused(*c)) {
        return Err(Fault::Character(found));
    }
    if segment.contains('%') {
        check_encoding(segment)?;
    }
    Ok(())
}

fn check_encoding(segment: &str) -> Result<(), Fault> {
    let mut decoded = Vec::with_capacity(segment.len());
    let mut bytes = segment.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let high = bytes.next().and_then(hex);
        let low = bytes.next().and_then(hex);
        let (Some(high), Some(low)) = (high, low) else {
            return Err(Fault::Encoding);
        };
        let byte = high << 4 | low;
        // `%25` is refused because decoding twice would bring the others back.
        if matches!(byte, b'/' | b'\\' | b'.' | b'%' | b'?' | b'#' | b';') {
            return Err(Fault::Encoding);
        }
        decoded.push(byte);
    }
    // Overlong forms such as `%c0%af` are ill-formed UTF-8.
    let text = std::str::from_utf8(&decoded).map_err(|_| Fault::Encoding)?;
    if text.chars().any(char::is_control) {
        return Err(Fault::Encoding);
    }
    Ok(())
}

fn hex(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}
