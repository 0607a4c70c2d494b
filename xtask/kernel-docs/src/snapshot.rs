//! Entries and documents in, a snapshot out.
//!
//! Patterns are expanded here, to the directories and documents they name;
//! what follows from that (everything below a directory, what an `X:` line
//! takes out again, who is a member of an entry) is the model's to work out.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::page::Entry;

/// The model of people, entries, directories and documents.
pub(crate) const MODEL: &str = include_str!("model.fga");

/// Where every document lies. An entry with a pattern that takes in all of it
/// looks after nothing in particular.
const TREE: &str = "Documentation";

/// A snapshot in format 1, as far as this one needs it.
#[derive(Debug, Serialize)]
pub(crate) struct Snapshot {
    deputize: u32,
    revision: String,
    model: &'static str,
    /// Sorted and without duplicates.
    pub(crate) tuples: BTreeSet<Tuple>,
}

/// One relationship.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Tuple {
    /// `user:1f…`, `subsystem:acpi`, …
    pub(crate) user: String,
    /// A relation of the model.
    pub(crate) relation: &'static str,
    /// `document:Documentation/acpi/dsd.rst`, …
    pub(crate) object: String,
}

/// Why no snapshot can be made.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum SnapshotError {
    /// A path or anchor that cannot stand in an object's name.
    Name {
        /// The name.
        name: String,
    },
    /// A document outside the tree.
    Outside {
        /// Its path.
        document: String,
    },
    /// Two addresses with one id.
    Collision {
        /// The id.
        id: String,
    },
}

impl fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name { name } => write!(
                f,
                "`{name}` cannot name an object: it must be 1 to 240 bytes without `:`, `#`, spaces and control characters"
            ),
            Self::Outside { document } => {
                write!(f, "document `{document}` must lie below `{TREE}/`")
            }
            Self::Collision { id } => write!(f, "two addresses share the id `{id}`"),
        }
    }
}

/// A person's id: the first 16 hexadecimal digits of the SHA-256 of the
/// address in lower case. It keeps addresses out of the file; it does not
/// keep them secret, since the page is public.
pub(crate) fn person(address: &str) -> String {
    let digest = Sha256::digest(address.as_bytes());
    digest
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Builds the snapshot of all entries over all documents.
///
/// # Errors
/// [`SnapshotError`], for names that no snapshot can hold.
pub(crate) fn build(
    revision: &str,
    entries: &[Entry],
    documents: &BTreeSet<String>,
) -> Result<Snapshot, SnapshotError> {
    let tree = Tree::new(documents)?;
    let mut tuples = BTreeSet::new();
    let mut addresses = BTreeMap::new();
    tree.tuples(&mut tuples);
    for entry in entries {
        let subsystem = format!("subsystem:{}", nameable(&entry.id)?);
        let roles = [
            ("maintainer", &entry.maintainers),
            ("reviewer", &entry.reviewers),
        ];
        for (relation, people) in roles {
            for address in people {
                let id = person(address);
                if addresses.insert(id.clone(), address).unwrap_or(address) != address {
                    return Err(SnapshotError::Collision { id });
                }
                put(&mut tuples, format!("user:{id}"), relation, &subsystem);
            }
        }
        Hold::of(entry, &tree).tuples(&entry.id, &mut tuples)?;
    }
    Ok(Snapshot {
        deputize: 1,
        revision: revision.to_owned(),
        model: MODEL,
        tuples,
    })
}

/// The documents and the directories above them.
struct Tree<'a> {
    documents: BTreeSet<&'a str>,
    directories: BTreeSet<&'a str>,
}

impl<'a> Tree<'a> {
    fn new(documents: &'a BTreeSet<String>) -> Result<Self, SnapshotError> {
        let mut directories = BTreeSet::new();
        for document in documents {
            nameable(document)?;
            let mut path = document.as_str();
            while let Some(directory) = above(path) {
                directories.insert(directory);
                path = directory;
            }
            if path != TREE || path == document {
                return Err(SnapshotError::Outside {
                    document: document.clone(),
                });
            }
        }
        Ok(Self {
            documents: documents.iter().map(String::as_str).collect(),
            directories,
        })
    }

    fn tuples(&self, tuples: &mut BTreeSet<Tuple>) {
        let kinds = [
            ("directory", &self.directories),
            ("document", &self.documents),
        ];
        for (kind, paths) in kinds {
            for path in paths {
                if let Some(directory) = above(path) {
                    let parent = format!("directory:{directory}");
                    put(tuples, parent, "parent", &format!("{kind}:{path}"));
                }
            }
        }
    }
}

