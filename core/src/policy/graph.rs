//! The relationships of a policy as compressed sparse rows.
//!
//! Forward, an object leads to its relations and each of them to a sorted row
//! of subjects; in reverse, a subject leads to the relations and objects that
//! name it. Everything is a dense `u32` in a flat array.

use std::hint::black_box;

use super::Corrupt;
use super::names::{NONE, NameId};

/// The number of a relation of a type: an index into the plan.
pub(crate) type RelationId = u32;

/// A subject as a row holds it: an object's number, or, with the top bit set,
/// the number of a userset. Usersets therefore sort behind the objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Subject(pub(crate) u32);

const USERSET: u32 = 1 << 31;

impl Subject {
    /// A subject that no row holds.
    pub(crate) const UNKNOWN: Subject = Subject(NONE);

    pub(crate) fn object(id: NameId) -> Self {
        Self(id)
    }

    pub(crate) fn userset(index: u32) -> Self {
        Self(index | USERSET)
    }

    /// The userset's index, if it is one.
    #[inline]
    pub(crate) fn as_userset(self) -> Option<u32> {
        (self.0 & USERSET != 0).then_some(self.0 & !USERSET)
    }
}

/// `object#relation`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Node {
    pub(crate) object: NameId,
    pub(crate) relation: RelationId,
}

/// One relationship, as it is compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Edge {
    pub(crate) node: Node,
    pub(crate) subject: Subject,
    /// The guard that must pass; 0 is none.
    pub(crate) guard: u32,
}

/// The subjects of one `object#relation`, sorted, with their guards.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Row<'g> {
    pub(crate) subjects: &'g [u32],
    /// Empty where no tuple of the row has a guard.
    pub(crate) guards: &'g [u32],
}

impl<'g> Row<'g> {
    /// The part that holds usersets.
    #[inline]
    pub(crate) fn usersets(self) -> Row<'g> {
        let split = match self.subjects.last() {
            Some(last) if *last & USERSET != 0 => {
                self.subjects.partition_point(|s| s & USERSET == 0)
            }
            _ => self.subjects.len(),
        };
        self.from(split)
    }

    /// The entries for exactly this subject: none, one, or one a tenant.
    #[inline]
    pub(crate) fn entries(self, subject: Subject) -> Row<'g> {
        // A short row is cheaper to walk than to bisect.
        let start = if self.subjects.len() <= 8 {
            self.subjects
                .iter()
                .position(|s| *s >= subject.0)
                .unwrap_or(self.subjects.len())
        } else {
            self.subjects.partition_point(|s| *s < subject.0)
        };
        let row = self.from(start);
        let count = row.subjects.iter().take_while(|s| **s == subject.0).count();
        Row {
            subjects: row.subjects.get(..count).unwrap_or_default(),
            guards: row.guards.get(..count).unwrap_or_default(),
        }
    }

    /// Each subject with its guard.
    #[inline]
    pub(crate) fn iter(self) -> impl Iterator<Item = (Subject, u32)> + 'g {
        self.subjects
            .iter()
            .enumerate()
            .map(move |(i, s)| (Subject(*s), self.guards.get(i).copied().unwrap_or(0)))
    }

    #[inline]
    pub(crate) fn get(self, i: u32) -> Option<(Subject, u32)> {
        let subject = *self.subjects.get(i as usize)?;
        Some((
            Subject(subject),
            self.guards.get(i as usize).copied().unwrap_or(0),
        ))
    }

    #[inline]
    fn from(self, start: usize) -> Row<'g> {
        Row {
            subjects: self.subjects.get(start..).unwrap_or_default(),
            guards: self.guards.get(start..).unwrap_or_default(),
        }
    }
}

/// Whether a sorted row has a subject.
#[inline]
pub(crate) fn holds(subjects: &[u32], subject: Subject) -> bool {
    if subjects.len() <= 8 {
        subjects.contains(&subject.0)
    } else {
        subjects.binary_search(&subject.0).is_ok()
    }
}

/// The rows of one object.
#[derive(Debug, Clone)]
pub(crate) struct RowsOf<'g> {
    rest: &'g [u32],
}

impl<'g> Iterator for RowsOf<'g> {
    type Item = (RelationId, Row<'g>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let (&[relation, count], rest) = self.rest.split_first_chunk::<2>()?;
        let (subjects, rest) = rest.split_at_checked(count as usize)?;
        let (guards, rest) = if relation & GUARDED == 0 {
            (&[][..], rest)
        } else {
            rest.split_at_checked(count as usize)?
        };
        self.rest = rest;
        Some((relation & !GUARDED, Row { subjects, guards }))
    }
}

