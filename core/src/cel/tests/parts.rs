//! Times, numbers and addresses on their own, and what errors say.

use super::*;

#[test]
fn durations_are_gos() {
    let nanos = |text| Duration::parse(text).map(|d| d.nanos);
    assert_eq!(nanos("1h30m"), Some(5_400_000_000_000));
    assert_eq!(nanos("-1.5s"), Some(-1_500_000_000));
    assert_eq!(nanos("+3ms2us1ns"), Some(3_002_001));
    assert_eq!(nanos("1\u{b5}s"), Some(1_000));
    assert_eq!(nanos(".5s"), Some(500_000_000));
    assert_eq!(nanos("5.s"), Some(5_000_000_000));
    assert_eq!(nanos("0"), Some(0));
    assert_eq!(nanos("0.0000000019s"), Some(1));
    assert_eq!(nanos("9223372036854775807ns"), Some(i64::MAX));
    assert_eq!(nanos("-9223372036854775808ns"), Some(i64::MIN));
    for bad in [
        "",
        "1",
        "-",
        "s",
        ".s",
        "1d",
        "1h 2m",
        "1h-2m",
        " 1s",
        "1.2.3s",
        "9223372036854775808ns",
        "2562048h",
        "1e3s",
        "--1s",
    ] {
        assert_eq!(nanos(bad), None, "{bad}");
    }
    assert_eq!(eval("string(duration('-90.5s'))").unwrap(), "-90.5s");
    assert_eq!(eval("duration('-1ns').getSeconds()").unwrap(), "0");
    assert_eq!(eval("duration('1.5s').getMilliseconds()").unwrap(), "1500");
}

#[test]
fn timestamps_are_rfc_3339() {
    let printed = |text| Timestamp::parse(text).map(|t| t.to_string());
    for same in [
        "1970-01-01T00:00:00Z",
        "2000-02-29T23:59:59.5Z",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59.999999999Z",
        "1600-03-01T12:00:00Z",
    ] {
        assert_eq!(printed(same).as_deref(), Some(same));
    }
    let zoned = printed("2023-12-31T23:30:00-01:00");
    assert_eq!(zoned.as_deref(), Some("2024-01-01T00:30:00Z"));
    for bad in [
        "",
        "2023-01-01",
        "2023-01-01T00:00:00",
        "2023-01-01 00:00:00Z",
        "2023-01-01t00:00:00Z",
        "2023-01-01T24:00:00Z",
        "2023-01-01T00:60:00Z",
        "2023-01-01T00:00:60Z",
        "2023-02-29T00:00:00Z",
        "2023-13-01T00:00:00Z",
        "2023-00-01T00:00:00Z",
        "2023-01-01T00:00:00.Z",
        "2023-01-01T00:00:00+0100",
        "2023-01-01T00:00:00+24:00",
        "0000-12-31T23:59:59Z",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        "2023-01-01T00:00:00Zx",
        "2023-1-1T00:00:00Z",
        "+023-01-01T00:00:00Z",
    ] {
        assert_eq!(printed(bad), None, "{bad}");
    }
}

/// Every day of four centuries, against a calendar that is counted.
#[test]
fn the_calendar_is_gregorian() {
    let (mut year, mut month, mut day, mut year_day) = (1800_i64, 0_i64, 0_i64, 0_i64);
    // 1800-01-01 was a Wednesday, 62,091 days before the epoch.
    let mut week_day = 3;
    for days in -62_091..84_006_i64 {
        let time = Timestamp::new(days * 86_400 + 86_399, 0).unwrap();
        let c = time.civil(0);
        assert_eq!((c.year, c.month, c.day), (year, month, day));
        assert_eq!((c.week_day, c.year_day), (week_day, year_day));
        assert_eq!((c.hour, c.minute, c.second), (23, 59, 59));
        assert_eq!(Timestamp::parse(&time.to_string()), Some(time));
        let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        let months = [
            31,
            28 + i64::from(leap),
            31,
            30,
            31,
            30,
            31,
            31,
            30,
            31,
            30,
            31,
        ];
        week_day = (week_day + 1) % 7;
        day += 1;
        year_day += 1;
        if day == months[usize::try_from(month).unwrap()] {
            day = 0;
            month += 1;
        }
        if month == 12 {
            (month, year_day) = (0, 0);
            year += 1;
        }
    }
    assert_eq!((year, month, day), (2200, 0, 0));
}

