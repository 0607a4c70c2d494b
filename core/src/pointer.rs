//! Where in a JSON text a reader stopped, as a JSON pointer (RFC 6901).
//!
//! A reader of one's own types knows the line and the column; which value
//! stands there, the text tells. Nothing is parsed twice by type, which would
//! double the code of every shape.

use std::fmt::Write as _;

/// The JSON pointer of what `error` is about, in the text that was read.
#[must_use]
pub fn of_error(text: &str, error: &serde_json::Error) -> String {
    let end = offset(text, error.line(), error.column());
    let mut walk = Walk::default();
    walk.to(text.as_bytes().get(..end).unwrap_or(text.as_bytes()));
    // It is found where the member's name stands, and is about the object. (A
    // member that is missing is found where its object has ended.)
    if error.to_string().starts_with("duplicate field") {
        walk.leave_member();
    }
    walk.pointer(text)
}

/// The offset of a line and column, both from 1, the column in bytes.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let before: usize = text
        .split_inclusive('\n')
        .take(line.saturating_sub(1))
        .map(str::len)
        .sum();
    (before + column).min(text.len())
}

/// One container on the way.
enum Level {
    /// An object, and where in the text the name of the member is that is being
    /// read, quotes not counted.
    Object(Option<(usize, usize)>),
    /// An array, and which item is being read.
    Array(usize),
}

/// The containers around a place.
#[derive(Default)]
struct Walk {
    levels: Vec<Level>,
}

impl Walk {
    /// Reads a text that may end anywhere. It need not be JSON to the end: what
    /// follows the place of the error is not looked at.
    fn to(&mut self, text: &[u8]) {
        let mut at = 0;
        while let Some(byte) = text.get(at) {
            match byte {
                b'{' => self.levels.push(Level::Object(None)),
                b'[' => self.levels.push(Level::Array(0)),
                b'}' | b']' => drop(self.levels.pop()),
                b',' => match self.levels.last_mut() {
                    Some(Level::Object(member)) => *member = None,
                    Some(Level::Array(item)) => *item += 1,
                    None => {}
                },
                b'"' => {
                    let start = at + 1;
                    at = end_of_string(text, start);
                    // The first text of a member is its name.
                    if let Some(Level::Object(member @ None)) = self.levels.last_mut()
                        && at <= text.len()
                    {
                        *member = Some((start, at));
                    }
                }
                _ => {}
            }
            at += 1;
        }
    }

    fn leave_member(&mut self) {
        if let Some(Level::Object(member)) = self.levels.last_mut() {
            *member = None;
        }
    }

    fn pointer(&self, text: &str) -> String {
        let mut out = String::new();
        for level in &self.levels {
            // Writing to a text cannot fail.
            let _ = match level {
                Level::Array(item) => write!(out, "/{item}"),
                Level::Object(None) => Ok(()),
                Level::Object(Some((start, end))) => {
                    let name = unescaped(text.get(start - 1..end + 1).unwrap_or_default());
                    write!(out, "/{}", name.replace('~', "~0").replace('/', "~1"))
                }
            };
        }
        out
    }
}

/// Where a text that begins at `start` has its closing quote, or past the end.
fn end_of_string(text: &[u8], start: usize) -> usize {
    let mut at = start;
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => return at,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    text.len() + 1
}

