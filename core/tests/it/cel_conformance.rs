//! CEL's own conformance suite, without its extensions.
//!
//! Each case runs unchecked, as an expression that meets its type errors when
//! it is evaluated. Where the checker accepts it too, the checked program must
//! give the same answer, with and without folded constants.

use std::path::PathBuf;

use deputize::cel::{Duration, Environment, Limits, Map, Program, Timestamp, Type, Value, compile};
use serde_json::Value as Json;

/// Cases that fail, and why. One that passes fails the test.
const EXCEPTIONS: [(&str, &str); 6] = [
    ("timestamps/timestamp_selectors_tz/getDate", ZONES),
    (
        "timestamps/timestamp_selectors_tz/getDayOfMonth_name_pos",
        ZONES,
    ),
    (
        "timestamps/timestamp_selectors_tz/getDayOfMonth_name_neg",
        ZONES,
    ),
    ("timestamps/timestamp_selectors_tz/getDayOfYear", ZONES),
    ("timestamps/timestamp_selectors_tz/getMinutes", ZONES),
    (
        "timestamps/duration_converters/get_milliseconds",
        "cel-go, and so OpenFGA, gives the whole duration in milliseconds",
    ),
];

const ZONES: &str = "named time zones need a database that changes several times a year; \
                     the core carries none, so that all builds of it decide alike";

/// Cases that run unchecked only: they mix types, or use unknown names, on
/// purpose.
const UNCHECKED: [&str; 12] = [
    "basic/functions/unbound_is_runtime_error",
    "basic/variables/unbound_is_runtime_error",
    "comparisons/eq_literal/eq_list_elem_mixed_types",
    "comparisons/eq_literal/eq_mixed_types",
    "comparisons/eq_literal/not_eq_list_length",
    "comparisons/ne_literal/ne_mixed_types",
    "logic/AND/short_circuit_type_left",
    "logic/AND/short_circuit_type_right",
    "logic/OR/short_circuit_type_left",
    "logic/OR/short_circuit_type_right",
    "logic/conditional/mixed_type",
    // A section: it calls functions that nobody defines.
    "parse/receiver_function_names/",
];

fn conformance(path: &str) -> Option<String> {
    let root = std::env::var_os("DEPUTIZE_CONFORMANCE").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/conformance"),
        PathBuf::from,
    );
    let file = root.join(path);
    let text = std::fs::read_to_string(&file).ok();
    if text.is_none() {
        println!("SKIPPED: {} is not there", file.display());
    }
    text
}

fn number<T: std::str::FromStr>(json: &Json) -> T
where
    T::Err: std::fmt::Debug,
{
    json.as_str().unwrap().parse().unwrap()
}

/// A case's value as ours.
fn value(json: &Json) -> Value {
    let (kind, json) = json.as_object().unwrap().iter().next().unwrap();
    let field = |name: &str| json.get(name).map_or(0, number::<i64>);
    match kind.as_str() {
        "null" => Value::Null,
        "bool" => Value::Bool(json.as_bool().unwrap()),
        "int" => Value::Int(number(json)),
        "uint" => Value::Uint(number(json)),
        "double" => Value::Double(number(json)),
        "string" => Value::string(json.as_str().unwrap()),
        "bytes_hex" => {
            let hex = json.as_str().unwrap();
            let bytes = (0..hex.len() / 2)
                .map(|n| u8::from_str_radix(&hex[2 * n..2 * n + 2], 16).unwrap())
                .collect();
            Value::Bytes(bytes)
        }
        "list" => Value::list(json.as_array().unwrap().iter().map(value).collect()),
        "map" => {
            let entry = |pair: &Json| (value(&pair[0]), value(&pair[1]));
            let entries = json.as_array().unwrap().iter().map(entry).collect();
            Value::Map(Map::new(entries).unwrap().into())
        }
        "duration" => Value::Duration(Duration {
            nanos: field("seconds") * 1_000_000_000 + field("nanos"),
        }),
        "timestamp" => {
            let nanos = u32::try_from(field("nanos")).unwrap();
            Value::Timestamp(Timestamp::new(field("seconds"), nanos).unwrap())
        }
        "type" => {
            let environment = Environment {
                variables: &[],
                checked: true,
                fold: false,
            };
            let (program, _) = compile(json.as_str().unwrap(), &environment).unwrap();
            program.evaluate(&(), Limits::default()).result.unwrap()
        }
        other => panic!("unknown kind of value `{other}`"),
    }
}

