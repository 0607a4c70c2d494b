//! Conversions between numbers and their text.

/// Truncates towards zero; `None` outside `int`, its two ends included, as in
/// cel-go.
#[expect(clippy::cast_possible_truncation, reason = "the range was checked")]
pub(super) fn double_to_int(value: f64) -> Option<i64> {
    const END: f64 = 9_223_372_036_854_775_808.0;
    (value > -END && value < END).then_some(value as i64)
}

/// Truncates towards zero; `None` outside `uint`.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the range was checked"
)]
pub(super) fn double_to_uint(value: f64) -> Option<u64> {
    const END: f64 = 18_446_744_073_709_551_616.0;
    (0.0..END).contains(&value).then_some(value as u64)
}

/// Decimal digits with an optional sign.
pub(super) fn parse_int(text: &str) -> Option<i64> {
    text.parse().ok()
}

/// Decimal digits without a sign.
pub(super) fn parse_uint(text: &str) -> Option<u64> {
    if text.starts_with('+') {
        return None;
    }
    text.parse().ok()
}

/// A double; one that does not fit is none.
pub(super) fn parse_double(text: &str) -> Option<f64> {
    let value: f64 = text.parse().ok()?;
    let says_so = text.contains(['n', 'N']);
    (value.is_finite() || says_so).then_some(value)
}

pub(super) fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// The shortest digits that read back the same, written as Go's `%g` does:
/// with an exponent below 1e-4 and from 1e6 on.
pub(super) fn format_double(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let scientific = format!("{value:e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else {
        return scientific;
    };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..6).contains(&exponent) {
        return format!("{value}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}
