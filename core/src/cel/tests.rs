//! Costs, limits and hostile input; the semantics are judged by CEL's own
//! suite in `tests/cel_conformance.rs`.

use super::*;

fn environment<'a>(variables: &'a [(&'a str, Type)], fold: bool) -> Environment<'a> {
    Environment {
        variables,
        checked: true,
        fold,
    }
}

#[test]
fn a_comparison_evaluates() {
    let variables = [("x", Type::Int)];
    let (program, ty) = compile("x < 100", &environment(&variables, true)).unwrap();
    assert_eq!(ty, Type::Bool);
    let values = [Some(Value::Int(10))];
    let evaluation = program.evaluate(values.as_slice(), Limits::default());
    assert!(matches!(evaluation.result, Ok(Value::Bool(true))));
    assert_eq!(evaluation.cost, 2);
}
