//! Tuple files: lists of relationships in JSON, JSON lines, YAML or CSV, as
//! OpenFGA's tools write and read them.

use std::path::Path;

use deputize::import;
use deputize::{Tuple, TupleCondition, json};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::fault::{Failure, Fault, Place};
use crate::import::Sources;
use crate::input::json_fault;
use crate::{input, suggest, yaml};

/// A relationship as store files and tuple files spell it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TupleEntry {
    user: String,
    relation: String,
    object: String,
    #[serde(default)]
    condition: Option<ConditionEntry>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct ConditionEntry {
    name: String,
    #[serde(default)]
    context: Option<Map<String, Value>>,
}

impl From<TupleEntry> for Tuple {
    fn from(entry: TupleEntry) -> Self {
        let condition = entry.condition.filter(|c| !c.name.is_empty());
        Self {
            condition: condition.map(|c| TupleCondition {
                name: c.name,
                context: c.context.unwrap_or_default(),
            }),
            ..Self::new(&entry.user, &entry.relation, &entry.object)
        }
    }
}

/// Reads a tuple file.
pub(crate) fn read(path: &Path) -> Result<Vec<Tuple>, Failure> {
    let name = input::spell(path);
    of_document(document(path)?, &name)
}

/// Reads the text of a YAML list.
pub(crate) fn list(text: &str, name: &str) -> Result<Vec<Tuple>, Failure> {
    of_document(yaml::parse(text, name)?, name)
}

/// Reads a file of tuples as the value that it stands for, by the ending of
/// its name: for CSV a list of rows.
pub(crate) fn document(path: &Path) -> Result<Value, Failure> {
    let name = input::spell(path);
    let text = input::read_text(path)?;
    let ending = path.extension().and_then(|e| e.to_str());
    let document = match ending.map(str::to_ascii_lowercase).as_deref() {
        Some("csv") => csv(&text, &name)?,
        Some("jsonl") => lines(&text, &name)?,
        // JSON is read as what it is, so that its errors are JSON's.
        Some("json") => json::from_text(&text).map_err(|e| json_fault(&e, &text, &name))?,
        _ => yaml::parse(&text, &name)?,
    };
    // A page of tuples taken for all of them would drop rights without a word.
    let next = document.get("continuation_token").and_then(Value::as_str);
    if next.is_some_and(|token| !token.is_empty()) {
        let said = "it holds one page of the tuples: `continuation_token` is not empty";
        return Err(Fault::new("file.tuples", said)
            .in_file(name)
            .hint("export all pages: `fga tuple read --max-pages 0`")
            .into());
    }
    Ok(match document {
        // An empty file is an empty list.
        Value::Null => Value::Array(Vec::new()),
        document => document,
    })
}

fn of_document(document: Value, name: &str) -> Result<Vec<Tuple>, Failure> {
    let imported = import::openfga(std::slice::from_ref(&document))
        .map_err(|error| Sources::one(name).fault(&error))?;
    let mut snapshot = imported.snapshot;
    if snapshot.contains_key("model") {
        let said = "this should be a list of tuples; it holds a model";
        return Err(Fault::new("file.tuples", said).in_file(name).into());
    }
    let tuples = snapshot
        .remove("tuples")
        .unwrap_or(Value::Array(Vec::new()));
    serde_json::from_value(tuples).map_err(|error| {
        Fault::new("internal", error.to_string())
            .in_file(name)
            .into()
    })
}

fn lines(text: &str, name: &str) -> Result<Value, Failure> {
    let mut rows = Vec::new();
    for (number, line) in (1u32..).zip(text.lines()) {
        if line.trim().is_empty() {
            continue;
        }
        let row: Value = json::from_text(line).map_err(|error| {
            let mut fault = json_fault(&error, line, name);
            if let Some(place) = &mut fault.place {
                place.line = number;
            }
            fault
        })?;
        rows.push(row);
    }
    Ok(rows.into())
}

/// The columns of OpenFGA's CSV, and the short ones.
const COLUMNS: [&str; 10] = [
    "user_type",
    "user_id",
    "user_relation",
    "relation",
    "object_type",
    "object_id",
    "condition_name",
    "condition_context",
    "user",
    "object",
];

