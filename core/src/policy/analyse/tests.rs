use std::collections::BTreeSet;
use std::time::Instant;

use super::*;
use crate::Policy;
use crate::model::{ModelLimits, admit_within};

fn plan(dsl: &str) -> Plan {
    Plan::compile(&crate::model::load(dsl).unwrap_or_else(|e| panic!("{e:?}")))
}

/// `r0`, and `count` relations that each include the one before.
fn chain(count: usize) -> String {
    let mut dsl =
        "model\n  schema 1.1\ntype user\ntype document\n  relations\n    define r0: [user]\n"
            .to_owned();
    for i in 1..count {
        dsl.push_str(&format!("    define r{i}: [user] or r{}\n", i - 1));
    }
    dsl
}

/// Types in a circle, each of which asks the next one.
fn circle(count: usize) -> String {
    let mut dsl = "model\n  schema 1.1\ntype user\n".to_owned();
    for i in 0..count {
        let next = (i + 1) % count;
        dsl.push_str(&format!(
            "type t{i}\n  relations\n    define parent: [t{next}]\n    define viewer: [user] or viewer from parent\n"
        ));
    }
    dsl
}

/// Relations that have nothing to do with each other.
fn apart(count: usize) -> String {
    let mut dsl = "model\n  schema 1.1\ntype user\ntype t\n  relations\n".to_owned();
    for i in 0..count {
        dsl.push_str(&format!("    define r{i}: [user]\n"));
    }
    dsl
}

/// One union of so many operands, all the same or each another.
fn union(count: usize, names: usize) -> String {
    let mut dsl = apart(names);
    let operands: Vec<String> = (0..count).map(|i| format!("r{}", i % names)).collect();
    dsl.push_str(&format!("    define all: {}\n", operands.join(" or ")));
    dsl
}

