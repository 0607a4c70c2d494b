//! Costs as cel-go counts them, from its own `runtimecost_test.go` where an
//! expression needs no message types.

use super::*;

fn cost(source: &str, variables: &[(&str, Type, Value)], fold: bool) -> u64 {
    let declared: Vec<(&str, Type)> = variables
        .iter()
        .map(|(name, ty, _)| (*name, ty.clone()))
        .collect();
    let values: Vec<Option<Value>> = variables.iter().map(|(_, _, v)| Some(v.clone())).collect();
    let program = program(source, &declared, fold);
    let evaluation = program.evaluate(values.as_slice(), Limits::default());
    assert!(evaluation.result.is_ok(), "{source}: {evaluation:?}");
    evaluation.cost
}

fn text(length: usize) -> Value {
    Value::string(&"abcdefghij".repeat(length / 10))
}

fn map(entries: &[(&str, Value)]) -> Value {
    Value::string_map(entries.iter().map(|(k, v)| (*k, v.clone()))).unwrap()
}

#[test]
fn costs_are_cel_gos() {
    let constant = [
        ("'Hello World!'", 0),
        ("[1, 2, 3]", 10),
        ("{'a': 1, 'b': 2, 'c': 3}", 30),
        ("[1, 2, 3].all(x, true)", 20),
        ("false || false", 0),
        ("true || false", 0),
        ("true && false", 0),
        ("1 < 2", 1),
        ("1 <= 2", 1),
        ("1 == 2", 1),
        ("2 > 1", 1),
        ("2 in [1, 2, 3]", 13),
        ("1 + 1", 1),
        ("1 - 1", 1),
        ("1 / 1", 1),
        ("1 * 1", 1),
        ("1 % 1", 1),
        ("true ? 1 : 2", 0),
        ("true ? false : 1 > 3", 0),
        ("false ? false : 1 > 3", 1),
        ("size('123')", 1),
        ("string(1)", 1),
        (
            "'12345678901234567890' == '123456789012345678901234567890'",
            2,
        ),
        ("(1 > 2 ? 5 : 3) > 1", 2),
        ("(1 > 2 || 2 > 1) == true", 3),
        ("[{'k1': 1}, {'k2': 2}].all(x, true)", 77),
    ];
    for (source, expected) in constant {
        assert_eq!(cost(source, &[], false), expected, "{source}");
    }
}

#[test]
fn costs_of_variables_are_cel_gos() {
    let list = || Type::list(Type::Int);
    let ints = |n: i64| Value::list((0..n).map(Value::Int).collect());
    let strings = || Type::string_map(Type::String);
    let nested = || Type::string_map(Type::string_map(Type::Int));
    let inner = map(&[("nestedAttr", Value::Int(0))]);
    let cases = [
        ("input", list(), ints(2), 1),
        ("input[0]", list(), ints(1), 2),
        ("input[3-3]", list(), ints(1), 3),
        ("input['key']", strings(), map(&[("key", text(10))]), 2),
        ("input['ke' + 'y']", strings(), map(&[("key", text(10))]), 3),
        (
            "has(input.testAttr.nestedAttr)",
            nested(),
            map(&[("testAttr", inner)]),
            3,
        ),
        ("input.all(x, true)", list(), ints(0), 2),
        (
            "input.all(k, input[k].single_int32 > 3)",
            nested(),
            map(&[("val", map(&[("single_int32", Value::Int(4))]))]),
            9,
        ),
        ("input.all(k, input[k].all(x, true))", nested(), map(&[]), 2),
        (
            "string(input)",
            Type::Bytes,
            Value::Bytes(vec![b'a'; 500].into()),
            51,
        ),
        ("bytes(input)", Type::String, text(500), 51),
        (
            "input.startsWith('abc')",
            Type::String,
            Value::string("idc"),
            2,
        ),
        (
            "input.endsWith('abc')",
            Type::String,
            Value::string("idc"),
            2,
        ),
        ("input.size()", Type::String, text(10), 2),
        ("size(input)", Type::String, text(10), 2),
    ];
    for (source, ty, value, expected) in cases {
        let variables = [("input", ty, value)];
        assert_eq!(cost(source, &variables, false), expected, "{source}");
    }
    let strings = [
        ("input", Type::String, text(500)),
        ("arg1", Type::String, text(500)),
    ];
    assert_eq!(cost("input.contains(arg1)", &strings, false), 2502);
    let lists = [("list1", list(), ints(0)), ("list2", list(), ints(0))];
    assert_eq!(cost("(list1 + list2).all(x, true)", &lists, false), 4);
    let ternary = [
        ("x", Type::Int, Value::Int(1)),
        ("input1", list(), ints(1)),
        ("input2", list(), ints(1)),
    ];
    let source = "(x > 2 ? input1 : input2).all(y, true)";
    assert_eq!(cost(source, &ternary, false), 6);
    let bools = ["a", "b", "c", "d"].map(|name| (name, Type::Bool, Value::Bool(false)));
    assert_eq!(cost("a || b || c || d", &bools, false), 4);
    let bools = ["a", "b", "c", "d"].map(|name| (name, Type::Bool, Value::Bool(true)));
    assert_eq!(cost("a && b && c && d", &bools, false), 4);
}

