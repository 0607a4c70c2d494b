//! A model compiled for evaluation: names become numbers, and each relation's
//! rewrite becomes operations over them.

use std::ops::Range;

use crate::model::{AssignableKind, Model, Rewrite};

use super::graph::RelationId;
use crate::order;

/// The number of a type: its place in the order of names.
pub(crate) type TypeId = u32;

/// A whole model, compiled.
#[derive(Debug, Clone, Default)]
pub(crate) struct Plan {
    /// By name.
    pub(crate) types: Vec<TypePlan>,
    /// By number: types in order, and in each its relations by name.
    pub(crate) relations: Vec<RelationPlan>,
    ops: Vec<Op>,
    conditions: Vec<String>,
    /// Some rewrite subtracts.
    excludes: bool,
}

/// A type and its relations.
#[derive(Debug, Clone)]
pub(crate) struct TypePlan {
    pub(crate) name: String,
    /// Their numbers are consecutive.
    pub(crate) relations: Range<RelationId>,
}

/// One relation of one type.
#[derive(Debug, Clone)]
pub(crate) struct RelationPlan {
    pub(crate) name: String,
    pub(crate) root: OpId,
    /// What may be assigned directly.
    pub(crate) assignable: Vec<Allowed>,
    /// Whether some tuple of this relation gives it (its rewrite holds `This`
    /// somewhere that is not subtracted).
    pub(crate) assigned: bool,
    /// Only unions are met, however far one goes from here: then the answer is
    /// plain reachability over `leaves`.
    pub(crate) monotone: bool,
    /// Some tuple with a condition may be met, however far one goes from here:
    /// then, and only then, may an error be.
    pub(crate) conditional: bool,
    /// For a monotone relation: its rewrite with computed relations unfolded.
    pub(crate) leaves: Vec<Leaf>,
    /// Relations of the same type that give this one, itself included, through
    /// unions of computed relations.
    pub(crate) includes: Vec<RelationId>,
    /// By type: whether a user of that type can have the relation at all.
    pub(crate) held_by: Vec<bool>,
    /// The usersets (as relations) that can have it, sorted.
    pub(crate) held_by_usersets: Vec<RelationId>,
    /// Relations of the same type that may hold where this one holds.
    pub(crate) up_computed: Vec<RelationId>,
    /// `(tupleset, relation)`: `relation` may hold on an object whose
    /// `tupleset` names an object on which this one holds.
    pub(crate) up_parents: Vec<(RelationId, RelationId)>,
}

/// One entry of a bracketed list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Allowed {
    pub(crate) type_id: TypeId,
    pub(crate) kind: AllowedKind,
    pub(crate) condition: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AllowedKind {
    Object,
    Wildcard,
    Userset(RelationId),
}

/// The number of an operation.
pub(crate) type OpId = u32;

/// What a rewrite does, as a tree in an arena.
#[derive(Debug, Clone)]
pub(crate) enum Op {
    /// Nobody: what the rewrite named does not exist.
    Never,
    /// The tuples of this relation.
    Direct(RelationId),
    /// Another relation of the same object.
    Computed(RelationId),
    /// A relation of each object that the tupleset names.
    Parents(Parents),
    Union(Vec<OpId>),
    Intersection(Vec<OpId>),
    Exclusion {
        base: OpId,
        subtract: OpId,
    },
}

/// `computed from tupleset`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parents {
    pub(crate) tupleset: RelationId,
    /// For each type that has the computed relation, which it is.
    pub(crate) targets: Vec<(TypeId, RelationId)>,
}

impl Parents {
    /// The relation to ask of an object of this type.
    #[inline]
    pub(crate) fn target(&self, type_id: TypeId) -> Option<RelationId> {
        self.targets
            .iter()
            .find(|(t, _)| *t == type_id)
            .map(|(_, r)| *r)
    }
}

