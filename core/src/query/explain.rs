//! Explain: which tuples and rewrites decided, or what was lacking.
//!
//! The explanation asks the evaluator about every part that it shows, so it
//! cannot tell another story than the decision. It decides nothing itself.

use serde::Serialize;

use crate::order;
use crate::policy::{AllowedKind, Node, Op, OpId, Parents, RelationId, Row, Subject, Verdict};

use super::error::QueryError;
use super::reach::{Reached, Trail};
use super::search::Search;
use super::view::View;

/// How deep a tree goes, in relations: a person reads no deeper, and no data
/// can deepen the recursion that builds it.
const MAX_DEPTH: usize = 40;

/// How many steps a tree has at most.
const MAX_STEPS: usize = 2_000;

/// How many subjects of one tuple set are followed in a denial.
const MAX_SUBJECTS: usize = 20;

/// Why a check came out as it did.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Explanation {
    /// Whether the user has the relation.
    pub allowed: bool,
    /// The code of the error that denied, if one did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The error in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The user asked about.
    pub user: String,
    /// The tree: for an allow the shortest way that decided, for a denial every
    /// branch that failed.
    pub because: Step,
}

/// One step of an explanation.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Step {
    /// `object#relation` that the step is about.
    pub node: String,
    /// What it came to.
    pub allowed: bool,
    /// What it is.
    #[serde(flatten)]
    pub rule: StepRule,
    /// What it rests on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Step>,
}

/// What a step of an explanation is.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "rule", rename_all = "snake_case")]
#[non_exhaustive]
pub enum StepRule {
    /// A relation, by its rewrite.
    Relation,
    /// This tuple, written `user relation object`, names the user.
    Tuple {
        /// The tuple.
        tuple: String,
    },
    /// This tuple names a userset, or a parent, that the part is about.
    Through {
        /// The tuple.
        tuple: String,
    },
    /// A tuple is there, but its condition was not met or has no answer.
    Condition {
        /// The tuple.
        tuple: String,
        /// The condition's name.
        condition: String,
        /// The error's code, if it has no answer.
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<String>,
    },
    /// No tuple gives it; any of these would have.
    Missing {
        /// Tuples, written `user relation object`; `…` stands for any id.
        wanted: Vec<String>,
    },
    /// Any of the parts would do.
    AnyOf,
    /// All of the parts are needed.
    AllOf,
    /// The first part is needed, without the second.
    Except,
    /// The user is this very userset.
    Itself,
    /// The way leads back to where it came from.
    Cycle,
    /// The model lets no user of that type have the relation.
    Unreachable,
    /// More of the kind is left out, or was not looked into because the
    /// explanation's steps were used up: then `allowed` is false, which says
    /// nothing.
    Omitted {
        /// How many tuples.
        more: usize,
    },
}

impl View<'_> {
    /// Why `user` has `relation` on `object`, or why not. The tree has the steps
    /// of one question, next to those of the answer; what they are not enough for
    /// is omitted.
    ///
    /// # Errors
    /// `request.*` for a question that the model does not know. An error on the
    /// way is part of the explanation.
    pub fn explain(
        &self,
        user: &str,
        relation: &str,
        object: &str,
    ) -> Result<Explanation, QueryError> {
        let target = self.target(relation, object)?;
        let asked = self.asked(user, object)?;
        let _call = self.begin_call();
        let mut story = Story {
            search: Search::with_memo(self, asked),
            view: self,
            user,
            unknown: object,
            path: Vec::new(),
            steps: 0,
        };
        let outcome = story.search.decide(target);
        self.begin_question();
        story.search.as_one = true;
        let because = story.node(target);
        let error = outcome.as_ref().err();
        Ok(Explanation {
            allowed: outcome == Ok(true),
            error: error.map(|e| e.code().to_owned()),
            message: error.map(ToString::to_string),
            user: user.to_owned(),
            because,
        })
    }
}

