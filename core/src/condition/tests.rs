//! Conditions as OpenFGA evaluates them.

use serde_json::json;

use super::*;
use crate::model::ParamDef;

fn def(params: &[(&str, ParamType)], expression: &str) -> ConditionDef {
    let param = |(name, ty): &(&str, ParamType)| ParamDef {
        name: (*name).to_owned(),
        ty: ty.clone(),
    };
    ConditionDef {
        name: "c".to_owned(),
        params: params.iter().map(param).collect(),
        expression: expression.to_owned(),
        module: None,
        file: None,
    }
}

fn condition(params: &[(&str, ParamType)], expression: &str) -> Condition {
    Condition::compile(&def(params, expression)).unwrap()
}

fn object(json: Json) -> Map<String, Json> {
    match json {
        Json::Object(object) => object,
        other => panic!("{other} is no object"),
    }
}

/// Evaluates with a tuple's and a request's context; an error is its code.
fn ask(condition: &Condition, tuple: Json, request: Json) -> Result<bool, &'static str> {
    let tuple = condition
        .bind_tuple_context(&object(tuple))
        .map_err(|e| e.code())?;
    let request = object(request);
    condition
        .evaluate(&tuple, Some(&request), Some(OPENFGA_COST_LIMIT))
        .map_err(|e| e.code())
}

#[test]
fn the_tuples_context_overrides_the_requests() {
    let c = condition(&[("x", ParamType::Int)], "x < 100");
    assert_eq!(ask(&c, json!({}), json!({"x": 10})), Ok(true));
    assert_eq!(ask(&c, json!({}), json!({"x": 101})), Ok(false));
    assert_eq!(ask(&c, json!({"x": 10}), json!({"x": 101})), Ok(true));
    assert_eq!(ask(&c, json!({"x": 101}), json!({"x": 10})), Ok(false));
    // What is overridden is not even looked at.
    assert_eq!(ask(&c, json!({"x": 1}), json!({"x": "no"})), Ok(true));
}

#[test]
fn every_parameter_must_be_present() {
    let c = condition(&[("a", ParamType::Bool), ("b", ParamType::Bool)], "a || b");
    let missing = Err("condition.missing_context");
    assert_eq!(ask(&c, json!({}), json!({"a": true})), missing);
    assert_eq!(ask(&c, json!({"a": true}), json!({"b": false})), Ok(true));
    let error = c
        .evaluate(&BoundContext::default(), None, None)
        .unwrap_err();
    let names = vec!["a".to_owned(), "b".to_owned()];
    assert_eq!(error.kind, ConditionErrorKind::MissingContext { names });
    assert_eq!(
        error.to_string(),
        "condition `c`: the context lacks `a`, `b`"
    );
}

#[test]
fn unknown_keys_are_errors_in_the_tuple_only() {
    let c = condition(&[("x", ParamType::Int)], "x < 100");
    let unknown = Err("condition.unknown_parameter");
    assert_eq!(ask(&c, json!({"x": 1, "y": 2}), json!({})), unknown);
    assert_eq!(ask(&c, json!({"x": 1}), json!({"y": 2})), Ok(true));
}

#[test]
fn error_kinds_are_told_apart() {
    let c = condition(&[("x", ParamType::Int)], "1 / x > 0");
    assert_eq!(ask(&c, json!({"x": 1}), json!({})), Ok(true));
    let failed = Err("condition.evaluation");
    assert_eq!(ask(&c, json!({"x": 0}), json!({})), failed);
    let ill = Err("condition.ill_typed");
    assert_eq!(ask(&c, json!({"x": "one"}), json!({})), ill);
    assert_eq!(ask(&c, json!({}), json!({"x": true})), ill);
    let list = ParamType::List(Box::new(ParamType::String));
    let c = condition(&[("l", list)], "l.exists(x, x == 'z')");
    let many: Vec<String> = (0..200).map(|n| n.to_string()).collect();
    assert_eq!(
        ask(&c, json!({"l": many}), json!({})),
        Err("condition.cost_exceeded")
    );
    let bound = c.bind_tuple_context(&object(json!({"l": many}))).unwrap();
    assert_eq!(c.evaluate(&bound, None, None), Ok(false));
}

