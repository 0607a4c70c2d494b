//! Questions about relationships. The options of each are [`QueryOptions`].

use std::collections::BTreeMap;

use deputize::{CheckItem, Policy};
use serde::Serialize;

use crate::error::Error;
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

/// Which of many objects are allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filtered {
    /// For each object, in the order given: 1 where it is allowed, else 0.
    pub mask: Vec<u8>,
    /// How many objects are allowed.
    pub allowed: usize,
    /// How many were dropped, by the code of the first reason that dropped them.
    pub dropped: BTreeMap<&'static str, usize>,
}

/// What is known of a filtered list beside its mask.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct FilterSummary<'r> {
    /// How many objects are allowed.
    pub(crate) allowed: usize,
    /// How many were dropped, by the code of the first reason that dropped them.
    pub(crate) dropped: &'r BTreeMap<&'static str, usize>,
}

impl Filtered {
    pub(crate) fn of(mask: &[bool], dropped: BTreeMap<&'static str, usize>) -> Self {
        let mask: Vec<u8> = mask.iter().map(|allowed| u8::from(*allowed)).collect();
        let allowed = mask.iter().map(|one| usize::from(*one)).sum();
        Self {
            mask,
            allowed,
            dropped,
        }
    }

    /// What is known beside the mask, as JSON:
    /// `{"allowed": <how many>, "dropped": {<reason>: <how many>, …}}`.
    #[must_use]
    pub fn summary(&self) -> String {
        write(&FilterSummary {
            allowed: self.allowed,
            dropped: &self.dropped,
        })
    }
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
pub fn filter(
    policy: &Policy,
    user: &str,
    relation: &str,
    objects: &[&str],
    options: &str,
) -> Result<Filtered, Error> {
    let options: QueryOptions = read(options)?;
    let view = options.view(policy)?;
    let found = view.filter(user, relation, objects.iter())?;
    let dropped = found.dropped.iter();
    let dropped = dropped.map(|(reason, count)| (reason.code(), *count));
    Ok(Filtered::of(&found.mask, dropped.collect()))
}
