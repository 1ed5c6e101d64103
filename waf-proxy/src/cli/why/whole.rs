//! Finding a record anywhere in a log: all cores look for the id, block by block from the end of the
//! file. Lines are looked at only around what is found.

use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use memchr::{memchr, memmem, memrchr};
use waf_core::record::DecisionRecord;

use super::lookup::last_in;

/// Bytes read at once: few enough to stay in the cache of a core.
const BLOCK: u64 = 256 * 1024;

/// Bytes of a line; `audit.record` is at most 1 MiB.
const LINE: u64 = 2 << 20;

/// The last record of the request in a file of one record a line, which `read` reads at a place.
pub(super) fn last_of(
    read: impl Fn(&mut [u8], u64) -> io::Result<()> + Sync,
    length: u64,
    request_id: &str,
) -> io::Result<Option<DecisionRecord>> {
    let search = Search {
        read,
        length,
        request_id,
        next: AtomicU64::new(0),
        last: AtomicU64::new(length.div_ceil(BLOCK)),
        found: Mutex::new(None),
    };
    let cores = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(|| search.work())).collect();
        let panicked = |_| io::Error::other("a reader panicked: this is a bug");
        workers.into_iter().try_for_each(|worker| worker.join().map_err(panicked)?)
    })?;
    let found = search.found.into_inner().map_err(|_| io::Error::other("a reader panicked"))?;
    Ok(found.map(|(_, record)| record))
}

/// A search that several threads share. Blocks are numbered from the end of the file.
struct Search<'a, R> {
    read: R,
    length: u64,
    request_id: &'a str,
    /// The block that is taken next.
    next: AtomicU64,
    /// From here on nothing is looked for: what is found lies further behind in the file.
    last: AtomicU64,
    found: Mutex<Option<(u64, DecisionRecord)>>,
}

impl<R: Fn(&mut [u8], u64) -> io::Result<()>> Search<'_, R> {
    fn work(&self) -> io::Result<()> {
        let finder = memmem::Finder::new(self.request_id);
        let mut buffer = Vec::new();
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if number >= self.last.load(Ordering::Relaxed) {
                return Ok(());
            }
            let end = self.length - number * BLOCK;
            let start = end.saturating_sub(BLOCK);
            // An id may stand across the end.
            let over = (self.length - end).min(self.request_id.len().saturating_sub(1) as u64);
            buffer.resize((end + over - start) as usize, 0);
            (self.read)(&mut buffer, start)?;
            if finder.find(&buffer).is_some()
                && let Some(record) = self.record_about(start, end + over)?
            {
                self.take(number, record);
            }
        }
    }

    /// The last record of the request in the lines that lie in a part of the file, whole or not.
    fn record_about(&self, start: u64, end: u64) -> io::Result<Option<DecisionRecord>> {
        let before = start.min(LINE);
        let mut text = vec![0; (before + end - start + LINE.min(self.length - end)) as usize];
        (self.read)(&mut text, start - before)?;
        let (before, part) = (before as usize, (end - start) as usize);
        let from = memrchr(b'\n', &text[..before]).map_or(0, |at| at + 1);
        let behind = before + part;
        let to = memchr(b'\n', &text[behind..]).map_or(text.len(), |at| behind + at);
        Ok(last_in(&text[from..to], self.request_id))
    }

    fn take(&self, number: u64, record: DecisionRecord) {
        self.last.fetch_min(number, Ordering::Relaxed);
        let Ok(mut found) = self.found.lock() else { return };
        if found.as_ref().is_none_or(|(known, _)| number < *known) {
            *found = Some((number, record));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed test should stop where it fails")]

    use super::*;
    use crate::test_record::{blocked, passed};

    fn line(record: &DecisionRecord) -> String {
        serde_json::to_string(record).unwrap() + "\n"
    }

    fn find(text: &str, request_id: &str) -> Option<DecisionRecord> {
        let read = |block: &mut [u8], place: u64| {
            let place = usize::try_from(place).unwrap();
            block.copy_from_slice(&text.as_bytes()[place..place + block.len()]);
            Ok(())
        };
        last_of(read, text.len() as u64, request_id).unwrap()
    }

    #[test]
    fn a_record_is_found_wherever_it_stands_in_the_file() {
        // Some blocks, lines of many lengths: every border falls into some line.
        let mut text = String::new();
        for index in 0..3_000 {
            let mut record = blocked(&format!("id-{index}"));
            record.request.path = "/".repeat(1 + index % 997);
            text += &line(&record);
        }
        assert!(text.len() as u64 > 4 * BLOCK);
        for index in (0..3_000).step_by(7).chain([2_999]) {
            let id = format!("id-{index}");
            assert_eq!(find(&text, &id).map(|record| record.request_id), Some(id));
        }
        assert_eq!(find(&text, "id-3000"), None);
        assert_eq!(find("", "id-0"), None);
    }

    #[test]
    fn the_last_of_several_counts_and_other_lines_do_not() {
        let mut early = passed("a");
        early.status = Some(500);
        let mut of_client = passed("b");
        of_client.client_request_id = Some("c".into());
        let mut quoting = passed("d");
        quoting.request.path = "/a".into();
        let text = line(&early)
            + &line(&passed("a"))
            + "{\"request_id\":\"a\"\n\n"
            + &line(&quoting)
            + &line(&of_client);
        assert_eq!(find(&text, "a").unwrap().status, Some(200));
        assert_eq!(find(&text, "c").unwrap().request_id, "b");
    }

    #[test]
    fn a_file_without_a_last_line_end_is_read() {
        assert!(find(line(&passed("a")).trim_end(), "a").is_some());
    }
}
