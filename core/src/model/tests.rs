use super::identifier::{self, IdentifierProblem, UserParts};
use super::manifest::{Manifest, ManifestProblem};
use super::*;

/// A model with a bit of everything.
const MODEL: &str = r#"# a comment
model
  schema 1.1
type user
type group
  relations
    define member: [user, user:*, group#member]
type folder # another
  relations
    define parent: [folder]
    define owner: [user with in_hours, group#member]
    define viewer: ([user] or owner or viewer from parent) but not blocked
    define blocked: [user]
    define a/b.c: owner and (viewer or blocked)
condition in_hours(now: timestamp, hours: list<string>, limits: map<int>) {
  now > timestamp("2024-01-01T00:00:00Z") && // comment
  "9" in hours && limits["x"] != 0x1F
}
"#;

const MODULE: &str = "module core\n\ntype user\n\nextend type org\n  relations\n    \
                      define admin: [user]\n";

/// Numbers that look random and are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        usize::try_from((self.0 >> 33) % limit.max(1) as u64).unwrap()
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }

    /// `text` with one to four changes.
    fn mutated(&mut self, text: &str) -> String {
        const PIECES: [&str; 40] = [
            " ",
            "\n",
            "\t",
            "\r\n",
            "\u{c}",
            "#",
            ":",
            "[",
            "]",
            "(",
            ")",
            "{",
            "}",
            " or ",
            " and ",
            " but not ",
            " from ",
            "type ",
            "define ",
            "relations",
            "condition ",
            "*",
            ",",
            "\"",
            "'",
            "\\",
            "@",
            " with ",
            "extend ",
            "module ",
            "model",
            "schema 1.1",
            "a.b",
            "1.2",
            "<",
            "map<",
            "é",
            "\u{0}",
            "((",
            "\"\"\"",
        ];
        let mut chars: Vec<char> = text.chars().collect();
        for _ in 0..=self.below(4) {
            let at = self.below(chars.len() + 1);
            let end = (at + self.below(8)).min(chars.len());
            match self.below(3) {
                0 => drop(chars.drain(at..end)),
                1 => drop(chars.splice(at..at, self.pick(&PIECES).chars())),
                _ => {
                    let copied = chars[at..end].to_vec();
                    let to = self.below(chars.len() + 1);
                    drop(chars.splice(to..to, copied));
                }
            }
        }
        chars.into_iter().collect()
    }

    fn name(&mut self) -> String {
        self.pick(&[
            "a", "b-c", "d_e", "type", "model", "x/y", "z.w", "relation", "list",
        ])
        .to_owned()
    }

    fn rewrite(&mut self, depth: usize, list: bool) -> Rewrite {
        let kinds = if depth > 3 { 2 } else { 5 };
        match self.below(kinds) {
            0 if list => Rewrite::This,
            0 => Rewrite::Computed(self.name()),
            1 => Rewrite::TupleToUserset {
                tupleset: self.name(),
                computed: self.name(),
            },
            2 => Rewrite::Exclusion {
                base: Box::new(self.rewrite(depth + 1, list)),
                subtract: Box::new(self.rewrite(depth + 1, false)),
            },
            kind => {
                let mut children = vec![self.rewrite(depth + 1, list)];
                for _ in 0..=self.below(3) {
                    children.push(self.rewrite(depth + 1, false));
                }
                match kind {
                    3 => Rewrite::Union(children),
                    _ => Rewrite::Intersection(children),
                }
            }
        }
    }

    fn model(&mut self) -> Model {
        let mut model = Model {
            schema: "1.1".to_owned(),
            ..Model::default()
        };
        for nth in 0..self.below(4) {
            let mut def = TypeDef {
                name: format!("t{nth}"),
                relations: Vec::new(),
                module: None,
                file: None,
            };
            for nth in 0..self.below(4) {
                let rewrite = self.rewrite(0, true);
                let mut assignable = Vec::new();
                if mentions_list(&rewrite) {
                    for _ in 0..=self.below(2) {
                        let kind = match self.below(3) {
                            0 => AssignableKind::Object,
                            1 => AssignableKind::Wildcard,
                            _ => AssignableKind::Userset(self.name()),
                        };
                        assignable.push(Assignable {
                            type_name: self.name(),
                            kind,
                            condition: (self.below(3) == 0).then(|| "c".to_owned()),
                        });
                    }
                }
                def.relations.push(RelationDef {
                    name: format!("r{nth}"),
                    rewrite,
                    assignable,
                    module: None,
                    file: None,
                });
            }
            model.types.push(def);
        }
        for nth in 0..self.below(3) {
            let inner = Box::new(ParamType::Int);
            let ty = match self.below(3) {
                0 => ParamType::Map(inner),
                1 => ParamType::List(inner),
                _ => ParamType::IpAddress,
            };
            let name = "p".to_owned();
            model.conditions.push(ConditionDef {
                name: format!("c{nth}"),
                params: vec![ParamDef { name, ty }],
                expression: self.pick(&["true", "p == p", "\"}\" != 'x'"]).to_owned(),
                module: None,
                file: None,
            });
        }
        model
    }
}

