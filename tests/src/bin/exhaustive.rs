//! Asks every store of a small scope in every way.
//!
//! `exhaustive` takes what the test takes; `exhaustive --long` a longer menu.

use deputize_tests::exhaustive;
use std::time::Instant;

fn main() -> std::process::ExitCode {
    let long = std::env::args().any(|arg| arg == "--long");
    let began = Instant::now();
    let mut told = 0;
    let scope = exhaustive::run(
        if long { 6 } else { exhaustive::MOST },
        long,
        |store, round, scope| {
            let different = scope.findings.different.len();
            if different > 0 && told == 0 {
                told = different;
                let model = deputize_tests::dsl::write(&store.model);
                println!(
                    "{model}\n{:#?}\n{:?}\n{:#?}",
                    store.tuples, round.context, scope.findings.different
                );
            }
            if scope.stores.is_multiple_of(1_000) {
                eprint!(
                    "\r{} stores, {} answers, {different} differ ",
                    scope.stores, scope.findings.asked
                );
            }
        },
    );
    eprintln!();
    println!(
        "{} stores, {} answers, {} differ, {:.1} s",
        scope.stores,
        scope.findings.asked,
        scope.findings.different.len(),
        began.elapsed().as_secs_f64()
    );
    std::process::ExitCode::from(u8::from(!scope.findings.different.is_empty()))
}
