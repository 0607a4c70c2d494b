//! A model as DSL text, in the one form that OpenFGA's tools print.

use std::cmp::Ordering;
use std::fmt::Write as _;

use super::error::{ErrorKind, ModelError};
use super::kind::Kind;
use super::parse;
use super::token;
use super::validate;
use super::{
    Assignable, AssignableKind, ConditionDef, Model, ParamType, RelationDef, Rewrite, TypeDef,
};
use crate::order;

/// Writes a model as DSL text.
///
/// Conditions and parameters come in the order of their names; in a model made
/// of modules, types and relations do too, by module, file and name. A
/// bracketed list comes first among its operands.
///
/// # Errors
/// The first part that the DSL has no way to write: a bracketed list other
/// than first or more than once, a name with characters of its own, a
/// parameter of type `any`, an expression with braces.
pub fn to_dsl(model: &Model) -> Result<String, ModelError> {
    print(model, false)
}

/// Writes a model as [`to_dsl`] does, and behind each part from which module
/// and file it came.
///
/// # Errors
/// As for [`to_dsl`].
pub fn to_dsl_with_sources(model: &Model) -> Result<String, ModelError> {
    print(model, true)
}

fn print(model: &Model, sources: bool) -> Result<String, ModelError> {
    let schema = match model.schema.as_str() {
        "" => "1.1",
        version => version,
    };
    if token::whole(schema, false) != Some(Kind::SchemaVersion) {
        return Err(ModelError::new(ErrorKind::NotInDsl, schema));
    }
    let is_modular = model.types.iter().any(|def| def.module.is_some());
    let mut printer = Printer {
        out: format!("model\n  schema {schema}\n"),
        sources,
        is_modular,
    };
    let mut types: Vec<&TypeDef> = model.types.iter().collect();
    if is_modular {
        order::sort_by(&mut types, |a, b| by_source(source(*a), source(*b)));
    }
    for def in types {
        printer.type_def(def)?;
    }
    let mut conditions: Vec<&ConditionDef> = model.conditions.iter().collect();
    if is_modular {
        order::sort_by(&mut conditions, |a, b| by_source(source(*a), source(*b)));
    } else {
        order::sort_by(&mut conditions, |a, b| a.name.cmp(&b.name));
    }
    for condition in conditions {
        printer.condition(condition)?;
    }
    Ok(printer.out)
}

/// What a part is called and where it came from.
type Source<'a> = (&'a str, Option<&'a str>, Option<&'a str>);

trait Sourced {
    fn source(&self) -> Source<'_>;
}

macro_rules! sourced {
    ($($part:ty),*) => {$(
        impl Sourced for $part {
            fn source(&self) -> Source<'_> {
                (&self.name, self.module.as_deref(), self.file.as_deref())
            }
        }
    )*};
}

sourced!(TypeDef, RelationDef, ConditionDef);

fn source(part: &impl Sourced) -> Source<'_> {
    part.source()
}

/// By module, file and name; what has no module belongs with what holds it and
/// comes first, by name alone.
fn by_source(a: Source<'_>, b: Source<'_>) -> Ordering {
    let (a_name, a_module, a_file) = a;
    let (b_name, b_module, b_file) = b;
    match (a_module, b_module) {
        (None, None) => a_name.cmp(b_name),
        _ => (a_module, a_file, a_name).cmp(&(b_module, b_file, b_name)),
    }
}

struct Printer {
    out: String,
    sources: bool,
    is_modular: bool,
}

impl Printer {
    fn type_def(&mut self, def: &TypeDef) -> Result<(), ModelError> {
        if !is_name(&def.name) {
            return Err(ModelError::new(ErrorKind::NotInDsl, &def.name).in_type(&def.name));
        }
        self.out.push_str("\ntype ");
        self.out.push_str(&def.name);
        self.comment("", source(def));
        self.out.push('\n');
        if def.relations.is_empty() {
            return Ok(());
        }
        self.out.push_str("  relations\n");
        let mut relations: Vec<&RelationDef> = def.relations.iter().collect();
        if self.is_modular {
            order::sort_by(&mut relations, |a, b| by_source(source(*a), source(*b)));
        }
        for relation in relations {
            let refused = || {
                ModelError::new(ErrorKind::NotInDsl, &relation.name)
                    .in_type(&def.name)
                    .in_relation(&relation.name)
            };
            if !is_name(&relation.name) || validate::shape(&relation.rewrite).is_err() {
                return Err(refused());
            }
            let text = relation_text(relation).ok_or_else(refused)?;
            self.out.push_str("    define ");
            self.out.push_str(&relation.name);
            self.out.push_str(": ");
            self.out.push_str(&text);
            self.comment(" extended by:", source(relation));
            self.out.push('\n');
        }
        Ok(())
    }

    fn comment(&mut self, leading: &str, (_, module, file): Source<'_>) {
        let Some(module) = module.filter(|_| self.sources) else {
            return;
        };
        // Writing to a string cannot fail.
        let _ = write!(self.out, " #{leading} module: {module}");
        if let Some(file) = file {
            let _ = write!(self.out, ", file: {file}");
        }
    }