struct Story<'v, 'p> {
    search: Search<'v, 'p>,
    view: &'v View<'p>,
    user: &'v str,
    /// How the object asked about is spelled, should the policy not know it.
    unknown: &'v str,
    path: Vec<Node>,
    steps: usize,
}

impl Story<'_, '_> {
    fn node(&mut self, node: Node) -> Step {
        if self.search.asked.userset == Some(node) {
            return self.step(node, true, StepRule::Itself, Vec::new());
        }
        if !self.search.may_hold(node.relation) {
            return self.step(node, false, StepRule::Unreachable, Vec::new());
        }
        let Some(allowed) = self.told(|search| search.decide(node)) else {
            return self.omitted(node, false);
        };
        if self.path.contains(&node) {
            return self.step(node, allowed, StepRule::Cycle, Vec::new());
        }
        if self.path.len() >= MAX_DEPTH || self.steps >= MAX_STEPS {
            return self.omitted(node, allowed);
        }
        let plan = &self.view.policy.plan;
        if allowed
            && plan
                .relation_plan(node.relation)
                .is_some_and(|r| r.monotone)
            && let Some(step) = self.shortest(node)
        {
            return step;
        }
        self.path.push(node);
        let part = self.op(plan.root(node.relation), node);
        self.path.pop();
        self.step(node, allowed, StepRule::Relation, vec![part])
    }

    /// The way that a breadth-first search found, which is a shortest one.
    fn shortest(&mut self, node: Node) -> Option<Step> {
        let mut trail = Trail::new();
        // What is remembered of other questions would cut the trail short.
        let memo = self.search.memo.take();
        let reached = self.search.walk(node, &mut trail);
        self.search.memo = memo;
        let Ok(Reached::Hit(last)) = reached else {
            return None;
        };
        let mut way = vec![];
        let mut at = last;
        while let Some((node, parent)) = trail.get(at as usize) {
            way.push(*node);
            at = *parent;
        }
        if way.len() > MAX_DEPTH {
            return None;
        }
        let mut next: Option<Step> = None;
        let mut to = None;
        for node in way {
            let mut unfolded = Vec::new();
            let root = self.view.policy.plan.root(node.relation);
            let part = self.way(root, node, to, &mut next, &mut unfolded);
            let parts = part.into_iter().collect();
            let rule = if self.search.asked.userset == Some(node) {
                StepRule::Itself
            } else {
                StepRule::Relation
            };
            next = Some(self.step(node, true, rule, parts));
            to = Some(node);
        }
        next
    }

    /// The operation by which a node leads to the next one on the way, or
    /// names the user where there is no next.
    fn way(
        &mut self,
        op: OpId,
        node: Node,
        to: Option<Node>,
        next: &mut Option<Step>,
        unfolded: &mut Vec<RelationId>,
    ) -> Option<Step> {
        let view = self.view;
        match view.policy.plan.op(op) {
            Op::Union(parts) => parts
                .iter()
                .find_map(|part| self.way(*part, node, to, next, unfolded)),
            Op::Computed(relation) if !unfolded.contains(relation) => {
                unfolded.push(*relation);
                let below = Node {
                    relation: *relation,
                    ..node
                };
                if to.is_none() && self.search.asked.userset == Some(below) {
                    return Some(self.step(below, true, StepRule::Itself, Vec::new()));
                }
                let root = view.policy.plan.root(*relation);
                let part = self.way(root, below, to, next, unfolded)?;
                Some(self.step(below, true, StepRule::Relation, vec![part]))
            }
            Op::Direct(relation) => {
                let node = Node {
                    relation: *relation,
                    ..node
                };
                let subject = self.counting_subject(node, to)?;
                let tuple = self.tuple(node, subject);
                Some(match next.take() {
                    Some(step) => self.step(node, true, StepRule::Through { tuple }, vec![step]),
                    None => self.step(node, true, StepRule::Tuple { tuple }, Vec::new()),
                })
            }
            Op::Parents(parents) => {
                let to = to?;
                let tupleset = Node {
                    relation: parents.tupleset,
                    ..node
                };
                let found =
                    view.rows(tupleset)
                        .into_iter()
                        .flat_map(Row::iter)
                        .find(|(s, guard)| {
                            s.0 == to.object
                                && view.verdict(*guard) == Ok(Verdict::Pass)
                                && view
                                    .overlay
                                    .type_of(view.policy, s.0)
                                    .and_then(|t| parents.target(t))
                                    .is_some_and(|r| r == to.relation)
                        });
                let (subject, _) = found?;
                let tuple = self.tuple(tupleset, subject);
                let parts = next.take().into_iter().collect();
                Some(self.step(node, true, StepRule::Through { tuple }, parts))
            }
            _ => None,
        }
    }

