//! Policies, and questions to them.

use deputize::Policy;
use deputize_wire as wire;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::{Thrown, answer, desk};

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

    /// Which of many objects, packed.
    pub fn filter(
        &self,
        user: &str,
        relation: &str,
        packed: &[u8],
        options: &str,
    ) -> Result<Vec<u8>, Thrown> {
        let objects = wire::unpacked(packed);
        let filtered = wire::filter(&self.policy, user, relation, &objects, options)?;
        Ok(filtered.into_bytes())
    }

    /// Every other question: its name, its arguments as an array of texts, and
    /// the answer as JSON.
    pub fn ask(&self, method: &str, given: &str) -> Result<String, Thrown> {
        Ok(wire::ask(&self.policy, method, given)?)
    }
}
