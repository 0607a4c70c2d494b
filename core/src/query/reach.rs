//! Reachability: how a relation that is made of unions only is decided.
//!
//! Where neither intersection nor exclusion can be met, the answer is whether
//! the user can be reached from `object#relation`. A breadth-first search
//! decides it; the queue is at the same time the list of what was visited and,
//! through each entry's parent, the way that led there.

use smallvec::SmallVec;

use crate::policy::{AllowedKind, Leaf, NameId, Node, RelationId, Row, Subject, Verdict, holds};

use super::error::QueryError;
use super::search::{Search, Seen};

/// No entry of the queue.
const NO_PARENT: u32 = u32::MAX;

/// Below this many entries, looking for a repetition costs more than it saves.
const UNTRACKED: usize = 24;

/// A row with more usersets than this is first tried from the user's side.
const WIDE_ROW: usize = 32;

/// What was visited, in order, each with the entry that led to it.
pub(super) type Trail = SmallVec<[(Node, u32); 16]>;

/// How a search ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reached {
    /// The user was met; the number is that of the last entry on the way.
    Hit(u32),
    /// All was visited and the user not met.
    Missed,
}

impl Search<'_, '_> {
    /// Whether the user is reached from a monotone relation's node. An error
    /// of a condition lets it miss, and is kept in `self.error`.
    #[inline]
    pub(super) fn reach(&mut self, start: Node) -> Result<bool, QueryError> {
        let mut trail = Trail::new();
        let reached = self.walk(start, &mut trail)?;
        if self.memo.is_some() {
            self.remember(&trail, reached);
        }
        Ok(matches!(reached, Reached::Hit(_)))
    }

    /// As [`Search::reach`], leaving the trail.
    pub(super) fn walk(&mut self, start: Node, trail: &mut Trail) -> Result<Reached, QueryError> {
        let mut seen: Option<Seen> = None;
        let mut found: SmallVec<[Node; 8]> = SmallVec::new();
        let mut head = 0;
        trail.push((start, NO_PARENT));
        while let Some((node, _)) = trail.get(head).copied() {
            if self.expand(node, &mut found)? {
                return Ok(Reached::Hit(head as u32));
            }
            if seen.is_none() && trail.len() + found.len() > UNTRACKED {
                seen = Some(trail.iter().map(|(n, _)| *n).collect());
            }
            for next in found.drain(..) {
                if let Some(known) = self.recall(next) {
                    if known {
                        return Ok(Reached::Hit(head as u32));
                    }
                    continue;
                }
                if seen.as_mut().is_none_or(|seen| seen.insert(next)) {
                    trail.push((next, head as u32));
                }
            }
            head += 1;
        }
        Ok(Reached::Missed)
    }

    /// Looks at one node: whether it names the user, and else what it leads to.
    #[inline]
    pub(super) fn expand(
        &mut self,
        node: Node,
        found: &mut SmallVec<[Node; 8]>,
    ) -> Result<bool, QueryError> {
        self.step(1)?;
        let policy = self.view.policy;
        let Some(relation) = policy.plan.relation_plan(node.relation) else {
            return Ok(false);
        };
        if let Some(userset) = self.asked.userset
            && userset.object == node.object
            && policy.plan.includes(node.relation, userset.relation)
        {
            return Ok(true);
        }
        if self.plain {
            return self.expand_plain(node.object, &relation.leaves, found);
        }
        for leaf in &relation.leaves {
            match leaf {
                Leaf::Direct {
                    relation,
                    usersets,
                    wildcards,
                } => {
                    if !self.may_hold(*relation) {
                        continue;
                    }
                    let node = Node {
                        object: node.object,
                        relation: *relation,
                    };
                    if self.direct(node, *wildcards)? {
                        return Ok(true);
                    }
                    if *usersets && self.usersets(node, found)? {
                        return Ok(true);
                    }
                }
                Leaf::Computed(below) => found.extend(self.computed(node.object, *below)),
                Leaf::Parents(of, parents) => {
                    if !self.may_hold(*of) {
                        continue;
                    }
                    let node = Node {
                        object: node.object,
                        relation: parents.tupleset,
                    };
                    for (parent, target) in self.parents(node, parents)? {
                        found.push(Node {
                            object: parent,
                            relation: target,
                        });
                    }
                }
            }
        }
        Ok(false)
    }

