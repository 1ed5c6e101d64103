//! The ways in which a pattern can match, by what each of them needs: a text, or a few bytes.
//!
//! Rules list many ways to do one thing, and only some of them have a text that is worth asking for.
//!
//! ```text
//! xp_cmdshell|into\s+(?:out|dump)file|;\s*\w+\(    a text "xp_cmdshell", "outfile" or "dumpfile",
//!                                                  or the bytes ";" and "("
//! ```

use regex_syntax::hir::{Hir, HirKind};

use super::edges::Edges;
use super::{literals, needs};
use crate::bytes::ByteSet;
use crate::limits::GATE_TEXTS;

/// How many times the states of a pattern its ways may have together.
const MOST: usize = 2;

/// One way to match: what every such match holds.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Way {
    /// One of these, in ASCII lower case, where there are any worth asking for; they are met in any
    /// case.
    pub(super) texts: Vec<Vec<u8>>,
    /// And a byte of each of these.
    pub(super) bytes: Vec<ByteSet>,
    /// And begins and ends so.
    pub(super) edges: Edges,
    /// What matches where the pattern does in this way, if it is asked for.
    pattern: Option<Hir>,
    /// States that this takes, roughly.
    size: usize,
}

impl Way {
    fn of(pattern: &Hir, keep: bool) -> Self {
        Self {
            texts: literals::needed(pattern).unwrap_or_default(),
            bytes: needs::of_pattern(pattern),
            edges: Edges::of(pattern),
            pattern: keep.then(|| pattern.clone()),
            size: size(pattern),
        }
    }

    /// The rarest of the bytes that are needed.
    fn rarest(&self) -> ByteSet {
        self.bytes.first().copied().unwrap_or(ByteSet::ALL)
    }
}

/// The ways of a pattern: at most so many with texts, and then as many without.
pub(super) fn of_pattern(pattern: &Hir, most: usize) -> Vec<Way> {
    gathered(split(pattern, false), most)
}

/// Whether the ways of a pattern have not many times its states: what they share is in each of them, and
/// where that is much they are better asked as one.
pub(super) fn are_parts(ways: &[Way], pattern: &Hir) -> bool {
    ways.len() > 1 && size_of(ways) <= size(pattern).saturating_mul(MOST)
}

fn size_of(ways: &[Way]) -> usize {
    ways.iter().map(|way| way.size).fold(0, usize::saturating_add)
}

/// The states that an expression takes, roughly.
fn size(pattern: &Hir) -> usize {
    match pattern.kind() {
        HirKind::Empty => 0,
        HirKind::Look(_) | HirKind::Class(_) => 1,
        HirKind::Literal(literal) => literal.0.len(),
        HirKind::Capture(capture) => size(&capture.sub),
        HirKind::Repetition(repetition) => {
            let times = repetition.max.unwrap_or(repetition.min).max(1) as usize;
            size(&repetition.sub).saturating_mul(times)
        }
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            parts.iter().map(size).fold(1, usize::saturating_add)
        }
    }
}

/// What matches where a pattern does in each of its ways, in the order of [`of_pattern`].
pub(super) fn patterns(pattern: &Hir, most: usize) -> Vec<Hir> {
    let ways = gathered(split(pattern, true), most);
    ways.into_iter().filter_map(|way| way.pattern).collect()
}

fn gathered(mut ways: Vec<Way>, most: usize) -> Vec<Way> {
    // Where there is no room for all texts, the bytes that are met least often must do.
    ways.sort_by_key(|way| std::cmp::Reverse(needs::commonness(&way.rarest())));
    let mut room = GATE_TEXTS;
    for way in &mut ways {
        match room.checked_sub(way.texts.len()) {
            Some(left) => room = left,
            None => way.texts.clear(),
        }
    }
    let (without, with) = ways.into_iter().partition(|way| way.texts.is_empty());
    [few(with, most), few(without, most)].concat()
}

/// The same ways, those that need the same bytes together; when they are too many, others too.
fn few(mut ways: Vec<Way>, most: usize) -> Vec<Way> {
    ways.sort_by_cached_key(|way| way.rarest().iter().collect::<Vec<u8>>());
    let alike = ways.chunk_by(|a, b| a.rarest() == b.rarest());
    let mut alike: Vec<Way> = alike.map(join).collect();
    alike.sort_by_key(|way| needs::commonness(&way.rarest()));
    let some = alike.len().div_ceil(most).max(1);
    alike.chunks(some).map(join).collect()
}

