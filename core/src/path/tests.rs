use super::*;
use crate::action::Pattern;
use crate::numbers::Numbers;
use std::path::PathBuf;

#[test]
fn a_path_has_one_normal_form() {
    for text in ["/account/a", "account/a", "account/a/", "/account/a/"] {
        assert_eq!(Path::parse(text).unwrap().as_str(), "/account/a/");
    }
    assert_eq!(Path::parse("/").unwrap().as_str(), "/");
    let text = "/account/a/";
    let path = Path::parse(text).unwrap();
    assert!(matches!(path.text, Cow::Borrowed(_)));
}

#[test]
fn prefixes_go_from_the_longest_to_the_root() {
    let path = Path::parse("a/b/c").unwrap();
    let all: Vec<&str> = path.prefixes().collect();
    assert_eq!(all, ["/a/b/c/", "/a/b/", "/a/", "/"]);
    let root = Path::parse("/").unwrap();
    assert_eq!(root.prefixes().collect::<Vec<_>>(), ["/"]);
}

#[test]
fn a_prefix_matches_whole_segments() {
    let rule = Path::parse("/account/acc-1").unwrap();
    for (asked, expected) in [
        ("/account/acc-1", true),
        ("account/acc-1/x", true),
        ("/account/acc-10", false),
        ("/account", false),
        ("/", false),
        ("/account/ACC-1", false),
        ("/account/acc-1/../acc-2", false),
        ("", false),
    ] {
        assert_eq!(rule.covers_text(asked), expected, "{asked}");
        let parsed = Path::parse(asked);
        assert_eq!(parsed.is_ok_and(|p| rule.covers(&p)), expected, "{asked}");
    }
    assert!(Path::parse("/").unwrap().covers_text("/x/y"));
}

#[test]
fn spellings_that_others_read_differently_are_errors() {
    let long = "a".repeat(MAX_PATH_BYTES + 1);
    let cases = [
        ("", "path.empty"),
        ("//", "path.empty_segment"),
        ("//a", "path.empty_segment"),
        ("/a//b", "path.empty_segment"),
        ("/a//", "path.empty_segment"),
        ("/a/./b", "path.dot_segment"),
        ("/a/../b", "path.dot_segment"),
        ("..", "path.dot_segment"),
        ("/a/..;x=1/b", "path.dot_segment"),
        ("/a\\b", "path.character"),
        ("/a\u{0}", "path.character"),
        ("/a\n", "path.character"),
        ("/a?b=c", "path.character"),
        ("/a#b", "path.character"),
        ("/a%2fb", "path.encoding"),
        ("/a%2Fb", "path.encoding"),
        ("/a%5cb", "path.encoding"),
        ("/%2e%2e/b", "path.encoding"),
        ("/.%2E/b", "path.encoding"),
        ("/a%252fb", "path.encoding"),
        ("/a%c0%afb", "path.encoding"),
        ("/a%e0%80%afb", "path.encoding"),
        ("/a%00", "path.encoding"),
        ("/a%0a", "path.encoding"),
        ("/a%c2%85", "path.encoding"),
        ("/a%", "path.encoding"),
        ("/a%2", "path.encoding"),
        ("/a%zz", "path.encoding"),
        ("/a%é", "path.encoding"),
        (long.as_str(), "path.too_long"),
    ];
    for (text, code) in cases {
        let error = Path::parse(text).unwrap_err();
        assert_eq!(error.code(), code, "{text:?}");
        assert!(!error.to_string().is_empty());
    }
    // Names with dots, and other encodings, are names.
    for text in ["/a.b/..c/.d", "/a%20b", "/caf%C3%A9", "/a;b=1", "/a b"] {
        assert!(Path::parse(text).is_ok(), "{text}");
    }
}

#[test]
fn any_text_parses_or_errs() {
    let parts = [
        "a", "/", ".", "%", "2", "f", "\\", "é", ";", "//", "\u{0}", "c0",
    ];
    let mut numbers = Numbers(5);
    for _ in 0..50_000 {
        let text = numbers.text(&parts, 9);
        let Ok(path) = Path::parse(&text) else {
            continue;
        };
        assert!(path.covers_text(&text) && path.covers(&path));
        assert_eq!(Path::parse(path.as_str()).unwrap(), path);
        assert_eq!(path.prefixes().last(), Some("/"));
        for prefix in path.prefixes() {
            assert!(Path::parse(prefix).unwrap().covers(&path), "{text:?}");
        }
    }
}

/// FB1 to FB3: every case of `fusebit/vectors.json`.
#[test]
fn fusebit_vectors() {
    let folder = std::env::var_os("DEPUTIZE_CONFORMANCE").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/conformance"),
        PathBuf::from,
    );
    let Ok(text) = std::fs::read_to_string(folder.join("fusebit/vectors.json")) else {
        println!("skipped: fusebit_vectors (no {})", folder.display());
        return;
    };
    let vectors: serde_json::Value = serde_json::from_str(&text).unwrap();
    let cases = vectors["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 14);
    for case in cases {
        let word = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        let action = Pattern::parse(&word(&case["allow"]["action"])).unwrap();
        let resource = word(&case["allow"]["resource"]);
        let expected = case.get("hardened").unwrap_or(&case["expect"]);
        let Ok(rule) = Path::parse(&resource) else {
            assert!(expected.is_null(), "{case}");
            continue;
        };
        let allowed =
            action.covers(&word(&case["ask"][0])) && rule.covers_text(&word(&case["ask"][1]));
        assert_eq!(expected.as_bool(), Some(allowed), "{case}");
    }
}
