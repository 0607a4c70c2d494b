//! The relations-only engine as a WebAssembly module: it imports nothing, so
//! it can reach nothing, and it gives the right answers there.

use std::fs;
use std::path::{Path, PathBuf};

use wasmparser::{Parser, Payload, TypeRef};

use crate::failure::Failure;
use crate::program::{Program, target};
use crate::step::Outcome;

pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

/// What the module answers when each question of `xtask/probe` came out right.
const ALL_RIGHT: &str = "2047";

/// Runs the module in Node, which has WebAssembly built in. Prints what it
/// answers and how many bytes it takes when gzipped.
const RUN: &str = "
const bytes = require('fs').readFileSync(process.argv[1]);
const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes));
console.log(instance.exports.probe() >>> 0, require('zlib').gzipSync(bytes, { level: 9 }).length);
";

/// Builds the module, reads its imports and runs it.
pub(crate) fn check() -> Result<Outcome, Failure> {
    need_target()?;
    Program::cargo()
        .args(["build", "-q", "--release", "-p", "deputize-probe"])
        .args(["--target", TARGET])
        .env("CARGO_PROFILE_RELEASE_STRIP", "symbols")
        .run()?;
    let path = target().join(TARGET).join("release/deputize_probe.wasm");
    let module = fs::read(&path).map_err(Failure::at(&path))?;
    let imports = imports(&module)?;
    if !imports.is_empty() {
        return Err(Failure::Found(format!(
            "the module imports {}",
            imports.join(", ")
        )));
    }
    let ran = run(&path)?;
    Ok(Outcome::Done(format!("no imports; {ran}")))
}

fn run(path: &Path) -> Result<String, Failure> {
    if !Program::new("node").args(["--version"]).works() {
        return Ok("not run, since there is no node".to_owned());
    }
    let printed = Program::new("node").args(["-e", RUN]).args([path]).read()?;
    match printed.split_whitespace().collect::<Vec<_>>().as_slice() {
        [ALL_RIGHT, gzipped] => Ok(format!("all answers right; {gzipped} bytes gzipped")),
        [answered, _] => Err(Failure::Found(format!(
            "the module answered {answered}, not {ALL_RIGHT}: each bit is one question of `xtask/probe`"
        ))),
        _ => Err(Failure::Found(format!("node printed `{printed}`"))),
    }
}

/// Every import of a module, as `module.name`.
fn imports(module: &[u8]) -> Result<Vec<String>, Failure> {
    let mut imports = Vec::new();
    for payload in Parser::new(0).parse_all(module) {
        let Payload::ImportSection(section) = payload.map_err(Failure::found)? else {
            continue;
        };
        for import in section.into_imports() {
            let import = import.map_err(Failure::found)?;
            let kind = match import.ty {
                TypeRef::Func(_) | TypeRef::FuncExact(_) => "function",
                TypeRef::Memory(_) => "memory",
                TypeRef::Table(_) | TypeRef::Global(_) | TypeRef::Tag(_) => "value",
            };
            imports.push(format!("{kind} `{}.{}`", import.module, import.name));
        }
    }
    Ok(imports)
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
    use super::*;

    #[test]
    fn imports_are_read_from_the_module() {
        let empty = b"\0asm\x01\0\0\0";
        assert!(imports(empty).unwrap().is_empty());
        // One type `() -> ()`, and the import of a function `env.now` of it.
        let module = [
            empty.as_slice(),
            b"\x01\x04\x01\x60\0\0",
            b"\x02\x0b\x01\x03env\x03now\0\0",
        ]
        .concat();
        assert_eq!(imports(&module).unwrap(), ["function `env.now`"]);
        assert!(imports(&module[..module.len() - 1]).is_err());
        assert!(imports(b"not wasm").is_err());
    }
}
