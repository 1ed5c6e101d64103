//! SecLang rules, run in order over facts: what ModSecurity does rule by rule over values, done over
//! what scanning has found.
//!
//! ```text
//! rows + TX -> targets (which values, in order) -> answer (is it true?) -> effects -> next link
//! ```
//! A rule that only scanning can make true, and of which nothing was found, is not even visited.

mod answer;
mod bound;
mod effects;
mod foresee;
mod macros;
mod names;
mod outputs;
mod score;
mod targets;
mod tx;

use std::sync::atomic::{AtomicU64, Ordering};

use crate::field::Collection;
use crate::limits;
use crate::policy::Policy;
use crate::rule::{Allow, Chain, Disruptive, Engine, Phase};
use crate::ruleset::{Captures, ExclusionId, Program, ProgramRule, RuleIndex};
use crate::scan::{Evidence, Facts, Rows, Totals};

use answer::{Answered, Asked};
use names::Named;
use outputs::Outputs;
pub(crate) use score::ProgramScore;
use score::{Ledger, Shown};
use targets::Item;
use tx::Tx;

static NEXT_ID: AtomicU64 = AtomicU64::new(0);

/// What the rules see of the request beside their own state.
pub(crate) struct Turn<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) rows: &'a Rows,
    pub(crate) totals: &'a Totals,
    pub(crate) facts: &'a Facts,
    /// Which exclusions of the policy apply.
    pub(crate) exclusions: &'a [bool],
    /// The parser of the body by its type, as `REQBODY_PROCESSOR` names it.
    pub(crate) processor: &'static str,
}

impl Turn<'_> {
    fn program(&self) -> &Program {
        &self.policy.ruleset().program
    }

    fn chain(&self, rule: &ProgramRule) -> Option<&Chain> {
        self.policy.ruleset().rules[rule.rule.index()].rule.chain.as_deref()
    }
}

/// A rule that matched and tells it.
#[derive(Clone, Debug)]
pub(crate) struct Fired {
    /// Its ordinal.
    pub(crate) ordinal: u32,
    /// The phase in which it ran.
    pub(crate) phase: Phase,
    /// The last value that matched.
    pub(crate) evidence: Evidence,
    /// Other fields in which it matched: `limits::ALSO`, `limits::ALSO_KEPT`.
    pub(crate) also: Vec<(Collection, Box<[u8]>)>,
    /// `msg`, expanded.
    pub(crate) message: Vec<u8>,
    /// `logdata`, expanded.
    pub(crate) data: Vec<u8>,
    /// It came after a refusal that was not carried out.
    pub(crate) after_verdict: bool,
}

/// A refusal by a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Denied {
    /// The rule.
    pub(crate) ordinal: u32,
    /// The phase in which it ran.
    pub(crate) phase: Phase,
    /// The status it asks for.
    pub(crate) status: Option<u16>,
    /// Whether the rules' own engine is on: otherwise it is only told.
    pub(crate) enforced: bool,
}

/// The state of the rules of one transaction.
#[derive(Clone, Debug)]
pub(crate) struct ProgramState {
    tx: Tx,
    captures: Captures,
    /// The value that matched last.
    matched: Option<Matched>,
    /// Every value that matched in the chain at work.
    matches: Vec<Matched>,
    /// What was made of fields that matched.
    outputs: Outputs,
    engine: Engine,
    processor: Option<String>,
    force_body: bool,
    /// Rules taken away for this transaction, by ordinal.
    removed: Vec<bool>,
    /// Targets taken away: where the effect stands that did.
    removed_targets: Vec<effects::RemovedTarget>,
    allowed: Option<Allow>,
    fired: Vec<Fired>,
    excluded: Vec<(RuleIndex, ExclusionId, Evidence)>,
    /// Matches that found no room in `fired`.
    unlisted: u64,
    /// Fields in `fired` beside those that are shown.
    also_kept: usize,
    denied: Option<Denied>,
    ledger: Ledger,
    /// A rule read a value that was not kept.
    inexact: bool,
    /// A pattern that backtracks came to the end of its steps, which counts as a match.
    spent: bool,
    /// The phases that have run.
    ran: [bool; Phase::ALL.len()],
    /// The phases that wait for the request to end.
    waiting: [bool; Phase::ALL.len()],
    /// `UNIQUE_ID`: no other request of this process has it.
    unique_id: u64,
}

