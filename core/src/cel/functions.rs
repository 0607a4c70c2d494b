//! The standard environment: every function, its overloads and their prices.
//!
//! Prices are those of cel-go's runtime cost tracker, which OpenFGA limits.

use Sig::{
    A, B, Bool, Bytes, Double, Duration, Dyn, Int, IpAddress as Ip, ListA, MapAB, String as Str,
    Timestamp as Time, Type as Ty, Uint,
};

/// A function or operator. What it does is in `call`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    Not,
    Negate,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    In,
    Size,
    Contains,
    StartsWith,
    EndsWith,
    Matches,
    ToBool,
    ToBytes,
    ToDouble,
    ToDuration,
    ToDyn,
    ToInt,
    ToString,
    ToTimestamp,
    ToType,
    ToUint,
    GetDate,
    GetDayOfMonth,
    GetDayOfWeek,
    GetDayOfYear,
    GetFullYear,
    GetHours,
    GetMilliseconds,
    GetMinutes,
    GetMonth,
    GetSeconds,
    ToIpAddress,
    InCidr,
}

/// A type in a signature; `A` and `B` stand for any type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sig {
    Dyn,
    Bool,
    Int,
    Uint,
    Double,
    String,
    Bytes,
    Duration,
    Timestamp,
    IpAddress,
    Type,
    A,
    B,
    ListA,
    MapAB,
}

/// What a call costs, after cel-go's `interpreter/runtimecost.go`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Price {
    /// Nothing: cel-go computed it when it planned.
    Free,
    /// One.
    One,
    /// A tenth of the first argument's size.
    First,
    /// A tenth of the second argument's size.
    Second,
    /// A tenth of the smaller size.
    Smaller,
    /// A tenth of both sizes together.
    Sum,
    /// The size of the second argument.
    Elements,
    /// A tenth of the one size times a tenth of the other.
    Product,
    /// A tenth of the text times a quarter of the pattern.
    Pattern,
}

/// One overload: its parameters, its result, its price. A member's target is
/// its first parameter.
#[derive(Debug)]
pub(super) struct Overload {
    pub(super) member: bool,
    pub(super) params: &'static [Sig],
    pub(super) result: Sig,
    pub(super) price: Price,
}

/// A function's name, as written or as the operator.
#[derive(Debug)]
pub(super) struct Definition {
    pub(super) name: &'static str,
    pub(super) function: Function,
    pub(super) overloads: &'static [Overload],
}

const fn global(params: &'static [Sig], result: Sig) -> Overload {
    priced(params, result, Price::One)
}

const fn priced(params: &'static [Sig], result: Sig, price: Price) -> Overload {
    Overload {
        member: false,
        params,
        result,
        price,
    }
}

const fn member(params: &'static [Sig], result: Sig, price: Price) -> Overload {
    Overload {
        member: true,
        params,
        result,
        price,
    }
}

const fn define(
    name: &'static str,
    function: Function,
    overloads: &'static [Overload],
) -> Definition {
    Definition {
        name,
        function,
        overloads,
    }
}

/// The definition of a function or operator.
pub(super) fn definition(name: &str) -> Option<&'static Definition> {
    DEFINITIONS.iter().find(|d| d.name == name)
}

/// True of the functions that convert: of constants they are computed once.
pub(super) fn is_conversion(function: Function) -> bool {
    use Function as F;
    matches!(
        function,
        F::ToBool
            | F::ToBytes
            | F::ToDouble
            | F::ToDuration
            | F::ToDyn
            | F::ToInt
            | F::ToString
            | F::ToTimestamp
            | F::ToType
            | F::ToUint
    )
}

/// `<` and its like.
const ORDER: &[Overload] = &[
    global(&[Bool, Bool], Bool),
    global(&[Int, Int], Bool),
    global(&[Uint, Uint], Bool),
    global(&[Double, Double], Bool),
    priced(&[Str, Str], Bool, Price::Smaller),
    priced(&[Bytes, Bytes], Bool, Price::Smaller),
    global(&[Time, Time], Bool),
    global(&[Duration, Duration], Bool),
];

const EQUALITY: &[Overload] = &[priced(&[A, A], Bool, Price::Smaller)];

const ARITHMETIC: &[Overload] = &[
    global(&[Int, Int], Int),
    global(&[Uint, Uint], Uint),
    global(&[Double, Double], Double),
];

/// Parts of a timestamp, in UTC or in the zone given.
const TIME_PART: &[Overload] = &[
    member(&[Time], Int, Price::One),
    member(&[Time, Str], Int, Price::One),
];

const TIME_OR_DURATION_PART: &[Overload] = &[
    member(&[Time], Int, Price::One),
    member(&[Time, Str], Int, Price::One),
    member(&[Duration], Int, Price::One),
];

/// `value[index]`, which is no call.
pub(super) const INDEX: &[Overload] = &[global(&[ListA, Int], A), global(&[MapAB, A], B)];