/// A leaf of a monotone relation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Leaf {
    /// The tuples of this relation of the same object.
    Direct {
        relation: RelationId,
        /// Usersets may be assigned.
        usersets: bool,
        /// Wildcards may be assigned.
        wildcards: bool,
    },
    /// Another object's relation, as this relation of the same object says.
    Parents(RelationId, Parents),
}

impl Plan {
    /// Compiles a model. Names that it does not define become [`Op::Never`]:
    /// validation has refused them before, and to deny is safe.
    pub(crate) fn compile(model: &Model) -> Self {
        let mut plan = Plan {
            conditions: model.conditions.iter().map(|c| c.name.clone()).collect(),
            ..Plan::default()
        };
        let mut types: Vec<_> = model.types.iter().collect();
        order::sort_by(&mut types, |a, b| a.name.cmp(&b.name));
        types.dedup_by(|a, b| a.name == b.name);
        for def in &types {
            let mut relations: Vec<_> = def.relations.iter().collect();
            order::sort_by(&mut relations, |a, b| a.name.cmp(&b.name));
            relations.dedup_by(|a, b| a.name == b.name);
            let first = plan.relations.len() as u32;
            plan.relations
                .extend(relations.iter().map(|r| RelationPlan {
                    name: r.name.clone(),
                    root: 0,
                    assignable: Vec::new(),
                    assigned: false,
                    monotone: true,
                    conditional: false,
                    leaves: Vec::new(),
                    includes: Vec::new(),
                    held_by: Vec::new(),
                    held_by_usersets: Vec::new(),
                    up_computed: Vec::new(),
                    up_parents: Vec::new(),
                }));
            let relations = first..plan.relations.len() as u32;
            plan.types.push(TypePlan {
                name: def.name.clone(),
                relations,
            });
        }
        for (type_id, def) in types.iter().enumerate() {
            for relation in &def.relations {
                let Some(id) = plan.relation(type_id as u32, &relation.name) else {
                    continue;
                };
                let root = plan.lower(id, type_id as u32, &relation.rewrite, def);
                let assignable = relation
                    .assignable
                    .iter()
                    .filter_map(|a| plan.allowed(a))
                    .collect();
                if let Some(slot) = plan.relations.get_mut(id as usize) {
                    slot.root = root;
                    slot.assignable = assignable;
                }
            }
        }
        plan.analyse();
        plan
    }

    fn lower(
        &mut self,
        id: RelationId,
        type_id: TypeId,
        rewrite: &Rewrite,
        def: &crate::model::TypeDef,
    ) -> OpId {
        // The parser bounds how deep a rewrite nests, and so this recursion.
        let op = match rewrite {
            Rewrite::This => Op::Direct(id),
            Rewrite::Computed(name) => self.relation(type_id, name).map_or(Op::Never, Op::Computed),
            Rewrite::TupleToUserset { tupleset, computed } => {
                match self.relation(type_id, tupleset) {
                    None => Op::Never,
                    Some(tupleset_id) => {
                        let mut targets: Vec<_> = def
                            .relations
                            .iter()
                            .filter(|r| r.name == *tupleset)
                            .flat_map(|r| &r.assignable)
                            .filter_map(|a| {
                                let parent = self.type_id(&a.type_name)?;
                                Some((parent, self.relation(parent, computed)?))
                            })
                            .collect();
                        order::sort(&mut targets);
                        targets.dedup();
                        Op::Parents(Parents {
                            tupleset: tupleset_id,
                            targets,
                        })
                    }
                }
            }
            Rewrite::Union(parts) => Op::Union(
                parts
                    .iter()
                    .map(|p| self.lower(id, type_id, p, def))
                    .collect(),
            ),
            Rewrite::Intersection(parts) => Op::Intersection(
                parts
                    .iter()
                    .map(|p| self.lower(id, type_id, p, def))
                    .collect(),
            ),
            Rewrite::Exclusion { base, subtract } => Op::Exclusion {
                base: self.lower(id, type_id, base, def),
                subtract: self.lower(id, type_id, subtract, def),
            },
        };
        self.ops.push(op);
        self.ops.len() as u32 - 1
    }

