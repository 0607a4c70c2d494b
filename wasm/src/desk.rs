//! The desk: a place in the module's memory where short questions are laid, so
//! that asking one allocates nothing on either side.

use std::cell::RefCell;

use wasm_bindgen::prelude::wasm_bindgen;

/// How many bytes fit. Ids of OpenFGA are shorter; longer ones go another way.
const SIZE: usize = 2_048;

thread_local! {
    static DESK: RefCell<Box<[u8]>> = RefCell::new(vec![0; SIZE].into());
}

/// Where the desk is: it stays there as long as the instance lives.
#[wasm_bindgen]
pub fn desk() -> *const u8 {
    DESK.with_borrow(|desk| desk.as_ptr())
}

/// Texts of these lengths that lie on the desk one behind the other. `None`
/// where no such texts can lie there.
pub(crate) fn with<const N: usize, T>(
    lengths: [u32; N],
    ask: impl FnOnce([&str; N]) -> T,
) -> Option<T> {
    DESK.with_borrow(|desk| {
        let mut rest: &[u8] = desk;
        let mut texts = [""; N];
        for (text, length) in texts.iter_mut().zip(lengths) {
            let (own, behind) = rest.split_at_checked(length as usize)?;
            *text = std::str::from_utf8(own).ok()?;
            rest = behind;
        }
        Some(ask(texts))
    })
}