#[test]
fn zones_are_utc_or_fixed() {
    let hour = |zone: &str| {
        let source = format!("timestamp('2009-02-13T23:31:30Z').getHours({zone:?})");
        eval(&source)
    };
    assert_eq!(hour("UTC").unwrap(), "23");
    assert_eq!(hour("+01:00").unwrap(), "0");
    assert_eq!(hour("02:00").unwrap(), "1");
    assert_eq!(hour("-02:30").unwrap(), "21");
    for bad in ["Europe/Zurich", "2:00", "+25:00", "+01:60", "+01", "Local"] {
        assert_eq!(hour(bad), Err("cel.time-zone"), "{bad}");
    }
    // In a condition, a zone that cannot work is told when it is compiled.
    let environment = Environment {
        variables: &[("t", Type::Timestamp)],
        checked: true,
        fold: true,
    };
    let error = compile("t.getHours('Europe/Zurich') < 8", &environment).unwrap_err();
    assert!(
        error.to_string().contains("not a supported time zone"),
        "{error}"
    );
}

#[test]
fn doubles_print_as_gos_do() {
    for (source, printed) in [
        ("string(1.0)", "1"),
        ("string(-0.0)", "-0"),
        ("string(123456.0)", "123456"),
        ("string(1000000.0)", "1e+06"),
        ("string(1234567.5)", "1.2345675e+06"),
        ("string(0.0001)", "0.0001"),
        ("string(0.00001)", "1e-05"),
        ("string(1e100)", "1e+100"),
        ("string(0.0 / 0.0)", "NaN"),
        ("string(-1.0 / 0.0)", "-Inf"),
    ] {
        assert_eq!(eval(source).unwrap(), printed, "{source}");
    }
}

#[test]
fn networks_are_gos() {
    let inside = |address: &str, cidr: &str| IpAddress::parse(address).unwrap().in_cidr(cidr);
    assert_eq!(inside("10.1.2.3", "10.0.0.0/8"), Some(true));
    assert_eq!(inside("10.1.2.3", "10.9.9.9/8"), Some(true));
    assert_eq!(inside("11.0.0.0", "10.0.0.0/8"), Some(false));
    assert_eq!(inside("11.0.0.0", "0.0.0.0/0"), Some(true));
    assert_eq!(inside("10.0.0.1", "10.0.0.1/32"), Some(true));
    assert_eq!(inside("10.0.0.2", "10.0.0.1/32"), Some(false));
    assert_eq!(inside("2001:db8::1", "2001:db8::/32"), Some(true));
    assert_eq!(inside("2001:db9::1", "2001:db8::/32"), Some(false));
    assert_eq!(inside("2001:db9::1", "::/0"), Some(true));
    // However an IPv4 address is written, it is that address.
    assert_eq!(inside("::ffff:10.0.0.1", "10.0.0.0/8"), Some(true));
    assert_eq!(inside("::ffff:10.0.0.1", "::/0"), Some(false));
    assert_eq!(inside("10.0.0.1", "::ffff:10.0.0.0/104"), Some(true));
    assert_eq!(inside("10.0.0.1", "::ffff:0:0/96"), Some(true));
    assert_eq!(inside("10.0.0.1", "::ffff:0:0/95"), Some(false));
    assert_eq!(inside("10.0.0.1", "::/0"), Some(false));
    for bad in [
        "10.0.0.0",
        "10.0.0.0/33",
        "10.0.0.0/",
        "10.0.0.0/08",
        "10.0.0.0/+8",
        "10.0.0/8",
        "::/129",
        "",
        "/8",
        "010.0.0.0/8",
        "10.0.0.0/8 ",
        "fe80::%eth0/64",
    ] {
        assert_eq!(inside("10.0.0.1", bad), None, "{bad}");
    }
    assert!(IpAddress::parse("010.0.0.1").is_none());
}

#[test]
fn maps_find_numbers_by_value() {
    assert_eq!(eval("{1: 'a'}[dyn(1.0)]").unwrap(), "a");
    assert_eq!(eval("{1: 'a'}[dyn(1.5)]"), Err("cel.no-such-key"));
    assert_eq!(eval("{1: 'a'}[dyn(0.0 / 0.0)]"), Err("cel.no-such-key"));
    assert_eq!(
        eval("{18446744073709551615u: 'a'}[dyn(18446744073709551615u)]").unwrap(),
        "a"
    );
    assert_eq!(eval("dyn(1e300) in {1: 2}").unwrap(), "false");
    assert_eq!(eval("{1: 2, dyn(1u): 3}"), Err("cel.repeated-key"));
}

#[test]
fn macro_variables_hide_and_nest() {
    assert_eq!(
        eval("[1, 2].map(x, [10, 20].map(y, x + y)) == [[11, 21], [12, 22]]").unwrap(),
        "true"
    );
    assert_eq!(
        eval("[1, 2].map(x, [x * 10].map(x, x + 1)[0] + x) == [12, 23]").unwrap(),
        "true"
    );
    assert_eq!(
        eval("[[1], [2, 3]].exists(l, l.exists(i, v, i == 1 && v == size(l) + 1))").unwrap(),
        "true"
    );
    assert_eq!(eval("[1].map(x, .x)"), Err("cel.type"));
    assert_eq!(eval("[1].all(1, true)"), Err("cel.syntax"));
    assert_eq!(eval("[1].all(i, i, true)"), Err("cel.syntax"));
}
