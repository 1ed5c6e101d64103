//! One stream of fields. A value is gathered up to the window, where everything about it is exact;
//! a longer one goes on as a stream, block by block.
//!
//! A body may be read by up to three parsers at once (raw, as its type says, as a guess), each with
//! a lane of its own.

use std::sync::Arc;

use super::evidence::Evidence;
use super::facts::{Fact, Facts, Subject, Totals};
use super::inexact::Inexact;
use super::locate::{self, Placed};
use super::pipeline::{Output, Piece, RawHit, Then};
use super::rows::{Row, Rows};
use super::scratch::Scratch;
use super::sightings::Sighting;
use super::stream::{self, NodeState, Step};
use super::trace::Trace;
use super::whole;
use super::widths::Widths;
use crate::automaton::Work;
use crate::field::{Collection, Field, FieldSink};
use crate::finding::Finding;
use crate::limits;
use crate::policy::Policy;
use crate::record::Alphabet;
use crate::ruleset::{ClassId, FieldPlan, NameCursor, Probe, RuleSet, SignatureId};

/// What the lanes of a request share while they scan.
pub(crate) struct ScanContext<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) facts: &'a mut Facts,
    pub(crate) totals: &'a mut Totals,
    pub(crate) rows: &'a mut Rows,
    pub(crate) inexact: &'a mut Inexact,
    pub(crate) work: &'a mut Work,
    pub(crate) scratch: &'a mut Scratch,
    /// Which of the lanes is written.
    pub(crate) lane: usize,
    /// How the fields are parsed, for the records.
    pub(crate) parser: Option<&'static str>,
    /// Its fields are guesses about a body of unknown type, which SecLang rules do not see.
    pub(crate) guessed: bool,
    /// Where everything is noted, when somebody asks.
    pub(crate) trace: Option<&'a mut Trace>,
}

impl ScanContext<'_> {
    /// Whether a field of a collection is a guess, of which no row is made.
    fn is_guess(&self, collection: Collection) -> bool {
        use Collection::{ArgsPost, ArgsPostNames, Xml};
        self.guessed && matches!(collection, ArgsPost | ArgsPostNames | Xml)
    }
}

/// One stream of fields.
#[derive(Debug, Default)]
pub(crate) struct Lane {
    names: NameCursor,
    field: Option<Open>,
    /// Memory for the name of the next field.
    name: Vec<u8>,
    /// Value bytes not scanned yet.
    buffer: Vec<u8>,
    widths: Widths,
    /// States of the value's nodes, once it has become a stream.
    states: Vec<NodeState>,
    /// Where the last event was: a function of the source alone.
    reported: u64,
    /// Source bytes about which nothing more will be reported: how far depends on the pieces.
    passed: u64,
}

/// The field that is open.
#[derive(Debug)]
struct Open {
    collection: Collection,
    class: ClassId,
    name: Vec<u8>,
    at: u64,
    /// Whether anything is asked of it.
    asked: bool,
    /// Value bytes seen.
    length: u64,
    /// Part of the value has been scanned already.
    streaming: bool,
    /// What was found in it, where joints ask: signature, source byte, evidence.
    found: Vec<(SignatureId, u64, Evidence)>,
    /// What SecLang rules will know of it.
    row: Draft,
    /// Its number in the trace.
    traced: Option<usize>,
}

/// What is known of a field for its row.
#[derive(Debug, Default)]
struct Draft {
    facts: Vec<SignatureId>,
    seen: Vec<(SignatureId, Evidence)>,
    value: Option<Box<[u8]>>,
}

impl Draft {
    /// Keeps a whole value, where a row will be made of it.
    fn keep(&mut self, plan: &FieldPlan, value: &[u8]) {
        if plan.noted.always || !self.facts.is_empty() {
            self.value = Some(value.into());
        }
    }
}

impl Lane {
    /// Source bytes before this offset are scanned, and no fact will need fewer.
    pub(crate) fn frontier(&self) -> u64 {
        let known = self.reported.max(self.passed);
        if self.buffer.is_empty() { known } else { known.min(self.widths.source_after(0)) }
    }

    /// Another source begins at offset 0.
    pub(crate) fn restart(&mut self) {
        self.names.reset();
        self.field = None;
        self.buffer.clear();
        self.states.clear();
        self.reported = 0;
        self.passed = 0;
    }
}

/// A lane at work.
pub(crate) struct LaneSink<'a, 'b> {
    pub(crate) lane: &'a mut Lane,
    pub(crate) context: &'a mut ScanContext<'b>,
}