fn mentions_list(rewrite: &Rewrite) -> bool {
    match rewrite {
        Rewrite::This => true,
        Rewrite::Computed(_) | Rewrite::TupleToUserset { .. } => false,
        Rewrite::Union(all) | Rewrite::Intersection(all) => all.iter().any(mentions_list),
        Rewrite::Exclusion { base, subtract } => mentions_list(base) || mentions_list(subtract),
    }
}

/// The model with its parts in the order of their names, as JSON objects and
/// printed conditions have them, and without the blanks that a comment leaves
/// at the end of a line.
fn sorted(mut model: Model) -> Model {
    for def in &mut model.types {
        def.relations.sort_by(|a, b| a.name.cmp(&b.name));
    }
    for condition in &mut model.conditions {
        condition.params.sort_by(|a, b| a.name.cmp(&b.name));
        let lines = condition.expression.lines().map(str::trim_end);
        condition.expression = lines.collect::<Vec<_>>().join("\n");
    }
    model.conditions.sort_by(|a, b| a.name.cmp(&b.name));
    model
}

fn codes(found: Result<Model, Vec<ModelError>>) -> Vec<&'static str> {
    found.unwrap_err().iter().map(ModelError::code).collect()
}

#[test]
fn a_model_is_the_same_through_dsl_and_json() {
    let model = load(MODEL).unwrap();
    assert_eq!(
        sorted(parse(&to_dsl(&model).unwrap()).unwrap()),
        sorted(model.clone())
    );
    assert_eq!(
        sorted(from_json_value(&to_json(&model)).unwrap()),
        sorted(model.clone())
    );
    let text = serde_json::to_string(&to_json(&model)).unwrap();
    assert_eq!(sorted(from_json(&text).unwrap()), sorted(model));
}

#[test]
fn random_models_are_the_same_through_dsl_and_json() {
    let mut numbers = Numbers(1);
    let mut relations = 0;
    for _ in 0..2000 {
        let model = sorted(numbers.model());
        relations += model.types.iter().map(|t| t.relations.len()).sum::<usize>();
        let dsl = to_dsl(&model).unwrap_or_else(|e| panic!("{e}: {model:?}"));
        let parsed = parse(&dsl).unwrap_or_else(|e| panic!("{e:?}\n{dsl}"));
        assert_eq!(parsed, model, "{dsl}");
        assert_eq!(from_json_value(&to_json(&model)).unwrap(), model, "{dsl}");
    }
    assert!(relations > 2000, "{relations}");
}

#[test]
fn mutated_text_never_panics_and_accepted_text_prints_back() {
    let mut numbers = Numbers(2);
    let mut accepted = 0;
    for nth in 0..4000 {
        let dsl = numbers.mutated(if nth % 4 == 0 { MODULE } else { MODEL });
        match parse(&dsl) {
            Ok(model) => {
                accepted += 1;
                let _ = validate(&model);
                assert_eq!(
                    sorted(from_json_value(&to_json(&model)).unwrap()),
                    sorted(model.clone())
                );
                if let Ok(printed) = to_dsl(&model) {
                    let mut again = sorted(parse(&printed).unwrap());
                    // Neither the version nor the module of a lone module
                    // file stands in what is printed.
                    again.schema.clone_from(&model.schema);
                    let mut model = model;
                    model.types.iter_mut().for_each(|def| {
                        def.module = None;
                        def.relations.iter_mut().for_each(|r| r.module = None);
                    });
                    model.conditions.iter_mut().for_each(|c| c.module = None);
                    let by_name = |m: Model| {
                        let mut m = sorted(m);
                        m.types.sort_by(|a, b| a.name.cmp(&b.name));
                        m
                    };
                    assert_eq!(by_name(again), by_name(model), "{dsl}\n{printed}");
                }
            }
            Err(errors) => {
                assert!(!errors.is_empty(), "{dsl}");
                let unexplained = ErrorKind::Syntax(SyntaxError::Unexplained);
                assert!(errors.iter().all(|e| e.kind != unexplained), "{dsl}");
            }
        }
        if nth % 8 == 0 {
            let _ = combine(&[("a.fga", &dsl), ("b.fga", MODULE)], "1.2");
        }
    }
    assert!(accepted > 200, "{accepted}");
}

