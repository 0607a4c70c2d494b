//! One user's questions to a view, and what is remembered between them.

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use crate::policy::{NameId, Node, OpId, RelationId};

use super::ask::{Asked, is_unknown};
use super::error::QueryError;
use super::resolve::Frames;
use super::view::View;

/// One user's questions to a view. The memo, where there is one, carries what
/// one question proved over to the next.
pub(super) struct Search<'v, 'p> {
    pub(super) view: &'v View<'p>,
    pub(super) asked: Asked,
    pub(super) memo: Option<Memo>,
    pub(super) frames: Frames,
    /// The first error that a question met, as far as nothing outweighed it.
    pub(super) error: Option<QueryError>,
    /// The first error that a walk passed over.
    pub(super) passed: Option<QueryError>,
    /// Neither a guard nor a contextual tuple can be met.
    pub(super) plain: bool,
    /// All its questions have one budget.
    pub(super) as_one: bool,
}

impl<'v, 'p> Search<'v, 'p> {
    pub(super) fn new(view: &'v View<'p>, asked: Asked) -> Self {
        view.begin_question();
        Self {
            view,
            asked,
            memo: None,
            frames: Frames::default(),
            error: None,
            plain: view.overlay.is_empty() && view.policy.graph.unguarded(),
            passed: None,
            as_one: false,
        }
    }

    /// As [`Search::new`], for many questions about one user.
    pub(super) fn with_memo(view: &'v View<'p>, asked: Asked) -> Self {
        Self {
            memo: Some(Memo::default()),
            ..Self::new(view, asked)
        }
    }

    /// Decides one question, with the whole budget of steps unless all have one.
    #[inline]
    pub(super) fn decide(&mut self, target: Node) -> Result<bool, QueryError> {
        self.begin_question();
        if !self.may_hold(target.relation) {
            return Ok(false);
        }
        let allowed = if self.is_monotone(target.relation) && self.view.limits.depth.is_none() {
            self.reach(target)?
        } else {
            self.resolve(target)?
        };
        self.answer(allowed)
    }

    /// Whether the relation can only meet unions.
    #[inline]
    pub(super) fn is_monotone(&self, relation: RelationId) -> bool {
        let relation = self.view.policy.plan.relation_plan(relation);
        relation.is_some_and(|r| r.monotone)
    }

    /// Decides one operation of a rewrite, for an explanation.
    pub(super) fn decide_op(&mut self, op: OpId, object: NameId) -> Result<bool, QueryError> {
        self.begin_question();
        let allowed = self.resolve_op(op, object)?;
        self.answer(allowed)
    }

    fn begin_question(&mut self) {
        if !self.as_one {
            self.view.begin_question();
        }
        self.error = None;
        self.passed = None;
    }

    fn answer(&mut self, allowed: bool) -> Result<bool, QueryError> {
        match self.error.take() {
            Some(error) if !allowed => Err(error),
            _ => Ok(allowed),
        }
    }

    /// Takes steps from the budget.
    #[inline]
    pub(super) fn step(&mut self, steps: u64) -> Result<(), QueryError> {
        self.view.step(steps)
    }

    /// The steps that this question has taken.
    pub(super) fn spent(&self) -> u64 {
        self.view.spent()
    }

    /// Whether a user of the asking one's type can have the relation at all,
    /// whatever the tuples say.
    #[inline]
    pub(super) fn may_hold(&self, relation: RelationId) -> bool {
        let plan = &self.view.policy.plan;
        match self.asked.userset {
            None => plan.may_hold(relation, self.asked.type_id),
            Some(node) => plan.may_hold_userset(relation, node.relation),
        }
    }

    pub(super) fn keep_error(&mut self, error: Option<QueryError>) {
        if self.error.is_none() {
            self.error = error;
        }
    }
}

/// Answers that hold for every later question about the same user, in a table
/// of fixed size: a new answer takes the place of an old one.
pub(super) struct Memo {
    /// `object << 32 | relation << 1 | answer`, plus one; zero is empty.
    slots: Box<[u64]>,
}

const MEMO_SLOTS: usize = 1 << 13;

impl Default for Memo {
    fn default() -> Self {
        Self {
            slots: vec![0; MEMO_SLOTS].into(),
        }
    }
}

impl Memo {
    #[inline]
    fn key(node: Node) -> (usize, u64) {
        let key = (u64::from(node.object) << 32) | (u64::from(node.relation) << 1);
        ((mix(key) >> 51) as usize, key + 1)
    }

    #[inline]
    pub(super) fn get(&self, node: Node) -> Option<bool> {
        let (slot, key) = Self::key(node);
        let found = *self.slots.get(slot)?;
        match found.wrapping_sub(key) {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    #[inline]
    pub(super) fn put(&mut self, node: Node, answer: bool) {
        // The number of unknown objects stands for many.
        if is_unknown(node.object) {
            return;
        }
        let (slot, key) = Self::key(node);
        if let Some(slot) = self.slots.get_mut(slot) {
            *slot = key + u64::from(answer);
        }
    }
}

/// Spreads a key over all bits.
#[inline]
pub(super) fn mix(key: u64) -> u64 {
    let mixed = (key ^ (key >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ (mixed >> 29)
}

/// A set of nodes.
#[derive(Default)]
pub(super) struct Seen {
    table: HashTable<Node>,
}

impl Seen {
    /// Adds a node; false where it was there.
    pub(super) fn insert(&mut self, node: Node) -> bool {
        if self.table.len() == self.table.capacity() {
            // A set that grows at all mostly grows far.
            self.table.reserve(self.table.len() * 3 + 50, |n| hash(*n));
        }
        match self.table.entry(hash(node), |n| *n == node, |n| hash(*n)) {
            Entry::Occupied(_) => false,
            Entry::Vacant(place) => {
                place.insert(node);
                true
            }
        }
    }

    pub(super) fn contains(&self, node: Node) -> bool {
        self.table.find(hash(node), |n| *n == node).is_some()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Node> {
        self.table.iter()
    }

    pub(super) fn remove(&mut self, node: Node) {
        if let Ok(entry) = self.table.find_entry(hash(node), |n| *n == node) {
            entry.remove();
        }
    }
}

impl FromIterator<Node> for Seen {
    fn from_iter<I: IntoIterator<Item = Node>>(nodes: I) -> Self {
        let mut seen = Self::default();
        for node in nodes {
            seen.insert(node);
        }
        seen
    }
}

pub(super) fn hash(node: Node) -> u64 {
    mix((u64::from(node.object) << 32) | u64::from(node.relation)).rotate_left(17)
}
