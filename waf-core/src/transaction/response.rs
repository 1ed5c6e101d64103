//! The response: its head, and its body as one streamed field.
//!
//! It is scanned beside the request, whose body may still be coming, so it has a lane and facts of
//! its own.

use std::time::Instant;

use super::coded::Coded;
use super::points::{Fields, Points};
use super::{Transaction, refusal_of};
use crate::field::{Collection, Field, FieldName, FieldSink};
use crate::finding::Finding;
use crate::parse::response::{self, BodyReading, ResponseHead};
use crate::policy::ResponseBody;
use crate::record::InexactRecord;
use crate::rule::Phase;
use crate::scan::{Facts, Inexact, Lane, LaneSink, ScanContext, Scratch};
use crate::verdict::{Progress, Refusal};

/// What is known of a response.
#[derive(Debug)]
pub(super) struct Response {
    lane: Lane,
    facts: Facts,
    inexact: Inexact,
    points: Points,
    coded: Coded,
    /// The coding of its body, for records.
    coding: Option<&'static str>,
    /// Its body is looked at.
    reads: bool,
    ended: bool,
    /// Why its body, or the rest of it, is not looked at although it should be.
    left: Option<&'static str>,
}

impl Response {
    pub(super) fn new(hold: u64) -> Self {
        Self {
            lane: Lane::default(),
            facts: Facts::default(),
            inexact: Inexact::default(),
            points: Points::new(Phase::ResponseBody, hold),
            coded: Coded::identity(),
            coding: None,
            reads: false,
            ended: false,
            left: None,
        }
    }

    /// Whether its body is looked at and has not come to its end.
    pub(super) fn is_open(&self) -> bool {
        self.reads && !self.ended
    }

    /// The coding of its body.
    pub(super) fn coding(&self) -> Option<&'static str> {
        self.coding
    }

    /// Bytes of its body that were received; `None` where it is not looked at.
    pub(super) fn received(&self) -> Option<u64> {
        self.reads.then(|| self.coded.received())
    }

    /// What was not exact up to an offset.
    pub(super) fn inexact_until(&self, offset: u64) -> Vec<InexactRecord> {
        let mut inexact = self.inexact.until(offset);
        inexact.extend(self.left.map(|what| InexactRecord {
            field: Collection::ResponseBody.name().to_owned(),
            what: vec![what.to_owned()],
        }));
        inexact
    }

    /// The coding is broken, or grows like a bomb.
    fn leave(&mut self, finding: Finding) {
        self.left = Some(finding.id());
    }
}

impl Transaction {
    /// Judges the head of the response.
    pub fn response_head(&mut self, head: &ResponseHead, scratch: &mut Scratch) -> Option<Refusal> {
        let begun = Instant::now();
        self.phase = Phase::ResponseHeaders;
        self.prepare_body(head);
        let mut refusal = None;
        if self.policy.settings().response.headers {
            self.with_response(scratch, |sink| response::response_fields(head, sink));
            self.apply_response_facts();
            refusal = self.close_phase(Phase::ResponseHeaders, None);
            self.response.lane.restart();
            self.response.inexact.restart();
        }
        self.spent += begun.elapsed();
        refusal
    }

    /// Whether the body of the response is to be given to [`Self::response_body`]; known since its
    /// head.
    pub fn reads_response_body(&self) -> bool {
        self.response.reads
    }

    /// Judges the next bytes of the response's body, as received. What [`Progress::forward`] keeps
    /// back is to be kept only where bodies are blocked.
    pub fn response_body(&mut self, piece: &[u8], scratch: &mut Scratch) -> Progress {
        if self.decider.enforced() {
            return self.response_progress();
        }
        if !self.response.is_open() {
            self.response.coded.count(piece);
            return self.response_progress();
        }
        let begun = Instant::now();
        self.work.earn(piece.len());
        match self.feed_response(piece, scratch) {
            Ok(()) => self.advance_response(self.response.lane.frontier()),
            Err(finding) => {
                // What follows is the client's to make sense of; the record says so.
                self.response.leave(finding);
                self.settle_response(scratch);
            }
        }
        self.spent += begun.elapsed();
        self.response_progress()
    }

