//! The project's own commands, run as `cargo xtask <command>`.

#![forbid(unsafe_code)]
#![allow(
    clippy::print_stdout,
    reason = "a program for a terminal: its output is what it is for"
)]

mod cpu;
mod edge;
mod fuzz;
mod generate;
mod inspector;
mod node;
mod package;
mod python;
mod step;
mod test;
mod tools;
mod wasm;
mod words;

use std::process::ExitCode;

use step::Outcome;
use words::Words;
use xtask::failure::Failure;
use xtask::program::Program;

/// One command: its name, the words it takes, what it is for, what it does.
struct Command {
    name: &'static str,
    takes: &'static str,
    about: &'static str,
    run: fn(Words) -> Result<(), Failure>,
}

/// A new command is one entry here.
const COMMANDS: &[Command] = &[
    Command {
        name: "check",
        takes: "",
        about: "Format, and core's lints and unit tests: after every few lines",
        run: |words| words.none().and_then(|()| test::check()),
    },
    Command {
        name: "test",
        takes: "[STEP…] [--list]",
        about: "Everything that must pass, or the steps named, with their times",
        run: test::run,
    },
    Command {
        name: "demo",
        takes: "[-- WORDS…]",
        about: "A bank and its agents: who may do what, for whom, and why",
        run: |words| forward(DEMO, words),
    },
    Command {
        name: "generate",
        takes: "[--check]",
        about: "Write every generated file anew, or only compare",
        run: |words| match words.flags(&["--check"])?.as_slice() {
            [] => generate::write(),
            _ => tell(generate::check()),
        },
    },
    Command {
        name: "wasm",
        takes: "[--test | --sizes]",
        about: "Build the npm package `@deputize/wasm` into `wasm/dist`; test it in every runtime; \
                list how large each way to build it is",
        run: |words| match words.one_flag(&["--test", "--sizes"])? {
            Some("--sizes") => package::sizes(),
            Some(_) => tell(package::test()),
            None => package::build(package::Purpose::Shipping),
        },
    },
    Command {
        name: "node",
        takes: "[--test] [--guards]",
        about: "Build the npm package `deputize` with its native module into `bindings/node/packed`; \
                test it; test its guards and `examples/agent-chain`",
        run: |words| {
            let flags = words.flags(&["--test", "--guards"])?;
            let given = |flag: &str| flags.iter().any(|one| one == flag);
            tell(node::run(given("--test"), given("--guards")))
        },
    },
    Command {
        name: "python",
        takes: "[--test | --sdist | --bench | --frameworks]",
        about: "Build the Python wheel and try it out; test it; build it from its sources alone; \
                measure it; test it with the frameworks (1.5 GB)",
        run: |words| {
            let flags = ["--test", "--sdist", "--bench", "--frameworks"];
            tell(match words.one_flag(&flags)? {
                Some("--test") => python::test(),
                Some("--sdist") => python::source(),
                Some("--bench") => python::bench(),
                Some(_) => python::frameworks(),
                None => python::build(),
            })
        },
    },
    Command {
        name: "edge",
        takes: "[--test]",
        about: "Start the Worker of `examples/edge-worker` on this machine, or test it",
        run: |words| match words.flags(&["--test"])?.as_slice() {
            [] => edge::start(),
            _ => tell(edge::test()),
        },
    },
    Command {
        name: "inspector",
        takes: "[--test]",
        about: "Serve the token inspector on this machine, or test it in headless Chromium",
        run: |words| match words.flags(&["--test"])?.as_slice() {
            [] => inspector::serve(),
            _ => tell(inspector::test()),
        },
    },
    Command {
        name: "fuzz",
        takes: "[MINUTES]",
        about: "Fuzz every target on a nightly toolchain for so many minutes each; 10 if none are given",
        run: |words| tell(fuzz::run(words.number(10, 600)?)),
    },
    Command {
        name: "differential",
        takes: "[-- WORDS…]",
        about: "Ask OpenFGA's own program the same random questions",
        run: |words| forward(DIFFERENTIAL, words),
    },
    Command {
        name: "kernel-docs",
        takes: "[-- WORDS…]",
        about: "Filter the kernel's documents for the people in MAINTAINERS, checked by an oracle",
        run: |words| forward(KERNEL_DOCS, words),
    },
    Command {
        name: "bench",
        takes: "[-- WORDS…]",
        about: "Run the benchmarks",
        run: |words| forward(&["bench", "--workspace", "--"], words),
    },
    Command {
        name: "deny",
        takes: "",
        about: "Check licences, advisories and sources of all dependencies",
        run: |words| words.none().and_then(|()| tell(test::deny())),
    },
];

/// Not quiet: the first time, there is a minute to wait for the compiler.
const DEMO: &[&str] = &[
    "run",
    "--profile",
    "demo",
    "-p",
    "deputize-cli",
    "--",
    "demo",
];

/// Thousands of stores, tens of thousands of documents: unoptimised code would
/// be the slower of the two to wait for.
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
const KERNEL_DOCS: &[&str] = &["run", "-q", "--release", "-p", "deputize-kernel-docs", "--"];

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let name = words.next().unwrap_or_default();
    if matches!(name.as_str(), "help" | "--help" | "-h") {
        print!("{}", usage());
        return ExitCode::SUCCESS;
    }
    let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
        eprint!("error: `{name}` is no command\n\n{}", usage());
        return ExitCode::FAILURE;
    };
    match (command.run)(Words::new(words)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> String {
    let mut text = "The project's own commands:\n".to_owned();
    for Command {
        name, takes, about, ..
    } in COMMANDS
    {
        text.push_str(format!("\ncargo xtask {name} {takes}").trim_end());
        text.push_str(&format!("\n    {about}\n"));
    }
    text
}

/// Calls cargo in the folder of whoever asks, with their words at the end.
fn forward(begin: &[&str], words: Words) -> Result<(), Failure> {
    let here = std::env::current_dir().map_err(Failure::found)?;
    Program::cargo()
        .args(begin)
        .args(words.rest())
        .within(here)
        .run()
}

fn tell(outcome: Result<Outcome, Failure>) -> Result<(), Failure> {
    match outcome? {
        Outcome::Done(detail) => println!("ok {detail}"),
        Outcome::Skipped(why) => println!("skipped: {why}"),
    }
    Ok(())
}
