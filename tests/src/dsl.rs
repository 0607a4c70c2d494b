//! A model as OpenFGA DSL text, written independently of the engine's own
//! writer.

use deputize::model::{Assignable, AssignableKind, Model, ParamType, RelationDef, Rewrite};
use std::fmt::Write as _;

/// The model as DSL text.
pub fn write(model: &Model) -> String {
    let mut out = format!("model\n  schema {}\n", model.schema);
    for def in &model.types {
        let _ = writeln!(out, "\ntype {}", def.name);
        if !def.relations.is_empty() {
            out.push_str("  relations\n");
        }
        for relation in &def.relations {
            let body = rewrite(&relation.rewrite, relation, true);
            let _ = writeln!(out, "    define {}: {body}", relation.name);
        }
    }
    for condition in &model.conditions {
        let params: Vec<String> = condition
            .params
            .iter()
            .map(|param| format!("{}: {}", param.name, param_type(&param.ty)))
            .collect();
        let (name, params, body) = (&condition.name, params.join(", "), &condition.expression);
        let _ = writeln!(out, "\ncondition {name}({params}) {{\n  {body}\n}}");
    }
    out
}

fn rewrite(node: &Rewrite, relation: &RelationDef, outermost: bool) -> String {
    let inner = |node: &Rewrite| rewrite(node, relation, false);
    let text = match node {
        Rewrite::This => {
            let list: Vec<String> = relation.assignable.iter().map(assignable).collect();
            return format!("[{}]", list.join(", "));
        }
        Rewrite::Computed(name) => return name.clone(),
        Rewrite::TupleToUserset { tupleset, computed } => {
            return format!("{computed} from {tupleset}");
        }
        Rewrite::Union(parts) => parts.iter().map(inner).collect::<Vec<_>>().join(" or "),
        Rewrite::Intersection(parts) => parts.iter().map(inner).collect::<Vec<_>>().join(" and "),
        Rewrite::Exclusion { base, subtract } => {
            format!("{} but not {}", inner(base), inner(subtract))
        }
    };
    if outermost { text } else { format!("({text})") }
}

fn assignable(entry: &Assignable) -> String {
    let mut text = entry.type_name.clone();
    match &entry.kind {
        AssignableKind::Object => {}
        AssignableKind::Wildcard => text.push_str(":*"),
        AssignableKind::Userset(relation) => {
            let _ = write!(text, "#{relation}");
        }
    }
    if let Some(condition) = &entry.condition {
        let _ = write!(text, " with {condition}");
    }
    text
}

/// A parameter's type as the DSL writes it.
pub fn param_type(ty: &ParamType) -> String {
    match ty {
        ParamType::Any => "any".into(),
        ParamType::Bool => "bool".into(),
        ParamType::String => "string".into(),
        ParamType::Int => "int".into(),
        ParamType::Uint => "uint".into(),
        ParamType::Double => "double".into(),
        ParamType::Duration => "duration".into(),
        ParamType::Timestamp => "timestamp".into(),
        ParamType::IpAddress => "ipaddress".into(),
        ParamType::Map(inner) => format!("map<{}>", param_type(inner)),
        ParamType::List(inner) => format!("list<{}>", param_type(inner)),
    }
}
