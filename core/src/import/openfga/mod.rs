mod read;

use serde::de::Deserializer;
use serde_json::{Map, Value};

use super::document::Document;
use super::error::{ImportError, ImportFault, Refused};
use super::ledger::{Ledger, RecordId};
use super::place::{Place, is_next_page};
use super::tuples::{NewCondition, NewTuple, Tuples};
use super::{Imported, of_snapshot};
use crate::model::identifier;
use crate::policy::{Gate, GuardTable, Last, Plan, read_model};
use crate::snapshot::ModelSource;

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

/// The members of an authorization model.
const MODEL: [&str; 6] = [
    "id",
    "schema_version",
    "schemaVersion",
    "type_definitions",
    "typeDefinitions",
    "conditions",
];

/// The members of a store file that name other files.
const FILES: [&str; 3] = ["model_file", "tuple_file", "tuple_files"];

/// How many tuples are read back at a time.
const CHUNK: usize = 1_000;

/// Turns OpenFGA's documents into a snapshot: store files (`model` and
/// `tuples`), tuple exports, answers of its Read API, write requests, rows of
/// a CSV export, and authorization models.
///
/// The tests of a store file are left out; they are run, not imported.
///
/// # Errors
///
/// A document of none of these kinds or with a member that is not understood,
/// one page of several, a malformed tuple, a tuple given twice with different
/// conditions, two models, and a store file that refers to other files.
pub fn openfga(documents: &[Value]) -> Result<Imported, Refused> {
    let mut import = Openfga::default();
    for document in documents {
        import.begin();
        // A value that is there already can always be read.
        let _ = import.read(document);
    }
    import.finish()
}

/// An import of OpenFGA's documents, record by record: what was read of one is
/// not kept longer than it takes to write it down.
#[derive(Debug, Default)]
pub struct Openfga {
    ledger: Ledger,
    model: Option<(Value, String)>,
    tuples: Tuples,
    /// How many documents were begun.
    documents: usize,
}

impl Openfga {
    /// Begins the next document: what is read from here on is of it. Pointers
    /// begin with its number, from 0.
    pub fn begin(&mut self) {
        self.documents += 1;
    }

    fn pointer(&self) -> String {
        format!("/{}", self.documents.saturating_sub(1))
    }

    /// Reads a whole document.
    ///
    /// # Errors
    ///
    /// What the deserializer says of a text that is not of its language. What
    /// is wrong with a record, [`Openfga::finish`] says.
    pub fn read<'de, D: Deserializer<'de>>(&mut self, document: D) -> Result<(), D::Error> {
        read::whole(self, document)
    }

    /// Takes a tuple, as the next item of the list that the document is: for
    /// formats that are read line by line. A row of CSV is an object of its
    /// columns.
    pub fn item(&mut self, tuple: &Value) {
        let list = self.pointer();
        self.take(&list, tuple);
    }

    /// Refuses the next item of the list that the document is.
    pub fn refuse_item(&mut self, problem: String) {
        let list = self.pointer();
        let (_, index) = self.ledger.open_item(&list);
        let fault = ImportFault::Line { problem };
        self.ledger
            .refuse(ImportError::new(format!("{list}/{index}"), fault));
    }

    /// Takes a list of tuples that stands in the document at a pointer.
    pub fn items(&mut self, pointer: &str, tuples: &[Value]) {
        let list = format!("{}{pointer}", self.pointer());
        for tuple in tuples {
            self.take(&list, tuple);
        }
    }

    /// Takes the model that the document is.
    pub fn set_model(&mut self, model: Value) {
        let pointer = self.pointer();
        self.model_at(&Place::new(&model, pointer));
    }

    fn take(&mut self, list: &str, item: &Value) {
        let (id, index) = self.ledger.open_item(list);
        let place = Place::new(item, format!("{list}/{index}"));
        if let Err(error) = self.tuple(&place, id) {
            self.ledger.refuse(error);
        }
    }

