//! One request from head to record: holds the stages and calls them in order.
//!
//! ```text
//! request_head -> scan -> decide          the end of the head is a verdict point
//! request_body -> scan -> decide          one more at the end of the held body, then at every
//!                                         byte that makes a block certain
//! request_end  -> scan -> decide          and at the end
//! response_head, response_body, response_end: the same for what the origin answers
//! ```
//! Where pieces of the body are cut changes nothing but how early [`Progress`] lets bytes go on.

mod about;
mod coded;
mod lanes;
mod points;
mod response;
mod trace;

use std::sync::Arc;
use std::time::{Duration, Instant};

pub use about::About;
use coded::Coded;
use lanes::Lanes;
use points::{Fields, Points};
use response::Response;

use crate::automaton::Work;
use crate::decide::{Decider, ProgramState, Verdict};
use crate::field::{Collection, FieldSink};
use crate::finding::Finding;
use crate::limits::{self, LOOK_BACK};
use crate::parse::body::{Body, Lane, Processor, Streams};
use crate::parse::head::RequestHead;
use crate::parse::request;
use crate::parse::uri::{self, TargetParts};
use crate::policy::{OnPartial, Policy};
use crate::record::Stop;
use crate::rule::Phase;
use crate::scan::{
    self, Evidence, Fact, Facts, Inexact, LaneSink, Rows, ScanContext, Scratch, Subject, Totals,
    Trace,
};
use crate::verdict::{Progress, Refusal};

/// One request (and its response).
#[derive(Debug)]
pub struct Transaction {
    policy: Arc<Policy>,
    head: Arc<RequestHead>,
    decider: Decider,
    facts: Facts,
    totals: Totals,
    rows: Rows,
    /// The body is of unknown type: its arguments are guesses.
    guessed: bool,
    inexact: Inexact,
    lanes: [scan::Lane; 3],
    work: Work,
    body: Option<Body>,
    processor: Option<&'static str>,
    /// The parser of a body by its type.
    by_type: Processor,
    coded: Coded,
    phase: Phase,
    points: Points,
    ended: bool,
    response: Response,
    stop: Option<Stop>,
    spent: Duration,
    /// Exclusions of the policy, from the last, that do not apply.
    without_last: usize,
    /// Kept only where [`Self::traced`] asked for it.
    trace: Option<Box<Trace>>,
}

impl Transaction {
    /// A request that will be judged by a policy.
    pub fn new(policy: Arc<Policy>) -> Self {
        let hold = policy.settings().limits.hold;
        Self {
            head: Arc::default(),
            decider: Decider::new(Arc::clone(&policy)),
            facts: Facts::default(),
            totals: Totals::default(),
            rows: Rows::watched_for(&policy),
            guessed: false,
            inexact: Inexact::of(policy.settings().on_partial),
            lanes: <[scan::Lane; 3]>::default(),
            work: Work::request(),
            body: None,
            processor: None,
            by_type: Processor::None,
            coded: Coded::identity(),
            phase: Phase::RequestHeaders,
            points: Points::new(Phase::RequestBody, hold),
            ended: false,
            response: Response::new(hold),
            stop: None,
            spent: Duration::ZERO,
            without_last: 0,
            trace: None,
            policy,
        }
    }

    /// The same without the last `count` exclusions of the policy: what each of them lets in is the
    /// difference.
    #[must_use]
    pub fn without_last(mut self, count: usize) -> Self {
        self.without_last = count;
        self
    }

    /// Judges the head. `findings` are what its reader and [`request::validate`] found, with their
    /// offsets. A refusal is to be carried out.
    pub fn request_head(
        &mut self,
        head: impl Into<Arc<RequestHead>>,
        remote_addr: &str,
        findings: &[(Finding, u64)],
        scratch: &mut Scratch,
    ) -> Option<Refusal> {
        let begun = Instant::now();
        let head: Arc<RequestHead> = head.into();
        self.head = Arc::clone(&head);
        let path = uri::clean_path(TargetParts::of(&head.target).path);
        let mut exclusions =
            self.policy.active_exclusions(&head.method, &path.path, path.ambiguous);
        exclusions.iter_mut().rev().take(self.without_last).for_each(|active| *active = false);
        self.decider.set_exclusions(exclusions);
        self.work.earn(head.target.len() + head.headers.iter().map(|h| h.1.len()).sum::<usize>());
        let policy = Arc::clone(&self.policy);
        self.with_sink(0, None, scratch, |sink| {
            for &(finding, at) in findings {
                sink.finding(finding, at);
            }
            request::fields(&head, remote_addr, &policy.settings().limits, sink);
        });
        self.coded = Coded::of(&head);
        self.by_type = Processor::choose(head.value("content-type"), true);
        self.drain(u64::MAX);
        let refusal = self.close_phase(Phase::RequestHeaders, None);
        self.phase = Phase::RequestBody;
        self.inexact.restart();
        self.lanes.iter_mut().for_each(scan::Lane::restart);
        self.spent += begun.elapsed();
        refusal
    }

