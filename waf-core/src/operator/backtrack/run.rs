//! A search: instructions over a value, with a stack of what else may be tried.

use std::ops::Range;

use super::program::{Instruction, Place, Program, Register};
use crate::bytes::ByteSet;
use crate::limits::BACKTRACK_STACK;

/// The steps or the stack were spent.
pub(super) struct Spent;

/// No position.
const NOWHERE: usize = usize::MAX;

pub(super) struct Search<'a> {
    program: &'a Program,
    value: &'a [u8],
    steps: usize,
    registers: Vec<usize>,
    stack: Vec<Entry>,
}

/// What else may be tried, and what must be put back before.
enum Entry {
    /// Go on here.
    Try { at: usize, position: usize },
    /// Give bytes back, down to `least`, and go on here.
    Less { at: usize, least: usize, position: usize },
    /// Take another byte of the `Run` that stands here, at most so many, and go on behind it.
    More { at: usize, left: usize, position: usize },
    /// The register held this.
    Restore { register: Register, was: usize },
}

impl<'a> Search<'a> {
    pub(super) fn new(program: &'a Program, value: &'a [u8], steps: usize) -> Self {
        let registers = vec![NOWHERE; program.registers];
        Self { program, value, steps, registers, stack: Vec::new() }
    }

    /// What a group matched; the whole match is group 0.
    pub(super) fn group(&self, number: usize) -> Option<Range<usize>> {
        let (start, end) = Program::group(number);
        let groups = self.program.groups;
        let (start, end) = (*self.registers.get(start)?, *self.registers.get(end)?);
        (number <= groups && start != NOWHERE && end != NOWHERE).then_some(start..end)
    }

