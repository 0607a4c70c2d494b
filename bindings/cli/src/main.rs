//! The `deputize` program: a policy's questions and answers in a terminal.
//!
//! Every command is a function from its arguments to an [`Answer`] or a
//! [`Failure`]; only this file prints, and only it chooses the exit status.

#![forbid(unsafe_code)]

mod answer;
mod check;
mod clock;
mod command;
mod compile;
mod completions;
mod condition_fault;
mod demo;
mod expand;
mod fault;
mod filter;
mod import;
mod input;
mod lint;
mod list;
mod model;
mod model_file;
mod paint;
mod progress;
mod question;
mod snapshot_fault;
mod store;
mod story;
mod suggest;
mod test;
mod tree;
mod tuples;
mod yaml;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use answer::Answer;
use command::{Cli, ColorChoice};
use fault::Failure;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match cli.color {
        ColorChoice::Auto => {}
        ColorChoice::Always => anstream::ColorChoice::Always.write_global(),
        ColorChoice::Never => anstream::ColorChoice::Never.write_global(),
    }
    let json = cli.json;
    if json {
        progress::hide();
    }
    let written = match command::run(cli) {
        Ok(answer) => print_answer(&answer, json).map(|()| answer.status.code()),
        Err(failure) => print_failure(&failure, json).map(|()| 2),
    };
    match written {
        Ok(status) => ExitCode::from(status),
        // Whoever read our output has seen enough; what it saw was no answer
        // to rely on.
        Err(_) => ExitCode::from(2),
    }
}

fn print_answer(answer: &Answer, json: bool) -> std::io::Result<()> {
    let mut out = anstream::stdout().lock();
    if json {
        answer::write_json(&mut out, &answer.document)?;
    } else {
        out.write_all(answer.text.as_bytes())?;
    }
    out.flush()?;
    let mut err = anstream::stderr().lock();
    if !json {
        for note in &answer.notes {
            writeln!(err, "{note}")?;
        }
    }
    err.flush()
}

fn print_failure(failure: &Failure, json: bool) -> std::io::Result<()> {
    if json {
        let mut out = anstream::stdout().lock();
        answer::write_json(&mut out, &failure.document())?;
        return out.flush();
    }
    let mut err = anstream::stderr().lock();
    err.write_all(failure.text().as_bytes())?;
    err.flush()
}
