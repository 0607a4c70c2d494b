//! Signs of life for work that lasts: on a terminal only, and only once a
//! second has gone by.

use std::io::IsTerminal as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Work this short is not worth a bar.
const PATIENCE: Duration = Duration::from_secs(1);
/// The clock is looked at once in so many steps.
const STRIDE: usize = 64;
/// How often a spinner turns.
const TURN: Duration = Duration::from_millis(100);

/// The answer is for a program, which looks at nothing else.
static HIDDEN: AtomicBool = AtomicBool::new(false);

/// Shows nothing from now on.
pub(crate) fn hide() {
    HIDDEN.store(true, Ordering::Relaxed);
}

/// Standard error, unless nothing is to be shown; hidden too where that is not
/// a terminal.
fn target() -> ProgressDrawTarget {
    match HIDDEN.load(Ordering::Relaxed) {
        true => ProgressDrawTarget::hidden(),
        false => ProgressDrawTarget::stderr(),
    }
}

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
        let bar = ProgressBar::with_draw_target(Some(self.total as u64), target());
        let style = ProgressStyle::with_template("{msg} {bar:30} {pos}/{len} {eta}");
        if let Ok(style) = style {
            bar.set_style(style);
        }
        bar.set_message(self.label);
        bar
    }
}

/// A spinner that may never show, for work in one step. It goes away when it
/// is dropped.
pub(crate) struct Spinner {
    /// What the thread waits for; it turns the spinner until this is gone.
    working: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Spinner {
    /// Work begins whose end is not known.
    pub(crate) fn new(label: &'static str) -> Self {
        let shown = std::io::stderr().is_terminal() && std::io::stdout().is_terminal();
        if !shown || HIDDEN.load(Ordering::Relaxed) {
            return Self {
                working: None,
                thread: None,
            };
        }
        let (working, ended) = mpsc::channel::<()>();
        let turn = move || {
            let goes_on = |time| ended.recv_timeout(time) == Err(RecvTimeoutError::Timeout);
            if !goes_on(PATIENCE) {
                return;
            }
            let bar = ProgressBar::with_draw_target(None, target());
            if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
                bar.set_style(style);
            }
            bar.set_elapsed(PATIENCE);
            bar.set_message(label);
            bar.tick();
            while goes_on(TURN) {
                bar.tick();
            }
            bar.finish_and_clear();
        };
        Self {
            working: Some(working),
            thread: thread::Builder::new().spawn(turn).ok(),
        }
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        drop(self.working.take());
        if let Some(thread) = self.thread.take() {
            // It has nothing to tell.
            let _ = thread.join();
        }
    }
}
