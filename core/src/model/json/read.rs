//! A model from its JSON form.
//!
//! Reading is strict: an unknown or repeated member is an error, since a typo
//! must not silently drop a rule. Members that OpenFGA's own API adds (`id`,
//! empty strings, nulls) are accepted.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use crate::model::error::{ErrorKind, ModelError, Span};
use crate::model::limits::ModelLimits;
use crate::model::parse::MAX_REWRITE_DEPTH;
use crate::model::{
    Assignable, AssignableKind, ConditionDef, Model, ParamDef, ParamType, RelationDef, Rewrite,
    TypeDef,
};

/// How deep JSON values may nest. It is also what `serde_json` allows.
const MAX_JSON_DEPTH: usize = 128;

/// How deep a parameter's type may nest: `map<list<string>>` is two.
const MAX_PARAM_DEPTH: usize = 8;

/// Reads a model from JSON text, keeping the order of its parts.
///
/// # Errors
/// Text that is not JSON, that has not the shape of a model, or that holds
/// something no model can mean: the error says what, with line and column
/// where the shape is wrong. Nothing else is checked; see
/// [`validate`](crate::model::validate).
pub fn from_json(text: &str) -> Result<Model, Vec<ModelError>> {
    let within = ModelLimits::default().check_text(text);
    within.map_err(|error| vec![error])?;
    let document: Document = serde_json::from_str(text).map_err(|e| vec![shape_error(&e)])?;
    document.into_model()
}

/// Reads a model from a JSON value. Where `serde_json` sorted the members of
/// an object, the model's parts are in that order.
///
/// # Errors
/// As for [`from_json`], without line and column.
pub fn from_json_value(value: &Value) -> Result<Model, Vec<ModelError>> {
    if !is_shallow(value) {
        let limit = MAX_REWRITE_DEPTH;
        return Err(vec![ModelError::new(ErrorKind::TooDeep { limit }, "")]);
    }
    let document = Document::deserialize(value).map_err(|e| vec![shape_error(&e)])?;
    document.into_model()
}

/// What serde says of a shape, with its place apart from its text.
fn shape_error(error: &serde_json::Error) -> ModelError {
    let mut problem = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let mut span = None;
    if let Some(end) = problem.strip_suffix(&place).map(str::len) {
        problem.truncate(end);
        let start = u32::try_from(error.column().saturating_sub(1)).unwrap_or(u32::MAX);
        span = Some(Span {
            line: u32::try_from(error.line().saturating_sub(1)).unwrap_or(u32::MAX),
            start,
            end: start,
        });
    }
    ModelError::new(ErrorKind::Json { problem }, "").at(span)
}

fn problem(text: String) -> ModelError {
    ModelError::new(ErrorKind::Json { problem: text }, "")
}

/// Whether no path into `value` is longer than the limit, found without
/// recursion.
fn is_shallow(value: &Value) -> bool {
    let mut left = vec![(value, 0)];
    while let Some((value, depth)) = left.pop() {
        if depth > MAX_JSON_DEPTH {
            return false;
        }
        match value {
            Value::Array(items) => left.extend(items.iter().map(|v| (v, depth + 1))),
            Value::Object(items) => left.extend(items.values().map(|v| (v, depth + 1))),
            _ => {}
        }
    }
    true
}

/// An object's members in the order written, each once.
struct Members<T>(Vec<(String, T)>);

impl<T> Default for Members<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Members<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Collect<T> {
            type Value = Members<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut seen = BTreeSet::new();
                let mut members = Vec::new();
                while let Some(name) = map.next_key::<String>()? {
                    if !seen.insert(name.clone()) {
                        return Err(A::Error::custom(format_args!(
                            "member `{name}` occurs twice"
                        )));
                    }
                    members.push((name, map.next_value()?));
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Collect(PhantomData))
    }
}

/// An optional string, where the empty one counts as none.
fn non_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text: Option<String> = Option::deserialize(deserializer)?;
    Ok(text.filter(|text| !text.is_empty()))
}

/// A member that stands for its default where it is `null`.
fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a model")]
struct Document {
    #[serde(default, rename = "id")]
    _id: Option<IgnoredAny>,
    #[serde(default, alias = "schemaVersion", deserialize_with = "or_default")]
    schema_version: String,
    #[serde(default, alias = "typeDefinitions", deserialize_with = "or_default")]
    type_definitions: Vec<TypeJson>,
    #[serde(default, deserialize_with = "or_default")]
    conditions: Members<ConditionJson>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a type definition")]
struct TypeJson {
    #[serde(rename = "type")]
    name: String,
    #[serde(default, deserialize_with = "or_default")]
    relations: Members<UsersetJson>,
    #[serde(default, deserialize_with = "or_default")]
    metadata: TypeMetadata,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, expecting = "a type's metadata")]
struct TypeMetadata {
    #[serde(default, deserialize_with = "or_default")]
    relations: Members<RelationMetadata>,
    #[serde(default, deserialize_with = "non_empty")]
    module: Option<String>,
    #[serde(default, alias = "sourceInfo", deserialize_with = "or_default")]
    source_info: SourceInfo,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, expecting = "a relation's metadata")]