static DEFINITIONS: &[Definition] = &[
    define("!", Function::Not, &[global(&[Bool], Bool)]),
    define(
        "-_",
        Function::Negate,
        &[global(&[Int], Int), global(&[Double], Double)],
    ),
    define(
        "+",
        Function::Add,
        &[
            global(&[Int, Int], Int),
            global(&[Uint, Uint], Uint),
            global(&[Double, Double], Double),
            priced(&[Str, Str], Str, Price::Sum),
            priced(&[Bytes, Bytes], Bytes, Price::Sum),
            global(&[ListA, ListA], ListA),
            global(&[Time, Duration], Time),
            global(&[Duration, Time], Time),
            global(&[Duration, Duration], Duration),
        ],
    ),
    define(
        "-",
        Function::Subtract,
        &[
            global(&[Int, Int], Int),
            global(&[Uint, Uint], Uint),
            global(&[Double, Double], Double),
            global(&[Time, Time], Duration),
            global(&[Time, Duration], Time),
            global(&[Duration, Duration], Duration),
        ],
    ),
    define("*", Function::Multiply, ARITHMETIC),
    define("/", Function::Divide, ARITHMETIC),
    define(
        "%",
        Function::Remainder,
        &[global(&[Int, Int], Int), global(&[Uint, Uint], Uint)],
    ),
    define("==", Function::Equal, EQUALITY),
    define("!=", Function::NotEqual, EQUALITY),
    define("<", Function::Less, ORDER),
    define("<=", Function::LessEqual, ORDER),
    define(">", Function::Greater, ORDER),
    define(">=", Function::GreaterEqual, ORDER),
    define(
        "in",
        Function::In,
        &[
            priced(&[A, ListA], Bool, Price::Elements),
            global(&[A, MapAB], Bool),
        ],
    ),
    define(
        "size",
        Function::Size,
        &[
            global(&[Str], Int),
            global(&[Bytes], Int),
            global(&[ListA], Int),
            global(&[MapAB], Int),
            member(&[Str], Int, Price::One),
            member(&[Bytes], Int, Price::One),
            member(&[ListA], Int, Price::One),
            member(&[MapAB], Int, Price::One),
        ],
    ),
    define(
        "contains",
        Function::Contains,
        &[member(&[Str, Str], Bool, Price::Product)],
    ),
    define(
        "startsWith",
        Function::StartsWith,
        &[member(&[Str, Str], Bool, Price::Second)],
    ),
    define(
        "endsWith",
        Function::EndsWith,
        &[member(&[Str, Str], Bool, Price::Second)],
    ),
    define(
        "matches",
        Function::Matches,
        &[
            priced(&[Str, Str], Bool, Price::Pattern),
            member(&[Str, Str], Bool, Price::Pattern),
        ],
    ),
    define(
        "bool",
        Function::ToBool,
        &[global(&[Bool], Bool), global(&[Str], Bool)],
    ),
    define(
        "bytes",
        Function::ToBytes,
        &[global(&[Bytes], Bytes), priced(&[Str], Bytes, Price::First)],
    ),
    define(
        "double",
        Function::ToDouble,
        &[
            global(&[Double], Double),
            global(&[Int], Double),
            global(&[Str], Double),
            global(&[Uint], Double),
        ],
    ),
    define(
        "duration",
        Function::ToDuration,
        &[global(&[Duration], Duration), global(&[Str], Duration)],
    ),
    define("dyn", Function::ToDyn, &[global(&[A], Dyn)]),
    define(
        "int",
        Function::ToInt,
        &[
            global(&[Int], Int),
            global(&[Double], Int),
            global(&[Duration], Int),
            global(&[Str], Int),
            global(&[Time], Int),
            global(&[Uint], Int),
        ],
    ),
    define(
        "string",
        Function::ToString,
        &[
            global(&[Str], Str),
            global(&[Bool], Str),
            priced(&[Bytes], Str, Price::First),
            global(&[Double], Str),
            global(&[Duration], Str),
            global(&[Int], Str),
            global(&[Time], Str),
            global(&[Uint], Str),
        ],
    ),
    define(
        "timestamp",
        Function::ToTimestamp,
        &[
            global(&[Time], Time),
            global(&[Int], Time),
            global(&[Str], Time),
        ],
    ),
    define("type", Function::ToType, &[global(&[A], Ty)]),
    define(
        "uint",
        Function::ToUint,
        &[
            global(&[Uint], Uint),
            global(&[Double], Uint),
            global(&[Int], Uint),
            global(&[Str], Uint),
        ],
    ),
    define("getDate", Function::GetDate, TIME_PART),
    define("getDayOfMonth", Function::GetDayOfMonth, TIME_PART),
    define("getDayOfWeek", Function::GetDayOfWeek, TIME_PART),
    define("getDayOfYear", Function::GetDayOfYear, TIME_PART),
    define("getFullYear", Function::GetFullYear, TIME_PART),
    define("getMonth", Function::GetMonth, TIME_PART),
    define("getHours", Function::GetHours, TIME_OR_DURATION_PART),
    define("getMinutes", Function::GetMinutes, TIME_OR_DURATION_PART),
    define("getSeconds", Function::GetSeconds, TIME_OR_DURATION_PART),
    define(
        "getMilliseconds",
        Function::GetMilliseconds,
        TIME_OR_DURATION_PART,
    ),
    define("ipaddress", Function::ToIpAddress, &[global(&[Str], Ip)]),
    define(
        "in_cidr",
        Function::InCidr,
        &[member(&[Ip, Str], Bool, Price::One)],
    ),
];
