//! Asking what a token's scopes cover allocates nothing.

#![cfg(feature = "tokens")]
#![allow(
    unsafe_code,
    reason = "a global allocator, which counts here, can only be written so"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use deputize::scope::{ScopeContext, ScopePolicy, ScopeRule, ScopeSections, ScopeSet};
use serde_json::json;

struct Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps `alloc`'s contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps `dealloc`'s contract.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn covering_allocates_nothing() {
    let rule = |action: &str, resource: &str| ScopeRule {
        action: action.to_owned(),
        resource: resource.to_owned(),
    };
    let sections = ScopeSections {
        scopes: [(
            "docs".to_owned(),
            vec![
                rule("can_read", "document:*"),
                rule("integration:*", "/account/acc-1"),
            ],
        )]
        .into(),
        ..ScopeSections::default()
    };
    let policy = ScopePolicy::compile(&sections).unwrap();
    let claims = json!({
        "scope": "docs target-entity:mail:SendEmail a:*:c",
        "https://fusebit.io/permissions": {"allow": [{"action": "*", "resource": "/"},
            {"action": "can_read", "resource": "document:*"}]},
    });
    let set = ScopeSet::from_claims(claims.as_object().unwrap());
    let set = set.unwrap().unwrap();
    let reach = policy.reach(&set, ScopeContext::default()).unwrap();
    let asking = reach.asking("can_read");
    let before = COUNT.with(Cell::get);
    let covered = [
        reach.covers("can_read", "document:42"),
        reach.covers("can_write", "document:42"),
        reach.covers("integration:deploy", "/account/acc-1/integration/chat-bot"),
        reach.covers("integration:deploy", "account/acc-10"),
        asking.covers("document:42"),
        asking.covers_type("folder"),
    ];
    let after = COUNT.with(Cell::get);
    assert_eq!(covered, [true, false, true, false, true, false]);
    assert_eq!(after - before, 0);
    // The counter counts.
    drop(vec![before]);
    assert!(COUNT.with(Cell::get) > after);
}
