//! The JSON Schemas of all requests and answers, of which each language's types
//! are printed. They say of a request and of an answer apart which members may
//! be left out.

use deputize::authzen::{Evaluation, Evaluations, Found, NamedAction, NamedEntity};
use deputize::caller::PolicyInspection;
use deputize::decision::{Decision, Record};
use deputize::token::Inspection;
use deputize::{CheckItem, Expansion, Explanation, Snapshot};
use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value};

use crate::caller::{
    Asking, CallerDescription, Checked, InspectOptions, PolicyInspectOptions, QuestionRecord,
    ReplayOptions,
};
use crate::codes::{GuardCode, RetrievalCode, SourceCode};
use crate::credentials::{ClientCredentials, ClientCredentialsRequest, ExchangeClaims};
use crate::error::Error;
use crate::filtered::FilterSummary;
use crate::options::QueryOptions;
use crate::policy::{PolicyDescription, WarningRecord};
use crate::question::CheckAnswer;
use crate::setting::{CallerOptions, ExchangeRequest, VerifyRequest, WantedToken};
use crate::signature::{SignatureOptions, SignatureToCheck, SignedBy};

/// A schema that a printer does not understand.
#[derive(Debug)]
pub struct NotUnderstood(pub(crate) String);

impl std::fmt::Display for NotUnderstood {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "no type is known for {}", self.0)
    }
}

impl std::error::Error for NotUnderstood {}

/// What is asked, by name. A shape that is read and written is printed as it is
/// read, since all that is written can be read.
pub(crate) fn requests() -> Map<String, Value> {
    let mut requests = SchemaSettings::draft2020_12().into_generator();
    add::<Snapshot<'static>>(&mut requests);
    add::<QueryOptions>(&mut requests);
    add::<CheckItem>(&mut requests);
    add::<VerifyRequest>(&mut requests);
    add::<CallerOptions>(&mut requests);
    add::<Asking>(&mut requests);
    add::<QuestionRecord>(&mut requests);
    add::<ReplayOptions>(&mut requests);
    add::<InspectOptions>(&mut requests);
    add::<PolicyInspectOptions>(&mut requests);
    add::<SignatureOptions>(&mut requests);
    add::<ExchangeRequest>(&mut requests);
    add::<WantedToken>(&mut requests);
    add::<ClientCredentialsRequest>(&mut requests);
    requests.take_definitions(true)
}

/// What comes back, by name.
pub(crate) fn answers() -> Map<String, Value> {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let mut answers = settings.into_generator();
    add::<Error>(&mut answers);
    add::<PolicyDescription<'static>>(&mut answers);
    add::<WarningRecord<'static>>(&mut answers);
    add::<CheckAnswer>(&mut answers);
    add::<FilterSummary<'static>>(&mut answers);
    add::<Expansion>(&mut answers);
    add::<Explanation>(&mut answers);
    add::<Checked>(&mut answers);
    add::<CallerDescription<'static>>(&mut answers);
    add::<SignatureToCheck<'static>>(&mut answers);
    add::<SignedBy<'static>>(&mut answers);
    add::<Decision>(&mut answers);
    add::<Record>(&mut answers);
    add::<Inspection>(&mut answers);
    add::<PolicyInspection>(&mut answers);
    add::<ExchangeClaims<'static>>(&mut answers);
    add::<ClientCredentials<'static>>(&mut answers);
    add::<Evaluation>(&mut answers);
    add::<Evaluations>(&mut answers);
    add::<Found<NamedEntity>>(&mut answers);
    add::<Found<NamedAction>>(&mut answers);
    add::<GuardCode>(&mut answers);
    add::<RetrievalCode>(&mut answers);
    add::<SourceCode>(&mut answers);
    answers.take_definitions(true)
}

fn add<T: JsonSchema>(generator: &mut SchemaGenerator) {
    let _: Schema = generator.subschema_for::<T>();
}

/// A section's name (`entity_grants`) as a type's (`EntityGrants`).
pub(crate) fn type_name(name: &str) -> String {
    name.split('_')
        .filter_map(|word| {
            let (first, rest) = word.split_at_checked(1)?;
            Some(first.to_ascii_uppercase() + rest)
        })
        .collect()
}

/// The members of a schema.
pub(crate) fn object(schema: &Value) -> Result<&Map<String, Value>, NotUnderstood> {
    schema
        .as_object()
        .ok_or_else(|| NotUnderstood(schema.to_string()))
}
