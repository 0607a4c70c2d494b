//! Every store of a small scope, in every way; the longer menu is the program
//! `exhaustive --long` of this package.

use deputize_tests::exhaustive;

#[test]
fn every_store_of_a_small_scope_agrees_with_the_rule() {
    let scope = exhaustive::run(exhaustive::MOST, false, |store, round, scope| {
        let different: Vec<_> = scope.findings.different.iter().take(5).collect();
        assert!(
            different.is_empty(),
            "{:#?}\n{:?}\n{different:#?}",
            store.tuples,
            round.context
        );
    });
    println!("{} stores, {} answers", scope.stores, scope.findings.asked);
    assert!(scope.stores > 20_000, "{} stores", scope.stores);
}
