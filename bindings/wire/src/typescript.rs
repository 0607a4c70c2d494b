//! The shapes as TypeScript: `wasm/ts/shapes.ts` is what this prints.
//!
//! The types come by way of their JSON Schemas (`shapes.rs`). Only what those
//! hold is understood here; anything else stops the program that prints.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Map, Value};

use crate::shapes::{self, NotUnderstood, object, type_name};

/// What stands above the types.
const HEAD: &str = "\
// Written by `cargo xtask generate` from the Rust types; do not edit.
//
// The shapes of requests and answers, the same in every language.
";

type Printed = Result<String, NotUnderstood>;

/// Every shape, sorted by name.
///
/// # Errors
/// A shape of a new kind.
pub fn declarations() -> Printed {
    let mut shapes: BTreeMap<String, String> = BTreeMap::new();
    for (name, schema) in shapes::requests().into_iter().chain(shapes::answers()) {
        let shape = declaration(&name, &schema)?;
        let known = shapes.entry(name).or_insert_with(|| shape.clone());
        // Two types of one name would differ in their first lines already.
        if known.lines().next() != shape.lines().next() {
            return Err(NotUnderstood(format!("two shapes:\n{known}{shape}")));
        }
    }
    let mut text = HEAD.to_owned();
    for shape in shapes.values() {
        let _ = write!(text, "\n{shape}");
    }
    Ok(text)
}

fn declaration(name: &str, schema: &Value) -> Printed {
    let members = object(schema)?;
    let (doc, name) = (doc(members, ""), type_name(name));
    Ok(match plain_object(members) {
        true => format!("{doc}export interface {name} {}\n", body(members, "")?),
        false => format!(
            "{doc}export type {name} ={};\n",
            spaced(type_of(schema, "")?)
        ),
    })
}

/// A list of alternatives begins on a line of its own.
fn spaced(printed: String) -> String {
    match printed.starts_with('\n') {
        true => printed,
        false => format!(" {printed}"),
    }
}

/// An object of its own members and of nothing else.
fn plain_object(members: &Map<String, Value>) -> bool {
    let others = ["oneOf", "anyOf", "allOf", "$ref", "enum"];
    members.get("type") == Some(&Value::from("object"))
        && members.contains_key("properties")
        && !others.iter().any(|other| members.contains_key(*other))
}

/// The members of an object, in braces.
fn body(members: &Map<String, Value>, indent: &str) -> Printed {
    let inner = format!("{indent}  ");
    let required: Vec<&str> = match members.get("required") {
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let mut text = "{\n".to_owned();
    let properties = members.get("properties").and_then(Value::as_object);
    for (name, schema) in properties.into_iter().flatten() {
        let shown = match name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            true => name.clone(),
            false => Value::from(name.as_str()).to_string(),
        };
        let needed = required.contains(&name.as_str());
        let own = type_of(schema, &inner)?;
        // A member that may be left out need not be `null` to say nothing.
        let own = match needed {
            true => own,
            false => own.strip_suffix(" | null").unwrap_or(&own).to_owned(),
        };
        if let Value::Object(schema) = schema {
            text.push_str(&doc(schema, &inner));
        }
        let mark = if needed { "" } else { "?" };
        let _ = writeln!(text, "{inner}{shown}{mark}: {own};");
    }
    let _ = write!(text, "{indent}}}");
    Ok(text)
}

fn type_of(schema: &Value, indent: &str) -> Printed {
    let members = match schema {
        Value::Bool(true) => return Ok("unknown".to_owned()),
        _ => object(schema)?,
    };
    let mut parts: Vec<String> = Vec::new();
    if let Some(reference) = members.get("$ref") {
        let name = reference.as_str().and_then(|r| r.rsplit('/').next());
        parts.extend(name.map(type_name));
    }
    if members.contains_key("properties") {
        parts.push(body(members, indent)?);
    }
    for (word, join) in [("oneOf", " | "), ("anyOf", " | "), ("allOf", " & ")] {
        if let Some(Value::Array(several)) = members.get(word) {
            let printed: Result<Vec<_>, _> =
                several.iter().map(|one| type_of(one, indent)).collect();
            let printed = printed?.join(join);
            let alone = parts.is_empty() || join == " & ";
            parts.push(if alone {
                printed
            } else {
                format!("({printed})")
            });
        }
    }
    if !parts.is_empty() {
        return Ok(parts.join(" & "));
    }
    if let Some(Value::Array(several)) = members.get("enum") {
        let texts: Vec<_> = several.iter().map(Value::to_string).collect();
        return Ok(match texts.len() {
            0..6 => texts.join(" | "),
            _ => texts.iter().fold(String::new(), |all, one| {
                format!("{all}\n{indent}  | {one}")
            }),
        });
    }
    if let Some(only) = members.get("const") {
        return Ok(only.to_string());
    }
    match members.get("type") {
        None => Ok("unknown".to_owned()),
        Some(Value::String(one)) => simple(one, members, indent),
        Some(Value::Array(several)) => {
            let several = several.iter().filter_map(Value::as_str);
            let printed: Result<Vec<_>, _> =
                several.map(|one| simple(one, members, indent)).collect();
            Ok(printed?.join(" | "))
        }
        Some(_) => Err(NotUnderstood(schema.to_string())),
    }
}

fn simple(name: &str, members: &Map<String, Value>, indent: &str) -> Printed {
    Ok(match name {
        "string" | "boolean" | "null" => name.to_owned(),
        "integer" | "number" => "number".to_owned(),
        "array" => {
            let item = match members.get("items") {
                Some(items) => type_of(items, indent)?,
                None => "unknown".to_owned(),
            };
            match item.contains([' ', '\n']) {
                true => format!("Array<{item}>"),
                false => format!("{item}[]"),
            }
        }
        "object" => match members.get("additionalProperties") {
            None | Some(Value::Bool(true)) => "{ [name: string]: unknown }".to_owned(),
            Some(each) => format!("{{ [name: string]: {} }}", type_of(each, indent)?),
        },
        other => return Err(NotUnderstood(format!("the type `{other}`"))),
    })
}

/// A schema's description as a comment.
fn doc(members: &Map<String, Value>, indent: &str) -> String {
    let Some(said) = members.get("description").and_then(Value::as_str) else {
        return String::new();
    };
    let lines: Vec<&str> = said.lines().collect();
    if let [only] = lines.as_slice() {
        return format!("{indent}/** {only} */\n");
    }
    let mut text = format!("{indent}/**\n");
    for line in lines {
        let _ = writeln!(text, "{}", format!("{indent} * {line}").trim_end());
    }
    let _ = writeln!(text, "{indent} */");
    text
}
