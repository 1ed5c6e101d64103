//! Verdicts of SecLang rules beyond the held part of a body: what its fields add up to for certain,
//! field by field in canonical order, against what is missing to a refusal.

use std::collections::BTreeMap;

use super::Decider;
use super::program::Turn;
use crate::limits;
use crate::rule::{LinkVariable, Phase, TargetKind};
use crate::ruleset::{ProgramLink, SignatureId};
use crate::scan::{Facts, Rows, Sighting, Totals};

/// What the transaction knows beside the rules' own state.
pub(crate) struct Scene<'a> {
    pub(crate) rows: &'a Rows,
    pub(crate) totals: &'a Totals,
    pub(crate) facts: &'a Facts,
    /// The parser of the body by its type, as `REQBODY_PROCESSOR` names it.
    pub(crate) processor: &'static str,
}

/// What is known of one body.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    /// Matches of rules that raise, in the held part.
    held: BTreeMap<u32, u64>,
    /// What is missing to a refusal; `None` before the end of the held part, and where nothing
    /// can be said.
    missing: Option<i64>,
    /// What was missing at its end, by the head alone.
    start: Option<i64>,
    /// What one match of a rule takes away from that.
    gains: BTreeMap<u32, i64>,
    /// What was seen of values that go by as streams.
    streamed: Vec<Sighting>,
}

impl Decider {
    /// Takes note of what was seen in the held part of a body.
    pub(crate) fn note_held(&self, watch: &mut Watch, sightings: Vec<Sighting>, scene: &Scene<'_>) {
        for sighting in sightings {
            for (ordinal, times) in self.raised(&sighting, scene) {
                *watch.held.entry(ordinal).or_default() += times;
            }
            watch.keep(sighting);
        }
    }

    /// The held part ends. Whether a refusal is certain.
    pub(crate) fn begin(&self, watch: &mut Watch, phase: Phase, scene: &Scene<'_>) -> bool {
        let Some(program) = self.program().filter(|_| self.awaits_verdict(phase)) else {
            return false;
        };
        watch.missing = program.missing(phase, &self.turn(scene));
        watch.start = watch.missing;
        for (ordinal, times) in std::mem::take(&mut watch.held) {
            self.raise(watch, phase, ordinal, times, scene);
        }
        watch.missing.is_some_and(|missing| missing <= 0)
    }

    /// The first of these sightings, which are in order, by which a refusal is certain.
    pub(crate) fn certain(
        &self,
        watch: &mut Watch,
        phase: Phase,
        sightings: Vec<Sighting>,
        scene: &Scene<'_>,
    ) -> Option<u64> {
        for sighting in sightings {
            let needed = sighting.needed;
            let raised = self.raised(&sighting, scene);
            watch.keep(sighting);
            for (ordinal, times) in raised {
                self.raise(watch, phase, ordinal, times, scene);
            }
            if watch.missing? <= 0 {
                return Some(needed);
            }
        }
        None
    }

    /// Refuses, now that it is certain: by a run over the rows that stand before the offset.
    pub(crate) fn refuse(&mut self, watch: &mut Watch, phase: Phase, at: u64, scene: &Scene<'_>) {
        watch.missing = None;
        let Some(program) = self.program.as_ref().filter(|_| self.awaits_verdict(phase)) else {
            return;
        };
        // Rows that were counted together cannot be told apart by their place.
        let Some(rows) = scene.rows.until(phase, at, &watch.streamed) else { return };
        let turn = Turn { rows: &rows, ..self.turn(scene) };
        let Some(refused) = program.refused(phase, &turn) else { return };
        self.early = Some(Box::new(refused));
        self.judge(phase, Some(at));
        if self.enforced() {
            self.program = self.early.take();
        }
    }

    fn raise(&self, watch: &mut Watch, phase: Phase, ordinal: u32, times: u64, scene: &Scene<'_>) {
        let (Some(missing), Some(program)) = (watch.missing, self.program()) else { return };
        let start = watch.start.unwrap_or(missing);
        let gain = *watch
            .gains
            .entry(ordinal)
            .or_insert_with(|| program.gain(phase, ordinal, start, &self.turn(scene)));
        let times = i64::try_from(times).unwrap_or(i64::MAX);
        watch.missing = Some(missing.saturating_sub(gain.saturating_mul(times)));
    }

    /// The rules that a sighting raises the score by, and how often.
    fn raised(&self, sighting: &Sighting, scene: &Scene<'_>) -> Vec<(u32, u64)> {
        if !self.program().is_some_and(|it| it.shows(sighting.collection, &self.turn(scene))) {
            return Vec::new();
        }
        let program = &self.policy.ruleset().program;
        let raising = &program.bounds[Phase::of(sighting.collection) as usize].raising;
        let first = raising.partition_point(|(signature, _)| *signature < sighting.signature);
        let of_it = |(signature, _): &&(SignatureId, u32)| *signature == sighting.signature;
        let rules = raising[first..].iter().take_while(of_it).map(|(_, ordinal)| *ordinal);
        let times = |ordinal: u32| {
            let links = &program.rules[ordinal as usize].links;
            (ordinal, links.first().map_or(0, |link| times(link, sighting)))
        };
        rules.map(times).filter(|(_, times)| *times > 0).collect()
    }

    fn turn<'a>(&'a self, scene: &'a Scene<'_>) -> Turn<'a> {
        Turn {
            policy: &self.policy,
            rows: scene.rows,
            totals: scene.totals,
            facts: scene.facts,
            exclusions: &self.exclusions,
            processor: scene.processor,
        }
    }
}

impl Watch {
    fn keep(&mut self, sighting: Sighting) {
        if sighting.streamed.is_some() && self.streamed.len() < limits::CELLS {
            self.streamed.push(sighting);
        }
    }
}

/// Under how many targets of a link a field is looked at.
fn times(link: &ProgramLink, sighting: &Sighting) -> u64 {
    let (collection, class) = (sighting.collection, sighting.class);
    let mut under: Vec<LinkVariable> = Vec::new();
    for target in &link.targets {
        match target.kind {
            TargetKind::Include if target.selects(collection, class) => {
                under.push(target.variable);
            }
            TargetKind::Exclude if target.names.has_class(class) => {
                under.retain(|variable| *variable != target.variable);
            }
            _ => {}
        }
    }
    under.len() as u64
}
