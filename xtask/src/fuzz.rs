//! `cargo xtask fuzz`: every target of the `fuzz` folder for a while.

use std::fs;
use std::path::PathBuf;

use xtask::failure::Failure;
use xtask::program::{Program, root};

use crate::step::Outcome;
use crate::tools::{self, CARGO_FUZZ};

/// The core forbids `unsafe`: panics, overflows, hangs and growth are looked
/// for, and they show without the address sanitizer, which is slow.
const WITHOUT_SANITIZER: [&str; 2] = ["-s", "none"];

/// An input that takes this long or this much memory counts as a failure.
const LIMITS: [&str; 2] = ["-timeout=10", "-rss_limit_mb=1024"];

/// Only how much was tried, and what was found.
const QUIET: [&str; 3] = ["-verbosity=0", "-print_funcs=0", "-print_final_stats=1"];

/// Runs every target for so many minutes, from its seeds and what earlier runs
/// found. The seeds alone, a little changed, are tried by the workspace's tests.
pub(crate) fn run(minutes: u32) -> Result<Outcome, Failure> {
    let nightly = Program::new("cargo").args(["+nightly", "--version"]);
    if !nightly.works() {
        return Ok(Outcome::Skipped(
            "there is no nightly toolchain: `rustup toolchain install nightly`".into(),
        ));
    }
    if !fuzz("list", &[]).works() {
        tools::fetch(CARGO_FUZZ)?;
    }
    let seconds = minutes * 60;
    let targets = fuzz("list", &[]).read()?;
    fuzz("build", &WITHOUT_SANITIZER).run()?;
    let mut failed = Vec::new();
    for name in targets.lines() {
        println!("fuzzing {name} for {seconds} s");
        let corpus = folder().join("corpus").join(name);
        fs::create_dir_all(&corpus).map_err(Failure::at(&corpus))?;
        let mut run = fuzz("run", &WITHOUT_SANITIZER)
            .args([name.as_ref(), corpus.as_os_str()])
            .args([format!("seeds/{name}"), "--".to_owned()])
            .args(LIMITS)
            .args(QUIET)
            .args([format!("-max_total_time={seconds}")]);
        let dictionary = format!("dictionaries/{name}.dict");
        if folder().join(&dictionary).is_file() {
            run = run.args([format!("-dict={dictionary}")]);
        }
        // One target's finding does not spare the others.
        if run.run().is_err() {
            failed.push(name);
        }
    }
    if !failed.is_empty() {
        return Err(Failure::Found(format!(
            "found something: {}; the inputs are in `fuzz/artifacts`",
            failed.join(", ")
        )));
    }
    Ok(Outcome::Done(format!(
        "{} targets, {seconds} s each",
        targets.lines().count()
    )))
}

fn folder() -> PathBuf {
    root().join("fuzz")
}

/// A command of cargo-fuzz, the machine's or the target folder's, on nightly.
fn fuzz(command: &str, words: &[&str]) -> Program {
    Program::new("cargo")
        .env("PATH", tools::path())
        .args(["+nightly", "fuzz", command, "--fuzz-dir", "."])
        .args(words)
        .within(folder())
}
