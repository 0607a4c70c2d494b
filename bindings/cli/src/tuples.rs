//! Tuple files: lists of relationships in JSON, JSON lines, YAML or CSV, as
//! OpenFGA's tools write and read them. Each tuple is read, taken or refused,
//! and not kept as what it was read as.

use std::path::Path;

use deputize::Tuple;
use deputize::import::{Document, Openfga};
use serde_json::{Map, Value};

use crate::csv::Rows;
use crate::fault::{Failure, Fault, Place};
use crate::input::{self, json_fault};
use crate::sources::{Form, Sources};
use crate::{suggest, yaml};

/// Reads a tuple file that stands alone.
pub(crate) fn read(path: &Path) -> Result<Vec<Tuple>, Failure> {
    let mut reading = Reading::default();
    reading.file(path, input::spell(path), input::read_text(path)?)?;
    reading.tuples()
}

/// Documents of OpenFGA's on their way into a snapshot, and the files that
/// they were read from.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    pub(crate) import: Openfga,
    pub(crate) sources: Sources,
}

impl Reading {
    /// Reads a file by the ending of its name.
    pub(crate) fn file(&mut self, path: &Path, name: String, text: String) -> Result<(), Failure> {
        let ending = path.extension().and_then(|e| e.to_str());
        self.import.begin();
        let form = match ending.map(str::to_ascii_lowercase).as_deref() {
            Some("csv") => Form::Lines(self.csv(&text, &name)?),
            Some("jsonl") => Form::Lines(self.lines(&text)),
            // JSON is read as what it is, so that its errors are JSON's.
            Some("json") => {
                let mut reader = serde_json::Deserializer::from_str(&text);
                let read = self.import.read(&mut reader).and_then(|()| reader.end());
                read.map_err(|error| json_fault(&error, &text, &name))?;
                Form::Json
            }
            _ => {
                yaml::with(&text, &name, |reader| self.import.read(reader))?;
                Form::Yaml
            }
        };
        self.sources.add(name, text, form);
        Ok(())
    }

    /// The tuples alone, where there should be no model.
    pub(crate) fn tuples(self) -> Result<Vec<Tuple>, Failure> {
        let imported = self.import.finish();
        let imported = imported.map_err(|refused| self.sources.refused(&refused))?;
        let name = self.sources.name(0);
        if imported.has_model() {
            let said = "this should be a list of tuples; it holds a model";
            return Err(Fault::new("file.tuples", said).in_file(name).into());
        }
        serde_json::from_slice(&imported.tuples_json()).map_err(|error| {
            let fault = Fault::new("internal", error.to_string());
            fault.in_file(name).into()
        })
    }

    /// JSON, one tuple a line; returns the line of each.
    fn lines(&mut self, text: &str) -> Vec<u32> {
        let mut lines = Vec::new();
        for (number, line) in (1u32..).zip(text.lines()) {
            if line.trim().is_empty() {
                continue;
            }
            lines.push(number);
            match serde_json::from_str(line) {
                Ok(Document(tuple)) => self.import.item(&tuple),
                Err(error) => {
                    let said = error.to_string();
                    let said = said.split(" at line ").next().unwrap_or_default();
                    self.import
                        .refuse_item(format!("the line is not JSON: {said}"));
                }
            }
        }
        lines
    }

