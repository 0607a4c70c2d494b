//! Asks one question many times, for a profiler.
#![allow(missing_docs, clippy::unwrap_used, reason = "a program for profiling")]
#[path = "../benches/store.rs"]
mod store;
fn main() {
    let store = store::generate(100_000);
    let policy = deputize::Policy::from_json(store.json.as_bytes()).unwrap();
    let mode = std::env::args().nth(1).unwrap_or_default();
    let mut n = store::Numbers(3);
    let qs: Vec<(String, String)> = (0..10_000)
        .map(|_| {
            (
                format!("user:u{}", n.below(store.users)),
                format!("document:d{}", n.below(store.documents)),
            )
        })
        .collect();
    let started = std::time::Instant::now();
    let mut hits = 0;
    match mode.as_str() {
        "filter" => {
            for i in 0..300 {
                hits += policy
                    .view()
                    .filter(&qs[i].0, "viewer", qs.iter().map(|q| &q.1))
                    .unwrap()
                    .allowed();
            }
        }
        "load" => {
            for _ in 0..20 {
                hits += deputize::Policy::from_json(store.json.as_bytes())
                    .unwrap()
                    .tuple_count();
            }
        }
        _ => {
            for _ in 0..300 {
                for (u, d) in &qs {
                    hits += usize::from(policy.check(u, "viewer", d).unwrap());
                }
            }
        }
    }
    eprintln!("{hits} {:?}", started.elapsed());
}
