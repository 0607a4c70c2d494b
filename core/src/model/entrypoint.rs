//! Which relations are impossible: those that can never hold anyone, and those
//! whose computed relations lead into a circle.
//!
//! A relation has an entrypoint when some chain of tuples could put a subject
//! into it: a restriction to objects gives one, a union needs one operand that
//! has one, an intersection and an exclusion need all. That is the least
//! solution of a set of and/or equations, and unit propagation finds it in
//! time proportional to their number.

use std::collections::BTreeMap;

use super::validate::MAX_STEPS;
use super::{AssignableKind, Model, RelationDef, Rewrite};

/// An impossible relation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Impossible {
    pub(super) type_index: usize,
    pub(super) relation_index: usize,
    /// The reason is a circle of computed relations, `a: b` and `b: a`.
    /// OpenFGA's server refuses a circle even where tuples could break it, as
    /// in `a: [user] or b`.
    pub(super) is_loop: bool,
}

/// The impossible relations of a model whose references all exist, in the
/// order of their definitions.
///
/// # Errors
/// The limit, if the model has more edges than it allows.
pub(super) fn impossible(model: &Model) -> Result<Vec<Impossible>, usize> {
    let mut graph = Graph::default();
    for (type_index, def) in model.types.iter().enumerate() {
        let mut relations = BTreeMap::new();
        for (nth, relation) in def.relations.iter().enumerate() {
            relations.insert(relation.name.as_str(), (graph.add(1), nth));
        }
        graph.types.insert(def.name.as_str(), type_index);
        graph.relations.push(relations);
    }
    for (type_index, def) in model.types.iter().enumerate() {
        let mut roots = Vec::new();
        for relation in &def.relations {
            let root = graph.expression(model, type_index, relation, &relation.rewrite);
            if let Some(node) = graph.relation(type_index, &relation.name) {
                graph.edge(root, node);
            }
            roots.push(root);
        }
        graph.roots.push(roots);
        if graph.edges > MAX_STEPS {
            return Err(MAX_STEPS);
        }
    }
    graph.propagate();
    let loops = graph.loops(model, false);
    let circles = graph.loops(model, true);
    let mut found = Vec::new();
    for (type_index, def) in model.types.iter().enumerate() {
        for (relation_index, relation) in def.relations.iter().enumerate() {
            let Some(node) = graph.relation(type_index, &relation.name) else {
                continue;
            };
            let held = graph.holds(node);
            let marks = if held { &circles } else { &loops };
            let is_loop = marks.get(node).copied().unwrap_or(false);
            if !held || is_loop {
                found.push(Impossible {
                    type_index,
                    relation_index,
                    is_loop,
                });
            }
        }
    }
    Ok(found)
}

#[derive(Default)]
struct Graph<'a> {
    nodes: Vec<Node>,
    edges: usize,
    types: BTreeMap<&'a str, usize>,
    /// For each type, its relations' nodes and indexes.
    relations: Vec<BTreeMap<&'a str, (usize, usize)>>,
    /// Nodes found to hold whose parents have not been told.
    ready: Vec<usize>,
    /// For each type and relation index, the topmost node of its rewrite. The
    /// nodes of a rewrite are numbered from there, each before its operands.
    roots: Vec<Vec<usize>>,
}

struct Node {
    /// How many more of its operands must hold before it does.
    missing: usize,
    /// Who has it as an operand.
    parents: Vec<usize>,
}

impl<'a> Graph<'a> {
    fn add(&mut self, missing: usize) -> usize {
        self.nodes.push(Node {
            missing,
            parents: Vec::new(),
        });
        self.nodes.len() - 1
    }

    fn edge(&mut self, operand: usize, parent: usize) {
        self.edges += 1;
        if self.edges <= MAX_STEPS
            && let Some(node) = self.nodes.get_mut(operand)
        {
            node.parents.push(parent);
        }
    }

    fn relation(&self, type_index: usize, name: &str) -> Option<usize> {
        let relations = self.relations.get(type_index)?;
        relations.get(name).map(|(node, _)| *node)
    }

    fn relation_of(&self, type_name: &str, name: &str) -> Option<usize> {
        self.relation(*self.types.get(type_name)?, name)
    }

    fn holds(&self, node: usize) -> bool {
        self.nodes.get(node).is_some_and(|node| node.missing == 0)
    }

    fn hold(&mut self, node: usize) {
        if let Some(found) = self.nodes.get_mut(node)
            && found.missing > 0
        {
            found.missing = 0;
            self.ready.push(node);
        }
    }