    /// As [`Search::expand`], where there are neither guards nor contextual
    /// tuples: then the object's rows are gone through once, whatever the
    /// number of leaves.
    #[inline]
    fn expand_plain(
        &mut self,
        object: NameId,
        leaves: &[Leaf],
        found: &mut SmallVec<[Node; 8]>,
    ) -> Result<bool, QueryError> {
        let policy = self.view.policy;
        let asked = self.asked;
        for (row_relation, Row { subjects, .. }) in policy.graph.rows_of(object) {
            for leaf in leaves {
                match leaf {
                    Leaf::Direct {
                        relation,
                        usersets,
                        wildcards,
                    } if *relation == row_relation => {
                        // No row holds `UNKNOWN`.
                        if holds(subjects, asked.subject)
                            || (*wildcards && holds(subjects, asked.wildcard))
                        {
                            return Ok(true);
                        }
                        if *usersets && self.usersets_plain(row_relation, subjects, found)? {
                            return Ok(true);
                        }
                    }
                    Leaf::Parents(_, parents) if parents.tupleset == row_relation => {
                        self.step(subjects.len() as u64)?;
                        for parent in subjects {
                            let target = policy
                                .types
                                .type_of(*parent)
                                .and_then(|t| parents.target(t));
                            if let Some(relation) = target
                                && self.may_hold(relation)
                            {
                                found.push(Node {
                                    object: *parent,
                                    relation,
                                });
                            }
                        }
                    }
                    _ => {}
                }
            }
        }
        for leaf in leaves {
            if let Leaf::Computed(below) = leaf {
                found.extend(self.computed(object, *below));
            }
        }
        Ok(false)
    }

    /// Another relation of the same object, where the user may have it.
    fn computed(&self, object: NameId, relation: RelationId) -> Option<Node> {
        self.may_hold(relation).then_some(Node { object, relation })
    }

    #[inline]
    fn usersets_plain(
        &mut self,
        relation: RelationId,
        subjects: &[u32],
        found: &mut SmallVec<[Node; 8]>,
    ) -> Result<bool, QueryError> {
        if subjects
            .last()
            .is_none_or(|s| Subject(*s).as_userset().is_none())
        {
            return Ok(false);
        }
        let row = Row {
            subjects,
            guards: &[],
        }
        .usersets();
        if row.subjects.len() > WIDE_ROW
            && let Some(inside) = self.inside(relation, row)?
        {
            return Ok(inside);
        }
        self.step(row.subjects.len() as u64)?;
        for subject in row.subjects {
            found.extend(self.userset_node(Subject(*subject)));
        }
        Ok(false)
    }

    /// Whether the node's own tuples name the user, or all of its type.
    #[inline]
    pub(super) fn direct(&mut self, node: Node, wildcards: bool) -> Result<bool, QueryError> {
        let [stored, contextual] = self.view.rows(node);
        if self.asked.subject != Subject::UNKNOWN {
            // A contextual tuple stands in for the stored one.
            let mut exact = contextual.entries(self.asked.subject);
            if exact.subjects.is_empty() {
                exact = stored.entries(self.asked.subject);
            }
            if self.any_passes([exact, Row::default()])? {
                return Ok(true);
            }
        }
        if wildcards && self.asked.wildcard != Subject::UNKNOWN {
            let wildcard = self.asked.wildcard;
            return self.any_passes([stored.entries(wildcard), contextual.entries(wildcard)]);
        }
        Ok(false)
    }

