//! Contextual tuples: relationships that one request brings with it.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde::{Deserialize, Serialize};

use crate::order;
use crate::policy::{
    Admission, Graph, Guard, GuardCondition, Inner, NONE, NameId, Node, Reference, Row, Subject,
    TypeId, admit,
};

use super::error::{QueryError, TupleFault};

/// A relationship: `user` has `relation` on `object`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Tuple {
    /// `type:id`, `type:*` or `type:id#relation`.
    pub user: String,
    /// The relation's name.
    pub relation: String,
    /// `type:id`.
    pub object: String,
    /// The condition under which it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<TupleCondition>,
    /// The tenant that alone sees it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
}

/// A tuple's condition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct TupleCondition {
    /// The condition's name in the model.
    pub name: String,
    /// Values of its parameters that the tuple fixes.
    #[serde(default, deserialize_with = "crate::json::object")]
    pub context: serde_json::Map<String, serde_json::Value>,
}

impl Tuple {
    /// An unconditional tuple.
    pub fn new(user: &str, relation: &str, object: &str) -> Self {
        Self {
            user: user.to_owned(),
            relation: relation.to_owned(),
            object: object.to_owned(),
            condition: None,
            tenant: None,
        }
    }
}

/// The rows of contextual tuples. Names and usersets that the policy does not
/// know are numbered behind its own.
#[derive(Debug, Clone, Default)]
pub(super) struct Overlay {
    names: BTreeMap<String, NameId>,
    /// The spelling and the type of each local name, in the order of numbers.
    local: Vec<(String, TypeId)>,
    usersets: Vec<Node>,
    guards: Vec<Guard>,
    nodes: Vec<Node>,
    /// Where each node's subjects end.
    ends: Vec<u32>,
    subjects: Vec<u32>,
    guard_numbers: Vec<u32>,
    /// By subject.
    reverse: Vec<(Subject, Node, u32)>,
}

impl Overlay {
    pub(super) fn build(policy: &Inner, tuples: &[Tuple]) -> Result<Self, QueryError> {
        let mut overlay = Self::default();
        let mut edges: Vec<(Node, Subject, u32)> = Vec::with_capacity(tuples.len());
        let mut first: BTreeMap<(Node, Subject), &Tuple> = BTreeMap::new();
        for (index, tuple) in tuples.iter().enumerate() {
            let fault = |reason| QueryError::ContextualTuple { index, reason };
            let edge = overlay.edge(policy, tuple).map_err(fault)?;
            match first.entry((edge.0, edge.1)) {
                Entry::Vacant(place) => {
                    place.insert(tuple);
                    edges.push(edge);
                }
                Entry::Occupied(given) if *given.get() == tuple => {}
                Entry::Occupied(_) => return Err(fault(TupleFault::Duplicate)),
            }
        }
        order::sort(&mut edges);
        for (node, subject, guard) in &edges {
            if overlay.nodes.last() != Some(node) {
                overlay.nodes.push(*node);
                overlay.ends.push(overlay.subjects.len() as u32);
            }
            overlay.subjects.push(subject.0);
            overlay.guard_numbers.push(*guard);
            if let Some(end) = overlay.ends.last_mut() {
                *end = overlay.subjects.len() as u32;
            }
        }
        overlay.reverse = edges.into_iter().map(|(n, s, g)| (s, n, g)).collect();
        order::sort(&mut overlay.reverse);
        Ok(overlay)
    }

    fn edge(&mut self, policy: &Inner, tuple: &Tuple) -> Result<(Node, Subject, u32), TupleFault> {
        let object = Reference::object(&tuple.object).map_err(TupleFault::InvalidObject)?;
        let user = Reference::user(&tuple.user).map_err(TupleFault::InvalidUser)?;
        let plan = &policy.plan;
        let (guard, condition) = match &tuple.condition {
            None if tuple.tenant.is_none() => (0, None),
            None => (self.guard(policy, tuple.tenant.clone(), None), None),
            Some(c) => {
                let number = plan
                    .condition(&c.name)
                    .ok_or(TupleFault::UnknownCondition)?;
                let bound = bind(policy, number, c)?;
                (
                    self.guard(policy, tuple.tenant.clone(), Some(bound)),
                    Some(number),
                )
            }
        };
        let object_type = plan.type_id(object.type_name);
        let user_type = plan.type_id(user.type_name);
        let relation = match admit(
            plan,
            object_type,
            &tuple.relation,
            &user,
            user_type,
            condition,
        ) {
            Admission::Admitted(relation) => relation,
            Admission::UnknownType => return Err(TupleFault::UnknownType),
            Admission::UnknownRelation => return Err(TupleFault::UnknownRelation),
            Admission::NotAssignable => return Err(TupleFault::NotAssignable),
        };
        let node = Node {
            object: self.name(policy, object.object, object_type),
            relation,
        };
        let user_name = self.name(policy, user.object, user_type);
        let subject = match user.relation {
            None => Subject::object(user_name),
            Some(name) => {
                let relation = user_type
                    .and_then(|t| plan.relation(t, name))
                    .ok_or(TupleFault::NotAssignable)?;
                let userset = Node {
                    object: user_name,
                    relation,
                };
                if userset == node {
                    return Err(TupleFault::SelfReference);
                }
                self.userset(&policy.graph, userset)
            }
        };
        Ok((node, subject, guard))
    }

