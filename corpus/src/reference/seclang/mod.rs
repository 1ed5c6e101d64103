//! SecLang rules as the manual tells them: in the order of their files, value by value, everything
//! done at once.
//!
//! ```text
//! rule -> link -> values: what the targets name -> each: transform, ask -> text, act: TX changes
//! ```
//! With the real engine it shares what a rule says ([`Chain`]), the transformations and the
//! backtracking matcher, each proven against another implementation. It knows no slots, classes,
//! rows or facts, and skips nothing that a rule says is to be looked at.

mod act;
mod ask;
mod state;
mod values;

use waf_core::limits;
use waf_core::policy::PolicySettings;
use waf_core::record::{Mode, printable};
use waf_core::rule::{
    Allow, Chain, Disruptive, Engine, Link, LinkTarget, LinkVariable, Phase, Rule, RuleScope, Text,
};

use super::collect::Collected;
use super::exclude::Exclusions;
use super::regexes::Regexes;
use state::{Held, Tx};
use values::Item;

/// What there is to look at when a phase is run.
#[derive(Clone, Copy)]
pub(super) struct Seen<'a> {
    pub(super) collected: &'a Collected,
    /// The parser of the body by its type.
    pub(super) processor: &'static str,
}

/// A rule that matched and tells it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Told {
    /// The rule.
    pub id: String,
    /// `msg`, expanded.
    pub message: String,
    /// `logdata`, expanded.
    pub data: String,
    /// It looks at nothing but `TX`.
    pub bookkeeping: bool,
    /// It came after a refusal that was not carried out.
    pub after_verdict: bool,
    /// What it added to the number that was held against a threshold.
    pub score: i64,
}

/// A refusal by a rule.
#[derive(Clone, Copy, Debug)]
pub(super) struct Denied {
    /// The status it asks for.
    pub(super) status: Option<u16>,
    /// The engine was on.
    pub(super) enforced: bool,
}

/// The rules of one request at work.
pub(super) struct Run<'a> {
    /// The rules with a chain, and whether the settings have them run.
    rules: Vec<(&'a Rule, bool)>,
    settings: &'a PolicySettings,
    regexes: &'a Regexes,
    exclusions: &'a Exclusions<'a>,
    tx: Tx,
    captures: [Option<Vec<u8>>; 10],
    /// Every value that matched in the chain at work.
    matched: Vec<(Vec<u8>, Vec<u8>)>,
    last: Option<(Vec<u8>, Vec<u8>)>,
    engine: Engine,
    processor: Option<&'a str>,
    force_body: bool,
    removed: Vec<&'a RuleScope>,
    removed_targets: Vec<(&'a RuleScope, &'a LinkTarget)>,
    allowed: Option<Allow>,
    told: Vec<(usize, Told)>,
    denied: Option<Denied>,
    inbound: Option<Held>,
    outbound: Option<Held>,
}

impl<'a> Run<'a> {
    /// Before the first of the rules, each with whether the settings have it run.
    pub(super) fn new(
        rules: impl Iterator<Item = (&'a Rule, bool)>,
        settings: &'a PolicySettings,
        regexes: &'a Regexes,
        exclusions: &'a Exclusions<'a>,
    ) -> Self {
        Self {
            rules: rules.filter(|(rule, _)| rule.chain.is_some()).collect(),
            settings,
            regexes,
            exclusions,
            tx: Tx::default(),
            captures: Default::default(),
            matched: Vec::new(),
            last: None,
            engine: settings.program.engine,
            processor: None,
            force_body: false,
            removed: Vec::new(),
            removed_targets: Vec::new(),
            allowed: None,
            told: Vec::new(),
            denied: None,
            inbound: None,
            outbound: None,
        }
    }

    /// Runs the rules of a phase.
    pub(super) fn phase(&mut self, phase: Phase, seen: Seen<'_>) {
        let allowed = match self.allowed {
            None | Some(Allow::Phase) => true,
            Some(Allow::Request) => !phase.is_request(),
            Some(Allow::All) => phase == Phase::Logging,
        };
        if self.engine == Engine::Off || !allowed {
            return;
        }
        let mut next = 0;
        for at in 0..self.rules.len() {
            let (rule, active) = self.rules[at];
            let Some(chain) = &rule.chain else { continue };
            let skipped = rule.phase != phase || at < next || self.is_removed(rule);
            if !active || skipped || !self.chain(at, chain, seen) {
                continue;
            }
            self.tell(at, chain, seen);
            if self.ends_with(chain, phase) || self.engine == Engine::Off {
                return;
            }
            next = chain.skip_to.map_or(0, |ordinal| ordinal as usize);
        }
    }

    /// The refusal, once there is one.
    pub(super) fn denied(&self) -> Option<Denied> {
        self.denied
    }

    /// The parser that a rule chose for the body.
    pub(super) fn processor(&self) -> Option<&'a str> {
        self.processor
    }

