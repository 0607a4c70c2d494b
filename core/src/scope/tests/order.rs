//! Properties over generated scopes: narrowing is a partial order, covering is
//! monotone under it, and an alias never widens.

use super::*;
use crate::numbers::Numbers;

const SCOPES: &[&str] = &[
    "docs",
    "doc-1",
    "edit",
    "below",
    "above",
    "both",
    "mail",
    "who",
    "school",
    "a",
    "b",
    "a:*",
    "a:b",
    "a:*:c",
    "*",
    "can_read",
    "target-entity:e",
    "target-entity:e:a",
    "target-entity:e:a,b",
    "target-entity:f:a:*",
    "target-entity:",
    "user/Observation.r",
    "user/*.rs",
    "user/Observation.r?x=1",
    "user/Observation.r?x=1,2",
    "patient/Observation.r",
    "patient/*.cruds",
    "system/*.r",
    "x/y.z",
    "a::b",
];
const ACTIONS: &[&str] = &[
    "can_read",
    "can_write",
    "a",
    "b",
    "a:b",
    "a:b:c",
    "a:*",
    "*",
    "read",
    "search",
    "f:g",
    "SendEmail",
    "a::b",
    "",
];
const RESOURCES: &[&str] = &[
    "document:1",
    "document:2",
    "folder:1",
    "entity:e",
    "entity:f",
    "entity:s",
    "/a/b/c",
    "/a",
    "/",
    "/ab",
    "Observation:1",
    "Patient:1",
    "document:*",
    "",
    "document:1#x",
];

fn vocabulary() -> ScopePolicy {
    policy(json!({
        "scopes": {
            "docs": [{"action": "can_read", "resource": "document:*"}],
            "doc-1": [{"action": "can_read", "resource": "document:1"}],
            "edit": [{"action": "can_read", "resource": "document:*"},
                     {"action": "can_write", "resource": "document:*"}],
            "below": [{"action": "f:*", "resource": "/a/b"}],
            "above": [{"action": "*", "resource": "/a"}],
            "both": [{"action": "a:*", "resource": "document:1"}, {"action": "a", "resource": "/"}],
        },
        "scope_aliases": {
            "mail": "target-entity:e:SendEmail", "who": "docs",
            "school": "target-entity:<id>:a",
        },
        "scope_dialects": ["target-entity", "action-pattern", "smart-v2"],
        "authorization_details": {"t": {"resource_type": "document"}},
    }))
}

struct Facts(usize);

impl ResourceFacts for Facts {
    fn has(&self, attribute: &str, value: &str) -> bool {
        match attribute {
            "patient" => value == "p",
            _ => value == self.0.to_string(),
        }
    }
}

fn random_scope(numbers: &mut Numbers) -> String {
    let scopes: Vec<&str> = (0..numbers.below(4))
        .map(|_| *numbers.pick(SCOPES))
        .collect();
    scopes.join(" ")
}

fn random_reach(policy: &ScopePolicy, numbers: &mut Numbers) -> Reach {
    let mut claims = json!({"scope": random_scope(numbers)});
    let members = claims.as_object_mut().unwrap();
    if numbers.below(3) == 0 {
        members.insert("patient".into(), json!("p"));
    }
    match numbers.below(8) {
        0 => members.insert("permissions".into(), json!({"e": ["a", "b"], "f": ["a:*"]})),
        1 => members.insert("permissions".into(), json!(["a", "docs", *numbers.pick(ACTIONS)][..2 + numbers.below(1)])),
        2 => members.insert("scp".into(), json!([*numbers.pick(SCOPES)])),
        3 => members.insert(
            "authorization_details".into(),
            json!([{"type": "t", "actions": ["can_read"], "identifier": numbers.below(3).to_string()}]),
        ),
        4 => members.insert(
            "https://fusebit.io/permissions".into(),
            json!({"allow": [{"action": "a:*", "resource": "/"}, {"action": "*", "resource": "document:*"}]}),
        ),
        _ => None,
    };
    let set = ScopeSet::from_claims(members).unwrap().unwrap();
    let audiences: &[&str] = if numbers.below(2) == 0 { &["s"] } else { &[] };
    policy.reach(&set, ScopeContext { audiences }).unwrap()
}

