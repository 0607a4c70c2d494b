//! List users: all users of a kind that have a relation on an object.
//!
//! The search goes down from the object over every tuple and rewrite, those
//! that are subtracted included, which finds all candidates. Each is checked.

use std::collections::BTreeSet;

use crate::policy::{Node, Op, OpId, RelationId, TypeId, Verdict};

use super::error::QueryError;
use super::search::Seen;
use super::view::View;

/// Which users are asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Filter {
    /// `user`: objects of a type, and the wildcard.
    Type(TypeId),
    /// `group#member`: usersets.
    Usersets(RelationId),
}

impl View<'_> {
    /// The users that have `relation` on `object`, sorted and complete. The
    /// filter is a type (`user`, which may give `user:*` too) or a userset's
    /// (`group#member`).
    ///
    /// # Errors
    /// As [`View::check`]; an error in any candidate is an error of the whole.
    pub fn list_users(
        &self,
        object: &str,
        relation: &str,
        filter: &str,
    ) -> Result<Vec<String>, QueryError> {
        let _call = self.begin_call();
        let filter = match filter.split_once('#') {
            None => Filter::Type(self.type_named(filter)?),
            Some((type_name, name)) => {
                let type_id = self.type_named(type_name)?;
                Filter::Usersets(self.relation_named(type_id, name)?)
            }
        };
        let target = self.target(relation, object)?;
        if !self.may_be_held(target, filter) {
            return Ok(Vec::new());
        }
        let mut users = Vec::new();
        // An error anywhere below is one of the whole, even where a check of
        // some user would drop it: which users there would have been is unknown.
        let mut failed = None;
        for user in self.candidate_users(target, object, filter, &mut failed)? {
            match self.check(&user, relation, object) {
                Ok(true) => users.push(user),
                Ok(false) => {}
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        match failed {
            Some(error) => Err(error),
            None => Ok(users),
        }
    }

    /// Every user of the kind that is met on the way down.
    fn candidate_users(
        &self,
        target: Node,
        object: &str,
        filter: Filter,
        failed: &mut Option<QueryError>,
    ) -> Result<BTreeSet<String>, QueryError> {
        let graph = &self.policy.graph;
        let mut users = BTreeSet::new();
        let mut seen = Seen::default();
        let mut pending = vec![(target, 0u32)];
        self.begin_question();
        let mut subjects = Vec::new();
        let mut next = Vec::new();
        while let Some((node, depth)) = pending.pop() {
            if !seen.insert(node) {
                continue;
            }
            if let Some(limit) = self.limits.depth
                && depth >= limit
            {
                return Err(QueryError::Depth { depth: limit });
            }
            if filter == Filter::Usersets(node.relation) {
                users.insert(if node.object == target.object {
                    format!("{object}#{}", self.policy.plan.relation_name(node.relation))
                } else {
                    self.spell(node)
                });
            }
            self.below(
                self.policy.plan.root(node.relation),
                node.object,
                &mut subjects,
                &mut next,
                failed,
            );
            let cost = 1 + subjects.len() as u64 + next.len() as u64;
            self.step(cost)?;
            for subject in subjects.drain(..) {
                match subject.as_userset() {
                    Some(index) => {
                        next.extend(self.overlay.userset_node(graph, index).map(|n| (n, 1)));
                    }
                    None => {
                        let type_id = self.overlay.type_of(self.policy, subject.0);
                        if matches!(filter, Filter::Type(t) if type_id == Some(t)) {
                            users.insert(self.overlay.spelling(self.policy, subject.0).to_owned());
                        }
                    }
                }
            }
            pending.extend(next.drain(..).map(|(n, hops)| (n, depth + hops)));
        }
        Ok(users)
    }

    /// Whether users of the kind can have a node's relation at all.
    fn may_be_held(&self, node: Node, filter: Filter) -> bool {
        let plan = &self.policy.plan;
        match filter {
            Filter::Type(t) => plan.may_hold(node.relation, t),
            Filter::Usersets(u) => plan.may_hold_userset(node.relation, u),
        }
    }

    /// What an operation mentions: subjects of tuples, and further nodes with
    /// the hops that they are away.
    fn below(
        &self,
        op: OpId,
        object: u32,
        subjects: &mut Vec<crate::policy::Subject>,
        next: &mut Vec<(Node, u32)>,
        failed: &mut Option<QueryError>,
    ) {
        let mut counts = |guard: u32| match self.verdict(guard) {
            Ok(Verdict::Pass) => true,
            Ok(Verdict::Fail) => false,
            Ok(Verdict::Error(error)) | Err(error) => {
                failed.get_or_insert(error);
                false
            }
        };
        // A rewrite nests no deeper than the model's parser allows.
        match self.policy.plan.op(op) {
            Op::Never => {}
            Op::Direct(relation) => {
                for row in self.rows(Node {
                    object,
                    relation: *relation,
                }) {
                    subjects.extend(row.iter().filter(|(_, g)| counts(*g)).map(|(s, _)| s));
                }
            }
            Op::Computed(relation) => next.push((
                Node {
                    object,
                    relation: *relation,
                },
                0,
            )),
            Op::Parents(parents) => {
                for row in self.rows(Node {
                    object,
                    relation: parents.tupleset,
                }) {
                    next.extend(row.iter().filter_map(|(subject, guard)| {
                        if !counts(guard) {
                            return None;
                        }
                        let type_id = self.overlay.type_of(self.policy, subject.0)?;
                        let relation = parents.target(type_id)?;
                        Some((
                            Node {
                                object: subject.0,
                                relation,
                            },
                            1,
                        ))
                    }));
                }
            }
            Op::Union(parts) | Op::Intersection(parts) => {
                parts
                    .iter()
                    .for_each(|part| self.below(*part, object, subjects, next, failed));
            }
            Op::Exclusion { base, subtract } => {
                self.below(*base, object, subjects, next, failed);
                self.below(*subtract, object, subjects, next, failed);
            }
        }
    }
}
