//! Time as an argument: the core never reads a clock.

use serde::{Deserialize, Serialize};

/// Whole seconds since 1970-01-01T00:00:00Z (the Unix epoch), leap seconds not
/// counted.
///
/// Every function that depends on the time takes it as an argument of this
/// type, so that a decision can be repeated later with the same answer.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct UnixSeconds(pub u64);

impl UnixSeconds {
    /// This time, `seconds` later; the largest representable time where the sum
    /// would not fit.
    #[must_use]
    pub const fn plus(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// This time, `seconds` earlier; the epoch where the difference would lie
    /// before it.
    #[must_use]
    pub const fn minus(self, seconds: u64) -> Self {
        Self(self.0.saturating_sub(seconds))
    }

    /// How many seconds lie between `earlier` and this time; 0 where `earlier`
    /// is the later one.
    #[must_use]
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl std::fmt::Display for UnixSeconds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)
    }
}
