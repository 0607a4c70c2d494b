//! A catalogue of conditions whose truth is written in Rust beside the CEL,
//! so that no CEL evaluator is trusted where one is judged.

use deputize::model::{ConditionDef, ParamDef, ParamType};
use serde_json::{Map, Value, json};

/// One condition: its definition, values to draw from, and its truth.
pub struct Entry {
    /// Its name.
    pub name: &'static str,
    /// Parameters, each with good values and with values of a wrong type.
    pub params: Vec<(&'static str, ParamType, Vec<Value>, Vec<Value>)>,
    /// The CEL.
    pub expression: &'static str,
    /// What the CEL means, given a good value for each parameter in order.
    /// `None` is an evaluation error.
    pub truth: fn(&[&Value]) -> Option<bool>,
}

impl Entry {
    /// As a model defines it.
    pub fn definition(&self) -> ConditionDef {
        let param = |(name, ty, _, _): &(&str, ParamType, Vec<Value>, Vec<Value>)| ParamDef {
            name: (*name).into(),
            ty: ty.clone(),
        };
        ConditionDef {
            name: self.name.into(),
            params: self.params.iter().map(param).collect(),
            expression: self.expression.into(),
            module: None,
            file: None,
        }
    }

    /// The condition's value in a context: every declared parameter must be
    /// there and of its type, even where the expression could do without.
    ///
    /// # Errors
    /// A parameter is missing or of a wrong type, or the expression fails.
    pub fn evaluate(&self, context: &Map<String, Value>) -> Result<bool, String> {
        let mut values = Vec::new();
        for (name, _, good, _) in &self.params {
            match context.get(*name) {
                None => return Err(format!("`{}` lacks `{name}`", self.name)),
                Some(value) if good.contains(value) => values.push(value),
                Some(value) => return Err(format!("`{name}` is of a wrong type: {value}")),
            }
        }
        (self.truth)(&values).ok_or_else(|| format!("`{}` fails", self.name))
    }
}

/// The entry of that name.
pub fn find(name: &str) -> Option<Entry> {
    catalogue().into_iter().find(|entry| entry.name == name)
}

/// Every condition that a generated model may use.
pub fn catalogue() -> Vec<Entry> {
    let times = || {
        vec![
            json!("2026-01-01T00:00:00Z"),
            json!("2026-01-01T01:00:00Z"),
            json!("2026-01-01T02:00:00Z"),
            json!("2026-01-01T05:00:00+02:00"),
        ]
    };
    let ints = || vec![json!(3), json!(10), json!(42)];
    let strings = || vec![json!("ok"), json!("no"), json!("")];
    vec![
        Entry {
            name: "small",
            params: vec![("x", ParamType::Int, ints(), vec![json!("abc"), json!([1])])],
            expression: "x < 10",
            truth: |v| Some(v[0].as_i64()? < 10),
        },
        Entry {
            name: "exact",
            params: vec![("s", ParamType::String, strings(), vec![json!(5)])],
            expression: "s == \"ok\"",
            truth: |v| Some(v[0] == "ok"),
        },
        Entry {
            name: "flag",
            params: vec![(
                "b",
                ParamType::Bool,
                vec![json!(true), json!(false)],
                vec![json!("x")],
            )],
            expression: "b",
            truth: |v| v[0].as_bool(),
        },
        Entry {
            name: "listed",
            params: vec![
                ("s", ParamType::String, strings(), vec![json!(5)]),
                (
                    "names",
                    ParamType::List(Box::new(ParamType::String)),
                    vec![json!(["ok", "fine"]), json!(["no"]), json!([])],
                    vec![json!("ok"), json!([1])],
                ),
            ],
            expression: "s in names",
            truth: |v| Some(v[1].as_array()?.contains(v[0])),
        },
        Entry {
            name: "nearby",
            params: vec![(
                "ip",
                ParamType::IpAddress,
                vec![
                    json!("10.1.2.3"),
                    json!("11.0.0.1"),
                    json!("10.255.255.255"),
                    json!("::1"),
                ],
                vec![json!("10.1.2"), json!(7)],
            )],
            expression: "ip.in_cidr(\"10.0.0.0/8\")",
            truth: |v| Some(v[0].as_str()?.starts_with("10.")),
        },
        Entry {
            name: "fresh",
            params: vec![
                (
                    "now",
                    ParamType::Timestamp,
                    times(),
                    vec![json!("yesterday")],
                ),
                (
                    "until",
                    ParamType::Timestamp,
                    times(),
                    vec![json!("tomorrow"), json!(5)],
                ),
            ],
            expression: "now < until",
            truth: |v| Some(seconds(v[0])? < seconds(v[1])?),
        },
        Entry {
            name: "within",
            params: vec![
                (
                    "now",
                    ParamType::Timestamp,
                    times(),
                    vec![json!("yesterday")],
                ),
                (
                    "since",
                    ParamType::Timestamp,
                    times(),
                    vec![json!("tomorrow")],
                ),
                (
                    "span",
                    ParamType::Duration,
                    vec![json!("90m"), json!("1h30m"), json!("3h")],
                    vec![json!("long")],
                ),
            ],
            expression: "now < since + span",
            truth: |v| Some(seconds(v[0])? < seconds(v[1])? + seconds(v[2])?),
        },
        Entry {
            // Both must be there, though one would do.
            name: "either",
            params: vec![
                ("x", ParamType::Int, ints(), vec![json!("abc")]),
                ("s", ParamType::String, strings(), vec![json!(5)]),
            ],
            expression: "x < 10 || s == \"ok\"",
            truth: |v| Some(v[0].as_i64()? < 10 || v[1] == "ok"),
        },
        Entry {
            name: "tagged",
            params: vec![(
                "tags",
                ParamType::Map(Box::new(ParamType::String)),
                vec![
                    json!({"k": "v"}),
                    json!({"k": "w"}),
                    json!({"other": "v"}),
                    json!({}),
                ],
                vec![json!("k"), json!({"k": 1})],
            )],
            // A key that is not there is an error, not false.
            expression: "tags[\"k\"] == \"v\"",
            truth: |v| v[0].get("k").map(|tag| tag == "v"),
        },
        Entry {
            name: "enough",
            params: vec![
                (
                    "d",
                    ParamType::Double,
                    vec![json!(0.25), json!(0.5), json!(2.5)],
                    vec![json!("q")],
                ),
                (
                    "u",
                    ParamType::Uint,
                    vec![json!(0), json!(1), json!(7)],
                    vec![json!(-1)],
                ),
            ],
            expression: "d > 0.4 && u >= 1u",
            truth: |v| Some(v[0].as_f64()? > 0.4 && v[1].as_u64()? >= 1),
        },
    ]
}

/// The catalogue's timestamps and durations in seconds; no general parser.
fn seconds(value: &Value) -> Option<i64> {
    Some(match value.as_str()? {
        "2026-01-01T00:00:00Z" => 0,
        "2026-01-01T01:00:00Z" => 3_600,
        "2026-01-01T02:00:00Z" => 7_200,
        "2026-01-01T05:00:00+02:00" => 10_800,
        "90m" | "1h30m" => 5_400,
        "3h" => 10_800,
        _ => return None,
    })
}
