//! Policies, and questions to them.

use deputize::Policy;
use deputize_wire::{self as wire, Error};
use wasm_bindgen::prelude::wasm_bindgen;

use crate::{Thrown, answer, arguments, desk, lines, masked, truth, unknown};

/// A compiled policy.
#[wasm_bindgen]
pub struct RawPolicy {
    pub(crate) policy: Policy,
}

#[wasm_bindgen]
impl RawPolicy {
    /// Compiles a snapshot document in UTF-8.
    #[wasm_bindgen(js_name = fromJson)]
    pub fn from_json(document: &[u8]) -> Result<RawPolicy, Thrown> {
        let policy = wire::from_json(document).map_err(Thrown::from)?;
        Ok(Self { policy })
    }

    /// Opens a compiled policy.
    #[wasm_bindgen(js_name = fromCompiled)]
    pub fn from_compiled(image: &[u8]) -> Result<RawPolicy, Thrown> {
        let policy = wire::from_compiled(image).map_err(Thrown::from)?;
        Ok(Self { policy })
    }

    /// The compiled form.
    #[wasm_bindgen(js_name = toCompiled)]
    pub fn to_compiled(&self) -> Vec<u8> {
        self.policy.to_compiled()
    }

    /// A check without options, of texts of these lengths that lie on the desk.
    pub fn check(&self, user: u32, relation: u32, object: u32) -> u32 {
        let asked = desk::with([user, relation, object], |[user, relation, object]| {
            self.policy.check(user, relation, object).ok()
        });
        answer(asked.flatten())
    }

    /// Which of many objects.
    pub fn filter(
        &self,
        user: &str,
        relation: &str,
        joined: &str,
        count: u32,
        options: &str,
    ) -> Result<Vec<u8>, Thrown> {
        let objects = lines(joined, count)?;
        let filtered = wire::filter(&self.policy, user, relation, &objects, options)?;
        Ok(masked(filtered))
    }

    /// Every other question: its name, its arguments as an array of texts, and
    /// the answer as JSON.
    pub fn ask(&self, method: &str, given: &str) -> Result<String, Thrown> {
        let given = arguments(given)?;
        let given: Vec<&str> = given.iter().map(String::as_str).collect();
        Ok(question(&self.policy, method, &given)?)
    }
}

fn question(policy: &Policy, method: &str, given: &[&str]) -> Result<String, Error> {
    match (method, given) {
        ("describe", []) => Ok(wire::describe_policy(policy)),
        ("digest", []) => Ok(wire::digest(policy)),
        ("warnings", []) => Ok(wire::warnings(policy)),
        ("check", [user, relation, object, options]) => {
            wire::check(policy, user, relation, object, options).map(truth)
        }
        ("batchCheck", [items, options]) => wire::batch_check(policy, items, options),
        ("listObjects", [user, relation, kind, options]) => {
            wire::list_objects(policy, user, relation, kind, options)
        }
        ("listUsers", [object, relation, kind, options]) => {
            wire::list_users(policy, object, relation, kind, options)
        }
        ("expand", [relation, object, options]) => wire::expand(policy, relation, object, options),
        ("explain", [user, relation, object, options]) => {
            wire::explain(policy, user, relation, object, options)
        }
        #[cfg(feature = "tokens")]
        ("signatureOf", [token, request]) => {
            Ok(wire::signature_of(policy, token, request)?.unwrap_or_default())
        }
        #[cfg(feature = "tokens")]
        ("decide", [asking, question, request]) => wire::decide(policy, asking, question, request),
        #[cfg(feature = "tokens")]
        ("inspect", [token, options]) => wire::policy_inspect(policy, token, options),
        #[cfg(feature = "tokens")]
        ("replay", [record, options]) => wire::replay(policy, record, options),
        #[cfg(feature = "tokens")]
        ("exchange", [request]) => wire::exchange(policy, request),
        #[cfg(feature = "tokens")]
        ("clientCredentials", [request]) => wire::client_credentials(policy, request),
        #[cfg(feature = "tokens")]
        ("evaluate", [body, options]) => wire::evaluate(policy, body.as_bytes(), options),
        #[cfg(feature = "tokens")]
        ("evaluations", [body, options]) => wire::evaluations(policy, body.as_bytes(), options),
        #[cfg(feature = "tokens")]
        ("searchSubjects", [body, options]) => {
            wire::search_subjects(policy, body.as_bytes(), options)
        }
        #[cfg(feature = "tokens")]
        ("searchResources", [body, options]) => {
            wire::search_resources(policy, body.as_bytes(), options)
        }
        #[cfg(feature = "tokens")]
        ("searchActions", [body, options]) => {
            wire::search_actions(policy, body.as_bytes(), options)
        }
        _ => Err(unknown(method)),
    }
}
