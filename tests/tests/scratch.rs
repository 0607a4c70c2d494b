//! Scratch.

use deputize::Limits;
use deputize_tests::differential::{matches, naive_answer};
use deputize_tests::generate::{self, Shape};
use deputize_tests::shrink::{Small, shrink};
use deputize_tests::store::*;
use deputize_tests::{dsl, engine};
#[test]
fn show() {
    let Ok(seed) = std::env::var("SEED") else {
        return;
    };
    let seed: u64 = seed.parse().unwrap();
    let case = generate::case(seed, Shape::NAIVE);
    let Ok(policy) = engine::compile(&case.store) else {
        return;
    };
    let differs = |small: &Small| {
        let Ok(policy) = engine::compile(&small.store) else {
            return false;
        };
        let Ok(view) = engine::view(&policy, &small.round, Limits::default()) else {
            return false;
        };
        let Some(n) = naive_answer(&small.store, &small.round, small.ask(), None) else {
            return false;
        };
        matches(
            &small.store,
            &small.round,
            small.ask(),
            &n,
            &engine::answer(&view, small.ask()),
        ) == Some(false)
    };
    for round in &case.rounds {
        let _view = engine::view(&policy, round, Limits::default()).unwrap();
        for ask in &round.asks {
            let small = Small {
                store: case.store.clone(),
                round: Round {
                    asks: vec![ask.clone()],
                    ..round.clone()
                },
            };
            if differs(&small) {
                let small = shrink(small, 5000, differs);
                let policy = engine::compile(&small.store).unwrap();
                let view = engine::view(&policy, &small.round, Limits::default()).unwrap();
                println!("{}", dsl::write(&small.store.model));
                for t in &small.store.tuples {
                    println!("{} {} {} {:?}", t.user, t.relation, t.object, t.condition);
                }
                for t in &small.round.contextual {
                    println!("  + {} {} {}", t.user, t.relation, t.object);
                }
                println!("context {:?}", small.round.context);
                println!(
                    "{:?} naive {:?} ours {:?}",
                    small.ask(),
                    naive_answer(&small.store, &small.round, small.ask(), None),
                    engine::answer(&view, small.ask())
                );
            }
        }
    }
}
