//! `inspect`: what a token says, without believing any of it.

use clap::Args;
use deputize::time::UnixSeconds;
use deputize::token::{self, Finding, Inspection, Severity};
use serde_json::{Map, Value, json};

use crate::answer::{Answer, Status};
use crate::clock::ClockArgs;
use crate::fault::{self, Failure, Fault};
use crate::paint::{FAINT, GOOD, STRONG, WARN, paint, printable};
use crate::tree::Tree;
use crate::{date, presented};

/// Take a token apart, without verifying it
///
/// Shows the header, the claims, who acts for whom, and what is wrong or odd.
/// No signature is checked: nothing that is shown may be relied upon. Exit
/// status: 0 nothing is wrong, 1 no policy would accept it, 2 it cannot be read.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  deputize inspect token.jwt
  pbpaste | deputize inspect
  deputize inspect token.jwt --now 1763725200 --json")]
pub(crate) struct InspectArgs {
    /// The token: a file, `-` for standard input, or the token itself.
    #[arg(default_value = "-")]
    token: String,
    #[command(flatten)]
    clock: ClockArgs,
}

/// The claims that are times.
const TIMES: [&str; 4] = ["iat", "nbf", "exp", "auth_time"];
/// The most actors that are drawn.
const MAX_ACTORS: usize = 100;

/// Answers `inspect`.
pub(crate) fn inspect(args: &InspectArgs) -> Result<Answer, Failure> {
    let text = presented::read_text(&args.token, "the token")?;
    let now = args.clock.now();
    let inspection = token::inspect(&text, Some(now));
    let refused = |finding: &Finding| finding.severity == Severity::Error;
    let mut document = serde_json::to_value(&inspection).unwrap_or_default();
    if let Some(members) = document.as_object_mut() {
        members.insert("now".to_owned(), json!(now));
        members.insert("times".to_owned(), times(&inspection, now));
        members.insert("chain".to_owned(), json!(parties(&inspection)));
    }
    Ok(Answer {
        text: draw(&inspection, now),
        document,
        status: Status::of(!inspection.findings.iter().any(refused)),
        ..Answer::default()
    })
}

fn draw(inspection: &Inspection, now: UnixSeconds) -> String {
    let label = paint(WARN.bold(), "UNVERIFIED");
    let mut out = format!("{label}: no signature was checked; nothing below may be relied upon\n");
    for (title, part) in [
        ("header", &inspection.header),
        ("claims", &inspection.claims),
    ] {
        let Some(Value::Object(members)) = part else {
            continue;
        };
        out.push_str(&format!("\n{}\n", paint(STRONG, title)));
        out.push_str(&draw_members(members, now));
    }
    let parties = parties(inspection);
    if parties.len() > 1 {
        out.push_str(&format!(
            "\n{}\n",
            paint(STRONG, "who acts, as RFC 8693 reads it")
        ));
        let mut tree = Tree::default();
        for (depth, party) in parties.iter().enumerate() {
            let role = match depth {
                0 => "subject",
                last if last + 1 == parties.len() => "current actor",
                _ => "actor",
            };
            tree.add(
                depth,
                format!("{} {}", printable(party), paint(FAINT, role)),
            );
        }
        for line in tree.draw().lines() {
            out.push_str(&format!("  {line}\n"));
        }
        let other = "an issuer whose `chain` is `subject_is_actor` reads it from the other end";
        out.push_str(&format!("  {}\n", paint(FAINT, other)));
    }
    out.push('\n');
    if inspection.findings.is_empty() {
        out.push_str(&format!("{}\n", paint(GOOD, "nothing odd was found")));
    }
    for finding in &inspection.findings {
        let mut fault = Fault::new(finding.code, finding.message.clone());
        fault.severity = match finding.severity {
            Severity::Error => fault::Severity::Error,
            Severity::Warning => fault::Severity::Warning,
            Severity::Note => fault::Severity::Note,
        };
        out.push_str(&fault.text());
    }
    out
}

fn draw_members(members: &Map<String, Value>, now: UnixSeconds) -> String {
    let width = members.keys().map(|name| printable(name).chars().count());
    let width = width.max().unwrap_or(0).min(24);
    let mut out = String::new();
    for (name, value) in members {
        let name = printable(name);
        let said = match value {
            Value::String(text) => printable(text),
            // What is not a text is shown as JSON, which escapes by itself.
            other => printable(&other.to_string()),
        };
        let time = seconds(&name, value).map(|at| {
            let spelled = format!("  {}", date::both(at, now));
            paint(FAINT, spelled)
        });
        out.push_str(&format!(
            "  {name:width$}  {said}{}\n",
            time.unwrap_or_default()
        ));
    }
    out
}

/// The time that a claim is, where it is one. Fractions are cut off, which is
/// near enough to be read.
fn seconds(name: &str, value: &Value) -> Option<UnixSeconds> {
    if !TIMES.contains(&name) {
        return None;
    }
    if let Some(whole) = value.as_u64() {
        return Some(UnixSeconds(whole));
    }
    let number = value.as_number()?.to_string();
    let (whole, _) = number.split_once('.')?;
    whole.parse().ok().map(UnixSeconds)
}

fn times(inspection: &Inspection, now: UnixSeconds) -> Value {
    let Some(Value::Object(claims)) = &inspection.claims else {
        return json!({});
    };
    let times = TIMES.iter().filter_map(|name| {
        let at = seconds(name, claims.get(*name)?)?;
        let spelled = json!({"date": date::date(at), "distance": date::distance(at, now)});
        Some(((*name).to_owned(), spelled))
    });
    Value::Object(times.collect())
}

/// `sub`, then the actors: the innermost `act` is the oldest.
fn parties(inspection: &Inspection) -> Vec<String> {
    let Some(claims) = &inspection.claims else {
        return Vec::new();
    };
    let subject = |members: &Value| {
        let sub = members.get("sub").and_then(Value::as_str);
        sub.unwrap_or("(nobody)").to_owned()
    };
    let mut actors = Vec::new();
    let mut next = claims.get("act");
    while let Some(act) = next.filter(|_| actors.len() < MAX_ACTORS) {
        actors.push(subject(act));
        next = act.get("act");
    }
    actors.push(subject(claims));
    actors.reverse();
    actors
}