/// All rows of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Graph {
    /// Object → where its rows begin; one more entry closes the last.
    pub(crate) objects: Box<[u32]>,
    /// The rows of each object, by relation: `relation, n`, then the n
    /// subjects, then their n guards if the top bit of the relation is set.
    /// All of an object lies together, so that one cache line holds most.
    pub(crate) rows: Box<[u32]>,
    /// `[object, relation]` of each userset, sorted.
    pub(crate) usersets: Box<[[u32; 2]]>,
    /// Subject (objects first, then usersets) → its first reverse entry.
    pub(crate) reverse: Box<[u32]>,
    /// `[relation, object]` that name the subject, sorted. The top bit of the
    /// relation says that the tuple has a guard.
    pub(crate) reverse_edges: Box<[[u32; 2]]>,
    /// Whether some tuple has a guard.
    pub(crate) guarded: bool,
}

const GUARDED: u32 = 1 << 31;

impl Graph {
    /// Builds the rows. `edges` may come in any order, but none twice: then it
    /// builds nothing.
    pub(crate) fn build(object_count: usize, usersets: &[Node], edges: &[Edge]) -> Option<Self> {
        let (starts, sorted) = bucket(
            object_count,
            edges,
            |e| e.node.object,
            |e| (e.node.relation, e.subject.0, e.guard),
        );
        let mut objects = Vec::with_capacity(object_count + 1);
        let mut rows: Vec<u32> = Vec::with_capacity(edges.len() * 2 + object_count);
        for bounds in starts.windows(2) {
            objects.push(rows.len() as u32);
            let &[from, to] = bounds else { continue };
            let tuples = sorted.get(from as usize..to as usize).unwrap_or_default();
            if tuples.windows(2).any(|w| matches!(w, [a, b] if a == b)) {
                return None;
            }
            for row in tuples.chunk_by(|a, b| a.0 == b.0) {
                let Some((relation, ..)) = row.first() else {
                    continue;
                };
                let guarded = row.iter().any(|(.., guard)| *guard != 0);
                rows.push(relation | if guarded { GUARDED } else { 0 });
                rows.push(row.len() as u32);
                rows.extend(row.iter().map(|(_, subject, _)| subject));
                if guarded {
                    rows.extend(row.iter().map(|(.., guard)| guard));
                }
            }
        }
        objects.push(rows.len() as u32);

        let subject_count = object_count + usersets.len();
        let (reverse, reverse_edges) = bucket(
            subject_count,
            edges,
            |e| {
                e.subject
                    .as_userset()
                    .map_or(e.subject.0, |u| u + object_count as u32)
            },
            |e| {
                [
                    e.node.relation | if e.guard == 0 { 0 } else { GUARDED },
                    e.node.object,
                ]
            },
        );
        Some(Self {
            objects: objects.into(),
            rows: rows.into(),
            usersets: usersets.iter().map(|n| [n.object, n.relation]).collect(),
            reverse: reverse.into(),
            reverse_edges: reverse_edges.into(),
            guarded: edges.iter().any(|e| e.guard != 0),
        })
    }

    /// How many tuples there are.
    pub(crate) fn tuple_count(&self) -> usize {
        self.reverse_edges.len()
    }

