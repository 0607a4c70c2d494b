//! The few colours that the program uses. Escapes are always written; the
//! stream they go to drops them where it is not a terminal.

use anstyle::{AnsiColor, Style};

/// Allowed, passed.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
/// Denied, failed, wrong.
pub(crate) const BAD: Style = AnsiColor::Red.on_default();
/// Worth a look.
pub(crate) const WARN: Style = AnsiColor::Yellow.on_default();
/// What matters in a line.
pub(crate) const STRONG: Style = Style::new().bold();
/// What may be skipped.
pub(crate) const FAINT: Style = Style::new().dimmed();
/// Names of places.
pub(crate) const PLACE: Style = AnsiColor::Cyan.on_default();

/// `text` in a style.
pub(crate) fn paint(style: Style, text: impl std::fmt::Display) -> String {
    format!("{style}{text}{style:#}")
}

/// A text of others', fit for a terminal: what could move the cursor or change
/// its colours is shown as an escape.
pub(crate) fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}