    /// The subject of a tuple that counts, and leads to `to` or names the user.
    fn counting_subject(&self, node: Node, to: Option<Node>) -> Option<Subject> {
        let view = self.view;
        let asked = self.search.asked;
        let [stored, contextual] = view.rows(node);
        let leads = |s: Subject| match to {
            Some(to) => self.search.userset_node(s) == Some(to),
            None => (s == asked.subject || s == asked.wildcard) && s != Subject::UNKNOWN,
        };
        // A contextual tuple stands in for the stored one that it equals.
        let shadowed = |s: Subject| {
            to.is_none() && s == asked.subject && !contextual.entries(s).subjects.is_empty()
        };
        let stored = stored.iter().filter(|(s, _)| !shadowed(*s));
        contextual
            .iter()
            .chain(stored)
            .find(|(s, guard)| leads(*s) && view.verdict(*guard) == Ok(Verdict::Pass))
            .map(|(s, _)| s)
    }

    fn op(&mut self, op: OpId, node: Node) -> Step {
        let plan = &self.view.policy.plan;
        match plan.op(op) {
            Op::Never => self.step(
                node,
                false,
                StepRule::Missing { wanted: Vec::new() },
                Vec::new(),
            ),
            Op::Computed(relation) => self.node(Node {
                relation: *relation,
                ..node
            }),
            Op::Direct(relation) => self.direct(
                op,
                Node {
                    relation: *relation,
                    ..node
                },
            ),
            Op::Parents(parents) => self.parents(op, parents, node),
            Op::Union(parts) => {
                let Some(allowed) = self.decide(op, node) else {
                    return self.omitted(node, false);
                };
                let mut steps: Vec<Step> = parts.iter().map(|part| self.op(*part, node)).collect();
                if allowed {
                    keep_shortest(&mut steps);
                }
                self.step(node, allowed, StepRule::AnyOf, steps)
            }
            Op::Intersection(parts) => {
                let Some(allowed) = self.decide(op, node) else {
                    return self.omitted(node, false);
                };
                let mut steps: Vec<Step> = parts.iter().map(|part| self.op(*part, node)).collect();
                if !allowed && steps.iter().any(|s| !s.allowed) {
                    steps.retain(|s| !s.allowed);
                }
                self.step(node, allowed, StepRule::AllOf, steps)
            }
            Op::Exclusion { base, subtract } => {
                let Some(allowed) = self.decide(op, node) else {
                    return self.omitted(node, false);
                };
                let base = self.op(*base, node);
                let steps = if base.allowed || base.is_omitted() {
                    vec![base, self.op(*subtract, node)]
                } else {
                    vec![base]
                };
                self.step(node, allowed, StepRule::Except, steps)
            }
        }
    }

