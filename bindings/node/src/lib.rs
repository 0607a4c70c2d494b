//! The border between Node and the core: each export converts and calls
//! `deputize-wire`, no more. `ts/` and the classes of `wasm/ts` wrap it in the
//! API that users see.
//!
//! An error is thrown as a JavaScript error whose message is the JSON text of a
//! `deputize_wire::Error`. A panic in the core ends in the same way, as our
//! bug: never as an answer, and never as the end of the process.

// The macros of napi-rs write the unsafe code of the border; there is none here.
#![allow(unsafe_code, reason = "what `#[napi]` expands to")]
#![allow(missing_docs, reason = "what `#[napi]` expands to")]

mod caller;
mod handle;
mod numbered;
mod policy;
mod work;

use std::panic::{AssertUnwindSafe, catch_unwind};

use deputize_wire as wire;
use napi_derive::napi;

pub use self::caller::RawCaller;
pub use self::numbered::{can, check};
pub use self::policy::RawPolicy;

/// Runs a call to its end: with an answer, with an error, or with a panic,
/// which is an error too. What was asked about is never changed by a question,
/// so that nothing can be left half done.
fn guarded<T>(run: impl FnOnce() -> Result<T, wire::Error>) -> napi::Result<T> {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(answer) => answer.map_err(thrown),
        Err(panic) => {
            let said = panic.downcast_ref::<&str>().copied();
            let said = said.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
            let said = format!("the module panicked: {}", said.unwrap_or("without a word"));
            Err(thrown(wire::Error::internal(said)))
        }
    }
}

fn thrown(error: wire::Error) -> napi::Error {
    napi::Error::from_reason(error.to_json())
}

/// 0 for no, 1 for yes, 2 for no answer: the slower form of the same question
/// has one, or tells why not.
fn answer(run: impl FnOnce() -> Option<bool>) -> u32 {
    let decided = catch_unwind(AssertUnwindSafe(run)).unwrap_or_default();
    decided.map_or(2, u32::from)
}

/// Texts of these lengths that lie on the desk one behind the other. `None`
/// where no such texts can lie there.
fn laid<const N: usize>(desk: &[u8], lengths: [u32; N]) -> Option<[&str; N]> {
    let mut rest = desk;
    let mut texts = [""; N];
    for (text, length) in texts.iter_mut().zip(lengths) {
        let (own, behind) = rest.split_at_checked(length as usize)?;
        *text = std::str::from_utf8(own).ok()?;
        rest = behind;
    }
    Some(texts)
}

/// The version that the scripts around it must have too.
#[napi]
pub fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// A question that needs no policy.
#[napi]
pub fn ask(method: String, given: String) -> napi::Result<String> {
    guarded(|| wire::ask_alone(&method, &given))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_and_no_answer() {
        let error = guarded::<bool>(|| panic!("no {}", "way")).unwrap_err();
        let said: String = error.reason.clone();
        assert!(said.contains(r#""kind":"internal""#), "{said}");
        assert!(said.contains("no way"), "{said}");
        assert_eq!(answer(|| panic!("no way")), 2);
        assert_eq!(
            [
                answer(|| None),
                answer(|| Some(false)),
                answer(|| Some(true))
            ],
            [2, 0, 1]
        );
    }

    #[test]
    fn only_texts_that_lie_on_the_desk_are_taken_from_it() {
        assert_eq!(
            laid(b"user:anneviewer", [9, 6]),
            Some(["user:anne", "viewer"])
        );
        assert_eq!(laid(b"user:anne", [9, 1]), None);
        assert_eq!(laid(b"user:anne", [u32::MAX, u32::MAX]), None);
        assert_eq!(laid(b"user:\xff", [6]), None);
    }
}
