//! Records to shapes: how many look the same to exclusions. A day has millions of records and
//! some thousand shapes.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use serde::Serialize;
use waf_core::finding::Finding;
use waf_core::record::{Decision, Source};

use super::limits;
use super::line::{Line, hour, time_of_pass};
use super::place::path_pattern;
use super::sketch::{Breadths, Distinct, Hours, number};
use super::spelling::Spelling;
use super::weighed::Weighed;

/// Who sent the records of a kind, when, and how the application answered.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// How many records.
    pub records: u64,
    /// How many the application answered.
    pub answered: u64,
    /// To how many it said no: a status of 400 or more.
    pub refused: u64,
    /// Who sent them.
    pub clients: Distinct,
    /// When.
    pub hours: Hours,
}

impl Seen {
    /// Takes all of another.
    pub fn merge(&mut self, other: &Self) {
        self.records += other.records;
        self.answered += other.answered;
        self.refused += other.refused;
        self.clients.merge(&other.clients);
        self.hours.merge(&other.hours);
    }
}

/// Records that exclusions cannot tell apart.
#[derive(Clone, Debug)]
pub struct Shape {
    /// The method.
    pub method: Box<str>,
    /// The path; `None` where an exclusion with a path would not hold.
    pub path: Option<Box<str>>,
    /// The matches.
    pub weighed: Weighed,
    /// The characters of the values in which they are, one for each.
    pub spellings: Box<[Spelling]>,
    /// The records.
    pub seen: Seen,
}

/// How many records there were, of which kinds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Lines that are records.
    pub records: u64,
    /// Lines that are none.
    pub unreadable: u64,
    /// Requests that rules blocked, or would have.
    pub flagged: u64,
    /// Of them, those that are refused whatever exclusions say.
    pub refused_always: u64,
    /// Of them, those that were forgotten, because there are more shapes than memory for them.
    pub forgotten: u64,
}

/// What records come to.
#[derive(Debug, Default)]
pub struct Gathered {
    shapes: HashMap<u64, Shape>,
    keys: RandomState,
    weight: usize,
    /// How many records.
    pub counts: Counts,
    /// The hours of all records.
    pub hours: Hours,
    /// On how many paths clients were flagged.
    pub breadths: Breadths,
}

impl Gathered {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a line of the log.
    pub fn add_line(&mut self, text: &[u8]) {
        if let Some(time) = time_of_pass(text) {
            self.count(hour(time));
            return;
        }
        match Line::read(text) {
            Some(line) => self.add(&line),
            None if text.iter().all(u8::is_ascii_whitespace) => {}
            None => self.counts.unreadable += 1,
        }
    }

    /// Takes a record.
    pub fn add(&mut self, line: &Line<'_>) {
        let hour = hour(&line.time);
        self.count(hour);
        if line.decision == Decision::Pass || line.source == Source::Ip {
            return;
        }
        self.counts.flagged += 1;
        let (weighed, alphabets) = Weighed::of(&line.matches, &line.score);
        if weighed.hits.is_empty() || weighed.is_refused_always() {
            self.counts.refused_always += 1;
            return;
        }
        let client = number(&line.client.ip);
        let ambiguous = Finding::ProtocolPathAmbiguous.id();
        let is_plain = line.matches.iter().all(|one| one.rule_id != ambiguous);
        let path = path_pattern(&line.request.path).filter(|_| is_plain);
        self.breadths.add(client, path.as_deref().unwrap_or_default());
        let shape = self.shape(&line.request.method, path.as_deref(), weighed);
        shape.spellings.iter_mut().zip(alphabets).for_each(|(known, one)| known.add(one));
        shape.seen.records += 1;
        if let (Source::Origin, Some(status)) = (line.source, line.status) {
            shape.seen.answered += 1;
            shape.seen.refused += u64::from(status >= 400);
        }
        shape.seen.clients.add(client);
        if let Some(hour) = hour {
            shape.seen.hours.add(hour);
        }
        self.shrink();
    }

    /// Counts a record of this hour.
    fn count(&mut self, hour: Option<u32>) {
        self.counts.records += 1;
        if let Some(hour) = hour {
            self.hours.add(hour);
        }
    }

    /// The shape of a record, made where it is the first.
    fn shape(&mut self, method: &str, path: Option<&str>, weighed: Weighed) -> &mut Shape {
        let key = self.keys.hash_one((method, path, &weighed));
        let weight = &mut self.weight;
        self.shapes.entry(key).or_insert_with(|| {
            let shape = Shape {
                method: method.into(),
                path: path.map(Into::into),
                spellings: vec![Spelling::default(); weighed.hits.len()].into(),
                weighed,
                seen: Seen::default(),
            };
            *weight += shape.weight();
            shape
        })
    }

    /// Takes all of another gatherer.
    pub fn merge(&mut self, other: Self) {
        self.counts.records += other.counts.records;
        self.counts.unreadable += other.counts.unreadable;
        self.counts.flagged += other.counts.flagged;
        self.counts.refused_always += other.counts.refused_always;
        self.counts.forgotten += other.counts.forgotten;
        self.hours.merge(&other.hours);
        self.breadths.merge(&other.breadths);
        for shape in other.shapes.into_values() {
            let Shape { method, path, weighed, spellings, seen } = shape;
            let known = self.shape(&method, path.as_deref(), weighed);
            known.spellings.iter_mut().zip(&spellings).for_each(|(known, one)| known.merge(one));
            known.seen.merge(&seen);
            self.shrink();
        }
    }

    /// Forgets the rarest shapes when there are too many: what is rare is not worth an exclusion.
    fn shrink(&mut self) {
        if self.weight <= limits::SHAPE_BYTES {
            return;
        }
        let mut rare = 1;
        // To the half, so that it is seldom done.
        while self.weight > limits::SHAPE_BYTES / 2 {
            let (weight, forgotten) = (&mut self.weight, &mut self.counts.forgotten);
            self.shapes.retain(|_, shape| {
                let stays = shape.seen.records > rare;
                if !stays {
                    *weight -= shape.weight();
                    *forgotten += shape.seen.records;
                }
                stays
            });
            rare *= 2;
        }
    }

    /// The shapes, those of the most records first.
    pub fn shapes(&self) -> Vec<&Shape> {
        let mut shapes: Vec<&Shape> = self.shapes.values().collect();
        shapes.sort_by(|a, b| b.order().cmp(&a.order()));
        shapes
    }
}

impl Shape {
    fn weight(&self) -> usize {
        let path = self.path.as_ref().map_or(0, |path| path.len());
        let spellings = size_of_val(&*self.spellings);
        let own = size_of::<Self>() + limits::SKETCH * 8;
        self.weighed.weight() + spellings + self.method.len() + path + own
    }

    /// The order is the same in every run, whatever the table's.
    fn order(&self) -> (u64, &str, Option<&str>, &[super::weighed::Hit]) {
        (self.seen.records, &self.method, self.path.as_deref(), &self.weighed.hits)
    }
}