    fn allowed(&self, a: &crate::model::Assignable) -> Option<Allowed> {
        let type_id = self.type_id(&a.type_name)?;
        let kind = match &a.kind {
            AssignableKind::Object => AllowedKind::Object,
            AssignableKind::Wildcard => AllowedKind::Wildcard,
            AssignableKind::Userset(name) => AllowedKind::Userset(self.relation(type_id, name)?),
        };
        let condition = match &a.condition {
            None => None,
            Some(name) => Some(self.conditions.iter().position(|c| c == name)? as u32),
        };
        Some(Allowed {
            type_id,
            kind,
            condition,
        })
    }

    /// Fills what evaluation wants to know of each relation beforehand.
    fn analyse(&mut self) {
        let count = self.relations.len();
        let mut depends: Vec<Vec<RelationId>> = vec![Vec::new(); count];
        let mut plain = vec![true; count];
        let mut computed_by: Vec<Vec<RelationId>> = vec![Vec::new(); count];
        for id in 0..count as u32 {
            let mut walk = Walk::default();
            self.walk(self.root(id), true, &mut walk);
            let assigned = walk.direct;
            let mut all: Vec<RelationId> = walk.all;
            if let Some(relation) = self.relations.get(id as usize) {
                all.extend(relation.assignable.iter().filter_map(|a| match a.kind {
                    AllowedKind::Userset(r) => Some(r),
                    _ => None,
                }));
            }
            order::sort(&mut all);
            all.dedup();
            for below in &walk.computed {
                if let Some(relation) = self.relations.get_mut(*below as usize) {
                    relation.up_computed.push(id);
                }
            }
            for (tupleset, target) in &walk.parents {
                if let Some(relation) = self.relations.get_mut(*target as usize) {
                    relation.up_parents.push((*tupleset, id));
                }
            }
            if let Some(relation) = self.relations.get_mut(id as usize) {
                relation.assigned = assigned;
            }
            set(&mut plain, id, !walk.boolean);
            set(&mut computed_by, id, walk.union_computed);
            set(&mut depends, id, all);
        }
        for relation in &mut self.relations {
            order::sort(&mut relation.up_computed);
            relation.up_computed.dedup();
            order::sort(&mut relation.up_parents);
            relation.up_parents.dedup();
        }
        let conditional_here: Vec<bool> = (0..count as u32)
            .map(|id| self.meets_condition(id, self.root(id)))
            .collect();
        self.excludes = self.ops.iter().any(|op| matches!(op, Op::Exclusion { .. }));
        for id in 0..count as u32 {
            let reach = closure(id, &depends);
            let conditional = at(&conditional_here, id) == Some(&true)
                || reach
                    .iter()
                    .any(|r| at(&conditional_here, *r) == Some(&true));
            let monotone = at(&plain, id) == Some(&true)
                && reach.iter().all(|r| at(&plain, *r) == Some(&true));
            let mut includes = closure(id, &computed_by);
            if !includes.contains(&id) {
                includes.push(id);
            }
            order::sort(&mut includes);
            let leaves = if monotone {
                self.leaves(id)
            } else {
                Vec::new()
            };
            let mut held_by = vec![false; self.types.len()];
            let mut held_by_usersets = reach;
            held_by_usersets.push(id);
            order::sort(&mut held_by_usersets);
            held_by_usersets.dedup();
            for below in &held_by_usersets {
                for allowed in self
                    .relation_plan(*below)
                    .map_or(&[][..], |r| &r.assignable)
                {
                    if !matches!(allowed.kind, AllowedKind::Userset(_)) {
                        set(&mut held_by, allowed.type_id, true);
                    }
                }
            }
            if let Some(relation) = self.relations.get_mut(id as usize) {
                relation.held_by = held_by;
                relation.held_by_usersets = held_by_usersets;
                relation.monotone = monotone;
                relation.conditional = conditional;
                relation.includes = includes;
                relation.leaves = leaves;
            }
        }
    }

