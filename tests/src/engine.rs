//! The engine under test, asked as the others are.

use crate::store::{Answer, Ask, Round, Store};
use deputize::{Limits, Policy, QueryError, View};
use std::collections::BTreeSet;

/// Compiles a store.
///
/// # Errors
/// The snapshot is refused: why.
pub fn compile(store: &Store) -> Result<Policy, String> {
    let text = store.snapshot().to_string();
    Policy::from_json(text.as_bytes()).map_err(|error| error.to_string())
}

/// The policy as a round sees it.
///
/// # Errors
/// The round's tuples are refused.
pub fn view<'p>(policy: &'p Policy, round: &Round, limits: Limits) -> Result<View<'p>, QueryError> {
    let view = policy
        .view()
        .with_limits(limits)
        .with_context(&round.context);
    let view = match &round.tenant {
        Some(tenant) => view.with_tenant(tenant),
        None => view,
    };
    view.with_tuples(&round.contextual)
}

/// Asks the engine. The text of a failure begins with its code.
pub fn answer(view: &View<'_>, ask: &Ask) -> Answer {
    let listed = |names: Result<Vec<String>, QueryError>| {
        names.map(|names| Answer::Listed(names.into_iter().collect::<BTreeSet<_>>()))
    };
    let answer = match ask {
        Ask::Check {
            user,
            relation,
            object,
        } => view.check(user, relation, object).map(Answer::Allowed),
        Ask::ListObjects {
            user,
            relation,
            object_type,
        } => listed(view.list_objects(user, relation, object_type)),
        Ask::ListUsers {
            object,
            relation,
            filter,
        } => listed(view.list_users(object, relation, filter)),
    };
    answer.unwrap_or_else(|error| failed(&error, ask))
}

/// A failure, with OpenFGA's number for its kind in such a question.
pub fn failed(error: &QueryError, ask: &Ask) -> Answer {
    let number = match (error, ask) {
        (QueryError::Depth { .. } | QueryError::Budget { .. }, _) => 2002,
        (QueryError::ContextualTuple { .. }, _) => 2027,
        (_, Ask::Check { .. }) => 2000,
        (QueryError::UnknownType { .. }, Ask::ListUsers { .. }) => 2021,
        (QueryError::UnknownRelation { .. }, Ask::ListUsers { .. }) => 2022,
        (QueryError::UnknownType { name }, Ask::ListObjects { object_type, .. })
            if name == object_type =>
        {
            2021
        }
        (QueryError::UnknownRelation { name, .. }, Ask::ListObjects { relation, .. })
            if name == relation =>
        {
            2022
        }
        _ => 2000,
    };
    Answer::Failed(number, format!("{}: {error}", error.code()))
}