#[test]
fn columns_hold_what_a_search_from_each_relation_finds() {
    let plan = plan(
        "model
  schema 1.1
type user
type robot
type group
  relations
    define member: [user, group#member, robot with live]
    define staff: member but not banned
    define banned: [robot]
type folder
  relations
    define parent: [folder]
    define owner: [user:*]
    define viewer: [group#staff] or owner or viewer from parent
type document
  relations
    define parent: [folder, document]
    define owner: [robot]
    define editor: [user, user with live] or owner
    define viewer: (editor or viewer from parent) and reader
    define reader: [group#member] or editor
condition live(on: bool) {
  on
}
",
    );
    let count = plan.relations.len() as u32;
    for id in 0..count {
        let mut below = BTreeSet::new();
        let mut given = BTreeSet::new();
        let mut pending = vec![id];
        while let Some(next) = pending.pop() {
            if below.insert(next) {
                let mut walk = Walk::default();
                plan.walk(plan.root(next), true, &mut walk);
                pending.extend(walk.all);
                pending.extend(plan.assigned_usersets(next));
            }
        }
        let mut pending = vec![id];
        while let Some(next) = pending.pop() {
            if given.insert(next) {
                let mut walk = Walk::default();
                plan.walk(plan.root(next), true, &mut walk);
                pending.extend(walk.union_computed);
            }
        }
        for type_id in 0..plan.types.len() as u32 {
            let holds = below.iter().any(|r| {
                let listed = &plan.relation_plan(*r).unwrap().assignable;
                listed
                    .iter()
                    .any(|a| a.type_id == type_id && !matches!(a.kind, AllowedKind::Userset(_)))
            });
            assert_eq!(plan.may_hold(id, type_id), holds, "{id} {type_id}");
        }
        for other in 0..count {
            assert_eq!(plan.may_hold_userset(id, other), below.contains(&other));
            assert_eq!(plan.includes(id, other), given.contains(&other));
        }
        let relation = plan.relation_plan(id).unwrap();
        let boolean = |r: &u32| {
            let mut walk = Walk::default();
            plan.walk(plan.root(*r), true, &mut walk);
            walk.boolean
        };
        assert_eq!(relation.monotone, !below.iter().any(boolean));
        let conditional = |r: &u32| plan.meets_condition(*r, plan.root(*r));
        assert_eq!(relation.conditional, below.iter().any(conditional));
    }
    assert!(!plan.may_hold(count, 0) && !plan.may_hold(0, 99) && !plan.includes(0, 99));
}

#[test]
fn what_stands_below_an_exclusion_may_block() {
    let plan = plan(
        "model
  schema 1.1
type user
type group
  relations
    define member: [user]
    define other: [user]
type folder
  relations
    define suspended: [user]
type document
  relations
    define parent: [folder]
    define barred: [group#member]
    define editor: [user]
    define viewer: editor but not (barred or suspended from parent)
",
    );
    for (type_name, relation, blocks) in [
        ("document", "barred", true),
        ("document", "parent", true),
        ("group", "member", true),
        ("folder", "suspended", true),
        ("document", "editor", false),
        ("document", "viewer", false),
        ("group", "other", false),
        // A slip of the pen for one that does.
        ("document", "bared", true),
        ("user", "bared", false),
        ("nothing", "bared", false),
    ] {
        assert_eq!(
            plan.would_block(type_name, relation),
            blocks,
            "{type_name}#{relation}"
        );
    }
}

#[test]
fn long_chains_are_answered_though_they_are_not_unfolded() {
    let last = 499;
    let tuples = r#"[{"user": "user:anne", "relation": "r0", "object": "document:1"},
        {"user": "user:*", "relation": "r250", "object": "document:2"},
        {"user": "user:tenant", "relation": "r0", "object": "document:1", "tenant": "acme"}]"#;
    let model = chain(last + 1).replace("[user] or r249", "[user, user:*] or r249");
    let model = serde_json::to_string(&model).unwrap();
    for tuples in [tuples, &tuples.replace(r#", "tenant": "acme""#, "")] {
        let document = format!(r#"{{"deputize": 1, "model": {model}, "tuples": {tuples}}}"#);
        let policy = Policy::from_json(document.as_bytes()).unwrap();
        for plan in &policy.inner.plan.relations {
            assert!(plan.leaves.len() <= UNFOLDED, "{}", plan.leaves.len());
        }
        let check = |user: &str, relation: &str, object: &str| {
            let allowed = policy.check(user, relation, object).unwrap();
            let explained = policy.view().explain(user, relation, object).unwrap();
            assert_eq!(allowed, explained.allowed, "{user} {relation} {object}");
            allowed
        };
        assert!(check("user:anne", "r499", "document:1"));
        assert!(check("user:anne", "r0", "document:1"));
        assert!(!check("user:bob", "r499", "document:1"));
        assert!(check("user:bob", "r250", "document:2") && check("user:bob", "r499", "document:2"));
        assert!(!check("user:bob", "r249", "document:2"));
        assert!(check("document:1#r3", "r499", "document:1"));
        assert!(!check("document:1#r499", "r3", "document:1"));
        let listed = policy.view().list_objects("user:anne", "r499", "document");
        assert_eq!(listed.unwrap(), ["document:1", "document:2"]);
    }
}

#[test]
fn large_models_compile_in_time_that_grows_with_them() {
    // Each of these took from seconds to hours when every relation was looked
    // at from every other one.
    for dsl in [
        chain(9_000),
        circle(4_900),
        apart(9_900),
        union(9_000, 9_000),
        union(70_000, 9_000),
    ] {
        let (model, _) = admit_within(&dsl, &ModelLimits::default()).unwrap();
        let plan = Plan::compile(&model);
        let leaves: usize = plan.relations.iter().map(|r| r.leaves.len()).sum();
        let own = dsl.matches(" or ").count() + plan.relations.len();
        assert!(leaves <= own + UNFOLDED * plan.relations.len(), "{leaves}");
    }
}

/// Seconds and memory by shape and size, with the limits raised:
/// `SHAPE=chain SIZE=100000 cargo test … measure -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn measure() {
    let said = |name: &str| std::env::var(name).unwrap();
    let size: usize = said("SIZE").parse().unwrap();
    let dsl = match said("SHAPE").as_str() {
        "chain" => chain(size),
        "circle" => circle(size),
        "apart" => apart(size),
        "same" => union(size, 1),
        _ => union(size, size / 2),
    };
    let limits = ModelLimits {
        bytes: usize::MAX,
        types: usize::MAX,
        relations: usize::MAX,
        operations: usize::MAX,
    };
    let start = Instant::now();
    let read = admit_within(&dsl, &limits);
    let checked = start.elapsed();
    let compiled = read.map(|(model, _)| Plan::compile(&model).relations.len());
    println!(
        "{} bytes: checked after {checked:?}, compiled after {:?}: {:?}",
        dsl.len(),
        start.elapsed(),
        compiled.map_err(|errors| errors.len())
    );
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find(|line| line.starts_with("VmHWM"));
    println!("{}", peak.unwrap_or_default());
}
