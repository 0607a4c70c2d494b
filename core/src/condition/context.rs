//! JSON into values of declared types, after OpenFGA's
//! `internal/condition/types`.

use serde_json::{Number, Value as Json};

use crate::cel::{Duration, IpAddress, Timestamp, Value};
use crate::model::ParamType;

/// How deep a value may nest: what JSON text may, too.
const MAX_DEPTH: u32 = 128;

/// The longest decimal number that is read.
const MAX_DIGITS: usize = 64;

/// A value that is not of its type.
#[derive(Debug)]
pub(super) struct Mismatch {
    pub(super) expected: &'static str,
    /// The kind of value, never the value: errors go to logs.
    pub(super) found: &'static str,
}

/// Converts a value to its declared type.
pub(super) fn convert(ty: &ParamType, json: &Json) -> Result<Value, Mismatch> {
    typed(ty, json, MAX_DEPTH)
}

fn typed(ty: &ParamType, json: &Json, depth: u32) -> Result<Value, Mismatch> {
    let Some(inner) = depth.checked_sub(1) else {
        return Err(mismatch("a value that nests less deeply", json));
    };
    let (expected, value) = match ty {
        ParamType::Any => ("a value that nests less deeply", any(json, depth)),
        ParamType::Bool => ("a bool", json.as_bool().map(Value::Bool)),
        ParamType::String => ("a string", json.as_str().map(Value::string)),
        ParamType::Int => ("an int, as a number or a string", int(json)),
        ParamType::Uint => ("a uint, as a number or a string", uint(json)),
        ParamType::Double => (
            "a double, as a number or as a string that needs no rounding",
            double(json),
        ),
        ParamType::Duration => (
            "a duration such as `1h30m`",
            text(json, |t| Duration::parse(t).map(Value::Duration)),
        ),
        ParamType::Timestamp => (
            "a timestamp such as `2025-01-31T12:00:00Z`",
            text(json, |t| Timestamp::parse(t).map(Value::Timestamp)),
        ),
        ParamType::IpAddress => (
            "an IP address such as `192.0.2.1`",
            text(json, |t| IpAddress::parse(t).map(Value::IpAddress)),
        ),
        ParamType::Map(of) => {
            let Some(object) = json.as_object() else {
                return Err(mismatch("a map", json));
            };
            let entries = object
                .iter()
                .map(|(key, json)| Ok((key.as_str(), typed(of, json, inner)?)))
                .collect::<Result<Vec<_>, _>>()?;
            return Value::string_map(entries).map_err(|_| mismatch("a map", json));
        }
        ParamType::List(of) => {
            let Some(items) = json.as_array() else {
                return Err(mismatch("a list", json));
            };
            let items = items.iter().map(|json| typed(of, json, inner));
            return Ok(Value::list(items.collect::<Result<_, _>>()?));
        }
    };
    value.ok_or_else(|| mismatch(expected, json))
}

fn mismatch(expected: &'static str, json: &Json) -> Mismatch {
    let found = match json {
        Json::Null => "null",
        Json::Bool(_) => "a bool",
        Json::Number(_) => "a number",
        Json::String(_) => "a string",
        Json::Array(_) => "a list",
        Json::Object(_) => "a map",
    };
    Mismatch { expected, found }
}

fn text(json: &Json, parse: impl FnOnce(&str) -> Option<Value>) -> Option<Value> {
    parse(json.as_str()?)
}

/// What `any` holds: JSON as it is, its numbers doubles.
fn any(json: &Json, depth: u32) -> Option<Value> {
    let inner = depth.checked_sub(1)?;
    Some(match json {
        Json::Null => Value::Null,
        Json::Bool(b) => Value::Bool(*b),
        Json::Number(n) => Value::Double(n.as_f64()?),
        Json::String(text) => Value::string(text),
        Json::Array(items) => {
            let items: Option<Vec<Value>> = items.iter().map(|j| any(j, inner)).collect();
            Value::list(items?)
        }
        Json::Object(object) => {
            let entries = object
                .iter()
                .map(|(key, json)| Some((key.as_str(), any(json, inner)?)));
            Value::string_map(entries.collect::<Option<Vec<_>>>()?).ok()?
        }
    })
}

