//! Grants that reach nobody, or everybody.

use std::collections::{BTreeMap, BTreeSet};

use deputize::model::{Model, Rewrite};
use deputize::{Policy, Snapshot};

use crate::fault::{Fault, Severity};
use crate::suggest;

use super::inhabited::{Grant, Inhabited};
use super::model::is_agent;

pub(super) const WILDCARD_AGENT: &str = "grant.wildcard_agent";
pub(super) const UNREACHABLE: &str = "grant.unreachable";
pub(super) const DANGLING: &str = "grant.dangling";
pub(super) const PUBLIC: &str = "grant.public";
pub(super) const NOBODY: &str = "relation.nobody";
pub(super) const UNUSED_CONDITION: &str = "condition.unused";

/// The findings of a snapshot's tuples.
pub(super) fn find(policy: &Policy, snapshot: &Snapshot<'_>) -> Vec<Fault> {
    let model = policy.model();
    let grants = admitted(policy, snapshot);
    let inhabited = Inhabited::of(model, &grants);
    let mut findings = Vec::new();
    findings.extend(wildcards(&grants));
    findings.extend(unreachable(&grants, &inhabited));
    findings.extend(dangling(&grants, &inhabited));
    findings.extend(nobody(model, &inhabited));
    findings.extend(unused_conditions(model, snapshot));
    findings
}

/// The tuples that the model admits: the others have their warning already.
fn admitted<'s>(policy: &Policy, snapshot: &'s Snapshot<'_>) -> Vec<Grant<'s>> {
    let refused: BTreeSet<usize> = policy
        .warnings()
        .iter()
        .filter_map(|w| w.pointer.strip_prefix("/tuples/")?.parse().ok())
        .collect();
    let tuples = snapshot.tuples.iter().enumerate();
    tuples
        .filter(|(index, _)| !refused.contains(index))
        .map(|(index, tuple)| {
            let (user, user_relation) = match tuple.user.split_once('#') {
                Some((object, relation)) => (object, Some(relation)),
                None => (tuple.user.as_ref(), None),
            };
            Grant {
                index,
                user,
                user_relation,
                relation: &tuple.relation,
                object: &tuple.object,
            }
        })
        .collect()
}

fn finding(severity: Severity, code: &'static str, grant: &Grant<'_>, message: String) -> Fault {
    let mut fault = Fault::new(code, message).pointing(format!("/tuples/{}", grant.index));
    fault.severity = severity;
    fault
}

