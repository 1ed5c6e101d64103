//! A suite through something that judges requests, and what came of it.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use waf_core::finding::Finding;
use waf_core::limits::Limits;
use waf_core::parse::framing::Framing;
use waf_core::policy::Policy;
use waf_core::record::{Masking, MaskingSettings, Source};

use super::albedo;
use super::judge::{Observed, judge};
use super::suite::{Suite, Test};
use crate::cut::Cut;
use crate::request::Request;
use crate::run::Runner;

/// What is tested: it gets the bytes of a request and tells what came of them.
pub trait Subject {
    /// Sends a request, or inspects it. An error ends the run: the subject is not there.
    fn observe(&mut self, request: &[u8], cut: Cut) -> io::Result<Observed>;
}

/// The engine in this process, with albedo behind it.
pub struct InProcess {
    runner: Runner,
    limits: Limits,
}

impl InProcess {
    /// The engine under a policy. Nothing is hidden in its log: expectations look at values.
    pub fn new(policy: &Arc<Policy>) -> Self {
        let open = MaskingSettings {
            query_values: false,
            fields: Vec::new(),
            headers: Vec::new(),
            patterns: Vec::new(),
            ..MaskingSettings::default()
        };
        let masking = Masking::new(&open).unwrap_or_default();
        let limits = policy.settings().limits.clone();
        Self { runner: Runner::new(Arc::clone(policy), masking), limits }
    }
}

impl Subject for InProcess {
    fn observe(&mut self, request: &[u8], cut: Cut) -> io::Result<Observed> {
        let mut request = Request::from_raw(request, &self.limits);
        // As the proxy does with what the server behind its reader would not take.
        if !matches!(&request.head.version[..], b"HTTP/1.0" | b"HTTP/1.1") {
            request.findings.push((Finding::ProtocolHead, 0));
        }
        let record = self.runner.exchange(&request, cut, albedo::respond);
        let refused = record.source != Source::Origin;
        // A server waits for the rest of a body until it loses its patience.
        let complete = match Framing::of(&request.head) {
            Ok(Framing::Length(length)) => request.body.len() as u64 >= length,
            _ => true,
        };
        if !complete && !refused {
            return Ok(Observed::nothing().logged(&record));
        }
        let response = if refused { Vec::new() } else { albedo::respond(&request).bytes() };
        let observed = Observed { status: record.status, response, ..Observed::default() };
        Ok(observed.logged(&record))
    }
}

/// What came of a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Its place in the suite.
    pub test: usize,
    /// What was expected and did not come, a sentence each; none when it passed.
    pub failures: Vec<String>,
}

impl Outcome {
    /// Whether everything came as expected.
    pub fn passed(&self) -> bool {
        self.failures.is_empty()
    }
}

/// What came of a suite.
#[derive(Clone, Debug, Default)]
pub struct Results {
    /// One for each test, in the order of the suite.
    pub outcomes: Vec<Outcome>,
}

/// Passed and failed tests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Everything came as expected.
    pub passed: u64,
    /// Something did not.
    pub failed: u64,
}

impl Results {
    /// The tests that failed.
    pub fn failed(&self) -> impl Iterator<Item = &Outcome> {
        self.outcomes.iter().filter(|outcome| !outcome.passed())
    }

    /// All tests.
    pub fn total(&self) -> Count {
        let failed = self.failed().count() as u64;
        Count { passed: self.outcomes.len() as u64 - failed, failed }
    }

    /// By file, in the order of their names.
    pub fn by_file<'a>(&self, suite: &'a Suite) -> BTreeMap<&'a str, Count> {
        let mut files: BTreeMap<&str, Count> = BTreeMap::new();
        for (test, outcome) in suite.tests.iter().zip(&self.outcomes) {
            let count = files.entry(&test.file).or_default();
            if outcome.passed() {
                count.passed += 1;
            } else {
                count.failed += 1;
            }
        }
        files
    }
}

/// Runs every test of a suite, `jobs` at once, each thread with a subject of its own. `cut` says how
/// the bodies of a test are cut. The first error ends the run.
pub fn run<S: Subject>(
    suite: &Suite,
    jobs: usize,
    subject: impl Fn() -> io::Result<S> + Sync,
    cut: impl Fn(usize) -> Cut + Sync,
) -> io::Result<Results> {
    let next = AtomicUsize::new(0);
    let stopped = AtomicBool::new(false);
    let outcomes = Mutex::new(Vec::with_capacity(suite.tests.len()));
    let work = || -> io::Result<()> {
        let mut subject = subject()?;
        while !stopped.load(Ordering::Relaxed) {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(test) = suite.tests.get(number) else { break };
            let failures = run_test(&mut subject, test, cut(number))?;
            let outcome = Outcome { test: number, failures };
            outcomes.lock().unwrap_or_else(PoisonError::into_inner).push(outcome);
        }
        Ok(())
    };
    let work = || work().inspect_err(|_| stopped.store(true, Ordering::Relaxed));
    thread::scope(|scope| {
        let workers: Vec<_> = (0..jobs.max(1)).map(|_| scope.spawn(work)).collect();
        let panicked = |_| Err(io::Error::other("the engine panicked: this is a bug"));
        workers.into_iter().try_for_each(|worker| worker.join().unwrap_or_else(panicked))
    })?;
    let mut outcomes = outcomes.into_inner().unwrap_or_else(PoisonError::into_inner);
    outcomes.sort_unstable_by_key(|outcome| outcome.test);
    Ok(Results { outcomes })
}

fn run_test(subject: &mut impl Subject, test: &Test, cut: Cut) -> io::Result<Vec<String>> {
    let mut failures = Vec::new();
    for (number, stage) in test.stages.iter().enumerate() {
        let mut wrong = judge(&stage.expected, &subject.observe(&stage.request, cut)?);
        if !wrong.is_empty() && stage.retry_once {
            wrong = judge(&stage.expected, &subject.observe(&stage.request, cut)?);
        }
        let place = match test.stages.len() {
            1 => String::new(),
            _ => format!("stage {}: ", number + 1),
        };
        failures.extend(wrong.into_iter().map(|wrong| format!("{place}{wrong}")));
    }
    Ok(failures)
}
