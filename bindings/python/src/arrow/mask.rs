//! Arrays of bool: an answer in kind.
#![allow(unsafe_code, reason = "see `arrow`")]

use std::ffi::c_void;
use std::ptr;
use std::sync::Arc;

use pyo3::exceptions::{PyIndexError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyCapsule, PyDict};

use super::{Array, Schema, bit};
use crate::argument::not_a;
use crate::error::misuse;

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
        let (class, library) = (ids.get_type(), library(ids)?);
        let own = Bound::new(py, self)?.into_any();
        match library.as_str() {
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

/// The library that a value's class is of: the first part of its module's name.
pub(crate) fn library(value: &Bound<'_, PyAny>) -> PyResult<String> {
    let module = value.get_type().module()?;
    let first = module.to_str()?.split('.').next();
    Ok(first.unwrap_or_default().to_owned())
}

/// Truths of a byte each as a NumPy array of bool, which may be written to.
pub(crate) fn numpy_mask<'py>(
    numpy: &Bound<'py, PyAny>,
    truths: &[u8],
) -> PyResult<Bound<'py, PyAny>> {
    // It would refuse a buffer of no bytes.
    match truths.is_empty() {
        true => numpy.call_method1("zeros", (0, "bool")),
        false => {
            let bytes = PyByteArray::new(numpy.py(), truths);
            numpy.call_method1("frombuffer", (bytes, "bool"))
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
        let truths: Vec<u8> = (0..self.length).map(|p| u8::from(self.truth(p))).collect();
        let array = numpy_mask(py.import("numpy")?.as_any(), &truths)?;
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
