//! Resolution: how a relation with intersections or exclusions is decided.
//!
//! It goes down a relation's rewrite operation by operation, with frames of
//! its own instead of the program's stack, so that no data can overflow it.
//! What operands come to together, `value.rs` says.
//!
//! A question that comes back to a relation on its way to it is not decided
//! here: the answer would hang on where one began. `equations.rs` decides it.

use smallvec::SmallVec;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use crate::policy::{Node, Op, OpId, Parents, Row, Subject, Verdict};

use super::REMEMBER_FROM;
use super::ask::is_unknown;
use super::error::QueryError;
use super::reach::{Reached, Trail};
use super::search::{Search, Seen, hash};
use super::value::{All, Value};

/// How many answers a search keeps for its next question: 3 MB of them.
const MAX_DECIDED: usize = 1 << 17;

/// An operation in the middle of its work.
#[derive(Debug, Clone, Copy)]
struct Frame {
    work: Work,
    object: u32,
    /// The next operand or tuple.
    next: u32,
    depth: u32,
    /// Every operand is looked at, whatever the ones before it come to.
    exhaustive: bool,
    /// Of a union: its operands so far. Of an exclusion: its base.
    value: Value,
    /// Of an intersection: its operands so far.
    all: All,
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
    /// A relation was met again on the way to it.
    cyclic: bool,
    errors: Vec<QueryError>,
    /// What relations came to: they would come out the same on any other way to
    /// them.
    decided: HashTable<(Node, Value)>,
    /// Those of this question only: error numbers are, and so are the numbers
    /// of unknown objects.
    passing: Vec<Node>,
}

impl Frames {
    /// What a relation came to, where that is known.
    pub(super) fn decided(&self, node: Node) -> Option<Value> {
        let found = self.decided.find(hash(node), |(n, _)| *n == node);
        found.map(|(_, value)| *value)
    }

    /// Remembers what a relation came to.
    pub(super) fn remember(&mut self, node: Node, value: Value) {
        let place = self
            .decided
            .entry(hash(node), |(n, _)| *n == node, |(n, _)| hash(*n));
        let Entry::Vacant(place) = place else { return };
        if !matches!(value, Value::True | Value::False) || is_unknown(node.object) {
            self.passing.push(node);
        }
        place.insert((node, value));
    }
}

impl Search<'_, '_> {
    /// Decides a relation. An error is kept in `self.error`.
    pub(super) fn resolve(&mut self, target: Node) -> Result<bool, QueryError> {
        self.prepare();
        let first = self.enter(target, 0)?;
        let value = self.run(first)?;
        let value = self.past_cycle(value, |search| search.solve(target))?;
        Ok(self.finish(value))
    }

    /// Decides one operation of a relation's rewrite on an object.
    pub(super) fn resolve_op(&mut self, op: OpId, object: u32) -> Result<bool, QueryError> {
        self.prepare();
        let exhaustive = self.view.policy.plan.exhaustive(None);
        let first = self.begin(op, object, 0, exhaustive)?;
        let value = self.run(first)?;
        let value = self.past_cycle(value, |search| search.solve_op(op, object))?;
        Ok(self.finish(value))
    }

    /// What a question comes to that led back to itself. With a limit of depth
    /// each way was asked to its end, cut where it met itself; an error behind
    /// the cut may be one that the equations keep, and then nothing is allowed.
    fn past_cycle(
        &mut self,
        value: Value,
        solve: impl FnOnce(&mut Self) -> Result<Value, QueryError>,
    ) -> Result<Value, QueryError> {
        if !self.frames.cyclic || matches!(value, Value::Error(_)) {
            return Ok(value);
        }
        Ok(match (value, solve(self)?) {
            (Value::True | Value::Cycle, solved) | (_, solved @ Value::Error(_)) => solved,
            // Perhaps for an error of the depth, of which equations know nothing.
            (denied, _) => denied,
        })
    }