    /// The body of the response is complete.
    pub fn response_end(&mut self, scratch: &mut Scratch) -> Option<Refusal> {
        if !self.decider.enforced() && self.response.is_open() {
            let begun = Instant::now();
            if let Err(finding) = self.response.coded.finish() {
                self.response.leave(finding);
            }
            self.settle_response(scratch);
            self.spent += begun.elapsed();
        } else if !self.decider.enforced() {
            // SecLang rules have a phase for it, whether or not the body was read.
            self.run_program(Phase::ResponseBody);
            self.decider.judge(Phase::ResponseBody, None);
        }
        refusal_of(self.decider.verdict())
    }

    fn prepare_body(&mut self, head: &ResponseHead) {
        let wanted = &self.policy.settings().response;
        if wanted.body == ResponseBody::Off {
            return;
        }
        match response::reading(head, &self.head.method, &wanted.types) {
            BodyReading::Nothing => {}
            BodyReading::Left(what) => self.response.left = Some(what),
            BodyReading::Whole(coding) => {
                self.response.reads = true;
                self.response.coded = Coded::decoding(coding);
                self.response.coding = coding.map(|coding| coding.name());
            }
        }
    }

    /// Feeds received bytes to the field, decoded where they are coded.
    fn feed_response(&mut self, piece: &[u8], scratch: &mut Scratch) -> Result<(), Finding> {
        self.phase = Phase::ResponseBody;
        let mut coded = std::mem::replace(&mut self.response.coded, Coded::identity());
        let limits = self.policy.settings().limits.clone();
        let mut at = coded.decoded();
        let result = coded.feed(piece, &limits, &mut |bytes| {
            self.with_response(scratch, |sink| {
                if at == 0 {
                    let (collection, name) = (Collection::ResponseBody, FieldName::none());
                    sink.begin(Field { collection, name, at });
                }
                sink.bytes(bytes, at);
            });
            at += bytes.len() as u64;
        });
        self.with_response(scratch, |sink| sink.passed(at));
        self.response.coded = coded;
        result
    }

    /// Judges what is certain of the body up to `frontier`.
    fn advance_response(&mut self, frontier: u64) {
        let Response { points, facts, coded, .. } = &mut self.response;
        let (rows, totals, processor) = (&mut self.rows, &self.totals, self.by_type.name());
        let mut fields = Fields { rows, totals, processor };
        points.advance(frontier, facts, &mut self.decider, coded, &mut fields);
    }

    /// Everything that can be read of the body was read.
    fn settle_response(&mut self, scratch: &mut Scratch) {
        let length = self.response.coded.decoded();
        if length > 0 {
            self.with_response(scratch, |sink| sink.end(length));
        }
        self.advance_response(length);
        if !self.decider.enforced() {
            self.apply_response_facts();
            self.close_phase(Phase::ResponseBody, Some(length));
        }
        self.response.ended = true;
    }

    fn response_progress(&self) -> Progress {
        let received = self.response.coded.received();
        let refusal = refusal_of(self.decider.verdict());
        let all = self.response.ended || !self.response.reads;
        let forward = match (refusal, all) {
            (None, true) => received,
            // Nor does the last byte of a response go on before it is decided.
            _ => self.response.points.forward().min(received.saturating_sub(1)),
        };
        Progress { forward, refusal }
    }

    fn apply_response_facts(&mut self) {
        for fact in self.response.facts.take_until(u64::MAX) {
            self.decider.apply(&fact);
        }
    }

    fn with_response(&mut self, scratch: &mut Scratch, run: impl FnOnce(&mut dyn FieldSink)) {
        let mut context = ScanContext {
            policy: &self.policy,
            facts: &mut self.response.facts,
            totals: &mut self.totals,
            rows: &mut self.rows,
            guessed: false,
            inexact: &mut self.response.inexact,
            work: &mut self.work,
            scratch,
            lane: 0,
            parser: None,
            trace: self.trace.as_deref_mut(),
        };
        run(&mut LaneSink { lane: &mut self.response.lane, context: &mut context });
    }
}
