//! Texts that are no ids, written so that they are.

use std::fmt::Write as _;

/// Whether a character may not stand in an encoded id as it is: what no id may
/// hold, `*`, which alone would be everybody, and `%` itself.
fn is_coded(c: char) -> bool {
    matches!(c, '%' | ':' | '#' | '*') || c.is_whitespace() || c.is_control()
}

/// Writes a text as an id: of what no id may hold, of `*` and of `%` each byte
/// of UTF-8 becomes `%` and two digits, in capitals. Nothing else changes, and no
/// two texts become one.
///
/// ```
/// use deputize::reading::encode_id;
///
/// assert_eq!(encode_id("West Coast"), "West%20Coast");
/// assert_eq!(encode_id("repo:a/b"), "repo%3Aa/b");
/// assert_eq!(encode_id("100%"), "100%25");
/// ```
#[must_use]
pub fn encode_id(text: &str) -> String {
    encode(text, &[])
}

/// [`encode_id`], with further characters that must not stand there.
pub(super) fn encode(text: &str, also: &[char]) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_coded(c) || also.contains(&c) {
            for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                // Writing to a text never fails.
                let _ = write!(out, "%{byte:02X}");
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// The text that [`encode_id`] makes an id of; `None` where it makes it of none.
#[must_use]
pub fn decode_id(id: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(id.len());
    let mut rest = id.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || char::from(rest.next()?).to_digit(16);
        let (high, low) = (digit()?, digit()?);
        bytes.push(u8::try_from(high * 16 + low).ok()?);
    }
    let text = String::from_utf8(bytes).ok()?;
    (encode_id(&text) == id).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::identifier;

    #[test]
    fn every_text_becomes_an_id_and_comes_back() {
        for text in [
            "plain",
            "a b",
            "a:b#c",
            "*",
            "%",
            "%20",
            "a%3Ab",
            "Zürich",
            "東 京",
            "\u{7f}\u{85}\u{2028}",
            "a\nb",
        ] {
            let id = encode_id(text);
            assert!(identifier::object(&format!("group:{id}")).is_ok(), "{id}");
            assert_eq!(decode_id(&id).as_deref(), Some(text));
        }
        for wrong in ["%", "%2", "%2g", "%20%zz", "%2a", "a b", "%41", "%FF"] {
            assert_eq!(decode_id(wrong), None, "{wrong}");
        }
    }
}
