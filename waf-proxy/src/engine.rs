//! The engine behind a wall: a panic in it is a finding of its own, never a lost request.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use waf_core::finding::Finding;
use waf_core::parse::head::RequestHead;
use waf_core::record::{Decision, DecisionRecord, Source, Stop};
use waf_core::rule::Phase;
use waf_core::verdict::{Progress, Refusal};

use crate::candidate::Candidate;
use crate::settings::OnError;

/// The names of the engine that the proxy uses.
pub mod api {
    pub use waf_core::Scratch;
    pub use waf_core::parse::response::ResponseHead;
    pub use waf_core::policy::Policy;
    pub use waf_core::record::Masking;
    pub use waf_core::transaction::{About, Transaction};
}

use api::{About, Policy, ResponseHead, Scratch, Transaction};

thread_local! {
    /// Working memory, one per I/O thread: a call of the engine never waits, so never two at once.
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// The inspection of one request.
pub struct Inspection {
    transaction: Transaction,
    on_error: OnError,
    /// Bytes of body given so far.
    fed: u64,
    /// Bytes of the response's body given so far.
    response_fed: u64,
    failed: bool,
    refusal: Option<Refusal>,
    /// Time in the engine, by phase, in the order in which they began.
    spent: Vec<(Phase, Duration)>,
    /// What sees the same and has no say.
    candidate: Option<Box<Candidate>>,
}

impl Inspection {
    /// Before the first byte of a request.
    pub fn new(policy: Arc<Policy>, on_error: OnError) -> Self {
        let transaction = Transaction::new(policy);
        Self {
            transaction,
            on_error,
            fed: 0,
            response_fed: 0,
            failed: false,
            refusal: None,
            spent: Vec::new(),
            candidate: None,
        }
    }

    /// With a candidate beside it, which sees what the policy sees.
    #[must_use]
    pub fn beside(self, candidate: Arc<Policy>) -> Self {
        Self { candidate: Some(Box::new(Candidate::new(candidate))), ..self }
    }

    /// The policy that decides.
    pub fn policy(&self) -> &Arc<Policy> {
        self.transaction.policy()
    }

    /// The first refusal, once there is one.
    pub fn refusal(&self) -> Option<Refusal> {
        self.refusal
    }

    /// Bytes of body given to the engine.
    pub fn fed(&self) -> u64 {
        self.fed
    }

    /// Time in the engine, for each phase that began.
    pub fn spent(&self) -> &[(Phase, Duration)] {
        &self.spent
    }

    /// The head and what its reader found wrong with it.
    pub fn head(
        &mut self,
        head: &Arc<RequestHead>,
        client: &str,
        findings: &[(Finding, u64)],
    ) -> Option<Refusal> {
        let refusal = self.timed(Phase::RequestHeaders, |engine, scratch| {
            engine.request_head(Arc::clone(head), client, findings, scratch)
        });
        self.try_candidate(|engine, scratch| {
            engine.request_head(Arc::clone(head), client, findings, scratch);
        });
        self.refused(refusal.flatten())
    }

    /// Something that the proxy found itself.
    pub fn finding(&mut self, finding: Finding) -> Option<Refusal> {
        let refusal = self.call(|engine, _| engine.finding(finding));
        self.try_candidate(|engine, _| {
            engine.finding(finding);
        });
        self.refused(refusal.flatten())
    }

    /// The next bytes of the body.
    pub fn body(&mut self, piece: &[u8]) -> Progress {
        self.fed += piece.len() as u64;
        let progress =
            self.timed(Phase::RequestBody, |engine, scratch| engine.request_body(piece, scratch));
        self.try_candidate(|engine, scratch| {
            engine.request_body(piece, scratch);
        });
        self.progress(progress, self.fed)
    }

    /// The body is complete; called too when there is none.
    pub fn end(&mut self) -> Progress {
        let progress = self.timed(Phase::RequestBody, Transaction::request_end);
        self.end_candidate();
        self.progress(progress, self.fed)
    }

    /// A request that was refused at its head has no body: the candidate has seen all of it.
    pub fn end_candidate(&mut self) {
        self.try_candidate(|engine, scratch| {
            engine.request_end(scratch);
        });
    }

    /// The response's status and headers.
    pub fn response(&mut self, head: &ResponseHead) -> Option<Refusal> {
        let refusal = self
            .timed(Phase::ResponseHeaders, |engine, scratch| engine.response_head(head, scratch));
        self.try_candidate(|engine, scratch| {
            engine.response_head(head, scratch);
        });
        self.refused(refusal.flatten())
    }

    /// Whether the rules look at the body of the response.
    pub fn reads_response_body(&self) -> bool {
        self.transaction.reads_response_body()
    }

    /// The next bytes of the response's body.
    pub fn response_body(&mut self, piece: &[u8]) -> Progress {
        self.response_fed += piece.len() as u64;
        let progress =
            self.timed(Phase::ResponseBody, |engine, scratch| engine.response_body(piece, scratch));
        self.try_candidate(|engine, scratch| {
            engine.response_body(piece, scratch);
        });
        self.progress(progress, self.response_fed)
    }

    /// The body of the response is complete.
    pub fn response_end(&mut self) -> Option<Refusal> {
        let refusal = self.timed(Phase::ResponseBody, Transaction::response_end);
        self.try_candidate(|engine, scratch| {
            engine.response_end(scratch);
        });
        self.refused(refusal.flatten())
    }

    /// Why inspection ends early.
    pub fn stop(&mut self, stop: Stop) {
        self.call(|engine, _| engine.stop(stop));
        self.try_candidate(|engine, _| engine.stop(stop));
    }

    /// Everything has been seen: the rules that only tell are run.
    pub fn finish(&mut self) {
        self.call(|engine, _| engine.finish());
        self.try_candidate(|engine, _| engine.finish());
    }

    /// The record; none where the engine cannot even make one.
    pub fn record(&self, about: &About<'_>) -> Option<DecisionRecord> {
        let mut about = about.clone();
        if self.failed && self.on_error == OnError::Pass && about.source.is_none() {
            // The finding would block; the operator has decided otherwise.
            about.decision = Some(Decision::Pass);
            about.source = Some(Source::Origin);
        }
        let mut record = catch_unwind(AssertUnwindSafe(|| self.transaction.record(&about))).ok()?;
        if let Some(candidate) = self.candidate.as_ref().filter(|_| !self.failed) {
            let decided = self.transaction.decision();
            record.candidate = Some(candidate.record(decided, &record, &about));
        }
        Some(record)
    }

    pub(crate) fn try_candidate(&mut self, run: impl FnOnce(&mut Transaction, &mut Scratch)) {
        if let Some(candidate) = &mut self.candidate {
            candidate.run(run);
        }
    }

    /// Calls the engine and adds the time to a phase.
    fn timed<R>(
        &mut self,
        phase: Phase,
        run: impl FnOnce(&mut Transaction, &mut Scratch) -> R,
    ) -> Option<R> {
        let begun = Instant::now();
        let result = self.call(run);
        let time = begun.elapsed();
        match self.spent.iter_mut().find(|(known, _)| *known == phase) {
            Some((_, spent)) => *spent += time,
            None => self.spent.push((phase, time)),
        }
        result
    }

    /// Calls the engine unless it has failed; none when it fails.
    fn call<R>(&mut self, run: impl FnOnce(&mut Transaction, &mut Scratch) -> R) -> Option<R> {
        if self.failed {
            return None;
        }
        let transaction = &mut self.transaction;
        let result = SCRATCH.with_borrow_mut(|scratch| {
            let result = catch_unwind(AssertUnwindSafe(|| run(transaction, scratch)));
            if result.is_err() {
                *scratch = Scratch::default();
            }
            result
        });
        if result.is_err() {
            self.fail();
        }
        result.ok()
    }

    /// After a panic: nothing more is asked of the engine but the record.
    fn fail(&mut self) {
        self.failed = true;
        tracing::error!("the engine panicked; the request goes on by `on_error`");
        let transaction = &mut self.transaction;
        let told = catch_unwind(AssertUnwindSafe(|| {
            transaction.stop(Stop::Error);
            transaction.finding(Finding::EngineError)
        }));
        if told.is_err() {
            tracing::error!("the engine cannot take its own finding");
        }
        if self.on_error == OnError::Block {
            let status = Finding::EngineError.status();
            self.refused(Some(Refusal { status, source: Source::Waf }));
        }
    }

    fn refused(&mut self, refusal: Option<Refusal>) -> Option<Refusal> {
        self.refusal = self.refusal.or(refusal);
        self.refusal
    }

    /// After a failure that passes, everything that was given may go on.
    fn progress(&mut self, progress: Option<Progress>, fed: u64) -> Progress {
        let progress = progress.unwrap_or(Progress { forward: fed, refusal: None });
        Progress { refusal: self.refused(progress.refusal), ..progress }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic, reason = "the panic is what is tested")]
    use super::*;
    use waf_core::compile::compile;
    use waf_core::policy::PolicySettings;

    fn failed(on_error: OnError) -> Inspection {
        let compiled = compile(Vec::new(), vec![PolicySettings::default()]);
        let policy = compiled.unwrap_or_else(|reports| panic!("{reports:?}")).policies.remove(0);
        let mut inspection = Inspection::new(policy, on_error);
        inspection.body(b"before");
        assert!(inspection.call(|_, _| -> () { panic!("a bug") }).is_none());
        inspection
    }

    #[test]
    fn a_panic_refuses_with_503() {
        let mut inspection = failed(OnError::Block);
        let refusal = Some(Refusal { status: 503, source: Source::Waf });
        assert_eq!(inspection.refusal(), refusal);
        assert_eq!(inspection.body(b"after").refusal, refusal);
    }

    #[test]
    fn a_panic_lets_the_rest_pass_where_it_shall() {
        let mut inspection = failed(OnError::Pass);
        assert_eq!(inspection.refusal(), None);
        assert_eq!(inspection.body(b"after"), Progress { forward: 11, refusal: None });
        assert_eq!(inspection.end(), Progress { forward: 11, refusal: None });
    }
}
