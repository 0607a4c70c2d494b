//! The engine and the naive evaluator give the same answers to random
//! questions about random stores.

use deputize::Limits;
use deputize_tests::differential::{matches, naive_answer};
use deputize_tests::generate::{self, Shape};
use deputize_tests::store::{Answer, Ask};
use deputize_tests::{dsl, engine};

/// How many stores; `DEPUTIZE_NAIVE_STORES` sets another number.
fn stores() -> u64 {
    std::env::var("DEPUTIZE_NAIVE_STORES")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(1_500)
}

#[test]
fn the_engine_agrees_with_the_naive_evaluator() {
    let (mut asked, mut skipped, mut allowed, mut failed) = (0, 0, 0, 0);
    let mut different = Vec::new();
    for seed in 0..stores() {
        let case = generate::case(seed, Shape::NAIVE);
        let policy = match engine::compile(&case.store) {
            Ok(policy) => policy,
            Err(_) if !case.store.model.conditions.is_empty() => {
                skipped += 1;
                continue;
            }
            Err(error) => panic!(
                "store {seed} is refused: {error}\n{}",
                dsl::write(&case.store.model)
            ),
        };
        for (depth, limits) in [
            (None, Limits::default()),
            (
                Some(25),
                Limits {
                    depth: Some(25),
                    ..Limits::default()
                },
            ),
        ] {
            for (index, round) in case.rounds.iter().enumerate() {
                let view = engine::view(&policy, round, limits)
                    .unwrap_or_else(|error| panic!("store {seed}, round {index}: {error}"));
                for ask in &round.asks {
                    // The limit of depth is said of checks: a list meets it on
                    // other ways.
                    if depth.is_some() && !matches!(ask, Ask::Check { .. }) {
                        continue;
                    }
                    let Some(naive) = naive_answer(&case.store, round, ask, depth) else {
                        skipped += 1;
                        continue;
                    };
                    let ours = engine::answer(&view, ask);
                    asked += 1;
                    allowed += usize::from(naive == Answer::Allowed(true));
                    failed += usize::from(matches!(naive, Answer::Failed(..)));
                    if matches(&case.store, round, ask, &naive, &ours) != Some(true) {
                        different.push(format!("store {seed}, round {index}, depth {depth:?}, {ask:?}: naive {naive}, ours {ours}"));
                    }
                }
            }
        }
    }
    println!("{asked} questions, {allowed} allowed, {failed} failed, {skipped} skipped");
    assert!(
        different.is_empty(),
        "{} differ:\n{}",
        different.len(),
        different[..different.len().min(40)].join("\n")
    );
    assert!(
        asked > 10_000 && allowed > 500 && failed > 100,
        "the questions are too easy"
    );
}
