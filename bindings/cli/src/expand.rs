//! `expand`: who a relation names, one level down.

use clap::Args;
use deputize::Expansion;

use crate::answer::Answer;
use crate::fault::{Failure, Fault};
use crate::input::SnapshotArgs;
use crate::paint::{FAINT, STRONG, paint};
use crate::question::{self, QuestionArgs};
use crate::tree::Tree;

/// Show who a relation of an object names, one level down
///
/// What leads further is named, not followed; conditions are not evaluated.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  deputize expand can_read document:1 -s policy.json")]
pub(crate) struct ExpandArgs {
    /// The relation or permission.
    relation: String,
    /// The object: `type:id`.
    object: String,
    #[command(flatten)]
    snapshot: SnapshotArgs,
    #[command(flatten)]
    question: QuestionArgs,
}

/// Answers `expand`.
pub(crate) fn expand(args: &ExpandArgs) -> Result<Answer, Failure> {
    let loaded = args.snapshot.load()?;
    let policy = &loaded.policy;
    let expansion = args
        .question
        .view(policy)?
        .expand(&args.relation, &args.object)
        .map_err(|error| question::of_query(&error, policy.model(), &[]))?;
    let mut tree = Tree::default();
    tree.add(
        0,
        paint(STRONG, format_args!("{}#{}", args.object, args.relation)),
    );
    // Depth first, without recursion; the last pushed comes first.
    let mut left = vec![(1, "", &expansion)];
    while let Some((depth, role, part)) = left.pop() {
        let role = if role.is_empty() {
            String::new()
        } else {
            format!("{} ", paint(FAINT, role))
        };
        let faint = |text: &str| format!("{role}{}", paint(FAINT, text));
        match part {
            Expansion::Users(users) if users.is_empty() => tree.add(depth, faint("nobody")),
            Expansion::Users(users) => {
                tree.add(depth, faint("users"));
                users.iter().for_each(|user| tree.add(depth + 1, user));
            }
            Expansion::Computed(node) => tree.add(depth, format!("{role}{node}")),
            Expansion::Parents { tupleset, computed } => {
                tree.add(depth, format!("{role}{} {tupleset}", paint(FAINT, "from")));
                computed.iter().for_each(|node| tree.add(depth + 1, node));
            }
            Expansion::Union(parts) => {
                tree.add(depth, faint("any of"));
                left.extend(parts.iter().rev().map(|p| (depth + 1, "", p)));
            }
            Expansion::Intersection(parts) => {
                tree.add(depth, faint("all of"));
                left.extend(parts.iter().rev().map(|p| (depth + 1, "", p)));
            }
            Expansion::Exclusion { base, subtract } => {
                tree.add(depth, faint("except"));
                left.push((depth + 1, "not", subtract));
                left.push((depth + 1, "", base));
            }
        }
    }
    let document = serde_json::to_value(&expansion)
        .map_err(|error| Fault::new("internal", error.to_string()))?;
    Ok(Answer {
        text: tree.draw(),
        document,
        ..Answer::default()
    })
}
