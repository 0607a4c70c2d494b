//! Why a command has no answer, and how that is shown.

use std::fmt::Write as _;

use deputize::import::Records;
use serde_json::{Value, json};

use crate::paint::{BAD, FAINT, GOOD, PLACE, STRONG, WARN, paint, printable};

/// Why a command has no answer: one thing or several, of which the first
/// matters most.
#[derive(Debug)]
pub(crate) struct Failure {
    faults: Vec<Fault>,
    /// What became of the records of an import.
    records: Option<Records>,
}

/// How much a fault matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) enum Severity {
    /// There is no answer.
    #[default]
    Error,
    /// Something is most likely not as meant.
    Warning,
    /// Something may be worth a look.
    Note,
}

/// One thing that is wrong.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fault {
    /// How much it matters.
    pub(crate) severity: Severity,
    /// A stable dotted name.
    pub(crate) code: &'static str,
    /// For a model: which of OpenFGA's rules it breaks.
    pub(crate) rule: Option<&'static str>,
    /// What is wrong, and what would be right.
    pub(crate) message: String,
    /// The file that it lies in, as the user named it.
    pub(crate) file: Option<String>,
    /// The JSON pointer of the value that is wrong.
    pub(crate) pointer: Option<String>,
    /// Where in the text.
    pub(crate) place: Option<Place>,
    /// What may help, each a sentence.
    pub(crate) hints: Vec<String>,
}

/// A stretch of one line of a text.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// The line, from 1.
    pub(crate) line: u32,
    /// The column, from 1, in characters.
    pub(crate) column: u32,
    /// How many characters are meant: 1 where it is a mere point.
    pub(crate) width: u32,
    /// The line's text.
    pub(crate) text: String,
}

/// The most of one line that is shown: a minified document is one long line.
const MAX_EXCERPT: usize = 76;
/// The most faults that are shown in full.
const MAX_SHOWN: usize = 10;

impl Fault {
    /// A fault with a code and a message.
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            ..Self::default()
        }
    }

    /// Says which file it lies in.
    pub(crate) fn in_file(mut self, file: impl Into<String>) -> Self {
        self.file = Some(file.into());
        self
    }

    /// Says where in its file's text it lies.
    pub(crate) fn at(mut self, place: Option<Place>) -> Self {
        self.place = place;
        self
    }

    /// Says which value of a document is meant.
    pub(crate) fn pointing(mut self, pointer: impl Into<String>) -> Self {
        self.pointer = Some(pointer.into()).filter(|p: &String| !p.is_empty());
        self
    }

    /// Adds a sentence that may help.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Adds a sentence that may help, where there is one.
    pub(crate) fn maybe_hint(mut self, hint: Option<String>) -> Self {
        self.hints.extend(hint);
        self
    }

    /// As data.
    pub(crate) fn document(&self) -> Value {
        let mut out = json!({ "code": self.code, "message": self.message });
        if let Some(members) = out.as_object_mut() {
            let mut add = |name: &str, value: Option<Value>| {
                if let Some(value) = value {
                    members.insert(name.to_owned(), value);
                }
            };
            if self.severity != Severity::Error {
                add("severity", Some(self.severity.word().into()));
            }
            add("rule", self.rule.map(Value::from));
            add("file", self.file.clone().map(Value::from));
            add("pointer", self.pointer.clone().map(Value::from));
            add("line", self.place.as_ref().map(|p| p.line.into()));
            add("column", self.place.as_ref().map(|p| p.column.into()));
            let hints = Some(self.hints.clone()).filter(|h| !h.is_empty());
            add("hints", hints.map(Value::from));
        }
        out
    }

    /// In a line of words: where, and what.
    pub(crate) fn line(&self) -> String {
        let message = printable(&self.message);
        let pointer = self.pointer.as_ref().map(|pointer| format!("at {pointer}"));
        let file = match (&self.file, &self.place) {
            (Some(file), Some(place)) => Some(format!("{file}:{}", place.line)),
            (file, _) => file.clone(),
        };
        let place: Vec<String> = file.into_iter().chain(pointer).collect();
        match place.is_empty() {
            true => message.to_string(),
            false => format!("{}: {message}", place.join(" ")),
        }
    }

    /// In words, each line ended by a line end.
    pub(crate) fn text(&self) -> String {
        let mut out = String::new();
        // Writing to a string cannot fail.
        let _ = self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        let style = match self.severity {
            Severity::Error => BAD,
            Severity::Warning => WARN,
            Severity::Note => PLACE,
        };
        let label = paint(style.bold(), self.severity.word());
        let message = paint(STRONG, printable(&self.message));
        let name = self.rule.unwrap_or(self.code);
        let name = paint(FAINT, format_args!("[{name}]"));
        writeln!(out, "{label}: {message} {name}")?;
        let margin = self.place.as_ref().map_or(1, |p| p.line.to_string().len());
        if let Some(place) = self.spell_place() {
            let arrow = paint(PLACE, "-->");
            writeln!(out, "{:margin$}{arrow} {place}", "")?;
        }
        if let Some(place) = &self.place {
            place.write(out, margin)?;
        }
        for hint in &self.hints {
            let label = paint(GOOD, "help");
            writeln!(out, "{:margin$} {label}: {}", "", printable(hint))?;
        }
        Ok(())
    }

    fn spell_place(&self) -> Option<String> {
        let mut out = self.file.clone().unwrap_or_default();
        if let Some(place) = &self.place {
            if out.is_empty() {
                out = format!("line {}, column {}", place.line, place.column);
            } else {
                out = format!("{out}:{}:{}", place.line, place.column);
            }
        }
        if let Some(pointer) = &self.pointer {
            let space = if out.is_empty() { "" } else { " " };
            out = format!("{out}{space}at {pointer}");
        }
        Some(out).filter(|o| !o.is_empty())
    }
}

