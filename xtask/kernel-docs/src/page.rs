//! The MAINTAINERS page: entries, the people in them, their patterns.

use std::collections::BTreeSet;
use std::fmt;

use super::markup::{Piece, Pieces};
use super::pattern::{Glob, PatternError};

/// One entry of the list, e.g. "FILE LOCKING".
#[derive(Debug)]
pub(crate) struct Entry {
    /// The anchor of its heading, unique on the page: `file-locking-flock`.
    pub(crate) id: String,
    /// `M:` addresses, in lower case.
    pub(crate) maintainers: BTreeSet<String>,
    /// `R:` addresses, in lower case.
    pub(crate) reviewers: BTreeSet<String>,
    /// `F:` patterns.
    pub(crate) files: Vec<Glob>,
    /// `X:` patterns: not this entry's, whatever `F:` and `N:` say.
    pub(crate) excluded: Vec<Glob>,
    /// `N:` patterns, found anywhere in a path.
    pub(crate) regexes: Vec<regex_lite::Regex>,
}

/// Why a page cannot be read. A page that is read in part would leave people
/// out without a word, so nothing is skipped.
#[derive(Debug)]
pub(crate) enum PageError {
    /// Not the HTML that Sphinx writes.
    Markup {
        /// Where reading stopped.
        found: String,
    },
    /// There is no section `maintainers-list`, or no entry in it.
    NoList,
    /// A field name that the page's legend does not have.
    Field {
        /// The entry's anchor.
        entry: String,
        /// The name met.
        name: String,
    },
    /// Text in a field of patterns or addresses that is neither.
    Text {
        /// The entry's anchor.
        entry: String,
        /// The text met.
        found: String,
    },
    /// A pattern that cannot be understood.
    Pattern {
        /// The entry's anchor.
        entry: String,
        /// What is wrong with it.
        cause: PatternError,
    },
    /// An `N:` pattern that is no regular expression.
    Regex {
        /// The entry's anchor.
        entry: String,
        /// What is wrong with it.
        cause: regex_lite::Error,
    },
}

impl fmt::Display for PageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Markup { found } => write!(f, "cannot read the page's markup at `{found}`"),
            Self::NoList => write!(f, "the page has no `maintainers-list` with entries in it"),
            Self::Field { entry, name } => {
                write!(f, "entry `{entry}` has a field `{name}`, unknown here")
            }
            Self::Text { entry, found } => write!(
                f,
                "entry `{entry}` has `{found}` where only patterns or addresses are expected"
            ),
            Self::Pattern { entry, cause } => write!(f, "entry `{entry}`: {cause}"),
            Self::Regex { entry, cause } => write!(f, "entry `{entry}`: {cause}"),
        }
    }
}

/// The fields of an entry that say who looks after what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Maintainer,
    Reviewer,
    Files,
    Excluded,
    Regex,
    /// Lists, status, trees, chat …; also `Content regex` (`K:`), which
    /// looks into files and says nothing about their paths.
    Other,
}

impl Field {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "Mail" => Self::Maintainer,
            "Reviewer" => Self::Reviewer,
            "Files" => Self::Files,
            "Excluded" => Self::Excluded,
            "Regex" => Self::Regex,
            "Mailing list" | "Status" | "SCM" | "Web-page" | "Patchwork" | "bugs" | "chat"
            | "P" | "Content regex" => Self::Other,
            _ => return None,
        })
    }

    fn holds_patterns(self) -> bool {
        matches!(self, Self::Files | Self::Excluded | Self::Regex)
    }
}

/// Where the list begins; all before it is prose and contents.
const LIST: &str = "<section id=\"maintainers-list\">";

