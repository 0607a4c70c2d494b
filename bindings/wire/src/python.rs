//! The shapes as Python's types: `deputize/shapes.py` is what this prints.
//!
//! An object is a `TypedDict`, since that is what JSON is in Python. Members
//! that may be left out stand in a class of their own: `NotRequired` is newer
//! than the oldest Python that is served.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Map, Value};

use crate::shapes::{self, NotUnderstood, object, type_name};

/// What stands above the types.
const HEAD: &str = "\
# Written by `cargo xtask generate` from the Rust types; do not edit.
\"\"\"The shapes of requests and answers, the same in every language.\"\"\"

from __future__ import annotations

from typing import Any, Dict, List, Literal, TypeAlias, TypedDict, Union
";

/// Names that no member of a class can have.
const KEYWORDS: &[&str] = &[
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue",
    "def", "del", "elif", "else", "except", "finally", "for", "from", "global", "if", "import",
    "in", "is", "lambda", "nonlocal", "not", "or", "pass", "raise", "return", "try", "while",
    "with", "yield",
];

type Printed = Result<String, NotUnderstood>;

/// Every shape, sorted by name.
///
/// # Errors
/// A shape of a new kind.
pub fn declarations() -> Printed {
    let mut shapes: BTreeMap<String, Value> = BTreeMap::new();
    for (name, schema) in shapes::requests().into_iter().chain(shapes::answers()) {
        shapes.entry(type_name(&name)).or_insert(schema);
    }
    let mut printer = Printer::default();
    for (name, schema) in &shapes {
        printer.declare(name, schema)?;
    }
    printer.aliases()?;
    let names: Vec<_> = printer.names.iter().map(|n| format!("{n:?},")).collect();
    let list = format!("__all__ = [\n    {}\n]\n", names.join("\n    "));
    Ok(format!("{HEAD}\n{list}{}", printer.text))
}

#[derive(Default)]
struct Printer {
    names: Vec<String>,
    text: String,
    /// Names of other types, with those types and what is said of them. They
    /// are evaluated, so they stand below all classes.
    aliases: Vec<(String, String, String)>,
}

/// The members of an object: each a name, its schema, and whether it is there
/// in any case.
type Members<'s> = Vec<(&'s str, &'s Value, bool)>;

fn members<'s>(schema: &'s Map<String, Value>) -> Members<'s> {
    let required: Vec<&str> = match schema.get("required") {
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let properties = schema.get("properties").and_then(Value::as_object);
    let properties = properties.into_iter().flatten();
    let member = |(name, own): (&'s String, &'s Value)| {
        let needed = required.contains(&name.as_str());
        (name.as_str(), own, needed)
    };
    properties.map(member).collect()
}

/// The alternatives of a schema, where it has any.
fn alternatives(schema: &Map<String, Value>) -> Option<&Vec<Value>> {
    let several = schema.get("oneOf").or_else(|| schema.get("anyOf"))?;
    several.as_array()
}

impl Printer {
    fn declare(&mut self, name: &str, schema: &Value) -> Result<(), NotUnderstood> {
        let schema = object(schema)?;
        let own = members(schema);
        match alternatives(schema) {
            None if !own.is_empty() => self.class(name, schema, &own),
            // Alternatives, each with the members that all of them have.
            Some(several) if several.iter().any(has_members) => {
                let mut parts = Vec::new();
                for one in several {
                    let alternative = object(one)?;
                    if !has_members(one) {
                        parts.push(self.type_of(name, one)?);
                        continue;
                    }
                    let mut all = own.clone();
                    all.extend(members(alternative));
                    let part = format!("{name}{}", told_by(&members(alternative))?);
                    self.class(&part, alternative, &all)?;
                    parts.push(part);
                }
                self.alias(name, schema, union(&parts));
                Ok(())
            }
            _ => {
                let own = self.type_of(name, &Value::Object(schema.clone()))?;
                self.alias(name, schema, own);
                Ok(())
            }
        }
    }

    fn alias(&mut self, name: &str, schema: &Map<String, Value>, own: String) {
        let doc = doc(schema, "");
        self.aliases.push((name.to_owned(), own, doc));
        self.names.push(name.to_owned());
    }

