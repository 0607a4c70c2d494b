//! What an evaluation may take: a cost that a caller limits as OpenFGA does,
//! and steps, which are always limited.

use std::cell::Cell;

use super::error::EvalError;
use super::functions::Price;
use super::value::Value;

/// The steps that one evaluation may take when the caller does not say: a
/// macro over ten thousand elements fits, a quarter of a million comparisons
/// do not take a noticeable time.
pub const DEFAULT_STEPS: u64 = 250_000;

/// The limits of one evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The highest cost, in cel-go's units; OpenFGA's default is 100.
    pub cost: Option<u64>,
    /// The most steps.
    pub steps: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            cost: None,
            steps: DEFAULT_STEPS,
        }
    }
}

/// Counts down one evaluation.
#[derive(Debug)]
pub(super) struct Meter {
    limits: Limits,
    cost: Cell<u64>,
    left: Cell<u64>,
}

impl Meter {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            cost: Cell::new(0),
            left: Cell::new(limits.steps),
        }
    }

    pub(super) fn cost(&self) -> u64 {
        self.cost.get()
    }

    pub(super) fn steps(&self) -> u64 {
        self.limits.steps - self.left.get()
    }

    /// Takes steps from what is left.
    pub(super) fn step(&self, count: u64) -> Result<(), EvalError> {
        match self.left.get().checked_sub(count) {
            Some(left) => {
                self.left.set(left);
                Ok(())
            }
            None => Err(self.exhausted()),
        }
    }

    /// Adds to the cost.
    pub(super) fn charge(&self, cost: u64) -> Result<(), EvalError> {
        let total = self.cost.get().saturating_add(cost);
        self.cost.set(total);
        match self.limits.cost {
            Some(limit) if total > limit => Err(EvalError::CostExceeded { limit }),
            _ => Ok(()),
        }
    }

    /// Adds a call's price. An argument that failed counts as one.
    pub(super) fn charge_call(
        &self,
        price: Price,
        first: Option<&Value>,
        second: Option<&Value>,
    ) -> Result<(), EvalError> {
        let size = |value: Option<&Value>| value.map_or(1, Value::cost_size);
        let cost = match price {
            Price::Free => 0,
            Price::One => 1,
            Price::First => size(first).div_ceil(10),
            Price::Second => size(second).div_ceil(10),
            Price::Smaller => size(first).min(size(second)).div_ceil(10),
            Price::Sum => size(first).saturating_add(size(second)).div_ceil(10),
            Price::Elements => size(second),
            Price::Product => {
                let (text, part) = (size(first).div_ceil(10), size(second).div_ceil(10));
                text.saturating_mul(part)
            }
            Price::Pattern => pattern_cost(size(first), size(second)),
        };
        self.charge(cost)
    }

    /// CEL's `==`, counted.
    pub(super) fn equals(&self, a: &Value, b: &Value) -> Result<bool, EvalError> {
        let mut left = self.left.get();
        let equal = a.equals(b, &mut left);
        self.left.set(left);
        equal.ok_or_else(|| self.exhausted())
    }

    fn exhausted(&self) -> EvalError {
        self.left.set(0);
        EvalError::StepsExceeded {
            limit: self.limits.steps,
        }
    }
}

/// cel-go: a tenth of the text and one character more, times a quarter of the
/// pattern.
pub(super) fn pattern_cost(text: u64, pattern: u64) -> u64 {
    let text = text.saturating_add(1).div_ceil(10);
    text.saturating_mul(pattern.div_ceil(4))
}
