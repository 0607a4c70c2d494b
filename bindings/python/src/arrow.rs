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

use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr::{self, NonNull};
use std::slice;
use std::sync::Arc;

use pyo3::exceptions::{PyIndexError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyDict, PyList, PyTuple};

use crate::argument::not_a;
use crate::error::misuse;

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

/// An Arrow array of some type, perhaps in several parts.
pub(crate) struct Column {
    schema: Schema,
    parts: Vec<Array>,
}

/// The Arrow array that this is, if it is one.
pub(crate) fn column(given: &Bound<'_, PyAny>, name: &str) -> PyResult<Option<Column>> {
    let py = given.py();
    if let Some(export) = given.getattr_opt(intern!(py, "__arrow_c_array__"))? {
        let pair = export.call0()?.cast_into::<PyTuple>()?;
        let schema = Schema::take(&pair.get_item(0)?, c"arrow_schema")?;
        let array = Array::take(&pair.get_item(1)?, c"arrow_array")?;
        // What was released, or taken by somebody else, points to nothing.
        if schema.release.is_none() || array.release.is_none() {
            return Err(misuse(py, format!("`{name}` was released already")));
        }
        return Ok(Some(Column {
            schema,
            parts: vec![array],
        }));
    }
    let Some(export) = given.getattr_opt(intern!(py, "__arrow_c_stream__"))? else {
        return Ok(None);
    };
    let stream = Stream::take(&export.call0()?, c"arrow_array_stream")?;
    let column = stream.read();
    column
        .map(Some)
        .ok_or_else(|| misuse(py, format!("`{name}` could not be read as an Arrow stream")))
}

impl Stream {
    fn read(mut self) -> Option<Column> {
        let (get_schema, get_next) = (self.get_schema?, self.get_next?);
        let mut column = Column {
            schema: Schema::EMPTY,
            parts: Vec::new(),
        };
        // SAFETY: the stream was not released, and we alone have it.
        if unsafe { get_schema(&raw mut self, &raw mut column.schema) } != 0
            || column.schema.release.is_none()
        {
            return None;
        }
        loop {
            let mut part = Array::EMPTY;
            // SAFETY: as above.
            if unsafe { get_next(&raw mut self, &raw mut part) } != 0 {
                return None;
            }
            // The end of a stream is an array that is released already.
            if part.release.is_none() {
                return Some(column);
            }
            column.parts.push(part);
        }
    }
}

impl Column {
    /// Its texts; what is null or no UTF-8 is the empty one.
    ///
    /// # Errors
    /// In words: its type is not one of texts, or its parts do not fit its type.
    pub(crate) fn texts(&self) -> Result<Vec<&str>, String> {
        let mut all = Vec::new();
        for part in &self.parts {
            let texts = texts(&self.schema, part)?;
            all.extend(texts.into_iter().map(Option::unwrap_or_default));
        }
        Ok(all)
    }
}

const DAMAGED: &str = "the Arrow array does not fit its own type";

/// The texts of one array; `None` for what is null or no UTF-8.
fn texts<'a>(schema: &'a Schema, array: &'a Array) -> Result<Vec<Option<&'a str>>, String> {
    let format = schema.format();
    if let Some(values) = schema.dictionary() {
        let dictionary = array.dictionary().ok_or(DAMAGED)?;
        if values.dictionary().is_some() {
            return Err(unfit(format));
        }
        let values = texts(values, dictionary)?;
        return array.indexed(format, &values);
    }
    match format {
        b"u" => array.offsets::<i32>(),
        b"U" => array.offsets::<i64>(),
        b"vu" => array.views(),
        b"n" => Ok(vec![None; array.extent()?.1]),
        _ => Err(unfit(format)),
    }
}

fn unfit(format: &[u8]) -> String {
    format!(
        "an Arrow array of the format `{}` is not one of texts",
        String::from_utf8_lossy(format)
    )
}

impl Schema {
    fn format(&self) -> &[u8] {
        if self.format.is_null() {
            return b"";
        }
        // SAFETY: the interface says that it is a text that ends with a zero,
        // and that it lives until the schema is released.
        unsafe { CStr::from_ptr(self.format) }.to_bytes()
    }

    fn dictionary(&self) -> Option<&Schema> {
        // SAFETY: null, or a schema that lives as long as this one.
        unsafe { self.dictionary.as_ref() }
    }
}

/// An offset into a buffer of texts.
trait Offset: Copy {
    fn place(self) -> Option<usize>;
}

impl Offset for i32 {
    fn place(self) -> Option<usize> {
        usize::try_from(self).ok()
    }
}

