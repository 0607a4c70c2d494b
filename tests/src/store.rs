//! A model, its tuples and the questions asked of them.

use deputize::model::Model;
pub use deputize::{Tuple, TupleCondition};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// What makes a tuple unique within a store: object, relation, user.
pub fn key(tuple: &Tuple) -> (&str, &str, &str) {
    (&tuple.object, &tuple.relation, &tuple.user)
}

/// A model and its tuples.
#[derive(Debug, Clone)]
pub struct Store {
    /// The model.
    pub model: Model,
    /// Its tuples, without two of one key.
    pub tuples: Vec<Tuple>,
}

impl Store {
    /// As a snapshot, with the model as DSL text.
    pub fn snapshot(&self) -> Value {
        json!({ "deputize": 1, "model": crate::dsl::write(&self.model), "tuples": self.tuples })
    }
}

/// One question.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    /// Does `user` have `relation` on `object`?
    Check {
        /// The user.
        user: String,
        /// The relation.
        relation: String,
        /// The object.
        object: String,
    },
    /// On which objects of a type does `user` have `relation`?
    ListObjects {
        /// The user.
        user: String,
        /// The relation.
        relation: String,
        /// The objects' type.
        object_type: String,
    },
    /// Which users of a kind have `relation` on `object`?
    ListUsers {
        /// The object.
        object: String,
        /// The relation.
        relation: String,
        /// `user` or `group#member`.
        filter: String,
    },
}

/// Questions that share a context and contextual tuples.
#[derive(Debug, Clone, Default)]
pub struct Round {
    /// Values for conditions.
    pub context: Map<String, Value>,
    /// Whose tuples are seen besides those of nobody.
    pub tenant: Option<String>,
    /// Tuples that hold for this round only.
    pub contextual: Vec<Tuple>,
    /// The questions.
    pub asks: Vec<Ask>,
}

/// An answer, comparable between engines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Of a check.
    Allowed(bool),
    /// Of a list.
    Listed(BTreeSet<String>),
    /// Any refusal, with its code where there is one.
    Failed(u32, String),
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Answer::Allowed(allowed) => write!(f, "{allowed}"),
            Answer::Listed(names) => write!(f, "{names:?}"),
            Answer::Failed(code, text) => write!(f, "error {code} ({text})"),
        }
    }
}

/// `type:id` as its two halves; the id is empty where there is no colon.
pub fn split_object(object: &str) -> (&str, &str) {
    object.split_once(':').unwrap_or((object, ""))
}

/// `type:id#relation` as its two halves.
pub fn split_userset(user: &str) -> Option<(&str, &str)> {
    user.split_once('#')
}

/// The type of an object, a wildcard or a userset.
pub fn type_of(name: &str) -> &str {
    split_object(name).0
}
