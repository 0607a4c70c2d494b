//! The bank: its policy, with an issuer whose key was made a moment ago.

use std::path::Path;

use deputize::exchange::{Acting, ExchangeRefusal, Wanted};
use deputize::time::UnixSeconds;
use deputize::token::SigningKey;
use deputize::{Policy, Request};
use serde_json::{Map, Value, json};

use crate::fault::{Failure, Fault};
use crate::key_pair::{KeyKind, KeyPair};
use crate::model_file::ModelText;
use crate::signing;
use crate::store::Store;
use crate::tuples::Reading;

const MODEL: &str = include_str!("../../../../examples/bank/model.fga");
const TUPLES: &str = include_str!("../../../../examples/bank/tuples.yaml");
const TRUST: &str = include_str!("../../../../examples/bank/trust.json");

/// Who signs the bank's tokens.
const ISSUER: &str = "https://id.bank.example";
/// Every service that a login may lead to.
const AUDIENCES: [&str; 4] = [
    "https://coordinator.bank.example",
    "https://documents.bank.example",
    "https://accounts.bank.example",
    "https://calendars.bank.example",
];
/// How long a login lasts, in seconds, and a token that is handed on.
const LOGIN: u64 = 3_600;
const HANDED_ON: u64 = 300;

/// The bank at one moment.
pub(super) struct Bank {
    pub(super) policy: Policy,
    /// The snapshot that the policy was made from.
    pub(super) snapshot: Value,
    /// The private key, as a JWK.
    pub(super) jwk: Value,
    pub(super) now: UnixSeconds,
    key: SigningKey,
}

/// Why there is no next token: a refusal is part of the story.
pub(super) type Handed = Result<String, ExchangeRefusal>;

impl Bank {
    pub(super) fn open(now: UnixSeconds) -> Result<Self, Failure> {
        let pair = KeyPair::generate(KeyKind::EdDsa, Some("demo"))?;
        let key = pair.signing_key().map_err(|error| signing::fault(&error))?;
        let snapshot = snapshot(&pair)?;
        let text = snapshot.to_string();
        let policy = Policy::from_json(text.as_bytes())
            .map_err(|error| Fault::new(error.code(), error.to_string()))?;
        Ok(Self {
            policy,
            snapshot,
            jwk: pair.jwk(),
            now,
            key,
        })
    }

    /// The token that somebody gets by logging in.
    pub(super) fn login(&self, sub: &str, scope: &str) -> Result<String, Failure> {
        self.sign(json!({
            "iss": ISSUER, "sub": sub, "aud": AUDIENCES, "scope": scope,
            "iat": self.now, "exp": self.now.plus(LOGIN),
        }))
    }

    /// The token with which an agent goes on, for one audience and one scope
    /// or for all that there are.
    pub(super) fn hand_on(
        &self,
        token: &str,
        agent: &str,
        audience: Option<&str>,
        scope: Option<&str>,
    ) -> Result<Handed, Failure> {
        let request = Request::at(self.now).token(token);
        let wanted = Wanted {
            actor: Some(Acting::Principal(agent)),
            scope,
            audiences: audience.as_slice(),
            lifetime: Some(HANDED_ON),
            ..Wanted::default()
        };
        match self.policy.exchange(&request, &wanted) {
            Ok(next) => self.sign(Value::Object(next.claims)).map(Ok),
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    fn sign(&self, claims: Value) -> Result<String, Failure> {
        let claims = match claims {
            Value::Object(claims) => claims,
            _ => Map::new(),
        };
        Ok(signing::sign(&self.key, claims, "at+jwt")?.token)
    }
}

/// The example's parts as one snapshot, with the public key.
fn snapshot(pair: &KeyPair) -> Result<Value, Failure> {
    let internal = |error: serde_json::Error| Fault::new("internal", error.to_string());
    let model = ModelText::embedded(MODEL.to_owned(), "examples/bank/model.fga");
    let file = "examples/bank/tuples.yaml";
    let mut reading = Reading::default();
    reading.file(Path::new(file), file.to_owned(), TUPLES.to_owned())?;
    let (_, document) = Store::of(&model, reading)?.policy("1")?;
    let mut snapshot: Value = serde_json::from_slice(&document).map_err(internal)?;
    let trust: Map<String, Value> = serde_json::from_str(TRUST).map_err(internal)?;
    if let Some(members) = snapshot.as_object_mut() {
        members.extend(trust);
    }
    if let Some(keys) = snapshot.pointer_mut("/issuers/0/keys") {
        *keys = pair.jwks();
    }
    Ok(snapshot)
}
