//! Asks random stores in every way, and holds each answer against the rule.
//!
//! `agree --stores 20000 --seed 1 --progress`. The first difference of each way
//! is made small and printed as a case that `tests/cases/differential` takes.

use deputize_tests::agree::{self, Difference, Findings};
use deputize_tests::cases::Kept;
use deputize_tests::generate::{self, Shape};
use deputize_tests::shrink::{Small, shrink};
use deputize_tests::store::Round;
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Instant;

fn main() -> ExitCode {
    let mut numbers = BTreeMap::from([("--stores", 500), ("--seed", 1)]);
    let mut progress = false;
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let number = numbers.get_mut(arg.as_str());
        match (number, arg.as_str()) {
            (Some(number), _) => match args.next().and_then(|text| text.parse::<u64>().ok()) {
                Some(given) => *number = given,
                None => return usage(),
            },
            (None, "--progress") => progress = true,
            _ => return usage(),
        }
    }
    let (stores, seed) = (numbers["--stores"], numbers["--seed"]);
    let began = Instant::now();
    let mut total = Findings::default();
    let mut first: BTreeMap<&'static str, (u64, usize, Difference)> = BTreeMap::new();
    let mut stores_that_differ = 0;
    for index in 0..stores {
        let case = generate::case(seed + index, Shape::BELOW);
        let mut differs = false;
        for (number, round) in case.rounds.iter().enumerate() {
            let mut found = agree::round(&case.store, round, case.seed);
            differs |= !found.different.is_empty();
            for difference in found.different.drain(..) {
                let kept = (case.seed, number, difference);
                first.entry(kept.2.way).or_insert(kept);
            }
            total.add(found);
        }
        stores_that_differ += u64::from(differs);
        if progress && (index + 1).is_multiple_of(100) {
            let seconds = began.elapsed().as_secs();
            eprint!(
                "\r{} of {stores} stores, {} answers, {stores_that_differ} differ, {seconds} s ",
                index + 1,
                total.asked
            );
        }
    }
    if progress {
        eprintln!();
    }
    println!(
        "{stores} stores from seed {seed}: {} answers compared, {} nodes allowed, {} that cannot be told, {stores_that_differ} stores differ, {:.1} minutes",
        total.asked,
        total.allowed,
        total.failed,
        began.elapsed().as_secs_f64() / 60.0
    );
    for (way, (seed, round, difference)) in &first {
        println!("{way}, seed {seed}: {}", small(*seed, *round, difference));
    }
    if stores_that_differ == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn usage() -> ExitCode {
    eprintln!("usage: agree [--stores N] [--seed S] [--progress]");
    ExitCode::from(2)
}

/// A store in which the same way still differs, as a case.
fn small(seed: u64, round: usize, difference: &Difference) -> String {
    let case = generate::case(seed, Shape::BELOW);
    let found = |small: &Small| {
        let soundly = agree::compiles(&small.store, &small.round);
        let different = match soundly {
            true => agree::round(&small.store, &small.round, seed).different,
            false => Vec::new(),
        };
        different
            .into_iter()
            .find(|other| other.way == difference.way)
    };
    let whole = Small {
        round: Round {
            asks: vec![difference.ask.clone()],
            ..case.rounds[round].clone()
        },
        store: case.store,
    };
    let small = match found(&whole).is_some() {
        true => shrink(whole, 2_000, |small| found(small).is_some()),
        false => whole,
    };
    let now = found(&small).unwrap_or_else(|| difference.clone());
    let kept = Kept::of(
        &small,
        &now.ask,
        &now.expected,
        &format!("{}: it was {}.", now.way, now.got),
    );
    serde_json::to_string_pretty(&kept).expect("a case can be written")
}
