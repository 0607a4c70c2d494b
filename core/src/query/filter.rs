//! Filter: one user, one relation, many objects at once.

use std::collections::BTreeMap;

use smallvec::SmallVec;

use crate::policy::{NameId, Node, RelationId, TypeId};

use super::error::QueryError;
use super::search::{Search, Seen};
use super::view::View;

/// How many objects are looked up at once: enough for their waits for memory to
/// overlap, few enough to stay near.
const BATCH: usize = 16;

/// Which of many objects a user may see.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filtered {
    /// For each object, in the order given: allowed or not.
    pub mask: Vec<bool>,
    /// How many were dropped, by reason.
    pub dropped: BTreeMap<DropReason, usize>,
}

/// Why an object was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum DropReason {
    /// The user does not have the relation on it.
    NotAllowed,
    /// It is not well-formed, or of a type that the model does not define.
    Malformed,
    /// Its type does not have the relation.
    UnknownRelation,
    /// A condition could not be evaluated.
    Condition,
    /// It took more steps or hops than allowed.
    Budget,
    /// The call that it is one of took more steps than allowed.
    CallBudget,
    /// Our own fault.
    Internal,
}

impl DropReason {
    /// A stable name for the reason.
    pub fn code(self) -> &'static str {
        match self {
            Self::NotAllowed => "not_allowed",
            Self::Malformed => "resource.malformed",
            Self::UnknownRelation => "request.unknown_relation",
            Self::Condition => "condition.failed",
            Self::Budget => "budget.exhausted",
            Self::CallBudget => "budget.call",
            Self::Internal => "internal",
        }
    }
}

impl Filtered {
    /// How many objects are allowed.
    pub fn allowed(&self) -> usize {
        self.mask.iter().filter(|a| **a).count()
    }

    pub(super) fn push(&mut self, decided: Result<bool, DropReason>) {
        let reason = match decided {
            Ok(true) => None,
            Ok(false) => Some(DropReason::NotAllowed),
            Err(reason) => Some(reason),
        };
        self.mask.push(reason.is_none());
        if let Some(reason) = reason {
            *self.dropped.entry(reason).or_default() += 1;
        }
    }
}

impl View<'_> {
    /// Which of these objects `user` has `relation` on. Objects may repeat; one
    /// that is malformed, or whose check errs, is dropped and counted. Each object
    /// has its own budget of steps, and all together have the call's.
    ///
    /// # Errors
    /// Only what is wrong with the user: then nothing is allowed.
    pub fn filter<S: AsRef<str>>(
        &self,
        user: &str,
        relation: &str,
        objects: impl IntoIterator<Item = S>,
    ) -> Result<Filtered, QueryError> {
        let _call = self.begin_call();
        let objects = objects.into_iter();
        let mut filtered = Filtered {
            mask: Vec::with_capacity(objects.size_hint().0),
            dropped: BTreeMap::new(),
        };
        self.decide_each(user, relation, objects, |decided| filtered.push(decided))?;
        Ok(filtered)
    }

    /// As [`View::filter`]: for each object the reason that drops it, `None`
    /// where it is allowed.
    ///
    /// # Errors
    /// As [`View::filter`].
    pub fn filter_each<S: AsRef<str>>(
        &self,
        user: &str,
        relation: &str,
        objects: impl IntoIterator<Item = S>,
    ) -> Result<Vec<Option<DropReason>>, QueryError> {
        let mut verdicts = Vec::new();
        self.decide_each(user, relation, objects.into_iter(), |decided| {
            verdicts.push(match decided {
                Ok(true) => None,
                Ok(false) => Some(DropReason::NotAllowed),
                Err(reason) => Some(reason),
            });
        })?;
        Ok(verdicts)
    }

    /// Decides one object after the other.
    pub(super) fn decide_each<S: AsRef<str>>(
        &self,
        user: &str,
        relation: &str,
        objects: impl Iterator<Item = S>,
        mut answer: impl FnMut(Result<bool, DropReason>),
    ) -> Result<(), QueryError> {
        let asked = self.asked(user, "")?;
        let mut search = Search::with_memo(self, asked);
        let mut kinds = Kinds {
            view: self,
            relation,
            last: None,
        };
        // Beside this many objects, one climb from the user is cheap.
        let most = objects.size_hint().0 / 2;
        let mut above: Option<(RelationId, Option<Seen>)> = None;
        let mut objects = objects.fuse();
        loop {
            let batch: SmallVec<[S; BATCH]> = objects.by_ref().take(BATCH).collect();
            if batch.is_empty() {
                return Ok(());
            }
            let found: [_; BATCH] = self.policy.names.find_each(batch.iter().map(AsRef::as_ref));
            let climbed = above.as_ref().is_some_and(|(_, nodes)| nodes.is_some());
            if !climbed {
                self.policy.graph.fetch(&found);
            }
            for (object, known) in batch.iter().zip(found) {
                let decided = kinds.target(user, object.as_ref(), known).and_then(|node| {
                    if above.as_ref().is_none_or(|(to, _)| *to != node.relation) {
                        above = Some((node.relation, search.above(node.relation, most)));
                    }
                    if let Some((_, Some(nodes))) = &above {
                        let may = nodes.contains(node);
                        if !may || search.is_monotone(node.relation) {
                            return Ok(may);
                        }
                    }
                    search.decide(node).map_err(|error| DropReason::of(&error))
                });
                answer(decided);
            }
        }
    }
}

