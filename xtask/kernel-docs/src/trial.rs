//! The engine's answers, compared with the oracle's and timed.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use deputize::{DropReason, Policy};

use super::oracle::Oracle;
use xtask::failure::Failure;

/// Who may see what, as the oracle and the model both call it.
const RELATIONS: [&str; 2] = ["keeper", "reader"];

/// Each filter is timed this often, and its best time counts: what else runs
/// on the machine can only make it slower.
pub(crate) const TRIES: u32 = 5;

/// Someone on no page, who must see nothing.
const STRANGER: &str = "0000000000000000";

/// Asks the policy for every person and every document, by filter and by list.
/// Says how many decisions agreed.
///
/// # Errors
/// The first few differences, and any document dropped for another reason
/// than that the person may not see it.
pub(crate) fn compare(policy: &Policy, oracle: &Oracle) -> Result<usize, Failure> {
    let documents: Vec<&str> = oracle.documents.iter().map(String::as_str).collect();
    let objects: Vec<String> = documents.iter().map(|path| object(path)).collect();
    let nothing = BTreeSet::new();
    let mut differences = Vec::new();
    let mut decisions = 0;
    let people = oracle.people.keys().map(String::as_str).chain([STRANGER]);
    for person in people {
        for relation in RELATIONS {
            let expected = oracle.reach(person, relation).unwrap_or(&nothing);
            let user = format!("user:{person}");
            let filtered = policy
                .view()
                .filter(&user, relation, &objects)
                .map_err(Failure::found)?;
            for (reason, count) in &filtered.dropped {
                if *reason != DropReason::NotAllowed {
                    let reason = reason.code();
                    differences.push(format!("{user} {relation}: {count} dropped as {reason}"));
                }
            }
            if filtered.mask.len() != documents.len() {
                differences.push(format!("{user} {relation}: a mask of another length"));
            }
            for (document, allowed) in documents.iter().zip(&filtered.mask) {
                if *allowed != expected.contains(*document) {
                    differences.push(format!("{user} {relation} {document}: {allowed}"));
                }
            }
            let listed = policy
                .view()
                .list_objects(&user, relation, "document")
                .map_err(Failure::found)?;
            let listed: BTreeSet<String> = listed.into_iter().collect();
            let expected: BTreeSet<String> = expected.iter().map(|path| object(path)).collect();
            for difference in listed.symmetric_difference(&expected) {
                differences.push(format!(
                    "{user} {relation}: {difference} listed by one only"
                ));
            }
            decisions += filtered.mask.len();
        }
    }
    if differences.is_empty() {
        return Ok(decisions);
    }
    let count = differences.len();
    differences.truncate(10);
    Err(Failure::Found(format!(
        "{count} differences from the oracle, the first of them:\n{}",
        differences.join("\n")
    )))
}

/// How long it took to filter all documents, person by person.
pub(crate) struct Times {
    /// Each person's time, shortest first.
    times: Vec<Duration>,
    documents: usize,
    /// Documents allowed, over all people.
    pub(crate) allowed: usize,
}

impl Times {
    /// Filters every document for `count` people who keep at least one,
    /// spread evenly over their ids.
    pub(crate) fn take(policy: &Policy, oracle: &Oracle, count: usize) -> Result<Self, Failure> {
        let keepers: Vec<&String> = oracle
            .people
            .iter()
            .filter_map(|(person, reach)| (!reach.keeper.is_empty()).then_some(person))
            .collect();
        let chosen = (0..count.min(keepers.len()))
            .filter_map(|at| keepers.get(at * keepers.len() / count.min(keepers.len())));
        let objects: Vec<String> = oracle.documents.iter().map(|path| object(path)).collect();
        let mut taken = Self {
            times: Vec::new(),
            documents: objects.len(),
            allowed: 0,
        };
        for person in chosen {
            let user = format!("user:{person}");
            let mut best = Duration::MAX;
            let mut allowed = 0;
            for _ in 0..TRIES {
                let start = Instant::now();
                let filtered = policy
                    .view()
                    .filter(&user, "keeper", &objects)
                    .map_err(Failure::found)?;
                best = best.min(start.elapsed());
                allowed = filtered.allowed();
            }
            taken.times.push(best);
            taken.allowed += allowed;
        }
        taken.times.sort_unstable();
        Ok(taken)
    }

    /// How many people.
    pub(crate) fn people(&self) -> usize {
        self.times.len()
    }

    /// The middle person's and the slowest person's filter, in milliseconds.
    pub(crate) fn middle_and_slowest(&self) -> (f64, f64) {
        let at = |place: usize| self.times.get(place).map_or(0.0, |time| millis(*time));
        (
            at(self.times.len() / 2),
            at(self.times.len().saturating_sub(1)),
        )
    }

    /// Microseconds a document, over all.
    #[allow(clippy::cast_precision_loss, reason = "a figure to read, of thousands")]
    pub(crate) fn micros_a_document(&self) -> f64 {
        let all: Duration = self.times.iter().sum();
        all.as_secs_f64() * 1e6 / (self.documents * self.times.len()).max(1) as f64
    }
}

/// Milliseconds, with their fraction.
pub(crate) fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn object(path: &str) -> String {
    format!("document:{path}")
}
