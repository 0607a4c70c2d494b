//! Resolution: how a relation with intersections or exclusions is decided.
//!
//! It goes down a relation's rewrite operation by operation, with frames of
//! its own instead of the program's stack, so that no data can overflow it.
//! All logic of union, intersection and exclusion stands in this file.
//!
//! What comes back is true, false or an error. A false that rests on meeting
//! the same `object#relation` again on the way to it is *tainted*: it stays
//! false where it would be subtracted, because what it rests on was never
//! decided.

use smallvec::SmallVec;

use hashbrown::HashTable;

use crate::policy::{Node, Op, OpId, Parents, Row, Verdict};

use super::check::{Search, Seen, hash};
use super::error::QueryError;
use super::reach::{Reached, Trail};

/// The steps after which a question remembers what it has decided.
const REMEMBER_FROM: u64 = 64;

/// What a part of a question comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Outcome {
    value: Value,
    /// A false that rests on a cycle.
    tainted: bool,
    /// A cycle was met on the way, whatever came of it.
    cyclic: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Value {
    True,
    False,
    /// The number of an error.
    Error(u32),
}

impl Outcome {
    const TRUE: Self = Self {
        value: Value::True,
        tainted: false,
        cyclic: false,
    };
    const FALSE: Self = Self {
        value: Value::False,
        tainted: false,
        cyclic: false,
    };
    const CYCLE: Self = Self {
        value: Value::False,
        tainted: true,
        cyclic: true,
    };
}

/// An operation in the middle of its work.
#[derive(Debug, Clone, Copy)]
struct Frame {
    work: Work,
    object: u32,
    /// The next operand or tuple.
    next: u32,
    depth: u32,
    /// The first error of an operand.
    error: Option<u32>,
    tainted: bool,
    cyclic: bool,
}

#[derive(Debug, Clone, Copy)]
enum Work {
    /// A whole relation.
    Relation(Node),
    /// Any of an operation's operands.
    Any(OpId),
    /// All of them.
    All(OpId),
    /// The first and not the second.
    Except(OpId),
    /// The usersets that a node's tuples name.
    Usersets {
        node: Node,
        counts: bool,
        failed: Option<u32>,
    },
    /// The parents that a tupleset's tuples name.
    Parents {
        op: OpId,
        node: Node,
        counts: bool,
        failed: Option<u32>,
    },
}

/// The state of a resolution, kept by a search for its next question.
#[derive(Default)]
pub(super) struct Frames {
    stack: SmallVec<[Frame; 12]>,
    path: Path,
    errors: Vec<QueryError>,
    /// Relations decided without meeting a cycle: they would come out the same
    /// on any other way to them.
    decided: HashTable<(Node, Value)>,
    /// Those of this question only: error numbers are, and so are the numbers
    /// of unknown objects.
    passing: Vec<Node>,
}

impl Search<'_, '_> {
    /// Decides a relation. An error is kept in `self.error`.
    pub(super) fn resolve(&mut self, target: Node) -> Result<bool, QueryError> {
        self.prepare();
        let first = self.enter(target, 0)?;
        self.run(first)
    }

    /// Decides one operation of a relation's rewrite on an object.
    pub(super) fn resolve_op(&mut self, op: OpId, object: u32) -> Result<bool, QueryError> {
        self.prepare();
        let first = self.begin(op, object, 0)?;
        self.run(first)
    }

    fn prepare(&mut self) {
        self.frames.stack.clear();
        self.frames.path = Path::default();
        self.frames.errors.clear();
        for node in self.frames.passing.drain(..) {
            let known = self
                .frames
                .decided
                .find_entry(hash(node), |(n, _)| *n == node);
            if let Ok(entry) = known {
                entry.remove();
            }
        }
    }

    fn run(&mut self, first: Option<Outcome>) -> Result<bool, QueryError> {
        let mut result = first;
        loop {
            while let Some(outcome) = result.take() {
                let Some(frame) = self.frames.stack.last_mut() else {
                    return Ok(self.finish(outcome));
                };
                if let Some(done) = frame.absorb(outcome) {
                    result = Some(self.leave(done));
                }
            }
            result = self.advance()?;
        }
    }

