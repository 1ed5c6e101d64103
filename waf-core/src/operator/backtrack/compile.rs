//! Parts of a pattern to instructions.

use super::BacktrackError;
use super::program::{Instruction, Node, Parsed, Program, Register};
use crate::limits::NFA_STATES;

pub(super) fn compile(pattern: &Parsed) -> Result<Program, BacktrackError> {
    let registers = 2 * (pattern.groups + 1);
    let mut compiler = Compiler { out: Vec::new(), registers, groups: pattern.groups };
    compiler.node(&pattern.node)?;
    compiler.push(Instruction::Match)?;
    Ok(Program {
        instructions: compiler.out,
        registers: compiler.registers,
        groups: pattern.groups,
        first: (!pattern.node.may_be_empty()).then(|| pattern.node.first()),
        anchored: pattern.node.is_anchored(),
    })
}

struct Compiler {
    out: Vec<Instruction>,
    registers: usize,
    groups: usize,
}

type Compiled = Result<(), BacktrackError>;

impl Compiler {
    fn node(&mut self, node: &Node) -> Compiled {
        match node {
            Node::Set(set) => self.push(Instruction::Set(*set)),
            Node::Place(place) => self.push(Instruction::Place(*place)),
            // The start of the match.
            Node::Keep => self.push(Instruction::Mark(0)),
            Node::Reference { group, .. } if *group > self.groups => {
                Err(BacktrackError("a reference to a group that there is not"))
            }
            Node::Reference { group, ignore_case } => {
                self.push(Instruction::Reference { group: *group, ignore_case: *ignore_case })
            }
            Node::Group { number: 0, inner } => self.node(inner),
            Node::Group { number, inner } => {
                let mark = self.register();
                self.push(Instruction::Mark(mark))?;
                self.node(inner)?;
                self.push(Instruction::Capture { group: *number, mark })
            }
            Node::Atomic(inner) => {
                let height = self.register();
                self.push(Instruction::Enter(height))?;
                self.node(inner)?;
                self.push(Instruction::Commit(height))
            }
            Node::Around { behind, negated, inner } => self.around(*behind, *negated, inner),
            Node::Repeat { least, most, greedy, inner } => {
                self.repeat(*least, *most, *greedy, inner)
            }
            Node::Concat(parts) => parts.iter().try_for_each(|part| self.node(part)),
            Node::Alternation(parts) => self.alternation(parts, Self::node),
        }
    }

    fn alternation(
        &mut self,
        parts: &[Node],
        part: impl Fn(&mut Self, &Node) -> Compiled,
    ) -> Compiled {
        let Some((last, others)) = parts.split_last() else { return Ok(()) };
        let mut ends = Vec::new();
        for other in others {
            let split = self.out.len();
            self.push(Instruction::Match)?;
            part(self, other)?;
            ends.push(self.out.len());
            self.push(Instruction::Match)?;
            self.put(split, Instruction::Split(split + 1, self.out.len()));
        }
        part(self, last)?;
        for end in ends {
            self.put(end, Instruction::Jump(self.out.len()));
        }
        Ok(())
    }

    fn around(&mut self, behind: bool, negated: bool, inner: &Node) -> Compiled {
        let (height, mark) = (self.register(), self.register());
        let begin = self.out.len();
        self.push(Instruction::Enter(height))?;
        if !negated {
            self.push(Instruction::Mark(mark))?;
        }
        match (behind, inner) {
            (false, inner) => self.node(inner)?,
            (true, Node::Alternation(parts)) => self.alternation(parts, Self::behind)?,
            (true, inner) => self.behind(inner)?,
        }
        if !negated {
            self.push(Instruction::Commit(height))?;
            return self.push(Instruction::Return(mark));
        }
        self.push(Instruction::Refuse(height))?;
        let otherwise = self.out.len();
        self.put(begin, Instruction::EnterNegated { height, otherwise });
        Ok(())
    }

    /// A branch of a look-behind.
    fn behind(&mut self, inner: &Node) -> Compiled {
        let width = inner.width();
        let width = width.ok_or(BacktrackError("a look-behind must have a fixed length"))?;
        self.push(Instruction::Back(width))?;
        self.node(inner)
    }

    fn repeat(&mut self, least: u32, most: Option<u32>, greedy: bool, inner: &Node) -> Compiled {
        if let Node::Set(set) = inner {
            let (least, most) = (least as usize, most.map_or(usize::MAX, |most| most as usize));
            return self.push(Instruction::Run { set: *set, least, most, greedy });
        }
        let Some(most) = most else { return self.unbounded(least, greedy, inner) };
        for _ in 0..least {
            self.node(inner)?;
        }
        let mut splits = Vec::new();
        for _ in least..most {
            splits.push(self.out.len());
            self.push(Instruction::Match)?;
            self.node(inner)?;
        }
        for split in splits {
            self.put(split, choice(greedy, split + 1, self.out.len()));
        }
        Ok(())
    }

    fn unbounded(&mut self, least: u32, greedy: bool, inner: &Node) -> Compiled {
        for _ in 1..least {
            self.node(inner)?;
        }
        let before = self.out.len();
        if least == 0 {
            self.push(Instruction::Match)?;
        }
        let (begin, mark) = (self.out.len(), self.register());
        self.push(Instruction::Mark(mark))?;
        self.node(inner)?;
        let exit = self.out.len() + 2;
        self.push(Instruction::Progress { mark, exit })?;
        self.push(choice(greedy, begin, exit))?;
        if least == 0 {
            self.put(before, choice(greedy, begin, exit));
        }
        Ok(())
    }

    fn register(&mut self) -> Register {
        self.registers += 1;
        self.registers - 1
    }

    /// Counted repeats are written out, which is what can grow.
    fn push(&mut self, instruction: Instruction) -> Compiled {
        if self.out.len() >= NFA_STATES {
            return Err(BacktrackError("the pattern is too large"));
        }
        self.out.push(instruction);
        Ok(())
    }

    fn put(&mut self, at: usize, instruction: Instruction) {
        if let Some(place) = self.out.get_mut(at) {
            *place = instruction;
        }
    }
}

fn choice(greedy: bool, again: usize, exit: usize) -> Instruction {
    if greedy { Instruction::Split(again, exit) } else { Instruction::Split(exit, again) }
}