    fn direct(&mut self, op: OpId, node: Node) -> Step {
        if let Some(subject) = self.counting_subject(node, None) {
            let tuple = self.tuple(node, subject);
            return self.step(node, true, StepRule::Tuple { tuple }, Vec::new());
        }
        let Some(allowed) = self.decide(op, node) else {
            return self.omitted(node, false);
        };
        let asked = self.search.asked;
        let view = self.view;
        let mut parts = Vec::new();
        let mut more = 0;
        for (subject, guard) in view.rows(node).into_iter().flat_map(Row::iter) {
            let own = subject == asked.subject || subject == asked.wildcard;
            let below = self.search.userset_node(subject);
            if !own && below.is_none() {
                continue;
            }
            if parts.len() >= MAX_SUBJECTS && !allowed {
                more += 1;
                continue;
            }
            let tuple = self.tuple(node, subject);
            if let Some(step) = self.guarded(node, &tuple, guard) {
                parts.extend(step);
            } else if let Some(below) = below {
                let part = self.node(below);
                let allowed = part.allowed;
                parts.push(self.step(node, allowed, StepRule::Through { tuple }, vec![part]));
            }
        }
        if allowed {
            keep_shortest(&mut parts);
            return self.step(node, true, StepRule::AnyOf, parts);
        }
        if more > 0 {
            parts.push(self.step(node, false, StepRule::Omitted { more }, Vec::new()));
        }
        let wanted = self.wanted(node);
        self.step(node, false, StepRule::Missing { wanted }, parts)
    }

    fn parents(&mut self, op: OpId, parents: &Parents, node: Node) -> Step {
        let Some(allowed) = self.decide(op, node) else {
            return self.omitted(node, false);
        };
        let view = self.view;
        let tupleset = Node {
            relation: parents.tupleset,
            ..node
        };
        let mut parts = Vec::new();
        let mut more = 0;
        for (subject, guard) in view.rows(tupleset).into_iter().flat_map(Row::iter) {
            let below = view
                .overlay
                .type_of(view.policy, subject.0)
                .and_then(|t| parents.target(t))
                .map(|relation| Node {
                    object: subject.0,
                    relation,
                });
            let Some(below) = below else { continue };
            if parts.len() >= MAX_SUBJECTS && !allowed {
                more += 1;
                continue;
            }
            let tuple = self.tuple(tupleset, subject);
            if let Some(step) = self.guarded(tupleset, &tuple, guard) {
                parts.extend(step);
            } else {
                let part = self.node(below);
                let allowed = part.allowed;
                parts.push(self.step(node, allowed, StepRule::Through { tuple }, vec![part]));
            }
        }
        if allowed {
            keep_shortest(&mut parts);
            return self.step(node, true, StepRule::AnyOf, parts);
        }
        if more > 0 {
            parts.push(self.step(node, false, StepRule::Omitted { more }, Vec::new()));
        }
        if parts.is_empty() {
            let plan = &view.policy.plan;
            let name = plan.relation_name(parents.tupleset);
            let object = self.spell_object(node);
            let wanted = parents
                .targets
                .iter()
                .filter_map(|(t, _)| plan.types.get(*t as usize))
                .map(|t| format!("{}:… {name} {object}", t.name))
                .collect();
            return self.step(node, false, StepRule::Missing { wanted }, parts);
        }
        self.step(node, false, StepRule::AnyOf, parts)
    }

    /// For a tuple that does not count: what to say of it, which is nothing for
    /// one of another tenant. `None` for a tuple that counts.
    fn guarded(&mut self, node: Node, tuple: &str, guard: u32) -> Option<Option<Step>> {
        let error = match self.view.verdict(guard) {
            Ok(Verdict::Pass) => return None,
            Ok(Verdict::Fail) => None,
            Ok(Verdict::Error(error)) | Err(error) => Some(error.code().to_owned()),
        };
        let guard = self.view.overlay.guard_at(self.view.policy, guard);
        let condition = guard.and_then(|g| g.condition.as_ref());
        let name = condition
            .and_then(|c| self.view.policy.model.conditions.get(c.index as usize))
            .map(|c| c.name.clone());
        let Some(condition) = name.filter(|_| self.view.sees(guard)) else {
            return Some(None);
        };
        let rule = StepRule::Condition {
            tuple: tuple.to_owned(),
            condition,
            error,
        };
        Some(Some(self.step(node, false, rule, Vec::new())))
    }