    fn prepare(&mut self) {
        if self.frames.decided.len() > MAX_DECIDED {
            self.frames.decided.clear();
        }
        self.frames.stack.clear();
        self.frames.path = Path::default();
        self.frames.cyclic = false;
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

    /// What the question comes to; without a limit of depth [`Value::Cycle`] as
    /// soon as a cycle is met.
    fn run(&mut self, first: Option<Value>) -> Result<Value, QueryError> {
        let mut result = first;
        loop {
            if self.frames.cyclic && self.view.limits.depth.is_none() {
                return Ok(Value::Cycle);
            }
            while let Some(value) = result.take() {
                let Some(frame) = self.frames.stack.last_mut() else {
                    return Ok(value);
                };
                if let Some(done) = frame.absorb(value) {
                    result = Some(self.leave(done));
                }
            }
            result = self.advance()?;
        }
    }

    fn finish(&mut self, value: Value) -> bool {
        if let Value::Error(number) = value {
            let error = self.frames.errors.get(number as usize).cloned();
            self.error = Some(error.unwrap_or(QueryError::Internal));
        }
        value == Value::True
    }

    /// Takes the top frame off, with what it came to.
    fn leave(&mut self, mut value: Value) -> Value {
        if let Some(Frame {
            work: Work::Relation(node),
            ..
        }) = self.frames.stack.pop()
        {
            self.frames.path.pop(node);
            if self.view.limits.depth.is_some() {
                // Of unions alone, what only rests on itself is false.
                if value == Value::Cycle && self.is_monotone(node.relation) {
                    value = Value::False;
                }
            } else if self.memo.is_some() || self.spent() > REMEMBER_FROM {
                // A short question is over before a repetition would pay.
                self.frames.remember(node, value);
            }
        }
        value
    }

    /// Begins `object#relation`: decides it at once or puts a frame on.
    fn enter(&mut self, node: Node, depth: u32) -> Result<Option<Value>, QueryError> {
        self.step(1)?;
        let limit = self.view.limits.depth;
        if let Some(value) = self.given(node) {
            return Ok(Some(value));
        }
        if let Some(limit) = limit
            && depth >= limit
        {
            return Ok(Some(self.failed(QueryError::Depth { depth: limit })));
        }
        let view = self.view;
        let Some(relation) = view.policy.plan.relation_plan(node.relation) else {
            return Ok(Some(Value::False));
        };
        if relation.monotone && limit.is_none() {
            return self.enter_monotone(node).map(Some);
        }
        if self.frames.path.contains(node) {
            // With a limit of depth every way counts for itself.
            self.frames.cyclic = true;
            return Ok(Some(Value::Cycle));
        }
        if let Some(value) = self.frames.decided(node) {
            return Ok(Some(value));
        }
        self.frames.path.push(node);
        let exhaustive = view.policy.plan.exhaustive(Some(relation));
        self.push(Work::Relation(node), node.object, depth, exhaustive);
        Ok(None)
    }

    /// What a relation comes to whatever its tuples say.
    #[inline]
    pub(super) fn given(&self, node: Node) -> Option<Value> {
        if self.asked.userset == Some(node) {
            return Some(Value::True);
        }
        (!self.may_hold(node.relation)).then_some(Value::False)
    }

    /// Decides a relation below which only unions lie: whatever cycles there
    /// are, what is not reached does not hold.
    pub(super) fn enter_monotone(&mut self, node: Node) -> Result<Value, QueryError> {
        let (reached, missed) = self.apart(|search| search.walk(node, &mut Trail::new()))?;
        Ok(match reached {
            Reached::Hit(_) => Value::True,
            Reached::Missed => missed,
        })
    }

    /// Does some work apart from what the question met before: what the work
    /// gave, and what it comes to where that is no hit.
    pub(super) fn apart<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, QueryError>,
    ) -> Result<(T, Value), QueryError> {
        let outer = (self.error.take(), self.passed.take());
        let done = work(self)?;
        let error = std::mem::replace(&mut self.error, outer.0);
        let passed = std::mem::replace(&mut self.passed, outer.1);
        let missed = match (error, passed) {
            (Some(error), _) => self.failed(error),
            (None, Some(error)) => Value::Passed(self.error_number(error)),
            (None, None) => Value::False,
        };
        Ok((done, missed))
    }

    /// Begins an operation: decides it at once or puts a frame on.
    fn begin(
        &mut self,
        op: OpId,
        object: u32,
        depth: u32,
        exhaustive: bool,
    ) -> Result<Option<Value>, QueryError> {
        let view = self.view;
        let of = |relation| Node { object, relation };
        let work = match view.policy.plan.op(op) {
            Op::Never => return Ok(Some(Value::False)),
            Op::Computed(relation) => return self.enter(of(*relation), depth),
            Op::Direct(relation) => {
                let node = of(*relation);
                let named = self.named(node)?;
                if named == Value::True {
                    return Ok(Some(named));
                }
                self.push(Work::usersets(node), object, depth, exhaustive);
                if let Some(frame) = self.frames.stack.last_mut() {
                    frame.value = named;
                }
                return Ok(None);
            }
            Op::Parents(parents) => Work::Parents {
                op,
                node: of(parents.tupleset),
                counts: false,
                failed: None,
            },
            Op::Union(_) => Work::Any(op),
            Op::Intersection(_) => Work::All(op),
            Op::Exclusion { .. } => Work::Except(op),
        };
        self.push(work, object, depth, exhaustive);
        Ok(None)
    }

