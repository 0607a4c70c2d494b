use super::*;
use crate::numbers::Numbers;

#[test]
fn rfc_6749_list() {
    for text in [
        "a",
        "a b",
        "openid urn:x:y",
        "!#[]~",
        "patient/Observation.rs?a=b|c",
        "",
    ] {
        let set = ScopeSet::parse(text).unwrap();
        assert_eq!(set.to_string(), text);
    }
    assert_eq!(ScopeSet::parse("a b a").unwrap().to_string(), "a b");
    let upper = ScopeSet::parse("A a").unwrap();
    assert_eq!(upper.tokens().collect::<Vec<_>>(), ["A", "a"]);
}

#[test]
fn what_is_not_in_the_grammar_names_its_place() {
    let cases = [
        (" ", 0, Some(' ')),
        (" a", 0, Some(' ')),
        ("a ", 2, None),
        ("a  b", 2, Some(' ')),
        ("a\tb", 1, Some('\t')),
        ("ab c\"", 4, Some('"')),
        ("a\\b", 1, Some('\\')),
        ("a b\n", 3, Some('\n')),
        ("café", 3, Some('é')),
        ("a\u{0}", 1, Some('\u{0}')),
        ("a\u{7f}", 1, Some('\u{7f}')),
    ];
    for (text, position, found) in cases {
        let error = ScopeSet::parse(text).unwrap_err();
        assert_eq!(error, ScopeError::Grammar { position, found }, "{text:?}");
        assert_eq!(error.code(), "scope.grammar");
    }
    assert!(ScopeSet::from_tokens(["a b"]).is_err());
    assert!(ScopeSet::from_tokens([""]).is_err());
}

#[test]
fn sizes_are_limited() {
    let long = "a".repeat(MAX_SCOPE_BYTES + 1);
    assert_eq!(ScopeSet::parse(&long).unwrap_err().code(), "scope.too_long");
    let many: Vec<String> = (0..=MAX_SCOPES).map(|n| n.to_string()).collect();
    let each = many.iter().map(String::as_str);
    assert_eq!(
        ScopeSet::from_tokens(each).unwrap_err().code(),
        "scope.too_long"
    );
    let claims = json!({ "permissions": many });
    let read = ScopeSet::from_claims(claims.as_object().unwrap());
    assert_eq!(read.unwrap_err().code(), "scope.too_long");
}

#[test]
fn no_claim_is_not_an_empty_claim() {
    let none = json!({"sub": "x"});
    assert_eq!(ScopeSet::from_claims(none.as_object().unwrap()), Ok(None));
    for empty in [
        json!({"scope": ""}),
        json!({"scp": []}),
        json!({"permissions": []}),
        json!({"permissions": {}}),
        json!({"authorization_details": []}),
        json!({"https://fusebit.io/permissions": {"allow": []}}),
    ] {
        let reach = claimed(&ScopePolicy::default(), empty.clone());
        assert!(!reach.covers("read", "document:1"), "{empty}");
    }
}

#[test]
fn claims_of_another_shape_refuse_the_token() {
    let fusebit = "https://fusebit.io/permissions";
    let cases = [
        (json!({"scope": ["a", 1]}), "scope.shape"),
        (json!({"scope": null}), "scope.shape"),
        (json!({"scope": 1}), "scope.shape"),
        (json!({"scp": {"a": 1}}), "scope.shape"),
        (json!({"scp": ["a", 1]}), "scope.shape"),
        (json!({"scp": ["a b"]}), "scope.grammar"),
        (json!({"permissions": "read"}), "scope.shape"),
        (json!({"permissions": ["read", ""]}), "scope.shape"),
        (json!({"permissions": [["read"]]}), "scope.shape"),
        (json!({"permissions": {"e": "read"}}), "scope.shape"),
        (json!({"authorization_details": {}}), "scope.shape"),
        (json!({"authorization_details": ["a"]}), "scope.shape"),
        (
            json!({"authorization_details": [{"actions": []}]}),
            "scope.shape",
        ),
        (
            json!({"authorization_details": [{"type": 1}]}),
            "scope.shape",
        ),
        (
            json!({"authorization_details": [{"type": "t", "actions": "a"}]}),
            "scope.shape",
        ),
        (
            json!({"authorization_details": [{"type": "t", "amount": 4}]}),
            "scope.unknown_member",
        ),
        (
            json!({"authorization_details": [{"type": "t", "privileges": []}]}),
            "scope.unknown_member",
        ),
        (json!({fusebit: []}), "scope.shape"),
        (json!({fusebit: {}}), "scope.shape"),
        (
            json!({fusebit: {"allow": [], "deny": []}}),
            "scope.unknown_member",
        ),
        (
            json!({fusebit: {"allow": [{"action": "a"}]}}),
            "scope.shape",
        ),
        (
            json!({fusebit: {"allow": [{"action": "a", "resource": "/", "limit": {}}]}}),
            "scope.unknown_member",
        ),
        (
            json!({fusebit: {"allow": [{"action": "a:", "resource": "/"}]}}),
            "action.empty_segment",
        ),
        (
            json!({fusebit: {"allow": [{"action": "a", "resource": ""}]}}),
            "path.empty",
        ),
        (
            json!({fusebit: {"allow": [{"action": "a", "resource": "/a/.."}]}}),
            "path.dot_segment",
        ),
        (
            json!({fusebit: {"allow": [{"action": "a", "resource": "a#b:c"}]}}),
            "scope.resource",
        ),
    ];
    for (claims, code) in cases {
        let error = ScopeSet::from_claims(claims.as_object().unwrap()).unwrap_err();
        assert_eq!(error.code(), code, "{claims}");
        assert!(!error.to_string().is_empty());
    }
}

