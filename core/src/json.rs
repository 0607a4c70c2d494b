//! Strict JSON: what everything that can change a decision is read with, where
//! it has no shape of its own. (Shapes refuse what stands twice by themselves.)
//!
//! A parser that keeps the last of two equal members and one that keeps the
//! first see different documents (RFC 8725 §2.6 and §3.2). So equal members are
//! an error at any depth. In a token nesting beyond a fixed depth is one too,
//! and anything that follows the value.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// The deepest nesting of arrays and objects that is read of a token.
///
/// Claims of real tokens nest three or four levels; an `act` chain takes one
/// level an actor, and no deployment known to us allows more than ten.
pub const MAX_DEPTH: usize = 64;

/// Why a text is not the JSON that we accept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JsonError {
    /// It is not JSON, not UTF-8, or something follows the value.
    Syntax {
        /// The line of the first fault, from 1.
        line: usize,
        /// The column of the first fault, from 1.
        column: usize,
    },
    /// An object has two members of one name.
    DuplicateMember {
        /// The name that occurs twice, at most 64 characters of it.
        name: String,
    },
    /// Arrays and objects nest deeper than [`MAX_DEPTH`].
    TooDeep,
    /// It is JSON, but not an object.
    NotAnObject,
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax { line, column } => {
                write!(f, "not valid JSON at line {line}, column {column}")
            }
            Self::DuplicateMember { name } => {
                write!(f, "the member `{name}` occurs twice in one object")
            }
            Self::TooDeep => write!(f, "nested deeper than {MAX_DEPTH} levels"),
            Self::NotAnObject => f.write_str("not a JSON object"),
        }
    }
}

impl std::error::Error for JsonError {}

/// Reads one JSON value, refusing members that occur twice.
///
/// # Errors
///
/// [`JsonError::Syntax`] for anything that is not one JSON value in UTF-8,
/// [`JsonError::DuplicateMember`] and [`JsonError::TooDeep`] as they say.
pub fn parse(text: &[u8]) -> Result<Value, JsonError> {
    let fault = Cell::new(None);
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let read = Strict {
        left: MAX_DEPTH,
        fault: &fault,
    }
    .deserialize(&mut deserializer)
    .and_then(|value| deserializer.end().map(|()| value));
    read.map_err(|error| {
        fault.take().unwrap_or(JsonError::Syntax {
            line: error.line(),
            column: error.column(),
        })
    })
}

/// Reads one JSON object, as [`parse`] does.
///
/// # Errors
///
/// Those of [`parse`], and [`JsonError::NotAnObject`] for any other value.
pub fn parse_object(text: &[u8]) -> Result<Map<String, Value>, JsonError> {
    match parse(text)? {
        Value::Object(members) => Ok(members),
        _ => Err(JsonError::NotAnObject),
    }
}

/// Reads a value in which no member stands twice, for
/// `#[serde(deserialize_with = "…")]`.
///
/// # Errors
///
/// What the deserializer says, and a name that occurs twice.
pub fn value<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
    unlimited(|strict| strict.deserialize(deserializer))
}

/// How deep a document may nest, its deserializer says.
fn unlimited<T>(read: impl FnOnce(Strict<'_>) -> T) -> T {
    read(Strict {
        left: usize::MAX,
        fault: &Cell::new(None),
    })
}

/// Reads an object as [`value`] does.
///
/// # Errors
///
/// Those of [`value`], and any other value.
pub fn object<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Map<String, Value>, D::Error> {
    let read = deserializer.deserialize_any(Object { or_null: false })?;
    Ok(read.unwrap_or_default())
}

/// Reads an object or `null` as [`object`] does.
///
/// # Errors
///
/// Those of [`object`].
pub fn optional_object<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Map<String, Value>>, D::Error> {
    deserializer.deserialize_any(Object { or_null: true })
}

/// Reads an object whose members are of one type, as [`object`] does.
///
/// # Errors
///
/// Those of [`object`], and of the members.
pub fn members<'de, D, T>(deserializer: D) -> Result<BTreeMap<String, T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    struct Members<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for Members<T> {
        type Value = BTreeMap<String, T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut members = BTreeMap::new();
            while let Some(name) = map.next_key::<String>()? {
                if members.contains_key(&name) {
                    return Err(twice(&name));
                }
                members.insert(name, map.next_value()?);
            }
            Ok(members)
        }
    }

    deserializer.deserialize_map(Members(PhantomData))
}

