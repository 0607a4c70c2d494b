//! Where in a token a claim is: at the top, by its name, or below, by a JSON
//! Pointer (RFC 6901).

use serde_json::{Map, Value};

use super::fault::ReadingFault;

/// A claim as an issuer's entry names it.
///
/// A name that begins with `/` is a JSON Pointer. Any other is the claim's own
/// name, dots, slashes and all: `https://id.example/roles` is one claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimPath {
    /// As it was written.
    written: Box<str>,
    /// The claim at the top.
    top: Box<str>,
    /// The way from there: members' names and items' numbers.
    below: Vec<Box<str>>,
}

impl ClaimPath {
    /// Reads a name or a pointer.
    ///
    /// # Errors
    /// What can name no claim: nothing, a malformed pointer, a path in another
    /// notation, `act` and `may_act`, which are read as the chain.
    pub fn parse(text: &str) -> Result<Self, ReadingFault> {
        let (top, below) = match text.strip_prefix('/') {
            None => {
                check_name(text)?;
                (text.into(), Vec::new())
            }
            Some(rest) => {
                let mut tokens = rest.split('/').map(|token| {
                    unescape(token).ok_or_else(|| ReadingFault::Pointer {
                        text: text.to_owned(),
                    })
                });
                let top = tokens.next().unwrap_or_else(|| Ok("".into()))?;
                (top, tokens.collect::<Result<_, _>>()?)
            }
        };
        if top.is_empty() {
            return Err(ReadingFault::NoClaim);
        }
        if matches!(&*top, "act" | "may_act") {
            return Err(ReadingFault::Reserved {
                claim: text.to_owned(),
            });
        }
        Ok(Self {
            written: text.into(),
            top,
            below,
        })
    }

    /// As the entry names it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// The name of the claim at the top that it is, or is in.
    #[must_use]
    pub fn top(&self) -> &str {
        &self.top
    }

    /// Whether both name one place.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        (&self.top, &self.below) == (&other.top, &other.below)
    }

    /// Whether it names the claim at the top of this name.
    pub(super) fn is_top(&self, name: &str) -> bool {
        self.below.is_empty() && &*self.top == name
    }

    /// What a token has there: what [`Value::pointer`] finds.
    #[must_use]
    pub fn find<'v>(&self, claims: &'v Map<String, Value>) -> Option<&'v Value> {
        let top = claims.get(&*self.top)?;
        self.below.iter().try_fold(top, |value, token| match value {
            Value::Object(members) => members.get(&**token),
            Value::Array(items) => items.get(index(token)?),
            _ => None,
        })
    }

    /// Copies what one token has there into another, and of what lies around
    /// it no more than it takes to stand at the same place.
    pub(crate) fn copy(&self, from: &Map<String, Value>, into: &mut Map<String, Value>) {
        if let Some(value) = self.find(from) {
            self.put(value.clone(), from, into);
        }
    }

    /// Puts a value there. What of `like` is a list on the way is taken whole,
    /// since the number of an item counts those before it.
    pub(crate) fn put(
        &self,
        value: Value,
        like: &Map<String, Value>,
        into: &mut Map<String, Value>,
    ) {
        let mut like = like.get(&*self.top);
        let mut place = into
            .entry(self.top.to_string())
            .or_insert_with(|| Value::Object(Map::new()));
        for token in &self.below {
            if let Some(whole @ Value::Array(_)) = like {
                *place = whole.clone();
                return;
            }
            if !place.is_object() {
                *place = Value::Object(Map::new());
            }
            let Value::Object(members) = place else {
                return;
            };
            like = like.and_then(|value| value.get(&**token));
            place = members
                .entry(token.to_string())
                .or_insert_with(|| Value::Object(Map::new()));
        }
        *place = value;
    }
}

/// A name that reads as a path in another notation would be found in no token.
fn check_name(text: &str) -> Result<(), ReadingFault> {
    if text.is_empty() {
        return Err(ReadingFault::NoClaim);
    }
    // URLs, URNs and `cognito:groups` are names as they stand, and so is
    // `kubernetes.io/serviceaccount/namespace`.
    let first = text.split('/').next().unwrap_or_default();
    let domain = first.len() < text.len() && first.contains('.');
    if text.contains(':') || domain || !text.contains(['.', '/', '[', '$']) {
        return Ok(());
    }
    let path: String = text
        .trim_start_matches('$')
        .split(['.', '/', '[', ']'])
        .map(|part| part.trim_matches(['"', '\'']))
        .filter(|part| !part.is_empty())
        .flat_map(|part| ["/", part])
        .collect();
    Err(ReadingFault::Path {
        text: text.to_owned(),
        path,
    })
}