    /// The leaves below a monotone relation, computed relations unfolded.
    fn leaves(&self, id: RelationId) -> Vec<Leaf> {
        let mut leaves: Vec<Leaf> = Vec::new();
        let mut unfolded = vec![id];
        let mut pending = vec![(id, self.root(id))];
        while let Some((of, op)) = pending.pop() {
            match self.op(op) {
                Op::Union(parts) => pending.extend(parts.iter().rev().map(|part| (of, *part))),
                Op::Computed(below) if !unfolded.contains(below) => {
                    unfolded.push(*below);
                    pending.push((*below, self.root(*below)));
                }
                Op::Direct(relation) => {
                    let allowed = self
                        .relation_plan(*relation)
                        .map(|r| r.assignable.as_slice());
                    let any = |f: fn(&AllowedKind) -> bool| {
                        allowed.unwrap_or_default().iter().any(|a| f(&a.kind))
                    };
                    let leaf = Leaf::Direct {
                        relation: *relation,
                        usersets: any(|k| matches!(k, AllowedKind::Userset(_))),
                        wildcards: any(|k| matches!(k, AllowedKind::Wildcard)),
                    };
                    if !leaves.contains(&leaf) {
                        leaves.push(leaf);
                    }
                }
                Op::Parents(parents) => {
                    let leaf = Leaf::Parents(of, parents.clone());
                    if !leaves.contains(&leaf) {
                        leaves.push(leaf);
                    }
                }
                _ => {}
            }
        }
        leaves
    }

    /// Whether an operation of a relation's rewrite reads tuples of its own
    /// object that may have a condition.
    fn meets_condition(&self, id: RelationId, op: OpId) -> bool {
        let conditional = |id| {
            self.relation_plan(id)
                .is_some_and(|r| r.assignable.iter().any(|a| a.condition.is_some()))
        };
        match self.op(op) {
            Op::Never | Op::Computed(_) => false,
            Op::Direct(_) => conditional(id),
            Op::Parents(parents) => conditional(parents.tupleset),
            Op::Union(parts) | Op::Intersection(parts) => {
                parts.iter().any(|part| self.meets_condition(id, *part))
            }
            Op::Exclusion { base, subtract } => {
                self.meets_condition(id, *base) || self.meets_condition(id, *subtract)
            }
        }
    }

    /// Whether every operand of a rewrite must be looked at, because an error
    /// below it might be subtracted further up; else the first that is false
    /// decides. Of one operation alone, without its relation: `None`.
    #[inline]
    pub(crate) fn exhaustive(&self, relation: Option<&RelationPlan>) -> bool {
        self.excludes
            && relation.map_or(!self.conditions.is_empty(), |relation| relation.conditional)
    }

    fn walk(&self, op: OpId, given: bool, into: &mut Walk) {
        match self.op(op) {
            Op::Never => {}
            Op::Direct(_) => into.direct |= given,
            Op::Computed(below) => {
                into.all.push(*below);
                if given {
                    into.computed.push(*below);
                }
                if !into.below_boolean {
                    into.union_computed.push(*below);
                }
            }
            Op::Parents(parents) => {
                for (_, target) in &parents.targets {
                    into.all.push(*target);
                    if given {
                        into.parents.push((parents.tupleset, *target));
                    }
                }
            }
            Op::Union(parts) => parts.iter().for_each(|p| self.walk(*p, given, into)),
            Op::Intersection(parts) => {
                into.boolean = true;
                let outer = std::mem::replace(&mut into.below_boolean, true);
                parts.iter().for_each(|p| self.walk(*p, given, into));
                into.below_boolean = outer;
            }
            Op::Exclusion { base, subtract } => {
                into.boolean = true;
                let outer = std::mem::replace(&mut into.below_boolean, true);
                self.walk(*base, given, into);
                self.walk(*subtract, false, into);
                into.below_boolean = outer;
            }
        }
    }

