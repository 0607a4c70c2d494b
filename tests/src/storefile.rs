//! OpenFGA's store files (`.fga.yaml`), read for the tests' own use.

use crate::conformance;
use crate::store::{Answer, Ask, Tuple};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// A store file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreFile {
    /// The store's name.
    #[serde(default)]
    pub name: String,
    /// DSL text.
    pub model: Option<String>,
    /// Or a file of it, or an `fga.mod`.
    pub model_file: Option<PathBuf>,
    /// Tuples.
    #[serde(default)]
    pub tuples: Vec<Tuple>,
    /// A file of more tuples.
    pub tuple_file: Option<PathBuf>,
    /// Tests.
    #[serde(default)]
    pub tests: Vec<Test>,
}

/// A test of a store file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Test {
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// Its own tuples, beside the store's.
    #[serde(default)]
    pub tuples: Vec<Tuple>,
    #[serde(default)]
    check: Vec<Check>,
    #[serde(default)]
    list_objects: Vec<ListObjects>,
    #[serde(default)]
    list_users: Vec<ListUsers>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Check {
    user: String,
    object: String,
    #[serde(default)]
    context: Map<String, Value>,
    assertions: BTreeMap<String, bool>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ListObjects {
    user: String,
    #[serde(rename = "type")]
    object_type: String,
    #[serde(default)]
    context: Map<String, Value>,
    assertions: BTreeMap<String, BTreeSet<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ListUsers {
    object: String,
    user_filter: [Filter; 1],
    #[serde(default)]
    context: Map<String, Value>,
    assertions: BTreeMap<String, Users>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Filter {
    #[serde(rename = "type")]
    type_name: String,
    relation: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Users {
    users: BTreeSet<String>,
}

/// One assertion.
#[derive(Debug)]
pub struct Assertion {
    /// Values for conditions.
    pub context: Map<String, Value>,
    /// The question.
    pub ask: Ask,
    /// The answer.
    pub expected: Answer,
}

impl StoreFile {
    /// Reads a store file, and its tuple file.
    pub fn read(path: &Path) -> StoreFile {
        let mut file: StoreFile = conformance::yaml(path);
        if let Some(tuples) = &file.tuple_file {
            let more: Vec<Tuple> = conformance::yaml(&beside(path, tuples));
            file.tuples.extend(more);
        }
        file
    }
}

/// A path that a file gives relative to itself.
pub fn beside(file: &Path, other: &Path) -> PathBuf {
    file.parent().unwrap_or(Path::new(".")).join(other)
}

impl Test {
    /// Its assertions.
    pub fn assertions(&self) -> Vec<Assertion> {
        let mut found = Vec::new();
        for check in &self.check {
            for (relation, allowed) in &check.assertions {
                found.push(Assertion {
                    context: check.context.clone(),
                    ask: Ask::Check {
                        user: check.user.clone(),
                        relation: relation.clone(),
                        object: check.object.clone(),
                    },
                    expected: Answer::Allowed(*allowed),
                });
            }
        }
        for list in &self.list_objects {
            for (relation, objects) in &list.assertions {
                found.push(Assertion {
                    context: list.context.clone(),
                    ask: Ask::ListObjects {
                        user: list.user.clone(),
                        relation: relation.clone(),
                        object_type: list.object_type.clone(),
                    },
                    expected: Answer::Listed(objects.clone()),
                });
            }
        }
        for list in &self.list_users {
            let [filter] = &list.user_filter;
            let filter = match &filter.relation {
                Some(relation) => format!("{}#{relation}", filter.type_name),
                None => filter.type_name.clone(),
            };
            for (relation, users) in &list.assertions {
                found.push(Assertion {
                    context: list.context.clone(),
                    ask: Ask::ListUsers {
                        object: list.object.clone(),
                        relation: relation.clone(),
                        filter: filter.clone(),
                    },
                    expected: Answer::Listed(users.users.clone()),
                });
            }
        }
        found
    }
}
