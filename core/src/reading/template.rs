//! Templates of principals: `user:{sub}`, filled so that no two tokens that
//! differ in what is named give one principal.

use std::fmt;

use super::claim::ClaimPath;
use super::encode::{decode_id, encode};
use super::fault::ReadingFault;
use crate::model::identifier;
use crate::token::shorten;

/// How texts that are no ids become some.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// [`encode_id`](super::encode_id): `West Coast` becomes `West%20Coast`.
    Percent,
}

/// A template, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template {
    written: Box<str>,
    parts: Vec<Part>,
    encode: Option<Encoding>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(Box<str>),
    Claim {
        source: Source,
        /// What its value must not hold: the characters that part it from its
        /// neighbours.
        apart: Vec<char>,
    },
}

/// What stands in a template's braces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// The party's own `sub`.
    Subject,
    /// Its issuer, where an entry is of several.
    Issuer,
    /// A claim about it.
    Claim(ClaimPath),
}

/// Why a token's values make no principal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unfit {
    /// The claim, as the template names it.
    pub(crate) claim: String,
    pub(crate) problem: Problem,
}

/// What is wrong with a value that should become part of an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Problem {
    /// It is not there, or no text.
    NoText,
    /// It is the empty text.
    Empty,
    /// It holds a character that may not stand there, at this byte.
    Character(char, usize),
    /// The id would be too long.
    TooLong,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoText => f.write_str("is no text"),
            Self::Empty => f.write_str("is empty"),
            Self::Character(c, at) => {
                write!(f, "holds `{}` at byte {at}", c.escape_debug())
            }
            Self::TooLong => f.write_str("is too long for an id"),
        }
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "its `{}` {}", shorten(&self.claim, 100), self.problem)
    }
}

impl Template {
    /// Reads a template. `issuer` is what `{iss}` stands for, where that is one
    /// text alone.
    pub(crate) fn compile(
        text: &str,
        issuer: Option<&str>,
        encoding: Option<Encoding>,
    ) -> Result<Self, ReadingFault> {
        let form = || ReadingFault::Template {
            text: text.to_owned(),
        };
        let mut parts: Vec<Part> = Vec::new();
        for piece in split(text).ok_or_else(form)? {
            let source = match piece {
                Piece::Literal(literal) => {
                    push_literal(&mut parts, literal);
                    continue;
                }
                Piece::Name("sub") => Source::Subject,
                Piece::Name("iss") => match issuer {
                    None => Source::Issuer,
                    Some(issuer) => {
                        let literal = checked(issuer, encoding).map_err(|problem| {
                            ReadingFault::Unencoded {
                                text: text.to_owned(),
                                problem: problem.to_string(),
                            }
                        })?;
                        push_literal(&mut parts, &literal);
                        continue;
                    }
                },
                Piece::Name(name) => Source::Claim(ClaimPath::parse(name)?),
            };
            if matches!(parts.last(), Some(Part::Claim { .. })) {
                return Err(ReadingFault::Adjacent {
                    text: text.to_owned(),
                });
            }
            let apart = Vec::new();
            parts.push(Part::Claim { source, apart });
        }
        let template = Self {
            written: text.into(),
            parts: part_values(parts, encoding).ok_or_else(|| ReadingFault::Separator {
                text: text.to_owned(),
            })?,
            encode: encoding,
        };
        // A value must never choose whether it is a user or a group.
        let typed = template.literal_start().split_once(':');
        let sample = template.fill(|_| Some("x"));
        let whole = sample.is_ok_and(|sample| identifier::object(&sample).is_ok());
        if !whole || typed.is_none_or(|(kind, _)| identifier::type_name(kind).is_err()) {
            return Err(form());
        }
        Ok(template)
    }

    /// As it was written.
    pub(crate) fn as_str(&self) -> &str {
        &self.written
    }

    /// The type of what it makes.
    pub(crate) fn type_name(&self) -> &str {
        self.literal_start().split_once(':').map_or("", |(t, _)| t)
    }

    /// What all that it makes begins with.
    pub(crate) fn literal_start(&self) -> &str {
        match self.parts.first() {
            Some(Part::Literal(text)) => text,
            _ => "",
        }
    }

    pub(crate) fn sources(&self) -> impl Iterator<Item = &Source> {
        self.parts.iter().filter_map(|part| match part {
            Part::Literal(_) => None,
            Part::Claim { source, .. } => Some(source),
        })
    }

    /// The claims that it names, `sub` and `iss` aside.
    pub(crate) fn claims(&self) -> impl Iterator<Item = &ClaimPath> {
        self.sources().filter_map(|source| match source {
            Source::Claim(path) => Some(path),
            _ => None,
        })
    }