    fn guard(
        &mut self,
        policy: &Inner,
        tenant: Option<String>,
        condition: Option<GuardCondition>,
    ) -> u32 {
        self.guards.push(Guard { tenant, condition });
        (policy.guards.guards.len() + self.guards.len()) as u32
    }

    fn name(&mut self, policy: &Inner, name: &str, type_id: Option<TypeId>) -> NameId {
        if let Some(id) = self.find(policy, name) {
            return id;
        }
        let id = (policy.names.len() + self.local.len()) as u32;
        self.names.insert(name.to_owned(), id);
        self.local.push((name.to_owned(), type_id.unwrap_or(NONE)));
        id
    }

    fn userset(&mut self, graph: &Graph, node: Node) -> Subject {
        if let Some(subject) = self.find_userset(graph, node) {
            return subject;
        }
        self.usersets.push(node);
        Subject::userset((graph.usersets.len() + self.usersets.len()) as u32 - 1)
    }

    /// Whether none of its tuples has a guard.
    pub(super) fn unguarded(&self) -> bool {
        self.guards.is_empty()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The number of a name, the policy's or a local one.
    #[inline]
    pub(super) fn find(&self, policy: &Inner, name: &str) -> Option<NameId> {
        policy
            .names
            .find(name)
            .or_else(|| self.names.get(name).copied())
    }

    pub(super) fn type_of(&self, policy: &Inner, name: NameId) -> Option<TypeId> {
        match (name as usize).checked_sub(policy.names.len()) {
            None => policy.types.type_of(name),
            Some(local) => self.local.get(local).map(|(_, t)| *t),
        }
    }

    pub(super) fn spelling<'a>(&'a self, policy: &'a Inner, name: NameId) -> &'a str {
        match (name as usize).checked_sub(policy.names.len()) {
            None => policy.names.get(name),
            Some(local) => self.local.get(local).map_or("", |(n, _)| n),
        }
    }

    pub(super) fn find_userset(&self, graph: &Graph, node: Node) -> Option<Subject> {
        graph.find_userset(node).or_else(|| {
            let local = self.usersets.iter().position(|n| *n == node)?;
            Some(Subject::userset((graph.usersets.len() + local) as u32))
        })
    }

    /// `object#relation` of a userset's index.
    #[inline]
    pub(super) fn userset_node(&self, graph: &Graph, index: u32) -> Option<Node> {
        match (index as usize).checked_sub(graph.usersets.len()) {
            None => graph.userset(index),
            Some(local) => self.usersets.get(local).copied(),
        }
    }

    pub(super) fn guard_at<'a>(&'a self, policy: &'a Inner, number: u32) -> Option<&'a Guard> {
        match (number as usize).checked_sub(policy.guards.guards.len() + 1) {
            None => policy.guards.get(number),
            Some(local) => self.guards.get(local),
        }
    }

    pub(super) fn row(&self, node: Node) -> Row<'_> {
        let Ok(i) = self.nodes.binary_search(&node) else {
            return Row::default();
        };
        let start = i
            .checked_sub(1)
            .and_then(|p| self.ends.get(p))
            .copied()
            .unwrap_or(0);
        let end = self.ends.get(i).copied().unwrap_or(start);
        let range = start as usize..end as usize;
        Row {
            subjects: self.subjects.get(range.clone()).unwrap_or_default(),
            guards: self.guard_numbers.get(range).unwrap_or_default(),
        }
    }

    /// Where a subject is named by a contextual tuple.
    pub(super) fn named_by(&self, subject: Subject) -> impl Iterator<Item = (Node, bool)> + '_ {
        let from = self.reverse.partition_point(|(s, ..)| *s < subject);
        self.reverse
            .get(from..)
            .unwrap_or_default()
            .iter()
            .take_while(move |(s, ..)| *s == subject)
            .map(|(_, node, guard)| (*node, *guard != 0))
    }
}

#[cfg(feature = "conditions")]
fn bind(
    policy: &Inner,
    index: u32,
    condition: &TupleCondition,
) -> Result<GuardCondition, TupleFault> {
    let compiled = policy
        .guards
        .conditions
        .get(index as usize)
        .ok_or(TupleFault::UnknownCondition)?;
    let bound = compiled
        .bind_tuple_context(&condition.context)
        .map_err(TupleFault::Context)?;
    Ok(GuardCondition {
        index,
        source: String::new(),
        bound,
    })
}

#[cfg(not(feature = "conditions"))]
fn bind(_: &Inner, _: u32, _: &TupleCondition) -> Result<GuardCondition, TupleFault> {
    Err(TupleFault::ConditionsUnsupported)
}
