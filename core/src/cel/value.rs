//! What an expression computes with.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use super::address::IpAddress;
use super::error::EvalError;
use super::number;
use super::time::{Duration, Timestamp};
use crate::order;

/// A CEL value. Cloning is cheap: what is large is shared.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Value {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// `int`.
    Int(i64),
    /// `uint`.
    Uint(u64),
    /// `double`.
    Double(f64),
    /// `string`.
    String(Arc<str>),
    /// `bytes`.
    Bytes(Arc<[u8]>),
    /// `list`.
    List(Arc<[Value]>),
    /// `map`.
    Map(Arc<Map>),
    /// `duration`.
    Duration(Duration),
    /// `timestamp`.
    Timestamp(Timestamp),
    /// `ipaddress`, OpenFGA's extension.
    IpAddress(IpAddress),
    /// A type as a value, e.g. `int`.
    Type(&'static str),
}

/// A map whose keys are sorted, so that iterating it is deterministic.
#[derive(Debug, Clone, Default)]
pub struct Map {
    entries: Vec<(Value, Value)>,
}

impl Map {
    /// Builds a map from its entries.
    ///
    /// # Errors
    /// [`EvalError::MapKey`] for a key that is no bool, int, uint or string;
    /// [`EvalError::RepeatedKey`] for a key that stands twice, `1` and `1u`
    /// being the same.
    pub fn new(mut entries: Vec<(Value, Value)>) -> Result<Self, EvalError> {
        if !entries.iter().all(|(key, _)| key.is_map_key()) {
            return Err(EvalError::MapKey);
        }
        order::sort_by(&mut entries, |(a, _), (b, _)| compare_keys(a, b));
        let twice = entries.windows(2).any(|pair| match pair {
            [(a, _), (b, _)] => compare_keys(a, b) == Ordering::Equal,
            _ => false,
        });
        match twice {
            true => Err(EvalError::RepeatedKey),
            false => Ok(Self { entries }),
        }
    }

    /// The value under a key; a double finds the integer it equals.
    #[must_use]
    pub fn get(&self, key: &Value) -> Option<&Value> {
        let integral;
        let key = match key {
            Value::Double(d) => {
                integral = number::double_to_int(*d)
                    .map(Value::Int)
                    .or_else(|| number::double_to_uint(*d).map(Value::Uint))
                    .filter(|i| i.equals_number(key))?;
                &integral
            }
            _ if key.is_map_key() => key,
            _ => return None,
        };
        let found = self
            .entries
            .binary_search_by(|(k, _)| compare_keys(k, key))
            .ok()?;
        self.entries.get(found).map(|(_, value)| value)
    }

    /// The value under a string key.
    #[must_use]
    pub fn get_str(&self, key: &str) -> Option<&Value> {
        let found = self.entries.binary_search_by(|(k, _)| match k {
            Value::String(k) => (**k).cmp(key),
            // Strings sort last.
            _ => Ordering::Less,
        });
        self.entries.get(found.ok()?).map(|(_, value)| value)
    }

    /// The entries, sorted by key.
    #[must_use]
    pub fn entries(&self) -> &[(Value, Value)] {
        &self.entries
    }
}

/// Booleans, then numbers by value, then strings. Other kinds are no keys.
fn compare_keys(a: &Value, b: &Value) -> Ordering {
    fn rank(value: &Value) -> (u8, i128) {
        match value {
            Value::Bool(b) => (0, i128::from(*b)),
            Value::Int(i) => (1, i128::from(*i)),
            Value::Uint(u) => (1, i128::from(*u)),
            _ => (2, 0),
        }
    }
    match (a, b) {
        (Value::String(a), Value::String(b)) => a.cmp(b),
        _ => rank(a).cmp(&rank(b)),
    }
}

impl Value {
    /// A string value.
    #[must_use]
    pub fn string(text: &str) -> Self {
        Self::String(Arc::from(text))
    }

    /// A list value.
    #[must_use]
    pub fn list(items: Vec<Value>) -> Self {
        Self::List(Arc::from(items))
    }

    /// A map value with string keys.
    ///
    /// # Errors
    /// [`EvalError::RepeatedKey`] for a key that stands twice.
    pub fn string_map<'k>(
        entries: impl IntoIterator<Item = (&'k str, Value)>,
    ) -> Result<Self, EvalError> {
        let entries = entries.into_iter().map(|(k, v)| (Self::string(k), v));
        let map = Map::new(entries.collect())?;
        Ok(Self::Map(Arc::new(map)))
    }

