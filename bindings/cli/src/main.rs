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
mod csv;
mod date;
mod decide;
mod demo;
mod exchange;
mod expand;
mod fault;
mod filter;
mod grant;
mod import;
mod input;
mod inspect;
mod key_pair;
mod keys;
mod lint;
mod list;
mod locate;
mod model;
mod model_file;
mod paint;
mod presented;
mod progress;
mod question;
mod reach;
mod refused;
mod replay;
mod ruling;
mod setting;
mod signing;
mod snapshot_fault;
mod sources;
mod store;
mod story;
mod suggest;
mod test;
mod token;
mod tree;
mod tuples;
mod verify;
mod yaml;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use answer::Answer;
use command::{Cli, ColorChoice};
use fault::Failure;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return print_misuse(&error),
    };
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

/// Prints help, or what is wrong with the command line. A token that was put in
/// the wrong place is not repeated: what a terminal shows is often kept.
fn print_misuse(error: &clap::Error) -> ExitCode {
    let mut text = error.render().ansi().to_string();
    let arguments = std::env::args_os().filter_map(|argument| argument.into_string().ok());
    for argument in arguments {
        let bare = argument.trim_start_matches('-');
        let value = bare.split_once('=').map_or(bare, |(_, value)| value);
        for token in [bare, value] {
            if presented::is_token(token) {
                text = text.replace(token, "<token>");
            }
        }
    }
    let written = if error.use_stderr() {
        anstream::stderr().lock().write_all(text.as_bytes())
    } else {
        anstream::stdout().lock().write_all(text.as_bytes())
    };
    match written {
        Ok(()) if !error.use_stderr() => ExitCode::SUCCESS,
        _ => ExitCode::from(2),
    }
}

fn print_answer(answer: &Answer, json: bool) -> std::io::Result<()> {
    let mut out = anstream::stdout().lock();
    let for_people = !json || answer.verbatim;
    if for_people {
        out.write_all(answer.text.as_bytes())?;
    } else {
        answer::write_json(&mut out, &answer.document)?;
    }
    out.flush()?;
    let mut err = anstream::stderr().lock();
    if for_people {
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
