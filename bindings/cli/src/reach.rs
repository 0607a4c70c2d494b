//! How far the names of files in a document lead: into its own folder, unless
//! the user says otherwise. A document may be a stranger's.

use std::path::{Component, Path, PathBuf};

use clap::Args;

use crate::fault::{Failure, Fault};
use crate::input;

/// How far the names in a store file lead.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct RootArgs {
    /// The folder that the names of files in a store file may not lead out of;
    /// its own where none is given.
    #[arg(long, value_name = "FOLDER")]
    root: Option<PathBuf>,
}

/// Where the names in one document may lead.
#[derive(Debug, Clone)]
pub(crate) struct Reach {
    /// What names are relative to, as the user named it.
    folder: PathBuf,
    /// What they may not lead out of, without links.
    root: PathBuf,
    /// The same, as it was named.
    named: PathBuf,
}

impl Reach {
    /// The reach of the names in a file.
    pub(crate) fn of(file: &Path, args: &RootArgs) -> Result<Self, Failure> {
        let folder = file.parent().unwrap_or(Path::new("")).to_owned();
        let named = args.root.clone().unwrap_or_else(|| folder.clone());
        let named = if named.as_os_str().is_empty() {
            PathBuf::from(".")
        } else {
            named
        };
        let root =
            std::fs::canonicalize(&named).map_err(|error| input::unreadable(&named, &error))?;
        Ok(Self {
            folder,
            root,
            named,
        })
    }

    /// The reach of the names in a file that this one's names lead to.
    pub(crate) fn below(&self, file: &Path) -> Self {
        Self {
            folder: file.parent().unwrap_or(Path::new("")).to_owned(),
            ..self.clone()
        }
    }

    /// Reads the file of text that a document names, and says how to call it.
    pub(crate) fn read_text(&self, name: &str) -> Result<(PathBuf, String), Failure> {
        let path = self.folder.join(name);
        let real = self.real(&path).ok_or_else(|| self.outside(name))?;
        let about = std::fs::metadata(&real).map_err(|error| input::unreadable(&path, &error))?;
        // A device has no end, and a pipe may wait for ever.
        if !about.is_file() {
            let said = "it is no regular file; only such can be named by another";
            let fault = Fault::new("file.irregular", said);
            return Err(fault.in_file(input::spell(&path)).into());
        }
        let text = input::read_text_as(&real, &path)?;
        Ok((path, text))
    }

    /// The file without links, unless that is outside.
    fn real(&self, path: &Path) -> Option<PathBuf> {
        // By its name alone first, so that nobody learns what is there.
        let plain = plain(path)?;
        if !plain.starts_with(&self.root) && !plain.starts_with(self::plain(&self.named)?) {
            return None;
        }
        for part in path.ancestors() {
            let below = path.strip_prefix(part).ok()?;
            let part = match part.as_os_str().is_empty() {
                true => Path::new("."),
                false => part,
            };
            if let Ok(real) = std::fs::canonicalize(part) {
                let inside = real.starts_with(&self.root);
                return inside.then(|| match below.as_os_str().is_empty() {
                    true => real,
                    false => real.join(below),
                });
            }
        }
        None
    }

    fn outside(&self, name: &str) -> Failure {
        let said = format!("`{name}` leads out of `{}`", self.named.display());
        Fault::new("file.outside", said)
            .hint("allow it, if you trust the file that names it: `--root FOLDER`")
            .into()
    }
}

/// A path from the root of the file system, `..` taken as it is written.
fn plain(path: &Path) -> Option<PathBuf> {
    let mut out = PathBuf::new();
    for part in std::path::absolute(path).ok()?.components() {
        match part {
            Component::ParentDir => {
                out.pop();
            }
            Component::CurDir => {}
            part => out.push(part),
        }
    }
    Some(out)
}
