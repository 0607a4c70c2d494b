//! Callers, and questions to them.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use deputize::caller::Caller;
use deputize_wire::{self as wire, Error};
use napi::bindgen_prelude::{AsyncTask, Uint8Array};
use napi_derive::napi;

use crate::guarded;
use crate::numbered::CALLERS;
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
    /// The same caller later, in whole seconds from 0 on.
    #[napi]
    pub fn at(&self, now: f64) -> napi::Result<RawCaller> {
        guarded(|| wire::at(&*self.own()?, now as u64)).map(Self::of)
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
    pub fn filter(&self, action: String, packed: &[u8]) -> napi::Result<Uint8Array> {
        let filtered = guarded(|| {
            let resources = wire::unpacked(packed);
            Ok(wire::caller_filter(&*self.own()?, &action, &resources)?.into_bytes())
        });
        filtered.map(Uint8Array::from)
    }

    /// As `filter`, on the thread pool.
    #[napi]
    pub fn filter_async(
        &self,
        action: String,
        packed: &[u8],
    ) -> napi::Result<AsyncTask<Filtering>> {
        let caller = guarded(|| self.own())?;
        Ok(AsyncTask::new(Filtering::Caller {
            caller,
            action,
            packed: packed.to_vec(),
        }))
    }

    /// Every other question: its name, its arguments as an array of texts, and
    /// the answer as JSON.
    #[napi]
    pub fn ask(&self, method: String, given: String) -> napi::Result<String> {
        guarded(|| wire::ask_caller(&*self.own()?, &method, &given))
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
