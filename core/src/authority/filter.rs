//! Filter: what one question asks of one resource, asked of many at once.

use std::collections::BTreeMap;

use crate::decision::{Denial, Reason};
use crate::query::View;

use super::{Facts, Moment, Part, Standing, check_form, lacking};

/// Which of many resources a caller may see.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sifted {
    /// For each resource, in the order given: allowed or not.
    pub mask: Vec<bool>,
    /// How many were dropped, by the first reason that dropped them.
    pub dropped: BTreeMap<Reason, usize>,
}

impl Sifted {
    /// How many resources are allowed.
    #[must_use]
    pub fn allowed(&self) -> usize {
        self.mask.iter().filter(|allowed| **allowed).count()
    }
}

/// Each resource's verdict: `None` where it is allowed so far.
struct Verdicts(Vec<Option<Reason>>);

impl Verdicts {
    fn drop(&mut self, place: usize, reason: Reason) {
        if let Some(slot) = self.0.get_mut(place) {
            *slot = Some(reason);
        }
    }
}

impl Moment<'_> {
    /// Which of these resources the caller may do `action` on. A resource that
    /// is malformed or unknown, or whose check errs, is dropped and counted.
    ///
    /// # Errors
    /// What is wrong with the call as a whole: then nothing is allowed.
    pub fn filter<S: AsRef<str>>(&self, action: &str, resources: &[S]) -> Result<Sifted, Denial> {
        let verdicts = self.filter_each(action, resources)?;
        let mut dropped = BTreeMap::new();
        for reason in verdicts.iter().flatten() {
            *dropped.entry(*reason).or_default() += 1;
        }
        let mask = verdicts.iter().map(Option::is_none).collect();
        Ok(Sifted { mask, dropped })
    }

    /// As [`Moment::filter`]: for each resource the reason that drops it, `None`
    /// where it is allowed.
    ///
    /// # Errors
    /// As [`Moment::filter`].
    pub fn filter_each<S: AsRef<str>>(
        &self,
        action: &str,
        resources: &[S],
    ) -> Result<Vec<Option<Reason>>, Denial> {
        self.filter_standing(&self.standing(self.view())?, action, resources)
    }

    /// The same, once the caller counts at all.
    pub(super) fn filter_standing<S: AsRef<str>>(
        &self,
        standing: &Standing<'_>,
        action: &str,
        resources: &[S],
    ) -> Result<Vec<Option<Reason>>, Denial> {
        let view = &standing.view;
        let _call = view.begin_call();
        let mut verdicts = Verdicts(vec![None; resources.len()]);
        let asking: Vec<_> = self
            .caller
            .reaches
            .iter()
            .map(|r| r.asking(action))
            .collect();
        let directory = &self.caller.inner().directory;
        // Each stage asks only about what the one before it left.
        let mut left: Vec<(usize, &str)> = Vec::with_capacity(resources.len());
        for (place, resource) in resources.iter().enumerate() {
            let resource = resource.as_ref();
            let checked =
                check_form(view, action, resource).and_then(|()| self.check_resource(resource));
            if let Err(denial) = checked {
                verdicts.drop(place, denial.reason);
                continue;
            }
            let facts = Facts(directory.resource(resource));
            if asking.iter().all(|a| a.covers_where(resource, &facts)) {
                left.push((place, resource));
            } else {
                verdicts.drop(place, Reason::ScopeInsufficient);
            }
        }
        for part in self.parts(&standing.hops) {
            if left.is_empty() {
                break;
            }
            let answers = self.part_allows_each(view, part, action, &left)?;
            let mut kept = Vec::with_capacity(left.len());
            for ((place, resource), answer) in left.into_iter().zip(answers) {
                match answer {
                    Ok(()) => kept.push((place, resource)),
                    Err(reason) => verdicts.drop(place, reason),
                }
            }
            left = kept;
        }
        Ok(verdicts.0)
    }

    /// [`Moment::part_allows`] of many resources, for those whose grants are to
    /// be looked at in one go.
    fn part_allows_each(
        &self,
        view: &View<'_>,
        part: Part<'_>,
        action: &str,
        left: &[(usize, &str)],
    ) -> Result<Vec<Result<(), Reason>>, Denial> {
        let settled = left
            .iter()
            .map(|(_, resource)| self.settled(part, action, resource));
        let settled: Vec<Option<bool>> = settled.collect();
        let open = left.iter().zip(&settled).filter(|(_, s)| s.is_none());
        let open: Vec<&str> = open.map(|((_, resource), _)| *resource).collect();
        let held = match open.is_empty() {
            true => Vec::new(),
            false => view.may_each(part.principal, action, &open)?,
        };
        let mut held = held.into_iter();
        let lacking = lacking(part.role);
        let answer = |settled: Option<bool>| match settled.map(Ok).or_else(|| held.next()) {
            Some(Ok(true)) => Ok(()),
            Some(Ok(false)) | None => Err(lacking),
            Some(Err(dropped)) => Err(Reason::of_drop(dropped, lacking)),
        };
        Ok(settled.into_iter().map(answer).collect())
    }
}
