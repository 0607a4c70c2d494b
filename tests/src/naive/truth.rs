//! What a question comes to, and the three tables.

/// What a sub-question comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truth {
    /// The user is in.
    Yes,
    /// The user is not in, and nothing was passed over to say so.
    No,
    /// It rests on a cycle that leads through an intersection or an exclusion.
    /// Denies, and denies what it is subtracted from.
    Cycle,
    /// OpenFGA says that the user is not in, and passes over an error. Where it
    /// is subtracted it is that error.
    Passed,
    /// It cannot be said.
    Failed,
}

impl Truth {
    /// Whether it counts as "not in" where it is not subtracted.
    fn denies(self) -> bool {
        matches!(self, Truth::No | Truth::Cycle | Truth::Passed)
    }

    /// Whether an error is in it.
    fn errs(self) -> bool {
        matches!(self, Truth::Passed | Truth::Failed)
    }
}

/// Any of them.
pub(super) fn union(truths: &[Truth]) -> Truth {
    let order = [Truth::Yes, Truth::Failed, Truth::Passed, Truth::Cycle];
    let found = order.into_iter().find(|truth| truths.contains(truth));
    found.unwrap_or(Truth::No)
}

/// All of them.
pub(super) fn intersection(truths: &[Truth]) -> Truth {
    if truths.iter().all(|truth| *truth == Truth::Yes) {
        return Truth::Yes;
    }
    if !truths.iter().any(|truth| truth.denies()) {
        return Truth::Failed;
    }
    if truths.iter().any(|truth| truth.errs()) {
        return Truth::Passed;
    }
    match truths.contains(&Truth::No) {
        true => Truth::No,
        false => Truth::Cycle,
    }
}

/// The first without the second.
pub(super) fn exclusion(base: Truth, subtract: Truth) -> Truth {
    match (base, subtract) {
        (Truth::Passed, _) => Truth::Passed,
        (Truth::Failed, Truth::Yes) => Truth::Passed,
        (Truth::Failed, _) => Truth::Failed,
        (Truth::Yes, Truth::Yes) => Truth::No,
        (Truth::Yes, Truth::No) => Truth::Yes,
        (Truth::Yes, Truth::Cycle) => Truth::Cycle,
        (Truth::Yes, Truth::Passed | Truth::Failed) => Truth::Failed,
        (Truth::No | Truth::Cycle, Truth::Passed | Truth::Failed) => Truth::Passed,
        (Truth::No, _) | (Truth::Cycle, Truth::Yes) => Truth::No,
        (Truth::Cycle, Truth::No | Truth::Cycle) => Truth::Cycle,
    }
}
