//! `cargo xtask fuzz`: every target of the `fuzz` folder for a while.

use std::fs;
use std::path::PathBuf;

use crate::failure::Failure;
use crate::program::{Program, root, target};
use crate::step::Outcome;

/// The core forbids `unsafe`: panics, overflows, hangs and growth are looked
/// for, and they show without the address sanitizer, which is slow.
const WITHOUT_SANITIZER: [&str; 2] = ["-s", "none"];

/// An input that takes this long or this much memory counts as a failure.
const LIMITS: [&str; 2] = ["-timeout=10", "-rss_limit_mb=1024"];

/// Only how much was tried, and what was found.
const QUIET: [&str; 3] = ["-verbosity=0", "-print_funcs=0", "-print_final_stats=1"];

/// How long to look for trouble.
#[derive(Debug, Clone, Copy, clap::Subcommand)]
pub(crate) enum Effort {
    /// Ten seconds a target.
    Smoke,
    /// As many minutes a target as it says.
    Long {
        /// Minutes a target.
        #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=600))]
        minutes: u32,
    },
}

/// Runs every target, from its seeds and what earlier runs found.
pub(crate) fn run(effort: Effort) -> Result<Outcome, Failure> {
    let nightly = Program::new("cargo").args(["+nightly", "--version"]);
    if !nightly.works() {
        return Ok(Outcome::Skipped(
            "there is no nightly toolchain: `rustup toolchain install nightly`".into(),
        ));
    }
    install()?;
    let seconds = match effort {
        Effort::Smoke => 10,
        Effort::Long { minutes } => minutes * 60,
    };
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

/// Puts cargo-fuzz into the target folder where the machine has none.
fn install() -> Result<(), Failure> {
    if fuzz("list", &[]).works() {
        return Ok(());
    }
    println!("installing cargo-fuzz into the target folder");
    Program::new("cargo")
        .args(["install", "-q", "cargo-fuzz", "--root"])
        .args([tools()])
        .run()
}

fn folder() -> PathBuf {
    root().join("fuzz")
}

fn tools() -> PathBuf {
    target().join("tools")
}

/// A command of cargo-fuzz, the machine's or the target folder's, on nightly.
fn fuzz(command: &str, words: &[&str]) -> Program {
    let machine = std::env::var_os("PATH").unwrap_or_default();
    let mut path = vec![tools().join("bin")];
    path.extend(std::env::split_paths(&machine));
    let path = std::env::join_paths(path).unwrap_or(machine);
    Program::new("cargo")
        .env("PATH", path)
        .args(["+nightly", "fuzz", command, "--fuzz-dir", "."])
        .args(words)
        .within(folder())
}
