//! Faults of conditions, with the line of the model that is wrong.

use deputize::cel::{CompileError, TypeErrorKind};
use deputize::condition::{ConditionError, ConditionErrorKind};
use deputize::model::{self, ConditionDef};

use crate::fault::{Fault, Place};
use crate::suggest;

/// The fault that a condition of a snapshot is; `dsl` is its model's text,
/// where it has one.
pub(crate) fn of_condition(error: &ConditionError, dsl: Option<&str>) -> Fault {
    let mut fault = Fault::new("snapshot.condition", error.to_string());
    fault.rule = Some(error.code());
    let ConditionErrorKind::Compile { error: compile } = &error.kind else {
        return fault;
    };
    let (at, word) = match compile {
        CompileError::Syntax(error) => (error.position, None),
        CompileError::Type(error) => (error.position, undeclared(&error.kind)),
    };
    let Some(dsl) = dsl else {
        return fault;
    };
    let parsed = model::parse(dsl).unwrap_or_default();
    let named = |def: &&ConditionDef| def.name == error.condition;
    let Some(def) = parsed.conditions.iter().find(named) else {
        return fault;
    };
    let width = word.map_or(1, |word| word.chars().count());
    let width = u32::try_from(width).unwrap_or(1);
    if let Some((line, column)) = begin(def, dsl) {
        let column = if at.line == 1 { column } else { 1 };
        let place = Place::of(dsl, line + at.line - 1, column + at.column - 1, width);
        if place.is_some() {
            // The place is shown apart from the words, and in the whole text.
            let within = format!("{}:{}: ", at.line, at.column);
            fault.message = fault.message.replacen(&within, "", 1);
        }
        fault.place = place;
    }
    let params = def.params.iter().map(|param| param.name.as_str());
    fault.maybe_hint(word.and_then(|word| suggest::hint(word, "the parameters are", params)))
}

fn undeclared(kind: &TypeErrorKind) -> Option<&str> {
    match kind {
        TypeErrorKind::Undeclared { name } => Some(name),
        _ => None,
    }
}

/// The line and column, both from 1, at which a condition's expression begins.
fn begin(def: &ConditionDef, dsl: &str) -> Option<(u32, u32)> {
    let heads = |line: &str| {
        let rest = line.trim_start().strip_prefix("condition")?;
        let rest = rest.trim_start().strip_prefix(def.name.as_str())?;
        rest.trim_start().starts_with('(').then_some(())
    };
    let mut offset = 0;
    for line in dsl.split_inclusive('\n') {
        if heads(line).is_some() {
            break;
        }
        offset += line.len();
    }
    let body = offset + dsl.get(offset..)?.find('{')?;
    let start = body + dsl.get(body..)?.find(def.expression.as_str())?;
    let before = dsl.get(..start)?;
    let last = before.rsplit('\n').next().unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = last.chars().count() + 1;
    Some((u32::try_from(line).ok()?, u32::try_from(column).ok()?))
}
