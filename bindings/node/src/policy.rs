//! Policies, and questions to them.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use deputize_wire::{self as wire, Error};
use napi::Env;
use napi::bindgen_prelude::{AsyncTask, ObjectFinalize, Uint8Array};
use napi_derive::napi;

use crate::caller::RawCaller;
use crate::guarded;
use crate::handle::Held;
use crate::numbered::POLICIES;
use crate::work::{Filtering, Making};

/// A compiled policy; nothing once it was freed, which may be while the thread
/// pool works on it.
#[napi(custom_finalize)]
pub struct RawPolicy {
    held: RefCell<Option<Arc<Held>>>,
    /// How many bytes Node was told that this keeps, so that it collects what
    /// is forgotten before there is too much of it.
    told: Cell<i64>,
    number: Cell<i64>,
}

impl RawPolicy {
    pub(crate) fn of(held: Arc<Held>, env: Env) -> napi::Result<Self> {
        let told = i64::try_from(held.policy.table_bytes()).unwrap_or(i64::MAX);
        env.adjust_external_memory(told)?;
        Ok(Self {
            held: RefCell::new(Some(held)),
            told: Cell::new(told),
            number: Cell::new(0),
        })
    }

    fn let_go(&self, env: Env) -> napi::Result<()> {
        self.held.take();
        let number = self.number.take();
        // A thread that ends may have let go of all of them already.
        drop(POLICIES.try_with(|policies| policies.take(number)));
        env.adjust_external_memory(-self.told.take()).map(drop)
    }

    pub(crate) fn held(&self) -> Result<Arc<Held>, Error> {
        let held = self.held.borrow().clone();
        held.ok_or_else(|| Error::misuse("call.freed", "the policy was freed"))
    }
}

impl ObjectFinalize for RawPolicy {
    fn finalize(self, env: Env) -> napi::Result<()> {
        self.let_go(env)
    }
}

#[napi]
impl RawPolicy {
    /// Compiles a snapshot document in UTF-8.
    #[napi]
    pub fn from_json(env: Env, document: &[u8]) -> napi::Result<RawPolicy> {
        let policy = guarded(|| wire::from_json(document))?;
        Self::of(Held::new(policy), env)
    }

    /// Opens a compiled policy.
    #[napi]
    pub fn from_compiled(env: Env, image: &[u8]) -> napi::Result<RawPolicy> {
        let policy = guarded(|| wire::from_compiled(image))?;
        Self::of(Held::new(policy), env)
    }

    /// As `fromJson`, on the thread pool.
    #[napi]
    pub fn from_json_async(document: &[u8]) -> AsyncTask<Making> {
        let document = document.to_vec();
        let make = wire::from_json;
        AsyncTask::new(Making { document, make })
    }

    /// As `fromCompiled`, on the thread pool.
    #[napi]
    pub fn from_compiled_async(image: &[u8]) -> AsyncTask<Making> {
        let document = image.to_vec();
        let make = wire::from_compiled;
        AsyncTask::new(Making { document, make })
    }

    /// The policy that another thread has shared.
    #[napi]
    pub fn from_shared(env: Env, handle: String) -> napi::Result<RawPolicy> {
        let held = guarded(|| Held::open(&handle))?;
        Self::of(held, env)
    }

    /// A handle with which other threads of this process open this policy.
    #[napi]
    pub fn share(&self) -> napi::Result<String> {
        guarded(|| self.held()?.share())
    }

    /// The compiled form.
    #[napi]
    pub fn to_compiled(&self) -> napi::Result<Uint8Array> {
        guarded(|| Ok(self.held()?.policy.to_compiled())).map(Uint8Array::from)
    }

    /// The number under which short questions are asked of it in this thread; 0
    /// once it was freed.
    #[napi]
    pub fn number(&self) -> i64 {
        if let (0, Some(held)) = (self.number.get(), &*self.held.borrow()) {
            let held = Arc::clone(held);
            self.number
                .set(POLICIES.with(|policies| policies.add(held)));
        }
        self.number.get()
    }

    /// Which of many objects, packed.
    #[napi]
    pub fn filter(
        &self,
        user: String,
        relation: String,
        packed: &[u8],
        options: String,
    ) -> napi::Result<Uint8Array> {
        let filtered = guarded(|| {
            let objects = wire::unpacked(packed);
            let held = self.held()?;
            let filtered = wire::filter(&held.policy, &user, &relation, &objects, &options)?;
            Ok(filtered.into_bytes())
        });
        filtered.map(Uint8Array::from)
    }

    /// As `filter`, on the thread pool.
    #[napi]
    pub fn filter_async(
        &self,
        user: String,
        relation: String,
        packed: &[u8],
        options: String,
    ) -> napi::Result<AsyncTask<Filtering>> {
        let held = guarded(|| self.held())?;
        Ok(AsyncTask::new(Filtering::Policy {
            held,
            asked: [user, relation, options],
            packed: packed.to_vec(),
        }))
    }

    /// A caller, made in one of the ways there are; `timed` is whether the
    /// program gave the time.
    #[napi]
    pub fn caller(&self, method: String, given: String, timed: bool) -> napi::Result<RawCaller> {
        guarded(|| wire::make_caller(&self.held()?.policy, &method, &given, timed))
            .map(RawCaller::of)
    }

    /// Every other question: its name, its arguments as an array of texts, and
    /// the answer as JSON.
    #[napi]
    pub fn ask(&self, method: String, given: String) -> napi::Result<String> {
        guarded(|| wire::ask(&self.held()?.policy, &method, &given))
    }

    /// Lets go of the policy.
    #[napi]
    pub fn free(&self, env: Env) -> napi::Result<()> {
        self.let_go(env)
    }
}
