//! `fga.mod`: which files a model is made of.
//!
//! The file is YAML, of which only this much is read: the two fields `schema`
//! and `contents`, a string and a block list of strings, plain or quoted, and
//! comments. Anything else is an error. A YAML parser would weigh more than
//! the rest of the model together in a WebAssembly module, gives no positions
//! with the types it reads, and has features (anchors, tags, includes) that a
//! list of files is better off without.

use std::fmt;

/// A place in the file: from one line and column to another, counted from 0,
/// the last column excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Place {
    /// The line and column of the first character.
    pub start: (u32, u32),
    /// The line and column behind the last one.
    pub end: (u32, u32),
}

/// A value and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed<T> {
    /// The value.
    pub value: T,
    /// Where it stands, with its quotes.
    pub place: Place,
}

/// What `fga.mod` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The schema version: `1.2`.
    pub schema: Placed<String>,
    /// The files, relative to `fga.mod` and never above it.
    pub contents: Placed<Vec<Placed<String>>>,
}

/// One thing that is wrong with `fga.mod`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestError {
    /// What is wrong.
    pub kind: ManifestProblem,
    /// Where; the start of the file for what is missing.
    pub place: Place,
}

/// What is wrong with `fga.mod`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ManifestProblem {
    /// A line that is none of the YAML read here.
    Malformed,
    /// A field other than `schema` and `contents`, or one of them again.
    UnexpectedField {
        /// Its name.
        name: String,
    },
    /// No `schema`.
    MissingSchema,
    /// `schema` is no string; without quotes, `1.2` is a number.
    SchemaType {
        /// What it is.
        value: String,
    },
    /// `schema` is not `1.2`.
    SchemaVersion,
    /// No `contents`.
    MissingContents,
    /// `contents` is no list.
    ContentsType {
        /// What it is.
        value: String,
    },
    /// An item is no string.
    ItemType {
        /// What it is.
        value: String,
    },
    /// An item leads out of the folder.
    ItemPath {
        /// The item.
        value: String,
    },
    /// An item does not end in `.fga`.
    ItemExtension {
        /// The item.
        value: String,
    },
}

impl ManifestError {
    /// A stable code.
    pub fn code(&self) -> &'static str {
        match self.kind {
            ManifestProblem::Malformed => "manifest.malformed",
            ManifestProblem::UnexpectedField { .. } => "manifest.unexpected-field",
            ManifestProblem::MissingSchema => "manifest.missing-schema",
            ManifestProblem::SchemaType { .. } => "manifest.schema-type",
            ManifestProblem::SchemaVersion => "manifest.schema-version",
            ManifestProblem::MissingContents => "manifest.missing-contents",
            ManifestProblem::ContentsType { .. } => "manifest.contents-type",
            ManifestProblem::ItemType { .. } => "manifest.item-type",
            ManifestProblem::ItemPath { .. } => "manifest.item-path",
            ManifestProblem::ItemExtension { .. } => "manifest.item-extension",
        }
    }

    /// What is wrong, without the place: OpenFGA's wording where it has one.
    pub fn message(&self) -> String {
        match &self.kind {
            ManifestProblem::Malformed => {
                "expected `schema: \"1.2\"`, `contents:` or `- file.fga`".to_owned()
            }
            ManifestProblem::UnexpectedField { name } => {
                format!("unexpected field `{name}`, expected `schema` and `contents` once each")
            }
            ManifestProblem::MissingSchema => "missing schema field".to_owned(),
            ManifestProblem::SchemaType { value } => {
                format!("unexpected schema type, expected string got value {value}")
            }
            ManifestProblem::SchemaVersion => {
                "unsupported schema version, fga.mod only supported in version `1.2`".to_owned()
            }
            ManifestProblem::MissingContents => "missing contents field".to_owned(),
            ManifestProblem::ContentsType { value } => {
                format!("unexpected contents type, expected list of strings got value {value}")
            }
            ManifestProblem::ItemType { value } => {
                format!("unexpected contents item type, expected string got value {value}")
            }
            ManifestProblem::ItemPath { value } => format!("invalid contents item {value}"),
            ManifestProblem::ItemExtension { value } => {
                format!("contents items should use fga file extension, got {value}")
            }
        }
    }
}

impl fmt::Display for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, column) = self.place.start;
        let message = self.message();
        write!(f, "line {}, column {}: {message}", line + 1, column + 1)
    }
}

impl std::error::Error for ManifestError {}