/// A value that matched.
#[derive(Clone, Debug)]
struct Matched {
    name: Named,
    /// After the transformations; cut to `limits::TX_VALUE` where only text is made of it.
    value: Vec<u8>,
}

impl ProgramState {
    /// Before the first rule.
    pub(crate) fn new(policy: &Policy) -> Self {
        let program = &policy.ruleset().program;
        Self {
            tx: Tx::new(program.slots.len(), &program.start),
            captures: Captures::default(),
            matched: None,
            matches: Vec::new(),
            outputs: Outputs::default(),
            engine: policy.settings().program.engine,
            processor: None,
            force_body: false,
            removed: Vec::new(),
            removed_targets: Vec::new(),
            allowed: None,
            fired: Vec::new(),
            excluded: Vec::new(),
            unlisted: 0,
            also_kept: 0,
            denied: None,
            ledger: Ledger::default(),
            inexact: false,
            spent: false,
            ran: Default::default(),
            waiting: Default::default(),
            unique_id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
        }
    }

    /// Runs the rules of a phase, once. An answer may come before the request has ended: its rules
    /// wait for those of the request, which they may look back at.
    pub(crate) fn run(&mut self, phase: Phase, turn: &Turn<'_>) {
        let early = matches!(phase, Phase::ResponseHeaders | Phase::ResponseBody)
            && !self.ran[Phase::RequestBody as usize];
        if early {
            self.waiting[phase as usize] = true;
            return;
        }
        self.run_phase(phase, turn);
        if phase == Phase::RequestBody {
            for waiting in [Phase::ResponseHeaders, Phase::ResponseBody] {
                if self.waiting[waiting as usize] {
                    self.run_phase(waiting, turn);
                }
            }
        }
    }

    fn run_phase(&mut self, phase: Phase, turn: &Turn<'_>) {
        if std::mem::replace(&mut self.ran[phase as usize], true) {
            return;
        }
        if !self.may_run(phase) {
            return;
        }
        let program = turn.program();
        let mut next = 0;
        for ordinal in program.phases[phase as usize].due(turn.rows.signatures()) {
            if ordinal < next || self.is_removed(ordinal) {
                continue;
            }
            let rule = &program.rules[ordinal as usize];
            if !turn.policy.stance(rule.rule).active {
                continue;
            }
            let Some(chain) = turn.chain(rule) else { continue };
            if rule.sure {
                self.act(&Asked::new(ordinal, rule, chain, 0), 1, turn);
            } else if self.holds(ordinal, rule, chain, phase, turn) {
                self.matched_rule(ordinal, phase, rule, chain, turn);
            } else {
                continue;
            }
            if self.stops(ordinal, phase, chain, turn) || self.engine == Engine::Off {
                return;
            }
            next = chain.skip_to.unwrap_or(0);
        }
    }

    /// The refusal, once there is one.
    pub(crate) fn denied(&self) -> Option<Denied> {
        self.denied
    }

    /// The rules that matched and tell it, in order.
    pub(crate) fn fired(&self) -> &[Fired] {
        &self.fired
    }

    /// The parser that a rule chose for the body.
    pub(crate) fn processor(&self) -> Option<&str> {
        self.processor.as_deref()
    }

    /// Whether something found no room.
    pub(crate) fn is_full(&self) -> bool {
        self.tx.is_full() || self.unlisted > 0
    }

    /// What could not be exact, in words for the record.
    pub(crate) fn inexact(&self) -> Vec<String> {
        let of_values = self.inexact.then_some("captures of values beyond the window");
        let of_steps = self.spent.then_some("step limit of a backtracking pattern");
        of_values.into_iter().chain(of_steps).map(str::to_owned).collect()
    }

