//! The Common Expression Language: compile once, evaluate often.
//!
//! The standard environment of
//! <https://github.com/google/cel-spec/blob/master/doc/langdef.md>, without
//! protobuf messages, and with OpenFGA's `ipaddress`. There is no I/O, no
//! clock and no global here: an evaluation is a function of its variables.
//!
//! Where the specification leaves room, or where cel-go differs from it, the
//! answer is cel-go's, since that is what OpenFGA evaluates conditions with:
//! durations count whole nanoseconds in 64 bits, `getMilliseconds` of a
//! duration is all of it in milliseconds, and costs are counted as cel-go
//! counts them, constants folded first.
//!
//! What differs is refused, never answered otherwise:
//! - named time zones, which need a database that changes several times a
//!   year, message literals, and regular expressions with `\p{…}` or `\Q…\E`;
//! - map literals with a key twice, or with keys that are no bool, int, uint
//!   or string (cel-go takes the last, and any key);
//! - addresses with a zone (`fe80::1%eth0`).
//!
//! The two-variable macros (`all(i, v, …)`, `transformList`, …) and macros over
//! values of type `any` work here and not in OpenFGA. `string(timestamp)` is
//! in UTC, where cel-go keeps the offset that was written.

mod address;
mod call;
mod check;
mod error;
mod eval;
mod functions;
mod lexer;
mod meter;
mod number;
mod parser;
mod pattern;
mod program;
mod syntax;
mod time;
mod types;
mod value;

#[cfg(test)]
mod tests;

pub use address::IpAddress;
pub use check::{Environment, compile};
pub use error::{
    CompileError, EvalError, Position, SyntaxError, SyntaxKind, TypeError, TypeErrorKind,
};
pub use eval::Evaluation;
pub use meter::{DEFAULT_STEPS, Limits};
pub use parser::{MAX_DEPTH, MAX_SOURCE};
pub use program::{Program, Variables};
pub use time::{Duration, Timestamp};
pub use types::Type;
pub use value::{Map, Value};
