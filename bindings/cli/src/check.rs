//! `check` and `explain`: may this user do this, and why?

use clap::Args;
use serde_json::json;

use crate::answer::{Answer, Status};
use crate::fault::Failure;
use crate::input::SnapshotArgs;
use crate::paint::{BAD, GOOD, STRONG, paint};
use crate::question::{self, QuestionArgs};
use crate::story;

/// Say whether a user has a relation on an object
///
/// Exit status: 0 allowed, 1 denied, 2 no answer (which denies).
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  deputize check user:anne can_read document:1 -s policy.json
  deputize check group:eng#member viewer document:1 -s policy.json
  deputize check agent:bot can_call tool:pay -s policy.json --context '{\"amount\": 20}'
  deputize check user:anne viewer document:1 -s policy.json --tuple \"user:anne member group:eng\"")]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    ask: Ask,
    /// Print nothing: the exit status says it all.
    #[arg(short, long, conflicts_with = "json")]
    quiet: bool,
}

/// Say why a user has a relation on an object, or why not
///
/// For an allow: the shortest way of tuples and rules that decided. For a
/// deny: each branch that failed, and the tuples that would have allowed it.
/// Exit status: 0 allowed, 1 denied, 2 no answer (which denies).
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  deputize explain user:anne can_read document:1 -s policy.json
  deputize explain user:bob can_read document:1 -s policy.json --json")]
pub(crate) struct ExplainArgs {
    #[command(flatten)]
    ask: Ask,
}

#[derive(Debug, Args)]
struct Ask {
    /// Who asks: `type:id`, `type:*` or `type:id#relation`.
    user: String,
    /// The relation or permission asked for.
    relation: String,
    /// On what: `type:id`.
    object: String,
    #[command(flatten)]
    snapshot: SnapshotArgs,
    #[command(flatten)]
    question: QuestionArgs,
}

/// Answers `check`.
pub(crate) fn check(args: &CheckArgs) -> Result<Answer, Failure> {
    let ask = &args.ask;
    let loaded = ask.snapshot.load()?;
    let policy = &loaded.policy;
    let allowed = ask
        .question
        .view(policy)?
        .check(&ask.user, &ask.relation, &ask.object)
        .map_err(|error| question::of_query(&error, policy.model(), &[]))?;
    let text = if args.quiet {
        String::new()
    } else {
        verdict(allowed, &ask.user, &ask.relation, &ask.object)
    };
    Ok(Answer {
        text,
        document: json!({
            "allowed": allowed,
            "user": ask.user,
            "relation": ask.relation,
            "object": ask.object,
            "revision": policy.revision(),
        }),
        status: Status::of(allowed),
        ..Answer::default()
    })
}

/// Answers `explain`.
pub(crate) fn explain(args: &ExplainArgs) -> Result<Answer, Failure> {
    let ask = &args.ask;
    let loaded = ask.snapshot.load()?;
    let policy = &loaded.policy;
    let explanation = ask
        .question
        .view(policy)?
        .explain(&ask.user, &ask.relation, &ask.object)
        .map_err(|error| question::of_query(&error, policy.model(), &[]))?;
    let mut text = verdict(explanation.allowed, &ask.user, &ask.relation, &ask.object);
    text.push_str(&story::draw(&explanation));
    let document = serde_json::to_value(&explanation).map_err(internal)?;
    Ok(Answer {
        text,
        document,
        status: Status::of(explanation.allowed),
        ..Answer::default()
    })
}

fn internal(error: serde_json::Error) -> Failure {
    crate::fault::Fault::new("internal", error.to_string()).into()
}

/// One line that says what came out.
pub(crate) fn verdict(allowed: bool, user: &str, relation: &str, object: &str) -> String {
    let (style, word, has) = if allowed {
        (GOOD, "allow", "has")
    } else {
        (BAD, "deny", "does not have")
    };
    let word = paint(style.bold(), word);
    format!(
        "{word}: {user} {has} {} on {object}\n",
        paint(STRONG, relation)
    )
}