    /// Prints the aliases, each below those that it names.
    fn aliases(&mut self) -> Result<(), NotUnderstood> {
        let mut left = std::mem::take(&mut self.aliases);
        while !left.is_empty() {
            let waiting: Vec<String> = left.iter().map(|(name, ..)| name.clone()).collect();
            let names = |own: &str, name: &String| {
                let mut words = own.split(|c: char| !c.is_ascii_alphanumeric());
                words.any(|word| word == name)
            };
            let (later, now): (Vec<_>, Vec<_>) = left
                .into_iter()
                .partition(|(_, own, _)| waiting.iter().any(|name| names(own, name)));
            if now.is_empty() {
                return Err(NotUnderstood(format!("a circle of {waiting:?}")));
            }
            for (name, own, doc) in now {
                let _ = write!(self.text, "\n{name}: TypeAlias = {own}\n{doc}");
            }
            left = later;
        }
        Ok(())
    }

    fn class(
        &mut self,
        name: &str,
        schema: &Map<String, Value>,
        own: &Members<'_>,
    ) -> Result<(), NotUnderstood> {
        let said = doc(schema, "    ");
        if own.iter().any(|(member, ..)| KEYWORDS.contains(member)) {
            return self.function(name, schema, own);
        }
        let (needed, others): (Members<'_>, Members<'_>) =
            own.iter().partition(|(_, _, needed)| *needed);
        let needed_text = self.fields(name, &needed)?;
        let others_text = self.fields(name, &others)?;
        self.text += &match (needed.is_empty(), others.is_empty()) {
            (_, true) => format!("\n\nclass {name}(TypedDict):\n{said}{needed_text}"),
            (true, false) => {
                format!("\n\nclass {name}(TypedDict, total=False):\n{said}{others_text}")
            }
            (false, false) => format!(
                "\n\nclass _{name}(TypedDict):\n{needed_text}\n\nclass {name}(_{name}, total=False):\n{said}{others_text}"
            ),
        };
        self.names.push(name.to_owned());
        Ok(())
    }

    /// A class, where one of its members has a name of Python's own.
    fn function(
        &mut self,
        name: &str,
        schema: &Map<String, Value>,
        own: &Members<'_>,
    ) -> Result<(), NotUnderstood> {
        let (needed, others): (Members<'_>, Members<'_>) =
            own.iter().partition(|(_, _, needed)| *needed);
        let (words, others): (Members<'_>, Members<'_>) = others
            .into_iter()
            .partition(|(member, ..)| KEYWORDS.contains(member));
        if words.is_empty() && others.is_empty() {
            let called = self.called(name, name, &needed, "")?;
            self.text += &(called + &doc(schema, ""));
        } else {
            let mut bases = Vec::new();
            for (members, more, suffix) in [(&needed, "", ""), (&words, "total=False", "Words")] {
                if !members.is_empty() {
                    let base = format!("_{name}{suffix}");
                    let called = self.called(name, &base, members, more)?;
                    self.text += &called;
                    bases.push(base);
                }
            }
            let (said, fields) = (doc(schema, "    "), self.fields(name, &others)?);
            let bases = bases.join(", ");
            self.text += &format!("\n\nclass {name}({bases}, total=False):\n{said}{fields}");
        }
        self.names.push(name.to_owned());
        Ok(())
    }

    /// A class made by a call, whose members may have any name.
    fn called(&mut self, name: &str, base: &str, members: &Members<'_>, more: &str) -> Printed {
        let mut text = format!("\n\n{base} = TypedDict(\n    {base:?},\n    {{\n");
        for (member, schema, _) in members {
            let own = self.type_of(&format!("{name}{}", type_name(member)), schema)?;
            let _ = writeln!(text, "        {member:?}: {own:?},");
        }
        text += "    },\n";
        if !more.is_empty() {
            let _ = writeln!(text, "    {more},");
        }
        Ok(text + ")\n")
    }

    fn fields(&mut self, class: &str, own: &Members<'_>) -> Printed {
        let mut text = String::new();
        for (member, schema, needed) in own {
            let named = format!("{class}{}", type_name(member));
            let own = self.type_of(&named, schema)?;
            // A member that may be left out need not be `None` to say nothing.
            let own = match needed {
                true => own.as_str(),
                false => own.strip_suffix(", None]").map_or(own.as_str(), |own| {
                    own.strip_prefix("Union[").unwrap_or(own)
                }),
            };
            let _ = writeln!(text, "    {member}: {own}");
            if let Value::Object(schema) = schema {
                text.push_str(&doc(schema, "    "));
            }
        }
        Ok(text)
    }

