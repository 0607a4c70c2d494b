//! `cargo xtask inspector`: the token inspector, built, served on this machine,
//! and tested in a browser.

use std::path::PathBuf;

use crate::package::{self, Purpose};
use crate::step::Outcome;
use xtask::failure::Failure;
use xtask::program::{Program, root};

fn folder() -> PathBuf {
    root().join("examples/token-inspector")
}

fn node(script: &str) -> Program {
    Program::new("node").args([script]).within(folder())
}

/// Builds the package and the page, and serves the page at a loopback address
/// until it is stopped.
pub(crate) fn serve() -> Result<(), Failure> {
    build(Purpose::Shipping)?;
    node("serve.js").run()
}

fn build(purpose: Purpose) -> Result<(), Failure> {
    package::build(purpose)?;
    package::install(&folder())?;
    node("build.js").run()
}

/// Builds the page and tries it in headless Chromium, which comes from npm.
pub(crate) fn test() -> Result<Outcome, Failure> {
    if !Program::new("node").args(["--version"]).works() {
        return Ok(Outcome::Skipped("there is no node".into()));
    }
    build(Purpose::Testing)?;
    let missing = node("tests/chromium.js").read()?;
    if !missing.trim().is_empty() {
        return Ok(Outcome::Skipped(missing.trim().to_owned()));
    }
    Program::new("node")
        .args(["--test", "--test-reporter=dot", "tests/page.test.js"])
        .within(folder())
        .run()?;
    Ok(Outcome::done())
}
