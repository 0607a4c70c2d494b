//! Who may read what of the knowledge base: no tokens yet.

use anstyle::Style;
use deputize::{Policy, QueryError};
use serde_json::{Map, Value, json};

use crate::paint::{BAD, FAINT, GOOD, STRONG, paint};
use crate::{check, story};

use super::heading;

const RELATION: &str = "can_read";

/// Who asks: the principal, and who that is.
const PEOPLE: [(&str, &str); 8] = [
    ("user:carla", "customer"),
    ("user:tom", "teller"),
    ("user:sara", "support"),
    ("user:frank", "fraud"),
    ("user:dina", "disputes"),
    ("user:leo", "loans"),
    ("user:nora", "legal"),
    ("agent:helper", "agent"),
];

/// What there is to read: the resource, and its title.
const SHELVES: [(&str, &str); 9] = [
    ("document:fees", "Price list"),
    ("document:counter-guide", "Counter guide"),
    ("document:dispute-policy", "Dispute policy, PDF"),
    ("section:dispute-policy-1", "  §1 How to dispute"),
    ("section:dispute-policy-2", "  §2 Our limits"),
    ("section:dispute-policy-3", "  §3 Legal position"),
    ("document:loan-rules", "Loan rules"),
    ("document:loan-letter-carla", "Letter on Carla's loan"),
    ("document:case-118", "Case 118: a teller"),
];

/// What a search for "card dispute" might bring up: how near, and which.
const FOUND: [(&str, &str); 7] = [
    ("0.93", "section:dispute-policy-2"),
    ("0.91", "section:dispute-policy-3"),
    ("0.88", "section:dispute-policy-1"),
    ("0.74", "document:case-118"),
    ("0.71", "document:counter-guide"),
    ("0.66", "dispute-policy"),
    ("0.52", "document:fees"),
];

const TITLE_WIDTH: usize = 24;
const COLUMN_WIDTH: usize = 9;

/// The matrix, two explanations, and a filtered search; and the same as data.
pub(super) fn tell(policy: &Policy) -> Result<(String, Map<String, Value>), QueryError> {
    let matrix = matrix(policy)?;
    let mut text = heading("A bank's knowledge base: who may read what");
    text.push_str(&draw_matrix(&matrix));
    text.push_str(&heading(
        "Why may Dina of disputes read §2 of the dispute policy?",
    ));
    text.push_str(&explain(policy, "user:dina", "section:dispute-policy-2")?);
    text.push_str(&heading(
        "Why may Tom not read case 118, which was given to him?",
    ));
    text.push_str(&explain(policy, "user:tom", "document:case-118")?);
    text.push_str(&heading(
        "Sara's assistant searched for \"card dispute\": what the model gets to see",
    ));
    let found: Vec<&str> = FOUND.iter().map(|(_, object)| *object).collect();
    let filtered = policy.view().filter("agent:helper", RELATION, &found)?;
    for ((score, object), allowed) in FOUND.iter().zip(&filtered.mask) {
        let line = if *allowed {
            format!("{} {score}  {object}", paint(GOOD, "✓"))
        } else {
            format!(
                "{} {}",
                paint(BAD, "✗"),
                paint(FAINT, format_args!("{score}  {object}"))
            )
        };
        text.push_str(&format!("  {line}\n"));
    }
    let kept = paint(
        STRONG,
        format_args!("{} of {} kept", filtered.allowed(), FOUND.len()),
    );
    text.push_str(&format!("  {kept}"));
    for (reason, count) in &filtered.dropped {
        text.push_str(&format!(", {count} {}", reason.code()));
    }
    text.push('\n');
    let people: Map<String, Value> = PEOPLE
        .iter()
        .zip(&matrix)
        .map(|((user, _), row)| {
            let objects = SHELVES.iter().zip(row).filter(|(_, allowed)| **allowed);
            let names: Vec<&str> = objects.map(|((object, _), _)| *object).collect();
            ((*user).to_owned(), names.into())
        })
        .collect();
    let dropped: Map<String, Value> = filtered
        .dropped
        .iter()
        .map(|(reason, count)| (reason.code().to_owned(), (*count).into()))
        .collect();
    let mut document = Map::new();
    document.insert("can_read".to_owned(), Value::Object(people));
    document.insert(
        "filter".to_owned(),
        json!({ "user": "agent:helper", "objects": found, "mask": filtered.mask, "dropped": dropped }),
    );
    Ok((text, document))
}

/// For each of the people, which of the documents they may read.
fn matrix(policy: &Policy) -> Result<Vec<Vec<bool>>, QueryError> {
    let objects = || SHELVES.iter().map(|(object, _)| *object);
    let rows = PEOPLE.iter().map(|(user, _)| {
        let filtered = policy.view().filter(user, RELATION, objects())?;
        Ok(filtered.mask)
    });
    rows.collect()
}

fn draw_matrix(matrix: &[Vec<bool>]) -> String {
    let names = PEOPLE.map(|(user, _)| {
        let (_, name) = user.split_once(':').unwrap_or_default();
        (STRONG, name)
    });
    let mut out = row("", &names);
    out.push_str(&row("", &PEOPLE.map(|(_, role)| (FAINT, role))));
    for (index, (_, title)) in SHELVES.iter().enumerate() {
        let cell = |person: &Vec<bool>| match person.get(index) {
            Some(true) => (GOOD, "✓"),
            _ => (FAINT, "·"),
        };
        let cells: Vec<(Style, &str)> = matrix.iter().map(cell).collect();
        out.push_str(&row(title, &cells));
    }
    out
}

/// A row of the matrix. What is padded is the text, not its escapes.
fn row(title: &str, cells: &[(Style, &str)]) -> String {
    let mut out = format!("  {title:TITLE_WIDTH$}");
    for (index, (style, text)) in cells.iter().enumerate() {
        out.push_str(&paint(*style, text));
        if index + 1 < cells.len() {
            let padding = COLUMN_WIDTH.saturating_sub(text.chars().count());
            out.push_str(&" ".repeat(padding));
        }
    }
    out.push('\n');
    out
}

/// The verdict and its tree.
fn explain(policy: &Policy, user: &str, object: &str) -> Result<String, QueryError> {
    let explanation = policy.view().explain(user, RELATION, object)?;
    let mut out = String::new();
    let verdict = check::verdict(explanation.allowed, user, RELATION, object);
    for line in verdict.lines().chain(story::draw(&explanation).lines()) {
        out.push_str(&format!("  {line}\n"));
    }
    Ok(out)
}
