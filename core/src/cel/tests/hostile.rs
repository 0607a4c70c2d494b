//! Input that means harm: nothing here may panic, hang or overflow the stack.

use super::*;

/// xorshift64*, so that a failure comes back with its seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let roll = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(roll).unwrap() % sides
    }
}

const STEPS: u64 = 3_000;

fn variables() -> (Vec<(&'static str, Type)>, Vec<Option<Value>>) {
    let list = Value::list((0..5).map(Value::Int).collect());
    let map = Value::string_map([("a", list.clone()), ("b", Value::Null)]).unwrap();
    let time = Timestamp::new(1_700_000_000, 5).unwrap();
    let address = IpAddress::parse("10.1.2.3").unwrap();
    let bound = [
        ("i", Type::Int, Value::Int(i64::MIN)),
        ("u", Type::Uint, Value::Uint(u64::MAX)),
        ("d", Type::Double, Value::Double(f64::NAN)),
        ("s", Type::String, Value::string("héllo")),
        ("y", Type::Bytes, Value::Bytes(vec![0xFF].into())),
        ("l", Type::list(Type::Int), list),
        ("m", Type::string_map(Type::Dyn), map),
        ("t", Type::Timestamp, Value::Timestamp(time)),
        (
            "p",
            Type::Duration,
            Value::Duration(Duration { nanos: i64::MIN }),
        ),
        ("ip", Type::IpAddress, Value::IpAddress(address)),
        ("any", Type::Dyn, Value::Double(1.5)),
    ];
    let declared = bound.iter().map(|(n, ty, _)| (*n, ty.clone())).collect();
    let values = bound.into_iter().map(|(_, _, v)| Some(v)).collect();
    (declared, values)
}

/// Compiles and evaluates in every mode; returns how many modes compiled.
fn try_all(source: &str) -> usize {
    let (declared, values) = variables();
    let mut compiled = 0;
    for (checked, fold) in [(true, true), (true, false), (false, false)] {
        let environment = Environment {
            variables: &declared,
            checked,
            fold,
        };
        let Ok((program, _)) = compile(source, &environment) else {
            continue;
        };
        compiled += 1;
        let limits = Limits {
            cost: None,
            steps: STEPS,
        };
        let first = program.evaluate(values.as_slice(), limits);
        let second = program.evaluate(values.as_slice(), limits);
        assert!(first.steps <= STEPS);
        assert_eq!((first.cost, first.steps), (second.cost, second.steps));
        assert_eq!(first.result.is_ok(), second.result.is_ok());
    }
    compiled
}

#[test]
fn random_bytes_do_no_harm() {
    let mut dice = Dice(0x5EED_0001);
    for _ in 0..3_000 {
        let length = dice.roll(40);
        let bytes: Vec<u8> = (0..length)
            .map(|_| match dice.roll(4) {
                0 => u8::try_from(dice.roll(256)).unwrap(),
                _ => b"\"'\\rb()[]{}.,?:+-*/%!&|<>=0123456789xeul`\n _ai"[dice.roll(46)],
            })
            .collect();
        try_all(&String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn token_soup_does_no_harm() {
    const WORDS: [&str; 64] = [
        "i",
        "u",
        "d",
        "s",
        "y",
        "l",
        "m",
        "t",
        "p",
        "ip",
        "any",
        "x",
        "1",
        "-1",
        "0u",
        "1.5",
        "'a'",
        "b'a'",
        "true",
        "null",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ".",
        ",",
        ":",
        "?",
        "+",
        "-",
        "*",
        "/",
        "%",
        "!",
        "&&",
        "||",
        "==",
        "!=",
        "<",
        "<=",
        ">",
        ">=",
        "in",
        ".size()",
        ".all(x,",
        ".exists(x,",
        ".exists_one(x,",
        ".map(x,",
        ".filter(x,",
        "has(",
        "m.a",
        "int(",
        "uint(",
        "string(",
        "dyn(",
        "type(",
        "duration(",
        "timestamp(",
        ".matches(",
        ".getHours()",
        ".in_cidr('10.0.0.0/8')",
        "9223372036854775807",
    ];
    let mut dice = Dice(0x5EED_0002);
    for _ in 0..6_000 {
        let length = 1 + dice.roll(12);
        let words: Vec<&str> = (0..length).map(|_| WORDS[dice.roll(64)]).collect();
        try_all(&words.join(" "));
    }
}

/// Expressions that are well formed, so that most of them come to run.
#[test]
fn random_expressions_do_no_harm() {
    const LEAVES: [&str; 18] = [
        "i", "u", "d", "s", "y", "l", "m", "t", "p", "ip", "any", "1", "2u", "0.5", "'a'", "true",
        "null", "[]",
    ];
    const BRANCHES: [&str; 26] = [
        "(A + B)",
        "(A - B)",
        "(A * B)",
        "(A / B)",
        "(A % B)",
        "(A == B)",
        "(A < B)",
        "(A && B)",
        "(A || B)",
        "(A in B)",
        "(A ? B : A)",
        "[A, B]",
        "{A: B}",
        "A[B]",
        "(-A)",
        "(!A)",
        "A.exists(x, B)",
        "A.all(x, x == B)",
        "A.map(x, B)",
        "A.map(x, [x, B])",
        "A.filter(x, B)",
        "A.exists_one(x, B)",
        "size(A)",
        "string(A)",
        "dyn(A)",
        "int(A)",
    ];
    fn grow(dice: &mut Dice, depth: usize) -> String {
        if depth == 0 || dice.roll(5) == 0 {
            return LEAVES[dice.roll(18)].to_owned();
        }
        let (a, b) = (grow(dice, depth - 1), grow(dice, depth - 1));
        BRANCHES[dice.roll(26)].replace('A', &a).replace('B', &b)
    }
    let mut dice = Dice(0x5EED_0003);
    let (mut modes, mut total) = (0, 0);
    for _ in 0..3_000 {
        let depth = dice.roll(4);
        modes += try_all(&grow(&mut dice, depth));
        total += 3;
    }
    assert!(modes * 3 > total, "only {modes} of {total} compiled");
}

#[test]
fn depth_is_refused_before_it_hurts() {
    for (open, close) in [
        ("(", ")"),
        ("[", "]"),
        ("{1:", "}"),
        ("l[", "]"),
        ("dyn(", ")"),
    ] {
        let deep = format!("{}1{}", open.repeat(20_000), close.repeat(20_000));
        assert_eq!(try_all(&deep), 0, "{open}");
        try_all(&open.repeat(20_000));
    }
    for long in ["1 + ", "true ? 1 : ", "l.map(x, ", "x.", "1 in "] {
        assert_eq!(try_all(&format!("{}1", long.repeat(5_000))), 0, "{long}");
    }
    assert_eq!(try_all(&"l.all(x, ".repeat(90)), 0);
    // Chains of && and || are flat, and signs cancel.
    for flat in ["true && ", "false || ", "!", "any == 1 && "] {
        assert!(
            try_all(&format!("{}true", flat.repeat(4_000))) > 0,
            "{flat}"
        );
    }
    assert_eq!(try_all(&" ".repeat(MAX_SOURCE + 1)), 0);
}

/// The deepest trees that pass must run in half of the 1 MB that wasm has.
#[test]
fn the_deepest_tree_fits_a_small_stack() {
    let deep = usize::try_from(MAX_DEPTH).unwrap() - 1;
    let sources = [
        format!("1{}", " + 1".repeat(deep)),
        format!("m{}", ".a".repeat(deep)),
        format!("{}1{}", "[".repeat(90), "]".repeat(90)),
        format!("{}true{}", "l.all(x, ".repeat(90), ")".repeat(90)),
        format!("{}l{}", "[".repeat(80), "].map(x, [x])".repeat(80)),
        format!("{}1{}", "(1 + ".repeat(90), ")".repeat(90)),
        format!("{0}1{1} == {0}1{1}", "[".repeat(90), "]".repeat(90)),
    ];
    let child = std::thread::Builder::new().stack_size(512 * 1024);
    let child = child.spawn(move || sources.iter().map(|s| try_all(s)).collect::<Vec<_>>());
    let compiled = child.unwrap().join().unwrap();
    assert!(compiled.iter().all(|n| *n > 0), "{compiled:?}");
}

#[test]
fn what_grows_without_end_runs_out_of_steps() {
    let ten = "[0,1,2,3,4,5,6,7,8,9]";
    let loops = format!(
        "{}true{}",
        format!("{ten}.all(x, ").repeat(12),
        ")".repeat(12)
    );
    // Each level doubles the value; sharing keeps it small, comparing not.
    let mut shared = "[1]".to_owned();
    for _ in 0..60 {
        shared = format!("[{shared}].map(x, [x, x])");
    }
    let doubled = format!(
        "{}'0123456789abcdef'{}",
        "[".repeat(40),
        "].map(x, x + x)[0]".repeat(40)
    );
    let patterns = format!("'{}'.matches('{}')", "a".repeat(20_000), "(a?){900}b");
    let sources = [loops, format!("{shared} == {shared}"), doubled, patterns];
    for source in sources {
        let environment = Environment {
            variables: &[],
            checked: true,
            fold: false,
        };
        match compile(&source, &environment) {
            Ok((program, _)) => {
                let evaluation = program.evaluate(&(), Limits::default());
                let stopped = match evaluation.result {
                    Err(EvalError::StepsExceeded { limit }) => limit == DEFAULT_STEPS,
                    Err(EvalError::Pattern) => true,
                    _ => false,
                };
                assert!(stopped, "{}", source.chars().take(60).collect::<String>());
                assert!(evaluation.steps <= DEFAULT_STEPS);
            }
            Err(error) => panic!("{}: {error}", source.chars().take(60).collect::<String>()),
        }
    }
}

#[test]
fn types_do_not_grow_with_every_level() {
    let mut source = "1".to_owned();
    for _ in 0..60 {
        source = format!("[{source}].map(x, {{x: x}})");
    }
    // Lists and maps are no keys, which is what keeps the type small.
    assert_eq!(try_all(&source), 1);
    let mut source = "[]".to_owned();
    for _ in 0..60 {
        source = format!("{source}.map(x, {{x: x}})");
    }
    assert!(try_all(&source) > 0);
}
