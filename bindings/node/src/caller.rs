//! Callers, and questions to them.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use deputize_wire::{self as wire, Caller, Error, Time};
use napi::bindgen_prelude::{AsyncTask, Uint8Array};
use napi_derive::napi;

use crate::guarded;
use crate::numbered::CALLERS;
use crate::policy::RawPolicy;
use crate::work::Filtering;

/// A caller; nothing once it was freed, which may be while the thread pool works
/// for it.
#[napi]
pub struct RawCaller {
    caller: RefCell<Option<Arc<Caller>>>,
    number: Cell<i64>,
}

impl Drop for RawCaller {
    fn drop(&mut self) {
        self.free();
    }
}

impl RawCaller {
    pub(crate) fn of(caller: Caller) -> Self {
        let caller = RefCell::new(Some(Arc::new(caller)));
        let number = Cell::new(0);
        Self { caller, number }
    }

    fn own(&self) -> Result<Arc<Caller>, Error> {
        let caller = self.caller.borrow().clone();
        caller.ok_or_else(|| Error::misuse("call.freed", "the caller was freed"))
    }
}

#[napi]
impl RawCaller {
    /// The same caller at a time, in whole seconds from 0 on, which the program
    /// gave or not.
    #[napi]
    pub fn at(&self, now: f64, given: bool) -> napi::Result<RawCaller> {
        guarded(|| self.own()?.at(time(now, given))).map(Self::of)
    }

    /// The caller as another policy has it, at a time.
    #[napi]
    pub fn under(&self, policy: &RawPolicy, now: f64, given: bool) -> napi::Result<RawCaller> {
        guarded(|| {
            let held = policy.held()?;
            self.own()?.under(&held.policy, time(now, given))
        })
        .map(Self::of)
    }

    /// The same caller with contextual tuples beside those it has.
    #[napi]
    pub fn with_tuples(&self, tuples: String) -> napi::Result<RawCaller> {
        guarded(|| wire::with_tuples(&*self.own()?, &tuples)).map(Self::of)
    }

    /// The number under which short questions are asked of it in this thread; 0
    /// once it was freed.
    #[napi]
    pub fn number(&self) -> i64 {
        if let (0, Some(caller)) = (self.number.get(), &*self.caller.borrow()) {
            let caller = Arc::clone(caller);
            self.number.set(CALLERS.with(|callers| callers.add(caller)));
        }
        self.number.get()
    }

    /// Which of many resources, packed.
    #[napi]
    pub fn filter(
        &self,
        action: String,
        packed: &[u8],
        now: f64,
        given: bool,
    ) -> napi::Result<Uint8Array> {
        let filtered = guarded(|| {
            let (resources, caller) = (wire::unpacked(packed), self.own()?);
            let time = time(now, given);
            Ok(wire::caller_filter(&caller, time, &action, &resources)?.into_bytes())
        });
        filtered.map(Uint8Array::from)
    }

    /// As `filter`, on the thread pool.
    #[napi]
    pub fn filter_async(
        &self,
        action: String,
        packed: &[u8],
        now: f64,
        given: bool,
    ) -> napi::Result<AsyncTask<Filtering>> {
        let caller = guarded(|| self.own())?;
        Ok(AsyncTask::new(Filtering::Caller {
            caller,
            time: time(now, given),
            action,
            packed: packed.to_vec(),
        }))
    }

    /// Every other question: its name, its arguments as an array of texts, its
    /// time, and the answer as JSON.
    #[napi]
    pub fn ask(
        &self,
        method: String,
        arguments: String,
        now: f64,
        given: bool,
    ) -> napi::Result<String> {
        guarded(|| wire::ask_caller(&*self.own()?, time(now, given), &method, &arguments))
    }

    /// Lets go of the caller.
    #[napi]
    pub fn free(&self) {
        self.caller.take();
        let number = self.number.take();
        // A thread that ends may have let go of all of them already.
        drop(CALLERS.try_with(|callers| callers.take(number)));
    }
}

fn time(now: f64, given: bool) -> Time {
    let now = now as u64;
    Time { now, given }
}
