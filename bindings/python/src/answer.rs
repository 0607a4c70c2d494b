//! What comes back: answers as Python's values.
//!
//! An answer that allows or denies is an object whose truth is that answer. As
//! a dict it would be true in every `if`, a denial too.

use deputize_wire::Error;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString};

use crate::error::answered;

/// JSON as Python's values.
pub(crate) fn read<'py>(py: Python<'py>, answer: &str) -> PyResult<Bound<'py, PyAny>> {
    static READ: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    READ.import(py, "deputize._json", "read")?.call1((answer,))
}

/// The answer of a question of `deputize-wire`, asked while other threads may
/// have the interpreter.
pub(crate) fn asked(
    py: Python<'_>,
    ask: impl FnOnce() -> Result<String, Error> + Send,
) -> PyResult<Py<PyAny>> {
    let answer = answered(py, ask)?;
    Ok(read(py, &answer)?.unbind())
}

fn member<'py>(body: &Bound<'py, PyDict>, name: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
    body.get_item(name)
}

fn truth(body: &Bound<'_, PyDict>) -> PyResult<bool> {
    match member(body, "allowed")? {
        Some(allowed) => allowed.extract(),
        None => Ok(false),
    }
}

fn verdict(allowed: bool) -> &'static str {
    if allowed { "allowed" } else { "denied" }
}

fn said(body: &Bound<'_, PyDict>, name: &str) -> PyResult<String> {
    match member(body, name)? {
        Some(text) if !text.is_none() => Ok(text.cast::<PyString>()?.to_str()?.to_owned()),
        _ => Ok(String::new()),
    }
}

/// Defines an answer that holds a JSON object: its members read one by one, its
/// truth whether it allows, and the object itself for logs and for other
/// programs.
macro_rules! answers {
    ($($(#[$doc:meta])* $name:ident { $($(#[$member_doc:meta])* $member:ident,)* })*) => {
        $(
            $(#[$doc])*
            #[pyclass(frozen, eq, module = "deputize")]
            pub(crate) struct $name {
                allowed: bool,
                body: Py<PyDict>,
            }

            impl $name {
                /// An answer around the JSON text of one.
                pub(crate) fn of(py: Python<'_>, answer: &str) -> PyResult<Self> {
                    Self::around(read(py, answer)?.cast_into::<PyDict>()?)
                }

                fn around(body: Bound<'_, PyDict>) -> PyResult<Self> {
                    let allowed = truth(&body)?;
                    Ok(Self { allowed, body: body.unbind() })
                }
            }

            impl PartialEq for $name {
                fn eq(&self, other: &Self) -> bool {
                    Python::attach(|py| {
                        self.body.bind(py).eq(other.body.bind(py)).unwrap_or(false)
                    })
                }
            }

            #[pymethods]
            impl $name {
                /// Whether it is allowed.
                #[getter]
                fn allowed(&self) -> bool {
                    self.allowed
                }

                $(
                    $(#[$member_doc])*
                    #[getter]
                    fn $member<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
                        member(self.body.bind(py), stringify!($member))
                    }
                )*

                /// The answer as plain values, as every language has it: a copy.
                fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
                    self.body.bind(py).copy()
                }

                fn __bool__(&self) -> bool {
                    self.allowed
                }

                fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, (String,))> {
                    let make = py.get_type::<Self>().getattr("_of")?;
                    let text = crate::argument::json(self.body.bind(py).as_any(), "answer")?;
                    Ok((make, (text,)))
                }

                /// For pickle.
                #[staticmethod]
                fn _of(py: Python<'_>, text: &str) -> PyResult<Self> {
                    Self::of(py, text)
                }

                fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
                    let what = self.named(self.body.bind(py))?;
                    Ok(format!(concat!(stringify!($name), "({}{})"), verdict(self.allowed), what))
                }
            }
        )*
    };
}

answers! {
    /// Whether a caller may, and why. Its truth is whether it is allowed.
    Checked {
        /// The reason: a stable code, e.g. `subject.no_grant`.
        reason,
        /// The reason in words.
        message,
    }

    /// A decision with what it rests on and its audit record. Its truth is
    /// whether it is allowed.
    Decision {
        /// The reason: a stable code, e.g. `subject.no_grant`.
        reason,
        /// The reason in words.
        message,
        /// Each part of the effective authority and what decided it; `None`
        /// where there was no caller.
        branches,
        /// The audit record.
        record,
    }

    /// Why a check came out as it did. Its truth is whether it is allowed.
    Explanation {
        /// The user asked about.
        user,
        /// The tree: for an allow the shortest way that decided, for a denial
        /// every branch that failed.
        because,
        /// The code of the error that denied, or `None`.
        error,
        /// The error in words, or `None`.
        message,
    }
}

impl Checked {
    fn named(&self, body: &Bound<'_, PyDict>) -> PyResult<String> {
        Ok(format!(", reason='{}'", said(body, "reason")?))
    }
}

impl Decision {
    fn named(&self, body: &Bound<'_, PyDict>) -> PyResult<String> {
        let record = member(body, "record")?;
        let record = record.map(|r| r.cast_into::<PyDict>()).transpose()?;
        let asked = match record {
            Some(record) => format!(
                ", actor='{}', action='{}', resource='{}', id='{}'",
                said(&record, "actor")?,
                said(&record, "action")?,
                said(&record, "resource")?,
                said(&record, "id")?,
            ),
            None => String::new(),
        };
        Ok(format!(", reason='{}'{asked}", said(body, "reason")?))
    }
}

impl Explanation {
    fn named(&self, body: &Bound<'_, PyDict>) -> PyResult<String> {
        let because = member(body, "because")?;
        let because = because.map(|b| b.cast_into::<PyDict>()).transpose()?;
        let node = because.map_or_else(|| Ok(String::new()), |b| said(&b, "node"))?;
        Ok(format!(", user='{}', node='{node}'", said(body, "user")?))
    }
}

/// One answer of a batch. Its truth is whether it is allowed; an error denies.
#[pyclass(frozen, module = "deputize")]
pub(crate) struct CheckAnswer {
    /// Whether the user has the relation; an error is a denial.
    #[pyo3(get)]
    allowed: bool,
    /// Why there is no answer, where there is none: a `DeputizeError`.
    #[pyo3(get)]
    error: Option<Py<PyAny>>,
}

impl CheckAnswer {
    /// The answers of a batch.
    pub(crate) fn list(py: Python<'_>, answers: &str) -> PyResult<Vec<Self>> {
        let make = py.import("deputize.errors")?.getattr("_of_body")?;
        let mut list = Vec::new();
        for answer in read(py, answers)?.try_iter()? {
            let answer = answer?.cast_into::<PyDict>()?;
            let error = match member(&answer, "error")? {
                Some(body) => Some(make.call1((body,))?.unbind()),
                None => None,
            };
            list.push(Self {
                allowed: truth(&answer)?,
                error,
            });
        }
        Ok(list)
    }
}

#[pymethods]
impl CheckAnswer {
    fn __bool__(&self) -> bool {
        self.allowed
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let error = match &self.error {
            Some(error) => format!(", error={}", error.bind(py).repr()?),
            None => String::new(),
        };
        Ok(format!("CheckAnswer({}{error})", verdict(self.allowed)))
    }
}