fn int(json: &Json) -> Option<Value> {
    let whole = whole(json)?;
    i64::try_from(whole).ok().map(Value::Int)
}

fn uint(json: &Json) -> Option<Value> {
    let whole = whole(json)?;
    u64::try_from(whole).ok().map(Value::Uint)
}

/// A JSON number or a decimal string without a fraction. OpenFGA reads numbers
/// as doubles and lets what is too large saturate; here an integer keeps all
/// its digits, and what does not fit is refused.
fn whole(json: &Json) -> Option<i128> {
    match json {
        Json::Number(number) => whole_number(number),
        Json::String(text) => whole_decimal(text),
        _ => None,
    }
}

fn whole_number(number: &Number) -> Option<i128> {
    if let Some(i) = number.as_i64() {
        return Some(i128::from(i));
    }
    if let Some(u) = number.as_u64() {
        return Some(i128::from(u));
    }
    let double = number.as_f64()?;
    #[expect(clippy::float_cmp, reason = "only a whole number is an integer")]
    let whole = double.trunc() == double && double.abs() < 1e20;
    #[expect(clippy::cast_possible_truncation, reason = "whole and in range")]
    whole.then_some(double as i128)
}

/// `12`, `-12.0`, `1.2e1`: sign, digits, fraction, decimal exponent.
fn whole_decimal(text: &str) -> Option<i128> {
    let decimal = Decimal::parse(text)?;
    let zeros = decimal.point - i64::try_from(decimal.digits.len()).ok()?;
    let zeros = usize::try_from(zeros).ok()?;
    if zeros > MAX_DIGITS {
        return None;
    }
    let magnitude: i128 = match decimal.digits.as_str() {
        "" => 0,
        digits => format!("{digits}{}", "0".repeat(zeros)).parse().ok()?,
    };
    Some(if decimal.negative {
        -magnitude
    } else {
        magnitude
    })
}

fn double(json: &Json) -> Option<Value> {
    let double = match json {
        Json::Number(number) => number.as_f64()?,
        Json::String(text) => match text.as_str() {
            "Inf" | "inf" | "+Inf" | "+inf" => return Some(Value::Double(f64::INFINITY)),
            "-Inf" | "-inf" => return Some(Value::Double(f64::NEG_INFINITY)),
            text => {
                let decimal = Decimal::parse(text)?;
                let double: f64 = text.parse().ok()?;
                // OpenFGA refuses what would have to be rounded: "0.1".
                let exact = Decimal::parse_any(&format!("{double:.1074}"))?;
                if (exact.digits, exact.point) != (decimal.digits, decimal.point) {
                    return None;
                }
                double
            }
        },
        _ => return None,
    };
    double.is_finite().then_some(Value::Double(double))
}

/// `0.<digits>` times ten to the power of `point`; no zeros at either end of
/// the digits, and none at all for zero.
struct Decimal {
    negative: bool,
    digits: String,
    point: i64,
}

impl Decimal {
    fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_DIGITS {
            return None;
        }
        Self::parse_any(text)
    }

    fn parse_any(text: &str) -> Option<Self> {
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i16>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = [whole, fraction].concat();
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let significant = digits.trim_start_matches('0');
        let leading = i64::try_from(digits.len() - significant.len()).ok()?;
        let significant = significant.trim_end_matches('0').to_owned();
        let point = if significant.is_empty() {
            0
        } else {
            i64::try_from(whole.len()).ok()? - leading + i64::from(exponent)
        };
        Some(Self {
            negative,
            digits: significant,
            point,
        })
    }
}