    fn finish(&mut self, outcome: Outcome) -> bool {
        if let Value::Error(number) = outcome.value {
            let error = self.frames.errors.get(number as usize).cloned();
            self.error = Some(error.unwrap_or(QueryError::Internal));
        }
        outcome.value == Value::True
    }

    /// Takes the top frame off, with what it came to.
    fn leave(&mut self, outcome: Outcome) -> Outcome {
        if let Some(Frame {
            work: Work::Relation(node),
            ..
        }) = self.frames.stack.pop()
        {
            self.frames.path.pop(node);
            // A short question is over before a repetition would pay.
            let long = self.memo.is_some() || self.spent() > REMEMBER_FROM;
            if long && !outcome.cyclic && self.view.limits.depth.is_none() {
                let failed = matches!(outcome.value, Value::Error(_));
                if failed || node.object >= super::ask::UNKNOWN_OBJECT - 1 {
                    self.frames.passing.push(node);
                }
                let entry = (node, outcome.value);
                self.frames
                    .decided
                    .insert_unique(hash(node), entry, |(n, _)| hash(*n));
            }
        }
        outcome
    }

    /// Begins `object#relation`: decides it at once or puts a frame on.
    fn enter(&mut self, node: Node, depth: u32) -> Result<Option<Outcome>, QueryError> {
        self.step(1)?;
        if self.asked.userset == Some(node) {
            return Ok(Some(Outcome::TRUE));
        }
        if !self.may_hold(node.relation) {
            return Ok(Some(Outcome::FALSE));
        }
        let limit = self.view.limits.depth;
        if let Some(limit) = limit
            && depth >= limit
        {
            return Ok(Some(self.failed(QueryError::Depth { depth: limit })));
        }
        let view = self.view;
        let Some(relation) = view.policy.plan.relation_plan(node.relation) else {
            return Ok(Some(Outcome::FALSE));
        };
        if relation.monotone && limit.is_none() {
            return self.enter_monotone(node, relation.recursive).map(Some);
        }
        if self.frames.path.contains(node) {
            return Ok(Some(Outcome::CYCLE));
        }
        if let Some((_, value)) = self.frames.decided.find(hash(node), |(n, _)| *n == node) {
            return Ok(Some(Outcome {
                value: *value,
                ..Outcome::FALSE
            }));
        }
        self.frames.path.push(node);
        self.push(Work::Relation(node), node.object, depth);
        self.begin(relation.root, node.object, depth)
    }

    /// Decides a relation below which only unions lie. A cycle among them
    /// matters to what is above, so a miss is looked at once more for one.
    fn enter_monotone(&mut self, node: Node, recursive: bool) -> Result<Outcome, QueryError> {
        let outer = self.error.take();
        self.repeated = false;
        let mut trail = Trail::new();
        let reached = self.walk(node, &mut trail, recursive)?;
        let error = std::mem::replace(&mut self.error, outer);
        if matches!(reached, Reached::Hit(_)) {
            return Ok(Outcome::TRUE);
        }
        let cyclic = self.repeated && self.has_cycle(node)?;
        let value = match error {
            Some(error) => self.failed(error).value,
            None => Value::False,
        };
        Ok(Outcome {
            value,
            tainted: cyclic && value == Value::False,
            cyclic,
        })
    }

    /// Whether the nodes below a monotone one come back to one another.
    fn has_cycle(&mut self, start: Node) -> Result<bool, QueryError> {
        let outer = self.error.take();
        let mut open = Seen::default();
        let mut closed = Seen::default();
        let mut found: SmallVec<[Node; 8]> = SmallVec::new();
        // A node is put on twice: to be opened, and to be closed behind all
        // that it leads to.
        let mut stack = vec![(start, false)];
        let mut cyclic = false;
        while let Some((node, opened)) = stack.pop() {
            if opened {
                open.remove(node);
                closed.insert(node);
                continue;
            }
            if closed.contains(node) {
                continue;
            }
            if !open.insert(node) {
                cyclic = true;
                break;
            }
            stack.push((node, true));
            self.expand(node, &mut found)?;
            stack.extend(found.drain(..).map(|next| (next, false)));
        }
        self.error = outer;
        Ok(cyclic)
    }

