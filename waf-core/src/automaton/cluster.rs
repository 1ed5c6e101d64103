//! A cluster: patterns that step as one automaton.

use std::sync::Arc;

use regex_syntax::hir::Hir;

use super::nfa::{Machine, Report};
use super::scratch::Scratch;
use super::tables::{self, DEAD, Tables, is_slow};
use super::work::{TableBudget, Work};
use super::{BuildError, Hit, PatternId, PatternSet};

/// Patterns that step as one automaton. Immutable but for its tables, which only grow.
#[derive(Debug)]
pub(super) struct Cluster {
    machine: Arc<Machine>,
    tables: Tables,
    members: PatternSet,
    start: Cursor,
}

/// All that a cluster remembers of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cursor {
    /// A state of the tables.
    On(u32),
    /// A kernel that the tables do not have.
    Off(Box<[u16]>),
    /// Nothing is wanted of the cluster any more, or can be found.
    Stopped,
}

/// What is wanted of a value, and what was found in it.
pub(super) struct Run<'a, 't> {
    pub(super) wanted: &'a mut PatternSet,
    pub(super) hits: &'a mut Vec<Hit>,
    pub(super) tools: &'a mut Tools<'t>,
}

/// What all runs of a scan share.
pub(super) struct Tools<'t> {
    pub(super) work: &'t mut Work,
    pub(super) scratch: &'t mut Scratch,
    /// Go on when nothing is wanted: the tables are being warmed.
    pub(super) warming: bool,
    /// Where what is still wanted of a cluster goes when it leaves the tables, which is then not
    /// followed any more; `None`: it is simulated.
    pub(super) undecided: Option<&'t mut PatternSet>,
}

impl Run<'_, '_> {
    /// Notes the reports that are wanted, of a step over the byte at `at`.
    fn note(&mut self, reports: &[Report], at: u64, needed: u64) {
        for report in reports {
            if self.wanted.remove(report.pattern) {
                let end = at + u64::from(report.with_byte);
                self.hits.push(Hit { pattern: report.pattern, start: None, end, needed });
            }
        }
    }
}

impl Cluster {
    /// A cluster whose tables take at most `most` bytes, and no more than the budget has.
    pub(super) fn new(
        patterns: &[(PatternId, &Hir)],
        most: usize,
        budget: Arc<TableBudget>,
    ) -> Result<Self, BuildError> {
        let members = patterns.iter().map(|&(id, _)| id).collect();
        Ok(Self::of(Arc::new(Machine::new(patterns)?), members, most, budget))
    }

    /// The same patterns with empty tables.
    pub(super) fn anew(&self, most: usize, budget: Arc<TableBudget>) -> Self {
        Self::of(Arc::clone(&self.machine), self.members.clone(), most, budget)
    }

    fn of(
        machine: Arc<Machine>,
        members: PatternSet,
        most: usize,
        budget: Arc<TableBudget>,
    ) -> Self {
        let tables = Tables::new((machine.classes(), machine.class_count()), most, budget);
        let kernel = Machine::start_kernel();
        let start = tables.intern(&kernel).map_or(Cursor::Off(kernel), Cursor::On);
        Self { machine, tables, members, start }
    }

    pub(super) fn tables(&self) -> &Tables {
        &self.tables
    }

    /// The number of NFA states.
    pub(super) fn size(&self) -> usize {
        self.machine.size()
    }

    /// The cursor before the first byte.
    pub(super) fn start(&self) -> &Cursor {
        &self.start
    }

    /// A cursor on these tables where one stood on those of another with the same patterns.
    pub(super) fn adopt(&self, cursor: Cursor, from: &Self) -> Cursor {
        let kernel = match cursor {
            Cursor::Stopped => return Cursor::Stopped,
            Cursor::Off(kernel) => kernel,
            // Every state has one.
            Cursor::On(state) => match from.tables.kernel(state) {
                Some(kernel) => kernel[..].into(),
                None => return Cursor::Stopped,
            },
        };
        self.tables.intern(&kernel).map_or(Cursor::Off(kernel), Cursor::On)
    }

    /// Whether the cluster still has something to find.
    pub(super) fn is_wanted(&self, run: &Run<'_, '_>) -> bool {
        run.tools.warming || self.has_any(run.wanted)
    }

    /// Whether it has any of these patterns.
    pub(super) fn has_any(&self, patterns: &PatternSet) -> bool {
        patterns.intersects(&self.members)
    }

    /// Leaves the tables for good, where the scan asks for no simulation; whether it does.
    pub(super) fn give_up(&self, run: &mut Run<'_, '_>) -> bool {
        let Some(undecided) = &mut run.tools.undecided else { return false };
        undecided.extend(self.members.iter().filter(|id| run.wanted.contains(*id)));
        true
    }

    /// Notes the patterns that match in every value, before its first byte.
    pub(super) fn begin(&self, run: &mut Run<'_, '_>) {
        for &pattern in self.machine.always() {
            run.note(&[Report { pattern, with_byte: false }], 0, 0);
        }
    }

    /// The state an entry leads to when nobody wants what it reports; otherwise the entry.
    #[inline]
    pub(super) fn pass(&self, entry: u32, wanted: &PatternSet) -> u32 {
        if is_slow(entry) { self.pass_edge(entry, wanted) } else { entry }
    }

