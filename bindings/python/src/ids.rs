//! Ids in bulk: from a list, a NumPy array or an Arrow array, with no object
//! per id where there is none, and the answer in kind.
//!
//! An id that is null, not a text, or no UTF-8 is no id of anything. The empty
//! text, which is none either, stands for it: the core drops it, and counts it
//! with the reason that it has for such a text.

use deputize_wire as wire;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyBytes, PyDict, PyList, PyString, PyTuple, PyType};

use crate::argument::not_a;
use crate::arrow::{self, BooleanArray, numpy_mask};
use crate::error::{answered, misuse};

/// What ids may come in.
const WANTED: &str = "a list, a tuple, a NumPy array or an Arrow array of str";

/// Which of many ids are allowed. Its truth is whether any is.
#[pyclass(frozen, module = "deputize")]
pub(crate) struct Filtered {
    /// For each id, in the order given, whether it is allowed: a list of bool
    /// for a list, a NumPy array of bool for a NumPy array, an Arrow array of
    /// bool for an Arrow array, a Series with the same index for one of pandas.
    #[pyo3(get)]
    mask: Py<PyAny>,
    /// How many are allowed.
    #[pyo3(get)]
    allowed: usize,
    /// How many were dropped, by the code of the first reason that dropped
    /// them.
    #[pyo3(get)]
    dropped: Py<PyDict>,
    bytes: Vec<u8>,
}

#[pymethods]
impl Filtered {
    /// The items at the allowed places of as many items as there were ids, in
    /// their order: chunks, say, whose ids were asked about.
    ///
    /// Raises MisuseError where there are more or fewer.
    fn select<'py>(&self, items: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyList>> {
        let py = items.py();
        let kept = PyList::empty(py);
        let mut places = self.bytes.iter();
        for item in items
            .try_iter()
            .map_err(|_| not_a(items, "items", "iterable"))?
        {
            let item = item?;
            match places.next() {
                Some(1) => kept.append(item)?,
                Some(_) => {}
                None => return Err(self.uneven(py)),
            }
        }
        match places.next() {
            None => Ok(kept),
            Some(_) => Err(self.uneven(py)),
        }
    }

    /// `Filtered[list[bool]]`, for annotations.
    #[classmethod]
    fn __class_getitem__<'py>(
        class: &Bound<'py, PyType>,
        _item: &Bound<'py, PyAny>,
    ) -> Bound<'py, PyType> {
        class.clone()
    }

    fn __bool__(&self) -> bool {
        self.allowed > 0
    }

    /// The mask as a NumPy array of bool. Without it NumPy would take the whole
    /// for one truth.
    #[pyo3(signature = (dtype = None, copy = None))]
    fn __array__<'py>(
        &self,
        py: Python<'py>,
        dtype: Option<&Bound<'py, PyAny>>,
        copy: Option<bool>,
    ) -> PyResult<Bound<'py, PyAny>> {
        BooleanArray::new(&self.bytes).__array__(py, dtype, copy)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!(
            "Filtered({} of {} allowed, dropped={})",
            self.allowed,
            self.bytes.len(),
            self.dropped.bind(py).repr()?,
        ))
    }
}

impl Filtered {
    fn uneven(&self, py: Python<'_>) -> PyErr {
        let said = format!(
            "`items` must be as many as the ids were: {}",
            self.bytes.len()
        );
        misuse(py, said)
    }

    fn new(mask: Bound<'_, PyAny>, found: wire::Filtered) -> PyResult<Self> {
        let dropped = PyDict::new(mask.py());
        for (reason, count) in &found.dropped {
            dropped.set_item(reason, count)?;
        }
        Ok(Self {
            mask: mask.unbind(),
            allowed: found.allowed,
            dropped: dropped.unbind(),
            bytes: found.mask,
        })
    }
}

