//! Times for people: a date in UTC, and how far away it is.

use deputize::time::UnixSeconds;

/// The last second of the year 9999.
const LAST: u64 = 253_402_300_799;
const DAY: u64 = 86_400;

/// `2025-11-21 11:40:00 UTC`.
pub(crate) fn date(at: UnixSeconds) -> String {
    if at.0 > LAST {
        return "after the year 9999".to_owned();
    }
    let (year, month, day) = civil(at.0 / DAY);
    let second = at.0 % DAY;
    format!(
        "{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02} UTC",
        second / 3_600,
        second / 60 % 60,
        second % 60
    )
}

/// `in 4 min 59 s`, `2 days 3 h ago`, `now`.
pub(crate) fn distance(at: UnixSeconds, now: UnixSeconds) -> String {
    match at.0.abs_diff(now.0) {
        0 => "now".to_owned(),
        seconds if at > now => format!("in {}", span(seconds)),
        seconds => format!("{} ago", span(seconds)),
    }
}

/// A date and its distance.
pub(crate) fn both(at: UnixSeconds, now: UnixSeconds) -> String {
    format!("{} ({})", date(at), distance(at, now))
}

/// Seconds in the two largest units that say something.
fn span(seconds: u64) -> String {
    let days = match seconds / DAY {
        1 => "1 day".to_owned(),
        days => format!("{days} days"),
    };
    let (hours, minutes) = (seconds % DAY / 3_600, seconds / 60 % 60);
    let parts = match seconds {
        0..60 => [format!("{seconds} s"), String::new()],
        60..3_600 => [format!("{minutes} min"), nonzero(seconds % 60, "s")],
        3_600..DAY => [format!("{hours} h"), nonzero(minutes, "min")],
        _ => [days, nonzero(hours, "h")],
    };
    parts.join(" ").trim_end().to_owned()
}

fn nonzero(count: u64, unit: &str) -> String {
    match count {
        0 => String::new(),
        count => format!("{count} {unit}"),
    }
}

/// The year, month and day of a day since 1970, by the proleptic Gregorian
/// calendar: whole eras of 400 years, counted from a first of March, so that
/// the leap day is a year's last.
fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, day) = (shifted / 146_097, shifted % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * year + year / 4 - year / 100);
    let march_based = (5 * of_year + 2) / 153;
    let month = if march_based < 10 {
        march_based + 3
    } else {
        march_based - 9
    };
    let year = year + era * 400 + u64::from(month <= 2);
    (year, month, of_year - (153 * march_based + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_the_calendars() {
        for (at, expected) in [
            (0, "1970-01-01 00:00:00 UTC"),
            (951_782_399, "2000-02-28 23:59:59 UTC"),
            (951_782_400, "2000-02-29 00:00:00 UTC"),
            (951_868_800, "2000-03-01 00:00:00 UTC"),
            (1_763_725_200, "2025-11-21 11:40:00 UTC"),
            (4_107_542_400, "2100-03-01 00:00:00 UTC"),
            (LAST, "9999-12-31 23:59:59 UTC"),
            (LAST + 1, "after the year 9999"),
            (u64::MAX, "after the year 9999"),
        ] {
            assert_eq!(date(UnixSeconds(at)), expected);
        }
    }

    #[test]
    fn distances_have_two_units_at_most() {
        let now = UnixSeconds(1_000_000);
        for (at, expected) in [
            (1_000_000, "now"),
            (1_000_299, "in 4 min 59 s"),
            (1_000_300, "in 5 min"),
            (999_999, "1 s ago"),
            (1_003_600, "in 1 h"),
            (1_090_060, "in 1 day 1 h"),
            (1_000_000 - 3 * DAY, "3 days ago"),
        ] {
            assert_eq!(distance(UnixSeconds(at), now), expected);
        }
    }
}
