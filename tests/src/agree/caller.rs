//! A caller's ways: all that touches the caller's API stands here.

use super::{Asking, Findings, told};
use crate::naive::Truth;
use deputize::Policy;
use deputize::Request;
use deputize::request::Setting;
use deputize::time::UnixSeconds;
use std::collections::BTreeSet;

/// A caller that acts for itself may what the person may.
pub(super) fn ways(of: &Asking<'_>, policy: &Policy, findings: &mut Findings) {
    let plain = of.user.starts_with("user:") && !of.user.ends_with('*') && !of.user.contains('#');
    // A principal of no tenant may not act in one.
    if !plain || of.round.tenant.is_some() {
        return;
    }
    let setting = Setting {
        tuples: &of.round.contextual,
        context: Some(&of.round.context),
        ..Setting::default()
    };
    let caller = match policy.admit(
        &Request::at(UnixSeconds(1))
            .on_behalf_of(&[of.user])
            .setting(setting),
    ) {
        Ok(caller) => caller,
        Err(denial) => {
            let ask = || of.ask("", "");
            return findings.compare("caller", ask, "admitted", denial.reason.code());
        }
    };
    let relations: BTreeSet<&String> = of.truths.keys().map(|(_, relation)| relation).collect();
    for relation in relations {
        let ids = of.truths.keys().filter(|(_, own)| own == relation);
        let ids: Vec<&String> = ids.map(|(object, _)| object).rev().collect();
        let sifted = caller.at(UnixSeconds(1)).filter(relation, &ids);
        let mask = sifted.map_or_else(|_| vec![false; ids.len()], |sifted| sifted.mask);
        for (id, allowed) in ids.iter().zip(mask) {
            let truth = of.truth(relation, id).expect("it was taken from there");
            let right = (truth == Truth::Yes).to_string();
            let ask = || of.ask(relation, id);
            findings.compare("caller's filter", ask, &right, &allowed.to_string());
            let can = caller.at(UnixSeconds(1)).can(relation, id).to_string();
            findings.compare("caller's can", ask, &right, &can);
            let decision = caller.at(UnixSeconds(1)).decide(relation, id);
            let got = match (decision.allowed, decision.reason.code()) {
                (true, _) => "true",
                (false, "subject.no_grant") => "false",
                (false, code) if code.starts_with("condition.") => "condition",
                (false, code) => code,
            };
            findings.compare("caller's decision", ask, told(truth), got);
        }
        let types: BTreeSet<&str> = ids.iter().map(|id| crate::store::type_of(id)).collect();
        for object_type in types {
            // A list that may lack something is none.
            let Ok(listed) = caller.at(UnixSeconds(1)).list(relation, object_type) else {
                continue;
            };
            for id in ids
                .iter()
                .filter(|id| crate::store::type_of(id) == object_type)
            {
                let right = of.truth(relation, id) == Some(Truth::Yes);
                let got = listed.contains(id).to_string();
                findings.compare(
                    "caller's list",
                    || of.ask(relation, id),
                    &right.to_string(),
                    &got,
                );
            }
        }
    }
}