    /// A type; `named` is what an object in its midst is called.
    fn type_of(&mut self, named: &str, schema: &Value) -> Printed {
        let schema = match schema {
            Value::Bool(true) => return Ok("Any".to_owned()),
            _ => object(schema)?,
        };
        if let Some(reference) = schema.get("$ref") {
            let name = reference.as_str().and_then(|r| r.rsplit('/').next());
            return Ok(name.map(type_name).unwrap_or_default());
        }
        if schema.contains_key("properties") {
            self.class(named, schema, &members(schema))?;
            return Ok(named.to_owned());
        }
        if let Some(several) = alternatives(schema) {
            let parts: Result<Vec<_>, _> =
                several.iter().map(|one| self.type_of(named, one)).collect();
            return Ok(union(&parts?));
        }
        if let Some(Value::Array(several)) = schema.get("enum") {
            let texts: Vec<_> = several.iter().map(|t| format!("Literal[{t}]")).collect();
            return Ok(union(&texts));
        }
        if let Some(only) = schema.get("const") {
            return Ok(format!("Literal[{only}]"));
        }
        match schema.get("type") {
            None => Ok("Any".to_owned()),
            Some(Value::String(one)) => self.simple(named, one, schema),
            Some(Value::Array(several)) => {
                let several = several.iter().filter_map(Value::as_str);
                let parts: Result<Vec<_>, _> =
                    several.map(|one| self.simple(named, one, schema)).collect();
                Ok(union(&parts?))
            }
            Some(other) => Err(NotUnderstood(other.to_string())),
        }
    }

    fn simple(&mut self, named: &str, name: &str, schema: &Map<String, Value>) -> Printed {
        Ok(match name {
            "string" => "str".to_owned(),
            "boolean" => "bool".to_owned(),
            "integer" => "int".to_owned(),
            "number" => "float".to_owned(),
            "null" => "None".to_owned(),
            "array" => match schema.get("items") {
                Some(items) => format!("List[{}]", self.type_of(named, items)?),
                None => "List[Any]".to_owned(),
            },
            "object" => match schema.get("additionalProperties") {
                None | Some(Value::Bool(true)) => "Dict[str, Any]".to_owned(),
                Some(each) => format!("Dict[str, {}]", self.type_of(named, each)?),
            },
            other => return Err(NotUnderstood(format!("the type `{other}`"))),
        })
    }
}

fn has_members(schema: &Value) -> bool {
    schema.get("properties").is_some()
}

/// What an alternative is called: by the word that tells it from the others,
/// or by its only member.
fn told_by(own: &Members<'_>) -> Printed {
    let constant = own.iter().find_map(|(_, schema, _)| schema.get("const"));
    let word = match (constant, own.as_slice()) {
        (Some(Value::String(word)), _) => word.as_str(),
        (_, [(only, ..)]) => only,
        _ => return Err(NotUnderstood("an alternative without a name".to_owned())),
    };
    Ok(type_name(word))
}

fn union(parts: &[String]) -> String {
    match parts {
        [only] => only.clone(),
        several if several.len() > 5 => {
            let lines: String = several.iter().map(|one| format!("    {one},\n")).collect();
            format!("Union[\n{lines}]")
        }
        several => format!("Union[{}]", several.join(", ")),
    }
}

/// A schema's description, as a text below what it describes.
fn doc(schema: &Map<String, Value>, indent: &str) -> String {
    let Some(said) = schema.get("description").and_then(Value::as_str) else {
        return String::new();
    };
    let lines: Vec<&str> = said.lines().collect();
    if let [only] = lines.as_slice() {
        return format!("{indent}\"\"\"{only}\"\"\"\n");
    }
    let mut text = format!("{indent}\"\"\"\n");
    for line in lines {
        let _ = writeln!(text, "{}", format!("{indent}{line}").trim_end());
    }
    let _ = writeln!(text, "{indent}\"\"\"");
    text
}
