//! `cargo xtask python`: the Python package `deputize`, built, installed and
//! tested.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use crate::package::{Purpose, without_places};
use crate::step::Outcome;
use xtask::failure::Failure;
use xtask::program::{Program, root, target};

/// What builds wheels; pyo3 needs at least this one, which keeps the module
/// from being linked to a library of Python's.
const MATURIN: &str = "maturin>=1.9.4,<2";

/// What a clean environment must be able to do with nothing but the wheel.
const SMOKE: &str = r#"
import deputize
policy = deputize.Policy.from_json({"deputize": 1,
    "model": "model\n  schema 1.1\ntype user\ntype document\n  relations\n    define reader: [user]",
    "tuples": [{"user": "user:anne", "relation": "reader", "object": "document:1"}]})
found = policy.caller("user:anne").filter("reader", ["document:1", "document:2"])
assert found.mask == [True, False] and found.dropped == {"subject.no_grant": 1}, found
print("deputize", deputize.__version__, "works in", __import__("sys").version.split()[0])
"#;

/// What a source distribution must have besides the package itself.
const SOURCES: &[&str] = &["core/src/lib.rs", "bindings/wire/src/lib.rs", "Cargo.lock"];

fn package() -> PathBuf {
    root().join("bindings/python")
}

fn folder(name: &str) -> PathBuf {
    target().join("python").join(name)
}

/// A virtual environment's own Python.
fn python_of(environment: &Path) -> PathBuf {
    match cfg!(windows) {
        true => environment.join("Scripts/python.exe"),
        false => environment.join("bin/python"),
    }
}

/// Why nothing can be built here, if so.
fn lacking() -> Option<String> {
    let python = |program: &str| Program::new("python3").args(["-c", program]).works();
    if !python("import sys; sys.exit(sys.version_info < (3, 10))") {
        return Some("there is no python3 of 3.10 or newer".into());
    }
    if !python("import venv, ensurepip") {
        return Some("python3 has no venv".into());
    }
    None
}

/// A virtual environment with these packages, kept until the list changes.
pub(crate) fn environment(name: &str, wanted: &str) -> Result<PathBuf, Failure> {
    let place = folder(name);
    let (python, list) = (python_of(&place), place.join("packages.txt"));
    if fs::read_to_string(&list).is_ok_and(|there| there == wanted) && python.exists() {
        return Ok(python);
    }
    Program::new("python3")
        .args(["-m", "venv", "--clear"])
        .args([&place])
        .run()?;
    let given = place.join("wanted.txt");
    fs::write(&given, wanted).map_err(Failure::at(&given))?;
    pip(&python, &["-r".into(), given.into()])?;
    fs::write(&list, wanted).map_err(Failure::at(&list))?;
    Ok(python)
}

fn pip(python: &Path, words: &[OsString]) -> Result<(), Failure> {
    Program::new(python)
        .args(["-m", "pip", "install", "-q", "--disable-pip-version-check"])
        .args(words)
        // What is built of a source distribution is built of nothing else: its
        // files are older than whatever lies in the workspace's own target.
        .env("CARGO_TARGET_DIR", folder("clean").join("target"))
        .run()
}

fn install(python: &Path, wheel: &Path) -> Result<(), Failure> {
    let anew = ["--no-deps".into(), "--force-reinstall".into(), wheel.into()];
    pip(python, &anew)
}

/// Builds the wheel into `target/python/wheels` and says where it is.
fn wheel(maturin: &Path, purpose: Purpose) -> Result<PathBuf, Failure> {
    let maturin = Program::new(maturin).args(["-m", "maturin", "build", "--quiet"]);
    match purpose {
        Purpose::Shipping => {
            let maturin = maturin.env("RUSTFLAGS", without_places());
            made(maturin.args(["--release"]), &folder("wheels"), "whl")
        }
        // In a folder of its own: who looks for a wheel to ship must not find it.
        Purpose::Testing => {
            let maturin = maturin.args(["--profile", "dev"]);
            made(maturin, &folder("tested"), "whl")
        }
    }
}

fn made(maturin: Program, into: &Path, kind: &str) -> Result<PathBuf, Failure> {
    if into.exists() {
        fs::remove_dir_all(into).map_err(Failure::at(into))?;
    }
    maturin
        .args(["--out"])
        .args([into])
        .env("CARGO_TARGET_DIR", target())
        .within(package())
        .run()?;
    let files = fs::read_dir(into).map_err(Failure::at(into))?;
    let mut files = files.filter_map(|file| Some(file.ok()?.path()));
    files
        .find(|file| file.extension().is_some_and(|own| own == kind))
        .ok_or_else(|| Failure::Found(format!("maturin wrote no .{kind}")))
}

