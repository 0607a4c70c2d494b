//! `cargo xtask edge`: the Worker of `examples/edge-worker`, started here or
//! tested.

use std::path::PathBuf;

use crate::package::{self, Purpose};
use crate::step::Outcome;
use crate::test;
use xtask::failure::Failure;
use xtask::program::{Program, root, target};

fn folder() -> PathBuf {
    root().join("examples/edge-worker")
}

/// Starts it with a snapshot of the bank, and prints requests to try.
pub(crate) fn start() -> Result<(), Failure> {
    prepare(Purpose::Shipping)?;
    script("local.js")?.run()
}

/// Bundles it and runs its tests in workerd.
pub(crate) fn test() -> Result<Outcome, Failure> {
    if !Program::new("node").args(["--version"]).works() {
        return Ok(Outcome::Skipped("there is no node".into()));
    }
    prepare(Purpose::Testing)?;
    script("tests/run.js")?.run()?;
    Ok(Outcome::done())
}

/// The package that it uses, and what it needs itself.
fn prepare(purpose: Purpose) -> Result<(), Failure> {
    package::build(purpose)?;
    package::install(&folder())
}

/// One of its scripts, with the program that compiles its snapshot.
fn script(name: &str) -> Result<Program, Failure> {
    test::build()?;
    let program = format!("debug/deputize{}", std::env::consts::EXE_SUFFIX);
    Ok(Program::new("node")
        .args([folder().join(name)])
        .env("DEPUTIZE", target().join(program)))
}
