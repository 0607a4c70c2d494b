//! Just enough of HTML to read a page that Sphinx wrote.

use super::page::PageError;

/// One piece of a page.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    /// `<a class="reference">`, attributes in the order written.
    Open {
        /// The tag, as written.
        tag: &'a str,
        /// Name and raw value of each attribute.
        attributes: Vec<(&'a str, &'a str)>,
    },
    /// `</a>`.
    Close(&'a str),
    /// What stands between tags, its character references resolved.
    Text(String),
}

/// Reads a page from its start to its end.
pub(crate) struct Pieces<'a> {
    rest: &'a str,
}

impl<'a> Pieces<'a> {
    /// Starts at the beginning of `page`.
    pub(crate) fn new(page: &'a str) -> Self {
        Self { rest: page }
    }

    fn tag(&mut self) -> Result<Piece<'a>, PageError> {
        let Some((inside, rest)) = self.rest.split_once('>') else {
            return Err(PageError::Markup {
                found: first_line(self.rest),
            });
        };
        self.rest = rest;
        let inside = inside.trim_end_matches('/');
        if let Some(tag) = inside.strip_prefix('/') {
            return Ok(Piece::Close(tag.trim()));
        }
        let (tag, mut raw) = inside
            .split_once(char::is_whitespace)
            .unwrap_or((inside, ""));
        let mut attributes = Vec::new();
        while let Some((name, after)) = raw.split_once("=\"") {
            let Some((value, after)) = after.split_once('"') else {
                return Err(PageError::Markup {
                    found: first_line(inside),
                });
            };
            attributes.push((name.trim(), value));
            raw = after;
        }
        Ok(Piece::Open { tag, attributes })
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Result<Piece<'a>, PageError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if self.rest.is_empty() {
                return None;
            }
            let Some(after) = self.rest.strip_prefix('<') else {
                let end = self.rest.find('<').unwrap_or(self.rest.len());
                let (text, rest) = self.rest.split_at(end);
                self.rest = rest;
                return Some(resolve(text).map(Piece::Text));
            };
            self.rest = after;
            // Comments and the doctype say nothing about the list.
            if let Some(comment) = after.strip_prefix("!--") {
                self.rest = comment.split_once("-->").map_or("", |(_, rest)| rest);
            } else if after.starts_with('!') {
                self.rest = after.split_once('>').map_or("", |(_, rest)| rest);
            } else {
                return Some(self.tag());
            }
        }
    }
}

/// Resolves `&lt;`, `&#64;` and the like.
fn resolve(text: &str) -> Result<String, PageError> {
    let mut resolved = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        resolved.push_str(before);
        let unreadable = || PageError::Markup {
            found: first_line(after),
        };
        let (name, after) = after.split_once(';').ok_or_else(unreadable)?;
        resolved.push(match name {
            "lt" => '<',
            "gt" => '>',
            "amp" => '&',
            "quot" => '"',
            "nbsp" => '\u{a0}',
            "copy" => '\u{a9}',
            _ => {
                let number = name.strip_prefix('#').ok_or_else(unreadable)?;
                let code = match number.strip_prefix(['x', 'X']) {
                    Some(hex) => u32::from_str_radix(hex, 16),
                    None => number.parse(),
                };
                code.ok().and_then(char::from_u32).ok_or_else(unreadable)?
            }
        });
        rest = after;
    }
    resolved.push_str(rest);
    Ok(resolved)
}

fn first_line(text: &str) -> String {
    text.lines()
        .next()
        .unwrap_or_default()
        .chars()
        .take(80)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_attributes_and_character_references_are_read() {
        let page = "<!DOCTYPE html>\n<a class=\"x y\" href=\"../b.html\">p<span>&#64;</span>q</a><br />&lt;&#x41;";
        let pieces: Vec<_> = Pieces::new(page).map(Result::unwrap).collect();
        assert_eq!(
            pieces,
            vec![
                Piece::Text("\n".into()),
                Piece::Open {
                    tag: "a",
                    attributes: vec![("class", "x y"), ("href", "../b.html")]
                },
                Piece::Text("p".into()),
                Piece::Open {
                    tag: "span",
                    attributes: vec![]
                },
                Piece::Text("@".into()),
                Piece::Close("span"),
                Piece::Text("q".into()),
                Piece::Close("a"),
                Piece::Open {
                    tag: "br",
                    attributes: vec![]
                },
                Piece::Text("<A".into()),
            ]
        );
    }

    #[test]
    fn an_unknown_character_reference_is_an_error() {
        assert!(Pieces::new("a&hellip;b").any(|piece| piece.is_err()));
        assert!(Pieces::new("a & b").any(|piece| piece.is_err()));
        assert!(Pieces::new("<a href=\"x").any(|piece| piece.is_err()));
    }
}
