//! Which patterns can match a whole value at all? Most lack a byte that they need (`needs.rs`). Most
//! of the rest need some literal text: where none of it occurs, the pattern does not match and need
//! not be run. One Aho-Corasick pass over the value answers that for all of them.
//!
//! ```text
//! union\s+(?:all\s+)?select\b   needs "union"          (and "select": the longest is asked for)
//! (?:cat|type)\s+/etc           needs "/etc"
//! [;|&]\s*\w+                   needs no text, but a byte of "[;|&]"
//! ```
//!
//! This is for values that are at hand as a whole. A stream may hold the beginning of a match long
//! before the literal, so there the automata run for all patterns.

use regex_syntax::hir::{Class, Hir, HirKind};

use super::needs::{self, Needs};
use super::{BuildError, Hit, PatternId, PatternSet, Phrases};
use crate::bytes::ByteSet;
use crate::limits::{GATE_LITERALS, GATE_MIN_BYTES};

/// What patterns need.
#[derive(Debug)]
pub struct Gate {
    bytes: Needs,
    literals: Phrases,
    /// Patterns that need no literal.
    open: PatternSet,
}

/// Working memory of a gate.
#[derive(Debug, Default)]
pub struct Waiting {
    patterns: PatternSet,
    hits: Vec<Hit>,
}

impl Gate {
    /// The gate of some patterns; ids are places.
    ///
    /// # Errors
    /// When the literals together are too large for an automaton.
    pub fn new(patterns: &[Hir]) -> Result<Self, BuildError> {
        let bytes = Needs::new(&patterns.iter().map(needs::of_pattern).collect::<Vec<_>>());
        let texts: Vec<Vec<Vec<u8>>> =
            patterns.iter().map(|hir| needed(hir).unwrap_or_default()).collect();
        let open = texts.iter().enumerate().filter(|(_, texts)| texts.is_empty());
        let open = open.filter_map(|(at, _)| PatternId::new(at)).collect();
        Ok(Self { bytes, literals: Phrases::new(&texts, true)?, open })
    }

    /// Takes out of `wanted` what cannot match the whole value, whose bytes are `present`.
    pub fn narrow(
        &self,
        value: &[u8],
        present: ByteSet,
        wanted: &mut PatternSet,
        memory: &mut Waiting,
    ) {
        self.bytes.narrow(present, wanted);
        if wanted.is_subset(&self.open) {
            return;
        }
        memory.patterns.copy_from(wanted);
        memory.patterns.subtract(&self.open);
        memory.hits.clear();
        let cursor = &mut self.literals.start();
        self.literals.scan(cursor, value, &mut memory.patterns, &mut memory.hits);
        // What still waits for its literal will not match.
        wanted.subtract(&memory.patterns);
    }

    /// Bytes of the tables.
    pub fn bytes(&self) -> usize {
        self.bytes.bytes() + self.literals.bytes()
    }
}

/// Texts, ASCII lower case, of which every match holds at least one, in any case. The set with the
/// longest shortest text; `None` when there is none worth asking for.
fn needed(hir: &Hir) -> Option<Vec<Vec<u8>>> {
    let texts = required(hir)?;
    (shortest(&texts) >= GATE_MIN_BYTES).then_some(texts)
}

fn required(hir: &Hir) -> Option<Vec<Vec<u8>>> {
    if let Some(texts) = language(hir).filter(|texts| shortest(texts) > 0) {
        return Some(texts);
    }
    match hir.kind() {
        HirKind::Capture(capture) => required(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => required(&repetition.sub),
        HirKind::Concat(parts) => of_concat(parts),
        HirKind::Alternation(parts) => {
            let mut all = Vec::new();
            for part in parts {
                all.extend(required(part)?);
            }
            tidy(all)
        }
        _ => None,
    }
}

/// The best of: runs of parts that each match a few texts only, and what single parts need.
fn of_concat(parts: &[Hir]) -> Option<Vec<Vec<u8>>> {
    let mut candidates: Vec<Vec<Vec<u8>>> = Vec::new();
    let mut run: Vec<Vec<u8>> = vec![Vec::new()];
    for part in parts {
        let joined = language(part).and_then(|texts| product(&run, &texts));
        match joined {
            Some(longer) => run = longer,
            None => {
                candidates.push(std::mem::replace(&mut run, vec![Vec::new()]));
                candidates.extend(required(part));
                if let Some(texts) = language(part) {
                    run = texts;
                }
            }
        }
    }
    candidates.push(run);
    candidates
        .into_iter()
        .filter(|texts| shortest(texts) > 0)
        .max_by_key(|texts| (shortest(texts), std::cmp::Reverse(texts.len())))
}

/// Every text the expression matches, folded to lower case, when they are few. Look-around matches
/// the empty text: it only takes matches away.
fn language(hir: &Hir) -> Option<Vec<Vec<u8>>> {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Some(vec![Vec::new()]),
        HirKind::Literal(literal) => Some(vec![literal.0.to_ascii_lowercase()]),
        HirKind::Class(Class::Bytes(class)) => {
            let bytes = class.ranges().iter().flat_map(|range| range.start()..=range.end());
            let mut texts: Vec<Vec<u8>> = Vec::new();
            for byte in bytes {
                let text = vec![byte.to_ascii_lowercase()];
                if !texts.contains(&text) {
                    texts.push(text);
                }
                if texts.len() > GATE_LITERALS {
                    return None;
                }
            }
            Some(texts)
        }
        HirKind::Capture(capture) => language(&capture.sub),
        HirKind::Repetition(repetition) => {
            let texts = language(&repetition.sub)?;
            if repetition.max != Some(repetition.min) {
                return match (repetition.min, repetition.max) {
                    (0, Some(1)) => tidy([vec![Vec::new()], texts].concat()),
                    _ => None,
                };
            }
            let mut all = vec![Vec::new()];
            for _ in 0..repetition.min {
                all = product(&all, &texts)?;
            }
            Some(all)
        }
        HirKind::Concat(parts) => {
            parts.iter().try_fold(vec![Vec::new()], |all, part| product(&all, &language(part)?))
        }
        HirKind::Alternation(parts) => {
            let mut all = Vec::new();
            for part in parts {
                all.extend(language(part)?);
                all = tidy(all)?;
            }
            Some(all)
        }
        HirKind::Class(Class::Unicode(_)) => None,
    }
}

