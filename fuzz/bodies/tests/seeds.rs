//! Every seed, and small changes of it, through its target's body: what the
//! fuzzer would try first, without a fuzzer.

use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use deputize_fuzz_bodies::TARGETS;

/// Changes of each seed; `DEPUTIZE_FUZZ_CHANGES` sets another number.
fn changes() -> u64 {
    let set = std::env::var("DEPUTIZE_FUZZ_CHANGES");
    set.ok().and_then(|text| text.parse().ok()).unwrap_or(500)
}

/// What JSON, a model, an expression or a token may stumble over.
const WORDS: [&[u8]; 12] = [
    b"\"", b"{", b"}", b"[", b"]", b":", b",", b"null", b"-1", b"\\u0000", b"\xff", b".",
];

#[test]
fn seeds_and_their_changes_meet_no_panic() {
    let mut tried = 0;
    for (name, run) in TARGETS {
        let seeds = seeds(name);
        assert!(!seeds.is_empty(), "{name} has no seeds");
        for (path, seed) in &seeds {
            for change in 0..=changes() {
                let input = changed(seed, change);
                let ended = catch_unwind(|| run(&input));
                let shown = String::from_utf8_lossy(&input);
                assert!(
                    ended.is_ok(),
                    "{}, change {change}: {shown}",
                    path.display()
                );
                tried += 1;
            }
        }
    }
    println!("{tried} inputs in {} targets", TARGETS.len());
}

#[test]
fn every_target_has_its_program() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../targets");
    let mut programs: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    programs.sort();
    let names: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
    assert_eq!(programs, names);
}

fn seeds(name: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../seeds")
        .join(name);
    let mut seeds: Vec<_> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|file| file.unwrap().path())
        .map(|path| (path.clone(), fs::read(&path).unwrap()))
        .collect();
    seeds.sort();
    seeds
}

/// The seed as it is, or with one to four small changes, the same ones every time.
fn changed(seed: &[u8], change: u64) -> Vec<u8> {
    let mut input = seed.to_vec();
    if change == 0 {
        return input;
    }
    // SplitMix64.
    let mut state = change;
    let mut below = |limit: usize| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % limit.max(1) as u64).unwrap()
    };
    for _ in 0..=below(4) {
        let at = below(input.len() + 1);
        let length = below(8).min(input.len() - at);
        match below(5) {
            0 => drop(input.drain(at..at + length)),
            1 => drop(input.splice(at..at, WORDS[below(WORDS.len())].iter().copied())),
            2 => input.truncate(at),
            3 => {
                let again = input[at..at + length].to_vec();
                drop(input.splice(at..at, again));
            }
            _ => {
                if let Some(byte) = input.get_mut(at) {
                    *byte ^= 1 << below(8);
                }
            }
        }
    }
    input
}