    /// What the rules that fired have added, and against what it was held.
    pub(crate) fn score(&self) -> ProgramScore {
        self.ledger.score()
    }

    fn may_run(&self, phase: Phase) -> bool {
        let allowed = match self.allowed {
            None | Some(Allow::Phase) => true,
            Some(Allow::Request) => !phase.is_request(),
            Some(Allow::All) => phase == Phase::Logging,
        };
        allowed && self.engine != Engine::Off
    }

    fn is_removed(&self, ordinal: u32) -> bool {
        self.removed.get(ordinal as usize) == Some(&true)
    }

    /// Whether every link matches. What a link does, it does as soon as it matches.
    fn holds(
        &mut self,
        ordinal: u32,
        rule: &ProgramRule,
        chain: &Chain,
        phase: Phase,
        turn: &Turn<'_>,
    ) -> bool {
        self.ledger.shown.clear();
        self.matches.clear();
        let asked = |number| Asked::new(ordinal, rule, chain, number);
        if !(0..rule.waits).all(|number| self.may(&asked(number), turn)) {
            return false;
        }
        if rule.foreseen.is_some() && self.comes_to_nothing(&asked(rule.waits - 1), turn) {
            return false;
        }
        for number in 0..rule.links.len() {
            let asked = asked(number);
            if number >= rule.waits && !self.may(&asked, turn) {
                return false;
            }
            self.note_threshold(&asked, phase, turn);
            if !self.link(&asked, turn) {
                return false;
            }
        }
        true
    }

    /// Whether a link may match: one that only scanning can make true needs something that was
    /// found, one that looks at fields needs a field, and one that counts them is asked.
    fn may(&self, asked: &Asked<'_>, turn: &Turn<'_>) -> bool {
        let link = asked.link;
        if link.scanned {
            return link.signatures.iter().any(|&signature| turn.rows.any(signature));
        }
        if link.counts {
            return self.may_match(asked, turn);
        }
        !link.of_fields || targets::any_row(self, link, turn, |_| true)
    }

    /// One link: every value is asked, and each that matches acts at once.
    fn link(&mut self, asked: &Asked<'_>, turn: &Turn<'_>) -> bool {
        if asked.link.targets.is_empty() {
            self.act(asked, 1, turn);
            return true;
        }
        if !self.may_match(asked, turn) {
            return false;
        }
        let mut found = false;
        let items = targets::items(self, asked, turn);
        for item in &items.asked {
            let mut step = 0;
            while let Some(answered) = answer::next(self, asked, item, &mut step, turn) {
                found = true;
                self.take(asked, item, &answered, turn);
            }
        }
        for (item, exclusion) in &items.excluded {
            self.exclude(asked, item, *exclusion, turn);
        }
        found
    }

    /// Notes that an exclusion took a match away, once for each rule.
    fn exclude(
        &mut self,
        asked: &Asked<'_>,
        item: &Item<'_>,
        exclusion: ExclusionId,
        turn: &Turn<'_>,
    ) {
        let rule = asked.rule.rule;
        let is_known = self.excluded.iter().any(|(known, ..)| *known == rule);
        if is_known || asked.rule.bookkeeping || self.excluded.len() >= limits::EXCLUDED {
            return;
        }
        let answered = answer::next(self, asked, item, &mut 0, turn);
        let evidence = answered.map(|answered| {
            let link = (asked.link, asked.written);
            let field = answered.field.and_then(|field| self.evidence(link, field, turn));
            field.unwrap_or_else(|| Evidence::of_finding(None, 0))
        });
        self.excluded.extend(evidence.map(|evidence| (rule, exclusion, evidence)));
    }

    /// The rules from which exclusions took a match away, in order.
    pub(crate) fn excluded(&self) -> &[(RuleIndex, ExclusionId, Evidence)] {
        &self.excluded
    }

