//! OpenFGA store files (`.fga.yaml`): a model, its tuples, and tests.

use std::collections::BTreeMap;
use std::path::Path;

use deputize::import::Imported;
use deputize::model::Model;
use deputize::{Policy, Tuple, Warning};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::fault::{Failure, Fault};
use crate::model_file::ModelText;
use crate::reach::Reach;
use crate::sources::{Form, Sources};
use crate::tuples::Reading;
use crate::{question, yaml};

/// A store file as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoreFile {
    name: Option<String>,
    model: Option<String>,
    model_file: Option<String>,
    tuples: Option<Vec<Value>>,
    tuple_file: Option<String>,
    tuple_files: Option<Vec<String>>,
    tests: Option<Vec<TestPart>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TestPart {
    name: Option<String>,
    #[serde(rename = "description")]
    _description: Option<String>,
    tuples: Option<Vec<Value>>,
    tuple_file: Option<String>,
    tuple_files: Option<Vec<String>>,
    check: Option<Vec<CheckTest>>,
    list_objects: Option<Vec<ListObjectsTest>>,
    list_users: Option<Vec<ListUsersTest>>,
}

/// Checks: each of the users on each of the objects.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CheckTest {
    user: Option<String>,
    users: Option<Vec<String>>,
    object: Option<String>,
    objects: Option<Vec<String>>,
    /// Values for conditions.
    pub(crate) context: Option<Map<String, Value>>,
    /// By relation: whether it holds.
    pub(crate) assertions: BTreeMap<String, bool>,
}

/// What a user may reach.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListObjectsTest {
    /// Who asks.
    pub(crate) user: String,
    /// The type of the objects.
    #[serde(rename = "type")]
    pub(crate) object_type: String,
    /// Values for conditions.
    pub(crate) context: Option<Map<String, Value>>,
    /// By relation: the objects; nothing stands for none.
    pub(crate) assertions: BTreeMap<String, Option<Vec<String>>>,
}

/// Who may reach an object.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListUsersTest {
    /// The object.
    pub(crate) object: String,
    /// Which users are meant.
    pub(crate) user_filter: Vec<UserFilter>,
    /// Values for conditions.
    pub(crate) context: Option<Map<String, Value>>,
    /// By relation: the users.
    pub(crate) assertions: BTreeMap<String, ExpectedUsers>,
}

/// `type`, or `type#relation` in two parts.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserFilter {
    #[serde(rename = "type")]
    type_name: String,
    relation: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExpectedUsers {
    /// The users; nothing stands for none.
    pub(crate) users: Option<Vec<String>>,
}

/// A store: a model, its tuples, and tests, with all files read.
#[derive(Debug)]
pub(crate) struct Store {
    /// What the file calls it.
    pub(crate) name: Option<String>,
    imported: Imported,
    /// Where the tuples came from.
    sources: Sources,
    /// The tests.
    pub(crate) tests: Vec<Test>,
}

/// A store file that was read, but for its tuples.
pub(crate) struct Opened {
    pub(crate) model: ModelText,
    name: Option<String>,
    tests: Vec<TestPart>,
}

/// One test: tuples of its own, and what must hold.
#[derive(Debug)]
pub(crate) struct Test {
    /// Its name.
    pub(crate) name: String,
    /// Its own tuples.
    pub(crate) tuples: Vec<Tuple>,
    /// Checks.
    pub(crate) checks: Vec<CheckTest>,
    /// Lists of objects.
    pub(crate) list_objects: Vec<ListObjectsTest>,
    /// Lists of users.
    pub(crate) list_users: Vec<ListUsersTest>,
}

impl Store {
    /// Reads a store file's text.
    pub(crate) fn parse(text: String, name: &str, reach: &Reach) -> Result<Self, Failure> {
        let mut reading = Reading::default();
        let opened = open(text.clone(), name, reach, &mut reading)?;
        let mut tests = Vec::new();
        for (number, part) in (1..).zip(opened.tests) {
            tests.push(part.read(number, &text, name, reach)?);
        }
        for test in &tests {
            for check in &test.checks {
                if check.users().next().is_none() || check.objects().next().is_none() {
                    let said = format!(
                        "a check of `{}` needs a `user` or `users`, and an `object` or `objects`",
                        test.name
                    );
                    return Err(Fault::new("store.check", said).in_file(name).into());
                }
                if check.is_twofold() {
                    let said = format!(
                        "a check of `{}` has a `user` and `users`, or an `object` and `objects`; keep one of the two",
                        test.name
                    );
                    return Err(Fault::new("store.check", said).in_file(name).into());
                }
            }
        }
        let mut store = Self::of(&opened.model, reading)?;
        (store.name, store.tests) = (opened.name, tests);
        Ok(store)
    }

    /// A store of a model and of what else was read.
    pub(crate) fn of(model: &ModelText, mut reading: Reading) -> Result<Self, Failure> {
        model.check()?;
        reading.import.begin();
        reading.import.set_model(model.member()?);
        let mut sources = reading.sources;
        let dsl = model.dsl().unwrap_or_default().to_owned();
        sources.add(model.name().to_owned(), dsl, Form::Model);
        let imported = reading.import.finish();
        let imported = imported.map_err(|refused| sources.refused(&refused))?;
        Ok(Self {
            name: None,
            imported,
            sources,
            tests: Vec::new(),
        })
    }

