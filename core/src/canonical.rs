//! Canonical JSON: one text for one value, on every platform.
//!
//! Decisions, records and the compiled form are written this way, so that equal
//! answers are equal bytes. Members are sorted by the bytes of their names,
//! nothing stands between tokens, and numbers and strings are as `serde_json`
//! writes them.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::Value;
use smallvec::SmallVec;

/// Nesting beyond what any JSON reader here lets through is left out, so that
/// a value built in memory cannot exhaust the stack.
const MAX_DEPTH: usize = 200;

/// A value as canonical JSON. What has no JSON form is `null`.
///
/// ```
/// let value = serde_json::json!({"b": [1, 2], "a": "x"});
/// assert_eq!(deputize::canonical::to_text(&value), r#"{"a":"x","b":[1,2]}"#);
/// ```
#[must_use]
pub fn to_text<T: Serialize + ?Sized>(value: &T) -> String {
    let mut text = String::new();
    let value = serde_json::to_value(value).unwrap_or_default();
    write(&value, 0, &mut text);
    text
}

/// `serde_json` keeps an object's order or sorts it as another crate's features
/// decide; here it is always sorted.
pub(crate) fn write(value: &Value, depth: usize, out: &mut String) {
    match value {
        Value::Object(members) if depth < MAX_DEPTH => {
            let mut sorted: SmallVec<[_; 24]> = members.iter().collect();
            sorted.sort_unstable_by_key(|(name, _)| *name);
            out.push('{');
            for (i, (name, member)) in sorted.into_iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write_string(name, out);
                out.push(':');
                write(member, depth + 1, out);
            }
            out.push('}');
        }
        Value::Array(items) if depth < MAX_DEPTH => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write(item, depth + 1, out);
            }
            out.push(']');
        }
        Value::Object(_) | Value::Array(_) => out.push_str("null"),
        Value::String(text) => write_string(text, out),
        // Writing to a text cannot fail.
        plain => drop(write!(out, "{plain}")),
    }
}

fn write_string(text: &str, out: &mut String) {
    let escaped = |byte: u8| byte < 0x20 || byte == b'"' || byte == b'\\';
    if text.bytes().any(escaped) {
        let _ = write!(out, "{}", Value::from(text));
    } else {
        out.push('"');
        out.push_str(text);
        out.push('"');
    }
}
