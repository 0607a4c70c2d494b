//! What a decision costs beside the signature, with an agent acting for a user:
//! `cargo bench -p deputize --bench decide`.
//!
//! The tokens are authenticated with HS256, whose cost stands by itself under
//! `hmac`: what a decision takes beyond it is what a decision with any other
//! signature takes beyond that.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    dead_code,
    reason = "a bench fails by panicking, and uses only part of what it borrows"
)]

#[path = "../tests/it/forge.rs"]
mod forge;
#[path = "engine/store.rs"]
mod store;

use std::cell::Cell;

use deputize::Policy;
use deputize::Request;
use deputize::caller::Caller;
use deputize::decision::Question;
use deputize::time::UnixSeconds;
use deputize::token::{TokenCache, VerifyOptions};
use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use forge::{Key, NOW, claims, entry, secret};
use serde_json::{Value, json};
use store::{Numbers, generate};

const SIZE: usize = 100_000;
/// How many questions one iteration of a random benchmark asks: divide by it.
const QUESTIONS: usize = 10_000;

fn main() {
    divan::main();
}

/// The generated store, and an agent that reads what is in every fourth folder
/// and below it, and acts for every user.
struct World {
    policy: Policy,
    key: Key,
    token: String,
    documents: usize,
}

impl World {
    fn new() -> Self {
        let store = generate(SIZE);
        let key = secret("HS256");
        let mut snapshot: Value = serde_json::from_str(&store.json).unwrap();
        let model = store::MODEL
            .replace("[user, team#member]", "[user, agent, team#member]")
            .replace(
                "type user\n",
                "type agent\ntype user\n  relations\n    define delegate_of: [agent]\n",
            );
        snapshot["model"] = json!(model);
        let tuples = snapshot["tuples"].as_array_mut().unwrap();
        let mut tuple = |relation: &str, object: String| {
            tuples.push(json!({"user": "agent:bot", "relation": relation, "object": object}));
        };
        for user in 0..store.users {
            tuple("delegate_of", format!("user:u{user}"));
        }
        for folder in (0..(SIZE / 20).max(4)).step_by(4) {
            tuple("viewer", format!("folder:f{folder}"));
        }
        let mut issuer = entry(&key);
        issuer["subject"] = json!("user:{sub}");
        issuer["actor"] = json!("agent:{sub}");
        issuer["chain"] = json!("rfc8693");
        issuer["scopes"] = json!("required");
        snapshot["issuers"] = json!([issuer]);
        snapshot["scopes"] =
            json!({"document:read": [{"action": "viewer", "resource": "document:*"}]});
        snapshot["delegation"] = json!({"hops": [{"from": "user", "to": "agent", "any_of": [
            {"user": "{to}", "relation": "delegate_of", "object": "{from}"}]}]});
        let policy = Policy::from_json(snapshot.to_string().as_bytes()).unwrap();
        let mut claims = claims();
        claims["sub"] = json!("u77");
        claims["act"] = json!({"sub": "bot"});
        claims["scope"] = json!("document:read");
        let token = key.token(&claims);
        // Worked out when first asked for.
        let _ = policy.digest();
        Self {
            policy,
            key,
            token,
            documents: store.documents,
        }
    }

    fn caller(&self) -> Caller {
        let options = VerifyOptions::default();
        self.policy
            .admit(
                &Request::at(UnixSeconds(NOW))
                    .token(self.token.as_bytes())
                    .presented(options),
            )
            .unwrap()
    }

    /// Every other one is among what both may see, the others are random.
    fn resources(&self) -> Vec<String> {
        let mut numbers = Numbers(5);
        let seen = self
            .caller()
            .at(UnixSeconds(NOW))
            .list("viewer", "document")
            .unwrap();
        (0..QUESTIONS)
            .map(|i| match i % 2 {
                0 => seen[numbers.below(seen.len())].clone(),
                _ => format!("document:d{}", numbers.below(self.documents)),
            })
            .collect()
    }
}