    fn tuple(&mut self, item: &Place<'_>, id: RecordId) -> Result<(), ImportError> {
        match item.member("key")? {
            // The Read API: `{"key":{…},"timestamp":"…"}`.
            Some(key) => {
                item.only(&["key", "timestamp"])?;
                self.key(&key, id)
            }
            None if item.value.get("object_type").is_some() => self.row(item, id),
            None => self.key(item, id),
        }
    }

    fn key(&mut self, place: &Place<'_>, id: RecordId) -> Result<(), ImportError> {
        place.only(&["user", "relation", "object", "condition"])?;
        let [user, relation, object] = ["user", "relation", "object"];
        let mut tuple = NewTuple {
            user: place.text_of(user)?,
            relation: place.text_of(relation)?,
            object: place.text_of(object)?,
            condition: None,
            tenant: None,
        };
        if let Some(condition) = place.member("condition")? {
            condition.only(&["name", "context"])?;
            let context = condition.member("context")?;
            let context = context.map(|context| context.object()).transpose()?;
            // Exports write an empty condition where there is none.
            let name = condition.member("name")?;
            let name = name.map_or(Ok(""), |name| {
                let text = name.value.as_str();
                text.ok_or_else(|| name.shape("a string"))
            })?;
            if !name.is_empty() {
                tuple.condition = Some(NewCondition { name, context });
            } else if context.is_some_and(|context| !context.is_empty()) {
                return Err(condition.shape("a condition's name beside its context"));
            }
        }
        self.push(&tuple, id, place)
    }

    /// A row of a CSV export, its cells as text.
    fn row(&mut self, place: &Place<'_>, id: RecordId) -> Result<(), ImportError> {
        place.only(&COLUMNS)?;
        let cell = |name: &str| -> Result<Option<&str>, ImportError> {
            let Some(cell) = place.member(name)? else {
                return Ok(None);
            };
            let text = cell.value.as_str().ok_or_else(|| cell.shape("a text"))?;
            Ok(Some(text).filter(|text| !text.is_empty()))
        };
        let (user_type, user_id) = (place.text_of("user_type")?, place.text_of("user_id")?);
        let user = match cell("user_relation")? {
            Some(relation) => format!("{user_type}:{user_id}#{relation}"),
            None => format!("{user_type}:{user_id}"),
        };
        let (object_type, object_id) = (place.text_of("object_type")?, place.text_of("object_id")?);
        let object = format!("{object_type}:{object_id}");
        let context = match cell("condition_context")? {
            Some(text) => {
                let context = serde_json::from_str::<Document>(text).ok();
                let pointer = format!("{}/condition_context", place.pointer);
                let expected = "a JSON object, each of whose members is there once";
                let shape = || ImportError::shape(pointer, expected);
                match context {
                    Some(Document(Value::Object(context))) => Some(context),
                    _ => return Err(shape()),
                }
            }
            None => None,
        };
        let condition = match (cell("condition_name")?, &context) {
            (Some(name), context) => Some(NewCondition {
                name,
                context: context.as_ref(),
            }),
            (None, Some(_)) => return Err(place.shape("a condition's name beside its context")),
            (None, None) => None,
        };
        let tuple = NewTuple {
            user: &user,
            relation: place.text_of("relation")?,
            object: &object,
            condition,
            tenant: None,
        };
        self.push(&tuple, id, place)
    }

    fn push(
        &mut self,
        tuple: &NewTuple<'_>,
        id: RecordId,
        place: &Place<'_>,
    ) -> Result<(), ImportError> {
        let refused = |member: &str, found: &str, reason| {
            let found = found.to_owned();
            // A row has no such cell, but several that make it.
            let pointer = match place.value.get(member) {
                Some(_) => format!("{}/{member}", place.pointer),
                None => place.pointer.clone(),
            };
            ImportError::new(pointer, ImportFault::Identifier { found, reason })
        };
        identifier::user(tuple.user).map_err(|error| refused("user", tuple.user, error))?;
        identifier::relation_name(tuple.relation)
            .map_err(|error| refused("relation", tuple.relation, error))?;
        identifier::object(tuple.object).map_err(|error| refused("object", tuple.object, error))?;
        if let Some(condition) = &tuple.condition {
            identifier::condition_name(condition.name)
                .map_err(|error| refused("condition", condition.name, error))?;
        }
        match self.tuples.push(tuple, id) {
            true => Ok(()),
            false => Err(place.shape("fewer tuples: a snapshot has no room for more")),
        }
    }

