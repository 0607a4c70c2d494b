//! A model compiled for evaluation: names become numbers, and each relation's
//! rewrite becomes operations over them.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use crate::model::{Assignable, AssignableKind, Model, RelationDef, Rewrite, TypeDef};

use super::graph::RelationId;
use super::holders::{Holders, Relations};
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
    pub(super) ops: Vec<Op>,
    /// Their numbers: places in the order of the model.
    conditions: BTreeMap<String, u32>,
    /// Who may have which relation.
    pub(super) holders: Holders,
    /// The relations whose tuples may take something away.
    pub(super) blocking: Relations,
    /// Some rewrite subtracts.
    pub(super) excludes: bool,
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
    /// For a monotone relation: its rewrite with computed relations unfolded,
    /// as far as they are small.
    pub(crate) leaves: Vec<Leaf>,
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
    Parents(Arc<Parents>),
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
    Parents(RelationId, Arc<Parents>),
    /// Another relation of the same object, too large to be unfolded here.
    Computed(RelationId),
}

impl Plan {
    /// Compiles a model. Names that it does not define become [`Op::Never`]:
    /// validation has refused them before, and to deny is safe.
    pub(crate) fn compile(model: &Model) -> Self {
        let mut plan = Plan {
            conditions: order::map(
                (0..)
                    .zip(&model.conditions)
                    .map(|(i, c)| (c.name.clone(), i)),
            ),
            ..Plan::default()
        };
        let mut types: Vec<_> = model.types.iter().collect();
        order::sort_by(&mut types, |a, b| a.name.cmp(&b.name));
        types.dedup_by(|a, b| a.name == b.name);
        let defined: Vec<Vec<&RelationDef>> = types.iter().map(|def| plan.number(def)).collect();
        for (type_id, relations) in (0..).zip(&defined) {
            let first = plan.types.get(type_id as usize);
            let first = first.map_or(0, |of| of.relations.start);
            for (id, relation) in (first..).zip(relations) {
                let of = Lowered {
                    id,
                    type_id,
                    relations,
                };
                let root = plan.lower(of, &relation.rewrite);
                let assignable = relation.assignable.iter();
                let assignable = assignable.filter_map(|a| plan.allowed(a)).collect();
                if let Some(slot) = plan.relations.get_mut(id as usize) {
                    slot.root = root;
                    slot.assignable = assignable;
                }
            }
        }
        plan.analyse();
        plan
    }

    /// Numbers a type and its relations, which come back in that order.
    fn number<'m>(&mut self, def: &'m TypeDef) -> Vec<&'m RelationDef> {
        let mut relations: Vec<_> = def.relations.iter().collect();
        order::sort_by(&mut relations, |a, b| a.name.cmp(&b.name));
        relations.dedup_by(|a, b| a.name == b.name);
        let first = self.relations.len() as u32;
        let numbered = relations.iter().map(|r| RelationPlan {
            name: r.name.clone(),
            root: 0,
            assignable: Vec::new(),
            assigned: false,
            monotone: true,
            conditional: false,
            leaves: Vec::new(),
            up_computed: Vec::new(),
            up_parents: Vec::new(),
        });
        self.relations.extend(numbered);
        self.types.push(TypePlan {
            name: def.name.clone(),
            relations: first..self.relations.len() as u32,
        });
        relations
    }

    /// The parser bounds how deep a rewrite nests, and so this recursion.
    fn lower(&mut self, of: Lowered<'_>, rewrite: &Rewrite) -> OpId {
        let op = match rewrite {
            Rewrite::This => Op::Direct(of.id),
            Rewrite::Computed(name) => self
                .relation(of.type_id, name)
                .map_or(Op::Never, Op::Computed),
            Rewrite::TupleToUserset { tupleset, computed } => self
                .parents(of, tupleset, computed)
                .map_or(Op::Never, |parents| Op::Parents(Arc::new(parents))),
            Rewrite::Union(parts) => Op::Union(parts.iter().map(|p| self.lower(of, p)).collect()),
            Rewrite::Intersection(parts) => {
                Op::Intersection(parts.iter().map(|p| self.lower(of, p)).collect())
            }
            Rewrite::Exclusion { base, subtract } => Op::Exclusion {
                base: self.lower(of, base),
                subtract: self.lower(of, subtract),
            },
        };
        self.ops.push(op);
        self.ops.len() as u32 - 1
    }

    fn parents(&self, of: Lowered<'_>, tupleset: &str, computed: &str) -> Option<Parents> {
        let nth = of
            .relations
            .binary_search_by(|r| r.name.as_str().cmp(tupleset))
            .ok()?;
        let listed = &of.relations.get(nth)?.assignable;
        let targets = listed.iter().filter_map(|a| {
            let parent = self.type_id(&a.type_name)?;
            Some((parent, self.relation(parent, computed)?))
        });
        let mut targets: Vec<_> = targets.collect();
        order::sort(&mut targets);
        targets.dedup();
        Some(Parents {
            tupleset: self.relation(of.type_id, tupleset)?,
            targets,
        })
    }

    fn allowed(&self, a: &Assignable) -> Option<Allowed> {
        let type_id = self.type_id(&a.type_name)?;
        let kind = match &a.kind {
            AssignableKind::Object => AllowedKind::Object,
            AssignableKind::Wildcard => AllowedKind::Wildcard,
            AssignableKind::Userset(name) => AllowedKind::Userset(self.relation(type_id, name)?),
        };
        let condition = match &a.condition {
            None => None,
            Some(name) => Some(self.condition(name)?),
        };
        Some(Allowed {
            type_id,
            kind,
            condition,
        })
    }

    /// Whether every operand of a rewrite must be looked at, because an error
    /// below it might be subtracted further up; else the first that is false
    /// decides. Of one operation alone, without its relation: `None`.
    #[inline]
    pub(crate) fn exhaustive(&self, relation: Option<&RelationPlan>) -> bool {
        self.excludes
            && relation.map_or(!self.conditions.is_empty(), |relation| relation.conditional)
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
            .binary_search_by(|r| r.name.as_str().cmp(name))
            .ok()
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

    /// Whether a tuple of this relation, were it admitted, might take something
    /// away. Of a name that the type does not define: whether a relation that
    /// was perhaps meant might.
    pub(crate) fn would_block(&self, type_name: &str, relation: &str) -> bool {
        let Some(type_id) = self.type_id(type_name) else {
            return false;
        };
        match self.relation(type_id, relation) {
            Some(id) => self.blocking.has(id),
            None => self.types.get(type_id as usize).is_some_and(|of| {
                let mut relations = of.relations.clone();
                relations.any(|id| self.blocking.has(id))
            }),
        }
    }

    /// Whether a tuple of this relation may take something away.
    #[cfg(feature = "tokens")]
    pub(super) fn blocks(&self, relation: RelationId) -> bool {
        self.blocking.has(relation)
    }

    /// The number of a condition.
    pub(crate) fn condition(&self, name: &str) -> Option<u32> {
        self.conditions.get(name).copied()
    }
}

/// Whose rewrite is lowered: a relation, and those of its type by name.
#[derive(Clone, Copy)]
struct Lowered<'m> {
    id: RelationId,
    type_id: TypeId,
    relations: &'m [&'m RelationDef],
}
