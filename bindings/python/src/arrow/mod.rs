//! Arrow arrays, by the C data interface behind the PyCapsule interface:
//! columns of texts in, arrays of bool out. No Arrow library is needed, neither
//! to build nor to run.
//!
//! <https://arrow.apache.org/docs/format/CDataInterface.html> and
//! <https://arrow.apache.org/docs/format/CDataInterface/PyCapsuleInterface.html>
//!
//! This is the one room with unsafe code: the interface is made of C pointers.
//! What a producer says of its memory (that a buffer is as long as its type
//! and length imply) has to be believed, since nothing else says it. Everything
//! that can be checked is: the type, lengths and offsets that are not negative,
//! ranges within their buffers, and UTF-8.
#![allow(unsafe_code, reason = "the interface is made of C pointers; see above")]

mod column;
mod mask;

pub(crate) use self::column::column;
pub(crate) use self::mask::{BooleanArray, library, numpy_mask};

use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr::{self, NonNull};

use pyo3::prelude::*;
use pyo3::types::PyCapsule;

/// A type (`ArrowSchema`).
#[repr(C)]
struct Schema {
    format: *const c_char,
    name: *const c_char,
    metadata: *const c_char,
    flags: i64,
    n_children: i64,
    children: *mut *mut Schema,
    dictionary: *mut Schema,
    release: Option<unsafe extern "C" fn(*mut Schema)>,
    private_data: *mut c_void,
}

/// The data (`ArrowArray`).
#[repr(C)]
struct Array {
    length: i64,
    null_count: i64,
    offset: i64,
    n_buffers: i64,
    n_children: i64,
    buffers: *const *const c_void,
    children: *mut *mut Array,
    dictionary: *mut Array,
    release: Option<unsafe extern "C" fn(*mut Array)>,
    private_data: *mut c_void,
}

/// Data in parts (`ArrowArrayStream`).
#[repr(C)]
struct Stream {
    get_schema: Option<unsafe extern "C" fn(*mut Stream, *mut Schema) -> c_int>,
    get_next: Option<unsafe extern "C" fn(*mut Stream, *mut Array) -> c_int>,
    get_last_error: Option<unsafe extern "C" fn(*mut Stream) -> *const c_char>,
    release: Option<unsafe extern "C" fn(*mut Stream)>,
    private_data: *mut c_void,
}

/// What is done with each of the three: made empty, moved, released.
macro_rules! owned {
    ($($name:ident { $($member:ident: $empty:expr,)* })*) => {
        $(
            impl $name {
                const EMPTY: Self = Self { $($member: $empty,)* };

                /// Takes what lies in a capsule: it is ours to release then,
                /// and the capsule no longer releases it.
                fn take(capsule: &Bound<'_, PyAny>, name: &CStr) -> PyResult<Self> {
                    let capsule = capsule.cast::<PyCapsule>()?;
                    let place: NonNull<Self> = capsule.pointer_checked(Some(name))?.cast();
                    // SAFETY: a capsule of this name holds this struct (the
                    // PyCapsule interface). It was made for this call, so that
                    // nobody else reads it. Moving it is what the C interface
                    // provides for: what stays behind is marked released.
                    Ok(unsafe { place.replace(Self::EMPTY) })
                }
            }

            impl Drop for $name {
                fn drop(&mut self) {
                    if let Some(release) = self.release {
                        // SAFETY: it is released once: what was released or
                        // moved has no `release`.
                        unsafe { release(self) }
                    }
                }
            }

            // SAFETY: what it points to is not changed by anybody once it was
            // handed over, and may be released on any thread.
            unsafe impl Send for $name {}
            // SAFETY: as above; through a shared reference it is only read.
            unsafe impl Sync for $name {}
        )*
    };
}

owned! {
    Schema {
        format: ptr::null(),
        name: ptr::null(),
        metadata: ptr::null(),
        flags: 0,
        n_children: 0,
        children: ptr::null_mut(),
        dictionary: ptr::null_mut(),
        release: None,
        private_data: ptr::null_mut(),
    }
    Array {
        length: 0,
        null_count: 0,
        offset: 0,
        n_buffers: 0,
        n_children: 0,
        buffers: ptr::null(),
        children: ptr::null_mut(),
        dictionary: ptr::null_mut(),
        release: None,
        private_data: ptr::null_mut(),
    }
    Stream {
        get_schema: None,
        get_next: None,
        get_last_error: None,
        release: None,
        private_data: ptr::null_mut(),
    }
}

/// Whether the bit of an item's place is set in the byte that it falls in.
fn bit(byte: u8, place: usize) -> bool {
    byte >> (place % 8) & 1 == 1
}