/// Installs a wheel or a source distribution, and nothing else, in an
/// environment of its own, and uses it there.
fn try_out(given: &Path) -> Result<(), Failure> {
    let place = folder("clean");
    Program::new("python3")
        .args(["-m", "venv", "--clear"])
        .args([&place])
        .run()?;
    let python = python_of(&place);
    pip(&python, &["--no-deps".into(), given.into()])?;
    Program::new(&python)
        .args(["-I", "-c", SMOKE])
        .within(&place)
        .run()
}

fn maturin() -> Result<PathBuf, Failure> {
    environment("maturin", MATURIN)
}

/// Builds the wheel, and tries it out in a clean environment.
pub(crate) fn build() -> Result<Outcome, Failure> {
    if let Some(why) = lacking() {
        return Ok(Outcome::Skipped(why));
    }
    let wheel = wheel(&maturin()?, Purpose::Shipping)?;
    try_out(&wheel)?;
    Ok(Outcome::Done(wheel.display().to_string()))
}

/// Builds the source distribution and, from it alone, a wheel in a clean
/// environment.
pub(crate) fn source() -> Result<Outcome, Failure> {
    if let Some(why) = lacking() {
        return Ok(Outcome::Skipped(why));
    }
    let maturin = Program::new(maturin()?).args(["-m", "maturin", "sdist"]);
    let archive = made(maturin, &folder("source"), "gz")?;
    let listed = Program::new("tar").args(["tzf"]).args([&archive]).read()?;
    for file in SOURCES {
        if !listed.lines().any(|line| line.ends_with(file)) {
            let said = format!("the source distribution lacks `{file}`");
            return Err(Failure::Found(said));
        }
    }
    try_out(&archive)?;
    Ok(Outcome::Done(archive.display().to_string()))
}

/// Builds the wheel and runs the benchmarks beside their peers, in an
/// environment of their own.
pub(crate) fn bench() -> Result<Outcome, Failure> {
    if let Some(why) = lacking() {
        return Ok(Outcome::Skipped(why));
    }
    let folder = package().join("bench");
    let list = folder.join("requirements.txt");
    let wanted = fs::read_to_string(&list).map_err(Failure::at(&list))?;
    let python = environment("bench", &wanted)?;
    install(&python, &wheel(&maturin()?, Purpose::Shipping)?)?;
    let program = folder.join("bench.py");
    Program::new(&python).args(["-I"]).args([program]).run()?;
    Ok(Outcome::done())
}

/// Builds the wheel and runs its tests.
pub(crate) fn test() -> Result<Outcome, Failure> {
    if let Some(why) = lacking() {
        return Ok(Outcome::Skipped(why));
    }
    let Ok(maturin) = maturin() else {
        return Ok(Outcome::Skipped("maturin cannot be had".into()));
    };
    let list = package().join("tests/requirements.txt");
    let wanted = fs::read_to_string(&list).map_err(Failure::at(&list))?;
    let Ok(python) = environment("tests", &wanted) else {
        return Ok(Outcome::Skipped("what the tests need cannot be had".into()));
    };
    let wheel = wheel(&maturin, Purpose::Testing)?;
    install(&python, &wheel)?;
    Program::new(&python)
        .args(["-m", "pytest", "-q", "--timeout", "120", "tests"])
        .args(["--ignore", "tests/frameworks"])
        .within(package())
        .run()?;
    try_out(&wheel)?;
    Ok(Outcome::done())
}

/// Builds the wheel and runs the tests against the frameworks that it has
/// modules for, in an environment with all of them.
pub(crate) fn frameworks() -> Result<Outcome, Failure> {
    if let Some(why) = lacking() {
        return Ok(Outcome::Skipped(why));
    }
    let list = package().join("tests/frameworks/requirements.txt");
    let wanted = fs::read_to_string(&list).map_err(Failure::at(&list))?;
    let (Ok(maturin), Ok(python)) = (maturin(), environment("frameworks", &wanted)) else {
        return Ok(Outcome::Skipped(
            "maturin or the frameworks cannot be had".into(),
        ));
    };
    install(&python, &wheel(&maturin, Purpose::Testing)?)?;
    Program::new(&python)
        .args(["-m", "pytest", "-q", "tests/frameworks"])
        .within(package())
        .run()?;
    Ok(Outcome::done())
}