#[test]
fn an_issuer_may_carry_its_scopes_in_some_claims_only() {
    let claims = json!({"scope": "a", "permissions": 7});
    let members = claims.as_object().unwrap();
    assert!(ScopeSet::from_claims(members).is_err());
    let set = ScopeSet::from_selected(members, &[ScopeClaim::Scope]).unwrap();
    assert_eq!(set.unwrap().to_string(), "a");
}

#[test]
fn claims_written_again_are_the_same_set() {
    for claims in [
        json!({"scope": "openid target-entity:e:read"}),
        json!({"scp": ["a", "b"], "scope": "a"}),
        json!({"permissions": ["Send Email", "b"]}),
        json!({"permissions": {"e": ["read"], "f": []}, "scope": ""}),
        json!({"authorization_details": [
            {"type": "t", "actions": ["x"], "identifier": "1", "locations": ["https://a"]},
            {"type": "u", "actions": []}]}),
        json!({"https://fusebit.io/permissions": {"allow": [
            {"action": "a:*", "resource": "/x"}, {"action": "b", "resource": "document:*"}]}}),
        json!({"scope": "patient/Observation.r", "patient": "p1"}),
    ] {
        let set = ScopeSet::from_claims(claims.as_object().unwrap())
            .unwrap()
            .unwrap();
        assert_eq!(
            ScopeSet::from_claims(&set.to_claims()),
            Ok(Some(set)),
            "{claims}"
        );
    }
}

#[test]
fn any_claims_parse_or_err() {
    let words = [
        "scope",
        "scp",
        "permissions",
        "authorization_details",
        "https://fusebit.io/permissions",
        "allow",
        "action",
        "resource",
        "type",
        "actions",
        "identifier",
        "a:*",
        "/a/",
        "document:1",
        "target-entity:x:y",
        "a b",
        "\u{0}",
        "",
        "patient/Observation.rs?a=b",
        "patient",
    ];
    let policy = policy(json!({
        "scope_dialects": ["target-entity", "action-pattern", "smart-v2"],
        "authorization_details": {"a:*": {"resource_type": "document"}},
    }));
    let mut numbers = Numbers(3);
    let mut read = 0;
    for _ in 0..30_000 {
        let mut value = json!({});
        for claim in ScopeClaim::ALL.map(ScopeClaim::name) {
            if numbers.below(3) == 0 {
                value[claim] = numbers.json(&words, 4);
            }
        }
        let claims = value.as_object().unwrap();
        if let Ok(Some(set)) = ScopeSet::from_claims(claims) {
            read += 1;
            if let Ok(reach) = policy.reach(&set, ScopeContext::default()) {
                assert_eq!(reach.is_within(&reach), Ok(()), "{value}");
            }
        }
    }
    assert!(read > 300, "{read}");
}

#[test]
fn any_scope_text_parses_or_errs() {
    let parts = [
        " ",
        "a",
        ":",
        "*",
        "/",
        ".",
        "?",
        "=",
        "&",
        "target-entity:",
        "<id>",
        ",",
        "patient",
        "user/",
        "Observation",
        "rs",
        "\"",
        "é",
    ];
    let policy = policy(json!({"scope_dialects": ["target-entity", "action-pattern", "smart-v2"]}));
    let mut numbers = Numbers(9);
    for _ in 0..50_000 {
        let text = numbers.text(&parts, 9);
        if let Ok(set) = ScopeSet::parse(&text) {
            let reach = policy.reach(&set, ScopeContext::default()).unwrap();
            let resource = numbers.text(&parts, 5);
            let asking = reach.asking("a");
            assert_eq!(reach.covers("a", &resource), asking.covers(&resource));
        }
    }
}
