//! What a model must satisfy beyond its grammar, checked as OpenFGA's own
//! tools check it: the same kinds, words, positions and order.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::entrypoint;
use super::error::{ErrorKind, ModelError, Span};
use super::identifier;
use super::limits::ModelLimits;
use super::parse::MAX_REWRITE_DEPTH;
use super::position::{Positions, RelationAt};
use super::{Assignable, AssignableKind, Model, RelationDef, Rewrite, TypeDef};
use crate::order;

/// How many errors are reported at most: enough to mend a model by, and a
/// bound on what a hostile one can make us write.
const MAX_ERRORS: usize = 1000;

/// How many pairs of a rewrite and a type it reaches are looked at. A model of
/// OpenFGA's greatest size, 256 KB, in use needs some thousands.
pub(super) const MAX_STEPS: usize = 4_000_000;

/// Finds everything that is wrong with `model`; `positions` say where its
/// parts stand in its text, if it has one.
pub(super) fn validate(
    model: &Model,
    positions: Option<&Positions>,
    limits: &ModelLimits,
) -> Vec<ModelError> {
    if let Err(error) = limits.check(model) {
        return vec![error];
    }
    let mut check = Check {
        model,
        positions,
        types: BTreeMap::new(),
        conditions: order::set(model.conditions.iter().map(|c| c.name.as_str())),
        errors: Vec::new(),
        steps: 0,
    };
    if !check.shapes() {
        return check.errors;
    }
    check.names();
    match model.schema.as_str() {
        "1.1" | "1.2" if check.errors.is_empty() => check.meaning(),
        "1.1" | "1.2" => {}
        "" => {
            let start = positions.map(|_| Span::default());
            check.push(ModelError::new(ErrorKind::SchemaVersionRequired, "").at(start));
        }
        other => {
            let span = positions.map(|p| p.schema);
            check.push(ModelError::new(ErrorKind::InvalidSchema, other).at(span));
        }
    }
    check.modules();
    check.errors
}

struct Check<'a> {
    model: &'a Model,
    positions: Option<&'a Positions>,
    /// Each type's last definition, and its relations.
    types: BTreeMap<&'a str, TypeEntry<'a>>,
    /// The names of the conditions defined.
    conditions: BTreeSet<&'a str>,
    errors: Vec<ModelError>,
    steps: usize,
}

struct TypeEntry<'a> {
    index: usize,
    def: &'a TypeDef,
    relations: BTreeMap<&'a str, usize>,
}

impl<'a> Check<'a> {
    fn push(&mut self, error: ModelError) {
        if self.errors.len() < MAX_ERRORS {
            self.errors.push(error);
        }
    }

    /// Whether every rewrite may be walked by recursion.
    fn shapes(&mut self) -> bool {
        for def in &self.model.types {
            for relation in &def.relations {
                if let Err(kind) = shape(&relation.rewrite) {
                    let error = ModelError::new(kind, &relation.name);
                    self.push(error.in_type(&def.name).in_relation(&relation.name));
                }
            }
        }
        self.errors.is_empty()
    }

    fn names(&mut self) {
        for (index, def) in self.model.types.iter().enumerate() {
            let at = self.positions.and_then(|p| p.types.get(index));
            let span = at.map(|at| at.name);
            let mut raise = |kind| {
                let error = ModelError::new(kind, &def.name).at(span).in_type(&def.name);
                self.push(error.in_file(def.file.as_deref(), def.module.as_deref()));
            };
            if is_reserved(&def.name) {
                raise(ErrorKind::ReservedTypeName);
            }
            if identifier::type_name(&def.name).is_err() {
                raise(ErrorKind::InvalidTypeName);
            }
            let mut names = BTreeSet::new();
            for (nth, relation) in def.relations.iter().enumerate() {
                let span = at.and_then(|at| at.relations.get(nth)).map(|at| at.name);
                let (file, module) = source_of(def, relation);
                let mut raise = |kind| {
                    let error = ModelError::new(kind, &relation.name).at(span);
                    let error = error.in_type(&def.name).in_relation(&relation.name);
                    self.push(error.in_file(file, module));
                };
                // Neither the DSL nor JSON can give this, but a model made by
                // hand can.
                if !names.insert(relation.name.as_str()) {
                    raise(ErrorKind::RelationRedefined);
                }
                if is_reserved(&relation.name) {
                    raise(ErrorKind::ReservedRelationName);
                }
                if identifier::relation_name(&relation.name).is_err() {
                    raise(ErrorKind::InvalidRelationName);
                }
            }
        }
    }

