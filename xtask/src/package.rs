//! `cargo xtask wasm`: the npm package `@deputize/wasm`, built, measured and
//! tested.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use crate::step::Outcome;
use crate::wasm::{TARGET, need_target};
use xtask::failure::Failure;
use xtask::program::{Program, root, target};

/// A way to build the module: its features, how many bytes it is to take when
/// gzipped, and how many it may take at most until it does.
struct Build {
    name: &'static str,
    features: &'static str,
    goal: u64,
    ceiling: u64,
}

/// The last one is what the package holds.
const BUILDS: &[Build] = &[
    Build {
        name: "relations only",
        features: "",
        goal: 150_000,
        ceiling: 265_000,
    },
    Build {
        name: "without conditions",
        features: "rsa tokens",
        goal: 350_000,
        ceiling: 535_000,
    },
    Build {
        name: "without RSA",
        features: "conditions regex tokens",
        goal: 350_000,
        ceiling: 620_000,
    },
    Build {
        name: "everything",
        features: "conditions regex rsa tokens",
        goal: 350_000,
        ceiling: 630_000,
    },
];

/// What the module that is tested may take, gzipped. It is larger than what is
/// shipped, and grows with it: `cargo xtask wasm --sizes` measures that one.
const TESTED_CEILING: u64 = 1_250_000;

/// Prints `raw gzip brotli` of a file.
const MEASURE: &str = "
const bytes = require('fs').readFileSync(process.argv[1]);
const zlib = require('zlib');
console.log(bytes.length, zlib.gzipSync(bytes, { level: 9 }).length, zlib.brotliCompressSync(bytes).length);
";

fn folder() -> PathBuf {
    root().join("wasm")
}

/// What a package is built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// As small or as fast as it gets: minutes.
    Shipping,
    /// As the workspace's tests are built, which share most of it: the same
    /// code, checked arithmetic included, larger and slower.
    Testing,
}

/// Builds the package into `wasm/dist`.
pub(crate) fn build(purpose: Purpose) -> Result<(), Failure> {
    let Some(whole) = BUILDS.last() else {
        return Ok(());
    };
    need_target()?;
    module(whole, purpose, &folder().join("ts/glue"))?;
    install(&folder())?;
    Program::new("node")
        .args(["build.js"])
        .within(folder())
        .run()
}

/// Compiles the module and writes it with its glue into a folder.
fn module(build: &Build, purpose: Purpose, into: &PathBuf) -> Result<(), Failure> {
    let cargo = match purpose {
        Purpose::Shipping => {
            Program::cargo()
                .env("RUSTFLAGS", without_places())
                .args(["build", "--profile", "wasm"])
        }
        Purpose::Testing => Program::cargo().args(["build"]),
    };
    cargo
        .args(["-q", "-p", "deputize-wasm"])
        .args(["--target", TARGET, "--no-default-features"])
        .args(["--features", build.features])
        .run()?;
    let folder = match purpose {
        Purpose::Shipping => "wasm",
        Purpose::Testing => "debug",
    };
    let compiled = target()
        .join(TARGET)
        .join(folder)
        .join("deputize_wasm.wasm");
    Program::cargo()
        .args(["run", "-q", "--locked", "--manifest-path"])
        .args(["xtask/bindgen/Cargo.toml", "--"])
        .env("CARGO_TARGET_DIR", target())
        .args([&compiled, into])
        .run()
}

/// Compiler flags that keep the folders of this machine out of what is built.
pub(crate) fn without_places() -> OsString {
    let mut flags = std::env::var_os("RUSTFLAGS").unwrap_or_default();
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(std::env::home_dir()?.join(".cargo")));
    let library = Program::new("rustc").args(["--print", "sysroot"]).read();
    let library = library.ok().map(|path| PathBuf::from(path.trim()));
    for place in [Some(root()), home, library].into_iter().flatten() {
        flags.push(" --remap-path-prefix=");
        flags.push(place);
        flags.push("=");
    }
    flags
}

/// What a folder's `package-lock.json` says, where it is not there yet. Not by `npm ci`:
/// that refuses the lock file where a registry lacks what another platform
/// would take (as some do of Deno's), and `npm install` follows it as well.
pub(crate) fn install(folder: &Path) -> Result<(), Failure> {
    let (wanted, there) = (
        folder.join("package-lock.json"),
        folder.join("node_modules/.package-lock.json"),
    );
    let changed = |path: &PathBuf| fs::metadata(path).and_then(|file| file.modified()).ok();
    if changed(&there) > changed(&wanted) {
        return Ok(());
    }
    Program::new("npm")
        .args(["install", "--no-audit", "--no-fund", "--loglevel=error"])
        .within(folder)
        .run()
}

/// Builds the module in every way and prints how large it comes out.
///
/// # Errors
/// One is larger than it may be.
pub(crate) fn sizes() -> Result<(), Failure> {
    need_target()?;
    println!(
        "| build | raw | gzip | brotli | goal, gzip | ceiling, gzip |\n|---|---|---|---|---|---|"
    );
    let mut too_large = Vec::new();
    for build in BUILDS {
        let into = target()
            .join("wasm-sizes")
            .join(build.name.replace(' ', "-"));
        module(build, Purpose::Shipping, &into)?;
        let measured = measure(&into.join("glue_bg.wasm"))?;
        let [raw, gzip, brotli] = measured;
        let Build {
            name,
            goal,
            ceiling,
            ..
        } = build;
        println!("| {name} | {raw} | {gzip} | {brotli} | {goal} | {ceiling} |");
        if gzip > *ceiling {
            too_large.push(format!("{name} by {} bytes", gzip - ceiling));
        }
    }
    match too_large.is_empty() {
        true => Ok(()),
        false => Err(Failure::Found(format!(
            "over the ceiling: {}",
            too_large.join(", ")
        ))),
    }
}

fn measure(file: &PathBuf) -> Result<[u64; 3], Failure> {
    let printed = Program::new("node")
        .args(["-e", MEASURE])
        .args([file])
        .read()?;
    let numbers: Result<Vec<u64>, _> = printed.split_whitespace().map(str::parse).collect();
    let numbers = numbers.map_err(Failure::found)?;
    <[u64; 3]>::try_from(numbers)
        .map_err(|_| Failure::Found(format!("node printed `{}`", printed.trim())))
}

/// Builds the package for testing and runs its tests, in every runtime that is
/// there.
pub(crate) fn test() -> Result<Outcome, Failure> {
    if !Program::new("node").args(["--version"]).works() {
        return Ok(Outcome::Skipped("there is no node".into()));
    }
    build(Purpose::Testing)?;
    Program::new("node")
        .args(["tests/run.js"])
        .within(folder())
        .run()?;
    let [_, gzip, _] = measure(&folder().join("dist/deputize.wasm"))?;
    let said = format!("{gzip} bytes gzipped as it is tested");
    match gzip > TESTED_CEILING {
        true => Err(Failure::Found(format!(
            "{said}; {TESTED_CEILING} is the ceiling: what was added? See `cargo xtask wasm --sizes`"
        ))),
        false => Ok(Outcome::Done(said)),
    }
}