/// Reads every entry of the page, in the order written.
///
/// # Errors
/// [`PageError`], for anything that is not as Sphinx writes it.
pub(crate) fn read(page: &str) -> Result<Vec<Entry>, PageError> {
    let (_, list) = page.split_once(LIST).ok_or(PageError::NoList)?;
    let mut reader = Reader {
        pieces: Pieces::new(list),
    };
    let mut entries: Vec<Entry> = Vec::new();
    let mut depth = 1_u32;
    let mut field = Field::Other;
    while let Some(piece) = reader.next()? {
        match piece {
            Piece::Open {
                tag: "section",
                attributes,
            } => {
                depth += 1;
                entries.push(Entry {
                    id: attribute(&attributes, "id").unwrap_or_default().to_owned(),
                    maintainers: BTreeSet::new(),
                    reviewers: BTreeSet::new(),
                    files: Vec::new(),
                    excluded: Vec::new(),
                    regexes: Vec::new(),
                });
            }
            Piece::Close("section") => {
                depth -= 1;
                if depth == 0 {
                    break;
                }
            }
            Piece::Open { tag: "dt", .. } => {
                let name = reader.text_until("dt")?;
                let name = name.trim_end_matches(':');
                let entry = entries.last().map_or("", |entry| &entry.id);
                field = Field::named(name).ok_or_else(|| PageError::Field {
                    entry: entry.to_owned(),
                    name: name.to_owned(),
                })?;
            }
            Piece::Open { tag: "dd", .. } => {
                let Some(entry) = entries.last_mut() else {
                    return Err(PageError::NoList);
                };
                match field {
                    Field::Maintainer => reader.addresses(&mut entry.maintainers)?,
                    Field::Reviewer => reader.addresses(&mut entry.reviewers)?,
                    Field::Other => drop(reader.text_until("dd")?),
                    Field::Files | Field::Excluded | Field::Regex => {
                        let patterns = reader.patterns(&entry.id)?;
                        entry.hold(field, patterns)?;
                    }
                }
            }
            Piece::Open { .. } | Piece::Close(_) | Piece::Text(_) => {}
        }
    }
    if entries.is_empty() || depth != 0 {
        return Err(PageError::NoList);
    }
    Ok(entries)
}

impl Entry {
    fn hold(&mut self, field: Field, patterns: Vec<String>) -> Result<(), PageError> {
        debug_assert!(field.holds_patterns());
        for pattern in patterns {
            if field == Field::Regex {
                let regex = regex_lite::Regex::new(&pattern).map_err(|cause| PageError::Regex {
                    entry: self.id.clone(),
                    cause,
                })?;
                self.regexes.push(regex);
                continue;
            }
            let glob = Glob::new(&pattern).map_err(|cause| PageError::Pattern {
                entry: self.id.clone(),
                cause,
            })?;
            match field {
                Field::Excluded => self.excluded.push(glob),
                _ => self.files.push(glob),
            }
        }
        Ok(())
    }

    /// Maintainers and reviewers.
    #[cfg(test)]
    pub(crate) fn people(&self) -> impl Iterator<Item = &String> {
        self.maintainers.iter().chain(&self.reviewers)
    }
}

struct Reader<'a> {
    pieces: Pieces<'a>,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<Option<Piece<'a>>, PageError> {
        self.pieces.next().transpose()
    }

    /// All text up to the closing `tag`.
    fn text_until(&mut self, tag: &str) -> Result<String, PageError> {
        let mut text = String::new();
        while let Some(piece) = self.next()? {
            match piece {
                Piece::Close(closed) if closed == tag => return Ok(text),
                Piece::Text(part) => text.push_str(&part),
                Piece::Open { .. } | Piece::Close(_) => {}
            }
        }
        Err(PageError::NoList)
    }

    /// The addresses of a field, in lower case; names and remarks are passed
    /// over.
    fn addresses(&mut self, people: &mut BTreeSet<String>) -> Result<(), PageError> {
        while let Some(piece) = self.next()? {
            match piece {
                Piece::Close("dd") => return Ok(()),
                Piece::Open {
                    tag: "a",
                    attributes,
                } if attribute(&attributes, "href").is_some_and(|to| to.starts_with("mailto:")) => {
                    people.insert(self.text_until("a")?.to_ascii_lowercase());
                }
                Piece::Open { .. } | Piece::Close(_) | Piece::Text(_) => {}
            }
        }
        Err(PageError::NoList)
    }

    /// The patterns of a field. A plain path of an `.rst` file stands on the
    /// page as a link to that document, every other pattern as a literal.
    fn patterns(&mut self, entry: &str) -> Result<Vec<String>, PageError> {
        let mut patterns = Vec::new();
        while let Some(piece) = self.next()? {
            match piece {
                Piece::Close("dd") => return Ok(patterns),
                Piece::Open { tag: "code", .. } => patterns.push(self.text_until("code")?),
                Piece::Open { tag: "a", .. } => {
                    let document = self.text_until("a")?;
                    patterns.push(format!("Documentation/{document}.rst"));
                }
                Piece::Text(text) if !text.trim().is_empty() => {
                    return Err(PageError::Text {
                        entry: entry.to_owned(),
                        found: text.trim().to_owned(),
                    });
                }
                Piece::Open { .. } | Piece::Close(_) | Piece::Text(_) => {}
            }
        }
        Err(PageError::NoList)
    }
}

fn attribute<'a>(attributes: &[(&'a str, &'a str)], name: &str) -> Option<&'a str> {
    attributes
        .iter()
        .find_map(|(key, value)| (*key == name).then_some(*value))
}