#[test]
fn mutated_json_and_manifests_never_panic() {
    let json = serde_json::to_string(&to_json(&load(MODEL).unwrap())).unwrap();
    let manifest = "schema: '1.2'\ncontents:\n  - a.fga # first\n  - \"b/c.fga\"\n";
    assert_eq!(Manifest::parse(manifest).unwrap().contents.value.len(), 2);
    let mut numbers = Numbers(3);
    for _ in 0..3000 {
        if let Ok(model) = from_json(&numbers.mutated(&json)) {
            let _ = (validate(&model), to_dsl(&model));
        }
        if let Err(errors) = Manifest::parse(&numbers.mutated(manifest)) {
            assert!(!errors.is_empty());
        }
    }
}

#[test]
fn nesting_has_a_limit() {
    let nested = |depth: usize| {
        let (open, close) = ("(".repeat(depth), ")".repeat(depth));
        format!("model\n  schema 1.1\ntype t\n  relations\n    define a: {open}b{close}\n")
    };
    assert!(parse(&nested(MAX_REWRITE_DEPTH)).is_ok());
    assert_eq!(codes(parse(&nested(MAX_REWRITE_DEPTH + 1))), ["too-deep"]);
    assert_eq!(codes(parse(&nested(100_000))), ["too-deep"]);
    // Not closed, and preceded by another error.
    let open = nested(100_000).replace(')', "");
    assert_eq!(codes(parse(&open)), ["too-deep"]);
    assert_eq!(
        codes(parse(&open.replace("type t", "type"))),
        ["invalid-syntax"; 1]
    );

    let unions = |depth: usize| {
        let (open, close) = (r#"{"union":{"child":["#.repeat(depth), "]}}".repeat(depth));
        let relation = format!(r#"{open}{{"this":{{}}}}{close}"#);
        format!(r#"{{"type_definitions":[{{"type":"t","relations":{{"r":{relation}}}}}]}}"#)
    };
    let small = std::thread::Builder::new().stack_size(512 * 1024);
    let read = small.spawn(move || from_json(&unions(40)).is_ok()).unwrap();
    assert!(read.join().unwrap());
    assert_eq!(codes(from_json(&unions(50_000))), ["invalid-json"]);
    let deep = format!(
        "{}{}",
        r#"{"type_definitions":["#.repeat(50_000),
        "]}".repeat(50_000)
    );
    assert_eq!(codes(from_json(&deep)), ["invalid-json"]);
    let mut rewrite = Rewrite::Computed("a".to_owned());
    for _ in 0..=MAX_REWRITE_DEPTH {
        rewrite = Rewrite::Union(vec![rewrite]);
    }
    let mut model = load("model\n  schema 1.1\ntype u\n  relations\n    define a: [u]\n").unwrap();
    model.types[0].relations[0].rewrite = rewrite;
    assert_eq!(validate(&model).unwrap_err()[0].code(), "too-deep");
    assert!(to_dsl(&model).is_err());
}

#[test]
fn large_texts_cost_what_their_size_does() {
    let mut valid = "model\n  schema 1.1\ntype user\n".to_owned();
    for nth in 0..4_000 {
        valid.push_str(&format!("type t{nth}\n  relations\n    define r: [user]\n"));
    }
    assert_eq!(load(&valid).unwrap().types.len(), 4_001);
    // Errors everywhere, and many more of them than are reported.
    for hostile in [
        "]\n".repeat(100_000),
        format!("{valid}{}", "type x\n  define\n".repeat(50_000)),
        format!(
            "model\n  schema 1.1\ntype a\n  relations\n    define b: [{}",
            "a, ".repeat(200_000)
        ),
        "\"\"\" '''".repeat(50_000),
        "&".repeat(300_000),
    ] {
        let errors = parse(&hostile).unwrap_err();
        assert!(
            !errors.is_empty() && errors.len() <= 101,
            "{}",
            errors.len()
        );
    }
    // A circle of many computed relations, and a wide union of them.
    let mut circle = "model\n  schema 1.1\ntype t\n  relations\n".to_owned();
    let names: Vec<String> = (0..3000).map(|nth| format!("r{nth}")).collect();
    for (nth, name) in names.iter().enumerate() {
        let next = &names[(nth + 1) % names.len()];
        circle.push_str(&format!("    define {name}: {next}\n"));
    }
    circle.push_str(&format!("    define all: {}\n", names.join(" or ")));
    assert_eq!(load(&circle).unwrap_err().len(), 1000);
}

#[test]
fn a_model_larger_than_the_limits_is_refused() {
    let of = |body: &str| format!("model\n  schema 1.1\ntype user\n{body}");
    let relations = |count: usize| -> String {
        let each = (0..count).map(|i| format!("    define r{i}: [user]\n"));
        format!("type t\n  relations\n{}", each.collect::<String>())
    };
    assert!(load(&of(&relations(10_000))).is_ok());
    let types: String = (0..5_000).map(|i| format!("type t{i}\n")).collect();
    let wide = format!(
        "type t\n  relations\n    define a: [user]\n    define b: {}\n",
        vec!["a"; 100_000].join(" or ")
    );
    let line = format!(
        "type t\n  relations\n    define b: {}a\n",
        "a or ".repeat(1_000_000)
    );
    for (text, said) in [
        (of(&relations(10_001)), "at most 10000 relations"),
        (of(&types), "at most 5000 types"),
        (of(&wide), "at most 100000 operations"),
        (of(&line), "at most 4194304 bytes"),
    ] {
        let errors = load(&text).unwrap_err();
        assert_eq!(codes(Err(errors.clone())), ["too-large"]);
        assert!(
            errors[0].message().contains(said),
            "{}",
            errors[0].message()
        );
    }
    let json = format!("{{\"a\": {}", "[".repeat(5_000_000));
    assert_eq!(codes(from_json(&json)), ["too-large"]);
}

#[test]
fn a_model_made_by_hand_is_checked_for_what_the_parsers_rule_out() {
    let mut model = load("model\n  schema 1.1\ntype u\n  relations\n    define a: [u]\n").unwrap();
    let relation = model.types[0].relations[0].clone();
    model.types[0].relations.push(relation);
    assert_eq!(
        validate(&model).unwrap_err()[0].kind,
        ErrorKind::RelationRedefined
    );
    model.types[0].relations.pop();
    model.types[0].relations[0].rewrite = Rewrite::Intersection(Vec::new());
    assert_eq!(validate(&model).unwrap_err()[0].kind, ErrorKind::NoOperands);
}

#[test]
fn advice_refuses_no_model() {
    let dsl = "model\n  schema 1.1\ntype u\n  relations\n    define a: [u, u]\n    \
               define b: a or a\ncondition c(x: int) {\n  x > 1\n}\n";
    let (model, advice) = admit(dsl).unwrap();
    assert_eq!(model.types.len(), 1);
    let found: Vec<String> = advice.iter().map(ModelError::to_string).collect();
    assert_eq!(
        found,
        [
            "line 5, column 16: the type restriction `u` is a duplicate in the relation `a`.",
            "line 6, column 15: the partial relation definition `a` is a duplicate in the \
             relation `b`.",
            "line 7, column 11: `c` condition is not used in the model.",
        ]
    );
    assert_eq!(load(dsl).unwrap_err(), advice);
    // Behind advice, an impossible relation is still found.
    let circle = dsl.replace("a or a", "b or b");
    assert!(admit(&circle).unwrap_err().iter().any(|e| !e.is_advice()));
}

#[test]
fn json_is_read_strictly() {
    let problems = [
        (
            r#"{"schema_version":"1.1","typo":[]}"#,
            "unknown field `typo`",
        ),
        (
            r#"{"type_definitions":[{"type":"a"},{"type":1}]}"#,
            "expected a string",
        ),
        (
            r#"{"type_definitions":[{"type":"a","relations":{"r":{"this":{}},"r":{"this":{}}}}]}"#,
            "member `r` occurs twice",
        ),
        (
            r#"{"type_definitions":[{"type":"a","relations":{"r":{}}}]}"#,
            "exactly one of",
        ),
        (
            r#"{"type_definitions":[{"type":"a","relations":{"r":{"this":{},"union":{"child":[{"this":{}}]}}}}]}"#,
            "exactly one of",
        ),
        (
            r#"{"type_definitions":[{"type":"a","relations":{"r":{"intersection":{"child":[]}}}}]}"#,
            "at least one child",
        ),
        (
            r#"{"type_definitions":[{"type":"a","relations":{"r":{"computedUserset":{"relation":"x","object":"o:1"}}}}]}"#,
            "must be empty",
        ),
        (
            r#"{"type_definitions":[{"type":"a","metadata":{"relations":{"r":{}}}}]}"#,
            "which it does not define",
        ),
        (
            r#"{"conditions":{"c":{"name":"c","expression":"","parameters":{"p":{"type_name":"TYPE_NAME_MAP"}}}}}"#,
            "exactly one generic type",
        ),
        ("[", "EOF"),
    ];
    for (json, wanted) in problems {
        let errors = from_json(json).unwrap_err();
        let message = errors[0].message();
        assert!(message.contains(wanted), "{json}: {message}");
        assert!(
            !message.contains("struct") && !message.contains("Json"),
            "{message}"
        );
    }
    let both = r#"{"type_definitions":[{"type":"a","relations":{"r":{"this":{}}},"metadata":{"relations":{"r":{"directly_related_user_types":[{"type":"a","relation":"r","wildcard":{}}]}}}}]}"#;
    assert_eq!(codes(from_json(both)), ["type-wildcard-relation"]);
    // What the API of OpenFGA adds is no error.
    let api = r#"{"id":"01H","schema_version":"1.1","type_definitions":[{"type":"a","relations":{"r":{"this":{}}},"metadata":{"relations":{"r":{"directly_related_user_types":[{"type":"a","condition":""}],"module":"","source_info":null}},"module":"","source_info":null}}],"conditions":{}}"#;
    assert!(from_json(api).is_ok_and(|model| validate(&model).is_ok()));
}

#[test]
fn what_would_not_read_back_is_not_printed() {
    let condition = |expression: &str| {
        let mut model = load("model\n  schema 1.1\n").unwrap();
        model.conditions.push(ConditionDef {
            name: "c".to_owned(),
            params: vec![ParamDef {
                name: "x".to_owned(),
                ty: ParamType::Int,
            }],
            expression: expression.to_owned(),
            module: None,
            file: None,
        });
        model
    };
    assert!(to_dsl(&condition("x > 1")).is_ok());
    for expression in [
        "{\"a\": 1}.a == x",
        "x > 1 }\ntype evil",
        "x > 1 # no",
        "x > \"",
        "condition",
    ] {
        assert_eq!(
            to_dsl(&condition(expression)).unwrap_err().code(),
            "not-in-dsl"
        );
    }
    let mut any = condition("x > 1");
    any.conditions[0].params[0].ty = ParamType::Any;
    let message = to_dsl(&any).unwrap_err().message();
    assert!(
        message.starts_with("the 'x' parameter of the 'c' condition"),
        "{message}"
    );
    let mut named = load("model\n  schema 1.1\ntype u\n").unwrap();
    named.types[0].name = "u\n  relations".to_owned();
    assert_eq!(to_dsl(&named).unwrap_err().code(), "not-in-dsl");
}

#[test]
fn identifiers() {
    assert_eq!(
        identifier::object("document:a/b@c"),
        Ok(("document", "a/b@c"))
    );
    assert_eq!(
        identifier::user("group:eng#member"),
        Ok(UserParts::Userset {
            type_name: "group",
            id: "eng",
            relation: "member"
        })
    );
    let wildcard = UserParts::Wildcard { type_name: "user" };
    assert_eq!(identifier::user("user:*"), Ok(wildcard));
    for refused in [
        "", "a", ":", "a:", ":b", "a:b:c", "a:b#c", "a:b c", "a:b\u{0}", "a:\u{a0}", "a b:c", "a:*",
    ] {
        assert!(identifier::object(refused).is_err(), "{refused:?}");
    }
    for refused in [
        "a", "a:b#", "a:b#c#d", "a:*#b", "a:b#c:d", "a#b:c", "a:b\n", "#", "a:#b",
    ] {
        assert!(identifier::user(refused).is_err(), "{refused:?}");
    }
    let long = |length: usize| format!("t:{}", "x".repeat(length - 2));
    assert!(identifier::object(&long(256)).is_ok() && identifier::object(&long(257)).is_err());
    assert!(identifier::user(&long(512)).is_ok());
    let problem = IdentifierProblem::TooLong {
        length: 513,
        limit: 512,
    };
    assert_eq!(identifier::user(&long(513)).unwrap_err().problem, problem);
    assert!(identifier::type_name(&"x".repeat(254)).is_ok());
    assert!(identifier::type_name(&"x".repeat(255)).is_err());
    assert!(identifier::relation_name(&"x".repeat(50)).is_ok());
    assert!(identifier::relation_name(&"x".repeat(51)).is_err());
}

#[test]
fn manifests_are_read_no_further_than_said() {
    let problems = |text: &str| {
        let errors = Manifest::parse(text).unwrap_err();
        errors.into_iter().map(|e| e.kind).collect::<Vec<_>>()
    };
    let field = |name: &str| ManifestProblem::UnexpectedField {
        name: name.to_owned(),
    };
    let start = "schema: '1.2'\ncontents:\n  - a.fga\n";
    assert!(Manifest::parse(&format!("---\n# files\n{start}")).is_ok());
    assert_eq!(problems(&format!("{start}more: 1\n")), [field("more")]);
    assert_eq!(
        problems(&format!("{start}schema: '1.2'\n")),
        [field("schema")]
    );
    assert_eq!(
        problems(&format!("{start}  - &a b.fga\n")),
        [ManifestProblem::Malformed]
    );
    assert_eq!(
        problems(&format!("{start}  b.fga\n")),
        [ManifestProblem::Malformed]
    );
    let number = ManifestProblem::SchemaType {
        value: "1.2".to_owned(),
    };
    assert_eq!(problems("schema: 1.2\ncontents:\n - a.fga\n"), [number]);
    for path in [
        "..%2Fa.fga",
        "a/..\\b.fga",
        "\\a.fga",
        "C:a.fga",
        "a/%2e%2E/b.fga",
    ] {
        let value = path.to_owned();
        let kind = ManifestProblem::ItemPath { value };
        assert_eq!(problems(&format!("{start}  - {path}\n")), [kind]);
    }
}

/// What one file may say, several may: advice stops neither.
#[test]
fn advice_on_modules_is_no_more_than_advice_on_one_file() {
    let people = "module people\ntype user\ncondition unasked(hour: int) {\n  hour > 9\n}\n";
    let docs = "module docs\ntype doc\n  relations\n    define viewer: [user, user]\n";
    let files = [("people.fga", people), ("docs.fga", docs)];
    let (model, advice) = admit_files(&files, "1.2").unwrap();
    assert_eq!(model.types.len(), 2);
    let found: Vec<_> = advice
        .iter()
        .map(|e| {
            (
                &e.kind,
                e.part.file.as_deref().unwrap(),
                e.span.unwrap().line,
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            (&ErrorKind::DuplicateRestriction, "docs.fga", 3),
            (&ErrorKind::ConditionNotUsed, "people.fga", 2),
        ]
    );
    assert_eq!(combine(&files, "1.2"), Err(advice.clone()));
    let single =
        people.replace("module people", "model\n  schema 1.1") + &docs.replace("module docs\n", "");
    let single = single.replace("condition", "CONDITION");
    let (types, condition) = single.split_once("CONDITION").unwrap();
    let (condition, rest) = condition.split_once("}\n").unwrap();
    let whole = format!("{types}{rest}condition{condition}}}\n");
    let (_, same) = admit(&whole).unwrap();
    let kinds = |errors: &[ModelError]| errors.iter().map(|e| e.kind.clone()).collect::<Vec<_>>();
    assert_eq!(kinds(&same), kinds(&advice));
    // One fault beside it refuses all.
    let broken = docs.replace("[user, user]", "[user, user, usr]");
    let files = [("people.fga", people), ("docs.fga", &*broken)];
    let errors = admit_files(&files, "1.2").unwrap_err();
    assert!(errors.iter().any(|e| !e.is_advice()), "{errors:?}");
    assert_eq!(combine(&files, "1.2"), Err(errors));
    for file in [
        "model\n  schema 1.1\ntype a\n",
        "module a\nextend type gone\n",
        "module",
    ] {
        let files = [("people.fga", people), ("a.fga", file)];
        let errors = admit_files(&files, "1.2").unwrap_err();
        assert!(errors.iter().any(|e| !e.is_advice()), "{file}");
    }
}
