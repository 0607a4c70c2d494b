//! Tenants: the one that a request is of.

use crate::decision::{Denial, Reason};
use crate::policy::Inner;

use super::inputs::Inputs;
use super::parties::quoted;

/// The request's tenant: the one that the token or the host names, else the
/// only one that all parties with tenants share.
pub(crate) fn tenant(policy: &Inner, inputs: &Inputs) -> Result<Option<String>, Denial> {
    let parties: Vec<(&str, Vec<&str>)> = inputs
        .chain
        .iter()
        .map(|p| (&*p.principal, policy.directory.tenants_of(&p.principal)))
        .collect();
    let outside = |who: &str, tenant: &str| {
        let message = format!("{} is not of the tenant {}", quoted(who), quoted(tenant));
        Denial::new(Reason::TenantMismatch, message)
    };
    if let Some(named) = &inputs.tenant {
        // Whoever named the tenant speaks for parties that the snapshot knows
        // no tenant of; what the snapshot says goes before.
        for (who, tenants) in &parties {
            if !tenants.is_empty() && !tenants.contains(&named.as_str()) {
                return Err(outside(who, named));
            }
        }
        return Ok(Some(named.clone()));
    }
    let mut listed = parties.iter().filter(|(_, tenants)| !tenants.is_empty());
    let Some((first, tenants)) = listed.next() else {
        return Ok(None);
    };
    let mut shared = tenants.clone();
    for (_, others) in listed {
        shared.retain(|tenant| others.contains(tenant));
    }
    match *shared {
        [] => {
            let message = format!("{} shares no tenant with the other parties", quoted(first));
            Err(Denial::new(Reason::TenantMismatch, message))
        }
        [only] => match parties.iter().find(|(_, tenants)| tenants.is_empty()) {
            Some((who, _)) => Err(outside(who, only)),
            None => Ok(Some(only.to_owned())),
        },
        _ => Err(Denial::new(
            Reason::TenantNeeded,
            format!(
                "the parties share several tenants ({}); the request must name one",
                shared
                    .iter()
                    .map(|t| quoted(t))
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
        )),
    }
}
