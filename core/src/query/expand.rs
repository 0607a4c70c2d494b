//! Expand: who a relation names, one level down.

use serde::Serialize;

use crate::policy::{Node, Op, OpId};

use super::error::QueryError;
use super::view::View;

/// A relation's users, one level down: what leads further is named, not
/// followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Expansion {
    /// Users that tuples name, sorted; conditions are not evaluated.
    Users(Vec<String>),
    /// Another relation of the object, as `object#relation`.
    Computed(String),
    /// A relation of each object that a tupleset names.
    Parents {
        /// `object#relation` of the tupleset.
        tupleset: String,
        /// Each `object#relation` that it leads to, sorted.
        computed: Vec<String>,
    },
    /// Any of these.
    Union(Vec<Expansion>),
    /// All of these.
    Intersection(Vec<Expansion>),
    /// The first, less the second.
    Exclusion {
        /// Who is in.
        base: Box<Expansion>,
        /// Who is taken out again.
        subtract: Box<Expansion>,
    },
}

impl View<'_> {
    /// Who has `relation` on `object`, one level down.
    ///
    /// # Errors
    /// `request.*` for an object or relation that the model does not know.
    pub fn expand(&self, relation: &str, object: &str) -> Result<Expansion, QueryError> {
        let node = self.target(relation, object)?;
        Ok(self.expansion(self.policy.plan.root(node.relation), node, object))
    }

    fn expansion(&self, op: OpId, node: Node, object: &str) -> Expansion {
        let plan = &self.policy.plan;
        let graph = &self.policy.graph;
        let all = |parts: &[OpId]| {
            parts
                .iter()
                .map(|p| self.expansion(*p, node, object))
                .collect()
        };
        let sorted = |mut texts: Vec<String>| {
            texts.sort_unstable();
            texts.dedup();
            texts
        };
        match plan.op(op) {
            Op::Never => Expansion::Users(Vec::new()),
            Op::Direct(relation) => {
                let rows = self.rows(Node {
                    object: node.object,
                    relation: *relation,
                });
                let users =
                    rows.into_iter()
                        .flat_map(|row| row.iter())
                        .filter_map(|(subject, _)| match subject.as_userset() {
                            Some(index) => self
                                .overlay
                                .userset_node(graph, index)
                                .map(|n| self.spell(n)),
                            None => Some(self.overlay.spelling(self.policy, subject.0).to_owned()),
                        });
                Expansion::Users(sorted(users.collect()))
            }
            Op::Computed(relation) => {
                Expansion::Computed(format!("{object}#{}", plan.relation_name(*relation)))
            }
            Op::Parents(parents) => {
                let rows = self.rows(Node {
                    object: node.object,
                    relation: parents.tupleset,
                });
                let computed = rows
                    .into_iter()
                    .flat_map(|row| row.iter())
                    .filter_map(|(s, _)| {
                        let type_id = self.overlay.type_of(self.policy, s.0)?;
                        let relation = parents.target(type_id)?;
                        Some(self.spell(Node {
                            object: s.0,
                            relation,
                        }))
                    });
                Expansion::Parents {
                    tupleset: format!("{object}#{}", plan.relation_name(parents.tupleset)),
                    computed: sorted(computed.collect()),
                }
            }
            Op::Union(parts) => Expansion::Union(all(parts)),
            Op::Intersection(parts) => Expansion::Intersection(all(parts)),
            Op::Exclusion { base, subtract } => Expansion::Exclusion {
                base: Box::new(self.expansion(*base, node, object)),
                subtract: Box::new(self.expansion(*subtract, node, object)),
            },
        }
    }
}
