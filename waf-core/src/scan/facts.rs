//! Facts of one request: counted, not listed. One cell per (signature, collection, class), so a
//! million matching fields cost what one does.
//!
//! Facts come in the order in which values are scanned, which depends on how the body was cut. They
//! are given on in canonical order: by the source byte that made them certain, then signature. So
//! they wait until nothing earlier can come.

use std::collections::HashMap;
use std::sync::Arc;

use super::evidence::Evidence;
use crate::field::Collection;
use crate::finding::Finding;
use crate::limits;
use crate::ruleset::{ClassId, FieldPlan, SignatureId};

/// What a fact is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Subject {
    /// A signature is true of a value of such a field.
    Signature(SignatureId, Collection, ClassId),
    /// Something is wrong.
    Finding(Finding),
}

/// Something that is true of the request.
#[derive(Clone, Debug)]
pub(crate) struct Fact {
    /// Source bytes that had to be known.
    pub(crate) needed: u64,
    /// The lane that told it: of two that need the same byte the first one's is kept.
    pub(crate) lane: usize,
    /// What is true.
    pub(crate) subject: Subject,
    /// The plan that says what it triggers; `None` for findings.
    pub(crate) plan: Option<Arc<FieldPlan>>,
    /// What a record tells.
    pub(crate) evidence: Evidence,
}

/// The facts of one request.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    /// How often each was seen.
    cells: HashMap<Subject, u64>,
    /// Seen, not yet given on: at most one per subject, the earliest.
    pending: Vec<Fact>,
    /// Bytes of evidence kept.
    weight: usize,
}

impl Facts {
    /// Whether a fact adds nothing but a count. Then its evidence need not be made.
    pub(crate) fn only_counts(&mut self, subject: Subject, needed: u64, lane: usize) -> bool {
        let Some(count) = self.cells.get_mut(&subject) else { return false };
        let earliest = self
            .pending
            .iter()
            .find(|fact| fact.subject == subject)
            .is_none_or(|fact| (fact.needed, fact.lane) <= (needed, lane));
        if earliest {
            *count += 1;
        }
        earliest
    }

    /// Whether something was found wrong.
    pub(crate) fn has(&self, finding: Finding) -> bool {
        self.cells.contains_key(&Subject::Finding(finding))
    }

    /// Takes a fact that does not only count.
    pub(crate) fn push(&mut self, fact: Fact) {
        let full = self.cells.len() >= limits::CELLS;
        let count = self.cells.entry(fact.subject).or_insert(0);
        *count += 1;
        if *count > 1 {
            // An earlier one than the pending one, or a repeated finding.
            match self.pending.iter_mut().find(|known| known.subject == fact.subject) {
                Some(known) if (fact.needed, fact.lane) < (known.needed, known.lane) => {
                    *known = fact;
                }
                _ => {}
            }
            return;
        }
        if full && !matches!(fact.subject, Subject::Finding(_)) {
            self.overflow(fact);
            return;
        }
        self.pending.push(fact);
    }

    /// Gives on, in canonical order, every fact that needed no byte beyond `frontier`.
    pub(crate) fn take_until(&mut self, frontier: u64) -> Vec<Fact> {
        if self.pending.iter().all(|fact| fact.needed > frontier) {
            return Vec::new();
        }
        let (mut ready, waiting): (Vec<Fact>, Vec<Fact>) =
            std::mem::take(&mut self.pending).into_iter().partition(|f| f.needed <= frontier);
        self.pending = waiting;
        ready.sort_by_key(|fact| (fact.needed, fact.subject));
        for fact in &mut ready {
            if self.weight + fact.evidence.weight() > limits::EVIDENCE {
                fact.evidence.excerpt = Box::default();
            }
            self.weight += fact.evidence.weight();
        }
        ready
    }

    /// The table is full: the earliest facts stay, whatever order they came in, and the request is
    /// told on.
    fn overflow(&mut self, fact: Fact) {
        self.cells.remove(&fact.subject);
        let needed = fact.needed;
        let latest = self.pending.iter().enumerate().filter(|(_, known)| known.plan.is_some());
        let latest = latest.max_by_key(|(_, known)| (known.needed, known.subject));
        let mut told = needed;
        if let Some((at, known)) = latest
            && (known.needed, known.subject) > (fact.needed, fact.subject)
        {
            told = told.max(known.needed);
            self.cells.remove(&known.subject);
            self.cells.insert(fact.subject, 1);
            self.pending[at] = fact;
        }
        let evidence = Evidence::of_finding(None, told);
        let subject = Subject::Finding(Finding::LimitTables);
        if !self.only_counts(subject, told, 0) {
            self.push(Fact { needed: told, lane: 0, subject, plan: None, evidence });
        }
    }
}

/// Numbers and lengths of the fields of every collection and class: all that is kept of fields in
/// which nothing was found.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    /// Sorted: a request has few of them, and asks for each field.
    rows: Vec<((Collection, ClassId), Total)>,
    /// Where the last two were: names and values take turns.
    recent: [usize; 2],
}

/// The fields of one collection and class.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Total {
    /// How many.
    pub(crate) count: u64,
    /// How many of them are guesses, which SecLang rules do not see.
    pub(crate) guessed: u64,
    /// Bytes of all values.
    pub(crate) bytes: u64,
}

impl Totals {
    /// A field ended.
    pub(crate) fn add(
        &mut self,
        collection: Collection,
        class: ClassId,
        bytes: u64,
        guessed: bool,
    ) {
        let key = (collection, class);
        let is_there = |at: usize| self.rows.get(at).is_some_and(|(known, _)| *known == key);
        let [before, last] = self.recent;
        let at = match (is_there(before), is_there(last)) {
            (true, _) => before,
            (_, true) => last,
            _ => self.rows.binary_search_by_key(&key, |(key, _)| *key).unwrap_or_else(|at| {
                self.rows.insert(at, (key, Total::default()));
                at
            }),
        };
        self.recent = [last, at];
        let total = &mut self.rows[at].1;
        total.count += 1;
        total.guessed += u64::from(guessed);
        total.bytes += bytes;
    }

    /// Every collection and class that was seen.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Collection, ClassId, Total)> {
        self.rows.iter().map(|&((collection, class), total)| (collection, class, total))
    }

    /// The classes of one collection that were seen.
    pub(crate) fn of(&self, collection: Collection) -> impl Iterator<Item = (ClassId, Total)> {
        let from = self.rows.partition_point(|((known, _), _)| *known < collection);
        let of_it =
            self.rows[from..].iter().take_while(move |((known, _), _)| *known == collection);
        of_it.map(|&((_, class), total)| (class, total))
    }

    /// Bytes of all values of some collections.
    pub(crate) fn bytes_of(&self, collections: &[Collection]) -> u64 {
        let of_them = self.iter().filter(|(collection, _, _)| collections.contains(collection));
        of_them.map(|(_, _, total)| total.bytes).sum()
    }
}
