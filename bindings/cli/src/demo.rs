//! `demo`: a bank's knowledge base and its agents: who may do what, on whose
//! behalf, and why.

mod agents;
mod bank;
mod shelves;

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::Value;

use crate::answer::Answer;
use crate::clock::ClockArgs;
use crate::fault::{Failure, Fault};
use crate::input;
use crate::paint::{PLACE, paint};

use agents::Story;
use bank::Bank;

/// Show a bank and its agents: who may do what, on whose behalf, and why
///
/// The bank's model, tuples and rules are part of the program; they also stand
/// in the sources, in `examples/bank`. The key that signs its tokens is made
/// for this one run. Nothing is read, and nothing is written without --write.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  deputize demo
  deputize demo --write bank   # then: deputize verify bank/documents.jwt -s bank/snapshot.json")]
pub(crate) struct DemoArgs {
    /// Write the snapshot, the key and some tokens to a new folder, to ask
    /// them yourself.
    #[arg(long, value_name = "FOLDER")]
    write: Option<PathBuf>,
    #[command(flatten)]
    clock: ClockArgs,
}

/// Answers `demo`.
pub(crate) fn demo(args: &DemoArgs) -> Result<Answer, Failure> {
    let bank = Bank::open(args.clock.now())?;
    let (mut text, mut document) = shelves::tell(&bank.policy)
        .map_err(|error| Failure::from(Fault::new(error.code(), error.to_string())))?;
    let story = Story::tell(&bank)?;
    text.push_str(&story.text);
    document.insert("agents".to_owned(), Value::Array(story.rows));
    document.insert("audit".to_owned(), story.audit);
    let folder = match &args.write {
        None => "bank".to_owned(),
        Some(folder) => {
            write(folder, &bank, &story.tokens)?;
            folder.display().to_string()
        }
    };
    text.push_str(&heading("Ask it yourself"));
    if args.write.is_none() {
        text.push_str(
            "  deputize demo --write bank   # a snapshot, a key, and tokens for five minutes\n",
        );
    }
    for command in [
        "inspect {}/calendar.jwt",
        "verify {}/documents.jwt -s {}/snapshot.json",
        "decide can_read section:dispute-policy-3 --token {}/documents.jwt -s {}/snapshot.json",
        "exchange --subject-token {}/sara.jwt --actor agent:calendar -s {}/snapshot.json",
    ] {
        text.push_str(&format!("  deputize {}\n", command.replace("{}", &folder)));
    }
    Ok(Answer {
        text,
        document: Value::Object(document),
        ..Answer::default()
    })
}

/// A new folder: nothing that is there is touched.
fn write(folder: &Path, bank: &Bank, tokens: &[(&str, String)]) -> Result<(), Failure> {
    std::fs::create_dir(folder).map_err(|error| {
        let said = format!("the folder cannot be made: {error}");
        Fault::new("file.unwritable", said).in_file(input::spell(folder))
    })?;
    let snapshot = format!("{:#}\n", bank.snapshot);
    input::write(&folder.join("snapshot.json"), snapshot.as_bytes())?;
    let key = format!("{:#}\n", bank.jwk);
    input::write_secret(&folder.join("key.json"), key.as_bytes())?;
    for (name, token) in tokens {
        let path = folder.join(format!("{name}.jwt"));
        input::write_secret(&path, format!("{token}\n").as_bytes())?;
    }
    Ok(())
}

fn heading(text: &str) -> String {
    format!("\n{}\n\n", paint(PLACE.bold(), text))
}
