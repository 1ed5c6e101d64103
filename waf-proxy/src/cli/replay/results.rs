//! Results as JSON Lines: written in the order of the requests, and read again to go on where a
//! replay was interrupted.

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use waf_corpus::Outcome;

use super::court::Court;
use crate::cli::Failure;
use crate::cli::lines::Lines;

/// Bytes that are looked through at once for the end of the last line.
const BLOCK: u64 = 1 << 16;

/// A file of results, where one is asked for.
#[derive(Default)]
pub(super) struct Results {
    path: PathBuf,
    /// What was there before.
    old: Option<Lines>,
    ahead: Option<Outcome>,
    file: Option<BufWriter<File>>,
}

impl Results {
    /// A new file, or one to go on with. The latter may end within a line, which is cut off.
    pub(super) fn open(new: Option<&Path>, resumed: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = resumed.or(new) else { return Ok(Self::default()) };
        let cannot = |error: io::Error| {
            Failure::unreadable(format!("cannot write {}: {error}", path.display()))
        };
        let mut results = Self { path: path.to_owned(), ..Self::default() };
        let mut file = if resumed.is_some() {
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
        } else {
            File::create(path)
        }
        .map_err(cannot)?;
        if resumed.is_some() {
            let length = whole_lines(&mut file).map_err(cannot)?;
            file.set_len(length).and_then(|()| file.seek(SeekFrom::End(0))).map_err(cannot)?;
            let old = BufReader::new(File::open(path).map_err(cannot)?.take(length));
            results.old = Some(Lines::new(path, Box::new(old)));
            results.read_ahead()?;
        }
        results.file = Some(BufWriter::new(file));
        Ok(results)
    }

    /// The result of the request with this number, if this court judged it before.
    pub(super) fn take_old(
        &mut self,
        court: &Court<'_>,
        number: u64,
    ) -> Result<Option<Outcome>, Failure> {
        let is_next = |old: &Outcome| old.paranoia == court.paranoia && old.number == number;
        let Some(old) = self.ahead.take_if(|old| is_next(old)) else { return Ok(None) };
        if old.judge != court.judge || old.ruleset != court.ruleset {
            let (was, is) = (old.judge, &court.judge);
            let what = if was == *is { "other rules of the same name".to_owned() } else { was };
            let path = self.path.display();
            let message = format!(
                "{path} has results of {what}, not of {is}\n  = help: run with what it was \
                 begun with, or write to another file with `--results`"
            );
            return Err(Failure::usage(message));
        }
        self.read_ahead()?;
        Ok(Some(old))
    }

    fn read_ahead(&mut self) -> Result<(), Failure> {
        if let Some(old) = &mut self.old {
            self.ahead = old.next_as("result of a replay")?;
        }
        Ok(())
    }

    /// Adds a new result.
    pub(super) fn write(&mut self, outcome: &Outcome) -> Result<(), Failure> {
        let Some(file) = &mut self.file else { return Ok(()) };
        if self.ahead.is_some() {
            return Err(other_corpus(&self.path));
        }
        let mut line = serde_json::to_vec(outcome).unwrap_or_default();
        line.push(b'\n');
        file.write_all(&line).map_err(|error| self.cannot(&error))
    }

    /// What was written is safe from an interrupt.
    pub(super) fn flush(&mut self) -> Result<(), Failure> {
        let flushed = self.file.as_mut().map_or(Ok(()), BufWriter::flush);
        flushed.map_err(|error| self.cannot(&error))
    }

    /// All requests were replayed: nothing may be left of what was there before.
    pub(super) fn finish(&mut self) -> Result<(), Failure> {
        self.flush()?;
        if self.ahead.is_some() { Err(other_corpus(&self.path)) } else { Ok(()) }
    }

    fn cannot(&self, error: &io::Error) -> Failure {
        Failure::unreadable(format!("cannot write {}: {error}", self.path.display()))
    }
}

/// Results that do not fit to the requests.
fn other_corpus(path: &Path) -> Failure {
    Failure::usage(format!(
        "{} has results of other requests: resume with the same corpora and levels, in the same order",
        path.display()
    ))
}

/// Where the last whole line ends.
fn whole_lines(file: &mut File) -> io::Result<u64> {
    let mut end = file.seek(SeekFrom::End(0))?;
    while end > 0 {
        let start = end.saturating_sub(BLOCK);
        file.seek(SeekFrom::Start(start))?;
        let mut block = Vec::new();
        Read::by_ref(file).take(end - start).read_to_end(&mut block)?;
        if let Some(at) = block.iter().rposition(|&byte| byte == b'\n') {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}
