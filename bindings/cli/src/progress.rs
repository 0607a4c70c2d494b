//! A progress bar for work that lasts: only on a terminal, and only once a
//! second has gone by.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Work this short is not worth a bar.
const PATIENCE: Duration = Duration::from_secs(1);
/// The clock is looked at once in so many steps.
const STRIDE: usize = 64;

/// A bar that may never show.
pub(crate) struct Progress {
    label: &'static str,
    total: usize,
    done: usize,
    began: Instant,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Work of so many steps begins.
    pub(crate) fn new(label: &'static str, total: usize) -> Self {
        Self {
            label,
            total,
            done: 0,
            began: Instant::now(),
            bar: None,
        }
    }

    /// One step more is done.
    pub(crate) fn step(&mut self) {
        self.done += 1;
        if !self.done.is_multiple_of(STRIDE) && self.total > STRIDE {
            return;
        }
        if self.bar.is_none() && self.began.elapsed() >= PATIENCE {
            self.bar = Some(self.open());
        }
        if let Some(bar) = &self.bar {
            bar.set_position(self.done as u64);
        }
    }

    /// The work is done: the bar goes away.
    pub(crate) fn end(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }

    fn open(&self) -> ProgressBar {
        // Hidden where standard error is not a terminal.
        let target = ProgressDrawTarget::stderr();
        let bar = ProgressBar::with_draw_target(Some(self.total as u64), target);
        let style = ProgressStyle::with_template("{msg} {bar:30} {pos}/{len} {eta}");
        if let Ok(style) = style {
            bar.set_style(style);
        }
        bar.set_message(self.label);
        bar
    }
}