    /// Begins an operation: decides it at once or puts a frame on.
    fn begin(&mut self, op: OpId, object: u32, depth: u32) -> Result<Option<Outcome>, QueryError> {
        let view = self.view;
        match view.policy.plan.op(op) {
            Op::Never => return Ok(Some(Outcome::FALSE)),
            Op::Computed(relation) => {
                return self.enter(
                    Node {
                        object,
                        relation: *relation,
                    },
                    depth,
                );
            }
            Op::Direct(relation) => {
                return self.begin_direct(
                    Node {
                        object,
                        relation: *relation,
                    },
                    depth,
                );
            }
            Op::Parents(Parents { tupleset, .. }) => {
                let node = Node {
                    object,
                    relation: *tupleset,
                };
                self.push(
                    Work::Parents {
                        op,
                        node,
                        counts: false,
                        failed: None,
                    },
                    object,
                    depth,
                );
            }
            Op::Union(_) => self.push(Work::Any(op), object, depth),
            Op::Intersection(_) => self.push(Work::All(op), object, depth),
            Op::Exclusion { .. } => self.push(Work::Except(op), object, depth),
        }
        Ok(None)
    }

    fn begin_direct(&mut self, node: Node, depth: u32) -> Result<Option<Outcome>, QueryError> {
        let outer = self.error.take();
        let named = self.direct(node, true);
        let error = std::mem::replace(&mut self.error, outer);
        if named {
            return Ok(Some(Outcome::TRUE));
        }
        let error = error.map(|e| self.error_number(e));
        self.push(
            Work::Usersets {
                node,
                counts: false,
                failed: None,
            },
            node.object,
            depth,
        );
        if let Some(frame) = self.frames.stack.last_mut() {
            frame.error = error;
        }
        Ok(None)
    }

    /// Begins the next part of the top frame, or ends it.
    fn advance(&mut self) -> Result<Option<Outcome>, QueryError> {
        let view = self.view;
        let Some(&Frame {
            work,
            object,
            next,
            depth,
            ..
        }) = self.frames.stack.last()
        else {
            return Err(QueryError::Internal);
        };
        if let Some(frame) = self.frames.stack.last_mut() {
            frame.next += 1;
        }
        let operand = match work {
            Work::Any(op) | Work::All(op) => match view.policy.plan.op(op) {
                Op::Union(parts) | Op::Intersection(parts) => parts.get(next as usize).copied(),
                _ => None,
            },
            Work::Except(op) => match (view.policy.plan.op(op), next) {
                (Op::Exclusion { base, .. }, 0) => Some(*base),
                (Op::Exclusion { subtract, .. }, 1) => Some(*subtract),
                _ => None,
            },
            Work::Usersets { node, .. } => {
                let set = view.rows(node).map(Row::usersets);
                return self.advance_tuples(set, next, depth, None);
            }
            Work::Parents { node, op, .. } => {
                let Op::Parents(parents) = view.policy.plan.op(op) else {
                    return Err(QueryError::Internal);
                };
                return self.advance_tuples(view.rows(node), next, depth, Some(parents));
            }
            // A relation has one part, which was begun with it.
            Work::Relation(_) => return Err(QueryError::Internal),
        };
        match operand {
            Some(op) => self.begin(op, object, depth),
            None => Ok(Some(self.end())),
        }
    }

