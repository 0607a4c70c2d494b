//! The relationships of a policy as compressed sparse rows.
//!
//! Forward, an object leads to its relations and each of them to a sorted row
//! of subjects; in reverse, a subject leads to the relations and objects that
//! name it. Everything is a dense `u32` in a flat array.

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
    /// Empty where the whole policy has no guard.
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

/// All rows of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Graph {
    /// Object → its first row; one more entry closes the last.
    pub(crate) objects: Box<[u32]>,
    /// `[relation, first subject]`, by object and relation; one more entry
    /// closes the last.
    pub(crate) rows: Box<[[u32; 2]]>,
    pub(crate) subjects: Box<[u32]>,
    /// Beside `subjects`; empty where no tuple has a guard.
    pub(crate) guards: Box<[u32]>,
    /// `[object, relation]` of each userset, sorted.
    pub(crate) usersets: Box<[[u32; 2]]>,
    /// Subject (objects first, then usersets) → its first reverse entry.
    pub(crate) reverse: Box<[u32]>,
    /// `[relation, object]` that name the subject, sorted. The top bit of the
    /// relation says that the tuple has a guard.
    pub(crate) reverse_edges: Box<[[u32; 2]]>,
}

const GUARDED: u32 = 1 << 31;

impl Graph {
    /// Builds the rows. `edges` may come in any order; equal ones count once.
    pub(crate) fn build(object_count: usize, usersets: Vec<Node>, edges: &[Edge]) -> Self {
        let guarded = edges.iter().any(|e| e.guard != 0);
        let (starts, sorted) = bucket(
            object_count,
            edges,
            |e| e.node.object,
            |e| (e.node.relation, e.subject.0, e.guard),
        );
        let mut objects = Vec::with_capacity(object_count + 1);
        let mut rows: Vec<[u32; 2]> = Vec::with_capacity(edges.len() / 2 + object_count);
        let mut subjects = Vec::with_capacity(edges.len());
        let mut guards = Vec::with_capacity(if guarded { edges.len() } else { 0 });
        for bounds in starts.windows(2) {
            objects.push(rows.len() as u32);
            let &[from, to] = bounds else { continue };
            let mut last: Option<(u32, u32, u32)> = None;
            for &(relation, subject, guard) in
                sorted.get(from as usize..to as usize).unwrap_or_default()
            {
                if last == Some((relation, subject, guard)) {
                    continue;
                }
                if last.is_none_or(|(r, ..)| r != relation) {
                    rows.push([relation, subjects.len() as u32]);
                }
                last = Some((relation, subject, guard));
                subjects.push(subject);
                if guarded {
                    guards.push(guard);
                }
            }
        }
        objects.push(rows.len() as u32);
        rows.push([NONE, subjects.len() as u32]);

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
        Self {
            objects: objects.into(),
            rows: rows.into(),
            subjects: subjects.into(),
            guards: guards.into(),
            usersets: usersets
                .into_iter()
                .map(|n| [n.object, n.relation])
                .collect(),
            reverse: reverse.into(),
            reverse_edges: reverse_edges.into(),
        }
    }

    /// The subjects of `object#relation`.
    #[inline]
    pub(crate) fn row(&self, node: Node) -> Row<'_> {
        let at = node.object as usize;
        let (Some(from), Some(to)) = (self.objects.get(at), self.objects.get(at.wrapping_add(1)))
        else {
            return Row::default();
        };
        let mut i = *from as usize;
        while i < *to as usize {
            let (Some([relation, start]), Some([_, end])) =
                (self.rows.get(i), self.rows.get(i + 1))
            else {
                break;
            };
            if *relation == node.relation {
                let range = *start as usize..*end as usize;
                return Row {
                    subjects: self.subjects.get(range.clone()).unwrap_or_default(),
                    guards: self.guards.get(range).unwrap_or_default(),
                };
            }
            i += 1;
        }
        Row::default()
    }

    /// The rows of an object: each relation with its subjects.
    #[inline]
    pub(crate) fn rows_of(&self, object: NameId) -> impl Iterator<Item = (RelationId, &[u32])> {
        let at = object as usize;
        let from = self.objects.get(at).copied().unwrap_or(0) as usize;
        let to = self.objects.get(at.wrapping_add(1)).copied().unwrap_or(0) as usize;
        // One row more than the object has: it closes the last.
        let rows = self
            .rows
            .get(from..=to)
            .filter(|_| from < to)
            .unwrap_or_default();
        rows.windows(2).filter_map(|pair| match pair {
            [[relation, start], [_, end]] => Some((
                *relation,
                self.subjects.get(*start as usize..*end as usize)?,
            )),
            _ => None,
        })
    }

    /// Whether no tuple has a guard.
    #[inline]
    pub(crate) fn unguarded(&self) -> bool {
        self.guards.is_empty()
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
        4 * (self.objects.len() + self.subjects.len() + self.guards.len() + self.reverse.len())
            + 8 * (self.rows.len() + self.usersets.len() + self.reverse_edges.len())
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
        let rows = self.rows.len().saturating_sub(1);
        let row_starts_ascend = self
            .rows
            .windows(2)
            .all(|w| matches!(w, [a, b] if a[1] <= b[1]));
        let sound = self.objects.len() == object_count + 1
            && closed(&self.objects, rows)
            && self.reverse.len() == object_count + self.usersets.len() + 1
            && closed(&self.reverse, self.reverse_edges.len())
            && row_starts_ascend
            && self.rows.last() == Some(&[NONE, self.subjects.len() as u32])
            && self
                .rows
                .iter()
                .take(rows)
                .all(|[r, _]| *r < relation_count)
            && self.subjects.iter().all(|s| {
                if s & USERSET == 0 {
                    *s < objects
                } else {
                    s & !USERSET < usersets
                }
            })
            && (self.guards.is_empty() || self.guards.len() == self.subjects.len())
            && self.guards.iter().all(|g| *g <= guard_count)
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
