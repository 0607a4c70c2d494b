//! Tests of claims: by what readings are told apart, and what a token must say.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::claim::ClaimPath;
use super::fault::ReadingFault;
use crate::token::{TokenError, shorten};

/// What is asked of a claim: one of `present`, `equals`, `one_of`, `prefix` and
/// `has`. A value that is null, or of another kind than it is compared with,
/// is an error of the token: it is neither a yes nor a no.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ClaimTest {
    /// The claim: its name, or a JSON Pointer.
    pub claim: String,
    /// Whether it is there at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub present: Option<bool>,
    /// The text, whole number or truth that it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub equals: Option<Value>,
    /// Those of which it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub one_of: Option<Vec<Value>>,
    /// What it begins with, as a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// A text that it holds, as a list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub has: Option<String>,
}

/// A test, read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Test {
    pub(crate) claim: ClaimPath,
    is: Is,
}

#[derive(Debug, Clone, PartialEq)]
enum Is {
    Present,
    Absent,
    /// Of one kind.
    OneOf(Vec<Value>),
    Prefix(String),
    Has(String),
}

impl Test {
    /// Reads a test.
    pub(crate) fn compile(config: &ClaimTest) -> Result<Self, ReadingFault> {
        let claim = ClaimPath::parse(&config.claim)?;
        let said = [
            config
                .present
                .map(|present| if present { Is::Present } else { Is::Absent }),
            config.equals.clone().map(|value| Is::OneOf(vec![value])),
            config.one_of.clone().map(Is::OneOf),
            config.prefix.clone().map(Is::Prefix),
            config.has.clone().map(Is::Has),
        ];
        let mut said = said.into_iter().flatten();
        let (Some(is), None) = (said.next(), said.next()) else {
            return Err(ReadingFault::Test);
        };
        let empty = |text: &str| text.is_empty();
        let sound = match &is {
            Is::Present | Is::Absent => true,
            Is::OneOf(values) => {
                let first = values.first();
                first.is_some_and(comparable)
                    && values
                        .iter()
                        .all(|v| first.is_some_and(|first| same_kind(first, v)))
                    && !values.iter().any(|v| v.as_str().is_some_and(empty))
            }
            Is::Prefix(text) | Is::Has(text) => !empty(text),
        };
        if !sound {
            return Err(ReadingFault::TestValue);
        }
        Ok(Self { claim, is })
    }

    /// Whether both ask the same.
    pub(crate) fn is_same(&self, other: &Test) -> bool {
        self.claim.is_same(&other.claim) && self.is == other.is
    }

    /// Whether it asks that a claim be absent.
    pub(crate) fn is_of_absence(&self) -> bool {
        self.is == Is::Absent
    }

    /// Whether a token's claims pass.
    ///
    /// # Errors
    /// A value that cannot be compared.
    pub(crate) fn holds(&self, claims: &Map<String, Value>) -> Result<bool, TokenError> {
        let Some(value) = self.claim.find(claims) else {
            return Ok(self.is == Is::Absent);
        };
        let wrong = |expected| TokenError::Claim {
            claim: shorten(self.claim.as_str(), 100),
            expected,
        };
        if value.is_null() {
            return Err(wrong("absent, or something other than null"));
        }
        match &self.is {
            Is::Present => Ok(true),
            Is::Absent => Ok(false),
            Is::OneOf(values) => {
                if !values.first().is_some_and(|first| same_kind(first, value)) {
                    return Err(wrong("of the kind that it is compared with"));
                }
                Ok(values.contains(value))
            }
            Is::Prefix(prefix) => {
                let text = value.as_str().ok_or_else(|| wrong("a text"))?;
                Ok(text.starts_with(prefix.as_str()))
            }
            Is::Has(text) => {
                let expected = "a list of texts";
                let list = value.as_array().ok_or_else(|| wrong(expected))?;
                if !list.iter().all(Value::is_string) {
                    return Err(wrong(expected));
                }
                Ok(list.iter().any(|item| item == text.as_str()))
            }
        }
    }

    /// Whether no token passes both, as far as can be told without one.
    pub(crate) fn excludes(&self, other: &Test) -> bool {
        if !self.claim.is_same(&other.claim) {
            return false;
        }
        let begins = |values: &[Value], prefix: &str| {
            let mut texts = values.iter().filter_map(Value::as_str);
            texts.any(|text| text.starts_with(prefix))
        };
        match (&self.is, &other.is) {
            (Is::Absent, Is::Absent) => false,
            (Is::Absent, _) | (_, Is::Absent) => true,
            (Is::Present, _) | (_, Is::Present) => false,
            (Is::OneOf(own), Is::OneOf(others)) => !own.iter().any(|v| others.contains(v)),
            (Is::OneOf(values), Is::Prefix(prefix)) | (Is::Prefix(prefix), Is::OneOf(values)) => {
                !begins(values, prefix)
            }
            (Is::Prefix(own), Is::Prefix(other)) => {
                !own.starts_with(other.as_str()) && !other.starts_with(own.as_str())
            }
            // Two kinds of value: whatever it is, one of the two is an error.
            (Is::Has(_), Is::OneOf(_) | Is::Prefix(_))
            | (Is::OneOf(_) | Is::Prefix(_), Is::Has(_)) => true,
            (Is::Has(_), Is::Has(_)) => false,
        }
    }
}

