//! Asks OpenFGA's own program and ours the same random questions.
use deputize_tests::{
    differential::{Tally, naive_answer},
    fga::Fga,
    generate::{self, Shape},
};

fn main() {
    let args: Vec<u64> = std::env::args()
        .skip(1)
        .map(|a| a.parse().unwrap())
        .collect();
    let fga = Fga::locate().unwrap();
    if args.len() == 1 {
        let case = generate::case(args[0], Shape::ORACLE);
        println!("{}", deputize_tests::dsl::write(&case.store.model));
        for t in &case.store.tuples {
            println!(
                "{} {} {} {}",
                t.user,
                t.relation,
                t.object,
                t.condition
                    .as_ref()
                    .map(|c| serde_json::to_string(c).unwrap())
                    .unwrap_or_default()
            );
        }
        for (i, r) in case.rounds.iter().enumerate() {
            println!("round {i} {}", serde_json::to_string(&r.context).unwrap());
            for t in &r.contextual {
                println!("  + {} {} {}", t.user, t.relation, t.object);
            }
        }
        return;
    }
    let mut tally = Tally::default();
    for seed in args[0]..args[0] + args[1] {
        let case = generate::case(seed, Shape::ORACLE);
        tally.compare(&fga, &case, &|store, round, ask| {
            naive_answer(store, round, ask, Some(25))
        });
    }
    println!(
        "same {} skipped {} explained {:#?} refused {}",
        tally.same,
        tally.skipped,
        tally.explained,
        tally.refused.len()
    );
    for (seed, r) in tally.refused.iter().take(20) {
        println!(
            "refused {seed}: {}",
            r.chars().take(300).collect::<String>()
        );
    }
    println!("different {}", tally.different.len());
    for d in tally.different.iter().take(30) {
        println!("{d:?}");
    }
}
