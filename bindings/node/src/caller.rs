//! Callers, and questions to them.

use std::cell::RefCell;
use std::sync::Arc;

use deputize::caller::Caller;
use deputize_wire::{self as wire, Error};
use napi::bindgen_prelude::{AsyncTask, Uint8Array};
use napi_derive::napi;

use crate::work::Filtering;
use crate::{answer, guarded, laid};

/// A caller; nothing once it was freed, which may be while the thread pool works
/// for it.
#[napi]
pub struct RawCaller {
    caller: RefCell<Option<Arc<Caller>>>,
}

impl RawCaller {
    pub(crate) fn of(caller: Caller) -> Self {
        let caller = RefCell::new(Some(Arc::new(caller)));
        Self { caller }
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

    /// Whether it may, without a context of the question's own; the texts lie
    /// on the desk.
    #[napi]
    pub fn can(&self, desk: &[u8], action: u32, resource: u32) -> u32 {
        answer(|| {
            let [action, resource] = laid(desk, [action, resource])?;
            let caller = self.caller.borrow();
            Some(caller.as_ref()?.can(action, resource, None))
        })
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
    }
}