    /// Something the proxy found itself, here and now.
    pub fn finding(&mut self, finding: Finding) -> Option<Refusal> {
        let offset = (self.phase == Phase::RequestBody).then_some(self.coded.decoded());
        self.fact(finding, offset.unwrap_or(0));
        self.drain(u64::MAX);
        refusal_of(self.decider.judge(self.phase, offset))
    }

    /// Judges the next bytes of the body, as received.
    pub fn request_body(&mut self, piece: &[u8], scratch: &mut Scratch) -> Progress {
        if self.decider.enforced() || self.ended {
            return self.progress();
        }
        let begun = Instant::now();
        let limit = self.policy.settings().limits.body.unwrap_or(u64::MAX);
        let allowed = limit.saturating_sub(self.coded.received());
        let within = piece.len().min(usize::try_from(allowed).unwrap_or(usize::MAX));
        self.work.earn(piece.len());
        for part in piece[..within].chunks(limits::PIECE) {
            self.feed(part, scratch);
            self.advance(self.frontier());
            if self.decider.enforced() {
                break;
            }
        }
        if within < piece.len() {
            self.fact(Finding::LimitBody, self.coded.decoded());
            self.leave(Stop::Limit);
            self.coded.count(&piece[within..]);
        }
        let frontier = self.frontier();
        self.advance(frontier);
        self.spent += begun.elapsed();
        self.progress()
    }

    /// The body is complete, or there is none.
    pub fn request_end(&mut self, scratch: &mut Scratch) -> Progress {
        if self.decider.enforced() || self.ended {
            return self.progress();
        }
        let begun = Instant::now();
        if let Err(finding) = self.coded.finish() {
            self.fact(finding, self.coded.decoded());
        }
        let mut body = self.open_body(false);
        self.with_streams(scratch, |streams| body.finish(streams));
        self.combined_size(scratch);
        let length = self.coded.decoded();
        self.advance(length);
        if !self.decider.enforced() {
            self.drain(u64::MAX);
            self.close_phase(Phase::RequestBody, Some(length));
        }
        self.ended = true;
        self.spent += begun.elapsed();
        self.progress()
    }

    /// Everything has been seen: the rules of the logging phase are run, once. They refuse nothing.
    pub fn finish(&mut self) {
        if self.phase != Phase::Logging {
            self.phase = Phase::Logging;
            self.run_program(Phase::Logging);
        }
    }

    /// Inspection stops here, before the end. The first reason stays.
    pub fn stop(&mut self, stop: Stop) {
        self.stop = self.stop.or(Some(stop));
    }

    /// Whether the end of the request has been seen.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// The policy it is judged by.
    pub fn policy(&self) -> &Arc<Policy> {
        &self.policy
    }

    /// The parsers of the body, chosen when it begins: bytes that come are inspected, whatever the
    /// head said of them.
    fn open_body(&mut self, has_body: bool) -> Body {
        if let Some(body) = self.body.take() {
            return body;
        }
        let chosen = self.decider.program().and_then(ProgramState::processor);
        let processor = match chosen {
            _ if !has_body => Processor::None,
            Some(name) => Processor::named(name, self.head.value("content-type")),
            None => self.by_type.clone(),
        };
        self.processor = parser_of(&processor);
        self.guessed = processor.is_guessed();
        Body::new(&processor, &self.policy.settings().limits)
    }

    /// Feeds received bytes to the body's parsers, decoded where they are coded.
    fn feed(&mut self, piece: &[u8], scratch: &mut Scratch) {
        if piece.is_empty() {
            return;
        }
        let mut body = self.open_body(true);
        let mut coded = std::mem::replace(&mut self.coded, Coded::identity());
        let limits = self.policy.settings().limits.clone();
        let result = coded.feed(piece, &limits, &mut |bytes| {
            self.with_streams(scratch, |streams| body.feed(bytes, streams));
        });
        let passed = coded.decoded().saturating_sub(LOOK_BACK);
        self.with_streams(scratch, |streams| {
            for lane in [Lane::Raw, Lane::Main, Lane::Guess] {
                streams.stream(lane).passed(passed);
            }
        });
        self.coded = coded;
        self.body = Some(body);
        if let Err(finding) = result {
            self.fact(finding, self.coded.decoded());
            self.leave(Stop::Error);
        }
    }

