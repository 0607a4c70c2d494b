//! What each function does.

use std::cmp::Ordering;
use std::sync::Arc;

use super::address::IpAddress;
use super::error::EvalError;
use super::functions::Function;
use super::meter::Meter;
use super::number;
use super::pattern::Pattern;
use super::time::{Duration, Timestamp, zone_offset};
use super::value::Value;

type Called = Result<Value, EvalError>;

/// A call with one argument, the target included.
pub(super) fn unary(function: Function, value: &Value) -> Called {
    match function {
        Function::Not => match value {
            Value::Bool(b) => Ok(Value::Bool(!b)),
            _ => no_overload("!"),
        },
        Function::Negate => match value {
            Value::Int(i) => checked(i.checked_neg().map(Value::Int)),
            Value::Double(d) => Ok(Value::Double(-d)),
            _ => no_overload("-"),
        },
        Function::Size => match value.size().and_then(|n| i64::try_from(n).ok()) {
            Some(size) => Ok(Value::Int(size)),
            None => no_overload("size"),
        },
        Function::ToBool => to_bool(value),
        Function::ToBytes => match value {
            Value::Bytes(_) => Ok(value.clone()),
            Value::String(text) => Ok(Value::Bytes(Arc::from(text.as_bytes()))),
            _ => no_overload("bytes"),
        },
        Function::ToDouble => to_double(value),
        Function::ToDuration => match value {
            Value::Duration(_) => Ok(value.clone()),
            Value::String(text) => converted("duration", value, || {
                Duration::parse(text).map(Value::Duration)
            }),
            _ => no_overload("duration"),
        },
        Function::ToDyn => Ok(value.clone()),
        Function::ToInt => to_int(value),
        Function::ToString => to_string(value),
        Function::ToTimestamp => match value {
            Value::Timestamp(_) => Ok(value.clone()),
            Value::Int(seconds) => converted("timestamp", value, || {
                Timestamp::new(*seconds, 0).map(Value::Timestamp)
            }),
            Value::String(text) => converted("timestamp", value, || {
                Timestamp::parse(text).map(Value::Timestamp)
            }),
            _ => no_overload("timestamp"),
        },
        Function::ToType => Ok(Value::Type(value.type_name())),
        Function::ToUint => to_uint(value),
        Function::ToIpAddress => match value {
            Value::String(text) => converted("ipaddress", value, || {
                IpAddress::parse(text).map(Value::IpAddress)
            }),
            _ => no_overload("ipaddress"),
        },
        _ => part(function, value, 0),
    }
}

/// A call with two arguments, the target included.
pub(super) fn binary(function: Function, left: &Value, right: &Value, meter: &Meter) -> Called {
    match function {
        // OpenFGA: whether an address equals something else cannot be asked.
        Function::Equal
            if matches!(left, Value::IpAddress(_))
                && !matches!(right, Value::IpAddress(_) | Value::Null) =>
        {
            no_overload("==")
        }
        Function::Equal => meter.equals(left, right).map(Value::Bool),
        Function::NotEqual => meter.equals(left, right).map(|equal| Value::Bool(!equal)),
        Function::Less => ordered(left, right, "<", Ordering::is_lt, meter),
        Function::LessEqual => ordered(left, right, "<=", Ordering::is_le, meter),
        Function::Greater => ordered(left, right, ">", Ordering::is_gt, meter),
        Function::GreaterEqual => ordered(left, right, ">=", Ordering::is_ge, meter),
        Function::In => is_in(left, right, meter),
        Function::Add => add(left, right, meter),
        Function::Subtract => subtract(left, right),
        Function::Multiply => match (left, right) {
            (Value::Int(a), Value::Int(b)) => checked(a.checked_mul(*b).map(Value::Int)),
            (Value::Uint(a), Value::Uint(b)) => checked(a.checked_mul(*b).map(Value::Uint)),
            (Value::Double(a), Value::Double(b)) => Ok(Value::Double(a * b)),
            _ => no_overload("*"),
        },
        Function::Divide => match (left, right) {
            (Value::Int(_), Value::Int(0)) | (Value::Uint(_), Value::Uint(0)) => {
                Err(EvalError::DivideByZero)
            }
            (Value::Int(a), Value::Int(b)) => checked(a.checked_div(*b).map(Value::Int)),
            (Value::Uint(a), Value::Uint(b)) => checked(a.checked_div(*b).map(Value::Uint)),
            (Value::Double(a), Value::Double(b)) => Ok(Value::Double(a / b)),
            _ => no_overload("/"),
        },
        Function::Remainder => match (left, right) {
            (Value::Int(_), Value::Int(0)) | (Value::Uint(_), Value::Uint(0)) => {
                Err(EvalError::DivideByZero)
            }
            (Value::Int(a), Value::Int(b)) => checked(a.checked_rem(*b).map(Value::Int)),
            (Value::Uint(a), Value::Uint(b)) => checked(a.checked_rem(*b).map(Value::Uint)),
            _ => no_overload("%"),
        },
        _ => text_or_zone(function, left, right, meter),
    }
}

