//! The shape of OpenFGA's own test suites.

use crate::conformance;
use crate::store::{Answer, Ask, Tuple};
use serde::Deserialize;
use serde_json::{Map, Value};

/// The files of the suite.
pub const FILES: [&str; 2] = ["consolidated_1_1_tests.yaml", "abac_tests.yaml"];

/// A file of tests.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suite {
    /// Its tests.
    pub tests: Vec<Test>,
}

/// One test: stages that share a store.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Test {
    /// Its name.
    pub name: String,
    /// Each brings a model and more tuples.
    pub stages: Vec<Stage>,
}

/// One stage.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Stage {
    /// DSL text.
    pub model: String,
    /// Tuples added.
    #[serde(default)]
    pub tuples: Vec<Tuple>,
    #[serde(default)]
    check_assertions: Vec<CheckAssertion>,
    #[serde(default)]
    list_objects_assertions: Vec<ListObjectsAssertion>,
    #[serde(default)]
    list_users_assertions: Vec<ListUsersAssertion>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct CheckAssertion {
    tuple: CheckTuple,
    #[serde(default)]
    context: Map<String, Value>,
    #[serde(default)]
    contextual_tuples: Vec<Tuple>,
    #[serde(default)]
    expectation: bool,
    error_code: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CheckTuple {
    user: String,
    relation: String,
    object: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct ListObjectsAssertion {
    request: ListObjectsRequest,
    #[serde(default)]
    context: Map<String, Value>,
    #[serde(default)]
    contextual_tuples: Vec<Tuple>,
    expectation: Option<Vec<String>>,
    error_code: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ListObjectsRequest {
    user: String,
    #[serde(rename = "type")]
    object_type: String,
    relation: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct ListUsersAssertion {
    request: ListUsersRequest,
    #[serde(default)]
    context: Map<String, Value>,
    #[serde(default)]
    contextual_tuples: Vec<Tuple>,
    expectation: Option<Vec<String>>,
    error_code: Option<u32>,
}

// The file has one empty `expectation` a level too deep; it means the same.
#[derive(Debug, Deserialize)]
struct ListUsersRequest {
    object: String,
    relation: String,
    filters: [String; 1],
}

/// An assertion in the terms of this crate.
#[derive(Debug)]
pub struct Assertion<'s> {
    /// Values for conditions.
    pub context: &'s Map<String, Value>,
    /// The request's own tuples.
    pub contextual: &'s [Tuple],
    /// The question.
    pub ask: Ask,
    /// The answer; of an error only the number counts.
    pub expected: Answer,
}

/// Reads a file of the suite.
pub fn read(path: &std::path::Path) -> Suite {
    conformance::yaml(path)
}

impl Stage {
    /// Its assertions.
    pub fn assertions(&self) -> Vec<Assertion<'_>> {
        let listed =
            |names: &Option<Vec<String>>| Answer::Listed(names.iter().flatten().cloned().collect());
        let failed = |code: u32| Answer::Failed(code, String::new());
        let checks = self.check_assertions.iter().map(|assertion| Assertion {
            context: &assertion.context,
            contextual: &assertion.contextual_tuples,
            ask: Ask::Check {
                user: assertion.tuple.user.clone(),
                relation: assertion.tuple.relation.clone(),
                object: assertion.tuple.object.clone(),
            },
            expected: assertion
                .error_code
                .map_or(Answer::Allowed(assertion.expectation), failed),
        });
        let objects = self
            .list_objects_assertions
            .iter()
            .map(|assertion| Assertion {
                context: &assertion.context,
                contextual: &assertion.contextual_tuples,
                ask: Ask::ListObjects {
                    user: assertion.request.user.clone(),
                    relation: assertion.request.relation.clone(),
                    object_type: assertion.request.object_type.clone(),
                },
                expected: assertion
                    .error_code
                    .map_or_else(|| listed(&assertion.expectation), failed),
            });
        let users = self
            .list_users_assertions
            .iter()
            .map(|assertion| Assertion {
                context: &assertion.context,
                contextual: &assertion.contextual_tuples,
                ask: Ask::ListUsers {
                    object: assertion.request.object.clone(),
                    relation: assertion.request.relation.clone(),
                    filter: assertion.request.filters[0].clone(),
                },
                expected: assertion
                    .error_code
                    .map_or_else(|| listed(&assertion.expectation), failed),
            });
        checks.chain(objects).chain(users).collect()
    }
}