#[cfg(feature = "regex")]
#[test]
fn costs_of_patterns_are_cel_gos() {
    let variables = [("input", Type::String, text(500))];
    for fold in [false, true] {
        assert_eq!(cost("input.matches('[0-9]')", &variables, fold), 103);
        let source = r"input.matches('\\d+a\\d+b')";
        assert_eq!(cost(source, &variables, fold), 103);
        assert_eq!(cost("'123'.matches('[0-9]')", &[], fold), 2);
    }
}

/// A call whose left side fails costs nothing, one whose right side fails its
/// price, and a loop goes on after an error; seen from OpenFGA's own program.
#[test]
fn what_fails_is_paid_as_in_cel_go() {
    let list = Value::list((0..3).map(|n| Value::string(&n.to_string())).collect());
    let variables = [
        ("l", Type::list(Type::String), list),
        ("x", Type::String, Value::string("1")),
    ];
    for (source, expected) in [
        ("1/0 == 1", 1),
        ("(1/0) + size(x) > 0", 1),
        ("size(x) + (1/0) > 0", 4),
        ("size(x) == 1/0", 4),
        ("-(1/0) == 1", 2),
        ("l[1/0] == ''", 3),
        ("l[100] == x", 2),
        ("dyn(x).b == 'c'", 4),
        ("(1/0) in [size(x)]", 1),
        ("l.exists_one(y, size(y)/0 == 1)", 1 + 3 * 3 + 1),
        (
            "l.map(y, size(y)/0) == []",
            1 + (1 + 10 + 3 + 1) + 1 + 1 + 1,
        ),
        ("l.filter(y, size(y)/0 == 1) == []", 1 + 3 * 3 + 1),
    ] {
        let source = format!("{source} || true");
        assert_eq!(cost(&source, &variables, true), expected, "{source}");
    }
}

/// cel-go computes constants before its tracker looks; OpenFGA has it do so.
#[test]
fn folded_constants_cost_nothing() {
    let time = Value::Timestamp(Timestamp::new(0, 0).unwrap());
    let variables = [("t", Type::Timestamp, time)];
    let source = "t < timestamp('2023-10-11T10:00:00Z') + duration('1h')";
    assert_eq!(cost(source, &variables, false), 5);
    assert_eq!(cost(source, &variables, true), 3);
    let variables = [("s", Type::String, Value::string("b"))];
    assert_eq!(cost("s in ['a', 'b']", &variables, false), 13);
    assert_eq!(cost("s in ['a', 'b']", &variables, true), 1);
    assert_eq!(cost("s in []", &variables, true), 0);
    assert_eq!(
        cost("['a'].exists(x, x == s)", &variables, true),
        3 + 1 + 3 + 1
    );
}

#[test]
fn the_cost_limit_is_exact() {
    let variables = [("str1", Type::String), ("str2", Type::String)];
    let program = program("'abcdefg'.contains(str1 + str2)", &variables, true);
    let values = [
        Some(Value::string("val1")),
        Some(Value::string("val2222222")),
    ];
    let run = |cost| {
        let limits = Limits {
            cost: Some(cost),
            ..Limits::default()
        };
        program.evaluate(values.as_slice(), limits)
    };
    assert!(run(6).result.is_ok());
    assert_eq!(run(6).cost, 6);
    let error = run(5).result.unwrap_err();
    assert_eq!(error, EvalError::CostExceeded { limit: 5 });
}

#[test]
fn nothing_takes_a_limit_back() {
    let limits = Limits {
        cost: Some(3),
        ..Limits::default()
    };
    let variables = [("x", Type::Int)];
    let values = [Some(Value::Int(1))];
    for source in [
        "x + x + x > 0 || true",
        "true || x > 0 || x + x > 5",
        "[1].exists(y, x + x + x > 0 || true) || true",
        "(x + x + x > 0) == true || true",
    ] {
        let program = program(source, &variables, true);
        let evaluation = program.evaluate(values.as_slice(), limits);
        let cheap = source.starts_with("true");
        assert_eq!(evaluation.result.is_ok(), cheap, "{source}");
    }
}
