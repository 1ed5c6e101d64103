//! The thread that writes lines.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use prometheus::IntCounter;

use super::line::line;
use super::queue::{Queue, Work};
use crate::config::Audit;

/// A failing disk is said once in this time, with what was lost since.
const SAY_EVERY: Duration = Duration::from_secs(60);

pub(super) struct Writer {
    audit: Audit,
    file: Option<File>,
    /// The last write may have ended inside a line.
    torn: bool,
    dropped: IntCounter,
    lost: u64,
    said: Option<Instant>,
}

impl Writer {
    pub(super) fn open(audit: &Audit, dropped: IntCounter) -> io::Result<Self> {
        let file = audit.file.as_deref().map(open).transpose()?;
        Ok(Self { audit: audit.clone(), file, torn: false, dropped, lost: 0, said: None })
    }

    /// Works until the queue is closed and empty.
    pub(super) fn run(mut self, queue: &Queue) {
        while let Some(work) = queue.take() {
            self.work(work);
        }
        self.say_lost(true);
    }

    fn work(&mut self, work: Work) {
        if let Some(audit) = work.settings {
            self.audit = Audit { file: self.audit.file.clone(), ..audit };
        }
        if work.reopen {
            self.reopen();
        }
        if work.overflowed > 0 {
            self.lost += work.overflowed;
            self.say_first(&"the queue is full");
        }
        let count = work.records.len() as u64;
        let mut lines = Vec::new();
        for record in work.records {
            lines.extend_from_slice(line(&record, self.audit.record).as_bytes());
            lines.push(b'\n');
        }
        if self.audit.stdout
            && let Err(error) = to_stdout(&lines)
        {
            self.lose(count, &error);
        }
        if let Err(error) = self.append(&lines) {
            self.lose(count, &error);
        }
        self.say_lost(false);
    }

    fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        // A line that was cut short must not swallow the next one.
        let torn = std::mem::replace(&mut self.torn, true);
        if torn {
            file.write_all(b"\n")?;
        }
        file.write_all(lines)?;
        self.torn = false;
        Ok(())
    }

    /// Keeps the old file where the new one cannot be opened.
    fn reopen(&mut self) {
        let Some(path) = self.audit.file.as_deref() else { return };
        match open(path) {
            Ok(file) => {
                self.file = Some(file);
                self.torn = false;
                tracing::info!(file = %path.display(), "audit log reopened");
            }
            Err(error) => {
                tracing::error!(file = %path.display(), %error, "audit log not reopened");
            }
        }
    }

    fn lose(&mut self, count: u64, error: &io::Error) {
        self.dropped.inc_by(count);
        self.lost += count;
        self.say_first(error);
    }

    fn say_first(&mut self, reason: &dyn fmt::Display) {
        if self.said.is_none() {
            tracing::error!(%reason, "the audit log loses records");
            self.said = Some(Instant::now());
        }
    }

    fn say_lost(&mut self, at_end: bool) {
        let due = self.said.is_some_and(|said| said.elapsed() >= SAY_EVERY);
        if self.lost > 0 && (due || at_end) {
            tracing::error!(records = self.lost, "the audit log lost records");
            self.lost = 0;
            self.said = None;
        }
    }
}

/// Appends, readable by its owner only.
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}

fn to_stdout(lines: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(lines)?;
    stdout.flush()
}
