//! Policies, and questions about relationships.

use deputize::Policy;
use deputize_wire as wire;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::{Thrown, answer, lines, masked, throw};

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
        let policy = wire::from_json(document).map_err(throw)?;
        Ok(Self { policy })
    }

    /// Opens a compiled policy.
    #[wasm_bindgen(js_name = fromCompiled)]
    pub fn from_compiled(image: &[u8]) -> Result<RawPolicy, Thrown> {
        let policy = wire::from_compiled(image).map_err(throw)?;
        Ok(Self { policy })
    }

    /// The compiled form.
    #[wasm_bindgen(js_name = toCompiled)]
    pub fn to_compiled(&self) -> Vec<u8> {
        self.policy.to_compiled()
    }

    /// The snapshot's revision.
    pub fn revision(&self) -> String {
        self.policy.revision().to_owned()
    }

    /// SHA-256 of the compiled form, in hexadecimal.
    pub fn digest(&self) -> String {
        wire::digest(&self.policy)
    }

    /// When the snapshot was made, in seconds.
    #[wasm_bindgen(js_name = issuedAt)]
    pub fn issued_at(&self) -> Option<f64> {
        self.policy.issued_at().map(|time| time as f64)
    }

    /// The last second at which the policy holds.
    #[wasm_bindgen(js_name = notAfter)]
    pub fn not_after(&self) -> Option<f64> {
        self.policy.not_after().map(|time| time as f64)
    }

    /// How many relationships are in effect.
    #[wasm_bindgen(js_name = tupleCount)]
    pub fn tuple_count(&self) -> u32 {
        u32::try_from(self.policy.tuple_count()).unwrap_or(u32::MAX)
    }

    /// What can have no effect.
    pub fn warnings(&self) -> Result<String, Thrown> {
        wire::warnings(&self.policy).map_err(throw)
    }

    /// A check without options.
    pub fn check(&self, user: &str, relation: &str, object: &str) -> u32 {
        answer(self.policy.check(user, relation, object))
    }

    /// A check with options.
    #[wasm_bindgen(js_name = checkWith)]
    pub fn check_with(
        &self,
        user: &str,
        relation: &str,
        object: &str,
        options: &str,
    ) -> Result<bool, Thrown> {
        wire::check(&self.policy, user, relation, object, options).map_err(throw)
    }

    /// Many checks.
    #[wasm_bindgen(js_name = batchCheck)]
    pub fn batch_check(&self, items: &str, options: &str) -> Result<String, Thrown> {
        wire::batch_check(&self.policy, items, options).map_err(throw)
    }

    /// The objects of a type.
    #[wasm_bindgen(js_name = listObjects)]
    pub fn list_objects(
        &self,
        user: &str,
        relation: &str,
        object_type: &str,
        options: &str,
    ) -> Result<String, Thrown> {
        wire::list_objects(&self.policy, user, relation, object_type, options).map_err(throw)
    }

    /// The users of a type.
    #[wasm_bindgen(js_name = listUsers)]
    pub fn list_users(
        &self,
        object: &str,
        relation: &str,
        user_type: &str,
        options: &str,
    ) -> Result<String, Thrown> {
        wire::list_users(&self.policy, object, relation, user_type, options).map_err(throw)
    }

    /// Who has a relation, one level down.
    pub fn expand(&self, relation: &str, object: &str, options: &str) -> Result<String, Thrown> {
        wire::expand(&self.policy, relation, object, options).map_err(throw)
    }

    /// Why, or why not.
    pub fn explain(
        &self,
        user: &str,
        relation: &str,
        object: &str,
        options: &str,
    ) -> Result<String, Thrown> {
        wire::explain(&self.policy, user, relation, object, options).map_err(throw)
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
        let objects = lines(joined, count).map_err(throw)?;
        wire::filter(&self.policy, user, relation, &objects, options)
            .map(masked)
            .map_err(throw)
    }
}