    /// What follows of the body is not inspected.
    fn leave(&mut self, stop: Stop) {
        self.stop(stop);
        if self.policy.settings().on_partial == OnPartial::Block {
            self.fact(Finding::LimitPartial, self.coded.decoded());
        }
    }

    /// How far everything is scanned: no fact to come will need fewer bytes.
    fn frontier(&self) -> u64 {
        self.lanes.iter().map(scan::Lane::frontier).min().unwrap_or(0)
    }

    /// Judges what is certain of the body up to `frontier`.
    fn advance(&mut self, frontier: u64) {
        let (rows, totals, processor) = (&mut self.rows, &self.totals, self.by_type.name());
        let mut fields = Fields { rows, totals, processor };
        let Self { points, facts, decider, coded, .. } = self;
        points.advance(frontier, facts, decider, coded, &mut fields);
    }

    fn drain(&mut self, frontier: u64) {
        for fact in self.facts.take_until(frontier) {
            self.decider.apply(&fact);
        }
    }

    fn close_phase(&mut self, phase: Phase, offset: Option<u64>) -> Option<Refusal> {
        self.decider.settle(phase, &self.totals);
        self.run_program(phase);
        refusal_of(self.decider.judge(phase, offset))
    }

    /// The SecLang rules of a phase.
    fn run_program(&mut self, phase: Phase) {
        self.decider.run(phase, &self.rows, &self.totals, &self.facts, self.by_type.name());
        if self.decider.program().is_some_and(ProgramState::is_full) {
            self.fact(Finding::LimitTables, self.coded.decoded());
            self.drain(u64::MAX);
        }
    }

    fn progress(&self) -> Progress {
        let refusal = self.decider.verdict().filter(|verdict| verdict.enforced);
        let forward = match (refusal, self.ended) {
            (None, true) => self.coded.received(),
            // The last byte of a body never goes on before the request is decided.
            _ => self.points.forward().min(self.coded.received().saturating_sub(1)),
        };
        Progress { forward, refusal: refusal.map(|verdict| verdict.refusal) }
    }

    fn fact(&mut self, finding: Finding, at: u64) {
        let subject = Subject::Finding(finding);
        if !self.facts.only_counts(subject, at, 0) {
            let evidence = Evidence::of_finding(None, at);
            self.facts.push(Fact { needed: at, lane: 0, subject, plan: None, evidence });
        }
    }

    /// `ARGS_COMBINED_SIZE`, known at the end.
    fn combined_size(&mut self, scratch: &mut Scratch) {
        let size = self.totals.bytes_of(&[
            Collection::ArgsGet,
            Collection::ArgsGetNames,
            Collection::ArgsPost,
            Collection::ArgsPostNames,
        ]);
        let end = self.coded.decoded();
        self.with_sink(1, None, scratch, |sink| {
            let field = crate::field::Field {
                collection: Collection::ArgsCombinedSize,
                name: crate::field::FieldName::none(),
                at: end,
            };
            sink.begin(field);
            sink.decoded(size.to_string().as_bytes(), end);
            sink.end(end);
        });
    }

    fn with_sink(
        &mut self,
        lane: usize,
        parser: Option<&'static str>,
        scratch: &mut Scratch,
        run: impl FnOnce(&mut dyn FieldSink),
    ) {
        let mut context = ScanContext {
            policy: &self.policy,
            facts: &mut self.facts,
            totals: &mut self.totals,
            rows: &mut self.rows,
            inexact: &mut self.inexact,
            work: &mut self.work,
            scratch,
            lane,
            parser,
            guessed: false,
            trace: self.trace.as_deref_mut(),
        };
        run(&mut LaneSink { lane: &mut self.lanes[lane], context: &mut context });
    }

    fn with_streams(&mut self, scratch: &mut Scratch, run: impl FnOnce(&mut dyn Streams)) {
        let context = ScanContext {
            policy: &self.policy,
            facts: &mut self.facts,
            totals: &mut self.totals,
            rows: &mut self.rows,
            inexact: &mut self.inexact,
            work: &mut self.work,
            scratch,
            lane: 0,
            parser: None,
            guessed: self.guessed,
            trace: self.trace.as_deref_mut(),
        };
        run(&mut Lanes::new(&mut self.lanes, context, self.processor));
    }
}

fn refusal_of(verdict: Option<Verdict>) -> Option<Refusal> {
    verdict.filter(|verdict| verdict.enforced).map(|verdict| verdict.refusal)
}

/// How records name the parser of a body.
fn parser_of(processor: &Processor) -> Option<&'static str> {
    match processor {
        Processor::Form | Processor::Unknown(_) => Some("form"),
        Processor::Multipart(_) | Processor::Mixed(_) => Some("multipart"),
        Processor::Json(_) => Some("json"),
        Processor::Xml => Some("xml"),
        Processor::None => None,
    }
}
