//! Prints the JSON Schema of the snapshot: `schema/snapshot.schema.json` is this
//! program's output.

use std::io::Write;

fn main() -> std::io::Result<()> {
    let schema = schemars::schema_for!(deputize::Snapshot<'static>);
    let text = serde_json::to_string_pretty(&schema)?;
    writeln!(std::io::stdout(), "{text}")
}
