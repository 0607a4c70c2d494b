//! The two ends of a question: who asks, and of what.

use crate::policy::{NameId, Node, Reference, RelationId, Subject, TypeId};

use super::error::QueryError;
use super::view::View;

/// Stands for an object that neither the policy nor the request's tuples know.
/// It has no rows. Numbers of real names stay below 2³¹ − 2.
pub(super) const UNKNOWN_OBJECT: NameId = (1 << 31) - 1;
/// Stands for the unknown object of a userset that asks.
pub(super) const UNKNOWN_USER: NameId = (1 << 31) - 2;

/// Whether a number stands for an object that neither knows: it then stands for
/// many, so nothing is remembered of it.
#[inline]
pub(super) fn is_unknown(object: NameId) -> bool {
    object >= UNKNOWN_USER
}

/// Who a question is about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    /// As rows hold it.
    pub(super) subject: Subject,
    /// `type:*` of its type, where that may stand for it.
    pub(super) wildcard: Subject,
    /// Where it is a userset: which.
    pub(super) userset: Option<Node>,
    /// Its type.
    pub(super) type_id: TypeId,
}

impl Asked {
    /// A user with a name. `type:*` is looked for as a wildcard only, so that a
    /// contextual tuple does not stand in for a stored one.
    fn object(id: NameId, type_id: TypeId, wildcard: Subject) -> Self {
        let subject = Subject::object(id);
        let subject = if subject == wildcard {
            Subject::UNKNOWN
        } else {
            subject
        };
        Self {
            subject,
            wildcard,
            userset: None,
            type_id,
        }
    }

    /// A user that no tuple names.
    fn nobody(type_id: TypeId) -> Self {
        Self {
            subject: Subject::UNKNOWN,
            wildcard: Subject::UNKNOWN,
            userset: None,
            type_id,
        }
    }
}

impl View<'_> {
    /// Reads the user of a question.
    pub(super) fn asked(&self, user: &str, object: &str) -> Result<Asked, QueryError> {
        // What the policy knows by this very spelling is well-formed.
        if let Some(id) = self.policy.names.find(user)
            && let Some(type_id) = self.policy.types.type_of(id)
        {
            return Ok(Asked::object(id, type_id, self.wildcard(type_id)));
        }
        let reference = Reference::user(user).map_err(|reason| QueryError::InvalidUser {
            found: user.to_owned(),
            reason,
        })?;
        let type_id = self.type_named(reference.type_name)?;
        let known = self.overlay.find(self.policy, reference.object);
        if let Some(name) = reference.relation {
            let relation = self.relation_named(type_id, name)?;
            let unknown = if reference.object == object {
                UNKNOWN_OBJECT
            } else {
                UNKNOWN_USER
            };
            let node = Node {
                object: known.unwrap_or(unknown),
                relation,
            };
            let subject = self
                .overlay
                .find_userset(&self.policy.graph, node)
                .unwrap_or(Subject::UNKNOWN);
            let userset = Some(node);
            return Ok(Asked {
                subject,
                wildcard: Subject::UNKNOWN,
                userset,
                type_id,
            });
        }
        Ok(match known {
            Some(id) => Asked::object(id, type_id, self.wildcard(type_id)),
            None if reference.wildcard => Asked::nobody(type_id),
            None => Asked {
                wildcard: self.wildcard(type_id),
                ..Asked::nobody(type_id)
            },
        })
    }

    /// An object that the policy names, and its type. What it knows by this
    /// very spelling is well-formed.
    #[inline]
    fn named(&self, object: &str) -> Option<(NameId, TypeId)> {
        let id = self.policy.names.find(object)?;
        let type_id = self.policy.types.type_of(id)?;
        (self.policy.types.wildcard(type_id) != id).then_some((id, type_id))
    }

    /// Whether the policy names this object, which is then well-formed.
    #[cfg(feature = "tokens")]
    pub(crate) fn knows_object(&self, object: &str) -> bool {
        self.named(object).is_some()
    }

    /// Reads the object of a question, and the relation asked of it.
    pub(super) fn target(&self, relation: &str, object: &str) -> Result<Node, QueryError> {
        if let Some((id, type_id)) = self.named(object) {
            return Ok(Node {
                object: id,
                relation: self.relation_named(type_id, relation)?,
            });
        }
        let reference = Reference::object(object).map_err(|reason| QueryError::InvalidObject {
            found: object.to_owned(),
            reason,
        })?;
        let type_id = self.type_named(reference.type_name)?;
        let relation = self.relation_named(type_id, relation)?;
        let object = self
            .overlay
            .find(self.policy, object)
            .unwrap_or(UNKNOWN_OBJECT);
        Ok(Node { object, relation })
    }

    /// `type:*`, as rows hold it.
    fn wildcard(&self, type_id: TypeId) -> Subject {
        let known = self.policy.types.wildcard(type_id);
        if known != crate::policy::NONE || self.overlay.is_empty() {
            return Subject(known);
        }
        let name = self
            .policy
            .plan
            .types
            .get(type_id as usize)
            .map(|t| format!("{}:*", t.name));
        let local = name.and_then(|n| self.overlay.find(self.policy, &n));
        local.map_or(Subject::UNKNOWN, Subject::object)
    }

    pub(super) fn type_named(&self, name: &str) -> Result<TypeId, QueryError> {
        let unknown = || QueryError::UnknownType {
            name: name.to_owned(),
        };
        self.policy.plan.type_id(name).ok_or_else(unknown)
    }

    #[inline]
    pub(super) fn relation_named(
        &self,
        type_id: TypeId,
        name: &str,
    ) -> Result<RelationId, QueryError> {
        let plan = &self.policy.plan;
        plan.relation(type_id, name).ok_or_else(|| {
            let type_name = plan.types.get(type_id as usize).map_or("", |t| &t.name);
            QueryError::UnknownRelation {
                type_name: type_name.to_owned(),
                name: name.to_owned(),
            }
        })
    }
}