    /// What a document says beside its lists of tuples; `lists` is how many it
    /// has.
    fn members(&mut self, members: Map<String, Value>, lists: usize) {
        let pointer = self.pointer();
        let value = Value::Object(members);
        let document = Place::new(&value, pointer);
        let mut refused = known(&document);
        refused.extend(document.last_page().err());
        // Of a store file that is whole only with others nothing is taken.
        let is_part = refused
            .iter()
            .any(|error| matches!(error.fault, ImportFault::Reference { .. }));
        for error in refused {
            self.ledger.refuse(error);
        }
        if is_part {
            return;
        }
        let (mut brought, mut errors) = (lists > 0, Vec::new());
        let mut models = Vec::new();
        for name in ["model", "authorization_model", "authorizationModel"] {
            models.extend(document.member(name).ok().flatten());
        }
        for name in ["authorization_models", "authorizationModels"] {
            match document
                .member(name)
                .ok()
                .flatten()
                .map(|all| (all.items(), all))
            {
                Some((Ok(all), _)) if all.len() == 1 => models.extend(all),
                Some((_, all)) => errors.push(all.shape("exactly one model")),
                None => {}
            }
        }
        let own = MODEL.iter().filter(|name| **name != "id");
        if own.clone().any(|name| value.get(*name).is_some()) {
            let each = MODEL
                .iter()
                .filter_map(|name| Some((name, value.get(*name)?)));
            let model: Map<String, Value> = each
                .map(|(name, value)| ((*name).to_owned(), value.clone()))
                .collect();
            brought = true;
            self.model_at(&Place::new(&Value::Object(model), document.pointer.clone()));
        }
        for model in models {
            brought = true;
            self.model_at(&model);
        }
        if let Some(writes) = document.member("writes").ok().flatten() {
            brought = true;
            if let Err(error) = self.writes(&writes) {
                errors.push(error);
            }
        }
        if !brought && errors.is_empty() && self.ledger.errors.is_empty() {
            let expected = "a store file, a list of tuples, or an authorization model";
            errors.push(document.shape(expected));
        }
        for error in errors {
            self.ledger.refuse(error);
        }
    }

    fn writes(&mut self, writes: &Place<'_>) -> Result<(), ImportError> {
        writes.only(&["tuple_keys", "tupleKeys", "on_duplicate", "onDuplicate"])?;
        let list = writes.member("tuple_keys")?.or(writes.member("tupleKeys")?);
        let list = list.ok_or_else(|| writes.shape("an object with `tuple_keys`"))?;
        for item in list.items()? {
            self.take(&list.pointer, item.value);
        }
        Ok(())
    }

    fn model_at(&mut self, model: &Place<'_>) {
        self.ledger.open(&model.pointer);
        let refused = match &self.model {
            _ if !model.value.is_string() && !model.value.is_object() => {
                Some(model.shape("DSL text, or a model's JSON form"))
            }
            Some((own, _)) if own != model.value => {
                let name = "model".to_owned();
                Some(model.fault(ImportFault::Clash { name }))
            }
            Some(_) => None,
            None => {
                self.model = Some((model.value.clone(), model.pointer.clone()));
                None
            }
        };
        if let Some(error) = refused {
            self.ledger.refuse(error);
        }
    }