impl FieldSink for LaneSink<'_, '_> {
    fn begin(&mut self, field: Field<'_>) {
        let policy = self.context.policy;
        let (classes, known) = (&policy.ruleset().names, &mut self.context.scratch.names);
        let class = self.lane.names.classify(classes, field.name, known);
        let mut name = std::mem::take(&mut self.lane.name);
        name.clear();
        let plan = policy.plan(field.collection, class);
        let asked =
            !(plan.is_empty() || self.context.is_guess(field.collection) && plan.is_all_noted());
        if asked {
            let kept = field.name.text.len().min(limits::NAME_KEPT);
            name.extend_from_slice(&field.name.text[..kept]);
        }
        let parser = self.context.parser;
        let traced = self.context.trace.as_mut().and_then(|trace| trace.field(&field, parser));
        self.lane.buffer.clear();
        self.lane.widths.restart(field.at);
        self.lane.field = Some(Open {
            collection: field.collection,
            class,
            name,
            at: field.at,
            asked,
            length: 0,
            streaming: false,
            found: Vec::new(),
            row: Draft::default(),
            traced,
        });
    }

    fn bytes(&mut self, bytes: &[u8], at: u64) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let from = at + (bytes.len() - rest.len()) as u64;
            let count = rest.len().min(self.make_room(from + 1));
            self.gather(&rest[..count], |widths| widths.verbatim(count, from));
            rest = &rest[count..];
        }
        self.lane.reported = at + bytes.len() as u64;
    }

    fn decoded(&mut self, bytes: &[u8], end: u64) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let count = rest.len().min(self.make_room(end));
            self.gather(&rest[..count], |widths| widths.spelled(count, end));
            rest = &rest[count..];
        }
        self.lane.reported = self.lane.reported.max(end);
    }

    fn end(&mut self, end: u64) {
        self.scan(Then::End, end);
        if let Some(mut open) = self.lane.field.take() {
            let guessed = self.context.is_guess(open.collection);
            self.context.totals.add(open.collection, open.class, open.length, guessed);
            if !guessed {
                self.row(&mut open, end);
            }
            self.lane.name = open.name;
        }
        self.lane.reported = self.lane.reported.max(end);
    }

    fn finding(&mut self, finding: Finding, at: u64) {
        let needed = self.lane.reported.max(at.saturating_add(1));
        let subject = Subject::Finding(finding);
        if self.context.facts.only_counts(subject, needed, self.context.lane) {
            return;
        }
        let evidence = Evidence {
            parser: self.context.parser,
            ..Evidence::of_finding(self.lane.field.as_ref().map(|open| open.collection), at)
        };
        self.context.facts.push(Fact {
            needed,
            lane: self.context.lane,
            subject,
            plan: None,
            evidence,
        });
    }

    fn passed(&mut self, offset: u64) {
        if self.lane.field.as_ref().is_some_and(|open| open.streaming) {
            let end = self.lane.widths.end();
            self.scan(Then::More, end);
        }
        self.lane.passed = self.lane.passed.max(offset);
    }
}

impl LaneSink<'_, '_> {
    /// A field that ended becomes a row, where SecLang rules must know of it.
    fn row(&mut self, open: &mut Open, end: u64) {
        let plan = self.context.policy.plan(open.collection, open.class);
        if open.row.facts.is_empty() && !plan.noted.always {
            return;
        }
        let Draft { mut facts, seen, value } = std::mem::take(&mut open.row);
        facts.sort_unstable();
        facts.dedup();
        let row = Row {
            collection: open.collection,
            class: open.class,
            name: open.name.as_slice().into(),
            value,
            length: open.length,
            at: open.at,
            end,
            parser: self.context.parser,
            facts: facts.into(),
            seen,
            count: 1,
        };
        if !self.context.rows.push(row) {
            self.finding(Finding::LimitTables, end.saturating_sub(1));
        }
    }

    /// What hits say of the field's row. Hits that say nothing else go no further.
    /// Of a value that is `whole` the row keeps it.
    fn note(&mut self, plan: &FieldPlan, hits: &mut Vec<RawHit>, whole: Option<&[u8]>) {
        let Some(open) = &mut self.lane.field else { return };
        let noted = &plan.noted.signatures;
        hits.retain(|hit| {
            if noted.binary_search(&hit.signature).is_err() {
                return true;
            }
            open.row.facts.push(hit.signature);
            whole.is_none() || !plan.is_only_noted(hit.signature)
        });
        if let Some(value) = whole {
            open.row.keep(plan, value);
        }
    }

