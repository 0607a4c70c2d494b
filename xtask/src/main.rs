//! The project's own commands, run as `cargo xtask <command>`.

#![forbid(unsafe_code)]
#![allow(
    clippy::print_stdout,
    reason = "a program for a terminal: its output is what it is for"
)]

mod edge;
mod failure;
mod fuzz;
mod generate;
mod inspector;
mod kernel_docs;
mod node;
mod package;
mod program;
mod python;
mod step;
mod test;
mod wasm;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use failure::Failure;
use program::Program;
use step::Outcome;

/// The project's own commands.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Run everything that must pass, and list it with its times.
    Test,
    /// Show a bank and its agents: who may do what, for whom, and why.
    Demo(Rest),
    /// Filter the kernel's documents for the people in MAINTAINERS, and check
    /// every answer against an independent oracle.
    KernelDocs(kernel_docs::Options),
    /// Ask OpenFGA's own program the same random questions; words after `--`
    /// go to the comparison.
    Differential(Rest),
    /// Run the benchmarks; words after `--` go to them.
    Bench(Rest),
    /// Run every fuzz target on a nightly toolchain.
    Fuzz {
        #[command(subcommand)]
        effort: fuzz::Effort,
    },
    /// Build the npm package `@deputize/wasm` into `wasm/dist`.
    Wasm {
        /// Build the module in every way instead, and list how large it is.
        #[arg(long)]
        sizes: bool,
        /// Also run the package's tests, in every runtime that is there.
        #[arg(long, conflicts_with = "sizes")]
        test: bool,
    },
    /// Build the wheel of the Python package and try it out in a clean
    /// environment.
    Python {
        /// Run the package's tests too.
        #[arg(long)]
        test: bool,
        /// Build the source distribution instead, and a wheel of it alone.
        #[arg(long, conflicts_with = "test")]
        sdist: bool,
        /// Run the benchmarks instead, beside their peers.
        #[arg(long, conflicts_with_all = ["test", "sdist"])]
        bench: bool,
        /// Run the tests against LangChain and the other frameworks instead:
        /// they take some 1.5 GB.
        #[arg(long, conflicts_with_all = ["test", "sdist", "bench"])]
        frameworks: bool,
    },
    /// Build the npm package `deputize` with its native module for this
    /// platform, and pack both into `bindings/node/packed`.
    Node {
        /// Also run the package's tests.
        #[arg(long)]
        test: bool,
        /// Also run the tests of its guards, with the frameworks themselves,
        /// and `examples/agent-chain`.
        #[arg(long)]
        guards: bool,
    },
    /// Build the token inspector, and serve it at an address of this machine.
    Inspector {
        /// Try it in headless Chromium instead.
        #[arg(long)]
        test: bool,
    },
    /// Start the Worker of `examples/edge-worker` on this machine, with
    /// requests to try.
    Edge {
        /// Run its tests instead.
        #[arg(long)]
        test: bool,
    },
    /// Check licences, advisories and sources of all dependencies.
    Deny,
    /// Write every generated file anew.
    Generate {
        /// Only compare, and fail where a file has drifted.
        #[arg(long)]
        check: bool,
    },
}

/// Words for the program that is called.
#[derive(Debug, clap::Args)]
struct Rest {
    /// Passed on as they are.
    #[arg(last = true)]
    words: Vec<String>,
}

/// Thousands of stores: unoptimised code would be the slower of the two.
const DIFFERENTIAL: &[&str] = &[
    "run",
    "-q",
    "--release",
    "-p",
    "deputize-tests",
    "--bin",
    "differential",
    "--",
];

fn main() -> ExitCode {
    match run(Arguments::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<(), Failure> {
    match task {
        Task::Test => test::run(),
        Task::KernelDocs(options) => kernel_docs::run(&options),
        Task::Demo(rest) => forward(&["run", "-q", "-p", "deputize-cli", "--", "demo"], rest),
        Task::Differential(rest) => forward(DIFFERENTIAL, rest),
        Task::Bench(rest) => forward(&["bench", "--workspace", "--"], rest),
        Task::Fuzz { effort } => fuzz::run(effort).map(tell),
        Task::Wasm { sizes: true, .. } => package::sizes(),
        Task::Wasm { test: true, .. } => package::test().map(tell),
        Task::Wasm { .. } => package::build(),
        Task::Python { test: true, .. } => python::test().map(tell),
        Task::Python { sdist: true, .. } => python::source().map(tell),
        Task::Python { bench: true, .. } => python::bench().map(tell),
        Task::Python {
            frameworks: true, ..
        } => python::frameworks().map(tell),
        Task::Python { .. } => python::build().map(tell),
        Task::Node { test, guards } => node::run(test, guards).map(tell),
        Task::Inspector { test: true } => inspector::test().map(tell),
        Task::Inspector { test: false } => inspector::serve(),
        Task::Edge { test: true } => edge::test().map(tell),
        Task::Edge { test: false } => edge::start(),
        Task::Deny => test::deny().map(tell),
        Task::Generate { check: true } => generate::check().map(tell),
        Task::Generate { check: false } => generate::write(),
    }
}

/// Calls cargo, with the caller's words at the end.
fn forward(words: &[&str], rest: Rest) -> Result<(), Failure> {
    Program::cargo().args(words).args(rest.words).run()
}

fn tell(outcome: Outcome) {
    match outcome {
        Outcome::Done(detail) => println!("ok {detail}"),
        Outcome::Skipped(why) => println!("skipped: {why}"),
    }
}
