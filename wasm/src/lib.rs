//! The module's border: each export converts and calls `deputize-wire`, no
//! more. `ts/` wraps it in the API that users see.
//!
//! An error is thrown as the JSON text of a `deputize_wire::Error`. What is
//! asked often answers with a number instead, since throwing is slow and so is
//! every object that crosses the border; all else goes through one function,
//! since each further one costs bytes.

#[cfg(feature = "tokens")]
mod caller;
mod desk;
mod policy;

use deputize_wire::Error;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

#[cfg(feature = "tokens")]
pub use self::caller::{RawCaller, ask};
pub use self::desk::desk;
pub use self::policy::RawPolicy;

/// What is thrown: the JSON text of an error.
pub struct Thrown(Error);

impl From<Error> for Thrown {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl From<Thrown> for JsValue {
    fn from(Thrown(error): Thrown) -> Self {
        JsValue::from_str(&error.to_json())
    }
}

/// 0 for no, 1 for yes, 2 for no answer: the slower form of the same question
/// has one, or tells why not.
fn answer(decided: Option<bool>) -> u32 {
    decided.map_or(2, u32::from)
}

/// What this module was built with, with a space between two words.
#[wasm_bindgen]
pub fn features() -> String {
    [
        ("conditions", cfg!(feature = "conditions")),
        ("regex", cfg!(feature = "regex")),
        ("rsa", cfg!(feature = "rsa")),
        ("tokens", cfg!(feature = "tokens")),
    ]
    .into_iter()
    .filter(|(_, there)| *there)
    .map(|(name, _)| name)
    .collect::<Vec<_>>()
    .join(" ")
}
