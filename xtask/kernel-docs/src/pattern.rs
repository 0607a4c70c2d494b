//! `F:` and `X:` patterns, read as the page's own legend explains them.
//!
//! A trailing `/` takes in all files and directories below; `*` and `?` do
//! not cross a `/`; `[ch]` is one of the characters listed. The legend's
//! words are the standard here, not the habits of `get_maintainer.pl`, which
//! also takes `dir/net` for a prefix of `dir/network.rst`.

use std::fmt;

/// One pattern, split at its slashes.
#[derive(Debug)]
pub(crate) struct Glob {
    segments: Vec<Vec<Atom>>,
    /// It ended in `/`.
    below: bool,
    /// Its text, where that holds no wildcard: then it may name a directory
    /// without saying so by a `/`.
    plain: Option<String>,
}

/// A pattern that cannot be understood.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PatternError {
    /// The pattern as written.
    pattern: String,
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "pattern `{}` must be a relative path of non-empty segments, its `[…]` closed and not negated",
            self.pattern
        )
    }
}

#[derive(Debug)]
enum Atom {
    /// `*`: any number of characters.
    Any,
    /// `?`: one character.
    One,
    /// `[79]`, `[a-f]`: one character of these ranges.
    Class(Vec<(char, char)>),
    /// That character.
    Char(char),
}

impl Glob {
    /// Reads a pattern.
    ///
    /// # Errors
    /// An empty pattern or segment, and a `[` that is not closed or is
    /// negated: nobody has said what that would mean.
    pub(crate) fn new(pattern: &str) -> Result<Self, PatternError> {
        let wrong = || PatternError {
            pattern: pattern.to_owned(),
        };
        let (path, below) = match pattern.strip_suffix('/') {
            Some(path) => (path, true),
            None => (pattern, false),
        };
        let segments = path
            .split('/')
            .map(|segment| atoms(segment).filter(|atoms| !atoms.is_empty()))
            .collect::<Option<Vec<_>>>()
            .ok_or_else(wrong)?;
        let plain = (!path.contains(['*', '?', '['])).then(|| path.to_owned());
        Ok(Self {
            segments,
            below,
            plain,
        })
    }

    /// Whether the pattern names directories, given whether a path is one.
    /// An entry may leave the `/` away where it names a directory in full.
    pub(crate) fn names_directories(&self, is_directory: impl Fn(&str) -> bool) -> bool {
        self.below || self.plain.as_deref().is_some_and(is_directory)
    }

    /// Whether the pattern, its trailing `/` aside, is this very path.
    pub(crate) fn is(&self, path: &str) -> bool {
        let mut segments = path.split('/');
        self.segments
            .iter()
            .all(|atoms| segments.next().is_some_and(|text| fits(atoms, text)))
            && segments.next().is_none()
    }
}

/// Reads one segment; nothing where a `[` is not closed or is negated.
fn atoms(segment: &str) -> Option<Vec<Atom>> {
    let mut atoms = Vec::new();
    let mut chars = segment.chars();
    while let Some(next) = chars.next() {
        atoms.push(match next {
            '*' => Atom::Any,
            '?' => Atom::One,
            '[' => {
                let (inside, rest) = chars.as_str().split_once(']')?;
                if inside.is_empty() || inside.starts_with(['!', '^']) {
                    return None;
                }
                chars = rest.chars();
                Atom::Class(ranges(inside))
            }
            plain => Atom::Char(plain),
        });
    }
    Some(atoms)
}

/// `a-f9` is the ranges a to f and 9 to 9. A `-` at either end is itself.
fn ranges(inside: &str) -> Vec<(char, char)> {
    let mut ranges = Vec::new();
    let mut chars = inside.chars().peekable();
    while let Some(first) = chars.next() {
        let mut ahead = chars.clone();
        match (ahead.next(), ahead.next()) {
            (Some('-'), Some(last)) => {
                ranges.push((first, last));
                chars = ahead;
            }
            _ => ranges.push((first, first)),
        }
    }
    ranges
}

/// Whether a segment fits: `reach` holds, for each number of characters read,
/// whether the atoms so far can have read just those.
fn fits(atoms: &[Atom], text: &str) -> bool {
    let chars: Vec<char> = text.chars().collect();
    let mut reach = vec![false; chars.len() + 1];
    if let Some(start) = reach.first_mut() {
        *start = true;
    }
    for atom in atoms {
        let mut next = vec![false; chars.len() + 1];
        if matches!(atom, Atom::Any) {
            let mut open = false;
            for (to, from) in next.iter_mut().zip(&reach) {
                open |= *from;
                *to = open;
            }
        } else {
            for ((to, from), char) in next.iter_mut().skip(1).zip(&reach).zip(&chars) {
                *to = *from && takes(atom, *char);
            }
        }
        reach = next;
    }
    reach.last().copied().unwrap_or(false)
}

fn takes(atom: &Atom, char: char) -> bool {
    match atom {
        Atom::Any | Atom::One => true,
        Atom::Class(ranges) => ranges
            .iter()
            .any(|(first, last)| (*first..=*last).contains(&char)),
        Atom::Char(own) => *own == char,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is(pattern: &str, path: &str) -> bool {
        Glob::new(pattern).unwrap().is(path)
    }

    #[test]
    fn wildcards_stay_within_a_segment() {
        assert!(is("drivers/net/*", "drivers/net/tun.c"));
        assert!(!is("drivers/net/*", "drivers/net/wan/z.c"));
        assert!(!is("drivers/net/*", "drivers/net"));
        assert!(is("*/net/", "drivers/net"));
        assert!(!is("*/net/", "a/b/net"));
        assert!(is("hwmon/da90??.rst", "hwmon/da9052.rst"));
        assert!(!is("hwmon/da90??.rst", "hwmon/da905.rst"));
        assert!(!is("a?b", "a/b"));
    }

    #[test]
    fn a_star_may_stand_for_nothing_and_may_be_met_again() {
        assert!(is("x*", "x"));
        assert!(is("*ab*b", "aabab-b"));
        assert!(!is("*ab*b", "aaba"));
        assert!(is("**", ""));
    }

    #[test]
    fn classes_list_characters_and_ranges() {
        assert!(is("da[79]*.h", "da7213.h"));
        assert!(!is("da[79]*.h", "da8213.h"));
        assert!(is("x[a-c-]", "x-"));
        assert!(is("x[a-c-]", "xb"));
        assert!(!is("x[a-c-]", "xd"));
    }

    #[test]
    fn what_is_not_a_path_is_an_error() {
        for pattern in ["", "/", "a//b", "/a", "a[b", "a[]b", "a[!b]", "a[^b]"] {
            assert!(Glob::new(pattern).is_err(), "{pattern}");
        }
    }

    #[test]
    fn only_a_plain_path_names_a_directory_without_a_slash() {
        let names = |pattern| {
            Glob::new(pattern)
                .unwrap()
                .names_directories(|path| path == "a/b")
        };
        assert!(names("a/b"));
        assert!(names("a/c/"));
        assert!(!names("a/c"));
        assert!(!names("a/*"));
    }
}
