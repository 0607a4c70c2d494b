//! How long the processors worked for the programs that were called.

use std::fs;
use std::time::Duration;

/// Linux counts in hundredths of a second here, whatever the processor.
const TICKS_A_SECOND: u64 = 100;

/// The processor time of every program that was called and has ended, with
/// what those called in turn. `None` where the system does not say it in a
/// file, as Linux does.
pub(crate) fn spent() -> Option<Duration> {
    read(&fs::read_to_string("/proc/self/stat").ok()?)
}

/// `cutime` and `cstime` of proc(5): the 16th and 17th field. The second is
/// the program's name in brackets, which may hold anything.
fn read(stat: &str) -> Option<Duration> {
    let (_, after) = stat.rsplit_once(')')?;
    let mut fields = after.split_whitespace().skip(13);
    let ticks = fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?;
    Some(Duration::from_millis(ticks * 1_000 / TICKS_A_SECOND))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_are_found_behind_any_name() {
        let stat = "7 (a) b (c)) S 1 7 7 0 -1 4 0 0 0 0 900 80 250 12 20 0 1 0 5 6 7";
        assert_eq!(read(stat), Some(Duration::from_millis(2_620)));
        assert_eq!(read("7 (a) S 1"), None);
    }
}
