//! `timestamp` and `duration`: parsing, printing, arithmetic, calendar.
//!
//! Times are proleptic Gregorian and in UTC, without leap seconds.

use std::fmt;

const SECOND: i64 = 1_000_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;

/// A span of time in nanoseconds, at most 292 years either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Duration {
    /// Nanoseconds.
    pub nanos: i64,
}

/// A point in time from year 1 to year 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp {
    seconds: i64,
    nanos: u32,
}

/// A point in time, taken apart. Months, days of the month and of the year
/// count from 0, days of the week from 0 for Sunday.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Civil {
    pub(super) year: i64,
    pub(super) month: i64,
    pub(super) day: i64,
    pub(super) week_day: i64,
    pub(super) year_day: i64,
    pub(super) hour: i64,
    pub(super) minute: i64,
    pub(super) second: i64,
    pub(super) milli: i64,
}

impl Duration {
    /// Reads Go's notation: `1h30m`, `-1.5s`, `300ms`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, mut rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        if rest == "0" {
            return Some(Self { nanos: 0 });
        }
        if rest.is_empty() {
            return None;
        }
        let mut total = 0_u64;
        while !rest.is_empty() {
            let (whole, after) = digits(rest);
            let (fraction, after) = match after.strip_prefix('.') {
                Some(after) => digits(after),
                None => ("", after),
            };
            if whole.is_empty() && fraction.is_empty() {
                return None;
            }
            let letters = after.find(|c: char| c == '.' || c.is_ascii_digit());
            let (unit, after) = after.split_at_checked(letters.unwrap_or(after.len()))?;
            let unit: u64 = match unit {
                "ns" => 1,
                // The two code points for micro look the same.
                "us" | "\u{b5}s" | "\u{3bc}s" => 1_000,
                "ms" => 1_000_000,
                "s" => 1_000_000_000,
                "m" => 60_000_000_000,
                "h" => 3_600_000_000_000,
                _ => return None,
            };
            let whole: u64 = if whole.is_empty() {
                0
            } else {
                whole.parse().ok()?
            };
            total = total.checked_add(whole.checked_mul(unit)?)?;
            total = total.checked_add(scale_fraction(fraction, unit))?;
            rest = after;
        }
        let nanos = if negative {
            0_i64.checked_sub_unsigned(total)?
        } else {
            i64::try_from(total).ok()?
        };
        Some(Self { nanos })
    }

    pub(super) fn checked_add(self, other: Self) -> Option<Self> {
        let nanos = self.nanos.checked_add(other.nanos)?;
        Some(Self { nanos })
    }

    pub(super) fn checked_sub(self, other: Self) -> Option<Self> {
        let nanos = self.nanos.checked_sub(other.nanos)?;
        Some(Self { nanos })
    }

    pub(super) fn hours(self) -> i64 {
        self.nanos / HOUR
    }

    pub(super) fn minutes(self) -> i64 {
        self.nanos / MINUTE
    }

    pub(super) fn seconds(self) -> i64 {
        self.nanos / SECOND
    }

    pub(super) fn milliseconds(self) -> i64 {
        self.nanos / 1_000_000
    }
}

/// `1.5s`, always in seconds.
impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let magnitude = self.nanos.unsigned_abs();
        let sign = if self.nanos < 0 { "-" } else { "" };
        let (whole, fraction) = (magnitude / 1_000_000_000, magnitude % 1_000_000_000);
        write!(f, "{sign}{whole}{}s", Fraction(fraction))
    }
}

impl Timestamp {
    const MIN: i64 = -62_135_596_800;
    const MAX: i64 = 253_402_300_799;

    /// From seconds and nanoseconds since the Unix epoch; `None` outside
    /// years 1 to 9999.
    #[must_use]
    pub fn new(seconds: i64, nanos: u32) -> Option<Self> {
        let fits = (Self::MIN..=Self::MAX).contains(&seconds) && nanos < 1_000_000_000;
        fits.then_some(Self { seconds, nanos })
    }

