//! A list of steps, run in order, with a summary at the end.

use std::time::{Duration, Instant};

use crate::failure::Failure;

/// How a step that did not fail came out.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It ran, and this is worth knowing of it; may be empty.
    Done(String),
    /// It could not run here, for this reason.
    Skipped(String),
}

impl Outcome {
    /// It ran, and there is nothing to add.
    pub(crate) fn done() -> Self {
        Self::Done(String::new())
    }
}

/// One step: what it is called and what it does.
pub(crate) struct Step {
    name: &'static str,
    run: fn() -> Result<Outcome, Failure>,
}

impl Step {
    /// A step not yet run.
    pub(crate) const fn new(name: &'static str, run: fn() -> Result<Outcome, Failure>) -> Self {
        Self { name, run }
    }
}

/// Runs all steps, also after one failed, and prints a list of them with
/// their times.
///
/// # Errors
/// Names the steps that failed.
pub(crate) fn run(steps: &[Step]) -> Result<(), Failure> {
    let start = Instant::now();
    let mut results = Vec::new();
    for (at, step) in steps.iter().enumerate() {
        println!("==> {}/{} {}", at + 1, steps.len(), step.name);
        let began = Instant::now();
        let result = (step.run)();
        if let Err(failure) = &result {
            eprintln!("{}: {failure}", step.name);
        }
        results.push((step.name, began.elapsed(), result));
    }
    println!("\n{}", listing(&results));
    println!("{}", Summary::of(&results).line(start.elapsed()));
    let failed: Vec<&str> = results
        .iter()
        .filter_map(|(name, _, result)| result.is_err().then_some(*name))
        .collect();
    match failed.is_empty() {
        true => Ok(()),
        false => Err(Failure::Found(format!("failed: {}", failed.join(", ")))),
    }
}

type StepResult = (&'static str, Duration, Result<Outcome, Failure>);

fn listing(results: &[StepResult]) -> String {
    let width = results
        .iter()
        .map(|(name, ..)| name.len())
        .max()
        .unwrap_or(0);
    let mut text = String::new();
    for (name, time, result) in results {
        let (word, detail) = match result {
            Ok(Outcome::Done(detail)) => ("ok", detail.clone()),
            Ok(Outcome::Skipped(why)) => ("skipped", why.clone()),
            Err(failure) => ("FAILED", failure.to_string()),
        };
        let line = format!(
            "  {name:width$}  {word:7} {:7.1} s  {detail}",
            time.as_secs_f64()
        );
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Summary {
    passed: usize,
    skipped: usize,
    failed: usize,
}

impl Summary {
    fn of(results: &[StepResult]) -> Self {
        let mut summary = Self::default();
        for (_, _, result) in results {
            match result {
                Ok(Outcome::Done(_)) => summary.passed += 1,
                Ok(Outcome::Skipped(_)) => summary.skipped += 1,
                Err(_) => summary.failed += 1,
            }
        }
        summary
    }

    fn line(&self, time: Duration) -> String {
        let Self {
            passed,
            skipped,
            failed,
        } = self;
        format!(
            "steps: {passed} passed; {failed} failed; {skipped} skipped; {:.0} s",
            time.as_secs_f64()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_does_not_stop_the_others_and_is_told_at_the_end() {
        let steps = [
            Step::new("first", || Err(Failure::Found("it broke".into()))),
            Step::new("second", || Ok(Outcome::done())),
            Step::new("third", || Ok(Outcome::Skipped("no tool".into()))),
        ];
        assert_eq!(run(&steps).unwrap_err().to_string(), "failed: first");
        assert!(run(&steps[1..]).is_ok());
    }

    #[test]
    fn the_list_names_each_step_with_its_reason() {
        let second = Duration::from_secs(1);
        let results = [
            ("fmt", second, Ok(Outcome::done())),
            ("deny", second, Ok(Outcome::Skipped("no tool".into()))),
            ("tests", second, Err(Failure::Found("it broke".into()))),
        ];
        assert_eq!(
            Summary::of(&results).line(second * 3),
            "steps: 1 passed; 1 failed; 1 skipped; 3 s"
        );
        assert_eq!(
            listing(&results),
            "  fmt    ok          1.0 s\n  deny   skipped     1.0 s  no tool\n  tests  FAILED      1.0 s  it broke\n"
        );
    }
}