/// A text's value, read as [`value`] does.
///
/// # Errors
///
/// Those of [`value`], and anything that follows it.
pub fn from_text(text: &str) -> Result<Value, serde_json::Error> {
    whole(text, |deserializer| value(deserializer))
}

/// A text's object, read as [`object`] does.
///
/// # Errors
///
/// Those of [`object`], and anything that follows it.
pub fn object_from_text(text: &str) -> Result<Map<String, Value>, serde_json::Error> {
    whole(text, |deserializer| object(deserializer))
}

fn whole<'t, T>(
    text: &'t str,
    read: impl FnOnce(
        &mut serde_json::Deserializer<serde_json::de::StrRead<'t>>,
    ) -> Result<T, serde_json::Error>,
) -> Result<T, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let read = read(&mut deserializer)?;
    deserializer.end()?;
    Ok(read)
}

/// What a reader of a shape says, without the place (which is a line in a text
/// that perhaps nobody wrote) and without the value that stands there, which
/// may be a secret: a message goes to logs.
#[must_use]
pub fn said(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let said = text
        .rsplit_once(" at line ")
        .map_or(text.as_str(), |(said, _)| said);
    for begin in ["invalid type: ", "invalid value: "] {
        let Some(found) = said.strip_prefix(begin) else {
            continue;
        };
        // `string "…"`, `integer `…``: the kind alone.
        let kind = found.split(['"', '`']).next().unwrap_or_default().trim();
        if let Some((_, expected)) = found.rsplit_once(", expected ")
            && kind.len() < found.len()
        {
            return format!("{begin}{kind}, expected {expected}");
        }
    }
    said.to_owned()
}

/// The name of the member that stands twice, if that is what a reader said.
pub(crate) fn named_twice(said: &str) -> Option<&str> {
    let ours = said
        .strip_prefix("the member `")
        .and_then(|rest| rest.strip_suffix("` occurs twice in one object"));
    // Serde's own, of a shape.
    ours.or_else(|| said.strip_prefix("duplicate field `")?.strip_suffix('`'))
}

fn twice<E: serde::de::Error>(name: &str) -> E {
    let name = shorten(name, 64);
    E::custom(JsonError::DuplicateMember { name })
}

/// At most `limit` characters of `text`, so that no message repeats a hostile
/// megabyte.
pub(crate) fn shorten(text: &str, limit: usize) -> String {
    let mut short: String = text.chars().take(limit).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// Builds a [`Value`], and leaves in `fault` what serde's own errors cannot say.
#[derive(Clone, Copy)]
struct Strict<'a> {
    /// How much deeper it may nest.
    left: usize,
    fault: &'a Cell<Option<JsonError>>,
}

