//! Asks OpenFGA's own program and this engine the same random questions.
//!
//! `differential --stores 2000 --seed 1 --progress` compares stores drawn from
//! the seeds 1 to 2000. What disagrees is made small and written to
//! `tests/cases/differential`, where a test replays it. With `--naive` the naive
//! evaluator answers for us, which judges the judge. With `--below` the stores
//! are those that put most below exclusions.

use deputize_tests::cases;
use deputize_tests::differential::{engine_answer, naive_answer};
use deputize_tests::fga::Fga;
use deputize_tests::generate::{self, Shape};
use deputize_tests::store::{Answer, Ask, Round, Store};
use deputize_tests::tally::Tally;
use std::process::ExitCode;

struct Wanted {
    stores: u64,
    seed: u64,
    progress: bool,
    naive: bool,
    shape: Shape,
}

fn main() -> ExitCode {
    let wanted = match wanted(std::env::args().skip(1)) {
        Ok(wanted) => wanted,
        Err(error) => {
            eprintln!(
                "{error}\nusage: differential [--stores N] [--seed S] [--progress] [--naive] [--below]"
            );
            return ExitCode::from(2);
        }
    };
    let fga = match Fga::locate() {
        Ok(fga) => fga,
        Err(error) => {
            eprintln!("the `fga` program is not there: {error}");
            return ExitCode::from(2);
        }
    };
    let tally = compare(&fga, &wanted);
    println!("{tally}");
    for difference in &tally.different {
        println!("{difference}");
        match cases::keep(&fga, difference, wanted.shape, &|store, round, ask| {
            wanted.answer(store, round, ask)
        }) {
            Ok(path) => println!("  kept as {}", path.display()),
            Err(error) => println!("  not kept: {error}"),
        }
    }
    if tally.is_clean() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

impl Wanted {
    fn answer(&self, store: &Store, round: &Round, ask: &Ask) -> Option<Answer> {
        match self.naive {
            true => naive_answer(store, round, ask, None),
            false => engine_answer(store, round, ask),
        }
    }
}

/// Most of the time is OpenFGA's, in a process of its own: two at a time.
fn compare(fga: &Fga, wanted: &Wanted) -> Tally {
    let next = std::sync::atomic::AtomicU64::new(0);
    let total = std::sync::Mutex::new(Tally::default());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    if index >= wanted.stores {
                        return;
                    }
                    let case = generate::case(wanted.seed + index, wanted.shape);
                    let mut tally = Tally::default();
                    tally.compare(fga, &case, &|store, round, ask| {
                        wanted.answer(store, round, ask)
                    });
                    let mut total = total.lock().expect("no thread panics while it adds");
                    total.add(tally);
                    if wanted.progress && (index + 1).is_multiple_of(10) {
                        eprint!(
                            "\r{} of {} stores, {} questions, {} differ ",
                            index + 1,
                            wanted.stores,
                            total.asked(),
                            total.different.len()
                        );
                    }
                }
            });
        }
    });
    if wanted.progress {
        eprintln!();
    }
    total.into_inner().expect("no thread panics while it adds")
}

fn wanted(mut args: impl Iterator<Item = String>) -> Result<Wanted, String> {
    let mut wanted = Wanted {
        stores: 50,
        seed: 1,
        progress: false,
        naive: false,
        shape: Shape::ORACLE,
    };
    while let Some(arg) = args.next() {
        let mut number = || {
            let text = args
                .next()
                .ok_or_else(|| format!("`{arg}` wants a number"))?;
            text.parse()
                .map_err(|_| format!("`{arg}` wants a number, not `{text}`"))
        };
        match arg.as_str() {
            "--stores" => wanted.stores = number()?,
            "--seed" => wanted.seed = number()?,
            "--progress" => wanted.progress = true,
            "--naive" => wanted.naive = true,
            "--below" => wanted.shape = Shape::BELOW_ORACLE,
            _ => return Err(format!("`{arg}` is not known")),
        }
    }
    Ok(wanted)
}