fn text_or_zone(function: Function, left: &Value, right: &Value, meter: &Meter) -> Called {
    let Value::String(argument) = right else {
        return no_overload(name(function));
    };
    if let Value::String(text) = left {
        meter.step(text.len() as u64 / 64)?;
        return Ok(Value::Bool(match function {
            Function::Contains => {
                // The search is linear, in both.
                meter.step(argument.len() as u64 / 64)?;
                text.contains(&**argument)
            }
            Function::StartsWith => text.starts_with(&**argument),
            Function::EndsWith => text.ends_with(&**argument),
            Function::Matches => {
                meter.step(argument.len() as u64)?;
                let pattern = Pattern::new(argument)?;
                meter.step(pattern.steps(text))?;
                pattern.matches(text)
            }
            _ => return no_overload(name(function)),
        }));
    }
    match (function, left) {
        (Function::InCidr, Value::IpAddress(address)) => match address.in_cidr(argument) {
            Some(inside) => Ok(Value::Bool(inside)),
            None => Err(EvalError::Cidr),
        },
        (_, Value::Timestamp(_)) => match zone_offset(argument) {
            Some(offset) => part(function, left, offset),
            None => Err(EvalError::TimeZone),
        },
        _ => no_overload(name(function)),
    }
}

/// A part of a timestamp or a duration.
fn part(function: Function, value: &Value, offset: i64) -> Called {
    let part = match value {
        Value::Timestamp(time) => {
            let civil = time.civil(offset);
            match function {
                Function::GetDate => civil.day + 1,
                Function::GetDayOfMonth => civil.day,
                Function::GetDayOfWeek => civil.week_day,
                Function::GetDayOfYear => civil.year_day,
                Function::GetFullYear => civil.year,
                Function::GetMonth => civil.month,
                Function::GetHours => civil.hour,
                Function::GetMinutes => civil.minute,
                Function::GetSeconds => civil.second,
                Function::GetMilliseconds => civil.milli,
                _ => return no_overload(name(function)),
            }
        }
        Value::Duration(duration) => match function {
            Function::GetHours => duration.hours(),
            Function::GetMinutes => duration.minutes(),
            Function::GetSeconds => duration.seconds(),
            Function::GetMilliseconds => duration.milliseconds(),
            _ => return no_overload(name(function)),
        },
        _ => return no_overload(name(function)),
    };
    Ok(Value::Int(part))
}

fn ordered(
    left: &Value,
    right: &Value,
    name: &'static str,
    holds: fn(Ordering) -> bool,
    meter: &Meter,
) -> Called {
    if let (Value::String(text), _) = (left, right) {
        meter.step(text.len() as u64 / 64)?;
    }
    let ordering = left.order(right, name)?;
    Ok(Value::Bool(ordering.is_some_and(holds)))
}

fn is_in(element: &Value, range: &Value, meter: &Meter) -> Called {
    match range {
        Value::List(items) => {
            for item in items.iter() {
                if meter.equals(element, item)? {
                    return Ok(Value::Bool(true));
                }
            }
            Ok(Value::Bool(false))
        }
        Value::Map(map) => Ok(Value::Bool(map.get(element).is_some())),
        _ => no_overload("in"),
    }
}

fn add(left: &Value, right: &Value, meter: &Meter) -> Called {
    match (left, right) {
        (Value::Int(a), Value::Int(b)) => checked(a.checked_add(*b).map(Value::Int)),
        (Value::Uint(a), Value::Uint(b)) => checked(a.checked_add(*b).map(Value::Uint)),
        (Value::Double(a), Value::Double(b)) => Ok(Value::Double(a + b)),
        (Value::String(a), Value::String(b)) => {
            meter.step((a.len() + b.len()) as u64 / 16)?;
            Ok(Value::String([&**a, &**b].concat().into()))
        }
        (Value::Bytes(a), Value::Bytes(b)) => {
            meter.step((a.len() + b.len()) as u64 / 16)?;
            Ok(Value::Bytes([&**a, &**b].concat().into()))
        }
        (Value::List(a), Value::List(b)) => {
            meter.step((a.len() + b.len()) as u64)?;
            Ok(Value::List(a.iter().chain(b.iter()).cloned().collect()))
        }
        (Value::Timestamp(t), Value::Duration(d)) | (Value::Duration(d), Value::Timestamp(t)) => {
            checked(t.checked_add(*d).map(Value::Timestamp))
        }
        (Value::Duration(a), Value::Duration(b)) => checked(a.checked_add(*b).map(Value::Duration)),
        _ => no_overload("+"),
    }
}