    #[inline(never)]
    fn pass_edge(&self, entry: u32, wanted: &PatternSet) -> u32 {
        match self.tables.edge(entry) {
            Some(edge)
                if edge.next != DEAD
                    && !edge.reports.iter().any(|it| wanted.contains(it.pattern)) =>
            {
                edge.next
            }
            _ => entry,
        }
    }

    /// Takes the step of an `entry` that is no state: from `state` over the byte at `at`.
    #[inline(never)]
    pub(super) fn slow(
        &self,
        (state, entry): (u32, u32),
        byte: u8,
        at: u64,
        run: &mut Run<'_, '_>,
    ) -> Cursor {
        if let Some(edge) = self.tables.edge(entry) {
            run.note(&edge.reports, at, at + 1);
            let next = if edge.next == DEAD { Cursor::Stopped } else { Cursor::On(edge.next) };
            return self.kept(next, run);
        }
        let class = usize::from(self.machine.classes()[usize::from(byte)]);
        let Some(kernel) = self.tables.kernel(state) else { return Cursor::Stopped };
        self.machine.step(kernel, class, run.tools.scratch);
        let next = match self.machine.is_dead(&run.tools.scratch.kernel) {
            true => Cursor::Stopped,
            false => self.place(run),
        };
        let known = match next {
            Cursor::On(next) => Some(next),
            Cursor::Stopped => Some(DEAD),
            Cursor::Off(_) => None,
        };
        if let Some(next) = known {
            self.tables.link(state, class, next, &run.tools.scratch.reports);
        }
        self.note_step(at, at + 1, run);
        self.kept(next, run)
    }

    /// Steps a kernel the tables do not have, until they have it again or the input ends. Gives the
    /// number of bytes taken.
    pub(super) fn simulate(
        &self,
        kernel: &[u16],
        input: &[u8],
        at: u64,
        run: &mut Run<'_, '_>,
    ) -> (usize, Cursor) {
        let mut current = kernel.to_vec();
        for (taken, (&byte, at)) in input.iter().zip(at..).enumerate() {
            let class = usize::from(self.machine.classes()[usize::from(byte)]);
            self.machine.step(&current, class, run.tools.scratch);
            let is_dead = self.machine.is_dead(&run.tools.scratch.kernel);
            let known = if is_lookup(taken) && !is_dead { self.known(run) } else { None };
            if !run.tools.scratch.reports.is_empty() {
                self.note_step(at, at + 1, run);
                if !self.is_wanted(run) {
                    return (taken + 1, Cursor::Stopped);
                }
            }
            if is_dead {
                return (taken + 1, Cursor::Stopped);
            }
            if let Some(state) = known {
                return (taken + 1, Cursor::On(state));
            }
            std::mem::swap(&mut current, &mut run.tools.scratch.kernel);
        }
        if let Some((_, states)) = current.split_first_mut() {
            states.sort_unstable();
        }
        (input.len(), Cursor::Off(current.into()))
    }

    /// Takes the end of the value, after `at` bytes.
    pub(super) fn finish(&self, cursor: &Cursor, at: u64, run: &mut Run<'_, '_>) {
        let class = self.machine.end_class();
        let kernel: &[u16] = match cursor {
            Cursor::Stopped => return,
            Cursor::Off(kernel) => kernel,
            Cursor::On(state) => {
                let entry = tables::entry(self.tables.entries(), *state, class);
                if !is_slow(entry) {
                    return;
                }
                if let Some(edge) = self.tables.edge(entry) {
                    return run.note(&edge.reports, at, at);
                }
                let Some(kernel) = self.tables.kernel(*state) else { return };
                kernel
            }
        };
        self.machine.step(kernel, class, run.tools.scratch);
        if let Cursor::On(state) = *cursor {
            self.tables.link(state, class, state, &run.tools.scratch.reports);
        }
        self.note_step(at, at, run);
    }

    fn note_step(&self, at: u64, needed: u64, run: &mut Run<'_, '_>) {
        let reports = std::mem::take(&mut run.tools.scratch.reports);
        run.note(&reports, at, needed);
        run.tools.scratch.reports = reports;
    }

    fn kept(&self, cursor: Cursor, run: &Run<'_, '_>) -> Cursor {
        if self.is_wanted(run) { cursor } else { Cursor::Stopped }
    }

    /// The cursor at the kernel of the last step.
    fn place(&self, run: &mut Run<'_, '_>) -> Cursor {
        self.known(run)
            .map_or_else(|| Cursor::Off(run.tools.scratch.kernel.as_slice().into()), Cursor::On)
    }

    /// The state with the kernel of the last step, made if there is room and work left.
    fn known(&self, run: &mut Run<'_, '_>) -> Option<u32> {
        run.tools.scratch.sort();
        let kernel = &run.tools.scratch.kernel;
        self.tables.find(kernel).or_else(|| {
            let may_grow = !self.tables.is_frozen() && run.tools.work.take();
            if may_grow { self.tables.intern(kernel) } else { None }
        })
    }
}

/// Whether to ask the tables after so many simulated bytes. Asking costs as much as the step, and
/// most kernels that come back do so at once.
fn is_lookup(taken: usize) -> bool {
    taken < 4 || taken.is_multiple_of(8)
}
