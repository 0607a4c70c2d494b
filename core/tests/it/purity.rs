//! The core answers from its arguments alone: its sources name no clock, file,
//! socket, environment, randomness, thread or global.
//!
//! The sources are read with comments, literals and test modules taken out.
//! What of the standard library may be named is a list, so that a part nobody
//! thought of is refused too; words that reach the outside by another way are
//! refused by name. Every exception stands here with its file and its reason,
//! and one that is no longer needed fails the test.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The modules of `std`, `core` and `alloc` that the sources may name: they
/// compute, and reach nothing outside the process.
const STANDARD: &[&str] = &[
    "borrow",
    "boxed",
    "cell",
    "char",
    "cmp",
    "collections",
    "convert",
    "error",
    "fmt",
    "hash",
    "hint",
    "iter",
    "marker",
    "mem",
    "num",
    "ops",
    "option",
    "rc",
    "result",
    "slice",
    "str",
    "string",
    "sync",
    "vec",
];

/// Words that no source may hold, in code, and what each would bring in.
const FORBIDDEN: &[(&str, &str)] = &[
    ("SystemTime", "a clock"),
    ("Instant", "a clock"),
    ("UNIX_EPOCH", "a clock"),
    ("chrono", "a clock"),
    ("File", "a file"),
    ("OpenOptions", "a file"),
    ("stdin", "a file"),
    ("stdout", "a file"),
    ("stderr", "a file"),
    ("print!", "a file"),
    ("println!", "a file"),
    ("eprint!", "a file"),
    ("eprintln!", "a file"),
    ("dbg!", "a file"),
    ("TcpStream", "a socket"),
    ("TcpListener", "a socket"),
    ("UdpSocket", "a socket"),
    ("ToSocketAddrs", "a socket"),
    ("env", "the environment"),
    ("option_env", "the environment of the build"),
    ("include_str", "a file of the build"),
    ("include_bytes", "a file of the build"),
    ("rand", "randomness"),
    ("OsRng", "randomness"),
    ("SystemRandom", "randomness"),
    ("getrandom", "randomness"),
    ("RandomState", "randomness"),
    ("DefaultHasher", "randomness"),
    ("thread", "a thread"),
    ("spawn", "a thread"),
    ("rayon", "a thread"),
    ("tokio", "a thread"),
    ("async", "a thread"),
    ("await", "a thread"),
    ("mpsc", "a thread"),
    ("Command", "a process"),
    ("thread_local", "a global"),
    ("lazy_static", "a global"),
    ("once_cell", "a global"),
    ("OnceLock", "a global"),
    ("LazyLock", "a global"),
    ("OnceCell", "a global"),
    ("LazyCell", "a global"),
    ("Mutex", "a global"),
    ("RwLock", "a global"),
    ("Once", "a global"),
    ("unsafe", "whatever it likes"),
    ("extern", "foreign code"),
    ("asm", "foreign code"),
    // Maps of the standard library are seeded at random: their order differs
    // from run to run. Those of `hashbrown` take the hasher that we give.
    ("std::collections::HashMap", "a random order"),
    ("std::collections::HashSet", "a random order"),
];

/// `(file, what it names, why it may)`.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    (
        "lib.rs",
        "include_str",
        "the front page's examples, which are compiled as tests only",
    ),
    (
        "policy/build.rs",
        "OnceLock",
        "a field of each policy: its digest, computed when first asked for",
    ),
    (
        "policy/holders.rs",
        "OnceLock",
        "fields of each policy: who may have a relation, computed when first asked for",
    ),
    ("policy/image.rs", "OnceLock", "the same field"),
    ("policy/mod.rs", "OnceLock", "the same field"),
    (
        "cel/address.rs",
        "std::net",
        "the types of addresses, which conditions compute with; nothing is opened",
    ),
    (
        "model/grammar.rs",
        "static RULES",
        "the grammar's table: constant, without interior mutability",
    ),
    (
        "cel/functions.rs",
        "static DEFINITIONS",
        "the functions of CEL: constant, without interior mutability",
    ),
    (
        "token/signature/portable.rs",
        "static PROVIDER",
        "a table of functions, which jsonwebtoken wants for the life of the \
         program: constant, without interior mutability",
    ),
];

