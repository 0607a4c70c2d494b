//! A tree drawn with box characters.

use crate::paint::{FAINT, paint};

/// A tree as its lines, each with its depth: a line's children follow it, one
/// deeper. Flat, so that a deep one needs no stack.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    lines: Vec<(usize, String)>,
}

impl Tree {
    /// Adds a line. It may be at most one deeper than the one before it.
    pub(crate) fn add(&mut self, depth: usize, text: impl Into<String>) {
        let deepest = self.lines.last().map_or(0, |(last, _)| last + 1);
        self.lines.push((depth.min(deepest), text.into()));
    }

    /// The drawing, each line ended by a line end.
    pub(crate) fn draw(&self) -> String {
        // From below: `open` says at which depths a line has siblings to come.
        let mut open: Vec<bool> = Vec::new();
        let mut drawn: Vec<String> = Vec::with_capacity(self.lines.len());
        for (depth, text) in self.lines.iter().rev() {
            let is_open = |at: usize| open.get(at).copied().unwrap_or(false);
            let mut branch = String::new();
            for above in 1..*depth {
                branch.push_str(if is_open(above) { "│  " } else { "   " });
            }
            if *depth > 0 {
                branch.push_str(if is_open(*depth) {
                    "├─ "
                } else {
                    "└─ "
                });
            }
            drawn.push(format!("{}{text}\n", paint(FAINT, branch)));
            open.resize(*depth, false);
            open.push(true);
        }
        drawn.reverse();
        drawn.concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn branches_join_their_siblings_only() {
        let mut tree = Tree::default();
        for (depth, text) in [(0, "a"), (1, "b"), (2, "c"), (3, "d"), (1, "e"), (2, "f")] {
            tree.add(depth, text);
        }
        let plain = anstream::adapter::strip_str(&tree.draw()).to_string();
        assert_eq!(plain, "a\n├─ b\n│  └─ c\n│     └─ d\n└─ e\n   └─ f\n");
    }

    #[test]
    fn a_deep_tree_needs_no_stack() {
        let mut tree = Tree::default();
        for depth in 0..3_000 {
            tree.add(depth, "x");
        }
        assert_eq!(tree.draw().lines().count(), 3_000);
    }
}
