//! The thread that writes lines.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use prometheus::IntCounter;
use waf_core::record::DecisionRecord;

use super::format::line;
use super::queue::{Queue, Work};
use crate::config::{Audit, Destination, Format};

/// A failing disk is said once in this time, with what was lost since.
const SAY_EVERY: Duration = Duration::from_secs(60);

pub(super) struct Writer {
    audit: Audit,
    sinks: Vec<Sink>,
    dropped: IntCounter,
    lost: u64,
    said: Option<Instant>,
}

/// Where lines of one format go.
struct Sink {
    format: Format,
    /// `None` for standard output.
    file: Option<Appended>,
}

/// A file that grows.
struct Appended {
    path: PathBuf,
    file: File,
    /// The last write may have ended inside a line.
    torn: bool,
}

impl Writer {
    pub(super) fn open(audit: &Audit, dropped: IntCounter) -> io::Result<Self> {
        let own = audit.file.as_ref().map(|file| (Format::Pinpoint, Some(file)));
        let others = audit.outputs.iter().map(|output| match &output.to {
            Destination::File(file) => (output.format, Some(file)),
            Destination::Stdout => (output.format, None),
        });
        let open = |(format, file): (Format, Option<&PathBuf>)| {
            let file = file.map(|path| Appended::open(path)).transpose()?;
            Ok(Sink { format, file })
        };
        let sinks = own.into_iter().chain(others).map(open).collect::<io::Result<_>>()?;
        Ok(Self { audit: audit.clone(), sinks, dropped, lost: 0, said: None })
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
            self.audit = audit;
        }
        if work.reopen {
            self.sinks.iter_mut().filter_map(|sink| sink.file.as_mut()).for_each(Appended::reopen);
        }
        if work.overflowed > 0 {
            self.lost += work.overflowed;
            self.say_first(&"the queue is full");
        }
        let mut failures = Vec::new();
        if self.audit.stdout {
            failures.extend(to_stdout(&self.lines(&work.records, Format::Pinpoint)).err());
        }
        let mut sinks = std::mem::take(&mut self.sinks);
        for sink in &mut sinks {
            failures.extend(sink.write(&self.lines(&work.records, sink.format)).err());
        }
        self.sinks = sinks;
        for error in failures {
            self.lose(work.records.len() as u64, &error);
        }
        self.say_lost(false);
    }

    fn lines(&self, records: &[Arc<DecisionRecord>], format: Format) -> Vec<u8> {
        let mut lines = Vec::new();
        for record in records {
            lines.extend_from_slice(line(record, format, self.audit.record).as_bytes());
            lines.push(b'\n');
        }
        lines
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

impl Sink {
    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        match &mut self.file {
            Some(file) => file.write(lines),
            None => to_stdout(lines),
        }
    }
}

impl Appended {
    fn open(path: &Path) -> io::Result<Self> {
        let file = open(path).map_err(|error| {
            io::Error::new(error.kind(), format!("{}: {error}", path.display()))
        })?;
        Ok(Self { path: path.to_owned(), file, torn: false })
    }

    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        // A line that was cut short must not swallow the next one.
        let torn = std::mem::replace(&mut self.torn, true);
        if torn {
            self.file.write_all(b"\n")?;
        }
        self.file.write_all(lines)?;
        self.torn = false;
        Ok(())
    }

    /// Keeps the old file where the new one cannot be opened.
    fn reopen(&mut self) {
        let file = self.path.display();
        match open(&self.path) {
            Ok(opened) => {
                tracing::info!(%file, "audit log reopened");
                self.file = opened;
                self.torn = false;
            }
            Err(error) => tracing::error!(%file, %error, "audit log not reopened"),
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
