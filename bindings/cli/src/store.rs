//! OpenFGA store files (`.fga.yaml`): a model, its tuples, and tests.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use deputize::model::Model;
use deputize::snapshot::{SnapshotError, SnapshotErrorKind};
use deputize::{Policy, Tuple, Warning};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::fault::{Failure, Fault};
use crate::model_file::ModelText;
use crate::tuples::{self, TupleEntry};
use crate::{question, snapshot_fault, yaml};

/// A store file as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoreFile {
    name: Option<String>,
    model: Option<String>,
    model_file: Option<String>,
    tuples: Option<Vec<TupleEntry>>,
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
    tuples: Option<Vec<TupleEntry>>,
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
    model: ModelText,
    tuples: Vec<Tuple>,
    /// Where each run of tuples came from, in order.
    origins: Vec<Origin>,
    /// The tests.
    pub(crate) tests: Vec<Test>,
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

/// Where a run of tuples came from.
#[derive(Debug)]
struct Origin {
    /// Its first tuple, among all.
    first: usize,
    file: String,
    /// The JSON pointer of the list, in that file.
    pointer: &'static str,
}

/// A snapshot document, as it is written.
#[derive(Debug, Serialize)]
struct Document<'a> {
    deputize: u32,
    #[serde(skip_serializing_if = "str::is_empty")]
    revision: &'a str,
    model: Value,
    tuples: &'a [Tuple],
}

impl Store {
    /// Reads a store file's text. Names of other files in it are relative to
    /// `folder`.
    pub(crate) fn parse(text: &str, name: &str, folder: Option<&Path>) -> Result<Self, Failure> {
        let file: StoreFile = yaml::parse(text, name)?;
        let folder = folder.unwrap_or(Path::new(""));
        let model = match (file.model, file.model_file) {
            (Some(dsl), _) => ModelText::embedded(dsl, name),
            (None, Some(path)) => ModelText::read(&folder.join(path))?,
            (None, None) => {
                let said = "a store file has a `model` or a `model_file`; this one has neither";
                return Err(Fault::new("store.model", said).in_file(name).into());
            }
        };
        let mut store = Self {
            name: file.name,
            model,
            tuples: Vec::new(),
            origins: Vec::new(),
            tests: Vec::new(),
        };
        let files = file.tuple_file.into_iter();
        for path in files.chain(file.tuple_files.into_iter().flatten()) {
            let path = folder.join(path);
            store.add(tuples::read(&path)?, path.display().to_string(), "");
        }
        let own = file.tuples.into_iter().flatten().map(Tuple::from);
        store.add(own.collect(), name.to_owned(), "/tuples");
        for (number, part) in (1..).zip(file.tests.into_iter().flatten()) {
            store.tests.push(part.read(number, folder)?);
        }
        for test in &store.tests {
            for check in &test.checks {
                if check.users().next().is_none() || check.objects().next().is_none() {
                    let said = format!(
                        "a check of `{}` needs a `user` or `users`, and an `object` or `objects`",
                        test.name
                    );
                    return Err(Fault::new("store.check", said).in_file(name).into());
                }
            }
        }
        Ok(store)
    }

    /// A store of a model and lists of tuples, each from a file.
    pub(crate) fn of(model: ModelText, lists: Vec<(String, Vec<Tuple>)>) -> Self {
        let mut store = Self {
            name: None,
            model,
            tuples: Vec::new(),
            origins: Vec::new(),
            tests: Vec::new(),
        };
        for (file, tuples) in lists {
            store.add(tuples, file, "");
        }
        store
    }

    /// The model and the tuples, taken out.
    pub(crate) fn into_parts(self) -> (ModelText, Vec<Tuple>) {
        (self.model, self.tuples)
    }

    /// The snapshot document of the model and the tuples.
    pub(crate) fn snapshot(&self, revision: &str) -> Result<Vec<u8>, Failure> {
        let document = Document {
            deputize: 1,
            revision,
            model: self.model.member()?,
            tuples: &self.tuples,
        };
        serde_json::to_vec(&document)
            .map_err(|error| Fault::new("internal", error.to_string()).into())
    }

    /// The policy that the snapshot document compiles to.
    pub(crate) fn policy(&self, document: &[u8]) -> Result<Policy, Failure> {
        self.model.check()?;
        Policy::from_json(document).map_err(|error| self.fault(&error).into())
    }

    fn add(&mut self, tuples: Vec<Tuple>, file: String, pointer: &'static str) {
        self.origins.push(Origin {
            first: self.tuples.len(),
            file,
            pointer,
        });
        self.tuples.extend(tuples);
    }

    /// A pointer into the snapshot document, as the file it came from and the
    /// pointer there.
    pub(crate) fn origin(&self, pointer: &str) -> Option<(&str, String)> {
        let rest = pointer.strip_prefix("/tuples/")?;
        let (index, rest) = rest
            .split_once('/')
            .map_or((rest, None), |(i, r)| (i, Some(r)));
        let index: usize = index.parse().ok()?;
        let origin = self.origins.iter().rfind(|o| o.first <= index)?;
        let mut pointer = format!("{}/{}", origin.pointer, index - origin.first);
        if let Some(rest) = rest {
            pointer = format!("{pointer}/{rest}");
        }
        Some((&origin.file, pointer))
    }

    /// The fault that a tuple is which the model does not admit.
    pub(crate) fn refusal(&self, warning: &Warning, model: &Model) -> Fault {
        let fault = question::of_warning(warning, model);
        match self.origin(&warning.pointer) {
            Some((file, pointer)) => fault.in_file(file).pointing(pointer),
            None => fault,
        }
    }

    fn fault(&self, error: &SnapshotError) -> Fault {
        if let SnapshotErrorKind::Model(error) = &error.kind {
            return self.model.fault(error);
        }
        let fault = snapshot_fault::plain(error, self.model.dsl());
        match self.origin(&error.pointer) {
            Some((file, pointer)) => fault.in_file(file).pointing(pointer),
            None => fault.in_file(self.model.name()),
        }
    }
}

impl TestPart {
    fn read(self, number: usize, folder: &Path) -> Result<Test, Failure> {
        let mut own = Vec::new();
        let files = self.tuple_file.into_iter();
        for path in files.chain(self.tuple_files.into_iter().flatten()) {
            own.extend(tuples::read(&PathBuf::from(folder).join(path))?);
        }
        own.extend(self.tuples.into_iter().flatten().map(Tuple::from));
        Ok(Test {
            name: self.name.unwrap_or_else(|| format!("test {number}")),
            tuples: own,
            checks: self.check.unwrap_or_default(),
            list_objects: self.list_objects.unwrap_or_default(),
            list_users: self.list_users.unwrap_or_default(),
        })
    }
}

impl CheckTest {
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
