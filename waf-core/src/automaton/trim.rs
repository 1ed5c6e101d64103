//! Existence trimming: a pattern that matches in the same values and, first, at the same end.
//!
//! Only whether a pattern matches, and where its first match ends, is asked of an automaton. So a
//! part at either end that may be empty can go: `union.*` is `union`, `a+b{2,9}` is `ab{2}`. With
//! them the automaton would report on every byte after the first match, and have more states.
//!
//! Why the first end stays: a match of the trimmed pattern is one of the whole (the parts left out
//! being empty). A match of the whole holds one of the trimmed, with the same end where the start
//! was trimmed, and no later end where the end was.

use regex_syntax::hir::{Hir, HirKind, Repetition};

/// The trimmed pattern, without captures.
pub(crate) fn trim(pattern: &Hir) -> Hir {
    let plain = without_captures(pattern);
    trim_side(trim_side(plain, Side::End), Side::Start)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Start,
    End,
}

fn without_captures(hir: &Hir) -> Hir {
    match hir.kind() {
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => hir.clone(),
        HirKind::Capture(capture) => without_captures(&capture.sub),
        HirKind::Repetition(repetition) => Hir::repetition(Repetition {
            sub: Box::new(without_captures(&repetition.sub)),
            ..repetition.clone()
        }),
        HirKind::Concat(parts) => Hir::concat(parts.iter().map(without_captures).collect()),
        HirKind::Alternation(parts) => {
            Hir::alternation(parts.iter().map(without_captures).collect())
        }
    }
}

fn trim_side(hir: Hir, side: Side) -> Hir {
    if may_be_empty(&hir) {
        return Hir::empty();
    }
    match hir.into_kind() {
        HirKind::Repetition(repetition) => trim_repetition(repetition, side),
        HirKind::Concat(parts) => trim_concat(parts, side),
        HirKind::Alternation(parts) => {
            Hir::alternation(parts.into_iter().map(|part| trim_side(part, side)).collect())
        }
        kind => from_kind(kind),
    }
}

/// `X{n,m}` is `X{n}`; here `n` is not 0.
fn trim_repetition(repetition: Repetition, side: Side) -> Hir {
    if repetition.min == 1 {
        return trim_side(*repetition.sub, side);
    }
    Hir::repetition(Repetition { max: Some(repetition.min), ..repetition })
}

fn trim_concat(mut parts: Vec<Hir>, side: Side) -> Hir {
    // The outermost part is the last one to pop.
    if side == Side::Start {
        parts.reverse();
    }
    while parts.last().is_some_and(may_be_empty) {
        parts.pop();
    }
    if let Some(outer) = parts.pop() {
        parts.push(trim_side(outer, side));
    }
    if side == Side::Start {
        parts.reverse();
    }
    Hir::concat(parts)
}

/// Whether it matches nothing at all at every position, whatever stands around.
fn may_be_empty(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Empty => true,
        HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => false,
        HirKind::Repetition(repetition) => repetition.min == 0 || may_be_empty(&repetition.sub),
        HirKind::Capture(capture) => may_be_empty(&capture.sub),
        HirKind::Concat(parts) => parts.iter().all(may_be_empty),
        HirKind::Alternation(parts) => parts.iter().any(may_be_empty),
    }
}

fn from_kind(kind: HirKind) -> Hir {
    match kind {
        HirKind::Empty => Hir::empty(),
        HirKind::Literal(literal) => Hir::literal(literal.0),
        HirKind::Class(class) => Hir::class(class),
        HirKind::Look(look) => Hir::look(look),
        HirKind::Repetition(repetition) => Hir::repetition(repetition),
        HirKind::Capture(capture) => Hir::capture(capture),
        HirKind::Concat(parts) => Hir::concat(parts),
        HirKind::Alternation(parts) => Hir::alternation(parts),
    }
}
