//! Long work, on Node's thread pool: it owns what it works on, since a script
//! may write over its own bytes meanwhile.

use std::sync::Arc;

use deputize_wire::{self as wire, Caller, Error, Time};
use napi::bindgen_prelude::Uint8Array;
use napi::{Env, Task};

use crate::guarded;
use crate::handle::Held;
use crate::policy::RawPolicy;

/// A policy in the making.
pub struct Making {
    pub(crate) document: Vec<u8>,
    pub(crate) make: fn(&[u8]) -> Result<deputize::Policy, Error>,
}

impl Task for Making {
    type Output = Arc<Held>;
    type JsValue = RawPolicy;

    fn compute(&mut self) -> napi::Result<Arc<Held>> {
        guarded(|| (self.make)(&self.document)).map(Held::new)
    }

    fn resolve(&mut self, env: Env, held: Arc<Held>) -> napi::Result<RawPolicy> {
        RawPolicy::of(held, env)
    }
}

/// A filter: of whom, and with what.
pub enum Filtering {
    /// By relationships.
    Policy {
        /// The policy.
        held: Arc<Held>,
        /// The user, the relation and the options.
        asked: [String; 3],
        /// The objects.
        packed: Vec<u8>,
    },
    /// By all that a caller's questions look at.
    Caller {
        /// The caller.
        caller: Arc<Caller>,
        /// The time of the question.
        time: Time,
        /// The action.
        action: String,
        /// The resources.
        packed: Vec<u8>,
    },
}

impl Task for Filtering {
    type Output = Vec<u8>;
    type JsValue = Uint8Array;

    fn compute(&mut self) -> napi::Result<Vec<u8>> {
        guarded(|| {
            let filtered = match self {
                Self::Policy {
                    held,
                    asked: [user, relation, options],
                    packed,
                } => {
                    let objects = wire::unpacked(packed);
                    wire::filter(&held.policy, user, relation, &objects, options)
                }
                Self::Caller {
                    caller,
                    time,
                    action,
                    packed,
                } => wire::caller_filter(caller, *time, action, &wire::unpacked(packed)),
            };
            Ok(filtered?.into_bytes())
        })
    }

    fn resolve(&mut self, _: Env, answer: Vec<u8>) -> napi::Result<Uint8Array> {
        Ok(answer.into())
    }
}