fn answers(reach: &Reach) -> Vec<bool> {
    let mut all = Vec::new();
    for action in ACTIONS {
        let asking = reach.asking(action);
        for resource in RESOURCES {
            for facts in [Facts(1), Facts(2)] {
                let answer = reach.covers_where(action, resource, &facts);
                assert_eq!(asking.covers_where(resource, &facts), answer);
                all.push(answer);
            }
            all.push(reach.covers(action, resource));
        }
    }
    all
}

#[test]
fn covering_is_monotone_under_narrowing() {
    let policy = vocabulary();
    let mut numbers = Numbers(17);
    let (mut related, mut covering) = (0, 0);
    for _ in 0..6_000 {
        let (a, b) = (
            random_reach(&policy, &mut numbers),
            random_reach(&policy, &mut numbers),
        );
        if a.is_within(&b).is_err() {
            continue;
        }
        related += 1;
        for (inner, outer) in answers(&a).into_iter().zip(answers(&b)) {
            covering += usize::from(inner);
            assert!(!inner || outer, "{a:?}\nis within\n{b:?}");
        }
    }
    assert!(related > 500 && covering > 2_000, "{related} {covering}");
}

#[test]
fn narrowing_is_a_partial_order() {
    let policy = vocabulary();
    let mut numbers = Numbers(19);
    let reaches: Vec<Reach> = (0..250)
        .map(|_| random_reach(&policy, &mut numbers))
        .collect();
    let within: Vec<Vec<bool>> = reaches
        .iter()
        .map(|a| reaches.iter().map(|b| a.is_within(b).is_ok()).collect())
        .collect();
    let mut chains = 0;
    for a in 0..reaches.len() {
        assert!(within[a][a], "reflexive");
        for b in 0..reaches.len() {
            if !within[a][b] {
                continue;
            }
            // Antisymmetric up to what is covered.
            if within[b][a] {
                assert_eq!(answers(&reaches[a]), answers(&reaches[b]));
            }
            for c in 0..reaches.len() {
                if within[b][c] {
                    chains += usize::from(a != b && b != c);
                    assert!(
                        within[a][c],
                        "{:?}\n{:?}\n{:?}",
                        reaches[a], reaches[b], reaches[c]
                    );
                }
            }
        }
    }
    assert!(chains > 5_000, "{chains}");
}

#[test]
fn an_alias_never_widens() {
    let targets = [
        "docs",
        "edit",
        "target-entity:e",
        "target-entity:e:a",
        "target-entity:<id>:a",
        "a:*",
        "*",
        "b",
        "a:b",
        "user/*.rs",
        "patient/Observation.r",
    ];
    let names = ["alias", "a:b", "a", "urn:x", "a:b:c"];
    let mut numbers = Numbers(23);
    let mut made = 0;
    for name in names {
        for target in targets {
            let mut written = json!({
                "scopes": {
                    "docs": [{"action": "can_read", "resource": "document:*"}],
                    "edit": [{"action": "*", "resource": "document:*"}],
                },
                "scope_dialects": ["target-entity", "action-pattern", "smart-v2"],
            });
            let plain = policy(written.clone());
            written["scope_aliases"] = json!({ name: target });
            let Ok(aliased) = ScopePolicy::compile(&sections(written)) else {
                // Refused because the target, as an action pattern, is wider.
                assert!(
                    reach(&plain, name)
                        .is_within(&reach(&plain, target))
                        .is_ok(),
                    "{name} {target}"
                );
                continue;
            };
            made += 1;
            let audiences: &[&str] = if numbers.below(2) == 0 { &["s"] } else { &[] };
            let context = ScopeContext { audiences };
            let claims = |scope: &str| {
                let claims = json!({"scope": scope, "patient": "p"});
                ScopeSet::from_claims(claims.as_object().unwrap())
                    .unwrap()
                    .unwrap()
            };
            let alias = aliased.reach(&claims(name), context).unwrap();
            let filled = target.replace("<id>", audiences.first().unwrap_or(&"nobody"));
            let target = aliased.reach(&claims(&filled), context).unwrap();
            for (alias, target) in answers(&alias).into_iter().zip(answers(&target)) {
                assert!(!alias || target);
            }
            // A set with an alias holds nothing that the target does not.
            if !alias.asking("a").is_nothing() {
                assert_eq!(alias.is_within(&target), Ok(()));
            }
        }
    }
    assert!(made > 35, "{made}");
}