impl Search<'_, '_> {
    /// All that the user may have of what leads to a relation, where that can be
    /// told by looking at no more than so many edges. No error hides in what is
    /// left out: nothing has a guard, and the depth is not limited.
    fn above(&mut self, relation: RelationId, most: usize) -> Option<Seen> {
        let view = self.view;
        if !view.unguarded() || view.limits.depth.is_some() || self.asked.userset.is_some() {
            return None;
        }
        // Only the budget can fail, and then each object has its own.
        Some(self.climb(relation, most).ok()??.nodes)
    }
}

/// Finds each object's relation, looking it up anew only when the type changes.
struct Kinds<'v, 'p> {
    view: &'v View<'p>,
    relation: &'v str,
    last: Option<(TypeId, RelationId)>,
}

impl Kinds<'_, '_> {
    #[inline]
    fn target(
        &mut self,
        user: &str,
        object: &str,
        known: Option<NameId>,
    ) -> Result<Node, DropReason> {
        let policy = self.view.policy;
        if let Some(id) = known
            && let Some(type_id) = policy.types.type_of(id)
            && policy.types.wildcard(type_id) != id
        {
            if let Some((last, relation)) = self.last
                && last == type_id
            {
                return Ok(Node {
                    object: id,
                    relation,
                });
            }
            let relation = policy
                .plan
                .relation(type_id, self.relation)
                .ok_or(DropReason::UnknownRelation)?;
            self.last = Some((type_id, relation));
            return Ok(Node {
                object: id,
                relation,
            });
        }
        let node = self
            .view
            .target(self.relation, object)
            .map_err(|error| DropReason::of(&error))?;
        // A userset asks for its own object, which no tuple names: the one case
        // in which an unknown object is allowed.
        let own = node.object == super::ask::UNKNOWN_OBJECT
            && user.split_once('#').is_some_and(|(of, _)| of == object);
        Ok(if own {
            Node {
                object: super::ask::UNKNOWN_USER,
                ..node
            }
        } else {
            node
        })
    }
}

impl DropReason {
    pub(super) fn of(error: &QueryError) -> Self {
        match error {
            QueryError::InvalidUser { .. }
            | QueryError::InvalidObject { .. }
            | QueryError::Path(_)
            | QueryError::UnknownType { .. } => Self::Malformed,
            QueryError::UnknownRelation { .. } => Self::UnknownRelation,
            #[cfg(feature = "conditions")]
            QueryError::Condition(_) => Self::Condition,
            QueryError::Budget { .. } | QueryError::Depth { .. } => Self::Budget,
            QueryError::CallBudget { .. } => Self::CallBudget,
            QueryError::ContextualTuple { .. } | QueryError::Internal => Self::Internal,
        }
    }
}
