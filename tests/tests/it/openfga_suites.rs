//! OpenFGA's own suites: every assertion, and again with the tuples given as
//! contextual ones, in another order, through the compiled form, and with our
//! own limits.

use deputize::{Limits, Policy, Tuple, View};
use deputize_tests::dice::Dice;
use deputize_tests::store::{Answer, Ask};
use deputize_tests::suites::{self, Assertion, FILES, Stage};
use deputize_tests::{conformance, engine};
use serde_json::json;

/// What the files hold.
const CHECKS: usize = 485;
const OBJECT_LISTS: usize = 345;
const USER_LISTS: usize = 386;

/// How a stage is asked.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Way {
    Stored,
    Shuffled,
    Compiled,
    Contextual,
    OurLimits,
}

#[test]
fn as_stored_tuples() {
    run(Way::Stored);
}

#[test]
fn in_another_order() {
    run(Way::Shuffled);
}

#[test]
fn through_the_compiled_form() {
    run(Way::Compiled);
}

#[test]
fn as_contextual_tuples() {
    run(Way::Contextual);
}

#[test]
fn with_our_own_limits() {
    run(Way::OurLimits);
}

/// Asserted each way. Contextual: single-stage tests of at most 100 tuples.
/// Our limits: all but the two assertions on OpenFGA's limit of depth.
fn expected_count(way: Way) -> usize {
    let all = CHECKS + OBJECT_LISTS + USER_LISTS;
    match way {
        Way::Stored | Way::Shuffled | Way::Compiled => all,
        Way::Contextual => CONTEXTUAL,
        Way::OurLimits => all - 2,
    }
}

/// The assertions of single-stage tests.
const CONTEXTUAL: usize = 1_009;

fn run(way: Way) {
    let Some(folder) = conformance::folder("openfga") else {
        return;
    };
    let (mut asserted, mut wrong) = (0, Vec::new());
    for file in FILES {
        for test in suites::read(&folder.join(file)).tests {
            if way == Way::Contextual && test.stages.len() > 1 {
                continue;
            }
            let mut stored: Vec<Tuple> = Vec::new();
            for (index, stage) in test.stages.iter().enumerate() {
                stored.extend(stage.tuples.iter().cloned());
                if way == Way::Contextual && stored.len() > 100 {
                    continue;
                }
                for (assertion, got) in ask(way, stage, &stored) {
                    asserted += 1;
                    if let Err(why) = got {
                        wrong.push(format!(
                            "{}, stage {index}, {:?}: {why}",
                            test.name, assertion.ask
                        ));
                    }
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{way:?}: {} of {asserted} are wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert_eq!(asserted, expected_count(way), "{way:?}");
}

/// Each assertion that counts, and whether it holds.
fn ask<'s>(
    way: Way,
    stage: &'s Stage,
    stored: &[Tuple],
) -> Vec<(Assertion<'s>, Result<(), String>)> {
    let mut stored = stored.to_vec();
    if way == Way::Shuffled {
        Dice::new(stored.len() as u64).shuffle(&mut stored);
    }
    let kept = if way == Way::Contextual {
        &[][..]
    } else {
        &stored[..]
    };
    let snapshot = json!({ "deputize": 1, "model": stage.model, "tuples": kept }).to_string();
    let mut policy = Policy::from_json(snapshot.as_bytes());
    if let (Way::Compiled, Ok(fresh)) = (way, &policy) {
        policy =
            Ok(Policy::from_compiled(&fresh.to_compiled())
                .expect("what was just written can be read"));
    }
    let limits = if way == Way::OurLimits {
        Limits::default()
    } else {
        Limits::openfga()
    };
    let mut asked = Vec::new();
    for assertion in stage.assertions() {
        if way == Way::OurLimits && matches!(assertion.expected, Answer::Failed(2002, _)) {
            continue;
        }
        let result = match &policy {
            Ok(policy) => {
                let mut tuples = assertion.contextual.to_vec();
                if way == Way::Contextual {
                    tuples.extend(stored.iter().cloned());
                }
                let view = policy
                    .view()
                    .with_limits(limits)
                    .with_context(assertion.context);
                match view.with_tuples(&tuples) {
                    Ok(view) => hold(&view, &assertion),
                    Err(error) => {
                        same(&engine::failed(&error, &assertion.ask), &assertion.expected)
                    }
                }
            }
            Err(error) => Err(format!("the snapshot is refused: {error}")),
        };
        asked.push((assertion, result));
    }
    asked
}

/// The answer is right, and what a list names passes a check.
fn hold(view: &View<'_>, assertion: &Assertion<'_>) -> Result<(), String> {
    let got = engine::answer(view, &assertion.ask);
    same(&got, &assertion.expected)?;
    if let Answer::Listed(names) = &got {
        for name in names {
            let check = assertion.ask.about(name);
            let allowed = engine::answer(view, &check);
            if allowed != Answer::Allowed(true) {
                return Err(format!("lists `{name}`, whose check is {allowed}"));
            }
            assert!(matches!(check, Ask::Check { .. }));
        }
    }
    Ok(())
}

fn same(got: &Answer, expected: &Answer) -> Result<(), String> {
    let same = match (got, expected) {
        (Answer::Failed(got, _), Answer::Failed(expected, _)) => got == expected,
        _ => got == expected,
    };
    if same {
        Ok(())
    } else {
        Err(format!("should be {expected}, is {got}"))
    }
}
