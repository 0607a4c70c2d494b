//! `cargo xtask test`: everything that must pass before a change is whole.

use xtask::failure::Failure;
use xtask::program::Program;

use crate::step::{self, Outcome, Step};
use crate::tools::{self, CARGO_DENY};
use crate::words::Words;
use crate::{edge, generate, inspector, node, package, python, wasm};

/// The steps, quick ones first. A new one is one entry here.
const STEPS: &[Step] = &[
    Step::new("format", "rustfmt on every file", format),
    Step::new("deny", "licences, advisories and sources", deny),
    Step::new("lints", "clippy, with every warning an error", || {
        clippy(&WORKSPACE)
    }),
    Step::new(
        "docs",
        "core's documentation, with every warning an error",
        docs,
    ),
    Step::new(
        "tests",
        "unit tests, suites, properties, OpenFGA's program, seeds of the fuzzers, documents",
        tests,
    ),
    Step::new("generated", "files that a program writes", generate::check),
    Step::new("probe", "core without features in WebAssembly", wasm::check),
    Step::new(
        "wasm",
        "the package `@deputize/wasm` in every runtime",
        package::test,
    ),
    Step::new("edge", "the Worker, in workerd", edge::test),
    Step::new(
        "inspector",
        "the token inspector, in Chromium",
        inspector::test,
    ),
    Step::new(
        "node",
        "the npm package `deputize`, its guards, an example",
        || node::run(true, true),
    ),
    Step::new("python", "the wheel and its tests", python::test),
    Step::new(
        "frameworks",
        "the wheel's guards and retrievers, with the frameworks themselves (1.5 GB)",
        python::frameworks,
    ),
];

/// What `cargo xtask check` runs: seconds after a change of a few lines.
const INNER: &[Step] = &[
    Step::new("format", "", format),
    Step::new("lints", "", || clippy(&CORE)),
    Step::new("unit", "", unit),
];

/// Runs the steps that are named, or all.
pub(crate) fn run(words: Words) -> Result<(), Failure> {
    let names = words.rest();
    if names.iter().any(|name| name == "--list") {
        for step in STEPS {
            println!("{}", step.line());
        }
        return Ok(());
    }
    step::run(&step::chosen(STEPS, &names)?)
}

/// Runs the inner loop.
pub(crate) fn check() -> Result<(), Failure> {
    step::run(&step::chosen(INNER, &[])?)
}

/// Which packages, with which features: always these, so that what one command
/// built the next one finds.
const WORKSPACE: [&str; 2] = ["--workspace", "--all-features"];

/// The inner loop waits for core alone.
const CORE: [&str; 3] = ["-p", "deputize", "--all-features"];

fn format() -> Result<Outcome, Failure> {
    // Only the files' names: the differences are a command away.
    Program::cargo()
        .args(["fmt", "--all", "--check", "--", "-l"])
        .run()?;
    Ok(Outcome::done())
}

fn clippy(packages: &[&str]) -> Result<Outcome, Failure> {
    Program::cargo()
        .args(["clippy", "-q", "--all-targets"])
        .args(packages)
        .args(["--", "-D", "warnings"])
        .run()?;
    Ok(Outcome::done())
}

fn docs() -> Result<Outcome, Failure> {
    Program::cargo()
        .args(["doc", "-q", "--no-deps", "-p", "deputize", "--all-features"])
        .env("RUSTDOCFLAGS", "-D warnings")
        .run()?;
    Ok(Outcome::done())
}

/// Core's unit tests.
fn unit() -> Result<Outcome, Failure> {
    Program::cargo()
        .args(["test", "-q", "--lib"])
        .args(CORE)
        .run()?;
    Ok(Outcome::done())
}

fn tests() -> Result<Outcome, Failure> {
    Program::cargo()
        .args(["test", "--no-fail-fast"])
        .args(WORKSPACE)
        .run()?;
    Ok(Outcome::done())
}

/// The workspace's programs and examples, as the tests have them built.
pub(crate) fn build() -> Result<(), Failure> {
    Program::cargo()
        .args(["build", "-q", "--bins", "--examples"])
        .args(WORKSPACE)
        .run()
}

/// Licences, advisories, sources and bans, as `deny.toml` says.
pub(crate) fn deny() -> Result<Outcome, Failure> {
    let deny = |words: &[&str]| {
        Program::cargo()
            .env("PATH", tools::path())
            .args(["deny", "-L", "error"])
            .args(words)
    };
    if !deny(&["--version"]).works() && tools::fetch(CARGO_DENY).is_err() {
        return Ok(Outcome::Skipped("cargo-deny cannot be had".into()));
    }
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