/// A test in words: `idtyp` is `app`.
impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let claim = shorten(self.claim.as_str(), 100);
        match &self.is {
            Is::Present => write!(f, "`{claim}` is there"),
            Is::Absent => write!(f, "`{claim}` is not there"),
            Is::OneOf(values) => {
                let shown = values.iter().take(5).map(|value| match value {
                    Value::String(text) => format!("`{}`", shorten(text, 100).escape_debug()),
                    other => format!("`{other}`"),
                });
                write!(f, "`{claim}` is {}", shown.collect::<Vec<_>>().join(" or "))?;
                match values.len() {
                    0..=5 => Ok(()),
                    more => write!(f, " or one of {} more", more - 5),
                }
            }
            Is::Prefix(text) => write!(
                f,
                "`{claim}` begins with `{}`",
                shorten(text, 100).escape_debug()
            ),
            Is::Has(text) => write!(f, "`{claim}` holds `{}`", shorten(text, 100).escape_debug()),
        }
    }
}

/// Texts, truths and whole numbers: a fraction is written in too many ways.
fn comparable(value: &Value) -> bool {
    match value {
        Value::String(_) | Value::Bool(_) => true,
        Value::Number(number) => number.is_i64() || number.is_u64(),
        _ => false,
    }
}

fn same_kind(first: &Value, second: &Value) -> bool {
    comparable(first)
        && comparable(second)
        && std::mem::discriminant(first) == std::mem::discriminant(second)
}

/// Reads a list of tests.
pub(super) fn tests(
    member: &str,
    configs: &[ClaimTest],
) -> Result<Vec<Test>, (String, ReadingFault)> {
    let each = configs.iter().enumerate();
    let read = |(place, config)| {
        Test::compile(config).map_err(|fault| (format!("/{member}/{place}"), fault))
    };
    each.map(read).collect()
}

/// Whether no token passes all of both.
pub(crate) fn disjoint(first: &[Test], second: &[Test]) -> bool {
    first
        .iter()
        .any(|own| second.iter().any(|other| own.excludes(other)))
}

/// The first pair of tests that no token passes.
pub(crate) fn contradiction<'t>(tests: &[&'t Test]) -> Option<(&'t Test, &'t Test)> {
    tests.iter().enumerate().find_map(|(place, own)| {
        let mut others = tests.iter().skip(place + 1);
        others
            .find(|other| own.excludes(other))
            .map(|other| (*own, *other))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn test(config: Value) -> Result<Test, ReadingFault> {
        Test::compile(&serde_json::from_value(config).unwrap())
    }

    fn of(is: &Value) -> Test {
        let mut config = is.clone();
        config["claim"] = json!("c");
        test(config).unwrap()
    }

    #[test]
    fn tests_that_exclude_each_other_are_never_both_passed() {
        let kinds = [
            json!({"present": true}),
            json!({"present": false}),
            json!({"equals": "a"}),
            json!({"equals": "ab"}),
            json!({"equals": true}),
            json!({"equals": 1}),
            json!({"one_of": ["a", "b"]}),
            json!({"one_of": [1, 2]}),
            json!({"prefix": "a"}),
            json!({"prefix": "ab"}),
            json!({"prefix": "b"}),
            json!({"has": "a"}),
            json!({"has": "b"}),
        ];
        let values = [
            None,
            Some(json!("a")),
            Some(json!("ab")),
            Some(json!("b")),
            Some(json!("c")),
            Some(json!("")),
            Some(json!(true)),
            Some(json!(1)),
            Some(json!(2)),
            Some(json!(1.0)),
            Some(json!(null)),
            Some(json!([])),
            Some(json!(["a"])),
            Some(json!(["a", "b"])),
            Some(json!([1])),
            Some(json!({})),
        ];
        for first in &kinds {
            for second in &kinds {
                let (first, second) = (of(first), of(second));
                assert_eq!(first.excludes(&second), second.excludes(&first));
                for value in &values {
                    let mut claims = Map::new();
                    claims.extend(value.clone().map(|value| ("c".to_owned(), value)));
                    let both =
                        first.holds(&claims) == Ok(true) && second.holds(&claims) == Ok(true);
                    assert!(
                        !(both && first.excludes(&second)),
                        "{first}, {second}: {claims:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn null_and_other_kinds_are_no_answer() {
        for (is, value) in [
            (json!({"present": true}), json!(null)),
            (json!({"present": false}), json!(null)),
            (json!({"equals": "a"}), json!(1)),
            (json!({"equals": "1"}), json!(1)),
            (json!({"equals": "true"}), json!(true)),
            (json!({"equals": 1}), json!(1.5)),
            (json!({"equals": "a"}), json!(["a"])),
            (json!({"prefix": "a"}), json!(["a"])),
            (json!({"has": "a"}), json!("a")),
            (json!({"has": "a"}), json!(["a", 1])),
        ] {
            let claims = json!({"c": value});
            let claims = claims.as_object().unwrap();
            assert!(of(&is).holds(claims).is_err(), "{is} {claims:?}");
        }
    }

    #[test]
    fn a_test_asks_one_thing_that_can_be_told() {
        for (config, code) in [
            (json!({"claim": "c"}), "when.test"),
            (
                json!({"claim": "c", "present": true, "equals": "a"}),
                "when.test",
            ),
            (json!({"claim": "c", "equals": ""}), "when.value"),
            (json!({"claim": "c", "equals": 1.5}), "when.value"),
            (json!({"claim": "c", "equals": ["a"]}), "when.value"),
            (json!({"claim": "c", "one_of": []}), "when.value"),
            (json!({"claim": "c", "one_of": ["a", 1]}), "when.value"),
            (json!({"claim": "c", "prefix": ""}), "when.value"),
            (json!({"claim": "a.b", "present": true}), "claim.path"),
        ] {
            assert_eq!(test(config.clone()).unwrap_err().code(), code, "{config}");
        }
    }
}