    fn meaning(&mut self) {
        for (index, def) in self.model.types.iter().enumerate() {
            let relations = def.relations.iter().enumerate();
            let relations = order::map(relations.map(|(i, r)| (r.name.as_str(), i)));
            let entry = TypeEntry {
                index,
                def,
                relations,
            };
            self.types.insert(def.name.as_str(), entry);
        }
        for def in &self.model.types {
            for relation in &def.relations {
                self.references(&def.name, &relation.name);
            }
        }
        if self.errors.is_empty() {
            self.duplicates();
        }
        // Impossible relations are looked for behind advice too, since advice
        // alone refuses no model.
        if self.errors.iter().all(ModelError::is_advice) {
            self.entrypoints();
        }
        self.conditions();
    }

    fn relation(&self, type_name: &str, relation: &str) -> Option<Found<'a>> {
        let entry = self.types.get(type_name)?;
        let nth = *entry.relations.get(relation)?;
        let at = self
            .positions
            .and_then(|p| p.types.get(entry.index))
            .and_then(|at| at.relations.get(nth));
        Some(Found {
            def: entry.def,
            relation: entry.def.relations.get(nth)?,
            at,
        })
    }

    /// Everything that a relation refers to exists.
    fn references(&mut self, type_name: &str, relation: &str) {
        let Some(found) = self.relation(type_name, relation) else {
            return;
        };
        let mut left = VecDeque::from([(&found.relation.rewrite, 0)]);
        while let Some((rewrite, leaf)) = left.pop_front() {
            match rewrite {
                Rewrite::This => self.restrictions(&found),
                Rewrite::Computed(target) => {
                    if self.relation(type_name, target).is_none() {
                        let error = ModelError::new(ErrorKind::MissingRelation, target);
                        let span = found.leaf(leaf).map(|at| at.whole);
                        self.push(found.place(error).at(span));
                    }
                }
                Rewrite::TupleToUserset { tupleset, computed } => {
                    self.tupleset(&found, tupleset, computed, leaf);
                }
                Rewrite::Union(children) | Rewrite::Intersection(children) => {
                    let mut next = leaf;
                    for child in children {
                        left.push_back((child, next));
                        next += leaf_count(child);
                    }
                }
                Rewrite::Exclusion { base, subtract } => {
                    left.push_back((base, leaf));
                    left.push_back((subtract, leaf + leaf_count(base)));
                }
            }
        }
    }

    fn restrictions(&mut self, found: &Found<'a>) {
        if found.relation.assignable.is_empty() {
            let error = ModelError::new(ErrorKind::AssignableWithoutTypes, &found.relation.name);
            self.push(found.place(error).at(found.at.map(|at| at.name)));
        }
        for (nth, item) in found.relation.assignable.iter().enumerate() {
            let at = found.at.and_then(|at| at.restrictions.get(nth));
            if !self.types.contains_key(item.type_name.as_str()) {
                let error = ModelError::new(ErrorKind::InvalidType, &item.type_name);
                self.push(found.place(error).at(at.map(|at| at.type_name)));
            }
            if let Some(condition) = &item.condition
                && !self.conditions.contains(condition.as_str())
            {
                let error = ModelError::new(ErrorKind::ConditionNotDefined, condition);
                let error = found.place(error).in_condition(condition);
                self.push(error.at(at.and_then(|at| at.condition)));
            }
            if let AssignableKind::Userset(relation) = &item.kind
                && self.relation(&item.type_name, relation).is_none()
            {
                let kind = ErrorKind::InvalidRelationType {
                    missing: relation.clone(),
                    on_type: item.type_name.clone(),
                };
                let error = ModelError::new(kind, restriction_text(item, false));
                self.push(found.place(error).at(at.map(|at| at.whole)));
            }
        }
    }

    /// `computed from tupleset`: the tupleset is a plain list of types, and at
    /// least one of them has the computed relation.
    fn tupleset(&mut self, found: &Found<'a>, tupleset: &str, computed: &str, leaf: usize) {
        let at = found.leaf(leaf);
        let type_name = found.def.name.as_str();
        let phrase = format!("{computed} from {tupleset}");
        let Some(from) = self.relation(type_name, tupleset) else {
            let kind = ErrorKind::InvalidRelationType {
                missing: tupleset.to_owned(),
                on_type: type_name.to_owned(),
            };
            let error = found.place(ModelError::new(kind, phrase));
            return self.push(error.at(at.map(|at| at.whole)));
        };
        let not_direct = || {
            let error = found.place(ModelError::new(ErrorKind::TuplesetNotDirect, tupleset));
            error.at(at.map(|at| at.tupleset))
        };
        let items = match from.relation.rewrite {
            Rewrite::This => from.relation.assignable.as_slice(),
            _ => &[],
        };
        if items.is_empty() {
            return self.push(not_direct());
        }
        if !self.spend(items.len()) {
            return;
        }
        let mut lacking = Vec::new();
        for item in items {
            if item.kind != AssignableKind::Object {
                self.push(not_direct());
            } else if self.relation(&item.type_name, computed).is_none() {
                lacking.push(&item.type_name);
            }
        }
        if lacking.len() == items.len() {
            for on_type in lacking {
                let kind = ErrorKind::InvalidRelationOnTupleset {
                    computed: computed.to_owned(),
                    tupleset: tupleset.to_owned(),
                    on_type: on_type.clone(),
                };
                let error = found.place(ModelError::new(kind, phrase.as_str()));
                self.push(error.at(at.map(|at| at.whole)));
            }
        }
    }

    /// Counts work that is not proportional to the model's size, and says
    /// whether it may go on.
    fn spend(&mut self, steps: usize) -> bool {
        let before = self.steps;
        self.steps = self.steps.saturating_add(steps);
        if before <= MAX_STEPS && self.steps > MAX_STEPS {
            let limit = MAX_STEPS;
            self.push(ModelError::new(ErrorKind::TooIntricate { limit }, ""));
        }
        self.steps <= MAX_STEPS
    }

    fn duplicates(&mut self) {
        let mut first_at = BTreeMap::new();
        for (index, def) in self.model.types.iter().enumerate() {
            let at = self.positions.and_then(|p| p.types.get(index));
            if let Some(first) = first_at.get(def.name.as_str()) {
                let error = ModelError::new(ErrorKind::DuplicateType, &def.name);
                let error = error.at(*first).in_type(&def.name);
                self.push(error.in_file(def.file.as_deref(), def.module.as_deref()));
            } else {
                first_at.insert(def.name.as_str(), at.map(|at| at.name));
            }
            for (nth, relation) in def.relations.iter().enumerate() {
                let at = at.and_then(|at| at.relations.get(nth));
                let found = Found { def, relation, at };
                self.duplicate_restrictions(&found);
                self.duplicate_operands(&found);
            }
        }
    }

    fn duplicate_restrictions(&mut self, found: &Found<'a>) {
        let mut first = BTreeMap::new();
        for (nth, item) in found.relation.assignable.iter().enumerate() {
            let symbol = restriction_text(item, true);
            let Some(earlier) = first.get(&symbol).copied() else {
                first.insert(symbol, nth);
                continue;
            };
            let at = found.at.and_then(|at| at.restrictions.get(earlier));
            let span = at.map(|at| at.whole.with_width_of(&symbol));
            let error = ModelError::new(ErrorKind::DuplicateRestriction, symbol);
            self.push(found.place(error).at(span));
        }
    }

    fn duplicate_operands(&mut self, found: &Found<'a>) {
        let operands: Vec<&Rewrite> = match &found.relation.rewrite {
            Rewrite::Union(children) | Rewrite::Intersection(children) => children.iter().collect(),
            Rewrite::Exclusion { base, subtract } => vec![base, subtract],
            _ => return,
        };
        let mut seen = BTreeSet::new();
        let mut first_leaves = None;
        for operand in operands {
            let Some(symbol) = reference_text(operand) else {
                continue;
            };
            if seen.contains(&symbol) {
                if self.errors.len() >= MAX_ERRORS {
                    return;
                }
                let firsts = first_leaves.get_or_insert_with(|| found.first_leaves());
                let leaf = firsts.get(&symbol).and_then(|leaf| found.leaf(*leaf));
                let span = leaf.map(|at| at.whole);
                let error = ModelError::new(ErrorKind::DuplicateOperand, symbol);
                self.push(found.place(error).at(span));
            } else {
                seen.insert(symbol);
            }
        }
    }

    fn entrypoints(&mut self) {
        let impossible = match entrypoint::impossible(self.model) {
            Ok(impossible) => impossible,
            Err(limit) => {
                return self.push(ModelError::new(ErrorKind::TooIntricate { limit }, ""));
            }
        };
        for found in impossible {
            let Some(def) = self.model.types.get(found.type_index) else {
                continue;
            };
            let Some(relation) = def.relations.get(found.relation_index) else {
                continue;
            };
            let at = self
                .positions
                .and_then(|p| p.types.get(found.type_index))
                .and_then(|at| at.relations.get(found.relation_index));
            let is_loop = found.is_loop;
            let error = ModelError::new(ErrorKind::NoEntrypoint { is_loop }, &relation.name);
            let found = Found { def, relation, at };
            self.push(found.place(error).at(at.map(|at| at.name)));
        }
    }

    fn conditions(&mut self) {
        let relations = self.model.types.iter().flat_map(|def| &def.relations);
        let used = relations.flat_map(|relation| &relation.assignable);
        let used = order::set(used.filter_map(|item| item.condition.as_deref()));
        let mut names = BTreeSet::new();
        for (index, condition) in self.model.conditions.iter().enumerate() {
            if !names.insert(condition.name.as_str()) {
                let error = ModelError::new(ErrorKind::ConditionRedefined, &condition.name);
                self.push(error.in_condition(&condition.name));
            }
            if !used.contains(condition.name.as_str()) {
                let at = self.positions.and_then(|p| p.conditions.get(index));
                let error = ModelError::new(ErrorKind::ConditionNotUsed, &condition.name);
                let error = error
                    .at(at.map(|at| at.name))
                    .in_condition(&condition.name)
                    .in_file(condition.file.as_deref(), condition.module.as_deref());
                self.push(error);
            }
        }
    }

    /// No file holds parts of two modules.
    fn modules(&mut self) {
        let mut files: Vec<(&str, Vec<&str>)> = Vec::new();
        let mut noted = BTreeSet::new();
        let mut index: BTreeMap<&str, usize> = BTreeMap::new();
        let mut note = |file: Option<&'a str>, module: Option<&'a str>| {
            let (Some(file), Some(module)) = (file, module) else {
                return;
            };
            let nth = *index.entry(file).or_insert_with(|| {
                files.push((file, Vec::new()));
                files.len() - 1
            });
            if let Some((_, modules)) = files.get_mut(nth)
                && noted.insert((file, module))
            {
                modules.push(module);
            }
        };
        for def in &self.model.types {
            note(def.file.as_deref(), def.module.as_deref());
        }
        for def in &self.model.types {
            for relation in &def.relations {
                let (file, module) = source_of(def, relation);
                note(file, module);
            }
        }
        for condition in &self.model.conditions {
            note(condition.file.as_deref(), condition.module.as_deref());
        }
        for (file, modules) in files {
            if modules.len() > 1 {
                let modules = modules.into_iter().map(str::to_owned).collect();
                let error = ModelError::new(ErrorKind::MultipleModulesInFile { modules }, file);
                self.push(error.in_file(Some(file), None));
            }
        }
    }
}

