//! An explanation as a tree for a terminal.
//!
//! The engine's explanation has a step for each rule that it went through. A
//! reader wants the tuples, and of the rules only those where ways part: so
//! steps that merely pass on to one other are left out, and a tuple stands
//! for the relation that it gives.

use std::collections::BTreeMap;

use deputize::{Explanation, Step, StepRule};

use crate::paint::{BAD, FAINT, GOOD, STRONG, WARN, paint};
use crate::tree::Tree;

/// How many of the users that a relation would need are named.
const MAX_WANTED: usize = 4;

/// A step that failed and has been drawn: where it is met again, a line will do.
type Drawn<'e> = BTreeMap<&'e str, Vec<&'e Step>>;

/// A step that is still to be drawn.
struct Todo<'e> {
    depth: usize,
    step: &'e Step,
    /// The `object#relation` of the line above: it need not be said again.
    shown: &'e str,
    role: Role,
}

/// What a step is to the line above it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// It should hold.
    Wanted,
    /// It should not hold, and does not.
    Absent,
    /// It should not hold; but it does, or that is not known.
    Unwanted,
}

/// Draws an explanation.
pub(crate) fn draw(explanation: &Explanation) -> String {
    let mut tree = Tree::default();
    add(&mut tree, 0, explanation);
    tree.draw()
}

/// Adds an explanation's lines to a tree, the first at a depth.
pub(crate) fn add(tree: &mut Tree, depth: usize, explanation: &Explanation) {
    let mut left = vec![Todo {
        depth,
        step: &explanation.because,
        shown: "",
        role: Role::Wanted,
    }];
    let mut drawn = Drawn::default();
    // Depth first, without recursion; the last pushed comes first.
    while let Some(todo) = left.pop() {
        let depth = todo.depth;
        let step = essence(todo.step);
        if todo.role == Role::Wanted && is_repeated(step, &mut drawn) {
            let again = paint(FAINT, "as above");
            tree.add(depth, format!("{} {} {again}", mark(false), step.node));
            continue;
        }
        let (text, below) = one(todo);
        tree.add(depth, text);
        left.extend(below.into_iter().rev());
    }
    if let Some(message) = &explanation.message {
        let label = paint(WARN.bold(), "no answer");
        tree.add(depth, format!("{label}: {message}"));
    }
}

/// Whether this very step, which failed in several lines, was drawn before.
fn is_repeated<'e>(step: &'e Step, drawn: &mut Drawn<'e>) -> bool {
    if step.allowed || step.parts.is_empty() || speaks_for_itself(&step.rule) {
        return false;
    }
    let alike = drawn.entry(&step.node).or_default();
    if alike.contains(&step) {
        return true;
    }
    alike.push(step);
    false
}

/// One line, and the steps below it.
fn one(todo: Todo<'_>) -> (String, Vec<Todo<'_>>) {
    if todo.role != Role::Wanted {
        return negated(&todo);
    }
    let step = essence(todo.step);
    // The line says which relation it is about, unless the one above did.
    let subject = if step.node == todo.shown {
        String::new()
    } else {
        format!("{} ", step.node)
    };
    let below = |shown| {
        let steps = step.parts.iter();
        steps.map(move |step| Todo {
            depth: todo.depth + 1,
            step,
            shown,
            role: Role::Wanted,
        })
    };
    let mark = mark(step.allowed);
    let faint = |text: &str| paint(FAINT, text);
    let (text, parts) = match &step.rule {
        StepRule::Tuple { tuple } => (paint(STRONG, tuple), Vec::new()),
        StepRule::Through { tuple } => (paint(STRONG, tuple), below("").collect()),
        StepRule::Missing { wanted } => {
            let text = match needs(&step.node, wanted) {
                Needs::Nothing => format!("{}{}", step.node, faint(": nobody has it")),
                Needs::Users(users) => format!("{} {} {users}", step.node, faint("needs")),
                Needs::Tuples(tuples) => format!("{} {tuples}", faint("needs")),
            };
            (text, below(&step.node).collect())
        }
        StepRule::Except => {
            let mut parts: Vec<Todo<'_>> = below(&step.node).collect();
            if let Some(subtract) = parts.get_mut(1) {
                subtract.role = if step.allowed {
                    Role::Absent
                } else {
                    Role::Unwanted
                };
            }
            (format!("{subject}{}", faint("all of")), parts)
        }
        StepRule::AllOf => (
            format!("{subject}{}", faint("all of")),
            below(&step.node).collect(),
        ),
        StepRule::AnyOf => (
            format!("{subject}{}", faint("any of")),
            below(&step.node).collect(),
        ),
        StepRule::Condition {
            tuple,
            condition,
            error,
        } => {
            let why = match error {
                None => "does not hold".to_owned(),
                Some(code) => format!("has no answer ({code})"),
            };
            let why = paint(WARN, format_args!("condition {condition} {why}"));
            (format!("{tuple} {why}"), Vec::new())
        }
        StepRule::Itself => (format!("{} {}", step.node, faint("itself")), Vec::new()),
        StepRule::Cycle => (
            format!("{} {}", step.node, faint("leads back to itself")),
            Vec::new(),
        ),
        StepRule::Unreachable => (
            format!(
                "{} {}",
                step.node,
                faint("the model lets no such user have it")
            ),
            Vec::new(),
        ),
        StepRule::Omitted { more } => (faint(&format!("and {more} more, left out")), Vec::new()),
        // A relation, or a rule that is newer than this program.
        _ => (step.node.clone(), below(&step.node).collect()),
    };
    (format!("{mark} {text}"), parts)
}

