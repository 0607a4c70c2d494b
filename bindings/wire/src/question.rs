//! Questions about relationships. The options of each are [`QueryOptions`].

use deputize::{CheckItem, Policy};
use serde::Serialize;

use crate::error::Error;
use crate::filtered::{Filtered, Ids};
use crate::options::{QueryOptions, read, read_as, write};

/// One answer of a batch.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct CheckAnswer {
    /// Whether the user has the relation; an error is a denial.
    allowed: bool,
    /// Why there is no answer, where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Error>,
}

/// Whether `user` has `relation` on `object`.
///
/// # Errors
/// `call.options`; `request.*`, `condition.*` and `budget.*`, each of which is
/// a denial.
pub fn check(
    policy: &Policy,
    user: &str,
    relation: &str,
    object: &str,
    options: &str,
) -> Result<bool, Error> {
    if options.is_empty() {
        return Ok(policy.check(user, relation, object)?);
    }
    let options: QueryOptions = read(options)?;
    Ok(options.view(policy)?.check(user, relation, object)?)
}

/// Many questions at once: `items` is an array of `{user, relation, object}`,
/// the answer an array of `{allowed, error?}` in the same order.
///
/// # Errors
/// `call.options`, `call.items`, `request.contextual_tuple`.
pub fn batch_check(policy: &Policy, items: &str, options: &str) -> Result<String, Error> {
    let options: QueryOptions = read(options)?;
    let items: Vec<CheckItem> = read_as("call.items", items)?;
    let view = options.view(policy)?;
    let answer = |decided: Result<bool, _>| CheckAnswer {
        allowed: decided == Ok(true),
        error: decided.err().map(Error::from),
    };
    let answers = view.batch_check(&items).into_iter().map(answer);
    Ok(write(&answers.collect::<Vec<_>>()))
}

/// The objects of a type on which `user` has `relation`: a sorted array,
/// complete.
///
/// # Errors
/// As [`check`].
pub fn list_objects(
    policy: &Policy,
    user: &str,
    relation: &str,
    object_type: &str,
    options: &str,
) -> Result<String, Error> {
    let options: QueryOptions = read(options)?;
    let found = options
        .view(policy)?
        .list_objects(user, relation, object_type)?;
    Ok(write(&found))
}

/// The users of a type (`user`) or userset (`group#member`) that have
/// `relation` on `object`: a sorted array, complete.
///
/// # Errors
/// As [`check`].
pub fn list_users(
    policy: &Policy,
    object: &str,
    relation: &str,
    user_type: &str,
    options: &str,
) -> Result<String, Error> {
    let options: QueryOptions = read(options)?;
    let found = options
        .view(policy)?
        .list_users(object, relation, user_type)?;
    Ok(write(&found))
}

/// Who has `relation` on `object`, one level down: an `Expansion`.
///
/// # Errors
/// As [`check`].
pub fn expand(
    policy: &Policy,
    relation: &str,
    object: &str,
    options: &str,
) -> Result<String, Error> {
    let options: QueryOptions = read(options)?;
    let found = options.view(policy)?.expand(relation, object)?;
    Ok(write(&found))
}

/// Why `user` has `relation` on `object`, or why not: an `Explanation`.
///
/// # Errors
/// As [`check`]; an error on the way is part of the explanation.
pub fn explain(
    policy: &Policy,
    user: &str,
    relation: &str,
    object: &str,
    options: &str,
) -> Result<String, Error> {
    let options: QueryOptions = read(options)?;
    let found = options.view(policy)?.explain(user, relation, object)?;
    Ok(write(&found))
}

/// Which of these objects `user` has `relation` on. One that is malformed, or
/// whose check errs, is dropped and counted.
///
/// # Errors
/// As [`check`], for what is wrong with the call as a whole: then nothing is
/// allowed.
pub fn filter<'a>(
    policy: &Policy,
    user: &str,
    relation: &str,
    objects: impl Into<Ids<'a>>,
    options: &str,
) -> Result<Filtered, Error> {
    let options: QueryOptions = read(options)?;
    let view = options.view(policy)?;
    objects.into().decided(|objects| {
        let found = view.filter_each(user, relation, objects.iter())?;
        let codes = found.into_iter().map(|reason| Some(reason?.code()));
        Ok(codes.collect())
    })
}
