use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::Imported;
use super::error::{ImportError, ImportFault};
use super::place::Place;

/// The columns of a tuple export in CSV; a row is an object of these.
const COLUMNS: [&str; 8] = [
    "user_type",
    "user_id",
    "user_relation",
    "relation",
    "object_type",
    "object_id",
    "condition_name",
    "condition_context",
];

/// Turns OpenFGA's documents into a snapshot: store files (`model` and
/// `tuples`), tuple exports, answers of its Read API, write requests, rows of
/// a CSV export, and authorization models.
///
/// The tests of a store file are left out; they are run, not imported.
///
/// # Errors
///
/// A document of none of these kinds, a tuple with members that are not
/// understood, a tuple given twice with different conditions, two models, and
/// a store file that refers to other files.
pub fn openfga(documents: &[Value]) -> Result<Imported, ImportError> {
    let mut reading = Reading::default();
    for document in Place::documents(documents) {
        reading.document(&document)?;
    }
    let mut imported = Imported::new();
    if let Some(model) = reading.model {
        imported.snapshot.insert("model".to_owned(), model);
    }
    imported.section("tuples", reading.tuples);
    Ok(imported)
}

#[derive(Default)]
struct Reading {
    model: Option<Value>,
    tuples: Vec<Value>,
    /// User, relation and object of each tuple, and its number.
    seen: BTreeMap<[String; 3], usize>,
}

impl Reading {
    fn document(&mut self, document: &Place<'_>) -> Result<(), ImportError> {
        if document.value.is_array() {
            return self.tuples(document);
        }
        for name in ["model_file", "tuple_file", "tuple_files"] {
            if let Some(file) = document.member(name)? {
                let file = file.value.as_str().unwrap_or(name).to_owned();
                return Err(document.fault(ImportFault::Reference { file }));
            }
        }
        let mut found = false;
        if document.value.get("type_definitions").is_some() {
            found = true;
            self.set_model(document)?;
        }
        for name in ["model", "authorization_model"] {
            if let Some(model) = document.member(name)? {
                found = true;
                self.set_model(&model)?;
            }
        }
        for name in ["tuples", "tuple_keys"] {
            if let Some(list) = document.member(name)? {
                found = true;
                self.tuples(&list)?;
            }
        }
        if let Some(writes) = document.member("writes")? {
            found = true;
            self.tuples(&writes.required("tuple_keys")?)?;
        }
        if document
            .value
            .get("deletes")
            .is_some_and(|deletes| !deletes.is_null())
        {
            let member = "deletes".to_owned();
            return Err(document.fault(ImportFault::UnknownMember { member }));
        }
        if found {
            return Ok(());
        }
        Err(document.shape("a store file, a list of tuples, or an authorization model"))
    }

    fn set_model(&mut self, model: &Place<'_>) -> Result<(), ImportError> {
        if !model.value.is_string() && !model.value.is_object() {
            return Err(model.shape("DSL text, or a model's JSON form"));
        }
        if self.model.as_ref().is_some_and(|own| own != model.value) {
            let name = "model".to_owned();
            return Err(model.fault(ImportFault::Clash { name }));
        }
        self.model = Some(model.value.clone());
        Ok(())
    }

    fn tuples(&mut self, list: &Place<'_>) -> Result<(), ImportError> {
        for item in list.items()? {
            let tuple = match item.member("key")? {
                // The Read API: `{"key":{…},"timestamp":"…"}`.
                Some(key) => {
                    item.only(&["key", "timestamp"])?;
                    tuple(&key)?
                }
                None if item.value.get("object_type").is_some() => row(&item)?,
                None => tuple(&item)?,
            };
            self.add(tuple, &item)?;
        }
        Ok(())
    }

    fn add(&mut self, tuple: Value, item: &Place<'_>) -> Result<(), ImportError> {
        let text = |name: &str| {
            let text = tuple.get(name).and_then(Value::as_str);
            text.unwrap_or_default().to_owned()
        };
        let key = [text("user"), text("relation"), text("object")];
        match self
            .seen
            .get(&key)
            .and_then(|index| self.tuples.get(*index))
        {
            Some(own) if *own == tuple => Ok(()),
            Some(_) => Err(item.fault(ImportFault::Clash {
                name: key.join(" "),
            })),
            None => {
                self.seen.insert(key, self.tuples.len());
                self.tuples.push(tuple);
                Ok(())
            }
        }
    }
}

fn tuple(place: &Place<'_>) -> Result<Value, ImportError> {
    place.only(&["user", "relation", "object", "condition"])?;
    let mut tuple = Map::new();
    for name in ["user", "relation", "object"] {
        tuple.insert(name.to_owned(), json!(place.text_of(name)?));
    }
    if let Some(condition) = place.member("condition")? {
        condition.only(&["name", "context"])?;
        let context = match condition.member("context")? {
            Some(context) => Some(Value::Object(context.object()?.clone())),
            None => None,
        };
        // Exports write an empty condition where there is none.
        let name = condition.member("name")?;
        let name = name.map_or(Ok(""), |name| {
            let text = name.value.as_str();
            text.ok_or_else(|| name.shape("a string"))
        })?;
        if name.is_empty() {
            if context.is_some_and(|context| context != json!({})) {
                return Err(condition.shape("a condition's name beside its context"));
            }
        } else {
            tuple.insert("condition".to_owned(), named(name, context));
        }
    }
    Ok(Value::Object(tuple))
}

/// A row of a CSV export, its cells as text.
fn row(place: &Place<'_>) -> Result<Value, ImportError> {
    place.only(&COLUMNS)?;
    let cell = |name: &str| -> Result<Option<&str>, ImportError> {
        let Some(cell) = place.member(name)? else {
            return Ok(None);
        };
        let text = cell.value.as_str().ok_or_else(|| cell.shape("a text"))?;
        Ok(Some(text).filter(|text| !text.is_empty()))
    };
    let user = format!(
        "{}:{}",
        place.text_of("user_type")?,
        place.text_of("user_id")?
    );
    let user = match cell("user_relation")? {
        Some(relation) => format!("{user}#{relation}"),
        None => user,
    };
    let object = format!(
        "{}:{}",
        place.text_of("object_type")?,
        place.text_of("object_id")?
    );
    let mut tuple = json!({
        "user": user, "relation": place.text_of("relation")?, "object": object,
    });
    let context = match cell("condition_context")? {
        Some(text) => {
            let context = crate::json::object_from_text(text);
            let pointer = format!("{}/condition_context", place.pointer);
            let context = context.map_err(|_| ImportError::shape(pointer, "a JSON object"))?;
            Some(Value::Object(context))
        }
        None => None,
    };
    match (cell("condition_name")?, context) {
        (Some(name), context) => {
            if let Value::Object(members) = &mut tuple {
                members.insert("condition".to_owned(), named(name, context));
            }
        }
        (None, Some(_)) => return Err(place.shape("a condition's name beside its context")),
        (None, None) => {}
    }
    Ok(tuple)
}

fn named(name: &str, context: Option<Value>) -> Value {
    match context {
        Some(context) => json!({"name": name, "context": context}),
        None => json!({ "name": name }),
    }
}
