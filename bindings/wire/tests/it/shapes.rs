//! The shapes at the border: strict options, one form of errors, canonical
//! answers.

use deputize::Policy;
use deputize_wire::{self as wire, Kind, Time};
use serde_json::{Value, json};

const NOW: u64 = 1_763_719_200;
const TIME: Time = Time {
    now: NOW,
    given: false,
};

fn policy() -> Policy {
    let document = json!({
        "deputize": 1,
        "revision": "7",
        "model": "model\n  schema 1.1\ntype user\ntype group\n  relations\n    define member: [user]\ntype document\n  relations\n    define blocked: [user]\n    define viewer: [user, group#member, user with at_night]\n    define reader: viewer but not blocked\ncondition at_night(hour: int) {\n  hour > 20\n}",
        "tuples": [
            {"user": "user:anne", "relation": "viewer", "object": "document:1"},
            {"user": "user:bob", "relation": "viewer", "object": "document:1",
             "condition": {"name": "at_night"}},
            {"user": "user:bob", "relation": "member", "object": "group:acme", "tenant": "acme"},
            {"user": "group:acme#member", "relation": "viewer", "object": "document:2"},
        ],
    });
    wire::from_json(document.to_string().as_bytes()).unwrap()
}

fn read(answer: &str) -> Value {
    serde_json::from_str(answer).unwrap()
}

