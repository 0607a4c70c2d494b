//! The core touches nothing outside: no clock, file, socket, environment,
//! randomness, thread or global.
//!
//! The sources are searched for the ways out that the standard library and
//! its neighbours offer, with comments, texts and tests set aside. What hides
//! in a dependency is seen by the `wasm` step: a module that imports nothing
//! cannot reach anything.

use std::fs;
use std::path::Path;

use regex_lite::Regex;

use crate::failure::Failure;
use crate::program;
use crate::step::Outcome;

/// Each way out: what it reaches, and how a source names it.
const WAYS_OUT: [(&str, &str); 6] = [
    (
        "clock, file, socket, environment, thread or process",
        r"\bstd\s*::\s*(fs|net|time|env|thread|process|io|os)\b",
    ),
    (
        "clock, file, socket, environment, thread or process",
        r"\bstd\s*::\s*\{[^;]*[{,\s](fs|net|time|env|thread|process|io|os)\b[^;]*;",
    ),
    ("clock", r"\b(SystemTime|Instant)\b"),
    (
        "randomness",
        r"\b(getrandom|rand|fastrand|RandomState|OsRng|ThreadRng)\b|\bstd\s*::\s*collections\s*::\s*(\{[^;]*\b)?Hash(Map|Set)\b",
    ),
    (
        "global",
        r"\bthread_local!|\bstatic\s+mut\b|\bstatic\s+[A-Z_0-9]+\s*:[^=;]*(Cell|Mutex|RwLock|Once|Lazy|Atomic)",
    ),
    ("terminal", r"\be?print(ln)?!|\bdbg!"),
];

/// Searches all of `core/src`.
pub(crate) fn check() -> Result<Outcome, Failure> {
    let ways_out = WAYS_OUT
        .iter()
        .map(|(reaches, named)| Ok((*reaches, Regex::new(named).map_err(Failure::found)?)))
        .collect::<Result<Vec<_>, Failure>>()?;
    let mut found = Vec::new();
    let mut files = 0;
    let root = program::root();
    let mut folders = vec![root.join("core/src")];
    while let Some(folder) = folders.pop() {
        for item in fs::read_dir(&folder).map_err(Failure::at(&folder))? {
            let path = item.map_err(Failure::at(&folder))?.path();
            if is_test(&path) {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                files += 1;
                let source = fs::read_to_string(&path).map_err(Failure::at(&path))?;
                for finding in search(&source, &ways_out) {
                    let shown = path.strip_prefix(&root).unwrap_or(&path).display();
                    found.push(format!("{shown}: {finding}"));
                }
            }
        }
    }
    match found.is_empty() {
        true => Ok(Outcome::Done(format!("{files} files"))),
        false => Err(Failure::Found(found.join("\n"))),
    }
}

fn is_test(path: &Path) -> bool {
    path.file_stem().is_some_and(|name| name == "tests")
}

fn search(source: &str, ways_out: &[(&str, Regex)]) -> Vec<String> {
    let code = code(source);
    // Unit tests in the same file come last, and may touch what they like.
    let code = code.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    ways_out
        .iter()
        .filter_map(|(reaches, named)| {
            let at = named.find(code)?;
            let found = at.as_str().split_whitespace().collect::<Vec<_>>();
            Some(format!("`{}` reaches a {reaches}", found.join(" ")))
        })
        .collect()
}

/// The source without its comments and with its texts emptied.
fn code(source: &str) -> String {
    let mut code = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(char) = rest.chars().next() {
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if let Some(raw) = raw_text(rest) {
            raw
        } else if char == '"' {
            text(rest)
        } else if rest.starts_with("'\"'") || rest.starts_with("'\\\"'") {
            // A quote as a character opens no text.
            rest.char_indices()
                .skip(1)
                .find(|(_, c)| *c == '\'')
                .map_or(1, |(at, _)| at + 1)
        } else {
            code.push(char);
            char.len_utf8()
        };
        rest = rest.get(skipped..).unwrap_or_default();
    }
    code
}

/// The length of the text in quotes that `source` begins with.
fn text(source: &str) -> usize {
    let mut escaped = false;
    for (at, char) in source.char_indices().skip(1) {
        match char {
            '"' if !escaped => return at + 1,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    source.len()
}

/// The length of the `r#"…"#` that `source` begins with.
fn raw_text(source: &str) -> Option<usize> {
    let after = source.strip_prefix('r')?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    let body = after.get(hashes..)?.strip_prefix('"')?;
    let close = format!("\"{}", "#".repeat(hashes));
    let end = body.find(&close)?;
    Some(1 + hashes + 1 + end + close.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finds(source: &str) -> usize {
        let ways_out: Vec<_> = WAYS_OUT
            .iter()
            .map(|(reaches, named)| (*reaches, Regex::new(named).unwrap()))
            .collect();
        search(source, &ways_out).len()
    }

    #[test]
    fn each_way_out_is_found() {
        for source in [
            "use std::fs;",
            "fn now() -> u64 { std::time::UNIX_EPOCH }",
            "use std::{collections::BTreeMap, env};",
            "use std::{\n    net::{IpAddr, TcpStream},\n    rc::Rc,\n};",
            "let now = Instant::now();",
            "use std::collections::HashMap;",
            "use std::collections::{BTreeMap, HashSet};",
            "let seed = getrandom::u64();",
            "static mut COUNT: u32 = 0;",
            "static NAMES: OnceLock<Vec<String>> = OnceLock::new();",
            "thread_local! { }",
            "println!(\"x\");",
        ] {
            assert!(finds(source) > 0, "{source}");
        }
    }

    #[test]
    fn words_in_comments_texts_and_tests_are_no_findings() {
        for source in [
            "// std::fs is not used\nfn a() {}",
            "/* std::env */ fn a() {}",
            "const A: &str = \"std::fs and \\\" Instant\";",
            "const A: &str = r#\"std::fs \" Instant\"#;",
            "fn a() {}\n#[cfg(test)]\nmod tests { use std::fs; }",
            "fn a(char: char) -> bool { char == '\"' } // std::env \"",
            "static NAMES: [&str; 1] = [\"a\"];",
            "use std::collections::BTreeMap; use std::net_like::X;",
            "fn random(operand: u8) -> &'static str { \"\" }",
        ] {
            assert_eq!(finds(source), 0, "{source}");
        }
    }

    #[test]
    fn code_after_a_quoted_quote_is_still_seen() {
        assert!(finds("if c == '\"' { std::env::var(\"X\"); }") > 0);
        assert!(finds("if c == '\\\"' { std::env::var(\"X\"); }") > 0);
    }
}
