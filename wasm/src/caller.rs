//! Callers, and questions to them.

use deputize_wire::{self as wire, Caller, Time};
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
    /// A caller, made in one of the ways there are; `timed` is whether the
    /// program gave the time.
    pub fn caller(&self, method: &str, given: &str, timed: bool) -> Result<RawCaller, Thrown> {
        let caller = wire::make_caller(&self.policy, method, given, timed)?;
        Ok(RawCaller { caller })
    }
}

#[wasm_bindgen]
impl RawCaller {
    /// The same caller at a time, in whole seconds from 0 on, which the program
    /// gave or not.
    pub fn at(&self, now: f64, given: bool) -> Result<RawCaller, Thrown> {
        let caller = self.caller.at(time(now, given))?;
        Ok(RawCaller { caller })
    }

    /// The caller as another policy has it, at a time.
    pub fn under(&self, policy: &RawPolicy, now: f64, given: bool) -> Result<RawCaller, Thrown> {
        let caller = self.caller.under(&policy.policy, time(now, given))?;
        Ok(RawCaller { caller })
    }

    /// The same caller with contextual tuples beside those it has.
    #[wasm_bindgen(js_name = withTuples)]
    pub fn with_tuples(&self, tuples: &str) -> Result<RawCaller, Thrown> {
        let caller = wire::with_tuples(&self.caller, tuples)?;
        Ok(RawCaller { caller })
    }

    /// Whether it may by the host's clock, without a context of the question's
    /// own; the texts lie on the desk.
    pub fn can(&self, action: u32, resource: u32, now: f64) -> u32 {
        let asked = desk::with([action, resource], |[action, resource]| {
            let moment = self.caller.moment(Time::of_host(now as u64)).ok()?;
            Some(moment.can(action, resource))
        });
        answer(asked.flatten())
    }

    /// Which of many resources, packed.
    pub fn filter(
        &self,
        action: &str,
        packed: &[u8],
        now: f64,
        given: bool,
    ) -> Result<Vec<u8>, Thrown> {
        let (resources, time) = (wire::unpacked(packed), time(now, given));
        Ok(wire::caller_filter(&self.caller, time, action, &resources)?.into_bytes())
    }

    /// Every other question: its name, its arguments as an array of texts, its
    /// time, and the answer as JSON.
    pub fn ask(
        &self,
        method: &str,
        arguments: &str,
        now: f64,
        given: bool,
    ) -> Result<String, Thrown> {
        let time = time(now, given);
        Ok(wire::ask_caller(&self.caller, time, method, arguments)?)
    }
}

fn time(now: f64, given: bool) -> Time {
    let now = now as u64;
    Time { now, given }
}

/// A question that needs no policy: its name, its arguments as an array of
/// texts, and the answer as JSON, or the empty text for none.
#[wasm_bindgen]
pub fn ask(method: &str, given: &str) -> Result<String, Thrown> {
    Ok(wire::ask_alone(method, given)?)
}