    /// Adds the nodes of a rewrite, and gives the topmost. Recursion is
    /// bounded by the rewrite's depth, which validation checks first.
    fn expression(
        &mut self,
        model: &'a Model,
        type_index: usize,
        relation: &'a RelationDef,
        rewrite: &'a Rewrite,
    ) -> usize {
        match rewrite {
            Rewrite::This => {
                let node = self.add(1);
                for item in &relation.assignable {
                    match &item.kind {
                        AssignableKind::Object | AssignableKind::Wildcard => self.hold(node),
                        AssignableKind::Userset(name) => {
                            if let Some(operand) = self.relation_of(&item.type_name, name) {
                                self.edge(operand, node);
                            }
                        }
                    }
                }
                node
            }
            Rewrite::Computed(name) => {
                let node = self.add(1);
                if let Some(operand) = self.relation(type_index, name) {
                    self.edge(operand, node);
                }
                node
            }
            Rewrite::TupleToUserset { tupleset, computed } => {
                let node = self.add(1);
                let from = self
                    .relations
                    .get(type_index)
                    .and_then(|r| r.get(tupleset.as_str()));
                let from = from.map(|(_, nth)| *nth);
                let def = model.types.get(type_index);
                let from = def.zip(from).and_then(|(def, nth)| def.relations.get(nth));
                for item in from
                    .map(|from| from.assignable.as_slice())
                    .unwrap_or_default()
                {
                    if let Some(operand) = self.relation_of(&item.type_name, computed) {
                        self.edge(operand, node);
                    }
                }
                node
            }
            Rewrite::Union(children) => {
                let node = self.add(1);
                for child in children {
                    let operand = self.expression(model, type_index, relation, child);
                    self.edge(operand, node);
                }
                node
            }
            Rewrite::Intersection(children) => {
                let node = self.add(children.len());
                for child in children {
                    let operand = self.expression(model, type_index, relation, child);
                    self.edge(operand, node);
                }
                node
            }
            Rewrite::Exclusion { base, subtract } => {
                let node = self.add(2);
                for child in [base, subtract] {
                    let operand = self.expression(model, type_index, relation, child);
                    self.edge(operand, node);
                }
                node
            }
        }
    }

    /// Tells the parents of all nodes that hold, until nothing changes.
    fn propagate(&mut self) {
        while let Some(node) = self.ready.pop() {
            let parents = self
                .nodes
                .get_mut(node)
                .map(|n| std::mem::take(&mut n.parents));
            for parent in parents.unwrap_or_default() {
                let Some(found) = self.nodes.get_mut(parent) else {
                    continue;
                };
                match found.missing {
                    0 => {}
                    1 => self.hold(parent),
                    _ => found.missing -= 1,
                }
            }
        }
    }

    /// For each relation, whether computed relations lead from it into a
    /// circle. With `all`, every operand is followed. Without, the reason why
    /// a relation does not hold is: from those that do not hold, a union
    /// follows all its operands, and an intersection or exclusion the first
    /// that does not hold.
    fn loops(&self, model: &'a Model, all: bool) -> Vec<bool> {
        let mut targets: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (type_index, def) in model.types.iter().enumerate() {
            for (nth, relation) in def.relations.iter().enumerate() {
                let root = self.roots.get(type_index).and_then(|r| r.get(nth));
                let node = self.relation(type_index, &relation.name);
                let (Some(root), Some(node)) = (root, node) else {
                    continue;
                };
                if all || !self.holds(node) {
                    let mut out = Vec::new();
                    let mut walk = Walk {
                        type_index,
                        all,
                        next: *root,
                        out: &mut out,
                    };
                    self.followed(&relation.rewrite, &mut walk, true);
                    targets.insert(node, out);
                }
            }
        }
        // What remains when dead ends are taken away again and again leads
        // into a circle.
        let mut left: BTreeMap<usize, usize> = BTreeMap::new();
        let mut sources: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        let mut dead_ends = Vec::new();
        for (node, out) in &targets {
            for target in out {
                sources.entry(*target).or_default().push(*node);
            }
            left.insert(*node, out.len());
            if out.is_empty() {
                dead_ends.push(*node);
            }
        }
        while let Some(node) = dead_ends.pop() {
            for source in sources.remove(&node).unwrap_or_default() {
                if let Some(count) = left.get_mut(&source) {
                    *count -= 1;
                    if *count == 0 {
                        dead_ends.push(source);
                    }
                }
            }
        }
        let mut loops = vec![false; self.nodes.len()];
        for (node, count) in left {
            if let Some(found) = loops.get_mut(node) {
                *found = count > 0;
            }
        }
        loops
    }

    /// Collects the relations that `rewrite` computes from, as far as they
    /// are followed.
    fn followed(&self, rewrite: &Rewrite, walk: &mut Walk<'_>, follow: bool) {
        walk.next += 1;
        match rewrite {
            Rewrite::This | Rewrite::TupleToUserset { .. } => {}
            Rewrite::Computed(name) => {
                if follow {
                    let target = self.relation(walk.type_index, name);
                    let all = walk.all;
                    walk.out
                        .extend(target.filter(|node| all || !self.holds(*node)));
                }
            }
            Rewrite::Union(children) => {
                for child in children {
                    self.followed(child, walk, follow);
                }
            }
            Rewrite::Intersection(children) => self.first(children, walk, follow),
            Rewrite::Exclusion { base, subtract } => self.first([&**base, subtract], walk, follow),
        }
    }

    /// Follows the first operand that does not hold, or all of them.
    fn first<'r>(
        &self,
        operands: impl IntoIterator<Item = &'r Rewrite>,
        walk: &mut Walk<'_>,
        mut follow: bool,
    ) {
        for operand in operands {
            let chosen = follow && (walk.all || !self.holds(walk.next));
            self.followed(operand, walk, chosen);
            follow &= walk.all || !chosen;
        }
    }
}

/// A walk over one rewrite.
struct Walk<'o> {
    type_index: usize,
    all: bool,
    /// The node of the operand that comes next.
    next: usize,
    out: &'o mut Vec<usize>,
}
