//! Any text as an expression: it compiles or not, and what compiles ends with a
//! value or an error within its limits, twice the same.

use deputize::cel::{Environment, Limits, Type, Value, compile};

/// Takes one input.
pub fn run(bytes: &[u8]) {
    let Ok(source) = std::str::from_utf8(bytes) else {
        return;
    };
    let variables = [
        ("x", Type::Int),
        ("s", Type::String),
        ("d", Type::Dyn),
        ("b", Type::Bool),
    ];
    let list = Value::list(vec![Value::Int(1), Value::string("é"), Value::Null]);
    let values = [
        Some(Value::Int(-7)),
        Some(Value::string("a,b")),
        Some(list),
        None,
    ];
    let limits = Limits {
        cost: Some(10_000),
        steps: 100_000,
    };
    for (checked, fold) in [(true, false), (true, true), (false, false)] {
        let environment = Environment {
            variables: &variables,
            checked,
            fold,
        };
        match compile(source, &environment) {
            Ok((program, _)) => {
                let once = program.evaluate(&values[..], limits);
                let twice = program.evaluate(&values[..], limits);
                assert_eq!(format!("{once:?}"), format!("{twice:?}"));
            }
            Err(error) => {
                let _ = error.to_string();
            }
        }
    }
}
