//! Why a command ended without success.

use std::fmt;
use std::path::{Path, PathBuf};

/// What a command reports before it exits with status 1.
#[derive(Debug)]
pub enum Failure {
    /// A program could not be started.
    Start {
        /// What was to run.
        program: String,
        /// The system's reason.
        cause: std::io::Error,
    },
    /// A program ran and ended with another status than 0.
    Status {
        /// What ran, with its arguments.
        program: String,
        /// How it ended.
        status: std::process::ExitStatus,
    },
    /// A file could not be read or written.
    File {
        /// Which one.
        path: PathBuf,
        /// The system's reason.
        cause: std::io::Error,
    },
    /// A check looked and found something wrong.
    Found(String),
}

impl Failure {
    /// What a file operation on `path` fails with.
    pub fn at(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |cause| Self::File { path, cause }
    }

    /// A finding, in the words of the error that it came as.
    pub fn found(cause: impl fmt::Display) -> Self {
        Self::Found(cause.to_string())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start { program, cause } => write!(f, "cannot start `{program}`: {cause}"),
            Self::Status { program, status } => write!(f, "`{program}` ended with {status}"),
            Self::File { path, cause } => write!(f, "`{}`: {cause}", path.display()),
            Self::Found(what) => f.write_str(what),
        }
    }
}
