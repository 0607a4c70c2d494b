//! What every question may bring with it, and what may be wrong with one.

use std::path::Path;

use clap::Args;
use deputize::model::{Assignable, AssignableKind, Model};
use deputize::time::UnixSeconds;
use deputize::{Limits, Policy, QueryError, Tuple, TupleFault, View, Warning, json};
use serde_json::{Map, Value};

use crate::clock::ClockArgs;
use crate::fault::{Failure, Fault};
use crate::snapshot_fault::relations_of;
use crate::{input, suggest, tuples};

/// What a question may bring with it.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct QuestionArgs {
    /// Values for conditions: a JSON object, or `@FILE` that holds one.
    #[arg(long, value_name = "JSON", help_heading = "Question")]
    context: Option<String>,

    /// A contextual tuple, "user relation object" or a JSON object; `@FILE`
    /// reads many (JSON, YAML or CSV). May be given again.
    #[arg(long = "tuple", value_name = "TUPLE", help_heading = "Question")]
    tuples: Vec<String>,

    /// The tenant: tuples of other tenants are invisible.
    #[arg(long, help_heading = "Question")]
    tenant: Option<String>,

    #[command(flatten)]
    clock: ClockArgs,

    /// Answer even if the snapshot's `not_after` has passed.
    #[arg(long, help_heading = "Question")]
    ignore_staleness: bool,

    /// The most hops through usersets and parents [default: the snapshot's].
    #[arg(long, value_name = "N", help_heading = "Limits")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    max_depth: Option<u32>,

    /// The most evaluation steps [default: the snapshot's, or 1000000].
    #[arg(long, value_name = "N", help_heading = "Limits")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    max_steps: Option<u64>,

    /// OpenFGA's own limits: depth 25, condition cost 100.
    #[arg(long, help_heading = "Limits")]
    openfga_limits: bool,
}

impl QuestionArgs {
    /// The policy as this question sees it.
    pub(crate) fn view<'p>(&self, policy: &'p Policy) -> Result<View<'p>, Failure> {
        self.check_fresh(policy)?;
        let mut view = policy.view().with_limits(self.limits(policy));
        if let Some(context) = &self.context {
            view = view.with_context(&read_context(context)?);
        }
        if let Some(tenant) = &self.tenant {
            view = view.with_tenant(tenant);
        }
        let tuples = read_tuples(&self.tuples)?;
        if tuples.is_empty() {
            return Ok(view);
        }
        view.with_tuples(&tuples)
            .map_err(|error| of_query(&error, policy.model(), &tuples).into())
    }

    fn check_fresh(&self, policy: &Policy) -> Result<(), Failure> {
        let now = self.clock.now();
        match policy.not_after() {
            Some(last) if now > UnixSeconds(last) && !self.ignore_staleness => {
                let said = format!("the snapshot held until {last}; it is {now}");
                Err(Fault::new("snapshot.stale", said)
                    .hint("fetch a newer one, or ask this one all the same with --ignore-staleness")
                    .into())
            }
            _ => Ok(()),
        }
    }

    fn limits(&self, policy: &Policy) -> Limits {
        let base = policy.limits();
        let base = if self.openfga_limits {
            Limits {
                steps: base.steps,
                call_steps: base.call_steps,
                ..Limits::openfga()
            }
        } else {
            base
        };
        Limits {
            steps: self.max_steps.unwrap_or(base.steps),
            depth: self.max_depth.or(base.depth),
            ..base
        }
    }
}

/// Reads every `--tuple`.
pub(crate) fn read_tuples(texts: &[String]) -> Result<Vec<Tuple>, Failure> {
    let mut all = Vec::new();
    for text in texts {
        match text.strip_prefix('@') {
            Some(path) => all.extend(tuples::read(Path::new(path))?),
            None => all.push(parse_tuple(text)?),
        }
    }
    Ok(all)
}

