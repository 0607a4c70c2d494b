//! Files of policies.

use std::path::Path;

use deputize::Policy;
use deputize_wire as wire;
use pyo3::prelude::*;

use crate::error::{away, raised};

/// How the compiled form begins.
const COMPILED_MAGIC: &[u8] = b"DEPUTIZE";

/// A file of either form; each error names it.
pub(crate) fn read_file(py: Python<'_>, path: &Path) -> PyResult<Policy> {
    let read = away(py, || {
        let bytes = std::fs::read(path)?;
        Ok::<_, std::io::Error>(match bytes.starts_with(COMPILED_MAGIC) {
            true => wire::from_compiled(&bytes),
            false => wire::from_json(&bytes),
        })
    })?;
    let shown = path.display();
    match read {
        Ok(policy) => policy.map_err(|mut error| {
            error.message = format!("{shown}: {}", error.message);
            raised(py, &error)
        }),
        Err(error) => {
            let error = PyErr::from(error);
            error.value(py).setattr("filename", shown.to_string())?;
            Err(error)
        }
    }
}
