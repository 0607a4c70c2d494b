//! Debian's package of the kernel's documents: fetched, unpacked, listed.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use xtask::failure::Failure;
use xtask::program::Program;

/// The package's name in Debian 12.
pub(crate) const NAME: &str = "linux-doc-6.1";

/// An unpacked package.
pub(crate) struct Package {
    /// `6.1.170-3`.
    pub(crate) version: String,
    root: PathBuf,
}

impl Package {
    /// Takes the package file at `given`, or the one in `folder`, or the one
    /// that apt downloads into `folder`, and unpacks it there.
    pub(crate) fn obtain(folder: &Path, given: Option<&Path>) -> Result<Self, Failure> {
        fs::create_dir_all(folder).map_err(Failure::at(folder))?;
        let file = match given {
            Some(file) => fs::canonicalize(file).map_err(Failure::at(file))?,
            None => match downloaded(folder)? {
                Some(file) => file,
                None => download(folder)?,
            },
        };
        let version = version(&file);
        let unpacked = folder.join(&version);
        let package = Self {
            version,
            root: unpacked.join("usr/share/doc").join(NAME),
        };
        if !package.page().is_file() {
            let part = folder.join(format!("{}.part", package.version));
            unpack(&file, &part, &unpacked)?;
        }
        Ok(package)
    }

    /// The MAINTAINERS page.
    pub(crate) fn page(&self) -> PathBuf {
        self.root.join("html/process/maintainers.html")
    }

    /// The folder of sources that belong to the HTML pages.
    pub(crate) fn sources(&self) -> PathBuf {
        self.root.join("html/_sources")
    }

    /// Every `.rst` source below `Documentation`, as the kernel's tree names
    /// it. Translations repeat the same pages and are left out.
    pub(crate) fn documents(&self) -> Result<BTreeSet<String>, Failure> {
        let mut documents = BTreeSet::new();
        let mut folders = vec![(self.root.join("Documentation"), "Documentation".to_owned())];
        while let Some((folder, path)) = folders.pop() {
            for item in fs::read_dir(&folder).map_err(Failure::at(&folder))? {
                let item = item.map_err(Failure::at(&folder))?;
                let name = item.file_name().to_string_lossy().into_owned();
                let kind = item.file_type().map_err(Failure::at(&item.path()))?;
                let plain = name.strip_suffix(".gz").unwrap_or(&name);
                let full = format!("{path}/{plain}");
                if kind.is_dir() && full != "Documentation/translations" {
                    folders.push((item.path(), full));
                } else if kind.is_file() && plain.ends_with(".rst") {
                    documents.insert(full);
                }
            }
        }
        Ok(documents)
    }
}

/// The newest package file that an earlier run left, by name.
fn downloaded(folder: &Path) -> Result<Option<PathBuf>, Failure> {
    let mut found = Vec::new();
    for item in fs::read_dir(folder).map_err(Failure::at(folder))? {
        let path = item.map_err(Failure::at(folder))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with(NAME) && name.ends_with(".deb") {
            found.push(path);
        }
    }
    Ok(found.into_iter().max())
}

/// Asks apt for the package. Its lists may be old and name a version that the
/// mirror no longer has: then fresh lists are fetched into a folder of our
/// own, so that neither root nor the machine's own lists are needed.
fn download(folder: &Path) -> Result<PathBuf, Failure> {
    println!("downloading {NAME}");
    let apt = |options: &[String], words: &[&str]| {
        Program::new("apt-get")
            .args(["-q"])
            .args(options)
            .args(words)
            .within(folder)
            .run()
    };
    if apt(&[], &["download", NAME]).is_err() {
        println!("trying again with fresh package lists");
        let lists = folder.join("apt/lists");
        let cache = folder.join("apt/cache");
        for needed in [lists.join("partial"), cache.join("archives/partial")] {
            fs::create_dir_all(&needed).map_err(Failure::at(&needed))?;
        }
        let options = [
            "-o".to_owned(),
            format!("Dir::State::lists={}", lists.display()),
            "-o".to_owned(),
            format!("Dir::Cache={}", cache.display()),
            "-o".to_owned(),
            "Debug::NoLocking=1".to_owned(),
        ];
        apt(&options, &["update"])?;
        apt(&options, &["download", NAME])?;
    }
    downloaded(folder)?.ok_or_else(|| {
        Failure::Found(format!(
            "apt left no {NAME}_*.deb; give one by `--package FILE`"
        ))
    })
}

/// `linux-doc-6.1_6.1.170-3_all.deb` is version `6.1.170-3`.
fn version(file: &Path) -> String {
    let name = file.file_stem().unwrap_or_default().to_string_lossy();
    let version = name.split('_').nth(1).unwrap_or("unknown");
    version.to_owned()
}

/// Unpacks into `part` first, so that a run cut short leaves nothing that
/// looks whole.
fn unpack(file: &Path, part: &Path, target: &Path) -> Result<(), Failure> {
    println!("unpacking {}", file.display());
    for old in [part, target] {
        if old.exists() {
            fs::remove_dir_all(old).map_err(Failure::at(old))?;
        }
    }
    Program::new("dpkg-deb")
        .args(["-x".as_ref(), file.as_os_str(), part.as_os_str()])
        .run()?;
    fs::rename(part, target).map_err(Failure::at(target))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_stands_in_the_file_s_name() {
        let file = Path::new("linux-doc-6.1_6.1.170-3_all.deb");
        assert_eq!(version(file), "6.1.170-3");
        assert_eq!(version(Path::new("kernel.deb")), "unknown");
    }
}
