//! The extension module `deputize._deputize`: converts Python's values, calls
//! `deputize-wire`, and maps what comes back. It has no logic and no default of
//! its own. What is asked often (`check`, `can`, `filter`) goes to the core by
//! values; all else goes as JSON texts, as it does in every language.

mod answer;
mod argument;
mod arrow;
mod caller;
mod error;
mod ids;
mod policy;

use pyo3::prelude::*;

/// Deputize's core. `deputize` is the package around it.
#[pymodule(gil_used = false)]
mod _deputize {
    use pyo3::prelude::*;

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