/// A name without its quotes and escapes.
fn unescaped(quoted: &str) -> String {
    serde_json::from_str(quoted).unwrap_or_else(|_| quoted.trim_matches('"').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::Snapshot;

    /// What a reader that follows its own path says.
    fn followed(text: &str) -> Option<(String, String)> {
        use serde_path_to_error::Segment;
        let mut reader = serde_json::Deserializer::from_str(text);
        let error = serde_path_to_error::deserialize::<_, Snapshot<'_>>(&mut reader).err()?;
        let mut pointer = String::new();
        for segment in error.path() {
            match segment {
                Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
                Segment::Map { key } => {
                    pointer.push('/');
                    pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
                }
                Segment::Enum { .. } | Segment::Unknown => {}
            }
        }
        Some((pointer, error.inner().to_string()))
    }

    fn located(text: &str) -> Option<String> {
        let error = serde_json::from_str::<Snapshot<'_>>(text).err()?;
        Some(of_error(text, &error))
    }

    const WHOLE: &str = r#"{"deputize": 1, "revision": "a\"b", "issued_at": 5, "model": "m",
      "tuples": [{"user": "user:a", "relation": "r", "object": "d:1"},
        {"user":"user:b","relation":"r","object":"d:1","condition":{"name":"c","context":{"a~b/c":[1,{"x":null}]}},"tenant":"t"}],
      "access": [{"principal": "user:a", "action": "a:*", "resource": "/x/"}],
      "principals": [{"id": "user:a", "tenants": ["t"], "identities": [{"issuer": "i", "subject": "s"}], "attributes": {"k": [[], {}]}}],
      "issuers": [{"issuer": "i", "audiences": ["a"], "algorithms": ["RS256"], "keys": {"keys": []}, "chain": "none",
        "claims": [{"claim": "g", "tuple": {"user": "{subject}", "relation": "m", "object": "g:{value}"}}]}],
      "scopes": {"s t": [{"action": "a", "resource": "d:*"}], "u": []},
      "delegation": {"hops": [{"from": "user", "to": "agent", "any_of": []}], "max_depth": 4, "roots": ["user"]},
      "limits": {"steps": 9, "depth": null}}"#;

    #[test]
    #[allow(clippy::string_slice, reason = "the text is ASCII")]
    fn it_says_the_same_as_a_reader_that_follows_its_path() {
        assert_eq!(followed(WHOLE), None, "the whole is sound");
        let (mut compared, mut other) = (0, Vec::new());
        let mut look = |text: String| {
            let Some((wanted, said)) = followed(&text) else {
                return;
            };
            let sound = serde_json::from_str::<serde_json::Value>(&text).is_ok();
            let Some(found) = located(&text) else {
                panic!("one reader takes what the other refuses: {text}");
            };
            compared += usize::from(sound);
            // Where the text is no JSON, or an enum's name neither text nor object,
            // the line and column tell all there is; an unknown variant may name
            // the member that names it, and one that stands twice is named itself.
            let sound = sound && !said.starts_with("expected value");
            let below = ["unknown variant", "the member "];
            let below = below.iter().any(|begin| said.starts_with(begin));
            if found != wanted && sound && !(below && found.starts_with(&wanted)) {
                other.push(format!("{wanted} {found}: {said}\n  {text}"));
            }
        };
        let bytes = WHOLE.as_bytes();
        let tokens = [
            "1",
            "-1",
            "null",
            "true",
            "\"x\"",
            "[]",
            "{}",
            "[1]",
            "{\"y\":1}",
            "",
            "}",
            ",",
        ];
        for at in 0..bytes.len() {
            // Each value replaced, each member renamed, left out and doubled,
            // and the text cut off.
            let value = bytes[at.saturating_sub(1)..at]
                .iter()
                .all(|b| b" [:".contains(b));
            if value && at > 0 {
                let rest = &WHOLE[at..];
                let mut stream =
                    serde_json::Deserializer::from_str(rest).into_iter::<serde_json::Value>();
                if let Some(Ok(_)) = stream.next() {
                    let end = at + stream.byte_offset();
                    for token in tokens {
                        look(format!("{}{token}{}", &WHOLE[..at], &WHOLE[end..]));
                    }
                }
            }
            if bytes[at] == b'"' {
                look(format!("{}\"z{}", &WHOLE[..at], &WHOLE[at + 1..]));
                look(format!("{}\"z\": 1, {}", &WHOLE[..at], &WHOLE[at..]));
                let member = WHOLE[at..].split([',', '}']).next().unwrap();
                look(format!("{}{member}, {}", &WHOLE[..at], &WHOLE[at..]));
                look(format!("{}{}", &WHOLE[..at], &WHOLE[at + member.len()..]));
                if bytes.get(at + member.len()) == Some(&b',') {
                    look(format!(
                        "{}{}",
                        &WHOLE[..at],
                        &WHOLE[at + member.len() + 1..]
                    ));
                }
            }
            look(WHOLE[..at].to_owned());
        }
        assert!(compared > 500, "{compared}");
        assert!(
            other.is_empty(),
            "{} of {compared}:\n{}",
            other.len(),
            other.join("\n")
        );
    }

    #[test]
    fn names_are_escaped() {
        let text = r#"{"deputize":1,"scopes":{"a~b/c\u0022":[{"action":1}]}}"#;
        assert_eq!(located(text).unwrap(), "/scopes/a~0b~1c\"/0/action");
    }
}