fn product(heads: &[Vec<u8>], tails: &[Vec<u8>]) -> Option<Vec<Vec<u8>>> {
    if heads.len() * tails.len() > GATE_LITERALS {
        return None;
    }
    tidy(
        heads.iter().flat_map(|head| tails.iter().map(|tail| [&head[..], tail].concat())).collect(),
    )
}

fn tidy(mut texts: Vec<Vec<u8>>) -> Option<Vec<Vec<u8>>> {
    texts.sort_unstable();
    texts.dedup();
    (texts.len() <= GATE_LITERALS).then_some(texts)
}

fn shortest(texts: &[Vec<u8>]) -> usize {
    texts.iter().map(Vec::len).min().unwrap_or(0)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::automaton::syntax;

    fn needs(pattern: &str) -> Option<Vec<String>> {
        let texts = needed(&syntax::parse(pattern).unwrap())?;
        Some(texts.into_iter().map(|text| String::from_utf8(text).unwrap()).collect())
    }

    #[test]
    fn the_longest_literal_of_a_sequence_is_asked_for() {
        assert_eq!(needs(r"\bunion\s+(?:all\s+)?select\b").unwrap(), ["select"]);
        assert_eq!(needs(r"(?i)<script[^>]*>").unwrap(), ["<script"]);
        assert_eq!(needs(r"a(?:bc|de)f").unwrap(), ["abcf", "adef"]);
        assert_eq!(needs(r"(?:cat|type)\s+/etc").unwrap(), ["/etc"]);
        assert_eq!(needs(r"(?:exec){2}").unwrap(), ["execexec"]);
        assert_eq!(needs(r"(?:passwd)+").unwrap(), ["passwd"]);
    }

    #[test]
    fn what_may_be_missing_is_not_needed() {
        assert_eq!(needs(r"(?:union)?\d+"), None);
        assert_eq!(needs(r"(?:union|\d+)"), None);
        assert_eq!(needs(r"[a-z]+x*"), None);
        assert_eq!(needs(r"(?:script){0,3}"), None);
    }

    /// Whatever a pattern matches holds one of its literals: generated from the pattern's own parts.
    #[test]
    fn a_match_always_passes_the_gate() {
        let patterns = [
            r"(?i)un[i1]on\s+sel(?:ect)?",
            r"(?:a|bc)d{2}[ef]g?",
            r"x(?:yz|[0-2])w",
            r"\bfoo\b|bar$",
            r"(?i:Ab)c[^d]*de",
            r"ab?c",
            r"(?:ab){1,2}c",
        ];
        let hirs: Vec<Hir> = patterns.iter().map(|p| syntax::parse(p).unwrap()).collect();
        let gate = Gate::new(&hirs).unwrap();
        let regexes: Vec<_> = hirs
            .iter()
            .map(|hir| regex_automata::meta::Builder::new().build_from_hir(hir).unwrap())
            .collect();
        let wanted = PatternSet::all(hirs.len());
        let alphabet = b"uni1on selctabdefgxyzw012 foobrABCD";
        let mut state = 7_u64;
        let mut matched = 0;
        for _ in 0..20_000 {
            let mut text = Vec::new();
            for _ in 0..8 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                text.push(alphabet[(state >> 33) as usize % alphabet.len()]);
            }
            let mut present = ByteSet::EMPTY;
            present.insert_all(&text);
            let mut candidates = wanted.clone();
            gate.narrow(&text, present, &mut candidates, &mut Waiting::default());
            for (at, regex) in regexes.iter().enumerate() {
                let id = PatternId::new(at).unwrap();
                if regex.is_match(&text[..]) {
                    matched += 1;
                    assert!(candidates.contains(id), "{text:?}");
                }
            }
        }
        assert!(matched > 50, "{matched}");
    }
}