#[test]
fn conversions_are_openfgas() {
    use ParamType as P;
    let list = |ty| P::List(Box::new(ty));
    let map = |ty| P::Map(Box::new(ty));
    // Type, JSON, an expression over `x` that must hold; none is a refusal.
    let cases = [
        (P::Bool, json!(true), Some("x")),
        (P::Bool, json!("true"), None),
        (P::String, json!("é"), Some("x == 'é'")),
        (P::String, json!(1), None),
        (P::Int, json!(5), Some("x == 5")),
        (P::Int, json!(5.0), Some("x == 5")),
        (P::Int, json!(5.5), None),
        (P::Int, json!("-5"), Some("x == -5")),
        (P::Int, json!("5.0"), Some("x == 5")),
        (P::Int, json!("5e2"), Some("x == 500")),
        (P::Int, json!("5.5"), None),
        (P::Int, json!("five"), None),
        (P::Int, json!(""), None),
        (
            P::Int,
            json!("9223372036854775807"),
            Some("x == 9223372036854775807"),
        ),
        (
            P::Int,
            json!("-9223372036854775808"),
            Some("x == -9223372036854775808"),
        ),
        (P::Int, json!("9223372036854775808"), None),
        (P::Int, json!(1e300), None),
        (P::Int, json!("1e30000"), None),
        (P::Int, json!("1e-1"), None),
        (P::Int, json!(null), None),
        (P::Uint, json!(5), Some("x == 5u")),
        (
            P::Uint,
            json!("18446744073709551615"),
            Some("x == 18446744073709551615u"),
        ),
        (P::Uint, json!(-1), None),
        (P::Uint, json!("-1"), None),
        (P::Double, json!(5), Some("x == 5.0")),
        (P::Double, json!("5.25"), Some("x == 5.25")),
        (P::Double, json!("NaN"), None),
        (P::Double, json!("-Inf"), Some("x < 0.0")),
        (P::Double, json!("1e999"), None),
        (P::Double, json!("0.1"), None),
        (P::Double, json!("00.50"), Some("x == 0.5")),
        (P::Double, json!("1e300"), None),
        (P::Double, json!("-0"), Some("x == 0.0")),
        (P::Double, json!("9007199254740993"), None),
        (P::Double, json!("9007199254740992"), Some("x > 9e15")),
        (P::Double, json!(0.1), Some("x == 0.1")),
        (P::Duration, json!("1h30m"), Some("x == duration('90m')")),
        (P::Duration, json!("90"), None),
        (P::Duration, json!(90), None),
        (
            P::Timestamp,
            json!("2023-10-11T10:00:00.000Z"),
            Some("x.getHours() == 10"),
        ),
        (
            P::Timestamp,
            json!("2023-10-11T10:00:00+02:00"),
            Some("x.getHours() == 8"),
        ),
        (P::Timestamp, json!("2023-10-11"), None),
        (P::Timestamp, json!("2023-02-29T00:00:00Z"), None),
        (P::Timestamp, json!(0), None),
        (
            P::IpAddress,
            json!("192.168.0.1"),
            Some("x.in_cidr('192.168.0.0/16')"),
        ),
        (
            P::IpAddress,
            json!("192.168.0.1"),
            Some("!x.in_cidr('10.0.0.0/8')"),
        ),
        (P::IpAddress, json!("::1"), Some("x == ipaddress('0:0::1')")),
        (
            P::IpAddress,
            json!("::ffff:10.0.0.1"),
            Some("x.in_cidr('10.0.0.0/8')"),
        ),
        (P::IpAddress, json!("192.168.0"), None),
        (P::IpAddress, json!("fe80::1%eth0"), None),
        (
            P::Any,
            json!({"a": [1, null]}),
            Some("x.a[0] == 1.0 && x.a[1] == null"),
        ),
        (list(P::Int), json!([1, "2"]), Some("x == [1, 2]")),
        (list(P::Int), json!([1, "x"]), None),
        (list(P::Int), json!({}), None),
        (
            map(P::Duration),
            json!({"a": "1s"}),
            Some("x['a'] == duration('1s')"),
        ),
        (
            map(P::Any),
            json!({"a": 1, "b": "x"}),
            Some("x.a == 1.0 && x.b == 'x'"),
        ),
        (map(P::Int), json!([]), None),
    ];
    for (ty, json, holds) in cases {
        let c = condition(&[("x", ty.clone())], holds.unwrap_or("true"));
        let expected = match holds {
            Some(_) => Ok(true),
            None => Err("condition.ill_typed"),
        };
        let context = json!({ "x": json });
        assert_eq!(
            ask(&c, context.clone(), json!({})),
            expected,
            "{ty:?} {json}"
        );
        assert_eq!(ask(&c, json!({}), context), expected, "{ty:?} {json}");
    }
}

#[test]
fn compile_errors_say_where() {
    let error = |params: &[(&str, ParamType)], expression: &str| {
        let error = Condition::compile(&def(params, expression)).unwrap_err();
        (error.code(), error.to_string())
    };
    let int = [("x", ParamType::Int)];
    assert_eq!(
        error(&int, "x <\n  y"),
        (
            "condition.compile",
            "condition `c`: 2:3: `y` is not declared".to_owned()
        )
    );
    assert_eq!(
        error(&int, "x + 1").1,
        "condition `c`: the expression must yield bool, not int"
    );
    assert_eq!(
        error(&int, "x < 'a'").1,
        "condition `c`: 1:3: `<` does not apply to `(int, string)`"
    );
    assert_eq!(
        error(&int, "x <").1,
        "condition `c`: 1:4: expected an expression, found `the end`"
    );
    assert_eq!(
        error(&int, "timestamp('x') < timestamp('y')").1,
        "condition `c`: 1:1: this always fails: this string does not convert to timestamp"
    );
    let twice = [("x", ParamType::Int), ("x", ParamType::Bool)];
    assert_eq!(error(&twice, "true").0, "condition.parameter");
    let mut deep = ParamType::Int;
    for _ in 0..20 {
        deep = ParamType::List(Box::new(deep));
    }
    assert_eq!(error(&[("x", deep)], "true").0, "condition.parameter");
    // dyn is no bool: OpenFGA refuses it too.
    assert_eq!(error(&[("x", ParamType::Any)], "x").0, "condition.not_bool");
}