    /// The number of a type.
    pub(crate) fn type_id(&self, name: &str) -> Option<TypeId> {
        self.types
            .binary_search_by(|t| t.name.as_str().cmp(name))
            .ok()
            .map(|i| i as u32)
    }

    /// The number of a relation of a type.
    #[inline]
    pub(crate) fn relation(&self, type_id: TypeId, name: &str) -> Option<RelationId> {
        let range = self.types.get(type_id as usize)?.relations.clone();
        let relations = self
            .relations
            .get(range.start as usize..range.end as usize)?;
        relations
            .iter()
            .position(|r| r.name == name)
            .map(|i| range.start + i as u32)
    }

    #[inline]
    pub(crate) fn relation_plan(&self, id: RelationId) -> Option<&RelationPlan> {
        self.relations.get(id as usize)
    }

    /// `viewer` of `document#viewer`.
    pub(crate) fn relation_name(&self, id: RelationId) -> &str {
        self.relation_plan(id).map_or("", |r| &r.name)
    }

    pub(crate) fn root(&self, id: RelationId) -> OpId {
        self.relation_plan(id).map_or(0, |r| r.root)
    }

    #[inline]
    pub(crate) fn op(&self, id: OpId) -> &Op {
        self.ops.get(id as usize).unwrap_or(&Op::Never)
    }

    /// The number of a condition.
    pub(crate) fn condition(&self, name: &str) -> Option<u32> {
        self.conditions
            .iter()
            .position(|c| c == name)
            .map(|i| i as u32)
    }

    /// For each relation, whether holding it may lead to holding `target`
    /// (or a relation that `target` is computed from, however far).
    pub(crate) fn leads_to(&self, target: RelationId) -> Vec<bool> {
        let mut leads = vec![false; self.relations.len()];
        let mut pending = vec![target];
        while let Some(id) = pending.pop() {
            match leads.get_mut(id as usize) {
                Some(seen) if !*seen => *seen = true,
                _ => continue,
            }
            let mut walk = Walk::default();
            self.walk(self.root(id), true, &mut walk);
            pending.extend(walk.computed);
            pending.extend(walk.parents.iter().map(|(_, target)| *target));
            if let Some(relation) = self.relation_plan(id)
                && walk.direct
            {
                pending.extend(relation.assignable.iter().filter_map(|a| match a.kind {
                    AllowedKind::Userset(r) => Some(r),
                    _ => None,
                }));
            }
        }
        leads
    }
}

/// What one rewrite mentions.
#[derive(Default)]
struct Walk {
    /// It holds `This` where it gives.
    direct: bool,
    /// It holds an intersection or an exclusion.
    boolean: bool,
    below_boolean: bool,
    /// Computed relations where they give.
    computed: Vec<RelationId>,
    /// Computed relations below unions only.
    union_computed: Vec<RelationId>,
    /// `(tupleset, target)` where they give.
    parents: Vec<(RelationId, RelationId)>,
    /// Every relation mentioned, subtracted ones included.
    all: Vec<RelationId>,
}

fn at<T>(of: &[T], id: u32) -> Option<&T> {
    of.get(id as usize)
}

fn set<T>(of: &mut [T], id: u32, value: T) {
    if let Some(slot) = of.get_mut(id as usize) {
        *slot = value;
    }
}

/// Everything reached from `start` in one step or more.
fn closure(start: RelationId, edges: &[Vec<RelationId>]) -> Vec<RelationId> {
    let mut seen = vec![false; edges.len()];
    let mut out = Vec::new();
    let mut pending: Vec<u32> = at(edges, start).cloned().unwrap_or_default();
    while let Some(id) = pending.pop() {
        if let Some(flag) = seen.get_mut(id as usize)
            && !*flag
        {
            *flag = true;
            out.push(id);
            pending.extend(at(edges, id).into_iter().flatten());
        }
    }
    out
}