    /// The policy, and the snapshot document that it is compiled from.
    pub(crate) fn policy(&mut self, revision: &str) -> Result<(Policy, Vec<u8>), Failure> {
        let compiled = self.imported.compile(revision);
        compiled.map_err(|refused| self.sources.refused(&refused))
    }

    /// The fault at a pointer of the snapshot document, at its place in the
    /// file that it came from; none where it came from none.
    pub(crate) fn placed(&self, pointer: &str, fault: Fault) -> Option<Fault> {
        let origin = self.imported.origin(pointer)?;
        Some(self.sources.place(fault, &origin))
    }

    /// The fault that a tuple is which the model does not admit.
    pub(crate) fn refusal(&self, warning: &Warning, model: &Model) -> Fault {
        let fault = question::of_warning(warning, model);
        let placed = self.placed(&warning.pointer, fault.clone());
        placed.unwrap_or(fault)
    }
}

/// Reads a store file's text, and its tuples and those of the files that it
/// names, but for those of its tests.
pub(crate) fn open(
    text: String,
    name: &str,
    reach: &Reach,
    reading: &mut Reading,
) -> Result<Opened, Failure> {
    let file: StoreFile = yaml::parse(&text, name)?;
    let inside = |failure: Failure| failure.in_file(name);
    let model = match (file.model, file.model_file) {
        (Some(dsl), _) => ModelText::embedded(dsl, name),
        (None, Some(path)) => ModelText::named(&path, reach).map_err(inside)?,
        (None, None) => {
            let said = "a store file has a `model` or a `model_file`; this one has neither";
            return Err(Fault::new("store.model", said).in_file(name).into());
        }
    };
    let files = file
        .tuple_file
        .iter()
        .chain(file.tuple_files.iter().flatten());
    named(files, reach, reading).map_err(inside)?;
    reading.import.begin();
    let own = file.tuples.unwrap_or_default();
    reading.import.items("/tuples", &own);
    reading.sources.add(name.to_owned(), text, Form::Yaml);
    Ok(Opened {
        model,
        name: file.name,
        tests: file.tests.unwrap_or_default(),
    })
}

/// Reads the tuple files that a store file names.
fn named<'n>(
    names: impl Iterator<Item = &'n String>,
    reach: &Reach,
    reading: &mut Reading,
) -> Result<(), Failure> {
    for name in names {
        let (path, text) = reach.read_text(name)?;
        reading.file(Path::new(name), path.display().to_string(), text)?;
    }
    Ok(())
}

impl TestPart {
    fn read(self, number: usize, text: &str, name: &str, reach: &Reach) -> Result<Test, Failure> {
        let mut reading = Reading::default();
        let files = self
            .tuple_file
            .iter()
            .chain(self.tuple_files.iter().flatten());
        named(files, reach, &mut reading).map_err(|failure| failure.in_file(name))?;
        let own = self.tuples.unwrap_or_default();
        reading.import.begin();
        let pointer = format!("/tests/{}/tuples", number - 1);
        reading.import.items(&pointer, &own);
        let text = if own.is_empty() { "" } else { text };
        reading
            .sources
            .add(name.to_owned(), text.to_owned(), Form::Yaml);
        Ok(Test {
            name: self.name.unwrap_or_else(|| format!("test {number}")),
            tuples: reading.tuples()?,
            checks: self.check.unwrap_or_default(),
            list_objects: self.list_objects.unwrap_or_default(),
            list_users: self.list_users.unwrap_or_default(),
        })
    }
}

impl CheckTest {
    /// One and several at once: OpenFGA's tool refuses it.
    fn is_twofold(&self) -> bool {
        let both =
            |one: &Option<String>, many: &Option<Vec<String>>| one.is_some() && many.is_some();
        both(&self.user, &self.users) || both(&self.object, &self.objects)
    }

    /// The users asked about.
    pub(crate) fn users(&self) -> impl Iterator<Item = &str> {
        let many = self.users.iter().flatten();
        self.user.iter().chain(many).map(String::as_str)
    }

    /// The objects asked about.
    pub(crate) fn objects(&self) -> impl Iterator<Item = &str> {
        let many = self.objects.iter().flatten();
        self.object.iter().chain(many).map(String::as_str)
    }
}

impl UserFilter {
    /// `type` or `type#relation`.
    pub(crate) fn spell(&self) -> String {
        match self.relation.as_deref() {
            None | Some("") => self.type_name.clone(),
            Some(relation) => format!("{}#{relation}", self.type_name),
        }
    }
}

/// The tuples that a model does not admit: OpenFGA would have refused to
/// write them.
pub(crate) fn refused(policy: &Policy) -> impl Iterator<Item = &Warning> {
    let kinds = [
        "tuple.unknown_type",
        "tuple.unknown_relation",
        "tuple.not_assignable",
        "tuple.unknown_condition",
    ];
    policy
        .warnings()
        .iter()
        .filter(move |warning| kinds.contains(&warning.code))
}