    /// Whether some tuple of one set counts. Where none does, an error stays.
    #[inline]
    fn any_passes(&mut self, set: [Row<'_>; 2]) -> Result<bool, QueryError> {
        let mut failed = None;
        for row in set {
            for (_, guard) in row.iter() {
                if guard == 0 {
                    return Ok(true);
                }
                match self.view.verdict(guard)? {
                    Verdict::Pass => return Ok(true),
                    Verdict::Fail => {}
                    Verdict::Error(error) => failed = failed.or(Some(error)),
                }
            }
        }
        self.keep_error(failed);
        Ok(false)
    }

    /// The usersets of a node's tuples that count, into `found`; true where
    /// the user was seen to be in one of them.
    fn usersets(
        &mut self,
        node: Node,
        found: &mut SmallVec<[Node; 8]>,
    ) -> Result<bool, QueryError> {
        let [stored, contextual] = self.view.rows(node);
        let set = [stored.usersets(), contextual.usersets()];
        let wide = set[0].subjects.len();
        if wide > WIDE_ROW
            && let Some(inside) = self.inside(node.relation, set[0])?
        {
            if inside || set[1].subjects.is_empty() {
                return Ok(inside);
            }
            for next in
                self.counting::<_, 8>([Row::default(), set[1]], |s, id| s.userset_node(id))?
            {
                found.push(next);
            }
            return Ok(false);
        }
        for next in self.counting::<_, 8>(set, |search, subject| search.userset_node(subject))? {
            found.push(next);
        }
        Ok(false)
    }

    /// The parents that a tupleset's tuples name, each with the relation to
    /// ask of it.
    #[inline]
    pub(super) fn parents(
        &mut self,
        node: Node,
        parents: &crate::policy::Parents,
    ) -> Result<SmallVec<[(u32, RelationId); 4]>, QueryError> {
        let set = self.view.rows(node);
        self.counting(set, |search, subject| {
            let type_id = search.view.overlay.type_of(search.view.policy, subject.0)?;
            let target = parents.target(type_id)?;
            search.may_hold(target).then_some((subject.0, target))
        })
    }

    /// The node of a userset that a tuple names, if the user's type can be in
    /// it at all.
    #[inline]
    pub(super) fn userset_node(&self, subject: Subject) -> Option<Node> {
        let index = subject.as_userset()?;
        let node = self
            .view
            .overlay
            .userset_node(&self.view.policy.graph, index)?;
        self.may_hold(node.relation).then_some(node)
    }

    /// What the counting tuples of one set lead to. Once one counts, errors of
    /// the others are passed over; while none does, the first stays.
    #[inline]
    pub(super) fn counting<T, const N: usize>(
        &mut self,
        set: [Row<'_>; 2],
        lead: impl Fn(&Self, Subject) -> Option<T>,
    ) -> Result<SmallVec<[T; N]>, QueryError>
    where
        [T; N]: smallvec::Array<Item = T>,
    {
        let mut out = SmallVec::new();
        let mut failed = None;
        let mut counts = false;
        for row in set {
            self.step(row.subjects.len() as u64)?;
            for (subject, guard) in row.iter() {
                if guard != 0 {
                    match self.view.verdict(guard)? {
                        Verdict::Pass => {}
                        Verdict::Fail => continue,
                        Verdict::Error(error) => {
                            failed = failed.or(Some(error));
                            continue;
                        }
                    }
                }
                counts = true;
                out.extend(lead(self, subject));
            }
        }
        if counts {
            self.passed = self.passed.take().or(failed);
        } else {
            self.keep_error(failed);
        }
        Ok(out)
    }

    /// Whether the user is in some userset of a wide row, found by walking up
    /// from the user: the groups it is in, the groups those are in. `None`
    /// where that would be longer than the row, or a guard is in the way.
    fn inside(&mut self, relation: RelationId, row: Row<'_>) -> Result<Option<bool>, QueryError> {
        let (view, asked) = (self.view, self.asked);
        let plan = &view.policy.plan;
        // From the user's side no error below the row would be met.
        let conditional = plan.relation_plan(relation).is_none_or(|r| r.conditional);
        if conditional
            || !view.overlay.is_empty()
            || asked.userset.is_some()
            || row.guards.iter().any(|g| *g != 0)
        {
            return Ok(None);
        }
        let graph = &view.policy.graph;
        let mut leads = vec![false; plan.relations.len()];
        for allowed in plan
            .relation_plan(relation)
            .map_or(&[][..], |r| &r.assignable)
        {
            if let AllowedKind::Userset(below) = allowed.kind {
                for (into, from) in leads.iter_mut().zip(plan.leads_to(below)) {
                    *into |= from;
                }
            }
        }
        let mut seen = Seen::default();
        let mut pending: Vec<Node> = Vec::new();
        let mut left = row.subjects.len();
        let named = [asked.subject, asked.wildcard];
        for relation in (0..).zip(&leads).filter(|(_, l)| **l).map(|(r, _)| r) {
            if !plan.relation_plan(relation).is_some_and(|r| r.assigned) {
                continue;
            }
            for subject in named {
                for (node, guarded) in graph.named_by_relation(subject, relation) {
                    if guarded || left == 0 {
                        return Ok(None);
                    }
                    left -= 1;
                    pending.push(node);
                }
            }
        }
        while let Some(node) = pending.pop() {
            if !seen.insert(node) {
                continue;
            }
            self.step(1)?;
            let subject = graph.find_userset(node);
            if let Some(subject) = subject
                && !row.entries(subject).subjects.is_empty()
            {
                return Ok(Some(true));
            }
            let ups = super::climb::ups(view, node, subject, &leads);
            for (next, guarded) in ups {
                if guarded || left == 0 {
                    return Ok(None);
                }
                left -= 1;
                pending.push(next);
            }
        }
        Ok(Some(false))
    }

    /// Keeps what a finished search has proved, for the questions after it.
    fn remember(&mut self, trail: &Trail, reached: Reached) {
        let clean = self.error.is_none() && self.passed.is_none();
        let Some(memo) = &mut self.memo else { return };
        match reached {
            Reached::Hit(last) => {
                let mut at = last;
                while let Some((node, parent)) = trail.get(at as usize) {
                    if *parent == NO_PARENT {
                        break;
                    }
                    memo.put(*node, true);
                    at = *parent;
                }
            }
            // The first entry is the object asked about: it is seldom met again.
            Reached::Missed if clean => {
                trail
                    .iter()
                    .skip(1)
                    .for_each(|(node, _)| memo.put(*node, false));
            }
            Reached::Missed => {}
        }
    }

    #[inline]
    fn recall(&self, node: Node) -> Option<bool> {
        self.memo.as_ref().and_then(|memo| memo.get(node))
    }
}
