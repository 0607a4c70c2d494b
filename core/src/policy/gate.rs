//! Which tuples count: well-formed ones that the model admits. Building a
//! policy asks here, and so does an import, which answers for each of its
//! records.

use serde_json::value::RawValue;

use crate::canonical;
use crate::json;
use crate::snapshot::{SnapshotError, SnapshotErrorKind, TupleRecord};

use super::RelationId;
use super::guard::{GuardCollector, GuardKey, GuardTable};
use super::names::NONE;
use super::plan::Plan;
use super::reference::{Admission, Reference, admit};
use super::warning::{NOT_ASSIGNABLE, UNKNOWN_CONDITION, UNKNOWN_RELATION, UNKNOWN_TYPE};

/// What tuples are let through by.
pub(crate) struct Gate<'p> {
    plan: &'p Plan,
    pub(super) guards: GuardTable,
    pub(super) numbers: GuardCollector,
}

/// A tuple that counts.
pub(crate) struct Entry<'t> {
    pub(super) object: Reference<'t>,
    pub(super) user: Reference<'t>,
    pub(super) relation: RelationId,
    pub(super) user_relation: u32,
    /// Its guard's provisional number.
    pub(super) guard: u32,
}

/// A tuple that the model does not admit, and that is ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ignored {
    /// Why, as a warning's code.
    pub(crate) code: &'static str,
    /// It would have excluded somebody.
    pub(crate) blocks: bool,
}

/// What the model said last. Tuples of one kind mostly follow each other: it is
/// asked again only when the kind changes.
#[derive(Default)]
pub(crate) struct Last<'t>(Option<(Kind<'t>, Admission, u32)>);

/// What the model's answer to a tuple depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Kind<'t> {
    object_type: &'t str,
    relation: &'t str,
    user_type: &'t str,
    user_relation: Option<&'t str>,
    wildcard: bool,
    condition: Option<u32>,
}

impl<'p> Gate<'p> {
    pub(crate) fn new(plan: &'p Plan, guards: GuardTable) -> Self {
        Self {
            plan,
            guards,
            numbers: GuardCollector::default(),
        }
    }

    /// Lets a tuple in, or says why it is ignored. `i` is its place.
    ///
    /// # Errors
    /// It is malformed, or its context does not fit its condition.
    pub(crate) fn enter<'t>(
        &mut self,
        last: &mut Last<'t>,
        tuple: &'t TupleRecord<'_>,
        i: usize,
    ) -> Result<Result<Entry<'t>, Ignored>, SnapshotError> {
        let (object, user) = references(tuple, i)?;
        let ignored = |code| {
            let blocks = self.plan.would_block(object.type_name, &tuple.relation);
            Ok(Err(Ignored { code, blocks }))
        };
        let condition = match &tuple.condition {
            None => None,
            Some(c) => match self.plan.condition(&c.name) {
                Some(condition) => Some(condition),
                None => return ignored(UNKNOWN_CONDITION),
            },
        };
        let kind = Kind {
            object_type: object.type_name,
            relation: &tuple.relation,
            user_type: user.type_name,
            user_relation: user.relation,
            wildcard: user.wildcard,
            condition,
        };
        let (admission, user_relation) = match last.0 {
            Some((same, admission, user_relation)) if same == kind => (admission, user_relation),
            _ => {
                let user_type = self.plan.type_id(user.type_name);
                let object_type = self.plan.type_id(object.type_name);
                let relation = &tuple.relation;
                let admission = admit(
                    self.plan,
                    object_type,
                    relation,
                    &user,
                    user_type,
                    condition,
                );
                let user_relation = user
                    .relation
                    .and_then(|name| self.plan.relation(user_type?, name))
                    .unwrap_or(NONE);
                last.0 = Some((kind, admission, user_relation));
                (admission, user_relation)
            }
        };
        let relation = match admission {
            Admission::Admitted(relation) => relation,
            Admission::UnknownType => return ignored(UNKNOWN_TYPE),
            Admission::UnknownRelation => return ignored(UNKNOWN_RELATION),
            Admission::NotAssignable => return ignored(NOT_ASSIGNABLE),
        };
        let guard = match guard_key(tuple, condition) {
            None => 0,
            Some(key) => {
                let (number, new) = self.numbers.add(key.clone());
                if new {
                    self.guards.bind(&key, i)?;
                }
                number
            }
        };
        Ok(Ok(Entry {
            object,
            user,
            relation,
            user_relation,
            guard,
        }))
    }
}

fn references<'t>(
    tuple: &'t TupleRecord<'_>,
    i: usize,
) -> Result<(Reference<'t>, Reference<'t>), SnapshotError> {
    let refused = |member: &'static str, found: &str| {
        let found = found.to_owned();
        move |reason| {
            SnapshotErrorKind::Identifier { found, reason }.at(format!("/tuples/{i}/{member}"))
        }
    };
    let object = Reference::object(&tuple.object).map_err(refused("object", &tuple.object))?;
    let user = Reference::user(&tuple.user).map_err(refused("user", &tuple.user))?;
    Ok((object, user))
}

fn guard_key(tuple: &TupleRecord<'_>, condition: Option<u32>) -> Option<GuardKey> {
    let tenant = tuple.tenant.as_deref().map(str::to_owned);
    if condition.is_none() && tenant.is_none() {
        return None;
    }
    let context = tuple.condition.as_ref().and_then(|c| c.context);
    Some((
        tenant,
        condition,
        context.map_or(String::new(), context_text),
    ))
}

/// A context's text, the same for the same values: members sorted, no spaces.
fn context_text(context: &RawValue) -> String {
    let text = context.get();
    if text == "null" || text == "{}" {
        return String::new();
    }
    json::from_text(text).map_or_else(|_| text.to_owned(), |value| canonical::to_text(&value))
}