    /// The snapshot: tuples that are there twice once, and each looked at as
    /// the model sees it.
    ///
    /// # Errors
    ///
    /// Every record that is refused, as [`openfga`] says.
    pub fn finish(mut self) -> Result<Imported, Refused> {
        let repeated = self.tuples.repeated();
        for (index, differs) in &repeated {
            if *differs {
                let name = self.spell(*index);
                self.refuse_tuple(*index, "", ImportFault::Clash { name });
            }
        }
        let again: Vec<usize> = repeated.into_iter().map(|(index, _)| index).collect();
        self.tuples.leave_out(&again);
        if let Some((model, pointer)) = self.model.take() {
            if let Err(error) = self.look_at_each(&model) {
                self.ledger.refuse(ImportError::new(pointer.clone(), error));
            }
            self.model = Some((model, pointer));
        }
        let mut imported = Imported::new(self.ledger);
        imported.tuples = self.tuples;
        if let Some((model, pointer)) = self.model {
            imported.set_model(model, pointer);
        }
        imported.unless_refused()
    }

    /// Asks of each tuple what building the policy will.
    fn look_at_each(&mut self, model: &Value) -> Result<(), ImportFault> {
        let source = match model {
            Value::String(dsl) => ModelSource::Dsl(dsl.into()),
            json => ModelSource::Json(json.clone()),
        };
        let (model, _) = read_model(Some(&source)).map_err(|error| of_snapshot(error.kind))?;
        let plan = Plan::compile(&model);
        let guards = GuardTable::for_model(&model).map_err(|error| of_snapshot(error.kind))?;
        let mut gate = Gate::new(&plan, guards);
        let mut found = Vec::new();
        for first in (0..self.tuples.len()).step_by(CHUNK) {
            let each = first..self.tuples.len().min(first + CHUNK);
            let chunk: Vec<_> = each.filter_map(|index| self.tuples.get(index)).collect();
            let mut last = Last::default();
            for (index, tuple) in (first..).zip(&chunk) {
                match gate.enter(&mut last, tuple, index) {
                    Ok(Ok(_)) => {}
                    Ok(Err(ignored)) => found.push((index, Ok(ignored))),
                    Err(error) => found.push((index, Err(error))),
                }
            }
        }
        for (index, said) in found {
            match said {
                Ok(ignored) => {
                    let pointer = self.origin(index);
                    let message = ignored.message(&self.spell(index));
                    self.ledger.warn(pointer, message);
                }
                Err(error) => {
                    let below = error.pointer.splitn(4, '/').nth(3).unwrap_or_default();
                    self.refuse_tuple(index, below, of_snapshot(error.kind));
                }
            }
        }
        Ok(())
    }

    fn origin(&self, index: usize) -> String {
        let record = self.tuples.record(index);
        let pointer = record.and_then(|record| self.ledger.pointer(record));
        pointer.unwrap_or_default()
    }

    fn refuse_tuple(&mut self, index: usize, below: &str, fault: ImportFault) {
        let mut pointer = self.origin(index);
        if !below.is_empty() {
            pointer = format!("{pointer}/{below}");
        }
        self.ledger.refuse(ImportError::new(pointer, fault));
    }

    fn spell(&self, index: usize) -> String {
        let tuple = self.tuples.get(index);
        tuple.map_or(String::new(), |t| {
            let condition = t.condition.as_ref();
            let with = condition.map_or(String::new(), |c| format!(" with {}", c.name));
            format!("{} {} {}{with}", t.user, t.relation, t.object)
        })
    }
}

/// What a document says that it may not, or that is not known.
fn known(document: &Place<'_>) -> Vec<ImportError> {
    let others = [
        "name",
        "tests",
        "model",
        "authorization_model",
        "authorizationModel",
        "authorization_models",
        "authorizationModels",
        "writes",
        "authorization_model_id",
        "authorizationModelId",
    ];
    let mut refused = Vec::new();
    for (name, place) in document.members().unwrap_or_default() {
        let is_file = FILES.contains(&name);
        // A write that also takes away does not say what is there.
        let nothing = place.value.is_null() && (name == "deletes" || is_file);
        if is_file && !nothing {
            let file = place.value.as_str().unwrap_or(name).to_owned();
            refused.push(document.fault(ImportFault::Reference { file }));
        } else if !(nothing
            || others.contains(&name)
            || MODEL.contains(&name)
            || is_next_page(name))
        {
            let member = name.to_owned();
            refused.push(place.fault(ImportFault::UnknownMember { member }));
        }
    }
    refused
}
