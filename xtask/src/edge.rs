//! `cargo xtask edge`: the Worker of `examples/edge-worker`, started here or
//! tested.

use std::path::PathBuf;

use crate::failure::Failure;
use crate::package;
use crate::program::{Program, root, target};
use crate::step::Outcome;

fn folder() -> PathBuf {
    root().join("examples/edge-worker")
}

/// Starts it with a snapshot of the bank, and prints requests to try.
pub(crate) fn start() -> Result<(), Failure> {
    prepare()?;
    script("local.js")?.run()
}

/// Bundles it and runs its tests in workerd.
pub(crate) fn test() -> Result<Outcome, Failure> {
    if !Program::new("node").args(["--version"]).works() {
        return Ok(Outcome::Skipped("there is no node".into()));
    }
    prepare()?;
    script("tests/run.js")?.run()?;
    Ok(Outcome::done())
}

/// The package that it uses, and what it needs itself.
fn prepare() -> Result<(), Failure> {
    package::build()?;
    package::install(&folder())
}

/// One of its scripts, with the program that compiles its snapshot.
fn script(name: &str) -> Result<Program, Failure> {
    Program::cargo()
        .args(["build", "-q", "-p", "deputize-cli"])
        .run()?;
    let program = format!("debug/deputize{}", std::env::consts::EXE_SUFFIX);
    Ok(Program::new("node")
        .args([folder().join(name)])
        .env("DEPUTIZE", target().join(program)))
}
