//! A model in its JSON form.

use serde_json::{Map, Value, json};

use crate::model::{Assignable, AssignableKind, ConditionDef, Model, ParamType, Rewrite, TypeDef};

/// Writes a model as JSON, in the shape of OpenFGA's API.
pub fn to_json(model: &Model) -> Value {
    let mut out = Map::new();
    if !model.schema.is_empty() {
        out.insert("schema_version".to_owned(), json!(model.schema));
    }
    if !model.types.is_empty() {
        let types: Vec<Value> = model.types.iter().map(type_json).collect();
        out.insert("type_definitions".to_owned(), types.into());
    }
    if !model.conditions.is_empty() {
        let mut conditions = Map::new();
        for condition in &model.conditions {
            conditions.insert(condition.name.clone(), condition_json(condition));
        }
        out.insert("conditions".to_owned(), conditions.into());
    }
    Value::Object(out)
}

fn type_json(def: &TypeDef) -> Value {
    let mut relations = Map::new();
    let mut metadata = Map::new();
    for relation in &def.relations {
        relations.insert(relation.name.clone(), rewrite_json(&relation.rewrite));
        let types: Vec<Value> = relation.assignable.iter().map(assignable_json).collect();
        let mut about = Map::new();
        about.insert("directly_related_user_types".to_owned(), types.into());
        add_source(&mut about, &relation.module, &relation.file);
        metadata.insert(relation.name.clone(), about.into());
    }
    let mut about = Map::new();
    if !metadata.is_empty() {
        about.insert("relations".to_owned(), metadata.into());
    }
    add_source(&mut about, &def.module, &def.file);
    let about = match about.is_empty() {
        true => Value::Null,
        false => about.into(),
    };
    json!({ "type": def.name, "relations": relations, "metadata": about })
}

fn add_source(about: &mut Map<String, Value>, module: &Option<String>, file: &Option<String>) {
    if let Some(module) = module {
        about.insert("module".to_owned(), json!(module));
    }
    if let Some(file) = file {
        about.insert("source_info".to_owned(), json!({ "file": file }));
    }
}

fn assignable_json(assignable: &Assignable) -> Value {
    let mut out = Map::new();
    out.insert("type".to_owned(), json!(assignable.type_name));
    match &assignable.kind {
        AssignableKind::Object => {}
        AssignableKind::Wildcard => {
            out.insert("wildcard".to_owned(), json!({}));
        }
        AssignableKind::Userset(relation) => {
            out.insert("relation".to_owned(), json!(relation));
        }
    }
    if let Some(condition) = &assignable.condition {
        out.insert("condition".to_owned(), json!(condition));
    }
    out.into()
}

fn rewrite_json(rewrite: &Rewrite) -> Value {
    let children = |all: &[Rewrite]| all.iter().map(rewrite_json).collect::<Vec<Value>>();
    match rewrite {
        Rewrite::This => json!({ "this": {} }),
        Rewrite::Computed(relation) => json!({ "computedUserset": { "relation": relation } }),
        Rewrite::TupleToUserset { tupleset, computed } => json!({ "tupleToUserset": {
            "tupleset": { "relation": tupleset },
            "computedUserset": { "relation": computed },
        } }),
        Rewrite::Union(all) => json!({ "union": { "child": children(all) } }),
        Rewrite::Intersection(all) => json!({ "intersection": { "child": children(all) } }),
        Rewrite::Exclusion { base, subtract } => json!({ "difference": {
            "base": rewrite_json(base),
            "subtract": rewrite_json(subtract),
        } }),
    }
}

fn condition_json(condition: &ConditionDef) -> Value {
    let mut parameters = Map::new();
    for param in &condition.params {
        parameters.insert(param.name.clone(), param_json(&param.ty));
    }
    let mut out = Map::new();
    out.insert("name".to_owned(), json!(condition.name));
    out.insert("expression".to_owned(), json!(condition.expression));
    out.insert("parameters".to_owned(), parameters.into());
    let mut about = Map::new();
    add_source(&mut about, &condition.module, &condition.file);
    if !about.is_empty() {
        out.insert("metadata".to_owned(), about.into());
    }
    out.into()
}

fn param_json(ty: &ParamType) -> Value {
    let (name, inner) = match ty {
        ParamType::Any => ("ANY", None),
        ParamType::Bool => ("BOOL", None),
        ParamType::String => ("STRING", None),
        ParamType::Int => ("INT", None),
        ParamType::Uint => ("UINT", None),
        ParamType::Double => ("DOUBLE", None),
        ParamType::Duration => ("DURATION", None),
        ParamType::Timestamp => ("TIMESTAMP", None),
        ParamType::IpAddress => ("IPADDRESS", None),
        ParamType::Map(inner) => ("MAP", Some(inner)),
        ParamType::List(inner) => ("LIST", Some(inner)),
    };
    let mut out = Map::new();
    out.insert("type_name".to_owned(), json!(format!("TYPE_NAME_{name}")));
    if let Some(inner) = inner {
        out.insert("generic_types".to_owned(), json!([param_json(inner)]));
    }
    out.into()
}
