//! Random models that OpenFGA accepts.

use super::Shape;
use crate::conditions;
use crate::dice::Dice;
use crate::naive::relation_of;
use deputize::model::{Assignable, AssignableKind, Model, RelationDef, Rewrite, TypeDef};
use std::collections::BTreeSet;

/// The names of types that hold relations.
const TYPES: [&str; 4] = ["group", "folder", "document", "team"];
/// The names of relations that lead to parents.
const PARENTS: [&str; 2] = ["parent", "origin"];
/// The names of other relations.
const RELATIONS: [&str; 8] = [
    "member", "owner", "editor", "viewer", "blocked", "can_read", "can_edit", "auditor",
];

/// A random sound model.
pub fn model(dice: &mut Dice, shape: Shape) -> Model {
    loop {
        let drawn = draw(dice, shape);
        if is_sound(&drawn) {
            return drawn;
        }
    }
}

fn draw(dice: &mut Dice, shape: Shape) -> Model {
    let mut names = TYPES.to_vec();
    dice.shuffle(&mut names);
    names.truncate(dice.between(1, shape.types));
    // First who has which relations, so that any may speak of any.
    let mut outline: Vec<(&str, Vec<&str>, Vec<&str>)> = Vec::new();
    for name in names {
        let mut relations = RELATIONS.to_vec();
        if shape.below {
            // Types then share names, so that a filter may mix them.
            relations.truncate(shape.relations + 1);
        }
        dice.shuffle(&mut relations);
        relations.truncate(dice.between(if shape.below { 2 } else { 1 }, shape.relations));
        let parents = PARENTS[..dice.below(3)].to_vec();
        outline.push((name, parents, relations));
    }
    let conditions: Vec<&str> = {
        let catalogue = conditions::catalogue();
        let wanted = if dice.chance(if shape.below { 75 } else { 50 }) {
            dice.between(1, 3)
        } else {
            0
        };
        (0..wanted).map(|_| dice.pick(&catalogue).name).collect()
    };
    let mut artist = Artist {
        dice,
        outline: &outline,
        conditions: &conditions,
        shape,
    };
    let mut types: Vec<TypeDef> = ["user", "bot"]
        .map(|name| type_def(name, Vec::new()))
        .into();
    for (name, parents, relations) in &outline {
        let mut defs: Vec<RelationDef> =
            parents.iter().map(|parent| artist.parent(parent)).collect();
        // Computed relations only look back, so that none defines itself.
        for index in 0..relations.len() {
            let def = artist.relation(name, parents, &relations[..index], relations[index]);
            defs.push(def);
        }
        types.push(type_def(name, defs));
    }
    let used: BTreeSet<&String> = types
        .iter()
        .flat_map(|def| &def.relations)
        .flat_map(|def| &def.assignable)
        .filter_map(|entry| entry.condition.as_ref())
        .collect();
    let conditions = conditions::catalogue();
    let conditions = conditions
        .iter()
        .filter(|entry| used.iter().any(|name| *name == entry.name));
    let conditions = conditions.map(conditions::Entry::definition).collect();
    Model {
        schema: "1.1".into(),
        types,
        conditions,
    }
}

fn type_def(name: &str, relations: Vec<RelationDef>) -> TypeDef {
    TypeDef {
        name: name.into(),
        relations,
        module: None,
        file: None,
    }
}

struct Artist<'a> {
    dice: &'a mut Dice,
    outline: &'a [(&'a str, Vec<&'a str>, Vec<&'a str>)],
    conditions: &'a [&'a str],
    shape: Shape,
}