    /// Reads RFC 3339: `2009-02-13T23:31:30.5+01:00`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut scan = Scan { rest: text };
        let year = scan.number(4)?;
        scan.literal("-")?;
        let month = scan.number(2)?;
        scan.literal("-")?;
        let day = scan.number(2)?;
        scan.literal("T")?;
        let hour = scan.number(2)?;
        scan.literal(":")?;
        let minute = scan.number(2)?;
        scan.literal(":")?;
        let second = scan.number(2)?;
        let mut nanos = 0;
        if let Some(after) = scan.rest.strip_prefix('.') {
            let (fraction, after) = digits(after);
            if fraction.is_empty() {
                return None;
            }
            nanos = u32::try_from(scale_fraction(fraction, 1_000_000_000)).ok()?;
            scan.rest = after;
        }
        let offset = if scan.rest == "Z" {
            0
        } else {
            let sign = match scan.rest.as_bytes().first()? {
                b'+' => 1,
                b'-' => -1,
                _ => return None,
            };
            scan.rest = scan.rest.get(1..)?;
            let hours = scan.number(2)?;
            scan.literal(":")?;
            let minutes = scan.number(2)?;
            if hours > 23 || minutes > 59 || !scan.rest.is_empty() {
                return None;
            }
            sign * (hours * 3600 + minutes * 60)
        };
        let plausible = (1..=12).contains(&month)
            && (1..=days_in_month(year, month)).contains(&day)
            && hour < 24
            && minute < 60
            && second < 60;
        if !plausible {
            return None;
        }
        let days = days_from_civil(year, month, day);
        let seconds = days * 86_400 + hour * 3600 + minute * 60 + second - offset;
        Self::new(seconds, nanos)
    }

    /// Whole seconds since the Unix epoch.
    #[must_use]
    pub fn seconds(self) -> i64 {
        self.seconds
    }

    fn total(self) -> i128 {
        i128::from(self.seconds) * i128::from(SECOND) + i128::from(self.nanos)
    }

    pub(super) fn checked_add(self, duration: Duration) -> Option<Self> {
        Self::from_total(self.total() + i128::from(duration.nanos))
    }

    pub(super) fn checked_sub(self, duration: Duration) -> Option<Self> {
        Self::from_total(self.total() - i128::from(duration.nanos))
    }

    pub(super) fn since(self, earlier: Self) -> Option<Duration> {
        let nanos = i64::try_from(self.total() - earlier.total()).ok()?;
        Some(Duration { nanos })
    }

    fn from_total(total: i128) -> Option<Self> {
        let second = i128::from(SECOND);
        let seconds = i64::try_from(total.div_euclid(second)).ok()?;
        let nanos = u32::try_from(total.rem_euclid(second)).ok()?;
        Self::new(seconds, nanos)
    }

    /// The calendar at an offset from UTC in seconds.
    pub(super) fn civil(self, offset: i64) -> Civil {
        let local = self.seconds + offset;
        let (days, time) = (local.div_euclid(86_400), local.rem_euclid(86_400));
        let (year, month, day) = civil_from_days(days);
        Civil {
            year,
            month: month - 1,
            day: day - 1,
            // 1970-01-01 was a Thursday.
            week_day: (days + 4).rem_euclid(7),
            year_day: days - days_from_civil(year, 1, 1),
            hour: time / 3600,
            minute: time / 60 % 60,
            second: time % 60,
            milli: i64::from(self.nanos / 1_000_000),
        }
    }
}

/// RFC 3339 in UTC, with as many decimals as there are.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let c = self.civil(0);
        write!(
            f,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{}Z",
            c.year,
            c.month + 1,
            c.day + 1,
            c.hour,
            c.minute,
            c.second,
            Fraction(u64::from(self.nanos))
        )
    }
}

/// The offset of a time zone from UTC in seconds: `UTC`, its synonyms, or
/// `[+-]hh:mm`. Names such as `Europe/Zurich` need a database that changes
/// several times a year, which the core does not carry: two builds of it
/// would decide differently.
pub(super) fn zone_offset(zone: &str) -> Option<i64> {
    if matches!(zone, "" | "UTC" | "GMT" | "Etc/UTC" | "Etc/GMT") {
        return Some(0);
    }
    let (sign, rest) = match zone.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, zone.strip_prefix('+').unwrap_or(zone)),
    };
    let mut scan = Scan { rest };
    let hours = scan.number(2)?;
    scan.literal(":")?;
    let minutes = scan.number(2)?;
    let valid = hours < 24 && minutes < 60 && scan.rest.is_empty();
    valid.then_some(sign * (hours * 3600 + minutes * 60))
}

/// Nanoseconds as a decimal fraction, without trailing zeros.
struct Fraction(u64);

impl fmt::Display for Fraction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return Ok(());
        }
        let digits = format!("{:09}", self.0);
        write!(f, ".{}", digits.trim_end_matches('0'))
    }
}

struct Scan<'a> {
    rest: &'a str,
}

impl Scan<'_> {
    /// Exactly `width` digits.
    fn number(&mut self, width: usize) -> Option<i64> {
        let (head, rest) = self.rest.split_at_checked(width)?;
        if !head.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        self.rest = rest;
        head.parse().ok()
    }

    fn literal(&mut self, text: &str) -> Option<()> {
        self.rest = self.rest.strip_prefix(text)?;
        Some(())
    }
}

fn digits(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit());
    text.split_at_checked(end.unwrap_or(text.len()))
        .unwrap_or(("", text))
}

/// `0.<digits>` of a unit, cut off after the nanosecond.
fn scale_fraction(digits: &str, unit: u64) -> u64 {
    let (mut value, mut scale) = (0_u128, 1_u128);
    // More than 18 digits cannot change a nanosecond of an hour.
    for digit in digits.bytes().take(18) {
        value = value * 10 + u128::from(digit - b'0');
        scale *= 10;
    }
    u64::try_from(value * u128::from(unit) / scale).unwrap_or(0)
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01, by counting years from March so that the leap day
/// comes last.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let shifted = (month + 9) % 12;
    let day_of_year = (153 * shifted + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}
