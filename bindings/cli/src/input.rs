//! Where a policy comes from: a snapshot, its compiled form, or a store file.

use std::io::{Read, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;
use deputize::snapshot::is_utf16;
use deputize::{Policy, json};
use serde_json::Value;

use crate::fault::{Failure, Fault, Place};
use crate::progress::Spinner;
use crate::reach::{Reach, RootArgs};
use crate::store::Store;
use crate::{snapshot_fault, suggest};

/// Which snapshot is asked.
#[derive(Debug, Clone, Args)]
pub(crate) struct SnapshotArgs {
    /// The snapshot: JSON, compiled, or an OpenFGA store file; `-` reads it
    /// from standard input.
    #[arg(short, long, env = "DEPUTIZE_SNAPSHOT", value_name = "FILE")]
    pub(crate) snapshot: PathBuf,
    #[command(flatten)]
    root: RootArgs,
}

/// A policy, with what it was made from.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// The policy.
    pub(crate) policy: Policy,
    /// What it was made from.
    pub(crate) form: Form,
    /// What the user called it.
    pub(crate) name: String,
}

/// What a policy was made from.
#[derive(Debug)]
pub(crate) enum Form {
    /// A snapshot document.
    Snapshot(Vec<u8>),
    /// The compiled form, which no longer lists its tuples.
    Compiled,
    /// A store file, and the snapshot document made from it.
    Store(Box<Store>, Vec<u8>),
}

/// How the compiled form begins.
const COMPILED_MAGIC: &[u8] = b"DEPUTIZE";

/// The most bytes that are read of a text. A million tuples take about 100 MB,
/// and a snapshot has the same limit.
const MAX_TEXT: u64 = deputize::snapshot::MAX_SNAPSHOT_BYTES as u64;

/// The most bytes that are read of the compiled form, whose offsets have 32
/// bits.
const MAX_COMPILED: u64 = 1 << 32;

impl SnapshotArgs {
    /// Reads the policy.
    pub(crate) fn load(&self) -> Result<Loaded, Failure> {
        load(&self.snapshot, &self.root)
    }

    /// Whether standard input is taken by the snapshot.
    pub(crate) fn is_stdin(&self) -> bool {
        is_stdin(&self.snapshot)
    }
}

/// Reads a policy of any form.
pub(crate) fn load(path: &Path, root: &RootArgs) -> Result<Loaded, Failure> {
    let name = spell(path);
    let bytes = read(path)?;
    // Waiting for standard input is the user's own doing; what follows is ours.
    let _spinner = Spinner::new("loading");
    if bytes.starts_with(COMPILED_MAGIC) {
        let policy = Policy::from_compiled(&bytes).map_err(|error| {
            Fault::new(error.code(), error.to_string())
                .in_file(&name)
                .hint("compile it again from its snapshot: `deputize compile`")
        })?;
        return Ok(Loaded {
            policy,
            form: Form::Compiled,
            name,
        });
    }
    if is_store(path, &bytes) {
        let text = text_of(bytes, &name)?;
        let mut store = Store::parse(text, &name, &Reach::of(path, root)?)?;
        let (policy, document) = store.policy("")?;
        return Ok(Loaded {
            policy,
            form: Form::Store(Box::new(store), document),
            name,
        });
    }
    let bytes = text_of(bytes, &name)?.into_bytes();
    let policy = Policy::from_json(&bytes)
        .map_err(|error| snapshot_fault::of_document(&error, &bytes, &name))?;
    Ok(Loaded {
        policy,
        form: Form::Snapshot(bytes),
        name,
    })
}

/// A snapshot is a JSON object; a store file is YAML, by its name or, on
/// standard input, by its first character.
fn is_store(path: &Path, bytes: &[u8]) -> bool {
    let named = path
        .extension()
        .is_some_and(|e| e.eq_ignore_ascii_case("yaml") || e.eq_ignore_ascii_case("yml"));
    let first = bytes.iter().find(|b| !b.is_ascii_whitespace());
    named || (is_stdin(path) && first.is_some_and(|b| *b != b'{'))
}

/// Reads a file, or standard input for `-`.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    read_as(path, path)
}

/// Reads a file that the user knows by another name.
fn read_as(path: &Path, named: &Path) -> Result<Vec<u8>, Failure> {
    let read = if is_stdin(path) {
        bounded(std::io::stdin().lock())
    } else {
        std::fs::File::open(path).and_then(bounded)
    };
    let bytes = read.map_err(|error| unreadable(named, &error))?;
    bytes.ok_or_else(|| {
        let said = format!("it has more than {MAX_TEXT} bytes, which is as much as is read");
        let fault = Fault::new("file.too_large", said);
        fault.in_file(spell(named)).into()
    })
}

