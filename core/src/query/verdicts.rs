//! What guards came to, kept for a request, whose context is the same for all.

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use crate::policy::Verdict;

use super::error::QueryError;
use super::search::mix;

/// The verdicts of a request, by the guard's number: never more than the policy
/// and the request have guards.
#[derive(Debug, Clone, Default)]
pub(super) struct Verdicts {
    known: HashTable<(u32, Known)>,
}

/// A verdict, small where there is no error.
type Known = Result<bool, Box<QueryError>>;

impl Verdicts {
    pub(super) fn get(&self, number: u32) -> Option<Verdict> {
        let (_, known) = self.known.find(hash(number), |(n, _)| *n == number)?;
        Some(match known {
            Ok(true) => Verdict::Pass,
            Ok(false) => Verdict::Fail,
            Err(error) => Verdict::Error((**error).clone()),
        })
    }

    pub(super) fn keep(&mut self, number: u32, verdict: &Verdict) {
        let known = match verdict {
            Verdict::Pass => Ok(true),
            Verdict::Fail => Ok(false),
            Verdict::Error(error) => Err(Box::new(error.clone())),
        };
        let place = self
            .known
            .entry(hash(number), |(n, _)| *n == number, |(n, _)| hash(*n));
        if let Entry::Vacant(place) = place {
            place.insert((number, known));
        }
    }
}

fn hash(number: u32) -> u64 {
    mix(u64::from(number)).rotate_left(17)
}
