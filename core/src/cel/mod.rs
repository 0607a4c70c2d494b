//! The Common Expression Language: compile once, evaluate often.
//!
//! The standard environment of
//! <https://github.com/google/cel-spec/blob/master/doc/langdef.md>, without
//! protobuf messages, and with OpenFGA's `ipaddress`. There is no I/O, no
//! clock and no global here: an evaluation is a function of its variables.
//!
//! Where the specification leaves room, or where cel-go differs from it, the
//! answer is cel-go's, since that is what OpenFGA evaluates conditions with:
//! durations count whole nanoseconds in 64 bits, and `getMilliseconds` of a
//! duration is all of it in milliseconds. Named time zones are refused.

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
