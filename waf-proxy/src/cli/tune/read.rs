//! Reading logs: one thread cuts them into blocks at line ends, the others parse.

use std::fs::File;
use std::io::{self, BufReader, IsTerminal, Read};
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use flate2::read::MultiGzDecoder;
use indicatif::{ProgressBar, ProgressStyle};

use super::Failure;
use crate::tune::limits;

/// What a compressed log begins with (RFC 1952 section 2.3.1).
pub(in crate::cli) const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Bytes of a block.
const BLOCK: usize = 1 << 20;

/// Blocks that wait.
const AHEAD: usize = 4;

/// What the lines of some logs come to: each worker has its own sum.
pub(in crate::cli) fn gather<T: Send>(
    logs: &[String],
    new: impl Fn() -> T + Sync,
    add: impl Fn(&mut T, &[u8]) + Sync,
) -> Result<Vec<T>, Failure> {
    let (sender, receiver) = sync_channel::<Vec<u8>>(AHEAD);
    let receiver = Arc::new(Mutex::new(receiver));
    let progress = progress(logs);
    thread::scope(|scope| {
        let count = thread::available_parallelism().map_or(1, usize::from);
        let workers: Vec<_> = (0..count)
            .map(|_| {
                let (receiver, new, add) = (Arc::clone(&receiver), &new, &add);
                scope.spawn(move || work(&receiver, new(), add))
            })
            .collect();
        drop(receiver);
        let read = logs.iter().try_for_each(|log| {
            read_log(log, &sender, &progress)
                .map_err(|error| Failure::unreadable(format!("cannot read {log}: {error}")))
        });
        drop(sender);
        let panicked = |_| Failure::unreadable("a reader panicked: this is a bug");
        let sums: Result<Vec<T>, Failure> =
            workers.into_iter().map(|worker| worker.join().map_err(panicked)).collect();
        progress.finish_and_clear();
        read.and(sums)
    })
}

fn work<T>(blocks: &Mutex<Receiver<Vec<u8>>>, mut sum: T, add: impl Fn(&mut T, &[u8])) -> T {
    loop {
        let next = blocks.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(block) = next else { return sum };
        block.split(|&byte| byte == b'\n').for_each(|line| add(&mut sum, line));
    }
}

/// Opens a log, `-` for standard input; compressed ones are known by their first bytes.
fn read_log(log: &str, blocks: &SyncSender<Vec<u8>>, progress: &ProgressBar) -> io::Result<()> {
    let mut input: Box<dyn Read> = match log {
        "-" => Box::new(progress.wrap_read(io::stdin().lock())),
        path => Box::new(progress.wrap_read(File::open(Path::new(path))?)),
    };
    let mut magic = Vec::new();
    input.by_ref().take(2).read_to_end(&mut magic)?;
    let is_gzip = magic == GZIP;
    let input = io::Cursor::new(magic).chain(input);
    if is_gzip {
        cut(MultiGzDecoder::new(BufReader::with_capacity(BLOCK, input)), blocks)
    } else {
        cut(input, blocks)
    }
}

/// Sends whole lines on, a block at a time.
fn cut(mut input: impl Read, blocks: &SyncSender<Vec<u8>>) -> io::Result<()> {
    let mut rest: Vec<u8> = Vec::new();
    loop {
        let mut block = Vec::with_capacity(rest.len() + BLOCK);
        block.append(&mut rest);
        let read = input.by_ref().take(BLOCK as u64).read_to_end(&mut block)?;
        if read == 0 {
            let _ = blocks.send(block);
            return Ok(());
        }
        match block.iter().rposition(|&byte| byte == b'\n') {
            Some(at) => rest.extend_from_slice(&block[at + 1..]),
            // A line that is this long is not ours: what is left of it will not be read.
            None if block.len() > limits::LINE => continue,
            None => rest = std::mem::take(&mut block),
        }
        block.truncate(block.len() - rest.len().min(block.len()));
        // No worker is left only where all have panicked, which the join tells.
        let _ = blocks.send(block);
    }
}

/// On a terminal only: how much of the files is read.
fn progress(logs: &[String]) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let size = |log: &String| std::fs::metadata(log).map_or(0, |about| about.len());
    let total: u64 = logs.iter().map(size).sum();
    let (bar, template) = match total {
        0 => (ProgressBar::new_spinner(), "{spinner} {bytes}, {bytes_per_sec}"),
        _ => (ProgressBar::new(total), "{bar:30} {percent} % of {total_bytes}, {eta} left"),
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed test should stop where it fails")]

    use super::*;

    #[test]
    fn blocks_hold_whole_lines_and_all_of_them() {
        let line = |n: usize| "x".repeat(n * 7_919 % 40_000) + "\n";
        let text: String = (0..300).map(line).collect::<String>() + "the last";
        assert!(text.len() > 4 * BLOCK);
        let (sender, receiver) = sync_channel(1_000);
        cut(io::Cursor::new(text.clone()), &sender).unwrap();
        drop(sender);
        let blocks: Vec<Vec<u8>> = receiver.iter().collect();
        let (_, whole) = blocks.split_last().unwrap();
        assert!(whole.iter().all(|block| block.ends_with(b"\n")));
        assert_eq!(blocks.concat(), text.into_bytes());
    }
}