impl Offset for i64 {
    fn place(self) -> Option<usize> {
        usize::try_from(self).ok()
    }
}

impl Array {
    fn dictionary(&self) -> Option<&Array> {
        // SAFETY: null, or an array that lives as long as this one.
        unsafe { self.dictionary.as_ref() }
    }

    /// Where its items begin and how many there are: such that an item's place
    /// in bytes can be counted, however wide it is.
    fn extent(&self) -> Result<(usize, usize), String> {
        let place = |n: i64| usize::try_from(n).ok();
        let most = (isize::MAX / 32).unsigned_abs();
        match (place(self.offset), place(self.length)) {
            (Some(offset), Some(length)) if offset <= most && length <= most => {
                Ok((offset, length))
            }
            _ => Err(DAMAGED.to_owned()),
        }
    }

    /// One of its buffers, `None` where it is absent or null.
    fn buffer(&self, place: usize) -> Option<NonNull<u8>> {
        let count = usize::try_from(self.n_buffers).ok()?;
        if place >= count || self.buffers.is_null() {
            return None;
        }
        // SAFETY: `buffers` has `n_buffers` pointers, more than `place`.
        let buffer = unsafe { self.buffers.add(place).read() };
        NonNull::new(buffer.cast_mut().cast())
    }

    /// The value at a place of a buffer of such values.
    ///
    /// # Safety
    /// The buffer has more such values than `place`, which any bytes are.
    unsafe fn value<T: Copy>(buffer: NonNull<u8>, place: usize) -> T {
        // SAFETY: said above. A producer need not align its buffers.
        unsafe { buffer.cast::<T>().add(place).read_unaligned() }
    }

    /// Whether each item is there, from its first one.
    fn present(&self) -> Result<impl Iterator<Item = bool> + '_, String> {
        let (offset, length) = self.extent()?;
        let bits = self.buffer(0);
        Ok((offset..offset + length).map(move |place| match bits {
            None => true,
            // SAFETY: a bitmap has a bit for each item up to the last.
            Some(bits) => bit(unsafe { Self::value(bits, place / 8) }, place),
        }))
    }

    /// Utf8 and LargeUtf8: validity, offsets, bytes.
    fn offsets<T: Offset>(&self) -> Result<Vec<Option<&str>>, String> {
        let (offset, length) = self.extent()?;
        if length == 0 {
            return Ok(Vec::new());
        }
        let offsets = self.buffer(1).ok_or(DAMAGED)?;
        // SAFETY: there is an offset for each item, and one more for the end.
        let at = |place| unsafe { Self::value::<T>(offsets, place) }.place();
        let all = at(offset + length).ok_or(DAMAGED)?;
        let bytes: &[u8] = match self.buffer(2) {
            // SAFETY: the last offset is how many bytes there are, which live
            // until the array is released.
            Some(bytes) => unsafe { slice::from_raw_parts(bytes.as_ptr(), all) },
            None => &[],
        };
        let mut start = at(offset).ok_or(DAMAGED)?;
        let mut texts = Vec::with_capacity(length);
        for (place, present) in (offset..).zip(self.present()?) {
            let end = at(place + 1).ok_or(DAMAGED)?;
            let own = bytes.get(start..end).ok_or(DAMAGED)?;
            texts.push(str::from_utf8(own).ok().filter(|_| present));
            start = end;
        }
        Ok(texts)
    }

    /// Utf8View: validity, views of 16 bytes, buffers of bytes, their lengths.
    fn views(&self) -> Result<Vec<Option<&str>>, String> {
        let (offset, length) = self.extent()?;
        if length == 0 {
            return Ok(Vec::new());
        }
        let views = self.buffer(1).ok_or(DAMAGED)?;
        let count = usize::try_from(self.n_buffers).unwrap_or_default();
        let data = self.view_buffers(count)?;
        let mut texts = Vec::with_capacity(length);
        for (place, present) in (offset..).zip(self.present()?) {
            if !present {
                texts.push(None);
                continue;
            }
            // SAFETY: there is a view for each item; they live until the array
            // is released.
            let view: &[u8; 16] = unsafe { views.cast().add(place).as_ref() };
            let own = viewed(view, &data).ok_or(DAMAGED)?;
            texts.push(str::from_utf8(own).ok());
        }
        Ok(texts)
    }

    /// The buffers that views point into.
    fn view_buffers(&self, count: usize) -> Result<Vec<&[u8]>, String> {
        let several = count.checked_sub(3).ok_or(DAMAGED)?;
        if several == 0 {
            return Ok(Vec::new());
        }
        let lengths = self.buffer(count - 1).ok_or(DAMAGED)?;
        let mut data: Vec<&[u8]> = Vec::with_capacity(several);
        for place in 0..several {
            // SAFETY: the last buffer has a length for each of the others.
            let length = unsafe { Self::value::<i64>(lengths, place) };
            let length = isize::try_from(length).ok().filter(|length| *length >= 0);
            let length = length.ok_or(DAMAGED)?.unsigned_abs();
            data.push(match self.buffer(place + 2) {
                // SAFETY: the buffer is that long and lives until the array is
                // released.
                Some(bytes) => unsafe { slice::from_raw_parts(bytes.as_ptr(), length) },
                None => &[],
            });
        }
        Ok(data)
    }

    /// Dictionary: validity, places among the values.
    fn indexed<'a>(
        &self,
        format: &[u8],
        values: &[Option<&'a str>],
    ) -> Result<Vec<Option<&'a str>>, String> {
        let (offset, length) = self.extent()?;
        if length == 0 {
            return Ok(Vec::new());
        }
        let places = self.buffer(1).ok_or(DAMAGED)?;
        // SAFETY, for each: there is a place for each item, of this width.
        let at = |item: usize| -> Option<usize> {
            match format {
                b"c" => usize::try_from(unsafe { Self::value::<i8>(places, item) }).ok(),
                b"C" => Some(usize::from(unsafe { Self::value::<u8>(places, item) })),
                b"s" => usize::try_from(unsafe { Self::value::<i16>(places, item) }).ok(),
                b"S" => Some(usize::from(unsafe { Self::value::<u16>(places, item) })),
                b"i" => usize::try_from(unsafe { Self::value::<i32>(places, item) }).ok(),
                b"I" => usize::try_from(unsafe { Self::value::<u32>(places, item) }).ok(),
                b"l" => usize::try_from(unsafe { Self::value::<i64>(places, item) }).ok(),
                b"L" => usize::try_from(unsafe { Self::value::<u64>(places, item) }).ok(),
                _ => None,
            }
        };
        let mut texts = Vec::with_capacity(length);
        for (item, present) in (offset..).zip(self.present()?) {
            if !present {
                texts.push(None);
                continue;
            }
            let place = at(item).ok_or(DAMAGED)?;
            texts.push(*values.get(place).ok_or(DAMAGED)?);
        }
        Ok(texts)
    }
}

