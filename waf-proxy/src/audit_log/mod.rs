//! Decision records on their way to people: the last ones in memory, for `pinpoint why`, and a
//! line each in a file or on standard output.
//!
//! Requests never wait for a disk unless `on_full: block` asks for it. Records go through a bounded
//! queue to a thread of their own; what finds no room and what the disk refuses is counted in
//! `pinpoint_audit_dropped_total` and said in the log.

mod format;
mod queue;
mod recent;
mod writer;

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use arc_swap::ArcSwap;
use prometheus::{IntCounter, IntCounterVec};
use waf_core::record::{CandidateRecord, Decision, DecisionRecord, Source};

pub use recent::Recent;
pub(crate) use recent::is_of;

use crate::config::{Audit, AuditLevel, OnFull, Sample};
use queue::Queue;
use writer::Writer;

/// Takes records; cheap to share.
#[derive(Debug)]
pub struct AuditLog {
    audit: ArcSwap<Audit>,
    queue: Arc<Queue>,
    recent: Recent,
    counters: Counters,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What the log counts of records that it does not write.
#[derive(Clone, Debug)]
pub struct Counters {
    /// Those that were lost.
    pub dropped: IntCounter,
    /// Those that `audit.sample` left out, by the rule that weighed most.
    pub sampled_out: IntCounterVec,
}

/// How an audit log is.
#[derive(Clone, Debug)]
pub struct LogState {
    /// Where records are appended.
    pub file: Option<PathBuf>,
    /// Whether they go to standard output, too.
    pub stdout: bool,
    /// Which requests have a record written.
    pub level: AuditLevel,
    /// What happens when the queue is full.
    pub on_full: OnFull,
    /// Records that wait to be written.
    pub waiting: usize,
    /// How many may wait.
    pub capacity: usize,
}

impl AuditLog {
    /// Opens the files and starts the thread.
    pub fn open(audit: &Audit, counters: Counters) -> io::Result<Self> {
        let writer = Writer::open(audit, counters.dropped.clone())?;
        let queue = Arc::new(Queue::new(audit.queue));
        let records = Arc::clone(&queue);
        let thread =
            thread::Builder::new().name("audit-log".into()).spawn(move || writer.run(&records))?;
        Ok(Self {
            audit: ArcSwap::from_pointee(audit.clone()),
            queue,
            recent: Recent::default(),
            counters,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Takes one record. Waits only under `on_full: block`.
    pub fn write(&self, record: DecisionRecord) {
        let record = Arc::new(record);
        if is_worth_asking(&record) {
            self.recent.push(Arc::clone(&record));
        }
        let audit = self.audit.load();
        if !is_wanted(&record, audit.level) {
            return;
        }
        if let Some(rule) = sampled_out(&record, &audit.sample) {
            self.counters.sampled_out.with_label_values(&[rule]).inc();
        } else if !self.queue.push(record, audit.on_full) {
            self.counters.dropped.inc();
        }
    }

    /// The records in memory.
    pub fn recent(&self) -> &Recent {
        &self.recent
    }

    /// How it is.
    pub fn state(&self) -> LogState {
        let (waiting, capacity) = self.queue.depth();
        let audit = self.audit.load();
        LogState {
            file: audit.file.clone(),
            stdout: audit.stdout,
            level: audit.level,
            on_full: audit.on_full,
            waiting,
            capacity,
        }
    }

    /// Takes over new settings; the file stays.
    pub fn reconfigure(&self, audit: &Audit) {
        self.queue.configure(audit.clone());
        self.audit.store(Arc::new(audit.clone()));
    }

    /// Opens the files anew, after a log rotation has moved them.
    pub fn reopen(&self) {
        self.queue.reopen();
    }

    /// Writes what waits and ends the thread. Later records are dropped and counted.
    pub fn close(&self) {
        self.queue.close();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // The thread does not panic; if it did, there is nothing left to write.
            let _ = thread.join();
        }
    }
}

impl Drop for AuditLog {
    fn drop(&mut self) {
        self.close();
    }
}

/// Whether the log is to have it.
fn is_wanted(record: &DecisionRecord, level: AuditLevel) -> bool {
    match level {
        AuditLevel::All => true,
        AuditLevel::Relevant => is_relevant(record),
        AuditLevel::Blocked => record.decision == Decision::Block,
    }
}

/// The rule that weighed most, where every rule that matched is sampled and none takes the request.
fn sampled_out<'a>(record: &'a DecisionRecord, samples: &[Sample]) -> Option<&'a str> {
    let is_out = |rule: &str| {
        let sample = samples.iter().find(|sample| sample.rule == rule);
        sample.is_some_and(|sample| !sample.share.takes(rule, &record.request_id))
    };
    let heaviest = record.matches.first()?;
    let all_out = record.matches.iter().all(|known| is_out(&known.rule_id));
    let differs = record.candidate.as_ref().is_some_and(CandidateRecord::differs);
    (all_out && !differs).then_some(heaviest.rule_id.as_str())
}

/// Something matched, or would have but for an exclusion, the request was not simply passed, or the
/// candidate sees it otherwise.
fn is_relevant(record: &DecisionRecord) -> bool {
    !record.matches.is_empty()
        || !record.excluded.is_empty()
        || record.decision != Decision::Pass
        || record.candidate.as_ref().is_some_and(CandidateRecord::differs)
}

/// Whether somebody may ask about it: what is relevant, what we answered ourselves, and every 403,
/// because the first question after any 403 is whose it is.
fn is_worth_asking(record: &DecisionRecord) -> bool {
    is_relevant(record) || record.source != Source::Origin || record.status == Some(403)
}

#[cfg(test)]
mod tests;