impl Manifest {
    /// Reads `fga.mod`.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(text: &str) -> Result<Self, Vec<ManifestError>> {
        let mut reader = Reader::default();
        for (line, raw) in text.split('\n').enumerate() {
            let line = u32::try_from(line).unwrap_or(u32::MAX);
            reader.line(line, raw.strip_suffix('\r').unwrap_or(raw));
        }
        reader.finish(text)
    }
}

/// A scalar as it is written: a string, or something else that YAML gives
/// another type.
struct Scalar {
    value: String,
    is_string: bool,
    place: Place,
}

#[derive(Default)]
struct Reader {
    schema: Option<Scalar>,
    contents: Option<Contents>,
    /// Items may follow.
    in_contents: bool,
    errors: Vec<ManifestError>,
}

struct Contents {
    /// What stands on the line of the field itself.
    scalar: Option<Scalar>,
    /// Where the field's value would stand if there is none.
    place: Place,
    /// Where the first dash stands.
    start: Option<(u32, u32)>,
    last_line: u32,
    items: Vec<Scalar>,
}

impl Reader {
    fn line(&mut self, line: u32, raw: &str) {
        let text = raw.trim_start_matches(' ');
        let indent = width(raw) - width(text);
        if text.is_empty() || text.starts_with('#') || raw.trim_end() == "---" {
            return;
        }
        let item = text.strip_prefix('-').filter(|rest| rest.starts_with(' '));
        match item {
            Some(rest) if self.in_contents => self.item(line, indent, rest),
            None if indent == 0 => self.field(line, text),
            _ => self.malformed(line, indent, text),
        }
    }

    fn malformed(&mut self, line: u32, column: u32, text: &str) {
        self.errors.push(ManifestError {
            kind: ManifestProblem::Malformed,
            place: Place {
                start: (line, column),
                end: (line, column + width(text)),
            },
        });
    }

    fn item(&mut self, line: u32, indent: u32, rest: &str) {
        let text = rest.trim_start_matches(' ');
        let column = indent + 1 + width(rest) - width(text);
        let Some(scalar) = scalar(line, column, text) else {
            return self.malformed(line, column, text);
        };
        if let Some(contents) = &mut self.contents {
            contents.start.get_or_insert((line, indent));
            contents.last_line = line;
            contents.items.push(scalar);
        }
    }

    fn field(&mut self, line: u32, text: &str) {
        self.in_contents = false;
        let Some((name, rest)) = text.split_once(':') else {
            return self.malformed(line, 0, text);
        };
        let value = rest.trim_start_matches(' ');
        let column = width(name) + 1 + width(rest) - width(value);
        let place = Place {
            start: (line, column),
            end: (line, column),
        };
        let has_value = !value.is_empty() && !value.starts_with('#');
        if has_value && !rest.starts_with(' ') {
            return self.malformed(line, 0, text);
        }
        let scalar = match has_value {
            true => scalar(line, column, value),
            false => None,
        };
        if has_value && scalar.is_none() {
            return self.malformed(line, column, value);
        }
        match name {
            "schema" if self.schema.is_none() => {
                self.schema = Some(scalar.unwrap_or(Scalar {
                    value: "null".to_owned(),
                    is_string: false,
                    place,
                }));
            }
            "contents" if self.contents.is_none() => {
                self.in_contents = scalar.is_none();
                self.contents = Some(Contents {
                    scalar,
                    place,
                    start: None,
                    last_line: line,
                    items: Vec::new(),
                });
            }
            _ => self.errors.push(ManifestError {
                kind: ManifestProblem::UnexpectedField {
                    name: name.to_owned(),
                },
                place: Place {
                    start: (line, 0),
                    end: (line, width(name)),
                },
            }),
        }
    }

    fn raise(&mut self, kind: ManifestProblem, place: Place) {
        self.errors.push(ManifestError { kind, place });
    }

    fn finish(mut self, text: &str) -> Result<Manifest, Vec<ManifestError>> {
        let schema = match self.schema.take() {
            None => {
                self.raise(ManifestProblem::MissingSchema, Place::default());
                None
            }
            Some(scalar) if scalar.is_string && scalar.value == "1.2" => Some(Placed {
                value: scalar.value,
                place: scalar.place,
            }),
            Some(scalar) if scalar.is_string => {
                self.raise(ManifestProblem::SchemaVersion, scalar.place);
                None
            }
            Some(Scalar { value, place, .. }) => {
                self.raise(ManifestProblem::SchemaType { value }, place);
                None
            }
        };
        let contents = match self.contents.take() {
            None => {
                self.raise(ManifestProblem::MissingContents, Place::default());
                None
            }
            Some(contents) => self.contents(contents, text),
        };
        match (schema, contents) {
            (Some(schema), Some(contents)) if self.errors.is_empty() => {
                Ok(Manifest { schema, contents })
            }
            _ => Err(self.errors),
        }
    }