/// What one entry's patterns name.
struct Hold<'a> {
    tree: &'a Tree<'a>,
    files: Named<'a>,
    excluded: Named<'a>,
}

/// The directories (with all below them) and single documents that some
/// patterns name.
#[derive(Default)]
struct Named<'a> {
    directories: BTreeSet<&'a str>,
    documents: BTreeSet<&'a str>,
}

impl<'a> Named<'a> {
    fn by(patterns: &[super::pattern::Glob], tree: &Tree<'a>) -> Self {
        let mut named = Self::default();
        for pattern in patterns {
            let (paths, into) = if pattern.names_directories(|path| tree.directories.contains(path))
            {
                (&tree.directories, &mut named.directories)
            } else {
                (&tree.documents, &mut named.documents)
            };
            into.extend(paths.iter().filter(|path| pattern.is(path)));
        }
        named
    }

    /// Whether the document is named, or lies below a directory that is.
    fn hold(&self, document: &str) -> bool {
        self.documents.contains(document)
            || ancestors(document).any(|directory| self.directories.contains(directory))
    }
}

impl<'a> Hold<'a> {
    fn of(entry: &Entry, tree: &'a Tree<'a>) -> Self {
        let mut files = Named::by(&entry.files, tree);
        for regex in &entry.regexes {
            let matched = tree.documents.iter().filter(|path| regex.is_match(path));
            files.documents.extend(matched);
        }
        Self {
            tree,
            files,
            excluded: Named::by(&entry.excluded, tree),
        }
    }

    fn tuples(&self, entry: &str, tuples: &mut BTreeSet<Tuple>) -> Result<(), SnapshotError> {
        let subsystem = format!("subsystem:{entry}");
        let relation = match self.files.directories.contains(TREE) {
            true => "swept_by",
            false => "covered_by",
        };
        let held: Vec<&str> = self
            .tree
            .documents
            .iter()
            .copied()
            .filter(|document| self.files.hold(document))
            .collect();
        if held.iter().any(|document| self.excluded.hold(document)) {
            return self.views(entry, relation, &held, tuples);
        }
        for directory in &self.files.directories {
            let object = format!("directory:{directory}");
            put(tuples, subsystem.clone(), relation, &object);
        }
        for document in &self.files.documents {
            let object = format!("document:{document}");
            put(tuples, subsystem.clone(), relation, &object);
        }
        Ok(())
    }

    /// Gives an entry whose exclusions matter a view of each document it
    /// holds, in a tree of views of its own. The entry enters where `F:` and
    /// `N:` name something, and nobody passes where `X:` does.
    fn views(
        &self,
        entry: &str,
        relation: &'static str,
        held: &[&str],
        tuples: &mut BTreeSet<Tuple>,
    ) -> Result<(), SnapshotError> {
        let subsystem = format!("subsystem:{entry}");
        let view = |path: &str| format!("view:{entry}/{path}");
        for document in held {
            nameable(&format!("{entry}/{document}"))?;
            let user = view(document);
            put(tuples, user, relation, &format!("document:{document}"));
            let mut path = *document;
            loop {
                if self.files.directories.contains(path) || self.files.documents.contains(path) {
                    put(tuples, subsystem.clone(), "entry", &view(path));
                }
                if self.excluded.directories.contains(path)
                    || self.excluded.documents.contains(path)
                {
                    put(tuples, "user:*".to_owned(), "excluded", &view(path));
                }
                let Some(directory) = above(path) else { break };
                put(tuples, view(directory), "parent", &view(path));
                path = directory;
            }
        }
        Ok(())
    }
}

fn put(tuples: &mut BTreeSet<Tuple>, user: String, relation: &'static str, object: &str) {
    tuples.insert(Tuple {
        user,
        relation,
        object: object.to_owned(),
    });
}

fn above(path: &str) -> Option<&str> {
    path.rsplit_once('/').map(|(directory, _)| directory)
}

fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(above(path), |path| above(path))
}

/// Object names hold no `:`, `#`, spaces or control characters and at most
/// 256 bytes with their type; a view's name holds an anchor and a path.
fn nameable(name: &str) -> Result<&str, SnapshotError> {
    let unfit = |char: char| char.is_whitespace() || char.is_control() || ":#*".contains(char);
    if name.is_empty() || name.len() > 240 || name.chars().any(unfit) {
        return Err(SnapshotError::Name {
            name: name.to_owned(),
        });
    }
    Ok(name)
}
