//! `replay`: what was decided, decided again.

use std::path::PathBuf;

use clap::Args;
use deputize::Policy;
use deputize::decision::{Decision, Record, ReplayError};
use serde_json::{Value, json};

use crate::answer::{Answer, Status};
use crate::fault::Failure;
use crate::input::{self, SnapshotArgs};
use crate::paint::{BAD, FAINT, GOOD, STRONG, WARN, paint, printable};
use crate::presented::{ProofArgs, Proofs};
use crate::verify;

/// Decide recorded questions again, and say what differs
///
/// Records are lines of JSON, as `deputize decide --record` writes them. A
/// record of a token that was refused needs the token too. Exit status: 0 all
/// came out the same, 1 some differ, 2 some could not be decided again.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  deputize replay audit.jsonl -s policy.json
  tail -n 1 audit.jsonl | deputize replay - -s policy.json
  deputize replay audit.jsonl -s policy.json --token refused.jwt")]
pub(crate) struct ReplayArgs {
    /// The records: a file, or `-` for standard input.
    records: PathBuf,
    /// A token that a record is of: a file, or the token itself. Its records
    /// are decided again from it. May be given again.
    #[arg(short, long = "token", value_name = "TOKEN")]
    tokens: Vec<String>,
    #[command(flatten)]
    snapshot: SnapshotArgs,
    #[command(flatten)]
    proofs: ProofArgs,
}

/// One record, decided again.
struct Replayed {
    line: usize,
    /// The question, where the record could be read.
    record: Option<Record>,
    outcome: Outcome,
}

