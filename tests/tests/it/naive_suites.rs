//! The naive evaluator itself, held against OpenFGA's suites, wherever a store
//! uses no conditions: an oracle that is wrong would judge wrongly.

use deputize_tests::conformance;
use deputize_tests::differential::{matches, naive_answer};
use deputize_tests::store::{Answer, Round, Store, Tuple};
use deputize_tests::suites::{self, FILES};

#[test]
fn the_naive_evaluator_passes_the_suites() {
    let Some(folder) = conformance::folder("openfga") else {
        return;
    };
    let (mut asserted, mut wrong) = (0, Vec::new());
    for file in FILES {
        for test in suites::read(&folder.join(file)).tests {
            let mut tuples: Vec<Tuple> = Vec::new();
            for stage in &test.stages {
                tuples.extend(stage.tuples.iter().cloned());
                let model =
                    deputize::model::load(&stage.model).expect("the suites' models are valid");
                if !model.conditions.is_empty()
                    || tuples.iter().any(|tuple| tuple.condition.is_some())
                {
                    continue;
                }
                let store = Store {
                    model,
                    tuples: tuples.clone(),
                };
                for assertion in stage.assertions() {
                    // It does not judge malformed questions.
                    if matches!(assertion.expected, Answer::Failed(code, _) if code != 2002) {
                        continue;
                    }
                    let round = Round {
                        contextual: assertion.contextual.to_vec(),
                        ..Round::default()
                    };
                    let got = naive_answer(&store, &round, &assertion.ask, Some(25));
                    asserted += 1;
                    let same = got.as_ref().and_then(|got| {
                        matches(&store, &round, &assertion.ask, &assertion.expected, got)
                    });
                    if same != Some(true) {
                        wrong.push(format!(
                            "{}, {:?}: should be {}, is {got:?}",
                            test.name, assertion.ask, assertion.expected
                        ));
                    }
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {asserted} are wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert_eq!(asserted, 883);
}
