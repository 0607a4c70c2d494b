//! Templates: texts in which `{name}` stands for something else.

/// Fills a template. `None` where a name has no value, or a brace no partner.
pub(crate) fn fill<'v>(template: &str, value: impl Fn(&str) -> Option<&'v str>) -> Option<String> {
    let mut filled = String::with_capacity(template.len() + 32);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, behind) = after.split_once('}')?;
        if before.contains('}') {
            return None;
        }
        filled.push_str(before);
        filled.push_str(value(name)?);
        rest = behind;
    }
    if rest.contains('}') {
        return None;
    }
    filled.push_str(rest);
    Some(filled)
}

/// The names that stand in a template.
#[cfg(feature = "tokens")]
pub(crate) fn names(template: &str) -> impl Iterator<Item = &str> {
    let parts = template.split('{').skip(1);
    parts.filter_map(|part| part.split_once('}').map(|(name, _)| name))
}

/// The only value of `{name}` that makes `filled` of a template in which
/// nothing else stands for anything.
#[cfg(feature = "tokens")]
pub(crate) fn unfill<'f>(template: &str, name: &str, filled: &'f str) -> Option<&'f str> {
    let (before, after) = template.split_once(&format!("{{{name}}}"))?;
    if before.contains(['{', '}']) || after.contains(['{', '}']) {
        return None;
    }
    let value = filled.strip_prefix(before)?.strip_suffix(after)?;
    (!value.is_empty()).then_some(value)
}

/// Whether a template spells out the type of what it stands for: a value must
/// never choose whether it is a user or a group.
#[cfg(feature = "tokens")]
pub(crate) fn has_fixed_type(template: &str) -> bool {
    template
        .split_once(':')
        .is_some_and(|(type_name, _)| crate::model::identifier::type_name(type_name).is_ok())
        && template.find('{').unwrap_or(usize::MAX) > template.find(':').unwrap_or(usize::MAX)
}

#[cfg(all(test, feature = "tokens"))]
mod tests {
    use super::*;

    #[test]
    fn names_are_replaced_once() {
        let value = |name: &str| match name {
            "sub" => Some("{iss}"),
            "iss" => Some("x"),
            _ => None,
        };
        assert_eq!(fill("user:{sub}", value).as_deref(), Some("user:{iss}"));
        assert_eq!(fill("a{iss}b{iss}", value).as_deref(), Some("axbx"));
        assert_eq!(fill("plain", value).as_deref(), Some("plain"));
        for wrong in ["{none}", "{", "}", "a}{iss}", "{iss", "{{iss}}"] {
            assert_eq!(fill(wrong, value), None, "{wrong}");
        }
    }

    #[test]
    fn a_value_is_taken_out_again() {
        assert_eq!(unfill("agent:{sub}", "sub", "agent:a"), Some("a"));
        assert_eq!(unfill("agent:x-{sub}-y", "sub", "agent:x-a-y"), Some("a"));
        for (template, filled) in [
            ("agent:{sub}", "user:a"),
            ("agent:{sub}", "agent:"),
            ("agent:{sub}{iss}", "agent:ab"),
            ("agent:{sub}{sub}", "agent:aa"),
            ("agent:{id}", "agent:a"),
            ("agent:x{sub}x", "agent:x"),
        ] {
            assert_eq!(unfill(template, "sub", filled), None, "{template}");
        }
        assert_eq!(names("a:{b}-{c}").collect::<Vec<_>>(), ["b", "c"]);
    }

    #[test]
    fn a_type_is_spelled_out() {
        assert!(has_fixed_type("user:{sub}"));
        assert!(has_fixed_type("user:x"));
        for wrong in ["{sub}", "{type}:{sub}", "us{x}er:{sub}", ":{sub}", "user"] {
            assert!(!has_fixed_type(wrong), "{wrong}");
        }
    }
}
