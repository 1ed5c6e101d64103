//! Work in parallel, results in order: the same output however many threads there are.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// A worker panicked: a bug of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Panicked;

/// An item, and where its result is waited for.
type Task<T, R> = (T, SyncSender<R>);

/// Gives every item to one of `jobs` workers and their results to `sink`, in the order of the items.
/// `items` is called and run through on a thread of its own, at most `ahead` items before the result
/// that `sink` waits for. An error of `sink` ends it all.
pub fn ordered<T, R, E, I, W>(
    (jobs, ahead): (usize, usize),
    items: impl FnOnce() -> I + Send,
    worker: impl Fn() -> W + Sync,
    mut sink: impl FnMut(R) -> Result<(), E>,
) -> Result<(), E>
where
    T: Send,
    R: Send,
    E: From<Panicked>,
    I: Iterator<Item = T>,
    W: FnMut(T) -> R,
{
    thread::scope(|scope| {
        let (tasks, taken) = sync_channel::<Task<T, R>>(jobs.max(1));
        let (waiting, results) = sync_channel::<Receiver<R>>(ahead.max(1));
        let taken = std::sync::Arc::new(Mutex::new(taken));
        let workers: Vec<_> = (0..jobs.max(1))
            .map(|_| {
                let (taken, worker) = (std::sync::Arc::clone(&taken), &worker);
                scope.spawn(move || work(&taken, worker()))
            })
            .collect();
        // Only workers hold it now: when the last has gone, so has the queue.
        drop(taken);
        let reader = scope.spawn(move || hand_out(items(), &tasks, &waiting));
        let ended = results.iter().try_for_each(|result| match result.recv() {
            Ok(result) => sink(result),
            Err(_) => Err(Panicked.into()),
        });
        drop(results);
        let panicked = [reader].into_iter().chain(workers).map(thread::ScopedJoinHandle::join);
        match panicked.filter(Result::is_err).count() {
            0 => ended,
            _ => ended.and(Err(Panicked.into())),
        }
    })
}

/// Ends when the items do, or when nobody waits for results any more.
fn hand_out<T, R>(
    items: impl Iterator<Item = T>,
    tasks: &SyncSender<Task<T, R>>,
    waiting: &SyncSender<Receiver<R>>,
) {
    for item in items {
        let (answer, result) = sync_channel(1);
        if waiting.send(result).is_err() || tasks.send((item, answer)).is_err() {
            return;
        }
    }
}

fn work<T, R>(tasks: &Mutex<Receiver<Task<T, R>>>, mut worker: impl FnMut(T) -> R) {
    loop {
        let next = tasks.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((item, answer)) = next else { return };
        // Nobody waits where the sink has given up.
        let _ = answer.send(worker(item));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    #[derive(Debug, PartialEq)]
    enum Ended {
        Panicked,
        Enough,
    }

    impl From<Panicked> for Ended {
        fn from(_: Panicked) -> Self {
            Self::Panicked
        }
    }

    #[test]
    fn results_come_in_the_order_of_the_items() {
        let mut results = Vec::new();
        let slow_first = |n: u64| {
            thread::sleep(Duration::from_millis(if n.is_multiple_of(8) { 5 } else { 0 }));
            n * 2
        };
        let sink = |result| {
            results.push(result);
            Ok::<_, Ended>(())
        };
        ordered((4, 3), || 0..100, || slow_first, sink).expect("it ends well");
        assert_eq!(results, (0..100).map(|n| n * 2).collect::<Vec<_>>());
    }

    #[test]
    fn no_more_is_read_ahead_than_was_said() {
        let read = AtomicUsize::new(0);
        let items = || (0..1_000).inspect(|_| _ = read.fetch_add(1, Ordering::SeqCst));
        let mut seen = 0;
        let sink = |()| {
            seen += 1;
            // In the queue, being handed out, and in this sink.
            assert!(read.load(Ordering::SeqCst) <= seen + 5 + 2, "{seen}");
            if seen == 200 { Err(Ended::Enough) } else { Ok(()) }
        };
        assert_eq!(ordered((2, 5), items, || |_| (), sink), Err(Ended::Enough));
        assert!(read.load(Ordering::SeqCst) < 220);
    }

    #[test]
    fn a_worker_that_panics_is_told() {
        let worker = || |n: u32| assert!(n != 7, "this panic is part of the test");
        assert_eq!(ordered((2, 4), || 0..1_000, worker, |()| Ok(())), Err(Ended::Panicked));
    }
}