/// What makes a library draw randomness, though no word of the source shows it:
/// a key that signs. `(file that names it, file and item that its gate stands
/// before, why it may)`.
const SIGNING: &[(&str, (&str, &str), &str)] = &[
    (
        "token/sign.rs",
        ("token/mod.rs", "mod sign;"),
        "ECDSA and RSA-PSS signatures need randomness, which AWS-LC draws from \
         the operating system; no decision depends on it",
    ),
    (
        "token/signature/mod.rs",
        ("token/signature/mod.rs", "pub(crate) fn sign("),
        "hands the key of `token/sign.rs` to the library",
    ),
];

#[test]
fn the_core_reaches_nothing_outside() {
    let mut used = BTreeSet::new();
    let mut faults = Vec::new();
    let files = sources();
    assert!(files.len() > 60, "only {} sources were found", files.len());
    for (name, text) in &files {
        for found in findings(&code_of(text)) {
            let excepted = EXCEPTIONS
                .iter()
                .position(|(file, what, _)| file == name && found.what == *what);
            match excepted {
                Some(nth) => {
                    used.insert(nth);
                }
                None => faults.push(format!(
                    "{name}:{}: `{}` brings in {}",
                    found.line, found.what, found.brings
                )),
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    for (nth, (file, what, reason)) in EXCEPTIONS.iter().enumerate() {
        assert!(!reason.is_empty());
        assert!(
            used.contains(&nth),
            "{file} no longer names `{what}`: take the exception out"
        );
    }
}

#[test]
fn randomness_is_drawn_by_signing_alone() {
    let naming: Vec<String> = sources()
        .into_iter()
        .filter(|(_, text)| tokens(&code_of(text)).any(|(_, word)| word == "EncodingKey"))
        .map(|(name, _)| name)
        .collect();
    let allowed: Vec<&str> = SIGNING.iter().map(|(file, ..)| *file).collect();
    assert_eq!(naming, allowed);
    for (_, (file, item), reason) in SIGNING {
        assert!(!reason.is_empty());
        // Behind its feature, and never on wasm32. The attribute holds a
        // literal, so the source is read as it stands.
        let text = fs::read_to_string(root().join(file)).unwrap();
        let at = text.find(item).expect(item);
        let gate = text[..at].trim_end().lines().last().unwrap_or_default();
        assert_eq!(
            gate, "#[cfg(all(feature = \"sign\", not(target_arch = \"wasm32\")))]",
            "{file}: {item}"
        );
    }
}

#[test]
fn the_scan_finds_what_it_looks_for() {
    let seen = |text: &str| -> Vec<String> {
        findings(&code_of(text))
            .into_iter()
            .map(|f| f.what)
            .collect()
    };
    assert_eq!(seen("use std::fs::File;"), ["std::fs", "File"]);
    assert_eq!(
        seen("use std::{fmt, time as t, io};"),
        ["std::time", "std::io"]
    );
    assert_eq!(seen("use ::core::time::Duration;"), ["core::time"]);
    assert_eq!(
        seen("use std::collections::{BTreeMap, HashMap};"),
        ["std::collections::HashMap"]
    );
    assert_eq!(
        seen("use std::sync::{Arc, atomic::AtomicU8, OnceLock};"),
        ["std::sync::atomic", "AtomicU8", "OnceLock"]
    );
    assert_eq!(seen("use std as s;"), ["std"]);
    assert_eq!(seen("use std::*;"), ["std::*"]);
    assert_eq!(seen("static mut COUNT: u8 = 0;"), ["static COUNT"]);
    assert_eq!(seen("pub(super) static TABLE: u8 = 0;"), ["static TABLE"]);
    assert_eq!(seen("fn f() -> &'static str { \"std::fs\" }"), [""; 0]);
    assert_eq!(
        seen("// std::fs\n/* std::net /* std::env */ */ fn f() {}"),
        [""; 0]
    );
    assert_eq!(
        seen("const S: &str = r#\"std::fs\" \"#; const C: char = '\"';"),
        [""; 0]
    );
    assert_eq!(
        seen("#[cfg(test)]\nmod tests { use std::fs; }\nuse std::env;"),
        ["std::env", "env"]
    );
    assert_eq!(seen("println!(\"x\"); print::model()"), ["println"]);
}

struct Finding {
    line: usize,
    what: String,
    brings: &'static str,
}

/// What a source, its comments and literals taken out, names that it may not.
fn findings(code: &str) -> Vec<Finding> {
    let tokens: Vec<(usize, &str)> = tokens(code).collect();
    let mut found = Vec::new();
    for (at, &(line, token)) in tokens.iter().enumerate() {
        let after = |n: usize| tokens.get(at + n).map_or("", |(_, t)| t);
        let mut add = |what: String, brings| found.push(Finding { line, what, brings });
        let root = matches!(token, "std" | "core" | "alloc");
        let path_before = at >= 1 && tokens[at - 1].1 == "::";
        // `::std` is the standard library; `crate::core` is not.
        let ours = path_before && at >= 2 && is_word(tokens[at - 2].1) && tokens[at - 2].1 != "use";
        if root && !ours {
            if after(1) == "::" {
                for path in paths(&tokens[at + 2..]) {
                    let first = path.split("::").next().unwrap_or_default();
                    if !STANDARD.contains(&first) {
                        add(
                            format!("{token}::{first}"),
                            "an unlisted part of the library",
                        );
                    } else if path.starts_with("sync::atomic") {
                        add(format!("{token}::sync::atomic"), "a global");
                    }
                    let whole = format!("std::{path}");
                    for (word, brings) in FORBIDDEN.iter().filter(|(w, _)| w.contains("::")) {
                        if whole.starts_with(word) {
                            add((*word).to_owned(), brings);
                        }
                    }
                }
            } else if matches!(after(1), "as" | ";" | "," | "}") && token == "std" {
                add("std".to_owned(), "the library under another name");
            }
        }
        if token == "static" && at > 0 && tokens[at - 1].1 == "'" {
            continue;
        }
        if token == "static" {
            let name = if after(1) == "mut" {
                after(2)
            } else {
                after(1)
            };
            add(format!("static {name}"), "a global");
        }
        if token.starts_with("Atomic") && token.len() > "Atomic".len() {
            add(token.to_owned(), "a global");
        }
        // `print!` is a macro to refuse; a room named `print` is not.
        let called = FORBIDDEN
            .iter()
            .find(|(word, _)| match word.strip_suffix('!') {
                Some(name) => name == token && after(1) == "!",
                None => *word == token,
            });
        if let Some((_, brings)) = called {
            add(token.to_owned(), brings);
        }
    }
    found
}

/// The paths behind `std::`: one, or those of a group in braces.
fn paths(tokens: &[(usize, &str)]) -> Vec<String> {
    let mut paths = Vec::new();
    let mut stack: Vec<String> = Vec::new();
    let mut path = String::new();
    let mut renamed = false;
    for (_, token) in tokens {
        match *token {
            "{" => stack.push(path.clone()),
            "," | "}" => {
                if !path.is_empty() && stack.last() != Some(&path) {
                    paths.push(path.clone());
                }
                if *token == "}" {
                    stack.pop();
                }
                path = stack.last().cloned().unwrap_or_default();
                renamed = false;
            }
            "::" => path.push_str("::"),
            "as" => renamed = true,
            word if is_word(word) || word == "*" => {
                if renamed {
                    continue;
                }
                if !path.is_empty() && !path.ends_with("::") {
                    break;
                }
                path.push_str(word);
            }
            _ => break,
        }
        if stack.is_empty() && matches!(*token, "," | "}") {
            return paths;
        }
    }
    if !path.is_empty() && !stack.contains(&path) {
        paths.push(path);
    }
    paths
}

fn is_word(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphanumeric() || c == '_')
}

/// Words, `::`, and single other characters, with their lines.
fn tokens(code: &str) -> impl Iterator<Item = (usize, &str)> {
    code.lines().enumerate().flat_map(|(nth, line)| {
        let mut rest = line;
        std::iter::from_fn(move || {
            rest = rest.trim_start();
            let first = rest.chars().next()?;
            let length = if is_word(rest) {
                rest.find(|c: char| !c.is_alphanumeric() && c != '_')
                    .unwrap_or(rest.len())
            } else if rest.starts_with("::") {
                2
            } else {
                first.len_utf8()
            };
            let (token, behind) = rest.split_at(length);
            rest = behind;
            Some((nth + 1, token))
        })
    })
}

/// A source without its comments, the insides of its literals and its inline
/// test modules; lines stay where they are.
fn code_of(source: &str) -> String {
    let mut code = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            block_comment(rest)
        } else if let Some(length) = raw_text(rest).filter(|_| !ends_in_word(&code)) {
            length
        } else if first == '"' {
            quoted(rest, '"')
        } else if first == '\'' && is_char(rest) {
            quoted(rest, '\'')
        } else {
            code.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        };
        let (gone, behind) = rest.split_at(skipped);
        code.extend(gone.chars().filter(|c| *c == '\n'));
        code.push(' ');
        rest = behind;
    }
    without_tests(&code)
}

