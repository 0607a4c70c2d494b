//! Interned names: every `type:id` of a policy, as a dense number.
//!
//! Names are numbered in their byte order, so that the same names get the same
//! numbers whatever order a snapshot lists them in, the objects of one type
//! stand side by side, and a list of numbers is a sorted list of names.

use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::Corrupt;

/// The number of an interned name.
pub(crate) type NameId = u32;

/// No name has this number.
pub(crate) const NONE: u32 = u32::MAX;

/// How far a lookup may walk before the table counts as badly seeded. At the
/// load factor of one half, a good seed stays far below it.
const MAX_PROBE: usize = 48;

/// Collects names while a snapshot is read.
#[derive(Default)]
pub(crate) struct Collector<'a> {
    table: HashTable<u32>,
    names: Vec<&'a str>,
}

impl<'a> Collector<'a> {
    pub(crate) fn with_capacity(n: usize) -> Self {
        Self {
            table: HashTable::with_capacity(n),
            names: Vec::with_capacity(n),
        }
    }

    /// The provisional number of a name, in order of first appearance.
    pub(crate) fn add(&mut self, name: &'a str) -> u32 {
        let names = &self.names;
        let at = |i: &u32| names.get(*i as usize).copied().unwrap_or_default();
        let hash = xxh3_64_with_seed(name.as_bytes(), 0);
        if let Some(found) = self.table.find(hash, |i| at(i) == name) {
            return *found;
        }
        let id = names.len() as u32;
        self.table
            .insert_unique(hash, id, |i| xxh3_64_with_seed(at(i).as_bytes(), 0));
        self.names.push(name);
        id
    }

    /// The finished names, and the final number of each provisional one.
    pub(crate) fn finish(self) -> (Names, Vec<NameId>) {
        let names = self.names;
        let mut order = sort_order(&names);
        let mut renumber = vec![NONE; names.len()];
        let mut text = String::with_capacity(names.iter().map(|n| n.len()).sum());
        let mut ends = Vec::with_capacity(names.len());
        for (new, old) in order.drain(..).enumerate() {
            if let Some(slot) = renumber.get_mut(old as usize) {
                *slot = new as u32;
            }
            text.push_str(names.get(old as usize).copied().unwrap_or_default());
            ends.push(text.len() as u32);
        }
        (Names::index(text.into(), ends.into()), renumber)
    }
}

/// The order of names by their bytes. Keys of sixteen bytes decide nearly all
/// comparisons without touching the text.
fn sort_order(names: &[&str]) -> Vec<u32> {
    let mut groups: std::collections::BTreeMap<&str, Vec<u32>> = Default::default();
    for (i, name) in names.iter().enumerate() {
        let group = name
            .split_once(':')
            .map_or(*name, |(t, _)| name.get(..=t.len()).unwrap_or(t));
        groups.entry(group).or_default().push(i as u32);
    }
    // `a` sorts before `a:`, and `a:` before `a:x`: group keys sort as the
    // names below them do, because no group key is a proper prefix of a name in
    // another group except at the colon, which ends the key.
    let mut out = Vec::with_capacity(names.len());
    for members in groups.into_values() {
        let text = |i: u32| {
            names
                .get(i as usize)
                .copied()
                .unwrap_or_default()
                .as_bytes()
        };
        let shared = common_prefix(&members, text);
        let mut keyed: Vec<(u128, u32)> = members
            .iter()
            .map(|i| {
                let mut key = [0u8; 16];
                for (k, b) in key.iter_mut().zip(text(*i).iter().skip(shared)) {
                    *k = *b;
                }
                (u128::from_be_bytes(key), *i)
            })
            .collect();
        keyed.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| text(a.1).cmp(text(b.1))));
        out.extend(keyed.into_iter().map(|(_, i)| i));
    }
    out
}

fn common_prefix<'a>(members: &[u32], text: impl Fn(u32) -> &'a [u8]) -> usize {
    let Some(first) = members.first() else {
        return 0;
    };
    let first = text(*first);
    members.iter().fold(first.len(), |shared, i| {
        first
            .iter()
            .zip(text(*i))
            .take(shared)
            .take_while(|(a, b)| a == b)
            .count()
    })
}

/// The names of a policy: one text, and a flat open-addressing table over it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Names {
    text: Box<str>,
    /// Where each name ends; it starts where the one before it ends.
    ends: Box<[u32]>,
    /// `[high half of the hash, number]`, a power of two of them.
    slots: Box<[[u32; 2]]>,
    seed: u64,
}

impl Names {
    fn index(text: Box<str>, ends: Box<[u32]>) -> Self {
        let mut names = Self {
            text,
            ends,
            slots: Box::default(),
            seed: 0,
        };
        // A snapshot can be made so that its names collide under one seed; it
        // cannot be made so for all of these. The last one is taken as it is.
        for seed in 0..8 {
            names.seed = seed;
            if names.fill() <= MAX_PROBE {
                break;
            }
        }
        names
    }

