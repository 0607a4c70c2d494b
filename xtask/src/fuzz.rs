//! `cargo xtask fuzz`: every target of the `fuzz` folder for a while.

use crate::failure::Failure;
use crate::program::{Program, root, target};
use crate::step::Outcome;

/// How long to look for trouble.
#[derive(Debug, Clone, Copy, clap::Subcommand)]
pub(crate) enum Effort {
    /// Twenty seconds a target.
    Smoke,
    /// As many minutes a target as it says.
    Long {
        /// Minutes a target.
        #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=600))]
        minutes: u32,
    },
}

/// Runs every target and says how many there were.
pub(crate) fn run(effort: Effort) -> Result<Outcome, Failure> {
    if !root().join("fuzz/Cargo.toml").is_file() {
        return Err(Failure::Found("there is no folder `fuzz`".into()));
    }
    if !Program::new("cargo")
        .args(["+nightly", "--version"])
        .works()
    {
        return Ok(Outcome::Skipped(
            "fuzzing needs a nightly toolchain: `rustup toolchain install nightly`".into(),
        ));
    }
    install()?;
    let seconds = match effort {
        Effort::Smoke => 20,
        Effort::Long { minutes } => minutes * 60,
    };
    let targets = fuzz(&["list"]).read()?;
    for name in targets.lines() {
        // Limits on memory and on one input's time: a target that grows or
        // hangs is a finding, as a crash is.
        let limits = [
            format!("-max_total_time={seconds}"),
            "-rss_limit_mb=1024".to_owned(),
            "-timeout=10".to_owned(),
        ];
        fuzz(&["run", name, "--"]).args(limits).run()?;
    }
    Ok(Outcome::Done(format!(
        "{} targets, {seconds} s each",
        targets.lines().count()
    )))
}

/// Puts cargo-fuzz into the target folder where the machine has none.
fn install() -> Result<(), Failure> {
    if fuzz(&["--version"]).works() {
        return Ok(());
    }
    Program::new("cargo")
        .args(["install", "-q", "cargo-fuzz", "--root"])
        .args([tools()])
        .run()
}

fn tools() -> std::path::PathBuf {
    target().join("tools")
}

/// cargo-fuzz of the machine or of the target folder, on nightly.
fn fuzz(words: &[&str]) -> Program {
    let mut path = vec![tools().join("bin")];
    path.extend(std::env::split_paths(
        &std::env::var_os("PATH").unwrap_or_default(),
    ));
    let path = std::env::join_paths(path).unwrap_or_default();
    Program::new("cargo")
        .env("PATH", path)
        .args(["+nightly", "fuzz"])
        .args(words)
}