/// Wildcards: of agents each, of others by relation.
fn wildcards(grants: &[Grant<'_>]) -> Vec<Fault> {
    let mut findings = Vec::new();
    let mut public: BTreeMap<(&str, &str, &str), (usize, &Grant<'_>)> = BTreeMap::new();
    for grant in grants {
        let Some(type_name) = grant.user.strip_suffix(":*") else {
            continue;
        };
        let spelled = spell(grant);
        if is_agent(type_name) {
            let said = format!("`{spelled}` gives every agent the relation");
            let hint = "name the agents, or a group of them";
            findings.push(finding(Severity::Warning, WILDCARD_AGENT, grant, said).hint(hint));
            continue;
        }
        let (object_type, _) = grant.object.split_once(':').unwrap_or_default();
        let key = (grant.user, grant.relation, object_type);
        public.entry(key).or_insert((0, grant)).0 += 1;
    }
    for ((user, relation, type_name), (count, first)) in public {
        let said = match count {
            1 => format!("`{user}` has `{relation}` on `{}`", first.object),
            _ => format!("`{user}` has `{relation}` on {count} objects of type `{type_name}`"),
        };
        findings.push(finding(Severity::Note, PUBLIC, first, said));
    }
    findings
}

/// Usersets that nobody is in.
fn unreachable(grants: &[Grant<'_>], inhabited: &Inhabited<'_, '_>) -> Vec<Fault> {
    let mut empty: BTreeMap<(&str, &str), Vec<&Grant<'_>>> = BTreeMap::new();
    for grant in grants {
        if let Some(relation) = grant.user_relation
            && !inhabited.has(grant.user, relation)
        {
            empty.entry((grant.user, relation)).or_default().push(grant);
        }
    }
    let mut findings = Vec::new();
    for ((object, relation), grants) in empty {
        let Some(first) = grants.first() else {
            continue;
        };
        let said = format!(
            "nobody has `{object}#{relation}`, so {} nothing",
            gives(first, grants.len(), "gives", "give")
        );
        let near = near(inhabited, object, &[relation]);
        let hint = match near {
            Some(near) => format!("did you mean `{near}#{relation}`?"),
            None => "that is right only where requests bring its members with them".to_owned(),
        };
        findings.push(finding(Severity::Warning, UNREACHABLE, first, said).hint(hint));
    }
    findings
}

/// A parent that passes nothing on.
#[derive(Default)]
struct Idle<'a> {
    /// The tuples that name it.
    grants: Vec<&'a Grant<'a>>,
    /// The relations that are asked of it.
    relations: Vec<&'a str>,
}

/// Parents that pass nothing on.
fn dangling(grants: &[Grant<'_>], inhabited: &Inhabited<'_, '_>) -> Vec<Fault> {
    let mut idle: BTreeMap<(&str, &str), Idle<'_>> = BTreeMap::new();
    for grant in grants {
        let Some(def) = inhabited.type_of(grant.object) else {
            continue;
        };
        let mut passed: Vec<&str> = Vec::new();
        for relation in &def.relations {
            collect(&relation.rewrite, grant.relation, &mut passed);
        }
        passed.retain(|relation| inhabited.relation(grant.user, relation).is_some());
        let idles = !passed.is_empty() && !passed.iter().any(|r| inhabited.has(grant.user, r));
        if idles {
            let (type_name, _) = grant.object.split_once(':').unwrap_or_default();
            let parent = idle.entry((grant.user, type_name)).or_default();
            parent.grants.push(grant);
            parent.relations.extend(passed);
        }
    }
    let mut findings = Vec::new();
    for ((object, _), parent) in idle {
        let Idle {
            grants,
            mut relations,
        } = parent;
        let Some(first) = grants.first() else {
            continue;
        };
        relations.sort_unstable();
        relations.dedup();
        let named: Vec<String> = relations.iter().map(|r| format!("`{r}`")).collect();
        let said = format!(
            "nobody has {} on `{object}`, so {} nothing on",
            named.join(" or "),
            gives(first, grants.len(), "passes", "pass")
        );
        let near = near(inhabited, object, &relations);
        let hint = near.map(|near| format!("did you mean `{near}`?"));
        findings.push(finding(Severity::Warning, DANGLING, first, said).maybe_hint(hint));
    }
    findings
}

/// The relations that a rewrite asks of the objects of a tupleset.
fn collect<'m>(rewrite: &'m Rewrite, wanted: &str, into: &mut Vec<&'m str>) {
    match rewrite {
        Rewrite::TupleToUserset { tupleset, computed } if tupleset == wanted => {
            into.push(computed);
        }
        Rewrite::This | Rewrite::Computed(_) | Rewrite::TupleToUserset { .. } => {}
        Rewrite::Union(parts) | Rewrite::Intersection(parts) => {
            parts.iter().for_each(|part| collect(part, wanted, into));
        }
        Rewrite::Exclusion { base, subtract } => {
            collect(base, wanted, into);
            collect(subtract, wanted, into);
        }
    }
}

/// Relations that nobody has on any object that tuples speak of.
fn nobody(model: &Model, inhabited: &Inhabited<'_, '_>) -> Vec<Fault> {
    let mut findings = Vec::new();
    for def in &model.types {
        let objects: Vec<&str> = inhabited.objects_of(&def.name).collect();
        if objects.is_empty() {
            continue;
        }
        for relation in &def.relations {
            if !objects.iter().any(|o| inhabited.has(o, &relation.name)) {
                let node = format!("{}#{}", def.name, relation.name);
                let said = format!("nobody has `{node}` on any object");
                let mut fault = Fault::new(NOBODY, said).pointing("/model");
                fault.severity = Severity::Note;
                findings.push(fault);
            }
        }
    }
    findings
}

/// Conditions that a relation's brackets allow and no tuple names. One that is
/// in no brackets is the model's own fault, and told as that.
fn unused_conditions(model: &Model, snapshot: &Snapshot<'_>) -> Vec<Fault> {
    let used: BTreeSet<&str> = snapshot
        .tuples
        .iter()
        .filter_map(|tuple| Some(tuple.condition.as_ref()?.name.as_ref()))
        .collect();
    let relations = model.types.iter().flat_map(|t| &t.relations);
    let allowed: BTreeSet<&str> = relations
        .flat_map(|relation| &relation.assignable)
        .filter_map(|entry| entry.condition.as_deref())
        .collect();
    let unused = model.conditions.iter().filter(|condition| {
        let name = condition.name.as_str();
        allowed.contains(name) && !used.contains(name)
    });
    unused
        .map(|condition| {
            let said = format!("no tuple uses the condition `{}`", condition.name);
            let mut fault = Fault::new(UNUSED_CONDITION, said).pointing("/model");
            fault.severity = Severity::Note;
            fault
        })
        .collect()
}

/// An object that someone has one of the relations on, and whose name is near.
fn near<'s>(inhabited: &Inhabited<'_, 's>, object: &str, relations: &[&str]) -> Option<&'s str> {
    let (type_name, _) = object.split_once(':')?;
    // Numbered names are near each other by nature.
    let letters = |name: &str| -> String { name.chars().filter(|c| !c.is_ascii_digit()).collect() };
    let own = letters(object);
    let candidates = inhabited
        .objects_of(type_name)
        .filter(|o| letters(o) != own && relations.iter().any(|r| inhabited.has(o, r)));
    suggest::nearest(object, candidates)
}

fn gives(first: &Grant<'_>, count: usize, one: &str, many: &str) -> String {
    match count {
        1 => format!("`{}` {one}", spell(first)),
        _ => format!("`{}` and {} more {many}", spell(first), count - 1),
    }
}

fn spell(grant: &Grant<'_>) -> String {
    let relation = grant.user_relation.map(|r| format!("#{r}"));
    let relation = relation.unwrap_or_default();
    format!(
        "{}{relation} {} {}",
        grant.user, grant.relation, grant.object
    )
}
