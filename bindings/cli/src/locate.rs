//! Where in a text the values stand that JSON pointers lead to.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

use crate::yaml;

/// A line and a column, both from 1.
type At = (u32, u32);

/// Where each of the pointers leads in a text of JSON, as an offset in bytes.
/// The text is known to be JSON.
pub(crate) fn json(text: &str, wanted: &BTreeSet<String>) -> BTreeMap<String, usize> {
    let bytes = text.as_bytes();
    let mut found = BTreeMap::new();
    let mut path = String::new();
    // Of each container: how long the path to it is, and of an array which item
    // is next; of an object whether a name is.
    let mut levels: Vec<(usize, Option<usize>, bool)> = Vec::new();
    let mut at = 0;
    let mut note = |path: &str, at: usize| {
        if wanted.contains(path) {
            found.insert(path.to_owned(), at);
        }
    };
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'{' => {
                note(&path, at);
                levels.push((path.len(), None, true));
            }
            b'[' => {
                note(&path, at);
                levels.push((path.len(), Some(0), false));
                path.push_str("/0");
            }
            b'}' | b']' => {
                let (length, ..) = levels.pop().unwrap_or_default();
                path.truncate(length);
            }
            b',' => {
                if let Some((length, item, name)) = levels.last_mut() {
                    path.truncate(*length);
                    match item {
                        Some(item) => {
                            *item += 1;
                            path.push_str(&format!("/{item}"));
                        }
                        None => *name = true,
                    }
                }
            }
            b'"' => {
                let end = end_of_string(bytes, at + 1);
                match levels.last_mut() {
                    Some((_, None, name @ true)) => {
                        *name = false;
                        let quoted = text.get(at..=end).unwrap_or("\"\"");
                        let member: String = serde_json::from_str(quoted).unwrap_or_default();
                        path.push('/');
                        path.push_str(&member.replace('~', "~0").replace('/', "~1"));
                    }
                    _ => note(&path, at),
                }
                at = end;
            }
            byte if byte.is_ascii_alphanumeric() || *byte == b'-' => {
                note(&path, at);
                let rest = bytes.get(at + 1..).unwrap_or_default();
                let more = |b: &&u8| b.is_ascii_alphanumeric() || b"+-.".contains(b);
                at += rest.iter().take_while(more).count();
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// Where a string that begins at `at` has its closing quote.
fn end_of_string(text: &[u8], mut at: usize) -> usize {
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => break,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    at
}

/// Where each of the pointers leads in a text of YAML.
pub(crate) fn yaml(text: &str, wanted: &BTreeSet<String>) -> BTreeMap<String, At> {
    let mut found = BTreeMap::new();
    if let Ok(root) = yaml::parse::<Spanned<Node>>(text, "") {
        let mut left = vec![(String::new(), &root)];
        while let Some((path, node)) = left.pop() {
            if wanted.contains(&path) {
                let (line, column) = (node.referenced.line(), node.referenced.column());
                let number = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
                found.insert(path.clone(), (number(line), number(column)));
            }
            let Node(below) = &node.value;
            left.extend(
                below
                    .iter()
                    .map(|(name, node)| (format!("{path}/{name}"), node)),
            );
        }
    }
    found
}

/// What is below a value, by the steps of a pointer.
struct Node(Vec<(String, Spanned<Node>)>);

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Below)
    }
}

struct Below;

impl<'de> Visitor<'de> for Below {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node(Vec::new()))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Node, E> {
        Ok(Node(Vec::new()))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Node, E> {
        Ok(Node(Vec::new()))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Node, E> {
        Ok(Node(Vec::new()))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Node, E> {
        Ok(Node(Vec::new()))
    }

    fn visit_str<E>(self, _: &str) -> Result<Node, E> {
        Ok(Node(Vec::new()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        let mut below = Vec::new();
        while let Some(item) = items.next_element()? {
            below.push((below.len().to_string(), item));
        }
        Ok(Node(below))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Node, A::Error> {
        let mut below = Vec::new();
        while let Some((name, node)) = members.next_entry::<String, _>()? {
            below.push((name.replace('~', "~0").replace('/', "~1"), node));
        }
        Ok(Node(below))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_of_a_text_is_found() {
        let text = r#"{"a": [1, -2.5e3, "x\"]", {"b/c": null, "d~": [[], [true]]}], "e": {}}"#;
        let value: serde_json::Value = serde_json::from_str(text).unwrap();
        let pointers = [
            ("", "{"),
            ("/a", "["),
            ("/a/0", "1"),
            ("/a/1", "-2.5"),
            ("/a/2", "\"x"),
            ("/a/3", "{\"b"),
            ("/a/3/b~1c", "null"),
            ("/a/3/d~0", "[["),
            ("/a/3/d~0/0", "[]"),
            ("/a/3/d~0/1/0", "true"),
            ("/e", "{}"),
        ];
        let wanted = pointers.iter().map(|(pointer, _)| (*pointer).to_owned());
        let found = json(text, &wanted.collect());
        for (pointer, begins) in pointers {
            assert!(value.pointer(pointer).is_some(), "{pointer}");
            let rest = text.get(found[pointer]..).unwrap();
            assert!(rest.starts_with(begins), "{pointer}");
        }
        let more = BTreeSet::from(["/a/4".to_owned(), "/f".to_owned()]);
        assert!(json(text, &more).is_empty());
    }

    #[test]
    fn values_of_yaml_are_found_by_line() {
        let text = "tuples:\n- user: user:a\n  relation: viewer\n-\n  user: user:b\nname: x\n";
        let pointers = ["/tuples/0", "/tuples/1/user", "/name"].map(str::to_owned);
        let found = yaml(text, &BTreeSet::from(pointers));
        assert_eq!(found["/tuples/0"].0, 2);
        assert_eq!(found["/tuples/1/user"], (5, 9));
        assert_eq!(found["/name"], (6, 7));
    }
}
