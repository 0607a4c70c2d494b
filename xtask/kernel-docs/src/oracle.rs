//! The independent answer: `tests/kernel_docs_oracle.py`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;

use xtask::failure::Failure;
use xtask::program::Program;

/// What the oracle printed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Oracle {
    /// Every document that it knows of.
    pub(crate) documents: BTreeSet<String>,
    /// Documents that no entry picks out.
    pub(crate) unkept: BTreeSet<String>,
    /// Each person's documents.
    pub(crate) people: BTreeMap<String, Reach>,
}

/// One person's documents.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reach {
    /// Those looked after in particular.
    pub(crate) keeper: BTreeSet<String>,
    /// Those, and what entries over the whole tree give.
    pub(crate) reader: BTreeSet<String>,
}

impl Oracle {
    /// Runs the oracle of the workspace at `root` over a page, and a folder or
    /// a list of documents.
    pub(crate) fn ask(root: &Path, page: &Path, documents: &Path) -> Result<Self, Failure> {
        let text = Program::new("python3")
            .args([
                root.join("tests/kernel_docs_oracle.py").as_os_str(),
                page.as_os_str(),
                documents.as_os_str(),
            ])
            .read()?;
        serde_json::from_str(&text)
            .map_err(|cause| Failure::Found(format!("the oracle's answer: {cause}")))
    }

    /// A person's documents by relation: `keeper` or `reader`.
    pub(crate) fn reach(&self, person: &str, relation: &str) -> Option<&BTreeSet<String>> {
        let reach = self.people.get(person)?;
        match relation {
            "keeper" => Some(&reach.keeper),
            "reader" => Some(&reach.reader),
            _ => None,
        }
    }
}