    /// The subjects of `object#relation`.
    #[inline]
    pub(crate) fn row(&self, node: Node) -> Row<'_> {
        self.rows_of(node.object)
            .find(|(relation, _)| *relation == node.relation)
            .map_or(Row::default(), |(_, row)| row)
    }

    /// The rows of an object: each relation with its subjects.
    #[inline]
    pub(crate) fn rows_of(&self, object: NameId) -> RowsOf<'_> {
        let at = object as usize;
        let rest = match (self.objects.get(at), self.objects.get(at.wrapping_add(1))) {
            (Some(from), Some(to)) => self.rows.get(*from as usize..*to as usize),
            _ => None,
        };
        RowsOf {
            rest: rest.unwrap_or_default(),
        }
    }

    /// Has the rows of these objects brought near, all at once.
    #[inline]
    pub(crate) fn fetch(&self, objects: &[Option<NameId>]) {
        let mut starts = [None; 16];
        for (start, object) in starts.iter_mut().zip(objects) {
            *start = object.and_then(|object| self.objects.get(object as usize).copied());
        }
        black_box(starts.map(|start| self.rows.get(start? as usize).copied()));
    }

    /// Whether no tuple has a guard.
    #[inline]
    pub(crate) fn unguarded(&self) -> bool {
        !self.guarded
    }

    /// `object#relation` of a userset's index.
    #[inline]
    pub(crate) fn userset(&self, index: u32) -> Option<Node> {
        self.usersets
            .get(index as usize)
            .map(|[object, relation]| Node {
                object: *object,
                relation: *relation,
            })
    }

    /// The subject that `object#relation` is, where some tuple names it.
    pub(crate) fn find_userset(&self, node: Node) -> Option<Subject> {
        self.usersets
            .binary_search(&[node.object, node.relation])
            .ok()
            .map(|i| Subject::userset(i as u32))
    }

    /// Where a subject is named by a tuple: the node, and whether the tuple
    /// has a guard.
    pub(crate) fn named_by(&self, subject: Subject) -> impl Iterator<Item = (Node, bool)> + '_ {
        self.reverse_row(subject).iter().map(|[relation, object]| {
            let node = Node {
                object: *object,
                relation: relation & !GUARDED,
            };
            (node, relation & GUARDED != 0)
        })
    }

    /// As [`Graph::named_by`], for one relation only.
    pub(crate) fn named_by_relation(
        &self,
        subject: Subject,
        relation: RelationId,
    ) -> impl Iterator<Item = (Node, bool)> + '_ {
        let row = self.reverse_row(subject);
        [relation, relation | GUARDED]
            .into_iter()
            .flat_map(move |wanted| {
                let from = row.partition_point(|[r, _]| *r < wanted);
                row.get(from..)
                    .unwrap_or_default()
                    .iter()
                    .take_while(move |[r, _]| *r == wanted)
                    .map(move |[_, object]| {
                        (
                            Node {
                                object: *object,
                                relation,
                            },
                            wanted != relation,
                        )
                    })
            })
    }

    fn reverse_row(&self, subject: Subject) -> &[[u32; 2]] {
        // Objects and usersets share the index: a number that is not the
        // policy's own, as a request's tuples may bring it, must not be taken
        // for one of the other kind.
        let objects = self.objects.len().saturating_sub(1);
        let at = match subject.as_userset() {
            None if (subject.0 as usize) < objects => subject.0 as usize,
            Some(index) if (index as usize) < self.usersets.len() => index as usize + objects,
            _ => return &[],
        };
        match (self.reverse.get(at), self.reverse.get(at.wrapping_add(1))) {
            (Some(from), Some(to)) => self
                .reverse_edges
                .get(*from as usize..*to as usize)
                .unwrap_or_default(),
            _ => &[],
        }
    }

    /// Bytes held by the rows.
    pub(crate) fn table_bytes(&self) -> usize {
        4 * (self.objects.len() + self.rows.len() + self.reverse.len())
            + 8 * (self.usersets.len() + self.reverse_edges.len())
    }

    /// Checks what every reader relies on; the rows come from a file.
    pub(crate) fn validate(
        &self,
        object_count: usize,
        relation_count: u32,
        guard_count: u32,
    ) -> Result<(), Corrupt> {
        let ascending = |s: &[u32]| s.windows(2).all(|w| matches!(w, [a, b] if a <= b));
        let closed = |s: &[u32], end: usize| {
            s.first() == Some(&0) && s.last() == Some(&(end as u32)) && ascending(s)
        };
        let objects = object_count as u32;
        let usersets = self.usersets.len() as u32;
        let subject_known = |s: &u32| {
            if s & USERSET == 0 {
                *s < objects
            } else {
                s & !USERSET < usersets
            }
        };
        // A block that its rows do not fill to the end fails here.
        let block_sound = |bounds: &[u32]| {
            let &[from, to] = bounds else { return false };
            let Some(mut rest) = self.rows.get(from as usize..to as usize) else {
                return false;
            };
            while !rest.is_empty() {
                let mut rows = RowsOf { rest };
                let Some((relation, row)) = rows.next() else {
                    return false;
                };
                let sound = relation < relation_count
                    && row.subjects.iter().all(subject_known)
                    && row.guards.iter().all(|g| *g <= guard_count)
                    && (row.guards.is_empty() || self.guarded);
                if !sound {
                    return false;
                }
                rest = rows.rest;
            }
            true
        };
        let sound = self.objects.len() == object_count + 1
            && closed(&self.objects, self.rows.len())
            && self.reverse.len() == object_count + self.usersets.len() + 1
            && closed(&self.reverse, self.reverse_edges.len())
            && self.objects.windows(2).all(block_sound)
            && self
                .usersets
                .iter()
                .all(|[o, r]| *o < objects && *r < relation_count)
            && self
                .usersets
                .windows(2)
                .all(|w| matches!(w, [a, b] if a < b))
            && self
                .reverse_edges
                .iter()
                .all(|[r, o]| *o < objects && r & !GUARDED < relation_count);
        if sound { Ok(()) } else { Err(Corrupt("rows")) }
    }
}

/// Counting sort by `bucket_of`, then each bucket by its item; gives the
/// buckets' starts (one more closes the last) and the items.
fn bucket<T: Ord + Copy + Default>(
    buckets: usize,
    edges: &[Edge],
    bucket_of: impl Fn(&Edge) -> u32,
    item: impl Fn(&Edge) -> T,
) -> (Vec<u32>, Vec<T>) {
    let mut starts = vec![0u32; buckets + 1];
    for edge in edges {
        if let Some(count) = starts.get_mut(bucket_of(edge) as usize + 1) {
            *count += 1;
        }
    }
    let mut total = 0;
    for start in &mut starts {
        total += *start;
        *start = total;
    }
    let mut next = starts.clone();
    let mut items = vec![T::default(); edges.len()];
    for edge in edges {
        if let Some(at) = next.get_mut(bucket_of(edge) as usize) {
            if let Some(slot) = items.get_mut(*at as usize) {
                *slot = item(edge);
            }
            *at += 1;
        }
    }
    for bounds in starts.windows(2) {
        if let &[from, to] = bounds
            && to - from > 1
            && let Some(part) = items.get_mut(from as usize..to as usize)
        {
            part.sort_unstable();
        }
    }
    (starts, items)
}
