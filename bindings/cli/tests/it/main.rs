//! The program as a user meets it: arguments in, text and exit status out.

#![cfg(test)]

mod bank;
mod broken;
mod decide;
mod field;
mod import;
mod inspect;
mod issuing;
mod lint;
mod manual;
mod questions;
mod sources;
mod stores;
mod verify;
mod world;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;

/// What a run came to.
struct Ran {
    status: i32,
    out: String,
    err: String,
}

impl Ran {
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {}", self.out))
    }

    /// The code of the first error, under `--json`.
    fn code(&self) -> String {
        self.json()["errors"][0]["code"]
            .as_str()
            .unwrap()
            .to_owned()
    }
}

/// Runs the program in a folder.
fn run_in(folder: &Path, args: &[&str], stdin: &[u8]) -> Ran {
    let mut child = Command::new(env!("CARGO_BIN_EXE_deputize"))
        .args(args)
        .current_dir(folder)
        .env_remove("DEPUTIZE_SNAPSHOT")
        .env_remove("CLICOLOR_FORCE")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    // A program that needs no input may be gone before it is written.
    let _ = input.write_all(stdin);
    drop(input);
    let output = child.wait_with_output().unwrap();
    Ran {
        status: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A folder that is gone after the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("deputize-cli-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// A folder with `policy.json`.
    fn with_policy() -> Self {
        let folder = Self::new();
        folder.add("policy.json", POLICY);
        folder
    }

    fn add(&self, name: &str, contents: impl AsRef<[u8]>) {
        std::fs::write(self.0.join(name), contents).unwrap();
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.0.join(name)).unwrap()
    }

    /// Runs the program here; the arguments are split at blanks.
    fn run(&self, line: &str) -> Ran {
        self.run_with(line, "")
    }

    fn run_with(&self, line: &str, stdin: impl AsRef<[u8]>) -> Ran {
        let args: Vec<&str> = line.split_whitespace().collect();
        run_in(&self.0, &args, stdin.as_ref())
    }

    fn run_args(&self, args: &[&str]) -> Ran {
        run_in(&self.0, args, b"")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

const POLICY: &str = r#"{
  "deputize": 1,
  "revision": "7",
  "model": "model\n  schema 1.1\ntype user\ntype group\n  relations\n    define member: [user, group#member]\ntype folder\n  relations\n    define viewer: [user, group#member]\ntype document\n  relations\n    define parent: [folder]\n    define blocked: [user]\n    define viewer: [user, user:*, user with big_enough] or viewer from parent\n    define can_view: viewer but not blocked\ncondition big_enough(size: int, least: int) {\n  size >= least\n}\n",
  "tuples": [
    {"user": "user:anne", "relation": "member", "object": "group:eng"},
    {"user": "group:eng#member", "relation": "member", "object": "group:all"},
    {"user": "group:all#member", "relation": "viewer", "object": "folder:plans"},
    {"user": "folder:plans", "relation": "parent", "object": "document:1"},
    {"user": "user:bob", "relation": "viewer", "object": "document:1"},
    {"user": "user:bob", "relation": "blocked", "object": "document:1"},
    {"user": "user:*", "relation": "viewer", "object": "document:2"},
    {"user": "user:carl", "relation": "viewer", "object": "document:3",
     "condition": {"name": "big_enough", "context": {"least": 10}}},
    {"user": "user:dora", "relation": "viewer", "object": "document:4", "tenant": "acme"}
  ]
}"#;