fn subtract(left: &Value, right: &Value) -> Called {
    match (left, right) {
        (Value::Int(a), Value::Int(b)) => checked(a.checked_sub(*b).map(Value::Int)),
        (Value::Uint(a), Value::Uint(b)) => checked(a.checked_sub(*b).map(Value::Uint)),
        (Value::Double(a), Value::Double(b)) => Ok(Value::Double(a - b)),
        (Value::Timestamp(a), Value::Timestamp(b)) => checked(a.since(*b).map(Value::Duration)),
        (Value::Timestamp(t), Value::Duration(d)) => {
            checked(t.checked_sub(*d).map(Value::Timestamp))
        }
        (Value::Duration(a), Value::Duration(b)) => checked(a.checked_sub(*b).map(Value::Duration)),
        _ => no_overload("-"),
    }
}

fn to_bool(value: &Value) -> Called {
    match value {
        Value::Bool(_) => Ok(value.clone()),
        Value::String(text) => {
            converted("bool", value, || number::parse_bool(text).map(Value::Bool))
        }
        _ => no_overload("bool"),
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "CEL rounds to the nearest double"
)]
fn to_double(value: &Value) -> Called {
    match value {
        Value::Double(_) => Ok(value.clone()),
        Value::Int(i) => Ok(Value::Double(*i as f64)),
        Value::Uint(u) => Ok(Value::Double(*u as f64)),
        Value::String(text) => converted("double", value, || {
            number::parse_double(text).map(Value::Double)
        }),
        _ => no_overload("double"),
    }
}

fn to_int(value: &Value) -> Called {
    match value {
        Value::Int(_) => Ok(value.clone()),
        Value::Uint(u) => converted("int", value, || i64::try_from(*u).ok().map(Value::Int)),
        Value::Double(d) => converted("int", value, || number::double_to_int(*d).map(Value::Int)),
        Value::String(text) => converted("int", value, || number::parse_int(text).map(Value::Int)),
        Value::Timestamp(time) => Ok(Value::Int(time.seconds())),
        Value::Duration(duration) => Ok(Value::Int(duration.nanos)),
        _ => no_overload("int"),
    }
}

fn to_uint(value: &Value) -> Called {
    match value {
        Value::Uint(_) => Ok(value.clone()),
        Value::Int(i) => converted("uint", value, || u64::try_from(*i).ok().map(Value::Uint)),
        Value::Double(d) => converted("uint", value, || {
            number::double_to_uint(*d).map(Value::Uint)
        }),
        Value::String(text) => {
            converted("uint", value, || number::parse_uint(text).map(Value::Uint))
        }
        _ => no_overload("uint"),
    }
}

fn to_string(value: &Value) -> Called {
    let text = match value {
        Value::String(_) => return Ok(value.clone()),
        Value::Bool(b) => b.to_string(),
        Value::Int(i) => i.to_string(),
        Value::Uint(u) => u.to_string(),
        Value::Double(d) => number::format_double(*d),
        Value::Duration(d) => d.to_string(),
        Value::Timestamp(t) => t.to_string(),
        Value::Bytes(bytes) => {
            return converted("string", value, || {
                std::str::from_utf8(bytes).ok().map(Value::string)
            });
        }
        _ => return no_overload("string"),
    };
    Ok(Value::string(&text))
}

fn converted(to: &'static str, value: &Value, convert: impl FnOnce() -> Option<Value>) -> Called {
    let from = value.type_name();
    convert().ok_or(EvalError::Conversion { from, to })
}

fn checked(value: Option<Value>) -> Called {
    value.ok_or(EvalError::Overflow)
}

fn no_overload(name: &'static str) -> Called {
    Err(EvalError::NoOverload { name })
}

/// The names of the functions that `text_or_zone` and `part` refuse.
fn name(function: Function) -> &'static str {
    match function {
        Function::Contains => "contains",
        Function::StartsWith => "startsWith",
        Function::EndsWith => "endsWith",
        Function::Matches => "matches",
        Function::InCidr => "in_cidr",
        Function::GetDate => "getDate",
        Function::GetDayOfMonth => "getDayOfMonth",
        Function::GetDayOfWeek => "getDayOfWeek",
        Function::GetDayOfYear => "getDayOfYear",
        Function::GetFullYear => "getFullYear",
        Function::GetHours => "getHours",
        Function::GetMilliseconds => "getMilliseconds",
        Function::GetMinutes => "getMinutes",
        Function::GetMonth => "getMonth",
        Function::GetSeconds => "getSeconds",
        _ => "the function",
    }
}
