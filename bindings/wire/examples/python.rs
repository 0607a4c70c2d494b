//! Prints the shapes as Python's types: `deputize/shapes.py` is this program's
//! output.

use std::io::Write;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let text = deputize_wire::python::declarations()?;
    Ok(write!(std::io::stdout(), "{text}")?)
}
