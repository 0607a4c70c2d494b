//! Sorting in little code. The standard library's sorts are made anew for each
//! type and each order, some kilobytes each time; what is sorted once while a
//! policy is compiled, or for an answer, is sorted here by one of them all. The
//! tables of a policy are not: they are large, and have sorts of their own.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

/// Sorts by an order; what is equal stays in its order.
pub(crate) fn sort_by<T>(items: &mut [T], order: impl Fn(&T, &T) -> Ordering) {
    let mut places = {
        let shared = &*items;
        permutation(
            items.len(),
            &|a, b| match (shared.get(a as usize), shared.get(b as usize)) {
                (Some(a), Some(b)) => order(a, b),
                _ => Ordering::Equal,
            },
        )
    };
    for start in 0..places.len() {
        // Follows the places around, from one to the one that belongs there.
        let mut at = start;
        while let Some(place) = places.get_mut(at) {
            let from = std::mem::replace(place, at as u32) as usize;
            if from == start || from == at {
                break;
            }
            items.swap(at, from);
            at = from;
        }
    }
}

/// Sorts by the items' own order; what is equal stays in its order.
pub(crate) fn sort<T: Ord>(items: &mut [T]) {
    sort_by(items, T::cmp);
}

/// For each place, which of so many items belongs there.
fn permutation(count: usize, order: &dyn Fn(u32, u32) -> Ordering) -> Vec<u32> {
    let mut places: Vec<u32> = (0..count as u32).collect();
    places.sort_by(|a, b| order(*a, *b));
    places
}

/// A map of these, made one by one; `collect` would sort them first.
pub(crate) fn map<K: Ord, V>(entries: impl IntoIterator<Item = (K, V)>) -> BTreeMap<K, V> {
    let mut map = BTreeMap::new();
    map.extend(entries);
    map
}

/// A set of these, made one by one; `collect` would sort them first.
pub(crate) fn set<T: Ord>(items: impl IntoIterator<Item = T>) -> BTreeSet<T> {
    let mut set = BTreeSet::new();
    set.extend(items);
    set
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_sorts_as_the_standard_library_does() {
        let mut state = 1u32;
        let mut random = |below: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) % below
        };
        for round in 0..500 {
            let (count, values) = (random(60), 1 + random(40));
            // The second number shows whether equals have kept their order.
            let items: Vec<(u32, u32)> = (0..count).map(|n| (random(values), n)).collect();
            let (mut ours, mut theirs) = (items.clone(), items);
            sort_by(&mut ours, |a, b| a.0.cmp(&b.0));
            theirs.sort_by_key(|item| item.0);
            assert_eq!(ours, theirs, "round {round}");
        }
        let mut words = ["b", "a", "", "b"];
        sort(&mut words);
        assert_eq!(words, ["", "a", "b", "b"]);
    }

    #[test]
    fn the_last_of_equal_keys_counts() {
        let entries = [("a", 1), ("b", 2), ("a", 3)];
        assert_eq!(map(entries), entries.into_iter().collect());
        assert_eq!(set(["b", "a", "b"]), ["a", "b"].into_iter().collect());
    }
}