enum Outcome {
    /// The same, to the last byte.
    Same,
    /// The fields that differ: what was recorded, and what came out.
    Differs(Vec<(String, Value, Value)>),
    /// Nothing was compared: the code, and why.
    Failed(&'static str, String),
}

/// Answers `replay`.
pub(crate) fn replay(args: &ReplayArgs) -> Result<Answer, Failure> {
    let standing = |token: &String| ("a token", token == "-");
    let mut takers: Vec<(&str, bool)> = args.tokens.iter().map(standing).collect();
    takers.push(("the records", input::is_stdin(&args.records)));
    takers.push(("the snapshot", args.snapshot.is_stdin()));
    takers.push(("a proof", args.proofs.is_stdin()));
    input::share_stdin(&takers)?;
    let loaded = args.snapshot.load()?;
    let tokens = verify::read_all(&args.tokens)?;
    let proofs = args.proofs.read()?;
    let text = input::read_text(&args.records)?;
    let lines = text
        .lines()
        .zip(1..)
        .filter(|(text, _)| !text.trim().is_empty());
    let replayed: Vec<Replayed> = lines
        .map(|(text, line)| one(&loaded.policy, text, line, &tokens, &proofs))
        .collect();

    let count =
        |wanted: fn(&Outcome) -> bool| replayed.iter().filter(|one| wanted(&one.outcome)).count();
    let same = count(|outcome| matches!(outcome, Outcome::Same));
    let differ = count(|outcome| matches!(outcome, Outcome::Differs(_)));
    let failed = count(|outcome| matches!(outcome, Outcome::Failed(..)));
    let mut out: String = replayed.iter().map(draw).collect();
    out.push_str(&format!(
        "{same} the same, {differ} different, {failed} not decided again\n"
    ));
    Ok(Answer {
        text: out,
        document: json!({
            "same": same,
            "different": differ,
            "failed": failed,
            "records": replayed.iter().map(document).collect::<Vec<_>>(),
            "revision": loaded.policy.revision(),
        }),
        status: match (differ, failed) {
            (_, 1..) => Status::Error,
            (1.., _) => Status::Deny,
            _ => Status::Allow,
        },
        ..Answer::default()
    })
}

fn one(
    policy: &Policy,
    text: &str,
    line: usize,
    tokens: &[Vec<u8>],
    proofs: &Proofs<'_>,
) -> Replayed {
    let record: Record = match serde_json::from_str(text) {
        Ok(record) => record,
        Err(error) => {
            return Replayed {
                line,
                record: None,
                outcome: Outcome::Failed("replay.record", format!("this is no record: {error}")),
            };
        }
    };
    let outcome = match again(policy, &record, tokens, proofs) {
        Ok(decision) => compare(&record, &decision.record),
        // The core decides from one token or from none.
        Err(error @ ReplayError::TokenNeeded) if !record.inputs.earlier.is_empty() => {
            let said = "several tokens were refused before their caller was known; such a record is not decided again";
            Outcome::Failed(error.code(), said.to_owned())
        }
        Err(error) => Outcome::Failed(error.code(), error.to_string()),
    };
    Replayed {
        line,
        record: Some(record),
        outcome,
    }
}

/// From the record's own token where it was given, else from the record.
fn again(
    policy: &Policy,
    record: &Record,
    tokens: &[Vec<u8>],
    proofs: &Proofs<'_>,
) -> Result<Decision, ReplayError> {
    let options = proofs.options(None);
    for token in tokens {
        match policy.replay_with(record, token, &options) {
            Err(ReplayError::OtherToken | ReplayError::NoToken | ReplayError::SeveralTokens) => {}
            other => return other,
        }
    }
    policy.replay(record)
}

fn compare(was: &Record, is: &Record) -> Outcome {
    if was == is {
        return Outcome::Same;
    }
    let (Ok(Value::Object(was)), Ok(Value::Object(is))) =
        (serde_json::to_value(was), serde_json::to_value(is))
    else {
        return Outcome::Failed("internal", "a record cannot be compared".to_owned());
    };
    let names: std::collections::BTreeSet<&String> = was.keys().chain(is.keys()).collect();
    let differing = names.into_iter().filter_map(|name| {
        let value =
            |record: &serde_json::Map<String, Value>| record.get(name).cloned().unwrap_or_default();
        let (was, is) = (value(&was), value(&is));
        // What every other difference makes differ says nothing by itself.
        (was != is && name != "id").then(|| (name.clone(), was, is))
    });
    match differing.collect::<Vec<_>>() {
        none if none.is_empty() => Outcome::Differs(vec![(
            "id".to_owned(),
            value_of(&was, "id"),
            value_of(&is, "id"),
        )]),
        some => Outcome::Differs(some),
    }
}

fn value_of(record: &serde_json::Map<String, Value>, name: &str) -> Value {
    record.get(name).cloned().unwrap_or_default()
}

fn draw(replayed: &Replayed) -> String {
    let line = replayed.line;
    let asked = replayed.record.as_ref().map(spell).unwrap_or_default();
    match &replayed.outcome {
        Outcome::Same => format!("{} {line:>4}  same    {asked}\n", paint(GOOD, "✓")),
        Outcome::Differs(fields) => {
            let mut out = format!("{} {line:>4}  differs {asked}\n", paint(BAD, "✗"));
            for (name, was, is) in fields {
                let name = paint(STRONG, printable(name));
                out.push_str(&format!(
                    "        {name}: was {}, is {}\n",
                    short(was),
                    short(is)
                ));
            }
            out
        }
        Outcome::Failed(code, message) => {
            let code = paint(FAINT, format_args!("[{code}]"));
            let message = printable(message);
            format!(
                "{} {line:>4}  {asked}\n        {message} {code}\n",
                paint(WARN, "!")
            )
        }
    }
}

/// What was asked, in one line.
fn spell(record: &Record) -> String {
    let who = match (&record.acting_on_behalf_of, record.actor.as_str()) {
        (_, "") => "nobody known".to_owned(),
        (None, actor) => actor.to_owned(),
        (Some(subject), actor) => format!("{actor} for {subject}"),
    };
    let word = if record.allowed { "allow" } else { "deny" };
    printable(&format!(
        "{word}: {who}, {} on {}",
        record.action, record.resource
    ))
}

/// A value as one short text: all of it is in the record, and under `--json`.
fn short(value: &Value) -> String {
    const MOST: usize = 32;
    let text = value.to_string();
    if text.chars().count() <= MOST {
        return printable(&text);
    }
    let cut: String = text.chars().take(MOST).collect();
    format!("{}…", printable(&cut))
}

fn document(replayed: &Replayed) -> Value {
    let mut out = json!({
        "line": replayed.line,
        "id": replayed.record.as_ref().map(|record| &record.id),
        "same": matches!(replayed.outcome, Outcome::Same),
    });
    let said = match &replayed.outcome {
        Outcome::Same => None,
        Outcome::Differs(fields) => {
            let named = fields
                .iter()
                .map(|(name, was, is)| (name.clone(), json!({ "was": was, "is": is })));
            Some(("differs", Value::Object(named.collect())))
        }
        Outcome::Failed(code, message) => {
            Some(("error", json!({ "code": code, "message": message })))
        }
    };
    if let (Some((name, value)), Some(members)) = (said, out.as_object_mut()) {
        members.insert(name.to_owned(), value);
    }
    out
}