    /// Finds the match that begins first.
    pub(super) fn leftmost(&mut self) -> Result<bool, Spent> {
        let last = if self.program.anchored { 0 } else { self.value.len() };
        for start in 0..=last {
            let begins = self.program.first.is_none_or(|first| {
                self.value.get(start).is_some_and(|&byte| first.contains(byte))
            });
            if begins && self.matches_at(start)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn matches_at(&mut self, start: usize) -> Result<bool, Spent> {
        self.stack.clear();
        self.registers.fill(NOWHERE);
        if let Some(register) = self.registers.first_mut() {
            *register = start;
        }
        let mut thread = Some((0, start));
        while let Some((at, position)) = thread {
            self.spend(1)?;
            match self.program.instructions.get(at) {
                Some(Instruction::Match) => {
                    self.set(1, position)?;
                    return Ok(true);
                }
                Some(instruction) => {
                    thread = match self.step(instruction, at, position)? {
                        None => self.back(),
                        next => next,
                    }
                }
                None => return Ok(false),
            }
        }
        Ok(false)
    }

    /// One instruction: where to go on, or `None` where it fails.
    fn step(
        &mut self,
        instruction: &Instruction,
        at: usize,
        position: usize,
    ) -> Result<Option<(usize, usize)>, Spent> {
        let next = (at + 1, position);
        let is_right = match instruction {
            Instruction::Set(set) => return Ok(self.one(set, position).map(|end| (at + 1, end))),
            Instruction::Run { set, least, most, greedy } => {
                let run = Run { set, least: *least, most: *most, greedy: *greedy };
                return self.run(&run, at, position);
            }
            Instruction::Split(first, second) => {
                self.push(Entry::Try { at: *second, position })?;
                return Ok(Some((*first, position)));
            }
            Instruction::Jump(target) => return Ok(Some((*target, position))),
            Instruction::Place(place) => self.is_at(*place, position),
            Instruction::Mark(register) => self.set(*register, position)?,
            Instruction::Progress { mark, exit } => {
                let moved = self.register(*mark) != position;
                return Ok(Some(if moved { next } else { (*exit, position) }));
            }
            Instruction::Capture { group, mark } => {
                let (start, end) = Program::group(*group);
                self.set(start, self.register(*mark))? && self.set(end, position)?
            }
            Instruction::Reference { group, ignore_case } => {
                let end = self.again(*group, *ignore_case, position)?;
                return Ok(end.map(|end| (at + 1, end)));
            }
            Instruction::Enter(height) => self.enter(*height)?,
            Instruction::EnterNegated { height, otherwise } => {
                self.enter(*height)?;
                self.push(Entry::Try { at: *otherwise, position })?;
                true
            }
            Instruction::Commit(height) => self.commit(*height)?,
            Instruction::Refuse(height) => self.refuse(*height)?,
            Instruction::Return(mark) => return Ok(Some((at + 1, self.register(*mark)))),
            Instruction::Back(width) => {
                return Ok(position.checked_sub(*width).map(|position| (at + 1, position)));
            }
            Instruction::Match => true,
        };
        Ok(is_right.then_some(next))
    }

    /// The end of one byte of a set.
    fn one(&self, set: &ByteSet, position: usize) -> Option<usize> {
        self.value.get(position).filter(|&&byte| set.contains(byte)).map(|_| position + 1)
    }

    /// A repeat of one byte.
    fn run(
        &mut self,
        run: &Run<'_>,
        at: usize,
        position: usize,
    ) -> Result<Option<(usize, usize)>, Spent> {
        let wanted = if run.greedy { run.most } else { run.least };
        let rest = self.value.get(position..).unwrap_or_default();
        let count = rest.iter().take(wanted).take_while(|&&byte| run.set.contains(byte)).count();
        self.spend(count)?;
        if count < run.least {
            return Ok(None);
        }
        let end = position + count;
        if run.greedy && count > run.least {
            self.push(Entry::Less { at: at + 1, least: position + run.least, position: end })?;
        } else if !run.greedy && run.most > run.least {
            let left = run.most - run.least;
            self.push(Entry::More { at, left, position: end })?;
        }
        Ok(Some((at + 1, end)))
    }

    /// The end of what a group matched, if it stands here again.
    fn again(
        &mut self,
        group: usize,
        ignore_case: bool,
        position: usize,
    ) -> Result<Option<usize>, Spent> {
        let Some(text) = self.group(group).and_then(|span| self.value.get(span)) else {
            return Ok(None);
        };
        let here = self.value.get(position..).and_then(|rest| rest.get(..text.len()));
        let is_same = here.is_some_and(|here| match ignore_case {
            true => here.eq_ignore_ascii_case(text),
            false => here == text,
        });
        let length = text.len();
        self.spend(length)?;
        Ok(is_same.then_some(position + length))
    }

    fn is_at(&self, place: Place, position: usize) -> bool {
        let is_word = |at: Option<usize>| {
            let byte = at.and_then(|at| self.value.get(at));
            byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
        };
        let is_border = || is_word(position.checked_sub(1)) != is_word(Some(position));
        match place {
            Place::Start => position == 0,
            Place::End => position == self.value.len(),
            Place::LineEnd => self.value.get(position).is_none_or(|&byte| byte == b'\n'),
            Place::WordBoundary => is_border(),
            Place::NoWordBoundary => !is_border(),
        }
    }

    fn enter(&mut self, height: Register) -> Result<bool, Spent> {
        self.set(height, self.stack.len())
    }

    /// Forgets what else could be tried since `enter`, not what must be put back.
    fn commit(&mut self, height: Register) -> Result<bool, Spent> {
        let height = self.register(height).min(self.stack.len());
        self.spend(self.stack.len() - height)?;
        let kept = self.stack.split_off(height);
        self.stack.extend(kept.into_iter().filter(|e| matches!(e, Entry::Restore { .. })));
        Ok(true)
    }

    /// Puts back all since `enter`, and fails.
    fn refuse(&mut self, height: Register) -> Result<bool, Spent> {
        let height = self.register(height);
        self.spend(self.stack.len().saturating_sub(height))?;
        while self.stack.len() > height {
            if let Some(Entry::Restore { register, was }) = self.stack.pop() {
                self.put(register, was);
            }
        }
        Ok(false)
    }

    /// The next thing to try.
    fn back(&mut self) -> Option<(usize, usize)> {
        loop {
            match self.stack.pop()? {
                Entry::Try { at, position } => return Some((at, position)),
                Entry::Restore { register, was } => self.put(register, was),
                Entry::Less { at, least, position } => {
                    let position = position - 1;
                    if position > least {
                        self.stack.push(Entry::Less { at, least, position });
                    }
                    return Some((at, position));
                }
                Entry::More { at, left, position } => {
                    let Some(Instruction::Run { set, .. }) = self.program.instructions.get(at)
                    else {
                        continue;
                    };
                    let Some(position) = self.one(set, position) else { continue };
                    if left > 1 {
                        self.stack.push(Entry::More { at, left: left - 1, position });
                    }
                    return Some((at + 1, position));
                }
            }
        }
    }

    fn register(&self, register: Register) -> usize {
        self.registers.get(register).copied().unwrap_or(NOWHERE)
    }

    /// Sets a register until what is tried now has failed.
    fn set(&mut self, register: Register, position: usize) -> Result<bool, Spent> {
        self.push(Entry::Restore { register, was: self.register(register) })?;
        self.put(register, position);
        Ok(true)
    }

    fn put(&mut self, register: Register, position: usize) {
        if let Some(place) = self.registers.get_mut(register) {
            *place = position;
        }
    }

    fn push(&mut self, entry: Entry) -> Result<(), Spent> {
        if self.stack.len() >= BACKTRACK_STACK {
            return Err(Spent);
        }
        self.stack.push(entry);
        Ok(())
    }

    fn spend(&mut self, steps: usize) -> Result<(), Spent> {
        self.steps = self.steps.checked_sub(steps).ok_or(Spent)?;
        Ok(())
    }
}

/// A repeat of one byte.
struct Run<'a> {
    set: &'a ByteSet,
    least: usize,
    most: usize,
    greedy: bool,
}
