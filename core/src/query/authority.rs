//! Authority: what a principal may do by itself, whichever kind of grant gives
//! it. All that unites the three kinds stands here.
//!
//! - A path (`/account/acc-1/`) is given by access rules alone.
//! - An entity of the snapshot is given by entity grants, and by relationships
//!   where the model defines its type.
//! - Any other object is given by relationships.

use serde::Serialize;

use crate::path::Path;
use crate::policy::{AccessRule, entity_id, is_path};

use super::error::QueryError;
use super::explain::Explanation;
#[cfg(feature = "tokens")]
use super::filter::DropReason;
use super::view::View;

/// What gives a principal an action on a resource, or what was lacking.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Grounds {
    /// Relationships decided.
    Relationships {
        /// How.
        explanation: Box<Explanation>,
    },
    /// An entity grant gives it.
    EntityGrant {
        /// The recipient.
        recipient: String,
        /// The permission.
        permission: String,
        /// The entity.
        entity: String,
    },
    /// An access rule gives it.
    AccessRule {
        /// The principal.
        principal: String,
        /// The rule's actions.
        action: String,
        /// The rule's path.
        path: String,
    },
    /// Nothing gives it.
    Nothing {
        /// What would have.
        wanted: String,
    },
    /// The question has no answer.
    Error {
        /// The error's code.
        code: String,
        /// The error in words.
        message: String,
    },
}

/// A resource, by the kinds of grant that there may be on it.
enum Target<'r> {
    Path(Path<'r>),
    Entity(&'r str),
    Object,
}

impl View<'_> {
    /// Whether `principal` (`type:id`) may do `action` on `resource`
    /// (`type:id` or a path) by itself: by a relationship, an entity grant or
    /// an access rule.
    ///
    /// # Errors
    /// As [`View::check`], and `path.*` for a malformed path. Each is a denial.
    pub fn may(&self, principal: &str, action: &str, resource: &str) -> Result<bool, QueryError> {
        let _call = self.begin_call();
        match self.kind(resource)? {
            Target::Path(path) => Ok(self.rule(principal, action, &path).is_some()),
            Target::Entity(id) if self.granted(principal, action, id) => Ok(true),
            Target::Entity(_) => related(self.check(principal, action, resource)),
            Target::Object => self.check(principal, action, resource),
        }
    }

    /// What [`View::may`] rests on.
    pub fn grounds(&self, principal: &str, action: &str, resource: &str) -> Grounds {
        let _call = self.begin_call();
        let failed = |error: QueryError| Grounds::Error {
            code: error.code().to_owned(),
            message: error.to_string(),
        };
        let nothing = |kind: &str| Grounds::Nothing {
            wanted: format!("{kind} of `{action}` on `{resource}` to `{principal}`"),
        };
        let related = || match self.explain(principal, action, resource) {
            Ok(explanation) => Grounds::Relationships {
                explanation: Box::new(explanation),
            },
            Err(error) => failed(error),
        };
        match self.kind(resource) {
            Err(error) => failed(error),
            Ok(Target::Path(path)) => match self.rule(principal, action, &path) {
                Some(rule) => Grounds::AccessRule {
                    principal: principal.to_owned(),
                    action: rule.action.to_string(),
                    path: rule.path.to_string(),
                },
                None => nothing("an access rule"),
            },
            Ok(Target::Entity(id)) if self.granted(principal, action, id) => Grounds::EntityGrant {
                recipient: principal.to_owned(),
                permission: action.to_owned(),
                entity: resource.to_owned(),
            },
            Ok(Target::Entity(_)) => match related() {
                Grounds::Error { .. } => nothing("an entity grant"),
                grounds => grounds,
            },
            Ok(Target::Object) => related(),
        }
    }

    /// [`View::may`] for many resources. An answer that is no error says why
    /// its resource was dropped.
    ///
    /// # Errors
    /// What is wrong with the principal: then nothing is allowed.
    #[cfg(feature = "tokens")]
    pub(crate) fn may_each(
        &self,
        principal: &str,
        action: &str,
        resources: &[&str],
    ) -> Result<Vec<Result<bool, DropReason>>, QueryError> {
        let _call = self.begin_call();
        let mut answers = Vec::with_capacity(resources.len());
        let mut objects = Vec::with_capacity(resources.len());
        for resource in resources {
            match self.kind(resource) {
                Ok(Target::Object) => {
                    objects.push((answers.len(), *resource));
                    answers.push(Ok(false));
                }
                Ok(_) => answers.push(
                    self.may(principal, action, resource)
                        .map_err(|error| DropReason::of(&error)),
                ),
                Err(error) => answers.push(Err(DropReason::of(&error))),
            }
        }
        if objects.is_empty() {
            return Ok(answers);
        }
        let mut places = objects.iter().map(|(place, _)| *place);
        let texts = objects.iter().map(|(_, object)| *object);
        self.decide_each(principal, action, texts, |decided| {
            if let Some(answer) = places.next().and_then(|place| answers.get_mut(place)) {
                *answer = decided;
            }
        })?;
        Ok(answers)
    }

    /// The objects of a type on which a principal may do something, perhaps
    /// with some on which it may not.
    #[cfg(feature = "tokens")]
    pub(crate) fn may_list(
        &self,
        principal: &str,
        action: &str,
        type_name: &str,
    ) -> Result<Vec<String>, QueryError> {
        let _call = self.begin_call();
        if type_name != crate::entity::ENTITY_TYPE || !self.has_entities() {
            return self.list_objects(principal, action, type_name);
        }
        let mut listed = match self.list_objects(principal, action, type_name) {
            Err(QueryError::UnknownType { .. } | QueryError::UnknownRelation { .. }) => Vec::new(),
            other => other?,
        };
        let directory = &self.policy.directory;
        let permitted = directory.permitted_entities(principal, action, self.tenant());
        listed.extend(permitted.map(|id| format!("{type_name}:{id}")));
        crate::order::sort(&mut listed);
        listed.dedup();
        Ok(listed)
    }

    fn kind<'r>(&self, resource: &'r str) -> Result<Target<'r>, QueryError> {
        if is_path(resource) {
            return Path::parse(resource)
                .map(Target::Path)
                .map_err(QueryError::Path);
        }
        Ok(match entity_id(resource) {
            Some(id) if self.has_entities() => Target::Entity(id),
            _ => Target::Object,
        })
    }

    fn has_entities(&self) -> bool {
        self.policy.directory.entities().entities().len() > 0
    }

    fn granted(&self, principal: &str, permission: &str, entity: &str) -> bool {
        let directory = &self.policy.directory;
        directory.permits(principal, permission, entity, self.tenant())
    }

    fn rule(&self, principal: &str, action: &str, path: &Path<'_>) -> Option<&AccessRule> {
        self.policy.directory.access(principal, action, path)
    }
}

/// Beside entity grants, relationships need not know what is asked.
fn related(checked: Result<bool, QueryError>) -> Result<bool, QueryError> {
    match checked {
        Err(QueryError::UnknownType { .. } | QueryError::UnknownRelation { .. }) => Ok(false),
        other => other,
    }
}