impl Severity {
    fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

impl Place {
    /// The stretch of `text` at a line and column, both from 1.
    pub(crate) fn of(text: &str, line: u32, column: u32, width: u32) -> Option<Self> {
        let index = usize::try_from(line.checked_sub(1)?).ok()?;
        Some(Self {
            line,
            column: column.max(1),
            width: width.max(1),
            text: text.lines().nth(index)?.to_owned(),
        })
    }

    /// The line with carets under what is meant; of a long line a window.
    fn write(&self, out: &mut String, margin: usize) -> std::fmt::Result {
        let column = self.column.saturating_sub(1) as usize;
        let length = self.text.chars().count();
        let skipped = if length > MAX_EXCERPT {
            column.saturating_sub(MAX_EXCERPT / 2).min(length)
        } else {
            0
        };
        // A tab would move the line against its carets.
        let shown: String = self
            .text
            .chars()
            .skip(skipped)
            .take(MAX_EXCERPT)
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        let (before, after) = (
            if skipped > 0 { "…" } else { "" },
            if length > skipped + MAX_EXCERPT {
                "…"
            } else {
                ""
            },
        );
        let indent = column.saturating_sub(skipped) + before.chars().count();
        let room = (MAX_EXCERPT + 1).saturating_sub(indent).max(1);
        let carets = "^".repeat((self.width as usize).min(room));
        let bar = paint(PLACE, "|");
        let number = paint(PLACE, self.line);
        writeln!(out, "{:margin$} {bar}", "")?;
        writeln!(out, "{number} {bar} {before}{shown}{after}")?;
        writeln!(
            out,
            "{:margin$} {bar} {:indent$}{}",
            "",
            "",
            paint(BAD, carets)
        )
    }
}

impl Failure {
    /// The faults, unless there are none.
    pub(crate) fn of(faults: Vec<Fault>) -> Option<Self> {
        (!faults.is_empty()).then_some(Self {
            faults,
            records: None,
        })
    }

    /// Adds a sentence that may help to the first.
    pub(crate) fn hint(mut self, hint: &str) -> Self {
        if let Some(first) = self.faults.first_mut() {
            first.hints.push(hint.to_owned());
        }
        self
    }

    /// Says what became of the records of an import.
    pub(crate) fn with_records(mut self, records: Records) -> Self {
        self.records = Some(records);
        self
    }

    /// The faults.
    pub(crate) fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// Names the file in each fault that does not yet.
    pub(crate) fn in_file(mut self, file: &str) -> Self {
        for fault in &mut self.faults {
            fault.file.get_or_insert_with(|| file.to_owned());
        }
        self
    }

    /// `{"errors": […]}`.
    pub(crate) fn document(&self) -> Value {
        let errors: Vec<Value> = self.faults.iter().map(Fault::document).collect();
        match self.records {
            Some(own) => json!({ "errors": errors, "records": records(own) }),
            None => json!({ "errors": errors }),
        }
    }

    /// The faults in words, each ended by a line end.
    pub(crate) fn text(&self) -> String {
        let mut out = String::new();
        for fault in self.faults.iter().take(MAX_SHOWN) {
            out.push_str(&fault.text());
        }
        if let Some(more) = self.faults.len().checked_sub(MAX_SHOWN).filter(|n| *n > 0) {
            let _ = writeln!(out, "and {more} more errors");
        }
        if let Some(own) = self.records {
            let _ = writeln!(out, "{}; nothing was written", spell_records(own));
        }
        out
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self {
            faults: vec![fault],
            records: None,
        }
    }
}

/// The three counts, as data.
pub(crate) fn records(own: Records) -> Value {
    json!({ "taken": own.taken, "warned": own.warned, "refused": own.refused })
}

/// The three counts, in words.
pub(crate) fn spell_records(own: Records) -> String {
    let Records {
        taken,
        warned,
        refused,
    } = own;
    let total = own.total();
    let word = if total == 1 { "record" } else { "records" };
    format!("{total} {word}: {taken} taken, {warned} warned of, {refused} refused")
}
