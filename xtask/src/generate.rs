//! Files that are written by a program and committed: schemas, types, stubs.

use std::fs;
use std::path::Path;

use crate::failure::Failure;
use crate::program::{Program, root};
use crate::step::Outcome;

/// One generated file.
struct Generated {
    /// Where it lies, from the workspace's root.
    file: &'static str,
    /// Arguments to cargo that print its content.
    print: &'static [&'static str],
}

/// A file of the vectors that every language runs.
macro_rules! vectors {
    ($name:literal) => {
        Generated {
            file: concat!("tests/vectors/", $name),
            print: &[
                "run",
                "-q",
                "-p",
                "deputize-tests",
                "--bin",
                "vectors",
                "--",
                $name,
            ],
        }
    };
}

/// Every generated file. Adding one here makes `cargo xtask generate` write
/// it and `cargo xtask test` compare it.
const GENERATED: &[Generated] = &[
    Generated {
        file: "schema/snapshot.schema.json",
        print: &[
            "run",
            "-q",
            "-p",
            "deputize",
            "--features",
            "schema",
            "--example",
            "schema",
        ],
    },
    Generated {
        file: "wasm/ts/shapes.ts",
        print: &[
            "run",
            "-q",
            "-p",
            "deputize-wire",
            "--features",
            "schema",
            "--example",
            "typescript",
        ],
    },
    Generated {
        file: "bindings/python/python/deputize/shapes.py",
        print: &[
            "run",
            "-q",
            "-p",
            "deputize-wire",
            "--features",
            "schema",
            "--example",
            "python",
        ],
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
    for generated in GENERATED {
        let path = root().join(generated.file);
        let text = Program::cargo().args(generated.print).read()?;
        fs::write(&path, text).map_err(Failure::at(&path))?;
        println!("wrote {}", generated.file);
    }
    Ok(())
}

/// Compares every generated file with what would be written now.
pub(crate) fn check() -> Result<Outcome, Failure> {
    for generated in GENERATED {
        let text = Program::cargo().args(generated.print).read()?;
        compare(&root(), generated.file, &text)?;
    }
    Ok(Outcome::Done(format!("{} files", GENERATED.len())))
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
        let folder = crate::program::target().join("generate-test");
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