/// A relation, its type, and where it stands.
struct Found<'a> {
    def: &'a TypeDef,
    relation: &'a RelationDef,
    at: Option<&'a RelationAt>,
}

impl<'a> Found<'a> {
    fn place(&self, error: ModelError) -> ModelError {
        let (file, module) = source_of(self.def, self.relation);
        error
            .in_type(&self.def.name)
            .in_relation(&self.relation.name)
            .in_file(file, module)
    }

    fn leaf(&self, leaf: usize) -> Option<&'a super::position::LeafAt> {
        self.at.and_then(|at| at.leaves.get(leaf))
    }

    /// For each reference, the number of the first leaf that is spelled so.
    fn first_leaves(&self) -> BTreeMap<String, usize> {
        let mut firsts = BTreeMap::new();
        let mut left = vec![&self.relation.rewrite];
        let mut leaf = 0;
        while let Some(rewrite) = left.pop() {
            match rewrite {
                Rewrite::Union(children) | Rewrite::Intersection(children) => {
                    left.extend(children.iter().rev());
                }
                Rewrite::Exclusion { base, subtract } => {
                    left.push(subtract);
                    left.push(base);
                }
                _ => {
                    if let Some(symbol) = reference_text(rewrite) {
                        firsts.entry(symbol).or_insert(leaf);
                    }
                    leaf += 1;
                }
            }
        }
        firsts
    }
}

