//! Names that look like a slip of the pen: met once, and one letter away from
//! a name of the same type that is met often.

use std::collections::BTreeMap;

use deputize::Snapshot;

use crate::fault::{Fault, Severity};

pub(super) const SLIP: &str = "name.slip";

/// A name met so often is taken for right.
const OFTEN: usize = 3;
/// Shorter ids differ by a letter too easily.
const MIN_LENGTH: usize = 4;

/// The findings of a snapshot's names.
pub(super) fn find(snapshot: &Snapshot<'_>) -> Vec<Fault> {
    // By name: how often it is met, and where first.
    let mut met: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for (index, tuple) in snapshot.tuples.iter().enumerate() {
        let user = tuple.user.split_once('#').map_or(&*tuple.user, |(o, _)| o);
        for name in [user, &tuple.object] {
            met.entry(name).or_insert((0, index)).0 += 1;
        }
    }
    // Two names one edit apart share a name with a letter less (or are one
    // themselves): a table of those finds them without comparing all pairs.
    let mut shortened: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (name, (count, _)) in &met {
        if *count >= OFTEN && is_wordy(name) {
            for short in shorter(name) {
                shortened.entry(short).or_default().push(name);
            }
        }
    }
    let mut findings = Vec::new();
    for (name, (count, index)) in &met {
        if *count != 1 || !is_wordy(name) {
            continue;
        }
        let near = shorter(name)
            .into_iter()
            .filter_map(|short| shortened.get(&short))
            .flatten()
            .find(|other| is_slip(name, other));
        if let Some(near) = near {
            let said = format!("`{name}` is met once, and `{near}` often");
            let mut fault = Fault::new(SLIP, said)
                .pointing(format!("/tuples/{index}"))
                .hint(format!("did you mean `{near}`?"));
            fault.severity = Severity::Note;
            findings.push(fault);
        }
    }
    findings
}

/// Names with digits are numbered: `doc-17` is no slip of `doc-18`.
fn is_wordy(name: &str) -> bool {
    let id = name.split_once(':').map_or(name, |(_, id)| id);
    id.chars().count() >= MIN_LENGTH && !id.chars().any(|c| c.is_ascii_digit())
}

fn is_slip(name: &str, other: &str) -> bool {
    let types = (name.split_once(':'), other.split_once(':'));
    let (Some((one, _)), Some((two, _))) = types else {
        return false;
    };
    one == two && name != other && strsim::osa_distance(name, other) <= 1
}

/// The name, and the name without each one of its letters.
fn shorter(name: &str) -> Vec<String> {
    let letters: Vec<char> = name.chars().collect();
    let without = |skip: usize| {
        let kept = letters.iter().enumerate().filter(move |(i, _)| *i != skip);
        kept.map(|(_, c)| *c).collect::<String>()
    };
    let mut all: Vec<String> = (0..letters.len()).map(without).collect();
    all.push(name.to_owned());
    all
}
