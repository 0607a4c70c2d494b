//! `cargo xtask kernel-docs`: a real access graph of several thousand
//! documents, filtered for real people, and checked by an oracle that shares
//! nothing with the engine.
//!
//! The graph is Debian's package of the kernel's documents and the
//! MAINTAINERS page in it: person → entry → path pattern → document. It shows
//! who looks after what. It is no secret who reads them.

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
use std::time::Instant;

use deputize::{Policy, Snapshot};

use crate::failure::Failure;
use crate::program::{self, Program};
use oracle::{Oracle, Reach};
use package::Package;
use trial::{Times, millis};

/// What the command line says.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// A `linux-doc-6.1_*.deb` that is already here; without it apt downloads
    /// one (37 MB) and keeps it for the next time.
    #[arg(long, value_name = "FILE")]
    package: Option<PathBuf>,
    /// For how many people the filter is timed.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..))]
    people: u16,
    /// Stay in the build that this is; otherwise the optimised one is called,
    /// since nobody wants the times of another.
    #[arg(long)]
    this_build: bool,
}

/// Builds the snapshot, asks the engine about all of it, and compares every
/// answer with the oracle's.
pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    if cfg!(debug_assertions) && !options.this_build {
        return optimised(options);
    }
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

/// Runs the same command in the optimised build.
fn optimised(options: &Options) -> Result<(), Failure> {
    let mut words = vec!["--people".to_owned(), options.people.to_string()];
    if let Some(package) = &options.package {
        let package = fs::canonicalize(package).map_err(Failure::at(package))?;
        words.push("--package".to_owned());
        words.push(package.display().to_string());
    }
    Program::cargo()
        .args(["run", "-q", "--release", "-p", "xtask", "--", "kernel-docs"])
        .args(words)
        .run()
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
