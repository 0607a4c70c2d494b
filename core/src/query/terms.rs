//! Terms: the names under which a caller may stand in an access list that is
//! stored beside a chunk.

use std::collections::BTreeSet;

use crate::order;
use crate::policy::{AllowedKind, RelationId};

use super::error::QueryError;
use super::view::View;

impl View<'_> {
    /// The principal, `type:*` of its type, and every userset that it is in
    /// and that `relation` on an object of the type may come from, whether a
    /// tuple gives to it or the model reads it from another object (for
    /// `viewer from parent`, each `folder:…#viewer`); sorted. It may be too
    /// much, never too little.
    ///
    /// # Errors
    /// As [`View::list_objects`]: a list that may lack something is none.
    pub fn terms(
        &self,
        principal: &str,
        relation: &str,
        object_type: &str,
    ) -> Result<Vec<String>, QueryError> {
        let _call = self.begin_call();
        let type_id = self.type_named(object_type)?;
        let relation = self.relation_named(type_id, relation)?;
        self.asked(principal, "")?;
        let plan = &self.policy.plan;
        let leads = plan.leads_to(relation);
        let mut usersets = BTreeSet::new();
        let leading = |id: RelationId| leads.get(id as usize) == Some(&true);
        for (type_id, of) in (0..).zip(&plan.types) {
            for id in of.relations.clone().filter(|id| leading(*id)) {
                let Some(giving) = plan.relation_plan(id) else {
                    continue;
                };
                for allowed in &giving.assignable {
                    if let AllowedKind::Userset(own) = allowed.kind {
                        usersets.insert((allowed.type_id, own));
                    }
                }
                if giving.up_parents.iter().any(|(_, up)| leading(*up)) {
                    usersets.insert((type_id, id));
                }
            }
        }
        let mut terms = order::set([principal.to_owned()]);
        if let Some((own, _)) = principal.split_once(':') {
            terms.insert(format!("{own}:*"));
        }
        for (own, relation) in usersets {
            let Some(own) = plan.types.get(own as usize) else {
                continue;
            };
            let name = plan.relation_name(relation);
            for object in self.list_objects(principal, name, &own.name)? {
                terms.insert(format!("{object}#{name}"));
            }
        }
        Ok(terms.into_iter().collect())
    }
}
