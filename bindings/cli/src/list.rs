//! `list-objects` and `list-users`: everything that a check would allow.

use clap::Args;
use serde_json::json;

use crate::answer::Answer;
use crate::fault::Failure;
use crate::input::SnapshotArgs;
use crate::question::{self, QuestionArgs};

/// List the objects of a type on which a user has a relation
///
/// The list is complete and sorted, one object a line. Exit status: 0, even
/// when it is empty; 2 no answer.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  deputize list-objects user:anne can_read document -s policy.json")]
pub(crate) struct ListObjectsArgs {
    /// Who asks: `type:id`, `type:*` or `type:id#relation`.
    user: String,
    /// The relation or permission.
    relation: String,
    /// The type of the objects.
    #[arg(value_name = "TYPE")]
    object_type: String,
    #[command(flatten)]
    snapshot: SnapshotArgs,
    #[command(flatten)]
    question: QuestionArgs,
}

/// List the users that have a relation on an object
///
/// The list is complete and sorted, one user a line. Exit status: 0, even
/// when it is empty; 2 no answer.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  deputize list-users document:1 can_read user -s policy.json
  deputize list-users document:1 can_read group#member -s policy.json")]
pub(crate) struct ListUsersArgs {
    /// The object: `type:id`.
    object: String,
    /// The relation or permission.
    relation: String,
    /// Which users: a type, or `type#relation` for usersets.
    #[arg(value_name = "FILTER")]
    filter: String,
    #[command(flatten)]
    snapshot: SnapshotArgs,
    #[command(flatten)]
    question: QuestionArgs,
}

/// Answers `list-objects`.
pub(crate) fn list_objects(args: &ListObjectsArgs) -> Result<Answer, Failure> {
    let loaded = args.snapshot.load()?;
    let policy = &loaded.policy;
    let objects = args
        .question
        .view(policy)?
        .list_objects(&args.user, &args.relation, &args.object_type)
        .map_err(|error| question::of_query(&error, policy.model(), &[]))?;
    Ok(Answer {
        text: lines(&objects),
        document: json!({ "objects": objects, "revision": policy.revision() }),
        ..Answer::default()
    })
}

/// Answers `list-users`.
pub(crate) fn list_users(args: &ListUsersArgs) -> Result<Answer, Failure> {
    let loaded = args.snapshot.load()?;
    let policy = &loaded.policy;
    let users = args
        .question
        .view(policy)?
        .list_users(&args.object, &args.relation, &args.filter)
        .map_err(|error| question::of_query(&error, policy.model(), &[]))?;
    Ok(Answer {
        text: lines(&users),
        document: json!({ "users": users, "revision": policy.revision() }),
        ..Answer::default()
    })
}

/// Each text on a line.
pub(crate) fn lines<S: AsRef<str>>(texts: &[S]) -> String {
    let mut out = String::new();
    for text in texts {
        out.push_str(text.as_ref());
        out.push('\n');
    }
    out
}
