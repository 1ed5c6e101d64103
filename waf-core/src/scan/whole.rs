//! A whole value: at hand from its first byte to its last, so nothing need be remembered and
//! patterns can be ruled out before they are run. Nothing is allocated for it.
//!
//! ```text
//! value -> leaders: the different outputs, each with all that is asked of it   (leaders.rs)
//!       -> search in each -> hits -> libinjection, where it may matter
//! ```

use super::leaders::Leader;
use super::parts::Parts;
use super::pipeline::RawHit;
use super::scratch::Scratch;
use crate::automaton::{Occurs, Work};
use crate::operator;
use crate::ruleset::{FieldPlan, RuleSet, SignatureId};

/// Runs a whole value. Afterwards `scratch.hits` holds what was found and is of consequence (all,
/// for a trace), and `scratch.outputs` what each node made of the value; where there are no hits
/// they may be missing.
pub(super) fn run(
    plan: &FieldPlan,
    ruleset: &RuleSet,
    input: &[u8],
    (work, scratch): (&mut Work, &mut Scratch),
) {
    scratch.hits.clear();
    scratch.outputs.clear();
    let traced = scratch.candidates.is_some();
    let value = Whole { plan, ruleset, input };
    let Scratch { leaders, buffers, transducers, .. } = scratch;
    leaders.gather((plan, &ruleset.gate), input, buffers, transducers);
    (0..scratch.leaders.len()).for_each(|at| value.search(at, work, scratch));
    value.ask_each(scratch);
    if !traced {
        Parts { plan, ruleset }.drop_idle(&mut scratch.hits);
    }
    if !scratch.hits.is_empty() || traced {
        let Scratch { leaders, outputs, buffers, transducers, .. } = scratch;
        leaders.tell_outputs(plan, input, buffers, transducers, outputs);
    }
}

/// A value, and what is asked of it.
struct Whole<'a> {
    plan: &'a FieldPlan,
    ruleset: &'a RuleSet,
    input: &'a [u8],
}

impl Whole<'_> {
    /// Looks once into an output, for all nodes that have it.
    fn search(&self, at: usize, work: &mut Work, scratch: &mut Scratch) {
        let Scratch { search, leaders, buffers, candidates, hits, automata, .. } = scratch;
        leaders.rule_out(at, &self.ruleset.gate);
        let leader = leaders.get(at);
        if leader.patterns.is_empty() && leader.lists.is_empty() {
            return;
        }
        let (asked, present) = ((&leader.patterns, &leader.lists), leader.present);
        let length = leader.bytes(self.input, buffers).len();
        if search.asks_literals(self.ruleset, asked, (length, present)) {
            leaders.sift(at, &self.ruleset.gate, self.input, buffers);
        }
        let leader = leaders.get(at);
        let value = leader.bytes(self.input, buffers);
        let occurs = Occurs { value, present, found: &leader.found };
        // A trace tells where.
        let placeless = candidates.is_none().then_some(&self.plan.placeless);
        let asked = (&leader.patterns, placeless);
        search.run(self.ruleset, asked, value, occurs, &mut (work, automata));
        if let Some(known) = candidates {
            known.extend(search.patterns.iter().map(|pattern| (leader.first(), pattern)));
        }
        if search.found() {
            for &node in &leader.nodes {
                search.tell(&self.plan.nodes[node], hits);
            }
        }
    }

    /// Asks what each node asks for itself: libinjection last, when it is known what else is there.
    fn ask_each(&self, scratch: &mut Scratch) {
        let Scratch { leaders, buffers, candidates, hits, .. } = scratch;
        for leader in leaders.iter() {
            for &node in &leader.asking {
                self.ask_checks(node, leader.bytes(self.input, buffers), hits);
            }
        }
        let parts = Parts { plan: self.plan, ruleset: self.ruleset };
        for leader in leaders.iter() {
            let value = leader.bytes(self.input, buffers);
            let wanted = |id: SignatureId, hits: &[RawHit]| {
                candidates.is_some() || parts.may_matter(id, hits)
            };
            self.ask_libinjection(leader, value, wanted, hits);
        }
    }

    fn ask_checks(&self, node: usize, value: &[u8], hits: &mut Vec<RawHit>) {
        for &(check, signature) in &self.plan.nodes[node].checks {
            let check = &self.ruleset.checks[usize::from(check)];
            let mut state = check.start();
            if let Some(end) = check.feed(&mut state, value) {
                let end = end as u64;
                let start = Some(end.saturating_sub(1));
                hits.push(RawHit { signature, node, start, end, needed: Some(end) });
            } else if check.finish(state) {
                let end = value.len() as u64;
                hits.push(RawHit { signature, node, start: Some(0), end, needed: None });
            }
        }
    }

    /// Asks libinjection once about an output, however many nodes have it.
    fn ask_libinjection(
        &self,
        leader: &Leader,
        value: &[u8],
        wanted: impl Fn(SignatureId, &[RawHit]) -> bool,
        hits: &mut Vec<RawHit>,
    ) {
        let (present, mut sqli, mut xss) = (leader.present, None, None);
        for &at in &leader.asking {
            let node = &self.plan.nodes[at];
            let hit = |signature| {
                let end = value.len() as u64;
                RawHit { signature, node: at, start: Some(0), end, needed: None }
            };
            if let Some(id) = node.sqli.filter(|&id| wanted(id, hits))
                && *sqli.get_or_insert_with(|| operator::detect_sqli_with(value, present).is_some())
            {
                hits.push(hit(id));
            }
            if let Some(id) = node.xss.filter(|&id| wanted(id, hits))
                && *xss.get_or_insert_with(|| operator::detect_xss_with(value, present))
            {
                hits.push(hit(id));
            }
        }
    }
}
