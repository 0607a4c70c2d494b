//! Python's values as the texts that `deputize-wire` takes.

use std::time::{SystemTime, UNIX_EPOCH};

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyString};

use crate::error::{broken, misuse};

/// Milliseconds, taken for seconds, are tens of thousands of years.
const LATEST: f64 = 1e11;

/// A text that has a form in UTF-8. (A lone surrogate has none.)
pub(crate) fn text<'a>(value: &'a Bound<'_, PyAny>, name: &str) -> PyResult<&'a str> {
    if let Ok(text) = value.cast::<PyString>() {
        return text.to_str().map_err(|_| {
            misuse(
                value.py(),
                format!("`{name}` must be a str without lone surrogates"),
            )
        });
    }
    Err(not_a(value, name, "a str"))
}

/// An argument of another type.
pub(crate) fn not_a(value: &Bound<'_, PyAny>, name: &str, wanted: &str) -> PyErr {
    let py = value.py();
    let found = value.get_type();
    match found.name() {
        Ok(found) => misuse(py, format!("`{name}` must be {wanted}, not `{found}`")),
        Err(error) => error,
    }
}

/// A document's bytes: from bytes or anything that lends its own, a text, or
/// what can be written as JSON.
pub(crate) fn document<'py>(
    value: &Bound<'py, PyAny>,
    name: &str,
) -> PyResult<Bound<'py, PyBytes>> {
    let py = value.py();
    if value.is_instance_of::<PyString>() {
        return Ok(PyBytes::new(py, text(value, name)?.as_bytes()));
    }
    match lent(value)? {
        Some(bytes) => Ok(bytes),
        None => {
            let said = json(value, name)?;
            Ok(PyBytes::new(py, said.as_bytes()))
        }
    }
}

/// The bytes of `bytes`, or of anything that lends its own (PEP 3118).
pub(crate) fn lent<'py>(value: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyBytes>>> {
    if let Ok(bytes) = value.cast::<PyBytes>() {
        return Ok(Some(bytes.clone()));
    }
    static VIEW: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let view = VIEW.import(value.py(), "builtins", "memoryview")?;
    match view.call1((value,)) {
        Ok(view) => Ok(Some(view.call_method0("tobytes")?.cast_into()?)),
        Err(_) => Ok(None),
    }
}

/// A value as JSON.
pub(crate) fn json(value: &Bound<'_, PyAny>, name: &str) -> PyResult<String> {
    static WRITE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let py = value.py();
    let write = WRITE.import(py, "deputize._json", "write")?;
    match write.call1((value,)) {
        Ok(said) => Ok(said.cast::<PyString>()?.to_str()?.to_owned()),
        Err(error) => {
            let refused = misuse(
                py,
                format!("`{name}` cannot be written as JSON: {}", error.value(py)),
            );
            refused.set_cause(py, Some(error));
            Err(refused)
        }
    }
}

/// Keyword arguments as an object in JSON; nothing at all is the empty text.
/// `None` says nothing, as leaving it out does.
pub(crate) fn options(py: Python<'_>, given: Option<&Bound<'_, PyDict>>) -> PyResult<String> {
    let Some(given) = given else {
        return Ok(String::new());
    };
    let said = said(py, given)?;
    match said.is_empty() {
        true => Ok(String::new()),
        false => json(said.as_any(), "options"),
    }
}

/// [`options`] with the time of the request, which is the host's clock unless
/// `now` says otherwise.
pub(crate) fn timed(
    py: Python<'_>,
    given: Option<&Bound<'_, PyDict>>,
    now: Option<&Bound<'_, PyAny>>,
) -> PyResult<String> {
    let now = seconds(py, now)?;
    let said = match given {
        Some(given) => said(py, given)?,
        None => PyDict::new(py),
    };
    if said.is_empty() {
        return Ok(format!("{{\"now\":{now}}}"));
    }
    said.set_item("now", now)?;
    json(said.as_any(), "options")
}

/// Options with one more.
pub(crate) fn with<'py>(
    py: Python<'py>,
    options: Option<&Bound<'py, PyDict>>,
    name: &str,
    value: &str,
) -> PyResult<Bound<'py, PyDict>> {
    let all = match options {
        Some(options) => options.copy()?,
        None => PyDict::new(py),
    };
    all.set_item(name, value)?;
    Ok(all)
}

fn said<'py>(py: Python<'py>, given: &Bound<'py, PyDict>) -> PyResult<Bound<'py, PyDict>> {
    let said = PyDict::new(py);
    for (name, value) in given.iter() {
        if !value.is_none() {
            said.set_item(name, value)?;
        }
    }
    Ok(said)
}

/// A time in whole seconds since the Unix epoch: a number of them, a `datetime`
/// that knows its offset, or, without either, the host's clock.
pub(crate) fn seconds(py: Python<'_>, now: Option<&Bound<'_, PyAny>>) -> PyResult<u64> {
    let Some(now) = now else {
        return match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => Ok(since.as_secs()),
            Err(_) => Err(broken("the host's clock is before 1970")),
        };
    };
    let wrong = || {
        let said = "`now` must be seconds since 1970, or a datetime with a time zone";
        misuse(py, said)
    };
    let number = if now.is_instance_of::<PyBool>() {
        return Err(wrong());
    } else if now.is_instance_of::<PyInt>() || now.is_instance_of::<PyFloat>() {
        now.extract::<f64>().map_err(|_| wrong())?
    } else {
        // A datetime, known by what it can do, so that `datetime` need not be
        // imported. One without an offset would mean the host's own zone.
        let offset = now.call_method0("utcoffset").map_err(|_| wrong())?;
        if offset.is_none() {
            return Err(wrong());
        }
        now.call_method0("timestamp")
            .and_then(|stamp| stamp.extract::<f64>())
            .map_err(|_| wrong())?
    };
    match (0.0..LATEST).contains(&number) {
        true => Ok(number as u64),
        false => Err(wrong()),
    }
}
