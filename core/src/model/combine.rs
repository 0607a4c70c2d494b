//! The files of a model made of modules, put together.

use std::collections::{BTreeMap, BTreeSet};

use super::error::{ErrorKind, ModelError, Span};
use super::limits::ModelLimits;
use super::parse;
use super::position::{Positions, TypeAt};
use super::validate;
use super::{Model, TypeDef};
use crate::order;

/// Puts the files of a modular model together, each given by name and
/// contents, and validates the result. `schema` is the version that `fga.mod`
/// states; the files have none of their own.
///
/// # Errors
/// What is wrong with each file by itself, then what does not fit together,
/// then what is wrong with the whole; each with its file and its position in
/// that file.
pub fn combine(files: &[(&str, &str)], schema: &str) -> Result<Model, Vec<ModelError>> {
    match admit_files(files, schema)? {
        (model, advice) if advice.is_empty() => Ok(model),
        (_, advice) => Err(advice),
    }
}

/// As [`combine`], but as strict as OpenFGA's server is: a model whose only
/// faults are [advice](ModelError::is_advice) passes, together with that
/// advice. It is to [`combine`] what [`admit`](super::admit) is to
/// [`load`](super::load).
///
/// # Errors
/// As for [`combine`], for a model with other faults.
pub fn admit_files(
    files: &[(&str, &str)],
    schema: &str,
) -> Result<(Model, Vec<ModelError>), Vec<ModelError>> {
    let mut whole = Whole {
        model: Model {
            schema: schema.to_owned(),
            ..Model::default()
        },
        ..Whole::default()
    };
    for (name, contents) in files {
        whole.add(name, contents);
    }
    for extension in std::mem::take(&mut whole.extensions) {
        whole.extend(extension);
    }
    let found = validate::validate(
        &whole.model,
        Some(&whole.positions),
        &ModelLimits::default(),
    );
    whole.errors.extend(found);
    match whole.errors.iter().all(ModelError::is_advice) {
        true => Ok((whole.model, whole.errors)),
        false => Err(whole.errors),
    }
}

#[derive(Default)]
struct Whole {
    model: Model,
    positions: Positions,
    extensions: Vec<(TypeDef, TypeAt)>,
    /// The first definition of each type.
    types: BTreeMap<String, usize>,
    conditions: BTreeSet<String>,
    errors: Vec<ModelError>,
}

impl Whole {
    fn add(&mut self, name: &str, contents: &str) {
        let parsed = match parse::parse(contents, &ModelLimits::default()) {
            Ok(parsed) => parsed,
            Err(errors) => {
                let errors = errors.into_iter().map(|e| e.in_file(Some(name), None));
                return self.errors.extend(errors);
            }
        };
        if parsed.module.is_none() {
            let error = ModelError::new(ErrorKind::NotAModule, "").at(Some(Span::default()));
            return self.errors.push(error.in_file(Some(name), None));
        }
        let types = parsed.model.types.into_iter();
        let types = types.zip(parsed.positions.types).zip(parsed.extensions);
        for ((mut def, at), extends) in types {
            def.file = Some(name.to_owned());
            if extends {
                self.extensions.push((def, at));
                continue;
            }
            let index = self.model.types.len();
            self.types.entry(def.name.clone()).or_insert(index);
            self.model.types.push(def);
            self.positions.types.push(at);
        }
        let conditions = parsed.model.conditions.into_iter();
        for (mut condition, at) in conditions.zip(parsed.positions.conditions) {
            if self.conditions.insert(condition.name.clone()) {
                condition.file = Some(name.to_owned());
                self.model.conditions.push(condition);
                self.positions.conditions.push(at);
            } else {
                let error = ModelError::new(ErrorKind::DuplicateCondition, &condition.name);
                let error = error.at(Some(at.name)).in_condition(&condition.name);
                self.errors
                    .push(error.in_file(Some(name), condition.module.as_deref()));
            }
        }
    }

    /// Adds the relations of an `extend type` to the type it extends.
    fn extend(&mut self, (extension, extension_at): (TypeDef, TypeAt)) {
        let TypeDef {
            name,
            relations,
            module,
            file,
        } = extension;
        let original = self.types.get(&name).copied();
        let original = original.and_then(|index| {
            let def = self.model.types.get_mut(index)?;
            let at = self.positions.types.get_mut(index)?;
            Some((def, at))
        });
        let Some((def, at)) = original else {
            let error = ModelError::new(ErrorKind::ExtendsMissingType, &name);
            let error = error.at(Some(extension_at.name)).in_type(&name);
            return self
                .errors
                .push(error.in_file(file.as_deref(), module.as_deref()));
        };
        let existing = order::set(def.relations.iter().map(|r| r.name.clone()));
        for (mut relation, relation_at) in relations.into_iter().zip(extension_at.relations) {
            if existing.contains(&relation.name) {
                let error = ModelError::new(ErrorKind::RelationExists, &relation.name)
                    .at(Some(relation_at.name))
                    .in_type(&name)
                    .in_relation(&relation.name);
                self.errors
                    .push(error.in_file(file.as_deref(), module.as_deref()));
            } else {
                relation.file = file.clone();
                def.relations.push(relation);
                at.relations.push(relation_at);
            }
        }
    }
}
