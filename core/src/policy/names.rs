//! Interned names: every `type:id` of a policy, as a dense number.
//!
//! Names are numbered in their byte order, so that the same names get the same
//! numbers whatever order a snapshot lists them in, the objects of one type
//! stand side by side, and a list of numbers is a sorted list of names.

use std::hint::black_box;

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

    /// Has what [`Collector::add`] will look at brought near, for many names at
    /// once, so that the waits for memory overlap.
    pub(crate) fn fetch<'n>(&self, names: impl Iterator<Item = &'n str>) {
        let mut likely = [None; 32];
        for (likely, name) in likely.iter_mut().zip(names) {
            let hash = xxh3_64_with_seed(name.as_bytes(), 0);
            *likely = self.table.find(hash, |_| true).copied();
        }
        let texts = likely.map(|id| self.names.get(id? as usize).copied());
        black_box(texts.map(|text| text?.as_bytes().first().copied()));
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
    /// `[start in the text, number and tag]`, a power of two of them. The low
    /// bits of the second, as many as numbers need, are the number; the others
    /// are the highest of the hash, so that a slot of another name is passed
    /// by without a look at the text. A slot with [`NONE`] is empty.
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
                    *slot = [self.start(id), self.tag(hash) | id];
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

    /// The bits of a slot that are the number. All of them set is no number.
    #[inline]
    fn number_bits(&self) -> u32 {
        u32::MAX
            .checked_shr((self.len() as u32).leading_zeros())
            .unwrap_or(0)
    }

    /// The bits of a slot that are not the number, for this hash.
    #[inline]
    fn tag(&self, hash: u64) -> u32 {
        (hash >> 32) as u32 & !self.number_bits()
    }

    fn start(&self, id: NameId) -> u32 {
        match (id as usize).checked_sub(1) {
            None => 0,
            Some(before) => self.ends.get(before).copied().unwrap_or(0),
        }
    }

    /// How many names there are.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The name with this number; empty when there is none.
    pub(crate) fn get(&self, id: NameId) -> &str {
        let end = self.ends.get(id as usize).copied().unwrap_or(0);
        self.text
            .get(self.start(id) as usize..end as usize)
            .unwrap_or_default()
    }

    /// The number of a name.
    #[inline]
    pub(crate) fn find(&self, name: &str) -> Option<NameId> {
        self.find_hashed(name, self.hash(name))
    }

    /// The numbers of many names. Each step is taken for all of them before the
    /// next, so that their waits for memory overlap.
    #[inline]
    pub(crate) fn find_each<'n, const N: usize>(
        &self,
        names: impl Iterator<Item = &'n str> + Clone,
    ) -> [Option<NameId>; N] {
        let mut hashes = [0; N];
        for (hash, name) in hashes.iter_mut().zip(names.clone()) {
            *hash = self.hash(name);
        }
        let mask = self.slots.len().wrapping_sub(1);
        let fetched = hashes.map(|hash| self.slots.get(hash as usize & mask).map(|slot| slot[0]));
        black_box(fetched);
        let mut found = [None; N];
        for ((found, name), hash) in found.iter_mut().zip(names).zip(hashes) {
            *found = self.find_hashed(name, hash);
        }
        found
    }

    #[inline]
    fn hash(&self, name: &str) -> u64 {
        xxh3_64_with_seed(name.as_bytes(), self.seed)
    }

    #[inline]
    fn find_hashed(&self, name: &str, hash: u64) -> Option<NameId> {
        let mask = self.slots.len().wrapping_sub(1);
        let (tag, number_bits) = (self.tag(hash), self.number_bits());
        let mut at = hash as usize & mask;
        // The table is never full, so an empty slot ends every walk; the bound
        // holds even if it were.
        for _ in 0..self.slots.len() {
            let &[start, tagged] = self.slots.get(at)?;
            if tagged == NONE {
                return None;
            }
            let id = tagged & number_bits;
            if tagged & !number_bits == tag && self.is(name, id, start) {
                return Some(id);
            }
            at = (at + 1) & mask;
        }
        None
    }

    /// Whether the name with this number, which starts here, is this one. That
    /// the slot knows the start lets both halves be fetched at once.
    #[inline]
    fn is(&self, name: &str, id: NameId, start: u32) -> bool {
        let end = start as usize + name.len();
        self.text.as_bytes().get(start as usize..end) == Some(name.as_bytes())
            && self.ends.get(id as usize) == Some(&(end as u32))
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
        let whole = ends.last().copied().unwrap_or(0) as usize == text.len();
        let ascending = ends.windows(2).all(|w| matches!(w, [a, b] if a < b));
        let names = Self {
            text,
            ends,
            slots,
            seed,
        };
        let number_bits = names.number_bits();
        let bounded = names
            .slots
            .iter()
            .all(|[_, tagged]| *tagged == NONE || tagged & number_bits < n);
        if whole && ascending && bounded && names.slots.len().is_power_of_two() {
            Ok(names)
        } else {
            Err(Corrupt("names"))
        }
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