    /// The name of the value's type, as `type(value)` gives it.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null_type",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Uint(_) => "uint",
            Self::Double(_) => "double",
            Self::String(_) => "string",
            Self::Bytes(_) => "bytes",
            Self::List(_) => "list",
            Self::Map(_) => "map",
            Self::Duration(_) => "google.protobuf.Duration",
            Self::Timestamp(_) => "google.protobuf.Timestamp",
            Self::IpAddress(_) => "IPAddress",
            Self::Type(_) => "type",
        }
    }

    pub(super) fn is_map_key(&self) -> bool {
        matches!(
            self,
            Self::Bool(_) | Self::Int(_) | Self::Uint(_) | Self::String(_)
        )
    }

    /// The size that costs are counted in: code points, bytes, elements; one
    /// for everything else.
    pub(super) fn cost_size(&self) -> u64 {
        self.size().unwrap_or(1)
    }

    /// What `size(value)` gives.
    pub(super) fn size(&self) -> Option<u64> {
        let size = match self {
            Self::String(text) => text.chars().count(),
            Self::Bytes(bytes) => bytes.len(),
            Self::List(items) => items.len(),
            Self::Map(map) => map.entries.len(),
            _ => return None,
        };
        Some(size as u64)
    }

    /// Equality of two numbers of any two types.
    fn equals_number(&self, other: &Self) -> bool {
        compare_numbers(self, other) == Some(Ordering::Equal)
    }

    /// CEL's `==`. `budget` falls by one a value visited; `None` when it runs
    /// out, since shared lists may unfold to more values than fit in memory.
    pub(super) fn equals(&self, other: &Self, budget: &mut u64) -> Option<bool> {
        *budget = budget.checked_sub(1)?;
        Some(match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Null, _) | (_, Self::Null) => false,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::String(a), Self::String(b)) => {
                *budget = budget.checked_sub(a.len() as u64 / 64)?;
                a == b
            }
            (Self::Bytes(a), Self::Bytes(b)) => {
                *budget = budget.checked_sub(a.len() as u64 / 64)?;
                a == b
            }
            (Self::Duration(a), Self::Duration(b)) => a == b,
            (Self::Timestamp(a), Self::Timestamp(b)) => a == b,
            (Self::Type(a), Self::Type(b)) => a == b,
            (Self::IpAddress(a), Self::IpAddress(b)) => a == b,
            (Self::List(a), Self::List(b)) => {
                if a.len() != b.len() {
                    return Some(false);
                }
                return all_equal(a.iter().zip(b.iter()), budget);
            }
            (Self::Map(a), Self::Map(b)) => {
                if a.entries.len() != b.entries.len() {
                    return Some(false);
                }
                let keys = a.entries.iter().zip(&b.entries);
                if keys
                    .clone()
                    .any(|((a, _), (b, _))| compare_keys(a, b) != Ordering::Equal)
                {
                    return Some(false);
                }
                return all_equal(keys.map(|((_, a), (_, b))| (a, b)), budget);
            }
            _ => self.equals_number(other),
        })
    }

    /// CEL's order; `None` where one of the two is NaN.
    pub(super) fn order(
        &self,
        other: &Self,
        name: &'static str,
    ) -> Result<Option<Ordering>, EvalError> {
        let ordering = match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            (Self::String(a), Self::String(b)) => a.cmp(b),
            (Self::Bytes(a), Self::Bytes(b)) => a.cmp(b),
            (Self::Duration(a), Self::Duration(b)) => a.cmp(b),
            (Self::Timestamp(a), Self::Timestamp(b)) => a.cmp(b),
            (
                Self::Int(_) | Self::Uint(_) | Self::Double(_),
                Self::Int(_) | Self::Uint(_) | Self::Double(_),
            ) => return Ok(compare_numbers(self, other)),
            _ => return Err(EvalError::NoOverload { name }),
        };
        Ok(Some(ordering))
    }
}

fn all_equal<'a>(
    pairs: impl Iterator<Item = (&'a Value, &'a Value)>,
    budget: &mut u64,
) -> Option<bool> {
    for (a, b) in pairs {
        if !a.equals(b, budget)? {
            return Some(false);
        }
    }
    Some(true)
}

/// Orders two numbers; an integer that meets a double becomes one. `None` for
/// NaN and for what is no number.
fn compare_numbers(a: &Value, b: &Value) -> Option<Ordering> {
    #[expect(clippy::cast_precision_loss, reason = "CEL compares as doubles")]
    fn double(value: &Value) -> Option<f64> {
        match value {
            Value::Int(i) => Some(*i as f64),
            Value::Uint(u) => Some(*u as f64),
            Value::Double(d) => Some(*d),
            _ => None,
        }
    }
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
        (Value::Uint(a), Value::Uint(b)) => Some(a.cmp(b)),
        (Value::Int(a), Value::Uint(b)) => Some(i128::from(*a).cmp(&i128::from(*b))),
        (Value::Uint(a), Value::Int(b)) => Some(i128::from(*a).cmp(&i128::from(*b))),
        _ => double(a)?.partial_cmp(&double(b)?),
    }
}

/// How CEL writes the value: for messages, and cut short where it is long.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(b) => b.fmt(f),
            Self::Int(i) => i.fmt(f),
            Self::Uint(u) => write!(f, "{u}u"),
            Self::Double(d) => f.write_str(&number::format_double(*d)),
            Self::String(text) => {
                let short: String = text.chars().take(64).collect();
                f.write_str(&short)?;
                f.write_str(if short.len() < text.len() { "…" } else { "" })
            }
            Self::Bytes(bytes) => write!(f, "{} bytes", bytes.len()),
            Self::List(items) => write!(f, "list of {}", items.len()),
            Self::Map(map) => write!(f, "map of {}", map.entries.len()),
            Self::Duration(d) => d.fmt(f),
            Self::Timestamp(t) => t.fmt(f),
            Self::IpAddress(a) => a.fmt(f),
            Self::Type(name) => f.write_str(name),
        }
    }
}
