//! A whole value: at hand from its first byte to its last, so nothing need be remembered and
//! patterns can be ruled out before they are run. Nothing is allocated for it.
//!
//! ```text
//! value -> leaders: the different outputs, each with all that is asked of it   (leaders.rs)
//!       -> search in each -> hits
//!       -> what only joints ask for, where such a joint may still hold         (parts.rs)
//!       -> libinjection, where it may matter
//! ```

use super::leaders::{Leader, Leaders};
use super::parts::Parts;
use super::pipeline::RawHit;
use super::scratch::Scratch;
use crate::automaton::Work;
use crate::operator;
use crate::ruleset::{FieldPlan, Probe, RuleSet, SignatureId};

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
    let count = leaders.len();
    (0..count).for_each(|at| value.search(at, work, scratch));
    value.ask_checks(scratch);
    (0..count).for_each(|at| value.search_parts(at, work, scratch));
    value.ask_libinjection(scratch);
    if !traced {
        value.parts().drop_idle(&mut scratch.hits);
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

impl<'a> Whole<'a> {
    fn parts(&self) -> Parts<'a> {
        Parts { plan: self.plan, ruleset: self.ruleset }
    }

    /// Looks once into an output, for all nodes that have it. What only joints ask for waits.
    fn search(&self, at: usize, work: &mut Work, scratch: &mut Scratch) {
        let Scratch { search, leaders, buffers, candidates, .. } = scratch;
        leaders.rule_out(at, &self.ruleset.gate);
        let leader = leaders.get(at);
        if leader.patterns.is_empty() && leader.lists.is_empty() {
            return;
        }
        let (asked, present) = ((&leader.patterns, &leader.lists), leader.present);
        let length = leader.bytes(self.input, buffers).len();
        if search.asks_literals(self.ruleset, asked, (length, present)) {
            leaders.sift(at, (&self.ruleset.gate, &search.lists), self.input, buffers);
        }
        let leader = leaders.get_mut(at);
        leader.narrow(search, self.ruleset, self.input, buffers);
        match candidates {
            Some(known) => known.extend(search.patterns.iter().map(|id| (leader.first(), id))),
            None => search.put_off(self.plan.parts.patterns(), &mut leader.waiting),
        }
        self.find(at, work, scratch);
    }

    /// Looks into an output for what waits, where it may still be of consequence: first for what
    /// needs a literal, which is there, or stands at an end of the value.
    fn search_parts(&self, at: usize, work: &mut Work, scratch: &mut Scratch) {
        if scratch.leaders.get(at).waiting.is_empty() {
            return;
        }
        let loose = self.ruleset.gate.loose();
        for is_loose in [false, true] {
            let Scratch { search, leaders, buffers, hits, .. } = &mut *scratch;
            search.clear();
            let leader = leaders.get(at);
            for pattern in leader.waiting.iter().filter(|&id| loose.contains(id) == is_loose) {
                let open = |id| self.is_open(id, leaders, buffers);
                if self.parts().may_complete(pattern, hits, open) {
                    search.patterns.insert(pattern);
                }
            }
            let waiting = &mut leaders.get_mut(at).waiting;
            if is_loose {
                waiting.clear();
            } else {
                waiting.intersect_with(loose);
            }
            self.find(at, work, scratch);
        }
    }

    /// Whether a signature may hold that was not found yet: its pattern waits, or libinjection can
    /// see something in its output.
    fn is_open(&self, id: SignatureId, leaders: &Leaders, buffers: &[Vec<u8>]) -> bool {
        let any = |asks: &dyn Fn(&Leader, usize) -> bool| {
            leaders.iter().any(|leader| leader.asking.iter().any(|&node| asks(leader, node)))
        };
        match self.ruleset.signatures[id.index()].probe {
            Probe::Pattern(pattern) => {
                leaders.iter().any(|leader| leader.waiting.contains(pattern))
            }
            Probe::DetectSqli => any(&|leader, node| {
                let value = leader.bytes(self.input, buffers);
                self.plan.nodes[node].sqli == Some(id)
                    && operator::may_be_sqli(value, leader.present)
            }),
            Probe::DetectXss => any(&|leader, node| {
                self.plan.nodes[node].xss == Some(id) && operator::may_be_xss(leader.present)
            }),
            Probe::Phrases(_) | Probe::Check(_) | Probe::Joint(_) => false,
        }
    }

    /// Looks into an output for what is left to be looked for.
    fn find(&self, at: usize, work: &mut Work, scratch: &mut Scratch) {
        let Scratch { search, leaders, buffers, candidates, hits, automata, .. } = scratch;
        if search.is_empty() {
            return;
        }
        let leader = leaders.get(at);
        // A trace tells where.
        let placeless = candidates.is_none().then_some(&self.plan.placeless);
        let occurs = leader.occurs(self.input, buffers);
        let asked = (&leader.patterns, placeless);
        search.run(self.ruleset, asked, occurs, &mut (work, automata));
        if search.found() {
            for &node in &leader.nodes {
                search.tell(&self.plan.nodes[node], hits);
            }
        }
    }

    fn ask_checks(&self, scratch: &mut Scratch) {
        let Scratch { leaders, buffers, hits, .. } = scratch;
        for leader in leaders.iter() {
            for &node in &leader.asking {
                self.ask_checks_of(node, leader.bytes(self.input, buffers), hits);
            }
        }
    }

    fn ask_libinjection(&self, scratch: &mut Scratch) {
        let Scratch { leaders, buffers, candidates, hits, .. } = scratch;
        for leader in leaders.iter() {
            let value = leader.bytes(self.input, buffers);
            let wanted = |id: SignatureId, hits: &[RawHit]| {
                candidates.is_some() || self.parts().may_matter(id, hits)
            };
            self.ask_libinjection_of(leader, value, wanted, hits);
        }
    }

    fn ask_checks_of(&self, node: usize, value: &[u8], hits: &mut Vec<RawHit>) {
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
    fn ask_libinjection_of(
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
