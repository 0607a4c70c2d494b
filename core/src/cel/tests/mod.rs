//! Costs, limits and hostile input; the semantics are judged by CEL's own
//! suite in `tests/cel_conformance.rs`.

mod cost;
mod hostile;
mod parts;

use super::*;

/// Compiles as a condition is compiled, constants folded or not.
fn program(source: &str, variables: &[(&str, Type)], fold: bool) -> Program {
    let environment = Environment {
        variables,
        checked: true,
        fold,
    };
    match compile(source, &environment) {
        Ok((program, _)) => program,
        Err(error) => panic!("{source}: {error}"),
    }
}

/// The result of an expression without variables, or its error's code.
fn eval(source: &str) -> Result<String, &'static str> {
    let environment = Environment {
        variables: &[],
        checked: true,
        fold: false,
    };
    let (program, _) = compile(source, &environment).map_err(|e| e.code())?;
    let evaluation = program.evaluate(&(), Limits::default());
    evaluation
        .result
        .map(|v| v.to_string())
        .map_err(|e| e.code())
}
