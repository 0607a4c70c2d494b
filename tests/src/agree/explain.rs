//! An explanation tells the check's story, in its root and in every part.

use super::{Asking, Findings, told};
use crate::naive::Truth;
use deputize::{Step, StepRule, View};

pub(super) fn explanations(of: &Asking<'_>, view: &View<'_>, findings: &mut Findings) {
    for ((object, relation), truth) in of.truths {
        let Ok(told_by) = view.explain(of.user, relation, object) else {
            let refused = "refused";
            findings.compare(
                "explain",
                || of.ask(relation, object),
                told(*truth),
                refused,
            );
            continue;
        };
        let got = match (told_by.allowed, &told_by.error) {
            (true, _) => "true",
            (false, None) => "false",
            (false, Some(code)) if code.starts_with("condition.") => "condition",
            (false, Some(code)) => code,
        };
        findings.compare("explain", || of.ask(relation, object), told(*truth), got);
        let root = told_by.because.allowed.to_string();
        let allowed = told_by.allowed.to_string();
        findings.compare(
            "explain's root",
            || of.ask(relation, object),
            &allowed,
            &root,
        );
        part(of, &told_by.because, findings);
    }
}

fn part(of: &Asking<'_>, step: &Step, findings: &mut Findings) {
    let (object, relation) = step.node.split_once('#').expect("a step is about a node");
    let mut compare = |way, expected: bool| {
        let (expected, got) = (expected.to_string(), step.allowed.to_string());
        findings.compare(way, || of.ask(relation, object), &expected, &got);
    };
    let holds = |part: &Step| part.allowed;
    let left_out = |part: &Step| matches!(part.rule, StepRule::Omitted { .. });
    match &step.rule {
        StepRule::Relation | StepRule::Itself | StepRule::Unreachable | StepRule::Cycle => {
            if let Some(truth) = of.truth(relation, object) {
                compare("explain's part", truth == Truth::Yes);
            }
        }
        StepRule::AnyOf if !step.parts.iter().any(left_out) => {
            compare("explain's any of", step.parts.iter().any(holds));
        }
        StepRule::AllOf if step.allowed => {
            compare("explain's all of", step.parts.iter().all(holds));
        }
        StepRule::Except if step.allowed => {
            let without = step.parts.get(1).is_none_or(|part| !part.allowed);
            compare("explain's except", without && step.parts[0].allowed);
        }
        _ => {}
    }
    step.parts
        .iter()
        .for_each(|below| part(of, below, findings));
}