/// CSV with a header, as a list of rows: OpenFGA's (`user_type,user_id,
/// user_relation,relation,object_type,object_id,condition_name,
/// condition_context`), or the short one (`user,relation,object`).
fn csv(text: &str, name: &str) -> Result<Value, Failure> {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .comment(Some(b'#'))
        .from_reader(text.as_bytes());
    let broken = |error: csv::Error| Failure::from(csv_fault(&error, text, name));
    let header = reader.headers().map_err(broken)?.clone();
    for column in &header {
        if !COLUMNS.contains(&column) {
            let fault = Fault::new("file.csv", format!("`{column}` is no column of tuples"));
            let hint = suggest::hint(column, "the columns are", COLUMNS);
            return Err(fault
                .in_file(name)
                .at(Place::of(text, 1, 1, 1))
                .maybe_hint(hint)
                .into());
        }
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(broken)?;
        let cells = header.iter().zip(&record);
        let row: Map<String, Value> = cells
            .filter(|(_, cell)| !cell.is_empty())
            .map(|(column, cell)| (column.to_owned(), cell.into()))
            .collect();
        // Said here, where the line is still known.
        let document = Value::from(vec![Value::Object(row)]);
        if let Err(error) = import::openfga(std::slice::from_ref(&document)) {
            let line = record.position().map_or(0, csv::Position::line);
            let line = u32::try_from(line).unwrap_or(u32::MAX);
            let mut fault = Sources::one(name).fault(&error);
            let cell = fault.pointer.take().unwrap_or_default();
            if let Some(cell) = cell.strip_prefix("/0/") {
                fault.message = format!("{cell}: {}", fault.message);
            }
            return Err(fault.at(Place::of(text, line, 1, 1)).into());
        }
        if let Value::Array(row) = document {
            rows.extend(row);
        }
    }
    Ok(rows.into())
}

fn csv_fault(error: &csv::Error, text: &str, name: &str) -> Fault {
    let line = error.position().map_or(0, csv::Position::line);
    let line = u32::try_from(line).unwrap_or(u32::MAX);
    let message = match error.kind() {
        csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => format!("the row has {len} fields; the header has {expected_len}"),
        _ => error.to_string(),
    };
    Fault::new("file.csv", message)
        .in_file(name)
        .at(Place::of(text, line, 1, 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelled(document: Value) -> Vec<String> {
        let tuples = of_document(document, "x").unwrap();
        tuples.iter().map(crate::question::spell).collect()
    }

    #[test]
    fn csv_in_both_headers() {
        let long = "user_type,user_id,user_relation,relation,object_type,object_id,condition_name,condition_context\n\
                    team,core,member,viewer,doc,1,,\n\
                    user,anne,,viewer,doc,1,hours,\"{\"\"from\"\": 8}\"\n";
        let tuples = of_document(csv(long, "x").unwrap(), "x").unwrap();
        assert_eq!(tuples[0].user, "team:core#member");
        assert_eq!(tuples[1].condition.as_ref().unwrap().context["from"], 8);
        let short = "user,relation,object\nuser:anne,viewer,doc:1\n";
        assert_eq!(
            spelled(csv(short, "x").unwrap()),
            ["user:anne viewer doc:1"]
        );
    }

    #[test]
    fn csv_faults_have_their_line() {
        for (text, line) in [
            ("usr,relation,object\n", 1),
            ("user,relation,object\nuser:a,viewer\n", 2),
            (
                "user,relation,object\nuser:a,viewer,doc:1\nuser:a,,doc:1\n",
                3,
            ),
            (
                "user_type,user_id,relation,object_type,object_id,condition_context\nuser,a,v,doc,1,{}\n",
                2,
            ),
        ] {
            let failure = csv(text, "x").unwrap_err();
            let fault = &failure.faults()[0];
            assert_eq!(
                fault.place.as_ref().map(|p| p.line),
                Some(line),
                "{fault:?}"
            );
        }
    }

    #[test]
    fn lines_of_json_are_a_list() {
        let text = "{\"user\":\"user:a\",\"relation\":\"viewer\",\"object\":\"doc:1\"}\n\n";
        assert_eq!(spelled(lines(text, "x").unwrap()), ["user:a viewer doc:1"]);
        let failure = lines(&format!("{text}{{\n"), "x").unwrap_err();
        assert_eq!(failure.faults()[0].place.as_ref().unwrap().line, 3);
    }
}
