//! From a snapshot to a policy: names are interned, guards numbered, tuples
//! admitted by the model and laid out in rows.

use std::sync::OnceLock;

use crate::json;
use crate::model::{self, Model, ModelError};
use crate::snapshot::{
    LimitsRecord, ModelSource, Position, Snapshot, SnapshotError, SnapshotErrorKind, TupleRecord,
};

use super::directory::Directory;
use super::gate::{Gate, Last};
use super::graph::{Edge, Graph, Node, Subject};
use super::guard::{Guard, GuardCondition, GuardKey, GuardTable};
use super::names::{Collector, NONE};
use super::plan::Plan;
#[cfg(feature = "tokens")]
use super::trust::Trust;
use super::warning::{DUPLICATE, Warnings, spell};
use super::{Inner, Limits, TypeRanges};

/// How many tuples' names are looked for ahead at once.
const FETCHED: usize = 16;

pub(super) fn build(snapshot: &Snapshot<'_>) -> Result<Inner, SnapshotError> {
    let (model, advice) = read_model(snapshot.model.as_ref())?;
    let plan = Plan::compile(&model);
    let mut warnings = Warnings::default();
    warnings.advice(&advice);

    let tuples = &snapshot.tuples;
    let mut names = Collector::with_capacity(tuples.len());
    let mut usersets: Vec<(u32, u32)> = Vec::new();
    let mut raw: Vec<RawEdge> = Vec::with_capacity(tuples.len());
    let mut gate = Gate::new(&plan, GuardTable::for_model(&model)?);
    let mut last = Last::default();
    for (i, tuple) in tuples.iter().enumerate() {
        if i % FETCHED == 0 {
            let ahead = tuples.iter().skip(i).take(FETCHED);
            names.fetch(ahead.flat_map(|t| {
                let (user, _) = t.user.split_once('#').unwrap_or((&t.user, ""));
                [&*t.object, user]
            }));
        }
        let entry = match gate.enter(&mut last, tuple, i)? {
            Ok(entry) => entry,
            Err(ignored) => {
                warnings.refused(ignored.code, i, tuple, ignored.blocks);
                continue;
            }
        };
        raw.push(RawEdge {
            object: names.add(entry.object.object),
            relation: entry.relation,
            user: names.add(entry.user.object),
            user_relation: entry.user_relation,
            guard: entry.guard,
            index: i as u32,
        });
    }

    let Gate {
        mut guards,
        numbers,
        ..
    } = gate;
    let (names, renumber) = names.finish();
    let (keys, guard_renumber) = numbers.finish();
    guards.order(&keys);
    let number = |i: u32| renumber.get(i as usize).copied().unwrap_or(NONE);
    for edge in &mut raw {
        edge.object = number(edge.object);
        edge.user = number(edge.user);
        edge.guard = guard_renumber
            .get(edge.guard as usize)
            .copied()
            .unwrap_or(0);
        if edge.user_relation != NONE {
            usersets.push((edge.user, edge.user_relation));
        }
    }
    usersets.sort_unstable();
    usersets.dedup();
    let subject = |e: &RawEdge| {
        if e.user_relation == NONE {
            return Subject::object(e.user);
        }
        usersets
            .binary_search(&(e.user, e.user_relation))
            .map_or(Subject::UNKNOWN, |i| Subject::userset(i as u32))
    };
    let edges: Vec<Edge> = raw
        .iter()
        .map(|e| Edge {
            node: Node {
                object: e.object,
                relation: e.relation,
            },
            subject: subject(e),
            guard: e.guard,
        })
        .collect();
    let nodes: Vec<Node> = usersets
        .iter()
        .map(|(object, relation)| Node {
            object: *object,
            relation: *relation,
        })
        .collect();
    let graph = match Graph::build(names.len(), &nodes, &edges) {
        Some(graph) => graph,
        None => {
            warn_of_duplicates(&mut warnings, &edges, &raw, tuples);
            let mut unique = edges.clone();
            unique.sort_unstable();
            unique.dedup();
            Graph::build(names.len(), &nodes, &unique)
                .ok_or_else(|| SnapshotErrorKind::Internal.at("/tuples"))?
        }
    };
    if !graph.unguarded() {
        refuse_conflicts(&edges, &raw, tuples, &guards)?;
    }
    let types = TypeRanges::of(&plan, &names);
    let directory = Directory::compile(snapshot, &model)?;
    for warning in directory.warnings() {
        warnings.note(warning.code(), &warning.pointer, warning.kind.to_string());
    }
    let sections = snapshot.without_tuples();
    // Once as it was written, so that errors point there, and once in the
    // order of the compiled form, so that both number issuers alike.
    #[cfg(feature = "tokens")]
    let trust = {
        let written = Trust::compile(snapshot, &plan)?;
        for (code, pointer, text) in written.issuers.warnings() {
            warnings.note(code, &pointer, text);
        }
        let known = |principal: &str| names.find(principal).is_some() || directory.knows(principal);
        for (code, pointer, text) in written.idle_revocations(snapshot, known) {
            warnings.note(code, &pointer, text);
        }
        if snapshot.issuers == sections.issuers {
            written
        } else {
            Trust::compile(&sections, &plan)?
        }
    };
    Ok(Inner {
        revision: snapshot.revision.clone().into_owned(),
        issued_at: snapshot.issued_at,
        not_after: snapshot.not_after,
        model,
        plan,
        names,
        types,
        graph,
        guards,
        limits: limits(&snapshot.limits)?,
        warnings: warnings.finish(),
        directory,
        #[cfg(feature = "tokens")]
        trust,
        sections,
        digest: OnceLock::new(),
    })
}

