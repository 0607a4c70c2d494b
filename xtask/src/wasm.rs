//! The relations-only engine as a WebAssembly module: it imports nothing, so
//! it can reach nothing, and it gives the right answers there.

use std::path::{Path, PathBuf};

use xtask::failure::Failure;
use xtask::program::{Program, target};

use crate::step::Outcome;

pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

/// What the module answers when each question of `xtask/probe` came out right.
const ALL_RIGHT: &str = "2047";

/// Reads the module's imports and runs it, in Node, which has WebAssembly built
/// in. Prints each import, or what it answers.
const RUN: &str = "
const module = new WebAssembly.Module(require('fs').readFileSync(process.argv[1]));
const imports = WebAssembly.Module.imports(module);
for (const { kind, module, name } of imports) console.log(`imports the ${kind} ${module}.${name}`);
if (imports.length === 0) console.log(new WebAssembly.Instance(module).exports.probe() >>> 0);
";

/// Builds the module, reads its imports and runs it.
pub(crate) fn check() -> Result<Outcome, Failure> {
    if !Program::new("node").args(["--version"]).works() {
        return Ok(Outcome::Skipped("there is no node".into()));
    }
    need_target()?;
    Program::cargo()
        .args(["build", "-q", "-p", "deputize-probe", "--target", TARGET])
        .run()?;
    run(&target().join(TARGET).join("debug/deputize_probe.wasm"))
}

fn run(module: &Path) -> Result<Outcome, Failure> {
    let printed = Program::new("node")
        .args(["-e", RUN])
        .args([module])
        .read()?;
    match printed.trim() {
        ALL_RIGHT => Ok(Outcome::Done("no imports; all answers right".into())),
        other => Err(Failure::Found(format!(
            "the module says `{other}`, not {ALL_RIGHT}: each bit is one question of `xtask/probe`"
        ))),
    }
}

/// Asks rustup for the target's standard library where it is missing.
pub(crate) fn need_target() -> Result<(), Failure> {
    let library = Program::new("rustc")
        .args(["--print", "target-libdir", "--target", TARGET])
        .read()?;
    if PathBuf::from(library.trim()).is_dir() {
        return Ok(());
    }
    Program::new("rustup").args(["target", "add", TARGET]).run()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn imports_are_read_from_the_module() {
        if !Program::new("node").args(["--version"]).works() {
            return println!("skipped: there is no node");
        }
        // One type `() -> ()`, and the import of a function `env.now` of it.
        let module = [
            b"\0asm\x01\0\0\0".as_slice(),
            b"\x01\x04\x01\x60\0\0",
            b"\x02\x0b\x01\x03env\x03now\0\0",
        ]
        .concat();
        let path = target().join("imports-test.wasm");
        fs::create_dir_all(target()).unwrap();
        fs::write(&path, module).unwrap();
        let told = run(&path).unwrap_err().to_string();
        assert!(told.contains("imports the function env.now"), "{told}");
    }
}