#[test]
fn options_change_the_question() {
    let policy = policy();
    let ask = |user, object, options: &str| wire::check(&policy, user, "viewer", object, options);
    assert!(ask("user:anne", "document:1", "").unwrap());
    assert!(ask("user:anne", "document:1", "{}").unwrap());
    assert!(ask("user:bob", "document:1", r#"{"context": {"hour": 22}}"#).unwrap());
    assert!(!ask("user:bob", "document:1", r#"{"context": {"hour": 2}}"#).unwrap());
    assert!(!ask("user:bob", "document:2", "").unwrap());
    assert!(ask("user:bob", "document:2", r#"{"tenant": "acme"}"#).unwrap());
    let tuple = r#"{"contextual_tuples": [{"user": "user:zoe", "relation": "viewer", "object": "document:9"}]}"#;
    assert!(ask("user:zoe", "document:9", tuple).unwrap());
    let error = ask(
        "user:bob",
        "document:2",
        r#"{"limits": {"steps": 1}, "tenant": "acme"}"#,
    )
    .unwrap_err();
    assert_eq!((error.kind, error.code), (Kind::Input, "budget.exhausted"));
}

#[test]
fn misuse_is_told_with_its_place() {
    let policy = policy();
    let cases = [
        (r#"{"tenat": "acme"}"#, "/tenat"),
        (r#"{"tenant": 1}"#, "/tenant"),
        (r#"{"limits": {"steps": -1}}"#, "/limits/steps"),
        (
            r#"{"contextual_tuples": [{"user": "user:a"}]}"#,
            "/contextual_tuples/0",
        ),
        (r#"{"context": []}"#, "/context"),
        // What a language makes two members of one name of, and who keeps which.
        (r#"{"context": {"a": {"b": 1, "b": 2}}}"#, "/context/a/b"),
        (
            r#"{"contextual_tuples": [{"user": "user:a", "relation": "viewer", "object": "document:1",
                "condition": {"name": "c", "context": {"a": 1, "a": 2}}}]}"#,
            "/contextual_tuples/0/condition/context/a",
        ),
    ];
    for (options, pointer) in cases {
        let error = wire::check(&policy, "user:a", "viewer", "document:1", options).unwrap_err();
        assert_eq!(
            (error.kind, error.code),
            (Kind::Misuse, "call.options"),
            "{options}"
        );
        assert_eq!(error.pointer.as_deref(), Some(pointer), "{options}");
        assert!(!error.message.contains("line"), "{}", error.message);
    }
    for broken in ["{", "[]", "[[]]", "null", "{} {}", "\"\""] {
        let error = wire::check(&policy, "user:a", "viewer", "document:1", broken).unwrap_err();
        assert_eq!(error.code, "call.options", "{broken}");
    }
}

#[test]
fn an_error_is_one_shape() {
    let refused = wire::from_json(br#"{"deputize": 1, "tuples": [{"user": 1}]}"#).unwrap_err();
    let said = read(&refused.to_json());
    assert_eq!(said["kind"], "input");
    assert_eq!(said["code"], "snapshot.shape");
    assert_eq!(said["pointer"], "/tuples/0/user");
    assert_eq!(said["line"], 1);
    let model = br#"{"deputize": 1, "model": "model\n  schema 1.1\ntype user\n  relations\n    define a: b"}"#;
    let said = read(&wire::from_json(model).unwrap_err().to_json());
    assert_eq!(
        (&said["pointer"], &said["line"]),
        (&json!("/model"), &json!(5))
    );
    let compiled = wire::from_compiled(b"DEPUTIZE").unwrap_err();
    assert_eq!((compiled.kind, compiled.pointer), (Kind::Input, None));
    let denied =
        wire::caller(&policy(), r#"["user:anne", "user:bob"]"#, &at(""), false).unwrap_err();
    assert_eq!(
        read(&denied.to_json()),
        json!({"kind": "denied", "code": "chain.no_delegation", "message": denied.message})
    );
}

#[test]
fn answers_are_canonical() {
    let policy = policy();
    let answers = [
        wire::describe_policy(&policy),
        wire::warnings(&policy),
        wire::batch_check(
            &policy,
            r#"[{"user": "user:anne", "relation": "reader", "object": "document:1"}, {"user": "user:bob", "relation": "reader", "object": "document:1"}]"#,
            "",
        )
        .unwrap(),
        wire::list_objects(&policy, "user:anne", "reader", "document", "").unwrap(),
        wire::list_users(&policy, "document:2", "viewer", "group#member", "").unwrap(),
        wire::expand(&policy, "reader", "document:1", "").unwrap(),
        wire::explain(&policy, "user:anne", "reader", "document:1", "").unwrap(),
        wire::inspect("no token", "").unwrap(),
    ];
    for answer in &answers {
        assert_eq!(deputize::canonical::to_text(&read(answer)), *answer);
    }
    assert_eq!(
        answers[0],
        r#"{"issued_at":null,"not_after":null,"revision":"7","tuples":4}"#
    );
    assert_eq!(read(&answers[2])[0], json!({"allowed": true}));
    assert_eq!(
        read(&answers[2])[1]["error"]["code"],
        "condition.missing_context"
    );
    assert_eq!(answers[3], r#"["document:1"]"#);
    assert_eq!(wire::digest(&policy).len(), 64);
}

#[test]
fn a_filter_is_a_mask_and_a_summary() {
    let policy = policy();
    let objects = ["document:1", "document:2", "nobody knows", "document:1"];
    let found = wire::filter(&policy, "user:anne", "viewer", &objects, "").unwrap();
    assert_eq!(found.mask, [1, 0, 0, 1]);
    assert_eq!(
        found.summary(),
        r#"{"allowed":2,"dropped":{"not_allowed":1,"resource.malformed":1}}"#
    );
    let caller = wire::caller(&policy, r#"["user:anne"]"#, &at(""), false).unwrap();
    let same = wire::caller_filter(&caller, TIME, "viewer", &objects[..2]).unwrap();
    assert_eq!(same.mask, [1, 0]);
    assert_eq!(
        same.summary(),
        r#"{"allowed":1,"dropped":{"subject.no_grant":1}}"#
    );
}

/// By the host's clock a kept caller grows old; one that was given its time is
/// asked nothing without one.
#[test]
fn a_kept_caller_goes_by_a_clock() {
    let policy = policy();
    let made = |given| wire::caller(&policy, r#"["user:anne"]"#, &at(""), given).unwrap();
    let can = |caller: &wire::Caller, time| {
        let asked = wire::caller_can(caller, time, "viewer", "document:1", "");
        asked.map_err(|error| error.code)
    };
    let last = NOW + wire::MAX_AGE - 1;
    let host = made(false);
    assert_eq!(read(&wire::describe(&host))["fresh_until"], last + 1);
    assert_eq!(can(&host, Time::of_host(last)), Ok(true));
    assert_eq!(can(&host, Time::given(last)), Ok(true));
    for time in [Time::of_host(last + 1), Time::given(last + 1)] {
        assert_eq!(can(&host, time), Ok(false));
        let checked = wire::caller_check(&host, time, "viewer", "document:1", "");
        assert_eq!(read(&checked.unwrap())["reason"], "caller.expired");
        let none = wire::caller_filter(&host, time, "viewer", &["document:1"]);
        assert_eq!(none.unwrap_err().code, "caller.expired");
        assert_eq!(host.at(time).unwrap_err().code, "caller.expired");
    }
    // The host's clock goes on, and a time that was given stands.
    let later = host.at(Time::of_host(last)).unwrap();
    assert_eq!(can(&later, Time::of_host(last + 1)), Ok(false));
    let then = host.at(Time::given(last)).unwrap();
    assert_eq!(then.time().0, last);
    assert_eq!(can(&then, Time::of_host(last + 1)), Ok(true));
    assert_eq!(can(&then, Time::given(last + 1)), Ok(false));
    // One that was given its time.
    let given = made(true);
    assert_eq!(can(&given, Time::of_host(NOW)), Err("call.now"));
    assert_eq!(can(&given, Time::given(NOW)), Ok(true));
    assert_eq!(can(&given, Time::given(last + 1)), Ok(false));
    let question = ["check", "decide", "can"];
    for method in question {
        let arguments = r#"["viewer", "document:1", ""]"#;
        let asked = wire::ask_caller(&given, Time::of_host(NOW), method, arguments);
        assert_eq!(asked.unwrap_err().code, "call.now", "{method}");
    }
    for method in ["list", "terms"] {
        let arguments = r#"["viewer", "document"]"#;
        let asked = wire::ask_caller(&given, Time::of_host(NOW), method, arguments);
        assert_eq!(asked.unwrap_err().code, "call.now", "{method}");
    }
    let then = given.at(Time::of_host(NOW)).unwrap();
    assert_eq!(can(&then, Time::of_host(NOW)), Ok(true));
    let with = wire::with_tuples(&given, "[]").unwrap();
    assert_eq!(can(&with, Time::of_host(NOW)), Err("call.now"));
}

fn at(more: &str) -> String {
    format!(r#"{{"now": {NOW}{more}}}"#)
}

#[test]
fn a_caller_answers() {
    let policy = policy();
    let caller = wire::caller(
        &policy,
        r#"["user:bob"]"#,
        &at(r#", "tenant": "acme""#),
        false,
    )
    .unwrap();
    assert!(wire::caller_can(&caller, TIME, "viewer", "document:2", "").unwrap());
    assert!(!wire::caller_can(&caller, TIME, "viewer", "document:1", "").unwrap());
    assert!(wire::caller_can(&caller, TIME, "viewer", "document:1", r#"{"hour": 21}"#).unwrap());
    let misuse = wire::caller_can(&caller, TIME, "viewer", "document:1", "[]").unwrap_err();
    assert_eq!((misuse.kind, misuse.code), (Kind::Misuse, "call.context"));
    let checked = read(&wire::caller_check(&caller, TIME, "viewer", "document:3", "").unwrap());
    assert_eq!(checked["reason"], "subject.no_grant");
    let own = r#"[{"user": "user:bob", "relation": "viewer", "object": "document:3"}]"#;
    let with = wire::with_tuples(&caller, own).unwrap();
    assert!(wire::caller_can(&with, TIME, "viewer", "document:3", "").unwrap());
    let misuse = wire::with_tuples(&caller, "{}").unwrap_err();
    assert_eq!(
        (misuse.kind, misuse.code),
        (Kind::Misuse, "call.contextual_tuples")
    );
    let refused = wire::with_tuples(&caller, &own.replace("user:bob", "bob")).unwrap_err();
    assert_eq!(
        (refused.kind, refused.code),
        (Kind::Denied, "request.contextual_tuple")
    );
    let decided = read(&wire::caller_decide(&caller, TIME, "viewer", "document:2", "").unwrap());
    assert_eq!(decided["record"]["tenant"], "acme");
    let again = read(&wire::replay(&policy, &decided["record"].to_string(), "").unwrap());
    assert_eq!(again["record"], decided["record"]);
    let described = read(&wire::describe(&caller));
    assert_eq!(described["chain"], json!([{"principal": "user:bob"}]));
    assert_eq!(described["time"], NOW);
    assert_eq!(
        wire::caller_list(&caller, TIME, "viewer", "document")
            .unwrap_err()
            .code,
        "condition.missing_context"
    );
}

#[test]
fn a_vouched_chain_decides_without_a_token() {
    let policy = policy();
    let question = r#"{"action": "viewer", "resource": "document:1"}"#;
    let chain = r#"{"chain": ["user:anne"]}"#;
    let decided = read(&wire::decide(&policy, chain, question, &at("")).unwrap());
    assert_eq!(decided["allowed"], true);
    let error = wire::decide(&policy, chain, question, &at(r#", "audience": "a""#)).unwrap_err();
    assert_eq!((error.kind, error.code), (Kind::Misuse, "call.options"));
    let token = r#"{"token": "no token"}"#;
    let refused = read(&wire::decide(&policy, token, question, &at("")).unwrap());
    assert_eq!(refused["reason"], "token.malformed");
    let both = r#"{"token": "t", "chain": []}"#;
    assert_eq!(
        wire::decide(&policy, both, question, &at(""))
            .unwrap_err()
            .code,
        "call.asking"
    );
    assert_eq!(
        wire::decide(&policy, token, "{}", &at(""))
            .unwrap_err()
            .code,
        "call.question"
    );
    assert_eq!(
        wire::decide(&policy, token, question, "").unwrap_err().code,
        "call.options",
        "there is no clock here"
    );
}
