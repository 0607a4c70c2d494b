//! `filter`: which of many objects a user may see.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Map, json};

use crate::answer::Answer;
use crate::fault::{Failure, Fault};
use crate::input::{self, SnapshotArgs};
use crate::paint::{STRONG, paint};
use crate::progress::Progress;
use crate::question::{self, QuestionArgs};

/// Keep those of many objects on which a user has a relation
///
/// Objects are read from the arguments, from a file, or else from standard
/// input, one a line. The allowed ones are printed in the order given; how
/// many were dropped, and why, goes to standard error. Exit status: 0, even
/// when none is allowed; 2 no answer.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  deputize filter user:anne can_read document:1 document:2 -s policy.json
  deputize filter user:anne can_read -s policy.json < ids.txt
  deputize filter user:anne can_read --file ids.txt --mask -s policy.json")]
pub(crate) struct FilterArgs {
    /// Who asks: `type:id`, `type:*` or `type:id#relation`.
    user: String,
    /// The relation or permission.
    relation: String,
    /// The objects.
    #[arg(value_name = "OBJECT")]
    objects: Vec<String>,
    /// Read the objects from a file, one a line; `-` is standard input.
    #[arg(short, long, value_name = "FILE", conflicts_with = "objects")]
    file: Option<PathBuf>,
    /// Print 1 or 0 for each object instead, one a line.
    #[arg(short, long)]
    mask: bool,
    /// Print no summary.
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    snapshot: SnapshotArgs,
    #[command(flatten)]
    question: QuestionArgs,
}

/// Answers `filter`.
pub(crate) fn filter(args: &FilterArgs) -> Result<Answer, Failure> {
    let text = args.read_objects()?;
    let objects: Vec<&str> = match &text {
        // A blank line is not an object; anything else is, however odd.
        Some(text) => text.lines().filter(|l| !l.trim().is_empty()).collect(),
        None => args.objects.iter().map(String::as_str).collect(),
    };
    let loaded = args.snapshot.load()?;
    let policy = &loaded.policy;
    let view = args.question.view(policy)?;
    let mut progress = Progress::new("filtering", objects.len());
    let watched = objects.iter().inspect(|_| progress.step());
    let filtered = view
        .filter(&args.user, &args.relation, watched)
        .map_err(|error| question::of_query(&error, policy.model(), &[]))?;
    progress.end();

    let allowed: Vec<&str> = objects
        .iter()
        .zip(&filtered.mask)
        .filter(|(_, allowed)| **allowed)
        .map(|(object, _)| *object)
        .collect();
    let mut text = String::new();
    if args.mask {
        for allowed in &filtered.mask {
            text.push_str(if *allowed { "1\n" } else { "0\n" });
        }
    } else {
        text = crate::list::lines(&allowed);
    }
    let counts = || filtered.dropped.iter().map(|(r, count)| (r.code(), *count));
    let mut notes = Vec::new();
    if !args.quiet {
        let mut summary = format!(
            "{} of {} allowed",
            paint(STRONG, allowed.len()),
            objects.len()
        );
        for (reason, count) in counts() {
            summary.push_str(&format!(", {count} {reason}"));
        }
        notes.push(summary);
    }
    let dropped: Map<String, _> = counts()
        .map(|(reason, count)| (reason.to_owned(), count.into()))
        .collect();
    let mut document = json!({
        "allowed": allowed,
        "dropped": dropped,
        "asked": objects.len(),
        "revision": policy.revision(),
    });
    if let Some(members) = document.as_object_mut().filter(|_| args.mask) {
        members.insert("mask".to_owned(), json!(filtered.mask));
    }
    Ok(Answer {
        text,
        document,
        notes,
        ..Answer::default()
    })
}

impl FilterArgs {
    /// The text that lists the objects, unless the arguments do.
    fn read_objects(&self) -> Result<Option<String>, Failure> {
        if !self.objects.is_empty() {
            return Ok(None);
        }
        let path = self.file.clone().unwrap_or_else(|| PathBuf::from("-"));
        if input::is_stdin(&path) && self.snapshot.is_stdin() {
            let said = "standard input cannot give both the snapshot and the objects";
            return Err(Fault::new("request.stdin", said)
                .hint("give the objects as arguments or with --file")
                .into());
        }
        input::read_text(&path).map(Some)
    }
}
