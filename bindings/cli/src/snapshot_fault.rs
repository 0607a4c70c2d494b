//! Faults of snapshots and models, with the line that is wrong.

use deputize::model::{self, ErrorKind, Model, ModelError};
use deputize::snapshot::{SnapshotError, SnapshotErrorKind};
use serde_json::Value;

use crate::condition_fault::of_condition;
use crate::fault::{Failure, Fault, Place};
use crate::suggest;

/// The faults of a snapshot document.
pub(crate) fn of_document(error: &SnapshotError, bytes: &[u8], name: &str) -> Failure {
    if let SnapshotErrorKind::Model(first) = &error.kind {
        let dsl = dsl_of(bytes);
        let errors = all_errors(first, dsl.as_deref());
        let faults = errors
            .iter()
            .map(|error| in_snapshot(of_model(error, dsl.as_deref())).in_file(name))
            .collect();
        return Failure::of(faults).unwrap_or_else(|| plain(error, None).in_file(name).into());
    }
    let mut fault = plain(error, dsl_of(bytes).as_deref()).in_file(name);
    if let Some(at) = error.position {
        fault.place = std::str::from_utf8(bytes)
            .ok()
            .and_then(|text| Place::of(text, at.line, at.column, 1));
    }
    fault.into()
}

/// A snapshot's fault; `dsl` is its model's text, where it has one.
pub(crate) fn plain(error: &SnapshotError, dsl: Option<&str>) -> Fault {
    if let SnapshotErrorKind::Condition(condition) = &error.kind {
        return of_condition(condition, dsl).pointing(error.pointer.clone());
    }
    // The message proper: the place is shown apart from it.
    let bare = error.kind.clone().at("").to_string();
    let fault = Fault::new(error.code(), bare).pointing(error.pointer.clone());
    match &error.kind {
        SnapshotErrorKind::Shape { detail } => fault.maybe_hint(suggest::member(detail)),
        SnapshotErrorKind::Json { .. } => {
            fault.hint("a snapshot is a JSON object that begins with `{\"deputize\": 1`")
        }
        _ => fault,
    }
}

/// The fault that one error of a model is; `dsl` is its text, where it has one.
pub(crate) fn of_model(error: &ModelError, dsl: Option<&str>) -> Fault {
    let mut fault = Fault::new(error.code(), error.message());
    fault.file = error.part.file.clone();
    if let (Some(span), Some(dsl)) = (error.span, dsl) {
        let width = span.end.saturating_sub(span.start);
        fault.place = Place::of(dsl, span.line + 1, span.start + 1, width);
    }
    fault.maybe_hint(model_hint(error, dsl))
}

/// The same fault, as one of the snapshot that holds the model.
pub(crate) fn in_snapshot(mut fault: Fault) -> Fault {
    fault.rule = Some(fault.code);
    fault.code = "snapshot.model";
    fault.pointing("/model")
}

/// A snapshot's error names the first of its model's errors; the text has all.
fn all_errors(first: &ModelError, dsl: Option<&str>) -> Vec<ModelError> {
    let mut all = dsl
        .and_then(|text| model::admit(text).err())
        .unwrap_or_default();
    all.retain(|error| !error.is_advice());
    if all.contains(first) {
        all
    } else {
        vec![first.clone()]
    }
}

fn dsl_of(bytes: &[u8]) -> Option<String> {
    let document: Value = serde_json::from_slice(bytes).ok()?;
    Some(document.get("model")?.as_str()?.to_owned())
}

fn model_hint(error: &ModelError, dsl: Option<&str>) -> Option<String> {
    let model = model::parse(dsl?).ok()?;
    let types = || model.types.iter().map(|t| t.name.as_str());
    let near = match &error.kind {
        ErrorKind::MissingRelation => {
            let relations = relations_of(&model, error.part.type_name.as_deref()?);
            suggest::nearest(&error.symbol, relations)
        }
        ErrorKind::InvalidRelationType { missing, on_type } => {
            suggest::nearest(missing, relations_of(&model, on_type))
        }
        ErrorKind::InvalidRelationOnTupleset {
            computed, on_type, ..
        } => suggest::nearest(computed, relations_of(&model, on_type)),
        ErrorKind::InvalidType => suggest::nearest(&error.symbol, types()),
        ErrorKind::ConditionNotDefined => suggest::nearest(
            &error.symbol,
            model.conditions.iter().map(|c| c.name.as_str()),
        ),
        _ => None,
    };
    near.map(|near| format!("did you mean `{near}`?"))
}

/// The relations of a type.
pub(crate) fn relations_of<'m>(
    model: &'m Model,
    type_name: &str,
) -> impl Iterator<Item = &'m str> + Clone + use<'m> {
    model
        .types
        .iter()
        .find(|t| t.name == type_name)
        .into_iter()
        .flat_map(|t| &t.relations)
        .map(|r| r.name.as_str())
}
