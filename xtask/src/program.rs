//! Running other programs.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::failure::Failure;

/// The workspace's root.
pub fn root() -> PathBuf {
    let own = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    own.parent().map_or(own.clone(), PathBuf::from)
}

/// Cargo's target folder of this workspace.
pub fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => root().join(folder),
        None => root().join("target"),
    }
}

/// Which programs ended, and how long each ran.
static ENDED: Mutex<Vec<(String, Duration)>> = Mutex::new(Vec::new());

/// The programs that ended since this was last asked, with how long each ran.
pub fn ended() -> Vec<(String, Duration)> {
    let mut ended = ENDED.lock().unwrap_or_else(PoisonError::into_inner);
    std::mem::take(&mut *ended)
}

/// A program in the workspace's root, not yet started.
pub struct Program {
    command: Command,
    shown: String,
}

impl Program {
    /// The cargo that runs this command.
    pub fn cargo() -> Self {
        let mut program = Self::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        "cargo".clone_into(&mut program.shown);
        program
    }

    /// A program found on the path.
    pub fn new(name: impl AsRef<OsStr>) -> Self {
        let mut command = Command::new(name.as_ref());
        command.current_dir(root());
        Self {
            shown: name.as_ref().to_string_lossy().into_owned(),
            command,
        }
    }

    /// Adds arguments.
    pub fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        for arg in args {
            self.shown.push(' ');
            self.shown.push_str(&arg.as_ref().to_string_lossy());
            self.command.arg(arg);
        }
        self
    }

    /// Sets an environment variable.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Runs in another folder than the workspace's root.
    pub fn within(mut self, folder: impl Into<PathBuf>) -> Self {
        self.command.current_dir(folder.into());
        self
    }

    /// Runs to the end, its output passed on.
    ///
    /// # Errors
    /// The program is missing, or ended with another status than 0.
    pub fn run(mut self) -> Result<(), Failure> {
        let began = Instant::now();
        let ended = self.command.status();
        self.note(began);
        match ended {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(Failure::Status {
                program: self.shown,
                status,
            }),
            Err(cause) => Err(Failure::Start {
                program: self.shown,
                cause,
            }),
        }
    }

    /// Runs to the end and gives what it wrote to standard output; standard
    /// error is passed on.
    ///
    /// # Errors
    /// As [`Program::run`], or its output is not UTF-8.
    pub fn read(mut self) -> Result<String, Failure> {
        let began = Instant::now();
        let ended = self.command.stderr(Stdio::inherit()).output();
        self.note(began);
        let output = match ended {
            Ok(output) => output,
            Err(cause) => {
                return Err(Failure::Start {
                    program: self.shown,
                    cause,
                });
            }
        };
        if !output.status.success() {
            return Err(Failure::Status {
                program: self.shown,
                status: output.status,
            });
        }
        String::from_utf8(output.stdout)
            .map_err(|_| Failure::Found(format!("`{}` did not write UTF-8", self.shown)))
    }

    fn note(&self, began: Instant) {
        let mut ended = ENDED.lock().unwrap_or_else(PoisonError::into_inner);
        ended.push((self.shown.clone(), began.elapsed()));
    }

    /// Whether it can be started and ends with status 0. Shows nothing.
    pub fn works(mut self) -> bool {
        self.command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    }
}