/// Asks about ids, whatever they come in.
pub(crate) fn filtered(
    given: &Bound<'_, PyAny>,
    name: &str,
    ask: impl FnOnce(wire::Ids<'_>) -> Result<wire::Filtered, wire::Error> + Send,
) -> PyResult<Filtered> {
    let py = given.py();
    if let Ok(list) = given.cast::<PyList>() {
        // Another thread may change a list, but not a tuple.
        return of_objects(&list.to_tuple(), ask);
    }
    if let Ok(tuple) = given.cast::<PyTuple>() {
        return of_objects(tuple, ask);
    }
    let pandas = arrow::library(given)? == "pandas";
    let column = match arrow::column(given, name) {
        // Without pyarrow, pandas can give none.
        Err(_) if pandas => None,
        column => column?,
    };
    if let Some(column) = column {
        let found = answered(py, || {
            let ids = column.ids();
            ask(ids.map_err(|said| wire::Error::misuse("call.type", format!("`{name}`: {said}")))?)
        })?;
        let mask = BooleanArray::new(&found.mask).in_kind_of(given)?;
        return Filtered::new(mask, found);
    }
    if pandas && given.hasattr(intern!(py, "array"))? {
        let objects = given.call_method1("to_numpy", ("object",))?;
        let list = objects.call_method0("tolist")?.cast_into::<PyList>()?;
        let found = decided(&list.to_tuple(), ask)?;
        let mask = BooleanArray::new(&found.mask).in_kind_of(given)?;
        return Filtered::new(mask, found);
    }
    if let Some(numpy) = numpy_of(given)? {
        return of_numpy(&numpy, given, name, ask);
    }
    Err(not_a(given, name, WANTED))
}

fn texts<'a>(held: &'a [Option<Bound<'_, PyString>>]) -> Vec<&'a str> {
    let text = |held: &'a Option<Bound<'_, PyString>>| held.as_ref()?.to_str().ok();
    held.iter()
        .map(|one| text(one).unwrap_or_default())
        .collect()
}

fn decided(
    tuple: &Bound<'_, PyTuple>,
    ask: impl FnOnce(wire::Ids<'_>) -> Result<wire::Filtered, wire::Error> + Send,
) -> PyResult<wire::Filtered> {
    let held: Vec<_> = tuple
        .iter()
        .map(|id| id.cast_into::<PyString>().ok())
        .collect();
    if held.iter().all(Option::is_none) {
        none_is_text(tuple)?;
    }
    let ids = texts(&held);
    answered(tuple.py(), || ask((&ids).into()))
}

/// Refuses ids of which each is an object that is no id, e.g. a number: all would
/// be dropped for what is wrong with the program. Nothing is not refused: `None`,
/// or NumPy's and pandas' ways to say so.
fn none_is_text(tuple: &Bound<'_, PyTuple>) -> PyResult<()> {
    for item in tuple {
        let kind = item.get_type();
        let kind = kind.name()?.to_str()?.to_owned();
        if matches!(kind.as_str(), "int" | "UUID" | "bytes") || kind.starts_with("int") {
            let said = format!("ids must be str like `type:id`, and the first is of `{kind}`");
            return Err(misuse(tuple.py(), said));
        }
    }
    Ok(())
}

fn of_objects(
    tuple: &Bound<'_, PyTuple>,
    ask: impl FnOnce(wire::Ids<'_>) -> Result<wire::Filtered, wire::Error> + Send,
) -> PyResult<Filtered> {
    let py = tuple.py();
    let found = decided(tuple, ask)?;
    let truths = found.mask.iter().map(|one| PyBool::new(py, *one == 1));
    let mask = PyList::new(py, truths)?;
    Filtered::new(mask.into_any(), found)
}

/// The module `numpy`, where this is one of its arrays: then somebody has
/// imported it already.
fn numpy_of<'py>(given: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    static MODULES: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let py = given.py();
    let modules = MODULES.import(py, "sys", "modules")?;
    let numpy = modules.call_method1("get", (intern!(py, "numpy"),))?;
    if numpy.is_none() || !given.is_instance(&numpy.getattr("ndarray")?)? {
        return Ok(None);
    }
    Ok(Some(numpy))
}

fn of_numpy(
    numpy: &Bound<'_, PyAny>,
    given: &Bound<'_, PyAny>,
    name: &str,
    ask: impl FnOnce(wire::Ids<'_>) -> Result<wire::Filtered, wire::Error> + Send,
) -> PyResult<Filtered> {
    let py = given.py();
    if given.getattr("ndim")?.extract::<usize>()? != 1 {
        let said = format!("`{name}` must be an array of one dimension");
        return Err(misuse(py, said));
    }
    let dtype = given.getattr("dtype")?;
    let plain = given.get_type().is(&numpy.getattr("ndarray")?);
    let kind = dtype.getattr("kind")?;
    let found = match kind.extract::<&str>()? {
        "U" if plain => {
            let size = dtype.getattr("itemsize")?.extract::<usize>()?;
            let count = given.getattr("size")?.extract::<usize>()?;
            let swapped = !dtype.getattr("isnative")?.extract::<bool>()?;
            let bytes = given.call_method0("tobytes")?.cast_into::<PyBytes>()?;
            let bytes = bytes.as_bytes();
            answered(py, || {
                let fixed = Fixed::read(bytes, size, count, swapped);
                ask((&fixed.texts()).into())
            })?
        }
        // Texts of a subclass may be masked: as objects, those are none.
        "U" | "O" | "T" => {
            let list = given.call_method0("tolist")?.cast_into::<PyList>()?;
            decided(&list.to_tuple(), ask)?
        }
        _ => {
            let said = format!("`{name}` must be an array of str, not of `{dtype}`");
            return Err(misuse(py, said));
        }
    };
    let mask = numpy_mask(numpy, &found.mask)?;
    Filtered::new(mask, found)
}

/// Texts that NumPy holds side by side in UTF-32, as UTF-8.
struct Fixed {
    all: String,
    /// Where each ends; one that is no text is empty.
    ends: Vec<usize>,
}

impl Fixed {
    fn read(bytes: &[u8], size: usize, count: usize, swapped: bool) -> Self {
        let mut fixed = Self {
            all: String::with_capacity(bytes.len() / 4),
            ends: Vec::with_capacity(count),
        };
        if size > 0 {
            for item in bytes.chunks_exact(size) {
                fixed.push(item, swapped);
            }
        }
        fixed.ends.resize(count, fixed.all.len());
        fixed
    }

    fn push(&mut self, item: &[u8], swapped: bool) {
        let start = self.all.len();
        let (units, _) = item.as_chunks::<4>();
        // NumPy fills up with zeros, and takes them off again.
        let used = units.iter().rposition(|unit| *unit != [0; 4]);
        let used = used.map_or(0, |last| last + 1);
        for unit in units.iter().take(used) {
            let native = u32::from_ne_bytes(*unit);
            let code = if swapped { native.swap_bytes() } else { native };
            match char::from_u32(code) {
                Some(character) => self.all.push(character),
                None => {
                    self.all.truncate(start);
                    break;
                }
            }
        }
        self.ends.push(self.all.len());
    }

    fn texts(&self) -> Vec<&str> {
        let mut start = 0;
        let text = |end: &usize| {
            let text = self.all.get(start..*end).unwrap_or_default();
            start = *end;
            text
        };
        self.ends.iter().map(text).collect()
    }
}
