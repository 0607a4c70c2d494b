//! Runs one store file's tests.

use std::collections::BTreeSet;
use std::path::Path;

use deputize::{Limits, Policy, QueryError, View};
use serde_json::{Map, Value};

use crate::fault::{Failure, Fault};
use crate::reach::Reach;
use crate::store::{self, Store, Test};
use crate::{input, question, story};

use super::TestArgs;
use super::report::{Assertion, FileReport, Outcome, TestReport};

/// Runs the tests of one file.
pub(super) fn run(path: &Path, args: &TestArgs) -> FileReport {
    let file = input::spell(path);
    let ran = read(path, &file, args).map(|(store, policy)| {
        let chosen = |test: &&Test| {
            args.only
                .as_ref()
                .is_none_or(|only| test.name.contains(only.as_str()))
        };
        let tests = store.tests.iter().filter(chosen);
        let tests: Vec<_> = tests.map(|test| run_test(test, &policy, args)).collect();
        (store.name.clone(), tests)
    });
    match ran {
        Ok((name, tests)) => FileReport {
            file,
            name,
            tests: Ok(tests),
        },
        Err(failure) => FileReport {
            file: file.clone(),
            name: None,
            tests: Err(failure.in_file(&file)),
        },
    }
}

fn read(path: &Path, name: &str, args: &TestArgs) -> Result<(Store, Policy), Failure> {
    let text = input::read_text(path)?;
    let mut store = Store::parse(text, name, &Reach::of(path, &args.root)?)?;
    let (policy, _) = store.policy("")?;
    // OpenFGA refuses to write such tuples, so the store could not exist.
    let refused = store::refused(&policy)
        .map(|warning| store.refusal(warning, policy.model()))
        .collect();
    match Failure::of(refused) {
        Some(failure) => Err(failure),
        None => Ok((store, policy)),
    }
}

fn run_test(test: &Test, policy: &Policy, args: &TestArgs) -> TestReport {
    let mut report = TestReport {
        name: test.name.clone(),
        fault: None,
        assertions: Vec::new(),
    };
    let limits = if args.openfga_limits {
        Limits::openfga()
    } else {
        policy.limits()
    };
    let view = policy.view().with_limits(limits);
    let view = match view.with_tuples(&test.tuples) {
        Ok(view) => view,
        Err(error) => {
            report.fault = Some(question::of_query(&error, policy.model(), &test.tuples));
            return report;
        }
    };
    let fault = |error: QueryError| question::of_query(&error, policy.model(), &[]);
    for part in &test.checks {
        let view = with_context(&view, part.context.as_ref());
        for user in part.users() {
            for object in part.objects() {
                for (relation, expected) in &part.assertions {
                    let got = view.check(user, relation, object).map_err(fault);
                    let outcome = Outcome::of_check(*expected, got);
                    let why = (args.explain && !outcome.passed())
                        .then(|| view.explain(user, relation, object).ok())
                        .flatten()
                        .map(|explanation| story::draw(&explanation));
                    report.assertions.push(Assertion {
                        kind: "check",
                        question: format!("{user} {relation} {object}"),
                        outcome,
                        why,
                    });
                }
            }
        }
    }
    for part in &test.list_objects {
        let view = with_context(&view, part.context.as_ref());
        for (relation, expected) in &part.assertions {
            let got = view
                .list_objects(&part.user, relation, &part.object_type)
                .map_err(fault);
            report.assertions.push(Assertion {
                kind: "list_objects",
                question: format!("{} {relation} {}", part.user, part.object_type),
                outcome: Outcome::of_list(expected.as_deref().unwrap_or_default(), got),
                why: None,
            });
        }
    }
    for part in &test.list_users {
        let view = with_context(&view, part.context.as_ref());
        let filters: Vec<String> = part.user_filter.iter().map(|f| f.spell()).collect();
        for (relation, expected) in &part.assertions {
            let got = list_users(&view, &part.object, relation, &filters).map_err(fault);
            report.assertions.push(Assertion {
                kind: "list_users",
                question: format!("{} {relation} {}", part.object, filters.join(" ")),
                outcome: Outcome::of_list(expected.users.as_deref().unwrap_or_default(), got),
                why: None,
            });
        }
    }
    report
}

fn with_context<'p>(view: &View<'p>, context: Option<&Map<String, Value>>) -> View<'p> {
    match context {
        Some(context) => view.clone().with_context(context),
        None => view.clone(),
    }
}

fn list_users(
    view: &View<'_>,
    object: &str,
    relation: &str,
    filters: &[String],
) -> Result<Vec<String>, QueryError> {
    let mut users = BTreeSet::new();
    for filter in filters {
        users.extend(view.list_users(object, relation, filter)?);
    }
    Ok(users.into_iter().collect())
}

impl Outcome {
    fn of_check(expected: bool, got: Result<bool, Fault>) -> Self {
        match got {
            Ok(got) if got == expected => Self::Passed,
            Ok(_) => Self::Wrong { expected },
            Err(fault) => Self::Fault(Box::new(fault)),
        }
    }

    fn of_list(expected: &[String], got: Result<Vec<String>, Fault>) -> Self {
        let got = match got {
            Ok(got) => got,
            Err(fault) => return Self::Fault(Box::new(fault)),
        };
        let expected: BTreeSet<&String> = expected.iter().collect();
        let got: BTreeSet<&String> = got.iter().collect();
        if expected == got {
            return Self::Passed;
        }
        let spelled = |set: Vec<&&String>| set.into_iter().map(|s| (*s).clone()).collect();
        Self::Differs {
            common: spelled(expected.intersection(&got).collect()),
            missing: spelled(expected.difference(&got).collect()),
            unexpected: spelled(got.difference(&expected).collect()),
        }
    }
}
