//! Texts that name users and objects, and whether a model admits a tuple.

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

/// What an object should look like, for messages.
pub(crate) const OBJECT_SHAPE: &str = "`type:id`, without spaces, `#` or a second `:`";
/// What a user should look like, for messages.
pub(crate) const USER_SHAPE: &str = "`type:id`, `type:*` or `type:id#relation`, without spaces";

/// OpenFGA's limits on the length of identifiers, in bytes.
const MAX_OBJECT: usize = 256;
const MAX_USER: usize = 512;
const MAX_TYPE: usize = 254;
const MAX_RELATION: usize = 50;

impl<'a> Reference<'a> {
    /// Reads a user. `None` where it is not well-formed.
    pub(crate) fn user(text: &'a str) -> Option<Self> {
        if text.len() > MAX_USER {
            return None;
        }
        let (object, relation) = match text.split_once('#') {
            Some((object, relation)) if is_relation(relation) => (object, Some(relation)),
            Some(_) => return None,
            None => (text, None),
        };
        let (type_name, id) = split_object(object)?;
        let wildcard = id == "*";
        if wildcard && relation.is_some() {
            return None;
        }
        Some(Self {
            type_name,
            object,
            relation,
            wildcard,
        })
    }

    /// Reads an object: no wildcard, no relation.
    pub(crate) fn object(text: &'a str) -> Option<Self> {
        if text.len() > MAX_OBJECT {
            return None;
        }
        let (type_name, id) = split_object(text)?;
        (id != "*").then_some(Self {
            type_name,
            object: text,
            relation: None,
            wildcard: false,
        })
    }
}

/// `type` and `id` of `type:id`, where both are well-formed.
fn split_object(text: &str) -> Option<(&str, &str)> {
    let (type_name, id) = text.split_once(':')?;
    let sound = !type_name.is_empty()
        && type_name.len() <= MAX_TYPE
        && !id.is_empty()
        && text.bytes().all(|b| b > b' ' && b != b'#' && b != 0x7f)
        && !id.contains(':')
        && (text.is_ascii() || !text.chars().any(|c| c.is_whitespace() || c.is_control()));
    sound.then_some((type_name, id))
}

fn is_relation(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= MAX_RELATION
        && !text
            .chars()
            .any(|c| matches!(c, ':' | '#' | '@') || c.is_whitespace() || c.is_control())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_objects_wildcards_or_usersets() {
        let object = Reference::user("user:anne").unwrap();
        assert_eq!(
            (object.type_name, object.object, object.relation),
            ("user", "user:anne", None)
        );
        assert!(Reference::user("user:*").unwrap().wildcard);
        let userset = Reference::user("group:eng#member").unwrap();
        assert_eq!(
            (userset.object, userset.relation),
            ("group:eng", Some("member"))
        );
        for bad in [
            "",
            "anne",
            "user:",
            ":anne",
            "user:an ne",
            "user:a:b",
            "user:*#member",
            "group:a#",
            "group:a#b#c",
            "user:a\u{a0}b",
            "user:a\tb",
            "user:a\u{7f}",
            "group:eng#mem ber",
        ] {
            assert_eq!(Reference::user(bad), None, "{bad:?}");
        }
        assert_eq!(Reference::user(&format!("user:{}", "x".repeat(512))), None);
    }

    #[test]
    fn objects_are_neither_wildcards_nor_usersets() {
        assert!(Reference::object("document:1").is_some());
        for bad in [
            "document:*",
            "document:1#viewer",
            "document",
            "document:",
            "a:b:c",
        ] {
            assert_eq!(Reference::object(bad), None, "{bad:?}");
        }
        assert_eq!(
            Reference::object(&format!("document:{}", "x".repeat(256))),
            None
        );
    }
}
