//! How far a replay is, on a terminal.

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use indicatif::{ProgressBar, ProgressStyle};

/// The bar, which goes by the bytes of the corpora.
pub(super) struct Progress {
    bar: ProgressBar,
    /// Bytes read so far.
    pub(super) bytes: Arc<AtomicU64>,
    requests: u64,
}

impl Progress {
    /// The corpora are read as often as `passes` says.
    pub(super) fn new(corpora: &[PathBuf], passes: usize) -> Self {
        let bar = if io::stderr().is_terminal() {
            let once: u64 = corpora.iter().map(|path| waf_corpus::read::size(path)).sum();
            ProgressBar::new(once * passes as u64)
        } else {
            ProgressBar::hidden()
        };
        let style = "{bar:30} {percent:>3} %  {msg}  {elapsed} gone, {eta} left";
        if let Ok(style) = ProgressStyle::with_template(style) {
            bar.set_style(style);
        }
        Self { bar, bytes: Arc::default(), requests: 0 }
    }

    /// So many more requests are done.
    pub(super) fn done(&mut self, requests: usize) {
        self.requests += requests as u64;
        self.bar.set_position(self.bytes.load(Ordering::Relaxed));
        self.bar.set_message(format!("{} requests", self.requests));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
