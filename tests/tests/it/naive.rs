//! The engine and the naive evaluator give the same answers to random
//! questions about random stores, and so do all of the engine's own ways to
//! ask one.

use deputize::model::to_json;
use deputize::{CheckItem, Limits, Policy};
use deputize_tests::dice::Dice;
use deputize_tests::differential::{matches, naive_answer};
use deputize_tests::generate::{self, Case, Shape};
use deputize_tests::store::{Answer, Ask, Store};
use deputize_tests::{dsl, engine};

/// How many stores; `DEPUTIZE_NAIVE_STORES` sets another number.
fn stores() -> u64 {
    let set = std::env::var("DEPUTIZE_NAIVE_STORES");
    set.ok().and_then(|text| text.parse().ok()).unwrap_or(1_000)
}

#[derive(Default)]
struct Count {
    asked: usize,
    allowed: usize,
    failed: usize,
    skipped: usize,
    different: Vec<String>,
}

#[test]
fn the_engine_agrees_with_the_naive_evaluator() {
    let mut count = Count::default();
    for seed in 0..stores() {
        let case = generate::case(seed, Shape::NAIVE);
        let policy = compile(&case);
        compare(&case, &policy, None, &mut count);
        compare(&case, &policy, Some(25), &mut count);
    }
    let (asked, allowed, failed) = (count.asked, count.allowed, count.failed);
    println!(
        "{asked} questions, {allowed} allowed, {failed} failed, {} skipped",
        count.skipped
    );
    assert!(
        count.different.is_empty(),
        "{} of {asked} differ:\n{}",
        count.different.len(),
        count.different[..count.different.len().min(40)].join("\n")
    );
    // Questions that are all denied show little.
    assert!(asked * 100 > stores() as usize * 3_000, "{asked} questions");
    assert!(allowed * 20 > asked, "{allowed} of {asked} allowed");
    assert!(failed * 200 > asked, "{failed} of {asked} failed");
    assert!(count.skipped * 500 < asked, "{} skipped", count.skipped);
}

fn compile(case: &Case) -> Policy {
    let model = || dsl::write(&case.store.model);
    engine::compile(&case.store)
        .unwrap_or_else(|error| panic!("store {} is refused: {error}\n{}", case.seed, model()))
}

fn compare(case: &Case, policy: &Policy, depth: Option<u32>, count: &mut Count) {
    let limits = Limits {
        depth,
        ..Limits::default()
    };
    for (index, round) in case.rounds.iter().enumerate() {
        let view = engine::view(policy, round, limits)
            .unwrap_or_else(|error| panic!("store {}, round {index}: {error}", case.seed));
        for ask in &round.asks {
            // The limit of depth is said of checks: a list meets it on other
            // ways.
            if depth.is_some() && !matches!(ask, Ask::Check { .. }) {
                continue;
            }
            let hops = depth.map(|depth| depth as usize);
            let Some(naive) = naive_answer(&case.store, round, ask, hops) else {
                count.skipped += 1;
                continue;
            };
            let ours = engine::answer(&view, ask);
            count.asked += 1;
            count.allowed += usize::from(naive == Answer::Allowed(true));
            count.failed += usize::from(matches!(naive, Answer::Failed(..)));
            if matches(&case.store, round, ask, &naive, &ours) != Some(true) {
                count.different.push(format!(
                    "store {}, round {index}, depth {depth:?}, {ask:?}: naive {naive}, ours {ours}",
                    case.seed
                ));
            }
        }
    }
}

/// One answer, whatever the way: the compiled form, the model as JSON, tuples in
/// another order, in a batch, through a filter, explained.
#[test]
fn every_way_to_ask_gives_the_same_answer() {
    let mut asked = 0;
    for seed in 0..stores() / 5 {
        let case = generate::case(seed, Shape::NAIVE);
        let policy = compile(&case);
        let others = [
            Policy::from_compiled(&policy.to_compiled()).expect("it was just written"),
            engine::compile(&shuffled(&case.store, seed)).expect("order does not matter"),
            with_json_model(&case.store),
        ];
        // A warning says where in the snapshot; all else is without order.
        if policy.warnings().is_empty() {
            assert_eq!(
                policy.to_compiled(),
                others[1].to_compiled(),
                "store {seed}"
            );
        }
        for round in &case.rounds {
            let limits = Limits::default();
            let view = engine::view(&policy, round, limits).expect("the round fits the model");
            for ask in &round.asks {
                asked += 1;
                let answer = engine::answer(&view, ask);
                for (other, exactly) in others.iter().zip([true, true, false]) {
                    let view = engine::view(other, round, limits).expect("it fits here too");
                    let got = engine::answer(&view, ask);
                    // In JSON a condition's parameters have no order, so that
                    // another one of two faults may be told.
                    let alike = match (&got, &answer) {
                        (Answer::Failed(a, _), Answer::Failed(b, _)) if !exactly => a == b,
                        _ => got == answer,
                    };
                    assert!(alike, "store {seed}, {ask:?}: {answer}, then {got}");
                }
                let Ask::Check {
                    user,
                    relation,
                    object,
                } = ask
                else {
                    continue;
                };
                let item = CheckItem {
                    user: user.clone(),
                    relation: relation.clone(),
                    object: object.clone(),
                };
                let batch = view.batch_check(&[item.clone(), item]);
                for got in batch {
                    let got = got.map_or_else(|e| engine::failed(&e, ask), Answer::Allowed);
                    assert_eq!(got, answer, "store {seed}, {ask:?}");
                }
                let allowed = answer == Answer::Allowed(true);
                let filtered = view.filter(user, relation, [object, "no:such", object]);
                let filtered = filtered.unwrap_or_else(|e| panic!("store {seed}, {ask:?}: {e}"));
                assert_eq!(
                    filtered.mask,
                    [allowed, false, allowed],
                    "store {seed}, {ask:?}"
                );
                let told = view.explain(user, relation, object);
                let told = told.unwrap_or_else(|e| panic!("store {seed}, {ask:?}: {e}"));
                assert_eq!(told.allowed, allowed, "store {seed}, {ask:?}");
                let failed = matches!(answer, Answer::Failed(..));
                assert_eq!(told.error.is_some(), failed, "store {seed}, {ask:?}");
            }
            filters_agree_with_checks(&case, &policy, round);
        }
    }
    assert!(asked > 5_000);
}

