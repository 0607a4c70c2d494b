//! List objects: all objects of a type on which a user has a relation.
//!
//! The search goes up from the user, over every tuple and rewrite that could
//! give the relation, which finds all candidates and perhaps too many. Each is
//! then checked, unless the way to it could not have promised too much.

use crate::policy::{NameId, Node, Plan, RelationId, Subject};

use super::ask::Asked;
use super::check::{Search, Seen};
use super::error::QueryError;
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
        objects.sort_unstable();
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
        let (candidates, sure) = search.candidates(relation)?;
        let monotone = plan.relation_plan(relation).is_some_and(|r| r.monotone);
        if sure && monotone && self.limits.depth.is_none() {
            return Ok(candidates);
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

impl Search<'_, '_> {
    /// Every object on which the user may have the relation, and whether no
    /// guard was passed over on the way.
    fn candidates(&mut self, relation: RelationId) -> Result<(Vec<NameId>, bool), QueryError> {
        let (view, asked) = (self.view, self.asked);
        let leads = view.policy.plan.leads_to(relation);
        let mut seen = Seen::default();
        let mut pending: Vec<Node> = Vec::new();
        let mut objects = Vec::new();
        let mut sure = true;
        for subject in [asked.subject, asked.wildcard] {
            for (node, guarded) in named_by(view, subject) {
                if assigned(&view.policy.plan, node.relation, &leads) {
                    sure &= !guarded;
                    pending.push(node);
                }
            }
        }
        pending.extend(asked.userset);
        while let Some(node) = pending.pop() {
            if !leads.get(node.relation as usize).copied().unwrap_or(false) || !seen.insert(node) {
                continue;
            }
            self.step(1)?;
            if node.relation == relation {
                objects.push(node.object);
            }
            let subject = view.overlay.find_userset(&view.policy.graph, node);
            for (next, guarded) in ups(view, node, subject, &leads) {
                sure &= !guarded;
                pending.push(next);
            }
        }
        Ok((objects, sure))
    }
}

/// Where a user that has `node` may have more by it: other relations of the
/// object, tuples that name `node` as a userset (`subject`), and objects that
/// name the object as a parent. Each with whether a guard is passed over.
pub(super) fn ups(
    view: &View<'_>,
    node: Node,
    subject: Option<Subject>,
    leads: &[bool],
) -> Vec<(Node, bool)> {
    let plan = &view.policy.plan;
    let mut out = Vec::new();
    let Some(relation) = plan.relation_plan(node.relation) else {
        return out;
    };
    let led = |r: RelationId| leads.get(r as usize).copied().unwrap_or(false);
    for up in relation.up_computed.iter().filter(|r| led(**r)) {
        out.push((
            Node {
                object: node.object,
                relation: *up,
            },
            false,
        ));
    }
    if let Some(subject) = subject {
        out.extend(named_by(view, subject).filter(|(n, _)| assigned(plan, n.relation, leads)));
    }
    let parent = Subject::object(node.object);
    for (tupleset, up) in relation.up_parents.iter().filter(|(_, up)| led(*up)) {
        let stored = view.policy.graph.named_by_relation(parent, *tupleset);
        let contextual = view
            .overlay
            .named_by(parent)
            .filter(|(n, _)| n.relation == *tupleset);
        out.extend(stored.chain(contextual).map(|(n, guarded)| {
            (
                Node {
                    object: n.object,
                    relation: *up,
                },
                guarded,
            )
        }));
    }
    out
}

/// Where a subject is named by a tuple, the policy's or the request's.
fn named_by<'a>(view: &'a View<'_>, subject: Subject) -> impl Iterator<Item = (Node, bool)> + 'a {
    view.policy.graph.named_by(subject).chain(
        Some(subject)
            .filter(|s| *s != Subject::UNKNOWN)
            .into_iter()
            .flat_map(|s| view.overlay.named_by(s)),
    )
}

/// Whether a tuple of the relation gives it, and it leads where one is going.
fn assigned(plan: &Plan, relation: RelationId, leads: &[bool]) -> bool {
    leads.get(relation as usize).copied().unwrap_or(false)
        && plan.relation_plan(relation).is_some_and(|r| r.assigned)
}
