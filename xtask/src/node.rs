//! `cargo xtask node`: the npm package `deputize` with its native module for
//! this platform, built, packed and tested.

use std::path::PathBuf;

use crate::package::{self, Purpose};
use crate::step::Outcome;
use xtask::failure::Failure;
use xtask::program::{Program, root, target};

fn folder() -> PathBuf {
    root().join("bindings/node")
}

/// Builds `@deputize/wasm`, which the package falls back to, then the native
/// module and the package, and packs what a project would install.
fn build(purpose: Purpose) -> Result<(), Failure> {
    package::build(purpose)?;
    // As the Python module is built, so that both share what they depend on.
    let (cargo, profile) = match purpose {
        Purpose::Shipping => {
            let cargo = Program::cargo().env("RUSTFLAGS", package::without_places());
            (cargo.args(["build", "--release"]), "release")
        }
        Purpose::Testing => (Program::cargo().args(["build"]), "debug"),
    };
    cargo.args(["-q", "-p", "deputize-node"]).run()?;
    package::install(&folder())?;
    let library = format!(
        "{profile}/{}deputize_node{}",
        std::env::consts::DLL_PREFIX,
        std::env::consts::DLL_SUFFIX
    );
    Program::new("node")
        .args(["build.js"])
        .args([target().join(library)])
        .within(folder())
        .run()?;
    Program::new("node")
        .args(["pack.js"])
        .within(folder())
        .run()
}

/// Builds the package, and runs what is asked for of its tests.
pub(crate) fn run(test: bool, guards: bool) -> Result<Outcome, Failure> {
    if (test || guards) && !Program::new("node").args(["--version"]).works() {
        return Ok(Outcome::Skipped("there is no node".into()));
    }
    build(match test || guards {
        true => Purpose::Testing,
        false => Purpose::Shipping,
    })?;
    if test {
        Program::new("node")
            .args(["tests/run.js"])
            .within(folder())
            .run()?;
    }
    if guards {
        try_guards()?;
    }
    Ok(Outcome::done())
}

/// The guards with the frameworks that they are for, and the example that has
/// them all.
fn try_guards() -> Result<(), Failure> {
    package::install(&folder().join("tests/guards"))?;
    Program::new("node")
        .args(["tests/guards/run.js"])
        .within(folder())
        .run()?;
    let example = root().join("examples/agent-chain");
    package::install(&example)?;
    Program::new("npm").args(["test"]).within(example).run()
}
