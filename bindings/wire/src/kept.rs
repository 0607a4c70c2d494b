//! Callers as a binding keeps them: with the clock that their questions go by,
//! and with what they were made from, for when another policy is in force.

use std::fmt;
use std::sync::Arc;

use deputize::Policy;
use deputize::Tuple;
use deputize::authority::Moment;
use deputize::caller::Caller as Core;
use deputize::time::UnixSeconds;

use crate::error::Error;

/// How long a caller without a token may be kept, in seconds: an hour, which is
/// what access tokens commonly live at most. A token says itself when it ends; a
/// chain that a host vouches for has no end, and whoever keeps its caller in a
/// session would be asked nothing new for as long as that lasts.
pub const MAX_AGE: u64 = 3_600;

/// The time of a question.
#[derive(Debug, Clone, Copy)]
pub struct Time {
    /// The time, in seconds since the Unix epoch.
    pub now: u64,
    /// Whether the program gave it; else it is the host's clock.
    pub given: bool,
}

/// A caller, and what its questions take for the time.
#[derive(Debug, Clone)]
pub struct Caller {
    core: Core,
    clock: Clock,
    origin: Origin,
}

/// Admits a caller to a policy.
type Admit = dyn Fn(&Policy) -> Result<Core, Error> + Send + Sync;

/// What a caller was made from, as what admits it to a policy. A token may be
/// among it, so it is not shown.
#[derive(Clone)]
struct Origin(Arc<Admit>);

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Origin(..)")
    }
}

/// What a caller's questions take for the time, where they are given none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Clock {
    /// The host's clock.
    Host,
    /// Nothing: who says the time once says it each time, or what was said once
    /// would count for ever.
    Given,
    /// This very time, since the caller is the one of then.
    At(UnixSeconds),
}

impl Time {
    /// As the host's clock has it.
    #[must_use]
    pub fn of_host(now: u64) -> Self {
        Self { now, given: false }
    }

    /// As the program gave it.
    #[must_use]
    pub fn given(now: u64) -> Self {
        Self { now, given: true }
    }

    fn seconds(self) -> UnixSeconds {
        UnixSeconds(self.now)
    }
}

impl Caller {
    /// The caller that `admit` admits to a policy, as of that time.
    pub(crate) fn made(
        policy: &Policy,
        time: Time,
        admit: impl Fn(&Policy) -> Result<Core, Error> + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        Ok(Self::admitted(admit(policy)?, time, admit))
    }

    /// A caller that was admitted at that time; `admit` would admit it again.
    pub(crate) fn admitted(
        core: Core,
        time: Time,
        admit: impl Fn(&Policy) -> Result<Core, Error> + Send + Sync + 'static,
    ) -> Self {
        let clock = if time.given {
            Clock::Given
        } else {
            Clock::Host
        };
        let origin = Origin(Arc::new(admit));
        Self {
            core,
            clock,
            origin,
        }
    }

    /// The core's.
    #[must_use]
    pub fn core(&self) -> &Core {
        &self.core
    }

    /// The time of the request, or that which the caller is of.
    #[must_use]
    pub fn time(&self) -> UnixSeconds {
        match self.clock {
            Clock::At(time) => time,
            Clock::Host | Clock::Given => self.core.inputs().time,
        }
    }

    /// The caller at a question's time.
    ///
    /// # Errors
    /// `call.now`: the program gave the caller its time, and the question none.
    pub fn moment(&self, time: Time) -> Result<Moment<'_>, Error> {
        match self.clock {
            Clock::At(own) if !time.given => Ok(self.core.at(own)),
            Clock::Given if !time.given => {
                let said = "the caller was made with a `now` of its own, so each question needs its own `now` too";
                Err(Error::misuse("call.now", said))
            }
            _ => Ok(self.core.at(time.seconds())),
        }
    }

    /// The caller as it is at a time: what it is asked without a time of its
    /// own is asked as of then, so it is to be asked at once and not kept. By
    /// the host's clock, one that goes by it goes on doing so.
    ///
    /// # Errors
    /// The reason of a denial: it no longer counts.
    pub fn at(&self, time: Time) -> Result<Self, Error> {
        self.core.at(time.seconds()).check_fresh()?;
        let clock = match (self.clock, time.given) {
            (Clock::Host, false) => Clock::Host,
            _ => Clock::At(time.seconds()),
        };
        Ok(Self {
            clock,
            ..self.clone()
        })
    }

    /// The caller as another policy has it, at a time: what it was made from is
    /// looked at again, as of when it was made, its token's signature too.
    ///
    /// # Errors
    /// As [`Caller::at`], and whatever that policy refuses the caller for.
    pub fn under(&self, policy: &Policy, time: Time) -> Result<Self, Error> {
        if policy.is(self.core.policy()) {
            return self.at(time);
        }
        let core = (self.origin.0)(policy)?;
        Self {
            core,
            ..self.clone()
        }
        .at(time)
    }

    /// The same caller with contextual tuples beside those it has.
    pub(crate) fn with_tuples(&self, tuples: Vec<Tuple>) -> Result<Self, Error> {
        let core = self.core.with_tuples(&tuples)?;
        let before = Origin::clone(&self.origin);
        let origin = Origin(Arc::new(move |policy| {
            Ok((before.0)(policy)?.with_tuples(&tuples)?)
        }));
        Ok(Self {
            core,
            clock: self.clock,
            origin,
        })
    }
}
