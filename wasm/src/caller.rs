//! Callers, and what is asked of a policy with tokens.

use deputize::caller::Caller;
use deputize_wire as wire;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::policy::RawPolicy;
use crate::{Thrown, answer, lines, masked, throw};

/// A caller.
#[wasm_bindgen]
pub struct RawCaller {
    caller: Caller,
}

fn made(caller: Result<Caller, wire::Error>) -> Result<RawCaller, Thrown> {
    caller.map(|caller| RawCaller { caller }).map_err(throw)
}

#[wasm_bindgen]
impl RawPolicy {
    /// Verifies a token.
    pub fn verify(&self, token: &str, request: &str) -> Result<RawCaller, Thrown> {
        made(wire::verify(&self.policy, token, request))
    }

    /// The signature that WebCrypto may check.
    #[wasm_bindgen(js_name = signatureOf)]
    pub fn signature_of(&self, token: &str, request: &str) -> Result<Option<String>, Thrown> {
        wire::signature_of(&self.policy, token, request).map_err(throw)
    }

    /// Verifies a token whose signature was checked.
    #[wasm_bindgen(js_name = verifySigned)]
    pub fn verify_signed(
        &self,
        token: &str,
        request: &str,
        fits: bool,
    ) -> Result<RawCaller, Thrown> {
        made(wire::verify_signed(&self.policy, token, request, fits))
    }

    /// A caller that the host vouches for.
    pub fn caller(&self, chain: &str, options: &str) -> Result<RawCaller, Thrown> {
        made(wire::caller(&self.policy, chain, options))
    }

    /// Verifies a token and decides.
    pub fn decide(&self, token: &str, question: &str, request: &str) -> Result<String, Thrown> {
        wire::decide(&self.policy, token, question, request).map_err(throw)
    }

    /// Decides again.
    pub fn replay(&self, record: &str, options: &str) -> Result<String, Thrown> {
        wire::replay(&self.policy, record, options).map_err(throw)
    }

    /// The claims of the next token.
    pub fn exchange(&self, request: &str) -> Result<String, Thrown> {
        wire::exchange(&self.policy, request).map_err(throw)
    }

    /// The claims of a first token.
    #[wasm_bindgen(js_name = clientCredentials)]
    pub fn client_credentials(&self, request: &str) -> Result<String, Thrown> {
        wire::client_credentials(&self.policy, request).map_err(throw)
    }

    /// AuthZEN: one evaluation.
    pub fn evaluate(&self, request: &[u8], options: &str) -> Result<String, Thrown> {
        wire::evaluate(&self.policy, request, options).map_err(throw)
    }

    /// AuthZEN: many evaluations.
    pub fn evaluations(&self, request: &[u8], options: &str) -> Result<String, Thrown> {
        wire::evaluations(&self.policy, request, options).map_err(throw)
    }

    /// AuthZEN: subjects.
    #[wasm_bindgen(js_name = searchSubjects)]
    pub fn search_subjects(&self, request: &[u8], options: &str) -> Result<String, Thrown> {
        wire::search_subjects(&self.policy, request, options).map_err(throw)
    }

    /// AuthZEN: resources.
    #[wasm_bindgen(js_name = searchResources)]
    pub fn search_resources(&self, request: &[u8], options: &str) -> Result<String, Thrown> {
        wire::search_resources(&self.policy, request, options).map_err(throw)
    }

    /// AuthZEN: actions.
    #[wasm_bindgen(js_name = searchActions)]
    pub fn search_actions(&self, request: &[u8], options: &str) -> Result<String, Thrown> {
        wire::search_actions(&self.policy, request, options).map_err(throw)
    }
}

#[wasm_bindgen]
impl RawCaller {
    /// Who it is.
    pub fn describe(&self) -> Result<String, Thrown> {
        wire::describe(&self.caller).map_err(throw)
    }

    /// The same caller later.
    pub fn at(&self, now: f64) -> Result<RawCaller, Thrown> {
        // The wrapper gives whole seconds from 0 on.
        made(wire::at(&self.caller, now as u64))
    }

    /// Whether it may, without a context of the question's own.
    pub fn can(&self, action: &str, resource: &str) -> u32 {
        answer::<()>(Ok(self.caller.can(action, resource, None)))
    }

    /// Whether it may.
    #[wasm_bindgen(js_name = canWith)]
    pub fn can_with(&self, action: &str, resource: &str, context: &str) -> Result<bool, Thrown> {
        wire::caller_can(&self.caller, action, resource, context).map_err(throw)
    }

    /// Whether it may, with the reason.
    pub fn check(&self, action: &str, resource: &str, context: &str) -> Result<String, Thrown> {
        wire::caller_check(&self.caller, action, resource, context).map_err(throw)
    }

    /// Whether it may, with everything.
    pub fn decide(&self, action: &str, resource: &str, context: &str) -> Result<String, Thrown> {
        wire::caller_decide(&self.caller, action, resource, context).map_err(throw)
    }

    /// Which of many resources.
    pub fn filter(&self, action: &str, joined: &str, count: u32) -> Result<Vec<u8>, Thrown> {
        let resources = lines(joined, count).map_err(throw)?;
        wire::caller_filter(&self.caller, action, &resources)
            .map(masked)
            .map_err(throw)
    }

    /// All of a type.
    pub fn list(&self, action: &str, object_type: &str) -> Result<String, Thrown> {
        wire::caller_list(&self.caller, action, object_type).map_err(throw)
    }

    /// Names to search with.
    pub fn terms(&self, action: &str, object_type: &str) -> Result<String, Thrown> {
        wire::caller_terms(&self.caller, action, object_type).map_err(throw)
    }

    /// The claims of the next token.
    pub fn delegate(&self, actor: &str, wanted: &str) -> Result<String, Thrown> {
        wire::delegate(&self.caller, actor, wanted).map_err(throw)
    }
}

/// A look into a token without a policy.
#[wasm_bindgen]
pub fn inspect(token: &str, options: &str) -> Result<String, Thrown> {
    wire::inspect(token, options).map_err(throw)
}
