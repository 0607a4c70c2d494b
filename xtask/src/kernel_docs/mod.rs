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

use std::fs;
use std::path::PathBuf;

use crate::failure::Failure;
use crate::program;
use oracle::{Oracle, Reach};
use package::Package;

/// What the command line says.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// A `linux-doc-6.1_*.deb` that is already here; without it apt downloads
    /// one (37 MB) and keeps it for the next time.
    #[arg(long, value_name = "FILE")]
    package: Option<PathBuf>,
}

/// Builds the snapshot and compares what follows from it with the oracle.
pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let folder = program::target().join("kernel-docs");
    let package = Package::obtain(&folder, options.package.as_deref())?;
    let page = fs::read_to_string(package.page()).map_err(Failure::at(&package.page()))?;
    let entries = page::read(&page).map_err(Failure::found)?;
    let documents = package.documents()?;
    let revision = format!("{} {}", package::NAME, package.version);
    let snapshot = snapshot::build(&revision, &entries, &documents).map_err(Failure::found)?;
    let path = folder.join("snapshot.json");
    let text = serde_json::to_vec(&snapshot).map_err(Failure::found)?;
    fs::write(&path, &text).map_err(Failure::at(&path))?;
    let oracle = Oracle::ask(&program::root(), &package.page(), &package.sources())?;
    if oracle.documents != documents {
        return Err(Failure::Found(
            "the oracle lists other documents than the package's sources".into(),
        ));
    }
    println!(
        "{revision}: {} documents, {} entries, {} people, {} tuples, {} bytes of JSON",
        documents.len(),
        entries.len(),
        oracle.people.len(),
        snapshot.tuples.len(),
        text.len(),
    );
    let pairs = |of: fn(&Reach) -> usize| oracle.people.values().map(of).sum::<usize>();
    println!(
        "{} pairs of keeper and document, {} of reader and document, {} documents without a keeper",
        pairs(|reach| reach.keeper.len()),
        pairs(|reach| reach.reader.len()),
        oracle.unkept.len()
    );
    Ok(())
}

#[cfg(test)]
mod tests;