struct RelationMetadata {
    #[serde(
        default,
        alias = "directlyRelatedUserTypes",
        deserialize_with = "or_default"
    )]
    directly_related_user_types: Vec<ReferenceJson>,
    #[serde(default, deserialize_with = "non_empty")]
    module: Option<String>,
    #[serde(default, alias = "sourceInfo", deserialize_with = "or_default")]
    source_info: SourceInfo,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, expecting = "`{\"file\": …}`")]
struct SourceInfo {
    #[serde(default, deserialize_with = "non_empty")]
    file: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a type restriction")]
struct ReferenceJson {
    #[serde(rename = "type")]
    type_name: String,
    #[serde(default, deserialize_with = "non_empty")]
    relation: Option<String>,
    #[serde(default)]
    wildcard: Option<Nothing>,
    #[serde(default, deserialize_with = "non_empty")]
    condition: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "`{}`")]
struct Nothing {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a userset")]
struct UsersetJson {
    this: Option<Nothing>,
    #[serde(rename = "computedUserset", alias = "computed_userset")]
    computed: Option<ObjectRelation>,
    #[serde(rename = "tupleToUserset", alias = "tuple_to_userset")]
    tuple_to_userset: Option<TupleToUsersetJson>,
    union: Option<Children>,
    intersection: Option<Children>,
    difference: Option<Difference>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "`{\"relation\": …}`")]
struct ObjectRelation {
    relation: String,
    #[serde(default, deserialize_with = "non_empty")]
    object: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a tuple to userset")]
struct TupleToUsersetJson {
    tupleset: ObjectRelation,
    #[serde(rename = "computedUserset", alias = "computed_userset")]
    computed: ObjectRelation,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "`{\"child\": […]}`")]
struct Children {
    child: Vec<UsersetJson>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "`{\"base\": …, \"subtract\": …}`")]
struct Difference {
    base: Box<UsersetJson>,
    subtract: Box<UsersetJson>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a condition")]
struct ConditionJson {
    name: String,
    expression: String,
    #[serde(default, deserialize_with = "or_default")]
    parameters: Members<ParamJson>,
    #[serde(default, deserialize_with = "or_default")]
    metadata: ConditionMetadata,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, expecting = "a condition's metadata")]
