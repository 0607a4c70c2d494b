//! The engine's speed: `cargo bench -p deputize`.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a benchmark may stop"
)]

mod store;

use std::cell::Cell;

use deputize::Policy;
use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use store::{Numbers, Store, generate};

fn main() {
    divan::main();
}

const SIZES: [usize; 3] = [1_000, 100_000, 1_000_000];

/// Random users and documents.
fn questions(store: &Store) -> Vec<(String, String)> {
    let mut numbers = Numbers(11);
    (0..QUESTIONS)
        .map(|_| {
            let user = format!("user:u{}", numbers.below(store.users));
            (
                user,
                format!("document:d{}", numbers.below(store.documents)),
            )
        })
        .collect()
}

/// How many questions one iteration of a random benchmark asks: divide by it.
const QUESTIONS: usize = 50_000;

fn ask_all(bencher: Bencher<'_, '_>, policy: &Policy, questions: &[(String, String)]) {
    bencher
        .counter(ItemsCount::new(questions.len()))
        .bench_local(|| {
            questions
                .iter()
                .filter(|(user, document)| policy.check(user, "viewer", document) == Ok(true))
                .count()
        });
}

fn two_hop_store(size: usize) -> (Policy, Vec<(String, String)>) {
    // document → folder → member, nothing else: half of the questions allowed.
    let model = "model\n  schema 1.1\ntype user\ntype folder\n  relations\n    define member: [user]\ntype document\n  relations\n    define parent: [folder]\n    define viewer: member from parent";
    let (documents, folders) = (size / 2, size / 20);
    let mut numbers = Numbers(3);
    let mut tuples = Vec::new();
    let mut members = vec![Vec::new(); folders];
    for (f, members) in members.iter_mut().enumerate() {
        for _ in 0..10 {
            let u = numbers.below(size / 10);
            members.push(u);
            tuples.push(serde_json::json!({"user": format!("user:u{u}"), "relation": "member", "object": format!("folder:f{f}")}));
        }
    }
    let mut pairs = Vec::new();
    for d in 0..documents {
        let f = numbers.below(folders);
        tuples.push(serde_json::json!({"user": format!("folder:f{f}"), "relation": "parent", "object": format!("document:d{d}")}));
        let u = if d % 2 == 0 {
            members[f][d % 10]
        } else {
            numbers.below(size / 10)
        };
        pairs.push((format!("user:u{u}"), format!("document:d{d}")));
    }
    for i in (1..pairs.len()).rev() {
        pairs.swap(i, numbers.below(i + 1));
    }
    pairs.truncate(QUESTIONS);
    let json = serde_json::json!({"deputize": 1, "model": model, "tuples": tuples}).to_string();
    // As a request brings them: just read, and not strewn over memory.
    let pairs = pairs.iter().map(|(u, d)| (u.clone(), d.clone())).collect();
    (Policy::from_json(json.as_bytes()).unwrap(), pairs)
}

#[divan::bench(args = SIZES)]
fn check_two_hops_hot(bencher: Bencher, size: usize) {
    let (policy, pairs) = two_hop_store(size);
    let (user, document) = &pairs[0];
    bencher.bench_local(|| policy.check(black_box(user), "viewer", black_box(document)));
}

#[divan::bench(args = SIZES, sample_count = 30)]
fn check_two_hops_random(bencher: Bencher, size: usize) {
    let (policy, pairs) = two_hop_store(size);
    ask_all(bencher, &policy, &pairs);
}

#[divan::bench(args = SIZES, sample_count = 30)]
fn check_nested_random(bencher: Bencher, size: usize) {
    let store = generate(size);
    let policy = Policy::from_json(store.json.as_bytes()).unwrap();
    ask_all(bencher, &policy, &questions(&store));
}

