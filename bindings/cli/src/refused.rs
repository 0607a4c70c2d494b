//! A token that is not given: an OAuth error, and our reason for it.

use serde_json::json;

use crate::answer::{Answer, Status};
use crate::paint::{BAD, FAINT, STRONG, paint, printable};

/// The answer to a request for a token that is refused. Its words go to
/// standard error: standard output is for tokens and claims.
pub(crate) fn answer(error: &str, code: &str, message: &str) -> Answer {
    let label = paint(BAD.bold(), "refused");
    let note = format!(
        "{label}: {}: {} {}",
        paint(STRONG, error),
        printable(message),
        paint(FAINT, format_args!("[{code}]"))
    );
    Answer {
        document: json!({ "error": error, "error_description": message, "reason": code }),
        notes: vec![note],
        status: Status::Deny,
        ..Answer::default()
    }
}