/// Whether the bit of an item's place is set in the byte that it falls in.
fn bit(byte: u8, place: usize) -> bool {
    byte >> (place % 8) & 1 == 1
}

/// What a view shows: up to 12 bytes of its own, or a range of a buffer.
fn viewed<'a>(view: &'a [u8; 16], data: &[&'a [u8]]) -> Option<&'a [u8]> {
    let (words, _) = view.as_chunks::<4>();
    let word = |place: usize| Some(i32::from_ne_bytes(*words.get(place)?));
    let length = usize::try_from(word(0)?).ok()?;
    if length <= 12 {
        return view.get(4..4 + length);
    }
    let buffer = usize::try_from(word(2)?).ok()?;
    let start = usize::try_from(word(3)?).ok()?;
    data.get(buffer)?.get(start..start.checked_add(length)?)
}

/// An Arrow array of bool without nulls. Any library that knows the Arrow
/// PyCapsule interface takes it, e.g. `pyarrow.array(mask)`.
#[pyclass(frozen, module = "deputize")]
pub(crate) struct BooleanArray {
    bits: Arc<[u8]>,
    length: usize,
}

impl BooleanArray {
    /// Of a byte each, 1 for true.
    pub(crate) fn new(mask: &[u8]) -> Self {
        let byte = |eight: &[u8]| eight.iter().rev().fold(0, |byte, bit| byte << 1 | bit);
        Self {
            bits: mask.chunks(8).map(byte).collect(),
            length: mask.len(),
        }
    }

    /// As the library has it that the ids came from, where that is known.
    pub(crate) fn in_kind_of<'py>(self, ids: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = ids.py();
        let class = ids.get_type();
        let library = class.module()?;
        let library = library.to_str()?.split('.').next().unwrap_or_default();
        let own = Bound::new(py, self)?.into_any();
        match library {
            "pyarrow" => {
                let pyarrow = py.import("pyarrow")?;
                let array = pyarrow.call_method1("array", (own,))?;
                match class.name()?.to_str()? {
                    "ChunkedArray" => pyarrow.call_method1("chunked_array", ([array],)),
                    _ => Ok(array),
                }
            }
            "pandas" => {
                let truths = own.call_method0("__array__")?;
                match class.name()?.to_str()? {
                    // Selecting by it goes by the index.
                    "Series" => {
                        let index = PyDict::new(py);
                        index.set_item("index", ids.getattr("index")?)?;
                        py.import("pandas")?
                            .call_method("Series", (truths,), Some(&index))
                    }
                    _ => Ok(truths),
                }
            }
            "polars" => {
                let name = ids.getattr("name")?;
                py.import("polars")?.call_method1("Series", (name, own))
            }
            _ => Ok(own),
        }
    }

    fn truth(&self, place: usize) -> bool {
        let byte = self.bits.get(place / 8);
        byte.is_some_and(|byte| bit(*byte, place))
    }

    fn schema() -> Schema {
        Schema {
            format: c"b".as_ptr(),
            name: c"".as_ptr(),
            release: Some(release_schema),
            ..Schema::EMPTY
        }
    }

    fn array(&self) -> Array {
        let held = Box::new(Held {
            buffers: [ptr::null(), self.bits.as_ptr().cast()],
            _bits: Arc::clone(&self.bits),
        });
        Array {
            // A slice is never longer than this holds.
            length: i64::try_from(self.length).unwrap_or_default(),
            n_buffers: 2,
            buffers: held.buffers.as_ptr(),
            release: Some(release_array),
            private_data: Box::into_raw(held).cast(),
            ..Array::EMPTY
        }
    }
}