/// One of these.
fn join(ways: &[Way]) -> Way {
    let mut texts: Vec<_> = ways.iter().flat_map(|way| way.texts.iter().cloned()).collect();
    texts.sort_unstable();
    texts.dedup();
    let bytes: Vec<_> = ways.iter().map(|way| way.bytes.clone()).collect();
    let edges = ways.iter().map(|way| way.edges).reduce(Edges::or).unwrap_or(Edges::ANY);
    // What has several ways within a repetition is there once for each.
    let mut patterns: Vec<Hir> = ways.iter().filter_map(|way| way.pattern.clone()).collect();
    patterns.dedup();
    let pattern = (!patterns.is_empty()).then(|| Hir::alternation(patterns));
    Way { texts, bytes: needs::either(&bytes), edges, pattern, size: size_of(ways) }
}

/// The ways of a pattern, at least one: no more than it has alternatives.
fn split(pattern: &Hir, keep: bool) -> Vec<Way> {
    let whole = Way::of(pattern, keep);
    if !whole.texts.is_empty() {
        return vec![whole];
    }
    let ways = match pattern.kind() {
        HirKind::Capture(capture) => split(&capture.sub, keep),
        HirKind::Repetition(repetition) if repetition.min > 0 => {
            // One time it may match in one way, and the next in another.
            let ways = split(&repetition.sub, false).into_iter();
            let (edges, size) = (whole.edges, whole.size);
            ways.map(|way| Way { edges, size, pattern: whole.pattern.clone(), ..way }).collect()
        }
        HirKind::Alternation(parts) => parts.iter().flat_map(|part| split(part, keep)).collect(),
        HirKind::Concat(parts) => {
            let ways = parts.iter().map(|part| split(part, keep)).enumerate();
            let ways = ways.filter(|(_, ways)| ways.len() > 1);
            let Some((at, rarest)) = ways.min_by_key(|(_, ways)| commonness(ways)) else {
                return vec![whole];
            };
            // The other parts are needed too.
            let before = Edges::of_all(&parts[..at]);
            let behind = Edges::of_all(&parts[at + 1..]);
            let shared = whole.size.saturating_sub(size(&parts[at]));
            let and = |way: Way| {
                let bytes = needs::rarest([way.bytes, whole.bytes.clone()].concat());
                let edges = before.then(way.edges).then(behind);
                let pattern = way
                    .pattern
                    .map(|part| Hir::concat([&parts[..at], &[part], &parts[at + 1..]].concat()));
                let size = way.size.saturating_add(shared);
                Way { bytes, edges, pattern, size, ..way }
            };
            rarest.into_iter().map(and).collect()
        }
        _ => Vec::new(),
    };
    if ways.len() > 1 { ways } else { vec![whole] }
}

/// How often a value has the bytes of one of the ways for which there is no text, roughly.
fn commonness(ways: &[Way]) -> u32 {
    let without = ways.iter().filter(|way| way.texts.is_empty());
    needs::commonness(&without.fold(ByteSet::EMPTY, |all, way| all.union(way.rarest())))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::automaton::syntax;

    fn ways(pattern: &str) -> (Vec<String>, usize) {
        let ways = of_pattern(&syntax::parse(pattern).unwrap(), 8);
        let without = ways.iter().filter(|way| way.texts.is_empty()).count();
        let mut texts: Vec<_> = ways.into_iter().flat_map(|way| way.texts).collect();
        texts.sort_unstable();
        (texts.into_iter().map(|text| String::from_utf8(text).unwrap()).collect(), without)
    }

    #[test]
    fn each_way_says_what_it_needs() {
        let of = |list: &[&str], without| {
            (list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>(), without)
        };
        assert_eq!(ways(r"union|select"), of(&["select", "union"], 0));
        assert_eq!(ways(r"\w+(?:cmdshell|;\s*\()"), of(&["cmdshell"], 1));
        let files = ["dumpfile", "outfile"];
        assert_eq!(ways(r"^\d(?:(?:out|dump)file|a(?:-|;[^=]*=))$"), of(&files, 2));
        assert_eq!(ways(r"[a-z]+\s"), of(&[], 1));
        assert_eq!(ways(r"(?:[a-z]+\s|\d:)+"), of(&[], 2));
    }

    #[test]
    fn they_are_few() {
        let bytes: Vec<_> =
            (b'!'..=b'/').map(|byte| format!("[a-z]+[\\{}]\\d", byte as char)).collect();
        let found = ways(&bytes.join("|"));
        assert!(found.0.is_empty() && (2..=8).contains(&found.1), "{found:?}");
        let texts: Vec<_> = (0..400).map(|at| format!("[a-z]+word{at}")).collect();
        let found = ways(&texts.join("|"));
        assert!(found.0.len() <= GATE_TEXTS && (1..=8).contains(&found.1), "{}", found.1);
    }
}
