use super::*;
use crate::numbers::Numbers;

fn random_pattern(numbers: &mut Numbers) -> Pattern {
    let words = ["a", "b", "c", "*", "*"];
    let text: Vec<&str> = (0..=numbers.below(4))
        .map(|_| *numbers.pick(&words))
        .collect();
    pattern(&text.join(":"))
}

fn pattern(text: &str) -> Pattern {
    Pattern::parse(text).unwrap()
}

#[test]
fn what_each_pattern_covers() {
    let cases = [
        ("integration:deploy", "integration:deploy", true),
        ("integration:*", "integration:deploy", true),
        ("integration:*", "integration:log:tail", true),
        ("integration:*", "integration", false),
        ("integration", "integration:get", false),
        ("integration:get", "integration", false),
        ("*", "anything:at:all", true),
        ("*", "can_read", true),
        ("*", "*", true),
        ("a:*:c", "a:b:c", true),
        ("a:*:c", "a:b:d", false),
        ("a:*:c", "a:b:c:d", false),
        ("a:*:c", "a:x:y:c", false),
        ("*:get", "function:get", true),
        ("*:get", "get", false),
        ("function:get", "function:*", false),
        ("function:*", "function:*", true),
        ("function:*", "function:get:*", true),
        ("function:*", "*", false),
        ("a:*:c", "a:*:c", true),
        ("a:*:c", "a:*", false),
        ("a:*:*", "a:*", false),
        ("a:*", "a:*:*", true),
        ("function:get", "Function:get", false),
    ];
    for (rule, asked, expected) in cases {
        assert_eq!(pattern(rule).covers(asked), expected, "{rule} / {asked}");
    }
}

#[test]
fn a_malformed_request_is_never_covered() {
    for asked in [
        "", ":", "a:", ":a", "a::b", "a:b*", "a:b c", "a:\u{7}", "a:b\n",
    ] {
        assert!(!pattern("*").covers(asked), "{asked:?}");
        assert!(!pattern("a:*").covers(asked), "{asked:?}");
    }
}

#[test]
fn malformed_patterns_have_their_codes() {
    let long = "a".repeat(MAX_PATTERN_BYTES + 1);
    let cases = [
        ("", "action.empty"),
        ("a::b", "action.empty_segment"),
        (":a", "action.empty_segment"),
        ("a:", "action.empty_segment"),
        ("a:b*", "action.partial_wildcard"),
        ("**", "action.partial_wildcard"),
        ("a b", "action.character"),
        ("a:\u{0}", "action.character"),
        (long.as_str(), "action.too_long"),
    ];
    for (text, code) in cases {
        let error = Pattern::parse(text).unwrap_err();
        assert_eq!(error.code(), code, "{text:?}");
        assert!(!error.to_string().is_empty());
    }
}

/// Every action of up to five segments over three words, the alphabet being
/// one word larger than what the generated patterns name.
fn all_actions() -> Vec<String> {
    let words = ["a", "b", "c", "z"];
    let mut all = vec![];
    let mut longest = vec![String::new()];
    for _ in 0..5 {
        longest = longest
            .iter()
            .flat_map(|head| {
                words.map(|word| {
                    if head.is_empty() {
                        word.to_owned()
                    } else {
                        format!("{head}:{word}")
                    }
                })
            })
            .collect();
        all.extend(longest.clone());
    }
    all
}

#[test]
fn inclusion_is_what_covering_every_action_means() {
    let actions = all_actions();
    let mut numbers = Numbers(7);
    for _ in 0..1_500 {
        let (a, b) = (random_pattern(&mut numbers), random_pattern(&mut numbers));
        let every = actions
            .iter()
            .filter(|action| a.covers(action))
            .all(|action| b.covers(action));
        assert_eq!(a.is_within(&b), every, "{a} within {b}");
    }
}

#[test]
fn inclusion_is_a_partial_order() {
    let mut numbers = Numbers(11);
    for _ in 0..100_000 {
        let (a, b, c) = (
            random_pattern(&mut numbers),
            random_pattern(&mut numbers),
            random_pattern(&mut numbers),
        );
        assert!(a.is_within(&a));
        if a.is_within(&b) && b.is_within(&a) {
            assert_eq!(a, b);
        }
        if a.is_within(&b) && b.is_within(&c) {
            assert!(a.is_within(&c), "{a} / {b} / {c}");
        }
        // Covering is monotone, whatever is asked, patterns included.
        let asked = random_pattern(&mut numbers);
        if a.is_within(&b) && a.covers(asked.as_str()) {
            assert!(b.covers(asked.as_str()), "{a} / {b} / {asked}");
        }
    }
}

#[test]
fn any_text_parses_or_errs() {
    let mut numbers = Numbers(13);
    let parts = [
        "a", ":", "*", " ", "é", "\u{0}", "::", "\u{2028}", "%", "\\",
    ];
    for _ in 0..20_000 {
        let text = numbers.text(&parts, 8);
        if let Ok(pattern) = Pattern::parse(&text) {
            assert!(pattern.covers(&text));
        } else {
            assert!(!Pattern::parse("*").unwrap().covers(&text), "{text:?}");
        }
    }
}