fn ends_in_word(code: &str) -> bool {
    code.ends_with(|c: char| c.is_alphanumeric() || c == '_')
}

fn block_comment(text: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// The length of `r"…"`, `r#"…"#`, `br"…"` where one starts.
fn raw_text(text: &str) -> Option<usize> {
    let behind = text.strip_prefix('b').unwrap_or(text).strip_prefix('r')?;
    let hashes = behind.len() - behind.trim_start_matches('#').len();
    let inside = behind[hashes..].strip_prefix('"')?;
    let close = format!("\"{}", "#".repeat(hashes));
    let end = inside.find(&close)?;
    Some(text.len() - inside.len() + end + close.len())
}

fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

/// Whether a `'` starts a character, and not a lifetime.
fn is_char(text: &str) -> bool {
    let mut chars = text.chars().skip(1);
    match (chars.next(), chars.next()) {
        (Some('\\'), _) => true,
        (Some(_), Some(next)) => next == '\'',
        _ => false,
    }
}

/// Blanks what stands behind `#[cfg(test)]`: an item up to its `;`, or a block.
fn without_tests(code: &str) -> String {
    let mut kept = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(at) = rest.find("#[cfg(test)]") {
        let (before, item) = rest.split_at(at);
        kept.push_str(before);
        let mut depth = 0;
        let end = item.char_indices().find_map(|(at, c)| {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            (depth == 0 && matches!(c, ';' | '}')).then_some(at + 1)
        });
        let (gone, behind) = item.split_at(end.unwrap_or(item.len()));
        kept.extend(gone.chars().filter(|c| *c == '\n'));
        rest = behind;
    }
    kept.push_str(rest);
    kept
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Every source of the library that is not a test, by its path under `src`.
fn sources() -> Vec<(String, String)> {
    let root = root();
    let mut files = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && name != "tests" {
                folders.push(path);
            } else if name.ends_with(".rs") && name != "tests.rs" {
                let inside = path.strip_prefix(&root).unwrap();
                let inside = inside.to_string_lossy().replace('\\', "/");
                files.push((inside, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    files.sort();
    files
}
