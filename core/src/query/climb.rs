//! Climbing: all that a user may have, found from the user up, over every tuple
//! and rewrite that could give it: perhaps too much, never too little.

use crate::policy::{Node, Plan, RelationId, Subject};

use super::error::QueryError;
use super::search::{Search, Seen};
use super::view::View;

/// What lies above a user: each node that it may have and that may lead to a
/// relation.
pub(super) struct Climbed {
    pub(super) nodes: Seen,
    /// No guard was passed over on the way: of unions, the user has them all.
    pub(super) sure: bool,
}

impl Search<'_, '_> {
    /// Everything that the user may have and that may lead to the relation;
    /// `None` where more than `most` edges would have to be looked at.
    pub(super) fn climb(
        &mut self,
        relation: RelationId,
        most: usize,
    ) -> Result<Option<Climbed>, QueryError> {
        let (view, asked) = (self.view, self.asked);
        let leads = view.policy.plan.leads_to(relation);
        let mut nodes = Seen::default();
        let mut pending: Vec<Node> = Vec::new();
        let mut sure = true;
        let mut left = most;
        for subject in [asked.subject, asked.wildcard] {
            for (node, guarded) in named_by(view, subject) {
                if left == 0 {
                    return Ok(None);
                }
                left -= 1;
                if assigned(&view.policy.plan, node.relation, &leads) {
                    sure &= !guarded;
                    pending.push(node);
                }
            }
        }
        pending.extend(asked.userset);
        while let Some(node) = pending.pop() {
            if !leads.get(node.relation as usize).copied().unwrap_or(false) || !nodes.insert(node) {
                continue;
            }
            self.step(1)?;
            let subject = view.overlay.find_userset(&view.policy.graph, node);
            for (next, guarded) in ups(view, node, subject, &leads) {
                if left == 0 {
                    return Ok(None);
                }
                left -= 1;
                sure &= !guarded;
                pending.push(next);
            }
        }
        Ok(Some(Climbed { nodes, sure }))
    }
}

/// Where a user that has `node` may have more by it: other relations of the
/// object, tuples that name `node` as a userset (`subject`), and objects that
/// name the object as a parent. Each with whether a guard is passed over.
pub(super) fn ups<'a>(
    view: &'a View<'_>,
    node: Node,
    subject: Option<Subject>,
    leads: &'a [bool],
) -> impl Iterator<Item = (Node, bool)> + 'a {
    let plan = &view.policy.plan;
    let led = |r: RelationId| leads.get(r as usize).copied().unwrap_or(false);
    let (computed, parents) = plan
        .relation_plan(node.relation)
        .map_or((&[][..], &[][..]), |r| (&r.up_computed, &r.up_parents));
    let object = node.object;
    let of_same = computed.iter().filter(move |r| led(**r));
    let of_same = of_same.map(move |up| {
        let relation = *up;
        (Node { object, relation }, false)
    });
    let of_groups = subject
        .into_iter()
        .flat_map(move |subject| named_by(view, subject))
        .filter(move |(n, _)| assigned(plan, n.relation, leads));
    let parent = Subject::object(object);
    let of_children = parents.iter().filter(move |(_, up)| led(*up));
    let of_children = of_children.flat_map(move |(tupleset, up)| {
        let stored = view.policy.graph.named_by_relation(parent, *tupleset);
        let contextual = view.overlay.named_by(parent);
        let contextual = contextual.filter(move |(n, _)| n.relation == *tupleset);
        stored.chain(contextual).map(move |(n, guarded)| {
            let relation = *up;
            let object = n.object;
            (Node { object, relation }, guarded)
        })
    });
    of_same.chain(of_groups).chain(of_children)
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