/// Reads a `--tuple`.
fn parse_tuple(text: &str) -> Result<Tuple, Failure> {
    if text.trim_start().starts_with('{') {
        return serde_json::from_str(text).map_err(|error| {
            let said = json::said(&error);
            let fault = Fault::new("request.tuple", format!("this is no tuple: {said}"));
            fault
                .hint("write {\"user\": \"user:anne\", \"relation\": \"viewer\", \"object\": \"document:1\"}")
                .into()
        });
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    match words.as_slice() {
        [user, relation, object] => Ok(Tuple::new(user, relation, object)),
        _ => Err(Fault::new(
            "request.tuple",
            format!("`{text}` should be a user, a relation and an object"),
        )
        .hint("write it in one argument: --tuple \"user:anne viewer document:1\"")
        .into()),
    }
}

/// Reads a `--context`.
pub(crate) fn read_context(text: &str) -> Result<Map<String, Value>, Failure> {
    let (source, name) = match text.strip_prefix('@') {
        Some(path) => (input::read_text(Path::new(path))?, path),
        None => (text.to_owned(), "--context"),
    };
    json::object_from_text(&source).map_err(|error| {
        let said = json::said(&error);
        Fault::new(
            "request.context",
            format!("the context should be a JSON object: {said}"),
        )
        .in_file(name)
        .into()
    })
}

/// The fault that a question's error is.
pub(crate) fn of_query(error: &QueryError, model: &Model, tuples: &[Tuple]) -> Fault {
    let fault = Fault::new(error.code(), error.to_string());
    let types = || model.types.iter().map(|t| t.name.as_str());
    match error {
        QueryError::UnknownType { name } => {
            fault.maybe_hint(suggest::hint(name, "the types are", types()))
        }
        QueryError::UnknownRelation { type_name, name } => fault.maybe_hint(suggest::hint(
            name,
            &format!("the relations of `{type_name}` are"),
            relations_of(model, type_name),
        )),
        QueryError::InvalidUser { found, .. } | QueryError::InvalidObject { found, .. } => {
            let near = suggest::nearest(found, types())
                .or_else(|| types().find(|t| *t == "user"))
                .filter(|_| !found.contains(':'));
            fault.maybe_hint(near.map(|near| format!("did you mean `{near}:{found}`?")))
        }
        QueryError::Budget { .. } => fault.hint("allow more with --max-steps"),
        QueryError::Depth { .. } => fault.hint("allow more with --max-depth"),
        QueryError::ContextualTuple { index, reason } => {
            let Some(tuple) = tuples.get(*index) else {
                return fault;
            };
            let spelled = spell(tuple);
            let fault = Fault::new(
                error.code(),
                format!("the contextual tuple `{spelled}` cannot stand: {reason}"),
            );
            fault.maybe_hint(tuple_hint(reason, tuple, model))
        }
        _ => fault,
    }
}

/// A tuple as `user relation object`.
pub(crate) fn spell(tuple: &Tuple) -> String {
    format!("{} {} {}", tuple.user, tuple.relation, tuple.object)
}

/// The fault that a warning is, as an error.
pub(crate) fn of_warning(warning: &Warning, model: &Model) -> Fault {
    let bare = Warning {
        pointer: String::new(),
        ..warning.clone()
    };
    // Its place is shown apart from its words.
    let message = bare.to_string();
    let message = message.strip_suffix(" (at ``)").unwrap_or(&message);
    Fault::new(warning.code, message)
        .pointing(warning.pointer.clone())
        .maybe_hint(refusal_hint(warning, model))
}

/// What was perhaps meant by a tuple that the model does not admit.
fn refusal_hint(warning: &Warning, model: &Model) -> Option<String> {
    let words: Vec<&str> = warning.subject.split(' ').collect();
    let [user, relation, object] = words.as_slice() else {
        return None;
    };
    let tuple = Tuple::new(user, relation, object);
    match warning.code {
        "tuple.unknown_type" => tuple_hint(&TupleFault::UnknownType, &tuple, model),
        "tuple.unknown_relation" => tuple_hint(&TupleFault::UnknownRelation, &tuple, model),
        "tuple.unknown_condition" => {
            let names = model.conditions.iter().map(|c| c.name.as_str());
            suggest::hint("", "the conditions are", names)
        }
        "tuple.not_assignable" => {
            let (type_name, _) = object.split_once(':')?;
            let types = model.types.iter().find(|t| t.name == type_name)?;
            let relation = types.relations.iter().find(|r| r.name == *relation)?;
            let listed: Vec<String> = relation.assignable.iter().map(assignable).collect();
            Some(match listed.as_slice() {
                [] => format!("`{}` is computed: no tuple can give it", relation.name),
                listed => format!("it admits [{}]", listed.join(", ")),
            })
        }
        _ => None,
    }
}

/// An entry of a relation's brackets, as the DSL writes it.
fn assignable(entry: &Assignable) -> String {
    let mut out = entry.type_name.clone();
    match &entry.kind {
        AssignableKind::Object => {}
        AssignableKind::Wildcard => out.push_str(":*"),
        AssignableKind::Userset(relation) => {
            out.push('#');
            out.push_str(relation);
        }
    }
    if let Some(condition) = &entry.condition {
        out.push_str(" with ");
        out.push_str(condition);
    }
    out
}

fn tuple_hint(reason: &TupleFault, tuple: &Tuple, model: &Model) -> Option<String> {
    let (type_name, _) = tuple.object.split_once(':')?;
    match reason {
        TupleFault::UnknownType => suggest::hint(
            type_name,
            "the types are",
            model.types.iter().map(|t| t.name.as_str()),
        ),
        TupleFault::UnknownRelation => suggest::hint(
            &tuple.relation,
            &format!("the relations of `{type_name}` are"),
            relations_of(model, type_name),
        ),
        TupleFault::UnknownCondition => suggest::hint(
            &tuple.condition.as_ref()?.name,
            "the conditions are",
            model.conditions.iter().map(|c| c.name.as_str()),
        ),
        _ => None,
    }
}