    /// Whether the answer for the whole value that is gathered is known from before; then it is
    /// given.
    fn recall(&mut self, plan: &FieldPlan) -> bool {
        let Some(open) = &mut self.lane.field else { return false };
        if open.traced.is_some() {
            return false;
        }
        let Some(row) = self.context.scratch.known.get(plan, &self.lane.buffer) else {
            return false;
        };
        open.row.facts.extend_from_slice(row);
        open.row.keep(plan, &self.lane.buffer);
        self.lane.buffer.clear();
        true
    }

    /// Remembers a whole value in which nothing was found but what its row holds.
    fn learn(&mut self, plan: &FieldPlan, value: &[u8]) {
        let Some(open) = &self.lane.field else { return };
        self.context.scratch.known.add(plan, value, &open.row.facts);
    }

    /// Value bytes that may be gathered now: at least one. What is full is scanned only when there
    /// is more, so that a value of just the window's length is still a whole one. The next of them
    /// is known since the source byte before `known`.
    fn make_room(&mut self, known: u64) -> usize {
        let Some(open) = &self.lane.field else { return usize::MAX };
        if !open.asked {
            return usize::MAX;
        }
        let window = self.context.policy.settings().limits.field_window;
        let full = if open.streaming { limits::STREAM_BLOCK } else { window };
        if self.lane.buffer.len() < full {
            return full - self.lane.buffer.len();
        }
        let then = if open.streaming { Then::More } else { Then::Window };
        if then == Then::Window {
            let plan = self.context.policy.plan(open.collection, open.class);
            self.context.inexact.longer(plan, open.collection, &open.name, known);
            if self.context.inexact.is_finding(plan) {
                self.finding(Finding::LimitPartial, known - 1);
            }
        }
        let end = self.lane.widths.end();
        self.scan(then, end);
        limits::STREAM_BLOCK
    }

    fn gather(&mut self, bytes: &[u8], note: impl FnOnce(&mut Widths)) {
        let Some(open) = &mut self.lane.field else { return };
        open.length += bytes.len() as u64;
        if let (Some(trace), Some(number)) = (&mut self.context.trace, open.traced) {
            trace.bytes(number, bytes);
        }
        if open.asked {
            note(&mut self.lane.widths);
            let window = self.context.policy.settings().limits.field_window;
            make_space(&mut self.lane.buffer, bytes.len(), window);
            self.lane.buffer.extend_from_slice(bytes);
        }
    }

    /// Scans what is gathered. `end` is the source offset that made the piece complete.
    fn scan(&mut self, then: Then, end: u64) {
        let policy = self.context.policy;
        let Some(open) = &mut self.lane.field else { return };
        let plan = policy.plan(open.collection, open.class);
        if plan.is_empty() {
            return;
        }
        let traced = open.traced;
        let piece = Piece { first: !open.streaming, then };
        let whole = piece.first && then == Then::End;
        open.streaming = !whole;
        if whole && self.recall(plan) {
            return;
        }
        let ruleset = policy.ruleset();
        let buffer = std::mem::take(&mut self.lane.buffer);
        let mut states = std::mem::take(&mut self.lane.states);
        let (work, scratch) = (&mut *self.context.work, &mut *self.context.scratch);
        scratch.candidates = traced.map(|_| Vec::new());
        let step = Step { plan, ruleset, input: &buffer, piece };
        let before = (!piece.first).then(|| locate::remember(&states));
        if whole {
            whole::run(plan, ruleset, &buffer, (work, scratch));
        } else {
            if piece.first {
                states = stream::start(plan, ruleset);
            }
            stream::run(&step, &mut states, work, scratch);
        }
        let outputs = std::mem::take(&mut scratch.outputs);
        let scanned = Scanned { plan, states: &states, outputs: &outputs, whole };
        if let (Some(trace), Some(number)) = (&mut self.context.trace, traced) {
            trace.piece(number, &scanned, ruleset, &buffer, scratch);
        }
        let mut hits = std::mem::take(&mut scratch.hits);
        if !plan.noted.is_empty() {
            self.note(plan, &mut hits, whole.then_some(&buffer));
        }
        if whole && traced.is_none() && hits.is_empty() {
            self.learn(plan, &buffer);
        }
        if !hits.is_empty() {
            let before = before.unwrap_or_else(|| locate::fresh(plan));
            let placed = locate::place(plan, &before, &buffer, &mut hits);
            self.report(&scanned, placed, &buffer, end);
        }
        self.context.scratch.hits = hits;
        if then == Then::End {
            self.end_joints(plan, end);
        }
        self.context.scratch.outputs = outputs;
        stream::settle(&step, &mut states, self.context.scratch);
        self.lane.buffer = buffer;
        self.lane.buffer.clear();
        self.lane.states = states;
        self.lane.widths.restart(self.lane.widths.end());
    }