/// The line of what should not hold.
fn negated<'e>(todo: &Todo<'e>) -> (String, Vec<Todo<'e>>) {
    let step = todo.step;
    let what = if step.node == todo.shown {
        "what is excluded"
    } else {
        &step.node
    };
    let not = paint(FAINT, "not");
    if todo.role == Role::Absent {
        return (format!("{} {not} {what}", mark(true)), Vec::new());
    }
    let below = Todo {
        depth: todo.depth + 1,
        step,
        shown: &step.node,
        role: Role::Wanted,
    };
    (format!("{} {not} {what}", mark(false)), vec![below])
}

/// The first step at or below this one that says more than "see below".
fn essence(mut step: &Step) -> &Step {
    while let [part] = step.parts.as_slice() {
        let passes_on = match step.rule {
            StepRule::AnyOf | StepRule::AllOf | StepRule::Except => part.allowed == step.allowed,
            StepRule::Relation => {
                let inner = essence_rule(part);
                inner.node == step.node || speaks_for_itself(&inner.rule)
            }
            _ => false,
        };
        if !passes_on {
            break;
        }
        step = part;
    }
    step
}

/// As [`essence`], over operators alone: what a relation's rule comes down to.
fn essence_rule(mut step: &Step) -> &Step {
    while let (StepRule::AnyOf | StepRule::AllOf | StepRule::Except, [part]) =
        (&step.rule, step.parts.as_slice())
    {
        step = part;
    }
    step
}

/// Whether a rule's line names what it is about.
fn speaks_for_itself(rule: &StepRule) -> bool {
    matches!(
        rule,
        StepRule::Tuple { .. } | StepRule::Through { .. } | StepRule::Condition { .. }
    )
}

enum Needs {
    /// No tuple could give it.
    Nothing,
    /// One of these users.
    Users(String),
    /// One of these tuples, of another relation.
    Tuples(String),
}

/// What a relation needs. Of tuples `user relation object` of the relation
/// itself the users say all.
fn needs(node: &str, wanted: &[String]) -> Needs {
    if wanted.is_empty() {
        return Needs::Nothing;
    }
    let (object, relation) = node.split_once('#').unwrap_or((node, ""));
    let own = format!(" {relation} {object}");
    let users: Option<Vec<&str>> = wanted.iter().map(|t| t.strip_suffix(&own)).collect();
    match users {
        Some(users) => Needs::Users(either(&users)),
        None => Needs::Tuples(either(
            &wanted.iter().map(String::as_str).collect::<Vec<_>>(),
        )),
    }
}

/// `a, b or c`.
fn either(texts: &[&str]) -> String {
    let shown: Vec<String> = texts
        .iter()
        .take(MAX_WANTED)
        .map(|text| paint(STRONG, text))
        .collect();
    match shown.as_slice() {
        all if texts.len() > MAX_WANTED => format!("{} …", all.join(", ")),
        [first @ .., last] if !first.is_empty() => format!("{} or {last}", first.join(", ")),
        all => all.concat(),
    }
}

/// ✓ or ✗.
pub(crate) fn mark(allowed: bool) -> String {
    if allowed {
        paint(GOOD, "✓")
    } else {
        paint(BAD, "✗")
    }
}
