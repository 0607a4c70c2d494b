//! Prints one file of `tests/vectors/`, by its name.

use std::io::Write as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    let wanted = std::env::args().nth(1).unwrap_or_default();
    let files = deputize_tests::vectors::files();
    let Some((_, text)) = files.iter().find(|(name, _)| *name == wanted) else {
        let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
        eprintln!("error: no file `{wanted}`; there are {}", names.join(", "));
        return ExitCode::FAILURE;
    };
    match std::io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