    /// Placed hits to facts.
    fn report(&mut self, scanned: &Scanned<'_>, mut placed: Vec<Placed>, input: &[u8], end: u64) {
        let widths = &self.lane.widths;
        let needed = |placed: &Placed| match placed.input {
            Some(count) => widths.source_after(count),
            None => end,
        };
        placed.sort_by_key(|placed| (needed(placed), placed.hit.signature));
        let told: Vec<u64> = placed.iter().map(needed).collect();
        for (placed, needed) in placed.iter().zip(told) {
            self.tell(scanned, placed, input, needed);
        }
    }

    fn tell(&mut self, scanned: &Scanned<'_>, placed: &Placed, input: &[u8], needed: u64) {
        let Some(open) = &mut self.lane.field else { return };
        let signature = placed.hit.signature;
        let subject = Subject::Signature(signature, open.collection, open.class);
        let triggers = !scanned.plan.triggers_of(signature).is_empty();
        let counted =
            !triggers || self.context.facts.only_counts(subject, needed, self.context.lane);
        let noted = scanned.plan.noted.signatures.binary_search(&signature).is_ok();
        if counted && scanned.plan.joints.is_empty() && !noted {
            return;
        }
        let evidence = evidence(scanned, placed, open, input, self.context);
        if noted && !scanned.whole {
            open.row.seen.push((signature, evidence.clone()));
            if !self.context.is_guess(open.collection) {
                self.context.rows.sightings.push(Sighting {
                    needed,
                    collection: open.collection,
                    class: open.class,
                    signature,
                    streamed: Some(Box::new(evidence.clone())),
                });
            }
        }
        if !counted {
            let plan = Some(Arc::clone(scanned.plan));
            let evidence = evidence.clone();
            self.context.facts.push(Fact {
                needed,
                lane: self.context.lane,
                subject,
                plan,
                evidence,
            });
        }
        if !scanned.plan.joints.is_empty() {
            open.found.push((signature, needed, evidence));
            self.try_joints(scanned.plan, false, needed);
        }
    }

    /// Joints with a `not` are known only now.
    fn end_joints(&mut self, plan: &Arc<FieldPlan>, end: u64) {
        // What is shown of a joint is what was found.
        if self.lane.field.as_ref().is_some_and(|open| !open.found.is_empty()) {
            self.try_joints(plan, true, end);
        }
    }

    /// Joints that hold with what was found so far become facts, once a value.
    fn try_joints(&mut self, plan: &Arc<FieldPlan>, at_end: bool, needed: u64) {
        let policy = self.context.policy;
        let ruleset = policy.ruleset();
        let (prompt, waiting) = plan.joints.split_at(plan.prompt);
        for &(at, signature) in if at_end { waiting } else { prompt } {
            let joint = &ruleset.joints[usize::from(at)];
            let Some(open) = &mut self.lane.field else { return };
            if open.found.iter().any(|(id, _, _)| *id == signature) {
                continue;
            }
            let found = &open.found;
            if !joint.holds(&|id| found.iter().any(|(known, _, _)| *known == id)) {
                continue;
            }
            let leading = joint.signatures();
            let shown =
                leading.iter().find_map(|id| found.iter().find(|(known, _, _)| known == id));
            let Some(evidence) = shown.map(|(_, _, evidence)| evidence.clone()) else { continue };
            open.found.push((signature, needed, evidence.clone()));
            let subject = Subject::Signature(signature, open.collection, open.class);
            if !self.context.facts.only_counts(subject, needed, self.context.lane) {
                let plan = Some(Arc::clone(plan));
                self.context.facts.push(Fact {
                    needed,
                    lane: self.context.lane,
                    subject,
                    plan,
                    evidence,
                });
            }
        }
    }
}