    /// The next tuple of a set: asks what it leads to, one hop deeper.
    fn advance_tuples(
        &mut self,
        set: [Row<'_>; 2],
        next: u32,
        depth: u32,
        parents: Option<&Parents>,
    ) -> Result<Option<Outcome>, QueryError> {
        let [stored, contextual] = set;
        let tuple = stored
            .get(next)
            .or_else(|| contextual.get(next.checked_sub(stored.subjects.len() as u32)?));
        let Some((subject, guard)) = tuple else {
            return Ok(Some(self.end()));
        };
        self.step(1)?;
        match self.view.verdict(guard) {
            Verdict::Pass => self.note(|counts, _| *counts = true),
            Verdict::Fail => return Ok(None),
            Verdict::Error(error) => {
                let number = self.error_number(error);
                self.note(|_, failed| *failed = failed.or(Some(number)));
                return Ok(None);
            }
        }
        let node = match parents {
            None => self.userset_node(subject),
            Some(parents) => self
                .view
                .overlay
                .type_of(self.view.policy, subject.0)
                .and_then(|t| parents.target(t))
                .map(|relation| Node {
                    object: subject.0,
                    relation,
                }),
        };
        match node {
            Some(node) => self.enter(node, depth + 1),
            None => Ok(None),
        }
    }

    fn note(&mut self, change: impl FnOnce(&mut bool, &mut Option<u32>)) {
        if let Some(Frame {
            work: Work::Usersets { counts, failed, .. } | Work::Parents { counts, failed, .. },
            ..
        }) = self.frames.stack.last_mut()
        {
            change(counts, failed);
        }
    }

    /// Takes off the top frame, all of whose parts have been asked.
    fn end(&mut self) -> Outcome {
        let outcome = self.frames.stack.last().map_or(Outcome::FALSE, Frame::end);
        self.leave(outcome)
    }

    fn push(&mut self, work: Work, object: u32, depth: u32) {
        self.frames.stack.push(Frame {
            work,
            object,
            next: 0,
            depth,
            error: None,
            tainted: false,
            cyclic: false,
        });
    }

    fn failed(&mut self, error: QueryError) -> Outcome {
        Outcome {
            value: Value::Error(self.error_number(error)),
            ..Outcome::FALSE
        }
    }

    fn error_number(&mut self, error: QueryError) -> u32 {
        let errors = &mut self.frames.errors;
        errors.push(error);
        errors.len() as u32 - 1
    }
}

impl Frame {
    /// Takes in what a part came to; gives what the whole comes to, where that
    /// is now decided.
    fn absorb(&mut self, part: Outcome) -> Option<Outcome> {
        self.cyclic |= part.cyclic;
        let decided = |value| {
            Some(Outcome {
                value,
                tainted: false,
                cyclic: self.cyclic,
            })
        };
        match (self.work, part.value) {
            (Work::Relation(_), _) => return Some(part),
            (Work::Any(_) | Work::Usersets { .. } | Work::Parents { .. }, Value::True) => {
                return decided(Value::True);
            }
            // An untainted false decides; a tainted one leaves it open whether
            // another operand gives an untainted one.
            (Work::All(_), Value::False) if !part.tainted => return decided(Value::False),
            // The base has been asked when `next` is 1.
            (Work::Except(_), Value::False) if self.next == 1 && !part.tainted => {
                return decided(Value::False);
            }
            (Work::Except(_), Value::True) if self.next == 2 => return decided(Value::False),
            _ => {}
        }
        self.tainted |= part.tainted;
        if let Value::Error(number) = part.value {
            self.error = self.error.or(Some(number));
        }
        None
    }

    /// What the whole comes to, when no part decided it.
    fn end(&self) -> Outcome {
        let failed = match self.work {
            Work::Usersets { counts, failed, .. } | Work::Parents { counts, failed, .. }
                if !counts =>
            {
                failed
            }
            _ => None,
        };
        let error = self.error.or(failed);
        let (value, tainted) = match self.work {
            Work::All(_) | Work::Except(_) => match (self.tainted, error) {
                // False, and so stronger than an error.
                (true, _) => (Value::False, true),
                (false, Some(number)) => (Value::Error(number), false),
                (false, None) => (Value::True, false),
            },
            _ => match error {
                // What cannot be told is no false, tainted or not.
                Some(number) => (Value::Error(number), false),
                None => (Value::False, self.tainted),
            },
        };
        Outcome {
            value,
            tainted,
            cyclic: self.cyclic,
        }
    }
}

/// The relations between the question and where it stands. The first ones are
/// searched one by one; a deep path gets a table.
#[derive(Default)]
struct Path {
    near: SmallVec<[Node; 16]>,
    far: Seen,
}

impl Path {
    fn contains(&self, node: Node) -> bool {
        self.near.contains(&node) || (self.near.len() == 16 && self.far.contains(node))
    }

    fn push(&mut self, node: Node) {
        if self.near.len() < 16 {
            self.near.push(node);
        } else {
            self.far.insert(node);
        }
    }

    /// Takes a node off; the last one on, since frames end in order.
    fn pop(&mut self, node: Node) {
        if self.far.is_empty() {
            self.near.pop();
        } else {
            self.far.remove(node);
        }
    }
}