/// Reads to the end, unless that is too far away.
fn bounded(mut from: impl Read) -> std::io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    let mut first = [0; COMPILED_MAGIC.len()];
    let mut filled = 0;
    while let Some(rest) = first.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match from.read(rest)? {
            0 => break,
            count => filled += count,
        }
    }
    bytes.extend(first.iter().take(filled));
    let most = match bytes == COMPILED_MAGIC {
        true => MAX_COMPILED,
        false => MAX_TEXT,
    };
    from.take(most).read_to_end(&mut bytes)?;
    Ok(Some(bytes).filter(|bytes| bytes.len() as u64 <= most))
}

/// Why a file cannot be read.
pub(crate) fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    let what = match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        std::io::ErrorKind::IsADirectory => "this is a folder, not a file".to_owned(),
        std::io::ErrorKind::PermissionDenied => "this file may not be read".to_owned(),
        _ => format!("it cannot be read: {error}"),
    };
    let fault = Fault::new("file.unreadable", what);
    fault.in_file(spell(path)).into()
}

/// Reads a file of text.
pub(crate) fn read_text(path: &Path) -> Result<String, Failure> {
    read_text_as(path, path)
}

/// Reads a file of text that the user knows by another name.
pub(crate) fn read_text_as(path: &Path, named: &Path) -> Result<String, Failure> {
    text_of(read_as(path, named)?, &spell(named))
}

/// Reads a file of JSON.
pub(crate) fn read_json(path: &Path) -> Result<Value, Failure> {
    let text = read_text(path)?;
    json::from_text(&text).map_err(|e| json_fault(&e, &text, &spell(path)).into())
}

/// What is wrong with a text that should be JSON.
pub(crate) fn json_fault(error: &serde_json::Error, text: &str, name: &str) -> Fault {
    let message = json::said(error);
    let line = u32::try_from(error.line()).unwrap_or(u32::MAX);
    let column = u32::try_from(error.column()).unwrap_or(u32::MAX);
    Fault::new("file.json", &message)
        .in_file(name)
        .at(Place::of(text, line, column, 1))
        .maybe_hint(suggest::member(&message))
}

/// Writes a file.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    std::fs::write(path, bytes).map_err(|error| {
        let what = format!("it cannot be written: {error}");
        Fault::new("file.unwritable", what)
            .in_file(spell(path))
            .into()
    })
}

/// Writes a new file that only its owner may read: one that is there already is
/// left as it is.
pub(crate) fn write_secret(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options
        .open(path)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()));
    written.map_err(|error| {
        let fault = match error.kind() {
            std::io::ErrorKind::AlreadyExists => {
                Fault::new("file.exists", "there is such a file; it is left as it is")
                    .hint("name another file, or move that one away")
            }
            _ => Fault::new("file.unwritable", format!("it cannot be written: {error}")),
        };
        fault.in_file(spell(path)).into()
    })
}

/// Adds a line to the end of a file, which is made where it is not there.
pub(crate) fn append_line(path: &Path, line: &str) -> Result<(), Failure> {
    let written = std::fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)
        // At once, so that the lines of two programs do not mix.
        .and_then(|mut file| file.write_all(format!("{line}\n").as_bytes()));
    written.map_err(|error| {
        let what = format!("it cannot be written: {error}");
        Fault::new("file.unwritable", what)
            .in_file(spell(path))
            .into()
    })
}

/// Standard input can be read once: by whichever of these takes it.
pub(crate) fn share_stdin(takers: &[(&str, bool)]) -> Result<(), Failure> {
    let takers: Vec<&str> = takers.iter().filter(|t| t.1).map(|t| t.0).collect();
    if takers.len() < 2 {
        return Ok(());
    }
    let said = format!("standard input cannot give {}", takers.join(" and "));
    Err(Fault::new("request.stdin", said)
        .hint("name a file for all but one of them")
        .into())
}

/// What a path is called in messages.
pub(crate) fn spell(path: &Path) -> String {
    if is_stdin(path) {
        "standard input".to_owned()
    } else {
        path.display().to_string()
    }
}

/// Whether a path stands for standard input.
pub(crate) fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// The text that a file's bytes are. Every file of text comes through here.
fn text_of(bytes: Vec<u8>, name: &str) -> Result<String, Failure> {
    if is_utf16(&bytes) {
        let fault = Fault::new("file.utf16", "it is UTF-16; it must be UTF-8");
        return Err(fault
            .in_file(name)
            .hint("where `>` of Windows PowerShell made it: `… | Out-File -Encoding utf8 FILE`, or the command's own `-o FILE`")
            .into());
    }
    let mut text = String::from_utf8(bytes).map_err(|error| {
        let offset = error.utf8_error().valid_up_to();
        let before = error.as_bytes().get(..offset).unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let said = format!("it is not UTF-8 from byte {offset} on, in line {line}");
        Fault::new("file.utf8", said).in_file(name)
    })?;
    // Editors on Windows begin a file with a byte order mark.
    if text.starts_with('\u{feff}') {
        text.drain(..'\u{feff}'.len_utf8());
    }
    Ok(text)
}
