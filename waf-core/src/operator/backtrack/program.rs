//! What a pattern is made of, and what it becomes.

use crate::bytes::ByteSet;

/// A part of a pattern.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    Set(ByteSet),
    Place(Place),
    /// `\K`: the match begins here.
    Keep,
    Reference {
        group: usize,
        ignore_case: bool,
    },
    /// Group 0 captures nothing.
    Group {
        number: usize,
        inner: Box<Node>,
    },
    /// What matched is not tried otherwise.
    Atomic(Box<Node>),
    Around {
        behind: bool,
        negated: bool,
        inner: Box<Node>,
    },
    Repeat {
        least: u32,
        most: Option<u32>,
        greedy: bool,
        inner: Box<Node>,
    },
    Concat(Vec<Node>),
    Alternation(Vec<Node>),
}

/// A place in the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Start,
    End,
    /// Before a line feed, or the end.
    LineEnd,
    WordBoundary,
    NoWordBoundary,
}

/// A pattern read.
pub(super) struct Parsed {
    pub(super) node: Node,
    /// Groups that capture, the whole match not counted.
    pub(super) groups: usize,
}

/// A register: a position in the value, or a height of the stack.
pub(super) type Register = usize;

/// One step of a search.
#[derive(Clone, Debug)]
pub(super) enum Instruction {
    /// One byte of a set.
    Set(ByteSet),
    /// A repeat of one byte, all in one step.
    Run {
        set: ByteSet,
        least: usize,
        most: usize,
        greedy: bool,
    },
    /// First this way, then that.
    Split(usize, usize),
    Jump(usize),
    Place(Place),
    /// Keeps the position.
    Mark(Register),
    /// Leaves a repeat whose last turn, since the mark, matched nothing.
    Progress {
        mark: Register,
        exit: usize,
    },
    /// A group ends that began at the mark.
    Capture {
        group: usize,
        mark: Register,
    },
    Reference {
        group: usize,
        ignore_case: bool,
    },
    /// Keeps the height of the stack.
    Enter(Register),
    /// What was open since `Enter` is not tried any more.
    Commit(Register),
    /// Like `Enter`; goes on at `otherwise` if what follows fails.
    EnterNegated {
        height: Register,
        otherwise: usize,
    },
    /// What must not match did.
    Refuse(Register),
    /// Back to the mark.
    Return(Register),
    /// Back by so many bytes.
    Back(usize),
    Match,
}

/// A pattern ready to run.
#[derive(Clone, Debug)]
pub(super) struct Program {
    pub(super) instructions: Vec<Instruction>,
    pub(super) registers: usize,
    /// Groups that capture.
    pub(super) groups: usize,
    /// Bytes that a match may begin with; `None` where it may begin with none.
    pub(super) first: Option<ByteSet>,
    /// A match begins where the value does.
    pub(super) anchored: bool,
}

impl Program {
    /// The registers of a group's start and end; those of the match are 0 and 1.
    pub(super) fn group(number: usize) -> (Register, Register) {
        (2 * number, 2 * number + 1)
    }
}