impl Artist<'_> {
    /// A relation that leads to other objects: OpenFGA wants it to be direct,
    /// without usersets and wildcards.
    fn parent(&mut self, name: &str) -> RelationDef {
        let mut assignable = Vec::new();
        for _ in 0..self.dice.between(1, 2) {
            let (type_name, _, _) = *self.dice.pick(self.outline);
            self.entry(&mut assignable, type_name, AssignableKind::Object);
        }
        RelationDef {
            name: name.into(),
            rewrite: Rewrite::This,
            assignable,
            module: None,
            file: None,
        }
    }

    fn relation(
        &mut self,
        of: &str,
        parents: &[&str],
        earlier: &[&str],
        name: &str,
    ) -> RelationDef {
        let mut direct = self.dice.chance(if self.shape.below { 90 } else { 75 });
        let nesting = self.dice.below(self.shape.nesting + 1);
        let rewrite = match earlier {
            [.., last] if self.shape.below && self.dice.chance(60) => {
                let base = Box::new(self.leaf(&mut direct, parents, earlier));
                let mut subtract = Rewrite::Computed((*last).to_owned());
                if self.dice.chance(40) {
                    let nesting = self.dice.below(nesting + 1);
                    subtract = self.rewrite(nesting, &mut false, parents, earlier);
                }
                let subtract = Box::new(subtract);
                Rewrite::Exclusion { base, subtract }
            }
            _ => self.rewrite(nesting, &mut direct, parents, earlier),
        };
        let mut def = RelationDef {
            name: name.into(),
            rewrite,
            assignable: Vec::new(),
            module: None,
            file: None,
        };
        if holds_this(&def.rewrite) {
            for _ in 0..self.dice.between(1, 4) {
                self.subject(&mut def.assignable);
            }
            // Of this very relation: cycles through whatever its rewrite is.
            if self.shape.below && self.dice.chance(60) {
                let own = AssignableKind::Userset(name.to_owned());
                self.entry(&mut def.assignable, of, own);
            }
        }
        def
    }

    /// `direct` says whether the bracketed list may still be placed: the DSL
    /// takes it once, and as the leftmost leaf.
    fn rewrite(
        &mut self,
        nesting: usize,
        direct: &mut bool,
        parents: &[&str],
        earlier: &[&str],
    ) -> Rewrite {
        if nesting == 0 {
            return self.leaf(direct, parents, earlier);
        }
        let first = self.rewrite(nesting - 1, direct, parents, earlier);
        *direct = false;
        let other = |artist: &mut Self| {
            let nesting = artist.dice.below(nesting);
            artist.rewrite(nesting, &mut false, parents, earlier)
        };
        // For what lies below exclusions, every other operation is one.
        let drawn = match self.shape.below {
            true => [0, 0, 4, 4, 7, 7, 7, 7][self.dice.below(8)],
            false => self.dice.below(10),
        };
        match drawn {
            0..4 => {
                let mut parts = vec![first, other(self)];
                if self.dice.chance(30) {
                    parts.push(other(self));
                }
                Rewrite::Union(parts)
            }
            4..7 => {
                let mut parts = vec![first, other(self)];
                if self.dice.chance(20) {
                    parts.push(other(self));
                }
                Rewrite::Intersection(parts)
            }
            _ => {
                let subtract = other(self);
                Rewrite::Exclusion {
                    base: Box::new(first),
                    subtract: Box::new(subtract),
                }
            }
        }
    }

    fn leaf(&mut self, direct: &mut bool, parents: &[&str], earlier: &[&str]) -> Rewrite {
        if std::mem::take(direct) || (parents.is_empty() && earlier.is_empty()) {
            return Rewrite::This;
        }
        if earlier.is_empty() || (!parents.is_empty() && self.dice.chance(45)) {
            let (_, _, relations) = self.dice.pick(self.outline);
            let computed = (*self.dice.pick(relations)).to_owned();
            return Rewrite::TupleToUserset {
                tupleset: (*self.dice.pick(parents)).to_owned(),
                computed,
            };
        }
        Rewrite::Computed((*self.dice.pick(earlier)).to_owned())
    }

    fn subject(&mut self, list: &mut Vec<Assignable>) {
        let (type_name, _, relations) = self.dice.pick(self.outline).clone();
        match self.dice.below(20) {
            0..7 => self.entry(list, "user", AssignableKind::Object),
            7..9 => self.entry(list, "bot", AssignableKind::Object),
            9..11 => self.entry(list, "user", AssignableKind::Wildcard),
            11 => self.entry(list, "bot", AssignableKind::Wildcard),
            12 => self.entry(list, type_name, AssignableKind::Object),
            13 => self.entry(list, type_name, AssignableKind::Wildcard),
            _ => {
                let relation = (*self.dice.pick(&relations)).to_owned();
                self.entry(list, type_name, AssignableKind::Userset(relation));
            }
        }
    }

    fn entry(&mut self, list: &mut Vec<Assignable>, type_name: &str, kind: AssignableKind) {
        let condition = (!self.conditions.is_empty() && self.dice.chance(35))
            .then(|| (*self.dice.pick(self.conditions)).to_owned());
        let entry = Assignable {
            type_name: type_name.into(),
            kind,
            condition,
        };
        let twin = Assignable {
            condition: match entry.condition {
                Some(_) => None,
                None => self.conditions.first().map(|name| (*name).to_owned()),
            },
            ..entry.clone()
        };
        if !list.contains(&entry) {
            list.push(entry);
        }
        // The same with and without a condition: mixed tuple sets.
        if self.shape.below && self.dice.chance(50) && !list.contains(&twin) {
            list.push(twin);
        }
    }
}

