//! The extension module `deputize._deputize`: converts Python's values, calls
//! `deputize-wire`, and maps what comes back. It has no logic and no default of
//! its own. What is asked often (`check`, `can`, `filter`) goes to the core by
//! values; all else goes as JSON texts, as it does in every language.

mod answer;
mod argument;
mod arrow;
mod caller;
mod error;
mod file;
mod ids;
mod policy;

use pyo3::prelude::*;

/// Deputize's core. `deputize` is the package around it.
#[pymodule(gil_used = false)]
mod _deputize {
    use pyo3::prelude::*;
    use pyo3::types::PyDict;

    #[pymodule_export]
    use crate::answer::{CheckAnswer, Checked, Decision, Explanation};
    #[pymodule_export]
    use crate::arrow::BooleanArray;
    #[pymodule_export]
    use crate::caller::Caller;
    #[pymodule_export]
    use crate::ids::Filtered;
    #[pymodule_export]
    use crate::policy::Policy;

    /// Decodes a token and says what is odd about it, without any policy.
    /// Nothing in the answer may be relied upon: no signature is checked.
    ///
    /// Options: `now`, the time at which the token's times are looked at, the
    /// host's clock by default; `check_times=False` leaves them alone.
    ///
    /// >>> import deputize
    /// >>> found = deputize.inspect("eyJhbGciOiJub25lIn0.e30.")
    /// >>> found["verified"], found["header"]
    /// (False, {'alg': 'none'})
    #[pyfunction]
    #[pyo3(signature = (token, *, now = None, check_times = true))]
    fn inspect(
        token: &Bound<'_, PyAny>,
        now: Option<&Bound<'_, PyAny>>,
        check_times: bool,
    ) -> PyResult<Py<PyAny>> {
        let py = token.py();
        let options = match check_times {
            true => crate::argument::timed(py, None, now)?,
            false => String::new(),
        };
        let text = crate::argument::text(token, "token")?;
        crate::answer::asked(py, || deputize_wire::inspect(text, &options))
    }

    /// Which of `keys` signed a token. It says nothing of the claims: neither
    /// whether the token has expired, nor for whom it is, so it lets nobody in.
    ///
    /// `keys`: a JWK set, or another form that a snapshot's issuer may have its
    /// keys in: a mapping, its JSON, or the bytes of that. Options:
    /// `algorithms`, the names of those that may be used, by default those that
    /// the keys name; `kid`, the key to take for a token that names none.
    ///
    /// Raises MisuseError or InputError for the keys, DeniedError as
    /// `Policy.verify` up to the signature.
    #[pyfunction]
    #[pyo3(signature = (token, keys, **options))]
    fn verify_signature(
        token: &Bound<'_, PyAny>,
        keys: &Bound<'_, PyAny>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Py<PyAny>> {
        let py = token.py();
        let text = crate::argument::text(token, "token")?;
        let keys = crate::argument::document(keys, "keys")?;
        let Ok(keys) = std::str::from_utf8(keys.as_bytes()) else {
            return Err(crate::error::misuse(py, "`keys` must be UTF-8"));
        };
        let options = crate::argument::options(py, options)?;
        crate::answer::asked(py, || deputize_wire::verify_signature(text, keys, &options))
    }

    /// Panics, so that a test can see what comes of it.
    #[pyfunction]
    fn _panic(py: Python<'_>) -> PyResult<bool> {
        #[expect(clippy::panic, reason = "it is what this function is for")]
        crate::error::away(py, || panic!("on purpose"))
    }

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