/// A tuple between interning and numbering.
#[derive(Debug, Clone, Copy)]
struct RawEdge {
    object: u32,
    relation: u32,
    user: u32,
    user_relation: u32,
    guard: u32,
    index: u32,
}

/// Reads and validates the model; what OpenFGA's server would let pass, though
/// its tools would not, comes back as advice.
pub(crate) fn read_model(
    source: Option<&ModelSource<'_>>,
) -> Result<(Model, Vec<ModelError>), SnapshotError> {
    let read = match source {
        None => return Ok((Model::default(), Vec::new())),
        Some(ModelSource::Dsl(text)) => model::admit(text),
        Some(ModelSource::Json(value)) => model::from_json_value(value).and_then(|model| {
            let (advice, faults): (Vec<_>, Vec<_>) = model::validate(&model)
                .err()
                .unwrap_or_default()
                .into_iter()
                .partition(ModelError::is_advice);
            if faults.is_empty() {
                Ok((model, advice))
            } else {
                Err(faults)
            }
        }),
    };
    let errors = match read {
        Ok(read) => return Ok(read),
        Err(refused) => refused,
    };
    let Some(first) = errors.into_iter().next() else {
        return Err(SnapshotErrorKind::Internal.at("/model"));
    };
    let position = first.span.map(|s| Position {
        line: s.line + 1,
        column: s.start + 1,
    });
    Err(SnapshotError {
        kind: SnapshotErrorKind::Model(Box::new(first)),
        pointer: "/model".to_owned(),
        position,
    })
}

pub(super) fn limits(record: &LimitsRecord) -> Result<Limits, SnapshotError> {
    let default = Limits::default();
    if record.steps == Some(0) {
        return Err(SnapshotErrorKind::Limit { name: "steps" }.at("/limits/steps"));
    }
    if record.call_steps == Some(0) {
        let name = "call_steps";
        return Err(SnapshotErrorKind::Limit { name }.at("/limits/call_steps"));
    }
    if record.depth == Some(0) {
        return Err(SnapshotErrorKind::Limit { name: "depth" }.at("/limits/depth"));
    }
    Ok(Limits {
        steps: record.steps.unwrap_or(default.steps),
        call_steps: record.call_steps.unwrap_or(default.call_steps),
        depth: record.depth.or(default.depth),
        condition_cost: record.condition_cost.or(default.condition_cost),
    })
}