struct ConditionMetadata {
    #[serde(default, deserialize_with = "non_empty")]
    module: Option<String>,
    #[serde(default, alias = "sourceInfo", deserialize_with = "or_default")]
    source_info: SourceInfo,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a parameter's type")]
struct ParamJson {
    #[serde(alias = "typeName")]
    type_name: String,
    #[serde(default, alias = "genericTypes", deserialize_with = "or_default")]
    generic_types: Vec<ParamJson>,
}

impl Document {
    fn into_model(self) -> Result<Model, Vec<ModelError>> {
        let mut errors = Vec::new();
        let mut model = Model {
            schema: self.schema_version,
            ..Model::default()
        };
        for def in self.type_definitions {
            match def.into_type() {
                Ok(def) => model.types.push(def),
                Err(error) => errors.push(error),
            }
        }
        for (key, condition) in self.conditions.0 {
            match condition.into_condition(key) {
                Ok(condition) => model.conditions.push(condition),
                Err(error) => errors.push(error),
            }
        }
        match errors.is_empty() {
            true => Ok(model),
            false => Err(errors),
        }
    }
}

impl TypeJson {
    fn into_type(self) -> Result<TypeDef, ModelError> {
        let mut about = BTreeMap::new();
        for (name, metadata) in self.metadata.relations.0 {
            about.insert(name, metadata);
        }
        let mut def = TypeDef {
            name: self.name,
            relations: Vec::new(),
            module: self.metadata.module,
            file: self.metadata.source_info.file,
        };
        for (name, userset) in self.relations.0 {
            let metadata = about.remove(&name).unwrap_or_default();
            let place = |error: ModelError| error.in_type(&def.name).in_relation(&name);
            let rewrite = userset.into_rewrite(0).map_err(place)?;
            let mut assignable = Vec::new();
            for reference in metadata.directly_related_user_types {
                assignable.push(reference.into_assignable().map_err(place)?);
            }
            def.relations.push(RelationDef {
                name,
                rewrite,
                assignable,
                module: metadata.module,
                file: metadata.source_info.file,
            });
        }
        match about.pop_first() {
            None => Ok(def),
            Some((name, _)) => Err(problem(format!(
                "type `{}` has metadata for relation `{name}`, which it does not define",
                def.name
            ))
            .in_type(&def.name)
            .in_relation(&name)),
        }
    }
}

impl ReferenceJson {
    fn into_assignable(self) -> Result<Assignable, ModelError> {
        let kind = match (self.wildcard, self.relation) {
            (None, None) => AssignableKind::Object,
            (Some(_), None) => AssignableKind::Wildcard,
            (None, Some(relation)) => AssignableKind::Userset(relation),
            (Some(_), Some(relation)) => {
                let symbol = format!("{}:*#{relation}", self.type_name);
                return Err(ModelError::new(ErrorKind::WildcardWithRelation, symbol));
            }
        };
        Ok(Assignable {
            type_name: self.type_name,
            kind,
            condition: self.condition,
        })
    }
}

impl ObjectRelation {
    fn into_relation(self) -> Result<String, ModelError> {
        match self.object {
            None if !self.relation.is_empty() => Ok(self.relation),
            None => Err(problem(
                "a userset's `relation` must not be empty".to_owned(),
            )),
            Some(object) => Err(problem(format!(
                "a userset's `object` must be empty, not `{object}`"
            ))),
        }
    }
}

impl UsersetJson {
    fn into_rewrite(self, depth: usize) -> Result<Rewrite, ModelError> {
        if depth > MAX_REWRITE_DEPTH {
            let limit = MAX_REWRITE_DEPTH;
            return Err(ModelError::new(ErrorKind::TooDeep { limit }, ""));
        }
        let mut found = Vec::new();
        if self.this.is_some() {
            found.push(Rewrite::This);
        }
        if let Some(computed) = self.computed {
            found.push(Rewrite::Computed(computed.into_relation()?));
        }
        if let Some(both) = self.tuple_to_userset {
            found.push(Rewrite::TupleToUserset {
                tupleset: both.tupleset.into_relation()?,
                computed: both.computed.into_relation()?,
            });
        }
        if let Some(children) = self.union {
            found.push(Rewrite::Union(children.into_rewrites(depth)?));
        }
        if let Some(children) = self.intersection {
            found.push(Rewrite::Intersection(children.into_rewrites(depth)?));
        }
        if let Some(both) = self.difference {
            found.push(Rewrite::Exclusion {
                base: Box::new(both.base.into_rewrite(depth + 1)?),
                subtract: Box::new(both.subtract.into_rewrite(depth + 1)?),
            });
        }
        match found.pop() {
            Some(rewrite) if found.is_empty() => Ok(rewrite),
            _ => Err(problem(
                "a userset must have exactly one of `this`, `computedUserset`, \
                 `tupleToUserset`, `union`, `intersection` and `difference`"
                    .to_owned(),
            )),
        }
    }
}

impl Children {
    fn into_rewrites(self, depth: usize) -> Result<Vec<Rewrite>, ModelError> {
        if self.child.is_empty() {
            return Err(problem(
                "a union or intersection must have at least one child".to_owned(),
            ));
        }
        let children = self.child.into_iter();
        children.map(|c| c.into_rewrite(depth + 1)).collect()
    }
}

impl ConditionJson {
    fn into_condition(self, key: String) -> Result<ConditionDef, ModelError> {
        if key != self.name {
            let error = ModelError::new(ErrorKind::ConditionNameDiffers { key }, self.name.clone());
            return Err(error.in_condition(&self.name));
        }
        let mut params = Vec::new();
        for (name, ty) in self.parameters.0 {
            let ty = ty.into_type(0).map_err(|e| e.in_condition(&key))?;
            params.push(ParamDef { name, ty });
        }
        Ok(ConditionDef {
            name: key,
            params,
            expression: self.expression,
            module: self.metadata.module,
            file: self.metadata.source_info.file,
        })
    }
}

impl ParamJson {
    fn into_type(mut self, depth: usize) -> Result<ParamType, ModelError> {
        let name = self.type_name.strip_prefix("TYPE_NAME_");
        if depth >= MAX_PARAM_DEPTH {
            return Err(problem(format!(
                "a parameter's type may nest at most {MAX_PARAM_DEPTH} levels deep"
            )));
        }
        let plain = match name {
            Some("ANY") => ParamType::Any,
            Some("BOOL") => ParamType::Bool,
            Some("STRING") => ParamType::String,
            Some("INT") => ParamType::Int,
            Some("UINT") => ParamType::Uint,
            Some("DOUBLE") => ParamType::Double,
            Some("DURATION") => ParamType::Duration,
            Some("TIMESTAMP") => ParamType::Timestamp,
            Some("IPADDRESS") => ParamType::IpAddress,
            Some(container @ ("MAP" | "LIST")) => {
                let wrap = match container {
                    "MAP" => ParamType::Map,
                    _ => ParamType::List,
                };
                return match (self.generic_types.pop(), self.generic_types.is_empty()) {
                    (Some(inner), true) => Ok(wrap(Box::new(inner.into_type(depth + 1)?))),
                    _ => Err(problem(format!(
                        "`{}` must have exactly one generic type",
                        self.type_name
                    ))),
                };
            }
            _ => {
                return Err(problem(format!(
                    "`{}` is not the name of a parameter's type, such as `TYPE_NAME_STRING`",
                    self.type_name
                )));
            }
        };
        match self.generic_types.is_empty() {
            true => Ok(plain),
            false => Err(problem(format!(
                "`{}` takes no generic types",
                self.type_name
            ))),
        }
    }
}