/// Same kind and same value: stricter than CEL's `==`.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Null, Value::Null) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Int(a), Value::Int(b)) => a == b,
        (Value::Uint(a), Value::Uint(b)) => a == b,
        (Value::Double(a), Value::Double(b)) => a.to_bits() == b.to_bits(),
        (Value::String(a), Value::String(b)) => a == b,
        (Value::Bytes(a), Value::Bytes(b)) => a == b,
        (Value::List(a), Value::List(b)) => {
            a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| same(a, b))
        }
        (Value::Map(a), Value::Map(b)) => {
            let mut pairs = a.entries().iter().zip(b.entries());
            a.entries().len() == b.entries().len()
                && pairs.all(|((ak, av), (bk, bv))| same(ak, bk) && same(av, bv))
        }
        (Value::Duration(a), Value::Duration(b)) => a == b,
        (Value::Timestamp(a), Value::Timestamp(b)) => a == b,
        (Value::Type(a), Value::Type(b)) => a == b,
        _ => false,
    }
}

fn type_of(value: &Value) -> Type {
    match value {
        Value::Bool(_) => Type::Bool,
        Value::Int(_) => Type::Int,
        Value::Uint(_) => Type::Uint,
        Value::Double(_) => Type::Double,
        Value::String(_) => Type::String,
        Value::Bytes(_) => Type::Bytes,
        Value::Duration(_) => Type::Duration,
        Value::Timestamp(_) => Type::Timestamp,
        Value::List(_) => Type::list(Type::Dyn),
        Value::Map(_) => Type::string_map(Type::Dyn),
        _ => Type::Dyn,
    }
}

fn run(program: &Program, values: &[Option<Value>]) -> Result<Value, String> {
    let evaluation = program.evaluate(values, Limits::default());
    evaluation.result.map_err(|e| e.to_string())
}

#[test]
fn the_standard_environment_conforms() {
    let Some(text) = conformance("cel/simple.json") else {
        return;
    };
    let suite: Json = serde_json::from_str(&text).unwrap();
    let (mut ran, mut both) = (0, 0);
    let mut wrong = Vec::new();
    for case in suite["cases"].as_array().unwrap() {
        let word = |name: &str| case[name].as_str().unwrap();
        if ["string_ext", "network_ext", "optionals"].contains(&word("file")) {
            continue;
        }
        ran += 1;
        let name = format!("{}/{}/{}", word("file"), word("section"), word("name"));
        assert!(case["container"].is_null() && case["disable_macros"].is_null());
        let mut declarations = Vec::new();
        let mut values = Vec::new();
        for (name, bound) in case["bindings"].as_object().into_iter().flatten() {
            let bound = value(bound);
            declarations.push((name.as_str(), type_of(&bound)));
            values.push(Some(bound));
        }
        let answer = |checked: bool, fold: bool| {
            let environment = Environment {
                variables: &declarations,
                checked,
                fold,
            };
            match compile(word("expr"), &environment) {
                Ok((program, _)) => Ok(run(&program, &values)),
                Err(error) => Err(error.to_string()),
            }
        };
        let unchecked = answer(false, false).unwrap_or_else(Err);
        let passes = match (&unchecked, case.get("value")) {
            (Ok(found), Some(wanted)) => same(found, &value(wanted)),
            (Err(_), None) => true,
            _ => false,
        };
        let expected_to_fail = EXCEPTIONS.iter().any(|(n, _)| *n == name);
        if passes == expected_to_fail {
            let verb = if passes { "passes" } else { "fails" };
            wrong.push(format!("{name} {verb}: {unchecked:?}"));
        }
        let unchecked_only = UNCHECKED.iter().any(|n| name.starts_with(n));
        let mut checks = false;
        for fold in [false, true] {
            match answer(true, fold) {
                Ok(checked) => {
                    both += 1;
                    checks = true;
                    let agrees = match (&checked, &unchecked) {
                        (Ok(a), Ok(b)) => same(a, b),
                        (Err(_), Err(_)) => true,
                        _ => false,
                    };
                    if !agrees {
                        wrong.push(format!("{name} differs when checked: {checked:?}"));
                    }
                }
                Err(error) if checks => {
                    // Folding met the error that the evaluation meets.
                    if unchecked.is_ok() {
                        wrong.push(format!("{name} does not fold: {error}"));
                    }
                }
                Err(error) if unchecked.is_ok() && !unchecked_only => {
                    wrong.push(format!("{name} does not check: {error}"));
                }
                Err(_) => {}
            }
        }
        if checks && unchecked_only {
            wrong.push(format!("{name} checks after all"));
        }
    }
    println!("{ran} cases, {both} checked runs");
    assert!(wrong.is_empty(), "{}\n{}", wrong.len(), wrong.join("\n"));
}