/// RFC 6901 §4: `~1` is `/`, `~0` is `~`, and no other `~` may be.
fn unescape(token: &str) -> Option<Box<str>> {
    if !token.contains('~') {
        return Some(token.into());
    }
    let mut parts = token.split('~');
    let mut name = parts.next()?.to_owned();
    for part in parts {
        let (escaped, rest) = part.split_at_checked(1)?;
        name.push(match escaped {
            "0" => '~',
            "1" => '/',
            _ => return None,
        });
        name.push_str(rest);
    }
    Some(name.into())
}

/// RFC 6901 §4: digits without a leading zero.
fn index(token: &str) -> Option<usize> {
    let plain = token.bytes().all(|b| b.is_ascii_digit());
    let led = token.len() > 1 && token.starts_with('0');
    token.parse().ok().filter(|_| plain && !led)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn claims() -> Map<String, Value> {
        let claims = json!({
            "sub": "u", "a/b": {"~": [1, {"x": "deep"}]}, "": 0, "realm": {"roles": ["r"], "": 1},
            "https://id.example/roles": ["s"], "list": [[], ["y"]],
        });
        claims.as_object().unwrap().clone()
    }

    #[test]
    fn a_pointer_finds_what_serde_json_finds() {
        let claims = claims();
        let whole = Value::Object(claims.clone());
        let tokens = [
            "sub", "a~1b", "~0", "0", "1", "01", "-", "+1", "x", "realm", "roles", "", "list",
        ];
        for first in tokens {
            for second in tokens {
                for third in tokens {
                    for text in [
                        format!("/{first}"),
                        format!("/{first}/{second}"),
                        format!("/{first}/{second}/{third}"),
                    ] {
                        let Ok(path) = ClaimPath::parse(&text) else {
                            assert!(first.is_empty(), "{text}");
                            continue;
                        };
                        assert_eq!(path.find(&claims), whole.pointer(&text), "{text}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_can_name_no_claim_is_refused_with_what_would() {
        let refused = |text: &str| ClaimPath::parse(text).unwrap_err();
        for (text, path) in [
            ("realm_access.roles", "/realm_access/roles"),
            ("$.realm_access.roles", "/realm_access/roles"),
            ("realm_access/roles", "/realm_access/roles"),
            ("realm_access['roles']", "/realm_access/roles"),
        ] {
            let fault = refused(text);
            assert_eq!(fault.code(), "claim.path", "{text}");
            assert!(fault.to_string().contains(path), "{fault}");
        }
        for text in ["/a~2b", "/a~", "/~", "/a/b~x"] {
            assert_eq!(refused(text).code(), "claim.pointer", "{text}");
        }
        for text in ["", "/", "//a"] {
            assert_eq!(refused(text).code(), "claim.empty", "{text}");
        }
        for text in ["act", "/act/sub", "may_act", "/may_act"] {
            assert_eq!(refused(text).code(), "claim.reserved", "{text}");
        }
        for text in [
            "groups",
            "https://id.example/roles",
            "urn:zitadel:iam:org:project:roles",
            "cognito:groups",
            "kubernetes.io/serviceaccount/namespace",
            "/realm_access.roles",
        ] {
            assert_eq!(ClaimPath::parse(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn a_copy_stands_at_the_same_place_alone() {
        let claims = claims();
        for text in ["sub", "/realm/roles", "/a~1b/~0/1/x", "/list/1/0"] {
            let path = ClaimPath::parse(text).unwrap();
            let mut out = Map::new();
            path.copy(&claims, &mut out);
            assert_eq!(path.find(&out), path.find(&claims), "{text}");
            assert_eq!(out.len(), 1);
        }
        let mut out = Map::new();
        ClaimPath::parse("/realm/roles")
            .unwrap()
            .copy(&claims, &mut out);
        assert_eq!(Value::Object(out), json!({"realm": {"roles": ["r"]}}));
    }
}
