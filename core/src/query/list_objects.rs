//! List objects: all objects of a type on which a user has a relation.
//!
//! The search goes up from the user, over every tuple and rewrite that could
//! give the relation, which finds all candidates and perhaps too many. Each is
//! then checked, unless the way to it could not have promised too much.

use crate::order;
use crate::policy::{NameId, Node, RelationId};

use super::ask::Asked;
use super::error::QueryError;
use super::search::Search;
use super::view::View;

impl View<'_> {
    /// The objects of a type on which `user` has `relation`, sorted and
    /// complete.
    ///
    /// # Errors
    /// As [`View::check`]; an error in any candidate is an error of the whole,
    /// because a list that may lack something would pass for a complete one.
    pub fn list_objects(
        &self,
        user: &str,
        relation: &str,
        object_type: &str,
    ) -> Result<Vec<String>, QueryError> {
        let _call = self.begin_call();
        let type_id = self.type_named(object_type)?;
        let relation = self.relation_named(type_id, relation)?;
        let asked = self.asked(user, "")?;
        // A userset has relations on its own object, even on an unknown one.
        let own = user.split_once('#').map_or("", |(object, _)| object);
        let spelling = |object| match self.overlay.spelling(self.policy, object) {
            "" => own,
            known => known,
        };
        let mut objects: Vec<String> = self
            .objects_of(asked, relation)?
            .into_iter()
            .map(|object| spelling(object).to_owned())
            .collect();
        order::sort(&mut objects);
        Ok(objects)
    }

    /// The numbers of the objects, unsorted.
    pub(super) fn objects_of(
        &self,
        asked: Asked,
        relation: RelationId,
    ) -> Result<Vec<NameId>, QueryError> {
        let plan = &self.policy.plan;
        let mut search = Search::with_memo(self, asked);
        let Some(climbed) = search.climb(relation, usize::MAX)? else {
            return Err(QueryError::Internal);
        };
        let candidates = climbed.nodes.iter();
        let candidates = candidates.filter(|node| node.relation == relation);
        let candidates = candidates.map(|node| node.object);
        let monotone = plan.relation_plan(relation).is_some_and(|r| r.monotone);
        if climbed.sure && monotone && self.limits.depth.is_none() {
            return Ok(candidates.collect());
        }
        let mut objects = Vec::new();
        let mut failed = None;
        for object in candidates {
            match search.decide(Node { object, relation }) {
                Ok(true) => objects.push(object),
                Ok(false) => {}
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        match failed {
            Some(error) => Err(error),
            None => Ok(objects),
        }
    }
}