fn holds_this(node: &Rewrite) -> bool {
    match node {
        Rewrite::This => true,
        Rewrite::Computed(_) | Rewrite::TupleToUserset { .. } => false,
        Rewrite::Union(parts) | Rewrite::Intersection(parts) => parts.iter().any(holds_this),
        Rewrite::Exclusion { base, subtract } => holds_this(base) || holds_this(subtract),
    }
}

/// Whether OpenFGA would accept the model: names resolve, the bracketed list is
/// the leftmost leaf and stands once, each relation can be had by someone.
pub fn is_sound(model: &Model) -> bool {
    model.types.iter().all(|def| {
        def.relations.iter().all(|relation| {
            let mut leaves = Vec::new();
            leaves_of(&relation.rewrite, &mut leaves);
            let direct_first = leaves
                .iter()
                .skip(1)
                .all(|leaf| !matches!(leaf, Rewrite::This));
            let names = leaves.iter().all(|leaf| resolves(model, &def.name, leaf));
            let subjects = relation.assignable.iter().all(|entry| match &entry.kind {
                AssignableKind::Userset(member) => {
                    relation_of(model, &entry.type_name, member).is_some()
                }
                _ => model.types.iter().any(|def| def.name == entry.type_name),
            });
            let listed = relation.assignable.is_empty() != holds_this(&relation.rewrite);
            direct_first
                && says_nothing_twice(&relation.rewrite)
                && names
                && subjects
                && listed
                && enterable(
                    model,
                    &def.name,
                    &relation.rewrite,
                    relation,
                    &[(def.name.clone(), relation.name.clone())],
                )
        })
    })
}

fn leaves_of<'m>(node: &'m Rewrite, leaves: &mut Vec<&'m Rewrite>) {
    match node {
        Rewrite::Union(parts) | Rewrite::Intersection(parts) => {
            parts.iter().for_each(|part| leaves_of(part, leaves));
        }
        Rewrite::Exclusion { base, subtract } => {
            leaves_of(base, leaves);
            leaves_of(subtract, leaves);
        }
        leaf => leaves.push(leaf),
    }
}

/// OpenFGA's own validator of the DSL refuses `a or a`.
fn says_nothing_twice(node: &Rewrite) -> bool {
    let parts: Vec<&Rewrite> = match node {
        Rewrite::Union(parts) | Rewrite::Intersection(parts) => parts.iter().collect(),
        Rewrite::Exclusion { base, subtract } => vec![base, subtract],
        _ => return true,
    };
    let twice = |(index, part): (usize, &&Rewrite)| parts[..index].contains(part);
    !parts.iter().enumerate().any(twice) && parts.iter().all(|part| says_nothing_twice(part))
}

fn resolves(model: &Model, type_name: &str, leaf: &Rewrite) -> bool {
    match leaf {
        Rewrite::Computed(other) => relation_of(model, type_name, other).is_some(),
        Rewrite::TupleToUserset { tupleset, computed } => relation_of(model, type_name, tupleset)
            .is_some_and(|def| {
                def.assignable
                    .iter()
                    .any(|entry| relation_of(model, &entry.type_name, computed).is_some())
            }),
        _ => true,
    }
}

/// Whether someone could have the relation, following OpenFGA's own rule for
/// refusing models: every branch must be enterable, also a subtracted one.
fn enterable(
    model: &Model,
    type_name: &str,
    node: &Rewrite,
    def: &RelationDef,
    visited: &[(String, String)],
) -> bool {
    let follow = |type_name: &str, relation: &str| {
        let key = (type_name.to_owned(), relation.to_owned());
        if visited.contains(&key) {
            return false;
        }
        let Some(next) = relation_of(model, type_name, relation) else {
            return false;
        };
        let mut visited = visited.to_vec();
        visited.push(key);
        enterable(model, type_name, &next.rewrite, next, &visited)
    };
    match node {
        Rewrite::This => def.assignable.iter().any(|entry| match &entry.kind {
            AssignableKind::Userset(member) => follow(&entry.type_name, member),
            _ => true,
        }),
        Rewrite::Computed(other) => follow(type_name, other),
        Rewrite::TupleToUserset { tupleset, computed } => relation_of(model, type_name, tupleset)
            .is_some_and(|parents| {
                parents
                    .assignable
                    .iter()
                    .any(|entry| follow(&entry.type_name, computed))
            }),
        Rewrite::Union(parts) => parts
            .iter()
            .any(|part| enterable(model, type_name, part, def, visited)),
        Rewrite::Intersection(parts) => parts
            .iter()
            .all(|part| enterable(model, type_name, part, def, visited)),
        Rewrite::Exclusion { base, subtract } => [base, subtract]
            .iter()
            .all(|part| enterable(model, type_name, part, def, visited)),
    }
}
