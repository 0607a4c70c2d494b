//! OpenFGA authorization models: types, relations and how each is computed.
//!
//! A model is plain data here. [`Model`] is what the DSL and the JSON form
//! both parse to, what validation reads, and what `policy` compiles.

mod combine;
mod entrypoint;
mod error;
mod explain;
mod grammar;
pub mod identifier;
mod json;
mod kind;
mod limits;
pub mod manifest;
mod parse;
mod position;
mod predict;
mod print;
mod token;
mod validate;

pub use combine::{admit_files, combine};
pub use error::{ErrorKind, Expected, ModelError, Part, Span, SyntaxError};
pub use json::{from_json, from_json_value, to_json};
pub(crate) use limits::ModelLimits;
pub use parse::MAX_REWRITE_DEPTH;
pub use print::{to_dsl, to_dsl_with_sources};

/// Parses DSL text (schema 1.1 or 1.2, or one module) into a model.
///
/// Only the grammar is checked, and that nothing is defined twice under one
/// name.
///
/// # Errors
/// Every departure from the grammar, in OpenFGA's words and at OpenFGA's
/// positions, in the order met.
pub fn parse(dsl: &str) -> Result<Model, Vec<ModelError>> {
    parse::parse(dsl, &ModelLimits::default()).map(|parsed| parsed.model)
}

/// Parses DSL text and validates what it says, as strictly as OpenFGA's tools
/// do. A single module does not pass, since it has no schema version; see
/// [`combine()`].
///
/// # Errors
/// Those of [`parse`]; or else everything that [`validate`] finds, with its
/// positions.
pub fn load(dsl: &str) -> Result<Model, Vec<ModelError>> {
    match admit(dsl)? {
        (model, advice) if advice.is_empty() => Ok(model),
        (_, advice) => Err(advice),
    }
}

/// Parses DSL text and validates what it says, as strictly as OpenFGA's server
/// does: a model whose only faults are [advice](ModelError::is_advice) passes,
/// together with that advice.
///
/// # Errors
/// As for [`load`], for a model with other faults.
pub fn admit(dsl: &str) -> Result<(Model, Vec<ModelError>), Vec<ModelError>> {
    admit_within(dsl, &ModelLimits::default())
}

/// As [`admit`], with other limits.
pub(crate) fn admit_within(
    dsl: &str,
    limits: &ModelLimits,
) -> Result<(Model, Vec<ModelError>), Vec<ModelError>> {
    let parsed = parse::parse(dsl, limits)?;
    let found = validate::validate(&parsed.model, Some(&parsed.positions), limits);
    match found.iter().all(ModelError::is_advice) {
        true => Ok((parsed.model, found)),
        false => Err(found),
    }
}

/// Checks what a model says, as strictly as OpenFGA's tools do: that all it
/// refers to exists, that no relation is impossible, and so on. A model that
/// passes, or in which only [advice](ModelError::is_advice) is found, can be
/// compiled.
///
/// # Errors
/// Everything that is found, up to a thousand errors, in the order of OpenFGA's
/// own checks; without positions, since a model holds none.
pub fn validate(model: &Model) -> Result<(), Vec<ModelError>> {
    let found = validate::validate(model, None, &ModelLimits::default());
    match found.is_empty() {
        true => Ok(()),
        false => Err(found),
    }
}

/// A whole authorization model, in the order it was written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Model {
    /// `1.1` or `1.2`.
    pub schema: String,
    /// The types, in the order written.
    pub types: Vec<TypeDef>,
    /// The conditions, in the order written.
    pub conditions: Vec<ConditionDef>,
}

impl Model {
    /// The names of the modules that its parts came from, sorted.
    pub fn modules(&self) -> std::collections::BTreeSet<&str> {
        let types = self.types.iter().flat_map(|def| {
            let relations = def.relations.iter().map(|relation| &relation.module);
            relations.chain([&def.module])
        });
        let conditions = self.conditions.iter().map(|condition| &condition.module);
        types
            .chain(conditions)
            .filter_map(Option::as_deref)
            .collect()
    }
}

/// One `type`, with its relations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeDef {
    /// The type's name, e.g. `document`.
    pub name: String,
    /// Its relations, in the order written.
    pub relations: Vec<RelationDef>,
    /// The module it was defined in (schema 1.2).
    pub module: Option<String>,
    /// The file it was defined in (schema 1.2).
    pub file: Option<String>,
}

/// One `define name: …`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelationDef {
    /// The relation's name, e.g. `viewer`.
    pub name: String,
    /// How its subjects are computed.
    pub rewrite: Rewrite,
    /// What may be assigned directly: the bracketed list. Empty when the
    /// rewrite holds no [`Rewrite::This`].
    pub assignable: Vec<Assignable>,
    /// The module, where it differs from its type's (`extend type`).
    pub module: Option<String>,
    /// The file, where it differs from its type's.
    pub file: Option<String>,
}

/// How the subjects of a relation are computed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rewrite {
    /// `[user, group#member]`: the tuples themselves.
    This,
    /// `editor`: another relation of the same object.
    Computed(String),
    /// `viewer from parent`.
    TupleToUserset {
        /// `parent`: which tuples lead to the other objects.
        tupleset: String,
        /// `viewer`: the relation asked of each of them.
        computed: String,
    },
    /// `a or b`.
    Union(Vec<Rewrite>),
    /// `a and b`.
    Intersection(Vec<Rewrite>),
    /// `base but not subtract`.
    Exclusion {
        /// Who is in.
        base: Box<Rewrite>,
        /// Who is taken out again.
        subtract: Box<Rewrite>,
    },
}

/// One entry of a bracketed list: `user`, `user:*`, `group#member`, each
/// perhaps `with condition`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignable {
    /// The subject's type.
    pub type_name: String,
    /// Which subjects of that type.
    pub kind: AssignableKind,
    /// The condition that every such tuple must name.
    pub condition: Option<String>,
}

/// Which subjects of a type may be assigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AssignableKind {
    /// `user`: one object.
    Object,
    /// `user:*`: all objects of the type at once.
    Wildcard,
    /// `group#member`: whoever has that relation.
    Userset(String),
}

/// One `condition name(params) { expression }`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConditionDef {
    /// The condition's name.
    pub name: String,
    /// Its declared parameters, in the order written.
    pub params: Vec<ParamDef>,
    /// The CEL expression, as written between the braces, trimmed.
    pub expression: String,
    /// The module it was defined in (schema 1.2).
    pub module: Option<String>,
    /// The file it was defined in (schema 1.2).
    pub file: Option<String>,
}

/// A condition's parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParamDef {
    /// The name that the expression uses.
    pub name: String,
    /// Its declared type.
    pub ty: ParamType,
}

/// The types that a condition's parameter may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParamType {
    /// `any`: checked at evaluation only.
    Any,
    /// `bool`.
    Bool,
    /// `string`.
    String,
    /// `int`: 64 bits, signed.
    Int,
    /// `uint`: 64 bits, unsigned.
    Uint,
    /// `double`.
    Double,
    /// `duration`, written as `1h30m`.
    Duration,
    /// `timestamp`, written as RFC 3339.
    Timestamp,
    /// `ipaddress`, version 4 or 6.
    IpAddress,
    /// `map<T>`: keys are strings.
    Map(Box<ParamType>),
    /// `list<T>`.
    List(Box<ParamType>),
}

#[cfg(test)]
mod tests;
