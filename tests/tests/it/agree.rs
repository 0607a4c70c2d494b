//! Every way to ask agrees with the rule on random stores that put cycles,
//! mixed tuple sets, wide rows, tenants and missing context below exclusions.
//! The long run is the program `agree` of this package.

use deputize_tests::agree::{self, Findings};
use deputize_tests::generate::{self, Shape};

const STORES: u64 = 500;

#[test]
fn every_way_agrees_with_the_rule() {
    let mut total = Findings::default();
    for seed in 0..STORES {
        let found = agree::case(&generate::case(seed, Shape::BELOW));
        let first: Vec<_> = found.different.iter().take(10).collect();
        assert!(first.is_empty(), "store {seed}: {first:#?}");
        total.add(found);
    }
    let Findings {
        asked,
        allowed,
        failed,
        ..
    } = total;
    println!("{asked} answers compared, {allowed} nodes allowed, {failed} that cannot be told");
    // Answers that are all denials show little.
    assert!(
        asked > 1_000_000 && allowed > 5_000 && failed > 1_000,
        "{asked}, {allowed}, {failed}"
    );
}
