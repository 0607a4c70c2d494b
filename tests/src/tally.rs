//! What a comparison over many stores came to.

use crate::differential::{Verdict, judge_with};
use crate::fga::{Fga, TOO_LONG};
use crate::generate::Case;
use crate::store::{Answer, Ask, Round, Store};
use std::collections::BTreeMap;
use std::fmt;

/// What a run over many cases came to.
#[derive(Debug, Default)]
pub struct Tally {
    /// Stores compared.
    pub stores: u64,
    /// Questions answered alike.
    pub same: u64,
    /// Questions left out for want of patience.
    pub skipped: u64,
    /// Questions answered otherwise for a known reason, by the reason.
    pub explained: BTreeMap<&'static str, u64>,
    /// Seeds of stores that took OpenFGA too long.
    pub unanswered: Vec<u64>,
    /// Seeds of models that OpenFGA refused because it found no way into some
    /// relation. Its search shares what it has visited between the branches of
    /// a rewrite, and so misses ways; ours and the generator's do not.
    pub no_way_in: Vec<u64>,
    /// Seeds of stores that OpenFGA refused for another reason: which. There
    /// should be none.
    pub refused: Vec<(u64, String)>,
    /// What disagreed.
    pub different: Vec<Difference>,
}

/// A question that two evaluators answered differently.
#[derive(Debug, Clone)]
pub struct Difference {
    /// The store's seed.
    pub seed: u64,
    /// The round.
    pub round: usize,
    /// The question.
    pub ask: Ask,
    /// OpenFGA's answer.
    pub theirs: Answer,
    /// Ours.
    pub ours: Answer,
}

/// Who answers for us.
pub type Ours<'a> = &'a dyn Fn(&Store, &Round, &Ask) -> Option<Answer>;

impl Tally {
    /// Asks OpenFGA and us all questions of a case.
    pub fn compare(&mut self, fga: &Fga, case: &Case, ours: Ours<'_>) {
        let theirs = match fga.answer(&case.store, &case.rounds) {
            Ok(theirs) => theirs,
            Err(refusal) if refusal == TOO_LONG => return self.unanswered.push(case.seed),
            Err(refusal) if no_way_in(&refusal) => return self.no_way_in.push(case.seed),
            Err(refusal) => return self.refused.push((case.seed, refusal)),
        };
        self.stores += 1;
        for (index, (round, answers)) in case.rounds.iter().zip(theirs).enumerate() {
            for (ask, theirs) in round.asks.iter().zip(answers) {
                let Some(ours) = ours(&case.store, round, ask) else {
                    self.skipped += 1;
                    continue;
                };
                match judge_with(fga, &case.store, round, ask, &theirs, &ours) {
                    Verdict::Same => self.same += 1,
                    Verdict::Skipped => self.skipped += 1,
                    Verdict::Explained(reason) => *self.explained.entry(reason).or_default() += 1,
                    Verdict::Different => {
                        let ask = ask.clone();
                        let seed = case.seed;
                        self.different.push(Difference {
                            seed,
                            round: index,
                            ask,
                            theirs,
                            ours,
                        });
                    }
                }
            }
        }
    }

    /// Takes in another run.
    pub fn add(&mut self, other: Tally) {
        self.stores += other.stores;
        self.same += other.same;
        self.skipped += other.skipped;
        for (reason, count) in other.explained {
            *self.explained.entry(reason).or_default() += count;
        }
        self.unanswered.extend(other.unanswered);
        self.no_way_in.extend(other.no_way_in);
        self.refused.extend(other.refused);
        self.different.extend(other.different);
    }

    /// Whether nothing is left to look into.
    pub fn is_clean(&self) -> bool {
        self.different.is_empty() && self.refused.is_empty()
    }

    /// How many questions were compared.
    pub fn asked(&self) -> u64 {
        self.same + self.explained.values().sum::<u64>() + self.different.len() as u64
    }
}

fn no_way_in(refusal: &str) -> bool {
    refusal.contains("Code(2056)")
        && (refusal.contains("no entrypoints defined") || refusal.contains("potential loop"))
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} stores, {} questions: {} answered alike",
            self.stores,
            self.asked(),
            self.same
        )?;
        for (reason, count) in &self.explained {
            writeln!(f, "{count:>8} otherwise: {reason}")?;
        }
        if self.skipped > 0 {
            writeln!(
                f,
                "{:>8} skipped: the naive evaluator lost patience",
                self.skipped
            )?;
        }
        if !self.unanswered.is_empty() {
            writeln!(
                f,
                "{:>8} stores took OpenFGA too long: {:?}",
                self.unanswered.len(),
                self.unanswered
            )?;
        }
        if !self.no_way_in.is_empty() {
            let (count, seeds) = (self.no_way_in.len(), &self.no_way_in);
            writeln!(
                f,
                "{count:>8} models in which OpenFGA misses a way in: {seeds:?}"
            )?;
        }
        for (seed, refusal) in &self.refused {
            writeln!(f, "         store {seed} is refused: {refusal}")?;
        }
        write!(f, "{:>8} differ", self.different.len())
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Difference {
            seed,
            round,
            ask,
            theirs,
            ours,
        } = self;
        write!(
            f,
            "store {seed}, round {round}, {ask:?}: OpenFGA {theirs}, ours {ours}"
        )
    }
}