    /// Whether a node's own tuples name the user.
    pub(super) fn named(&mut self, node: Node) -> Result<Value, QueryError> {
        let (named, missed) = self.apart(|search| search.direct(node, true))?;
        Ok(if named { Value::True } else { missed })
    }

    /// Begins the next part of the top frame, or ends it.
    fn advance(&mut self) -> Result<Option<Value>, QueryError> {
        let view = self.view;
        let Some(&Frame {
            work,
            object,
            next,
            depth,
            exhaustive,
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
            // A relation has one part, which is all that it comes to.
            Work::Relation(node) => Some(view.policy.plan.root(node.relation)),
        };
        match operand {
            Some(op) => self.begin(op, object, depth, exhaustive),
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
    ) -> Result<Option<Value>, QueryError> {
        let [stored, contextual] = set;
        let tuple = stored
            .get(next)
            .or_else(|| contextual.get(next.checked_sub(stored.subjects.len() as u32)?));
        let Some((subject, guard)) = tuple else {
            return Ok(Some(self.end()));
        };
        self.step(1)?;
        match self.view.verdict(guard)? {
            Verdict::Pass => self.note(|counts, _| *counts = true),
            Verdict::Fail => return Ok(None),
            Verdict::Error(error) => {
                let number = self.error_number(error);
                self.note(|_, failed| *failed = failed.or(Some(number)));
                return Ok(None);
            }
        }
        match self.led(subject, parents) {
            Some(node) => self.enter(node, depth + 1),
            None => Ok(None),
        }
    }

    /// What a tuple that counts leads to: the userset that it names, or a
    /// relation of the parent.
    pub(super) fn led(&self, subject: Subject, parents: Option<&Parents>) -> Option<Node> {
        let Some(parents) = parents else {
            return self.userset_node(subject);
        };
        let overlay = &self.view.overlay;
        let type_id = overlay.type_of(self.view.policy, subject.0)?;
        Some(Node {
            object: subject.0,
            relation: parents.target(type_id)?,
        })
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
    fn end(&mut self) -> Value {
        let value = self.frames.stack.last().map_or(Value::False, Frame::end);
        self.leave(value)
    }

    fn push(&mut self, work: Work, object: u32, depth: u32, exhaustive: bool) {
        self.frames.stack.push(Frame {
            work,
            object,
            next: 0,
            depth,
            exhaustive,
            value: Value::False,
            all: All::default(),
        });
    }

    fn failed(&mut self, error: QueryError) -> Value {
        Value::Error(self.error_number(error))
    }

    fn error_number(&mut self, error: QueryError) -> u32 {
        let errors = &mut self.frames.errors;
        errors.push(error);
        errors.len() as u32 - 1
    }
}

impl Work {
    fn usersets(node: Node) -> Self {
        Self::Usersets {
            node,
            counts: false,
            failed: None,
        }
    }
}

impl Frame {
    /// Takes in what a part came to; gives what the whole comes to, where that
    /// is now decided.
    fn absorb(&mut self, part: Value) -> Option<Value> {
        match self.work {
            Work::Relation(_) => return Some(part),
            Work::Any(_) | Work::Usersets { .. } | Work::Parents { .. } => {
                self.value = self.value.or(part);
                if part == Value::True {
                    return Some(part);
                }
            }
            Work::All(_) => {
                self.all.add(part);
                if part == Value::False && !self.exhaustive {
                    return Some(part);
                }
            }
            // The base has been asked when `next` is 1.
            Work::Except(_) if self.next == 1 => {
                self.value = part;
                if part == Value::False && !self.exhaustive {
                    return Some(part);
                }
            }
            Work::Except(_) => return Some(self.value.except(part)),
        }
        None
    }

    /// What the whole comes to, when no part decided it.
    fn end(&self) -> Value {
        match self.work {
            Work::All(_) => self.all.value(),
            Work::Usersets { counts, failed, .. } | Work::Parents { counts, failed, .. } => {
                self.value.or(of_set(counts, failed))
            }
            _ => self.value,
        }
    }
}

/// What a set of tuples comes to next to what they lead to: once one of them
/// counts, the others' errors are passed over.
fn of_set(counts: bool, failed: Option<u32>) -> Value {
    match failed {
        None => Value::False,
        Some(error) if counts => Value::Passed(error),
        Some(error) => Value::Error(error),
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