    /// CSV with a header: OpenFGA's (`user_type,user_id,user_relation,relation,
    /// object_type,object_id,condition_name,condition_context`), or the short
    /// one (`user,relation,object`). Returns the line of each row.
    fn csv(&mut self, text: &str, name: &str) -> Result<Vec<u32>, Failure> {
        let mut rows = Rows::of(text);
        let Some(header) = rows.next() else {
            return Ok(Vec::new());
        };
        let columns = header.fields.map_err(|problem| problem.to_owned());
        let columns = columns.and_then(|columns| check(&columns).map(|()| columns));
        let columns = columns.map_err(|problem| {
            let place = Place::of(text, header.line, 1, 1);
            Fault::new("file.csv", problem).in_file(name).at(place)
        })?;
        let mut lines = Vec::new();
        for row in rows {
            lines.push(row.line);
            let fields = match row.fields {
                Ok(fields) if fields.len() == columns.len() => fields,
                Ok(fields) => {
                    let (own, all) = (fields.len(), columns.len());
                    let said = format!("the row has {own} fields; the header has {all}");
                    self.import.refuse_item(said);
                    continue;
                }
                Err(problem) => {
                    self.import.refuse_item(problem.to_owned());
                    continue;
                }
            };
            let cells = columns.iter().zip(fields);
            let row: Map<String, Value> = cells
                .filter(|(_, cell)| !cell.is_empty())
                .map(|(column, cell)| (column.clone().into_owned(), cell.into()))
                .collect();
            self.import.item(&Value::Object(row));
        }
        Ok(lines)
    }
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

/// Refuses a header with a column that is not known, or is there twice.
fn check(columns: &[impl AsRef<str>]) -> Result<(), String> {
    for (index, column) in columns.iter().enumerate() {
        let column = column.as_ref();
        if !COLUMNS.contains(&column) {
            let hint = suggest::hint(column, "the columns are", COLUMNS);
            let hint = hint.map_or(String::new(), |hint| format!("; {hint}"));
            return Err(format!("`{column}` is no column of tuples{hint}"));
        }
        let mut before = columns.iter().take(index);
        if before.any(|other| other.as_ref() == column) {
            return Err(format!("the column `{column}` is there twice; keep one"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, text: &str) -> Result<Vec<Tuple>, Failure> {
        let mut reading = Reading::default();
        reading.file(Path::new(name), name.to_owned(), text.to_owned())?;
        reading.tuples()
    }

    fn spelled(name: &str, text: &str) -> Vec<String> {
        let tuples = read(name, text).unwrap();
        tuples.iter().map(crate::question::spell).collect()
    }

    #[test]
    fn csv_in_both_headers() {
        let long = "user_type,user_id,user_relation,relation,object_type,object_id,condition_name,condition_context\n\
                    team,core,member,viewer,doc,1,,\n\
                    user,anne,,viewer,doc,1,hours,\"{\"\"from\"\": 8}\"\n";
        let tuples = read("x.csv", long).unwrap();
        assert_eq!(tuples[0].user, "team:core#member");
        assert_eq!(tuples[1].condition.as_ref().unwrap().context["from"], 8);
        let short = "user,relation,object\nuser:anne,viewer,doc:1\n";
        assert_eq!(spelled("x.csv", short), ["user:anne viewer doc:1"]);
        assert!(spelled("x.csv", "").is_empty());
    }

    #[test]
    fn csv_faults_have_their_line() {
        let long = "user_type,user_id,relation,object_type,object_id";
        for (text, line) in [
            ("usr,relation,object\n".to_owned(), 1),
            (
                "user,relation,object,object\nuser:a,viewer,doc:1,doc:2\n".to_owned(),
                1,
            ),
            ("user,relation,object\nuser:a,viewer\n".to_owned(), 2),
            (
                "user,relation,object\nuser:a,viewer,doc:1\nuser:a,,doc:1\n".to_owned(),
                3,
            ),
            (
                format!("{long},condition_context\nuser,a,v,doc,1,{{}}\n"),
                2,
            ),
            // Nothing is a comment, and nothing is trimmed.
            (
                format!("{long}\n\nuser,b,v,doc,1\n#mallory,user,v,doc,1\n"),
                4,
            ),
            (format!("{long}\nuser,#mallory,v,doc,1\n"), 2),
            (format!("{long}\nuser, ann,v,doc,1\n"), 2),
            // A quote that is never closed takes nothing along.
            (
                format!("{long},condition_name\nuser,a,v,doc,1,\"\nuser,b,v,doc,1,x\n"),
                2,
            ),
            (
                format!("{long},condition_name\nuser,a,v,doc,1,\"c\nuser,b,v,doc,1,\"\n"),
                2,
            ),
            (format!("{long}\n,,,,\n"), 2),
        ] {
            let failure = read("x.csv", &text).unwrap_err();
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
        assert_eq!(spelled("x.jsonl", text), ["user:a viewer doc:1"]);
        let failure = read("x.jsonl", &format!("{text}{{\n")).unwrap_err();
        assert_eq!(failure.faults()[0].place.as_ref().unwrap().line, 3);
    }

    #[test]
    fn faults_of_each_form_have_their_line() {
        let good = r#"{"user":"user:a","relation":"viewer","object":"doc:1"}"#;
        let bad = good.replace("user:a", "user:a b");
        for (name, text, line) in [
            ("x.json", format!("[\n{good},\n{bad}]"), 3),
            (
                "x.json",
                format!("{{\"tuples\":\n[{good},{{\"key\":\n{bad}}}]}}"),
                3,
            ),
            ("x.yaml", format!("- {good}\n- {bad}\n"), 2),
            (
                "x.yaml",
                format!("tuple_keys:\n  - {good}\n  -\n    {bad}\n"),
                4,
            ),
            ("x.jsonl", format!("{good}\n\n{bad}\n"), 3),
        ] {
            let failure = read(name, &text).unwrap_err();
            let fault = &failure.faults()[0];
            assert_eq!(fault.code, "import.identifier", "{fault:?}");
            assert_eq!(
                fault.place.as_ref().map(|p| p.line),
                Some(line),
                "{fault:?}"
            );
        }
    }
}
