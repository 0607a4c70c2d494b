//! The allowance of a call: how many steps each of its questions may take, and
//! all of them together.
//!
//! A call is what a host makes of the policy: a check, a batch, a filter, a
//! list. Without a bound on the whole, ten thousand ids could each cost what
//! one question may.

use std::cell::Cell;

/// The steps of each question that its call is not charged for: what an honest
/// question takes. So a call's bound holds for five objects and for five
/// million, and a call that is used up still answers what is quickly told.
const FREE: u64 = 100;

/// What is left of a call, and of its question.
#[derive(Debug, Clone, Default)]
pub(super) struct Allowance<'p> {
    /// What several views take from together; without it, each call of this one
    /// has its own.
    shared: Option<&'p Cell<u64>>,
    own: Cell<u64>,
    /// How many calls are within each other: only the outermost begins anew.
    nested: Cell<u32>,
    granted: Cell<u64>,
    left: Cell<u64>,
}

impl<'p> Allowance<'p> {
    /// The allowance of views that share a call, of which so many steps are left.
    #[cfg(feature = "tokens")]
    pub(super) fn of(shared: &'p Cell<u64>) -> Self {
        Self {
            shared: Some(shared),
            ..Self::default()
        }
    }

    fn call(&self) -> &Cell<u64> {
        self.shared.unwrap_or(&self.own)
    }

    /// Begins a call of so many steps, unless it is a part of another one.
    pub(super) fn begin_call(&self, steps: u64) -> Call<'_, 'p> {
        if self.nested.get() == 0 && self.shared.is_none() {
            self.own.set(steps);
        }
        self.nested.set(self.nested.get() + 1);
        Call { allowance: self }
    }

    /// Begins a question of so many steps, if its call has them.
    pub(super) fn begin_question(&self, steps: u64) {
        self.settle();
        let granted = steps.min(self.call().get().saturating_add(FREE));
        self.granted.set(granted);
        self.left.set(granted);
    }

    /// Takes steps from the question; false where it has not so many.
    #[inline]
    pub(super) fn step(&self, steps: u64) -> bool {
        match self.left.get().checked_sub(steps) {
            Some(left) => {
                self.left.set(left);
                true
            }
            None => {
                self.left.set(0);
                false
            }
        }
    }

    /// Whether the question has no step left.
    pub(super) fn is_spent(&self) -> bool {
        self.left.get() == 0
    }

    /// The steps that the question was given.
    pub(super) fn granted(&self) -> u64 {
        self.granted.get()
    }

    /// The steps that the question has taken.
    #[inline]
    pub(super) fn spent(&self) -> u64 {
        self.granted.get() - self.left.get()
    }

    /// Charges the call for its question.
    fn settle(&self) {
        let charged = self.spent().saturating_sub(FREE);
        let left = self.call().get().saturating_sub(charged);
        self.call().set(left);
        self.granted.set(0);
        self.left.set(0);
    }
}

/// A call under way; it ends with this.
#[must_use = "the call ends at once"]
pub(crate) struct Call<'a, 'p> {
    allowance: &'a Allowance<'p>,
}

impl Drop for Call<'_, '_> {
    fn drop(&mut self) {
        let nested = self.allowance.nested.get() - 1;
        self.allowance.nested.set(nested);
        if nested == 0 {
            self.allowance.settle();
        }
    }
}
