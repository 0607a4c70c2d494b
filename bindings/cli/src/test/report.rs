//! What came out of a test run, in words and as data.

use serde_json::{Value, json};

use crate::fault::{Failure, Fault};
use crate::paint::{BAD, FAINT, GOOD, STRONG, WARN, paint, printable};

/// What came out of one file.
pub(super) struct FileReport {
    /// The file.
    pub(super) file: String,
    /// What it calls its store.
    pub(super) name: Option<String>,
    /// Its tests, unless it could not be run.
    pub(super) tests: Result<Vec<TestReport>, Failure>,
}

/// What came out of one test.
pub(super) struct TestReport {
    /// Its name.
    pub(super) name: String,
    /// Why it could not be run.
    pub(super) fault: Option<Fault>,
    /// Its assertions.
    pub(super) assertions: Vec<Assertion>,
}

/// One assertion.
pub(super) struct Assertion {
    /// `check`, `list_objects` or `list_users`.
    pub(super) kind: &'static str,
    /// What was asked.
    pub(super) question: String,
    /// What came out.
    pub(super) outcome: Outcome,
    /// Why, drawn as a tree.
    pub(super) why: Option<String>,
}

/// What came out of one assertion.
pub(super) enum Outcome {
    /// As expected.
    Passed,
    /// A check came out the other way.
    Wrong {
        /// What was expected.
        expected: bool,
    },
    /// A list differs.
    Differs {
        /// In both.
        common: Vec<String>,
        /// Expected, and not in the answer.
        missing: Vec<String>,
        /// In the answer, and not expected.
        unexpected: Vec<String>,
    },
    /// There was no answer.
    Fault(Box<Fault>),
}

impl Outcome {
    /// As expected.
    pub(super) fn passed(&self) -> bool {
        matches!(self, Self::Passed)
    }
}

/// Entries of a list that both sides have are shown up to this many.
const MAX_COMMON: usize = 3;

/// The last line.
pub(super) fn summary(
    files: usize,
    tests: usize,
    passed: usize,
    failed: usize,
    broken: usize,
) -> String {
    let plural = |count: usize, what: &str| match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    };
    let mut out = format!(
        "{}, {}, {}: {}",
        plural(files, "file"),
        plural(tests, "test"),
        plural(passed + failed, "assertion"),
        paint(GOOD, format_args!("{passed} passed"))
    );
    if failed > 0 {
        out.push_str(&format!(
            ", {}",
            paint(BAD, format_args!("{failed} failed"))
        ));
    }
    if broken > 0 {
        let said = format!("{} could not be run", plural(broken, "file"));
        out.push_str(&format!(", {}", paint(BAD, said)));
    }
    out.push('\n');
    out
}

impl FileReport {
    /// It could not be run.
    pub(super) fn is_broken(&self) -> bool {
        self.tests.is_err()
    }

    /// How many tests there are.
    pub(super) fn tests(&self) -> usize {
        self.tests.as_ref().map_or(0, Vec::len)
    }

    /// How many assertions passed.
    pub(super) fn passed(&self) -> usize {
        self.each(TestReport::passed)
    }

    /// How many assertions failed; a test that could not be run counts once.
    pub(super) fn failed(&self) -> usize {
        self.each(TestReport::failed)
    }

    fn each(&self, count: impl Fn(&TestReport) -> usize) -> usize {
        self.tests.iter().flatten().map(count).sum()
    }

    /// In words: what failed, or everything.
    pub(super) fn text(&self, verbose: bool) -> String {
        let name = match &self.name {
            Some(name) => format!(" {}", paint(FAINT, printable(name))),
            None => String::new(),
        };
        let file = paint(STRONG, &self.file);
        let tests = match &self.tests {
            Ok(tests) => tests,
            Err(failure) => {
                return format!("{} {file}{name}\n{}", paint(BAD, "✗"), failure.text());
            }
        };
        let (passed, failed) = (self.passed(), self.failed());
        if passed + failed == 0 {
            return format!("{} {file}{name}: no assertions\n", paint(WARN, "?"));
        }
        let mark = mark(failed == 0);
        let mut out = format!("{mark} {file}{name} {passed}/{}\n", passed + failed);
        for test in tests {
            if verbose || test.failed() > 0 {
                out.push_str(&test.text(verbose));
            }
        }
        out
    }