/// The file and module of a relation: its own, or its type's.
fn source_of<'a>(
    def: &'a TypeDef,
    relation: &'a RelationDef,
) -> (Option<&'a str>, Option<&'a str>) {
    let file = relation.file.as_deref().or(def.file.as_deref());
    let module = relation.module.as_deref().or(def.module.as_deref());
    (file, module)
}

fn is_reserved(name: &str) -> bool {
    matches!(name, "self" | "this")
}

/// A restriction as the DSL writes it, with its condition or without.
fn restriction_text(item: &Assignable, with_condition: bool) -> String {
    let mut text = match &item.kind {
        AssignableKind::Object => item.type_name.clone(),
        AssignableKind::Wildcard => format!("{}:*", item.type_name),
        AssignableKind::Userset(relation) => format!("{}#{relation}", item.type_name),
    };
    if let Some(condition) = item.condition.as_ref().filter(|_| with_condition) {
        text.push_str(" with ");
        text.push_str(condition);
    }
    text
}

/// A reference to another relation as the DSL writes it; none for the rest.
fn reference_text(rewrite: &Rewrite) -> Option<String> {
    match rewrite {
        Rewrite::Computed(relation) => Some(relation.clone()),
        Rewrite::TupleToUserset { tupleset, computed } => {
            Some(format!("{computed} from {tupleset}"))
        }
        _ => None,
    }
}