    fn contents(&mut self, contents: Contents, text: &str) -> Option<Placed<Vec<Placed<String>>>> {
        let Some(start) = contents.start else {
            let (value, place) = match contents.scalar {
                Some(scalar) => (scalar.value, scalar.place),
                None => ("null".to_owned(), contents.place),
            };
            self.raise(ManifestProblem::ContentsType { value }, place);
            return None;
        };
        let mut value = Vec::new();
        for item in contents.items {
            if !item.is_string {
                let kind = ManifestProblem::ItemType { value: item.value };
                self.raise(kind, item.place);
                continue;
            }
            match path(&item.value) {
                Ok(path) => value.push(Placed {
                    value: path,
                    place: item.place,
                }),
                Err(kind) => self.raise(kind, item.place),
            }
        }
        // The list ends where the line after its last item begins.
        let last = text.split('\n').nth(contents.last_line as usize);
        let has_next = text
            .split('\n')
            .nth(contents.last_line as usize + 1)
            .is_some();
        let end = match has_next {
            true => (contents.last_line + 1, 0),
            false => (contents.last_line, width(last.unwrap_or_default())),
        };
        let place = Place { start, end };
        Some(Placed { value, place })
    }
}

/// The path that an item names, if it ends in `.fga` and stays in the folder.
fn path(item: &str) -> Result<String, ManifestProblem> {
    let value = item.to_owned();
    let mut path = String::with_capacity(item.len());
    let mut rest = item;
    while let Some(at) = rest.find('%') {
        let (before, code) = rest.split_at(at);
        path.push_str(before);
        let found = [("%2e", '.'), ("%2f", '/'), ("%5c", '\\')].into_iter();
        let head = code.get(..3).unwrap_or_default().to_ascii_lowercase();
        match found.into_iter().find(|(code, _)| *code == head) {
            Some((_, c)) => {
                path.push(c);
                rest = code.get(3..).unwrap_or_default();
            }
            None => {
                path.push('%');
                rest = code.get(1..).unwrap_or_default();
            }
        }
    }
    path.push_str(rest);
    let leaves = path.contains("../")
        || path.contains("..\\")
        || path.starts_with(['/', '\\'])
        || path.chars().any(char::is_control)
        // A drive, `C:`.
        || path.chars().nth(1) == Some(':');
    if leaves {
        return Err(ManifestProblem::ItemPath { value });
    }
    match path.ends_with(".fga") {
        true => Ok(path),
        false => Err(ManifestProblem::ItemExtension { value }),
    }
}

/// A scalar that fills the rest of a line, but for a comment; none for YAML
/// that is not read here.
fn scalar(line: u32, column: u32, text: &str) -> Option<Scalar> {
    let place = |width: u32| Place {
        start: (line, column),
        end: (line, column + width),
    };
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''));
    if let Some(quote) = quote {
        let inner = text.get(1..)?;
        let (value, after) = inner.split_once(quote)?;
        // Neither escapes nor doubled quotes have a use in a path.
        let after = after.trim_start();
        if value.contains('\\') && quote == '"' || !(after.is_empty() || after.starts_with('#')) {
            return None;
        }
        return Some(Scalar {
            value: value.to_owned(),
            is_string: true,
            place: place(width(value) + 2),
        });
    }
    let value = text.split(" #").next().unwrap_or(text).trim_end();
    let special = |c| {
        matches!(
            c,
            '[' | '{' | '&' | '*' | '!' | '|' | '>' | '@' | '`' | '%' | '#'
        )
    };
    if value.starts_with(special) || value.contains(": ") || value.ends_with(':') {
        return None;
    }
    let is_number = value.parse::<f64>().is_ok()
        && value.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '+'));
    let lower = value.to_ascii_lowercase();
    let is_word = matches!(lower.as_str(), "true" | "false" | "null" | "~" | "");
    Some(Scalar {
        value: value.to_owned(),
        is_string: !is_number && !is_word,
        place: place(width(value)),
    })
}

fn width(text: &str) -> u32 {
    u32::try_from(text.chars().count()).unwrap_or(u32::MAX)
}