    /// As data.
    pub(super) fn document(&self) -> Value {
        let mut out = json!({
            "file": self.file,
            "name": self.name,
            "passed": self.passed(),
            "failed": self.failed(),
        });
        let (member, value) = match &self.tests {
            Ok(tests) => ("tests", tests.iter().map(TestReport::document).collect()),
            Err(failure) => (
                "errors",
                failure.faults().iter().map(Fault::document).collect(),
            ),
        };
        if let Some(members) = out.as_object_mut() {
            members.insert(member.to_owned(), value);
        }
        out
    }
}

impl TestReport {
    fn passed(&self) -> usize {
        self.assertions
            .iter()
            .filter(|a| a.outcome.passed())
            .count()
    }

    fn failed(&self) -> usize {
        self.assertions.len() - self.passed() + usize::from(self.fault.is_some())
    }

    fn text(&self, verbose: bool) -> String {
        let mut out = format!("  {} {}\n", mark(self.failed() == 0), printable(&self.name));
        if let Some(fault) = &self.fault {
            out.push_str(&indented(&Failure::from(fault.clone()).text(), 4));
        }
        for assertion in &self.assertions {
            if verbose || !assertion.outcome.passed() {
                out.push_str(&assertion.text());
            }
        }
        out
    }

    fn document(&self) -> Value {
        let assertions: Vec<Value> = self.assertions.iter().map(Assertion::document).collect();
        let mut out = json!({ "name": self.name, "assertions": assertions });
        if let (Some(fault), Some(members)) = (&self.fault, out.as_object_mut()) {
            members.insert("error".to_owned(), fault.document());
        }
        out
    }
}

impl Assertion {
    fn text(&self) -> String {
        let kind = self.kind.replace('_', "-");
        let mark = mark(self.outcome.passed());
        let mut out = format!(
            "    {mark} {} {}",
            paint(FAINT, kind),
            printable(&self.question)
        );
        match &self.outcome {
            Outcome::Passed => out.push('\n'),
            Outcome::Wrong { expected } => {
                let word = |allowed: bool| if allowed { "allow" } else { "deny" };
                out.push_str(&format!(
                    ": expected {}, got {}\n",
                    paint(GOOD, word(*expected)),
                    paint(BAD, word(!*expected))
                ));
            }
            Outcome::Differs {
                common,
                missing,
                unexpected,
            } => {
                out.push_str(":\n");
                let mut row = |text: String| out.push_str(&format!("        {text}\n"));
                for same in common.iter().take(MAX_COMMON) {
                    row(format!("  {same}"));
                }
                if let Some(more) = common.len().checked_sub(MAX_COMMON).filter(|n| *n > 0) {
                    row(paint(FAINT, format_args!("  and {more} more in both")));
                }
                for lacking in missing {
                    let note = paint(FAINT, "expected, not found");
                    row(format!(
                        "{} {note}",
                        paint(BAD, format_args!("- {lacking}"))
                    ));
                }
                for extra in unexpected {
                    let note = paint(FAINT, "found, not expected");
                    row(format!("{} {note}", paint(GOOD, format_args!("+ {extra}"))));
                }
            }
            Outcome::Fault(fault) => {
                out.push_str(": no answer\n");
                let text = Failure::from(fault.as_ref().clone()).text();
                out.push_str(&indented(&text, 8));
            }
        }
        if let Some(why) = &self.why {
            out.push_str(&indented(why, 8));
        }
        out
    }

    fn document(&self) -> Value {
        let mut out = json!({
            "kind": self.kind,
            "question": self.question,
            "passed": self.outcome.passed(),
        });
        if let Some(members) = out.as_object_mut() {
            let mut add = |name: &str, value: Value| members.insert(name.to_owned(), value);
            match &self.outcome {
                Outcome::Passed => {}
                Outcome::Wrong { expected } => {
                    add("expected", (*expected).into());
                }
                Outcome::Differs {
                    missing,
                    unexpected,
                    ..
                } => {
                    add("missing", missing.clone().into());
                    add("unexpected", unexpected.clone().into());
                }
                Outcome::Fault(fault) => {
                    add("error", fault.document());
                }
            }
        }
        out
    }
}

fn mark(passed: bool) -> String {
    if passed {
        paint(GOOD, "✓")
    } else {
        paint(BAD, "✗")
    }
}

fn indented(text: &str, by: usize) -> String {
    text.lines()
        .map(|line| format!("{:by$}{line}\n", ""))
        .collect()
}
