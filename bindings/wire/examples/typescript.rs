//! Prints the shapes as TypeScript: `wasm/ts/shapes.ts` is this program's
//! output.

use std::io::Write;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let text = deputize_wire::typescript::declarations()?;
    Ok(write!(std::io::stdout(), "{text}")?)
}
