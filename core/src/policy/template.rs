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
}
