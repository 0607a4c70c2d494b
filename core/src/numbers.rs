//! A deterministic generator for property tests (SplitMix64): the same cases
//! on every run and platform.

pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from 0 to `n - 1`.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    pub(crate) fn pick<'t, T>(&mut self, from: &'t [T]) -> &'t T {
        &from[self.below(from.len())]
    }

    /// Up to `longest` of `parts`, one after the other.
    pub(crate) fn text(&mut self, parts: &[&str], longest: usize) -> String {
        (0..self.below(longest + 1))
            .map(|_| *self.pick(parts))
            .collect()
    }

    /// A JSON value no deeper than `depth`, made of `words` and small numbers.
    pub(crate) fn json(&mut self, words: &[&str], depth: usize) -> serde_json::Value {
        use serde_json::Value;
        match self.below(if depth == 0 { 4 } else { 7 }) {
            0 => Value::Null,
            1 => Value::Bool(self.below(2) == 0),
            2 => Value::from(self.below(3)),
            3 => Value::from(*self.pick(words)),
            4 => (0..self.below(3))
                .map(|_| self.json(words, depth - 1))
                .collect(),
            _ => Value::Object(
                (0..self.below(5))
                    .map(|_| ((*self.pick(words)).to_owned(), self.json(words, depth - 1)))
                    .collect(),
            ),
        }
    }
}
