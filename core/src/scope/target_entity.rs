/// A scope `target-entity:<id>[:<permission>,…]`, as FusionAuth writes them.
///
/// It is split on the first two colons only: permission names contain colons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetEntity<'a> {
    /// The entity's id.
    pub id: &'a str,
    /// The permissions named; empty means all that are granted.
    pub permissions: Vec<&'a str>,
}

impl<'a> TargetEntity<'a> {
    /// What every scope of this kind starts with.
    pub const PREFIX: &'static str = "target-entity:";

    /// What stands for the id in an alias's target.
    pub const PLACEHOLDER: &'static str = "<id>";

    /// Reads one scope token; nothing where it is not of this form, or has an
    /// empty id or an empty permission.
    #[must_use]
    pub fn parse(scope: &'a str) -> Option<TargetEntity<'a>> {
        let rest = scope.strip_prefix(Self::PREFIX)?;
        let (id, permissions) = match rest.split_once(':') {
            Some((id, names)) => (id, names.split(',').collect()),
            None => (rest, Vec::new()),
        };
        if id.is_empty() || permissions.iter().any(|name: &&str| name.is_empty()) {
            return None;
        }
        Some(TargetEntity { id, permissions })
    }
}