/// Two tuples that agree in all but the condition contradict each other.
fn refuse_conflicts(
    edges: &[Edge],
    raw: &[RawEdge],
    tuples: &[TupleRecord<'_>],
    guards: &GuardTable,
) -> Result<(), SnapshotError> {
    let tenant = |e: &Edge| guards.get(e.guard).and_then(|g| g.tenant.as_deref());
    let mut order: Vec<(&Edge, &RawEdge)> = edges.iter().zip(raw).collect();
    order.sort_unstable_by(|(a, x), (b, y)| {
        (a.node, a.subject, tenant(a), x.index).cmp(&(b.node, b.subject, tenant(b), y.index))
    });
    for pair in order.windows(2) {
        let &[(a, _), (b, second)] = pair else {
            continue;
        };
        if (a.node, a.subject, tenant(a)) == (b.node, b.subject, tenant(b)) && a.guard != b.guard {
            let i = second.index as usize;
            let tuple = tuples.get(i).map_or(String::new(), |t| spell(t));
            return Err(SnapshotErrorKind::ConflictingTuple { tuple }.at(format!("/tuples/{i}")));
        }
    }
    Ok(())
}

fn warn_of_duplicates(
    warnings: &mut Warnings,
    edges: &[Edge],
    raw: &[RawEdge],
    tuples: &[TupleRecord<'_>],
) {
    let mut order: Vec<(&Edge, &RawEdge)> = edges.iter().zip(raw).collect();
    order.sort_unstable_by(|(a, x), (b, y)| (a, x.index).cmp(&(b, y.index)));
    for pair in order.windows(2) {
        if let &[(a, _), (b, second)] = pair
            && a == b
            && let Some(tuple) = tuples.get(second.index as usize)
        {
            warnings.add(DUPLICATE, second.index as usize, tuple);
        }
    }
}

impl GuardTable {
    /// The table for a model's conditions, without guards.
    #[cfg(feature = "conditions")]
    pub(crate) fn for_model(model: &Model) -> Result<Self, SnapshotError> {
        let mut conditions = Vec::with_capacity(model.conditions.len());
        for def in &model.conditions {
            let condition = crate::condition::Condition::compile(def)
                .map_err(|e| SnapshotErrorKind::Condition(Box::new(e)).at("/model"))?;
            conditions.push(condition);
        }
        Ok(Self {
            guards: Vec::new(),
            conditions,
        })
    }

    /// The table for a model's conditions, of which there may be none.
    #[cfg(not(feature = "conditions"))]
    pub(crate) fn for_model(model: &Model) -> Result<Self, SnapshotError> {
        if model.conditions.is_empty() {
            Ok(Self::default())
        } else {
            Err(SnapshotErrorKind::ConditionsUnsupported.at("/model"))
        }
    }

    /// Adds the guard with this key, its context checked against the
    /// condition's parameters. `i` is the tuple's place, for errors.
    pub(super) fn bind(&mut self, key: &GuardKey, i: usize) -> Result<(), SnapshotError> {
        let (tenant, condition, source) = key;
        let condition = match condition {
            None => None,
            Some(index) => Some(self.condition(*index, source).map_err(|error| {
                // The text is not the document's own, nor is its line.
                let below = error.pointer;
                let at = format!("/tuples/{i}/condition/context{below}");
                error.kind.at(at)
            })?),
        };
        self.guards.push(Guard {
            tenant: tenant.clone(),
            condition,
        });
        Ok(())
    }

    #[cfg(feature = "conditions")]
    fn condition(&self, index: u32, source: &str) -> Result<GuardCondition, SnapshotError> {
        let condition = self
            .conditions
            .get(index as usize)
            .ok_or_else(|| SnapshotErrorKind::Internal.at(""))?;
        let context: serde_json::Map<String, serde_json::Value> = if source.is_empty() {
            serde_json::Map::new()
        } else {
            json::object_from_text(source).map_err(|e| SnapshotError::from_serde(source, &e))?
        };
        let bound = condition
            .bind_tuple_context(&context)
            .map_err(|e| SnapshotErrorKind::Condition(Box::new(e)).at(""))?;
        Ok(GuardCondition {
            index,
            source: source.to_owned(),
            bound,
        })
    }

    #[cfg(not(feature = "conditions"))]
    fn condition(&self, _index: u32, _source: &str) -> Result<GuardCondition, SnapshotError> {
        Err(SnapshotErrorKind::ConditionsUnsupported.at(""))
    }

    /// Puts the guards, bound as they came, in the order of their keys.
    fn order(&mut self, keys: &[GuardKey]) {
        let key = |g: &Guard| -> GuardKey {
            let (index, source) = g
                .condition
                .as_ref()
                .map_or((None, String::new()), |c| (Some(c.index), c.source.clone()));
            (g.tenant.clone(), index, source)
        };
        self.guards.sort_by_cached_key(key);
        debug_assert!(self.guards.iter().map(key).eq(keys.iter().cloned()));
    }
}
