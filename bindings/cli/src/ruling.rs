//! A decision as a tree: the token, the hops, the scopes, and the grants of
//! each whose authority is needed.

use deputize::caller::Hop;
use deputize::decision::{Branch, Decision, Role};
use deputize::time::UnixSeconds;
use deputize::{Explanation, Grounds, Policy};

use crate::paint::{BAD, FAINT, GOOD, STRONG, WARN, paint, printable};
use crate::story::mark;
use crate::tree::Tree;
use crate::verify::spell_chain;
use crate::{date, story};

/// One line that says what came out.
pub(crate) fn verdict(decision: &Decision) -> String {
    let record = &decision.record;
    let (style, word, may) = match decision.allowed {
        true => (GOOD, "allow", "may"),
        false => (BAD, "deny", "may not"),
    };
    let who = match (&record.acting_on_behalf_of, record.actor.as_str()) {
        (_, "") => "whoever presented the token".to_owned(),
        (None, actor) => printable(actor),
        (Some(subject), actor) => format!("{} for {}", printable(actor), printable(subject)),
    };
    let (word, action) = (
        paint(style.bold(), word),
        paint(STRONG, printable(&record.action)),
    );
    let resource = printable(&record.resource);
    let code = paint(FAINT, format_args!("[{}]", decision.reason));
    let mut out = format!("{word}: {who} {may} {action} on {resource} {code}\n");
    if !decision.allowed {
        out.push_str(&format!("{}\n", printable(&decision.message)));
    }
    out
}

/// The tree.
pub(crate) fn draw(policy: &Policy, decision: &Decision) -> String {
    let record = &decision.record;
    let mut tree = Tree::default();
    if let (Some(token), Some(until)) = (&record.inputs.token, record.inputs.until) {
        let (issuer, kid) = (printable(&token.issuer), printable(&token.kid));
        let until = spell_until(until, record.inputs.time);
        tree.add(
            0,
            format!("{} token of {issuer}, key {kid}, {until}", mark(true)),
        );
    }
    let hops = policy.hops(record);
    if !hops.is_empty() {
        let chain = spell_chain(record.chain.iter().map(String::as_str));
        tree.add(
            0,
            format!("{} chain {chain}", mark(hops.iter().all(|hop| hop.allowed))),
        );
    }
    for hop in &hops {
        add_hop(&mut tree, hop);
    }
    for branch in &decision.branches {
        add_branch(&mut tree, branch, &record.scope);
    }
    tree.draw()
}

fn spell_until(until: UnixSeconds, now: UnixSeconds) -> String {
    format!("until {}", date::both(until, now))
}

fn add_hop(tree: &mut Tree, hop: &Hop) {
    let (from, to) = (printable(&hop.from), printable(&hop.to));
    let may = if hop.allowed {
        "hands on to"
    } else {
        "may not hand on to"
    };
    tree.add(
        1,
        format!("{} {from} {} {to}", mark(hop.allowed), paint(FAINT, may)),
    );
    if hop.grounds.is_empty() {
        tree.add(
            2,
            format!("{} no rule in `hops` is about such two", mark(false)),
        );
    }
    for grounds in &hop.grounds {
        add_grounds(tree, 2, &grounds.grounds);
    }
}

fn add_branch(tree: &mut Tree, branch: &Branch, scope: &str) {
    let who = printable(&branch.principal);
    let said = match branch.role {
        Role::Scopes => {
            let held = match scope {
                "" => "none".to_owned(),
                scope => printable(scope),
            };
            let covers = if branch.allowed {
                "cover it"
            } else {
                "do not cover it"
            };
            format!("scopes {}: {held}", paint(FAINT, covers))
        }
        Role::Subject => format!("{who} {}", paint(FAINT, "itself, as the subject")),
        Role::Actor => format!("{who} {}", paint(FAINT, "itself, as the actor")),
        Role::ActorScopes => format!("{who} {}", paint(FAINT, "by its scopes in the snapshot")),
        Role::Delegated => format!(
            "{who} {}",
            paint(FAINT, "by its hop alone: as the party before it")
        ),
        Role::Task => format!("{who} {}", paint(FAINT, "as the task")),
    };
    tree.add(0, format!("{} {said}", mark(branch.allowed)));
    if let Some(grounds) = &branch.grounds {
        add_grounds(tree, 1, grounds);
    }
}

fn add_grounds(tree: &mut Tree, depth: usize, grounds: &Grounds) {
    match grounds {
        Grounds::Relationships { explanation } => {
            let explanation: &Explanation = explanation;
            story::add(tree, depth, explanation);
        }
        Grounds::EntityGrant {
            recipient,
            permission,
            entity,
        } => {
            let text = format!("{recipient} {permission} {entity}");
            let kind = paint(FAINT, "entity grant");
            let text = paint(STRONG, printable(&text));
            tree.add(depth, format!("{} {kind} {text}", mark(true)));
        }
        Grounds::AccessRule {
            principal,
            action,
            path,
        } => {
            let text = format!("{principal} {action} {path}");
            let kind = paint(FAINT, "access rule");
            let text = paint(STRONG, printable(&text));
            tree.add(depth, format!("{} {kind} {text}", mark(true)));
        }
        Grounds::Nothing { wanted } => {
            let needs = paint(FAINT, "needs");
            tree.add(
                depth,
                format!("{} {needs} {}", mark(false), printable(wanted)),
            );
        }
        Grounds::Error { code, message } => {
            let label = paint(WARN.bold(), "no answer");
            let code = paint(FAINT, format_args!("[{code}]"));
            tree.add(depth, format!("{label}: {} {code}", printable(message)));
        }
        // Grounds that are newer than this program.
        _ => tree.add(depth, paint(FAINT, "see --json")),
    }
}
