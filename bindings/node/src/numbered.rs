//! Short questions, to policies and callers by number: to find what a
//! JavaScript object of a class stands for takes Node longer than the answer.
//!
//! A number holds in the thread that gave it, and is never given twice: one
//! that is over finds nothing, and nothing is no answer.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::Arc;

use deputize_wire::{Caller, Time};
use napi_derive::napi;

use crate::handle::Held;
use crate::{answer, laid};

/// What has a number in this thread.
pub(crate) struct Table<T> {
    entries: RefCell<HashMap<i64, Arc<T>>>,
    last: Cell<i64>,
}

thread_local! {
    pub(crate) static POLICIES: Table<Held> = Table::new();
    pub(crate) static CALLERS: Table<Caller> = Table::new();
}

impl<T> Table<T> {
    fn new() -> Self {
        Self {
            entries: RefCell::default(),
            last: Cell::new(0),
        }
    }

    /// The number of one that has none yet, from 1 on.
    pub(crate) fn add(&self, one: Arc<T>) -> i64 {
        let number = self.last.get() + 1;
        self.last.set(number);
        self.entries.borrow_mut().insert(number, one);
        number
    }

    /// The end of a number.
    pub(crate) fn take(&self, number: i64) -> Option<Arc<T>> {
        self.entries.borrow_mut().remove(&number)
    }

    fn ask(&self, number: i64, ask: impl FnOnce(&T) -> Option<bool>) -> Option<bool> {
        ask(self.entries.borrow().get(&number)?)
    }
}

/// A check without options, of texts of these lengths that lie on the desk.
#[napi]
pub fn check(policy: i64, desk: &[u8], user: u32, relation: u32, object: u32) -> u32 {
    answer(|| {
        let [user, relation, object] = laid(desk, [user, relation, object])?;
        let check = |held: &Held| held.policy.check(user, relation, object).ok();
        POLICIES.with(|policies| policies.ask(policy, check))
    })
}

/// Whether a caller may by the host's clock, without a context of the question's
/// own; the texts lie on the desk.
#[napi]
pub fn can(caller: i64, desk: &[u8], action: u32, resource: u32, now: f64) -> u32 {
    answer(|| {
        let [action, resource] = laid(desk, [action, resource])?;
        let time = Time::of_host(now as u64);
        let can = |caller: &Caller| Some(caller.moment(time).ok()?.can(action, resource));
        CALLERS.with(|callers| callers.ask(caller, can))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_is_over_finds_nothing() {
        let model =
            r"model\n  schema 1.1\ntype user\ntype a\n  relations\n    define viewer: [user]";
        let tuple = r#"{"user": "user:anne", "relation": "viewer", "object": "a:1"}"#;
        let document = format!(r#"{{"deputize": 1, "model": "{model}", "tuples": [{tuple}]}}"#);
        let held = || Held::new(deputize::Policy::from_json(document.as_bytes()).unwrap());
        let desk = b"user:anneviewera:1a:2";
        let first = POLICIES.with(|policies| policies.add(held()));
        assert_eq!(check(first, desk, 9, 6, 3), 1);
        assert_eq!(check(first, b"user:anneviewera:2", 9, 6, 3), 0);
        assert_eq!(check(first, desk, 9, 6, 30), 2);
        assert_eq!(check(first, desk, 9, 3, 3), 2);
        assert!(POLICIES.with(|policies| policies.take(first)).is_some());
        let second = POLICIES.with(|policies| policies.add(held()));
        assert_ne!(first, second);
        for none in [first, 0, -1, second + 1, i64::MAX] {
            assert_eq!(check(none, desk, 9, 6, 3), 2);
            assert_eq!(can(none, desk, 9, 6, 0.0), 2);
        }
        // Of another thread.
        let elsewhere =
            std::thread::scope(|scope| scope.spawn(|| check(second, desk, 9, 6, 3)).join());
        assert_eq!(elsewhere.unwrap(), 2);
    }
}
