//! The time, which the core takes as an argument: read here, or given.

use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;
use deputize::time::UnixSeconds;

/// When a question is asked.
#[derive(Debug, Clone, Copy, Default, Args)]
pub(crate) struct ClockArgs {
    /// The time to decide at, in seconds since 1970; the clock's where it is
    /// not given.
    #[arg(long, value_name = "SECONDS")]
    now: Option<u64>,
}

impl ClockArgs {
    /// The time.
    pub(crate) fn now(self) -> UnixSeconds {
        self.now.map_or_else(clock, UnixSeconds)
    }
}

/// A clock before 1970 reads 0, at which no token has been issued.
fn clock() -> UnixSeconds {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    UnixSeconds(since.map_or(0, |since| since.as_secs()))
}
