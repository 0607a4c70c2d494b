//! Callers, and questions to them.

use deputize::caller::Caller;
use deputize_wire as wire;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::policy::RawPolicy;
use crate::{Thrown, answer, desk};

/// A caller.
#[wasm_bindgen]
pub struct RawCaller {
    caller: Caller,
}

#[wasm_bindgen]
impl RawPolicy {
    /// A caller, made in one of the ways there are.
    pub fn caller(&self, method: &str, given: &str) -> Result<RawCaller, Thrown> {
        let caller = wire::make_caller(&self.policy, method, given)?;
        Ok(RawCaller { caller })
    }
}

#[wasm_bindgen]
impl RawCaller {
    /// The same caller later, in whole seconds from 0 on.
    pub fn at(&self, now: f64) -> Result<RawCaller, Thrown> {
        let caller = wire::at(&self.caller, now as u64)?;
        Ok(RawCaller { caller })
    }

    /// Whether it may, without a context of the question's own; the texts lie
    /// on the desk.
    pub fn can(&self, action: u32, resource: u32) -> u32 {
        answer(desk::with([action, resource], |[action, resource]| {
            self.caller.can(action, resource, None)
        }))
    }

    /// Which of many resources, packed.
    pub fn filter(&self, action: &str, packed: &[u8]) -> Result<Vec<u8>, Thrown> {
        let resources = wire::unpacked(packed);
        Ok(wire::caller_filter(&self.caller, action, &resources)?.into_bytes())
    }

    /// Every other question: its name, its arguments as an array of texts, and
    /// the answer as JSON.
    pub fn ask(&self, method: &str, given: &str) -> Result<String, Thrown> {
        Ok(wire::ask_caller(&self.caller, method, given)?)
    }
}

/// A question that needs no policy: its name, its arguments as an array of
/// texts, and the answer as JSON, or the empty text for none.
#[wasm_bindgen]
pub fn ask(method: &str, given: &str) -> Result<String, Thrown> {
    Ok(wire::ask_alone(method, given)?)
}