    /// The last number of the request that was held against a threshold, and the threshold.
    pub(super) fn inbound(&self) -> Option<(i64, i64)> {
        self.inbound.as_ref().map(|held| (held.number, held.threshold))
    }

    /// The rules that matched and tell it.
    pub(super) fn told(self) -> Vec<Told> {
        let held: Vec<&Held> = self.inbound.iter().chain(&self.outbound).collect();
        let score = |at: usize| held.iter().filter_map(|held| held.from.get(&at)).sum();
        let told = self.told.into_iter();
        told.map(|(at, told)| Told { score: score(at), ..told }).collect()
    }

    fn is_removed(&self, rule: &Rule) -> bool {
        self.removed.iter().any(|scope| self.is_meant(scope, rule))
    }

    /// Whether a scope names a rule.
    fn is_meant(&self, scope: &RuleScope, rule: &Rule) -> bool {
        let matches = |pattern: &str, text: &str| {
            self.regexes.find(&format!("(?i:{pattern})"), text.as_bytes()).is_some()
        };
        match scope {
            RuleScope::Ids(first, last) => {
                rule.id.as_str().parse::<u64>().is_ok_and(|id| *first <= id && id <= *last)
            }
            RuleScope::Tag(pattern) => rule.tags.iter().any(|tag| matches(pattern, tag)),
            RuleScope::Message(pattern) => matches(pattern, &rule.name),
        }
    }

    /// Whether every link matches. What a link does it does as soon as it matches.
    fn chain(&mut self, at: usize, chain: &'a Chain, seen: Seen<'_>) -> bool {
        self.matched.clear();
        chain.links.iter().all(|link| {
            self.note_threshold(at, chain, link, seen);
            if link.targets.is_empty() {
                self.act(at, link, seen);
                return true;
            }
            let mut any = false;
            for item in self.items(at, link, seen) {
                for matched in self.ask(link, &item, seen) {
                    any = true;
                    self.take(at, link, &item, matched, seen);
                }
            }
            any
        })
    }

    /// A value matches: it is the last that did when the link's actions run.
    fn take(
        &mut self,
        at: usize,
        link: &'a Link,
        item: &Item<'_>,
        matched: ask::Matched,
        seen: Seen<'_>,
    ) {
        if let Some(captures) = matched.captures {
            self.captures = captures.map(|text| text.map(|text| cut(text, limits::TX_VALUE)));
        }
        let pair = (item.name(), matched.value);
        self.last = Some(pair.clone());
        self.matched.push(pair);
        self.act(at, link, seen);
    }

    fn tell(&mut self, at: usize, chain: &Chain, seen: Seen<'_>) {
        if !chain.log {
            return;
        }
        let text = |text: &Option<Text>| {
            let text = text.as_ref().map(|text| self.expand(text, seen)).unwrap_or_default();
            printable(&cut(text, limits::MESSAGE), limits::RECORD_TEXT)
        };
        let told = Told {
            id: self.rules[at].0.id.to_string(),
            message: text(&chain.message),
            data: text(&chain.data),
            bookkeeping: is_bookkeeping(chain),
            after_verdict: self.denied.is_some(),
            score: 0,
        };
        self.told.push((at, told));
    }

    /// What a match does to the request; whether the phase ends with it.
    fn ends_with(&mut self, chain: &Chain, phase: Phase) -> bool {
        let on = self.engine == Engine::On;
        match chain.disruptive {
            Disruptive::Pass => false,
            Disruptive::Allow(allow) => {
                self.allowed = on.then_some(allow).or(self.allowed);
                on
            }
            // Nothing is refused any more.
            Disruptive::Deny if phase == Phase::Logging => false,
            Disruptive::Deny => {
                let denied = Denied { status: chain.status, enforced: on };
                self.denied = self.denied.or(Some(denied));
                on && self.settings.mode == Mode::Block
            }
        }
    }
}

/// Whether a rule looks at nothing but `TX`.
fn is_bookkeeping(chain: &Chain) -> bool {
    let mut targets = chain.links.iter().flat_map(|link| &link.targets);
    targets.all(|target| target.variable == LinkVariable::Tx)
}

fn cut(mut text: Vec<u8>, limit: usize) -> Vec<u8> {
    text.truncate(limit);
    text
}