    /// Fills the table for the current seed and tells the longest walk.
    fn fill(&mut self) -> usize {
        let size = (self.len() * 2).next_power_of_two().max(2);
        let mut slots = vec![[0, NONE]; size].into_boxed_slice();
        let mut longest = 0;
        for id in 0..self.len() as u32 {
            let hash = xxh3_64_with_seed(self.get(id).as_bytes(), self.seed);
            let mut at = hash as usize & (size - 1);
            let mut walked = 0;
            while let Some(slot) = slots.get_mut(at) {
                if slot[1] == NONE {
                    *slot = [(hash >> 32) as u32, id];
                    break;
                }
                at = (at + 1) & (size - 1);
                walked += 1;
            }
            longest = longest.max(walked);
        }
        self.slots = slots;
        longest
    }

    /// How many names there are.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The name with this number; empty when there is none.
    pub(crate) fn get(&self, id: NameId) -> &str {
        let at = id as usize;
        let end = self.ends.get(at).copied().unwrap_or(0);
        let start = if at == 0 {
            0
        } else {
            self.ends.get(at - 1).copied().unwrap_or(0)
        };
        self.text
            .get(start as usize..end as usize)
            .unwrap_or_default()
    }

    /// The number of a name.
    #[inline]
    pub(crate) fn find(&self, name: &str) -> Option<NameId> {
        let hash = xxh3_64_with_seed(name.as_bytes(), self.seed);
        let mask = self.slots.len().wrapping_sub(1);
        let mut at = hash as usize & mask;
        // The table is never full, so an empty slot ends every walk; the bound
        // holds even if it were.
        for _ in 0..self.slots.len() {
            let &[tag, id] = self.slots.get(at)?;
            if id == NONE {
                return None;
            }
            if tag == (hash >> 32) as u32 && self.get(id) == name {
                return Some(id);
            }
            at = (at + 1) & mask;
        }
        None
    }

    /// The numbers of the names that begin with `prefix`.
    pub(crate) fn with_prefix(&self, prefix: &str) -> std::ops::Range<u32> {
        let first = self.partition(|name| name.as_bytes() < prefix.as_bytes());
        let last = self.partition(|name| {
            name.as_bytes() < prefix.as_bytes() || name.as_bytes().starts_with(prefix.as_bytes())
        });
        first..last
    }

    fn partition(&self, before: impl Fn(&str) -> bool) -> u32 {
        let (mut low, mut high) = (0, self.len() as u32);
        while low < high {
            let middle = low + (high - low) / 2;
            if before(self.get(middle)) {
                low = middle + 1
            } else {
                high = middle
            }
        }
        low
    }

    /// The parts that a compiled policy is written from.
    pub(crate) fn parts(&self) -> (&str, &[u32], &[[u32; 2]], u64) {
        (&self.text, &self.ends, &self.slots, self.seed)
    }

    /// Names from the parts of a compiled policy.
    pub(crate) fn from_parts(
        text: Box<str>,
        ends: Box<[u32]>,
        slots: Box<[[u32; 2]]>,
        seed: u64,
    ) -> Result<Self, Corrupt> {
        let n = ends.len() as u32;
        let ascending = ends.windows(2).all(|w| matches!(w, [a, b] if a <= b));
        let whole = ends.last().copied().unwrap_or(0) as usize == text.len();
        let bounded = slots.iter().all(|[_, id]| *id < n || *id == NONE);
        if !ascending || !whole || !bounded || !slots.len().is_power_of_two() {
            return Err(Corrupt("names"));
        }
        Ok(Self {
            text,
            ends,
            slots,
            seed,
        })
    }

    /// Bytes held.
    pub(crate) fn table_bytes(&self) -> usize {
        self.ends.len() * 4 + self.slots.len() * 8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_byte_order_whatever_the_input_order() {
        let mut sorted = vec![
            "a-b:1", "a:1", "a:10", "a:2", "a:*", "b:x", "a", "ab:1", "a:1#m",
        ];
        let mut collector = Collector::default();
        for name in &sorted {
            collector.add(name);
        }
        let (names, renumber) = collector.finish();
        let provisional = sorted.clone();
        sorted.sort_unstable_by_key(|n| n.as_bytes().to_vec());
        for (i, name) in sorted.iter().enumerate() {
            assert_eq!(names.get(i as u32), *name);
            assert_eq!(names.find(name), Some(i as u32));
        }
        for (old, name) in provisional.iter().enumerate() {
            assert_eq!(names.get(renumber[old]), *name);
        }
        assert_eq!(names.find("a:3"), None);
        let under: Vec<_> = names.with_prefix("a:").map(|i| names.get(i)).collect();
        assert_eq!(under, ["a:*", "a:1", "a:1#m", "a:10", "a:2"]);
    }

    #[test]
    fn long_shared_prefixes_still_sort() {
        let owned: Vec<String> = (0..300)
            .map(|i| format!("document:a-rather-long-shared-prefix-{i:04}-tail{}", i % 7))
            .collect();
        let mut collector = Collector::default();
        for name in owned.iter().rev() {
            collector.add(name);
        }
        let (names, _) = collector.finish();
        let got: Vec<_> = (0..300).map(|i| names.get(i).to_owned()).collect();
        assert_eq!(got, owned);
    }
}