    /// A value matches.
    fn take(&mut self, asked: &Asked<'_>, item: &Item<'_>, answered: &Answered, turn: &Turn<'_>) {
        let came = item.value();
        let value = match (&answered.output, came, answered.field) {
            (Some(output), Some(came), _) => output.value(came),
            // Of a stream there is what was seen.
            (_, None, Some((row, step))) => {
                let seen = answer::seen(asked.link, turn.rows.row(row), step);
                seen.map_or(&[][..], |evidence| &evidence.excerpt)
            }
            _ => &[],
        };
        if came.is_some() {
            answer::capture(asked, value, &mut self.captures, turn);
        } else if asked.written.capture {
            self.captures.keep_only(value);
        }
        if let (Some((row, step)), true) = (answered.field, asked.chain.log) {
            self.ledger.show(Shown { link: asked.number, row, step });
        }
        let rule = asked.rule;
        if rule.recalls || rule.retells {
            let matched = Matched { name: item.named(), value: value.to_vec() };
            if rule.recalls && self.matches.len() < limits::ROWS {
                self.matches.push(matched.clone());
            }
            self.matched = Some(matched);
        }
        self.act(asked, answered.count, turn);
    }

    /// All links match.
    fn matched_rule(
        &mut self,
        ordinal: u32,
        phase: Phase,
        rule: &ProgramRule,
        chain: &Chain,
        turn: &Turn<'_>,
    ) {
        let mut shown = std::mem::take(&mut self.ledger.shown);
        if !chain.log {
            return;
        }
        foresee::keep_causes(&mut shown, rule, turn);
        if self.fired.len() >= limits::FIRED {
            self.unlisted += 1;
            return;
        }
        let expand = |text: &Option<crate::ruleset::ProgramText>| {
            let mut out = Vec::new();
            if let Some(text) = text {
                self.expand(text, turn, limits::MESSAGE, &mut out);
            }
            out
        };
        let (message, data) = (expand(&rule.message), expand(&rule.data));
        let mut evidence = shown.pop().and_then(|shown| {
            let link = (&rule.links[shown.link], &chain.links[shown.link]);
            self.evidence(link, (shown.row, shown.step), turn)
        });
        let mut also: Vec<(Collection, Box<[u8]>)> = Vec::new();
        for row in shown.iter().map(|shown| turn.rows.row(shown.row)) {
            if let Some(evidence) = &mut evidence {
                let both = evidence.alphabet.zip(row.alphabet());
                evidence.alphabet = both.map(|(all, one)| all.union(one));
            }
            let is_shown = |name: &[u8], of: Option<Collection>| {
                of == Some(row.collection) && *name == *row.name
            };
            let is_known = evidence.as_ref().is_some_and(|it| is_shown(&it.name, it.collection))
                || also.iter().any(|(of, name)| is_shown(name, Some(*of)));
            if !is_known && self.also_kept < limits::ALSO_KEPT {
                self.also_kept += 1;
                also.push((row.collection, row.name.clone()));
            }
        }
        self.fired.push(Fired {
            ordinal,
            phase,
            evidence: evidence.unwrap_or_else(|| Evidence::of_finding(None, 0)),
            also,
            message,
            data,
            after_verdict: self.denied.is_some(),
        });
    }

    /// What a match does to the request; whether the phase ends with it.
    fn stops(&mut self, ordinal: u32, phase: Phase, chain: &Chain, turn: &Turn<'_>) -> bool {
        match chain.disruptive {
            Disruptive::Pass => false,
            Disruptive::Allow(allow) => {
                if self.engine == Engine::On {
                    self.allowed = Some(allow);
                }
                self.engine == Engine::On
            }
            Disruptive::Deny => {
                let enforced = self.engine == Engine::On && phase != Phase::Logging;
                if self.denied.is_none() && phase != Phase::Logging {
                    self.denied = Some(Denied { ordinal, phase, status: chain.status, enforced });
                }
                enforced && turn.policy.settings().mode == crate::record::Mode::Block
            }
        }
    }
}