    /// The principal that it makes of these values.
    pub(crate) fn fill<'v>(
        &self,
        value: impl Fn(&Source) -> Option<&'v str>,
    ) -> Result<String, Unfit> {
        let mut filled = String::with_capacity(self.written.len() + 32);
        let mut last = "sub";
        for part in &self.parts {
            let (source, apart) = match part {
                Part::Literal(text) => {
                    filled.push_str(text);
                    continue;
                }
                Part::Claim { source, apart } => (source, apart),
            };
            last = source.name();
            let unfit = |problem| Unfit {
                claim: source.name().to_owned(),
                problem,
            };
            let text = value(source).ok_or_else(|| unfit(Problem::NoText))?;
            if text.is_empty() {
                return Err(unfit(Problem::Empty));
            }
            match self.encode {
                Some(Encoding::Percent) => filled.push_str(&encode(text, apart)),
                None => {
                    let found = text.char_indices().find(|(_, c)| apart.contains(c));
                    if let Some((at, c)) = found.or_else(|| first_unfit(text)) {
                        return Err(unfit(Problem::Character(c, at)));
                    }
                    filled.push_str(text);
                }
            }
        }
        match identifier::object(&filled) {
            Ok(_) => Ok(filled),
            Err(error) => Err(Unfit {
                claim: last.to_owned(),
                problem: match error.problem {
                    identifier::IdentifierProblem::TooLong { .. } => Problem::TooLong,
                    identifier::IdentifierProblem::Character { character, at } => {
                        Problem::Character(character, at)
                    }
                    _ => Problem::Empty,
                },
            }),
        }
    }

    /// The only `sub` that makes `filled` of a template in which nothing else
    /// stands for anything.
    pub(crate) fn subject_of(&self, filled: &str) -> Option<String> {
        let only = |part: &Part| matches!(part, Part::Literal(_)) || part.is_subject();
        if self.sources().count() != 1 || !self.parts.iter().all(only) {
            return None;
        }
        let mut rest = filled;
        if let Some(Part::Literal(before)) = self.parts.first() {
            rest = rest.strip_prefix(&**before)?;
        }
        if let (Some(Part::Literal(after)), true) = (self.parts.last(), self.parts.len() > 2) {
            rest = rest.strip_suffix(&**after)?;
        }
        let subject = match self.encode {
            Some(Encoding::Percent) => decode_id(rest)?,
            None => rest.to_owned(),
        };
        let again = self.fill(|_| Some(&subject));
        (again.as_deref() == Ok(filled)).then_some(subject)
    }
}

impl Part {
    fn is_subject(&self) -> bool {
        let Part::Claim { source, .. } = self else {
            return false;
        };
        *source == Source::Subject
    }
}

impl Source {
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Subject => "sub",
            Self::Issuer => "iss",
            Self::Claim(path) => path.as_str(),
        }
    }
}

/// A text as part of an id.
pub(super) fn checked(text: &str, encoding: Option<Encoding>) -> Result<String, Problem> {
    if text.is_empty() {
        return Err(Problem::Empty);
    }
    match (encoding, first_unfit(text)) {
        (Some(Encoding::Percent), _) => Ok(encode(text, &[])),
        (None, None) => Ok(text.to_owned()),
        (None, Some((at, c))) => Err(Problem::Character(c, at)),
    }
}

/// The first character of a text that no id may hold.
pub(super) fn first_unfit(text: &str) -> Option<(usize, char)> {
    let plain = |b: u8| b.is_ascii_graphic() && !matches!(b, b':' | b'#');
    if text.bytes().all(plain) {
        return None;
    }
    let unfit = |c: char| matches!(c, ':' | '#') || c.is_whitespace() || c.is_control();
    text.char_indices().find(|(_, c)| unfit(*c))
}

/// Between two values stands the first character of the text between them, and
/// neither may hold it: so it is told where the one ends.
fn part_values(mut parts: Vec<Part>, encoding: Option<Encoding>) -> Option<Vec<Part>> {
    for place in 0..parts.len() {
        let around = parts.get(place.checked_sub(1).unwrap_or(parts.len())..);
        let Some(
            [
                Part::Claim { .. },
                Part::Literal(between),
                Part::Claim { .. },
                ..,
            ],
        ) = around
        else {
            continue;
        };
        let first = between.chars().next()?;
        // What an encoding writes must not hold it either.
        if encoding.is_some() && (first.is_ascii_alphanumeric() || first == '%') {
            return None;
        }
        for neighbour in [place - 1, place + 1] {
            if let Some(Part::Claim { apart, .. }) = parts.get_mut(neighbour) {
                apart.push(first);
            }
        }
    }
    Some(parts)
}

pub(super) enum Piece<'t> {
    Literal(&'t str),
    Name(&'t str),
}

/// Takes a template apart; `None` where a brace has no partner.
pub(super) fn split(text: &str) -> Option<Vec<Piece<'_>>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, behind) = after.split_once('}')?;
        if before.contains('}') || name.contains('{') {
            return None;
        }
        if !before.is_empty() {
            pieces.push(Piece::Literal(before));
        }
        pieces.push(Piece::Name(name));
        rest = behind;
    }
    if rest.contains('}') {
        return None;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Literal(rest));
    }
    Some(pieces)
}

