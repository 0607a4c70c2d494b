//! Many ids at once: each distinct one is decided once, where they repeat, and
//! what came of it is said of each place.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use crate::error::Error;
use crate::options::write;

/// So many ids, evenly spread, are looked at to see whether ids repeat: to find
/// all that do takes about as long as to decide ids that are cheap to decide.
const SAMPLE: usize = 1_024;

/// Which of many objects are allowed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filtered {
    /// For each object, in the order given: 1 where it is allowed, else 0.
    pub mask: Vec<u8>,
    /// How many objects are allowed.
    pub allowed: usize,
    /// How many were dropped, by the code of the first reason that dropped them.
    pub dropped: BTreeMap<&'static str, usize>,
}

/// What is known of a filtered list beside its mask.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct FilterSummary<'r> {
    /// How many objects are allowed.
    pub(crate) allowed: usize,
    /// How many were dropped, by the code of the first reason that dropped them.
    pub(crate) dropped: &'r BTreeMap<&'static str, usize>,
}

/// Why an id is dropped; `None` where it is allowed.
pub(crate) type Verdict = Option<&'static str>;

impl Filtered {
    fn of(verdicts: &[Verdict]) -> Self {
        let mut dropped = BTreeMap::new();
        for code in verdicts.iter().flatten() {
            *dropped.entry(*code).or_default() += 1;
        }
        let mask: Vec<u8> = verdicts.iter().map(|v| u8::from(v.is_none())).collect();
        let allowed = verdicts.iter().filter(|verdict| verdict.is_none()).count();
        Self {
            mask,
            allowed,
            dropped,
        }
    }

    /// What is known beside the mask, as JSON:
    /// `{"allowed": <how many>, "dropped": {<reason>: <how many>, …}}`.
    #[must_use]
    pub fn summary(&self) -> String {
        write(&FilterSummary {
            allowed: self.allowed,
            dropped: &self.dropped,
        })
    }
}

/// Ids, in the order in which their answers are wanted.
#[derive(Debug)]
pub struct Ids<'a> {
    values: Vec<&'a str>,
    /// For each place the value that stands there; without, the values
    /// themselves.
    places: Option<Vec<u32>>,
}

impl<'a, T: AsRef<[&'a str]> + ?Sized> From<&T> for Ids<'a> {
    fn from(ids: &T) -> Self {
        let ids = ids.as_ref();
        if !repeat(ids) {
            return Self {
                values: ids.to_vec(),
                places: None,
            };
        }
        let mut known: HashMap<&str, u32> = HashMap::new();
        let mut values = Vec::new();
        let mut places = Vec::with_capacity(ids.len());
        for id in ids {
            let place = *known.entry(id).or_insert_with(|| {
                values.push(*id);
                last(&values)
            });
            places.push(place);
        }
        Self {
            values,
            places: Some(places),
        }
    }
}

/// The place of the last of these. There are never more than fit: their texts
/// would take 64 GiB.
fn last(values: &[&str]) -> u32 {
    u32::try_from(values.len() - 1).unwrap_or(u32::MAX)
}

/// Whether an eighth of a sample was there before.
fn repeat(ids: &[&str]) -> bool {
    if ids.len() < SAMPLE {
        return false;
    }
    let sample = ids.iter().step_by(ids.len() / SAMPLE).take(SAMPLE);
    let distinct: std::collections::HashSet<_> = sample.collect();
    distinct.len() < SAMPLE / 8 * 7
}

impl<'a> Ids<'a> {
    /// For each place one of the values. A place that names none is no id.
    #[must_use]
    pub fn indexed(values: Vec<&'a str>, places: Vec<u32>) -> Self {
        Self {
            values,
            places: Some(places),
        }
    }

    /// Decides each value that stands somewhere, and says it of each place.
    pub(crate) fn decided(
        &self,
        decide: impl FnOnce(&[&str]) -> Result<Vec<Verdict>, Error>,
    ) -> Result<Filtered, Error> {
        let Some(places) = &self.places else {
            return Ok(Filtered::of(&decide(&self.values)?));
        };
        // One more, for places that name no value.
        let none = self.values.len();
        let mut counts = vec![0_usize; none + 1];
        for place in places {
            let place = (*place as usize).min(none);
            if let Some(count) = counts.get_mut(place) {
                *count += 1;
            }
        }
        let values = self.values.iter().copied().chain([""]);
        let used = values.zip(&counts).filter(|(_, count)| **count > 0);
        let used: Vec<&str> = used.map(|(value, _)| value).collect();
        let mut verdicts = decide(&used)?.into_iter();
        let mut filtered = Filtered::default();
        let mut allowed = vec![0_u8; none + 1];
        for (slot, count) in allowed.iter_mut().zip(&counts) {
            if *count == 0 {
                continue;
            }
            match verdicts.next().unwrap_or(Some("internal")) {
                None => {
                    *slot = 1;
                    filtered.allowed += count;
                }
                Some(code) => *filtered.dropped.entry(code).or_default() += count,
            }
        }
        let truth = |place: &u32| allowed.get(*place as usize).copied().unwrap_or_default();
        filtered.mask = places.iter().map(truth).collect();
        Ok(filtered)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Allows what ends in an even digit, and counts what it is asked.
    fn decide(ids: &Ids<'_>) -> (Filtered, usize) {
        let mut asked = 0;
        let filtered = ids.decided(|ids| {
            asked = ids.len();
            let even = |id: &&str| id.as_bytes().last().is_some_and(|last| last % 2 == 0);
            Ok(ids.iter().map(|id| (!even(id)).then_some("odd")).collect())
        });
        (filtered.unwrap(), asked)
    }

    #[test]
    fn what_repeats_is_decided_once_and_counted_each_time() {
        let names: Vec<String> = (0..10).map(|n| format!("document:{n}")).collect();
        let ids: Vec<&str> = (0..5_000).map(|n| names[n % 10].as_str()).collect();
        let (found, asked) = decide(&Ids::from(&ids));
        assert_eq!((asked, found.allowed), (10, 2_500));
        assert_eq!(found.dropped, BTreeMap::from([("odd", 2_500)]));
        let alone = Ids {
            values: ids.clone(),
            places: None,
        };
        assert_eq!(decide(&alone), (found, 5_000));
    }

    #[test]
    fn what_does_not_repeat_is_not_searched_for() {
        let names: Vec<String> = (0..5_000).map(|n| format!("document:{n}")).collect();
        let ids: Vec<&str> = names.iter().map(String::as_str).collect();
        assert!(Ids::from(&ids).places.is_none());
        assert_eq!(decide(&Ids::from(&ids)).1, 5_000);
    }

    #[test]
    fn of_a_dictionary_only_what_is_used_is_decided() {
        let ids = Ids::indexed(vec!["a:0", "a:1", "a:2"], vec![2, 2, 7, 1]);
        let (found, asked) = decide(&ids);
        assert_eq!((found.mask, asked), (vec![1, 1, 0, 0], 3));
        assert_eq!(found.dropped, BTreeMap::from([("odd", 2)]));
    }
}
