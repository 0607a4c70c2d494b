//! YAML into shapes, with the line of what is wrong.

use serde::de::DeserializeOwned;
use serde_saphyr::{DefaultMessageFormatter, Deserializer, Error, MessageFormatter, Options};

use crate::fault::{Failure, Fault, Place};
use crate::suggest;

/// Tuple exports are long and flat: room for about ten million tuples. The
/// limits on aliases and depth, which keep a small text from growing, stay.
const MAX_NODES: usize = 100_000_000;

/// Reads one YAML document.
pub(crate) fn parse<T: DeserializeOwned>(text: &str, name: &str) -> Result<T, Failure> {
    let read = serde_saphyr::from_str_with_options(text, options(text));
    read.map_err(|error| fault(&error, text, name))
}

/// Reads one YAML document, as far as `read` wants it.
pub(crate) fn with<'t>(
    text: &'t str,
    name: &str,
    read: impl for<'e> FnOnce(Deserializer<'t, 'e>) -> Result<(), Error>,
) -> Result<(), Failure> {
    let read = serde_saphyr::with_deserializer_from_str_with_options(text, options(text), read);
    read.map_err(|error| fault(&error, text, name))
}

fn options(text: &str) -> Options {
    let mut options = Options::default();
    if let Some(budget) = &mut options.budget {
        budget.max_events = MAX_NODES;
        budget.max_nodes = MAX_NODES;
        budget.max_total_scalar_bytes = text.len();
    }
    options
}

fn fault(error: &Error, text: &str, name: &str) -> Failure {
    let error = error.without_snippet();
    let message = DefaultMessageFormatter.format_message(error).into_owned();
    let place = error.location().and_then(|at| {
        let line = u32::try_from(at.line()).ok()?;
        Place::of(text, line, u32::try_from(at.column()).ok()?, 1)
    });
    let hint = suggest::member(&message);
    Fault::new("file.yaml", message)
        .in_file(name)
        .at(place)
        .maybe_hint(hint)
        .into()
}
