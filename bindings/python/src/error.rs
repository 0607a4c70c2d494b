//! Errors: the one shape that `deputize-wire` has, raised as the classes of
//! `deputize.errors`.

use std::panic::{AssertUnwindSafe, catch_unwind};

use deputize_wire::{Error, Kind};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;

/// How many steps a check may take before it lets other threads have the
/// interpreter: about ten microseconds. Nearly all take far fewer.
pub(crate) const QUICK: u64 = 1_000;

/// The exception that an error is raised as. With it, it may be returned too.
pub(crate) fn exception<'py>(py: Python<'py>, error: &Error) -> PyResult<Bound<'py, PyAny>> {
    static MISUSE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    static INPUT: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    static DENIED: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    static INTERNAL: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let (class, name) = match error.kind {
        Kind::Misuse => (&MISUSE, "MisuseError"),
        Kind::Input => (&INPUT, "InputError"),
        Kind::Denied => (&DENIED, "DeniedError"),
        Kind::Internal => (&INTERNAL, "InternalError"),
    };
    let details = PyDict::new(py);
    details.set_item("pointer", &error.pointer)?;
    details.set_item("line", error.line)?;
    details.set_item("column", error.column)?;
    details.set_item("oauth_error", error.oauth_error)?;
    class
        .import(py, "deputize.errors", name)?
        .call((error.code, &error.message), Some(&details))
}

/// An error as what Python raises.
pub(crate) fn raised(py: Python<'_>, error: &Error) -> PyErr {
    match exception(py, error) {
        Ok(exception) => PyErr::from_value(exception),
        Err(failed) => failed,
    }
}

/// An argument that is not what it must be.
pub(crate) fn misuse(py: Python<'_>, message: impl Into<String>) -> PyErr {
    raised(py, &Error::misuse("call.type", message))
}

/// Runs with the interpreter held. A panic is our bug, and is raised as one: it
/// must neither end the interpreter nor pass an `except Exception` by.
pub(crate) fn guarded<T>(py: Python<'_>, ask: impl FnOnce() -> T) -> PyResult<T> {
    catch_unwind(AssertUnwindSafe(ask)).map_err(|_| {
        let error = Error {
            kind: Kind::Internal,
            code: "internal",
            ..Error::misuse("internal", "a panic: please report it")
        };
        raised(py, &error)
    })
}

/// Runs while other threads may have the interpreter.
pub(crate) fn away<T: Send>(py: Python<'_>, ask: impl FnOnce() -> T + Send) -> PyResult<T> {
    guarded(py, || py.detach(ask))
}

/// [`away`], for what may fail.
pub(crate) fn answered<T: Send>(
    py: Python<'_>,
    ask: impl FnOnce() -> Result<T, Error> + Send,
) -> PyResult<T> {
    away(py, ask)?.map_err(|error| raised(py, &error))
}

/// What must not happen, and did.
pub(crate) fn broken(said: &'static str) -> PyErr {
    PyRuntimeError::new_err(said)
}
