//! `cargo xtask node`: the npm package `deputize` with its native module for
//! this platform, built, packed and tested.

use std::path::PathBuf;

use crate::failure::Failure;
use crate::package;
use crate::program::{Program, root, target};
use crate::step::Outcome;

fn folder() -> PathBuf {
    root().join("bindings/node")
}

/// Builds `@deputize/wasm`, which the package falls back to, then the native
/// module and the package, and packs what a project would install.
pub(crate) fn build() -> Result<(), Failure> {
    package::build()?;
    Program::cargo()
        .args(["build", "-q", "--release", "-p", "deputize-node"])
        .run()?;
    package::install(&folder())?;
    let library = format!(
        "release/{}deputize_node{}",
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

/// Builds the package and runs its tests.
pub(crate) fn test() -> Result<Outcome, Failure> {
    if !Program::new("node").args(["--version"]).works() {
        return Ok(Outcome::Skipped("there is no node".into()));
    }
    build()?;
    Program::new("node")
        .args(["tests/run.js"])
        .within(folder())
        .run()?;
    Ok(Outcome::done())
}