/// Makes room for more bytes: by doubling, but not beyond what is ever gathered.
fn make_space(buffer: &mut Vec<u8>, more: usize, most: usize) {
    let needed = buffer.len() + more;
    if needed > buffer.capacity() {
        let capacity = (2 * buffer.capacity()).min(most).max(needed);
        buffer.reserve_exact(capacity - buffer.len());
    }
}

/// One scanned piece.
pub(super) struct Scanned<'a> {
    pub(super) plan: &'a Arc<FieldPlan>,
    states: &'a [NodeState],
    pub(super) outputs: &'a [Output],
    /// The piece is the whole value.
    whole: bool,
}

/// What a record will tell about a hit.
fn evidence(
    scanned: &Scanned<'_>,
    placed: &Placed,
    open: &Open,
    input: &[u8],
    context: &ScanContext<'_>,
) -> Evidence {
    let node = placed.hit.node;
    let value = scanned.outputs[node].bytes(input, &context.scratch.buffers);
    // A stream's run has counted this piece already.
    let (tail, produced) = match scanned.states.get(node) {
        Some(state) if !scanned.whole => (state.tail.as_slice(), state.produced),
        _ => (&[][..], value.len() as u64),
    };
    let view = View { tail, base: produced - value.len() as u64, value, whole: scanned.whole };
    let (offset, length) = span(context.policy.ruleset(), placed, &view);
    let shown = offset.unwrap_or_else(|| placed.hit.end.saturating_sub(limits::EXCERPT as u64));
    let changed = if scanned.whole { changed_in(scanned, node) } else { placed.changed.clone() };
    Evidence {
        collection: Some(open.collection),
        name: open.name.as_slice().into(),
        offset,
        length,
        at: open.at,
        excerpt: view.slice(shown, placed.hit.end.max(shown + length.unwrap_or(0))).into(),
        alphabet: scanned.whole.then(|| Alphabet::of(scanned.outputs[0].present)),
        changed,
        parser: context.parser,
    }
}

/// The transformations on the way to a node that changed the piece.
pub(super) fn changed_in(scanned: &Scanned<'_>, node: usize) -> Vec<crate::rule::Transformation> {
    let mut changed = Vec::new();
    let mut at = node;
    while let Some(transformation) = scanned.plan.nodes[at].transformation {
        if scanned.outputs[at].changed {
            changed.push(transformation);
        }
        at = scanned.plan.nodes[at].parent;
    }
    changed.reverse();
    changed
}

/// What is at hand of a node's output: the end of what came before, and this piece.
struct View<'a> {
    tail: &'a [u8],
    base: u64,
    value: &'a [u8],
    whole: bool,
}

impl View<'_> {
    /// The bytes from `from` to `to`, as far as they are at hand, cut to an excerpt.
    fn slice(&self, from: u64, to: u64) -> Vec<u8> {
        let first = self.base - self.tail.len() as u64;
        let from = from.max(first) - first;
        let to = to.max(first) - first;
        let all = self.tail.iter().chain(self.value).copied();
        let length = (to.saturating_sub(from) as usize).min(limits::EXCERPT);
        all.skip(from as usize).take(length).collect()
    }
}

/// Offset and length of a hit. In a whole value: the leftmost match of the pattern. In a stream:
/// the match that ends at the earliest end, its start told when the kept tail holds it.
fn span(ruleset: &RuleSet, placed: &Placed, view: &View<'_>) -> (Option<u64>, Option<u64>) {
    let hit = placed.hit;
    if let Some(start) = hit.start {
        return (Some(start), Some(hit.end - start));
    }
    let Probe::Pattern(pattern) = ruleset.signatures[hit.signature.index()].probe else {
        return (None, None);
    };
    let pattern = &ruleset.patterns[pattern.index()];
    if view.whole {
        return match pattern.find(view.value, 0) {
            Some((start, end)) => (Some(start as u64), Some((end - start) as u64)),
            None => (None, None),
        };
    }
    let first = hit.end.saturating_sub(limits::STREAM_TAIL as u64);
    let at_hand = view.base - view.tail.len() as u64;
    if first < at_hand {
        return (None, None);
    }
    let region: Vec<u8> = {
        let all = view.tail.iter().chain(view.value).copied();
        all.skip((first - at_hand) as usize).take((hit.end - first) as usize).collect()
    };
    match pattern.find(&region, 0) {
        // A match at the region's edge may have begun before it.
        Some((0, _)) if first > 0 => (None, None),
        Some((start, _)) => (Some(first + start as u64), Some(hit.end - first - start as u64)),
        None => (None, None),
    }
}