impl Strict<'_> {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        let Some(left) = self.left.checked_sub(1) else {
            self.fault.set(Some(JsonError::TooDeep));
            return Err(E::custom(JsonError::TooDeep));
        };
        Ok(Self { left, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(inner)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if object.contains_key(&name) {
                let error = twice(&name);
                let name = shorten(&name, 64);
                self.fault.set(Some(JsonError::DuplicateMember { name }));
                return Err(error);
            }
            let value = members.next_value_seed(inner)?;
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

/// Builds an object. What else stands there is not repeated in the error.
struct Object {
    or_null: bool,
}

impl Object {
    fn refused<E: serde::de::Error>(&self) -> E {
        E::custom("expected an object")
    }
}

impl<'de> Visitor<'de> for Object {
    type Value = Option<Map<String, Value>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Self::Value, A::Error> {
        match unlimited(|strict| strict.visit_map(members))? {
            Value::Object(members) => Ok(Some(members)),
            _ => Err(self.refused()),
        }
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Self::Value, E> {
        match self.or_null {
            true => Ok(None),
            false => Err(self.refused()),
        }
    }

    fn visit_bool<E: serde::de::Error>(self, _: bool) -> Result<Self::Value, E> {
        Err(self.refused())
    }

    fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<Self::Value, E> {
        Err(self.refused())
    }

    fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<Self::Value, E> {
        Err(self.refused())
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<Self::Value, E> {
        Err(self.refused())
    }

    fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<Self::Value, E> {
        Err(self.refused())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Self::Value, A::Error> {
        pass_over(items)?;
        Err(self.refused())
    }
}

/// Reads a list to its end: an error is about what was read last.
pub(crate) fn pass_over<'de, A: SeqAccess<'de>>(mut items: A) -> Result<(), A::Error> {
    while items.next_element::<IgnoredAny>()?.is_some() {}
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn duplicate(name: &str) -> Result<Value, JsonError> {
        Err(JsonError::DuplicateMember {
            name: name.to_owned(),
        })
    }

    #[test]
    fn equal_members_are_refused_at_any_depth() {
        assert_eq!(parse(br#"{"a":1,"a":1}"#), duplicate("a"));
        assert_eq!(
            parse(br#"{"a":{"b":[{"c":1,"d":2,"c":3}]}}"#),
            duplicate("c")
        );
        assert_eq!(parse(br#"{"alg":"a","\u0061lg":"b"}"#), duplicate("alg"));
        assert!(parse(br#"{"a":{"a":{"a":1}}}"#).is_ok());
    }

    #[test]
    fn what_follows_the_value_is_refused() {
        for text in ["{} {}", "{}x", "{}\0", "{},", "1 2"] {
            assert!(
                matches!(parse(text.as_bytes()), Err(JsonError::Syntax { .. })),
                "{text}"
            );
        }
        assert!(parse(b" {} \n").is_ok());
    }

    #[test]
    fn texts_that_are_not_json_are_refused() {
        let cases: [&[u8]; 12] = [
            b"",
            b"{",
            b"{'a':1}",
            b"{\"a\":NaN}",
            b"{\"a\":01}",
            b"{\"a\":1,}",
            b"[1,]",
            b"\xef\xbb\xbf{}",
            b"{\"a\":\"\xff\"}",
            br#""\ud800""#,
            b"/**/{}",
            b"{\"a\":1e999}",
        ];
        for case in cases {
            assert!(
                matches!(parse(case), Err(JsonError::Syntax { .. })),
                "{case:?}"
            );
        }
    }

    #[test]
    fn depth_is_limited_on_both_sides_of_the_limit() {
        let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse(nested(MAX_DEPTH).as_bytes()).is_ok());
        assert_eq!(
            parse(nested(MAX_DEPTH + 1).as_bytes()),
            Err(JsonError::TooDeep)
        );
        assert_eq!(parse(nested(100_000).as_bytes()), Err(JsonError::TooDeep));
        assert_eq!(
            parse("{\"act\":".repeat(10_000).as_bytes()),
            Err(JsonError::TooDeep)
        );
    }

    #[test]
    fn values_are_those_serde_json_reads() {
        let text = br#"{"a":[1,-2,3.5,"x\u00e9",null,true,{"b":{}}],"c":18446744073709551615}"#;
        assert_eq!(
            parse(text).unwrap(),
            serde_json::from_slice::<Value>(text).unwrap()
        );
        assert_eq!(parse_object(b"[]"), Err(JsonError::NotAnObject));
    }

    #[test]
    fn messages_do_not_repeat_a_long_name() {
        let long = "x".repeat(10_000);
        let error = parse(format!("{{\"{long}\":1,\"{long}\":1}}").as_bytes()).unwrap_err();
        assert!(error.to_string().len() < 200);
    }
}
