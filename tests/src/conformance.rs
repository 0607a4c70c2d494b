//! Where other people's cases lie.

use std::path::{Path, PathBuf};

/// A folder of the conformance data; where it is missing, says so by name and
/// gives none.
pub fn folder(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("DEPUTIZE_CONFORMANCE").map_or_else(
        || {
            Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("..")
                .join("..")
                .join("shared")
                .join("conformance")
        },
        PathBuf::from,
    );
    let folder = root.join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: there is no conformance folder `{name}`");
    None
}

/// A file's text.
pub fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A YAML file. A number beyond a double's range stays text, as it does for
/// Go's readers, which the files were written for.
pub fn yaml<T: serde::de::DeserializeOwned>(path: &Path) -> T {
    let options = serde_saphyr::options! {
        non_finite_float_policy: serde_saphyr::NonFiniteFloatPolicy::AsString,
    };
    serde_saphyr::from_str_with_options(&read(path), options)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
