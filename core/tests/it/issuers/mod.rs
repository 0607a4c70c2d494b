//! Issuers as real providers are: where their claims lie, what they leave out,
//! whom their tokens speak of.

mod claims;
mod idle;
mod readings;

use deputize::decision::Denial;
use serde_json::Value;

use crate::world::World;

/// The code, the pointer and the words that a snapshot with this member is refused with.
fn refusal(member: &str, value: Value) -> (String, String, String) {
    let world = World::new().issuer(member, value);
    let bytes = world.snapshot.to_string();
    let error = deputize::Policy::from_json(bytes.as_bytes()).unwrap_err();
    let pointer = error.pointer.clone();
    (error.code().to_owned(), pointer, error.to_string())
}

/// The code that a request is refused with, or `accepted`.
fn code_of<T>(admitted: Result<T, Denial>) -> &'static str {
    match admitted {
        Ok(_) => "accepted",
        Err(denial) => denial.code(),
    }
}
