//! Texts that name users and objects, and whether a model admits a tuple.

use crate::model::identifier::{self, IdentifierError, UserParts};

use super::plan::{AllowedKind, Plan};
use super::{RelationId, TypeId};

/// A user as a text gives it: `type:id`, `type:*` or `type:id#relation`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reference<'a> {
    /// `type`.
    pub(crate) type_name: &'a str,
    /// `type:id` or `type:*`.
    pub(crate) object: &'a str,
    /// `relation` of a userset.
    pub(crate) relation: Option<&'a str>,
    /// It is `type:*`.
    pub(crate) wildcard: bool,
}

impl<'a> Reference<'a> {
    /// Reads a user.
    pub(crate) fn user(text: &'a str) -> Result<Self, IdentifierError> {
        Ok(match identifier::user(text)? {
            UserParts::Object { type_name, .. } => Self {
                type_name,
                object: text,
                relation: None,
                wildcard: false,
            },
            UserParts::Wildcard { type_name } => Self {
                type_name,
                object: text,
                relation: None,
                wildcard: true,
            },
            UserParts::Userset {
                type_name,
                relation,
                ..
            } => {
                let object = text.split_once('#').map_or(text, |(object, _)| object);
                Self {
                    type_name,
                    object,
                    relation: Some(relation),
                    wildcard: false,
                }
            }
        })
    }

    /// Reads an object: no wildcard, no relation.
    pub(crate) fn object(text: &'a str) -> Result<Self, IdentifierError> {
        let (type_name, _) = identifier::object(text)?;
        Ok(Self {
            type_name,
            object: text,
            relation: None,
            wildcard: false,
        })
    }
}

/// What a model says to a tuple.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admission {
    /// It may stand, as a tuple of this relation.
    Admitted(RelationId),
    /// The object's type is not defined.
    UnknownType,
    /// The type has no such relation.
    UnknownRelation,
    /// The relation's brackets do not list such a user.
    NotAssignable,
}

/// Whether the model admits a tuple; `condition` is its condition's number.
pub(crate) fn admit(
    plan: &Plan,
    object_type: Option<TypeId>,
    relation: &str,
    user: &Reference<'_>,
    user_type: Option<TypeId>,
    condition: Option<u32>,
) -> Admission {
    let Some(object_type) = object_type else {
        return Admission::UnknownType;
    };
    let Some(id) = plan.relation(object_type, relation) else {
        return Admission::UnknownRelation;
    };
    let Some(user_type) = user_type else {
        return Admission::NotAssignable;
    };
    let kind = match user.relation {
        _ if user.wildcard => AllowedKind::Wildcard,
        None => AllowedKind::Object,
        Some(name) => match plan.relation(user_type, name) {
            Some(relation) => AllowedKind::Userset(relation),
            None => return Admission::NotAssignable,
        },
    };
    let listed = plan.relation_plan(id).is_some_and(|r| {
        r.assignable
            .iter()
            .any(|a| a.type_id == user_type && a.kind == kind && a.condition == condition)
    });
    if listed {
        Admission::Admitted(id)
    } else {
        Admission::NotAssignable
    }
}
