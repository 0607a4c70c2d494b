//! Disagreements of the past, and rules that are easy to get wrong: replayed
//! with the engine, the naive evaluator and, where its program is at hand,
//! OpenFGA.

use deputize_tests::cases::{self, Expected};
use deputize_tests::differential::{engine_answer, matches, naive_answer};
use deputize_tests::fga::Fga;
use deputize_tests::store::Answer;

#[test]
fn the_engine_answers_them_right() {
    let kept = cases::all();
    assert!(kept.len() >= 15, "there are only {} cases", kept.len());
    for (name, case) in kept {
        let small = case
            .small()
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let got = engine_answer(&small.store, &small.round, small.ask());
        let got = got.unwrap_or_else(|| panic!("{name}: no answer"));
        assert_eq!(
            Expected::from(&got),
            case.expected,
            "{name}: {got}\n{}",
            case.note
        );
    }
}

#[test]
fn the_naive_evaluator_answers_them_right() {
    for (name, case) in cases::all() {
        let small = case
            .small()
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let got = naive_answer(&small.store, &small.round, small.ask(), None);
        let got = got.unwrap_or_else(|| panic!("{name}: it lost patience"));
        let expected = Answer::from(&case.expected);
        let same = matches(&small.store, &small.round, small.ask(), &expected, &got);
        assert_eq!(same, Some(true), "{name}: {got}\n{}", case.note);
    }
}

/// OpenFGA's answer is the expected one, or the other one that the case notes;
/// which of them may depend on the strategy that its planner draws.
#[test]
fn openfga_answers_them_as_noted() {
    let fga = match Fga::locate() {
        Ok(fga) => fga,
        Err(error) => return println!("skipped: the `fga` program is not there: {error}"),
    };
    for (name, case) in cases::all() {
        let small = case
            .small()
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        // Its program knows no contextual tuples.
        if !small.round.contextual.is_empty() {
            continue;
        }
        let rounds = [small.round.clone()];
        let answers = fga.answer(&small.store, &rounds);
        let answers = answers.unwrap_or_else(|error| panic!("{name}: {error}"));
        let got = Expected::from(&answers[0][0]);
        let noted = case.openfga.as_ref();
        assert!(
            got == case.expected || Some(&got) == noted,
            "{name}: OpenFGA {got:?}, noted {noted:?}\n{}",
            case.note
        );
    }
}