    fn condition(&mut self, condition: &ConditionDef) -> Result<(), ModelError> {
        let refused = |symbol: &str| {
            ModelError::new(ErrorKind::NotInDsl, symbol).in_condition(&condition.name)
        };
        let fits = token::whole(&condition.name, true) == Some(Kind::Identifier)
            && token::whole(&condition.name, false) == Some(Kind::Identifier)
            && !condition.params.is_empty()
            && is_expression(&condition.expression);
        if !fits {
            return Err(refused(&condition.name));
        }
        let mut params: Vec<_> = condition.params.iter().collect();
        order::sort_by(&mut params, |a, b| a.name.cmp(&b.name));
        let mut texts = Vec::new();
        for param in params {
            let ty = param_text(&param.ty);
            let (Some(ty), Some(Kind::Identifier)) = (ty, token::whole(&param.name, true)) else {
                return Err(refused(&param.name));
            };
            texts.push(format!("{}: {ty}", param.name));
        }
        // Writing to a string cannot fail.
        let _ = write!(
            self.out,
            "\ncondition {}({}) {{\n  {}\n}}",
            condition.name,
            texts.join(", "),
            condition.expression
        );
        self.comment("", source(condition));
        self.out.push('\n');
        Ok(())
    }
}

fn is_name(name: &str) -> bool {
    token::whole(name, false).is_some_and(parse::is_extended)
}

/// Whether an expression reads back as it is written.
fn is_expression(expression: &str) -> bool {
    let ends_early = |kind| matches!(kind, Kind::RightBrace | Kind::Condition);
    let has_comment = expression.contains(" #")
        || expression
            .lines()
            .any(|line| line.trim_start().starts_with('#'));
    !has_comment && token::kinds(expression).is_some_and(|all| !all.into_iter().any(ends_early))
}

fn param_text(ty: &ParamType) -> Option<String> {
    let plain = |ty: &ParamType| {
        Some(match ty {
            ParamType::Bool => "bool",
            ParamType::String => "string",
            ParamType::Int => "int",
            ParamType::Uint => "uint",
            ParamType::Double => "double",
            ParamType::Duration => "duration",
            ParamType::Timestamp => "timestamp",
            ParamType::IpAddress => "ipaddress",
            ParamType::Any | ParamType::Map(_) | ParamType::List(_) => return None,
        })
    };
    match ty {
        ParamType::Map(inner) => Some(format!("map<{}>", plain(inner)?)),
        ParamType::List(inner) => Some(format!("list<{}>", plain(inner)?)),
        _ => plain(ty).map(str::to_owned),
    }
}

/// The text behind `define name:`; none where the DSL has no way to write it.
fn relation_text(relation: &RelationDef) -> Option<String> {
    let mut text = String::new();
    let mut lists = 0;
    rewrite_text(&relation.rewrite, relation, true, &mut lists, &mut text)?;
    match lists {
        0 => Some(text),
        1 if list_leads(&relation.rewrite) => Some(text),
        _ => None,
    }
}

/// Recursion is bounded by the rewrite's depth, which is checked first.
fn rewrite_text(
    rewrite: &Rewrite,
    relation: &RelationDef,
    outermost: bool,
    lists: &mut usize,
    out: &mut String,
) -> Option<()> {
    let (operands, operator) = match rewrite {
        Rewrite::This => {
            *lists += 1;
            return list_text(&relation.assignable, out);
        }
        Rewrite::Computed(name) => {
            out.push_str(name);
            return is_name(name).then_some(());
        }
        Rewrite::TupleToUserset { tupleset, computed } => {
            out.push_str(computed);
            out.push_str(" from ");
            out.push_str(tupleset);
            return (is_name(tupleset) && is_name(computed)).then_some(());
        }
        Rewrite::Union(children) => (list_first(children), " or "),
        Rewrite::Intersection(children) => (list_first(children), " and "),
        Rewrite::Exclusion { base, subtract } => (vec![&**base, &**subtract], " but not "),
    };
    if !outermost {
        out.push('(');
    }
    for (nth, operand) in operands.into_iter().enumerate() {
        if nth > 0 {
            out.push_str(operator);
        }
        rewrite_text(operand, relation, false, lists, out)?;
    }
    if !outermost {
        out.push(')');
    }
    Some(())
}

/// The operands of a union or intersection, whose order means nothing, with
/// the bracketed list first.
fn list_first(children: &[Rewrite]) -> Vec<&Rewrite> {
    let mut children: Vec<&Rewrite> = children.iter().collect();
    if let Some(list) = children.iter().position(|c| **c == Rewrite::This) {
        let list = children.remove(list);
        children.insert(0, list);
    }
    children
}

/// Whether the text begins with the bracketed list, but for parentheses.
fn list_leads(rewrite: &Rewrite) -> bool {
    let mut at = Some(rewrite);
    while let Some(rewrite) = at {
        at = match rewrite {
            Rewrite::This => return true,
            Rewrite::Computed(_) | Rewrite::TupleToUserset { .. } => None,
            Rewrite::Union(children) | Rewrite::Intersection(children) => {
                list_first(children).first().copied()
            }
            Rewrite::Exclusion { base, .. } => Some(base),
        };
    }
    false
}

fn list_text(assignable: &[Assignable], out: &mut String) -> Option<()> {
    if assignable.is_empty() {
        return None;
    }
    out.push('[');
    for (nth, item) in assignable.iter().enumerate() {
        if nth > 0 {
            out.push_str(", ");
        }
        let mut fits = is_name(&item.type_name);
        out.push_str(&item.type_name);
        match &item.kind {
            AssignableKind::Object => {}
            AssignableKind::Wildcard => out.push_str(":*"),
            AssignableKind::Userset(relation) => {
                fits &= is_name(relation);
                out.push('#');
                out.push_str(relation);
            }
        }
        if let Some(condition) = &item.condition {
            fits &= token::whole(condition, false) == Some(Kind::Identifier);
            out.push_str(" with ");
            out.push_str(condition);
        }
        if !fits {
            return None;
        }
    }
    out.push(']');
    Some(())
}
