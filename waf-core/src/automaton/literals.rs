//! Texts of which every match of a pattern holds one.
//!
//! ```text
//! union\s+(?:all\s+)?select\b   "select": the longest that is needed
//! (?:cat|type)\s+/etc           "/etc"
//! [;|&]\s*\w+                   none
//! ```

use regex_syntax::hir::{Class, Hir, HirKind};

use crate::limits::{GATE_LITERALS, GATE_MIN_BYTES};

/// Texts, ASCII lower case, of which every match holds at least one, in any case. The set with the
/// longest shortest text; `None` when there is none worth asking for.
pub(super) fn needed(hir: &Hir) -> Option<Vec<Vec<u8>>> {
    let texts = required(hir)?;
    texts.iter().all(|text| is_telling(text)).then(|| tidy(texts)).flatten()
}

/// Whether a text is rare enough to be worth asking for: a pair of letters occurs everywhere.
fn is_telling(text: &[u8]) -> bool {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || byte.is_ascii_whitespace();
    text.len() > GATE_MIN_BYTES || (text.len() == GATE_MIN_BYTES && !text.iter().any(is_plain))
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
        HirKind::Class(Class::Unicode(class)) => {
            let ranges = class.ranges().iter();
            let characters = ranges.flat_map(|range| range.start()..=range.end());
            let texts = characters.take(GATE_LITERALS + 1);
            tidy(texts.map(|one| one.to_string().to_ascii_lowercase().into_bytes()).collect())
        }
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

pub(super) fn tidy(mut texts: Vec<Vec<u8>>) -> Option<Vec<Vec<u8>>> {
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
}
