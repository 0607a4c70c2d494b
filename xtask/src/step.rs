//! A list of steps, run in order, with a summary at the end.

use std::fmt;
use std::time::{Duration, Instant};

use xtask::failure::Failure;
use xtask::program;

use crate::cpu;

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
    about: &'static str,
    run: fn() -> Result<Outcome, Failure>,
}

impl Step {
    /// A step not yet run.
    pub(crate) const fn new(
        name: &'static str,
        about: &'static str,
        run: fn() -> Result<Outcome, Failure>,
    ) -> Self {
        Self { name, about, run }
    }

    /// Its name and what it is for.
    pub(crate) fn line(&self) -> String {
        format!("{:10} {}", self.name, self.about)
    }
}

/// A program that took less than this is not worth a line.
const WORTH_A_LINE: Duration = Duration::from_secs(1);

/// Runs all steps, also after one failed, and prints a list of them with
/// their times: on the clock, and of the processors where the system says it.
///
/// # Errors
/// Names the steps that failed.
pub(crate) fn run(steps: &[&Step]) -> Result<(), Failure> {
    let (start, before) = (Instant::now(), cpu::spent());
    let mut results = Vec::new();
    for (at, step) in steps.iter().enumerate() {
        println!("==> {}/{} {}", at + 1, steps.len(), step.name);
        let (began, spent) = (Instant::now(), cpu::spent());
        let result = (step.run)();
        if let Err(failure) = &result {
            eprintln!("{}: {failure}", step.name);
        }
        let took = Took {
            clock: began.elapsed(),
            cpu: since(spent),
        };
        for (program, clock) in program::ended() {
            if clock >= WORTH_A_LINE {
                println!("    {:6.1} s  {program}", clock.as_secs_f64());
            }
        }
        println!("    {took}");
        results.push((step.name, took, result));
    }
    let took = Took {
        clock: start.elapsed(),
        cpu: since(before),
    };
    println!("\n{}", listing(&results));
    println!("{}", Summary::of(&results).line(&took));
    let failed: Vec<&str> = results
        .iter()
        .filter_map(|(name, _, result)| result.is_err().then_some(*name))
        .collect();
    match failed.is_empty() {
        true => Ok(()),
        false => Err(Failure::Found(format!("failed: {}", failed.join(", ")))),
    }
}

/// The steps of these names, in the list's order; all of them where no name is
/// given.
///
/// # Errors
/// A name is none: the error lists those that are.
pub(crate) fn chosen<'s>(steps: &'s [Step], names: &[String]) -> Result<Vec<&'s Step>, Failure> {
    let known = |name: &String| steps.iter().any(|step| step.name == name);
    if let Some(unknown) = names.iter().find(|name| !known(name)) {
        let all: Vec<&str> = steps.iter().map(|step| step.name).collect();
        return Err(Failure::Found(format!(
            "`{unknown}` is no step; there is {}",
            all.join(", ")
        )));
    }
    let wanted = |step: &&Step| names.is_empty() || names.iter().any(|name| name == step.name);
    Ok(steps.iter().filter(wanted).collect())
}

/// How long something took.
struct Took {
    clock: Duration,
    cpu: Option<Duration>,
}

impl fmt::Display for Took {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:6.1} s", self.clock.as_secs_f64())?;
        match self.cpu {
            Some(cpu) => write!(f, ", {:6.1} s of CPU", cpu.as_secs_f64()),
            None => Ok(()),
        }
    }
}

fn since(before: Option<Duration>) -> Option<Duration> {
    cpu::spent()?.checked_sub(before?)
}

type StepResult = (&'static str, Took, Result<Outcome, Failure>);

fn listing(results: &[StepResult]) -> String {
    let width = results
        .iter()
        .map(|(name, ..)| name.len())
        .max()
        .unwrap_or(0);
    let mut text = String::new();
    for (name, took, result) in results {
        let (word, detail) = match result {
            Ok(Outcome::Done(detail)) => ("ok", detail.clone()),
            Ok(Outcome::Skipped(why)) => ("skipped", why.clone()),
            Err(failure) => ("FAILED", failure.to_string()),
        };
        let line = format!("  {name:width$}  {word:7} {took}  {detail}");
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

    fn line(&self, took: &Took) -> String {
        let Self {
            passed,
            skipped,
            failed,
        } = self;
        format!(
            "steps: {passed} passed; {failed} failed; {skipped} skipped; {}",
            took.to_string().trim_start()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEPS: &[Step] = &[
        Step::new("first", "", || Err(Failure::Found("it broke".into()))),
        Step::new("second", "", || Ok(Outcome::done())),
        Step::new("third", "", || Ok(Outcome::Skipped("no tool".into()))),
    ];

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_failure_does_not_stop_the_others_and_is_told_at_the_end() {
        let all = chosen(STEPS, &[]).unwrap();
        assert_eq!(run(&all).unwrap_err().to_string(), "failed: first");
        let two = chosen(STEPS, &names(&["third", "second"])).unwrap();
        assert_eq!(two.len(), 2);
        assert!(run(&two).is_ok());
    }

    #[test]
    fn a_step_that_does_not_exist_is_told_with_those_that_do() {
        let told = chosen(STEPS, &names(&["second", "forth"])).err().unwrap();
        let expected = "`forth` is no step; there is first, second, third";
        assert_eq!(told.to_string(), expected);
    }

    #[test]
    fn the_list_names_each_step_with_its_times_and_its_reason() {
        let took = |clock, cpu: Option<u64>| Took {
            clock: Duration::from_secs(clock),
            cpu: cpu.map(Duration::from_secs),
        };
        let results = [
            ("fmt", took(1, Some(2)), Ok(Outcome::done())),
            (
                "deny",
                took(1, None),
                Ok(Outcome::Skipped("no tool".into())),
            ),
            (
                "tests",
                took(100, Some(180)),
                Err(Failure::Found("it broke".into())),
            ),
        ];
        assert_eq!(
            Summary::of(&results).line(&took(3, Some(4))),
            "steps: 1 passed; 1 failed; 1 skipped; 3.0 s,    4.0 s of CPU"
        );
        assert_eq!(
            listing(&results),
            "  fmt    ok         1.0 s,    2.0 s of CPU\n  \
             deny   skipped    1.0 s  no tool\n  \
             tests  FAILED   100.0 s,  180.0 s of CPU  it broke\n"
        );
    }
}
