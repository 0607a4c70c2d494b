//! Callers, and questions to them.

use deputize::caller::Caller;
use deputize_wire::{self as wire, Error};
use wasm_bindgen::prelude::wasm_bindgen;

use crate::policy::RawPolicy;
use crate::{Thrown, answer, arguments, desk, lines, masked, truth, unknown};

/// A caller.
#[wasm_bindgen]
pub struct RawCaller {
    caller: Caller,
}

#[wasm_bindgen]
impl RawPolicy {
    /// A caller, made in one of the ways there are.
    pub fn caller(&self, method: &str, given: &str) -> Result<RawCaller, Thrown> {
        let given = arguments(given)?;
        let given: Vec<&str> = given.iter().map(String::as_str).collect();
        let policy = &self.policy;
        let caller = match (method, given.as_slice()) {
            ("verify", [token, request]) => wire::verify(policy, token, request),
            ("verifySigned", [token, request, fits]) => {
                wire::verify_signed(policy, token, request, *fits == "true")
            }
            ("verifyChain", [tokens, request]) => wire::verify_chain(policy, tokens, request),
            ("caller", [chain, options]) => wire::caller(policy, chain, options),
            _ => Err(unknown(method)),
        }?;
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

    /// Which of many resources.
    pub fn filter(&self, action: &str, joined: &str, count: u32) -> Result<Vec<u8>, Thrown> {
        let resources = lines(joined, count)?;
        Ok(masked(wire::caller_filter(
            &self.caller,
            action,
            &resources,
        )?))
    }

    /// Every other question: its name, its arguments as an array of texts, and
    /// the answer as JSON.
    pub fn ask(&self, method: &str, given: &str) -> Result<String, Thrown> {
        let given = arguments(given)?;
        let given: Vec<&str> = given.iter().map(String::as_str).collect();
        Ok(question(&self.caller, method, &given)?)
    }
}

fn question(caller: &Caller, method: &str, given: &[&str]) -> Result<String, Error> {
    match (method, given) {
        ("describe", []) => Ok(wire::describe(caller)),
        ("can", [action, resource, context]) => {
            wire::caller_can(caller, action, resource, context).map(truth)
        }
        ("check", [action, resource, context]) => {
            wire::caller_check(caller, action, resource, context)
        }
        ("decide", [action, resource, context]) => {
            wire::caller_decide(caller, action, resource, context)
        }
        ("list", [action, kind]) => wire::caller_list(caller, action, kind),
        ("terms", [action, kind]) => wire::caller_terms(caller, action, kind),
        ("delegate", [actor, wanted]) => wire::delegate(caller, actor, wanted),
        _ => Err(unknown(method)),
    }
}

/// What needs no policy: its name, its arguments as an array of texts, and the
/// answer as JSON, or the empty text for none.
#[wasm_bindgen]
pub fn ask(method: &str, given: &str) -> Result<String, Thrown> {
    let given = arguments(given)?;
    let given: Vec<&str> = given.iter().map(String::as_str).collect();
    Ok(match (method, given.as_slice()) {
        ("inspect", [token, options]) => wire::inspect(token, options),
        ("verifySignature", [token, keys, options]) => wire::verify_signature(token, keys, options),
        ("signatureChecked", [token, keys, options, fits]) => {
            wire::signature_checked(token, keys, options, *fits == "true")
        }
        ("signatureToCheck", [token, keys, options]) => {
            wire::signature_to_check(token, keys, options).map(Option::unwrap_or_default)
        }
        _ => Err(unknown(method)),
    }?)
}
