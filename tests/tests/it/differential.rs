//! The engine against OpenFGA's own program, on a few random stores. The long
//! run is the program `differential` of this package.

use deputize_tests::differential::engine_answer;
use deputize_tests::fga::Fga;
use deputize_tests::generate::{self, Shape};
use deputize_tests::tally::Tally;

const STORES: u64 = 50;

#[test]
fn openfga_answers_alike() {
    let fga = match Fga::locate() {
        Ok(fga) => fga,
        Err(error) => return println!("skipped: the `fga` program is not there: {error}"),
    };
    let mut tally = Tally::default();
    for seed in 1..=STORES {
        tally.compare(&fga, &generate::case(seed, Shape::ORACLE), &engine_answer);
    }
    let differences: Vec<String> = tally.different.iter().map(ToString::to_string).collect();
    assert!(tally.is_clean(), "{tally}\n{}", differences.join("\n"));
    // An oracle that answers little, or whose every other answer is excused,
    // shows nothing.
    assert!(tally.same > 4_000, "{tally}");
    assert!(
        tally.explained.values().sum::<u64>() * 50 < tally.same,
        "{tally}"
    );
    assert!(tally.stores > STORES * 9 / 10, "{tally}");
}