/// The keyed hash alone, to be taken from the two that follow.
#[divan::bench]
fn hmac(bencher: Bencher) {
    let world = World::new();
    let (input, _) = world.token.rsplit_once('.').unwrap();
    bencher.bench_local(|| world.key.sign(black_box(input.as_bytes())));
}

/// From the token to yes or no: token, parties, chain, hops, scopes, and the
/// authority of subject and actor.
#[divan::bench]
fn verify_and_can(bencher: Bencher) {
    let world = World::new();
    let resources = world.resources();
    let at = Cell::new(0);
    let options = VerifyOptions::default();
    bencher.bench_local(|| {
        at.set((at.get() + 1) % resources.len());
        let token = black_box(world.token.as_bytes());
        let caller = world.policy.admit(
            &Request::at(UnixSeconds(NOW))
                .token(token)
                .presented(options),
        );
        caller
            .unwrap()
            .at(UnixSeconds(NOW))
            .can("viewer", &resources[at.get()])
    });
}

/// The same, with what decided and an audit record.
#[divan::bench]
fn decide_with_a_record(bencher: Bencher) {
    let world = World::new();
    let resources = world.resources();
    let at = Cell::new(0);
    let options = VerifyOptions::default();
    bencher.bench_local(|| {
        at.set((at.get() + 1) % resources.len());
        let question = Question {
            action: "viewer",
            resource: &resources[at.get()],
            context: None,
        };
        world.policy.decide_question(
            &Request::at(UnixSeconds(NOW))
                .token(black_box(world.token.as_bytes()))
                .presented(options),
            &question,
        )
    });
}

/// A token that the cache holds, to yes or no.
#[divan::bench]
fn cached_and_can(bencher: Bencher) {
    let world = World::new();
    let resources = world.resources();
    let at = Cell::new(0);
    let options = VerifyOptions::default();
    let mut cache = TokenCache::new(16);
    bencher.bench_local(|| {
        at.set((at.get() + 1) % resources.len());
        let caller = world.policy.admit_with_cache(
            &Request::at(UnixSeconds(NOW))
                .token(black_box(world.token.as_bytes()))
                .presented(options),
            &mut cache,
        );
        caller
            .unwrap()
            .at(UnixSeconds(NOW))
            .can("viewer", &resources[at.get()])
    });
}

/// A caller's later questions, about random documents.
#[divan::bench]
fn can(bencher: Bencher) {
    let world = World::new();
    let (caller, resources) = (world.caller(), world.resources());
    bencher
        .counter(ItemsCount::new(resources.len()))
        .bench_local(|| {
            resources
                .iter()
                .filter(|resource| caller.at(UnixSeconds(NOW)).can("viewer", resource))
                .count()
        });
}

/// The same question again and again, which both may do.
#[divan::bench]
fn can_hot(bencher: Bencher) {
    let world = World::new();
    let (caller, resources) = (world.caller(), world.resources());
    let allowed = resources
        .iter()
        .find(|r| caller.at(UnixSeconds(NOW)).can("viewer", r));
    let allowed = allowed.unwrap();
    bencher.bench_local(|| {
        caller
            .at(UnixSeconds(NOW))
            .can("viewer", black_box(allowed))
    });
}

/// A caller's later questions, each with what decided and an audit record.
#[divan::bench]
fn decide_later(bencher: Bencher) {
    let world = World::new();
    let (caller, resources) = (world.caller(), world.resources());
    let at = Cell::new(0);
    bencher.bench_local(|| {
        at.set((at.get() + 1) % resources.len());
        caller
            .at(UnixSeconds(NOW))
            .decide("viewer", &resources[at.get()])
    });
}

/// 10,000 random documents at once.
#[divan::bench]
fn filter_10k(bencher: Bencher) {
    let world = World::new();
    let (caller, resources) = (world.caller(), world.resources());
    bencher.bench_local(|| {
        caller
            .at(UnixSeconds(NOW))
            .filter("viewer", black_box(&resources))
    });
}
