//! The engine's main path, end to end.

use deputize::Policy;

const MODEL: &str = "model\n  schema 1.1\ntype user\ntype group\n  relations\n    define member: [user, group#member]\ntype folder\n  relations\n    define viewer: [user, group#member]\ntype document\n  relations\n    define parent: [folder]\n    define blocked: [user]\n    define viewer: [user, user:*] or viewer from parent\n    define can_view: viewer but not blocked";

fn policy() -> Policy {
    let t = |u: &str, r: &str, o: &str| serde_json::json!({"user": u, "relation": r, "object": o});
    let snapshot = serde_json::json!({"deputize": 1, "revision": "7", "model": MODEL, "tuples": [
        t("user:anne", "member", "group:eng"),
        t("group:eng#member", "member", "group:all"),
        t("group:all#member", "viewer", "folder:f"),
        t("folder:f", "parent", "document:1"),
        t("user:bob", "blocked", "document:1"),
        t("user:bob", "viewer", "document:1"),
        t("user:*", "viewer", "document:2"),
    ]});
    Policy::from_json(snapshot.to_string().as_bytes()).unwrap()
}

#[test]
fn check_list_filter_agree() {
    for policy in [
        policy(),
        Policy::from_compiled(&policy().to_compiled()).unwrap(),
    ] {
        assert_eq!(policy.check("user:anne", "viewer", "document:1"), Ok(true));
        assert_eq!(
            policy.check("user:anne", "can_view", "document:1"),
            Ok(true)
        );
        assert_eq!(policy.check("user:bob", "viewer", "document:1"), Ok(true));
        assert_eq!(
            policy.check("user:bob", "can_view", "document:1"),
            Ok(false)
        );
        assert_eq!(
            policy.check("user:carl", "can_view", "document:2"),
            Ok(true)
        );
        assert_eq!(
            policy.check("group:eng#member", "viewer", "document:1"),
            Ok(true)
        );
        assert_eq!(policy.check("user:carl", "viewer", "document:9"), Ok(false));
        assert_eq!(
            policy.check("document:8#viewer", "viewer", "document:9"),
            Ok(false)
        );
        assert_eq!(
            policy.check("document:9#viewer", "viewer", "document:9"),
            Ok(true)
        );
        let view = policy.view();
        assert_eq!(
            view.list_objects("user:anne", "can_view", "document")
                .unwrap(),
            ["document:1", "document:2"]
        );
        assert_eq!(
            view.list_users("document:1", "viewer", "user").unwrap(),
            ["user:anne", "user:bob"]
        );
        let f = view
            .filter(
                "user:anne",
                "can_view",
                [
                    "document:1",
                    "document:3",
                    "nonsense",
                    "document:2",
                    "document:1",
                ],
            )
            .unwrap();
        assert_eq!(f.mask, [true, false, false, true, true]);
        assert!(policy.check("user:anne", "nope", "document:1").is_err());
    }
}

#[test]
fn explanations_name_the_tuples() {
    let policy = policy();
    let view = policy.view();
    let allow = view.explain("user:anne", "can_view", "document:1").unwrap();
    assert!(allow.allowed);
    let text = serde_json::to_string_pretty(&allow).unwrap();
    for tuple in [
        "folder:f parent document:1",
        "group:all#member viewer folder:f",
        "group:eng#member member group:all",
        "user:anne member group:eng",
    ] {
        assert!(text.contains(tuple), "{text}");
    }
    let deny = view.explain("user:carl", "can_view", "document:1").unwrap();
    assert!(!deny.allowed);
    let text = serde_json::to_string_pretty(&deny).unwrap();
    assert!(text.contains("user:carl viewer document:1"), "{text}");
    assert!(text.contains("user:carl member group:eng"), "{text}");
}

/// An access list that is stored with a chunk may name what the model reads
/// from another object, since that is what keeps it short.
#[test]
fn terms_hold_what_is_read_from_other_objects() {
    let policy = Policy::from_json(
        br#"{"deputize": 1, "model": "model\n  schema 1.1\ntype user\ntype team\n  relations\n    define member: [user]\ntype folder\n  relations\n    define owner: [team]\n    define parent: [folder]\n    define blocked: [user]\n    define viewer: (member from owner or viewer from parent) but not blocked\ntype document\n  relations\n    define parent: [folder]\n    define other: [folder]\n    define viewer: viewer from parent\n", "tuples": [
            {"user": "user:anne", "relation": "member", "object": "team:a"},
            {"user": "team:a", "relation": "owner", "object": "folder:top"},
            {"user": "folder:top", "relation": "parent", "object": "folder:below"},
            {"user": "folder:below", "relation": "parent", "object": "document:1"},
            {"user": "user:anne", "relation": "blocked", "object": "folder:other"},
            {"user": "team:a", "relation": "owner", "object": "folder:other"}]}"#,
    )
    .unwrap();
    let terms = policy.view().terms("user:anne", "viewer", "document");
    let expected = [
        "folder:below#viewer",
        "folder:top#viewer",
        "team:a#member",
        "user:*",
        "user:anne",
    ];
    assert_eq!(terms.unwrap(), expected);
    let stranger = policy.view().terms("user:bob", "viewer", "document");
    assert_eq!(stranger.unwrap(), ["user:*", "user:bob"]);
}

/// What one question alone decided (an error, an object that nobody knows) is
/// not remembered for the next, in whatever order they come.
#[test]
fn a_filter_under_an_exclusion_forgets_errors() {
    let policy = Policy::from_json(
        br#"{"deputize": 1, "model": "model\n  schema 1.1\ntype user\ntype folder\n  relations\n    define blocked: [user]\n    define reader: [user with by_day]\n    define viewer: reader but not blocked\ntype document\n  relations\n    define parent: [folder]\n    define blocked: [user]\n    define reader: [user, user:*]\n    define viewer: (reader or viewer from parent) but not blocked\ncondition by_day(hour: int) {\n  hour < 18\n}\n", "tuples": [
            {"user": "user:anne", "relation": "reader", "object": "folder:f", "condition": {"name": "by_day"}},
            {"user": "folder:f", "relation": "parent", "object": "document:1"},
            {"user": "folder:f", "relation": "parent", "object": "document:2"},
            {"user": "user:anne", "relation": "reader", "object": "document:2"},
            {"user": "user:anne", "relation": "reader", "object": "document:3"},
            {"user": "user:*", "relation": "reader", "object": "document:4"},
            {"user": "user:anne", "relation": "blocked", "object": "document:4"}]}"#,
    )
    .unwrap();
    let view = policy.view();
    let names = ["1", "unknown", "2", "1", "3", "other", "4", "2", "unknown"];
    for turn in 0..names.len() {
        let asked: Vec<String> = (0..40)
            .map(|n| format!("document:{}", names[(n * (turn + 1) + n / 9) % names.len()]))
            .collect();
        let found = view.filter("user:anne", "viewer", &asked).unwrap();
        for (object, allowed) in asked.iter().zip(&found.mask) {
            let alone = view.check("user:anne", "viewer", object).unwrap_or(false);
            assert_eq!(*allowed, alone, "{object}");
            assert_eq!(
                alone,
                ["document:2", "document:3"].contains(&object.as_str())
            );
        }
    }
}