    /// The tuples that would give the user a relation by themselves.
    fn wanted(&self, node: Node) -> Vec<String> {
        let plan = &self.view.policy.plan;
        let asked = self.search.asked;
        let Some(relation) = plan.relation_plan(node.relation) else {
            return Vec::new();
        };
        let object = self.spell_object(node);
        let mut wanted: Vec<String> = Vec::new();
        for allowed in &relation.assignable {
            let type_name = plan
                .types
                .get(allowed.type_id as usize)
                .map_or("", |t| &t.name);
            let user = match allowed.kind {
                AllowedKind::Object
                    if asked.userset.is_none() && allowed.type_id == asked.type_id =>
                {
                    self.user.to_owned()
                }
                AllowedKind::Wildcard
                    if asked.userset.is_none() && allowed.type_id == asked.type_id =>
                {
                    format!("{type_name}:*")
                }
                AllowedKind::Userset(below)
                    if asked.userset.is_some_and(|n| n.relation == below) =>
                {
                    self.user.to_owned()
                }
                AllowedKind::Userset(below) if self.search.may_hold(below) => {
                    format!("{type_name}:…#{}", plan.relation_name(below))
                }
                _ => continue,
            };
            let tuple = format!("{user} {} {object}", relation.name);
            if !wanted.contains(&tuple) {
                wanted.push(tuple);
            }
        }
        wanted
    }

    fn decide(&mut self, op: OpId, node: Node) -> Option<bool> {
        self.told(|search| search.decide_op(op, node.object))
    }

    /// What a question comes to, an error being false; `None` where no step is
    /// left for it.
    fn told(
        &mut self,
        ask: impl FnOnce(&mut Search<'_, '_>) -> Result<bool, QueryError>,
    ) -> Option<bool> {
        match ask(&mut self.search) {
            Err(error) if error.is_budget() => None,
            told => Some(told == Ok(true)),
        }
    }

    fn omitted(&mut self, node: Node, allowed: bool) -> Step {
        self.step(node, allowed, StepRule::Omitted { more: 1 }, Vec::new())
    }

    fn tuple(&self, node: Node, subject: Subject) -> String {
        let view = self.view;
        let user = match subject.as_userset() {
            Some(index) => view
                .overlay
                .userset_node(&view.policy.graph, index)
                .map_or(String::new(), |n| view.spell(n)),
            None => view.overlay.spelling(view.policy, subject.0).to_owned(),
        };
        let relation = view.policy.plan.relation_name(node.relation);
        format!("{user} {relation} {}", self.spell_object(node))
    }

    fn spell_object(&self, node: Node) -> String {
        let known = self.view.overlay.spelling(self.view.policy, node.object);
        if known.is_empty() {
            self.unknown.to_owned()
        } else {
            known.to_owned()
        }
    }

    fn step(&mut self, node: Node, allowed: bool, rule: StepRule, parts: Vec<Step>) -> Step {
        self.steps += 1;
        let relation = self.view.policy.plan.relation_name(node.relation);
        Step {
            node: format!("{}#{relation}", self.spell_object(node)),
            allowed,
            rule,
            parts,
        }
    }
}

/// Of what allows, the shortest; of what was not looked into, one.
fn keep_shortest(steps: &mut Vec<Step>) {
    steps.retain(|s| s.allowed || s.is_omitted());
    order::sort_by(steps, |a, b| {
        (!a.allowed, a.size()).cmp(&(!b.allowed, b.size()))
    });
    steps.truncate(1);
}

impl Step {
    fn is_omitted(&self) -> bool {
        matches!(self.rule, StepRule::Omitted { .. })
    }

    /// How many steps there are, this one included.
    fn size(&self) -> usize {
        1 + self.parts.iter().map(Step::size).sum::<usize>()
    }
}