/// What an exported array keeps alive.
struct Held {
    buffers: [*const c_void; 2],
    _bits: Arc<[u8]>,
}

/// What it points to is static: nothing is to be given back.
unsafe extern "C" fn release_schema(schema: *mut Schema) {
    // SAFETY: it is called with the schema it belongs to.
    if let Some(schema) = unsafe { schema.as_mut() } {
        schema.release = None;
    }
}

unsafe extern "C" fn release_array(array: *mut Array) {
    // SAFETY: it is called, once, with the array it belongs to, whose
    // `private_data` is the box that `BooleanArray::array` made.
    unsafe {
        if let Some(array) = array.as_mut() {
            array.release = None;
            drop(Box::from_raw(array.private_data.cast::<Held>()));
        }
    }
}

#[pymethods]
impl BooleanArray {
    /// The type, for the Arrow PyCapsule interface.
    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        PyCapsule::new_with_value(py, Self::schema(), c"arrow_schema")
    }

    /// The type and the data, for the Arrow PyCapsule interface.
    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_array__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<(Bound<'py, PyCapsule>, Bound<'py, PyCapsule>)> {
        // Another type may be asked for, and need not be given.
        let _ = requested_schema;
        Ok((
            self.__arrow_c_schema__(py)?,
            PyCapsule::new_with_value(py, self.array(), c"arrow_array")?,
        ))
    }

    /// As a NumPy array of bool, which is what NumPy, pandas and others ask for.
    #[pyo3(signature = (dtype = None, copy = None))]
    pub(crate) fn __array__<'py>(
        &self,
        py: Python<'py>,
        dtype: Option<&Bound<'py, PyAny>>,
        copy: Option<bool>,
    ) -> PyResult<Bound<'py, PyAny>> {
        if copy == Some(false) {
            let said = "a mask holds bits: an array of bool is always a copy";
            return Err(PyValueError::new_err(said));
        }
        let truths = PyList::new(py, (0..self.length).map(|place| self.truth(place)))?;
        let array = py
            .import("numpy")?
            .call_method1("array", (truths, "bool"))?;
        match dtype {
            None => Ok(array),
            Some(dtype) => array.call_method1("astype", (dtype,)),
        }
    }

    /// A mask is many answers, and the truth of none of them.
    fn __bool__(&self, py: Python<'_>) -> PyResult<bool> {
        let said =
            "a mask has no truth of its own: ask `Filtered.allowed`, `any(mask)` or `all(mask)`";
        Err(misuse(py, said))
    }

    fn __len__(&self) -> usize {
        self.length
    }

    fn __getitem__(&self, place: &Bound<'_, PyAny>) -> PyResult<bool> {
        let Ok(asked) = place.extract::<isize>() else {
            return Err(not_a(place, "place", "an int"));
        };
        let place = match asked < 0 {
            true => asked.checked_add_unsigned(self.length).unwrap_or(-1),
            false => asked,
        };
        let place = usize::try_from(place).ok().filter(|p| *p < self.length);
        let found = place.map(|place| self.truth(place));
        found.ok_or_else(|| PyIndexError::new_err("there are fewer items"))
    }

    fn __repr__(&self) -> String {
        format!("BooleanArray({} items)", self.length)
    }
}