/// A request sees the tuples of its tenant and those of none; what others are
/// told is as if the rest were not there.
#[test]
fn a_tenant_sees_no_other_tenants_tuples() {
    let (mut hidden, mut different) = (0, Vec::new());
    for seed in 0..stores() / 5 {
        let mut case = generate::case(seed, Shape::NAIVE);
        let mut dice = Dice::new(seed);
        for tuple in &mut case.store.tuples {
            let tenant = *dice.pick(&[None, Some("acme"), Some("globex")]);
            tuple.tenant = tenant.map(str::to_owned);
        }
        let policy = compile(&case);
        for tenant in [None, Some("acme"), Some("globex"), Some("unheard-of")] {
            let mut alone = case.store.clone();
            let seen = |name: Option<&str>| name.is_none() || name == tenant;
            alone.tuples.retain(|tuple| seen(tuple.tenant.as_deref()));
            hidden += case.store.tuples.len() - alone.tuples.len();
            alone
                .tuples
                .iter_mut()
                .for_each(|tuple| tuple.tenant = None);
            let alone = engine::compile(&alone).expect("a part of it is sound");
            for round in &case.rounds {
                let whole = engine::view(&policy, round, Limits::default());
                let whole = whole.expect("the round fits the model");
                let whole = tenant.map_or(whole.clone(), |tenant| whole.with_tenant(tenant));
                let part = engine::view(&alone, round, Limits::default());
                let part = part.expect("the round fits the model");
                for ask in &round.asks {
                    let (got, right) = (engine::answer(&whole, ask), engine::answer(&part, ask));
                    let alike = matches!((&got, &right), (Answer::Failed(a, _), Answer::Failed(b, _)) if a == b);
                    // A hidden tuple may still lead a list of objects to one
                    // whose check fails: it errs where it should be empty.
                    let excused =
                        matches!((&got, ask), (Answer::Failed(..), Ask::ListObjects { .. }));
                    if !(alike || excused || got == right) {
                        different.push(format!(
                            "store {seed}, {tenant:?}, {ask:?}: {got}, alone {right}"
                        ));
                    }
                }
            }
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
    assert!(hidden > 5_000);
}

/// All objects at once: one memo serves them all, and must not mix them up.
fn filters_agree_with_checks(case: &Case, policy: &Policy, round: &deputize_tests::store::Round) {
    let view = engine::view(policy, round, Limits::default()).expect("the round fits the model");
    let users: std::collections::BTreeSet<&String> = round
        .asks
        .iter()
        .filter_map(|ask| match ask {
            Ask::Check { user, .. } => Some(user),
            _ => None,
        })
        .collect();
    for def in &case.store.model.types {
        let objects: Vec<&String> = case
            .store
            .tuples
            .iter()
            .map(|tuple| &tuple.object)
            .filter(|object| object.starts_with(&format!("{}:", def.name)))
            .collect();
        for relation in &def.relations {
            for user in &users {
                // Few objects are decided one by one; for many, one climb from the
                // user answers.
                let many: Vec<_> = objects.iter().cycle().take(objects.len() * 9).collect();
                let filtered = view
                    .filter(user, &relation.name, &objects)
                    .expect("all is known");
                let at_once = view
                    .filter(user, &relation.name, &many)
                    .expect("all is known");
                assert_eq!(at_once.mask, filtered.mask.repeat(9));
                for (object, allowed) in objects.iter().zip(filtered.mask) {
                    let check = view.check(user, &relation.name, object) == Ok(true);
                    assert_eq!(
                        check, allowed,
                        "store {}, {user} {} {object}",
                        case.seed, relation.name
                    );
                }
            }
        }
    }
}

fn shuffled(store: &Store, seed: u64) -> Store {
    let mut store = store.clone();
    Dice::new(seed).shuffle(&mut store.tuples);
    store
}

fn with_json_model(store: &Store) -> Policy {
    let mut snapshot = store.snapshot();
    snapshot["model"] = to_json(&store.model);
    let text = snapshot.to_string();
    Policy::from_json(text.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{text}"))
}
