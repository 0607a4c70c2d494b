//! Policies that other threads of the process may open, by a handle.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use deputize::Policy;
use deputize_wire::Error;

/// A policy, and the handle that was given out for it.
pub struct Held {
    pub(crate) policy: Policy,
    handle: OnceLock<String>,
}

type Table = HashMap<String, Weak<Held>>;

/// What was shared. It keeps nothing alive: an entry opens for as long as
/// somebody in the process holds the policy.
static TABLE: Mutex<Option<Table>> = Mutex::new(None);

fn with_table<T>(run: impl FnOnce(&mut Table) -> T) -> T {
    // A table is whole between two operations on it.
    let mut table = TABLE.lock().unwrap_or_else(PoisonError::into_inner);
    run(table.get_or_insert_default())
}

impl Held {
    pub(crate) fn new(policy: Policy) -> Arc<Self> {
        let handle = OnceLock::new();
        Arc::new(Self { policy, handle })
    }

    /// A handle with which another thread opens this policy: 32 random bytes,
    /// so that nobody comes by one who was not given it.
    pub(crate) fn share(self: &Arc<Self>) -> Result<String, Error> {
        if let Some(handle) = self.handle.get() {
            return Ok(handle.clone());
        }
        let mut secret = [0; 32];
        aws_lc_rs::rand::fill(&mut secret)
            .map_err(|_| Error::internal("the system gave no random bytes"))?;
        let fresh = secret.iter().fold(String::new(), |mut text, byte| {
            // Writing to a text cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        });
        // Of two threads that come here at once, one is first.
        let handle = self.handle.get_or_init(|| fresh);
        with_table(|table| {
            table.retain(|_, held| held.strong_count() > 0);
            table.insert(handle.clone(), Arc::downgrade(self));
        });
        Ok(handle.clone())
    }

    /// The policy of a handle.
    pub(crate) fn open(handle: &str) -> Result<Arc<Self>, Error> {
        let found = with_table(|table| table.get(handle).and_then(Weak::upgrade));
        let said = "nothing was shared under this handle, or everybody has let go of it";
        found.ok_or_else(|| Error::misuse("call.shared", said))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> Policy {
        Policy::from_json(br#"{"deputize": 1}"#).unwrap()
    }

    #[test]
    fn a_handle_opens_as_long_as_somebody_holds_the_policy() {
        let first = Held::new(policy());
        let handle = first.share().unwrap();
        assert_eq!(first.share().unwrap(), handle);
        assert_eq!(handle.len(), 64);
        let second = std::thread::scope(|scope| scope.spawn(|| Held::open(&handle)).join());
        let second = second.unwrap().unwrap();
        assert!(Arc::ptr_eq(&first, &second));
        drop(first);
        assert!(Held::open(&handle).is_ok());
        drop(second);
        assert_eq!(Held::open(&handle).err().unwrap().code, "call.shared");
        // The next one to share sweeps what nobody holds.
        let other = Held::new(policy());
        let other_handle = other.share().unwrap();
        assert_ne!(other_handle, handle);
        assert!(with_table(|table| !table.contains_key(&handle)));
    }

    #[test]
    fn no_other_text_opens_anything() {
        let held = Held::new(policy());
        let handle = held.share().unwrap();
        for forged in [
            "",
            "0",
            handle.get(1..).unwrap(),
            &handle.to_uppercase(),
            &"0".repeat(64),
        ] {
            if forged != handle {
                assert_eq!(Held::open(forged).err().unwrap().code, "call.shared");
            }
        }
    }
}
