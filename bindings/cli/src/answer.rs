//! What a command has to say, in both of its forms.

use std::io::{IsTerminal, Write};

use serde_json::Value;

/// What a command has to say.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    /// For people: goes to standard output as it is.
    pub(crate) text: String,
    /// For programs: goes to standard output instead, under `--json`.
    pub(crate) document: Value,
    /// The text is what programs get too; the notes then go to standard error
    /// for them as well.
    pub(crate) verbatim: bool,
    /// Lines for standard error. Under `--json` the document says it all.
    pub(crate) notes: Vec<String>,
    /// How the program ends.
    pub(crate) status: Status,
}

/// How the program ends, when it has an answer at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Status {
    /// Allowed; or the work is done.
    #[default]
    Allow,
    /// Denied; or tests failed, or there are findings.
    Deny,
    /// Part of the work could not be done.
    Error,
}

impl Status {
    /// The exit status.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Allow => 0,
            Self::Deny => 1,
            Self::Error => 2,
        }
    }

    /// Allow where `allowed`, else deny.
    pub(crate) fn of(allowed: bool) -> Self {
        if allowed { Self::Allow } else { Self::Deny }
    }
}

/// Writes a document: indented for a terminal, on one line for a program.
pub(crate) fn write_json(out: &mut impl Write, document: &Value) -> std::io::Result<()> {
    if std::io::stdout().is_terminal() {
        serde_json::to_writer_pretty(&mut *out, document)?;
    } else {
        serde_json::to_writer(&mut *out, document)?;
    }
    out.write_all(b"\n")
}
