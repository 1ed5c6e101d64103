//! What happened to every field of one request: for a person who asks why a rule did or did not
//! match. Off unless asked for, and then bounded.

use super::evidence::Evidence;
use super::lane::{Scanned, changed_in};
use super::pipeline::RawHit;
use super::scratch::Scratch;
use crate::automaton::PatternId;
use crate::field::Field;
use crate::limits;
use crate::rule::Transformation;
use crate::ruleset::{FieldPlan, Inquiry, RuleIndex, RuleSet, SignatureId};

/// Every field that was read, as far as there is room.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    pub(crate) fields: Vec<TracedField>,
    /// Fields, steps and candidates noted.
    entries: usize,
    /// Those there was no room for.
    pub(crate) left_out: u64,
}

/// One field.
#[derive(Debug)]
pub(crate) struct TracedField {
    /// Which field, its first bytes, and where it begins.
    pub(crate) evidence: Evidence,
    pub(crate) length: u64,
    /// Bytes that were looked into, and questions asked of them.
    pub(crate) scanned: u64,
    pub(crate) asked: u64,
    pub(crate) first: Vec<u8>,
    pub(crate) steps: Vec<TracedStep>,
    pub(crate) candidates: Vec<TracedCandidate>,
}

/// A step that changed the value.
#[derive(Debug)]
pub(crate) struct TracedStep {
    /// The transformations that changed it up to here.
    pub(crate) changed: Vec<Transformation>,
    /// What came out, cut to `limits::EXCERPT`; of a streamed value the piece that changed first.
    pub(crate) first: Box<[u8]>,
}

/// A signature that passed the gate, or that hit.
#[derive(Debug)]
pub(crate) struct TracedCandidate {
    pub(crate) signature: SignatureId,
    /// The transformations that changed what it was looked for in.
    pub(crate) changed: Vec<Transformation>,
    /// First byte, where known, and end of the hit.
    pub(crate) hit: Option<(Option<u64>, u64)>,
    pub(crate) rules: Vec<Asker>,
}

/// A rule that asks for a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Asker {
    pub(crate) rule: RuleIndex,
    /// Which of its conditions this is.
    pub(crate) condition: u8,
    /// Whether it is only a part of it: other signatures of the same value decide with it.
    pub(crate) in_part: bool,
}

impl Trace {
    /// A field begins; the number under which more is told of it, where there is room.
    pub(super) fn field(
        &mut self,
        field: &Field<'_>,
        parser: Option<&'static str>,
    ) -> Option<usize> {
        self.has_room().then(|| {
            let kept = field.name.text.len().min(limits::NAME_KEPT);
            let evidence = Evidence {
                name: field.name.text[..kept].into(),
                at: field.at,
                parser,
                ..Evidence::of_finding(Some(field.collection), field.at)
            };
            self.fields.push(TracedField {
                evidence,
                length: 0,
                scanned: 0,
                asked: 0,
                first: Vec::new(),
                steps: Vec::new(),
                candidates: Vec::new(),
            });
            self.fields.len() - 1
        })
    }

    /// More bytes of a field's value.
    pub(super) fn bytes(&mut self, number: usize, bytes: &[u8]) {
        let Some(field) = self.fields.get_mut(number) else { return };
        let room = limits::EXCERPT - field.first.len();
        field.first.extend_from_slice(&bytes[..bytes.len().min(room)]);
        field.length += bytes.len() as u64;
    }

    /// A piece of a field's value was scanned.
    pub(super) fn piece(
        &mut self,
        number: usize,
        scanned: &Scanned<'_>,
        ruleset: &RuleSet,
        input: &[u8],
        scratch: &Scratch,
    ) {
        self.count(number, scanned, input, scratch);
        for (node, output) in scanned.outputs.iter().enumerate().filter(|(_, it)| it.changed) {
            let value = output.bytes(input, &scratch.buffers);
            self.step(number, changed_in(scanned, node), value);
        }
        for hit in &scratch.hits {
            let changed = changed_in(scanned, hit.node);
            let candidate = candidate(scanned.plan, ruleset, hit.signature, changed);
            self.candidate(
                number,
                TracedCandidate { hit: Some((hit.start, hit.end)), ..candidate },
            );
        }
        for &(leader, pattern) in scratch.candidates.iter().flatten() {
            for Inquiry { signature, node } in askers(scanned, leader, pattern, &scratch.hits) {
                let changed = changed_in(scanned, node);
                self.candidate(number, candidate(scanned.plan, ruleset, signature, changed));
            }
        }
    }

    /// What was looked into, and for how much.
    fn count(&mut self, number: usize, scanned: &Scanned<'_>, input: &[u8], scratch: &Scratch) {
        let Some(field) = self.fields.get_mut(number) else { return };
        let mut asked = vec![0; scanned.outputs.len()];
        for (at, (node, output)) in scanned.plan.nodes.iter().zip(scanned.outputs).enumerate() {
            asked[output.shares.unwrap_or(at)] += node.questions() as u64;
        }
        for (output, asked) in scanned.outputs.iter().zip(asked).filter(|(_, asked)| *asked > 0) {
            field.scanned += output.bytes(input, &scratch.buffers).len() as u64;
            field.asked += asked;
        }
    }

    /// The same transformations make the same of a value, on whatever way.
    fn step(&mut self, number: usize, changed: Vec<Transformation>, value: &[u8]) {
        let known = |field: &TracedField| field.steps.iter().any(|step| step.changed == changed);
        if self.fields.get(number).is_none_or(known) || !self.has_room() {
            return;
        }
        let first = value[..value.len().min(limits::EXCERPT)].into();
        self.fields[number].steps.push(TracedStep { changed, first });
    }

    fn candidate(&mut self, number: usize, candidate: TracedCandidate) {
        // Without a rule it stays without consequence: excluded, or of another policy.
        if number < self.fields.len() && !candidate.rules.is_empty() && self.has_room() {
            self.fields[number].candidates.push(candidate);
        }
    }

    fn has_room(&mut self) -> bool {
        let room = self.entries < limits::TRACE;
        if room {
            self.entries += 1;
        } else {
            self.left_out += 1;
        }
        room
    }
}

/// The nodes that asked for a pattern in the run of `leader`, but for those where it hit.
fn askers(
    scanned: &Scanned<'_>,
    leader: usize,
    pattern: PatternId,
    hits: &[RawHit],
) -> Vec<Inquiry> {
    let shares = |node: usize| node == leader || scanned.outputs[node].shares == Some(leader);
    (leader..scanned.outputs.len())
        .filter(|&node| shares(node))
        .flat_map(|node| scanned.plan.nodes[node].asking_pattern(pattern))
        .filter(|inquiry| !hits.iter().any(|hit| hit.signature == inquiry.signature))
        .collect()
}

fn candidate(
    plan: &FieldPlan,
    ruleset: &RuleSet,
    signature: SignatureId,
    changed: Vec<Transformation>,
) -> TracedCandidate {
    let joins = |at: u16| ruleset.joints[usize::from(at)].signatures().contains(&signature);
    let joints = plan.joints.iter().filter(|(at, _)| joins(*at)).map(|(_, joint)| *joint);
    let askers = |signature, in_part| {
        let triggers = plan.triggers_of(signature).iter();
        triggers.map(move |it| Asker { rule: it.rule, condition: it.condition, in_part })
    };
    let mut rules: Vec<Asker> = askers(signature, false).collect();
    rules.extend(joints.flat_map(|joint| askers(joint, true)));
    rules.sort_unstable();
    rules.dedup();
    TracedCandidate { signature, changed, hit: None, rules }
}
