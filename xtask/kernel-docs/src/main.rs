//! `cargo xtask kernel-docs`: a real access graph of several thousand
//! documents, filtered for real people, and checked by an oracle that shares
//! nothing with the engine.
//!
//! The graph is Debian's package of the kernel's documents and the
//! MAINTAINERS page in it: person → entry → path pattern → document. It shows
//! who looks after what. It is no secret who reads them.

#![forbid(unsafe_code)]
#![allow(
    clippy::print_stdout,
    reason = "a program for a terminal: its output is what it is for"
)]

mod markup;
mod oracle;
mod package;
mod page;
mod pattern;
mod snapshot;
mod trial;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use deputize::{Policy, Snapshot};
use xtask::failure::Failure;
use xtask::program;

use oracle::{Oracle, Reach};
use package::Package;
use trial::{Times, millis};

/// Filter the kernel's documents for the people in MAINTAINERS, and check every
/// answer against an independent oracle.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask kernel-docs")]
struct Options {
    /// A `linux-doc-6.1_*.deb` that is already here; without it apt downloads
    /// one (37 MB) and keeps it for the next time.
    #[arg(long, value_name = "FILE")]
    package: Option<PathBuf>,
    /// For how many people the filter is timed.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..))]
    people: u16,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// Builds the snapshot, asks the engine about all of it, and compares every
/// answer with the oracle's.
fn run(options: &Options) -> Result<(), Failure> {
    let folder = program::target().join("kernel-docs");
    let package = Package::obtain(&folder, options.package.as_deref())?;
    let documents = package.documents()?;
    let snapshot = snapshot(&package, &documents)?;
    let path = folder.join("snapshot.json");
    fs::write(&path, &snapshot).map_err(Failure::at(&path))?;
    println!("wrote {}", path.display());
    let oracle = Oracle::ask(&program::root(), &package.page(), &package.sources())?;
    if oracle.documents != documents {
        return Err(Failure::Found(
            "the oracle lists other documents than the package's sources".into(),
        ));
    }
    let pairs = |of: fn(&Reach) -> usize| oracle.people.values().map(of).sum::<usize>();
    println!(
        "{} {}: {} documents, {} people; {} pairs of keeper and document, {} of reader and document; {} documents without a keeper",
        package::NAME,
        package.version,
        documents.len(),
        oracle.people.len(),
        pairs(|reach| reach.keeper.len()),
        pairs(|reach| reach.reader.len()),
        oracle.unkept.len()
    );

    let policy = load(&snapshot)?;
    let start = Instant::now();
    let agreed = trial::compare(&policy, &oracle)?;
    println!(
        "{agreed} decisions by filter, and as many by list, agree with the oracle ({:.1} s)",
        start.elapsed().as_secs_f64()
    );
    let reopened = Policy::from_compiled(&policy.to_compiled()).map_err(Failure::found)?;
    trial::compare(&reopened, &oracle)?;
    println!("the compiled form, written and opened again, agrees too");

    let times = Times::take(&policy, &oracle, options.people.into())?;
    let (middle, slowest) = times.middle_and_slowest();
    println!(
        "filtered {} documents for {} people: {:.3} µs a document; {middle:.2} ms a person in the middle, {slowest:.2} ms at most, best of {}; {} allowed",
        documents.len(),
        times.people(),
        times.micros_a_document(),
        trial::TRIES,
        times.allowed
    );
    Ok(())
}

/// The snapshot of a package, as JSON.
fn snapshot(package: &Package, documents: &BTreeSet<String>) -> Result<Vec<u8>, Failure> {
    let page = fs::read_to_string(package.page()).map_err(Failure::at(&package.page()))?;
    let entries = page::read(&page).map_err(Failure::found)?;
    let revision = format!("{} {}", package::NAME, package.version);
    let snapshot = snapshot::build(&revision, &entries, documents).map_err(Failure::found)?;
    println!(
        "{} entries, {} tuples",
        entries.len(),
        snapshot.tuples.len()
    );
    serde_json::to_vec(&snapshot).map_err(Failure::found)
}

/// Reads and compiles the snapshot, and says what each took.
fn load(json: &[u8]) -> Result<Policy, Failure> {
    let start = Instant::now();
    let snapshot = Snapshot::from_json(json).map_err(Failure::found)?;
    let parsed = start.elapsed();
    let policy = Policy::from_snapshot(&snapshot).map_err(Failure::found)?;
    let compiled = start.elapsed() - parsed;
    let image = policy.to_compiled();
    let start = Instant::now();
    Policy::from_compiled(&image).map_err(Failure::found)?;
    println!(
        "{} bytes of JSON: loaded in {:.2} ms, compiled in {:.2} ms; {} bytes compiled, opened in {:.2} ms",
        json.len(),
        millis(parsed),
        millis(compiled),
        image.len(),
        millis(start.elapsed())
    );
    Ok(policy)
}

#[cfg(test)]
mod tests;