fn leaf_count(rewrite: &Rewrite) -> usize {
    match rewrite {
        Rewrite::Union(children) | Rewrite::Intersection(children) => {
            children.iter().map(leaf_count).sum()
        }
        Rewrite::Exclusion { base, subtract } => leaf_count(base) + leaf_count(subtract),
        _ => 1,
    }
}

/// Whether `rewrite` may be walked by recursion and has operands everywhere.
/// The parsers see to both; a model made by hand may not. Found without
/// recursion.
pub(super) fn shape(rewrite: &Rewrite) -> Result<(), ErrorKind> {
    let mut left = vec![(rewrite, 0)];
    while let Some((rewrite, depth)) = left.pop() {
        if depth > MAX_REWRITE_DEPTH {
            let limit = MAX_REWRITE_DEPTH;
            return Err(ErrorKind::TooDeep { limit });
        }
        match rewrite {
            Rewrite::Union(children) | Rewrite::Intersection(children) => {
                if children.is_empty() {
                    return Err(ErrorKind::NoOperands);
                }
                left.extend(children.iter().map(|child| (child, depth + 1)));
            }
            Rewrite::Exclusion { base, subtract } => {
                left.push((base, depth + 1));
                left.push((subtract, depth + 1));
            }
            _ => {}
        }
    }
    Ok(())
}