#[divan::bench(args = SIZES)]
fn filter_10k(bencher: Bencher, size: usize) {
    let store = generate(size);
    let policy = Policy::from_json(store.json.as_bytes()).unwrap();
    let mut numbers = Numbers(5);
    let ids: Vec<String> = (0..10_000)
        .map(|_| format!("document:d{}", numbers.below(store.documents)))
        .collect();
    let users: Vec<String> = (0..64)
        .map(|_| format!("user:u{}", numbers.below(store.users)))
        .collect();
    let at = Cell::new(0);
    bencher.bench_local(|| {
        at.set((at.get() + 1) % users.len());
        policy
            .view()
            .filter(&users[at.get()], "viewer", black_box(&ids))
    });
}

#[divan::bench(args = [100_000, 1_000_000], sample_count = 20)]
fn load_json(bencher: Bencher, size: usize) {
    let store = generate(size);
    bencher.bench_local(|| Policy::from_json(black_box(store.json.as_bytes())));
}

#[divan::bench(args = [100_000, 1_000_000], sample_count = 20)]
fn open_compiled(bencher: Bencher, size: usize) {
    let bytes = Policy::from_json(generate(size).json.as_bytes())
        .unwrap()
        .to_compiled();
    bencher.bench_local(|| Policy::from_compiled(black_box(&bytes)));
}

/// One odd shape each: a chain of nested groups, a large group, a document
/// shared with many groups.
fn odd(tuples: Vec<[String; 3]>) -> Policy {
    let tuples: Vec<_> = tuples
        .iter()
        .map(|[u, r, o]| serde_json::json!({"user": u, "relation": r, "object": o}))
        .collect();
    let json = serde_json::json!({"deputize": 1, "model": store::MODEL, "tuples": tuples});
    Policy::from_json(json.to_string().as_bytes()).unwrap()
}

fn t(user: String, relation: &str, object: String) -> [String; 3] {
    [user, relation.to_owned(), object]
}

#[divan::bench(args = [true, false])]
fn chain_of_1000_groups(bencher: Bencher, member: bool) {
    let mut tuples: Vec<_> = (1..1000)
        .map(|i| {
            t(
                format!("team:t{}#member", i - 1),
                "member",
                format!("team:t{i}"),
            )
        })
        .collect();
    tuples.push(t("user:anne".into(), "member", "team:t0".into()));
    tuples.push(t("user:bob".into(), "member", "team:x".into()));
    tuples.push(t("team:t999#member".into(), "viewer", "document:d".into()));
    let policy = odd(tuples);
    let user = if member { "user:anne" } else { "user:bob" };
    assert_eq!(policy.check(user, "viewer", "document:d"), Ok(member));
    bencher.bench_local(|| policy.check(black_box(user), "viewer", "document:d"));
}

#[divan::bench(args = [true, false])]
fn group_of_100_000(bencher: Bencher, member: bool) {
    let mut tuples: Vec<_> = (0..100_000)
        .map(|i| t(format!("user:u{i}"), "member", "team:t".into()))
        .collect();
    tuples.push(t("team:t#member".into(), "viewer", "document:d".into()));
    tuples.push(t("user:bob".into(), "member", "team:x".into()));
    let policy = odd(tuples);
    let user = if member { "user:u77777" } else { "user:bob" };
    assert_eq!(policy.check(user, "viewer", "document:d"), Ok(member));
    bencher.bench_local(|| policy.check(black_box(user), "viewer", "document:d"));
}

#[divan::bench(args = [true, false])]
fn shared_with_10_000_groups(bencher: Bencher, member: bool) {
    let mut tuples = Vec::new();
    for i in 0..10_000 {
        tuples.push(t(
            format!("team:t{i}#member"),
            "viewer",
            "document:d".into(),
        ));
        tuples.push(t(format!("user:u{i}"), "member", format!("team:t{i}")));
    }
    tuples.push(t("user:bob".into(), "member", "team:x".into()));
    let policy = odd(tuples);
    let user = if member { "user:u7777" } else { "user:bob" };
    assert_eq!(policy.check(user, "viewer", "document:d"), Ok(member));
    bencher.bench_local(|| policy.check(black_box(user), "viewer", "document:d"));
}
