//! `cargo xtask test`: everything that must pass before a change is whole.

use crate::failure::Failure;
use crate::fuzz::{self, Effort};
use crate::program::Program;
use crate::step::{self, Outcome, Step};
use crate::{generate, package, wasm};

/// The steps, quick ones first. A new one is one line here.
const STEPS: &[Step] = &[
    Step::new("format", format),
    Step::new("generated files", generate::check),
    Step::new("licences and advisories", deny),
    Step::new("lints", lints),
    Step::new("wasm", wasm::check),
    Step::new("wasm package", package::test),
    Step::new("tests", tests),
    Step::new("fuzz smoke", || fuzz::run(Effort::Smoke)),
];

/// Runs all steps.
pub(crate) fn run() -> Result<(), Failure> {
    step::run(STEPS)
}

fn format() -> Result<Outcome, Failure> {
    // Only the files' names: the differences are a command away.
    Program::cargo()
        .args(["fmt", "--all", "--check", "--", "-l"])
        .run()?;
    Ok(Outcome::done())
}

fn lints() -> Result<Outcome, Failure> {
    Program::cargo()
        .args([
            "clippy",
            "-q",
            "--workspace",
            "--all-targets",
            "--all-features",
        ])
        .args(["--", "-D", "warnings"])
        .run()?;
    Ok(Outcome::done())
}

/// Unit tests, conformance, properties, purity, the stores compared with
/// OpenFGA's own program, and the examples in the documents.
fn tests() -> Result<Outcome, Failure> {
    Program::cargo()
        .args(["test", "--workspace", "--all-features", "--no-fail-fast"])
        .run()?;
    Ok(Outcome::done())
}

/// `cargo xtask deny` and the step of the same content: licences, advisories,
/// sources and bans, as `deny.toml` says.
pub(crate) fn deny() -> Result<Outcome, Failure> {
    if !Program::cargo().args(["deny", "--version"]).works() {
        return Ok(Outcome::Skipped(
            "cargo-deny is not installed: `cargo install --locked cargo-deny`".into(),
        ));
    }
    let deny = |words: &[&str]| {
        let quiet = ["deny", "-L", "error"];
        Program::cargo().args(quiet).args(words)
    };
    deny(&[
        "check",
        "--hide-inclusion-graph",
        "licenses",
        "bans",
        "sources",
    ])
    .run()?;
    if !deny(&["fetch", "db"]).works() {
        return Ok(Outcome::Done(
            "without advisories: their database could not be fetched".into(),
        ));
    }
    deny(&["check", "--disable-fetch", "advisories"]).run()?;
    Ok(Outcome::done())
}
