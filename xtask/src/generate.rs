//! Files that are written by a program and committed: schemas, types, stubs.

use std::fs;
use std::path::Path;

use xtask::failure::Failure;
use xtask::program::{Program, root, target};

use crate::step::Outcome;
use crate::test;

/// One generated file.
struct Generated {
    /// Where it lies, from the workspace's root.
    file: &'static str,
    /// The program that prints its content, from cargo's folder of programs.
    program: &'static str,
    /// What the program is to print, where it can print several.
    word: Option<&'static str>,
}

/// A file of the vectors that every language runs.
macro_rules! vectors {
    ($name:literal) => {
        Generated {
            file: concat!("tests/vectors/", $name),
            program: "vectors",
            word: Some($name),
        }
    };
}

/// Every generated file. Adding one here makes `cargo xtask generate` write
/// it and `cargo xtask test` compare it.
const GENERATED: &[Generated] = &[
    Generated {
        file: "schema/snapshot.schema.json",
        program: "examples/schema",
        word: None,
    },
    Generated {
        file: "wasm/ts/shapes.ts",
        program: "examples/typescript",
        word: None,
    },
    Generated {
        file: "bindings/python/python/deputize/shapes.py",
        program: "examples/python",
        word: None,
    },
    vectors!("snapshots.json"),
    vectors!("tokens.json"),
    vectors!("chains.json"),
    vectors!("scopes.json"),
    vectors!("authority.json"),
    vectors!("lists.json"),
    vectors!("exchanges.json"),
    vectors!("authzen.json"),
    vectors!("inspections.json"),
];

/// Writes every generated file anew.
pub(crate) fn write() -> Result<(), Failure> {
    test::build()?;
    for generated in GENERATED {
        let path = root().join(generated.file);
        fs::write(&path, generated.text()?).map_err(Failure::at(&path))?;
        println!("wrote {}", generated.file);
    }
    Ok(())
}

/// Compares every generated file with what would be written now.
pub(crate) fn check() -> Result<Outcome, Failure> {
    test::build()?;
    for generated in GENERATED {
        compare(&root(), generated.file, &generated.text()?)?;
    }
    Ok(Outcome::Done(format!("{} files", GENERATED.len())))
}

impl Generated {
    fn text(&self) -> Result<String, Failure> {
        let program = format!("debug/{}{}", self.program, std::env::consts::EXE_SUFFIX);
        Program::new(target().join(program)).args(self.word).read()
    }
}

/// Line endings aside, a committed file must be what its program prints.
fn compare(root: &Path, file: &str, text: &str) -> Result<(), Failure> {
    let path = root.join(file);
    let committed = fs::read_to_string(&path).map_err(Failure::at(&path))?;
    let (old, new): (Vec<_>, Vec<_>) = (committed.lines().collect(), text.lines().collect());
    if old == new {
        return Ok(());
    }
    let same = old.iter().zip(&new).take_while(|(old, new)| old == new);
    Err(Failure::Found(format!(
        "`{file}` has drifted at line {}: run `cargo xtask generate` and commit it",
        same.count() + 1
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drift_is_told_with_its_line() {
        let folder = target().join("generate-test");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("a.txt"), "one\ntwo\n").unwrap();
        assert!(compare(&folder, "a.txt", "one\ntwo\n").is_ok());
        assert!(compare(&folder, "a.txt", "one\r\ntwo\r\n").is_ok());
        for (text, line) in [
            ("one\n2\n", "line 2"),
            ("one\n", "line 2"),
            ("one\ntwo\nthree\n", "line 3"),
            ("", "line 1"),
        ] {
            let failure = compare(&folder, "a.txt", text).unwrap_err().to_string();
            assert!(failure.contains(line), "{text:?}: {failure}");
        }
        assert!(compare(&folder, "b.txt", "").is_err());
    }
}