fn push_literal(parts: &mut Vec<Part>, text: &str) {
    if let Some(Part::Literal(before)) = parts.last_mut() {
        *before = format!("{before}{text}").into();
    } else {
        parts.push(Part::Literal(text.into()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(text: &str, encoding: Option<Encoding>) -> Result<Template, ReadingFault> {
        Template::compile(text, Some("https://id.example"), encoding)
    }

    /// Fills with `sub`, `a` and `b`.
    fn fill(template: &Template, sub: &str, a: &str, b: &str) -> Result<String, Unfit> {
        template.fill(|source| match source.name() {
            "sub" => Some(sub),
            "a" => Some(a),
            _ => Some(b),
        })
    }

    #[test]
    fn different_values_never_make_one_principal() {
        let values = [
            "a", "b", "a/b", "/", "b/a", "//", "a/", "/b", "%2F", "a%", "%", "ab", "", "a b",
            "a:b", "2F",
        ];
        let texts = ["user:{a}/{b}", "user:x-{a}/-{b}", "user:{a}-{sub}/{b}"];
        for encoding in [None, Some(Encoding::Percent)] {
            for text in texts {
                let template = template(text, encoding).unwrap();
                let mut made = std::collections::BTreeMap::new();
                for a in values {
                    for b in values {
                        for sub in ["a", "-", "a-", "/"] {
                            let sub = if text.contains("sub") { sub } else { "a" };
                            let Ok(principal) = fill(&template, sub, a, b) else {
                                continue;
                            };
                            let other = made.insert(principal.clone(), (sub, a, b));
                            assert!(
                                other.is_none_or(|other| other == (sub, a, b)),
                                "{text}: {other:?} and {:?} make {principal}",
                                (sub, a, b)
                            );
                        }
                    }
                }
                assert!(made.len() > 10, "{text}");
            }
        }
    }

    #[test]
    fn what_cannot_be_told_apart_is_refused() {
        for (text, encoding, code) in [
            ("user:{a}{b}", None, "template.adjacent"),
            (
                "user:{a}x{b}",
                Some(Encoding::Percent),
                "template.separator",
            ),
            (
                "user:{a}%{b}",
                Some(Encoding::Percent),
                "template.separator",
            ),
            ("user:{iss}/{sub}", None, "template.unencoded"),
            ("{sub}", None, "template.form"),
            ("{type}:{sub}", None, "template.form"),
            ("us{x}er:{sub}", None, "template.form"),
            ("user:", None, "template.form"),
            ("user:{sub", None, "template.form"),
            ("user:{sub}}", None, "template.form"),
            ("user:{{sub}}", None, "template.form"),
            ("user:a b{sub}", None, "template.form"),
            ("user:{}", None, "claim.empty"),
            ("user:{realm.sub}", None, "claim.path"),
            ("user:{act}", None, "claim.reserved"),
        ] {
            let fault = template(text, encoding).map(|t| t.written).unwrap_err();
            assert_eq!(fault.code(), code, "{text}");
        }
        let with_issuer = template("user:{iss}/{sub}", Some(Encoding::Percent)).unwrap();
        assert_eq!(
            fill(&with_issuer, "a:b", "", "").unwrap(),
            "user:https%3A//id.example/a%3Ab"
        );
    }

    #[test]
    fn a_value_that_fits_no_id_is_named_by_its_claim() {
        let plain = template("user:{sub}", None).unwrap();
        for (value, said) in [
            ("", "its `sub` is empty"),
            ("a b", "its `sub` holds ` ` at byte 1"),
            ("a:b", "its `sub` holds `:` at byte 1"),
            ("*", "its `sub` holds `*` at byte 5"),
        ] {
            assert_eq!(fill(&plain, value, "", "").unwrap_err().to_string(), said);
        }
        let long = "x".repeat(300);
        assert_eq!(
            fill(&plain, &long, "", "").unwrap_err().problem,
            Problem::TooLong
        );
    }

    #[test]
    fn a_subject_is_taken_out_again() {
        let of = |text: &str, encoding, filled: &str| {
            template(text, encoding).unwrap().subject_of(filled)
        };
        let percent = Some(Encoding::Percent);
        assert_eq!(of("agent:{sub}", None, "agent:a").as_deref(), Some("a"));
        assert_eq!(
            of("agent:x-{sub}-y", None, "agent:x-a-y").as_deref(),
            Some("a")
        );
        assert_eq!(
            of("agent:{sub}", percent, "agent:a%3Ab").as_deref(),
            Some("a:b")
        );
        for (text, filled) in [
            ("agent:{sub}", "user:a"),
            ("agent:{sub}", "agent:"),
            ("agent:{sub}/{a}", "agent:a/b"),
            ("agent:{a}", "agent:a"),
            ("agent:x{sub}x", "agent:x"),
            ("agent:all", "agent:all"),
        ] {
            assert_eq!(of(text, None, filled), None, "{text}");
        }
        assert_eq!(of("agent:{sub}", percent, "agent:a%3ab"), None);
    }
}
